#include "tests/support/turn_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"

struct turn_credentials *turn_bench_credentials(const char *user, const char *password)
{
	struct turn_credentials *c = NULL;

	assert_int_equal(turn_credentials_create(&c, str_of(user), str_of(password)), WLK_OK);
	return c;
}

void turn_bench_init_with(struct turn_bench *b, const char *user, const char *password, bool reliable, uint8_t family)
{
	struct turn_client_config config = { .reliable = reliable, .family = family };
	wlk_addr at = addr_v4(198, 51, 100, 1, 3478), relay = addr_v4(198, 51, 100, 101, 0);

	memset(b, 0, sizeof(*b));
	turn_server_init(&b->server, &at, &relay);
	b->from = addr_v4(10, 0, 0, 1, 5000);
	b->stream = reliable ? 9 : 0;
	b->now = SECOND;
	config.credentials = turn_bench_credentials(user, password);
	assert_int_equal(turn_client_create(&b->client, &config), WLK_OK);
	turn_credentials_release(config.credentials);
}

void turn_bench_init(struct turn_bench *b)
{
	turn_bench_init_with(b, "user", "secret", false, 4);
}

void turn_bench_free(struct turn_bench *b)
{
	turn_client_destroy(b->client);
	turn_server_free(&b->server);
}

void turn_bench_take(struct turn_bench *b, const uint8_t *data, size_t size)
{
	wlk_bytes payload;
	bool got = size && data[0] >> 6 == 1
			   ? turn_client_unwrap(b->client, b->now, data, size, &b->data_from, &payload)
			   : turn_client_input(b->client, b->now, data, size, &b->data_from, &payload);

	if (!got)
		return;
	assert_true(payload.size <= sizeof(b->data));
	memcpy(b->data, payload.data, payload.size);
	b->data_size = payload.size;
	b->data_count++;
}

bool turn_bench_passes(struct turn_bench *b, const wlk_addr *peer)
{
	struct pktbuf *buf = pktbuf_copy(NULL, "x", 1);
	bool wrapped;

	assert_non_null(buf);
	wrapped = turn_client_wrap(b->client, b->now, peer, &buf);
	pktbuf_release(buf);
	return wrapped;
}

static void take_events(struct turn_bench *b)
{
	struct turn_event e;

	while (turn_client_poll_event(b->client, &e)) {
		assert_true(b->event_count < 64);
		if (e.type == TURN_EVENT_FAILED) {
			memset(b->reason, 0, sizeof(b->reason));
			memcpy(b->reason, e.reason.at, MIN(e.reason.size, sizeof(b->reason) - 1));
		}
		b->events[b->event_count++] = e;
	}
}

void turn_bench_flow(struct turn_bench *b)
{
	struct pktbuf *out;
	struct dgram d;
	bool busy = true;
	int rounds = 0;

	turn_client_handle_timeout(b->client, b->now);
	while (busy) {
		busy = false;
		assert_true(++rounds < 100);
		while (turn_client_poll_transmit(b->client, b->now, &out)) {
			b->sent++;
			turn_server_input(&b->server, b->now, &b->from, &b->server.addr, b->stream, out->data,
					  out->size);
			pktbuf_release(out);
			busy = true;
		}
		while (turn_server_poll_transmit(&b->server, &d)) {
			if (addr_equal(&d.local, &b->server.addr)) {
				turn_bench_take(b, d.buf->data, d.buf->size);
			} else {
				assert_true(d.buf->size <= sizeof(b->to_peer));
				memcpy(b->to_peer, d.buf->data, d.buf->size);
				b->to_peer_size = d.buf->size;
			}
			pktbuf_release(d.buf);
			busy = true;
		}
		take_events(b);
	}
}

void turn_bench_pass(struct turn_bench *b, wlk_time us)
{
	wlk_time end = b->now + us;

	for (;;) {
		turn_bench_flow(b);
		assert_true(turn_client_deadline(b->client) > b->now);
		if (turn_client_deadline(b->client) > end)
			break;
		b->now = turn_client_deadline(b->client);
		turn_client_handle_timeout(b->client, b->now);
	}
	b->now = end;
	turn_client_handle_timeout(b->client, b->now);
	turn_bench_flow(b);
}

void turn_bench_start(struct turn_bench *b)
{
	turn_client_start(b->client, b->now, 0);
	turn_bench_flow(b);
}

void turn_bench_allocate(struct turn_bench *b)
{
	turn_bench_start(b);
	assert_int_equal(turn_client_state(b->client), TURN_ALLOCATED);
	b->event_count = 0;
}

void turn_bench_permit(struct turn_bench *b)
{
	wlk_addr peer = TURN_BENCH_PEER;

	turn_client_permit(b->client, b->now, &peer);
	turn_bench_flow(b);
	b->event_count = 0;
}

bool turn_bench_send(struct turn_bench *b, const char *text)
{
	struct pktbuf *buf = pktbuf_copy(NULL, text, strlen(text));
	wlk_addr peer = TURN_BENCH_PEER;
	bool sent = turn_client_wrap(b->client, b->now, &peer, &buf);

	b->to_peer_size = 0;
	if (sent)
		turn_server_input(&b->server, b->now, &b->from, &b->server.addr, b->stream, buf->data, buf->size);
	pktbuf_release(buf);
	turn_bench_flow(b);
	return sent;
}

void turn_bench_from_peer(struct turn_bench *b, const char *text)
{
	struct turn_server_allocation *a = turn_server_find(&b->server, b->now, NULL);
	wlk_addr peer = TURN_BENCH_PEER;

	assert_non_null(a);
	turn_server_input(&b->server, b->now, &peer, &a->relayed, 0, (const uint8_t *)text, strlen(text));
	turn_bench_flow(b);
}

uint64_t turn_bench_count(const struct turn_bench *b, enum stun_method method)
{
	return b->server.requests[method];
}
