/*
 * Two SCTP associations and the path between them, in virtual time: loss, reordering, duplication and corruption from a
 * seed.
 */
#ifndef TESTS_SUPPORT_SCTP_PAIR_H
#define TESTS_SUPPORT_SCTP_PAIR_H

#include "core/pktbuf.h"
#include "sctp/assoc.h"

/* What the path does to packets; probabilities in 1/1000. */
struct sctp_path {
	wlk_time latency_us; /* one way */
	wlk_time jitter_us;  /* up to so much more, drawn for each packet: reorders */
	uint32_t loss;
	uint32_t duplicate;
	uint32_t corrupt;
};

struct sctp_flight {
	wlk_time at;
	uint64_t order;
	int to;
	size_t size;
	uint8_t *data;
};

struct sctp_pair;
typedef void (*sctp_pair_event_fn)(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event);
/* Sees every packet before the path does, may change it (room for 2,048 bytes); false takes it away. */
typedef bool (*sctp_pair_tap_fn)(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size);

struct sctp_pair {
	struct sctp_assoc *side[2]; /* 0: DTLS client */
	struct sctp_path path;
	uint64_t random;
	wlk_time now;
	struct sctp_flight *flights;
	size_t flight_count;
	size_t flight_capacity;
	uint64_t order;
	sctp_pair_event_fn on_event;
	sctp_pair_tap_fn tap;
	void *user;
	uint64_t packets;
	uint64_t lost;
	size_t largest; /* packet seen [bytes] */

	/* Learnt from the packets, for those who forge some in the name of a side. */
	uint32_t tag[2];      /* what packets to this side carry */
	uint32_t next_tsn[2]; /* of the next DATA chunk from this side */
};

/* Associations in state NEW; |config| may be NULL. Virtual time of the process starts again at one second. */
void sctp_pair_init(struct sctp_pair *pair, const struct sctp_path *path, uint64_t seed,
		    const struct sctp_assoc_config *config);
void sctp_pair_free(struct sctp_pair *pair);
/* Start both at once; |mtu| 0: the default. */
void sctp_pair_start(struct sctp_pair *pair, size_t mtu);
/* Poll events and packets of both sides until there are none, then go to the next moment at which something happens. */
void sctp_pair_step(struct sctp_pair *pair);
/* Only the polling: time stands still. */
void sctp_pair_drain(struct sctp_pair *pair);
/* Step until |done| answers true; false when |limit_us| of virtual time passed before. */
bool sctp_pair_run(struct sctp_pair *pair, wlk_time limit_us, bool (*done)(struct sctp_pair *pair));
/* Step for this long. */
void sctp_pair_pass(struct sctp_pair *pair, wlk_time us);
/* Uniform in [0, bound). */
uint32_t sctp_pair_random(struct sctp_pair *pair, uint32_t bound);
bool sctp_pair_connected(struct sctp_pair *pair);

/*
 * Forge one packet with the chunks in |chunks|, as if |from| had sent it, and feed it to the other side at once. Ports,
 * tag and checksum are right.
 */
void sctp_pair_forge(struct sctp_pair *pair, int from, const uint8_t *chunks, size_t size);
/* The same for one whole DATA chunk with the next TSN, |flags| of RFC 9260 3.3.1 (U 4, B 2, E 1). */
void sctp_pair_forge_data(struct sctp_pair *pair, int from, uint16_t stream, uint16_t ssn, uint32_t ppid, uint8_t flags,
			  const void *data, size_t size);

/* The wall clock that usrsctp sees: gettimeofday() of the test executable. */
void sctp_clock_set(wlk_time now);

#endif
