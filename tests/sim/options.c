/* Options of ICE in whole calls: lite, candidate pool, full descriptions instead of trickle, hidden and mapped addresses, the
 * relay policy, and everything that addIceCandidate() may be given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

struct seen {
	wlk_data_channel *channel;
	int echoes;
	int candidates[2];  /* by peer: a, b */
	int ends[2];
	int after_end[2];   /* candidates behind the end of their generation */
	int completed[2];   /* gathering */
	int failed[2];
	wlk_ice_connection_state ice[2];
	wlk_time failed_at;
	int probes; /* of full size, seen on the link */
};

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = sim->user;
	int side = peer == &sim->b;

	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		if (!side)
			seen->echoes++;
		else
			assert_int_equal(wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data,
							       ev->u.message.size),
					 WLK_OK);
		break;
	case WLK_EVENT_ICE_CANDIDATE:
		seen->after_end[side] += seen->ends[side] > 0;
		if (*ev->u.candidate.candidate)
			seen->candidates[side]++;
		else
			seen->ends[side]++;
		break;
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (ev->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE) {
			seen->completed[side]++;
			/* Full descriptions are sent at this event: they are whole by now. */
			assert_non_null(strstr(wlk_peer_connection_local_description(peer->pc)->sdp, "a=end-of-candidates\r\n"));
		}
		break;
	case WLK_EVENT_ICE_CONNECTION_STATE_CHANGE:
		seen->ice[side] = ev->u.ice_connection_state;
		if (ev->u.ice_connection_state == WLK_ICE_CONNECTION_FAILED) {
			seen->failed[side]++;
			seen->failed_at = sim->now;
		}
		break;
	default:
		break;
	}
}

static void start(struct sim *sim, struct seen *seen, wlk_configuration *a, wlk_configuration *b)
{
	*seen = (struct seen){ 0 };
	sim_init(sim, &(struct sim_config){ .seed = 1, .latency_us = 20 * SIM_MS, .may_fail = true, .config_a = a, .config_b = b },
		 on_event, seen);
	assert_int_equal(wlk_peer_connection_create_data_channel(sim->a.pc, "main", NULL, &seen->channel), WLK_OK);
}

static void expect_echo(struct sim *sim)
{
	struct seen *seen = sim->user;
	int before = seen->echoes;

	assert_int_equal(wlk_data_channel_send(seen->channel, WLK_MESSAGE_TEXT, "echo", 4), WLK_OK);
	sim_run_for(sim, 2 * SIM_SECOND);
	assert_int_equal(seen->echoes, before + 1);
}

static const char *local_sdp(struct sim_peer *peer)
{
	return wlk_peer_connection_local_description(peer->pc)->sdp;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

static void give(struct sim_peer *from)
{
	assert_int_equal(wlk_peer_connection_set_remote_description(from->other->pc, wlk_peer_connection_local_description(from->pc)),
			 WLK_OK);
}

static wlk_err add(struct sim_peer *peer, const char *line, const char *mid, const char *ufrag)
{
	const wlk_ice_candidate candidate = {
		.candidate = line, .sdp_mid = mid, .sdp_mline_index = -1, .username_fragment = ufrag
	};

	return wlk_peer_connection_add_ice_candidate(peer->pc, &candidate);
}

/* ---- lite ---- */

static void test_lite_against_full(void **state)
{
	(void)state;
	for (int lite_offers = 0; lite_offers < 2; lite_offers++) {
		wlk_configuration lite = WLK_CONFIGURATION_INIT;
		struct seen seen;
		struct sim sim;

		lite.ice_lite = true;
		start(&sim, &seen, lite_offers ? &lite : NULL, lite_offers ? NULL : &lite);
		sim_signal(&sim);
		assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
		expect_echo(&sim);
		const char *sdp = local_sdp(lite_offers ? &sim.a : &sim.b);
		const char *flag = strstr(sdp, "a=ice-lite\r\n");

		assert_true(flag && flag < strstr(sdp, "m="));
		assert_null(strstr(local_sdp(lite_offers ? &sim.b : &sim.a), "a=ice-lite"));
		sim_run_for(&sim, 60 * SIM_SECOND);
		expect_echo(&sim);
		sim_renegotiate(&sim, &sim.b, true);
		sim_run_for(&sim, 5 * SIM_SECOND);
		expect_echo(&sim);
		sim_free(&sim);
	}
}

static void test_lite_against_lite(void **state)
{
	wlk_configuration lite = WLK_CONFIGURATION_INIT;
	struct seen seen;
	struct sim sim;

	(void)state;
	lite.ice_lite = true;
	start(&sim, &seen, &lite, &lite);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	expect_echo(&sim);
	sim_free(&sim);
}

static void test_R7_lite_falls_silent_when_the_peer_is_gone(void **state)
{
	wlk_configuration lite = WLK_CONFIGURATION_INIT;
	struct seen seen;
	struct sim sim;
	wlk_time cut;

	(void)state;
	lite.ice_lite = true;
	start(&sim, &seen, NULL, &lite);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	sim.a.cut = true;
	cut = sim.now;
	sim_run_for(&sim, 60 * SIM_SECOND);
	assert_int_equal(seen.failed[1], 1);
	assert_in_range(seen.failed_at - cut, 20 * SIM_SECOND, 31 * SIM_SECOND);
	sim_free(&sim);
}

/* ---- pool ---- */

static void test_pool_gathers_ahead_and_tells_later(void **state)
{
	wlk_configuration pool = WLK_CONFIGURATION_INIT;
	const char *offer;
	struct seen seen;
	struct sim sim;

	(void)state;
	pool.ice_candidate_pool_size = 1;
	pool.ice_tcp = WLK_ICE_TCP_OFF;
	start(&sim, &seen, &pool, NULL);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(sim.a.next_port, 40001); /* the socket is there */
	assert_int_equal(seen.candidates[0] + seen.completed[0], 0);
	assert_int_equal(wlk_peer_connection_ice_gathering_state(sim.a.pc), WLK_ICE_GATHERING_NEW);
	assert_int_equal(wlk_peer_connection_create_offer(sim.a.pc, NULL, &offer), WLK_OK);
	assert_int_equal(count(offer, "a=candidate:"), 0);
	sim_signal(&sim);
	assert_int_equal(seen.candidates[0], 1);
	assert_int_equal(seen.ends[0], 1);
	assert_int_equal(seen.completed[0], 1);
	assert_int_equal(sim.a.next_port, 40001);
	assert_int_equal(count(local_sdp(&sim.a), "a=candidate:"), 1);
	assert_true(sim_run_until(&sim, SIM_SECOND, sim_both_connected));
	expect_echo(&sim);
	sim_free(&sim);
}

/* ---- trickle and its absence ---- */

/* Each side waits for the end of gathering and sends one description: nothing else is signalled. */
static void test_full_descriptions_without_trickle(void **state)
{
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, NULL, NULL);
	sim.no_signalling = true;
	assert_int_equal(wlk_peer_connection_can_trickle_ice_candidates(sim.b.pc), -1);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.completed[0], 1);
	give(&sim.a);
	assert_int_equal(wlk_peer_connection_can_trickle_ice_candidates(sim.b.pc), 1);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	sim_run_for(&sim, 0);
	assert_int_equal(seen.completed[1], 1);
	for (int i = 0; i < 2; i++) {
		assert_true(count(local_sdp(i ? &sim.b : &sim.a), "a=candidate:") >= 1);
		assert_int_equal(count(local_sdp(i ? &sim.b : &sim.a), "a=end-of-candidates\r\n"), 1);
		assert_int_equal(seen.after_end[i], 0);
	}
	give(&sim.b);
	assert_true(sim_run_until(&sim, SIM_SECOND, sim_both_connected));
	expect_echo(&sim);
	for (int i = 0; i < 2; i++)
		assert_int_equal(seen.ice[i], WLK_ICE_CONNECTION_COMPLETED);
	sim_free(&sim);
}

/* RFC 8838 16: a peer that does not announce trickle gets our candidates in the answer. */
static void test_half_trickle_is_told(void **state)
{
	wlk_session_description offer = { WLK_SDP_OFFER, NULL };
	struct seen seen;
	struct sim sim;
	char *text, *options;

	(void)state;
	start(&sim, &seen, NULL, NULL);
	sim.no_signalling = true;
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	sim_run_for(&sim, SIM_SECOND);
	text = strdup(local_sdp(&sim.a));
	options = strstr(text, "a=ice-options:trickle");
	assert_non_null(options);
	memcpy(options, "a=ice-options:nothing", 21);
	offer.sdp = text;
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, &offer), WLK_OK);
	free(text);
	assert_int_equal(wlk_peer_connection_can_trickle_ice_candidates(sim.b.pc), 0);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	sim_run_for(&sim, SIM_MS);
	assert_int_equal(seen.completed[1], 1);
	give(&sim.b);
	assert_true(sim_run_until(&sim, SIM_SECOND, sim_both_connected));
	sim_free(&sim);
}

/* What comes in addition is harmless in any order: before, between, twice, after the end. */
static void test_candidates_before_a_description_are_refused(void **state)
{
	static const char line[] = "candidate:1 1 udp 2113937151 10.0.0.2 5000 typ host";
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, NULL, NULL);
	assert_int_equal(add(&sim.a, line, "0", NULL), WLK_ERR_STATE);
	assert_int_equal(add(&sim.a, "", NULL, NULL), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_add_ice_candidate(sim.a.pc, NULL), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_int_equal(add(&sim.a, line, "0", NULL), WLK_ERR_STATE); /* an offer of our own is no remote description */
	give(&sim.a);
	assert_int_equal(add(&sim.b, line, "0", NULL), WLK_OK);
	assert_int_equal(add(&sim.b, line, "0", NULL), WLK_OK);
	assert_int_equal(count(wlk_peer_connection_remote_description(sim.b.pc)->sdp, " 10.0.0.2 5000 "), 1);
	sim_free(&sim);
}

static void test_candidates_of_nowhere_are_refused(void **state)
{
	static const char line[] = "candidate:1 1 udp 2113937151 10.0.0.2 5000 typ host";
	static const char foreign[] = "candidate:1 1 udp 2113937151 10.0.0.2 5000 typ host ufrag abcd";
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, NULL, NULL);
	sim_signal(&sim);
	assert_int_equal(add(&sim.a, line, "9", NULL), WLK_ERR_NOT_FOUND);
	assert_int_equal(add(&sim.a, line, NULL, NULL), WLK_ERR_NOT_FOUND);
	assert_int_equal(add(&sim.a, line, "0", "abcd"), WLK_ERR_NOT_FOUND);
	assert_int_equal(add(&sim.a, foreign, "0", NULL), WLK_ERR_NOT_FOUND);
	assert_int_equal(add(&sim.a, "", "9", NULL), WLK_ERR_NOT_FOUND);
	assert_int_equal(add(&sim.a, "", NULL, "abcd"), WLK_ERR_NOT_FOUND);
	assert_int_equal(add(&sim.a, "candidate:", "0", NULL), WLK_ERR_PARSE);
	assert_int_equal(add(&sim.a, "nonsense", "0", NULL), WLK_ERR_PARSE);
	assert_true(strlen(wlk_last_error(sim.a.pc)) > 0);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	expect_echo(&sim);
	sim_free(&sim);
}

static void test_R8_hostile_candidates_do_no_harm(void **state)
{
	static const char *const refused[] = {
		"127.0.0.1", "127.255.0.9", "0.0.0.0", "0.1.2.3", "224.0.0.251", "239.1.2.3", "255.255.255.255", "::1", "::",
		"ff02::fb", "::ffff:127.0.0.1", "::ffff:224.0.0.1", "::127.0.0.1", "169.254.1.1", "fe80::1",
	};
	static char longline[10001];
	struct seen seen;
	struct sim sim;
	char line[200];
	int taken = 0;

	(void)state;
	start(&sim, &seen, NULL, NULL);
	sim_signal(&sim);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		snprintf(line, sizeof(line), "candidate:1 1 udp 2113937151 %s 5000 typ host", refused[i]);
		assert_int_equal(add(&sim.a, line, "0", NULL), WLK_ERR_UNSUPPORTED);
	}
	memset(longline, 'x', sizeof(longline) - 1);
	memcpy(longline, "candidate:1 1 udp 1 10.0.0.9 5000 typ host ", 43);
	assert_int_equal(add(&sim.a, longline, "0", NULL), WLK_ERR_TOO_LARGE);
	for (int i = 0; i < 300; i++) {
		wlk_err err;

		snprintf(line, sizeof(line), "candidate:%d 1 udp %d 10.0.%d.%d 5000 typ host", i, 1000 + i, 1 + i / 200, 1 + i % 200);
		err = add(&sim.a, line, "0", NULL);
		assert_true(err == WLK_OK || err == WLK_ERR_TOO_LARGE);
		taken += !err;
	}
	assert_in_range(taken, 60, 64);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	expect_echo(&sim);
	assert_null(strstr(wlk_peer_connection_remote_description(sim.a.pc)->sdp, "::ffff:"));
	sim_free(&sim);
}

/* Two m-sections on one transport: a candidate of either is one of the transport, the end of the second alone is none. */
static void test_bundled_sections_share_candidates_and_their_end(void **state)
{
	char line[200], *at, *copy;
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, NULL, NULL);
	sim.no_signalling = true;
	assert_int_equal(wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_AUDIO, NULL, &t), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	give(&sim.a);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	give(&sim.b);
	assert_int_equal(count(local_sdp(&sim.b), "a=candidate:"), 0);
	sim_run_for(&sim, SIM_SECOND);
	assert_false(sim_both_connected(&sim));
	copy = strdup(local_sdp(&sim.b));
	at = strstr(copy, "candidate:");
	assert_non_null(at);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\r"), at);
	free(copy);
	assert_int_equal(add(&sim.a, line, "1", NULL), WLK_OK); /* b's candidate, as one of the bundled-away section */
	assert_true(sim_run_until(&sim, 2 * SIM_SECOND, sim_both_connected));
	expect_echo(&sim);
	assert_int_equal(seen.ice[0], WLK_ICE_CONNECTION_CONNECTED); /* more may come */
	assert_int_equal(add(&sim.a, "", "1", NULL), WLK_OK);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.ice[0], WLK_ICE_CONNECTION_CONNECTED);
	assert_int_equal(add(&sim.a, "", "0", NULL), WLK_OK);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.ice[0], WLK_ICE_CONNECTION_COMPLETED);
	assert_int_equal(count(wlk_peer_connection_remote_description(sim.a.pc)->sdp, "a=end-of-candidates\r\n"), 2);
	sim_free(&sim);
}

/* A latecomer of the generation before names its ufrag, or comes while the restart is not answered: it is not taken for one of
 * the new generation. */
static void test_candidates_of_the_generation_before(void **state)
{
	static const char late[] = "candidate:77 1 udp 99 10.0.0.77 7777 typ host";
	char ufrag[64], *at;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, NULL, NULL);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	at = strstr(local_sdp(&sim.a), "a=ice-ufrag:") + 12;
	snprintf(ufrag, sizeof(ufrag), "%.*s", (int)strcspn(at, "\r"), at);
	assert_int_equal(wlk_peer_connection_restart_ice(sim.a.pc), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	give(&sim.a);
	assert_int_equal(add(&sim.b, late, "0", ufrag), WLK_OK);
	assert_null(strstr(wlk_peer_connection_remote_description(sim.b.pc)->sdp, "10.0.0.77")); /* not in the pending offer */
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	give(&sim.b);
	assert_int_equal(add(&sim.b, late, "0", ufrag), WLK_ERR_NOT_FOUND);
	sim_run_for(&sim, 2 * SIM_SECOND);
	expect_echo(&sim);
	sim_free(&sim);
}

/* ---- RFC 8863 ---- */

static void run_into_failure(bool told_the_end, wlk_time *failed_after)
{
	struct seen seen;
	struct sim sim;
	wlk_time begin;

	start(&sim, &seen, NULL, NULL);
	sim.no_signalling = !told_the_end;
	sim.a.cut = sim.b.cut = true;
	begin = sim.now;
	sim_signal(&sim);
	sim_run_for(&sim, 39 * SIM_SECOND);
	assert_int_equal(seen.failed[0] + seen.failed[1], 0);
	sim_run_for(&sim, 30 * SIM_SECOND);
	assert_int_equal(seen.failed[0], 1);
	assert_int_equal(seen.failed[1], 1);
	*failed_after = seen.failed_at - begin;
	sim_free(&sim);
}

static void test_failed_right_after_the_pac_timer(void **state)
{
	wlk_time after;

	(void)state;
	for (int told_the_end = 0; told_the_end < 2; told_the_end++) {
		run_into_failure(told_the_end, &after);
		assert_in_range(after, 39500 * SIM_MS, 45 * SIM_SECOND);
	}
}

/* ---- what is told of addresses ---- */

static void test_R9_hidden_addresses_show_nowhere(void **state)
{
	wlk_configuration hide = WLK_CONFIGURATION_INIT;
	struct seen seen;
	struct sim sim;
	char *json;

	(void)state;
	hide.hide_host_addresses = true;
	hide.ice_tcp = WLK_ICE_TCP_OFF;
	start(&sim, &seen, &hide, NULL);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected)); /* b is found, and finds a by its checks */
	expect_echo(&sim);
	assert_int_equal(count(local_sdp(&sim.a), ".local 40000 typ host"), 1);
	assert_int_equal(count(local_sdp(&sim.a), "10.0.0."), 0);
	assert_int_equal(wlk_peer_connection_stats_json(sim.a.pc, &json), WLK_OK);
	assert_int_equal(count(json, "\"address\":null"), 1);
	assert_int_equal(count(json, "10.0.0.1\""), 0);
	assert_int_equal(count(json, "10.0.0.2\""), 1); /* the peer did not hide */
	wlk_secret_free(json);
	sim_free(&sim);
}

static void test_mapped_address_in_the_description(void **state)
{
	wlk_configuration mapped = WLK_CONFIGURATION_INIT;
	wlk_address_mapping map = { .external = { .family = 4, .ip = { 203, 0, 113, 7 } } };
	struct seen seen;
	struct sim sim;

	(void)state;
	mapped.address_mappings = &map;
	mapped.address_mapping_count = 1;
	start(&sim, &seen, &mapped, NULL);
	sim_signal(&sim);
	assert_int_equal(count(local_sdp(&sim.a), " 203.0.113.7 40000 typ host"), 1);
	assert_int_equal(count(local_sdp(&sim.a), " 10.0.0.1 "), 0);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	sim_free(&sim);
}

/* The pair in use stays until a restart; then nothing but relayed candidates would be told, and there are none. */
static void test_relay_policy_by_set_configuration(void **state)
{
	wlk_configuration relay = WLK_CONFIGURATION_INIT;
	const char *offer;
	struct seen seen;
	struct sim sim;

	(void)state;
	relay.ice_tcp = WLK_ICE_TCP_OFF;
	start(&sim, &seen, &relay, NULL);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	relay.ice_transport_policy = WLK_ICE_TRANSPORT_RELAY;
	assert_int_equal(wlk_peer_connection_set_configuration(sim.a.pc, &relay), WLK_OK);
	expect_echo(&sim);
	assert_int_equal(wlk_peer_connection_create_offer(sim.a.pc, NULL, &offer), WLK_OK);
	assert_int_equal(count(offer, "a=candidate:"), 1); /* the same generation */
	sim_renegotiate(&sim, &sim.a, true);
	assert_int_equal(count(local_sdp(&sim.a), "a=candidate:"), 0);
	relay.ice_transport_policy = WLK_ICE_TRANSPORT_ALL;
	assert_int_equal(wlk_peer_connection_set_configuration(sim.a.pc, &relay), WLK_OK);
	sim_renegotiate(&sim, &sim.a, true);
	assert_int_equal(count(local_sdp(&sim.a), "a=candidate:"), 1);
	sim_run_for(&sim, 2 * SIM_SECOND);
	expect_echo(&sim);
	sim_free(&sim);
}

/* ---- path MTU ---- */

static unsigned sctp_mtu(struct sim_peer *peer)
{
	unsigned mtu = 0;
	char *json, *at;

	assert_int_equal(wlk_peer_connection_stats_json(peer->pc, &json), WLK_OK);
	at = strstr(json, "\"mtu\":");
	assert_non_null(at);
	mtu = (unsigned)strtoul(at + 6, NULL, 10);
	wlk_secret_free(json);
	return mtu;
}

static bool two_echoed(struct sim *sim)
{
	return ((struct seen *)sim->user)->echoes >= 2;
}

/* 100,000 bytes there and back, twice. Answers when all was there. */
static wlk_time transfer(struct sim *sim)
{
	static char bytes[100000];
	struct seen *seen = sim->user;
	wlk_time begin = sim->now;

	sim_signal(sim);
	assert_true(sim_run_until(sim, 10 * SIM_SECOND, sim_both_connected));
	for (int i = 0; i < 2; i++)
		assert_int_equal(wlk_data_channel_send(seen->channel, WLK_MESSAGE_BINARY, bytes, sizeof(bytes)), WLK_OK);
	assert_true(sim_run_until(sim, 10 * SIM_SECOND, two_echoed));
	return sim->now - begin;
}

static void test_mtu_hole_of_1000(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct seen seen;
		struct sim sim;

		start(&sim, &seen, NULL, NULL);
		sim.config.mtu = 1000;
		sim.config.loss = seed > 5 ? 500 : 0; /* 5 % */
		assert_true(transfer(&sim) <= 10 * SIM_SECOND);
		assert_true(sctp_mtu(&sim.a) < 1000 && sctp_mtu(&sim.b) < 1000);
		assert_true(sim.too_large > 0);
		sim_free(&sim);
	}
}

/* Where full packets pass SCTP begins with them. */
static void test_full_size_is_proven_in_time(void **state)
{
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, NULL, NULL);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, sim_both_connected));
	sim_run_for(&sim, SIM_MS);
	assert_int_equal(sctp_mtu(&sim.a), 1156);
	assert_int_equal(sctp_mtu(&sim.b), 1156);
	sim_free(&sim);
}

/* Packets of 1,196 bytes are the probes: SCTP's own never are so long. */
static bool lose_first_probes(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	struct seen *seen = sim->user;

	(void)from;
	return d->size != 1196 || d->data[0] > 1 || ++seen->probes > 4;
}

static void test_lost_probes_cost_small_packets_for_a_while(void **state)
{
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, NULL, NULL);
	sim.filter = lose_first_probes;
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, sim_both_connected));
	assert_true(sctp_mtu(&sim.a) < 1000);
	sim_run_for(&sim, 2 * SIM_SECOND);
	assert_int_equal(sctp_mtu(&sim.a), 1156);
	assert_int_equal(sctp_mtu(&sim.b), 1156);
	expect_echo(&sim);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lite_against_full),
		cmocka_unit_test(test_lite_against_lite),
		cmocka_unit_test(test_R7_lite_falls_silent_when_the_peer_is_gone),
		cmocka_unit_test(test_pool_gathers_ahead_and_tells_later),
		cmocka_unit_test(test_full_descriptions_without_trickle),
		cmocka_unit_test(test_half_trickle_is_told),
		cmocka_unit_test(test_candidates_before_a_description_are_refused),
		cmocka_unit_test(test_candidates_of_nowhere_are_refused),
		cmocka_unit_test(test_R8_hostile_candidates_do_no_harm),
		cmocka_unit_test(test_bundled_sections_share_candidates_and_their_end),
		cmocka_unit_test(test_candidates_of_the_generation_before),
		cmocka_unit_test(test_failed_right_after_the_pac_timer),
		cmocka_unit_test(test_R9_hidden_addresses_show_nowhere),
		cmocka_unit_test(test_mapped_address_in_the_description),
		cmocka_unit_test(test_relay_policy_by_set_configuration),
		cmocka_unit_test(test_mtu_hole_of_1000),
		cmocka_unit_test(test_full_size_is_proven_in_time),
		cmocka_unit_test(test_lost_probes_cost_small_packets_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
