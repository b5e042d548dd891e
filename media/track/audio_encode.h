/* Sound on its way to the wire: any rate and number of channels in, packets of one codec out. */
#ifndef MEDIA_TRACK_AUDIO_ENCODE_H
#define MEDIA_TRACK_AUDIO_ENCODE_H

#include "core/list.h"
#include "core/time.h"
#include "media/codec/audio_codec.h"
#include "media/codec/resample.h"

enum {
	AUDIO_FRAME_MS_MAX = 60,
	AUDIO_CHUNK_MAX = 192000, /* samples a channel */
};

/* A piece of sound as it was pushed; counted by nobody: each holder has its own. */
struct audio_chunk {
	struct list link;
	uint32_t rate, channels;
	size_t count;      /* samples a channel */
	wlk_time captured; /* of the first */
	int16_t samples[];
};

/* NULL: no memory. |count| at most AUDIO_CHUNK_MAX. THREAD-SAFE, as freeing it with wlk_free(). */
struct audio_chunk *audio_chunk_create(const int16_t *samples, size_t count, uint32_t rate, uint32_t channels, wlk_time captured);

struct audio_encode_config {
	struct audio_encoder_config encoder;
	const struct audio_encoder_plugin *plugin; /* NULL: built in */
	uint32_t frame_ms; /* 10, 20, 40 or 60 */
};

/* A packet of sound. */
struct audio_piece {
	struct list link;
	uint32_t timestamp; /* in units of the codec's RTP clock */
	wlk_time captured;
	bool talk_start;
	uint8_t level;      /* -dBov, 0..127 (RFC 6464) */
	bool voice;
	size_t size;
	uint8_t data[];
};

struct audio_encode_stats {
	uint64_t samples;      /* a channel, taken in, at the rate that they came with */
	double energy, duration_s; /* as totalAudioEnergy and totalSamplesDuration of webrtc-stats */
	double level;          /* of the last packet, 0..1 linear */
	uint64_t packets, silent_packets;
};

/* Owned by one thread at a time: by the track, or by the job that it is lent to. */
struct audio_encode;

/** Errors as audio_encoder_create(). */
wlk_err audio_encode_create(struct audio_encode **out, const struct audio_encode_config *config) WLK_NODISCARD;
void audio_encode_destroy(struct audio_encode *e);
wlk_err audio_encode_tune(struct audio_encode *e, const struct audio_encoder_tuning *tuning);
/** Take one piece; whole frames go to the end of |packets|, which the caller frees with wlk_free(). WLK_ERR_NOMEM: it is lost. */
wlk_err audio_encode_input(struct audio_encode *e, const struct audio_chunk *chunk, bool silent, struct list *packets);
void audio_encode_stats(const struct audio_encode *e, struct audio_encode_stats *out);

#endif
