/* The media engine: sending, forwarding, answers to NACK. */
#include "media_support.h"

static void test_send_errors_use_up_no_number(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct rtp_ext own = { 3, { (const uint8_t *)"xx", 2 } };
	struct rtp_send send = { .pt = 96, .seq = 100, .payload = { (const uint8_t *)"x", 1 } };
	static uint8_t big[PKTBUF_PAYLOAD];
	struct media_transmit tx;
	uint16_t first;

	(void)state;
	assert_int_equal(media_engine_send_rtp(e, 0, 2, &send), WLK_ERR_NOT_FOUND);
	assert_int_equal(media_engine_send_rtp(e, 0, AUDIO, &send), WLK_ERR_NOT_FOUND);
	send.ext = &own;
	send.ext_count = 1;
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_ERR_INVALID);
	send.ext_count = MEDIA_EXT_ITEMS_MAX + 1;
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_ERR_INVALID);
	send.ext_count = 0;
	send.payload = (wlk_bytes){ big, sizeof(big) };
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_ERR_TOO_LARGE);
	send.payload.size = 1;
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_OK);
	tx = next_rtp(e, 0);
	first = tx.seq;
	assert_true(first <= 0x7fff); /* R21 */
	pktbuf_release(tx.buf);
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_ERR_INVALID); /* the same number again */
	send.seq = 99;
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_ERR_INVALID);
	send.seq = INT64_MAX;
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_ERR_INVALID);
	send.seq = 103; /* a gap of two stays */
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_OK);
	tx = next_rtp(e, 0);
	assert_int_equal(tx.seq, (uint16_t)(first + 3));
	pktbuf_release(tx.buf);
	media_engine_destroy(e);
}

static void test_forward_keeps_what_describes_the_frame_and_stamps_the_rest(void **state)
{
	/* mid "1", transport-cc, abs-send-time, orientation (13), playout delay (5, becomes 6), and an unknown id 12 */
	static const uint8_t block[] = { 0x40, '1',  0x31, 0xaa, 0xaa, 0x22, 1, 2, 3, 0xd0,
					 0x07, 0x52, 9,    8,    7,    0xc0, 1, 0, 0, 0 };
	struct rtp_packet p = {
		.pt = 96,
		.ssrc = REMOTE_VIDEO,
		.seq = 65535,
		.timestamp = 0xfffffff0,
		.marker = true,
		.has_ext = true,
		.ext_profile = 0xbede,
		.ext = { block, sizeof(block) },
		.payload = { (const uint8_t *)"frame", 5 },
		.padding = 4,
	};
	struct media_engine *e = new_av_engine(1000);
	struct media_packet packet;
	struct media_transmit tx;
	struct rtp_packet out;
	uint16_t first_seq, twcc;
	uint32_t first_timestamp;

	(void)state;
	input(e, 0, rtp_buf(&p));
	assert_true(media_engine_poll_packet(e, &packet));
	assert_int_equal(media_engine_forward(e, 2 * SECOND, &packet, VIDEO, 0), WLK_OK);
	pktbuf_release(packet.buf);
	tx = next_rtp(e, 2 * SECOND);
	assert_int_equal(tx.kind, MEDIA_TRANSMIT_RTP);
	assert_false(tx.keep_protected); /* RTX answers losses */
	assert_int_equal(rtp_parse(&out, tx.buf->data, tx.buf->size), WLK_OK);
	assert_int_equal(out.ssrc, 1002);
	assert_int_equal(out.pt, 96);
	assert_true(out.marker);
	assert_int_equal(out.padding, 0);
	assert_int_equal(out.payload.size, 5);
	assert_memory_equal(out.payload.data, "frame", 5);
	assert_memory_equal(rtp_ext_find(&out, 4).data, "1", 1);
	assert_memory_equal(rtp_ext_find(&out, 2).data, "\x08\x00\x00", 3);
	assert_int_equal(rtp_ext_find(&out, 13).data[0], 0x07);
	assert_memory_equal(rtp_ext_find(&out, 6).data, "\x09\x08\x07", 3);
	assert_null(rtp_ext_find(&out, 5).data);
	assert_null(rtp_ext_find(&out, 12).data);
	assert_true(rtp_ext_transport_cc(rtp_ext_find(&out, 3), &twcc));
	assert_true(pktbuf_headroom(tx.buf) >= PKTBUF_HEADROOM);
	assert_true(pktbuf_tailroom(tx.buf) >= PKTBUF_TAILROOM);
	first_seq = out.seq;
	first_timestamp = out.timestamp;
	pktbuf_release(tx.buf);
	/* the next but one: a gap of one, 90000 ticks later, over both wraps */
	p.seq = 1;
	p.timestamp += 90000;
	p.has_ext = false;
	p.padding = 0;
	input(e, 2 * SECOND, rtp_buf(&p));
	media_engine_handle_timeout(e, 4 * SECOND);
	assert_true(media_engine_poll_packet(e, &packet));
	assert_int_equal(media_engine_forward(e, 4 * SECOND, &packet, VIDEO, 0), WLK_OK);
	pktbuf_release(packet.buf);
	tx = next_rtp(e, 4 * SECOND);
	assert_int_equal(rtp_parse(&out, tx.buf->data, tx.buf->size), WLK_OK);
	assert_int_equal(out.seq, (uint16_t)(first_seq + 2));
	assert_int_equal(out.timestamp, first_timestamp + 90000);
	assert_int_equal(load_u16(rtp_ext_find(&out, 3).data), (uint16_t)(twcc + 1));
	pktbuf_release(tx.buf);
	media_engine_destroy(e);
}

static uint16_t forward_one(struct media_engine *e, wlk_time now, uint32_t ssrc, uint16_t seq, uint32_t *timestamp)
{
	struct media_packet packet;
	struct media_transmit tx;
	struct rtp_packet out;
	uint16_t result;

	input(e, now, packet_with(96, ssrc, seq, "1", -1, "f"));
	assert_true(media_engine_poll_packet(e, &packet));
	assert_int_equal(media_engine_forward(e, now, &packet, VIDEO, 0), WLK_OK);
	pktbuf_release(packet.buf);
	tx = next_rtp(e, now);
	assert_int_equal(rtp_parse(&out, tx.buf->data, tx.buf->size), WLK_OK);
	*timestamp = out.timestamp;
	result = out.seq;
	pktbuf_release(tx.buf);
	return result;
}

static void test_forward_goes_on_seamlessly_when_the_source_changes(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	uint32_t first, second, third;
	uint16_t seq = forward_one(e, 0, 70, 10, &first);

	(void)state;
	assert_int_equal(forward_one(e, SECOND, 71, 40000, &second), (uint16_t)(seq + 1));
	assert_int_equal(second, first + 90000);
	assert_int_equal(forward_one(e, SECOND, 71, 40001, &third), (uint16_t)(seq + 2));
	assert_int_equal(third, second + 3000);
	media_engine_destroy(e);
}

static void test_a_packet_may_be_forwarded_after_a_renegotiation(void **state)
{
	struct media_section_config c[] = { audio_config(1001), video_config(1002, 1003) };
	struct media_engine *e = new_av_engine(1000);
	struct media_packet packet;

	(void)state;
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", -1, "f"));
	assert_true(media_engine_poll_packet(e, &packet));
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	assert_int_equal(media_engine_forward(e, 0, &packet, VIDEO, 0), WLK_OK);
	pktbuf_release(packet.buf);
	media_engine_destroy(e);
}

static void test_padding_probes_make_no_gap_in_what_is_forwarded(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	uint32_t timestamp;
	uint16_t seq = forward_one(e, 0, REMOTE_VIDEO, 10, &timestamp);

	(void)state;
	input(e, 0, rtp_buf(&(struct rtp_packet){ .pt = 96, .ssrc = REMOTE_VIDEO, .seq = 11, .padding = 255 }));
	assert_int_equal(next_section(e), -1);
	assert_int_equal(forward_one(e, 0, REMOTE_VIDEO, 12, &timestamp), (uint16_t)(seq + 1));
	media_engine_destroy(e);
}

static void test_R20_without_rtx_a_loss_is_answered_with_the_same_ciphertext(void **state)
{
	struct media_section_config c[] = { audio_config(1), video_config(2, 0) };
	struct rtp_send send = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"plain", 5 } };
	struct media_engine *e = new_engine();
	struct media_transmit tx, again;
	uint8_t nack[32], cipher[64];
	struct bytes_writer w = bytes_writer(nack, sizeof(nack));
	size_t size;

	(void)state;
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_OK);
	tx = next_rtp(e, 0);
	assert_int_equal(tx.kind, MEDIA_TRANSMIT_RTP);
	assert_true(tx.keep_protected);
	memcpy(tx.buf->data + 30, "SECRET", 6); /* stands for srtp_protect, which also makes it longer */
	tx.buf->size += 16;
	size = tx.buf->size;
	memcpy(cipher, tx.buf->data, size);
	media_engine_on_protected(e, &tx);
	tx.buf->data -= 4; /* a TURN header in front must not be part of it */
	tx.buf->size += 4;
	pktbuf_release(tx.buf);
	rtcp_write_nack(&w, 9, 2, &tx.seq, 1);
	media_engine_input_rtcp(e, 20 * MS, nack, w.size);
	again = next_rtp(e, 20 * MS);
	assert_int_equal(again.kind, MEDIA_TRANSMIT_PROTECTED_RTP);
	assert_false(again.keep_protected);
	assert_int_equal(again.seq, tx.seq);
	assert_int_equal(again.buf->size, size);
	assert_memory_equal(again.buf->data, cipher, size);
	pktbuf_release(again.buf);
	media_engine_destroy(e);
}

static void test_nack_is_answered_on_the_rtx_ssrc(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct rtp_send send = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"plain", 5 } };
	struct media_outbound_stats stats;
	struct media_transmit tx;
	struct rtp_packet out;
	uint8_t nack[32];
	struct bytes_writer w = bytes_writer(nack, sizeof(nack));
	uint16_t seq, twcc;

	(void)state;
	assert_int_equal(media_engine_send_rtp(e, 0, VIDEO, &send), WLK_OK);
	tx = next_rtp(e, 0);
	seq = tx.seq;
	assert_int_equal(rtp_parse(&out, tx.buf->data, tx.buf->size), WLK_OK);
	twcc = load_u16(rtp_ext_find(&out, 3).data);
	memset(tx.buf->data + 12, 0xee, tx.buf->size - 12); /* encrypted in place: the history must not see it */
	pktbuf_release(tx.buf);
	rtcp_write_nack(&w, 9, 1002, &seq, 1);
	media_engine_input_rtcp(e, 20 * MS, nack, w.size);
	tx = next_rtp(e, 20 * MS);
	assert_int_equal(tx.kind, MEDIA_TRANSMIT_RTP);
	assert_int_equal(tx.ssrc, 1003);
	assert_int_equal(rtp_parse(&out, tx.buf->data, tx.buf->size), WLK_OK);
	assert_int_equal(out.pt, 97);
	assert_int_equal(load_u16(out.payload.data), seq);
	assert_memory_equal(out.payload.data + 2, "plain", 5);
	assert_int_equal(load_u16(rtp_ext_find(&out, 3).data), (uint16_t)(twcc + 1));
	pktbuf_release(tx.buf);
	assert_true(media_engine_outbound_stats(e, VIDEO, &stats));
	assert_int_equal(stats.nack_count, 1);
	assert_int_equal(stats.nacked_packets, 1);
	assert_int_equal(stats.retransmitted_packets_sent, 1);
	assert_int_equal(stats.packets_sent, 2);
	media_engine_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send_errors_use_up_no_number),
		cmocka_unit_test(test_forward_keeps_what_describes_the_frame_and_stamps_the_rest),
		cmocka_unit_test(test_forward_goes_on_seamlessly_when_the_source_changes),
		cmocka_unit_test(test_a_packet_may_be_forwarded_after_a_renegotiation),
		cmocka_unit_test(test_padding_probes_make_no_gap_in_what_is_forwarded),
		cmocka_unit_test(test_R20_without_rtx_a_loss_is_answered_with_the_same_ciphertext),
		cmocka_unit_test(test_nack_is_answered_on_the_rtx_ssrc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
