#include "encoded.h"

#include <string.h>

static uint8_t mix(uint32_t number, size_t at)
{
	uint32_t x = number * 2654435761u + (uint32_t)at * 40503u;

	return (uint8_t)((x >> 13) | 1); /* odd: neither start codes nor trailing zeros come about */
}

static size_t put(uint8_t *out, size_t at, const void *bytes, size_t size)
{
	memcpy(out + at, bytes, size);
	return at + size;
}

/* The number, in bytes that are never zero, then filling. */
static void body(uint8_t *out, uint32_t number, size_t size)
{
	for (size_t i = 0; i < 4; i++)
		out[i] = (uint8_t)(0x80 | (number >> (7 * i) & 0x7f));
	for (size_t i = 4; i < size; i++)
		out[i] = mix(number, i);
}

static uint32_t number_in(const uint8_t *at)
{
	return (at[0] & 0x7fu) | (at[1] & 0x7fu) << 7 | (at[2] & 0x7fu) << 14 | (at[3] & 0x7fu) << 21;
}

static size_t leb128(uint8_t *out, size_t value)
{
	size_t size = 0;

	for (; value >= 0x80; value >>= 7)
		out[size++] = (uint8_t)(value | 0x80);
	out[size++] = (uint8_t)value;
	return size;
}

/* What stands in front of the body, so that the frame looks like one of its codec; answers its size. */
static size_t head(wlk_codec codec, bool key, size_t body_size, uint8_t *out)
{
	static const uint8_t vp8_key[] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01 };
	static const uint8_t vp9_key[] = { 0x82, 0x49, 0x83, 0x42, 0x20, 0x27, 0xf0, 0x16, 0x70, 0x00 };
	static const uint8_t h264_key[] = { 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x84, 0, 0, 3, 0,
					    4, 0, 0, 3, 0, 0xf0, 0x3c, 0x60, 0xca, 0x80, 0, 0, 0, 1, 0x68, 0xce, 0x0f, 0x19, 0x20,
					    0, 0, 0, 1, 0x65 };
	static const uint8_t h264_inter[] = { 0, 0, 0, 1, 0x41 };
	static const uint8_t av1_key[] = { 0x0a, 0x03, 0x01, 0x01, 0x01 };
	size_t at = 0;

	switch (codec) {
	case WLK_CODEC_VP8:
		return key ? put(out, 0, vp8_key, sizeof(vp8_key)) : put(out, 0, "\x31", 1);
	case WLK_CODEC_VP9:
		return key ? put(out, 0, vp9_key, sizeof(vp9_key)) : put(out, 0, "\x86", 1);
	case WLK_CODEC_H264:
		return key ? put(out, 0, h264_key, sizeof(h264_key)) : put(out, 0, h264_inter, sizeof(h264_inter));
	case WLK_CODEC_AV1:
		if (key)
			at = put(out, 0, av1_key, sizeof(av1_key));
		out[at++] = 0x32;
		at += leb128(out + at, body_size + 1);
		out[at++] = key ? 0x10 : 0x30;
		return at;
	default:
		return put(out, 0, "\x78", 1); /* Opus, 20 ms */
	}
}

size_t encoded_make(wlk_codec codec, bool key, uint32_t number, size_t body_size, uint8_t *out)
{
	size_t at = head(codec, key, body_size, out);

	body(out + at, number, body_size);
	return at + body_size;
}

/* How long the body of a frame is, whose head may tell its size. */
static size_t head_of(wlk_codec codec, bool key, size_t size)
{
	uint8_t begin[ENCODED_HEAD_MAX];

	for (size_t body = size > ENCODED_HEAD_MAX ? size - ENCODED_HEAD_MAX : 0; body < size; body++)
		if (head(codec, key, body, begin) + body == size)
			return size - body;
	return size;
}

uint32_t encoded_number(wlk_codec codec, bool key, const uint8_t *data, size_t size)
{
	size_t at = head_of(codec, key, size);

	return at + ENCODED_BODY_MIN <= size ? number_in(data + at) : UINT32_MAX;
}
