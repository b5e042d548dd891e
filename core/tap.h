/* Where a recording listens below peer/, and where a replay speaks: random draws, and verdicts that took a secret. */
#ifndef CORE_TAP_H
#define CORE_TAP_H

#include "core/err.h"

/* A pointer that is looked at in hot paths: one load, also in a shared library. */
#define TAP_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))

struct tap {
	/* |bytes| were drawn; a replay puts the recorded ones in their place. */
	void (*on_draw)(struct tap *tap, uint8_t *bytes, size_t size);
	/* The same for the characters (and a NUL) of a password, which a recording never writes down: it notes a stand-in. */
	void (*on_secret)(struct tap *tap, char *text, size_t size);
	/* A digest was compared with what a secret makes of a message, or the application was asked; answers what counts. */
	bool (*on_verdict)(struct tap *tap, bool verdict);
	/* Something was decided (a record_kind of peer/record_format.h): to be written down, or compared with what was. */
	void (*on_decision)(struct tap *tap, uint8_t kind, const uint8_t *body, size_t size);
};

/* Of this thread, while a call of a recorded peer connection runs; else NULL. */
extern TAP_THREAD_LOCAL struct tap *tap_current;

static inline bool tap_verdict(bool verdict)
{
	return tap_current ? tap_current->on_verdict(tap_current, verdict) : verdict;
}

#endif
