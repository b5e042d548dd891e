#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/log.h"
#include "core/time.h"

struct sink {
	int lines;
	enum log_level level;
	char prefix[64];
	char message[2048];
};

static void keep(enum log_level level, const char *prefix, const char *message, void *user)
{
	struct sink *sink = user;

	sink->lines++;
	sink->level = level;
	strncpy(sink->prefix, prefix, sizeof(sink->prefix) - 1);
	strncpy(sink->message, message, sizeof(sink->message) - 1);
}

struct object {
	struct log_scope log;
};

static int evaluations;

static int evaluated(void)
{
	return ++evaluations;
}

static void test_level_is_checked_before_anything_is_formatted(void **state)
{
	struct sink sink = { 0 };
	struct object object = { 0 };

	(void)state;
	log_set(LOG_LEVEL_INFO, keep, &sink);
	LOG_D(&object, "%d", evaluated());
	assert_int_equal(sink.lines, 0);
	assert_int_equal(evaluations, 0);
	LOG_I(&object, "pair %s: %d", "a", evaluated());
	assert_int_equal(sink.lines, 1);
	assert_string_equal(sink.message, "pair a: 1");
	assert_int_equal(sink.level, LOG_LEVEL_INFO);
	log_set(LOG_LEVEL_NONE, keep, &sink);
	LOG_E(&object, "silence");
	assert_int_equal(sink.lines, 1);
}

static void test_prefixes(void **state)
{
	struct sink sink = { 0 };
	struct object object;

	(void)state;
	log_set(LOG_LEVEL_TRACE, keep, &sink);
	log_scope_init(&object.log, "pc3", "ice");
	LOG_W(&object, "x");
	assert_string_equal(sink.prefix, "pc3/ice");
	log_scope_init(&object.log, NULL, "net");
	LOG_W(&object, "x");
	assert_string_equal(sink.prefix, "net");
	log_scope_init(&object.log, "", "net");
	LOG_W(&object, "x");
	assert_string_equal(sink.prefix, "net");
	log_scope_init(&object.log, "a-name-of-many-more-characters-than", "fit");
	LOG_W(&object, "x");
	assert_int_equal(strlen(sink.prefix), LOG_PREFIX_SIZE - 1);
	log_set(LOG_LEVEL_NONE, NULL, NULL);
}

static void test_long_lines_are_cut(void **state)
{
	struct sink sink = { 0 };
	struct object object = { 0 };
	char line[1500];

	(void)state;
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	log_set(LOG_LEVEL_TRACE, keep, &sink);
	LOG_I(&object, "%s", line);
	assert_int_equal(strlen(sink.message), 1023);
	log_set(LOG_LEVEL_NONE, NULL, NULL);
}

static void test_R3_ten_lines_a_second(void **state)
{
	struct sink sink = { 0 };
	struct object object = { 0 };
	struct log_budget budget = { 0 };
	const wlk_time start = 5 * SECOND;

	(void)state;
	log_set(LOG_LEVEL_DEBUG, keep, &sink);
	for (int i = 0; i < 1000; i++)
		LOG_RATED(&object, &budget, start + i * 999, LOG_LEVEL_DEBUG, "flood");
	assert_int_equal(sink.lines, 10);
	assert_int_equal(budget.suppressed, 990);
	LOG_RATED(&object, &budget, start + SECOND, LOG_LEVEL_DEBUG, "next second");
	assert_int_equal(sink.lines, 11);
	LOG_RATED(&object, &budget, start + SECOND, LOG_LEVEL_TRACE, "below the level: costs no budget");
	assert_int_equal(budget.used, 1);
	log_set(LOG_LEVEL_NONE, NULL, NULL);
}

static void test_R3_budget_in_the_first_second_of_a_clock_that_starts_at_zero(void **state)
{
	struct log_budget budget = { 0 };
	int taken = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		taken += log_budget_take(&budget, i);
	assert_int_equal(taken, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level_is_checked_before_anything_is_formatted),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_long_lines_are_cut),
		cmocka_unit_test(test_R3_ten_lines_a_second),
		cmocka_unit_test(test_R3_budget_in_the_first_second_of_a_clock_that_starts_at_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
