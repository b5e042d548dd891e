#include "deadlines.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { HEADER_US = 5000000, BODY_US = 10000000 };

static const int64_t never = INT64_MAX;

struct watch {
	struct watch *next;
	struct MHD_Connection *connection;
	int fd;
	int64_t due_us;
};

struct deadlines {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping;
	struct watch *first;
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Shut down what is overdue; the next moment to look. libmicrohttpd then sees the end of the stream and cleans up. */
static int64_t sweep(struct deadlines *d)
{
	int64_t now = now_us();
	int64_t next = never;

	for (struct watch *w = d->first; w; w = w->next) {
		if (w->due_us <= now) {
			w->due_us = never;
			shutdown(w->fd, SHUT_RDWR);
		}
		if (w->due_us < next)
			next = w->due_us;
	}
	return next;
}

static void *run(void *user)
{
	struct deadlines *d = user;

	pthread_mutex_lock(&d->lock);
	while (!d->stopping) {
		int64_t next = sweep(d);

		if (next == never) {
			pthread_cond_wait(&d->changed, &d->lock);
		} else {
			struct timespec at = { .tv_sec = next / 1000000, .tv_nsec = next % 1000000 * 1000 };

			pthread_cond_timedwait(&d->changed, &d->lock, &at);
		}
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

struct deadlines *deadlines_create(void)
{
	struct deadlines *d = calloc(1, sizeof(*d));
	pthread_condattr_t attr;

	if (!d)
		return NULL;
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&d->thread, NULL, run, d)) {
		pthread_cond_destroy(&d->changed);
		pthread_mutex_destroy(&d->lock);
		free(d);
		return NULL;
	}
	return d;
}

void deadlines_destroy(struct deadlines *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	while (d->first) {
		struct watch *w = d->first;

		d->first = w->next;
		free(w);
	}
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void opened(struct deadlines *d, struct MHD_Connection *connection)
{
	struct watch *w = calloc(1, sizeof(*w));
	int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

	if (!w) {
		shutdown(fd, SHUT_RDWR); /* a connection that cannot be watched is not served */
		return;
	}
	w->connection = connection;
	w->fd = fd;
	w->due_us = now_us() + HEADER_US;
	pthread_mutex_lock(&d->lock);
	w->next = d->first;
	d->first = w;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static void set_due(struct deadlines *d, struct MHD_Connection *connection, int64_t due_us)
{
	pthread_mutex_lock(&d->lock);
	for (struct watch *w = d->first; w; w = w->next)
		if (w->connection == connection)
			w->due_us = due_us;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

void deadlines_header_done(struct deadlines *d, struct MHD_Connection *connection)
{
	set_due(d, connection, now_us() + BODY_US);
}

void deadlines_request_done(struct deadlines *d, struct MHD_Connection *connection)
{
	set_due(d, connection, never);
}

void deadlines_next_request(struct deadlines *d, struct MHD_Connection *connection)
{
	/* Idle time (15 s) is libmicrohttpd's to watch; a header that trickles after it must still end. */
	set_due(d, connection, now_us() + 15000000 + HEADER_US);
}

static void closed(struct deadlines *d, struct MHD_Connection *connection)
{
	pthread_mutex_lock(&d->lock);
	for (struct watch **link = &d->first; *link; link = &(*link)->next) {
		if ((*link)->connection == connection) {
			struct watch *w = *link;

			*link = w->next;
			free(w);
			break;
		}
	}
	pthread_mutex_unlock(&d->lock);
}

void deadlines_on_connection(void *deadlines, struct MHD_Connection *connection, void **state, enum MHD_ConnectionNotificationCode code)
{
	(void)state;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		opened(deadlines, connection);
	else
		closed(deadlines, connection);
}
