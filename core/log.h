/* Per-object logging: each object carries a prefix ("pc3/ice"); the level is checked before anything is formatted. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/err.h"

enum log_level { LOG_LEVEL_NONE, LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVEL_TRACE };

enum { LOG_PREFIX_SIZE = 32 };

/*
 * Embedded in an object as |log|. Zero-initialised: silent prefix, global level.
 * Packet-driven lines go through LOG_RATED with a budget of the object, so that a flood logs at most 10 lines/s (R3).
 */
struct log_scope {
	char prefix[LOG_PREFIX_SIZE];
};

struct log_budget {
	wlk_time window_start;
	uint32_t used;
	uint32_t suppressed;
};

typedef void (*log_sink_fn)(enum log_level level, const char *prefix, const char *message, void *user);

/* Process-wide; set before any peer exists. NULL sink: stderr. Never logs keys, passwords, tokens or packet bytes (R3). */
void log_set(enum log_level level, log_sink_fn sink, void *user);
bool log_enabled(enum log_level level);
void log_scope_init(struct log_scope *scope, const char *parent, const char *name);
void log_write(const struct log_scope *scope, enum log_level level, const char *format, ...) WLK_PRINTF(3, 4);
/* True when a line may be written now: at most 10 a second a budget. */
bool log_budget_take(struct log_budget *budget, wlk_time now);

#define LOG_AT(obj, level, ...)                                     \
	do {                                                        \
		if (log_enabled(level))                             \
			log_write(&(obj)->log, level, __VA_ARGS__); \
	} while (0)
#define LOG_E(obj, ...) LOG_AT(obj, LOG_LEVEL_ERROR, __VA_ARGS__)
#define LOG_W(obj, ...) LOG_AT(obj, LOG_LEVEL_WARN, __VA_ARGS__)
#define LOG_I(obj, ...) LOG_AT(obj, LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_D(obj, ...) LOG_AT(obj, LOG_LEVEL_DEBUG, __VA_ARGS__)
#define LOG_RATED(obj, budget, now, level, ...)                                  \
	do {                                                                     \
		if (log_enabled(level) && log_budget_take(budget, now))          \
			log_write(&(obj)->log, level, __VA_ARGS__);              \
	} while (0)

#endif
