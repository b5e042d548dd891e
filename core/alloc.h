/* The one door to the heap: hooks for the caller's allocator, counting and failure injection for tests. */
#ifndef CORE_ALLOC_H
#define CORE_ALLOC_H

#include <wirelark/types.h>

/* All four may return NULL or be given NULL as libc's do. Sizes are bytes. */
void *wlk_malloc(size_t size);
void *wlk_calloc(size_t count, size_t size);
void *wlk_realloc(void *ptr, size_t size);
void wlk_free(void *ptr);

/* A heap copy of |size| bytes with a NUL behind them; NULL when memory is out. */
char *wlk_strndup(const char *text, size_t size);
char *wlk_strdup(const char *text);

/*
 * Grow an array so that at least |need| items fit; doubles, starts at 8.
 * On failure answers false and leaves the array as it was.
 */
bool array_reserve(void **items, size_t *capacity, size_t need, size_t item_size);

struct alloc_hooks {
	void *(*alloc)(size_t size, void *user);
	void *(*resize)(void *ptr, size_t size, void *user);
	void (*release)(void *ptr, void *user);
	void *user;
};

/* Replace the allocator; NULL restores libc's. Only while nothing is allocated. */
void alloc_set_hooks(const struct alloc_hooks *hooks);

/* For tests: blocks alive now (all threads), and make the n-th next allocation fail (0: never). */
size_t alloc_live_blocks(void);
void alloc_fail_after(size_t n);
/* True once the injected failure happened; cleared by alloc_fail_after(). */
bool alloc_did_fail(void);

#endif
