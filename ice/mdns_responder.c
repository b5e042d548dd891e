#include "ice/mdns_responder.h"

#include "core/addr.h"
#include "core/alloc.h"

/* The timers, per name: the second announcement, and an answer that waits for its second to be over. */

enum {
	ANNOUNCEMENTS = 2,
	ANSWER_TTL_S = 120,
	LEGACY_TTL_S = 10, /* RFC 6762 6.7 */
	UNICAST_QUEUE = 16,
	GROUP_V4 = 1,
	GROUP_V6 = 2,
};

#define ANNOUNCE_INTERVAL SECOND
/*
 * RFC 6762 6 wants a second between two multicasts of one record. Answers keep to it among themselves, but not to
 * announcements: browsers open their mDNS socket when they have a name to ask for, so they have never heard the
 * announcement of a moment ago, and would pay for it with a second of set-up time.
 */
#define ANSWER_INTERVAL SECOND

void mdns_responder_init(struct mdns_responder *r, struct pktbuf_pool *pool, bool ipv6)
{
	*r = (struct mdns_responder){ .pool = pool, .groups = ipv6 ? GROUP_V4 | GROUP_V6 : GROUP_V4 };
	dgram_queue_init(&r->unicast, UNICAST_QUEUE);
}

void mdns_responder_free(struct mdns_responder *r)
{
	dgram_queue_free(&r->unicast);
	wlk_free(r->own);
	r->own = NULL;
	r->count = r->capacity = 0;
}

/* ---- Names ---- */

static struct mdns_own *find_own(struct mdns_responder *r, const struct mdns_name *name)
{
	for (size_t i = 0; i < r->count; i++) {
		if (!r->own[i].leaving && mdns_name_equal(&r->own[i].name, name))
			return &r->own[i];
	}
	return NULL;
}

const wlk_addr *mdns_responder_find(struct mdns_responder *r, const struct mdns_name *name)
{
	const struct mdns_own *own = find_own(r, name);

	return own ? &own->addr : NULL;
}

bool mdns_responder_has_ip(const struct mdns_responder *r, const wlk_addr *ip)
{
	for (size_t i = 0; i < r->count; i++) {
		if (addr_ip_equal(&r->own[i].addr, ip))
			return true;
	}
	return false;
}

static void multicast_answer(struct mdns_responder *r, struct mdns_own *own, wlk_time now)
{
	own->pending = r->groups;
	own->answered_at = now;
	own->answer_at = WLK_TIME_NEVER;
}

static void advance(struct mdns_responder *r, struct mdns_own *own, wlk_time now)
{
	while (own->announced < ANNOUNCEMENTS && own->announce_at <= now) {
		own->pending = r->groups;
		own->announced++;
		own->announce_at = time_add(own->announce_at, ANNOUNCE_INTERVAL);
	}
	if (own->answer_at <= now)
		multicast_answer(r, own, now);
}

wlk_err mdns_responder_add(struct mdns_responder *r, wlk_time now, const struct mdns_name *name, const wlk_addr *addr)
{
	struct mdns_own *own;

	if (find_own(r, name))
		return WLK_ERR_STATE;
	if (r->count == MDNS_PUBLISHED_MAX)
		return WLK_ERR_AGAIN;
	if (!array_reserve((void **)&r->own, &r->capacity, r->count + 1, sizeof(*r->own)))
		return WLK_ERR_NOMEM;
	own = &r->own[r->count++];
	*own = (struct mdns_own){
		.name = *name,
		.addr = *addr,
		.announce_at = now,
		.answered_at = now - ANSWER_INTERVAL,
		.answer_at = WLK_TIME_NEVER,
	};
	own->addr.port = 0;
	advance(r, own, now);
	return WLK_OK;
}

void mdns_responder_remove(struct mdns_responder *r, const struct mdns_name *name)
{
	struct mdns_own *own = find_own(r, name);

	if (!own)
		return;
	own->leaving = true;
	own->announced = ANNOUNCEMENTS;
	own->answer_at = WLK_TIME_NEVER;
	own->pending = r->groups;
}

void mdns_responder_announce_again(struct mdns_responder *r, wlk_time now)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->own[i].leaving)
			continue;
		r->own[i].announced = 0;
		r->own[i].announce_at = now;
	}
}

/* ---- Output ---- */

static struct pktbuf *build_response(struct mdns_responder *r, const struct mdns_response *response)
{
	struct pktbuf *buf = pktbuf_alloc(r->pool, MDNS_OUT_MAX);
	struct bytes_writer w;

	if (!buf)
		return NULL;
	w = bytes_writer(buf->data, MDNS_OUT_MAX);
	mdns_write_response(&w, response);
	buf->size = w.size;
	return buf;
}

/* Without memory a datagram is lost as on a bad link. */
static bool transmit_own(struct mdns_responder *r, struct mdns_own *own, struct dgram *out)
{
	struct mdns_response response = {
		.name = own->name,
		.addr = own->addr,
		.ttl_s = own->leaving ? 0 : ANSWER_TTL_S,
	};

	while (own->pending) {
		bool v4 = own->pending & GROUP_V4;
		struct pktbuf *buf = build_response(r, &response);

		own->pending &= ~(unsigned)(v4 ? GROUP_V4 : GROUP_V6);
		if (!buf)
			continue;
		*out = (struct dgram){ .remote = v4 ? mdns_group_v4() : mdns_group_v6(), .buf = buf };
		return true;
	}
	return false;
}

static void drop_left(struct mdns_responder *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (!r->own[i].leaving || r->own[i].pending)
			r->own[kept++] = r->own[i];
	}
	r->count = kept;
}

bool mdns_responder_poll_transmit(struct mdns_responder *r, struct dgram *out)
{
	bool any = dgram_queue_pop(&r->unicast, out);

	for (size_t i = 0; !any && i < r->count; i++)
		any = transmit_own(r, &r->own[i], out);
	drop_left(r);
	return any;
}

wlk_time mdns_responder_deadline(const struct mdns_responder *r)
{
	wlk_time deadline = WLK_TIME_NEVER;

	for (size_t i = 0; i < r->count; i++) {
		if (r->own[i].announced < ANNOUNCEMENTS)
			deadline = time_min(deadline, r->own[i].announce_at);
		deadline = time_min(deadline, r->own[i].answer_at);
	}
	return deadline;
}

void mdns_responder_handle_timeout(struct mdns_responder *r, wlk_time now)
{
	for (size_t i = 0; i < r->count; i++)
		advance(r, &r->own[i], now);
}

/* ---- Input ---- */

static bool take_unicast_token(struct mdns_responder *r, wlk_time now)
{
	if (!r->unicast_used || now - r->unicast_window >= SECOND) {
		r->unicast_window = now;
		r->unicast_used = 0;
	}
	return r->unicast_used < MDNS_UNICAST_PER_S && ++r->unicast_used;
}

static void answer_unicast(struct mdns_responder *r, wlk_time now, const wlk_addr *from, uint16_t id,
			   const struct mdns_own *own)
{
	bool legacy = from->port != MDNS_PORT;
	struct mdns_response response = {
		.name = own->name,
		.addr = own->addr,
		.ttl_s = legacy ? LEGACY_TTL_S : ANSWER_TTL_S,
		.legacy = legacy,
		.id = id,
		.question_type = own->asked_type,
	};
	struct dgram d = { .remote = *from };

	if (!take_unicast_token(r, now)) {
		r->suppressed++;
		return;
	}
	d.buf = build_response(r, &response);
	if (d.buf)
		dgram_queue_push(&r->unicast, d);
}

static void answer_multicast(struct mdns_responder *r, wlk_time now, struct mdns_own *own)
{
	if (now - own->answered_at >= ANSWER_INTERVAL) {
		multicast_answer(r, own, now);
		return;
	}
	r->suppressed++;
	own->answer_at = own->answered_at + ANSWER_INTERVAL;
}

/*
 * An asker on this host shares port 5353 with us, and the kernel hands a unicast datagram to one of the sockets only, not
 * necessarily to its own: it gets its answer through the group.
 */
static void answer(struct mdns_responder *r, wlk_time now, const wlk_addr *from, uint16_t id, struct mdns_own *own)
{
	bool same_host = addr_is_loopback(from) || mdns_responder_has_ip(r, from);

	if (from->port != MDNS_PORT || (own->asked_unicast && !same_host))
		answer_unicast(r, now, from, id, own);
	else
		answer_multicast(r, now, own);
}

static void note_question(struct mdns_responder *r, const struct mdns_question *question)
{
	struct mdns_own *own = question->known_form ? find_own(r, &question->name) : NULL;
	bool address = question->type == MDNS_TYPE_A || question->type == MDNS_TYPE_AAAA;

	if (!own || (!address && question->type != MDNS_TYPE_ANY))
		return;
	own->asked = true;
	own->asked_unicast = question->unicast;
	own->asked_type = question->type;
}

static void note_known_answer(struct mdns_responder *r, const struct mdns_record *record)
{
	struct mdns_own *own = record->is_address && record->in_answers ? find_own(r, &record->name) : NULL;

	if (!own || !own->asked || record->ttl_s < ANSWER_TTL_S / 2 || !addr_ip_equal(&own->addr, &record->addr))
		return;
	own->asked = false;
	r->suppressed++;
}

void mdns_responder_input(struct mdns_responder *r, wlk_time now, const wlk_addr *from, struct mdns_reader *reader)
{
	struct mdns_question question;
	struct mdns_record record;

	while (mdns_next_question(reader, &question))
		note_question(r, &question);
	while (mdns_next_record(reader, &record))
		note_known_answer(r, &record);
	for (size_t i = 0; i < r->count; i++) {
		if (r->own[i].asked)
			answer(r, now, from, reader->id, &r->own[i]);
		r->own[i].asked = false;
	}
}
