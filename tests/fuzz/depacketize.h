/* Payloads of one codec, one behind the other: a frame never grows beyond what was promised, errors leave the info alone. */
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

enum { PIECES_MAX = 4096 };

/* What came out whole can be cut again, into packets of any size, and comes back as it was. */
static void check_again(enum rtp_codec codec, wlk_bytes frame, struct payload_info info, size_t max_size)
{
	struct depacketizer state = { 0 };
	struct packetizer p;
	uint8_t packet[1500], *room = malloc(4 * frame.size + 64 + PIECES_MAX);
	struct bytes_writer out = bytes_writer(room, 4 * frame.size + 64 + PIECES_MAX);
	bool last = false;
	size_t count = 0;

	info = PAYLOAD_INFO_NONE;
	payload_inspect(codec, frame, &info);
	if (codec == RTP_CODEC_VP8 || codec == RTP_CODEC_VP9)
		info.picture_id = 5;
	if (codec != RTP_CODEC_RED && packetizer_init(&p, codec, &info, frame, max_size, false) == WLK_OK) {
		size_t bound = packetizer_bound(&p);

		for (;;) {
			struct bytes_writer w = bytes_writer(packet, sizeof(packet));

			if (!packetizer_next(&p, &w, &last))
				break;
			CHECK(w.size && w.size <= max_size && ++count <= bound);
			CHECK(payload_depacketize(codec, &state, &info, &out, packet, w.size) == WLK_OK);
		}
		CHECK(last && payload_is_whole(&state) && bytes_writer_ok(&out));
		/* H.264 and AV1 have several ways to write the same. Through the mill once more nothing changes. */
		if (codec != RTP_CODEC_H264 && codec != RTP_CODEC_AV1)
			CHECK(out.size == frame.size && !memcmp(room, frame.data, frame.size));
	}
	free(room);
}

/* Input: packet size, then payloads behind 2 bytes of length each. */
static int fuzz_depacketize(enum rtp_codec codec, const uint8_t *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	size_t capacity = 4 * size + 64 * 1024, max_size = PAYLOAD_SIZE_MIN + (size_t)bytes_u8(&r) * 5;
	uint8_t *room = malloc(capacity);
	struct bytes_writer out = bytes_writer(room, capacity);
	struct depacketizer state = { 0 };
	struct payload_info info = PAYLOAD_INFO_NONE;

	for (size_t i = 0; i < 512 && r.left; i++) {
		size_t length = bytes_u16(&r) % 2048;
		wlk_bytes payload = bytes_slice(&r, MIN(length, r.left));
		struct payload_info before = info;
		size_t at = out.size;
		uint8_t *copy = malloc(payload.size + 1); /* so that a read past the end is seen */

		memcpy(copy, payload.data ? payload.data : room, payload.size);
		if (out.capacity - out.size < payload_growth(payload.size)) {
			free(copy);
			break;
		}
		if (payload_depacketize(codec, &state, &info, &out, copy, payload.size) == WLK_OK) {
			CHECK(out.size - MIN(at, out.size) <= payload_growth(payload.size) && bytes_writer_ok(&out));
			CHECK(info.spatial < 8 && info.temporal < 8 && info.ref_count <= PAYLOAD_REFS_MAX);
			CHECK(info.picture_id < 0x8000);
		} else {
			CHECK(!memcmp(&info, &before, sizeof(info)));
			out.size = 0;
			state = (struct depacketizer){ 0 };
		}
		free(copy);
	}
	if (out.size && payload_is_whole(&state))
		check_again(codec, (wlk_bytes){ room, out.size }, info, max_size);
	free(room);
	return 0;
}
