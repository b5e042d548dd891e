/*
 * The agent against a peer, a stranger and a caller that the input drives: datagrams good and bad, answers to its own
 * checks, candidates, restarts, role changes, interfaces and time.
 *
 * Oracle: a path is validated only if a check that was sent on it got the right answer from the right place; what is
 * selected is validated; requests go only to addresses that the peer named or proved; caps hold; drains end and
 * deadlines lie ahead; after consent is lost nothing leaves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "core/bytes.h"
#include "core/rand.h"
#include "core/time.h"
#include "ice/agent.h"
#include "ice/stun_msg.h"

#define PEER_PWD "peerpasswordpeerpasswor"

#define MUST(fact)                                                                                                     \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #fact);                                     \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

enum { PLACES = 16, KEPT_CHECKS = 8, KEPT_PATHS = 512, COMMANDS_MAX = 300, MESSAGE_MAX = 512 };

struct kept_check {
	uint8_t txid[STUN_TXID_SIZE];
	wlk_addr local;
	wlk_addr remote;
	bool live;
};

struct path {
	wlk_addr local;
	wlk_addr remote;
};

struct world {
	struct bytes_reader in;
	struct ice_agent *agent;
	wlk_time now;
	unsigned generation;
	uint16_t next_port;
	wlk_addr bases[2]; /* the newest bound address of each interface */
	struct kept_check checks[KEPT_CHECKS];
	size_t next_check;
	struct path proven[KEPT_PATHS]; /* answered as they should */
	size_t proven_count;
	bool named[PLACES]; /* a candidate, or the source of an authentic request */
	bool lite;          /* an authentic request proves its path, and no check may leave */
	bool both_lite;     /* then it is as if neither were */
	bool expired;       /* consent of a path in use was lost */
	bool restarted;     /* from then on it cannot be told from outside whose consent was lost */
	bool stopped;       /* nothing may leave any more */
};

/* The addresses of this world; some of them are such as nobody may probe. */
static wlk_addr place(uint8_t index)
{
	static const uint8_t six[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 };

	index %= PLACES;
	if (index == 0)
		return addr_v4(127, 0, 0, 1, 9);
	if (index == 1)
		return addr_v6(six, 9);
	if (index == 2)
		return addr_v4(224, 0, 0, 1, 9);
	return addr_v4(10, 0, 9, index, 9);
}

static int place_of(const wlk_addr *addr)
{
	for (uint8_t i = 0; i < PLACES; i++) {
		wlk_addr p = place(i);

		if (addr_equal(&p, addr))
			return i;
	}
	return -1;
}

/* Whether somebody named |addr|, and it is one that may be checked. Lines may name addresses outside of this world. */
static bool may_check(const struct world *w, const wlk_addr *addr)
{
	struct ice_candidate_stats c;
	int at = place_of(addr);

	if (at >= 0)
		return (at >= 3 || at == 1) && w->named[at];
	for (size_t i = 0; ice_agent_remote_candidate(w->agent, i, &c); i++)
		if (addr_equal(&c.candidate.addr, addr))
			return ice_remote_address_allowed(addr, 0);
	return false;
}

static void note_check(struct world *w, const struct dgram *d, const struct stun_msg *msg)
{
	struct kept_check *c = &w->checks[w->next_check++ % KEPT_CHECKS];

	MUST(may_check(w, &d->remote));
	MUST(!w->lite || w->both_lite);
	memcpy(c->txid, msg->txid, STUN_TXID_SIZE);
	c->local = d->local;
	c->remote = d->remote;
	c->live = true;
}

static void take_datagram(struct world *w, const struct dgram *d)
{
	struct stun_msg msg;

	if (d->remote.port == 5353)
		return;
	MUST(!stun_msg_parse(&msg, d->buf->data, d->buf->size));
	MUST(msg.fingerprint_ok);
	if (msg.class == STUN_REQUEST && msg.username.data)
		note_check(w, d, &msg);
}

static void answer_request(struct world *w, const struct ice_request *r)
{
	uint8_t choice = bytes_u8(&w->in);
	wlk_addr result = r->local;

	if (r->type == ICE_REQUEST_CLOSE || (choice & 0x60) == 0x60)
		return; /* never answered */
	if (r->type == ICE_REQUEST_BIND_UDP) {
		result.port = w->next_port++;
		if ((choice & 7) != 7)
			w->bases[result.ip[3] & 1] = result;
	} else if (r->type == ICE_REQUEST_JOIN_MDNS) {
		if (addr_is_unspecified(&result))
			result = addr_v4(10, 0, 0, 1, 0);
		result.port = 50353;
	} else {
		result = place(3);
	}
	ice_agent_on_request(w->agent, w->now, r->id, (choice & 7) == 7 ? WLK_ERR_IO : WLK_OK, &result, 1);
}

static bool is_proven(const struct world *w, const wlk_addr *local, const wlk_addr *remote)
{
	for (size_t i = 0; i < w->proven_count; i++)
		if (addr_equal(&w->proven[i].local, local) && addr_equal(&w->proven[i].remote, remote))
			return true;
	return false;
}

static void check_paths(const struct world *w)
{
	struct ice_candidate_stats c;
	struct ice_pair_stats p;
	size_t pairs = 0;
	size_t remotes = 0;
	wlk_addr local;
	wlk_addr remote;

	for (; ice_agent_pair_stats(w->agent, pairs, &p); pairs++)
		if (ice_agent_is_validated(w->agent, &p.local, &p.remote))
			MUST(is_proven(w, &p.local, &p.remote));
	MUST(pairs <= 12);
	while (ice_agent_remote_candidate(w->agent, remotes, &c))
		remotes++;
	MUST(remotes <= 3 * 8); /* this generation, the one before, and one that retires */
	if (!ice_agent_selected(w->agent, &local, &remote))
		return;
	MUST(ice_agent_is_validated(w->agent, &local, &remote));
	MUST(!w->stopped);
}

/* RFC 6762 10.1: what a closed agent may still say, that its own names are gone. */
static bool is_goodbye(const struct world *w, const struct dgram *d)
{
	return ice_agent_state(w->agent) == ICE_STATE_CLOSED && d->remote.port == 5353;
}

static void drain(struct world *w)
{
	struct ice_request request;
	struct ice_event event;
	struct dgram d;
	size_t work = 0;

	while (ice_agent_poll_request(w->agent, &request)) {
		answer_request(w, &request);
		MUST(++work < 1000);
	}
	while (ice_agent_poll_transmit(w->agent, w->now, &d)) {
		MUST(!w->stopped || is_goodbye(w, &d));
		take_datagram(w, &d);
		pktbuf_release(d.buf);
		MUST(++work < 1000);
	}
	while (ice_agent_poll_event(w->agent, &event)) {
		if (event.type == ICE_EVENT_VALIDATED)
			MUST(is_proven(w, &event.local, &event.remote));
		w->expired |= event.type == ICE_EVENT_CONSENT_EXPIRED;
		MUST(++work < 1000);
	}
	check_paths(w);
}

static struct crypto_hmac *key_of(const char *pwd)
{
	struct crypto_hmac *hmac = NULL;

	MUST(!crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, pwd, strlen(pwd)));
	return hmac;
}

static void peer_ufrag(const struct world *w, char out[16])
{
	snprintf(out, 16, "peer%u", w->generation);
}

/* A request of the peer: bits choose role, nomination, and what is wrong with it. */
static void prove(struct world *w, const wlk_addr *local, const wlk_addr *remote)
{
	if (!is_proven(w, local, remote) && w->proven_count < KEPT_PATHS)
		w->proven[w->proven_count++] = (struct path){ *local, *remote };
}

static void send_request(struct world *w)
{
	uint8_t flags = bytes_u8(&w->in);
	uint8_t from = bytes_u8(&w->in) % PLACES;
	uint8_t txid[STUN_TXID_SIZE] = { flags, from };
	bool authentic = !(flags & 0x30);
	struct crypto_hmac *hmac = key_of(flags & 0x10 ? PEER_PWD : ice_agent_local_pwd(w->agent));
	wlk_addr source = place(from);
	uint8_t buf[MESSAGE_MAX];
	struct stun_writer out;
	char ufrag[16];
	char user[64];
	size_t size;

	peer_ufrag(w, ufrag);
	snprintf(user, sizeof(user), "%s:%s", ice_agent_local_ufrag(w->agent), ufrag);
	stun_writer_init(&out, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_BINDING, txid);
	stun_put_text(&out, STUN_ATTR_USERNAME, user);
	if (!(flags & 0x40))
		stun_put_u32(&out, STUN_ATTR_PRIORITY, (uint32_t)from << 20);
	stun_put_u64(&out, flags & 1 ? STUN_ATTR_ICE_CONTROLLED : STUN_ATTR_ICE_CONTROLLING,
		     flags & 2 ? UINT64_MAX : 1);
	if (flags & 4)
		stun_put_flag(&out, STUN_ATTR_USE_CANDIDATE);
	if (flags & 8)
		stun_put_u32(&out, 0x0055, 0);
	if (!stun_writer_finish(&out, hmac, !(flags & 0x20), &size)) {
		w->named[from] |= authentic;
		if (authentic && w->lite)
			prove(w, &w->bases[flags >> 7], &source);
		ice_agent_input(w->agent, w->now, &w->bases[flags >> 7], &source, buf, size);
	}
	crypto_hmac_destroy(hmac);
}

/* An answer to one of the latest checks, right or wrong in one way. */
static void send_answer(struct world *w)
{
	uint8_t flags = bytes_u8(&w->in);
	struct kept_check *c = &w->checks[flags % KEPT_CHECKS];
	uint8_t fault = (flags >> 3) & 7;
	struct crypto_hmac *hmac = key_of(fault == 1 ? "a wrong password of some size" : PEER_PWD);
	wlk_addr from = c->remote;
	wlk_addr mapped = flags & 0x40 ? addr_v4(203, 0, 113, flags, 77) : c->local;
	uint8_t txid[STUN_TXID_SIZE];
	uint8_t buf[MESSAGE_MAX];
	struct stun_writer out;
	size_t size;

	memcpy(txid, c->txid, sizeof(txid));
	txid[11] ^= fault == 2;
	from.port = (uint16_t)(from.port + (fault == 3));
	stun_writer_init(&out, buf, sizeof(buf), fault == 4 || fault == 5 ? STUN_ERROR : STUN_SUCCESS,
			 STUN_METHOD_BINDING, txid);
	if (fault == 4 || fault == 5)
		stun_put_error(&out, fault == 4 ? 487 : 500, "");
	else if (fault != 6)
		stun_put_xor_addr(&out, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
	if (c->live && !stun_writer_finish(&out, fault == 7 ? NULL : hmac, true, &size)) {
		if (!fault)
			prove(w, &c->local, &c->remote);
		ice_agent_input(w->agent, w->now, &c->local, &from, buf, size);
	}
	crypto_hmac_destroy(hmac);
}

static void send_raw(struct world *w)
{
	wlk_addr source = place(bytes_u8(&w->in));
	uint8_t size = bytes_u8(&w->in);
	wlk_bytes data = bytes_slice(&w->in, size);
	wlk_addr mdns = addr_v4(10, 0, 0, 1, 50353);

	if (data.data)
		ice_agent_input(w->agent, w->now, size & 1 ? &mdns : &w->bases[size & 2 ? 1 : 0], &source, data.data,
				data.size);
}

static void add_candidate(struct world *w)
{
	uint8_t index = bytes_u8(&w->in);
	struct ice_candidate c = {
		.type = index >> 6 == 3 ? CANDIDATE_RELAY : (enum ice_candidate_type)(index >> 6),
		.component = 1,
		.priority = (uint32_t)index << 16,
		.foundation = { (char)('a' + (index & 3)), 0 },
		.addr = place(index),
	};

	if (!ice_agent_add_remote_candidate(w->agent, w->now, &c))
		w->named[index % PLACES] = true;
}

static void add_line(struct world *w)
{
	uint8_t size = bytes_u8(&w->in);
	wlk_bytes data = bytes_slice(&w->in, size);

	if (!data.data)
		return;
	(void)ice_agent_add_remote_candidate_line(w->agent, w->now, (const char *)data.data, data.size);
	/* Lines may name what they like; only addresses of this world are told apart. */
	for (uint8_t i = 0; i < PLACES; i++) {
		struct ice_candidate_stats c;
		wlk_addr p = place(i);

		for (size_t j = 0; ice_agent_remote_candidate(w->agent, j, &c); j++)
			w->named[i] |= addr_equal(&c.candidate.addr, &p);
	}
}

static void set_parameters(struct world *w)
{
	char ufrag[16];
	bool lite = bytes_u8(&w->in) == 77;

	peer_ufrag(w, ufrag);
	if (!ice_agent_set_remote_parameters(w->agent, w->now, str_of(ufrag), STR(PEER_PWD), lite))
		w->both_lite |= w->lite && lite;
}

static void change_interfaces(struct world *w)
{
	wlk_addr ips[2] = { addr_v4(10, 0, 0, 1, 0), addr_v4(10, 0, 0, 2, 0) };
	uint8_t which = bytes_u8(&w->in);

	(void)ice_agent_set_interfaces(w->agent, w->now, ips + (which & 1), 1 + !(which & 3));
}

static void restart(struct world *w)
{
	if (bytes_u8(&w->in) & 1) {
		if (!ice_agent_cancel_restart(w->agent, w->now))
			w->generation--;
		return;
	}
	if (ice_agent_restart(w->agent, w->now))
		return;
	w->generation++;
	w->restarted = true;
	w->stopped = false;
}

static void pass_time(struct world *w)
{
	wlk_time end = w->now + (wlk_time)bytes_u16(&w->in) * MILLISECOND;
	int steps = 0;

	while (w->now < end && steps++ < 400) {
		w->now = time_min(MAX(ice_agent_deadline(w->agent), w->now), end);
		ice_agent_handle_timeout(w->agent, w->now);
		drain(w);
		MUST(ice_agent_deadline(w->agent) > w->now);
	}
}

static void traffic(struct world *w)
{
	wlk_addr local;
	wlk_addr remote;

	if (!ice_agent_selected(w->agent, &local, &remote))
		return;
	if (bytes_u8(&w->in) & 1)
		ice_agent_on_sent(w->agent, w->now, &local, &remote, 100);
	else
		ice_agent_on_received(w->agent, w->now, &local, &remote, 100);
}

static void command(struct world *w)
{
	switch (bytes_u8(&w->in) % 16) {
	case 0:
	case 1:
		send_request(w);
		break;
	case 2:
	case 3:
	case 4:
		send_answer(w);
		break;
	case 5:
		add_candidate(w);
		break;
	case 6:
		pass_time(w);
		break;
	case 7:
		set_parameters(w);
		break;
	case 8:
		restart(w);
		break;
	case 9:
		send_raw(w);
		break;
	case 10:
		add_line(w);
		break;
	case 11:
		change_interfaces(w);
		break;
	case 12:
		ice_agent_set_controlling(w->agent, w->now, bytes_u8(&w->in) & 1);
		break;
	case 13:
		traffic(w);
		break;
	case 14:
		ice_agent_end_of_remote_candidates(w->agent, w->now);
		ice_agent_probe(w->agent, w->now);
		break;
	case 15:
		if (bytes_u8(&w->in) == 200)
			ice_agent_close(w->agent);
		break;
	}
}

/* R7: closed, or failed because consent was lost. */
static void note_state(struct world *w)
{
	enum ice_state state = ice_agent_state(w->agent);

	if (state == ICE_STATE_CLOSED || (state == ICE_STATE_FAILED && w->expired && !w->restarted))
		w->stopped = true;
}

static void start(struct world *w, uint8_t options)
{
	struct ice_agent_config config = {
		.controlling = options & 1,
		.tie_breaker = 1000,
		.nominate_once = options & 2,
		.hide_host_addresses = options & 32,
		.probe_mtu = options & 64,
		.lite = options & 128,
		.max_remote_candidates = 8,
		.max_pairs = 12,
	};
	wlk_addr ips[2] = { addr_v4(10, 0, 0, 1, 0), addr_v4(10, 0, 0, 2, 0) };
	const struct ice_server servers[2] = {
		{ .host = STR("stun.example"), .port = 3478 },
		{ .host = STR("10.0.9.4"), .port = 9 },
	};
	const size_t first = options & 8 ? 0 : 1;

	w->lite = config.lite;
	MUST(!ice_agent_create(&w->agent, &config));
	MUST(!ice_agent_set_interfaces(w->agent, w->now, ips, options & 4 ? 2 : 1));
	if (options & 24)
		MUST(!ice_agent_set_servers(w->agent, &servers[first], (options & 16 ? 2 : 1) - first));
	MUST(!ice_agent_gather(w->agent, w->now));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .in = bytes_reader(data, size), .now = SECOND, .generation = 1, .next_port = 5000 };

	rand_use_seed(1);
	start(&w, bytes_u8(&w.in));
	drain(&w);
	for (int i = 0; i < COMMANDS_MAX && bytes_ok(&w.in); i++) {
		command(&w);
		ice_agent_handle_timeout(w.agent, w.now);
		drain(&w);
		note_state(&w);
		drain(&w);
		MUST(ice_agent_deadline(w.agent) > w.now);
	}
	ice_agent_destroy(w.agent);
	return 0;
}
