/** Logging: one sink for the process, a level, and a prefix for each object ("pc3/ice"). */
#ifndef WIRELARK_LOG_H
#define WIRELARK_LOG_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How much is told; each level includes those above it. */
typedef enum wlk_log_level {
	WLK_LOG_NONE = 0,
	WLK_LOG_ERROR = 1,
	WLK_LOG_WARN = 2,
	WLK_LOG_INFO = 3,  /**< the story of a call in about twenty lines */
	WLK_LOG_DEBUG = 4, /**< one decision a line, with its numbers */
	WLK_LOG_TRACE = 5
} wlk_log_level;

/** @p prefix and @p message are borrowed for the call. Called on the thread that logs. */
typedef void (*wlk_log_fn)(wlk_log_level level, const char *prefix, const char *message, void *user);

/**
 * Choose what is logged and where to. Call before the first loop or peer connection exists.
 *
 * @param sink  NULL writes to stderr
 *
 * Keys, passwords, tokens and packet contents are never logged; what the network can provoke is limited to
 * ten lines a second for each class.
 */
WLK_API void wlk_log_configure(wlk_log_level level, wlk_log_fn sink, void *user);

#ifdef __cplusplus
}
#endif

#endif
