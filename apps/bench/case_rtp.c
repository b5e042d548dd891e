/*
 * RTP: video packets of 1,200 bytes one way; at a steady rate, a few every five milliseconds, or as many as are taken.
 * Transport-wide feedback is not negotiated (conn.c): as with the other stacks, nothing but the sender decides on the rate.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "usage.h"

enum { PAYLOAD_SIZE = 1160, /* with header and extensions about 1,200 bytes */
       TICK_US = 5000,
       FLOOD_PACKETS = 256, /* sent between two looks at the sockets, as many as leave together */
       FULL_US = 500,       /* after a packet was refused */
       FRAME_PACKETS = 40,
       CLOCK_HZ = 90000,
       WARM_UP_US = 2000000, /* in which the pacer comes to know the rate */
       LAST_PACKETS_US = 500000 };

enum rtp_phase { RTP_WAITING, RTP_WARMING_UP, RTP_MEASURING, RTP_ENDED };

struct rtp_run {
	struct conn *conn;
	int payload_type;
	enum rtp_phase phase;
	uint64_t sent, refused, due; /* due: at the steady rate */
	int64_t started, measured; /* when sending and measuring began */
	int64_t near_cpu, far_cpu;
	uint64_t far_count; /* what had come when measuring began */
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

static bool send_one(struct rtp_run *s, int64_t now)
{
	static uint8_t payload[PAYLOAD_SIZE];
	wlk_rtp_packet packet = { .payload = payload, .payload_size = sizeof(payload) };
	bool sent;

	packet.payload_type = (uint8_t)s->payload_type;
	packet.timestamp = (uint32_t)((now - s->started) * CLOCK_HZ / 1000000);
	packet.marker = s->sent % FRAME_PACKETS == FRAME_PACKETS - 1;
	sent = !wlk_rtp_sender_send_packet(wlk_transceiver_sender(s->conn->video), &packet);
	s->sent += sent;
	s->refused += !sent;
	return sent;
}

static void ask(void *user)
{
	bench_ask_usage(user);
}

static void call_later(struct bench *b, wlk_time delay, void (*fn)(void *user))
{
	if (wlk_loop_call_later(b->loop, delay, fn, b, NULL))
		bench_fail(b, "out of memory");
}

/* What is due now, or in a flood all that is taken; what is refused is lost, as it is without a flood. Answers when to come again. */
static wlk_time send_due(struct bench *b, int64_t now)
{
	struct rtp_run *s = b->state;
	uint64_t due = (uint64_t)(now - s->started) * b->options->rate / 1000000;

	if (b->what->flood) {
		for (int i = 0; i < FLOOD_PACKETS; i++)
			if (!send_one(s, now))
				return FULL_US;
		return 0;
	}
	for (; s->due < due; s->due++)
		send_one(s, now);
	return TICK_US;
}

static void tick(void *user)
{
	struct bench *b = user;
	struct rtp_run *s = b->state;
	int64_t now = usage_now_us();
	wlk_time pause = send_due(b, now);

	if (s->phase == RTP_WARMING_UP && !s->measured && now - s->started >= WARM_UP_US) {
		s->measured = now;
		bench_ask_usage(b);
	}
	if (s->phase == RTP_MEASURING && now - s->measured >= (int64_t)b->options->seconds * 1000000) {
		s->phase = RTP_ENDED;
		call_later(b, LAST_PACKETS_US, ask);
		return;
	}
	call_later(b, pause, tick);
}

static void finish(struct bench *b, int64_t far_cpu, uint64_t count, int64_t at)
{
	struct rtp_run *s = b->state;
	double received = (double)(count - s->far_count), cpu = (double)(usage_cpu_us() - s->near_cpu + far_cpu - s->far_cpu);

	if (count == s->far_count) {
		bench_fail(b, "no packet came");
		return;
	}
	json_object_set_new(b->report, "sent", json_integer((json_int_t)s->sent));
	json_object_set_new(b->report, "refused", json_integer((json_int_t)s->refused));
	json_object_set_new(b->report, "received", json_integer((json_int_t)count));
	json_object_set_new(b->report, "per_s", json_real(received * 1e6 / (double)(at - s->measured)));
	json_object_set_new(b->report, "cpu_us_each", json_real(cpu / received));
	json_object_set_new(b->report, "lost_percent", json_real(100 * (1 - (double)count / (double)s->sent)));
	bench_finish(b);
}

static void far_usage(struct bench *b, int64_t cpu_us, uint64_t count, int64_t at)
{
	struct rtp_run *s = b->state;

	switch (s->phase) {
	case RTP_WAITING:
		s->phase = RTP_WARMING_UP;
		s->started = usage_now_us();
		tick(b);
		break;
	case RTP_WARMING_UP:
		s->phase = RTP_MEASURING;
		s->measured = at;
		s->far_cpu = cpu_us;
		s->far_count = count;
		s->near_cpu = usage_cpu_us();
		break;
	case RTP_MEASURING:
		break;
	case RTP_ENDED:
		finish(b, cpu_us, count, at);
		break;
	}
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
const struct bench_case rtp_flood = { .name = "rtp-flood", .standard = true, .media = true, .flood = true, .start = start,
				      .ready = ready, .far_event = far_event, .far_usage = far_usage };
