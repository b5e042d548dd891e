/*
 * The session description as a model: what RFC 8866 text says, cut into fields, in an arena that one object owns.
 *
 * Every struct str in the model points into the arena of its session and lives as long as the session. Lists are plain
 * arrays with a count; they grow only through the sdp_add_* calls. A model can be read and changed field by field; a
 * string put into a field must live in the arena (sdp_copy()) or outlive the session.
 *
 * Limits of R33 are enforced by the parser and by the sdp_add_* calls.
 */
#ifndef SDP_SDP_H
#define SDP_SDP_H

#include "core/text.h"

enum {
	SDP_MAX_SIZE = 256 * 1024,        /* bytes of a whole description */
	SDP_MAX_LINE = 4096,              /* bytes of one line without its end */
	SDP_MAX_MEDIA = 64,               /* m-sections */
	SDP_MAX_ATTRIBUTES = 1024,        /* a= lines of one section, the session part included */
	SDP_MAX_CODECS = 128,             /* payload types of one section */
	SDP_MAX_FINGERPRINTS = 16,        /* of one section */
	SDP_MAX_SSRCS = 256,              /* distinct SSRCs of one section */
	SDP_MAX_HASH_SIZE = 64,           /* bytes of sha-512 */
	SDP_DEFAULT_MESSAGE_SIZE = 65536, /* RFC 8841 6.1: what an absent a=max-message-size means */
};

/* What is wrong and where. |line| counts from 1; 0 when no single line is to blame. The message is printable ASCII. */
struct sdp_error {
	size_t line;
	char message[160];
};

enum sdp_kind { SDP_AUDIO, SDP_VIDEO, SDP_APPLICATION, SDP_OTHER };

/* Bits, so that "&" intersects. Seen by the side that wrote the description. */
enum sdp_direction { SDP_INACTIVE = 0, SDP_SENDONLY = 1, SDP_RECVONLY = 2, SDP_SENDRECV = 3 };

enum sdp_setup { SDP_SETUP_NONE, SDP_SETUP_ACTPASS, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE, SDP_SETUP_HOLDCONN };

/* The protocol field by meaning; the text is kept in sdp_media.proto. RFC 9429 5.1.2. */
enum sdp_proto {
	SDP_PROTO_OTHER,
	SDP_PROTO_RTP,         /* any of [UDP|TCP]/[TLS|DTLS]/RTP/[S]AVP[F] */
	SDP_PROTO_SCTP,        /* UDP/DTLS/SCTP or TCP/DTLS/SCTP with a=sctp-port (RFC 8841) */
	SDP_PROTO_SCTP_LEGACY, /* DTLS/SCTP <port> with a=sctpmap (draft-ietf-mmusic-sctp-sdp-05) */
};

enum sdp_hash {
	SDP_HASH_OTHER,
	SDP_HASH_MD5,
	SDP_HASH_SHA1,
	SDP_HASH_SHA224,
	SDP_HASH_SHA256,
	SDP_HASH_SHA384,
	SDP_HASH_SHA512
};

/* a=fingerprint (RFC 8122 5) */
struct sdp_fingerprint {
	enum sdp_hash hash;
	struct str algorithm; /* as written, e.g. "sha-256" */
	uint8_t value[SDP_MAX_HASH_SIZE];
	size_t size;
};

/* ICE parameters of one section or of the session; empty strings: not given here (RFC 8839 5.4, 5.6) */
struct sdp_ice {
	struct str ufrag;
	struct str pwd;
	struct str options; /* tokens separated by blanks or commas */
};

/* a=group (RFC 5888); "BUNDLE" of RFC 9143 among them */
struct sdp_group {
	struct str semantics;
	struct str *mids;
	size_t mid_count;
};

/* a=rtcp-fb (RFC 4585 4.2): "nack" "pli"; the parameter may be empty */
struct sdp_feedback {
	struct str type;
	struct str parameter;
};

/* One payload type: m-line format, a=rtpmap, a=fmtp and a=rtcp-fb together */
struct sdp_codec {
	uint8_t payload_type;
	bool mapped;     /* a=rtpmap stands in the text; a static type (RFC 3551 6) may come without */
	struct str name; /* "opus"; empty when neither a=rtpmap nor RFC 3551 tells */
	uint32_t clock_hz;
	uint32_t channels; /* 0: not written, which means 1 */
	struct str fmtp;   /* raw parameters, "minptime=10;useinbandfec=1" */
	struct sdp_feedback *feedback;
	size_t feedback_count;
};

/* a=extmap (RFC 8285 8) */
struct sdp_extmap {
	uint32_t id;
	enum sdp_direction direction; /* SDP_SENDRECV when not written */
	bool direction_given;
	struct str uri;
	struct str attributes; /* behind the URI, may be empty */
};

/* a=ssrc with cname and msid (RFC 5576); other attributes of an SSRC stay in sdp_media.others */
struct sdp_ssrc {
	uint32_t ssrc;
	struct str cname;
	struct str msid; /* "stream track", may be empty */
};

/* a=ssrc-group: "FID" 1 2 (RFC 5576 4.2); also SIM, FEC-FR */
struct sdp_ssrc_group {
	struct str semantics;
	uint32_t *ssrcs;
	size_t ssrc_count;
};

/* a=msid (RFC 8830): stream "-" means no stream; the track may be empty */
struct sdp_msid {
	struct str stream;
	struct str track;
};

/* a=rid (RFC 8851) */
struct sdp_rid {
	struct str id;
	enum sdp_direction direction; /* SDP_SENDONLY or SDP_RECVONLY */
	struct str restrictions;      /* "pt=96;max-width=1280", may be empty */
};

/* a=simulcast (RFC 8853): lists as written, walk them with sdp_simulcast_next() of sdp/attr.h; empty: not given */
struct sdp_simulcast {
	struct str send;
	struct str recv;
};

/* a=sctpmap:5000 webrtc-datachannel 1024 */
struct sdp_sctpmap {
	bool given;
	uint16_t port;
	struct str app;
	uint32_t streams; /* 0: not written */
};

/* Any attribute that the model has no field for; "a=name" or "a=name:value" */
struct sdp_attribute {
	struct str name;
	struct str value;
	bool has_value;
};

/* One m-section. */
struct sdp_media {
	size_t index; /* of the m-line, from 0 */
	size_t line;  /* where the m-line stood in the parsed text, 0 when built */
	enum sdp_kind kind;
	struct str kind_text; /* "audio"; also tells what SDP_OTHER is */
	uint16_t port;
	enum sdp_proto protocol;
	struct str proto; /* "UDP/TLS/RTP/SAVPF" */
	struct str *formats;
	size_t format_count;
	struct str connection;  /* c= line behind "c=", may be empty */
	struct str *bandwidths; /* b= lines behind "b=" */
	size_t bandwidth_count;

	struct str mid; /* empty: none */
	bool bundle_only;
	bool direction_given;
	enum sdp_direction direction; /* only when direction_given; see sdp_media_direction() */
	bool rtcp_mux;
	bool rtcp_mux_only;
	bool rtcp_rsize;
	struct str rtcp; /* "9 IN IP4 0.0.0.0", may be empty */
	bool extmap_allow_mixed;

	struct sdp_ice ice;
	struct sdp_fingerprint *fingerprints;
	size_t fingerprint_count;
	enum sdp_setup setup;
	struct str *candidates; /* whole lines without "a=": "candidate:1 1 udp ..." */
	size_t candidate_count;
	bool end_of_candidates;

	struct sdp_codec *codecs; /* in the order of the m-line; only SDP_PROTO_RTP */
	size_t codec_count;
	struct sdp_feedback *feedback; /* a=rtcp-fb:* lines, which hold for every codec */
	size_t feedback_count;
	struct sdp_extmap *extmaps;
	size_t extmap_count;
	struct sdp_ssrc *ssrcs;
	size_t ssrc_count;
	struct sdp_ssrc_group *ssrc_groups;
	size_t ssrc_group_count;
	struct sdp_msid *msids;
	size_t msid_count;
	struct sdp_rid *rids;
	size_t rid_count;
	struct sdp_simulcast simulcast;
	uint32_t ptime;    /* ms, 0: not given */
	uint32_t maxptime; /* ms, 0: not given */

	bool has_sctp_port;
	uint16_t sctp_port;
	struct sdp_sctpmap sctpmap;
	bool has_max_message_size;
	uint64_t max_message_size; /* bytes; 0 means any size */

	struct sdp_attribute *others;
	size_t other_count;
	size_t attribute_count; /* a= lines seen, for the limit */
};

struct sdp_arena_block;

struct sdp_session {
	struct str origin_user; /* o= fields; empty ones are written with their defaults */
	struct str origin_id;
	struct str origin_version;
	struct str origin_address; /* "IN IP4 127.0.0.1" */
	struct str name;           /* s= */
	struct str connection;     /* session-level c= behind "c=", may be empty */
	struct str *bandwidths;
	size_t bandwidth_count;

	struct sdp_group *groups;
	size_t group_count;
	struct str msid_semantic; /* raw value, may be empty */
	bool extmap_allow_mixed;
	bool ice_lite;
	struct sdp_ice ice;
	struct sdp_fingerprint *fingerprints;
	size_t fingerprint_count;
	enum sdp_setup setup;
	bool direction_given;
	enum sdp_direction direction;
	bool end_of_candidates;
	struct sdp_extmap *extmaps;
	size_t extmap_count;
	struct sdp_attribute *others;
	size_t other_count;
	size_t attribute_count;

	struct sdp_media *media[SDP_MAX_MEDIA]; /* stable pointers */
	size_t media_count;

	struct sdp_arena_block *arena; /* private to session.c */
};

/* --- life --- */

/* An empty session. WLK_ERR_NOMEM; *out is written only on success. */
wlk_err sdp_session_create(struct sdp_session **out) WLK_NODISCARD;
/* Frees the session and everything in its arena; destroy(NULL) does nothing. */
void sdp_session_destroy(struct sdp_session *session);
/* A deep copy, by way of the text. WLK_ERR_INVALID when the model holds what cannot be written, WLK_ERR_NOMEM. */
wlk_err sdp_session_clone(struct sdp_session **out, const struct sdp_session *session) WLK_NODISCARD;

/*
 * Read a description (RFC 8866; tolerant: LF or CRLF, unknown lines and attributes, any s=).
 * |text| is borrowed for the call. WLK_ERR_PARSE with line and reason in *err, WLK_ERR_TOO_LARGE when a limit of R33 is
 * passed (also with line and reason), WLK_ERR_NOMEM. |err| may be NULL. *out is written only on success.
 * Linear in |size|.
 */
wlk_err sdp_parse(struct sdp_session **out, const char *text, size_t size, struct sdp_error *err) WLK_NODISCARD;

/*
 * Read an application/trickle-ice-sdpfrag body (RFC 8840 9): ice-ufrag, ice-pwd and, per m-line, mid, candidates and
 * end-of-candidates, in the same model. The same errors and limits as sdp_parse().
 */
wlk_err sdp_fragment_parse(struct sdp_session **out, const char *text, size_t size,
			   struct sdp_error *err) WLK_NODISCARD;

/*
 * Append the description to |out|, lines ended by CRLF. WLK_ERR_INVALID when any value holds CR, LF or NUL (R33) or
 * a number is out of its range; |out| then is as before. WLK_ERR_NOMEM.
 * sdp_parse(sdp_write(s)) gives an equal model; unknown attributes are kept, in order, behind the known ones.
 */
wlk_err sdp_write(const struct sdp_session *session, struct text *out) WLK_NODISCARD;
/* Append what a trickle-ice-sdpfrag carries: group, ICE parameters, m-lines with mid and candidates (RFC 8840 9). */
wlk_err sdp_fragment_write(const struct sdp_session *session, struct text *out) WLK_NODISCARD;

/* --- building --- */

/* Zeroed memory that lives as long as the session; NULL when memory is out. */
void *sdp_alloc(struct sdp_session *session, size_t size);
/* Copy characters into the arena. WLK_ERR_NOMEM. An empty string costs nothing. */
wlk_err sdp_copy(struct sdp_session *session, struct str in, struct str *out) WLK_NODISCARD;

/*
 * Append one zeroed item to a list of the model and answer it; NULL when memory is out or the list is at the limit
 * that R33 gives it. Items move when the list grows: keep indices, not pointers (m-sections stay).
 */
struct sdp_media *sdp_add_media(struct sdp_session *session, enum sdp_kind kind);
struct sdp_codec *sdp_add_codec(struct sdp_session *session, struct sdp_media *media, uint8_t payload_type);
/* |media| NULL: session level. */
struct sdp_fingerprint *sdp_add_fingerprint(struct sdp_session *session, struct sdp_media *media);
struct sdp_extmap *sdp_add_extmap(struct sdp_session *session, struct sdp_media *media);
struct sdp_attribute *sdp_add_attribute(struct sdp_session *session, struct sdp_media *media);
struct sdp_feedback *sdp_add_feedback(struct sdp_session *session, struct sdp_codec *codec);
struct sdp_ssrc *sdp_add_ssrc(struct sdp_session *session, struct sdp_media *media, uint32_t ssrc);
struct sdp_ssrc_group *sdp_add_ssrc_group(struct sdp_session *session, struct sdp_media *media);
struct sdp_msid *sdp_add_msid(struct sdp_session *session, struct sdp_media *media);
struct sdp_rid *sdp_add_rid(struct sdp_session *session, struct sdp_media *media);
struct sdp_group *sdp_add_group(struct sdp_session *session);
/* RTCP feedback for every codec of the section (a=rtcp-fb:*). */
struct sdp_feedback *sdp_add_wildcard_feedback(struct sdp_session *session, struct sdp_media *media);
/* These copy |text| into the arena. |text| of a candidate is "candidate:..." with or without "a=". */
wlk_err sdp_add_candidate(struct sdp_session *session, struct sdp_media *media, struct str text) WLK_NODISCARD;
wlk_err sdp_add_format(struct sdp_session *session, struct sdp_media *media, struct str text) WLK_NODISCARD;
wlk_err sdp_group_add_mid(struct sdp_session *session, struct sdp_group *group, struct str mid) WLK_NODISCARD;
wlk_err sdp_ssrc_group_add(struct sdp_session *session, struct sdp_ssrc_group *group, uint32_t ssrc) WLK_NODISCARD;
/* |media| NULL: session level. |text| is what stands behind "b=". */
wlk_err sdp_add_bandwidth(struct sdp_session *session, struct sdp_media *media, struct str text) WLK_NODISCARD;

/* --- reading, with what a section inherits from the session --- */

/* The section with this mid, or NULL. */
struct sdp_media *sdp_media_by_mid(const struct sdp_session *session, struct str mid);
/* The codec with this payload type, or NULL. */
struct sdp_codec *sdp_codec_by_type(const struct sdp_media *media, uint8_t payload_type);
/* The first BUNDLE group, or NULL. */
struct sdp_group *sdp_bundle(const struct sdp_session *session);
/* The BUNDLE group that names |mid|, or NULL; the first one when several do. */
struct sdp_group *sdp_bundle_of(const struct sdp_session *session, struct str mid);
bool sdp_group_has(const struct sdp_group *group, struct str mid);

/* Port 0 and not bundle-only: the section is rejected or stopped (RFC 9429 5.2.2, RFC 9143 6). */
bool sdp_media_rejected(const struct sdp_media *media);
/* The section's own fingerprints or, when it has none, the session's; the count in *count. */
const struct sdp_fingerprint *sdp_media_fingerprints(const struct sdp_session *session, const struct sdp_media *media,
						     size_t *count);
/* ufrag and pwd of the section or of the session (both from the same place), options of either. */
struct sdp_ice sdp_media_ice(const struct sdp_session *session, const struct sdp_media *media);
bool sdp_media_has_ice_option(const struct sdp_session *session, const struct sdp_media *media, struct str option);
enum sdp_setup sdp_media_setup(const struct sdp_session *session, const struct sdp_media *media);
/* SDP_SENDRECV when neither section nor session tells (RFC 8866 6.7). */
enum sdp_direction sdp_media_direction(const struct sdp_session *session, const struct sdp_media *media);
bool sdp_media_extmap_allow_mixed(const struct sdp_session *session, const struct sdp_media *media);
bool sdp_media_end_of_candidates(const struct sdp_session *session, const struct sdp_media *media);
/* The i-th extension map of the section, those of the session behind its own; NULL behind the last. */
const struct sdp_extmap *sdp_media_extmap(const struct sdp_session *session, const struct sdp_media *media, size_t i);
/* The remote SCTP port, from a=sctp-port, a=sctpmap or the legacy format; 0 when none is given. */
uint16_t sdp_media_sctp_port(const struct sdp_media *media);
/* Bytes; absent: SDP_DEFAULT_MESSAGE_SIZE; 0: any size (RFC 8841 6). */
uint64_t sdp_media_max_message_size(const struct sdp_media *media);
/* a=rtcp-fb of this codec or for all ("*"); an empty parameter must match an empty one. */
bool sdp_codec_has_feedback(const struct sdp_media *media, const struct sdp_codec *codec, struct str type,
			    struct str parameter);

static inline enum sdp_direction sdp_direction_reverse(enum sdp_direction d)
{
	return (enum sdp_direction)(((unsigned)d >> 1 & 1u) | ((unsigned)d << 1 & 2u));
}

/* Set line and message (printf); unprintable bytes become '?'. |err| may be NULL. Answers |code|. */
wlk_err sdp_fail(struct sdp_error *err, wlk_err code, size_t line, const char *format, ...) WLK_PRINTF(4, 5);

#endif
