/* Which m-section rides on which transport (RFC 9143, RFC 9429 4.1.1): planned for a description, found again from it. */
#ifndef PEER_BUNDLE_H
#define PEER_BUNDLE_H

#include "peer/object.h"

/*
 * A transport that a description may need is made as a spare one: nobody counts it, and it does nothing. A description of
 * ours that is set takes it into use; the last answer retires what it left without a section. What belongs to a
 * section is told from the ufrag in our own description, so nothing has to be remembered between the two.
 */

/* The transport of each wish of an offer, in out[] (SDP_MAX_MEDIA); also fills in the wishes' |bundle| and |bundle_only|. */
wlk_err peer_plan_offer(wlk_peer_connection *pc, struct sdp_wish *wishes, size_t count, struct peer_transport **out);
/* The transport for each m-line of the remote offer that an answer may accept, NULL where there can be none. */
wlk_err peer_plan_answer(wlk_peer_connection *pc, const struct sdp_session *offer, struct peer_transport **out);

/* Whose ufrag stands in a section of a description of ours, among transports in use and spare ones; the first without any. */
struct peer_transport *peer_transport_of_media(const wlk_peer_connection *pc, const struct sdp_session *local,
					       const struct sdp_media *media);
/* The transport that m-line |section| was agreed on to ride on; NULL. */
struct peer_transport *peer_agreed_transport(const wlk_peer_connection *pc, size_t section);

/* The transports that |local| names come into use. */
void peer_use_transports(wlk_peer_connection *pc, const struct sdp_session *local);
/* Back with those that neither the agreement nor the pending local offer names: an offer was replaced or taken back. */
void peer_spare_unused(wlk_peer_connection *pc);
/* The exchange is over: what it left unused, and has sockets, is closed. */
void peer_retire_unused(wlk_peer_connection *pc);

#endif
