/* What this process has used so far: time of the clock and of the processors. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>

/* CLOCK_MONOTONIC [us]: the same clock in both processes, so that their times may be compared. */
int64_t usage_now_us(void);
/* User and system time of all threads [us]. */
int64_t usage_cpu_us(void);

#endif
