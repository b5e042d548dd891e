#include "media/track/video_receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/alloc.h"

enum { INTERVAL = 33333, START = 1000000, SIDE = 16 };

/* ---- a decoder that tells what it was given: 'K' a key frame, 'P' one that refers, 'S' a lower spatial layer, 'X' rubbish ---- */

struct fake {
	char given[2 * VIDEO_UNITS_MAX];
	size_t count, alive;
};

static wlk_err fake_create(void *user, const struct video_decoder_config *config, void **state)
{
	struct fake *fake = user;

	(void)config;
	fake->alive++;
	*state = fake;
	return WLK_OK;
}

static wlk_err fake_decode(void *state, const struct video_decode_input *input, struct video_decoded *out)
{
	struct fake *fake = state;

	assert_true(fake->count < sizeof(fake->given) - 1);
	fake->given[fake->count++] = (char)input->data[0];
	if (input->data[0] == 'X')
		return WLK_ERR_PARSE;
	if (input->ends_picture)
		out->frame = video_frame_create(SIDE, SIDE);
	return WLK_OK;
}

static void fake_destroy(void *state)
{
	((struct fake *)state)->alive--;
}

static const struct video_decoder_ops fake_ops = { fake_create, fake_decode, fake_destroy };

/* ---- a receiver with it ---- */

struct world {
	struct video_receiver r;
	struct fake fake;
	struct video_decoder_plugin plugin;
	wlk_time now;
	uint32_t ssrc;
	unsigned sent; /* pictures, which came INTERVAL apart */
};

static const struct video_decoder_plugin *plugin_of(void *user, enum codec_id codec, const char **fmtp)
{
	(void)codec;
	(void)fmtp;
	return &((struct world *)user)->plugin;
}

static void begin(struct world *w)
{
	*w = (struct world){ .now = START };
	w->plugin = (struct video_decoder_plugin){ &fake_ops, &w->fake, "fake", false };
	video_receiver_init(&w->r);
	w->r.find_plugin = plugin_of;
	w->r.user = w;
}

static void end(struct world *w)
{
	video_receiver_free(&w->r);
	assert_int_equal(w->fake.alive, 0);
	assert_int_equal(alloc_live_blocks(), 0);
}

static uint32_t timestamp_of(unsigned picture)
{
	return picture * 3000;
}

static void input_of(struct world *w, enum codec_id codec, char kind, uint32_t timestamp)
{
	uint8_t byte = (uint8_t)kind;
	struct video_unit *unit = video_unit_create(&byte, 1);

	assert_non_null(unit);
	unit->ssrc = w->ssrc;
	unit->codec = codec;
	unit->timestamp = timestamp;
	unit->is_key = kind == 'K';
	unit->ends_picture = kind != 'S';
	unit->first_arrival = unit->arrival = w->now;
	video_receiver_input(&w->r, w->now, unit, 0);
}

static void input(struct world *w, char kind, uint32_t timestamp)
{
	input_of(w, CODEC_AV1, kind, timestamp); /* one that nobody looks into before its plug-in does */
}

static void arrive(struct world *w, char kind)
{
	input(w, kind, timestamp_of(w->sent++));
}

/* The jobs that are due, each of them |spent| long. */
static unsigned work(struct world *w, wlk_time spent)
{
	struct track_job *job;
	unsigned count = 0;

	while (video_receiver_poll_job(&w->r, w->now, &job)) {
		track_job_run(job);
		track_on_job(job, w->now, spent);
		count++;
	}
	return count;
}

static unsigned shown(struct world *w)
{
	struct video_frame *frame;
	unsigned count = 0;
	wlk_time render;

	while ((frame = video_receiver_poll_frame(&w->r, w->now, &render))) {
		assert_true(render <= w->now);
		video_frame_release(frame);
		count++;
	}
	return count;
}

/* Until |end|, by its own deadlines. */
static unsigned run_until(struct world *w, wlk_time until)
{
	unsigned count = 0;

	for (;;) {
		struct video_stall stall;
		wlk_time at;

		work(w, 0);
		count += shown(w);
		(void)video_receiver_poll_stall(&w->r, w->now, &stall);
		at = video_receiver_deadline(&w->r);
		assert_true(at > w->now);
		if (at > until)
			break;
		w->now = at;
	}
	w->now = until;
	return count;
}

static void test_each_picture_is_decoded_and_shown_in_the_rhythm_of_the_sender(void **state)
{
	struct world w;
	unsigned count = 0;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 30; i++) {
		arrive(&w, i ? 'P' : 'K');
		count += run_until(&w, w.now + INTERVAL);
		assert_int_equal(count, i + 1); /* none waits for the next one */
	}
	assert_int_equal(w.fake.count, 30);
	assert_int_equal(w.r.stats.frames_dropped, 0);
	assert_int_equal(w.r.stats.emitted, 30);
	end(&w);
}

static void test_nothing_is_decoded_before_a_key_frame_which_is_asked_for_once(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	arrive(&w, 'P');
	assert_int_equal(run_until(&w, w.now + INTERVAL), 0);
	assert_int_equal(w.fake.count, 0);
	assert_true(video_receiver_wants_key(&w.r));
	assert_false(video_receiver_wants_key(&w.r));
	arrive(&w, 'K');
	assert_int_equal(run_until(&w, w.now + INTERVAL), 1);
	assert_int_equal(w.r.stats.frames_dropped, 1);
	end(&w);
}

static void test_a_picture_is_turned_as_its_last_frame_says(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 4; i++) {
		const char kind = i ? 'P' : 'K';
		struct video_unit *unit = video_unit_create((const uint8_t *)&kind, 1);
		struct video_frame *frame;
		wlk_time render;

		assert_non_null(unit);
		unit->codec = CODEC_AV1;
		unit->timestamp = timestamp_of(i);
		unit->is_key = !i;
		unit->ends_picture = true;
		unit->first_arrival = unit->arrival = w.now;
		unit->rotation = (uint16_t)(i * 90);
		video_receiver_input(&w.r, w.now, unit, 0);
		work(&w, 0);
		frame = video_receiver_poll_frame(&w.r, w.now, &render);
		assert_non_null(frame);
		assert_int_equal(frame->rotation, i * 90);
		video_frame_release(frame);
		w.now += INTERVAL;
	}
	end(&w);
}

static void test_rubbish_costs_the_frames_up_to_a_key_frame(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (const char *kind = "KPXPPKP"; *kind; kind++) {
		arrive(&w, *kind);
		run_until(&w, w.now + INTERVAL);
	}
	assert_string_equal(w.fake.given, "KPXKP");
	assert_true(video_receiver_wants_key(&w.r));
	assert_int_equal(w.r.stats.decoder.malformed, 1);
	end(&w);
}

/* Half a second waits. What comes behind a frame that is not taken in is dropped, and not what is in front of it. */
static void test_what_is_skipped_costs_the_frames_behind_it(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	jitter_buffer_set_minimum(&w.r.jitter, SECOND / 2);
	arrive(&w, 'K');
	arrive(&w, 'P');
	w.sent++;
	video_receiver_skip(&w.r);
	assert_true(video_receiver_wants_key(&w.r));
	arrive(&w, 'P');
	assert_true(video_receiver_wants_key(&w.r)); /* the first wish may have got lost */
	assert_int_equal(run_until(&w, w.now + SECOND), 2);
	assert_string_equal(w.fake.given, "KP");
	assert_int_equal(w.r.stats.frames_dropped, 1);
	arrive(&w, 'K');
	arrive(&w, 'P');
	assert_true(run_until(&w, w.now + SECOND) > 0);
	assert_string_equal(w.fake.given, "KPKP");
	assert_false(video_receiver_wants_key(&w.r));
	end(&w);
}

static void test_what_waits_of_one_codec_is_not_given_to_another(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	jitter_buffer_set_minimum(&w.r.jitter, SECOND / 2);
	arrive(&w, 'K');
	arrive(&w, 'P');
	input_of(&w, CODEC_H264, 'X', timestamp_of(2)); /* no key frame */
	assert_int_equal(run_until(&w, w.now + SECOND), 0);
	assert_int_equal(w.fake.count, 0);
	assert_int_equal(w.r.stats.frames_dropped, 3);
	assert_true(video_receiver_wants_key(&w.r));
	input_of(&w, CODEC_AV1, 'K', timestamp_of(3));
	assert_int_equal(run_until(&w, w.now + SECOND), 1);
	assert_string_equal(w.fake.given, "K");
	end(&w);
}

/* The sender began anew with another SSRC; what is left of the old one comes late, by retransmission. */
static void test_another_sender_takes_over_with_a_key_frame(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.ssrc = 1;
	arrive(&w, 'K');
	run_until(&w, w.now + INTERVAL);
	w.ssrc = 2;
	input(&w, 'P', 900000); /* of nothing that is here */
	input(&w, 'K', 903000);
	w.ssrc = 1;
	arrive(&w, 'P');
	w.ssrc = 2;
	run_until(&w, w.now + INTERVAL);
	input(&w, 'P', 906000);
	assert_int_equal(run_until(&w, w.now + INTERVAL), 1); /* by the new one's clock */
	assert_string_equal(w.fake.given, "KKP");
	assert_int_equal(w.r.stats.frames_dropped, 2);
	assert_false(video_receiver_wants_key(&w.r)); /* the present one goes on */
	w.now += 2 * SECOND;
	w.ssrc = 1;
	arrive(&w, 'P');
	assert_true(video_receiver_wants_key(&w.r)); /* it has ended */
	arrive(&w, 'K');
	assert_int_equal(run_until(&w, w.now + INTERVAL), 1);
	assert_string_equal(w.fake.given, "KKPK");
	end(&w);
}

static void test_R24_a_frame_that_took_too_long_costs_those_up_to_a_key_frame(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	arrive(&w, 'K');
	assert_int_equal(work(&w, VIDEO_DECODE_US_MAX), 1);
	w.now += INTERVAL;
	arrive(&w, 'P');
	assert_int_equal(work(&w, VIDEO_DECODE_US_MAX + 1), 1);
	assert_true(video_receiver_wants_key(&w.r));
	w.now += INTERVAL;
	arrive(&w, 'P');
	assert_int_equal(work(&w, 0), 0);
	arrive(&w, 'K');
	assert_int_equal(work(&w, 0), 1);
	assert_int_equal(w.r.stats.decoder.too_slow, 1);
	end(&w);
}

static void test_R25_what_no_decoder_takes_is_bounded(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 4 * VIDEO_UNITS_MAX; i++) {
		arrive(&w, i % 100 ? 'P' : 'K');
		assert_true(w.r.unit_count <= VIDEO_UNITS_MAX);
		w.now += 1000;
	}
	/* What is left begins with a key frame. */
	assert_int_equal(work(&w, 0) > 0, 1);
	assert_int_equal(w.fake.given[0], 'K');
	end(&w);
}

/* 2 s of 60 pictures a second wait, three spatial layers each. */
static void test_a_long_delay_has_room_for_fast_pictures_in_layers(void **state)
{
	struct world w;
	unsigned count = 0;

	(void)state;
	begin(&w);
	jitter_buffer_set_wish(&w.r.jitter, 2 * SECOND);
	input(&w, 'K', 0);
	for (unsigned i = 1; i < 240; i++) {
		input(&w, 'S', i * 1500);
		input(&w, 'S', i * 1500);
		input(&w, 'P', i * 1500);
		count += run_until(&w, w.now + SECOND / 60);
		assert_false(video_receiver_wants_key(&w.r));
	}
	assert_in_range(count, 118, 122);
	assert_int_equal(w.r.stats.frames_dropped, 0);
	end(&w);
}

static void test_R25_what_has_waited_for_seconds_is_given_up(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	arrive(&w, 'K');
	w.now += VIDEO_WAIT_MAX_US + 1;
	arrive(&w, 'P');
	assert_int_equal(w.r.unit_count, 0);
	assert_true(video_receiver_wants_key(&w.r));
	assert_int_equal(w.r.stats.frames_dropped, 2);
	end(&w);
}

static void test_of_pictures_that_are_late_together_the_last_is_shown(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (const char *kind = "KPPP"; *kind; kind++) {
		arrive(&w, *kind);
		w.now += INTERVAL;
	}
	w.now += SECOND;
	assert_int_equal(work(&w, 0), 4); /* each is needed by the next */
	assert_int_equal(shown(&w), 1);
	assert_int_equal(w.r.stats.frames_dropped, 3);
	end(&w);
}

/* A second of delay keeps the rhythm; when the picture stands still all the same, it only makes that longer. */
static void test_what_ends_a_standstill_is_shown_at_once(void **state)
{
	struct world w;
	wlk_time last;

	(void)state;
	begin(&w);
	jitter_buffer_set_minimum(&w.r.jitter, SECOND);
	for (unsigned i = 0; i < 60; i++) {
		arrive(&w, i ? 'P' : 'K');
		run_until(&w, w.now + INTERVAL);
	}
	while (w.r.unit_count || w.r.ready_count)
		run_until(&w, w.now + INTERVAL);
	last = w.r.stats.shown;
	run_until(&w, last + 400 * MILLISECOND);
	w.sent = (unsigned)((w.now - START) / INTERVAL); /* none of those between came */
	arrive(&w, 'K');
	arrive(&w, 'P');
	assert_false(w.r.was_early);
	assert_int_equal(run_until(&w, w.now), 1);
	assert_int_equal(w.r.stats.shown, w.now);
	assert_true(w.r.was_early); /* not for lip-sync */
	assert_int_equal(run_until(&w, w.now + 100 * MILLISECOND), 0); /* the next one has its time */
	assert_int_equal(run_until(&w, w.now + 2 * SECOND), 1);
	end(&w);
}

static void test_lower_spatial_layers_are_decoded_and_not_shown(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	input(&w, 'K', 0);
	run_until(&w, w.now + INTERVAL);
	input(&w, 'S', 3000);
	input(&w, 'P', 3000);
	assert_int_equal(run_until(&w, w.now + INTERVAL), 1);
	assert_string_equal(w.fake.given, "KSP");
	assert_int_equal(w.r.stats.emitted, 2);
	end(&w);
}

static void test_a_jump_of_the_senders_clock_keeps_no_picture_back(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < 10; i++) {
		arrive(&w, i ? 'P' : 'K');
		run_until(&w, w.now + INTERVAL);
	}
	arrive(&w, 'P'); /* waits while the next begins a new clock, an hour ago */
	w.now += INTERVAL / 2;
	input(&w, 'P', timestamp_of(10) - 3600 * 90000u);
	assert_int_equal(run_until(&w, w.now + 2 * INTERVAL + 100000) > 0, 1);
	assert_int_equal(w.r.unit_count, 0);
	assert_int_equal(w.r.ready_count, 0);
	end(&w);
}

static void test_a_restart_shows_nothing_of_what_was(void **state)
{
	struct world w;
	struct track_job *job;

	(void)state;
	begin(&w);
	arrive(&w, 'K');
	w.now += INTERVAL;
	assert_true(video_receiver_poll_job(&w.r, w.now, &job));
	arrive(&w, 'P');
	video_receiver_restart(&w.r);
	track_job_run(job);
	track_on_job(job, w.now, 0); /* of before: for nothing */
	w.now += SECOND;
	assert_int_equal(work(&w, 0), 0);
	assert_int_equal(shown(&w), 0);
	arrive(&w, 'P');
	assert_int_equal(work(&w, 0), 0);
	arrive(&w, 'K');
	assert_int_equal(work(&w, 0), 1);
	assert_string_equal(w.fake.given, "KK");
	end(&w);
}

static void test_a_track_that_goes_leaves_its_job_behind(void **state)
{
	struct world w;
	struct track_job *job;

	(void)state;
	begin(&w);
	arrive(&w, 'K');
	w.now += INTERVAL;
	assert_true(video_receiver_poll_job(&w.r, w.now, &job));
	video_receiver_free(&w.r);
	track_job_run(job);
	track_on_job(job, w.now, 0);
	assert_int_equal(w.fake.alive, 0);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_picture_is_decoded_and_shown_in_the_rhythm_of_the_sender),
		cmocka_unit_test(test_nothing_is_decoded_before_a_key_frame_which_is_asked_for_once),
		cmocka_unit_test(test_rubbish_costs_the_frames_up_to_a_key_frame),
		cmocka_unit_test(test_what_is_skipped_costs_the_frames_behind_it),
		cmocka_unit_test(test_what_waits_of_one_codec_is_not_given_to_another),
		cmocka_unit_test(test_another_sender_takes_over_with_a_key_frame),
		cmocka_unit_test(test_R24_a_frame_that_took_too_long_costs_those_up_to_a_key_frame),
		cmocka_unit_test(test_R25_what_no_decoder_takes_is_bounded),
		cmocka_unit_test(test_a_long_delay_has_room_for_fast_pictures_in_layers),
		cmocka_unit_test(test_R25_what_has_waited_for_seconds_is_given_up),
		cmocka_unit_test(test_of_pictures_that_are_late_together_the_last_is_shown),
		cmocka_unit_test(test_what_ends_a_standstill_is_shown_at_once),
		cmocka_unit_test(test_lower_spatial_layers_are_decoded_and_not_shown),
		cmocka_unit_test(test_a_jump_of_the_senders_clock_keeps_no_picture_back),
		cmocka_unit_test(test_a_picture_is_turned_as_its_last_frame_says),
		cmocka_unit_test(test_a_restart_shows_nothing_of_what_was),
		cmocka_unit_test(test_a_track_that_goes_leaves_its_job_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
