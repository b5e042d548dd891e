/* Remembers when packets with a transport-wide sequence number arrived and writes the feedback about them. */
#ifndef MEDIA_RECV_TWCC_RECV_H
#define MEDIA_RECV_TWCC_RECV_H

#include "core/seq.h"
#include "core/time.h"
#include "media/rtp/twcc.h"

enum {
	TWCC_WINDOW = 8192,       /* sequence numbers remembered */
	TWCC_INTERVAL_US = 50000, /* between messages while enough arrives */
	TWCC_LAZY_US = 100000,    /* a packet waits at most this long */
	TWCC_BUSY_PACKETS = 10,   /* "enough" */
	TWCC_FULL_PACKETS = 500,  /* at high rates: do not wait until one message cannot hold them */
	TWCC_BACK_US = 500000,    /* a late packet reopens what was reported up to this long ago */
};

struct twcc_recv {
	struct seq_unwrap unwrap;
	wlk_time *arrivals; /* TWCC_WINDOW, by seq modulo; -1: not arrived. NULL until the first packet */
	int64_t low;        /* the oldest number remembered */
	int64_t next;       /* the first number not reported yet */
	int64_t high;       /* behind the newest that arrived; next == high: nothing to say */
	size_t waiting;     /* packets arrived since the last message */
	wlk_time last_sent;
	bool ever_sent;
	wlk_time deadline; /* of the next message; WLK_TIME_NEVER: nothing to say */
	uint8_t feedback_count;
	uint32_t media_ssrc; /* of the newest packet */
};

void twcc_recv_init(struct twcc_recv *t);
void twcc_recv_free(struct twcc_recv *t);

/**
 * A packet with transport-wide number |seq| arrived at |now| (>= 0; batches read late may give times behind those of
 * other calls). |media_ssrc| is the media SSRC it belongs to (for RTX: of the repaired stream), because libwebrtc takes
 * feedback only when it names a media SSRC of its own.
 */
void twcc_recv_on_packet(struct twcc_recv *t, wlk_time now, uint16_t seq, uint32_t media_ssrc);

/**
 * Write one feedback message of at most |w|'s room (at least 400 bytes; no more than 1,000 are used). False when
 * nothing is due. Call again while deadline <= now: a long gap or a full message makes several.
 */
bool twcc_recv_write(struct twcc_recv *t, wlk_time now, uint32_t sender_ssrc, struct bytes_writer *w);

#endif
