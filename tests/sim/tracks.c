/* What a running track tells: packets come or do not, somebody speaks, the picture stands still; and by whose decoders it is played. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "peer/raw.h"
#include "raw_call.h"

struct seen {
	int mutes, unmutes;
	int speaks, quiets, own_speaks, own_quiets;
	int stalls, resumes;
	wlk_time stalled_for;
	wlk_rtp_receiver *audio, *video;
	int64_t captured; /* of the picture shown last, */
	wlk_time shown;   /* and when that was */
};

static struct sim sim;
static struct raw_call call;
static struct seen seen;

static void on_event(struct sim *s, struct sim_peer *peer, const wlk_event *ev)
{
	bool received = peer == &s->b;

	switch (ev->type) {
	case WLK_EVENT_TRACK:
		if (received)
			*(wlk_transceiver_kind(ev->u.track.transceiver) == WLK_MEDIA_VIDEO ? &seen.video : &seen.audio) =
				wlk_transceiver_receiver(ev->u.track.transceiver);
		break;
	case WLK_EVENT_TRACK_MUTE:
		seen.mutes += received;
		break;
	case WLK_EVENT_TRACK_UNMUTE:
		seen.unmutes += received;
		break;
	case WLK_EVENT_SPEAKING:
		assert_int_equal(ev->u.speaking.local, !received);
		assert_int_equal(wlk_transceiver_kind(ev->u.speaking.transceiver), WLK_MEDIA_AUDIO);
		if (received)
			*(ev->u.speaking.speaking ? &seen.speaks : &seen.quiets) += 1;
		else
			*(ev->u.speaking.speaking ? &seen.own_speaks : &seen.own_quiets) += 1;
		break;
	case WLK_EVENT_VIDEO_STALL:
		assert_true(received);
		seen.stalls += ev->u.stall.stalled;
		seen.resumes += !ev->u.stall.stalled;
		seen.stalled_for = ev->u.stall.duration;
		break;
	case WLK_EVENT_VIDEO_FRAME:
		seen.captured = ev->u.video.frame->capture_time;
		seen.shown = s->now;
		break;
	default:
		break;
	}
}

static void begin(wlk_configuration *config_b, const char *video, const char *const *audio)
{
	const struct sim_config config = { .seed = 5, .latency_us = 20 * SIM_MS, .config_b = config_b };
	const struct raw_call_config raw = { .video = video, .audio = audio, .width = 160, .height = 96, .no_psnr = true, .on_event = on_event };

	memset(&seen, 0, sizeof(seen));
	raw_call_begin(&sim, &call, &config, &raw);
}

static bool drop_all(struct sim *s, struct sim_peer *from, const wlk_datagram *d)
{
	(void)s;
	(void)from;
	return d->size && (d->data[0] < 128 || d->data[0] > 191); /* RTP and RTCP (RFC 7983) */
}

static void test_tracks_are_muted_until_packets_come_and_when_they_stay_out(void **state)
{
	(void)state;
	begin(NULL, NULL, NULL);
	assert_true(seen.video && seen.audio);
	assert_true(wlk_rtp_receiver_muted(seen.audio));
	sim_run_for(&sim, 100 * SIM_MS);
	assert_int_equal(seen.unmutes, 1); /* by the picture that was there before the call */
	assert_false(wlk_rtp_receiver_muted(seen.video));
	raw_call_play(&call, 2 * SIM_SECOND);
	assert_int_equal(seen.unmutes, 2);
	assert_int_equal(seen.mutes, 0);
	assert_false(wlk_rtp_receiver_muted(seen.audio));
	sim.filter = drop_all;
	raw_call_play(&call, 4900 * SIM_MS);
	assert_int_equal(seen.mutes, 0);
	raw_call_play(&call, 300 * SIM_MS);
	assert_int_equal(seen.mutes, 2);
	assert_true(wlk_rtp_receiver_muted(seen.video));
	sim.filter = NULL;
	raw_call_play(&call, 3 * SIM_SECOND);
	assert_int_equal(seen.unmutes, 4);
	assert_int_equal(seen.mutes, 2);
	/* A description that takes the direction away mutes at once. */
	assert_int_equal(wlk_transceiver_set_direction(call.video, WLK_DIRECTION_INACTIVE), WLK_OK);
	sim_renegotiate(&sim, &sim.a, false);
	assert_int_equal(seen.mutes, 3);
	assert_true(wlk_rtp_receiver_muted(seen.video));
	raw_call_play(&call, 7 * SIM_SECOND);
	assert_int_equal(seen.mutes, 3);
	raw_call_end(&call);
}

static void test_speech_is_told_at_both_ends(void **state)
{
	(void)state;
	begin(NULL, "", NULL);
	call.silent = true;
	raw_call_play(&call, 2 * SIM_SECOND);
	assert_int_equal(seen.speaks + seen.own_speaks, 0);
	call.silent = false;
	raw_call_play(&call, 6 * SIM_SECOND); /* words of 300 ms with pauses of 200 */
	assert_int_equal(seen.speaks, 1);
	assert_int_equal(seen.own_speaks, 1);
	assert_int_equal(seen.quiets + seen.own_quiets, 0);
	call.silent = true;
	raw_call_play(&call, 2 * SIM_SECOND);
	assert_int_equal(seen.quiets, 1);
	assert_int_equal(seen.own_quiets, 1);
	raw_call_end(&call);
}

static void test_a_picture_that_stands_still_is_told(void **state)
{
	(void)state;
	begin(NULL, NULL, NULL);
	raw_call_play(&call, 3 * SIM_SECOND);
	assert_int_equal(seen.stalls, 0);
	sim.filter = drop_all;
	raw_call_play(&call, SIM_SECOND);
	assert_int_equal(seen.stalls, 1);
	assert_int_equal(seen.resumes, 0);
	sim.filter = NULL;
	raw_call_play(&call, 3 * SIM_SECOND);
	assert_int_equal(seen.stalls, 1);
	assert_int_equal(seen.resumes, 1);
	assert_in_range(seen.stalled_for, 900 * SIM_MS, 2 * SIM_SECOND);
	raw_call_end(&call);
}

/* ---- lip-sync ---- */

/* A sink of sound that plays what was captured 300 ms after the picture that is shown, until it is told to wait. */
struct loudspeaker {
	wlk_time minimum;
	int closed;
};

static void hear_nothing(void *port, const struct raw_sound *sound)
{
	(void)port;
	(void)sound;
}

static bool is_playing(void *port, int64_t *capture_unix_us, wlk_time *played)
{
	struct loudspeaker *l = port;

	if (!seen.captured)
		return false;
	*capture_unix_us = seen.captured + 300 * SIM_MS - l->minimum;
	*played = seen.shown;
	return true;
}

static void set_minimum(void *port, wlk_time us)
{
	((struct loudspeaker *)port)->minimum = us;
}

static void close_loudspeaker(void *port)
{
	((struct loudspeaker *)port)->closed++;
}

static const struct raw_output_ops loudspeaker_ops = {
	.hear = hear_nothing, .playing = is_playing, .set_minimum = set_minimum, .close = close_loudspeaker
};

static void play_to(struct loudspeaker *l)
{
	assert_int_equal(peer_set_output(seen.audio, WLK_MEDIA_AUDIO, &(struct raw_output){ l ? &loudspeaker_ops : NULL, l }), WLK_OK);
}

static void test_sound_waits_for_pictures_only_while_there_are_some(void **state)
{
	struct loudspeaker first = { 0 }, second = { 0 };

	(void)state;
	begin(NULL, NULL, NULL);
	play_to(&first);
	raw_call_play(&call, 8 * SIM_SECOND);
	assert_in_range(first.minimum, 250 * SIM_MS, 320 * SIM_MS);
	play_to(&second);
	assert_int_equal(second.minimum, first.minimum); /* in the first one's place */
	assert_int_equal(first.closed, 1);
	assert_int_equal(wlk_transceiver_set_direction(call.video, WLK_DIRECTION_INACTIVE), WLK_OK); /* the camera goes off */
	sim_renegotiate(&sim, &sim.a, false);
	raw_call_play(&call, 8 * SIM_SECOND);
	assert_int_equal(second.minimum, 0);
	play_to(NULL);
	assert_int_equal(second.closed, 1);
	raw_call_end(&call);
}

/* ---- decoders of the application ---- */

static struct {
	int created, decoded;
	char fmtp[64];
} own_video, own_audio;

static wlk_err create_video(void *user, const wlk_video_decoder_config *config, void **decoder)
{
	const wlk_video_decoder_table *inner = user;

	own_video.created++;
	snprintf(own_video.fmtp, sizeof(own_video.fmtp), "%s", config->fmtp);
	return inner->create(inner->user, config, decoder);
}

static wlk_err create_audio(void *user, wlk_codec codec, uint32_t channels, void **decoder)
{
	const wlk_audio_decoder_table *inner = user;

	own_audio.created++;
	return inner->create(inner->user, codec, channels, decoder);
}

static wlk_err (*inner_decode)(void *, const uint8_t *, size_t, int16_t *, size_t, size_t *);

static wlk_err decode_audio(void *decoder, const uint8_t *data, size_t size, int16_t *out, size_t capacity, size_t *count)
{
	own_audio.decoded++;
	return inner_decode(decoder, data, size, out, capacity, count);
}

static void test_decoders_of_a_codec_set_play_what_is_received(void **state)
{
	static const char *const pcmu[] = { "audio/PCMU", NULL };
	const wlk_video_decoder_table *vp9 = wlk_codec_set_video_decoder(NULL, WLK_CODEC_VP9, NULL);
	const wlk_audio_decoder_table *inner = wlk_codec_set_audio_decoder(NULL, WLK_CODEC_PCMU, NULL);
	wlk_video_decoder_table video = *vp9;
	wlk_audio_decoder_table audio = *inner;
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct raw_figures before, after;
	wlk_codec_set *set;

	(void)state;
	memset(&own_video, 0, sizeof(own_video));
	memset(&own_audio, 0, sizeof(own_audio));
	video.user = (void *)(uintptr_t)vp9;
	video.create = create_video;
	audio.user = (void *)(uintptr_t)inner;
	audio.create = create_audio;
	audio.decode = decode_audio;
	inner_decode = inner->decode;
	assert_int_equal(wlk_codec_set_create(&set), WLK_OK);
	assert_int_equal(wlk_codec_set_add_video_decoder(set, &video), WLK_OK);
	assert_int_equal(wlk_codec_set_add_audio_decoder(set, &audio), WLK_OK);
	config.codecs = set;
	begin(&config, "video/VP9", pcmu);
	wlk_codec_set_release(set);
	raw_call_play(&call, SIM_SECOND);
	before = raw_call_figures(&call);
	raw_call_reset(&call);
	raw_call_play(&call, 2 * SIM_SECOND);
	after = raw_call_figures(&call);
	assert_int_equal(own_video.created, 1);
	assert_string_equal(own_video.fmtp, "profile-id=0");
	assert_int_equal(own_audio.created, 1);
	assert_in_range(own_audio.decoded, 140, 151); /* packets of 20 ms, for three seconds */
	assert_in_range(call.shown, 58, 61);
	assert_true(raw_concealed(&before, &after) < 0.01);
	raw_call_end(&call);
}

/* R37: a long delay and a small budget. Encoded frames wait; what is decoded waits one at a time. */
static void test_R37_a_small_budget_bounds_frames_and_pictures_that_wait(void **state)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	(void)state;
	config.memory_budget = 200 << 10;
	begin(&config, "video/VP8", NULL);
	raw_call_play(&call, 3 * SIM_SECOND);
	assert_int_equal(wlk_rtp_receiver_set_jitter_buffer_target(seen.video, 3 * SIM_SECOND), WLK_OK);
	raw_call_play(&call, 10 * SIM_SECOND);
	raw_call_reset(&call);
	raw_call_play(&call, 5 * SIM_SECOND);
	/* More than the budget would have to wait: some are dropped up to a key frame, and the call goes on. */
	assert_true(call.shown >= 20);
	assert_int_equal(sim.b.state, WLK_CONNECTION_CONNECTED);
	raw_call_end(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tracks_are_muted_until_packets_come_and_when_they_stay_out),
		cmocka_unit_test(test_speech_is_told_at_both_ends),
		cmocka_unit_test(test_a_picture_that_stands_still_is_told),
		cmocka_unit_test(test_sound_waits_for_pictures_only_while_there_are_some),
		cmocka_unit_test(test_decoders_of_a_codec_set_play_what_is_received),
		cmocka_unit_test(test_R37_a_small_budget_bounds_frames_and_pictures_that_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
