/* agent_inbound: answers to our checks: which are believed, and what follows from them. */
#include "ice_inbound_support.h"

/* --------------------------------------------------------------------------------------------- responses */

static void refuse_answer(const struct response *r, const wlk_addr *from, size_t counter)
{
	struct ice_agent_stats s;
	struct stun_msg check;
	struct bench b;
	uint8_t copy[400];

	set_up(&b, true, true);
	provoke_check(&b, &check, copy);
	answer(&b, r, &check, &b.base, from ? from : &b.peer);
	s = stats_of(&b);
	assert_int_equal(*(uint64_t *)(void *)((char *)&s + counter), 1);
	assert_false(ice_agent_is_validated(b.agent, &b.base, &b.peer));
	assert_int_equal(ice_agent_state(b.agent), ICE_STATE_CHECKING);
	/* The right one is still welcome. */
	answer(&b, &(struct response){ 0 }, &check, &b.base, &b.peer);
	assert_true(ice_agent_is_validated(b.agent, &b.base, &b.peer));
	tear_down(&b);
}

static void test_R5_response_with_unknown_id_is_dropped(void **state)
{
	static const uint8_t other[STUN_TXID_SIZE] = { 9 };

	(void)state;
	refuse_answer(&(struct response){ .id = other }, NULL, COUNTER(unknown_transaction));
}

static void test_R5_response_from_other_address_is_dropped(void **state)
{
	wlk_addr port = addr_v4(10, 0, 0, 2, 6001);
	wlk_addr host = addr_v4(10, 0, 0, 3, 6000);

	(void)state;
	refuse_answer(&(struct response){ 0 }, &port, COUNTER(wrong_source));
	refuse_answer(&(struct response){ 0 }, &host, COUNTER(wrong_source));
}

static void test_R5_response_with_wrong_integrity_is_dropped(void **state)
{
	(void)state;
	refuse_answer(&(struct response){ .no_integrity = true }, NULL, COUNTER(bad_integrity));
	refuse_answer(&(struct response){ .pwd = "0123456789012345678901" }, NULL, COUNTER(bad_integrity));
	refuse_answer(&(struct response){ .bad_fingerprint = true }, NULL, COUNTER(bad_integrity));
	refuse_answer(&(struct response){ .error = 487, .no_integrity = true }, NULL, COUNTER(bad_integrity));
}

static void test_R5_response_without_mapped_address_is_dropped(void **state)
{
	(void)state;
	refuse_answer(&(struct response){ .no_mapped = true }, NULL, COUNTER(malformed));
}

static void test_R5_a_response_counts_once(void **state)
{
	struct stun_msg check;
	struct bench b;
	uint8_t copy[400];

	(void)state;
	set_up(&b, true, true);
	provoke_check(&b, &check, copy);
	answer(&b, &(struct response){ 0 }, &check, &b.base, &b.peer);
	answer(&b, &(struct response){ 0 }, &check, &b.base, &b.peer);
	assert_int_equal(stats_of(&b).responses_received, 1);
	assert_int_equal(stats_of(&b).unknown_transaction, 1);
	tear_down(&b);
}

/* R12: the exact address pair, and only after our own check. */
static void test_R12_only_the_checked_path_is_validated(void **state)
{
	struct request r = { 0 };
	struct stun_msg check;
	struct bench b;
	uint8_t copy[400];
	wlk_addr other;

	(void)state;
	set_up(&b, false, true);
	ask(&b, &r, NULL);
	assert_false(ice_agent_is_validated(b.agent, &b.base, &b.peer));
	assert_true(next_datagram(&b, &check, copy, NULL)); /* the answer */
	assert_true(next_datagram(&b, &check, copy, NULL)); /* the triggered check */
	answer(&b, &(struct response){ 0 }, &check, &b.base, &b.peer);
	assert_true(ice_agent_is_validated(b.agent, &b.base, &b.peer));
	other = b.peer;
	other.port++;
	assert_false(ice_agent_is_validated(b.agent, &b.base, &other));
	other = b.base;
	other.port++;
	assert_false(ice_agent_is_validated(b.agent, &other, &b.peer));
	assert_false(ice_agent_is_validated(b.agent, &b.peer, &b.base));
	tear_down(&b);
}

static void test_mapped_address_reveals_a_local_candidate(void **state)
{
	struct response r = { .mapped = addr_v4(203, 0, 113, 7, 999) };
	struct ice_candidate_stats c;
	struct ice_pair_stats p;
	struct stun_msg check;
	struct bench b;
	uint8_t copy[400];

	(void)state;
	set_up(&b, true, true);
	provoke_check(&b, &check, copy);
	answer(&b, &r, &check, &b.base, &b.peer);
	assert_true(ice_agent_local_candidate(b.agent, 1, &c));
	assert_int_equal(c.candidate.type, CANDIDATE_PRFLX);
	assert_true(addr_equal(&c.candidate.addr, &r.mapped));
	assert_int_equal(c.candidate.priority, check.priority);
	assert_true(ice_agent_pair_stats(b.agent, 0, &p));
	assert_int_equal(p.local_id, c.id);
	assert_true(addr_equal(&p.local, &b.base));
	tear_down(&b);
}

static void test_role_conflict_answer_switches_and_checks_again(void **state)
{
	struct stun_msg first;
	struct stun_msg second;
	struct bench b;
	uint8_t copy[400];
	uint8_t copy2[400];

	(void)state;
	set_up(&b, true, true);
	provoke_check(&b, &first, copy);
	assert_true(first.has_controlling);
	assert_int_equal(first.tie_breaker, 1000);
	answer(&b, &(struct response){ .error = 487 }, &first, &b.base, &b.peer);
	assert_false(ice_agent_controlling(b.agent));
	assert_true(next_datagram(&b, &second, copy2, NULL));
	assert_true(second.has_controlled);
	assert_int_not_equal(second.tie_breaker, 1000); /* RFC 8445 7.2.5.1: a new one */
	assert_memory_not_equal(first.txid, second.txid, STUN_TXID_SIZE);
	tear_down(&b);
}

static void test_stale_role_conflict_is_ignored(void **state)
{
	struct request larger = { .tie_breaker = 5000 };
	struct stun_msg first;
	struct stun_msg msg;
	struct bench b;
	uint8_t copy[400];
	uint8_t copy2[400];

	(void)state;
	set_up(&b, true, true);
	provoke_check(&b, &first, copy);
	ask(&b, &larger, NULL); /* makes us controlled before the 487 for our own check comes */
	assert_false(ice_agent_controlling(b.agent));
	while (next_datagram(&b, &msg, copy2, NULL))
		;
	answer(&b, &(struct response){ .error = 487 }, &first, &b.base, &b.peer);
	assert_false(ice_agent_controlling(b.agent));
	assert_int_equal(stats_of(&b).stale_role_conflicts, 1);
	b.now += 100 * MILLISECOND;
	ice_agent_handle_timeout(b.agent, b.now);
	assert_true(next_datagram(&b, &msg, copy2, NULL));
	assert_true(msg.has_controlled);
	tear_down(&b);
}

static void test_error_answer_fails_the_pair(void **state)
{
	struct ice_pair_stats p;
	struct stun_msg check;
	struct bench b;
	uint8_t copy[400];

	(void)state;
	set_up(&b, true, true);
	provoke_check(&b, &check, copy);
	answer(&b, &(struct response){ .error = 500 }, &check, &b.base, &b.peer);
	assert_true(ice_agent_pair_stats(b.agent, 0, &p));
	assert_int_equal(p.state, PAIR_FAILED);
	tear_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R5_response_with_unknown_id_is_dropped),
		cmocka_unit_test(test_R5_response_from_other_address_is_dropped),
		cmocka_unit_test(test_R5_response_with_wrong_integrity_is_dropped),
		cmocka_unit_test(test_R5_response_without_mapped_address_is_dropped),
		cmocka_unit_test(test_R5_a_response_counts_once),
		cmocka_unit_test(test_R12_only_the_checked_path_is_validated),
		cmocka_unit_test(test_mapped_address_reveals_a_local_candidate),
		cmocka_unit_test(test_role_conflict_answer_switches_and_checks_again),
		cmocka_unit_test(test_stale_role_conflict_is_ignored),
		cmocka_unit_test(test_error_answer_fails_the_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
