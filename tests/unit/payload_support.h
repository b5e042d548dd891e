/* Cuts frames and puts them together again, as all tests of payload formats do. */
#ifndef PAYLOAD_SUPPORT_H
#define PAYLOAD_SUPPORT_H

#include "media_support.h"

#include "media/rtp/payload.h"

enum { PAYLOADS_MAX = 600, PAYLOAD_ROOM = 1500, FRAME_ROOM = 400000 };

struct payloads {
	uint8_t data[PAYLOADS_MAX][PAYLOAD_ROOM];
	size_t size[PAYLOADS_MAX];
	size_t count;
};

/* All payloads of a frame; each at most |max_size|, no more than the bound says. */
static inline wlk_err cut(struct payloads *out, enum rtp_codec codec, const struct payload_info *info, wlk_bytes frame,
			  size_t max_size, bool single_nal)
{
	struct packetizer p;
	bool last = false;
	wlk_err err = packetizer_init(&p, codec, info, frame, max_size, single_nal);
	size_t bound;

	out->count = 0;
	if (err)
		return err;
	bound = packetizer_bound(&p);
	for (;;) {
		struct bytes_writer w = bytes_writer(out->data[out->count], PAYLOAD_ROOM);

		if (!packetizer_next(&p, &w, &last))
			break;
		assert_true(w.size >= 1 && w.size <= max_size);
		out->size[out->count++] = w.size;
		assert_true(out->count <= bound && out->count < PAYLOADS_MAX);
	}
	assert_true(last);
	return WLK_OK;
}

/* The frame that the payloads make, into |frame|; |info| of the first one. */
static inline wlk_err join(struct bytes_writer *frame, struct payload_info *info, enum rtp_codec codec,
			   const struct payloads *in)
{
	struct depacketizer state = { 0 };
	struct payload_info each;

	for (size_t i = 0; i < in->count; i++) {
		wlk_err err = payload_depacketize(codec, &state, &each, frame, in->data[i], in->size[i]);

		if (err)
			return err;
		if (!i)
			*info = each;
		assert_int_equal(each.is_continuation && codec != RTP_CODEC_H264 && codec != RTP_CODEC_AV1,
				 i > 0 && codec != RTP_CODEC_H264 && codec != RTP_CODEC_AV1);
	}
	return payload_is_whole(&state) ? WLK_OK : WLK_ERR_PARSE;
}

/* Cut and join: the frame comes back as |expected|. */
static inline void assert_round_trip(enum rtp_codec codec, const struct payload_info *info, wlk_bytes frame,
				     wlk_bytes expected, size_t max_size)
{
	struct payloads *payloads = test_malloc(sizeof(*payloads));
	uint8_t *room = test_malloc(FRAME_ROOM);
	struct bytes_writer w = bytes_writer(room, FRAME_ROOM);
	struct payload_info first;

	assert_int_equal(cut(payloads, codec, info, frame, max_size, false), WLK_OK);
	assert_int_equal(join(&w, &first, codec, payloads), WLK_OK);
	assert_int_equal(w.size, expected.size);
	assert_memory_equal(w.start, expected.data, expected.size);
	test_free(room);
	test_free(payloads);
}

/* Bytes that depend on their place, never two zeros in a row. */
static inline void fill(uint8_t *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(i * 7 + i / 256 + 1) | 1;
}

#endif
