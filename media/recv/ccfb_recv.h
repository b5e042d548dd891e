/* Remembers when packets of each stream arrived, by their RTP sequence numbers, and writes the feedback of RFC 8888. */
#ifndef MEDIA_RECV_CCFB_RECV_H
#define MEDIA_RECV_CCFB_RECV_H

#include "core/seq.h"
#include "core/time.h"
#include "media/rtp/ccfb.h"

enum {
	CCFB_STREAMS_MAX = 32,    /* media and RTX */
	CCFB_WINDOW = 1024,       /* packets remembered of each */
	CCFB_INTERVAL_US = 50000, /* between messages while enough arrives */
	CCFB_LAZY_US = 100000,    /* a packet waits at most this long */
	CCFB_BUSY_PACKETS = 10,   /* "enough" */
	CCFB_FULL_PACKETS = 300,
	CCFB_IDLE_US = 30000000,  /* a stream silent for so long gives its place to another */
};

struct ccfb_stream {
	uint32_t ssrc;
	struct seq_unwrap unwrap;
	wlk_time arrivals[CCFB_WINDOW]; /* by seq modulo; -1: not arrived */
	int64_t low, next, high;        /* remembered from; not reported yet from; behind the newest */
	wlk_time last;
};

struct ccfb_recv {
	struct ccfb_stream *streams[CCFB_STREAMS_MAX];
	size_t stream_count;
	size_t waiting; /* packets since the last message */
	wlk_time last_sent;
	bool ever_sent;
	wlk_time deadline; /* WLK_TIME_NEVER: nothing to say */
};

void ccfb_recv_init(struct ccfb_recv *c);
void ccfb_recv_free(struct ccfb_recv *c);
/** A packet arrived at |now| (>= 0). What finds no place or no memory is not told of: to the sender it is as if the feedback were lost. */
void ccfb_recv_on_packet(struct ccfb_recv *c, wlk_time now, uint32_t ssrc, uint16_t seq);
/**
 * Write one message of at most |w|'s room (at least 400 bytes; no more than 1,000 are used). False when nothing is due. Call again while
 * deadline <= now.
 *
 * @param ntp_mid  |now| as the middle 32 bits of an NTP time
 */
bool ccfb_recv_write(struct ccfb_recv *c, wlk_time now, uint32_t ntp_mid, uint32_t sender_ssrc, struct bytes_writer *w);

#endif
