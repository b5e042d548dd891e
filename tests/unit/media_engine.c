#include "media_support.h"

enum { REMOTE_AUDIO = 501, REMOTE_VIDEO = 502, REMOTE_RTX = 503 };

/* A packet with mid and transport-cc extensions; |mid| or |twcc| may be absent (NULL, -1). */
static struct pktbuf *packet_with(uint8_t pt, uint32_t ssrc, uint16_t seq, const char *mid, int32_t twcc, const char *payload)
{
	struct rtp_packet p = { .pt = pt, .ssrc = ssrc, .seq = seq, .timestamp = (uint32_t)seq * 3000 };
	struct rtp_ext items[2];
	size_t count = 0;
	uint8_t block[32], seq_bytes[2];
	struct bytes_writer w = bytes_writer(block, sizeof(block));

	store_u16(seq_bytes, (uint16_t)twcc);
	if (mid)
		items[count++] = (struct rtp_ext){ 4, { (const uint8_t *)mid, strlen(mid) } };
	if (twcc >= 0)
		items[count++] = (struct rtp_ext){ 3, { seq_bytes, 2 } };
	if (rtp_ext_write(&w, items, count, true, NULL)) {
		p.has_ext = true;
		p.ext_profile = load_u16(block);
		p.ext = (wlk_bytes){ block + 4, w.size - 4 };
	}
	p.payload = (wlk_bytes){ (const uint8_t *)payload, strlen(payload) };
	return rtp_buf(&p);
}

static void input(struct media_engine *e, wlk_time now, struct pktbuf *buf)
{
	media_engine_input_rtp(e, now, buf);
}

static struct media_engine_stats stats_of(const struct media_engine *e)
{
	struct media_engine_stats stats;

	media_engine_stats(e, &stats);
	return stats;
}

/* The next packet for the application, released again; answers its section or -1. */
static int next_section(struct media_engine *e)
{
	struct media_packet packet;

	if (!media_engine_poll_packet(e, &packet))
		return -1;
	pktbuf_release(packet.buf);
	return (int)packet.section;
}

/* ---- configuration ---- */

static void test_bad_configurations_change_nothing(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct media_section_config good[] = { audio_config(1001), video_config(1002, 1003) }, c[2];
	static const char *const long_rid[] = { "12345678901234567" };

	(void)state;
#define REFUSED(change)                                                                              \
	do {                                                                                         \
		memcpy(c, good, sizeof(c));                                                          \
		change;                                                                              \
		assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_ERR_INVALID);               \
	} while (0)
	REFUSED(c[1].mid = "0");
	REFUSED(c[1].mid = "12345678901234567");
	REFUSED(c[1].mid = NULL);
	REFUSED(c[0].ssrc = 0);
	REFUSED(c[0].ssrc = 1002);
	REFUSED(c[0].ssrc = 1003);
	REFUSED(c[1].rtx_ssrc = 1002);
	REFUSED(c[0].cname = NULL);
	REFUSED(c[0].cname = "");
	REFUSED(c[0].recv_ext.id[RTP_EXT_MID] = 15);
	REFUSED(c[0].send_ext.id[RTP_EXT_MID] = 3);
	REFUSED((c[0].rids = long_rid, c[0].rid_count = 1));
#undef REFUSED
	/* an unused section needs nothing */
	memcpy(c, good, sizeof(c));
	c[0] = (struct media_section_config){ .mid = "" };
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	media_engine_destroy(e);
}

static void test_R20_a_retired_ssrc_never_sends_again(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct media_section_config c[] = { audio_config(1001), video_config(2002, 2003) };

	(void)state;
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK); /* video has a new SSRC */
	c[1] = video_config(1002, 2003);
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_ERR_INVALID);
	c[1] = video_config(3002, 1003);
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_ERR_INVALID);
	/* another section may not go on under a number that is in use either */
	c[1] = video_config(2002, 2003);
	c[1].mid = "7";
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_ERR_INVALID);
	media_engine_destroy(e);
}

static void send_audio(struct media_engine *e, wlk_time now, uint16_t *seq_out, uint32_t *ssrc_out)
{
	struct rtp_send send = { .pt = 111, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"x", 1 } };
	struct media_transmit tx;

	assert_int_equal(media_engine_send_rtp(e, now, AUDIO, &send), WLK_OK);
	do
		assert_true(media_engine_poll_transmit(e, now, &tx));
	while (tx.kind == MEDIA_TRANSMIT_RTCP && (pktbuf_release(tx.buf), true));
	*seq_out = tx.seq;
	*ssrc_out = tx.ssrc;
	pktbuf_release(tx.buf);
}

static void test_R20_numbering_survives_hold_and_renegotiation(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct media_section_config c[] = { audio_config(1001), video_config(1002, 1003) };
	struct rtp_send send = { .pt = 111, .seq = MEDIA_SEQ_NEXT };
	struct media_transmit tx;
	uint16_t first, second;
	uint32_t ssrc;

	(void)state;
	send_audio(e, 0, &first, &ssrc);
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	send_audio(e, 0, &second, &ssrc);
	assert_int_equal(second, (uint16_t)(first + 1));
	c[0].send = false;
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	assert_int_equal(media_engine_send_rtp(e, 0, AUDIO, &send), WLK_ERR_STATE);
	/* it says BYE when it stops */
	assert_true(media_engine_poll_transmit(e, 0, &tx));
	assert_int_equal(tx.kind, MEDIA_TRANSMIT_RTCP);
	assert_int_equal(tx.buf->data[tx.buf->size - 7], RTCP_BYE);
	assert_int_equal(load_u32(tx.buf->data + tx.buf->size - 4), 1001);
	pktbuf_release(tx.buf);
	c[0].send = true;
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	send_audio(e, 0, &second, &ssrc);
	assert_int_equal(second, (uint16_t)(first + 2));
	assert_int_equal(ssrc, 1001);
	media_engine_destroy(e);
}

static void test_known_ssrcs_are_those_of_the_description(void **state)
{
	const struct media_remote_ssrc remote = { REMOTE_VIDEO, REMOTE_RTX };
	struct media_section_config c[] = { audio_config(1), video_config(2, 3) };
	struct media_engine *e = new_engine();
	uint32_t ssrcs[4] = { 0 }, fresh;

	(void)state;
	c[1].remote_ssrcs = &remote;
	c[1].remote_ssrc_count = 1;
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	assert_int_equal(media_engine_known_ssrcs(e, ssrcs, 1), 2);
	assert_int_equal(ssrcs[0], REMOTE_VIDEO);
	assert_int_equal(ssrcs[1], 0);
	assert_int_equal(media_engine_known_ssrcs(e, ssrcs, 4), 2);
	assert_int_equal(ssrcs[1], REMOTE_RTX);
	assert_int_equal(media_engine_pick_ssrc(e, &fresh), WLK_OK);
	assert_int_not_equal(fresh, 0);
	media_engine_destroy(e);
}

/* ---- demultiplexing ---- */

static void test_mid_then_ssrc_then_payload_type(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct media_event event;

	(void)state;
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, NULL, -1, "v")); /* by payload type */
	assert_int_equal(next_section(e), VIDEO);
	assert_true(media_engine_poll_event(e, &event));
	assert_int_equal(event.type, MEDIA_EVENT_SSRC_NEW);
	assert_int_equal(event.section, VIDEO);
	assert_int_equal(event.ssrc, REMOTE_VIDEO);
	assert_false(media_engine_poll_event(e, &event));
	input(e, 0, packet_with(111, REMOTE_AUDIO, 1, "0", -1, "a")); /* by mid */
	assert_int_equal(next_section(e), AUDIO);
	input(e, 0, packet_with(111, REMOTE_AUDIO, 2, NULL, -1, "a")); /* by the SSRC, now known */
	assert_int_equal(next_section(e), AUDIO);
	input(e, 0, packet_with(96, 600, 1, "nope", -1, "v")); /* a mid nobody has */
	input(e, 0, packet_with(100, 601, 1, NULL, -1, "v"));  /* a payload type nobody has */
	input(e, 0, packet_with(111, 602, 1, "1", -1, "v"));   /* audio in the video section */
	assert_int_equal(next_section(e), -1);
	assert_int_equal(stats_of(e).rtp_unknown_ssrc, 3);
	media_engine_destroy(e);
}

static void test_a_payload_type_of_two_sections_decides_nothing(void **state)
{
	struct media_section_config c[] = { video_config(1, 2), video_config(3, 4) };
	struct media_engine *e = new_engine();

	(void)state;
	c[0].mid = "a";
	c[1].mid = "b";
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, NULL, -1, "v"));
	assert_int_equal(next_section(e), -1);
	input(e, 0, packet_with(96, REMOTE_VIDEO, 2, "b", -1, "v"));
	assert_int_equal(next_section(e), 1);
	/* the peer moves the SSRC: its mid says so */
	input(e, 0, packet_with(96, REMOTE_VIDEO, 3, "a", -1, "v"));
	assert_int_equal(next_section(e), 0);
	media_engine_destroy(e);
}

static void test_the_description_tells_an_ssrc_without_mid(void **state)
{
	const struct media_remote_ssrc remote = { REMOTE_VIDEO, REMOTE_RTX };
	struct media_section_config c[] = { video_config(1, 2), video_config(3, 4) };
	struct media_engine *e = new_engine();

	(void)state;
	c[0].mid = "a";
	c[1].mid = "b";
	c[1].remote_ssrcs = &remote;
	c[1].remote_ssrc_count = 1;
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, NULL, -1, "v"));
	assert_int_equal(next_section(e), 1);
	media_engine_destroy(e);
}

static void test_a_section_that_does_not_receive(void **state)
{
	struct media_section_config c[] = { audio_config(1), video_config(2, 3) };
	struct media_engine *e = new_engine();

	(void)state;
	c[1].receive = false;
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", -1, "v"));
	assert_int_equal(next_section(e), -1);
	assert_int_equal(stats_of(e).rtp_not_receiving, 1);
	assert_int_equal(media_engine_request_key_frame(e, 0, VIDEO), WLK_ERR_NOT_FOUND);
	assert_int_equal(media_engine_request_key_frame(e, 0, AUDIO), WLK_ERR_UNSUPPORTED);
	assert_int_equal(media_engine_request_key_frame(e, 0, 2), WLK_ERR_NOT_FOUND);
	media_engine_destroy(e);
}

static void test_rtx_before_media_finds_its_stream_by_fid(void **state)
{
	const struct media_remote_ssrc remote = { REMOTE_VIDEO, REMOTE_RTX };
	struct media_section_config c[] = { audio_config(1), video_config(2, 3) };
	struct media_engine *e = new_engine();
	struct media_packet packet;

	(void)state;
	c[1].remote_ssrcs = &remote;
	c[1].remote_ssrc_count = 1;
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	/* a probe: padding only, before anything else */
	input(e, 0, rtp_buf(&(struct rtp_packet){ .pt = 97, .ssrc = REMOTE_RTX, .seq = 1, .padding = 200 }));
	input(e, 0, packet_with(96, REMOTE_VIDEO, 10, NULL, -1, "a"));
	input(e, 0, packet_with(96, REMOTE_VIDEO, 12, NULL, -1, "c"));
	input(e, 0, packet_with(97, REMOTE_RTX, 2, NULL, -1, "\x00\x0b" "b")); /* OSN 11; strlen stops it: see below */
	assert_true(media_engine_poll_packet(e, &packet));
	assert_int_equal(packet.rtp.seq, 10);
	pktbuf_release(packet.buf);
	assert_false(media_engine_poll_packet(e, &packet));
	static const uint8_t rtx[] = { 0, 11, 'b' };

	input(e, 0, rtp_buf(&(struct rtp_packet){ .pt = 97, .ssrc = REMOTE_RTX, .seq = 3, .payload = { rtx, 3 } }));
	assert_true(media_engine_poll_packet(e, &packet));
	assert_int_equal(packet.rtp.seq, 11);
	assert_int_equal(packet.rtp.ssrc, REMOTE_VIDEO);
	assert_int_equal(packet.rtp.pt, 96);
	assert_true(packet.is_recovered);
	assert_int_equal(packet.extended_seq, 65536 + 11);
	pktbuf_release(packet.buf);
	assert_int_equal(next_section(e), VIDEO);
	assert_true(stats_of(e).padding_only_received >= 1);
	media_engine_destroy(e);
}

static void test_simulcast_layers_and_their_rtx_are_told_by_rid(void **state)
{
	static const char *const rids[] = { "hi", "lo" };
	struct media_section_config c[] = { video_config(2, 3) };
	struct media_engine *e = new_engine();
	struct media_inbound_stats in;

	(void)state;
	c[0].rids = rids;
	c[0].rid_count = 2;
	c[0].recv_ext.id[RTP_EXT_RID] = 10;
	c[0].recv_ext.id[RTP_EXT_REPAIRED_RID] = 11;
	assert_int_equal(media_engine_configure(e, 0, c, 1), WLK_OK);
	static const uint8_t hi[] = { 0x40, '1', 0xa1, 'h', 'i', 0, 0, 0 };
	static const uint8_t lo[] = { 0x40, '1', 0xa1, 'l', 'o', 0, 0, 0 };
	static const uint8_t repaired_lo[] = { 0x40, '1', 0xb1, 'l', 'o', 0, 0, 0 };
	static const uint8_t rtx[] = { 0, 6, 'r' };
	struct rtp_packet p = { .pt = 96, .ssrc = 70, .seq = 5, .has_ext = true, .ext_profile = 0xbede, .ext = { hi, 8 },
				.payload = { rtx, 3 } };

	input(e, 0, rtp_buf(&p));
	p.ssrc = 80;
	p.ext.data = lo;
	input(e, 0, rtp_buf(&p));
	p = (struct rtp_packet){ .pt = 97, .ssrc = 81, .has_ext = true, .ext_profile = 0xbede, .ext = { repaired_lo, 8 },
				 .payload = { rtx, 3 } };
	input(e, 0, rtp_buf(&p));
	assert_int_equal(drain_packets(e), 3);
	assert_true(media_engine_inbound_stats(e, 1, &in));
	assert_int_equal(in.ssrc, 80);
	assert_int_equal(in.rtx_ssrc, 81);
	assert_int_equal(in.packets_recovered, 1);
	assert_true(media_engine_inbound_stats(e, 0, &in));
	assert_int_equal(in.rtx_ssrc, 0);
	media_engine_destroy(e);
}

static void test_R19_streams_are_bounded_and_idle_ones_give_way(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct media_inbound_stats in;
	size_t before;

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		input(e, 0, packet_with(96, 5000 + i, 1, "1", -1, "v"));
	assert_int_equal(drain_packets(e), MEDIA_STREAMS_MAX);
	assert_true(media_engine_inbound_stats(e, MEDIA_STREAMS_MAX - 1, &in));
	assert_false(media_engine_inbound_stats(e, MEDIA_STREAMS_MAX, &in));
	before = alloc_live_blocks();
	for (uint32_t i = 0; i < 200; i++)
		input(e, SECOND, packet_with(96, 9000 + i, 1, "1", -1, "v"));
	assert_int_equal(alloc_live_blocks(), before);
	/* after ten seconds of silence a place is free */
	input(e, 11 * SECOND, packet_with(96, 99, 1, "1", -1, "v"));
	assert_int_equal(drain_packets(e), 1);
	media_engine_destroy(e);
}

static void test_R18_malformed_packets_are_counted_and_dropped(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	size_t before = alloc_live_blocks();

	(void)state;
	for (size_t size = 0; size < 12; size++)
		input(e, 0, pktbuf_copy(NULL, "\x80\x60\0\0\0\0\0\0\0\0\0\0", size));
	assert_int_equal(stats_of(e).rtp_malformed, 12);
	assert_int_equal(alloc_live_blocks(), before);
	for (size_t size = 1; size < 4; size++)
		media_engine_input_rtcp(e, 0, (const uint8_t *)"\x80\xc8\0", size);
	assert_int_equal(stats_of(e).rtcp_malformed, 3);
	media_engine_destroy(e);
}

/* ---- sending and forwarding ---- */

static struct media_transmit next_rtp(struct media_engine *e, wlk_time now)
{
	struct media_transmit tx;

	while (media_engine_poll_transmit(e, now, &tx)) {
		if (tx.kind != MEDIA_TRANSMIT_RTCP)
			return tx;
		pktbuf_release(tx.buf);
	}
	fail();
	return tx;
}

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
	static const uint8_t block[] = { 0x40, '1', 0x31, 0xaa, 0xaa, 0x22, 1, 2, 3, 0xd0, 0x07, 0x52, 9, 8, 7, 0xc0, 1, 0, 0, 0 };
	struct rtp_packet p = {
		.pt = 96, .ssrc = REMOTE_VIDEO, .seq = 65535, .timestamp = 0xfffffff0, .marker = true, .has_ext = true,
		.ext_profile = 0xbede, .ext = { block, sizeof(block) }, .payload = { (const uint8_t *)"frame", 5 }, .padding = 4,
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
	assert_int_equal(media_engine_forward(e, 2 * SECOND, &packet, VIDEO), WLK_OK);
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
	assert_int_equal(media_engine_forward(e, 4 * SECOND, &packet, VIDEO), WLK_OK);
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
	assert_int_equal(media_engine_forward(e, now, &packet, VIDEO), WLK_OK);
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

/* ---- RTCP ---- */

struct seen {
	bool sr, rr, sdes, bye, pli, fir, nack, twcc, remb, rrtr, dlrr;
	struct rtcp_report report;
	struct rtcp_report_block block;
	struct rtcp_remb remb_value;
	struct rtcp_xr xr;
	uint16_t nacked;
	uint32_t media_ssrc;
	uint8_t first_type;
	size_t datagrams;
	uint8_t data[1200];
};

static void look(struct seen *seen, const struct pktbuf *buf)
{
	struct rtcp_packet packet;
	struct rtcp_iter iter;
	struct rtcp_fb fb;

	memcpy(seen->data, buf->data, buf->size);
	iter = rtcp_iter(seen->data, buf->size);
	seen->first_type = seen->data[1];
	seen->datagrams++;
	while (rtcp_next(&iter, &packet)) {
		switch (packet.type) {
		case RTCP_SR:
		case RTCP_RR:
			seen->sr = seen->sr || packet.type == RTCP_SR;
			seen->rr = seen->rr || packet.type == RTCP_RR;
			assert_int_equal(rtcp_report_parse(&seen->report, &packet), WLK_OK);
			if (packet.count)
				seen->block = rtcp_report_block_at(&seen->report, 0);
			break;
		case RTCP_SDES:
			seen->sdes = true;
			break;
		case RTCP_BYE:
			seen->bye = true;
			break;
		case RTCP_XR:
			assert_int_equal(rtcp_xr_parse(&seen->xr, &packet), WLK_OK);
			seen->rrtr = seen->rrtr || seen->xr.has_rrtr;
			seen->dlrr = seen->dlrr || seen->xr.dlrr_count;
			break;
		default:
			assert_int_equal(rtcp_fb_parse(&fb, &packet), WLK_OK);
			seen->media_ssrc = fb.media_ssrc;
			seen->pli = seen->pli || (packet.type == RTCP_PSFB && packet.count == RTCP_FB_PLI);
			seen->fir = seen->fir || (packet.type == RTCP_PSFB && packet.count == RTCP_FB_FIR);
			if (packet.type == RTCP_PSFB && packet.count == RTCP_FB_AFB)
				seen->remb = rtcp_remb_parse(&seen->remb_value, &fb) == WLK_OK;
			if (packet.type == RTCP_RTPFB && packet.count == RTCP_FB_NACK)
				seen->nack = rtcp_nack_parse(&fb, &seen->nacked, 1) == 1;
			seen->twcc = seen->twcc || (packet.type == RTCP_RTPFB && packet.count == RTCP_FB_TRANSPORT_CC);
		}
	}
	assert_false(iter.malformed);
}

static struct seen take_rtcp(struct media_engine *e, wlk_time now)
{
	struct seen seen = { 0 };
	struct media_transmit tx;

	media_engine_handle_timeout(e, now);
	while (media_engine_poll_transmit(e, now, &tx)) {
		if (tx.kind == MEDIA_TRANSMIT_RTCP)
			look(&seen, tx.buf);
		pktbuf_release(tx.buf);
	}
	assert_true(media_engine_deadline(e) > now);
	return seen;
}

static void test_receiver_report_and_sender_report(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct rtp_send send = { .pt = 111, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"abc", 3 } };
	struct seen seen;

	(void)state;
	assert_int_equal(media_engine_deadline(e), WLK_TIME_NEVER);
	for (uint16_t seq = 1; seq <= 10; seq++)
		if (seq != 5)
			input(e, seq * 20 * MS, packet_with(111, REMOTE_AUDIO, seq, "0", -1, "a"));
	seen = take_rtcp(e, SECOND);
	assert_true(seen.rr && seen.sdes && !seen.sr);
	assert_int_equal(seen.report.ssrc, 1001);
	assert_int_equal(seen.block.ssrc, REMOTE_AUDIO);
	assert_int_equal(seen.block.cumulative_lost, 1);
	assert_int_equal(seen.block.fraction_lost, 25);
	assert_int_equal(seen.block.highest_seq, 10);
	assert_int_equal(media_engine_send_rtp(e, 2 * SECOND, AUDIO, &send), WLK_OK);
	seen = take_rtcp(e, 4 * SECOND);
	assert_true(seen.sr && seen.sdes && !seen.rr);
	assert_int_equal(seen.report.block_count, 0); /* nothing came since */
	seen = take_rtcp(e, 12 * SECOND);
	assert_int_equal(seen.report.sender.packets, 1);
	assert_int_equal(seen.report.sender.bytes, 3);
	assert_int_equal(seen.report.sender.ntp, time_to_ntp(WALL_AT_ZERO + 12 * SECOND));
	media_engine_destroy(e);
}

static void test_round_trip_from_the_peers_report(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct rtp_send send = { .pt = 111, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"abc", 3 } };
	struct rtcp_report_block block = { .ssrc = 1001, .fraction_lost = 64, .cumulative_lost = 7, .jitter = 480 };
	struct media_outbound_stats stats;
	uint8_t data[64];
	struct bytes_writer w = bytes_writer(data, sizeof(data));
	struct seen seen;

	(void)state;
	media_engine_set_rtt(e, 70 * MS);
	assert_int_equal(stats_of(e).rtt_us, 70 * MS);
	assert_int_equal(media_engine_send_rtp(e, 0, AUDIO, &send), WLK_OK);
	seen = take_rtcp(e, SECOND); /* RTP first: no SR yet before the packet left; the report may be due as well */
	seen = take_rtcp(e, 8 * SECOND);
	assert_true(seen.sr);
	block.lsr = (uint32_t)(seen.report.sender.ntp >> 16);
	block.dlsr = 65536 / 2;
	rtcp_write_rr(&w, REMOTE_AUDIO, &block, 1);
	media_engine_input_rtcp(e, 8 * SECOND + SECOND / 2 + 30 * MS, data, w.size);
	assert_true(media_engine_outbound_stats(e, AUDIO, &stats));
	assert_true(stats.has_report);
	assert_in_range(stats.rtt_us, 29900, 30100);
	assert_int_equal(stats.packets_lost, 7);
	assert_true(stats.fraction_lost == 0.25);
	assert_true(stats.jitter_s == 0.01);
	assert_in_range(stats_of(e).rtt_us, 29900, 30100);
	media_engine_set_rtt(e, 70 * MS); /* its own measure is better */
	assert_in_range(stats_of(e).rtt_us, 29900, 30100);
	media_engine_destroy(e);
}

static void test_transport_feedback_names_the_media_ssrc(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct seen seen;

	(void)state;
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", 40, "v"));
	input(e, 0, rtp_buf(&(struct rtp_packet){ .pt = 97, .ssrc = REMOTE_RTX, .seq = 1, .padding = 9 }));
	input(e, 0, packet_with(97, REMOTE_RTX, 2, "1", 41, "")); /* a probe counts, and is of the video stream */
	assert_int_equal(media_engine_deadline(e), 100 * MS);
	seen = take_rtcp(e, 100 * MS);
	assert_true(seen.twcc);
	assert_int_equal(seen.first_type, RTCP_RTPFB); /* reduced-size */
	assert_int_equal(seen.media_ssrc, REMOTE_VIDEO);
	assert_int_equal(stats_of(e).twcc_sent, 1);
	assert_int_equal(stats_of(e).remb_sent, 0);
	media_engine_destroy(e);
}

static void test_without_rsize_feedback_is_compound(void **state)
{
	struct media_section_config c[] = { audio_config(1), video_config(2, 3) };
	struct media_engine *e = new_engine();
	struct seen seen;

	(void)state;
	c[0].rtcp_rsize = c[1].rtcp_rsize = false;
	assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_OK);
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", -1, "v"));
	assert_int_equal(media_engine_request_key_frame(e, 0, VIDEO), WLK_OK);
	seen = take_rtcp(e, 0);
	assert_int_equal(seen.datagrams, 1);
	assert_int_equal(seen.first_type, RTCP_RR);
	assert_true(seen.sdes && seen.pli);
	media_engine_destroy(e);
}

static void test_missing_packets_are_asked_for(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct media_inbound_stats in;
	struct seen seen;

	(void)state;
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", -1, "v"));
	input(e, 0, packet_with(96, REMOTE_VIDEO, 3, "1", -1, "v"));
	assert_int_equal(media_engine_deadline(e), 5 * MS);
	seen = take_rtcp(e, 5 * MS);
	assert_true(seen.nack);
	assert_int_equal(seen.nacked, 2);
	assert_int_equal(seen.media_ssrc, REMOTE_VIDEO);
	assert_true(media_engine_inbound_stats(e, 0, &in));
	assert_int_equal(in.nack_count, 1);
	assert_int_equal(in.nacked_packets, 1);
	media_engine_destroy(e);
}

static void test_R22_key_frames_are_asked_for_once_in_500_ms(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct media_inbound_stats in;
	int requests = 0;

	(void)state;
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", -1, "v"));
	for (wlk_time now = 0; now < 2 * SECOND; now += 10 * MS) {
		assert_int_equal(media_engine_request_key_frame(e, now, VIDEO), WLK_OK);
		requests += take_rtcp(e, now).pli;
	}
	assert_int_equal(requests, 4);
	assert_true(media_engine_inbound_stats(e, 0, &in));
	assert_int_equal(in.pli_count, 4);
	media_engine_destroy(e);
}

static void test_fir_is_used_where_pli_was_not_negotiated(void **state)
{
	struct media_payload payload = vp8_payload;
	struct media_section_config c = video_config(2, 3);
	struct media_engine *e = new_engine();
	struct seen seen;

	(void)state;
	payload.fb = MEDIA_FB_FIR;
	c.payloads = &payload;
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_OK);
	assert_int_equal(media_engine_request_key_frame(e, 0, 0), WLK_OK); /* nobody to ask yet */
	assert_false(take_rtcp(e, 0).fir);
	input(e, SECOND, packet_with(96, REMOTE_VIDEO, 1, "1", -1, "v"));
	assert_int_equal(media_engine_request_key_frame(e, SECOND, 0), WLK_OK);
	seen = take_rtcp(e, SECOND);
	assert_true(seen.fir && !seen.pli);
	media_engine_destroy(e);
}

static size_t key_frame_events(struct media_engine *e)
{
	struct media_event event;
	size_t count = 0;

	while (media_engine_poll_event(e, &event))
		count += event.type == MEDIA_EVENT_KEY_FRAME_REQUEST && event.section == VIDEO;
	return count;
}

static void test_R22_a_pli_storm_makes_two_events_a_second(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct media_outbound_stats stats;
	uint8_t pli[16];
	struct bytes_writer w = bytes_writer(pli, sizeof(pli));
	size_t events = 0;

	(void)state;
	rtcp_write_pli(&w, 9, 1002);
	for (wlk_time now = 0; now < 3 * SECOND; now += MS) {
		media_engine_input_rtcp(e, now, pli, w.size);
		media_engine_handle_timeout(e, now);
		events += key_frame_events(e);
		assert_true(media_engine_deadline(e) > now);
	}
	assert_int_equal(events, 6);
	assert_true(media_engine_outbound_stats(e, VIDEO, &stats));
	assert_int_equal(stats.pli_count, 3000);
	/* about another SSRC it means nothing */
	w = bytes_writer(pli, sizeof(pli));
	rtcp_write_pli(&w, 9, 4711);
	media_engine_input_rtcp(e, 10 * SECOND, pli, w.size);
	media_engine_handle_timeout(e, 10 * SECOND);
	events = key_frame_events(e); /* the one that was still pending */
	media_engine_input_rtcp(e, 20 * SECOND, pli, w.size);
	assert_int_equal(key_frame_events(e), 0);
	media_engine_destroy(e);
}

static void test_fir_with_the_same_number_is_the_same_request(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	uint8_t fir[32];

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct bytes_writer w = bytes_writer(fir, sizeof(fir));

		rtcp_write_fir(&w, 9, &(struct rtcp_fir){ 1002, (uint8_t)(i / 2) });
		media_engine_input_rtcp(e, i * SECOND, fir, w.size);
		assert_int_equal(key_frame_events(e), i % 2 == 0);
	}
	media_engine_destroy(e);
}

static void test_R22_bye_ends_only_what_it_names(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	const uint32_t gone[] = { REMOTE_VIDEO, 4711, 1001 };
	struct media_event event;
	uint8_t data[64];
	struct bytes_writer w = bytes_writer(data, sizeof(data));
	uint16_t seq;
	uint32_t ssrc;

	(void)state;
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", -1, "v"));
	input(e, 0, packet_with(111, REMOTE_AUDIO, 1, "0", -1, "a"));
	drain_events(e);
	rtcp_write_bye(&w, gone, 3, "x", 1);
	media_engine_input_rtcp(e, 0, data, w.size);
	assert_true(media_engine_poll_event(e, &event));
	assert_int_equal(event.type, MEDIA_EVENT_SSRC_BYE);
	assert_int_equal(event.ssrc, REMOTE_VIDEO);
	assert_false(media_engine_poll_event(e, &event));
	media_engine_input_rtcp(e, 0, data, w.size);
	assert_false(media_engine_poll_event(e, &event)); /* once */
	send_audio(e, 0, &seq, &ssrc); /* our own stream is not the peer's to end */
	assert_int_equal(ssrc, 1001);
	media_engine_destroy(e);
}

static void test_remb_is_sent_where_transport_cc_is_missing(void **state)
{
	struct media_payload payload = vp8_payload;
	struct media_section_config c = video_config(2, 3);
	struct media_engine *e = new_engine();
	struct seen seen = { 0 };
	char big[1001];

	(void)state;
	memset(big, 'x', 1000);
	big[1000] = 0;
	payload.fb = MEDIA_FB_NACK | MEDIA_FB_PLI | MEDIA_FB_REMB;
	c.payloads = &payload;
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_OK);
	for (uint16_t i = 0; i < 600; i++) { /* 100 packets a second: 800 kbit/s */
		wlk_time now = i * 10 * MS;

		input(e, now, packet_with(96, REMOTE_VIDEO, i, "1", i, big));
		seen = take_rtcp(e, now);
		assert_false(seen.twcc);
		if (seen.remb && now > 5 * SECOND)
			break;
	}
	assert_true(seen.remb);
	assert_in_range(seen.remb_value.bps, 1150000, 1350000); /* 1.5 times what arrives */
	assert_int_equal(seen.remb_value.ssrc_count, 1);
	assert_int_equal(load_u32(seen.remb_value.ssrcs), REMOTE_VIDEO);
	assert_in_range(stats_of(e).remb_sent, 5, 7);
	media_engine_destroy(e);
}

static void test_received_remb_is_told_when_it_changes(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	const uint32_t ssrc = 1002;
	struct media_event event;
	uint8_t data[64];
	struct bytes_writer w = bytes_writer(data, sizeof(data));

	(void)state;
	rtcp_write_remb(&w, 9, 512000, &ssrc, 1);
	media_engine_input_rtcp(e, 0, data, w.size);
	assert_true(media_engine_poll_event(e, &event));
	assert_int_equal(event.type, MEDIA_EVENT_REMB);
	assert_int_equal(event.remb_bps, 512000);
	media_engine_input_rtcp(e, 0, data, w.size);
	assert_false(media_engine_poll_event(e, &event));
	assert_int_equal(stats_of(e).remb_received, 2);
	media_engine_destroy(e);
}

static void test_xr_gives_a_receiver_the_round_trip(void **state)
{
	struct media_section_config c = video_config(2, 3);
	struct media_engine *e = new_engine();
	struct media_inbound_stats in;
	struct rtcp_dlrr dlrr = { .ssrc = 2 };
	uint8_t data[64];
	struct bytes_writer w = bytes_writer(data, sizeof(data));
	struct seen seen;

	(void)state;
	c.send = false;
	c.rtcp_xr_rrtr = true;
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_OK);
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", -1, "v"));
	rtcp_write_xr_rrtr(&w, 77, 0x0000123400005678u); /* the peer asks as well */
	media_engine_input_rtcp(e, 0, data, w.size);
	seen = take_rtcp(e, SECOND);
	assert_true(seen.rr && seen.dlrr);
	assert_int_equal(rtcp_dlrr_at(&seen.xr, 0).ssrc, 77);
	assert_int_equal(rtcp_dlrr_at(&seen.xr, 0).lrr, 0x12340000);
	assert_int_equal(rtcp_dlrr_at(&seen.xr, 0).dlrr, 65536);
	input(e, SECOND, packet_with(96, REMOTE_VIDEO, 2, "1", -1, "v"));
	seen = take_rtcp(e, 4 * SECOND);
	assert_true(seen.rrtr && !seen.dlrr);
	dlrr.lrr = (uint32_t)(seen.xr.rrtr_ntp >> 16);
	w = bytes_writer(data, sizeof(data));
	rtcp_write_xr_dlrr(&w, REMOTE_VIDEO, &dlrr, 1);
	media_engine_input_rtcp(e, 4 * SECOND + 25 * MS, data, w.size);
	assert_in_range(stats_of(e).rtt_us, 24900, 25100);
	assert_true(media_engine_inbound_stats(e, 0, &in));
	assert_int_equal(in.rtt_measurements, 1);
	media_engine_destroy(e);
}

static void test_sr_of_the_peer_is_kept(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct rtcp_sender_info sr = { .ntp = 42, .rtp_timestamp = 43, .packets = 44, .bytes = 45 };
	struct media_inbound_stats in;
	uint8_t data[64];
	struct bytes_writer w = bytes_writer(data, sizeof(data));

	(void)state;
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", -1, "v"));
	rtcp_write_sr(&w, REMOTE_VIDEO, &sr, NULL, 0);
	rtcp_write_sdes(&w, REMOTE_VIDEO, "cname", 5);
	media_engine_input_rtcp(e, 5 * MS, data, w.size);
	assert_true(media_engine_inbound_stats(e, 0, &in));
	assert_true(in.has_sr);
	assert_int_equal(in.sr_ntp, 42);
	assert_int_equal(in.sr_rtp_timestamp, 43);
	assert_int_equal(in.sr_packets, 44);
	assert_int_equal(in.sr_bytes, 45);
	assert_int_equal(in.sr_arrival, 5 * MS);
	media_engine_destroy(e);
}

static void test_close_says_bye_and_falls_silent(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct rtp_send send = { .pt = 111, .seq = MEDIA_SEQ_NEXT };
	uint16_t seq;
	uint32_t ssrc;
	struct seen seen;

	(void)state;
	send_audio(e, 0, &seq, &ssrc);
	input(e, 0, packet_with(96, REMOTE_VIDEO, 1, "1", 5, "v"));
	media_engine_close(e, 0);
	media_engine_close(e, 0);
	seen = take_rtcp(e, 0);
	assert_true(seen.bye);
	assert_int_equal(seen.datagrams, 1); /* video never sent: no BYE for it */
	assert_int_equal(media_engine_deadline(e), WLK_TIME_NEVER);
	assert_int_equal(media_engine_send_rtp(e, 0, AUDIO, &send), WLK_ERR_STATE);
	assert_int_equal(next_section(e), -1);
	input(e, 0, packet_with(96, REMOTE_VIDEO, 2, "1", 6, "v"));
	assert_int_equal(media_engine_deadline(e), WLK_TIME_NEVER);
	media_engine_destroy(e);
	media_engine_destroy(NULL);
}

/* ---- the verbs ---- */

static struct pktbuf *random_packet(struct rand_jitter *r)
{
	static const uint8_t pts[] = { 96, 97, 111, 100 };
	uint32_t ssrc = 500 + rand_jitter_below(r, 6);
	const char *mid = rand_jitter_below(r, 4) ? NULL : rand_jitter_below(r, 2) ? "0" : "1";
	char payload[40];
	size_t size = rand_jitter_below(r, sizeof(payload));

	memset(payload, 'p', sizeof(payload));
	payload[size] = 0;
	return packet_with(pts[rand_jitter_below(r, 4)], ssrc, (uint16_t)(rand_jitter_below(r, 65536) >> rand_jitter_below(r, 16)),
			   mid, (int32_t)rand_jitter_below(r, 65536) - 1, payload);
}

static void random_step(struct media_engine *e, struct rand_jitter *r, wlk_time now)
{
	struct rtp_send send = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"payload", 7 } };
	uint8_t junk[200];
	struct pktbuf *buf;

	switch (rand_jitter_below(r, 6)) {
	case 0:
		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = (uint8_t)rand_jitter_below(r, 256);
		junk[0] = (uint8_t)(0x80 | (junk[0] & 0x3f));
		junk[1] = (uint8_t)(200 + junk[1] % 8);
		store_u16(junk + 2, (uint16_t)rand_jitter_below(r, 50));
		store_u32(junk + 8, 1001 + rand_jitter_below(r, 3));
		media_engine_input_rtcp(e, now, junk, 4 + rand_jitter_below(r, 196));
		break;
	case 1:
		buf = random_packet(r);
		buf->data[rand_jitter_below(r, (uint32_t)buf->size)] ^= (uint8_t)rand_jitter_below(r, 256);
		media_engine_input_rtp(e, now, buf);
		break;
	case 2:
		(void)media_engine_send_rtp(e, now, VIDEO, &send);
		break;
	case 3:
		(void)media_engine_request_key_frame(e, now, VIDEO);
		break;
	default:
		media_engine_input_rtp(e, now, random_packet(r));
	}
}

static void test_property_after_a_timeout_and_a_drain_the_deadline_lies_ahead(void **state)
{
	size_t before = alloc_live_blocks();

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct rand_jitter r = { seed };
		struct media_engine *e = new_av_engine(1000);
		wlk_time now = 0;

		for (int i = 0; i < 400; i++) {
			wlk_time deadline;

			random_step(e, &r, now);
			media_engine_handle_timeout(e, now);
			drain_packets(e);
			drain_events(e);
			drain_transmit(e, now);
			deadline = media_engine_deadline(e);
			assert_true(deadline > now);
			/* nothing changes without time, input or a call */
			assert_int_equal(drain_transmit(e, now) + drain_packets(e) + drain_events(e), 0);
			assert_int_equal(media_engine_deadline(e), deadline);
			now = rand_jitter_below(&r, 3) || deadline == WLK_TIME_NEVER ? now + rand_jitter_below(&r, 20000) : deadline;
		}
		media_engine_destroy(e);
	}
	assert_int_equal(alloc_live_blocks(), before);
}

/* A little of everything, for the sweep: whatever fails, nothing crashes or leaks. */
static void exercise(void)
{
	struct media_section_config c[] = { audio_config(1001), video_config(1002, 1003) };
	struct media_engine_config config = { .unix_us_at_zero = WALL_AT_ZERO };
	struct rtp_send send = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"payload", 7 } };
	struct media_engine *e = NULL;
	struct media_packet packet;
	struct pktbuf *buf;
	uint8_t nack[32];

	if (media_engine_create(&e, &config) != WLK_OK)
		return;
	if (media_engine_configure(e, 0, c, 2) == WLK_OK) {
		for (uint16_t seq = 1; seq < 8; seq++) {
			struct bytes_writer w = bytes_writer(nack, sizeof(nack));
			uint8_t data[24] = { 0x80, 96 };

			store_u16(data + 2, (uint16_t)(seq == 3 ? 20 : seq));
			store_u32(data + 8, REMOTE_VIDEO);
			buf = pktbuf_copy(NULL, data, sizeof(data));
			if (buf)
				media_engine_input_rtp(e, seq * 10 * MS, buf);
			while (media_engine_poll_packet(e, &packet)) {
				(void)media_engine_forward(e, seq * 10 * MS, &packet, VIDEO);
				pktbuf_release(packet.buf);
			}
			(void)media_engine_send_rtp(e, seq * 10 * MS, VIDEO, &send);
			(void)media_engine_request_key_frame(e, seq * 10 * MS, VIDEO);
			drain_transmit(e, seq * SECOND);
			rtcp_write_nack(&w, 9, 1002, &seq, 1);
			media_engine_input_rtcp(e, seq * SECOND, nack, w.size);
		}
		c[1] = video_config(2002, 2003);
		if (media_engine_configure(e, 0, c, 2) == WLK_OK)
			drain_transmit(e, 0);
		media_engine_close(e, 0);
		drain_transmit(e, 0);
	}
	media_engine_destroy(e);
}

static void test_every_allocation_may_fail(void **state)
{
	size_t before = alloc_live_blocks(), n = 0;

	(void)state;
	for (n = 1; n < 10000; n++) {
		bool failed;

		alloc_fail_after(n);
		exercise();
		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(alloc_live_blocks(), before);
		if (!failed)
			break;
	}
	assert_in_range(n, 40, 9999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_configurations_change_nothing),
		cmocka_unit_test(test_R20_a_retired_ssrc_never_sends_again),
		cmocka_unit_test(test_R20_numbering_survives_hold_and_renegotiation),
		cmocka_unit_test(test_known_ssrcs_are_those_of_the_description),
		cmocka_unit_test(test_mid_then_ssrc_then_payload_type),
		cmocka_unit_test(test_a_payload_type_of_two_sections_decides_nothing),
		cmocka_unit_test(test_the_description_tells_an_ssrc_without_mid),
		cmocka_unit_test(test_a_section_that_does_not_receive),
		cmocka_unit_test(test_rtx_before_media_finds_its_stream_by_fid),
		cmocka_unit_test(test_simulcast_layers_and_their_rtx_are_told_by_rid),
		cmocka_unit_test(test_R19_streams_are_bounded_and_idle_ones_give_way),
		cmocka_unit_test(test_R18_malformed_packets_are_counted_and_dropped),
		cmocka_unit_test(test_send_errors_use_up_no_number),
		cmocka_unit_test(test_forward_keeps_what_describes_the_frame_and_stamps_the_rest),
		cmocka_unit_test(test_forward_goes_on_seamlessly_when_the_source_changes),
		cmocka_unit_test(test_padding_probes_make_no_gap_in_what_is_forwarded),
		cmocka_unit_test(test_R20_without_rtx_a_loss_is_answered_with_the_same_ciphertext),
		cmocka_unit_test(test_nack_is_answered_on_the_rtx_ssrc),
		cmocka_unit_test(test_receiver_report_and_sender_report),
		cmocka_unit_test(test_round_trip_from_the_peers_report),
		cmocka_unit_test(test_transport_feedback_names_the_media_ssrc),
		cmocka_unit_test(test_without_rsize_feedback_is_compound),
		cmocka_unit_test(test_missing_packets_are_asked_for),
		cmocka_unit_test(test_R22_key_frames_are_asked_for_once_in_500_ms),
		cmocka_unit_test(test_fir_is_used_where_pli_was_not_negotiated),
		cmocka_unit_test(test_R22_a_pli_storm_makes_two_events_a_second),
		cmocka_unit_test(test_fir_with_the_same_number_is_the_same_request),
		cmocka_unit_test(test_R22_bye_ends_only_what_it_names),
		cmocka_unit_test(test_remb_is_sent_where_transport_cc_is_missing),
		cmocka_unit_test(test_received_remb_is_told_when_it_changes),
		cmocka_unit_test(test_xr_gives_a_receiver_the_round_trip),
		cmocka_unit_test(test_sr_of_the_peer_is_kept),
		cmocka_unit_test(test_close_says_bye_and_falls_silent),
		cmocka_unit_test(test_property_after_a_timeout_and_a_drain_the_deadline_lies_ahead),
		cmocka_unit_test(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
