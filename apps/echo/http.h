/* The HTTP side of the echo peer: routes, limits (R36), and the hand-over of offers to the loop's thread. */
#ifndef ECHO_HTTP_H
#define ECHO_HTTP_H

#include <wirelark/loop.h>

#include "options.h"
#include "session.h"

struct http_server;

/*
 * Listen and serve on threads of its own. |sessions| is used on the loop's thread only.
 * NULL: *problem says why, in words.
 */
struct http_server *http_server_start(const struct echo_options *options, wlk_loop *loop, struct sessions *sessions,
				      const char **problem);
/* The port that was bound. */
uint16_t http_server_port(const struct http_server *server);
/* From now on hand nothing over to the loop: requests get 503. */
void http_server_refuse(struct http_server *server);
/* After http_server_refuse(), and once the loop has answered what it was given. */
void http_server_stop(struct http_server *server);

#endif
