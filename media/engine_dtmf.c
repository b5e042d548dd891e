/* Telephone events that come in, as facts of their section. */
#include "media/engine_internal.h"
#include "media/rtp/red.h"

/* |payload| of payload type |pt|, whose time is |timestamp|. */
static void input_event(struct media_section *s, wlk_time now, uint32_t ssrc, uint8_t pt, uint32_t timestamp, wlk_bytes payload)
{
	const struct media_payload *format;
	bool is_rtx;

	if (s->recv_codecs[pt & 0x7f] != RTP_CODEC_DTMF || !payload.size)
		return;
	format = section_payload_by_recv_pt(s, pt, &is_rtx);
	if (!format || !format->clock_hz)
		return;
	if (s->dtmf.ssrc != ssrc) {
		dtmf_recv_restart(&s->dtmf.recv); /* another sender counts time of its own */
		s->dtmf.ssrc = ssrc;
	}
	dtmf_recv_input(&s->dtmf.recv, now, timestamp, format->clock_hz, payload);
}

/* RFC 4733 2.6: events may be blocks of RED, the earlier ones for those who missed them. */
void engine_dtmf_input(struct media_section *s, wlk_time now, const struct rtp_packet *p)
{
	struct red_block blocks[RED_BLOCKS_MAX];
	size_t count;

	if (s->recv_codecs[p->pt & 0x7f] != RTP_CODEC_RED) {
		input_event(s, now, p->ssrc, p->pt, p->timestamp, p->payload);
		return;
	}
	count = red_parse(blocks, p->payload.data, p->payload.size);
	for (size_t i = 0; i < count; i++)
		input_event(s, now, p->ssrc, blocks[i].pt, p->timestamp - blocks[i].offset, blocks[i].data);
}

bool engine_dtmf_event(struct media_section *s, struct media_event *out)
{
	struct dtmf_fact fact;

	if (!dtmf_recv_poll(&s->dtmf.recv, &fact))
		return false;
	*out = (struct media_event){ .type = MEDIA_EVENT_DTMF, .section = s->index, .ssrc = s->dtmf.ssrc, .dtmf = fact };
	return true;
}
