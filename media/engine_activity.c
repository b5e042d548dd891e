/* Whether packets of a section come at all, and whether somebody speaks in them or in what is sent. */
#include "media/engine_internal.h"

void engine_activity_on_packet(struct media_section *s, wlk_time now, const struct rtp_packet *p)
{
	struct rtp_audio_level level;

	if (!p->payload.size)
		return;
	flow_on_packet(&s->flow, now);
	if (s->kind == MEDIA_AUDIO && rtp_ext_audio_level(rtp_ext_find(p, s->recv_ext.id[RTP_EXT_AUDIO_LEVEL]), &level))
		speaking_hear(&s->they_speak, now, level.level, level.voice);
}

void engine_activity_on_frame(struct media_section *s, wlk_time now, const struct media_send_frame *frame)
{
	if (s->kind == MEDIA_AUDIO && frame->has_audio_level)
		speaking_hear(&s->we_speak, now, frame->audio_level.level, frame->audio_level.voice);
}

void engine_activity_on_bye(struct media_engine *e, struct media_section *s)
{
	for (size_t i = 0; i < e->ssrc_count; i++)
		if (e->ssrcs[i].entry->section == s && !e->ssrcs[i].entry->bye)
			return;
	flow_end(&s->flow);
}

/* A section whose direction changed is told of by the description. */
void engine_activity_take_over(struct media_section *s, const struct media_section *old)
{
	if (s->receive && old->receive) {
		s->flow = old->flow;
		s->they_speak = old->they_speak;
	}
	if (s->send && old->send)
		s->we_speak = old->we_speak;
}

wlk_time engine_activity_deadline(const struct media_section *s)
{
	return time_min(flow_deadline(&s->flow), time_min(speaking_deadline(&s->they_speak), speaking_deadline(&s->we_speak)));
}

void engine_activity_handle_timeout(struct media_section *s, wlk_time now)
{
	flow_handle_timeout(&s->flow, now);
	speaking_handle_timeout(&s->they_speak, now);
	speaking_handle_timeout(&s->we_speak, now);
}

bool engine_activity_event(struct media_section *s, struct media_event *out)
{
	struct speaking *speaking = NULL;

	if (flow_poll(&s->flow)) {
		*out = (struct media_event){ .type = MEDIA_EVENT_FLOW, .section = s->index, .is_flowing = s->flow.is_flowing };
		return true;
	}
	if (speaking_poll(&s->they_speak))
		speaking = &s->they_speak;
	else if (speaking_poll(&s->we_speak))
		speaking = &s->we_speak;
	if (!speaking)
		return false;
	*out = (struct media_event){ .type = MEDIA_EVENT_SPEAKING, .section = s->index };
	out->speaking.is_speaking = speaking->is_speaking;
	out->speaking.is_own = speaking == &s->we_speak;
	out->speaking.level = speaking->level;
	return true;
}
