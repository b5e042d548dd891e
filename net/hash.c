#include "net/hash.h"

#include <string.h>

#include "core/alloc.h"

enum { SIZE_FIRST = 64 };

wlk_err hash_init(struct hash *h)
{
	*h = (struct hash){ .buckets = wlk_calloc(SIZE_FIRST, sizeof(*h->buckets)), .size = SIZE_FIRST };
	return h->buckets ? WLK_OK : WLK_ERR_NOMEM;
}

void hash_free(struct hash *h)
{
	wlk_free(h->buckets);
	*h = (struct hash){ 0 };
}

static struct hash_node **bucket_of(const struct hash *h, uint32_t hash)
{
	return &h->buckets[hash & (h->size - 1)];
}

static void grow(struct hash *h)
{
	struct hash larger = { .size = 2 * h->size, .count = h->count };

	larger.buckets = wlk_calloc(larger.size, sizeof(*larger.buckets));
	if (!larger.buckets)
		return;
	for (size_t i = 0; i < h->size; i++) {
		struct hash_node *node = h->buckets[i];

		while (node) {
			struct hash_node *next = node->next;
			struct hash_node **place = bucket_of(&larger, node->hash);

			node->next = *place;
			*place = node;
			node = next;
		}
	}
	wlk_free(h->buckets);
	*h = larger;
}

void hash_insert(struct hash *h, struct hash_node *node, uint32_t hash)
{
	struct hash_node **place;

	assert(!node->in && "a node is in one table, once");
	if (h->count >= h->size)
		grow(h);
	place = bucket_of(h, hash);
	*node = (struct hash_node){ .next = *place, .hash = hash, .in = true };
	*place = node;
	h->count++;
}

void hash_remove(struct hash *h, struct hash_node *node)
{
	struct hash_node **place;

	if (!node->in)
		return;
	place = bucket_of(h, node->hash);
	while (*place != node)
		place = &(*place)->next;
	*place = node->next;
	*node = (struct hash_node){ 0 };
	h->count--;
}

/* |node| or the next one behind it that has this hash. */
static struct hash_node *skip(struct hash_node *node, uint32_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct hash_node *hash_first(const struct hash *h, uint32_t hash)
{
	return skip(*bucket_of(h, hash), hash);
}

struct hash_node *hash_next(const struct hash_node *node)
{
	return skip(node->next, node->hash);
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

/*
 * SipHash-1-3 (Aumasson, Bernstein) with the size as a word of its own. Multiplying alone would not do: a difference in the
 * top bits passes it unchanged under every seed.
 */
uint64_t hash_bytes(uint64_t seed, const void *data, size_t size)
{
	uint64_t second = seed * 0x9e3779b97f4a7c15u;
	uint64_t v[4] = { seed ^ 0x736f6d6570736575u, second ^ 0x646f72616e646f6du, seed ^ 0x6c7967656e657261u,
			  second ^ 0x7465646279746573u };
	const uint8_t *at = data;

	sip_word(v, size);
	while (size) {
		size_t n = MIN(size, sizeof(uint64_t));
		uint64_t word = 0;

		memcpy(&word, at, n);
		sip_word(v, word);
		at += n;
		size -= n;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
