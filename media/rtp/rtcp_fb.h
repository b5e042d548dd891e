/* RTCP feedback (RFC 4585, RFC 5104): generic NACK, PLI, FIR and REMB, both ways; transport-cc is in twcc.h. */
#ifndef MEDIA_RTP_RTCP_FB_H
#define MEDIA_RTP_RTCP_FB_H

#include "media/rtp/rtcp.h"

/* FMT values: the first two of RTCP_RTPFB, the others of RTCP_PSFB. */
enum rtcp_fb_format {
	RTCP_FB_NACK = 1,
	RTCP_FB_TRANSPORT_CC = 15,
	RTCP_FB_PLI = 1,
	RTCP_FB_FIR = 4,
	RTCP_FB_AFB = 15, /* application layer feedback; REMB says so with its name */
};

enum { RTCP_NACK_MAX = 256 }; /* sequence numbers that one NACK may name (R22) */

/* What all feedback begins with (RFC 4585 6.1). */
struct rtcp_fb {
	uint32_t sender_ssrc;
	uint32_t media_ssrc;
	wlk_bytes fci;
};

wlk_err rtcp_fb_parse(struct rtcp_fb *out, const struct rtcp_packet *packet) WLK_NODISCARD;

/**
 * The sequence numbers of a generic NACK in the order of the packet, at most |capacity| (give RTCP_NACK_MAX).
 * Answers how many were written; what is beyond is ignored (R22).
 */
size_t rtcp_nack_parse(const struct rtcp_fb *fb, uint16_t *seqs, size_t capacity);

/**
 * A generic NACK for |seqs|, ascending (wrap allowed). Neighbours within 16 share a PID/BLP pair (RFC 4585 6.2.1).
 * Stops when |w| is full at a pair's end; answers how many sequence numbers went in.
 */
size_t rtcp_write_nack(struct bytes_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
		       size_t count);

void rtcp_write_pli(struct bytes_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc);

/* RFC 5104 4.3.1: one entry per SSRC that shall send a key frame. */
struct rtcp_fir {
	uint32_t ssrc;
	uint8_t seq; /* a repeated number is the same request again */
};

/** Entries in a FIR; 0 when malformed. */
size_t rtcp_fir_count(const struct rtcp_fb *fb);
struct rtcp_fir rtcp_fir_at(const struct rtcp_fb *fb, size_t index);
void rtcp_write_fir(struct bytes_writer *w, uint32_t sender_ssrc, const struct rtcp_fir *fir);

/* draft-alvestrand-rmcat-remb-03 2.2 */
struct rtcp_remb {
	uint64_t bps;
	size_t ssrc_count;
	const uint8_t *ssrcs; /* ssrc_count * 4 bytes, network order */
};

/** WLK_ERR_UNSUPPORTED: other application layer feedback. WLK_ERR_PARSE: lengths do not fit, or above 64 bits. */
wlk_err rtcp_remb_parse(struct rtcp_remb *out, const struct rtcp_fb *fb) WLK_NODISCARD;
/** The rate is rounded down to 18 significant bits. At most 255 SSRCs. */
void rtcp_write_remb(struct bytes_writer *w, uint32_t sender_ssrc, uint64_t bps, const uint32_t *ssrcs, size_t count);

#endif
