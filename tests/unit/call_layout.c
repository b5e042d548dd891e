#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apps/call/layout.h"

static void check(struct layout_rect r, int x, int y, int width, int height)
{
	assert_int_equal(r.x, x);
	assert_int_equal(r.y, y);
	assert_int_equal(r.width, width);
	assert_int_equal(r.height, height);
}

static void test_a_picture_of_the_windows_shape_fills_it(void **state)
{
	(void)state;
	check(layout_fit(640, 480, (struct layout_picture){ 640, 480, 0 }), 0, 0, 640, 480);
	check(layout_fit(1280, 960, (struct layout_picture){ 640, 480, 0 }), 0, 0, 1280, 960);
	check(layout_fit(320, 240, (struct layout_picture){ 640, 480, 180 }), 0, 0, 320, 240);
}

static void test_other_shapes_keep_theirs_in_the_middle(void **state)
{
	(void)state;
	check(layout_fit(800, 480, (struct layout_picture){ 640, 480, 0 }), 80, 0, 640, 480);
	check(layout_fit(640, 600, (struct layout_picture){ 640, 480, 0 }), 0, 60, 640, 480);
	check(layout_fit(1000, 1000, (struct layout_picture){ 16, 9, 0 }), 0, 218, 1000, 563);
}

static void test_lying_pictures_are_placed_as_they_stand(void **state)
{
	(void)state;
	check(layout_fit(640, 480, (struct layout_picture){ 640, 480, 90 }), 140, 0, 360, 480);
	check(layout_fit(480, 640, (struct layout_picture){ 640, 480, 270 }), 0, 0, 480, 640);
}

static void test_a_narrow_picture_is_a_pixel_wide_at_least(void **state)
{
	(void)state;
	check(layout_fit(100, 100, (struct layout_picture){ 1, 16384, 0 }), 49, 0, 1, 100);
	check(layout_fit(100, 100, (struct layout_picture){ 16384, 1, 0 }), 0, 49, 100, 1);
}

static void test_without_window_or_picture_there_is_nothing_to_draw(void **state)
{
	(void)state;
	assert_int_equal(layout_fit(0, 480, (struct layout_picture){ 640, 480, 0 }).width, 0);
	assert_int_equal(layout_fit(640, 480, (struct layout_picture){ 0, 0, 0 }).height, 0);
	assert_int_equal(layout_corner(3, 3, (struct layout_picture){ 640, 480, 0 }).width, 0);
}

static void test_the_corner_is_a_quarter_with_a_margin(void **state)
{
	(void)state;
	check(layout_corner(640, 480, (struct layout_picture){ 320, 240, 0 }), 640 - 12 - 160, 480 - 12 - 120, 160, 120);
	check(layout_corner(640, 480, (struct layout_picture){ 320, 240, 90 }), 640 - 12 - 90, 480 - 12 - 120, 90, 120);
}

/* Turned by 90 degrees about its centre the rectangle covers the upright one: same centre, sides exchanged. */
static void test_before_a_turn_sides_are_exchanged_about_the_centre(void **state)
{
	const struct layout_rect upright = { 140, 0, 360, 480 };

	(void)state;
	check(layout_before_turn(upright, 0), 140, 0, 360, 480);
	check(layout_before_turn(upright, 180), 140, 0, 360, 480);
	check(layout_before_turn(upright, 90), 80, 60, 480, 360);
	check(layout_before_turn(upright, 270), 80, 60, 480, 360);
}

static void test_a_window_has_its_pictures_size_if_the_screen_has_room(void **state)
{
	(void)state;
	check(layout_window(1920, 1080, (struct layout_picture){ 1280, 720, 0 }), 0, 0, 1280, 720);
	check(layout_window(1920, 1080, (struct layout_picture){ 480, 640, 90 }), 0, 0, 640, 480);
	check(layout_window(1000, 1000, (struct layout_picture){ 1920, 1080, 0 }), 0, 0, 900, 506);
	check(layout_window(1000, 1000, (struct layout_picture){ 1920, 1080, 90 }), 0, 0, 506, 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_picture_of_the_windows_shape_fills_it),
		cmocka_unit_test(test_other_shapes_keep_theirs_in_the_middle),
		cmocka_unit_test(test_lying_pictures_are_placed_as_they_stand),
		cmocka_unit_test(test_a_narrow_picture_is_a_pixel_wide_at_least),
		cmocka_unit_test(test_without_window_or_picture_there_is_nothing_to_draw),
		cmocka_unit_test(test_the_corner_is_a_quarter_with_a_margin),
		cmocka_unit_test(test_before_a_turn_sides_are_exchanged_about_the_centre),
		cmocka_unit_test(test_a_window_has_its_pictures_size_if_the_screen_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
