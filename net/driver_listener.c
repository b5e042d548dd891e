#include "net/driver_listener.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/time.h"
#include "net/driver.h"

#define ACCEPT_PAUSE (100 * MILLISECOND)

struct listener {
	struct list link; /* in driver_peer.listeners */
	struct driver_peer *peer;
	int fd;
	wlk_addr local;
	struct poller_source source;
	struct driver_timer timer; /* runs while accepting pauses */
};

/* No descriptor is left: as long as the queue of the kernel is not looked at, its event would come for ever. */
static void pause_accepting(struct listener *l)
{
	poller_change(l->peer->driver->poller, &l->source, 0);
	driver_timer_set(&l->peer->driver->timers, &l->timer, l->peer->driver->now + ACCEPT_PAUSE);
}

static void on_pause_over(struct driver_timer *timer)
{
	struct listener *l = CONTAINER_OF(timer, struct listener, timer);

	if (poller_change(l->peer->driver->poller, &l->source, EPOLLIN))
		pause_accepting(l);
}

static void on_listener(struct poller_source *source, uint32_t events)
{
	struct listener *l = CONTAINER_OF(source, struct listener, source);
	struct tcp_stream socket;

	(void)events;
	for (int n = 0; n < DRIVER_ACCEPTS; n++) {
		wlk_err err = tcp_accept(l->fd, &socket);

		if (err == WLK_ERR_NOSPACE)
			pause_accepting(l);
		if (err)
			return;
		(void)driver_stream_adopt(l->peer, &l->local, &socket, NULL, 0);
	}
}

static void free_listener(struct listener *l)
{
	struct driver *d = l->peer->driver;

	driver_timer_remove(&d->timers, &l->timer);
	poller_remove(d->poller, &l->source);
	list_remove(&l->link);
	if (l->fd >= 0)
		close(l->fd);
	wlk_free(l);
}

static wlk_err open_listener(struct driver_peer *p, const wlk_request *r, struct listener **out)
{
	struct listener *l = wlk_calloc(1, sizeof(*l));
	wlk_err err;

	if (!l)
		return WLK_ERR_NOMEM;
	l->peer = p;
	err = driver_timer_add(&p->driver->timers, &l->timer, on_pause_over);
	if (err) {
		wlk_free(l);
		return err;
	}
	list_push_back(&p->listeners, &l->link);
	l->fd = tcp_listen(&r->local, r->port_min, r->port_max, &l->local);
	err = l->fd < 0 ? WLK_ERR_IO : poller_add(p->driver->poller, &l->source, l->fd, EPOLLIN, on_listener);
	if (err) {
		free_listener(l);
		return err;
	}
	*out = l;
	return WLK_OK;
}

void driver_listener_serve(struct driver_peer *p, const wlk_request *r)
{
	char text[WLK_ADDR_TEXT_MAX];
	struct listener *l;
	wlk_err err = open_listener(p, r, &l);

	if (err)
		LOG_I(p->driver, "cannot listen at %s: %s", addr_text(&r->local, text), strerror(errno));
	peer_on_request(p->pc, p->driver->now, r->id, err, err ? NULL : &l->local, !err);
	driver_mark_ready(p);
}

bool driver_listener_close(struct driver_peer *p, const wlk_addr *local)
{
	list_for_each (link, &p->listeners) {
		struct listener *l = list_entry(link, struct listener, link);

		if (addr_equal(&l->local, local)) {
			free_listener(l);
			return true;
		}
	}
	return false;
}

void driver_listeners_close(struct driver_peer *p)
{
	while (!list_empty(&p->listeners))
		free_listener(list_entry(p->listeners.next, struct listener, link));
}
