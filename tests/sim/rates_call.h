/* A call between two peers over a bottleneck: encoded video that follows its target, speech, and a data channel that is always full. */
#ifndef SIM_RATES_CALL_H
#define SIM_RATES_CALL_H

#include "bottleneck.h"
#include "sim.h"
#include "sound.h"
#include "synthetic_encoder.h"

enum { CALL_SPEECH = SOUND_RATE * 4, CALL_MESSAGE = 16000 };

struct call_config {
	uint64_t seed;
	size_t flow;        /* of the bottleneck */
	wlk_time round_trip;
	bool audio, data;
	bool no_feedback;   /* video without transport-wide feedback: reports are all that there is */
	wlk_bitrate_limits limits; /* struct_size 0: none are set */
};

/* a sends, b receives. */
struct call {
	struct sim sim;
	struct call_config config;
	struct bottleneck *bottleneck;
	wlk_time begins;
	wlk_transceiver *video, *audio;
	struct synthetic_encoder encoder;
	/* seen by b */
	uint32_t frames;
	wlk_time last_frame, longest_gap; /* gaps count from call_watch() on */
	/* sound */
	wlk_audio_source *microphone;
	wlk_audio_sink *speaker;
	int16_t speech[CALL_SPEECH];
	size_t speech_at;
	wlk_time next_sound;
	double received_samples, concealed_samples; /* as of call_watch() */
	/* data */
	wlk_data_channel *channel;
	bool full; /* keep it so */
	uint64_t sent_messages, received_messages;
};

/* Make it and connect. */
void call_open(struct call *c, struct bottleneck *b, const struct call_config *config);
/* Let it send from here on. */
void call_begin(struct call *c);
/* Time passes until the application has something to do, at most |span|. */
void call_step(struct call *c, wlk_time span);
void call_close(struct call *c);
/* Figures begin here. */
void call_watch(struct call *c);
/* Share of the samples that were made up since then. */
double call_concealed(struct call *c);

#endif
