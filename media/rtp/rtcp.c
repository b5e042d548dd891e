#include "media/rtp/rtcp.h"

enum { SDES_END = 0, SDES_CNAME = 1, XR_RRTR = 4, XR_DLRR = 5, DLRR_SIZE = 12 };

struct rtcp_iter rtcp_iter(const uint8_t *data, size_t size)
{
	return (struct rtcp_iter){ .reader = bytes_reader(data, size) };
}

/* RFC 3550 6.4.1, first word of every sub-packet
 * |V=2|P|   RC    |      PT       |             length            |     length in words, this one not counted
 */
bool rtcp_next(struct rtcp_iter *iter, struct rtcp_packet *out)
{
	struct bytes_reader *r = &iter->reader;
	uint8_t first;

	if (iter->malformed || !r->left)
		return false;
	first = bytes_u8(r);
	out->type = bytes_u8(r);
	out->count = first & 0x1f;
	size_t words = bytes_u16(r);
	out->body = bytes_slice(r, words * 4);
	iter->malformed = !bytes_ok(r) || first >> 6 != 2;
	if (!iter->malformed && (first & 0x20)) {
		uint8_t padding = out->body.size ? out->body.data[out->body.size - 1] : 0;

		iter->malformed = padding == 0 || padding > out->body.size;
		out->body.size -= iter->malformed ? 0 : padding;
	}
	return !iter->malformed;
}

size_t rtcp_begin(struct bytes_writer *w, uint8_t count, enum rtcp_type type)
{
	size_t start = w->size;

	bytes_put_u8(w, (uint8_t)(0x80 | (count & 0x1f)));
	bytes_put_u8(w, (uint8_t)type);
	bytes_put_u16(w, 0);
	return start;
}

void rtcp_end(struct bytes_writer *w, size_t start)
{
	if (w->failed)
		return;
	assert((w->size - start) % 4 == 0 && "an RTCP packet is whole words");
	bytes_patch_u16(w, start + 2, (uint16_t)((w->size - start) / 4 - 1));
}

wlk_err rtcp_report_parse(struct rtcp_report *out, const struct rtcp_packet *packet)
{
	struct bytes_reader r = bytes_reader(packet->body.data, packet->body.size);
	struct rtcp_report report = { .is_sr = packet->type == RTCP_SR };

	report.ssrc = bytes_u32(&r);
	if (report.is_sr) {
		report.sender.ntp = bytes_u64(&r);
		report.sender.rtp_timestamp = bytes_u32(&r);
		report.sender.packets = bytes_u32(&r);
		report.sender.bytes = bytes_u32(&r);
	}
	report.block_count = packet->count;
	report.blocks = bytes_take(&r, report.block_count * RTCP_REPORT_BLOCK_SIZE);
	if (!bytes_ok(&r))
		return WLK_ERR_PARSE;
	*out = report;
	return WLK_OK;
}

struct rtcp_report_block rtcp_report_block_at(const struct rtcp_report *report, size_t index)
{
	struct rtcp_report_block block;
	struct bytes_reader r;

	assert(index < report->block_count && "the block exists");
	r = bytes_reader(report->blocks + index * RTCP_REPORT_BLOCK_SIZE, RTCP_REPORT_BLOCK_SIZE);
	block.ssrc = bytes_u32(&r);
	block.fraction_lost = bytes_u8(&r);
	uint32_t lost = bytes_u24(&r);
	block.cumulative_lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
	block.highest_seq = bytes_u32(&r);
	block.jitter = bytes_u32(&r);
	block.lsr = bytes_u32(&r);
	block.dlsr = bytes_u32(&r);
	return block;
}

static void put_blocks(struct bytes_writer *w, const struct rtcp_report_block *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bytes_put_u32(w, blocks[i].ssrc);
		bytes_put_u8(w, blocks[i].fraction_lost);
		bytes_put_u24(w, (uint32_t)blocks[i].cumulative_lost & 0xffffff);
		bytes_put_u32(w, blocks[i].highest_seq);
		bytes_put_u32(w, blocks[i].jitter);
		bytes_put_u32(w, blocks[i].lsr);
		bytes_put_u32(w, blocks[i].dlsr);
	}
}

void rtcp_write_sr(struct bytes_writer *w, uint32_t ssrc, const struct rtcp_sender_info *sender,
		   const struct rtcp_report_block *blocks, size_t count)
{
	assert(count <= RTCP_BLOCKS_MAX && "the report count has five bits");
	size_t start = rtcp_begin(w, (uint8_t)count, RTCP_SR);

	bytes_put_u32(w, ssrc);
	bytes_put_u64(w, sender->ntp);
	bytes_put_u32(w, sender->rtp_timestamp);
	bytes_put_u32(w, sender->packets);
	bytes_put_u32(w, sender->bytes);
	put_blocks(w, blocks, count);
	rtcp_end(w, start);
}

void rtcp_write_rr(struct bytes_writer *w, uint32_t ssrc, const struct rtcp_report_block *blocks, size_t count)
{
	assert(count <= RTCP_BLOCKS_MAX && "the report count has five bits");
	size_t start = rtcp_begin(w, (uint8_t)count, RTCP_RR);

	bytes_put_u32(w, ssrc);
	put_blocks(w, blocks, count);
	rtcp_end(w, start);
}

/* RFC 3550 6.5: chunks of an SSRC and items (type, length, text), closed by zero bytes up to the next word. */
bool rtcp_sdes_cname(const struct rtcp_packet *packet, uint32_t ssrc, wlk_bytes *cname)
{
	struct bytes_reader r = bytes_reader(packet->body.data, packet->body.size);

	for (size_t chunk = 0; chunk < packet->count && bytes_ok(&r); chunk++) {
		size_t chunk_start = r.left;
		uint32_t chunk_ssrc = bytes_u32(&r);

		for (;;) {
			uint8_t type = bytes_u8(&r);

			if (!bytes_ok(&r))
				return false;
			if (type == SDES_END)
				break;
			wlk_bytes text = bytes_slice(&r, bytes_u8(&r));

			if (bytes_ok(&r) && type == SDES_CNAME && chunk_ssrc == ssrc) {
				*cname = text;
				return true;
			}
		}
		bytes_skip(&r, (4 - (chunk_start - r.left) % 4) % 4);
	}
	return false;
}

void rtcp_write_sdes(struct bytes_writer *w, uint32_t ssrc, const char *cname, size_t cname_size)
{
	assert(cname_size >= 1 && cname_size <= 255 && "a CNAME has 1 to 255 bytes");
	size_t start = rtcp_begin(w, 1, RTCP_SDES);

	bytes_put_u32(w, ssrc);
	bytes_put_u8(w, SDES_CNAME);
	bytes_put_u8(w, (uint8_t)cname_size);
	bytes_put(w, cname, cname_size);
	bytes_put_zero(w, 4 - (2 + cname_size) % 4); /* at least one: the end of the item list */
	rtcp_end(w, start);
}

wlk_err rtcp_bye_parse(struct rtcp_bye *out, const struct rtcp_packet *packet)
{
	struct bytes_reader r = bytes_reader(packet->body.data, packet->body.size);
	struct rtcp_bye bye = { .ssrc_count = packet->count };

	bye.ssrcs = bytes_take(&r, bye.ssrc_count * 4);
	if (bytes_ok(&r) && r.left)
		bye.reason = bytes_slice(&r, bytes_u8(&r));
	if (!bytes_ok(&r))
		return WLK_ERR_PARSE;
	*out = bye;
	return WLK_OK;
}

uint32_t rtcp_bye_ssrc(const struct rtcp_bye *bye, size_t index)
{
	assert(index < bye->ssrc_count && "the SSRC exists");
	return load_u32(bye->ssrcs + index * 4);
}

void rtcp_write_bye(struct bytes_writer *w, const uint32_t *ssrcs, size_t count, const char *reason, size_t reason_size)
{
	assert(count <= RTCP_BLOCKS_MAX && reason_size <= 255 && "counts fit their fields");
	size_t start = rtcp_begin(w, (uint8_t)count, RTCP_BYE);

	for (size_t i = 0; i < count; i++)
		bytes_put_u32(w, ssrcs[i]);
	if (reason_size) {
		bytes_put_u8(w, (uint8_t)reason_size);
		bytes_put(w, reason, reason_size);
		bytes_put_zero(w, (4 - (1 + reason_size) % 4) % 4);
	}
	rtcp_end(w, start);
}

/* RFC 3611 3
 * |      BT       | type-specific |         block length          |     length in words, this one not counted
 */
wlk_err rtcp_xr_parse(struct rtcp_xr *out, const struct rtcp_packet *packet)
{
	struct bytes_reader r = bytes_reader(packet->body.data, packet->body.size);
	struct rtcp_xr xr = { .ssrc = bytes_u32(&r) };

	while (bytes_ok(&r) && r.left) {
		uint8_t type = bytes_u8(&r);

		bytes_skip(&r, 1);
		size_t words = bytes_u16(&r);
		wlk_bytes block = bytes_slice(&r, words * 4);

		if (!bytes_ok(&r))
			break;
		if (type == XR_RRTR && block.size == 8) {
			struct bytes_reader ntp = bytes_reader(block.data, block.size);

			xr.has_rrtr = true;
			xr.rrtr_ntp = bytes_u64(&ntp);
		} else if (type == XR_DLRR) {
			xr.dlrrs = block.data;
			xr.dlrr_count = block.size / DLRR_SIZE;
		}
	}
	if (!bytes_ok(&r))
		return WLK_ERR_PARSE;
	*out = xr;
	return WLK_OK;
}

struct rtcp_dlrr rtcp_dlrr_at(const struct rtcp_xr *xr, size_t index)
{
	const uint8_t *p = xr->dlrrs + index * DLRR_SIZE;

	assert(index < xr->dlrr_count && "the sub-block exists");
	return (struct rtcp_dlrr){ .ssrc = load_u32(p), .lrr = load_u32(p + 4), .dlrr = load_u32(p + 8) };
}

void rtcp_write_xr_rrtr(struct bytes_writer *w, uint32_t ssrc, uint64_t ntp)
{
	size_t start = rtcp_begin(w, 0, RTCP_XR);

	bytes_put_u32(w, ssrc);
	bytes_put_u8(w, XR_RRTR);
	bytes_put_u8(w, 0);
	bytes_put_u16(w, 2);
	bytes_put_u64(w, ntp);
	rtcp_end(w, start);
}

void rtcp_write_xr_dlrr(struct bytes_writer *w, uint32_t ssrc, const struct rtcp_dlrr *items, size_t count)
{
	size_t start = rtcp_begin(w, 0, RTCP_XR);

	bytes_put_u32(w, ssrc);
	bytes_put_u8(w, XR_DLRR);
	bytes_put_u8(w, 0);
	bytes_put_u16(w, (uint16_t)(count * 3));
	for (size_t i = 0; i < count; i++) {
		bytes_put_u32(w, items[i].ssrc);
		bytes_put_u32(w, items[i].lrr);
		bytes_put_u32(w, items[i].dlrr);
	}
	rtcp_end(w, start);
}
