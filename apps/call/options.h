/* The command line of wirelark-call. */
#ifndef CALL_OPTIONS_H
#define CALL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct call_options {
	const char *url;       /* of the echo peer, "/offer" is added when it ends in none; NULL: copied SDP */
	bool answer;           /* copied SDP: the other one offers */
	const char *video_in;  /* Y4M file, NULL: the test picture */
	const char *audio_in;  /* WAV file, NULL: the tone */
	const char *video_out; /* NULL: nowhere */
	const char *audio_out;
	const char *codec;     /* "VP8" or "VP9", NULL: what is agreed on */
	uint32_t width, height, fps; /* of the test picture */
	double seconds;        /* 0: until interrupted */
	bool stats;            /* print them as JSON at the end */
	bool debug;
};

/* False: the program ends with *status. */
bool call_options_parse(struct call_options *out, int argc, char **argv, int *status);

#endif
