/* One caller of the echo peer: its peer connection, and what is sent back on it. Lives on the loop's thread. */
#ifndef ECHO_SESSION_H
#define ECHO_SESSION_H

#include <jansson.h>
#include <wirelark/wirelark.h>

#include "options.h"

struct session;
struct sessions;

enum { SESSION_ID_SIZE = 33 }; /* 128 random bits in hex and a NUL */

enum session_kind { SESSION_ECHO, SESSION_WHIP };

/* What an offer leads to: an HTTP status with either an answer or a reason in words. Borrowed for the call. */
struct session_result {
	unsigned status; /* 200 or 201, else 4xx/5xx */
	const char *reason;
	const char *answer;
	const char *id;
};

/* Called once for each offer, on the loop's thread. */
typedef void (*session_done_fn)(const struct session_result *result, void *user);

/* All sessions of the program. */
struct sessions *sessions_create(wlk_loop *loop, const struct echo_options *options, bool allow_loopback);
/* Ends every session; offers that wait are answered with 503. Then frees. */
void sessions_destroy(struct sessions *sessions);

/*
 * A new session for an offer (id NULL) or a re-offer of session |id|. |channels| is the "channels" array of the request
 * or NULL. The answer carries all candidates.
 */
void sessions_offer(struct sessions *sessions, enum session_kind kind, const char *id, const char *sdp, const json_t *channels,
		    session_done_fn done, void *user);
/* End a session so that the client notices. False: there is none by this id and kind. */
bool sessions_end(struct sessions *sessions, enum session_kind kind, const char *id);

/* Figures for --stats, as a JSON object that the caller owns. */
json_t *sessions_stats(const struct sessions *sessions);

#endif
