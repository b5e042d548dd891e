/** Events of the library as JavaScript objects, and the loop that they come from. */
#ifndef WPT_EVENT_H
#define WPT_EVENT_H

#include "call.h"

/** @p handler (connection, event) gets every event from now on. */
void event_set_handler(napi_env env, napi_value handler);

/** A wlk_event_fn. */
void event_deliver(const wlk_event *event, void *user);

/** The one loop of this process, between start() and stop(). */
wlk_loop *addon_loop(void);

#endif
