#include "tests/support/turn_server.h"

#include <stdio.h>
#include <string.h>

#include "core/addr.h"

enum { MESSAGE_MAX = 2200, PERMISSION_LIFE_S = 300, CHANNEL_LIFE_S = 600, PEERS_MAX = 32, NONCE_MAX = 64 };

/* What a request is answered with. */
struct exchange {
	struct turn_server *s;
	wlk_time now;
	wlk_addr from;
	uint32_t stream;
	struct stun_msg msg;
	const struct turn_server_user *user; /* NULL: not authenticated */
	struct crypto_hmac *hmac;
	bool sha256;
	struct stun_writer w;
	uint8_t buf[MESSAGE_MAX];
};

void turn_server_init(struct turn_server *s, const wlk_addr *addr, const wlk_addr *relay_ip)
{
	memset(s, 0, sizeof(*s));
	s->addr = *addr;
	s->relay_ip = *relay_ip;
	s->realm = "example.org";
	s->users[0] = (struct turn_server_user){ "user", "secret" };
	s->lifetime_s = 600;
	s->next_port = 50000;
	dgram_queue_init(&s->out, 4096);
}

void turn_server_free(struct turn_server *s)
{
	dgram_queue_free(&s->out);
}

void turn_server_restart(struct turn_server *s)
{
	memset(s->allocations, 0, sizeof(s->allocations));
	s->nonce_number += 1000;
	s->next_port = (uint16_t)(s->next_port + 100);
}

/* ----------------------------------------------------------------------------------------------- sending */

static void put(struct turn_server *s, const wlk_addr *from, const wlk_addr *to, uint32_t stream, const void *data,
		size_t size)
{
	struct dgram d = { .local = *from, .remote = *to, .stream = stream, .buf = pktbuf_copy(NULL, data, size) };

	if (d.buf)
		dgram_queue_push(&s->out, d);
}

static void begin(struct exchange *x, enum stun_class class)
{
	stun_writer_init(&x->w, x->buf, sizeof(x->buf), class, x->msg.method, x->msg.txid);
}

static void finish(struct exchange *x)
{
	struct turn_server *s = x->s;
	bool sign = x->hmac && !s->unsigned_answers;
	size_t size;

	if (sign && x->sha256)
		stun_put_integrity_sha256(&x->w, x->hmac);
	if (stun_writer_finish(&x->w, sign && !x->sha256 ? x->hmac : NULL, true, &size))
		return;
	if (s->lose) {
		s->lose--;
		return;
	}
	if (s->lose_refreshes && x->msg.method == STUN_METHOD_REFRESH) {
		s->lose_refreshes--;
		return;
	}
	put(s, &s->addr, &x->from, x->stream, x->buf, size);
}

static void answer_error(struct exchange *x, uint16_t code, const char *reason)
{
	begin(x, STUN_ERROR);
	stun_put_error(&x->w, code, reason);
	if (code == 300)
		stun_put_addr(&x->w, STUN_ATTR_ALTERNATE_SERVER, &x->s->alternate);
	finish(x);
}

/* --------------------------------------------------------------------------------------- authentication */

static void current_nonce(struct turn_server *s, wlk_time now, char out[NONCE_MAX])
{
	if (s->nonce_life_us && now - s->nonce_since >= s->nonce_life_us) {
		s->nonce_number++;
		s->nonce_since = now;
	}
	snprintf(out, NONCE_MAX, "obMatJos2AAA%c-%u", "ABCD"[(s->sha256 ? 1 : 0) + (s->anonymous ? 2 : 0)],
		 s -> nonce_number);
}

static void challenge(struct exchange *x, uint16_t code)
{
	static const uint8_t algorithms[] = { 0, 2, 0, 0, 0, 1, 0, 0 };
	char nonce[NONCE_MAX];

	x->s->challenges++;
	if (x->s->nonce_loop)
		x->s->nonce_number++;
	current_nonce(x->s, x->now, nonce);
	begin(x, STUN_ERROR);
	stun_put_error(&x->w, code, code == 401 ? "Unauthorized" : "Stale Nonce");
	stun_put_text(&x->w, STUN_ATTR_REALM, x->s->realm);
	stun_put_text(&x->w, STUN_ATTR_NONCE, nonce);
	if (x->s->sha256 && !x->s->bid_down)
		stun_put_bytes(&x->w, STUN_ATTR_PASSWORD_ALGORITHMS, algorithms, sizeof(algorithms));
	finish(x);
}

static bool same_text(wlk_bytes a, const char *b)
{
	return a.size == strlen(b) && !memcmp(a.data, b, a.size);
}

static wlk_bytes text_bytes(const char *text)
{
	return (wlk_bytes){ (const uint8_t *)text, strlen(text) };
}

static const struct turn_server_user *find_user(const struct turn_server *s, const struct stun_msg *msg)
{
	uint8_t hash[STUN_USERHASH_SIZE];

	for (size_t i = 0; i < TURN_SERVER_USERS_MAX && s->users[i].name; i++) {
		if (msg->username.data && same_text(msg->username, s->users[i].name))
			return &s->users[i];
		if (msg->userhash.data && !stun_userhash(text_bytes(s->users[i].name), text_bytes(s->realm), hash) &&
		    !memcmp(hash, msg->userhash.data, sizeof(hash)))
			return &s->users[i];
	}
	return NULL;
}

static bool check_key(struct exchange *x, const struct turn_server_user *user)
{
	uint8_t key[CRYPTO_SHA256_SIZE];
	bool by_sha256 = x->msg.password_algorithm.data && x->msg.password_algorithm.data[1] == STUN_PASSWORD_SHA256;
	wlk_bytes name = text_bytes(user->name), realm = text_bytes(x->s->realm), password = text_bytes(user->password);
	wlk_err err = by_sha256 ? stun_long_term_key_sha256(name, realm, password, key)
				: stun_long_term_key(name, realm, password, key);

	x->sha256 = x->msg.integrity_sha256_offset != 0;
	if (err || crypto_hmac_create(&x->hmac, x->sha256 ? CRYPTO_DIGEST_SHA256 : CRYPTO_DIGEST_SHA1, key,
				      by_sha256 ? CRYPTO_SHA256_SIZE : CRYPTO_MD5_SIZE))
		return false;
	if (x->sha256 ? stun_msg_check_integrity_sha256(&x->msg, x->hmac) : stun_msg_check_integrity(&x->msg, x->hmac))
		return true;
	crypto_hmac_destroy(x->hmac);
	x->hmac = NULL;
	return false;
}

static bool authenticate(struct exchange *x)
{
	const struct turn_server_user *user = find_user(x->s, &x->msg);
	char nonce[NONCE_MAX];

	if (x->s->open)
		return true;
	current_nonce(x->s, x->now, nonce);
	if (!x->msg.integrity_offset && !x->msg.integrity_sha256_offset) {
		challenge(x, 401);
		return false;
	}
	if (!same_text(x->msg.nonce, nonce) || x->s->nonce_loop) {
		challenge(x, 438);
		return false;
	}
	/* RFC 8489 9.2.4: the list comes back as it was sent, or somebody has bid down. */
	if (x->s->sha256 && !x->s->bid_down && x->msg.password_algorithms.size != 8) {
		answer_error(x, 400, "Bad Request");
		return false;
	}
	if (!user || !check_key(x, user)) {
		challenge(x, 401);
		return false;
	}
	x->user = user;
	return true;
}

/* ------------------------------------------------------------------------------------------- allocations */

static bool is_live(const struct turn_server_allocation *a, wlk_time now)
{
	return a->used && a->expires_at > now;
}

static struct turn_server_allocation *find(struct turn_server *s, wlk_time now, const wlk_addr *client, uint32_t stream)
{
	for (size_t i = 0; i < TURN_SERVER_ALLOCATIONS_MAX; i++)
		if (is_live(&s->allocations[i], now) && s->allocations[i].stream == stream &&
		    addr_equal(&s->allocations[i].client, client))
			return &s->allocations[i];
	return NULL;
}

struct turn_server_allocation *turn_server_find(struct turn_server *s, wlk_time now, const wlk_addr *client)
{
	for (size_t i = 0; i < TURN_SERVER_ALLOCATIONS_MAX; i++)
		if (is_live(&s->allocations[i], now) && (!client || addr_ip_equal(&s->allocations[i].client, client)))
			return &s->allocations[i];
	return NULL;
}

size_t turn_server_live(const struct turn_server *s, wlk_time now)
{
	size_t count = 0;

	for (size_t i = 0; i < TURN_SERVER_ALLOCATIONS_MAX; i++)
		count += is_live(&s->allocations[i], now);
	return count;
}

static struct turn_server_allocation *find_relayed(struct turn_server *s, const wlk_addr *relayed)
{
	for (size_t i = 0; i < TURN_SERVER_ALLOCATIONS_MAX; i++)
		if (s->allocations[i].used && addr_equal(&s->allocations[i].relayed, relayed))
			return &s->allocations[i];
	return NULL;
}

static struct turn_server_permission *find_permission(struct turn_server_allocation *a, const wlk_addr *peer)
{
	for (size_t i = 0; i < a->permission_count; i++)
		if (addr_ip_equal(&a->permissions[i].ip, peer))
			return &a->permissions[i];
	return NULL;
}

static void permit(struct turn_server_allocation *a, wlk_time now, const wlk_addr *peer)
{
	struct turn_server_permission *p = find_permission(a, peer);

	if (!p && a->permission_count < TURN_SERVER_PERMISSIONS_MAX) {
		p = &a->permissions[a->permission_count++];
		p->ip = *peer;
	}
	if (p)
		p->expires_at = now + PERMISSION_LIFE_S * SECOND;
}

static bool is_permitted(struct turn_server_allocation *a, wlk_time now, const wlk_addr *peer)
{
	const struct turn_server_permission *p = find_permission(a, peer);

	return p && p->expires_at > now;
}

static void put_mapped(struct exchange *x)
{
	wlk_addr mapped = x->from;

	mapped.transport = WLK_TRANSPORT_UDP;
	stun_put_xor_addr(&x->w, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
}

static void answer_allocated(struct exchange *x, const struct turn_server_allocation *a)
{
	begin(x, STUN_SUCCESS);
	stun_put_xor_addr(&x->w, STUN_ATTR_XOR_RELAYED_ADDRESS, &a->relayed);
	put_mapped(x);
	stun_put_u32(&x->w, STUN_ATTR_LIFETIME, x->s->lifetime_s);
	finish(x);
}

static void on_allocate(struct exchange *x)
{
	struct turn_server *s = x->s;
	struct turn_server_allocation *a = find(s, x->now, &x->from, x->stream);
	bool six = x->msg.requested_address_family == 6;

	if (s->allocate_error) {
		answer_error(x, s->allocate_error, "on demand");
		return;
	}
	if (x->msg.requested_transport != 17 || (six && addr_is_none(&s->relay_ip6))) {
		answer_error(x, x->msg.requested_transport != 17 ? 442 : 440, "");
		return;
	}
	if (a) { /* a repetition whose answer was lost, or a client that forgot */
		answer_allocated(x, a);
		return;
	}
	for (size_t i = 0; i < TURN_SERVER_ALLOCATIONS_MAX && !a; i++)
		if (!is_live(&s->allocations[i], x->now))
			a = &s->allocations[i];
	if (!a) {
		answer_error(x, 508, "Insufficient Capacity");
		return;
	}
	*a = (struct turn_server_allocation){ .used = true, .client = x->from, .stream = x->stream };
	a->username = x->user ? x->user->name : "";
	a->relayed = six ? s->relay_ip6 : s->relay_ip;
	a->relayed.port = s->next_port++;
	a->expires_at = x->now + s->lifetime_s * SECOND;
	answer_allocated(x, a);
}

static void on_refresh(struct exchange *x, struct turn_server_allocation *a)
{
	bool release = x->msg.has_lifetime && !x->msg.lifetime;

	a->expires_at = release ? x->now : x->now + x->s->lifetime_s * SECOND;
	a->used = !release;
	x->s->released += release;
	begin(x, STUN_SUCCESS);
	stun_put_u32(&x->w, STUN_ATTR_LIFETIME, release ? 0 : x->s->lifetime_s);
	finish(x);
}

/* All XOR-PEER-ADDRESS attributes; the parser's view has only the first. */
static size_t read_peers(const struct stun_msg *msg, wlk_addr peers[PEERS_MAX])
{
	struct bytes_reader r = bytes_reader(msg->data + STUN_HEADER_SIZE, msg->size - STUN_HEADER_SIZE);
	size_t count = 0;

	while (r.left >= 4 && count < PEERS_MAX) {
		uint16_t type = bytes_u16(&r);
		size_t size = bytes_u16(&r);
		const uint8_t *value = bytes_take(&r, size);
		uint8_t ip[16];

		bytes_skip(&r, (4 - size % 4) % 4);
		if (!value || type != STUN_ATTR_XOR_PEER_ADDRESS || size < 8)
			continue;
		for (size_t i = 0; i < size - 4; i++)
			ip[i] = value[4 + i] ^ msg->data[4 + i];
		peers[count] = size == 8 ? addr_v4(ip[0], ip[1], ip[2], ip[3], 0) : addr_v6(ip, 0);
		peers[count++].port = (uint16_t)(load_u16(value + 2) ^ 0x2112);
	}
	return count;
}

static void on_create_permission(struct exchange *x, struct turn_server_allocation *a)
{
	wlk_addr peers[PEERS_MAX];
	size_t count = read_peers(&x->msg, peers);

	for (size_t i = 0; i < count; i++) {
		if (addr_ip_equal(&peers[i], &x->s->forbidden)) {
			answer_error(x, 403, "Forbidden");
			return;
		}
		if (peers[i].family != a->relayed.family) {
			answer_error(x, 443, "Peer Address Family Mismatch");
			return;
		}
	}
	for (size_t i = 0; i < count; i++)
		permit(a, x->now, &peers[i]);
	begin(x, count ? STUN_SUCCESS : STUN_ERROR);
	if (!count)
		stun_put_error(&x->w, 400, "");
	finish(x);
}

static void on_channel_bind(struct exchange *x, struct turn_server_allocation *a)
{
	struct turn_server_channel *channel = NULL;

	if (x->s->bind_error) {
		answer_error(x, x->s->bind_error, "on demand");
		return;
	}
	for (size_t i = 0; i < a->channel_count; i++) {
		struct turn_server_channel *c = &a->channels[i];
		bool same_number = c->number == x->msg.channel_number,
		     same_peer = addr_equal(&c->peer, &x->msg.xor_peer);

		if (same_number && same_peer)
			channel = c;
		else if ((same_number || same_peer) && c->expires_at + PERMISSION_LIFE_S * SECOND > x->now) {
			answer_error(x, 400, "Bad Request");
			return;
		}
	}
	if (!channel && a->channel_count < TURN_SERVER_CHANNELS_MAX)
		channel = &a->channels[a->channel_count++];
	if (!channel || x->msg.channel_number < 0x4000 || x->msg.channel_number > 0x4fff || !x->msg.xor_peer.family) {
		answer_error(x, 400, "Bad Request");
		return;
	}
	*channel = (struct turn_server_channel){ x->msg.channel_number, x->msg.xor_peer,
						 x->now + CHANNEL_LIFE_S * SECOND };
	permit(a, x->now, &channel->peer);
	begin(x, STUN_SUCCESS);
	finish(x);
}

static void on_request(struct exchange *x)
{
	struct turn_server_allocation *a;

	x->s->requests[x->msg.method & 15]++;
	if (x->msg.method == STUN_METHOD_BINDING) {
		begin(x, STUN_SUCCESS);
		put_mapped(x);
		finish(x);
		return;
	}
	if (!authenticate(x))
		return;
	if (x->msg.method == STUN_METHOD_ALLOCATE) {
		on_allocate(x);
		return;
	}
	a = find(x->s, x->now, &x->from, x->stream);
	if (!a)
		answer_error(x, 437, "Allocation Mismatch");
	else if (x->user && strcmp(a->username, x->user->name))
		answer_error(x, 441, "Wrong Credentials");
	else if (x->msg.method == STUN_METHOD_REFRESH)
		on_refresh(x, a);
	else if (x->msg.method == STUN_METHOD_CREATE_PERMISSION)
		on_create_permission(x, a);
	else if (x->msg.method == STUN_METHOD_CHANNEL_BIND)
		on_channel_bind(x, a);
}

/* ------------------------------------------------------------------------------------------------- relaying */

static void to_peer(struct turn_server *s, wlk_time now, struct turn_server_allocation *a, const wlk_addr *peer,
		    wlk_bytes data)
{
	if (!is_permitted(a, now, peer)) {
		s->refused_data++;
		return;
	}
	a->relayed_to_peers++;
	put(s, &a->relayed, peer, 0, data.data, data.size);
}

static void from_channel(struct turn_server *s, wlk_time now, struct turn_server_allocation *a, const uint8_t *data,
			 size_t size)
{
	size_t length = size >= 4 ? load_u16(data + 2) : SIZE_MAX;

	if (length > size - 4)
		return;
	for (size_t i = 0; i < a->channel_count; i++)
		if (a->channels[i].number == load_u16(data) && a->channels[i].expires_at > now) {
			to_peer(s, now, a, &a->channels[i].peer, (wlk_bytes){ data + 4, length });
			return;
		}
	s->refused_data++;
}

static void to_client(struct turn_server *s, wlk_time now, struct turn_server_allocation *a, const wlk_addr *peer,
		      const uint8_t *data, size_t size)
{
	static const uint8_t id[STUN_TXID_SIZE] = "data to you";
	uint8_t buf[MESSAGE_MAX];
	struct stun_writer w;
	size_t padded = size + (a->stream ? (4 - size % 4) % 4 : 0);

	if (!is_permitted(a, now, peer) || size > 2048) {
		s->refused_data++;
		return;
	}
	a->relayed_to_client++;
	for (size_t i = 0; i < a->channel_count; i++) {
		if (a->channels[i].expires_at <= now || !addr_equal(&a->channels[i].peer, peer))
			continue;
		memset(buf, 0, sizeof(buf));
		store_u16(buf, a->channels[i].number);
		store_u16(buf + 2, (uint16_t)size);
		if (size)
			memcpy(buf + 4, data, size);
		put(s, &s->addr, &a->client, a->stream, buf, 4 + padded);
		return;
	}
	stun_writer_init(&w, buf, sizeof(buf), STUN_INDICATION, STUN_METHOD_DATA, id);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	stun_put_bytes(&w, STUN_ATTR_DATA, data, size);
	if (!stun_writer_finish(&w, NULL, false, &size))
		put(s, &s->addr, &a->client, a->stream, buf, size);
}

bool turn_server_owns(const struct turn_server *s, const wlk_addr *to)
{
	if (addr_equal(to, &s->addr))
		return true;
	return addr_ip_equal(to, &s->relay_ip) || (!addr_is_none(&s->relay_ip6) && addr_ip_equal(to, &s->relay_ip6));
}

static void from_client(struct turn_server *s, wlk_time now, const wlk_addr *from, uint32_t stream, const uint8_t *data,
			size_t size)
{
	struct exchange x = { .s = s, .now = now, .from = *from, .stream = stream };
	struct turn_server_allocation *a = find(s, now, from, stream);

	if (size && data[0] >> 6 == 1) {
		if (a)
			from_channel(s, now, a, data, size);
		return;
	}
	if (stun_msg_parse(&x.msg, data, size))
		return;
	if (x.msg.class == STUN_REQUEST) {
		on_request(&x);
		crypto_hmac_destroy(x.hmac);
	} else if (x.msg.class == STUN_INDICATION && x.msg.method == STUN_METHOD_SEND && a) {
		a->by_send++;
		to_peer(s, now, a, &x.msg.xor_peer, x.msg.payload);
	}
}

void turn_server_input(struct turn_server *s, wlk_time now, const wlk_addr *from, const wlk_addr *to, uint32_t stream,
		       const uint8_t *data, size_t size)
{
	struct turn_server_allocation *a = stream ? NULL : find_relayed(s, to);

	if (s->dead)
		return;
	if (a && is_live(a, now))
		to_client(s, now, a, from, data, size);
	else if (stream || addr_equal(to, &s->addr))
		from_client(s, now, from, stream, data, size);
}

bool turn_server_poll_transmit(struct turn_server *s, struct dgram *out)
{
	return dgram_queue_pop(&s->out, out);
}
