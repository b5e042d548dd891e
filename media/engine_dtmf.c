/* Telephone events that come in, as facts of their section. */
#include "media/engine_internal.h"

void engine_dtmf_input(struct media_section *s, wlk_time now, const struct rtp_packet *p, uint32_t clock_hz)
{
	if (s->recv_codecs[p->pt & 0x7f] != RTP_CODEC_DTMF || !clock_hz || !p->payload.size)
		return;
	if (s->dtmf.ssrc != p->ssrc) {
		dtmf_recv_restart(&s->dtmf.recv); /* another sender counts time of its own */
		s->dtmf.ssrc = p->ssrc;
	}
	dtmf_recv_input(&s->dtmf.recv, now, p->timestamp, clock_hz, p->payload);
}

bool engine_dtmf_event(struct media_section *s, struct media_event *out)
{
	struct dtmf_fact fact;

	if (!dtmf_recv_poll(&s->dtmf.recv, &fact))
		return false;
	*out = (struct media_event){ .type = MEDIA_EVENT_DTMF, .section = s->index, .ssrc = s->dtmf.ssrc, .dtmf = fact };
	return true;
}
