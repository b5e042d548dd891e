#include "core/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct alloc_hooks hooks;
static bool have_hooks;
static atomic_size_t live_blocks;
static atomic_size_t fail_countdown;
static atomic_bool failed_once;

/* One step of the countdown; true when this very allocation is to fail. */
static bool injected_failure(void)
{
	size_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);

	while (left) {
		if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1)) {
			if (left > 1)
				return false;
			atomic_store(&failed_once, true);
			return true;
		}
	}
	return false;
}

static void *raw_resize(void *ptr, size_t size)
{
	if (have_hooks)
		return ptr ? hooks.resize(ptr, size, hooks.user) : hooks.alloc(size, hooks.user);
	return realloc(ptr, size);
}

void *wlk_realloc(void *ptr, size_t size)
{
	void *out;

	if (injected_failure())
		return NULL;
	out = raw_resize(ptr, size ? size : 1);
	if (out && !ptr)
		atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
	return out;
}

void *wlk_malloc(size_t size)
{
	return wlk_realloc(NULL, size);
}

void *wlk_calloc(size_t count, size_t size)
{
	void *out;

	if (size && count > SIZE_MAX / size)
		return NULL;
	out = wlk_malloc(count * size);
	if (out)
		memset(out, 0, count * size);
	return out;
}

void wlk_free(void *ptr)
{
	if (!ptr)
		return;
	atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
	if (have_hooks)
		hooks.release(ptr, hooks.user);
	else
		free(ptr);
}

char *wlk_strndup(const char *text, size_t size)
{
	char *out = size < SIZE_MAX ? wlk_malloc(size + 1) : NULL;

	if (!out)
		return NULL;
	if (size)
		memcpy(out, text, size);
	out[size] = '\0';
	return out;
}

char *wlk_strdup(const char *text)
{
	return wlk_strndup(text, strlen(text));
}

bool array_reserve(void **items, size_t *capacity, size_t need, size_t item_size)
{
	size_t target = *capacity ? *capacity : 8;
	void *grown;

	if (need <= *capacity)
		return true;
	while (target < need) {
		if (target > SIZE_MAX / 2)
			return false;
		target *= 2;
	}
	if (target > SIZE_MAX / item_size)
		return false;
	grown = wlk_realloc(*items, target * item_size);
	if (!grown)
		return false;
	*items = grown;
	*capacity = target;
	return true;
}

void alloc_set_hooks(const struct alloc_hooks *h)
{
	have_hooks = h != NULL;
	if (h)
		hooks = *h;
}

size_t alloc_live_blocks(void)
{
	return atomic_load(&live_blocks);
}

void alloc_fail_after(size_t n)
{
	atomic_store(&failed_once, false);
	atomic_store(&fail_countdown, n);
}

bool alloc_did_fail(void)
{
	return atomic_load(&failed_once);
}
