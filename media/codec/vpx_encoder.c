/*
 * VP8 and VP9 encoding by libvpx (1.12 and later) for real time. What would surprise:
 * - Changing the thread count or growing the picture of a live encoder has been exploitable (CVE-2023-6349 and others): any
 *   change of size makes a new encoder, which begins with a key frame.
 * - Of a VP9 picture with spatial layers the packets come through a callback while vpx_codec_encode() runs; each is overwritten later.
 * - In its SVC mode it wants even sides, and writes warnings to the standard output about others: an odd column or row is left out.
 * - In VP9's SVC mode LAST is the reference to earlier pictures and GOLDEN the one to the layer below.
 * - Its entropy contexts adapt from frame to frame: a layer that may be dropped must not change them. VP8 has a flag for it a
 *   frame, VP9 wants error resilience.
 */
#include "core/alloc.h"
#include "media/codec/video_builtin.h"
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

enum { CLOCK = 90000, QUANTIZER_MAX = 56, KBIT = 1000 };

/* A layer frame in |bytes|, by its offset: the buffer may move while the picture grows. */
struct packet {
	size_t offset, size;
	uint32_t width, height;
	int spatial;
	int qp;
	bool is_key;
};

struct vpx_encoder {
	bool is_vp9, is_svc;
	bool is_open; /* |codec| exists */
	bool needs_key;
	struct scalability layers;
	struct scalability_state pattern;
	uint32_t width, height, threads;
	int32_t speed;
	bool is_screen;
	double fps;
	uint64_t spatial_bps[SCALABILITY_SPATIAL_MAX];
	unsigned active;
	vpx_codec_ctx_t codec;
	vpx_codec_enc_cfg_t config;
	bool has_time;
	wlk_time first;           /* capture time of the first frame */
	vpx_codec_pts_t last_pts;
	uint8_t *bytes;
	size_t capacity, used;
	struct packet packets[SCALABILITY_SPATIAL_MAX];
	size_t packet_count;
	bool out_of_memory;
};

/* ---- settings ---- */

static uint32_t side_of(const struct vpx_encoder *e, uint32_t side)
{
	return e->is_vp9 && e->is_svc && side > 1 ? side & ~1u : side;
}

/* 1 slow .. 10 fast as libvpx counts it, so that one picture takes about 10 ms of a current core. */
static int pick_speed(const struct vpx_encoder *e)
{
	uint64_t pixels = (uint64_t)e->width * e->height / MAX(e->threads, 1u);

	if (e->speed)
		return e->is_vp9 ? MIN(MAX(e->speed - 1, 0), 9) : MIN(e->speed + 2, 16);
	if (e->is_vp9)
		return pixels <= 352 * 288 ? 6 : pixels <= 640 * 480 ? 7 : 8;
	return pixels <= 352 * 288 ? 5 : pixels <= 640 * 480 ? 6 : pixels <= 1280 * 720 ? 8 : 12;
}

/* Threads that a picture of this size is worth: each needs rows, or tiles of at least 256 columns, of its own. */
static uint32_t useful_threads(const struct vpx_encoder *e)
{
	uint32_t worth = (uint64_t)e->width * e->height < 640 * 360 ? 1 : e->width < 1280 ? 2 : e->width < 1920 ? 4 : 8;

	return MIN(e->threads, worth);
}

static int log2_floor(uint32_t value)
{
	int result = 0;

	while (value >>= 1)
		result++;
	return result;
}

static void set_rates(struct vpx_encoder *e)
{
	vpx_codec_enc_cfg_t *c = &e->config;
	unsigned total = 0;

	for (unsigned s = 0; s < e->layers.spatial; s++) {
		uint64_t of_layer[SCALABILITY_SPATIAL_MAX][SCALABILITY_TEMPORAL_MAX];
		struct scalability single = { .spatial = 1, .temporal = e->layers.temporal };
		uint64_t sum = 0;
		bool is_on = s < e->active;

		scalability_divide(&single, 1, is_on ? e->spatial_bps[s] : 0, of_layer);
		for (unsigned t = 0; t < e->layers.temporal; t++) {
			sum += of_layer[0][t];
			c->layer_target_bitrate[s * e->layers.temporal + t] = (unsigned)(sum / KBIT);
			if (s == 0)
				c->ts_target_bitrate[t] = (unsigned)(sum / KBIT);
		}
		c->ss_target_bitrate[s] = (unsigned)(sum / KBIT);
		total += c->ss_target_bitrate[s];
	}
	c->rc_target_bitrate = MAX(total, 1u);
}

static void set_layers(struct vpx_encoder *e)
{
	static const unsigned decimators[3][3] = { { 1 }, { 2, 1 }, { 4, 2, 1 } };
	static const unsigned patterns[3][4] = { { 0 }, { 0, 1 }, { 0, 2, 1, 2 } };
	vpx_codec_enc_cfg_t *c = &e->config;

	c->ts_number_layers = e->layers.temporal;
	c->ts_periodicity = e->layers.temporal == 3 ? 4 : e->layers.temporal;
	memcpy(c->ts_rate_decimator, decimators[e->layers.temporal - 1], sizeof(decimators[0]));
	memcpy(c->ts_layer_id, patterns[e->layers.temporal - 1], sizeof(patterns[0]));
	c->ss_number_layers = e->is_vp9 ? e->layers.spatial : 1;
	if (e->is_vp9)
		c->temporal_layering_mode = e->is_svc ? VP9E_TEMPORAL_LAYERING_MODE_BYPASS : VP9E_TEMPORAL_LAYERING_MODE_NOLAYERING;
}

static void set_common(struct vpx_encoder *e)
{
	vpx_codec_enc_cfg_t *c = &e->config;

	c->g_w = e->width;
	c->g_h = e->height;
	c->g_timebase = (vpx_rational_t){ 1, CLOCK };
	c->g_threads = useful_threads(e);
	c->g_lag_in_frames = 0;
	c->g_pass = VPX_RC_ONE_PASS;
	c->g_error_resilient = e->is_svc ? VPX_ERROR_RESILIENT_DEFAULT : 0;
	c->rc_end_usage = VPX_CBR;
	c->rc_min_quantizer = 2;
	c->rc_max_quantizer = QUANTIZER_MAX;
	c->rc_undershoot_pct = e->is_vp9 ? 50 : 100;
	c->rc_overshoot_pct = e->is_vp9 ? 50 : 15;
	c->rc_buf_initial_sz = 500;
	c->rc_buf_optimal_sz = 600;
	c->rc_buf_sz = 1000;
	c->rc_dropframe_thresh = e->is_screen ? 0 : 30;
	c->rc_resize_allowed = 0;
	c->kf_mode = VPX_KF_DISABLED;
	set_layers(e);
	set_rates(e);
}

static bool control_all(struct vpx_encoder *e)
{
	vpx_codec_ctx_t *c = &e->codec;
	/* A key frame may take as much as half of the buffer: its size over the mean frame's, in percent. */
	unsigned key_percent = (unsigned)MAX(600 * 0.5 * e->fps / 10, 300.0);
	bool ok = vpx_codec_control(c, VP8E_SET_CPUUSED, e->is_vp9 ? pick_speed(e) : -pick_speed(e)) == VPX_CODEC_OK;

	ok &= vpx_codec_control(c, VP8E_SET_MAX_INTRA_BITRATE_PCT, key_percent) == VPX_CODEC_OK;
	ok &= vpx_codec_control(c, VP8E_SET_STATIC_THRESHOLD, e->is_screen && !e->is_vp9 ? 100u : 1u) == VPX_CODEC_OK;
	if (!e->is_vp9) {
		ok &= vpx_codec_control(c, VP8E_SET_NOISE_SENSITIVITY, 0u) == VPX_CODEC_OK;
		ok &= vpx_codec_control(c, VP8E_SET_TOKEN_PARTITIONS, log2_floor(useful_threads(e))) == VPX_CODEC_OK;
		ok &= vpx_codec_control(c, VP8E_SET_SCREEN_CONTENT_MODE, e->is_screen ? 1u : 0u) == VPX_CODEC_OK;
		return ok;
	}
	ok &= vpx_codec_control(c, VP9E_SET_AQ_MODE, 3u) == VPX_CODEC_OK;
	ok &= vpx_codec_control(c, VP9E_SET_TILE_COLUMNS, log2_floor(useful_threads(e))) == VPX_CODEC_OK;
	ok &= vpx_codec_control(c, VP9E_SET_ROW_MT, useful_threads(e) > 1 ? 1u : 0u) == VPX_CODEC_OK;
	ok &= vpx_codec_control(c, VP9E_SET_FRAME_PARALLEL_DECODING, 0u) == VPX_CODEC_OK;
	ok &= vpx_codec_control(c, VP9E_SET_TUNE_CONTENT, e->is_screen ? VP9E_CONTENT_SCREEN : VP9E_CONTENT_DEFAULT) == VPX_CODEC_OK;
	return ok;
}

/* ---- VP9's layers ---- */

static bool keep_packet(struct vpx_encoder *e, const vpx_codec_cx_pkt_t *packet, int spatial)
{
	size_t size = packet->data.frame.sz;
	int qp = -1;

	if (e->packet_count == SCALABILITY_SPATIAL_MAX || !array_reserve((void **)&e->bytes, &e->capacity, e->used + size, 1))
		return false;
	memcpy(e->bytes + e->used, packet->data.frame.buf, size);
	vpx_codec_control(&e->codec, VP8E_GET_LAST_QUANTIZER, &qp);
	e->packets[e->packet_count++] = (struct packet){
		.offset = e->used,
		.size = size,
		.spatial = spatial,
		.width = packet->data.frame.width[spatial],
		.height = packet->data.frame.height[spatial],
		.qp = qp,
		.is_key = packet->data.frame.flags & VPX_FRAME_IS_KEY,
	};
	e->used += size;
	return true;
}

/* Called from inside vpx_codec_encode(), once a layer frame. */
static void on_layer_packet(vpx_codec_cx_pkt_t *packet, void *user)
{
	struct vpx_encoder *e = user;
	vpx_svc_layer_id_t id = { 0 };

	if (packet->kind != VPX_CODEC_CX_FRAME_PKT || !packet->data.frame.sz)
		return;
	vpx_codec_control(&e->codec, VP9E_GET_SVC_LAYER_ID, &id);
	if (id.spatial_layer_id < 0 || id.spatial_layer_id >= SCALABILITY_SPATIAL_MAX || !keep_packet(e, packet, id.spatial_layer_id))
		e->out_of_memory = true;
}

static bool control_svc(struct vpx_encoder *e)
{
	vpx_svc_extra_cfg_t svc = { 0 };
	vpx_svc_frame_drop_t drop = { .framedrop_mode = FULL_SUPERFRAME_DROP, .max_consec_drop = INT32_MAX };
	vpx_codec_priv_output_cx_pkt_cb_pair_t callback = { on_layer_packet, e };
	int num = 1, den = 1;
	bool ok = vpx_codec_control(&e->codec, VP9E_SET_SVC, 1) == VPX_CODEC_OK;

	for (int s = e->layers.spatial - 1; s >= 0; s--) {
		svc.scaling_factor_num[s] = num;
		svc.scaling_factor_den[s] = den;
		num *= e->layers.by_three_halves ? 2 : 1;
		den *= e->layers.by_three_halves ? 3 : 2;
		drop.framedrop_thresh[s] = (int)e->config.rc_dropframe_thresh;
	}
	for (int i = 0; i < e->layers.spatial * e->layers.temporal; i++) {
		svc.min_quantizers[i] = (int)e->config.rc_min_quantizer;
		svc.max_quantizers[i] = (int)e->config.rc_max_quantizer;
	}
	for (int s = 0; s < e->layers.spatial; s++)
		svc.speed_per_layer[s] = pick_speed(e);
	svc.temporal_layering_mode = VP9E_TEMPORAL_LAYERING_MODE_BYPASS;
	ok &= vpx_codec_control(&e->codec, VP9E_SET_SVC_PARAMETERS, &svc) == VPX_CODEC_OK;
	ok &= vpx_codec_control(&e->codec, VP9E_SET_SVC_FRAME_DROP_LAYER, &drop) == VPX_CODEC_OK;
	ok &= vpx_codec_control(&e->codec, VP9E_REGISTER_CX_CALLBACK, &callback) == VPX_CODEC_OK;
	return ok;
}

static bool control_picture(struct vpx_encoder *e, const struct scalability_picture *plan)
{
	vpx_svc_layer_id_t id = { .spatial_layer_id = 0, .temporal_layer_id = plan->temporal };
	vpx_svc_ref_frame_config_t refs = { 0 };

	for (int s = 0; s < e->layers.spatial; s++) {
		const struct scalability_frame *f = &plan->frames[s];

		id.temporal_layer_id_per_spatial[s] = plan->temporal;
		if (s >= plan->active)
			continue;
		refs.lst_fb_idx[s] = f->previous >= 0 ? f->previous : 0;
		refs.gld_fb_idx[s] = f->below >= 0 ? f->below : refs.lst_fb_idx[s];
		refs.alt_fb_idx[s] = refs.lst_fb_idx[s];
		refs.reference_last[s] = f->previous >= 0;
		refs.reference_golden[s] = f->below >= 0;
		refs.update_buffer_slot[s] = f->keep >= 0 ? 1 << f->keep : 0;
	}
	return vpx_codec_control(&e->codec, VP9E_SET_SVC_LAYER_ID, &id) == VPX_CODEC_OK &&
	       vpx_codec_control(&e->codec, VP9E_SET_SVC_REF_FRAME_CONFIG, &refs) == VPX_CODEC_OK;
}

/* ---- life ---- */

static void close_codec(struct vpx_encoder *e)
{
	if (e->is_open)
		vpx_codec_destroy(&e->codec);
	e->is_open = false;
}

static wlk_err open_codec(struct vpx_encoder *e)
{
	vpx_codec_iface_t *iface = e->is_vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();

	if (vpx_codec_enc_config_default(iface, &e->config, 0) != VPX_CODEC_OK)
		return WLK_ERR_UNSUPPORTED;
	set_common(e);
	vpx_codec_err_t answer = vpx_codec_enc_init(&e->codec, iface, &e->config, 0);

	if (answer != VPX_CODEC_OK)
		return answer == VPX_CODEC_MEM_ERROR ? WLK_ERR_NOMEM : WLK_ERR_INVALID;
	e->is_open = true;
	e->pattern = (struct scalability_state){ 0 };
	e->needs_key = true;
	e->has_time = false;
	if (!control_all(e) || (e->is_vp9 && e->is_svc && !control_svc(e))) {
		close_codec(e);
		return WLK_ERR_IO;
	}
	return WLK_OK;
}

static void divide_rate(struct vpx_encoder *e, uint64_t bitrate_bps)
{
	uint64_t shares[SCALABILITY_SPATIAL_MAX][SCALABILITY_TEMPORAL_MAX];

	scalability_divide(&e->layers, e->active, bitrate_bps, shares);
	for (unsigned s = 0; s < SCALABILITY_SPATIAL_MAX; s++)
		e->spatial_bps[s] = shares[s][0] + shares[s][1] + shares[s][2];
}

static void destroy(void *state)
{
	struct vpx_encoder *e = state;

	close_codec(e);
	wlk_free(e->bytes);
	wlk_free(e);
}

static wlk_err create(void *user, const struct video_encoder_config *config, void **state)
{
	bool is_vp9 = config->codec == CODEC_VP9;

	(void)user;
	if (!is_vp9 && config->layers.spatial > 1)
		return WLK_ERR_UNSUPPORTED;
	struct vpx_encoder *e = wlk_calloc(1, sizeof(*e));

	if (!e)
		return WLK_ERR_NOMEM;
	e->is_vp9 = is_vp9;
	e->layers = config->layers;
	e->is_svc = config->layers.spatial > 1 || config->layers.temporal > 1;
	e->width = side_of(e, config->width);
	e->height = side_of(e, config->height);
	e->threads = config->threads;
	e->speed = config->speed;
	e->is_screen = config->is_screen;
	e->fps = config->fps;
	e->active = config->layers.spatial;
	divide_rate(e, config->bitrate_bps);
	wlk_err err = open_codec(e);

	if (err) {
		destroy(e);
		return err;
	}
	*state = e;
	return WLK_OK;
}

/* ---- a picture ---- */

/* Takes over what changed; answers whether the encoder has to be told. */
static bool take_params(struct vpx_encoder *e, const struct video_encode_params *params)
{
	unsigned active = params->active_spatial ? MIN(params->active_spatial, e->layers.spatial) : e->layers.spatial;
	uint64_t before[SCALABILITY_SPATIAL_MAX], given = 0;
	bool changed = active != e->active;

	memcpy(before, e->spatial_bps, sizeof(before));
	for (unsigned s = 0; s < SCALABILITY_SPATIAL_MAX; s++)
		given += params->spatial_bps[s];
	uint64_t total = before[0] + before[1] + before[2];

	e->active = active;
	if (given)
		memcpy(e->spatial_bps, params->spatial_bps, sizeof(before));
	else if (params->bitrate_bps || changed)
		divide_rate(e, params->bitrate_bps ? params->bitrate_bps : total);
	if (params->fps > 0)
		e->fps = MIN(params->fps, 1000.0);
	return changed || memcmp(before, e->spatial_bps, sizeof(before)) != 0;
}

/*
 * libvpx takes the time between two pictures for their rate, and what a picture may take from that: after a step of next to nothing it spends
 * next to nothing for many seconds. A picture that is encoded once more, as a key frame, has the time of the next one, which then has to come later.
 */
static vpx_codec_pts_t time_of(struct vpx_encoder *e, const struct video_frame *frame, unsigned long duration)
{
	if (!e->has_time) {
		e->has_time = true;
		e->first = frame->captured;
		e->last_pts = -1;
	}
	vpx_codec_pts_t pts = (frame->captured - e->first) * 9 / 100;

	if (e->last_pts >= 0 && pts < e->last_pts + (vpx_codec_pts_t)duration / 2)
		pts = e->last_pts + (vpx_codec_pts_t)duration;
	e->last_pts = pts;
	return pts;
}

/* VP8 has LAST, GOLDEN and ALTREF; they are slots 0, 1 and 2 of the pattern. */
static vpx_enc_frame_flags_t vp8_flags(const struct scalability_picture *plan)
{
	static const vpx_enc_frame_flags_t no_ref[] = { VP8_EFLAG_NO_REF_LAST, VP8_EFLAG_NO_REF_GF, VP8_EFLAG_NO_REF_ARF };
	static const vpx_enc_frame_flags_t no_update[] = { VP8_EFLAG_NO_UPD_LAST, VP8_EFLAG_NO_UPD_GF, VP8_EFLAG_NO_UPD_ARF };
	const struct scalability_frame *f = &plan->frames[0];
	vpx_enc_frame_flags_t flags = plan->temporal > 0 ? VP8_EFLAG_NO_UPD_ENTROPY : 0;

	for (int slot = 0; slot < 3; slot++) {
		flags |= slot != f->previous ? no_ref[slot] : 0;
		flags |= slot != f->keep ? no_update[slot] : 0;
	}
	return flags;
}

static void describe(const struct vpx_encoder *e, const struct packet *p, const struct scalability_picture *plan, bool is_key,
		     struct encoded_frame *out)
{
	const struct scalability_frame *f = &plan->frames[p->spatial];

	*out = (struct encoded_frame){
		.data = e->bytes + p->offset,
		.size = p->size,
		.width = (uint16_t)p->width,
		.height = (uint16_t)p->height,
		.is_key = is_key,
		.is_layer_sync = f->is_layer_sync,
		.is_discardable = e->is_svc && (e->is_vp9 ? f->is_discardable : f->keep < 0),
		.is_inter_layer = f->below >= 0,
		.temporal = e->is_svc ? (int8_t)plan->temporal : -1,
		.spatial = e->is_vp9 && e->is_svc ? (int8_t)p->spatial : -1,
		.qp = p->qp,
	};
	if (!is_key)
		out->refs[out->ref_count++] = f->previous >= 0 ? scalability_distance(&e->pattern, f->previous) : 0;
}

static wlk_err collect(struct vpx_encoder *e)
{
	vpx_codec_iter_t iterator = NULL;
	const vpx_codec_cx_pkt_t *packet;

	/* With layers of VP9 they came through the callback. */
	while (!(e->is_vp9 && e->is_svc) && (packet = vpx_codec_get_cx_data(&e->codec, &iterator)))
		if (packet->kind == VPX_CODEC_CX_FRAME_PKT && packet->data.frame.sz && !keep_packet(e, packet, 0))
			e->out_of_memory = true;
	return e->out_of_memory ? WLK_ERR_NOMEM : WLK_OK;
}

static wlk_err run(struct vpx_encoder *e, const struct video_frame *frame, bool force_key, struct encoded_picture *out)
{
	vpx_image_t image;
	struct scalability_picture plan;
	unsigned long duration = (unsigned long)MAX(CLOCK / e->fps, 1.0);
	vpx_enc_frame_flags_t flags = force_key ? VPX_EFLAG_FORCE_KF : 0;

	scalability_plan(&e->layers, &e->pattern, force_key, e->active, &plan);
	if (e->is_vp9 && e->is_svc) {
		if (!control_picture(e, &plan))
			return WLK_ERR_IO;
	} else if (e->is_svc) {
		if (vpx_codec_control(&e->codec, VP8E_SET_TEMPORAL_LAYER_ID, (int)plan.temporal) != VPX_CODEC_OK)
			return WLK_ERR_IO;
		flags |= force_key ? 0 : vp8_flags(&plan);
	}
	vpx_img_wrap(&image, VPX_IMG_FMT_I420, e->width, e->height, 1, frame->data[0]);
	for (int plane = 0; plane < 3; plane++) {
		image.planes[plane] = frame->data[plane];
		image.stride[plane] = (int)frame->stride[plane];
	}
	e->used = 0;
	e->packet_count = 0;
	e->out_of_memory = false;
	if (vpx_codec_encode(&e->codec, &image, time_of(e, frame, duration), duration, flags, VPX_DL_REALTIME) != VPX_CODEC_OK)
		return WLK_ERR_IO;
	wlk_err err = collect(e);

	if (err || !e->packet_count)
		return err;
	bool is_key = e->packets[0].is_key;

	if (is_key && !force_key) /* its own decision: everything stands on this picture */
		scalability_plan(&e->layers, &e->pattern, true, e->active, &plan);
	for (size_t i = 0; i < e->packet_count; i++)
		describe(e, &e->packets[i], &plan, is_key, &out->frames[i]);
	out->frames[e->packet_count - 1].ends_picture = true;
	out->count = e->packet_count;
	scalability_done(&e->layers, &e->pattern, is_key, &plan, (unsigned)e->packet_count);
	e->needs_key = false;
	return WLK_OK;
}

static wlk_err encode(void *state, const struct video_frame *frame, const struct video_encode_params *params, struct encoded_picture *out)
{
	struct vpx_encoder *e = state;
	uint32_t width = side_of(e, frame->width), height = side_of(e, frame->height);
	bool changed = take_params(e, params);
	wlk_err err = WLK_OK;

	if (!e->is_open || width != e->width || height != e->height) {
		close_codec(e);
		e->width = width;
		e->height = height;
		err = open_codec(e);
	} else if (changed) {
		set_rates(e);
		if (vpx_codec_enc_config_set(&e->codec, &e->config) != VPX_CODEC_OK)
			err = WLK_ERR_IO;
	}
	if (!err)
		err = run(e, frame, params->force_key || e->needs_key, out);
	if (err)
		e->needs_key = true;
	return err;
}

const struct video_encoder_ops vpx_encoder_ops = { create, encode, destroy };
