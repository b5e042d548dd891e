#include "tests/support/ice_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "core/rand.h"
#include "ice/stun_msg.h"

enum { TRAFFIC_US = 20000, APP_SIZE = 100 };

#define MUST(fact)                                                                                                     \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #fact);                                     \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

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
		pktbuf_release(sim->flights[i].buf);
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

static void put_flight(struct ice_sim *sim, const wlk_addr *from, const wlk_addr *to, const uint8_t *data, size_t size)
{
	struct ice_sim_flight *f;

	if (sim->flight_count == sim->flight_capacity) {
		sim->flight_capacity = sim->flight_capacity ? 2 * sim->flight_capacity : 64;
		sim->flights = realloc(sim->flights, sim->flight_capacity * sizeof(*sim->flights));
		MUST(sim->flights);
	}
	f = &sim->flights[sim->flight_count];
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

static void send_on(struct ice_sim *sim, int from, const struct dgram *d)
{
	struct ice_sim_side *side = &sim->side[from];
	wlk_addr source;

	side->sent++;
	side->last_sent = sim->now;
	if (d->remote.port == 5353) {
		side->mdns_sent++;
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
	if (side->lite) {
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

static void deliver(struct ice_sim *sim, struct ice_sim_flight *f)
{
	wlk_addr to = f->to;

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
		result = side->ips[0];
		result.port = 50353;
		ice_agent_on_request(side->agent, sim->now, r->id, WLK_OK, &result, 1);
		break;
	case ICE_REQUEST_CLOSE:
		side->closes++;
		break;
	case ICE_REQUEST_LISTEN_TCP:
	case ICE_REQUEST_CONNECT_TCP:
	case ICE_REQUEST_CONNECT_TLS:
	case ICE_REQUEST_CONNECT_DTLS: /* this network has no streams */
		ice_agent_on_request(side->agent, sim->now, r->id, WLK_ERR_UNSUPPORTED, NULL, 0);
		break;
	case ICE_REQUEST_CLOSE_STREAM:
		break;
	}
}

/* Signalling without loss: a candidate reaches the other side at once. */
static void trickle(struct ice_sim *sim, int from, const struct ice_candidate *candidate)
{
	struct ice_sim_side *other = &sim->side[!from];
	struct text line;

	if (!sim->trickle || sim->side[from].silent || other->lite)
		return;
	text_init(&line);
	ice_candidate_write(&line, candidate);
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
		trickle(sim, index, &e->candidate);
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
	case ICE_EVENT_RESTART_WANTED:
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
	send_on(sim, index, &d);
	pktbuf_release(d.buf);
	side->app_sent++;
	ice_agent_on_sent(side->agent, sim->now, &d.local, &d.remote, sizeof(packet));
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

void ice_sim_gather(struct ice_sim *sim, int index)
{
	struct ice_sim_side *side = &sim->side[index];

	(void)ice_agent_set_interfaces(side->agent, sim->now, side->ips, side->ip_count);
	if (!addr_is_none(&sim->stun_server))
		(void)ice_agent_add_stun_server(side->agent, "stun.example", 12, 3478);
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
