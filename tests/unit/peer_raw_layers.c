#include "peer/raw_layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/alloc.h"

enum { INTERVAL = 33333 };

struct world {
	struct raw_layers l;
	struct raw_layer *large, *small;
	wlk_time now;
	unsigned stalls, resumes;
};

static void begin(struct world *w)
{
	*w = (struct world){ .now = SECOND };
	w->large = raw_layers_get(&w->l, w->now, "f");
	w->small = raw_layers_get(&w->l, w->now, "q");
	assert_true(w->large && w->small);
	w->large->pixels = 640 * 480;
	w->small->pixels = 320 * 240;
}

static void end(struct world *w)
{
	raw_layers_free(&w->l);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void show(struct world *w, struct raw_layer *layer)
{
	layer->shown = w->now;
	video_watch_shown(&layer->video.watch, w->now);
}

/* 2 s of pictures in the layers that are on. */
static void run(struct world *w, bool large, bool small, bool is_received)
{
	for (int i = 0; i < 60; i++) {
		struct video_stall stall;

		if (large)
			show(w, w->large);
		if (small)
			show(w, w->small);
		while (raw_layers_poll_stall(&w->l, w->now, is_received, &stall))
			*(stall.is_stalled ? &w->stalls : &w->resumes) += 1;
		w->now += INTERVAL;
	}
}

static void test_a_layer_that_pauses_beside_another_is_no_standstill(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	run(&w, true, true, true);
	run(&w, false, true, true);
	run(&w, true, true, true);
	assert_int_equal(w.stalls, 0);
	assert_int_equal(w.resumes, 0);
	end(&w);
}

static void test_standing_still_and_going_on_are_told_by_turns(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	run(&w, true, true, true);
	run(&w, false, false, true);
	assert_int_equal(w.stalls, 1);
	assert_int_equal(w.resumes, 0);
	run(&w, false, true, true); /* one of the two is enough */
	assert_int_equal(w.resumes, 1);
	run(&w, true, true, true);
	assert_int_equal(w.stalls, 1);
	assert_int_equal(w.resumes, 1);
	end(&w);
}

static void test_nothing_is_told_of_what_is_not_received(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	run(&w, true, false, true);
	run(&w, false, false, false);
	assert_int_equal(w.stalls, 0);
	run(&w, true, false, true);
	assert_int_equal(w.resumes, 0);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_layer_that_pauses_beside_another_is_no_standstill),
		cmocka_unit_test(test_standing_still_and_going_on_are_told_by_turns),
		cmocka_unit_test(test_nothing_is_told_of_what_is_not_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
