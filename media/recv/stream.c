#include "media/recv/stream.h"

enum { SR_OVERTAKEN_S = 2, HOLD_MAX_US = 600000, KEY_SKIP_US = 150000 };

wlk_err recv_queue_init(struct recv_queue *q)
{
	q->drops = 0;
	q->frame_budget = (struct frame_budget){ 0 };
	return event_queue_init(&q->items, sizeof(struct recv_item), 64);
}

bool recv_queue_pop(struct recv_queue *q, struct recv_item *out)
{
	return event_queue_pop(&q->items, out);
}

const struct recv_item *recv_queue_head(const struct recv_queue *q)
{
	return event_queue_count(&q->items) ? (const void *)(q->items.items + q->items.first * q->items.item_size) : NULL;
}

static void release_item(struct recv_queue *q, const struct recv_item *item)
{
	if (item->buf)
		pktbuf_release(item->buf);
	recv_frame_free(item->frame, &q->frame_budget);
}

void recv_queue_free(struct recv_queue *q)
{
	struct recv_item item;

	while (recv_queue_pop(q, &item))
		release_item(q, &item);
	event_queue_free(&q->items);
}

void recv_queue_forget(struct recv_queue *q, const struct recv_stream *stream)
{
	struct recv_item item;

	for (size_t left = event_queue_count(&q->items); left && recv_queue_pop(q, &item); left--) {
		/* The place it came from is free, so pushing it back needs no memory. */
		if (item.stream == stream || event_queue_push(&q->items, &item) != WLK_OK)
			release_item(q, &item);
	}
}

static bool queue_push(struct recv_queue *q, const struct recv_item *item)
{
	if (event_queue_count(&q->items) < RECV_QUEUE_MAX && event_queue_push(&q->items, item) == WLK_OK)
		return true;
	q->drops++;
	return false;
}

wlk_time recv_stream_hold_time(const struct recv_stream_config *config, wlk_time rtt_us)
{
	if (!config->is_video)
		return 60 * MILLISECOND;
	if (!config->use_nack)
		return 50 * MILLISECOND;
	/*
	 * Room for several requests, since the answers get lost as well. A key frame, which is asked for meanwhile, ends the wait
	 * when it is there first.
	 */
	return MIN(4 * (rtt_us ? rtt_us : NACK_RTT_DEFAULT_US) + 100 * MILLISECOND, HOLD_MAX_US);
}

void recv_stream_init(struct recv_stream *s, const struct recv_stream_config *config)
{
	*s = (struct recv_stream){ .config = *config, .pt = RTP_PT_NONE, .last_packet = WLK_TIME_NEVER };
	source_init(&s->source);
	source_init(&s->rtx_source);
	nack_list_init(&s->nacks);
	reorder_init(&s->order, recv_stream_hold_time(config, 0));
	s->order.all = config->held;
	frame_buffer_init(&s->frames, config->frame_budget);
}

void recv_stream_free(struct recv_stream *s)
{
	nack_list_free(&s->nacks);
	reorder_free(&s->order);
	frame_buffer_free(&s->frames);
}

void recv_stream_reconfigure(struct recv_stream *s, const struct recv_stream_config *config)
{
	assert(s->config.ssrc == config->ssrc && "a stream is its SSRC");
	if (!config->frame_budget != !s->config.frame_budget) {
		struct frame_buffer_stats stats = s->frames.stats;

		frame_buffer_free(&s->frames);
		frame_buffer_init(&s->frames, config->frame_budget);
		s->frames.stats = stats; /* counters only grow */
	}
	s->config = *config;
	if (!config->use_nack)
		nack_list_clear(&s->nacks);
}

/* What a frame goes through on its way into the queue. */
struct frame_passage {
	struct recv_stream *stream;
	struct recv_queue *queue;
};

static bool queue_frame(void *user, struct recv_frame *frame)
{
	const struct frame_passage *passage = user;

	return queue_push(passage->queue, &(struct recv_item){
						  .frame = frame,
						  .stream = passage->stream,
						  .seq = frame->last_seq,
						  .arrival = frame->last_arrival,
						  .is_recovered = frame->is_recovered,
					  });
}

/* Into the frame that it belongs to. */
static void deliver_to_frame(struct recv_stream *s, const struct reorder_out *packet, const struct rtp_packet *p,
			     struct recv_queue *out)
{
	struct frame_passage passage = { s, out };

	frame_buffer_input(&s->frames,
			   &(struct frame_packet){
				   .rtp = p,
				   .seq = packet->seq - s->padding_cut,
				   .now = packet->arrival,
				   .is_recovered = packet->is_recovered,
				   .after_reset = s->after_reset,
				   .codecs = s->config.codecs,
				   .ext = s->config.ext,
			   },
			   queue_frame, &passage);
	s->after_reset = false;
	s->needs_key_frame = s->needs_key_frame || s->frames.wants_key_frame;
	s->frames.wants_key_frame = false;
	pktbuf_release(packet->buf);
}

static bool makes_frames(const struct recv_stream *s, uint8_t pt)
{
	return s->config.frame_budget && rtp_codec_has_frames((enum rtp_codec)s->config.codecs[pt & 0x7f]);
}

/*
 * Hand one packet out, unless it is only padding: that vanishes from the numbering as well. |p| is what stands in it; NULL: it
 * was not looked at since it came.
 */
static void deliver(struct recv_stream *s, const struct reorder_out *packet, const struct rtp_packet *p, struct recv_queue *out)
{
	struct rtp_packet own = { 0 };

	if (!p && rtp_parse(&own, packet->buf->data, packet->buf->size) == WLK_OK)
		p = &own;
	if (!p || !p->payload.size) {
		s->padding_cut++;
		s->padding_only++;
		pktbuf_release(packet->buf);
		return;
	}
	if (makes_frames(s, p->pt)) {
		deliver_to_frame(s, packet, p, out);
		return;
	}
	if (!queue_push(out, &(struct recv_item){
				.buf = packet->buf,
				.stream = s,
				.seq = packet->seq,
				.forward_seq = packet->seq - s->padding_cut,
				.arrival = packet->arrival,
				.is_recovered = packet->is_recovered,
				.after_reset = s->after_reset,
			}))
		pktbuf_release(packet->buf);
	s->after_reset = false;
}

/* Something will not come. Whether that needs a key frame the frame buffer knows better, if it is asked. */
static void lose(struct recv_stream *s)
{
	s->needs_key_frame = s->needs_key_frame || (s->config.is_video && !s->config.frame_budget);
}

/* Go on behind a hole: nobody waits for it any more. */
static void give_up_hole(struct recv_stream *s)
{
	nack_list_forget_before(&s->nacks, s->order.next);
	s->nacks.gave_up = false;
	lose(s);
}

static void drain(struct recv_stream *s, wlk_time now, struct recv_queue *out)
{
	struct reorder_out packet;

	for (;;) {
		bool overdue = s->order.deadline <= now;

		if (reorder_pop(&s->order, &packet, false)) {
			deliver(s, &packet, NULL, out);
		} else if (overdue && reorder_pop(&s->order, &packet, true)) {
			give_up_hole(s);
			deliver(s, &packet, NULL, out);
		} else {
			return;
		}
	}
}

static void make_room(struct recv_stream *s, wlk_time now, int64_t seq, struct recv_queue *out)
{
	struct reorder_out packet;
	bool full = seq > s->order.next && reorder_is_full(&s->order);

	if (!full && !reorder_is_far(&s->order, seq))
		return;
	if (full && reorder_pop(&s->order, &packet, true))
		deliver(s, &packet, NULL, out);
	while (reorder_is_far(&s->order, seq) && reorder_pop(&s->order, &packet, true))
		deliver(s, &packet, NULL, out);
	if (reorder_is_far(&s->order, seq))
		reorder_skip_to(&s->order, seq);
	give_up_hole(s);
	drain(s, now, out); /* what stands right behind the hole */
}

/* Held packets get memory of their own: a slice would keep the whole receive slab alive (R25). */
static struct pktbuf *own_copy(struct pktbuf *buf)
{
	struct pktbuf *copy;

	if (!buf->slab)
		return buf;
	copy = pktbuf_copy(buf->pool, buf->data, buf->size);
	if (copy)
		pktbuf_release(buf);
	return copy ? copy : buf;
}

/* Go on at the key frame that is whole behind the hole. What is in front of it may still be shown, but asks for no other one. */
static void skip_to_key_frame(struct recv_stream *s, wlk_time now, struct recv_queue *out)
{
	bool needed = s->needs_key_frame;
	wlk_time asked = s->frames.asked;
	struct reorder_out packet;

	while (s->order.next <= s->key.first && reorder_pop(&s->order, &packet, true))
		deliver(s, &packet, NULL, out);
	give_up_hole(s);
	drain(s, now, out);
	s->key = (struct key_ahead){ 0 };
	s->frames.asked = asked;
	s->needs_key_frame = needed;
}

static void look_for_key_frame(struct recv_stream *s, wlk_time now, const struct pktbuf *buf, int64_t seq, struct recv_queue *out)
{
	struct rtp_packet p;

	if (!s->config.frame_budget || !s->config.is_video || rtp_parse(&p, buf->data, buf->size) != WLK_OK || !p.payload.size)
		return;
	key_ahead_note(&s->key, seq, &p, (enum rtp_codec)s->config.codecs[p.pt & 0x7f]);
	/* What only overtook something, or may be mended by the first request, is waited for all the same. */
	if (key_ahead_is_whole(&s->key, &s->order) && now - (s->order.deadline - s->order.hold_us) >= KEY_SKIP_US)
		skip_to_key_frame(s, now, out);
}

static void order(struct recv_stream *s, wlk_time now, struct pktbuf *buf, const struct rtp_packet *p, int64_t seq,
		  bool is_recovered, struct recv_queue *out)
{
	struct reorder_out packet = { buf, seq, now, is_recovered };

	if (!s->config.in_order && !s->config.frame_budget) {
		deliver(s, &packet, p, out);
		return;
	}
	make_room(s, now, seq, out);
	if (s->order.started && seq > s->order.next)
		buf = packet.buf = own_copy(buf);
	switch (reorder_put(&s->order, seq, buf, now, is_recovered)) {
	case REORDER_NEXT:
		deliver(s, &packet, p, out);
		drain(s, now, out);
		break;
	case REORDER_HELD:
		look_for_key_frame(s, now, buf, seq, out);
		break;
	case REORDER_LATE:
		s->discarded++;
		pktbuf_release(buf);
		break;
	case REORDER_NOMEM:
		out->drops++;
		pktbuf_release(buf);
		break;
	}
}

void recv_stream_input(struct recv_stream *s, wlk_time now, struct pktbuf *buf, const struct rtp_packet *p,
		       uint32_t clock_hz, wlk_time rtt_us, struct recv_queue *out)
{
	bool started = s->source.started, is_recovered = false;
	int64_t previous = s->source.extended, seq = 0;
	enum source_verdict verdict = source_on_packet(&s->source, p->seq, &seq);

	if (verdict == SOURCE_JUMP_DROP) {
		s->discarded++;
		pktbuf_release(buf);
		return;
	}
	s->pt = p->pt;
	s->clock_hz = clock_hz;
	s->last_packet = now;
	s->bytes += p->payload.size;
	s->header_bytes += p->header_size + p->padding;
	s->order.hold_us = recv_stream_hold_time(&s->config, rtt_us);
	if (verdict == SOURCE_NEW)
		nack_list_on_packet(&s->nacks);
	if (verdict == SOURCE_RESET) {
		nack_list_clear(&s->nacks);
		reorder_reset(&s->order);
		s->key = (struct key_ahead){ 0 };
		s->after_reset = true;
		lose(s);
	} else if (verdict == SOURCE_NEW && started && s->config.use_nack) {
		nack_list_add(&s->nacks, previous + 1, seq - 1, now);
	} else if (verdict == SOURCE_OLD) {
		is_recovered = nack_list_remove(&s->nacks, seq);
		s->recovered += is_recovered;
	}
	if (!is_recovered)
		source_on_timing(&s->source, p->timestamp, now, clock_hz);
	order(s, now, buf, p, seq, is_recovered, out);
}

/* RFC 4588 4: the payload begins with the original sequence number. The header moves up over it. */
bool rtx_unwrap(struct pktbuf *buf, const struct rtp_packet *p, uint32_t ssrc, uint8_t pt, uint16_t *original_seq)
{
	uint8_t *data;

	if (p->payload.size < 2)
		return false;
	*original_seq = load_u16(p->payload.data);
	memmove(buf->data + 2, buf->data, p->header_size);
	buf->data += 2;
	buf->size -= 2;
	data = buf->data;
	data[1] = (uint8_t)((data[1] & 0x80) | pt);
	store_u16(data + 2, *original_seq);
	store_u32(data + 8, ssrc);
	return true;
}

/* A sender probes its path with what it has sent already. */
static bool is_not_missing(const struct recv_stream *s, const struct rtp_packet *p)
{
	int32_t ahead = seq16_diff(load_u16(p->payload.data), s->source.max_seq);

	return s->config.use_nack && s->source.started && ahead <= 0 && ahead > -SOURCE_MAX_MISORDER &&
	       !nack_list_has(&s->nacks, s->source.extended + ahead);
}

void recv_stream_input_rtx(struct recv_stream *s, wlk_time now, struct pktbuf *buf, const struct rtp_packet *p,
			   uint8_t primary_pt, wlk_time rtt_us, struct recv_queue *out)
{
	int64_t ignored, seq;
	uint16_t original;
	int32_t ahead;

	if (source_on_packet(&s->rtx_source, p->seq, &ignored) == SOURCE_JUMP_DROP)
		goto discard;
	s->rtx_packets++;
	s->rtx_bytes += p->payload.size;
	s->header_bytes += p->header_size + p->padding;
	if (p->payload.size < 2 || is_not_missing(s, p)) {
		s->padding_only++;
		pktbuf_release(buf);
		return;
	}
	if (!s->source.started || !rtx_unwrap(buf, p, s->config.ssrc, primary_pt, &original))
		goto discard;
	ahead = seq16_diff(original, s->source.max_seq);
	if (ahead <= -SOURCE_MAX_MISORDER || ahead >= REORDER_MAX)
		goto discard;
	seq = s->source.extended + ahead;
	nack_list_remove(&s->nacks, seq);
	s->order.hold_us = recv_stream_hold_time(&s->config, rtt_us);
	s->recovered++;
	order(s, now, buf, NULL, seq, true, out);
	return;
discard:
	s->discarded++;
	pktbuf_release(buf);
}

void recv_stream_handle_timeout(struct recv_stream *s, wlk_time now, struct recv_queue *out)
{
	if (s->order.deadline <= now)
		drain(s, now, out);
}

/* How much a count of 32 bits has grown. One that falls by less than half its range began anew, at 0. */
static uint32_t count_growth(uint32_t before, uint32_t now)
{
	uint32_t growth = now - before;

	return growth < 0x80000000u ? growth : now;
}

/* A report that left before the one that we have, but not so long before that the sender's clock was set back. */
static bool is_overtaken(const struct recv_stream *s, const struct rtcp_sender_info *sr)
{
	uint64_t behind = s->sr.ntp - sr->ntp;

	return s->has_sr && behind > 0 && behind < (uint64_t)SR_OVERTAKEN_S << 32;
}

void recv_stream_on_sr(struct recv_stream *s, wlk_time now, const struct rtcp_sender_info *sr)
{
	s->sr_count++;
	if (is_overtaken(s, sr))
		return;
	s->sr_packets += s->has_sr ? count_growth(s->sr.packets, sr->packets) : sr->packets;
	s->sr_bytes += s->has_sr ? count_growth(s->sr.bytes, sr->bytes) : sr->bytes;
	s->has_sr = true;
	s->sr = *sr;
	s->sr_arrival = now;
}

struct rtcp_report_block recv_stream_report(struct recv_stream *s, wlk_time now)
{
	struct rtcp_report_block block = { .ssrc = s->config.ssrc };

	source_report(&s->source, &block);
	if (s->has_sr) {
		block.lsr = (uint32_t)(s->sr.ntp >> 16);
		block.dlsr = (uint32_t)MIN((uint64_t)(now - s->sr_arrival) * 65536 / 1000000, UINT32_MAX);
	}
	return block;
}
