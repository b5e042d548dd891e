/* A sound track that is sent: pieces of PCM in, encode jobs out, packets out. */
#ifndef MEDIA_TRACK_AUDIO_SENDER_H
#define MEDIA_TRACK_AUDIO_SENDER_H

#include "media/track/audio_encode.h"
#include "media/track/job.h"

enum { AUDIO_SENDER_CHUNKS = 64, AUDIO_SENDER_PACKETS = 50 };

/* As video_sender.h: one job is under way at most, and takes all that waits. */
struct audio_sender {
	struct audio_encode_config config;
	bool configured, failed;
	uint32_t generation;
	struct audio_encode *encode; /* NULL: none, or with a job */
	struct audio_encoder_tuning tuning;
	bool at_work, open, silent;
	struct list chunks;  /* struct audio_chunk */
	size_t chunk_count;
	struct list packets; /* struct audio_piece */
	size_t packet_count;
	struct list jobs;
	wlk_time encode_us;
	uint64_t dropped_chunks, dropped_packets;
	struct audio_encode_stats stats; /* as of the last job */
};

void audio_sender_init(struct audio_sender *s);
void audio_sender_free(struct audio_sender *s);
/** How to encode; another codec or number of channels begins anew. fmtp is not looked at. */
void audio_sender_configure(struct audio_sender *s, const struct audio_encode_config *config);
/** What may change at any time. */
void audio_sender_tune(struct audio_sender *s, const struct audio_encoder_tuning *tuning);
/** Whether anything can be sent; what comes before is dropped. */
void audio_sender_set_open(struct audio_sender *s, bool open);
void audio_sender_set_silent(struct audio_sender *s, bool silent);
/** Takes |chunk| over. */
void audio_sender_push(struct audio_sender *s, struct audio_chunk *chunk);

bool audio_sender_poll_job(struct audio_sender *s, wlk_time now, struct track_job **out);
bool audio_sender_has_job(const struct audio_sender *s);
/** The next packet; the caller frees it with wlk_free(). NULL: none. */
struct audio_piece *audio_sender_poll_packet(struct audio_sender *s);

#endif
