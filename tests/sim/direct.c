/* Two peers that pass each other the parameters of their transports by hand: no description crosses between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

enum { PACKETS = 20 };

struct seen {
	wlk_data_channel *channel[2];
	wlk_transceiver *video[2];
	size_t open, messages, packets;
};

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = sim->user;

	(void)peer;
	seen->open += ev->type == WLK_EVENT_DATA_CHANNEL_OPEN;
	seen->packets += ev->type == WLK_EVENT_RTP_PACKET;
	if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE) {
		assert_int_equal(ev->u.message.size, 5);
		assert_memory_equal(ev->u.message.data, "hello", 5);
		seen->messages++;
	}
}

/* The same on both sides, in the same order. */
static void start(struct sim *sim, struct seen *seen)
{
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	struct sim_peer *peers[] = { &sim->a, &sim->b };

	*seen = (struct seen){ 0 };
	init.negotiated = init.has_id = true;
	init.id = 3;
	sim_init(sim, &(struct sim_config){ .seed = 7, .latency_us = 10 * SIM_MS, .loss = 100 }, on_event, seen);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(wlk_peer_connection_create_data_channel(peers[i]->pc, "x", &init, &seen->channel[i]), WLK_OK);
		assert_int_equal(wlk_peer_connection_add_transceiver(peers[i]->pc, WLK_MEDIA_VIDEO, NULL, &seen->video[i]), WLK_OK);
	}
}

static wlk_direct_parameters parameters_of(const struct sim_peer *peer)
{
	wlk_direct_parameters own = WLK_DIRECT_PARAMETERS_INIT;

	assert_int_equal(wlk_direct_local_parameters(peer->pc, &own), WLK_OK);
	assert_in_range(strlen(own.username_fragment), 4, 256);
	assert_in_range(strlen(own.password), 22, 256);
	assert_string_equal(own.fingerprint.algorithm, "sha-256");
	return own;
}

static bool both_open(struct sim *sim)
{
	return ((struct seen *)sim->user)->open == 2 && sim_both_connected(sim);
}

static uint8_t vp8_of(wlk_transceiver *t)
{
	static wlk_rtp_send_parameters parameters;

	assert_int_equal(wlk_rtp_sender_parameters(wlk_transceiver_sender(t), &parameters), WLK_OK);
	for (size_t i = 0; i < parameters.codec_count; i++)
		if (!strcmp(parameters.codecs[i].mime_type, "video/VP8"))
			return parameters.codecs[i].payload_type;
	fail();
	return 0;
}

static void send_packets(struct sim *sim, wlk_transceiver *t)
{
	wlk_rtp_packet packet = { .payload_type = vp8_of(t), .payload = (const uint8_t *)"\x10 payload", .payload_size = 9 };

	for (int i = 0; i < PACKETS; i++) {
		packet.timestamp = (uint32_t)i * 3000;
		packet.marker = true;
		assert_int_equal(wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet), WLK_OK);
		sim_run_for(sim, 33 * SIM_MS);
	}
}

static void run(wlk_dtls_role role_a, wlk_dtls_role role_b)
{
	wlk_direct_parameters a, b;
	struct seen seen;
	struct sim sim;

	start(&sim, &seen);
	a = parameters_of(&sim.a);
	b = parameters_of(&sim.b);
	a.dtls_role = role_a;
	b.dtls_role = role_b;
	b.max_message_size = 1000;
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &b), WLK_OK);
	assert_int_equal(wlk_direct_start(sim.b.pc, WLK_ICE_ROLE_CONTROLLED, &a), WLK_OK);
	assert_int_equal(wlk_direct_start(sim.b.pc, WLK_ICE_ROLE_CONTROLLED, &a), WLK_ERR_STATE);
	assert_true(sim_run_until(&sim, 20 * SIM_SECOND, both_open));
	assert_int_equal(wlk_peer_connection_transceiver_count(sim.b.pc), 1); /* the sections are those that were made */
	assert_int_equal(wlk_transceiver_current_direction(seen.video[1]), WLK_DIRECTION_SENDRECV);
	assert_int_equal(wlk_peer_connection_max_message_size(sim.a.pc), 1000);
	for (int i = 0; i < 2; i++)
		assert_int_equal(wlk_data_channel_send(seen.channel[i], WLK_MESSAGE_TEXT, "hello", 5), WLK_OK);
	send_packets(&sim, seen.video[0]);
	send_packets(&sim, seen.video[1]);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(seen.messages, 2);
	assert_in_range(seen.packets, 2 * PACKETS - 4, 2 * PACKETS); /* the link loses one of a hundred */
	if (role_a != WLK_DTLS_ROLE_UNKNOWN)
		assert_int_equal(wlk_dtls_transport_role(wlk_rtp_sender_transport(wlk_transceiver_sender(seen.video[0]))), role_a);
	sim_free(&sim);
}

static void test_parameters_are_enough(void **state)
{
	(void)state;
	run(WLK_DTLS_ROLE_UNKNOWN, WLK_DTLS_ROLE_UNKNOWN);
}

static void test_the_roles_are_as_agreed(void **state)
{
	(void)state;
	run(WLK_DTLS_ROLE_CLIENT, WLK_DTLS_ROLE_SERVER);
	run(WLK_DTLS_ROLE_SERVER, WLK_DTLS_ROLE_CLIENT);
}

/* ---- simulcast ---- */

enum { LAYERS = 3 };

struct layered {
	size_t packets[LAYERS], nameless;
};

static void count_layers(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct layered *seen = sim->user;

	(void)peer;
	if (ev->type != WLK_EVENT_RTP_PACKET)
		return;
	if (ev->u.rtp.packet->rid)
		seen->packets[ev->u.rtp.packet->rid[0] - 'a']++;
	else
		seen->nameless++;
}

/* A sound, a picture in three layers, a picture in one; |sends| is the side that has the layers. */
static wlk_transceiver *add_layers(struct sim_peer *peer, bool sends)
{
	static const char *const rids[LAYERS] = { "a", "b", "c" };
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_rtp_encoding layers[LAYERS] = { WLK_RTP_ENCODING_INIT, WLK_RTP_ENCODING_INIT, WLK_RTP_ENCODING_INIT };
	wlk_transceiver *t, *other;

	for (size_t i = 0; i < LAYERS; i++)
		layers[i].rid = rids[i];
	if (sends) {
		init.send_encodings = layers;
		init.send_encoding_count = LAYERS;
	}
	assert_int_equal(wlk_peer_connection_add_transceiver(peer->pc, WLK_MEDIA_AUDIO, NULL, &other), WLK_OK);
	assert_int_equal(wlk_peer_connection_add_transceiver(peer->pc, WLK_MEDIA_VIDEO, &init, &t), WLK_OK);
	assert_int_equal(wlk_peer_connection_add_transceiver(peer->pc, WLK_MEDIA_VIDEO, NULL, &other), WLK_OK);
	return t;
}

/* Each layer goes by its rid, whichever side controls. */
static void send_layers(wlk_ice_role role_of_sender)
{
	bool controls = role_of_sender == WLK_ICE_ROLE_CONTROLLING;
	wlk_direct_parameters of_sender, of_receiver;
	struct layered seen = { { 0 } };
	wlk_transceiver *sending;
	wlk_rtp_packet packet = { .payload = (const uint8_t *)"\x10 payload", .payload_size = 9, .marker = true };
	struct sim sim;

	sim_init(&sim, &(struct sim_config){ .seed = 7, .latency_us = 10 * SIM_MS }, count_layers, &seen);
	sending = add_layers(&sim.a, true);
	(void)add_layers(&sim.b, false);
	of_sender = parameters_of(&sim.a);
	of_receiver = parameters_of(&sim.b);
	assert_int_equal(of_receiver.layer_count, 0);
	assert_int_equal(of_sender.layer_count, LAYERS);
	assert_int_equal(of_sender.layers[2].transceiver, 1);
	assert_string_equal(of_sender.layers[2].rid, "c");
	assert_int_equal(wlk_direct_start(sim.a.pc, role_of_sender, &of_receiver), WLK_OK);
	assert_int_equal(wlk_direct_start(sim.b.pc, controls ? WLK_ICE_ROLE_CONTROLLED : WLK_ICE_ROLE_CONTROLLING, &of_sender), WLK_OK);
	assert_true(sim_run_until(&sim, 20 * SIM_SECOND, sim_both_connected));
	packet.payload_type = vp8_of(sending);
	for (int i = 0; i < PACKETS; i++) {
		for (size_t k = 0; k < LAYERS; k++) {
			packet.rid = (const char *[]){ "a", "b", "c" }[k];
			packet.timestamp = (uint32_t)i * 3000;
			assert_int_equal(wlk_rtp_sender_send_packet(wlk_transceiver_sender(sending), &packet), WLK_OK);
		}
		sim_run_for(&sim, 33 * SIM_MS);
	}
	for (size_t k = 0; k < LAYERS; k++)
		assert_int_equal(seen.packets[k], PACKETS);
	assert_int_equal(seen.nameless, 0);
	sim_free(&sim);
}

static void test_simulcast_layers_cross(void **state)
{
	(void)state;
	send_layers(WLK_ICE_ROLE_CONTROLLING);
	send_layers(WLK_ICE_ROLE_CONTROLLED);
}

static void test_bad_layers_are_refused_and_change_nothing(void **state)
{
	static const struct {
		size_t transceiver;
		const char *rid;
	} bad[] = { { 3, "a" }, { 0, "a" }, { 1, NULL }, { 1, "" }, { 1, "a b" }, { 1, "x" } };
	wlk_direct_layer many[WLK_RTP_ENCODINGS_MAX + 1], layers[2] = { { 1, "x" } };
	wlk_direct_parameters remote;
	struct layered seen = { { 0 } };
	struct sim sim;

	(void)state;
	sim_init(&sim, &(struct sim_config){ .seed = 7, .latency_us = 10 * SIM_MS }, count_layers, &seen);
	(void)add_layers(&sim.a, true);
	(void)add_layers(&sim.b, false);
	remote = parameters_of(&sim.b);
	remote.layer_count = 2;
	remote.layers = NULL;
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &remote), WLK_ERR_INVALID);
	remote.layers = layers;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		layers[1] = (wlk_direct_layer){ bad[i].transceiver, bad[i].rid };
		assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &remote), WLK_ERR_INVALID);
	}
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = (wlk_direct_layer){ 1, (const char *[]){ "1", "2", "3", "4", "5", "6", "7", "8", "9" }[i] };
	remote.layers = many;
	remote.layer_count = sizeof(many) / sizeof(many[0]);
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &remote), WLK_ERR_INVALID);
	remote.layer_count = 100000;
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &remote), WLK_ERR_INVALID);
	/* Nothing is left of them: an offer receives no layers. */
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_null(strstr(wlk_peer_connection_local_description(sim.a.pc)->sdp, " recv "));
	sim_free(&sim);
}

static void test_bad_parameters_are_refused(void **state)
{
	wlk_direct_parameters remote, bad;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	remote = parameters_of(&sim.b);
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_UNKNOWN, &remote), WLK_ERR_INVALID);
	bad = remote;
	strcpy(bad.fingerprint.value, "ab:cd:x");
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &bad), WLK_ERR_INVALID);
	bad = remote;
	bad.username_fragment = "a\r\nb=evil";
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &bad), WLK_ERR_INVALID);
	assert_int_equal(wlk_peer_connection_signaling_state(sim.a.pc), WLK_SIGNALING_STABLE);
	/* What is refused by either side changes nothing: the right ones do. */
	bad = remote;
	bad.password = "too short";
	assert_true(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &bad) < 0);
	assert_int_equal(wlk_peer_connection_signaling_state(sim.a.pc), WLK_SIGNALING_STABLE);
	assert_true(wlk_direct_start(sim.b.pc, WLK_ICE_ROLE_CONTROLLED, &bad) < 0);
	assert_null(wlk_transceiver_mid(seen.video[1]));
	bad = parameters_of(&sim.a);
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &remote), WLK_OK);
	assert_int_equal(wlk_direct_start(sim.b.pc, WLK_ICE_ROLE_CONTROLLED, &bad), WLK_OK);
	assert_true(sim_run_until(&sim, 20 * SIM_SECOND, both_open));
	wlk_peer_connection_close(sim.a.pc);
	assert_int_equal(wlk_direct_start(sim.a.pc, WLK_ICE_ROLE_CONTROLLING, &remote), WLK_ERR_STATE);
	assert_int_equal(wlk_direct_local_parameters(sim.a.pc, NULL), WLK_ERR_INVALID);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters_are_enough),
		cmocka_unit_test(test_the_roles_are_as_agreed),
		cmocka_unit_test(test_simulcast_layers_cross),
		cmocka_unit_test(test_bad_layers_are_refused_and_change_nothing),
		cmocka_unit_test(test_bad_parameters_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
