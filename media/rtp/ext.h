/* RTP header extensions (RFC 8285): the kinds we know, iteration over one- and two-byte blocks, and a writer. */
#ifndef MEDIA_RTP_EXT_H
#define MEDIA_RTP_EXT_H

#include "media/rtp/packet.h"

enum rtp_ext_kind {
	RTP_EXT_MID,                   /* RFC 9143 15: urn:ietf:params:rtp-hdrext:sdes:mid */
	RTP_EXT_RID,                   /* RFC 8852 3.1 */
	RTP_EXT_REPAIRED_RID,          /* RFC 8852 3.2 */
	RTP_EXT_TRANSPORT_CC,          /* draft-holmer-rmcat-transport-wide-cc-extensions-01 2 */
	RTP_EXT_ABS_SEND_TIME,         /* 24 bits, 6.18 fixed point seconds */
	RTP_EXT_AUDIO_LEVEL,           /* RFC 6464 */
	RTP_EXT_VIDEO_ORIENTATION,     /* 3GPP TS 26.114 7.4.5 */
	RTP_EXT_PLAYOUT_DELAY,         /* 2 x 12 bits of 10 ms */
	RTP_EXT_DEPENDENCY_DESCRIPTOR, /* AV1 RTP specification, appendix A */
	RTP_EXT_VIDEO_CONTENT_TYPE,
	RTP_EXT_COLOR_SPACE,
	RTP_EXT_ABS_CAPTURE_TIME,
	RTP_EXT_KINDS,
};

/* The ids negotiated for one direction of one m-section; 0: not negotiated. */
struct rtp_ext_ids {
	uint8_t id[RTP_EXT_KINDS]; /* 1..255, not 15 */
};

/** The URI that goes into a=extmap, never NULL. */
const char *rtp_ext_uri(enum rtp_ext_kind kind);

/** The kind of a URI of |size| characters, or RTP_EXT_KINDS when it is none of ours. */
enum rtp_ext_kind rtp_ext_from_uri(const char *uri, size_t size);

/**
 * True for what describes a frame and not the transport: a forwarder copies these bytes unchanged to the packet
 * that it sends (audio level, orientation, playout delay, dependency descriptor, content type, colour space,
 * capture time). mid, rid, transport-cc and abs-send-time belong to each hop.
 */
bool rtp_ext_is_end_to_end(enum rtp_ext_kind kind);

/* One element: its id and its bytes. */
struct rtp_ext {
	uint8_t id;
	wlk_bytes data;
};

struct rtp_ext_iter {
	struct bytes_reader reader;
	bool two_byte;
};

/** Start over the extension block of |p|; a packet without one, or with an unknown profile, has no elements. */
struct rtp_ext_iter rtp_ext_iter(const struct rtp_packet *p);

/**
 * The next element. False at the end, at id 15 of a one-byte block (R23), or when an element would run past the
 * block: the elements before it stay good.
 */
bool rtp_ext_next(struct rtp_ext_iter *iter, struct rtp_ext *out);

/** The bytes of extension |id| in |p|, or {NULL, 0}. Id 0 is never found. */
wlk_bytes rtp_ext_find(const struct rtp_packet *p, uint8_t id);

/**
 * Write a whole extension block: profile, length, elements, zero padding to a word.
 * The one-byte form is used when every id is 1..14 and every size 1..16. Otherwise the two-byte form, or, when
 * |allow_two_byte| is false (no a=extmap-allow-mixed), the elements that do not fit the one-byte form are left out.
 * No element to write: nothing is written.
 *
 * @param offsets  NULL, or |count| places that receive where each element's data begins, counted from the first
 *                 byte of the block, 0 for one that was left out; for stamping at send time
 * @return bytes written; 0 also when the writer failed
 */
size_t rtp_ext_write(struct bytes_writer *w, const struct rtp_ext *items, size_t count, bool allow_two_byte,
		     size_t *offsets);

/* Typed contents. Readers answer false when the size is wrong. */

/** 24-bit 6.18 fixed point: seconds modulo 64 of |now|. */
void rtp_ext_put_abs_send_time(uint8_t out[3], wlk_time now);
bool rtp_ext_abs_send_time(wlk_bytes data, uint32_t *out_6_18);
bool rtp_ext_transport_cc(wlk_bytes data, uint16_t *seq);

struct rtp_audio_level {
	bool voice;
	uint8_t level; /* -dBov: 0 loudest, 127 silence */
};
bool rtp_ext_audio_level(wlk_bytes data, struct rtp_audio_level *out);
void rtp_ext_put_audio_level(uint8_t out[1], const struct rtp_audio_level *level);

struct rtp_video_orientation {
	bool back_camera;
	bool flip;
	uint16_t rotation; /* degrees clockwise to show it upright: 0, 90, 180, 270 */
};
bool rtp_ext_video_orientation(wlk_bytes data, struct rtp_video_orientation *out);
void rtp_ext_put_video_orientation(uint8_t out[1], const struct rtp_video_orientation *orientation);

struct rtp_playout_delay {
	uint32_t min_ms; /* 0..40950, in steps of 10 */
	uint32_t max_ms;
};
bool rtp_ext_playout_delay(wlk_bytes data, struct rtp_playout_delay *out);
void rtp_ext_put_playout_delay(uint8_t out[3], const struct rtp_playout_delay *delay);

#endif
