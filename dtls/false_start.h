/* What a client says right behind its Finished, a round trip before the server's (False Start, RFC 7918). */
#ifndef DTLS_FALSE_START_H
#define DTLS_FALSE_START_H

#include "dtls/transport_inside.h"

/* Watch the handshake of t->ssl; before it begins. */
void dtls_false_start_watch(struct dtls_transport *t);
/* Around each SSL_do_handshake(): only inside of it may something be said. */
void dtls_false_start_enter(struct dtls_transport *t);
void dtls_false_start_leave(struct dtls_transport *t);

#endif
