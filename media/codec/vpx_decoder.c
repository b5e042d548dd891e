/*
 * VP8 and VP9 decoding by libvpx (1.12 and later). What would surprise:
 * - The size of a picture is taken from its header before a bit of it is checked: a VP8 key frame of 200 bytes can claim
 *   16383x16383 pixels, 850 MB and most of a second. Nothing comes here before video_codec.c has looked at the size (R24).
 * - A VP9 chunk without superframe index is decoded until it ends, so that frames could hide behind the first one, where nobody
 *   looked at their sizes. With an index, exactly the frames that it lists are decoded: one is put behind every chunk that has
 *   none.
 * - A decoder that failed may go on with garbage; it says so only when it is asked (VP8D_GET_FRAME_CORRUPTED).
 * - Threads of a live decoder never change.
 */
#include "core/alloc.h"
#include "media/codec/bitstream.h"
#include "media/codec/video_builtin.h"
#include <string.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

struct vpx_decoder {
	vpx_codec_ctx_t codec;
	bool is_vp9;
	uint32_t max_pixels;
	uint8_t *indexed; /* a copy of the frame with an index behind it */
	size_t capacity;
};

static wlk_err create(void *user, const struct video_decoder_config *config, void **state)
{
	struct vpx_decoder *d = wlk_calloc(1, sizeof(*d));
	vpx_codec_dec_cfg_t settings = { .threads = config->threads };

	(void)user;
	if (!d)
		return WLK_ERR_NOMEM;
	d->is_vp9 = config->codec == CODEC_VP9;
	d->max_pixels = config->max_pixels;
	vpx_codec_iface_t *iface = d->is_vp9 ? vpx_codec_vp9_dx() : vpx_codec_vp8_dx();

	if (vpx_codec_dec_init(&d->codec, iface, &settings, 0) != VPX_CODEC_OK) {
		wlk_free(d);
		return WLK_ERR_NOMEM;
	}
	*state = d;
	return WLK_OK;
}

static void destroy(void *state)
{
	struct vpx_decoder *d = state;

	vpx_codec_destroy(&d->codec);
	wlk_free(d->indexed);
	wlk_free(d);
}

/* The frames of |super| one behind the other, with an index of our own that lists them all. */
static wlk_err write_indexed(struct vpx_decoder *d, const struct vp9_superframe *super, size_t *size)
{
	size_t need = 2 + 4 * super->count, at = 0;

	for (size_t i = 0; i < super->count; i++)
		need += super->frames[i].size;
	if (!array_reserve((void **)&d->indexed, &d->capacity, need, 1))
		return WLK_ERR_NOMEM;
	for (size_t i = 0; i < super->count; i++) {
		memcpy(d->indexed + at, super->frames[i].data, super->frames[i].size);
		at += super->frames[i].size;
	}
	uint8_t marker = (uint8_t)(0xc0 | 3 << 3 | (super->count - 1));

	d->indexed[at++] = marker;
	for (size_t i = 0; i < super->count; i++)
		for (unsigned byte = 0; byte < 4; byte++)
			d->indexed[at++] = (uint8_t)(super->frames[i].size >> (8 * byte));
	d->indexed[at++] = marker;
	*size = at;
	return WLK_OK;
}

static wlk_err copy_out(const struct vpx_decoder *d, const vpx_image_t *image, struct video_frame **out)
{
	if (image->fmt != VPX_IMG_FMT_I420 || (uint64_t)image->d_w * image->d_h > d->max_pixels)
		return WLK_ERR_PARSE;
	struct video_frame *frame = video_frame_create(image->d_w, image->d_h);

	if (!frame)
		return WLK_ERR_NOMEM;
	for (int plane = 0; plane < 3; plane++) {
		uint32_t width = plane ? video_chroma_size(frame->width) : frame->width;
		uint32_t height = plane ? video_chroma_size(frame->height) : frame->height;

		for (uint32_t y = 0; y < height; y++)
			memcpy(frame->data[plane] + y * frame->stride[plane], image->planes[plane] + (ptrdiff_t)y * image->stride[plane],
			       width);
	}
	*out = frame;
	return WLK_OK;
}

static wlk_err decode(void *state, const struct video_decode_input *input, struct video_decoded *out)
{
	struct vpx_decoder *d = state;
	const uint8_t *data = input->data;
	size_t size = input->size;
	struct vp9_superframe super;
	vpx_codec_iter_t iterator = NULL;
	const vpx_image_t *image, *shown = NULL;
	int corrupted = 0, qp = 0;

	if (d->is_vp9) {
		wlk_err err = vp9_superframe_parse(&super, data, size);

		if (!err)
			err = write_indexed(d, &super, &size);
		if (err)
			return err;
		data = d->indexed;
	}
	if (size > UINT32_MAX || vpx_codec_decode(&d->codec, data, (unsigned)size, NULL, 0) != VPX_CODEC_OK)
		return WLK_ERR_PARSE;
	while ((image = vpx_codec_get_frame(&d->codec, &iterator)))
		shown = image;
	if (vpx_codec_control(&d->codec, VP8D_GET_FRAME_CORRUPTED, &corrupted) != VPX_CODEC_OK)
		corrupted = 0; /* nothing was shown yet */
	if (corrupted)
		return WLK_ERR_PARSE;
	if (!shown || !input->ends_picture)
		return WLK_OK;
	if (vpx_codec_control(&d->codec, VPXD_GET_LAST_QUANTIZER, &qp) == VPX_CODEC_OK)
		out->qp = qp;
	return copy_out(d, shown, &out->frame);
}

const struct video_decoder_ops vpx_decoder_ops = { create, decode, destroy };
