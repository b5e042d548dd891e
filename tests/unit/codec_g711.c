#include "codec_support.h"

#include "media/codec/g711.h"

/* G.711 tables 1 and 2: of each segment the first value (13 or 14 bits), the step, and the code word as sent (tables 1a, 2a). */
struct segment {
	int first, step;
	uint8_t code;
};

static const struct segment mu_law[] = {
	{ 0, 2, 0xff }, /* table 2a: value number 0 is 11111111; its step reaches to 1 only */
	{ 31, 4, 0xef }, { 95, 8, 0xdf }, { 223, 16, 0xcf }, { 479, 32, 0xbf }, { 991, 64, 0xaf }, { 2015, 128, 0x9f }, { 4063, 256, 0x8f },
};
static const struct segment a_law[] = {
	{ 0, 2, 0xd5 }, { 32, 2, 0xc5 }, { 64, 4, 0xf5 }, { 128, 8, 0xe5 }, { 256, 16, 0x95 }, { 512, 32, 0x85 }, { 1024, 64, 0xb5 }, { 2048, 128, 0xa5 },
};

static void test_mu_law_by_table_2a(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(mu_law); s++) {
		for (int i = 0; i < 16; i++) {
			/* The first step of all is half as wide: decision values are 0, 1, 3, 5, ... 31, 35, ... 8159. */
			int low = s == 0 ? (i ? 2 * i - 1 : 0) : mu_law[s].first + i * mu_law[s].step;
			int high = (s == 0 ? 2 * i + 1 : low + mu_law[s].step) - 1;
			int middle = s == 0 ? 2 * i : low + mu_law[s].step / 2;
			uint8_t code = (uint8_t)(mu_law[s].code - i);

			assert_int_equal(g711_mu_encode((int16_t)(low * 4)), code);
			assert_int_equal(g711_mu_encode((int16_t)MIN(high * 4 + 3, INT16_MAX)), code);
			assert_int_equal(g711_mu_decode(code), middle * 4);
			assert_int_equal(g711_mu_encode((int16_t)(-low * 4 - 1)), code & 0x7f);
			assert_int_equal(g711_mu_decode(code & 0x7f), -middle * 4);
		}
	}
	assert_int_equal(g711_mu_encode(INT16_MAX), 0x80);
	assert_int_equal(g711_mu_encode(INT16_MIN), 0x00);
	assert_int_equal(g711_mu_decode(0x80), 8031 * 4);
}

static void test_a_law_by_table_1a(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(a_law); s++) {
		for (int i = 0; i < 16; i++) {
			/* Table 1 counts 4,096 for full scale: 8 of ours. */
			int low = a_law[s].first + i * a_law[s].step, high = low + a_law[s].step - 1;
			int middle = low + a_law[s].step / 2;
			uint8_t code = (uint8_t)((((a_law[s].code ^ 0x55) & 0xf0) | i) ^ 0x55);

			assert_int_equal(g711_a_encode((int16_t)(low * 8)), code);
			assert_int_equal(g711_a_encode((int16_t)(high * 8 + 7)), code);
			assert_int_equal(g711_a_decode(code), middle * 8);
			assert_int_equal(g711_a_encode((int16_t)(-low * 8 - 1)), code ^ 0x80);
			assert_int_equal(g711_a_decode(code ^ 0x80), -middle * 8);
		}
	}
}

static void test_codes_are_fixed_points(void **state)
{
	(void)state;
	for (int code = 0; code < 256; code++) {
		assert_int_equal(g711_a_encode(g711_a_decode((uint8_t)code)), code);
		/* Both zeros of mu-law are 0. */
		assert_int_equal(g711_mu_encode(g711_mu_decode((uint8_t)code)), code == 0x7f ? 0xff : code);
	}
	for (int sample = INT16_MIN; sample < INT16_MAX; sample++) {
		assert_true(g711_a_decode(g711_a_encode((int16_t)sample)) <= g711_a_decode(g711_a_encode((int16_t)(sample + 1))));
		assert_true(g711_mu_decode(g711_mu_encode((int16_t)sample)) <= g711_mu_decode(g711_mu_encode((int16_t)(sample + 1))));
	}
}

/* G.711 table 5: a tone of 1 kHz at a nominal level of 0 dBm0. */
static void test_the_milliwatt_tone(void **state)
{
	static const uint8_t a[8] = { 0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4 };
	static const uint8_t mu[8] = { 0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e };
	int16_t pcm[800];

	(void)state;
	for (size_t i = 0; i < 800; i++)
		pcm[i] = g711_a_decode(a[i % 8]);
	/* Full scale is +3.14 dBm0 for A-law and +3.17 for mu-law: the sine of 0 dBm0 has 0.6967 and 0.6942 of it. */
	assert_in_range(tone_amplitude(pcm, 800, 1, 1000, 8000), 0.6967 * 4096 * 8 * 0.99, 0.6967 * 4096 * 8 * 1.01);
	for (size_t i = 0; i < 800; i++)
		pcm[i] = g711_mu_decode(mu[i % 8]);
	assert_in_range(tone_amplitude(pcm, 800, 1, 1000, 8000), 0.6942 * 8159 * 4 * 0.99, 0.6942 * 8159 * 4 * 1.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mu_law_by_table_2a),
		cmocka_unit_test(test_a_law_by_table_1a),
		cmocka_unit_test(test_codes_are_fixed_points),
		cmocka_unit_test(test_the_milliwatt_tone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
