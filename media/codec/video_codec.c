#include "media/codec/video_codec.h"

#include <string.h>

#include "core/alloc.h"
#include "media/codec/bitstream.h"
#include "media/codec/video_builtin.h"

enum {
	VIDEO_THREADS_MAX = 16,
	LOWER_LAYERS = SCALABILITY_SPATIAL_MAX - 1,
	LOWER_SIZES_PER_SECOND = LOWER_LAYERS * VIDEO_SIZES_PER_SECOND,
};

/* When a size changed last, oldest first. */
struct size_changes {
	wlk_time at[LOWER_SIZES_PER_SECOND];
	uint32_t count;
};

struct video_encoder {
	struct video_encoder_plugin plugin;
	void *state;
	enum codec_id codec;
};

struct video_decoder {
	struct video_decoder_plugin plugin;
	void *state;
	enum codec_id codec;
	uint32_t max_pixels;
	bool needs_key;
	uint32_t width, height;               /* of the last picture; 0 before the first */
	struct size_changes changes;
	struct { uint32_t width, height; } lower[LOWER_LAYERS]; /* sizes of lower spatial layers, in no order */
	uint32_t lower_count, lower_next;
	struct size_changes lower_changes;
	struct video_decoder_stats stats;
};

static bool is_builtin(enum codec_id codec)
{
	return codec == CODEC_VP8 || codec == CODEC_VP9;
}

/* ---- encoder ---- */

wlk_err video_encoder_create(struct video_encoder **out, const struct video_encoder_plugin *plugin,
			     const struct video_encoder_config *config)
{
	static const struct video_encoder_plugin builtin = { &vpx_encoder_ops, NULL, "libvpx", false };

	if (!plugin) {
		if (!is_builtin(config->codec))
			return WLK_ERR_UNSUPPORTED;
		plugin = &builtin;
	}
	if (!config->width || !config->height || config->width > VIDEO_SIDE_MAX || config->height > VIDEO_SIDE_MAX ||
	    config->threads < 1 || config->threads > VIDEO_THREADS_MAX || !config->bitrate_bps || !(config->fps > 0) ||
	    config->fps > 1000 || !config->layers.spatial || config->layers.spatial > SCALABILITY_SPATIAL_MAX ||
	    !config->layers.temporal || config->layers.temporal > SCALABILITY_TEMPORAL_MAX)
		return WLK_ERR_INVALID;
	struct video_encoder *e = wlk_calloc(1, sizeof(*e));

	if (!e)
		return WLK_ERR_NOMEM;
	e->plugin = *plugin;
	e->codec = config->codec;
	wlk_err err = plugin->ops->create(plugin->user, config, &e->state);

	if (err) {
		wlk_free(e);
		return err;
	}
	*out = e;
	return WLK_OK;
}

void video_encoder_destroy(struct video_encoder *e)
{
	if (!e)
		return;
	e->plugin.ops->destroy(e->state);
	wlk_free(e);
}

const char *video_encoder_name(const struct video_encoder *e)
{
	return e->plugin.name;
}

enum codec_id video_encoder_codec(const struct video_encoder *e)
{
	return e->codec;
}

wlk_err video_encoder_encode(struct video_encoder *e, const struct video_frame *frame, const struct video_encode_params *params,
			     struct encoded_picture *out)
{
	*out = (struct encoded_picture){ 0 };
	return e->plugin.ops->encode(e->state, frame, params, out);
}

/* ---- decoder ---- */

wlk_err video_decoder_create(struct video_decoder **out, const struct video_decoder_plugin *plugin,
			     const struct video_decoder_config *config)
{
	static const struct video_decoder_plugin builtin = { &vpx_decoder_ops, NULL, "libvpx", false };

	if (!plugin) {
		if (!is_builtin(config->codec))
			return WLK_ERR_UNSUPPORTED;
		plugin = &builtin;
	}
	if (config->threads > VIDEO_THREADS_MAX)
		return WLK_ERR_INVALID;
	struct video_decoder *d = wlk_calloc(1, sizeof(*d));
	struct video_decoder_config sane = *config;

	if (!d)
		return WLK_ERR_NOMEM;
	sane.max_pixels = sane.max_pixels ? sane.max_pixels : VIDEO_PIXELS_MAX;
	sane.threads = MAX(sane.threads, 1u);
	d->plugin = *plugin;
	d->codec = config->codec;
	d->max_pixels = sane.max_pixels;
	d->needs_key = true;
	wlk_err err = plugin->ops->create(plugin->user, &sane, &d->state);

	if (err) {
		wlk_free(d);
		return err;
	}
	*out = d;
	return WLK_OK;
}

void video_decoder_destroy(struct video_decoder *d)
{
	if (!d)
		return;
	d->plugin.ops->destroy(d->state);
	wlk_free(d);
}

const char *video_decoder_name(const struct video_decoder *d)
{
	return d->plugin.name;
}

bool video_decoder_needs_key(const struct video_decoder *d)
{
	return d->needs_key;
}

const struct video_decoder_stats *video_decoder_stats(const struct video_decoder *d)
{
	return &d->stats;
}

static wlk_err refuse(struct video_decoder *d, uint32_t *counter, wlk_err err)
{
	(*counter)++;
	d->needs_key = true;
	return err;
}

/* R24: at most |most| changes of size in any second. The first size is no change. */
static bool may_change_size(struct size_changes *c, uint32_t most, wlk_time now)
{
	if (c->count == most && now - c->at[0] < SECOND)
		return false;
	if (c->count == most)
		memmove(c->at, c->at + 1, (most - 1) * sizeof(*c->at));
	else
		c->count++;
	c->at[c->count - 1] = now;
	return true;
}

/* Lower spatial layers have sizes of their own, and which of them a frame belongs to is not told: so they are known by their sizes. */
static bool admit_lower_size(struct video_decoder *d, const struct video_peek *peek, wlk_time now)
{
	for (uint32_t i = 0; i < d->lower_count; i++)
		if (d->lower[i].width == peek->width && d->lower[i].height == peek->height)
			return true;
	if (d->lower_count == LOWER_LAYERS && !may_change_size(&d->lower_changes, LOWER_SIZES_PER_SECOND, now))
		return false;
	d->lower[d->lower_next].width = peek->width;
	d->lower[d->lower_next].height = peek->height;
	d->lower_next = (d->lower_next + 1) % LOWER_LAYERS;
	d->lower_count = MIN(d->lower_count + 1, (uint32_t)LOWER_LAYERS);
	return true;
}

/* The size of the picture is that of its last layer. */
static bool admit_size(struct video_decoder *d, const struct video_peek *peek, wlk_time now)
{
	if (d->width && !may_change_size(&d->changes, VIDEO_SIZES_PER_SECOND, now))
		return false;
	d->width = peek->width;
	d->height = peek->height;
	return true;
}

/* Everything that can be refused by a look at the frame's first bytes. */
static wlk_err admit(struct video_decoder *d, const struct video_decode_input *input, struct video_peek *peek)
{
	wlk_err err = video_peek(d->codec, input->data, input->size, peek);

	/* A plug-in's codec that cannot be looked into: the plug-in has to know for itself. */
	if (err == WLK_ERR_UNSUPPORTED) {
		*peek = (struct video_peek){ .is_key = true };
		return WLK_OK;
	}
	if (err)
		return refuse(d, &d->stats.malformed, WLK_ERR_PARSE);
	if ((uint64_t)peek->width * peek->height > d->max_pixels)
		return refuse(d, &d->stats.too_large, WLK_ERR_TOO_LARGE);
	if (d->needs_key && !peek->is_key)
		return refuse(d, &d->stats.waiting_for_key, WLK_ERR_STATE);
	if (!peek->width || (peek->width == d->width && peek->height == d->height))
		return WLK_OK;
	if (!(input->ends_picture ? admit_size(d, peek, input->now) : admit_lower_size(d, peek, input->now)))
		return refuse(d, &d->stats.too_many_sizes, WLK_ERR_TOO_LARGE);
	return WLK_OK;
}

wlk_err video_decoder_decode(struct video_decoder *d, const struct video_decode_input *input, struct video_frame **out)
{
	struct video_decoded decoded = { NULL, -1 };
	struct video_peek peek;

	*out = NULL;
	if (!input->size)
		return refuse(d, &d->stats.malformed, WLK_ERR_PARSE);
	wlk_err err = admit(d, input, &peek);

	if (err)
		return err;
	err = d->plugin.ops->decode(d->state, input, &decoded);
	if (err == WLK_ERR_NOMEM) {
		d->needs_key = true;
		return err;
	}
	if (err)
		return refuse(d, &d->stats.malformed, WLK_ERR_PARSE);
	d->needs_key = false;
	if (decoded.frame) {
		d->stats.frames_decoded++;
		d->stats.key_frames_decoded += peek.is_key ? 1 : 0;
		d->stats.qp_sum += MAX(decoded.qp, 0);
	}
	*out = decoded.frame;
	return WLK_OK;
}

bool video_decoder_took(struct video_decoder *d, wlk_time duration)
{
	if (duration <= VIDEO_DECODE_US_MAX)
		return false;
	d->stats.too_slow++;
	d->needs_key = true;
	return true;
}
