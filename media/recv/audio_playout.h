/* The adaptive playout buffer: encoded sound goes in as it arrives, 10 ms of PCM come out whenever the device wants them. */
#ifndef MEDIA_RECV_AUDIO_PLAYOUT_H
#define MEDIA_RECV_AUDIO_PLAYOUT_H

#include "media/recv/audio_delay.h"
#include "media/recv/audio_packets.h"
#include "media/recv/pcm_line.h"
#include "media/recv/playout_clock.h"
#include "media/recv/playout_decoder.h"

/*
 * A machine in virtual time, without threads of its own: one caller at a time.
 *
 *	input   keeps the packet, and learns from its arrival how late packets come
 *	get     decodes what is due; conceals what is missing; shortens or lengthens what is heard by whole pitch periods, so that
 *	        it is played as late as it must be, and no later
 *
 * All sound inside has 48 kHz; media time is counted in samples of that.
 */
enum {
	PLAYOUT_PULL = 480,                  /* samples a channel that audio_playout_get() hands out: 10 ms */
	PLAYOUT_PACKET_SIZE_MAX = 8192,      /* bytes of payload; longer ones are malformed */
	PLAYOUT_SEQ_JUMP = 3000,             /* R25: the sender began anew */
	PLAYOUT_TIME_JUMP = 10 * PLAYOUT_RATE, /* R25 [samples] */
	PLAYOUT_SKIP_US = 600000,            /* so far behind the target no time is won back by shortening: old sound is dropped */
	PLAYOUT_STOPPED_US = 1000000,        /* nothing came for so long: the stream has stopped, which is no loss */
	PLAYOUT_REMEMBERED = 64,             /* packets that were played, to know their late copies */
};

struct audio_playout_config {
	size_t channels; /* of the PCM that comes out: 1 or 2 */
	const struct audio_decoder_plugin *const *plugins; /* by enum codec_id, outlives the playout; NULL: all built in */
};

/* One packet, or one block of a RED packet (RFC 2198). Borrowed for the call. */
struct audio_playout_packet {
	uint32_t ssrc;
	enum codec_id codec;
	bool is_noise;      /* comfort noise (RFC 3389), whatever |codec| says: nothing need follow */
	uint32_t clock_hz;  /* of |timestamp|: 48000 for Opus, 8000 for G.711 and G.722; at most 384000 */
	uint32_t timestamp;
	int64_t seq;        /* extended; AUDIO_SEQ_NONE for a redundant block */
	bool after_reset;   /* the sender's numbers jumped in front of it */
	wlk_bytes payload;
};

/* Counts and sums of webrtc-stats; samples are counted a channel. */
struct audio_playout_stats {
	/* inbound-rtp */
	uint64_t total_samples_received; /* since the first sound, with what was concealed */
	uint64_t concealed_samples, silent_concealed_samples, concealment_events;
	uint64_t inserted_samples_for_deceleration, removed_samples_for_acceleration;
	double jitter_buffer_delay_s, jitter_buffer_target_delay_s, jitter_buffer_minimum_delay_s; /* sums over the emitted samples */
	uint64_t jitter_buffer_emitted_count;
	double audio_level;        /* 0..1, of the last 10 ms */
	double total_audio_energy; /* seconds times level squared */
	double total_samples_duration_s;
	uint64_t packets_discarded;  /* came too late, or too many */
	uint64_t fec_packets_received; /* that carried in-band FEC, */
	uint64_t recovered_packets;  /* and gaps that were filled from it or from redundant blocks */
	/* media-playout */
	uint64_t pulled_samples;      /* totalSamplesCount: all that the device took */
	uint64_t synthesized_samples; /* of those: there was no stream to play */
	uint64_t synthesized_events;
	/* beyond webrtc-stats */
	uint64_t malformed, duplicates, resets;
	wlk_time delay_us;  /* now, beyond that of packets that were not delayed */
	wlk_time target_us;
	size_t packets_held;
};

struct audio_playout;

/** WLK_ERR_NOMEM. About 200 KB, most of it of the decoder and of 120 ms of PCM. */
wlk_err audio_playout_create(struct audio_playout **out, const struct audio_playout_config *config) WLK_NODISCARD;
void audio_playout_destroy(struct audio_playout *p);
/** Other decoders, as in the configuration; what is under way begins anew with them. */
void audio_playout_set_plugins(struct audio_playout *p, const struct audio_decoder_plugin *const *plugins);

/**
 * A packet arrived at |now|. In any order, late, or twice; of RED every block. At most 1,024 packets and 2 s of sound are kept,
 * the latest ones (R25). A new SSRC or clock, or a jump (R25), begins a new stream behind what is left of the old one; for
 * a second what still comes of the old SSRC is dropped.
 */
void audio_playout_input(struct audio_playout *p, wlk_time now, const struct audio_playout_packet *packet);

/** The next PLAYOUT_PULL samples, interleaved; always all of them. |now| may stand still between the calls of a burst. */
void audio_playout_get(struct audio_playout *p, wlk_time now, int16_t *out);

/** W3C webrtc-extensions jitterBufferTarget [us]: sound is held at least so long; up to 1.9 s. 0: no wish. */
void audio_playout_set_target(struct audio_playout *p, wlk_time delay_us);
/** Likewise, for lip-sync. */
void audio_playout_set_minimum_delay(struct audio_playout *p, wlk_time delay_us);

/**
 * What is heard: the RTP timestamp of the first sample of the next audio_playout_get(), and when that is due at the earliest.
 * False: nothing is playing.
 */
bool audio_playout_position(const struct audio_playout *p, uint32_t *rtp_timestamp, wlk_time *moment);

void audio_playout_get_stats(const struct audio_playout *p, struct audio_playout_stats *out);

#endif
