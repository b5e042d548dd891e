/* How descriptions are written, and get to the other side: by POST to whoever answers there, or copied by hand. */
#ifndef CALL_SIGNAL_H
#define CALL_SIGNAL_H

#include <wirelark/peer_connection.h>

/* {"type":"offer","sdp":"..."} as heap text for free(); NULL: no memory. */
char *signal_to_json(const wlk_session_description *description);
/* The same back; out->sdp is heap text for free(). False: it is something else. */
bool signal_from_json(const char *text, wlk_session_description *out);

/* Whether the URL names this host as itself. */
bool signal_is_loopback(const char *url);
/* POST an offer to |url| and take the answer, whose sdp is heap text for free(). False, told on stderr. */
bool signal_post(const char *url, const wlk_session_description *offer, wlk_session_description *answer);

/* One line of JSON to stdout. */
bool signal_print(const wlk_session_description *description);
/* The same from stdin; sdp is heap text for free(). False, told on stderr. */
bool signal_read(wlk_session_description *out);

#endif
