/* What failed calls, transports and channels say of themselves (W3C webrtc-pc 11), and getConfiguration()/setConfiguration() (4.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/bytes.h"
#include "dtls/transport.h"
#include "sctp/packet_filter.h"
#include "sim.h"

enum { CHUNK_ABORT_TYPE = 6, CAUSE_USER_INITIATED = 12 };

/* What the events told. */
struct seen {
	size_t dtls_errors, dtls_failures, channel_errors;
	bool error_first; /* the DTLS error came before its state */
	wlk_error dtls, channel;
	bool open;
};

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = sim->user;

	if (ev->type == WLK_EVENT_DATA_CHANNEL_OPEN)
		seen->open = true;
	if (peer != &sim->a)
		return;
	if (ev->type == WLK_EVENT_DTLS_ERROR) {
		seen->dtls_errors++;
		seen->error_first = !seen->dtls_failures;
		seen->dtls = *ev->u.dtls_error.error;
		assert_non_null(wlk_dtls_transport_ice_transport(ev->u.dtls_error.transport));
	} else if (ev->type == WLK_EVENT_DTLS_STATE_CHANGE) {
		seen->dtls_failures += wlk_dtls_transport_state(ev->u.dtls_transport) == WLK_DTLS_STATE_FAILED;
	} else if (ev->type == WLK_EVENT_DATA_CHANNEL_ERROR) {
		seen->channel_errors++;
		seen->channel = *ev->u.channel.details;
		assert_string_equal(seen->channel.message, ev->u.channel.error);
	}
}

static bool is_open(struct sim *sim)
{
	return ((struct seen *)sim->user)->open;
}

static bool has_dtls_error(struct sim *sim)
{
	return ((struct seen *)sim->user)->dtls_failures > 0;
}

static bool has_channel_error(struct sim *sim)
{
	return ((struct seen *)sim->user)->channel_errors > 0;
}

static void start(struct sim *sim, struct seen *seen)
{
	wlk_data_channel *channel;

	*seen = (struct seen){ 0 };
	sim_init(sim, &(struct sim_config){ .seed = 3, .latency_us = 5 * SIM_MS, .may_fail = true }, on_event, seen);
	assert_int_equal(wlk_peer_connection_create_data_channel(sim->a.pc, "x", NULL, &channel), WLK_OK);
}

static wlk_error last_of(const wlk_peer_connection *pc)
{
	wlk_error error = WLK_ERROR_INIT;

	assert_int_equal(wlk_peer_connection_last_error(pc, &error), WLK_OK);
	assert_string_equal(error.message, wlk_last_error(pc));
	return error;
}

/* ---- calls ---- */

static void test_nothing_has_failed_at_first(void **state)
{
	wlk_error error = WLK_ERROR_INIT;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	assert_int_equal(wlk_peer_connection_last_error(sim.a.pc, &error), WLK_ERR_NOT_FOUND);
	assert_string_equal(wlk_last_error(sim.a.pc), "");
	assert_string_equal(wlk_last_error(NULL), ""); /* where none could be created */
	assert_int_equal(wlk_peer_connection_last_error(sim.a.pc, NULL), WLK_ERR_INVALID);
	error.struct_size = 4;
	assert_int_equal(wlk_peer_connection_last_error(sim.a.pc, &error), WLK_ERR_INVALID);
	sim_free(&sim);
}

static void test_an_error_has_the_name_of_w3c(void **state)
{
	const wlk_session_description answer = { WLK_SDP_ANSWER, "v=0\r\n" };
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_rtp_encoding encoding = WLK_RTP_ENCODING_INIT;
	wlk_data_channel_init negotiated = WLK_DATA_CHANNEL_INIT;
	wlk_data_channel *channel;
	wlk_transceiver *t;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.a.pc, &answer), WLK_ERR_STATE);
	assert_string_equal(last_of(sim.a.pc).name, "InvalidStateError");
	assert_int_equal(last_of(sim.a.pc).code, WLK_ERR_STATE);
	assert_int_equal(last_of(sim.a.pc).detail, WLK_ERROR_DETAIL_NONE);
	assert_int_equal(last_of(sim.a.pc).sdp_line_number, -1);

	encoding.scale_resolution_down_by = 0.5;
	encoding.has_scale_resolution_down_by = true;
	init.send_encodings = &encoding;
	init.send_encoding_count = 1;
	assert_int_equal(wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_VIDEO, &init, &t), WLK_ERR_INVALID);
	assert_string_equal(last_of(sim.a.pc).name, "RangeError");

	negotiated.negotiated = true;
	assert_int_equal(wlk_peer_connection_create_data_channel(sim.a.pc, "y", &negotiated, &channel), WLK_ERR_INVALID);
	assert_string_equal(last_of(sim.a.pc).name, "TypeError");
	assert_int_equal(wlk_peer_connection_add_track(sim.a.pc, WLK_MEDIA_AUDIO, "voice", NULL, 0, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_add_track(sim.a.pc, WLK_MEDIA_AUDIO, "voice", NULL, 0, NULL), WLK_ERR_INVALID);
	assert_string_equal(last_of(sim.a.pc).name, "InvalidAccessError");
	sim_free(&sim);
}

static void test_a_syntax_error_has_its_line(void **state)
{
	const wlk_session_description bad = { WLK_SDP_OFFER, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nthis is no line\r\nt=0 0\r\n" };
	struct {
		wlk_error known;
		char untouched[16];
	} larger = { .known = WLK_ERROR_INIT, .untouched = "as it was" };
	wlk_error error;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.a.pc, &bad), WLK_ERR_PARSE);
	error = last_of(sim.a.pc);
	assert_string_equal(error.name, "OperationError");
	assert_int_equal(error.detail, WLK_ERROR_DETAIL_SDP_SYNTAX_ERROR);
	assert_string_equal(wlk_error_detail_name(error.detail), "sdp-syntax-error");
	assert_int_equal(error.sdp_line_number, 4);
	assert_string_equal(error.sdp_line, "this is no line");
	assert_int_equal(error.received_alert, -1);

	/* A program that was compiled with a later header, and one with an earlier one. */
	larger.known.struct_size = sizeof(larger);
	assert_int_equal(wlk_peer_connection_last_error(sim.a.pc, &larger.known), WLK_OK);
	assert_int_equal(larger.known.struct_size, sizeof(wlk_error));
	assert_string_equal(larger.untouched, "as it was");
	error = (wlk_error)WLK_ERROR_INIT;
	error.struct_size = offsetof(wlk_error, sdp_line_number);
	error.sdp_line_number = 77;
	assert_int_equal(wlk_peer_connection_last_error(sim.a.pc, &error), WLK_OK);
	assert_int_equal(error.detail, WLK_ERROR_DETAIL_SDP_SYNTAX_ERROR);
	assert_int_equal(error.sdp_line_number, 77);
	sim_free(&sim);
}

/* ---- transports ---- */

static void test_R14_fingerprint_failure_is_told(void **state)
{
	wlk_session_description forged;
	struct seen seen;
	struct sim sim;
	char *text, *digit;

	(void)state;
	start(&sim, &seen);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, wlk_peer_connection_local_description(sim.a.pc)), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	text = strdup(wlk_peer_connection_local_description(sim.b.pc)->sdp);
	digit = strstr(text, "sha-256 ") + 8;
	*digit = *digit == '0' ? '1' : '0';
	forged = (wlk_session_description){ WLK_SDP_ANSWER, text };
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.a.pc, &forged), WLK_OK);
	assert_true(sim_run_until(&sim, 20 * SIM_SECOND, has_dtls_error));
	assert_int_equal(seen.dtls_errors, 1);
	assert_true(seen.error_first);
	assert_int_equal(seen.dtls.detail, WLK_ERROR_DETAIL_FINGERPRINT_FAILURE);
	assert_string_equal(seen.dtls.name, "OperationError");
	assert_int_equal(seen.dtls.received_alert, -1);
	assert_int_equal(last_of(sim.a.pc).detail, WLK_ERROR_DETAIL_FINGERPRINT_FAILURE);
	free(text);
	sim_free(&sim);
}

/* Handshakes of b get nowhere: its flights vanish, and a gives up when its time is over. */
static bool lose_handshakes_of_b(struct sim *sim, struct sim_peer *from, const wlk_datagram *datagram)
{
	return from != &sim->b || datagram->data[0] < 20 || datagram->data[0] > 63;
}

static void test_a_handshake_that_times_out_is_a_dtls_failure(void **state)
{
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	sim.filter = lose_handshakes_of_b;
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 120 * SIM_SECOND, has_dtls_error));
	assert_true(seen.error_first);
	assert_int_equal(seen.dtls.detail, WLK_ERROR_DETAIL_DTLS_FAILURE);
	assert_int_equal(wlk_peer_connection_connection_state(sim.a.pc), WLK_CONNECTION_FAILED);
	sim_free(&sim);
}

/* ---- the far end's last words, put into its mouth ---- */

static struct dtls_transport *speaker;
static bool abort_next;

wlk_err __real_dtls_transport_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size);
wlk_err __wrap_dtls_transport_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size);

wlk_err __wrap_dtls_transport_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	uint8_t packet[PACKET_HEADER_SIZE + 8];

	if (!abort_next || t != speaker || size < PACKET_HEADER_SIZE) {
		speaker = t; /* whoever speaks last */
		return __real_dtls_transport_send(t, now, data, size);
	}
	abort_next = false;
	memcpy(packet, data, PACKET_HEADER_SIZE);
	memcpy(packet + PACKET_HEADER_SIZE, (const uint8_t[]){ CHUNK_ABORT_TYPE, 0, 0, 8, 0, CAUSE_USER_INITIATED, 0, 4 }, 8);
	packet_write_checksum(packet, sizeof(packet));
	return __real_dtls_transport_send(t, now, packet, sizeof(packet));
}

static void test_an_abort_gives_its_cause_to_the_channels(void **state)
{
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	wlk_data_channel *channel;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen);
	init.negotiated = init.has_id = true;
	init.id = 7;
	assert_int_equal(wlk_peer_connection_create_data_channel(sim.b.pc, "from b", &init, &channel), WLK_OK);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, is_open));
	sim_run_for(&sim, SIM_SECOND);
	/* b speaks twice: the second time it is made to abort. */
	assert_int_equal(wlk_data_channel_send(channel, WLK_MESSAGE_TEXT, "hello", 5), WLK_OK);
	speaker = NULL;
	sim_run_for(&sim, 2 * SIM_MS);
	assert_non_null(speaker);
	abort_next = true;
	assert_int_equal(wlk_data_channel_send(channel, WLK_MESSAGE_TEXT, "again", 5), WLK_OK);
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, has_channel_error));
	assert_int_equal(seen.channel.detail, WLK_ERROR_DETAIL_SCTP_FAILURE);
	assert_int_equal(seen.channel.sctp_cause_code, CAUSE_USER_INITIATED);
	assert_string_equal(seen.channel.name, "OperationError");
	assert_int_equal(last_of(sim.a.pc).sctp_cause_code, CAUSE_USER_INITIATED);
	sim_free(&sim);
}

/* ---- configuration ---- */

static wlk_configuration configuration_of(const wlk_peer_connection *pc)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	assert_int_equal(wlk_peer_connection_get_configuration(pc, &config), WLK_OK);
	return config;
}

static void test_the_configuration_is_what_was_given(void **state)
{
	wlk_ice_server servers[] = { { .url = "stun:192.0.2.1" }, { "turn:192.0.2.2", "user", "secret" } };
	wlk_configuration given = WLK_CONFIGURATION_INIT, config;
	wlk_certificate *certificate;
	wlk_peer_connection *pc;

	(void)state;
	assert_int_equal(wlk_certificate_generate(&certificate), WLK_OK);
	given.ice_servers = servers;
	given.ice_server_count = 2;
	given.certificates = &certificate;
	given.certificate_count = 1;
	given.bundle_policy = WLK_BUNDLE_MAX_COMPAT;
	given.user = servers;
	assert_int_equal(wlk_drive_create(&given, 0, 1700000000000000, &pc), WLK_OK);
	wlk_certificate_release(certificate); /* the connection has its own reference */
	servers[1].username = "another";
	config = configuration_of(pc);
	assert_int_equal(config.ice_server_count, 2);
	assert_string_equal(config.ice_servers[0].url, "stun:192.0.2.1");
	assert_null(config.ice_servers[0].username);
	assert_string_equal(config.ice_servers[1].username, "user");
	assert_string_equal(config.ice_servers[1].credential, "secret");
	assert_int_equal(config.certificate_count, 1);
	assert_ptr_equal(config.certificates[0], certificate);
	assert_int_equal(config.bundle_policy, WLK_BUNDLE_MAX_COMPAT);
	assert_ptr_equal(config.user, servers);
	assert_int_equal(wlk_peer_connection_set_configuration(pc, &config), WLK_OK); /* its own words */
	config.struct_size = 1;
	assert_int_equal(wlk_peer_connection_get_configuration(pc, &config), WLK_ERR_INVALID);
	wlk_peer_connection_destroy(pc);
}

static void expect_refused(wlk_peer_connection *pc, const wlk_configuration *config, const char *member)
{
	char words[80];

	snprintf(words, sizeof(words), "%s cannot change", member);
	assert_int_equal(wlk_peer_connection_set_configuration(pc, config), WLK_ERR_NEGOTIATION);
	assert_string_equal(wlk_last_error(pc), words);
	assert_string_equal(last_of(pc).name, "InvalidModificationError");
	assert_int_equal(configuration_of(pc).ice_server_count, 1);
	assert_int_equal(configuration_of(pc).ice_transport_policy, WLK_ICE_TRANSPORT_ALL);
}

static void test_fixed_members_cannot_change(void **state)
{
	const wlk_ice_server server = { .url = "stun:192.0.2.1" };
	wlk_configuration given = WLK_CONFIGURATION_INIT, config;
	wlk_certificate *certificate;
	wlk_peer_connection *pc;

	(void)state;
	given.ice_servers = &server;
	given.ice_server_count = 1;
	assert_int_equal(wlk_drive_create(&given, 0, 1700000000000000, &pc), WLK_OK);
	assert_int_equal(wlk_certificate_generate(&certificate), WLK_OK);
#define TRY(member, value)                                  \
	config = configuration_of(pc);                      \
	config.ice_server_count = 0;                        \
	config.ice_transport_policy = WLK_ICE_TRANSPORT_RELAY; \
	config.member = value;                              \
	expect_refused(pc, &config, strcmp(#member, "certificate") ? #member : "certificates");
	TRY(bundle_policy, WLK_BUNDLE_MAX_BUNDLE)
	TRY(rtcp_mux_policy, WLK_RTCP_MUX_NEGOTIATE)
	TRY(certificate, certificate)
	TRY(max_message_size, 1000)
	TRY(allow_loopback, true)
	TRY(ice_lite, true)
	TRY(port_max, 9)
	TRY(log_name, "another")
#undef TRY
	/* 4.4.1.6 step 7: until a local description is set. */
	config = configuration_of(pc);
	config.ice_candidate_pool_size = 3;
	assert_int_equal(wlk_peer_connection_set_configuration(pc, &config), WLK_OK);
	assert_int_equal(configuration_of(pc).ice_candidate_pool_size, 3);
	assert_int_equal(wlk_peer_connection_set_local_description(pc, NULL), WLK_OK);
	config = configuration_of(pc);
	config.ice_candidate_pool_size = 4;
	expect_refused(pc, &config, "ice_candidate_pool_size");
	wlk_certificate_release(certificate);
	wlk_peer_connection_destroy(pc);
}

static void test_servers_that_cannot_be_used_are_told_apart(void **state)
{
	wlk_ice_server server = { .url = "stun:" };
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_peer_connection *pc;

	(void)state;
	assert_int_equal(wlk_drive_create(NULL, 0, 1700000000000000, &pc), WLK_OK);
	config.ice_servers = &server;
	config.ice_server_count = 1;
	assert_int_equal(wlk_peer_connection_set_configuration(pc, &config), WLK_ERR_INVALID);
	assert_string_equal(last_of(pc).name, "SyntaxError");
	server.url = "turn:192.0.2.1";
	assert_int_equal(wlk_peer_connection_set_configuration(pc, &config), WLK_ERR_INVALID);
	assert_string_equal(last_of(pc).name, "InvalidAccessError");
	assert_int_equal(configuration_of(pc).ice_server_count, 0);
	wlk_peer_connection_close(pc);
	assert_int_equal(wlk_peer_connection_set_configuration(pc, &config), WLK_ERR_STATE);
	assert_string_equal(last_of(pc).name, "InvalidStateError");
	wlk_peer_connection_destroy(pc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_has_failed_at_first),
		cmocka_unit_test(test_an_error_has_the_name_of_w3c),
		cmocka_unit_test(test_a_syntax_error_has_its_line),
		cmocka_unit_test(test_R14_fingerprint_failure_is_told),
		cmocka_unit_test(test_a_handshake_that_times_out_is_a_dtls_failure),
		cmocka_unit_test(test_an_abort_gives_its_cause_to_the_channels),
		cmocka_unit_test(test_the_configuration_is_what_was_given),
		cmocka_unit_test(test_fixed_members_cannot_change),
		cmocka_unit_test(test_servers_that_cannot_be_used_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
