#include "wirelark_openh264.h"
#include "openh264.h"

wlk_err wlk_openh264_add(wlk_codec_set *set)
{
	wlk_err err = wlk_codec_set_add_video_encoder(set, &openh264_encoder);

	return err ? err : wlk_codec_set_add_video_decoder(set, &openh264_decoder);
}
