/* Layers of raw media: simulcast from one source, each decoded by its rid, and VP9 SVC; switched by parameters, and by what the path bears. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/film.h"
#include "sim.h"

enum { FRAME_US = 33333, LAYERS = 3, WIDTH = 320, HEIGHT = 192, ENOUGH = 20 /* pictures a second of a layer that is on */ };

static const char *const rids[LAYERS] = { "q", "h", "f" };

struct layer {
	uint32_t shown, last, width, height;
	uint64_t target; /* UINT64_MAX: not told yet */
};

struct run {
	wlk_video_source *camera;
	wlk_video_sink *screen;
	wlk_transceiver *sending;
	struct film picture;
	bool is_simulcast;
	uint32_t number, screen_width;
	struct layer layers[LAYERS];
};

static struct layer *layer_of(struct sim *sim, const char *rid)
{
	struct run *run = sim->user;

	for (size_t i = 0; rid && i < LAYERS; i++)
		if (!strcmp(rid, rids[i]))
			return &run->layers[i];
	if (rid || run->is_simulcast)
		sim_fail(sim, "there is no layer '%s'", rid ? rid : "(none)");
	return &run->layers[LAYERS - 1];
}

static void on_picture(struct sim *sim, const wlk_video_frame *frame)
{
	struct run *run = sim->user;
	struct layer *layer = layer_of(sim, frame->rid);
	uint32_t number = film_number(frame);

	/* The same one comes again where a key frame was wanted and there was no newer picture. */
	if (number >= run->number || (layer->shown && number < layer->last))
		sim_fail(sim, "%s: picture %u of %u after %u", frame->rid, number, run->number, layer->last);
	layer->last = number;
	layer->width = frame->width;
	layer->height = frame->height;
	layer->shown++;
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	if (ev->type == WLK_EVENT_VIDEO_FRAME)
		on_picture(sim, ev->u.video.frame);
	else if (ev->type == WLK_EVENT_TARGET_BITRATE && peer == &sim->a)
		layer_of(sim, ev->u.target_bitrate.rid)->target = ev->u.target_bitrate.bps;
	else if (ev->type == WLK_EVENT_FRAME || ev->type == WLK_EVENT_RTP_PACKET)
		sim_fail(sim, "something encoded where raw media is wanted");
}

static void push_picture(struct sim *sim, struct run *run)
{
	wlk_video_frame frame;

	film_draw(&run->picture, run->number++ % 65536);
	frame = film_frame(&run->picture, 0);
	if (wlk_video_source_push(run->camera, &frame))
		sim_fail(sim, "a picture is not taken");
}

/* What is shown in a second of each layer, and on the screen. */
static void second(struct sim *sim, struct run *run)
{
	wlk_video_frame frame;

	for (size_t i = 0; i < LAYERS; i++)
		run->layers[i].shown = 0;
	run->screen_width = 0;
	for (unsigned n = 0; n < 30; n++) {
		push_picture(sim, run);
		sim_run_for(sim, FRAME_US);
		if (wlk_video_sink_pull(run->screen, &frame))
			run->screen_width = frame.width;
	}
}

/* Until exactly the layers of |wanted| run, at their sizes, and the screen has the largest; answers after how many seconds. */
static unsigned until_on(struct sim *sim, struct run *run, const char *wanted, unsigned limit)
{
	static const uint32_t parts[LAYERS] = { 4, 2, 1 };

	for (unsigned n = 1; n <= limit; n++) {
		uint32_t largest = 0;
		bool as_wanted = true;

		second(sim, run);
		for (size_t i = 0; i < LAYERS; i++) {
			const struct layer *l = &run->layers[i];
			bool on = strstr(wanted, rids[i]);

			as_wanted &= on ? l->shown >= ENOUGH && l->width == WIDTH / parts[i] && l->height == HEIGHT / parts[i] : !l->shown;
			largest = on ? WIDTH / parts[i] : largest;
		}
		if (as_wanted && run->screen_width == largest)
			return n;
	}
	sim_fail(sim, "'%s' not within %u s: q %u, h %u, f %u of %ux%u pictures, %u pixels on the screen; targets %llu %llu %llu", wanted, limit,
		 run->layers[0].shown, run->layers[1].shown, run->layers[2].shown, run->layers[2].width, run->layers[2].height, run->screen_width,
		 (unsigned long long)run->layers[0].target, (unsigned long long)run->layers[1].target, (unsigned long long)run->layers[2].target);
}

static void set_active(struct sim *sim, struct run *run, size_t layer, bool active)
{
	static wlk_rtp_send_parameters p;

	if (wlk_rtp_sender_parameters(wlk_transceiver_sender(run->sending), &p))
		sim_fail(sim, "no parameters");
	p.encodings[layer].active = active;
	if (wlk_rtp_sender_set_parameters(wlk_transceiver_sender(run->sending), &p))
		sim_fail(sim, "parameters: %s", wlk_last_error(sim->a.pc));
}

static void signal_layers(struct sim *sim, struct run *run)
{
	wlk_transceiver *t;

	if (wlk_peer_connection_set_local_description(sim->a.pc, NULL) ||
	    wlk_peer_connection_set_remote_description(sim->b.pc, wlk_peer_connection_local_description(sim->a.pc)))
		sim_fail(sim, "no offer");
	t = wlk_peer_connection_transceiver(sim->b.pc, 0);
	if (wlk_transceiver_set_receive_simulcast(t, true, NULL, 0) ||
	    wlk_rtp_receiver_set_video_sink(wlk_transceiver_receiver(t), run->screen) || wlk_peer_connection_set_local_description(sim->b.pc, NULL) ||
	    wlk_peer_connection_set_remote_description(sim->a.pc, wlk_peer_connection_local_description(sim->b.pc)))
		sim_fail(sim, "no answer");
	if (!sim_run_until(sim, 10 * SIM_SECOND, sim_both_connected))
		sim_fail(sim, "not connected");
}

/* RTX carries the probes; where there is none, empty packets do. */
static void prefer(struct sim *sim, wlk_transceiver *t, const char *mime, bool rtx)
{
	static wlk_rtp_capabilities caps;
	wlk_rtp_codec chosen[WLK_RTP_CODECS_MAX];
	size_t count = 0;

	if (wlk_rtp_sender_capabilities(WLK_MEDIA_VIDEO, &caps))
		sim_fail(sim, "no capabilities");
	for (size_t i = 0; i < caps.codec_count; i++)
		if (!strcmp(caps.codecs[i].mime_type, mime) || (rtx && !strcmp(caps.codecs[i].mime_type, "video/rtx")))
			chosen[count++] = caps.codecs[i];
	if (wlk_transceiver_set_codec_preferences(t, chosen, count))
		sim_fail(sim, "no %s", mime);
}

/* |mode| NULL: simulcast of VP8; else one stream of VP9 with these layers. */
static void begin(struct sim *sim, struct run *run, const struct sim_config *config, const char *mode, bool rtx)
{
	wlk_rtp_encoding encodings[LAYERS];
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;

	memset(run, 0, sizeof(*run));
	film_init(&run->picture, WIDTH, HEIGHT);
	for (size_t i = 0; i < LAYERS; i++) {
		encodings[i] = (wlk_rtp_encoding)WLK_RTP_ENCODING_INIT;
		encodings[i].rid = mode ? NULL : rids[i];
		encodings[i].scalability_mode = mode;
		run->layers[i].target = UINT64_MAX;
	}
	init.direction = WLK_DIRECTION_SENDONLY;
	init.send_encodings = encodings;
	init.send_encoding_count = mode ? 1 : LAYERS;
	run->is_simulcast = !mode;
	sim_init(sim, config, on_event, run);
	if (wlk_video_source_create(&run->camera) || wlk_video_sink_create(&run->screen) ||
	    wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_VIDEO, &init, &run->sending) ||
	    wlk_rtp_sender_set_video_source(wlk_transceiver_sender(run->sending), run->camera))
		sim_fail(sim, "no track");
	prefer(sim, run->sending, mode ? "video/VP9" : "video/VP8", rtx);
	signal_layers(sim, run);
}

static void end(struct sim *sim, struct run *run)
{
	sim_free(sim);
	wlk_video_source_release(run->camera);
	wlk_video_sink_release(run->screen);
	film_free(&run->picture);
}

static void see_keys(const wlk_stats *record, void *user)
{
	if (record->type == WLK_STATS_OUTBOUND_RTP)
		*(uint64_t *)user += ((const wlk_stats_outbound_rtp *)record)->key_frames_encoded.value;
}

static uint64_t keys_encoded(struct sim *sim)
{
	wlk_stats_report *report;
	uint64_t keys = 0;

	if (wlk_peer_connection_get_stats(sim->a.pc, &report))
		sim_fail(sim, "no statistics");
	wlk_stats_report_visit(report, see_keys, &keys);
	wlk_stats_report_destroy(report);
	return keys;
}

struct decoded {
	uint64_t frames[LAYERS];
};

static void see(const wlk_stats *record, void *user)
{
	const wlk_stats_inbound_rtp *in = (const wlk_stats_inbound_rtp *)record;
	struct decoded *decoded = user;

	for (size_t i = 0; record->type == WLK_STATS_INBOUND_RTP && in->rid.value && i < LAYERS; i++)
		if (!strcmp(in->rid.value, rids[i]))
			decoded->frames[i] = in->frames_decoded.value;
}

/* Each layer has statistics of its own decoder. */
static void check_statistics(struct sim *sim, const struct run *run)
{
	struct decoded decoded = { { 0 } };
	wlk_stats_report *report;

	if (wlk_peer_connection_get_stats(sim->b.pc, &report))
		sim_fail(sim, "no statistics");
	wlk_stats_report_visit(report, see, &decoded);
	wlk_stats_report_destroy(report);
	for (size_t i = 0; i < LAYERS; i++)
		if (decoded.frames[i] < run->layers[i].shown)
			sim_fail(sim, "%s: %llu decoded, %u shown", rids[i], (unsigned long long)decoded.frames[i], run->layers[i].shown);
}

static void simulcast(const struct sim_config *config, bool rtx)
{
	static struct sim sim;
	static struct run run;
	unsigned all, off, h, narrow, wide;
	uint64_t below;

	begin(&sim, &run, config, NULL, rtx);
	all = until_on(&sim, &run, "qhf", 10);
	check_statistics(&sim, &run);
	below = run.layers[1].target;
	set_active(&sim, &run, 2, false);
	off = until_on(&sim, &run, "qh", 4);
	if (run.layers[1].target <= below)
		sim_fail(&sim, "h has %llu bit/s as the top layer, %llu below f", (unsigned long long)run.layers[1].target, (unsigned long long)below);
	set_active(&sim, &run, 2, true);
	h = until_on(&sim, &run, "qhf", 10);
	sim.config.rate_bps = 100000;
	narrow = until_on(&sim, &run, "q", 15);
	if (run.layers[1].target || run.layers[2].target || !run.layers[0].target)
		sim_fail(&sim, "targets on a narrow path: %llu %llu %llu", (unsigned long long)run.layers[0].target,
			 (unsigned long long)run.layers[1].target, (unsigned long long)run.layers[2].target);
	sim.config.rate_bps = 5000000;
	/* Without probes it is the pictures of the lower layers alone that the estimate can grow by: twice as long. */
	wide = until_on(&sim, &run, "qhf", rtx ? 30 : 8);
	printf("%s: all three after %u s, without f %u s, with it again %u s; narrow %u s, wide again %u s\n", rtx ? "RTX" : "no RTX", all, off, h, narrow, wide);
	end(&sim, &run);
}

static unsigned until_wide(struct sim *sim, struct run *run, uint32_t width, unsigned limit)
{
	for (unsigned n = 1; n <= limit; n++) {
		second(sim, run);
		if ((width == WIDTH ? run->screen_width == width : run->screen_width && run->screen_width <= width) && run->layers[LAYERS - 1].shown >= ENOUGH)
			return n;
	}
	sim_fail(sim, "not %u pixels within %u s: %u, %u pictures", width, limit, run->screen_width, run->layers[LAYERS - 1].shown);
}

/* The upper layers go and come without a key frame, but for that of the beginning. */
static void svc(const struct sim_config *config, const char *mode)
{
	static struct sim sim;
	static struct run run;
	unsigned all, narrow, wide;
	uint64_t keys;

	begin(&sim, &run, config, mode, true);
	all = until_wide(&sim, &run, WIDTH, 15);
	keys = keys_encoded(&sim);
	sim.config.rate_bps = 60000;
	narrow = until_wide(&sim, &run, WIDTH / 2, 15);
	sim.config.rate_bps = 5000000;
	wide = until_wide(&sim, &run, WIDTH, 30);
	printf("%s: whole after %u s; narrow %u s, whole again %u s, %llu key frames more\n", mode, all, narrow, wide,
	       (unsigned long long)(keys_encoded(&sim) - keys));
	end(&sim, &run);
}

int main(int argc, char **argv)
{
	const struct sim_config config = {
		.seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1,
		.latency_us = 20 * SIM_MS,
		.rate_bps = 5000000,
		.queue_us = 250 * SIM_MS,
	};

	simulcast(&config, true);
	simulcast(&config, false);
	svc(&config, "L3T3_KEY");
	svc(&config, "L3T3");
	return 0;
}
