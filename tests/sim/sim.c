#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "core/addr.h"
#include "core/rand.h"
#include "ice/stun_msg.h"

enum { DRAIN_LIMIT = 200000 };

struct sim_packet {
	wlk_time at;
	uint64_t order; /* equal times keep the order of sending */
	wlk_addr from, to; /* as the outside sees them */
	size_t size;
	uint8_t data[];
};

/*
 * The libraries below read the wall clock by this function only: the program's own definition wins over libc's, so that
 * their time is ours. Starts at a fixed day, so that certificates are valid.
 */
static wlk_time wall_clock_us;
static const int64_t wall_start_s = 1800000000;

/* The build hides symbols; this one the libraries have to find. */
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	(void)tz;
	tv->tv_sec = (time_t)(wall_start_s + wall_clock_us / SIM_SECOND);
	tv->tv_usec = (suseconds_t)(wall_clock_us % SIM_SECOND);
	return 0;
}

void sim_fail(const struct sim *sim, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "FAIL seed %llu at %.3f s: ", (unsigned long long)sim->config.seed, (double)sim->now / 1e6);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

uint32_t sim_random(struct sim *sim, uint32_t bound)
{
	uint64_t z = sim->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return bound ? (uint32_t)((z >> 32) * bound >> 32) : 0;
}

static bool happens(struct sim *sim, uint32_t per_10000)
{
	return per_10000 && sim_random(sim, 10000) < per_10000;
}

/* ---- what flies ---- */

static bool earlier(const struct sim_packet *a, const struct sim_packet *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void fly(struct sim *sim, struct sim_packet *packet)
{
	size_t i = sim->flying_count++;

	if (sim->flying_count > sim->flying_capacity) {
		sim->flying_capacity = sim->flying_capacity ? 2 * sim->flying_capacity : 256;
		sim->flying = realloc(sim->flying, sim->flying_capacity * sizeof(*sim->flying));
		if (!sim->flying)
			abort();
	}
	for (; i && earlier(packet, sim->flying[(i - 1) / 2]); i = (i - 1) / 2)
		sim->flying[i] = sim->flying[(i - 1) / 2];
	sim->flying[i] = packet;
}

static struct sim_packet *land(struct sim *sim)
{
	struct sim_packet *first = sim->flying[0];
	struct sim_packet *last = sim->flying[--sim->flying_count];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= sim->flying_count)
			break;
		if (child + 1 < sim->flying_count && earlier(sim->flying[child + 1], sim->flying[child]))
			child++;
		if (!earlier(sim->flying[child], last))
			break;
		sim->flying[i] = sim->flying[child];
		i = child;
	}
	sim->flying[i] = last;
	return first;
}

static wlk_time arrival_time(struct sim *sim, struct sim_peer *from, size_t size)
{
	const struct sim_config *c = &sim->config;
	wlk_time at = sim->now;

	if (sim->link)
		return sim->link(sim, from, size);
	if (c->rate_bps) {
		wlk_time start = from->link_free_at > sim->now ? from->link_free_at : sim->now;

		if (c->queue_us && start - sim->now > c->queue_us)
			return -1;
		from->link_free_at = start + (wlk_time)(size * 8u * 1000000u / c->rate_bps);
		at = from->link_free_at;
	}
	at += c->latency_us;
	if (c->jitter_us)
		at += sim_random(sim, (uint32_t)c->jitter_us);
	if (happens(sim, c->reorder))
		at += sim_random(sim, (uint32_t)c->reorder_us);
	return at;
}

static void put_on_link(struct sim *sim, wlk_time at, const wlk_addr *from, const wlk_addr *to, const uint8_t *data, size_t size)
{
	struct sim_packet *packet;

	if (at < 0) {
		sim->queue_drops++;
		return;
	}
	packet = malloc(sizeof(*packet) + size);
	if (!packet)
		abort();
	*packet = (struct sim_packet){ .at = at, .order = sim->datagrams, .from = *from, .to = *to, .size = size };
	memcpy(packet->data, data, size);
	if (happens(sim, sim->config.corrupt))
		packet->data[sim_random(sim, (uint32_t)size)] ^= (uint8_t)(1u << sim_random(sim, 8));
	fly(sim, packet);
}

static struct sim_interface *find_interface(struct sim_peer *peer, const wlk_addr *ip)
{
	for (size_t i = 0; i < peer->interface_count; i++)
		if (sim_same_ip(&peer->interfaces[i].ip, ip))
			return &peer->interfaces[i];
	return NULL;
}

/* The source address that the world sees; false: the datagram does not leave the peer's network. */
static bool leave(struct sim *sim, struct sim_peer *from, const wlk_datagram *d, wlk_addr *source)
{
	struct sim_interface *interface = find_interface(from, &d->local);

	*source = d->local;
	if (!interface || !interface->up || interface->silent || from->cut || from->other->cut ||
	    (sim->no_ipv6 && d->remote.family == 6))
		return false;
	return !interface->nat || sim_nat_out(interface->nat, sim->now, &d->local, &d->remote, source);
}

static void transmit(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	wlk_addr source;

	sim->datagrams++;
	sim->bytes += d->size;
	if (sim->filter && !sim->filter(sim, from, d))
		return;
	if (sim->config.mtu && d->size > sim->config.mtu) {
		sim->too_large++;
		return;
	}
	if (!leave(sim, from, d, &source) || happens(sim, sim->config.loss)) {
		sim->lost++;
		return;
	}
	put_on_link(sim, arrival_time(sim, from, d->size), &source, &d->remote, d->data, d->size);
	if (happens(sim, sim->config.duplicate)) {
		sim->duplicated++;
		put_on_link(sim, arrival_time(sim, from, d->size), &source, &d->remote, d->data, d->size);
	}
}

void sim_send(struct sim *sim, const wlk_addr *from, const wlk_addr *to, const uint8_t *data, size_t size)
{
	if (happens(sim, sim->config.loss) || (sim->no_ipv6 && to->family == 6))
		sim->lost++;
	else
		put_on_link(sim, sim->now + sim->config.latency_us, from, to, data, size);
}

/* ---- where it arrives ---- */

static bool deliver_to_interface(struct sim_peer *peer, struct sim_interface *interface, const struct sim_packet *packet,
				 const wlk_addr *local)
{
	struct sim *sim = peer->sim;

	if (interface->up && !interface->silent && !peer->cut && peer->pc)
		wlk_drive_input(peer->pc, sim->now, local, &packet->from, packet->data, packet->size);
	else
		sim->lost++;
	return true;
}

/* True: the address is one of this peer's, whether or not the datagram got in. */
static bool deliver_to_peer(struct sim_peer *peer, const struct sim_packet *packet)
{
	for (size_t i = 0; i < peer->interface_count; i++) {
		struct sim_interface *interface = &peer->interfaces[i];
		wlk_addr local;

		if (!interface->nat && sim_same_ip(&interface->ip, &packet->to))
			return deliver_to_interface(peer, interface, packet, &packet->to);
		if (!interface->nat || !sim_same_ip(&interface->nat->ip, &packet->to))
			continue;
		if (!sim_nat_in(interface->nat, peer->sim->now, &packet->from, &packet->to, &local))
			return true;
		interface = find_interface(peer, &local);
		return interface ? deliver_to_interface(peer, interface, packet, &local) : true;
	}
	return false;
}

static void deliver(struct sim *sim, const struct sim_packet *packet)
{
	for (size_t i = 0; i < sim->host_count; i++) {
		struct sim_host *host = &sim->hosts[i];

		if (!sim_same_ip(&host->ip, &packet->to))
			continue;
		host->received++;
		host->input(sim, host, &packet->to, &packet->from, packet->data, packet->size);
		return;
	}
	if (!deliver_to_peer(&sim->a, packet) && !deliver_to_peer(&sim->b, packet))
		sim->lost++;
}

/* ---- hosts ---- */

struct sim_host *sim_add_host(struct sim *sim, const char *ip, sim_host_fn input, void *user)
{
	struct sim_host *host = &sim->hosts[sim->host_count++];

	if (sim->host_count > SIM_HOSTS_MAX)
		sim_fail(sim, "too many hosts");
	*host = (struct sim_host){ .ip = sim_ip(ip), .input = input, .user = user };
	return host;
}

static void answer_stun(struct sim *sim, struct sim_host *host, const wlk_addr *local, const wlk_addr *remote,
			const uint8_t *data, size_t size)
{
	struct stun_writer w;
	struct stun_msg msg;
	uint8_t buf[128];
	size_t answer_size;

	(void)host;
	if (local->port != 3478 || stun_msg_parse(&msg, data, size) || msg.class != STUN_REQUEST)
		return;
	stun_writer_init(&w, buf, sizeof(buf), STUN_SUCCESS, STUN_METHOD_BINDING, msg.txid);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_MAPPED_ADDRESS, remote);
	if (!stun_writer_finish(&w, NULL, true, &answer_size))
		sim_send(sim, local, remote, buf, answer_size);
}

struct sim_host *sim_add_stun_server(struct sim *sim, const char *ip)
{
	return sim_add_host(sim, ip, answer_stun, NULL);
}

/* ---- peers ---- */

static void answer_request(struct sim *sim, struct sim_peer *peer, const wlk_request *request)
{
	struct sim_interface *interface = find_interface(peer, &request->local);
	wlk_addr address = request->local;

	if (request->type == WLK_REQUEST_BIND_UDP && interface && interface->up) {
		address.port = peer->next_port++;
		wlk_drive_on_request(peer->pc, sim->now, request->id, WLK_OK, &address, 1);
	} else if (request->type == WLK_REQUEST_BIND_UDP) {
		wlk_drive_on_request(peer->pc, sim->now, request->id, WLK_ERR_IO, NULL, 0);
	} else if (request->type == WLK_REQUEST_RESOLVE && sim->host_count && !strcmp(request->host, "stun.sim")) {
		wlk_drive_on_request(peer->pc, sim->now, request->id, WLK_OK, &sim->hosts[sim->host_count - 1].ip, 1);
	} else if (request->type != WLK_REQUEST_CLOSE) {
		wlk_drive_on_request(peer->pc, sim->now, request->id, WLK_ERR_UNSUPPORTED, NULL, 0);
	}
}

static void own_events(struct sim *sim, struct sim_peer *peer, const wlk_event *event)
{
	if (event->type == WLK_EVENT_ICE_CANDIDATE && peer->other->pc && !sim->no_signalling) {
		wlk_err err = wlk_peer_connection_add_ice_candidate(peer->other->pc, &event->u.candidate);

		if (err && err != WLK_ERR_STATE && !sim->config.may_fail)
			sim_fail(sim, "%s: a candidate was refused: %s", peer->other->name, wlk_last_error(peer->other->pc));
	}
	if (event->type == WLK_EVENT_CONNECTION_STATE_CHANGE) {
		peer->state = event->u.connection.state;
		if (peer->state == WLK_CONNECTION_CONNECTED && !peer->connected_at)
			peer->connected_at = sim->now;
	}
}

static bool drain_once(struct sim *sim, struct sim_peer *peer)
{
	const wlk_event *event;
	wlk_datagram datagram;
	wlk_request request;
	bool any = false;
	wlk_job *job;

	while (peer->pc && wlk_drive_poll_request(peer->pc, &request)) {
		answer_request(sim, peer, &request);
		any = true;
	}
	while (peer->pc && wlk_drive_poll_transmit(peer->pc, sim->now, &datagram)) {
		transmit(sim, peer, &datagram);
		wlk_datagram_release(&datagram);
		any = true;
	}
	while (peer->pc && (event = wlk_drive_poll_event(peer->pc))) {
		own_events(sim, peer, event);
		sim->on_event(sim, peer, event);
		any = true;
	}
	while (peer->pc && (job = wlk_drive_poll_job(peer->pc, sim->now))) {
		wlk_job_run(job);
		wlk_drive_on_job(job, sim->now, 0);
		any = true;
	}
	return any;
}

static void drain(struct sim *sim)
{
	int rounds = 0;
	bool any;

	do {
		any = drain_once(sim, &sim->a);
		any |= drain_once(sim, &sim->b);
		if (++rounds > DRAIN_LIMIT)
			sim_fail(sim, "a drain does not end");
	} while (any);
}

/* As a driver would, when its network monitor has settled. */
static wlk_err list_interfaces(struct sim_peer *peer)
{
	wlk_addr list[SIM_INTERFACES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < peer->interface_count; i++)
		if (peer->interfaces[i].up)
			list[count++] = peer->interfaces[i].ip;
	peer->notice_at = WLK_TIME_NEVER;
	return wlk_drive_set_interfaces(peer->pc, list, count);
}

void sim_set_interface(struct sim *sim, struct sim_peer *peer, size_t index, bool up)
{
	peer->interfaces[index].up = up;
	peer->notice_at = sim->now + (sim->config.notice_us ? sim->config.notice_us : 50 * SIM_MS);
}

static void copy_interfaces(struct sim_peer *peer, const struct sim_interface *from, uint8_t host)
{
	while (peer->interface_count < SIM_INTERFACES_MAX && !addr_is_none(&from[peer->interface_count].ip)) {
		peer->interfaces[peer->interface_count] = from[peer->interface_count];
		peer->interface_count++;
	}
	if (!peer->interface_count)
		peer->interfaces[peer->interface_count++] =
			(struct sim_interface){ .ip = { .family = 4, .ip = { 10, 0, 0, host } }, .up = true };
}

static void start_recording(struct sim *sim)
{
	static unsigned number;
	const char *prefix = getenv("SIM_RECORD");
	char name[4096];

	if (!prefix)
		return;
	snprintf(name, sizeof(name), "%s.%u", prefix, number++);
	if (wlk_recording_open(name, 0, &sim->recording) && !sim->config.may_fail)
		sim_fail(sim, "%s cannot be recorded", name);
}

static void peer_init(struct sim *sim, struct sim_peer *peer, const char *name, uint8_t host, const wlk_configuration *given)
{
	wlk_configuration recorded = WLK_CONFIGURATION_INIT;
	const wlk_configuration *config = given;

	if (sim->recording) {
		if (given)
			recorded = *given;
		recorded.recording = sim->recording;
		config = &recorded;
	}
	peer->sim = sim;
	peer->name = name;
	peer->next_port = 40000;
	peer->notice_at = WLK_TIME_NEVER;
	copy_interfaces(peer, host == 1 ? sim->config.interfaces_a : sim->config.interfaces_b, host);
	if (!wlk_drive_create(config, sim->now, wall_start_s * SIM_SECOND + sim->now, &peer->pc) && !list_interfaces(peer))
		return;
	if (!sim->config.may_fail)
		sim_fail(sim, "%s cannot be made", name);
	wlk_peer_connection_destroy(peer->pc);
	peer->pc = NULL;
}

static void print_log(wlk_log_level level, const char *prefix, const char *message, void *user)
{
	(void)level;
	(void)user;
	fprintf(stderr, "%10.3f %s: %s\n", (double)wall_clock_us / 1e6, prefix, message);
}

void sim_init(struct sim *sim, const struct sim_config *config, sim_event_fn on_event, void *user)
{
	/* Virtual time goes on from one simulation to the next: usrsctp lives as long as the process. */
	static wlk_time epoch = SIM_SECOND;

	if (getenv("SIM_LOG"))
		wlk_log_configure(WLK_LOG_DEBUG, print_log, NULL);
	*sim = (struct sim){ .config = *config, .random = config->seed, .on_event = on_event, .user = user };
	start_recording(sim);
	rand_use_seed(config->seed);
	sim->now = epoch > wall_clock_us ? epoch : wall_clock_us + SIM_SECOND;
	wall_clock_us = sim->now;
	peer_init(sim, &sim->a, "a", 1, config->config_a);
	peer_init(sim, &sim->b, "b", 2, config->config_b);
	sim->a.other = &sim->b;
	sim->b.other = &sim->a;
}

void sim_free(struct sim *sim)
{
	wlk_peer_connection_destroy(sim->a.pc);
	wlk_peer_connection_destroy(sim->b.pc);
	wlk_recording_close(sim->recording);
	while (sim->flying_count)
		free(land(sim));
	free(sim->flying);
}

static void exchange(struct sim *sim, struct sim_peer *offerer)
{
	const wlk_session_description *local;
	struct sim_peer *answerer = offerer->other;

	local = wlk_peer_connection_local_description(offerer->pc);
	if (!local || wlk_peer_connection_set_remote_description(answerer->pc, local))
		sim_fail(sim, "%s refuses the offer: %s", answerer->name, wlk_last_error(answerer->pc));
	drain(sim);
	if (wlk_peer_connection_set_local_description(answerer->pc, NULL))
		sim_fail(sim, "%s cannot answer: %s", answerer->name, wlk_last_error(answerer->pc));
	local = wlk_peer_connection_local_description(answerer->pc);
	if (!local || wlk_peer_connection_set_remote_description(offerer->pc, local))
		sim_fail(sim, "%s refuses the answer: %s", offerer->name, wlk_last_error(offerer->pc));
	drain(sim);
}

void sim_renegotiate(struct sim *sim, struct sim_peer *offerer, bool ice_restart)
{
	if (ice_restart && wlk_peer_connection_restart_ice(offerer->pc))
		sim_fail(sim, "%s cannot restart ICE: %s", offerer->name, wlk_last_error(offerer->pc));
	if (wlk_peer_connection_set_local_description(offerer->pc, NULL))
		sim_fail(sim, "%s cannot offer: %s", offerer->name, wlk_last_error(offerer->pc));
	exchange(sim, offerer);
}

void sim_signal(struct sim *sim)
{
	sim->a.is_offerer = true;
	sim_renegotiate(sim, &sim->a, false);
}

/* ---- time ---- */

static wlk_time peer_deadline(const struct sim_peer *peer)
{
	return peer->pc ? wlk_drive_deadline(peer->pc) : WLK_TIME_NEVER;
}

static wlk_time earlier_of(wlk_time a, wlk_time b)
{
	return a < b ? a : b;
}

static wlk_time next_moment(const struct sim *sim)
{
	wlk_time next = sim->flying_count ? sim->flying[0]->at : WLK_TIME_NEVER;

	next = earlier_of(next, earlier_of(sim->a.notice_at, sim->b.notice_at));

	if (peer_deadline(&sim->a) < next)
		next = peer_deadline(&sim->a);
	if (peer_deadline(&sim->b) < next)
		next = peer_deadline(&sim->b);
	return next;
}

static bool is_due(const struct sim *sim)
{
	return peer_deadline(&sim->a) <= sim->now || peer_deadline(&sim->b) <= sim->now;
}

static void check_deadlines(const struct sim *sim)
{
	if (is_due(sim))
		sim_fail(sim, "a deadline is not in the future after a drain (a %lld, b %lld)", (long long)peer_deadline(&sim->a),
			 (long long)peer_deadline(&sim->b));
}

static void notice(struct sim_peer *peer)
{
	if (peer->notice_at > peer->sim->now)
		return;
	peer->notice_at = WLK_TIME_NEVER;
	if (peer->pc)
		(void)!list_interfaces(peer); /* out of memory: the old ones stay */
}

static void handle_timeouts(struct sim *sim)
{
	if (sim->a.pc)
		wlk_drive_handle_timeout(sim->a.pc, sim->now);
	if (sim->b.pc)
		wlk_drive_handle_timeout(sim->b.pc, sim->now);
}

static void step(struct sim *sim)
{
	while (sim->flying_count && sim->flying[0]->at <= sim->now) {
		struct sim_packet *packet = land(sim);

		deliver(sim, packet);
		free(packet);
	}
	notice(&sim->a);
	notice(&sim->b);
	handle_timeouts(sim);
	drain(sim);
	for (int i = 0; sim->config.calls_in_events && is_due(sim) && i < 10; i++) {
		handle_timeouts(sim);
		drain(sim);
	}
	sim->rounds++;
	check_deadlines(sim);
}

bool sim_run_until(struct sim *sim, wlk_time limit, bool (*done)(struct sim *sim))
{
	wlk_time end = sim->now + limit;

	drain(sim);
	while (!done || !done(sim)) {
		wlk_time next = next_moment(sim);

		if (next > end) {
			sim->now = end;
			wall_clock_us = end;
			return !done;
		}
		if (next > sim->now)
			sim->now = next;
		wall_clock_us = sim->now;
		step(sim);
	}
	return true;
}

void sim_run_for(struct sim *sim, wlk_time span)
{
	(void)!sim_run_until(sim, span, NULL);
}

bool sim_both_connected(struct sim *sim)
{
	return sim->a.state == WLK_CONNECTION_CONNECTED && sim->b.state == WLK_CONNECTION_CONNECTED;
}
