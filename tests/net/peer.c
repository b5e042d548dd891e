/*
 * One end of a call on the public interface, for the network lab: JSON lines on standard input tell it what to do, JSON
 * lines on standard output tell what happened and when. README.md beside this file lists them; the other stacks in
 * peers/ speak the same lines.
 *
 *   net-peer [--ca FILE] [--udp-port N] [--tcp-port N] [--log LEVEL]
 */
#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wirelark/wirelark.h>

enum { SERVERS_MAX = 16, CHUNK = 16384 };

/* A reliable transfer of a pattern that both ends can compute. */
struct bulk {
	uint64_t total, done;
	bool wrong;
};

/* Messages that arrived, small ones on "ticks" and pieces of a transfer alike, and how long none did. */
struct arrivals {
	unsigned ticks, messages;
	double last, longest, ended; /* ms; the longest gap since the last look, and when it ended */
};

struct peer {
	wlk_loop *loop;
	wlk_peer_connection *pc;
	wlk_data_channel *data, *tick;
	struct bulk outgoing, incoming;
	struct arrivals arrivals;
	wlk_timer *tick_timer;
	unsigned ticks_sent;
};

/* Wall clock in ms: the one clock that the other stacks can read too. */
static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

/* Prints and releases @p line with the time in it. */
static void say(json_t *line)
{
	char *text;

	json_object_set_new(line, "t", json_real(now_ms()));
	text = json_dumps(line, JSON_COMPACT);
	if (!text)
		abort();
	puts(text);
	fflush(stdout);
	free(text);
	json_decref(line);
}

static void complain(const struct peer *p, const char *what, wlk_err err)
{
	say(json_pack("{s:s, s:s, s:s, s:s}", "event", "problem", "what", what, "error", wlk_strerror(err), "story",
		      p->pc ? wlk_last_error(p->pc) : ""));
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool flag_of(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* The byte at @p offset of every transfer; no short period, so that a lost or doubled chunk is seen. */
static uint8_t pattern(uint64_t offset)
{
	uint64_t x = (offset >> 3) * 0x9e3779b97f4a7c15u;

	return (uint8_t)((x ^ (x >> 29)) >> (8 * (offset & 7)));
}

static void send_bulk(struct peer *p)
{
	struct bulk *b = &p->outgoing;
	uint8_t chunk[CHUNK];

	while (b->done < b->total) {
		size_t size = b->total - b->done < CHUNK ? (size_t)(b->total - b->done) : CHUNK;
		wlk_err err;

		for (size_t i = 0; i < size; i++)
			chunk[i] = pattern(b->done + i);
		err = wlk_data_channel_send(p->data, WLK_MESSAGE_BINARY, chunk, size);
		if (err) {
			if (err != WLK_ERR_AGAIN)
				complain(p, "bulk", err);
			return;
		}
		b->done += size;
	}
}

static void take_bulk(struct peer *p, const uint8_t *data, size_t size)
{
	struct bulk *b = &p->incoming;

	for (size_t i = 0; i < size; i++)
		b->wrong |= data[i] != pattern(b->done + i);
	b->done += size;
	if (b->done >= b->total)
		say(json_pack("{s:s, s:I, s:b}", "event", "bulk", "bytes", (json_int_t)b->done, "exact",
			      !b->wrong && b->done == b->total));
}

static void note_arrival(struct arrivals *a)
{
	double now = now_ms();

	if (a->messages++ && now - a->last > a->longest) {
		a->longest = now - a->last;
		a->ended = now;
	}
	a->last = now;
}

static void on_message(struct peer *p, const wlk_event *event)
{
	const char *label = wlk_data_channel_label(event->u.message.channel);
	const uint8_t *data = event->u.message.data;
	size_t size = event->u.message.size;

	if (!strcmp(label, "ticks")) {
		p->arrivals.ticks++;
		note_arrival(&p->arrivals);
	} else if (event->u.message.type == WLK_MESSAGE_BINARY) {
		take_bulk(p, data, size);
		note_arrival(&p->arrivals);
	} else if (size > 5 && !memcmp(data, "bulk ", 5)) {
		char number[24] = "";

		memcpy(number, data + 5, size - 5 < sizeof(number) ? size - 5 : sizeof(number) - 1);
		p->incoming = (struct bulk){ .total = strtoull(number, NULL, 10) };
	} else {
		say(json_pack("{s:s, s:s%}", "event", "message", "text", (const char *)data, size));
	}
}

static void on_open(struct peer *p, wlk_data_channel *channel)
{
	if (!strcmp(wlk_data_channel_label(channel), "ticks"))
		p->tick = channel;
	else
		p->data = channel;
	say(json_pack("{s:s, s:s}", "event", "open", "label", wlk_data_channel_label(channel)));
}

static void send_candidate(const wlk_ice_candidate *c)
{
	say(json_pack("{s:{s:s, s:s?, s:i, s:s?}}", "signal", "candidate", c->candidate, "sdpMid", c->sdp_mid, "sdpMLineIndex",
		      (int)c->sdp_mline_index, "usernameFragment", c->username_fragment));
}

static void on_event(const wlk_event *event, void *user)
{
	struct peer *p = user;

	switch (event->type) {
	case WLK_EVENT_ICE_CANDIDATE:
		send_candidate(&event->u.candidate);
		break;
	case WLK_EVENT_ICE_CANDIDATE_ERROR:
		say(json_pack("{s:s, s:s, s:i, s:s}", "event", "candidate-error", "url", event->u.candidate_error.url, "code",
			      (int)event->u.candidate_error.code, "text", event->u.candidate_error.text));
		break;
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		say(json_pack("{s:s, s:s}", "event", "gathering", "state",
			      wlk_ice_gathering_state_name(event->u.ice_gathering_state)));
		break;
	case WLK_EVENT_ICE_CONNECTION_STATE_CHANGE:
		say(json_pack("{s:s, s:s}", "event", "ice", "state", wlk_ice_connection_state_name(event->u.ice_connection_state)));
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		say(json_pack("{s:s, s:s, s:s}", "event", "connection", "state",
			      wlk_connection_state_name(event->u.connection.state), "reason", event->u.connection.reason));
		break;
	case WLK_EVENT_SELECTED_PAIR_CHANGE:
		say(json_pack("{s:s}", "event", "pair"));
		break;
	case WLK_EVENT_ICE_RESTART_WANTED:
		say(json_pack("{s:s}", "event", "restart-wanted"));
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		on_open(p, event->u.channel.channel);
		break;
	case WLK_EVENT_DATA_CHANNEL_WRITABLE:
		if (event->u.channel.channel == p->data)
			send_bulk(p);
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		on_message(p, event);
		break;
	default:
		break;
	}
}

/* {"do":"start", "iceServers": [...], "iceTransportPolicy": "relay", ...}: the words of the W3C where it has them. */
static wlk_err start(struct peer *p, const json_t *order)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_ice_server servers[SERVERS_MAX];
	wlk_err err;
	const char *policy = text_of(order, "iceTransportPolicy"), *tcp = text_of(order, "iceTcp");
	json_t *server;
	size_t i;

	json_array_foreach (json_object_get(order, "iceServers"), i, server) {
		if (i == SERVERS_MAX)
			return WLK_ERR_NOSPACE;
		servers[i] = (wlk_ice_server){ text_of(server, "urls"), text_of(server, "username"), text_of(server, "credential") };
	}
	config.ice_servers = servers;
	config.ice_server_count = json_array_size(json_object_get(order, "iceServers"));
	if (policy && !strcmp(policy, "relay"))
		config.ice_transport_policy = WLK_ICE_TRANSPORT_RELAY;
	if (tcp)
		config.ice_tcp = !strcmp(tcp, "both") ? WLK_ICE_TCP_BOTH : WLK_ICE_TCP_OFF;
	config.no_ipv4 = flag_of(order, "noIpv4");
	config.no_ipv6 = flag_of(order, "noIpv6");
	config.hide_host_addresses = flag_of(order, "hideHostAddresses");
	config.ice_lite = flag_of(order, "iceLite");
	config.no_roaming = flag_of(order, "noRoaming");
	config.renomination = flag_of(order, "renomination");
	config.log_name = text_of(order, "name");
	err = wlk_peer_connection_create(p->loop, &config, on_event, p, &p->pc);
	if (!err)
		say(json_pack("{s:s}", "event", "started"));
	return err;
}

static wlk_err send_description(struct peer *p)
{
	const wlk_session_description *local;
	wlk_err err = wlk_peer_connection_set_local_description(p->pc, NULL);

	if (err)
		return err;
	local = wlk_peer_connection_local_description(p->pc);
	if (!local)
		return WLK_ERR_NOMEM;
	say(json_pack("{s:{s:s, s:s}}", "signal", "type", wlk_sdp_type_name(local->type), "sdp", local->sdp));
	return WLK_OK;
}

/* The first offer opens the channel, later ones renegotiate. */
static wlk_err offer(struct peer *p)
{
	wlk_err err = WLK_OK;

	say(json_pack("{s:s}", "event", "offering"));
	if (!p->data)
		err = wlk_peer_connection_create_data_channel(p->pc, "data", NULL, &p->data);
	return err ? err : send_description(p);
}

static wlk_err take_signal(struct peer *p, const json_t *signal)
{
	const char *type = text_of(signal, "type");
	const json_t *index = json_object_get(signal, "sdpMLineIndex");
	wlk_err err;

	if (type) {
		const bool is_offer = !strcmp(type, "offer");
		const wlk_session_description remote = { is_offer ? WLK_SDP_OFFER : WLK_SDP_ANSWER, text_of(signal, "sdp") };

		err = wlk_peer_connection_set_remote_description(p->pc, &remote);
		return err || !is_offer ? err : send_description(p);
	}
	err = wlk_peer_connection_add_ice_candidate(
		p->pc, &(wlk_ice_candidate){ text_of(signal, "candidate"), text_of(signal, "sdpMid"),
					     json_is_integer(index) ? (int32_t)json_integer_value(index) : -1,
					     text_of(signal, "usernameFragment") });
	return err == WLK_ERR_UNSUPPORTED ? WLK_OK : err; /* a kind of candidate that this configuration does not use */
}

enum { TICK_US = 20000 };

static void send_tick(void *user)
{
	struct peer *p = user;

	p->tick_timer = NULL;
	if (p->tick && wlk_data_channel_ready_state(p->tick) == WLK_DATA_CHANNEL_OPEN &&
	    !wlk_data_channel_send(p->tick, WLK_MESSAGE_TEXT, "tick", 4))
		p->ticks_sent++;
	if (wlk_loop_call_later(p->loop, TICK_US, send_tick, p, &p->tick_timer))
		abort();
}

/* A message every 20 ms on an unreliable channel, which one end makes and both use. */
static wlk_err start_ticks(struct peer *p, bool make_channel)
{
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	wlk_err err = WLK_OK;

	init.unordered = init.has_max_retransmits = true;
	if (make_channel)
		err = wlk_peer_connection_create_data_channel(p->pc, "ticks", &init, &p->tick);
	if (!err && !p->tick_timer)
		send_tick(p);
	return err;
}

static wlk_err start_bulk(struct peer *p, uint64_t bytes)
{
	char text[32];
	int size = snprintf(text, sizeof(text), "bulk %llu", (unsigned long long)bytes);
	wlk_err err = wlk_data_channel_send(p->data, WLK_MESSAGE_TEXT, text, (size_t)size);

	if (err)
		return err;
	p->outgoing = (struct bulk){ .total = bytes };
	send_bulk(p);
	return WLK_OK;
}

static void report_arrivals(struct peer *p)
{
	struct arrivals *a = &p->arrivals;

	say(json_pack("{s:s, s:i, s:i, s:i, s:f, s:f, s:f}", "event", "arrivals", "sent", (int)p->ticks_sent, "ticks",
		      (int)a->ticks, "messages", (int)a->messages, "last", a->last, "longest", a->longest, "ended", a->ended));
	a->longest = 0;
}

static wlk_err report_stats(struct peer *p)
{
	char *text;
	wlk_err err = wlk_peer_connection_stats_json(p->pc, &text);

	if (err)
		return err;
	say(json_pack("{s:s, s:o}", "event", "stats", "stats", json_loads(text, 0, NULL)));
	wlk_secret_free(text);
	return WLK_OK;
}

/* Back to the state before "start". */
static void hang_up(struct peer *p)
{
	wlk_timer_cancel(p->tick_timer);
	wlk_peer_connection_destroy(p->pc);
	*p = (struct peer){ .loop = p->loop };
	say(json_pack("{s:s}", "event", "closed"));
}

static wlk_err obey(struct peer *p, const char *word, const json_t *order)
{
	const char *text = text_of(order, "text");

	if (!strcmp(word, "start"))
		return start(p, order);
	if (!p->pc)
		return WLK_ERR_STATE;
	if (!strcmp(word, "offer"))
		return offer(p);
	if (!strcmp(word, "restart"))
		return wlk_peer_connection_restart_ice(p->pc);
	if (!strcmp(word, "send") && p->data && text)
		return wlk_data_channel_send(p->data, WLK_MESSAGE_TEXT, text, strlen(text));
	if (!strcmp(word, "start-ticks"))
		return start_ticks(p, flag_of(order, "makeChannel"));
	if (!strcmp(word, "bulk") && p->data)
		return start_bulk(p, (uint64_t)json_integer_value(json_object_get(order, "bytes")));
	if (!strcmp(word, "stats"))
		return report_stats(p);
	if (!strcmp(word, "arrivals"))
		report_arrivals(p);
	else if (!strcmp(word, "close"))
		hang_up(p);
	else
		return WLK_ERR_INVALID;
	return WLK_OK;
}

/* One line of input, on the loop's thread. */
struct line {
	struct peer *peer;
	json_t *order;
};

static void take_line(void *user)
{
	struct line *line = user;
	struct peer *p = line->peer;
	const char *word = text_of(line->order, "do");
	const json_t *signal = json_object_get(line->order, "signal");
	wlk_err err = WLK_ERR_INVALID;

	if (word)
		err = obey(p, word, line->order);
	else if (signal && p->pc)
		err = take_signal(p, signal);
	if (err)
		complain(p, word ? word : "signal", err);
	json_decref(line->order);
	free(line);
}

static void end(void *user)
{
	struct peer *p = user;

	if (p->pc)
		hang_up(p);
	wlk_loop_stop(p->loop);
}

static void *read_lines(void *user)
{
	struct peer *p = user;
	char *text = NULL;
	size_t capacity = 0;

	while (getline(&text, &capacity, stdin) > 0) {
		struct line *line = calloc(1, sizeof(*line));

		if (!line)
			abort();
		*line = (struct line){ p, json_loads(text, 0, NULL) };
		if (wlk_loop_post(p->loop, take_line, line))
			abort();
	}
	free(text);
	if (wlk_loop_post(p->loop, end, p))
		abort();
	return NULL;
}

static void log_to_stderr(wlk_log_level level, const char *prefix, const char *message, void *user)
{
	double now = now_ms();

	(void)level;
	(void)user;
	fprintf(stderr, "%.3f %s %s\n", now / 1000, prefix, message);
}

static bool read_options(wlk_loop_config *config, int argc, char **argv)
{
	static const struct option options[] = {
		{ "ca", required_argument, NULL, 'c' },	      { "udp-port", required_argument, NULL, 'u' },
		{ "tcp-port", required_argument, NULL, 't' }, { "log", required_argument, NULL, 'l' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			config->tls_ca_file = optarg;
		else if (option == 'u')
			config->udp_port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (option == 't')
			config->tcp_port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (option == 'l')
			wlk_log_configure((wlk_log_level)strtoul(optarg, NULL, 10), log_to_stderr, NULL);
		else
			return false;
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	wlk_loop_config config = WLK_LOOP_CONFIG_INIT;
	struct peer p = { 0 };
	pthread_t reader;
	wlk_err err;

	if (!read_options(&config, argc, argv)) {
		fprintf(stderr, "usage: net-peer [--ca FILE] [--udp-port N] [--tcp-port N] [--log 0..5]\n");
		return 2;
	}
	err = wlk_loop_create(&config, &p.loop);
	if (err || pthread_create(&reader, NULL, read_lines, &p)) {
		fprintf(stderr, "net-peer: no loop: %s\n", wlk_strerror(err));
		return 1;
	}
	say(json_pack("{s:s}", "event", "ready"));
	err = wlk_loop_run(p.loop);
	pthread_join(reader, NULL);
	wlk_loop_destroy(p.loop);
	return err ? 1 : 0;
}
