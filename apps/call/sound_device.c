#include "sound_device.h"

#include <SDL.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sound.h"

/* Two buffers are under way: one that plays, and one that is filled. */
enum { SAMPLES = 480, BUFFERS = 2, SAMPLE_SIZE = 2 };

struct sound_device {
	SDL_AudioDeviceID id;
	sound_device_turn turn;
	void *user;
};

static void on_turn(void *user, Uint8 *bytes, int size)
{
	struct sound_device *d = user;
	size_t count = (size_t)size / SAMPLE_SIZE;

	d->turn((int16_t *)(void *)bytes, count, (int64_t)count * BUFFERS * 1000000 / SOUND_OUT_RATE, d->user);
}

static struct sound_device *open_device(const char *name, bool capture, sound_device_turn turn, void *user)
{
	SDL_AudioSpec wanted = { .freq = SOUND_OUT_RATE, .format = AUDIO_S16SYS, .channels = 1, .samples = SAMPLES, .callback = on_turn };
	struct sound_device *d = SDL_calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->turn = turn;
	d->user = user;
	wanted.userdata = d;
	SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	SDL_SetHint(SDL_HINT_AUDIO_DEVICE_APP_NAME, "wirelark-call");
	SDL_SetHint(SDL_HINT_AUDIO_DEVICE_STREAM_ROLE, "phone");
	if (SDL_InitSubSystem(SDL_INIT_AUDIO) == 0) {
		/* None of the changes that SDL could allow itself: it converts. */
		d->id = SDL_OpenAudioDevice(name, capture, &wanted, NULL, 0);
		if (d->id) {
			SDL_PauseAudioDevice(d->id, 0);
			return d;
		}
		fprintf(stderr, "no %s%s%s: %s\n", capture ? "microphone" : "loudspeaker", name ? " " : "", name ? name : "", SDL_GetError());
		SDL_QuitSubSystem(SDL_INIT_AUDIO);
	} else {
		fprintf(stderr, "no %s: %s\n", capture ? "microphone" : "loudspeaker", SDL_GetError());
	}
	SDL_free(d);
	return NULL;
}

struct sound_device *sound_device_microphone(const char *name, sound_device_turn turn, void *user)
{
	return open_device(name, true, turn, user);
}

struct sound_device *sound_device_speaker(const char *name, sound_device_turn turn, void *user)
{
	return open_device(name, false, turn, user);
}

void sound_device_close(struct sound_device *d)
{
	if (!d)
		return;
	SDL_CloseAudioDevice(d->id); /* waits for the thread */
	SDL_free(d);
	SDL_QuitSubSystem(SDL_INIT_AUDIO);
}

static void list(bool capture)
{
	int count = SDL_GetNumAudioDevices(capture);

	if (count <= 0)
		printf("no %s\n", capture ? "microphone" : "loudspeaker");
	for (int i = 0; i < count; i++)
		printf("%s: %s\n", capture ? "microphone" : "loudspeaker", SDL_GetAudioDeviceName(i, capture));
}

void sound_device_list(void)
{
	if (SDL_InitSubSystem(SDL_INIT_AUDIO) < 0) {
		printf("no sound: %s\n", SDL_GetError());
		return;
	}
	list(true);
	list(false);
	SDL_QuitSubSystem(SDL_INIT_AUDIO);
}
