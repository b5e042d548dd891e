/* wirelark-call: a video call, in a window or from and to files. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "signal.h"
#include "talk.h"

enum { LISTEN_MS = 5 };

struct program {
	struct call_options options;
	struct listener *listener;
	struct connection connection;
	struct talk talk;
};

static void forget(wlk_session_description *description)
{
	free((char *)(uintptr_t)description->sdp);
}

/* ---- how the descriptions are exchanged ---- */

/* A far end that could name loopback addresses could have us look for ports of this host: only who is on it may. */
static bool loopback(const struct call_options *options)
{
	if (options->way == CALL_POST)
		return signal_is_loopback(options->where);
	return options->way != CALL_LISTEN || listener_is_loopback(options->where);
}

static enum call_status offer(struct program *p)
{
	const wlk_session_description *local = connection_offer(&p->connection);
	wlk_session_description answer;
	bool taken;

	if (!local)
		return CALL_NOT_MADE;
	if (p->options.way == CALL_POST ? !signal_post(p->options.where, local, &answer) : !signal_print(local) || !signal_read(&answer))
		return CALL_NO_SIGNAL;
	taken = connection_take_answer(&p->connection, &answer);
	forget(&answer);
	return taken ? CALL_DONE : CALL_NOT_MADE;
}

static enum call_status answer_copied(struct program *p)
{
	const wlk_session_description *local;
	wlk_session_description remote;
	const char *problem;

	if (!signal_read(&remote))
		return CALL_NO_SIGNAL;
	local = connection_answer(&p->connection, &remote, &problem);
	forget(&remote);
	if (!local) {
		fprintf(stderr, "the offer is of no use: %s\n", problem);
		return wlk_peer_connection_remote_description(p->connection.pc) ? CALL_NOT_MADE : CALL_NO_SIGNAL;
	}
	return signal_print(local) ? CALL_DONE : CALL_NO_SIGNAL;
}

/* Offers that are no good are refused, and the next one is waited for with a fresh connection. */
static enum call_status answer_caller(struct program *p)
{
	const wlk_session_description *remote, *local;
	const char *problem;

	while (!interrupted()) {
		connection_wait(&p->connection, wlk_loop_now(p->connection.loop) + LISTEN_MS * 1000, -1);
		listener_run(p->listener);
		remote = listener_offer(p->listener);
		if (!remote)
			continue;
		local = connection_answer(&p->connection, remote, &problem);
		if (local) {
			listener_answer(p->listener, local);
			listener_run(p->listener);
			return CALL_DONE;
		}
		fprintf(stderr, "an offer was refused: %s\n", problem);
		listener_refuse(p->listener, problem);
		connection_close(&p->connection);
		if (!connection_open(&p->connection, &p->options, loopback(&p->options)))
			break;
	}
	return CALL_NOT_MADE;
}

static enum call_status negotiate(struct program *p)
{
	switch (p->options.way) {
	case CALL_LISTEN:
		return answer_caller(p);
	case CALL_ANSWER:
		return answer_copied(p);
	default:
		return offer(p);
	}
}

/* ---- the call ---- */

static void print_stats(struct program *p)
{
	char *json;

	if (!p->options.stats || wlk_peer_connection_stats_json(p->connection.pc, &json))
		return;
	puts(json);
	wlk_secret_free(json);
}

static enum call_status call(struct program *p)
{
	enum call_status status;

	if (!connection_open(&p->connection, &p->options, loopback(&p->options)))
		return CALL_NOT_MADE;
	status = negotiate(p);
	if (status)
		return status;
	if (!connection_up(&p->connection))
		return CALL_NOT_MADE;
	talk_run(&p->talk, &p->connection, p->listener);
	talk_report(&p->talk);
	print_stats(p);
	return p->connection.failed ? CALL_LOST : CALL_DONE;
}

static enum call_status run(struct program *p)
{
	if (!talk_open(&p->talk, &p->options))
		return CALL_NO_INPUT;
	if (p->options.way == CALL_LISTEN) {
		p->listener = listener_open(p->options.where);
		if (!p->listener)
			return CALL_NO_SIGNAL;
	}
	return call(p);
}

static void print_log(wlk_log_level level, const char *prefix, const char *message, void *user)
{
	(void)level;
	(void)user;
	fprintf(stderr, "%s: %s\n", prefix, message);
}

int main(int argc, char **argv)
{
	static struct program program;
	int status;

	if (!call_options_parse(&program.options, argc, argv, &status))
		return status;
	if (program.options.devices) {
		camera_list();
		sound_device_list();
		return CALL_DONE;
	}
	if (program.options.debug)
		wlk_log_configure(WLK_LOG_DEBUG, print_log, NULL);
	interrupt_install();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	status = (int)run(&program);
	connection_close(&program.connection);
	listener_close(program.listener);
	talk_close(&program.talk);
	curl_global_cleanup();
	return status;
}
