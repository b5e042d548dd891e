#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"Usage: wirelark-call [options] URL      call the echo peer (or whoever answers POST URL/offer)\n"
	"       wirelark-call [options] --offer  print an offer, read the answer\n"
	"       wirelark-call [options] --answer read an offer, print the answer\n"
	"Offers and answers are one line of JSON each, to be copied from one program to the other.\n\n"
	"  --video-in FILE   Y4M (4:2:0), played in a circle; else a moving test picture\n"
	"  --audio-in FILE   WAV, 16 bit; else a tone of 440 Hz\n"
	"  --video-out FILE  write what is received as Y4M\n"
	"  --audio-out FILE  write what is received as WAV, 48 kHz\n"
	"  --codec NAME      VP8 or VP9\n"
	"  --size WxH        of the test picture (640x480)\n"
	"  --fps N           of the test picture (30)\n"
	"  --seconds N       hang up after N seconds of media\n"
	"  --headless        no window, which this form never opens\n"
	"  --stats           print the statistics as JSON at the end\n"
	"  --debug           print the log\n"
	"  --help\n";

static bool size_of(const char *text, struct call_options *out)
{
	char *end;
	unsigned long width = strtoul(text, &end, 10), height = *end == 'x' ? strtoul(end + 1, &end, 10) : 0;

	if (*end || width < 160 || width > 4096 || height < 96 || height > 2304 || width % 2 || height % 2)
		return false;
	out->width = (uint32_t)width;
	out->height = (uint32_t)height;
	return true;
}

static bool number_of(const char *text, double most, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && !*end && *out > 0 && *out <= most;
}

enum { OFFER = 256, ANSWER, VIDEO_IN, AUDIO_IN, VIDEO_OUT, AUDIO_OUT, CODEC, SIZE, FPS, SECONDS, HEADLESS, STATS, DEBUG, HELP };

static const struct option longs[] = {
	{ "offer", no_argument, NULL, OFFER },           { "answer", no_argument, NULL, ANSWER },
	{ "video-in", required_argument, NULL, VIDEO_IN },   { "audio-in", required_argument, NULL, AUDIO_IN },
	{ "video-out", required_argument, NULL, VIDEO_OUT }, { "audio-out", required_argument, NULL, AUDIO_OUT },
	{ "codec", required_argument, NULL, CODEC },         { "size", required_argument, NULL, SIZE },
	{ "fps", required_argument, NULL, FPS },             { "seconds", required_argument, NULL, SECONDS },
	{ "headless", no_argument, NULL, HEADLESS },         { "stats", no_argument, NULL, STATS },
	{ "debug", no_argument, NULL, DEBUG },               { "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

/* False: the value is none. */
static bool take(struct call_options *out, int option, const char *value, bool *copied)
{
	double number;

	switch (option) {
	case OFFER:
	case ANSWER:
		*copied = true;
		out->answer = option == ANSWER;
		return true;
	case VIDEO_IN:
		out->video_in = value;
		return true;
	case AUDIO_IN:
		out->audio_in = value;
		return true;
	case VIDEO_OUT:
		out->video_out = value;
		return true;
	case AUDIO_OUT:
		out->audio_out = value;
		return true;
	case CODEC:
		out->codec = value;
		return !strcmp(value, "VP8") || !strcmp(value, "VP9");
	case SIZE:
		return size_of(value, out);
	case FPS:
		if (!number_of(value, 120, &number))
			return false;
		out->fps = (uint32_t)number;
		return out->fps > 0;
	case SECONDS:
		return number_of(value, 1e6, &out->seconds);
	case HEADLESS:
		return true;
	case STATS:
		return out->stats = true;
	case DEBUG:
		return out->debug = true;
	default:
		return false;
	}
}

bool call_options_parse(struct call_options *out, int argc, char **argv, int *status)
{
	bool copied = false;
	int option;

	*out = (struct call_options){ .width = 640, .height = 480, .fps = 30 };
	*status = 2;
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == HELP) {
			fputs(usage, stdout);
			*status = 0;
			return false;
		}
		if (option == '?' || !take(out, option, optarg, &copied)) {
			if (option != '?')
				fprintf(stderr, "%s: not a value: %s\n", argv[0], optarg);
			return false;
		}
	}
	if (copied == (optind < argc) || argc - optind > 1) {
		fputs(usage, stderr);
		return false;
	}
	out->url = copied ? NULL : argv[optind];
	return true;
}
