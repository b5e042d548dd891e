#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const char echo_usage[] =
	"usage: wirelark-echo [options]\n"
	"\n"
	"A WebRTC peer that sends media and messages back to whoever calls it.\n"
	"\n"
	"  --port N           HTTP port (8080; 0 takes a free one)\n"
	"  --bind IP          address to listen on (127.0.0.1)\n"
	"  --udp-port N       one UDP port for all sessions (ports of their own)\n"
	"  --tcp-port N       one TCP port for the TCP candidates of all sessions (ports of their own)\n"
	"  --stun URL         STUN server for server-reflexive candidates, stun:host[:port]\n"
	"  --turn URL         TURN server for relayed candidates, turn:host[:port][?transport=tcp] or turns:...\n"
	"  --user NAME        its user\n"
	"  --pass TEXT        its password\n"
	"  --turn-ca FILE     PEM file of the authorities for turns: (the system's)\n"
	"  --relay-only       relayed candidates only\n"
	"  --ice-lite         answer checks, send none; for hosts with a public address\n"
	"  --hide-addresses   .local names in place of host addresses\n"
	"  --max-sessions N   sessions at once (200)\n"
	"  --max-per-ip N     HTTP connections of one address at once (16)\n"
	"  --max-rate N       new sessions a second from one address (10)\n"
	"  --no-loopback      no loopback candidates, even while HTTP is bound to loopback\n"
	"  --token SECRET     bearer token that WHIP requests must carry\n"
	"  --cert FILE        PEM certificate: serve HTTPS (with --key)\n"
	"  --key FILE         PEM private key of --cert\n"
	"  --log LEVEL        none, error, warn, info, debug or trace (warn)\n"
	"  --stats SECONDS    print a line of JSON this often\n"
	"  --help             this text\n";

enum { OPT_PORT = 256, OPT_BIND, OPT_UDP_PORT, OPT_TCP_PORT, OPT_STUN, OPT_TURN, OPT_TURN_USER, OPT_TURN_PASS,
       OPT_TURN_CA, OPT_RELAY_ONLY, OPT_ICE_LITE, OPT_HIDE_ADDRESSES, OPT_SESSIONS, OPT_PER_IP, OPT_RATE,
       OPT_NO_LOOPBACK, OPT_TOKEN, OPT_CERT, OPT_KEY, OPT_LOG, OPT_STATS, OPT_HELP };

static const struct option long_options[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "bind", required_argument, NULL, OPT_BIND },
	{ "udp-port", required_argument, NULL, OPT_UDP_PORT },
	{ "tcp-port", required_argument, NULL, OPT_TCP_PORT },
	{ "stun", required_argument, NULL, OPT_STUN },
	{ "turn", required_argument, NULL, OPT_TURN },
	{ "user", required_argument, NULL, OPT_TURN_USER },
	{ "pass", required_argument, NULL, OPT_TURN_PASS },
	{ "turn-ca", required_argument, NULL, OPT_TURN_CA },
	{ "relay-only", no_argument, NULL, OPT_RELAY_ONLY },
	{ "ice-lite", no_argument, NULL, OPT_ICE_LITE },
	{ "hide-addresses", no_argument, NULL, OPT_HIDE_ADDRESSES },
	{ "max-sessions", required_argument, NULL, OPT_SESSIONS },
	{ "max-per-ip", required_argument, NULL, OPT_PER_IP },
	{ "max-rate", required_argument, NULL, OPT_RATE },
	{ "no-loopback", no_argument, NULL, OPT_NO_LOOPBACK },
	{ "token", required_argument, NULL, OPT_TOKEN },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "stats", required_argument, NULL, OPT_STATS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static bool number(const char *text, unsigned long max, unsigned *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > max)
		return false;
	*out = (unsigned)value;
	return true;
}

static bool port_number(const char *text, uint16_t *out)
{
	unsigned value;

	if (!number(text, 65535, &value))
		return false;
	*out = (uint16_t)value;
	return true;
}

static bool log_level(const char *text, wlk_log_level *out)
{
	static const char *const names[] = { "none", "error", "warn", "info", "debug", "trace" };

	for (int i = 0; i < 6; i++) {
		if (!strcmp(text, names[i])) {
			*out = (wlk_log_level)i;
			return true;
		}
	}
	return false;
}

static bool take(struct echo_options *o, int option, const char *value)
{
	switch (option) {
	case OPT_PORT:
		return port_number(value, &o->port);
	case OPT_UDP_PORT:
		return port_number(value, &o->udp_port) && o->udp_port;
	case OPT_TCP_PORT:
		return port_number(value, &o->tcp_port) && o->tcp_port;
	case OPT_BIND:
		o->bind = value;
		return true;
	case OPT_STUN:
		o->stun = value;
		return true;
	case OPT_TURN:
		o->turn = value;
		return true;
	case OPT_TURN_USER:
		o->turn_user = value;
		return true;
	case OPT_TURN_PASS:
		o->turn_pass = value;
		return true;
	case OPT_TURN_CA:
		o->turn_ca = value;
		return true;
	case OPT_RELAY_ONLY:
		o->relay_only = true;
		return true;
	case OPT_ICE_LITE:
		o->ice_lite = true;
		return true;
	case OPT_HIDE_ADDRESSES:
		o->hide_addresses = true;
		return true;
	case OPT_SESSIONS:
		return number(value, 1000000, &o->max_sessions);
	case OPT_PER_IP:
		return number(value, 1000000, &o->max_per_ip) && o->max_per_ip;
	case OPT_RATE:
		return number(value, 1000000, &o->max_rate) && o->max_rate;
	case OPT_NO_LOOPBACK:
		o->no_loopback = true;
		return true;
	case OPT_TOKEN:
		o->token = value;
		return *value != '\0';
	case OPT_CERT:
		o->cert = value;
		return true;
	case OPT_KEY:
		o->key = value;
		return true;
	case OPT_LOG:
		return log_level(value, &o->log);
	case OPT_STATS:
		return number(value, 86400, &o->stats_seconds);
	case OPT_HELP:
		o->help = true;
		return true;
	default:
		return false;
	}
}

bool echo_options_parse(struct echo_options *out, int argc, char **argv, const char **problem)
{
	int option;

	*out = (struct echo_options){
		.bind = "127.0.0.1", .port = 8080, .max_sessions = 200, .max_per_ip = 16, .max_rate = 10, .log = WLK_LOG_WARN
	};
	*problem = "an option is unknown or its value is out of range; see --help";
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take(out, option, optarg))
			return false;
	if (optind != argc)
		return false;
	if (!out->turn != !out->turn_user || !out->turn != !out->turn_pass || (out->relay_only && !out->turn)) {
		*problem = "--turn, --user and --pass go together, and --relay-only needs them";
		return false;
	}
	if (!out->cert != !out->key) {
		*problem = "--cert and --key go together";
		return false;
	}
	return true;
}
