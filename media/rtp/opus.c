#include "media/rtp/opus.h"

/* RFC 6716 3.1, table 2: samples at 48 kHz of one frame of each configuration */
static uint32_t frame_samples(uint8_t toc)
{
	unsigned config = toc >> 3;

	if (config < 12) /* SILK: 10, 20, 40, 60 ms */
		return config % 4 == 3 ? 2880 : 480u << config % 4;
	if (config < 16) /* hybrid: 10, 20 ms */
		return 480u << config % 2;
	return 120u << config % 4; /* CELT: 2.5, 5, 10, 20 ms */
}

/* RFC 6716 3.1: |config(5)|s|c(2)|; c: one frame, two, two of different sizes, or a count in the next byte */
uint32_t opus_samples(const uint8_t *packet, size_t size)
{
	uint32_t count, samples;

	if (!size)
		return 0;
	switch (packet[0] & 3) {
	case 0:
		count = 1;
		break;
	case 1:
		if ((size - 1) % 2)
			return 0; /* two equal halves (R3) */
		count = 2;
		break;
	case 2:
		count = size < 2 ? 0 : 2; /* R4 */
		break;
	default:
		count = size < 2 ? 0 : packet[1] & 0x3f;
	}
	samples = count * frame_samples(packet[0]);
	return samples <= OPUS_SAMPLES_MAX ? samples : 0;
}

bool opus_is_stereo(const uint8_t *packet, size_t size)
{
	return size && packet[0] & 0x04;
}
