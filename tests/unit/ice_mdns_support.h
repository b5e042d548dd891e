/* What the mDNS tests share: two names, machines that ask and answer, and what is fed to them. */
#ifndef TESTS_UNIT_ICE_MDNS_SUPPORT_H
#define TESTS_UNIT_ICE_MDNS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/rand.h"
#include "core/time.h"
#include "ice/mdns.h"

static const char name_a[] = "73a01014-2a81-4e12-9d02-8f1333f0ba36.local";
static const char name_b[] = "97f10111-cf69-4f12-880c-5cd8ae6dddf4.local";

enum { DRAIN_BOUND = 4 * MDNS_QUERIES_MAX + 2 * MDNS_PUBLISHED_MAX + 16 };

#define START (1000 * SECOND)

static inline struct mdns *mdns_new(bool ipv6)
{
	struct mdns *m = NULL;

	assert_int_equal(mdns_create(&m, &(struct mdns_config){ .ipv6 = ipv6, .log_parent = "t" }), WLK_OK);
	return m;
}

static inline uint32_t resolve(struct mdns *m, wlk_time now, const char *name)
{
	uint32_t id = 0;

	assert_int_equal(mdns_resolve(m, now, name, strlen(name), &id), WLK_OK);
	assert_int_not_equal(id, 0);
	return id;
}

static inline void publish(struct mdns *m, wlk_time now, const char *name, wlk_addr addr)
{
	assert_int_equal(mdns_publish(m, now, name, strlen(name), &addr), WLK_OK);
}

/* Drops all output; answers how many datagrams there were. */
static inline size_t drain(struct mdns *m, wlk_time now)
{
	struct dgram d;
	size_t count = 0;

	while (mdns_poll_transmit(m, now, &d)) {
		pktbuf_release(d.buf);
		assert_true(++count <= DRAIN_BOUND);
	}
	return count;
}

/* Hands all output of |a| to |b| as if |a| sent from |from|. */
static inline size_t deliver(struct mdns *a, struct mdns *b, wlk_time now, wlk_addr from)
{
	struct dgram d;
	size_t count = 0;

	while (mdns_poll_transmit(a, now, &d)) {
		mdns_input(b, now, &from, d.buf->data, d.buf->size);
		pktbuf_release(d.buf);
		count++;
	}
	return count;
}

static inline void assert_no_event(struct mdns *m)
{
	struct mdns_event ev;

	assert_false(mdns_poll_event(m, &ev));
}

static inline void assert_event(struct mdns *m, enum mdns_event_type type, uint32_t id, const wlk_addr *addr)
{
	struct mdns_event ev;

	assert_true(mdns_poll_event(m, &ev));
	assert_int_equal(ev.type, type);
	assert_int_equal(ev.query_id, id);
	if (addr)
		assert_true(addr_equal(&ev.addr, addr));
}

/* Feed an answer that |name| has |addr|. */
static inline void feed_answer(struct mdns *m, wlk_time now, wlk_addr from, const char *name, wlk_addr addr, uint32_t ttl_s)
{
	struct mdns_response response = { .addr = addr, .ttl_s = ttl_s };
	uint8_t buf[MDNS_OUT_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));

	assert_true(mdns_name_parse(&response.name, str_of(name)));
	mdns_write_response(&w, &response);
	mdns_input(m, now, &from, buf, w.size);
}

static inline void feed_query(struct mdns *m, wlk_time now, wlk_addr from, const char *name, enum mdns_type type, bool unicast)
{
	struct mdns_name parsed;
	uint8_t buf[MDNS_OUT_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));

	assert_true(mdns_name_parse(&parsed, str_of(name)));
	mdns_write_query(&w, &parsed, type, unicast);
	mdns_input(m, now, &from, buf, w.size);
}

static inline wlk_addr link_peer(void)
{
	return addr_v4(192, 168, 1, 9, MDNS_PORT);
}

#endif
