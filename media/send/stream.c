#include "media/send/stream.h"

#include "core/rand.h"

enum {
	START_MASK = 0x7fff,
	BUDGET_START = 12000, /* ten packets before anything was sent */
	BUDGET_MAX = 250000,
	RESEND_MIN_US = 10000, /* a packet is not repeated faster than this, whatever the round trip */
	COPIES_MAX = 2,        /* of an answer: an earlier one was lost, and by each that is lost a picture waits a round trip longer */
	HIGH_LOSS = 26,        /* of 256: above 10 % more is needed */
	PAD_CHOICE = 64,       /* of the newest packets one is repeated as padding */
	EMPTY_PADDING = 224,   /* bytes; browsers send no more */
};

wlk_err send_stream_init(struct send_stream *s, uint32_t ssrc, uint32_t rtx_ssrc, bool keeps_history)
{
	uint16_t seq, rtx_seq;
	uint32_t offset;

	if (rand_u16(&seq) != WLK_OK || rand_u16(&rtx_seq) != WLK_OK || rand_u32(&offset) != WLK_OK)
		return WLK_ERR_CRYPTO;
	*s = (struct send_stream){
		.ssrc = ssrc,
		.rtx_ssrc = rtx_ssrc,
		.keeps_history = keeps_history,
		.next_seq = seq & START_MASK,
		.rtx_seq = rtx_seq & START_MASK,
		.timestamp_offset = offset,
		.budget_bytes = BUDGET_START,
		.pt = RTP_PT_NONE,
		.last_sent = WLK_TIME_NEVER,
	};
	history_init(&s->history);
	return WLK_OK;
}

void send_stream_free(struct send_stream *s)
{
	history_free(&s->history);
}

static size_t size_bound(const struct send_request *request)
{
	size_t size = RTP_HEADER_SIZE + 4 + 3 + request->payload.size;

	for (size_t i = 0; i < request->ext_count; i++)
		size += 2 + request->ext[i].data.size;
	return size;
}

wlk_err send_stream_build(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool,
			  const struct send_request *request, struct send_packet *out)
{
	size_t offsets[RTP_EXT_KINDS + 20] = { 0 };
	struct rtp_packet head = {
		.marker = request->marker,
		.pt = request->pt,
		.seq = (uint16_t)request->seq,
		.timestamp = request->timestamp,
		.ssrc = s->ssrc,
	};
	struct bytes_writer w;
	struct pktbuf *buf;

	assert(request->ext_count <= ARRAY_SIZE(offsets) && "the caller bounds the extensions");
	if (request->seq < s->next_seq || request->seq - s->next_seq > SEND_SEQ_JUMP_MAX)
		return WLK_ERR_INVALID;
	if (size_bound(request) > SEND_SIZE_MAX)
		return WLK_ERR_TOO_LARGE;
	buf = pktbuf_alloc(pool, PKTBUF_PAYLOAD);
	if (!buf)
		return WLK_ERR_NOMEM;
	w = bytes_writer(buf->data, SEND_SIZE_MAX);
	rtp_write_header(&w, &head);
	if (rtp_ext_write(&w, request->ext, request->ext_count, request->allow_two_byte, offsets))
		buf->data[0] |= 0x10;
	*out = (struct send_packet){ .buf = buf, .rtx_pt = request->rtx_pt, .header_size = (uint16_t)w.size };
	if (request->twcc_index >= 0 && offsets[request->twcc_index])
		out->twcc_offset = (uint16_t)(RTP_HEADER_SIZE + offsets[request->twcc_index]);
	if (request->time_index >= 0 && offsets[request->time_index])
		out->time_offset = (uint16_t)(RTP_HEADER_SIZE + offsets[request->time_index]);
	if (request->rid_index >= 0 && offsets[request->rid_index])
		out->rid_offset = (uint16_t)(RTP_HEADER_SIZE + offsets[request->rid_index]);
	bytes_put(&w, request->payload.data, request->payload.size);
	assert(bytes_writer_ok(&w) && "the size was checked before");
	buf->size = w.size;
	s->started = true;
	s->next_seq = request->seq + 1;
	s->pt = request->pt;
	s->clock_hz = request->clock_hz;
	s->last_timestamp = request->timestamp;
	s->last_sent = now;
	return WLK_OK;
}

void send_packet_stamp(uint8_t *packet, const struct send_packet *meta, uint16_t twcc_seq, wlk_time now)
{
	if (meta->twcc_offset)
		store_u16(packet + meta->twcc_offset, twcc_seq);
	if (meta->time_offset)
		rtp_ext_put_abs_send_time(packet + meta->time_offset, now);
}

/* At most half of what is sent may be repeated (R22). 30 % serve a path without much loss, so that a storm of NACKs
 * adds little; the whole half is for paths that report more than 10 %. */
static void earn_budget(struct send_stream *s, size_t size)
{
	bool high_loss = s->has_report && s->report.fraction_lost > HIGH_LOSS;

	s->budget_bytes = MIN(s->budget_bytes + (int64_t)size * (high_loss ? 5 : 3) / 10, BUDGET_MAX);
}

void send_stream_on_sent(struct send_stream *s, const struct send_packet *packet, size_t size, wlk_time delay_us)
{
	size_t payload = size - packet->header_size;

	s->packets++;
	s->bytes += payload;
	s->header_bytes += packet->header_size;
	if (packet->is_padding && !packet->is_rtx) {
		s->empty_packets++;
		s->empty_bytes += size;
		s->sr_packets++;
		return;
	}
	if (packet->is_padding) { /* arrives as any other packet, but nobody asked for it */
		s->rtx_sr_packets++;
		s->rtx_sr_bytes += (uint32_t)payload;
		return;
	}
	s->total_delay_us += delay_us;
	if (packet->is_rtx || packet->is_protected) {
		s->resent_packets++;
		s->resent_bytes += payload;
	} else {
		earn_budget(s, size);
	}
	if (packet->is_rtx) {
		s->rtx_sr_packets++;
		s->rtx_sr_bytes += (uint32_t)payload;
	} else {
		s->sr_packets++;
		s->sr_bytes += (uint32_t)payload;
	}
}

/*
 * RFC 8852 3: a repair packet names its stream by RepairedRtpStreamId and not by RtpStreamId. The element is renamed where it
 * stands; one whose new id does not fit the form of the block becomes padding.
 */
static void rename_rid(uint8_t *packet, const struct history_item *item, uint8_t id)
{
	bool two_byte = load_u16(packet + RTP_HEADER_SIZE) != 0xbede;
	uint8_t *data = packet + item->rid_offset;
	size_t size;

	if (!item->rid_offset)
		return;
	if (two_byte) {
		size = data[-1];
		if (id)
			data[-2] = id;
		else
			memset(data - 2, 0, size + 2);
		return;
	}
	size = (data[-1] & 0x0fu) + 1u;
	if (id && id < 15)
		data[-1] = (uint8_t)(id << 4 | (data[-1] & 0x0f));
	else
		memset(data - 1, 0, size + 1);
}

/* RFC 4588 4: the original header with our RTX numbers, then the original sequence number, then the payload. */
static struct pktbuf *wrap_rtx(struct send_stream *s, struct pktbuf_pool *pool, const struct history_item *item)
{
	struct pktbuf *buf = pktbuf_alloc(pool, PKTBUF_PAYLOAD);
	const uint8_t *from = item->buf->data;
	size_t head = item->header_size;

	if (!buf)
		return NULL;
	memcpy(buf->data, from, head);
	memcpy(buf->data + head, from + 2, 2);
	memcpy(buf->data + head + 2, from + head, item->buf->size - head);
	buf->size = item->buf->size + 2;
	buf->data[1] = (uint8_t)((from[1] & 0x80) | item->rtx_pt);
	store_u16(buf->data + 2, s->rtx_seq);
	store_u32(buf->data + 8, s->rtx_ssrc);
	rename_rid(buf->data, item, s->repaired_rid_id);
	return buf;
}

/* False: over the budget, no RTX stream any more, or no memory. */
static bool repeat(struct send_stream *s, struct pktbuf_pool *pool, const struct history_item *item, struct send_packet *out)
{
	bool as_rtx = item->rtx_pt != RTP_PT_NONE;
	struct pktbuf *buf;

	/* R20: it left before RTX was negotiated away. */
	if (as_rtx && !s->rtx_ssrc)
		return false;
	if (s->budget_bytes < (int64_t)item->buf->size + 2)
		return false;
	buf = as_rtx ? wrap_rtx(s, pool, item) : pktbuf_copy(pool, item->buf->data, item->buf->size);
	if (!buf)
		return false;
	s->rtx_seq = (uint16_t)(s->rtx_seq + as_rtx);
	s->budget_bytes -= (int64_t)buf->size;
	*out = (struct send_packet){
		.buf = buf,
		.rtx_pt = RTP_PT_NONE,
		.twcc_offset = as_rtx ? item->twcc_offset : 0,
		.time_offset = as_rtx ? item->time_offset : 0,
		.header_size = item->header_size, /* the original number is payload, for browsers too */
		.is_rtx = as_rtx,
		.is_protected = !as_rtx,
	};
	return true;
}

bool send_stream_resend(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool, uint16_t seq, wlk_time rtt_us,
			struct send_packet *out)
{
	struct history_item *item = history_find(&s->history, now, seq);
	wlk_time pause = MAX(rtt_us, RESEND_MIN_US);

	if (!item || (item->resent && now - item->resent < pause) || !repeat(s, pool, item, out)) {
		s->refused++;
		return false;
	}
	item->resent = now;
	out->copies = MIN(item->answers, COPIES_MAX);
	item->answers = (uint8_t)MIN(item->answers + 1, UINT8_MAX);
	return true;
}

bool send_stream_resend_copy(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool, uint16_t seq, struct send_packet *out)
{
	struct history_item *item = history_find(&s->history, now, seq);

	if (item && repeat(s, pool, item, out))
		return true;
	s->refused++;
	return false;
}

static struct history_item *item_for_padding(struct send_stream *s, wlk_time now)
{
	struct history_item *best = NULL;

	for (uint16_t back = 1; back <= PAD_CHOICE; back++) {
		struct history_item *item = history_find(&s->history, now, (uint16_t)(s->next_seq - back));

		if (!item || item->rtx_pt == RTP_PT_NONE)
			continue;
		if (!best || item->resent < best->resent || (item->resent == best->resent && item->buf->size > best->buf->size))
			best = item;
	}
	return best;
}

bool send_stream_pad(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool, struct send_packet *out)
{
	struct history_item *item = s->rtx_ssrc ? item_for_padding(s, now) : NULL;
	struct pktbuf *buf = item ? wrap_rtx(s, pool, item) : NULL;

	if (!buf)
		return false;
	s->rtx_seq++;
	item->resent = now;
	*out = (struct send_packet){
		.buf = buf,
		.rtx_pt = RTP_PT_NONE,
		.twcc_offset = item->twcc_offset,
		.time_offset = item->time_offset,
		.header_size = item->header_size,
		.is_rtx = true,
		.is_padding = true,
	};
	return true;
}

bool send_stream_pad_empty(struct send_stream *s, wlk_time now, struct pktbuf_pool *pool, const struct send_request *request,
			   struct send_packet *out)
{
	struct send_request empty = *request;
	wlk_time last_sent = s->last_sent;
	uint8_t *data;

	empty.seq = s->next_seq;
	empty.timestamp = s->last_timestamp;
	empty.pt = s->pt;
	empty.clock_hz = s->clock_hz;
	empty.rtx_pt = RTP_PT_NONE;
	empty.marker = false;
	empty.payload = (wlk_bytes){ NULL, 0 };
	if (!s->started || send_stream_build(s, now, pool, &empty, out) != WLK_OK)
		return false;
	s->last_sent = last_sent; /* the moment of the time that it has */
	data = out->buf->data + out->buf->size;
	memset(data, 0, EMPTY_PADDING - 1);
	data[EMPTY_PADDING - 1] = EMPTY_PADDING;
	out->buf->data[0] |= 0x20;
	out->buf->size += EMPTY_PADDING;
	out->header_size = (uint16_t)out->buf->size; /* webrtc-stats counts padding with headers */
	out->is_padding = true;
	return true;
}

bool send_stream_sender_info(const struct send_stream *s, wlk_time now, int64_t unix_us, struct rtcp_sender_info *out)
{
	if (!s->started)
		return false;
	/* RFC 3550 6.4.1: the RTP time of the same instant as the NTP time, not of the last packet. */
	uint64_t since = (uint64_t)(now - s->last_sent);
	uint32_t ticks = (uint32_t)(since / 1000000 * s->clock_hz + since % 1000000 * s->clock_hz / 1000000);

	*out = (struct rtcp_sender_info){
		.ntp = time_to_ntp(unix_us),
		.rtp_timestamp = s->last_timestamp + ticks,
		.packets = s->sr_packets,
		.bytes = s->sr_bytes,
	};
	return true;
}

wlk_time rtcp_round_trip(uint32_t ntp_mid_now, uint32_t lsr, uint32_t dlsr)
{
	uint32_t rtt = ntp_mid_now - lsr - dlsr;

	/* Above 2^31 the sum is negative: clocks tick differently on a path of no delay. Above 60 s it is nonsense. */
	if (!lsr || rtt > 60u * 65536)
		return lsr && rtt > 0x80000000u ? 1 : 0;
	return MAX((wlk_time)rtt * 1000000 / 65536, 1);
}

wlk_time send_stream_on_report(struct send_stream *s, wlk_time now, uint32_t ntp_mid,
			       const struct rtcp_report_block *block)
{
	wlk_time rtt = rtcp_round_trip(ntp_mid, block->lsr, block->dlsr);

	s->has_report = true;
	s->report = *block;
	s->report_arrival = now;
	s->report_count++;
	if (rtt) {
		s->rtt_us = rtt;
		s->total_rtt_us += rtt;
		s->rtt_count++;
	}
	return rtt;
}
