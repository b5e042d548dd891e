/* What the statistics say of the pictures: codec, size and bit rates, for the title of a window. */
#ifndef CALL_FIGURES_H
#define CALL_FIGURES_H

#include <wirelark/stats.h>

struct figures {
	char codec[16]; /* of what is received, "" while nothing is */
	uint32_t width, height;
	double received_kbit, sent_kbit; /* a second, since the update before; media without headers */
	/* of the update before */
	wlk_time at;
	uint64_t received, sent;
};

/* Take the statistics. Rates are right from the second time on; a second is a good distance. */
void figures_update(struct figures *figures, wlk_peer_connection *pc, wlk_time now);
/* "VP8 640x480, 1234 kbit/s in, 1250 out"; "no picture yet". */
void figures_write(const struct figures *figures, char *out, size_t size);

#endif
