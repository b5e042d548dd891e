#include "tests/support/fake_peer.h"

#include <stdio.h>
#include <string.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "peer/certificate.h"
#include "peer/codec_set.h"
#include "peer/raw.h"

struct dtls_context {
	int unused;
};

struct dtls_cert {
	int unused;
};

atomic_int fake_peers, fake_contexts;
wlk_err fake_create_error, fake_interfaces_error, fake_dtls_error;

static wlk_err take_error(wlk_err *error)
{
	wlk_err err = *error;

	*error = WLK_OK;
	return err;
}

wlk_err peer_env_create_dtls(struct peer_env *env, wlk_certificate *certificate, int64_t unix_seconds,
			     void (*keylog)(const char *line, void *user), void *user)
{
	wlk_err err = take_error(&fake_dtls_error);

	(void)certificate;
	assert(unix_seconds > 1500000000 && "the wall clock is in seconds");
	if (err)
		return err;
	env->dtls = wlk_malloc(sizeof(*env->dtls));
	if (!env->dtls)
		return WLK_ERR_NOMEM;
	if (keylog) {
		keylog("CLIENT_RANDOM 01 02", user);
		keylog("CLIENT_RANDOM 03 04", user);
	}
	atomic_fetch_add(&fake_contexts, 1);
	return WLK_OK;
}

void peer_env_destroy_dtls(struct peer_env *env)
{
	wlk_free(env->dtls);
	env->dtls = NULL;
	atomic_fetch_sub(&fake_contexts, 1);
}

wlk_err peer_create(struct wlk_peer_connection **out, const struct peer_env *env, const wlk_configuration *config,
		    wlk_time now)
{
	wlk_err err = take_error(&fake_create_error);
	struct wlk_peer_connection *pc;

	(void)config;
	if (err)
		return err;
	pc = wlk_calloc(1, sizeof(*pc));
	if (!pc)
		return WLK_ERR_NOMEM;
	pc->env = *env;
	pc->now = now;
	pc->deadline = WLK_TIME_NEVER;
	list_init(&pc->ready_link);
	dgram_queue_init(&pc->out, 100000);
	dgram_queue_init(&pc->in, 100000);
	event_queue_init(&pc->events, sizeof(uint64_t), 0);
	atomic_fetch_add(&fake_peers, 1);
	*out = pc;
	return WLK_OK;
}

void peer_free(struct wlk_peer_connection *pc)
{
	for (size_t i = 0; i < pc->request_count; i++)
		wlk_free((void *)(uintptr_t)pc->requests[i].host);
	pktbuf_release(pc->endless.buf);
	pktbuf_release(pc->farewell.buf);
	wlk_free(pc->bytes);
	dgram_queue_free(&pc->out);
	dgram_queue_free(&pc->in);
	event_queue_free(&pc->events);
	list_remove(&pc->ready_link);
	wlk_free(pc);
	atomic_fetch_sub(&fake_peers, 1);
}

void wlk_peer_connection_close(struct wlk_peer_connection *pc)
{
	if (pc->closed)
		return;
	pc->closed = true;
	if (pc->farewell.buf)
		dgram_queue_push(&pc->out, pc->farewell);
	pc->farewell.buf = NULL;
	fake_touch(pc);
}

void wlk_peer_connection_destroy(struct wlk_peer_connection *pc)
{
	if (!pc)
		return;
	wlk_peer_connection_close(pc);
	if (pc->destroy_hook)
		pc->destroy_hook(pc, pc->driver);
	else
		peer_free(pc);
}

static void advance(struct wlk_peer_connection *pc, wlk_time now)
{
	assert(now >= pc->now && "time never runs backwards");
	pc->now = now;
}

void peer_input(struct wlk_peer_connection *pc, wlk_time now, struct dgram d)
{
	advance(pc, now);
	dgram_queue_push(&pc->in, d);
}

bool peer_poll_transmit(struct wlk_peer_connection *pc, wlk_time now, struct dgram *out)
{
	advance(pc, now);
	if (pc->held)
		return false;
	if (pc->endless.buf && !pc->closed) {
		*out = pc->endless;
		out->buf = pktbuf_copy(pc->env.pool, pc->endless.buf->data, pc->endless.buf->size);
		pc->transmitted += out->buf != NULL;
		return out->buf != NULL;
	}
	if (!dgram_queue_pop(&pc->out, out))
		return false;
	pc->transmitted++;
	return true;
}

const wlk_event *peer_poll_event(struct wlk_peer_connection *pc)
{
	uint64_t number;

	pc->polls++;
	if (!event_queue_pop(&pc->events, &number))
		return NULL;
	pc->lent = (wlk_event){ .type = WLK_EVENT_BITRATE_LIMIT, .pc = pc };
	pc->lent.u.bitrate_limit = number;
	return &pc->lent;
}

bool peer_poll_request(struct wlk_peer_connection *pc, wlk_request *out)
{
	/* As the real one: sockets close only after what was to be said through them has left. */
	if (pc->request_first == pc->request_count || (pc->closed && !dgram_queue_empty(&pc->out)))
		return false;
	*out = pc->requests[pc->request_first++];
	return true;
}

void peer_on_request(struct wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *addresses,
		     size_t count)
{
	struct fake_answer *answer = &pc->answers[pc->answer_count++];

	assert(pc->answer_count <= FAKE_ANSWERS_MAX && "no more answers than requests");
	assert((err != WLK_OK) == (count == 0) && "addresses come with WLK_OK, and only then");
	advance(pc, now);
	*answer = (struct fake_answer){ .id = id, .err = err, .count = count };
	if (count)
		answer->first = addresses[0];
}

void peer_on_request_failed(struct wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const char *why)
{
	peer_on_request(pc, now, id, err, NULL, 0);
	snprintf(pc->why, sizeof(pc->why), "%s", why);
}

wlk_err peer_stream_accepted(struct wlk_peer_connection *pc, wlk_time now, const wlk_addr *listener, const wlk_addr *remote,
			     uint32_t id)
{
	advance(pc, now);
	assert(pc->accepted_count < FAKE_STREAMS_MAX && "a test accepts fewer streams");
	pc->listener = *listener;
	pc->accepted_from = *remote;
	if (pc->accept_error)
		return pc->accept_error;
	pc->accepted[pc->accepted_count++] = id;
	return WLK_OK;
}

void peer_stream_input(struct wlk_peer_connection *pc, wlk_time now, uint32_t id, const uint8_t *data, size_t size)
{
	uint8_t *grown = wlk_realloc(pc->bytes, pc->byte_count + size);

	advance(pc, now);
	assert(size && "bytes come");
	if (!grown)
		return; /* a failure that the test planted */
	memcpy(grown + pc->byte_count, data, size);
	pc->bytes = grown;
	pc->byte_count += size;
	pc->last_stream = id;
	pc->pieces++;
}

void peer_stream_closed(struct wlk_peer_connection *pc, wlk_time now, uint32_t id)
{
	advance(pc, now);
	assert(pc->closed_count < FAKE_STREAMS_MAX && "a test closes fewer streams");
	pc->closed_streams[pc->closed_count++] = id;
}

void peer_hold(struct wlk_peer_connection *pc, bool hold)
{
	pc->held = hold;
}

wlk_err peer_set_interfaces(struct wlk_peer_connection *pc, const wlk_addr *addresses, size_t count)
{
	(void)addresses;
	pc->interfaces = count;
	return take_error(&fake_interfaces_error);
}

wlk_time peer_deadline(const struct wlk_peer_connection *pc)
{
	return pc->always_due ? pc->now : pc->deadline;
}

void peer_handle_timeout(struct wlk_peer_connection *pc, wlk_time now)
{
	advance(pc, now);
	pc->timeouts++;
	if (pc->deadline <= now)
		pc->deadline = pc->repeat_deadline ? now + pc->repeat_deadline : WLK_TIME_NEVER;
}

void peer_set_now(struct wlk_peer_connection *pc, wlk_time now)
{
	advance(pc, now);
}

enum peer_path peer_path_state(const struct wlk_peer_connection *pc, wlk_time now, const wlk_addr *local,
			       const wlk_addr *remote)
{
	(void)now;
	for (size_t i = 0; i < pc->path_count; i++)
		if (addr_equal(&pc->paths[i].local, local) && addr_equal(&pc->paths[i].remote, remote))
			return pc->paths[i].state;
	return PEER_PATH_UNKNOWN;
}

size_t peer_local_ufrags(const struct wlk_peer_connection *pc, struct str *out, size_t max)
{
	assert(max >= 2 && "both of a restart");
	size_t count = 0;

	for (size_t i = 0; i < 2; i++)
		if (pc->ufrags[i])
			out[count++] = str_of(pc->ufrags[i]);
	return count;
}

struct list *peer_ready_link(struct wlk_peer_connection *pc)
{
	return &pc->ready_link;
}

struct wlk_peer_connection *peer_of_ready_link(struct list *link)
{
	return list_entry(link, struct wlk_peer_connection, ready_link);
}

void peer_set_driver(struct wlk_peer_connection *pc, void *driver)
{
	pc->driver = driver;
}

void *peer_driver(const struct wlk_peer_connection *pc)
{
	return pc->driver;
}

void peer_set_destroy_hook(struct wlk_peer_connection *pc, peer_destroy_hook hook)
{
	pc->destroy_hook = hook;
}

void fake_touch(struct wlk_peer_connection *pc)
{
	if (pc->env.ready && list_empty(&pc->ready_link))
		list_push_back(pc->env.ready, &pc->ready_link);
}

void fake_request(struct wlk_peer_connection *pc, wlk_request_type type, uint32_t id, const wlk_addr *local,
		  const char *host)
{
	wlk_request *request = &pc->requests[pc->request_count++];

	assert(pc->request_count <= FAKE_REQUESTS_MAX && "the test asks for less");
	*request = (wlk_request){ .type = type, .id = id, .host = host ? wlk_strdup(host) : NULL };
	if (local)
		request->local = *local;
	fake_touch(pc);
}

void fake_connect(struct wlk_peer_connection *pc, wlk_request_type type, uint32_t id, const wlk_addr *local,
		  const wlk_addr *remote, const char *host)
{
	fake_request(pc, type, id, local, host);
	pc->requests[pc->request_count - 1].remote = *remote;
}

void fake_send_on(struct wlk_peer_connection *pc, uint32_t stream, const void *data, size_t size)
{
	struct dgram d = { .stream = stream, .buf = pktbuf_copy(pc->env.pool, data, size) };

	if (d.buf)
		dgram_queue_push(&pc->out, d);
	fake_touch(pc);
}

void fake_send(struct wlk_peer_connection *pc, const wlk_addr *local, const wlk_addr *remote, const void *data,
	       size_t size)
{
	struct dgram d = { .local = *local, .remote = *remote, .buf = pktbuf_copy(pc->env.pool, data, size) };

	if (d.buf)
		dgram_queue_push(&pc->out, d);
	fake_touch(pc);
}

void fake_event(struct wlk_peer_connection *pc, uint64_t number)
{
	event_queue_push(&pc->events, &number);
	fake_touch(pc);
}

void fake_set_deadline(struct wlk_peer_connection *pc, wlk_time when)
{
	pc->deadline = when;
	fake_touch(pc);
}

wlk_addr fake_bound(const struct wlk_peer_connection *pc, uint32_t id)
{
	const struct fake_answer *found = NULL;

	for (size_t i = 0; i < pc->answer_count; i++) {
		if (pc->answers[i].id != id)
			continue;
		assert(!found && "a request is answered once");
		found = &pc->answers[i];
	}
	assert(found && found->err == WLK_OK && found->count >= 1 && "the request was answered with an address");
	return found->first;
}

wlk_err certificate_generate(wlk_certificate **out, const wlk_certificate_options *options, int64_t unix_seconds)
{
	(void)out;
	(void)options;
	(void)unix_seconds;
	return WLK_ERR_UNSUPPORTED; /* the driver's tests make no certificates */
}

void fake_path(struct wlk_peer_connection *pc, const wlk_addr *local, const wlk_addr *remote, enum peer_path state)
{
	size_t i = 0;

	while (i < pc->path_count &&
	       !(addr_equal(&pc->paths[i].local, local) && addr_equal(&pc->paths[i].remote, remote)))
		i++;
	assert(i < FAKE_PATHS_MAX && "the test has fewer paths");
	pc->paths[i].local = *local;
	pc->paths[i].remote = *remote;
	pc->paths[i].state = state;
	pc->path_count = MAX(pc->path_count, i + 1);
}

/* ---- raw media: a fake has none ---- */

bool peer_poll_job(struct wlk_peer_connection *pc, wlk_time now, struct track_job **out)
{
	(void)pc, (void)now, (void)out;
	return false;
}

struct wlk_peer_connection *peer_on_job(struct track_job *job, wlk_time now, wlk_time spent)
{
	track_on_job(job, now, spent);
	return NULL;
}

wlk_err peer_set_input(wlk_rtp_sender *sender, wlk_media_kind kind, const struct raw_input *input)
{
	(void)sender, (void)kind, (void)input;
	return WLK_ERR_STATE;
}

wlk_err peer_set_output(wlk_rtp_receiver *receiver, wlk_media_kind kind, const struct raw_output *output)
{
	(void)receiver, (void)kind, (void)output;
	return WLK_ERR_STATE;
}

void peer_wake_hook(const wlk_rtp_sender *sender, void (**fn)(void *user), void **user)
{
	(void)sender;
	*fn = NULL;
	*user = NULL;
}

/* Nobody here has codecs of an application. */
wlk_codec_set *codec_set_hold(wlk_codec_set *set)
{
	return set;
}

void wlk_codec_set_release(wlk_codec_set *set)
{
	(void)set;
}

const struct codec_registry *codec_set_registry(const wlk_codec_set *set)
{
	(void)set;
	return NULL;
}
