/*
 * What whole peers make of a path with a round trip of 50 ms and a queue of 100 ms, seed by seed: it stays, falls, rises, loses packets, is
 * shared with another call, with TCP, or with a data channel of the same connection. Prints the spread of each figure over the seeds.
 * FIRST_SEED COUNT [SCENARIO...]; those with TCP and of two calls take the longest
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "figures.h"
#include "rates_call.h"
#include "tcp_flow.h"

enum { ROUND_TRIP = 50000, QUEUE = 100000, ACKS = 8192 };
static const uint64_t mega = 1000000;
static const double any = 1e12;

static struct bottleneck bottleneck;
static struct call calls[2];
static size_t call_count;
static struct tcp_flow tcp;
static wlk_time tcp_begins;
static struct {
	wlk_time at;
	uint64_t number;
} acks[ACKS]; /* on their way back, in order */
static size_t first_ack, ack_count;
static uint64_t seed;
static bool verbose;
static wlk_time printed_at; /* next time, when it is */

/* ---- the world ---- */

static void begin(uint64_t rate_bps)
{
	bottleneck_init(&bottleneck, seed, rate_bps, QUEUE);
	call_count = 0;
	tcp_begins = WLK_TIME_NEVER;
	first_ack = ack_count = 0;
}

static struct call *add_call(struct call_config config)
{
	struct call *c = &calls[call_count];

	config.seed = seed;
	config.flow = call_count++;
	config.round_trip = ROUND_TRIP;
	call_open(c, &bottleneck, &config);
	return c;
}

static void step_tcp(wlk_time now)
{
	enum { FLOW = BOTTLENECK_FLOWS - 1 };
	uint64_t number;

	if (now < tcp_begins)
		return;
	for (; ack_count && acks[first_ack].at <= now; ack_count--, first_ack = (first_ack + 1) % ACKS)
		tcp_flow_on_ack(&tcp, now, acks[first_ack].number);
	tcp_flow_handle_timeout(&tcp, now);
	while (tcp_flow_send(&tcp, &number)) {
		wlk_time left = bottleneck_send(&bottleneck, now, FLOW, TCP_SEGMENT);
		size_t place = (first_ack + ack_count) % ACKS;

		if (left < 0)
			continue;
		if (ack_count++ == ACKS)
			abort();
		acks[place].at = left + ROUND_TRIP;
		acks[place].number = number;
	}
}

static void print_state(void)
{
	const struct call *c = &calls[0];

	if (!verbose || c->sim.now < printed_at)
		return;
	printed_at = c->sim.now + SIM_SECOND / 2;
	printf("%6.1f queue %3d ms", (double)(c->sim.now - c->begins) / 1e6, (int)(MAX(bottleneck.free_at - c->sim.now, 0) / 1000));
	for (size_t i = 0; i < call_count; i++)
		printf("  target %6.0f, messages %llu", (double)calls[i].encoder.target_bps / 1000, (unsigned long long)calls[i].received_messages);
	printf("  window %.1f dropped %llu\n", tcp_begins <= c->sim.now ? tcp.window : 0, (unsigned long long)bottleneck.dropped);
}

/* Where the link is shared all take a millisecond in turn: what is sent within it may change places. */
static void run(wlk_time span)
{
	wlk_time end = calls[0].sim.now + span;
	bool shared = call_count > 1 || tcp_begins != WLK_TIME_NEVER;

	while (calls[0].sim.now < end) {
		call_step(&calls[0], shared ? SIM_MS : 100 * SIM_MS);
		for (size_t i = 1; i < call_count; i++)
			while (calls[i].sim.now < calls[0].sim.now)
				call_step(&calls[i], calls[0].sim.now - calls[i].sim.now);
		step_tcp(calls[0].sim.now);
		print_state();
	}
}

/* From here on seconds are counted. */
static void start(struct call *c)
{
	call_begin(c);
	if (c == &calls[0])
		bottleneck.begins = c->begins;
}

static double in_ms(wlk_time us)
{
	return us == WLK_TIME_NEVER ? 1e9 : (double)us / 1000;
}

static wlk_time at(int second)
{
	return bottleneck.begins + second * SIM_SECOND;
}

static void end(void)
{
	for (size_t i = 0; i < call_count; i++)
		call_close(&calls[i]);
}

/* ---- scenarios ---- */

static void flat(void)
{
	begin(mega);
	start(add_call((struct call_config){ 0 }));
	run(70 * SIM_SECOND);
	figure("flat 1: used", seed, bottleneck_share(&bottleneck, 0, 10, 70, mega), 0.93, any);
	figure("flat 1: queue p50 [ms]", seed, in_ms(bottleneck_waiting(&bottleneck, at(10), at(70), 0.5)), 0, any);
	figure("flat 1: queue p95 [ms]", seed, in_ms(bottleneck_waiting(&bottleneck, at(10), at(70), 0.95)), 0, 15);
	end();
}

static void fall(void)
{
	double lowest = 1e9;
	uint64_t dropped;
	struct call *c;

	begin(3 * mega);
	c = add_call((struct call_config){ 0 });
	start(c);
	run(30 * SIM_SECOND);
	dropped = bottleneck.dropped;
	bottleneck.rate_bps = 600000;
	run(30 * SIM_SECOND);
	for (size_t i = 35; i < 59; i++)
		lowest = MIN(lowest, bottleneck_share(&bottleneck, 0, i, i + 2, mega));
	figure("fall 3 -> 0.6: used before", seed, bottleneck_share(&bottleneck, 0, 20, 30, 3 * mega), 0.85, any);
	figure("fall 3 -> 0.6: queue clean after [ms]", seed, in_ms(bottleneck_clean(&bottleneck, at(30), 20 * SIM_MS) - at(30)), 0, 2000);
	figure("fall 3 -> 0.6: dropped", seed, (double)(bottleneck.dropped - dropped), 0, 99);
	figure("fall 3 -> 0.6: lowest after 5 s [Mbit/s]", seed, lowest, 0.45, any);
	end();
}

static void rise(void)
{
	size_t reached = 30;

	begin(600000);
	start(add_call((struct call_config){ 0 }));
	run(30 * SIM_SECOND);
	bottleneck.rate_bps = 3 * mega;
	run(30 * SIM_SECOND);
	while (reached < 60 && bottleneck_share(&bottleneck, 0, reached, reached + 1, 3 * mega) < 0.8)
		reached++;
	figure("rise 0.6 -> 3: 80 % after [s]", seed, (double)(reached - 30), 0, 7);
	figure("rise 0.6 -> 3: used from 10 s on", seed, bottleneck_share(&bottleneck, 0, 40, 60, 3 * mega), 0.8, any);
	end();
}

static void lossy(void)
{
	begin(3 * mega);
	start(add_call((struct call_config){ 0 }));
	bottleneck.loss = 500;
	run(70 * SIM_SECOND);
	figure("loss 5 %: used", seed, bottleneck_share(&bottleneck, 0, 10, 70, 3 * mega), 0.85, any);
	end();
}

static void two(void)
{
	double first, second;

	begin(2 * mega);
	(void)add_call((struct call_config){ 0 });
	(void)add_call((struct call_config){ 0 });
	run(2 * SIM_SECOND); /* the second one was made later */
	start(&calls[0]);
	run(20 * SIM_SECOND);
	start(&calls[1]);
	run(100 * SIM_SECOND);
	first = bottleneck_share(&bottleneck, 0, 60, 120, 2 * mega);
	second = bottleneck_share(&bottleneck, 1, 60, 120, 2 * mega);
	figure("two: ratio", seed, MIN(first, second) / MAX(first, second), 0.8, any);
	figure("two: used", seed, first + second, 0.85, any);
	end();
}

static void beside_tcp(bool cubic, const char *media, const char *other)
{
	begin(3 * mega);
	start(add_call((struct call_config){ 0 }));
	run(10 * SIM_SECOND);
	tcp_begins = calls[0].sim.now;
	tcp_flow_init(&tcp, tcp_begins, cubic);
	run(100 * SIM_SECOND);
	figure(media, seed, bottleneck_share(&bottleneck, 0, 20, 110, 3 * mega), 0.2, any);
	figure(other, seed, bottleneck_share(&bottleneck, BOTTLENECK_FLOWS - 1, 20, 110, 3 * mega), 0.2, any);
	end();
}

static void beside_reno(void)
{
	beside_tcp(false, "beside Reno: media", "beside Reno: TCP");
}

static void beside_cubic(void)
{
	beside_tcp(true, "beside CUBIC: media", "beside CUBIC: TCP");
}

/* A call of 10 s, then a file beside it. */
static void data(void)
{
	uint64_t messages;
	struct call *c;

	begin(2 * mega);
	c = add_call((struct call_config){ .audio = true, .data = true });
	start(c);
	run(10 * SIM_SECOND);
	c->full = true;
	messages = c->received_messages;
	call_watch(c);
	run(60 * SIM_SECOND);
	figure("data: longest freeze [ms]", seed, in_ms(c->longest_gap), 0, 500);
	figure("data: frames a second", seed, c->frames / 60.0, 25, any);
	figure("data: sound concealed [%]", seed, 100 * call_concealed(c), 0, 3);
	figure("data: channel's share of the link", seed,
	       (double)(c->received_messages - messages) * CALL_MESSAGE * 8 / 60 / (2.0 * (double)mega), 0.2, any);
	figure("data: video's target [Mbit/s]", seed, (double)c->encoder.target_bps / 1e6, 0.3, any);
	figure("data: queue p95 [ms]", seed, in_ms(bottleneck_waiting(&bottleneck, at(15), at(70), 0.95)), 0, any);
	c->full = false;
	run(30 * SIM_SECOND);
	figure("data: messages that are missing", seed, (double)(c->sent_messages - c->received_messages), 0, 0);
	end();
}

/* The file was there first: it fills the queue until the call begins. */
static void data_first(void)
{
	struct call *c;

	begin(2 * mega);
	c = add_call((struct call_config){ .audio = true, .data = true });
	c->begins = bottleneck.begins = c->sim.now;
	c->full = true;
	run(10 * SIM_SECOND);
	start(c);
	run(5 * SIM_SECOND);
	call_watch(c);
	run(40 * SIM_SECOND);
	figure("data first: longest freeze [ms]", seed, in_ms(c->longest_gap), 0, 500);
	figure("data first: sound concealed [%]", seed, 100 * call_concealed(c), 0, 3);
	figure("data first: video's target [Mbit/s]", seed, (double)c->encoder.target_bps / 1e6, 0.3, any);
	end();
}

/* No transport-wide feedback: losses and round trips in receiver reports. */
static void reports(void)
{
	begin(mega);
	start(add_call((struct call_config){ .no_feedback = true }));
	run(70 * SIM_SECOND);
	figure("reports, 1: used", seed, bottleneck_share(&bottleneck, 0, 20, 70, mega), 0.6, any);
	figure("reports, 1: queue p95 [ms]", seed, in_ms(bottleneck_waiting(&bottleneck, at(20), at(70), 0.95)), 0, any);
	bottleneck.rate_bps = 400000;
	run(30 * SIM_SECOND);
	figure("reports, 1 -> 0.4: used from 10 s on", seed, bottleneck_share(&bottleneck, 0, 80, 100, 400000), 0.6, any);
	figure("reports, 1 -> 0.4: target at last [Mbit/s]", seed, (double)calls[0].encoder.target_bps / 1e6, 0.1, 0.6);
	end();
}

/* The application knows its link, and says so. */
static void limits(void)
{
	wlk_bitrate_limits given = WLK_BITRATE_LIMITS_INIT;
	double first;

	given.start_bps = 1500000;
	given.max_bps = 1800000;
	begin(3 * mega);
	start(add_call((struct call_config){ .limits = given }));
	run(SIM_SECOND);
	first = bottleneck_share(&bottleneck, 0, 0, 1, mega);
	run(29 * SIM_SECOND);
	figure("limits: first second [Mbit/s]", seed, first, 1.0, 2.2);
	figure("limits: later [Mbit/s]", seed, bottleneck_share(&bottleneck, 0, 10, 30, mega), 1.5, 1.85);
	given.min_bps = 0;
	given.start_bps = 0;
	given.max_bps = 500000;
	if (wlk_peer_connection_set_bitrate(calls[0].sim.a.pc, &given))
		sim_fail(&calls[0].sim, "limits: %s", wlk_last_error(calls[0].sim.a.pc));
	run(10 * SIM_SECOND);
	figure("limits: a lower one [Mbit/s]", seed, bottleneck_share(&bottleneck, 0, 32, 40, mega), 0.4, 0.52);
	end();
}

/* Among those that the command line names, if it names any. */
static bool is_wanted(const char *name, char **names, int count)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return count <= 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} scenarios[] = { { "flat", flat }, { "fall", fall },	      { "rise", rise },		{ "loss5", lossy }, { "two", two },
			  { "reno", beside_reno }, { "cubic", beside_cubic }, { "data", data }, { "data-first", data_first },
			  { "reports", reports }, { "limits", limits } };
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	verbose = getenv("SIM_VERBOSE");
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (!is_wanted(scenarios[i].name, argv + 3, argc - 3))
			continue;
		for (seed = first; seed < first + count; seed++)
			scenarios[i].run();
	}
	return figures_print() != 0;
}
