/* Single attribute values: what a codec reads, it writes, and reads again as the same. The first byte picks the codec.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdp/attr.h"
#include "sdp/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(fact)                                                                                                  \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact);                             \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

#define ROUND_TRIP(type, parse, write)                                                                                 \
	do {                                                                                                           \
		type first, second;                                                                                    \
		memset(&first, 0, sizeof(first));                                                                      \
		memset(&second, 0, sizeof(second));                                                                    \
		if (!parse(value, &first))                                                                             \
			break;                                                                                         \
		write(&first, &text);                                                                                  \
		require(text_ok(&text));                                                                               \
		require(parse((struct str){ text.at, text.size }, &second));                                           \
		write(&second, &again);                                                                                \
		require(text.size == again.size && !memcmp(text.at, again.at, text.size));                             \
	} while (0)

static void walk_lists(struct str value)
{
	struct sdp_simulcast_stream stream;
	struct sdp_param param;
	struct str rest = value;
	size_t steps = 0;

	while (sdp_simulcast_next(&rest, &stream))
		require(++steps <= value.size + 1 && stream.rid.size <= value.size);
	rest = value;
	steps = 0;
	while (sdp_fmtp_next(&rest, &param))
		require(++steps <= value.size + 1 && param.name.size + param.value.size <= value.size);
}

/* A profile written with its own level is read as the same profile and level. */
static void h264(struct str value)
{
	struct sdp_h264_level level, again;
	char id[7];

	if (!sdp_h264_parse(value, &level))
		return;
	sdp_h264_write(&level, level.level_x20, id);
	require(sdp_h264_parse((struct str){ id, 6 }, &again));
	require(again.level_x20 == level.level_x20);
	if (level.profile != SDP_H264_UNKNOWN)
		require(again.profile == level.profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str value = { (const char *)data + 1, size - 1 };
	struct text text, again;

	if (!size)
		return 0;
	text_init(&text);
	text_init(&again);
	switch (data[0] % 7) {
	case 0:
		ROUND_TRIP(struct sdp_fingerprint, sdp_fingerprint_parse, sdp_fingerprint_write);
		break;
	case 1:
		ROUND_TRIP(struct sdp_extmap, sdp_extmap_parse, sdp_extmap_write);
		break;
	case 2:
		ROUND_TRIP(struct sdp_codec, sdp_rtpmap_parse, sdp_rtpmap_write);
		break;
	case 3:
		ROUND_TRIP(struct sdp_rid, sdp_rid_parse, sdp_rid_write);
		break;
	case 4:
		ROUND_TRIP(struct sdp_simulcast, sdp_simulcast_parse, sdp_simulcast_write);
		break;
	case 5:
		walk_lists(value);
		break;
	default:
		h264(value);
	}
	text_free(&text);
	text_free(&again);
	return 0;
}
