#include "media/recv/speaking.h"

#include "core/err.h"

void speaking_hear(struct speaking *s, wlk_time now, uint8_t level, bool voice)
{
	wlk_time passed = s->heard ? MIN(MAX(now - s->last, 0), (wlk_time)SPEAKING_PACKET_MAX_US) : 0;
	bool loud;

	s->uses_voice = s->uses_voice || voice;
	loud = level <= SPEAKING_LEVEL_MAX && (voice || !s->uses_voice);
	s->loud_us = MIN(MAX(s->loud_us + (loud ? passed : -passed), 0), (wlk_time)SPEAKING_BEGIN_US);
	s->heard = true;
	s->last = now;
	s->level = level;
	if (loud)
		s->last_loud = now;
	if (loud && s->loud_us == SPEAKING_BEGIN_US)
		s->is_speaking = true;
	speaking_handle_timeout(s, now);
}

wlk_time speaking_deadline(const struct speaking *s)
{
	return s->is_speaking ? s->last_loud + SPEAKING_END_US : WLK_TIME_NEVER;
}

void speaking_handle_timeout(struct speaking *s, wlk_time now)
{
	if (speaking_deadline(s) > now)
		return;
	s->is_speaking = false;
	s->loud_us = 0;
}

bool speaking_poll(struct speaking *s)
{
	bool changed = s->told != s->is_speaking;

	s->told = s->is_speaking;
	return changed;
}
