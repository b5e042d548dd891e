/* The two tables of the plug-in, for plugin.c. */
#ifndef OPENH264_H
#define OPENH264_H

#include <wirelark/codec.h>

extern const wlk_video_encoder_table openh264_encoder;
extern const wlk_video_decoder_table openh264_decoder;

#endif
