#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/text.h"

static void check_str(struct str s, const char *expected)
{
	assert_int_equal(s.size, strlen(expected));
	if (s.size)
		assert_memory_equal(s.at, expected, s.size);
}

static void test_comparisons(void **state)
{
	(void)state;
	assert_true(str_equal(STR("abc"), STR("abc")));
	assert_false(str_equal(STR("abc"), STR("abd")));
	assert_false(str_equal(STR("abc"), STR("ab")));
	assert_true(str_equal(str_of(NULL), STR("")));
	assert_true(str_equal_nocase(STR("a=SendRecv"), STR("A=sendrecv")));
	assert_false(str_equal_nocase(STR("@"), STR("`"))); /* 32 apart, but no letters */
	assert_false(str_equal_nocase(STR("["), STR("{")));
	assert_true(str_starts(STR("stun:host"), STR("stun:")));
	assert_true(str_starts(STR("stun:"), STR("stun:")));
	assert_false(str_starts(STR("stun"), STR("stun:")));
	assert_true(str_starts(STR("x"), STR("")));
}

static void test_cut(void **state)
{
	struct str rest = STR("a::b");
	struct str empty = { 0 };

	(void)state;
	check_str(str_cut(&rest, ':'), "a");
	check_str(str_cut(&rest, ':'), "");
	check_str(str_cut(&rest, ':'), "b");
	check_str(rest, "");
	check_str(str_cut(&rest, ':'), "");
	rest = STR("tail:");
	check_str(str_cut(&rest, ':'), "tail");
	check_str(rest, "");
	check_str(str_cut(&empty, ':'), "");
	check_str(empty, "");
}

static void test_words(void **state)
{
	struct str rest = STR("  m=audio   9 UDP ");

	(void)state;
	check_str(str_word(&rest), "m=audio");
	check_str(str_word(&rest), "9");
	check_str(str_word(&rest), "UDP");
	check_str(str_word(&rest), "");
	check_str(str_word(&rest), "");
}

static void test_trim(void **state)
{
	(void)state;
	check_str(str_trim(STR(" \t\r\n a b \n")), "a b");
	check_str(str_trim(STR(" \t")), "");
	check_str(str_trim(STR("")), "");
}

static void test_R33_numbers_are_strict(void **state)
{
	static const struct str wrong[] = { { "", 0 },    { "-1", 2 },  { "+1", 2 },  { " 1", 2 }, { "1 ", 2 },
					    { "0x1", 3 }, { "1e3", 3 }, { "1.0", 3 }, { "1\0", 2 } };
	uint64_t value = 42;
	uint32_t small = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(str_u64(wrong[i], UINT64_MAX, &value));
	assert_true(value == 42);
	assert_true(str_u64(STR("18446744073709551615"), UINT64_MAX, &value));
	assert_true(value == UINT64_MAX);
	assert_false(str_u64(STR("18446744073709551616"), UINT64_MAX, &value));
	assert_false(str_u64(STR("99999999999999999999999"), UINT64_MAX, &value));
	assert_true(str_u64(STR("0000000000000000000000007"), UINT64_MAX, &value));
	assert_true(value == 7);
	assert_true(str_u32(STR("65535"), 65535, &small));
	assert_int_equal(small, 65535);
	assert_false(str_u32(STR("65536"), 65535, &small));
	assert_int_equal(small, 65535);
	assert_false(str_u32(STR("5"), 3, &small)); /* a limit below the digit */
	assert_true(str_u32(STR("3"), 3, &small));
	assert_true(str_u32(STR("0"), 0, &small));
	assert_false(str_u32(STR("1"), 0, &small));
}

static void test_hex(void **state)
{
	uint8_t out[3] = { 9, 9, 9 };

	(void)state;
	assert_true(str_hex(STR("00aFfF"), out, 3));
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 0xaf);
	assert_int_equal(out[2], 0xff);
	assert_false(str_hex(STR("0102"), out, 3));
	assert_false(str_hex(STR("01020g"), out, 3));
	assert_false(str_hex(STR("0102-1"), out, 3));
	assert_int_equal(out[0], 0); /* untouched */
	assert_true(str_hex(STR(""), out, 0));
}

static void test_builder(void **state)
{
	struct text t;
	char *taken;

	(void)state;
	text_init(&t);
	text_add(&t, "v=");
	text_add_char(&t, '0');
	text_add_str(&t, STR("\r\n"));
	text_addf(&t, "o=%s %u", "-", 4294967295u);
	assert_true(text_ok(&t));
	assert_string_equal(t.at, "v=0\r\no=- 4294967295");
	assert_int_equal(t.size, strlen(t.at));
	text_clear(&t);
	assert_string_equal(t.at, "");
	text_add(&t, "again");
	taken = text_take(&t);
	assert_string_equal(taken, "again");
	assert_null(t.at);
	wlk_free(taken);
	taken = text_take(&t); /* an empty text is a text */
	assert_string_equal(taken, "");
	wlk_free(taken);
	text_free(&t);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_formats(void **state)
{
	struct text t;

	(void)state;
	text_init(&t);
	text_addf(&t, "%s|%u|%u|%llu|%llu|", "", 0u, 10u, 0ull, 18446744073709551615ull);
	text_addf(&t, "no arguments");
	text_addf(&t, "%s%s%u%s", "a", "b", 7u, "c");
	assert_string_equal(t.at, "|0|10|0|18446744073709551615|no argumentsab7c");
	text_clear(&t);
	/* what is left to printf() */
	text_addf(&t, "%d%%%.*s%lu%5s", -3, 2, "abc", 4000000000ul, "x");
	assert_string_equal(t.at, "-3%ab4000000000    x");
	assert_int_equal(t.size, strlen(t.at));
	text_free(&t);
}

static void test_builder_grows(void **state)
{
	struct text t;

	(void)state;
	text_init(&t);
	for (int i = 0; i < 1000; i++)
		text_addf(&t, "%04d", i);
	assert_int_equal(t.size, 4000);
	assert_memory_equal(t.at + 3996, "0999", 5);
	text_free(&t);
}

static void test_builder_stays_failed_without_memory(void **state)
{
	struct text t;

	(void)state;
	for (size_t n = 1; n <= 4; n++) {
		text_init(&t);
		alloc_fail_after(n);
		for (int i = 0; i < 10; i++)
			text_add(&t, "12345678");
		assert_true(alloc_did_fail());
		alloc_fail_after(0);
		assert_false(text_ok(&t));
		text_add(&t, "more");
		assert_false(text_ok(&t));
		assert_null(text_take(&t));
		assert_int_equal(alloc_live_blocks(), 0);
	}
}

static void test_base64(void **state)
{
	/* RFC 4648 10 */
	static const struct {
		const char *in, *out;
	} vectors[] = { { "", "" },
			{ "f", "Zg==" },
			{ "fo", "Zm8=" },
			{ "foo", "Zm9v" },
			{ "foob", "Zm9vYg==" },
			{ "fooba", "Zm9vYmE=" },
			{ "foobar", "Zm9vYmFy" },
			{ "\xff\xfe\xfb", "//77" } };
	struct text t;

	(void)state;
	text_init(&t);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		text_clear(&t);
		text_add_base64(&t, (const uint8_t *)vectors[i].in, strlen(vectors[i].in));
		text_add(&t, "");
		assert_string_equal(t.at, vectors[i].out);
	}
	text_free(&t);
}

static void test_hex_pairs(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} cases[] = { { "", 0 }, { "0", 0 }, { "0a", 1 }, { "0a:", 0 }, { ":0a", 0 }, { "0A:fF:10", 3 }, { "0a::10", 0 }, { "0a:1g", 0 },
		      { "0a 10", 0 }, { "01:02:03:04", 4 }, { "01:02:03:04:05", 0 } };
	uint8_t out[5] = { 0, 0, 0, 0, 0x77 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(str_hex_pairs(str_of(cases[i].text), out, 4), cases[i].size);
	assert_int_equal(str_hex_pairs(STR("0A:fF:10"), out, 4), 3);
	assert_memory_equal(out, "\x0a\xff\x10", 3);
	assert_int_equal(out[4], 0x77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex_pairs),
		cmocka_unit_test(test_comparisons),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_R33_numbers_are_strict),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_builder),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_builder_grows),
		cmocka_unit_test(test_builder_stays_failed_without_memory),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
