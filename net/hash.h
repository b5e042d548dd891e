/* A hash table of intrusive nodes: whoever embeds them makes the hash and decides what is equal. */
#ifndef NET_HASH_H
#define NET_HASH_H

#include "core/err.h"

/* Zero-initialised: in no table. */
struct hash_node {
	struct hash_node *next;
	uint32_t hash;
	bool in;
};

struct hash {
	struct hash_node **buckets;
	size_t size; /* of |buckets|: a power of two */
	size_t count;
};

/* WLK_ERR_NOMEM. */
wlk_err hash_init(struct hash *h);
/* The nodes are their owners'. Also for a table that hash_init() could not make, if it is all zero. */
void hash_free(struct hash *h);

/* Grows when it is full; without memory for that the chains grow instead, so that inserting cannot fail. */
void hash_insert(struct hash *h, struct hash_node *node, uint32_t hash);
/* Removing a node that is in no table does nothing. */
void hash_remove(struct hash *h, struct hash_node *node);
/* The nodes with this hash one after the other, or NULL. */
struct hash_node *hash_first(const struct hash *h, uint32_t hash);
struct hash_node *hash_next(const struct hash_node *node);

/*
 * A hash of |size| bytes going on from |seed|. With a secret random seed in front nobody outside can choose bytes that
 * fall together.
 */
uint64_t hash_bytes(uint64_t seed, const void *data, size_t size);
/* What hash_bytes() answered, for a table. */
static inline uint32_t hash_finish(uint64_t h)
{
	return (uint32_t)(h ^ h >> 32);
}

#endif
