/* Congestion control feedback for RTP (RFC 8888): which packets of which streams arrived, and when; both ways. */
#ifndef MEDIA_RTP_CCFB_H
#define MEDIA_RTP_CCFB_H

#include "core/time.h"
#include "media/rtp/rtcp.h"

enum {
	RTCP_FB_CCFB = 11,        /* FMT of RTCP_RTPFB */
	CCFB_STATUS_MAX = 8192,   /* packets that one message may speak of (R22) */
	CCFB_BLOCK_MAX = 400,     /* packets of one stream in a message of ours */
	CCFB_FIXED_SIZE = 12,     /* of a message without blocks; a block has 8 bytes and 2 for each packet, made whole words */
};

/* One parsed message; borrows the RTCP packet. Its first word is the sender, and no media SSRC follows. */
struct ccfb_feedback {
	uint32_t sender_ssrc;
	uint32_t timestamp; /* when it was made: the middle 32 bits of an NTP time of the receiver's */
	wlk_bytes blocks;
};

/** Parse and check everything: afterwards iteration cannot fail. WLK_ERR_PARSE: a block past the end, or too many packets. */
wlk_err ccfb_parse(struct ccfb_feedback *out, const struct rtcp_packet *packet) WLK_NODISCARD;

struct ccfb_status {
	uint32_t ssrc;
	uint16_t seq;
	bool received;
	uint8_t ecn;      /* 0..3, when received */
	bool has_time;
	wlk_time before;  /* arrival, so long before |timestamp| [us, in steps of 1/1024 s]; when received and has_time */
};

struct ccfb_iter {
	struct bytes_reader reader;
	uint32_t ssrc;
	uint16_t seq;
	size_t left, padding; /* of the block */
};

struct ccfb_iter ccfb_iter(const struct ccfb_feedback *feedback);
bool ccfb_next(struct ccfb_iter *iter, struct ccfb_status *out);

/* Writing: begin, blocks, end. */
size_t ccfb_write_begin(struct bytes_writer *w, uint32_t sender_ssrc);
/**
 * |count| packets from |begin_seq| on, at most CCFB_BLOCK_MAX; |before| of each as in struct ccfb_status, below 0: it did not arrive. What is too
 * long ago for its 13 bits is written as that.
 */
void ccfb_write_block(struct bytes_writer *w, uint32_t ssrc, uint16_t begin_seq, const wlk_time *before, size_t count);
void ccfb_write_end(struct bytes_writer *w, size_t start, uint32_t timestamp);

#endif
