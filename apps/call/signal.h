/* How descriptions get to the other side: by POST to an echo peer, or copied by hand. */
#ifndef CALL_SIGNAL_H
#define CALL_SIGNAL_H

#include <wirelark/peer_connection.h>

/* POST an offer to |url| and take the answer; its sdp is heap text for free(). False, told on stderr. */
bool signal_post(const char *url, const char *offer, wlk_session_description *answer);
/* One line of JSON, {"type":"offer","sdp":"..."}, to stdout. */
bool signal_print(const wlk_session_description *description);
/* The same from stdin; sdp is heap text for free(). */
bool signal_read(wlk_session_description *out);

#endif
