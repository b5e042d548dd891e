/* RTP header and extensions: what parses is written back and parses to the same; extensions survive being rebuilt. */
#include <stdio.h>
#include <stdlib.h>

#include "media/rtp/ext.h"
#include "media/rtp/packet.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_bytes(wlk_bytes a, wlk_bytes b)
{
	return a.size == b.size && (!a.size || !memcmp(a.data, b.data, a.size));
}

static void check_round_trip(const struct rtp_packet *p, size_t size)
{
	struct rtp_packet again;
	uint8_t *out = malloc(size);
	struct bytes_writer w = bytes_writer(out, size);

	rtp_write(&w, p);
	CHECK(bytes_writer_ok(&w) && w.size == size);
	CHECK(rtp_parse(&again, out, size) == WLK_OK);
	CHECK(again.marker == p->marker && again.pt == p->pt && again.seq == p->seq && again.ssrc == p->ssrc);
	CHECK(again.timestamp == p->timestamp && again.padding == p->padding && again.header_size == p->header_size);
	CHECK(again.csrc_count == p->csrc_count && !memcmp(again.csrc, p->csrc, 4u * p->csrc_count));
	CHECK(again.has_ext == p->has_ext && again.ext_profile == p->ext_profile);
	CHECK(same_bytes(again.ext, p->ext) && same_bytes(again.payload, p->payload));
	free(out);
}

static void read_typed(wlk_bytes data)
{
	struct rtp_video_orientation orientation;
	struct rtp_playout_delay delay;
	struct rtp_audio_level level;
	uint32_t time;
	uint16_t seq;
	uint8_t out[3];

	if (rtp_ext_video_orientation(data, &orientation)) {
		rtp_ext_put_video_orientation(out, &orientation);
		CHECK(out[0] == (data.data[0] & 0x0f));
	}
	if (rtp_ext_playout_delay(data, &delay)) {
		rtp_ext_put_playout_delay(out, &delay);
		CHECK(!memcmp(out, data.data, 3));
	}
	if (rtp_ext_audio_level(data, &level)) {
		rtp_ext_put_audio_level(out, &level);
		CHECK(out[0] == data.data[0]);
	}
	if (rtp_ext_abs_send_time(data, &time)) {
		/* 2^-18 s are finer than 4 us: through microseconds and back it is the same number. */
		rtp_ext_put_abs_send_time(out, (wlk_time)(((uint64_t)time * 1000000 + (1 << 17)) >> 18));
		CHECK(!memcmp(out, data.data, 3));
	}
	(void)rtp_ext_transport_cc(data, &seq);
}

static void check_extensions(const struct rtp_packet *p)
{
	struct rtp_ext items[64], ext;
	size_t offsets[64], count = 0, total = 0;
	uint8_t out[64 * 260];
	struct bytes_writer w = bytes_writer(out, sizeof(out));
	struct rtp_ext_iter iter = rtp_ext_iter(p);

	while (count < 64 && rtp_ext_next(&iter, &ext)) {
		CHECK(ext.id != 0);
		CHECK(ext.data.size == 0 ||
		      (ext.data.data >= p->ext.data && ext.data.data + ext.data.size <= p->ext.data + p->ext.size));
		total += ext.data.size;
		read_typed(ext.data);
		items[count++] = ext;
	}
	CHECK(total <= p->ext.size);
	size_t size = rtp_ext_write(&w, items, count, true, offsets);

	CHECK(bytes_writer_ok(&w) && size % 4 == 0 && (size > 0) == (count > 0));
	if (!size)
		return;
	struct rtp_packet rebuilt = { .has_ext = true, .ext_profile = load_u16(out), .ext = { out + 4, size - 4 } };

	iter = rtp_ext_iter(&rebuilt);
	for (size_t i = 0; i < count; i++) {
		CHECK(rtp_ext_next(&iter, &ext));
		CHECK(ext.id == items[i].id && same_bytes(ext.data, items[i].data));
		CHECK(!ext.data.size || out + offsets[i] == ext.data.data);
	}
	CHECK(!rtp_ext_next(&iter, &ext));
	w = bytes_writer(out, sizeof(out));
	(void)rtp_ext_write(&w, items, count, false, NULL);
	CHECK(!w.size || load_u16(out) == 0xbede);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtp_packet p;
	struct rtp_peek peek;
	bool peeked = rtp_peek(&peek, data, size);

	enum rtp_ext_kind kind = rtp_ext_from_uri((const char *)data, size);

	CHECK(kind == RTP_EXT_KINDS || (strlen(rtp_ext_uri(kind)) == size && !memcmp(rtp_ext_uri(kind), data, size)));
	CHECK(kind == RTP_EXT_KINDS || !rtp_ext_is_end_to_end(kind) || kind >= RTP_EXT_AUDIO_LEVEL);
	(void)rtp_is_rtcp(data, size);
	if (rtp_parse(&p, data, size) != WLK_OK)
		return 0;
	CHECK(peeked && peek.ssrc == p.ssrc && peek.seq == p.seq && peek.pt == p.pt && peek.timestamp == p.timestamp);
	CHECK(p.header_size + p.payload.size + p.padding == size);
	check_round_trip(&p, size);
	check_extensions(&p);
	return 0;
}
