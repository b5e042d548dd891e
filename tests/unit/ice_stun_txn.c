/* stun_txn: the retransmission schedule, lookup and removal, the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "ice/stun_txn.h"

static const uint8_t message[] = "a message";

static struct stun_txn *add(struct stun_txn_table *t, uint8_t id, void *owner, enum stun_txn_kind kind)
{
	struct stun_txn txn = {
		.kind = kind,
		.id = { id },
		.owner = owner,
		.rto = 100 * MILLISECOND,
		.sends_max = 1 + STUN_TXN_RETRANSMIT_MAX,
	};

	return stun_txn_add(t, &txn, SECOND, message, sizeof(message));
}

static void test_R8_schedule_of_a_check(void **state)
{
	static const int waits_ms[] = { 100, 200, 400, 500, 500, 500, 500, 500 };
	struct stun_txn_table t;
	struct stun_txn *txn;
	wlk_time at = SECOND;

	(void)state;
	stun_txn_table_init(&t);
	assert_int_equal(stun_txn_deadline(&t), WLK_TIME_NEVER);
	txn = add(&t, 1, NULL, TXN_CHECK);
	for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
		at += waits_ms[i] * MILLISECOND;
		assert_int_equal(stun_txn_deadline(&t), at);
		assert_int_equal(stun_txn_poll(txn, at - 1), TXN_NOT_DUE);
		assert_int_equal(stun_txn_poll(txn, at), i < 7 ? TXN_RESEND : TXN_TIMED_OUT);
	}
	assert_int_equal(txn->sends, 8);
	assert_int_equal(txn->first_sent, SECOND);
	assert_memory_equal(txn->msg, message, sizeof(message));
	stun_txn_table_free(&t);
}

/* An initial interval above the cap (many checks at once) is kept, not shortened. */
static void test_large_first_interval_stays(void **state)
{
	struct stun_txn_table t;
	struct stun_txn txn = { .rto = 2 * SECOND, .sends_max = 3 };
	struct stun_txn *added;

	(void)state;
	stun_txn_table_init(&t);
	added = stun_txn_add(&t, &txn, 0, message, 1);
	assert_int_equal(stun_txn_poll(added, 2 * SECOND), TXN_RESEND);
	assert_int_equal(added->next_at, 4 * SECOND);
	stun_txn_table_free(&t);
}

static void test_cancel_only_waits(void **state)
{
	struct stun_txn_table t;
	struct stun_txn *txn;

	(void)state;
	stun_txn_table_init(&t);
	txn = add(&t, 1, NULL, TXN_CHECK);
	stun_txn_cancel(txn);
	assert_int_equal(stun_txn_poll(txn, SECOND + STUN_TXN_LINGER_US - 1), TXN_NOT_DUE);
	assert_int_equal(stun_txn_poll(txn, SECOND + STUN_TXN_LINGER_US), TXN_TIMED_OUT);
	stun_txn_table_free(&t);
}

static void test_find_and_remove(void **state)
{
	struct stun_txn_table t;
	uint8_t id[STUN_TXID_SIZE] = { 2 };
	int a = 0;
	int b = 0;

	(void)state;
	stun_txn_table_init(&t);
	add(&t, 1, &a, TXN_CHECK);
	add(&t, 2, &a, TXN_CONSENT);
	add(&t, 3, &b, TXN_CHECK);
	assert_ptr_equal(stun_txn_find(&t, id)->owner, &a);
	id[11] = 1; /* all 96 bits count */
	assert_null(stun_txn_find(&t, id));
	assert_int_equal(stun_txn_find_owner(&t, &a, TXN_CONSENT)->id[0], 2);
	assert_null(stun_txn_find_owner(&t, &b, TXN_CONSENT));
	stun_txn_remove_kind(&t, &a, TXN_CONSENT);
	assert_int_equal(t.count, 2);
	stun_txn_remove_owner(&t, &a);
	assert_int_equal(t.count, 1);
	stun_txn_remove(&t, stun_txn_find_owner(&t, &b, TXN_CHECK));
	assert_int_equal(t.count, 0);
	stun_txn_table_free(&t);
}

static void test_limit_and_no_memory(void **state)
{
	struct stun_txn_table t;
	size_t live = alloc_live_blocks();

	(void)state;
	stun_txn_table_init(&t);
	for (size_t n = 1; n <= 3; n++) {
		alloc_fail_after(n);
		assert_null(add(&t, 1, NULL, TXN_CHECK));
		alloc_fail_after(0);
		assert_int_equal(t.count, 0);
		stun_txn_table_free(&t);
	}
	for (size_t i = 0; i < STUN_TXN_LIMIT; i++)
		assert_non_null(add(&t, (uint8_t)i, NULL, TXN_CHECK));
	assert_null(add(&t, 1, NULL, TXN_CHECK));
	stun_txn_table_free(&t);
	assert_int_equal(alloc_live_blocks(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R8_schedule_of_a_check), cmocka_unit_test(test_large_first_interval_stays),
		cmocka_unit_test(test_cancel_only_waits),      cmocka_unit_test(test_find_and_remove),
		cmocka_unit_test(test_limit_and_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
