#include "core/heap.h"

#include "core/alloc.h"

void heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void heap_free(struct heap *h)
{
	for (size_t i = 0; i < h->count; i++)
		h->nodes[i]->index = 0;
	wlk_free(h->nodes);
	heap_init(h);
}

wlk_err heap_reserve(struct heap *h, size_t count)
{
	return array_reserve((void **)&h->nodes, &h->capacity, count, sizeof(h->nodes[0])) ? WLK_OK : WLK_ERR_NOMEM;
}

static void place(struct heap *h, size_t at, struct heap_node *node)
{
	h->nodes[at] = node;
	node->index = at + 1;
}

static void sift_up(struct heap *h, size_t at)
{
	struct heap_node *node = h->nodes[at];

	while (at && h->nodes[(at - 1) / 2]->key > node->key) {
		place(h, at, h->nodes[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(h, at, node);
}

static void sift_down(struct heap *h, size_t at)
{
	struct heap_node *node = h->nodes[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= h->count)
			break;
		if (child + 1 < h->count && h->nodes[child + 1]->key < h->nodes[child]->key)
			child++;
		if (h->nodes[child]->key >= node->key)
			break;
		place(h, at, h->nodes[child]);
		at = child;
	}
	place(h, at, node);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	size_t at = node->index - 1;
	struct heap_node *last;

	if (!node->index)
		return;
	node->index = 0;
	last = h->nodes[--h->count];
	if (last == node)
		return;
	place(h, at, last);
	sift_up(h, at);
	sift_down(h, last->index - 1);
}

void heap_set(struct heap *h, struct heap_node *node, wlk_time key)
{
	if (key == WLK_TIME_NEVER) {
		heap_remove(h, node);
		return;
	}
	node->key = key;
	if (!node->index) {
		assert(h->count < h->capacity && "heap_reserve() made room before");
		place(h, h->count++, node);
	}
	sift_up(h, node->index - 1);
	sift_down(h, node->index - 1);
}

struct heap_node *heap_first(const struct heap *h)
{
	return h->count ? h->nodes[0] : NULL;
}
