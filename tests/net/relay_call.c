/*
 * Two connections of one loop call each other through a TURN server, relay only, and echo messages; for a try against a
 * real server:
 *
 *   net-relay-call URL USERNAME CREDENTIAL [CA-FILE]
 *
 * Ends with 0 after an echo each way, and prints the times from the offer on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wirelark/wirelark.h>

enum { ECHOES = 100, GIVE_UP_MS = 20000 };

struct end {
	const char *name;
	wlk_loop *loop;
	wlk_peer_connection *pc;
	wlk_data_channel *channel;
	struct end *other;
	int received;
	bool offers;
};

static wlk_time started;
static int status = 1;

static void must(wlk_err err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, wlk_strerror(err));
	exit(1);
}

static double since_start(const struct end *end)
{
	return (double)(wlk_loop_now(end->loop) - started) / 1000;
}

static void send_message(struct end *end)
{
	must(wlk_data_channel_send(end->channel, WLK_MESSAGE_TEXT, "echo", 4), "send");
}

static void on_message(struct end *end)
{
	end->received++;
	if (!end->offers || end->received < ECHOES) {
		send_message(end);
		return;
	}
	printf("%d echoes at %.1f ms\n", ECHOES, since_start(end));
	status = 0;
	wlk_loop_stop(end->loop);
}

static void on_open(struct end *end, wlk_data_channel *channel)
{
	end->channel = channel;
	printf("%s: channel open at %.1f ms\n", end->name, since_start(end));
	if (end->offers)
		send_message(end);
}

static void signal_description(struct end *end)
{
	must(wlk_peer_connection_set_local_description(end->pc, NULL), "set_local_description");
	must(wlk_peer_connection_set_remote_description(end->other->pc, wlk_peer_connection_local_description(end->pc)),
	     "set_remote_description");
}

static void on_event(const wlk_event *event, void *user)
{
	struct end *end = user;

	switch (event->type) {
	case WLK_EVENT_ICE_CANDIDATE:
		if (event->u.candidate.candidate && *event->u.candidate.candidate)
			printf("%s: %.1f ms %s\n", end->name, since_start(end), event->u.candidate.candidate);
		(void)wlk_peer_connection_add_ice_candidate(end->other->pc, &event->u.candidate);
		break;
	case WLK_EVENT_ICE_CANDIDATE_ERROR:
		printf("%s: %u %s (%s)\n", end->name, event->u.candidate_error.code, event->u.candidate_error.text,
		       event->u.candidate_error.url);
		break;
	case WLK_EVENT_ICE_CONNECTION_STATE_CHANGE:
		printf("%s: ICE state %d at %.1f ms\n", end->name, (int)event->u.ice_connection_state,
		       since_start(end));
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		on_open(end, event->u.channel.channel);
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		on_message(end);
		break;
	default:
		break;
	}
}

static void give_up(void *user)
{
	printf("no echo in %d ms\n", GIVE_UP_MS);
	wlk_loop_stop(user);
}

int main(int argc, char **argv)
{
	wlk_loop_config loop_config = WLK_LOOP_CONFIG_INIT;
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct end ends[2] = { { .name = "a", .other = &ends[1], .offers = true }, { .name = "b", .other = &ends[0] } };
	wlk_ice_server server;
	wlk_loop *loop;

	if (argc < 4) {
		fprintf(stderr, "usage: %s URL USERNAME CREDENTIAL [CA-FILE]\n", argv[0]);
		return 2;
	}
	server = (wlk_ice_server){ .url = argv[1], .username = argv[2], .credential = argv[3] };
	loop_config.tls_ca_file = argc > 4 ? argv[4] : NULL;
	config.ice_servers = &server;
	config.ice_server_count = 1;
	config.ice_transport_policy = WLK_ICE_TRANSPORT_RELAY;
	config.allow_loopback = true;
	must(wlk_loop_create(&loop_config, &loop), "loop");
	for (int i = 0; i < 2; i++) {
		ends[i].loop = loop;
		must(wlk_peer_connection_create(loop, &config, on_event, &ends[i], &ends[i].pc), "peer connection");
	}
	started = wlk_loop_now(loop);
	must(wlk_peer_connection_create_data_channel(ends[0].pc, "echo", NULL, &ends[0].channel), "data channel");
	signal_description(&ends[0]);
	signal_description(&ends[1]);
	must(wlk_loop_call_later(loop, (wlk_time)GIVE_UP_MS * 1000, give_up, loop, NULL), "timer");
	must(wlk_loop_run(loop), "run");
	for (int i = 0; i < 2; i++)
		wlk_peer_connection_destroy(ends[i].pc);
	wlk_loop_destroy(loop);
	return status;
}
