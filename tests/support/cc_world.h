/* A bottleneck in virtual time that media flows (engine to engine, with a synthetic encoder) and TCP flows share. */
#ifndef SUPPORT_CC_WORLD_H
#define SUPPORT_CC_WORLD_H

#include "core/time.h"
#include "media/engine.h"
#include "synthetic_encoder.h"
#include "tcp_flow.h"

#define CC_MS ((wlk_time)1000)

enum { CC_FLOWS = 4, CC_SAMPLES = 65536, CC_PACKETS = 262144, CC_RING = 16384, CC_SECONDS = 600 };

struct cc_flight {
	wlk_time arrival;
	size_t flow;
	struct pktbuf *buf; /* media; NULL: a TCP segment or acknowledgement */
	bool rtcp;
	uint64_t number;    /* of TCP */
};

/* One direction: a queue with a rate behind it, then a delay. What goes in first comes out first. */
struct cc_pipe {
	uint64_t rate_bps; /* 0: no limit */
	wlk_time queue, delay, free_at;
	uint32_t loss; /* of 10,000 */
	wlk_time awake, asleep; /* means: what would arrive during a sleep arrives at its end; 0: it never sleeps */
	wlk_time sleep_from, sleep_to;
	struct cc_flight ring[CC_RING];
	size_t first, count;
	uint64_t lost, dropped; /* by chance, by the full queue */
};

enum cc_flow_kind { CC_MEDIA, CC_RENO, CC_CUBIC };

struct cc_flow {
	enum cc_flow_kind kind;
	wlk_time begins;
	struct media_engine *from, *to;
	struct synthetic_encoder encoder;
	struct tcp_flow tcp;
	bool tcp_runs;
	uint64_t arrived_bytes;                /* behind the bottleneck */
	uint64_t by_second[CC_SECONDS];        /* the same, per second */
	uint64_t targets[CC_SECONDS];          /* lowest target of each second */
	uint64_t dropped_by_second[CC_SECONDS];
	uint64_t frames_late;
};

struct cc_world {
	wlk_time now;
	uint64_t random;
	struct cc_pipe there, back;
	struct cc_flow flows[CC_FLOWS];
	size_t flow_count;
	struct {
		wlk_time at, waiting;
	} samples[CC_SAMPLES]; /* of the queue, every 10 ms */
	size_t sample_count;
	struct {
		wlk_time at, waiting;
	} packets[CC_PACKETS]; /* how long each had to wait before its own bits left */
	size_t packet_count;
	wlk_time next_sample;
	int verbose; /* print the state so often [ms]; 0: never */
};

void cc_world_init(struct cc_world *w, uint64_t seed, uint64_t rate_bps, wlk_time queue, wlk_time round_trip);
void cc_world_free(struct cc_world *w);
struct cc_flow *cc_world_add(struct cc_world *w, enum cc_flow_kind kind, wlk_time begins);
void cc_world_run(struct cc_world *w, wlk_time until);

/** Share of |rate_bps| that a flow got between two seconds. */
double cc_flow_share(const struct cc_flow *f, size_t from_second, size_t to_second, uint64_t rate_bps);
/** A quantile (0..1) of the time that packets waited in the queue [us]. */
wlk_time cc_world_queue(const struct cc_world *w, wlk_time from, wlk_time to, double quantile);
/** When the queue is shorter than |limit| for half a second, after |from|; WLK_TIME_NEVER. */
wlk_time cc_world_clean(const struct cc_world *w, wlk_time from, wlk_time limit);

#endif
