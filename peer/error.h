/* What the application can ask about the last error of a connection. */
#ifndef PEER_ERROR_H
#define PEER_ERROR_H

#include <wirelark/error.h>

#include "core/text.h"
#include "sdp/sdp.h"

struct peer_error {
	wlk_error parts; /* its message and sdp_line are in the texts */
	struct text message;
	struct text line; /* of a remote description */
};

void peer_error_init(struct peer_error *e);
void peer_error_free(struct peer_error *e);

/* Remember why a call fails; answers |err|. The name is the one that W3C mostly has for the code. */
wlk_err peer_fail(wlk_peer_connection *pc, wlk_err err, const char *format, ...) WLK_PRINTF(3, 4);
/* The same under another name of W3C's, which is static. */
wlk_err peer_fail_as(wlk_peer_connection *pc, wlk_err err, const char *name, const char *format, ...) WLK_PRINTF(4, 5);
/* What W3C calls |err| when it is about what a description says. */
const char *peer_description_error_name(wlk_err err);
/* The same from SDP, with its line number. */
wlk_err peer_fail_sdp(wlk_peer_connection *pc, wlk_err err, const char *what, const struct sdp_error *sdp_err);
/* The same of the remote description |sdp|, whose line is kept. */
wlk_err peer_fail_remote_sdp(wlk_peer_connection *pc, wlk_err err, const char *what, const struct sdp_error *sdp_err, const char *sdp);

/* A transport failed, outside of any call: what wlk_last_error() says from here on. */
void peer_note_failure(wlk_peer_connection *pc, const wlk_error *error);
/* A copy for an event to lend, as the text of peer_emit_text(); NULL: out of memory. Its texts are static. */
char *peer_lend_error(const wlk_error *error);

#endif
