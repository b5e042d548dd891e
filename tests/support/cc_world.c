#include "cc_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rand.h"

enum { SEGMENT = 1500, ACK = 40, LOWER = 28 + 16, SAMPLE_US = 10000, FRAME_US = 33333, FRAME_MAX = 120000 };

static double uniform(struct cc_world *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

static double normal(struct cc_world *w)
{
	return sqrt(-2 * log(uniform(w) + 1e-12)) * cos(6.283185307 * uniform(w));
}

static size_t second_of(const struct cc_world *w)
{
	size_t second = (size_t)(w->now / SECOND);

	return second < CC_SECONDS ? second : CC_SECONDS - 1;
}

/* ---- the link ---- */

static void pipe_send(struct cc_world *w, struct cc_pipe *p, const struct cc_flight *flight, size_t size)
{
	struct cc_flight item = *flight;
	wlk_time start = MAX(p->free_at, w->now);

	if (p->loss && uniform(w) * 10000 < p->loss) {
		p->lost++;
		pktbuf_release(item.buf);
		return;
	}
	if (p->rate_bps && start - w->now > p->queue) {
		p->dropped++;
		w->flows[item.flow].dropped_by_second[second_of(w)]++;
		pktbuf_release(item.buf);
		return;
	}
	if (p == &w->there && w->packet_count < CC_PACKETS) {
		w->packets[w->packet_count].at = w->now;
		w->packets[w->packet_count++].waiting = start - w->now;
	}
	if (p->rate_bps)
		p->free_at = start + (wlk_time)(size * 8 * 1000000 / p->rate_bps);
	item.arrival = (p->rate_bps ? p->free_at : w->now) + p->delay;
	if (p->count == CC_RING) {
		fprintf(stderr, "more flies than the test has room for\n");
		exit(1);
	}
	p->ring[(p->first + p->count++) % CC_RING] = item;
}

static bool pipe_take(struct cc_pipe *p, wlk_time now, struct cc_flight *out)
{
	if (!p->count || p->ring[p->first].arrival > now)
		return false;
	*out = p->ring[p->first];
	p->first = (p->first + 1) % CC_RING;
	p->count--;
	return true;
}

static wlk_time pipe_next(const struct cc_pipe *p)
{
	return p->count ? p->ring[p->first].arrival : WLK_TIME_NEVER;
}

/* ---- the encoder ---- */

static size_t frame_size(struct cc_world *w, struct cc_encoder *e, bool key)
{
	double mean = (double)e->target_bps / 8 * FRAME_US / 1e6, size = mean * exp(0.2 * normal(w) - 0.02);

	if (key)
		size *= 4;
	else if (w->now >= e->next_cut)
		size *= 2.5;
	if (w->now >= e->next_cut)
		e->next_cut = w->now + 5 * SECOND + (wlk_time)(uniform(w) * 10e6);
	/* The rate control of an encoder: what was too much is saved over the next half second. */
	size -= MAX(MIN(e->debt / 15, 0.7 * size), -0.3 * size);
	e->debt += size - mean;
	e->debt = MAX(e->debt, -10 * mean);
	return (size_t)MAX(MIN(size, FRAME_MAX), 60);
}

static void encode(struct cc_world *w, struct cc_flow *f)
{
	static const uint8_t key_head[] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01 };
	static uint8_t data[FRAME_MAX + 16];
	struct cc_encoder *e = &f->encoder;
	bool key = !e->frames || e->wants_key;
	struct media_send_frame frame = { .pt = 96, .temporal = -1, .spatial = -1, .timestamp = e->frames * 3000 };
	wlk_err err;

	e->next = w->now + FRAME_US;
	e->frames++;
	if (!e->target_bps || e->paused)
		return;
	memset(data, 0x31, 16);
	if (key)
		memcpy(data, key_head, sizeof(key_head));
	frame.data = (wlk_bytes){ data, MAX(frame_size(w, e, key), (size_t)16) };
	err = media_engine_send_frame(f->from, w->now, 0, &frame);
	e->wants_key = key && err;
	f->frames_late += err != WLK_OK;
}

/* ---- media ---- */

static void fill_section(struct media_section_config *c, bool sends, uint32_t ssrc)
{
	static const struct media_payload vp8 = { 96, 96, 97, 97, 90000, MEDIA_FB_NACK | MEDIA_FB_PLI | MEDIA_FB_TRANSPORT_CC,
						  RTP_CODEC_VP8, false };

	*c = (struct media_section_config){
		.mid = "0",
		.kind = MEDIA_VIDEO,
		.send = sends,
		.receive = !sends,
		.payloads = &vp8,
		.payload_count = 1,
		.extmap_allow_mixed = true,
		.rtcp_rsize = true,
		.ssrc = ssrc,
		.rtx_ssrc = ssrc + 1,
		.cname = "w",
		.in_order = true,
	};
	c->recv_ext.id[RTP_EXT_TRANSPORT_CC] = c->send_ext.id[RTP_EXT_TRANSPORT_CC] = 3;
	c->recv_ext.id[RTP_EXT_MID] = c->send_ext.id[RTP_EXT_MID] = 4;
}

static struct media_engine *make_engine(bool sends, uint32_t ssrc)
{
	struct media_engine_config config = { .unix_us_at_zero = INT64_C(1700000000000000) };
	struct media_section_config section;
	struct media_engine *e = NULL;

	fill_section(&section, sends, ssrc);
	if (media_engine_create(&e, &config) || media_engine_configure(e, 0, &section, 1)) {
		fprintf(stderr, "no engine\n");
		exit(1);
	}
	media_engine_set_can_send(e);
	return e;
}

static void note_target(struct cc_world *w, struct cc_flow *f)
{
	uint64_t *lowest = &f->targets[second_of(w)], target = media_engine_available_bps(f->from);

	*lowest = *lowest ? MIN(*lowest, target) : target;
}

static void step_sender(struct cc_world *w, size_t flow)
{
	struct cc_flow *f = &w->flows[flow];
	struct media_transmit tx;
	struct media_event ev;

	if (media_engine_deadline(f->from) <= w->now)
		media_engine_handle_timeout(f->from, w->now);
	while (media_engine_poll_event(f->from, &ev)) {
		if (ev.type == MEDIA_EVENT_KEY_FRAME_REQUEST)
			f->encoder.wants_key = true;
		if (ev.type == MEDIA_EVENT_TARGET_BITRATE)
			f->encoder.target_bps = MIN(ev.target_bps, f->encoder.max_bps);
	}
	if (f->encoder.next <= w->now)
		encode(w, f);
	while (media_engine_poll_transmit(f->from, w->now, &tx)) {
		struct cc_flight flight = { .flow = flow, .buf = tx.buf, .rtcp = tx.kind == MEDIA_TRANSMIT_RTCP };

		pipe_send(w, &w->there, &flight, tx.buf->size + LOWER);
	}
	note_target(w, f);
}

static void step_receiver(struct cc_world *w, size_t flow)
{
	struct cc_flow *f = &w->flows[flow];
	struct media_transmit tx;
	struct media_packet packet;
	struct media_event ev;

	if (media_engine_deadline(f->to) <= w->now)
		media_engine_handle_timeout(f->to, w->now);
	while (media_engine_poll_packet(f->to, &packet))
		pktbuf_release(packet.buf);
	while (media_engine_poll_event(f->to, &ev))
		;
	while (media_engine_poll_transmit(f->to, w->now, &tx)) {
		struct cc_flight flight = { .flow = flow, .buf = tx.buf, .rtcp = true };

		pipe_send(w, &w->back, &flight, tx.buf->size + LOWER);
	}
}

static void deliver_media(struct cc_world *w, const struct cc_flight *flight, struct media_engine *to)
{
	if (flight->rtcp) {
		media_engine_input_rtcp(to, w->now, flight->buf->data, flight->buf->size);
		pktbuf_release(flight->buf);
	} else {
		media_engine_input_rtp(to, w->now, flight->buf);
	}
}

/* ---- TCP: a window that grows until something is lost (RFC 5681, RFC 9438), every segment acknowledged ---- */

static void tcp_send(struct cc_world *w, size_t flow)
{
	struct cc_tcp *t = &w->flows[flow].tcp;

	while (t->running && t->next - t->lowest < (uint64_t)t->window && t->next - t->lowest < CC_TCP_WINDOW) {
		struct cc_flight flight = { .flow = flow, .number = t->next };

		t->acked[t->next % CC_TCP_WINDOW] = false;
		t->sent[t->next % CC_TCP_WINDOW] = w->now;
		pipe_send(w, &w->there, &flight, SEGMENT);
		t->next++;
	}
}

static void tcp_cut(struct cc_world *w, struct cc_tcp *t)
{
	t->window_max = t->window;
	t->window = MAX(t->window * (t->cubic ? 0.7 : 0.5), 2);
	t->threshold = t->window;
	t->cut = w->now;
	t->recovery = t->next;
}

static void tcp_grow(struct cc_world *w, struct cc_tcp *t)
{
	double since = (double)(w->now - t->cut) / 1e6, k, cubic;

	if (t->window < t->threshold) {
		t->window += 1;
		return;
	}
	t->window += 1 / t->window;
	if (!t->cubic)
		return;
	k = cbrt(t->window_max * 0.3 / 0.4);
	cubic = 0.4 * (since - k) * (since - k) * (since - k) + t->window_max;
	t->window = MAX(t->window, MIN(cubic, t->window * 1.5));
}

static void tcp_on_ack(struct cc_world *w, size_t flow, uint64_t number)
{
	struct cc_tcp *t = &w->flows[flow].tcp;

	t->last_ack = w->now;
	t->acked[number % CC_TCP_WINDOW] = true;
	tcp_grow(w, t);
	for (uint64_t i = t->lowest; i + 3 <= number; i++) {
		if (t->acked[i % CC_TCP_WINDOW])
			continue;
		t->acked[i % CC_TCP_WINDOW] = true; /* sent again, and not counted twice */
		if (i >= t->recovery)
			tcp_cut(w, t);
	}
	while (t->lowest < t->next && t->acked[t->lowest % CC_TCP_WINDOW])
		t->lowest++;
	tcp_send(w, flow);
}

static void tcp_start_or_time_out(struct cc_world *w, size_t flow)
{
	struct cc_tcp *t = &w->flows[flow].tcp;

	if (!t->running && w->now >= w->flows[flow].begins) {
		*t = (struct cc_tcp){ .running = true, .cubic = t->cubic, .window = 10, .threshold = 1e9, .last_ack = w->now };
		tcp_send(w, flow);
	} else if (t->running && w->now - t->last_ack > SECOND) {
		t->threshold = MAX(t->window / 2, 2);
		t->window = 1;
		t->lowest = t->next;
		t->last_ack = w->now;
		tcp_send(w, flow);
	}
}

/* ---- the world ---- */

void cc_world_init(struct cc_world *w, uint64_t seed, uint64_t rate_bps, wlk_time queue, wlk_time round_trip)
{
	memset(w, 0, sizeof(*w));
	w->random = seed * 7919 + 1;
	w->there = (struct cc_pipe){ .rate_bps = rate_bps, .queue = queue, .delay = round_trip / 2 };
	w->back.delay = round_trip - round_trip / 2;
	rand_use_seed(seed);
}

void cc_world_free(struct cc_world *w)
{
	struct cc_flight flight;

	while (pipe_take(&w->there, WLK_TIME_NEVER, &flight) || pipe_take(&w->back, WLK_TIME_NEVER, &flight))
		pktbuf_release(flight.buf);
	for (size_t i = 0; i < w->flow_count; i++) {
		media_engine_destroy(w->flows[i].from);
		media_engine_destroy(w->flows[i].to);
	}
}

struct cc_flow *cc_world_add(struct cc_world *w, enum cc_flow_kind kind, wlk_time begins)
{
	struct cc_flow *f = &w->flows[w->flow_count];

	*f = (struct cc_flow){ .kind = kind, .begins = begins };
	f->tcp.cubic = kind == CC_CUBIC;
	if (kind == CC_MEDIA) {
		f->from = make_engine(true, 1000 + 10 * (uint32_t)w->flow_count);
		f->to = make_engine(false, 5000 + 10 * (uint32_t)w->flow_count);
		f->encoder.next = begins;
		f->encoder.next_cut = begins + 5 * SECOND;
		f->encoder.target_bps = 300000;
		f->encoder.max_bps = 20000000;
	}
	w->flow_count++;
	return f;
}

static wlk_time next_moment(const struct cc_world *w)
{
	wlk_time at = time_min(time_min(pipe_next(&w->there), pipe_next(&w->back)), w->next_sample);

	for (size_t i = 0; i < w->flow_count; i++) {
		const struct cc_flow *f = &w->flows[i];

		if (f->kind == CC_MEDIA)
			at = time_min(at, time_min(f->encoder.next,
						   time_min(media_engine_deadline(f->from), media_engine_deadline(f->to))));
	}
	return at;
}

static void sample(struct cc_world *w)
{
	if (w->next_sample > w->now)
		return;
	w->next_sample = w->now + SAMPLE_US;
	if (w->sample_count == CC_SAMPLES)
		return;
	w->samples[w->sample_count].at = w->now;
	w->samples[w->sample_count++].waiting = MAX(w->there.free_at - w->now, 0);
	if (w->verbose && w->now % (200 * CC_MS) < SAMPLE_US) {
		printf("%6.2f queue %3d ms", (double)w->now / 1e6, (int)(MAX(w->there.free_at - w->now, 0) / 1000));
		for (size_t i = 0; i < w->flow_count; i++)
			if (w->flows[i].from)
				printf("  %6.0f (%6.0f)", (double)media_engine_available_bps(w->flows[i].from) / 1000,
				       (double)w->flows[i].encoder.target_bps / 1000);
			else
				printf("  window %5.1f", w->flows[i].tcp.window);
		printf("\n");
	}
}

static void arrive(struct cc_world *w)
{
	struct cc_flight flight;

	while (pipe_take(&w->there, w->now, &flight)) {
		struct cc_flow *f = &w->flows[flight.flow];
		size_t size = flight.buf ? flight.buf->size + LOWER : SEGMENT;

		f->arrived_bytes += size;
		f->by_second[second_of(w)] += size;
		if (flight.buf) {
			deliver_media(w, &flight, f->to);
			step_receiver(w, flight.flow);
		} else {
			pipe_send(w, &w->back, &flight, ACK);
		}
	}
	while (pipe_take(&w->back, w->now, &flight)) {
		if (flight.buf)
			deliver_media(w, &flight, w->flows[flight.flow].from);
		else
			tcp_on_ack(w, flight.flow, flight.number);
	}
}

void cc_world_run(struct cc_world *w, wlk_time until)
{
	while (w->now < until) {
		arrive(w);
		for (size_t i = 0; i < w->flow_count; i++) {
			if (w->flows[i].kind == CC_MEDIA) {
				step_sender(w, i);
				step_receiver(w, i);
			} else {
				tcp_start_or_time_out(w, i);
			}
		}
		sample(w);
		w->now = MIN(MAX(next_moment(w), w->now + 1), until);
	}
}

/* ---- figures ---- */

double cc_flow_share(const struct cc_flow *f, size_t from_second, size_t to_second, uint64_t rate_bps)
{
	uint64_t bytes = 0;

	for (size_t i = from_second; i < to_second; i++)
		bytes += f->by_second[i];
	return (double)bytes * 8 / (double)(to_second - from_second) / (double)rate_bps;
}

static int compare(const void *a, const void *b)
{
	wlk_time x = *(const wlk_time *)a, y = *(const wlk_time *)b;

	return x < y ? -1 : x > y;
}

wlk_time cc_world_queue(const struct cc_world *w, wlk_time from, wlk_time to, double quantile)
{
	static wlk_time waiting[CC_PACKETS];
	size_t count = 0;

	for (size_t i = 0; i < w->packet_count; i++)
		if (w->packets[i].at >= from && w->packets[i].at < to)
			waiting[count++] = w->packets[i].waiting;
	qsort(waiting, count, sizeof(*waiting), compare);
	return count ? waiting[(size_t)((double)(count - 1) * quantile)] : 0;
}

wlk_time cc_world_clean(const struct cc_world *w, wlk_time from, wlk_time limit)
{
	wlk_time since = WLK_TIME_NEVER;

	for (size_t i = 0; i < w->sample_count; i++) {
		if (w->samples[i].at < from || w->samples[i].waiting >= limit) {
			since = WLK_TIME_NEVER;
			continue;
		}
		since = since == WLK_TIME_NEVER ? w->samples[i].at : since;
		if (w->samples[i].at - since >= SECOND / 2)
			return since;
	}
	return WLK_TIME_NEVER;
}
