#include "media/rtp/ccfb.h"

/*
 * RFC 8888 3.1, behind the SSRC of the sender:
 * |                   SSRC of nth RTP Stream                      |
 * |          begin_seq            |          num_reports          |
 * |R|ECN|  Arrival time offset    | ...                           |  padded with zeros to a word
 * |                 Report Timestamp (32 bits)                    |  once, at the end
 */
enum { ARRIVED = 0x8000, OFFSET_MASK = 0x1fff, OFFSET_LONG_AGO = 0x1ffe, OFFSET_UNKNOWN = 0x1fff };

static size_t padding_of(size_t count)
{
	return count % 2 * 2;
}

wlk_err ccfb_parse(struct ccfb_feedback *out, const struct rtcp_packet *packet)
{
	struct bytes_reader r = bytes_reader(packet->body.data, packet->body.size);
	struct ccfb_feedback f = { .sender_ssrc = bytes_u32(&r) };
	size_t statuses = 0;

	if (!bytes_ok(&r) || r.left < 4)
		return WLK_ERR_PARSE;
	f.blocks = bytes_slice(&r, r.left - 4);
	f.timestamp = bytes_u32(&r);
	r = bytes_reader(f.blocks.data, f.blocks.size);
	while (r.left) {
		size_t count;

		bytes_skip(&r, 6);
		count = bytes_u16(&r);
		bytes_skip(&r, 2 * count + padding_of(count));
		statuses += count;
		if (!bytes_ok(&r) || statuses > CCFB_STATUS_MAX)
			return WLK_ERR_PARSE;
	}
	*out = f;
	return WLK_OK;
}

struct ccfb_iter ccfb_iter(const struct ccfb_feedback *feedback)
{
	return (struct ccfb_iter){ .reader = bytes_reader(feedback->blocks.data, feedback->blocks.size) };
}

bool ccfb_next(struct ccfb_iter *iter, struct ccfb_status *out)
{
	uint16_t report, offset;

	while (!iter->left) {
		bytes_skip(&iter->reader, iter->padding);
		iter->padding = 0;
		if (!iter->reader.left)
			return false;
		iter->ssrc = bytes_u32(&iter->reader);
		iter->seq = bytes_u16(&iter->reader);
		iter->left = bytes_u16(&iter->reader);
		iter->padding = padding_of(iter->left);
	}
	iter->left--;
	report = bytes_u16(&iter->reader);
	offset = report & OFFSET_MASK;
	*out = (struct ccfb_status){
		.ssrc = iter->ssrc,
		.seq = iter->seq++,
		.received = report & ARRIVED,
		.ecn = report >> 13 & 3,
		.has_time = offset < OFFSET_LONG_AGO,
		.before = (wlk_time)offset * 1000000 / 1024,
	};
	return true;
}

size_t ccfb_write_begin(struct bytes_writer *w, uint32_t sender_ssrc)
{
	size_t start = rtcp_begin(w, RTCP_FB_CCFB, RTCP_RTPFB);

	bytes_put_u32(w, sender_ssrc);
	return start;
}

static uint16_t report_of(wlk_time before)
{
	wlk_time offset = (before * 1024 + 500000) / 1000000;

	return before < 0 ? 0 : (uint16_t)(ARRIVED | MIN(offset, (wlk_time)OFFSET_LONG_AGO));
}

void ccfb_write_block(struct bytes_writer *w, uint32_t ssrc, uint16_t begin_seq, const wlk_time *before, size_t count)
{
	assert(count <= CCFB_BLOCK_MAX && "a block is cut to what a message holds");
	bytes_put_u32(w, ssrc);
	bytes_put_u16(w, begin_seq);
	bytes_put_u16(w, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		bytes_put_u16(w, report_of(before[i]));
	bytes_put_zero(w, padding_of(count));
}

void ccfb_write_end(struct bytes_writer *w, size_t start, uint32_t timestamp)
{
	bytes_put_u32(w, timestamp);
	rtcp_end(w, start);
}
