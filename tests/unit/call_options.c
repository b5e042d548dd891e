#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <getopt.h>
#include <string.h>

#include <cmocka.h>

#include "apps/call/options.h"

enum { ARGUMENTS_MAX = 20 };

/* A line of words with one space between them; *status is -1 where the program goes on. */
static struct call_options parse(const char *line, int *status)
{
	static char words[512];
	char *argv[ARGUMENTS_MAX + 1] = { "wirelark-call" }, *save = NULL;
	struct call_options out;
	int argc = 1;

	assert_true(strlen(line) < sizeof(words));
	strcpy(words, line);
	for (char *word = strtok_r(words, " ", &save); word && argc < ARGUMENTS_MAX; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	optind = 0; /* GNU: begin anew */
	if (call_options_parse(&out, argc, argv, status))
		*status = -1;
	return out;
}

static int status_of(const char *line)
{
	int status;

	parse(line, &status);
	return status;
}

static void test_a_url_alone_is_a_call(void **state)
{
	int status;
	struct call_options o = parse("http://127.0.0.1:8080", &status);

	(void)state;
	assert_int_equal(status, -1);
	assert_int_equal(o.way, CALL_POST);
	assert_string_equal(o.where, "http://127.0.0.1:8080");
	assert_int_equal(o.width, 640);
	assert_int_equal(o.height, 480);
	assert_int_equal(o.fps, 30);
	assert_false(o.headless);
}

static void test_values_are_taken(void **state)
{
	int status;
	struct call_options o = parse("--listen 0.0.0.0:80 --size 1280x720 --fps 15 --seconds 2.5 --codec vp9 --camera none", &status);

	(void)state;
	assert_int_equal(status, -1);
	assert_int_equal(o.way, CALL_LISTEN);
	assert_string_equal(o.where, "0.0.0.0:80");
	assert_int_equal(o.width, 1280);
	assert_int_equal(o.height, 720);
	assert_int_equal(o.fps, 15);
	assert_true(o.seconds > 2.49 && o.seconds < 2.51);
	assert_string_equal(o.codec, "VP9");
	assert_string_equal(o.camera, "none");
}

static void test_what_is_no_value_ends_with_2(void **state)
{
	static const char *const lines[] = {
		"u --size 640",     "u --size 641x480",  "u --size 158x96",  "u --size 4098x96", "u --size 640x480x", "u --size x",
		"u --fps 0",        "u --fps 121",       "u --fps 5x",       "u --seconds 0",    "u --seconds -1",    "u --codec H264",
		"u --unknown",      "u --size",          "u --seconds nan",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(status_of(lines[i]), CALL_USAGE);
}

static void test_what_does_not_go_together_ends_with_2(void **state)
{
	static const char *const lines[] = {
		"",
		"--headless",
		"u v",
		"u --listen 80",
		"--offer --answer",
		"u --video-in a --camera b",
		"u --audio-in a --microphone b",
		"u --turn turn:a",
		"u --turn turn:a --user b",
		"u --pass c",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(status_of(lines[i]), CALL_USAGE);
	assert_int_equal(status_of("u --turn turn:a --user b --pass c"), -1);
}

static void test_help_is_no_error_and_devices_need_nobody_to_call(void **state)
{
	(void)state;
	assert_int_equal(status_of("--help"), CALL_DONE);
	assert_int_equal(status_of("--devices"), -1);
}

static void test_devices_are_tried_unless_there_is_a_file_or_no_wish_for_any(void **state)
{
	const struct call_options window = { .headless = false }, headless = { .headless = true };

	(void)state;
	assert_true(call_options_use(&window, NULL, NULL));
	assert_false(call_options_use(&window, NULL, "file"));
	assert_false(call_options_use(&window, "none", NULL));
	assert_false(call_options_use(&headless, NULL, NULL));
	assert_true(call_options_use(&headless, "/dev/video0", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_url_alone_is_a_call),
		cmocka_unit_test(test_values_are_taken),
		cmocka_unit_test(test_what_is_no_value_ends_with_2),
		cmocka_unit_test(test_what_does_not_go_together_ends_with_2),
		cmocka_unit_test(test_help_is_no_error_and_devices_need_nobody_to_call),
		cmocka_unit_test(test_devices_are_tried_unless_there_is_a_file_or_no_wish_for_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
