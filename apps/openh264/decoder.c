#include "openh264.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wels/codec_api.h>

struct decoder {
	ISVCDecoder *openh264;
};

static void destroy(void *decoder)
{
	struct decoder *d = decoder;

	(*d->openh264)->Uninitialize(d->openh264);
	WelsDestroyDecoder(d->openh264);
	free(d);
}

static wlk_err create(void *user, const wlk_video_decoder_config *config, void **decoder)
{
	SDecodingParam params;
	int quiet = WELS_LOG_QUIET;
	struct decoder *d = calloc(1, sizeof(*d));

	(void)user;
	(void)config;
	if (!d)
		return WLK_ERR_NOMEM;
	if (WelsCreateDecoder(&d->openh264) != 0) {
		free(d);
		return WLK_ERR_NOMEM;
	}
	(*d->openh264)->SetOption(d->openh264, DECODER_OPTION_TRACE_LEVEL, &quiet);
	memset(&params, 0, sizeof(params));
	params.uiTargetDqLayer = UCHAR_MAX;
	params.eEcActiveIdc = ERROR_CON_DISABLE; /* what is damaged waits for a key frame, and is not guessed */
	params.sVideoProperty.size = sizeof(params.sVideoProperty);
	params.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC;
	if ((*d->openh264)->Initialize(d->openh264, &params) != cmResultSuccess) {
		WelsDestroyDecoder(d->openh264);
		free(d);
		return WLK_ERR_IO;
	}
	*decoder = d;
	return WLK_OK;
}

static wlk_err decode(void *decoder, const uint8_t *data, size_t size, bool last, wlk_video_decode_result *result)
{
	struct decoder *d = decoder;
	unsigned char *planes[3] = { NULL, NULL, NULL };
	SBufferInfo info;
	const SSysMEMBuffer *picture = &info.UsrData.sSystemBuffer;

	(void)last;
	memset(&info, 0, sizeof(info));
	if (size > INT_MAX || (*d->openh264)->DecodeFrameNoDelay(d->openh264, data, (int)size, planes, &info) != dsErrorFree)
		return WLK_ERR_PARSE;
	if (info.iBufferStatus != 1)
		return WLK_OK;
	if (picture->iWidth <= 0 || picture->iHeight <= 0 || picture->iStride[0] < picture->iWidth || !planes[0] || !planes[1] || !planes[2])
		return WLK_ERR_PARSE;
	result->picture.width = (uint32_t)picture->iWidth;
	result->picture.height = (uint32_t)picture->iHeight;
	for (int i = 0; i < 3; i++) {
		result->picture.data[i] = planes[i];
		result->picture.stride[i] = (size_t)picture->iStride[i ? 1 : 0];
	}
	return WLK_OK;
}

const wlk_video_decoder_table openh264_decoder = { sizeof(openh264_decoder), WLK_CODEC_H264, "OpenH264", false, NULL, NULL, create, decode,
						   destroy };
