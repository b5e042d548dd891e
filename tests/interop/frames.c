/*
 * Receives encoded frames: prints an offer and a line with a dot, reads the answer up to such a line, decodes what is VP8 or
 * VP9, and prints a line of counts every 20 frames: "codec frames keys decoded undecodable width height". Killed when it is
 * enough.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <wirelark/wirelark.h>

enum { REPORT_EVERY = 20 };

struct receiver {
	wlk_loop *loop;
	wlk_peer_connection *pc;
	vpx_codec_ctx_t decoder;
	wlk_codec decodes;
	unsigned frames, keys, decoded, undecodable;
	unsigned width, height;
};

static void decode(struct receiver *r, const wlk_encoded_frame *frame)
{
	vpx_codec_iter_t iter = NULL;
	vpx_image_t *image;

	if (!r->decodes && !vpx_codec_dec_init(&r->decoder, frame->codec == WLK_CODEC_VP9 ? vpx_codec_vp9_dx() : vpx_codec_vp8_dx(), NULL, 0))
		r->decodes = frame->codec;
	if (r->decodes != frame->codec || vpx_codec_decode(&r->decoder, frame->data, (unsigned)frame->size, NULL, 0)) {
		r->undecodable++;
		return;
	}
	while ((image = vpx_codec_get_frame(&r->decoder, &iter))) {
		r->decoded++;
		r->width = image->d_w;
		r->height = image->d_h;
	}
}

static void on_frame(struct receiver *r, const wlk_encoded_frame *frame)
{
	r->frames++;
	r->keys += frame->key;
	if (frame->width) {
		r->width = frame->width;
		r->height = frame->height;
	}
	if (frame->codec == WLK_CODEC_VP8 || frame->codec == WLK_CODEC_VP9)
		decode(r, frame);
	if (r->frames % REPORT_EVERY)
		return;
	printf("%s %u %u %u %u %u %u\n", wlk_codec_name(frame->codec), r->frames, r->keys, r->decoded, r->undecodable, r->width, r->height);
	fflush(stdout);
}

static void on_event(const wlk_event *ev, void *user)
{
	struct receiver *r = user;

	if (ev->type == WLK_EVENT_ICE_GATHERING_STATE_CHANGE && ev->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
		wlk_loop_stop(r->loop);
	else if (ev->type == WLK_EVENT_FRAME)
		on_frame(r, ev->u.frame.frame);
}

static bool exchange(struct receiver *r)
{
	static char line[4096], answer[65536];
	wlk_session_description remote = { WLK_SDP_ANSWER, answer };

	printf("%s.\n", wlk_peer_connection_local_description(r->pc)->sdp);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && strcmp(line, ".\n") && strlen(answer) + strlen(line) < sizeof(answer))
		strcat(answer, line);
	return wlk_peer_connection_set_remote_description(r->pc, &remote) == WLK_OK;
}

int main(void)
{
	wlk_transceiver_init recvonly = WLK_TRANSCEIVER_INIT;
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct receiver r = { 0 };
	wlk_transceiver *video;

	wlk_log_configure(WLK_LOG_WARN, NULL, NULL);
	recvonly.direction = WLK_DIRECTION_RECVONLY;
	config.allow_loopback = true;
	if (wlk_loop_create(NULL, &r.loop) || wlk_peer_connection_create(r.loop, &config, on_event, &r, &r.pc) ||
	    wlk_peer_connection_add_transceiver(r.pc, WLK_MEDIA_VIDEO, &recvonly, &video) ||
	    wlk_rtp_receiver_set_level(wlk_transceiver_receiver(video), WLK_MEDIA_LEVEL_FRAMES) ||
	    wlk_peer_connection_set_local_description(r.pc, NULL) || wlk_loop_run(r.loop))
		return 1;
	if (!exchange(&r)) {
		fprintf(stderr, "failed: %s\n", wlk_last_error(r.pc));
		return 1;
	}
	return wlk_loop_run(r.loop) ? 1 : 0;
}
