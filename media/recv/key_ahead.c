#include "media/recv/key_ahead.h"

enum { PAYLOAD_MAX = 2048, SCRATCH_SIZE = 2 * PAYLOAD_MAX + 16 };

/* H.264 begins its key frames with parameter sets, often in a packet of their own. */
static bool begins_key_frame(enum rtp_codec codec, const struct payload_info *info)
{
	bool is_key = info->is_key || (codec == RTP_CODEC_H264 && info->width);

	return info->begins && is_key && info->spatial <= 0;
}

void key_ahead_note(struct key_ahead *k, int64_t seq, const struct rtp_packet *p, enum rtp_codec codec)
{
	struct payload_info info = PAYLOAD_INFO_NONE;
	struct depacketizer state = { 0 };
	uint8_t scratch[SCRATCH_SIZE];
	struct bytes_writer w = bytes_writer(scratch, sizeof(scratch));

	if (!rtp_codec_has_frames(codec) || rtp_codec_is_audio(codec) || p->payload.size > PAYLOAD_MAX ||
	    payload_depacketize(codec, &state, &info, &w, p->payload.data, p->payload.size) != WLK_OK)
		return;
	if (codec == RTP_CODEC_VP8 && info.begins)
		payload_inspect(codec, (wlk_bytes){ scratch, w.size }, &info);
	if (begins_key_frame(codec, &info) && (!k->is_known || seq > k->first))
		*k = (struct key_ahead){ .is_known = true, .first = seq, .next = seq, .timestamp = p->timestamp };
}

bool key_ahead_is_whole(struct key_ahead *k, const struct reorder *order)
{
	const struct reorder_slot *slot;
	struct rtp_packet p;

	if (k->is_known && k->first < order->next)
		*k = (struct key_ahead){ 0 };
	while (k->is_known && !k->is_whole && (slot = reorder_peek(order, k->next))) {
		if (rtp_parse(&p, slot->buf->data, slot->buf->size) != WLK_OK)
			return false;
		k->is_whole = p.marker || p.timestamp != k->timestamp; /* without a marker it ends where the next one begins */
		k->next++;
	}
	return k->is_whole;
}
