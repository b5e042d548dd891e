/* A binary min-heap of deadlines, intrusive: a loop asks it which of its peers is due first. */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include "core/err.h"

struct heap_node {
	wlk_time key;
	size_t index; /* place in the heap + 1; 0: not in it */
};

struct heap {
	struct heap_node **nodes;
	size_t count;
	size_t capacity;
};

void heap_init(struct heap *h);
void heap_free(struct heap *h);
/* Make room for one more node ahead of time, so that heap_set() cannot fail. */
wlk_err heap_reserve(struct heap *h, size_t count);
/* Insert or move; WLK_TIME_NEVER takes the node out. Needs room from heap_reserve() (asserted). */
void heap_set(struct heap *h, struct heap_node *node, wlk_time key);
void heap_remove(struct heap *h, struct heap_node *node);
/* The earliest node or NULL. */
struct heap_node *heap_first(const struct heap *h);

#endif
