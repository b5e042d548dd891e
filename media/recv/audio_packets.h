/* Encoded sound that waits to be decoded, in order of its media time (R25). */
#ifndef MEDIA_RECV_AUDIO_PACKETS_H
#define MEDIA_RECV_AUDIO_PACKETS_H

#include "core/err.h"
#include "core/time.h"
#include "media/codec/codec.h"

enum {
	AUDIO_PACKETS_MAX = 1024,
	AUDIO_PACKETS_SPAN = 2 * 48000,    /* samples of 48 kHz from the first to the last */
	AUDIO_PACKETS_BYTES_MAX = 2 << 20, /* of all together; far more than honest ones need */
};

struct audio_packet {
	int64_t at;       /* media time of its first sample, in samples of 48 kHz */
	int64_t duration; /* likewise */
	int64_t seq;      /* extended; AUDIO_SEQ_NONE: a redundant block */
	wlk_time arrival;
	enum codec_id codec;
	bool is_noise; /* comfort noise (RFC 3389): silence begins */
	size_t size;
	uint8_t data[];
};

#define AUDIO_SEQ_NONE INT64_MIN

struct audio_packets {
	struct audio_packet **items; /* ascending |at|, each once */
	size_t count, capacity, bytes;
};

enum audio_packets_verdict {
	AUDIO_PACKETS_KEPT,
	AUDIO_PACKETS_REPLACED,  /* a redundant block of the same time gave way */
	AUDIO_PACKETS_DUPLICATE,
	AUDIO_PACKETS_REFUSED,   /* no memory, or too old beside the newest */
};

void audio_packets_init(struct audio_packets *l);
void audio_packets_free(struct audio_packets *l);
/** Drops all; answers how many there were. */
size_t audio_packets_clear(struct audio_packets *l);

/**
 * Keep a copy. What is too much drops out in front.
 * @param head     all but size and data
 * @param dropped  receives how many packets fell out
 */
enum audio_packets_verdict audio_packets_put(struct audio_packets *l, const struct audio_packet *head, wlk_bytes data,
					     size_t *dropped);
/** The one with the earliest media time, or NULL; it stays inside. */
const struct audio_packet *audio_packets_first(const struct audio_packets *l);
/** True when one begins at exactly |at|. */
bool audio_packets_has(const struct audio_packets *l, int64_t at);
/** Take the first one out; the caller frees it with wlk_free(). There is one. */
struct audio_packet *audio_packets_take(struct audio_packets *l);
void audio_packets_drop_first(struct audio_packets *l);

#endif
