/* The two clocks of the machine; only net/ reads them. */
#ifndef NET_CLOCK_H
#define NET_CLOCK_H

#include <wirelark/types.h>

/* CLOCK_MONOTONIC [us]. */
wlk_time clock_monotonic(void);
/* Wall clock [us since 1970]. */
int64_t clock_unix(void);

#endif
