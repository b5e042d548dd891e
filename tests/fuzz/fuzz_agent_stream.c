/*
 * ICE-TCP: streams that come, bring bytes good and bad, break and are asked for, in an order that the input chooses.
 *
 * Oracle: a CLOSE_STREAM names a stream that is open or being opened, once; what is refused or given up is closed; bytes
 * leave only on open streams, framed; nothing is selected without an answer to our own checks; caps hold;
 * drains end and deadlines lie ahead; closing the agent closes every stream.
 */
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/bytes.h"
#include "core/rand.h"
#include "core/time.h"
#include "ice/agent_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			abort();                                                                                       \
	} while (0)

enum { IDS = 400, COMMANDS_MAX = 300, ACCEPTED_FIRST = 200 };

enum life { UNKNOWN, ASKED, OPEN, CLOSED };

static struct {
	struct bytes_reader in;
	struct ice_agent *agent;
	wlk_time now;
	wlk_addr listener;
	enum life lives[IDS]; /* of CONNECT requests by id, of accepted streams from ACCEPTED_FIRST on */
	uint32_t next_accepted;
	uint16_t next_port;
} w;

static enum life *life_of(uint32_t id)
{
	size_t index = id >= AGENT_ACCEPTED_ID_MIN ? ACCEPTED_FIRST + (id - AGENT_ACCEPTED_ID_MIN) : id;

	CHECK(index < IDS);
	return &w.lives[index];
}

static wlk_addr far_end(uint32_t id)
{
	wlk_addr addr = addr_v4(198, 51, 100, 9, (uint16_t)(2000 + (id & 0xfff)));

	addr.transport = WLK_TRANSPORT_TCP;
	return addr;
}

static void on_request(const struct ice_request *r)
{
	wlk_addr bound = r->local;

	switch (r->type) {
	case ICE_REQUEST_BIND_UDP:
	case ICE_REQUEST_LISTEN_TCP:
		bound.port = ++w.next_port;
		if (r->type == ICE_REQUEST_LISTEN_TCP)
			w.listener = bound;
		ice_agent_on_request(w.agent, w.now, r->id, WLK_OK, &bound, 1);
		break;
	case ICE_REQUEST_CONNECT_TCP:
		CHECK(*life_of(r->id) == UNKNOWN && r->remote.transport == WLK_TRANSPORT_TCP);
		CHECK(r->remote.port >= 1024 || r->remote.port == 80 || r->remote.port == 443);
		*life_of(r->id) = ASKED;
		break;
	case ICE_REQUEST_CLOSE_STREAM:
		CHECK(*life_of(r->id) == ASKED || *life_of(r->id) == OPEN);
		*life_of(r->id) = CLOSED;
		break;
	default:
		break;
	}
}

static void drain(void)
{
	struct ice_request r;
	struct ice_event e;
	struct dgram d;
	size_t work = 0;

	while (ice_agent_poll_request(w.agent, &r)) {
		on_request(&r);
		CHECK(++work < 1000);
	}
	while (ice_agent_poll_transmit(w.agent, w.now, &d)) {
		if (d.stream) {
			CHECK(*life_of(d.stream) == OPEN || *life_of(d.stream) == CLOSED);
			CHECK(d.buf->size > 2 && load_u16(d.buf->data) + (size_t)2 == d.buf->size);
		}
		pktbuf_release(d.buf);
		CHECK(++work < 1000);
	}
	while (ice_agent_poll_event(w.agent, &e))
		CHECK(++work < 1000);
	CHECK(w.agent->streams.count <= AGENT_TARGETS_MAX + AGENT_ACCEPTED_MAX);
	CHECK(w.agent->requests.accepted <= AGENT_ACCEPTED_MAX);
}

static void take_received(void)
{
	struct dgram d;

	while (ice_agent_poll_received(w.agent, &d)) {
		CHECK(d.buf->size && d.buf->size <= PKTBUF_PAYLOAD && d.local.transport == WLK_TRANSPORT_TCP);
		if (d.buf->data[0] <= 3)
			ice_agent_input(w.agent, w.now, &d.local, &d.remote, d.buf->data, d.buf->size);
		pktbuf_release(d.buf);
	}
}

static void give_bytes(uint32_t id)
{
	size_t size = bytes_u8(&w.in);
	wlk_bytes bytes = bytes_slice(&w.in, MIN(w.in.left, size));

	ice_agent_stream_input(w.agent, w.now, id, bytes.data, bytes.size);
	take_received();
}

/* The peer's own check, cut at a place that the input chooses. */
static void give_check(uint32_t id, bool honest)
{
	static uint8_t txid[STUN_TXID_SIZE];
	const char *pwd = honest ? ice_agent_local_pwd(w.agent) : "somebody else's password";
	char user[16];
	uint8_t message[200];
	struct crypto_hmac *hmac;
	struct stun_writer s;
	size_t size, cut;

	txid[0]++;
	memcpy(user, ice_agent_local_ufrag(w.agent), 8);
	memcpy(user + 8, ":peer", 5);
	CHECK(!crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, pwd, strlen(pwd)));
	stun_writer_init(&s, message + 2, sizeof(message) - 2, STUN_REQUEST, STUN_METHOD_BINDING, txid);
	stun_put_bytes(&s, STUN_ATTR_USERNAME, user, 13);
	stun_put_u32(&s, STUN_ATTR_PRIORITY, 1000);
	stun_put_u64(&s, STUN_ATTR_ICE_CONTROLLING, 1);
	CHECK(!stun_writer_finish(&s, hmac, true, &size));
	crypto_hmac_destroy(hmac);
	store_u16(message, (uint16_t)size);
	cut = bytes_u8(&w.in) % (size + 3);
	ice_agent_stream_input(w.agent, w.now, id, message, cut);
	take_received();
	drain();
	ice_agent_stream_input(w.agent, w.now, id, message + cut, size + 2 - cut);
	take_received();
}

static void accept_one(void)
{
	uint32_t id = AGENT_ACCEPTED_ID_MIN + w.next_accepted;
	wlk_addr from = far_end(id);

	if (w.next_accepted >= IDS - ACCEPTED_FIRST)
		return;
	w.next_accepted++;
	*life_of(id) = OPEN;
	if (ice_agent_stream_accepted(w.agent, w.now, &w.listener, &from, id))
		*life_of(id) = CLOSED;
}

static void answer_connect(uint32_t id, bool ok)
{
	wlk_addr local = addr_v4(192, 0, 2, 1, (uint16_t)(40000 + id));

	if (*life_of(id) != ASKED)
		return;
	*life_of(id) = ok ? OPEN : CLOSED;
	ice_agent_on_request(w.agent, w.now, id, ok ? WLK_OK : WLK_ERR_IO, &local, ok);
}

static void add_candidate(void)
{
	struct ice_candidate c = {
		.transport = ICE_TCP,
		.tcptype = CANDIDATE_TCP_PASSIVE,
		.component = 1,
		.priority = bytes_u8(&w.in),
		.foundation = "1",
		.addr = addr_v4(198, 51, 100, bytes_u8(&w.in), bytes_u16(&w.in)),
	};

	(void)ice_agent_add_remote_candidate(w.agent, w.now, &c);
}

static void pass_time(void)
{
	wlk_time at = ice_agent_deadline(w.agent);

	w.now += 1 + (wlk_time)bytes_u8(&w.in) * 20 * MILLISECOND;
	if (at != WLK_TIME_NEVER && at > w.now && bytes_u8(&w.in) & 1)
		w.now = at;
	for (int n = 0; ice_agent_deadline(w.agent) <= w.now; n++) {
		CHECK(n < 1000);
		ice_agent_handle_timeout(w.agent, w.now);
		drain();
	}
}

static void restart(void)
{
	wlk_err err = ice_agent_restart(w.agent, w.now);

	CHECK(!err);
	(void)ice_agent_set_remote_parameters(w.agent, w.now, STR("peer"), STR("peerpasswordpeerpasswor"), false);
}

/* One of the ids that there are, or one that there is not. */
static uint32_t some_id(void)
{
	uint8_t choice = bytes_u8(&w.in);

	return choice & 1 ? AGENT_ACCEPTED_ID_MIN + choice / 2u % (w.next_accepted + 1u) : choice / 2u % 64u;
}

static void close_far(uint32_t id)
{
	if (*life_of(id) != OPEN)
		return;
	*life_of(id) = CLOSED;
	ice_agent_stream_closed(w.agent, w.now, id);
}

static void command(void)
{
	uint8_t what = bytes_u8(&w.in) % 12;

	switch (what) {
	case 0:
	case 1:
		accept_one();
		break;
	case 2:
	case 3:
		give_bytes(some_id());
		break;
	case 4:
	case 5:
		give_check(some_id(), what == 4);
		break;
	case 6:
		close_far(some_id());
		break;
	case 7:
	case 8:
		answer_connect(some_id() & 63, what == 7);
		break;
	case 9:
		add_candidate();
		break;
	case 10:
		pass_time();
		break;
	default:
		if (bytes_u8(&w.in) < 40)
			restart();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ice_agent_config config = { .tcp_passive = true, .controlling = size & 1 };
	wlk_addr ip = addr_v4(192, 0, 2, 1, 0);

	memset(&w, 0, sizeof(w));
	w.in = bytes_reader(data, size);
	w.now = SECOND;
	w.next_port = 5000;
	rand_use_seed(1);
	CHECK(!ice_agent_create(&w.agent, &config));
	CHECK(!ice_agent_set_interfaces(w.agent, w.now, &ip, 1));
	CHECK(!ice_agent_gather(w.agent, w.now));
	drain();
	CHECK(!ice_agent_set_remote_parameters(w.agent, w.now, STR("peer"), STR("peerpasswordpeerpasswor"), false));
	for (int n = 0; n < COMMANDS_MAX && w.in.left; n++) {
		command();
		drain();
		/* Our own checks are never answered here: nothing becomes valid. */
		CHECK(!ice_agent_selected(w.agent, &(wlk_addr){ 0 }, &(wlk_addr){ 0 }));
		if (ice_agent_deadline(w.agent) <= w.now)
			ice_agent_handle_timeout(w.agent, w.now);
		drain();
		CHECK(ice_agent_deadline(w.agent) > w.now);
	}
	ice_agent_close(w.agent);
	drain();
	for (uint32_t i = 0; i < IDS; i++)
		CHECK(w.lives[i] == UNKNOWN || w.lives[i] == CLOSED);
	ice_agent_destroy(w.agent);
	rand_use_system();
	CHECK(!alloc_live_blocks());
	return 0;
}
