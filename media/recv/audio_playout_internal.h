/* The inside of the audio playout, shared by its files: its state, and who calls whom. */
#ifndef MEDIA_RECV_AUDIO_PLAYOUT_INTERNAL_H
#define MEDIA_RECV_AUDIO_PLAYOUT_INTERNAL_H

#include "core/seq.h"
#include "media/recv/audio_playout.h"

/*
 * audio_playout.c  life, what the device takes, stretching, figures
 * playout_input.c  packets: streams and their jumps, duplicates, what is learned from arrivals
 * playout_step.c   what comes next on the line: a packet, FEC, concealment, a pause
 */
enum {
	PLAYOUT_SLOW_US = -5000, PLAYOUT_FAST_US = 15000, /* how far from the target nothing is done */
};

enum playout_state {
	PLAYOUT_PAUSED,  /* nothing yet, DTX, or the stream has stopped: the next packet is played when it is due */
	PLAYOUT_PLAYING,
};

struct audio_playout {
	enum playout_state state;
	struct audio_delay delay;
	struct audio_packets packets;
	struct playout_clock clock;
	struct playout_decoder decoder;
	struct pcm_line line;
	struct audio_playout_stats stats;

	/* the stream that comes in */
	bool has_stream;
	uint32_t ssrc, clock_hz;
	uint32_t old_ssrc;
	wlk_time old_until;
	struct seq_unwrap timestamps;
	int64_t newest_at, newest_seq;
	int64_t played[PLAYOUT_REMEMBERED]; /* beginnings of what was decoded lately */
	size_t played_next;

	/* what is heard */
	bool has_next;
	int64_t next_at;  /* media time behind the end of the line */
	int64_t last_seq; /* of the packet decoded last; AUDIO_SEQ_NONE: not known */
	bool is_silence;  /* it said that silence follows (DTX) */
	bool joint;       /* what comes next does not go on where the line ends */
	size_t joint_range;
	bool heard;       /* something was decoded */
	int64_t run;      /* concealed in a row */
	int64_t expanded; /* of that: made up while it was open whether something was lost or late */
	int64_t since_stretch; /* samples played since */
	bool starved;     /* the last pull had no stream */
	int16_t fresh[PLAYOUT_SAMPLES_MAX * AUDIO_CHANNELS_MAX];
};

/** A packet that begins at |at| was decoded. */
void playout_remember_played(struct audio_playout *p, int64_t at);

/** How much later than the target the next sample is played [us]; there was a packet. */
wlk_time playout_behind_target(const struct audio_playout *p);
/** Makes the line longer, or changes the state; a few times without sound at most. */
void playout_step(struct audio_playout *p);
/** Decode the first packet, which begins where the line ends or overlaps it. There is one. */
void playout_play_first(struct audio_playout *p);
/** Far behind, nobody wants to hear what waits in between. */
void playout_skip_old(struct audio_playout *p);

#endif
