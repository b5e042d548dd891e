/*
 * Deadlines of HTTP connections: the header within 5 s, the body within 10 s (R36). libmicrohttpd's own time-out counts
 * idle time only, which one byte a second never reaches.
 */
#ifndef ECHO_DEADLINES_H
#define ECHO_DEADLINES_H

#include <microhttpd.h>

struct deadlines;

/* Starts a thread that shuts overdue sockets down. NULL: no memory or no thread. */
struct deadlines *deadlines_create(void);
void deadlines_destroy(struct deadlines *d);

/* For MHD_OPTION_NOTIFY_CONNECTION, with the deadlines as its argument. */
void deadlines_on_connection(void *deadlines, struct MHD_Connection *connection, void **state, enum MHD_ConnectionNotificationCode code);
/* The header is complete: the body has its own time. */
void deadlines_header_done(struct deadlines *d, struct MHD_Connection *connection);
/* The request is complete: we take our time to answer. */
void deadlines_request_done(struct deadlines *d, struct MHD_Connection *connection);
/* The reply is out; the next request on the connection may begin after an idle time that libmicrohttpd watches. */
void deadlines_next_request(struct deadlines *d, struct MHD_Connection *connection);

#endif
