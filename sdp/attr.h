/* Codecs for single attribute values, what stands behind "a=name:"; parsers borrow from their input. */
#ifndef SDP_ATTR_H
#define SDP_ATTR_H

#include "sdp/sdp.h"

/* Parsers answer false for malformed values and then leave *out untouched. Writers append to |out|. */

/* "sha-256 AB:CD:..." (RFC 8122 5); the size must fit the hash. Upper-case hex is written. */
bool sdp_fingerprint_parse(struct str value, struct sdp_fingerprint *out);
void sdp_fingerprint_write(const struct sdp_fingerprint *fp, struct text *out);
/* Same hash and same bytes. Not constant time: fingerprints in descriptions are public. */
bool sdp_fingerprint_equal(const struct sdp_fingerprint *a, const struct sdp_fingerprint *b);
/* sha-256, sha-384 and sha-512 count; sha-1 and md5 never do (R14). */
bool sdp_fingerprint_acceptable(const struct sdp_fingerprint *fp);

/* RFC 4145 4 */
bool sdp_setup_parse(struct str value, enum sdp_setup *out);
const char *sdp_setup_name(enum sdp_setup setup);

/* "sendrecv" and its kin */
bool sdp_direction_parse(struct str name, enum sdp_direction *out);
const char *sdp_direction_name(enum sdp_direction direction);

/* "audio" and its kin; anything else is SDP_OTHER */
enum sdp_kind sdp_kind_parse(struct str name);
const char *sdp_kind_name(enum sdp_kind kind);
enum sdp_proto sdp_proto_parse(struct str name);

/* "3/recvonly uri attributes" (RFC 8285 8); id 1..14, 16..255 or 4096..4351 */
bool sdp_extmap_parse(struct str value, struct sdp_extmap *out);
void sdp_extmap_write(const struct sdp_extmap *extmap, struct text *out);

/* "111 opus/48000/2" (RFC 8866 6.6) into payload_type, name, clock_hz and channels; the rest of *out is kept */
bool sdp_rtpmap_parse(struct str value, struct sdp_codec *out);
void sdp_rtpmap_write(const struct sdp_codec *codec, struct text *out);
/* Name, clock and channels of a static payload type (RFC 3551 6); false when it has none. */
bool sdp_static_codec(uint8_t payload_type, struct sdp_codec *out);

/* One format parameter: name=value; the name is empty for "111/111" (RED) and "0-15" (telephone-event) */
struct sdp_param {
	struct str name;
	struct str value;
};
/* The next parameter of *rest, false at the end. */
bool sdp_fmtp_next(struct str *rest, struct sdp_param *out);
/* The value of a parameter by name, without regard to case; false when absent. */
bool sdp_fmtp_get(struct str fmtp, struct str name, struct str *out);
/* The same for a number; false when absent or not a number up to |max|. */
bool sdp_fmtp_number(struct str fmtp, struct str name, uint32_t max, uint32_t *out);

/* "q send pt=96" (RFC 8851 10) */
bool sdp_rid_parse(struct str value, struct sdp_rid *out);
void sdp_rid_write(const struct sdp_rid *rid, struct text *out);

/* "send q;h;~f recv 1" (RFC 8853 5.1) */
bool sdp_simulcast_parse(struct str value, struct sdp_simulcast *out);
void sdp_simulcast_write(const struct sdp_simulcast *simulcast, struct text *out);
/* One stream of a simulcast list: its first alternative */
struct sdp_simulcast_stream {
	struct str rid;
	bool paused;             /* "~" */
	struct str alternatives; /* all of "q,r" as written */
};
/* The next stream of *rest, false at the end. */
bool sdp_simulcast_next(struct str *rest, struct sdp_simulcast_stream *out);
/* The next of a stream's alternatives, each of which may be paused; false at the end. */
bool sdp_simulcast_alternative(struct str *rest, struct sdp_simulcast_stream *out);

/* "candidate:..." with or without "a=" in front and blanks around; false when it is not that. */
bool sdp_candidate_trim(struct str value, struct str *out);

/* RFC 8866 token characters, not empty, at most 256: mids, groups, names. */
bool sdp_is_token(struct str s);
/* Visible ASCII and bytes above 127 without blanks, not empty: msid parts, cname, which browsers fill freely. */
bool sdp_is_word(struct str s);
/* RFC 8851 10: letters, digits, "-" and "_", 1..255 of them. */
bool sdp_is_rid(struct str s);
/* RFC 8839 ice-char, between |min| and |max| of them. */
bool sdp_is_ice_chars(struct str s, size_t min, size_t max);

#endif
