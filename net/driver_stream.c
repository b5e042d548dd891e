#include "net/driver_stream.h"

#include <errno.h>
#include <string.h>

#include "core/alloc.h"
#include "core/time.h"
#include "net/driver.h"
#include "net/driver_listener.h"
#include "net/stream.h"

#define CONNECT_TIMEOUT (10 * SECOND)

#define FIRST_ACCEPTED_ID 0x80000000u

/* ---- requests ---- */

static void serve_connect(struct driver_peer *p, const wlk_request *r)
{
	struct stream *s = stream_new(p, r->id);
	wlk_err err;

	if (!s) {
		peer_on_request(p->pc, p->driver->now, r->id, WLK_ERR_NOMEM, NULL, 0);
		driver_mark_ready(p);
		return;
	}
	s->socket.remote = r->remote;
	err = stream_connect(s, r);
	if (err) {
		stream_fail(s, err, err == WLK_ERR_IO ? strerror(errno) : wlk_strerror(err));
		return;
	}
	s->give_up_at = p->driver->now + CONNECT_TIMEOUT;
	stream_schedule(s);
}

static struct stream *find(const struct driver_peer *p, uint32_t id)
{
	list_for_each (link, &p->streams)
		if (list_entry(link, struct stream, link)->id == id)
			return list_entry(link, struct stream, link);
	return NULL;
}

/* ---- accepted ones ---- */

static uint32_t next_accepted_id(struct driver_peer *p)
{
	struct driver_streams *all = &p->driver->streams;

	do
		all->next_accepted_id = all->next_accepted_id == UINT32_MAX ? FIRST_ACCEPTED_ID : all->next_accepted_id + 1;
	while (find(p, all->next_accepted_id));
	return all->next_accepted_id;
}

wlk_err driver_stream_adopt(struct driver_peer *p, const wlk_addr *listener, struct tcp_stream *socket,
			    const uint8_t *data, size_t size)
{
	struct stream *s = stream_new(p, next_accepted_id(p));
	wlk_err err;

	if (!s) {
		tcp_close(socket);
		return WLK_ERR_NOMEM;
	}
	s->socket = *socket;
	s->state = STREAM_OPEN;
	err = stream_watch(s);
	if (err) {
		stream_free(s);
		return err;
	}
	stream_schedule(s);
	err = peer_stream_accepted(p->pc, p->driver->now, listener, &s->socket.remote, s->id);
	if (err) {
		stream_free(s);
		driver_mark_ready(p);
		return err;
	}
	if (size)
		peer_stream_input(p->pc, p->driver->now, s->id, data, size);
	driver_mark_ready(p);
	return WLK_OK;
}

bool driver_stream_serve(struct driver_peer *p, const wlk_request *request)
{
	struct stream *s;

	switch (request->type) {
	case WLK_REQUEST_CONNECT_TCP:
	case WLK_REQUEST_CONNECT_TLS:
	case WLK_REQUEST_CONNECT_DTLS:
		serve_connect(p, request);
		return true;
	case WLK_REQUEST_LISTEN_TCP:
		driver_listener_serve(p, request);
		return true;
	case WLK_REQUEST_CLOSE_STREAM:
		s = find(p, request->id);
		if (s)
			stream_close(s);
		return true;
	default:
		return false;
	}
}

/* ---- sending ---- */

void driver_stream_route(struct driver_peer *p, struct dgram d)
{
	struct stream *s = find(p, d.stream);

	if (!s)
		pktbuf_release(d.buf);
	if (!s || !stream_queue(s, d.buf))
		p->driver->streams.dropped++;
}

void driver_streams_flush(struct driver_peer *p)
{
	list_for_each_safe (link, &p->streams) {
		struct stream *s = list_entry(link, struct stream, link);

		if (s->state == STREAM_OPEN && !s->full && stream_flush(s) == WLK_ERR_IO)
			stream_end(s);
	}
}

/* ---- life ---- */

void driver_streams_init(struct driver *d)
{
	list_init(&d->streams.lingering);
	d->streams.next_accepted_id = FIRST_ACCEPTED_ID;
}

wlk_err driver_streams_set_tls(struct driver *d, const char *ca_file, void (*keylog)(const char *line, void *user),
			       void *user)
{
	char *copy = ca_file ? wlk_strdup(ca_file) : NULL;

	if (ca_file && !copy)
		return WLK_ERR_NOMEM;
	wlk_free(d->streams.ca_file);
	d->streams.ca_file = copy;
	d->streams.keylog = keylog;
	d->streams.keylog_user = user;
	return WLK_OK;
}

void driver_streams_free(struct driver *d)
{
	while (!list_empty(&d->streams.lingering))
		stream_free(list_entry(d->streams.lingering.next, struct stream, link));
	tls_context_destroy(d->streams.tls);
	wlk_free(d->streams.ca_file);
}

void driver_streams_close(struct driver_peer *p)
{
	list_for_each_safe (link, &p->streams)
		stream_close(list_entry(link, struct stream, link));
}
