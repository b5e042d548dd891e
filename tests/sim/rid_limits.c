/* What a=rid lines limit (RFC 8851): said in offers and answers, kept by raw tracks, told to applications, and enforced by type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../support/film.h"
#include "core/err.h"
#include "sim.h"

enum { LAYERS = 2, FRAME_US = 33333 };

struct seen {
	/* of the frames that come in, by the first letter of the rid: "h", "l" */
	size_t frames[LAYERS];
	uint64_t bytes[LAYERS];
	uint32_t width[LAYERS], height[LAYERS]; /* the largest */
	uint8_t types[LAYERS];
	uint64_t target[LAYERS]; /* the highest */
	wlk_time from;
};

static void on_frame(struct seen *seen, const wlk_encoded_frame *frame)
{
	size_t layer = frame->rid && frame->rid[0] == 'l';

	assert_non_null(frame->rid);
	seen->frames[layer]++;
	seen->bytes[layer] += frame->size;
	seen->types[layer] = frame->payload_type;
	/* RFC 6386 9.1: a key frame of VP8 has its size behind the start code. */
	if (frame->codec != WLK_CODEC_VP8 || !frame->key || frame->size < 10)
		return;
	seen->width[layer] = MAX(seen->width[layer], (frame->data[6] | (uint32_t)frame->data[7] << 8) & 0x3fff);
	seen->height[layer] = MAX(seen->height[layer], (frame->data[8] | (uint32_t)frame->data[9] << 8) & 0x3fff);
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = sim->user;

	(void)peer;
	if (ev->type == WLK_EVENT_FRAME && sim->now >= seen->from)
		on_frame(seen, ev->u.frame.frame);
	if (ev->type == WLK_EVENT_TARGET_BITRATE && ev->u.target_bitrate.rid) {
		size_t layer = ev->u.target_bitrate.rid[0] == 'l';

		seen->target[layer] = MAX(seen->target[layer], ev->u.target_bitrate.bps);
	}
}

static wlk_transceiver *sender_of_layers(struct sim_peer *peer)
{
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_rtp_encoding layers[LAYERS] = { WLK_RTP_ENCODING_INIT, WLK_RTP_ENCODING_INIT };
	wlk_transceiver *t;

	layers[0].rid = "h";
	layers[1].rid = "l";
	init.direction = WLK_DIRECTION_SENDONLY;
	init.send_encodings = layers;
	init.send_encoding_count = LAYERS;
	assert_int_equal(wlk_peer_connection_add_transceiver(peer->pc, WLK_MEDIA_VIDEO, &init, &t), WLK_OK);
	return t;
}

static void limit(wlk_transceiver *t, const char *rid, uint32_t width, double fps, uint64_t bps)
{
	wlk_rid_limits limits = WLK_RID_LIMITS_INIT;

	limits.max_width = width;
	limits.max_framerate = fps;
	limits.max_bitrate = bps;
	assert_int_equal(wlk_transceiver_set_receive_limits(t, rid, &limits), WLK_OK);
}

/* a offers two layers; b takes them, with limits of its own. */
static void negotiate(struct sim *sim, wlk_transceiver **sending)
{
	wlk_transceiver *t;

	*sending = sender_of_layers(&sim->a);
	assert_int_equal(wlk_peer_connection_set_local_description(sim->a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim->b.pc, wlk_peer_connection_local_description(sim->a.pc)), WLK_OK);
	t = wlk_peer_connection_transceiver(sim->b.pc, 0);
	assert_int_equal(wlk_transceiver_set_receive_simulcast(t, true, NULL, 0), WLK_OK);
	assert_int_equal(wlk_rtp_receiver_set_level(wlk_transceiver_receiver(t), WLK_MEDIA_LEVEL_FRAMES), WLK_OK);
	limit(t, "h", 120, 10, 0);
	limit(t, "l", 0, 0, 60000);
	assert_int_equal(wlk_peer_connection_set_local_description(sim->b.pc, NULL), WLK_OK);
	assert_non_null(strstr(wlk_peer_connection_local_description(sim->b.pc)->sdp, "a=rid:h recv max-width=120;max-fps=10\r\n"));
	assert_non_null(strstr(wlk_peer_connection_local_description(sim->b.pc)->sdp, "a=rid:l recv max-br=60000\r\n"));
	assert_int_equal(wlk_peer_connection_set_remote_description(sim->a.pc, wlk_peer_connection_local_description(sim->b.pc)), WLK_OK);
	assert_true(sim_run_until(sim, 10 * SIM_SECOND, sim_both_connected));
}

static void play(struct sim *sim, wlk_video_source *camera, struct film *film, wlk_time span)
{
	wlk_time end = sim->now + span;

	for (uint32_t n = 0; sim->now < end; n++) {
		wlk_video_frame frame;

		film_draw(film, n);
		frame = film_frame(film, 0);
		assert_int_equal(wlk_video_source_push(camera, &frame), WLK_OK);
		sim_run_for(sim, FRAME_US);
	}
}

/* 320x240 at 30 in a second: one layer is to be small and slow, the other one to take few bits. */
static void test_a_raw_track_keeps_the_limits_of_the_answer(void **state)
{
	wlk_rid_limits limits = WLK_RID_LIMITS_INIT;
	wlk_video_source *camera;
	wlk_transceiver *sending;
	struct seen seen = { 0 };
	struct film film;
	struct sim sim;

	(void)state;
	film_init(&film, 320, 240);
	sim_init(&sim, &(struct sim_config){ .seed = 3, .latency_us = 10 * SIM_MS }, on_event, &seen);
	negotiate(&sim, &sending);
	assert_int_equal(wlk_video_source_create(&camera), WLK_OK);
	assert_int_equal(wlk_rtp_sender_set_video_source(wlk_transceiver_sender(sending), camera), WLK_OK);
	play(&sim, camera, &film, 2 * SIM_SECOND);
	seen.from = sim.now;
	memset(seen.frames, 0, sizeof(seen.frames));
	memset(seen.bytes, 0, sizeof(seen.bytes));
	play(&sim, camera, &film, 4 * SIM_SECOND);

	/* 120 asked for, and the shape kept: 120 by 90 or smaller. */
	assert_true(seen.width[0] > 0 && seen.width[0] <= 120);
	assert_true(seen.height[0] > 0 && seen.height[0] <= 90);
	assert_true(seen.frames[0] >= 32 && seen.frames[0] <= 42);
	/* 60 kbit/s over 4 s are 30,000 bytes; an encoder is not exact to the byte. */
	assert_true(seen.bytes[1] > 9000 && seen.bytes[1] < 39000);
	assert_true(seen.frames[1] >= 14); /* a full-size picture for so few bits comes less often */
	assert_true(seen.target[1] > 0 && seen.target[1] <= 60000);
	assert_int_equal(wlk_rtp_sender_encoding_limits(wlk_transceiver_sender(sending), 0, &limits), WLK_OK);
	assert_int_equal(limits.max_width, 120);
	assert_true(limits.max_framerate == 10.0);
	assert_int_equal(limits.max_bitrate, 0);
	assert_int_equal(wlk_rtp_sender_encoding_limits(wlk_transceiver_sender(sending), 1, &limits), WLK_OK);
	assert_int_equal(limits.max_bitrate, 60000);
	sim_free(&sim);
	wlk_video_source_release(camera);
	film_free(&film);
}

/* The same in an offer that wants to receive, and the answer of the sender repeats them. */
static void test_limits_stand_in_offers(void **state)
{
	static const char *const rids[] = { "h", "l" };
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_rid_limits limits = WLK_RID_LIMITS_INIT;
	struct seen seen = { 0 };
	wlk_rtp_sender *sender;
	wlk_transceiver *asking;
	struct sim sim;

	(void)state;
	sim_init(&sim, &(struct sim_config){ .seed = 1, .latency_us = 5 * SIM_MS }, on_event, &seen);
	assert_int_equal(wlk_peer_connection_add_track(sim.b.pc, WLK_MEDIA_VIDEO, "camera", NULL, 0, &sender), WLK_OK);
	init.direction = WLK_DIRECTION_RECVONLY;
	assert_int_equal(wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_VIDEO, &init, &asking), WLK_OK);
	assert_int_equal(wlk_transceiver_set_receive_simulcast(asking, false, rids, 2), WLK_OK);
	limits.max_height = 360;
	limits.max_framerate = 29.97;
	limits.max_frame_size = 230400;
	limits.max_pixel_rate = 6912000;
	limits.max_bits_per_pixel = 0.125;
	assert_int_equal(wlk_transceiver_set_receive_limits(asking, "l", &limits), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_non_null(strstr(wlk_peer_connection_local_description(sim.a.pc)->sdp,
			       "a=rid:l recv max-height=360;max-fps=29.97;max-fs=230400;max-pps=6912000;max-bpp=0.125\r\n"));
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, wlk_peer_connection_local_description(sim.a.pc)), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	assert_non_null(strstr(wlk_peer_connection_local_description(sim.b.pc)->sdp, "a=rid:l send max-height=360;"));
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.a.pc, wlk_peer_connection_local_description(sim.b.pc)), WLK_OK);
	memset(&limits, 0, sizeof(limits));
	limits.struct_size = sizeof(limits);
	assert_int_equal(wlk_rtp_sender_encoding_limits(sender, 1, &limits), WLK_OK);
	assert_int_equal(limits.max_height, 360);
	assert_int_equal(limits.max_pixel_rate, 6912000);
	sim_free(&sim);
}

/* Set the answer with |from| in it replaced by |to|, of the same length. */
static void set_munged(struct sim *sim, const char *from, const char *to)
{
	static char text[32768];
	const wlk_session_description *answer = wlk_peer_connection_local_description(sim->b.pc);
	char *at;

	snprintf(text, sizeof(text), "%s", answer->sdp);
	at = strstr(text, from);
	assert_non_null(at);
	memcpy(at, to, strlen(to));
	assert_int_equal(wlk_peer_connection_set_remote_description(sim->a.pc, &(wlk_session_description){ answer->type, text }), WLK_OK);
}

static uint8_t type_of(wlk_transceiver *t, const char *mime)
{
	wlk_rtp_send_parameters p;

	assert_int_equal(wlk_rtp_sender_parameters(wlk_transceiver_sender(t), &p), WLK_OK);
	for (size_t i = 0; i < p.codec_count; i++)
		if (!strcmp(p.codecs[i].mime_type, mime))
			return p.codecs[i].payload_type;
	return WLK_NO_PAYLOAD_TYPE;
}

static wlk_err send(wlk_transceiver *t, const char *rid, uint8_t type)
{
	const wlk_rtp_packet packet = { .payload_type = type, .marker = true, .payload = (const uint8_t *)"\x10 payload", .payload_size = 9, .rid = rid };

	return wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet);
}

/* pt=: the other payload types are refused on that layer, and go on the other one. */
static void test_payload_types_of_a_layer(void **state)
{
	struct seen seen = { 0 };
	wlk_transceiver *sending, *t;
	uint8_t vp8, vp9;
	struct sim sim;

	(void)state;
	sim_init(&sim, &(struct sim_config){ .seed = 1, .latency_us = 5 * SIM_MS }, on_event, &seen);
	sending = sender_of_layers(&sim.a);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim.b.pc, wlk_peer_connection_local_description(sim.a.pc)), WLK_OK);
	t = wlk_peer_connection_transceiver(sim.b.pc, 0);
	assert_int_equal(wlk_transceiver_set_receive_simulcast(t, true, NULL, 0), WLK_OK);
	limit(t, "h", 65535, 0, 0); /* room for what a stack that knows pt= would write there */
	assert_int_equal(wlk_peer_connection_set_local_description(sim.b.pc, NULL), WLK_OK);
	vp8 = type_of(sending, "video/VP8");
	assert_int_equal(vp8, WLK_NO_PAYLOAD_TYPE); /* nothing is negotiated yet */
	set_munged(&sim, "a=rid:h recv max-width=65535\r\n", "a=rid:h recv pt=96          \r\n");
	vp8 = type_of(sending, "video/VP8");
	vp9 = type_of(sending, "video/VP9");
	assert_int_equal(vp8, 96);
	assert_true(vp9 != WLK_NO_PAYLOAD_TYPE);
	assert_true(sim_run_until(&sim, 10 * SIM_SECOND, sim_both_connected));
	assert_int_equal(send(sending, "h", vp8), WLK_OK);
	assert_int_equal(send(sending, "h", vp9), WLK_ERR_INVALID);
	assert_int_equal(send(sending, "l", vp9), WLK_OK);
	sim_free(&sim);
}

static void test_misuse_is_answered_and_changes_nothing(void **state)
{
	wlk_rid_limits limits = WLK_RID_LIMITS_INIT;
	struct seen seen = { 0 };
	wlk_transceiver *video, *audio;
	struct sim sim;
	char rid[2] = "a";

	(void)state;
	sim_init(&sim, &(struct sim_config){ .seed = 1, .latency_us = 5 * SIM_MS }, on_event, &seen);
	assert_int_equal(wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_VIDEO, NULL, &video), WLK_OK);
	assert_int_equal(wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_AUDIO, NULL, &audio), WLK_OK);
	assert_int_equal(wlk_transceiver_set_receive_limits(audio, "a", &limits), WLK_ERR_INVALID);
	assert_int_equal(wlk_transceiver_set_receive_limits(video, NULL, &limits), WLK_ERR_INVALID);
	assert_int_equal(wlk_transceiver_set_receive_limits(video, "", &limits), WLK_ERR_INVALID);
	assert_int_equal(wlk_transceiver_set_receive_limits(video, "a b", &limits), WLK_ERR_INVALID);
	assert_int_equal(wlk_transceiver_set_receive_limits(video, "seventeen_chars_x", &limits), WLK_ERR_INVALID);
	limits.max_framerate = -1;
	assert_int_equal(wlk_transceiver_set_receive_limits(video, "a", &limits), WLK_ERR_INVALID);
	limits.max_framerate = 0;
	limits.struct_size--;
	assert_int_equal(wlk_transceiver_set_receive_limits(video, "a", &limits), WLK_ERR_INVALID);
	assert_int_equal(wlk_rtp_sender_encoding_limits(wlk_transceiver_sender(video), 0, &limits), WLK_ERR_INVALID);
	limits.struct_size++;
	assert_int_equal(wlk_rtp_sender_encoding_limits(wlk_transceiver_sender(video), 0, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_rtp_sender_encoding_limits(wlk_transceiver_sender(video), 1, &limits), WLK_ERR_NOT_FOUND);
	for (int i = 0; i < WLK_RTP_ENCODINGS_MAX; i++, rid[0]++)
		assert_int_equal(wlk_transceiver_set_receive_limits(video, rid, &limits), WLK_OK);
	assert_int_equal(wlk_transceiver_set_receive_limits(video, rid, &limits), WLK_ERR_NOSPACE);
	assert_int_equal(wlk_transceiver_set_receive_limits(video, "z", NULL), WLK_OK); /* there were none */
	assert_int_equal(wlk_transceiver_set_receive_limits(video, "a", NULL), WLK_OK);
	assert_int_equal(wlk_transceiver_set_receive_limits(video, rid, &limits), WLK_OK);
	assert_int_equal(wlk_transceiver_stop(video), WLK_OK);
	assert_int_equal(wlk_transceiver_set_receive_limits(video, rid, &limits), WLK_ERR_STATE);
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_raw_track_keeps_the_limits_of_the_answer),
		cmocka_unit_test(test_limits_stand_in_offers),
		cmocka_unit_test(test_payload_types_of_a_layer),
		cmocka_unit_test(test_misuse_is_answered_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
