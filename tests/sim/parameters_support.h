/* What the simulations of parameters and tones share: a pair of peers, and what is seen of their events. */
#ifndef TESTS_SIM_PARAMETERS_SUPPORT_H
#define TESTS_SIM_PARAMETERS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "sim.h"

enum { LAYERS = 3, EVENTS_MAX = 256, TONES_MAX = 32 };

struct tone_packet {
	bool marker, end;
	uint8_t event;
	uint16_t duration;
	uint32_t timestamp;
	wlk_time arrival;
};

struct seen {
	size_t packets[LAYERS], other_packets; /* by the first character of the rid: "a", "b", "c" */
	uint32_t ssrcs[LAYERS];
	size_t key_frames[LAYERS], key_frames_without_rid;
	uint64_t limit;
	struct tone_packet tones[EVENTS_MAX];
	size_t tone_packets, audio_packets;
	uint64_t last_audio_sequence;
	char tone_events[TONES_MAX + 1];
	wlk_time tone_at[TONES_MAX];
	size_t tone_event_count;
	bool rows_over;
	uint8_t tone_type;
	/* telephone events that b was told of */
	wlk_transceiver *remote;
	char heard[4 * TONES_MAX + 1];
	size_t heard_count, heard_updates;
	wlk_time heard_duration;
};

static inline void note_tone(struct seen *seen, const wlk_rtp_packet *packet)
{
	struct tone_packet *tone = &seen->tones[seen->tone_packets++];

	assert_true(seen->tone_packets <= EVENTS_MAX);
	assert_int_equal(packet->payload_size, 4);
	*tone = (struct tone_packet){
		.marker = packet->marker,
		.event = packet->payload[0],
		.end = packet->payload[1] & 0x80,
		.duration = (uint16_t)(packet->payload[2] << 8 | packet->payload[3]),
		.timestamp = packet->timestamp,
		.arrival = packet->arrival,
	};
}

static inline void on_packet(struct seen *seen, const wlk_event *ev)
{
	const wlk_rtp_packet *packet = ev->u.rtp.packet;

	if (wlk_transceiver_kind(ev->u.rtp.transceiver) == WLK_MEDIA_AUDIO) {
		if (seen->last_audio_sequence)
			assert_int_equal(packet->sequence, seen->last_audio_sequence + 1);
		seen->last_audio_sequence = packet->sequence;
		if (packet->payload_type == seen->tone_type)
			note_tone(seen, packet);
		else
			seen->audio_packets++;
		return;
	}
	if (!packet->rid || packet->rid[0] < 'a' || packet->rid[0] >= 'a' + LAYERS) {
		seen->other_packets++;
		return;
	}
	seen->packets[packet->rid[0] - 'a']++;
	seen->ssrcs[packet->rid[0] - 'a'] = packet->ssrc;
}

/* "5(" for a beginning, "5)" for an end. */
static inline void on_telephone_event(struct seen *seen, const wlk_event *ev)
{
	assert_ptr_equal(ev->u.dtmf.transceiver, seen->remote);
	if (ev->u.dtmf.phase == WLK_DTMF_UPDATE) {
		seen->heard_updates++;
		return;
	}
	assert_true(seen->heard_count + 2 < sizeof(seen->heard));
	seen->heard[seen->heard_count++] = ev->u.dtmf.tone;
	seen->heard[seen->heard_count++] = ev->u.dtmf.phase == WLK_DTMF_BEGIN ? '(' : ')';
	if (ev->u.dtmf.phase == WLK_DTMF_END)
		seen->heard_duration = ev->u.dtmf.duration;
}

static inline void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = sim->user;

	if (ev->type == WLK_EVENT_RTP_PACKET && peer == &sim->b)
		on_packet(seen, ev);
	if (ev->type == WLK_EVENT_TRACK && peer == &sim->b)
		seen->remote = ev->u.track.transceiver;
	if (ev->type == WLK_EVENT_DTMF)
		on_telephone_event(seen, ev);
	if (peer != &sim->a)
		return;
	if (ev->type == WLK_EVENT_KEY_FRAME_REQUEST) {
		const char *rid = ev->u.key_frame_request.rid;

		assert_ptr_equal(ev->u.key_frame, ev->u.key_frame_request.transceiver);
		if (rid)
			seen->key_frames[rid[0] - 'a']++;
		else
			seen->key_frames_without_rid++;
	}
	if (ev->type == WLK_EVENT_BITRATE_LIMIT)
		seen->limit = ev->u.bitrate_limit;
	if (ev->type == WLK_EVENT_TONE_CHANGE) {
		if (!*ev->u.tone_change.tone) {
			seen->rows_over = true;
			return;
		}
		assert_true(seen->tone_event_count < TONES_MAX);
		seen->tone_at[seen->tone_event_count] = sim->now;
		seen->tone_events[seen->tone_event_count++] = ev->u.tone_change.tone[0];
	}
}

static const wlk_rtp_encoding plain = WLK_RTP_ENCODING_INIT;

static inline void three_layers(wlk_rtp_encoding out[LAYERS])
{
	static const char *const rids[LAYERS] = { "a", "b", "c" };

	for (size_t i = 0; i < LAYERS; i++) {
		out[i] = plain;
		out[i].rid = rids[i];
	}
}

static inline void start(struct sim *sim, struct seen *seen)
{
	*seen = (struct seen){ 0 };
	sim_init(sim, &(struct sim_config){ .seed = 1, .latency_us = 5 * SIM_MS }, on_event, seen);
}

static inline wlk_transceiver *add(struct sim_peer *peer, wlk_media_kind kind, const wlk_rtp_encoding *encodings, size_t count)
{
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_transceiver *t;

	init.send_encodings = encodings;
	init.send_encoding_count = count;
	assert_int_equal(wlk_peer_connection_add_transceiver(peer->pc, kind, &init, &t), WLK_OK);
	return t;
}

static inline wlk_err try_add(struct sim *sim, wlk_media_kind kind, const wlk_rtp_encoding *encodings, size_t count)
{
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	size_t before = wlk_peer_connection_transceiver_count(sim->a.pc);
	wlk_transceiver *t;
	wlk_err err;

	init.send_encodings = encodings;
	init.send_encoding_count = count;
	err = wlk_peer_connection_add_transceiver(sim->a.pc, kind, &init, &t);
	assert_int_equal(wlk_peer_connection_transceiver_count(sim->a.pc), before + !err);
	return err;
}

static inline wlk_rtp_send_parameters parameters_of(wlk_transceiver *t)
{
	wlk_rtp_send_parameters p;

	assert_int_equal(wlk_rtp_sender_parameters(wlk_transceiver_sender(t), &p), WLK_OK);
	return p;
}

static inline wlk_err set(wlk_transceiver *t, const wlk_rtp_send_parameters *p)
{
	return wlk_rtp_sender_set_parameters(wlk_transceiver_sender(t), p);
}

static inline const char *offer_of(struct sim_peer *peer)
{
	const char *sdp;

	assert_int_equal(wlk_peer_connection_create_offer(peer->pc, NULL, &sdp), WLK_OK);
	return sdp;
}

/* Signal by hand, so that |prepare| can act on the answerer between its offer and its answer. */
static inline void signal_with(struct sim *sim, void (*prepare)(struct sim *sim))
{
	assert_int_equal(wlk_peer_connection_set_local_description(sim->a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim->b.pc, wlk_peer_connection_local_description(sim->a.pc)), WLK_OK);
	prepare(sim);
	assert_int_equal(wlk_peer_connection_set_local_description(sim->b.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim->a.pc, wlk_peer_connection_local_description(sim->b.pc)), WLK_OK);
}

static inline void accept_layers(struct sim *sim)
{
	for (size_t i = 0; i < wlk_peer_connection_transceiver_count(sim->b.pc); i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(sim->b.pc, i);

		if (wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO)
			assert_int_equal(wlk_transceiver_set_receive_simulcast(t, true, NULL, 0), WLK_OK);
	}
}

static inline void accept_none(struct sim *sim)
{
	(void)sim;
}

static inline uint8_t type_of(wlk_transceiver *t, const char *mime)
{
	wlk_rtp_send_parameters p = parameters_of(t);

	for (size_t i = 0; i < p.codec_count; i++)
		if (!strcmp(p.codecs[i].mime_type, mime))
			return p.codecs[i].payload_type;
	return WLK_NO_PAYLOAD_TYPE;
}

static inline wlk_err send(wlk_transceiver *t, const char *rid, uint8_t type, uint32_t timestamp)
{
	static const uint8_t payload[100] = { 0x10 };
	const wlk_rtp_packet packet = {
		.payload_type = type,
		.timestamp = timestamp,
		.marker = true,
		.payload = payload,
		.payload_size = sizeof(payload),
		.rid = rid,
	};

	return wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet);
}

static inline void connect(struct sim *sim)
{
	assert_true(sim_run_until(sim, 10 * SIM_SECOND, sim_both_connected));
}

#endif
