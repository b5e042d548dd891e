#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char usage[] =
	"Usage: wirelark-call [options] URL            call the echo peer, or whoever answers POST URL/offer\n"
	"       wirelark-call [options] --listen PORT  wait for such a call; also ADDRESS:PORT (127.0.0.1)\n"
	"       wirelark-call [options] --offer        print an offer, read the answer\n"
	"       wirelark-call [options] --answer       read an offer, print the answer\n"
	"       wirelark-call --devices                list cameras, microphones and loudspeakers\n"
	"\n"
	"A video call. Offers and answers are one line of JSON each, to be copied from one program to the other.\n"
	"\n"
	"What is sent:\n"
	"  --camera DEVICE    /dev/video0, say, or none (the first one there is; else a moving test picture)\n"
	"  --microphone NAME  or none (the default one; else a tone of 440 Hz)\n"
	"  --video-in FILE    Y4M, 4:2:0 with 8 bits, in place of the camera; begins again at its end\n"
	"  --audio-in FILE    WAV, 16 bits, in place of the microphone\n"
	"  --size WxH         wanted of the camera, and of the test picture (640x480)\n"
	"  --fps N            the same (30)\n"
	"  --codec NAME       VP8 or VP9 only\n"
	"\n"
	"What is received:\n"
	"  --speaker NAME     or none (the default one)\n"
	"  --full-screen      begin with it\n"
	"  --headless         no window and no devices but those that are named\n"
	"  --video-out FILE   write it as Y4M, each picture as it comes, scaled to the size of the first one\n"
	"  --out-size WxH     or to this one: when the network is narrow, pictures come smaller than they were taken\n"
	"  --audio-out FILE   write it as WAV, 48 kHz, mono\n"
	"\n"
	"The rest:\n"
	"  --seconds N        hang up after N seconds of media\n"
	"  --stun URL         STUN server, stun:host[:port]\n"
	"  --turn URL         TURN server, turn:host[:port][?transport=tcp] or turns:..., with --user NAME and --pass TEXT\n"
	"  --stats            print the statistics as JSON at the end\n"
	"  --debug            print the log\n"
	"  --help             this text\n"
	"\n"
	"Keys of the window: m microphone off and on, v video off and on, f full screen, q hang up. Interrupting hangs up, too.\n"
	"\n"
	"Exit status: 0 the call is over, 1 it could not be made, 2 wrong usage, 3 the URL or what was copied is no good,\n"
	"4 a file or device that was named cannot be used, 5 the far end was lost.\n";

/* NULL, or what a size has to be. */
static const char *size_of(const char *text, uint32_t *out_width, uint32_t *out_height)
{
	char *end;
	unsigned long width = strtoul(text, &end, 10), height = *end == 'x' ? strtoul(end + 1, &end, 10) : 0;

	if (*end || width < 160 || width > 4096 || height < 96 || height > 2304 || width % 2 || height % 2)
		return "two even numbers from 160x96 to 4096x2304, like 1280x720";
	*out_width = (uint32_t)width;
	*out_height = (uint32_t)height;
	return NULL;
}

static bool number_of(const char *text, double least, double most, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && !*end && *out >= least && *out <= most;
}

enum { FIRST = 256, LISTEN, OFFER, ANSWER, DEVICES, VIDEO_IN, AUDIO_IN, VIDEO_OUT, AUDIO_OUT, CAMERA, MICROPHONE, SPEAKER, CODEC, SIZE,
       OUT_SIZE, FPS, SECONDS, STUN, TURN, USER, PASS, HEADLESS, FULL_SCREEN, STATS, DEBUG, HELP };

static const struct option longs[] = {
	{ "listen", required_argument, NULL, LISTEN },
	{ "offer", no_argument, NULL, OFFER },
	{ "answer", no_argument, NULL, ANSWER },
	{ "devices", no_argument, NULL, DEVICES },
	{ "video-in", required_argument, NULL, VIDEO_IN },
	{ "audio-in", required_argument, NULL, AUDIO_IN },
	{ "video-out", required_argument, NULL, VIDEO_OUT },
	{ "audio-out", required_argument, NULL, AUDIO_OUT },
	{ "camera", required_argument, NULL, CAMERA },
	{ "microphone", required_argument, NULL, MICROPHONE },
	{ "speaker", required_argument, NULL, SPEAKER },
	{ "codec", required_argument, NULL, CODEC },
	{ "size", required_argument, NULL, SIZE },
	{ "out-size", required_argument, NULL, OUT_SIZE },
	{ "fps", required_argument, NULL, FPS },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "stun", required_argument, NULL, STUN },
	{ "turn", required_argument, NULL, TURN },
	{ "user", required_argument, NULL, USER },
	{ "pass", required_argument, NULL, PASS },
	{ "headless", no_argument, NULL, HEADLESS },
	{ "full-screen", no_argument, NULL, FULL_SCREEN },
	{ "stats", no_argument, NULL, STATS },
	{ "debug", no_argument, NULL, DEBUG },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 },
};

/* Those that are just kept. */
static const char **text_of(struct call_options *out, int option)
{
	switch (option) {
	case VIDEO_IN:
		return &out->video_in;
	case AUDIO_IN:
		return &out->audio_in;
	case VIDEO_OUT:
		return &out->video_out;
	case AUDIO_OUT:
		return &out->audio_out;
	case CAMERA:
		return &out->camera;
	case MICROPHONE:
		return &out->microphone;
	case SPEAKER:
		return &out->speaker;
	case STUN:
		return &out->stun;
	case TURN:
		return &out->turn;
	case USER:
		return &out->user;
	case PASS:
		return &out->pass;
	default:
		return NULL;
	}
}

/* NULL, or what the value has to be. */
static const char *take(struct call_options *out, int option, const char *value)
{
	double number;

	switch (option) {
	case CODEC:
		out->codec = !strcasecmp(value, "VP8") ? "VP8" : !strcasecmp(value, "VP9") ? "VP9" : NULL;
		return out->codec ? NULL : "VP8 or VP9";
	case SIZE:
		return size_of(value, &out->width, &out->height);
	case OUT_SIZE:
		return size_of(value, &out->out_width, &out->out_height);
	case FPS:
		if (!number_of(value, 1, 120, &number))
			return "1 to 120";
		out->fps = (uint32_t)number;
		return NULL;
	case SECONDS:
		return number_of(value, 0.1, 1e6, &out->seconds) ? NULL : "0.1 to 1000000";
	case DEVICES:
		out->devices = true;
		return NULL;
	case HEADLESS:
		out->headless = true;
		return NULL;
	case FULL_SCREEN:
		out->full_screen = true;
		return NULL;
	case STATS:
		out->stats = true;
		return NULL;
	case DEBUG:
		out->debug = true;
		return NULL;
	default:
		*text_of(out, option) = value;
		return *value ? NULL : "something";
	}
}

/* What does not go together; NULL: all of it does. */
static const char *contradiction(const struct call_options *o, int ways)
{
	if (ways > 1)
		return "a URL, --listen, --offer and --answer exclude each other";
	if (!ways && !o->devices)
		return "whom to call? A URL, --listen, --offer or --answer is needed";
	if (o->video_in && o->camera)
		return "--video-in and --camera exclude each other";
	if (o->audio_in && o->microphone)
		return "--audio-in and --microphone exclude each other";
	if (!o->turn != !o->user || !o->turn != !o->pass)
		return "--turn, --user and --pass go together";
	return NULL;
}

static bool refuse(const char *words)
{
	fprintf(stderr, "wirelark-call: %s (--help lists all options)\n", words);
	return false;
}

bool call_options_parse(struct call_options *out, int argc, char **argv, int *status)
{
	const char *wrong;
	int option, index, ways = 0;

	*out = (struct call_options){ .width = 640, .height = 480, .fps = 30 };
	*status = CALL_USAGE;
	while ((option = getopt_long(argc, argv, "", longs, &index)) != -1) {
		if (option == HELP) {
			fputs(usage, stdout);
			*status = CALL_DONE;
			return false;
		}
		if (option == '?')
			return refuse("nothing was done");
		if (option == LISTEN || option == OFFER || option == ANSWER) {
			out->way = option == LISTEN ? CALL_LISTEN : option == OFFER ? CALL_OFFER : CALL_ANSWER;
			out->where = optarg;
			ways++;
			continue;
		}
		wrong = take(out, option, optarg);
		if (wrong) {
			fprintf(stderr, "wirelark-call: --%s has to be %s, not '%s'\n", longs[index].name, wrong, optarg);
			return false;
		}
	}
	for (; optind < argc; optind++, ways++)
		out->where = argv[optind];
	wrong = contradiction(out, ways);
	return wrong ? refuse(wrong) : true;
}

bool call_options_use(const struct call_options *options, const char *device, const char *file)
{
	return device ? strcmp(device, "none") != 0 : !file && !options->headless;
}
