#include "media/recv/audio_packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"

static struct audio_packets list;

static enum audio_packets_verdict put(int64_t at, int64_t seq, size_t *dropped)
{
	static const uint8_t payload[100] = { 1 };
	const struct audio_packet head = { .at = at, .seq = seq, .duration = 960 };

	return audio_packets_put(&list, &head, (wlk_bytes){ payload, sizeof(payload) }, dropped);
}

static void test_order_of_media_time(void **state)
{
	static const int64_t times[] = { 1000, 3000, 2000, 500, 4000 }, sorted[] = { 500, 1000, 2000, 3000, 4000 };
	size_t dropped;

	(void)state;
	audio_packets_init(&list);
	assert_null(audio_packets_first(&list));
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		assert_int_equal(put(times[i], (int64_t)i, &dropped), AUDIO_PACKETS_KEPT);
	assert_true(audio_packets_has(&list, 3000));
	assert_false(audio_packets_has(&list, 3001));
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
		assert_int_equal(audio_packets_first(&list)->at, sorted[i]);
		audio_packets_drop_first(&list);
	}
	assert_int_equal(list.bytes, 0);
	audio_packets_free(&list);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_the_packet_itself_beats_a_redundant_block(void **state)
{
	size_t dropped;

	(void)state;
	audio_packets_init(&list);
	assert_int_equal(put(960, AUDIO_SEQ_NONE, &dropped), AUDIO_PACKETS_KEPT);
	assert_int_equal(put(960, AUDIO_SEQ_NONE, &dropped), AUDIO_PACKETS_DUPLICATE);
	assert_int_equal(put(960, 7, &dropped), AUDIO_PACKETS_REPLACED);
	assert_int_equal(audio_packets_first(&list)->seq, 7);
	assert_int_equal(put(960, AUDIO_SEQ_NONE, &dropped), AUDIO_PACKETS_DUPLICATE);
	assert_int_equal(put(960, 7, &dropped), AUDIO_PACKETS_DUPLICATE);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.bytes, 100);
	assert_int_equal(audio_packets_clear(&list), 1);
	audio_packets_free(&list);
}

/* R25: at most 1,024 packets, at most 2 s. */
static void test_R25_audio_packets_are_bounded(void **state)
{
	size_t dropped, all = 0;

	(void)state;
	audio_packets_init(&list);
	for (int64_t i = 0; i < 5000; i++) {
		assert_int_equal(put(i * 40, i, &dropped), AUDIO_PACKETS_KEPT);
		all += dropped;
		assert_true(list.count <= AUDIO_PACKETS_MAX);
	}
	assert_int_equal(list.count, AUDIO_PACKETS_MAX);
	assert_int_equal(all, 5000 - AUDIO_PACKETS_MAX);
	audio_packets_clear(&list);
	for (int64_t i = 0; i < 300; i++)
		assert_int_equal(put(i * 960, i, &dropped), AUDIO_PACKETS_KEPT);
	assert_int_equal(list.count, 101); /* 2 s, both ends included */
	assert_int_equal(put(100, 3, &dropped), AUDIO_PACKETS_REFUSED);
	assert_int_equal(put(1000000, 400, &dropped), AUDIO_PACKETS_KEPT);
	assert_int_equal(dropped, 101);
	audio_packets_free(&list);
}

static void test_no_memory(void **state)
{
	size_t dropped;

	(void)state;
	audio_packets_init(&list);
	for (size_t n = 1; n <= 2; n++) {
		alloc_fail_after(n);
		assert_int_equal(put(0, 1, &dropped), AUDIO_PACKETS_REFUSED);
		alloc_fail_after(0);
		assert_int_equal(list.count, 0);
	}
	audio_packets_free(&list);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_media_time),
		cmocka_unit_test(test_the_packet_itself_beats_a_redundant_block),
		cmocka_unit_test(test_R25_audio_packets_are_bounded),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
