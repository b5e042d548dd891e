/* The media engine: configuration, and which section and stream a packet belongs to. */
#include "media_support.h"

static void test_bad_configurations_change_nothing(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	struct media_section_config good[] = { audio_config(1001), video_config(1002, 1003) }, c[2];
	static const char *const long_rid[] = { "12345678901234567" };

	(void)state;
#define REFUSED(change)                                                                                                \
	do {                                                                                                           \
		memcpy(c, good, sizeof(c));                                                                            \
		change;                                                                                                \
		assert_int_equal(media_engine_configure(e, 0, c, 2), WLK_ERR_INVALID);                                 \
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
	assert_true(media_engine_poll_event(e, &event));
	assert_true(event.type == MEDIA_EVENT_FLOW && event.section == VIDEO && event.is_flowing);
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
	input(e, 0, packet_with(97, REMOTE_RTX, 2, NULL, -1, "")); /* an RTX packet without even an OSN */
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
	struct rtp_packet p = { .pt = 96,
				.ssrc = 70,
				.seq = 5,
				.has_ext = true,
				.ext_profile = 0xbede,
				.ext = { hi, 8 },
				.payload = { rtx, 3 } };

	input(e, 0, rtp_buf(&p));
	p.ssrc = 80;
	p.ext.data = lo;
	input(e, 0, rtp_buf(&p));
	p = (struct rtp_packet){ .pt = 97,
				 .ssrc = 81,
				 .has_ext = true,
				 .ext_profile = 0xbede,
				 .ext = { repaired_lo, 8 },
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
