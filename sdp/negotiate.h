/*
 * Offer and answer as pure functions (RFC 9429 5, RFC 3264, RFC 9143): capabilities and wishes in, descriptions and
 * plain agreed values out. Nothing here keeps state: what must stay stable is read from the previous descriptions.
 *
 * Sections ride on the transports that their wishes name: bundled ones on one, the others each on its own (RFC 9143). What
 * has none is answered with port 0.
 *
 *   offerer:   sdp_make_offer -> ... -> sdp_check_answer(offer, answer) -> sdp_agree(offer, answer, true)
 *   answerer:  sdp_check_offer(offer) -> sdp_make_answer(offer) -> sdp_agree(answer, offer, false)
 *   again:     sdp_check_update(previous remote, new remote, ...) before either
 */
#ifndef SDP_NEGOTIATE_H
#define SDP_NEGOTIATE_H

#include "sdp/sdp.h"

/* --- what this side can do --- */

/* RTCP feedback as bits (RFC 4585 4.2, RFC 5104 7.1, draft-alvestrand-rmcat-remb, transport-wide-cc draft) */
enum sdp_feedback_bits {
	SDP_FB_NACK = 1 << 0,
	SDP_FB_NACK_PLI = 1 << 1,
	SDP_FB_CCM_FIR = 1 << 2,
	SDP_FB_REMB = 1 << 3,
	SDP_FB_TRANSPORT_CC = 1 << 4,
	SDP_FB_CCFB = 1 << 5, /* RFC 8888: answered where transport-cc is not offered, never offered */
};

/* Header extensions that have a name of their own here; sdp_extension_uri() tells the URI */
enum sdp_extension {
	SDP_EXT_OTHER,
	SDP_EXT_MID,
	SDP_EXT_RID,
	SDP_EXT_REPAIRED_RID,
	SDP_EXT_ABS_SEND_TIME,
	SDP_EXT_TRANSPORT_CC,
	SDP_EXT_AUDIO_LEVEL,
	SDP_EXT_VIDEO_ORIENTATION,
	SDP_EXT_PLAYOUT_DELAY,
	SDP_EXT_DEPENDENCY_DESCRIPTOR,
	SDP_EXT_COUNT,
};
struct str sdp_extension_uri(enum sdp_extension extension);
enum sdp_extension sdp_extension_by_uri(struct str uri);

/*
 * One codec configuration. A codec matches an offered one by name, clock, channels and by the fmtp parameters that
 * change the bitstream: packetization-mode and profile of H.264, profile and tier of H.265, profile-id of VP9, profile of AV1.
 * Redundant audio ("red") and FEC match only behind a codec that is accepted.
 */
struct sdp_codec_capability {
	enum sdp_kind kind;
	bool enabled;
	struct str name;
	uint32_t clock_hz;
	uint32_t channels;        /* 0: not written */
	struct str fmtp;          /* as put into an offer; "red" gets its inner payload types by itself */
	uint8_t payload_type;     /* wanted in an offer; another free one is taken when it is in use */
	uint8_t rtx_payload_type; /* wanted for RFC 4588 in an offer; 0: no retransmission for this codec */
	uint32_t feedback;        /* enum sdp_feedback_bits */
	const char *mime;         /* "video/VP8", static */
};

struct sdp_extension_capability {
	enum sdp_extension extension;
	bool enabled;
	bool audio;
	bool video;
	uint8_t id; /* wanted in an offer */
	/*
	 * Accept only what the other side both sends and receives: for an echo, which may negotiate a frame-describing
	 * extension only when it hands it back.
	 */
	bool both_ways;
};

enum { SDP_MAX_CODEC_CAPABILITIES = 40, SDP_MAX_EXTENSION_CAPABILITIES = 24 };

/* A plain value: copy it and flip what the application does not want. */
struct sdp_capabilities {
	struct sdp_codec_capability codecs[SDP_MAX_CODEC_CAPABILITIES]; /* in the order of preference of an offer */
	size_t codec_count;
	struct sdp_extension_capability extensions[SDP_MAX_EXTENSION_CAPABILITIES];
	size_t extension_count;
	/*
	 * H.264: answer with our own level where both sides allow asymmetry (RFC 6184 8.2.2). Off: the lower of both
	 * levels, which is what a relay of somebody else's bitstream can promise.
	 */
	bool h264_own_level;
};

/*
 * Opus with RED, G.722, G.711, comfort noise, telephone-event; VP8, VP9 profile 0 and 2, H.264 baseline, constrained baseline, main,
 * high and constrained high in both packetization modes, AV1, H.265 main; RTX for each video codec; all the extensions named above. Video
 * RED and ULPFEC are listed and off.
 */
void sdp_default_capabilities(struct sdp_capabilities *out);
/* Set |enabled| of every codec of this name (without regard to case); the number of codecs touched. */
size_t sdp_capabilities_enable_codec(struct sdp_capabilities *caps, struct str name, bool enabled);
void sdp_capabilities_enable_extension(struct sdp_capabilities *caps, enum sdp_extension extension, bool enabled);

/* --- what this side wants --- */

/* One RTP stream that we send on a section */
struct sdp_encoding {
	uint32_t ssrc;     /* 0: not announced */
	uint32_t rtx_ssrc; /* 0: none; announced only when the section has RTX */
	struct str rid;    /* simulcast layer, empty: none; with rids no SSRC lines are written */
	bool paused;
};

struct sdp_rid_limits;

/* What a layer that we receive may be at most; its payload types are not looked at. */
struct sdp_rid_wish {
	struct str rid;
	const struct sdp_rid_limits *limits;
};

/* What the application wants of one m-section (a transceiver or the data channels). All strings are borrowed. */
struct sdp_wish {
	enum sdp_kind kind; /* SDP_AUDIO, SDP_VIDEO or SDP_APPLICATION */
	struct str mid;     /* offer: ours to choose, unique, a token. answer: ignored, the offer's is used */
	bool stopped;       /* write it with port 0 */
	enum sdp_direction direction;
	const uint16_t *codecs; /* setCodecPreferences: indices into capabilities, best first; NULL: all enabled */
	size_t codec_count;
	bool no_rtx; /* retransmission was not among the preferences */
	/* By index of the extension in capabilities, how it may be used; SDP_INACTIVE: not named. NULL: all sendrecv. */
	const uint8_t *extension_directions;
	const struct str *streams; /* msid stream ids of what we send; none: "-" */
	size_t stream_count;
	struct str track; /* msid track id; empty: no a=msid */
	const struct sdp_encoding *encodings;
	size_t encoding_count;
	struct str cname;
	bool receive_simulcast;         /* answer a=simulcast:send with recv; off: the attribute is left out */
	const struct str *receive_rids; /* offer: a=simulcast:recv with these rids */
	size_t receive_rid_count;
	const struct sdp_rid_wish *receive_limits; /* of layers that we receive, by either side's a=simulcast */
	size_t receive_limit_count;
	/*
	 * NULL: that of sdp_local. Offer: whose lines the section gets. Answer: on which it rides when it is the first of its
	 * BUNDLE group to be accepted, or in none; two groups, or sections in none, with the same one cannot both be accepted.
	 */
	const struct sdp_transport *transport;
	size_t bundle;    /* offer: sections of the same number are offered as one BUNDLE group; SDP_UNBUNDLED: in none */
	bool bundle_only; /* offer: port 0 unless it is bundled, where it was never negotiated (RFC 9143 6) */
};

#define SDP_UNBUNDLED SIZE_MAX

/* A transport: that of all sections, or of some. All strings are borrowed. */
struct sdp_transport {
	struct str ufrag;       /* 4..256 ice-char */
	struct str pwd;         /* 22..256 ice-char */
	struct str ice_options; /* "trickle", "trickle renomination"; may be empty */
	bool ice_lite;
	const struct sdp_fingerprint *fingerprints; /* at least one of sha-256/384/512 */
	size_t fingerprint_count;
	/*
	 * Offer: ACTPASS (also for NONE), or a fixed role. Answer to actpass: our role, ACTIVE for NONE (R17); once
	 * DTLS is up, the role it has, so that a re-offer keeps it.
	 */
	enum sdp_setup setup;
	const struct str *candidates; /* "candidate:..." lines, written to the section that carries the transport */
	size_t candidate_count;
	bool end_of_candidates;
	uint16_t port;             /* default destination, 0: 9 */
	struct str connection;     /* "IN IP4 192.0.2.1"; empty: "IN IP4 0.0.0.0" */
	uint16_t sctp_port;        /* 0: 5000 */
	uint64_t max_message_size; /* bytes, what we accept; 0: any */
};

struct sdp_local {
	const struct sdp_capabilities *capabilities;
	const struct sdp_transport *transport;
	struct str session_id;    /* digits, stays the same for the life of the peer; empty: "1" */
	uint64_t session_version; /* grows with every description */
	const struct sdp_wish *wishes;
	size_t wish_count;
};

/* --- offer --- */

struct sdp_offer_options {
	/* The current descriptions, NULL at the first offer. Order of m-lines, payload types and extension ids stay. */
	const struct sdp_session *previous_local;
	const struct sdp_session *previous_remote;
	/* bundlePolicy max-bundle: sections behind the first are bundle-only with port 0 (RFC 9429 4.1.1) */
	bool bundle_only;
	/* A new wish may take the place of an m-line that is rejected in one of the previous descriptions (RFC 9429 5.2.2) */
	bool recycle;
};

/*
 * Build an offer (RFC 9429 5.2). Each wish goes to the m-line that had its mid; new ones are appended in the order
 * given; an m-line without a wish is kept with port 0. WLK_ERR_INVALID with the reason in *err: a wish or the transport
 * is out of its documented range (also: CR, LF, NUL or blanks where a token belongs). WLK_ERR_NOMEM. *out, written only
 * on success, owns copies of all strings.
 */
wlk_err sdp_make_offer(struct sdp_session **out, const struct sdp_local *local, const struct sdp_offer_options *options,
		       struct sdp_error *err) WLK_NODISCARD;

/* --- answer --- */

/*
 * Build the answer to |offer| (RFC 9429 5.3), which must have passed sdp_check_offer(). wishes[i] belongs to m-line i
 * of the offer; an m-line without a wish, with a stopped one or one of another kind is rejected, as is one that shares
 * no codec, is not RTP or SCTP over DTLS, or has no transport: see sdp_wish. Accepted sections take payload
 * types, rtpmap, fmtp, rtcp-fb and extmap ids from the offer only. WLK_ERR_NEGOTIATION: the offer cannot be answered.
 * WLK_ERR_INVALID, WLK_ERR_NOMEM as above.
 */
wlk_err sdp_make_answer(struct sdp_session **out, const struct sdp_session *offer, const struct sdp_local *local,
			struct sdp_error *err) WLK_NODISCARD;

/* --- checks --- */

/*
 * Is this a remote offer that we can answer? WLK_ERR_NEGOTIATION with line and reason: no fingerprint or none but
 * sha-1/md5 (R14), no or malformed ice-ufrag/ice-pwd, RTP without rtcp-mux (R35), a setup that cannot be answered
 * (holdconn), the same mid twice, an extension id used twice in a section, a BUNDLE group naming an unknown mid.
 * A description whose m-sections are all rejected needs no transport. Payload types and extension ids that mean
 * different things in different sections are accepted: sections keep their own maps (aiortc does that).
 */
wlk_err sdp_check_offer(const struct sdp_session *offer, struct sdp_error *err) WLK_NODISCARD;

/*
 * Does |answer| fit |offer|? All of sdp_check_offer() and: number, order, kind, protocol and mid of the m-lines, setup
 * active or passive and the opposite of a fixed offer (R17), payload types only from the offer and with the same codec,
 * extension ids that do not contradict the offer's, no section accepted that was rejected in the offer, none outside of
 * a BUNDLE group that was offered bundle-only or with the transport of another, no rejected or foreign mid in a BUNDLE
 * group (RFC 3264 6, RFC 9143 7.3). A direction that the offer did not allow is no error: sdp_agree() takes what both allow. Errors as above;
 * line numbers are the answer's.
 */
wlk_err sdp_check_answer(const struct sdp_session *offer, const struct sdp_session *answer,
			 struct sdp_error *err) WLK_NODISCARD;

/*
 * The section whose ICE, DTLS and address lines count for the one transport of |session|: the first of |group| that is
 * not rejected and has ICE credentials and a fingerprint (RFC 9143 7.3.1: for a remote offer, |group| is the answer's),
 * else of the session's own BUNDLE group, else the first section that is not rejected. NULL when all are. |group| may
 * be NULL.
 */
const struct sdp_media *sdp_transport_media(const struct sdp_session *session, const struct sdp_group *group);

/*
 * The same for offer and answer together: the section of |described|, which is one of the two, that carries its
 * transport once |answer| holds. NULL when nothing was accepted.
 */
const struct sdp_media *sdp_answered_transport(const struct sdp_session *described, const struct sdp_session *answer);

/* The same for m-line |index|: NULL when it was not accepted. */
const struct sdp_media *sdp_section_transport(const struct sdp_session *described, const struct sdp_session *answer, size_t index);

/* What a new remote description changes */
struct sdp_update {
	bool restarts[SDP_MAX_MEDIA]; /* ICE credentials of the transport of this m-line changed */
	bool ice_restart;         /* of any */
	bool new_fingerprint[SDP_MAX_MEDIA]; /* allowed only together with an ICE restart: a new DTLS association */
	bool fingerprint_changed;            /* of any */
};

/*
 * Compare a new remote description with the previous one (R35, RFC 9429 5.7, RFC 8839 4.4.1.1.1).
 * |local_restarted|: |next| is an answer to an offer of ours with new ICE credentials; pass true for a remote offer
 * too, since an offer may always restart. WLK_ERR_NEGOTIATION: credentials change without a restart, a restart is not
 * answered with new credentials, or the fingerprint changes without a restart. A section that moves to another transport, because
 * it joins a BUNDLE group or leaves it, restarts nothing.
 */
wlk_err sdp_check_update(const struct sdp_session *previous, const struct sdp_session *next, bool next_is_answer,
			 bool local_restarted, struct sdp_update *out, struct sdp_error *err) WLK_NODISCARD;

/* --- what was agreed --- */

enum { SDP_NO_TYPE = 0xff };

struct sdp_agreed_codec {
	struct str name;
	uint32_t clock_hz;
	uint32_t channels;        /* 1 when not written */
	uint8_t send_type;        /* payload type that we put into packets: the remote's number */
	uint8_t receive_type;     /* payload type that arrives: our description's number */
	uint8_t send_rtx_type;    /* SDP_NO_TYPE: no retransmission format */
	uint8_t receive_rtx_type; /* SDP_NO_TYPE: none */
	struct str remote_fmtp;   /* what the remote wants to get, governs our sending */
	struct str local_fmtp;
	uint32_t feedback; /* enum sdp_feedback_bits in both descriptions */
};

struct sdp_agreed_extension {
	enum sdp_extension extension;
	uint32_t id;
	enum sdp_direction direction; /* ours */
	struct str uri;
};

/* One RTP stream that a side has announced by SSRC; FID and FEC-FR groups are folded in */
struct sdp_agreed_stream {
	uint32_t ssrc;
	uint32_t rtx_ssrc; /* 0: none */
	uint32_t fec_ssrc; /* 0: none */
	struct str cname;
	struct str msid;
};

struct sdp_agreed_rid {
	struct str rid;
	bool paused;
	struct str restrictions; /* of the remote's a=rid, for sdp_rid_limits_parse(); may be empty */
};

struct sdp_agreed_section {
	size_t index;
	size_t transport; /* index into sdp_agreement.transports, SIZE_MAX when rejected */
	struct str mid; /* may be empty */
	enum sdp_kind kind;
	bool rejected;                   /* all that follows is empty then */
	enum sdp_direction direction;    /* ours, in both descriptions */
	struct sdp_agreed_codec *codecs; /* without rtx; in the order of the answer. The first that is neither
					    telephone-event nor red/fec is the one to send */
	size_t codec_count;
	struct sdp_agreed_extension *extensions;
	size_t extension_count;
	bool extmap_allow_mixed; /* in both: one- and two-byte headers may alternate (RFC 8285 6) */
	bool rtcp_rsize;         /* in both */
	struct sdp_agreed_stream *remote_streams;
	size_t remote_stream_count;
	struct sdp_agreed_stream *local_streams;
	size_t local_stream_count;
	struct sdp_agreed_rid *receive_rids; /* simulcast layers that the remote sends and we accepted */
	size_t receive_rid_count;
	struct sdp_agreed_rid *send_rids; /* simulcast layers that we send and the remote accepted */
	size_t send_rid_count;
	struct sdp_msid *remote_msids; /* from a=msid or, without one, a=ssrc msid */
	size_t remote_msid_count;
	uint32_t remote_ptime;    /* ms, 0: not given */
	uint32_t remote_maxptime; /* ms, 0: not given */
	/* application sections */
	uint16_t local_sctp_port;
	uint16_t remote_sctp_port;
	uint64_t remote_max_message_size; /* bytes that the remote accepts; 0: any */
};

struct sdp_agreed_transport {
	bool present; /* false: every section is rejected */
	size_t index; /* m-line whose section carries the remote's transport parameters */
	size_t local_index; /* and the one that carries ours */
	struct str mid;
	bool bundled;     /* a BUNDLE group was agreed */
	struct str ufrag; /* all of the remote */
	struct str pwd;
	bool ice_lite;
	bool trickle;
	bool renomination;
	const struct sdp_fingerprint *fingerprints;
	size_t fingerprint_count;
	bool local_is_dtls_client;    /* we are active */
	const struct str *candidates; /* remote, "candidate:..." */
	size_t candidate_count;
	bool end_of_candidates;
};

struct sdp_agreement {
	struct sdp_agreed_transport transport; /* the first of the following, or none */
	struct sdp_agreed_transport *transports;
	size_t transport_count;
	struct sdp_agreed_section *sections; /* one for each m-line */
	size_t section_count;

	struct sdp_session *arena; /* private: owns what the above points to */
};

/*
 * Tell what two descriptions that passed the checks agree on. |local_is_offer| says which of them was the answer.
 * The agreement owns all its strings; the descriptions may go. WLK_ERR_NEGOTIATION when the descriptions do not fit (as
 * a last guard), WLK_ERR_NOMEM. With aiortc the sections of a BUNDLE have different ICE credentials; those of the
 * section that the answer's BUNDLE group names first are taken (RFC 9143 7.3.1).
 */
wlk_err sdp_agree(struct sdp_agreement **out, const struct sdp_session *local, const struct sdp_session *remote,
		  bool local_is_offer, struct sdp_error *err) WLK_NODISCARD;
/* destroy(NULL) does nothing. */
void sdp_agreement_destroy(struct sdp_agreement *agreement);
struct sdp_agreed_section *sdp_agreed_by_mid(const struct sdp_agreement *agreement, struct str mid);

#endif
