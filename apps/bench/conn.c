/* Connections of a case, and the signalling between the two processes. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "link.h"
#include "usage.h"

static struct conn *conn_find(const struct bench *b, int n)
{
	for (struct conn *c = b->first; c; c = c->next)
		if (c->n == n)
			return c;
	return NULL;
}

static void conn_free(struct conn *c)
{
	struct conn **link = &c->bench->first;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	wlk_peer_connection_destroy(c->pc);
	free(c);
}

void conn_destroy_all(struct bench *b)
{
	while (b->first)
		conn_free(b->first);
}

/* All candidates are host candidates, so that gathering ends at once and the description carries them all. */
static void describe(struct conn *c)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(c->pc);
	const char *type = c->bench->near ? "offer" : "answer";

	if (c->described || !local)
		return;
	c->described = true;
	link_send(c->bench->fd, json_pack("{s:s, s:i, s:s}", "type", type, "n", c->n, "sdp", local->sdp));
}

static void check_ready(struct conn *c)
{
	if (c->open_here && c->open_there)
		c->bench->what->ready(c);
}

static void on_open(struct conn *c)
{
	c->open_here = usage_now_us();
	if (c->bench->near)
		check_ready(c);
	else
		link_send(c->bench->fd,
			  json_pack("{s:s, s:i, s:I}", "type", "open", "n", c->n, "at", (json_int_t)c->open_here));
}

/* What every case has in common; the rest is the case's. |c| may be gone afterwards. */
static void on_event(const wlk_event *event, void *user)
{
	struct conn *c = user;
	struct bench *b = c->bench;

	if (event->type == WLK_EVENT_ICE_GATHERING_STATE_CHANGE) {
		if (event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			describe(c);
	} else if (event->type == WLK_EVENT_CONNECTION_STATE_CHANGE) {
		if (event->u.connection.state == WLK_CONNECTION_FAILED)
			bench_fail(b, event->u.connection.reason);
		else if (event->u.connection.state == WLK_CONNECTION_CONNECTED && b->what->media && !c->open_here)
			on_open(c);
	} else if (event->type == WLK_EVENT_DATA_CHANNEL || event->type == WLK_EVENT_DATA_CHANNEL_OPEN) {
		c->channel = event->u.channel.channel;
		if (!c->open_here)
			on_open(c);
	} else if (b->near && b->what->near_event) {
		b->what->near_event(c, event);
	} else if (!b->near && b->what->far_event) {
		b->what->far_event(c, event);
	}
}

static struct conn *conn_new(struct bench *b, int n)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->bench = b;
	c->n = n;
	c->started = usage_now_us();
	config.allow_loopback = !b->options->no_loopback;
	if (wlk_peer_connection_create(b->loop, &config, on_event, c, &c->pc)) {
		free(c);
		return NULL;
	}
	c->next = b->first;
	b->first = c;
	return c;
}

/* Without feedback about each packet there is no estimate, and packets leave as they are sent. */
static wlk_err without_estimate(wlk_transceiver *t)
{
	wlk_rtp_header_extension list[WLK_RTP_EXTENSIONS_MAX];
	size_t count = wlk_transceiver_header_extensions_to_negotiate(t, list, WLK_RTP_EXTENSIONS_MAX);

	for (size_t i = 0; i < count; i++)
		if (strstr(list[i].uri, "transport-wide-cc"))
			list[i].direction = WLK_DIRECTION_STOPPED;
	return wlk_transceiver_set_header_extensions_to_negotiate(t, list, count);
}

static wlk_err add_video(struct conn *c)
{
	wlk_transceiver_init video = WLK_TRANSCEIVER_INIT;
	wlk_err err;

	video.direction = WLK_DIRECTION_SENDONLY;
	err = wlk_peer_connection_add_transceiver(c->pc, WLK_MEDIA_VIDEO, &video, &c->video);
	return err ? err : without_estimate(c->video);
}

bool conn_offer(struct bench *b, int n)
{
	struct conn *c = conn_new(b, n);
	wlk_err err;

	if (!c)
		return false;
	if (b->what->media)
		err = add_video(c);
	else
		err = wlk_peer_connection_create_data_channel(c->pc, "bench", NULL, &c->channel);
	return !err && !wlk_peer_connection_set_local_description(c->pc, NULL);
}

void conn_close(struct conn *c)
{
	link_send(c->bench->fd, json_pack("{s:s, s:i}", "type", "close", "n", c->n));
	conn_free(c);
}

static bool take_offer(struct bench *b, int n, const char *sdp)
{
	const wlk_session_description offer = { WLK_SDP_OFFER, sdp };
	struct conn *c = conn_new(b, n);

	return c && !wlk_peer_connection_set_remote_description(c->pc, &offer) &&
	       !wlk_peer_connection_set_local_description(c->pc, NULL);
}

static bool take_answer(struct conn *c, const char *sdp)
{
	const wlk_session_description answer = { WLK_SDP_ANSWER, sdp };

	return c && !wlk_peer_connection_set_remote_description(c->pc, &answer);
}

static bool take_line(struct bench *b, const char *type, json_t *message)
{
	int n = (int)json_integer_value(json_object_get(message, "n"));
	const char *sdp = json_string_value(json_object_get(message, "sdp"));
	json_int_t at = json_integer_value(json_object_get(message, "at"));
	json_int_t cpu = json_integer_value(json_object_get(message, "cpu"));
	json_int_t count = json_integer_value(json_object_get(message, "count"));
	struct conn *c = conn_find(b, n);

	if (!strcmp(type, "offer"))
		return take_offer(b, n, sdp);
	if (!strcmp(type, "answer"))
		return take_answer(c, sdp);
	if (!strcmp(type, "usage") && b->near)
		b->what->far_usage(b, cpu, (uint64_t)count, at);
	else if (!strcmp(type, "usage"))
		bench_tell_usage(b);
	else if (!strcmp(type, "close") && c)
		conn_free(c);
	else if (!strcmp(type, "open") && c) {
		c->open_there = at;
		check_ready(c);
	}
	return true;
}

void conn_on_line(struct bench *b, json_t *message)
{
	const char *type = json_string_value(json_object_get(message, "type"));

	if (!b->done && (!type || !take_line(b, type, message)))
		bench_fail(b, "a description was refused");
	json_decref(message);
}
