/* Outstanding STUN transactions of an agent: ids, retransmission timers (RFC 8489 6.2.1), the bytes to send again. */
#ifndef ICE_STUN_TXN_H
#define ICE_STUN_TXN_H

#include "core/err.h"
#include "core/time.h"
#include "ice/stun_msg.h"

enum {
	STUN_TXN_LIMIT = 256,         /* outstanding at a time */
	STUN_TXN_RETRANSMIT_MAX = 7,  /* R8 */
	STUN_TXN_RTO_MAX_US = 500000, /* set-up over a lossy path is worth a small packet every half second */
	STUN_TXN_LINGER_US = 2000000,
};

enum stun_txn_kind {
	TXN_GATHER,  /* owner: a gather job */
	TXN_CHECK,   /* owner: a pair; also nominates */
	TXN_CONSENT, /* owner: a pair; sent once */
	TXN_MTU,     /* owner: a pair; of full size */
};

/* The caller fills what is above the line before stun_txn_add(); the rest belongs to this file. */
struct stun_txn {
	enum stun_txn_kind kind;
	uint8_t id[STUN_TXID_SIZE];
	void *owner;
	wlk_addr local;
	wlk_addr remote;
	uint32_t generation; /* of the credentials in the message */
	uint32_t priority;   /* PRIORITY of the message: of a peer-reflexive candidate that the answer may reveal */
	bool controlling;    /* the role in the message: tells a stale 487 (RFC 8445 7.2.5.1) */
	bool use_candidate;
	wlk_time rto;       /* first retransmission interval; doubles up to STUN_TXN_RTO_MAX_US */
	uint32_t sends_max; /* transmissions in all; after the last one the transaction waits another interval */
	/* ------------------------------------------------------------------------------------------------------ */
	uint32_t sends;
	wlk_time first_sent;
	wlk_time last_sent;
	wlk_time next_at;
	size_t msg_size;
	uint8_t *msg;
};

struct stun_txn_table {
	struct stun_txn **items;
	size_t count;
	size_t capacity;
};

void stun_txn_table_init(struct stun_txn_table *t);
void stun_txn_table_free(struct stun_txn_table *t);

/*
 * Add a copy of |txn| with a copy of its message; the first transmission counts as done at |now|.
 * NULL: no memory, or STUN_TXN_LIMIT are outstanding.
 */
struct stun_txn *stun_txn_add(struct stun_txn_table *t, const struct stun_txn *txn, wlk_time now, const uint8_t *msg,
			      size_t size);
/* The transaction with that id (STUN_TXID_SIZE bytes) or NULL. */
struct stun_txn *stun_txn_find(const struct stun_txn_table *t, const uint8_t *id);
/* The first one of |owner| and |kind|, or NULL. */
struct stun_txn *stun_txn_find_owner(const struct stun_txn_table *t, const void *owner, enum stun_txn_kind kind);
void stun_txn_remove(struct stun_txn_table *t, struct stun_txn *txn);
void stun_txn_remove_owner(struct stun_txn_table *t, const void *owner);
void stun_txn_remove_kind(struct stun_txn_table *t, const void *owner, enum stun_txn_kind kind);

enum stun_txn_due { TXN_NOT_DUE, TXN_RESEND, TXN_TIMED_OUT };
/* What |txn| needs at |now|; TXN_RESEND has moved its timer already. */
enum stun_txn_due stun_txn_poll(struct stun_txn *txn, wlk_time now);
/* The first timer, or WLK_TIME_NEVER. */
wlk_time stun_txn_deadline(const struct stun_txn_table *t);

/* No more transmissions, but an answer is accepted for STUN_TXN_LINGER_US after the last one (RFC 8445 7.3.1.4). */
void stun_txn_cancel(struct stun_txn *txn);

#endif
