#include "ice/turn_internal.h"

#include "core/alloc.h"
#include "core/rand.h"

uint8_t turn_request_place(const struct turn_client *c, const struct turn_request *r)
{
	return (uint8_t)(r - c->requests + 1);
}

void turn_end_request(struct turn_client *c, struct turn_request *r)
{
	const uint8_t place = turn_request_place(c, r);

	for (size_t i = 0; i < c->peers.permission_count; i++)
		if (c->peers.permissions[i].request == place)
			c->peers.permissions[i].request = 0;
	for (size_t i = 0; i < c->peers.channel_count; i++)
		if (c->peers.channels[i].request == place)
			c->peers.channels[i].request = 0;
	wlk_free(r->msg);
	turn_key_release(r->key);
	*r = (struct turn_request){ 0 };
}

void turn_end_requests(struct turn_client *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->requests); i++)
		turn_end_request(c, &c->requests[i]);
}

/* ----------------------------------------------------------------------------------------------- sending */

void turn_transmit(struct turn_client *c, wlk_time now, const uint8_t *data, size_t size)
{
	struct dgram d = { .buf = pktbuf_copy(c->config.pool, data, size) };

	c->last_sent = now;
	if (!d.buf || !dgram_queue_push(&c->out, d))
		c->stats.out_of_memory++; /* lost, like on the way */
}

static wlk_time first_interval(const struct turn_client *c)
{
	if (c->config.reliable)
		return TURN_GIVE_UP_US;
	if (!c->rtt)
		return TURN_FIRST_RTO_US;
	return time_min(MAX(2 * c->rtt, (wlk_time)TURN_RTO_MIN_US), TURN_RTO_MAX_US);
}

static void put_permissions(const struct turn_client *c, struct stun_writer *w, uint8_t place)
{
	for (size_t i = 0; i < c->peers.permission_count; i++)
		if (c->peers.permissions[i].request == place)
			stun_put_xor_addr(w, STUN_ATTR_XOR_PEER_ADDRESS, &c->peers.permissions[i].ip);
}

static void put_channel(const struct turn_client *c, struct stun_writer *w, uint8_t place)
{
	for (size_t i = 0; i < c->peers.channel_count; i++) {
		if (c->peers.channels[i].request != place)
			continue;
		stun_put_channel_number(w, c->peers.channels[i].number);
		stun_put_xor_addr(w, STUN_ATTR_XOR_PEER_ADDRESS, &c->peers.channels[i].peer);
	}
}

static wlk_err write_request(struct turn_client *c, struct turn_request *r, uint8_t buf[MESSAGE_MAX], size_t *size)
{
	static const uint16_t methods[] = {
		[REQUEST_ALLOCATE] = STUN_METHOD_ALLOCATE,
		[REQUEST_REFRESH] = STUN_METHOD_REFRESH,
		[REQUEST_PERMISSION] = STUN_METHOD_CREATE_PERMISSION,
		[REQUEST_BIND] = STUN_METHOD_CHANNEL_BIND,
	};
	const uint8_t place = turn_request_place(c, r);
	struct stun_writer w;

	stun_writer_init(&w, buf, MESSAGE_MAX, STUN_REQUEST, methods[r->kind], r->id);
	if (r->kind == REQUEST_ALLOCATE)
		stun_put_requested_transport(&w, PROTOCOL_UDP);
	if (r->kind == REQUEST_ALLOCATE && c->family == 6)
		stun_put_requested_address_family(&w, 6);
	if (r->kind == REQUEST_PERMISSION)
		put_permissions(c, &w, place);
	if (r->kind == REQUEST_BIND)
		put_channel(c, &w, place);
	return turn_auth_finish(&c->auth, &w, size, &r->key);
}

bool turn_send_request(struct turn_client *c, wlk_time now, struct turn_request *r)
{
	uint8_t buf[MESSAGE_MAX];

	wlk_free(r->msg);
	turn_key_release(r->key);
	r->msg = NULL;
	r->key = NULL;
	if (!rand_bytes(r->id, sizeof(r->id)) && !write_request(c, r, buf, &r->size))
		r->msg = wlk_malloc(r->size);
	if (!r->msg) {
		c->stats.out_of_memory++;
		turn_end_request(c, r);
		return false;
	}
	memcpy(r->msg, buf, r->size);
	r->auth_version = c->auth.version;
	r->sends = 1;
	r->sent = now;
	r->interval = first_interval(c);
	r->next_at = now + r->interval;
	c->stats.requests_sent++;
	turn_transmit(c, now, r->msg, r->size);
	return true;
}

static struct turn_request *free_request(struct turn_client *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->requests); i++)
		if (c->requests[i].kind == REQUEST_NONE)
			return &c->requests[i];
	return NULL;
}

static bool is_under_way(const struct turn_client *c, enum request_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->requests); i++)
		if (c->requests[i].kind == kind)
			return true;
	return false;
}

bool turn_start_request(struct turn_client *c, wlk_time now, enum request_kind kind)
{
	struct turn_request *r = free_request(c);

	if (!r)
		return false;
	*r = (struct turn_request){ .kind = kind, .started = now };
	return turn_send_request(c, now, r);
}

/* ---------------------------------------------------------------------------------------- what is due */

/* One CreatePermission for all that are due, those that are due soon included (RFC 8656 9.1). */
static bool ask_permissions(struct turn_client *c, wlk_time now)
{
	struct turn_request *r = free_request(c);
	const uint8_t place = r ? turn_request_place(c, r) : 0;
	wlk_time until = now;
	size_t count = 0;

	for (size_t round = 0; r && round < 2; round++, until = now + PERMISSION_TOGETHER_US) {
		for (size_t i = 0; i < c->peers.permission_count && count < PERMISSIONS_PER_REQUEST; i++) {
			struct turn_permission *p = &c->peers.permissions[i];

			if (p->request || p->ask_at > (p->alone ? now : until) || (p->alone && count))
				continue;
			p->request = place;
			p->ask_at = now + TURN_RETRY_US; /* unless an answer says otherwise */
			count++;
			if (p->alone)
				round = count = PERMISSIONS_PER_REQUEST;
		}
		if (!count)
			return false;
	}
	if (!r)
		return false;
	*r = (struct turn_request){ .kind = REQUEST_PERMISSION, .started = now };
	return turn_send_request(c, now, r);
}

static void ask_channels(struct turn_client *c, wlk_time now)
{
	for (size_t i = 0; i < c->peers.channel_count; i++) {
		struct turn_channel *channel = &c->peers.channels[i];
		struct turn_request *r;

		if (channel->request || channel->refused || channel->ask_at > now)
			continue;
		if (channel->expires_at && channel->used_at < now - TURN_CHANNEL_LIFE_US) {
			channel->ask_at = WLK_TIME_NEVER; /* until it is used again */
			continue;
		}
		r = free_request(c);
		if (!r)
			return;
		*r = (struct turn_request){ .kind = REQUEST_BIND, .started = now };
		channel->request = turn_request_place(c, r);
		channel->ask_at = now + TURN_RETRY_US;
		/* The server may bind it although its answer gets lost. */
		channel->rests_until = now + TURN_GIVE_UP_US + TURN_CHANNEL_LIFE_US + TURN_CHANNEL_REST_US;
		turn_send_request(c, now, r);
	}
}

static void keep_alive(struct turn_client *c, wlk_time now)
{
	uint8_t buf[STUN_HEADER_SIZE];
	uint8_t id[STUN_TXID_SIZE];
	struct stun_writer w;
	size_t size;

	if (c->config.reliable || now - c->last_sent < TURN_KEEPALIVE_US)
		return;
	c->last_sent = now;
	if (rand_bytes(id, sizeof(id)))
		return;
	stun_writer_init(&w, buf, sizeof(buf), STUN_INDICATION, STUN_METHOD_BINDING, id);
	if (!stun_writer_finish(&w, NULL, false, &size))
		turn_transmit(c, now, buf, size);
}

static void give_up(struct turn_client *c, wlk_time now, struct turn_request *r)
{
	enum request_kind kind = r->kind;
	uint16_t code = r->doubtful_code ? r->doubtful_code : TURN_UNREACHABLE;

	LOG_D(c, "no answer to a request of kind %d", (int)kind);
	turn_end_request(c, r);
	if (kind == REQUEST_ALLOCATE)
		turn_fail(c, code, (wlk_bytes){ 0 }, "the TURN server does not answer");
	else if (kind == REQUEST_REFRESH)
		c->refresh_at = now;
}

static void run_requests(struct turn_client *c, wlk_time now)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->requests); i++) {
		struct turn_request *r = &c->requests[i];

		if (r->kind == REQUEST_NONE || r->next_at > now)
			continue;
		if (c->config.reliable || now - r->started >= TURN_GIVE_UP_US) {
			give_up(c, now, r);
			continue;
		}
		r->sends++;
		r->interval = time_min(2 * r->interval, TURN_RTO_MAX_US);
		r->next_at = now + r->interval;
		c->stats.requests_sent++;
		turn_transmit(c, now, r->msg, r->size);
	}
}

static void run_allocation(struct turn_client *c, wlk_time now)
{
	if (c->expires_at <= now) {
		turn_fail(c, c->error_code ? c->error_code : TURN_UNREACHABLE, (wlk_bytes){ 0 },
			  "the allocation could not be refreshed");
		return;
	}
	keep_alive(c, now);
	if (c->refused)
		return;
	if (c->refresh_at <= now && !is_under_way(c, REQUEST_REFRESH) && !turn_start_request(c, now, REQUEST_REFRESH))
		c->refresh_at = now + TURN_RETRY_US;
	while (turn_peers_ask_at(&c->peers) <= now && ask_permissions(c, now))
		;
	ask_channels(c, now);
}

static wlk_time next_deadline(struct turn_client *c)
{
	wlk_time at = WLK_TIME_NEVER;

	for (size_t i = 0; i < ARRAY_SIZE(c->requests); i++)
		if (c->requests[i].kind != REQUEST_NONE)
			at = time_min(at, c->requests[i].next_at);
	if (c->state != TURN_ALLOCATED)
		return at;
	at = time_min(at, c->expires_at);
	if (!c->config.reliable)
		at = time_min(at, c->last_sent + TURN_KEEPALIVE_US);
	if (c->refused)
		return at;
	if (!is_under_way(c, REQUEST_REFRESH))
		at = time_min(at, c->refresh_at);
	return free_request(c) ? time_min(at, turn_peers_ask_at(&c->peers)) : at;
}

void turn_run(struct turn_client *c, wlk_time now)
{
	run_requests(c, now);
	if (c->state == TURN_ALLOCATED)
		run_allocation(c, now);
	c->deadline = next_deadline(c);
}
