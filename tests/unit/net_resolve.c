#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "net/resolve.h"

static struct mailbox mb;

struct answer {
	int calls;
	wlk_err err;
	size_t count;
	wlk_addr first;
};

static void on_done(void *user, wlk_err err, const wlk_addr *addresses, size_t count)
{
	struct answer *answer = user;

	answer->calls++;
	answer->err = err;
	answer->count = count;
	if (count)
		answer->first = addresses[0];
}

static int setup(void **state)
{
	(void)state;
	return mailbox_init(&mb);
}

static int teardown(void **state)
{
	(void)state;
	mailbox_free(&mb);
	return 0;
}

/* Wait for an answer; the mailbox tells. */
static void await(const struct answer *answer)
{
	struct pollfd fd = { .fd = mb.fd, .events = POLLIN };

	while (!answer->calls) {
		assert_int_equal(poll(&fd, 1, 60000), 1);
		mailbox_run(&mb);
	}
}

/* A look-up whose answer is here: the thread took everything that was asked before it. */
static void settle(void)
{
	struct answer answer = { 0 };
	struct resolve_query *query;

	assert_int_equal(resolve_start(&mb, "127.0.0.1", on_done, &answer, &query), WLK_OK);
	await(&answer);
}

static void test_literals_need_no_thread(void **state)
{
	wlk_addr addr;

	(void)state;
	assert_true(resolve_literal("192.0.2.7", &addr));
	assert_int_equal(addr.family, 4);
	assert_int_equal(addr.port, 0);
	assert_true(resolve_literal("2001:db8::1", &addr));
	assert_int_equal(addr.family, 6);
	assert_false(resolve_literal("localhost", &addr));
	assert_false(resolve_literal("", &addr));
}

static void test_localhost(void **state)
{
	struct answer answer = { 0 };
	struct resolve_query *query;

	(void)state;
	assert_int_equal(resolve_start(&mb, "localhost", on_done, &answer, &query), WLK_OK);
	assert_int_equal(answer.calls, 0); /* not before mailbox_run() */
	await(&answer);
	assert_int_equal(answer.calls, 1);
	assert_int_equal(answer.err, WLK_OK);
	assert_in_range(answer.count, 1, RESOLVE_ADDRESSES_MAX);
	assert_true(addr_is_loopback(&answer.first));
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_a_name_that_cannot_exist(void **state)
{
	struct answer answer = { 0 };
	struct resolve_query *query;

	(void)state;
	/* Refused by the resolver itself: a label above 63 characters. */
	assert_int_equal(
		resolve_start(&mb, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid",
			      on_done, &answer, &query),
		WLK_OK);
	await(&answer);
	assert_int_not_equal(answer.err, WLK_OK);
	assert_int_equal(answer.count, 0);
}

static void test_wrong_names(void **state)
{
	struct resolve_query *query = NULL;
	char name[256];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[254] = '\0';
	assert_int_equal(resolve_start(&mb, "", on_done, NULL, &query), WLK_ERR_INVALID);
	assert_int_equal(resolve_start(&mb, name, on_done, NULL, &query), WLK_ERR_INVALID);
	alloc_fail_after(1);
	assert_int_equal(resolve_start(&mb, "a", on_done, NULL, &query), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_null(query);
}

static void test_cancel_at_any_moment(void **state)
{
	struct answer answer = { 0 };
	struct resolve_query *query;

	(void)state;
	resolve_cancel(NULL);
	for (int i = 0; i < 200; i++) { /* waiting or running */
		assert_int_equal(resolve_start(&mb, "127.0.0.1", on_done, &answer, &query), WLK_OK);
		resolve_cancel(query);
	}
	for (int i = 0; i < 20; i++) { /* answered, and in the mailbox */
		struct pollfd fd = { .fd = mb.fd, .events = POLLIN };

		assert_int_equal(resolve_start(&mb, "127.0.0.1", on_done, &answer, &query), WLK_OK);
		assert_int_equal(poll(&fd, 1, 60000), 1);
		resolve_cancel(query);
		mailbox_run(&mb);
	}
	assert_int_equal(answer.calls, 0);
	settle();
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_the_queue_is_bounded(void **state)
{
	static struct resolve_query *queries[100000];
	struct answer answer = { 0 };
	wlk_err err = WLK_OK;
	size_t n = 0;

	(void)state;
	/* The thread works meanwhile: ask until it is behind. */
	while (n < 100000 && !(err = resolve_start(&mb, "localhost", on_done, &answer, &queries[n])))
		n++;
	assert_int_equal(err, WLK_ERR_AGAIN);
	assert_true(n >= RESOLVE_QUEUE_MAX);
	while (answer.calls < (int)n) {
		struct pollfd fd = { .fd = mb.fd, .events = POLLIN };

		assert_int_equal(poll(&fd, 1, 60000), 1);
		mailbox_run(&mb);
	}
	assert_int_equal(answer.calls, n);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_literals_need_no_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_localhost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_name_that_cannot_exist, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_at_any_moment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_queue_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
