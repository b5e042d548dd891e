/* usrsctp shared by three loops: packets for others, wake hooks, and timers that are not shortened (R26). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/time.h"
#include "sctp/packet_filter.h"
#include "sctp/stack.h"
#include "support/sctp_pair.h"

enum { LOOPS = 3, MESSAGES = 300, STEPS = 6000 };

/* One loop: both ends of an association, driven by a thread of its own in steps of the common clock. */
struct loop {
	pthread_t thread;
	int number;
	struct sctp_assoc *side[2];
	struct sctp_channel *out;
	uint32_t sent;
	uint32_t received;
	bool wrong;
	atomic_int wakes;
	wlk_time lost_at;  /* when the DATA packet that is taken away was sent; 0: not yet */
	wlk_time repeated; /* when it came again */
	uint8_t lost_tsn[4];
};

static pthread_barrier_t barrier;
static _Atomic(wlk_time) common_now;

static void on_wake(void *user)
{
	atomic_fetch_add(&((struct loop *)user)->wakes, 1);
}

static void receive(struct loop *loop, struct sctp_channel *channel)
{
	struct sctp_message message;

	while (sctp_channel_receive(channel, &message)) {
		uint32_t number = 0;

		memcpy(&number, message.data, MIN(message.size, sizeof(number)));
		loop->wrong |= number != loop->received || message.size != 1000 + number % 500;
		loop->received++;
	}
}

/* Take the first DATA packet after two seconds away and note when its TSN is seen again. */
static bool pass(struct loop *loop, wlk_time now, const struct pktbuf *buf)
{
	if (packet_first_chunk(buf->data, buf->size) != CHUNK_DATA)
		return true;
	if (!loop->lost_at && loop->sent == MESSAGES && loop->received == MESSAGES - 1) {
		loop->lost_at = now;
		memcpy(loop->lost_tsn, buf->data + PACKET_HEADER_SIZE + 4, 4);
		return false;
	}
	if (loop->lost_at && !loop->repeated && memcmp(loop->lost_tsn, buf->data + PACKET_HEADER_SIZE + 4, 4) == 0)
		loop->repeated = now;
	return true;
}

static void drive(struct loop *loop, wlk_time now)
{
	struct sctp_assoc_event event;
	struct pktbuf *buf;

	for (int i = 0; i < 2; i++) {
		if (sctp_assoc_deadline(loop->side[i]) <= now)
			sctp_assoc_handle_timeout(loop->side[i], now);
		while (sctp_assoc_poll_event(loop->side[i], &event)) {
			if (event.type == SCTP_EV_MESSAGE)
				receive(loop, event.channel);
		}
		while (sctp_assoc_poll_transmit(loop->side[i], now, &buf)) {
			if (pass(loop, now, buf))
				sctp_assoc_input(loop->side[!i], now, buf->data, buf->size);
			pktbuf_release(buf);
		}
	}
}

static void send_one(struct loop *loop, wlk_time now)
{
	uint8_t data[1500] = { 0 };

	/* The last one alone, when everything before it is through and acknowledged. */
	if (loop->sent == MESSAGES || (loop->sent == MESSAGES - 1 && (loop->received < loop->sent || now < 4 * SECOND)))
		return;
	memcpy(data, &loop->sent, sizeof(loop->sent));
	if (sctp_channel_send(loop->out, now, SCTP_MESSAGE_BINARY, data, 1000 + loop->sent % 500) == WLK_OK)
		loop->sent++;
}

static void make_loop(struct loop *loop)
{
	struct sctp_channel_config channel_config;
	struct sctp_assoc_config config;
	wlk_time now = atomic_load(&common_now);

	sctp_assoc_config_init(&config);
	config.wake = on_wake;
	config.wake_user = loop;
	sctp_channel_config_init(&channel_config);
	for (int i = 0; i < 2; i++) {
		struct sctp_assoc_start start = { i == 0, SCTP_ASSOC_PORT, SCTP_ASSOC_MTU, 0 };

		if (sctp_assoc_create(&loop->side[i], &config) != WLK_OK ||
		    (i == 0 && sctp_channel_create(loop->side[0], now, &channel_config, &loop->out) != WLK_OK) ||
		    sctp_assoc_start(loop->side[i], now, &start) != WLK_OK)
			abort();
	}
}

static void *run_loop(void *user)
{
	struct loop *loop = user;

	make_loop(loop);
	for (int step = 0; step < STEPS; step++) {
		wlk_time now = atomic_load(&common_now);

		send_one(loop, now);
		drive(loop, now);
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
			atomic_store(&common_now, now + MILLISECOND);
			sctp_clock_set(now + MILLISECOND);
		}
		pthread_barrier_wait(&barrier);
	}
	for (int i = 0; i < 2; i++)
		sctp_assoc_destroy(loop->side[i]);
	return NULL;
}

static void test_R26_three_loops_share_the_stack_and_no_timer_is_shortened(void **state)
{
	static struct loop loops[LOOPS];

	(void)state;
	memset(loops, 0, sizeof(loops));
	atomic_store(&common_now, SECOND);
	sctp_clock_set(SECOND);
	assert_int_equal(pthread_barrier_init(&barrier, NULL, LOOPS), 0);
	for (int i = 0; i < LOOPS; i++) {
		loops[i].number = i;
		assert_int_equal(pthread_create(&loops[i].thread, NULL, run_loop, &loops[i]), 0);
	}
	for (int i = 0; i < LOOPS; i++)
		pthread_join(loops[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
	for (int i = 0; i < LOOPS; i++) {
		print_message("loop %d: repeated after %lld us, %d wakes\n", i,
			      (long long)(loops[i].repeated - loops[i].lost_at), atomic_load(&loops[i].wakes));
		assert_false(loops[i].wrong);
		assert_int_equal(loops[i].received, MESSAGES);
		assert_true(loops[i].lost_at > 0 && loops[i].repeated > 0);
		/* RTO.Min is 200 ms; the tick is 10 ms. */
		assert_in_range(loops[i].repeated - loops[i].lost_at, 190 * MILLISECOND, 230 * MILLISECOND);
	}
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_output_for_another_association_waits_and_wakes_its_owner(void **state)
{
	struct sctp_assoc_start start = { true, SCTP_ASSOC_PORT, SCTP_ASSOC_MTU, 0 };
	struct sctp_assoc_config config;
	struct sctp_assoc *a, *b;
	struct pktbuf *buf;
	struct loop loop;

	(void)state;
	memset(&loop, 0, sizeof(loop));
	sctp_clock_set(SECOND);
	sctp_assoc_config_init(&config);
	assert_int_equal(sctp_assoc_create(&a, &config), WLK_OK);
	config.wake = on_wake;
	config.wake_user = &loop;
	assert_int_equal(sctp_assoc_create(&b, &config), WLK_OK);
	assert_int_equal(sctp_assoc_start(a, SECOND, &start), WLK_OK);
	assert_int_equal(sctp_assoc_start(b, SECOND, &start), WLK_OK);
	while (sctp_assoc_poll_transmit(b, SECOND, &buf))
		pktbuf_release(buf);
	assert_false(sctp_assoc_poll_transmit(b, SECOND, &buf));
	/* a's owner ticks for all: b's INIT is repeated, and b's owner is told. */
	sctp_assoc_handle_timeout(a, SECOND + 500 * MILLISECOND);
	assert_int_equal(atomic_load(&loop.wakes), 1);
	assert_true(sctp_assoc_deadline(b) <= SECOND + 500 * MILLISECOND);
	assert_true(sctp_assoc_poll_transmit(b, SECOND + 500 * MILLISECOND, &buf));
	assert_int_equal(packet_first_chunk(buf->data, buf->size), CHUNK_INIT);
	pktbuf_release(buf);
	sctp_assoc_handle_timeout(b, SECOND + 500 * MILLISECOND);
	assert_true(sctp_assoc_deadline(b) > SECOND + 500 * MILLISECOND);
	sctp_assoc_destroy(a);
	sctp_assoc_destroy(b);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_a_process_clock_that_begins_anew(void **state)
{
	struct sctp_path path = { .latency_us = MILLISECOND };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sctp_pair pair;

		sctp_pair_init(&pair, &path, 1, NULL);
		sctp_pair_start(&pair, 0);
		assert_true(sctp_pair_run(&pair, SECOND, sctp_pair_connected));
		sctp_pair_pass(&pair, 100 * SECOND);
		sctp_pair_free(&pair);
	}
}

static void ignore_packet(struct stack_entry *entry, const uint8_t *packet, size_t size, bool foreign)
{
	(void)entry;
	(void)packet;
	(void)size;
	(void)foreign;
}

static void ignore_ready(struct stack_entry *entry, bool foreign)
{
	(void)entry;
	(void)foreign;
}

static void test_R27_entries_are_known_by_a_counter(void **state)
{
	struct stack_entry a = { .on_packet = ignore_packet, .on_ready = ignore_ready };
	struct stack_entry b = a;
	uintptr_t first;

	(void)state;
	stack_enter(&a);
	stack_register(&a, SECOND);
	first = a.id;
	stack_register(&b, SECOND);
	assert_int_equal(b.id, first + 1);
	stack_unregister(&a);
	stack_register(&a, SECOND);
	assert_int_equal(a.id, first + 2); /* never used twice */
	stack_unregister(&b);
	stack_unregister(&a);
	stack_leave();
	assert_true(stack_next_tick() >= SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R26_three_loops_share_the_stack_and_no_timer_is_shortened),
		cmocka_unit_test(test_output_for_another_association_waits_and_wakes_its_owner),
		cmocka_unit_test(test_a_process_clock_that_begins_anew),
		cmocka_unit_test(test_R27_entries_are_known_by_a_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
