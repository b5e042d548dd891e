#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/pktbuf.h"

static void test_room_around_the_payload(void **state)
{
	struct pktbuf *buf = pktbuf_alloc(NULL, 100);

	(void)state;
	assert_int_equal(buf->size, 0);
	assert_int_equal(pktbuf_headroom(buf), PKTBUF_HEADROOM);
	assert_true(pktbuf_tailroom(buf) >= 100 + PKTBUF_TAILROOM);
	memset(buf->room, 0xa5, (size_t)(buf->room_end - buf->room)); /* all of it is ours */
	pktbuf_release(buf);
	buf = pktbuf_alloc(NULL, 70000);
	assert_int_equal(pktbuf_tailroom(buf), 70000 + PKTBUF_TAILROOM);
	pktbuf_release(buf);
	pktbuf_release(NULL);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_copy(void **state)
{
	struct pktbuf *buf = pktbuf_copy(NULL, "abc", 3), *empty = pktbuf_copy(NULL, NULL, 0);

	(void)state;
	assert_int_equal(buf->size, 3);
	assert_memory_equal(buf->data, "abc", 3);
	assert_int_equal(empty->size, 0);
	pktbuf_release(buf);
	pktbuf_release(empty);
}

static void test_pool_reuses_buffers(void **state)
{
	struct pktbuf_pool *pool = pktbuf_pool_create(2);
	struct pktbuf *a, *b, *c, *again;
	size_t blocks;

	(void)state;
	a = pktbuf_alloc(pool, 1);
	b = pktbuf_alloc(pool, PKTBUF_PAYLOAD);
	c = pktbuf_alloc(pool, PKTBUF_PAYLOAD);
	assert_int_equal(pktbuf_pool_in_use(pool), 3);
	a->data += 10;
	a->size = 7;
	pktbuf_release(a);
	again = pktbuf_alloc(pool, 5);
	assert_ptr_equal(again, a);
	assert_int_equal(again->size, 0); /* as new */
	assert_int_equal(pktbuf_headroom(again), PKTBUF_HEADROOM);
	blocks = alloc_live_blocks();
	pktbuf_release(again);
	pktbuf_release(b);
	assert_int_equal(alloc_live_blocks(), blocks);
	pktbuf_release(c); /* the third spare is one too many */
	assert_int_equal(alloc_live_blocks(), blocks - 1);
	assert_int_equal(pktbuf_pool_in_use(pool), 0);
	pktbuf_pool_destroy(pool);
	pktbuf_pool_destroy(NULL);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_pool_reuses_slabs_apart_from_buffers(void **state)
{
	struct pktbuf_pool *pool = pktbuf_pool_create(2);
	struct pktbuf *slab = pktbuf_alloc(pool, PKTBUF_SLAB), *odd = pktbuf_alloc(pool, PKTBUF_SLAB - 1), *buf;

	(void)state;
	assert_int_equal(pktbuf_tailroom(slab), PKTBUF_SLAB + PKTBUF_TAILROOM);
	pktbuf_release(slab);
	pktbuf_release(odd);
	buf = pktbuf_alloc(pool, 100);
	assert_ptr_not_equal(buf, slab);
	assert_ptr_equal(pktbuf_alloc(pool, PKTBUF_SLAB), slab);
	pktbuf_release(slab);
	pktbuf_release(buf);
	pktbuf_pool_destroy(pool);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_references(void **state)
{
	struct pktbuf_pool *pool = pktbuf_pool_create(0);
	struct pktbuf *buf = pktbuf_alloc(pool, 10);

	(void)state;
	assert_ptr_equal(pktbuf_ref(buf), buf);
	pktbuf_release(buf);
	assert_int_equal(pktbuf_pool_in_use(pool), 1);
	pktbuf_release(buf);
	assert_int_equal(pktbuf_pool_in_use(pool), 0);
	pktbuf_pool_destroy(pool);
}

static void test_slices_keep_their_slab_alive(void **state)
{
	struct pktbuf_pool *pool = pktbuf_pool_create(8);
	struct pktbuf *slab = pktbuf_alloc(pool, PKTBUF_SLAB), *a, *b;

	(void)state;
	memcpy(slab->data, "abcdef", 6);
	slab->size = 6;
	a = pktbuf_slice(slab, 0, 4);
	b = pktbuf_slice(slab, 4, 2);
	pktbuf_release(slab);
	assert_int_equal(pktbuf_pool_in_use(pool), 3);
	assert_memory_equal(a->data, "abcd", 4);
	assert_memory_equal(b->data, "ef", 2);
	assert_int_equal(pktbuf_headroom(b), 0);
	assert_int_equal(pktbuf_tailroom(b), 0);
	a->size = 1; /* a slice may shrink */
	assert_int_equal(pktbuf_tailroom(a), 3);
	pktbuf_release(a);
	assert_memory_equal(b->data, "ef", 2);
	pktbuf_release(b);
	assert_int_equal(pktbuf_pool_in_use(pool), 0);
	pktbuf_pool_destroy(pool);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_empty_slice_at_the_end(void **state)
{
	struct pktbuf *slab = pktbuf_copy(NULL, "ab", 2), *end = pktbuf_slice(slab, 2, 0);

	(void)state;
	assert_int_equal(end->size, 0);
	pktbuf_release(end);
	pktbuf_release(slab);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_out_of_memory(void **state)
{
	struct pktbuf_pool *pool;
	struct pktbuf *slab;

	(void)state;
	alloc_fail_after(1);
	assert_null(pktbuf_pool_create(1));
	pool = pktbuf_pool_create(1);
	alloc_fail_after(1);
	assert_null(pktbuf_alloc(pool, 1));
	alloc_fail_after(1);
	assert_null(pktbuf_copy(pool, "a", 1));
	assert_int_equal(pktbuf_pool_in_use(pool), 0);
	slab = pktbuf_alloc(pool, 10);
	slab->size = 10;
	alloc_fail_after(1);
	assert_null(pktbuf_slice(slab, 0, 1)); /* and took no reference */
	alloc_fail_after(0);
	assert_null(pktbuf_alloc(pool, SIZE_MAX));
	assert_null(pktbuf_alloc(pool, SIZE_MAX - PKTBUF_HEADROOM));
	pktbuf_release(slab);
	assert_int_equal(pktbuf_pool_in_use(pool), 0);
	pktbuf_pool_destroy(pool);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_around_the_payload),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_pool_reuses_buffers),
		cmocka_unit_test(test_pool_reuses_slabs_apart_from_buffers),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_slices_keep_their_slab_alive),
		cmocka_unit_test(test_empty_slice_at_the_end),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
