#include "core/pktbuf.h"

#include <string.h>

#include "core/alloc.h"

struct pktbuf_pool {
	struct pktbuf *spare; /* standard-sized blocks */
	struct pktbuf *spare_views;
	struct pktbuf *spare_slabs;
	size_t spare_count;
	size_t spare_view_count;
	size_t spare_slab_count;
	size_t max_spare;
	size_t in_use;
};

enum {
	STANDARD_BLOCK = PKTBUF_HEADROOM + PKTBUF_PAYLOAD + PKTBUF_TAILROOM,
	SLAB_BLOCK = PKTBUF_HEADROOM + PKTBUF_SLAB + PKTBUF_TAILROOM,
	SPARE_SLABS_MAX = 32
};

struct pktbuf_pool *pktbuf_pool_create(size_t max_spare)
{
	struct pktbuf_pool *pool = wlk_calloc(1, sizeof(*pool));

	if (pool)
		pool->max_spare = max_spare;
	return pool;
}

static void free_chain(struct pktbuf *buf)
{
	while (buf) {
		struct pktbuf *next = buf->next;

		wlk_free(buf);
		buf = next;
	}
}

void pktbuf_pool_destroy(struct pktbuf_pool *pool)
{
	if (!pool)
		return;
	assert(pool->in_use == 0 && "every packet buffer is back before its pool goes");
	free_chain(pool->spare);
	free_chain(pool->spare_views);
	free_chain(pool->spare_slabs);
	wlk_free(pool);
}

size_t pktbuf_pool_in_use(const struct pktbuf_pool *pool)
{
	return pool->in_use;
}

static uint8_t *block_of(struct pktbuf *buf)
{
	return (uint8_t *)(buf + 1);
}

static struct pktbuf *take_spare(struct pktbuf **list, size_t *count)
{
	struct pktbuf *buf = *list;

	if (buf) {
		*list = buf->next;
		--*count;
	}
	return buf;
}

struct pktbuf *pktbuf_alloc(struct pktbuf_pool *pool, size_t payload)
{
	size_t block = payload <= PKTBUF_PAYLOAD ? STANDARD_BLOCK : PKTBUF_HEADROOM + payload + PKTBUF_TAILROOM;
	struct pktbuf *buf = NULL;

	if (payload > SIZE_MAX / 2)
		return NULL;
	if (pool && block == STANDARD_BLOCK)
		buf = take_spare(&pool->spare, &pool->spare_count);
	else if (pool && block == SLAB_BLOCK)
		buf = take_spare(&pool->spare_slabs, &pool->spare_slab_count);
	if (!buf)
		buf = wlk_malloc(sizeof(*buf) + block);
	if (!buf)
		return NULL;
	*buf = (struct pktbuf){ .refs = 1, .pool = pool };
	buf->room = block_of(buf);
	buf->room_end = buf->room + block;
	buf->data = buf->room + PKTBUF_HEADROOM;
	if (pool)
		pool->in_use++;
	return buf;
}

struct pktbuf *pktbuf_copy(struct pktbuf_pool *pool, const void *data, size_t size)
{
	struct pktbuf *buf = pktbuf_alloc(pool, size);

	if (!buf)
		return NULL;
	if (size)
		memcpy(buf->data, data, size);
	buf->size = size;
	return buf;
}

struct pktbuf *pktbuf_slice(struct pktbuf *slab, size_t offset, size_t size)
{
	struct pktbuf_pool *pool = slab->pool;
	struct pktbuf *buf = NULL;

	assert(!slab->slab && "a slice is cut from a block, not from a slice");
	assert(offset <= slab->size && size <= slab->size - offset && "a slice lies inside its block");
	if (pool)
		buf = take_spare(&pool->spare_views, &pool->spare_view_count);
	if (!buf)
		buf = wlk_malloc(sizeof(*buf));
	if (!buf)
		return NULL;
	*buf = (struct pktbuf){ .refs = 1, .pool = pool, .slab = pktbuf_ref(slab) };
	buf->data = slab->data + offset;
	buf->size = size;
	buf->room = buf->data;
	buf->room_end = buf->data + size;
	if (pool)
		pool->in_use++;
	return buf;
}

static void recycle(struct pktbuf *buf, struct pktbuf **list, size_t *count, size_t limit)
{
	if (*count >= limit) {
		wlk_free(buf);
		return;
	}
	buf->next = *list;
	*list = buf;
	++*count;
}

void pktbuf_release(struct pktbuf *buf)
{
	struct pktbuf_pool *pool;
	struct pktbuf *slab;
	size_t block;

	if (!buf)
		return;
	assert(buf->refs > 0 && "a packet buffer is released once per reference");
	if (--buf->refs)
		return;
	pool = buf->pool;
	slab = buf->slab;
	block = (size_t)(buf->room_end - buf->room);
	if (pool)
		pool->in_use--;
	if (pool && slab)
		recycle(buf, &pool->spare_views, &pool->spare_view_count, pool->max_spare);
	else if (pool && block == STANDARD_BLOCK)
		recycle(buf, &pool->spare, &pool->spare_count, pool->max_spare);
	else if (pool && block == SLAB_BLOCK)
		recycle(buf, &pool->spare_slabs, &pool->spare_slab_count,
			MIN(pool->max_spare, (size_t)SPARE_SLABS_MAX));
	else
		wlk_free(buf);
	pktbuf_release(slab);
}
