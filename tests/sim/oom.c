/*
 * Memory that runs out at every point of a call: an error comes back or the connection fails; nothing crashes, leaks or
 * hangs, and the next pair connects.
 *
 *   sim_oom [POINTS]     at most so many points for each story (default 800), spread over all of its allocations
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "core/alloc.h"
#include "sim.h"

/* ---- an allocator that fails from one allocation on, for some allocations ---- */

struct failing {
	size_t count;       /* allocations since it was armed */
	size_t first, last; /* these fail; first 0: none */
	bool failed;
};

static struct failing ours, openssl;
static size_t most_points = 800;
static size_t broken; /* points that broke a promise; all are listed before the test fails */

static void arm(struct failing *f, size_t first, size_t length)
{
	*f = (struct failing){ .first = first, .last = first + length - 1 };
}

static void disarm(struct failing *f)
{
	f->first = 0;
}

static bool fails(struct failing *f)
{
	f->count++;
	if (!f->first || f->count < f->first || f->count > f->last)
		return false;
	f->failed = true;
	return true;
}

static void *our_alloc(size_t size, void *user)
{
	return fails(user) ? NULL : malloc(size);
}

static void *our_resize(void *ptr, size_t size, void *user)
{
	return fails(user) ? NULL : realloc(ptr, size);
}

static void our_release(void *ptr, void *user)
{
	(void)user;
	free(ptr);
}

static void *openssl_alloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails(&openssl) ? NULL : malloc(size);
}

static void *openssl_resize(void *ptr, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails(&openssl) ? NULL : realloc(ptr, size);
}

static void openssl_release(void *ptr, const char *file, int line)
{
	(void)file;
	(void)line;
	free(ptr);
}

/* ---- one call ---- */

struct call {
	wlk_data_channel *channel;
	int echoes;     /* messages that came back to a */
	bool an_error;  /* a call answered one, or a connection failed */
};

static struct call *call_of(struct sim *sim)
{
	return sim->user;
}

/* Note an error; answers whether the call did what it should. */
static bool went_well(struct sim *sim, wlk_err err)
{
	if (err)
		call_of(sim)->an_error = true;
	return !err;
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		if (peer == &sim->a)
			call_of(sim)->echoes++;
		else
			went_well(sim, wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data,
							     ev->u.message.size));
		break;
	case WLK_EVENT_DATA_CHANNEL_ERROR:
	case WLK_EVENT_DATA_CHANNEL_CLOSE:
		call_of(sim)->an_error = true;
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		if (ev->u.connection.state == WLK_CONNECTION_FAILED || ev->u.connection.state == WLK_CONNECTION_CLOSED)
			call_of(sim)->an_error = true;
		break;
	default:
		break;
	}
}

static bool set_remote(struct sim *sim, struct sim_peer *from, wlk_sdp_type type)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(from->pc);

	if (!local) {
		call_of(sim)->an_error = true;
		return false;
	}
	assert_int_equal(local->type, type);
	return went_well(sim, wlk_peer_connection_set_remote_description(from->other->pc, local));
}

static bool negotiate(struct sim *sim, struct sim_peer *offerer)
{
	bool done = went_well(sim, wlk_peer_connection_set_local_description(offerer->pc, NULL)) &&
		    set_remote(sim, offerer, WLK_SDP_OFFER);

	sim_run_for(sim, 1);
	done = done && went_well(sim, wlk_peer_connection_set_local_description(offerer->other->pc, NULL)) &&
	       set_remote(sim, offerer->other, WLK_SDP_ANSWER);
	sim_run_for(sim, 1);
	return done;
}

static bool echoed(struct sim *sim)
{
	return call_of(sim)->echoes > 0 || call_of(sim)->an_error;
}

static bool send_and_wait(struct sim *sim)
{
	struct call *call = call_of(sim);

	call->echoes = 0;
	if (!went_well(sim, wlk_data_channel_send(call->channel, WLK_MESSAGE_TEXT, "echo", 4)))
		return false;
	return sim_run_until(sim, 60 * SIM_SECOND, echoed) && call->echoes;
}

static bool open_channel(struct sim *sim)
{
	return went_well(sim, wlk_peer_connection_create_data_channel(sim->a.pc, "oom", NULL, &call_of(sim)->channel));
}

static bool add_media(struct sim *sim)
{
	const wlk_transceiver_init init = { sizeof(init), WLK_DIRECTION_SENDRECV, "stream", "track" };
	wlk_transceiver *t;

	return went_well(sim, wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_AUDIO, &init, &t)) &&
	       went_well(sim, wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_VIDEO, NULL, &t));
}

/* ---- the stories ---- */

/* (a) both peers, offer and answer, a message each way, close */
static bool story_connect(struct sim *sim)
{
	bool done = open_channel(sim) && negotiate(sim, &sim->a) && send_and_wait(sim);
	bool an_error = call_of(sim)->an_error;

	wlk_peer_connection_close(sim->a.pc);
	sim_run_for(sim, SIM_SECOND);
	call_of(sim)->an_error = an_error; /* that b sees the end is no error */
	return done;
}

/* (b) audio, video and data described both ways, statistics too */
static bool story_describe(struct sim *sim)
{
	char *json = NULL;
	bool done = add_media(sim) && open_channel(sim) && negotiate(sim, &sim->a) && negotiate(sim, &sim->b) &&
		    went_well(sim, wlk_peer_connection_stats_json(sim->b.pc, &json));

	wlk_secret_free(json);
	return done;
}

/* (c) an added m-line and an ICE restart of each side on a running connection */
static bool story_renegotiate(struct sim *sim)
{
	return open_channel(sim) && negotiate(sim, &sim->a) && send_and_wait(sim) && add_media(sim) && negotiate(sim, &sim->a) &&
	       went_well(sim, wlk_peer_connection_restart_ice(sim->a.pc)) && negotiate(sim, &sim->a) &&
	       went_well(sim, wlk_peer_connection_restart_ice(sim->b.pc)) && negotiate(sim, &sim->b) && send_and_wait(sim);
}

typedef bool (*story_fn)(struct sim *sim);

static void complain(const char *what)
{
	const struct failing *f = ours.failed ? &ours : &openssl;

	broken++;
	printf("%s: %s allocations %zu..%zu failed\n", what, ours.failed ? "our" : "OpenSSL's", f->first, f->last);
}

/* Tell |story| once; answers whether it came to its good end. */
static bool tell(story_fn story, bool may_fail)
{
	struct sim_config config = { .seed = 1, .latency_us = 5 * SIM_MS, .may_fail = may_fail };
	size_t before = alloc_live_blocks();
	struct call call = { 0 };
	struct sim sim;
	bool done = false;

	sim_init(&sim, &config, on_event, &call);
	if (sim.a.pc && sim.b.pc)
		done = story(&sim);
	else
		call.an_error = true;
	if (!done && !call.an_error)
		complain("neither success nor an error");
	sim_free(&sim);
	if (alloc_live_blocks() != before)
		complain("blocks leaked");
	return done;
}

static void expect_fresh_pair_connects(void)
{
	disarm(&ours);
	disarm(&openssl);
	assert_true(tell(story_connect, false));
}

/*
 * Fail |length| allocations in a row at up to |most_points| points spread over all that |story| makes; a quarter of the
 * points when |length| is more than one.
 */
static void sweep(story_fn story, struct failing *f, size_t length, const char *name)
{
	size_t most = length > 1 ? most_points / 4 : most_points;
	size_t total, step, good = 0, points = 0;
	clock_t start = clock();

	broken = 0;
	expect_fresh_pair_connects(); /* one-time set-up of the libraries is over */
	arm(f, 0, 1);
	assert_true(tell(story, false));
	total = f->count;
	step = total / (most + 1) + 1;
	for (size_t n = 1; n <= total; n += step, points++) {
		arm(f, n, length);
		good += tell(story, true);
		if (points % 32 == 0)
			expect_fresh_pair_connects();
	}
	expect_fresh_pair_connects();
	printf("%s: %zu allocations, %zu failing at each of %zu points, %zu runs got through all the same, %.1f s\n", name, total,
	       length, points, good, (double)(clock() - start) / CLOCKS_PER_SEC);
	assert_int_equal(broken, 0);
}

static void test_out_of_memory_while_connecting(void **state)
{
	(void)state;
	sweep(story_connect, &ours, 1, "connect");
	sweep(story_connect, &ours, 40, "connect, burst");
}

static void test_out_of_memory_in_offer_and_answer(void **state)
{
	(void)state;
	sweep(story_describe, &ours, 1, "describe");
	sweep(story_describe, &ours, 40, "describe, burst");
}

static void test_out_of_memory_in_renegotiation(void **state)
{
	(void)state;
	sweep(story_renegotiate, &ours, 1, "renegotiate");
	sweep(story_renegotiate, &ours, 40, "renegotiate, burst");
}

static void test_out_of_memory_inside_openssl(void **state)
{
	(void)state;
	sweep(story_connect, &openssl, 1, "connect, OpenSSL");
	sweep(story_connect, &openssl, 100, "connect, OpenSSL, burst");
}

int main(int argc, char **argv)
{
	const struct alloc_hooks hooks = { our_alloc, our_resize, our_release, &ours };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_of_memory_while_connecting),
		cmocka_unit_test(test_out_of_memory_in_offer_and_answer),
		cmocka_unit_test(test_out_of_memory_in_renegotiation),
		cmocka_unit_test(test_out_of_memory_inside_openssl),
	};

	if (argc > 1)
		most_points = (size_t)strtoul(argv[1], NULL, 10);
	if (getenv("SIM_LOG"))
		wlk_log_configure(WLK_LOG_DEBUG, NULL, NULL);
	alarm(600); /* a hang ends the test */
	if (!CRYPTO_set_mem_functions(openssl_alloc, openssl_resize, openssl_release))
		return 1;
	alloc_set_hooks(&hooks);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
