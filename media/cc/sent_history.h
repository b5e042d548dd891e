/* The packets that left with a transport-wide sequence number: what feedback about them is matched with. */
#ifndef MEDIA_CC_SENT_HISTORY_H
#define MEDIA_CC_SENT_HISTORY_H

#include "core/err.h"
#include "core/time.h"

enum {
	SENT_HISTORY_MIN = 512,
	SENT_HISTORY_MAX = 32768, /* half of the number space: more in flight could not be told apart */
	SENT_HISTORY_AGE_US = 10000000,
	SENT_CARRIED_MAX = 65536, /* bytes */
	CC_NO_CLUSTER = 0,
};

/* What feedback says of one packet, with what we know of it. */
struct cc_packet {
	int64_t seq;      /* without wrap */
	wlk_time sent;    /* our clock */
	wlk_time arrival; /* the receiver's clock, of unknown origin; when received */
	uint32_t size;    /* bytes on the path */
	uint32_t carried; /* bytes of packets without numbers that left in front of it: they arrive when it does */
	uint16_t cluster; /* of probes; CC_NO_CLUSTER */
	bool received;
	bool was_lost; /* reported as lost earlier */
};

enum sent_state { SENT_NOTHING, SENT_IN_FLIGHT, SENT_LOST, SENT_RECEIVED };

struct sent_item {
	wlk_time sent;
	uint32_t size, carried;
	uint16_t cluster;
	uint8_t state; /* enum sent_state */
};

struct sent_history {
	struct sent_item *items; /* |capacity|, a power of two, by seq modulo; NULL until the first packet */
	size_t capacity;
	int64_t next;    /* the number that the next packet gets */
	int64_t acked;   /* behind the newest number that feedback spoke of */
	int64_t count;   /* numbers remembered, below |next| */
	uint32_t carried; /* by the next packet */
};

void sent_history_init(struct sent_history *h, uint16_t first_seq);
void sent_history_free(struct sent_history *h);

/** The sixteen bits that the next packet carries. */
static inline uint16_t sent_history_next(const struct sent_history *h)
{
	return (uint16_t)h->next;
}

/** A packet with the next number leaves. Without memory it is sent all the same, and feedback about it is not understood. */
void sent_history_add(struct sent_history *h, wlk_time now, size_t size, uint16_t cluster);

/** |size| bytes leave on the same path that no feedback speaks of. */
void sent_history_carry(struct sent_history *h, size_t size);

/**
 * What is said of the packet |seq|. False, and nothing changed: it was never sent, is too old, or nothing new is said:
 * a received packet stays received, a lost one may still turn up.
 */
bool sent_history_on_status(struct sent_history *h, uint16_t seq, bool received, wlk_time arrival, struct cc_packet *out);

/** When the oldest packet above the newest acknowledged one left; WLK_TIME_NEVER: none is in flight. */
wlk_time sent_history_waiting_since(const struct sent_history *h);

#endif
