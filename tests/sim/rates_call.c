#include "rates_call.h"

#include <string.h>

enum { LOWER = 28, SOUND_US = 10000, SOUND_SAMPLES = SOUND_RATE / 100 };

static struct call *call_of(struct sim *sim)
{
	return sim->user;
}

/* What b sends has a free way. */
static wlk_time link(struct sim *sim, struct sim_peer *from, size_t size)
{
	struct call *c = call_of(sim);
	wlk_time left = sim->now, there = c->config.round_trip / 2;

	if (from == &sim->a)
		left = bottleneck_send(c->bottleneck, sim->now, c->config.flow, size + LOWER);
	return left < 0 ? left : left + there;
}

/* ---- data ---- */

static void fill(uint64_t number, uint8_t *out)
{
	uint64_t state = number * 0x9e3779b97f4a7c15u + 1;

	for (size_t i = 0; i < CALL_MESSAGE; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		out[i] = (uint8_t)(state >> 56);
	}
}

static void send_more(struct call *c)
{
	static uint8_t message[CALL_MESSAGE];
	wlk_err err = WLK_OK;

	while (c->full && c->channel && !err) {
		fill(c->sent_messages, message);
		err = wlk_data_channel_send(c->channel, WLK_MESSAGE_BINARY, message, sizeof(message));
		if (err && err != WLK_ERR_AGAIN)
			sim_fail(&c->sim, "a message cannot be sent: %s", wlk_strerror(err));
		c->sent_messages += !err;
	}
}

static void on_message(struct call *c, const wlk_event *ev)
{
	static uint8_t expected[CALL_MESSAGE];

	fill(c->received_messages++, expected);
	if (ev->u.message.size != sizeof(expected) || memcmp(ev->u.message.data, expected, sizeof(expected)))
		sim_fail(&c->sim, "message %llu is another one", (unsigned long long)c->received_messages - 1);
}

/* ---- events ---- */

static void on_track(struct call *c, const wlk_event *ev)
{
	wlk_rtp_receiver *receiver = wlk_transceiver_receiver(ev->u.track.transceiver);
	bool video = wlk_transceiver_kind(ev->u.track.transceiver) == WLK_MEDIA_VIDEO;

	if (video ? wlk_rtp_receiver_set_level(receiver, WLK_MEDIA_LEVEL_FRAMES) : wlk_rtp_receiver_set_audio_sink(receiver, c->speaker))
		sim_fail(&c->sim, "no sink: %s", wlk_last_error(c->sim.b.pc));
}

static void on_frame(struct call *c)
{
	wlk_time gap = c->sim.now - c->last_frame;

	c->longest_gap = gap > c->longest_gap ? gap : c->longest_gap;
	c->last_frame = c->sim.now;
	c->frames++;
}

static void on_target(struct call *c, const wlk_event *ev)
{
	if (ev->u.target_bitrate.transceiver == c->video)
		c->encoder.target_bps = ev->u.target_bitrate.bps;
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct call *c = call_of(sim);
	bool sends = peer == &sim->a;

	if (ev->type == WLK_EVENT_TRACK && !sends)
		on_track(c, ev);
	else if (ev->type == WLK_EVENT_FRAME && !sends)
		on_frame(c);
	else if (ev->type == WLK_EVENT_KEY_FRAME_REQUEST && sends)
		c->encoder.wants_key = true;
	else if (ev->type == WLK_EVENT_TARGET_BITRATE && sends)
		on_target(c, ev);
	else if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE && !sends)
		on_message(c, ev);
	else if (ev->type == WLK_EVENT_DATA_CHANNEL_WRITABLE && sends)
		send_more(c);
	else if (ev->type == WLK_EVENT_DATA_CHANNEL_ERROR || (ev->type == WLK_EVENT_CONNECTION_STATE_CHANGE && ev->u.connection.state == WLK_CONNECTION_FAILED))
		sim_fail(sim, "%s: the channel or the connection failed", peer->name);
}

/* ---- life ---- */

/* As an offer of one who knows no transport-wide feedback. */
static void forget_feedback(struct call *c)
{
	static wlk_rtp_header_extension extensions[32];
	size_t count = wlk_transceiver_header_extensions_to_negotiate(c->video, extensions, 32);

	for (size_t i = 0; i < count; i++)
		if (strstr(extensions[i].uri, "transport-wide-cc"))
			extensions[i].direction = WLK_DIRECTION_STOPPED;
	if (wlk_transceiver_set_header_extensions_to_negotiate(c->video, extensions, count))
		sim_fail(&c->sim, "header extensions: %s", wlk_last_error(c->sim.a.pc));
}

static void add_media(struct call *c)
{
	wlk_transceiver_init sendonly = WLK_TRANSCEIVER_INIT;
	uint32_t noise = 3;

	sendonly.direction = WLK_DIRECTION_SENDONLY;
	if (c->config.audio) {
		sound_add_speech(c->speech, CALL_SPEECH, 125, 9000);
		sound_add_noise(c->speech, CALL_SPEECH, 60, &noise);
		if (wlk_audio_source_create(&c->microphone) || wlk_audio_sink_create(SOUND_RATE, 1, &c->speaker) ||
		    wlk_peer_connection_add_transceiver(c->sim.a.pc, WLK_MEDIA_AUDIO, &sendonly, &c->audio) ||
		    wlk_rtp_sender_set_audio_source(wlk_transceiver_sender(c->audio), c->microphone))
			sim_fail(&c->sim, "no sound");
	}
	if (wlk_peer_connection_add_transceiver(c->sim.a.pc, WLK_MEDIA_VIDEO, &sendonly, &c->video))
		sim_fail(&c->sim, "no video");
	if (c->config.no_feedback)
		forget_feedback(c);
}

void call_open(struct call *c, struct bottleneck *b, const struct call_config *config)
{
	const struct sim_config sim = { .seed = config->seed };

	memset(c, 0, sizeof(*c));
	c->config = *config;
	c->bottleneck = b;
	sim_init(&c->sim, &sim, on_event, c);
	c->sim.link = link;
	add_media(c);
	if (config->limits.struct_size && wlk_peer_connection_set_bitrate(c->sim.a.pc, &config->limits))
		sim_fail(&c->sim, "limits: %s", wlk_last_error(c->sim.a.pc));
	if (config->data && wlk_peer_connection_create_data_channel(c->sim.a.pc, "bulk", NULL, &c->channel))
		sim_fail(&c->sim, "no channel");
	sim_signal(&c->sim);
	if (!sim_run_until(&c->sim, 10 * SIM_SECOND, sim_both_connected))
		sim_fail(&c->sim, "not connected");
	synthetic_encoder_init(&c->encoder, config->seed + config->flow, WLK_TIME_NEVER);
	c->next_sound = WLK_TIME_NEVER;
}

void call_begin(struct call *c)
{
	c->begins = c->encoder.next = c->sim.now;
	c->encoder.next_cut = c->sim.now + 5 * SIM_SECOND;
	if (c->config.audio)
		c->next_sound = c->sim.now;
}

void call_close(struct call *c)
{
	sim_free(&c->sim);
	if (!c->config.audio)
		return;
	wlk_audio_source_release(c->microphone);
	wlk_audio_sink_release(c->speaker);
}

/* ---- time ---- */

static void send_picture(struct call *c)
{
	static uint8_t data[SYNTHETIC_FRAME_MAX];
	wlk_encoded_frame frame = WLK_ENCODED_FRAME_INIT;
	wlk_err err;
	bool key;

	frame.codec = WLK_CODEC_VP8;
	frame.timestamp = c->encoder.frames * SYNTHETIC_FRAME_TICKS;
	frame.data = data;
	frame.size = synthetic_encoder_frame(&c->encoder, c->sim.now, data, &key);
	if (!frame.size)
		return;
	frame.key = key;
	err = wlk_rtp_sender_send_frame(wlk_transceiver_sender(c->video), &frame);
	if (err && err != WLK_ERR_AGAIN && err != WLK_ERR_STATE)
		sim_fail(&c->sim, "a frame of %zu bytes: %s", frame.size, wlk_last_error(c->sim.a.pc));
	c->encoder.wants_key = err != WLK_OK;
}

static void push_and_pull_sound(struct call *c)
{
	wlk_audio_frame frame = WLK_AUDIO_FRAME_INIT;
	int16_t heard[SOUND_SAMPLES];

	frame.samples = c->speech + c->speech_at;
	frame.count = SOUND_SAMPLES;
	c->speech_at = (c->speech_at + SOUND_SAMPLES) % CALL_SPEECH;
	if (wlk_audio_source_push(c->microphone, &frame))
		sim_fail(&c->sim, "sound is not taken");
	wlk_audio_sink_pull(c->speaker, c->sim.now, heard, SOUND_SAMPLES);
	c->next_sound += SOUND_US;
}

void call_step(struct call *c, wlk_time span)
{
	wlk_time until;

	if (c->sim.now >= c->encoder.next)
		send_picture(c);
	if (c->sim.now >= c->next_sound)
		push_and_pull_sound(c);
	if (c->full)
		send_more(c);
	until = time_min(c->sim.now + span, time_min(c->encoder.next, c->next_sound));
	sim_run_for(&c->sim, until > c->sim.now ? until - c->sim.now : 1);
}

/* ---- figures ---- */

static void see(const wlk_stats *record, void *user)
{
	const wlk_stats_inbound_rtp *in = (const void *)record;
	double *samples = user;

	if (record->type != WLK_STATS_INBOUND_RTP || strcmp(in->kind.value, "audio") != 0)
		return;
	samples[0] = (double)in->total_samples_received.value;
	samples[1] = (double)in->concealed_samples.value;
}

static void count_samples(struct call *c, double samples[2])
{
	wlk_stats_report *report;

	samples[0] = samples[1] = 0;
	if (wlk_peer_connection_get_stats(c->sim.b.pc, &report))
		sim_fail(&c->sim, "no statistics");
	wlk_stats_report_visit(report, see, samples);
	wlk_stats_report_destroy(report);
}

void call_watch(struct call *c)
{
	double samples[2];

	count_samples(c, samples);
	c->received_samples = samples[0];
	c->concealed_samples = samples[1];
	c->last_frame = c->sim.now;
	c->longest_gap = 0;
	c->frames = 0;
}

double call_concealed(struct call *c)
{
	double samples[2];

	count_samples(c, samples);
	if (samples[0] <= c->received_samples)
		return 1;
	return (samples[1] - c->concealed_samples) / (samples[0] - c->received_samples);
}
