/* Window and sound devices of a build without SDL2: there are none, and that is said. */
#include <stdio.h>

#include "sound_device.h"
#include "window.h"

static const char why[] = "this wirelark-call was built without SDL2 (libsdl2-dev)";

struct window *window_open(const char *title, bool full_screen)
{
	(void)title, (void)full_screen;
	fprintf(stderr, "no window: %s\n", why);
	return NULL;
}

void window_close(struct window *window)
{
	(void)window;
}

void window_show_remote(struct window *window, const wlk_video_frame *frame)
{
	(void)window, (void)frame;
}

void window_show_own(struct window *window, const wlk_video_frame *frame, bool mirrored)
{
	(void)window, (void)frame, (void)mirrored;
}

void window_set_title(struct window *window, const char *title)
{
	(void)window, (void)title;
}

unsigned window_turn(struct window *window)
{
	(void)window;
	return 0;
}

struct sound_device *sound_device_microphone(const char *name, sound_device_turn turn, void *user)
{
	(void)name, (void)turn, (void)user;
	fprintf(stderr, "no microphone: %s\n", why);
	return NULL;
}

struct sound_device *sound_device_speaker(const char *name, sound_device_turn turn, void *user)
{
	(void)name, (void)turn, (void)user;
	fprintf(stderr, "no loudspeaker: %s\n", why);
	return NULL;
}

void sound_device_close(struct sound_device *device)
{
	(void)device;
}

void sound_device_list(void)
{
	printf("no microphone, no loudspeaker: %s\n", why);
}
