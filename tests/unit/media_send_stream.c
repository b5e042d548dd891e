#include "media/send/stream.h"
#include "media_support.h"

static const uint8_t zeros[3];

static struct send_request request(const struct send_stream *s, const char *payload)
{
	static struct rtp_ext ext[2];

	ext[0] = (struct rtp_ext){ 3, { zeros, 2 } };
	ext[1] = (struct rtp_ext){ 2, { zeros, 3 } };
	return (struct send_request){
		.seq = s->next_seq,
		.timestamp = 1234,
		.pt = 96,
		.rtx_pt = 97,
		.clock_hz = 90000,
		.marker = true,
		.payload = { (const uint8_t *)payload, strlen(payload) },
		.ext = ext,
		.ext_count = 2,
		.twcc_index = 0,
		.time_index = 1,
		.rid_index = -1,
		.allow_two_byte = true,
	};
}

static struct send_packet build(struct send_stream *s, wlk_time now, const char *payload)
{
	struct send_request r = request(s, payload);
	struct send_packet out;

	assert_int_equal(send_stream_build(s, now, NULL, &r, &out), WLK_OK);
	return out;
}

/* As the engine does when a packet leaves: into the history, counted. */
static void sent(struct send_stream *s, wlk_time now, const struct send_packet *p)
{
	send_stream_on_sent(s, p, p->buf->size, 0);
	history_put(&s->history, now,
		    &(struct history_item){
			    .buf = p->buf,
			    .seq = load_u16(p->buf->data + 2),
			    .rtx_pt = p->rtx_pt,
			    .twcc_offset = p->twcc_offset,
			    .time_offset = p->time_offset,
			    .header_size = p->header_size,
			    .sent = now,
		    });
}

static void test_R20_R21_start_is_random_below_2_to_15(void **state)
{
	bool differs = false;
	int64_t first = -1;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct send_stream s;

		assert_int_equal(send_stream_init(&s, 1, 2, true), WLK_OK);
		assert_in_range(s.next_seq, 0, 0x7fff);
		assert_in_range(s.rtx_seq, 0, 0x7fff);
		differs = differs || (first >= 0 && first != s.next_seq);
		first = s.next_seq;
		send_stream_free(&s);
	}
	assert_true(differs);
}

static void test_packet_bytes_and_stamps(void **state)
{
	struct send_stream s;
	struct send_packet p;
	struct rtp_packet view;

	(void)state;
	assert_int_equal(send_stream_init(&s, 0xaabbccdd, 2, true), WLK_OK);
	s.next_seq = 65535;
	p = build(&s, 0, "payload");
	send_packet_stamp(p.buf->data, &p, 0x1122, SECOND);
	assert_int_equal(rtp_parse(&view, p.buf->data, p.buf->size), WLK_OK);
	assert_int_equal(view.ssrc, 0xaabbccdd);
	assert_int_equal(view.seq, 65535);
	assert_int_equal(view.timestamp, 1234);
	assert_int_equal(view.pt, 96);
	assert_true(view.marker);
	assert_int_equal(view.header_size, p.header_size);
	assert_memory_equal(rtp_ext_find(&view, 3).data, "\x11\x22", 2);
	assert_memory_equal(rtp_ext_find(&view, 2).data, "\x04\x00\x00", 3);
	assert_memory_equal(view.payload.data, "payload", 7);
	assert_int_equal(s.next_seq, 65536);
	pktbuf_release(p.buf);
	send_stream_free(&s);
}

static void test_R20_a_number_is_used_once_and_only_forward(void **state)
{
	struct send_stream s;
	struct send_packet p;
	struct send_request r;

	(void)state;
	assert_int_equal(send_stream_init(&s, 1, 2, true), WLK_OK);
	p = build(&s, 0, "a");
	pktbuf_release(p.buf);
	r = request(&s, "b");
	r.seq = s.next_seq - 1;
	assert_int_equal(send_stream_build(&s, 0, NULL, &r, &p), WLK_ERR_INVALID);
	r.seq = s.next_seq + SEND_SEQ_JUMP_MAX + 1;
	assert_int_equal(send_stream_build(&s, 0, NULL, &r, &p), WLK_ERR_INVALID);
	r.seq = s.next_seq + SEND_SEQ_JUMP_MAX;
	assert_int_equal(send_stream_build(&s, 0, NULL, &r, &p), WLK_OK);
	pktbuf_release(p.buf);
	static uint8_t big[SEND_SIZE_MAX];

	r.seq = s.next_seq;
	r.payload = (wlk_bytes){ big, sizeof(big) };
	assert_int_equal(send_stream_build(&s, 0, NULL, &r, &p), WLK_ERR_TOO_LARGE);
	assert_int_equal(s.next_seq, r.seq);
	alloc_fail_after(1);
	r.payload.size = 1;
	assert_int_equal(send_stream_build(&s, 0, NULL, &r, &p), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_int_equal(s.next_seq, r.seq);
	send_stream_free(&s);
}

static void test_rtx_answer_unwraps_to_the_original(void **state)
{
	struct send_stream s;
	struct send_packet p, again;
	struct rtp_packet view;
	uint16_t rtx_seq;

	(void)state;
	assert_int_equal(send_stream_init(&s, 1, 2, true), WLK_OK);
	s.next_seq = 700;
	p = build(&s, 0, "original");
	sent(&s, 0, &p);
	rtx_seq = s.rtx_seq;
	assert_true(send_stream_resend(&s, 50 * MS, NULL, 700, 0, &again));
	assert_true(again.is_rtx);
	send_packet_stamp(again.buf->data, &again, 0xbeef, 0);
	assert_int_equal(rtp_parse(&view, again.buf->data, again.buf->size), WLK_OK);
	assert_int_equal(view.ssrc, 2);
	assert_int_equal(view.pt, 97);
	assert_int_equal(view.seq, rtx_seq);
	assert_int_equal(view.timestamp, 1234);
	assert_true(view.marker);
	assert_memory_equal(rtp_ext_find(&view, 3).data, "\xbe\xef", 2);
	assert_int_equal(view.payload.size, 10);
	assert_memory_equal(view.payload.data, "\x02\xbcoriginal", 10);
	assert_int_equal(s.rtx_seq, (uint16_t)(rtx_seq + 1));
	pktbuf_release(again.buf);
	/* not twice within a round trip */
	assert_false(send_stream_resend(&s, 100 * MS, NULL, 700, 60 * MS, &again));
	assert_true(send_stream_resend(&s, 111 * MS, NULL, 700, 60 * MS, &again));
	pktbuf_release(again.buf);
	/* unknown, and too old */
	assert_false(send_stream_resend(&s, 111 * MS, NULL, 701, 0, &again));
	assert_false(send_stream_resend(&s, SECOND + 1, NULL, 700, 0, &again));
	assert_int_equal(s.refused, 3);
	send_stream_free(&s);
}

static void test_an_answer_that_was_lost_is_followed_by_copies(void **state)
{
	struct send_stream s;
	struct send_packet p, again;
	uint16_t rtx_seq;

	(void)state;
	assert_int_equal(send_stream_init(&s, 1, 2, true), WLK_OK);
	s.next_seq = 700;
	p = build(&s, 0, "original");
	sent(&s, 0, &p);
	for (int asked = 0; asked < 4; asked++) {
		assert_true(send_stream_resend(&s, (asked + 1) * 100 * MS, NULL, 700, 50 * MS, &again));
		assert_int_equal(again.copies, asked < 2 ? asked : 2);
		pktbuf_release(again.buf);
	}
	rtx_seq = s.rtx_seq;
	assert_true(send_stream_resend_copy(&s, 400 * MS, NULL, 700, &again));
	assert_int_equal(load_u16(again.buf->data + 2), rtx_seq);
	assert_int_equal(s.rtx_seq, (uint16_t)(rtx_seq + 1));
	assert_int_equal(again.copies, 0);
	pktbuf_release(again.buf);
	assert_false(send_stream_resend_copy(&s, 400 * MS, NULL, 701, &again));
	s.budget_bytes = 20; /* R22: copies come out of the same budget */
	assert_false(send_stream_resend_copy(&s, 400 * MS, NULL, 700, &again));
	assert_int_equal(s.refused, 2);
	send_stream_free(&s);
}

static void test_R20_nothing_leaves_as_rtx_once_it_is_negotiated_away(void **state)
{
	struct send_stream s;
	struct send_packet p, again;

	(void)state;
	assert_int_equal(send_stream_init(&s, 1, 2, true), WLK_OK);
	s.next_seq = 700;
	p = build(&s, 0, "original");
	sent(&s, 0, &p);
	s.rtx_ssrc = 0;
	assert_false(send_stream_resend(&s, 100 * MS, NULL, 700, 50 * MS, &again));
	assert_false(send_stream_resend_copy(&s, 100 * MS, NULL, 700, &again));
	assert_int_equal(s.refused, 2);
	send_stream_free(&s);
}

static void test_R20_without_rtx_the_same_ciphertext_goes_again(void **state)
{
	struct send_stream s;
	struct send_packet again;
	struct pktbuf *cipher = pktbuf_copy(NULL, "\x90\x60\x00\x05 encrypted", 14);

	(void)state;
	assert_int_equal(send_stream_init(&s, 1, 0, true), WLK_OK);
	history_put(&s.history, 0,
		    &(struct history_item){ .buf = cipher, .seq = 5, .rtx_pt = RTP_PT_NONE, .header_size = 12 });
	assert_true(send_stream_resend(&s, 20 * MS, NULL, 5, 0, &again));
	assert_true(again.is_protected);
	assert_false(again.is_rtx);
	assert_int_equal(again.twcc_offset, 0);
	assert_int_equal(again.time_offset, 0);
	assert_int_equal(again.buf->size, 14);
	assert_memory_equal(again.buf->data, cipher->data, 14);
	assert_ptr_not_equal(again.buf, cipher);
	assert_true(pktbuf_headroom(again.buf) >= PKTBUF_HEADROOM);
	pktbuf_release(again.buf);
	send_stream_free(&s);
}

static void test_R22_retransmissions_stay_below_half_of_what_is_sent(void **state)
{
	char payload[1000];
	struct send_stream s;
	uint64_t resent = 0, total = 0;

	(void)state;
	memset(payload, 'x', sizeof(payload) - 1);
	payload[999] = 0;
	assert_int_equal(send_stream_init(&s, 1, 2, true), WLK_OK);
	s.has_report = true;
	s.report.fraction_lost = 200; /* even a peer that reports terrible loss */
	for (int i = 0; i < 5000; i++) {
		wlk_time now = i * 5 * MS;
		uint16_t seq = (uint16_t)s.next_seq;
		struct send_packet p = build(&s, now, payload), again;

		total += p.buf->size;
		sent(&s, now, &p);
		for (uint16_t back = 0; back < 20; back++) { /* a storm: everything is asked for all the time */
			if (!send_stream_resend(&s, now, NULL, (uint16_t)(seq - back), 1, &again))
				continue;
			resent += again.buf->size;
			pktbuf_release(again.buf);
			if (!send_stream_resend_copy(&s, now, NULL, (uint16_t)(seq - back), &again))
				continue;
			resent += again.buf->size;
			pktbuf_release(again.buf);
		}
	}
	assert_true(resent * 2 <= total + 2 * 12000);
	assert_true(resent * 5 >= total * 2); /* and is not starved either */
	assert_true(s.refused > 0);
	send_stream_free(&s);
}

static void test_sender_report_maps_the_same_instant(void **state)
{
	struct rtcp_sender_info info;
	struct send_stream s;
	struct send_packet p;

	(void)state;
	assert_int_equal(send_stream_init(&s, 1, 0, false), WLK_OK);
	assert_false(send_stream_sender_info(&s, 0, WALL_AT_ZERO, &info));
	p = build(&s, 10 * SECOND, "12345");
	send_stream_on_sent(&s, &p, p.buf->size, 3 * MS);
	assert_true(
		send_stream_sender_info(&s, 11 * SECOND + SECOND / 2, WALL_AT_ZERO + 11 * SECOND + SECOND / 2, &info));
	assert_int_equal(info.rtp_timestamp, 1234 + 135000); /* 1.5 s of 90 kHz after the packet's time */
	assert_int_equal(info.packets, 1);
	assert_int_equal(info.bytes, 5);
	/* 1700000011.5 s: NTP seconds 1700000011 + 2208988800, half a second */
	assert_int_equal(info.ntp, (UINT64_C(3908988811) << 32) | 0x80000000u);
	assert_int_equal(s.total_delay_us, 3 * MS);
	pktbuf_release(p.buf);
	send_stream_free(&s);
}

static void test_round_trip_example_of_rfc_3550_6_4_1(void **state)
{
	/* Figure 2 of the RFC: A = 0xb710:8000, LSR = 0xb705:2000, DLSR = 0x0005:4000 -> 6.125 s */
	(void)state;
	assert_int_equal(rtcp_round_trip(0xb7108000, 0xb7052000, 0x00054000), 6125000);
	assert_int_equal(rtcp_round_trip(0xb7108000, 0, 0x00054000), 0); /* no SR yet */
	assert_int_equal(rtcp_round_trip(100, 50, 51), 1);               /* clocks disagree by a tick: not negative */
	assert_int_equal(rtcp_round_trip(0x40000000, 1, 0), 0);          /* 4.5 hours are none */
}

static void test_history_is_bounded_and_ages(void **state)
{
	struct history h;

	(void)state;
	history_init(&h);
	assert_null(history_find(&h, 0, 5));
	for (uint32_t i = 0; i < 3000; i++) {
		uint16_t seq = (uint16_t)(65000 + i);

		history_put(&h, 0, &(struct history_item){ .buf = pktbuf_alloc(NULL, 10), .seq = seq, .sent = 0 });
		assert_true(h.count <= HISTORY_MAX);
	}
	assert_int_equal(h.count, HISTORY_MAX);
	assert_non_null(history_find(&h, 0, (uint16_t)(65000 + 2999)));
	assert_non_null(history_find(&h, 0, (uint16_t)(65000 + 2999 - 1023)));
	assert_null(history_find(&h, 0, (uint16_t)(65000 + 2999 - 1024)));
	/* a gap pushes the old ones out */
	history_put(&h, 10,
		    &(struct history_item){
			    .buf = pktbuf_alloc(NULL, 10), .seq = (uint16_t)(65000 + 2999 + 900), .sent = 10 });
	assert_int_equal(h.count, 1024 - 900 + 1);
	history_expire(&h, 10 + HISTORY_AGE_US);
	assert_int_equal(h.count, 1);
	history_expire(&h, 11 + HISTORY_AGE_US);
	assert_int_equal(h.count, 0);
	history_free(&h);
}

/* RFC 3550 5.1: the last byte counts the padding, itself included. */
static void test_an_empty_packet_is_the_next_one_at_the_same_time(void **state)
{
	struct send_stream s;
	struct send_request r;
	struct send_packet first, empty;
	struct rtp_packet p;
	struct rtcp_sender_info info;
	uint16_t seq;

	(void)state;
	assert_int_equal(send_stream_init(&s, 7, 0, true), WLK_OK);
	r = request(&s, "");
	assert_false(send_stream_pad_empty(&s, 0, NULL, &r, &empty)); /* after what? */
	first = build(&s, SECOND, "frame");
	seq = load_u16(first.buf->data + 2);
	sent(&s, SECOND, &first);
	r = request(&s, "is left out");
	assert_true(send_stream_pad_empty(&s, SECOND + 20 * MS, NULL, &r, &empty));
	assert_int_equal(rtp_parse(&p, empty.buf->data, empty.buf->size), WLK_OK);
	assert_int_equal(p.seq, (uint16_t)(seq + 1));
	assert_int_equal(p.timestamp, 1234);
	assert_int_equal(p.pt, 96);
	assert_int_equal(p.payload.size, 0);
	assert_int_equal(p.padding, 224);
	assert_false(p.marker);
	assert_int_equal(rtp_ext_find(&p, 3).size, 2); /* it is one that feedback tells of */
	assert_true(empty.is_padding && !empty.is_rtx && empty.twcc_offset && empty.rtx_pt == RTP_PT_NONE);
	sent(&s, SECOND + 20 * MS, &empty);
	assert_int_equal(s.packets, 2);
	assert_int_equal(s.bytes, 5);
	assert_int_equal(s.empty_packets, 1);
	assert_int_equal(s.empty_bytes, empty.buf->size);
	assert_true(send_stream_sender_info(&s, 2 * SECOND, 0, &info));
	assert_int_equal(info.packets, 2);
	assert_int_equal(info.bytes, 5);
	assert_int_equal(info.rtp_timestamp, 1234 + 90000); /* a second after the frame */
	send_stream_free(&s);
}

static void copy_of(struct history *h, struct pktbuf_pool *pool, wlk_time now, uint16_t seq)
{
	struct pktbuf *packet = pktbuf_alloc(pool, PKTBUF_PAYLOAD);

	assert_non_null(packet);
	packet->size = 1u + seq % 1500u;
	memset(packet->data, seq & 0xff, packet->size);
	history_copy(h, pool, now, packet, &(struct history_item){ .seq = seq, .rtx_pt = 97, .header_size = 12, .sent = now });
	memset(packet->data, 0xee, packet->size); /* it is encrypted in place */
	pktbuf_release(packet);
}

static void expect_copy(struct history *h, wlk_time now, uint16_t seq)
{
	const struct history_item *item = history_find(h, now, seq);

	assert_non_null(item);
	assert_int_equal(item->buf->size, 1 + seq % 1500);
	for (size_t i = 0; i < item->buf->size; i++)
		assert_int_equal(item->buf->data[i], seq & 0xff);
	assert_int_equal(item->rtx_pt, 97);
}

static void test_history_copies_into_the_memory_of_what_it_pushes_out(void **state)
{
	struct pktbuf_pool *pool = pktbuf_pool_create(4);
	struct history h;

	(void)state;
	history_init(&h);
	for (uint32_t i = 0; i < 5000; i++) {
		copy_of(&h, pool, 0, (uint16_t)(63000 + i));
		assert_true(pktbuf_pool_in_use(pool) <= HISTORY_MAX + 1);
	}
	assert_int_equal(pktbuf_pool_in_use(pool), HISTORY_MAX + 1);
	assert_null(history_find(&h, 0, (uint16_t)(63000 + 5000 - 1025)));
	for (uint32_t i = 5000 - HISTORY_MAX; i < 5000; i++)
		expect_copy(&h, 0, (uint16_t)(63000 + i));
	/* across a gap, and after a packet that is somebody else's too */
	copy_of(&h, pool, 0, (uint16_t)(63000 + 5000 + 500));
	expect_copy(&h, 0, (uint16_t)(63000 + 5000 + 500));
	expect_copy(&h, 0, (uint16_t)(63000 + 4999));
	history_put(&h, 0, &(struct history_item){ .buf = pktbuf_copy(pool, "x", 1), .seq = (uint16_t)(63000 + 5501) });
	for (uint32_t i = 5502; i < 8000; i++)
		copy_of(&h, pool, 0, (uint16_t)(63000 + i));
	expect_copy(&h, 0, (uint16_t)(63000 + 7999));
	/* a stream that fell silent holds nothing */
	history_expire(&h, 1 + HISTORY_AGE_US);
	assert_int_equal(h.count, 0);
	assert_int_equal(pktbuf_pool_in_use(pool), 0);
	for (uint16_t seq = 0; seq < 1100; seq++)
		copy_of(&h, pool, 0, seq);
	history_free(&h);
	assert_int_equal(pktbuf_pool_in_use(pool), 0);
	pktbuf_pool_destroy(pool);
}

static void test_without_memory_the_history_keeps_nothing(void **state)
{
	struct pktbuf *packet = pktbuf_copy(NULL, "0123456789ab", 12);

	(void)state;
	for (size_t n = 1; n <= 2; n++) { /* of the copy, of the list */
		struct history h;

		history_init(&h);
		alloc_fail_after(n);
		history_copy(&h, NULL, 0, packet, &(struct history_item){ .seq = 7, .rtx_pt = 97 });
		assert_true(alloc_did_fail());
		alloc_fail_after(0);
		assert_null(history_find(&h, 0, 7));
		history_copy(&h, NULL, 0, packet, &(struct history_item){ .seq = 8, .rtx_pt = 97 });
		assert_non_null(history_find(&h, 0, 8));
		history_free(&h);
	}
	pktbuf_release(packet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R20_R21_start_is_random_below_2_to_15),
		cmocka_unit_test(test_packet_bytes_and_stamps),
		cmocka_unit_test(test_R20_a_number_is_used_once_and_only_forward),
		cmocka_unit_test(test_rtx_answer_unwraps_to_the_original),
		cmocka_unit_test(test_an_answer_that_was_lost_is_followed_by_copies),
		cmocka_unit_test(test_R20_nothing_leaves_as_rtx_once_it_is_negotiated_away),
		cmocka_unit_test(test_R20_without_rtx_the_same_ciphertext_goes_again),
		cmocka_unit_test(test_R22_retransmissions_stay_below_half_of_what_is_sent),
		cmocka_unit_test(test_sender_report_maps_the_same_instant),
		cmocka_unit_test(test_an_empty_packet_is_the_next_one_at_the_same_time),
		cmocka_unit_test(test_round_trip_example_of_rfc_3550_6_4_1),
		cmocka_unit_test(test_history_is_bounded_and_ages),
		cmocka_unit_test(test_history_copies_into_the_memory_of_what_it_pushes_out),
		cmocka_unit_test(test_without_memory_the_history_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
