#include "random_calls.h"

#include "core/err.h"

/* ---- packets and frames ---- */

static wlk_err send_packet(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_rtp_packet packet = { .payload_type = (uint8_t)sim_random(sim, 128), .payload = (const uint8_t *)"media", .payload_size = 5 };
	static wlk_rtp_send_parameters p;
	wlk_rtp_sender *sender = random_sender(sim, peer);

	(void)side;
	if (!sender)
		return RANDOM_NOTHING;
	if (sim_random(sim, 4) && !wlk_rtp_sender_parameters(sender, &p) && p.codec_count)
		packet.payload_type = p.codecs[0].payload_type;
	packet.rid = sim_random(sim, 4) ? NULL : "h";
	return wlk_rtp_sender_send_packet(sender, &packet);
}

/* As far as a frame is read to be sent: a key frame of VP8 by its first bit, a byte of Opus or of G.711. */
static wlk_err send_frame(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	static const uint8_t bytes[2000] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0 };
	static const wlk_codec codecs[] = { WLK_CODEC_VP8, WLK_CODEC_OPUS, WLK_CODEC_PCMU, WLK_CODEC_VP9 };
	wlk_encoded_frame frame = WLK_ENCODED_FRAME_INIT;
	wlk_rtp_sender *sender = random_sender(sim, peer);

	(void)side;
	frame.codec = codecs[sim_random(sim, ARRAY_SIZE(codecs))];
	frame.data = bytes;
	frame.size = frame.codec == WLK_CODEC_VP8 ? sizeof(bytes) : 100;
	frame.timestamp = (uint32_t)(sim->now / 11);
	return sender ? wlk_rtp_sender_send_frame(sender, &frame) : RANDOM_NOTHING;
}

static wlk_err set_level(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_transceiver *t = random_transceiver(sim, peer);

	(void)side;
	return t ? wlk_rtp_receiver_set_level(wlk_transceiver_receiver(t), (wlk_media_level)sim_random(sim, 3)) : RANDOM_NOTHING;
}

static wlk_err ask_for_key_frame(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_transceiver *t = random_transceiver(sim, peer);

	(void)side;
	if (!t)
		return RANDOM_NOTHING;
	return sim_random(sim, 2) ? wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(t)) :
				    wlk_rtp_sender_generate_key_frame(wlk_transceiver_sender(t), NULL, 0);
}

static wlk_err insert_dtmf(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	static const char *const tones[] = { "123", "A,b", "", "x", "#" };
	wlk_rtp_sender *sender = random_sender(sim, peer);

	(void)side;
	return sender ? wlk_rtp_sender_insert_dtmf(sender, tones[sim_random(sim, ARRAY_SIZE(tones))], sim_random(sim, 200), 50) :
			RANDOM_NOTHING;
}

/* ---- raw media ---- */

enum { SIDE = 16 }; /* pixels: encoding is not what is tested */

void random_make_sources(struct sim *sim)
{
	struct random_run *run = random_run_of(sim);

	if (wlk_video_source_create(&run->picture) || wlk_audio_source_create(&run->sound) || wlk_video_sink_create(&run->sink))
		sim_fail(sim, "no sources");
}

void random_release_sources(struct random_run *run)
{
	wlk_video_source_release(run->picture);
	wlk_audio_source_release(run->sound);
	wlk_video_sink_release(run->sink);
}

static wlk_err push_picture(const struct random_run *run)
{
	static const uint8_t grey[SIDE * SIDE];
	wlk_video_frame frame = WLK_VIDEO_FRAME_INIT;

	frame.width = frame.height = SIDE;
	for (int i = 0; i < 3; i++) {
		frame.data[i] = grey;
		frame.stride[i] = i ? SIDE / 2 : SIDE;
	}
	return wlk_video_source_push(run->picture, &frame);
}

static wlk_err push_sound(const struct random_run *run)
{
	static const int16_t silence[960];
	wlk_audio_frame frame = WLK_AUDIO_FRAME_INIT;

	frame.samples = silence;
	frame.count = ARRAY_SIZE(silence);
	return wlk_audio_source_push(run->sound, &frame);
}

static wlk_err push(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	(void)peer;
	(void)side;
	return sim_random(sim, 2) ? push_picture(random_run_of(sim)) : push_sound(random_run_of(sim));
}

/* Now and then of the wrong kind, or none. */
static wlk_err attach_source(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	const struct random_run *run = random_run_of(sim);
	wlk_rtp_sender *sender = random_sender(sim, peer);
	bool none = sim_random(sim, 4) == 0, video;

	(void)side;
	if (!sender)
		return RANDOM_NOTHING;
	video = wlk_transceiver_kind(wlk_rtp_sender_transceiver(sender)) == WLK_MEDIA_VIDEO;
	if (sim_random(sim, 16) == 0)
		video = !video;
	return video ? wlk_rtp_sender_set_video_source(sender, none ? NULL : run->picture) :
		       wlk_rtp_sender_set_audio_source(sender, none ? NULL : run->sound);
}

static wlk_err attach_sink(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_transceiver *t = random_transceiver(sim, peer);

	(void)side;
	if (!t)
		return RANDOM_NOTHING;
	return wlk_rtp_receiver_set_video_sink(wlk_transceiver_receiver(t), sim_random(sim, 2) ? random_run_of(sim)->sink : NULL);
}

static wlk_err hold_back(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_transceiver *t = random_transceiver(sim, peer);

	(void)side;
	return t ? wlk_rtp_receiver_set_jitter_buffer_target(wlk_transceiver_receiver(t), (wlk_time)sim_random(sim, 5) * SIM_SECOND) :
		   RANDOM_NOTHING;
}

static const struct random_call media[] = {
	{ "send packet", 4, send_packet },
	{ "send frame", 4, send_frame },
	{ "receiver level", 1, set_level },
	{ "key frame", 2, ask_for_key_frame },
	{ "insertDTMF", 2, insert_dtmf },
	{ "push", 6, push },
	{ "source", 3, attach_source },
	{ "sink", 1, attach_sink },
	{ "jitterBufferTarget", 1, hold_back },
};
const struct random_table random_media = { media, ARRAY_SIZE(media) };
