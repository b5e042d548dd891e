#include "media/send/redundancy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct redundancy r;
static uint8_t out[1200];
static struct red_block blocks[RED_BLOCKS_MAX];

/* One packet whose payload is |size| bytes of |mark|; answers how many blocks came out, 0: it did not fit. */
static size_t send(uint32_t timestamp, uint8_t mark, size_t size, size_t max_size)
{
	static uint8_t payload[1200];
	struct bytes_writer w = bytes_writer(out, max_size);
	size_t repeated;

	memset(payload, mark, size);
	repeated = redundancy_write(&r, &w, max_size, 111, timestamp, (wlk_bytes){ payload, size });
	if (!bytes_writer_ok(&w))
		return 0;
	assert_int_equal(red_parse(blocks, out, w.size), repeated + 1);
	return repeated + 1;
}

static void test_repeats_the_last_ones(void **state)
{
	(void)state;
	redundancy_init(&r);
	redundancy_set_distance(&r, 2);
	assert_int_equal(send(0xfffffe00u, 1, 50, 1200), 1);
	assert_int_equal(send(0xfffffe00u + 960, 2, 60, 1200), 2); /* the clock wraps */
	assert_int_equal(blocks[0].offset, 960);
	assert_int_equal(send(0xfffffe00u + 1920, 3, 70, 1200), 3);
	assert_int_equal(blocks[0].offset, 1920);
	assert_int_equal(blocks[0].data.size, 50);
	assert_int_equal(blocks[0].data.data[0], 1);
	assert_int_equal(blocks[1].offset, 960);
	assert_int_equal(blocks[1].data.data[0], 2);
	assert_int_equal(blocks[2].data.size, 70);
	assert_int_equal(blocks[2].pt, 111);
	redundancy_set_distance(&r, 0);
	assert_int_equal(send(0xfffffe00u + 2880, 4, 70, 1200), 1);
	redundancy_set_distance(&r, 99);
	assert_int_equal(send(0xfffffe00u + 3840, 5, 70, 1200), 1 + REDUNDANCY_MAX);
}

/* What is too old, too long, or does not fit is left out; the sound itself never is. */
static void test_limits(void **state)
{
	(void)state;
	redundancy_init(&r);
	redundancy_set_distance(&r, 2);
	send(0, 1, 100, 1200);
	assert_int_equal(send(RED_OFFSET_MAX + 1, 2, 100, 1200), 1); /* a pause */
	assert_int_equal(send(2 * RED_OFFSET_MAX + 1, 3, 100, 1200), 2);
	assert_int_equal(blocks[0].offset, RED_OFFSET_MAX);
	assert_int_equal(send(40000, 4, RED_BLOCK_SIZE_MAX + 1, 1200), 2); /* itself only once: */
	assert_int_equal(send(40960, 5, 100, 1200), 2);
	assert_int_equal(blocks[0].data.data[0], 3);
	assert_int_equal(send(41920, 6, 100, 100 + 1 + 4 + 100), 2); /* room for one */
	assert_int_equal(blocks[0].data.data[0], 5);
	assert_int_equal(send(42880, 7, 100, 101), 1);
	assert_int_equal(send(43840, 8, 100, 100), 0);
	assert_int_equal(send(43840, 9, 100, 1200), 2); /* not of its own time */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeats_the_last_ones),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
