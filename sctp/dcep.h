/* DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK, the two messages of the Data Channel Establishment Protocol (RFC 8832). */
#ifndef SCTP_DCEP_H
#define SCTP_DCEP_H

#include "core/err.h"

/* SCTP payload protocol identifiers (RFC 8831 8). */
enum {
	PPID_DCEP = 50,
	PPID_STRING = 51,
	PPID_BINARY_PARTIAL = 52, /* deprecated: a fragment of a message that ends with PPID_BINARY */
	PPID_BINARY = 53,
	PPID_STRING_PARTIAL = 54, /* deprecated */
	PPID_STRING_EMPTY = 56,   /* one zero byte that is not part of the message */
	PPID_BINARY_EMPTY = 57,
};

enum { DCEP_TYPE_ACK = 0x02, DCEP_TYPE_OPEN = 0x03 };

/* Channel types of RFC 8832 5.1; the unordered ones have the top bit set. */
enum {
	DCEP_RELIABLE = 0x00,
	DCEP_PARTIAL_RELIABLE_REXMIT = 0x01,
	DCEP_PARTIAL_RELIABLE_TIMED = 0x02,
	DCEP_UNORDERED = 0x80,
};

enum { DCEP_OPEN_HEADER_SIZE = 12, DCEP_ACK_SIZE = 1 };
/* R31: the longest label and protocol that are accepted from the other side [bytes]. */
enum { DCEP_TEXT_MAX = 1024 };

struct dcep_open {
	uint8_t channel_type;
	uint16_t priority;
	uint32_t reliability; /* retransmissions or milliseconds; ignored for reliable types */
	wlk_bytes label;      /* views into the parsed message */
	wlk_bytes protocol;
};

/*
 * Parse a DATA_CHANNEL_OPEN. WLK_ERR_PARSE when it is none, its lengths are not exactly the rest of the message or its
 * channel type is unknown; WLK_ERR_TOO_LARGE for texts above DCEP_TEXT_MAX (R31).
 */
wlk_err dcep_open_parse(struct dcep_open *out, const uint8_t *data, size_t size);
/* Bytes that dcep_open_write() needs. */
size_t dcep_open_size(const struct dcep_open *open);
/* WLK_ERR_NOSPACE when |capacity| is less than that, WLK_ERR_INVALID when a text is above 65,535 bytes. */
wlk_err dcep_open_write(const struct dcep_open *open, uint8_t *out, size_t capacity);

/* True for a DATA_CHANNEL_ACK. RFC 8832 5.2 has one byte; more is taken for padding of a later version. */
bool dcep_is_ack(const uint8_t *data, size_t size);
bool dcep_is_open(const uint8_t *data, size_t size);

#endif
