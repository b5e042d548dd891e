#include "media/recv/audio_playout.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "tests/support/audio_call.h"
#include "tests/support/sound.h"

#define MS MILLISECOND

static int16_t tone[SOUND_RATE / 6], voice[SOUND_RATE / 6 * 4], wide[SOUND_RATE];

static int make_sounds(void **state)
{
	static int16_t full[SOUND_RATE * 4];

	(void)state;
	sound_add_tone(tone, ARRAY_SIZE(tone), 440 * 6, 8000, 0); /* 440 Hz at 8 kHz */
	sound_add_tone(wide, ARRAY_SIZE(wide), 440, 8000, 0);
	sound_add_voice(full, ARRAY_SIZE(full), 120, 9000);
	for (size_t i = 0; i < ARRAY_SIZE(voice); i++)
		voice[i] = (int16_t)((full[6 * i] + full[6 * i + 2] + full[6 * i + 4]) / 3);
	return 0;
}

static const struct audio_call_config pcmu = { .codec = CODEC_PCMU, .sound = tone, .sound_size = ARRAY_SIZE(tone), .seed = 1 };
static struct audio_call call;

static void begin(const struct audio_call_config *config)
{
	audio_call_init(&call, config);
	audio_call_run(&call, 3 * SECOND);
}

static void test_silence_before_the_first_packet(void **state)
{
	struct audio_playout_stats s;
	struct audio_playout *p;
	int16_t out[2 * PLAYOUT_PULL];
	uint32_t timestamp;
	wlk_time moment;

	(void)state;
	assert_int_equal(audio_playout_create(&p, &(struct audio_playout_config){ .channels = 2 }), WLK_OK);
	memset(out, 1, sizeof(out));
	audio_playout_get(p, 0, out);
	assert_true(sound_rms(out, 2 * PLAYOUT_PULL) == 0);
	assert_false(audio_playout_position(p, &timestamp, &moment));
	audio_playout_get_stats(p, &s);
	assert_int_equal(s.total_samples_received + s.concealed_samples, 0);
	assert_int_equal(s.synthesized_samples, 480);
	assert_int_equal(s.synthesized_events, 1);
	audio_playout_destroy(p);
	audio_playout_destroy(NULL);
	assert_int_equal(alloc_live_blocks(), 0);
}

/* What the statistics say of a second of a clean tone. */
static void test_statistics_of_a_tone(void **state)
{
	struct audio_playout_stats before, s;
	uint32_t timestamp;
	wlk_time moment;
	double level = 8000 / sqrt(2) / 32767, held;

	(void)state;
	begin(&pcmu);
	before = audio_call_stats(&call);
	audio_call_run(&call, SECOND);
	s = audio_call_stats(&call);
	assert_int_equal(s.total_samples_received - before.total_samples_received, 48000);
	assert_true(fabs(s.total_samples_duration_s - before.total_samples_duration_s - 1) < 1e-9);
	assert_true(fabs(s.audio_level / level - 1) < 0.1);
	assert_true(fabs((s.total_audio_energy - before.total_audio_energy) / (level * level) - 1) < 0.1);
	held = (s.jitter_buffer_delay_s - before.jitter_buffer_delay_s) / (double)(s.jitter_buffer_emitted_count - before.jitter_buffer_emitted_count);
	assert_true(held > 0.01 && held < 0.045);
	assert_true(s.jitter_buffer_target_delay_s > 0 && s.jitter_buffer_minimum_delay_s > 0);
	assert_int_equal(s.concealed_samples, 0);
	assert_true(sound_share_at(call.heard, 48000, 440) > 0.999);
	/* Lip-sync: the sample that is next left the sender so long ago as the way (20 ms) and the buffer take. */
	assert_true(audio_playout_position(call.playout, &timestamp, &moment));
	wlk_time left = (wlk_time)(uint32_t)(timestamp - call.timestamp_offset) * 125;

	assert_in_range(moment - left, 30 * MS, 65 * MS);
	audio_call_free(&call);
	assert_int_equal(alloc_live_blocks(), 0);
}

/* A lost packet of a codec without PLC is made up without a click. */
static void test_loss_in_a_voice_does_not_click(void **state)
{
	struct audio_call_config c = { .codec = CODEC_PCMU, .sound = voice, .sound_size = ARRAY_SIZE(voice), .seed = 9 };
	struct audio_playout_stats before, s;
	double rms;
	int step;

	(void)state;
	begin(&c);
	rms = sound_rms(call.heard + SOUND_RATE, SOUND_RATE);
	step = sound_largest_step(call.heard + SOUND_RATE, SOUND_RATE);
	before = audio_call_stats(&call);
	call.loss = 0.1;
	audio_call_run(&call, 10 * SECOND);
	s = audio_call_stats(&call);
	assert_true(s.concealed_samples - before.concealed_samples > 24000);
	assert_true(s.concealment_events - before.concealment_events > 20);
	assert_int_equal(s.silent_concealed_samples, before.silent_concealed_samples);
	assert_true(sound_largest_step(call.heard, call.heard_count) < 1.35 * step);
	assert_true(fabs(sound_rms(call.heard, call.heard_count) / rms - 1) < 0.1);
	audio_call_free(&call);
}

static void test_R25_jumps_begin_a_new_stream(void **state)
{
	(void)state;
	begin(&pcmu);
	assert_int_equal(audio_call_stats(&call).resets, 0);
	call.seq += 3001;
	audio_call_run(&call, 2 * SECOND);
	assert_int_equal(audio_call_stats(&call).resets, 1);
	call.seq -= 5000;
	audio_call_run(&call, 2 * SECOND);
	assert_int_equal(audio_call_stats(&call).resets, 2);
	call.timestamp += 8000 * 10 + 8000;
	audio_call_run(&call, 2 * SECOND);
	assert_int_equal(audio_call_stats(&call).resets, 3);
	call.timestamp -= 8000 * 3600;
	audio_call_run(&call, 2 * SECOND);
	assert_int_equal(audio_call_stats(&call).resets, 4);
	assert_true(audio_call_stats(&call).delay_us < 60 * MS);
	assert_true(sound_share_at(call.heard + SOUND_RATE, SOUND_RATE / 2, 440) > 0.999);
	/* A jump that is just allowed is a gap. */
	call.seq += 2900;
	audio_call_run(&call, 2 * SECOND);
	assert_int_equal(audio_call_stats(&call).resets, 4);
	audio_call_free(&call);
}

static void test_R25_without_pulls_memory_is_bounded(void **state)
{
	struct audio_playout_stats s;

	(void)state;
	begin(&pcmu);
	call.deaf = true;
	audio_call_run(&call, 30 * SECOND);
	s = audio_call_stats(&call);
	assert_in_range(s.packets_held, 90, 102); /* 2 s */
	call.deaf = false;
	audio_call_run(&call, 3 * SECOND);
	/* What has waited is not played late. */
	s = audio_call_stats(&call);
	assert_true(s.delay_us < 100 * MS);
	assert_true(s.packets_held < 6);
	audio_call_free(&call);
}

/* Nothing comes for a while: some concealment, then silence that counts no more; afterwards it goes on without delay. */
static void test_gaps_of_seconds(void **state)
{
	struct audio_playout_stats before, s;

	(void)state;
	begin(&pcmu);
	before = audio_call_stats(&call);
	call.mute = true;
	audio_call_run(&call, 8 * SECOND);
	s = audio_call_stats(&call);
	assert_int_equal(s.concealment_events - before.concealment_events, 1);
	assert_in_range(s.concealed_samples - before.concealed_samples, 48000, 49000);
	assert_in_range(s.silent_concealed_samples - before.silent_concealed_samples, 42000, 44000);
	assert_true(s.audio_level < 0.001);
	call.mute = false;
	audio_call_run(&call, 2 * SECOND);
	before = s;
	s = audio_call_stats(&call);
	assert_int_equal(s.concealed_samples / 480, before.concealed_samples / 480);
	assert_int_equal(s.resets, 0);
	assert_true(s.delay_us < 60 * MS);
	assert_true(sound_share_at(call.heard + SOUND_RATE, SOUND_RATE / 2, 440) > 0.999);
	audio_call_free(&call);
}

/* The network holds everything back for 1.5 s and delivers it at once. */
static wlk_time stall_until;
static wlk_time stalled(struct audio_call *c)
{
	return MAX(stall_until - c->now, 20 * MS);
}

static void test_stall_and_burst(void **state)
{
	(void)state;
	begin(&pcmu);
	call.delay = stalled;
	stall_until = call.now + 1500 * MS;
	audio_call_run(&call, 1500 * MS);
	audio_call_run(&call, 500 * MS);
	assert_true(audio_call_stats(&call).delay_us < 700 * MS);
	audio_call_run(&call, 12 * SECOND);
	assert_true(audio_call_stats(&call).delay_us < 60 * MS);
	audio_call_free(&call);
}

static void test_late_and_double_packets(void **state)
{
	static uint8_t frame[160] = { 0xff };
	struct audio_playout_packet packet = { .ssrc = 1, .codec = CODEC_PCMU, .clock_hz = 8000, .payload = { frame, sizeof(frame) } };
	struct audio_playout_stats s;
	struct audio_playout *p;
	int16_t out[PLAYOUT_PULL];

	(void)state;
	assert_int_equal(audio_playout_create(&p, &(struct audio_playout_config){ .channels = 1 }), WLK_OK);
	for (int i = 0; i < 50; i++) {
		packet.seq = 70000 + i;
		packet.timestamp = 1000 + (uint32_t)i * 160;
		for (int twice = 0; twice < 2; twice++)
			audio_playout_input(p, i * 20 * MS, &packet);
		audio_playout_get(p, i * 20 * MS, out);
		audio_playout_get(p, i * 20 * MS + 10 * MS, out);
	}
	packet.seq = 70010; /* played long ago */
	packet.timestamp = 1000 + 10 * 160;
	audio_playout_input(p, SECOND, &packet);
	packet.timestamp += 7; /* never seen, and too late */
	audio_playout_input(p, SECOND, &packet);
	audio_playout_get_stats(p, &s);
	assert_int_equal(s.duplicates, 51);
	assert_int_equal(s.packets_discarded, 1);
	assert_int_equal(s.concealed_samples, 0);
	audio_playout_destroy(p);
}

static void test_malformed_packets(void **state)
{
	static uint8_t junk[9000];
	struct audio_playout_packet packet = { .ssrc = 1, .codec = CODEC_PCMU, .clock_hz = 8000, .payload = { junk, 0 } };
	struct audio_playout_stats s;
	struct audio_playout *p;
	int16_t out[PLAYOUT_PULL];

	(void)state;
	assert_int_equal(audio_playout_create(&p, &(struct audio_playout_config){ .channels = 1 }), WLK_OK);
	audio_playout_input(p, 0, &packet); /* empty */
	packet.payload.size = PLAYOUT_PACKET_SIZE_MAX + 1;
	audio_playout_input(p, 0, &packet);
	packet.payload.size = 160;
	packet.clock_hz = 0;
	audio_playout_input(p, 0, &packet);
	packet.clock_hz = 8000;
	packet.codec = CODEC_VP8;
	audio_playout_input(p, 0, &packet);
	packet.codec = CODEC_OPUS;
	packet.clock_hz = 48000;
	junk[0] = 0xff; /* code 3 with a count of 63 frames */
	junk[1] = 0x3f;
	audio_playout_input(p, 0, &packet);
	audio_playout_get_stats(p, &s);
	assert_int_equal(s.malformed, 5);
	assert_int_equal(s.packets_held, 0);
	for (int i = 0; i < 10; i++)
		audio_playout_get(p, i * 10 * MS, out);
	assert_true(sound_rms(out, PLAYOUT_PULL) == 0);
	audio_playout_destroy(p);
	assert_int_equal(alloc_live_blocks(), 0);
}

/* Another SSRC, another codec and another sample rate in mid-stream: nothing is lost of the new one, nothing clicks. */
static void test_switch_of_ssrc_codec_and_rate(void **state)
{
	static const enum codec_id codecs[] = { CODEC_G722, CODEC_OPUS, CODEC_PCMA, CODEC_PCMU };
	static int16_t half[SOUND_RATE / 3];
	struct audio_playout_stats before, s;

	(void)state;
	sound_add_tone(half, ARRAY_SIZE(half), 440 * 3, 8000, 0);
	begin(&pcmu);
	call.ssrc = 78;
	audio_call_run(&call, 2 * SECOND);
	assert_int_equal(audio_call_stats(&call).resets, 1);
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		bool same_clock = audio_codec_rtp_rate(codecs[i]) == audio_codec_rtp_rate(call.config.codec);
		struct audio_encoder_config config = { .codec = codecs[i], .channels = 1 };

		before = audio_call_stats(&call);
		audio_encoder_destroy(call.encoder);
		assert_int_equal(audio_encoder_create(&call.encoder, NULL, &config), WLK_OK);
		call.config.codec = codecs[i];
		call.config.samples = audio_codec_rate(codecs[i]) / 50;
		call.config.sound = codecs[i] == CODEC_OPUS ? wide : codecs[i] == CODEC_G722 ? half : tone;
		call.config.sound_size = audio_codec_rate(codecs[i]);
		call.at = 0;
		audio_call_run(&call, 2 * SECOND);
		s = audio_call_stats(&call);
		assert_int_equal(s.resets - before.resets, !same_clock);
		assert_true(s.concealed_samples - before.concealed_samples < 2000);
		assert_true(sound_share_at(call.heard + SOUND_RATE, SOUND_RATE / 2, 440) > 0.995);
		assert_true(s.delay_us < 80 * MS);
	}
	audio_call_free(&call);
}

/* What still comes of an SSRC that was left does not throw the new one out. */
static void test_old_ssrc_is_ignored_for_a_second(void **state)
{
	static uint8_t frame[160];
	struct audio_playout_packet packet = { .codec = CODEC_PCMU, .clock_hz = 8000, .payload = { frame, sizeof(frame) } };
	struct audio_playout_stats s;
	struct audio_playout *p;

	(void)state;
	assert_int_equal(audio_playout_create(&p, &(struct audio_playout_config){ .channels = 1 }), WLK_OK);
	for (int i = 0; i < 20; i++) {
		packet.ssrc = i == 0 || i % 2 ? 1 : 2;
		packet.timestamp = (uint32_t)i * 160;
		packet.seq = i;
		audio_playout_input(p, i * 20 * MS, &packet);
	}
	audio_playout_get_stats(p, &s);
	assert_int_equal(s.resets, 1);
	packet.ssrc = 1;
	audio_playout_input(p, 3 * SECOND, &packet);
	audio_playout_get_stats(p, &s);
	assert_int_equal(s.resets, 2);
	audio_playout_destroy(p);
}

/* Every allocation fails once; the call goes on. */
static void test_no_memory(void **state)
{
	struct audio_playout *p = NULL;

	(void)state;
	alloc_fail_after(1);
	assert_int_equal(audio_playout_create(&p, &(struct audio_playout_config){ .channels = 1 }), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	begin(&pcmu);
	for (size_t n = 1; n < 200; n++) {
		alloc_fail_after(n);
		audio_call_run(&call, 100 * MS);
	}
	alloc_fail_after(0);
	call.ssrc++;
	for (size_t n = 1; n < 12; n++) {
		call.ssrc++;
		alloc_fail_after(n);
		audio_call_run(&call, 1200 * MS);
		alloc_fail_after(0);
	}
	audio_call_run(&call, 2 * SECOND);
	assert_true(sound_share_at(call.heard + SOUND_RATE, SOUND_RATE / 2, 440) > 0.999);
	audio_call_free(&call);
	assert_int_equal(alloc_live_blocks(), 0);
}

/* RFC 3389: a tone, a packet of comfort noise, two seconds of nothing, the tone again. */
static void test_comfort_noise_makes_a_pause_and_no_loss(void **state)
{
	static uint8_t noise[] = { 50 };
	static uint8_t frame[160];
	static int16_t heard[SOUND_RATE / 100 * 400];
	struct audio_playout_packet packet = { .ssrc = 1, .codec = CODEC_PCMU, .clock_hz = 8000, .payload = { frame, sizeof(frame) } };
	struct audio_playout_stats s;
	struct audio_playout *p;

	(void)state;
	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i % 20 < 10 ? 0x90 : 0x10);
	assert_int_equal(audio_playout_create(&p, &(struct audio_playout_config){ .channels = 1 }), WLK_OK);
	for (int i = 0; i < 400; i++) {
		wlk_time now = i * 10 * MS;

		packet.timestamp = 1000 + (uint32_t)i * 80;
		packet.is_noise = i == 100;
		packet.payload = i == 100 ? (wlk_bytes){ noise, 1 } : (wlk_bytes){ frame, sizeof(frame) };
		if (i % 2 == 0 && (i <= 100 || i >= 300)) {
			packet.seq = 70000 + (i <= 100 ? i / 2 : 51 + (i - 300) / 2);
			audio_playout_input(p, now, &packet);
		}
		audio_playout_get(p, now, heard + i * PLAYOUT_PULL);
	}
	audio_playout_get_stats(p, &s);
	assert_int_equal(s.concealed_samples, 0);
	assert_int_equal(s.malformed + s.resets, 0);
	assert_true(sound_rms(heard + 50 * PLAYOUT_PULL, 40 * PLAYOUT_PULL) > 1000);
	assert_true(sound_rms(heard + 150 * PLAYOUT_PULL, 100 * PLAYOUT_PULL) > 60);
	assert_true(sound_rms(heard + 150 * PLAYOUT_PULL, 100 * PLAYOUT_PULL) < 200);
	assert_true(sound_rms(heard + 350 * PLAYOUT_PULL, 40 * PLAYOUT_PULL) > 1000);
	audio_playout_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silence_before_the_first_packet),
		cmocka_unit_test(test_statistics_of_a_tone),
		cmocka_unit_test(test_loss_in_a_voice_does_not_click),
		cmocka_unit_test(test_R25_jumps_begin_a_new_stream),
		cmocka_unit_test(test_R25_without_pulls_memory_is_bounded),
		cmocka_unit_test(test_gaps_of_seconds),
		cmocka_unit_test(test_stall_and_burst),
		cmocka_unit_test(test_late_and_double_packets),
		cmocka_unit_test(test_malformed_packets),
		cmocka_unit_test(test_switch_of_ssrc_codec_and_rate),
		cmocka_unit_test(test_old_ssrc_is_ignored_for_a_second),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_comfort_noise_makes_a_pause_and_no_loss),
	};

	return cmocka_run_group_tests(tests, make_sounds, NULL);
}
