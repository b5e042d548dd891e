/* The inside of the media engine, shared by the engine_*.c files: sections, streams, and who calls whom. */
#ifndef MEDIA_ENGINE_INTERNAL_H
#define MEDIA_ENGINE_INTERNAL_H

#include "core/list.h"
#include "core/rand.h"
#include "media/cc/allocate.h"
#include "media/cc/data_gate.h"
#include "media/cc/gcc.h"
#include "media/cc/pacer.h"
#include "media/cc/receive_rate.h"
#include "media/cc/sent_rtp.h"
#include "media/recv/ccfb_recv.h"
#include "media/recv/flow.h"
#include "media/recv/speaking.h"
#include "media/recv/twcc_recv.h"
#include "media/rtp/twcc.h"
#include "media/engine.h"
#include "media/recv/stream.h"
#include "media/send/redundancy.h"
#include "media/send/stream.h"

/*
 * engine.c         life, lookups, deadline, events
 * engine_config.c  sections from what was negotiated
 * engine_input.c   RTP in: which section and stream (RFC 9143 9.2)
 * engine_rtcp_in.c RTCP in
 * engine_rtcp_out.c reports and feedback out
 * engine_frames.c  whole frames both ways
 * engine_redundancy.c  sound as RED
 * engine_dtmf.c    telephone events in
 * engine_activity.c  whether packets come, and whether somebody speaks
 * engine_tones.c   telephone events out
 * engine_output.c  RTP out: send, forward, pacer to wire
 * engine_cc.c      feedback to estimate, estimate to pacer and to the gate of data, probes
 * engine_ccfb.c    feedback as of RFC 8888
 * engine_shares.c  the estimate divided among layers and data
 * engine_stats.c   counters as webrtc-stats names them
 */

enum {
	KEY_FRAME_PAUSE_US = 500000, /* R22, both ways */
	KEY_FRAME_REPEAT_US = 30000, /* a request on a path that loses much leaves twice */
	REPORT_US = 1000000,
	REPORT_IDLE_US = 5000000,
	REPORT_FIRST_US = 200000,
	RTCP_SIZE_MAX = 1150, /* of a plain RTCP datagram */
	RRTR_MAX = 8,
	STREAM_IDLE_US = 10000000, /* a stream silent for this long gives its place to a new SSRC */
};

struct media_section;

/* A receive stream in its section. */
struct recv_entry {
	struct recv_stream stream;
	struct media_section *section;
	uint32_t number;
	char rid[MEDIA_MID_MAX + 1];   /* "": none */
	bool new_pending, bye_pending; /* events not polled yet */
	bool announced;
	bool bye;
	uint32_t remb_expected, remb_received; /* at the last REMB interval */
	uint8_t fir_seq;
	wlk_time rtt_us, total_rtt_us; /* by DLRR */
	uint32_t rtt_count;
};

struct ssrc_entry {
	uint32_t ssrc;
	struct recv_entry *entry;
	bool is_rtx;
};

/* Maps the sequence numbers and times of a forwarded source onto our own; begins anew when the source changes. */
struct forward_map {
	bool started;
	uint32_t source_ssrc;
	int64_t last_source_seq;
	int64_t seq_offset;
	uint32_t timestamp_offset;
	uint32_t last_source_timestamp;
};

/* What the peer's reports say of the losses, smoothed. */
struct send_loss {
	uint32_t reports; /* so many are in */
	uint32_t share_q12; /* of 4096 */
};

/* One encoding that a section sends. */
struct send_layer {
	struct send_stream stream; /* kept while the SSRC stays, also while not sending: its numbers may never repeat (R20) */
	char rid[MEDIA_MID_MAX + 1]; /* "": none */
	bool active;
	struct forward_map forward;
	struct redundancy *redundancy; /* NULL: nothing was sent as RED */
	struct send_loss loss;

	/* the peer asked us for a key frame */
	bool key_frame_event;
	wlk_time key_frame_event_last, key_frame_event_due;
	int fir_in_seq; /* number of the last FIR that counted; -1: none */

	/* its share of the path (engine_cc.c) */
	struct media_layer_limits limits;
	uint64_t target_bps, told_bps; /* told UINT64_MAX: nothing was told */
};

/* A telephone event on its way (engine_tones.c). */
struct media_tone {
	struct media_payload payload;
	uint8_t event;
	uint32_t timestamp; /* of its beginning, on the wire */
	uint32_t segment;   /* ticks from there to the present segment */
	wlk_time duration, played;
	size_t packets;
	int ends;     /* final packets that left */
	wlk_time due; /* of the next packet; WLK_TIME_NEVER: nothing is played */
};

/* Telephone events of the SSRC that sent the last one. */
struct section_dtmf {
	uint32_t ssrc;
	struct dtmf_recv recv;
};

struct media_section {
	size_t index;
	char mid[MEDIA_MID_MAX + 1];
	enum media_kind kind;
	bool receive, send;
	struct media_payload *payloads;
	size_t payload_count;
	struct rtp_ext_ids recv_ext, send_ext;
	uint8_t recv_codecs[128]; /* enum rtp_codec by recv_pt, for recv/frame_buffer.h */
	bool extmap_allow_mixed, rtcp_rsize, rtcp_xr_rrtr, in_order, frames;
	bool uses_twcc, uses_ccfb, uses_remb; /* how the peer learns the rate it may send at, in this section */
	struct media_remote_ssrc *remotes;
	size_t remote_count;
	char (*rids)[MEDIA_MID_MAX + 1];
	size_t rid_count;
	uint32_t ssrc;
	char *cname;
	size_t cname_size;

	/* kept over renegotiations */
	struct send_layer *layers[MEDIA_RIDS_MAX]; /* in the order of the configuration */
	size_t layer_count;
	struct media_tone tone;
	struct section_dtmf dtmf;
	struct flow flow;
	struct speaking they_speak, we_speak;
	struct heard heard;
	wlk_time report_due;        /* WLK_TIME_NEVER: nothing to report yet */
	uint64_t reported_activity; /* packets received and sent at the last report */

	/* we ask the peer for a key frame */
	wlk_time key_frame_asked, key_frame_due; /* due WLK_TIME_NEVER: not wanted */
	wlk_time key_frame_again; /* the request is said once more; WLK_TIME_NEVER: it is not */
};

struct rrtr_entry {
	uint32_t ssrc;
	uint32_t lrr;
	wlk_time arrival;
};

struct media_engine {
	struct log_scope log;
	struct log_budget log_budget;
	struct pktbuf_pool *pool;
	int64_t unix_us_at_zero;
	struct rand_jitter jitter;
	bool closed;

	struct media_section **sections;
	size_t section_count;
	struct ssrc_entry *ssrcs; /* receive side; linear, because there are few, and the last hit is tried first */
	size_t ssrc_count, ssrc_capacity, ssrc_last;
	size_t entry_count;
	uint32_t entries_made;
	uint32_t *retired; /* SSRCs that sent once: their numbers are used up under this key (R20) */
	size_t retired_count, retired_capacity;
	struct rtp_ext_ids
		recv_ext; /* of all sections together: BUNDLE makes ids mean the same everywhere (RFC 9143 9.2) */

	struct recv_queue received;
	struct pacer pacer;
	struct twcc_recv twcc;
	struct gcc gcc;
	bool can_send;               /* see media_engine_set_can_send() */
	bool answer_overdue;         /* packets left, and feedback should have come */
	bool use_gcc;                /* something is sent, whose rate is to be found */
	bool numbered;               /* feedback was agreed on that tells when packets arrive */
	wlk_time last_sent;          /* a packet of media; WLK_TIME_NEVER: none yet */
	struct data_gate data;       /* what data may send beside it */
	uint64_t pacing_limit_bps;   /* given from outside; 0: none */
	bool feedback_started;
	size_t statuses_left; /* that the datagram at hand may still hold */
	uint32_t feedback_reference; /* of the last transport-cc message, 24 bits */
	int64_t feedback_epoch;      /* the same without wrap */
	wlk_time first_sent;         /* WLK_TIME_NEVER: nothing with a transport-wide number yet */
	struct rate_meter resent;
	wlk_time allocated;          /* when shares were last given out */
	uint64_t kept_bps;           /* the share that a video gets however little there is */
	bool use_twcc, use_ccfb, use_remb;
	struct ccfb_recv ccfb;
	bool sends_ccfb;             /* our packets are told of by RFC 8888, which names them by SSRC and sequence number */
	struct sent_rtp sent_rtp;    /* so they are found by these */
	struct seq_unwrap ccfb_time; /* of the peer's messages, 1/65536 s */
	struct receive_rate rate;
	struct pktbuf *rtcp_head, **rtcp_tail; /* built RTCP that waits for poll_transmit */
	struct rrtr_entry rrtrs[RRTR_MAX];
	size_t rrtr_count;

	wlk_time rtt_us;
	bool rtt_is_own; /* measured by RTCP, not given */
	bool remb_event;
	uint64_t remb_bps;
	struct media_engine_stats stats;
};

/* engine_config.c */
void engine_section_destroy(struct media_section *s);

/* engine.c */
int64_t engine_wall_us(const struct media_engine *e, wlk_time now);
uint32_t engine_ntp_mid(const struct media_engine *e, wlk_time now);
const struct media_payload *section_payload_by_recv_pt(const struct media_section *s, uint8_t pt, bool *is_rtx);
/** Turn a packet of sound into one of RED with what was sent before, in |out|; false: it stays as it is. */
bool engine_make_redundant(const struct media_engine *e, struct media_section *s, struct send_layer *l, struct rtp_send *send, uint8_t *out,
			   size_t capacity);
/** A packet arrived; telephone events in it, by themselves or in RED, are taken note of. */
void engine_dtmf_input(struct media_section *s, wlk_time now, const struct rtp_packet *p);
bool engine_dtmf_event(struct media_section *s, struct media_event *out);
const struct media_payload *section_payload_by_send_pt(const struct media_section *s, uint8_t pt);
/* Feedback of the payload that |pt| is, or of the preferred one. */
uint32_t section_feedback(const struct media_section *s, uint8_t recv_pt);
bool section_has_feedback(const struct media_section *s, uint32_t fb);
struct recv_stream_config section_stream_config(struct media_engine *e, const struct media_section *s, uint32_t ssrc);
struct media_section *engine_section_of_mid(const struct media_engine *e, wlk_bytes mid);
/* Something happened on |s|: its reports begin, or come at their normal pace again. */
void section_activate(struct media_engine *e, struct media_section *s, wlk_time now);
void engine_on_rtt(struct media_engine *e, wlk_time rtt_us);
/* The layer whose media SSRC this is, NULL for none; *section (may be NULL) gets its section. */
struct send_layer *engine_layer_of_ssrc(const struct media_engine *e, uint32_t ssrc, struct media_section **section);
void engine_check_stream(struct media_engine *e, struct recv_entry *entry, wlk_time now);

/* engine_activity.c */
void engine_activity_on_packet(struct media_section *s, wlk_time now, const struct rtp_packet *p);
void engine_activity_on_frame(struct media_section *s, wlk_time now, const struct media_send_frame *frame);
/* One of its sources said BYE. */
void engine_activity_on_bye(struct media_engine *e, struct media_section *s);
void engine_activity_take_over(struct media_section *s, const struct media_section *old);
wlk_time engine_activity_deadline(const struct media_section *s);
void engine_activity_handle_timeout(struct media_section *s, wlk_time now);
bool engine_activity_event(struct media_section *s, struct media_event *out);

/* engine_frames.c */
/* When the sample of |timestamp| was captured, by the sender's reports [us since 1970]; 0: unknown. */
int64_t engine_capture_time(const struct recv_stream *stream, uint32_t timestamp);

/* engine_input.c */
struct ssrc_entry *engine_find_ssrc(struct media_engine *e, uint32_t ssrc);
void engine_remove_entry(struct media_engine *e, struct recv_entry *entry);

/* engine_rtcp_out.c */
wlk_time engine_rtcp_deadline(const struct media_engine *e);
void engine_rtcp_build(struct media_engine *e, wlk_time now);
void engine_rtcp_queue_free(struct media_engine *e);
struct pktbuf *engine_rtcp_pop(struct media_engine *e);
void engine_send_bye(struct media_engine *e, const struct media_section *s);

/* engine_rtcp_in.c */
bool layer_key_frame_wanted(struct send_layer *l, wlk_time now, wlk_time rtt_us);

/* engine_cc.c */
/* Whether the peer may tell when packets of |s| arrive. */
bool engine_tells_arrivals(const struct media_section *s);
void engine_cc_configure(struct media_engine *e, wlk_time now);
/* |wire| leaves, plain as it still is. */
void engine_cc_on_sent(struct media_engine *e, wlk_time now, const struct pacer_item *item);
void engine_cc_on_twcc(struct media_engine *e, wlk_time now, const struct twcc_feedback *feedback);
/* All that a message says was given to the coordinator: put what it makes of it into force. */
void engine_cc_feedback_end(struct media_engine *e, wlk_time now);
/* A block of a report about what |l| sends, before the stream takes note of it. */
void engine_cc_on_block(struct media_engine *e, const struct send_layer *l, const struct rtcp_report_block *block);
/* A report with such blocks ends; |rtt| as it tells, 0: it does not. */
void engine_cc_on_reports(struct media_engine *e, wlk_time now, wlk_time rtt);
void engine_cc_on_remb(struct media_engine *e, wlk_time now, uint64_t bps);
/* Before the pacer is asked: the rate of a probe, and packets for it. */
void engine_cc_before_pop(struct media_engine *e, wlk_time now);
wlk_time engine_cc_deadline(const struct media_engine *e);
void engine_cc_handle_timeout(struct media_engine *e, wlk_time now);
/* Data that leaves on this path is to keep to a share of it: media runs, and the path is known. */
bool engine_shares_with_data(const struct media_engine *e, wlk_time now);

/* engine_ccfb.c */
void engine_ccfb_input(struct media_engine *e, wlk_time now, const struct ccfb_feedback *feedback);

/* engine_shares.c */
/* It sends, as far as we decide. */
static inline bool layer_takes_part(const struct media_section *s, const struct send_layer *l)
{
	return s->send && l->active;
}

/* All that layers have use for, with what RTP and the layers below add. */
uint64_t engine_wanted_bps(const struct media_engine *e);
void engine_allocate(struct media_engine *e, wlk_time now);
/* What leaves however little the path carries: audio as it comes, and the one video that is kept. */
uint64_t engine_least_bps(struct media_engine *e, wlk_time now);
bool engine_cc_event(struct media_engine *e, struct media_event *out);

/* engine_tones.c */
void engine_tones_step(struct media_engine *e, wlk_time now);

/* engine_output.c */
/* Send with numbers that are already ours. */
wlk_err engine_send_numbered(struct media_engine *e, wlk_time now, struct media_section *s, struct send_layer *l,
			     const struct media_payload *payload, const struct rtp_send *packet, int64_t seq,
			     uint32_t timestamp);
/* Whether packets that nobody made may stand between those of a stream: where whole frames are sent, and the numbers are ours. */
bool engine_may_send_empty(const struct send_layer *l);
/* Something for a probe; false: there is none. */
bool engine_push_padding(struct media_engine *e, struct media_section *s, struct send_layer *l, wlk_time now);
void engine_push_resend(struct media_engine *e, struct media_section *s, struct send_layer *l, wlk_time now,
			const uint16_t *seqs, size_t count);
/* The layer that may send now. WLK_ERR_NOT_FOUND: no such section or layer. WLK_ERR_STATE. */
wlk_err engine_find_sending(struct media_engine *e, size_t section, size_t layer, struct media_section **s,
			    struct send_layer **l);

#endif
