#include "net/mux_tcp.h"

#include <string.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "net/driver.h"

#define ACCEPT_PAUSE (100 * MILLISECOND)

enum { ACCEPTS = 16 }; /* of one listener in one turn */

/* A listener that several peers share. */
struct shared_listener {
	struct list link; /* in mux_tcp.listeners */
	struct driver *driver;
	struct list users; /* listener_user.of_listener */
	wlk_addr ip;       /* as asked for */
	wlk_addr local;    /* as bound */
	int fd;
	struct poller_source source;
	wlk_time resume_at; /* when it accepts again; WLK_TIME_NEVER: it does */
};

/* A peer's use of it. */
struct listener_user {
	struct list of_peer; /* in driver_peer.shared_listeners */
	struct list of_listener;
	struct shared_listener *listener;
};

/* A connection that has not said yet whose it is. */
struct guest {
	struct list link; /* in mux_tcp.guests */
	struct shared_listener *listener;
	struct tcp_stream socket;
	struct poller_source source;
	wlk_time until;
	size_t size;
	uint8_t data[MUX_TCP_FRAME];
};

void mux_tcp_init(struct mux_tcp *t)
{
	*t = (struct mux_tcp){ 0 };
	list_init(&t->listeners);
	list_init(&t->guests);
}

/* ---- guests ---- */

/* Without closing the socket. */
static void forget_guest(struct guest *g)
{
	struct driver *d = g->listener->driver;

	poller_remove(d->poller, &g->source);
	list_remove(&g->link);
	d->mux_tcp.guest_count--;
	wlk_free(g);
}

static void close_guest(struct guest *g, uint64_t *counter)
{
	struct tcp_stream socket = g->socket;

	(*counter)++;
	forget_guest(g);
	tcp_close(&socket);
}

/* The peer that listens there and has the ufrag; NULL: nobody. */
static struct driver_peer *peer_of(const struct guest *g, struct str ufrag)
{
	struct mux_user *user = mux_find_ufrag(g->listener->driver->mux, ufrag);
	struct driver_peer *p = user ? CONTAINER_OF(user, struct driver_peer, mux) : NULL;

	if (!p)
		return NULL;
	list_for_each (link, &p->shared_listeners)
		if (list_entry(link, struct listener_user, of_peer)->listener == g->listener)
			return p;
	return NULL;
}

static void hand_over(struct guest *g, struct driver_peer *p)
{
	struct driver *d = p->driver;
	struct tcp_stream socket = g->socket;
	wlk_addr local = g->listener->local;
	uint8_t data[MUX_TCP_FRAME];
	size_t size = g->size;

	memcpy(data, g->data, size);
	forget_guest(g); /* its descriptor leaves the poller before it comes in again */
	if (driver_stream_adopt(p, &local, &socket, data, size))
		d->mux_tcp.stats.refused++;
	else
		d->mux_tcp.stats.adopted++;
}

/* Answers false when the guest is gone. */
static bool identify(struct guest *g)
{
	struct mux_tcp_stats *stats = &g->listener->driver->mux_tcp.stats;
	struct bytes_reader r = bytes_reader(g->data, g->size);
	size_t length = bytes_u16(&r);
	struct driver_peer *p = NULL;
	struct stun_peek stun;

	if (r.failed)
		return true;
	if (length >= STUN_HEADER_SIZE && length <= MUX_TCP_FRAME - 2) {
		if (r.left < length)
			return true;
		if (stun_peek(&stun, r.at, length) && stun.class == STUN_REQUEST)
			p = peer_of(g, stun.ufrag);
	}
	if (p)
		hand_over(g, p);
	else
		close_guest(g, &stats->refused);
	return false;
}

static void on_guest(struct poller_source *source, uint32_t events)
{
	struct guest *g = CONTAINER_OF(source, struct guest, source);
	size_t got;
	wlk_err err;

	(void)events;
	do {
		/* There is room: a frame that fills it has been looked at. */
		err = tcp_read(&g->socket, g->data + g->size, sizeof(g->data) - g->size, &got);
		if (err == WLK_ERR_AGAIN)
			return;
		if (err) {
			close_guest(g, &g->listener->driver->mux_tcp.stats.refused);
			return;
		}
		g->size += got;
	} while (identify(g));
}

/* One subscriber has a /64 to himself. */
static bool is_same_source(const wlk_addr *a, const wlk_addr *b)
{
	return a->family == b->family && !memcmp(a->ip, b->ip, a->family == 6 ? 8 : 4);
}

/* Whoever has to leave for one more of |source|, or NULL. */
static struct guest *find_surplus(const struct mux_tcp *t, const wlk_addr *source)
{
	struct guest *oldest = NULL;
	size_t count = 0;

	list_for_each (link, &t->guests) {
		struct guest *g = list_entry(link, struct guest, link);

		if (!is_same_source(&g->socket.remote, source))
			continue;
		oldest = oldest ? oldest : g;
		count++;
	}
	if (count >= MUX_TCP_GUESTS_OF_SOURCE)
		return oldest;
	return t->guest_count == MUX_TCP_GUESTS ? list_entry(t->guests.next, struct guest, link) : NULL;
}

static void take_guest(struct shared_listener *l, struct tcp_stream *socket)
{
	struct driver *d = l->driver;
	struct mux_tcp *t = &d->mux_tcp;
	struct guest *surplus = find_surplus(t, &socket->remote);
	struct guest *g;

	if (surplus)
		close_guest(surplus, &t->stats.evicted);
	g = wlk_calloc(1, sizeof(*g));
	if (!g || poller_add(d->poller, &g->source, socket->fd, EPOLLIN, on_guest)) {
		wlk_free(g);
		tcp_close(socket);
		t->stats.refused++;
		return;
	}
	g->listener = l;
	g->socket = *socket;
	g->until = d->now + MUX_TCP_PATIENCE_US;
	list_push_back(&t->guests, &g->link);
	t->guest_count++;
}

/* ---- listeners ---- */

/* No descriptor is left: as long as the kernel's queue is not looked at, its event would come for ever. */
static void pause_accepting(struct shared_listener *l)
{
	poller_change(l->driver->poller, &l->source, 0);
	l->resume_at = l->driver->now + ACCEPT_PAUSE;
}

static void on_listener(struct poller_source *source, uint32_t events)
{
	struct shared_listener *l = CONTAINER_OF(source, struct shared_listener, source);
	struct tcp_stream socket;

	(void)events;
	for (int n = 0; n < ACCEPTS; n++) {
		wlk_err err = tcp_accept(l->fd, &socket);

		if (err == WLK_ERR_NOSPACE)
			pause_accepting(l);
		if (err)
			return;
		take_guest(l, &socket);
	}
}

static struct shared_listener *find_listener(const struct driver *d, const wlk_addr *ip)
{
	list_for_each (link, &d->mux_tcp.listeners)
		if (addr_ip_equal(&list_entry(link, struct shared_listener, link)->ip, ip) &&
		    list_entry(link, struct shared_listener, link)->ip.scope_id == ip->scope_id)
			return list_entry(link, struct shared_listener, link);
	return NULL;
}

static wlk_err open_listener(struct driver *d, const wlk_addr *ip, struct shared_listener **out)
{
	struct shared_listener *l = wlk_calloc(1, sizeof(*l));
	wlk_addr at = *ip;
	wlk_err err;

	if (!l)
		return WLK_ERR_NOMEM;
	at.port = d->tcp_port;
	l->driver = d;
	l->ip = *ip;
	l->resume_at = WLK_TIME_NEVER;
	list_init(&l->users);
	l->fd = tcp_listen(&at, 0, 0, &l->local);
	err = l->fd < 0 ? WLK_ERR_IO : poller_add(d->poller, &l->source, l->fd, EPOLLIN, on_listener);
	if (err) {
		if (l->fd >= 0)
			close(l->fd);
		wlk_free(l);
		return err;
	}
	list_push_back(&d->mux_tcp.listeners, &l->link);
	*out = l;
	return WLK_OK;
}

static void close_listener(struct shared_listener *l)
{
	struct mux_tcp *t = &l->driver->mux_tcp;

	list_for_each_safe (link, &t->guests)
		if (list_entry(link, struct guest, link)->listener == l)
			close_guest(list_entry(link, struct guest, link), &t->stats.refused);
	poller_remove(l->driver->poller, &l->source);
	list_remove(&l->link);
	close(l->fd);
	wlk_free(l);
}

wlk_err mux_tcp_listen(struct driver_peer *p, const wlk_request *request, wlk_addr *bound)
{
	struct driver *d = p->driver;
	struct shared_listener *l = find_listener(d, &request->local);
	struct listener_user *user = wlk_calloc(1, sizeof(*user));
	wlk_err err;

	if (!user)
		return WLK_ERR_NOMEM;
	err = l ? WLK_OK : open_listener(d, &request->local, &l);
	if (err) {
		wlk_free(user);
		return err;
	}
	user->listener = l;
	list_push_back(&p->shared_listeners, &user->of_peer);
	list_push_back(&l->users, &user->of_listener);
	mux_join(d->mux, &p->mux, p->pc);
	*bound = l->local;
	return WLK_OK;
}

static void leave(struct listener_user *user)
{
	struct shared_listener *l = user->listener;

	list_remove(&user->of_peer);
	list_remove(&user->of_listener);
	wlk_free(user);
	if (list_empty(&l->users))
		close_listener(l);
}

bool mux_tcp_leave(struct driver_peer *p, const wlk_addr *local)
{
	list_for_each (link, &p->shared_listeners) {
		struct listener_user *user = list_entry(link, struct listener_user, of_peer);

		if (addr_equal(&user->listener->local, local)) {
			leave(user);
			return true;
		}
	}
	return false;
}

void mux_tcp_leave_all(struct driver_peer *p)
{
	while (!list_empty(&p->shared_listeners))
		leave(list_entry(p->shared_listeners.next, struct listener_user, of_peer));
}

/* ---- time ---- */

void mux_tcp_expire(struct driver *d)
{
	struct mux_tcp *t = &d->mux_tcp;

	while (!list_empty(&t->guests) && list_entry(t->guests.next, struct guest, link)->until <= d->now)
		close_guest(list_entry(t->guests.next, struct guest, link), &t->stats.timed_out);
	list_for_each (link, &t->listeners) {
		struct shared_listener *l = list_entry(link, struct shared_listener, link);

		if (l->resume_at > d->now)
			continue;
		l->resume_at = WLK_TIME_NEVER;
		if (poller_change(d->poller, &l->source, EPOLLIN))
			pause_accepting(l);
	}
}

wlk_time mux_tcp_deadline(const struct driver *d)
{
	const struct mux_tcp *t = &d->mux_tcp;
	wlk_time at = WLK_TIME_NEVER;

	if (!list_empty(&t->guests))
		at = list_entry(t->guests.next, struct guest, link)->until;
	list_for_each (link, &t->listeners)
		at = time_min(at, list_entry(link, struct shared_listener, link)->resume_at);
	return at;
}
