#include "media/rtp/packet.h"

/* RFC 3550 5.1
 *  0                   1                   2                   3
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * |                           timestamp                           |
 * |           synchronization source (SSRC) identifier            |
 * |            contributing source (CSRC) identifiers, CC of them |
 * |      defined by profile       |  length in words of extension |
 */
enum {
	VERSION_2 = 0x80,
	VERSION_MASK = 0xc0,
	PADDING_BIT = 0x20,
	EXT_BIT = 0x10,
	COUNT_MASK = 0x0f,
	MARKER_BIT = 0x80
};

bool rtp_peek(struct rtp_peek *out, const uint8_t *data, size_t size)
{
	if (size < RTP_HEADER_SIZE || (data[0] & VERSION_MASK) != VERSION_2)
		return false;
	out->pt = data[1] & 0x7f;
	out->seq = load_u16(data + 2);
	out->timestamp = load_u32(data + 4);
	out->ssrc = load_u32(data + 8);
	return true;
}

wlk_err rtp_parse(struct rtp_packet *out, const uint8_t *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	struct rtp_packet p = { 0 };
	uint8_t first = bytes_u8(&r);
	uint8_t second = bytes_u8(&r);

	p.marker = second & MARKER_BIT;
	p.pt = second & 0x7f;
	p.seq = bytes_u16(&r);
	p.timestamp = bytes_u32(&r);
	p.ssrc = bytes_u32(&r);
	p.csrc_count = first & COUNT_MASK;
	p.csrc = bytes_take(&r, p.csrc_count * (size_t)4);
	p.has_ext = first & EXT_BIT;
	if (p.has_ext) {
		p.ext_profile = bytes_u16(&r);
		size_t ext_words = bytes_u16(&r);
		p.ext = bytes_slice(&r, ext_words * 4);
	}
	if (!bytes_ok(&r) || (first & VERSION_MASK) != VERSION_2)
		return WLK_ERR_PARSE;
	if (first & PADDING_BIT) {
		/* The last byte counts the padding, itself included; zero or more than there is would be a lie (R23).
		 */
		p.padding = r.left ? r.at[r.left - 1] : 0;
		if (p.padding == 0 || p.padding > r.left)
			return WLK_ERR_PARSE;
	}
	p.header_size = size - r.left;
	p.payload = bytes_slice(&r, r.left - p.padding);
	*out = p;
	return WLK_OK;
}

void rtp_write_header(struct bytes_writer *w, const struct rtp_packet *p)
{
	assert(p->csrc_count <= RTP_CSRC_MAX && "a packet has at most 15 CSRCs");
	bytes_put_u8(
		w, (uint8_t)(VERSION_2 | (p->padding ? PADDING_BIT : 0) | (p->has_ext ? EXT_BIT : 0) | p->csrc_count));
	bytes_put_u8(w, (uint8_t)((p->marker ? MARKER_BIT : 0) | (p->pt & 0x7f)));
	bytes_put_u16(w, p->seq);
	bytes_put_u32(w, p->timestamp);
	bytes_put_u32(w, p->ssrc);
	bytes_put(w, p->csrc, p->csrc_count * (size_t)4);
}

void rtp_write(struct bytes_writer *w, const struct rtp_packet *p)
{
	rtp_write_header(w, p);
	if (p->has_ext) {
		assert(p->ext.size % 4 == 0 && "an extension block is whole words");
		bytes_put_u16(w, p->ext_profile);
		bytes_put_u16(w, (uint16_t)(p->ext.size / 4));
		bytes_put(w, p->ext.data, p->ext.size);
	}
	bytes_put(w, p->payload.data, p->payload.size);
	if (p->padding) {
		bytes_put_zero(w, p->padding - (size_t)1);
		bytes_put_u8(w, p->padding);
	}
}
