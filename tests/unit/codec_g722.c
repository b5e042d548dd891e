#include "codec_support.h"

#include "media/codec/g722.h"
#include <math.h>

enum { BYTES = 16000 };

/* Quiet noise, louder noise, noise of full scale, then a triangle: every table entry and every limit is met. */
static void make_signal(int16_t *pcm)
{
	uint32_t noise = 1;

	for (int i = 0; i < 2 * BYTES; i++) {
		int amplitude = i < 8000 ? 300 : i < 16000 ? 3000 : 32767, t = i % 64;

		noise = noise * 1664525u + 1013904223u;
		pcm[i] = (int16_t)((int)((noise >> 16) % (2u * (unsigned)amplitude + 1)) - amplitude);
		if (i >= 24000)
			pcm[i] = (int16_t)((t < 32 ? t : 64 - t) * 700 - 11200);
	}
}

static uint32_t hash(uint32_t h, uint32_t value)
{
	return (h ^ value) * 16777619u;
}

/*
 * The bytes were compared with those of another implementation (libspandsp 0.0.6), and the samples too, but for 11 of 32,000 that
 * it lets overflow where clause 4.4 limits. What was equal is held by its hash.
 */
static void test_bytes_and_samples_are_those_of_another_implementation(void **state)
{
	static int16_t pcm[2 * BYTES], back[2 * BYTES];
	static uint8_t bytes[BYTES];
	uint32_t of_bytes = 2166136261u, of_samples = 2166136261u;
	struct g722 encoder, decoder;

	(void)state;
	make_signal(pcm);
	g722_init(&encoder);
	g722_init(&decoder);
	/* In pieces of all sizes: nothing depends on them. */
	for (size_t at = 0, piece = 1; at < BYTES; at += piece, piece = MIN(piece % 97 + 1, BYTES - at)) {
		piece = MIN(piece, BYTES - at);
		g722_encode(&encoder, pcm + 2 * at, piece, bytes + at);
		g722_decode(&decoder, bytes + at, piece, back + 2 * at);
	}
	for (size_t i = 0; i < BYTES; i++)
		of_bytes = hash(of_bytes, bytes[i]);
	for (size_t i = 0; i < 2 * BYTES; i++)
		of_samples = hash(of_samples, (uint16_t)back[i]);
	assert_int_equal(of_bytes, 0x0265bc88);
	assert_int_equal(of_samples, 0x152fde7c);
}

static void test_tones_of_both_bands_come_back(void **state)
{
	static const struct { double hertz, snr; } tones[] = { { 300, 25 }, { 1000, 25 }, { 3000, 20 }, { 5000, 13 }, { 6500, 11 } };
	static int16_t pcm[16000], back[16000];
	static uint8_t bytes[8000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tones); i++) {
		struct g722 encoder, decoder;

		tone_make(pcm, 0, 16000, 1, tones[i].hertz, 16000, 8000);
		g722_init(&encoder);
		g722_init(&decoder);
		g722_encode(&encoder, pcm, 8000, bytes);
		g722_decode(&decoder, bytes, 8000, back);
		assert_true(fabs(tone_amplitude(back + 8000, 8000, 1, tones[i].hertz, 16000) - 8000) < 400);
		assert_true(tone_snr(pcm + 8000, back + 8000, 4000, 40) > tones[i].snr);
	}
}

static void test_silence_is_nearly_silent_and_random_bytes_do_no_harm(void **state)
{
	static int16_t pcm[2000];
	static uint8_t bytes[1000];
	struct g722 encoder, decoder;
	uint32_t noise = 7;

	(void)state;
	g722_init(&encoder);
	g722_init(&decoder);
	g722_encode(&encoder, pcm, 1000, bytes);
	g722_decode(&decoder, bytes, 1000, pcm);
	for (size_t i = 100; i < 2000; i++)
		assert_in_range(pcm[i] + 32, 0, 64);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < 1000; i++) {
			noise = noise * 1664525u + 1013904223u;
			bytes[i] = (uint8_t)(noise >> (round % 3 ? 24 : 30));
		}
		g722_decode(&decoder, bytes, 1000, pcm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_and_samples_are_those_of_another_implementation),
		cmocka_unit_test(test_tones_of_both_bands_come_back),
		cmocka_unit_test(test_silence_is_nearly_silent_and_random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
