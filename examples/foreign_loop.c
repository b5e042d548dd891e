/*
 * Wirelark inside of a loop that is not its own. The host waits with poll() for descriptors of its own (here a pipe that a child
 * process writes into) and for one of Wirelark; between two waits it does what is due. No thread, no lock.
 *
 * Two connections of this process find each other, and what comes out of the pipe goes over a data channel.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wirelark/wirelark.h>

struct host {
	wlk_loop *loop;
	wlk_peer_connection *a, *b;
	wlk_data_channel *channel;
	bool open, ended;
	size_t sent, received;
};

static void on_event(const wlk_event *ev, void *user)
{
	struct host *host = user;

	if (ev->type == WLK_EVENT_ICE_GATHERING_STATE_CHANGE && ev->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE) {
		wlk_peer_connection *other = ev->pc == host->a ? host->b : host->a;

		if (wlk_peer_connection_set_remote_description(other, wlk_peer_connection_local_description(ev->pc)) ||
		    (other == host->b && wlk_peer_connection_set_local_description(other, NULL)))
			fprintf(stderr, "%s\n", wlk_last_error(other));
	} else if (ev->type == WLK_EVENT_DATA_CHANNEL_OPEN && ev->pc == host->a) {
		host->open = true;
	} else if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE) {
		host->received += ev->u.message.size;
	}
}

/* How long poll() may wait: until Wirelark wants its turn. Ask before every wait, for our own calls may have changed it. */
static int timeout_ms(const struct host *host, wlk_time now)
{
	wlk_time due = wlk_loop_deadline(host->loop);

	if (due == WLK_TIME_NEVER)
		return -1;
	return due <= now ? 0 : (int)((due - now + 999) / 1000);
}

/* Our own business: bytes of the pipe. */
static void on_pipe(struct host *host, int fd)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n <= 0)
		host->ended = true;
	else if (wlk_data_channel_send(host->channel, WLK_MESSAGE_BINARY, bytes, (size_t)n))
		fprintf(stderr, "%s\n", wlk_last_error(host->a));
	else
		host->sent += (size_t)n;
}

static void run(struct host *host, int pipe_fd)
{
	while (!host->ended || host->received < host->sent) {
		struct pollfd fds[] = {
			{ .fd = wlk_loop_fd(host->loop), .events = POLLIN },
			/* Not looked at before there is somebody to tell: back-pressure for whoever writes. */
			{ .fd = host->open && !host->ended ? pipe_fd : -1, .events = POLLIN },
		};

		if (poll(fds, 2, timeout_ms(host, wlk_loop_now(host->loop))) < 0)
			break;
		if (fds[1].revents)
			on_pipe(host, pipe_fd);
		/* Cheap when nothing is due, so it need not be asked whether it is. */
		if (wlk_loop_dispatch(host->loop))
			break;
	}
}

int main(void)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct host host = { 0 };
	int ends[2];
	pid_t child;

	if (pipe(ends) || (child = fork()) < 0)
		return 1;
	if (!child) { /* writes ten lines, a tenth of a second apart */
		for (int i = 0; i < 10; i++) {
			usleep(100000);
			if (write(ends[1], "a line of the child\n", 20) != 20)
				break;
		}
		_exit(0);
	}
	close(ends[1]);
	config.allow_loopback = true;
	if (wlk_loop_create(NULL, &host.loop) || wlk_peer_connection_create(host.loop, &config, on_event, &host, &host.a) ||
	    wlk_peer_connection_create(host.loop, &config, on_event, &host, &host.b) ||
	    wlk_peer_connection_create_data_channel(host.a, "lines", NULL, &host.channel) ||
	    wlk_peer_connection_set_local_description(host.a, NULL))
		return 1;
	run(&host, ends[0]);
	printf("%zu bytes of the pipe were sent, %zu arrived\n", host.sent, host.received);
	wlk_loop_destroy(host.loop);
	waitpid(child, NULL, 0);
	return host.sent != 200 || host.received != host.sent;
}
