/*
 * Offers and answers at command: a peer connection that is told step by step what to negotiate, for the cases that ask who accepts
 * whose descriptions. JSON lines on stdio; each is answered by one line, {"error": why} when the step failed.
 *
 *   {"do":"transceiver","kind":"video","direction":"sendonly","rids":["h","l"]}    rids of what it sends
 *   {"do":"prefer","index":0,"mime":"video/VP9"}       codec preferences: this one and its helpers first
 *   {"do":"direction","index":0,"direction":"inactive"}
 *   {"do":"stop","index":0}
 *   {"do":"channel"}
 *   {"do":"offer","restart":true}    {"type":"offer","sdp":...} with all candidates; it is set
 *   {"do":"remote","type":"offer","sdp":...}
 *   {"do":"answer"}                  {"type":"answer","sdp":...}, willing to send and receive everything, layers too; it is set
 *   {"do":"state"}                   {"connection":"connected"}
 *
 * What is received goes back to where it came from. End of input closes the connection. --bundle POLICY: its bundle policy.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wirelark/wirelark.h>

#include "apps/echo/echo.h"

struct negotiator {
	wlk_loop *loop;
	wlk_peer_connection *pc;
	bool wants_description; /* a local description is set, and printed when its candidates are complete */
};

static void say(json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	if (!text)
		exit(1);
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(line);
}

/* One answer to each line: what went wrong, or nothing. */
static void say_result(struct negotiator *n, wlk_err err)
{
	say(err ? json_pack("{s:s}", "error", wlk_last_error(n->pc)) : json_object());
}

static void say_description(struct negotiator *n)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(n->pc);

	if (!n->wants_description || !local)
		return;
	n->wants_description = false;
	say(json_pack("{s:s, s:s}", "type", wlk_sdp_type_name(local->type), "sdp", local->sdp));
}

static void on_event(const wlk_event *event, void *user)
{
	struct negotiator *n = user;

	if (event->type == WLK_EVENT_ICE_GATHERING_STATE_CHANGE && event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
		say_description(n);
	else
		echo_event(n->loop, event);
}

/* ---- steps ---- */

static const char *text_of(const json_t *line, const char *name)
{
	const char *text = json_string_value(json_object_get(line, name));

	return text ? text : "";
}

static wlk_direction direction_of(const json_t *line)
{
	static const char *const names[] = { "inactive", "sendonly", "recvonly", "sendrecv" };

	for (int i = 0; i < 4; i++)
		if (!strcmp(names[i], text_of(line, "direction")))
			return (wlk_direction)i;
	return WLK_DIRECTION_SENDRECV;
}

static wlk_err add_transceiver(struct negotiator *n, const json_t *line)
{
	wlk_rtp_encoding encodings[WLK_RTP_ENCODINGS_MAX];
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	char track_id[16];
	const json_t *rids = json_object_get(line, "rids");
	bool video = !strcmp(text_of(line, "kind"), "video");
	wlk_transceiver *t;

	for (; init.send_encoding_count < json_array_size(rids) && init.send_encoding_count < WLK_RTP_ENCODINGS_MAX; init.send_encoding_count++) {
		encodings[init.send_encoding_count] = (wlk_rtp_encoding)WLK_RTP_ENCODING_INIT;
		encodings[init.send_encoding_count].rid = json_string_value(json_array_get(rids, init.send_encoding_count));
	}
	init.send_encodings = init.send_encoding_count ? encodings : NULL;
	init.direction = direction_of(line);
	snprintf(track_id, sizeof(track_id), "track-%zu", wlk_peer_connection_transceiver_count(n->pc));
	init.track_id = track_id;
	init.stream_id = "negotiated";
	return wlk_peer_connection_add_transceiver(n->pc, video ? WLK_MEDIA_VIDEO : WLK_MEDIA_AUDIO, &init, &t);
}

/* The codec, and what stands beside it: retransmission, redundancy, tones. */
static wlk_err prefer(wlk_transceiver *t, const char *mime)
{
	static wlk_rtp_capabilities all;
	wlk_rtp_codec chosen[WLK_RTP_CODECS_MAX];
	size_t count = 0;
	wlk_err err = wlk_rtp_receiver_capabilities(wlk_transceiver_kind(t), &all);

	for (size_t i = 0; !err && i < all.codec_count; i++)
		if (!strcmp(all.codecs[i].mime_type, mime))
			chosen[count++] = all.codecs[i];
	for (size_t i = 0; !err && i < all.codec_count; i++)
		if (!strcmp(all.codecs[i].mime_type, "video/rtx") || !strcmp(all.codecs[i].mime_type, "audio/telephone-event"))
			chosen[count++] = all.codecs[i];
	return err ? err : wlk_transceiver_set_codec_preferences(t, chosen, count);
}

static void take_layers(wlk_peer_connection *pc)
{
	for (size_t i = 0; i < wlk_peer_connection_transceiver_count(pc); i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(pc, i);

		if (wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO && wlk_transceiver_direction(t) != WLK_DIRECTION_STOPPED)
			(void)!wlk_transceiver_set_receive_simulcast(t, true, NULL, 0);
	}
}

static wlk_err set_local(struct negotiator *n, const json_t *line)
{
	wlk_offer_options options = WLK_OFFER_OPTIONS_INIT;
	wlk_session_description local = { WLK_SDP_OFFER, NULL };
	wlk_err err;

	options.ice_restart = json_is_true(json_object_get(line, "restart"));
	if (strcmp(text_of(line, "do"), "offer")) {
		echo_wish_directions(n->pc);
		take_layers(n->pc);
		local.type = WLK_SDP_ANSWER;
		err = wlk_peer_connection_create_answer(n->pc, &local.sdp);
	} else {
		err = wlk_peer_connection_create_offer(n->pc, &options, &local.sdp);
	}
	return err ? err : wlk_peer_connection_set_local_description(n->pc, &local);
}

/* Where nothing is gathered, because nothing was accepted or all is there, no event comes. */
static void describe_later(void *user)
{
	struct negotiator *n = user;

	if (wlk_peer_connection_ice_gathering_state(n->pc) != WLK_ICE_GATHERING_GATHERING)
		say_description(n);
}

static void make_description(struct negotiator *n, const json_t *line)
{
	wlk_err err = set_local(n, line);

	n->wants_description = !err;
	if (err || wlk_loop_call_later(n->loop, 30000, describe_later, n, NULL))
		say_result(n, err);
}

static wlk_err set_remote(struct negotiator *n, const json_t *line)
{
	const wlk_session_description remote = {
		strcmp(text_of(line, "type"), "offer") ? WLK_SDP_ANSWER : WLK_SDP_OFFER,
		text_of(line, "sdp"),
	};

	return wlk_peer_connection_set_remote_description(n->pc, &remote);
}

static wlk_err change_transceiver(struct negotiator *n, const json_t *line, const char *step)
{
	wlk_transceiver *t = wlk_peer_connection_transceiver(n->pc, (size_t)json_integer_value(json_object_get(line, "index")));

	if (!t)
		return WLK_ERR_NOT_FOUND;
	if (!strcmp(step, "stop"))
		return wlk_transceiver_stop(t);
	return strcmp(step, "prefer") ? wlk_transceiver_set_direction(t, direction_of(line)) : prefer(t, text_of(line, "mime"));
}

static void take_step(struct negotiator *n, const json_t *line)
{
	const char *step = text_of(line, "do");
	wlk_data_channel *channel;

	if (!strcmp(step, "offer") || !strcmp(step, "answer"))
		make_description(n, line);
	else if (!strcmp(step, "remote"))
		say_result(n, set_remote(n, line));
	else if (!strcmp(step, "transceiver"))
		say_result(n, add_transceiver(n, line));
	else if (!strcmp(step, "channel"))
		say_result(n, wlk_peer_connection_create_data_channel(n->pc, "negotiated", NULL, &channel));
	else if (!strcmp(step, "state"))
		say(json_pack("{s:s}", "connection", wlk_connection_state_name(wlk_peer_connection_connection_state(n->pc))));
	else
		say_result(n, change_transceiver(n, line, step));
}

/* ---- lines of input, on the loop's thread ---- */

struct input {
	struct negotiator *n;
	json_t *line;
};

static void take_input(void *user)
{
	struct input *input = user;

	take_step(input->n, input->line);
	json_decref(input->line);
	free(input);
}

static bool read_line(struct negotiator *n, const char *text)
{
	struct input *input = calloc(1, sizeof(*input));

	if (!input)
		return false;
	input->n = n;
	input->line = json_loads(text, 0, NULL);
	return json_is_object(input->line) && !wlk_loop_post(n->loop, take_input, input);
}

static void close_connection(void *user)
{
	struct negotiator *n = user;

	echo_forget(n->pc);
	wlk_peer_connection_destroy(n->pc);
	wlk_loop_stop(n->loop);
}

static wlk_bundle_policy policy_of(int argc, char **argv)
{
	static const char *const names[] = { "default", "balanced", "max-compat", "max-bundle" };

	for (int i = 0; argc == 3 && i < 4; i++)
		if (!strcmp(argv[1], "--bundle") && !strcmp(argv[2], names[i]))
			return (wlk_bundle_policy)i;
	return WLK_BUNDLE_DEFAULT;
}

int main(int argc, char **argv)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct negotiator n = { 0 };
	char *line = NULL;
	size_t capacity = 0;

	config.allow_loopback = true;
	wlk_log_configure(WLK_LOG_WARN, NULL, NULL);
	config.bundle_policy = policy_of(argc, argv);
	if (wlk_loop_create(NULL, &n.loop) || wlk_peer_connection_create(n.loop, &config, on_event, &n, &n.pc) ||
	    wlk_loop_start_thread(n.loop)) {
		fprintf(stderr, "no connection can be made\n");
		return 1;
	}
	while (getline(&line, &capacity, stdin) > 0) {
		if (!read_line(&n, line)) {
			fprintf(stderr, "the line is not understood: %s\n", line);
			return 1;
		}
	}
	free(line);
	if (wlk_loop_post(n.loop, close_connection, &n))
		return 1;
	wlk_loop_destroy(n.loop);
	return 0;
}
