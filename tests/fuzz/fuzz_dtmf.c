/* Telephone events: reports are written as they were read, but for the reserved bit. */
#include <stdio.h>
#include <stdlib.h>

#include "media/rtp/dtmf.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dtmf_event event;
	size_t count = 0;

	while (dtmf_parse(&event, data, size, count) == WLK_OK) {
		uint8_t out[DTMF_PAYLOAD_SIZE];
		struct bytes_writer w = bytes_writer(out, sizeof(out));
		char tone = dtmf_tone_of_event(event.event);

		dtmf_write(&w, &event);
		CHECK(w.size == sizeof(out) && out[0] == data[4 * count] && out[1] == (data[4 * count + 1] & 0xbf));
		CHECK(!memcmp(out + 2, data + 4 * count + 2, 2));
		CHECK(!tone || dtmf_event_of_tone(tone) == event.event);
		count++;
	}
	CHECK(count == (size % 4 ? 0 : size / 4));
	return 0;
}
