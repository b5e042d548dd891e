/* What a path carries, divided: each layer's share, that of data, and how the application hears of its own. */
#include "media/engine_internal.h"

enum {
	AUDIO_MIN_BPS = 16000,
	AUDIO_MAX_BPS = 64000,
	VIDEO_MIN_BPS = 30000,
	VIDEO_WANTED_BPS = 2500000, /* of a layer without a limit: probes look twice as far */
	PRIORITY = 2,               /* W3C "low", the default */
	BACKLOG_US = 500000,        /* what waits in the pacer is to be gone in about this time */
	DATA_WEIGHT = 1,            /* as the W3C's "very-low": a call goes on beside a large file */
	DATA_MIN_BPS = 40000,       /* acknowledgements, and single messages */
};

#define UNLIMITED_BPS (UINT64_MAX / 64) /* leaves room for what is added on the way */

static const double told_change = 0.02;

/* ---- shares ---- */

static uint64_t layer_max(const struct media_section *s, const struct send_layer *l)
{
	if (l->limits.max_bps)
		return MIN(l->limits.max_bps, UNLIMITED_BPS);
	return s->kind == MEDIA_AUDIO ? AUDIO_MAX_BPS : UNLIMITED_BPS;
}

/* G.711 and G.722: 64 kbit/s, whatever their share. */
static bool has_one_rate(const struct media_section *s, const struct send_layer *l)
{
	const struct media_payload *payload = section_payload_by_send_pt(s, l->stream.pt);

	return payload && (payload->codec == RTP_CODEC_PCMU || payload->codec == RTP_CODEC_PCMA || payload->codec == RTP_CODEC_G722);
}

static uint64_t usual_min(const struct media_section *s, const struct send_layer *l)
{
	if (s->kind == MEDIA_VIDEO)
		return VIDEO_MIN_BPS;
	return has_one_rate(s, l) ? AUDIO_MAX_BPS : AUDIO_MIN_BPS;
}

static uint64_t layer_min(const struct media_section *s, const struct send_layer *l)
{
	return MIN(l->limits.min_bps ? l->limits.min_bps : usual_min(s, l), layer_max(s, l));
}

/* How much of what leaves is payload. */
static double payload_share(const struct media_section *s, const struct send_layer *l)
{
	const struct send_stream *out = &l->stream;
	uint64_t packets = out->packets - out->empty_packets;
	double all = (double)out->bytes + (double)(out->header_bytes - out->empty_bytes) + (double)packets * GCC_OVERHEAD;

	if (packets < 20)
		return s->kind == MEDIA_AUDIO ? 0.6 : 0.94;
	return MAX((double)out->bytes / all, 0.2);
}

uint64_t engine_wanted_bps(const struct media_engine *e)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < e->section_count; i++) {
		const struct media_section *s = e->sections[i];

		for (size_t j = 0; j < s->layer_count; j++)
			if (layer_takes_part(s, s->layers[j]))
				sum += (uint64_t)((double)(s->layers[j]->limits.max_bps || s->kind == MEDIA_AUDIO ? layer_max(s, s->layers[j]) : VIDEO_WANTED_BPS) /
						  payload_share(s, s->layers[j]));
	}
	return sum;
}

/* The layers of a section in the order in which they are switched on: by what they can use. */
static size_t order_layers(const struct media_section *s, struct send_layer *order[MEDIA_RIDS_MAX])
{
	size_t count = 0;

	for (size_t j = 0; j < s->layer_count; j++) {
		size_t at = count;

		if (!layer_takes_part(s, s->layers[j]))
			continue;
		for (; at && layer_max(s, order[at - 1]) > layer_max(s, s->layers[j]); at--)
			order[at] = order[at - 1];
		order[at] = s->layers[j];
		count++;
	}
	return count;
}

enum { ALLOCATE_MAX = MEDIA_STREAMS_MAX + 1 }; /* data is one more */

struct shares {
	struct allocate_stream streams[ALLOCATE_MAX];
	struct allocate_layer layers[ALLOCATE_MAX][MEDIA_RIDS_MAX];
	struct send_layer *order[ALLOCATE_MAX][MEDIA_RIDS_MAX];
	double payload[ALLOCATE_MAX][MEDIA_RIDS_MAX];
	size_t count;
	uint64_t kept_bps; /* the least of the video that is kept; 0: there is none */
};

static void add_section(struct shares *a, const struct media_section *s)
{
	size_t n = a->count, layers = order_layers(s, a->order[n]);
	/* With no numbered packets at all there would be no feedback, and no way back up. */
	bool keeps = s->kind == MEDIA_VIDEO && !a->kept_bps && engine_tells_arrivals(s);

	if (!layers)
		return;
	a->streams[n] = (struct allocate_stream){
		.layers = a->layers[n],
		.layer_count = layers,
		.weight = a->order[n][0]->limits.priority ? a->order[n][0]->limits.priority : PRIORITY,
		.always = s->kind == MEDIA_AUDIO || keeps,
	};
	for (size_t j = 0; j < layers; j++) {
		const struct send_layer *l = a->order[n][j];
		double payload = a->payload[n][j] = payload_share(s, l);

		a->layers[n][j] = (struct allocate_layer){
			.min_bps = (uint64_t)((double)layer_min(s, l) / payload),
			.max_bps = (uint64_t)((double)layer_max(s, l) / payload),
			.is_on = l->target_bps,
		};
	}
	if (keeps)
		a->kept_bps = a->layers[n][0].min_bps;
	a->count++;
}

/* Audio comes first: it is what a call cannot do without. */
static void collect(const struct media_engine *e, struct shares *a)
{
	a->count = 0;
	a->kept_bps = 0;
	for (int kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++)
		for (size_t i = 0; i < e->section_count; i++)
			if ((int)e->sections[i]->kind == kind)
				add_section(a, e->sections[i]);
}

/* Data is one more stream, with what it uses or, when it is held back, with no limit. */
static struct allocate_layer *add_data(struct media_engine *e, wlk_time now, uint64_t total, struct shares *a)
{
	uint64_t used = rate_meter_bps(&e->data.sent, now), most = used ? used * 5 / 4 + DATA_MIN_BPS : 0;
	struct allocate_layer *l = a->layers[a->count];

	*l = (struct allocate_layer){ .min_bps = MIN(total / 8, (uint64_t)DATA_MIN_BPS), .max_bps = data_gate_wants_more(&e->data, now) ? UNLIMITED_BPS : most };
	a->streams[a->count++] =
		(struct allocate_stream){ .layers = l, .layer_count = 1, .weight = DATA_WEIGHT, .always = true };
	return l;
}

/* What media leaves of its shares is data's, too. */
static uint64_t data_rate(struct media_engine *e, wlk_time now, uint64_t share)
{
	uint64_t sent = gcc_sent_bps(&e->gcc, now), used = rate_meter_bps(&e->data.sent, now);
	uint64_t total = gcc_target_bps(&e->gcc) / 20 * 19, media = sent - MIN(used, sent);

	return MAX(MAX(share, total - MIN(media, total)), (uint64_t)DATA_MIN_BPS);
}

void engine_allocate(struct media_engine *e, wlk_time now)
{
	uint64_t total = gcc_target_bps(&e->gcc), resent = rate_meter_bps(&e->resent, now);
	uint64_t backlog = e->pacer.queued_bytes * 8 * 1000000 / BACKLOG_US, usual = total / 10;
	bool with_data = engine_shares_with_data(e, now);
	struct allocate_layer *data = NULL;
	struct shares a;

	/* A frame is usually on its way. */
	backlog -= MIN(backlog, usual);
	/* What is repeated and what waits takes from what is new; not all, or a path with much loss would show nothing. */
	total -= MIN(resent + backlog, total / 2);
	e->allocated = now;
	collect(e, &a);
	e->kept_bps = a.kept_bps;
	if (with_data)
		data = add_data(e, now, total, &a);
	allocate_rates(a.streams, a.count, total);
	for (size_t i = 0; i < a.count - with_data; i++)
		for (size_t j = 0; j < a.streams[i].layer_count; j++)
			a.order[i][j]->target_bps = MIN((uint64_t)((double)a.layers[i][j].bps * a.payload[i][j]), UINT64_MAX / 8);
	data_gate_set_rate(&e->data, now, data ? data_rate(e, now, data->bps) : 0);
}

uint64_t engine_least_bps(struct media_engine *e, wlk_time now)
{
	return e->kept_bps ? e->kept_bps + pacer_audio_bps(&e->pacer, now) : 0;
}

static bool differs(const struct send_layer *l)
{
	double change = (double)l->target_bps - (double)l->told_bps;

	if (l->told_bps == UINT64_MAX || !l->target_bps != !l->told_bps)
		return true;
	return change > told_change * (double)l->told_bps || -change > told_change * (double)l->told_bps;
}

bool engine_cc_event(struct media_engine *e, struct media_event *out)
{
	if (!e->use_gcc || !e->can_send)
		return false;
	for (size_t i = 0; i < e->section_count; i++) {
		struct media_section *s = e->sections[i];

		for (size_t j = 0; j < s->layer_count; j++) {
			struct send_layer *l = s->layers[j];

			if (!layer_takes_part(s, l) || !differs(l))
				continue;
			l->told_bps = l->target_bps;
			*out = (struct media_event){
				.type = MEDIA_EVENT_TARGET_BITRATE, .section = i, .layer = j, .target_bps = l->target_bps
			};
			return true;
		}
	}
	return false;
}

wlk_err media_engine_set_layer_limits(struct media_engine *e, wlk_time now, size_t section, size_t layer,
				      const struct media_layer_limits *limits)
{
	if (section >= e->section_count || layer >= e->sections[section]->layer_count)
		return WLK_ERR_NOT_FOUND;
	e->sections[section]->layers[layer]->limits = *limits;
	engine_cc_configure(e, now);
	return WLK_OK;
}
