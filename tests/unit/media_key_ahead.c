#include "media/recv/key_ahead.h"
#include "media_support.h"

/* RFC 7741 4.2: a descriptor with the S bit, and the first bytes of a key frame, or of another one. */
static const char key_begins[] = "\x10\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0", inter_begins[] = "\x10\x31zz", goes_on[] = "\x01zzz";

static void hold(struct reorder *r, struct key_ahead *k, uint16_t seq, uint32_t timestamp, bool marker, const char *payload, size_t size)
{
	struct rtp_packet p = { .pt = 96, .ssrc = 7, .seq = seq, .timestamp = timestamp, .marker = marker, .payload = { (const uint8_t *)payload, size } };
	struct pktbuf *buf = rtp_buf(&p);

	assert_int_equal(rtp_parse(&p, buf->data, buf->size), WLK_OK);
	assert_int_equal(reorder_put(r, seq, buf, 0, false), REORDER_HELD);
	key_ahead_note(k, seq, &p, RTP_CODEC_VP8);
}

/* A hole in front of number 11. */
static void begin(struct reorder *r, struct key_ahead *k)
{
	*k = (struct key_ahead){ 0 };
	reorder_init(r, SECOND);
	r->started = true;
	r->next = r->highest = 10;
}

static void test_whole_when_all_up_to_the_marker_is_held(void **state)
{
	struct key_ahead k;
	struct reorder r;

	(void)state;
	begin(&r, &k);
	hold(&r, &k, 11, 100, true, inter_begins, 4);
	assert_false(k.is_known);
	hold(&r, &k, 12, 200, false, key_begins, 10);
	assert_true(k.is_known && k.first == 12);
	assert_false(key_ahead_is_whole(&k, &r));
	hold(&r, &k, 14, 200, true, goes_on, 4);
	assert_false(key_ahead_is_whole(&k, &r)); /* 13 is missing */
	hold(&r, &k, 13, 200, false, goes_on, 4);
	assert_true(key_ahead_is_whole(&k, &r));
	assert_true(key_ahead_is_whole(&k, &r)); /* and stays so, whatever follows */
	hold(&r, &k, 15, 300, true, inter_begins, 4);
	assert_true(key_ahead_is_whole(&k, &r));
	r.next = 13; /* it was handed out, or given up */
	assert_false(key_ahead_is_whole(&k, &r));
	assert_false(k.is_known);
	reorder_free(&r);
}

static void test_without_a_marker_it_ends_where_the_next_frame_begins(void **state)
{
	struct key_ahead k;
	struct reorder r;

	(void)state;
	begin(&r, &k);
	hold(&r, &k, 12, 200, false, key_begins, 10);
	hold(&r, &k, 13, 200, false, goes_on, 4);
	assert_false(key_ahead_is_whole(&k, &r));
	hold(&r, &k, 14, 300, false, inter_begins, 4);
	assert_true(key_ahead_is_whole(&k, &r));
	reorder_free(&r);
}

static void test_the_latest_one_counts(void **state)
{
	struct key_ahead k;
	struct reorder r;

	(void)state;
	begin(&r, &k);
	hold(&r, &k, 20, 300, true, key_begins, 10);
	hold(&r, &k, 15, 200, true, key_begins, 10);
	assert_int_equal(k.first, 20);
	hold(&r, &k, 25, 400, false, key_begins, 10);
	assert_int_equal(k.first, 25);
	assert_false(key_ahead_is_whole(&k, &r));
	reorder_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_when_all_up_to_the_marker_is_held),
		cmocka_unit_test(test_without_a_marker_it_ends_where_the_next_frame_begins),
		cmocka_unit_test(test_the_latest_one_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
