/* The window: the far end's picture with our own small in a corner (SDL2). */
#ifndef CALL_WINDOW_H
#define CALL_WINDOW_H

#include <stdbool.h>

#include <wirelark/track.h>

struct window;

/* What the user wants, by keys or by closing the window; several at once. */
enum window_wish { WINDOW_HANG_UP = 1, WINDOW_MUTE = 2, WINDOW_VIDEO_OFF = 4 };

/* All of it on one thread, that of main(). NULL, told on stderr: there is no screen, or no SDL2 in this build. */
struct window *window_open(const char *title, bool full_screen);
/* close(NULL) does nothing. */
void window_close(struct window *window);

/* The pictures are copied. The first remote one gives the window its size, unless the user has changed it. */
void window_show_remote(struct window *window, const wlk_video_frame *frame);
/* |mirrored|: as people know themselves; NULL: none is shown. */
void window_show_own(struct window *window, const wlk_video_frame *frame, bool mirrored);
void window_set_title(struct window *window, const char *title);

/* Take what the user did, and draw what has changed. Returns wishes. Often: at least every 20 ms. */
unsigned window_turn(struct window *window);

#endif
