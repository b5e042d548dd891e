/* The media engine: reports and feedback, both ways. */
#include "media_support.h"
#include "media/engine_internal.h"

struct seen {
	bool sr, rr, sdes, bye, pli, fir, nack, twcc, remb, rrtr, dlrr;
	struct rtcp_report report;
	struct rtcp_report_block block;
	struct rtcp_remb remb_value;
	uint32_t remb_ssrc; /* its first; the list itself goes with the packet */
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
			if (packet.type == RTCP_PSFB && packet.count == RTCP_FB_AFB) {
				seen->remb = rtcp_remb_parse(&seen->remb_value, &fb) == WLK_OK;
				seen->remb_ssrc = seen->remb_value.ssrc_count ? load_u32(seen->remb_value.ssrcs) : 0;
			}
			if (packet.type == RTCP_RTPFB && packet.count == RTCP_FB_NACK)
				seen->nack = rtcp_nack_parse(&fb, &seen->nacked, 1) == 1;
			seen->twcc = seen->twcc || (packet.type == RTCP_RTPFB && packet.count == RTCP_FB_TRANSPORT_CC);
		}
	}
	assert_false(iter.malformed);
}

static struct seen take_rtcp(struct media_engine *e, wlk_time now)
{
	static struct seen seen; /* what it points to lies in its own data: good until the next call */
	struct media_transmit tx;

	seen = (struct seen){ 0 };
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

static void test_reports_slow_down_in_silence_and_come_back(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	size_t reports = 0;
	wlk_time now = 0;

	(void)state;
	input(e, 0, packet_with(111, REMOTE_AUDIO, 1, "0", -1, "a"));
	for (; now < 20 * SECOND; now += 100 * MS)
		reports += take_rtcp(e, now).rr;
	assert_in_range(reports, 3, 9); /* about every five seconds */
	input(e, now, packet_with(111, REMOTE_AUDIO, 2, "0", -1, "a"));
	assert_in_range(media_engine_deadline(e), now - 100 * MS, now + 1500 * MS);
	reports = 0;
	for (uint16_t seq = 3; seq < 503; seq++, now += 20 * MS) {
		input(e, now, packet_with(111, REMOTE_AUDIO, seq, "0", -1, "a"));
		reports += take_rtcp(e, now).rr;
	}
	assert_in_range(reports, 7, 15); /* every 0.5 to 1.5 s (RFC 3550 6.2) */
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
	seen = take_rtcp(e, 9 * SECOND);
	assert_true(seen.sr);
	block.lsr = (uint32_t)(seen.report.sender.ntp >> 16);
	block.dlsr = 65536 / 2;
	rtcp_write_rr(&w, REMOTE_AUDIO, &block, 1);
	media_engine_input_rtcp(e, 9 * SECOND + SECOND / 2 + 30 * MS, data, w.size);
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

static void test_feedback_padded_by_single_bytes_is_read_anywhere(void **state)
{
	static const uint8_t feedback[] = { 0xaf, 0xcd, 0x00, 0x07, 0xd3, 0x39, 0xea, 0x4a, 0xc3, 0xe5, 0xbe, 0x79, 0xc8, 0x47, 0x00, 0x09,
					    0x00, 0xfb, 0xce, 0x05, 0x20, 0x09, 0xc1, 0x16, 0x18, 0x01, 0x50, 0x06, 0x0e, 0x16, 0x23, 0x01 };
	struct media_engine *e = new_av_engine(1000);
	uint8_t data[200] = { 0x80, RTCP_RR, 0, 1, 0xd3, 0x39, 0xea, 0x4a };

	(void)state;
	memcpy(data + 8, feedback, sizeof(feedback));
	memcpy(data + 8 + sizeof(feedback), feedback, sizeof(feedback));
	media_engine_input_rtcp(e, 0, data, 8 + 2 * sizeof(feedback));
	assert_int_equal(stats_of(e).twcc_received, 2);
	assert_int_equal(stats_of(e).rtcp_malformed, 0);
	media_engine_destroy(e);
}

/* Two bytes announce a run of 8,191 packets that did not come. */
static void test_R22_statuses_of_a_datagram_are_bounded(void **state)
{
	static const uint8_t message[] = { 0x8f, RTCP_RTPFB, 0, 5, 0, 0, 0, 9, 0, 0, 3, 0xea, 0, 1, 0x1f, 0xff, 0, 0, 1, 0, 0x1f, 0xff, 0, 0 };
	struct media_engine *e = new_av_engine(1000);
	uint8_t data[10 * sizeof(message)];

	(void)state;
	for (size_t i = 0; i < 10; i++)
		memcpy(data + i * sizeof(message), message, sizeof(message));
	media_engine_input_rtcp(e, 0, data, sizeof(data));
	assert_int_equal(stats_of(e).twcc_received, 1);
	assert_int_equal(stats_of(e).rtcp_malformed, 1);
	assert_in_range(e->gcc.statuses_unknown, 8191, 8192);
	media_engine_input_rtcp(e, 0, data, sizeof(message)); /* of the next one again */
	assert_int_equal(stats_of(e).twcc_received, 2);
	media_engine_destroy(e);
}

/* Receiver reports are rare: what the whole path loses is told sooner by its feedback, for sound too. */
static void test_feedback_tells_what_is_lost_before_a_report_does(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	static struct twcc_builder b;
	uint8_t data[200], bytes[500] = { 0 };
	struct bytes_writer w = bytes_writer(data, sizeof(data));
	uint16_t first = sent_history_next(&e->gcc.sent);

	(void)state;
	media_engine_set_can_send(e);
	for (int i = 0; i < 40; i++) {
		struct rtp_send p = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { bytes, sizeof(bytes) } };

		assert_int_equal(media_engine_send_rtp(e, i * 20 * MS, 1, &p), WLK_OK);
		(void)drain_transmit(e, i * 20 * MS + 19 * MS);
	}
	assert_int_equal(media_engine_send_loss(e, 0), 0);
	twcc_builder_init(&b, first, sizeof(data));
	for (int i = 0; i < 40; i++)
		assert_true(twcc_builder_add(&b, i % 4, SECOND + i * 20 * MS));
	twcc_builder_write(&b, &w, 9, 1002, 0);
	media_engine_input_rtcp(e, SECOND, data, w.size);
	assert_int_equal(media_engine_send_loss(e, 0), 25);
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

/* The arrival times, less that of the first packet, that the one feedback message due at |now| tells. */
static size_t take_arrivals(struct media_engine *e, wlk_time now, int64_t *out, size_t max)
{
	struct media_transmit tx;
	struct twcc_feedback feedback;
	struct twcc_status status;
	struct rtcp_packet packet;
	struct rtcp_iter iter;
	struct rtcp_fb fb;
	size_t count = 0;

	media_engine_handle_timeout(e, now);
	assert_true(media_engine_poll_transmit(e, now, &tx));
	assert_int_equal(tx.kind, MEDIA_TRANSMIT_RTCP);
	iter = rtcp_iter(tx.buf->data, tx.buf->size);
	assert_true(rtcp_next(&iter, &packet));
	assert_int_equal(rtcp_fb_parse(&fb, &packet), WLK_OK);
	assert_int_equal(twcc_feedback_parse(&feedback, &fb), WLK_OK);
	for (struct twcc_iter it = twcc_iter(&feedback); count < max && twcc_next(&it, &status); count++) {
		assert_true(status.received);
		out[count] = status.arrival_us;
	}
	pktbuf_release(tx.buf);
	for (size_t i = count; i-- > 0;)
		out[i] -= out[0];
	return count;
}

/* A batch read late: the feedback tells when the kernel had each packet, and never a time to come. */
static void test_transport_feedback_tells_the_arrival_at_the_socket(void **state)
{
	static const wlk_time arrivals[] = { 60 * MS, 65 * MS, 0, 90 * MS };
	static const int64_t told[] = { 0, 5 * MS, 20 * MS, 20 * MS };
	struct media_engine *e = new_av_engine(1000);
	int64_t seen[5];

	(void)state;
	for (uint16_t i = 0; i < ARRAY_SIZE(arrivals); i++) {
		struct pktbuf *buf = packet_with(96, REMOTE_VIDEO, i, "1", 40 + i, "v");

		buf->arrival = arrivals[i];
		input(e, 80 * MS, buf);
	}
	assert_int_equal(media_engine_deadline(e), 160 * MS); /* 100 ms after the first arrived */
	assert_int_equal(take_arrivals(e, 160 * MS, seen, ARRAY_SIZE(seen)), ARRAY_SIZE(told));
	assert_memory_equal(seen, told, sizeof(told));
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
	assert_true(media_engine_poll_event(e, &event)); /* so nothing comes for the section any more */
	assert_true(event.type == MEDIA_EVENT_FLOW && event.section == VIDEO && !event.is_flowing);
	assert_false(media_engine_poll_event(e, &event));
	media_engine_input_rtcp(e, 0, data, w.size);
	assert_false(media_engine_poll_event(e, &event)); /* once */
	send_audio(e, 0, &seq, &ssrc);                    /* our own stream is not the peer's to end */
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
	assert_int_equal(seen.remb_ssrc, REMOTE_VIDEO);
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

/* A reference time that goes on by half of its range with every message. */
static void test_R22_a_racing_reference_time_stays_within_bounds(void **state)
{
	struct media_engine *e = new_av_engine(1000);

	(void)state;
	for (int64_t i = 0; i < 1000; i++) {
		static struct twcc_builder b;
		uint8_t data[128];
		struct bytes_writer w = bytes_writer(data, sizeof(data));

		twcc_builder_init(&b, 5, sizeof(data));
		assert_true(twcc_builder_add(&b, true, (i * 0x7fffff & 0xffffff) * TWCC_REFERENCE_US));
		twcc_builder_write(&b, &w, 9, 1002, (uint8_t)i);
		media_engine_input_rtcp(e, i * MS, data, w.size);
		assert_true(e->feedback_epoch <= 1 << 30 && e->feedback_epoch >= -(1 << 30));
	}
	assert_int_equal(stats_of(e).twcc_received, 1000);
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

/* Every fifth packet is lost, and comes when it was asked for. */
static void lose_packets(struct media_engine *e, wlk_time *now)
{
	for (uint16_t seq = 1; seq < 400; seq++, *now += 10 * MS) {
		if (seq % 5)
			input(e, *now, packet_with(96, REMOTE_VIDEO, seq, "1", -1, "v"));
		(void)take_rtcp(e, *now);
		if (seq % 5 == 2 && seq > 2)
			input(e, *now, packet_with(96, REMOTE_VIDEO, (uint16_t)(seq - 2), "1", -1, "v"));
	}
}

static void test_requests_for_key_frames_leave_twice_on_a_lossy_path(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	wlk_time now = 0, end;
	size_t requests = 0;

	(void)state;
	lose_packets(e, &now);
	assert_int_equal(media_engine_request_key_frame(e, now, VIDEO), WLK_OK);
	for (end = now + 400 * MS; now < end; now += MS)
		requests += take_rtcp(e, now).pli;
	assert_int_equal(requests, 2);
	media_engine_destroy(e);
}

static void test_a_request_said_twice_is_one_request(void **state)
{
	struct media_engine *e = new_av_engine(1000);
	uint8_t pli[16];
	struct bytes_writer w = bytes_writer(pli, sizeof(pli));

	(void)state;
	rtcp_write_pli(&w, 9, 1002);
	media_engine_set_rtt(e, 100 * MS);
	media_engine_input_rtcp(e, SECOND, pli, w.size);
	assert_int_equal(key_frame_events(e), 1);
	media_engine_input_rtcp(e, SECOND + 99 * MS, pli, w.size);
	media_engine_handle_timeout(e, 3 * SECOND);
	assert_int_equal(key_frame_events(e), 0);
	/* A round trip later the key frame itself may have been missed. */
	media_engine_input_rtcp(e, 10 * SECOND, pli, w.size);
	assert_int_equal(key_frame_events(e), 1);
	media_engine_input_rtcp(e, 10 * SECOND + 100 * MS, pli, w.size);
	assert_int_equal(key_frame_events(e), 0);
	media_engine_handle_timeout(e, 10 * SECOND + 500 * MS);
	assert_int_equal(key_frame_events(e), 1);
	media_engine_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receiver_report_and_sender_report),
		cmocka_unit_test(test_reports_slow_down_in_silence_and_come_back),
		cmocka_unit_test(test_round_trip_from_the_peers_report),
		cmocka_unit_test(test_feedback_padded_by_single_bytes_is_read_anywhere),
		cmocka_unit_test(test_feedback_tells_what_is_lost_before_a_report_does),
		cmocka_unit_test(test_transport_feedback_names_the_media_ssrc),
		cmocka_unit_test(test_transport_feedback_tells_the_arrival_at_the_socket),
		cmocka_unit_test(test_without_rsize_feedback_is_compound),
		cmocka_unit_test(test_missing_packets_are_asked_for),
		cmocka_unit_test(test_R22_key_frames_are_asked_for_once_in_500_ms),
		cmocka_unit_test(test_fir_is_used_where_pli_was_not_negotiated),
		cmocka_unit_test(test_R22_a_pli_storm_makes_two_events_a_second),
		cmocka_unit_test(test_fir_with_the_same_number_is_the_same_request),
		cmocka_unit_test(test_R22_bye_ends_only_what_it_names),
		cmocka_unit_test(test_remb_is_sent_where_transport_cc_is_missing),
		cmocka_unit_test(test_received_remb_is_told_when_it_changes),
		cmocka_unit_test(test_R22_a_racing_reference_time_stays_within_bounds),
		cmocka_unit_test(test_xr_gives_a_receiver_the_round_trip),
		cmocka_unit_test(test_R22_statuses_of_a_datagram_are_bounded),
		cmocka_unit_test(test_sr_of_the_peer_is_kept),
		cmocka_unit_test(test_close_says_bye_and_falls_silent),
		cmocka_unit_test(test_requests_for_key_frames_leave_twice_on_a_lossy_path),
		cmocka_unit_test(test_a_request_said_twice_is_one_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
