/* What offers and answers are made of: sections, transport lines, codecs, streams; with a sticky out-of-memory flag. */
#ifndef SDP_BUILD_H
#define SDP_BUILD_H

#include "sdp/negotiate.h"

struct sdp_builder {
	struct sdp_session *out;
	const struct sdp_local *local;
	bool failed; /* memory ran out; the session is to be thrown away */
};

/* WLK_ERR_INVALID with the reason when a wish or the transport is out of its range. Mids count for an offer only. */
wlk_err sdp_build_check(const struct sdp_local *local, bool is_offer, struct sdp_error *err) WLK_NODISCARD;

/* A copy in the arena; empty (and failed from then on) when memory is out. */
struct str sdp_build_copy(struct sdp_builder *b, struct str in);
/* Session lines: o=, s=, msid-semantic, ice-lite. */
void sdp_build_session(struct sdp_builder *b);
/* A section with m-line protocol and c= line, no formats yet; NULL (and failed) when it cannot be added. */
struct sdp_media *sdp_build_media(struct sdp_builder *b, enum sdp_kind kind, struct str kind_text, struct str proto,
				  struct str mid);
/* The m-line |like| with port 0: kind, protocol and formats are kept (RFC 3264 6). */
void sdp_build_rejected(struct sdp_builder *b, const struct sdp_media *like, struct str mid);
/* ICE, fingerprint, setup; candidates and the default address only on the section that |carries| the transport. */
void sdp_build_transport(struct sdp_builder *b, struct sdp_media *media, const struct sdp_transport *t, enum sdp_setup setup,
			 bool carries);
/* The transport that a wish names. */
const struct sdp_transport *sdp_wish_transport(const struct sdp_local *local, const struct sdp_wish *wish);
/* Adds the payload type to the m-line, too. |fmtp| must live in the arena. */
struct sdp_codec *sdp_build_codec(struct sdp_builder *b, struct sdp_media *media, uint8_t payload_type, struct str name,
				  uint32_t clock_hz, uint32_t channels, struct str fmtp);
void sdp_build_feedback(struct sdp_builder *b, struct sdp_codec *codec, struct str type, struct str parameter);
void sdp_build_extmap(struct sdp_builder *b, struct sdp_media *media, uint32_t id, enum sdp_direction direction,
		      struct str uri);
/* msid, ssrc and FID lines of what the wish sends. */
void sdp_build_streams(struct sdp_builder *b, struct sdp_media *media, const struct sdp_wish *wish);
/* One a=rid line, and its place in a simulcast list under construction. |restrictions| are copied, may be empty. */
void sdp_build_rid(struct sdp_builder *b, struct sdp_media *media, struct str id, bool paused,
		   enum sdp_direction direction, struct str restrictions, struct text *list);
/* What the wish wants of a layer that we receive, NULL: nothing. */
const struct sdp_rid_limits *sdp_wish_limits(const struct sdp_wish *wish, struct str rid);
/* Ends a list begun by sdp_build_rid() and gives it to the section's a=simulcast; frees |list|. */
void sdp_build_simulcast(struct sdp_builder *b, struct text *list, struct str *place);
/* a=sctp-port or, for the old form, a=sctpmap, with the format that belongs to it; and max-message-size. */
void sdp_build_sctp(struct sdp_builder *b, struct sdp_media *media, struct str app);

/* May this capability be used under the wish's setCodecPreferences? Its rank, or SIZE_MAX. */
size_t sdp_wish_rank(const struct sdp_wish *wish, const struct sdp_capabilities *caps, size_t capability);
/* How the wish wants to use an extension; SDP_INACTIVE when it is not to be named. */
enum sdp_direction sdp_wish_extension(const struct sdp_wish *wish, const struct sdp_capabilities *caps,
				      const struct sdp_extension_capability *extension);
const struct sdp_extension_capability *sdp_find_extension(const struct sdp_capabilities *caps, enum sdp_kind kind,
							  enum sdp_extension extension);

#endif
