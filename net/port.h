/* The UDP sockets of a driver and the peers that use them: one each, or many that share a port. */
#ifndef NET_PORT_H
#define NET_PORT_H

#include <wirelark/drive.h>

#include "core/list.h"
#include "net/poller.h"
#include "net/udp.h"

struct driver;
struct driver_peer;

struct port {
	struct driver *driver;
	bool shared;
	wlk_addr ip;         /* shared: what it was asked for */
	struct list link;    /* shared: in driver.shared_ports */
	struct list unsent;  /* shared: in driver.unsent while something is queued that no flush has seen */
	struct list users;   /* port_user.of_port */
	struct list waiting; /* port_user.waiting, longest first: they have something to send and |full| is set */
	bool full;           /* waits for EPOLLOUT */
	struct udp_socket socket;
	struct poller_source source;
};

/* A peer's use of a socket. */
struct port_user {
	struct list of_peer; /* in driver_peer.ports */
	struct list of_port;
	struct list waiting;
	struct port *port;
	struct driver_peer *peer;
};

/*
 * Open what a BIND_UDP or JOIN_MDNS asks for, or take part in the shared socket on that address when the driver has one
 * port for all. WLK_ERR_INVALID: no address. WLK_ERR_NOMEM; WLK_ERR_IO: the kernel refuses, errno tells why.
 */
wlk_err port_open(struct driver_peer *p, const wlk_request *request, struct port_user **out);
/* The socket closes with its last user. */
void port_leave(struct port_user *user);
/* Send what is queued. */
void port_flush(struct port *port);
/* Flush the shared sockets. */
void port_flush_unsent(struct driver *d);

/*
 * How many datagrams |p| may queue before the next driver_flush(), whichever sockets they leave from; 0: a socket is full,
 * and |p| is marked ready when that has changed.
 */
size_t port_room(struct driver_peer *p);

#endif
