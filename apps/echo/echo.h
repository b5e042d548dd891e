/* The echo itself: media packets, messages and channels go back to where they came from. Loop thread only. */
#ifndef ECHO_ECHO_H
#define ECHO_ECHO_H

#include <jansson.h>
#include <wirelark/wirelark.h>

/* Act on an event of an echoing connection. */
void echo_event(wlk_loop *loop, const wlk_event *event);
/* Want to send back on every m-section; between the remote offer and our answer. */
void echo_wish_directions(wlk_peer_connection *pc);
/* Create the negotiated channels of a request's "channels" array. WLK_ERR_INVALID for a malformed one. NULL: none. */
wlk_err echo_negotiated_channels(wlk_peer_connection *pc, const json_t *channels);
/* Before a connection is destroyed: frees what its channels hold. */
void echo_forget(wlk_peer_connection *pc);

#endif
