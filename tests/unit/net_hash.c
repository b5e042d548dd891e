#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "net/hash.h"

struct item {
	struct hash_node node;
	uint32_t value;
};

static size_t count_of(const struct hash *h, uint32_t hash)
{
	size_t n = 0;

	for (struct hash_node *node = hash_first(h, hash); node; node = hash_next(node))
		n++;
	return n;
}

static void test_nodes_are_found_by_their_hash_while_the_table_grows(void **state)
{
	static struct item items[5000];
	struct hash h;

	(void)state;
	assert_int_equal(hash_init(&h), WLK_OK);
	assert_null(hash_first(&h, 0));
	for (uint32_t i = 0; i < 5000; i++) {
		items[i] = (struct item){ .value = i };
		hash_insert(&h, &items[i].node, i * 64); /* all in one bucket of the first size */
	}
	assert_int_equal(h.count, 5000);
	assert_true(h.size >= 4096);
	for (uint32_t i = 0; i < 5000; i++) {
		struct hash_node *node = hash_first(&h, i * 64);

		assert_int_equal(CONTAINER_OF(node, struct item, node)->value, i);
		assert_null(hash_next(node));
	}
	assert_null(hash_first(&h, 1));
	for (uint32_t i = 0; i < 5000; i += 2)
		hash_remove(&h, &items[i].node);
	hash_remove(&h, &items[0].node); /* twice is harmless */
	assert_int_equal(h.count, 2500);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(count_of(&h, i * 64), i % 2);
	hash_free(&h);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_equal_hashes_are_walked_and_others_in_the_bucket_skipped(void **state)
{
	struct item same[3] = { 0 }, other = { 0 };
	struct hash h;

	(void)state;
	assert_int_equal(hash_init(&h), WLK_OK);
	hash_insert(&h, &same[0].node, 5);
	hash_insert(&h, &other.node, 5 + 64);
	hash_insert(&h, &same[1].node, 5);
	hash_insert(&h, &same[2].node, 5);
	assert_int_equal(count_of(&h, 5), 3);
	hash_remove(&h, &same[1].node);
	assert_int_equal(count_of(&h, 5), 2);
	assert_int_equal(count_of(&h, 5 + 64), 1);
	hash_free(&h);
}

static void test_without_memory_for_growing_the_chains_grow(void **state)
{
	static struct item items[200];
	struct hash h;

	(void)state;
	alloc_fail_after(1);
	assert_int_equal(hash_init(&h), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	hash_free(&h);
	assert_int_equal(hash_init(&h), WLK_OK);
	for (uint32_t i = 0; i < 200; i++) {
		alloc_fail_after(1);
		hash_insert(&h, &items[i].node, i);
		alloc_fail_after(0);
	}
	assert_int_equal(h.size, 64);
	for (uint32_t i = 0; i < 200; i++)
		assert_int_equal(count_of(&h, i), 1);
	hash_free(&h);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_bytes_seed_and_size_all_count(void **state)
{
	static const uint8_t zero[32];
	uint8_t one[32] = { [31] = 1 };

	(void)state;
	assert_true(hash_bytes(1, zero, 32) != hash_bytes(2, zero, 32));
	assert_true(hash_bytes(1, zero, 32) != hash_bytes(1, zero, 31));
	assert_true(hash_bytes(1, zero, 32) != hash_bytes(1, one, 32));
	assert_true(hash_bytes(1, zero, 31) == hash_bytes(1, one, 31));
	assert_true(hash_finish(hash_bytes(9, one, 3)) == hash_finish(hash_bytes(9, one, 3)));
}

/* Two addresses that differ in top bits only: a difference that plain multiplying carries through whatever the seed is. */
static void test_what_falls_together_depends_on_the_seed(void **state)
{
	const uint64_t a[2] = { 0x0123456789abcdef, 0xfedcba9876543210 };
	size_t together = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++)
		for (int bit = 0; bit < 64; bit++) {
			const uint64_t b[2] = { a[0] ^ 1ull << 63, a[1] ^ (1ull << 63 | 1ull << bit) };

			together += hash_bytes(seed, a, sizeof(a)) == hash_bytes(seed, b, sizeof(b));
		}
	assert_int_equal(together, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes_are_found_by_their_hash_while_the_table_grows),
		cmocka_unit_test(test_equal_hashes_are_walked_and_others_in_the_bucket_skipped),
		cmocka_unit_test(test_without_memory_for_growing_the_chains_grow),
		cmocka_unit_test(test_bytes_seed_and_size_all_count),
		cmocka_unit_test(test_what_falls_together_depends_on_the_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
