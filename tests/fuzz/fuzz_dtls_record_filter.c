/*
 * The record filter against a second, slow reading of R13: both must agree on what happens to every record.
 *
 * Input: one byte of set-up (role, phase, suite), then datagrams, each with two bytes of length.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dtls/record_filter.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact))                                                                                           \
			abort();                                                                                       \
	} while (0)

/* What the slow reader remembers: every fragment that was ever passed. */
struct passed {
	uint8_t type;
	uint32_t length;
	uint32_t seq;
	uint32_t offset;
	uint32_t size;
	uint8_t random[32];
	int has_random;
};

static struct passed history[512];
static size_t history_count;
static size_t trial_count; /* history plus the fragments of the record under judgement */

static uint64_t number(const uint8_t *p, size_t width)
{
	uint64_t value = 0;

	while (width--)
		value = value * 256 + *p++;
	return value;
}

static const struct passed *first_of(uint32_t seq)
{
	for (size_t i = 0; i < trial_count; i++) {
		if (history[i].seq == seq)
			return &history[i];
	}
	return NULL;
}

static const uint8_t *hello_random(void)
{
	for (size_t i = 0; i < trial_count; i++) {
		if (history[i].has_random)
			return history[i].random;
	}
	return NULL;
}

static uint64_t claimed_bytes(void)
{
	uint64_t sum = 0;

	for (uint32_t seq = 0; seq < 16; seq++)
		sum += first_of(seq) ? first_of(seq)->length : 0;
	return sum;
}

enum outcome { BAD, GOOD, OTHER_HELLO };

static enum outcome fragment_outcome(int server, const struct passed *m)
{
	const char *allowed = server ? "\1\13\17\20" : "\2\3\13\14\15\16";
	const struct passed *same = first_of(m->seq);
	const struct passed *hello = first_of(0);

	if (m->type == 0 || !strchr(allowed, m->type))
		return BAD;
	if (server && m->type == 1 && m->seq != 0)
		return BAD;
	if (server && m->type != 1 && !hello)
		return BAD;
	if (m->length > 32768 || (uint64_t)m->offset + m->size > m->length)
		return BAD;
	if ((m->type == 14) != (m->length == 0) || (m->size == 0 && m->type != 14))
		return BAD;
	if (m->type == 1 && hello &&
	    (hello->length != m->length ||
	     (m->has_random && hello_random() && memcmp(hello_random(), m->random, 32) != 0)))
		return OTHER_HELLO;
	if (m->seq > 15)
		return BAD;
	if (same && (same->type != m->type || same->length != m->length))
		return BAD;
	for (size_t i = 0; i < trial_count; i++) {
		if (history[i].type == 14 && history[i].seq < m->seq)
			return BAD;
	}
	if (!same && claimed_bytes() + m->length > 65536)
		return BAD;
	return GOOD;
}

static enum outcome handshake_outcome(int server, const uint8_t *body, size_t size)
{
	if (size == 0)
		return BAD;
	trial_count = history_count;
	while (size) {
		struct passed m = { 0 };
		enum outcome outcome;

		if (size < 12 || size - 12 < number(body + 9, 3))
			return BAD;
		m.type = body[0];
		m.length = (uint32_t)number(body + 1, 3);
		m.seq = (uint32_t)number(body + 4, 2);
		m.offset = (uint32_t)number(body + 6, 3);
		m.size = (uint32_t)number(body + 9, 3);
		if (m.type == 1 && m.offset == 0 && m.size >= 34) {
			m.has_random = 1;
			memcpy(m.random, body + 14, 32);
		}
		outcome = fragment_outcome(server, &m);
		if (outcome != GOOD)
			return outcome;
		CHECK(trial_count < sizeof(history) / sizeof(history[0]));
		history[trial_count++] = m;
		body += 12 + m.size;
		size -= 12 + m.size;
	}
	return GOOD;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t pass[2048], hold[2048];
	struct record_filter f;
	uint64_t next_seq = 0;
	int server, phase;

	if (size < 1)
		return 0;
	server = data[0] & 1;
	phase = (data[0] >> 1) % 3;
	record_filter_init(&f, server);
	f.phase = (enum record_phase)phase;
	f.sealed_min = data[0] & 8 ? DTLS_SEALED_MIN_GCM : DTLS_SEALED_MIN_CHACHA20;
	history_count = 0;
	data++;
	size--;
	while (size >= 2) {
		size_t length = (size_t)number(data, 2) % 2049;
		struct record_verdict v;
		size_t at = 0, passed = 0, held = 0;
		uint32_t dropped = 0;
		int other = 0;

		data += 2;
		size -= 2;
		if (length > size)
			length = size;
		if (history_count + 171 >
		    sizeof(history) / sizeof(history[0])) /* a datagram holds 170 headers at most */
			return 0;
		uint8_t *copy = malloc(length ? length : 1); /* exactly as large: an over-read is seen */
		memcpy(copy, data, length);
		if (f.phase == RECORD_PHASE_ESTABLISHED)
			(void)record_filter_all_pass(&f, copy, length);
		record_filter_run(&f, copy, length, pass, hold, &v);
		CHECK(memcmp(copy, data, length) == 0);
		while (at < length) {
			const uint8_t *r = data + at;
			size_t left = length - at;
			size_t body = left < 13 ? 0 : (size_t)number(r + 11, 2);
			unsigned int epoch;
			int verdict = 0; /* 1 pass, 2 hold */

			if (left < 13 || left - 13 < body) {
				dropped++;
				break;
			}
			epoch = (unsigned int)number(r + 3, 2);
			if (r[1] == 0xfe && (r[2] == 0xff || r[2] == 0xfd) && epoch == 0 && phase < 2) {
				if (r[0] == 20)
					verdict = phase == 0 && body == 1 && r[13] == 1;
				if (r[0] == 22) {
					enum outcome outcome = handshake_outcome(server, r + 13, body);

					other = other || outcome == OTHER_HELLO;
					if (outcome == GOOD && phase == 0) {
						verdict = 1;
						history_count = trial_count;
					}
				}
			} else if (r[1] == 0xfe && (r[2] == 0xff || r[2] == 0xfd) && epoch == 1 && r[0] > 20 &&
				   r[0] < 24 && body >= f.sealed_min) {
				verdict = phase == 2 || (phase == 1 && r[0] != 23) ? 1 : 2;
			}
			if (verdict == 1) {
				CHECK(memcmp(pass + passed, r, 5) == 0);
				CHECK(number(pass + passed + 5, 6) == (epoch ? number(r + 5, 6) : next_seq++));
				CHECK(memcmp(pass + passed + 11, r + 11, body + 2) == 0);
				passed += 13 + body;
			} else if (verdict == 2) {
				CHECK(memcmp(hold + held, r, 13 + body) == 0);
				held += 13 + body;
			} else {
				dropped++;
			}
			at += 13 + body;
		}
		CHECK(v.pass_size == passed && v.hold_size == held && v.dropped == dropped);
		CHECK(v.other_client_hello == (other != 0));
		CHECK(f.claimed <= DTLS_MESSAGES_MAX);
		if (f.phase == RECORD_PHASE_ESTABLISHED)
			CHECK(record_filter_all_pass(&f, copy, length) == (dropped == 0));
		free(copy);
		data += length;
		size -= length;
	}
	return 0;
}
