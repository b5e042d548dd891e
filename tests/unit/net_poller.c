#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/alloc.h"
#include "net/poller.h"

enum { SOURCES = 100 };

struct source {
	struct poller_source source;
	struct poller *poller;
	struct source *victims[SOURCES]; /* removed by the handler */
	size_t victim_count;
	int calls;
	uint32_t events;
};

static void on_ready(struct poller_source *source, uint32_t events)
{
	struct source *s = CONTAINER_OF(source, struct source, source);

	s->calls++;
	s->events = events;
	for (size_t i = 0; i < s->victim_count; i++)
		poller_remove(s->poller, &s->victims[i]->source);
}

static void add(struct poller *p, struct source *s, int fd, uint32_t events)
{
	*s = (struct source){ .poller = p };
	assert_int_equal(poller_add(p, &s->source, fd, events, on_ready), WLK_OK);
}

static void round_of(struct poller *p)
{
	assert_int_equal(poller_wait(p, 0), WLK_OK);
	poller_dispatch(p);
}

static void test_a_few_at_a_time_with_removals_between(void **state)
{
	struct poller p;
	struct source sources[10];
	int fd = eventfd(1, EFD_NONBLOCK), fds[10], calls = 0;

	(void)state;
	assert_int_equal(poller_init(&p), WLK_OK);
	for (int i = 0; i < 10; i++) {
		fds[i] = dup(fd);
		add(&p, &sources[i], fds[i], EPOLLIN);
	}
	assert_int_equal(poller_wait(&p, 0), WLK_OK);
	assert_true(poller_has_more(&p));
	assert_true(poller_dispatch_some(&p, 4));
	for (int i = 0; i < 10; i++)
		calls += sources[i].calls;
	assert_int_equal(calls, 4);
	for (int i = 0; i < 10; i++)
		if (!sources[i].calls)
			poller_remove(&p, &sources[i].source);
	assert_false(poller_dispatch_some(&p, 100));
	assert_false(poller_has_more(&p));
	calls = 0;
	for (int i = 0; i < 10; i++)
		calls += sources[i].calls;
	assert_int_equal(calls, 4);
	/* what was not dispatched is found again */
	assert_int_equal(poller_wait(&p, 0), WLK_OK);
	assert_true(poller_dispatch_some(&p, 1));
	assert_int_equal(poller_wait(&p, 0), WLK_OK);
	assert_false(poller_dispatch_some(&p, 4));
	for (int i = 0; i < 10; i++) {
		poller_remove(&p, &sources[i].source);
		close(fds[i]);
	}
	close(fd);
	poller_free(&p);
}

static void test_calls_what_is_ready(void **state)
{
	struct poller p;
	struct source in, out;
	int fd = eventfd(1, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);

	(void)state;
	assert_int_equal(poller_init(&p), WLK_OK);
	add(&p, &in, fd, EPOLLIN);
	add(&p, &out, other, EPOLLIN);
	round_of(&p);
	assert_int_equal(in.calls, 1);
	assert_int_equal(in.events, EPOLLIN);
	assert_int_equal(out.calls, 0);
	round_of(&p); /* level-triggered */
	assert_int_equal(in.calls, 2);
	assert_int_equal(poller_change(&p, &out.source, EPOLLIN | EPOLLOUT), WLK_OK);
	round_of(&p);
	assert_int_equal(out.events, EPOLLOUT);
	assert_int_equal(poller_change(&p, &out.source, EPOLLIN), WLK_OK);
	poller_remove(&p, &in.source);
	poller_remove(&p, &in.source); /* twice is harmless */
	round_of(&p);
	assert_int_equal(in.calls, 3);
	assert_int_equal(out.calls, 1);
	poller_remove(&p, &out.source);
	poller_free(&p);
	close(fd);
	close(other);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_R39_any_handler_may_remove_every_source(void **state)
{
	static struct source sources[SOURCES];
	int fds[SOURCES], called = 0;
	struct poller p;

	(void)state;
	assert_int_equal(poller_init(&p), WLK_OK);
	for (size_t i = 0; i < SOURCES; i++) {
		fds[i] = eventfd(1, EFD_NONBLOCK);
		add(&p, &sources[i], fds[i], EPOLLIN);
		for (size_t k = 0; k < SOURCES; k++)
			sources[i].victims[k] = &sources[k];
		sources[i].victim_count = SOURCES;
	}
	round_of(&p);
	round_of(&p);
	for (size_t i = 0; i < SOURCES; i++) {
		called += sources[i].calls;
		close(fds[i]);
	}
	assert_int_equal(called, 1); /* whoever came first */
	poller_free(&p);
	assert_int_equal(alloc_live_blocks(), 0);
}

static struct source *reuse;
static int reuse_fd;

static void replace_victim(struct poller_source *source, uint32_t events)
{
	struct source *s = CONTAINER_OF(source, struct source, source);
	struct source *victim = s->victims[0];

	on_ready(source, events);
	if (reuse)
		add(s->poller, reuse, reuse_fd, EPOLLIN);
	reuse = victim == reuse ? reuse : NULL;
}

static void test_R39_event_of_a_removed_source_does_not_reach_its_successor(void **state)
{
	struct source a, b, successor = { 0 };
	int fd_a = eventfd(1, EFD_NONBLOCK), fd_b = eventfd(1, EFD_NONBLOCK);
	struct poller p;

	(void)state;
	assert_int_equal(poller_init(&p), WLK_OK);
	add(&p, &a, fd_a, EPOLLIN);
	add(&p, &b, fd_b, EPOLLIN);
	a.source.fn = b.source.fn = replace_victim;
	a.victims[0] = &b;
	b.victims[0] = &a;
	a.victim_count = b.victim_count = 1;
	reuse = &successor; /* takes the slot that the removed one had */
	reuse_fd = eventfd(0, EFD_NONBLOCK);
	round_of(&p);
	assert_int_equal(a.calls + b.calls, 1);
	assert_int_equal(successor.calls, 0);
	assert_int_equal(p.slot_count, 2); /* the slot really was reused */
	poller_free(&p);
	close(fd_a);
	close(fd_b);
	close(reuse_fd);
}

static void test_more_sources_than_one_batch(void **state)
{
	static struct source sources[SOURCES];
	int fds[SOURCES];
	struct poller p;

	(void)state;
	assert_int_equal(poller_init(&p), WLK_OK);
	for (size_t i = 0; i < SOURCES; i++) {
		fds[i] = eventfd(1, EFD_NONBLOCK);
		add(&p, &sources[i], fds[i], EPOLLIN);
	}
	for (int i = 0; i < 4; i++)
		round_of(&p);
	for (size_t i = 0; i < SOURCES; i++) {
		assert_true(sources[i].calls >= 1); /* nobody starves */
		poller_remove(&p, &sources[i].source);
		close(fds[i]);
	}
	poller_free(&p);
}

static void test_refused_descriptors_and_memory(void **state)
{
	struct poller p;
	struct source s = { 0 };
	int fd = eventfd(0, EFD_NONBLOCK), file = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(poller_init(&p), WLK_OK);
	alloc_fail_after(1);
	assert_int_equal(poller_add(&p, &s.source, fd, EPOLLIN, on_ready), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(poller_add(&p, &s.source, -1, EPOLLIN, on_ready), WLK_ERR_IO);
	assert_int_equal(poller_add(&p, &s.source, fd, EPOLLIN, on_ready), WLK_OK);
	assert_int_equal(p.slot_count, 1); /* refused ones left no slot behind */
	poller_remove(&p, &s.source);
	poller_free(&p);
	close(fd);
	close(file);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_what_is_ready),
		cmocka_unit_test(test_a_few_at_a_time_with_removals_between),
		cmocka_unit_test(test_R39_any_handler_may_remove_every_source),
		cmocka_unit_test(test_R39_event_of_a_removed_source_does_not_reach_its_successor),
		cmocka_unit_test(test_more_sources_than_one_batch),
		cmocka_unit_test(test_refused_descriptors_and_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
