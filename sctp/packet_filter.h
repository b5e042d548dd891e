/*
 * Refuses SCTP packets that usrsctp 0.9.5.0 should not see (R28): structure, ports, tags and checksum, before it
 * parses.
 */
#ifndef SCTP_PACKET_FILTER_H
#define SCTP_PACKET_FILTER_H

#include "core/err.h"

enum {
	PACKET_HEADER_SIZE = 12,
	PACKET_CHUNKS_MAX = 128,
	PACKET_PARAMS_MAX = 32, /* parameters in one INIT or INIT ACK */
};

/* Chunk types (RFC 9260 3.2, RFC 6525, RFC 3758, RFC 4820) that the filter and the shim know. */
enum {
	CHUNK_DATA = 0,
	CHUNK_INIT = 1,
	CHUNK_INIT_ACK = 2,
	CHUNK_SACK = 3,
	CHUNK_HEARTBEAT = 4,
	CHUNK_HEARTBEAT_ACK = 5,
	CHUNK_ABORT = 6,
	CHUNK_SHUTDOWN = 7,
	CHUNK_SHUTDOWN_ACK = 8,
	CHUNK_ERROR = 9,
	CHUNK_COOKIE_ECHO = 10,
	CHUNK_COOKIE_ACK = 11,
	CHUNK_ECNE = 12,
	CHUNK_CWR = 13,
	CHUNK_SHUTDOWN_COMPLETE = 14,
	CHUNK_AUTH = 15,
	CHUNK_NR_SACK = 16,
	CHUNK_I_DATA = 64,
	CHUNK_ASCONF_ACK = 0x80,
	CHUNK_PKTDROP = 0x81,
	CHUNK_RE_CONFIG = 0x82,
	CHUNK_PAD = 0x84,
	CHUNK_FORWARD_TSN = 0xc0,
	CHUNK_ASCONF = 0xc1,
	CHUNK_I_FORWARD_TSN = 0xc2,
};

/* RFC 9653 3: the parameter that says "I accept packets without a checksum, because DTLS checks". */
enum { PARAM_ZERO_CHECKSUM = 0x8001, PARAM_ZERO_CHECKSUM_SIZE = 8, ZERO_CHECKSUM_DTLS = 1 };

enum packet_verdict {
	PACKET_OK,
	PACKET_TOO_SHORT,     /* no room for the header and one chunk */
	PACKET_WRONG_PORT,    /* not the negotiated ports */
	PACKET_BAD_CHECKSUM,  /* CRC32c */
	PACKET_WRONG_TAG,     /* verification tag, RFC 9260 8.5 */
	PACKET_BAD_LENGTH,    /* a chunk below 4 bytes or reaching outside of the packet */
	PACKET_TOO_MANY,      /* chunks or parameters */
	PACKET_BUNDLED,       /* INIT, INIT ACK or SHUTDOWN COMPLETE not alone; COOKIE ECHO not first */
	PACKET_REFUSED_CHUNK, /* a chunk type that we never negotiate */
	PACKET_REFUSED_PARAM, /* an address parameter, or one that does not belong there */
	PACKET_BAD_BODY,      /* a chunk whose inside does not fit its length */
};

/* What the filter knows of one association. Zero-initialised and then the ports set. */
struct packet_filter {
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t init_tag;     /* the tag that our INIT announced; 0: none yet */
	uint32_t init_ack_tag; /* the tag that our INIT ACK announced */
	uint32_t peer_tag;     /* the tag that our packets carry */
	uint32_t sacked_tsn;   /* the cumulative TSN of our newest SACK */
	bool zero_checksum_rx; /* we announced RFC 9653: checksum 0 is as good as the right one */
	bool zero_checksum_tx; /* the other side announced it */
};

/* Judge one packet; changes nothing. */
enum packet_verdict packet_filter_check(const struct packet_filter *filter, const uint8_t *packet, size_t size);
/* A word for logs. */
const char *packet_verdict_name(enum packet_verdict verdict);

/* Look at a packet that we are about to send: learns the tags and what we acknowledge. */
void packet_filter_learn_output(struct packet_filter *filter, const uint8_t *packet, size_t size);
/* Look at an accepted packet: learns from its INIT or INIT ACK the first TSN and whether it announced RFC 9653. */
void packet_filter_learn_input(struct packet_filter *filter, const uint8_t *packet, size_t size);
/* True when the checksum of this outgoing packet may be left zero (RFC 9653 5.2: never of INIT, COOKIE ECHO). */
bool packet_filter_may_omit_checksum(const struct packet_filter *filter, const uint8_t *packet, size_t size);

/* The type of the first chunk; -1 for a packet too short to have one. */
int packet_first_chunk(const uint8_t *packet, size_t size);
/* CRC32c over the packet with its checksum field taken as zero, as it stands in the field (RFC 9260 appendix A). */
uint32_t packet_checksum(const uint8_t *packet, size_t size);
void packet_write_checksum(uint8_t *packet, size_t size);

#endif
