/* The media of one peer: all RTP streams of its BUNDLE group with their RTCP, both ways; plaintext in and out. */
#ifndef MEDIA_ENGINE_H
#define MEDIA_ENGINE_H

#include "core/log.h"
#include "core/pktbuf.h"
#include "media/recv/dtmf_recv.h"
#include "media/recv/frame_buffer.h"
#include "media/recv/heard.h"
#include "media/rtp/ext.h"
#include "media/rtp/packet.h"
#include "media/rtp/payload.h"

/*
 * The engine stands above SRTP: peer/ gives it decrypted packets and encrypts what it hands out. It knows no SDP;
 * peer/ translates what was negotiated into one media_section_config per m-section.
 *
 *	media_engine_input_rtp / _rtcp      what arrived
 *	media_engine_poll_packet            received packets for the application, in order
 *	media_engine_poll_event             key frame wanted, new SSRC, ...
 *	media_engine_send_rtp / _forward    what the application sends
 *	media_engine_poll_transmit          packets to encrypt and send: RTCP first, then audio, then video
 *	media_engine_deadline / _handle_timeout
 */
struct media_engine;

enum media_kind { MEDIA_AUDIO, MEDIA_VIDEO };

/* Feedback that was negotiated for a payload (a=rtcp-fb). */
enum media_fb {
	MEDIA_FB_NACK = 1 << 0,
	MEDIA_FB_PLI = 1 << 1,
	MEDIA_FB_FIR = 1 << 2,
	MEDIA_FB_TRANSPORT_CC = 1 << 3,
	MEDIA_FB_REMB = 1 << 4,
	MEDIA_FB_CCFB = 1 << 5, /* RFC 8888; where MEDIA_FB_TRANSPORT_CC was agreed on too, that is used */
};

enum { MEDIA_MID_MAX = 16, MEDIA_RIDS_MAX = 8, MEDIA_STREAMS_MAX = 64 };

/* One codec of a section and the payload types it has in each direction. RTP_PT_NONE: not usable that way. */
struct media_payload {
	uint8_t recv_pt;     /* in packets that come in (as in our own description) */
	uint8_t send_pt;     /* in packets that go out (as in the remote description) */
	uint8_t recv_rtx_pt; /* the rtx payload type whose apt is recv_pt */
	uint8_t send_rtx_pt; /* the rtx payload type whose apt is send_pt */
	uint32_t clock_hz;   /* of the RTP timestamp: 48000 for Opus, 8000 for G.711 and G.722, 90000 for video */
	uint32_t fb;         /* enum media_fb bits */
	enum rtp_codec codec; /* RTP_CODEC_UNKNOWN: only packets */
	bool h264_single_nal; /* packetization-mode 0 of the peer: each NAL unit is a packet (RFC 6184 6.2) */
};

/* An SSRC that the remote description announces (a=ssrc), with its RTX partner of a=ssrc-group:FID; 0: none. */
struct media_remote_ssrc {
	uint32_t ssrc;
	uint32_t rtx_ssrc;
};

/* One encoding that we send: an SSRC with its RTX partner, named by its rid (RFC 8852). */
struct media_send_layer {
	const char *rid; /* "": none; at most MEDIA_MID_MAX characters */
	uint32_t ssrc;
	uint32_t rtx_ssrc; /* 0: none */
	bool inactive;     /* nothing of it leaves until media_engine_set_layer_active() */
};

/* One m-section as negotiated. Everything is borrowed for the call of media_engine_configure(). */
struct media_section_config {
	const char *mid; /* a=mid; identifies the section over renegotiations; at most MEDIA_MID_MAX characters */
	enum media_kind kind;
	bool receive; /* our direction, seen from us: recvonly or sendrecv */
	bool send;    /* sendonly or sendrecv */

	const struct media_payload *payloads; /* accepted ones, preferred first */
	size_t payload_count;
	struct rtp_ext_ids recv_ext; /* ids in packets that come in */
	struct rtp_ext_ids send_ext; /* ids that we may put into packets */
	bool extmap_allow_mixed;     /* two-byte extensions may be sent (RFC 8285 6) */
	bool rtcp_rsize;             /* reduced-size RTCP (RFC 5506) */
	bool rtcp_xr_rrtr;           /* a=rtcp-xr:rcvr-rtt was negotiated: we may send RRTR */

	const struct media_remote_ssrc *remote_ssrcs;
	size_t remote_ssrc_count;
	const char *const *rids; /* a=rid ... send of the remote side: simulcast layers that may come in */
	size_t rid_count;

	/*
	 * Our own SSRCs, from media_engine_pick_ssrc(). |ssrc| is needed even when we only receive: it is the sender
	 * of our RTCP. |rtx_ssrc| 0: no RTX is sent, losses are answered with the protected packet itself.
	 */
	uint32_t ssrc;
	uint32_t rtx_ssrc;
	/* Simulcast: what is sent instead, |ssrc| being that of the first. None: one layer without rid, of the two above. */
	const struct media_send_layer *layers;
	size_t layer_count; /* at most MEDIA_RIDS_MAX */
	const char *cname; /* SDES CNAME, 1..255 bytes; the same for all sections of a peer */

	/*
	 * Deliver packets in sequence order, waiting a little for lost ones (audio 60 ms; video 100-600 ms by the
	 * round trip when NACK is on, else 50 ms), then going on with a gap. False: deliver as they arrive, duplicates
	 * too.
	 */
	bool in_order;
	/* Deliver whole frames of the codecs that have them, by media_engine_poll_frame(); of the others packets. */
	bool frames;
};

struct media_engine_config {
	struct pktbuf_pool *pool; /* of the loop; NULL: heap */
	int64_t unix_us_at_zero;  /* wall clock (us since 1970) at wlk_time 0, for NTP timestamps in SRs */
	uint64_t max_receive_bps; /* never ask for more by REMB; 0: 100 Mbit/s */
	const char *log_prefix;   /* e.g. "pc3"; NULL: silent prefix */
};

/** WLK_ERR_NOMEM or WLK_ERR_CRYPTO (no random bytes). */
wlk_err media_engine_create(struct media_engine **out, const struct media_engine_config *config) WLK_NODISCARD;
/** Releases every packet still inside. destroy(NULL) does nothing. */
void media_engine_destroy(struct media_engine *e);

/** A random SSRC that no stream of this engine uses, not 0. WLK_ERR_CRYPTO. */
wlk_err media_engine_pick_ssrc(struct media_engine *e, uint32_t *out) WLK_NODISCARD;

/**
 * Set all m-sections; the index into |sections| is the |section| of every other call and event (give rejected and
 * data-channel m-lines as entries with mid "" and neither receive nor send, so that indices equal m-line indices).
 * May be repeated on every renegotiation: a section with the same mid and kind keeps its streams, sequence numbers
 * and statistics; a section that stops sending says BYE; one that is gone loses its packets. Changing |ssrc| of a
 * section starts a new send stream.
 *
 * WLK_ERR_INVALID: a mid twice or too long, ssrc 0, used twice, or retired earlier (a new send stream needs a new
 * one, R20), id 15 or an id twice among the extensions, no cname,
 * more than 64 sections. WLK_ERR_NOMEM, WLK_ERR_CRYPTO. On error nothing has changed.
 */
wlk_err media_engine_configure(struct media_engine *e, wlk_time now, const struct media_section_config *sections,
			       size_t count) WLK_NODISCARD;

/**
 * The SSRCs that SRTP admits without its budget for unknown ones (R19): those in the remote description and their RTX.
 * Writes up to |capacity| and answers how many there are.
 */
size_t media_engine_known_ssrcs(const struct media_engine *e, uint32_t *out, size_t capacity);

/* ---- what arrives ---- */

/**
 * One decrypted RTP packet. Takes |buf| over in every case; |buf| must be writable and not shared. Malformed packets,
 * unknown SSRCs that neither mid, rid nor payload type explains (RFC 9143 9.2), and packets for a section that does not
 * receive are counted and dropped.
 */
void media_engine_input_rtp(struct media_engine *e, wlk_time now, struct pktbuf *buf);

/** One decrypted RTCP datagram, compound or reduced-size; borrowed. A malformed sub-packet ends the processing. */
void media_engine_input_rtcp(struct media_engine *e, wlk_time now, const uint8_t *data, size_t size);

/* One received packet for the application. Owns |buf|: give it back with pktbuf_release(). */
struct media_packet {
	struct pktbuf *buf;    /* the whole RTP packet; do not change it while other holders may exist */
	struct rtp_packet rtp; /* view into buf; a retransmission already has its original ssrc, pt and seq */
	size_t section;
	int64_t extended_seq;       /* seq without wrap: begins in 65536..131071 and grows, also over resets */
	int64_t forward_seq;        /* extended_seq minus the padding-only packets that were taken out in front of it */
	wlk_time arrival;           /* of the packet that completed it (of the retransmission, when recovered) */
	bool is_recovered;          /* came by retransmission */
	bool after_reset;           /* first packet after the sender's sequence numbers jumped */
	char rid[MEDIA_MID_MAX + 1]; /* of its simulcast layer, "": none */
	int64_t capture_unix_us;    /* by the sender's reports; 0: unknown */
	struct rtp_ext_ids ext_ids; /* for rtp_ext_find(&rtp, ext_ids.id[RTP_EXT_...]) */
};

/** The next received packet with payload; false: none, or a frame comes first. Padding-only packets never come out and leave no gap in
 * forward_seq. */
bool media_engine_poll_packet(struct media_engine *e, struct media_packet *out);

/* One received frame. Owns |frame|: give it back with media_frame_release(). */
struct media_frame {
	struct recv_frame *frame; /* media/recv/frame_buffer.h */
	size_t section;
	char rid[MEDIA_MID_MAX + 1]; /* of its simulcast layer, "": none */
	struct media_engine *engine;
	int64_t capture_unix_us; /* by abs-capture-time, else by the sender's reports; 0: unknown */
};

/** The next whole frame; false: none, or a packet comes first. Only frames come out whose references came out before. */
bool media_engine_poll_frame(struct media_engine *e, struct media_frame *out);
void media_frame_release(struct media_frame *frame);

/** Whether packets of a section wait for lost ones in front of them (see in_order above). WLK_ERR_NOT_FOUND. */
wlk_err media_engine_set_in_order(struct media_engine *e, size_t section, bool in_order);
/** What a payload type means in packets that come in; RTP_CODEC_UNKNOWN where only packets are known. */
enum rtp_codec media_engine_recv_codec(const struct media_engine *e, size_t section, uint8_t pt);

/** Switch a section between packets and frames. What is half collected is lost, and a key frame is asked for.
 * WLK_ERR_NOT_FOUND. */
wlk_err media_engine_set_frames(struct media_engine *e, wlk_time now, size_t section, bool frames);
/** SSRCs, or CSRCs, of the packets that media_engine_poll_packet() answered for a section; see heard_list(). */
size_t media_engine_heard(const struct media_engine *e, size_t section, wlk_time now, bool csrcs, struct heard_source *out,
			  size_t capacity);

enum media_event_type {
	MEDIA_EVENT_KEY_FRAME_REQUEST, /* the peer wants a key frame of what we send; at most one per 500 ms */
	MEDIA_EVENT_SSRC_NEW,          /* first packet of a remote SSRC */
	MEDIA_EVENT_SSRC_BYE,          /* the peer said BYE for it */
	MEDIA_EVENT_REMB,              /* the peer limits what we send to remb_bps */
	MEDIA_EVENT_DTMF,              /* a telephone event comes in: begins, goes on, is over (RFC 4733) */
	MEDIA_EVENT_TARGET_BITRATE,    /* a layer has another share of what the path carries */
	MEDIA_EVENT_FLOW,              /* packets come for a section, or do not any more */
	MEDIA_EVENT_SPEAKING,          /* by the audio levels of packets (RFC 6464) */
};

struct media_event {
	enum media_event_type type;
	size_t section; /* not for REMB */
	uint32_t ssrc;  /* SSRC_NEW, SSRC_BYE, DTMF: the remote SSRC */
	size_t layer;   /* KEY_FRAME_REQUEST, TARGET_BITRATE: which of the section's send layers */
	uint64_t remb_bps;
	struct dtmf_fact dtmf;
	uint64_t target_bps; /* TARGET_BITRATE: for its payload, what RTP and the layers below add not counted; 0: send nothing */
	bool is_flowing;     /* FLOW */
	struct {
		bool is_speaking;
		bool is_own;   /* in what we send, else in what comes */
		uint8_t level; /* -dBov of the last packet: 0 loudest, 127 silence */
	} speaking;
};

/** The next fact; false: none. Facts are flags on their objects: none is lost for lack of memory, equal ones merge. */
bool media_engine_poll_event(struct media_engine *e, struct media_event *out);

/* ---- what goes out ---- */

#define MEDIA_SEQ_NEXT INT64_MIN

enum { MEDIA_EXT_ITEMS_MAX = 16 };

/* One packet to send. Borrowed for the call. */
struct rtp_send {
	uint8_t pt; /* a send_pt of the section */
	bool marker;
	uint32_t timestamp; /* in the caller's numbering; a random offset is added */
	int64_t seq;        /* in the caller's numbering, growing; gaps are kept. MEDIA_SEQ_NEXT: the next one */
	wlk_bytes payload;
	const struct rtp_ext *ext; /* with the ids of send_ext; mid, rid, transport-cc and abs-send-time are ours */
	size_t ext_count;          /* at most MEDIA_EXT_ITEMS_MAX */
	size_t layer;              /* index into the section's layers; 0 without simulcast */
};

/**
 * Send one RTP packet on the SSRC of a layer of the section. It waits in the pacer.
 *
 * WLK_ERR_NOT_FOUND: no such section or layer, or |pt| is not one of its send_pts. WLK_ERR_STATE: the section does not
 * send, or the layer is not active.
 * WLK_ERR_INVALID: |seq| does not grow or jumps by more than
 * 3,000; an extension id that is ours; too many extensions. WLK_ERR_TOO_LARGE: above what a datagram holds.
 * WLK_ERR_AGAIN: the pacer is full (4,096 packets), drop it. WLK_ERR_NOMEM. On error nothing was sent and no number was
 * used.
 */
wlk_err media_engine_send_rtp(struct media_engine *e, wlk_time now, size_t section, const struct rtp_send *packet);

/**
 * Send a received packet back (or on) to section |section|, as layer |layer| of it: payload, marker, time and sequence differences stay, the
 * payload type becomes the send_pt of the same codec, end-to-end extensions move to their negotiated ids, everything
 * else is our own. |packet| stays the caller's. When the source SSRC changes, or its numbers jump by more than 3,000,
 * numbering goes on seamlessly behind the last packet.
 *
 * @param packet  from media_engine_poll_packet() of this engine or of another one whose payload types mean the same:
 *                its payload type is looked up among the recv_pts of |section|
 * Errors as media_engine_send_rtp(); WLK_ERR_NOT_FOUND also when the payload type has no counterpart.
 */
wlk_err media_engine_forward(struct media_engine *e, wlk_time now, const struct media_packet *packet, size_t section,
			     size_t layer);

/**
 * Stop or let go on what a layer sends: while it is not active its packets are refused, those in the pacer are dropped,
 * NACKs are not answered and no sender reports leave. Its numbering goes on where it was. WLK_ERR_NOT_FOUND.
 */
wlk_err media_engine_set_layer_active(struct media_engine *e, size_t section, size_t layer, bool active);

/**
 * Play a telephone event (RFC 4733) on the first layer: a packet every 20 ms in handle_timeout(), the last one three times. A tone
 * that is still played ends where it is.
 *
 * @param pt        a send_pt of the section, its clock that of the stream
 * @param event     0..255
 * @param duration  [us], more than 0
 *
 * Errors as media_engine_send_rtp().
 */
wlk_err media_engine_play_tone(struct media_engine *e, wlk_time now, size_t section, uint8_t pt, uint8_t event, wlk_time duration);
/** The RTP clock of what the first layer sends [Hz]; 0: nothing was sent yet. */
uint32_t media_engine_send_clock(const struct media_engine *e, size_t section);

/** Ask the sender of what we receive on |section| for a key frame: PLI, or FIR where only that was negotiated. At most
 * one per 500 ms leaves; an earlier wish waits. WLK_ERR_NOT_FOUND, WLK_ERR_UNSUPPORTED (neither negotiated). */
wlk_err media_engine_request_key_frame(struct media_engine *e, wlk_time now, size_t section);

/* One frame to send. Borrowed for the call. */
struct media_send_frame {
	uint8_t pt;         /* a send_pt of the section, with a codec */
	size_t layer;       /* index into the section's layers; 0 without simulcast */
	uint32_t timestamp; /* in the caller's numbering; a random offset is added */
	wlk_time captured;  /* the moment of |timestamp|, for sender reports; 0: now */
	wlk_bytes data;     /* in the form that payload_depacketize() makes */
	int8_t temporal;    /* layers of it, -1: none. TL0PICIDX is counted here */
	int8_t spatial;
	bool is_layer_sync;
	bool is_discardable;
	bool is_inter_layer;
	bool more_layers;   /* a higher spatial layer of the same picture follows: no marker yet */
	bool talk_start;    /* audio: first of a talk spurt (RFC 3551 4.1) */
	uint8_t ref_count;  /* VP9: pictures referred to, as distances; 0: the one before */
	uint8_t refs[PAYLOAD_REFS_MAX];
	bool has_audio_level; /* sent when it is negotiated, as the next one */
	struct rtp_audio_level audio_level;
	uint16_t rotation;    /* video: degrees clockwise, as in rtp_video_orientation; sent when it is negotiated */
	wlk_bytes dependency; /* dependency descriptor; its first and last bits are set as they must be; empty: none */
};

/** The preferred send_pt of |codec| on a section, or RTP_PT_NONE. */
uint8_t media_engine_send_pt(const struct media_engine *e, size_t section, enum rtp_codec codec);

/**
 * Cut a frame into packets and send them all. They wait in the pacer, which lets them go a few at a time.
 *
 * WLK_ERR_NOT_FOUND: no such section, layer or payload type. WLK_ERR_STATE: it does not send, or its first frame is no
 * key frame. WLK_ERR_INVALID: no frame of that codec. WLK_ERR_UNSUPPORTED: the codec has no payload format here.
 * WLK_ERR_TOO_LARGE: it cannot be cut, or into more than FRAME_PACKETS_MAX. WLK_ERR_AGAIN: the pacer has no room
 * for all of it. WLK_ERR_NOMEM. On error nothing was sent, but after WLK_ERR_NOMEM the next frame must be a key frame.
 *
 * Where RED was agreed on, sound goes out as RED (RFC 2198): always where it stands in front of the codec, else from 5 % of loss on;
 * with the packet before it, from 15 % on with two.
 */
wlk_err media_engine_send_frame(struct media_engine *e, wlk_time now, size_t section, const struct media_send_frame *frame);

/** What was lost lately of the first layer by the peer's receiver reports, or on the whole path by its feedback [%]. How strong FEC should be. */
uint32_t media_engine_send_loss(struct media_engine *e, size_t section);

enum media_transmit_kind {
	MEDIA_TRANSMIT_RTCP,          /* protect as SRTCP */
	MEDIA_TRANSMIT_RTP,           /* protect as SRTP, then media_engine_on_protected() */
	MEDIA_TRANSMIT_PROTECTED_RTP, /* already encrypted: send as it stands, never protect again (R20) */
};

/* One packet on its way. Owns |buf|, which has PKTBUF_HEADROOM and PKTBUF_TAILROOM and no other holder. */
struct media_transmit {
	struct pktbuf *buf;
	enum media_transmit_kind kind;
	bool keep_protected; /* the engine wants the ciphertext: see media_engine_on_protected() */
	uint32_t ssrc;       /* RTP only, like what follows */
	uint16_t seq;
	uint16_t header_size;
	wlk_time sent;
};

/** The next packet to send; false: nothing now (the pacer's next moment is in the deadline). Call it when the peer can
 * send. */
bool media_engine_poll_transmit(struct media_engine *e, wlk_time now, struct media_transmit *out);

/**
 * Give back the ciphertext of a packet with keep_protected, right after srtp_protect and before any header is put in
 * front of it. Needed for streams with NACK but without RTX: a loss is then answered with the very same bytes, because
 * encrypting an SSRC and sequence number twice is forbidden (R20). Shares |tx->buf|'s bytes: they must not change later
 * (headers in front of them may). Does nothing for other packets.
 */
void media_engine_on_protected(struct media_engine *e, const struct media_transmit *tx);

/** Say BYE for all send streams; afterwards nothing else is sent or delivered. Poll the transmit side once more. */
void media_engine_close(struct media_engine *e, wlk_time now);

/** A round trip measured elsewhere (ICE checks) [us]: paces NACKs until RTCP has measured its own. */
void media_engine_set_rtt(struct media_engine *e, wlk_time rtt_us);
/** What is sent from |now| on takes another path: the estimate stays, how long packets were on their way before is forgotten. */
void media_engine_path_changed(struct media_engine *e, wlk_time now);

/** Limit the pacer to |bps|; 0: by the estimate of the path, and while there is none 2.5 times what is being sent, at least
 * 30 Mbit/s. */
void media_engine_set_pacing_rate(struct media_engine *e, wlk_time now, uint64_t bps);

/*
 * ---- congestion control of what is sent: by transport-wide feedback where it was negotiated, else by receiver reports; a REMB is
 * a limit beside either ----
 */

/** The path is there, and what is sent leaves: from here on MEDIA_EVENT_TARGET_BITRATE tells shares. */
void media_engine_set_can_send(struct media_engine *e);

/*
 * Limits of the whole path [bps], headers counted; 0: 30,000, 300,000, none. |start_bps| counts until the first feedback; another one
 * later: the estimate goes on from there.
 */
struct media_rate_limits {
	uint64_t min_bps, start_bps, max_bps;
};

void media_engine_set_rate_limits(struct media_engine *e, wlk_time now, const struct media_rate_limits *limits);

/* What one layer has use for [bps of payload]. */
struct media_layer_limits {
	uint64_t min_bps;  /* with less it is not worth sending; 0: the default of the kind */
	uint64_t max_bps;  /* 0: no limit for video, 64,000 for audio */
	uint32_t priority; /* share in relation to other sections; 0: 2 */
};

/**
 * Say what a layer has use for. Layers of a section are served in the order of their max_bps: one more is only switched on
 * (its target is more than 0) when those before it have all they can use. WLK_ERR_NOT_FOUND.
 */
wlk_err media_engine_set_layer_limits(struct media_engine *e, wlk_time now, size_t section, size_t layer,
				      const struct media_layer_limits *limits);

/** What the path carries [bps], headers and data counted; 0: neither feedback nor a report yet. */
uint64_t media_engine_available_bps(const struct media_engine *e);

/**
 * Data (SCTP) that leaves on the same path gets its share of what the path carries, as the least important stream of all, while
 * video is sent and the path is known; else it is not held back. Ask before each packet; when the answer is false, the deadline says when
 * to ask again.
 */
bool media_engine_data_may_leave(struct media_engine *e, wlk_time now);
/** What was found then: a packet of |size| bytes in front of DTLS left, or, 0, there was none. */
void media_engine_on_data(struct media_engine *e, wlk_time now, size_t size);
/** How much data should be on its way at most, so that little waits for media_engine_data_may_leave() [bytes]; 0: no limit. */
size_t media_engine_data_window(const struct media_engine *e);

/**
 * Absolute time of the next work, WLK_TIME_NEVER when idle. RTCP that is due and packets in the pacer count as work:
 * while the peer cannot send yet (no SRTP keys), leave this deadline out, since poll_transmit is what moves it.
 */
wlk_time media_engine_deadline(const struct media_engine *e);
void media_engine_handle_timeout(struct media_engine *e, wlk_time now);

/* ---- statistics (names as in webrtc-stats) ---- */

struct media_inbound_stats {
	size_t section;
	uint32_t number; /* of the stream in the engine: an SSRC that went and came back is another stream */
	uint32_t ssrc, rtx_ssrc;
	char rid[MEDIA_MID_MAX + 1]; /* "": none */
	uint8_t pt; /* of the last packet */
	uint32_t clock_hz;
	uint64_t packets_received;      /* RTX not counted */
	uint64_t bytes_received;        /* payload bytes */
	uint64_t header_bytes_received; /* headers and padding */
	uint64_t retransmitted_packets_received, retransmitted_bytes_received;
	uint64_t packets_discarded; /* duplicates and packets that came after they were given up */
	uint64_t packets_recovered;
	int64_t packets_lost; /* as in our receiver reports; may be negative */
	double jitter_s;
	uint32_t nack_count; /* NACK messages sent; nacked_packets: sequence numbers in them */
	uint64_t nacked_packets;
	uint32_t pli_count, fir_count; /* sent */
	wlk_time last_packet;          /* WLK_TIME_NEVER: none yet */
	struct frame_buffer_stats frames; /* at the level of frames */
	/* remote-outbound-rtp, from the peer's SR */
	bool has_sr;
	uint32_t sr_count;
	uint64_t sr_packets, sr_bytes; /* without the wrap of the 32 bits of an SR */
	uint64_t sr_ntp;
	wlk_time sr_arrival;
	uint32_t sr_rtp_timestamp;
	/* round trip by XR DLRR (only when we do not send) */
	wlk_time rtt_us, total_rtt_us;
	uint32_t rtt_measurements;
};

struct media_outbound_stats {
	size_t section;
	uint32_t ssrc, rtx_ssrc;
	char rid[MEDIA_MID_MAX + 1]; /* simulcast layer; "": none */
	uint32_t encoding_index;     /* in the order of the layers */
	bool active;                 /* the section sends, and the layer is not stopped */
	uint64_t target_bps;         /* as of the last MEDIA_EVENT_TARGET_BITRATE; 0: none */
	uint8_t pt;                  /* of the last packet; RTP_PT_NONE: none yet */
	uint32_t clock_hz;
	uint64_t packets_sent; /* with retransmissions, as webrtc-stats counts */
	uint64_t bytes_sent;   /* payload */
	uint64_t header_bytes_sent;
	uint64_t retransmitted_packets_sent, retransmitted_bytes_sent;
	uint32_t nack_count, pli_count, fir_count; /* received */
	uint64_t nacked_packets;
	uint64_t retransmissions_refused;    /* not in the history any more, too early, or over the budget */
	wlk_time total_packet_send_delay_us; /* in the pacer */
	uint32_t frames_sent, key_frames_sent, huge_frames_sent; /* by media_engine_send_frame() */
	uint16_t frame_width, frame_height;                      /* of the last key frame */
	/* remote-inbound-rtp, from the peer's report blocks about |ssrc| */
	bool has_report;
	uint32_t report_count;
	double fraction_lost; /* 0..1 */
	int32_t packets_lost;
	double jitter_s;
	wlk_time rtt_us; /* 0 until measured */
	wlk_time total_rtt_us;
	uint32_t rtt_measurements;
	wlk_time report_arrival;
};

struct media_engine_stats {
	uint64_t rtp_malformed, rtp_unknown_ssrc, rtp_not_receiving, rtcp_malformed;
	uint64_t rtp_received, rtcp_received, rtcp_sent;
	uint64_t padding_only_received;
	uint64_t packets_dropped; /* the application did not poll: the queue of 2,048 was full, or memory was out */
	uint64_t twcc_sent, twcc_received, ccfb_sent, ccfb_received, remb_sent, remb_received;
	uint64_t remb_bps;             /* last received; 0: none */
	uint64_t receive_estimate_bps; /* what our REMB says; 0: REMB is not in use */
	uint64_t available_bps;        /* see media_engine_available_bps() */
	wlk_time rtt_us;               /* 0: unknown */
};

/** The |index|-th receive stream of all sections; false: there is none. */
bool media_engine_inbound_stats(const struct media_engine *e, size_t index, struct media_inbound_stats *out);
/** The |index|-th send stream. */
bool media_engine_outbound_stats(const struct media_engine *e, size_t index, struct media_outbound_stats *out);
void media_engine_stats(const struct media_engine *e, struct media_engine_stats *out);

#endif
