#include "media/recv/playout_decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "tests/support/sound.h"

static int16_t out[PLAYOUT_SAMPLES_MAX * 2 + 8];

/* A frame of 20 ms of a tone, encoded. */
static size_t encoded_tone(enum codec_id codec, uint8_t *data, size_t capacity)
{
	const struct audio_encoder_config config = { .codec = codec, .channels = 1 };
	size_t samples = audio_codec_rate(codec) / 50, size = 0;
	struct audio_encoder *e;
	int16_t pcm[960];

	for (size_t i = 0; i < samples; i++)
		pcm[i] = (int16_t)(i % (samples / 8) < samples / 16 ? 5000 : -5000);
	assert_int_equal(audio_encoder_create(&e, NULL, &config), WLK_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(audio_encoder_encode(e, pcm, samples, data, capacity, &size), WLK_OK);
	audio_encoder_destroy(e);
	return size;
}

static void test_every_codec_comes_out_at_48_khz(void **state)
{
	static const enum codec_id codecs[] = { CODEC_OPUS, CODEC_PCMU, CODEC_PCMA, CODEC_G722 };
	uint8_t data[AUDIO_PACKET_MAX];
	struct playout_decoder d;

	(void)state;
	for (size_t channels = 1; channels <= 2; channels++) {
		playout_decoder_init(&d, channels, NULL);
		assert_int_equal(playout_decoder_duration(&d, data, 1), 0);
		for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
			size_t size = encoded_tone(codecs[i], data, sizeof(data)), sum = 0;

			assert_int_equal(playout_decoder_use(&d, codecs[i]), WLK_OK);
			assert_int_equal(playout_decoder_duration(&d, data, size), 960);
			for (int k = 0; k < 50; k++)
				sum += playout_decoder_decode(&d, data, size, out);
			assert_in_range(sum, 48000 - 48, 48000);
			assert_true(sound_rms(out, 960) > 2000);
			if (channels == 2)
				assert_int_equal(out[100], out[101]);
			assert_int_equal(playout_decoder_conceals(&d), codecs[i] == CODEC_OPUS);
			assert_in_range(playout_decoder_conceal(&d, 480, out), 479, 481);
			assert_int_equal(playout_decoder_decode(&d, data, 0, out), 0);
		}
		playout_decoder_free(&d);
	}
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_unknown_codec_leaves_the_one_in_use(void **state)
{
	uint8_t data[AUDIO_PACKET_MAX];
	struct playout_decoder d;
	size_t size = encoded_tone(CODEC_PCMU, data, sizeof(data));

	(void)state;
	playout_decoder_init(&d, 1, NULL);
	assert_int_equal(playout_decoder_use(&d, CODEC_VP8), WLK_ERR_UNSUPPORTED);
	assert_int_equal(playout_decoder_decode(&d, data, size, out), 0);
	assert_int_equal(playout_decoder_use(&d, CODEC_PCMU), WLK_OK);
	assert_int_equal(playout_decoder_use(&d, CODEC_H264), WLK_ERR_UNSUPPORTED);
	assert_int_equal(playout_decoder_duration(&d, data, size), 960);
	for (size_t n = 1; n < 8; n++) { /* every allocation of a new decoder fails once */
		wlk_err err;

		alloc_fail_after(n);
		err = playout_decoder_use(&d, CODEC_G722);
		if (!alloc_did_fail())
			break;
		assert_int_equal(err, WLK_ERR_NOMEM);
		assert_int_equal(playout_decoder_duration(&d, data, size), 960);
	}
	alloc_fail_after(0);
	playout_decoder_free(&d);
	assert_int_equal(alloc_live_blocks(), 0);
}

/* G.711 has no limit of its own: 120 ms are the most that a packet may hold. */
static void test_packets_that_are_too_long_are_malformed(void **state)
{
	static uint8_t data[4000];
	struct playout_decoder d;

	(void)state;
	playout_decoder_init(&d, 2, NULL);
	assert_int_equal(playout_decoder_use(&d, CODEC_PCMA), WLK_OK);
	assert_int_equal(playout_decoder_duration(&d, data, 960), 5760);
	assert_in_range(playout_decoder_decode(&d, data, 960, out), 5600, 5760);
	assert_int_equal(playout_decoder_duration(&d, data, 961), 0);
	assert_int_equal(playout_decoder_decode(&d, data, 961, out), 0);
	playout_decoder_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_codec_comes_out_at_48_khz),
		cmocka_unit_test(test_unknown_codec_leaves_the_one_in_use),
		cmocka_unit_test(test_packets_that_are_too_long_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
