/* A key frame that waits behind a hole: once it is whole, what is missing in front of it is of no use any more. */
#ifndef MEDIA_RECV_KEY_AHEAD_H
#define MEDIA_RECV_KEY_AHEAD_H

#include "media/recv/reorder.h"
#include "media/rtp/packet.h"
#include "media/rtp/payload.h"

/* All zero: none is known. */
struct key_ahead {
	bool is_known, is_whole;
	int64_t first; /* extended sequence number of its first packet */
	int64_t next;  /* so far its packets are there */
	uint32_t timestamp;
};

/** A packet is held behind a hole. Takes note when a key frame begins in it, and its payload proves that; a later one wins. */
void key_ahead_note(struct key_ahead *k, int64_t seq, const struct rtp_packet *p, enum rtp_codec codec);
/** True when all packets of the key frame are held in |order|. One that was left behind is forgotten. */
bool key_ahead_is_whole(struct key_ahead *k, const struct reorder *order);

#endif
