/* Encoded frames over a link that loses, reorders and repeats: what comes out was sent, whole, in order, and can be decoded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoded.h"
#include "sim.h"

enum {
	FRAMES = 300,
	FRAME_MAX = 400000,
	KEY_SIZE_MAX = 340000, /* some 300 packets */
	FRAME_TICKS = 3000,
	FRAME_US = 33333,
};

/* A frame as it was sent; its bytes are made again from this. */
struct sent {
	size_t size;
	bool key;
	bool is_there;
	int8_t temporal;
	uint16_t rotation;
};

struct stream {
	wlk_codec codec;
	wlk_transceiver *sender;
	struct sent sent[FRAMES];
	size_t count;
	bool wants_key;
	/* received */
	bool started;
	uint32_t last, received, keys, several_packets, recovered;
	bool got[FRAMES];
	uint32_t timestamp_of_0;
};

struct run {
	struct stream video, audio;
	uint32_t key_frame_requests;
	bool layered; /* VP8 in two temporal layers */
	uint8_t expected[FRAME_MAX];
};

static struct run *run_of(struct sim *sim)
{
	return sim->user;
}

static void send_next(struct sim *sim, struct stream *s, size_t size, bool key, uint32_t ticks)
{
	static uint8_t frame[FRAME_MAX];
	struct sent *sent = &s->sent[s->count];
	wlk_encoded_frame out = WLK_ENCODED_FRAME_INIT;
	wlk_err err;

	*sent = (struct sent){ .size = size, .key = key, .temporal = -1 };
	if (s == &run_of(sim)->video)
		sent->rotation = out.rotation = (uint16_t)(s->count / 40 % 4 * 90);
	out.codec = s->codec;
	out.data = frame;
	out.size = encoded_make(s->codec, key, (uint32_t)s->count, size, frame);
	out.timestamp = (uint32_t)s->count * ticks;
	if (run_of(sim)->layered && s->codec == WLK_CODEC_VP8) {
		sent->temporal = (int8_t)(key ? 0 : s->count % 2);
		out.temporal_index = sent->temporal;
		out.layer_sync = out.discardable = sent->temporal == 1;
	}
	err = wlk_rtp_sender_send_frame(wlk_transceiver_sender(s->sender), &out);
	if (err && err != WLK_ERR_AGAIN)
		sim_fail(sim, "frame %zu of %s: %s", s->count, wlk_codec_name(s->codec), wlk_last_error(sim->a.pc));
	sent->is_there = !err;
	if (err || key)
		s->wants_key = err != WLK_OK;
	s->count++;
}

static void check_frame(struct sim *sim, struct stream *s, const wlk_encoded_frame *f)
{
	uint32_t number = encoded_number(s->codec, f->key && s == &run_of(sim)->video, f->data, f->size);
	size_t size;

	if (number >= s->count || !s->sent[number].is_there)
		sim_fail(sim, "a frame of %zu bytes of %s that nobody sent", f->size, wlk_codec_name(s->codec));
	size = encoded_make(s->codec, s->sent[number].key, number, s->sent[number].size, run_of(sim)->expected);
	if (size != f->size || memcmp(run_of(sim)->expected, f->data, size))
		sim_fail(sim, "frame %u of %s is not what was sent: %zu bytes of %zu", number, wlk_codec_name(s->codec), f->size, size);
	if (s->started && number <= s->last)
		sim_fail(sim, "frame %u of %s after %u", number, wlk_codec_name(s->codec), s->last);
	if (f->codec != s->codec)
		sim_fail(sim, "codec %s", wlk_codec_name(f->codec));
	if (!s->started)
		s->timestamp_of_0 = f->timestamp - number * (f->kind == WLK_MEDIA_VIDEO ? FRAME_TICKS : 960);
	if (f->timestamp - s->timestamp_of_0 != number * (f->kind == WLK_MEDIA_VIDEO ? FRAME_TICKS : 960))
		sim_fail(sim, "frame %u has another time", number);
	if (f->kind == WLK_MEDIA_VIDEO) {
		uint32_t before = number ? number - 1 : 0;

		if (f->rotation != s->sent[number].rotation)
			sim_fail(sim, "frame %u is turned by %u", number, f->rotation);
		if (f->key != s->sent[number].key)
			sim_fail(sim, "frame %u: key %d", number, f->key);
		/* In two layers everything stands on the last frame of layer 0. */
		while (run_of(sim)->layered && before && s->sent[before].temporal == 1)
			before--;
		if (!f->key && !s->got[before])
			sim_fail(sim, "frame %u of %s without the one it stands on", number, wlk_codec_name(s->codec));
		if (f->key && s->codec != WLK_CODEC_AV1 && (f->width != ENCODED_WIDTH || f->height != ENCODED_HEIGHT))
			sim_fail(sim, "frame %u of %s is %ux%u", number, wlk_codec_name(s->codec), f->width, f->height);
	}
	s->got[number] = true;
	s->started = true;
	s->last = number;
	s->received++;
	s->keys += f->key;
	s->several_packets += f->packet_count > 1;
	s->recovered += f->recovered;
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct run *run = sim->user;

	if (ev->type == WLK_EVENT_TRACK && peer == &sim->b) {
		if (wlk_rtp_receiver_set_level(wlk_transceiver_receiver(ev->u.track.transceiver), WLK_MEDIA_LEVEL_FRAMES) != WLK_OK)
			sim_fail(sim, "level: %s", wlk_last_error(peer->pc));
	} else if (ev->type == WLK_EVENT_KEY_FRAME_REQUEST && peer == &sim->a) {
		run->key_frame_requests++;
		run->video.wants_key = true;
	} else if (ev->type == WLK_EVENT_FRAME) {
		if (peer != &sim->b)
			sim_fail(sim, "the sender receives frames");
		check_frame(sim, ev->u.frame.frame->kind == WLK_MEDIA_VIDEO ? &run->video : &run->audio, ev->u.frame.frame);
	} else if (ev->type == WLK_EVENT_RTP_PACKET) {
		sim_fail(sim, "a packet where frames are wanted");
	}
}

/* Before the transport is up nothing is taken, and then the first frame must be a key frame (R34). */
static void check_gate(struct sim *sim, struct run *run, bool is_up)
{
	uint8_t frame[64];
	wlk_encoded_frame out = WLK_ENCODED_FRAME_INIT;

	out.codec = run->video.codec;
	out.data = frame;
	out.size = encoded_make(out.codec, !is_up, 0, 8, frame);
	if (wlk_rtp_sender_send_frame(wlk_transceiver_sender(run->video.sender), &out) != WLK_ERR_STATE)
		sim_fail(sim, "a frame was taken %s", is_up ? "that is no key frame" : "before the transport is up");
	if (is_up && run->key_frame_requests != 1)
		sim_fail(sim, "%u key frame requests when the transport came up", run->key_frame_requests);
}

static void send_all(struct sim *sim, struct run *run)
{
	for (size_t i = 0; i < FRAMES; i++) {
		/* Every hundredth is a scene cut: 300 packets at once. */
		bool key = i == 0 || run->video.wants_key || i % 100 == 50;
		size_t size = i % 100 == 50 ? KEY_SIZE_MAX : 4 + sim_random(sim, i % 7 ? 6000 : 30000);

		send_next(sim, &run->video, size, key, FRAME_TICKS);
		send_next(sim, &run->audio, 4 + sim_random(sim, 100), false, 960);
		sim_run_for(sim, FRAME_US);
		/* A stream begins with the packet that arrives first: what overtook the very first one is not held back. */
		sim->config.jitter_us = 4 * SIM_MS;
	}
	sim_run_for(sim, 2 * SIM_SECOND);
}

static void run_one(uint64_t seed, wlk_codec codec, uint32_t loss, bool layered, uint32_t *received)
{
	static struct run run;
	static struct sim sim;
	struct sim_config config = { .seed = seed, .latency_us = 20 * SIM_MS };
	wlk_transceiver_init sendonly = WLK_TRANSCEIVER_INIT;

	memset(&run, 0, sizeof(run));
	run.video.codec = codec;
	run.audio.codec = WLK_CODEC_OPUS;
	run.layered = layered;
	sendonly.direction = WLK_DIRECTION_SENDONLY;
	sim_init(&sim, &config, on_event, &run);
	if (wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_AUDIO, &sendonly, &run.audio.sender) != WLK_OK ||
	    wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_VIDEO, &sendonly, &run.video.sender) != WLK_OK)
		sim_fail(&sim, "no transceivers");
	check_gate(&sim, &run, false);
	sim_signal(&sim);
	if (!sim_run_until(&sim, 30 * SIM_SECOND, sim_both_connected))
		sim_fail(&sim, "not connected");
	sim_run_for(&sim, 100 * SIM_MS);
	check_gate(&sim, &run, true);
	sim.config.loss = loss;
	sim.config.duplicate = loss ? 200 : 0;
	sim.config.reorder = loss ? 300 : 0;
	sim.config.reorder_us = 30 * SIM_MS;
	send_all(&sim, &run);
	if (!loss && (run.video.received != FRAMES || run.audio.received != FRAMES))
		sim_fail(&sim, "%u of %d video and %u audio frames of %s without loss", run.video.received, FRAMES,
			 run.audio.received, wlk_codec_name(codec));
	if (!run.video.received || !run.video.several_packets)
		sim_fail(&sim, "no video at all");
	if (getenv("SIM_VERBOSE"))
		printf("seed %llu %s loss %u: video %u (keys %u, recovered %u), audio %u, requests %u\n", (unsigned long long)seed,
		       wlk_codec_name(codec), loss, run.video.received, run.video.keys, run.video.recovered, run.audio.received,
		       run.key_frame_requests);
	*received = run.video.received;
	sim_free(&sim);
}

int main(int argc, char **argv)
{
	static const wlk_codec codecs[] = { WLK_CODEC_VP8, WLK_CODEC_VP9, WLK_CODEC_H264, WLK_CODEC_AV1 };
	static const uint32_t losses[] = { 0, 100, 500, 1000, 3000 };
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, count = argc > 2 ? strtoull(argv[2], NULL, 10) : 5;
	uint32_t by_loss[5] = { 0 };

	for (uint64_t i = 0; i < count; i++) {
		uint32_t received;

		run_one(first + i, codecs[i / 5 % 4], losses[i % 5], i / 20 % 2 == 1, &received);
		by_loss[i % 5] += received;
	}
	for (size_t i = 0; i < 5; i++) {
		uint64_t all = (count + 4 - i) / 5 * FRAMES;

		printf("loss %2u %%: %u frames of %llu\n", losses[i] / 100, by_loss[i], (unsigned long long)all);
		/* Retransmission mends what is usual; at 30 % the call goes on, from key frame to key frame. */
		if (by_loss[i] < all * (losses[i] < 1000 ? 98 : losses[i] == 1000 ? 85 : 25) / 100)
			return 1;
	}
	return 0;
}
