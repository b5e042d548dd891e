/* One SSRC that we send, with its RTX partner: numbering, packet building, SR contents, answers to NACK. */
#ifndef MEDIA_SEND_STREAM_H
#define MEDIA_SEND_STREAM_H

#include "core/pktbuf.h"
#include "core/time.h"
#include "media/rtp/ext.h"
#include "media/rtp/rtcp.h"
#include "media/send/frames.h"
#include "media/send/history.h"

enum {
	SEND_SEQ_JUMP_MAX = 3000,            /* more would look like a restart to the receiver */
	SEND_SIZE_MAX = PKTBUF_PAYLOAD - 64, /* of a plain packet: RTX adds 2 bytes, SRTP its tag */
};

struct send_stream {
	uint32_t ssrc;
	uint32_t rtx_ssrc; /* 0: losses are answered with the same protected bytes */
	bool keeps_history;
	uint8_t repaired_rid_id; /* of the extension that an RTX packet has in the place of rid (RFC 8852 3.2); 0: none */

	bool started;
	int64_t next_seq; /* extended; begins at a random number below 2^15 (R20, R21) */
	uint16_t rtx_seq; /* next one on the RTX SSRC, begins likewise */
	uint32_t timestamp_offset;
	bool has_caller_base;
	int64_t caller_base; /* seq of ours minus seq of the caller */

	struct history history;
	struct send_frames frames; /* at the level of frames */
	int64_t budget_bytes; /* retransmissions allowed now (R22) */

	/* what an SR says */
	uint8_t pt;
	uint32_t clock_hz;
	uint32_t last_timestamp;
	wlk_time last_sent; /* the moment of last_timestamp; WLK_TIME_NEVER: nothing yet */
	uint32_t sr_packets, sr_bytes;
	uint32_t rtx_sr_packets, rtx_sr_bytes;

	/* statistics */
	uint64_t packets, bytes, header_bytes;
	uint64_t empty_packets, empty_bytes; /* of |packets| and |header_bytes|: padding without RTX */
	uint64_t resent_packets, resent_bytes;
	uint64_t nacked, refused; /* refused: copies of answers, too */
	uint32_t nack_messages, plis, firs;
	wlk_time total_delay_us;

	/* the peer's last report about us */
	bool has_report;
	struct rtcp_report_block report;
	wlk_time report_arrival;
	uint32_t report_count;
	wlk_time rtt_us, total_rtt_us;
	uint32_t rtt_count;
};

/** WLK_ERR_CRYPTO: no random bytes for the numbering. */
wlk_err send_stream_init(struct send_stream *s, uint32_t ssrc, uint32_t rtx_ssrc, bool keeps_history) WLK_NODISCARD;
void send_stream_free(struct send_stream *s);

/* A plaintext packet ready for the pacer. Owns |buf|. */
struct send_packet {
	struct pktbuf *buf;
	uint8_t rtx_pt;
	uint16_t twcc_offset; /* where transport-wide sequence number and send time are stamped; 0: not there */
	uint16_t time_offset;
	uint16_t rid_offset; /* where the data of the rid element stands; 0: not there */
	uint16_t header_size;
	bool is_rtx;
	bool is_protected;
	bool is_padding; /* made for a probe: no statistics count it */
	uint8_t copies;  /* of an answer to a request: how many should follow it, by send_stream_resend_copy() */
};

/* What send_stream_build() writes. */
struct send_request {
	int64_t seq;        /* ours: at least s->next_seq */
	uint32_t timestamp; /* on the wire */
	uint8_t pt, rtx_pt;
	uint32_t clock_hz;
	bool marker;
	wlk_bytes payload;
	const struct rtp_ext *ext; /* all elements; the stamps are elements of 2 and 3 bytes to be overwritten */
	size_t ext_count;
	int twcc_index, time_index; /* which elements are the stamps; -1: none */
	int rid_index;              /* which is the rid, that RTX renames; -1: none */
	bool allow_two_byte;
};

/**
 * Build the packet and use its number up. WLK_ERR_INVALID: seq does not grow or jumps by more than SEND_SEQ_JUMP_MAX;
 * WLK_ERR_TOO_LARGE; WLK_ERR_NOMEM. On error nothing changed.
 */
wlk_err send_stream_build(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool,
			  const struct send_request *request, struct send_packet *out) WLK_NODISCARD;

/** Stamp what is known only at the moment of sending. */
void send_packet_stamp(uint8_t *packet, const struct send_packet *meta, uint16_t twcc_seq, wlk_time now);

/** Count a packet that leaves now: |size| bytes, after |delay_us| in the pacer. */
void send_stream_on_sent(struct send_stream *s, const struct send_packet *packet, size_t size, wlk_time delay_us);

/**
 * Answer a request for |seq|: |out| is a new packet for the pacer, on the RTX SSRC or with the old ciphertext.
 * False, and counted in |refused|: not there, sent again less than a round trip ago, or over the budget (R22).
 */
bool send_stream_resend(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool, uint16_t seq, wlk_time rtt_us,
			struct send_packet *out);
/** The answer to |seq| that was given last once more: another number on the RTX SSRC. False and counted as above. */
bool send_stream_resend_copy(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool, uint16_t seq, struct send_packet *out);

/**
 * Something to send for a probe: a packet of the last second once more, on the RTX SSRC, and not one that was repeated
 * lately. False: there is none, or no RTX.
 */
bool send_stream_pad(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool, struct send_packet *out);

/**
 * The same for a stream without RTX: an empty packet with the next number, at the time of the last one, filled up with padding (RFC 3550
 * 5.1). Of |request| the extensions count. Only between whole frames, and where nobody else numbers the packets: that is the caller's to
 * know. False: nothing was sent yet, or no memory.
 */
bool send_stream_pad_empty(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool, const struct send_request *request,
			   struct send_packet *out);

/** Contents of an SR at |now|; |unix_us| is the wall clock at that moment. False: nothing was sent yet. */
bool send_stream_sender_info(const struct send_stream *s, wlk_time now, int64_t unix_us, struct rtcp_sender_info *out);

/** A report block of the peer about |s->ssrc|; |ntp_mid| is our NTP time now, middle 32 bits. Answers the round trip
 * [us], 0: none in it. */
wlk_time send_stream_on_report(struct send_stream *s, wlk_time now, uint32_t ntp_mid,
			       const struct rtcp_report_block *block);

/** Round trip from LSR and DLSR (RFC 3550 6.4.1); 0 when there was no SR, or the sum is impossible. */
wlk_time rtcp_round_trip(uint32_t ntp_mid_now, uint32_t lsr, uint32_t dlsr);

#endif
