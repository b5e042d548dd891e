/*
 * A native program offers, a page answers: offer_to_page [PORT], then open http://127.0.0.1:PORT/ (8080) in a browser.
 *
 * It is a web server of one page. The page has the offer in it, posts its answer, and shows what comes over the data channel;
 * what it says is answered. The program ends when the page is closed.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <wirelark/wirelark.h>

static const char page[] =
	"<!doctype html><meta charset=utf-8><title>Wirelark</title><p id=said>connecting</p><script type=module>\n"
	"const pc = new RTCPeerConnection();\n"
	"pc.ondatachannel = ({ channel }) => {\n"
	"  channel.onmessage = ({ data }) => { document.getElementById('said').textContent = data; };\n"
	"  channel.onopen = () => channel.send('hello from the page');\n"
	"};\n"
	"await pc.setRemoteDescription({ type: 'offer', sdp: await (await fetch('/offer')).text() });\n"
	"await pc.setLocalDescription();\n"
	"while (pc.iceGatheringState !== 'complete') await new Promise((done) => setTimeout(done, 20));\n"
	"await fetch('/answer', { method: 'POST', body: pc.localDescription.sdp });\n"
	"</script>\n";

static void on_event(const wlk_event *ev, void *user)
{
	wlk_loop *loop = user;

	if (ev->type == WLK_EVENT_ICE_GATHERING_STATE_CHANGE && ev->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE) {
		wlk_loop_stop(loop); /* the offer is whole: main() serves it */
	} else if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE) {
		char text[128];
		int size = snprintf(text, sizeof(text), "you said: %.*s", (int)ev->u.message.size, (const char *)ev->u.message.data);

		if (size > 0 && wlk_data_channel_send(ev->u.message.channel, WLK_MESSAGE_TEXT, text, strlen(text)))
			fprintf(stderr, "%s\n", wlk_last_error(ev->pc));
	} else if (ev->type == WLK_EVENT_CONNECTION_STATE_CHANGE) {
		printf("%s %s\n", wlk_connection_state_name(ev->u.connection.state), ev->u.connection.reason);
		fflush(stdout);
		if (ev->u.connection.state >= WLK_CONNECTION_FAILED)
			wlk_loop_stop(loop);
	}
}

static void reply(int fd, const char *type, const char *text)
{
	char head[160];
	int size = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", type,
			    strlen(text));

	if (write(fd, head, (size_t)size) != size || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		perror("reply");
}

/* A whole request: its head, and as many bytes behind it as it says. */
static char *read_request(int fd, char *request, size_t capacity)
{
	char *body = NULL, *length;
	size_t size = 0;
	ssize_t n;

	while (size < capacity - 1 && (n = read(fd, request + size, capacity - 1 - size)) > 0) {
		request[size += (size_t)n] = '\0';
		body = strstr(request, "\r\n\r\n");
		if (!body)
			continue;
		length = strcasestr(request, "\r\nContent-Length:");
		if (!length || length > body || strlen(body + 4) >= strtoul(length + 17, NULL, 10))
			return body + 4;
	}
	return NULL;
}

/* Serve the page and the offer until the answer came. */
static bool exchange(int listener, wlk_peer_connection *pc)
{
	static const struct timeval patience = { .tv_sec = 1 }; /* browsers open connections ahead and say nothing on them */
	static char request[1 << 16];
	bool answered = false;

	while (!answered) {
		int fd = accept(listener, NULL, NULL);
		char *body;

		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
			return false;
		body = read_request(fd, request, sizeof(request));
		if (body && !strncmp(request, "POST /answer ", 13)) {
			wlk_session_description answer = { WLK_SDP_ANSWER, body };

			answered = !wlk_peer_connection_set_remote_description(pc, &answer);
			reply(fd, "text/plain", answered ? "" : wlk_last_error(pc));
		} else if (body && !strncmp(request, "GET /offer ", 11)) {
			reply(fd, "application/sdp", wlk_peer_connection_local_description(pc)->sdp);
		} else if (body) {
			reply(fd, "text/html", page);
		}
		close(fd);
	}
	return true;
}

static int listen_at(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) || bind(fd, (void *)&at, sizeof(at)) || listen(fd, 8)) {
		perror("listen");
		return -1;
	}
	printf("open http://127.0.0.1:%u/\n", (unsigned)port);
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_peer_connection *pc;
	wlk_data_channel *channel;
	wlk_loop *loop;
	int listener;

	config.allow_loopback = true;
	if (wlk_loop_create(NULL, &loop) || wlk_peer_connection_create(loop, &config, on_event, loop, &pc) ||
	    wlk_peer_connection_create_data_channel(pc, "talk", NULL, &channel) || wlk_peer_connection_set_local_description(pc, NULL) ||
	    wlk_loop_run(loop))
		return 1;
	listener = listen_at((uint16_t)(argc > 1 ? atoi(argv[1]) : 8080));
	if (listener < 0 || !exchange(listener, pc) || wlk_loop_run(loop))
		return 1;
	wlk_loop_destroy(loop);
	return 0;
}
