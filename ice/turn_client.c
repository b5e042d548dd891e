#include "ice/turn_client.h"

#include "core/alloc.h"
#include "core/rand.h"
#include "ice/turn_frame.h"
#include "ice/turn_internal.h"

/* -------------------------------------------------------------------------------------------------- life */

wlk_err turn_client_create(struct turn_client **out, const struct turn_client_config *config)
{
	struct turn_client *c = wlk_calloc(1, sizeof(*c));

	assert((config->family == 4 || config->family == 6) && "a relayed address is IPv4 or IPv6");
	if (!c)
		return WLK_ERR_NOMEM;
	c->config = *config;
	c->config.log_parent = NULL;
	c->config.credentials = NULL;
	log_scope_init(&c->log, config->log_parent, "turn");
	turn_auth_init(&c->auth, config->credentials);
	turn_peers_init(&c->peers);
	dgram_queue_init(&c->out, OUT_MAX);
	c->family = config->family;
	c->refresh_at = WLK_TIME_NEVER;
	c->expires_at = WLK_TIME_NEVER;
	c->deadline = WLK_TIME_NEVER;
	*out = c;
	return WLK_OK;
}

void turn_client_destroy(struct turn_client *c)
{
	if (!c)
		return;
	turn_end_requests(c);
	dgram_queue_free(&c->out);
	turn_peers_free(&c->peers);
	turn_auth_free(&c->auth);
	wlk_free(c->reason);
	wlk_free(c);
}

void turn_set_state(struct turn_client *c, enum turn_state state)
{
	static const char *const names[] = { "new", "allocating", "allocated", "redirected", "failed", "closed" };

	LOG_D(c, "%s -> %s", names[c->state], names[state]);
	c->state = state;
	c->tell = true;
}

/* The phrase as it may be shown: printable ASCII and UTF-8. */
static void keep_reason(struct turn_client *c, wlk_bytes phrase, const char *otherwise)
{
	wlk_free(c->reason);
	c->reason = phrase.size ? wlk_strndup((const char *)phrase.data, phrase.size) : wlk_strdup(otherwise);
	for (char *at = c->reason; at && *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
}

/* There is no allocation, or no more. */
void turn_fail(struct turn_client *c, uint16_t code, wlk_bytes phrase, const char *otherwise)
{
	keep_reason(c, phrase, otherwise);
	c->error_code = code;
	c->was_allocated = c->state == TURN_ALLOCATED;
	turn_end_requests(c);
	turn_set_state(c, TURN_FAILED);
	LOG_I(c, "%s: %u %s", c->was_allocated ? "allocation lost" : "no allocation", code, c->reason ? c->reason : "");
}

/* ---------------------------------------------------------------------------------------------- incoming */

/* R11: only whom we permitted. Notes that the peer is alive. */
static bool is_permitted(struct turn_client *c, wlk_time now, const wlk_addr *peer)
{
	struct turn_permission *permission = turn_peers_permission(&c->peers, peer);

	if (c->state != TURN_ALLOCATED || !permission || !turn_permission_is_open(permission, now)) {
		c->stats.unpermitted++;
		return false;
	}
	permission->used_at = now;
	return true;
}

bool turn_client_input(struct turn_client *c, wlk_time now, const uint8_t *data, size_t size, wlk_addr *peer,
		       wlk_bytes *payload)
{
	struct stun_msg msg;

	if (c->state == TURN_CLOSED)
		return false;
	if (stun_msg_parse(&msg, data, size) || msg.class == STUN_REQUEST ||
	    (msg.has_fingerprint && !msg.fingerprint_ok)) {
		c->stats.malformed++;
		return false;
	}
	if (msg.class != STUN_INDICATION) {
		turn_on_response(c, now, &msg);
		turn_run(c, now);
		return false;
	}
	if (msg.method != STUN_METHOD_DATA || !msg.xor_peer.family || !msg.payload.data || msg.unknown_count) {
		c->stats.malformed++;
		return false;
	}
	if (!is_permitted(c, now, &msg.xor_peer))
		return false;
	*peer = msg.xor_peer;
	*payload = msg.payload;
	return true;
}

bool turn_client_unwrap(struct turn_client *c, wlk_time now, const uint8_t *data, size_t size, wlk_addr *peer,
			wlk_bytes *payload)
{
	struct bytes_reader r = bytes_reader(data, size);
	uint16_t number = bytes_u16(&r);
	wlk_bytes inside = bytes_slice(&r, bytes_u16(&r));
	struct turn_channel *channel;

	if (!bytes_ok(&r)) {
		c->stats.malformed++;
		return false;
	}
	channel = turn_peers_channel_by_number(&c->peers, number);
	if (c->state != TURN_ALLOCATED || !channel || channel->refused ||
	    (!channel->request && channel->expires_at <= now)) {
		c->stats.unpermitted++;
		return false;
	}
	channel->used_at = now;
	*peer = channel->peer;
	*payload = inside;
	return true;
}

/* ---------------------------------------------------------------------------------------------- outgoing */

bool turn_client_wrap(struct turn_client *c, wlk_time now, const wlk_addr *peer, struct pktbuf **buf)
{
	struct turn_channel *channel = turn_peers_channel(&c->peers, peer);
	struct turn_permission *permission;
	bool made;

	if (c->state != TURN_ALLOCATED || (*buf)->size > PKTBUF_PAYLOAD)
		return false;
	if (channel && channel->expires_at > now) {
		channel->used_at = now;
		made = turn_frame_channel(c->config.pool, buf, channel->number, c->config.reliable);
	} else {
		permission = turn_peers_permission(&c->peers, peer);
		if (!permission || !turn_permission_is_open(permission, now))
			return false;
		permission->used_at = now;
		made = turn_frame_send(c->config.pool, buf, peer);
	}
	if (made)
		c->last_sent = now;
	return made;
}

/* ------------------------------------------------------------------------------------------------- verbs */

void turn_client_start(struct turn_client *c, wlk_time now, wlk_time rtt)
{
	assert(c->state == TURN_NEW && "a client allocates once");
	c->rtt = rtt;
	c->last_sent = now;
	c->state = TURN_ALLOCATING;
	if (!turn_start_request(c, now, REQUEST_ALLOCATE))
		turn_fail(c, TURN_UNREACHABLE, (wlk_bytes){ 0 }, "out of memory");
	turn_run(c, now);
}

void turn_client_set_credentials(struct turn_client *c, wlk_time now, struct turn_credentials *credentials)
{
	turn_auth_replace(&c->auth, credentials);
	if (c->refused) {
		c->refused = false;
		c->refresh_at = now;
		turn_peers_hurry(&c->peers, now);
	}
	turn_run(c, now);
}

void turn_client_probe(struct turn_client *c, wlk_time now)
{
	if (c->state != TURN_ALLOCATED || (c->probed_at && now - c->probed_at < TURN_PROBE_US))
		return;
	c->probed_at = now;
	c->refresh_at = now;
	turn_run(c, now);
}

void turn_client_permit(struct turn_client *c, wlk_time now, const wlk_addr *peer)
{
	if (c->state != TURN_ALLOCATED)
		return;
	if (!turn_peers_permit(&c->peers, now, peer))
		c->stats.out_of_memory++;
	c->deadline = time_min(c->deadline, turn_peers_ask_at(&c->peers));
}

void turn_client_bind(struct turn_client *c, wlk_time now, const wlk_addr *peer)
{
	struct turn_channel *channel;

	if (c->state != TURN_ALLOCATED)
		return;
	channel = turn_peers_bind(&c->peers, now, peer);
	if (!channel)
		return;
	channel->used_at = now;
	if (channel->expires_at <= now && channel->ask_at == WLK_TIME_NEVER)
		channel->ask_at = now;
	if (channel->ask_at <= now)
		turn_run(c, now);
}

bool turn_client_poll_transmit(struct turn_client *c, wlk_time now, struct pktbuf **out)
{
	struct dgram d;

	(void)now;
	if (!dgram_queue_pop(&c->out, &d))
		return false;
	*out = d.buf;
	return true;
}

static bool poll_permission(struct turn_client *c, struct turn_event *out)
{
	for (size_t i = 0; i < c->peers.permission_count; i++) {
		struct turn_permission *p = &c->peers.permissions[i];

		if (!p->tell)
			continue;
		p->tell = false;
		*out = (struct turn_event){
			.type = TURN_EVENT_PERMISSION,
			.peer = p->ip,
			.granted = !p->refused,
			.late = p->late,
		};
		return true;
	}
	return false;
}

bool turn_client_poll_event(struct turn_client *c, struct turn_event *out)
{
	if (!c->tell || c->state == TURN_CLOSED)
		return c->state == TURN_ALLOCATED && poll_permission(c, out);
	c->tell = false;
	*out = (struct turn_event){
		.type = c->state == TURN_ALLOCATED    ? TURN_EVENT_ALLOCATED
			: c->state == TURN_REDIRECTED ? TURN_EVENT_REDIRECTED
						      : TURN_EVENT_FAILED,
		.relayed = c->relayed,
		.mapped = c->mapped,
		.alternate = c->alternate,
		.was_allocated = c->was_allocated,
		.error_code = c->error_code,
		.reason = str_of(c->reason ? c->reason : ""),
	};
	return true;
}

wlk_time turn_client_deadline(const struct turn_client *c)
{
	return c->deadline;
}

void turn_client_handle_timeout(struct turn_client *c, wlk_time now)
{
	if (now >= c->deadline)
		turn_run(c, now);
}

/* Without waiting for an answer: what is lost ends by its lifetime. */
static void send_farewell(struct turn_client *c)
{
	uint8_t buf[MESSAGE_MAX];
	uint8_t id[STUN_TXID_SIZE];
	struct turn_key *key = NULL;
	struct stun_writer w;
	size_t size;

	if (rand_bytes(id, sizeof(id)))
		return;
	stun_writer_init(&w, buf, sizeof(buf), STUN_REQUEST, STUN_METHOD_REFRESH, id);
	stun_put_u32(&w, STUN_ATTR_LIFETIME, 0);
	if (!turn_auth_finish(&c->auth, &w, &size, &key))
		turn_transmit(c, c->last_sent, buf, size);
	turn_key_release(key);
}

void turn_client_close(struct turn_client *c)
{
	if (c->state == TURN_CLOSED)
		return;
	turn_end_requests(c);
	if (c->state == TURN_ALLOCATED)
		send_farewell(c);
	c->state = TURN_CLOSED;
	c->deadline = WLK_TIME_NEVER;
}

enum turn_state turn_client_state(const struct turn_client *c)
{
	return c->state;
}

void turn_client_get_stats(const struct turn_client *c, struct turn_client_stats *out)
{
	*out = c->stats;
}
