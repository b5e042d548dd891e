/* What is in flight, for statistics: usrsctp tells neither the bytes nor the repetitions, so packets are watched at the border. */
#ifndef SCTP_FLIGHT_H
#define SCTP_FLIGHT_H

#include "core/err.h"

enum { FLIGHT_CHUNKS_MAX = 65536 };

/* Zero-initialised: nothing was sent. */
struct flight {
	bool started;
	bool lost_count;    /* too many chunks, or no memory: not known until all that was sent is acknowledged */
	uint32_t acked_tsn; /* cumulative */
	uint32_t next_tsn;  /* behind the highest that was sent */
	uint16_t *sizes;    /* by TSN modulo |capacity|, a power of two; 0: acknowledged in a gap block */
	size_t capacity;
	uint64_t bytes;
	uint64_t repeated;  /* DATA chunks sent again */
};

void flight_free(struct flight *f);

/* A packet of ours that leaves, and one of the peer that packet_filter_check() accepted. */
void flight_on_output(struct flight *f, const uint8_t *packet, size_t size);
void flight_on_input(struct flight *f, const uint8_t *packet, size_t size);

/* User data sent and not acknowledged (RFC 9260 1.3 "Flightsize") [bytes]; false: not known. */
bool flight_size(const struct flight *f, uint64_t *out);

#endif
