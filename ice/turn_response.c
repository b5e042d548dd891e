/* What the answers of the server mean: RFC 8489 9.2.5 and 6.3, RFC 8656 7.4, 8.3, 10.3 and 12.3. */
#include "core/addr.h"
#include "ice/turn_internal.h"

/* Whoever was asked for by |r| may be asked for again at |at|. */
static void ask_again(struct turn_client *c, const struct turn_request *r, wlk_time at, bool alone)
{
	const uint8_t place = turn_request_place(c, r);

	for (size_t i = 0; i < c->peers.permission_count; i++)
		if (c->peers.permissions[i].request == place) {
			c->peers.permissions[i].ask_at = at;
			c->peers.permissions[i].alone |= alone;
		}
	for (size_t i = 0; i < c->peers.channel_count; i++)
		if (c->peers.channels[i].request == place)
			c->peers.channels[i].ask_at = at;
}

static size_t count_permissions(const struct turn_client *c, const struct turn_request *r)
{
	const uint8_t place = turn_request_place(c, r);
	size_t count = 0;

	for (size_t i = 0; i < c->peers.permission_count; i++)
		count += c->peers.permissions[i].request == place;
	return count;
}

static void set_lifetime(struct turn_client *c, const struct turn_request *r, const struct stun_msg *msg)
{
	uint32_t seconds = msg->has_lifetime ? MIN(msg->lifetime, (uint32_t)LIFETIME_MAX_S) : LIFETIME_DEFAULT_S;
	wlk_time lifetime = (wlk_time)seconds * SECOND;

	/* From when the request left: the server's clock has not run longer than that. */
	c->expires_at = r->sent + lifetime;
	c->refresh_at = r->sent + (lifetime > SHORT_LIFETIME_US ? lifetime - REFRESH_AHEAD_US : lifetime * 5 / 6);
	c->error_code = 0;
}

static bool is_relay_address(const wlk_addr *addr)
{
	return addr->family && addr->port && !addr_is_unspecified(addr) && !addr_is_multicast(addr) &&
	       !addr_is_broadcast(addr);
}

static void on_allocated(struct turn_client *c, struct turn_request *r, const struct stun_msg *msg)
{
	char text[WLK_ADDR_TEXT_MAX];

	if (!is_relay_address(&msg->xor_relayed) || (msg->has_lifetime && !msg->lifetime)) {
		turn_fail(c, TURN_UNREACHABLE, (wlk_bytes){ 0 }, "the TURN server's answer is of no use");
		return;
	}
	c->relayed = msg->xor_relayed;
	c->mapped = msg->xor_mapped;
	set_lifetime(c, r, msg);
	turn_end_request(c, r);
	turn_set_state(c, TURN_ALLOCATED);
	LOG_I(c, "allocated %s", addr_text(&c->relayed, text));
}

static void on_refreshed(struct turn_client *c, wlk_time now, struct turn_request *r, const struct stun_msg *msg)
{
	set_lifetime(c, r, msg);
	turn_end_request(c, r);
	if (c->expires_at <= now)
		turn_fail(c, TURN_UNREACHABLE, (wlk_bytes){ 0 }, "the server ended the allocation");
}

static void on_permitted(struct turn_client *c, struct turn_request *r)
{
	const uint8_t place = turn_request_place(c, r);
	bool late = r->sends > 1 || r->auth_rounds;

	for (size_t i = 0; i < c->peers.permission_count; i++) {
		struct turn_permission *p = &c->peers.permissions[i];

		if (p->request != place)
			continue;
		if (!p->expires_at) {
			p->tell = true;
			p->late = late || p->refused;
		}
		p->refused = false;
		p->ask_at = r->sent + TURN_PERMISSION_REFRESH_US;
		p->expires_at = r->sent + TURN_PERMISSION_LIFE_US;
	}
	turn_end_request(c, r);
}

static void on_bound(struct turn_client *c, struct turn_request *r)
{
	const uint8_t place = turn_request_place(c, r);

	for (size_t i = 0; i < c->peers.channel_count; i++) {
		struct turn_channel *channel = &c->peers.channels[i];

		if (channel->request != place)
			continue;
		channel->ask_at = r->sent + TURN_CHANNEL_REFRESH_US;
		channel->expires_at = r->sent + TURN_CHANNEL_LIFE_US;
		LOG_D(c, "channel 0x%04x bound", channel->number);
	}
	turn_end_request(c, r);
}

static void on_success(struct turn_client *c, wlk_time now, struct turn_request *r, const struct stun_msg *msg)
{
	turn_auth_on_accepted(&c->auth, r->key);
	switch (r->kind) {
	case REQUEST_ALLOCATE:
		on_allocated(c, r, msg);
		break;
	case REQUEST_REFRESH:
		on_refreshed(c, now, r, msg);
		break;
	case REQUEST_PERMISSION:
		on_permitted(c, r);
		break;
	case REQUEST_BIND:
		on_bound(c, r);
		break;
	case REQUEST_NONE:
		break;
	}
}

/* The credentials are refused. A living allocation stays until it ends; others may come before that. */
static void on_refused(struct turn_client *c, wlk_time now, struct turn_request *r, const struct stun_msg *msg)
{
	if (r->kind == REQUEST_ALLOCATE) {
		turn_fail(c, msg->error_code, msg->reason, "unauthorized");
		return;
	}
	c->refused = true;
	c->error_code = msg->error_code;
	ask_again(c, r, now + TURN_RETRY_US, false);
	turn_end_request(c, r);
	LOG_W(c, "the server refuses the credentials: %u", c->error_code);
}

/* The same request with other credentials. Without an Allocate request under way nothing would ever come of it. */
static void ask_anew(struct turn_client *c, wlk_time now, struct turn_request *r)
{
	if (!turn_send_request(c, now, r) && c->state == TURN_ALLOCATING)
		turn_fail(c, TURN_UNREACHABLE, (wlk_bytes){ 0 }, "out of memory");
}

static void on_challenge(struct turn_client *c, wlk_time now, struct turn_request *r, const struct stun_msg *msg)
{
	enum turn_challenge challenge;

	c->stats.challenges++;
	challenge = turn_auth_on_challenge(&c->auth, msg, r->auth_version, r->key != NULL);
	if (challenge != TURN_CHALLENGE_RETRY || ++r->auth_rounds > TURN_AUTH_ROUNDS_MAX)
		on_refused(c, now, r, msg);
	else
		ask_anew(c, now, r);
}

/* Forbidden, or of a family that the allocation does not serve: asking at once is of no use (RFC 8656 9.2). */
static void refuse_permission(wlk_time now, struct turn_permission *p)
{
	p->tell = !p->refused;
	p->refused = true;
	p->alone = true;
	p->expires_at = 0;
	p->ask_at = now + TURN_REFUSED_RETRY_US;
	p->rests_until = now + TURN_REFUSED_REST_US;
}

static void on_permission_error(struct turn_client *c, wlk_time now, struct turn_request *r, const struct stun_msg *msg)
{
	const uint8_t place = turn_request_place(c, r);
	bool several = count_permissions(c, r) > 1;
	bool final = msg->error_code < 500 && !several;

	ask_again(c, r, several ? now : now + TURN_GIVE_UP_US, several);
	for (size_t i = 0; final && i < c->peers.permission_count; i++)
		if (c->peers.permissions[i].request == place)
			refuse_permission(now, &c->peers.permissions[i]);
	turn_end_request(c, r);
}

static void on_bind_error(struct turn_client *c, wlk_time now, struct turn_request *r, const struct stun_msg *msg)
{
	const uint8_t place = turn_request_place(c, r);

	ask_again(c, r, now + TURN_GIVE_UP_US, false);
	for (size_t i = 0; i < c->peers.channel_count; i++)
		if (c->peers.channels[i].request == place && msg->error_code < 500)
			c->peers.channels[i].refused = true;
	turn_end_request(c, r);
}

static void on_allocate_error(struct turn_client *c, wlk_time now, struct turn_request *r, const struct stun_msg *msg)
{
	if (msg->error_code == 300 && msg->alternate_server.family) {
		c->alternate = msg->alternate_server;
		turn_end_request(c, r);
		turn_set_state(c, TURN_REDIRECTED);
		return;
	}
	/* 440: no IPv6 addresses there, an IPv4 one serves as well. */
	if (msg->error_code == 440 && c->family == 6) {
		c->family = 4;
		if (turn_send_request(c, now, r))
			return;
	}
	turn_fail(c, msg->error_code, msg->reason, "refused");
}

static void on_error(struct turn_client *c, wlk_time now, struct turn_request *r, const struct stun_msg *msg)
{
	LOG_RATED(c, &c->log_budget, now, LOG_LEVEL_DEBUG, "error %u to a request of kind %d", msg->error_code,
		  (int)r->kind);
	if (msg->error_code == 401 || msg->error_code == 438) {
		on_challenge(c, now, r, msg);
		return;
	}
	/* RFC 8656 5: an allocation belongs to the username that made it. */
	if (msg->error_code == 441 && r->auth_rounds < TURN_AUTH_ROUNDS_MAX && turn_auth_fall_back(&c->auth)) {
		r->auth_rounds++;
		ask_anew(c, now, r);
		return;
	}
	if (r->kind == REQUEST_ALLOCATE) {
		on_allocate_error(c, now, r, msg);
	} else if (msg->error_code == 437) {
		turn_fail(c, 437, msg->reason, "allocation mismatch");
	} else if (r->kind == REQUEST_REFRESH) {
		c->error_code = msg->error_code;
		c->refresh_at = now + TURN_RETRY_US;
		turn_end_request(c, r);
	} else if (r->kind == REQUEST_PERMISSION) {
		on_permission_error(c, now, r, msg);
	} else {
		on_bind_error(c, now, r, msg);
	}
}

/*
 * RFC 8489 9.2.5: the answer to a signed request carries good integrity; a challenge cannot, and a server that sends us
 * elsewhere need not (RFC 8489 10).
 */
static bool is_authentic(struct turn_client *c, struct turn_request *r, const struct stun_msg *msg)
{
	bool may_be_bare = msg->class == STUN_ERROR &&
			   (msg->error_code == 401 || msg->error_code == 438 || msg->error_code == 300);

	if (!r->key || may_be_bare || turn_key_check(r->key, msg))
		return true;
	if (msg->class == STUN_ERROR)
		r->doubtful_code = msg->error_code;
	c->stats.bad_integrity++;
	return false;
}

void turn_on_response(struct turn_client *c, wlk_time now, const struct stun_msg *msg)
{
	struct turn_request *r = NULL;
	wlk_time rtt;

	for (size_t i = 0; i < ARRAY_SIZE(c->requests); i++)
		if (c->requests[i].kind != REQUEST_NONE && !memcmp(c->requests[i].id, msg->txid, STUN_TXID_SIZE))
			r = &c->requests[i];
	if (!r) {
		c->stats.unknown_transaction++;
		return;
	}
	if (!is_authentic(c, r, msg))
		return;
	/* RFC 8489 6.3.3 and 6.3.4: comprehension-required attributes that we do not know, or an error without its
	 * code. */
	if (msg->unknown_count || (msg->class == STUN_ERROR && !msg->error_code)) {
		c->stats.malformed++;
		return;
	}
	if (r->sends == 1) {
		rtt = MAX(now - r->sent, (wlk_time)1);
		c->rtt = c->rtt ? (7 * c->rtt + rtt) / 8 : rtt;
	}
	if (msg->class == STUN_SUCCESS)
		on_success(c, now, r, msg);
	else
		on_error(c, now, r, msg);
}
