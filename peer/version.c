#include <wirelark/log.h>
#include <wirelark/version.h>

#include "core/log.h"

#define TEXT_OF(number) TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(value) #value

const char *wlk_version(void)
{
	return TEXT_OF(WLK_VERSION_MAJOR) "." TEXT_OF(WLK_VERSION_MINOR) "." TEXT_OF(WLK_VERSION_PATCH);
}

/* core/ does not know the public header; the levels have the same numbers. */
static wlk_log_fn application_sink;

static void pass_on(enum log_level level, const char *prefix, const char *message, void *user)
{
	application_sink((wlk_log_level)level, prefix, message, user);
}

void wlk_log_configure(wlk_log_level level, wlk_log_fn sink, void *user)
{
	application_sink = sink;
	log_set((enum log_level)level, sink ? pass_on : NULL, user);
}
