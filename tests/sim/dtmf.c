/* Two peers and what W3C webrtc-pc 7 and RFC 4733 say of tones. */
#include "parameters_support.h"

/* ---- DTMF (W3C webrtc-pc 7, RFC 4733) ---- */

static wlk_transceiver *start_call(struct sim *sim, struct seen *seen)
{
	wlk_transceiver *t;

	start(sim, seen);
	t = add(&sim->a, WLK_MEDIA_AUDIO, NULL, 0);
	assert_false(wlk_rtp_sender_can_insert_dtmf(wlk_transceiver_sender(t)));
	assert_int_equal(wlk_rtp_sender_insert_dtmf(wlk_transceiver_sender(t), "1", 100, 70), WLK_ERR_STATE);
	signal_with(sim, accept_none);
	connect(sim);
	seen->tone_type = type_of(t, "audio/telephone-event");
	assert_true(wlk_rtp_sender_can_insert_dtmf(wlk_transceiver_sender(t)));
	return t;
}

static void test_tones_are_sent_as_rfc_4733_says(void **state)
{
	wlk_rtp_sender *sender;
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;
	wlk_time began;
	uint8_t opus;

	(void)state;
	t = start_call(&sim, &seen);
	sender = wlk_transceiver_sender(t);
	opus = type_of(t, "audio/opus");
	began = sim.now;
	assert_int_equal(send(t, NULL, opus, 0), WLK_OK);
	sim_run_for(&sim, 20 * SIM_MS);
	assert_int_equal(wlk_rtp_sender_insert_dtmf(sender, "1x", 100, 70), WLK_ERR_INVALID);
	assert_int_equal(wlk_rtp_sender_insert_dtmf(sender, "5d", 100, 70), WLK_OK);
	assert_string_equal(wlk_rtp_sender_tone_buffer(sender), "5D");
	sim_run_for(&sim, 10 * SIM_MS);
	assert_string_equal(wlk_rtp_sender_tone_buffer(sender), "D");
	/* audio goes on between: its numbers move up behind the events */
	assert_int_equal(send(t, NULL, opus, (uint32_t)((sim.now - began) * 48 / 1000)), WLK_OK);
	sim_run_for(&sim, SIM_SECOND);
	assert_string_equal(seen.tone_events, "5D");
	assert_true(seen.rows_over);
	assert_int_equal(seen.tone_at[1] - seen.tone_at[0], 170 * SIM_MS);
	/* 100 ms: five packets of 20 ms, the last one three times */
	assert_int_equal(seen.tone_packets, 14);
	for (size_t i = 0; i < 14; i++) {
		const struct tone_packet *p = &seen.tones[i], *first = &seen.tones[i / 7 * 7];
		size_t step = MIN(i % 7, (size_t)4);

		assert_int_equal(p->marker, i % 7 == 0);
		assert_int_equal(p->end, i % 7 >= 4);
		assert_int_equal(p->event, i < 7 ? 5 : 15);
		assert_int_equal(p->duration, (step + 1) * 960);
		assert_int_equal(p->timestamp, first->timestamp);
		assert_int_equal(p->arrival - first->arrival, (wlk_time)(i % 7) * 20 * SIM_MS);
	}
	/* the second begins 170 ms later on the clock of the audio, which the test tells only to a few milliseconds */
	assert_in_range(seen.tones[7].timestamp - seen.tones[0].timestamp, 160 * 48, 180 * 48);
	assert_int_equal(seen.audio_packets, 2);
	sim_free(&sim);
}

static void test_long_tones_go_on_in_segments(void **state)
{
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;
	size_t full = 0;

	(void)state;
	t = start_call(&sim, &seen);
	assert_int_equal(wlk_rtp_sender_insert_dtmf(wlk_transceiver_sender(t), "#", 2000, 0), WLK_OK);
	sim_run_for(&sim, 3 * SIM_SECOND);
	/* RFC 4733 2.5.1.3: 2 s are 96,000 ticks, a segment holds 65,535 */
	for (size_t i = 0; i < seen.tone_packets; i++)
		full += seen.tones[i].duration == 65535;
	assert_int_equal(full, 3);
	assert_true(seen.tones[seen.tone_packets - 1].end);
	assert_int_equal(seen.tones[seen.tone_packets - 1].duration, 96000 - 65535);
	assert_int_equal(seen.tones[seen.tone_packets - 1].timestamp - seen.tones[0].timestamp, 65535);
	assert_int_equal(seen.tone_packets, 100 + 3 + 2);
	sim_free(&sim);
}

/* At the level of frames telephone events are told; at that of packets the application reads them itself. */
static void test_tones_that_come_in_are_told(void **state)
{
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	t = start_call(&sim, &seen);
	assert_int_equal(wlk_rtp_sender_insert_dtmf(wlk_transceiver_sender(t), "7", 100, 50), WLK_OK);
	sim_run_for(&sim, SIM_SECOND);
	assert_string_equal(seen.heard, "");
	assert_int_equal(wlk_rtp_receiver_set_level(wlk_transceiver_receiver(seen.remote), WLK_MEDIA_LEVEL_FRAMES), WLK_OK);
	for (int level = WLK_MEDIA_LEVEL_RAW + 1; level < 5; level++) /* what is for recordings, too */
		assert_int_equal(wlk_rtp_receiver_set_level(wlk_transceiver_receiver(seen.remote), (wlk_media_level)level), WLK_ERR_INVALID);
	assert_int_equal(wlk_rtp_receiver_level(wlk_transceiver_receiver(seen.remote)), WLK_MEDIA_LEVEL_FRAMES);
	assert_int_equal(wlk_rtp_sender_insert_dtmf(wlk_transceiver_sender(t), "5d#", 120, 50), WLK_OK);
	sim_run_for(&sim, SIM_SECOND);
	assert_string_equal(seen.heard, "5(5)D(D)#(#)");
	assert_int_equal(seen.heard_duration, 120 * SIM_MS);
	assert_true(seen.heard_updates > 3);
	/* longer than a segment */
	assert_int_equal(wlk_rtp_sender_insert_dtmf(wlk_transceiver_sender(t), "1", 3000, 50), WLK_OK);
	sim_run_for(&sim, 4 * SIM_SECOND);
	assert_string_equal(seen.heard, "5(5)D(D)#(#)1(1)");
	assert_int_equal(seen.heard_duration, 3000 * SIM_MS);
	sim_free(&sim);
}

static void test_tone_times_are_bounded_and_rows_replaced(void **state)
{
	wlk_rtp_sender *sender;
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	t = start_call(&sim, &seen);
	sender = wlk_transceiver_sender(t);
	assert_int_equal(wlk_rtp_sender_insert_dtmf(sender, "1,23", 1, 1), WLK_OK);
	sim_run_for(&sim, 3 * SIM_SECOND);
	assert_string_equal(seen.tone_events, "1,23");
	assert_int_equal(seen.tone_at[1] - seen.tone_at[0], 70 * SIM_MS); /* 40 and 30 at least */
	assert_int_equal(seen.tone_at[2] - seen.tone_at[1], 2000 * SIM_MS);
	/* new tones take the place of those that wait; "" empties the row */
	assert_int_equal(wlk_rtp_sender_insert_dtmf(sender, "456", 100, 100), WLK_OK);
	sim_run_for(&sim, 50 * SIM_MS);
	assert_int_equal(wlk_rtp_sender_insert_dtmf(sender, "78", 100, 100), WLK_OK);
	sim_run_for(&sim, 200 * SIM_MS);
	assert_int_equal(wlk_rtp_sender_insert_dtmf(sender, "", 100, 100), WLK_OK);
	assert_string_equal(wlk_rtp_sender_tone_buffer(sender), "");
	seen.rows_over = false;
	sim_run_for(&sim, SIM_SECOND);
	assert_string_equal(seen.tone_events, "1,2347");
	assert_true(seen.rows_over);
	/* an encoding that is not active sends no tones */
	wlk_rtp_send_parameters p = parameters_of(t);
	p.encodings[0].active = false;
	assert_int_equal(set(t, &p), WLK_OK);
	assert_false(wlk_rtp_sender_can_insert_dtmf(sender));
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tones_are_sent_as_rfc_4733_says),
		cmocka_unit_test(test_long_tones_go_on_in_segments),
		cmocka_unit_test(test_tones_that_come_in_are_told),
		cmocka_unit_test(test_tone_times_are_bounded_and_rows_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
