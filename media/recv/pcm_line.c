#include "media/recv/pcm_line.h"

#include <math.h>
#include <string.h>

enum { ALIGN_WINDOW = 240 };

void pcm_line_init(struct pcm_line *l, size_t channels)
{
	assert(channels >= 1 && channels <= PITCH_CHANNELS_MAX && "mono or stereo");
	memset(l, 0, sizeof(*l));
	l->channels = channels;
	l->play = l->end = EXPAND_HISTORY;
	background_noise_init(&l->noise);
}

static int16_t *sample_at(struct pcm_line *l, size_t index)
{
	return l->pcm + index * l->channels;
}

/* Room for a piece and what may be made up in front of it: what was played long ago goes. */
static int16_t *room(struct pcm_line *l)
{
	size_t gone = l->play - EXPAND_HISTORY;

	assert(pcm_line_ready(l) <= PCM_LINE_READY_MAX && "the caller plays before it goes on");
	if (gone) {
		memmove(l->pcm, sample_at(l, gone), (l->end - gone) * l->channels * sizeof(*l->pcm));
		l->play -= gone;
		l->end -= gone;
	}
	return sample_at(l, l->end);
}

void pcm_line_append_made_up(struct pcm_line *l, const int16_t *pcm, size_t samples)
{
	assert(samples <= PCM_LINE_APPEND_MAX && "see the header");
	memcpy(room(l), pcm, samples * l->channels * sizeof(*pcm));
	l->end += samples;
	l->expand.active = false;
}

void pcm_line_append(struct pcm_line *l, const int16_t *pcm, size_t samples)
{
	pcm_line_append_made_up(l, pcm, samples);
	background_noise_hear(&l->noise, pcm, l->channels, samples);
}

static void expand_to(struct pcm_line *l, int16_t *out, size_t samples)
{
	if (!l->expand.active)
		audio_expand_begin(&l->expand, sample_at(l, l->end - EXPAND_HISTORY), l->channels);
	audio_expand_make(&l->expand, &l->noise, out, samples);
}

void pcm_line_expand(struct pcm_line *l, size_t samples)
{
	int16_t *out = room(l);

	expand_to(l, out, samples);
	l->end += samples;
}

bool pcm_line_is_quiet(const struct pcm_line *l)
{
	return l->expand.active && l->expand.made >= EXPAND_GONE;
}

size_t pcm_line_join(struct pcm_line *l, const int16_t *pcm, size_t samples, size_t range)
{
	int16_t tail[(PITCH_LAG_MAX + PCM_LINE_JOIN) * PITCH_CHANNELS_MAX], *out = room(l);
	size_t ch = l->channels, fade = MIN(samples, PCM_LINE_JOIN), made = 0;

	assert(range <= PITCH_LAG_MAX && samples && samples <= PCM_LINE_APPEND_MAX && "see the header");
	expand_to(l, tail, range + fade);
	if (fade >= ALIGN_WINDOW)
		made = audio_expand_align(tail, pcm, ch, range, ALIGN_WINDOW);
	memcpy(out, tail, made * ch * sizeof(*out));
	memcpy(out + made * ch, pcm, samples * ch * sizeof(*out));
	cross_fade(out + made * ch, tail + made * ch, pcm, ch, fade);
	l->end += made + samples;
	l->expand.active = false;
	background_noise_hear(&l->noise, pcm, ch, samples);
	return made;
}

/* Where only the background is heard, a splice of any two pieces passes. */
static float likeness_needed(struct pcm_line *l, float similar)
{
	const int16_t *pcm = sample_at(l, l->play);
	size_t count = MIN(pcm_line_ready(l), TIME_STRETCH_LOOK) * l->channels;
	float energy = 0;

	for (size_t i = 0; i < count; i++)
		energy += (float)pcm[i] * (float)pcm[i];
	return count && sqrtf(energy / (float)count) < 2 * l->noise.floor + 4 ? 0 : similar;
}

size_t pcm_line_shorten(struct pcm_line *l, float similar)
{
	size_t removed = time_stretch_shorten(sample_at(l, l->play), pcm_line_ready(l), l->channels, likeness_needed(l, similar));

	l->end -= removed;
	return removed;
}

size_t pcm_line_lengthen(struct pcm_line *l, float similar)
{
	size_t inserted;

	if (pcm_line_ready(l) > PCM_LINE_READY_MAX)
		return 0;
	room(l);
	inserted = time_stretch_lengthen(sample_at(l, l->play), pcm_line_ready(l), l->channels, likeness_needed(l, similar));
	l->end += inserted;
	return inserted;
}

void pcm_line_take(struct pcm_line *l, int16_t *out, size_t samples)
{
	assert(samples <= pcm_line_ready(l) && "only what is ready");
	memcpy(out, sample_at(l, l->play), samples * l->channels * sizeof(*out));
	l->play += samples;
}
