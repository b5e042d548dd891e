/* wirelark-bench-media: the parts of scripts/bench --media that are not to differ between the stacks that it compares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wirelark/wirelark.h>

#include "call.h"
#include "content.h"
#include "judge.h"
#include "link.h"

static const char usage[] =
	"usage: wirelark-bench-media content FOLDER                            draw what is sent\n"
	"       wirelark-bench-media link SCHEDULE DELAY_MS QUEUE_MS SEED      a network; SCHEDULE: SECOND:KBPS:LOSS,...\n"
	"       wirelark-bench-media call FOLDER JOURNAL PORT_A PORT_B SECONDS a call of this library through the network\n"
	"       wirelark-bench-media judge FOLDER JOURNAL                      what it was like\n";

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

static void print_log(wlk_log_level level, const char *prefix, const char *message, void *user)
{
	(void)level;
	(void)user;
	fprintf(stderr, "%s: %s\n", prefix, message);
}

static bool call(char **words)
{
	const struct call_options options = { words[0], words[1], number(words[2]), number(words[3]), number(words[4]) };

	wlk_log_configure(getenv("BENCH_DEBUG") ? WLK_LOG_DEBUG : WLK_LOG_WARN, print_log, NULL);
	return call_run(&options);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char **words = argv + 2;
	bool done;

	if (!strcmp(what, "content") && argc == 3) {
		done = content_write(words[0]);
	} else if (!strcmp(what, "link") && argc == 6) {
		done = link_run(words[0], number(words[1]), number(words[2]), number(words[3]));
	} else if (!strcmp(what, "call") && argc == 7) {
		done = call(words);
	} else if (!strcmp(what, "judge") && argc == 4) {
		done = judge_run(words[0], words[1]);
	} else {
		fputs(usage, stderr);
		return 2;
	}
	return done ? 0 : 1;
}
