/*
 * A live handshake of two transports whose datagrams are dropped, duplicated, reordered, cut and changed by the input.
 *
 * Two bytes a step: what, and where. Oracle: the server knows the client's fingerprint and must never connect to
 * anybody else; the other side's certificate is wrong in every second run and must never be taken; what is delivered
 * was sent; memory stays bounded; deadlines move on (asserted by the pair).
 */
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/dtls_pair.h"
#include "core/rand.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact))                                                                                           \
			abort();                                                                                       \
	} while (0)

enum { HEAP_LIMIT = 512 * 1024 }; /* both sides together */

static size_t heap_used;

/* Counts what OpenSSL holds: the size is kept in front of each block. */
static void *heap_malloc(size_t size, const char *file, int line)
{
	size_t *block = malloc(size + 16);

	(void)file;
	(void)line;
	if (!block)
		return NULL;
	block[0] = size;
	heap_used += size;
	return (uint8_t *)block + 16;
}

static void heap_free(void *ptr, const char *file, int line)
{
	size_t *block = ptr ? (size_t *)(void *)((uint8_t *)ptr - 16) : NULL;

	(void)file;
	(void)line;
	if (!block)
		return;
	heap_used -= block[0];
	free(block);
}

static void *heap_realloc(void *ptr, size_t size, const char *file, int line)
{
	void *grown;
	size_t old;

	if (!ptr)
		return heap_malloc(size, file, line);
	old = *(size_t *)(void *)((uint8_t *)ptr - 16);
	grown = heap_malloc(size, file, line);
	if (!grown)
		return NULL;
	memcpy(grown, ptr, old < size ? old : size);
	heap_free(ptr, file, line);
	return grown;
}

static struct dtls_pair p;
static struct dtls_context *context;
static struct dtls_cert *certs[3];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	CHECK(CRYPTO_set_mem_functions(heap_malloc, heap_realloc, heap_free) == 1);
	rand_use_seed(42);
	CHECK(dtls_context_create(&context, NULL) == WLK_OK);
	for (int i = 0; i < 3; i++)
		CHECK(dtls_cert_generate(&certs[i], 1800000000) == WLK_OK);
	return 0;
}

static void set_up(int wrong_client)
{
	memset(&p, 0, sizeof(p));
	p.now = 1000000;
	p.delay = 10 * MILLISECOND;
	p.rng = 1;
	p.auto_restart = true;
	for (int i = 0; i < 2; i++) {
		struct dtls_config config = { .context = context,
					      .cert = certs[i == 0 && wrong_client ? 2 : i],
					      .rtt_us = 20 * MILLISECOND,
					      .srtp_profiles = dtls_srtp_profiles_default,
					      .srtp_profile_count = 3 };
		struct dtls_fingerprint other = pair_fingerprint(certs[!i]);

		CHECK(dtls_transport_create(&p.end[i].t, &config) == WLK_OK);
		CHECK(dtls_transport_set_remote_fingerprints(p.end[i].t, p.now, &other, 1) == WLK_OK);
	}
}

static void take_down(void)
{
	for (int i = 0; i < 2; i++)
		dtls_transport_destroy(p.end[i].t);
	while (p.flight_count)
		free(p.flight[--p.flight_count].data);
	CHECK(dtls_context_half_open(context) == 0);
}

/* OpenSSL gives back what it had kept from earlier runs, too: the heap may be below where this run began. */
static void check_heap(size_t base)
{
	if (heap_used < base + HEAP_LIMIT)
		return;
	fprintf(stderr, "the two sides hold %zu bytes of OpenSSL's heap\n", heap_used - base);
	abort();
}

/* Change the datagram that was sent last. */
static void change(uint8_t how, uint8_t where, const uint8_t *data, size_t size)
{
	struct pair_datagram *d = p.flight_count ? &p.flight[p.flight_count - 1] : NULL;
	size_t at = d ? (size_t)where * d->size / 256 : 0;

	if (!d)
		return;
	switch (how % 8) {
	case 0: /* lost */
		free(d->data);
		p.flight_count--;
		break;
	case 1: /* twice, unchanged */
		pair_input(&p, d->to, d->data, d->size);
		break;
	case 2: /* late */
		d->at += (wlk_time)where * MILLISECOND;
		break;
	case 3: /* a changed copy comes first */
	case 4: {
		uint8_t copy[2048];

		memcpy(copy, d->data, d->size);
		copy[how & 1 ? at : where % 80u % d->size] ^= size ? data[0] | 1 : 1;
		pair_input(&p, d->to, copy, d->size);
		break;
	}
	case 5: /* a cut copy */
		if (at)
			pair_input(&p, d->to, d->data, at);
		break;
	case 6: /* reflected */
		pair_input(&p, d->to == PAIR_CLIENT ? PAIR_SERVER : PAIR_CLIENT, d->data, d->size);
		break;
	case 7: /* bytes of the input behind a copy of its beginning */
		if (d->size >= 25 && size >= 1) {
			uint8_t copy[2048];
			size_t keep = where % 2 ? 25 : 13;
			size_t add = MIN(size, MIN(d->size - keep, (size_t)200));

			memcpy(copy, d->data, d->size);
			memcpy(copy + keep, data, add);
			pair_input(&p, d->to, copy, d->size);
		}
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int wrong_client;
	int steps = 120;
	size_t base;

	if (size < 2)
		return 0;
	rand_use_seed(1000 + data[0]);
	wrong_client = data[0] & 1;
	base = heap_used;
	set_up(wrong_client);
	pair_start(&p);
	for (data++, size--; size >= 2 && steps-- > 0; data += 2, size -= 2) {
		if (data[0] & 0x80)
			change(data[0], data[1], data + 2, size - 2);
		else if (!pair_step(&p, p.now + 40 * SECOND))
			break;
		check_heap(base);
		/* R14: the server never takes the wrong client, and hears nothing of it */
		if (wrong_client) {
			CHECK(dtls_transport_state(p.end[PAIR_SERVER].t) != DTLS_STATE_CONNECTED);
			CHECK(p.end[PAIR_SERVER].messages == 0);
		}
		/* a handshake costs a millisecond: enough of them for one input */
		if (dtls_transport_stats(p.end[0].t)->restarts + dtls_transport_stats(p.end[1].t)->restarts > 4)
			p.auto_restart = false;
		for (int i = 0; i < 2; i++) {
			if (dtls_transport_state(p.end[i].t) == DTLS_STATE_CONNECTED && p.end[i].sent < 300) {
				(void)dtls_transport_send(p.end[i].t, p.now, (const uint8_t *)"true", 4);
				pair_drain(&p, (enum pair_side)i);
			}
			CHECK(p.end[i].last_size == 0 ||
			      (p.end[i].last_size == 4 && memcmp(p.end[i].last, "true", 4) == 0));
		}
	}
	take_down();
	return 0;
}
