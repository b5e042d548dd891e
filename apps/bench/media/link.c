#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEPS_MAX = 16, IN_FLIGHT_MAX = 8192, PACKET_MAX = 2048, LOGGED_MAX = 1 << 20, HEADERS = 28, WAS_DROPPED = -1, WAS_LOST = -2 };

struct step {
	int64_t at; /* us since the start */
	uint64_t bps;
	double loss; /* 0..1 */
};

struct flight {
	int64_t due;
	size_t size;
	uint8_t data[PACKET_MAX];
};

/* One way. First in, first out: the delay is the same for all. */
struct way {
	int from, to; /* descriptors: packets come in at one end's port and leave from the other's */
	struct sockaddr_in *source, *target;
	struct flight *ring;
	size_t first, count;
	int64_t free_at;
	bool limited;
};

struct logged {
	int32_t ms, bytes, waited;
};

struct link {
	struct step steps[STEPS_MAX];
	size_t step_count;
	int64_t delay, queue, started; /* started 0: not yet */
	uint64_t random;
	struct sockaddr_in a, b; /* port 0: not known yet */
	struct way there, back;
	struct logged *log;
	size_t logged;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool parse_schedule(struct link *l, const char *text)
{
	while (*text && l->step_count < STEPS_MAX) {
		struct step *s = &l->steps[l->step_count++];
		char *end;

		s->at = (int64_t)(strtod(text, &end) * 1e6);
		if (*end != ':')
			return false;
		s->bps = strtoull(end + 1, &end, 10) * 1000;
		if (*end == ':')
			s->loss = strtod(end + 1, &end) / 100;
		if (!s->bps || (*end && *end != ','))
			return false;
		text = *end ? end + 1 : end;
	}
	return l->step_count && !*text;
}

static const struct step *step_at(const struct link *l, int64_t now)
{
	size_t i = 0;

	while (l->started && i + 1 < l->step_count && l->steps[i + 1].at <= now - l->started)
		i++;
	return &l->steps[i];
}

/* xorshift64* */
static double uniform(struct link *l)
{
	l->random ^= l->random >> 12;
	l->random ^= l->random << 25;
	l->random ^= l->random >> 27;
	return (double)(l->random * 2685821657736338717ull >> 11) / 9007199254740992.0;
}

static void note(struct link *l, int64_t now, size_t bytes, int64_t waited)
{
	if (l->started && l->logged < LOGGED_MAX)
		l->log[l->logged++] = (struct logged){ (int32_t)((now - l->started) / 1000), (int32_t)bytes, (int32_t)waited };
}

/* When a packet that comes now has left the bottleneck; WAS_DROPPED, WAS_LOST. What it waited for others is noted. */
static int64_t pass(struct link *l, struct way *w, int64_t now, size_t bytes)
{
	const struct step *s = step_at(l, now);
	int64_t start = w->free_at > now ? w->free_at : now;

	/* Nothing is lost while the call is set up. */
	if (l->started && s->loss > 0 && uniform(l) < s->loss) {
		if (w->limited)
			note(l, now, bytes, WAS_LOST);
		return WAS_LOST;
	}
	if (!w->limited)
		return now;
	if (start - now > l->queue || w->count == IN_FLIGHT_MAX) {
		note(l, now, bytes, WAS_DROPPED);
		return WAS_DROPPED;
	}
	w->free_at = start + (int64_t)(bytes * 8 * 1000000 / s->bps);
	note(l, now, bytes, start - now);
	return w->free_at;
}

static void receive(struct link *l, struct way *w)
{
	uint8_t data[PACKET_MAX];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(w->from, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &size)) > 0) {
		int64_t now = now_us(), leaves;

		if (!w->source->sin_port)
			*w->source = from;
		if (from.sin_port != w->source->sin_port)
			continue;
		leaves = pass(l, w, now, (size_t)n + HEADERS);
		if (leaves < 0 || w->count == IN_FLIGHT_MAX)
			continue;
		struct flight *f = &w->ring[(w->first + w->count++) % IN_FLIGHT_MAX];
		f->due = leaves + l->delay;
		f->size = (size_t)n;
		memcpy(f->data, data, f->size);
	}
}

/* Send what is due; when the next one is. */
static int64_t deliver(struct way *w)
{
	for (; w->count; w->first = (w->first + 1) % IN_FLIGHT_MAX, w->count--) {
		struct flight *f = &w->ring[w->first];

		if (f->due > now_us())
			return f->due;
		if (w->target->sin_port)
			sendto(w->to, f->data, f->size, 0, (struct sockaddr *)w->target, sizeof(*w->target));
	}
	return INT64_MAX;
}

static int open_port(uint16_t *port)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), buffer = 4 << 20;
	socklen_t size = sizeof(any);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) || getsockname(fd, (struct sockaddr *)&any, &size))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	*port = ntohs(any.sin_port);
	return fd;
}

/* False: stdin has ended. */
static bool take_line(struct link *l)
{
	char text[64];
	ssize_t n = read(STDIN_FILENO, text, sizeof(text));

	if (n > 0 && !l->started && memchr(text, 's', (size_t)n))
		l->started = now_us();
	return n > 0 || (n < 0 && errno == EINTR);
}

static void run(struct link *l)
{
	struct pollfd fds[] = { { l->there.from, POLLIN, 0 }, { l->back.from, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
	bool more = true;

	while (more) {
		int64_t there = deliver(&l->there), back = deliver(&l->back), due = there < back ? there : back;
		int64_t left = due == INT64_MAX ? 1000000 : due - now_us();
		struct timespec wait = { .tv_nsec = left > 0 ? (left < 999999 ? left : 999999) * 1000 : 0 };

		if (ppoll(fds, 3, &wait, NULL) <= 0)
			continue;
		if (fds[0].revents)
			receive(l, &l->there);
		if (fds[1].revents)
			receive(l, &l->back);
		if (fds[2].revents)
			more = take_line(l);
	}
}

static void report(const struct link *l)
{
	printf("{\"packets\":[");
	for (size_t i = 0; i < l->logged; i++)
		printf("%s[%d,%d,%d]", i ? "," : "", l->log[i].ms, l->log[i].bytes, l->log[i].waited);
	printf("]}\n");
}

bool link_run(const char *schedule, unsigned delay_ms, unsigned queue_ms, unsigned seed)
{
	static struct link l;
	uint16_t a, b;
	int front, rear;

	l.delay = delay_ms * 1000;
	l.queue = queue_ms * 1000;
	l.random = seed * 0x9e3779b97f4a7c15ull + 1;
	l.log = malloc(LOGGED_MAX * sizeof(*l.log));
	l.there.ring = malloc(IN_FLIGHT_MAX * sizeof(*l.there.ring));
	l.back.ring = malloc(IN_FLIGHT_MAX * sizeof(*l.back.ring));
	front = open_port(&a);
	rear = open_port(&b);
	if (!parse_schedule(&l, schedule) || !l.log || !l.there.ring || !l.back.ring || front < 0 || rear < 0)
		return false;
	l.there.from = l.back.to = front;
	l.there.to = l.back.from = rear;
	l.there.source = l.back.target = &l.a;
	l.there.target = l.back.source = &l.b;
	l.there.limited = true;
	printf("{\"a\":%u,\"b\":%u}\n", a, b);
	fflush(stdout);
	run(&l);
	report(&l);
	return true;
}
