/* What is sent twice because the path loses: sound as RED (RFC 2198). */
#include "core/alloc.h"
#include "media/engine_internal.h"

/* Above this loss one repetition leaves too many holes: two packets in a row are lost as well. */
enum { LOSS_PERCENT = 5, HIGH_LOSS_PERCENT = 15, DISTANCE = 1, DISTANCE_HIGH_LOSS = 2 };

/*
 * A report tells of some fifty packets, so that its figure jumps: rises count at once, falls by a quarter a report. Reports are rare, and
 * where much is lost so are they: feedback on single packets, of the whole path, tells sooner.
 */
static uint32_t loss_of(const struct media_engine *e, struct send_layer *l)
{
	uint32_t of_path = (uint32_t)(100 * gcc_loss(&e->gcc) + 0.5);
	struct send_loss *loss = &l->loss;
	uint32_t told = l->stream.report.fraction_lost * 16u;

	if (loss->reports != l->stream.report_count) {
		loss->reports = l->stream.report_count;
		loss->share_q12 = MAX(told, (loss->share_q12 * 3 + told) / 4);
	}
	return MAX((loss->share_q12 * 100 + 2048) / 4096, of_path);
}

uint32_t media_engine_send_loss(struct media_engine *e, size_t section)
{
	struct media_section *s = section < e->section_count ? e->sections[section] : NULL;

	return s && s->layer_count ? loss_of(e, s->layers[0]) : 0;
}

/*
 * The RED payload for |payload|, with the same clock; NULL: none. Where it stands in front of the codec it is what the peer
 * wants; behind it, it is there for bad times.
 */
static const struct media_payload *red_for(const struct media_section *s, const struct media_payload *payload, uint32_t loss)
{
	for (const struct media_payload *p = s->payloads; p < s->payloads + s->payload_count; p++)
		if (p->codec == RTP_CODEC_RED && p->send_pt != RTP_PT_NONE && p->clock_hz == payload->clock_hz)
			return p < payload || loss >= LOSS_PERCENT ? p : NULL;
	return NULL;
}

bool engine_make_redundant(const struct media_engine *e, struct media_section *s, struct send_layer *l, struct rtp_send *send, uint8_t *out,
			   size_t capacity)
{
	const struct media_payload *payload = section_payload_by_send_pt(s, send->pt), *red;
	struct bytes_writer w = bytes_writer(out, capacity);
	uint32_t loss = loss_of(e, l);

	if (s->kind != MEDIA_AUDIO || !payload || !rtp_codec_is_audio(payload->codec) || payload->codec == RTP_CODEC_RED)
		return false;
	red = red_for(s, payload, loss);
	if (!red)
		return false;
	if (!l->redundancy) {
		l->redundancy = wlk_malloc(sizeof(*l->redundancy));
		if (!l->redundancy)
			return false; /* it goes out once, then */
		redundancy_init(l->redundancy);
	}
	redundancy_set_distance(l->redundancy, loss >= HIGH_LOSS_PERCENT ? DISTANCE_HIGH_LOSS : DISTANCE);
	redundancy_write(l->redundancy, &w, capacity, send->pt, send->timestamp, send->payload);
	if (!bytes_writer_ok(&w))
		return false;
	send->pt = red->send_pt;
	send->payload = (wlk_bytes){ out, w.size };
	return true;
}
