/* The RTP fixed header, CSRC list, extension block and padding (RFC 3550 5.1): a view for reading and a writer. */
#ifndef MEDIA_RTP_PACKET_H
#define MEDIA_RTP_PACKET_H

#include "core/bytes.h"
#include "core/err.h"

enum {
	RTP_HEADER_SIZE = 12, /* without CSRCs and extension */
	RTP_CSRC_MAX = 15,
	RTP_PT_NONE = 0xff, /* "no such payload type" in configurations */
};

/* What may be read before SRTP said that the packet is authentic (R18): the fixed header and nothing behind it. */
struct rtp_peek {
	uint32_t ssrc;
	uint32_t timestamp;
	uint16_t seq;
	uint8_t pt;
};

/* One packet as views into the bytes it was parsed from. */
struct rtp_packet {
	bool marker;
	uint8_t pt; /* 0..127 */
	uint16_t seq;
	uint32_t timestamp;
	uint32_t ssrc;
	uint8_t csrc_count;
	const uint8_t *csrc;  /* csrc_count * 4 bytes, network order */
	bool has_ext;         /* the X bit */
	uint16_t ext_profile; /* 0xBEDE or 0x100x for RFC 8285 */
	wlk_bytes ext;        /* content of the block behind its 4-byte head; whole words, may be empty */
	wlk_bytes payload;    /* without padding; empty in a packet of only padding */
	uint8_t padding;      /* padding bytes including the count byte; 0: none */
	size_t header_size;   /* bytes in front of the payload */
};

/**
 * Tell RTCP from RTP on one port by the second byte (RFC 5761 4): 192..223 is RTCP.
 * False when there are fewer than two bytes.
 */
static inline bool rtp_is_rtcp(const uint8_t *data, size_t size)
{
	return size >= 2 && data[1] >= 192 && data[1] <= 223;
}

/**
 * Read the fixed header of a packet that is not authenticated yet.
 * False when it is shorter than 12 bytes or not version 2; |out| is then untouched.
 */
bool rtp_peek(struct rtp_peek *out, const uint8_t *data, size_t size);

/**
 * Parse a decrypted packet; allocates nothing, |out| borrows |data|.
 * WLK_ERR_PARSE: version not 2, CSRCs or extension block past the end, padding count 0 or larger than
 * what follows the header (R23).
 */
wlk_err rtp_parse(struct rtp_packet *out, const uint8_t *data, size_t size) WLK_NODISCARD;

/**
 * Write the fixed header and the CSRC list of |p|. The X bit is set from has_ext and the P bit from padding;
 * the extension block (ext.h), payload and padding follow by the caller.
 */
void rtp_write_header(struct bytes_writer *w, const struct rtp_packet *p);

/** Write the whole packet: header, CSRCs, extension block as it stands, payload, padding. */
void rtp_write(struct bytes_writer *w, const struct rtp_packet *p);

#endif
