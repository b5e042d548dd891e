#include "media/engine_internal.h"

enum { OWN_EXT_MAX = 4, FORWARD_JUMP_MAX = 3000, RESEND_WAIT_US = 100000 };

static struct pacer_item pacer_item(struct send_layer *l, wlk_time now, const struct send_packet *packet)
{
	return (struct pacer_item){
		.buf = packet->buf,
		.owner = &l->stream,
		.queued = now,
		.rtx_pt = packet->rtx_pt,
		.is_rtx = packet->is_rtx,
		.is_padding = packet->is_padding,
		.is_protected = packet->is_protected,
		.twcc_offset = packet->twcc_offset,
		.time_offset = packet->time_offset,
		.rid_offset = packet->rid_offset,
		.header_size = packet->header_size,
	};
}

static wlk_err push(struct media_engine *e, struct media_section *s, struct send_layer *l, wlk_time now,
		    enum pacer_class prio, const struct send_packet *packet)
{
	struct pacer_item item = pacer_item(l, now, packet);
	wlk_err err = pacer_push(&e->pacer, now, s->kind == MEDIA_AUDIO ? PACER_AUDIO : prio, &item);

	if (err)
		pktbuf_release(packet->buf);
	return err;
}

static bool has_room_to_resend(const struct media_engine *e)
{
	return !pacer_is_full(&e->pacer) && pacer_wait(&e->pacer, PACER_RETRANSMISSION) < RESEND_WAIT_US;
}

void engine_push_resend(struct media_engine *e, struct media_section *s, struct send_layer *l, wlk_time now,
			const uint16_t *seqs, size_t count)
{
	uint8_t copies[RTCP_NACK_MAX] = { 0 }, most = 0;
	struct send_packet packet;

	assert(count <= RTCP_NACK_MAX && "one message asks");
	/* What would wait for long is asked for again, if it is still wanted then. Not sent: the same. */
	for (size_t i = 0; i < count && has_room_to_resend(e); i++) {
		if (!send_stream_resend(&l->stream, now, e->pool, seqs[i], e->rtt_us, &packet))
			continue;
		copies[i] = packet.copies;
		most = MAX(most, packet.copies);
		(void)push(e, s, l, now, PACER_RETRANSMISSION, &packet);
	}
	/* Behind the others: losses come close together. */
	for (uint8_t round = 0; round < most; round++)
		for (size_t i = 0; i < count && has_room_to_resend(e); i++)
			if (copies[i] > round && send_stream_resend_copy(&l->stream, now, e->pool, seqs[i], &packet))
				(void)push(e, s, l, now, PACER_RETRANSMISSION, &packet);
}

/* Our own elements in front of the caller's: mid and rid, and places for the two stamps. */
static size_t own_ext(const struct media_section *s, const struct send_layer *l, struct rtp_ext *items,
		      struct send_request *request)
{
	static const uint8_t zeros[3];
	const uint8_t *id = s->send_ext.id;
	size_t count = 0;

	request->twcc_index = request->time_index = request->rid_index = -1;
	if (id[RTP_EXT_MID] && s->mid[0])
		items[count++] = (struct rtp_ext){ id[RTP_EXT_MID], { (const uint8_t *)s->mid, strlen(s->mid) } };
	if (id[RTP_EXT_RID] && l->rid[0]) {
		request->rid_index = (int)count;
		items[count++] = (struct rtp_ext){ id[RTP_EXT_RID], { (const uint8_t *)l->rid, strlen(l->rid) } };
	}
	if (id[RTP_EXT_TRANSPORT_CC]) {
		request->twcc_index = (int)count;
		items[count++] = (struct rtp_ext){ id[RTP_EXT_TRANSPORT_CC], { zeros, 2 } };
	}
	if (id[RTP_EXT_ABS_SEND_TIME]) {
		request->time_index = (int)count;
		items[count++] = (struct rtp_ext){ id[RTP_EXT_ABS_SEND_TIME], { zeros, 3 } };
	}
	return count;
}

static bool make_padding(struct media_engine *e, struct media_section *s, struct send_layer *l, wlk_time now, struct send_packet *out)
{
	struct rtp_ext items[OWN_EXT_MAX];
	struct send_request request = { .ext = items, .allow_two_byte = s->extmap_allow_mixed };

	if (l->stream.rtx_ssrc)
		return send_stream_pad(&l->stream, now, e->pool, out);
	if (!engine_may_send_empty(l) || l->stream.frames.picture_is_open)
		return false;
	request.ext_count = own_ext(s, l, items, &request);
	return send_stream_pad_empty(&l->stream, now, e->pool, &request, out);
}

bool engine_push_padding(struct media_engine *e, struct media_section *s, struct send_layer *l, wlk_time now)
{
	struct send_packet packet;

	/* Nothing waits, so it keeps its place in the numbering. */
	return !pacer_is_full(&e->pacer) && make_padding(e, s, l, now, &packet) && push(e, s, l, now, PACER_PADDING, &packet) == WLK_OK;
}

wlk_err engine_send_numbered(struct media_engine *e, wlk_time now, struct media_section *s, struct send_layer *l,
			     const struct media_payload *payload, const struct rtp_send *packet, int64_t seq,
			     uint32_t timestamp)
{
	struct rtp_ext items[OWN_EXT_MAX + MEDIA_EXT_ITEMS_MAX];
	bool uses_rtx = l->stream.rtx_ssrc && payload->send_rtx_pt != RTP_PT_NONE;
	struct send_request request = {
		.seq = seq,
		.timestamp = timestamp,
		.pt = payload->send_pt,
		.rtx_pt = uses_rtx ? payload->send_rtx_pt : RTP_PT_NONE,
		.clock_hz = payload->clock_hz,
		.marker = packet->marker,
		.payload = packet->payload,
		.ext = items,
		.allow_two_byte = s->extmap_allow_mixed,
	};
	struct send_packet out;
	wlk_err err;

	request.ext_count = own_ext(s, l, items, &request);
	for (size_t i = 0; i < packet->ext_count; i++)
		items[request.ext_count++] = packet->ext[i];
	if (pacer_is_full(&e->pacer))
		return WLK_ERR_AGAIN;
	err = send_stream_build(&l->stream, now, e->pool, &request, &out);
	if (err)
		return err;
	section_activate(e, s, now);
	/* Only memory can be short here; the number is used up, so that to the receiver the packet is lost. */
	return push(e, s, l, now, PACER_VIDEO, &out);
}

wlk_err engine_find_sending(struct media_engine *e, size_t section, size_t layer, struct media_section **s,
			    struct send_layer **l)
{
	if (section >= e->section_count)
		return WLK_ERR_NOT_FOUND;
	if (e->closed || !e->sections[section]->send)
		return WLK_ERR_STATE;
	*s = e->sections[section];
	if (layer >= (*s)->layer_count)
		return WLK_ERR_NOT_FOUND;
	*l = (*s)->layers[layer];
	return (*l)->active ? WLK_OK : WLK_ERR_STATE;
}

wlk_err media_engine_set_layer_active(struct media_engine *e, size_t section, size_t layer, bool active)
{
	struct send_layer *l;

	if (section >= e->section_count || layer >= e->sections[section]->layer_count)
		return WLK_ERR_NOT_FOUND;
	l = e->sections[section]->layers[layer];
	l->active = active;
	if (active)
		return WLK_OK;
	pacer_forget(&e->pacer, &l->stream);
	l->key_frame_event = false;
	l->key_frame_event_due = WLK_TIME_NEVER;
	return WLK_OK;
}

static bool ext_items_valid(const struct media_section *s, const struct rtp_send *packet)
{
	if (packet->ext_count > MEDIA_EXT_ITEMS_MAX)
		return false;
	for (size_t i = 0; i < packet->ext_count; i++)
		for (size_t kind = 0; kind < RTP_EXT_KINDS; kind++)
			if (!rtp_ext_is_end_to_end((enum rtp_ext_kind)kind) && s->send_ext.id[kind] &&
			    s->send_ext.id[kind] == packet->ext[i].id)
				return false;
	return true;
}

wlk_err media_engine_send_rtp(struct media_engine *e, wlk_time now, size_t section, const struct rtp_send *packet)
{
	const struct media_payload *payload;
	struct media_section *s = NULL;
	struct send_layer *l = NULL;
	struct send_stream *out;
	int64_t seq, base;
	wlk_err err = engine_find_sending(e, section, packet->layer, &s, &l);

	if (err)
		return err;
	out = &l->stream;
	payload = section_payload_by_send_pt(s, packet->pt);
	if (!payload)
		return WLK_ERR_NOT_FOUND;
	if (!ext_items_valid(s, packet))
		return WLK_ERR_INVALID;
	if (packet->seq != MEDIA_SEQ_NEXT && (packet->seq > INT64_MAX / 2 || packet->seq < INT64_MIN / 2))
		return WLK_ERR_INVALID;
	base = out->has_caller_base || packet->seq == MEDIA_SEQ_NEXT ? out->caller_base : out->next_seq - packet->seq;
	seq = packet->seq == MEDIA_SEQ_NEXT ? out->next_seq : packet->seq + base;
	err = engine_send_numbered(e, now, s, l, payload, packet, seq, packet->timestamp + out->timestamp_offset);
	if (!err && packet->seq != MEDIA_SEQ_NEXT) {
		out->caller_base = base;
		out->has_caller_base = true;
	}
	return err;
}

/* ---- forwarding ---- */

/* Where a source packet goes in our numbering. A new source goes on behind the last packet of the old one. */
static struct forward_map map_source(const struct send_layer *l, wlk_time now, const struct media_packet *packet,
				     uint32_t clock_hz)
{
	struct forward_map map = l->forward;
	int64_t ahead = packet->forward_seq - map.last_source_seq;
	const struct send_stream *out = &l->stream;
	uint32_t timestamp;

	if (map.started && map.source_ssrc == packet->rtp.ssrc && !packet->after_reset && ahead > 0 &&
	    ahead <= FORWARD_JUMP_MAX)
		return map;
	timestamp = packet->rtp.timestamp + out->timestamp_offset;
	if (out->started) {
		wlk_time passed = MIN(MAX(now - out->last_sent, 0), 3600 * SECOND);

		timestamp = out->last_timestamp + MAX((uint32_t)((uint64_t)passed * clock_hz / 1000000), 1);
	}
	map.started = true;
	map.source_ssrc = packet->rtp.ssrc;
	map.seq_offset = out->next_seq - packet->forward_seq;
	map.timestamp_offset = timestamp - packet->rtp.timestamp;
	return map;
}

static size_t copy_ext(const struct media_section *s, const struct media_packet *packet, struct rtp_ext *items)
{
	struct rtp_ext_iter iter = rtp_ext_iter(&packet->rtp);
	struct rtp_ext ext;
	size_t count = 0;

	while (count < RTP_EXT_KINDS && rtp_ext_next(&iter, &ext)) {
		for (size_t kind = 0; kind < RTP_EXT_KINDS; kind++) {
			if (packet->ext_ids.id[kind] != ext.id || !rtp_ext_is_end_to_end((enum rtp_ext_kind)kind))
				continue;
			if (s->send_ext.id[kind])
				items[count++] = (struct rtp_ext){ s->send_ext.id[kind], ext.data };
			break;
		}
	}
	return count;
}

wlk_err media_engine_forward(struct media_engine *e, wlk_time now, const struct media_packet *packet, size_t section,
			     size_t layer)
{
	struct rtp_ext items[RTP_EXT_KINDS];
	const struct media_payload *payload;
	struct media_section *s = NULL;
	struct send_layer *l = NULL;
	struct forward_map map;
	struct rtp_send send;
	bool is_rtx = false;
	wlk_err err = engine_find_sending(e, section, layer, &s, &l);

	if (err)
		return err;
	payload = section_payload_by_recv_pt(s, packet->rtp.pt, &is_rtx);
	if (!payload || is_rtx || payload->send_pt == RTP_PT_NONE)
		return WLK_ERR_NOT_FOUND;
	send = (struct rtp_send){
		.marker = packet->rtp.marker,
		.payload = packet->rtp.payload,
		.ext = items,
		.ext_count = copy_ext(s, packet, items),
	};
	map = map_source(l, now, packet, payload->clock_hz);
	err = engine_send_numbered(e, now, s, l, payload, &send, packet->forward_seq + map.seq_offset,
			    packet->rtp.timestamp + map.timestamp_offset);
	if (err)
		return err;
	map.last_source_seq = packet->forward_seq;
	l->forward = map;
	return WLK_OK;
}

/* ---- pacer to wire ---- */

/*
 * What leaves is encrypted in place, so a packet that may be asked for again is copied first: the history keeps the
 * plaintext for RTX. Without RTX it keeps the ciphertext, from media_engine_on_protected(). It is the copy that is kept: the
 * memory of what leaves is in the cache, and stays there for the next packet.
 */
static void keep_for_rtx(struct media_engine *e, struct send_stream *out, const struct pacer_item *item, wlk_time now)
{
	history_copy(&out->history, e->pool, now, item->buf,
		     &(struct history_item){
			     .seq = load_u16(item->buf->data + 2),
			     .rtx_pt = item->rtx_pt,
			     .twcc_offset = item->twcc_offset,
			     .time_offset = item->time_offset,
			     .rid_offset = item->rid_offset,
			     .header_size = item->header_size,
			     .sent = now,
		     });
}

static void stamp_and_count(struct media_engine *e, const struct pacer_item *item, wlk_time now)
{
	struct send_packet meta = {
		.twcc_offset = item->twcc_offset,
		.time_offset = item->time_offset,
		.header_size = item->header_size,
		.is_rtx = item->is_rtx,
		.is_padding = item->is_padding,
		.is_protected = item->is_protected,
	};

	send_packet_stamp(item->buf->data, &meta, sent_history_next(&e->gcc.sent), now);
	engine_cc_on_sent(e, now, item);
	send_stream_on_sent(item->owner, &meta, item->buf->size, now - item->queued);
}

bool media_engine_poll_transmit(struct media_engine *e, wlk_time now, struct media_transmit *out)
{
	struct pacer_item item;
	struct send_stream *stream;
	struct pktbuf *report;

	if (!e->rtcp_head && engine_rtcp_deadline(e) <= now)
		engine_rtcp_build(e, now);
	report = engine_rtcp_pop(e);
	if (report) {
		*out = (struct media_transmit){ .buf = report, .kind = MEDIA_TRANSMIT_RTCP };
		return true;
	}
	if (e->closed)
		return false;
	engine_cc_before_pop(e, now);
	if (!pacer_pop(&e->pacer, now, &item))
		return false;
	stream = item.owner;
	if (stream->keeps_history && item.rtx_pt != RTP_PT_NONE)
		keep_for_rtx(e, stream, &item, now);
	stamp_and_count(e, &item, now);
	*out = (struct media_transmit){
		.buf = item.buf,
		.kind = item.is_protected ? MEDIA_TRANSMIT_PROTECTED_RTP : MEDIA_TRANSMIT_RTP,
		.keep_protected =
			stream->keeps_history && item.rtx_pt == RTP_PT_NONE && !item.is_rtx && !item.is_protected,
		.ssrc = load_u32(item.buf->data + 8),
		.seq = load_u16(item.buf->data + 2),
		.sent = now,
		.header_size = item.header_size,
	};
	return true;
}

void media_engine_on_protected(struct media_engine *e, const struct media_transmit *tx)
{
	struct send_layer *l = tx->keep_protected ? engine_layer_of_ssrc(e, tx->ssrc, NULL) : NULL;
	struct pktbuf *copy;

	if (!l)
		return;
	copy = pktbuf_slice(tx->buf, 0, tx->buf->size);
	if (!copy)
		return;
	history_put(&l->stream.history, tx->sent,
		    &(struct history_item){
			    .buf = copy,
			    .seq = tx->seq,
			    .rtx_pt = RTP_PT_NONE,
			    .header_size = tx->header_size,
			    .sent = tx->sent,
		    });
}
