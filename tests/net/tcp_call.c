/* A call over TCP alone: no UDP candidate reaches the other side; the connection carries a megabyte each way and is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <wirelark/wirelark.h>

enum { SIZE = 16384, MESSAGES = (1 << 20) / SIZE, DESCRIPTORS = 256, SECOND_US = 1000000 };

struct end {
	wlk_peer_connection *pc;
	wlk_data_channel *channel;
	struct end *other;
	int sent, received, goal;
	bool opened;
	bool tcp_active, tcp_passive; /* candidates that it told */
	int disconnected;
};

static wlk_loop *loop;
static struct end ends[2];
static bool timed_out;

static void must(wlk_err err)
{
	if (err)
		abort();
}

/* ---- signalling without UDP ---- */

static bool is_udp_candidate(const char *line, size_t size)
{
	static const char start[] = "a=candidate:";
	const char *udp = memmem(line, size, " udp ", 5);

	return size > sizeof(start) && !memcmp(line, start, sizeof(start) - 1) && udp;
}

static char *without_udp(const char *sdp)
{
	char *out = calloc(1, strlen(sdp) + 1), *at = out;

	while (out && *sdp) {
		const char *end = strstr(sdp, "\r\n");
		size_t size = end ? (size_t)(end - sdp) + 2 : strlen(sdp);

		if (!is_udp_candidate(sdp, size)) {
			memcpy(at, sdp, size);
			at += size;
		}
		sdp += size;
	}
	return out;
}

static void send_description(struct end *from)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(from->pc);
	char *sdp = without_udp(local->sdp);
	const wlk_session_description description = { local->type, sdp };

	from->tcp_active = strstr(sdp, "tcptype active") != NULL;
	from->tcp_passive = strstr(sdp, "tcptype passive") != NULL;
	must(wlk_peer_connection_set_remote_description(from->other->pc, &description));
	if (local->type == WLK_SDP_OFFER)
		must(wlk_peer_connection_set_local_description(from->other->pc, NULL));
	free(sdp);
}

/* ---- data ---- */

static void fill(uint8_t *bytes, int number)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)((i + (size_t)number) * 2654435761u >> 13);
}

static void send_more(struct end *end)
{
	uint8_t bytes[SIZE];

	while (end->channel && end->opened && end->sent < end->goal) {
		wlk_err err;

		fill(bytes, end->sent);
		err = wlk_data_channel_send(end->channel, WLK_MESSAGE_BINARY, bytes, SIZE);
		if (err == WLK_ERR_AGAIN)
			return;
		must(err);
		end->sent++;
	}
}

static void take(struct end *end, const void *data, size_t size)
{
	uint8_t bytes[SIZE];

	fill(bytes, end->received++);
	assert_int_equal(size, SIZE);
	assert_memory_equal(data, bytes, SIZE);
	if (ends[0].received >= ends[0].goal && ends[1].received >= ends[1].goal)
		wlk_loop_stop(loop);
}

static void on_event(const wlk_event *event, void *user)
{
	struct end *end = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			send_description(end);
		break;
	case WLK_EVENT_ICE_CONNECTION_STATE_CHANGE:
		end->disconnected += event->u.ice_connection_state == WLK_ICE_CONNECTION_DISCONNECTED;
		break;
	case WLK_EVENT_DATA_CHANNEL:
		end->channel = event->u.channel.channel;
		end->opened = true;
		send_more(end);
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		end->opened = true;
		send_more(end);
		break;
	case WLK_EVENT_DATA_CHANNEL_WRITABLE:
		send_more(end);
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		take(end, event->u.message.data, event->u.message.size);
		break;
	default:
		break;
	}
}

static void on_timeout(void *user)
{
	(void)user;
	timed_out = true;
	wlk_loop_stop(loop);
}

/* Until both have received |count| messages. */
static void exchange(int count)
{
	wlk_timer *timer;

	for (int i = 0; i < 2; i++)
		ends[i].goal = count;
	for (int i = 0; i < 2; i++)
		send_more(&ends[i]);
	must(wlk_loop_call_later(loop, 30 * SECOND_US, on_timeout, NULL, &timer));
	assert_int_equal(wlk_loop_run(loop), WLK_OK);
	assert_false(timed_out);
	wlk_timer_cancel(timer);
}

/* ---- the network ---- */

static bool is_tcp_connection(int fd)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name), type_size = sizeof(int);
	int type = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) && type == SOCK_STREAM &&
	       !getpeername(fd, (struct sockaddr *)&name, &size) && name.ss_family != AF_UNIX;
}

/* Cuts every TCP connection of this process; answers how many sockets that were. */
static int cut_connections(void)
{
	int count = 0;

	for (int fd = 0; fd < DESCRIPTORS; fd++)
		if (is_tcp_connection(fd) && !shutdown(fd, SHUT_RDWR))
			count++;
	return count;
}

static void make_end(int index, wlk_ice_tcp tcp)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	config.allow_loopback = true;
	config.no_ipv6 = true;
	config.ice_tcp = tcp;
	ends[index].other = &ends[!index];
	must(wlk_peer_connection_create(loop, &config, on_event, &ends[index], &ends[index].pc));
}

static void call(wlk_ice_tcp offerer, wlk_ice_tcp answerer)
{
	int cut;

	memset(ends, 0, sizeof(ends));
	must(wlk_loop_create(NULL, &loop));
	make_end(0, offerer);
	make_end(1, answerer);
	must(wlk_peer_connection_create_data_channel(ends[0].pc, "bulk", NULL, &ends[0].channel));
	must(wlk_peer_connection_set_local_description(ends[0].pc, NULL));
	exchange(MESSAGES);
	for (int i = 0; i < 2; i++) {
		wlk_ice_tcp tcp = i ? answerer : offerer;

		assert_int_equal(ends[i].tcp_passive, tcp == WLK_ICE_TCP_BOTH);
		assert_true(ends[i].tcp_active);
		assert_int_equal(ends[i].disconnected, 0);
	}
	cut = cut_connections();
	assert_true(cut >= 2);
	exchange(2 * MESSAGES);
	assert_true(ends[0].disconnected <= 1 && ends[1].disconnected <= 1);
	for (int i = 0; i < 2; i++)
		wlk_peer_connection_destroy(ends[i].pc);
	wlk_loop_destroy(loop);
	assert_int_equal(cut_connections(), 0);
}

static void test_the_answerer_listens(void **state)
{
	(void)state;
	call(WLK_ICE_TCP_ACTIVE, WLK_ICE_TCP_BOTH);
}

static void test_the_offerer_listens(void **state)
{
	(void)state;
	call(WLK_ICE_TCP_BOTH, WLK_ICE_TCP_ACTIVE);
}

static void test_both_listen(void **state)
{
	(void)state;
	call(WLK_ICE_TCP_BOTH, WLK_ICE_TCP_BOTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_answerer_listens),
		cmocka_unit_test(test_the_offerer_listens),
		cmocka_unit_test(test_both_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
