#include "media/send/frames.h"

#include "core/rand.h"

/* webrtc-stats: a huge frame has at least 2.5 times the average size. */
static bool is_huge(const struct send_frames *f, size_t size)
{
	return f->sent && (uint64_t)size * 2 * f->sent > 5 * f->total_bytes;
}

static void describe_vp8(const struct send_frames *f, const struct send_frame_layers *layers, struct payload_info *info)
{
	info->is_discardable = layers->is_discardable;
	if (layers->temporal < 0)
		return;
	info->temporal = (int8_t)(layers->temporal & 3);
	info->is_layer_sync = layers->is_layer_sync;
	info->tl0_pic_idx = (uint8_t)(f->tl0_pic_idx + (info->temporal == 0));
}

/* Flexible mode: what a frame refers to is said in each packet, so that no structure has to be agreed on. */
static void describe_vp9(const struct send_frames *f, const struct send_frame_layers *layers, struct payload_info *info)
{
	bool is_upper = f->picture_is_open, begins = layers->ref_count == 1 && !layers->refs[0];

	info->is_flexible = true;
	if (layers->temporal >= 0 || layers->spatial >= 0) {
		info->temporal = (int8_t)(MAX(layers->temporal, 0) & 7);
		info->spatial = (int8_t)(MAX(layers->spatial, 0) & 7);
		info->is_layer_sync = layers->is_layer_sync;
		info->is_inter_layer = layers->is_inter_layer && info->spatial;
	}
	info->is_discardable = layers->is_discardable;
	info->is_key = info->is_key && !is_upper;
	info->is_inter_picture = is_upper ? !f->picture_is_key && !begins : !info->is_key;
	if (!info->is_inter_picture)
		return;
	info->ref_count = (uint8_t)MIN(layers->ref_count, PAYLOAD_REFS_MAX);
	for (size_t i = 0; i < info->ref_count; i++)
		info->refs[i] = layers->refs[i];
	if (!info->ref_count)
		info->refs[info->ref_count++] = 1;
}

wlk_err send_frames_describe(struct send_frames *f, enum rtp_codec codec, const struct send_frame_layers *layers,
			     struct payload_info *info)
{
	if (rtp_codec_is_audio(codec))
		return WLK_OK;
	if (!f->started && !info->is_key)
		return WLK_ERR_STATE;
	if (!f->has_picture_id) {
		if (rand_u16(&f->picture_id) != WLK_OK)
			return WLK_ERR_CRYPTO;
		f->has_picture_id = true;
	}
	if (codec == RTP_CODEC_VP8 || codec == RTP_CODEC_VP9)
		info->picture_id = (f->picture_id + !f->picture_is_open) & 0x7fff;
	if (codec == RTP_CODEC_VP8)
		describe_vp8(f, layers, info);
	else if (codec == RTP_CODEC_VP9)
		describe_vp9(f, layers, info);
	return WLK_OK;
}

void send_frames_sent(struct send_frames *f, enum rtp_codec codec, const struct payload_info *info, size_t size, bool more)
{
	f->huge_sent += is_huge(f, size);
	f->sent++;
	f->total_bytes += size;
	if (rtp_codec_is_audio(codec))
		return;
	f->started = true;
	f->key_sent += info->is_key;
	if (info->width) {
		f->width = info->width;
		f->height = info->height;
	}
	if (!f->picture_is_open)
		f->picture_is_key = info->is_key;
	if (info->picture_id >= 0)
		f->picture_id = (uint16_t)info->picture_id;
	if (info->tl0_pic_idx >= 0)
		f->tl0_pic_idx = (uint8_t)info->tl0_pic_idx;
	f->picture_is_open = more;
}

void send_frames_broken(struct send_frames *f)
{
	f->started = f->picture_is_open = false;
	f->picture_id++;
}
