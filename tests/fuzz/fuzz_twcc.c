/*
 * Transport-wide feedback from end to end: packets arrive in any order and at any time, what is written about them is read back, and
 * tells of each packet when it came; nothing is told that did not come.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/alloc.h"
#include "media/recv/twcc_recv.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 600, MESSAGES_MAX = 64 };

/* When each of the 65,536 numbers came last, and whether it ever did. */
static wlk_time arrived[1 << 16];
static bool came[1 << 16];

/* The message knows the time modulo 2^24 * 64 ms, in steps of 250 us. */
static void check_time(const struct twcc_status *status)
{
	const int64_t cycle = ((int64_t)1 << 24) * TWCC_REFERENCE_US;
	int64_t off;

	CHECK(came[status->seq]);
	off = (status->arrival_us - arrived[status->seq]) % cycle;
	off = off < 0 ? off + cycle : off;
	CHECK(off <= TWCC_TICK_US || off >= cycle - TWCC_TICK_US);
}

static void read_back(const struct bytes_writer *w)
{
	struct rtcp_iter packets = rtcp_iter(w->start, w->size);
	struct twcc_feedback feedback;
	struct rtcp_packet packet;
	struct twcc_status status;
	struct twcc_iter iter;
	struct rtcp_fb fb;
	size_t count = 0;

	CHECK(rtcp_next(&packets, &packet) && packet.count == RTCP_FB_TRANSPORT_CC);
	CHECK(rtcp_fb_parse(&fb, &packet) == WLK_OK && twcc_feedback_parse(&feedback, &fb) == WLK_OK);
	iter = twcc_iter(&feedback);
	for (; twcc_next(&iter, &status); count++) {
		CHECK(status.seq == (uint16_t)(feedback.base_seq + count));
		if (status.received)
			check_time(&status);
	}
	CHECK(count == feedback.status_count && !rtcp_next(&packets, &packet) && !packets.malformed);
}

static void write_all(struct twcc_recv *t, wlk_time now)
{
	uint8_t message[1200];

	for (size_t i = 0; t->deadline <= now; i++) {
		struct bytes_writer w = bytes_writer(message, sizeof(message));

		CHECK(i < MESSAGES_MAX);
		if (!twcc_recv_write(t, now, 1, &w))
			continue;
		CHECK(bytes_writer_ok(&w) && w.size <= 1000);
		read_back(&w);
	}
}

/* Input: records of a step of the number (16 bits, signed), and one of the time (16 bits, in 100 us). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	struct twcc_recv t;
	uint16_t seq = bytes_u16(&r);
	wlk_time now = bytes_u32(&r);

	for (size_t i = 0; i < 1 << 16; i++)
		came[i] = false;
	twcc_recv_init(&t);
	for (int i = 0; i < RECORDS_MAX && r.left >= 4; i++) {
		struct twcc_recv before;

		seq = (uint16_t)(seq + bytes_u16(&r));
		now += (wlk_time)bytes_u16(&r) * 100;
		before = t;
		twcc_recv_on_packet(&t, now, seq, 2);
		/* A number that comes again is told of as it came first, one that is too old not at all. */
		if (!came[seq] || t.high != before.high || t.low != before.low || t.waiting != before.waiting || t.next != before.next) {
			came[seq] = true;
			arrived[seq] = now;
		}
		write_all(&t, now);
	}
	if (t.deadline != WLK_TIME_NEVER)
		write_all(&t, t.deadline);
	twcc_recv_free(&t);
	CHECK(alloc_live_blocks() == 0);
	return 0;
}
