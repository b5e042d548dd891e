#include "openh264.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wels/codec_api.h>

struct encoder {
	ISVCEncoder *openh264; /* NULL: the last attempt to make one failed */
	wlk_video_encoder_config config;
	int temporal_layers;
	uint32_t width, height;
	uint64_t bitrate;
	double frame_rate;
	bool has_time;
	wlk_time first;
	long long last_ms;
	uint8_t *bytes; /* of the last picture */
	size_t capacity;
};

/* What the receiver takes: any baseline profile (RFC 6184 8.1; without profile-level-id it is one), and fragmented NAL units. */
static bool accepts(void *user, const char *fmtp)
{
	const char *profile = strcasestr(fmtp, "profile-level-id=");

	(void)user;
	if (profile && strncasecmp(profile + strlen("profile-level-id="), "42", 2) != 0)
		return false;
	return strcasestr(fmtp, "packetization-mode=1") != NULL;
}

static int clamp_rate(uint64_t bitrate)
{
	return bitrate > 100000000 ? 100000000 : bitrate < 10000 ? 10000 : (int)bitrate;
}

static float clamp_frames(double frame_rate)
{
	return frame_rate > 60 ? 60 : frame_rate < 1 ? 1 : (float)frame_rate;
}

static void fill_in(const struct encoder *e, SEncParamExt *p)
{
	SSpatialLayerConfig *layer = &p->sSpatialLayers[0];
	int threads = e->width * e->height < 640 * 360 || e->config.threads < 2 ? 1 : e->config.threads > 4 ? 4 : (int)e->config.threads;

	p->iUsageType = e->config.screen ? SCREEN_CONTENT_REAL_TIME : CAMERA_VIDEO_REAL_TIME;
	p->iPicWidth = (int)e->width;
	p->iPicHeight = (int)e->height;
	p->iTargetBitrate = p->iMaxBitrate = clamp_rate(e->bitrate);
	p->iRCMode = RC_BITRATE_MODE;
	p->fMaxFrameRate = clamp_frames(e->frame_rate);
	p->iTemporalLayerNum = e->temporal_layers;
	p->iSpatialLayerNum = 1;
	p->uiIntraPeriod = 0; /* key frames only when they are asked for */
	p->eSpsPpsIdStrategy = CONSTANT_ID;
	p->bEnableFrameSkip = !e->config.screen;
	p->bEnableSceneChangeDetect = false;
	p->bEnableDenoise = false;
	p->iMultipleThreadIdc = (unsigned short)threads;
	p->iComplexityMode = LOW_COMPLEXITY;
	layer->iVideoWidth = p->iPicWidth;
	layer->iVideoHeight = p->iPicHeight;
	layer->fFrameRate = p->fMaxFrameRate;
	layer->iSpatialBitrate = layer->iMaxSpatialBitrate = p->iTargetBitrate;
	layer->uiProfileIdc = PRO_BASELINE;
	layer->sSliceArgument.uiSliceMode = threads > 1 ? SM_FIXEDSLCNUM_SLICE : SM_SINGLE_SLICE;
	layer->sSliceArgument.uiSliceNum = (unsigned)threads;
}

static void close_encoder(struct encoder *e)
{
	if (!e->openh264)
		return;
	(*e->openh264)->Uninitialize(e->openh264);
	WelsDestroySVCEncoder(e->openh264);
	e->openh264 = NULL;
}

static wlk_err open_encoder(struct encoder *e)
{
	SEncParamExt params;
	int quiet = WELS_LOG_QUIET, format = videoFormatI420;

	if (WelsCreateSVCEncoder(&e->openh264) != 0) {
		e->openh264 = NULL;
		return WLK_ERR_NOMEM;
	}
	(*e->openh264)->SetOption(e->openh264, ENCODER_OPTION_TRACE_LEVEL, &quiet);
	(*e->openh264)->GetDefaultParams(e->openh264, &params);
	fill_in(e, &params);
	if ((*e->openh264)->InitializeExt(e->openh264, &params) != cmResultSuccess) {
		WelsDestroySVCEncoder(e->openh264);
		e->openh264 = NULL;
		return WLK_ERR_UNSUPPORTED;
	}
	(*e->openh264)->SetOption(e->openh264, ENCODER_OPTION_DATAFORMAT, &format);
	e->has_time = false;
	return WLK_OK;
}

static void destroy(void *encoder)
{
	struct encoder *e = encoder;

	close_encoder(e);
	free(e->bytes);
	free(e);
}

static wlk_err create(void *user, const wlk_video_encoder_config *config, void **encoder)
{
	const char *mode = config->scalability_mode;
	struct encoder *e;
	wlk_err err;

	(void)user;
	/* Spatial layers of H.264 (annex G) are nobody's in WebRTC. */
	if (strlen(mode) != 4 || strncmp(mode, "L1T", 3) != 0 || mode[3] < '1' || mode[3] > '3')
		return WLK_ERR_UNSUPPORTED;
	e = calloc(1, sizeof(*e));
	if (!e)
		return WLK_ERR_NOMEM;
	e->config = *config;
	e->config.fmtp = e->config.scalability_mode = NULL; /* lent */
	e->temporal_layers = mode[3] - '0';
	/* An odd column or row is left out: 4:2:0 of H.264 has none. */
	e->width = config->width & ~1u;
	e->height = config->height & ~1u;
	e->bitrate = config->bitrate;
	e->frame_rate = config->frame_rate;
	err = e->width < 16 || e->height < 16 ? WLK_ERR_UNSUPPORTED : open_encoder(e);
	if (err) {
		destroy(e);
		return err;
	}
	*encoder = e;
	return WLK_OK;
}

static void take_request(struct encoder *e, const wlk_video_encode_request *request)
{
	SBitrateInfo rate = { SPATIAL_LAYER_ALL, clamp_rate(request->bitrate) };
	float frames = clamp_frames(request->frame_rate);

	if (request->bitrate && request->bitrate != e->bitrate) {
		/* The limit first when it rises, and last when it falls: the target is never above it. */
		bool rises = request->bitrate > e->bitrate;

		(*e->openh264)->SetOption(e->openh264, rises ? ENCODER_OPTION_MAX_BITRATE : ENCODER_OPTION_BITRATE, &rate);
		(*e->openh264)->SetOption(e->openh264, rises ? ENCODER_OPTION_BITRATE : ENCODER_OPTION_MAX_BITRATE, &rate);
		e->bitrate = request->bitrate;
	}
	if (request->frame_rate > 0 && (frames > e->frame_rate * 1.05 || frames < e->frame_rate * 0.95)) {
		(*e->openh264)->SetOption(e->openh264, ENCODER_OPTION_FRAME_RATE, &frames);
		e->frame_rate = frames;
	}
}

/* All NAL units of the picture behind each other; each begins with its start code. */
static wlk_err collect(struct encoder *e, const SFrameBSInfo *info, wlk_video_encode_result *result)
{
	size_t size = 0, at = 0;

	for (int i = 0; i < info->iLayerNum; i++)
		for (int k = 0; k < info->sLayerInfo[i].iNalCount; k++)
			size += (size_t)info->sLayerInfo[i].pNalLengthInByte[k];
	if (size > e->capacity) {
		uint8_t *larger = realloc(e->bytes, 2 * size);

		if (!larger)
			return WLK_ERR_NOMEM;
		e->bytes = larger;
		e->capacity = 2 * size;
	}
	for (int i = 0; i < info->iLayerNum; i++) {
		const SLayerBSInfo *layer = &info->sLayerInfo[i];
		size_t of_layer = 0;

		for (int k = 0; k < layer->iNalCount; k++)
			of_layer += (size_t)layer->pNalLengthInByte[k];
		memcpy(e->bytes + at, layer->pBsBuf, of_layer);
		at += of_layer;
		if (layer->uiLayerType == VIDEO_CODING_LAYER && e->temporal_layers > 1)
			result->frames[0].temporal_index = (int8_t)layer->uiTemporalId;
	}
	result->frame_count = size ? 1 : 0;
	result->frames[0].data = e->bytes;
	result->frames[0].size = size;
	result->frames[0].key = info->eFrameType == videoFrameTypeIDR;
	result->frames[0].width = (uint16_t)e->width;
	result->frames[0].height = (uint16_t)e->height;
	return WLK_OK;
}

static wlk_err encode(void *encoder, const wlk_codec_picture *picture, const wlk_video_encode_request *request,
		      wlk_video_encode_result *result)
{
	struct encoder *e = encoder;
	uint32_t width = picture->width & ~1u, height = picture->height & ~1u;
	SSourcePicture source = { .iColorFormat = videoFormatI420, .iPicWidth = (int)width, .iPicHeight = (int)height };
	SFrameBSInfo info;

	if (width < 16 || height < 16)
		return WLK_ERR_UNSUPPORTED;
	if (!e->openh264 || width != e->width || height != e->height) {
		close_encoder(e);
		e->width = width;
		e->height = height;
		wlk_err err = open_encoder(e);

		if (err)
			return err;
	}
	take_request(e, request);
	for (int i = 0; i < 3; i++) {
		source.pData[i] = (unsigned char *)picture->data[i]; /* it is only read */
		source.iStride[i] = (int)picture->stride[i];
	}
	if (!e->has_time) {
		e->has_time = true;
		e->first = picture->timestamp;
		e->last_ms = -1;
	}
	source.uiTimeStamp = (picture->timestamp - e->first) / 1000;
	if (source.uiTimeStamp <= e->last_ms)
		source.uiTimeStamp = e->last_ms + 1;
	e->last_ms = source.uiTimeStamp;
	memset(&info, 0, sizeof(info));
	if (request->key_frame)
		(*e->openh264)->ForceIntraFrame(e->openh264, true);
	if ((*e->openh264)->EncodeFrame(e->openh264, &source, &info) != cmResultSuccess)
		return WLK_ERR_IO;
	if (info.eFrameType == videoFrameTypeSkip || info.eFrameType == videoFrameTypeInvalid) {
		result->frame_count = 0;
		return WLK_OK;
	}
	return collect(e, &info, result);
}

const wlk_video_encoder_table openh264_encoder = { sizeof(openh264_encoder), WLK_CODEC_H264, "OpenH264", false, NULL, accepts, create, encode,
						   destroy };
