/* The line between the two processes: signalling and reports as lines of JSON over a socket pair. */
#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include <jansson.h>
#include <stdbool.h>

/* Send one line; takes |message| over. False: the other process is gone, or there is no memory. */
bool link_send(int fd, json_t *message);

/* Call |on_line| for each line until the other end closes or |on_line| answers false; it takes the message over. */
void link_read(int fd, bool (*on_line)(json_t *message, void *user), void *user);

#endif
