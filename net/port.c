#include "net/port.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "net/driver.h"

enum { SHARED_BATCHES = 4 }; /* UDP_RX_MESSAGES messages each, that one event takes from a shared socket */

/* ---- sending ---- */

static void wait_for_room(struct port_user *user)
{
	if (!list_empty(&user->waiting))
		return;
	list_push_back(&user->port->waiting, &user->waiting);
	user->peer->full_ports++;
}

static void end_waiting(struct port_user *user)
{
	struct driver_peer *p = user->peer;

	if (list_empty(&user->waiting))
		return;
	list_remove(&user->waiting);
	p->full_ports--;
	if (!p->full_ports && !p->gone)
		driver_mark_ready(p);
}

static void set_full(struct port *port, bool full)
{
	if (port->full == full)
		return;
	port->full = full;
	/* When the kernel refuses the change port_room() tries again at the deadline of a full socket. */
	poller_change(port->driver->poller, &port->source, full ? EPOLLIN | EPOLLOUT : EPOLLIN);
	while (!full && !list_empty(&port->waiting))
		end_waiting(list_entry(port->waiting.next, struct port_user, waiting));
}

void port_flush(struct port *port)
{
	list_remove(&port->unsent);
	if (port->socket.out.count)
		set_full(port, !udp_flush(&port->socket, &port->driver->stats));
}

void port_flush_unsent(struct driver *d)
{
	while (!list_empty(&d->unsent))
		port_flush(list_entry(d->unsent.next, struct port, unsent));
}

size_t port_room(struct driver_peer *p)
{
	size_t room = UDP_BATCH;

	list_for_each (link, &p->ports) {
		struct port_user *user = list_entry(link, struct port_user, of_peer);
		struct port *port = user->port;
		size_t left = port->socket.out.limit - port->socket.out.count;

		if (port->full ? !(port->source.events & EPOLLOUT) : !left) {
			port_flush(port);
			left = port->socket.out.limit - port->socket.out.count;
		}
		if (port->full)
			wait_for_room(user);
		room = MIN(room, port->full ? 0 : left);
	}
	return room;
}

void driver_route(struct driver_peer *p, struct dgram d)
{
	if (d.stream) {
		driver_stream_route(p, d);
		return;
	}
	list_for_each (link, &p->ports) {
		struct port *port = list_entry(link, struct port_user, of_peer)->port;

		if (!addr_equal(&port->socket.local, &d.local))
			continue;
		if (d.remote.family != port->socket.local.family)
			break;
		if (port->shared) {
			mux_on_sent(p->driver->mux, p->driver->now, &p->mux, d.buf->data, d.buf->size);
			if (list_empty(&port->unsent))
				list_push_back(&p->driver->unsent, &port->unsent);
		}
		if (!udp_queue(&port->socket, d))
			p->driver->stats.tx_dropped++;
		return;
	}
	p->driver->stats.tx_dropped++;
	pktbuf_release(d.buf);
}

void driver_flush(struct driver_peer *p)
{
	driver_streams_flush(p);
	list_for_each (link, &p->ports) {
		struct port_user *user = list_entry(link, struct port_user, of_peer);
		struct port *port = user->port;

		/* Many peers fill one batch of a shared socket; port_flush_unsent() sends it. */
		if (!port->shared && (!port->full || !(port->source.events & EPOLLOUT)))
			port_flush(port);
		if (port->full)
			wait_for_room(user);
	}
}

/* ---- receiving ---- */

static bool read_own(struct port *port)
{
	struct driver *d = port->driver;
	struct driver_peer *p = list_entry(port->users.next, struct port_user, of_port)->peer;
	struct dgram dgram;

	if (!udp_rx_receive(&d->rx, &port->socket))
		return false;
	while (udp_rx_next(&d->rx, &dgram))
		peer_input(p->pc, d->now, dgram);
	driver_mark_ready(p);
	return false;
}

static void take_shared(struct driver *d, struct dgram dgram)
{
	struct mux_user *user = mux_find(d->mux, d->now, &dgram);
	bool stun = dgram.buf->size && dgram.buf->data[0] <= 3;
	struct driver_peer *p;

	if (!user) {
		pktbuf_release(dgram.buf);
		return;
	}
	p = CONTAINER_OF(user, struct driver_peer, mux);
	peer_input(p->pc, d->now, dgram);
	if (stun)
		mux_learn(d->mux, d->now, user, &dgram.local, &dgram.remote);
	driver_mark_ready(p);
}

/* True when there may be more. */
static bool read_shared(struct port *port)
{
	struct driver *d = port->driver;
	struct dgram dgram;
	bool more;

	if (!udp_rx_receive(&d->rx, &port->socket))
		return false;
	more = d->rx.count == UDP_RX_MESSAGES;
	while (udp_rx_next(&d->rx, &dgram))
		take_shared(d, dgram);
	return more;
}

static void on_port(struct poller_source *source, uint32_t events)
{
	struct port *port = CONTAINER_OF(source, struct port, source);

	if (events & EPOLLOUT) {
		port_flush(port);
		if (!port->full) /* also when set_full() could not: or the event would come for ever */
			poller_change(port->driver->poller, source, EPOLLIN);
	}
	if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return;
	for (int batch = 0; batch < SHARED_BATCHES; batch++)
		if (port->shared ? !read_shared(port) : !read_own(port))
			break;
}

/* ---- opening and closing ---- */

static wlk_err open_socket(struct port *port, const wlk_request *request)
{
	struct driver *d = port->driver;
	wlk_addr local = request->local;

	if (request->type == WLK_REQUEST_JOIN_MDNS)
		return udp_open_mdns(&port->socket, &local);
	if (port->shared)
		local.port = d->udp_port;
	return udp_open(&port->socket, &local, request->port_min, request->port_max, d->no_gso);
}

static wlk_err new_port(struct driver *d, const wlk_request *request, bool shared, struct port **out)
{
	struct port *port = wlk_calloc(1, sizeof(*port));
	wlk_err err;

	if (!port)
		return WLK_ERR_NOMEM;
	port->driver = d;
	port->shared = shared;
	port->ip = request->local;
	port->ip.port = 0;
	list_init(&port->link);
	list_init(&port->unsent);
	list_init(&port->users);
	list_init(&port->waiting);
	err = open_socket(port, request);
	if (err)
		goto out_free;
	err = poller_add(d->poller, &port->source, port->socket.fd, EPOLLIN, on_port);
	if (err)
		goto out_close;
	if (shared)
		list_push_back(&d->shared_ports, &port->link);
	*out = port;
	return WLK_OK;
out_close:
	udp_close(&port->socket);
out_free:
	wlk_free(port);
	return err;
}

static void close_port(struct port *port)
{
	port_flush(port);
	poller_remove(port->driver->poller, &port->source);
	list_remove(&port->link);
	udp_close(&port->socket);
	wlk_free(port);
}

static struct port *find_shared(const struct driver *d, const wlk_addr *local)
{
	wlk_addr ip = *local;

	ip.port = 0;
	list_for_each (link, &d->shared_ports)
		if (addr_equal(&list_entry(link, struct port, link)->ip, &ip))
			return list_entry(link, struct port, link);
	return NULL;
}

wlk_err port_open(struct driver_peer *p, const wlk_request *request, struct port_user **out)
{
	struct driver *d = p->driver;
	bool shared = d->udp_port && request->type == WLK_REQUEST_BIND_UDP && !request->own_port;
	struct port *port = shared ? find_shared(d, &request->local) : NULL;
	struct port_user *user;
	wlk_err err;

	if (request->local.family != 4 && request->local.family != 6)
		return WLK_ERR_INVALID;
	user = wlk_calloc(1, sizeof(*user));
	if (!user)
		return WLK_ERR_NOMEM;
	err = port ? WLK_OK : new_port(d, request, shared, &port);
	if (err) {
		wlk_free(user);
		return err;
	}
	user->port = port;
	user->peer = p;
	list_init(&user->waiting);
	list_push_back(&p->ports, &user->of_peer);
	list_push_back(&port->users, &user->of_port);
	if (shared)
		mux_join(d->mux, &p->mux, p->pc);
	*out = user;
	return WLK_OK;
}

void port_leave(struct port_user *user)
{
	struct driver_peer *p = user->peer;
	struct port *port = user->port;

	end_waiting(user);
	list_remove(&user->of_peer);
	list_remove(&user->of_port);
	if (port->shared)
		mux_forget_local(p->driver->mux, &p->mux, &port->socket.local);
	if (list_empty(&port->users))
		close_port(port);
	wlk_free(user);
}
