/* RTCP compound packets (RFC 3550 6): iteration over sub-packets, and SR, RR, SDES, BYE and XR both ways. */
#ifndef MEDIA_RTP_RTCP_H
#define MEDIA_RTP_RTCP_H

#include "core/bytes.h"
#include "core/err.h"

enum rtcp_type {
	RTCP_SR = 200,
	RTCP_RR = 201,
	RTCP_SDES = 202,
	RTCP_BYE = 203,
	RTCP_APP = 204,
	RTCP_RTPFB = 205, /* RFC 4585 6.2; see rtcp_fb.h */
	RTCP_PSFB = 206,  /* RFC 4585 6.3 */
	RTCP_XR = 207,    /* RFC 3611 */
};

enum {
	RTCP_HEADER_SIZE = 4,
	RTCP_BLOCKS_MAX = 31, /* report blocks of one SR or RR, SSRCs of one BYE */
	RTCP_REPORT_BLOCK_SIZE = 24,
};

/* One sub-packet: |count| is the five-bit field (RC, SC or FMT), |body| what follows the first word, without padding.
 */
struct rtcp_packet {
	uint8_t type;
	uint8_t count;
	wlk_bytes body;
};

struct rtcp_iter {
	struct bytes_reader reader;
	bool malformed; /* stopped at a sub-packet that is not well-formed */
};

/** Start over a datagram, compound or reduced-size (RFC 5506); the data is borrowed. */
struct rtcp_iter rtcp_iter(const uint8_t *data, size_t size);

/**
 * The next sub-packet. False at the end, or at one with a wrong version, a length past the end, or padding of no
 * byte or of more than it has; then iter->malformed is set and what came before stays good. RFC 3550 6.4.1 wants padding in whole words and
 * in the last sub-packet only; libwebrtc pads transport-wide feedback by 1 to 3 bytes and takes padding anywhere, so we do.
 */
bool rtcp_next(struct rtcp_iter *iter, struct rtcp_packet *out);

/* RFC 3550 6.4.1 */
struct rtcp_report_block {
	uint32_t ssrc;
	uint8_t fraction_lost;   /* of 256 */
	int32_t cumulative_lost; /* 24 bits signed */
	uint32_t highest_seq;    /* with cycles */
	uint32_t jitter;         /* timestamp units */
	uint32_t lsr;            /* middle 32 bits of the NTP time of the last SR; 0: none yet */
	uint32_t dlsr;           /* since then, in 1/65536 s */
};

struct rtcp_sender_info {
	uint64_t ntp;
	uint32_t rtp_timestamp;
	uint32_t packets;
	uint32_t bytes;
};

/* An SR or RR; the blocks are read one by one with rtcp_report_block_at(). */
struct rtcp_report {
	uint32_t ssrc;
	bool is_sr;
	struct rtcp_sender_info sender; /* of an SR */
	size_t block_count;
	const uint8_t *blocks; /* block_count * RTCP_REPORT_BLOCK_SIZE bytes */
};

/** WLK_ERR_PARSE when the body is too short for its report count (R22). Profile extensions behind the blocks are
 * skipped. */
wlk_err rtcp_report_parse(struct rtcp_report *out, const struct rtcp_packet *packet) WLK_NODISCARD;
/** Block |index| < block_count. */
struct rtcp_report_block rtcp_report_block_at(const struct rtcp_report *report, size_t index);

/** At most RTCP_BLOCKS_MAX blocks. */
void rtcp_write_sr(struct bytes_writer *w, uint32_t ssrc, const struct rtcp_sender_info *sender,
		   const struct rtcp_report_block *blocks, size_t count);
void rtcp_write_rr(struct bytes_writer *w, uint32_t ssrc, const struct rtcp_report_block *blocks, size_t count);

/** The CNAME of |ssrc| in an SDES packet; false when it is not there or the packet is malformed. */
bool rtcp_sdes_cname(const struct rtcp_packet *packet, uint32_t ssrc, wlk_bytes *cname);
/** One chunk with a CNAME of 1..255 bytes. */
void rtcp_write_sdes(struct bytes_writer *w, uint32_t ssrc, const char *cname, size_t cname_size);

struct rtcp_bye {
	size_t ssrc_count;
	const uint8_t *ssrcs; /* ssrc_count * 4 bytes */
	wlk_bytes reason;
};

wlk_err rtcp_bye_parse(struct rtcp_bye *out, const struct rtcp_packet *packet) WLK_NODISCARD;
uint32_t rtcp_bye_ssrc(const struct rtcp_bye *bye, size_t index);
/** At most RTCP_BLOCKS_MAX SSRCs; |reason_size| 0 for none, at most 255. */
void rtcp_write_bye(struct bytes_writer *w, const uint32_t *ssrcs, size_t count, const char *reason,
		    size_t reason_size);

/* RFC 3611: the two blocks by which a receiver that sends no SR learns the round trip. */
struct rtcp_dlrr {
	uint32_t ssrc; /* whose RRTR this answers */
	uint32_t lrr;  /* middle 32 bits of the RRTR's NTP time */
	uint32_t dlrr; /* delay since then, 1/65536 s */
};

struct rtcp_xr {
	uint32_t ssrc;
	bool has_rrtr;
	uint64_t rrtr_ntp;
	size_t dlrr_count;
	const uint8_t *dlrrs; /* dlrr_count * 12 bytes, of the last DLRR block */
};

/** Unknown blocks are skipped; WLK_ERR_PARSE when a block runs past the packet. */
wlk_err rtcp_xr_parse(struct rtcp_xr *out, const struct rtcp_packet *packet) WLK_NODISCARD;
struct rtcp_dlrr rtcp_dlrr_at(const struct rtcp_xr *xr, size_t index);
void rtcp_write_xr_rrtr(struct bytes_writer *w, uint32_t ssrc, uint64_t ntp);
void rtcp_write_xr_dlrr(struct bytes_writer *w, uint32_t ssrc, const struct rtcp_dlrr *items, size_t count);

/* Shared by the writers here and in rtcp_fb.c: begin a sub-packet, and set its length once its content is there. */
size_t rtcp_begin(struct bytes_writer *w, uint8_t count, enum rtcp_type type);
void rtcp_end(struct bytes_writer *w, size_t start);

#endif
