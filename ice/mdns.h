/* Multicast DNS for ICE (RFC 6762 subset): asks for "<uuid>.local" names of candidates, answers for our own. No I/O. */
#ifndef ICE_MDNS_H
#define ICE_MDNS_H

#include "ice/mdns_responder.h"

enum {
	MDNS_QUERIES_MAX = 64,   /* names asked for at a time */
	MDNS_CACHE_MAX = 64,     /* answers remembered; the one that expires first makes room */
	MDNS_TTL_MAX_S = 120,    /* no answer is believed longer (RFC 6762 10 recommends 120 s for addresses) */
};

struct mdns;

struct mdns_config {
	struct pktbuf_pool *pool; /* for outgoing datagrams, must outlive the object; NULL: heap */
	bool ipv6;                /* ask and announce on [ff02::fb]:5353 as well as on 224.0.0.251:5353 */
	const char *log_parent;   /* prefix of the log lines; may be NULL; copied */
};

enum mdns_event_type { MDNS_RESOLVED, MDNS_FAILED };

struct mdns_event {
	enum mdns_event_type type;
	uint32_t query_id;
	wlk_addr addr; /* MDNS_RESOLVED: the IP, port 0; scope_id that of the sender for a link-local address */
};

/* Counters since create; all of them only grow. */
struct mdns_stats {
	uint64_t queries_sent;   /* datagrams */
	uint64_t responses_sent; /* datagrams, announcements included */
	uint64_t resolved;
	uint64_t failed;
	uint64_t malformed;    /* datagrams that are no DNS message */
	uint64_t out_of_scope; /* responses from addresses or ports that cannot be the local link */
	uint64_t suppressed;   /* answers not given because of the rate limit or a known answer */
};

/* |config| is copied. WLK_ERR_NOMEM. */
wlk_err mdns_create(struct mdns **out, const struct mdns_config *config) WLK_NODISCARD;
/* No goodbye is sent; unpublish and drain before, where that matters. destroy(NULL) does nothing. */
void mdns_destroy(struct mdns *m);

/* A fresh random name and a NUL into |out|. WLK_ERR_CRYPTO when there are no random bytes. */
wlk_err mdns_make_name(char out[MDNS_NAME_SIZE + 1]) WLK_NODISCARD;

/*
 * Ask the link for the address of |name|. One MDNS_RESOLVED or MDNS_FAILED event with *query_id follows; at once when
 * the name is cached or published here. Queries leave at 0, 1, 3 and 7 s, A and AAAA apart because some responders
 * read only one question; the first asks for a unicast answer (RFC 6762 5.4); 8 s after the call it fails. A name that
 * is being asked for is not asked twice: *query_id is the running query's then, and one event tells for both.
 *
 * WLK_ERR_INVALID: not a valid name (mdns_name_parse). WLK_ERR_AGAIN: MDNS_QUERIES_MAX names are outstanding.
 * WLK_ERR_NOMEM. *query_id is written on success only and is never 0.
 */
wlk_err mdns_resolve(struct mdns *m, wlk_time now, const char *name, size_t size, uint32_t *query_id) WLK_NODISCARD;
/* Forget a query; no event comes for it any more. Unknown ids are ignored. */
void mdns_cancel(struct mdns *m, uint32_t query_id);

/*
 * Announce an own name (twice, a second apart, without probing: the UUID is unique) and answer for it. |addr|'s port is
 * ignored. WLK_ERR_INVALID: not a valid name, or no address. WLK_ERR_STATE: already published. WLK_ERR_NOMEM.
 * WLK_ERR_AGAIN: MDNS_PUBLISHED_MAX names are published.
 */
wlk_err mdns_publish(struct mdns *m, wlk_time now, const char *name, size_t size, const wlk_addr *addr) WLK_NODISCARD;
/* Stop answering and send one goodbye (RFC 6762 10.1). Unknown names are ignored. */
void mdns_unpublish(struct mdns *m, const char *name, size_t size);

/*
 * There is a link more to be heard on, or another: own names are announced again, and the questions that nobody has answered
 * are asked from the beginning.
 */
void mdns_on_new_link(struct mdns *m, wlk_time now);

/*
 * Feed one datagram that arrived on an mDNS socket.
 *
 * @param now   time of arrival [us]; never earlier than in an earlier call
 * @param from  the sender. Responses count only from port 5353 and from a loopback, link-local, RFC 1918 or fc00::/7
 *              address or one of our published addresses; queries only from such an address, any port (RFC 6762 11).
 *              A link of public addresses without IPv6 link-local is therefore not served; ICE then connects through
 *              peer-reflexive candidates.
 * @param data  the UDP payload, borrowed for the call
 * @param size  bytes; more than MDNS_MESSAGE_MAX is malformed
 *
 * The first answer to an outstanding query wins; answers to names that nobody asked for are not kept.
 */
void mdns_input(struct mdns *m, wlk_time now, const wlk_addr *from, const uint8_t *data, size_t size);

/*
 * The next datagram to send; the caller owns out->buf. out->local is none: out->remote is a group on port
 * 5353, for the sockets of its family on all links, or the asker of a unicast answer, for the one that brought the question.
 * False: none.
 */
bool mdns_poll_transmit(struct mdns *m, wlk_time now, struct dgram *out);
/* The next fact; false: none. */
bool mdns_poll_event(struct mdns *m, struct mdns_event *out);
/* When mdns_handle_timeout() is due [us]; WLK_TIME_NEVER when idle. In the future after handle_timeout and a drain. */
wlk_time mdns_deadline(const struct mdns *m);
/* Time has passed; cheap when early. */
void mdns_handle_timeout(struct mdns *m, wlk_time now);

/* Valid until the next call. */
const struct mdns_stats *mdns_stats(struct mdns *m);

#endif
