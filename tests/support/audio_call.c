#include "tests/support/audio_call.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/alloc.h"

#define ENSURE(fact)           \
	do {                   \
		if (!(fact))   \
			abort(); \
	} while (0)

double audio_call_uniform(struct audio_call *call)
{
	call->random = call->random * 1664525u + 1013904223u;
	return (call->random >> 8) / 16777216.0;
}

static void make_encoder(struct audio_call *call)
{
	const struct audio_encoder_config config = {
		.codec = call->config.codec,
		.channels = 1,
		.bitrate_bps = call->config.bitrate_bps,
		.fec = call->config.fec,
		.dtx = call->config.dtx,
		.loss_percent = call->config.loss_percent,
		.complexity = call->config.codec == CODEC_OPUS ? 3 : 0,
	};

	ENSURE(audio_encoder_create(&call->encoder, NULL, &config) == WLK_OK);
}

static size_t encode(struct audio_call *call, uint8_t *out, size_t capacity)
{
	int16_t pcm[5760];
	uint8_t packet[AUDIO_PACKET_MAX];
	size_t size = 0;

	for (size_t i = 0; i < call->config.samples; i++)
		pcm[i] = call->config.sound[(call->at + i) % call->config.sound_size];
	call->at = (call->at + call->config.samples) % call->config.sound_size;
	ENSURE(audio_encoder_encode(call->encoder, pcm, call->config.samples, packet, sizeof(packet), &size) == WLK_OK);
	ENSURE(size <= capacity);
	memcpy(out, packet, size);
	return size;
}

void audio_call_init(struct audio_call *call, const struct audio_call_config *config)
{
	memset(call, 0, sizeof(*call));
	call->config = *config;
	call->config.channels = config->channels ? config->channels : 1;
	call->config.burst = config->burst ? config->burst : 1;
	call->config.samples = config->samples ? config->samples : audio_codec_rate(config->codec) / 50;
	call->random = config->seed ? config->seed : 1;
	call->ssrc = 77;
	call->seq = 70000;
	call->timestamp_offset = 0xfffff000u; /* wraps soon */
	call->flight = calloc(AUDIO_CALL_FLIGHT_MAX, sizeof(*call->flight));
	call->heard = calloc(AUDIO_CALL_HEARD_MAX * call->config.channels, sizeof(*call->heard));
	ENSURE(call->flight && call->heard);
	ENSURE(audio_playout_create(&call->playout, &(struct audio_playout_config){ .channels = call->config.channels }) == WLK_OK);
	make_encoder(call);
	if (!config->encode_once)
		return;
	call->encoded_count = config->sound_size / call->config.samples;
	call->encoded = calloc(call->encoded_count, sizeof(*call->encoded));
	ENSURE(call->encoded);
	for (size_t i = 0; i < call->encoded_count; i++)
		call->encoded[i].size = encode(call, call->encoded[i].data, sizeof(call->encoded[i].data));
}

void audio_call_free(struct audio_call *call)
{
	audio_playout_destroy(call->playout);
	audio_encoder_destroy(call->encoder);
	free(call->flight);
	free(call->encoded);
	free(call->heard);
}

static void fly(struct audio_call *call, const uint8_t *data, size_t size, uint32_t timestamp, int64_t seq, wlk_time arrival)
{
	struct audio_call_packet *p;

	ENSURE(call->flying < AUDIO_CALL_FLIGHT_MAX && size <= sizeof(p->data));
	p = &call->flight[call->flying++];
	p->arrival = arrival;
	p->size = size;
	memcpy(p->data, data, size);
	p->packet = (struct audio_playout_packet){
		.ssrc = call->ssrc,
		.codec = call->config.codec,
		.clock_hz = audio_codec_rtp_rate(call->config.codec),
		.timestamp = timestamp,
		.seq = seq,
	};
}

static void send_one(struct audio_call *call)
{
	uint8_t data[400];
	size_t size;
	uint32_t timestamp = call->timestamp + call->timestamp_offset;
	uint64_t frame = call->sent++;
	uint32_t ticks = (uint32_t)((uint64_t)call->config.samples * audio_codec_rtp_rate(call->config.codec) /
				    audio_codec_rate(call->config.codec));
	wlk_time delay = call->delay ? call->delay(call) : 20000 + (wlk_time)(audio_call_uniform(call) * (double)call->jitter);
	bool lose = audio_call_uniform(call) < call->loss;

	call->timestamp += ticks;
	if (call->encoded) {
		size = call->encoded[frame % call->encoded_count].size;
		memcpy(data, call->encoded[frame % call->encoded_count].data, size);
	} else {
		size = encode(call, data, sizeof(data));
	}
	if (call->mute || !size)
		return;
	if (lose) {
		call->lost++;
		if (call->rtt)
			fly(call, data, size, timestamp, call->seq, call->now + delay + call->rtt);
	} else {
		for (size_t i = call->config.red; i-- > 0;)
			if (call->red[i].size)
				fly(call, call->red[i].data, call->red[i].size, call->red[i].timestamp, AUDIO_SEQ_NONE, call->now + delay);
		fly(call, data, size, timestamp, call->seq, call->now + delay);
	}
	call->seq++;
	memmove(&call->red[1], &call->red[0], 3 * sizeof(call->red[0]));
	memcpy(call->red[0].data, data, size);
	call->red[0].size = size;
	call->red[0].timestamp = timestamp;
}

/* The earliest; of equals the one that was sent first. */
static size_t next_arrival(const struct audio_call *call)
{
	size_t best = 0;

	for (size_t i = 1; i < call->flying; i++)
		if (call->flight[i].arrival < call->flight[best].arrival)
			best = i;
	return best;
}

static void arrive(struct audio_call *call, size_t index)
{
	struct audio_call_packet p = call->flight[index];

	memmove(&call->flight[index], &call->flight[index + 1], (call->flying - index - 1) * sizeof(p));
	call->flying--;
	p.packet.payload = (wlk_bytes){ p.data, p.size };
	audio_playout_input(call->playout, call->now, &p.packet);
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void pull(struct audio_call *call)
{
	int16_t out[PLAYOUT_PULL * AUDIO_CHANNELS_MAX];

	for (size_t i = 0; i < call->config.burst; i++) {
		double before = cpu_us(), took;

		audio_playout_get(call->playout, call->now, out);
		took = cpu_us() - before;
		call->slowest_pull_us = took > call->slowest_pull_us ? took : call->slowest_pull_us;
		call->total_pull_us += took;
		call->pulls++;
		if (call->heard_count + PLAYOUT_PULL <= AUDIO_CALL_HEARD_MAX) {
			memcpy(call->heard + call->heard_count * call->config.channels, out,
			       PLAYOUT_PULL * call->config.channels * sizeof(*out));
			call->heard_count += PLAYOUT_PULL;
		}
	}
	call->next_pull += 10000.0 * (double)call->config.burst / (1 + call->config.device_ppm * 1e-6);
}

void audio_call_run(struct audio_call *call, wlk_time duration)
{
	wlk_time end = call->now + duration;
	wlk_time frame = (wlk_time)call->config.samples * 1000000 / audio_codec_rate(call->config.codec);

	call->heard_count = 0;
	for (;;) {
		size_t first = next_arrival(call);
		wlk_time arrival = call->flying ? call->flight[first].arrival : WLK_TIME_NEVER;
		wlk_time pulling = (wlk_time)call->next_pull, next = time_min(time_min(arrival, call->next_send), pulling);

		if (next >= end)
			break;
		call->now = MAX(next, call->now);
		if (call->next_send == next) {
			send_one(call);
			call->next_send += frame;
		} else if (arrival == next) {
			arrive(call, first);
		} else if (call->deaf) {
			call->next_pull += 10000;
		} else {
			pull(call);
		}
	}
	call->now = end;
}

struct audio_playout_stats audio_call_stats(const struct audio_call *call)
{
	struct audio_playout_stats stats;

	audio_playout_get_stats(call->playout, &stats);
	return stats;
}
