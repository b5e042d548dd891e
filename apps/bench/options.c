#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const char bench_usage[] =
	"usage: wirelark-bench [options] [CASE]\n"
	"\n"
	"Two processes connect to each other and measure; one line of JSON a case.\n"
	"\n"
	"  bulk, bulk-1k, bulk-64k  one way over a reliable, ordered channel, messages of 16, 1 or 64 KiB\n"
	"  pingpong                 messages of 64 bytes there and back, one at a time\n"
	"  setup, setup100          connections one after the other (200), or 100 at once\n"
	"  rtp, rtp-flood           video packets one way at a steady rate, or as many as are taken\n"
	"\n"
	"  --mib N          MiB that a bulk case sends (256)\n"
	"  --count N        connections or round trips instead of the case's own number\n"
	"  --rate N         RTP packets a second (10000)\n"
	"  --seconds N      how long RTP is measured, after 2 s (3)\n"
	"  --timeout N      seconds until a case has failed (120)\n"
	"  --no-loopback    no loopback candidates\n"
	"  --each           set-up: print the time of every connection to stderr\n"
	"  --log LEVEL      none, error, warn, info, debug or trace (warn), with microseconds in front\n"
	"  --help           this text\n";

enum { OPT_MIB = 256, OPT_COUNT, OPT_RATE, OPT_SECONDS, OPT_TIMEOUT, OPT_NO_LOOPBACK, OPT_EACH, OPT_LOG, OPT_HELP };

static const struct option long_options[] = {
	{ "mib", required_argument, NULL, OPT_MIB },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "no-loopback", no_argument, NULL, OPT_NO_LOOPBACK },
	{ "each", no_argument, NULL, OPT_EACH },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static bool number(const char *text, unsigned long max, unsigned *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '1' || *text > '9' || *end || value > max)
		return false;
	*out = (unsigned)value;
	return true;
}

static bool log_level(const char *text, wlk_log_level *out)
{
	static const char *const names[] = { "none", "error", "warn", "info", "debug", "trace" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(text, names[i])) {
			*out = (wlk_log_level)i;
			return true;
		}
	}
	return false;
}

static bool take(struct bench_options *o, int option, const char *value)
{
	switch (option) {
	case OPT_MIB:
		return number(value, 1 << 20, &o->mib);
	case OPT_COUNT:
		return number(value, 10000000, &o->count);
	case OPT_RATE:
		return number(value, 1000000, &o->rate);
	case OPT_SECONDS:
		return number(value, 3600, &o->seconds);
	case OPT_TIMEOUT:
		return number(value, 86400, &o->timeout);
	case OPT_NO_LOOPBACK:
		return o->no_loopback = true;
	case OPT_EACH:
		return o->each = true;
	case OPT_LOG:
		return log_level(value, &o->log);
	case OPT_HELP:
		return o->help = true;
	default:
		return false;
	}
}

bool bench_options_parse(struct bench_options *out, int argc, char **argv, const char **problem)
{
	int option;

	*out = (struct bench_options){ .mib = 256, .rate = 10000, .seconds = 3, .timeout = 120, .log = WLK_LOG_WARN };
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		if (!take(out, option, optarg)) {
			*problem = "an option is unknown or out of range (see --help)";
			return false;
		}
	}
	if (optind < argc)
		out->case_name = argv[optind++];
	*problem = "one case at a time (see --help)";
	return optind >= argc;
}
