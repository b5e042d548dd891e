/* A small HTTP server for one call: POST /offer brings an offer, the reply takes the answer. */
#ifndef CALL_LISTENER_H
#define CALL_LISTENER_H

#include <stdbool.h>

#include <wirelark/peer_connection.h>

struct listener;

/* |where|: a port of 127.0.0.1 (0: any), or address:port. Prints its URL on stdout. NULL, told on stderr. */
struct listener *listener_open(const char *where);
/* Callers that wait are refused. close(NULL) does nothing. */
void listener_close(struct listener *listener);
/* Whether |where| is on this host's loopback only. */
bool listener_is_loopback(const char *where);

/* Do what is due, without waiting. Once an offer came others are refused until listener_refuse(). */
void listener_run(struct listener *listener);
/* The offer that waits for its answer; NULL: none yet. */
const wlk_session_description *listener_offer(const struct listener *listener);
/* Send the answer; it leaves in listener_run(). */
void listener_answer(struct listener *listener, const wlk_session_description *answer);
/* Send the reason why not, in words; the next one is welcome. */
void listener_refuse(struct listener *listener, const char *problem);

#endif
