/* wirelark-bench: two processes that connect to each other, and what that costs; one line of JSON a case. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "link.h"
#include "usage.h"

static const struct bench_case *const cases[] = { &setup_sequential, &setup_at_once, &bulk_16k, &bulk_1k,
						  &bulk_64k,         &pingpong,      &rtp,      &rtp_flood };

/* A line on its way to the loop's thread. */
struct line {
	struct bench *bench;
	json_t *message;
};

void bench_ask_usage(struct bench *b)
{
	link_send(b->fd, json_pack("{s:s}", "type", "usage"));
}

void bench_tell_usage(struct bench *b)
{
	link_send(b->fd, json_pack("{s:s, s:I, s:I, s:I}", "type", "usage", "cpu", (json_int_t)usage_cpu_us(), "count",
				   (json_int_t)b->count, "at", (json_int_t)b->latest));
}

/* Ends the line; main() goes on behind link_read(). */
static void finish(struct bench *b)
{
	b->done = true;
	shutdown(b->fd, SHUT_RDWR);
}

void bench_finish(struct bench *b)
{
	char *text = json_dumps(b->report, JSON_COMPACT | JSON_REAL_PRECISION(5));

	if (text)
		puts(text);
	fflush(stdout);
	free(text);
	finish(b);
}

void bench_fail(struct bench *b, const char *why)
{
	if (b->done)
		return;
	fprintf(stderr, "wirelark-bench: %s (%s): %s\n", b->what->name, b->near ? "near" : "far", why);
	b->failed = true;
	finish(b);
}

static void on_timeout(void *user)
{
	bench_fail(user, "not done in time");
}

static void start(void *user)
{
	struct bench *b = user;

	if (wlk_loop_call_later(b->loop, (wlk_time)b->options->timeout * 1000000, on_timeout, b, NULL))
		bench_fail(b, "out of memory");
	else if (b->near)
		b->what->start(b);
}

static void take_line(void *user)
{
	struct line *line = user;

	conn_on_line(line->bench, line->message);
	free(line);
}

static bool on_line(json_t *message, void *user)
{
	struct bench *b = user;
	struct line *line = malloc(sizeof(*line));

	if (!line)
		return false;
	*line = (struct line){ b, message };
	return !wlk_loop_post(b->loop, take_line, line);
}

static void end(void *user)
{
	struct bench *b = user;

	b->done = true;
	conn_destroy_all(b);
	wlk_loop_stop(b->loop);
}

/* One process's part in a case; the loop has its own thread and this one reads the line. */
static bool run_side(const struct bench_options *options, const struct bench_case *what, int fd, bool near)
{
	struct bench b = { .options = options, .what = what, .fd = fd, .near = near };

	b.report = json_pack("{s:s, s:s}", "stack", "wirelark", "case", what->name);
	if (!b.report || wlk_loop_create(NULL, &b.loop))
		return false;
	if (wlk_loop_start_thread(b.loop) || wlk_loop_post(b.loop, start, &b))
		return false;
	link_read(fd, on_line, &b);
	if (near && !b.done)
		bench_fail(&b, "the far process ended");
	if (wlk_loop_post(b.loop, end, &b))
		return false;
	wlk_loop_destroy(b.loop);
	json_decref(b.report);
	free(b.state);
	return !b.failed;
}

/* Forks before the library has made anything: no thread, no socket and no random state is shared. */
static bool run_case(const struct bench_options *options, const struct bench_case *what)
{
	int pair[2], status = 0;
	pid_t far, near;
	bool ok;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return false;
	far = fork();
	if (far < 0)
		return false;
	if (!far) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		_exit(!run_side(options, what, pair[1], false));
	}
	close(pair[1]);
	/* A child of its own for this side too: each case starts with a fresh library. */
	near = fork();
	if (!near) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(!run_side(options, what, pair[0], true));
	}
	close(pair[0]);
	ok = near > 0 && waitpid(near, &status, 0) == near && status == 0;
	return waitpid(far, &status, 0) == far && status == 0 && ok;
}

static void log_with_time(wlk_log_level level, const char *prefix, const char *message, void *user)
{
	(void)level;
	(void)user;
	fprintf(stderr, "%lld %d %s: %s\n", (long long)usage_now_us(), (int)getpid(), prefix, message);
}

int main(int argc, char **argv)
{
	struct bench_options options;
	const char *problem;
	bool found = false, ok = true;

	if (!bench_options_parse(&options, argc, argv, &problem)) {
		fprintf(stderr, "wirelark-bench: %s\n", problem);
		return 2;
	}
	if (options.help) {
		fputs(bench_usage, stdout);
		return 0;
	}
	wlk_log_configure(options.log, log_with_time, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (options.case_name ? strcmp(options.case_name, cases[i]->name) : !cases[i]->standard)
			continue;
		found = true;
		ok = run_case(&options, cases[i]) && ok;
	}
	if (!found)
		fprintf(stderr, "wirelark-bench: no case '%s' (see --help)\n", options.case_name);
	return found && ok ? 0 : 1;
}
