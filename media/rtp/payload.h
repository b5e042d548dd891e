/* RTP payload formats behind one interface: a frame into packets, and the packets of a frame back into it. */
#ifndef MEDIA_RTP_PAYLOAD_H
#define MEDIA_RTP_PAYLOAD_H

#include "core/bytes.h"
#include "core/err.h"

enum rtp_codec {
	RTP_CODEC_UNKNOWN, /* no payload format: only packets go in and out */
	RTP_CODEC_OPUS,    /* RFC 7587 */
	RTP_CODEC_PCMU,    /* RFC 3551 4.5.14 */
	RTP_CODEC_PCMA,
	RTP_CODEC_G722, /* RFC 3551 4.5.2 */
	RTP_CODEC_VP8,  /* RFC 7741 */
	RTP_CODEC_VP9,  /* RFC 9628 */
	RTP_CODEC_H264, /* RFC 6184 */
	RTP_CODEC_AV1,  /* RTP Payload Format for AV1, AOMedia */
	RTP_CODEC_RED,  /* RFC 2198, audio */
	RTP_CODEC_DTMF, /* RFC 4733 */
	RTP_CODEC_CN,   /* RFC 3389: how loud the silence is that begins */
	RTP_CODECS,
};

enum { PAYLOAD_REFS_MAX = 3 };

/*
 * What payload descriptors tell of a frame (or of one layer of a picture) beside its bytes. The depacketizer of a codec
 * fills in what that codec has, its packetizer writes the same. PAYLOAD_INFO_NONE says "nothing known".
 */
struct payload_info {
	bool begins;            /* this packet is the first of its frame, and the payload proves it */
	bool ends;              /* last packet of its layer frame, by the payload (VP9's E bit); others go by the marker */
	bool is_key;            /* decodes without any earlier frame */
	bool is_continuation;   /* goes on with what the packet before it began: worthless without that */
	bool is_discardable;    /* no other frame refers to it (VP8's N bit) */
	bool is_layer_sync;     /* refers only to the base temporal layer (VP8's Y, VP9's U) */
	bool is_inter_layer;    /* refers to the spatial layer below it in the same picture (VP9's D) */
	bool is_inter_picture;  /* refers to earlier pictures (VP9's P) */
	bool is_flexible;       /* |refs| name what it refers to (VP9's F) */
	int32_t picture_id;     /* 15 bits, or 7 with picture_id_is_short; -1: none */
	bool picture_id_is_short;
	int16_t tl0_pic_idx;    /* -1: none */
	int8_t temporal;        /* temporal layer; -1: unknown */
	int8_t spatial;         /* spatial layer; -1: unknown */
	int8_t key_idx;         /* VP8; -1: none */
	uint8_t partition;      /* VP8's PID */
	uint8_t ref_count;
	uint8_t refs[PAYLOAD_REFS_MAX]; /* VP9: this picture's id minus that of the one referred to, 1..127 */
	uint16_t width, height; /* 0: this packet does not say */
};

#define PAYLOAD_INFO_NONE \
	((struct payload_info){ .picture_id = -1, .tl0_pic_idx = -1, .temporal = -1, .spatial = -1, .key_idx = -1 })

/** The codec of an encoding name as in a=rtpmap, in any case; RTP_CODEC_UNKNOWN for others (rtx, ulpfec, ...). */
enum rtp_codec rtp_codec_of_name(const char *name, size_t size);
/** True when the packets of |codec| make frames: all but RTP_CODEC_UNKNOWN, RTP_CODEC_DTMF and RTP_CODEC_CN. */
bool rtp_codec_has_frames(enum rtp_codec codec);
/** True when each packet is a frame by itself (audio). */
bool rtp_codec_is_audio(enum rtp_codec codec);

/* ---- packets into a frame ---- */

/* What a depacketizer remembers between two packets of one frame. All zero before the first. */
struct depacketizer {
	bool is_open;     /* a NAL unit or OBU goes on in the next packet */
	size_t open_from; /* where it begins in the frame */
};

/** How many bytes payload_depacketize() may append for a payload of |size| bytes. */
static inline size_t payload_growth(size_t size)
{
	return 2 * size + 16;
}

/**
 * Append what one packet carries to the frame in |out|, in the form that decoders take: H.264 as Annex B with 4-byte
 * start codes, AV1 as OBUs with sizes and without temporal delimiters, all others as they are.
 *
 * @param state    of this frame; the packets come in order, without a gap
 * @param payload  without RTP header and padding, not empty
 * @param out      the frame so far; has room for payload_growth(size) more
 * WLK_ERR_PARSE: malformed, or it does not go on where the packet before it stopped: the frame is lost. |info|
 * is then not written. WLK_ERR_UNSUPPORTED: the codec has no frames.
 */
wlk_err payload_depacketize(enum rtp_codec codec, struct depacketizer *state, struct payload_info *info,
			    struct bytes_writer *out, const uint8_t *payload, size_t size) WLK_NODISCARD;

/** True when the frame can end here: nothing is open. */
static inline bool payload_is_whole(const struct depacketizer *state)
{
	return !state->is_open;
}

/* ---- a frame into packets ---- */

enum { PAYLOAD_SIZE_MIN = 64 }; /* smallest packet that a packetizer makes */

struct packetizer {
	enum rtp_codec codec;
	struct payload_info info;
	const uint8_t *data; /* the frame, borrowed */
	size_t size;
	size_t at;       /* next byte of the frame */
	size_t max_size; /* of a payload */
	size_t chunk, longer; /* VP8, VP9: size of a piece, and how many pieces have one byte more */
	size_t unit_end; /* H.264, AV1: end of the NAL unit or OBU that is under way; |at| is inside of it */
	size_t unit_at;  /* AV1: bytes of the element that are out */
	bool single_nal; /* H.264: packetization-mode 0 */
	bool started;
};

/**
 * Begin to cut a frame.
 *
 * @param info      what to say about it
 * @param frame     borrowed until the last packet; in the form that payload_depacketize() makes (H.264 with start codes
 *                  of 3 bytes too, AV1 with temporal delimiters, which are left out)
 * @param max_size  of a payload, at least PAYLOAD_SIZE_MIN
 * @param single_nal  H.264 packetization-mode 0: each NAL unit is a packet
 * WLK_ERR_INVALID: empty, or no bitstream of that codec. WLK_ERR_TOO_LARGE: it cannot be cut (audio, single NAL units).
 * WLK_ERR_UNSUPPORTED: the codec has no frames to cut (RED is written by red_write()).
 */
wlk_err packetizer_init(struct packetizer *p, enum rtp_codec codec, const struct payload_info *info, wlk_bytes frame,
			size_t max_size, bool single_nal) WLK_NODISCARD;

/**
 * The next payload, 1..max_size bytes into |out| (which has room for max_size).
 * @param last  set when it was the frame's last
 * @return false when the frame is through
 */
bool packetizer_next(struct packetizer *p, struct bytes_writer *out, bool *last);

/** No more packets than this come out; without running through the frame. */
size_t packetizer_bound(const struct packetizer *p);

/* ---- a look into the bitstream ---- */

/**
 * What the first bytes of a whole frame say: is_key, and width and height where they are there. A frame that
 * says nothing leaves |info| as it is. Never reads pixels.
 */
void payload_inspect(enum rtp_codec codec, wlk_bytes frame, struct payload_info *info);

#endif
