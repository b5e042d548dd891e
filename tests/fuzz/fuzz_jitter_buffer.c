/* The delay of pictures by any arrivals, sizes and jumps: it stays within its bounds, follows wishes, and a picture is shown not much too late. */
#include <stdio.h>
#include <stdlib.h>

#include "core/bytes.h"
#include "core/err.h"
#include "media/recv/jitter_buffer.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct jitter_buffer *j, wlk_time wish, wlk_time minimum)
{
	wlk_time least = MIN(MAX(wish, minimum), (wlk_time)JITTER_DELAY_MAX_US);

	CHECK(jitter_buffer_delay(j) >= least && jitter_buffer_delay(j) <= JITTER_DELAY_MAX_US);
	CHECK(jitter_buffer_target(j) >= least && jitter_buffer_target(j) <= JITTER_DELAY_MAX_US);
	CHECK(j->total >= 0 && j->total < 1e4);
	for (size_t i = 0; i < JITTER_BINS; i++)
		CHECK(j->bins[i] >= 0 && j->bins[i] <= j->total + 1e-6);
}

/* Input: clock; records of what u8, ticks u16 (signed, of 1 ms), time u16 (0.1 ms), size u16. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	struct jitter_buffer j;
	struct jitter_frame frame = { .timestamp = 0 };
	wlk_time wish = 0, minimum = 0;
	uint32_t clock_hz = bytes_u8(&r) % 2 ? 90000 : 1000, resets;

	jitter_buffer_init(&j, clock_hz);
	while (r.left >= 7) {
		uint8_t what = bytes_u8(&r);
		uint32_t ticks = (uint32_t)(int16_t)bytes_u16(&r) * (clock_hz / 1000);
		wlk_time shown;

		frame.timestamp += what & 1 ? ticks * 16384 : ticks;
		frame.arrival += (wlk_time)bytes_u16(&r) * (what & 2 ? 10000 : 100);
		frame.size = bytes_u16(&r) * (what & 4 ? 256u : 1u);
		frame.recovered = what & 8;
		if (what & 16)
			jitter_buffer_set_wish(&j, wish = (wlk_time)frame.size * 100);
		if (what & 32)
			jitter_buffer_set_minimum(&j, minimum = (wlk_time)frame.size * 50);
		resets = j.resets;
		jitter_buffer_on_frame(&j, &frame, what & 64 ? 300000 : 0);
		CHECK(j.started && j.resets - resets <= 1);
		check(&j, wish, minimum);
		shown = jitter_buffer_render_time(&j, frame.timestamp);
		/* R25: not beyond the jump that begins anew, and the longest delay. */
		CHECK(shown <= frame.arrival + JITTER_JUMP_US + JITTER_DELAY_MAX_US);
		CHECK(shown >= frame.arrival - JITTER_JUMP_US - JITTER_WINDOW_US);
	}
	return 0;
}
