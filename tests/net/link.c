/*
 * A wire between two network namespaces that is as slow, lossy and narrow as a test wants it: two TUN devices with
 * a queue in between each way.
 *
 *   net-link NAMESPACE:DEVICE NAMESPACE:DEVICE
 *
 * makes the two devices (their addresses are the caller's business), prints "ready" and carries packets until its
 * input ends. Lines on standard input change it, for packets that come from then on:
 *
 *   delay MS     one way, 0 at first
 *   jitter MS    up to so much more, never overtaking
 *   loss PERCENT
 *   rate KBIT    bits a second, 0: without limit
 *   queue MS     a packet that would wait longer for its turn is dropped (200 at first); needs a rate
 *   cut 0|1      nothing passes while it is 1
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_MAX = 2048, BATCH = 64 };

struct packet {
	struct packet *next;
	int64_t due; /* us */
	size_t size;
	uint8_t bytes[];
};

/* One direction: what was read from `from` and waits to be written to `to`, in order of its time. */
struct way {
	int from, to;
	struct packet *first, **end;
	int64_t free_at;  /* when the last packet has left the narrow place */
	int64_t last_due; /* nothing overtakes */
};

static struct {
	double delay_ms, jitter_ms, loss_percent, rate_kbit, queue_ms;
	double cut;
} link_is = { .queue_ms = 200 };

static void fail(const char *what)
{
	fprintf(stderr, "net-link: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Makes the TUN device that "namespace:device" names; the descriptor goes on working from any namespace. */
static int open_end(char *name)
{
	char path[256], *device = strchr(name, ':');
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int space, tun;

	if (!device || strlen(device + 1) >= sizeof(request.ifr_name)) {
		errno = EINVAL;
		fail(name);
	}
	*device++ = '\0';
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	space = open(path, O_RDONLY | O_CLOEXEC);
	if (space < 0 || setns(space, CLONE_NEWNET))
		fail(path);
	close(space);
	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun < 0)
		fail("/dev/net/tun");
	memcpy(request.ifr_name, device, strlen(device));
	if (ioctl(tun, TUNSETIFF, &request))
		fail(device);
	return tun;
}

static double uniform(void)
{
	return drand48();
}

/* When a packet of @p size that comes now is at the other end; -1: it never is. */
static int64_t arrival(struct way *w, size_t size, int64_t now)
{
	int64_t leaves = now;

	if (link_is.cut > 0 || uniform() * 100 < link_is.loss_percent)
		return -1;
	if (link_is.rate_kbit > 0) {
		int64_t starts = w->free_at > now ? w->free_at : now;

		if ((double)(starts - now) > link_is.queue_ms * 1000)
			return -1;
		leaves = w->free_at = starts + (int64_t)((double)size * 8000 / link_is.rate_kbit);
	}
	leaves += (int64_t)(link_is.delay_ms * 1000 + uniform() * link_is.jitter_ms * 1000);
	if (leaves < w->last_due)
		leaves = w->last_due;
	return w->last_due = leaves;
}

static void take_packets(struct way *w)
{
	uint8_t bytes[PACKET_MAX];

	for (int i = 0; i < BATCH; i++) {
		ssize_t size = read(w->from, bytes, sizeof(bytes));
		struct packet *p;
		int64_t due;

		if (size <= 0)
			return;
		due = arrival(w, (size_t)size, now_us());
		p = due < 0 ? NULL : malloc(sizeof(*p) + (size_t)size);
		if (!p)
			continue;
		p->next = NULL;
		p->due = due;
		p->size = (size_t)size;
		memcpy(p->bytes, bytes, p->size);
		*w->end = p;
		w->end = &p->next;
	}
}

/* A device that is down, or has no room, loses the packet: so do wires. */
static void hand_over(struct way *w, int64_t now)
{
	struct packet *p;

	while ((p = w->first) && p->due <= now) {
		(void)!write(w->to, p->bytes, p->size);
		w->first = p->next;
		if (!w->first)
			w->end = &w->first;
		free(p);
	}
}

static void obey(const char *line)
{
	const struct {
		const char *name;
		double *value;
	} words[] = {
		{ "delay ", &link_is.delay_ms }, { "jitter ", &link_is.jitter_ms }, { "loss ", &link_is.loss_percent },
		{ "rate ", &link_is.rate_kbit }, { "queue ", &link_is.queue_ms },   { "cut ", &link_is.cut },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(line, words[i].name, strlen(words[i].name)))
			*words[i].value = strtod(line + strlen(words[i].name), NULL);
}

/* Reads what is there of standard input; false at its end. A line split over two reads is put together. */
static bool take_orders(void)
{
	static char line[256];
	static size_t used;
	ssize_t size = read(STDIN_FILENO, line + used, sizeof(line) - 1 - used);
	char *newline;

	if (size <= 0)
		return false;
	used += (size_t)size;
	line[used] = '\0';
	while ((newline = strchr(line, '\n'))) {
		*newline = '\0';
		obey(line);
		used -= (size_t)(newline + 1 - line);
		memmove(line, newline + 1, used + 1);
	}
	return used < sizeof(line) - 1;
}

/* The time until the next packet is due, for ppoll(); NULL when none waits. */
static struct timespec *until_due(const struct way ways[2], int64_t now, struct timespec *out)
{
	int64_t due = INT64_MAX;

	for (int i = 0; i < 2; i++)
		if (ways[i].first && ways[i].first->due < due)
			due = ways[i].first->due;
	if (due == INT64_MAX)
		return NULL;
	due = due > now ? due - now : 0;
	*out = (struct timespec){ .tv_sec = due / 1000000, .tv_nsec = due % 1000000 * 1000 };
	return out;
}

static void carry(struct way ways[2])
{
	struct pollfd watched[] = { { STDIN_FILENO, POLLIN, 0 }, { ways[0].from, POLLIN, 0 }, { ways[1].from, POLLIN, 0 } };
	struct timespec wait;

	for (;;) {
		if (ppoll(watched, 3, until_due(ways, now_us(), &wait), NULL) < 0 && errno != EINTR)
			fail("ppoll");
		if (watched[0].revents && !take_orders())
			return;
		for (int i = 0; i < 2; i++) {
			take_packets(&ways[i]);
			hand_over(&ways[i], now_us());
		}
	}
}

int main(int argc, char **argv)
{
	/* A busy machine must not make the wire longer; where this is refused it works a little less exactly. */
	const struct sched_param soon = { .sched_priority = 1 };
	struct way ways[2] = { 0 };

	if (argc != 3) {
		fprintf(stderr, "usage: net-link NAMESPACE:DEVICE NAMESPACE:DEVICE\n");
		return 2;
	}
	for (int i = 0; i < 2; i++) {
		ways[i].from = ways[!i].to = open_end(argv[1 + i]);
		ways[i].end = &ways[i].first;
	}
	(void)sched_setscheduler(0, SCHED_RR, &soon);
	srand48(getpid());
	puts("ready");
	fflush(stdout);
	carry(ways);
	return 0;
}
