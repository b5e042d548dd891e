/* What peers ask the outside for: sockets, names, mDNS. */
#include <errno.h>
#include <string.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "net/driver.h"
#include "net/driver_listener.h"
#include "net/port.h"
#include "net/resolve.h"

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

static void serve_bind(struct driver_peer *p, const wlk_request *request)
{
	char text[WLK_ADDR_TEXT_MAX];
	struct port_user *user;
	wlk_err err = port_open(p, request, &user);

	if (err) {
		LOG_I(p->driver, "no socket at %s: %s (%s)", addr_text(&request->local, text), wlk_strerror(err),
		      strerror(errno));
		answer(p, request->id, err, NULL, 0);
		return;
	}
	answer(p, request->id, WLK_OK, &user->port->socket.local, 1);
}

/* All peers share one listener on that address. */
static void serve_listen(struct driver_peer *p, const wlk_request *request)
{
	char text[WLK_ADDR_TEXT_MAX];
	wlk_addr bound;
	wlk_err err = mux_tcp_listen(p, request, &bound);

	if (err)
		LOG_I(p->driver, "cannot listen at %s: %s (%s)", addr_text(&request->local, text), wlk_strerror(err),
		      strerror(errno));
	answer(p, request->id, err, &bound, !err);
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
	if (driver_listener_close(p, local) || mux_tcp_leave(p, local))
		return;
	list_for_each (link, &p->ports) {
		struct port_user *user = list_entry(link, struct port_user, of_peer);

		if (addr_equal(&user->port->socket.local, local)) {
			port_leave(user);
			return;
		}
	}
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
		case WLK_REQUEST_LISTEN_TCP:
			if (p->driver->tcp_port) {
				serve_listen(p, &request);
				break;
			}
			/* fall through */
		default:
			if (!driver_stream_serve(p, &request))
				answer(p, request.id, WLK_ERR_UNSUPPORTED, NULL, 0);
		}
	}
	return true;
}

void driver_close_all(struct driver_peer *p)
{
	driver_listeners_close(p);
	driver_streams_close(p);
	mux_tcp_leave_all(p);
	while (!list_empty(&p->ports))
		port_leave(list_entry(p->ports.next, struct port_user, of_peer));
	if (p->driver->mux)
		mux_leave(p->driver->mux, &p->mux);
	while (!list_empty(&p->lookups))
		drop_lookup(list_entry(p->lookups.next, struct lookup, link));
}
