/* The TURN client against the small server of the tests: RFC 8656, long-term credentials of RFC 8489 9.2, R11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/rand.h"
#include "ice/turn_client.h"
#include "tests/support/turn_server.h"

#define PEER addr_v4(192, 0, 2, 7, 7000)

/* One client and one server with nothing but time between them. */
struct bench {
	struct turn_client *client;
	struct turn_server server;
	wlk_addr from;
	uint32_t stream;
	wlk_time now;
	struct turn_event events[64];
	size_t event_count;
	char reason[64]; /* of the last failure */
	uint8_t to_peer[64];
	size_t to_peer_size;
	wlk_addr data_from;
	uint8_t data[64];
	size_t data_size;
	size_t data_count;
	uint64_t sent;
};

static struct turn_credentials *credentials(const char *user, const char *password)
{
	struct turn_credentials *c = NULL;

	assert_int_equal(turn_credentials_create(&c, str_of(user), str_of(password)), WLK_OK);
	return c;
}

static void set_up_with(struct bench *b, const char *user, const char *password, bool reliable, uint8_t family)
{
	struct turn_client_config config = { .reliable = reliable, .family = family };
	wlk_addr at = addr_v4(198, 51, 100, 1, 3478), relay = addr_v4(198, 51, 100, 101, 0);

	memset(b, 0, sizeof(*b));
	turn_server_init(&b->server, &at, &relay);
	b->from = addr_v4(10, 0, 0, 1, 5000);
	b->stream = reliable ? 9 : 0;
	b->now = SECOND;
	config.credentials = credentials(user, password);
	assert_int_equal(turn_client_create(&b->client, &config), WLK_OK);
	turn_credentials_release(config.credentials);
}

static void set_up(struct bench *b)
{
	set_up_with(b, "user", "secret", false, 4);
}

static void tear_down(struct bench *b)
{
	turn_client_destroy(b->client);
	turn_server_free(&b->server);
}

static void take(struct bench *b, const uint8_t *data, size_t size)
{
	wlk_bytes payload;
	bool got = size && data[0] >> 6 == 1
			   ? turn_client_unwrap(b->client, b->now, data, size, &b->data_from, &payload)
			   : turn_client_input(b->client, b->now, data, size, &b->data_from, &payload);

	if (!got)
		return;
	assert_true(payload.size <= sizeof(b->data));
	memcpy(b->data, payload.data, payload.size);
	b->data_size = payload.size;
	b->data_count++;
}

/* Whether a datagram to |peer| is let out. */
static bool passes(struct bench *b, const wlk_addr *peer)
{
	struct pktbuf *buf = pktbuf_copy(NULL, "x", 1);
	bool wrapped;

	assert_non_null(buf);
	wrapped = turn_client_wrap(b->client, b->now, peer, &buf);
	pktbuf_release(buf);
	return wrapped;
}

static void take_events(struct bench *b)
{
	struct turn_event e;

	while (turn_client_poll_event(b->client, &e)) {
		assert_true(b->event_count < 64);
		if (e.type == TURN_EVENT_FAILED) {
			memset(b->reason, 0, sizeof(b->reason));
			memcpy(b->reason, e.reason.at, MIN(e.reason.size, sizeof(b->reason) - 1));
		}
		b->events[b->event_count++] = e;
	}
}

/* Everything that flows without time passing. */
static void flow(struct bench *b)
{
	struct pktbuf *out;
	struct dgram d;
	bool busy = true;
	int rounds = 0;

	turn_client_handle_timeout(b->client, b->now);
	while (busy) {
		busy = false;
		assert_true(++rounds < 100);
		while (turn_client_poll_transmit(b->client, b->now, &out)) {
			b->sent++;
			turn_server_input(&b->server, b->now, &b->from, &b->server.addr, b->stream, out->data,
					  out->size);
			pktbuf_release(out);
			busy = true;
		}
		while (turn_server_poll_transmit(&b->server, &d)) {
			if (addr_equal(&d.local, &b->server.addr)) {
				take(b, d.buf->data, d.buf->size);
			} else {
				assert_true(d.buf->size <= sizeof(b->to_peer));
				memcpy(b->to_peer, d.buf->data, d.buf->size);
				b->to_peer_size = d.buf->size;
			}
			pktbuf_release(d.buf);
			busy = true;
		}
		take_events(b);
	}
}

/* Time passes; deadlines are kept, and lie ahead each time. */
static void pass(struct bench *b, wlk_time us)
{
	wlk_time end = b->now + us;

	for (;;) {
		flow(b);
		assert_true(turn_client_deadline(b->client) > b->now);
		if (turn_client_deadline(b->client) > end)
			break;
		b->now = turn_client_deadline(b->client);
		turn_client_handle_timeout(b->client, b->now);
	}
	b->now = end;
	turn_client_handle_timeout(b->client, b->now);
	flow(b);
}

static void start(struct bench *b)
{
	turn_client_start(b->client, b->now, 0);
	flow(b);
}

static void start_allocated(struct bench *b)
{
	start(b);
	assert_int_equal(turn_client_state(b->client), TURN_ALLOCATED);
	b->event_count = 0;
}

static void permit(struct bench *b)
{
	wlk_addr peer = PEER;

	turn_client_permit(b->client, b->now, &peer);
	flow(b);
	b->event_count = 0;
}

static bool send_text(struct bench *b, const char *text)
{
	struct pktbuf *buf = pktbuf_copy(NULL, text, strlen(text));
	wlk_addr peer = PEER;
	bool sent = turn_client_wrap(b->client, b->now, &peer, &buf);

	b->to_peer_size = 0;
	if (sent)
		turn_server_input(&b->server, b->now, &b->from, &b->server.addr, b->stream, buf->data, buf->size);
	pktbuf_release(buf);
	flow(b);
	return sent;
}

static void from_peer(struct bench *b, const char *text)
{
	struct turn_server_allocation *a = turn_server_find(&b->server, b->now, NULL);
	wlk_addr peer = PEER;

	assert_non_null(a);
	turn_server_input(&b->server, b->now, &peer, &a->relayed, 0, (const uint8_t *)text, strlen(text));
	flow(b);
}

static uint64_t count(const struct bench *b, enum stun_method method)
{
	return b->server.requests[method];
}

/* ------------------------------------------------------------------------------------------- allocation */

static void test_allocates_with_one_challenge(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	start(&b);
	assert_int_equal(count(&b, STUN_METHOD_ALLOCATE), 2);
	assert_int_equal(b.event_count, 1);
	assert_int_equal(b.events[0].type, TURN_EVENT_ALLOCATED);
	assert_true(addr_ip_equal(&b.events[0].relayed, &b.server.relay_ip));
	assert_int_equal(b.events[0].relayed.port, 50000);
	assert_true(addr_equal(&b.events[0].mapped, &b.from));
	tear_down(&b);
}

static void test_server_without_authentication(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.open = true;
	start_allocated(&b);
	assert_int_equal(count(&b, STUN_METHOD_ALLOCATE), 1);
	permit(&b);
	assert_true(send_text(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	tear_down(&b);
}

static void test_errors_are_told_with_their_words(void **state)
{
	static const uint16_t codes[] = { 400, 403, 437, 441, 442, 486, 500, 508 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct bench b;

		set_up(&b);
		b.server.allocate_error = codes[i];
		start(&b);
		assert_int_equal(turn_client_state(b.client), TURN_FAILED);
		assert_int_equal(b.event_count, 1);
		assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
		assert_int_equal(b.events[0].error_code, codes[i]);
		assert_false(b.events[0].was_allocated);
		assert_string_equal(b.reason, "on demand");
		assert_int_equal(turn_client_deadline(b.client), WLK_TIME_NEVER);
		tear_down(&b);
	}
}

static void test_wrong_password_ends_after_one_try(void **state)
{
	struct bench b;

	(void)state;
	set_up_with(&b, "user", "wrong", false, 4);
	start(&b);
	assert_int_equal(count(&b, STUN_METHOD_ALLOCATE), 2);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, 401);
	assert_string_equal(b.reason, "Unauthorized");
	tear_down(&b);
}

static void test_silent_server_is_unreachable(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.dead = true;
	start(&b);
	pass(&b, 9 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATING);
	pass(&b, 2 * SECOND);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, TURN_UNREACHABLE);
	/* 0, 250, 750 ms, then every 500 ms until 10 s have passed. */
	assert_int_equal(b.sent, 21);
	tear_down(&b);
}

static void test_stream_requests_are_sent_once(void **state)
{
	struct bench b;

	(void)state;
	set_up_with(&b, "user", "secret", true, 4);
	b.server.dead = true;
	start(&b);
	pass(&b, 11 * SECOND);
	assert_int_equal(b.sent, 1);
	assert_int_equal(b.events[0].error_code, TURN_UNREACHABLE);
	tear_down(&b);
}

static void test_lost_answers_are_asked_for_again(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.lose = 3;
	start(&b);
	pass(&b, 2 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_int_equal(turn_server_live(&b.server, b.now), 1);
	tear_down(&b);
}

static void test_redirection(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.allocate_error = 300;
	b.server.alternate = addr_v4(198, 51, 100, 2, 3479);
	start(&b);
	assert_int_equal(b.events[0].type, TURN_EVENT_REDIRECTED);
	assert_true(addr_equal(&b.events[0].alternate, &b.server.alternate));
	assert_int_equal(turn_client_deadline(b.client), WLK_TIME_NEVER);
	tear_down(&b);
}

static void test_ipv6_relay_or_ipv4_where_there_is_none(void **state)
{
	static const uint8_t ip[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct bench b;

	(void)state;
	set_up_with(&b, "user", "secret", false, 6);
	b.server.relay_ip6 = addr_v6(ip, 0);
	start(&b);
	assert_int_equal(b.events[0].relayed.family, 6);
	tear_down(&b);

	set_up_with(&b, "user", "secret", false, 6);
	start(&b);
	assert_int_equal(b.events[0].type, TURN_EVENT_ALLOCATED);
	assert_int_equal(b.events[0].relayed.family, 4);
	tear_down(&b);
}

static void test_close_gives_the_allocation_back(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	turn_client_close(b.client);
	turn_client_close(b.client);
	flow(&b);
	assert_int_equal(b.server.released, 1);
	assert_int_equal(turn_server_live(&b.server, b.now), 0);
	assert_int_equal(turn_client_deadline(b.client), WLK_TIME_NEVER);
	assert_int_equal(b.event_count, 0);
	tear_down(&b);
}

/* -------------------------------------------------------------------------------------- authentication */

static void test_sha256_and_userhash_where_offered(void **state)
{
	struct bench b;

	(void)state;
	for (int i = 0; i < 4; i++) {
		set_up(&b);
		b.server.sha256 = i & 1;
		b.server.anonymous = i & 2;
		start_allocated(&b);
		permit(&b);
		assert_true(send_text(&b, "hello"));
		pass(&b, 600 * SECOND);
		assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
		tear_down(&b);
	}
}

/* RFC 8489 9.2.5: the nonce says that there were algorithms, somebody has taken them away. */
static void test_bid_down_is_refused(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.sha256 = b.server.bid_down = true;
	start(&b);
	assert_int_equal(count(&b, STUN_METHOD_ALLOCATE), 1);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, 401);
	tear_down(&b);
}

static void test_R11_at_most_three_rounds_of_authentication(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.nonce_loop = true;
	start(&b);
	pass(&b, 60 * SECOND);
	/* The first one, and three that were signed. */
	assert_int_equal(count(&b, STUN_METHOD_ALLOCATE), 4);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, 438);
	tear_down(&b);
}

static void test_R11_a_nonce_loop_does_not_end_a_living_allocation(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	permit(&b);
	b.server.nonce_loop = true;
	pass(&b, 590 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_true(count(&b, STUN_METHOD_REFRESH) + count(&b, STUN_METHOD_CREATE_PERMISSION) <= 1 + 2 * 4);
	pass(&b, 20 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_FAILED);
	assert_int_equal(b.events[b.event_count - 1].error_code, 438);
	assert_true(b.events[b.event_count - 1].was_allocated);
	tear_down(&b);
}

static void test_answers_without_integrity_are_dropped(void **state)
{
	struct turn_client_stats stats;
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.unsigned_answers = true;
	start(&b);
	pass(&b, SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATING);
	turn_client_get_stats(b.client, &stats);
	assert_true(stats.bad_integrity >= 2);
	pass(&b, 10 * SECOND);
	assert_int_equal(b.events[0].error_code, TURN_UNREACHABLE);
	tear_down(&b);
}

static void test_unsigned_error_is_told_only_when_nothing_better_comes(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.unsigned_answers = true;
	b.server.allocate_error = 486;
	start(&b);
	assert_int_equal(b.event_count, 0);
	pass(&b, 11 * SECOND);
	assert_int_equal(b.events[0].error_code, 486);
	tear_down(&b);
}

static void test_stale_nonces_cost_a_round_trip_each(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.nonce_life_us = 30 * SECOND;
	start_allocated(&b);
	permit(&b);
	pass(&b, 3600 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_true(send_text(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	tear_down(&b);
}

static void test_replaced_password_is_used_at_once_after_a_refusal(void **state)
{
	struct turn_credentials *fresh = credentials("user", "fresh");
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	permit(&b);
	b.server.users[0].password = "fresh";
	pass(&b, 300 * SECOND); /* the permission was to be renewed */
	assert_false(send_text(&b, "hello"));
	turn_client_set_credentials(b.client, b.now, fresh);
	flow(&b);
	assert_true(send_text(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	pass(&b, 1200 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_int_equal(turn_server_live(&b.server, b.now), 1);
	turn_credentials_release(fresh);
	tear_down(&b);
}

/* RFC 8656 5: the allocation stays with the username that made it; REST credentials have another one each time. */
static void test_replaced_username_falls_back_for_the_old_allocation(void **state)
{
	struct turn_credentials *fresh = credentials("1700000000:user", "other");
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.users[1] = (struct turn_server_user){ "1700000000:user", "other" };
	start_allocated(&b);
	permit(&b);
	turn_client_set_credentials(b.client, b.now, fresh);
	pass(&b, 3600 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	assert_true(send_text(&b, "hello"));
	turn_credentials_release(fresh);
	tear_down(&b);
}

/* --------------------------------------------------------------------------------------------- lifetime */

static void test_refresh_comes_in_time(void **state)
{
	static const struct {
		uint32_t lifetime_s;
		uint32_t at_s;
	} cases[] = { { 600, 540 }, { 3600, 3540 }, { 60, 50 }, { 300, 250 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench b;

		set_up(&b);
		b.server.lifetime_s = cases[i].lifetime_s;
		start_allocated(&b);
		pass(&b, cases[i].at_s * SECOND - 1);
		assert_int_equal(count(&b, STUN_METHOD_REFRESH), 0);
		pass(&b, 1);
		assert_int_equal(count(&b, STUN_METHOD_REFRESH), 1);
		tear_down(&b);
	}
}

static void test_probe_refreshes_at_once(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	turn_client_probe(b.client, b.now); /* there is nothing to refresh yet */
	start_allocated(&b);
	assert_int_equal(count(&b, STUN_METHOD_REFRESH), 0);
	turn_client_probe(b.client, b.now);
	turn_client_probe(b.client, b.now); /* not again so soon */
	pass(&b, 1);
	assert_int_equal(count(&b, STUN_METHOD_REFRESH), 1);
	pass(&b, SECOND);
	assert_int_equal(count(&b, STUN_METHOD_REFRESH), 1);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
	tear_down(&b);
}

static void test_short_lifetime_survives_lost_refreshes(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.lifetime_s = 60;
	b.server.nonce_life_us = 45 * SECOND;
	start_allocated(&b);
	for (int i = 0; i < 60; i++) {
		b.server.lose_refreshes = 12;
		pass(&b, 60 * SECOND);
		assert_int_equal(turn_client_state(b.client), TURN_ALLOCATED);
		assert_int_equal(turn_server_live(&b.server, b.now), 1);
	}
	tear_down(&b);
}

static void test_lost_allocation_is_told(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	turn_server_restart(&b.server);
	pass(&b, 541 * SECOND);
	assert_int_equal(turn_client_state(b.client), TURN_FAILED);
	assert_int_equal(b.events[0].type, TURN_EVENT_FAILED);
	assert_int_equal(b.events[0].error_code, 437);
	assert_true(b.events[0].was_allocated);
	tear_down(&b);

	set_up(&b);
	start_allocated(&b);
	b.server.dead = true;
	pass(&b, 601 * SECOND);
	assert_int_equal(b.events[0].error_code, TURN_UNREACHABLE);
	assert_true(b.events[0].was_allocated);
	tear_down(&b);
}

/* A NAT forgets a silent flow in 30 s. */
static void test_silence_is_broken(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	b.sent = 0;
	pass(&b, 100 * SECOND);
	assert_int_equal(b.sent, 5);
	tear_down(&b);
}

/* What does not leave breaks no silence. */
static void test_payloads_that_do_not_leave_keep_no_way_open(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	b.sent = 0;
	for (int i = 0; i < 10; i++) {
		pass(&b, 10 * SECOND);
		assert_false(send_text(&b, "hello")); /* no permission */
	}
	assert_int_equal(b.sent, 5);
	tear_down(&b);
}

/* ------------------------------------------------------------------------------------------ permissions */

static void test_permissions_go_together_and_are_renewed(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	for (uint8_t i = 0; i < 20; i++) {
		wlk_addr peer = addr_v4(192, 0, 2, i, (uint16_t)(1000 + i));

		turn_client_permit(b.client, b.now, &peer);
		peer.port++;
		turn_client_permit(b.client, b.now, &peer); /* the port does not count */
	}
	flow(&b);
	pass(&b, 239 * SECOND);
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->permission_count, 20);
	uint64_t asked = count(&b, STUN_METHOD_CREATE_PERMISSION);

	pass(&b, 60 * SECOND);
	assert_int_equal(asked, 2); /* 16 and 4 */
	assert_int_equal(count(&b, STUN_METHOD_CREATE_PERMISSION), 4);
	pass(&b, 3600 * SECOND);
	assert_int_equal(b.event_count, 20);
	permit(&b);
	assert_true(send_text(&b, "hello"));
	tear_down(&b);
}

static void test_forbidden_peer_does_not_take_others_along(void **state)
{
	struct bench b;
	wlk_addr peer, bad = addr_v4(192, 0, 2, 13, 9);
	size_t granted = 0, refused = 0;

	(void)state;
	set_up(&b);
	b.server.forbidden = bad;
	start_allocated(&b);
	for (uint8_t i = 10; i < 16; i++) {
		peer = addr_v4(192, 0, 2, i, 9);
		turn_client_permit(b.client, b.now, &peer);
	}
	pass(&b, 20 * SECOND);
	for (size_t i = 0; i < b.event_count; i++) {
		assert_int_equal(b.events[i].type, TURN_EVENT_PERMISSION);
		granted += b.events[i].granted;
		refused += !b.events[i].granted && addr_ip_equal(&b.events[i].peer, &bad);
	}
	assert_int_equal(granted, 5);
	assert_int_equal(refused, 1);
	assert_false(passes(&b, &bad));
	peer = addr_v4(192, 0, 2, 10, 1);
	assert_true(passes(&b, &peer));
	tear_down(&b);
}

static void test_refused_permission_is_asked_for_again_in_a_while(void **state)
{
	const wlk_addr bad = addr_v4(192, 0, 2, 13, 9);
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.forbidden = bad;
	start_allocated(&b);
	turn_client_permit(b.client, b.now, &bad);
	flow(&b);
	assert_int_equal(count(&b, STUN_METHOD_CREATE_PERMISSION), 1);
	for (int i = 0; i < 99; i++) { /* wanted again and again: once in 10 s */
		turn_client_permit(b.client, b.now, &bad);
		pass(&b, 100 * MILLISECOND);
	}
	assert_int_equal(count(&b, STUN_METHOD_CREATE_PERMISSION), 1);
	pass(&b, SECOND);
	assert_int_equal(count(&b, STUN_METHOD_CREATE_PERMISSION), 2);
	pass(&b, 299 * SECOND);
	assert_int_equal(count(&b, STUN_METHOD_CREATE_PERMISSION), 2);
	pass(&b, 3600 * SECOND);
	assert_int_equal(count(&b, STUN_METHOD_CREATE_PERMISSION), 14); /* every five minutes */
	assert_int_equal(b.event_count, 1); /* refused: told once */
	assert_false(b.events[0].granted);
	b.server.forbidden = (wlk_addr){ 0 };
	pass(&b, 300 * SECOND);
	assert_int_equal(b.event_count, 2);
	assert_true(b.events[1].granted && b.events[1].late);
	assert_true(passes(&b, &bad));
	tear_down(&b);
}

static void test_late_permission_is_told_as_late(void **state)
{
	wlk_addr peer = PEER;
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	b.server.lose = 1;
	turn_client_permit(b.client, b.now, &peer);
	pass(&b, SECOND);
	assert_int_equal(b.event_count, 1);
	assert_true(b.events[0].granted);
	assert_true(b.events[0].late);
	tear_down(&b);
}

static void test_full_table_of_permissions(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	for (unsigned i = 0; i < TURN_PERMISSIONS_MAX + 5; i++) {
		wlk_addr peer = addr_v4(192, 1, (uint8_t)(i >> 8), (uint8_t)i, 9);

		b.event_count = 0;
		b.now++;
		turn_client_permit(b.client, b.now, &peer);
		flow(&b);
		assert_true(passes(&b, &peer));
	}
	wlk_addr first = addr_v4(192, 1, 0, 0, 9), sixth = addr_v4(192, 1, 0, 5, 9);

	assert_false(passes(&b, &first));
	assert_true(passes(&b, &sixth));
	tear_down(&b);
}

/* ---------------------------------------------------------------------------------------------- channels */

static void test_send_until_the_channel_is_there(void **state)
{
	wlk_addr peer = PEER;
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	assert_false(send_text(&b, "hello"));
	permit(&b);
	assert_true(send_text(&b, "hello"));
	assert_memory_equal(b.to_peer, "hello", 5);
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->by_send, 1);
	turn_client_bind(b.client, b.now, &peer);
	flow(&b);
	assert_true(send_text(&b, "again!"));
	assert_int_equal(b.to_peer_size, 6);
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->by_send, 1);
	from_peer(&b, "back");
	assert_int_equal(b.data_size, 4);
	assert_memory_equal(b.data, "back", 4);
	assert_true(addr_equal(&b.data_from, &peer));
	tear_down(&b);
}

static void test_channels_are_padded_on_streams_only(void **state)
{
	(void)state;
	for (int reliable = 0; reliable < 2; reliable++) {
		struct pktbuf *buf = pktbuf_copy(NULL, "12345", 5);
		wlk_addr peer = PEER;
		struct bench b;

		set_up_with(&b, "user", "secret", reliable, 4);
		start_allocated(&b);
		permit(&b);
		turn_client_bind(b.client, b.now, &peer);
		flow(&b);
		assert_true(turn_client_wrap(b.client, b.now, &peer, &buf));
		assert_int_equal(buf->size, reliable ? 12 : 9);
		assert_memory_equal(buf->data,
				    "\x40\x00\x00\x05"
				    "12345",
				    9);
		pktbuf_release(buf);
		tear_down(&b);
	}
}

/* A slice of what the kernel glued together has no room in front. */
static void test_wrap_copies_where_there_is_no_room(void **state)
{
	struct pktbuf *slab = pktbuf_copy(NULL, "xhellox", 7), *buf = pktbuf_slice(slab, 1, 5);
	wlk_addr peer = PEER;
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	permit(&b);
	assert_true(turn_client_wrap(b.client, b.now, &peer, &buf));
	assert_int_equal(buf->size, 20 + 12 + 4 + 8);
	assert_memory_equal(buf->data + 36, "hello\0\0\0", 8);
	assert_memory_equal(slab->data, "xhellox", 7);
	pktbuf_release(buf);
	pktbuf_release(slab);
	tear_down(&b);
}

static void test_channel_is_renewed_while_it_is_used(void **state)
{
	wlk_addr peer = PEER;
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	permit(&b);
	turn_client_bind(b.client, b.now, &peer);
	flow(&b);
	for (int i = 0; i < 60; i++) {
		pass(&b, 60 * SECOND);
		assert_true(send_text(&b, "hello"));
		assert_int_equal(b.to_peer_size, 5);
	}
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->by_send, 0);
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->channel_count, 1);
	/* Unused it ends, and is bound again with the same number. */
	pass(&b, 1800 * SECOND);
	uint64_t binds = count(&b, STUN_METHOD_CHANNEL_BIND);

	pass(&b, 1800 * SECOND);
	assert_int_equal(count(&b, STUN_METHOD_CHANNEL_BIND), binds);
	turn_client_bind(b.client, b.now, &peer);
	flow(&b);
	assert_int_equal(count(&b, STUN_METHOD_CHANNEL_BIND), binds + 1);
	assert_true(send_text(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	tear_down(&b);
}

/* RFC 8656 12: neither the number nor the peer may change for 5 minutes after the binding; the test server says 400. */
static void test_channel_numbers_rest(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	for (uint16_t i = 0; i < TURN_CHANNELS_MAX + 4; i++) {
		wlk_addr peer = addr_v4(192, 0, 2, 7, (uint16_t)(1000 + i));

		turn_client_permit(b.client, b.now, &peer);
		turn_client_bind(b.client, b.now, &peer);
		flow(&b);
		b.event_count = 0;
	}
	assert_int_equal(turn_server_find(&b.server, b.now, NULL)->channel_count, TURN_CHANNELS_MAX);
	assert_int_equal(count(&b, STUN_METHOD_CHANNEL_BIND), TURN_CHANNELS_MAX);
	tear_down(&b);
}

static void test_refused_channel_leaves_send(void **state)
{
	wlk_addr peer = PEER;
	struct bench b;

	(void)state;
	set_up(&b);
	b.server.bind_error = 403;
	start_allocated(&b);
	permit(&b);
	turn_client_bind(b.client, b.now, &peer);
	pass(&b, 60 * SECOND);
	assert_int_equal(count(&b, STUN_METHOD_CHANNEL_BIND), 1);
	assert_true(send_text(&b, "hello"));
	assert_int_equal(b.to_peer_size, 5);
	tear_down(&b);
}

/* -------------------------------------------------------------------------------------------------- R11 */

static size_t data_indication(uint8_t buf[100], const wlk_addr *peer)
{
	static const uint8_t id[STUN_TXID_SIZE] = "indication..";
	struct stun_writer w;
	size_t size;

	stun_writer_init(&w, buf, 100, STUN_INDICATION, STUN_METHOD_DATA, id);
	if (peer)
		stun_put_xor_addr(&w, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	stun_put_bytes(&w, STUN_ATTR_DATA, "data", 4);
	assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
	return size;
}

static void test_R11_data_from_peers_without_permission_is_dropped(void **state)
{
	wlk_addr peer = PEER, other = addr_v4(192, 0, 2, 8, 7000);
	struct turn_client_stats stats;
	uint8_t buf[100];
	struct bench b;
	size_t size;

	(void)state;
	set_up(&b);
	size = data_indication(buf, &peer);
	take(&b, buf, size); /* not allocated yet */
	start_allocated(&b);
	take(&b, buf, size);
	assert_int_equal(b.data_count, 0);
	permit(&b);
	take(&b, buf, size);
	assert_int_equal(b.data_count, 1);
	size = data_indication(buf, &other);
	take(&b, buf, size);
	size = data_indication(buf, NULL);
	take(&b, buf, size);
	assert_int_equal(b.data_count, 1);
	turn_client_get_stats(b.client, &stats);
	assert_int_equal(stats.unpermitted, 3);
	assert_int_equal(stats.malformed, 1);
	turn_client_close(b.client);
	size = data_indication(buf, &peer);
	take(&b, buf, size);
	assert_int_equal(b.data_count, 1);
	tear_down(&b);
}

static void test_R11_truncated_channel_data_is_dropped(void **state)
{
	static const uint8_t cases[][8] = {
		{ 0x40 }, { 0x40, 0x00 }, { 0x40, 0x00, 0x00 }, { 0x40, 0x00, 0x00, 0x05, 1, 2, 3, 4 }
	};
	static const size_t sizes[] = { 1, 2, 3, 8 };
	struct turn_client_stats stats;
	wlk_addr peer = PEER;
	struct bench b;

	(void)state;
	set_up(&b);
	start_allocated(&b);
	permit(&b);
	turn_client_bind(b.client, b.now, &peer);
	flow(&b);
	for (size_t i = 0; i < 4; i++)
		take(&b, cases[i], sizes[i]);
	assert_int_equal(b.data_count, 0);
	turn_client_get_stats(b.client, &stats);
	assert_int_equal(stats.malformed, 4);
	take(&b,
	     (const uint8_t *)"\x40\x00\x00\x02"
			      "ab",
	     6);
	take(&b,
	     (const uint8_t *)"\x40\x00\x00\x02"
			      "abxx",
	     8); /* padded */
	take(&b, (const uint8_t *)"\x40\x00\x00\x00", 4);
	assert_int_equal(b.data_count, 3);
	take(&b,
	     (const uint8_t *)"\x40\x01\x00\x02"
			      "ab",
	     6); /* never bound */
	assert_int_equal(b.data_count, 3);
	tear_down(&b);
}

static void test_R5_answers_to_nothing_are_dropped(void **state)
{
	uint8_t id[STUN_TXID_SIZE] = "not asked...", buf[100];
	struct turn_client_stats stats;
	struct stun_writer w;
	struct bench b;
	size_t size;

	(void)state;
	set_up(&b);
	b.server.dead = true;
	start(&b);
	stun_writer_init(&w, buf, sizeof(buf), STUN_SUCCESS, STUN_METHOD_ALLOCATE, id);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_RELAYED_ADDRESS, &b.from);
	assert_int_equal(stun_writer_finish(&w, NULL, false, &size), WLK_OK);
	take(&b, buf, size);
	take(&b, buf, size - 1);
	buf[0] = 0; /* a request */
	take(&b, buf, size);
	turn_client_get_stats(b.client, &stats);
	assert_int_equal(stats.unknown_transaction, 1);
	assert_int_equal(stats.malformed, 2);
	assert_int_equal(turn_client_state(b.client), TURN_ALLOCATING);
	tear_down(&b);
}

static void test_credentials_arguments(void **state)
{
	struct turn_credentials *c = NULL;
	char longest[510];

	(void)state;
	memset(longest, 'u', sizeof(longest));
	assert_int_equal(turn_credentials_create(&c, STR(""), STR("x")), WLK_ERR_INVALID);
	assert_int_equal(turn_credentials_create(&c, STR("x"), STR("")), WLK_ERR_INVALID);
	assert_int_equal(turn_credentials_create(&c, (struct str){ longest, 509 }, STR("x")), WLK_ERR_INVALID);
	assert_null(c);
	assert_int_equal(turn_credentials_create(&c, (struct str){ longest, 508 }, STR("x")), WLK_OK);
	turn_credentials_release(c);
	turn_credentials_release(NULL);
	turn_client_destroy(NULL);
}

/* ---------------------------------------------------------------------------------------- the five verbs */

/* Whatever arrives and whenever: a drain ends, and the deadline lies ahead. */
static void test_random_input_keeps_the_verbs_true(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct rand_jitter j = { seed };
		struct bench b;

		rand_use_seed(seed);
		set_up(&b);
		b.server.nonce_life_us = rand_jitter_below(&j, 2) ? 10 * SECOND : 0;
		b.server.lifetime_s = 30 + rand_jitter_below(&j, 600);
		start(&b);
		for (int i = 0; i < 200; i++) {
			wlk_addr peer = addr_v4(192, 0, 2, (uint8_t)rand_jitter_below(&j, 8), 7000);
			uint8_t noise[60];

			b.event_count = 0;
			switch (rand_jitter_below(&j, 7)) {
			case 0:
				turn_client_permit(b.client, b.now, &peer);
				break;
			case 1:
				turn_client_bind(b.client, b.now, &peer);
				break;
			case 2:
				b.server.lose = rand_jitter_below(&j, 5);
				break;
			case 3:
				if (!rand_jitter_below(&j, 10))
					turn_server_restart(&b.server);
				break;
			case 4:
				for (size_t k = 0; k < sizeof(noise); k++)
					noise[k] = (uint8_t)rand_jitter_below(&j, 256);
				noise[0] &= 0x41;
				take(&b, noise, rand_jitter_below(&j, sizeof(noise)));
				break;
			default:
				pass(&b, (wlk_time)rand_jitter_below(&j, 60000000));
				break;
			}
			flow(&b);
			turn_client_handle_timeout(b.client, b.now);
			flow(&b);
			assert_true(turn_client_deadline(b.client) > b.now);
		}
		tear_down(&b);
		rand_use_system();
	}
}

/* Every allocation fails once: no crash, no leak, and the state is one that can be lived with. */
static void test_failing_memory(void **state)
{
	(void)state;
	for (size_t n = 1; n < 400; n++) {
		size_t before = alloc_live_blocks();
		struct turn_client_config config = { .family = 4, .credentials = credentials("user", "secret") };
		struct turn_client *client = NULL;
		struct bench b;
		wlk_addr peer = PEER;
		bool failed;

		set_up(&b);
		turn_client_destroy(b.client);
		alloc_fail_after(n);
		b.client = NULL;
		if (turn_client_create(&client, &config) == WLK_OK) {
			b.client = client;
			turn_client_start(client, b.now, 0);
			flow(&b);
			turn_client_permit(client, b.now, &peer);
			turn_client_bind(client, b.now, &peer);
			pass(&b, 30 * SECOND);
			turn_client_close(client);
			flow(&b);
		}
		failed = alloc_did_fail();
		alloc_fail_after(0);
		turn_credentials_release(config.credentials);
		tear_down(&b);
		assert_int_equal(alloc_live_blocks(), before);
		if (!failed)
			return;
	}
	fail_msg("the scenario does not end");
}

/* The Allocate request cannot be written again after 441: that is the end, not a wait for ever. */
static void test_no_memory_to_fall_back(void **state)
{
	(void)state;
	for (size_t n = 1; n < 40; n++) {
		struct turn_credentials *fresh = credentials("other", "secret");
		struct bench b;
		bool failed;

		set_up(&b);
		b.server.users[1] = (struct turn_server_user){ "other", "secret" };
		b.server.allocate_error = 441;
		turn_client_start(b.client, b.now, 0);
		turn_client_set_credentials(b.client, b.now, fresh);
		alloc_fail_after(n);
		pass(&b, 12 * SECOND);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(turn_client_state(b.client), TURN_FAILED);
		turn_credentials_release(fresh);
		tear_down(&b);
		if (!failed)
			return;
	}
	fail_msg("the scenario does not end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allocates_with_one_challenge),
		cmocka_unit_test(test_server_without_authentication),
		cmocka_unit_test(test_errors_are_told_with_their_words),
		cmocka_unit_test(test_wrong_password_ends_after_one_try),
		cmocka_unit_test(test_silent_server_is_unreachable),
		cmocka_unit_test(test_stream_requests_are_sent_once),
		cmocka_unit_test(test_lost_answers_are_asked_for_again),
		cmocka_unit_test(test_redirection),
		cmocka_unit_test(test_ipv6_relay_or_ipv4_where_there_is_none),
		cmocka_unit_test(test_close_gives_the_allocation_back),
		cmocka_unit_test(test_sha256_and_userhash_where_offered),
		cmocka_unit_test(test_bid_down_is_refused),
		cmocka_unit_test(test_R11_at_most_three_rounds_of_authentication),
		cmocka_unit_test(test_R11_a_nonce_loop_does_not_end_a_living_allocation),
		cmocka_unit_test(test_answers_without_integrity_are_dropped),
		cmocka_unit_test(test_unsigned_error_is_told_only_when_nothing_better_comes),
		cmocka_unit_test(test_stale_nonces_cost_a_round_trip_each),
		cmocka_unit_test(test_replaced_password_is_used_at_once_after_a_refusal),
		cmocka_unit_test(test_replaced_username_falls_back_for_the_old_allocation),
		cmocka_unit_test(test_refresh_comes_in_time),
		cmocka_unit_test(test_probe_refreshes_at_once),
		cmocka_unit_test(test_short_lifetime_survives_lost_refreshes),
		cmocka_unit_test(test_lost_allocation_is_told),
		cmocka_unit_test(test_silence_is_broken),
		cmocka_unit_test(test_payloads_that_do_not_leave_keep_no_way_open),
		cmocka_unit_test(test_permissions_go_together_and_are_renewed),
		cmocka_unit_test(test_forbidden_peer_does_not_take_others_along),
		cmocka_unit_test(test_refused_permission_is_asked_for_again_in_a_while),
		cmocka_unit_test(test_late_permission_is_told_as_late),
		cmocka_unit_test(test_full_table_of_permissions),
		cmocka_unit_test(test_send_until_the_channel_is_there),
		cmocka_unit_test(test_channels_are_padded_on_streams_only),
		cmocka_unit_test(test_wrap_copies_where_there_is_no_room),
		cmocka_unit_test(test_channel_is_renewed_while_it_is_used),
		cmocka_unit_test(test_channel_numbers_rest),
		cmocka_unit_test(test_refused_channel_leaves_send),
		cmocka_unit_test(test_R11_data_from_peers_without_permission_is_dropped),
		cmocka_unit_test(test_R11_truncated_channel_data_is_dropped),
		cmocka_unit_test(test_R5_answers_to_nothing_are_dropped),
		cmocka_unit_test(test_credentials_arguments),
		cmocka_unit_test(test_random_input_keeps_the_verbs_true),
		cmocka_unit_test(test_failing_memory),
		cmocka_unit_test(test_no_memory_to_fall_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
