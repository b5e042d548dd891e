#include "cc_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rand.h"
#include "media/engine_internal.h" /* to print what the estimator thinks */

enum { LOWER = 28 + 16, SAMPLE_US = 10000, SLEEP_MAX_US = 150000 };

static double uniform(struct cc_world *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) / 9007199254740992.0;
}

static size_t second_of(const struct cc_world *w)
{
	size_t second = (size_t)(w->now / SECOND);

	return second < CC_SECONDS ? second : CC_SECONDS - 1;
}

/* ---- the link ---- */

/* Of an exponential distribution. */
static wlk_time span(struct cc_world *w, wlk_time mean)
{
	return (wlk_time)(-log(1 - uniform(w)) * (double)mean);
}

static wlk_time after_sleep(struct cc_world *w, struct cc_pipe *p, wlk_time at)
{
	if (!p->asleep)
		return at;
	while (p->sleep_to <= at) {
		p->sleep_from = p->sleep_to + span(w, p->awake) + 1;
		p->sleep_to = p->sleep_from + MIN(span(w, p->asleep), SLEEP_MAX_US);
	}
	return at >= p->sleep_from ? p->sleep_to : at;
}

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
	item.arrival = after_sleep(w, p, (p->rate_bps ? p->free_at : w->now) + p->delay);
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

/* ---- media ---- */

static void encode(struct cc_world *w, struct cc_flow *f)
{
	static uint8_t data[SYNTHETIC_FRAME_MAX];
	struct synthetic_encoder *e = &f->encoder;
	struct media_send_frame frame = { .pt = 96, .temporal = -1, .spatial = -1, .timestamp = e->frames * SYNTHETIC_FRAME_TICKS };
	wlk_err err;
	bool key;

	frame.data = (wlk_bytes){ data, synthetic_encoder_frame(e, w->now, data, &key) };
	if (!frame.data.size)
		return;
	err = media_engine_send_frame(f->from, w->now, 0, &frame);
	e->wants_key = key && err;
	f->frames_late += err != WLK_OK;
}

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
			f->encoder.target_bps = ev.target_bps;
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

/* ---- TCP ---- */

static void tcp_send(struct cc_world *w, size_t flow)
{
	struct cc_flight flight = { .flow = flow };

	while (tcp_flow_send(&w->flows[flow].tcp, &flight.number))
		pipe_send(w, &w->there, &flight, TCP_SEGMENT);
}

static void step_tcp(struct cc_world *w, size_t flow)
{
	struct cc_flow *f = &w->flows[flow];

	if (w->now < f->begins)
		return;
	if (!f->tcp_runs)
		tcp_flow_init(&f->tcp, w->now, f->kind == CC_CUBIC);
	f->tcp_runs = true;
	tcp_flow_handle_timeout(&f->tcp, w->now);
	tcp_send(w, flow);
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
	if (kind == CC_MEDIA) {
		f->from = make_engine(true, 1000 + 10 * (uint32_t)w->flow_count);
		f->to = make_engine(false, 5000 + 10 * (uint32_t)w->flow_count);
		synthetic_encoder_init(&f->encoder, w->random + w->flow_count, begins);
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

static void print_media(struct cc_flow *f)
{
	const struct gcc *g = &f->from->gcc;
	const struct delay_bwe *d = &g->delay;

	printf("  %6.0f (%6.0f) %c%c%c wait %3d..%3d of %3d base %5d path %6.0f resume %6.0f busy %5.0f/%5.0f acked %6.0f gave %u loss %4.1f %% limit %6.0f pacer %5d resent %4.0f",
	       (double)g->target_bps / 1000,
	       (double)f->encoder.target_bps / 1000, "SID"[d->state], g->app_limited ? 'a' : '-', probe_is_pending(&g->probes) ? 'p' : '-',
	       (int)(d->queue.least / 1000), (int)(d->queue.last / 1000), (int)(d->queue.limit / 1000), (int)(d->queue.base), (double)d->capacity_bps / 1000,
	       (double)d->resume_bps / 1000, (double)queue_delay_busy_bps(&d->queue) / 1000, (double)queue_delay_busy_sent_bps(&d->queue) / 1000, (double)ack_rate_bps(&d->acked, 250000) / 1000, d->gave_way, 100 * loss_bwe_recent(&g->loss),
	       (double)g->loss.limit_bps / 1000, (int)f->from->pacer.queued_bytes, (double)rate_meter_bps(&f->from->resent, f->from->last_sent) / 1000);
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
	if (w->verbose && w->now % (w->verbose * CC_MS) < SAMPLE_US) {
		printf("%6.2f queue %3d ms", (double)w->now / 1e6, (int)(MAX(w->there.free_at - w->now, 0) / 1000));
		for (size_t i = 0; i < w->flow_count; i++)
			if (w->flows[i].from)
				print_media(&w->flows[i]);
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
		size_t size = flight.buf ? flight.buf->size + LOWER : (size_t)TCP_SEGMENT;

		f->arrived_bytes += size;
		f->by_second[second_of(w)] += size;
		if (flight.buf) {
			deliver_media(w, &flight, f->to);
			step_receiver(w, flight.flow);
		} else {
			pipe_send(w, &w->back, &flight, TCP_ACK);
		}
	}
	while (pipe_take(&w->back, w->now, &flight)) {
		if (flight.buf)
			deliver_media(w, &flight, w->flows[flight.flow].from);
		else
			tcp_flow_on_ack(&w->flows[flight.flow].tcp, w->now, flight.number);
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
				step_tcp(w, i);
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
