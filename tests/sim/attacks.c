/*
 * Attacks on whole peers: somebody beside the path who can send any datagram from any address, and somebody on the path
 * who can copy, hold back and forge what is not authenticated. Each test is named by the rule that it breaks against.
 */
#include "attack.h"
#include "core/alloc.h"
#include "dtls/early_queue.h"
#include "dtls/transport.h"
#include "ice/stun_msg.h"

/* ---- 1 and 2: DTLS before and during the handshake ---- */

static size_t write_record(uint8_t *out, uint8_t type, uint16_t epoch, uint64_t seq, const void *body, size_t size)
{
	struct bytes_writer w = bytes_writer(out, 2048);

	bytes_put_u8(&w, type);
	bytes_put_u16(&w, 0xfefd);
	bytes_put_u16(&w, epoch);
	bytes_put_u16(&w, (uint16_t)(seq >> 32));
	bytes_put_u32(&w, (uint32_t)seq);
	bytes_put_u16(&w, (uint16_t)size);
	bytes_put(&w, body, size);
	return w.size;
}

/* A handshake message header that claims |length|, with a fragment of |fragment| bytes at |offset|. */
static size_t write_handshake(uint8_t *out, uint8_t type, uint32_t length, uint32_t offset, uint32_t fragment, size_t body)
{
	uint8_t message[300] = { type, (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length, 0, 0,
				 (uint8_t)(offset >> 16), (uint8_t)(offset >> 8), (uint8_t)offset,
				 (uint8_t)(fragment >> 16), (uint8_t)(fragment >> 8), (uint8_t)fragment };

	return write_record(out, 22, 0, 0, message, 12 + body);
}

/* A ClientHello with the one suite TLS_RSA_WITH_NULL_SHA. */
static size_t write_null_hello(uint8_t *out)
{
	uint8_t hello[] = { 1, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42, 0xfe, 0xfd, [14 ... 45] = 0x66, 0, 0, 0, 2, 0, 2, 1, 0 };

	return write_record(out, 22, 0, 0, hello, sizeof(hello));
}

enum { FORGERIES = 11 };

static size_t forge(int which, uint8_t out[2048])
{
	static const uint8_t fatal[] = { 2, 40 }, close_notify[] = { 1, 0 }, ccs[] = { 1 }, junk[64] = { 7 };

	switch (which) {
	case 0:
		return write_null_hello(out);
	case 1:
		return write_record(out, 21, 0, 1, fatal, sizeof(fatal));
	case 2:
		return write_record(out, 21, 0, 2, close_notify, sizeof(close_notify));
	case 3:
		return write_record(out, 20, 0, 3, ccs, sizeof(ccs));
	case 4:
		return write_record(out, 20, 0, ((uint64_t)1 << 48) - 1, ccs, sizeof(ccs));
	case 5:
		return write_record(out, 23, 0, 4, junk, sizeof(junk));
	case 6:
		return write_record(out, 23, 1, 5, junk, sizeof(junk));
	case 7:
		return write_handshake(out, 1, 100, 0, 0, 0);
	case 8:
		return write_handshake(out, 1, 0xffffff, 0, 200, 200);
	case 9:
		return write_handshake(out, 2, 100, 90, 100, 100);
	default:
		return write_handshake(out, 11, 200, 100, 100, 100);
	}
}

static void inject_forgeries(struct sim *sim, struct sim_peer *to, const wlk_addr *from)
{
	uint8_t datagram[2048];

	for (int i = 0; i < FORGERIES; i++)
		inject(sim, to, from, datagram, forge(i, datagram));
}

/* Everything that travels is accompanied by forgeries from another port of the same host, to both ends. */
static bool race_filter(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	if (note_stranger(sim, d))
		return false;
	if (from == &sim->b && is_dtls(d->data, d->size) && dtls_is_client_hello(d->data, d->size))
		capture_datagram(sim, from, d);
	if (attack_of(sim)->active) {
		inject_forgeries(sim, &sim->a, &stranger);
		inject_forgeries(sim, &sim->b, &stranger);
		for (size_t i = 0; i < attack_of(sim)->capture_count; i++) /* the honest hello itself, from elsewhere */
			inject(sim, &sim->a, &stranger, attack_of(sim)->captures[i].data, attack_of(sim)->captures[i].size);
	}
	return true;
}

static wlk_time time_to_open(struct sim *sim, struct attack *attack, bool active)
{
	struct sim_config config = { .seed = 31, .latency_us = 20 * SIM_MS };
	wlk_time begin;

	call_start(sim, &config, attack, race_filter);
	attack->active = active;
	begin = sim->now;
	if (active)
		inject_forgeries(sim, &sim->a, &stranger);
	sim_signal(sim);
	if (active)
		inject_forgeries(sim, &sim->a, &stranger);
	assert_true(sim_run_until(sim, 20 * SIM_SECOND, call_is_open));
	return sim->now - begin;
}

static void test_R12_client_hello_race_from_another_port(void **state)
{
	wlk_time honest, attacked;
	struct attack attack;
	struct sim sim;

	(void)state;
	honest = time_to_open(&sim, &attack, false);
	call_end(&sim);
	attacked = time_to_open(&sim, &attack, true);
	expect_call_is_well(&sim);
	assert_int_equal(attack.to_stranger, 0); /* no DTLS answer leaves for it */
	printf("channel open after %lld ms, under attack %lld ms\n", (long long)(honest / SIM_MS), (long long)(attacked / SIM_MS));
	assert_in_range(attacked, 0, honest + 40 * SIM_MS);
	call_end(&sim);
}

/* Forgeries under the honest addresses, with each honest DTLS datagram of the first two seconds. */
static bool on_path_filter(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	if (is_dtls(d->data, d->size) && sim->now < attack_of(sim)->until) {
		inject_forgeries(sim, from->other, address_of(sim, from));
		inject_forgeries(sim, from, address_of(sim, from->other));
	}
	return true;
}

static void test_R13_forged_records_on_the_honest_path_connect_within_10_s(void **state)
{
	(void)state;
	for (uint64_t seed = 32; seed < 40; seed++) {
		struct sim_config config = { .seed = seed, .latency_us = (wlk_time)(seed % 4) * 20 * SIM_MS, .jitter_us = 5 * SIM_MS };
		struct attack attack;
		struct sim sim;

		call_start(&sim, &config, &attack, on_path_filter);
		attack.until = sim.now + 2 * SIM_SECOND;
		sim_signal(&sim);
		if (!sim_run_until(&sim, 10 * SIM_SECOND, call_is_open))
			sim_fail(&sim, "not connected within 10 s");
		expect_call_is_well(&sim);
		call_end(&sim);
	}
}

static void test_R13_R17_forged_records_after_the_handshake_change_nothing(void **state)
{
	struct attack attack;
	struct sim sim;

	(void)state;
	call_connect(&sim, &(struct sim_config){ .seed = 41, .latency_us = 10 * SIM_MS }, &attack, NULL);
	for (int i = 0; i < 200; i++) {
		inject_forgeries(&sim, &sim.a, &address_b);
		inject_forgeries(&sim, &sim.b, &address_a);
		sim_run_for(&sim, SIM_MS);
	}
	expect_call_is_well(&sim);
	call_end(&sim);
}

/* ---- 8: STUN ---- */

/* The value of an a= line of |peer|'s own description. */
static void own_attribute(const struct sim_peer *peer, const char *name, char out[64])
{
	const char *at = strstr(wlk_peer_connection_local_description(peer->pc)->sdp, name);

	assert_non_null(at);
	at += strlen(name);
	for (size_t i = 0; i < 63 && at[i] != '\r'; i++) {
		out[i] = at[i];
		out[i + 1] = '\0';
	}
}

struct probe {
	const char *username, *password;
	bool no_integrity, no_fingerprint, no_username, no_role, flood;
};

/* A Binding request to a as |probe| says; answers its size. */
static size_t write_probe(const struct probe *probe, uint8_t out[1500])
{
	static uint8_t txid[STUN_TXID_SIZE];
	struct crypto_hmac *hmac;
	struct stun_writer w;
	size_t size = 0;

	txid[0]++;
	assert_int_equal(crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, probe->password, strlen(probe->password)), WLK_OK);
	stun_writer_init(&w, out, 1500, STUN_REQUEST, STUN_METHOD_BINDING, txid);
	if (!probe->no_username)
		stun_put_text(&w, STUN_ATTR_USERNAME, probe->username);
	if (!probe->no_role)
		stun_put_u64(&w, STUN_ATTR_ICE_CONTROLLED, 1);
	stun_put_u32(&w, STUN_ATTR_PRIORITY, 1);
	assert_int_equal(stun_writer_finish(&w, probe->no_integrity ? NULL : hmac, !probe->no_fingerprint, &size), WLK_OK);
	crypto_hmac_destroy(hmac);
	return size;
}

static bool stranger_filter(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	(void)from;
	return !note_stranger(sim, d);
}

static void test_R4_requests_that_prove_nothing_get_no_answer_and_change_nothing(void **state)
{
	char ufrag_a[64], pwd_a[64], ufrag_b[64], good_user[130];
	uint64_t bytes_in = 0;
	struct attack attack;
	uint8_t out[1500];
	struct sim sim;

	(void)state;
	call_connect(&sim, &(struct sim_config){ .seed = 47, .latency_us = 10 * SIM_MS }, &attack, stranger_filter);
	own_attribute(&sim.a, "a=ice-ufrag:", ufrag_a);
	own_attribute(&sim.a, "a=ice-pwd:", pwd_a);
	own_attribute(&sim.b, "a=ice-ufrag:", ufrag_b);
	snprintf(good_user, sizeof(good_user), "%s:%s", ufrag_a, ufrag_b);
	const struct probe probes[] = {
		{ .username = good_user, .password = "not the password at all" },
		{ .username = good_user, .password = pwd_a, .no_integrity = true },
		{ .username = good_user, .password = pwd_a, .no_fingerprint = true },
		{ .username = "some:body", .password = pwd_a },
		{ .username = good_user, .password = pwd_a, .no_username = true },
		{ .username = good_user, .password = pwd_a, .no_role = true },
	};
	for (int i = 0; i < 600; i++) {
		size_t size = write_probe(&probes[i % 6], out);

		bytes_in += size;
		inject(&sim, &sim.a, &stranger, out, size);
		sim_run_for(&sim, SIM_MS);
	}
	sim_run_for(&sim, 2 * SIM_SECOND);
	printf("%llu bytes of bad requests, %llu bytes in %llu datagrams back\n", (unsigned long long)bytes_in,
	       (unsigned long long)attack.bytes_to_stranger, (unsigned long long)attack.to_stranger);
	assert_in_range(attack.to_stranger, 0, 20); /* 400 or 401 by the token bucket at most */
	assert_true(2 * attack.bytes_to_stranger <= 3 * bytes_in);
	expect_call_is_well(&sim);
	call_end(&sim);
}

/* A request that knows the password is answered, with at most one and a half times its size; media does not follow it. */
static void test_R4_R2_the_answer_is_no_amplifier_and_the_path_stays(void **state)
{
	char ufrag_a[64], pwd_a[64], ufrag_b[64], good_user[130];
	struct attack attack;
	uint8_t out[1500];
	struct sim sim;
	size_t size;

	(void)state;
	call_connect(&sim, &(struct sim_config){ .seed = 48, .latency_us = 10 * SIM_MS }, &attack, stranger_filter);
	own_attribute(&sim.a, "a=ice-ufrag:", ufrag_a);
	own_attribute(&sim.a, "a=ice-pwd:", pwd_a);
	own_attribute(&sim.b, "a=ice-ufrag:", ufrag_b);
	snprintf(good_user, sizeof(good_user), "%s:%s", ufrag_a, ufrag_b);
	size = write_probe(&(struct probe){ .username = good_user, .password = pwd_a }, out);
	inject(&sim, &sim.a, &stranger, out, size);
	sim_run_for(&sim, 1);
	assert_in_range(attack.to_stranger, 1, 2); /* the answer, and perhaps a triggered check */
	assert_true(2 * attack.bytes_to_stranger <= attack.to_stranger * 3 * size);
	attack.to_stranger = 0;
	send_packets(&sim, 200, 10 * SIM_MS);
	sim_run_for(&sim, SIM_SECOND);
	assert_in_range(attack.to_stranger, 0, 20); /* checks; no media */
	assert_int_equal(attack.packets_b, 200);
	call_end(&sim);
}

/* Success responses of b reach a from the stranger's address only, while the attack lasts. */
static bool moved_response_filter(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	if (note_stranger(sim, d))
		return false;
	if (!attack_of(sim)->active || d->size < 20 || d->data[0] != 1 || d->data[1] != 1)
		return true;
	inject(sim, from->other, &stranger, d->data, d->size);
	return false;
}

static void test_R5_responses_from_another_address_validate_nothing(void **state)
{
	struct attack attack;
	struct sim sim;

	(void)state;
	call_start(&sim, &(struct sim_config){ .seed = 49, .latency_us = 10 * SIM_MS }, &attack, moved_response_filter);
	attack.active = true;
	sim_signal(&sim);
	assert_false(sim_run_until(&sim, 3 * SIM_SECOND, call_is_open));
	assert_int_equal(wlk_peer_connection_ice_connection_state(sim.a.pc), WLK_ICE_CONNECTION_CHECKING);
	assert_int_equal(attack.to_stranger, 0);
	attack.active = false;
	assert_true(sim_run_until(&sim, 20 * SIM_SECOND, call_is_open));
	call_end(&sim);
}

/* The last Binding request of b. */
static bool keep_request_of_b(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	if (note_stranger(sim, d))
		return false;
	if (from == &sim->b && d->size >= 20 && d->data[0] == 0 && d->data[1] == 1) {
		attack_of(sim)->capture_count = 0;
		capture_datagram(sim, from, d);
	}
	return true;
}

static void test_R10_credentials_before_a_restart_are_refused(void **state)
{
	struct attack attack;
	struct sim sim;

	(void)state;
	call_connect(&sim, &(struct sim_config){ .seed = 50, .latency_us = 10 * SIM_MS }, &attack, keep_request_of_b);
	sim_run_for(&sim, SIM_SECOND);
	sim.filter = stranger_filter;
	inject(&sim, &sim.a, &stranger, attack.captures[0].data, attack.captures[0].size);
	sim_run_for(&sim, 1);
	assert_true(attack.to_stranger > 0); /* it is good as long as its generation is */
	sim_renegotiate(&sim, &sim.a, true);
	sim_run_for(&sim, 60 * SIM_SECOND);
	attack.to_stranger = 0;
	inject(&sim, &sim.a, &stranger, attack.captures[0].data, attack.captures[0].size);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(attack.to_stranger, 0);
	expect_call_is_well(&sim);
	call_end(&sim);
}

/* ---- 10: candidates that aim at others ---- */

static bool only_known_filter(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	if (!addr_equal(&d->remote, &address_a) && !addr_equal(&d->remote, &address_b))
		sim_fail(sim, "%s sends to an address that it must not", from->name);
	return true;
}

static void test_R8_candidates_of_forbidden_addresses_are_never_checked(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1", "224.0.0.1", "ff02::1", "0.0.0.0", "::", "255.255.255.255",
						 "::ffff:127.0.0.1", "::ffff:224.0.0.1", "::ffff:0.0.0.0", "127.255.255.254" };
	struct attack attack;
	struct sim sim;

	(void)state;
	call_start(&sim, &(struct sim_config){ .seed = 51, .latency_us = 10 * SIM_MS }, &attack, only_known_filter);
	sim_signal(&sim);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		char line[200];
		wlk_ice_candidate candidate = { line, "0", 0, NULL };

		snprintf(line, sizeof(line), "candidate:%zu 1 udp 2130706431 %s 9999 typ host", i, addresses[i]);
		if (wlk_peer_connection_add_ice_candidate(sim.a.pc, &candidate) != WLK_ERR_UNSUPPORTED)
			sim_fail(&sim, "%s is not refused", addresses[i]);
		assert_true(strlen(wlk_last_error(sim.a.pc)) > 0);
	}
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, call_is_open));
	expect_call_is_well(&sim);
	call_end(&sim);
}

/* ---- R27: what SCTP tells of us ---- */

enum { BLOCKS = 1 << 16 };

static struct {
	uint8_t *at;
	size_t size;
} blocks[BLOCKS];
static size_t block_count;
static bool watch_packets;
static size_t packets_watched;

static void *noted_resize(void *ptr, size_t size, void *user)
{
	uint8_t *out = realloc(ptr, size);

	(void)user;
	if (out && block_count < BLOCKS) {
		blocks[block_count].at = out;
		blocks[block_count++].size = size;
	}
	return out;
}

static void *noted_alloc(size_t size, void *user)
{
	return noted_resize(NULL, size, user);
}

static void noted_release(void *ptr, void *user)
{
	(void)user;
	free(ptr); /* stays in the list: a stale pointer tells as much */
}

static bool points_into_heap(uint64_t value)
{
	for (size_t i = 0; i < block_count; i++)
		if (value >= (uintptr_t)blocks[i].at && value < (uintptr_t)blocks[i].at + blocks[i].size)
			return true;
	return false;
}

/* Eight bytes at any offset and in either order. */
static void expect_no_pointer(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 8 <= size; i++) {
		uint64_t little;

		memcpy(&little, data + i, 8);
		assert_false(points_into_heap(little));
		assert_false(points_into_heap(__builtin_bswap64(little)));
	}
}

wlk_err __real_dtls_transport_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size);
wlk_err __wrap_dtls_transport_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size);

/* The linker puts this in front: SCTP packets pass here before they are encrypted. */
wlk_err __wrap_dtls_transport_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	if (watch_packets) {
		packets_watched++;
		expect_no_pointer(data, size);
	}
	return __real_dtls_transport_send(t, now, data, size);
}

static void test_R27_no_sctp_packet_carries_a_heap_pointer(void **state)
{
	const struct alloc_hooks hooks = { noted_alloc, noted_resize, noted_release, NULL };
	struct attack attack;
	struct sim sim;

	(void)state;
	assert_int_equal(alloc_live_blocks(), 0);
	alloc_set_hooks(&hooks);
	watch_packets = true;
	call_start(&sim, &(struct sim_config){ .seed = 52, .latency_us = 10 * SIM_MS }, &attack, NULL);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, call_is_open));
	expect_call_is_well(&sim);
	watch_packets = false;
	printf("%zu SCTP packets looked at, %zu blocks of memory\n", packets_watched, block_count);
	assert_in_range(packets_watched, 6, 1000);
	call_end(&sim);
	alloc_set_hooks(NULL);
}

/* ---- R37, R39 ---- */

static void test_R37_a_spent_budget_ends_that_peer_only(void **state)
{
	wlk_configuration small = WLK_CONFIGURATION_INIT;
	struct sim_config config = { .seed = 53, .latency_us = 10 * SIM_MS, .config_b = &small };
	uint8_t *message = calloc(1, 262144);
	struct attack attack;
	struct sim sim;

	(void)state;
	assert_non_null(message);
	small.memory_budget = 700000;
	call_start(&sim, &config, &attack, NULL);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, call_is_open));
	assert_int_equal(wlk_data_channel_send(attack.channel, WLK_MESSAGE_BINARY, message, 262144), WLK_OK);
	sim_run_for(&sim, 20 * SIM_SECOND);
	assert_int_equal(sim.b.state, WLK_CONNECTION_FAILED);
	assert_int_equal(attack.echoes, 0);
	assert_int_equal(wlk_data_channel_ready_state(attack.channel), WLK_DATA_CHANNEL_CLOSED);
	call_end(&sim);

	call_start(&sim, &(struct sim_config){ .seed = 54 }, &attack, NULL);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, call_is_open));
	assert_int_equal(wlk_data_channel_send(attack.channel, WLK_MESSAGE_BINARY, message, 262144), WLK_OK);
	sim_run_for(&sim, 20 * SIM_SECOND);
	assert_int_equal(attack.echoes, 1);
	call_end(&sim);
	free(message);
}

static bool keep_all_of_a(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	if (from == &sim->a)
		capture_datagram(sim, from, d);
	return true;
}

static void test_R39_a_closed_peer_ignores_what_comes_late(void **state)
{
	wlk_datagram datagram;
	struct attack attack;
	struct sim sim;

	(void)state;
	call_connect(&sim, &(struct sim_config){ .seed = 55, .latency_us = 10 * SIM_MS }, &attack, keep_all_of_a);
	send_packets(&sim, 50, 10 * SIM_MS);
	assert_int_equal(wlk_data_channel_send(attack.channel, WLK_MESSAGE_TEXT, "late", 4), WLK_OK);
	wlk_peer_connection_close(sim.b.pc);
	while (wlk_drive_poll_transmit(sim.b.pc, sim.now, &datagram))
		wlk_datagram_release(&datagram);
	for (size_t i = 0; i < attack.capture_count; i++)
		inject(&sim, &sim.b, &address_a, attack.captures[i].data, attack.captures[i].size);
	inject_forgeries(&sim, &sim.b, &stranger);
	wlk_drive_handle_timeout(sim.b.pc, sim.now + SIM_SECOND);
	assert_null(wlk_drive_poll_event(sim.b.pc));
	assert_false(wlk_drive_poll_transmit(sim.b.pc, sim.now + SIM_SECOND, &datagram));
	assert_true(wlk_drive_deadline(sim.b.pc) == WLK_TIME_NEVER);
	call_end(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R27_no_sctp_packet_carries_a_heap_pointer), /* first: nothing is allocated yet */
		cmocka_unit_test(test_R12_client_hello_race_from_another_port),
		cmocka_unit_test(test_R13_forged_records_on_the_honest_path_connect_within_10_s),
		cmocka_unit_test(test_R13_R17_forged_records_after_the_handshake_change_nothing),
		cmocka_unit_test(test_R4_requests_that_prove_nothing_get_no_answer_and_change_nothing),
		cmocka_unit_test(test_R4_R2_the_answer_is_no_amplifier_and_the_path_stays),
		cmocka_unit_test(test_R5_responses_from_another_address_validate_nothing),
		cmocka_unit_test(test_R10_credentials_before_a_restart_are_refused),
		cmocka_unit_test(test_R8_candidates_of_forbidden_addresses_are_never_checked),
		cmocka_unit_test(test_R37_a_spent_budget_ends_that_peer_only),
		cmocka_unit_test(test_R39_a_closed_peer_ignores_what_comes_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
