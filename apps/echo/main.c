/* wirelark-echo: a WebRTC peer behind one HTTP port that returns the media and messages of whoever calls it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"

struct program {
	struct echo_options options;
	wlk_loop *loop;
	struct sessions *sessions;
	struct http_server *http;
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
};

static bool bound_to_loopback(const char *bind)
{
	return !strncmp(bind, "127.", 4) || !strcmp(bind, "::1");
}

static void print_stats(void *user)
{
	struct program *p = user;
	json_t *stats = p->sessions ? sessions_stats(p->sessions) : NULL;
	char *line = stats ? json_dumps(stats, JSON_COMPACT) : NULL;

	if (!p->sessions)
		return; /* the program ends */
	if (line)
		puts(line);
	fflush(stdout);
	free(line);
	json_decref(stats);
	(void)!wlk_loop_call_later(p->loop, (wlk_time)p->options.stats_seconds * 1000000, print_stats, p, NULL);
}

/* On the loop: every caller is told, every offer answered; then HTTP may stop. */
static void end_sessions(void *user)
{
	struct program *p = user;

	sessions_destroy(p->sessions);
	p->sessions = NULL;
	pthread_mutex_lock(&p->lock);
	p->is_done = true;
	pthread_cond_signal(&p->done);
	pthread_mutex_unlock(&p->lock);
}

static void shut_down(struct program *p)
{
	http_server_refuse(p->http);
	if (!wlk_loop_post(p->loop, end_sessions, p)) {
		pthread_mutex_lock(&p->lock);
		while (!p->is_done)
			pthread_cond_wait(&p->done, &p->lock);
		pthread_mutex_unlock(&p->lock);
	}
	http_server_stop(p->http);
	wlk_loop_stop(p->loop);
	wlk_loop_destroy(p->loop);
}

static bool start(struct program *p, const char **problem)
{
	bool loopback = bound_to_loopback(p->options.bind) && !p->options.no_loopback;
	wlk_loop_config config = WLK_LOOP_CONFIG_INIT;

	config.key_log_path = getenv("SSLKEYLOGFILE");
	config.udp_port = p->options.udp_port;
	config.tcp_port = p->options.tcp_port;
	config.tls_ca_file = p->options.turn_ca;
	*problem = "the event loop cannot be made";
	if (wlk_loop_create(&config, &p->loop))
		return false;
	p->sessions = sessions_create(p->loop, &p->options, loopback);
	if (!p->sessions || (p->options.stats_seconds && wlk_loop_call_later(p->loop, 0, print_stats, p, NULL)) ||
	    wlk_loop_start_thread(p->loop))
		return false;
	p->http = http_server_start(&p->options, p->loop, p->sessions, problem);
	return p->http;
}

static void print_url(const struct program *p)
{
	const char *scheme = p->options.cert ? "https" : "http";
	bool v6 = strchr(p->options.bind, ':');

	printf("%s://%s%s%s:%u/\n", scheme, v6 ? "[" : "", p->options.bind, v6 ? "]" : "", (unsigned)http_server_port(p->http));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct program p = { .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };
	const char *problem;
	sigset_t signals;
	int signal_number;

	if (!echo_options_parse(&p.options, argc, argv, &problem)) {
		fprintf(stderr, "wirelark-echo: %s\n", problem);
		return 2;
	}
	if (p.options.help) {
		fputs(echo_usage, stdout);
		return 0;
	}
	/* Blocked here and so in every thread that follows: only sigwait() below sees them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	wlk_log_configure(p.options.log, NULL, NULL);
	if (!start(&p, &problem)) {
		fprintf(stderr, "wirelark-echo: %s\n", problem);
		return 1;
	}
	print_url(&p);
	while (sigwait(&signals, &signal_number))
		;
	shut_down(&p);
	return 0;
}
