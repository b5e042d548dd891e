#include "net/mux.h"

#include <stddef.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/rand.h"
#include "core/time.h"

/* A path of a user. */
struct mux_path {
	struct hash_node node;
	struct list link; /* in mux_user.paths, oldest first */
	struct mux_user *user;
	wlk_addr local;
	wlk_addr remote;
};

wlk_err mux_create(struct mux **out)
{
	wlk_err err = WLK_ERR_NOMEM;
	struct mux *m = wlk_calloc(1, sizeof(*m));

	if (!m)
		return err;
	log_scope_init(&m->log, NULL, "net");
	m->txns = wlk_calloc((size_t)MUX_TXN_SETS * MUX_TXN_WAYS, sizeof(*m->txns));
	if (m->txns)
		err = hash_init(&m->users);
	if (!err)
		err = hash_init(&m->ufrags);
	if (!err)
		err = hash_init(&m->paths);
	if (!err)
		err = rand_u64(&m->seed);
	if (err) {
		mux_destroy(m);
		return err;
	}
	*out = m;
	return WLK_OK;
}

void mux_destroy(struct mux *m)
{
	if (!m)
		return;
	assert(!m->users.count && !m->ufrags.count && !m->paths.count && "the users go first");
	hash_free(&m->users);
	hash_free(&m->ufrags);
	hash_free(&m->paths);
	wlk_free(m->txns);
	wlk_free(m);
}

/* ---- users and ufrags ---- */

static uint32_t id_hash(const struct mux *m, uint32_t id)
{
	return hash_finish(hash_bytes(m->seed, &id, sizeof(id)));
}

static struct mux_user *find_user(const struct mux *m, uint32_t id)
{
	for (struct hash_node *node = hash_first(&m->users, id_hash(m, id)); node; node = hash_next(node)) {
		struct mux_user *u = CONTAINER_OF(node, struct mux_user, node);

		if (u->id == id)
			return u;
	}
	return NULL;
}

static uint32_t ufrag_hash(const struct mux *m, struct str ufrag)
{
	return hash_finish(hash_bytes(m->seed, ufrag.at, ufrag.size));
}

struct mux_user *mux_find_ufrag(const struct mux *m, struct str ufrag)
{
	if (!ufrag.size || ufrag.size > MUX_UFRAG_MAX)
		return NULL;
	for (struct hash_node *node = hash_first(&m->ufrags, ufrag_hash(m, ufrag)); node; node = hash_next(node)) {
		const struct mux_ufrag *it = CONTAINER_OF(node, struct mux_ufrag, node);

		if (it->size == ufrag.size && !memcmp(it->at, ufrag.at, ufrag.size))
			return it->user;
	}
	return NULL;
}

static void set_ufrag(struct mux *m, struct mux_user *u, struct mux_ufrag *place, struct str ufrag)
{
	if (place->size == ufrag.size && !memcmp(place->at, ufrag.at, ufrag.size))
		return;
	hash_remove(&m->ufrags, &place->node);
	place->user = u;
	place->size = ufrag.size;
	if (!ufrag.size)
		return;
	memcpy(place->at, ufrag.at, ufrag.size);
	hash_insert(&m->ufrags, &place->node, ufrag_hash(m, ufrag));
}

void mux_update_ufrags(struct mux *m, struct mux_user *u)
{
	struct str now[MUX_UFRAGS];
	size_t count;

	if (!u->id)
		return;
	count = peer_local_ufrags(u->pc, now, MUX_UFRAGS);
	u->ufrag_count = count;
	for (size_t i = 0; i < MUX_UFRAGS; i++) {
		if (i >= count)
			now[i] = (struct str){ "", 0 };
		assert(now[i].size <= MUX_UFRAG_MAX && "our own ufrags are short");
		set_ufrag(m, u, &u->ufrags[i], now[i]);
	}
}

void mux_join(struct mux *m, struct mux_user *u, struct wlk_peer_connection *pc)
{
	if (u->id)
		return;
	*u = (struct mux_user){ .pc = pc, .id = ++m->next_id };
	list_init(&u->paths);
	hash_insert(&m->users, &u->node, id_hash(m, u->id));
	mux_update_ufrags(m, u);
}

static void free_path(struct mux *m, struct mux_path *path)
{
	hash_remove(&m->paths, &path->node);
	list_remove(&path->link);
	path->user->path_count--;
	wlk_free(path);
}

void mux_leave(struct mux *m, struct mux_user *u)
{
	if (!u->id)
		return;
	while (!list_empty(&u->paths))
		free_path(m, list_entry(u->paths.next, struct mux_path, link));
	for (size_t i = 0; i < MUX_UFRAGS; i++)
		hash_remove(&m->ufrags, &u->ufrags[i].node);
	hash_remove(&m->users, &u->node);
	*u = (struct mux_user){ 0 };
}

void mux_forget_local(struct mux *m, struct mux_user *u, const wlk_addr *local)
{
	if (!u->id)
		return;
	list_for_each_safe (link, &u->paths)
		if (addr_equal(&list_entry(link, struct mux_path, link)->local, local))
			free_path(m, list_entry(link, struct mux_path, link));
}

/* ---- paths ---- */

static uint32_t path_hash(const struct mux *m, const wlk_addr *local, const wlk_addr *remote)
{
	uint64_t h = hash_bytes(m->seed ^ remote->port, remote->ip, addr_ip_size(remote));

	return hash_finish(hash_bytes(h, local->ip, addr_ip_size(local)));
}

static struct mux_path *find_path(const struct mux *m, const wlk_addr *local, const wlk_addr *remote)
{
	for (struct hash_node *node = hash_first(&m->paths, path_hash(m, local, remote)); node; node = hash_next(node)) {
		struct mux_path *path = CONTAINER_OF(node, struct mux_path, node);

		if (addr_equal(&path->remote, remote) && addr_equal(&path->local, local))
			return path;
	}
	return NULL;
}

static enum peer_path state_of(const struct mux_path *path, wlk_time now)
{
	return peer_path_state(path->user->pc, now, &path->local, &path->remote);
}

/* Room for one path more: what the peer itself has forgotten goes, then the oldest that never became valid. */
static bool make_room(struct mux *m, wlk_time now, struct mux_user *u)
{
	const size_t limit = MUX_PATHS_MAX * MAX(u->ufrag_count, (size_t)1);
	struct mux_path *victim = NULL;

	if (u->path_count < limit)
		return true;
	list_for_each_safe (link, &u->paths) {
		struct mux_path *path = list_entry(link, struct mux_path, link);
		enum peer_path state = state_of(path, now);

		if (state == PEER_PATH_UNKNOWN)
			free_path(m, path);
		else if (state == PEER_PATH_HEARD && !victim)
			victim = path;
	}
	if (u->path_count >= limit && victim)
		free_path(m, victim);
	return u->path_count < limit;
}

static void add_path(struct mux *m, wlk_time now, struct mux_user *u, const wlk_addr *local, const wlk_addr *remote)
{
	struct mux_path *path = make_room(m, now, u) ? wlk_calloc(1, sizeof(*path)) : NULL;

	if (!path) {
		m->stats.over_cap++; /* the next STUN message along it tries again */
		return;
	}
	path->user = u;
	path->local = *local;
	path->remote = *remote;
	list_push_back(&u->paths, &path->link);
	u->path_count++;
	hash_insert(&m->paths, &path->node, path_hash(m, local, remote));
}

void mux_learn(struct mux *m, wlk_time now, struct mux_user *u, const wlk_addr *local, const wlk_addr *remote)
{
	struct mux_path *path = find_path(m, local, remote);
	enum peer_path state;

	if (!u->id || (path && path->user == u))
		return;
	state = peer_path_state(u->pc, now, local, remote);
	if (state == PEER_PATH_UNKNOWN)
		return;
	/* Whoever knows it better has it: a request alone, whose source may be forged, takes no path from anybody. */
	if (path && state_of(path, now) >= state)
		return;
	if (path)
		free_path(m, path);
	add_path(m, now, u, local, remote);
}

/* ---- transactions ---- */

static struct mux_txn *txn_set(const struct mux *m, const uint8_t *id)
{
	uint32_t hash;

	memcpy(&hash, id, sizeof(hash)); /* our own transaction ids are random */
	return &m->txns[(size_t)(hash % MUX_TXN_SETS) * MUX_TXN_WAYS];
}

static uint32_t ms_of(wlk_time now)
{
	return (uint32_t)(now / MILLISECOND);
}

void mux_on_sent(struct mux *m, wlk_time now, const struct mux_user *u, const uint8_t *data, size_t size)
{
	struct mux_txn *set, *place;
	struct stun_peek stun;

	if (!u->id || !stun_peek(&stun, data, size) || stun.class != STUN_REQUEST)
		return;
	set = place = txn_set(m, stun.txid);
	for (size_t i = 0; i < MUX_TXN_WAYS; i++) {
		if (!memcmp(set[i].id, stun.txid, STUN_TXID_SIZE)) {
			place = &set[i];
			break;
		}
		if (!set[i].user || (place->user && (int32_t)(set[i].sent_ms - place->sent_ms) < 0))
			place = &set[i];
	}
	memcpy(place->id, stun.txid, STUN_TXID_SIZE);
	place->user = u->id;
	place->sent_ms = ms_of(now);
}

static struct mux_user *find_txn(const struct mux *m, wlk_time now, const uint8_t *id)
{
	const struct mux_txn *set = txn_set(m, id);

	for (size_t i = 0; i < MUX_TXN_WAYS; i++)
		if (set[i].user && !memcmp(set[i].id, id, STUN_TXID_SIZE))
			return ms_of(now) - set[i].sent_ms <= MUX_TXN_AGE_MS ? find_user(m, set[i].user) : NULL;
	return NULL;
}

/* ---- the way of a datagram ---- */

static struct mux_user *drop(struct mux *m, wlk_time now, const struct dgram *d, uint64_t *counter, const char *why)
{
	char text[WLK_ADDR_TEXT_MAX];

	(*counter)++;
	LOG_RATED(m, &m->log_budget, now, LOG_LEVEL_DEBUG, "dropped %zu bytes from %s at the shared port: %s", d->buf->size,
		  addr_text(&d->remote, text), why);
	return NULL;
}

static struct mux_user *find_stun(struct mux *m, wlk_time now, const struct dgram *d, const struct stun_peek *stun,
				  const struct mux_path *path)
{
	struct mux_user *u = NULL;

	switch (stun->class) {
	case STUN_REQUEST:
		u = mux_find_ufrag(m, stun->ufrag);
		return u ? u : drop(m, now, d, &m->stats.unknown_ufrag, "no session has that ufrag");
	case STUN_SUCCESS:
	case STUN_ERROR:
		u = find_txn(m, now, stun->txid);
		if (!u && !path)
			return drop(m, now, d, &m->stats.unknown_transaction, "nobody asked");
		break;
	case STUN_INDICATION:
		if (!path)
			return drop(m, now, d, &m->stats.unknown_address, "no session has that path");
		break;
	}
	return u ? u : path->user;
}

struct mux_user *mux_find(struct mux *m, wlk_time now, const struct dgram *d)
{
	const struct mux_path *path = find_path(m, &d->local, &d->remote);
	struct mux_user *u;
	struct stun_peek stun;

	if (!stun_peek(&stun, d->buf->data, d->buf->size))
		return path ? path->user : drop(m, now, d, &m->stats.unknown_address, "no session has that path");
	u = find_stun(m, now, d, &stun, path);
	if (!u || !path || path->user == u || state_of(path, now) < PEER_PATH_VALID)
		return u;
	return drop(m, now, d, &m->stats.conflicts, "another session has that path");
}
