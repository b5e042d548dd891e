#include "net/driver_stream.h"

#include <errno.h>
#include <string.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "net/driver.h"
#include "net/driver_listener.h"

#define CONNECT_TIMEOUT (10 * SECOND)
#define LINGER_TIMEOUT  SECOND
/* A stream that takes nothing for so long no longer holds back what its peer could send on another path. */
#define HOLD_TIMEOUT SECOND

#define RETRY_FLUSH  (10 * MILLISECOND)

#define FIRST_ACCEPTED_ID 0x80000000u

enum { TLS_ANSWERS_MAX = 2 * TCP_QUEUE_MAX /* more waits only if TLS itself has put it there */ };

enum stream_state { STREAM_CONNECTING, STREAM_HANDSHAKE, STREAM_OPEN, STREAM_LINGERING };

struct stream {
	struct list link; /* in driver_peer.streams or driver_streams.lingering */
	struct driver *driver;
	struct driver_peer *peer; /* NULL: lingering */
	uint32_t id;
	enum stream_state state;
	char *host; /* TLS and DTLS: the name to verify */
	struct tls_client *tls;
	struct tcp_stream socket;
	struct poller_source source;
	struct driver_timer timer;
	wlk_time give_up_at; /* connecting or lingering; else WLK_TIME_NEVER */
	bool full;           /* waits for EPOLLOUT */
	bool holds;          /* and its peer's packets wait with it */
	wlk_time hold_until;
};

/* ---- timers ---- */

/* When the stream has to be looked at without the network asking for it. */
static void schedule(struct stream *s)
{
	struct driver *d = s->driver;
	int64_t handshake = s->tls && s->state == STREAM_HANDSHAKE ? tls_client_timer(s->tls) : -1;
	wlk_time at = s->give_up_at;

	if (handshake >= 0)
		at = time_min(at, d->now + MAX(handshake, (int64_t)MILLISECOND));
	if (s->holds)
		at = time_min(at, s->hold_until);
	if (s->full && !(s->source.events & EPOLLOUT)) /* the kernel would not have it */
		at = time_min(at, d->now + RETRY_FLUSH);
	driver_timer_set(&d->timers, &s->timer, at);
}

/* ---- holding back, closing ---- */

static void set_holding(struct stream *s, bool holds)
{
	struct driver_peer *p = s->peer;

	if (s->holds == holds)
		return;
	s->holds = holds;
	p->full_streams += holds ? 1 : (size_t)-1;
	peer_hold(p->pc, p->full_streams > 0);
	if (!p->full_streams && !p->gone)
		driver_mark_ready(p);
}

static void want_events(struct stream *s, uint32_t events)
{
	if (s->source.events != events)
		poller_change(s->driver->poller, &s->source, events);
}

static void set_full(struct stream *s, bool full)
{
	s->full = full;
	if (s->state == STREAM_LINGERING) {
		want_events(s, EPOLLOUT);
		return;
	}
	want_events(s, full ? EPOLLIN | EPOLLOUT : EPOLLIN);
	s->hold_until = s->driver->now + HOLD_TIMEOUT; /* it has just been writable */
	set_holding(s, full && s->state == STREAM_OPEN);
	schedule(s);
}

static void free_stream(struct stream *s)
{
	struct driver *d = s->driver;

	if (s->peer)
		set_holding(s, false);
	driver_timer_remove(&d->timers, &s->timer);
	poller_remove(d->poller, &s->source);
	list_remove(&s->link);
	tls_client_destroy(s->tls);
	tcp_close(&s->socket);
	wlk_free(s->host);
	wlk_free(s);
}

/* Bytes that TLS has for the network. */
static void pump_tls(struct stream *s)
{
	struct pktbuf *buf;

	while (s->tls && (buf = tls_client_poll_output(s->tls, s->driver->env.pool)))
		tcp_queue(&s->socket, buf);
}

/* WLK_ERR_IO: the connection is broken. */
static wlk_err flush(struct stream *s)
{
	wlk_err err;

	pump_tls(s);
	err = tcp_flush(&s->socket);
	/* An EPOLLOUT that is not needed would come for ever. */
	if (err != WLK_ERR_IO && (err || s->full || (s->state == STREAM_OPEN && s->source.events & EPOLLOUT)))
		set_full(s, err == WLK_ERR_AGAIN);
	return err;
}

/* The connection ended or broke; the peer is told. */
static void end(struct stream *s)
{
	struct driver_peer *p = s->peer;
	uint32_t id = s->id;

	free_stream(s);
	if (!p || p->gone)
		return;
	peer_stream_closed(p->pc, p->driver->now, id);
	driver_mark_ready(p);
}

/* It never came up. */
static void fail(struct stream *s, wlk_err err, const char *why)
{
	struct driver_peer *p = s->peer;
	char text[WLK_ADDR_TEXT_MAX];

	LOG_RATED(s->driver, &s->driver->streams.log_budget, s->driver->now, LOG_LEVEL_INFO, "no connection to %s: %s",
		  addr_text(&s->socket.remote, text), why);
	peer_on_request_failed(p->pc, p->driver->now, s->id, err, why);
	driver_mark_ready(p);
	free_stream(s);
}

/* The peer is done with it: what it has handed out before still leaves. */
static void close_stream(struct stream *s)
{
	if (s->state != STREAM_OPEN) {
		free_stream(s);
		return;
	}
	if (s->tls)
		tls_client_shutdown(s->tls);
	pump_tls(s);
	if (tcp_flush(&s->socket) != WLK_ERR_AGAIN) {
		free_stream(s);
		return;
	}
	set_holding(s, false);
	s->state = STREAM_LINGERING;
	s->peer = NULL;
	s->give_up_at = s->driver->now + LINGER_TIMEOUT;
	list_remove(&s->link);
	list_push_back(&s->driver->streams.lingering, &s->link);
	want_events(s, EPOLLOUT);
	schedule(s);
}

/* ---- reading ---- */

static void take(struct stream *s, const uint8_t *data, size_t size)
{
	struct driver_peer *p = s->peer;

	if (s->socket.datagrams && size > PKTBUF_PAYLOAD) {
		p->driver->streams.dropped++; /* R1, which counts for what a record carries too */
		return;
	}
	peer_stream_input(p->pc, p->driver->now, s->id, data, size);
	driver_mark_ready(p);
}

/* The plaintext of what has come. WLK_ERR_AGAIN: no more at the moment. WLK_OK: DTLS, whose socket may have more. */
static wlk_err read_tls(struct stream *s)
{
	uint8_t data[TLS_RECORD_MAX];
	wlk_err err = WLK_OK;
	size_t size;

	for (int n = 0; !err && (n < DRIVER_RECORDS || !s->socket.datagrams); n++) {
		err = tls_client_read(s->tls, data, sizeof(data), &size);
		if (!err)
			take(s, data, size);
	}
	return err;
}

/* Read once and hand it on. WLK_OK: there may be more. */
static wlk_err read_some(struct stream *s)
{
	uint8_t data[TCP_READ_SIZE];
	size_t size;
	wlk_err err;

	if (s->socket.datagrams)
		return read_tls(s);
	err = tcp_read(&s->socket, data, sizeof(data), &size);
	if (err)
		return err;
	if (!s->tls) {
		take(s, data, size);
		return WLK_OK;
	}
	err = tls_client_input(s->tls, data, size);
	if (err)
		return err;
	err = read_tls(s);
	return err == WLK_ERR_AGAIN ? WLK_OK : err;
}

static void read_all(struct stream *s)
{
	wlk_err err = WLK_OK;

	for (int n = 0; !err && n < DRIVER_READS; n++)
		err = read_some(s);
	if (err && err != WLK_ERR_AGAIN) {
		end(s);
		return;
	}
	/* An answer of TLS itself. Nobody asks for so many and reads none of them but to fill our memory. */
	if (s->tls && (flush(s) == WLK_ERR_IO || s->socket.out_bytes > TLS_ANSWERS_MAX))
		end(s);
}

/* ---- coming up ---- */

static void open_up(struct stream *s)
{
	struct driver_peer *p = s->peer;

	s->state = STREAM_OPEN;
	s->give_up_at = WLK_TIME_NEVER;
	want_events(s, EPOLLIN);
	schedule(s);
	peer_on_request(p->pc, p->driver->now, s->id, WLK_OK, &s->socket.local, 1);
	driver_mark_ready(p);
	/* What came in one flight with the end of the handshake raises no event any more. */
	if (s->tls)
		read_all(s);
}

static void go_on_with_handshake(struct stream *s)
{
	wlk_err err = tls_client_handshake(s->tls);

	/* An alert that tells the server why leaves even if it failed. */
	if (flush(s) == WLK_ERR_IO && err == WLK_ERR_AGAIN) {
		fail(s, WLK_ERR_IO, "the connection broke during the TLS handshake");
		return;
	}
	if (err == WLK_ERR_AGAIN) {
		set_full(s, s->full);
		return;
	}
	if (err)
		fail(s, err, tls_client_reason(s->tls));
	else
		open_up(s);
}

static void read_handshake(struct stream *s)
{
	uint8_t data[TCP_READ_SIZE];
	size_t size;
	wlk_err err = WLK_ERR_AGAIN;

	if (!s->socket.datagrams) {
		err = tcp_read(&s->socket, data, sizeof(data), &size);
		if (!err)
			err = tls_client_input(s->tls, data, size);
	}
	if (err && err != WLK_ERR_AGAIN) {
		fail(s, WLK_ERR_IO, "the connection was closed during the TLS handshake");
		return;
	}
	go_on_with_handshake(s);
}

static wlk_err make_tls(struct stream *s)
{
	struct driver_streams *all = &s->driver->streams;
	wlk_err err = WLK_OK;

	if (!all->tls)
		err = tls_context_create(&all->tls, all->ca_file, all->keylog, all->keylog_user);
	return err ? err : tls_client_create(&s->tls, all->tls, s->host, s->socket.datagrams ? s->socket.fd : -1);
}

static void on_connected(struct stream *s)
{
	wlk_err err = tcp_finish_connect(&s->socket);

	if (err == WLK_ERR_AGAIN)
		return;
	if (err) {
		fail(s, err, strerror(errno));
		return;
	}
	if (!s->host) {
		open_up(s);
		return;
	}
	err = make_tls(s);
	if (err) {
		fail(s, err, err == WLK_ERR_CRYPTO ? "the certificate authorities cannot be read" : wlk_strerror(err));
		return;
	}
	s->state = STREAM_HANDSHAKE;
	want_events(s, EPOLLIN);
	go_on_with_handshake(s);
}

static void on_source(struct poller_source *source, uint32_t events)
{
	struct stream *s = CONTAINER_OF(source, struct stream, source);
	bool readable = events & (EPOLLIN | EPOLLERR | EPOLLHUP);

	switch (s->state) {
	case STREAM_CONNECTING:
		on_connected(s);
		break;
	case STREAM_HANDSHAKE:
		if (readable)
			read_handshake(s);
		else
			go_on_with_handshake(s);
		break;
	case STREAM_OPEN:
		if (events & EPOLLOUT && flush(s) == WLK_ERR_IO)
			end(s);
		else if (readable)
			read_all(s);
		break;
	case STREAM_LINGERING:
		if (tcp_flush(&s->socket) != WLK_ERR_AGAIN)
			free_stream(s);
		break;
	}
}

static void on_timer(struct driver_timer *timer)
{
	struct stream *s = CONTAINER_OF(timer, struct stream, timer);
	wlk_time now = s->driver->now;

	if (s->give_up_at <= now) {
		if (s->state == STREAM_LINGERING)
			free_stream(s);
		else
			fail(s, WLK_ERR_TIMEOUT,
			     s->state == STREAM_HANDSHAKE ? "the TLS handshake took too long" : "no answer");
		return;
	}
	if (s->state == STREAM_HANDSHAKE) {
		if (tls_client_on_timer(s->tls))
			fail(s, WLK_ERR_TIMEOUT, "no answer to the DTLS handshake");
		else
			schedule(s);
		return;
	}
	if (s->holds && s->hold_until <= now)
		set_holding(s, false);
	if (s->full && !(s->source.events & EPOLLOUT) && flush(s) == WLK_ERR_IO)
		end(s);
	else
		schedule(s);
}

/* ---- requests ---- */

static struct stream *new_stream(struct driver_peer *p, uint32_t id)
{
	struct stream *s = wlk_calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->driver = p->driver;
	s->peer = p;
	s->id = id;
	s->socket.fd = -1;
	s->give_up_at = WLK_TIME_NEVER;
	list_init(&s->link);
	if (driver_timer_add(&p->driver->timers, &s->timer, on_timer)) {
		wlk_free(s);
		return NULL;
	}
	list_push_back(&p->streams, &s->link);
	return s;
}

static wlk_err begin_connect(struct stream *s, const wlk_request *r)
{
	wlk_err err;

	if (r->type != WLK_REQUEST_CONNECT_TCP) {
		if (!r->host || !*r->host)
			return WLK_ERR_INVALID;
		s->host = wlk_strdup(r->host);
		if (!s->host)
			return WLK_ERR_NOMEM;
	}
	err = tcp_connect(&s->socket, &r->local, &r->remote, r->type == WLK_REQUEST_CONNECT_DTLS);
	return err ? err : poller_add(s->driver->poller, &s->source, s->socket.fd, EPOLLOUT, on_source);
}

static void serve_connect(struct driver_peer *p, const wlk_request *r)
{
	struct stream *s = new_stream(p, r->id);
	wlk_err err;

	if (!s) {
		peer_on_request(p->pc, p->driver->now, r->id, WLK_ERR_NOMEM, NULL, 0);
		driver_mark_ready(p);
		return;
	}
	s->socket.remote = r->remote;
	err = begin_connect(s, r);
	if (err) {
		fail(s, err, err == WLK_ERR_IO ? strerror(errno) : wlk_strerror(err));
		return;
	}
	s->give_up_at = p->driver->now + CONNECT_TIMEOUT;
	schedule(s);
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
	struct stream *s = new_stream(p, next_accepted_id(p));
	wlk_err err;

	if (!s) {
		tcp_close(socket);
		return WLK_ERR_NOMEM;
	}
	s->socket = *socket;
	s->state = STREAM_OPEN;
	err = poller_add(p->driver->poller, &s->source, s->socket.fd, EPOLLIN, on_source);
	if (err) {
		free_stream(s);
		return err;
	}
	schedule(s);
	err = peer_stream_accepted(p->pc, p->driver->now, listener, &s->socket.remote, s->id);
	if (err) {
		free_stream(s);
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
			close_stream(s);
		return true;
	default:
		return false;
	}
}

/* ---- sending ---- */

/* False: dropped, as the network would. */
static bool queue(struct stream *s, struct pktbuf *buf)
{
	bool sent;

	if (s->state != STREAM_OPEN || !tcp_has_room(&s->socket)) {
		pktbuf_release(buf);
		return false;
	}
	if (!s->tls) {
		tcp_queue(&s->socket, buf);
		return true;
	}
	sent = !tls_client_write(s->tls, buf->data, buf->size);
	pktbuf_release(buf);
	pump_tls(s);
	return sent;
}

void driver_stream_route(struct driver_peer *p, struct dgram d)
{
	struct stream *s = find(p, d.stream);

	if (!s)
		pktbuf_release(d.buf);
	if (!s || !queue(s, d.buf))
		p->driver->streams.dropped++;
}

void driver_streams_flush(struct driver_peer *p)
{
	list_for_each_safe (link, &p->streams) {
		struct stream *s = list_entry(link, struct stream, link);

		if (s->state == STREAM_OPEN && !s->full && flush(s) == WLK_ERR_IO)
			end(s);
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
		free_stream(list_entry(d->streams.lingering.next, struct stream, link));
	tls_context_destroy(d->streams.tls);
	wlk_free(d->streams.ca_file);
}

void driver_streams_close(struct driver_peer *p)
{
	list_for_each_safe (link, &p->streams)
		close_stream(list_entry(link, struct stream, link));
}
