/* The command line of the echo peer. */
#ifndef ECHO_OPTIONS_H
#define ECHO_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <wirelark/log.h>

struct echo_options {
	const char *bind; /* IP literal the HTTP server listens on */
	uint16_t port;    /* 0: any free one */
	uint16_t udp_port; /* of all sessions; 0: ports of their own */
	uint16_t tcp_port;
	const char *stun; /* "stun:host:port" or NULL */
	const char *turn; /* "turn:host:port" or NULL, with both of the next */
	const char *turn_user, *turn_pass;
	const char *turn_ca; /* PEM file for "turns:", NULL: the system's authorities */
	bool relay_only;
	bool ice_lite;
	bool hide_addresses;
	unsigned max_sessions;
	unsigned max_per_ip;  /* HTTP connections of one address */
	unsigned max_rate;    /* new sessions a second of one address */
	bool no_loopback;
	const char *token;    /* bearer token of WHIP, NULL: none is asked for */
	const char *cert, *key; /* PEM files: HTTPS */
	wlk_log_level log;
	unsigned stats_seconds; /* 0: never */
	bool help;
};

/* Read argv over the defaults. False: *problem says in words what is wrong. Everything stays borrowed from argv. */
bool echo_options_parse(struct echo_options *out, int argc, char **argv, const char **problem);
/* What --help prints. */
extern const char echo_usage[];

#endif
