/* How late sound must be played so that nearly all of it has arrived: the histogram of arrivals and the target delay. */
#ifndef MEDIA_RECV_AUDIO_DELAY_H
#define MEDIA_RECV_AUDIO_DELAY_H

#include "core/err.h"
#include "core/time.h"

/*
 * An |offset| is a moment minus the media time that belongs to it [us]: of arrival, or of playout. Only differences of offsets
 * mean anything. Packets that were not delayed have the smallest one, |base|; sound that is played at offset P waited P minus the
 * offset of its arrival.
 */
enum {
	AUDIO_DELAY_BIN_US = 5000,
	AUDIO_DELAY_BINS = 512,
	AUDIO_DELAY_MAX_US = 600000, /* what the network may ask for: beyond, nobody can talk */
	AUDIO_DELAY_WISH_MAX_US = 1900000, /* what the user may: below the 2 s of R25 */
	AUDIO_DELAY_MARGIN_US = 15000, /* a packet must be there one pull before it is heard, and half a bin */
};

struct audio_delay {
	bool started;
	wlk_time origin; /* offset where bin 0 begins */
	float weight[AUDIO_DELAY_BINS];
	float total;
	float unit;     /* weight of one ms of new sound; grows instead of making the old ones shrink */
	wlk_time beyond; /* for how long all of the sound came too late to be counted */
	wlk_time wish;   /* jitterBufferTarget: at least this delay */
	wlk_time minimum; /* of lip-sync, likewise */
	/* by the histogram, made anew with each packet */
	wlk_time base, late;
};

void audio_delay_init(struct audio_delay *d);
/** Forget the arrivals, keep the wishes. */
void audio_delay_restart(struct audio_delay *d);

/** |duration| of sound arrived for the first time, at |offset|. */
void audio_delay_on_arrival(struct audio_delay *d, wlk_time offset, wlk_time duration);

/** W3C webrtc-extensions jitterBufferTarget, and what lip-sync wants [us]; moved into 0..AUDIO_DELAY_WISH_MAX_US. */
void audio_delay_set_wish(struct audio_delay *d, wlk_time delay);
void audio_delay_set_minimum(struct audio_delay *d, wlk_time delay);

/** The offset at which to play; |d| has started. */
wlk_time audio_delay_target_offset(const struct audio_delay *d);
/** The same as a delay behind packets that were not delayed: with the wishes, and by the network alone. */
wlk_time audio_delay_target(const struct audio_delay *d);
wlk_time audio_delay_network(const struct audio_delay *d);

#endif
