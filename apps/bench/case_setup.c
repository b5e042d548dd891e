/* Set-up: from the making of the offer until the channel is open at both ends; in a row, or many at once. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "samples.h"
#include "usage.h"

enum { IN_A_ROW = 200, AT_ONCE = 100 };

struct setup {
	struct samples samples;
	int total, opened, done;
	int64_t started;
	int64_t near_cpu, far_cpu;
	bool begun;
};

static void start(struct bench *b)
{
	struct setup *s = calloc(1, sizeof(*s));

	b->state = s;
	if (!s) {
		bench_fail(b, "out of memory");
		return;
	}
	s->total = b->options->count ? (int)b->options->count : b->what == &setup_at_once ? AT_ONCE : IN_A_ROW;
	bench_ask_usage(b);
}

static void open_next(struct bench *b)
{
	struct setup *s = b->state;

	if (!conn_offer(b, s->opened++))
		bench_fail(b, "no connection can be made");
}

static void ready(struct conn *c)
{
	struct bench *b = c->bench;
	struct setup *s = b->state;
	int64_t opened = c->open_here > c->open_there ? c->open_here : c->open_there;
	int64_t from = b->what == &setup_at_once ? s->started : c->started;

	if (b->options->each)
		fprintf(stderr, "%d: %lld us (near %lld, far %lld), from %lld\n", c->n, (long long)(opened - from),
			(long long)(c->open_here - from), (long long)(c->open_there - from), (long long)from);
	if (!samples_add(&s->samples, opened - from)) {
		bench_fail(b, "out of memory");
		return;
	}
	if (b->what == &setup_sequential)
		conn_close(c);
	if (++s->done == s->total) {
		/* Their end is part of what connections cost. */
		while (b->first)
			conn_close(b->first);
		bench_ask_usage(b);
	} else if (b->what == &setup_sequential) {
		open_next(b);
	}
}

static void far_usage(struct bench *b, int64_t cpu_us, uint64_t count, int64_t at)
{
	struct setup *s = b->state;

	(void)count;
	(void)at;
	if (!s->begun) {
		s->begun = true;
		s->far_cpu = cpu_us;
		s->near_cpu = usage_cpu_us();
		s->started = usage_now_us();
		do
			open_next(b);
		while (b->what == &setup_at_once && s->opened < s->total);
		return;
	}
	json_object_set_new(b->report, "connections", json_integer(s->total));
	samples_report(&s->samples, b->report, "setup");
	json_object_set_new(b->report, "cpu_ms_each",
			    json_real((double)(usage_cpu_us() - s->near_cpu + cpu_us - s->far_cpu) / 1000 / s->total));
	samples_free(&s->samples);
	bench_finish(b);
}

const struct bench_case setup_sequential = { .name = "setup", .standard = true, .start = start, .ready = ready,
					     .far_usage = far_usage };
const struct bench_case setup_at_once = { .name = "setup100", .standard = true, .start = start, .ready = ready,
					  .far_usage = far_usage };
