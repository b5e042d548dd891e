#include "net/stream.h"

#include <errno.h>
#include <string.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"

#define LINGER_TIMEOUT  SECOND
/* A stream that takes nothing for so long no longer holds back what its peer could send on another path. */
#define HOLD_TIMEOUT SECOND

#define RETRY_FLUSH  (10 * MILLISECOND)

enum { TLS_ANSWERS_MAX = 2 * TCP_QUEUE_MAX /* more waits only if TLS itself has put it there */ };

/* ---- timers ---- */

void stream_schedule(struct stream *s)
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
	stream_schedule(s);
}

void stream_free(struct stream *s)
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
wlk_err stream_flush(struct stream *s)
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
void stream_end(struct stream *s)
{
	struct driver_peer *p = s->peer;
	uint32_t id = s->id;

	stream_free(s);
	if (!p || p->gone)
		return;
	peer_stream_closed(p->pc, p->driver->now, id);
	driver_mark_ready(p);
}

/* It never came up. */
void stream_fail(struct stream *s, wlk_err err, const char *why)
{
	struct driver_peer *p = s->peer;
	char text[WLK_ADDR_TEXT_MAX];

	LOG_RATED(s->driver, &s->driver->streams.log_budget, s->driver->now, LOG_LEVEL_INFO, "no connection to %s: %s",
		  addr_text(&s->socket.remote, text), why);
	peer_on_request_failed(p->pc, p->driver->now, s->id, err, why);
	driver_mark_ready(p);
	stream_free(s);
}

/* The peer is done with it: what it has handed out before still leaves. */
void stream_close(struct stream *s)
{
	if (s->state != STREAM_OPEN) {
		stream_free(s);
		return;
	}
	if (s->tls)
		tls_client_shutdown(s->tls);
	pump_tls(s);
	if (tcp_flush(&s->socket) != WLK_ERR_AGAIN) {
		stream_free(s);
		return;
	}
	set_holding(s, false);
	s->state = STREAM_LINGERING;
	s->peer = NULL;
	s->give_up_at = s->driver->now + LINGER_TIMEOUT;
	list_remove(&s->link);
	list_push_back(&s->driver->streams.lingering, &s->link);
	want_events(s, EPOLLOUT);
	stream_schedule(s);
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
		stream_end(s);
		return;
	}
	/* An answer of TLS itself. Nobody asks for so many and reads none of them but to fill our memory. */
	if (s->tls && (stream_flush(s) == WLK_ERR_IO || s->socket.out_bytes > TLS_ANSWERS_MAX))
		stream_end(s);
}

/* ---- coming up ---- */

static void open_up(struct stream *s)
{
	struct driver_peer *p = s->peer;

	s->state = STREAM_OPEN;
	s->give_up_at = WLK_TIME_NEVER;
	want_events(s, EPOLLIN);
	stream_schedule(s);
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
	if (stream_flush(s) == WLK_ERR_IO && err == WLK_ERR_AGAIN) {
		stream_fail(s, WLK_ERR_IO, "the connection broke during the TLS handshake");
		return;
	}
	if (err == WLK_ERR_AGAIN) {
		set_full(s, s->full);
		return;
	}
	if (err)
		stream_fail(s, err, tls_client_reason(s->tls));
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
		stream_fail(s, WLK_ERR_IO, "the connection was closed during the TLS handshake");
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
		stream_fail(s, err, strerror(errno));
		return;
	}
	if (!s->host) {
		open_up(s);
		return;
	}
	err = make_tls(s);
	if (err) {
		stream_fail(s, err, err == WLK_ERR_CRYPTO ? "the certificate authorities cannot be read" : wlk_strerror(err));
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
		if (events & EPOLLOUT && stream_flush(s) == WLK_ERR_IO)
			stream_end(s);
		else if (readable)
			read_all(s);
		break;
	case STREAM_LINGERING:
		if (tcp_flush(&s->socket) != WLK_ERR_AGAIN)
			stream_free(s);
		break;
	}
}

static void on_timer(struct driver_timer *timer)
{
	struct stream *s = CONTAINER_OF(timer, struct stream, timer);
	wlk_time now = s->driver->now;

	if (s->give_up_at <= now) {
		if (s->state == STREAM_LINGERING)
			stream_free(s);
		else
			stream_fail(s, WLK_ERR_TIMEOUT,
			     s->state == STREAM_HANDSHAKE ? "the TLS handshake took too long" : "no answer");
		return;
	}
	if (s->state == STREAM_HANDSHAKE) {
		if (tls_client_on_timer(s->tls))
			stream_fail(s, WLK_ERR_TIMEOUT, "no answer to the DTLS handshake");
		else
			stream_schedule(s);
		return;
	}
	if (s->holds && s->hold_until <= now)
		set_holding(s, false);
	if (s->full && !(s->source.events & EPOLLOUT) && stream_flush(s) == WLK_ERR_IO)
		stream_end(s);
	else
		stream_schedule(s);
}

/* ---- made ---- */

struct stream *stream_new(struct driver_peer *p, uint32_t id)
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

wlk_err stream_connect(struct stream *s, const wlk_request *r)
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

wlk_err stream_watch(struct stream *s)
{
	return poller_add(s->driver->poller, &s->source, s->socket.fd, EPOLLIN, on_source);
}

/* ---- sending ---- */

bool stream_queue(struct stream *s, struct pktbuf *buf)
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
