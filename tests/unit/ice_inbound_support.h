/* What the tests of incoming checks and answers share: an agent on a bench, and what a peer could send to it. */
#ifndef TESTS_UNIT_ICE_INBOUND_SUPPORT_H
#define TESTS_UNIT_ICE_INBOUND_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/rand.h"
#include "core/time.h"
#include "ice/agent.h"
#include "ice/stun_msg.h"

/* For those who look at one of the counters. */
#define COUNTER(name) offsetof(struct ice_agent_stats, name)

#define PEER_PWD "peerpasswordpeerpasswor"

struct bench {
	struct ice_agent *agent;
	wlk_addr base;
	wlk_addr peer;
	wlk_time now;
};

/* Answers every request of the agent; binds get port 5000. */
static inline void answer_requests(struct bench *b)
{
	struct ice_request r;

	while (ice_agent_poll_request(b->agent, &r)) {
		wlk_addr bound = r.local;

		bound.port = 5000;
		if (r.type == ICE_REQUEST_BIND_UDP)
			ice_agent_on_request(b->agent, b->now, r.id, WLK_OK, &bound, 1);
	}
}

static inline void set_up(struct bench *b, bool controlling, bool know_peer)
{
	struct ice_agent_config config = { .controlling = controlling, .tie_breaker = 1000, .no_tcp = true };
	wlk_addr ip = addr_v4(10, 0, 0, 1, 0);

	*b = (struct bench){ .base = addr_v4(10, 0, 0, 1, 5000), .peer = addr_v4(10, 0, 0, 2, 6000), .now = SECOND };
	rand_use_seed(1);
	assert_int_equal(ice_agent_create(&b->agent, &config), WLK_OK);
	assert_int_equal(ice_agent_set_interfaces(b->agent, b->now, &ip, 1), WLK_OK);
	assert_int_equal(ice_agent_gather(b->agent, b->now), WLK_OK);
	answer_requests(b);
	if (know_peer)
		assert_int_equal(ice_agent_set_remote_parameters(b->agent, b->now, STR("peer"), STR(PEER_PWD), false),
				 WLK_OK);
}

static inline void tear_down(struct bench *b)
{
	ice_agent_destroy(b->agent);
	rand_use_system();
}

/* How a request differs from a good one. */
struct request {
	const char *local_ufrag; /* NULL: the agent's */
	const char *remote_ufrag;
	const char *pwd;
	uint64_t tie_breaker;
	bool no_username, no_integrity, no_fingerprint, no_priority, no_role;
	bool controlled; /* ICE-CONTROLLED instead of ICE-CONTROLLING */
	bool use_candidate;
	uint16_t unknown; /* a comprehension-required attribute */
	uint16_t method;
	uint8_t id;
};

static inline size_t write_request(const struct bench *b, const struct request *r, uint8_t *buf, size_t capacity)
{
	uint8_t txid[STUN_TXID_SIZE] = { r->id, 1, 2, 3 };
	const char *pwd = r->pwd ? r->pwd : ice_agent_local_pwd(b->agent);
	struct crypto_hmac *hmac;
	struct stun_writer w;
	char user[100];
	size_t size = 0;

	snprintf(user, sizeof(user), "%s:%s", r->local_ufrag ? r->local_ufrag : ice_agent_local_ufrag(b->agent),
		 r->remote_ufrag ? r->remote_ufrag : "peer");
	assert_int_equal(crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, pwd, strlen(pwd)), WLK_OK);
	stun_writer_init(&w, buf, capacity, STUN_REQUEST, r->method ? r->method : STUN_METHOD_BINDING, txid);
	if (!r->no_username)
		stun_put_text(&w, STUN_ATTR_USERNAME, user);
	if (!r->no_priority)
		stun_put_u32(&w, STUN_ATTR_PRIORITY, 1862270975);
	if (!r->no_role)
		stun_put_u64(&w, r->controlled ? STUN_ATTR_ICE_CONTROLLED : STUN_ATTR_ICE_CONTROLLING, r->tie_breaker);
	if (r->use_candidate)
		stun_put_flag(&w, STUN_ATTR_USE_CANDIDATE);
	if (r->unknown)
		stun_put_u32(&w, r->unknown, 0);
	assert_int_equal(stun_writer_finish(&w, r->no_integrity ? NULL : hmac, !r->no_fingerprint, &size), WLK_OK);
	crypto_hmac_destroy(hmac);
	return size;
}

/* Feed a request; *size is its size. */
static inline void ask(struct bench *b, const struct request *r, size_t *size)
{
	uint8_t buf[400];
	size_t n = write_request(b, r, buf, sizeof(buf));

	if (size)
		*size = n;
	ice_agent_input(b->agent, b->now, &b->base, &b->peer, buf, n);
}

/* The next datagram, parsed; |copy| holds it. False: none. */
static inline bool next_datagram(struct bench *b, struct stun_msg *msg, uint8_t copy[400], wlk_addr *to)
{
	struct dgram d;

	if (!ice_agent_poll_transmit(b->agent, b->now, &d))
		return false;
	assert_true(d.buf->size <= 400);
	assert_true(addr_equal(&d.local, &b->base));
	memcpy(copy, d.buf->data, d.buf->size);
	assert_int_equal(stun_msg_parse(msg, copy, d.buf->size), WLK_OK);
	if (to)
		*to = d.remote;
	pktbuf_release(d.buf);
	return true;
}

static inline struct ice_agent_stats stats_of(const struct bench *b)
{
	struct ice_agent_stats s;

	ice_agent_get_stats(b->agent, &s);
	return s;
}

/* No answer, no pair, no candidate, no event, no deadline. */
static inline void assert_untouched(struct bench *b)
{
	struct ice_event e;
	struct dgram d;
	struct ice_candidate_stats c;
	struct ice_pair_stats p;

	assert_false(ice_agent_poll_transmit(b->agent, b->now, &d));
	assert_false(ice_agent_poll_event(b->agent, &e));
	assert_false(ice_agent_remote_candidate(b->agent, 0, &c));
	assert_false(ice_agent_pair_stats(b->agent, 0, &p));
}

static inline void drain_events(struct bench *b)
{
	struct ice_event e;

	while (ice_agent_poll_event(b->agent, &e))
		;
}

/* Bring the agent to send one check to the peer and give that back. */
static inline void provoke_check(struct bench *b, struct stun_msg *msg, uint8_t copy[400])
{
	struct ice_candidate c = { .type = CANDIDATE_HOST, .component = 1, .priority = 100, .foundation = "1" };

	c.addr = b->peer;
	assert_int_equal(ice_agent_add_remote_candidate(b->agent, b->now, &c), WLK_OK);
	assert_true(next_datagram(b, msg, copy, NULL));
	assert_int_equal(msg->class, STUN_REQUEST);
}

struct response {
	const char *pwd; /* NULL: the peer's */
	const uint8_t *id;
	bool no_integrity, bad_fingerprint, no_mapped;
	uint16_t error;
	wlk_addr mapped; /* none: the base */
};

static inline void answer(struct bench *b, const struct response *r, const struct stun_msg *check, const wlk_addr *local,
		   const wlk_addr *from)
{
	const char *pwd = r->pwd ? r->pwd : PEER_PWD;
	struct crypto_hmac *hmac;
	struct stun_writer w;
	uint8_t buf[300];
	size_t size;

	assert_int_equal(crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, pwd, strlen(pwd)), WLK_OK);
	stun_writer_init(&w, buf, sizeof(buf), r->error ? STUN_ERROR : STUN_SUCCESS, STUN_METHOD_BINDING,
			 r->id ? r->id : check->txid);
	if (r->error)
		stun_put_error(&w, r->error, "");
	else if (!r->no_mapped)
		stun_put_xor_addr(&w, STUN_ATTR_XOR_MAPPED_ADDRESS, addr_is_none(&r->mapped) ? &b->base : &r->mapped);
	assert_int_equal(stun_writer_finish(&w, r->no_integrity ? NULL : hmac, true, &size), WLK_OK);
	if (r->bad_fingerprint)
		buf[size - 1] ^= 1;
	crypto_hmac_destroy(hmac);
	ice_agent_input(b->agent, b->now, local, from, buf, size);
}

#endif
