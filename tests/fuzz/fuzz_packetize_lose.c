/* Cut a frame, lose some packets, join the rest: the frame comes back whole or not at all. */
#include <stdio.h>
#include <stdlib.h>

#include "media/rtp/payload.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 18 };

/* Through the packetizer and back; packets whose bit in |lost| is set are left out. False: the frame is lost. */
static bool pass(enum rtp_codec codec, wlk_bytes frame, size_t max_size, uint64_t lost, struct bytes_writer *out)
{
	struct payload_info info = PAYLOAD_INFO_NONE, each;
	struct depacketizer state = { 0 };
	struct packetizer p;
	uint8_t packet[1500];
	bool last = false, complete = true;

	payload_inspect(codec, frame, &info);
	info.picture_id = 300;
	if (packetizer_init(&p, codec, &info, frame, max_size, false) != WLK_OK)
		return false;
	for (size_t i = 0;; i++) {
		struct bytes_writer w = bytes_writer(packet, sizeof(packet));

		if (!packetizer_next(&p, &w, &last))
			break;
		CHECK(w.size && w.size <= max_size);
		/* Sequence numbers tell of a gap, so what comes behind one is not even offered. */
		complete = complete && !(lost >> (i % 64) & 1);
		if (complete)
			CHECK(payload_depacketize(codec, &state, &each, out, packet, w.size) == WLK_OK);
	}
	CHECK(last && bytes_writer_ok(out));
	CHECK(!complete || payload_is_whole(&state));
	return complete;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[ROOM], second[ROOM];
	struct bytes_reader r = bytes_reader(data, size);
	enum rtp_codec codec = (enum rtp_codec)(RTP_CODEC_OPUS + bytes_u8(&r) % (RTP_CODEC_AV1 - RTP_CODEC_OPUS + 1));
	size_t max_size = PAYLOAD_SIZE_MIN + (size_t)bytes_u8(&r) * 5;
	uint64_t lost = bytes_u64(&r);
	struct bytes_writer a = bytes_writer(first, ROOM), b = bytes_writer(second, ROOM);
	wlk_bytes frame = { r.at, r.left };

	if (size > ROOM / 8)
		return 0;
	if (pass(codec, frame, max_size, lost, &a)) {
		/* The form that came out is the form that decoders get: it passes unchanged, at another packet size too. */
		CHECK(pass(codec, (wlk_bytes){ first, a.size }, 1400, 0, &b) || rtp_codec_is_audio(codec));
		CHECK(rtp_codec_is_audio(codec) || (a.size == b.size && !memcmp(first, second, a.size)));
	}
	return 0;
}
