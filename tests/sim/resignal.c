/* Signalling that goes back, round and over itself: what was negotiated stays, and what was taken back leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

struct seen {
	wlk_data_channel *channel;
	int echoes, candidates_of_another_generation;
};

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = sim->user;

	if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE && peer == &sim->a)
		seen->echoes++;
	else if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE)
		assert_int_equal(wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data,
						       ev->u.message.size),
				 WLK_OK);
	/* A candidate names its own generation, however late it is looked at. */
	if (ev->type == WLK_EVENT_ICE_CANDIDATE && !strstr(wlk_peer_connection_local_description(peer->pc)->sdp,
							   ev->u.candidate.username_fragment))
		seen->candidates_of_another_generation++;
}

static void start(struct sim *sim, struct seen *seen)
{
	*seen = (struct seen){ 0 };
	sim_init(sim, &(struct sim_config){ .seed = 1, .latency_us = 5 * SIM_MS, .may_fail = true }, on_event, seen);
	assert_int_equal(wlk_peer_connection_create_data_channel(sim->a.pc, "main", NULL, &seen->channel), WLK_OK);
}

static void expect_echo(struct sim *sim)
{
	struct seen *seen = sim->user;
	int before = seen->echoes;

	assert_int_equal(wlk_data_channel_send(seen->channel, WLK_MESSAGE_TEXT, "echo", 4), WLK_OK);
	sim_run_for(sim, 5 * SIM_SECOND);
	assert_int_equal(seen->echoes, before + 1);
}

static wlk_transceiver *add(struct sim_peer *peer, wlk_media_kind kind)
{
	wlk_transceiver *t;

	assert_int_equal(wlk_peer_connection_add_transceiver(peer->pc, kind, NULL, &t), WLK_OK);
	return t;
}

static void offer(struct sim_peer *peer)
{
	assert_int_equal(wlk_peer_connection_set_local_description(peer->pc, NULL), WLK_OK);
}

static void give(struct sim_peer *from)
{
	assert_int_equal(wlk_peer_connection_set_remote_description(from->other->pc, wlk_peer_connection_local_description(from->pc)),
			 WLK_OK);
}

static void roll_back(struct sim_peer *peer, bool local)
{
	const wlk_session_description rollback = { WLK_SDP_ROLLBACK, NULL };

	assert_int_equal(local ? wlk_peer_connection_set_local_description(peer->pc, &rollback) :
				 wlk_peer_connection_set_remote_description(peer->pc, &rollback),
			 WLK_OK);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* The second offer puts the new m-line in front of the one for data. */
static void test_an_offer_replaced_before_its_answer(void **state)
{
	wlk_transceiver *t, *second;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	t = add(&sim.a, WLK_MEDIA_AUDIO);
	offer(&sim.a);
	second = add(&sim.a, WLK_MEDIA_VIDEO);
	sim_signal(&sim);
	sim_run_for(&sim, 2 * SIM_SECOND);
	expect_echo(&sim);
	assert_string_not_equal(wlk_transceiver_mid(t), wlk_transceiver_mid(second));
	assert_int_equal(wlk_transceiver_current_direction(second), WLK_DIRECTION_SENDONLY);
	sim_renegotiate(&sim, &sim.b, false);
	expect_echo(&sim);
	sim_free(&sim);
}

/* What a rolled-back remote offer had made is stopped; the next offer is for what the application made. */
static void test_a_transceiver_of_a_rolled_back_offer_takes_no_section(void **state)
{
	wlk_transceiver *gone, *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	sim_signal(&sim);
	sim_run_for(&sim, SIM_SECOND);
	add(&sim.b, WLK_MEDIA_AUDIO);
	offer(&sim.b);
	give(&sim.b);
	gone = wlk_peer_connection_transceiver(sim.a.pc, 0);
	assert_non_null(wlk_transceiver_mid(gone));
	roll_back(&sim.a, false);
	roll_back(&sim.b, true);
	assert_null(wlk_transceiver_mid(gone));
	assert_int_equal(wlk_transceiver_direction(gone), WLK_DIRECTION_STOPPED);
	t = add(&sim.a, WLK_MEDIA_VIDEO);
	sim_renegotiate(&sim, &sim.a, false);
	assert_null(wlk_transceiver_mid(gone));
	assert_non_null(wlk_transceiver_mid(t));
	assert_int_equal(wlk_transceiver_current_direction(t), WLK_DIRECTION_SENDONLY);
	expect_echo(&sim);
	sim_free(&sim);
}

static void test_a_rolled_back_data_section_leaves_no_mid_behind(void **state)
{
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	for (int i = 0; i < 12; i++) /* two digits */
		add(&sim.a, WLK_MEDIA_AUDIO);
	offer(&sim.a);
	give(&sim.a);
	roll_back(&sim.b, false);
	roll_back(&sim.a, true);
	assert_null(wlk_peer_connection_local_description(sim.b.pc));
	sim_signal(&sim);
	sim_run_for(&sim, 2 * SIM_SECOND);
	expect_echo(&sim);
	sim_free(&sim);
}

/* Glare takes the offer back that carried the restart; the wish for it stays. */
static void test_the_wish_for_a_restart_survives_glare(void **state)
{
	char *before;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	sim_signal(&sim);
	sim_run_for(&sim, 2 * SIM_SECOND);
	before = strdup(strstr(wlk_peer_connection_local_description(sim.a.pc)->sdp, "a=ice-ufrag:"));
	*strchr(before, '\r') = '\0';
	assert_int_equal(wlk_peer_connection_restart_ice(sim.a.pc), WLK_OK);
	offer(&sim.a);
	offer(&sim.b);
	give(&sim.b);
	offer(&sim.a); /* answers */
	give(&sim.a);
	assert_non_null(strstr(wlk_peer_connection_local_description(sim.a.pc)->sdp, before));
	sim_renegotiate(&sim, &sim.a, false);
	assert_null(strstr(wlk_peer_connection_local_description(sim.a.pc)->sdp, before));
	sim_run_for(&sim, 2 * SIM_SECOND);
	expect_echo(&sim);
	assert_int_equal(seen.candidates_of_another_generation, 0);
	free(before);
	sim_free(&sim);
}

/* An offer with a restart that is followed by one without: ours goes on with the credentials that are in force. */
static void test_a_remote_restart_taken_back_by_the_next_offer(void **state)
{
	char *plain;
	wlk_session_description description = { WLK_SDP_OFFER, NULL };
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	sim_signal(&sim);
	sim_run_for(&sim, 2 * SIM_SECOND);
	offer(&sim.a);
	plain = strdup(wlk_peer_connection_local_description(sim.a.pc)->sdp);
	assert_int_equal(wlk_peer_connection_restart_ice(sim.a.pc), WLK_OK);
	offer(&sim.a);
	give(&sim.a);
	description.sdp = plain;
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, &description), WLK_OK);
	offer(&sim.b); /* answers */
	sim_run_for(&sim, 10 * SIM_SECOND);
	assert_true(sim_both_connected(&sim));
	expect_echo(&sim);
	free(plain);
	sim_free(&sim);
}

/* A data section whose mid is longer than any of ours stays the data section in our own offers. */
static void test_a_long_mid_of_the_data_section(void **state)
{
	static const char mid[] = "data-channels-of-the-remote-side";
	wlk_session_description description = { WLK_SDP_OFFER, NULL };
	const char *sdp, *at;
	char text[16384];
	size_t size = 0;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	offer(&sim.a);
	for (at = wlk_peer_connection_local_description(sim.a.pc)->sdp; *at; at++) {
		bool here = !strncmp(at, "BUNDLE 0", 8) || !strncmp(at, "a=mid:0", 7);
		size_t label = *at == 'B' ? 7 : 6;

		assert_true(size + 100 < sizeof(text));
		if (!here) {
			text[size++] = *at;
			continue;
		}
		memcpy(text + size, at, label);
		memcpy(text + size + label, mid, sizeof(mid) - 1);
		size += label + sizeof(mid) - 1;
		at += label;
	}
	text[size] = '\0';
	description.sdp = text;
	assert_int_equal(count(text, mid), 2);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, &description), WLK_OK);
	offer(&sim.b); /* answers */
	assert_int_equal(wlk_peer_connection_create_data_channel(sim.b.pc, "own", NULL, &seen.channel), WLK_OK);
	assert_int_equal(wlk_peer_connection_create_offer(sim.b.pc, NULL, &sdp), WLK_OK);
	assert_int_equal(count(sdp, "m=application"), 1);
	assert_int_equal(count(sdp, "m=application 0 "), 0);
	assert_int_equal(count(sdp, mid), 2);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_offer_replaced_before_its_answer),
		cmocka_unit_test(test_a_transceiver_of_a_rolled_back_offer_takes_no_section),
		cmocka_unit_test(test_a_rolled_back_data_section_leaves_no_mid_behind),
		cmocka_unit_test(test_the_wish_for_a_restart_survives_glare),
		cmocka_unit_test(test_a_remote_restart_taken_back_by_the_next_offer),
		cmocka_unit_test(test_a_long_mid_of_the_data_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
