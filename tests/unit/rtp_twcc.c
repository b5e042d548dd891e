#include "media_support.h"

/* An FCI with the given chunks and deltas behind base 5, count, reference 4 (256 ms), feedback count 9. */
static wlk_err parse_fci(struct twcc_feedback *out, uint8_t *fci, uint16_t count, const uint8_t *rest, size_t size)
{
	struct rtcp_fb fb = { .sender_ssrc = 1, .media_ssrc = 2, .fci = { fci, 8 + size } };

	store_u16(fci, 5);
	store_u16(fci + 2, count);
	store_u32(fci + 4, 4u << 8 | 9);
	memcpy(fci + 8, rest, size);
	return twcc_feedback_parse(out, &fb);
}

static size_t collect(const struct twcc_feedback *f, struct twcc_status *out, size_t capacity)
{
	struct twcc_iter iter = twcc_iter(f);
	size_t count = 0;

	while (count < capacity && twcc_next(&iter, &out[count]))
		count++;
	return count;
}

static void test_run_length_chunks_of_the_draft(void **state)
{
	/* draft-holmer 3.1.3: 0x00dd, 221 lost packets; 0x6018, 24 of the reserved symbol */
	static const uint8_t lost[] = { 0x00, 0xdd };
	static const uint8_t reserved[] = { 0x60, 0x18 };
	struct twcc_status status[300];
	struct twcc_feedback f;
	uint8_t fci[64];

	(void)state;
	assert_int_equal(parse_fci(&f, fci, 221, lost, 2), WLK_OK);
	assert_int_equal(collect(&f, status, 300), 221);
	assert_int_equal(status[0].seq, 5);
	assert_int_equal(status[220].seq, 225);
	for (size_t i = 0; i < 221; i++)
		assert_false(status[i].received);
	assert_int_equal(parse_fci(&f, fci, 24, reserved, 2), WLK_OK);
	assert_int_equal(collect(&f, status, 300), 24);
	assert_false(status[23].received);
}

/* Chromium 156: the deltas end in the middle of a word, and the padding is counted in bytes. */
static void test_feedback_of_chromium_with_padding(void **state)
{
	static const uint8_t one[] = { 0xaf, 0xcd, 0x00, 0x07, 0xd3, 0x39, 0xea, 0x4a, 0xc3, 0xe5, 0xbe, 0x79, 0xc8, 0x47, 0x00, 0x09,
				       0x00, 0xfb, 0xce, 0x05, 0x20, 0x09, 0xc1, 0x16, 0x18, 0x01, 0x50, 0x06, 0x0e, 0x16, 0x23, 0x01 };
	static const uint8_t two[] = { 0xaf, 0xcd, 0x00, 0x08, 0xd3, 0x39, 0xea, 0x4a, 0x01, 0x3f, 0x3a, 0x31, 0xc9, 0x0d, 0x00, 0x0c, 0x00, 0xfb,
				       0xe1, 0x18, 0x20, 0x0c, 0x40, 0x18, 0x05, 0x26, 0x0e, 0x15, 0x07, 0x14, 0x16, 0x29, 0x0a, 0x0e, 0x00, 0x02 };
	const wlk_bytes messages[] = { { one, sizeof(one) }, { two, sizeof(two) } };
	const size_t counts[] = { 9, 12 };
	struct twcc_status status[20];
	struct twcc_feedback f;
	struct rtcp_packet packet;
	struct rtcp_fb fb;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		struct rtcp_iter iter = rtcp_iter(messages[i].data, messages[i].size);

		assert_true(rtcp_next(&iter, &packet));
		assert_int_equal(rtcp_fb_parse(&fb, &packet), WLK_OK);
		assert_int_equal(twcc_feedback_parse(&f, &fb), WLK_OK);
		assert_int_equal(f.deltas_size, counts[i]);
		assert_int_equal(collect(&f, status, 20), counts[i]);
		assert_true(status[counts[i] - 1].received);
	}
}

static void test_vector_chunks_of_the_draft(void **state)
{
	/* draft-holmer 3.1.4, one bit a symbol: 1 lost, 5 received, 3 lost, 3 received, 2 lost = 1 0 0 11111 000 111 00
	 */
	static const uint8_t one_bit[] = { 0x9f, 0x1c, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const bool expected[] = { 0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0 };
	/* two bits: lost, large delta, 3 small, 2 lost = 11 00 10 01 01 01 00 00 */
	static const uint8_t two_bit[] = { 0xc9, 0x50, 0xff, 0xfc, 4, 8, 12 };
	struct twcc_status status[20];
	struct twcc_feedback f;
	uint8_t fci[64];

	(void)state;
	assert_int_equal(parse_fci(&f, fci, 14, one_bit, sizeof(one_bit)), WLK_OK);
	assert_int_equal(collect(&f, status, 20), 14);
	for (size_t i = 0; i < 14; i++)
		assert_int_equal(status[i].received, expected[i]);
	assert_int_equal(status[1].arrival_us, 4 * 64000 + 250);
	assert_int_equal(status[11].arrival_us, 4 * 64000 + 36 * 250);
	assert_int_equal(parse_fci(&f, fci, 7, two_bit, sizeof(two_bit)), WLK_OK);
	assert_int_equal(collect(&f, status, 20), 7);
	assert_false(status[0].received);
	assert_true(status[1].received);
	assert_int_equal(status[1].arrival_us, 256000 - 4 * 250);
	assert_int_equal(status[2].arrival_us, 256000);
	assert_int_equal(status[4].arrival_us, 256000 + 20 * 250);
	assert_false(status[5].received);
	assert_int_equal(f.reference_time, 4);
	assert_int_equal(f.feedback_count, 9);
	/* a vector may go past the count: the rest of it means nothing, its deltas are not there */
	assert_int_equal(parse_fci(&f, fci, 3, two_bit, 5), WLK_OK);
	assert_int_equal(collect(&f, status, 20), 3);
}

static void test_R22_lying_counts_are_refused(void **state)
{
	static const uint8_t run9[] = { 0x20, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	static const uint8_t run0[] = { 0x20, 0, 1, 1 };
	struct twcc_feedback f;
	uint8_t fci[64];

	(void)state;
	assert_int_equal(parse_fci(&f, fci, 9, run9, sizeof(run9)), WLK_OK);
	assert_int_equal(parse_fci(&f, fci, 8, run9, sizeof(run9)), WLK_ERR_PARSE); /* run past the count */
	assert_int_equal(parse_fci(&f, fci, 10, run9, sizeof(run9)),
			 WLK_ERR_PARSE); /* deltas taken for chunks, then the end */
	assert_int_equal(parse_fci(&f, fci, 9, run9, sizeof(run9) - 1), WLK_ERR_PARSE); /* a delta missing */
	assert_int_equal(parse_fci(&f, fci, 9, run9, 1), WLK_ERR_PARSE);
	assert_int_equal(parse_fci(&f, fci, 0, run9, sizeof(run9)), WLK_ERR_UNSUPPORTED);
	assert_int_equal(parse_fci(&f, fci, 4, run0, sizeof(run0)), WLK_ERR_PARSE); /* an empty run would never end */
	for (size_t size = 0; size < 8; size++) {
		struct rtcp_fb fb = { .fci = { fci, size } };

		assert_int_equal(twcc_feedback_parse(&f, &fb), WLK_ERR_PARSE);
	}
}

static void test_R22_status_count_is_capped_at_8192(void **state)
{
	static const uint8_t runs[] = { 0x1f, 0xff, 0x00, 0x01 }; /* 8191 + 1 lost */
	static const uint8_t more[] = { 0x1f, 0xff, 0x00, 0x02 };
	struct twcc_feedback f;
	uint8_t fci[64];

	(void)state;
	assert_int_equal(parse_fci(&f, fci, 8192, runs, sizeof(runs)), WLK_OK);
	assert_int_equal(parse_fci(&f, fci, 8193, more, sizeof(more)), WLK_ERR_UNSUPPORTED);
}

static void test_reference_time_is_signed(void **state)
{
	uint8_t fci[] = { 0, 0, 0, 1, 0xff, 0xff, 0xff, 0, 0x20, 1, 4 };
	struct rtcp_fb fb = { .fci = { fci, sizeof(fci) } };
	struct twcc_status status;
	struct twcc_feedback f;

	(void)state;
	assert_int_equal(twcc_feedback_parse(&f, &fb), WLK_OK);
	assert_int_equal(f.reference_time, -1);
	assert_int_equal(collect(&f, &status, 1), 1);
	assert_int_equal(status.arrival_us, -63000);
}

static size_t build(struct twcc_builder *b, uint8_t *out, size_t capacity)
{
	struct bytes_writer w = bytes_writer(out, capacity);

	twcc_builder_write(b, &w, 1, 2, 9);
	assert_true(bytes_writer_ok(&w));
	assert_true(w.size <= b->max_size);
	assert_int_equal(w.size % 4, 0);
	return w.size;
}

static void test_message_bytes(void **state)
{
	/* base 5 at 256.25 ms, 6 lost, 7 at 258 ms, 8 at 257 ms: small, lost, small, large negative */
	static const uint8_t expected[] = {
		0x8f, 205, 0,    6,    0, 0, 0, 1, 0, 0,    0,
		2,    0,   5,    0,    4, 0, 0, 4, 9, 0xd1, 0x80, /* 11 01 00 01 10 000000 */
		1,    7,   0xff, 0xfc, 0, 0,
	};
	struct twcc_builder b;
	uint8_t out[64];

	(void)state;
	twcc_builder_init(&b, 5, 1000);
	assert_true(twcc_builder_add(&b, true, 256250));
	assert_true(twcc_builder_add(&b, false, 0));
	assert_true(twcc_builder_add(&b, true, 258000));
	assert_true(twcc_builder_add(&b, true, 257000));
	assert_int_equal(build(&b, out, sizeof(out)), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

static void test_rounding_does_not_add_up(void **state)
{
	struct twcc_status status[100];
	struct twcc_feedback f;
	struct rtcp_packet packet;
	struct rtcp_iter iter;
	struct rtcp_fb fb;
	struct twcc_builder b;
	uint8_t out[1000];
	size_t size;

	(void)state;
	twcc_builder_init(&b, 65500, 1000); /* wraps inside */
	for (int i = 0; i < 100; i++)
		assert_true(twcc_builder_add(&b, true, 1000000 + i * 333)); /* 1.332 ticks each */
	size = build(&b, out, sizeof(out));
	iter = rtcp_iter(out, size);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(rtcp_fb_parse(&fb, &packet), WLK_OK);
	assert_int_equal(twcc_feedback_parse(&f, &fb), WLK_OK);
	assert_int_equal(collect(&f, status, 100), 100);
	for (int i = 0; i < 100; i++) {
		int64_t error = status[i].arrival_us - (1000000 + i * 333);

		assert_true(error >= -125 && error <= 125);
		assert_int_equal(status[i].seq, (uint16_t)(65500 + i));
	}
}

static void test_delta_beyond_16_bits_ends_the_message(void **state)
{
	struct twcc_builder b;

	(void)state;
	twcc_builder_init(&b, 0, 1000);
	assert_true(twcc_builder_add(&b, true, 0));
	assert_true(twcc_builder_add(&b, true, 32767 * 250));
	assert_false(twcc_builder_add(&b, true, 2 * 32767 * 250 + 250));
	assert_int_equal(b.count, 2);
	assert_true(twcc_builder_add(&b, false, 0)); /* a loss needs no delta */
	assert_true(twcc_builder_add(&b, true, 0));  /* back by 32767 ticks */
}

static void test_random_statuses_round_trip_within_the_size(void **state)
{
	struct rand_jitter random = { 42 };

	(void)state;
	for (int round = 0; round < 500; round++) {
		static struct twcc_status status[TWCC_BUILDER_MAX];
		static wlk_time times[TWCC_BUILDER_MAX];
		size_t max_size = 40 + rand_jitter_below(&random, 960), added = 0, size;
		uint32_t lost = rand_jitter_below(&random, 100), large = rand_jitter_below(&random, 30);
		uint16_t base = (uint16_t)rand_jitter_below(&random, 65536);
		wlk_time now = 1000000 + rand_jitter_below(&random, 100000);
		struct twcc_feedback f;
		struct rtcp_packet packet;
		struct rtcp_iter iter;
		struct rtcp_fb fb;
		struct twcc_builder b;
		uint8_t out[1000];

		twcc_builder_init(&b, base, max_size);
		while (added < TWCC_BUILDER_MAX) {
			bool received = !added || rand_jitter_below(&random, 100) >= lost;

			now += rand_jitter_below(&random, 100) < large ? 100000 : 100;
			times[added] = received ? now : -1;
			if (!twcc_builder_add(&b, received, now))
				break;
			added++;
		}
		size = build(&b, out, sizeof(out));
		iter = rtcp_iter(out, size);
		assert_true(rtcp_next(&iter, &packet));
		assert_int_equal(rtcp_fb_parse(&fb, &packet), WLK_OK);
		assert_int_equal(twcc_feedback_parse(&f, &fb), WLK_OK);
		assert_int_equal(collect(&f, status, TWCC_BUILDER_MAX), added);
		for (size_t i = 0; i < added; i++) {
			assert_int_equal(status[i].received, times[i] >= 0);
			if (times[i] >= 0)
				assert_true(llabs(status[i].arrival_us - times[i]) <= 125);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_length_chunks_of_the_draft),
		cmocka_unit_test(test_feedback_of_chromium_with_padding),
		cmocka_unit_test(test_vector_chunks_of_the_draft),
		cmocka_unit_test(test_R22_lying_counts_are_refused),
		cmocka_unit_test(test_R22_status_count_is_capped_at_8192),
		cmocka_unit_test(test_reference_time_is_signed),
		cmocka_unit_test(test_message_bytes),
		cmocka_unit_test(test_rounding_does_not_add_up),
		cmocka_unit_test(test_delta_beyond_16_bits_ends_the_message),
		cmocka_unit_test(test_random_statuses_round_trip_within_the_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
