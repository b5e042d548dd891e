#include "media/codec/bitstream.h"
#include "core/bits.h"
#include <string.h>

/* ---- VP8: RFC 6386 9.1 ---- */

static wlk_err peek_vp8(const uint8_t *data, size_t size, struct video_peek *out)
{
	if (size < 3)
		return WLK_ERR_PARSE;
	out->is_key = !(data[0] & 1);
	if (!out->is_key)
		return WLK_OK;
	if (size < 10 || data[3] != 0x9d || data[4] != 0x01 || data[5] != 0x2a)
		return WLK_ERR_PARSE;
	out->width = (data[6] | (uint32_t)data[7] << 8) & 0x3fff;
	out->height = (data[8] | (uint32_t)data[9] << 8) & 0x3fff;
	return out->width && out->height ? WLK_OK : WLK_ERR_PARSE;
}

/* ---- VP9: bitstream specification 6.2 and 7.2, uncompressed_header() ---- */

enum { VP9_SYNC = 0x498342, VP9_SRGB = 7, VP9_REFS = 3 };

static void vp9_size(struct bits_reader *b, struct video_peek *out)
{
	out->width = bits_get(b, 16) + 1;
	out->height = bits_get(b, 16) + 1;
}

/* color_config(). False: a combination that is reserved. */
static bool vp9_color(struct bits_reader *b, unsigned profile)
{
	if (profile >= 2)
		bits_get(b, 1); /* ten_or_twelve_bit */
	if (bits_get(b, 3) != VP9_SRGB) {
		bits_get(b, 1); /* color_range */
		if (profile == 1 || profile == 3)
			bits_get(b, 3); /* subsampling and a reserved bit */
		return true;
	}
	if (profile != 1 && profile != 3)
		return false;
	bits_get(b, 1);
	return true;
}

static wlk_err peek_vp9_frame(wlk_bytes frame, struct video_peek *out)
{
	struct bits_reader b = bits_reader(frame.data, frame.size);

	if (bits_get(&b, 2) != 2)
		return WLK_ERR_PARSE;
	unsigned profile = bits_get(&b, 1);

	profile |= bits_get(&b, 1) << 1;
	if (profile == 3 && bits_get(&b, 1))
		return WLK_ERR_PARSE;
	if (bits_get(&b, 1)) { /* show_existing_frame */
		bits_get(&b, 3);
		return !bits_ok(&b) ? WLK_ERR_PARSE : WLK_OK;
	}
	bool is_key = !bits_get(&b, 1), is_shown = bits_get(&b, 1), is_resilient = bits_get(&b, 1), is_intra_only = false;
	bool color_ok = true;

	if (is_key) {
		if (bits_get(&b, 24) != VP9_SYNC)
			return WLK_ERR_PARSE;
		color_ok = vp9_color(&b, profile);
		vp9_size(&b, out);
	} else {
		is_intra_only = !is_shown && bits_get(&b, 1);
		if (!is_resilient)
			bits_get(&b, 2); /* reset_frame_context */
		if (is_intra_only) {
			if (bits_get(&b, 24) != VP9_SYNC)
				return WLK_ERR_PARSE;
			if (profile > 0)
				color_ok = vp9_color(&b, profile);
			bits_get(&b, 8); /* refresh_frame_flags */
			vp9_size(&b, out);
		} else {
			unsigned refs = 0;

			bits_get(&b, 8 + VP9_REFS * 4);
			while (refs < VP9_REFS && !bits_get(&b, 1)) /* found_ref: the size of that one */
				refs++;
			if (refs == VP9_REFS)
				vp9_size(&b, out);
		}
	}
	out->is_key = is_key;
	return !bits_ok(&b) || !color_ok ? WLK_ERR_PARSE : WLK_OK;
}

wlk_err vp9_superframe_parse(struct vp9_superframe *out, const uint8_t *data, size_t size)
{
	if (!size)
		return WLK_ERR_PARSE;
	unsigned marker = data[size - 1], count = (marker & 7) + 1, width = (marker >> 3 & 3) + 1;
	size_t index_size = 2 + (size_t)count * width, at = 0;

	if ((marker & 0xe0) != 0xc0 || size < index_size || data[size - index_size] != marker) {
		*out = (struct vp9_superframe){ .count = 1, .frames = { { data, size } } };
		return WLK_OK;
	}
	*out = (struct vp9_superframe){ 0 };
	for (unsigned i = 0; i < count; i++) {
		const uint8_t *entry = data + size - index_size + 1 + (size_t)i * width;
		size_t frame_size = 0;

		for (unsigned byte = 0; byte < width; byte++)
			frame_size |= (size_t)entry[byte] << (8 * byte);
		if (frame_size > size - index_size - at)
			return WLK_ERR_PARSE;
		if (frame_size)
			out->frames[out->count++] = (wlk_bytes){ data + at, frame_size };
		at += frame_size;
	}
	return out->count ? WLK_OK : WLK_ERR_PARSE;
}

/* A superframe is a key frame when its first frame is; its size is the largest that any of its frames has. */
static wlk_err peek_vp9(const uint8_t *data, size_t size, struct video_peek *out)
{
	struct vp9_superframe super;
	wlk_err err = vp9_superframe_parse(&super, data, size);

	for (size_t i = 0; !err && i < super.count; i++) {
		struct video_peek one = { 0 };

		err = peek_vp9_frame(super.frames[i], &one);
		if (i == 0)
			out->is_key = one.is_key;
		if ((uint64_t)one.width * one.height > (uint64_t)out->width * out->height) {
			out->width = one.width;
			out->height = one.height;
		}
	}
	return err;
}

/* ---- H.264: 7.3.1 and 7.3.2.1.1, Annex B ---- */

enum { NAL_IDR = 5, NAL_SPS = 7, NAL_SUBSET_SPS = 15, SPS_BYTES = 64 };

static void skip_scaling_list(struct bits_reader *b, unsigned count)
{
	uint32_t last = 8, next = 8;

	for (unsigned i = 0; i < count && bits_ok(b); i++) {
		if (next) {
			uint32_t code = bits_ue(b), delta = code & 1 ? (code + 1) / 2 : 0u - code / 2;

			next = (last + delta) & 0xff;
		}
		last = next ? next : last;
	}
}

/* chroma_format_idc and what follows it in the high profiles. Answers chroma_format_idc. */
static uint32_t sps_high_profile(struct bits_reader *b)
{
	uint32_t chroma_format = bits_ue(b);

	if (chroma_format == 3)
		bits_get(b, 1);
	bits_ue(b);
	bits_ue(b);
	bits_get(b, 1);
	if (bits_get(b, 1))
		for (unsigned i = 0; i < (chroma_format == 3 ? 12u : 8u); i++)
			if (bits_get(b, 1))
				skip_scaling_list(b, i < 6 ? 16 : 64);
	return chroma_format;
}

static bool is_high_profile(unsigned profile)
{
	static const uint8_t high[] = { 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135 };

	return memchr(high, (int)profile, sizeof(high)) != NULL;
}

static wlk_err peek_sps(const uint8_t *nal, size_t size, struct video_peek *out)
{
	uint8_t raw[SPS_BYTES];
	size_t count = 0;

	/* Without emulation prevention bytes (7.4.1.1); what matters stands at the beginning. */
	for (size_t i = 1; i < size && count < sizeof(raw); i++)
		if (!(i >= 3 && nal[i] == 3 && !nal[i - 1] && !nal[i - 2]))
			raw[count++] = nal[i];
	struct bits_reader b = bits_reader(raw, count);
	unsigned profile = bits_get(&b, 8);
	uint32_t chroma_format = 1;

	bits_get(&b, 16); /* constraint flags and level */
	bits_ue(&b);
	if (is_high_profile(profile))
		chroma_format = sps_high_profile(&b);
	bits_ue(&b); /* log2_max_frame_num_minus4 */
	uint32_t order_type = bits_ue(&b);

	if (order_type == 0) {
		bits_ue(&b);
	} else if (order_type == 1) {
		bits_get(&b, 1);
		bits_ue(&b);
		bits_ue(&b);
		uint32_t cycle = bits_ue(&b);

		for (uint32_t i = 0; i < cycle && i < 256 && bits_ok(&b); i++)
			bits_ue(&b);
	}
	bits_ue(&b); /* max_num_ref_frames */
	bits_get(&b, 1);
	uint64_t width = ((uint64_t)bits_ue(&b) + 1) * 16, height = ((uint64_t)bits_ue(&b) + 1) * 16;

	if (!bits_get(&b, 1)) { /* frame_mbs_only_flag */
		height *= 2;
		bits_get(&b, 1);
	}
	if (!bits_ok(&b) || chroma_format > 3 || width > UINT16_MAX || height > UINT16_MAX)
		return WLK_ERR_PARSE;
	/* The macroblocks count for memory; what is cropped from them does not matter here. */
	out->width = (uint32_t)width;
	out->height = (uint32_t)height;
	return WLK_OK;
}

/* Any of several may be the one that pictures refer to: the largest counts. */
static wlk_err peek_larger_sps(const uint8_t *data, size_t size, struct video_peek *out)
{
	struct video_peek one = { 0 };
	wlk_err err = peek_sps(data, size, &one);

	if (!err && (uint64_t)one.width * one.height > (uint64_t)out->width * out->height) {
		out->width = one.width;
		out->height = one.height;
	}
	return err;
}

static wlk_err peek_h264(const uint8_t *data, size_t size, struct video_peek *out)
{
	bool any = false;
	wlk_err err = WLK_OK;

	for (size_t i = 0; i + 3 < size && !err; i++) {
		if (data[i] || data[i + 1] || data[i + 2] != 1)
			continue;
		unsigned type = data[i + 3] & 0x1f;

		any = true;
		out->is_key |= type == NAL_IDR;
		if (type == NAL_SPS || type == NAL_SUBSET_SPS)
			err = peek_larger_sps(data + i + 3, size - i - 3, out);
		i += 2;
	}
	return any ? err : WLK_ERR_PARSE;
}

wlk_err video_peek(enum codec_id codec, const uint8_t *data, size_t size, struct video_peek *out)
{
	struct video_peek peek = { 0 };
	wlk_err err;

	switch (codec) {
	case CODEC_VP8:
		err = peek_vp8(data, size, &peek);
		break;
	case CODEC_VP9:
		err = peek_vp9(data, size, &peek);
		break;
	case CODEC_H264:
		err = peek_h264(data, size, &peek);
		break;
	default:
		return WLK_ERR_UNSUPPORTED;
	}
	if (!err)
		*out = peek;
	return err;
}
