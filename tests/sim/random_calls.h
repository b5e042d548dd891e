/* What sim_random_api draws from: calls that do one thing to one of two connected peers, with arguments that are drawn too. */
#ifndef SIM_RANDOM_CALLS_H
#define SIM_RANDOM_CALLS_H

#include "sim.h"

enum { RANDOM_HANDLES = 16, RANDOM_TRANSCEIVERS = 12 };

/* In place of an error: there was nothing to make the call on. */
#define RANDOM_NOTHING ((wlk_err)1)

struct random_side {
	wlk_data_channel *channels[RANDOM_HANDLES]; /* not released */
	size_t channel_count;
	bool in_event; /* calls are made while an event is looked at */
};

struct random_run {
	struct random_side a, b;
	wlk_data_channel *main_a; /* never closed by a call */
	int echoes;
	bool closed;       /* somebody closed or destroyed a peer */
	bool is_over;      /* no more random calls inside events */
	bool end_in_event; /* the next random call inside an event is close or destroy */
	/*
	 * Signalling loses nothing that was applied: an answer reaches the offerer at once, and so does what becomes of an offer that the
	 * answerer has. Such runs never end divided.
	 */
	bool faithful;
	wlk_video_source *picture;
	wlk_audio_source *sound;
	wlk_video_sink *sink;
	wlk_ice_server server; /* "stun:stun.sim"; without a url there is none */
	uint64_t calls, refused;
	/* of the totals: what is rare and must not be never */
	uint64_t implicit_rollbacks, pranswers, restarts_while_gathering, ends_in_event, media_checked;
};

struct random_call {
	const char *name;
	uint32_t weight;
	/* Answers what the call did, or RANDOM_NOTHING. */
	wlk_err (*make)(struct sim *sim, struct sim_peer *peer, struct random_side *side);
};

struct random_table {
	const struct random_call *calls;
	size_t count;
};

/* Channels, transceivers and tracks, parameters, configuration, and a look at everything that can be read (random_calls.c). */
extern const struct random_table random_calls;
/* Packets, frames and raw media (random_media.c). */
extern const struct random_table random_media;
/* Descriptions, rollback, restarts (random_signalling.c). */
extern const struct random_table random_signalling;

/* Any of the peer's; NULL: it has none. */
wlk_transceiver *random_transceiver(struct sim *sim, struct sim_peer *peer);
wlk_rtp_sender *random_sender(struct sim *sim, struct sim_peer *peer);

void random_make_sources(struct sim *sim);
void random_release_sources(struct random_run *run);

struct random_run *random_run_of(struct sim *sim);

/* A refused call says why, and leaves the state where it was. */
void random_check(struct sim *sim, struct sim_peer *peer, wlk_err err, wlk_signaling_state before);

/*
 * Brings two open peers together again and checks that they agree: stable, the same sections, mirrored directions. False: one of
 * them has applied what the other never got, which only runs without faith may end with.
 */
bool random_agree_again(struct sim *sim);
/* After that: what is sent on each transceiver comes in on its like over there. */
void random_check_media(struct sim *sim);
/* For random_check_media(): a WLK_EVENT_RTP_PACKET. */
void random_take_packet(const wlk_event *event);

#endif
