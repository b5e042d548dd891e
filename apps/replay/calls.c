/* The calls of a recording, made again. */
#include "replay.h"

#include "core/alloc.h"

/* What a caller gave; see given_flags() of the recorder. */
enum { GIVEN = 1, READABLE = 2, HAS_PLACE = 4 };

static bool let_pass(const wlk_addr *address, const char *interface_name, void *user)
{
	(void)address;
	(void)interface_name;
	(void)user;
	return true; /* the recorded answer is put in the place of this one */
}

static void check_text(const struct bytes_reader *body)
{
	if (!bytes_ok(body))
		replay_diverge("the call is cut short: the file is damaged");
}

/* ---- life ---- */

static void peer_new(struct bytes_reader body)
{
	struct replay_peer *p = replay.peer;
	struct peer_env env = { 0 };
	wlk_bytes der;
	wlk_err err;

	env.unix_us_at_zero = (int64_t)bytes_u64(&body);
	env.clock = bytes_u8(&body) ? &replay.now : NULL;
	p->name = record_get_text(&body);
	der = record_get_bytes(&body);
	err = record_get_config(&body, &p->config);
	if (err || dtls_cert_import_public(&p->cert, der.data, der.size))
		replay_diverge("the configuration, or the certificate in it, cannot be read");
	p->config.config.log_name = p->name;
	p->config.config.remote_address_filter = p->config.filters_remote ? let_pass : NULL;
	env.certificate = p->cert;
	if (peer_create(&p->pc, &env, &p->config.config, replay.now))
		replay_diverge("the connection cannot be made");
}

static void peer_gone(struct bytes_reader body)
{
	(void)body;
	peer_free(replay.peer->pc);
	replay.peer->pc = NULL;
}

/* ---- verbs ---- */

static void input(struct bytes_reader body)
{
	struct dgram d = { 0 };
	wlk_time arrival;
	size_t size, kept;

	record_get_addr(&body, &d.local);
	record_get_addr(&body, &d.remote);
	arrival = record_get_time(&body);
	size = bytes_u16(&body);
	kept = body.left;
	check_text(&body);
	if (kept > size)
		replay_diverge("the file is damaged: a datagram is larger than it is");
	d.buf = pktbuf_alloc(NULL, MAX(size, (size_t)PKTBUF_PAYLOAD));
	if (!d.buf)
		replay_diverge("out of memory");
	memset(d.buf->data, 0, size);
	if (kept)
		memcpy(d.buf->data, body.at, kept);
	d.buf->size = size;
	d.buf->arrival = arrival;
	peer_input(replay.peer->pc, replay.now, d);
}

static void timeout(struct bytes_reader body)
{
	(void)body;
	peer_handle_timeout(replay.peer->pc, replay.now);
}

static void poll_transmit(struct bytes_reader body)
{
	struct dgram d;

	(void)body;
	if (peer_poll_transmit(replay.peer->pc, replay.now, &d))
		pktbuf_release(d.buf);
}

static void poll_event(struct bytes_reader body)
{
	(void)body;
	peer_set_now(replay.peer->pc, replay.now);
	peer_poll_event(replay.peer->pc);
}

static void poll_request(struct bytes_reader body)
{
	wlk_request request;

	(void)body;
	peer_set_now(replay.peer->pc, replay.now);
	peer_poll_request(replay.peer->pc, &request);
}

static void on_request(struct bytes_reader body)
{
	wlk_addr addresses[RECORD_CONFIG_ITEMS_MAX];
	uint32_t id = bytes_u32(&body);
	wlk_err err = record_get_err(&body);
	size_t count = record_get_addresses(&body, addresses, ARRAY_SIZE(addresses));

	check_text(&body);
	peer_on_request(replay.peer->pc, replay.now, id, err, addresses, count);
}

static void on_request_failed(struct bytes_reader body)
{
	uint32_t id = bytes_u32(&body);
	wlk_err err = record_get_err(&body);
	char *why = record_get_text(&body);

	peer_on_request_failed(replay.peer->pc, replay.now, id, err, why ? why : "");
	wlk_free(why);
}

static void stream_accepted(struct bytes_reader body)
{
	wlk_addr listener, remote;

	record_get_addr(&body, &listener);
	record_get_addr(&body, &remote);
	(void)!peer_stream_accepted(replay.peer->pc, replay.now, &listener, &remote, bytes_u32(&body));
}

static void stream_input(struct bytes_reader body)
{
	uint32_t id = bytes_u32(&body);

	check_text(&body);
	peer_stream_input(replay.peer->pc, replay.now, id, body.at, body.left);
}

static void stream_closed(struct bytes_reader body)
{
	peer_stream_closed(replay.peer->pc, replay.now, bytes_u32(&body));
}

static void hold(struct bytes_reader body)
{
	peer_hold(replay.peer->pc, bytes_u8(&body) != 0);
}

static void set_interfaces(struct bytes_reader body)
{
	wlk_addr addresses[RECORD_CONFIG_ITEMS_MAX];
	size_t count = record_get_addresses(&body, addresses, ARRAY_SIZE(addresses));

	check_text(&body);
	peer_set_now(replay.peer->pc, replay.now);
	(void)!peer_set_interfaces(replay.peer->pc, addresses, count);
}

/* ---- descriptions; what they answer is compared by the failures that follow ---- */

static void close_peer(struct bytes_reader body)
{
	(void)body;
	wlk_peer_connection_close(replay.peer->pc);
}

static void create_offer(struct bytes_reader body)
{
	uint8_t given = bytes_u8(&body);
	const wlk_offer_options options = { given & READABLE ? sizeof(options) : 0, bytes_u8(&body) != 0 };
	const char *sdp;

	(void)!wlk_peer_connection_create_offer(replay.peer->pc, given & GIVEN ? &options : NULL, given & HAS_PLACE ? &sdp : NULL);
}

static void create_answer(struct bytes_reader body)
{
	const char *sdp;

	(void)!wlk_peer_connection_create_answer(replay.peer->pc, bytes_u8(&body) ? &sdp : NULL);
}

static void set_description(struct bytes_reader body)
{
	bool given = bytes_u8(&body) != 0;
	wlk_sdp_type type = (wlk_sdp_type)bytes_u32(&body);
	char *sdp = record_get_text(&body);
	const wlk_session_description description = { type, sdp };

	check_text(&body);
	if (replay.call.kind == RECORD_SET_LOCAL)
		(void)!wlk_peer_connection_set_local_description(replay.peer->pc, given ? &description : NULL);
	else
		(void)!wlk_peer_connection_set_remote_description(replay.peer->pc, given ? &description : NULL);
	wlk_free(sdp);
}

static void add_candidate(struct bytes_reader body)
{
	bool given = bytes_u8(&body) != 0;
	char *line = record_get_text(&body), *mid = record_get_text(&body), *ufrag = record_get_text(&body);
	const wlk_ice_candidate candidate = { line, mid, (int32_t)bytes_u32(&body), ufrag };

	check_text(&body);
	(void)!wlk_peer_connection_add_ice_candidate(replay.peer->pc, given ? &candidate : NULL);
	wlk_free(line);
	wlk_free(mid);
	wlk_free(ufrag);
}

static void restart_ice(struct bytes_reader body)
{
	(void)body;
	(void)!wlk_peer_connection_restart_ice(replay.peer->pc);
}

static void set_bitrate(struct bytes_reader body)
{
	wlk_bitrate_limits limits = WLK_BITRATE_LIMITS_INIT;
	bool given = bytes_u8(&body) != 0;

	limits.min_bps = bytes_u64(&body);
	limits.start_bps = bytes_u64(&body);
	limits.max_bps = bytes_u64(&body);
	(void)!wlk_peer_connection_set_bitrate(replay.peer->pc, given ? &limits : NULL);
}

static void set_configuration(struct bytes_reader body)
{
	uint8_t flags = bytes_u8(&body);
	bool readable = flags != 0;
	struct record_config config = { 0 };

	if (readable && record_get_config(&body, &config))
		replay_diverge("the configuration cannot be read");
	config.config.remote_address_filter = replay.peer->config.config.remote_address_filter;
	if (flags & 2)
		config.config.rtcp_mux_policy = WLK_RTCP_MUX_NEGOTIATE; /* refused for this as for what it was */
	(void)!wlk_peer_connection_set_configuration(replay.peer->pc, readable ? &config.config : NULL);
	if (readable)
		record_config_free(&config);
}

/* ---- channels ---- */

static wlk_data_channel *channel_of(struct bytes_reader *body)
{
	uint32_t number = bytes_u32(body);

	list_for_each(item, &replay.peer->pc->channels)
	{
		wlk_data_channel *channel = list_entry(item, wlk_data_channel, link);

		if (channel->number == number)
			return channel;
	}
	replay_diverge("there is no channel %u", (unsigned)number);
}

static void create_channel(struct bytes_reader body)
{
	char *label = record_get_text(&body), *protocol = NULL;
	uint8_t given = bytes_u8(&body), flags;
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	wlk_data_channel *channel;

	if (given & READABLE) {
		flags = bytes_u8(&body);
		init.unordered = flags & 1;
		init.has_max_retransmits = flags & 2;
		init.has_max_packet_lifetime = flags & 4;
		init.negotiated = flags & 8;
		init.has_id = flags & 16;
		init.max_retransmits = bytes_u16(&body);
		init.max_packet_lifetime_ms = bytes_u16(&body);
		init.id = bytes_u16(&body);
		init.priority = bytes_u16(&body);
		init.protocol = protocol = record_get_text(&body);
	} else {
		init.struct_size = 0;
	}
	check_text(&body);
	(void)!wlk_peer_connection_create_data_channel(replay.peer->pc, label, given & GIVEN ? &init : NULL,
						       given & HAS_PLACE ? &channel : NULL);
	wlk_free(label);
	wlk_free(protocol);
}

static void channel_send(struct bytes_reader body)
{
	wlk_data_channel *channel = channel_of(&body);
	uint8_t type = bytes_u8(&body);
	bool has_data = bytes_u8(&body) != 0;

	check_text(&body);
	(void)!wlk_data_channel_send(channel, (wlk_message_type)type, has_data ? (const void *)body.at : NULL, has_data ? body.left : 1);
}

static void channel_call(struct bytes_reader body)
{
	wlk_data_channel *channel = channel_of(&body);

	switch ((enum record_kind)replay.call.kind) {
	case RECORD_CHANNEL_CLOSE:
		wlk_data_channel_close(channel);
		break;
	case RECORD_CHANNEL_PAUSE:
		wlk_data_channel_set_paused(channel, bytes_u8(&body) != 0);
		break;
	case RECORD_CHANNEL_RELEASE:
		wlk_data_channel_release(channel);
		break;
	case RECORD_CHANNEL_LOW:
		wlk_data_channel_set_buffered_amount_low_threshold(channel, (size_t)bytes_u64(&body));
		break;
	default:
		wlk_data_channel_set_high_water_mark(channel, (size_t)bytes_u64(&body));
		break;
	}
}

/* ---- transceivers ---- */

static wlk_transceiver *find_transceiver(const struct list *among, uint32_t number)
{
	list_for_each(item, among)
	{
		wlk_transceiver *t = list_entry(item, wlk_transceiver, link);

		if (t->number == number)
			return t;
	}
	return NULL;
}

wlk_transceiver *replay_transceiver(struct bytes_reader *body)
{
	uint32_t number = bytes_u32(body);
	wlk_transceiver *t = find_transceiver(&replay.peer->pc->transceivers, number);

	if (!t)
		t = find_transceiver(&replay.peer->pc->retired, number);
	if (t)
		return t;
	replay_diverge("there is no transceiver %u", (unsigned)number);
}

/* The ids of streams of one call. */
struct ids {
	const char *at[RECORD_CONFIG_ITEMS_MAX];
	bool given;
	size_t count;
};

static void get_ids(struct bytes_reader *body, struct ids *out)
{
	*out = (struct ids){ .given = bytes_u8(body) != 0 };
	out->count = bytes_u16(body);
	if (out->count > ARRAY_SIZE(out->at))
		replay_diverge("the file is damaged: too many streams");
	for (size_t i = 0; out->given && i < out->count; i++)
		out->at[i] = record_get_text(body);
	check_text(body);
}

static void free_ids(struct ids *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		wlk_free((char *)(uintptr_t)ids->at[i]);
}

static void add_transceiver(struct bytes_reader body)
{
	wlk_media_kind kind = (wlk_media_kind)bytes_u32(&body);
	uint8_t given = bytes_u8(&body);
	wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
	char *stream_id, *track_id;
	struct record_encoding layers[WLK_RTP_ENCODINGS_MAX];
	wlk_rtp_encoding encodings[WLK_RTP_ENCODINGS_MAX];
	struct ids ids = { 0 };
	size_t layer_count = 0;
	wlk_transceiver *t;

	init.direction = (wlk_direction)bytes_u32(&body);
	init.stream_id = stream_id = record_get_text(&body);
	init.track_id = track_id = record_get_text(&body);
	check_text(&body);
	if (given & READABLE) {
		get_ids(&body, &ids);
		init.stream_ids = ids.given ? ids.at : NULL;
		init.stream_count = ids.count;
		layer_count = replay_get_encodings(&body, layers, encodings);
		init.send_encodings = layer_count ? encodings : NULL;
		init.send_encoding_count = bytes_u8(&body) ? 1 : layer_count; /* 1: without any, which is refused */
	} else {
		init.struct_size = 0;
	}
	(void)!wlk_peer_connection_add_transceiver(replay.peer->pc, kind, given & GIVEN ? &init : NULL,
						  given & HAS_PLACE ? &t : NULL);
	wlk_free(stream_id);
	wlk_free(track_id);
	free_ids(&ids);
	for (size_t i = 0; i < layer_count; i++)
		record_free_encoding(&layers[i]);
}

static void add_track(struct bytes_reader body)
{
	wlk_media_kind kind = (wlk_media_kind)bytes_u32(&body);
	bool has_place = bytes_u8(&body) & HAS_PLACE;
	char *track_id = record_get_text(&body);
	wlk_rtp_sender *sender;
	struct ids ids;

	get_ids(&body, &ids);
	(void)!wlk_peer_connection_add_track(replay.peer->pc, kind, track_id, ids.given ? ids.at : NULL, ids.count,
					     has_place ? &sender : NULL);
	wlk_free(track_id);
	free_ids(&ids);
}

static void remove_track(struct bytes_reader body)
{
	struct bytes_reader copy = body;
	bool known = bytes_u32(&copy) != UINT32_MAX;

	(void)!wlk_peer_connection_remove_track(replay.peer->pc, known ? wlk_transceiver_sender(replay_transceiver(&body)) : NULL);
}

static void replace_track(struct bytes_reader body)
{
	wlk_rtp_sender *sender = wlk_transceiver_sender(replay_transceiver(&body));
	char *track_id = record_get_text(&body);

	check_text(&body);
	(void)!wlk_rtp_sender_replace_track(sender, track_id);
	wlk_free(track_id);
}

static void set_streams(struct bytes_reader body)
{
	wlk_rtp_sender *sender = wlk_transceiver_sender(replay_transceiver(&body));
	struct ids ids;

	get_ids(&body, &ids);
	(void)!wlk_rtp_sender_set_streams(sender, ids.given ? ids.at : NULL, ids.count);
	free_ids(&ids);
}

static void stop_transceiver(struct bytes_reader body)
{
	(void)!wlk_transceiver_stop(replay_transceiver(&body));
}

static void set_direction(struct bytes_reader body)
{
	wlk_transceiver *t = replay_transceiver(&body);

	(void)!wlk_transceiver_set_direction(t, (wlk_direction)bytes_u32(&body));
}

static void send_packet(struct bytes_reader body)
{
	enum { TOO_LARGE = 4, HAS_PAYLOAD = 8, HAS_RID = 16 };
	wlk_rtp_sender *sender = wlk_transceiver_sender(replay_transceiver(&body));
	bool given = bytes_u8(&body) != 0;
	wlk_rtp_packet packet = { 0 };
	uint8_t flags;
	char *rid;

	if (!given) {
		(void)!wlk_rtp_sender_send_packet(sender, NULL);
		return;
	}
	packet.payload_type = bytes_u8(&body);
	flags = bytes_u8(&body);
	packet.marker = flags & 1;
	packet.keep_gaps = flags & 2;
	packet.timestamp = bytes_u32(&body);
	packet.sequence = bytes_u64(&body);
	packet.rid = rid = flags & HAS_RID ? record_get_text(&body) : NULL;
	check_text(&body);
	packet.payload = flags & HAS_PAYLOAD ? body.at : NULL;
	packet.payload_size = flags & TOO_LARGE ? PKTBUF_PAYLOAD + 1 : body.left; /* refused before it is looked at */
	(void)!wlk_rtp_sender_send_packet(sender, &packet);
	wlk_free(rid);
}

static void forward(struct bytes_reader body)
{
	wlk_rtp_sender *sender = wlk_transceiver_sender(replay_transceiver(&body));
	bool received = bytes_u8(&body) != 0;

	if (received && !replay.peer->pc->packet_is_lent)
		replay_diverge("a packet is sent on that was not lent");
	(void)!wlk_rtp_sender_forward(sender, received ? &replay.peer->pc->lent_rtp : NULL);
}

static void request_key_frame(struct bytes_reader body)
{
	(void)!wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(replay_transceiver(&body)));
}

static void set_level(struct bytes_reader body)
{
	wlk_rtp_receiver *receiver = wlk_transceiver_receiver(replay_transceiver(&body));
	wlk_media_level level = (wlk_media_level)bytes_u32(&body);

	if (level == PEER_LEVEL_ARRIVALS)
		(void)!peer_set_receiver_level(receiver, level);
	else
		(void)!wlk_rtp_receiver_set_level(receiver, level);
}

static void set_source_size(struct bytes_reader body)
{
	wlk_rtp_sender *sender = wlk_transceiver_sender(replay_transceiver(&body));
	uint32_t width = bytes_u32(&body);

	peer_set_source_size(sender, width, bytes_u32(&body));
}

static void send_frame(struct bytes_reader body)
{
	wlk_rtp_sender *sender = wlk_transceiver_sender(replay_transceiver(&body));
	bool readable = bytes_u8(&body) != 0;
	wlk_encoded_frame frame;
	char *rid = NULL;

	if (readable)
		record_get_frame(&body, &frame, &rid);
	check_text(&body);
	(void)!wlk_rtp_sender_send_frame(sender, readable ? &frame : NULL);
	wlk_free(rid);
}

static void refresh(struct bytes_reader body)
{
	(void)body;
	peer_refresh_now(replay.peer->pc);
}

static void start_direct(struct bytes_reader body)
{
	wlk_ice_role role = (wlk_ice_role)bytes_u32(&body);
	wlk_direct_parameters remote = WLK_DIRECT_PARAMETERS_INIT;
	wlk_direct_layer layers[PEER_DIRECT_LAYERS_MAX] = { 0 };
	char *ufrag = NULL, *password = NULL;
	const uint8_t *fingerprint;
	bool given = bytes_u8(&body) != 0;

	if (given) {
		remote.username_fragment = ufrag = record_get_text(&body);
		remote.password = password = record_get_text(&body);
		fingerprint = bytes_take(&body, sizeof(remote.fingerprint));
		if (fingerprint)
			memcpy(&remote.fingerprint, fingerprint, sizeof(remote.fingerprint));
		remote.ice_lite = bytes_u8(&body) != 0;
		remote.dtls_role = (wlk_dtls_role)bytes_u32(&body);
		remote.sctp_port = bytes_u16(&body);
		remote.max_message_size = bytes_u64(&body);
		if (bytes_u8(&body))
			remote.layers = layers;
		remote.layer_count = bytes_u32(&body);
	}
	for (size_t i = 0; remote.layers && remote.layer_count <= ARRAY_SIZE(layers) && i < remote.layer_count; i++)
		layers[i] = (wlk_direct_layer){ (size_t)bytes_u64(&body), record_get_text(&body) };
	check_text(&body);
	(void)!wlk_direct_start(replay.peer->pc, role, given ? &remote : NULL);
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++)
		wlk_free((char *)(uintptr_t)layers[i].rid);
	wlk_free(ufrag);
	wlk_free(password);
}

static void (*const calls[RECORD_ANSWERS])(struct bytes_reader body) = {
	[RECORD_PEER_NEW] = peer_new,
	[RECORD_PEER_FREE] = peer_gone,
	[RECORD_INPUT] = input,
	[RECORD_TIMEOUT] = timeout,
	[RECORD_POLL_TRANSMIT] = poll_transmit,
	[RECORD_POLL_EVENT] = poll_event,
	[RECORD_POLL_REQUEST] = poll_request,
	[RECORD_ON_REQUEST] = on_request,
	[RECORD_ON_REQUEST_FAILED] = on_request_failed,
	[RECORD_STREAM_ACCEPTED] = stream_accepted,
	[RECORD_STREAM_INPUT] = stream_input,
	[RECORD_STREAM_CLOSED] = stream_closed,
	[RECORD_HOLD] = hold,
	[RECORD_SET_INTERFACES] = set_interfaces,
	[RECORD_CLOSE] = close_peer,
	[RECORD_CREATE_OFFER] = create_offer,
	[RECORD_CREATE_ANSWER] = create_answer,
	[RECORD_SET_LOCAL] = set_description,
	[RECORD_SET_REMOTE] = set_description,
	[RECORD_ADD_CANDIDATE] = add_candidate,
	[RECORD_RESTART_ICE] = restart_ice,
	[RECORD_SET_CONFIGURATION] = set_configuration,
	[RECORD_SET_BITRATE] = set_bitrate,
	[RECORD_CREATE_CHANNEL] = create_channel,
	[RECORD_CHANNEL_SEND] = channel_send,
	[RECORD_CHANNEL_CLOSE] = channel_call,
	[RECORD_CHANNEL_PAUSE] = channel_call,
	[RECORD_CHANNEL_RELEASE] = channel_call,
	[RECORD_CHANNEL_LOW] = channel_call,
	[RECORD_CHANNEL_HIGH] = channel_call,
	[RECORD_ADD_TRANSCEIVER] = add_transceiver,
	[RECORD_SET_DIRECTION] = set_direction,
	[RECORD_SEND_PACKET] = send_packet,
	[RECORD_FORWARD] = forward,
	[RECORD_REQUEST_KEY_FRAME] = request_key_frame,
	[RECORD_ADD_TRACK] = add_track,
	[RECORD_REMOVE_TRACK] = remove_track,
	[RECORD_REPLACE_TRACK] = replace_track,
	[RECORD_SET_STREAMS] = set_streams,
	[RECORD_STOP_TRANSCEIVER] = stop_transceiver,
	[RECORD_SET_LEVEL] = set_level,
	[RECORD_SEND_FRAME] = send_frame,
	[RECORD_REFRESH] = refresh,
	[RECORD_SOURCE_SIZE] = set_source_size,
	[RECORD_START_DIRECT] = start_direct,
};

void replay_call(struct bytes_reader body)
{
	if (!replay.peer->pc && replay.call.kind != RECORD_PEER_NEW)
		replay_diverge("the connection is gone");
	if (replay_parameters_call(body))
		return;
	if (replay.call.kind >= RECORD_ANSWERS || !calls[replay.call.kind])
		replay_diverge("this release does not know such a call");
	calls[replay.call.kind](body);
}
