/* The listeners that a peer has to itself, by its LISTEN_TCP requests; what they accept becomes streams of that peer. */
#ifndef NET_DRIVER_LISTENER_H
#define NET_DRIVER_LISTENER_H

#include <wirelark/drive.h>

struct driver_peer;

enum { DRIVER_ACCEPTS = 16 /* of one listener in one turn */ };

/* Listen as |request| says, and answer it. */
void driver_listener_serve(struct driver_peer *p, const wlk_request *request);
/* A CLOSE: true when |local| was a listener of |p|. */
bool driver_listener_close(struct driver_peer *p, const wlk_addr *local);
/* Close all of them. */
void driver_listeners_close(struct driver_peer *p);

#endif
