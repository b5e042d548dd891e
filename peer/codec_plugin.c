/* The application's tables behind the interfaces of media/codec. What a table answers is checked: it is not our code. */
#include "core/alloc.h"
#include "media/codec/convert.h"
#include "peer/codec_set.h"

/* An encoder or decoder that a table created. */
struct made {
	const struct codec_plugin *plugin;
	void *object;
	void (*destroy)(void *object); /* the table's */
	uint32_t max_pixels;           /* video decoders */
};

static wlk_err made_create(void *user, struct made **out)
{
	*out = wlk_calloc(1, sizeof(**out));
	if (!*out)
		return WLK_ERR_NOMEM;
	(*out)->plugin = user;
	return WLK_OK;
}

/* Errors of a table are whatever it says, but they are errors. */
static wlk_err table_error(wlk_err err)
{
	return err <= 0 ? err : WLK_ERR_IO;
}

/* The table answered |err| when it was asked for m->object, which |destroy| ends. */
static wlk_err made_done(struct made *m, wlk_err err, void (*destroy)(void *object), void **state)
{
	if (err) {
		wlk_free(m);
		return table_error(err);
	}
	m->destroy = destroy;
	*state = m;
	return WLK_OK;
}

static void made_destroy(void *state)
{
	struct made *m = state;

	m->destroy(m->object);
	wlk_free(m);
}

/* ---- video encoder ---- */

static wlk_err video_encoder_plugin_create(void *user, const struct video_encoder_config *config, void **state)
{
	char mode[SCALABILITY_NAME_SIZE];
	wlk_video_encoder_config c = WLK_VIDEO_ENCODER_CONFIG_INIT;
	struct made *m;
	wlk_err err = made_create(user, &m);

	if (err)
		return err;
	c.codec = (wlk_codec)config->codec;
	c.fmtp = config->fmtp ? config->fmtp : "";
	c.width = config->width;
	c.height = config->height;
	c.scalability_mode = scalability_name(&config->layers, mode);
	c.bitrate = config->bitrate_bps;
	c.frame_rate = config->fps;
	c.screen = config->is_screen;
	c.threads = config->threads;
	return made_done(m, m->plugin->u.video_encoder.create(m->plugin->u.video_encoder.user, &c, &m->object),
			 m->plugin->u.video_encoder.destroy, state);
}

/* False: a frame that cannot be. */
static bool take_frame(const wlk_encoded_frame *from, int32_t qp, bool is_last, struct encoded_frame *to)
{
	if (!from->data || !from->size || from->reference_count > ENCODED_REFS_MAX)
		return false;
	*to = (struct encoded_frame){
		.data = from->data,
		.size = from->size,
		.width = from->width,
		.height = from->height,
		.is_key = from->key,
		.is_layer_sync = from->layer_sync,
		.is_discardable = from->discardable,
		.is_inter_layer = from->inter_layer,
		.ends_picture = is_last,
		.temporal = from->temporal_index,
		.spatial = from->spatial_index,
		.ref_count = from->reference_count,
		.qp = qp,
	};
	for (int i = 0; i < from->reference_count; i++)
		to->refs[i] = from->references[i];
	return true;
}

static wlk_err video_encoder_plugin_encode(void *state, const struct video_frame *frame, const struct video_encode_params *params,
					   struct encoded_picture *out)
{
	static const wlk_encoded_frame empty = WLK_ENCODED_FRAME_INIT;
	struct made *m = state;
	wlk_codec_picture picture = WLK_CODEC_PICTURE_INIT;
	wlk_video_encode_request request = WLK_VIDEO_ENCODE_REQUEST_INIT;
	wlk_video_encode_result result = { .struct_size = sizeof(result) };

	picture.width = frame->width;
	picture.height = frame->height;
	picture.timestamp = frame->captured;
	for (int i = 0; i < 3; i++) {
		picture.data[i] = frame->data[i];
		picture.stride[i] = frame->stride[i];
		result.frames[i] = empty;
		result.qp[i] = -1;
	}
	request.key_frame = params->force_key;
	request.bitrate = params->bitrate_bps;
	request.frame_rate = params->fps;
	request.spatial_layers = params->active_spatial;
	wlk_err err = m->plugin->u.video_encoder.encode(m->object, &picture, &request, &result);

	if (err)
		return table_error(err);
	if (result.frame_count > WLK_VIDEO_LAYERS_MAX)
		return WLK_ERR_IO;
	for (size_t i = 0; i < result.frame_count; i++)
		if (!take_frame(&result.frames[i], result.qp[i], i + 1 == result.frame_count, &out->frames[i]))
			return WLK_ERR_IO;
	out->count = result.frame_count;
	return WLK_OK;
}

const struct video_encoder_ops codec_plugin_video_encoder_ops = { video_encoder_plugin_create, video_encoder_plugin_encode,
								  made_destroy };

/* ---- video decoder ---- */

static wlk_err video_decoder_plugin_create(void *user, const struct video_decoder_config *config, void **state)
{
	wlk_video_decoder_config c = WLK_VIDEO_DECODER_CONFIG_INIT;
	struct made *m;
	wlk_err err = made_create(user, &m);

	if (err)
		return err;
	c.codec = (wlk_codec)config->codec;
	c.fmtp = config->fmtp ? config->fmtp : "";
	c.max_pixels = config->max_pixels;
	c.threads = config->threads;
	m->max_pixels = config->max_pixels;
	return made_done(m, m->plugin->u.video_decoder.create(m->plugin->u.video_decoder.user, &c, &m->object),
			 m->plugin->u.video_decoder.destroy, state);
}

static wlk_err video_decoder_plugin_decode(void *state, const struct video_decode_input *input, struct video_decoded *out)
{
	struct made *m = state;
	wlk_video_decode_result result = { .struct_size = sizeof(result), .picture = WLK_CODEC_PICTURE_INIT, .qp = -1 };
	wlk_err err = m->plugin->u.video_decoder.decode(m->object, input->data, input->size, input->ends_picture, &result);
	const wlk_codec_picture *p = &result.picture;

	if (err)
		return err == WLK_ERR_NOMEM ? err : WLK_ERR_PARSE;
	if (!p->width || !input->ends_picture)
		return WLK_OK;
	if ((uint64_t)p->width * p->height > m->max_pixels)
		return WLK_ERR_PARSE;
	err = video_frame_from_planes(&out->frame, &(struct video_planes){ VIDEO_I420, p->width, p->height,
									   { p->data[0], p->data[1], p->data[2] },
									   { p->stride[0], p->stride[1], p->stride[2] } });
	out->qp = result.qp;
	return err == WLK_ERR_INVALID ? WLK_ERR_PARSE : err;
}

const struct video_decoder_ops codec_plugin_video_decoder_ops = { video_decoder_plugin_create, video_decoder_plugin_decode,
								  made_destroy };

/* ---- audio encoder ---- */

static wlk_err audio_encoder_plugin_create(void *user, const struct audio_encoder_config *config, void **state)
{
	wlk_audio_encoder_config c = WLK_AUDIO_ENCODER_CONFIG_INIT;
	struct made *m;
	wlk_err err = made_create(user, &m);

	if (err)
		return err;
	c.codec = (wlk_codec)config->codec;
	c.fmtp = config->fmtp ? config->fmtp : "";
	c.channels = config->channels;
	c.bitrate = config->bitrate_bps;
	c.loss_percent = config->loss_percent;
	c.fec = config->fec;
	c.dtx = config->dtx;
	c.music = config->music;
	return made_done(m, m->plugin->u.audio_encoder.create(m->plugin->u.audio_encoder.user, &c, &m->object),
			 m->plugin->u.audio_encoder.destroy, state);
}

static wlk_err audio_encoder_plugin_tune(void *state, const struct audio_encoder_tuning *tuning)
{
	struct made *m = state;
	wlk_audio_encoder_config c = WLK_AUDIO_ENCODER_CONFIG_INIT;

	if (!m->plugin->u.audio_encoder.tune)
		return WLK_OK;
	c.codec = m->plugin->u.audio_encoder.codec;
	c.bitrate = tuning->bitrate_bps;
	c.loss_percent = tuning->loss_percent;
	c.fec = tuning->fec;
	c.dtx = tuning->dtx;
	wlk_err err = m->plugin->u.audio_encoder.tune(m->object, &c);

	return table_error(err);
}

static wlk_err audio_encoder_plugin_encode(void *state, const int16_t *pcm, size_t samples, uint8_t *out, size_t capacity, size_t *size)
{
	struct made *m = state;
	size_t wrote = 0;
	wlk_err err = m->plugin->u.audio_encoder.encode(m->object, pcm, samples, out, capacity, &wrote);

	if (err)
		return table_error(err);
	if (wrote > capacity)
		return WLK_ERR_IO;
	*size = wrote;
	return WLK_OK;
}

const struct audio_encoder_ops codec_plugin_audio_encoder_ops = { audio_encoder_plugin_create, audio_encoder_plugin_encode,
								  audio_encoder_plugin_tune, made_destroy };

/* ---- audio decoder ---- */

static wlk_err audio_decoder_plugin_create(void *user, enum codec_id codec, uint32_t channels, void **state)
{
	struct made *m;
	wlk_err err = made_create(user, &m);

	if (err)
		return err;
	return made_done(m, m->plugin->u.audio_decoder.create(m->plugin->u.audio_decoder.user, (wlk_codec)codec, channels, &m->object),
			 m->plugin->u.audio_decoder.destroy, state);
}

static size_t audio_decoder_plugin_samples(void *state, const uint8_t *data, size_t size)
{
	struct made *m = state;

	return m->plugin->u.audio_decoder.count(m->object, data, size);
}

static wlk_err audio_decoder_plugin_decode(void *state, const uint8_t *data, size_t size, int16_t *pcm, size_t max, size_t *samples)
{
	struct made *m = state;
	size_t got = 0;

	if (m->plugin->u.audio_decoder.decode(m->object, data, size, pcm, max, &got) || !got || got > max)
		return WLK_ERR_PARSE;
	*samples = got;
	return WLK_OK;
}

static wlk_err audio_decoder_plugin_conceal(void *state, size_t samples, int16_t *pcm)
{
	struct made *m = state;

	return m->plugin->u.audio_decoder.conceal(m->object, pcm, samples) ? WLK_ERR_IO : WLK_OK;
}

const struct audio_decoder_ops codec_plugin_audio_decoder_ops = {
	.create = audio_decoder_plugin_create,
	.samples = audio_decoder_plugin_samples,
	.decode = audio_decoder_plugin_decode,
	.conceal = audio_decoder_plugin_conceal,
	.destroy = made_destroy,
};
const struct audio_decoder_ops codec_plugin_audio_decoder_without_conceal_ops = {
	.create = audio_decoder_plugin_create,
	.samples = audio_decoder_plugin_samples,
	.decode = audio_decoder_plugin_decode,
	.destroy = made_destroy,
};
