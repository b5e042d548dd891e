/* The INIT that the DTLS client says right behind its Finished (RFC 7918): what it wins, and that nothing hangs on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

enum { DTLS_APPLICATION_DATA = 23, DTLS_CHANGE_CIPHER_SPEC = 20 };

/* Both ends have a channel of the same id; the far end, which is the DTLS client, speaks first. */
struct seen {
	wlk_data_channel *channel_b;
	wlk_time message;
	bool finished_came; /* the server's: DTLS is up at the client */
	unsigned early;     /* datagrams of application data of the client before that */
	bool lose_early;
	bool lose_finished; /* the client's first flight with Finished */
};

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = sim->user;

	if (ev->type == WLK_EVENT_DATA_CHANNEL_OPEN && peer == &sim->b)
		assert_int_equal(wlk_data_channel_send(seen->channel_b, WLK_MESSAGE_TEXT, "hello", 5), WLK_OK);
	if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE && peer == &sim->a)
		seen->message = sim->now;
}

/* Flights are told by their first record: the client's second one begins with its Certificate. */
static bool look(struct sim *sim, struct sim_peer *from, const wlk_datagram *datagram)
{
	struct seen *seen = sim->user;

	if (from == &sim->a && datagram->data[0] == DTLS_CHANGE_CIPHER_SPEC)
		seen->finished_came = true;
	if (from == &sim->a || seen->finished_came)
		return true;
	if (datagram->data[0] == DTLS_APPLICATION_DATA) {
		seen->early++;
		return !seen->lose_early;
	}
	if (datagram->data[0] == 22 && datagram->size > 300 && seen->lose_finished) {
		seen->lose_finished = false;
		return false;
	}
	return true;
}

static bool message_came(struct sim *sim)
{
	return ((struct seen *)sim->user)->message != 0;
}

/* The time until the message arrives, at a round trip of 100 ms. */
static wlk_time run(struct seen *seen, uint64_t seed)
{
	const wlk_data_channel_init options = { .struct_size = sizeof(options), .negotiated = true, .has_id = true, .id = 4 };
	wlk_data_channel *channel_a;
	struct sim sim;
	wlk_time begin, took;

	sim_init(&sim, &(struct sim_config){ .seed = seed, .latency_us = 50 * SIM_MS }, on_event, seen);
	sim.filter = look;
	assert_int_equal(wlk_peer_connection_create_data_channel(sim.a.pc, "agreed", &options, &channel_a), WLK_OK);
	begin = sim.now;
	sim_signal(&sim);
	assert_int_equal(wlk_peer_connection_create_data_channel(sim.b.pc, "agreed", &options, &seen->channel_b), WLK_OK);
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, message_came));
	took = seen->message - begin;
	printf("message of the DTLS client after %lld ms\n", (long long)(took / SIM_MS));
	sim_free(&sim);
	return took;
}

/* The far end's check 0.5, ClientHello and the server's flight 1, Finished with INIT 0.5, INIT ACK 0.5, COOKIE-ECHO 0.5. */
static void test_client_speaks_after_three_round_trips(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	assert_in_range(run(&seen, 1), 295 * SIM_MS, 310 * SIM_MS);
	assert_int_equal(seen.early, 1);
}

/* Then INIT leaves again 20 ms after DTLS is up. */
static void test_a_lost_INIT_costs_no_timer(void **state)
{
	struct seen seen = { .lose_early = true };

	(void)state;
	assert_in_range(run(&seen, 2), 350 * SIM_MS, 425 * SIM_MS);
	assert_int_equal(seen.early, 1);
}

static void test_an_INIT_that_comes_before_Finished_does_no_harm(void **state)
{
	struct seen seen = { .lose_finished = true };

	(void)state;
	assert_in_range(run(&seen, 3), 350 * SIM_MS, 800 * SIM_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_speaks_after_three_round_trips),
		cmocka_unit_test(test_a_lost_INIT_costs_no_timer),
		cmocka_unit_test(test_an_INIT_that_comes_before_Finished_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
