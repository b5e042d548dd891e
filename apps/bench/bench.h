/*
 * One benchmark case in one of its two processes.
 *
 * The near process offers, sends, measures and prints; the far one answers. Signalling and reports go over a line
 * between them (link.h):
 *
 *   near: offer {n, sdp}      far: answer {n, sdp}, open {n, at}
 *   near: close {n}           far: forgets connection n
 *   near: usage               far: usage {cpu, count, at}
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <jansson.h>
#include <wirelark/wirelark.h>

#include "options.h"

struct bench;

/* One connection; both processes number theirs alike. */
struct conn {
	struct conn *next;
	struct bench *bench;
	int n;
	wlk_peer_connection *pc;
	wlk_data_channel *channel;
	wlk_transceiver *video;
	bool described;            /* our description is on its way */
	int64_t started;           /* near: just before the connection was created [us] */
	int64_t open_here, open_there; /* 0: not yet */
};

struct bench_case {
	const char *name;
	bool standard;       /* part of a run without a case's name */
	bool media;          /* a video sender instead of a data channel */
	bool flood;          /* RTP as fast as it is taken, at no steady rate */
	size_t message_size; /* bulk */

	void (*start)(struct bench *b);                                /* near: open connections */
	void (*ready)(struct conn *c);                                 /* near: open at both ends */
	void (*near_event)(struct conn *c, const wlk_event *event);    /* near */
	void (*far_event)(struct conn *c, const wlk_event *event);     /* far */
	/* near: the answer to bench_ask_usage() */
	void (*far_usage)(struct bench *b, int64_t cpu_us, uint64_t count, int64_t at);
};

extern const struct bench_case bulk_16k, bulk_1k, bulk_64k, pingpong, setup_sequential, setup_at_once, rtp, rtp_flood;

struct bench {
	const struct bench_options *options;
	const struct bench_case *what;
	wlk_loop *loop;
	int fd; /* the line */
	bool near, done, failed;
	struct conn *first;
	json_t *report; /* near: what is printed at the end */

	/* Counters of the far process, for the cases. */
	uint64_t count;   /* messages, bytes or packets that came */
	int64_t latest;   /* when the latest came [us] */
	void *state;      /* near: the case's own */
};

/* Near: create connection |n| and send its offer. */
bool conn_offer(struct bench *b, int n);
/* Near: destroy a connection at both ends. */
void conn_close(struct conn *c);
/* Handle a line of the other process. Takes |message| over. On the loop's thread. */
void conn_on_line(struct bench *b, json_t *message);
void conn_destroy_all(struct bench *b);

/* Near: ask the far process for its CPU time and counters; far_usage() gets the answer. */
void bench_ask_usage(struct bench *b);
/* Far: answer that. Also unasked, when all has come. */
void bench_tell_usage(struct bench *b);
/* Near: the case is over: print the report. */
void bench_finish(struct bench *b);
void bench_fail(struct bench *b, const char *why);

#endif
