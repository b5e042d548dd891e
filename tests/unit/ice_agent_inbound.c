/* What strangers and peers may send to an agent: each check of R4 and R5; what fails one changes nothing. */
#include "ice_inbound_support.h"

/* ---------------------------------------------------------------------------------------------- requests */

static void test_R4_a_good_request_is_answered(void **state)
{
	struct request good = { .tie_breaker = 1 };
	struct crypto_hmac *hmac;
	struct stun_msg msg;
	struct bench b;
	uint8_t copy[400];
	size_t size;
	wlk_addr to;

	(void)state;
	set_up(&b, false, false);
	ask(&b, &good, &size);
	assert_true(next_datagram(&b, &msg, copy, &to));
	assert_true(addr_equal(&to, &b.peer));
	assert_int_equal(msg.class, STUN_SUCCESS);
	assert_true(addr_equal(&msg.xor_mapped, &b.peer));
	assert_true(msg.fingerprint_ok);
	assert_int_equal(crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, ice_agent_local_pwd(b.agent), 24), WLK_OK);
	assert_true(stun_msg_check_integrity(&msg, hmac));
	crypto_hmac_destroy(hmac);
	assert_true(2 * msg.size <= 3 * size);
	/* The peer's password is not known yet, so nothing else leaves. */
	assert_false(next_datagram(&b, &msg, copy, &to));
	tear_down(&b);
}

static void refuse(const struct request *bad, size_t counter)
{
	struct ice_agent_stats s;
	struct bench b;
	size_t live;

	set_up(&b, false, true);
	drain_events(&b);
	live = alloc_live_blocks();
	ask(&b, bad, NULL);
	s = stats_of(&b);
	assert_int_equal(*(uint64_t *)(void *)((char *)&s + counter), 1);
	assert_untouched(&b);
	assert_int_equal(alloc_live_blocks(), live); /* R2 */
	tear_down(&b);
}

static void test_R4_without_fingerprint_no_answer(void **state)
{
	(void)state;
	refuse(&(struct request){ .no_fingerprint = true }, COUNTER(no_fingerprint));
}

static void test_R4_without_username_no_answer(void **state)
{
	(void)state;
	refuse(&(struct request){ .no_username = true }, COUNTER(unknown_username));
	refuse(&(struct request){ .local_ufrag = "abcd" }, COUNTER(unknown_username));
	refuse(&(struct request){ .local_ufrag = "" }, COUNTER(unknown_username));
	refuse(&(struct request){ .remote_ufrag = "somebody" }, COUNTER(unknown_username));
}

static void test_R4_wrong_integrity_no_answer(void **state)
{
	(void)state;
	refuse(&(struct request){ .no_integrity = true }, COUNTER(bad_integrity));
	refuse(&(struct request){ .pwd = "0123456789012345678901" }, COUNTER(bad_integrity));
	refuse(&(struct request){ .pwd = PEER_PWD }, COUNTER(bad_integrity));
}

static void test_R4_without_role_or_priority_no_answer(void **state)
{
	(void)state;
	refuse(&(struct request){ .no_role = true }, COUNTER(missing_attribute));
	refuse(&(struct request){ .no_priority = true }, COUNTER(missing_attribute));
}

static void test_R4_other_methods_no_answer(void **state)
{
	(void)state;
	refuse(&(struct request){ .method = STUN_METHOD_ALLOCATE }, COUNTER(malformed));
}

static void test_R2_garbage_changes_nothing(void **state)
{
	struct bench b;
	uint8_t junk[600];
	size_t live;

	(void)state;
	set_up(&b, false, true);
	drain_events(&b);
	live = alloc_live_blocks();
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(rand_bytes(junk, sizeof(junk)), WLK_OK);
		junk[0] &= 3;
		ice_agent_input(b.agent, b.now, &b.base, &b.peer, junk, (size_t)(i % 600));
	}
	assert_untouched(&b);
	assert_int_equal(stats_of(&b).malformed, 5000);
	assert_int_equal(alloc_live_blocks(), live);
	/* For an address that is none of ours. */
	ice_agent_input(b.agent, b.now, &b.peer, &b.base, junk, 20);
	assert_int_equal(stats_of(&b).unknown_local, 1);
	tear_down(&b);
}

static void test_R5_unknown_required_attribute_is_told_only_to_the_peer(void **state)
{
	struct request r = { .unknown = 0x0033 };
	struct request forged = { .unknown = 0x0033, .pwd = "0123456789012345678901" };
	struct stun_msg msg;
	struct bench b;
	uint8_t copy[400];
	size_t size;

	(void)state;
	refuse(&forged, COUNTER(bad_integrity));
	set_up(&b, false, true);
	ask(&b, &r, &size);
	assert_true(next_datagram(&b, &msg, copy, NULL));
	assert_int_equal(msg.error_code, 420);
	assert_int_equal(load_u16(msg.unknown_attributes.data), 0x0033);
	assert_true(2 * msg.size <= 3 * size); /* R4 */
	tear_down(&b);
}

static void count_roles(enum log_level level, const char *prefix, const char *message, void *user)
{
	size_t *lines = user;

	(void)level;
	(void)prefix;
	*lines += strstr(message, "role is") != NULL;
}

/* Whoever has the password can have us change roles with every packet. */
static void test_R3_role_conflicts_do_not_fill_the_log(void **state)
{
	size_t lines = 0;
	struct bench b;

	(void)state;
	set_up(&b, false, true);
	log_set(LOG_LEVEL_INFO, count_roles, &lines);
	for (uint8_t i = 0; i < 100; i++) {
		ask(&b, &(struct request){ .id = i, .controlled = i % 2 == 0, .tie_breaker = i % 2 ? UINT64_MAX : 1 }, NULL);
		assert_int_equal(ice_agent_controlling(b.agent), i % 2 == 0);
	}
	log_set(LOG_LEVEL_NONE, NULL, NULL);
	assert_in_range(lines, 1, 10);
	tear_down(&b);
}

static void test_role_conflict_by_tie_breaker(void **state)
{
	struct request smaller = { .tie_breaker = 999 };
	struct request larger = { .tie_breaker = 1001 };
	struct stun_msg msg;
	struct ice_event e;
	struct bench b;
	uint8_t copy[400];
	size_t size;

	(void)state;
	/* Both controlling, ours is larger: the peer gives in. */
	set_up(&b, true, false);
	drain_events(&b);
	ask(&b, &smaller, &size);
	assert_true(next_datagram(&b, &msg, copy, NULL));
	assert_int_equal(msg.error_code, 487);
	assert_true(2 * msg.size <= 3 * size);
	assert_true(ice_agent_controlling(b.agent));
	assert_untouched(&b);
	/* Ours is smaller: we do. */
	ask(&b, &larger, NULL);
	assert_true(next_datagram(&b, &msg, copy, NULL));
	assert_int_equal(msg.class, STUN_SUCCESS);
	assert_false(ice_agent_controlling(b.agent));
	assert_true(ice_agent_poll_event(b.agent, &e));
	assert_int_equal(e.type, ICE_EVENT_ROLE_CHANGED);
	assert_false(e.controlling);
	tear_down(&b);
	/* Both controlled, ours is larger: we control. */
	smaller.controlled = true;
	set_up(&b, false, false);
	ask(&b, &smaller, NULL);
	assert_true(ice_agent_controlling(b.agent));
	tear_down(&b);
	larger.controlled = true;
	set_up(&b, false, false);
	ask(&b, &larger, NULL);
	assert_false(ice_agent_controlling(b.agent));
	assert_true(next_datagram(&b, &msg, copy, NULL));
	assert_int_equal(msg.error_code, 487);
	tear_down(&b);
}

static void test_peer_reflexive_candidate_and_triggered_check(void **state)
{
	struct request r = { .use_candidate = true };
	struct ice_candidate_stats c;
	struct ice_pair_stats p;
	struct stun_msg msg;
	struct bench b;
	uint8_t copy[400];

	(void)state;
	set_up(&b, false, true);
	ask(&b, &r, NULL);
	assert_true(ice_agent_remote_candidate(b.agent, 0, &c));
	assert_int_equal(c.candidate.type, CANDIDATE_PRFLX);
	assert_int_equal(c.candidate.priority, 1862270975);
	assert_true(next_datagram(&b, &msg, copy, NULL));
	assert_int_equal(msg.class, STUN_SUCCESS);
	/* The check of the other direction leaves at once. */
	assert_true(next_datagram(&b, &msg, copy, NULL));
	assert_int_equal(msg.class, STUN_REQUEST);
	assert_true(msg.has_controlled);
	assert_false(msg.use_candidate);
	assert_true(ice_agent_pair_stats(b.agent, 0, &p));
	assert_int_equal(p.state, PAIR_IN_PROGRESS);
	assert_int_equal(p.requests_received, 1);
	assert_false(ice_agent_is_validated(b.agent, &b.base, &b.peer));
	tear_down(&b);
}

/* R8: addresses that nobody may make us probe, even with the right password. */
static void test_R8_forbidden_sources_are_not_answered(void **state)
{
	struct request r = { 0 };
	struct bench b;

	(void)state;
	set_up(&b, false, true);
	drain_events(&b);
	b.peer = addr_v4(127, 0, 0, 1, 6000);
	ask(&b, &r, NULL);
	b.peer = addr_v4(224, 0, 0, 1, 6000);
	ask(&b, &r, NULL);
	b.peer = addr_v4(10, 0, 0, 9, 0);
	ask(&b, &r, NULL);
	assert_untouched(&b);
	assert_int_equal(stats_of(&b).refused_candidates, 3);
	tear_down(&b);
}

static void test_R8_checks_by_request_are_bounded(void **state)
{
	struct request r = { 0 };
	struct stun_msg msg;
	struct bench b;
	uint8_t copy[400];
	size_t requests = 0;
	size_t responses = 0;

	(void)state;
	set_up(&b, false, true);
	/* A peer that asks from a thousand ports within one second. */
	for (int i = 0; i < 1000; i++) {
		b.now = SECOND + i * MILLISECOND;
		b.peer.port = (uint16_t)(7000 + i);
		r.id = (uint8_t)i;
		ice_agent_handle_timeout(b.agent, b.now);
		ask(&b, &r, NULL);
		while (next_datagram(&b, &msg, copy, NULL)) {
			requests += msg.class == STUN_REQUEST;
			responses += msg.class == STUN_SUCCESS;
		}
	}
	assert_int_equal(responses, 1000);
	/* 50 a second and a burst of 5 are new ones, the rest are retransmissions of the 64 that fit. */
	assert_true(requests <= 55 + 64 * 2);
	assert_int_equal(stats_of(&b).over_cap, 1000 - 64);
	tear_down(&b);
}

static void test_R10_old_password_is_refused_after_the_switch_over(void **state)
{
	char ufrag[9];
	char pwd[25];
	struct request old = { .local_ufrag = ufrag, .pwd = pwd };
	struct stun_msg check;
	struct stun_msg nominate;
	struct bench b;
	uint8_t copy[400];
	uint8_t copy2[400];
	uint64_t responses;

	(void)state;
	set_up(&b, true, true);
	memcpy(ufrag, ice_agent_local_ufrag(b.agent), sizeof(ufrag));
	memcpy(pwd, ice_agent_local_pwd(b.agent), sizeof(pwd));
	old.controlled = true;
	provoke_check(&b, &check, copy);
	answer(&b, &(struct response){ 0 }, &check, &b.base, &b.peer);
	assert_true(next_datagram(&b, &nominate, copy2, NULL));
	assert_true(nominate.use_candidate);
	answer(&b, &(struct response){ 0 }, &nominate, &b.base, &b.peer);

	b.now += SECOND;
	ice_agent_handle_timeout(b.agent, b.now);
	/* During the restart the old one counts, so that the peer keeps its consent. */
	assert_int_equal(ice_agent_restart(b.agent, b.now), WLK_OK);
	assert_string_not_equal(ufrag, ice_agent_local_ufrag(b.agent));
	assert_string_not_equal(pwd, ice_agent_local_pwd(b.agent));
	ask(&b, &old, NULL);
	responses = stats_of(&b).responses_sent;
	assert_int_equal(responses, 1);
	assert_true(next_datagram(&b, &check, copy, NULL));

	assert_int_equal(ice_agent_set_remote_parameters(b.agent, b.now, STR("peer2"), STR(PEER_PWD), false), WLK_OK);
	provoke_check(&b, &check, copy);
	answer(&b, &(struct response){ 0 }, &check, &b.base, &b.peer);
	ask(&b, &old, NULL);
	assert_int_equal(stats_of(&b).responses_sent, responses + 1);
	assert_true(next_datagram(&b, &check, copy, NULL));
	if (check.class != STUN_REQUEST)
		assert_true(next_datagram(&b, &check, copy, NULL));
	assert_true(check.use_candidate);
	answer(&b, &(struct response){ 0 }, &check, &b.base, &b.peer);
	while (next_datagram(&b, &check, copy, NULL))
		;
	/* The new generation is nominated: the old password is dead. */
	ask(&b, &old, NULL);
	assert_int_equal(stats_of(&b).responses_sent, responses + 1);
	assert_int_equal(stats_of(&b).unknown_username, 1);
	assert_true(ice_agent_is_validated(b.agent, &b.base, &b.peer));
	tear_down(&b);
}

static void test_R10_credentials_have_enough_bits(void **state)
{
	struct ice_agent *a;
	struct ice_agent_config config = { 0 };
	char ufrag[9];

	(void)state;
	assert_int_equal(ice_agent_create(&a, &config), WLK_OK);
	assert_int_equal(strlen(ice_agent_local_ufrag(a)), 8); /* 6 bits each */
	assert_int_equal(strlen(ice_agent_local_pwd(a)), 24);
	memcpy(ufrag, ice_agent_local_ufrag(a), 9);
	ice_agent_destroy(a);
	assert_int_equal(ice_agent_create(&a, &config), WLK_OK);
	assert_string_not_equal(ufrag, ice_agent_local_ufrag(a));
	ice_agent_destroy(a);
}

/* Live |us| on, answering the checks that go to |alive| only. */
static void live_on(struct bench *b, wlk_time us, const wlk_addr *alive)
{
	wlk_time end = b->now + us;
	struct stun_msg msg;
	uint8_t copy[400];
	wlk_addr to;

	while (b->now < end) {
		ice_agent_handle_timeout(b->agent, b->now);
		while (next_datagram(b, &msg, copy, &to))
			if (msg.class == STUN_REQUEST && addr_equal(&to, alive))
				answer(b, &(struct response){ 0 }, &msg, &b->base, alive);
		b->now = time_min(MAX(ice_agent_deadline(b->agent), b->now + 1), end);
	}
}

/* RFC 7675 5.1: where consent was lost, the same credentials do not count any more. */
static void test_R7_requests_on_a_lost_path_are_not_answered(void **state)
{
	struct request r = { .controlled = true };
	struct stun_msg check;
	struct bench b;
	uint8_t copy[400];
	wlk_addr lost = addr_v4(10, 0, 0, 2, 6000);
	wlk_addr alive = addr_v4(10, 0, 0, 3, 6000);
	uint64_t responses;

	(void)state;
	set_up(&b, true, true);
	provoke_check(&b, &check, copy);
	answer(&b, &(struct response){ 0 }, &check, &b.base, &lost);
	b.now += SECOND / 10;
	b.peer = alive;
	ask(&b, &r, NULL); /* the second path, peer-reflexive */
	live_on(&b, 40 * SECOND, &alive);
	assert_true(ice_agent_is_validated(b.agent, &b.base, &alive));
	assert_false(ice_agent_is_validated(b.agent, &b.base, &lost));
	responses = stats_of(&b).responses_sent;
	b.peer = lost;
	ask(&b, &r, NULL);
	assert_int_equal(stats_of(&b).responses_sent, responses);
	assert_false(next_datagram(&b, &check, copy, NULL));
	b.peer = alive;
	ask(&b, &r, NULL);
	assert_int_equal(stats_of(&b).responses_sent, responses + 1);
	tear_down(&b);
}

static void test_indications_are_ignored(void **state)
{
	static const uint8_t txid[STUN_TXID_SIZE] = { 1 };
	struct stun_writer w;
	struct bench b;
	uint8_t buf[100];
	size_t size;

	(void)state;
	set_up(&b, false, true);
	drain_events(&b);
	stun_writer_init(&w, buf, sizeof(buf), STUN_INDICATION, STUN_METHOD_BINDING, txid);
	assert_int_equal(stun_writer_finish(&w, NULL, true, &size), WLK_OK);
	ice_agent_input(b.agent, b.now, &b.base, &b.peer, buf, size);
	assert_untouched(&b);
	tear_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R4_a_good_request_is_answered),
		cmocka_unit_test(test_R4_without_fingerprint_no_answer),
		cmocka_unit_test(test_R4_without_username_no_answer),
		cmocka_unit_test(test_R4_wrong_integrity_no_answer),
		cmocka_unit_test(test_R4_without_role_or_priority_no_answer),
		cmocka_unit_test(test_R4_other_methods_no_answer),
		cmocka_unit_test(test_R2_garbage_changes_nothing),
		cmocka_unit_test(test_R5_unknown_required_attribute_is_told_only_to_the_peer),
		cmocka_unit_test(test_R3_role_conflicts_do_not_fill_the_log),
		cmocka_unit_test(test_role_conflict_by_tie_breaker),
		cmocka_unit_test(test_peer_reflexive_candidate_and_triggered_check),
		cmocka_unit_test(test_R8_forbidden_sources_are_not_answered),
		cmocka_unit_test(test_R8_checks_by_request_are_bounded),
		cmocka_unit_test(test_R10_old_password_is_refused_after_the_switch_over),
		cmocka_unit_test(test_R10_credentials_have_enough_bits),
		cmocka_unit_test(test_R7_requests_on_a_lost_path_are_not_answered),
		cmocka_unit_test(test_indications_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
