/* Ping-pong: one message of 64 bytes at a time, there and back. */
#include <stdlib.h>

#include "bench.h"
#include "samples.h"
#include "usage.h"

enum { MESSAGE_SIZE = 64, ROUNDS = 10000, WARM_UP = 200 };

struct pingpong {
	struct conn *conn;
	struct samples samples;
	uint64_t done; /* round trips, with those of the warm-up */
	int64_t sent, started;
	int64_t near_cpu, far_cpu;
	bool ending;
};

static uint64_t rounds(const struct bench *b)
{
	return b->options->count ? b->options->count : ROUNDS;
}

static void ping(struct pingpong *s)
{
	static const char message[MESSAGE_SIZE];

	s->sent = usage_now_us();
	if (wlk_data_channel_send(s->conn->channel, WLK_MESSAGE_BINARY, message, sizeof(message)))
		bench_fail(s->conn->bench, "a message was refused");
}

static void start(struct bench *b)
{
	b->state = calloc(1, sizeof(struct pingpong));
	if (!b->state || !conn_offer(b, 0))
		bench_fail(b, "no connection can be made");
}

static void ready(struct conn *c)
{
	struct pingpong *s = c->bench->state;

	s->conn = c;
	ping(s);
}

static void on_pong(struct bench *b)
{
	struct pingpong *s = b->state;

	if (++s->done > WARM_UP && !samples_add(&s->samples, usage_now_us() - s->sent))
		bench_fail(b, "out of memory");
	s->ending = s->done == WARM_UP + rounds(b);
	if (s->done == WARM_UP || s->ending)
		bench_ask_usage(b);
	else
		ping(s);
}

static void far_usage(struct bench *b, int64_t cpu_us, uint64_t count, int64_t at)
{
	struct pingpong *s = b->state;
	double n = (double)rounds(b), cpu;

	(void)count;
	(void)at;
	if (!s->ending) {
		s->far_cpu = cpu_us;
		s->near_cpu = usage_cpu_us();
		s->started = usage_now_us();
		ping(s);
		return;
	}
	json_object_set_new(b->report, "per_s", json_real(n * 1e6 / (double)(usage_now_us() - s->started)));
	cpu = (double)(usage_cpu_us() - s->near_cpu + cpu_us - s->far_cpu);
	json_object_set_new(b->report, "cpu_us_each", json_real(cpu / n));
	samples_report(&s->samples, b->report, "round");
	samples_free(&s->samples);
	bench_finish(b);
}

static void near_event(struct conn *c, const wlk_event *event)
{
	if (event->type == WLK_EVENT_DATA_CHANNEL_MESSAGE)
		on_pong(c->bench);
}

static void far_event(struct conn *c, const wlk_event *event)
{
	if (event->type != WLK_EVENT_DATA_CHANNEL_MESSAGE)
		return;
	if (wlk_data_channel_send(event->u.message.channel, event->u.message.type, event->u.message.data,
				  event->u.message.size))
		bench_fail(c->bench, "a message was refused");
}

const struct bench_case pingpong = { .name = "pingpong", .standard = true, .start = start, .ready = ready,
				     .near_event = near_event, .far_event = far_event, .far_usage = far_usage };
