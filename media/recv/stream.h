/* Everything known about one remote media SSRC and its RTX partner: statistics, missing packets, order of delivery. */
#ifndef MEDIA_RECV_STREAM_H
#define MEDIA_RECV_STREAM_H

#include "core/event_queue.h"
#include "core/pktbuf.h"
#include "media/recv/frame_buffer.h"
#include "media/recv/key_ahead.h"
#include "media/recv/nack_list.h"
#include "media/recv/reorder.h"
#include "media/recv/source.h"
#include "media/rtp/packet.h"
#include "media/rtp/rtcp.h"

enum { RECV_QUEUE_MAX = 2048 };

struct recv_stream;

/* A packet or a whole frame that may be delivered. Owns |buf| and |frame|. */
struct recv_item {
	struct pktbuf *buf;        /* NULL: it is a frame */
	struct recv_frame *frame;  /* NULL: it is a packet */
	struct recv_stream *stream;
	int64_t seq;         /* extended */
	int64_t forward_seq; /* without the padding-only packets before it */
	wlk_time arrival;
	bool is_recovered;
	bool after_reset;
};

/* Where streams put what may be delivered; shared by all streams of a peer, so that arrival order holds between them.
 */
struct recv_queue {
	struct event_queue items; /* of struct recv_item */
	uint64_t drops;
	struct frame_budget frame_budget; /* of all streams */
	size_t held;                      /* packets behind holes, of all streams; see reorder.h */
};

wlk_err recv_queue_init(struct recv_queue *q);
/** Releases what is inside. */
void recv_queue_free(struct recv_queue *q);
bool recv_queue_pop(struct recv_queue *q, struct recv_item *out);
/** The oldest item, which stays inside; NULL: none. */
const struct recv_item *recv_queue_head(const struct recv_queue *q);
/** Release the items of a stream that goes away. */
void recv_queue_forget(struct recv_queue *q, const struct recv_stream *stream);

struct recv_stream_config {
	uint32_t ssrc;
	bool in_order; /* hold packets behind a hole; see reorder.h */
	bool use_nack;
	bool is_video;
	/* Deliver frames of the codecs that have them, and with them in order. NULL: packets. */
	struct frame_budget *frame_budget;
	size_t *held;                   /* packets behind holes, of all streams of a peer; NULL: not bounded together */
	const uint8_t *codecs;          /* enum rtp_codec by payload type, 128 of them; outlives the stream */
	const struct rtp_ext_ids *ext;  /* likewise */
};

struct recv_stream {
	struct recv_stream_config config;
	uint32_t rtx_ssrc; /* 0: none known */
	uint8_t pt;        /* of the last packet; RTP_PT_NONE before */
	uint32_t clock_hz;
	struct source source;
	struct source rtx_source;
	struct nack_list nacks;
	struct reorder order;
	struct key_ahead key;
	int64_t padding_cut; /* padding-only packets taken out of the sequence so far */
	bool after_reset;
	bool needs_key_frame; /* a hole was given up; set for video only, cleared by the owner */
	struct frame_buffer frames; /* while config.frame_budget is set */

	/* the peer's last SR */
	bool has_sr;
	struct rtcp_sender_info sr;
	wlk_time sr_arrival;
	uint32_t sr_count;
	uint64_t sr_packets, sr_bytes; /* the sender's counts without their wrap */

	/* statistics */
	uint64_t bytes, header_bytes;
	uint64_t rtx_packets, rtx_bytes;
	uint64_t discarded, recovered, padding_only;
	uint32_t nack_messages, plis, firs;
	uint64_t nacked;
	wlk_time last_packet; /* WLK_TIME_NEVER: none */
};

void recv_stream_init(struct recv_stream *s, const struct recv_stream_config *config);
void recv_stream_free(struct recv_stream *s);

/** Change what renegotiation may change; statistics stay. */
void recv_stream_reconfigure(struct recv_stream *s, const struct recv_stream_config *config);

/**
 * A packet of the media SSRC. Takes |buf| over; |p| is its parsed view. What may be delivered goes to |out|.
 * @param clock_hz  RTP clock of its payload type
 * @param rtt_us    0 when unknown
 */
void recv_stream_input(struct recv_stream *s, wlk_time now, struct pktbuf *buf, const struct rtp_packet *p,
		       uint32_t clock_hz, wlk_time rtt_us, struct recv_queue *out);

/**
 * A packet of the RTX SSRC (RFC 4588 4). Takes |buf| over. A packet of only padding is counted and dropped; another
 * is turned back, in place, into the original with payload type |primary_pt|.
 */
void recv_stream_input_rtx(struct recv_stream *s, wlk_time now, struct pktbuf *buf, const struct rtp_packet *p,
			   uint8_t primary_pt, wlk_time rtt_us, struct recv_queue *out);

/** Deliver what waited long enough for a hole in front of it. */
void recv_stream_handle_timeout(struct recv_stream *s, wlk_time now, struct recv_queue *out);
/** Next moment for handle_timeout; NACKs have their own, nacks.next_due. */
static inline wlk_time recv_stream_deadline(const struct recv_stream *s)
{
	return s->order.deadline;
}

/** How long a stream waits for a hole [us]: audio 60 ms; video 100-600 ms by the round trip with NACK, else 50 ms. */
wlk_time recv_stream_hold_time(const struct recv_stream_config *config, wlk_time rtt_us);

void recv_stream_on_sr(struct recv_stream *s, wlk_time now, const struct rtcp_sender_info *sr);

/** A report block on the media SSRC; begins its next interval. */
struct rtcp_report_block recv_stream_report(struct recv_stream *s, wlk_time now);

/** Restore the original packet of an RTX packet in place: SSRC, payload type, sequence number, payload without the OSN.
 */
bool rtx_unwrap(struct pktbuf *buf, const struct rtp_packet *p, uint32_t ssrc, uint8_t pt, uint16_t *original_seq);

#endif
