#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "echo.h"
#include "layers.h"

enum { ANSWER_TIMEOUT_US = 5000000, CONNECT_TIMEOUT_US = 30000000 };

struct session {
	struct session *next;
	struct sessions *all;
	char id[SESSION_ID_SIZE];
	enum session_kind kind;
	wlk_peer_connection *pc;
	wlk_timer *connect_timer; /* a session that never connects is freed */
	wlk_timer *answer_timer;  /* an answer does not wait for a silent STUN server */
	session_done_fn done;     /* the offer that waits for its answer, or NULL */
	void *done_user;
};

struct sessions {
	wlk_loop *loop;
	const struct echo_options *options;
	bool allow_loopback;
	struct session *first;
	size_t count;
	uint64_t total, connected, refused;
};

struct sessions *sessions_create(wlk_loop *loop, const struct echo_options *options, bool allow_loopback)
{
	struct sessions *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->loop = loop;
	all->options = options;
	all->allow_loopback = allow_loopback;
	return all;
}

static void finish(struct session *s, const struct session_result *result)
{
	session_done_fn done = s->done;

	s->done = NULL;
	wlk_timer_cancel(s->answer_timer);
	s->answer_timer = NULL;
	if (done)
		done(result, s->done_user);
}

static void session_free(struct session *s)
{
	struct session **link = &s->all->first;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	s->all->count--;
	finish(s, &(struct session_result){ .status = 503, .reason = "the session ended" });
	wlk_timer_cancel(s->connect_timer);
	echo_forget(s->pc);
	wlk_peer_connection_destroy(s->pc);
	free(s);
}

void sessions_destroy(struct sessions *all)
{
	if (!all)
		return;
	while (all->first)
		session_free(all->first);
	free(all);
}

static void on_connect_timeout(void *user)
{
	struct session *s = user;

	s->connect_timer = NULL;
	session_free(s);
}

static void answer(struct session *s)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(s->pc);

	if (!local) {
		finish(s, &(struct session_result){ .status = 503, .reason = "out of memory" });
		return;
	}
	finish(s, &(struct session_result){ .status = s->kind == SESSION_WHIP ? 201 : 200, .answer = local->sdp, .id = s->id });
}

static void on_answer_timeout(void *user)
{
	struct session *s = user;

	s->answer_timer = NULL;
	answer(s);
}

static void on_state(struct session *s, wlk_connection_state state)
{
	switch (state) {
	case WLK_CONNECTION_CONNECTED:
		s->all->connected += s->connect_timer != NULL; /* once a session */
		wlk_timer_cancel(s->connect_timer);
		s->connect_timer = NULL;
		break;
	case WLK_CONNECTION_FAILED:
	case WLK_CONNECTION_CLOSED:
		session_free(s);
		break;
	default:
		break;
	}
}

static void on_event(const wlk_event *event, void *user)
{
	struct session *s = user;

	switch (event->type) {
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		on_state(s, event->u.connection.state);
		break;
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (s->done && event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			answer(s);
		break;
	default:
		echo_event(s->all->loop, event);
		break;
	}
}

static bool draw_id(char out[SESSION_ID_SIZE])
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

static size_t ice_servers(const struct echo_options *o, wlk_ice_server out[2])
{
	size_t count = 0;

	if (o->stun)
		out[count++] = (wlk_ice_server){ .url = o->stun };
	if (o->turn)
		out[count++] = (wlk_ice_server){ o->turn, o->turn_user, o->turn_pass };
	return count;
}

static struct session *session_new(struct sessions *all, enum session_kind kind)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_ice_server servers[2];
	struct session *s = calloc(1, sizeof(*s));

	if (!s || !draw_id(s->id)) {
		free(s);
		return NULL;
	}
	s->all = all;
	s->kind = kind;
	config.allow_loopback = all->allow_loopback;
	config.ice_tcp = WLK_ICE_TCP_BOTH;
	config.ice_servers = servers;
	config.ice_server_count = ice_servers(all->options, servers);
	config.ice_lite = all->options->ice_lite;
	config.hide_host_addresses = all->options->hide_addresses;
	if (all->options->relay_only)
		config.ice_transport_policy = WLK_ICE_TRANSPORT_RELAY;
	if (wlk_peer_connection_create(all->loop, &config, on_event, s, &s->pc)) {
		free(s);
		return NULL;
	}
	s->next = all->first;
	all->first = s;
	all->count++;
	all->total++;
	if (wlk_loop_call_later(all->loop, CONNECT_TIMEOUT_US, on_connect_timeout, s, &s->connect_timer)) {
		session_free(s);
		return NULL;
	}
	return s;
}

static struct session *session_find(const struct sessions *all, enum session_kind kind, const char *id)
{
	for (struct session *s = all->first; s; s = s->next)
		if (s->kind == kind && !strcmp(s->id, id))
			return s;
	return NULL;
}

/* Apply offer and answer; on a problem the reason is the connection's own words. */
static wlk_err negotiate(struct session *s, const char *sdp, const json_t *channels)
{
	const wlk_session_description offer = { WLK_SDP_OFFER, sdp };
	wlk_err err = echo_negotiated_channels(s->pc, channels);

	if (!err)
		err = wlk_peer_connection_set_remote_description(s->pc, &offer);
	if (err)
		return err;
	if (s->kind == SESSION_ECHO)
		echo_wish_directions(s->pc);
	err = wlk_peer_connection_set_local_description(s->pc, NULL);
	if (err) {
		const wlk_session_description rollback = { WLK_SDP_ROLLBACK, NULL };
		wlk_err undo = wlk_peer_connection_set_remote_description(s->pc, &rollback);

		(void)undo; /* nothing more can be done than to answer with the first error */
		return err;
	}
	layers_set_levels(s->pc);
	return WLK_OK;
}

static unsigned status_of(wlk_err err)
{
	switch (err) {
	case WLK_ERR_NOMEM:
	case WLK_ERR_CRYPTO:
	case WLK_ERR_IO:
		return 503;
	case WLK_ERR_TOO_LARGE:
		return 413;
	case WLK_ERR_NEGOTIATION:
	case WLK_ERR_UNSUPPORTED:
		return 422;
	default:
		return 400;
	}
}

void sessions_offer(struct sessions *all, enum session_kind kind, const char *id, const char *sdp, const json_t *channels,
		    session_done_fn done, void *user)
{
	struct session *s = id ? session_find(all, kind, id) : NULL;
	struct session_result refusal = { 0 };
	wlk_err err;

	if (id && !s)
		refusal = (struct session_result){ .status = 404, .reason = "no session has this id" };
	else if (s && s->done)
		refusal = (struct session_result){ .status = 409, .reason = "another offer of this session is being answered" };
	else if (!s && all->count >= all->options->max_sessions)
		refusal = (struct session_result){ .status = 503, .reason = "no more sessions are taken now" };
	else if (!s && !(s = session_new(all, kind)))
		refusal = (struct session_result){ .status = 503, .reason = "no session can be made now" };
	if (refusal.status) {
		all->refused++;
		done(&refusal, user);
		return;
	}
	err = negotiate(s, sdp, channels);
	if (err) {
		const char *reason = wlk_last_error(s->pc);

		all->refused++;
		refusal = (struct session_result){ .status = status_of(err), .reason = *reason ? reason : wlk_strerror(err) };
		done(&refusal, user);
		if (!id)
			session_free(s);
		return;
	}
	s->done = done;
	s->done_user = user;
	if (wlk_peer_connection_ice_gathering_state(s->pc) == WLK_ICE_GATHERING_COMPLETE ||
	    wlk_loop_call_later(all->loop, ANSWER_TIMEOUT_US, on_answer_timeout, s, &s->answer_timer))
		answer(s);
}

bool sessions_end(struct sessions *all, enum session_kind kind, const char *id)
{
	struct session *s = session_find(all, kind, id);

	if (s)
		session_free(s);
	return s;
}

json_t *sessions_stats(const struct sessions *all)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "sessions", (json_int_t)all->count, "total", (json_int_t)all->total, "connected",
			 (json_int_t)all->connected, "refused", (json_int_t)all->refused);
}
