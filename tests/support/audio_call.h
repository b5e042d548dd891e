/* One direction of an audio call in virtual time: a sender, a network that delays and loses, a playout and its device. */
#ifndef TESTS_SUPPORT_AUDIO_CALL_H
#define TESTS_SUPPORT_AUDIO_CALL_H

#include "media/recv/audio_playout.h"

enum { AUDIO_CALL_FLIGHT_MAX = 4096, AUDIO_CALL_HEARD_MAX = 48000 * 20 };

struct audio_call_config {
	enum codec_id codec;
	size_t samples;      /* of a packet, at the codec's rate; 0: 20 ms */
	const int16_t *sound; /* at the codec's rate, mono; repeated */
	size_t sound_size;
	bool fec, dtx;
	size_t red;          /* redundant blocks in each packet */
	uint32_t bitrate_bps;
	uint32_t loss_percent; /* that the encoder is told */
	uint32_t seed;
	double device_ppm;   /* by so much the device is faster than the sender */
	size_t channels;     /* of the device; 0: mono */
	size_t burst;        /* pulls at a time; 0: 1 */
	bool encode_once;    /* encode |sound| once, and send that over and over */
};

struct audio_call_packet {
	wlk_time arrival;
	struct audio_playout_packet packet;
	size_t size;
	uint8_t data[400];
};

struct audio_call {
	struct audio_call_config config;
	struct audio_playout *playout;
	struct audio_encoder *encoder;
	wlk_time now, next_send;
	double next_pull;
	uint64_t sent, lost;
	/* may be changed between runs */
	double loss;                                        /* 0..1 */
	wlk_time (*delay)(struct audio_call *call);         /* of the next packet; NULL: 20 ms */
	wlk_time jitter;                                    /* without |delay|: up to so much more, at random */
	wlk_time rtt;                                       /* lost packets come again so much later (NACK); 0: never */
	bool mute;                                          /* the sender sends nothing, its clock goes on */
	bool deaf;                                          /* nobody pulls */
	uint32_t ssrc, timestamp_offset;
	int64_t seq;
	uint32_t random;
	size_t at;                                          /* in the sound */
	uint32_t timestamp;
	struct audio_call_packet *flight;
	size_t flying;
	struct { uint8_t data[400]; size_t size; uint32_t timestamp; } red[4];
	struct { uint8_t data[400]; size_t size; } *encoded;
	size_t encoded_count;
	/* what was heard, of the first 20 s of a run */
	int16_t *heard;
	size_t heard_count;
	double slowest_pull_us; /* CPU time of one pull */
	double total_pull_us;
	uint64_t pulls;
};

void audio_call_init(struct audio_call *call, const struct audio_call_config *config);
void audio_call_free(struct audio_call *call);
/** Let |duration| pass. What is heard is kept from the beginning of the run. */
void audio_call_run(struct audio_call *call, wlk_time duration);
struct audio_playout_stats audio_call_stats(const struct audio_call *call);
/** 0..1 */
double audio_call_uniform(struct audio_call *call);

#endif
