#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>

#include "core/alloc.h"
#include "net/mailbox.h"

enum { THREADS = 4, POSTS = 10000 };

static struct mailbox mb;

static int setup(void **state)
{
	(void)state;
	return mailbox_init(&mb);
}

static int teardown(void **state)
{
	(void)state;
	mailbox_free(&mb);
	return alloc_live_blocks() != 0;
}

static bool readable(int timeout_ms)
{
	struct pollfd fd = { .fd = mb.fd, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) == 1;
}

static void count(void *user)
{
	++*(int *)user;
}

static void test_readable_while_there_is_mail(void **state)
{
	int calls = 0;

	(void)state;
	assert_false(readable(0));
	assert_int_equal(mailbox_post(&mb, count, &calls), WLK_OK);
	assert_int_equal(mailbox_post(&mb, count, &calls), WLK_OK);
	assert_true(readable(0));
	assert_int_equal(calls, 0);
	mailbox_run(&mb);
	assert_int_equal(calls, 2);
	assert_false(readable(0));
	mailbox_wake(&mb);
	assert_true(readable(0));
	mailbox_run(&mb);
	assert_false(readable(0));
	assert_int_equal(calls, 2);
}

static void test_one_at_a_time_in_order(void **state)
{
	int first = 0, second = 0;

	(void)state;
	assert_false(mailbox_run_one(&mb));
	assert_int_equal(mailbox_post(&mb, count, &first), WLK_OK);
	assert_int_equal(mailbox_post(&mb, count, &second), WLK_OK);
	assert_true(mailbox_run_one(&mb));
	assert_int_equal(first, 1);
	assert_int_equal(second, 0);
	assert_int_equal(mailbox_post(&mb, count, &first), WLK_OK);
	assert_false(mailbox_run_one(&mb)); /* the newest is of the next batch */
	assert_int_equal(second, 1);
	assert_true(readable(0));
	assert_int_equal(mailbox_post(&mb, count, &second), WLK_OK);
	assert_true(mailbox_run_one(&mb));
	assert_int_equal(first, 2);
	mailbox_wake(&mb); /* to be reminded of what is left */
	assert_true(readable(0));
	assert_int_equal(mailbox_post(&mb, count, &first), WLK_OK);
	mailbox_run(&mb); /* what was left, and all the others */
	assert_int_equal(first, 3);
	assert_int_equal(second, 2);
	assert_false(readable(0));
}

static void post_again(void *user)
{
	count(user);
	assert_int_equal(mailbox_post(&mb, post_again, user), WLK_OK);
}

static void test_what_posted_functions_post_waits(void **state)
{
	int calls = 0;

	(void)state;
	assert_int_equal(mailbox_post(&mb, post_again, &calls), WLK_OK);
	for (int i = 1; i <= 3; i++) {
		mailbox_run(&mb);
		assert_int_equal(calls, i);
		assert_true(readable(0));
	}
}

struct sender {
	pthread_t thread;
	int number;
};

struct letter {
	int sender;
	int number;
};

static struct letter letters[THREADS][POSTS];
static int next_number[THREADS], received, out_of_order;

static void receive(void *user)
{
	struct letter *letter = user;

	out_of_order += letter->number != next_number[letter->sender]++;
	received++;
}

static void *send_all(void *user)
{
	struct sender *sender = user;

	for (int i = 0; i < POSTS; i++) {
		letters[sender->number][i] = (struct letter){ sender->number, i };
		if (mailbox_post(&mb, receive, &letters[sender->number][i]))
			return sender;
	}
	return NULL;
}

static void test_four_threads_each_in_order(void **state)
{
	struct sender senders[THREADS];
	void *failed;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		senders[i].number = i;
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
	}
	while (received < THREADS * POSTS) {
		assert_true(readable(10000)); /* never silent while mail is missing */
		mailbox_run(&mb);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(senders[i].thread, &failed);
		assert_null(failed);
		assert_int_equal(next_number[i], POSTS);
	}
	assert_int_equal(out_of_order, 0);
	mailbox_run(&mb);
	assert_false(readable(0));
}

static void test_mail_of_an_object_is_queued_once(void **state)
{
	int calls = 0;
	struct mail mail = { .fn = count, .user = &calls };

	(void)state;
	alloc_fail_after(1);
	assert_true(mailbox_send(&mb, &mail));
	assert_false(mailbox_send(&mb, &mail));
	assert_false(alloc_did_fail()); /* needs no memory */
	alloc_fail_after(0);
	mailbox_run(&mb);
	assert_int_equal(calls, 1);
	assert_true(mailbox_send(&mb, &mail)); /* and again */
	mailbox_run(&mb);
	assert_int_equal(calls, 2);
}

static struct mail withdrawn;

static void withdraw_other(void *user)
{
	count(user);
	mailbox_withdraw(&mb, &withdrawn);
}

static void test_withdrawn_mail_does_not_run(void **state)
{
	int calls = 0, never = 0, later = 0;

	(void)state;
	withdrawn = (struct mail){ .fn = count, .user = &never };
	mailbox_withdraw(&mb, &withdrawn); /* not inside: nothing happens */
	assert_true(mailbox_send(&mb, &withdrawn));
	mailbox_withdraw(&mb, &withdrawn);
	assert_int_equal(mailbox_post(&mb, withdraw_other, &calls), WLK_OK); /* in the batch that runs */
	assert_true(mailbox_send(&mb, &withdrawn));
	assert_int_equal(mailbox_post(&mb, count, &later), WLK_OK);
	mailbox_run(&mb);
	assert_int_equal(calls, 1);
	assert_int_equal(never, 0);
	assert_int_equal(later, 1);
	assert_int_equal(mailbox_post(&mb, count, &later), WLK_OK); /* the list is whole */
	mailbox_run(&mb);
	assert_int_equal(later, 2);
}

static void test_closed_mailbox_refuses_but_runs_what_it_has(void **state)
{
	int calls = 0;
	struct mail mail = { .fn = count, .user = &calls };

	(void)state;
	assert_int_equal(mailbox_post(&mb, count, &calls), WLK_OK);
	mailbox_close(&mb);
	assert_int_equal(mailbox_post(&mb, count, &calls), WLK_ERR_CLOSED);
	assert_false(mailbox_send(&mb, &mail));
	mailbox_run(&mb);
	assert_int_equal(calls, 1);
}

static void test_out_of_memory(void **state)
{
	int calls = 0;

	(void)state;
	alloc_fail_after(1);
	assert_int_equal(mailbox_post(&mb, count, &calls), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_false(readable(0));
	mailbox_run(&mb);
	assert_int_equal(calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_readable_while_there_is_mail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_at_a_time_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_posted_functions_post_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_four_threads_each_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mail_of_an_object_is_queued_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_withdrawn_mail_does_not_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closed_mailbox_refuses_but_runs_what_it_has, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
