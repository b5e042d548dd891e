/* Whose datagram is this? Tells apart the peers that share one UDP socket, by address, ufrag and transaction. */
#ifndef NET_MUX_H
#define NET_MUX_H

#include "core/log.h"
#include "net/hash.h"
#include "net/stun_peek.h"
#include "peer/peer.h"

/*
 * A datagram that arrives at a shared socket belongs
 *  - being a STUN request: to the peer whose ufrag its USERNAME names;
 *  - being a STUN response: to the peer whose request with that transaction id left through a shared socket, so that many
 *    peers may use one STUN server;
 *  - else to the peer that has the path from which it came.
 *
 * A path is a local and a remote address. It enters the table when a peer says that it knows it from authentic messages
 * (peer_path_state()), and only then (R2): what a stranger sends finds a peer or is dropped, at the cost of a look-up. A
 * remote address that changes (NAT rebinding) is known again once the peer has checked it.
 *
 * Two sessions cannot have the same path: DTLS and RTP name no session. The second one's checks are dropped while the first
 * one's are answered, so it fails, or finds another path.
 */
enum {
	MUX_UFRAG_MAX = 32,             /* characters; ours are 8 */
	MUX_UFRAGS = 32,                /* of one peer: one of each transport, and a second one during a restart */
	MUX_PATHS_MAX = 32,             /* of one ufrag of a peer */
	MUX_TXN_WAYS = 4,               /* places for a transaction */
	MUX_TXN_SETS = 4096,            /* times so many */
	MUX_TXN_AGE_MS = 10000          /* how long an answer is waited for */
};

struct mux_user;

struct mux_ufrag {
	struct hash_node node;
	struct mux_user *user;
	size_t size; /* 0: none */
	char at[MUX_UFRAG_MAX];
};

/* Embedded in the driver's record of a peer. Zero-initialised: not a user. */
struct mux_user {
	struct wlk_peer_connection *pc;
	uint32_t id; /* never used twice; 0: not a user */
	struct hash_node node;
	struct mux_ufrag ufrags[MUX_UFRAGS];
	size_t ufrag_count;
	struct list paths;
	size_t path_count;
};

struct mux_stats {
	uint64_t unknown_address;     /* dropped: no STUN, and from no known path */
	uint64_t unknown_ufrag;       /* dropped: a request for nobody */
	uint64_t unknown_transaction; /* dropped: an answer to nobody's request */
	uint64_t conflicts;           /* dropped: a check on a path that is another session's */
	uint64_t over_cap;            /* paths not taken in: too many of one peer */
};

/* A request that is on its way. */
struct mux_txn {
	uint8_t id[STUN_TXID_SIZE];
	uint32_t user; /* id; 0: none */
	uint32_t sent_ms;
};

struct mux {
	struct log_scope log;
	struct log_budget log_budget;
	uint64_t seed;
	uint32_t next_id;
	struct hash users;
	struct hash ufrags;
	struct hash paths;
	struct mux_txn *txns; /* MUX_TXN_SETS times MUX_TXN_WAYS */
	struct mux_stats stats;
};

/* WLK_ERR_NOMEM, WLK_ERR_CRYPTO. */
wlk_err mux_create(struct mux **out);
/* When its users are gone. destroy(NULL) does nothing. */
void mux_destroy(struct mux *m);

/* From now on datagrams may find |pc|. A user already: nothing happens. */
void mux_join(struct mux *m, struct mux_user *u, struct wlk_peer_connection *pc);
/* Forget all of it; nothing leads to |u| any more (R39). Not a user: nothing happens. */
void mux_leave(struct mux *m, struct mux_user *u);
/* Take in the ufrags that the peer has now; cheap when they are the same. Not a user: nothing happens. */
void mux_update_ufrags(struct mux *m, struct mux_user *u);
/* The peer has left the socket bound to |local|. */
void mux_forget_local(struct mux *m, struct mux_user *u, const wlk_addr *local);

/* Whose is |d|? NULL: nobody's; it is counted and to be dropped. */
struct mux_user *mux_find(struct mux *m, wlk_time now, const struct dgram *d);
/* |u| was given a STUN message that came along that path, and may know the path from now on. */
void mux_learn(struct mux *m, wlk_time now, struct mux_user *u, const wlk_addr *local, const wlk_addr *remote);
/* |u| sends these bytes through a shared socket: if they are a STUN request, its answer will find |u|. */
void mux_on_sent(struct mux *m, wlk_time now, const struct mux_user *u, const uint8_t *data, size_t size);
/* The user whose current ufrag this is, or NULL. */
struct mux_user *mux_find_ufrag(const struct mux *m, struct str ufrag);

#endif
