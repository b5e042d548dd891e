/* The command line of wirelark-bench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <wirelark/log.h>

struct bench_options {
	const char *case_name; /* NULL: the standard cases, one after the other */
	unsigned mib;          /* how much a bulk case sends */
	unsigned count;        /* connections of a set-up case, round trips of pingpong; 0: the case's own number */
	unsigned rate;         /* RTP packets a second */
	unsigned seconds;      /* how long RTP is sent */
	unsigned timeout;      /* seconds until a case has failed */
	bool no_loopback;      /* only addresses that libdatachannel would gather, too */
	bool each;             /* set-up: the time of every connection on stderr */
	bool help;
	wlk_log_level log;
};

extern const char bench_usage[];

/* False: *problem says in words what is wrong. */
bool bench_options_parse(struct bench_options *out, int argc, char **argv, const char **problem);

#endif
