/* The depacketizer of AV1: see depacketize.h. */
#include "depacketize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_depacketize(RTP_CODEC_AV1, data, size);
}
