/* The JSEP signalling state machine: one table, one function that answers where a description leads. */
#ifndef PEER_SIGNALING_H
#define PEER_SIGNALING_H

#include <wirelark/peer_connection.h>

#include "core/err.h"

enum signaling_side { SIGNALING_LOCAL, SIGNALING_REMOTE };

/*
 * Where setting a description of |type| on |side| leads from |from| (RFC 9429 3.2, W3C webrtc-pc 4.3.1).
 * WLK_ERR_STATE when the table has no such edge; *to is then untouched (R34).
 */
wlk_err signaling_next(wlk_signaling_state from, enum signaling_side side, wlk_sdp_type type, wlk_signaling_state *to);

#endif
