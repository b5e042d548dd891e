/* apps/bench/media/content: a picture tells its number in any size, and a beep is heard for what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "apps/bench/media/content.h"
#include "tests/support/sound.h"

/* The film has one picture here, so that only its multiples of CONTENT_PICTURES are asked for. */
static void make_content(struct content *c)
{
	c->sound = NULL;
	c->pictures = malloc(CONTENT_PICTURE_SIZE);
	assert_non_null(c->pictures);
	for (size_t i = 0; i < CONTENT_PICTURE_SIZE; i++)
		c->pictures[i] = (uint8_t)(i * 131 >> 4);
}

static void test_the_number_is_read_back(void **state)
{
	static const uint32_t numbers[] = { 0, 300, 21900, 43500, 65400 }; /* multiples of 300 */
	static uint8_t pixels[CONTENT_PICTURE_SIZE];
	struct quality_picture picture = quality_picture_packed(pixels, CONTENT_WIDTH, CONTENT_HEIGHT);
	struct content c;

	(void)state;
	make_content(&c);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		content_picture(&c, numbers[i], pixels);
		assert_int_equal(content_number(&picture), numbers[i]);
		/* nothing above the strip is touched */
		assert_memory_equal(pixels, c.pictures, CONTENT_WIDTH * (CONTENT_HEIGHT - CONTENT_HEIGHT / 16));
	}
	content_free(&c);
}

static void test_the_number_is_read_in_a_quarter_of_the_size(void **state)
{
	enum { WIDTH = CONTENT_WIDTH / 4, HEIGHT = CONTENT_HEIGHT / 4 };
	static uint8_t pixels[CONTENT_PICTURE_SIZE], small[WIDTH * HEIGHT];
	struct quality_picture picture = { WIDTH, HEIGHT, { small }, { WIDTH } };
	struct content c;

	(void)state;
	make_content(&c);
	content_picture(&c, 43500, pixels);
	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++)
			small[y * WIDTH + x] = pixels[(4 * y + 2) * CONTENT_WIDTH + 4 * x + 2];
	assert_int_equal(content_number(&picture), 43500);
	content_free(&c);
}

static void test_amplitude_of_the_beep(void **state)
{
	enum { COUNT = CONTENT_RATE / 200 }; /* 18 whole periods */
	int16_t pcm[COUNT] = { 0 };

	(void)state;
	assert_true(content_beep_amplitude(pcm, COUNT) == 0);
	sound_add_tone(pcm, COUNT, CONTENT_BEEP_HZ, 9000, 7);
	assert_true(fabs(content_beep_amplitude(pcm, COUNT) - 9000) < 2);
	memset(pcm, 0, sizeof(pcm));
	sound_add_tone(pcm, COUNT, 800, 9000, 0);
	assert_true(content_beep_amplitude(pcm, COUNT) < 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_number_is_read_back),
		cmocka_unit_test(test_the_number_is_read_in_a_quarter_of_the_size),
		cmocka_unit_test(test_amplitude_of_the_beep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
