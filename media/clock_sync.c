#include "media/clock_sync.h"

#include "core/err.h"

void clock_sync_init(struct clock_sync *s)
{
	*s = (struct clock_sync){ 0 };
}

static void note(struct clock_sync_side *side, int64_t captured_unix_us, wlk_time played)
{
	if (captured_unix_us)
		*side = (struct clock_sync_side){ .known = true, .captured_unix_us = captured_unix_us, .played = played };
}

/* The same clock stamped both, so its distance to ours cancels out. */
static void measure(struct clock_sync *s)
{
	wlk_time offset;

	if (!s->audio.known || !s->video.known)
		return;
	offset = (s->video.played - s->video.captured_unix_us) - (s->audio.played - s->audio.captured_unix_us);
	if (offset > 2 * CLOCK_SYNC_MAX_US || offset < -2 * (wlk_time)CLOCK_SYNC_MAX_US)
		return;
	s->offset_us = s->has_offset ? s->offset_us + (offset - s->offset_us) / 8 : offset;
	s->has_offset = true;
}

void clock_sync_on_audio(struct clock_sync *s, int64_t captured_unix_us, wlk_time played)
{
	note(&s->audio, captured_unix_us, played);
}

void clock_sync_forget_audio(struct clock_sync *s)
{
	s->audio.known = s->has_offset = false;
	s->audio_minimum_us = 0;
}

void clock_sync_on_video(struct clock_sync *s, int64_t captured_unix_us, wlk_time played)
{
	note(&s->video, captured_unix_us, played);
	measure(s);
}

/* The one that is ahead waits; first what the other one waits for its sake is taken back. */
static void hold_back(wlk_time *ahead, wlk_time *behind, wlk_time step)
{
	wlk_time back = MIN(step, *behind);

	*behind -= back;
	*ahead = MIN(*ahead + step - back, (wlk_time)CLOCK_SYNC_MAX_US);
}

/* Nobody would see it if the one that waits for the other's sake waited less. */
static bool relax(wlk_time *minimum, wlk_time behind)
{
	wlk_time less = MIN(behind + CLOCK_SYNC_LEFT_US, *minimum);

	if (less < CLOCK_SYNC_RELAX_US)
		return false;
	*minimum -= less;
	return true;
}

static bool is_stale(const struct clock_sync_side *side, wlk_time now)
{
	return !side->known || now - side->played > CLOCK_SYNC_STALE_US;
}

static bool correct(struct clock_sync *s)
{
	wlk_time step = s->offset_us < 0 ? -s->offset_us : s->offset_us;

	if (step < CLOCK_SYNC_SMALL_US)
		return relax(&s->video_minimum_us, s->offset_us) || relax(&s->audio_minimum_us, -s->offset_us);
	step = MIN(step - CLOCK_SYNC_LEFT_US, (wlk_time)CLOCK_SYNC_STEP_US);
	if (s->offset_us > 0)
		hold_back(&s->audio_minimum_us, &s->video_minimum_us, step);
	else
		hold_back(&s->video_minimum_us, &s->audio_minimum_us, step);
	return true;
}

/* One of the two has ended, and nobody waits for it any more. */
static bool let_go(struct clock_sync *s)
{
	bool waits = s->audio_minimum_us || s->video_minimum_us;

	s->audio_minimum_us -= MIN(s->audio_minimum_us, (wlk_time)CLOCK_SYNC_STEP_US);
	s->video_minimum_us -= MIN(s->video_minimum_us, (wlk_time)CLOCK_SYNC_STEP_US);
	s->has_offset = false;
	return waits;
}

bool clock_sync_update(struct clock_sync *s, wlk_time now)
{
	bool has_both = !is_stale(&s->audio, now) && !is_stale(&s->video, now);

	if (now < s->next || (has_both && !s->has_offset))
		return false;
	if (!has_both && !let_go(s))
		return false;
	s->next = now + CLOCK_SYNC_PACE_US;
	if (has_both && !correct(s))
		return false;
	s->has_offset = false; /* measured anew, with the delays that are on their way */
	return true;
}
