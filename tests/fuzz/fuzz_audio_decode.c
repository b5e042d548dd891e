/*
 * The audio decoders behind media/codec: anything as a stream. First byte: codec and channels. Then chunks: one byte of what to do, two of
 * size, the packet. What comes out is as long as was told before, and nothing is written behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "media/codec/audio_codec.h"

enum { CHUNKS = 200, CANARY = 0x5a5a };

static int16_t pcm[AUDIO_SAMPLES_MAX * AUDIO_CHANNELS_MAX + 1];

static void check(bool fact)
{
	if (!fact)
		abort();
}

static void run_one(struct audio_decoder *d, enum codec_id codec, uint32_t channels, uint8_t action, wlk_bytes packet)
{
	size_t told = audio_decoder_samples(d, packet.data, packet.size), got = 0, gap = 1 + packet.size * 41 % AUDIO_SAMPLES_MAX;

	check(told <= AUDIO_SAMPLES_MAX);
	(void)audio_packet_is_dtx(codec, packet.data, packet.size);
	(void)audio_packet_channels(codec, packet.data, packet.size);
	switch (action % 4) {
	case 0: /* conceal */
		pcm[gap * channels] = CANARY;
		audio_decoder_conceal(d, gap, pcm);
		check(pcm[gap * channels] == CANARY && audio_decoder_concealed(d) >= gap);
		break;
	case 1: /* what was lost before it, then it */
		pcm[gap * channels] = CANARY;
		check(!audio_decoder_decode_fec(d, packet.data, packet.size, gap, pcm) || !told || audio_packet_has_fec(codec, packet.data, packet.size));
		check(pcm[gap * channels] == CANARY);
		/* fallthrough */
	default:
		pcm[told * channels] = CANARY;
		if (audio_decoder_decode(d, packet.data, packet.size, pcm, told, &got))
			return;
		check(told && got == told && pcm[told * channels] == CANARY && audio_decoder_concealed(d) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum codec_id codecs[] = { CODEC_OPUS, CODEC_OPUS, CODEC_PCMU, CODEC_PCMA, CODEC_G722 };
	struct bytes_reader r = bytes_reader(data, size);
	uint8_t first = bytes_u8(&r);
	enum codec_id codec = codecs[first % ARRAY_SIZE(codecs)];
	uint32_t channels = codec == CODEC_OPUS && first & 0x80 ? 2 : 1;
	struct audio_decoder *d;

	if (audio_decoder_create(&d, NULL, codec, channels))
		abort();
	for (int n = 0; n < CHUNKS && r.left > 3; n++) {
		uint8_t action = bytes_u8(&r);
		size_t length = bytes_u16(&r);
		wlk_bytes packet = bytes_slice(&r, MIN(length, r.left));
		uint8_t *exact = malloc(packet.size ? packet.size : 1);

		if (packet.size)
			memcpy(exact, packet.data, packet.size);
		run_one(d, codec, channels, action, (wlk_bytes){ exact, packet.size });
		free(exact);
	}
	audio_decoder_destroy(d);
	check(alloc_live_blocks() == 0);
	return 0;
}
