/*
 * The other direction: a peer that makes the offer, so that browsers and other stacks answer us. JSON lines on stdio:
 * it prints {"type":"offer","sdp":...}, reads {"type":"answer","sdp":...}, opens a channel, says "hello" on it and
 * echoes whatever comes, media too with --media. {"type":"stats"} is answered by {"type":"stats","report":...}. End of
 * input closes the connection. --rsa: with an RSA certificate; --max-compat: with a transport for each section. --driven: no offer
 * by itself, each line is a call of driven.h.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wirelark/wirelark.h>

#include "apps/echo/echo.h"
#include "driven.h"

struct offerer {
	wlk_loop *loop;
	wlk_peer_connection *pc;
	wlk_data_channel *channel;
	bool offered;
	struct driven *driven; /* in place of all but the loop, or NULL */
};

static void say(json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	if (text)
		puts(text);
	fflush(stdout);
	free(text);
	json_decref(line);
}

static void print_offer(struct offerer *o)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(o->pc);

	if (!o->offered && local)
		say(json_pack("{s:s, s:s}", "type", "offer", "sdp", local->sdp));
	o->offered = true;
}

static void on_event(const wlk_event *event, void *user)
{
	struct offerer *o = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			print_offer(o);
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		say(json_pack("{s:s, s:s}", "event", wlk_connection_state_name(event->u.connection.state), "reason",
			      event->u.connection.reason));
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		if (event->u.channel.channel == o->channel)
			(void)!wlk_data_channel_send(o->channel, WLK_MESSAGE_TEXT, "hello", 5);
		break;
	default:
		echo_event(o->loop, event);
		break;
	}
}

/* A line of input, on the loop's thread. */
struct answer {
	struct offerer *o;
	json_t *line;
};

static void print_stats(struct offerer *o)
{
	char *text;

	if (wlk_peer_connection_stats_json(o->pc, &text)) {
		fprintf(stderr, "there are no statistics: %s\n", wlk_last_error(o->pc));
		exit(1);
	}
	say(json_pack("{s:s, s:o}", "type", "stats", "report", json_loads(text, JSON_REJECT_DUPLICATES, NULL)));
	wlk_secret_free(text);
}

static void set_answer(const struct answer *a)
{
	const wlk_session_description answer = { WLK_SDP_ANSWER, json_string_value(json_object_get(a->line, "sdp")) };

	if (wlk_peer_connection_set_remote_description(a->o->pc, &answer)) {
		fprintf(stderr, "the answer was refused: %s\n", wlk_last_error(a->o->pc));
		exit(1);
	}
}

static void take_line(void *user)
{
	struct answer *a = user;
	const char *type = json_string_value(json_object_get(a->line, "type"));

	if (a->o->driven)
		driven_call(a->o->driven, a->line);
	else if (type && !strcmp(type, "stats"))
		print_stats(a->o);
	else
		set_answer(a);
	json_decref(a->line);
	free(a);
}

static bool read_line(struct offerer *o, const char *text)
{
	struct answer *a = calloc(1, sizeof(*a));

	if (!a)
		return false;
	a->o = o;
	a->line = json_loads(text, 0, NULL);
	return json_is_object(a->line) && !wlk_loop_post(o->loop, take_line, a);
}

static wlk_certificate *make_rsa(void)
{
	wlk_certificate_options options = WLK_CERTIFICATE_OPTIONS_INIT;
	wlk_certificate *made = NULL;

	options.algorithm = WLK_KEY_RSA;
	return wlk_certificate_generate_with(&options, &made) ? NULL : made;
}

static bool make_offer(struct offerer *o, bool media, bool rsa, bool max_compat)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_transceiver_init audio = WLK_TRANSCEIVER_INIT, video = WLK_TRANSCEIVER_INIT;
	wlk_transceiver *t;
	wlk_err err;

	config.allow_loopback = true;
	config.bundle_policy = max_compat ? WLK_BUNDLE_MAX_COMPAT : WLK_BUNDLE_DEFAULT;
	if (rsa && !(config.certificate = make_rsa()))
		return false;
	err = wlk_loop_create(NULL, &o->loop);
	if (!err)
		err = wlk_peer_connection_create(o->loop, &config, on_event, o, &o->pc);
	wlk_certificate_release(config.certificate);
	if (err)
		return false;
	audio.track_id = "echoed-audio";
	video.track_id = "echoed-video";
	if (media && (wlk_peer_connection_add_transceiver(o->pc, WLK_MEDIA_AUDIO, &audio, &t) ||
		      wlk_peer_connection_add_transceiver(o->pc, WLK_MEDIA_VIDEO, &video, &t)))
		return false;
	return !wlk_peer_connection_create_data_channel(o->pc, "offered", NULL, &o->channel) &&
	       !wlk_peer_connection_set_local_description(o->pc, NULL) && !wlk_loop_start_thread(o->loop);
}

static bool be_driven(struct offerer *o)
{
	return !wlk_loop_create(NULL, &o->loop) && (o->driven = driven_create(o->loop, say)) && !wlk_loop_start_thread(o->loop);
}

static void close_connection(void *user)
{
	struct offerer *o = user;

	if (o->pc)
		echo_forget(o->pc);
	wlk_peer_connection_destroy(o->pc);
	driven_destroy(o->driven);
	wlk_loop_stop(o->loop);
}

static bool has(int argc, char **argv, const char *option)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], option))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct offerer o = { 0 };
	char *line = NULL;
	size_t capacity = 0;

	wlk_log_configure(WLK_LOG_WARN, NULL, NULL);
	if (has(argc, argv, "--driven") ? !be_driven(&o) :
					  !make_offer(&o, has(argc, argv, "--media"), has(argc, argv, "--rsa"), has(argc, argv, "--max-compat"))) {
		fprintf(stderr, "no offer can be made: %s\n", o.pc ? wlk_last_error(o.pc) : "");
		return 1;
	}
	while (getline(&line, &capacity, stdin) > 0) {
		if (!read_line(&o, line)) {
			fprintf(stderr, "the line is not understood: %s\n", line);
			return 1;
		}
	}
	free(line);
	if (wlk_loop_post(o.loop, close_connection, &o))
		return 1;
	wlk_loop_destroy(o.loop);
	return 0;
}
