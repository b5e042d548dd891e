/* A call to attack: two peers with a channel and video both ways, and the hands of somebody who forges, copies and holds back. */
#ifndef SIM_ATTACK_H
#define SIM_ATTACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/bytes.h"
#include "sim.h"

/* Where a and b are, and a stranger on the host of b. */
extern const wlk_addr address_a, address_b, stranger;

struct capture {
	struct sim_peer *from;
	size_t size;
	uint8_t data[2048];
};

struct attack {
	wlk_data_channel *channel;
	wlk_transceiver *track_a, *track_b;
	int echoes, packets_b, key_frame_requests_a;
	int closed; /* FAILED or CLOSED of any peer */
	wlk_time open_a, open_b;
	/* of the filters */
	struct capture *captures;
	size_t capture_count, capture_capacity;
	wlk_time until;
	bool active;
	uint64_t to_stranger, bytes_to_stranger;
};

struct attack *attack_of(struct sim *sim);
bool call_is_open(struct sim *sim);
/* A sim with one channel, not signalled. */
void call_start(struct sim *sim, const struct sim_config *config, struct attack *attack, sim_filter_fn filter);
/* The same with video, signalled and connected. */
void call_connect(struct sim *sim, const struct sim_config *config, struct attack *attack, sim_filter_fn filter);
void call_end(struct sim *sim);
/* A message comes back, and nobody failed or closed. */
void expect_call_is_well(struct sim *sim);
/* Give |to| a datagram that seems to come from |from|. */
void inject(struct sim *sim, struct sim_peer *to, const wlk_addr *from, const void *data, size_t size);
const wlk_addr *address_of(struct sim *sim, const struct sim_peer *peer);
/* Video packets of a. */
void send_packets(struct sim *sim, int count, wlk_time interval);
bool is_media(const uint8_t *data, size_t size);
bool is_rtcp(const uint8_t *data);
bool is_dtls(const uint8_t *data, size_t size);
/* Append to the captures. */
void capture_datagram(struct sim *sim, struct sim_peer *from, const wlk_datagram *d);
/* Whether the datagram goes to the stranger, who is not there; counts it. */
bool note_stranger(struct sim *sim, const wlk_datagram *d);

#endif
