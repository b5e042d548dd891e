/*
 * mDNS: any datagram, read by the reader and fed to a machine that asks for one name and owns another. Answers stay
 * bounded, nothing but an address record for the asked name ever resolves it, and the deadline never stands still.
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

static size_t drain(struct mdns *m)
{
	struct dgram d;
	size_t count = 0;

	while (mdns_poll_transmit(m, NOW, &d)) {
		struct mdns_reader r;

		CHECK(mdns_reader_init(&r, d.buf->data, d.buf->size) == WLK_OK);
		pktbuf_release(d.buf);
		CHECK(++count < 100);
	}
	return count;
}

/* An address stays known until its TTL is over. */
static void ask_again(struct mdns *m)
{
	struct mdns_event ev;
	uint32_t id, again;

	CHECK(mdns_resolve(m, NOW + SECOND, asked, sizeof(asked) - 1, &id) == WLK_OK);
	CHECK(mdns_resolve(m, NOW + SECOND, asked, sizeof(asked) - 1, &again) == WLK_OK && id == again);
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

	mdns_unpublish(m, NOW + 200 * SECOND, owned, sizeof(owned) - 1);
	mdns_handle_timeout(m, NOW + 200 * SECOND);
	CHECK(mdns_poll_event(m, &ev) == asking);
	CHECK(!asking || ev.type == MDNS_FAILED);
	CHECK(drain(m) == 1);
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

	CHECK(mdns_create(&m, &(struct mdns_config){ .pool = pool }) == WLK_OK);
	CHECK(mdns_publish(m, NOW - 9 * SECOND, owned, sizeof(owned) - 1, &own) == WLK_OK);
	mdns_handle_timeout(m, NOW);
	CHECK(mdns_resolve(m, NOW, asked, sizeof(asked) - 1, &id) == WLK_OK);
	drain(m);
	mdns_input(m, NOW + SECOND, &from, data, size);

	bool resolved = mdns_poll_event(m, &ev);

	CHECK(resolved == (from.port == MDNS_PORT && tells_address(data, size, asked)));
	CHECK(!resolved || (ev.type == MDNS_RESOLVED && ev.query_id == id && !addr_is_none(&ev.addr)));
	CHECK(!mdns_poll_event(m, &ev));
	CHECK(drain(m) <= 1); /* one answer: unicast or to the group */
	mdns_handle_timeout(m, NOW + SECOND);
	drain(m);
	CHECK(mdns_deadline(m) > NOW + SECOND);
	if (resolved)
		ask_again(m);
	end(m, !resolved);
	mdns_destroy(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool legacy = size >= 2 && (data[0] || data[1]); /* the id of multicast queries is 0 */

	if (!pool)
		CHECK((pool = pktbuf_pool_create(16)));
	feed(data, size, legacy ? addr_v4(127, 0, 0, 1, 40000) : addr_v4(192, 168, 1, 9, MDNS_PORT));
	return 0;
}
