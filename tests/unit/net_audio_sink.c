#include <wirelark/track.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "media/recv/audio_playout.h"
#include "peer/raw.h"

enum { PULL = 480 };

/* ---- a receiver that keeps nothing but its sink ---- */

static struct raw_output attached;

wlk_err peer_set_output(wlk_rtp_receiver *receiver, wlk_media_kind kind, const struct raw_output *output)
{
	(void)receiver;
	assert_int_equal(kind, WLK_MEDIA_AUDIO);
	if (attached.ops)
		attached.ops->close(attached.port);
	attached = *output;
	return WLK_OK;
}

static wlk_rtp_receiver *const receiver = (wlk_rtp_receiver *)&attached; /* nobody looks into it */

/* A second of PCMU from a sender of its own; answers the delay that is aimed at. */
static wlk_time hear(wlk_audio_sink *sink, uint32_t ssrc, wlk_time begin)
{
	static const uint8_t silence[160] = { 0xff };
	struct audio_playout_stats stats;
	int16_t pcm[PULL];

	for (uint32_t i = 0; i < 100; i++) {
		wlk_time now = begin + i * 10 * MILLISECOND;
		const struct raw_sound sound = { .ssrc = ssrc, .codec = CODEC_PCMU, .data = silence, .size = sizeof(silence), .timestamp = i / 2 * 160,
						 .clock_hz = 8000, .sequence = i / 2, .arrival = now, .capture_unix_us = now };

		if (i % 2 == 0)
			attached.ops->hear(attached.port, &sound);
		wlk_audio_sink_pull(sink, now, pcm, PULL);
	}
	attached.ops->stats(attached.port, &stats);
	return stats.target_us;
}

static void test_lip_sync_of_one_call_is_not_that_of_the_next(void **state)
{
	wlk_audio_sink *sink;
	int64_t captured;
	wlk_time played;

	(void)state;
	assert_int_equal(wlk_audio_sink_create(48000, 1, &sink), WLK_OK);
	assert_int_equal(wlk_rtp_receiver_set_audio_sink(receiver, sink), WLK_OK);
	attached.ops->set_minimum(attached.port, 400 * MILLISECOND);
	assert_true(hear(sink, 1, SECOND) >= 400 * MILLISECOND);
	assert_true(attached.ops->playing(attached.port, &captured, &played));
	assert_int_equal(wlk_rtp_receiver_set_audio_sink(receiver, NULL), WLK_OK);
	assert_int_equal(wlk_rtp_receiver_set_audio_sink(receiver, sink), WLK_OK);
	assert_false(attached.ops->playing(attached.port, &captured, &played)); /* what was heard before is of another call */
	assert_true(hear(sink, 2, 10 * SECOND) < 200 * MILLISECOND);
	assert_int_equal(wlk_rtp_receiver_set_audio_sink(receiver, NULL), WLK_OK);
	wlk_audio_sink_release(sink);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lip_sync_of_one_call_is_not_that_of_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
