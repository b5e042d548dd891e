/*
 * The TURN client against the small server of the tests, whose answers the input loses, changes, replaces and makes up.
 *
 * Oracle (R11): an allocation is asked for in at most three rounds of authentication; data comes out only for peers
 * that were permitted or bound, and lies inside of what went in; wrap() takes only peers that were permitted; drains
 * end and deadlines lie ahead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "core/rand.h"
#include "ice/turn_client.h"
#include "tests/support/turn_server.h"

#define MUST(fact)                                                                                                     \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #fact);                                     \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

enum { PEERS = 8, COMMANDS_MAX = 200, RAW_MAX = 300 };

struct world {
	struct bytes_reader in;
	struct turn_client *client;
	struct turn_server server;
	wlk_addr from;
	wlk_time now;
	bool permitted[PEERS];
	uint8_t last_id[STUN_TXID_SIZE]; /* of the latest request */
	uint16_t last_method;
	unsigned allocates;
};

static wlk_addr peer_at(unsigned index)
{
	return addr_v4(192, 0, 2, (uint8_t)(index % PEERS), 7000);
}

static void take(struct world *w, const uint8_t *data, size_t size)
{
	bool channel = size && data[0] >> 6 == 1;
	wlk_bytes payload = { 0 };
	wlk_addr peer = { 0 };
	bool known = false;

	if (!(channel ? turn_client_unwrap(w->client, w->now, data, size, &peer, &payload)
		      : turn_client_input(w->client, w->now, data, size, &peer, &payload)))
		return;
	for (unsigned i = 0; i < PEERS; i++) {
		wlk_addr allowed = peer_at(i);

		known |= w->permitted[i] && addr_ip_equal(&allowed, &peer);
	}
	MUST(known);
	MUST(turn_client_state(w->client) == TURN_ALLOCATED);
	MUST(payload.data >= data && payload.size <= size && payload.data + payload.size <= data + size);
}

static void note_request(struct world *w, const struct pktbuf *out)
{
	struct stun_msg msg;

	if (stun_msg_parse(&msg, out->data, out->size) || msg.class != STUN_REQUEST)
		return;
	if (memcmp(w->last_id, msg.txid, sizeof(w->last_id)) && msg.method == STUN_METHOD_ALLOCATE)
		w->allocates++;
	memcpy(w->last_id, msg.txid, sizeof(w->last_id));
	w->last_method = msg.method;
	/* The first, three rounds, and IPv4 in place of IPv6. */
	MUST(w->allocates <= 1 + TURN_AUTH_ROUNDS_MAX + 1);
}

/* How the answers of the server come back. */
enum fate { FATE_WELL, FATE_LOST, FATE_CHANGED };

static void flow(struct world *w, enum fate fate)
{
	struct pktbuf *out;
	struct turn_event e;
	struct dgram d;
	size_t work = 0;
	bool busy = true;

	while (busy) {
		busy = false;
		turn_client_handle_timeout(w->client, w->now);
		while (turn_client_poll_transmit(w->client, w->now, &out)) {
			note_request(w, out);
			turn_server_input(&w->server, w->now, &w->from, &w->server.addr, 0, out->data, out->size);
			pktbuf_release(out);
			busy = true;
			MUST(++work < 1000);
		}
		while (turn_server_poll_transmit(&w->server, &d)) {
			if (fate == FATE_CHANGED && d.buf->size)
				d.buf->data[bytes_u8(&w->in) % d.buf->size] ^= bytes_u8(&w->in);
			if (fate != FATE_LOST && addr_equal(&d.local, &w->server.addr))
				take(w, d.buf->data, d.buf->size);
			pktbuf_release(d.buf);
			busy = true;
		}
		while (turn_client_poll_event(w->client, &e))
			MUST(++work < 1000);
	}
	turn_client_handle_timeout(w->client, w->now);
	MUST(turn_client_deadline(w->client) > w->now);
}

/* An answer to the latest request, with attributes as the input wants them, unsigned. */
static void make_answer_up(struct world *w)
{
	uint8_t buf[RAW_MAX], what = bytes_u8(&w->in);
	static const uint16_t codes[] = { 300, 400, 401, 403, 437, 438, 440, 441, 442, 443, 486, 500, 508, 699 };
	wlk_addr addr = addr_v4(bytes_u8(&w->in), 0, 0, bytes_u8(&w->in), bytes_u8(&w->in));
	bool error = what & 1;
	struct stun_writer stun;
	wlk_bytes text;
	size_t size;

	stun_writer_init(&stun, buf, sizeof(buf), error ? STUN_ERROR : STUN_SUCCESS, w->last_method, w->last_id);
	if (error)
		stun_put_error(&stun, codes[bytes_u8(&w->in) % (sizeof(codes) / sizeof(codes[0]))], "made up");
	if (what & 2)
		stun_put_xor_addr(&stun, STUN_ATTR_XOR_RELAYED_ADDRESS, &addr);
	if (what & 4)
		stun_put_addr(&stun, STUN_ATTR_ALTERNATE_SERVER, &addr);
	if (what & 8)
		stun_put_u32(&stun, STUN_ATTR_LIFETIME, bytes_u32(&w->in));
	text = bytes_slice(&w->in, bytes_u8(&w->in) % 40);
	if (what & 16 && text.data)
		stun_put_bytes(&stun, STUN_ATTR_NONCE, text.data, text.size);
	text = bytes_slice(&w->in, bytes_u8(&w->in) % 40);
	if (what & 32 && text.data)
		stun_put_bytes(&stun, STUN_ATTR_REALM, text.data, text.size);
	text = bytes_slice(&w->in, bytes_u8(&w->in) % 20);
	if (what & 64 && text.data)
		stun_put_bytes(&stun, STUN_ATTR_PASSWORD_ALGORITHMS, text.data, text.size);
	if (!stun_writer_finish(&stun, NULL, what & 128, &size))
		take(w, buf, size);
}

static void set_knobs(struct world *w)
{
	uint8_t what = bytes_u8(&w->in);

	w->server.nonce_loop = what & 1;
	w->server.unsigned_answers = what & 2;
	w->server.sha256 = what & 4;
	w->server.anonymous = what & 8;
	w->server.bid_down = what & 16;
	w->server.open = what & 32;
	w->server.bind_error = what & 64 ? 403 : 0;
	w->server.forbidden = what & 128 ? peer_at(3) : (wlk_addr){ 0 };
	w->server.lifetime_s = 1 + 7u * bytes_u8(&w->in);
	w->server.lose = bytes_u8(&w->in) % 8;
	what = bytes_u8(&w->in);
	w->server.allocate_error = what & 1 ? (uint16_t)(300 + what) : 0;
	w->server.alternate = peer_at(what);
	w->server.users[0].password = what & 2 ? "fresh" : "secret";
	w->server.nonce_number += what & 4;
}

static void raw(struct world *w, uint8_t mask, uint8_t set)
{
	uint8_t copy[RAW_MAX];
	wlk_bytes given = bytes_slice(&w->in, bytes_u8(&w->in));

	if (!given.data || !given.size)
		return;
	memcpy(copy, given.data, given.size);
	copy[0] = (uint8_t)((copy[0] & mask) | set);
	/* The id of a request under way, so that not all ends at the first look. */
	if (!set && given.size >= STUN_HEADER_SIZE && copy[given.size - 1] & 1) {
		store_u16(copy + 2, (uint16_t)(given.size - STUN_HEADER_SIZE));
		store_u32(copy + 4, STUN_MAGIC_COOKIE);
		memcpy(copy + 8, w->last_id, sizeof(w->last_id));
	}
	take(w, copy, given.size);
}

static void wrap(struct world *w)
{
	wlk_addr peer = peer_at(bytes_u8(&w->in));
	wlk_bytes given = bytes_slice(&w->in, bytes_u8(&w->in) % 64);
	struct pktbuf *buf = given.data ? pktbuf_copy(NULL, given.data, given.size) : NULL;

	if (!buf)
		return;
	if (turn_client_wrap(w->client, w->now, &peer, &buf)) {
		MUST(w->permitted[peer.ip[3] % PEERS]);
		MUST(buf->size >= given.size + TURN_CHANNEL_HEADER_SIZE);
		turn_server_input(&w->server, w->now, &w->from, &w->server.addr, 0, buf->data, buf->size);
	}
	pktbuf_release(buf);
}

static void replace_credentials(struct world *w)
{
	struct turn_credentials *c;

	if (turn_credentials_create(&c, STR("user"), bytes_u8(&w->in) & 1 ? STR("fresh") : STR("secret")))
		return;
	turn_client_set_credentials(w->client, w->now, c);
	turn_credentials_release(c);
}

static void from_peer(struct world *w)
{
	struct turn_server_allocation *a = turn_server_find(&w->server, w->now, NULL);
	wlk_addr peer = peer_at(bytes_u8(&w->in));
	wlk_bytes given = bytes_slice(&w->in, bytes_u8(&w->in) % 32);

	if (a && given.data)
		turn_server_input(&w->server, w->now, &peer, &a->relayed, 0, given.data, given.size);
}

static void grant(struct world *w, bool channel)
{
	unsigned index = bytes_u8(&w->in) % PEERS;
	wlk_addr peer = peer_at(index);

	if (turn_client_state(w->client) == TURN_ALLOCATED)
		w->permitted[index] = true;
	if (channel)
		turn_client_bind(w->client, w->now, &peer);
	else
		turn_client_permit(w->client, w->now, &peer);
}

static void command(struct world *w)
{
	switch (bytes_u8(&w->in) % 16) {
	case 0:
	case 1:
		flow(w, FATE_WELL);
		break;
	case 2:
		flow(w, FATE_LOST);
		break;
	case 3:
		flow(w, FATE_CHANGED);
		break;
	case 4:
		w->now += (wlk_time)bytes_u32(&w->in) % (700 * SECOND);
		break;
	case 5:
		w->now = MAX(w->now, time_min(turn_client_deadline(w->client), w->now + 3600 * SECOND));
		break;
	case 6:
		raw(w, 0x3f, 0);
		break;
	case 7:
		raw(w, 0x0f, 0x40);
		break;
	case 8:
		grant(w, false);
		break;
	case 9:
		grant(w, true);
		break;
	case 10:
		set_knobs(w);
		break;
	case 11:
		make_answer_up(w);
		break;
	case 12:
		wrap(w);
		break;
	case 13:
		replace_credentials(w);
		break;
	case 14:
		from_peer(w);
		break;
	case 15:
		if (bytes_u8(&w->in) & 1)
			turn_client_probe(w->client, w->now);
		else
			turn_server_restart(&w->server);
		break;
	}
	turn_client_handle_timeout(w->client, w->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	struct world *w = &world;
	const wlk_addr at = addr_v4(198, 51, 100, 1, 3478), relay = addr_v4(198, 51, 100, 1, 0);
	struct turn_client_config config = { .family = 4 };

	memset(w, 0, sizeof(*w));
	w->in = bytes_reader(data, size);
	w->now = SECOND;
	w->from = addr_v4(10, 0, 0, 1, 5000);
	rand_use_seed(1);
	turn_server_init(&w->server, &at, &relay);
	config.family = bytes_u8(&w->in) & 1 ? 6 : 4;
	MUST(!turn_credentials_create(&config.credentials, STR("user"), STR("secret")));
	MUST(!turn_client_create(&w->client, &config));
	turn_credentials_release(config.credentials);
	turn_client_start(w->client, w->now, 0);
	for (int i = 0; i < COMMANDS_MAX && w->in.left; i++)
		command(w);
	flow(w, FATE_WELL);
	turn_client_close(w->client);
	flow(w, FATE_WELL);
	turn_client_destroy(w->client);
	turn_server_free(&w->server);
	return 0;
}
