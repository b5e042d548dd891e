/* Probe clusters: a few packets sent faster than the estimate, and what their arrival says about the path. */
#ifndef MEDIA_CC_PROBE_H
#define MEDIA_CC_PROBE_H

#include "core/err.h"
#include "media/cc/sent_history.h"

enum {
	PROBE_CLUSTERS = 4, /* waiting, or on their way */
	PROBE_PACKETS_MIN = 5,
	PROBE_SPAN_US = 15000,      /* of sending */
	PROBE_START_MAX_US = 1000000, /* a cluster that found nothing to be sent is given up */
	PROBE_ANSWER_MAX_US = 1500000,
	PROBE_FLIGHT_US = 500000,
};

/* Times [us] over bytes, for the line that lies closest to them: single packets that come late or early turn it but little. */
struct probe_line {
	uint32_t count;
	wlk_time origin; /* the first time */
	double bytes, time, bytes_bytes, bytes_time;
};

struct probe_cluster {
	uint16_t id; /* CC_NO_CLUSTER: free */
	uint64_t bps;
	wlk_time asked;
	bool sending, sent;
	uint32_t packets;
	uint64_t bytes;
	wlk_time first_sent;
	uint32_t acked;
	uint64_t acked_bytes;
	struct probe_line sent_line, arrival_line; /* of those that arrived */
};

struct probe_control {
	struct probe_cluster clusters[PROBE_CLUSTERS];
	uint16_t last_id;
};

void probe_init(struct probe_control *p);
/** Ask for a cluster at |bps|; forgotten when there are PROBE_CLUSTERS already. */
void probe_ask(struct probe_control *p, wlk_time now, uint64_t bps);
/** Forget those whose packets have not left yet. */
void probe_cancel(struct probe_control *p);
/** The cluster that what leaves now belongs to, NULL: none. Gives up what waited for too long. */
struct probe_cluster *probe_current(struct probe_control *p, wlk_time now);
bool probe_is_waiting(const struct probe_control *p);
/** Some cluster has no result yet. */
bool probe_is_pending(const struct probe_control *p);
/** Packets of a cluster are under way, and may fill the queue of the path. */
bool probe_is_in_flight(const struct probe_control *p, wlk_time now);
/** A packet of probe_current() left. */
void probe_on_sent(struct probe_control *p, struct probe_cluster *c, wlk_time now, size_t size);

struct probe_result {
	uint64_t asked_bps;
	uint64_t sent_bps;     /* at which the cluster really left */
	uint64_t received_bps; /* at which it arrived */
};

/** A packet of a cluster arrived; true: the cluster has a result. */
bool probe_on_received(struct probe_control *p, const struct cc_packet *packet, struct probe_result *out);

#endif
