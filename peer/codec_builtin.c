/* The library's own codecs as tables, for applications that use them by themselves. */
#include "core/alloc.h"
#include "media/codec/convert.h"
#include "peer/codec_set.h"

/* ---- video encoder ---- */

static wlk_err encoder_create(void *user, const wlk_video_encoder_config *config, void **encoder)
{
	struct video_encoder_config c;
	struct video_encoder *e;

	(void)user;
	if (!config || !encoder || config->struct_size != sizeof(*config))
		return WLK_ERR_INVALID;
	c = (struct video_encoder_config){
		.codec = (enum codec_id)config->codec,
		.fmtp = config->fmtp,
		.width = config->width,
		.height = config->height,
		.bitrate_bps = config->bitrate,
		.fps = config->frame_rate,
		.is_screen = config->screen,
		.threads = config->threads,
	};
	if (!scalability_parse(&c.layers, config->scalability_mode))
		return WLK_ERR_INVALID;
	wlk_err err = video_encoder_create(&e, NULL, &c);

	if (!err)
		*encoder = e;
	return err;
}

static void give_frame(const struct encoded_frame *from, wlk_codec codec, wlk_encoded_frame *to)
{
	to->codec = codec;
	to->data = from->data;
	to->size = from->size;
	to->key = from->is_key;
	to->more_layers = !from->ends_picture;
	to->temporal_index = from->temporal;
	to->spatial_index = from->spatial;
	to->layer_sync = from->is_layer_sync;
	to->discardable = from->is_discardable;
	to->inter_layer = from->is_inter_layer;
	to->reference_count = from->ref_count;
	for (int i = 0; i < from->ref_count; i++)
		to->references[i] = from->refs[i];
	to->kind = WLK_MEDIA_VIDEO;
	to->width = from->width;
	to->height = from->height;
}

static wlk_err encoder_encode(void *encoder, const wlk_codec_picture *picture, const wlk_video_encode_request *request,
			      wlk_video_encode_result *result)
{
	static const wlk_encoded_frame empty = WLK_ENCODED_FRAME_INIT;
	struct encoded_picture out;
	struct video_encode_params params;
	struct video_frame *frame;

	if (!picture || !request || !result || picture->struct_size != sizeof(*picture) || request->struct_size != sizeof(*request) ||
	    result->struct_size != sizeof(*result))
		return WLK_ERR_INVALID;
	wlk_err err = video_frame_from_planes(&frame, &(struct video_planes){ VIDEO_I420, picture->width, picture->height,
									      { picture->data[0], picture->data[1], picture->data[2] },
									      { picture->stride[0], picture->stride[1], picture->stride[2] } });

	if (err)
		return err;
	frame->captured = picture->timestamp;
	params = (struct video_encode_params){ .force_key = request->key_frame,
					       .bitrate_bps = request->bitrate,
					       .fps = request->frame_rate,
					       .active_spatial = request->spatial_layers };
	err = video_encoder_encode(encoder, frame, &params, &out);
	video_frame_release(frame);
	if (err)
		return err;
	result->frame_count = out.count;
	for (size_t i = 0; i < out.count; i++) {
		result->frames[i] = empty;
		result->qp[i] = out.frames[i].qp;
		give_frame(&out.frames[i], (wlk_codec)video_encoder_codec(encoder), &result->frames[i]);
	}
	return WLK_OK;
}

static void encoder_destroy(void *encoder)
{
	video_encoder_destroy(encoder);
}

/* ---- video decoder ---- */

struct shown_decoder {
	struct video_decoder *decoder;
	struct video_frame *last; /* what the caller is looking at */
	wlk_time now;             /* no clock here: the budget of sizes counts pictures of 30 a second */
};

static wlk_err decoder_create(void *user, const wlk_video_decoder_config *config, void **decoder)
{
	struct shown_decoder *d;
	wlk_err err;

	(void)user;
	if (!config || !decoder || config->struct_size != sizeof(*config))
		return WLK_ERR_INVALID;
	d = wlk_calloc(1, sizeof(*d));
	if (!d)
		return WLK_ERR_NOMEM;
	err = video_decoder_create(&d->decoder, NULL, &(struct video_decoder_config){ (enum codec_id)config->codec, config->fmtp,
										      config->max_pixels, config->threads });
	if (err)
		wlk_free(d);
	else
		*decoder = d;
	return err;
}

static wlk_err decoder_decode(void *decoder, const uint8_t *data, size_t size, bool last, wlk_video_decode_result *result)
{
	struct shown_decoder *d = decoder;
	struct video_frame *frame = NULL;

	if ((!data && size) || !result || result->struct_size != sizeof(*result))
		return WLK_ERR_INVALID;
	d->now += last ? SECOND / 30 : 0;
	wlk_err err = video_decoder_decode(d->decoder, &(struct video_decode_input){ data, size, d->now, last }, &frame);

	if (err)
		return err;
	video_frame_release(d->last);
	d->last = frame;
	result->qp = -1;
	result->picture = (wlk_codec_picture)WLK_CODEC_PICTURE_INIT;
	if (!frame)
		return WLK_OK;
	result->picture.width = frame->width;
	result->picture.height = frame->height;
	for (int i = 0; i < 3; i++) {
		result->picture.data[i] = frame->data[i];
		result->picture.stride[i] = frame->stride[i];
	}
	return WLK_OK;
}

static void decoder_destroy(void *decoder)
{
	struct shown_decoder *d = decoder;

	if (!d)
		return;
	video_decoder_destroy(d->decoder);
	video_frame_release(d->last);
	wlk_free(d);
}

/* ---- audio encoder ---- */

static wlk_err sound_encoder_create(void *user, const wlk_audio_encoder_config *config, void **encoder)
{
	struct audio_encoder *e;

	(void)user;
	if (!config || !encoder || config->struct_size != sizeof(*config))
		return WLK_ERR_INVALID;
	wlk_err err = audio_encoder_create(&e, NULL, &(struct audio_encoder_config){ .codec = (enum codec_id)config->codec,
										      .channels = config->channels,
										      .bitrate_bps = config->bitrate,
										      .fec = config->fec,
										      .dtx = config->dtx,
										      .music = config->music,
										      .loss_percent = config->loss_percent,
										      .fmtp = config->fmtp });

	if (!err)
		*encoder = e;
	return err;
}

static wlk_err sound_encoder_tune(void *encoder, const wlk_audio_encoder_config *config)
{
	if (!config || config->struct_size != sizeof(*config))
		return WLK_ERR_INVALID;
	return audio_encoder_tune(encoder, &(struct audio_encoder_tuning){ config->bitrate, config->loss_percent, config->fec, config->dtx });
}

static wlk_err sound_encoder_encode(void *encoder, const int16_t *samples, size_t count, uint8_t *out, size_t capacity, size_t *size)
{
	return samples && out && size ? audio_encoder_encode(encoder, samples, count, out, capacity, size) : WLK_ERR_INVALID;
}

static void sound_encoder_destroy(void *encoder)
{
	audio_encoder_destroy(encoder);
}

/* ---- audio decoder ---- */

static wlk_err sound_decoder_create(void *user, wlk_codec codec, uint32_t channels, void **decoder)
{
	struct audio_decoder *d;

	(void)user;
	if (!decoder)
		return WLK_ERR_INVALID;
	wlk_err err = audio_decoder_create(&d, NULL, (enum codec_id)codec, channels);

	if (!err)
		*decoder = d;
	return err;
}

static size_t sound_decoder_count(void *decoder, const uint8_t *data, size_t size)
{
	return data ? audio_decoder_samples(decoder, data, size) : 0;
}

static wlk_err sound_decoder_decode(void *decoder, const uint8_t *data, size_t size, int16_t *out, size_t capacity, size_t *count)
{
	return data && out && count ? audio_decoder_decode(decoder, data, size, out, capacity, count) : WLK_ERR_INVALID;
}

static wlk_err sound_decoder_conceal(void *decoder, int16_t *out, size_t count)
{
	if (!out || count > WLK_AUDIO_SAMPLES_MAX)
		return WLK_ERR_INVALID;
	audio_decoder_conceal(decoder, count, out);
	return WLK_OK;
}

static void sound_decoder_destroy(void *decoder)
{
	audio_decoder_destroy(decoder);
}

/* ---- tables ---- */

#define VIDEO_TABLES(name, codec)                                                                                                \
	static const wlk_video_encoder_table name##_encoder = { sizeof(name##_encoder), codec, "libvpx", false, NULL, NULL,      \
								encoder_create, encoder_encode, encoder_destroy };               \
	static const wlk_video_decoder_table name##_decoder = { sizeof(name##_decoder), codec, "libvpx", false, NULL, NULL,      \
								decoder_create, decoder_decode, decoder_destroy };
#define AUDIO_TABLES(name, codec, by, rate, conceal)                                                                                      \
	static const wlk_audio_encoder_table name##_encoder = { sizeof(name##_encoder), codec, by, rate, NULL, NULL,             \
								sound_encoder_create, sound_encoder_tune, sound_encoder_encode,  \
								sound_encoder_destroy };                                         \
	static const wlk_audio_decoder_table name##_decoder = { sizeof(name##_decoder), codec, by, rate, NULL, NULL,             \
								sound_decoder_create, sound_decoder_count, sound_decoder_decode, \
								conceal, sound_decoder_destroy };

VIDEO_TABLES(vp8, WLK_CODEC_VP8)
VIDEO_TABLES(vp9, WLK_CODEC_VP9)
AUDIO_TABLES(opus, WLK_CODEC_OPUS, "libopus", 48000, sound_decoder_conceal)
AUDIO_TABLES(pcmu, WLK_CODEC_PCMU, "wirelark", 8000, NULL)
AUDIO_TABLES(pcma, WLK_CODEC_PCMA, "wirelark", 8000, NULL)
AUDIO_TABLES(g722, WLK_CODEC_G722, "wirelark", 16000, NULL)

const wlk_video_encoder_table *codec_builtin_video_encoder(wlk_codec codec)
{
	return codec == WLK_CODEC_VP8 ? &vp8_encoder : codec == WLK_CODEC_VP9 ? &vp9_encoder : NULL;
}

const wlk_video_decoder_table *codec_builtin_video_decoder(wlk_codec codec)
{
	return codec == WLK_CODEC_VP8 ? &vp8_decoder : codec == WLK_CODEC_VP9 ? &vp9_decoder : NULL;
}

const wlk_audio_encoder_table *codec_builtin_audio_encoder(wlk_codec codec)
{
	static const wlk_audio_encoder_table *const all[] = { [WLK_CODEC_OPUS] = &opus_encoder,
							      [WLK_CODEC_PCMU] = &pcmu_encoder,
							      [WLK_CODEC_PCMA] = &pcma_encoder,
							      [WLK_CODEC_G722] = &g722_encoder };

	return (size_t)codec < ARRAY_SIZE(all) ? all[codec] : NULL;
}

const wlk_audio_decoder_table *codec_builtin_audio_decoder(wlk_codec codec)
{
	static const wlk_audio_decoder_table *const all[] = { [WLK_CODEC_OPUS] = &opus_decoder,
							      [WLK_CODEC_PCMU] = &pcmu_decoder,
							      [WLK_CODEC_PCMA] = &pcma_decoder,
							      [WLK_CODEC_G722] = &g722_decoder };

	return (size_t)codec < ARRAY_SIZE(all) ? all[codec] : NULL;
}
