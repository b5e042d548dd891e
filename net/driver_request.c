/* What peers ask the outside for: sockets, names, mDNS; and the way of datagrams between a peer and its sockets. */
#include <errno.h>
#include <string.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "net/driver.h"
#include "net/resolve.h"

/* A socket that a peer asked for. */
struct port {
	struct list link; /* in driver_peer.ports */
	struct driver_peer *peer;
	bool full; /* waits for EPOLLOUT */
	struct udp_socket socket;
	struct poller_source source;
};

/* A name that is being looked up for request |id|. */
struct lookup {
	struct list link; /* in driver_peer.lookups */
	struct driver_peer *peer;
	uint32_t id;
	struct resolve_query *query;
};

static void answer(struct driver_peer *p, uint32_t id, wlk_err err, const wlk_addr *addresses, size_t count)
{
	peer_on_request(p->pc, p->driver->now, id, err, addresses, count);
	driver_mark_ready(p);
}

static void set_full(struct port *port, bool full)
{
	struct driver_peer *p = port->peer;

	if (port->full == full)
		return;
	port->full = full;
	p->full_ports += full ? 1 : (size_t)-1;
	/* When the kernel refuses the change driver_flush() tries again at the deadline of a full socket. */
	poller_change(p->driver->poller, &port->source, full ? EPOLLIN | EPOLLOUT : EPOLLIN);
	if (!p->full_ports && !p->gone)
		driver_mark_ready(p);
}

static void flush(struct port *port)
{
	if (port->socket.out.count)
		set_full(port, !udp_flush(&port->socket, &port->peer->driver->stats));
}

static void read_all(struct port *port)
{
	struct driver_peer *p = port->peer;
	struct driver *d = p->driver;
	struct dgram dgram;

	if (!udp_rx_receive(&d->rx, &port->socket))
		return;
	while (udp_rx_next(&d->rx, &dgram))
		peer_input(p->pc, d->now, dgram);
	driver_mark_ready(p);
}

static void on_port(struct poller_source *source, uint32_t events)
{
	struct port *port = CONTAINER_OF(source, struct port, source);

	if (events & EPOLLOUT) {
		flush(port);
		if (!port->full) /* also when set_full() could not: or the event would come for ever */
			poller_change(port->peer->driver->poller, source, EPOLLIN);
	}
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		read_all(port);
}

static void close_port(struct port *port)
{
	struct driver *d = port->peer->driver;

	set_full(port, false);
	poller_remove(d->poller, &port->source);
	list_remove(&port->link);
	udp_close(&port->socket);
	wlk_free(port);
}

static wlk_err open_port(struct driver_peer *p, const wlk_request *request, struct port **out)
{
	struct driver *d = p->driver;
	struct port *port;
	wlk_err err;

	if (request->local.family != 4 && request->local.family != 6)
		return WLK_ERR_INVALID;
	port = wlk_calloc(1, sizeof(*port));
	if (!port)
		return WLK_ERR_NOMEM;
	port->peer = p;
	if (request->type == WLK_REQUEST_JOIN_MDNS)
		err = udp_open_mdns(&port->socket, &request->local);
	else
		err = udp_open(&port->socket, &request->local, d->no_gso);
	if (err)
		goto out_free;
	err = poller_add(d->poller, &port->source, port->socket.fd, EPOLLIN, on_port);
	if (err)
		goto out_close;
	list_push_back(&p->ports, &port->link);
	*out = port;
	return WLK_OK;
out_close:
	udp_close(&port->socket);
out_free:
	wlk_free(port);
	return err;
}

static void serve_bind(struct driver_peer *p, const wlk_request *request)
{
	char text[WLK_ADDR_TEXT_MAX];
	struct port *port;
	wlk_err err = open_port(p, request, &port);

	if (err) {
		LOG_I(p->driver, "no socket at %s: %s (%s)", addr_text(&request->local, text), wlk_strerror(err),
		      strerror(errno));
		answer(p, request->id, err, NULL, 0);
		return;
	}
	answer(p, request->id, WLK_OK, &port->socket.local, 1);
}

static void drop_lookup(struct lookup *lookup)
{
	resolve_cancel(lookup->query);
	list_remove(&lookup->link);
	wlk_free(lookup);
}

static void on_resolved(void *user, wlk_err err, const wlk_addr *addresses, size_t count)
{
	struct lookup *lookup = user;

	lookup->query = NULL;
	answer(lookup->peer, lookup->id, err, addresses, count);
	drop_lookup(lookup);
}

static wlk_err start_lookup(struct driver_peer *p, const wlk_request *request)
{
	struct lookup *lookup = wlk_calloc(1, sizeof(*lookup));
	wlk_err err;

	if (!lookup)
		return WLK_ERR_NOMEM;
	lookup->peer = p;
	lookup->id = request->id;
	err = resolve_start(p->driver->mailbox, request->host, on_resolved, lookup, &lookup->query);
	if (err) {
		wlk_free(lookup);
		return err;
	}
	list_push_back(&p->lookups, &lookup->link);
	return WLK_OK;
}

static void serve_resolve(struct driver_peer *p, const wlk_request *request)
{
	wlk_addr literal;
	wlk_err err;

	if (!request->host) {
		answer(p, request->id, WLK_ERR_INVALID, NULL, 0);
		return;
	}
	if (resolve_literal(request->host, &literal)) {
		answer(p, request->id, WLK_OK, &literal, 1);
		return;
	}
	err = start_lookup(p, request);
	if (err)
		answer(p, request->id, err, NULL, 0);
}

static void serve_close(struct driver_peer *p, const wlk_addr *local)
{
	list_for_each_safe (link, &p->ports)
		if (addr_equal(&list_entry(link, struct port, link)->socket.local, local))
			close_port(list_entry(link, struct port, link));
}

bool driver_serve_requests(struct driver_peer *p)
{
	wlk_request request;

	for (int n = 0; n < DRIVER_REQUESTS; n++) {
		if (!peer_poll_request(p->pc, &request))
			return false;
		switch (request.type) {
		case WLK_REQUEST_BIND_UDP:
		case WLK_REQUEST_JOIN_MDNS:
			serve_bind(p, &request);
			break;
		case WLK_REQUEST_RESOLVE:
			serve_resolve(p, &request);
			break;
		case WLK_REQUEST_CLOSE:
			serve_close(p, &request.local);
			break;
		default:
			answer(p, request.id, WLK_ERR_UNSUPPORTED, NULL, 0);
		}
	}
	return true;
}

void driver_route(struct driver_peer *p, struct dgram d)
{
	list_for_each (link, &p->ports) {
		struct port *port = list_entry(link, struct port, link);

		if (!addr_equal(&port->socket.local, &d.local))
			continue;
		if (d.remote.family != port->socket.local.family)
			break;
		if (!udp_queue(&port->socket, d))
			p->driver->stats.tx_dropped++;
		return;
	}
	p->driver->stats.tx_dropped++;
	pktbuf_release(d.buf);
}

void driver_flush(struct driver_peer *p)
{
	list_for_each (link, &p->ports) {
		struct port *port = list_entry(link, struct port, link);

		if (!port->full || !(port->source.events & EPOLLOUT))
			flush(port);
	}
}

void driver_close_all(struct driver_peer *p)
{
	while (!list_empty(&p->ports))
		close_port(list_entry(p->ports.next, struct port, link));
	while (!list_empty(&p->lookups))
		drop_lookup(list_entry(p->lookups.next, struct lookup, link));
}
