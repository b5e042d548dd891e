/* pair and checklist: priorities, freezing by foundation, order, triggered queue, victims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/checklist.h"

static struct ice_base base_a = { .state = BASE_BOUND, .addr = { .family = 4, .port = 1, .ip = { 10, 0, 0, 1 } } };
static struct ice_local_candidate local_a = {
	.base = &base_a,
	.candidate = { .type = CANDIDATE_HOST,
		       .priority = 1000,
		       .foundation = "L",
		       .addr = { .family = 4, .port = 1 } },
};

static struct ice_remote_candidate remote(uint8_t last, uint32_t priority, const char *foundation)
{
	struct ice_remote_candidate r = { .generation = 1, .candidate = { .priority = priority } };

	r.candidate.addr = addr_v4(10, 0, 0, last, 9);
	snprintf(r.candidate.foundation, sizeof(r.candidate.foundation), "%s", foundation);
	return r;
}

static struct ice_pair *add(struct checklist *list, struct ice_remote_candidate *r)
{
	struct ice_pair *pair = NULL;

	assert_int_equal(checklist_add(list, &pair, &base_a, &local_a, r, 1, true), WLK_OK);
	return pair;
}

/* RFC 8445 6.1.2.3: 2^32 MIN(G,D) + 2 MAX(G,D) + (G>D ? 1 : 0) */
static void test_pair_priority(void **state)
{
	(void)state;
	assert_int_equal(ice_pair_priority(5, 3, true), (3ull << 32) + 10 + 1);
	assert_int_equal(ice_pair_priority(5, 3, false), (3ull << 32) + 10);
	assert_int_equal(ice_pair_priority(3, 5, true), (3ull << 32) + 10);
	assert_int_equal(ice_pair_priority(7, 7, true), (7ull << 32) + 14);
	assert_int_equal(ice_pair_priority(0xffffffffu, 0xffffffffu, true), (0xffffffffull << 32) + 2 * 0xffffffffull);
	/* Both sides compute the same. */
	assert_int_equal(ice_pair_priority(100, 200, true), ice_pair_priority(200, 100, false));
}

static void test_what_fits(void **state)
{
	static const uint8_t global[16] = { 0x20, 0x01, [15] = 1 };
	static const uint8_t link_local[16] = { 0xfe, 0x80, [15] = 1 };
	wlk_addr v4 = addr_v4(10, 0, 0, 1, 1);
	wlk_addr loop = addr_v4(127, 0, 0, 1, 1);
	wlk_addr v6 = addr_v6(global, 1);
	wlk_addr ll = addr_v6(link_local, 1);

	(void)state;
	assert_true(ice_pair_fits(&v4, &v4));
	assert_true(ice_pair_fits(&v6, &v6));
	assert_true(ice_pair_fits(&ll, &ll));
	assert_true(ice_pair_fits(&loop, &loop));
	assert_false(ice_pair_fits(&v4, &v6));
	assert_false(ice_pair_fits(&v6, &ll));
	assert_false(ice_pair_fits(&v4, &loop));
	/* Connections form their own pairs (RFC 6544 6.2): no socket is paired with a TCP address. */
	v6 = v4;
	v6.transport = WLK_TRANSPORT_TCP;
	assert_true(ice_ip_fits(&v4, &v6));
	assert_false(ice_pair_fits(&v4, &v6));
	assert_false(ice_pair_fits(&v6, &v4));
	assert_false(ice_pair_fits(&v6, &v6));
}

/* RFC 6544 4.2: UDP before TCP, active before passive, and the interfaces in their order among each other. */
static void test_priorities_of_bases(void **state)
{
	static const enum ice_base_kind kinds[] = { BASE_SOCKET, BASE_TCP_ACTIVE, BASE_TCP_LISTENER };
	struct ice_base base = { .local_preference = 65535 };
	uint32_t before = UINT32_MAX, udp;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		base.kind = kinds[i];
		assert_true(ice_base_priority(&base, CANDIDATE_HOST) < before);
		before = ice_base_priority(&base, CANDIDATE_HOST);
	}
	assert_int_equal(before, 90u << 24 | (4u << 13 | 8191u) << 8 | 255u);
	assert_int_equal(ice_base_priority(&base, CANDIDATE_PRFLX), 80u << 24 | (2u << 13 | 8191u) << 8 | 255u);
	assert_int_equal(ice_active_priority(&base, CANDIDATE_HOST), 90u << 24 | (6u << 13 | 8191u) << 8 | 255u);
	base.local_preference = 65535 - 9000; /* more interfaces than 13 bits count: all the same from there on */
	assert_int_equal(ice_base_priority(&base, CANDIDATE_HOST), 90u << 24 | (4u << 13) << 8 | 255u);
	base.kind = BASE_SOCKET;
	udp = ice_base_priority(&base, CANDIDATE_SRFLX);
	assert_int_equal(udp, ice_candidate_priority(CANDIDATE_SRFLX, base.local_preference, 1));
	assert_true(udp > before);
	assert_int_equal(ice_base_tcptype(&base), CANDIDATE_TCP_NONE);
}

static void test_round_trip_is_smoothed(void **state)
{
	struct ice_pair pair = { 0 };

	(void)state;
	ice_pair_on_rtt(&pair, 8000);
	assert_int_equal(pair.srtt, 8000);
	ice_pair_on_rtt(&pair, 16000);
	assert_int_equal(pair.srtt, 9000);
	assert_int_equal(pair.stats.current_rtt_us, 16000);
	assert_int_equal(pair.stats.total_rtt_us, 24000);
	ice_pair_on_rtt(&pair, 0); /* never becomes "unknown" */
	assert_true(pair.srtt > 0);
}

static void test_order_by_priority(void **state)
{
	struct ice_remote_candidate r[3] = { remote(1, 10, "a"), remote(2, 30, "b"), remote(3, 20, "c") };
	struct checklist list;

	(void)state;
	checklist_init(&list, 10);
	for (int i = 0; i < 3; i++)
		add(&list, &r[i]);
	assert_ptr_equal(list.pairs[0]->remote, &r[1]);
	assert_ptr_equal(list.pairs[1]->remote, &r[2]);
	assert_ptr_equal(list.pairs[2]->remote, &r[0]);
	r[0].candidate.priority = 40;
	checklist_recompute(&list, false);
	assert_ptr_equal(list.pairs[0]->remote, &r[0]);
	assert_ptr_equal(checklist_next(&list, 1, true), list.pairs[0]);
	assert_null(checklist_next(&list, 2, true));
	assert_ptr_equal(checklist_find(&list, &base_a, &r[2].candidate.addr, 1)->remote, &r[2]);
	assert_null(checklist_find(&list, &base_a, &r[2].candidate.addr, 2));
	checklist_free(&list);
}

/* RFC 8445 6.1.2.6, 6.1.4.2, 7.2.5.3.3 */
static void test_freezing_by_foundation(void **state)
{
	struct ice_remote_candidate r[3] = { remote(1, 30, "a"), remote(2, 20, "a"), remote(3, 10, "b") };
	struct ice_pair *pair[3];
	struct checklist list;

	(void)state;
	checklist_init(&list, 10);
	for (int i = 0; i < 3; i++)
		pair[i] = add(&list, &r[i]);
	assert_int_equal(pair[0]->state, PAIR_WAITING);
	assert_int_equal(pair[1]->state, PAIR_FROZEN);
	assert_int_equal(pair[2]->state, PAIR_WAITING);
	pair[0]->state = PAIR_IN_PROGRESS;
	pair[2]->state = PAIR_IN_PROGRESS;
	assert_null(checklist_next(&list, 1, false)); /* its twin is being checked */
	pair[0]->state = PAIR_FAILED;
	assert_ptr_equal(checklist_next(&list, 1, true), pair[1]);
	assert_int_equal(pair[1]->state, PAIR_FROZEN); /* only looked at */
	assert_ptr_equal(checklist_next(&list, 1, false), pair[1]);
	assert_int_equal(pair[1]->state, PAIR_WAITING);
	pair[1]->state = PAIR_FROZEN;
	checklist_unfreeze_like(&list, pair[2]);
	assert_int_equal(pair[1]->state, PAIR_FROZEN);
	checklist_unfreeze_like(&list, pair[0]);
	assert_int_equal(pair[1]->state, PAIR_WAITING);
	assert_int_equal(checklist_unfinished(&list, 1), 2);
	assert_int_equal(checklist_unfinished(&list, 2), 0);
	checklist_free(&list);
}

static void test_triggered_queue_is_first_in_first_out(void **state)
{
	struct ice_remote_candidate r[2] = { remote(1, 10, "a"), remote(2, 30, "b") };
	struct ice_pair *pair[2];
	struct checklist list;

	(void)state;
	checklist_init(&list, 10);
	pair[0] = add(&list, &r[0]);
	pair[1] = add(&list, &r[1]);
	assert_false(checklist_has_triggered(&list));
	checklist_trigger(&list, pair[0]);
	checklist_trigger(&list, pair[1]);
	checklist_trigger(&list, pair[0]);           /* is in it already */
	assert_null(checklist_next(&list, 1, true)); /* the queue takes care of both */
	assert_ptr_equal(checklist_pop_triggered(&list), pair[0]);
	assert_ptr_equal(checklist_pop_triggered(&list), pair[1]);
	assert_null(checklist_pop_triggered(&list));
	checklist_trigger(&list, pair[1]);
	checklist_remove(&list, pair[1]); /* a removed pair leaves the queue */
	assert_null(checklist_pop_triggered(&list));
	checklist_free(&list);
}

static void test_R8_victims(void **state)
{
	struct ice_remote_candidate r[4] = { remote(1, 10, "a"), remote(2, 20, "b"), remote(3, 30, "c"),
					     remote(4, 40, "d") };
	struct ice_pair *pair[3];
	struct ice_pair *none = NULL;
	struct checklist list;

	(void)state;
	checklist_init(&list, 3);
	for (int i = 0; i < 3; i++)
		pair[i] = add(&list, &r[i]);
	assert_int_equal(checklist_add(&list, &none, &base_a, &local_a, &r[3], 1, true), WLK_ERR_TOO_LARGE);
	assert_null(none);
	assert_ptr_equal(checklist_victim(&list), pair[0]); /* the worst */
	pair[2]->state = PAIR_FAILED;
	assert_ptr_equal(checklist_victim(&list), pair[2]); /* one that has failed */
	pair[2]->state = PAIR_SUCCEEDED;
	pair[2]->valid = true;
	pair[0]->state = PAIR_IN_PROGRESS;
	assert_ptr_equal(checklist_victim(&list), pair[1]);
	checklist_trigger(&list, pair[1]);
	assert_null(checklist_victim(&list));
	assert_ptr_equal(checklist_best_valid(&list, 1), pair[2]);
	assert_ptr_equal(checklist_best_valid(&list, 0), pair[2]);
	assert_null(checklist_best_valid(&list, 2));
	checklist_free(&list);
}

static void test_no_memory(void **state)
{
	struct ice_remote_candidate r = remote(1, 10, "a");
	struct ice_pair *pair = NULL;
	struct checklist list;

	(void)state;
	checklist_init(&list, 3);
	for (size_t n = 1; n <= 2; n++) {
		alloc_fail_after(n);
		assert_int_equal(checklist_add(&list, &pair, &base_a, &local_a, &r, 1, true), WLK_ERR_NOMEM);
		alloc_fail_after(0);
		assert_int_equal(list.count, 0);
		checklist_free(&list);
	}
}

static void test_names(void **state)
{
	struct ice_remote_candidate r = remote(7, 10, "a");
	struct ice_pair pair = { .base = &base_a, .local = &local_a, .remote = &r };
	char text[ICE_PAIR_TEXT_MAX];

	(void)state;
	assert_string_equal(ice_pair_text(&pair, text), "host 10.0.0.1:1 > host 10.0.0.7:9");
	assert_string_equal(ice_pair_state_name(PAIR_FROZEN), "frozen");
	assert_string_equal(ice_pair_state_name(PAIR_FAILED), "failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair_priority),
		cmocka_unit_test(test_what_fits),
		cmocka_unit_test(test_priorities_of_bases),
		cmocka_unit_test(test_round_trip_is_smoothed),
		cmocka_unit_test(test_order_by_priority),
		cmocka_unit_test(test_freezing_by_foundation),
		cmocka_unit_test(test_triggered_queue_is_first_in_first_out),
		cmocka_unit_test(test_R8_victims),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
