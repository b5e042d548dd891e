#include "media/rtp/rtcp_fb.h"

#include "core/seq.h"

enum { NACK_PAIR_SIZE = 4, NACK_BLP_BITS = 16, FIR_ENTRY_SIZE = 8, REMB_MANTISSA_BITS = 18 };

/* RFC 4585 6.1
 * |                  SSRC of packet sender                        |
 * |                  SSRC of media source                         |
 * :            Feedback Control Information (FCI)                 :
 */
wlk_err rtcp_fb_parse(struct rtcp_fb *out, const struct rtcp_packet *packet)
{
	struct bytes_reader r = bytes_reader(packet->body.data, packet->body.size);
	struct rtcp_fb fb = { .sender_ssrc = bytes_u32(&r) };

	fb.media_ssrc = bytes_u32(&r);
	fb.fci = bytes_slice(&r, r.left);
	if (!bytes_ok(&r))
		return WLK_ERR_PARSE;
	*out = fb;
	return WLK_OK;
}

static size_t begin_fb(struct bytes_writer *w, enum rtcp_type type, uint8_t format, uint32_t sender, uint32_t media)
{
	size_t start = rtcp_begin(w, format, type);

	bytes_put_u32(w, sender);
	bytes_put_u32(w, media);
	return start;
}

/* RFC 4585 6.2.1: bit i of BLP (from the least significant) names PID + i + 1. */
size_t rtcp_nack_parse(const struct rtcp_fb *fb, uint16_t *seqs, size_t capacity)
{
	size_t count = 0;

	for (size_t at = 0; at + NACK_PAIR_SIZE <= fb->fci.size; at += NACK_PAIR_SIZE) {
		uint16_t pid = load_u16(fb->fci.data + at);
		uint16_t blp = load_u16(fb->fci.data + at + 2);

		if (count < capacity)
			seqs[count++] = pid;
		for (int bit = 0; bit < NACK_BLP_BITS && count < capacity; bit++)
			if (blp >> bit & 1)
				seqs[count++] = (uint16_t)(pid + bit + 1);
	}
	return count;
}

size_t rtcp_write_nack(struct bytes_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
		       size_t count)
{
	size_t start = begin_fb(w, RTCP_RTPFB, RTCP_FB_NACK, sender_ssrc, media_ssrc);
	size_t done = 0;

	while (done < count && !w->failed && w->capacity - w->size >= NACK_PAIR_SIZE) {
		uint16_t pid = seqs[done++];
		uint16_t blp = 0;

		while (done < count) {
			int32_t ahead = seq16_diff(seqs[done], pid);

			if (ahead < 1 || ahead > NACK_BLP_BITS)
				break;
			blp |= (uint16_t)(1u << (ahead - 1));
			done++;
		}
		bytes_put_u16(w, pid);
		bytes_put_u16(w, blp);
	}
	rtcp_end(w, start);
	return w->failed ? 0 : done;
}

void rtcp_write_pli(struct bytes_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc)
{
	rtcp_end(w, begin_fb(w, RTCP_PSFB, RTCP_FB_PLI, sender_ssrc, media_ssrc));
}

size_t rtcp_fir_count(const struct rtcp_fb *fb)
{
	return fb->fci.size / FIR_ENTRY_SIZE;
}

struct rtcp_fir rtcp_fir_at(const struct rtcp_fb *fb, size_t index)
{
	const uint8_t *p = fb->fci.data + index * FIR_ENTRY_SIZE;

	assert(index < rtcp_fir_count(fb) && "the entry exists");
	return (struct rtcp_fir){ .ssrc = load_u32(p), .seq = p[4] };
}

void rtcp_write_fir(struct bytes_writer *w, uint32_t sender_ssrc, const struct rtcp_fir *fir)
{
	/* RFC 5104 4.3.1.2: the media source field is not used and is 0; the SSRC stands in the entry. */
	size_t start = begin_fb(w, RTCP_PSFB, RTCP_FB_FIR, sender_ssrc, 0);

	bytes_put_u32(w, fir->ssrc);
	bytes_put_u8(w, fir->seq);
	bytes_put_u24(w, 0);
	rtcp_end(w, start);
}

/* draft-alvestrand-rmcat-remb-03 2.2
 * |  Unique identifier 'R' 'E' 'M' 'B'                            |
 * |  Num SSRC     | BR Exp    |  BR Mantissa                      |
 * |   SSRC feedback                                               |
 */
wlk_err rtcp_remb_parse(struct rtcp_remb *out, const struct rtcp_fb *fb)
{
	struct bytes_reader r = bytes_reader(fb->fci.data, fb->fci.size);
	wlk_bytes name = bytes_slice(&r, 4);
	struct rtcp_remb remb = { .ssrc_count = bytes_u8(&r) };
	uint32_t rate = bytes_u24(&r);
	uint32_t exponent = rate >> REMB_MANTISSA_BITS;
	uint64_t mantissa = rate & ((1u << REMB_MANTISSA_BITS) - 1);

	if (name.size != 4 || memcmp(name.data, "REMB", 4))
		return WLK_ERR_UNSUPPORTED;
	remb.ssrcs = bytes_take(&r, remb.ssrc_count * 4);
	remb.bps = mantissa << exponent;
	if (!bytes_ok(&r) || remb.bps >> exponent != mantissa)
		return WLK_ERR_PARSE;
	*out = remb;
	return WLK_OK;
}

void rtcp_write_remb(struct bytes_writer *w, uint32_t sender_ssrc, uint64_t bps, const uint32_t *ssrcs, size_t count)
{
	size_t start = begin_fb(w, RTCP_PSFB, RTCP_FB_AFB, sender_ssrc, 0);
	uint32_t exponent = 0;

	assert(count <= 255 && "the SSRC count has eight bits");
	while (bps >> exponent >= 1u << REMB_MANTISSA_BITS)
		exponent++;
	bytes_put(w, "REMB", 4);
	bytes_put_u8(w, (uint8_t)count);
	bytes_put_u24(w, exponent << REMB_MANTISSA_BITS | (uint32_t)(bps >> exponent));
	for (size_t i = 0; i < count; i++)
		bytes_put_u32(w, ssrcs[i]);
	rtcp_end(w, start);
}
