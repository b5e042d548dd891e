/*
 * A bug of the kind that a recording is for: the way in of media dies of a packet with a certain payload. Linked with
 * --wrap=media_engine_input_rtp into the program that is recorded and into one that replays.
 */
#include <stdio.h>
#include <stdlib.h>

#include "media/engine.h"

enum { DEADLY_SIZE = 12 + 20 + 77 }; /* header, extensions of ours, payload */

void __real_media_engine_input_rtp(struct media_engine *e, wlk_time now, struct pktbuf *buf);
void __wrap_media_engine_input_rtp(struct media_engine *e, wlk_time now, struct pktbuf *buf);

void __wrap_media_engine_input_rtp(struct media_engine *e, wlk_time now, struct pktbuf *buf)
{
	size_t from = buf->size > 77 ? buf->size - 77 : 0;
	bool deadly = from > 0 && from <= DEADLY_SIZE - 77;

	for (size_t i = from; i < buf->size; i++)
		deadly = deadly && buf->data[i] == 0xdd;
	if (deadly) {
		fprintf(stderr, "planted fault: packet %u at %lld\n", (unsigned)(buf->data[2] << 8 | buf->data[3]), (long long)now);
		fflush(stderr);
		abort();
	}
	__real_media_engine_input_rtp(e, now, buf);
}
