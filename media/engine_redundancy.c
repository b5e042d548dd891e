/* Sound that is sent as RED (RFC 2198): where the peer prefers it to the codec itself. */
#include "core/alloc.h"
#include "media/engine_internal.h"

/* Above this share of losses, of 256, one repetition leaves too many holes: two in a row are lost as well. */
enum { HIGH_LOSS = 38 /* 15 % */, DISTANCE = 1, DISTANCE_HIGH_LOSS = 2 };

/* The RED payload that stands in front of |payload| in the list of what was agreed, and shares its clock; NULL: none. */
static const struct media_payload *preferred_red(const struct media_section *s, const struct media_payload *payload)
{
	for (const struct media_payload *p = s->payloads; p < payload; p++)
		if (p->codec == RTP_CODEC_RED && p->send_pt != RTP_PT_NONE && p->clock_hz == payload->clock_hz)
			return p;
	return NULL;
}

bool engine_make_redundant(struct media_section *s, struct send_layer *l, struct rtp_send *send, uint8_t *out, size_t capacity)
{
	const struct media_payload *payload = section_payload_by_send_pt(s, send->pt), *red;
	struct bytes_writer w = bytes_writer(out, capacity);
	bool high_loss = l->stream.has_report && l->stream.report.fraction_lost > HIGH_LOSS;

	if (s->kind != MEDIA_AUDIO || !payload || !rtp_codec_is_audio(payload->codec) || payload->codec == RTP_CODEC_RED)
		return false;
	red = preferred_red(s, payload);
	if (!red)
		return false;
	if (!l->redundancy) {
		l->redundancy = wlk_malloc(sizeof(*l->redundancy));
		if (!l->redundancy)
			return false; /* it goes out once, then */
		redundancy_init(l->redundancy);
	}
	redundancy_set_distance(l->redundancy, high_loss ? DISTANCE_HIGH_LOSS : DISTANCE);
	redundancy_write(l->redundancy, &w, capacity, send->pt, send->timestamp, send->payload);
	if (!bytes_writer_ok(&w))
		return false;
	send->pt = red->send_pt;
	send->payload = (wlk_bytes){ out, w.size };
	return true;
}
