/*
 * What a sender makes of its path: a bottleneck with a queue of 100 ms and a round trip of 50 ms, that stays, falls, rises, loses
 * packets, sleeps, or is shared. Prints the spread of each figure over the seeds and fails when one is missed. FIRST_SEED COUNT [SCENARIO]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cc_world.h"
#include "figures.h"

enum { ROUND_TRIP = 50000, QUEUE = 100000 };
static const uint64_t mega = 1000000;
static const double any = 1e12;

static struct cc_world world;
static uint64_t seed;

static void begin(uint64_t rate_bps)
{
	cc_world_init(&world, seed, rate_bps, QUEUE, ROUND_TRIP);
	world.verbose = getenv("CC_VERBOSE") ? MAX(atoi(getenv("CC_VERBOSE")), 10) : 0;
}

static double in_ms(wlk_time us)
{
	return us == WLK_TIME_NEVER ? 1e9 : (double)us / 1000;
}

static void flat(void)
{
	struct cc_flow *f;

	begin(mega);
	f = cc_world_add(&world, CC_MEDIA, 0);
	cc_world_run(&world, 70 * SECOND);
	figure("flat 1: used", seed, cc_flow_share(f, 10, 70, mega), 0.93, any);
	figure("flat 1: used in the first 10 s", seed, cc_flow_share(f, 0, 10, mega), 0.5, any);
	figure("flat 1: queue p50 [ms]", seed, in_ms(cc_world_queue(&world, 10 * SECOND, 70 * SECOND, 0.5)), 0, any);
	figure("flat 1: queue p95 [ms]", seed, in_ms(cc_world_queue(&world, 10 * SECOND, 70 * SECOND, 0.95)), 0, 15);
	figure("flat 1: dropped", seed, (double)world.there.dropped, 0, any);
	cc_world_free(&world);
}

static void fall(void)
{
	struct cc_flow *f;
	double lowest = 1e9;
	uint64_t dropped;

	begin(3 * mega);
	f = cc_world_add(&world, CC_MEDIA, 0);
	cc_world_run(&world, 30 * SECOND);
	dropped = world.there.dropped;
	world.there.rate_bps = 600000;
	cc_world_run(&world, 60 * SECOND);
	for (size_t i = 35; i < 59; i++)
		lowest = MIN(lowest, MIN((double)f->targets[i] / 1e6, cc_flow_share(f, i, i + 2, mega)));
	figure("fall 3 -> 0.6: used before", seed, cc_flow_share(f, 20, 30, 3 * mega), 0.85, any);
	figure("fall 3 -> 0.6: queue clean after [ms]", seed, in_ms(cc_world_clean(&world, 30 * SECOND, 20 * CC_MS) - 30 * SECOND), 0, 2000);
	figure("fall 3 -> 0.6: dropped", seed, (double)(world.there.dropped - dropped), 0, 99);
	figure("fall 3 -> 0.6: lowest after 5 s [Mbit/s]", seed, lowest, 0.45, any);
	figure("fall 3 -> 0.6: used after 5 s", seed, cc_flow_share(f, 35, 60, 600000), 0.8, any);
	cc_world_free(&world);
}

static void rise(void)
{
	struct cc_flow *f;
	size_t reached = 30;

	begin(600000);
	f = cc_world_add(&world, CC_MEDIA, 0);
	cc_world_run(&world, 30 * SECOND);
	world.there.rate_bps = 3 * mega;
	cc_world_run(&world, 60 * SECOND);
	while (reached < 60 && (double)f->by_second[reached] * 8 < 0.8 * 3e6)
		reached++;
	figure("rise 0.6 -> 3: 80 % after [s]", seed, (double)(reached - 30), 0, 7);
	figure("rise 0.6 -> 3: used from 10 s on", seed, cc_flow_share(f, 40, 60, 3 * mega), 0.9, any);
	figure("rise 0.6 -> 3: dropped", seed, (double)world.there.dropped, 0, any);
	cc_world_free(&world);
}

static void lossy(uint32_t loss, const char *name, double least)
{
	struct cc_flow *f;

	begin(3 * mega);
	world.there.loss = world.back.loss = loss;
	f = cc_world_add(&world, CC_MEDIA, 0);
	cc_world_run(&world, 70 * SECOND);
	figure(name, seed, cc_flow_share(f, 10, 70, 3 * mega), least, any);
	cc_world_free(&world);
}

static void two(void)
{
	struct cc_flow *a, *b;
	double first, second;

	begin(2 * mega);
	a = cc_world_add(&world, CC_MEDIA, 0);
	b = cc_world_add(&world, CC_MEDIA, 20 * SECOND);
	cc_world_run(&world, 140 * SECOND);
	first = cc_flow_share(a, 80, 140, 2 * mega);
	second = cc_flow_share(b, 80, 140, 2 * mega);
	figure("two: ratio", seed, MIN(first, second) / MAX(first, second), 0.8, any);
	figure("two: used", seed, first + second, 0.85, any);
	figure("two: queue p95 [ms]", seed, in_ms(cc_world_queue(&world, 80 * SECOND, 140 * SECOND, 0.95)), 0, any);
	cc_world_free(&world);
}

static void beside_tcp(enum cc_flow_kind kind, const char *media, const char *worst, const char *tcp)
{
	struct cc_flow *a, *b;
	double least = 1e9;

	begin(3 * mega);
	a = cc_world_add(&world, CC_MEDIA, 0);
	b = cc_world_add(&world, kind, 10 * SECOND);
	cc_world_run(&world, 130 * SECOND);
	for (size_t i = 20; i < 120; i++)
		least = MIN(least, cc_flow_share(a, i, i + 10, 3 * mega));
	figure(media, seed, cc_flow_share(a, 20, 130, 3 * mega), 0.2, any);
	figure(worst, seed, least, 0.1, any);
	figure(tcp, seed, cc_flow_share(b, 20, 130, 3 * mega), 0.2, any);
	cc_world_free(&world);
}

static void lossy_5(void)
{
	lossy(500, "loss 5 %: used", 0.85);
}

static void lossy_10(void)
{
	lossy(1000, "loss 10 %: used", 0.7);
}

static void beside_reno(void)
{
	beside_tcp(CC_RENO, "beside Reno: media", "beside Reno: media, worst 10 s", "beside Reno: TCP");
}

static void beside_cubic(void)
{
	beside_tcp(CC_CUBIC, "beside CUBIC: media", "beside CUBIC: media, worst 10 s", "beside CUBIC: TCP");
}

/* A radio that saves power, or a receiver that gets no processor: what waits for it is no queue. */
static void sleepy(void)
{
	struct cc_flow *f;

	begin(4 * mega);
	world.there.awake = 20 * CC_MS;
	world.there.asleep = 30 * CC_MS;
	f = cc_world_add(&world, CC_MEDIA, 0);
	cc_world_run(&world, 70 * SECOND);
	figure("asleep 30 ms, awake 20: used", seed, cc_flow_share(f, 10, 70, 4 * mega), 0.5, any);
	figure("asleep 30 ms, awake 20: queue p95 [ms]", seed, in_ms(cc_world_queue(&world, 10 * SECOND, 70 * SECOND, 0.95)), 0, any);
	figure("asleep 30 ms, awake 20: dropped", seed, (double)world.there.dropped, 0, any);
	cc_world_free(&world);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} scenarios[] = { { "flat", flat }, { "fall", fall },	      { "rise", rise },		{ "loss5", lossy_5 },	{ "loss10", lossy_10 },
			  { "two", two },   { "reno", beside_reno }, { "cubic", beside_cubic }, { "sleepy", sleepy } };
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, count = argc > 2 ? strtoull(argv[2], NULL, 10) : 3;

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		if (argc > 3 && strcmp(argv[3], scenarios[i].name) != 0)
			continue;
		for (seed = first; seed < first + count; seed++)
			scenarios[i].run();
	}
	return figures_print() != 0;
}
