#include "random_calls.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"

static wlk_data_channel *some_channel(struct sim *sim, struct random_side *side)
{
	return side->channel_count ? side->channels[sim_random(sim, (uint32_t)side->channel_count)] : NULL;
}

wlk_transceiver *random_transceiver(struct sim *sim, struct sim_peer *peer)
{
	size_t count = wlk_peer_connection_transceiver_count(peer->pc);

	return count ? wlk_peer_connection_transceiver(peer->pc, sim_random(sim, (uint32_t)count)) : NULL;
}

wlk_rtp_sender *random_sender(struct sim *sim, struct sim_peer *peer)
{
	wlk_transceiver *t = random_transceiver(sim, peer);

	return t ? wlk_transceiver_sender(t) : NULL;
}

static wlk_media_kind some_kind(struct sim *sim)
{
	return sim_random(sim, 2) ? WLK_MEDIA_AUDIO : WLK_MEDIA_VIDEO;
}

/* ---- channels ---- */

static wlk_err create_channel(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	wlk_data_channel *channel;
	wlk_err err;

	if (side->channel_count == RANDOM_HANDLES)
		return RANDOM_NOTHING;
	init.unordered = sim_random(sim, 2);
	init.negotiated = init.has_id = sim_random(sim, 4) == 0;
	init.id = (uint16_t)(100 + sim_random(sim, 4));
	err = wlk_peer_connection_create_data_channel(peer->pc, "random", &init, &channel);
	if (!err)
		side->channels[side->channel_count++] = channel;
	return err;
}

static wlk_err close_channel(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_data_channel *channel = some_channel(sim, side);

	(void)peer;
	if (!channel)
		return RANDOM_NOTHING;
	wlk_data_channel_close(channel);
	return WLK_OK;
}

static wlk_err release_channel(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_data_channel *channel = some_channel(sim, side);

	(void)peer;
	if (!channel)
		return RANDOM_NOTHING;
	wlk_data_channel_release(channel);
	for (size_t i = 0; i < side->channel_count; i++)
		if (side->channels[i] == channel)
			side->channels[i] = side->channels[--side->channel_count];
	return WLK_OK;
}

static wlk_err set_up_channel(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_data_channel *channel = some_channel(sim, side);

	(void)peer;
	if (!channel)
		return RANDOM_NOTHING;
	wlk_data_channel_set_paused(channel, sim_random(sim, 2));
	wlk_data_channel_set_buffered_amount_low_threshold(channel, sim_random(sim, 4000));
	wlk_data_channel_set_high_water_mark(channel, 1000 + sim_random(sim, 1 << 20));
	return WLK_OK;
}

static wlk_err send_message(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	static const uint8_t bytes[3000];
	wlk_data_channel *channel = some_channel(sim, side);

	(void)peer;
	return channel ? wlk_data_channel_send(channel, WLK_MESSAGE_BINARY, bytes, sim_random(sim, sizeof(bytes))) : RANDOM_NOTHING;
}

/* ---- transceivers and tracks ---- */

static wlk_err add_transceiver(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	static const char *const rids[] = { "h", "m", "l", "h" }; /* the last one is one too many */
	wlk_rtp_encoding encodings[ARRAY_SIZE(rids)];
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	wlk_transceiver *t;

	(void)side;
	if (wlk_peer_connection_transceiver_count(peer->pc) > RANDOM_TRANSCEIVERS)
		return RANDOM_NOTHING;
	init.direction = (wlk_direction)sim_random(sim, 4);
	init.send_encodings = encodings;
	init.send_encoding_count = sim_random(sim, 3) ? 0 : 1 + sim_random(sim, ARRAY_SIZE(rids));
	for (size_t i = 0; i < ARRAY_SIZE(rids); i++) {
		encodings[i] = (wlk_rtp_encoding)WLK_RTP_ENCODING_INIT;
		encodings[i].rid = rids[i];
		encodings[i].active = sim_random(sim, 4) > 0;
	}
	return wlk_peer_connection_add_transceiver(peer->pc, some_kind(sim), sim_random(sim, 2) ? &init : NULL, &t);
}

static wlk_err set_direction(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_transceiver *t = random_transceiver(sim, peer);

	(void)side;
	return t ? wlk_transceiver_set_direction(t, (wlk_direction)sim_random(sim, 6)) : RANDOM_NOTHING;
}

static wlk_err stop(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_transceiver *t = random_transceiver(sim, peer);

	(void)side;
	return t ? wlk_transceiver_stop(t) : RANDOM_NOTHING;
}

/* Ids from a small set, so that some are in use. */
static const char *some_track(struct sim *sim)
{
	static const char *const tracks[] = { "camera", "screen", "voice", "music", NULL };

	return tracks[sim_random(sim, ARRAY_SIZE(tracks))];
}

static const char *const *some_streams(struct sim *sim, size_t *count)
{
	static const char *const streams[] = { "one", "two", "one", "three" };
	size_t first = sim_random(sim, 4);

	*count = sim_random(sim, (uint32_t)(5 - first));
	return streams + first;
}

static wlk_err add_track(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	size_t count;
	const char *const *streams = some_streams(sim, &count);

	(void)side;
	if (wlk_peer_connection_transceiver_count(peer->pc) > RANDOM_TRANSCEIVERS)
		return RANDOM_NOTHING;
	return wlk_peer_connection_add_track(peer->pc, some_kind(sim), some_track(sim), streams, count, NULL);
}

static wlk_err remove_track(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_rtp_sender *sender = random_sender(sim, peer);

	(void)side;
	return sender ? wlk_peer_connection_remove_track(peer->pc, sender) : RANDOM_NOTHING;
}

static wlk_err replace_track(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_rtp_sender *sender = random_sender(sim, peer);

	(void)side;
	return sender ? wlk_rtp_sender_replace_track(sender, some_track(sim)) : RANDOM_NOTHING;
}

static wlk_err set_streams(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_rtp_sender *sender = random_sender(sim, peer);
	size_t count;
	const char *const *streams = some_streams(sim, &count);

	(void)side;
	return sender ? wlk_rtp_sender_set_streams(sender, streams, count) : RANDOM_NOTHING;
}

/* ---- parameters ---- */

/* Some of the kind's codecs, in another order: often none of them is among those of the other side. */
static wlk_err set_codec_preferences(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	static wlk_rtp_capabilities capabilities[2]; /* the same at any time */
	wlk_transceiver *t = random_transceiver(sim, peer);
	wlk_rtp_codec chosen[WLK_RTP_CODECS_MAX];
	wlk_rtp_capabilities *all;
	size_t count = 0;

	(void)side;
	if (!t)
		return RANDOM_NOTHING;
	all = &capabilities[wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO];
	if (!all->codec_count && wlk_rtp_sender_capabilities(wlk_transceiver_kind(t), all))
		sim_fail(sim, "no capabilities");
	if (sim_random(sim, 3))
		for (size_t i = 0, from = sim_random(sim, (uint32_t)all->codec_count); i < all->codec_count; i++)
			if (sim_random(sim, 2))
				chosen[count++] = all->codecs[(from + i) % all->codec_count];
	return wlk_transceiver_set_codec_preferences(t, chosen, count);
}

static wlk_err set_header_extensions(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_rtp_header_extension list[WLK_RTP_EXTENSIONS_MAX];
	wlk_transceiver *t = random_transceiver(sim, peer);
	size_t count = t ? wlk_transceiver_header_extensions_to_negotiate(t, list, ARRAY_SIZE(list)) : 0;

	(void)side;
	if (!count)
		return RANDOM_NOTHING;
	list[sim_random(sim, (uint32_t)count)].direction = sim_random(sim, 2) ? WLK_DIRECTION_STOPPED : WLK_DIRECTION_SENDRECV;
	return wlk_transceiver_set_header_extensions_to_negotiate(t, list, count);
}

static wlk_err set_receive_limits(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_rid_limits limits = WLK_RID_LIMITS_INIT;
	wlk_transceiver *t = random_transceiver(sim, peer);

	(void)side;
	limits.max_width = sim_random(sim, 2) * 320;
	limits.max_framerate = sim_random(sim, 3) * 7.5;
	limits.max_bitrate = sim_random(sim, 2) * 300000;
	return t ? wlk_transceiver_set_receive_limits(t, sim_random(sim, 2) ? "h" : "l", sim_random(sim, 4) ? &limits : NULL) : RANDOM_NOTHING;
}

static wlk_err set_receive_simulcast(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	static const char *const rids[] = { "h", "m", "l" };
	wlk_transceiver *t = random_transceiver(sim, peer);

	(void)side;
	return t ? wlk_transceiver_set_receive_simulcast(t, sim_random(sim, 2), rids, sim_random(sim, 4)) : RANDOM_NOTHING;
}

/* Changed as one may, and sometimes as one may not. */
static wlk_err set_parameters(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	static wlk_rtp_send_parameters p;
	wlk_rtp_sender *sender = random_sender(sim, peer);
	wlk_rtp_encoding *encoding;
	wlk_err err;

	(void)side;
	if (!sender)
		return RANDOM_NOTHING;
	err = wlk_rtp_sender_parameters(sender, &p);
	if (err || !p.encoding_count)
		return err;
	encoding = &p.encodings[sim_random(sim, (uint32_t)p.encoding_count)];
	encoding->active = sim_random(sim, 3) > 0;
	encoding->has_max_bitrate = sim_random(sim, 2);
	encoding->max_bitrate = 100000 * (1 + sim_random(sim, 20));
	encoding->priority = (wlk_priority)(1 + sim_random(sim, 4));
	if (encoding->has_scale_resolution_down_by)
		encoding->scale_resolution_down_by = 0.5 * sim_random(sim, 8);
	if (p.codec_count && sim_random(sim, 4) == 0)
		encoding->codec = &p.codecs[sim_random(sim, (uint32_t)p.codec_count)];
	if (sim_random(sim, 16) == 0)
		p.transaction_id[0] ^= 1;
	if (sim_random(sim, 16) == 0)
		p.encoding_count--;
	return wlk_rtp_sender_set_parameters(sender, &p);
}

/* ---- the connection ---- */

static wlk_err set_configuration(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_ice_server server = random_run_of(sim)->server;
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_err err = wlk_peer_connection_get_configuration(peer->pc, &config);

	(void)side;
	if (err)
		return err;
	config.ice_servers = &server;
	config.ice_server_count = server.url ? sim_random(sim, 2) : 0;
	if (sim_random(sim, 8) == 0) {
		server.url = "stun:";
		config.ice_server_count = 1;
	}
	config.nominate_once = sim_random(sim, 8) == 0; /* which cannot change */
	return wlk_peer_connection_set_configuration(peer->pc, &config);
}

/* Some of them contradict each other. */
static wlk_err set_bitrate(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_bitrate_limits limits = WLK_BITRATE_LIMITS_INIT;

	(void)side;
	limits.min_bps = sim_random(sim, 3) * 50000u;
	limits.start_bps = sim_random(sim, 2) * sim_random(sim, 2000000);
	limits.max_bps = sim_random(sim, 2) * sim_random(sim, 4000000);
	return wlk_peer_connection_set_bitrate(peer->pc, sim_random(sim, 8) ? &limits : NULL);
}

/* An address that nobody has; of any section, and of some that are not there. */
static wlk_err add_candidate(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	static const char *const lines[] = {
		"candidate:7 1 udp 2122260223 10.9.8.7 4711 typ host",
		"candidate:8 1 udp 1686052607 203.0.113.9 4712 typ srflx raddr 10.9.8.7 rport 4711",
		"candidate:9 1 tcp 1518280447 10.9.8.7 9 typ host tcptype active",
		"candidate:7 1 udp",
	};
	const wlk_ice_candidate candidate = { lines[sim_random(sim, ARRAY_SIZE(lines))], NULL, (int32_t)sim_random(sim, 6), NULL };

	(void)side;
	return wlk_peer_connection_add_ice_candidate(peer->pc, &candidate);
}

static wlk_err read_statistics(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	char *json = NULL;
	wlk_err err = wlk_peer_connection_stats_json(peer->pc, &json);

	(void)sim;
	(void)side;
	wlk_secret_free(json);
	return err;
}

static void look_at_transport(struct sim *sim, struct sim_peer *peer, wlk_dtls_transport *dtls)
{
	static wlk_ice_parameters parameters;
	static wlk_ice_candidate_info local, remote;
	wlk_ice_transport *ice;

	if (!dtls)
		return;
	ice = wlk_dtls_transport_ice_transport(dtls);
	if (wlk_dtls_transport_peer_connection(dtls) != peer->pc || wlk_ice_transport_peer_connection(ice) != peer->pc)
		sim_fail(sim, "%s: a transport of somebody else", peer->name);
	(void)wlk_dtls_transport_state(dtls);
	(void)wlk_dtls_transport_remote_certificate(dtls, 0);
	(void)wlk_ice_transport_state(ice);
	(void)!wlk_ice_transport_local_candidate(ice, sim_random(sim, 3), &local);
	(void)!wlk_ice_transport_selected_pair(ice, &local, &remote);
	(void)!wlk_ice_transport_local_parameters(ice, &parameters);
	(void)!wlk_ice_transport_remote_parameters(ice, &parameters);
}

static void look_at_descriptions(struct sim *sim, struct sim_peer *peer)
{
	const wlk_session_description *pending = wlk_peer_connection_pending_local_description(peer->pc);
	wlk_signaling_state state = wlk_peer_connection_signaling_state(peer->pc);
	bool waits = state == WLK_SIGNALING_HAVE_LOCAL_OFFER || state == WLK_SIGNALING_HAVE_LOCAL_PRANSWER ||
		     state == WLK_SIGNALING_HAVE_REMOTE_PRANSWER;

	if (state == WLK_SIGNALING_CLOSED)
		return;
	if (waits != !!pending)
		sim_fail(sim, "%s: %s with%s a pending local description", peer->name, wlk_signaling_state_name(state), pending ? "" : "out");
	pending = wlk_peer_connection_pending_remote_description(peer->pc);
	waits = state == WLK_SIGNALING_HAVE_REMOTE_OFFER || state == WLK_SIGNALING_HAVE_LOCAL_PRANSWER ||
		state == WLK_SIGNALING_HAVE_REMOTE_PRANSWER;
	if (waits != !!pending)
		sim_fail(sim, "%s: %s with%s a pending remote description", peer->name, wlk_signaling_state_name(state), pending ? "" : "out");
}

/* Everything that can be read may be read in any state. */
static wlk_err look(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	static wlk_rtp_receive_parameters received;
	wlk_transceiver *t = random_transceiver(sim, peer);
	wlk_rtp_source source;
	size_t count;

	(void)side;
	look_at_descriptions(sim, peer);
	if (wlk_peer_connection_sender_count(peer->pc) > wlk_peer_connection_transceiver_count(peer->pc))
		sim_fail(sim, "%s: more senders than transceivers", peer->name);
	if (wlk_peer_connection_sctp(peer->pc))
		look_at_transport(sim, peer, wlk_sctp_transport_dtls_transport(wlk_peer_connection_sctp(peer->pc)));
	if (!t)
		return WLK_OK;
	look_at_transport(sim, peer, wlk_rtp_sender_transport(wlk_transceiver_sender(t)));
	(void)wlk_rtp_receiver_stream_ids(wlk_transceiver_receiver(t), &count);
	(void)wlk_rtp_receiver_synchronization_sources(wlk_transceiver_receiver(t), &source, 1);
	return wlk_rtp_receiver_parameters(wlk_transceiver_receiver(t), &received);
}

static const struct random_call calls[] = {
	{ "createDataChannel", 3, create_channel },
	{ "channel.close", 2, close_channel },
	{ "channel.release", 2, release_channel },
	{ "channel settings", 3, set_up_channel },
	{ "channel.send", 6, send_message },
	{ "addTransceiver", 3, add_transceiver },
	{ "direction", 3, set_direction },
	{ "stop", 3, stop },
	{ "addTrack", 4, add_track },
	{ "removeTrack", 2, remove_track },
	{ "replaceTrack", 2, replace_track },
	{ "setStreams", 2, set_streams },
	{ "setCodecPreferences", 1, set_codec_preferences },
	{ "setHeaderExtensionsToNegotiate", 1, set_header_extensions },
	{ "receive simulcast", 1, set_receive_simulcast },
	{ "receive limits", 1, set_receive_limits },
	{ "setParameters", 3, set_parameters },
	{ "setConfiguration", 2, set_configuration },
	{ "set bitrate", 1, set_bitrate },
	{ "addIceCandidate", 1, add_candidate },
	{ "getStats", 3, read_statistics },
	{ "look", 3, look },
};
const struct random_table random_calls = { calls, ARRAY_SIZE(calls) };
