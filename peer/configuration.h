/* The configuration of a connection as it can be asked for again (W3C [[Configuration]]), and what of it may change. */
#ifndef PEER_CONFIGURATION_H
#define PEER_CONFIGURATION_H

#include <wirelark/peer_connection.h>

struct peer_configuration {
	wlk_configuration given; /* its servers and mappings are those of the ICE settings */
	wlk_certificate **certificates; /* a reference each */
};

/* Copies what |config| points to; |c| is all zero before. WLK_ERR_NOMEM. */
wlk_err peer_configuration_init(struct peer_configuration *c, const wlk_configuration *config);
void peer_configuration_free(struct peer_configuration *c);

/* The first member that is fixed and that |next| changes, by its name; NULL: none. |described|: a local description was set. */
const char *peer_configuration_changed_member(const wlk_peer_connection *pc, const wlk_configuration *next, bool described);
/* The same, of those members only that a recording does not hold. */
bool peer_configuration_changes_unrecorded(const wlk_peer_connection *pc, const wlk_configuration *next);

#endif
