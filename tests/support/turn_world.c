#include "tests/support/turn_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "core/rand.h"

enum { TRAFFIC_US = 100000, APP_SIZE = 200, NAT_OFFSET = 1000 };

#define MUST(fact)                                                                                                     \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #fact);                                     \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static uint32_t draw(struct turn_world *w, uint32_t bound)
{
	struct rand_jitter j = { w->random };
	uint32_t value = rand_jitter_below(&j, bound);

	w->random = j.state;
	return value;
}

void turn_world_init(struct turn_world *w, uint64_t seed, const struct ice_agent_config *a,
		     const struct ice_agent_config *b)
{
	memset(w, 0, sizeof(*w));
	w->random = seed;
	w->now = SECOND;
	w->latency_us = 10000;
	w->server_count = 1;
	rand_use_seed(seed);
	w->pool = pktbuf_pool_create(16);
	MUST(w->pool);
	for (uint8_t i = 0; i < TURN_WORLD_SERVERS_MAX; i++) {
		wlk_addr at = addr_v4(198, 51, 100, (uint8_t)(1 + i), 3478);
		wlk_addr relay = addr_v4(198, 51, 100, (uint8_t)(101 + i), 0);

		turn_server_init(&w->servers[i], &at, &relay);
	}
	for (int i = 0; i < 2; i++) {
		const struct ice_agent_config *given = i ? b : a;
		struct ice_agent_config c = { 0 };

		if (given)
			c = *given;
		c.controlling = i == 0;
		c.no_tcp = true;
		c.no_mdns = true;
		c.pool = w->pool;
		w->side[i].ip = addr_v4(10, 0, 0, (uint8_t)(1 + i), 0);
		w->side[i].next_port = 5000;
		MUST(!ice_agent_create(&w->side[i].agent, &c));
	}
}

void turn_world_free(struct turn_world *w)
{
	for (int i = 0; i < 2; i++)
		ice_agent_destroy(w->side[i].agent);
	for (size_t i = 0; i < w->flight_count; i++)
		pktbuf_release(w->flights[i].buf);
	free(w->flights);
	for (size_t i = 0; i < TURN_WORLD_SERVERS_MAX; i++)
		turn_server_free(&w->servers[i]);
	pktbuf_pool_destroy(w->pool);
	rand_use_system();
}

wlk_err turn_world_set_servers(struct turn_world *w, int side, const char *const *urls, const char *username,
			       const char *credential)
{
	struct ice_server servers[20];
	size_t count = 0;

	for (; urls[count]; count++) {
		MUST(count < 20 && !ice_server_parse(&servers[count], str_of(urls[count])));
		servers[count].username = str_of(username);
		servers[count].credential = str_of(credential);
	}
	return ice_agent_set_servers(w->side[side].agent, servers, count);
}

/* ----------------------------------------------------------------------------------------------- network */

static struct turn_world_flight *put_flight(struct turn_world *w, const wlk_addr *from, const wlk_addr *to,
					    const void *data, size_t size)
{
	struct turn_world_flight *f;

	if (w->flight_count == w->flight_capacity) {
		w->flight_capacity = w->flight_capacity ? 2 * w->flight_capacity : 64;
		w->flights = realloc(w->flights, w->flight_capacity * sizeof(*w->flights));
		MUST(w->flights);
	}
	f = &w->flights[w->flight_count++];
	*f = (struct turn_world_flight){
		.at = w->now + w->latency_us, .order = w->order++, .from = *from, .to = *to, .side = -1
	};
	f->buf = pktbuf_copy(NULL, data, size);
	return f;
}

static int server_of(const struct turn_world *w, const wlk_addr *to)
{
	for (size_t i = 0; i < w->server_count; i++)
		if (turn_server_owns(&w->servers[i], to))
			return (int)i;
	return -1;
}

static wlk_addr outside(const struct turn_world *w, int side, const wlk_addr *local)
{
	wlk_addr outer = addr_v4(203, 0, 113, (uint8_t)(1 + side), (uint16_t)(local->port + NAT_OFFSET));

	return w->nat ? outer : *local;
}

static void drain_server(struct turn_world *w, int index)
{
	struct turn_server *s = &w->servers[index];
	struct dgram d;

	while (turn_server_poll_transmit(s, &d)) {
		if (d.stream) {
			struct turn_world_flight *f = put_flight(w, &d.local, &d.remote, d.buf->data, d.buf->size);

			f->side = (int)(d.stream >> 16) - 1;
			f->stream = d.stream & 0xffff;
		} else if (!w->loss || draw(w, 1000) >= w->loss) {
			put_flight(w, &d.local, &d.remote, d.buf->data, d.buf->size);
		}
		pktbuf_release(d.buf);
	}
}

static void take_app(struct turn_world *w, struct turn_world_side *side, struct dgram *d)
{
	if (!ice_agent_is_validated(side->agent, &d->local, &d->remote)) {
		side->app_refused++;
		return;
	}
	MUST(d->buf->size == APP_SIZE);
	ice_agent_on_received(side->agent, w->now, &d->local, &d->remote, d->buf->size);
	if (side->last_app && w->now - side->last_app > side->app_gap)
		side->app_gap = w->now - side->last_app;
	side->last_app = w->now;
	side->app_received++;
}

static void take(struct turn_world *w, struct turn_world_side *side, struct dgram *d, bool wrapped_before)
{
	uint8_t first = d->buf->size ? d->buf->data[0] : 255;

	if (first < 4)
		ice_agent_input(side->agent, w->now, &d->local, &d->remote, d->buf->data, d->buf->size);
	else if (first >= 64 && first < 80 && !wrapped_before && ice_agent_unwrap(side->agent, w->now, d))
		take(w, side, d, true);
	else
		take_app(w, side, d);
}

static void take_received(struct turn_world *w, struct turn_world_side *side)
{
	struct dgram d;

	while (ice_agent_poll_received(side->agent, &d)) {
		take(w, side, &d, true);
		pktbuf_release(d.buf);
	}
}

static void deliver_to_side(struct turn_world *w, int index, const struct turn_world_flight *f)
{
	struct turn_world_side *side = &w->side[index];
	struct dgram d = { .local = f->to, .remote = f->from, .buf = f->buf };

	if (side->deaf)
		return;
	d.local.transport = WLK_TRANSPORT_UDP;
	if (w->nat)
		d.local = side->ip, d.local.port = (uint16_t)(f->to.port - NAT_OFFSET);
	take(w, side, &d, false);
	take_received(w, side);
}

static void deliver(struct turn_world *w, const struct turn_world_flight *f)
{
	int server = server_of(w, &f->to);

	if (f->side >= 0 && !f->to_server) {
		ice_agent_stream_input(w->side[f->side].agent, w->now, f->stream, f->buf->data, f->buf->size);
		take_received(w, &w->side[f->side]);
	} else if (server >= 0) {
		uint32_t stream = f->side >= 0 ? (uint32_t)(f->side + 1) << 16 | f->stream : 0;

		turn_server_input(&w->servers[server], w->now, &f->from, &f->to, stream, f->buf->data, f->buf->size);
		drain_server(w, server);
	} else {
		for (int i = 0; i < 2; i++) {
			wlk_addr ip = outside(w, i, &w->side[i].ip);

			if (addr_ip_equal(&ip, &f->to) && (!w->blocked || server_of(w, &f->from) >= 0))
				deliver_to_side(w, i, f);
		}
	}
}

static void send_stream(struct turn_world *w, int index, const struct dgram *d)
{
	struct turn_world_side *side = &w->side[index];

	for (size_t i = 0; i < side->stream_count; i++) {
		struct turn_world_flight *f;

		if (side->streams[i].id != d->stream)
			continue;
		f = put_flight(w, &side->streams[i].local, &w->servers[side->streams[i].server].addr, d->buf->data,
			       d->buf->size);
		f->side = index;
		f->stream = d->stream;
		f->to_server = true;
	}
}

static void send_on(struct turn_world *w, int index, const struct dgram *d)
{
	wlk_addr from;

	if (d->stream) {
		send_stream(w, index, d);
		return;
	}
	w->side[index].datagrams++;
	from = outside(w, index, &d->local);
	if (!w->side[index].deaf && (!w->loss || draw(w, 1000) >= w->loss))
		put_flight(w, &from, &d->remote, d->buf->data, d->buf->size);
}

/* ------------------------------------------------------------------------------------------------ agents */

static void answer_connect(struct turn_world *w, int index, const struct ice_request *r)
{
	struct turn_world_side *side = &w->side[index];
	wlk_addr remote = r->remote, local = r->local;
	int server;

	side->connects++;
	remote.transport = WLK_TRANSPORT_UDP;
	server = server_of(w, &remote);
	if (side->connect_error || server < 0) {
		ice_agent_on_request_failed(side->agent, w->now, r->id,
					    side->connect_error ? side->connect_error : WLK_ERR_IO,
					    STR("certificate has expired"));
		return;
	}
	local.port = side->next_port++;
	MUST(side->stream_count < 8);
	side->streams[side->stream_count].id = r->id;
	side->streams[side->stream_count].local = local;
	side->streams[side->stream_count++].server = server;
	ice_agent_on_request(side->agent, w->now, r->id, WLK_OK, &local, 1);
}

static void answer_request(struct turn_world *w, int index, const struct ice_request *r)
{
	struct turn_world_side *side = &w->side[index];
	wlk_addr result = r->local;

	switch (r->type) {
	case ICE_REQUEST_BIND_UDP:
		result.port = side->next_port++;
		ice_agent_on_request(side->agent, w->now, r->id, WLK_OK, &result, 1);
		break;
	case ICE_REQUEST_RESOLVE:
		result = w->servers[0].addr;
		if (r->host.size > 3 && !memcmp(r->host.at, "two", 3))
			result = w->servers[1].addr;
		ice_agent_on_request(side->agent, w->now, r->id,
				     memcmp(r->host.at, "bad", 3) ? WLK_OK : WLK_ERR_NOT_FOUND, &result, 1);
		break;
	case ICE_REQUEST_CONNECT_TCP:
	case ICE_REQUEST_CONNECT_TLS:
	case ICE_REQUEST_CONNECT_DTLS:
		answer_connect(w, index, r);
		break;
	case ICE_REQUEST_JOIN_MDNS:
	case ICE_REQUEST_LISTEN_TCP:
		ice_agent_on_request(side->agent, w->now, r->id, WLK_ERR_UNSUPPORTED, NULL, 0);
		break;
	case ICE_REQUEST_CLOSE:
	case ICE_REQUEST_CLOSE_STREAM:
		side->closes++;
		break;
	}
}

static void copy_text(char *out, size_t capacity, struct str text)
{
	snprintf(out, capacity, "%.*s", STR_ARG(text));
}

static void on_event(struct turn_world *w, int index, const struct ice_event *e)
{
	struct turn_world_side *side = &w->side[index];
	struct ice_agent *other = w->side[!index].agent;

	switch (e->type) {
	case ICE_EVENT_LOCAL_CANDIDATE:
		if (side->candidate_count < TURN_WORLD_CANDIDATES_MAX)
			side->candidates[side->candidate_count++] = e->candidate;
		if (!w->no_signalling)
			(void)ice_agent_add_remote_candidate(other, w->now, &e->candidate);
		break;
	case ICE_EVENT_GATHERING_STATE:
		side->complete = e->gathering_state == ICE_GATHERING_COMPLETE;
		break;
	case ICE_EVENT_VALIDATED:
		if (!side->validated++)
			side->first_validated = w->now;
		break;
	case ICE_EVENT_SELECTED_PAIR:
		side->selected = true;
		side->local = e->local;
		side->remote = e->remote;
		break;
	case ICE_EVENT_STATE:
		side->state = e->state;
		break;
	case ICE_EVENT_CANDIDATE_ERROR:
		if (side->error_count < TURN_WORLD_ERRORS_MAX) {
			struct turn_world_error *error = &side->errors[side->error_count++];

			error->code = e->error_code;
			error->local = e->local;
			copy_text(error->url, sizeof(error->url), e->server_url);
			copy_text(error->text, sizeof(error->text), e->error_text);
		}
		break;
	case ICE_EVENT_RESTART_WANTED:
		side->restart_wanted = true;
		break;
	case ICE_EVENT_ROLE_CHANGED:
	case ICE_EVENT_CONSENT_EXPIRED:
		break;
	}
}

static void send_traffic(struct turn_world *w, int index)
{
	static const uint8_t packet[APP_SIZE] = { 128 };
	struct turn_world_side *side = &w->side[index];
	struct dgram d = { 0 };
	wlk_addr local, remote;

	if (!side->traffic || side->next_traffic > w->now)
		return;
	side->next_traffic = w->now + TRAFFIC_US;
	if (!ice_agent_selected(side->agent, &local, &remote))
		return;
	d.local = local;
	d.remote = remote;
	d.buf = pktbuf_copy(w->pool, packet, sizeof(packet));
	if (!d.buf)
		return;
	if (ice_agent_wrap(side->agent, w->now, &d)) {
		send_on(w, index, &d);
		side->app_sent++;
		ice_agent_on_sent(side->agent, w->now, &local, &remote, sizeof(packet));
	}
	pktbuf_release(d.buf);
}

static bool pump_side(struct turn_world *w, int index)
{
	struct turn_world_side *side = &w->side[index];
	struct ice_request request;
	struct ice_event event;
	struct dgram d;
	size_t work = 0;

	while (ice_agent_poll_request(side->agent, &request)) {
		answer_request(w, index, &request);
		work++;
	}
	while (ice_agent_poll_transmit(side->agent, w->now, &d)) {
		send_on(w, index, &d);
		pktbuf_release(d.buf);
		work++;
	}
	while (ice_agent_poll_event(side->agent, &event)) {
		on_event(w, index, &event);
		work++;
	}
	MUST(work < 2000); /* a drain is bounded */
	return work;
}

void turn_world_pump(struct turn_world *w)
{
	bool busy;
	int rounds = 0;

	do {
		busy = false;
		for (int i = 0; i < 2; i++) {
			ice_agent_handle_timeout(w->side[i].agent, w->now);
			send_traffic(w, i);
			busy |= pump_side(w, i);
		}
		MUST(++rounds < 1000);
	} while (busy);
	for (int i = 0; i < 2; i++)
		MUST(ice_agent_deadline(w->side[i].agent) > w->now);
}

static void step(struct turn_world *w, wlk_time limit)
{
	wlk_time at = limit;
	size_t due = SIZE_MAX;

	turn_world_pump(w);
	for (int i = 0; i < 2; i++) {
		at = time_min(at, ice_agent_deadline(w->side[i].agent));
		if (w->side[i].traffic)
			at = time_min(at, w->side[i].next_traffic);
	}
	for (size_t i = 0; i < w->flight_count; i++)
		if (due == SIZE_MAX || w->flights[i].at < w->flights[due].at ||
		    (w->flights[i].at == w->flights[due].at && w->flights[i].order < w->flights[due].order))
			due = i;
	if (due != SIZE_MAX && w->flights[due].at <= at) {
		struct turn_world_flight f = w->flights[due];

		w->flights[due] = w->flights[--w->flight_count];
		w->now = MAX(w->now, f.at);
		if (f.buf) /* else memory ran out, which is as good as loss */
			deliver(w, &f);
		pktbuf_release(f.buf);
	} else {
		w->now = MAX(w->now, at);
	}
	turn_world_pump(w);
}

void turn_world_pass(struct turn_world *w, wlk_time us)
{
	wlk_time end = w->now + us;

	while (w->now < end)
		step(w, end);
}

bool turn_world_run(struct turn_world *w, wlk_time limit_us, bool (*done)(struct turn_world *w))
{
	wlk_time end = w->now + limit_us;

	turn_world_pump(w);
	while (!done(w) && w->now < end)
		step(w, end);
	return done(w);
}

bool turn_world_connected(struct turn_world *w)
{
	wlk_addr local, remote;

	return ice_agent_selected(w->side[0].agent, &local, &remote) &&
	       ice_agent_selected(w->side[1].agent, &local, &remote);
}

void turn_world_gather(struct turn_world *w, int side)
{
	MUST(!ice_agent_set_interfaces(w->side[side].agent, w->now, &w->side[side].ip, 1));
	MUST(!ice_agent_gather(w->side[side].agent, w->now));
}

void turn_world_signal(struct turn_world *w)
{
	for (int i = 0; i < 2; i++)
		MUST(!ice_agent_set_remote_parameters(w->side[i].agent, w->now,
						      str_of(ice_agent_local_ufrag(w->side[!i].agent)),
						      str_of(ice_agent_local_pwd(w->side[!i].agent)), false));
}

void turn_world_connect(struct turn_world *w)
{
	turn_world_gather(w, 0);
	turn_world_gather(w, 1);
	turn_world_signal(w);
	turn_world_pump(w);
}

size_t turn_world_count(const struct turn_world *w, int side, enum ice_candidate_type type)
{
	size_t count = 0;

	for (size_t i = 0; i < w->side[side].candidate_count; i++)
		count += w->side[side].candidates[i].type == type;
	return count;
}
