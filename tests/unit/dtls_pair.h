/* Two DTLS transports and a link between them in virtual time; the tests and fuzz targets of dtls/ drive it. */
#ifndef TESTS_DTLS_PAIR_H
#define TESTS_DTLS_PAIR_H

#include "core/time.h"
#include "dtls/transport.h"

enum pair_side { PAIR_CLIENT, PAIR_SERVER };

enum { PAIR_FLIGHT_MAX = 4096, PAIR_EVENTS_MAX = 512 };

struct pair_datagram {
	wlk_time at;
	uint64_t order;
	enum pair_side to;
	size_t size;
	uint8_t *data;
};

struct dtls_pair;
/* What the link does with a datagram: copies to deliver (0: lost), and an extra delay for each. */
typedef unsigned int (*pair_link_fn)(struct dtls_pair *p, enum pair_side to, const uint8_t *data, size_t size,
				     wlk_time *extra_delay);

struct pair_end {
	struct dtls_context *context;
	struct dtls_cert *cert;
	struct dtls_transport *t;
	struct dtls_event events[PAIR_EVENTS_MAX];
	size_t event_count;
	size_t sent;     /* datagrams */
	size_t largest;  /* bytes of one of them */
	size_t messages; /* records of application data received */
	uint8_t last[PKTBUF_PAYLOAD];
	size_t last_size;
	bool hold_data; /* do not pull application data */
};

struct dtls_pair {
	struct pair_end end[2];
	wlk_time now;
	wlk_time delay; /* one way */
	struct pair_datagram flight[PAIR_FLIGHT_MAX];
	size_t flight_count;
	uint64_t order;
	pair_link_fn link; /* NULL: everything arrives once */
	void *user;
	uint64_t rng;
	double loss;
	bool auto_restart; /* what peer/ does: restart a restartable end at once */
	size_t path_mtu;   /* larger datagrams are lost; 0: none */
};

/* Certificates, contexts and transports with |config|'s rtt, mtu and profiles (NULL: defaults); fingerprints are
 * exchanged. */
void pair_init(struct dtls_pair *p, const struct dtls_config *config);
/* Without fingerprints. */
void pair_init_blind(struct dtls_pair *p, const struct dtls_config *config);
void pair_free(struct dtls_pair *p);
void pair_exchange_fingerprints(struct dtls_pair *p);
/* SHA-256 line of a certificate. */
struct dtls_fingerprint pair_fingerprint(const struct dtls_cert *cert);

/* Server first, so that it hears the first ClientHello. */
void pair_start(struct dtls_pair *p);
/* Pull everything out of one end; checks that the drain is bounded. */
void pair_drain(struct dtls_pair *p, enum pair_side side);
/* Hand a datagram to one end and drain it. */
void pair_input(struct dtls_pair *p, enum pair_side side, const uint8_t *data, size_t size);
/* Deliver what is due next, or run the next timer; false when nothing will ever happen. Checks that deadlines move on.
 */
bool pair_step(struct dtls_pair *p, wlk_time limit);
/* Step until both are connected or |limit| [us of virtual time] is reached; answers whether they are. */
bool pair_connect(struct dtls_pair *p, wlk_time limit);
/* Step until |limit|. */
void pair_run(struct dtls_pair *p, wlk_time limit);
bool pair_connected(const struct dtls_pair *p);
/* Uniform in [0, 1). */
double pair_random(struct dtls_pair *p);
/* A link with p->loss each way, |loss|/2 duplicates and 10 % of the datagrams up to 50 ms late. */
unsigned int pair_rough_link(struct dtls_pair *p, enum pair_side to, const uint8_t *data, size_t size, wlk_time *delay);

#endif
