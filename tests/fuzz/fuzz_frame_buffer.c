/* The frame buffer under packets of any order and content: memory is bounded and given back, frames come in order. */
#include <stdio.h>
#include <stdlib.h>

#include "media/recv/frame_buffer.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outlet {
	struct frame_budget budget;
	int64_t last_seq;
	bool has_video, refuse;
};

static bool take(void *user, struct recv_frame *frame)
{
	struct outlet *o = user;

	CHECK(frame->size && frame->size <= FRAME_SIZE_MAX && frame->packet_count <= FRAME_PACKETS_MAX);
	CHECK(frame->first_seq <= frame->last_seq && frame->last_seq >= o->last_seq);
	CHECK(o->budget.used <= FRAMES_BYTES_MAX && frame->charged >= frame->size);
	if (!rtp_codec_is_audio(frame->codec)) {
		CHECK(o->has_video || frame->info.is_key);
		o->has_video = true;
	}
	o->last_seq = frame->last_seq;
	if (o->refuse)
		return false;
	recv_frame_free(frame, &o->budget);
	return true;
}

/* Input: records of codec and flags, step of the sequence number, step of time, length, payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rtp_ext_ids ext = { .id = { [RTP_EXT_AUDIO_LEVEL] = 1, [RTP_EXT_DEPENDENCY_DESCRIPTOR] = 2, [RTP_EXT_ABS_CAPTURE_TIME] = 3 } };
	static const uint8_t block[] = { 0x10, 0x85, 0x22, 0x80, 1, 2, 0x37, 1, 2, 3, 4, 5, 6, 7, 8, 0 };
	uint8_t codecs[128] = { 0 };
	struct bytes_reader r = bytes_reader(data, size);
	struct outlet outlet = { .last_seq = INT64_MIN };
	struct frame_buffer buffer;
	int64_t seq = 65536;
	uint32_t timestamp = 0;
	wlk_time now = 0;

	for (uint8_t i = 0; i < RTP_CODEC_DTMF; i++)
		codecs[i] = i;
	frame_buffer_init(&buffer, &outlet.budget);
	while (r.left > 4) {
		uint8_t head = bytes_u8(&r), step = bytes_u8(&r), ticks = bytes_u8(&r), length = bytes_u8(&r);
		uint8_t pt = (uint8_t)(RTP_CODEC_OPUS + head % (RTP_CODEC_RED - RTP_CODEC_OPUS + 1));
		wlk_bytes payload = bytes_slice(&r, MIN(length, r.left));
		struct rtp_packet rtp = { .pt = pt, .marker = head & 0x80, .payload = payload, .ssrc = 1, .has_ext = head & 0x10, .ext_profile = 0xbede, .ext = { block, sizeof(block) } };

		if (!payload.size)
			continue;
		seq += step < 200 ? 1 : step - 200;
		timestamp += ticks < 128 ? 0 : ticks;
		now += 10000;
		rtp.timestamp = timestamp;
		outlet.refuse = head == 0xff;
		if (step == 255)
			seq += 5000;
		if (seq <= outlet.last_seq)
			seq = outlet.last_seq + 1;
		frame_buffer_input(&buffer,
				   &(struct frame_packet){ .rtp = &rtp, .seq = seq, .now = now, .after_reset = step == 254, .codecs = codecs, .ext = &ext },
				   take, &outlet);
		CHECK(outlet.budget.used <= FRAMES_BYTES_MAX);
	}
	frame_buffer_free(&buffer);
	CHECK(outlet.budget.used == 0);
	return 0;
}
