/* agent_stream: what one agent takes from the network and asks of it, its peer being the test: R2, R3, R6, R8, R12. */
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
#include "core/time.h"
#include "ice/agent_internal.h"

static struct {
	struct ice_agent *agent;
	wlk_time now;
	struct ice_request requests[64]; /* of the latest drain, streams only */
	size_t request_count;
	struct ice_candidate candidates[16];
	size_t candidate_count;
	wlk_addr listener;
	uint16_t next_port;
} h;

static const char *const peer_pwd = "peerpeerpeerpeerpeerpeer";

static void drain(void)
{
	struct ice_request r;
	struct ice_event e;
	struct dgram d;

	h.request_count = 0;
	while (ice_agent_poll_request(h.agent, &r)) {
		wlk_addr bound = r.local;

		bound.port = h.next_port++;
		if (r.type == ICE_REQUEST_LISTEN_TCP)
			h.listener = bound;
		if (r.type == ICE_REQUEST_BIND_UDP || r.type == ICE_REQUEST_LISTEN_TCP)
			ice_agent_on_request(h.agent, h.now, r.id, WLK_OK, &bound, 1);
		else
			h.requests[h.request_count++] = r;
	}
	while (ice_agent_poll_transmit(h.agent, h.now, &d))
		pktbuf_release(d.buf);
	while (ice_agent_poll_event(h.agent, &e))
		if (e.type == ICE_EVENT_LOCAL_CANDIDATE)
			h.candidates[h.candidate_count++] = e.candidate;
}

static void open_agent(const struct ice_agent_config *config, const char *ip)
{
	wlk_addr addr;

	memset(&h, 0, sizeof(h));
	h.now = SECOND;
	h.next_port = 5000;
	rand_use_seed(3);
	assert_int_equal(addr_parse(&addr, ip, strlen(ip), 0), WLK_OK);
	assert_int_equal(ice_agent_create(&h.agent, config), WLK_OK);
	assert_int_equal(ice_agent_set_interfaces(h.agent, h.now, &addr, 1), WLK_OK);
	assert_int_equal(ice_agent_gather(h.agent, h.now), WLK_OK);
	drain();
	drain();
	assert_int_equal(ice_agent_set_remote_parameters(h.agent, h.now, STR("peer"), str_of(peer_pwd), false), WLK_OK);
}

static void close_agent(void)
{
	ice_agent_destroy(h.agent);
	rand_use_system();
	assert_int_equal(alloc_live_blocks(), 0);
}

static wlk_err add(const char *line)
{
	wlk_err err = ice_agent_add_remote_candidate_line(h.agent, h.now, line, strlen(line));

	drain();
	return err;
}

static void pass(wlk_time us)
{
	wlk_time end = h.now + us;

	while (h.now < end) {
		h.now = MIN(end, MAX(h.now + 1, ice_agent_deadline(h.agent)));
		ice_agent_handle_timeout(h.agent, h.now);
		if (h.now < end)
			drain();
	}
	drain();
	assert_true(ice_agent_deadline(h.agent) > h.now);
}

static size_t count_requests(enum ice_request_type type)
{
	size_t count = 0;

	for (size_t i = 0; i < h.request_count; i++)
		count += h.requests[i].type == type;
	return count;
}

/* RFC 6544 4.5 and 4.2. */
static void test_candidates_that_are_told(void **state)
{
	const struct ice_agent_config both = { .tcp_passive = true };
	const struct ice_agent_config off = { .no_tcp = true, .tcp_passive = true };
	const struct ice_agent_config lite = { .tcp_passive = true, .lite = true };
	const struct ice_agent_config relay = { .tcp_passive = true, .policy = ICE_POLICY_RELAY };

	(void)state;
	open_agent(&both, "192.0.2.1");
	assert_int_equal(h.candidate_count, 3);
	assert_int_equal(h.candidates[0].transport, ICE_UDP);
	assert_int_equal(h.candidates[1].transport, ICE_TCP);
	assert_int_equal(h.candidates[1].tcptype, CANDIDATE_TCP_ACTIVE);
	assert_int_equal(h.candidates[1].addr.port, 9);
	assert_int_equal(h.candidates[2].tcptype, CANDIDATE_TCP_PASSIVE);
	assert_true(addr_equal(&h.candidates[2].addr, &h.listener));
	/* local preference 65534 is one behind the best: 8191 - 1 */
	assert_int_equal(h.candidates[1].priority, 90u << 24 | (6u << 13 | 8190u) << 8 | 255u);
	assert_int_equal(h.candidates[2].priority, 90u << 24 | (4u << 13 | 8190u) << 8 | 255u);
	assert_string_not_equal(h.candidates[0].foundation, h.candidates[1].foundation);
	close_agent();
	open_agent(&off, "192.0.2.1");
	assert_int_equal(h.candidate_count, 1);
	assert_int_equal(add("candidate:1 1 tcp 100 192.0.2.7 5000 typ host tcptype passive"), WLK_ERR_UNSUPPORTED);
	close_agent();
	open_agent(&lite, "192.0.2.1");
	assert_int_equal(h.candidate_count, 2);
	assert_int_equal(h.candidates[1].tcptype, CANDIDATE_TCP_PASSIVE);
	close_agent();
	open_agent(&relay, "192.0.2.1");
	assert_int_equal(h.candidate_count, 0);
	assert_int_equal(add("candidate:1 1 tcp 100 192.0.2.7 5000 typ host tcptype passive"), WLK_OK);
	pass(SECOND);
	assert_int_equal(((struct ice_agent *)h.agent)->streams.count, 0);
	close_agent();
}

static void test_R8_which_ports_are_connected_to(void **state)
{
	static const struct {
		const char *line;
		wlk_err err;
	} cases[] = {
		{ "candidate:1 1 tcp 100 198.51.100.7 1024 typ host tcptype passive", WLK_OK },
		{ "candidate:1 1 tcp 100 198.51.100.7 443 typ host tcptype passive", WLK_OK },
		{ "candidate:1 1 tcp 100 198.51.100.7 80 typ host tcptype passive", WLK_OK },
		{ "candidate:1 1 tcp 100 198.51.100.7 1023 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 198.51.100.7 25 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 198.51.100.7 22 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 198.51.100.7 9 typ host tcptype active", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 198.51.100.7 5000 typ host tcptype so", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 2 tcp 100 198.51.100.7 5000 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 10.0.0.1 80 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 192.168.1.1 443 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 192.168.1.1 8443 typ host tcptype passive", WLK_OK },
		{ "candidate:1 1 tcp 100 127.0.0.1 5000 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 ::ffff:127.0.0.1 5000 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 224.0.0.1 5000 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
		{ "candidate:1 1 tcp 100 0.0.0.0 5000 typ host tcptype passive", WLK_ERR_UNSUPPORTED },
	};
	const struct ice_agent_config config = { 0 };

	(void)state;
	open_agent(&config, "192.0.2.1");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(add(cases[i].line), cases[i].err);
	close_agent();
}

static void add_passive(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct text line;

		text_init(&line);
		text_addf(&line, "candidate:%u 1 tcp %u 198.51.100.%u 5000 typ host tcptype passive", (unsigned)i,
			  1000 - (unsigned)i, 1 + (unsigned)i);
		assert_int_equal(ice_agent_add_remote_candidate_line(h.agent, h.now, line.at, line.size), WLK_OK);
		text_free(&line);
	}
}

static void test_R8_connections_are_paced_and_eight_at_once(void **state)
{
	const struct ice_agent_config config = { 0 };
	wlk_time last = 0;
	size_t connects = 0;

	(void)state;
	open_agent(&config, "192.0.2.1");
	add_passive(20);
	for (int i = 0; i < 400; i++) {
		drain();
		if (count_requests(ICE_REQUEST_CONNECT_TCP)) {
			assert_int_equal(count_requests(ICE_REQUEST_CONNECT_TCP), 1);
			assert_true(!connects || h.now - last >= 20 * MILLISECOND);
			last = h.now;
			/* the best one first */
			assert_int_equal(h.requests[0].remote.ip[3], 1 + connects);
			assert_int_equal(h.requests[0].local.ip[3], 1);
			connects++;
		}
		h.now += MILLISECOND;
		ice_agent_handle_timeout(h.agent, h.now);
	}
	assert_int_equal(connects, 8);
	ice_agent_on_request(h.agent, h.now, h.requests[0].id, WLK_ERR_IO, NULL, 0);
	close_agent();
}

static void test_R8_there_are_sixty_four_targets_at_most(void **state)
{
	const struct ice_agent_config config = { .max_remote_candidates = 200 };
	struct ice_agent_stats stats;

	(void)state;
	open_agent(&config, "192.0.2.1");
	add_passive(100);
	ice_agent_get_stats(h.agent, &stats);
	assert_int_equal(((struct ice_agent *)h.agent)->streams.count, 64);
	assert_int_equal(stats.over_cap, 36);
	close_agent();
}

/* Bytes of a Binding request as the peer would send it, with its length before it. */
static size_t write_check(uint8_t *out, size_t capacity, const char *pwd)
{
	static uint8_t id[STUN_TXID_SIZE];
	struct text user;
	struct crypto_hmac *hmac;
	struct stun_writer w;
	size_t size;

	id[0]++;
	text_init(&user);
	text_addf(&user, "%s:peer", ice_agent_local_ufrag(h.agent));
	assert_int_equal(crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, pwd, strlen(pwd)), WLK_OK);
	stun_writer_init(&w, out + 2, capacity - 2, STUN_REQUEST, STUN_METHOD_BINDING, id);
	stun_put_bytes(&w, STUN_ATTR_USERNAME, user.at, user.size);
	stun_put_u32(&w, STUN_ATTR_PRIORITY, 1000);
	stun_put_u64(&w, STUN_ATTR_ICE_CONTROLLING, 1);
	assert_int_equal(stun_writer_finish(&w, hmac, true, &size), WLK_OK);
	crypto_hmac_destroy(hmac);
	text_free(&user);
	store_u16(out, (uint16_t)size);
	return size + 2;
}

/* What the peer layer does with what came out of a stream; answers how many were no STUN and from a valid path. */
static size_t take_received(void)
{
	struct dgram d;
	size_t taken = 0;

	while (ice_agent_poll_received(h.agent, &d)) {
		assert_int_equal(d.local.transport, WLK_TRANSPORT_TCP);
		if (d.buf->data[0] <= 3)
			ice_agent_input(h.agent, h.now, &d.local, &d.remote, d.buf->data, d.buf->size);
		else
			taken += ice_agent_is_validated(h.agent, &d.local, &d.remote);
		pktbuf_release(d.buf);
	}
	return taken;
}

static const struct ice_agent_config listening = { .tcp_passive = true };

static wlk_addr stranger(uint16_t port)
{
	wlk_addr addr = addr_v4(203, 0, 113, 9, port);

	addr.transport = WLK_TRANSPORT_TCP;
	return addr;
}

static void accept_one(uint32_t id)
{
	wlk_addr from = stranger((uint16_t)(1024 + (id & 0xffff)));

	assert_int_not_equal(ice_agent_stream_accepted(h.agent, h.now, &h.listener, &from, id), WLK_ERR_NOMEM);
}

static size_t open_streams(void)
{
	return ((struct ice_agent *)h.agent)->streams.count;
}

static void test_R12_nothing_is_taken_before_a_check(void **state)
{
	static const uint8_t dtls[] = { 0, 3, 22, 0xfe, 0xfd };
	uint8_t check[200];
	struct ice_pair_stats pair;
	struct ice_candidate_stats remote;
	struct dgram d;
	size_t size;

	(void)state;
	open_agent(&listening, "192.0.2.1");
	accept_one(0x80000001u);
	ice_agent_stream_input(h.agent, h.now, 0x80000001u, dtls, sizeof(dtls));
	assert_int_equal(take_received(), 0);
	assert_false(ice_agent_pair_stats(h.agent, 0, &pair)); /* R2: no path, nothing remembered */
	size = write_check(check, sizeof(check), "not the password of ours");
	ice_agent_stream_input(h.agent, h.now, 0x80000001u, check, size);
	assert_int_equal(take_received(), 0);
	assert_false(ice_agent_pair_stats(h.agent, 0, &pair));
	assert_false(ice_agent_poll_transmit(h.agent, h.now, &d)); /* R4: no answer */
	size = write_check(check, sizeof(check), ice_agent_local_pwd(h.agent));
	for (size_t i = 0; i < size; i++)
		ice_agent_stream_input(h.agent, h.now, 0x80000001u, check + i, 1);
	assert_int_equal(take_received(), 0);
	assert_true(ice_agent_pair_stats(h.agent, 0, &pair));
	assert_true(addr_equal(&pair.local, &h.listener));
	assert_true(ice_agent_remote_candidate(h.agent, 0, &remote));
	assert_int_equal(remote.candidate.type, CANDIDATE_PRFLX);
	assert_int_equal(remote.candidate.tcptype, CANDIDATE_TCP_ACTIVE);
	/* The answer and our own check go into the stream, each with its length. */
	for (int i = 0; i < 2; i++) {
		assert_true(ice_agent_poll_transmit(h.agent, h.now, &d));
		assert_int_equal(d.stream, 0x80000001u);
		assert_int_equal(load_u16(d.buf->data) + 2, d.buf->size);
		pktbuf_release(d.buf);
	}
	/* Asked for is not answered yet: still nothing but checks counts. */
	ice_agent_stream_input(h.agent, h.now, 0x80000001u, dtls, sizeof(dtls));
	assert_int_equal(take_received(), 0);
	close_agent();
}

static void test_R2_a_stranger_has_ten_seconds(void **state)
{
	uint8_t check[200];
	size_t size;

	(void)state;
	open_agent(&listening, "192.0.2.1");
	accept_one(0x80000001u);
	accept_one(0x80000002u);
	size = write_check(check, sizeof(check), ice_agent_local_pwd(h.agent));
	ice_agent_stream_input(h.agent, h.now, 0x80000002u, check, size);
	take_received();
	pass(9999 * MILLISECOND);
	assert_int_equal(open_streams(), 2);
	pass(MILLISECOND);
	assert_int_equal(open_streams(), 1);
	assert_int_equal(count_requests(ICE_REQUEST_CLOSE_STREAM), 1);
	assert_int_equal(h.requests[0].id, 0x80000001u);
	close_agent();
}

static void test_R2_strangers_do_not_keep_others_out(void **state)
{
	uint8_t check[200];
	size_t size;

	(void)state;
	open_agent(&listening, "192.0.2.1");
	accept_one(0x80000001u);
	size = write_check(check, sizeof(check), ice_agent_local_pwd(h.agent));
	ice_agent_stream_input(h.agent, h.now, 0x80000001u, check, size);
	take_received();
	for (uint32_t i = 2; i <= 64; i++)
		accept_one(0x80000000u + i);
	drain();
	assert_int_equal(count_requests(ICE_REQUEST_CLOSE_STREAM), 0);
	accept_one(0x80000041u); /* the oldest that has proven nothing goes */
	drain();
	assert_int_equal(count_requests(ICE_REQUEST_CLOSE_STREAM), 1);
	assert_int_equal(h.requests[0].id, 0x80000002u);
	assert_int_equal(open_streams(), 64);
	close_agent();
}

static void count_line(enum log_level level, const char *prefix, const char *message, void *user)
{
	size_t *lines = user;

	(void)level;
	(void)prefix;
	*lines += strstr(message, "203.0.113.9") != NULL;
}

static void test_R3_strangers_do_not_fill_the_log(void **state)
{
	size_t lines = 0;

	(void)state;
	open_agent(&listening, "192.0.2.1");
	log_set(LOG_LEVEL_DEBUG, count_line, &lines);
	for (uint32_t i = 1; i <= 100; i++) {
		accept_one(0x80000000u + i);
		ice_agent_stream_closed(h.agent, h.now, 0x80000000u + i);
	}
	log_set(LOG_LEVEL_NONE, NULL, NULL);
	assert_true(lines > 0 && lines <= 10);
	close_agent();
}

/* The answer to a check waits when the connection that brought it breaks: without it there is no way to send it. */
static void test_what_waits_for_a_broken_connection_is_dropped(void **state)
{
	const struct ice_agent_config config = { 0 };
	wlk_addr local = addr_v4(192, 0, 2, 1, 40000);
	uint8_t check[200];
	struct dgram d;
	uint32_t id;
	size_t size;

	(void)state;
	open_agent(&config, "192.0.2.1");
	add_passive(1);
	while (!count_requests(ICE_REQUEST_CONNECT_TCP))
		pass(MILLISECOND);
	id = h.requests[0].id;
	local.transport = WLK_TRANSPORT_TCP;
	ice_agent_on_request(h.agent, h.now, id, WLK_OK, &local, 1);
	size = write_check(check, sizeof(check), ice_agent_local_pwd(h.agent));
	ice_agent_stream_input(h.agent, h.now, id, check, size);
	take_received();
	ice_agent_stream_closed(h.agent, h.now, id);
	while (ice_agent_poll_transmit(h.agent, h.now, &d)) {
		assert_true(d.stream || d.local.transport == WLK_TRANSPORT_UDP);
		pktbuf_release(d.buf);
	}
	close_agent();
}

static void test_who_is_refused(void **state)
{
	wlk_addr loopback = addr_v4(127, 0, 0, 1, 5), elsewhere = addr_v4(192, 0, 2, 77, 5), from = stranger(9);

	(void)state;
	open_agent(&listening, "192.0.2.1");
	assert_int_equal(ice_agent_stream_accepted(h.agent, h.now, &h.listener, &loopback, 0x80000001u), WLK_OK);
	assert_int_equal(ice_agent_stream_accepted(h.agent, h.now, &elsewhere, &from, 0x80000002u), WLK_OK);
	assert_int_equal(ice_agent_stream_accepted(h.agent, h.now, &h.listener, &from, 77), WLK_ERR_INVALID);
	drain();
	assert_int_equal(count_requests(ICE_REQUEST_CLOSE_STREAM), 2);
	assert_int_equal(open_streams(), 0);
	ice_agent_close(h.agent);
	drain();
	assert_int_equal(ice_agent_stream_accepted(h.agent, h.now, &h.listener, &from, 0x80000003u), WLK_OK);
	drain();
	assert_int_equal(count_requests(ICE_REQUEST_CLOSE_STREAM), 1);
	ice_agent_stream_input(h.agent, h.now, 0x80000003u, (const uint8_t *)"abc", 3);
	ice_agent_stream_closed(h.agent, h.now, 0x80000003u);
	close_agent();
}

/* None is forgotten: each either is asked to be closed, or the caller is told to do it himself. */
static void test_without_memory_no_refused_stream_stays_open(void **state)
{
	const wlk_addr from = stranger(9), elsewhere = addr_v4(192, 0, 2, 77, 5);
	uint32_t id = 0x80000001u, taken = 0;

	(void)state;
	open_agent(&listening, "192.0.2.1");
	alloc_fail_after(1);
	while (!ice_agent_stream_accepted(h.agent, h.now, &elsewhere, &from, id + taken))
		assert_true(++taken < 1000);
	assert_true(alloc_did_fail());
	alloc_fail_after(0);
	assert_true(taken >= AGENT_REFUSED_MAX);
	for (uint32_t i = 0; i < taken; i++) {
		struct ice_request request;

		assert_true(ice_agent_poll_request(h.agent, &request));
		assert_int_equal(request.type, ICE_REQUEST_CLOSE_STREAM);
		assert_int_equal(request.id, id + i);
	}
	assert_int_equal(ice_agent_stream_accepted(h.agent, h.now, &elsewhere, &from, id + taken), WLK_OK);
	drain();
	assert_int_equal(count_requests(ICE_REQUEST_CLOSE_STREAM), 1);
	close_agent();
}

static void test_R6_a_frame_that_is_too_long_ends_the_connection(void **state)
{
	static const uint8_t stream[] = { 0, 1, 'x', 0x08, 0x01, 'a' };
	struct ice_agent_stats stats;

	(void)state;
	open_agent(&listening, "192.0.2.1");
	accept_one(0x80000001u);
	ice_agent_stream_input(h.agent, h.now, 0x80000001u, stream, sizeof(stream));
	assert_int_equal(take_received(), 0);
	drain();
	assert_int_equal(count_requests(ICE_REQUEST_CLOSE_STREAM), 1);
	assert_int_equal(open_streams(), 0);
	ice_agent_get_stats(h.agent, &stats);
	assert_int_equal(stats.malformed, 1);
	ice_agent_stream_input(h.agent, h.now, 0x80000001u, stream, sizeof(stream));
	assert_int_equal(take_received(), 0);
	close_agent();
}

/* Bytes from nowhere, in any order with the rest: the invariants of the five verbs hold, and nothing is kept. */
static void test_random_bytes_and_ends(void **state)
{
	struct rand_jitter j = { 5 };
	uint8_t bytes[300];

	(void)state;
	open_agent(&listening, "192.0.2.1");
	add_passive(3);
	for (int round = 0; round < 3000; round++) {
		uint32_t id = rand_jitter_below(&j, 3) ? 0x80000000u + (uint32_t)rand_jitter_below(&j, 80)
						       : (uint32_t)rand_jitter_below(&j, 20);
		wlk_addr local = addr_v4(192, 0, 2, 1, (uint16_t)(40000 + round % 1000));

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(i % 3 ? rand_jitter_below(&j, 256) : 0);
		switch (rand_jitter_below(&j, 6)) {
		case 0:
			accept_one(id);
			break;
		case 1:
			ice_agent_stream_closed(h.agent, h.now, id);
			break;
		case 2:
			ice_agent_on_request(h.agent, h.now, id, round & 1 ? WLK_OK : WLK_ERR_IO, &local, round & 1);
			break;
		default:
			ice_agent_stream_input(h.agent, h.now, id, bytes, rand_jitter_below(&j, sizeof(bytes)));
			take_received();
		}
		drain();
		pass((wlk_time)rand_jitter_below(&j, 50000) + 1);
		assert_true(open_streams() <= 64 + 3);
	}
	close_agent();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_candidates_that_are_told),
		cmocka_unit_test(test_R8_which_ports_are_connected_to),
		cmocka_unit_test(test_R8_connections_are_paced_and_eight_at_once),
		cmocka_unit_test(test_R8_there_are_sixty_four_targets_at_most),
		cmocka_unit_test(test_R12_nothing_is_taken_before_a_check),
		cmocka_unit_test(test_R2_a_stranger_has_ten_seconds),
		cmocka_unit_test(test_R2_strangers_do_not_keep_others_out),
		cmocka_unit_test(test_R3_strangers_do_not_fill_the_log),
		cmocka_unit_test(test_what_waits_for_a_broken_connection_is_dropped),
		cmocka_unit_test(test_who_is_refused),
		cmocka_unit_test(test_without_memory_no_refused_stream_stays_open),
		cmocka_unit_test(test_R6_a_frame_that_is_too_long_ends_the_connection),
		cmocka_unit_test(test_random_bytes_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
