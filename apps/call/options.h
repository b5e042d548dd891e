/* The command line of wirelark-call. */
#ifndef CALL_OPTIONS_H
#define CALL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* What the program ends with; --help lists them. */
enum call_status {
	CALL_DONE = 0,        /* somebody hung up, or the time was over */
	CALL_NOT_MADE = 1,    /* no way to the far end, or nothing in common with it */
	CALL_USAGE = 2,
	CALL_NO_SIGNAL = 3,   /* the URL refuses, or what came is no session description */
	CALL_NO_INPUT = 4,    /* a file or a device that was named cannot be used */
	CALL_LOST = 5,        /* the far end was there and is gone without a word */
};

/* How the descriptions get to the far end. */
enum call_way { CALL_POST, CALL_LISTEN, CALL_OFFER, CALL_ANSWER };

/* Texts are those of argv. */
struct call_options {
	enum call_way way;
	const char *where;      /* POST: the URL; LISTEN: port or address:port */
	const char *video_in;   /* Y4M file, NULL: camera or test picture */
	const char *audio_in;   /* WAV file, NULL: microphone or tone */
	const char *video_out;  /* NULL: nowhere */
	const char *audio_out;
	const char *camera;     /* a device or "none"; NULL: the first one, none when headless */
	const char *microphone; /* a name or "none"; NULL: the default one, none when headless */
	const char *speaker;
	const char *codec;      /* "VP8" or "VP9", NULL: what is agreed on */
	uint32_t width, height, fps; /* wanted of the camera; of the test picture */
	uint32_t out_width, out_height; /* of video_out, 0: those of the first picture */
	double seconds;         /* of media, 0: until interrupted */
	const char *stun, *turn, *user, *pass;
	bool headless, full_screen;
	bool devices;           /* list them and end */
	bool stats;             /* print them as JSON at the end */
	bool debug;
};

/* False: the program ends with *status, and everything is said. */
bool call_options_parse(struct call_options *out, int argc, char **argv, int *status);
/* Whether a device is to be tried, named or not. */
bool call_options_use(const struct call_options *options, const char *device, const char *file);

#endif
