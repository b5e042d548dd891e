/* A call of this library with itself through the link: pictures and speech go in at one end and come out at the other. */
#ifndef BENCH_MEDIA_CALL_H
#define BENCH_MEDIA_CALL_H

#include <stdbool.h>

#include <wirelark/log.h>

struct call_options {
	const char *content; /* folder of content_write() */
	const char *journal; /* file to be written */
	unsigned port_a, port_b; /* of the link, as it printed them */
	unsigned seconds;
};

/*
 * Prints {"ready": true} when both ends are connected and the media begin, and at the end the statistics of the receiving
 * end: {"concealed": samples, "samples": samples, "cpu_s": seconds of this process}.
 */
bool call_run(const struct call_options *options);

#endif
