#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/time.h"

static enum log_level threshold = LOG_LEVEL_NONE;
static log_sink_fn sink;
static void *sink_user;

void log_set(enum log_level level, log_sink_fn fn, void *user)
{
	threshold = level;
	sink = fn;
	sink_user = user;
}

bool log_enabled(enum log_level level)
{
	return level <= threshold;
}

void log_scope_init(struct log_scope *scope, const char *parent, const char *name)
{
	snprintf(scope->prefix, sizeof(scope->prefix), "%s%s%s", parent ? parent : "", parent && *parent ? "/" : "", name);
}

void log_write(const struct log_scope *scope, enum log_level level, const char *format, ...)
{
	static const char letters[] = "-EWIDT";
	char line[1024]; /* longer lines are cut */
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (sink)
		sink(level, scope->prefix, line, sink_user);
	else
		fprintf(stderr, "%c %s: %s\n", letters[level], scope->prefix, line);
}

bool log_budget_take(struct log_budget *budget, wlk_time now)
{
	if (now - budget->window_start >= SECOND || now < budget->window_start) {
		budget->window_start = now;
		budget->used = 0;
	}
	if (budget->used < 10) {
		budget->used++;
		return true;
	}
	budget->suppressed++;
	return false;
}
