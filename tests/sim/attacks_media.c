/* Attacks on SRTP and SRTCP of a running call: replay, injection, junk, plain RTCP, and the key stream that must not be used twice. */
#include "attack.h"
#include "peer/object.h"
#include "peer/parameters.h"

/* ---- 5 to 7: SRTP and SRTCP ---- */

static bool keep_media_of_a(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	if (from == &sim->a && is_media(d->data, d->size))
		capture_datagram(sim, from, d);
	return true;
}

static void test_R18_R20_replay_of_a_minute_is_not_accepted(void **state)
{
	struct attack attack;
	int before, requests;
	struct sim sim;

	(void)state;
	call_connect(&sim, &(struct sim_config){ .seed = 42, .latency_us = 10 * SIM_MS }, &attack, keep_media_of_a);
	send_packets(&sim, 3000, 20 * SIM_MS);
	assert_int_equal(wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(attack.track_a)), WLK_OK);
	sim_run_for(&sim, SIM_SECOND);
	before = attack.packets_b;
	requests = attack.key_frame_requests_a;
	assert_in_range(before, 2999, 3000);
	assert_in_range(attack.capture_count, 3000, 10000);
	sim.filter = NULL;
	for (size_t i = 0; i < attack.capture_count; i++) {
		inject(&sim, &sim.b, &address_a, attack.captures[i].data, attack.captures[i].size);
		if (i % 100 == 0)
			sim_run_for(&sim, SIM_MS);
	}
	sim_run_for(&sim, 2 * SIM_SECOND);
	assert_int_equal(attack.packets_b, before);
	assert_int_equal(attack.key_frame_requests_a, requests);
	send_packets(&sim, 50, 20 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(attack.packets_b, before + 50);
	expect_call_is_well(&sim);
	call_end(&sim);
}

/* The honest packets of a arrive from the stranger only; everything b sends is looked at. */
static bool bleed_filter(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	if (note_stranger(sim, d))
		return false;
	if (!attack_of(sim)->active || from != &sim->a || !is_media(d->data, d->size))
		return true;
	inject(sim, &sim->b, &stranger, d->data, d->size);
	return false;
}

static void test_R2_media_from_another_address_is_not_accepted(void **state)
{
	struct attack attack;
	struct sim sim;
	int before;

	(void)state;
	call_connect(&sim, &(struct sim_config){ .seed = 43, .latency_us = 10 * SIM_MS }, &attack, bleed_filter);
	send_packets(&sim, 50, 20 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	before = attack.packets_b;
	attack.active = true;
	send_packets(&sim, 200, 20 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(attack.packets_b, before);
	assert_int_equal(attack.to_stranger, 0); /* what b sends goes where it went */
	attack.active = false;
	send_packets(&sim, 50, 20 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	assert_in_range(attack.packets_b, before + 50, before + 250);
	expect_call_is_well(&sim);
	call_end(&sim);
}

static void test_R18_bad_srtp_and_srtcp_never_close(void **state)
{
	struct attack attack;
	struct sim sim;
	int before;

	(void)state;
	call_connect(&sim, &(struct sim_config){ .seed = 44, .latency_us = 10 * SIM_MS }, &attack, keep_media_of_a);
	send_packets(&sim, 100, 20 * SIM_MS);
	sim_run_for(&sim, 3 * SIM_SECOND);
	before = attack.packets_b;
	sim.filter = NULL;
	assert_true(attack.capture_count > 100);
	for (int i = 0; i < 5000; i++) {
		struct capture bad = attack.captures[sim_random(&sim, (uint32_t)attack.capture_count)];

		if (!is_rtcp(bad.data) && i % 2)
			bad.data[2] ^= 0x20; /* a fresh sequence number: past the replay check, up to the tag */
		bad.data[2 + sim_random(&sim, (uint32_t)bad.size - 2)] ^= (uint8_t)(1u << sim_random(&sim, 8));
		if (i % 3 == 0)
			bad.size = 1 + sim_random(&sim, (uint32_t)bad.size);
		inject(&sim, &sim.b, &address_a, bad.data, bad.size);
	}
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(attack.packets_b, before);
	send_packets(&sim, 50, 20 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(attack.packets_b, before + 50);
	expect_call_is_well(&sim);
	call_end(&sim);
}

static void test_R18_R22_plain_rtcp_is_not_looked_at(void **state)
{
	struct attack attack;
	uint8_t forged[64];
	struct sim sim;
	uint32_t ssrc;

	(void)state;
	call_connect(&sim, &(struct sim_config){ .seed = 45, .latency_us = 10 * SIM_MS }, &attack, NULL);
	send_packets(&sim, 20, 20 * SIM_MS);
	ssrc = wlk_rtp_sender_ssrc(wlk_transceiver_sender(attack.track_a));
	for (int i = 0; i < 200; i++) {
		static const uint8_t kinds[][2] = { { 0x81, 203 }, { 0x81, 206 }, { 0x84, 206 }, { 0x8f, 206 }, { 0x80, 200 } };
		struct bytes_writer w = bytes_writer(forged, sizeof(forged));

		bytes_put_u8(&w, kinds[i % 5][0]);
		bytes_put_u8(&w, kinds[i % 5][1]);
		bytes_put_u16(&w, 6);
		for (int k = 0; k < 6; k++)
			bytes_put_u32(&w, ssrc);
		inject(&sim, &sim.a, &address_b, forged, w.size);
		inject(&sim, &sim.b, &address_a, forged, w.size);
	}
	sim_run_for(&sim, 2 * SIM_SECOND);
	assert_int_equal(attack.key_frame_requests_a, 1); /* when sending became possible, and none since */
	send_packets(&sim, 50, 20 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(attack.packets_b, 70);
	expect_call_is_well(&sim);
	call_end(&sim);
}

/* ---- 16: the two-time pad ---- */

struct seal {
	uint64_t key; /* 0: free. Sender, RTP or RTCP, SSRC and index */
	uint64_t hash;
};

enum { SEALS = 1 << 17 };

static struct seal *seals;
static size_t seal_count, seal_repeats;

static uint64_t hash_of(const uint8_t *data, size_t size)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < size; i++)
		h = (h ^ data[i]) * 0x100000001b3u;
	return h;
}

static bool seal_filter(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	bool rtcp;
	uint64_t key;
	size_t at;

	if (!is_media(d->data, d->size))
		return true;
	rtcp = is_rtcp(d->data);
	/* RTP: SSRC and sequence number; SRTCP: SSRC and the index that stands at the end (RFC 7714 9.2, without MKI). */
	if (rtcp)
		key = (uint64_t)load_u32(d->data + 4) << 31 ^ (load_u32(d->data + d->size - 4) & 0x7fffffff);
	else
		key = (uint64_t)load_u32(d->data + 8) << 16 ^ load_u16(d->data + 2);
	key = (key << 2 | (uint64_t)rtcp << 1 | (from == &sim->a)) + 4;
	for (at = key * 0x9e3779b97f4a7c15u >> 47; seals[at].key && seals[at].key != key; at = (at + 1) % SEALS)
		;
	if (seals[at].key) {
		seal_repeats++;
		if (seals[at].hash != hash_of(d->data, d->size))
			sim_fail(sim, "%s: SSRC %u and index were sealed twice with different bytes", from->name,
				 load_u32(d->data + (rtcp ? 4 : 8)));
		return true;
	}
	seals[at] = (struct seal){ key, hash_of(d->data, d->size) };
	assert_in_range(++seal_count, 1, SEALS / 2);
	return true;
}

static void test_R20_no_key_stream_is_used_twice(void **state)
{
	struct sim_config config = { .seed = 46, .latency_us = 30 * SIM_MS, .loss = 1000, .reorder = 500, .reorder_us = 50 * SIM_MS };
	struct attack attack;
	struct sim sim;

	(void)state;
	seals = calloc(SEALS, sizeof(*seals));
	assert_non_null(seals);
	call_connect(&sim, &config, &attack, seal_filter);
	send_packets(&sim, 1000, 10 * SIM_MS);
	sim_renegotiate(&sim, &sim.a, false);
	send_packets(&sim, 500, 10 * SIM_MS);
	sim_renegotiate(&sim, &sim.b, true);
	send_packets(&sim, 500, 10 * SIM_MS);
	assert_int_equal(wlk_transceiver_set_direction(attack.track_b, WLK_DIRECTION_RECVONLY), WLK_OK);
	sim_renegotiate(&sim, &sim.b, false);
	send_packets(&sim, 300, 10 * SIM_MS);
	assert_int_equal(wlk_transceiver_set_direction(attack.track_b, WLK_DIRECTION_SENDRECV), WLK_OK);
	sim_renegotiate(&sim, &sim.b, false); /* a stream that stops and goes on keeps its numbers */
	send_packets(&sim, 700, 10 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	printf("%zu sealed packets, %zu sent again unchanged\n", seal_count, seal_repeats);
	assert_in_range(seal_count, 5500, SEALS / 2);
	assert_in_range(attack.packets_b, 2900, 3000);
	call_end(&sim);
	free(seals);
}

static void test_R37_a_flow_that_stops_and_starts_fills_no_memory(void **state)
{
	struct sim_config config = { .seed = 47, .latency_us = 10 * SIM_MS };
	struct attack attack;
	size_t mutes = 0, others = 0;
	const wlk_event *event;
	struct sim sim;

	(void)state;
	call_connect(&sim, &config, &attack, NULL);
	for (size_t i = 0; i < 2000; i++)
		peer_emit_flow(sim.b.pc, &(struct media_event){ .section = attack.track_b->section, .is_flowing = i % 2 });
	while ((event = wlk_drive_poll_event(sim.b.pc)))
		*(event->type == WLK_EVENT_TRACK_MUTE || event->type == WLK_EVENT_TRACK_UNMUTE ? &mutes : &others) += 1;
	assert_in_range(mutes, 100, 257);
	assert_false(wlk_rtp_receiver_muted(wlk_transceiver_receiver(attack.track_b))); /* the last of them, though it was not told */
	peer_emit_flow(sim.b.pc, &(struct media_event){ .section = attack.track_b->section });
	event = wlk_drive_poll_event(sim.b.pc);
	assert_non_null(event);
	assert_int_equal(event->type, WLK_EVENT_TRACK_MUTE);
	expect_call_is_well(&sim);
	call_end(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R37_a_flow_that_stops_and_starts_fills_no_memory),
		cmocka_unit_test(test_R18_R20_replay_of_a_minute_is_not_accepted),
		cmocka_unit_test(test_R2_media_from_another_address_is_not_accepted),
		cmocka_unit_test(test_R18_bad_srtp_and_srtcp_never_close),
		cmocka_unit_test(test_R18_R22_plain_rtcp_is_not_looked_at),
		cmocka_unit_test(test_R20_no_key_stream_is_used_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
