/* ice/cap: who may have one more, alone and beside others; and agents that share caps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/time.h"
#include "ice/agent.h"

struct user {
	struct ice_cap_user cap;
	size_t has;
	size_t needs; /* so many it does not give up */
};

static size_t count(const struct ice_cap_user *u)
{
	return CONTAINER_OF(u, struct user, cap)->has;
}

static bool give_up(struct ice_cap_user *u)
{
	struct user *user = CONTAINER_OF(u, struct user, cap);

	if (user->has <= user->needs)
		return false;
	user->has--;
	return true;
}

static void join(struct user *u, struct ice_cap *cap, size_t limit)
{
	*u = (struct user){ .cap = { .count = count, .give_up = give_up } };
	ice_cap_join(&u->cap, cap, limit);
}

/* As many as it gets. */
static void fill(struct user *u)
{
	while (ice_cap_make_room(&u->cap))
		u->has++;
}

static void test_alone_it_has_all(void **state)
{
	struct ice_cap cap = { 0 };
	struct user a;

	(void)state;
	join(&a, &cap, 10);
	fill(&a);
	assert_int_equal(a.has, 10);
	a.has = 9;
	assert_true(ice_cap_make_room(&a.cap));
	ice_cap_leave(&a.cap);
	ice_cap_leave(&a.cap);
	assert_false(ice_cap_make_room(&a.cap));
	assert_null(cap.users);
}

static void test_who_comes_later_gets_an_equal_share(void **state)
{
	struct ice_cap cap = { 0 };
	struct user u[3];

	(void)state;
	join(&u[0], &cap, 10);
	fill(&u[0]);
	join(&u[1], &cap, 10);
	fill(&u[1]);
	assert_int_equal(u[0].has, 5);
	assert_int_equal(u[1].has, 5);
	join(&u[2], &cap, 10);
	fill(&u[2]);
	assert_int_equal(u[2].has, 3);
	assert_int_equal(u[0].has + u[1].has, 7);
	fill(&u[0]);
	assert_int_equal(u[0].has + u[1].has + u[2].has, 10);
	ice_cap_leave(&u[1].cap);
	fill(&u[0]);
	assert_int_equal(u[0].has + u[2].has, 10);
}

static void test_what_is_needed_is_not_taken(void **state)
{
	struct ice_cap cap = { 0 };
	struct user a, b;

	(void)state;
	join(&a, &cap, 10);
	fill(&a);
	a.needs = 9;
	join(&b, &cap, 10);
	fill(&b);
	assert_int_equal(a.has, 9);
	assert_int_equal(b.has, 1);
}

/* ---- agents ---- */

enum { AGENTS = 4, BASES = 2 };

static struct ice_agent *gathered(struct ice_caps *caps, uint8_t number)
{
	const struct ice_agent_config config = { .controlling = true, .caps = caps, .no_tcp = true };
	wlk_addr ips[BASES] = { addr_v4(10, 0, 0, 1, 0), addr_v4(10, 0, 1, 1, 0) };
	struct ice_request request;
	struct ice_agent *agent;

	assert_int_equal(ice_agent_create(&agent, &config), WLK_OK);
	assert_int_equal(ice_agent_set_interfaces(agent, SECOND, ips, BASES), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, SECOND), WLK_OK);
	while (ice_agent_poll_request(agent, &request)) {
		wlk_addr bound = request.local;

		bound.port = (uint16_t)(5000 + number);
		ice_agent_on_request(agent, SECOND, request.id, request.type == ICE_REQUEST_BIND_UDP ? WLK_OK : WLK_ERR_UNSUPPORTED, &bound,
				     request.type == ICE_REQUEST_BIND_UDP);
	}
	assert_int_equal(ice_agent_set_remote_parameters(agent, SECOND, STR("farfarfa"), STR("farpasswordfarpassword"), false), WLK_OK);
	return agent;
}

static size_t pairs_of(const struct ice_agent *agent)
{
	struct ice_pair_stats pair;
	size_t n = 0;

	while (ice_agent_pair_stats(agent, n, &pair))
		n++;
	return n;
}

static wlk_err name_candidate(struct ice_agent *agent, uint8_t number, uint8_t i)
{
	const struct ice_candidate candidate = {
		.type = CANDIDATE_HOST,
		.component = 1,
		.priority = 2130706431u - i,
		.foundation = { 'f' },
		.addr = addr_v4(192, 0, (uint8_t)(2 + number), (uint8_t)(1 + i), 9),
	};

	return ice_agent_add_remote_candidate(agent, SECOND, &candidate);
}

/* A peer that names 64 candidates for each of its transports gets 64 in all, and 100 pairs in all. */
static void test_R8_agents_of_one_connection_share_the_caps(void **state)
{
	struct ice_caps caps = { 0 };
	struct ice_agent *agents[AGENTS];
	size_t taken = 0, pairs = 0;

	(void)state;
	for (uint8_t i = 0; i < AGENTS; i++)
		agents[i] = gathered(&caps, i);
	for (uint8_t k = 0; k < 64; k++) {
		for (uint8_t i = 0; i < AGENTS; i++) {
			wlk_err err = name_candidate(agents[i], i, k);

			assert_true(err == WLK_OK || err == WLK_ERR_TOO_LARGE);
			taken += !err;
		}
	}
	assert_int_equal(taken, 64);
	for (size_t i = 0; i < AGENTS; i++) {
		assert_true(pairs_of(agents[i]) >= 16);
		pairs += pairs_of(agents[i]);
	}
	assert_int_equal(pairs, 100);
	/* One that is closed leaves its place to the others. */
	ice_agent_close(agents[0]);
	assert_int_equal(name_candidate(agents[1], 1, 70), WLK_OK);
	for (size_t i = 0; i < AGENTS; i++)
		ice_agent_destroy(agents[i]);
	assert_null(caps.remotes.users);
	assert_null(caps.pairs.users);
}

/* A transport that comes when the first one has all pairs takes its share of them, and the first keeps its own. */
static void test_R8_a_later_agent_finds_room_for_pairs(void **state)
{
	struct ice_caps caps = { 0 };
	struct ice_agent *first = gathered(&caps, 0), *later;

	(void)state;
	for (uint8_t k = 0; k < 60; k++)
		assert_int_equal(name_candidate(first, 0, k), WLK_OK);
	assert_int_equal(pairs_of(first), 100);
	later = gathered(&caps, 1);
	for (uint8_t k = 0; k < 4; k++)
		assert_int_equal(name_candidate(later, 1, k), WLK_OK);
	assert_int_equal(pairs_of(later), 4 * BASES);
	assert_int_equal(pairs_of(first), 100 - 4 * BASES);
	ice_agent_destroy(first);
	ice_agent_destroy(later);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone_it_has_all),
		cmocka_unit_test(test_who_comes_later_gets_an_equal_share),
		cmocka_unit_test(test_what_is_needed_is_not_taken),
		cmocka_unit_test(test_R8_agents_of_one_connection_share_the_caps),
		cmocka_unit_test(test_R8_a_later_agent_finds_room_for_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
