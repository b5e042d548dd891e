#include "peer/record_call.h"

#include "peer/demux.h"
#include "peer/object.h"

/* The time that an API function sees: peer_refresh_now() of a replay finds it on its clock. */
wlk_time record_api_time(const wlk_peer_connection *pc)
{
	return pc->env.clock ? MAX(*pc->env.clock, pc->now) : pc->now;
}

static size_t text_size(const char *text)
{
	return 4 + (text ? strlen(text) : 0);
}

/* ---- creation ---- */

static void write_creation(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_configuration *config, wlk_time now)
{
	wlk_bytes der = dtls_cert_der(pc->cert);
	struct bytes_writer *w =
		record_begin_call(rec, RECORD_PEER_NEW, now, 32 + text_size(pc->log.prefix) + der.size + record_config_size(config));

	if (!w)
		return;
	bytes_put_u64(w, (uint64_t)pc->env.unix_us_at_zero);
	bytes_put_u8(w, pc->env.clock != NULL);
	record_put_text(w, pc->log.prefix);
	record_put_bytes(w, der.data, der.size);
	record_put_config(w, rec, config);
	record_end(rec);
}

wlk_err record_peer_begin(wlk_peer_connection *pc, const wlk_configuration *config, const struct peer_env *env, wlk_time now)
{
	struct wlk_recording *rec = config->recording ? config->recording : env->recording;
	wlk_err err;

	if (!rec || rec->closed)
		return WLK_OK;
	err = record_peer_create(&pc->record, rec);
	if (err)
		return err;
	if (record_enter(pc->record))
		write_creation(rec, pc, config, now);
	return WLK_OK;
}

/* ---- verbs ---- */

/* What the answers of srtp/ and dtls/ say again in plain is left out here. */
static size_t kept_bytes(const struct pktbuf *buf)
{
	enum { DTLS_APPLICATION_DATA = 23 };

	switch (demux_classify(buf->data, buf->size)) {
	case DEMUX_RTP:
	case DEMUX_RTCP:
		return MIN(buf->size, (size_t)RECORD_KEPT_OF_MEDIA);
	case DEMUX_DTLS:
		return buf->data[0] == DTLS_APPLICATION_DATA ? (size_t)RECORD_KEPT_OF_DTLS : buf->size;
	default:
		return buf->size;
	}
}

void record_input(struct wlk_recording *rec, wlk_time now, const struct dgram *d)
{
	size_t kept = kept_bytes(d->buf);
	struct bytes_writer *w = record_begin_call(rec, RECORD_INPUT, now, 2 * RECORD_ADDR_SIZE + 10 + kept);

	if (!w)
		return;
	record_put_addr(w, &d->local);
	record_put_addr(w, &d->remote);
	record_put_time(w, d->buf->arrival);
	bytes_put_u16(w, (uint16_t)d->buf->size);
	bytes_put(w, d->buf->data, kept);
	record_end(rec);
}

void record_on_request(struct wlk_recording *rec, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *addresses, size_t count)
{
	struct bytes_writer *w;

	count = MIN(count, (size_t)RECORD_CONFIG_ITEMS_MAX);
	w = record_begin_call(rec, RECORD_ON_REQUEST, now, 10 + count * RECORD_ADDR_SIZE);
	if (!w)
		return;
	bytes_put_u32(w, id);
	bytes_put_u32(w, (uint32_t)err);
	record_put_addresses(w, addresses, count);
	record_end(rec);
}

void record_on_request_failed(struct wlk_recording *rec, wlk_time now, uint32_t id, wlk_err err, const char *why)
{
	struct bytes_writer *w = record_begin_call(rec, RECORD_ON_REQUEST_FAILED, now, 8 + text_size(why));

	if (!w)
		return;
	bytes_put_u32(w, id);
	bytes_put_u32(w, (uint32_t)err);
	record_put_text(w, why);
	record_end(rec);
}

void record_stream_accepted(struct wlk_recording *rec, wlk_time now, const wlk_addr *listener, const wlk_addr *remote, uint32_t id)
{
	struct bytes_writer *w = record_begin_call(rec, RECORD_STREAM_ACCEPTED, now, 2 * RECORD_ADDR_SIZE + 4);

	if (!w)
		return;
	record_put_addr(w, listener);
	record_put_addr(w, remote);
	bytes_put_u32(w, id);
	record_end(rec);
}

void record_stream_input(struct wlk_recording *rec, wlk_time now, uint32_t id, const uint8_t *data, size_t size)
{
	struct bytes_writer *w = record_begin_call(rec, RECORD_STREAM_INPUT, now, 4 + size);

	if (!w)
		return;
	bytes_put_u32(w, id);
	bytes_put(w, data, size);
	record_end(rec);
}

void record_stream_closed(struct wlk_recording *rec, wlk_time now, uint32_t id)
{
	struct bytes_writer *w = record_begin_call(rec, RECORD_STREAM_CLOSED, now, 4);

	if (!w)
		return;
	bytes_put_u32(w, id);
	record_end(rec);
}

void record_interfaces(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_addr *addresses, size_t count)
{
	struct bytes_writer *w;

	count = MIN(count, (size_t)RECORD_CONFIG_ITEMS_MAX);
	w = record_begin_call(rec, RECORD_SET_INTERFACES, pc->now, 2 + count * RECORD_ADDR_SIZE);
	if (!w)
		return;
	record_put_addresses(w, addresses, count);
	record_end(rec);
}

/* ---- API ---- */

static struct bytes_writer *begin_api(struct wlk_recording *rec, enum record_kind kind, const wlk_peer_connection *pc, size_t most)
{
	return record_begin_call(rec, kind, record_api_time(pc), most);
}

void record_api(struct wlk_recording *rec, enum record_kind kind, const wlk_peer_connection *pc)
{
	if (begin_api(rec, kind, pc, 0))
		record_end(rec);
}

void record_api_number(struct wlk_recording *rec, enum record_kind kind, const wlk_peer_connection *pc, uint64_t value, size_t width)
{
	struct bytes_writer *w = begin_api(rec, kind, pc, width);

	if (!w)
		return;
	bytes_put_be(w, value, width);
	record_end(rec);
}

/* A handle and a number. */
static void record_handle(struct wlk_recording *rec, enum record_kind kind, const wlk_peer_connection *pc, uint32_t number,
			  uint64_t value, size_t width)
{
	struct bytes_writer *w = begin_api(rec, kind, pc, 4 + width);

	if (!w)
		return;
	bytes_put_u32(w, number);
	bytes_put_be(w, value, width);
	record_end(rec);
}

void record_channel_call(struct wlk_recording *rec, enum record_kind kind, const wlk_data_channel *channel, uint64_t value, size_t width)
{
	record_handle(rec, kind, channel->pc, channel->number, value, width);
}

void record_transceiver_call(struct wlk_recording *rec, enum record_kind kind, const wlk_transceiver *t, uint64_t value, size_t width)
{
	record_handle(rec, kind, t->pc, t->number, value, width);
}

/* Calls that are refused for what is not given are refused again. */
static uint8_t given_flags(bool given, bool readable, bool has_place)
{
	return (uint8_t)(given | readable << 1 | has_place << 2);
}

void record_create_offer(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_offer_options *options, bool has_place)
{
	bool readable = options && options->struct_size == sizeof(*options);

	record_api_number(rec, RECORD_CREATE_OFFER, pc,
			  (uint64_t)given_flags(options != NULL, readable, has_place) << 8 | (readable && options->ice_restart), 2);
}

void record_set_description(struct wlk_recording *rec, enum record_kind kind, const wlk_peer_connection *pc,
			    const wlk_session_description *description)
{
	const char *sdp = description ? description->sdp : NULL;
	struct bytes_writer *w = begin_api(rec, kind, pc, 5 + text_size(sdp));

	if (!w)
		return;
	bytes_put_u8(w, description != NULL);
	bytes_put_u32(w, description ? (uint32_t)description->type : 0);
	record_put_sdp(w, rec, sdp);
	record_end(rec);
}

void record_add_candidate(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_ice_candidate *candidate)
{
	static const wlk_ice_candidate none;
	const wlk_ice_candidate *c = candidate ? candidate : &none;
	struct bytes_writer *w = begin_api(rec, RECORD_ADD_CANDIDATE, pc,
					   5 + text_size(c->candidate) + text_size(c->sdp_mid) + text_size(c->username_fragment));

	if (!w)
		return;
	bytes_put_u8(w, candidate != NULL);
	record_put_text(w, c->candidate);
	record_put_text(w, c->sdp_mid);
	record_put_text(w, c->username_fragment);
	bytes_put_u32(w, (uint32_t)c->sdp_mline_index);
	record_end(rec);
}

/* One that is refused for its size is written as none. */
void record_set_configuration(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_configuration *config)
{
	bool readable = config && config->struct_size == sizeof(*config);
	struct bytes_writer *w = begin_api(rec, RECORD_SET_CONFIGURATION, pc, 1 + (readable ? record_config_size(config) : 0));

	if (!w)
		return;
	bytes_put_u8(w, (uint8_t)(readable | (readable && peer_configuration_changes_unrecorded(pc, config)) << 1));
	if (readable)
		record_put_config(w, rec, config);
	record_end(rec);
}

/* The same. */
void record_set_bitrate(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_bitrate_limits *limits)
{
	bool readable = limits && limits->struct_size == sizeof(*limits);
	struct bytes_writer *w = begin_api(rec, RECORD_SET_BITRATE, pc, 25);

	if (!w)
		return;
	bytes_put_u8(w, readable);
	bytes_put_u64(w, readable ? limits->min_bps : 0);
	bytes_put_u64(w, readable ? limits->start_bps : 0);
	bytes_put_u64(w, readable ? limits->max_bps : 0);
	record_end(rec);
}

void record_create_channel(struct wlk_recording *rec, const wlk_peer_connection *pc, const char *label, const wlk_data_channel_init *init,
			   bool has_place)
{
	bool readable = init && init->struct_size == sizeof(*init);
	const char *protocol = readable ? init->protocol : NULL;
	struct bytes_writer *w = begin_api(rec, RECORD_CREATE_CHANNEL, pc, 16 + text_size(label) + text_size(protocol));

	if (!w)
		return;
	record_put_text(w, label);
	bytes_put_u8(w, given_flags(init != NULL, readable, has_place));
	if (readable) {
		bytes_put_u8(w, (uint8_t)(init->unordered | init->has_max_retransmits << 1 | init->has_max_packet_lifetime << 2 |
					  init->negotiated << 3 | init->has_id << 4));
		bytes_put_u16(w, init->max_retransmits);
		bytes_put_u16(w, init->max_packet_lifetime_ms);
		bytes_put_u16(w, init->id);
		bytes_put_u16(w, init->priority);
		record_put_text(w, protocol);
	}
	record_end(rec);
}

void record_channel_send(struct wlk_recording *rec, const wlk_data_channel *channel, wlk_message_type type, const void *data, size_t size)
{
	struct bytes_writer *w = begin_api(rec, RECORD_CHANNEL_SEND, channel->pc, 6 + (data ? size : 0));

	if (!w)
		return;
	bytes_put_u32(w, channel->number);
	bytes_put_u8(w, (uint8_t)type);
	bytes_put_u8(w, data || !size);
	bytes_put(w, data, data ? size : 0);
	record_end(rec);
}

/* A count above what a call may have is kept, without the ids: such a call is refused, or no program makes it. */
static size_t ids_size(const char *const *ids, size_t count)
{
	size_t size = 3;

	for (size_t i = 0; ids && i < MIN(count, (size_t)RECORD_CONFIG_ITEMS_MAX); i++)
		size += text_size(ids[i]);
	return size;
}

static void put_ids(struct bytes_writer *w, const char *const *ids, size_t count)
{
	count = MIN(count, (size_t)RECORD_CONFIG_ITEMS_MAX);
	bytes_put_u8(w, ids != NULL);
	bytes_put_u16(w, (uint16_t)count);
	for (size_t i = 0; ids && i < count; i++)
		record_put_text(w, ids[i]);
}

void record_add_transceiver(struct wlk_recording *rec, const wlk_peer_connection *pc, wlk_media_kind kind,
			    const wlk_transceiver_init *init, bool has_place)
{
	bool readable = init && init->struct_size == sizeof(*init);
	const char *stream_id = readable ? init->stream_id : NULL;
	const char *track_id = readable ? init->track_id : NULL;
	struct bytes_writer *w = begin_api(rec, RECORD_ADD_TRANSCEIVER, pc,
					   9 + text_size(stream_id) + text_size(track_id) +
						   (readable ? ids_size(init->stream_ids, init->stream_count) + 1 : 0) +
						   (readable ? record_encodings_size(init->send_encodings, init->send_encoding_count) : 0));

	if (!w)
		return;
	bytes_put_u32(w, (uint32_t)kind);
	bytes_put_u8(w, given_flags(init != NULL, readable, has_place));
	bytes_put_u32(w, readable ? (uint32_t)init->direction : 0);
	record_put_text(w, stream_id);
	record_put_text(w, track_id);
	if (readable) {
		put_ids(w, init->stream_ids, init->stream_count);
		record_put_encodings(w, init->send_encodings, init->send_encoding_count);
		bytes_put_u8(w, init->send_encoding_count && !init->send_encodings);
	}
	record_end(rec);
}

void record_add_track(struct wlk_recording *rec, const wlk_peer_connection *pc, wlk_media_kind kind, const char *track_id,
		      const char *const *stream_ids, size_t stream_count, bool has_place)
{
	struct bytes_writer *w =
		begin_api(rec, RECORD_ADD_TRACK, pc, 5 + text_size(track_id) + ids_size(stream_ids, stream_count));

	if (!w)
		return;
	bytes_put_u32(w, (uint32_t)kind);
	bytes_put_u8(w, given_flags(false, false, has_place));
	record_put_text(w, track_id);
	put_ids(w, stream_ids, stream_count);
	record_end(rec);
}

void record_replace_track(struct wlk_recording *rec, const wlk_transceiver *t, const char *track_id)
{
	struct bytes_writer *w = begin_api(rec, RECORD_REPLACE_TRACK, t->pc, 4 + text_size(track_id));

	if (!w)
		return;
	bytes_put_u32(w, t->number);
	record_put_text(w, track_id);
	record_end(rec);
}

void record_set_streams(struct wlk_recording *rec, const wlk_transceiver *t, const char *const *stream_ids, size_t stream_count)
{
	struct bytes_writer *w = begin_api(rec, RECORD_SET_STREAMS, t->pc, 4 + ids_size(stream_ids, stream_count));

	if (!w)
		return;
	bytes_put_u32(w, t->number);
	put_ids(w, stream_ids, stream_count);
	record_end(rec);
}

/* A packet without a payload pointer, or larger than any that is sent, is refused: its bytes are of no consequence. */
void record_send_packet(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_rtp_packet *packet)
{
	size_t kept = packet && packet->payload && packet->payload_size <= PKTBUF_PAYLOAD ? packet->payload_size : 0;
	const char *rid = packet ? packet->rid : NULL;
	struct bytes_writer *w = begin_api(rec, RECORD_SEND_PACKET, t->pc, 24 + text_size(rid) + kept);

	if (!w)
		return;
	bytes_put_u32(w, t->number);
	bytes_put_u8(w, packet != NULL);
	if (packet) {
		bytes_put_u8(w, packet->payload_type);
		bytes_put_u8(w, (uint8_t)(packet->marker | packet->keep_gaps << 1 | (kept != packet->payload_size) << 2 |
					  (packet->payload != NULL) << 3 | (rid != NULL) << 4));
		bytes_put_u32(w, packet->timestamp);
		bytes_put_u64(w, packet->sequence);
		if (rid)
			record_put_text(w, rid);
		bytes_put(w, packet->payload, kept);
	}
	record_end(rec);
}

/* One that is refused for its size is written as none. */
void record_start_direct(struct wlk_recording *rec, const wlk_peer_connection *pc, wlk_ice_role role,
			 const wlk_direct_parameters *remote)
{
	bool given = remote && remote->struct_size == sizeof(*remote);
	size_t layers = given && remote->layers && remote->layer_count <= PEER_DIRECT_LAYERS_MAX ? remote->layer_count : 0, layers_size = 0;
	struct bytes_writer *w;

	for (size_t i = 0; i < layers; i++)
		layers_size += 8 + text_size(remote->layers[i].rid);
	w = begin_api(rec, RECORD_START_DIRECT, pc,
		      5 + (given ? 37 + sizeof(remote->fingerprint) + text_size(remote->username_fragment) + text_size(remote->password) +
					   layers_size
				 : 0));
	if (!w)
		return;
	bytes_put_u32(w, (uint32_t)role);
	bytes_put_u8(w, given);
	if (given) {
		record_put_text(w, remote->username_fragment);
		record_put_secret(w, rec, remote->password);
		bytes_put(w, &remote->fingerprint, sizeof(remote->fingerprint));
		bytes_put_u8(w, remote->ice_lite);
		bytes_put_u32(w, (uint32_t)remote->dtls_role);
		bytes_put_u16(w, remote->sctp_port);
		bytes_put_u64(w, remote->max_message_size);
		bytes_put_u8(w, remote->layers != NULL);
		bytes_put_u32(w, (uint32_t)MIN(remote->layer_count, (size_t)UINT32_MAX));
	}
	for (size_t i = 0; i < layers; i++) {
		bytes_put_u64(w, remote->layers[i].transceiver);
		record_put_text(w, remote->layers[i].rid);
	}
	record_end(rec);
}
