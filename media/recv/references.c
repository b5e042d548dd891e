#include "media/recv/references.h"

enum { TEMPORAL_ALL = 7 };

void references_init(struct references *r)
{
	*r = (struct references){ .last_picture_id = -1 };
	for (size_t i = 0; i < REFERENCES_PICTURES; i++)
		r->pictures[i].picture_id = -1;
	for (size_t i = 0; i < REFERENCES_SPATIAL; i++)
		r->chains[i].last_picture_id = -1;
}

static int32_t picture_mask(const struct references *r)
{
	return r->picture_id_is_short ? 0x7f : 0x7fff;
}

static struct picture_mark *mark_of(struct references *r, int32_t picture_id)
{
	return &r->pictures[picture_id % REFERENCES_PICTURES];
}

/* Forget the pictures between the last one and this one: with 7 bits their numbers were used before. */
static void go_to_picture(struct references *r, const struct payload_info *info)
{
	if (info->picture_id < 0 || info->picture_id == r->last_picture_id)
		return;
	if (r->last_picture_id < 0 || r->picture_id_is_short != info->picture_id_is_short) {
		for (size_t i = 0; i < REFERENCES_PICTURES; i++)
			r->pictures[i].picture_id = -1;
	} else {
		int32_t at = r->last_picture_id;

		for (size_t i = 0; i < REFERENCES_PICTURES && at != info->picture_id; i++) {
			at = (at + 1) & picture_mask(r);
			mark_of(r, at)->picture_id = -1;
		}
	}
	r->picture_id_is_short = info->picture_id_is_short;
}

static bool was_handed_out(struct references *r, int32_t picture_id, int layer)
{
	const struct picture_mark *mark = mark_of(r, picture_id);

	return mark->picture_id == picture_id && mark->layers >> layer & 1;
}

static void remember(struct references *r, const struct payload_info *info, int layer)
{
	struct picture_mark *mark;

	if (info->picture_id < 0)
		return;
	r->last_picture_id = r->chains[layer].last_picture_id = info->picture_id;
	mark = mark_of(r, info->picture_id);
	if (mark->picture_id != info->picture_id)
		*mark = (struct picture_mark){ .picture_id = info->picture_id };
	mark->layers |= (uint8_t)(1 << layer);
}

static void start_chain(struct layer_chain *c, const struct payload_info *info)
{
	*c = (struct layer_chain){ .intact = true, .tl0_pic_idx = info->tl0_pic_idx, .intact_up_to = TEMPORAL_ALL, .last_picture_id = -1 };
}

/* Nothing is missing between the layer's frame before and this one, whatever packets did not come: they were not of this layer. */
static bool follows(const struct references *r, const struct layer_chain *c, const struct payload_info *info)
{
	return info->picture_id >= 0 && c->last_picture_id >= 0 &&
	       (info->picture_id == c->last_picture_id ||
		info->picture_id == ((c->last_picture_id + 1) & picture_mask(r)));
}

/* A loss may have been of any layer, and each finds out when its next frame comes. */
static void note_loss(struct references *r)
{
	for (size_t i = 0; i < REFERENCES_SPATIAL; i++)
		r->chains[i].lost = true;
}

/* The frame is not handed out: what may stand on it cannot be either. */
static void leave_out(struct layer_chain *c, const struct payload_info *info)
{
	if (info->temporal > 0)
		c->intact_up_to = (int8_t)MIN(c->intact_up_to, info->temporal - 1);
	else
		c->intact = false;
}

/* TL0PICIDX counts the frames of temporal layer 0, and the others name the one that they stand on. */
static enum reference_verdict judge_chain(struct layer_chain *c, const struct payload_info *info, bool lost)
{
	int temporal = info->temporal;

	c->lost = false;
	if (temporal < 0 || info->tl0_pic_idx < 0 || c->tl0_pic_idx < 0)
		c->intact = c->intact && !lost;
	else if (info->tl0_pic_idx != (temporal ? c->tl0_pic_idx : (c->tl0_pic_idx + 1) % 256))
		c->intact = false;
	if (!c->intact)
		return REFERENCE_NEEDS_KEY;
	if (lost)
		c->intact_up_to = 0;
	if (temporal > c->intact_up_to && !info->is_layer_sync)
		return REFERENCE_MISSING;
	if (temporal == c->intact_up_to + 1)
		c->intact_up_to = (int8_t)temporal;
	if (temporal <= 0)
		c->tl0_pic_idx = info->tl0_pic_idx;
	return REFERENCE_OK;
}

static enum reference_verdict judge_refs(struct references *r, const struct payload_info *info, int layer)
{
	for (size_t i = 0; i < info->ref_count; i++) {
		int32_t referred = (info->picture_id - info->refs[i]) & picture_mask(r);

		if (!was_handed_out(r, referred, layer))
			return info->temporal > 0 ? REFERENCE_MISSING : REFERENCE_NEEDS_KEY;
	}
	return REFERENCE_OK;
}

static enum reference_verdict judge_layered(struct references *r, const struct payload_info *info, bool lost)
{
	int layer = MAX(info->spatial, 0);
	struct layer_chain *c = &r->chains[layer];

	if (lost)
		note_loss(r);
	lost = c->lost && !follows(r, c, info);
	go_to_picture(r, info);
	if (info->is_key && layer == 0) {
		for (size_t i = 0; i < REFERENCES_SPATIAL; i++)
			r->chains[i].intact = false;
		start_chain(c, info);
		r->started = true;
		return REFERENCE_OK;
	}
	if (!r->started)
		return REFERENCE_NEEDS_KEY;
	if (info->is_inter_layer && layer > 0 && info->picture_id >= 0 && !was_handed_out(r, info->picture_id, layer - 1)) {
		leave_out(c, info);
		return info->temporal > 0 ? REFERENCE_MISSING : REFERENCE_NEEDS_KEY;
	}
	if (!info->is_inter_picture) { /* it stands on the layer below alone */
		start_chain(c, info);
		return REFERENCE_OK;
	}
	return info->is_flexible ? judge_refs(r, info, layer) : judge_chain(c, info, lost);
}

enum reference_verdict references_judge(struct references *r, enum rtp_codec codec, const struct payload_info *info,
					bool lost)
{
	enum reference_verdict verdict;
	struct payload_info vp8;

	if (codec != r->codec)
		references_init(r);
	r->codec = codec;
	if (codec == RTP_CODEC_VP9) {
		verdict = judge_layered(r, info, lost);
	} else if (codec == RTP_CODEC_VP8) {
		vp8 = *info;
		vp8.spatial = 0;
		vp8.is_inter_picture = !info->is_key;
		verdict = judge_layered(r, &vp8, lost);
	} else {
		r->started = info->is_key || (r->started && !lost);
		return r->started ? REFERENCE_OK : REFERENCE_NEEDS_KEY;
	}
	if (verdict == REFERENCE_OK)
		remember(r, info, MAX(info->spatial, 0));
	else if (verdict == REFERENCE_NEEDS_KEY && info->spatial <= 0)
		r->started = false;
	return verdict;
}
