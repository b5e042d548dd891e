/* RTP: video packets of 1,200 bytes one way at a steady rate, a few every five milliseconds. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "usage.h"

enum { PAYLOAD_SIZE = 1160, /* with header and extensions about 1,200 bytes */
       TICK_US = 5000,
       FRAME_PACKETS = 40,
       CLOCK_HZ = 90000,
       LAST_PACKETS_US = 500000 };

struct rtp_run {
	struct conn *conn;
	int payload_type;
	uint64_t sent, refused;
	int64_t started, ended;
	int64_t near_cpu, far_cpu;
};

/* The first payload type of the m=video line. */
static int first_payload_type(wlk_peer_connection *pc)
{
	const wlk_session_description *remote = wlk_peer_connection_remote_description(pc);
	const char *at = remote ? strstr(remote->sdp, "m=video ") : NULL;

	for (int words = 0; at && words < 3; words++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? atoi(at) : -1;
}

static void start(struct bench *b)
{
	b->state = calloc(1, sizeof(struct rtp_run));
	if (!b->state || !conn_offer(b, 0))
		bench_fail(b, "no connection can be made");
}

static void ready(struct conn *c)
{
	struct rtp_run *s = c->bench->state;

	s->conn = c;
	s->payload_type = first_payload_type(c->pc);
	bench_ask_usage(c->bench);
}

static void send_one(struct rtp_run *s, int64_t now)
{
	static uint8_t payload[PAYLOAD_SIZE];
	wlk_rtp_packet packet = { .payload = payload, .payload_size = sizeof(payload) };

	packet.payload_type = (uint8_t)s->payload_type;
	packet.timestamp = (uint32_t)((now - s->started) * CLOCK_HZ / 1000000);
	packet.marker = s->sent % FRAME_PACKETS == FRAME_PACKETS - 1;
	if (wlk_rtp_sender_send_packet(wlk_transceiver_sender(s->conn->video), &packet))
		s->refused++;
	else
		s->sent++;
}

static void ask(void *user)
{
	bench_ask_usage(user);
}

static void tick(void *user)
{
	struct bench *b = user;
	struct rtp_run *s = b->state;
	int64_t now = usage_now_us(), end = s->started + (int64_t)b->options->seconds * 1000000;
	uint64_t due = (uint64_t)((now < end ? now : end) - s->started) * b->options->rate / 1000000;

	while (s->sent + s->refused < due)
		send_one(s, now);
	if (now >= end)
		s->ended = now;
	if (wlk_loop_call_later(b->loop, s->ended ? LAST_PACKETS_US : TICK_US, s->ended ? ask : tick, b, NULL))
		bench_fail(b, "out of memory");
}

static void far_usage(struct bench *b, int64_t cpu_us, uint64_t count, int64_t at)
{
	struct rtp_run *s = b->state;
	double cpu;

	if (!s->started) {
		s->far_cpu = cpu_us;
		s->near_cpu = usage_cpu_us();
		s->started = usage_now_us();
		tick(b);
		return;
	}
	if (!count) {
		bench_fail(b, "no packet came");
		return;
	}
	cpu = (double)(usage_cpu_us() - s->near_cpu + cpu_us - s->far_cpu);
	json_object_set_new(b->report, "sent", json_integer((json_int_t)s->sent));
	json_object_set_new(b->report, "refused", json_integer((json_int_t)s->refused));
	json_object_set_new(b->report, "received", json_integer((json_int_t)count));
	json_object_set_new(b->report, "per_s", json_real((double)count * 1e6 / (double)(at - s->started)));
	json_object_set_new(b->report, "cpu_us_each", json_real(cpu / (double)count));
	bench_finish(b);
}

static void far_event(struct conn *c, const wlk_event *event)
{
	if (event->type != WLK_EVENT_RTP_PACKET)
		return;
	c->bench->count++;
	c->bench->latest = usage_now_us();
}

const struct bench_case rtp = { .name = "rtp", .standard = true, .media = true, .start = start, .ready = ready,
				.far_event = far_event, .far_usage = far_usage };
