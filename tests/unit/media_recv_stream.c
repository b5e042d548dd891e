#include "media/recv/stream.h"
#include "media_support.h"

struct fixture {
	struct recv_stream s;
	struct recv_queue q;
};

static void setup(struct fixture *f, bool in_order, bool use_nack)
{
	const struct recv_stream_config config = {
		.ssrc = 77, .in_order = in_order, .use_nack = use_nack, .is_video = true
	};

	assert_int_equal(recv_queue_init(&f->q), WLK_OK);
	recv_stream_init(&f->s, &config);
}

static void teardown(struct fixture *f)
{
	recv_stream_free(&f->s);
	recv_queue_free(&f->q);
}

static void feed(struct fixture *f, wlk_time now, uint16_t seq, const char *payload)
{
	struct pktbuf *buf = simple_rtp(96, 77, seq, (uint32_t)seq * 3000, payload);
	struct rtp_packet p;

	assert_int_equal(rtp_parse(&p, buf->data, buf->size), WLK_OK);
	recv_stream_input(&f->s, now, buf, &p, 90000, 0, &f->q);
}

static struct pktbuf *rtx_buf(uint16_t rtx_seq, uint16_t osn, const char *payload, uint8_t padding)
{
	static const uint8_t ext[] = { 0x10, 0xaa, 0, 0 };
	uint8_t data[64];
	struct rtp_packet p = {
		.pt = 97,
		.ssrc = 78,
		.seq = rtx_seq,
		.timestamp = (uint32_t)osn * 3000,
		.marker = true,
		.has_ext = true,
		.ext_profile = 0xbede,
		.ext = { ext, 4 },
		.padding = padding,
	};

	if (payload) {
		store_u16(data, osn);
		memcpy(data + 2, payload, strlen(payload));
		p.payload = (wlk_bytes){ data, 2 + strlen(payload) };
	}
	return rtp_buf(&p);
}

static void feed_rtx(struct fixture *f, wlk_time now, uint16_t rtx_seq, uint16_t osn, const char *payload,
		     uint8_t padding)
{
	struct pktbuf *buf = rtx_buf(rtx_seq, osn, payload, padding);
	struct rtp_packet p;

	assert_int_equal(rtp_parse(&p, buf->data, buf->size), WLK_OK);
	recv_stream_input_rtx(&f->s, now, buf, &p, 96, 0, &f->q);
}

static void expect(struct fixture *f, int64_t seq, int64_t forward_seq, const char *payload, bool is_recovered)
{
	struct recv_item item;
	struct rtp_packet p;

	assert_true(recv_queue_pop(&f->q, &item));
	assert_int_equal(rtp_parse(&p, item.buf->data, item.buf->size), WLK_OK);
	assert_int_equal(p.ssrc, 77);
	assert_int_equal(p.pt, 96);
	assert_int_equal(p.seq, (uint16_t)seq);
	assert_int_equal(item.seq, seq);
	assert_int_equal(item.forward_seq, forward_seq);
	assert_int_equal(p.payload.size, strlen(payload));
	assert_memory_equal(p.payload.data, payload, strlen(payload));
	assert_int_equal(item.is_recovered, is_recovered);
	pktbuf_release(item.buf);
}

static void expect_none(struct fixture *f)
{
	assert_int_equal(event_queue_count(&f->q.items), 0);
}

static void test_rtx_packet_becomes_the_original(void **state)
{
	/* RFC 4588 4: header as sent, OSN, payload */
	struct pktbuf *buf = rtx_buf(500, 65535, "hello", 0);
	struct rtp_packet p;
	uint16_t osn;

	(void)state;
	assert_int_equal(rtp_parse(&p, buf->data, buf->size), WLK_OK);
	assert_true(rtx_unwrap(buf, &p, 77, 96, &osn));
	assert_int_equal(osn, 65535);
	assert_int_equal(rtp_parse(&p, buf->data, buf->size), WLK_OK);
	assert_int_equal(p.ssrc, 77);
	assert_int_equal(p.pt, 96);
	assert_int_equal(p.seq, 65535);
	assert_true(p.marker);
	assert_int_equal(rtp_ext_find(&p, 1).data[0], 0xaa);
	assert_int_equal(p.payload.size, 5);
	assert_memory_equal(p.payload.data, "hello", 5);
	pktbuf_release(buf);
}

static void test_hole_is_repaired_by_rtx_in_order_over_the_wrap(void **state)
{
	struct fixture f;
	uint16_t seqs[4];

	(void)state;
	setup(&f, true, true);
	feed(&f, 0, 65534, "a");
	feed(&f, 1 * MS, 0, "c");
	feed(&f, 2 * MS, 1, "d");
	expect(&f, 65536 + 65534, 65536 + 65534, "a", false);
	expect_none(&f);
	assert_int_equal(nack_list_take_due(&f.s.nacks, 10 * MS, 0, seqs, 4), 1);
	assert_int_equal(seqs[0], 65535);
	feed_rtx(&f, 20 * MS, 9, 65535, "b", 0);
	expect(&f, 131071, 131071, "b", true);
	expect(&f, 131072, 131072, "c", false);
	expect(&f, 131073, 131073, "d", false);
	feed_rtx(&f, 21 * MS, 10, 65535, "b", 0); /* once more: it is not missing, as in a probe */
	expect_none(&f);
	assert_int_equal(f.s.discarded, 0);
	assert_int_equal(f.s.padding_only, 1);
	assert_int_equal(f.s.nacks.next_due, WLK_TIME_NEVER);
	assert_false(f.s.needs_key_frame);
	teardown(&f);
}

/* Of the third stream nothing more can be held: its hole is given up, and what comes behind that is delivered. */
static void test_R37_all_streams_together_hold_a_bounded_number(void **state)
{
	static struct fixture f[3];
	size_t held = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		setup(&f[i], true, true);
		f[i].s.order.all = &held;
		for (uint16_t seq = 1; seq <= 1000; seq++) {
			if (seq != 2)
				feed(&f[i], 1 * MS, seq, "x");
			assert_true(held <= REORDER_ALL_MAX);
		}
	}
	assert_int_equal(held, 2 * 998); /* of the first two */
	assert_int_equal(event_queue_count(&f[0].q.items), 1);
	assert_int_equal(event_queue_count(&f[1].q.items), 1);
	assert_int_equal(event_queue_count(&f[2].q.items), 999); /* all but the hole */
	for (size_t i = 0; i < 3; i++)
		teardown(&f[i]);
	assert_int_equal(held, 0);
}

static void test_hole_is_given_up_after_the_hold_time(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true, true);
	feed(&f, 0, 10, "a");
	feed(&f, 1 * MS, 12, "c");
	expect(&f, 65546, 65546, "a", false);
	assert_int_equal(recv_stream_deadline(&f.s), 501 * MS);
	recv_stream_handle_timeout(&f.s, 501 * MS - 1, &f.q);
	expect_none(&f);
	recv_stream_handle_timeout(&f.s, 501 * MS, &f.q);
	expect(&f, 65548, 65548, "c", false);
	assert_true(f.s.needs_key_frame);
	assert_int_equal(f.s.nacks.count, 0);
	assert_int_equal(recv_stream_deadline(&f.s), WLK_TIME_NEVER);
	teardown(&f);
}

static void test_hold_times(void **state)
{
	const struct recv_stream_config audio = { .in_order = true }, video = { .is_video = true },
					nack = { .is_video = true, .use_nack = true };

	(void)state;
	assert_int_equal(recv_stream_hold_time(&audio, 100 * MS), 60 * MS);
	assert_int_equal(recv_stream_hold_time(&video, 100 * MS), 50 * MS);
	assert_int_equal(recv_stream_hold_time(&nack, 0), 500 * MS); /* unknown: as 100 ms */
	assert_int_equal(recv_stream_hold_time(&nack, 1 * MS), 104 * MS);
	assert_int_equal(recv_stream_hold_time(&nack, 20 * MS), 180 * MS);
	assert_int_equal(recv_stream_hold_time(&nack, SECOND), 600 * MS);
}

static void test_padding_only_packets_leave_no_gap(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true, true);
	feed(&f, 0, 10, "a");
	feed(&f, 0, 11, ""); /* padding-only on the media SSRC */
	feed(&f, 0, 12, "b");
	feed(&f, 0, 14, "d");
	feed(&f, 0, 13, "");
	expect(&f, 65546, 65546, "a", false);
	expect(&f, 65548, 65547, "b", false);
	expect(&f, 65550, 65548, "d", false);
	assert_int_equal(f.s.padding_only, 2);
	/* on the RTX SSRC: counted, nothing else */
	feed_rtx(&f, 0, 1, 0, NULL, 224);
	expect_none(&f);
	assert_int_equal(f.s.padding_only, 3);
	assert_int_equal(f.s.rtx_packets, 1);
	teardown(&f);
}

static void test_retransmission_on_the_same_ssrc_counts_as_recovered(void **state)
{
	struct fixture f;
	uint16_t seq;

	(void)state;
	setup(&f, true, true);
	feed(&f, 0, 1, "a");
	feed(&f, 0, 3, "c");
	nack_list_take_due(&f.s.nacks, SECOND, 0, &seq, 1);
	feed(&f, 30 * MS, 2, "b");
	expect(&f, 65537, 65537, "a", false);
	expect(&f, 65538, 65538, "b", true);
	expect(&f, 65539, 65539, "c", false);
	assert_int_equal(f.s.recovered, 1);
	teardown(&f);
}

static void test_without_order_packets_come_as_they_arrive(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, true);
	feed(&f, 0, 1, "a");
	feed(&f, 0, 3, "c");
	feed(&f, 0, 2, "b");
	expect(&f, 65537, 65537, "a", false);
	expect(&f, 65539, 65539, "c", false);
	expect(&f, 65538, 65538, "b", false);
	assert_int_equal(recv_stream_deadline(&f.s), WLK_TIME_NEVER);
	teardown(&f);
}

static void test_R25_jump_resets_the_stream(void **state)
{
	struct fixture f;
	struct recv_item item;

	(void)state;
	setup(&f, true, true);
	feed(&f, 0, 1, "a");
	feed(&f, 0, 3, "x");     /* held, then lost in the reset */
	feed(&f, 0, 30000, "-"); /* might be a stray one */
	feed(&f, 0, 30001, "b");
	expect(&f, 65537, 65537, "a", false);
	assert_true(recv_queue_pop(&f.q, &item));
	assert_true(item.after_reset);
	assert_int_equal(item.seq, 131072 + 30001);
	pktbuf_release(item.buf);
	assert_true(f.s.needs_key_frame);
	assert_int_equal(f.s.nacks.count, 0);
	feed(&f, 0, 30002, "c");
	expect(&f, 131072 + 30002, 131072 + 30002, "c", false);
	teardown(&f);
}

static void test_R25_at_most_1024_packets_wait(void **state)
{
	struct fixture f;
	size_t out = 0;
	struct recv_item item;

	(void)state;
	setup(&f, true, false);
	feed(&f, 0, 0, "a");
	for (uint16_t seq = 2; seq < 2000; seq++)
		feed(&f, 0, seq, "b"); /* 1 never comes; no time passes */
	assert_true(f.s.order.held <= REORDER_MAX);
	while (recv_queue_pop(&f.q, &item)) {
		pktbuf_release(item.buf);
		out++;
	}
	/* when the first is too far ahead the hole is given up and all that waited comes out */
	assert_int_equal(out, 1999);
	assert_true(f.s.needs_key_frame);
	teardown(&f);
}

static void test_R25_queue_of_a_sleeping_application_is_bounded(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true, true);
	for (uint32_t seq = 0; seq < RECV_QUEUE_MAX + 10; seq++)
		feed(&f, 0, (uint16_t)seq, "x");
	assert_int_equal(event_queue_count(&f.q.items), RECV_QUEUE_MAX);
	assert_int_equal(f.q.drops, 10);
	recv_queue_forget(&f.q, &f.s);
	expect_none(&f);
	teardown(&f);
}

static void test_held_packets_do_not_keep_a_receive_slab(void **state)
{
	struct pktbuf *slab = pktbuf_alloc(NULL, 60000), *slice;
	struct rtp_packet p = { .pt = 96, .ssrc = 77, .seq = 12, .payload = { (const uint8_t *)"late", 4 } };
	struct bytes_writer w;
	struct fixture f;

	(void)state;
	setup(&f, true, true);
	feed(&f, 0, 10, "a");
	slab->size = 60000;
	w = bytes_writer(slab->data + 100, 1000);
	rtp_write(&w, &p);
	slice = pktbuf_slice(slab, 100, w.size);
	assert_int_equal(rtp_parse(&p, slice->data, slice->size), WLK_OK);
	recv_stream_input(&f.s, 0, slice, &p, 90000, 0, &f.q);
	assert_int_equal(slab->refs, 1);
	pktbuf_release(slab);
	feed(&f, 0, 11, "b");
	expect(&f, 65546, 65546, "a", false);
	expect(&f, 65547, 65547, "b", false);
	expect(&f, 65548, 65548, "late", false);
	teardown(&f);
}

static void test_report_block_carries_lsr_and_dlsr(void **state)
{
	struct rtcp_report_block block;
	struct fixture f;

	(void)state;
	setup(&f, true, true);
	feed(&f, 0, 10, "a");
	block = recv_stream_report(&f.s, 0);
	assert_int_equal(block.lsr, 0);
	assert_int_equal(block.dlsr, 0);
	recv_stream_on_sr(&f.s, SECOND, &(struct rtcp_sender_info){ .ntp = 0x1122334455667788u });
	block = recv_stream_report(&f.s, 3 * SECOND + SECOND / 2);
	assert_int_equal(block.ssrc, 77);
	assert_int_equal(block.lsr, 0x33445566);
	assert_int_equal(block.dlsr, 2 * 65536 + 32768);
	teardown(&f);
}

static void sender_report(struct fixture *f, uint32_t second, uint32_t packets, uint32_t bytes)
{
	recv_stream_on_sr(&f->s, second * SECOND,
			  &(struct rtcp_sender_info){ .ntp = (uint64_t)second << 32, .packets = packets, .bytes = bytes });
}

/* Statistics count on where the 32 bits of a sender report wrap, and never fall. */
static void test_the_counts_of_sender_reports_only_grow(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true, true);
	sender_report(&f, 10, 5, 0xfffffff0);
	assert_int_equal(f.s.sr_packets, 5);
	assert_int_equal(f.s.sr_bytes, 0xfffffff0);
	sender_report(&f, 12, 7, 0x10);
	assert_int_equal(f.s.sr_packets, 7);
	assert_int_equal(f.s.sr_bytes, 0x100000010);
	sender_report(&f, 11, 6, 0); /* overtaken: counted, and nothing of it taken */
	assert_int_equal(f.s.sr_count, 3);
	assert_int_equal(f.s.sr_packets, 7);
	assert_int_equal(f.s.sr.packets, 7);
	sender_report(&f, 14, 2, 9); /* the sender began anew */
	assert_int_equal(f.s.sr_packets, 9);
	assert_int_equal(f.s.sr_bytes, 0x100000019);
	sender_report(&f, 5, 4, 19); /* its clock was set back */
	assert_int_equal(f.s.sr_packets, 11);
	assert_int_equal(f.s.sr_bytes, 0x100000023);
	assert_int_equal(f.s.sr_count, 5);
	teardown(&f);
}

static void feed_frame(struct fixture *f, wlk_time now, uint16_t seq, bool key)
{
	static const uint8_t key_payload[] = { 0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, 0x55 };
	static const uint8_t inter_payload[] = { 0x10, 0x31, 0x55 };
	struct rtp_packet p = { .pt = 96, .ssrc = 77, .seq = seq, .timestamp = (uint32_t)seq * 3000, .marker = true };
	struct pktbuf *buf;

	p.payload = key ? (wlk_bytes){ key_payload, sizeof(key_payload) } : (wlk_bytes){ inter_payload, sizeof(inter_payload) };
	buf = rtp_buf(&p);
	assert_int_equal(rtp_parse(&p, buf->data, buf->size), WLK_OK);
	recv_stream_input(&f->s, now, buf, &p, 90000, 100 * MS, &f->q);
}

static size_t count_frames(struct fixture *f, uint32_t *last)
{
	struct recv_item item;
	size_t count = 0;

	for (; recv_queue_pop(&f->q, &item); count++) {
		*last = item.frame->timestamp / 3000;
		recv_frame_free(item.frame, &f->q.frame_budget);
	}
	return count;
}

static void test_a_whole_key_frame_ends_the_wait_for_a_hole(void **state)
{
	uint8_t codecs[128] = { [96] = RTP_CODEC_VP8 };
	const struct rtp_ext_ids ext = { 0 };
	struct recv_stream_config config = { .ssrc = 77, .in_order = true, .use_nack = true, .is_video = true, .codecs = codecs, .ext = &ext };
	struct fixture f;
	uint32_t last = 0;

	(void)state;
	assert_int_equal(recv_queue_init(&f.q), WLK_OK);
	config.frame_budget = &f.q.frame_budget;
	recv_stream_init(&f.s, &config);
	feed_frame(&f, 0, 10, true);
	assert_int_equal(count_frames(&f, &last), 1);
	feed_frame(&f, 40 * MS, 12, false);
	/* A key frame behind the hole soon after it: what is missing may only be late. */
	feed_frame(&f, 60 * MS, 13, true);
	assert_int_equal(count_frames(&f, &last), 0);
	assert_int_equal(f.s.nacks.count, 1);
	/* 150 ms after the first packet behind the hole nobody waits any longer. */
	feed_frame(&f, 190 * MS - 1, 14, false);
	assert_int_equal(count_frames(&f, &last), 0);
	feed_frame(&f, 190 * MS, 15, false);
	assert_int_equal(count_frames(&f, &last), 3);
	assert_int_equal(last, 15);
	assert_int_equal(f.s.nacks.count, 0);
	assert_false(f.s.needs_key_frame); /* it is there */
	assert_int_equal(f.s.frames.stats.frames_dropped, 1);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rtx_packet_becomes_the_original),
		cmocka_unit_test(test_hole_is_repaired_by_rtx_in_order_over_the_wrap),
		cmocka_unit_test(test_R37_all_streams_together_hold_a_bounded_number),
		cmocka_unit_test(test_hole_is_given_up_after_the_hold_time),
		cmocka_unit_test(test_hold_times),
		cmocka_unit_test(test_padding_only_packets_leave_no_gap),
		cmocka_unit_test(test_retransmission_on_the_same_ssrc_counts_as_recovered),
		cmocka_unit_test(test_without_order_packets_come_as_they_arrive),
		cmocka_unit_test(test_R25_jump_resets_the_stream),
		cmocka_unit_test(test_R25_at_most_1024_packets_wait),
		cmocka_unit_test(test_R25_queue_of_a_sleeping_application_is_bounded),
		cmocka_unit_test(test_held_packets_do_not_keep_a_receive_slab),
		cmocka_unit_test(test_report_block_carries_lsr_and_dlsr),
		cmocka_unit_test(test_the_counts_of_sender_reports_only_grow),
		cmocka_unit_test(test_a_whole_key_frame_ends_the_wait_for_a_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
