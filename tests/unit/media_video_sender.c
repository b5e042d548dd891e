#include "media/track/video_sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "media/codec/convert.h"

enum { INTERVAL = 33333, START = 1000000, MANY_JOBS = 1000 };

/* ---- an encoder that writes down what it was asked for, and gives one byte a picture ---- */

struct fake {
	size_t count, alive, keys;
	bool drops;        /* gives nothing */
	wlk_err refuses;   /* to be made */
	uint32_t width, height;
	uint64_t bitrate;
	double fps;
	uint8_t byte;
};

static wlk_err fake_create(void *user, const struct video_encoder_config *config, void **state)
{
	struct fake *fake = user;

	(void)config;
	if (fake->refuses)
		return fake->refuses;
	fake->alive++;
	*state = fake;
	return WLK_OK;
}

static wlk_err fake_encode(void *state, const struct video_frame *frame, const struct video_encode_params *params, struct encoded_picture *out)
{
	struct fake *fake = state;

	fake->count++;
	fake->width = frame->width;
	fake->height = frame->height;
	fake->bitrate = params->bitrate_bps;
	fake->fps = params->fps;
	*out = (struct encoded_picture){ 0 };
	if (fake->drops)
		return WLK_OK;
	fake->keys += params->force_key;
	out->count = 1;
	out->frames[0] = (struct encoded_frame){ .data = &fake->byte, .size = 1, .width = frame->width, .height = frame->height, .is_key = params->force_key,
						 .ends_picture = true, .temporal = -1, .spatial = -1, .qp = 10 };
	return WLK_OK;
}

static void fake_destroy(void *state)
{
	((struct fake *)state)->alive--;
}

static const struct video_encoder_ops fake_ops = { fake_create, fake_encode, fake_destroy };

/* ---- a sender with one for each layer ---- */

struct world {
	struct video_sender s;
	struct fake fake[3];
	struct video_encoder_plugin plugin[3];
	struct video_layer_config layers[3];
	wlk_time now;
};

static void configure(struct world *w, size_t count)
{
	assert_int_equal(video_sender_configure(&w->s, w->layers, count, VIDEO_PREFER_UNSET), WLK_OK);
}

static void begin(struct world *w, size_t count)
{
	*w = (struct world){ .now = START };
	video_sender_init(&w->s);
	for (size_t i = 0; i < count; i++) {
		w->plugin[i] = (struct video_encoder_plugin){ &fake_ops, &w->fake[i], "fake", false };
		w->layers[i] = (struct video_layer_config){ .active = true, .setup = { .codec = CODEC_AV1, .plugin = &w->plugin[i] }, .scale = 1 };
		assert_true(scalability_parse(&w->layers[i].setup.layers, "L1T1"));
	}
	configure(w, count);
	video_sender_set_open(&w->s, true);
}

static void end(struct world *w)
{
	video_sender_free(&w->s);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(w->fake[i].alive, 0);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void push(struct world *w)
{
	struct video_frame *frame = video_frame_create(640, 360);

	assert_non_null(frame);
	video_frame_fill_black(frame);
	frame->captured = w->now;
	video_sender_push(&w->s, frame);
}

static size_t work(struct world *w)
{
	struct track_job *job;
	size_t count = 0;

	while (video_sender_poll_job(&w->s, w->now, &job)) {
		track_job_run(job);
		track_on_job(job, w->now, 1000);
		assert_true(++count < MANY_JOBS && "the jobs end");
	}
	assert_false(video_sender_has_job(&w->s));
	return count;
}

/* Takes all that waits; gives the number of frames, and of the last one its timestamp. */
static size_t send(struct world *w, uint32_t *timestamp)
{
	struct video_output out;
	size_t count = 0;

	for (; video_sender_poll_output(&w->s, &out); count++) {
		if (timestamp)
			*timestamp = out.timestamp;
		video_sender_drop_output(&w->s, out.layer);
	}
	return count;
}

/* One picture through; gives the frames that came of it. */
static size_t step(struct world *w)
{
	w->now += INTERVAL;
	push(w);
	work(w);
	return send(w, NULL);
}

static void test_a_picture_is_one_job_and_the_first_a_key_frame(void **state)
{
	struct world w;
	struct video_output out;

	(void)state;
	begin(&w, 1);
	assert_false(video_sender_has_job(&w.s));
	push(&w);
	assert_int_equal(work(&w), 1);
	assert_true(video_sender_poll_output(&w.s, &out));
	assert_true(out.frame->is_key);
	assert_int_equal(out.codec, CODEC_AV1);
	assert_int_equal(out.captured, w.now);
	assert_int_equal(send(&w, NULL), 1);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(step(&w), 1);
	assert_int_equal(w.fake[0].keys, 1);
	assert_int_equal(w.s.layers[0].stats.frames_encoded, 11);
	end(&w);
}

static void test_a_key_frame_that_is_asked_for_between_pictures_shows_the_newest_again(void **state)
{
	struct world w;
	uint32_t first = 0, again = 0;

	(void)state;
	begin(&w, 1);
	push(&w);
	work(&w);
	assert_int_equal(send(&w, &first), 1);
	w.now += 10000;
	video_sender_key_frame(&w.s, 0);
	assert_int_equal(work(&w), 1);
	assert_int_equal(send(&w, &again), 1);
	assert_int_equal(w.fake[0].keys, 2);
	assert_int_equal(again - first, 900); /* a time of its own */
	end(&w);
}

static void test_a_picture_that_gives_nothing_is_not_tried_for_ever(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1);
	w.fake[0].drops = true;
	push(&w);
	assert_int_equal(work(&w), 1);
	video_sender_key_frame(&w.s, 0);
	assert_int_equal(work(&w), 0);
	w.fake[0].drops = false;
	assert_int_equal(step(&w), 1);
	assert_int_equal(w.fake[0].keys, 1); /* the key frame is still owed */
	assert_int_equal(w.s.layers[0].stats.frames_dropped, 1);
	end(&w);
}

static void test_what_cannot_be_sent_costs_the_frames_up_to_a_key_frame_of_another_picture(void **state)
{
	struct world w;
	struct video_output out;

	(void)state;
	begin(&w, 1);
	push(&w);
	work(&w);
	assert_true(video_sender_poll_output(&w.s, &out));
	video_sender_refuse_output(&w.s, out.layer);
	assert_false(video_sender_poll_output(&w.s, &out));
	assert_int_equal(work(&w), 0);
	assert_int_equal(step(&w), 1);
	assert_int_equal(w.fake[0].keys, 2);
	end(&w);
}

static void test_what_nobody_takes_is_bounded(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1);
	for (unsigned i = 0; i < 20; i++) {
		push(&w);
		work(&w);
		w.now += INTERVAL;
	}
	assert_int_equal(w.fake[0].count, VIDEO_SENDER_WAITING);
	assert_int_equal(send(&w, NULL), VIDEO_SENDER_WAITING);
	end(&w);
}

static void test_an_estimate_of_nothing_pauses_and_what_comes_after_is_a_key_frame(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1);
	step(&w);
	video_sender_set_target(&w.s, 0, 300000);
	assert_int_equal(step(&w), 1);
	assert_int_equal(w.fake[0].bitrate, 300000);
	assert_int_equal(w.fake[0].keys, 1); /* from none to some: nothing was missed */
	video_sender_set_target(&w.s, 0, 0);
	assert_int_equal(step(&w), 0);
	video_sender_set_target(&w.s, 0, 200000);
	assert_int_equal(step(&w), 1);
	assert_int_equal(w.fake[0].bitrate, 200000);
	assert_int_equal(w.fake[0].keys, 2);
	end(&w);
}

static void test_the_limit_of_a_layer_bounds_the_estimate(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1);
	w.layers[0].max_bps = 150000;
	configure(&w, 1);
	video_sender_set_target(&w.s, 0, 1000000);
	step(&w);
	assert_int_equal(w.fake[0].bitrate, 150000);
	assert_int_equal(video_sender_bitrate(&w.s, 0), 150000);
	end(&w);
}

static void test_a_limited_frame_rate_keeps_pictures_of_an_even_rhythm(void **state)
{
	struct world w;
	size_t count = 0, pause = 0;

	(void)state;
	begin(&w, 1);
	w.layers[0].max_fps = 10;
	configure(&w, 1);
	for (unsigned i = 0; i < 90; i++) {
		size_t sent = step(&w);

		count += sent;
		pause = sent ? 0 : pause + 1;
		assert_true(pause <= 3);
	}
	assert_in_range(count, 29, 32);
	end(&w);
}

static void test_timestamps_grow_whatever_the_source_says(void **state)
{
	struct world w;
	uint32_t last = 0, next = 0;

	(void)state;
	begin(&w, 1);
	push(&w);
	work(&w);
	send(&w, &last);
	for (unsigned i = 0; i < 5; i++) { /* pictures of one moment */
		push(&w);
		work(&w);
		assert_int_equal(send(&w, &next), 1);
		assert_int_equal(next - last, 1);
		last = next;
	}
	w.now += 15 * 3600 * (wlk_time)SECOND; /* more than half of the timestamps' round: a clock of its own */
	push(&w);
	work(&w);
	assert_int_equal(send(&w, &next), 1);
	assert_int_equal(next, (uint32_t)(w.now * 9 / 100));
	end(&w);
}

static void test_three_layers_have_sizes_and_encoders_of_their_own(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 3);
	for (size_t i = 0; i < 3; i++)
		w.layers[i].scale = 4 >> i;
	configure(&w, 3);
	push(&w);
	assert_int_equal(work(&w), 3);
	assert_int_equal(w.fake[0].width, 160);
	assert_int_equal(w.fake[1].width, 320);
	assert_int_equal(w.fake[2].width, 640);
	assert_int_equal(send(&w, NULL), 3);
	w.layers[1].active = false;
	configure(&w, 3);
	assert_int_equal(step(&w), 2);
	w.layers[1].active = true;
	configure(&w, 3);
	assert_int_equal(step(&w), 3);
	assert_int_equal(w.fake[1].keys, 2); /* back from its pause */
	assert_int_equal(w.fake[2].keys, 1);
	end(&w);
}

static void test_an_encoder_that_cannot_be_made_is_not_asked_again_until_it_is_another(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1);
	w.fake[0].refuses = WLK_ERR_UNSUPPORTED;
	assert_int_equal(step(&w), 0);
	w.fake[0].refuses = WLK_OK;
	assert_int_equal(step(&w), 0);
	assert_int_equal(w.fake[0].count, 0);
	w.layers[0].setup.is_screen = true;
	configure(&w, 1);
	assert_int_equal(step(&w), 1);
	end(&w);
}

static void test_a_job_of_an_older_configuration_comes_back_for_nothing(void **state)
{
	struct world w;
	struct track_job *job;

	(void)state;
	begin(&w, 1);
	push(&w);
	assert_true(video_sender_poll_job(&w.s, w.now, &job));
	w.layers[0].setup.is_screen = true;
	configure(&w, 1);
	track_job_run(job);
	track_on_job(job, w.now, 0);
	assert_int_equal(w.fake[0].alive, 0);
	assert_int_equal(send(&w, NULL), 0);
	assert_int_equal(work(&w), 1);
	assert_int_equal(send(&w, NULL), 1);
	assert_int_equal(w.fake[0].keys, 2);
	end(&w);
}

static void test_a_track_that_goes_leaves_its_job_behind(void **state)
{
	struct world w;
	struct track_job *job;

	(void)state;
	begin(&w, 1);
	push(&w);
	assert_true(video_sender_poll_job(&w.s, w.now, &job));
	video_sender_free(&w.s);
	track_job_run(job);
	track_on_job(job, w.now, 0);
	assert_int_equal(w.fake[0].alive, 0);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_a_failed_configuration_changes_nothing(void **state)
{
	struct world w;
	struct video_layer_config other[2];

	(void)state;
	begin(&w, 2);
	for (size_t i = 0; i < 2; i++) {
		other[i] = w.layers[i];
		other[i].setup.fmtp = "profile=1";
	}
	alloc_fail_after(2);
	assert_int_equal(video_sender_configure(&w.s, other, 2, VIDEO_PREFER_UNSET), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_null(w.s.layers[0].fmtp);
	assert_int_equal(step(&w), 2);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_picture_is_one_job_and_the_first_a_key_frame),
		cmocka_unit_test(test_a_key_frame_that_is_asked_for_between_pictures_shows_the_newest_again),
		cmocka_unit_test(test_a_picture_that_gives_nothing_is_not_tried_for_ever),
		cmocka_unit_test(test_what_cannot_be_sent_costs_the_frames_up_to_a_key_frame_of_another_picture),
		cmocka_unit_test(test_what_nobody_takes_is_bounded),
		cmocka_unit_test(test_an_estimate_of_nothing_pauses_and_what_comes_after_is_a_key_frame),
		cmocka_unit_test(test_the_limit_of_a_layer_bounds_the_estimate),
		cmocka_unit_test(test_a_limited_frame_rate_keeps_pictures_of_an_even_rhythm),
		cmocka_unit_test(test_timestamps_grow_whatever_the_source_says),
		cmocka_unit_test(test_three_layers_have_sizes_and_encoders_of_their_own),
		cmocka_unit_test(test_an_encoder_that_cannot_be_made_is_not_asked_again_until_it_is_another),
		cmocka_unit_test(test_a_job_of_an_older_configuration_comes_back_for_nothing),
		cmocka_unit_test(test_a_track_that_goes_leaves_its_job_behind),
		cmocka_unit_test(test_a_failed_configuration_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
