/* Token buckets for new sessions, one for each client address (R36). Used by the HTTP thread only. */
#ifndef ECHO_RATE_H
#define ECHO_RATE_H

#include <stdbool.h>
#include <sys/socket.h>

struct rate_limiter;

/* |per_second| new sessions each second, and as many at once. NULL: out of memory. */
struct rate_limiter *rate_limiter_create(unsigned per_second);
void rate_limiter_destroy(struct rate_limiter *limiter);
/* True: one more is allowed now. IPv6 clients count by their /64. */
bool rate_limiter_take(struct rate_limiter *limiter, const struct sockaddr *client);

#endif
