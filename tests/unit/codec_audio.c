#include "codec_support.h"

#include "media/codec/audio_codec.h"
#include <math.h>

static void test_rates_and_what_is_built_in(void **state)
{
	static const struct { enum codec_id codec; uint32_t rate, rtp_rate, channels; } built_in[] = {
		{ CODEC_OPUS, 48000, 48000, 2 }, { CODEC_PCMU, 8000, 8000, 1 }, { CODEC_PCMA, 8000, 8000, 1 }, { CODEC_G722, 16000, 8000, 1 },
	};
	struct audio_encoder *e = NULL;
	struct audio_decoder *d = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(built_in); i++) {
		assert_int_equal(audio_codec_rate(built_in[i].codec), built_in[i].rate);
		assert_int_equal(audio_codec_rtp_rate(built_in[i].codec), built_in[i].rtp_rate);
		for (uint32_t channels = 0; channels <= 3; channels++) {
			bool ok = channels >= 1 && channels <= built_in[i].channels;
			struct audio_encoder_config config = { .codec = built_in[i].codec, .channels = channels };

			assert_int_equal(audio_encoder_create(&e, NULL, &config), ok ? WLK_OK : WLK_ERR_INVALID);
			assert_int_equal(audio_decoder_create(&d, NULL, built_in[i].codec, channels), ok ? WLK_OK : WLK_ERR_INVALID);
			if (!ok)
				continue;
			assert_int_equal(audio_encoder_rate(e), built_in[i].rate);
			assert_true(audio_encoder_takes(e, built_in[i].rate / 50) && audio_encoder_takes(e, built_in[i].rate / 100 * 12));
			assert_int_equal(audio_encoder_takes(e, built_in[i].rate / 400), built_in[i].codec == CODEC_OPUS);
			assert_false(audio_encoder_takes(e, built_in[i].rate / 50 + 1));
			assert_int_equal(audio_decoder_conceals(d), built_in[i].codec == CODEC_OPUS);
			assert_int_equal(audio_encoder_tune(e, &(struct audio_encoder_tuning){ .bitrate_bps = 32000 }), WLK_OK);
			audio_encoder_destroy(e);
			audio_decoder_destroy(d);
		}
	}
	assert_int_equal(audio_codec_rate(CODEC_VP8), 0);
	assert_int_equal(audio_encoder_create(&e, NULL, &(struct audio_encoder_config){ .codec = CODEC_VP8, .channels = 1 }), WLK_ERR_UNSUPPORTED);
	assert_int_equal(audio_decoder_create(&d, NULL, CODEC_UNKNOWN, 1), WLK_ERR_UNSUPPORTED);
	assert_int_equal(audio_encoder_create(&e, NULL, &(struct audio_encoder_config){ .codec = CODEC_OPUS, .channels = 1, .loss_percent = 101 }),
			 WLK_ERR_INVALID);
	audio_encoder_destroy(NULL);
	audio_decoder_destroy(NULL);
}

static void test_without_memory_nothing_is_left_behind(void **state)
{
	static const enum codec_id codecs[] = { CODEC_OPUS, CODEC_PCMU, CODEC_G722 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		bool failed = true;

		for (size_t n = 1; failed; n++) {
			struct audio_encoder *e = NULL;
			struct audio_decoder *d = NULL;

			alloc_fail_after(n);
			wlk_err of_encoder = audio_encoder_create(&e, NULL, &(struct audio_encoder_config){ .codec = codecs[i], .channels = 1 });
			wlk_err of_decoder = audio_decoder_create(&d, NULL, codecs[i], 1);

			failed = alloc_did_fail();
			alloc_fail_after(0);
			assert_true(!failed || of_encoder == WLK_ERR_NOMEM || of_decoder == WLK_ERR_NOMEM);
			audio_encoder_destroy(e);
			audio_decoder_destroy(d);
			assert_int_equal(alloc_live_blocks(), 0);
		}
	}
}

/* Whoever plays their sound makes up what is missing. */
static void test_gaps_without_own_concealment_are_silent(void **state)
{
	struct audio_encoder *e;
	struct audio_decoder *d;
	int16_t in[160], out[160];
	uint8_t packet[160];
	size_t size, got;

	(void)state;
	assert_int_equal(audio_encoder_create(&e, NULL, &(struct audio_encoder_config){ .codec = CODEC_PCMU, .channels = 1 }), WLK_OK);
	assert_int_equal(audio_decoder_create(&d, NULL, CODEC_PCMU, 1), WLK_OK);
	assert_false(audio_decoder_recovers(d));
	tone_make(in, 0, 160, 1, 200, 8000, 8000);
	assert_int_equal(audio_encoder_encode(e, in, 160, packet, sizeof(packet), &size), WLK_OK);
	assert_int_equal(audio_decoder_decode(d, packet, size, out, 160, &got), WLK_OK);
	audio_decoder_conceal(d, 80, out);
	assert_true(tone_energy(out, 80, 1) == 0);
	assert_int_equal(audio_decoder_concealed(d), 80);
	/* No codec but Opus has FEC. */
	assert_int_equal(audio_decoder_decode(d, packet, size, out, 160, &got), WLK_OK);
	assert_int_equal(audio_decoder_concealed(d), 0);
	assert_int_equal(audio_decoder_decode_fec(d, packet, size, 160, out), WLK_OK);
	assert_true(tone_energy(out, 160, 1) == 0);
	assert_int_equal(audio_decoder_concealed(d), 160);
	audio_encoder_destroy(e);
	audio_decoder_destroy(d);
}

static void test_packets_that_are_too_long_are_malformed(void **state)
{
	static uint8_t packet[AUDIO_SAMPLES_MAX + 1];
	static int16_t out[AUDIO_SAMPLES_MAX];
	struct audio_decoder *d;
	size_t got = 77;

	(void)state;
	assert_int_equal(audio_decoder_create(&d, NULL, CODEC_G722, 1), WLK_OK);
	assert_int_equal(audio_decoder_samples(d, packet, AUDIO_SAMPLES_MAX / 2), AUDIO_SAMPLES_MAX);
	assert_int_equal(audio_decoder_samples(d, packet, AUDIO_SAMPLES_MAX / 2 + 1), 0);
	assert_int_equal(audio_decoder_samples(d, packet, 0), 0);
	assert_int_equal(audio_decoder_decode(d, packet, AUDIO_SAMPLES_MAX + 1, out, AUDIO_SAMPLES_MAX, &got), WLK_ERR_PARSE);
	assert_int_equal(audio_decoder_decode(d, packet, 10, out, 19, &got), WLK_ERR_NOSPACE);
	assert_int_equal(got, 77);
	audio_decoder_destroy(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_and_what_is_built_in),
		cmocka_unit_test(test_without_memory_nothing_is_left_behind),
		cmocka_unit_test(test_gaps_without_own_concealment_are_silent),
		cmocka_unit_test(test_packets_that_are_too_long_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
