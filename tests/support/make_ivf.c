/* Writes an IVF file of a moving picture, encoded by libvpx: make_ivf FILE vp8|vp9 FRAMES. The picture is the program's own. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

enum { WIDTH = 320, HEIGHT = 240, FRAMES_PER_SECOND = 30, KEY_EVERY = 60 };

static void put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void write_head(FILE *file, const char *fourcc, uint32_t frames)
{
	uint8_t head[32] = "DKIF";

	head[6] = 32;
	memcpy(head + 8, fourcc, 4);
	head[12] = WIDTH & 0xff;
	head[13] = WIDTH >> 8;
	head[14] = HEIGHT & 0xff;
	put32(head + 16, FRAMES_PER_SECOND);
	put32(head + 20, 1);
	put32(head + 24, frames);
	fwrite(head, 1, sizeof(head), file);
}

/* Bars that move, with some noise so that frames need several packets. */
static void draw(vpx_image_t *image, unsigned frame)
{
	unsigned noise = frame * 7919 + 1;

	for (unsigned y = 0; y < HEIGHT; y++) {
		for (unsigned x = 0; x < WIDTH; x++) {
			noise = noise * 1103515245 + 12345;
			image->planes[0][y * (unsigned)image->stride[0] + x] =
				(uint8_t)(((x + 3 * frame) / 20 % 2 ? 180 : 60) + (noise >> 16) % 24);
		}
	}
	for (int plane = 1; plane < 3; plane++)
		for (unsigned y = 0; y < HEIGHT / 2; y++)
			memset(image->planes[plane] + y * (unsigned)image->stride[plane], (int)(100 + frame % 50), WIDTH / 2);
}

static void write_packets(FILE *file, vpx_codec_ctx_t *encoder)
{
	const vpx_codec_cx_pkt_t *packet;
	vpx_codec_iter_t iter = NULL;

	while ((packet = vpx_codec_get_cx_data(encoder, &iter))) {
		uint8_t head[12] = { 0 };

		if (packet->kind != VPX_CODEC_CX_FRAME_PKT)
			continue;
		put32(head, (uint32_t)packet->data.frame.sz);
		put32(head + 4, (uint32_t)packet->data.frame.pts);
		fwrite(head, 1, sizeof(head), file);
		fwrite(packet->data.frame.buf, 1, packet->data.frame.sz, file);
	}
}

int main(int argc, char **argv)
{
	bool is_vp9 = argc == 4 && !strcmp(argv[2], "vp9");
	vpx_codec_iface_t *codec = is_vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
	vpx_codec_enc_cfg_t config;
	vpx_codec_ctx_t encoder;
	vpx_image_t image;
	FILE *file = argc == 4 ? fopen(argv[1], "wb") : NULL;
	unsigned frames = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;

	if (!file || vpx_codec_enc_config_default(codec, &config, 0) || !vpx_img_alloc(&image, VPX_IMG_FMT_I420, WIDTH, HEIGHT, 1))
		return 1;
	config.g_w = WIDTH;
	config.g_h = HEIGHT;
	config.g_timebase.num = 1;
	config.g_timebase.den = FRAMES_PER_SECOND;
	config.rc_target_bitrate = 600;
	config.rc_end_usage = VPX_CBR;
	config.g_lag_in_frames = 0;
	config.kf_max_dist = KEY_EVERY;
	if (vpx_codec_enc_init(&encoder, codec, &config, 0) || vpx_codec_control(&encoder, VP8E_SET_CPUUSED, 8))
		return 1;
	write_head(file, is_vp9 ? "VP90" : "VP80", frames);
	for (unsigned i = 0; i < frames; i++) {
		draw(&image, i);
		if (vpx_codec_encode(&encoder, &image, i, 1, 0, VPX_DL_REALTIME))
			return 1;
		write_packets(file, &encoder);
	}
	vpx_img_free(&image);
	vpx_codec_destroy(&encoder);
	return fclose(file) ? 1 : 0;
}
