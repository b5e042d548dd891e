/* A call of raw media in a simulation: camera and microphone at peer a, screen and loudspeaker at peer b, each with its own clock. */
#ifndef SIM_RAW_CALL_H
#define SIM_RAW_CALL_H

#include "../support/film.h"
#include "../support/sound.h"
#include "sim.h"

enum { RAW_FRAME_US = 33333, RAW_SOUND_US = 10000, RAW_SOUND = SOUND_RATE / 100, RAW_PICTURES_MAX = 1 << 15, RAW_SPEECH = SOUND_RATE * 4 };

/* A moment that comes again and again, by a clock that may drift. */
struct raw_clock {
	wlk_time start, next;
	double period_us;
	uint64_t count;
};

struct raw_call_config {
	const char *video;        /* "video/VP8" and so on; NULL: as it is by default; "": none */
	const char *const *audio; /* codecs in order of preference, NULL at the end; NULL: as it is by default */
	uint32_t width, height;
	double speaker_ppm;       /* how much slower the loudspeaker's clock is than all others */
	bool beeps;               /* once a second, in place of speech */
	bool no_psnr;             /* pictures are counted only */
	sim_event_fn on_event;    /* sees the events too; NULL: nobody */
	void *user;
};

struct raw_call {
	struct sim *sim;
	struct raw_call_config config;
	wlk_video_source *camera;
	wlk_audio_source *microphone;
	wlk_audio_sink *speaker;
	wlk_transceiver *video, *audio;
	struct raw_clock picture_clock, sound_clock, speaker_clock;
	struct film film, expected;
	uint32_t pictures; /* pushed */
	wlk_time sent_at[RAW_PICTURES_MAX];
	int16_t speech[RAW_SPEECH];
	uint64_t samples; /* pushed */
	bool silent;      /* the microphone hears nothing */
	bool loud;
	wlk_time quiet_since;
	int16_t beep[10 * RAW_SOUND]; /* the one that is heard */
	size_t beep_size;
	wlk_time first_shown;
	/* figures since raw_call_reset() */
	uint32_t shown, last, width, height, sizes; /* sizes: how often it changed */
	wlk_time last_shown, gap_max, delay_sum, delay_max;
	uint32_t captures;        /* pictures that told when they were captured, */
	double capture_error_max; /* and how wrong [us] */
	double psnr_sum, psnr_min;
	uint32_t measured; /* pictures of the full size */
	double energy;     /* of what was heard: sum of squares, over |pulls| times 10 ms */
	uint32_t pulls;
	uint32_t heard;    /* beeps */
	wlk_time beep_delay_sum, beep_delay_max;
	double tone, all; /* energy of the inside of beeps at their frequency, and all of it */
};

/* Of the inbound streams, as the statistics of b tell; differences of two are figures of a time. */
struct raw_figures {
	double samples, concealed, concealment_events, held_s, emitted, discarded;
	double frames_decoded, freezes, freeze_s, key_frames;
};

/* Both peers, connected; one picture was pushed before. */
void raw_call_begin(struct sim *sim, struct raw_call *call, const struct sim_config *config, const struct raw_call_config *raw);
void raw_call_end(struct raw_call *call);
/* All clocks begin at the present moment, as they did at the end of raw_call_begin(). */
void raw_call_start(struct raw_call *call);
/* Camera, microphone and loudspeaker at work for |span|. */
void raw_call_play(struct raw_call *call, wlk_time span);
/* Figures begin anew. The gap that is open goes on. */
void raw_call_reset(struct raw_call *call);
struct raw_figures raw_call_figures(struct raw_call *call);

/* The first codecs of these types and no others, in this order; NULL ends the list. */
void raw_prefer(struct sim *sim, wlk_transceiver *t, const char *const *mimes);

/* What happened between two looks. */
double raw_concealed(const struct raw_figures *before, const struct raw_figures *after);
/* How long sound waited in the buffer on average [us]. */
wlk_time raw_held(const struct raw_figures *before, const struct raw_figures *after);

#endif
