/* Statistics of simulated calls: exact values at rest, selectors, and what holds of every report at any moment. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"
#include "statistics.h"

enum { PAYLOAD_SIZE = 100, VP8 = 96, OPUS = 111 };

struct call {
	struct sim sim;
	wlk_data_channel *channel;
	wlk_transceiver *audio, *video; /* of a */
	wlk_transceiver *audio_b, *video_b;
	bool open_a, open_b, echo;
};

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct call *call = sim->user;

	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		call->open_a = call->open_a || peer == &sim->a;
		call->open_b = call->open_b || peer == &sim->b;
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		if (peer == &sim->b)
			assert_int_equal(wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data,
							       ev->u.message.size), WLK_OK);
		break;
	case WLK_EVENT_TRACK:
		if (peer == &sim->b && wlk_transceiver_kind(ev->u.track.transceiver) == WLK_MEDIA_AUDIO)
			call->audio_b = ev->u.track.transceiver;
		else if (peer == &sim->b)
			call->video_b = ev->u.track.transceiver;
		break;
	case WLK_EVENT_RTP_PACKET:
		if (peer == &sim->b && call->echo)
			(void)!wlk_rtp_sender_forward(wlk_transceiver_sender(ev->u.rtp.transceiver), ev->u.rtp.packet);
		break;
	default:
		break;
	}
}

static bool is_open(struct sim *sim)
{
	struct call *call = sim->user;

	return call->open_a && call->open_b;
}

/* Audio, video and a data channel from a to b. */
static void start(struct call *call, const struct sim_config *config)
{
	wlk_transceiver_init microphone = WLK_TRANSCEIVER_INIT, camera = WLK_TRANSCEIVER_INIT;

	microphone.track_id = "microphone";
	camera.track_id = "camera";
	memset(call, 0, sizeof(*call));
	sim_init(&call->sim, config, on_event, call);
	assert_int_equal(wlk_peer_connection_add_transceiver(call->sim.a.pc, WLK_MEDIA_AUDIO, &microphone, &call->audio), WLK_OK);
	assert_int_equal(wlk_peer_connection_add_transceiver(call->sim.a.pc, WLK_MEDIA_VIDEO, &camera, &call->video), WLK_OK);
	assert_int_equal(wlk_peer_connection_create_data_channel(call->sim.a.pc, "label \"1\"", NULL, &call->channel), WLK_OK);
}

static void connect_call(struct call *call, const struct sim_config *config)
{
	start(call, config);
	sim_signal(&call->sim);
	assert_true(sim_run_until(&call->sim, 20 * SIM_SECOND, is_open));
}

static void send_media(struct call *call, unsigned count, wlk_time interval)
{
	static const uint8_t payload[PAYLOAD_SIZE] = { 0x10 };
	wlk_rtp_packet packet = { .payload = payload, .payload_size = sizeof(payload), .marker = true };

	for (unsigned i = 0; i < count; i++) {
		packet.timestamp = i * 3000;
		packet.payload_type = VP8;
		(void)!wlk_rtp_sender_send_packet(wlk_transceiver_sender(call->video), &packet);
		packet.timestamp = i * 960;
		packet.payload_type = OPUS;
		(void)!wlk_rtp_sender_send_packet(wlk_transceiver_sender(call->audio), &packet);
		sim_run_for(&call->sim, interval);
	}
}

static void send_text(struct call *call, const char *text)
{
	assert_int_equal(wlk_data_channel_send(call->channel, WLK_MESSAGE_TEXT, text, strlen(text)), WLK_OK);
}

static wlk_stats_report *stats_of(struct sim_peer *peer)
{
	wlk_stats_report *report;

	assert_int_equal(wlk_peer_connection_get_stats(peer->pc, &report), WLK_OK);
	return report;
}

/* ---- finding records ---- */

struct wanted {
	wlk_stats_type type;
	const char *kind; /* of a stream; NULL: any */
	const wlk_stats *found;
	size_t count;
};

static void look(const wlk_stats *record, void *user)
{
	struct wanted *wanted = user;
	const wlk_stats_outbound_rtp *s = (const void *)record;

	if (record->type != wanted->type || (wanted->kind && strcmp(s->kind.value, wanted->kind)))
		return;
	wanted->found = record;
	wanted->count++;
}

static const void *find(const wlk_stats_report *report, wlk_stats_type type, const char *kind)
{
	struct wanted wanted = { .type = type, .kind = kind };

	wlk_stats_report_visit(report, look, &wanted);
	assert_non_null(wanted.found);
	return wanted.found;
}

static size_t count(const wlk_stats_report *report, wlk_stats_type type)
{
	struct wanted wanted = { .type = type };

	wlk_stats_report_visit(report, look, &wanted);
	return wanted.count;
}

static const void *referred(const wlk_stats_report *report, const wlk_stat_id *id, wlk_stats_type type)
{
	const wlk_stats *record;

	assert_true(id->exists);
	record = wlk_stats_report_get(report, id->value);
	assert_non_null(record);
	assert_int_equal(record->type, type);
	return record;
}

#define assert_count(member, number) do { assert_true((member).exists); assert_int_equal((member).value, number); } while (0)
#define assert_text(member, text) do { assert_true((member).exists); assert_string_equal((member).value, text); } while (0)
#define assert_near(member, number, off) do { assert_true((member).exists); \
	assert_true((member).value >= (number) - (off) && (member).value <= (number) + (off)); } while (0)

/* ---- exact values ---- */

static void test_streams_of_a_small_call(void **state)
{
	const wlk_stats_outbound_rtp *out;
	const wlk_stats_inbound_rtp *in;
	const wlk_stats_remote_inbound_rtp *remote_in;
	const wlk_stats_remote_outbound_rtp *remote_out;
	const wlk_stats_codec *codec;
	const wlk_stats_media_source *source;
	wlk_stats_report *a, *b;
	struct call call;
	int probes;

	(void)state;
	connect_call(&call, &(struct sim_config){ .seed = 1, .latency_us = 20 * SIM_MS });
	send_media(&call, 100, 10 * SIM_MS);
	sim_run_for(&call.sim, 8 * SIM_SECOND);
	a = stats_of(&call.sim.a);
	b = stats_of(&call.sim.b);

	out = find(a, WLK_STATS_OUTBOUND_RTP, "video");
	assert_count(out->ssrc, wlk_rtp_sender_ssrc(wlk_transceiver_sender(call.video)));
	/* Probes repeat what was sent, in packets of their own. */
	probes = (int)out->packets_sent.value - 100;
	assert_in_range(probes, 0, 150);
	assert_count(out->bytes_sent, (100 + probes) * PAYLOAD_SIZE + 2 * probes); /* of RTX, the number of what it repeats counts too */
	assert_in_range(out->header_bytes_sent.value, 100 * 12, 250 * 40);
	assert_count(out->retransmitted_packets_sent, 0);
	assert_count(out->nack_count, 0);
	assert_count(out->pli_count, 0);
	assert_count(out->encoding_index, 0);
	assert_false(out->rid.exists);
	assert_false(out->frames_encoded.exists);
	assert_true(out->active.exists && out->active.value);
	assert_text(out->mid, wlk_transceiver_mid(call.video));
	source = referred(a, &out->media_source_id, WLK_STATS_MEDIA_SOURCE);
	assert_text(source->kind, "video");
	assert_text(source->track_identifier, "camera");

	in = find(b, WLK_STATS_INBOUND_RTP, "video");
	assert_count(in->ssrc, out->ssrc.value);
	assert_text(in->track_identifier, "camera");
	assert_count(in->packets_received, 100 + probes);
	assert_count(in->bytes_received, (int)out->bytes_sent.value);
	assert_count(in->header_bytes_received, (int)out->header_bytes_sent.value);
	assert_count(in->packets_lost, 0);
	assert_count(in->packets_discarded, 0);
	assert_false(in->jitter_buffer_delay.exists);
	/* Sent at 100 Hz with the timestamps of 30 Hz: jitter by RFC 3550 A.8 goes towards 2100/90000 s. */
	assert_near(in->jitter, 2100.0 / 90000, 0.001);
	codec = referred(b, &in->codec_id, WLK_STATS_CODEC);
	assert_text(codec->mime_type, "video/VP8");
	assert_count(codec->clock_rate, 90000);
	assert_count(codec->payload_type, VP8);
	assert_false(codec->channels.exists);

	remote_in = referred(a, &out->remote_id, WLK_STATS_REMOTE_INBOUND_RTP);
	assert_string_equal(remote_in->local_id.value, out->base.id);
	assert_near(remote_in->round_trip_time, 0.040, 0.002);
	assert_true(remote_in->round_trip_time_measurements.value >= 1);
	assert_near(remote_in->total_round_trip_time, 0.040 * (double)remote_in->round_trip_time_measurements.value, 0.010);
	assert_near(remote_in->fraction_lost, 0, 0);
	assert_count(remote_in->packets_lost, 0);
	assert_near(remote_in->jitter, in->jitter.value, 0.003);
	assert_true(remote_in->base.timestamp < out->base.timestamp);

	remote_out = referred(b, &in->remote_id, WLK_STATS_REMOTE_OUTBOUND_RTP);
	assert_string_equal(remote_out->local_id.value, in->base.id);
	assert_count(remote_out->packets_sent, 100);
	assert_count(remote_out->bytes_sent, 100 * PAYLOAD_SIZE);
	assert_true(remote_out->reports_sent.value >= 2);
	/* Both ends have the same clock here; a report is under way for 20 ms. */
	assert_near(remote_out->remote_timestamp, remote_out->base.timestamp - 20, 1);

	codec = referred(a, &((const wlk_stats_outbound_rtp *)find(a, WLK_STATS_OUTBOUND_RTP, "audio"))->codec_id, WLK_STATS_CODEC);
	assert_text(codec->mime_type, "audio/opus");
	assert_count(codec->channels, 2);
	assert_true(codec->sdp_fmtp_line.exists);
	assert_false(((const wlk_stats_inbound_rtp *)find(b, WLK_STATS_INBOUND_RTP, "audio"))->pli_count.exists);
	wlk_stats_report_destroy(a);
	wlk_stats_report_destroy(b);
	sim_free(&call.sim);
}

static void test_transport_pair_and_channel_of_a_small_call(void **state)
{
	const wlk_stats_transport *ta, *tb;
	const wlk_stats_candidate_pair *pa, *pb;
	const wlk_stats_candidate *local, *remote;
	const wlk_stats_certificate *certificate;
	const wlk_stats_data_channel *channel;
	const wlk_stats_sctp_transport *sctp;
	const wlk_stats_peer_connection *pc;
	wlk_stats_report *a, *b;
	char fingerprint[128];
	uint64_t checks;
	struct call call;

	(void)state;
	connect_call(&call, &(struct sim_config){ .seed = 2, .latency_us = 20 * SIM_MS });
	send_text(&call, "12345");
	send_text(&call, "");
	sim_run_for(&call.sim, 20 * SIM_SECOND);
	a = stats_of(&call.sim.a);
	b = stats_of(&call.sim.b);

	ta = find(a, WLK_STATS_TRANSPORT, NULL);
	tb = find(b, WLK_STATS_TRANSPORT, NULL);
	assert_text(ta->ice_role, "controlling");
	assert_text(tb->ice_role, "controlled");
	assert_text(ta->dtls_state, "connected");
	assert_text(ta->dtls_role, "server");
	assert_text(tb->dtls_role, "client");
	assert_text(ta->tls_version, "FEFD");
	assert_text(ta->dtls_cipher, tb->dtls_cipher.value);
	assert_memory_equal(ta->dtls_cipher.value, "TLS_ECDHE_", 10);
	assert_text(ta->srtp_cipher, "SRTP_AEAD_AES_128_GCM");
	assert_count(ta->bytes_sent, tb->bytes_received.value);
	assert_count(ta->packets_sent, tb->packets_received.value);
	assert_count(tb->bytes_sent, ta->bytes_received.value);
	assert_count(ta->selected_candidate_pair_changes, 1);
	certificate = referred(a, &ta->local_certificate_id, WLK_STATS_CERTIFICATE);
	assert_text(certificate->fingerprint_algorithm, "sha-256");
	assert_int_equal(snprintf(fingerprint, sizeof(fingerprint), "a=fingerprint:sha-256 %s", certificate->fingerprint.value), 22 + 95);
	assert_non_null(strstr(wlk_peer_connection_local_description(call.sim.a.pc)->sdp, fingerprint));
	assert_string_equal(certificate->base.id, tb->remote_certificate_id.value);

	pa = referred(a, &ta->selected_candidate_pair_id, WLK_STATS_CANDIDATE_PAIR);
	pb = referred(b, &tb->selected_candidate_pair_id, WLK_STATS_CANDIDATE_PAIR);
	assert_text(pa->state, "succeeded");
	assert_true(pa->nominated.value && pb->nominated.value);
	assert_count(pa->bytes_sent, pb->bytes_received.value);
	assert_count(pa->packets_sent, ta->packets_sent.value);
	checks = pa->requests_sent.value;
	assert_in_range(checks - pa->consent_requests_sent.value, 2, 3); /* a check, perhaps a triggered one, and the nomination */
	assert_in_range(pa->consent_requests_sent.value, 3, 5); /* 20 s by 4 to 6 s */
	/* The answer to a check that a triggered one took over from is not waited for; a probe of the path's MTU is a request. */
	assert_in_range(pa->responses_received.value, checks - 1, checks);
	assert_in_range(pb->requests_received.value, checks, checks + 1);
	assert_count(pb->responses_sent, pb->requests_received.value);
	assert_near(pa->current_round_trip_time, 0.040, 0.001);
	assert_near(pa->total_round_trip_time, 0.040 * (double)pa->responses_received.value, 0.005);
	assert_count(pa->packets_discarded_on_send, 0);
	assert_false(pa->available_outgoing_bitrate.exists);
	local = referred(a, &pa->local_candidate_id, WLK_STATS_LOCAL_CANDIDATE);
	remote = referred(b, &pb->remote_candidate_id, WLK_STATS_REMOTE_CANDIDATE);
	assert_text(local->address, "10.0.0.1");
	assert_text(remote->address, "10.0.0.1");
	assert_count(remote->port, local->port.value);
	assert_count(remote->priority, local->priority.value);
	assert_text(remote->foundation, local->foundation.value);
	assert_text(remote->username_fragment, ta->ice_local_username_fragment.value);
	assert_text(local->username_fragment, ta->ice_local_username_fragment.value);
	assert_text(local->candidate_type, "host");
	assert_text(local->protocol, "udp");
	assert_false(local->tcp_type.exists);
	assert_false(local->url.exists);

	channel = find(a, WLK_STATS_DATA_CHANNEL, NULL);
	assert_text(channel->label, "label \"1\"");
	assert_text(channel->protocol, "");
	assert_text(channel->state, "open");
	assert_count(channel->data_channel_identifier, (uint64_t)wlk_data_channel_id(call.channel));
	assert_count(channel->messages_sent, 2);
	assert_count(channel->messages_received, 2);
	assert_count(channel->bytes_sent, 5);
	assert_count(channel->bytes_received, 5);
	pc = find(a, WLK_STATS_PEER_CONNECTION, NULL);
	assert_count(pc->data_channels_opened, 1);
	assert_count(pc->data_channels_closed, 0);
	sctp = find(a, WLK_STATS_SCTP_TRANSPORT, NULL);
	assert_text(sctp->state, "connected");
	assert_count(sctp->unack_data, 0);
	assert_count(sctp->flight_size, 0);
	assert_count(sctp->retransmitted_chunks, 0);
	assert_count(sctp->bytes_sent, ((const wlk_stats_sctp_transport *)find(b, WLK_STATS_SCTP_TRANSPORT, NULL))->bytes_received.value);
	assert_true(sctp->smoothed_round_trip_time.value >= 0.040);
	assert_true(sctp->congestion_window.value >= sctp->mtu.value);
	wlk_stats_report_destroy(a);
	wlk_stats_report_destroy(b);
	sim_free(&call.sim);
}

static void test_nothing_is_known_before_the_first_description(void **state)
{
	const wlk_stats_transport *t;
	wlk_stats_report *a;
	struct call call;

	(void)state;
	start(&call, &(struct sim_config){ .seed = 3 });
	a = stats_of(&call.sim.a);
	t = find(a, WLK_STATS_TRANSPORT, NULL);
	assert_text(t->ice_role, "unknown");
	assert_text(t->dtls_role, "unknown");
	assert_text(t->dtls_state, "new");
	assert_text(t->ice_state, "new");
	assert_false(t->tls_version.exists);
	assert_false(t->selected_candidate_pair_id.exists);
	assert_false(t->remote_certificate_id.exists);
	assert_int_equal(count(a, WLK_STATS_OUTBOUND_RTP), 0);
	assert_int_equal(count(a, WLK_STATS_MEDIA_SOURCE), 2);
	assert_null(wlk_stats_report_get(a, "nobody"));
	assert_string_equal(wlk_stats_type_name(t->base.type), "transport");
	assert_string_equal(wlk_stats_type_name((wlk_stats_type)99), "unknown");
	wlk_stats_report_destroy(a);
	sim_free(&call.sim);
}

static void test_selectors_give_streams_and_what_they_refer_to(void **state)
{
	wlk_stats_report *sender, *receiver, *idle;
	struct call call;

	(void)state;
	connect_call(&call, &(struct sim_config){ .seed = 4, .latency_us = 5 * SIM_MS });
	send_media(&call, 50, 10 * SIM_MS);
	sim_run_for(&call.sim, 3 * SIM_SECOND);
	assert_int_equal(wlk_rtp_sender_get_stats(wlk_transceiver_sender(call.video), &sender), WLK_OK);
	assert_int_equal(wlk_rtp_receiver_get_stats(wlk_transceiver_receiver(call.video_b), &receiver), WLK_OK);
	assert_int_equal(wlk_rtp_receiver_get_stats(wlk_transceiver_receiver(call.video), &idle), WLK_OK);

	assert_int_equal(count(sender, WLK_STATS_OUTBOUND_RTP), 1);
	assert_non_null(find(sender, WLK_STATS_OUTBOUND_RTP, "video"));
	assert_int_equal(count(sender, WLK_STATS_REMOTE_INBOUND_RTP), 1);
	assert_int_equal(count(sender, WLK_STATS_MEDIA_SOURCE), 1);
	assert_int_equal(count(sender, WLK_STATS_CODEC), 1);
	assert_int_equal(count(sender, WLK_STATS_TRANSPORT), 1);
	assert_int_equal(count(sender, WLK_STATS_CANDIDATE_PAIR), 1);
	assert_int_equal(count(sender, WLK_STATS_LOCAL_CANDIDATE), 1);
	assert_int_equal(count(sender, WLK_STATS_REMOTE_CANDIDATE), 1);
	assert_in_range(count(sender, WLK_STATS_CERTIFICATE), 1, 2);
	assert_int_equal(count(sender, WLK_STATS_DATA_CHANNEL), 0);
	assert_int_equal(count(sender, WLK_STATS_PEER_CONNECTION), 0);
	assert_int_equal(count(receiver, WLK_STATS_INBOUND_RTP), 1);
	assert_int_equal(count(receiver, WLK_STATS_REMOTE_OUTBOUND_RTP), 1);
	assert_int_equal(count(receiver, WLK_STATS_OUTBOUND_RTP), 0);
	assert_int_equal(count(receiver, WLK_STATS_TRANSPORT), 1);
	assert_int_equal(wlk_stats_report_count(idle), 0);
	wlk_stats_report_destroy(sender);
	wlk_stats_report_destroy(receiver);
	wlk_stats_report_destroy(idle);
	sim_free(&call.sim);
}

/* VP8 of 640x360, or what looks like it to whoever only counts. */
static void send_frame(struct call *call, uint32_t number, bool key, size_t size)
{
	static uint8_t data[8000];
	static const uint8_t head[] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01 };
	wlk_encoded_frame frame = WLK_ENCODED_FRAME_INIT;

	memset(data, 0x55, sizeof(data));
	memcpy(data, head, sizeof(head));
	if (!key)
		data[0] = 0x31;
	frame.codec = WLK_CODEC_VP8;
	frame.data = data;
	frame.size = size;
	frame.timestamp = number * 3000;
	assert_int_equal(wlk_rtp_sender_send_frame(wlk_transceiver_sender(call->video), &frame), WLK_OK);
	sim_run_for(&call->sim, 33 * SIM_MS);
}

static void test_frames_of_a_small_call(void **state)
{
	const wlk_stats_outbound_rtp *out;
	const wlk_stats_inbound_rtp *in;
	wlk_stats_report *a, *b;
	struct call call;

	(void)state;
	connect_call(&call, &(struct sim_config){ .seed = 7, .latency_us = 20 * SIM_MS });
	assert_int_equal(wlk_rtp_receiver_set_level(wlk_transceiver_receiver(call.video_b), WLK_MEDIA_LEVEL_FRAMES), WLK_OK);
	for (uint32_t i = 0; i < 30; i++)
		send_frame(&call, i, i == 0, i == 0 ? 6000 : 500);
	sim_run_for(&call.sim, SIM_SECOND);
	a = stats_of(&call.sim.a);
	b = stats_of(&call.sim.b);
	out = find(a, WLK_STATS_OUTBOUND_RTP, "video");
	in = find(b, WLK_STATS_INBOUND_RTP, "video");
	assert_count(out->frames_sent, 30);
	assert_count(out->huge_frames_sent, 0); /* the first one has no average to be above of */
	assert_count(out->frame_width, 640);
	assert_count(out->frame_height, 360);
	assert_false(out->frames_encoded.exists);
	assert_count(in->frames_received, 30);
	assert_count(in->frames_dropped, 0);
	assert_count(in->frames_assembled_from_multiple_packets, 1);
	assert_near(in->total_assembly_time, 0.05, 0.05); /* as long as the pacer took */
	assert_count(in->frame_width, 640);
	assert_count(in->frame_height, 360);
	assert_false(in->frames_decoded.exists);
	wlk_stats_report_destroy(a);
	wlk_stats_report_destroy(b);
	sim_free(&call.sim);
}

static void test_a_bulk_transfer_flies(void **state)
{
	static uint8_t bulk[60000];
	const wlk_stats_sctp_transport *sctp;
	wlk_stats_report *report;
	struct call call;

	(void)state;
	connect_call(&call, &(struct sim_config){ .seed = 6, .latency_us = 50 * SIM_MS, .loss = 200 });
	sim_run_for(&call.sim, SIM_SECOND);
	for (unsigned i = 0; i < 15; i++)
		assert_int_equal(wlk_data_channel_send(call.channel, WLK_MESSAGE_BINARY, bulk, sizeof(bulk)), WLK_OK);
	sim_run_for(&call.sim, 20 * SIM_MS);
	report = stats_of(&call.sim.a);
	sctp = find(report, WLK_STATS_SCTP_TRANSPORT, NULL);
	assert_in_range(sctp->flight_size.value, 1, sctp->congestion_window.value + sctp->mtu.value);
	assert_true(sctp->unack_data.value >= sctp->flight_size.value / sctp->mtu.value);
	wlk_stats_report_destroy(report);
	sim_run_for(&call.sim, 60 * SIM_SECOND);
	report = stats_of(&call.sim.a);
	sctp = find(report, WLK_STATS_SCTP_TRANSPORT, NULL);
	assert_count(sctp->flight_size, 0);
	assert_in_range(sctp->retransmitted_chunks.value, 1, 200); /* 2 % of 900 KB are 16 chunks */
	wlk_stats_report_destroy(report);
	sim_free(&call.sim);
}

/* ---- what holds at any moment ---- */

static const char *const gauges[] = {
	"availableOutgoingBitrate",
	"targetBitrate",
	"payloadType", "clockRate", "channels", "ssrc", "rtxSsrc", "packetsLost", "jitter", "currentRoundTripTime", "roundTripTime",
	"fractionLost", "encodingIndex", "port", "relatedPort", "priority", "dataChannelIdentifier", "congestionWindow", "flightSize",
	"smoothedRoundTripTime", "retransmissionTimeout", "receiverWindow", "mtu", "unackData", "availableIncomingBitrate",
};

static bool is_gauge(const char *name)
{
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		if (!strcmp(gauges[i], name))
			return true;
	return false;
}

static const struct listed_member *listed(const char *type, const char *name)
{
	for (unsigned i = 0; i < listed_member_count; i++)
		if (!strcmp(listed_members[i].type, type) && !strcmp(listed_members[i].name, name))
			return &listed_members[i];
	return NULL;
}

static bool seen_members[512];

static bool is_reference(const char *name)
{
	size_t size = strlen(name);

	return size > 2 && !strcmp(name + size - 2, "Id") && strcmp(name, "id");
}

static void check_member(const struct sim *sim, json_t *report, json_t *before, const char *type, const char *name, json_t *value)
{
	const struct listed_member *member = listed(type, name);
	json_t *earlier = before ? json_object_get(before, name) : NULL;

	if (!member)
		sim_fail(sim, "%s has a member %s that nobody listed", type, name);
	if (member->expectation > CIRCUMSTANCE)
		sim_fail(sim, "%s.%s is not known, and yet it exists", type, name);
	seen_members[member - listed_members] = true;
	if (is_reference(name) && !json_object_get(report, json_string_value(value)))
		sim_fail(sim, "%s.%s names %s, which is not there", type, name, json_string_value(value));
	if (earlier && json_is_number(value) && !is_gauge(name) && json_number_value(value) < json_number_value(earlier))
		sim_fail(sim, "%s.%s fell from %f to %f", type, name, json_number_value(earlier), json_number_value(value));
}

/* Takes |report| over |*last| and looks at every member. */
static void check_report(const struct sim *sim, wlk_peer_connection *pc, json_t **last)
{
	json_t *report, *record, *value;
	json_error_t error;
	const char *id, *name, *type;
	char *text;

	assert_int_equal(wlk_peer_connection_stats_json(pc, &text), WLK_OK);
	report = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!report)
		sim_fail(sim, "%s at %d in %s", error.text, error.position, text);
	wlk_secret_free(text);
	json_object_foreach(report, id, record) {
		json_t *before = *last ? json_object_get(*last, id) : NULL;

		type = json_string_value(json_object_get(record, "type"));
		assert_string_equal(json_string_value(json_object_get(record, "id")), id);
		assert_true(json_number_value(json_object_get(record, "timestamp")) > 1.5e12);
		if (before && strcmp(type, json_string_value(json_object_get(before, "type"))))
			sim_fail(sim, "%s is another type", id);
		if (before && json_number_value(json_object_get(record, "timestamp")) <
			      json_number_value(json_object_get(before, "timestamp")))
			sim_fail(sim, "the time of %s went back", id);
		json_object_foreach(record, name, value)
			if (strcmp(name, "id") && strcmp(name, "type") && strcmp(name, "timestamp"))
				check_member(sim, report, before, type, name, value);
	}
	/* Records that go do not come back with less: what was seen once is kept to be compared. */
	if (*last)
		json_object_update(*last, report);
	else
		*last = json_incref(report);
	json_decref(report);
}

static void check_both(struct call *call, json_t *last[2])
{
	check_report(&call->sim, call->sim.a.pc, &last[0]);
	check_report(&call->sim, call->sim.b.pc, &last[1]);
}

static void do_something(struct call *call)
{
	struct sim *sim = &call->sim;
	wlk_data_channel *channel;
	wlk_transceiver *t;

	switch (sim_random(sim, 8)) {
	case 0:
		sim_renegotiate(sim, sim_random(sim, 2) ? &sim->a : &sim->b, true);
		break;
	case 1:
		sim_renegotiate(sim, &sim->b, false);
		break;
	case 2:
		if (wlk_peer_connection_transceiver_count(sim->a.pc) < 6)
			assert_int_equal(wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_VIDEO, NULL, &t), WLK_OK);
		sim_renegotiate(sim, &sim->a, false);
		break;
	case 3:
		assert_int_equal(wlk_transceiver_set_direction(call->audio, (wlk_direction)sim_random(sim, 4)), WLK_OK);
		sim_renegotiate(sim, &sim->a, false);
		break;
	case 4:
		assert_int_equal(wlk_peer_connection_create_data_channel(sim->b.pc, "more", NULL, &channel), WLK_OK);
		sim_run_for(sim, 200 * SIM_MS);
		wlk_data_channel_close(channel);
		wlk_data_channel_release(channel);
		break;
	case 5:
		(void)!wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(call->video));
		break;
	case 6:
		if (wlk_data_channel_ready_state(call->channel) == WLK_DATA_CHANNEL_OPEN)
			send_text(call, "round we go");
		break;
	default:
		send_media(call, 20, 10 * SIM_MS);
		break;
	}
}

static void test_every_report_is_sound(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		json_t *last[2] = { NULL, NULL };
		struct call call;

		start(&call, &(struct sim_config){ .seed = seed, .latency_us = 10 * SIM_MS, .loss = 300 });
		call.echo = true;
		check_both(&call, last);
		sim_signal(&call.sim);
		check_both(&call, last);
		assert_true(sim_run_until(&call.sim, 20 * SIM_SECOND, is_open));
		for (unsigned i = 0; i < 40; i++) {
			do_something(&call);
			check_both(&call, last);
			sim_run_for(&call.sim, sim_random(&call.sim, 500) * SIM_MS);
			check_both(&call, last);
		}
		wlk_peer_connection_close(call.sim.a.pc);
		check_both(&call, last);
		sim_run_for(&call.sim, SIM_SECOND);
		check_both(&call, last);
		json_decref(last[0]);
		json_decref(last[1]);
		sim_free(&call.sim);
	}
}

/* Goes last: what the others have seen, and a call through a NAT with a STUN server and a TCP candidate. */
static void test_each_listed_member_exists(void **state)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	const wlk_ice_server server = { .url = "stun:stun.sim" };
	const wlk_ice_candidate tcp = { .candidate = "candidate:9 1 tcp 1518280447 192.0.2.77 4444 typ host tcptype passive" };
	struct sim_config sim = { .seed = 5, .latency_us = 10 * SIM_MS, .loss = 300, .config_a = &config, .config_b = &config };
	struct sim_nat nat;
	json_t *last[2] = { NULL, NULL };
	struct call call;
	unsigned missing = 0;

	(void)state;
	config.ice_servers = &server;
	config.ice_server_count = 1;
	config.ice_tcp = WLK_ICE_TCP_BOTH;
	sim_nat_init(&nat, SIM_NAT_OPEN, "198.51.100.1");
	sim.interfaces_a[0] = (struct sim_interface){ .ip = sim_ip("10.1.0.2"), .up = true, .nat = &nat };
	sim.interfaces_b[0] = (struct sim_interface){ .ip = sim_ip("192.0.2.2"), .up = true };
	start(&call, &sim);
	sim_add_stun_server(&call.sim, "203.0.113.9");
	call.echo = true;
	sim_signal(&call.sim);
	assert_true(sim_run_until(&call.sim, 20 * SIM_SECOND, is_open));
	assert_int_equal(wlk_peer_connection_add_ice_candidate(call.sim.b.pc, &tcp), WLK_OK);
	send_media(&call, 200, 10 * SIM_MS);
	sim_run_for(&call.sim, 20 * SIM_SECOND);
	check_both(&call, last);
	for (unsigned i = 0; i < listed_member_count; i++) {
		if (listed_members[i].expectation != KNOWN || seen_members[i])
			continue;
		fprintf(stderr, "%s.%s never existed\n", listed_members[i].type, listed_members[i].name);
		missing++;
	}
	assert_int_equal(missing, 0);
	json_decref(last[0]);
	json_decref(last[1]);
	sim_free(&call.sim);
	sim_nat_free(&nat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams_of_a_small_call),
		cmocka_unit_test(test_transport_pair_and_channel_of_a_small_call),
		cmocka_unit_test(test_nothing_is_known_before_the_first_description),
		cmocka_unit_test(test_selectors_give_streams_and_what_they_refer_to),
		cmocka_unit_test(test_frames_of_a_small_call),
		cmocka_unit_test(test_a_bulk_transfer_flies),
		cmocka_unit_test(test_every_report_is_sound),
		cmocka_unit_test(test_each_listed_member_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
