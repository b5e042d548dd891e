/* Bulk: messages one way over one reliable, ordered channel, as fast as they are taken. */
#include <stdlib.h>

#include "bench.h"
#include "usage.h"

struct bulk {
	struct conn *conn;
	char *message;
	uint64_t to_send;      /* messages */
	int64_t started;       /* 0: the far process has not told where it begins */
	int64_t near_cpu, far_cpu;
};

static uint64_t total_messages(const struct bench *b)
{
	return ((uint64_t)b->options->mib << 20) / b->what->message_size;
}

static void start(struct bench *b)
{
	struct bulk *s = calloc(1, sizeof(*s));

	b->state = s;
	if (s)
		s->message = calloc(1, b->what->message_size);
	if (!s || !s->message || !conn_offer(b, 0))
		bench_fail(b, "no connection can be made");
}

static void ready(struct conn *c)
{
	struct bulk *s = c->bench->state;

	s->conn = c;
	bench_ask_usage(c->bench);
}

static void send_more(struct bench *b)
{
	struct bulk *s = b->state;
	wlk_err err = WLK_OK;

	while (s->to_send && !err) {
		err = wlk_data_channel_send(s->conn->channel, WLK_MESSAGE_BINARY, s->message, b->what->message_size);
		if (!err)
			s->to_send--;
	}
	if (err && err != WLK_ERR_AGAIN)
		bench_fail(b, wlk_last_error(s->conn->pc));
}

static void finish(struct bench *b, int64_t far_cpu, int64_t at)
{
	struct bulk *s = b->state;
	double bytes = (double)(total_messages(b) * b->what->message_size);
	double near_cpu = (double)(usage_cpu_us() - s->near_cpu), both = near_cpu + (double)(far_cpu - s->far_cpu);

	json_object_set_new(b->report, "bytes", json_real(bytes));
	json_object_set_new(b->report, "mb_per_s", json_real(bytes / (double)(at - s->started)));
	json_object_set_new(b->report, "cpu_s_per_gb", json_real(both * 1000 / bytes));
	json_object_set_new(b->report, "near_cpu_s_per_gb", json_real(near_cpu * 1000 / bytes));
	free(s->message);
	bench_finish(b);
}

/* The first is where the far process begins, the second comes when it has everything. */
static void far_usage(struct bench *b, int64_t cpu_us, uint64_t count, int64_t at)
{
	struct bulk *s = b->state;

	(void)count;
	if (s->started) {
		finish(b, cpu_us, at);
		return;
	}
	s->far_cpu = cpu_us;
	s->near_cpu = usage_cpu_us();
	s->started = usage_now_us();
	s->to_send = total_messages(b);
	send_more(b);
}

static void near_event(struct conn *c, const wlk_event *event)
{
	if (event->type == WLK_EVENT_DATA_CHANNEL_WRITABLE)
		send_more(c->bench);
}

static void far_event(struct conn *c, const wlk_event *event)
{
	struct bench *b = c->bench;

	if (event->type != WLK_EVENT_DATA_CHANNEL_MESSAGE)
		return;
	if (event->u.message.size != b->what->message_size)
		bench_fail(b, "a message came in another size");
	if (++b->count < total_messages(b))
		return;
	b->latest = usage_now_us();
	bench_tell_usage(b);
}

const struct bench_case bulk_16k = { .name = "bulk", .standard = true, .message_size = 16384, .start = start,
				     .ready = ready, .near_event = near_event, .far_event = far_event,
				     .far_usage = far_usage };
const struct bench_case bulk_1k = { .name = "bulk-1k", .message_size = 1024, .start = start, .ready = ready,
				    .near_event = near_event, .far_event = far_event, .far_usage = far_usage };
const struct bench_case bulk_64k = { .name = "bulk-64k", .message_size = 65536, .start = start, .ready = ready,
				     .near_event = near_event, .far_event = far_event, .far_usage = far_usage };
