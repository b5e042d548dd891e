/* The answering half of mDNS (RFC 6762): announces own names, answers queries for them and for nothing else. No I/O. */
#ifndef ICE_MDNS_RESPONDER_H
#define ICE_MDNS_RESPONDER_H

#include "core/dgram_queue.h"
#include "core/time.h"
#include "ice/mdns_msg.h"

enum {
	MDNS_PUBLISHED_MAX = 64, /* own names */
	MDNS_UNICAST_PER_S = 10, /* unicast answers, so that nobody is flooded in another's name (R4) */
};

/* One own name. Its fields are the responder's. */
struct mdns_own {
	struct mdns_name name;
	wlk_addr addr;
	bool leaving;         /* unpublished: one goodbye, then the entry goes */
	unsigned announced;   /* announcements made */
	wlk_time announce_at; /* of the next one */
	wlk_time answered_at; /* last multicast answer */
	wlk_time answer_at;   /* when the next one may leave; WLK_TIME_NEVER: nobody waits for it */
	unsigned pending;     /* a bit for each group that a multicast is still to go to: 1 IPv4, 2 IPv6 */

	/* Scratch of one query: */
	bool asked;
	bool asked_unicast;
	uint16_t asked_type;
};

/* Part of a struct mdns, which decides what comes from the link and counts. */
struct mdns_responder {
	struct pktbuf_pool *pool;
	unsigned groups; /* the groups that exist */
	struct mdns_own *own;
	size_t count;
	size_t capacity;
	struct dgram_queue unicast;
	wlk_time unicast_window; /* start of the second that |unicast_used| counts */
	unsigned unicast_used;
	uint64_t suppressed; /* answers not given because of the rate limit or a known answer */
};

/* |pool| NULL: heap. |ipv6|: there is an IPv6 group beside the IPv4 one. */
void mdns_responder_init(struct mdns_responder *r, struct pktbuf_pool *pool, bool ipv6);
void mdns_responder_free(struct mdns_responder *r);

/* As mdns_publish() and mdns_unpublish(). */
wlk_err mdns_responder_add(struct mdns_responder *r, wlk_time now, const struct mdns_name *name,
			   const wlk_addr *addr) WLK_NODISCARD;
void mdns_responder_remove(struct mdns_responder *r, const struct mdns_name *name);
/* As mdns_on_new_link(). */
void mdns_responder_announce_again(struct mdns_responder *r, wlk_time now);
/* The address that |name| is published with, or NULL. */
const wlk_addr *mdns_responder_find(struct mdns_responder *r, const struct mdns_name *name);
/* Whether one of the published addresses is |ip|. */
bool mdns_responder_has_ip(const struct mdns_responder *r, const wlk_addr *ip);

/*
 * A well-formed query from the link (mdns_input() has seen to both): one multicast answer a name and second, later
 * ones wait; unicast where the asker prefers it (RFC 6762 5.4) or is no mDNS participant (6.7), none that the asker
 * knows (7.1).
 */
void mdns_responder_input(struct mdns_responder *r, wlk_time now, const wlk_addr *from, struct mdns_reader *reader);

/* The next datagram; out->remote is a group or the asker. */
bool mdns_responder_poll_transmit(struct mdns_responder *r, struct dgram *out);
wlk_time mdns_responder_deadline(const struct mdns_responder *r);
void mdns_responder_handle_timeout(struct mdns_responder *r, wlk_time now);

#endif
