/* The slots that the agents of one connection share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/addr.h"
#include "ice/agent.h"
#include "ice/pacer.h"

enum { TA = 20000, AGENTS = 3, CANDIDATES = 12 };

static void test_one_user_has_all_slots(void **state)
{
	struct ice_pacer pacer = { 0 };
	struct ice_pacer_user u;

	(void)state;
	ice_pacer_join(&u, &pacer, TA);
	assert_true(ice_pacer_at(&u, false) <= SECOND);
	ice_pacer_take(&u, SECOND);
	assert_int_equal(ice_pacer_at(&u, false), SECOND + TA);
	ice_pacer_report(&u, true, 1);
	ice_pacer_take(&u, SECOND + TA);
	assert_int_equal(ice_pacer_at(&u, false), SECOND + 2 * TA);
}

static void test_urgent_ones_go_ahead_and_pay_for_it(void **state)
{
	struct ice_pacer pacer = { 0 };
	struct ice_pacer_user u, other;

	(void)state;
	ice_pacer_join(&u, &pacer, TA);
	ice_pacer_join(&other, &pacer, TA);
	for (int i = 0; i < ICE_PACER_BURST; i++) {
		assert_true(ice_pacer_at(&u, true) <= SECOND);
		ice_pacer_take(&u, SECOND);
	}
	assert_int_equal(ice_pacer_at(&u, true), SECOND + TA);
	assert_int_equal(ice_pacer_at(&other, true), SECOND + TA);
	assert_int_equal(ice_pacer_at(&other, false), SECOND + ICE_PACER_BURST * TA);
}

static void test_users_that_wait_take_turns(void **state)
{
	struct ice_pacer pacer = { 0 };
	struct ice_pacer_user a, b;

	(void)state;
	ice_pacer_join(&a, &pacer, TA);
	ice_pacer_join(&b, &pacer, TA);
	ice_pacer_report(&a, true, 0);
	ice_pacer_report(&b, true, 0);
	ice_pacer_take(&a, SECOND);
	assert_int_equal(ice_pacer_at(&a, false), SECOND + 2 * TA);
	assert_int_equal(ice_pacer_at(&b, false), SECOND + TA);
	ice_pacer_take(&b, SECOND + TA);
	assert_int_equal(ice_pacer_at(&a, false), SECOND + 2 * TA);
	assert_int_equal(ice_pacer_at(&b, false), SECOND + 3 * TA);
	ice_pacer_leave(&b);
	ice_pacer_leave(&b);
	ice_pacer_take(&a, SECOND + 2 * TA);
	assert_int_equal(ice_pacer_at(&a, false), SECOND + 3 * TA);
}

static void test_what_is_under_way_counts_for_all(void **state)
{
	struct ice_pacer pacer = { 0 };
	struct ice_pacer_user a, b;

	(void)state;
	ice_pacer_join(&a, &pacer, TA);
	ice_pacer_join(&b, &pacer, TA);
	assert_int_equal(ice_pacer_rto(&a), 0);
	ice_pacer_report(&a, false, 7);
	ice_pacer_report(&b, true, 5);
	ice_pacer_report(&b, false, 4);
	assert_int_equal(ice_pacer_rto(&a), 11 * TA);
	ice_pacer_leave(&a);
	assert_int_equal(ice_pacer_rto(&b), 4 * TA);
}

/* An agent with a socket, and a peer that names many candidates and never answers. */
static struct ice_agent *checking_agent(struct ice_pacers *pacers, uint8_t number)
{
	const struct ice_agent_config config = { .controlling = true, .pacers = pacers, .no_tcp = true };
	wlk_addr ip = addr_v4(10, 0, 0, 1, 0), bound = addr_v4(10, 0, 0, 1, (uint16_t)(5000 + number));
	struct ice_agent *agent;
	struct ice_request request;

	assert_int_equal(ice_agent_create(&agent, &config), WLK_OK);
	assert_int_equal(ice_agent_set_interfaces(agent, SECOND, &ip, 1), WLK_OK);
	assert_int_equal(ice_agent_gather(agent, SECOND), WLK_OK);
	assert_true(ice_agent_poll_request(agent, &request));
	ice_agent_on_request(agent, SECOND, request.id, WLK_OK, &bound, 1);
	assert_int_equal(ice_agent_set_remote_parameters(agent, SECOND, STR("farfarfa"), STR("farpasswordfarpassword"),
							 false),
			 WLK_OK);
	for (uint8_t i = 0; i < CANDIDATES; i++) {
		const struct ice_candidate candidate = {
			.type = CANDIDATE_HOST,
			.component = 1,
			.priority = 2130706431u - i,
			.foundation = { (char)('a' + i) },
			.addr = addr_v4(192, 0, (uint8_t)(2 + number), (uint8_t)(1 + i), 9),
		};

		assert_int_equal(ice_agent_add_remote_candidate(agent, SECOND, &candidate), WLK_OK);
	}
	return agent;
}

static void test_R8_agents_of_one_connection_share_the_pace(void **state)
{
	struct ice_pacers pacers = { 0 };
	struct ice_agent *agents[AGENTS];
	size_t sent[AGENTS] = { 0 }, total = 0;
	wlk_time now = SECOND;

	(void)state;
	for (uint8_t i = 0; i < AGENTS; i++)
		agents[i] = checking_agent(&pacers, i);
	while (now < SECOND + AGENTS * CANDIDATES * TA) {
		wlk_time next = WLK_TIME_NEVER;

		for (size_t i = 0; i < AGENTS; i++) {
			struct dgram d;

			ice_agent_handle_timeout(agents[i], now);
			while (ice_agent_poll_transmit(agents[i], now, &d)) {
				sent[i]++;
				total++;
				pktbuf_release(d.buf);
			}
			assert_true(ice_agent_deadline(agents[i]) > now);
			next = time_min(next, ice_agent_deadline(agents[i]));
		}
		/* First checks and retransmissions (RFC 8445 14.3) each have a line of slots of their own. */
		assert_true(total <= 2 * (size_t)(1 + (now - SECOND) / TA));
		now = next;
	}
	for (size_t i = 0; i < AGENTS; i++) {
		assert_true(sent[i] >= CANDIDATES); /* nobody was kept waiting for the others */
		ice_agent_destroy(agents[i]);
	}
	assert_int_equal(pacers.checks.waiting, 0);
	assert_int_equal(pacers.checks.unanswered, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_user_has_all_slots),
		cmocka_unit_test(test_urgent_ones_go_ahead_and_pay_for_it),
		cmocka_unit_test(test_users_that_wait_take_turns),
		cmocka_unit_test(test_what_is_under_way_counts_for_all),
		cmocka_unit_test(test_R8_agents_of_one_connection_share_the_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
