/* What senders, receivers and transceivers keep of W3C's parameters: encodings, preferences, tones; and who works on them. */
#ifndef PEER_PARAMETERS_H
#define PEER_PARAMETERS_H

#include <wirelark/transceiver.h>

#include "media/engine.h"
#include "sdp/negotiate.h"
#include "sdp/rid.h"

enum { PEER_RID_MAX = MEDIA_MID_MAX }; /* characters that the one-byte form of the RTP extension carries */

/* One of [[SendEncodings]]. */
struct peer_encoding {
	char rid[PEER_RID_MAX + 1]; /* "": none */
	uint32_t ssrc, rtx_ssrc;    /* rtx_ssrc 0 for audio */
	bool active;
	bool has_max_bitrate, has_max_framerate;
	bool adaptive_ptime;
	uint64_t max_bitrate;
	double max_framerate;
	double scale; /* 1.0 for audio */
	const char *scalability_mode; /* static text, NULL: not set */
	int codec; /* index into pc->capabilities, -1: not set */
	wlk_priority priority, network_priority;
};

/* What is to be said of a layer that we receive. */
struct peer_rid_limits {
	char rid[PEER_RID_MAX + 1]; /* "": none */
	struct sdp_rid_limits limits;
};

/* A row of tones; dtmf.c alone knows how it goes on. */
struct peer_dtmf {
	char *tones;    /* the whole row, upper case; NULL: none */
	size_t next;    /* the tone buffer begins here */
	wlk_time duration, gap;
	wlk_time due;   /* of the next tone; WLK_TIME_NEVER: nothing is played */
};

/* What an application said of codecs and header extensions. */
struct peer_preferences {
	uint16_t codecs[SDP_MAX_CODEC_CAPABILITIES]; /* indices into pc->capabilities */
	size_t codec_count; /* 0: all */
	bool no_rtx;
	uint8_t extension_directions[SDP_MAX_EXTENSION_CAPABILITIES]; /* wlk_direction, by index in pc->capabilities */
};

enum { PEER_DIRECT_LAYERS_MAX = 512 }; /* of all sections of a connection without descriptions */

/* ---- encodings.c ---- */

/* The one encoding that a sender begins with. WLK_ERR_CRYPTO. */
wlk_err peer_encodings_init(struct wlk_transceiver *t);
/* The checks of addTransceiver (W3C webrtc-pc 4.4.1 and 5.2); the reason is in last_error. */
wlk_err peer_encodings_check(wlk_peer_connection *pc, wlk_media_kind kind, const wlk_rtp_encoding *encodings, size_t count);
/* Take checked encodings over. WLK_ERR_CRYPTO; nothing changed then. */
wlk_err peer_encodings_set(struct wlk_transceiver *t, const wlk_rtp_encoding *encodings, size_t count);
/* One of them; |section| is what was negotiated, NULL before that, and says which codecs there are. */
wlk_err peer_encoding_check(wlk_peer_connection *pc, wlk_media_kind kind, const struct sdp_agreed_section *section,
			    const wlk_rtp_encoding *e);
/* Take the values over that an application may change. */
void peer_encoding_take(const struct wlk_transceiver *t, const struct sdp_agreed_section *section, struct peer_encoding *to,
			const wlk_rtp_encoding *from);
/* Index of the encoding with |rid|, of the first for NULL; SIZE_MAX: none. */
size_t peer_encoding_by_rid(const struct wlk_transceiver *t, const char *rid);
/* The encoding that a packet with |rid| goes to. WLK_ERR_NOT_FOUND, WLK_ERR_STATE (not active); told in last_error. */
wlk_err peer_find_layer(const struct wlk_transceiver *t, const char *rid, size_t *out);
/* As they stand in descriptions; answers how many. */
size_t peer_encodings_wish(const struct wlk_transceiver *t, struct sdp_encoding out[WLK_RTP_ENCODINGS_MAX]);
/* As the media engine sends them by what was agreed; answers how many. */
size_t peer_encodings_layers(const struct wlk_transceiver *t, const struct sdp_agreed_section *section,
			     struct media_send_layer out[WLK_RTP_ENCODINGS_MAX]);
/* An offer that wants to receive layers makes them, where nobody else has (W3C webrtc-pc 4.4.1.5). */
wlk_err peer_encodings_propose(wlk_peer_connection *pc, const struct sdp_session *offer);
void peer_encodings_take_back(wlk_peer_connection *pc);
/* Layers that the answer left out go, paused ones become inactive, and open transactions end (W3C webrtc-pc 4.4.1.5). */
void peer_encodings_settle(wlk_peer_connection *pc);
void peer_transactions_end(wlk_peer_connection *pc);
/* The static text of a scalability mode (webrtc-svc 6), NULL for an unknown one. */
const char *peer_scalability_mode(const char *mode);
bool peer_codec_scales(struct str codec, const char *mode);

/* ---- capabilities.c ---- */

void peer_preferences_init(wlk_peer_connection *pc, struct peer_preferences *p);
wlk_rtp_codec peer_codec_of(const struct sdp_codec_capability *cap);
/* Whether a negotiated codec is the one of |cap|, with whatever level. */
bool peer_codec_is(const struct sdp_codec_capability *cap, const wlk_rtp_codec *codec);
/* Index in pc->capabilities of what |codec| names with its exact parameters, -1: none. rtx has no index: -2. */
int peer_find_codec(const struct sdp_capabilities *caps, enum sdp_kind kind, const wlk_rtp_codec *codec);
/* "audio/" or "video/" in front of a name. */
bool peer_mime_is(const char *mime, enum sdp_kind kind, struct str name);

/* ---- parameters.c ---- */

/* wlk_transceiver_set_receive_simulcast() of a transceiver that is not stopped; it is not recorded. */
wlk_err peer_set_receive_simulcast(wlk_transceiver *transceiver, bool accept, const char *const *rids, size_t rid_count);
/* The agreed section of a transceiver, NULL before there is one, or when it is rejected. */
const struct sdp_agreed_section *peer_agreed_section(const struct wlk_transceiver *t);
/* What the encodings of all senders allow together [bit/s]; 0: not limited. */
uint64_t peer_max_bitrate(const wlk_peer_connection *pc);
/* Tell the application the limit: of the receiver (0: none known) and of our own parameters. */
void peer_tell_bitrate_limit(wlk_peer_connection *pc, uint64_t remote_bps);

/* The far end or the application wants a key frame of an encoding. */
/* ---- congestion.c: what the path's estimate means for encodings ---- */

/* What the encodings of a sender have use for, to the engine. */
void peer_limit_layers(const struct wlk_transceiver *t);
void peer_limit_all_layers(const wlk_peer_connection *pc);
/* The pictures of the sender's source have this size: what its layers can use depends on it. */
void peer_set_source_size(struct wlk_rtp_sender *sender, uint32_t width, uint32_t height);
/* Tell the share of a section's encoding; one that waits in the queue is replaced. */
void peer_emit_target_bitrate(wlk_peer_connection *pc, size_t section, size_t layer, uint64_t bps);
void peer_emit_key_frame_request(struct wlk_transceiver *t, size_t layer);
/** A telephone event comes in; |media| is a MEDIA_EVENT_DTMF. */
void peer_emit_dtmf(wlk_peer_connection *pc, const struct media_event *media);

/* ---- dtmf.c ---- */

void peer_dtmf_init(struct peer_dtmf *d);
void peer_dtmf_free(struct peer_dtmf *d);
wlk_time peer_dtmf_deadline(const wlk_peer_connection *pc);
void peer_dtmf_handle_timeout(wlk_peer_connection *pc);

/* ---- activity.c ---- */

/* Packets of a section come or do not any more; |media| is a MEDIA_EVENT_FLOW. */
void peer_emit_flow(wlk_peer_connection *pc, const struct media_event *media);
/* Somebody speaks, or does not any more; |media| is a MEDIA_EVENT_SPEAKING. */
void peer_emit_speaking(wlk_peer_connection *pc, const struct media_event *media);

#endif
