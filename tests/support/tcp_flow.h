/* The sending side of a TCP connection that always has data: a window that grows until something is lost (RFC 5681, RFC 9438). */
#ifndef SUPPORT_TCP_FLOW_H
#define SUPPORT_TCP_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/time.h"

enum { TCP_WINDOW_MAX = 8192, TCP_SEGMENT = 1500, TCP_ACK = 40 };

/*
 * Segments have numbers, and every one that arrives is acknowledged by its number; what is lost is told by three later ones, and is not
 * sent again: its place in the window is taken by the next.
 */
struct tcp_flow {
	bool cubic;
	double window, threshold, window_max; /* segments */
	wlk_time cut, last_ack;
	uint64_t next, lowest;                /* to be sent; not acknowledged */
	bool acked[TCP_WINDOW_MAX];
	uint64_t recovery;                    /* losses below this one were answered */
};

void tcp_flow_init(struct tcp_flow *t, wlk_time now, bool cubic);
/* The next segment that may leave now. */
bool tcp_flow_send(struct tcp_flow *t, uint64_t *number);
void tcp_flow_on_ack(struct tcp_flow *t, wlk_time now, uint64_t number);
/* A second without an acknowledgement: begin anew. Cheap when early. */
void tcp_flow_handle_timeout(struct tcp_flow *t, wlk_time now);

#endif
