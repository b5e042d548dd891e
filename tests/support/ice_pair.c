#include "tests/support/ice_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "core/rand.h"
#include "ice/mdns_msg.h"
#include "ice/stun_msg.h"

enum { TRAFFIC_US = 20000, APP_SIZE = 100, MDNS_SOCKET_PORT = 50353 };

#define MUST(fact)                                                                                                     \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #fact);                                     \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

bool ice_sim_tcp;

uint32_t ice_sim_random(struct ice_sim *sim, uint32_t bound)
{
	struct rand_jitter j = { sim->random };
	uint32_t value = rand_jitter_below(&j, bound);

	sim->random = j.state;
	return value;
}

static void set_up_side(struct ice_sim *sim, int index, const struct ice_agent_config *config)
{
	struct ice_sim_side *side = &sim->side[index];
	struct ice_agent_config c = { 0 };

	if (config)
		c = *config;
	else
		c.controlling = index == 0;
	c.pool = sim->pool;
	c.no_tcp |= !ice_sim_tcp;
	side->ips[0] = addr_v4(10, 0, 0, (uint8_t)(1 + index), 0);
	side->ip_count = 1;
	side->next_port = 5000;
	side->nat.ip = addr_v4(203, 0, 113, (uint8_t)(1 + index), 0);
	side->nat.port_offset = 1000;
	if (ice_agent_create(&side->agent, &c))
		sim->dead = true;
}

void ice_sim_init(struct ice_sim *sim, const struct ice_link *link, uint64_t seed, const struct ice_agent_config *a,
		  const struct ice_agent_config *b)
{
	*sim = (struct ice_sim){ .random = seed, .now = SECOND, .trickle = true };
	if (link)
		sim->link = *link;
	rand_use_seed(seed);
	sim->pool = pktbuf_pool_create(16);
	if (!sim->pool) {
		sim->dead = true;
		return;
	}
	set_up_side(sim, 0, a);
	set_up_side(sim, 1, b);
}

void ice_sim_free(struct ice_sim *sim)
{
	for (int i = 0; i < 2; i++)
		ice_agent_destroy(sim->side[i].agent);
	for (size_t i = 0; i < sim->flight_count; i++)
		pktbuf_release(sim->flights[i].buf); /* of some kinds none */
	free(sim->flights);
	pktbuf_pool_destroy(sim->pool);
	rand_use_system();
}

/* ----------------------------------------------------------------------------------------------- network */

static bool has_ip(const struct ice_sim_side *side, const wlk_addr *addr)
{
	for (size_t i = 0; i < side->ip_count; i++)
		if (addr_ip_equal(&side->ips[i], addr))
			return true;
	return false;
}

static struct ice_sim_flight *new_flight(struct ice_sim *sim)
{
	if (sim->flight_count == sim->flight_capacity) {
		sim->flight_capacity = sim->flight_capacity ? 2 * sim->flight_capacity : 64;
		sim->flights = realloc(sim->flights, sim->flight_capacity * sizeof(*sim->flights));
		MUST(sim->flights);
	}
	return &sim->flights[sim->flight_count];
}

static void put_flight(struct ice_sim *sim, const wlk_addr *from, const wlk_addr *to, const uint8_t *data, size_t size)
{
	struct ice_sim_flight *f = new_flight(sim);

	*f = (struct ice_sim_flight){
		.at = sim->now + sim->link.latency_us, .order = sim->order++, .from = *from, .to = *to
	};
	if (sim->link.jitter_us)
		f->at += ice_sim_random(sim, (uint32_t)sim->link.jitter_us);
	f->buf = pktbuf_copy(NULL, data, size);
	if (!f->buf)
		return;
	if (sim->link.corrupt && size && ice_sim_random(sim, 1000) < sim->link.corrupt)
		f->buf->data[ice_sim_random(sim, (uint32_t)size)] ^= (uint8_t)(1 + ice_sim_random(sim, 255));
	sim->flight_count++;
}

void ice_sim_inject(struct ice_sim *sim, const wlk_addr *from, const wlk_addr *to, const uint8_t *data, size_t size)
{
	put_flight(sim, from, to, data, size);
}

/* Out through the NAT: the source address that the world sees. */
static wlk_addr nat_out(struct ice_sim_side *side, const wlk_addr *local, const wlk_addr *remote)
{
	struct ice_nat *nat = &side->nat;
	wlk_addr outer = nat->ip;

	if (!nat->enabled)
		return *local;
	outer.port = (uint16_t)(local->port + nat->port_offset);
	for (size_t i = 0; i < nat->allowed_count; i++)
		if (addr_equal(&nat->allowed[i], remote))
			return outer;
	if (nat->allowed_count < ICE_SIM_FILTER_MAX)
		nat->allowed[nat->allowed_count++] = *remote;
	return outer;
}

/* In through the NAT; false: no mapping, or filtered. */
static bool nat_in(const struct ice_sim_side *side, const wlk_addr *from, wlk_addr *to)
{
	const struct ice_nat *nat = &side->nat;
	uint16_t inner = (uint16_t)(to->port - nat->port_offset);
	bool allowed = !nat->filter;

	for (size_t i = 0; i < nat->allowed_count; i++)
		allowed |= addr_equal(&nat->allowed[i], from);
	if (!allowed || inner < 5000 || inner >= side->next_port)
		return false;
	*to = side->ips[0];
	to->port = inner;
	return true;
}

static void put_on_stream(struct ice_sim *sim, struct ice_sim_stream *stream, int to, enum ice_sim_flight_kind kind,
			  const struct pktbuf *bytes)
{
	struct ice_sim_flight *f = new_flight(sim);

	*f = (struct ice_sim_flight){
		.at = sim->now + sim->link.latency_us,
		.order = sim->order++,
		.kind = kind,
		.stream = stream,
		.side = to,
	};
	f->buf = bytes ? pktbuf_copy(NULL, bytes->data, bytes->size) : NULL;
	if (bytes && !f->buf) /* a failure that a test injected: this network loses nothing of a stream */
		f->buf = pktbuf_copy(NULL, bytes->data, bytes->size);
	MUST(!bytes || f->buf);
	sim->flight_count++;
}

static struct ice_sim_stream *find_stream(struct ice_sim *sim, int side, uint32_t id)
{
	for (size_t i = 0; i < sim->stream_count; i++)
		if (sim->streams[i].ids[side] == id && sim->streams[i].open[side])
			return &sim->streams[i];
	return NULL;
}

static void send_bytes(struct ice_sim *sim, int from, const struct dgram *d)
{
	struct ice_sim_stream *stream = find_stream(sim, from, d->stream);

	if (stream)
		put_on_stream(sim, stream, !from, FLIGHT_BYTES, d->buf);
}

static void send_on(struct ice_sim *sim, int from, const struct dgram *d)
{
	struct ice_sim_side *side = &sim->side[from];
	wlk_addr source, to;

	side->sent++;
	side->last_sent = sim->now;
	if (d->stream) {
		send_bytes(sim, from, d);
		return;
	}
	MUST(d->local.transport == WLK_TRANSPORT_UDP && d->remote.transport == WLK_TRANSPORT_UDP);
	if (sim->udp_blocked)
		return;
	if (d->remote.port == MDNS_PORT) {
		side->mdns_sent++;
		source = d->local;
		source.port = MDNS_PORT;
		to = sim->side[!from].ips[0];
		to.port = MDNS_PORT;
		if (sim->mdns)
			put_flight(sim, &source, &to, d->buf->data, d->buf->size);
		return;
	}
	if (sim->tap && !sim->tap(sim, from, d))
		return;
	source = nat_out(side, &d->local, &d->remote);
	if (side->deaf || addr_ip_equal(&side->dead_ip, &d->local))
		return;
	for (int copies = 1 + (sim->link.duplicate && ice_sim_random(sim, 1000) < sim->link.duplicate); copies;
	     copies--)
		if (!sim->link.loss || ice_sim_random(sim, 1000) >= sim->link.loss)
			put_flight(sim, &source, &d->remote, d->buf->data, d->buf->size);
}

/* The STUN server, and the lite agent: whatever is asked is answered. */
static void answer_binding(struct ice_sim *sim, const struct ice_sim_flight *f, struct crypto_hmac *hmac)
{
	struct stun_msg msg;
	struct stun_writer w;
	uint8_t buf[200];
	size_t size;

	if (stun_msg_parse(&msg, f->buf->data, f->buf->size) || msg.class != STUN_REQUEST)
		return;
	if (hmac && !stun_msg_check_integrity(&msg, hmac))
		return;
	stun_writer_init(&w, buf, sizeof(buf), STUN_SUCCESS, STUN_METHOD_BINDING, msg.txid);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_MAPPED_ADDRESS, &f->from);
	if (!stun_writer_finish(&w, hmac, true, &size))
		put_flight(sim, &f->to, &f->from, buf, size);
}

static void take_app(struct ice_sim *sim, struct ice_sim_side *side, const wlk_addr *local, const wlk_addr *remote,
		     size_t size)
{
	if (!ice_agent_is_validated(side->agent, local, remote)) {
		side->app_refused++;
		return;
	}
	ice_agent_on_received(side->agent, sim->now, local, remote, size);
	if (side->last_app && sim->now - side->last_app > side->app_gap)
		side->app_gap = sim->now - side->last_app;
	side->last_app = sim->now;
	side->app_received++;
}

static void deliver_to(struct ice_sim *sim, struct ice_sim_side *side, const struct ice_sim_flight *f,
		       const wlk_addr *local)
{
	if (side->deaf || addr_ip_equal(&side->dead_ip, local))
		return;
	if (local->port == MDNS_PORT) {
		wlk_addr group = *local;

		group.port = MDNS_SOCKET_PORT;
		ice_agent_input(side->agent, sim->now, &group, &f->from, f->buf->data, f->buf->size);
	} else if (side->lite) {
		struct crypto_hmac *hmac;
		const char *pwd = ice_agent_local_pwd(side->agent);

		if (crypto_hmac_create(&hmac, CRYPTO_DIGEST_SHA1, pwd, strlen(pwd)))
			return;
		answer_binding(sim, f, hmac);
		crypto_hmac_destroy(hmac);
	} else if (f->buf->size && f->buf->data[0] > 3) {
		take_app(sim, side, local, &f->from, f->buf->size);
	} else {
		ice_agent_input(side->agent, sim->now, local, &f->from, f->buf->data, f->buf->size);
	}
}

static void take_received(struct ice_sim *sim, struct ice_sim_side *side)
{
	struct dgram d;

	while (ice_agent_poll_received(side->agent, &d)) {
		if (d.buf->data[0] > 3)
			take_app(sim, side, &d.local, &d.remote, d.buf->size);
		else
			ice_agent_input(side->agent, sim->now, &d.local, &d.remote, d.buf->data, d.buf->size);
		pktbuf_release(d.buf);
	}
}

/* In two pieces, so that no reader relies on where the bytes are cut. */
static void deliver_bytes(struct ice_sim *sim, const struct ice_sim_flight *f)
{
	struct ice_sim_side *side = &sim->side[f->side];
	size_t first = ice_sim_random(sim, (uint32_t)f->buf->size + 1);
	uint32_t id = f->stream->ids[f->side];

	side->stream_bytes += f->buf->size;
	ice_agent_stream_input(side->agent, sim->now, id, f->buf->data, first);
	take_received(sim, side);
	ice_agent_stream_input(side->agent, sim->now, id, f->buf->data + first, f->buf->size - first);
	take_received(sim, side);
}

static void deliver_syn(struct ice_sim *sim, const struct ice_sim_flight *f)
{
	struct ice_sim_side *side = &sim->side[f->side];
	struct ice_sim_stream *stream = f->stream;

	for (size_t i = 0; i < side->listener_count && !side->deaf; i++) {
		if (!addr_equal(&side->listeners[i], &stream->ends[f->side]))
			continue;
		stream->ids[f->side] = 0x80000000u + (uint32_t)(stream - sim->streams);
		stream->open[f->side] = true;
		put_on_stream(sim, stream, !f->side, FLIGHT_SYN_ACK, NULL);
		if (!ice_agent_stream_accepted(side->agent, sim->now, &side->listeners[i], &stream->ends[!f->side],
					       stream->ids[f->side]))
			return;
		stream->open[f->side] = false;
		break;
	}
	put_on_stream(sim, stream, !f->side, FLIGHT_RST, NULL);
}

static void deliver_on_stream(struct ice_sim *sim, const struct ice_sim_flight *f)
{
	struct ice_sim_stream *stream = f->stream;
	struct ice_agent *agent = sim->side[f->side].agent;
	uint32_t id = stream->ids[f->side];

	if (f->kind == FLIGHT_SYN) {
		deliver_syn(sim, f);
		return;
	}
	if (!stream->open[f->side])
		return;
	switch (f->kind) {
	case FLIGHT_SYN_ACK:
		ice_agent_on_request(agent, sim->now, id, WLK_OK, &stream->ends[f->side], 1);
		break;
	case FLIGHT_RST:
		stream->open[f->side] = false;
		ice_agent_on_request(agent, sim->now, id, WLK_ERR_IO, NULL, 0);
		break;
	case FLIGHT_BYTES:
		deliver_bytes(sim, f);
		break;
	case FLIGHT_FIN:
		stream->open[f->side] = false;
		ice_agent_stream_closed(agent, sim->now, id);
		break;
	case FLIGHT_DATAGRAM:
	case FLIGHT_SYN:
		break;
	}
}

void ice_sim_break_streams(struct ice_sim *sim)
{
	for (size_t i = 0; i < sim->stream_count; i++)
		for (int side = 0; side < 2; side++) {
			if (!sim->streams[i].open[side])
				continue;
			sim->streams[i].open[side] = false;
			ice_agent_stream_closed(sim->side[side].agent, sim->now, sim->streams[i].ids[side]);
		}
}

size_t ice_sim_open_streams(const struct ice_sim *sim)
{
	size_t count = 0;

	for (size_t i = 0; i < sim->stream_count; i++)
		count += sim->streams[i].open[0] && sim->streams[i].open[1];
	return count;
}

static void deliver(struct ice_sim *sim, struct ice_sim_flight *f)
{
	wlk_addr to = f->to;

	if (f->stream) {
		deliver_on_stream(sim, f);
		return;
	}

	if (addr_equal(&to, &sim->stun_server)) {
		answer_binding(sim, f, NULL);
		return;
	}
	for (int i = 0; i < 2; i++) {
		struct ice_sim_side *side = &sim->side[i];

		if (!side->nat.enabled && has_ip(side, &to)) {
			deliver_to(sim, side, f, &to);
			return;
		}
		if (side->nat.enabled && addr_ip_equal(&side->nat.ip, &to)) {
			if (nat_in(side, &f->from, &to))
				deliver_to(sim, side, f, &to);
			return;
		}
	}
}

void ice_sim_rebind(struct ice_sim *sim, int side)
{
	sim->side[side].nat.port_offset = (uint16_t)(sim->side[side].nat.port_offset + 1000);
	sim->side[side].nat.allowed_count = 0;
}

/* ------------------------------------------------------------------------------------------------ agents */

static void answer_connect(struct ice_sim *sim, struct ice_sim_side *side, const struct ice_request *r)
{
	int opener = side == &sim->side[1];
	struct ice_sim_stream *stream;

	side->connects++;
	MUST(sim->stream_count < ICE_SIM_STREAMS_MAX);
	stream = &sim->streams[sim->stream_count++];
	*stream = (struct ice_sim_stream){ .opener = opener };
	stream->ids[opener] = r->id;
	stream->ends[opener] = r->local;
	stream->ends[opener].port = side->next_port++;
	stream->ends[opener].transport = WLK_TRANSPORT_TCP;
	stream->ends[!opener] = r->remote;
	stream->open[opener] = true;
	put_on_stream(sim, stream, !opener, FLIGHT_SYN, NULL);
	sim->flights[sim->flight_count - 1].at += sim->syn_delay_us;
}

static void answer_listen(struct ice_sim *sim, struct ice_sim_side *side, const struct ice_request *r)
{
	wlk_addr result = r->local;

	result.port = side->next_port++;
	result.transport = WLK_TRANSPORT_TCP;
	MUST(side->listener_count < ICE_SIM_IPS_MAX);
	side->listeners[side->listener_count++] = result;
	ice_agent_on_request(side->agent, sim->now, r->id, WLK_OK, &result, 1);
}

static void close_stream(struct ice_sim *sim, struct ice_sim_side *side, uint32_t id)
{
	int index = side == &sim->side[1];
	struct ice_sim_stream *stream = find_stream(sim, index, id);

	side->stream_closes++;
	if (!stream)
		return;
	stream->open[index] = false;
	put_on_stream(sim, stream, !index, FLIGHT_FIN, NULL);
}

static void answer_request(struct ice_sim *sim, struct ice_sim_side *side, const struct ice_request *r)
{
	wlk_addr result = r->local;

	switch (r->type) {
	case ICE_REQUEST_BIND_UDP:
		result.port = side->next_port++;
		ice_agent_on_request(side->agent, sim->now, r->id, WLK_OK, &result, 1);
		break;
	case ICE_REQUEST_RESOLVE:
		result = sim->stun_server;
		ice_agent_on_request(side->agent, sim->now, r->id, addr_is_none(&result) ? WLK_ERR_NOT_FOUND : WLK_OK,
				     &result, 1);
		break;
	case ICE_REQUEST_JOIN_MDNS:
		if (addr_is_unspecified(&result))
			result = side->ips[0];
		result.port = MDNS_SOCKET_PORT; /* the network of the tests carries multicast of IPv4 only */
		ice_agent_on_request(side->agent, sim->now, r->id, r->local.family == 4 ? WLK_OK : WLK_ERR_IO, &result, 1);
		break;
	case ICE_REQUEST_CLOSE:
		side->closes++;
		break;
	case ICE_REQUEST_LISTEN_TCP:
		answer_listen(sim, side, r);
		break;
	case ICE_REQUEST_CONNECT_TCP:
		answer_connect(sim, side, r);
		break;
	case ICE_REQUEST_CONNECT_TLS:
	case ICE_REQUEST_CONNECT_DTLS: /* there is no server */
		ice_agent_on_request(side->agent, sim->now, r->id, WLK_ERR_UNSUPPORTED, NULL, 0);
		break;
	case ICE_REQUEST_CLOSE_STREAM:
		close_stream(sim, side, r->id);
		break;
	}
}

/* Signalling without loss: a candidate reaches the other side at once. */
static void trickle(struct ice_sim *sim, int from, const struct ice_event *e)
{
	const struct ice_candidate_line told = { .candidate = e->candidate, .host = e->host };
	struct ice_sim_side *other = &sim->side[!from];
	struct text line;

	if (!sim->trickle || sim->side[from].silent || other->lite)
		return;
	text_init(&line);
	ice_candidate_line_write(&line, &told);
	if (text_ok(&line))
		(void)ice_agent_add_remote_candidate_line(other->agent, sim->now, line.at, line.size);
	text_free(&line);
}

static void on_event(struct ice_sim *sim, int index, const struct ice_event *e)
{
	struct ice_sim_side *side = &sim->side[index];

	switch (e->type) {
	case ICE_EVENT_LOCAL_CANDIDATE:
		MUST(side->gathering != ICE_GATHERING_COMPLETE);
		if (side->candidate_count < ICE_SIM_CANDIDATES_MAX)
			side->candidates[side->candidate_count++] = e->candidate;
		trickle(sim, index, e);
		break;
	case ICE_EVENT_GATHERING_STATE:
		side->gathering = e->gathering_state;
		side->gathering_completed += e->gathering_state == ICE_GATHERING_COMPLETE;
		if (e->gathering_state == ICE_GATHERING_COMPLETE && sim->trickle && !sim->side[!index].lite)
			ice_agent_end_of_remote_candidates(sim->side[!index].agent, sim->now);
		break;
	case ICE_EVENT_ROLE_CHANGED:
		side->role_changes++;
		break;
	case ICE_EVENT_VALIDATED:
		MUST(ice_agent_is_validated(side->agent, &e->local, &e->remote));
		side->validated++;
		if (!side->first_validated)
			side->first_validated = sim->now;
		break;
	case ICE_EVENT_SELECTED_PAIR:
		side->selected_changes++;
		side->local = e->local;
		side->remote = e->remote;
		side->nominated = e->nominated;
		if (e->nominated && !side->first_nominated)
			side->first_nominated = sim->now;
		break;
	case ICE_EVENT_CANDIDATE_ERROR:
		break;
	case ICE_EVENT_RESTART_WANTED:
		side->restarts_wanted++;
		break;
	case ICE_EVENT_CONSENT_EXPIRED:
		side->consent_expired++;
		side->consent_expired_at = sim->now;
		break;
	case ICE_EVENT_STATE:
		if (side->state_count < ICE_SIM_STATES_MAX) {
			side->states[side->state_count] = e->state;
			side->state_times[side->state_count++] = sim->now;
		}
		break;
	}
}

static void send_traffic(struct ice_sim *sim, int index)
{
	static const uint8_t packet[APP_SIZE] = { 128 };
	struct ice_sim_side *side = &sim->side[index];
	struct dgram d = { 0 };

	if (!side->traffic || side->next_traffic > sim->now)
		return;
	side->next_traffic = sim->now + TRAFFIC_US;
	if (!ice_agent_selected(side->agent, &d.local, &d.remote))
		return;
	d.buf = pktbuf_copy(NULL, packet, sizeof(packet));
	if (!d.buf)
		return;
	side->app_sent++;
	ice_agent_on_sent(side->agent, sim->now, &d.local, &d.remote, sizeof(packet));
	if (ice_agent_wrap(side->agent, sim->now, &d))
		send_on(sim, index, &d);
	pktbuf_release(d.buf);
}

static bool pump_side(struct ice_sim *sim, int index)
{
	struct ice_sim_side *side = &sim->side[index];
	struct ice_request request;
	struct ice_event event;
	struct dgram d;
	size_t work = 0;

	while (ice_agent_poll_request(side->agent, &request)) {
		answer_request(sim, side, &request);
		work++;
	}
	while (ice_agent_poll_transmit(side->agent, sim->now, &d)) {
		send_on(sim, index, &d);
		pktbuf_release(d.buf);
		work++;
	}
	while (ice_agent_poll_event(side->agent, &event)) {
		on_event(sim, index, &event);
		work++;
	}
	MUST(work < 2000); /* a drain is bounded */
	return work;
}

void ice_sim_pump(struct ice_sim *sim)
{
	bool busy;
	int rounds = 0;

	do {
		busy = false;
		for (int i = 0; i < 2; i++) {
			ice_agent_handle_timeout(sim->side[i].agent, sim->now);
			send_traffic(sim, i);
			busy |= !sim->side[i].lite && pump_side(sim, i);
		}
		MUST(++rounds < 1000);
	} while (busy);
	for (int i = 0; i < 2; i++)
		MUST(ice_agent_deadline(sim->side[i].agent) > sim->now);
}

static wlk_time next_moment(const struct ice_sim *sim)
{
	wlk_time at = WLK_TIME_NEVER;

	for (int i = 0; i < 2; i++) {
		if (!sim->side[i].lite)
			at = time_min(at, ice_agent_deadline(sim->side[i].agent));
		if (sim->side[i].traffic)
			at = time_min(at, MAX(sim->side[i].next_traffic, sim->now + 1));
	}
	for (size_t i = 0; i < sim->flight_count; i++)
		at = time_min(at, sim->flights[i].at);
	return at;
}

/* The flight that is due first, or -1. */
static ptrdiff_t due_flight(const struct ice_sim *sim)
{
	ptrdiff_t first = -1;

	for (size_t i = 0; i < sim->flight_count; i++) {
		const struct ice_sim_flight *f = &sim->flights[i];

		if (f->at > sim->now)
			continue;
		if (first < 0 || f->at < sim->flights[first].at ||
		    (f->at == sim->flights[first].at && f->order < sim->flights[first].order))
			first = (ptrdiff_t)i;
	}
	return first;
}

void ice_sim_step(struct ice_sim *sim, wlk_time limit)
{
	ptrdiff_t i;

	ice_sim_pump(sim);
	sim->now = MAX(sim->now, time_min(next_moment(sim), limit));
	while ((i = due_flight(sim)) >= 0) {
		struct ice_sim_flight f = sim->flights[i];

		sim->flights[i] = sim->flights[--sim->flight_count];
		deliver(sim, &f);
		pktbuf_release(f.buf);
		ice_sim_pump(sim);
	}
	ice_sim_pump(sim);
}

void ice_sim_pass(struct ice_sim *sim, wlk_time us)
{
	wlk_time end = sim->now + us;

	while (sim->now < end)
		ice_sim_step(sim, end);
}

bool ice_sim_run(struct ice_sim *sim, wlk_time limit_us, bool (*done)(struct ice_sim *sim))
{
	wlk_time end = sim->now + limit_us;

	ice_sim_pump(sim);
	while (!done(sim) && sim->now < end)
		ice_sim_step(sim, end);
	return done(sim);
}

/* -------------------------------------------------------------------------------------------- signalling */

wlk_err ice_sim_use_stun(struct ice_agent *agent, const char *host)
{
	const struct ice_server server = { .host = str_of(host), .port = 3478 };

	return ice_agent_set_servers(agent, &server, 1);
}

void ice_sim_gather(struct ice_sim *sim, int index)
{
	struct ice_sim_side *side = &sim->side[index];

	(void)ice_agent_set_interfaces(side->agent, sim->now, side->ips, side->ip_count);
	if (!addr_is_none(&sim->stun_server))
		(void)ice_sim_use_stun(side->agent, "stun.example");
	(void)ice_agent_gather(side->agent, sim->now);
}

void ice_sim_signal_parameters(struct ice_sim *sim, int to)
{
	struct ice_agent *from = sim->side[!to].agent;

	if (sim->side[to].lite)
		return;
	(void)ice_agent_set_remote_parameters(sim->side[to].agent, sim->now, str_of(ice_agent_local_ufrag(from)),
					      str_of(ice_agent_local_pwd(from)), sim->side[!to].lite);
}

void ice_sim_signal_candidates(struct ice_sim *sim, int to)
{
	const struct ice_sim_side *from = &sim->side[!to];

	for (size_t i = 0; i < from->candidate_count; i++)
		(void)ice_agent_add_remote_candidate(sim->side[to].agent, sim->now, &from->candidates[i]);
}

void ice_sim_connect(struct ice_sim *sim)
{
	for (int i = 0; i < 2; i++)
		ice_sim_gather(sim, i);
	for (int i = 0; i < 2; i++)
		ice_sim_signal_parameters(sim, i);
	ice_sim_pump(sim);
}

static bool is_up(const struct ice_sim *sim, int side)
{
	enum ice_state state = ice_agent_state(sim->side[side].agent);

	return sim->side[side].lite || state == ICE_STATE_CONNECTED || state == ICE_STATE_COMPLETED;
}

bool ice_sim_connected(struct ice_sim *sim)
{
	return is_up(sim, 0) && is_up(sim, 1);
}

bool ice_sim_nominated(struct ice_sim *sim)
{
	return ice_sim_connected(sim) && (sim->side[0].lite || sim->side[0].nominated) &&
	       (sim->side[1].lite || sim->side[1].nominated);
}

wlk_time ice_sim_when(const struct ice_sim *sim, int side, enum ice_state state)
{
	for (size_t i = sim->side[side].state_count; i-- > 0;)
		if (sim->side[side].states[i] == state)
			return sim->side[side].state_times[i];
	return 0;
}

size_t ice_sim_count(const struct ice_sim *sim, int side, enum ice_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < sim->side[side].state_count; i++)
		count += sim->side[side].states[i] == state;
	return count;
}
