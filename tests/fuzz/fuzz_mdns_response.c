/*
 * mDNS: any datagram, read by the reader and fed to a machine that asks for one name and owns another. Nothing but an
 * address record for the asked name ever resolves it; there is one answer at most, none twice in a second to the group, for
 * the own name only and only when it was asked for; and the deadline never stands still.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "core/time.h"
#include "ice/mdns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			abort();                                                                                       \
	} while (0)

#define NOW (100 * SECOND)

static const char asked[] = "73a01014-2a81-4e12-9d02-8f1333f0ba36.local";
static const char owned[] = "97f10111-cf69-4f12-880c-5cd8ae6dddf4.local";

/* Whether a usable response tells an address of |text| that is no goodbye. Work is bounded: an item costs 5 bytes. */
static bool tells_address(const uint8_t *data, size_t size, const char *text)
{
	struct mdns_reader r;
	struct mdns_question q;
	struct mdns_record record;
	struct mdns_name name;
	size_t items = 0;
	bool found = false;

	CHECK(mdns_name_parse(&name, str_of(text)));
	if (mdns_reader_init(&r, data, size))
		return false;
	while (mdns_next_question(&r, &q))
		items++;
	while (mdns_next_record(&r, &record)) {
		items++;
		found |= record.is_address && record.ttl_s && mdns_name_equal(&record.name, &name);
	}
	CHECK(items <= size / 5 && r.offset <= size);
	return found && !r.failed && r.response && r.usable;
}

/* What leaves is a query for the asked name or an answer for the own one. *groups: answers to the group. */
static size_t drain(struct mdns *m, size_t *groups)
{
	struct mdns_name mine, theirs;
	struct dgram d;
	size_t count = 0;

	CHECK(mdns_name_parse(&mine, str_of(owned)) && mdns_name_parse(&theirs, str_of(asked)));
	while (mdns_poll_transmit(m, NOW, &d)) {
		struct mdns_reader r;
		struct mdns_question q;
		struct mdns_record record = { 0 };

		CHECK(mdns_reader_init(&r, d.buf->data, d.buf->size) == WLK_OK);
		while (mdns_next_question(&r, &q))
			CHECK(mdns_name_equal(&q.name, r.response ? &mine : &theirs));
		CHECK(mdns_next_record(&r, &record) == r.response);
		CHECK(!r.response || (record.is_address && mdns_name_equal(&record.name, &mine)));
		if (groups)
			*groups += r.response && addr_is_multicast(&d.remote);
		pktbuf_release(d.buf);
		CHECK(++count < 100);
	}
	return count;
}

/* Whether a usable query asks for |text|, in a type that has an answer. */
static bool asks_for(const uint8_t *data, size_t size, const char *text)
{
	struct mdns_reader r;
	struct mdns_question q;
	struct mdns_name name;
	bool found = false;

	CHECK(mdns_name_parse(&name, str_of(text)));
	if (mdns_reader_init(&r, data, size) || r.response || !r.usable)
		return false;
	while (mdns_next_question(&r, &q))
		found |= q.known_form && mdns_name_equal(&q.name, &name) &&
			 (q.type == MDNS_TYPE_A || q.type == MDNS_TYPE_AAAA || q.type == MDNS_TYPE_ANY);
	return found;
}

/* An address stays known until its TTL is over. */
static void ask_again(struct mdns *m)
{
	struct mdns_event ev;
	uint32_t id, again;

	CHECK(mdns_resolve(m, NOW + 3 * SECOND, asked, sizeof(asked) - 1, &id) == WLK_OK);
	CHECK(mdns_resolve(m, NOW + 3 * SECOND, asked, sizeof(asked) - 1, &again) == WLK_OK && id == again);
	if (!mdns_poll_event(m, &ev))
		mdns_cancel(m, id); /* a goodbye in the same message took it out of the cache again */
	CHECK(mdns_resolve(m, NOW + (MDNS_TTL_MAX_S + 1) * SECOND, asked, sizeof(asked) - 1, &id) == WLK_OK);
	CHECK(!mdns_poll_event(m, &ev));
	mdns_cancel(m, id);
}

/* What is still asked for fails in time, and the own name says goodbye. */
static void end(struct mdns *m, bool asking)
{
	struct mdns_event ev;

	mdns_unpublish(m, owned, sizeof(owned) - 1);
	mdns_handle_timeout(m, NOW + 200 * SECOND);
	CHECK(mdns_poll_event(m, &ev) == asking);
	CHECK(!asking || ev.type == MDNS_FAILED);
	CHECK(drain(m, NULL) == 1);
	CHECK(mdns_deadline(m) == WLK_TIME_NEVER);
}

/* Kept over the runs: buffers from the heap would be most of the work. */
static struct pktbuf_pool *pool;

static void feed(const uint8_t *data, size_t size, wlk_addr from)
{
	struct mdns *m = NULL;
	struct mdns_event ev;
	wlk_addr own = addr_v4(10, 0, 0, 1, 0);
	uint32_t id;
	size_t answers, again, groups = 0;

	CHECK(mdns_create(&m, &(struct mdns_config){ .pool = pool }) == WLK_OK);
	CHECK(mdns_publish(m, NOW - 9 * SECOND, owned, sizeof(owned) - 1, &own) == WLK_OK);
	mdns_handle_timeout(m, NOW);
	CHECK(mdns_resolve(m, NOW, asked, sizeof(asked) - 1, &id) == WLK_OK);
	drain(m, NULL);
	mdns_input(m, NOW + SECOND, &from, data, size);

	bool resolved = mdns_poll_event(m, &ev);

	CHECK(resolved == (from.port == MDNS_PORT && tells_address(data, size, asked)));
	CHECK(!resolved || (ev.type == MDNS_RESOLVED && ev.query_id == id && !addr_is_none(&ev.addr)));
	CHECK(!mdns_poll_event(m, &ev));
	answers = drain(m, &groups);
	CHECK(answers <= 1 && (!answers || asks_for(data, size, owned)));
	mdns_input(m, NOW + SECOND + SECOND / 5, &from, data, size);
	again = drain(m, &groups);
	CHECK(again <= answers && groups <= 1);
	mdns_handle_timeout(m, NOW + 2 * SECOND);
	drain(m, &groups);
	CHECK(groups <= 2);
	CHECK(mdns_deadline(m) > NOW + 2 * SECOND);
	if (resolved)
		ask_again(m);
	end(m, !resolved);
	mdns_destroy(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t on_link[4] = { 192, 168, 1, 9 }, same_host[4] = { 10, 0, 0, 1 };
	bool legacy = size >= 2 && (data[0] || data[1]); /* the id of multicast queries is 0 */
	const uint8_t *ip = size & 1 ? on_link : same_host;

	if (!pool)
		CHECK((pool = pktbuf_pool_create(16)));
	feed(data, size, legacy ? addr_v4(127, 0, 0, 1, 40000) : addr_v4(ip[0], ip[1], ip[2], ip[3], MDNS_PORT));
	return 0;
}
