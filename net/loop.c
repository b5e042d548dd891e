#include <wirelark/loop.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/time.h"
#include "net/clock.h"
#include "net/driver.h"
#include "net/keylog.h"
#include "net/recording.h"
#include "net/timers.h"
#include "peer/env.h"
#include "peer/record.h"

enum {
	SPARE_BUFFERS = 1024,
	SOURCES_A_TURN = 4, /* sockets that are read before their peers are driven */
	READING_US = 10000, /* how long timers wait for sockets */
	POSTED_US = 1000    /* how long sockets wait for posted functions */
};

struct wlk_loop {
	struct poller poller;
	struct mailbox mailbox;
	struct poller_source mail_source;
	struct timers timers;
	struct keylog keylog;
	struct peer_env env;
	wlk_recording *recording; /* that WLK_RECORD asked for */
	struct driver driver;

	/* The descriptor that turns our deadline into an event, so that a host may wait for the poller's descriptor
	 * alone. */
	int timer_fd;
	struct poller_source timer_source;
	wlk_time armed; /* WLK_TIME_NEVER: not armed */

	wlk_time now;
	bool in_round;
	atomic_bool running; /* in wlk_loop_run() or wlk_loop_dispatch() */
	atomic_ulong owner;  /* pthread_self() of whoever runs it; 0: nobody */
	atomic_bool stop;
	bool has_thread;
	pthread_t thread;
};

/* The thread rule: while a loop runs, its peers and timers belong to the thread that runs it. */
static void assert_thread(const struct wlk_loop *loop)
{
	unsigned long owner = atomic_load(&loop->owner);

	assert((!owner || owner == (unsigned long)pthread_self()) && "a running loop is used on its own thread only");
}

static void on_timer(struct poller_source *source, uint32_t events)
{
	struct wlk_loop *loop = CONTAINER_OF(source, struct wlk_loop, timer_source);
	uint64_t expirations;

	(void)events;
	if (read(loop->timer_fd, &expirations, sizeof(expirations)) > 0)
		loop->armed = WLK_TIME_NEVER;
}

static void on_mail(struct poller_source *source, uint32_t events)
{
	struct wlk_loop *loop = CONTAINER_OF(source, struct wlk_loop, mail_source);

	wlk_time until = clock_monotonic() + POSTED_US;
	bool more;

	(void)events;
	do
		more = mailbox_run_one(&loop->mailbox);
	while (more && clock_monotonic() < until);
	if (more)
		mailbox_wake(&loop->mailbox);
}

/*
 * Make the poller's descriptor readable at |when|. A timer that is set for an earlier moment stays: one needless
 * wake-up is cheaper than a system call for each deadline that moves.
 */
static void arm(struct wlk_loop *loop, wlk_time when)
{
	struct itimerspec spec = { 0 };

	if (loop->armed <= when)
		return;
	loop->armed = when;
	when = MAX(when, 1); /* all zero would disarm it */
	spec.it_value.tv_sec = when / SECOND;
	spec.it_value.tv_nsec = when % SECOND * 1000;
	timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static wlk_err read_config(wlk_loop_config *out, const wlk_loop_config *config)
{
	*out = (wlk_loop_config)WLK_LOOP_CONFIG_INIT;
	if (!config)
		return WLK_OK;
	if (config->struct_size < sizeof(config->struct_size))
		return WLK_ERR_INVALID;
	memcpy(out, config, MIN(config->struct_size, sizeof(*out)));
	return WLK_OK;
}

/* The descriptors: poller, mailbox, timer. What was opened before a failure, close_descriptors() closes. */
static wlk_err open_descriptors(struct wlk_loop *loop)
{
	wlk_err err = poller_init(&loop->poller);

	if (!err)
		err = mailbox_init(&loop->mailbox);
	if (err)
		return err;
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->timer_fd < 0)
		return WLK_ERR_IO;
	err = poller_add(&loop->poller, &loop->timer_source, loop->timer_fd, EPOLLIN, on_timer);
	if (err)
		return err;
	return poller_add(&loop->poller, &loop->mail_source, loop->mailbox.fd, EPOLLIN, on_mail);
}

static void close_descriptors(struct wlk_loop *loop)
{
	poller_remove(&loop->poller, &loop->mail_source);
	poller_remove(&loop->poller, &loop->timer_source);
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	mailbox_free(&loop->mailbox);
	poller_free(&loop->poller);
}

static wlk_err make_environment(struct wlk_loop *loop, const wlk_loop_config *config)
{
	int64_t unix_us = clock_unix();
	wlk_err err;

	if (config->key_log_path) {
		err = keylog_open(&loop->keylog, config->key_log_path);
		if (err)
			return err;
	}
	loop->env.unix_us_at_zero = unix_us - loop->now;
	loop->env.recording = config->recording ? record_ref(config->recording) : NULL;
	if (!config->recording) {
		recording_from_environment(&loop->recording);
		loop->env.recording = loop->recording;
	}
	loop->env.pool = pktbuf_pool_create(SPARE_BUFFERS);
	if (!loop->env.pool)
		return WLK_ERR_NOMEM;
	return peer_env_create_dtls(&loop->env, config->certificate, unix_us / SECOND,
				    config->key_log_path ? keylog_write : NULL, &loop->keylog);
}

/* Its own recording ends with the loop; the application's is only let go. */
static void end_recording(struct wlk_loop *loop)
{
	if (loop->recording)
		wlk_recording_close(loop->recording);
	else
		record_unref(loop->env.recording);
}

wlk_err wlk_loop_create(const wlk_loop_config *config, wlk_loop **out)
{
	wlk_loop_config settings;
	struct wlk_loop *loop;
	wlk_err err;

	if (!out)
		return WLK_ERR_INVALID;
	err = read_config(&settings, config);
	if (err)
		return err;
	loop = wlk_calloc(1, sizeof(*loop));
	if (!loop)
		return WLK_ERR_NOMEM;
	loop->poller.fd = loop->mailbox.fd = loop->timer_fd = loop->keylog.fd = -1;
	loop->armed = WLK_TIME_NEVER;
	loop->now = clock_monotonic();
	err = open_descriptors(loop);
	if (err)
		goto out_descriptors;
	err = make_environment(loop, &settings);
	if (err)
		goto out_environment;
	timers_init(&loop->timers);
	driver_init(&loop->driver, &loop->poller, &loop->mailbox, &loop->env, settings.no_gso);
	driver_set_now(&loop->driver, loop->now);
	err = driver_share_ports(&loop->driver, settings.udp_port, settings.tcp_port);
	if (!err)
		err = driver_streams_set_tls(&loop->driver, settings.tls_ca_file, settings.key_log_path ? keylog_write : NULL,
					     &loop->keylog);
	if (err)
		goto out_driver;
	*out = loop;
	return WLK_OK;
out_driver:
	driver_stop_workers(&loop->driver);
	driver_free(&loop->driver);
	peer_env_destroy_dtls(&loop->env);
out_environment:
	end_recording(loop);
	pktbuf_pool_destroy(loop->env.pool);
	keylog_close(&loop->keylog);
out_descriptors:
	close_descriptors(loop);
	wlk_free(loop);
	return err;
}

/* What a host does between rounds happens at the present, not at the time of the latest round. */
static void refresh_time(struct wlk_loop *loop)
{
	if (loop->in_round)
		return;
	loop->now = clock_monotonic();
	driver_set_now(&loop->driver, loop->now);
}

void wlk_loop_destroy(wlk_loop *loop)
{
	if (!loop)
		return;
	assert(atomic_load(&loop->owner) != (unsigned long)pthread_self() &&
	       "a loop is not destroyed inside its own callbacks");
	if (loop->has_thread) {
		wlk_loop_stop(loop);
		pthread_join(loop->thread, NULL);
	}
	assert(!atomic_load(&loop->running) && "a loop is destroyed after it was stopped");
	refresh_time(loop);
	driver_stop_workers(&loop->driver);
	mailbox_close(&loop->mailbox);
	mailbox_run(&loop->mailbox);
	timers_free(&loop->timers);
	driver_free(&loop->driver);
	peer_env_destroy_dtls(&loop->env);
	end_recording(loop);
	pktbuf_pool_destroy(loop->env.pool);
	keylog_close(&loop->keylog);
	close_descriptors(loop);
	wlk_free(loop);
}

static void set_now(struct wlk_loop *loop)
{
	loop->now = MAX(loop->now, clock_monotonic());
	driver_set_now(&loop->driver, loop->now);
}

/*
 * Read sockets, a few at a time, and act on what came before the next ones are read: with many connections an answer would
 * else wait for the work of all the others, and so would the far end. Ends when nothing is left to read, or when it has
 * taken so long that timers have to be looked at; what is left then comes first in the next round.
 */
static wlk_err read_sockets(struct wlk_loop *loop)
{
	wlk_time until = loop->now + READING_US;
	wlk_err err = WLK_OK;

	while (!err && loop->poller.ready_count && loop->now < until) {
		bool more = poller_dispatch_some(&loop->poller, SOURCES_A_TURN);

		driver_run_between(&loop->driver);
		if (!more)
			err = poller_wait(&loop->poller, 0);
		set_now(loop);
	}
	return err;
}

/* One round: wait, then everything that is due. Sockets before timers: what came may be what a timer waits for. */
static wlk_err run_round(struct wlk_loop *loop, int timeout_ms)
{
	wlk_err err = poller_has_more(&loop->poller) ? WLK_OK : poller_wait(&loop->poller, timeout_ms);

	if (err)
		return err;
	loop->in_round = true;
	set_now(loop);
	err = read_sockets(loop);
	if (timers_deadline(&loop->timers) <= loop->now)
		timers_run(&loop->timers, loop->now);
	driver_run(&loop->driver);
	loop->in_round = false;
	return err;
}

/* WLK_ERR_STATE when it runs already. */
static wlk_err enter(struct wlk_loop *loop)
{
	if (atomic_exchange(&loop->running, true))
		return WLK_ERR_STATE;
	atomic_store(&loop->owner, (unsigned long)pthread_self());
	return WLK_OK;
}

static void leave(struct wlk_loop *loop)
{
	atomic_store(&loop->owner, 0);
	atomic_store(&loop->running, false);
}

static wlk_err run_until_stop(struct wlk_loop *loop)
{
	wlk_err err = enter(loop);

	if (err)
		return err;
	while (!err && !atomic_exchange(&loop->stop, false)) {
		wlk_time deadline = wlk_loop_deadline(loop);
		bool due = deadline <= loop->now;

		if (!due)
			arm(loop, deadline);
		err = run_round(loop, due ? 0 : -1);
	}
	leave(loop);
	return err;
}

wlk_err wlk_loop_run(wlk_loop *loop)
{
	return loop && !loop->has_thread ? run_until_stop(loop) : loop ? WLK_ERR_STATE : WLK_ERR_INVALID;
}

static void *loop_thread(void *user)
{
	run_until_stop(user);
	return NULL;
}

wlk_err wlk_loop_start_thread(wlk_loop *loop)
{
	sigset_t all, before;
	int error;

	if (!loop)
		return WLK_ERR_INVALID;
	if (loop->has_thread || atomic_load(&loop->running))
		return WLK_ERR_STATE;
	loop->has_thread = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&loop->thread, NULL, loop_thread, loop);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error) {
		loop->has_thread = false;
		return WLK_ERR_IO;
	}
	pthread_setname_np(loop->thread, "wlk-loop");
	return WLK_OK;
}

void wlk_loop_stop(wlk_loop *loop)
{
	atomic_store(&loop->stop, true);
	mailbox_wake(&loop->mailbox);
}

wlk_err wlk_loop_post(wlk_loop *loop, void (*fn)(void *user), void *user)
{
	if (!loop || !fn)
		return WLK_ERR_INVALID;
	return mailbox_post(&loop->mailbox, fn, user);
}

int wlk_loop_fd(const wlk_loop *loop)
{
	return loop->poller.fd;
}

wlk_time wlk_loop_deadline(const wlk_loop *loop)
{
	return time_min(timers_deadline(&loop->timers), driver_deadline(&loop->driver));
}

wlk_err wlk_loop_dispatch(wlk_loop *loop)
{
	wlk_err err;

	if (!loop)
		return WLK_ERR_INVALID;
	err = enter(loop);
	if (err)
		return err;
	err = run_round(loop, 0);
	arm(loop, wlk_loop_deadline(loop));
	leave(loop);
	return err;
}

wlk_time wlk_loop_now(const wlk_loop *loop)
{
	return loop->now;
}

wlk_err wlk_loop_call_later(wlk_loop *loop, wlk_time delay, void (*fn)(void *user), void *user, wlk_timer **out)
{
	wlk_time when;
	wlk_err err;

	if (!loop || !fn || delay < 0)
		return WLK_ERR_INVALID;
	assert_thread(loop);
	/* Not the time of the round, which may have lasted: the caller means now. */
	when = time_add(clock_monotonic(), delay);
	err = timers_add(&loop->timers, when, fn, user, out);
	if (!err && !loop->in_round)
		arm(loop, wlk_loop_deadline(loop));
	return err;
}

wlk_err wlk_peer_connection_create(wlk_loop *loop, const wlk_configuration *config, wlk_event_fn on_event, void *user,
				   wlk_peer_connection **out)
{
	if (!loop || !on_event || !out)
		return WLK_ERR_INVALID;
	assert_thread(loop);
	refresh_time(loop);
	return driver_create_peer(&loop->driver, config, on_event, user, out);
}
