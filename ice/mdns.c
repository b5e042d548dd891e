#include "ice/mdns.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/rand.h"
#include "core/time.h"

/*
 * The timers: per query the next send or the end of waiting, and those of the responder. The cache expires when it is
 * read.
 */

/* When a query is sent, counted from its start. The last entry is when waiting ends. */
static const wlk_time query_schedule[] = { 0, 1 * SECOND, 3 * SECOND, 7 * SECOND, 8 * SECOND };

/* Datagrams that are still to be built: one bit for each group and question type. */
enum pending {
	PENDING_V4_A = 1,
	PENDING_V4_AAAA = 2,
	PENDING_V6_A = 4,
	PENDING_V6_AAAA = 8,
	PENDING_V4 = PENDING_V4_A | PENDING_V4_AAAA,
	PENDING_V6 = PENDING_V6_A | PENDING_V6_AAAA,
};

enum query_state { QUERY_ASKING, QUERY_RESOLVED, QUERY_FAILED };

struct query {
	uint32_t id;
	struct mdns_name name;
	enum query_state state; /* anything but asking: waits for poll_event */
	wlk_time started;
	size_t step;      /* index in query_schedule of what comes next */
	unsigned pending; /* enum pending */
	wlk_addr addr;    /* QUERY_RESOLVED */
};

struct cached {
	struct mdns_name name;
	wlk_addr addr;
	wlk_time expires;
};

struct mdns {
	struct pktbuf_pool *pool;
	bool ipv6;
	uint32_t next_id;
	struct query *queries;
	size_t query_count, query_capacity;
	struct cached *cache;
	size_t cache_count, cache_capacity;
	struct mdns_responder responder;
	struct mdns_stats stats;
	struct log_scope log;
	struct log_budget log_budget;
};

wlk_err mdns_create(struct mdns **out, const struct mdns_config *config)
{
	struct mdns *m = wlk_calloc(1, sizeof(*m));

	if (!m)
		return WLK_ERR_NOMEM;
	m->pool = config->pool;
	m->ipv6 = config->ipv6;
	m->next_id = 1;
	mdns_responder_init(&m->responder, config->pool, config->ipv6);
	log_scope_init(&m->log, config->log_parent, "mdns");
	*out = m;
	return WLK_OK;
}

void mdns_destroy(struct mdns *m)
{
	if (!m)
		return;
	mdns_responder_free(&m->responder);
	wlk_free(m->queries);
	wlk_free(m->cache);
	wlk_free(m);
}

wlk_err mdns_make_name(char out[MDNS_NAME_SIZE + 1])
{
	struct mdns_name name;
	wlk_err err = rand_bytes(name.uuid, sizeof(name.uuid));

	if (err)
		return err;
	name.uuid[6] = (uint8_t)((name.uuid[6] & 0x0F) | 0x40);
	name.uuid[8] = (uint8_t)((name.uuid[8] & 0x3F) | 0x80);
	mdns_name_text(&name, out);
	return WLK_OK;
}

const struct mdns_stats *mdns_stats(struct mdns *m)
{
	m->stats.suppressed = m->responder.suppressed;
	return &m->stats;
}

wlk_err mdns_publish(struct mdns *m, wlk_time now, const char *text, size_t size, const wlk_addr *addr)
{
	struct mdns_name name;

	if (addr_is_none(addr) || !mdns_name_parse(&name, (struct str){ text, size }))
		return WLK_ERR_INVALID;
	return mdns_responder_add(&m->responder, now, &name, addr);
}

void mdns_unpublish(struct mdns *m, const char *text, size_t size)
{
	struct mdns_name name;

	if (mdns_name_parse(&name, (struct str){ text, size }))
		mdns_responder_remove(&m->responder, &name);
}

/* ---- Cache ---- */

static struct cached *find_cached(struct mdns *m, const struct mdns_name *name)
{
	for (size_t i = 0; i < m->cache_count; i++) {
		if (mdns_name_equal(&m->cache[i].name, name))
			return &m->cache[i];
	}
	return NULL;
}

static void cache_drop(struct mdns *m, struct cached *entry)
{
	if (entry)
		*entry = m->cache[--m->cache_count];
}

/* A place for one more entry; NULL without memory, which only costs a question later. */
static struct cached *cache_slot(struct mdns *m)
{
	struct cached *first = m->cache;

	if (m->cache_count < MDNS_CACHE_MAX) {
		if (!array_reserve((void **)&m->cache, &m->cache_capacity, m->cache_count + 1, sizeof(*m->cache)))
			return NULL;
		return &m->cache[m->cache_count++];
	}
	for (size_t i = 1; i < m->cache_count; i++) {
		if (m->cache[i].expires < first->expires)
			first = &m->cache[i];
	}
	return first;
}

static void cache_put(struct mdns *m, wlk_time now, const struct mdns_record *record, const wlk_addr *addr)
{
	struct cached *entry = find_cached(m, &record->name);

	if (!entry)
		entry = cache_slot(m);
	if (!entry)
		return;
	entry->name = record->name;
	entry->addr = *addr;
	entry->expires = time_add(now, MIN(record->ttl_s, MDNS_TTL_MAX_S) * SECOND);
}

/* ---- Queries ---- */

static struct query *find_query(struct mdns *m, const struct mdns_name *name)
{
	for (size_t i = 0; i < m->query_count; i++) {
		if (mdns_name_equal(&m->queries[i].name, name))
			return &m->queries[i];
	}
	return NULL;
}

/* Keeps the order of the others, so that events come in the order of the calls. */
static void remove_query(struct mdns *m, size_t index)
{
	m->query_count--;
	memmove(&m->queries[index], &m->queries[index + 1], (m->query_count - index) * sizeof(*m->queries));
}

static void query_resolved(struct mdns *m, struct query *query, const wlk_addr *addr)
{
	char ip[WLK_ADDR_TEXT_MAX];

	query->state = QUERY_RESOLVED;
	query->addr = *addr;
	query->addr.port = 0;
	query->pending = 0;
	m->stats.resolved++;
	LOG_D(m, "query %u: resolved to %s", (unsigned)query->id, addr_ip_text(addr, ip));
}

static void query_failed(struct mdns *m, struct query *query)
{
	query->state = QUERY_FAILED;
	query->pending = 0;
	m->stats.failed++;
	LOG_D(m, "query %u: nobody answered", (unsigned)query->id);
}

/* What is known without asking anybody: our own names and unexpired answers. */
static const wlk_addr *known_address(struct mdns *m, wlk_time now, const struct mdns_name *name)
{
	const wlk_addr *own = mdns_responder_find(&m->responder, name);
	struct cached *cached = find_cached(m, name);

	if (own)
		return own;
	if (cached && cached->expires <= now) {
		cache_drop(m, cached);
		return NULL;
	}
	return cached ? &cached->addr : NULL;
}

/* Do what is due at |now|; a jump over several steps sends once. */
static void query_advance(struct mdns *m, struct query *query, wlk_time now)
{
	const size_t last = ARRAY_SIZE(query_schedule) - 1;

	while (query->state == QUERY_ASKING && time_add(query->started, query_schedule[query->step]) <= now) {
		if (query->step == last) {
			query_failed(m, query);
			return;
		}
		query->pending = m->ipv6 ? PENDING_V4 | PENDING_V6 : PENDING_V4;
		query->step++;
	}
}

static uint32_t take_id(struct mdns *m)
{
	uint32_t id = m->next_id++;

	if (m->next_id == 0)
		m->next_id = 1;
	return id;
}

wlk_err mdns_resolve(struct mdns *m, wlk_time now, const char *text, size_t size, uint32_t *query_id)
{
	struct mdns_name name;
	struct query *query;

	if (!mdns_name_parse(&name, (struct str){ text, size }))
		return WLK_ERR_INVALID;
	query = find_query(m, &name);
	if (query) {
		*query_id = query->id;
		return WLK_OK;
	}
	if (m->query_count == MDNS_QUERIES_MAX)
		return WLK_ERR_AGAIN;
	if (!array_reserve((void **)&m->queries, &m->query_capacity, m->query_count + 1, sizeof(*m->queries)))
		return WLK_ERR_NOMEM;

	const wlk_addr *known = known_address(m, now, &name);

	query = &m->queries[m->query_count++];
	*query = (struct query){ .id = take_id(m), .name = name, .state = QUERY_ASKING, .started = now };
	if (known)
		query_resolved(m, query, known);
	else
		query_advance(m, query, now);
	*query_id = query->id;
	return WLK_OK;
}

void mdns_cancel(struct mdns *m, uint32_t query_id)
{
	for (size_t i = 0; i < m->query_count; i++) {
		if (m->queries[i].id == query_id) {
			remove_query(m, i);
			return;
		}
	}
}

void mdns_on_new_link(struct mdns *m, wlk_time now)
{
	for (size_t i = 0; i < m->query_count; i++) {
		m->queries[i].started = now;
		m->queries[i].step = 0;
	}
	mdns_responder_announce_again(&m->responder, now);
}

/* ---- Output ---- */

static struct pktbuf *build_query(struct mdns *m, const struct query *query, unsigned bit)
{
	struct pktbuf *buf = pktbuf_alloc(m->pool, MDNS_OUT_MAX);
	enum mdns_type type = bit & (PENDING_V4_A | PENDING_V6_A) ? MDNS_TYPE_A : MDNS_TYPE_AAAA;
	bool first = query->step == 1;

	if (!buf)
		return NULL;

	struct bytes_writer w = bytes_writer(buf->data, MDNS_OUT_MAX);

	mdns_write_query(&w, &query->name, type, first);
	buf->size = w.size;
	return buf;
}

/* Take the lowest bit out of *pending. */
static unsigned take_bit(unsigned *pending)
{
	unsigned bit = *pending & (~*pending + 1);

	*pending &= ~bit;
	return bit;
}

static bool hand_out(struct dgram *out, unsigned bit, struct pktbuf *buf)
{
	if (!buf)
		return false; /* without memory the datagram is lost as on a bad link; the schedule goes on */
	*out = (struct dgram){ .remote = bit & PENDING_V4 ? mdns_group_v4() : mdns_group_v6(), .buf = buf };
	return true;
}

static bool transmit_query(struct mdns *m, struct query *query, struct dgram *out)
{
	while (query->pending) {
		unsigned bit = take_bit(&query->pending);

		if (hand_out(out, bit, build_query(m, query, bit))) {
			m->stats.queries_sent++;
			return true;
		}
	}
	return false;
}

bool mdns_poll_transmit(struct mdns *m, wlk_time now, struct dgram *out)
{
	(void)now;
	if (mdns_responder_poll_transmit(&m->responder, out)) {
		m->stats.responses_sent++;
		return true;
	}
	for (size_t i = 0; i < m->query_count; i++) {
		if (transmit_query(m, &m->queries[i], out))
			return true;
	}
	return false;
}

bool mdns_poll_event(struct mdns *m, struct mdns_event *out)
{
	for (size_t i = 0; i < m->query_count; i++) {
		const struct query *query = &m->queries[i];

		if (query->state == QUERY_ASKING)
			continue;
		*out = (struct mdns_event){
			.type = query->state == QUERY_RESOLVED ? MDNS_RESOLVED : MDNS_FAILED,
			.query_id = query->id,
			.addr = query->addr,
		};
		remove_query(m, i);
		return true;
	}
	return false;
}

wlk_time mdns_deadline(const struct mdns *m)
{
	wlk_time deadline = mdns_responder_deadline(&m->responder);

	for (size_t i = 0; i < m->query_count; i++) {
		const struct query *query = &m->queries[i];

		if (query->state == QUERY_ASKING)
			deadline = time_min(deadline, time_add(query->started, query_schedule[query->step]));
	}
	return deadline;
}

void mdns_handle_timeout(struct mdns *m, wlk_time now)
{
	for (size_t i = 0; i < m->query_count; i++)
		query_advance(m, &m->queries[i], now);
	mdns_responder_handle_timeout(&m->responder, now);
}

/* ---- Input ---- */

static bool is_on_link(const struct mdns *m, const wlk_addr *from)
{
	return addr_is_loopback(from) || addr_is_link_local(from) || addr_is_private(from) ||
	       mdns_responder_has_ip(&m->responder, from);
}

/* All or nothing: a message that breaks off changes nothing. */
static bool is_well_formed(struct mdns_reader reader)
{
	struct mdns_question question;
	struct mdns_record record;

	while (mdns_next_question(&reader, &question))
		;
	while (mdns_next_record(&reader, &record))
		;
	return !reader.failed;
}

/* The first answer wins; what nobody asked for is not kept, so that the link cannot fill the cache (R9). */
static void accept_record(struct mdns *m, wlk_time now, const wlk_addr *from, const struct mdns_record *record)
{
	struct query *query = find_query(m, &record->name);
	wlk_addr addr = record->addr;

	if (!record->is_address)
		return;
	if (record->ttl_s == 0) {
		cache_drop(m, find_cached(m, &record->name));
		return;
	}
	if (!query || query->state != QUERY_ASKING)
		return;
	if (addr.family == 6 && addr_is_link_local(&addr))
		addr.scope_id = from->scope_id;
	query_resolved(m, query, &addr);
	cache_put(m, now, record, &addr);
}

static void input_response(struct mdns *m, wlk_time now, const wlk_addr *from, struct mdns_reader *reader)
{
	struct mdns_question question;
	struct mdns_record record;

	while (mdns_next_question(reader, &question))
		;
	while (mdns_next_record(reader, &record))
		accept_record(m, now, from, &record);
}

void mdns_input(struct mdns *m, wlk_time now, const wlk_addr *from, const uint8_t *data, size_t size)
{
	struct mdns_reader reader;

	if (mdns_reader_init(&reader, data, size) || !is_well_formed(reader)) {
		m->stats.malformed++;
		LOG_RATED(m, &m->log_budget, now, LOG_LEVEL_DEBUG, "dropped a malformed message of %zu bytes", size);
		return;
	}
	if (!is_on_link(m, from) || (reader.response && from->port != MDNS_PORT)) {
		m->stats.out_of_scope++;
		LOG_RATED(m, &m->log_budget, now, LOG_LEVEL_DEBUG, "dropped a message from outside the link");
		return;
	}
	if (!reader.usable)
		return;
	if (reader.response)
		input_response(m, now, from, &reader);
	else
		mdns_responder_input(&m->responder, now, from, &reader);
}
