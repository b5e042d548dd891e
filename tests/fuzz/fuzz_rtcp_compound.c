/* RTCP: every sub-packet that parses is written again and parses to the same; work on transport-cc is bounded. */
#include <stdio.h>
#include <stdlib.h>

#include "media/rtp/ccfb.h"
#include "media/rtp/rtcp_fb.h"
#include "media/rtp/twcc.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[4096];

static struct rtcp_packet reread(const struct bytes_writer *w)
{
	struct rtcp_packet packet = { 0 };
	struct rtcp_iter iter = rtcp_iter(out, w->size);

	CHECK(bytes_writer_ok(w));
	CHECK(rtcp_next(&iter, &packet));
	CHECK(iter.reader.left == 0);
	return packet;
}

static void on_report(const struct rtcp_packet *packet)
{
	struct rtcp_report_block blocks[RTCP_BLOCKS_MAX];
	struct rtcp_report report, again;
	struct bytes_writer w = bytes_writer(out, sizeof(out));

	if (rtcp_report_parse(&report, packet) != WLK_OK)
		return;
	for (size_t i = 0; i < report.block_count; i++)
		blocks[i] = rtcp_report_block_at(&report, i);
	if (report.is_sr)
		rtcp_write_sr(&w, report.ssrc, &report.sender, blocks, report.block_count);
	else
		rtcp_write_rr(&w, report.ssrc, blocks, report.block_count);
	struct rtcp_packet copy = reread(&w);

	CHECK(rtcp_report_parse(&again, &copy) == WLK_OK);
	CHECK(again.is_sr == report.is_sr && again.ssrc == report.ssrc && again.block_count == report.block_count);
	CHECK(again.sender.ntp == report.sender.ntp && again.sender.bytes == report.sender.bytes);
	CHECK(!memcmp(again.blocks, report.blocks, report.block_count * RTCP_REPORT_BLOCK_SIZE));
}

static void on_sdes(const struct rtcp_packet *packet)
{
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	wlk_bytes cname, again;
	uint32_t ssrc = packet->body.size >= 4 ? load_u32(packet->body.data) : 0;

	if (!rtcp_sdes_cname(packet, ssrc, &cname) || !cname.size)
		return;
	rtcp_write_sdes(&w, ssrc, (const char *)cname.data, cname.size);
	struct rtcp_packet copy = reread(&w);

	CHECK(rtcp_sdes_cname(&copy, ssrc, &again));
	CHECK(again.size == cname.size && !memcmp(again.data, cname.data, cname.size));
}

static void on_bye(const struct rtcp_packet *packet)
{
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	uint32_t ssrcs[RTCP_BLOCKS_MAX];
	struct rtcp_bye bye, again;

	if (rtcp_bye_parse(&bye, packet) != WLK_OK)
		return;
	for (size_t i = 0; i < bye.ssrc_count; i++)
		ssrcs[i] = rtcp_bye_ssrc(&bye, i);
	rtcp_write_bye(&w, ssrcs, bye.ssrc_count, (const char *)bye.reason.data, bye.reason.size);
	struct rtcp_packet copy = reread(&w);

	CHECK(rtcp_bye_parse(&again, &copy) == WLK_OK);
	CHECK(again.ssrc_count == bye.ssrc_count && again.reason.size == bye.reason.size);
}

static void on_xr(const struct rtcp_packet *packet)
{
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct rtcp_dlrr items[64];
	struct rtcp_xr xr, again;

	if (rtcp_xr_parse(&xr, packet) != WLK_OK)
		return;
	if (xr.has_rrtr) {
		rtcp_write_xr_rrtr(&w, xr.ssrc, xr.rrtr_ntp);
		struct rtcp_packet copy = reread(&w);

		CHECK(rtcp_xr_parse(&again, &copy) == WLK_OK && again.rrtr_ntp == xr.rrtr_ntp);
	}
	if (!xr.dlrr_count || xr.dlrr_count > 64)
		return;
	for (size_t i = 0; i < xr.dlrr_count; i++)
		items[i] = rtcp_dlrr_at(&xr, i);
	w = bytes_writer(out, sizeof(out));
	rtcp_write_xr_dlrr(&w, xr.ssrc, items, xr.dlrr_count);
	struct rtcp_packet copy = reread(&w);

	CHECK(rtcp_xr_parse(&again, &copy) == WLK_OK && again.dlrr_count == xr.dlrr_count);
	CHECK(!memcmp(again.dlrrs, xr.dlrrs, xr.dlrr_count * 12));
}

static int by_number(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static size_t unique(uint16_t *seqs, size_t count)
{
	size_t kept = 0;

	qsort(seqs, count, sizeof(*seqs), by_number);
	for (size_t i = 0; i < count; i++)
		if (!kept || seqs[kept - 1] != seqs[i])
			seqs[kept++] = seqs[i];
	return kept;
}

static void on_nack(const struct rtcp_fb *fb)
{
	static uint16_t seqs[RTCP_NACK_MAX + 1], back[4096];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct rtcp_fb again;
	size_t count;

	seqs[RTCP_NACK_MAX] = 0x5aa5;
	count = rtcp_nack_parse(fb, seqs, RTCP_NACK_MAX);
	CHECK(count <= RTCP_NACK_MAX && seqs[RTCP_NACK_MAX] == 0x5aa5);
	CHECK(rtcp_write_nack(&w, fb->sender_ssrc, fb->media_ssrc, seqs, count) == count);
	struct rtcp_packet copy = reread(&w);

	CHECK(rtcp_fb_parse(&again, &copy) == WLK_OK);
	size_t back_count = unique(back, rtcp_nack_parse(&again, back, 4096));

	count = unique(seqs, count);
	CHECK(count == back_count && !memcmp(seqs, back, count * sizeof(*seqs)));
}

/* Rebuild a feedback message from what it says; the sizes stay in proportion to the input (R22). */
static void on_twcc(const struct rtcp_fb *fb)
{
	static struct twcc_builder builder;
	struct twcc_feedback feedback, again;
	struct twcc_status status, other;
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct twcc_iter iter;
	size_t count = 0;
	int64_t shift;

	if (twcc_feedback_parse(&feedback, fb) != WLK_OK)
		return;
	CHECK(feedback.status_count >= 1 && feedback.status_count <= TWCC_STATUS_MAX);
	CHECK(feedback.deltas_size <= fb->fci.size);
	twcc_builder_init(&builder, feedback.base_seq, 4000);
	/* Times may be negative on the wire; the builder's are not. The shift is a multiple of the reference unit. */
	shift = INT64_C(1) << 24;
	iter = twcc_iter(&feedback);
	while (twcc_next(&iter, &status)) {
		CHECK(status.seq == (uint16_t)(feedback.base_seq + count));
		count++;
	}
	CHECK(count == feedback.status_count);
	iter = twcc_iter(&feedback);
	while (twcc_next(&iter, &status))
		if (!twcc_builder_add(&builder, status.received, status.arrival_us + shift * TWCC_REFERENCE_US))
			break;
	if (!builder.has_time)
		return;
	twcc_builder_write(&builder, &w, fb->sender_ssrc, fb->media_ssrc, feedback.feedback_count);
	struct rtcp_packet copy = reread(&w);
	struct rtcp_fb copy_fb;

	CHECK(rtcp_fb_parse(&copy_fb, &copy) == WLK_OK);
	CHECK(twcc_feedback_parse(&again, &copy_fb) == WLK_OK);
	CHECK(again.status_count == builder.count);
	iter = twcc_iter(&feedback);
	struct twcc_iter iter_again = twcc_iter(&again);
	bool has_base = false;
	int64_t base = 0;

	while (twcc_next(&iter_again, &other)) {
		CHECK(twcc_next(&iter, &status));
		CHECK(status.seq == other.seq && status.received == other.received);
		if (!status.received)
			continue;
		/* Exact to the tick, up to the wrap of the 24-bit reference time. */
		if (!has_base)
			base = other.arrival_us - status.arrival_us;
		has_base = true;
		CHECK(other.arrival_us - status.arrival_us == base);
	}
}

/* Written again block by block it says the same, to the step of its clock. */
static void on_ccfb(const struct rtcp_packet *packet)
{
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct ccfb_feedback feedback, again;
	struct ccfb_iter iter, iter_again;
	struct ccfb_status status, other;
	size_t count = 0, start;

	if (ccfb_parse(&feedback, packet) != WLK_OK)
		return;
	iter = ccfb_iter(&feedback);
	start = ccfb_write_begin(&w, feedback.sender_ssrc);
	for (; ccfb_next(&iter, &status) && count < 250; count++) {
		wlk_time before = !status.received ? -1 : status.has_time ? status.before : 60 * SECOND;

		ccfb_write_block(&w, status.ssrc, status.seq, &before, 1);
	}
	ccfb_write_end(&w, start, feedback.timestamp);
	struct rtcp_packet copy = reread(&w);

	CHECK(ccfb_parse(&again, &copy) == WLK_OK && again.timestamp == feedback.timestamp);
	iter = ccfb_iter(&feedback);
	iter_again = ccfb_iter(&again);
	for (; count; count--) {
		CHECK(ccfb_next(&iter, &status) && ccfb_next(&iter_again, &other));
		CHECK(status.ssrc == other.ssrc && status.seq == other.seq && status.received == other.received);
		CHECK(!status.received || (status.has_time == other.has_time && (!status.has_time || status.before == other.before)));
	}
	CHECK(!ccfb_next(&iter_again, &other));
}

static void on_feedback(const struct rtcp_packet *packet)
{
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	uint32_t ssrcs[255];
	struct rtcp_remb remb, again;
	struct rtcp_fb fb;

	if (packet->type == RTCP_RTPFB && packet->count == RTCP_FB_CCFB)
		on_ccfb(packet);
	if (rtcp_fb_parse(&fb, packet) != WLK_OK)
		return;
	if (packet->type == RTCP_RTPFB && packet->count == RTCP_FB_NACK)
		on_nack(&fb);
	if (packet->type == RTCP_RTPFB && packet->count == RTCP_FB_TRANSPORT_CC)
		on_twcc(&fb);
	if (packet->type != RTCP_PSFB)
		return;
	for (size_t i = 0; packet->count == RTCP_FB_FIR && i < rtcp_fir_count(&fb); i++) {
		struct rtcp_fir fir = rtcp_fir_at(&fb, i);

		w = bytes_writer(out, sizeof(out));
		rtcp_write_fir(&w, fb.sender_ssrc, &fir);
		(void)reread(&w);
	}
	if (packet->count == RTCP_FB_PLI) {
		rtcp_write_pli(&w, fb.sender_ssrc, fb.media_ssrc);
		(void)reread(&w);
	}
	if (packet->count != RTCP_FB_AFB || rtcp_remb_parse(&remb, &fb) != WLK_OK)
		return;
	for (size_t i = 0; i < remb.ssrc_count; i++)
		ssrcs[i] = load_u32(remb.ssrcs + 4 * i);
	rtcp_write_remb(&w, fb.sender_ssrc, remb.bps, ssrcs, remb.ssrc_count);
	struct rtcp_packet copy = reread(&w);

	CHECK(rtcp_fb_parse(&fb, &copy) == WLK_OK);
	CHECK(rtcp_remb_parse(&again, &fb) == WLK_OK && again.bps == remb.bps && again.ssrc_count == remb.ssrc_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtcp_packet packet;
	struct rtcp_iter iter = rtcp_iter(data, size);

	if (size > 2048)
		return 0;
	while (rtcp_next(&iter, &packet)) {
		switch (packet.type) {
		case RTCP_SR:
		case RTCP_RR:
			on_report(&packet);
			break;
		case RTCP_SDES:
			on_sdes(&packet);
			break;
		case RTCP_BYE:
			on_bye(&packet);
			break;
		case RTCP_XR:
			on_xr(&packet);
			break;
		case RTCP_RTPFB:
		case RTCP_PSFB:
			on_feedback(&packet);
			break;
		default:
			break;
		}
	}
	return 0;
}
