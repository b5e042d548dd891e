/* Spreads packets over time by a byte budget: audio at once, then retransmissions, then video, then padding for probes. */
#ifndef MEDIA_CC_PACER_H
#define MEDIA_CC_PACER_H

#include "core/event_queue.h"
#include "core/pktbuf.h"
#include "core/time.h"
#include "media/cc/rate_meter.h"

enum pacer_class {
	PACER_AUDIO, /* not held back, but it spends budget */
	PACER_RETRANSMISSION,
	PACER_VIDEO,
	PACER_PADDING, /* repeats what was sent, for probes */
	PACER_CLASSES,
};

enum {
	PACER_QUEUE_MAX = 4096,
	PACER_FLOOR_BPS = 30000000, /* without an estimate */
	PACER_BURST_US = 5000,      /* of the rate may leave at once */
	PACER_BURST_MIN = 32000,    /* bytes; without an estimate */
	PACER_BURST_PACED_US = 2000, /* with an estimate: a timer that fires late costs no rate, and a queue sees single packets */
	PACER_LATE_US = 50000,      /* who comes so late sends at once what the time was good for */
	PACER_GROUP_US = 1000,      /* what follows within it leaves together, */
	PACER_GROUP_BPS = 20000000, /* from this rate on: there it is two packets */
	PACER_DRAIN_US = 250000,    /* a queue is emptied in this time whatever the rate: forwarding must not stall */
	PACER_DRAIN_PACED_US = 600000, /* the same where senders are told what there is room for */
};

/* A queued packet. Owns |buf|; |owner| and |meta| belong to whoever pushed it. */
struct pacer_item {
	struct pktbuf *buf;
	void *owner;
	wlk_time queued;
	uint8_t rtx_pt;
	bool is_rtx, is_protected, is_padding;
	uint16_t twcc_offset, time_offset, rid_offset, header_size;
};

struct pacer {
	struct event_queue queues[PACER_CLASSES]; /* of struct pacer_item */
	uint64_t queued_bytes, class_bytes[PACER_CLASSES];
	uint64_t rate_bps; /* set from outside; 0: by what is pushed */
	uint64_t hurry_bps; /* what waits for too long leaves faster than at |rate_bps|, but no faster than this; 0: no limit */
	uint64_t probe_bps; /* a probe is to leave at this rate; 0: none */
	bool wants_padding; /* for the probe, when nothing waits; gone when there is none to be had */
	struct rate_meter pushed, audio; /* audio: what left of it */
	int64_t budget_bytes; /* may be negative by one packet */
	wlk_time updated;
	wlk_time deadline; /* when the next packet may leave; WLK_TIME_NEVER: nothing waits */
};

wlk_err pacer_init(struct pacer *p) WLK_NODISCARD;
void pacer_free(struct pacer *p);
void pacer_set_rate(struct pacer *p, wlk_time now, uint64_t bps);
/** How fast what waits for too long may leave, 0: no limit. Beyond what the path carries it would only wait there, or be lost. */
void pacer_set_hurry(struct pacer *p, wlk_time now, uint64_t bps);
/** Let what leaves from here on follow at |bps|, 0: at the usual rate. |pad|: when nothing waits, padding is to be made. */
void pacer_set_probe(struct pacer *p, wlk_time now, uint64_t bps, bool pad);
/** A probe has to go on, and nothing waits. */
bool pacer_needs_padding(struct pacer *p, wlk_time now);
/** There was none: the probe goes on with the next packet that is pushed. */
void pacer_no_padding(struct pacer *p, wlk_time now);

/** Takes |item->buf| over, on success only. WLK_ERR_AGAIN: full. WLK_ERR_NOMEM. */
wlk_err pacer_push(struct pacer *p, wlk_time now, enum pacer_class prio, const struct pacer_item *item) WLK_NODISCARD;
/** The next packet that may leave now. */
bool pacer_pop(struct pacer *p, wlk_time now, struct pacer_item *out);
/** |bytes| left on the same path past this pacer: what waits here makes room for them. */
void pacer_spend(struct pacer *p, wlk_time now, size_t bytes);
/** Release all packets of |owner|. */
void pacer_forget(struct pacer *p, const void *owner);
/** At what rate audio leaves, whatever rate is set. */
uint64_t pacer_audio_bps(struct pacer *p, wlk_time now);
/** How many more packets pacer_push() takes. */
size_t pacer_room(const struct pacer *p);
/** How long the packets of a class would take to leave at the set rate [us]; 0: there is none. */
wlk_time pacer_wait(const struct pacer *p, enum pacer_class prio);
/** True when pacer_push() would answer WLK_ERR_AGAIN. */
bool pacer_is_full(const struct pacer *p);

#endif
