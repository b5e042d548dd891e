#include "dtls_pair.h"

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"

#define UNIX_NOW 1800000000

static void end_init(struct pair_end *end, const struct dtls_config *config)
{
	struct dtls_config full = { .srtp_profiles = dtls_srtp_profiles_default, .srtp_profile_count = 3 };

	if (config)
		full = *config;
	assert(dtls_context_create(&end->context, NULL) == WLK_OK && "a context can be made");
	assert(dtls_cert_generate(&end->cert, UNIX_NOW) == WLK_OK && "a certificate can be made");
	full.context = end->context;
	full.cert = end->cert;
	assert(dtls_transport_create(&end->t, &full) == WLK_OK && "a transport can be made");
}

void pair_init_blind(struct dtls_pair *p, const struct dtls_config *config)
{
	memset(p, 0, sizeof(*p));
	p->now = 1000000;
	p->delay = 10 * MILLISECOND;
	p->rng = 1;
	end_init(&p->end[PAIR_CLIENT], config);
	end_init(&p->end[PAIR_SERVER], config);
}

struct dtls_fingerprint pair_fingerprint(const struct dtls_cert *cert)
{
	struct dtls_fingerprint f = { .hash = DTLS_HASH_SHA256 };

	assert(dtls_cert_fingerprint(cert, f.hash, f.digest, &f.size) == WLK_OK && "a digest can be computed");
	return f;
}

void pair_exchange_fingerprints(struct dtls_pair *p)
{
	struct dtls_fingerprint client = pair_fingerprint(p->end[PAIR_CLIENT].cert);
	struct dtls_fingerprint server = pair_fingerprint(p->end[PAIR_SERVER].cert);

	assert(dtls_transport_set_remote_fingerprints(p->end[PAIR_CLIENT].t, p->now, &server, 1) == WLK_OK &&
	       "accepted");
	assert(dtls_transport_set_remote_fingerprints(p->end[PAIR_SERVER].t, p->now, &client, 1) == WLK_OK &&
	       "accepted");
}

void pair_init(struct dtls_pair *p, const struct dtls_config *config)
{
	pair_init_blind(p, config);
	pair_exchange_fingerprints(p);
}

void pair_free(struct dtls_pair *p)
{
	for (size_t i = 0; i < 2; i++) {
		dtls_transport_destroy(p->end[i].t);
		dtls_cert_release(p->end[i].cert);
		dtls_context_destroy(p->end[i].context);
	}
	for (size_t i = 0; i < p->flight_count; i++)
		free(p->flight[i].data);
	p->flight_count = 0;
}

double pair_random(struct dtls_pair *p)
{
	p->rng = p->rng * 6364136223846793005u + 1442695040888963407u;
	return (double)(p->rng >> 40) / (double)(1 << 24);
}

unsigned int pair_rough_link(struct dtls_pair *p, enum pair_side to, const uint8_t *data, size_t size, wlk_time *delay)
{
	(void)to;
	(void)data;
	(void)size;
	if (pair_random(p) < p->loss)
		return 0;
	if (pair_random(p) < 0.1)
		*delay = (wlk_time)(pair_random(p) * 50e3);
	return pair_random(p) < p->loss / 2 ? 2 : 1;
}

static void launch(struct dtls_pair *p, enum pair_side to, const uint8_t *data, size_t size)
{
	wlk_time extra = 0;
	unsigned int copies = p->link ? p->link(p, to, data, size, &extra) : 1;

	if (p->path_mtu && size > p->path_mtu)
		return;
	while (copies-- > 0 && p->flight_count < PAIR_FLIGHT_MAX) {
		struct pair_datagram *d = &p->flight[p->flight_count++];

		*d = (struct pair_datagram){ p->now + p->delay + extra, p->order++, to, size, malloc(size) };
		assert(d->data && "the tests run with enough memory");
		memcpy(d->data, data, size);
	}
}

void pair_drain(struct dtls_pair *p, enum pair_side side)
{
	struct pair_end *end = &p->end[side];
	struct dtls_event event;
	struct pktbuf *buf;
	wlk_bytes data;
	size_t turns = 0;

	while (dtls_transport_poll_event(end->t, &event)) {
		assert(end->event_count < PAIR_EVENTS_MAX && "events are bounded");
		end->events[end->event_count++] = event;
	}
	while (!end->hold_data && dtls_transport_poll_data(end->t, p->now, &data)) {
		assert(data.size <= sizeof(end->last) && ++turns < 1000 && "a drain ends");
		end->messages++;
		memcpy(end->last, data.data, data.size);
		end->last_size = data.size;
	}
	while (dtls_transport_poll_event(end->t, &event)) {
		assert(end->event_count < PAIR_EVENTS_MAX && "events are bounded");
		end->events[end->event_count++] = event;
	}
	turns = 0;
	while (dtls_transport_poll_transmit(end->t, p->now, &buf)) {
		assert(++turns < 5000 && "a drain ends");
		end->sent++;
		end->largest = MAX(end->largest, buf->size);
		launch(p, side == PAIR_CLIENT ? PAIR_SERVER : PAIR_CLIENT, buf->data, buf->size);
		pktbuf_release(buf);
	}
	if (p->auto_restart && end->event_count && end->events[end->event_count - 1].restartable &&
	    dtls_transport_state(end->t) == DTLS_STATE_FAILED && dtls_transport_restart(end->t, p->now) == WLK_OK)
		pair_drain(p, side);
}

void pair_start(struct dtls_pair *p)
{
	assert(dtls_transport_start(p->end[PAIR_SERVER].t, p->now, DTLS_ROLE_SERVER) == WLK_OK && "started once");
	assert(dtls_transport_start(p->end[PAIR_CLIENT].t, p->now, DTLS_ROLE_CLIENT) == WLK_OK && "started once");
	pair_drain(p, PAIR_SERVER);
	pair_drain(p, PAIR_CLIENT);
}

void pair_input(struct dtls_pair *p, enum pair_side side, const uint8_t *data, size_t size)
{
	dtls_transport_input(p->end[side].t, p->now, data, size);
	pair_drain(p, side);
}

static size_t earliest(const struct dtls_pair *p)
{
	size_t best = 0;

	for (size_t i = 1; i < p->flight_count; i++) {
		const struct pair_datagram *a = &p->flight[i];
		const struct pair_datagram *b = &p->flight[best];

		if (a->at < b->at || (a->at == b->at && a->order < b->order))
			best = i;
	}
	return best;
}

bool pair_step(struct dtls_pair *p, wlk_time limit)
{
	size_t first = earliest(p);
	wlk_time next = p->flight_count ? p->flight[first].at : WLK_TIME_NEVER;
	bool arrival = true;

	for (size_t i = 0; i < 2; i++) {
		wlk_time due = dtls_transport_deadline(p->end[i].t);

		arrival = arrival && next <= due;
		next = time_min(next, due);
	}
	if (next == WLK_TIME_NEVER || next > limit)
		return false;
	p->now = MAX(p->now, next);
	if (arrival) {
		struct pair_datagram d = p->flight[first];

		p->flight[first] = p->flight[--p->flight_count];
		pair_input(p, d.to, d.data, d.size);
		free(d.data);
		return true;
	}
	for (int i = 0; i < 2; i++) {
		dtls_transport_handle_timeout(p->end[i].t, p->now);
		pair_drain(p, (enum pair_side)i);
		assert(dtls_transport_deadline(p->end[i].t) > p->now && "time-outs move on");
	}
	return true;
}

bool pair_connected(const struct dtls_pair *p)
{
	return dtls_transport_state(p->end[0].t) == DTLS_STATE_CONNECTED &&
	       dtls_transport_state(p->end[1].t) == DTLS_STATE_CONNECTED;
}

bool pair_connect(struct dtls_pair *p, wlk_time limit)
{
	while (!pair_connected(p) && pair_step(p, limit))
		;
	return pair_connected(p);
}

void pair_run(struct dtls_pair *p, wlk_time limit)
{
	while (pair_step(p, limit))
		;
	p->now = MAX(p->now, limit);
}
