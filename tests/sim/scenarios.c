/* Scenarios of a call in virtual time: set-up times, renegotiation, restart, lost networks, hostile answers, closing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

/* What the scenarios look at. */
struct seen {
	wlk_data_channel *channel_a, *channel_b;
	wlk_transceiver *track_b;
	int messages_a, messages_b;
	int packets_a, packets_b;
	int key_frame_requests_a;
	int closes;
	int failures;
	int disconnects;
	wlk_time first_message, open_a, open_b, disconnected_at, failed_at;
	wlk_time last_packet_b, packet_gap_b;
	const char *reason;
	bool echo_media;
	bool destroy_b_on_message;
};

static struct seen *seen_of(struct sim *sim)
{
	return sim->user;
}

static void on_state(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = seen_of(sim);

	if (peer != &sim->a)
		return;
	if (ev->u.connection.state == WLK_CONNECTION_FAILED) {
		seen->failures++;
		seen->failed_at = sim->now;
		seen->reason = ev->u.connection.reason;
	} else if (ev->u.connection.state == WLK_CONNECTION_DISCONNECTED) {
		seen->disconnects++;
		seen->disconnected_at = sim->now;
	}
}

static void on_message(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = seen_of(sim);

	if (peer == &sim->a) {
		seen->messages_a++;
		return;
	}
	if (!seen->messages_b++)
		seen->first_message = sim->now;
	if (seen->destroy_b_on_message) {
		wlk_peer_connection_destroy(peer->pc);
		peer->pc = NULL;
		return;
	}
	assert_int_equal(wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data, ev->u.message.size), WLK_OK);
}

static void on_packet(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = seen_of(sim);

	if (peer == &sim->a) {
		seen->packets_a++;
		return;
	}
	if (seen->packets_b++ && sim->now - seen->last_packet_b > seen->packet_gap_b)
		seen->packet_gap_b = sim->now - seen->last_packet_b;
	seen->last_packet_b = sim->now;
	if (seen->echo_media)
		assert_int_equal(wlk_rtp_sender_forward(wlk_transceiver_sender(ev->u.rtp.transceiver), ev->u.rtp.packet), WLK_OK);
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = seen_of(sim);

	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL:
		seen->channel_b = ev->u.channel.channel;
		seen->open_b = sim->now;
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		if (peer == &sim->a)
			seen->open_a = sim->now;
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		on_message(sim, peer, ev);
		break;
	case WLK_EVENT_DATA_CHANNEL_CLOSE:
		seen->closes++;
		break;
	case WLK_EVENT_TRACK:
		if (peer == &sim->b)
			seen->track_b = ev->u.track.transceiver;
		break;
	case WLK_EVENT_RTP_PACKET:
		on_packet(sim, peer, ev);
		break;
	case WLK_EVENT_KEY_FRAME_REQUEST:
		seen->key_frame_requests_a += peer == &sim->a;
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		on_state(sim, peer, ev);
		break;
	default:
		break;
	}
}

static bool channel_open(struct sim *sim)
{
	return seen_of(sim)->open_a && seen_of(sim)->open_b;
}

/* A sim with one data channel, signalled. */
static void start(struct sim *sim, const struct sim_config *config, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	sim_init(sim, config, on_event, seen);
	assert_int_equal(wlk_peer_connection_create_data_channel(sim->a.pc, "test", NULL, &seen->channel_a), WLK_OK);
}

static void connect_sim(struct sim *sim, const struct sim_config *config, struct seen *seen)
{
	start(sim, config, seen);
	sim_signal(sim);
	assert_true(sim_run_until(sim, 10 * SIM_SECOND, channel_open));
}

static void send_text(struct sim *sim, const char *text)
{
	assert_int_equal(wlk_data_channel_send(seen_of(sim)->channel_a, WLK_MESSAGE_TEXT, text, strlen(text)), WLK_OK);
}

/* ---- set-up ---- */

static void test_connects_at_once_without_delay(void **state)
{
	struct sim sim;
	struct seen seen;
	wlk_time begin;

	(void)state;
	start(&sim, &(struct sim_config){ .seed = 1 }, &seen);
	begin = sim.now;
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, SIM_SECOND, channel_open));
	assert_in_range(sim.now - begin, 0, 50 * SIM_MS);
	sim_free(&sim);
}

static void test_connects_in_three_and_a_half_round_trips(void **state)
{
	static const wlk_time latencies[] = { 25 * SIM_MS, 50 * SIM_MS, 100 * SIM_MS };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sim sim;
		struct seen seen;
		wlk_time begin;

		start(&sim, &(struct sim_config){ .seed = 2, .latency_us = latencies[i] }, &seen);
		begin = sim.now;
		sim_signal(&sim);
		assert_true(sim_run_until(&sim, 5 * SIM_SECOND, channel_open));
		printf("round trip %lld ms: channel open at both sides after %lld ms\n", (long long)(2 * latencies[i] / SIM_MS),
		       (long long)((sim.now - begin) / SIM_MS));
		assert_in_range(sim.now - begin, 0, 7 * latencies[i] + 15 * SIM_MS);
		sim_free(&sim);
	}
}

static void test_first_message_leaves_with_cookie_echo(void **state)
{
	struct sim sim;
	struct seen seen;
	wlk_time begin;

	(void)state;
	start(&sim, &(struct sim_config){ .seed = 3, .latency_us = 50 * SIM_MS }, &seen);
	send_text(&sim, "early");
	begin = sim.now;
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, channel_open));
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.messages_b, 1);
	/* The far end's check 0.5, DTLS 2, INIT and INIT ACK 0.5 and 0.5, then COOKIE-ECHO with the message: 3.5 in all. */
	assert_in_range(seen.first_message - begin, 0, 7 * 50 * SIM_MS + 15 * SIM_MS);
	sim_free(&sim);
}

static unsigned dtls_from_b;
static bool answers_reach_b;

static bool keep_answers_from_b(struct sim *sim, struct sim_peer *from, const wlk_datagram *datagram)
{
	if (from == &sim->b)
		dtls_from_b += datagram->data[0] == 22; /* a handshake record */
	return from == &sim->b || answers_reach_b || datagram->data[0] != 1; /* a STUN success response begins so */
}

/* What goes ahead of a valid pair, to whoever sent an authentic check, is one ClientHello, however long the pair takes. */
static void test_R12_one_ClientHello_goes_ahead_of_a_valid_pair(void **state)
{
	struct sim sim;
	struct seen seen;

	(void)state;
	start(&sim, &(struct sim_config){ .seed = 5, .latency_us = 20 * SIM_MS }, &seen);
	sim.filter = keep_answers_from_b;
	dtls_from_b = 0;
	answers_reach_b = false;
	sim_signal(&sim);
	sim_run_for(&sim, 8 * SIM_SECOND);
	assert_int_equal(dtls_from_b, 1);
	assert_false(channel_open(&sim));
	answers_reach_b = true;
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, channel_open));
	sim_free(&sim);
}

static void test_connects_where_only_600_bytes_pass(void **state)
{
	struct sim sim;
	struct seen seen;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 4, .latency_us = 20 * SIM_MS, .mtu = 600 }, &seen);
	send_text(&sim, "through the hole");
	sim_run_for(&sim, 5 * SIM_SECOND);
	assert_int_equal(seen.messages_b, 1);
	assert_int_equal(seen.messages_a, 1);
	sim_free(&sim);
}

static void test_connects_at_30_percent_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 100; seed < 300; seed++) {
		struct sim sim;
		struct seen seen;

		start(&sim, &(struct sim_config){ .seed = seed, .latency_us = 50 * SIM_MS, .loss = 3000 }, &seen);
		sim_signal(&sim);
		if (!sim_run_until(&sim, 30 * SIM_SECOND, channel_open))
			sim_fail(&sim, "not connected");
		sim_free(&sim);
	}
}

/* ---- R14, R12 ---- */

static void test_R14_wrong_fingerprint_never_opens_a_channel(void **state)
{
	const wlk_session_description *offer, *answer;
	wlk_session_description forged;
	struct seen seen;
	struct sim sim;
	char *text, *digit;

	(void)state;
	start(&sim, &(struct sim_config){ .seed = 5, .latency_us = 5 * SIM_MS }, &seen);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	offer = wlk_peer_connection_local_description(sim.a.pc);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, offer), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	answer = wlk_peer_connection_local_description(sim.b.pc);
	text = strdup(answer->sdp);
	digit = strstr(text, "sha-256 ") + 8;
	*digit = *digit == '0' ? '1' : '0';
	forged = (wlk_session_description){ WLK_SDP_ANSWER, text };
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.a.pc, &forged), WLK_OK);
	assert_false(sim_run_until(&sim, 20 * SIM_SECOND, channel_open));
	assert_int_equal(seen.open_a, 0);
	assert_int_equal(seen.open_b, 0);
	assert_int_equal(seen.failures, 1);
	assert_string_equal(seen.reason, "the certificate does not match the fingerprint of the description");
	free(text);
	sim_free(&sim);
}

static void test_R2_R12_datagrams_from_elsewhere_change_nothing(void **state)
{
	static const uint8_t firsts[] = { 22, 20, 21, 23, 128, 144, 64, 255, 0 };
	const wlk_addr local = { .family = 4, .port = 40000, .ip = { 10, 0, 0, 1 } };
	const wlk_addr stranger = { .family = 4, .port = 666, .ip = { 10, 0, 0, 66 } };
	struct seen seen;
	struct sim sim;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 6 }, &seen);
	for (int i = 0; i < 5000; i++) {
		uint8_t junk[300];

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (uint8_t)sim_random(&sim, 256);
		junk[0] = firsts[i % 9];
		wlk_drive_input(sim.a.pc, sim.now, &local, &stranger, junk, 1 + sim_random(&sim, sizeof(junk) - 1));
	}
	send_text(&sim, "still here");
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.messages_a, 1);
	assert_int_equal(sim.a.state, WLK_CONNECTION_CONNECTED);
	sim_free(&sim);
}

static void test_junk_from_the_validated_path_changes_nothing(void **state)
{
	static const uint8_t firsts[] = { 22, 20, 21, 23, 128, 144, 64, 255, 0 };
	const wlk_addr local = { .family = 4, .port = 40000, .ip = { 10, 0, 0, 1 } };
	const wlk_addr other = { .family = 4, .port = 40000, .ip = { 10, 0, 0, 2 } };
	struct seen seen;
	struct sim sim;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 7 }, &seen);
	for (int i = 0; i < 5000; i++) {
		uint8_t junk[300];

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (uint8_t)sim_random(&sim, 256);
		junk[0] = firsts[i % 9];
		if (i % 2) {
			junk[1] = 0xfe;
			junk[2] = 0xfd;
		}
		wlk_drive_input(sim.a.pc, sim.now, &local, &other, junk, 1 + sim_random(&sim, sizeof(junk) - 1));
	}
	send_text(&sim, "still here");
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.messages_a, 1);
	assert_int_equal(sim.a.state, WLK_CONNECTION_CONNECTED);
	sim_free(&sim);
}

/* ---- networks that go ---- */

static void test_R7_peer_vanishes(void **state)
{
	struct seen seen;
	struct sim sim;
	wlk_time cut;
	uint64_t sent;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 8, .latency_us = 10 * SIM_MS }, &seen);
	sim_run_for(&sim, 10 * SIM_SECOND);
	sim.b.cut = true;
	cut = sim.now;
	sim_run_for(&sim, 60 * SIM_SECOND);
	assert_int_equal(seen.disconnects, 1);
	assert_in_range(seen.disconnected_at - cut, 4 * SIM_SECOND, 8 * SIM_SECOND);
	assert_int_equal(seen.failures, 1);
	assert_in_range(seen.failed_at - cut, 25 * SIM_SECOND, 31 * SIM_SECOND);
	sent = sim.datagrams;
	(void)!wlk_data_channel_send(seen.channel_a, WLK_MESSAGE_TEXT, "x", 1);
	sim_run_for(&sim, 10 * SIM_SECOND);
	assert_int_equal(sim.datagrams, sent); /* consent is gone: nothing leaves */
	sim_free(&sim);
}

static void test_partition_of_15_seconds_heals(void **state)
{
	struct seen seen;
	struct sim sim;
	wlk_time healed;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 9, .latency_us = 10 * SIM_MS }, &seen);
	sim.a.cut = true;
	send_text(&sim, "waits");
	sim_run_for(&sim, 15 * SIM_SECOND);
	assert_int_equal(seen.messages_b, 0);
	sim.a.cut = false;
	healed = sim.now;
	sim_run_for(&sim, 5 * SIM_SECOND);
	assert_int_equal(seen.messages_b, 1);
	assert_in_range(seen.first_message - healed, 0, 3 * SIM_SECOND);
	assert_int_equal(sim.a.state, WLK_CONNECTION_CONNECTED);
	sim_free(&sim);
}

/* ---- renegotiation ---- */

static void send_packets(struct sim *sim, wlk_transceiver *t, uint8_t pt, int count, wlk_time interval)
{
	uint8_t payload[100];

	memset(payload, 0x5a, sizeof(payload));
	for (int i = 0; i < count; i++) {
		wlk_rtp_packet packet = { .payload_type = pt, .marker = true, .timestamp = (uint32_t)i * 3000, .payload = payload,
					  .payload_size = sizeof(payload) };

		assert_int_equal(wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet), WLK_OK);
		sim_run_for(sim, interval);
	}
}

static void add_video(struct sim *sim, wlk_transceiver **t)
{
	assert_int_equal(wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_VIDEO, NULL, t), WLK_OK);
}

/* Offer by a; b wants to send as well; answer. */
static void renegotiate_both_ways(struct sim *sim)
{
	const wlk_session_description *local;

	assert_int_equal(wlk_peer_connection_set_local_description(sim->a.pc, NULL), WLK_OK);
	local = wlk_peer_connection_local_description(sim->a.pc);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim->b.pc, local), WLK_OK);
	sim_run_for(sim, 1);
	assert_non_null(seen_of(sim)->track_b);
	assert_int_equal(wlk_transceiver_set_direction(seen_of(sim)->track_b, WLK_DIRECTION_SENDRECV), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim->b.pc, NULL), WLK_OK);
	local = wlk_peer_connection_local_description(sim->b.pc);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim->a.pc, local), WLK_OK);
}

/* The payload type of VP8 in our own offers. */
static uint8_t vp8_type(struct sim *sim)
{
	const char *at = wlk_peer_connection_local_description(sim->a.pc)->sdp;
	const char *found = strstr(at, " VP8/90000");

	assert_non_null(found);
	while (found[-1] != ':')
		found--;
	return (uint8_t)atoi(found);
}

static void test_video_added_to_a_running_connection_is_echoed(void **state)
{
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 10, .latency_us = 10 * SIM_MS, .loss = 200 }, &seen);
	seen.echo_media = true;
	add_video(&sim, &t);
	renegotiate_both_ways(&sim);
	assert_int_equal(wlk_transceiver_current_direction(t), WLK_DIRECTION_SENDRECV);
	send_packets(&sim, t, vp8_type(&sim), 300, 10 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	assert_in_range(seen.packets_b, 295, 300); /* NACK and RTX bring the lost ones back */
	assert_in_range(seen.packets_a, 290, 300);
	sim.config.loss = 0; /* a request is not repeated */
	assert_int_equal(wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(seen.track_b)), WLK_OK);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.key_frame_requests_a, 2); /* the first when sending became possible */
	sim_free(&sim);
}

static void test_R34_nothing_is_sent_before_it_is_negotiated(void **state)
{
	wlk_rtp_packet packet = { .payload_type = 96, .payload = (const uint8_t *)"x", .payload_size = 1 };
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &(struct sim_config){ .seed = 11 }, &seen);
	add_video(&sim, &t);
	assert_int_equal(wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet), WLK_ERR_STATE);
	sim_free(&sim);
}

static void test_ice_restart_under_media(void **state)
{
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;
	uint8_t pt;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 12, .latency_us = 20 * SIM_MS, .loss = 500 }, &seen);
	add_video(&sim, &t);
	renegotiate_both_ways(&sim);
	pt = vp8_type(&sim);
	send_packets(&sim, t, pt, 50, 10 * SIM_MS);
	sim_renegotiate(&sim, &sim.a, true);
	send_packets(&sim, t, pt, 100, 10 * SIM_MS);
	sim_renegotiate(&sim, &sim.b, true);
	send_packets(&sim, t, pt, 100, 10 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	assert_in_range(seen.packets_b, 245, 250);
	assert_in_range(seen.packet_gap_b, 0, 400 * SIM_MS);
	send_text(&sim, "data too");
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.messages_a, 1);
	sim_free(&sim);
}

static void test_glare_rolls_the_older_offer_back(void **state)
{
	const wlk_session_description *offer;
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 13, .latency_us = 10 * SIM_MS }, &seen);
	add_video(&sim, &t);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	offer = wlk_peer_connection_local_description(sim.b.pc);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.a.pc, offer), WLK_OK);
	assert_int_equal(wlk_peer_connection_signaling_state(sim.a.pc), WLK_SIGNALING_HAVE_REMOTE_OFFER);
	assert_null(wlk_transceiver_mid(t));
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, wlk_peer_connection_local_description(sim.a.pc)), WLK_OK);
	sim_renegotiate(&sim, &sim.a, false);
	assert_non_null(wlk_transceiver_mid(t));
	send_text(&sim, "both are well");
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.messages_a, 1);
	sim_free(&sim);
}

static void test_R35_an_answer_cannot_change_the_certificate(void **state)
{
	wlk_session_description forged = { WLK_SDP_ANSWER, NULL };
	struct seen seen;
	struct sim sim;
	char *text, *digit;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 14 }, &seen);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, wlk_peer_connection_local_description(sim.a.pc)), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	text = strdup(wlk_peer_connection_local_description(sim.b.pc)->sdp);
	digit = strstr(text, "sha-256 ") + 8;
	*digit = *digit == '0' ? '1' : '0';
	forged.sdp = text;
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.a.pc, &forged), WLK_ERR_NEGOTIATION);
	assert_int_equal(wlk_peer_connection_signaling_state(sim.a.pc), WLK_SIGNALING_HAVE_LOCAL_OFFER);
	assert_true(strlen(wlk_last_error(sim.a.pc)) > 0);
	free(text);
	sim_free(&sim);
}

/* ---- endings ---- */

static void test_close_is_seen_at_the_far_end(void **state)
{
	struct seen seen;
	struct sim sim;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 15, .latency_us = 10 * SIM_MS }, &seen);
	wlk_peer_connection_close(sim.a.pc);
	wlk_peer_connection_close(sim.a.pc);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(sim.b.state, WLK_CONNECTION_CLOSED);
	assert_int_equal(seen.closes, 1);
	assert_int_equal(wlk_data_channel_ready_state(seen.channel_a), WLK_DATA_CHANNEL_CLOSED);
	assert_int_equal(wlk_data_channel_send(seen.channel_a, WLK_MESSAGE_TEXT, "x", 1), WLK_ERR_STATE);
	sim_free(&sim);
}

static void test_R39_destroyed_inside_its_own_event(void **state)
{
	struct seen seen;
	struct sim sim;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 16, .latency_us = 10 * SIM_MS }, &seen);
	seen.destroy_b_on_message = true;
	send_text(&sim, "goodbye");
	send_text(&sim, "never seen");
	sim_run_for(&sim, 5 * SIM_SECOND);
	assert_int_equal(seen.messages_b, 1);
	assert_null(sim.b.pc);
	sim_free(&sim);
}

static void test_statistics_count(void **state)
{
	struct seen seen;
	struct sim sim;
	char *json;

	(void)state;
	connect_sim(&sim, &(struct sim_config){ .seed = 17, .latency_us = 10 * SIM_MS }, &seen);
	send_text(&sim, "12345");
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(wlk_peer_connection_stats_json(sim.a.pc, &json), WLK_OK);
	assert_non_null(strstr(json, "\"dtlsState\":\"connected\""));
	assert_non_null(strstr(json, "\"messagesSent\":1,\"bytesSent\":5,\"messagesReceived\":1,\"bytesReceived\":5"));
	assert_non_null(strstr(json, "\"selectedCandidatePairId\""));
	wlk_secret_free(json);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects_at_once_without_delay),
		cmocka_unit_test(test_connects_in_three_and_a_half_round_trips),
		cmocka_unit_test(test_first_message_leaves_with_cookie_echo),
		cmocka_unit_test(test_R12_one_ClientHello_goes_ahead_of_a_valid_pair),
		cmocka_unit_test(test_connects_where_only_600_bytes_pass),
		cmocka_unit_test(test_connects_at_30_percent_loss),
		cmocka_unit_test(test_R14_wrong_fingerprint_never_opens_a_channel),
		cmocka_unit_test(test_R2_R12_datagrams_from_elsewhere_change_nothing),
		cmocka_unit_test(test_junk_from_the_validated_path_changes_nothing),
		cmocka_unit_test(test_R7_peer_vanishes),
		cmocka_unit_test(test_partition_of_15_seconds_heals),
		cmocka_unit_test(test_video_added_to_a_running_connection_is_echoed),
		cmocka_unit_test(test_R34_nothing_is_sent_before_it_is_negotiated),
		cmocka_unit_test(test_ice_restart_under_media),
		cmocka_unit_test(test_glare_rolls_the_older_offer_back),
		cmocka_unit_test(test_R35_an_answer_cannot_change_the_certificate),
		cmocka_unit_test(test_close_is_seen_at_the_far_end),
		cmocka_unit_test(test_R39_destroyed_inside_its_own_event),
		cmocka_unit_test(test_statistics_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
