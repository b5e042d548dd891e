/* A network between two peers, in user space and real time: a bottleneck with a queue, delay and loss. */
#ifndef BENCH_MEDIA_LINK_H
#define BENCH_MEDIA_LINK_H

#include <stdbool.h>

/*
 * Opens two UDP ports and prints them as {"a": PORT, "b": PORT}: peer A takes |a| for the address of peer B, peer B takes |b|
 * for that of A; who A and B are shows by where their first packets come from.
 *
 * The line "start" on stdin begins the schedule, the end of stdin ends it, and everything that A sent since the start is
 * printed: {"packets": [[ms since the start, bytes with IP and UDP headers, us in the queue; -1: the queue was full, -2: lost
 * by chance], ...]}.
 *
 * @param schedule  what the way from A to B is like: "SECOND:KBPS:LOSS,...", loss in percent, of both ways
 * @param delay_ms  each way
 * @param queue_ms  a packet that would wait longer is dropped
 */
bool link_run(const char *schedule, unsigned delay_ms, unsigned queue_ms, unsigned seed);

#endif
