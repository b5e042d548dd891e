/* Decoded sound between the decoder and the device: what was played lately, what comes next, and how pieces join. */
#ifndef MEDIA_RECV_PCM_LINE_H
#define MEDIA_RECV_PCM_LINE_H

#include "media/recv/audio_expand.h"
#include "media/recv/time_stretch.h"

enum {
	PCM_LINE_APPEND_MAX = 5760, /* samples a channel in one piece: 120 ms */
	PCM_LINE_JOIN = 480,        /* over which two pieces go over into each other */
	PCM_LINE_READY_MAX = PCM_LINE_APPEND_MAX + 2 * TIME_STRETCH_LOOK, /* nothing is appended to more than that */
	PCM_LINE_SIZE = EXPAND_HISTORY + PCM_LINE_READY_MAX + PCM_LINE_APPEND_MAX + PITCH_LAG_MAX + PCM_LINE_JOIN,
};

/* 48 kHz, interleaved; all counts are samples a channel. */
struct pcm_line {
	size_t channels;
	size_t play; /* next sample for the device; at least EXPAND_HISTORY are in front of it */
	size_t end;
	struct audio_expand expand; /* active: the end of the line is made up */
	struct background_noise noise;
	int16_t pcm[PCM_LINE_SIZE * PITCH_CHANNELS_MAX];
};

void pcm_line_init(struct pcm_line *l, size_t channels);

/** Samples that are ready to be played. */
static inline size_t pcm_line_ready(const struct pcm_line *l)
{
	return l->end - l->play;
}

/** Received sound that goes on where the line ends; 1..PCM_LINE_APPEND_MAX samples, fewer than PCM_LINE_READY_MAX being ready. */
void pcm_line_append(struct pcm_line *l, const int16_t *pcm, size_t samples);
/** The same of sound that nobody sent: a codec's own concealment. */
void pcm_line_append_made_up(struct pcm_line *l, const int16_t *pcm, size_t samples);
/**
 * Received sound that does not go on where the line ends: it fades in.
 * @param range  so many samples may be made up in front of it, so that it fits; at most PITCH_LAG_MAX
 * @return  how many were
 */
size_t pcm_line_join(struct pcm_line *l, const int16_t *pcm, size_t samples, size_t range);
/** Make up |samples|, at most PCM_LINE_APPEND_MAX. */
void pcm_line_expand(struct pcm_line *l, size_t samples);
/** True while only background noise is made up. */
bool pcm_line_is_quiet(const struct pcm_line *l);

/** Shorten or lengthen what is ready; as time_stretch_*, background needs no likeness. Answers the samples removed or inserted. */
size_t pcm_line_shorten(struct pcm_line *l, float similar);
size_t pcm_line_lengthen(struct pcm_line *l, float similar);

/** Play |samples|, which are ready. */
void pcm_line_take(struct pcm_line *l, int16_t *out, size_t samples);

#endif
