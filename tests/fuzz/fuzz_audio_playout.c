/* The audio playout under any packets at any time: it answers each pull, holds no more than it may, and counts consistently. */
#include <stdio.h>
#include <stdlib.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "media/recv/audio_playout.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 150, PULLS_MAX = 400 };

static void check(const struct audio_playout *p, uint64_t pulls)
{
	struct audio_playout_stats s;

	audio_playout_get_stats(p, &s);
	CHECK(s.packets_held <= AUDIO_PACKETS_MAX);
	CHECK(s.pulled_samples == pulls * PLAYOUT_PULL);
	CHECK(s.total_samples_received <= s.pulled_samples);
	CHECK(s.silent_concealed_samples <= s.concealed_samples);
	CHECK(s.concealment_events <= s.concealed_samples);
	CHECK(s.audio_level >= 0 && s.audio_level <= 1.001);
	CHECK(s.target_us <= 2 * SECOND);
}

static void pull(struct audio_playout *p, wlk_time *now, size_t count, uint64_t *pulls, bool burst)
{
	int16_t out[PLAYOUT_PULL * AUDIO_CHANNELS_MAX];

	for (size_t i = 0; i < count && *pulls < PULLS_MAX; i++, ++*pulls) {
		audio_playout_get(p, *now, out);
		if (!burst)
			*now += 10000;
	}
}

/*
 * Input: channels; then records of action u8, sequence step u8, timestamp u16 (signed; in units of 2.5 ms), time step u8 (ms), length u8,
 * payload.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum codec_id codecs[] = { CODEC_OPUS, CODEC_PCMU, CODEC_G722, CODEC_PCMA };
	struct bytes_reader r = bytes_reader(data, size);
	struct audio_playout_config config = { .channels = 1 + bytes_u8(&r) % 2 };
	struct audio_playout_packet packet = { .ssrc = 1, .seq = 70000 };
	struct audio_playout *p = NULL;
	wlk_time now = 0;
	uint64_t pulls = 0;
	uint32_t timestamp = 0;

	if (audio_playout_create(&p, &config) != WLK_OK)
		return 0;
	for (int i = 0; i < RECORDS_MAX && r.left >= 6; i++) {
		uint8_t action = bytes_u8(&r), step = bytes_u8(&r);
		int16_t ticks = (int16_t)bytes_u16(&r);
		uint8_t wait = bytes_u8(&r), length = bytes_u8(&r);

		packet.codec = codecs[action & 3];
		packet.clock_hz = audio_codec_rtp_rate(packet.codec);
		packet.ssrc = 1 + ((action >> 2 & 1u) & step);
		packet.after_reset = (action & 0xf8) == 0xf8;
		packet.seq += step < 250 ? step % 8 - 2 : (step - 252) * 3000;
		timestamp += (uint32_t)(ticks / 64) * (packet.clock_hz / 400) + (ticks % 64 == 63 ? 12345678u : 0);
		packet.timestamp = timestamp;
		packet.payload = bytes_slice(&r, MIN(length, r.left));
		now += wait * MILLISECOND;
		if (action & 8) {
			struct audio_playout_packet block = packet;

			block.seq = AUDIO_SEQ_NONE;
			block.timestamp -= packet.clock_hz / 50;
			audio_playout_input(p, now, &block);
		}
		audio_playout_input(p, now, &packet);
		if (action & 16)
			audio_playout_set_target(p, ticks * MILLISECOND);
		if (action & 32)
			pull(p, &now, wait % 16, &pulls, action & 64);
		check(p, pulls);
	}
	pull(p, &now, 20, &pulls, false);
	check(p, pulls);
	audio_playout_destroy(p);
	CHECK(alloc_live_blocks() == 0);
	return 0;
}
