/* window.c on SDL's dummy screen: what is drawn is read back, keys are pushed into SDL's queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <SDL.h>

#include "apps/call/window.h"

enum { SIDE = 64 };

static uint8_t luma[SIDE * SIDE], grey[SIDE * SIDE];

/* A picture whose upper left quarter is white and whose rest is dark; U and V are without colour. */
static wlk_video_frame picture(uint32_t width, uint32_t height, uint16_t rotation)
{
	wlk_video_frame f = WLK_VIDEO_FRAME_INIT;

	memset(grey, 128, sizeof(grey));
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			luma[y * SIDE + x] = x < width / 2 && y < height / 2 ? 235 : 60;
	f.width = width;
	f.height = height;
	f.rotation = rotation;
	for (int i = 0; i < 3; i++) {
		f.data[i] = i ? grey : luma;
		f.stride[i] = SIDE;
	}
	return f;
}

static SDL_Window *the_window(void)
{
	SDL_Window *window = NULL;

	for (Uint32 id = 1; id < 100 && !window; id++)
		window = SDL_GetWindowFromID(id);
	assert_non_null(window);
	return window;
}

/* The red part of what is shown at this place, in 1/100 of the window's sides. */
static int at(int x, int y)
{
	SDL_Renderer *renderer = SDL_GetRenderer(the_window());
	SDL_Rect pixel = { 0, 0, 1, 1 };
	uint8_t rgb[4] = { 0 };
	int width, height;

	assert_int_equal(SDL_GetRendererOutputSize(renderer, &width, &height), 0);
	pixel.x = width * x / 100;
	pixel.y = height * y / 100;
	assert_int_equal(SDL_RenderReadPixels(renderer, &pixel, SDL_PIXELFORMAT_RGB24, rgb, 4), 0);
	return rgb[0];
}

static bool is_white(int x, int y)
{
	return at(x, y) > 200;
}

static unsigned press(struct window *w, SDL_Keycode key)
{
	SDL_Event event = { .key = { .type = SDL_KEYDOWN, .keysym = { .sym = key } } };

	assert_int_equal(SDL_PushEvent(&event), 1);
	return window_turn(w);
}

static struct window *open_window(void)
{
	struct window *w = window_open("a test", false);

	assert_non_null(w);
	window_turn(w); /* what opening it brought */
	return w;
}

/* As when it comes to light again: our own picture alone would wait for a moment. */
static void redraw(struct window *w)
{
	SDL_Event exposed = { .window = { .type = SDL_WINDOWEVENT, .event = SDL_WINDOWEVENT_EXPOSED } };

	SDL_PushEvent(&exposed);
	window_turn(w);
}

/* The white quarter is at the upper left; turned clockwise it goes round. */
static void test_rotation_is_obeyed(void **state)
{
	static const struct {
		uint16_t rotation;
		int x, y;
	} cases[] = { { 0, 25, 25 }, { 90, 75, 25 }, { 180, 75, 75 }, { 270, 25, 75 } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct window *w = open_window();
		wlk_video_frame f = picture(SIDE, SIDE, cases[i].rotation);

		window_show_remote(w, &f);
		window_turn(w);
		for (int k = 0; k < 4; k++)
			assert_int_equal(is_white(cases[k].x, cases[k].y), k == (int)i);
		window_close(w);
	}
}

static void test_the_window_takes_the_size_of_the_first_picture_standing_upright(void **state)
{
	struct window *w = open_window();
	wlk_video_frame lying = picture(64, 32, 90), other = picture(16, 16, 0);
	int width, height;

	(void)state;
	window_show_remote(w, &lying);
	SDL_GetWindowSize(the_window(), &width, &height);
	assert_int_equal(width, 32);
	assert_int_equal(height, 64);
	window_show_remote(w, &other);
	SDL_GetWindowSize(the_window(), &width, &height);
	assert_int_equal(width, 32);
	window_close(w);
}

static void test_another_shape_keeps_its_own_with_black_beside_it(void **state)
{
	struct window *w = open_window();
	wlk_video_frame f = picture(SIDE, SIDE, 0);

	(void)state;
	window_show_remote(w, &f);
	SDL_SetWindowSize(the_window(), 256, 64);
	window_turn(w);
	assert_int_equal(at(10, 50), 0);
	assert_int_equal(at(90, 50), 0);
	assert_true(is_white(42, 25));
	assert_in_range(at(58, 75), 30, 90);
	window_close(w);
}

/* A window of 640x480: the corner spans 468..628 and 348..468, its middle is at 548, 408. */
static void test_our_own_is_in_the_corner_mirrored_or_not(void **state)
{
	wlk_video_frame f = picture(SIDE, SIDE * 3 / 4, 0), nothing = picture(2, 2, 0);

	(void)state;
	for (int mirrored = 0; mirrored < 2; mirrored++) {
		struct window *w = open_window();

		window_show_own(w, &f, mirrored);
		redraw(w);
		assert_int_equal(is_white(508 * 100 / 640, 378 * 100 / 480), !mirrored);
		assert_int_equal(is_white(588 * 100 / 640, 378 * 100 / 480), mirrored);
		assert_in_range(at(548 * 100 / 640, 450 * 100 / 480), 30, 90);
		assert_int_equal(at(20, 20), 0);
		window_show_own(w, NULL, false);
		redraw(w);
		assert_int_equal(at(548 * 100 / 640, 450 * 100 / 480), 0);
		window_show_own(w, &nothing, false); /* another size is another texture */
		redraw(w);
		window_close(w);
	}
}

static void test_our_own_is_drawn_with_the_far_ends_picture(void **state)
{
	wlk_video_frame own = picture(SIDE, SIDE * 3 / 4, 0);
	struct window *w = open_window();

	(void)state;
	window_show_own(w, &own, false);
	window_show_remote(w, &own);
	SDL_SetWindowSize(the_window(), 640, 480);
	window_turn(w);
	assert_true(is_white(508 * 100 / 640, 378 * 100 / 480));
	window_close(w);
}

static void test_nv12_is_shown_too(void **state)
{
	struct window *w = open_window();
	wlk_video_frame f = picture(SIDE, SIDE, 0);

	(void)state;
	f.format = WLK_PIXEL_FORMAT_NV12;
	window_show_remote(w, &f);
	window_turn(w);
	assert_true(is_white(25, 25));
	assert_in_range(at(75, 75), 30, 90);
	window_close(w);
}

static void test_keys_are_wishes(void **state)
{
	struct window *w = open_window();
	SDL_Event quit = { .type = SDL_QUIT }, again = { .key = { .type = SDL_KEYDOWN, .repeat = 1, .keysym = { .sym = SDLK_m } } };

	(void)state;
	assert_int_equal(press(w, SDLK_m), WINDOW_MUTE);
	assert_int_equal(press(w, SDLK_v), WINDOW_VIDEO_OFF);
	assert_int_equal(press(w, SDLK_q), WINDOW_HANG_UP);
	assert_int_equal(press(w, SDLK_x), 0);
	SDL_PushEvent(&again); /* a key that is held down is one */
	assert_int_equal(window_turn(w), 0);
	SDL_PushEvent(&quit);
	assert_int_equal(window_turn(w), WINDOW_HANG_UP);
	window_close(w);
}

static bool is_full_screen(void)
{
	return SDL_GetWindowFlags(the_window()) & SDL_WINDOW_FULLSCREEN_DESKTOP;
}

static void test_f_is_full_screen_and_back_and_escape_leaves_it(void **state)
{
	struct window *w = open_window();

	(void)state;
	assert_int_equal(press(w, SDLK_f), 0);
	assert_true(is_full_screen());
	press(w, SDLK_f);
	assert_false(is_full_screen());
	press(w, SDLK_F11);
	assert_true(is_full_screen());
	press(w, SDLK_ESCAPE);
	assert_false(is_full_screen());
	press(w, SDLK_ESCAPE);
	assert_false(is_full_screen());
	window_close(w);
}

static void test_two_presses_in_one_turn_undo_each_other(void **state)
{
	struct window *w = open_window();
	SDL_Event event = { .key = { .type = SDL_KEYDOWN, .keysym = { .sym = SDLK_m } } };

	(void)state;
	SDL_PushEvent(&event);
	assert_int_equal(press(w, SDLK_m), 0);
	window_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotation_is_obeyed),
		cmocka_unit_test(test_the_window_takes_the_size_of_the_first_picture_standing_upright),
		cmocka_unit_test(test_another_shape_keeps_its_own_with_black_beside_it),
		cmocka_unit_test(test_our_own_is_in_the_corner_mirrored_or_not),
		cmocka_unit_test(test_our_own_is_drawn_with_the_far_ends_picture),
		cmocka_unit_test(test_nv12_is_shown_too),
		cmocka_unit_test(test_keys_are_wishes),
		cmocka_unit_test(test_f_is_full_screen_and_back_and_escape_leaves_it),
		cmocka_unit_test(test_two_presses_in_one_turn_undo_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
