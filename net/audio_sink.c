/* The sink of raw sound: packets from the loop's thread, PCM for the thread that plays it. */
#include <wirelark/track.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "core/list.h"
#include "media/codec/resample.h"
#include "media/recv/audio_playout.h"
#include "net/clock.h"
#include "peer/codec_set.h"
#include "peer/raw.h"

enum { PACKETS_MAX = 256 };

struct heard_packet {
	struct list link;
	struct raw_sound sound;
	uint8_t data[];
};

/*
 * The loop leaves packets here, and whoever pulls decodes them: the playout belongs to that thread, and the lock is held for
 * pointers and figures only.
 */
struct wlk_audio_sink {
	atomic_uint references; /* the application's and the receiver's */
	uint32_t rate, channels;
	pthread_mutex_t lock;
	/* under the lock */
	bool attached;
	struct list packets; /* struct heard_packet */
	size_t packet_count;
	wlk_time target, minimum;
	bool has_capture;
	uint32_t capture_timestamp, capture_hz;
	int64_t capture_unix_us;
	bool has_position;
	uint32_t position; /* RTP time of what is played next */
	wlk_time moment;
	struct audio_playout_stats stats;
	bool has_new_codecs;
	wlk_codec_set *new_codecs; /* of the receiver that was attached last, until the next pull; held */
	/* of the thread that pulls */
	wlk_codec_set *codecs; /* NULL: what is built in */
	const struct audio_decoder_plugin *plugins[CODEC_AV1 + 1];
	struct audio_playout *playout;
	struct resampler *resampler; /* NULL: 48 kHz are pulled */
	int16_t *rest;               /* made, and not pulled yet */
	size_t rest_at, rest_count;  /* samples a channel */
};

static void sink_free(wlk_audio_sink *sink)
{
	struct list *item;

	while ((item = list_pop_front(&sink->packets)))
		wlk_free(list_entry(item, struct heard_packet, link));
	audio_playout_destroy(sink->playout);
	wlk_codec_set_release(sink->codecs);
	wlk_codec_set_release(sink->new_codecs);
	resampler_destroy(sink->resampler);
	wlk_free(sink->rest);
	pthread_mutex_destroy(&sink->lock);
	wlk_free(sink);
}

void wlk_audio_sink_release(wlk_audio_sink *sink)
{
	if (sink && atomic_fetch_sub(&sink->references, 1) == 1)
		sink_free(sink);
}

static wlk_err make_parts(wlk_audio_sink *sink)
{
	const struct audio_playout_config config = { .channels = sink->channels };
	size_t bound = PLAYOUT_PULL;
	wlk_err err = audio_playout_create(&sink->playout, &config);

	if (!err && sink->rate != 48000) {
		err = resampler_create(&sink->resampler, sink->channels, 48000, sink->rate);
		bound = err ? 0 : resampler_bound(sink->resampler, PLAYOUT_PULL);
	}
	if (err)
		return err;
	sink->rest = wlk_malloc(bound * sink->channels * sizeof(*sink->rest));
	return sink->rest ? WLK_OK : WLK_ERR_NOMEM;
}

wlk_err wlk_audio_sink_create(uint32_t rate, uint32_t channels, wlk_audio_sink **out)
{
	wlk_audio_sink *sink;
	wlk_err err;

	if (!out || channels < 1 || channels > 2 || (rate != 48000 && rate != 44100 && rate != 32000 && rate != 16000 && rate != 8000))
		return WLK_ERR_INVALID;
	sink = wlk_calloc(1, sizeof(*sink));
	if (!sink)
		return WLK_ERR_NOMEM;
	sink->rate = rate;
	sink->channels = channels;
	atomic_init(&sink->references, 1);
	list_init(&sink->packets);
	pthread_mutex_init(&sink->lock, NULL);
	err = make_parts(sink);
	if (err) {
		sink_free(sink);
		return err;
	}
	*out = sink;
	return WLK_OK;
}

/* ---- the receiver's end, on its loop ---- */

static void hear(void *port, const struct raw_sound *sound)
{
	wlk_audio_sink *sink = port;
	struct heard_packet *packet = wlk_malloc(sizeof(*packet) + sound->size);
	struct heard_packet *oldest = NULL;

	if (!packet)
		return; /* as if it were lost */
	packet->sound = *sound;
	memcpy(packet->data, sound->data, sound->size);
	packet->sound.data = packet->data;
	pthread_mutex_lock(&sink->lock);
	list_push_back(&sink->packets, &packet->link);
	if (++sink->packet_count > PACKETS_MAX) { /* nobody pulls */
		oldest = list_entry(list_pop_front(&sink->packets), struct heard_packet, link);
		sink->packet_count--;
	}
	sink->has_capture = sound->capture_unix_us != 0;
	sink->capture_unix_us = sound->capture_unix_us;
	sink->capture_timestamp = sound->timestamp;
	sink->capture_hz = sound->clock_hz;
	pthread_mutex_unlock(&sink->lock);
	wlk_free(oldest);
}

static bool playing(void *port, int64_t *capture_unix_us, wlk_time *played)
{
	wlk_audio_sink *sink = port;
	bool known;

	pthread_mutex_lock(&sink->lock);
	known = sink->has_capture && sink->has_position;
	if (known) {
		int64_t ticks = (int32_t)(sink->position - sink->capture_timestamp);

		*capture_unix_us = sink->capture_unix_us + ticks * 1000000 / (int64_t)sink->capture_hz;
		*played = sink->moment;
	}
	pthread_mutex_unlock(&sink->lock);
	return known;
}

static void set_minimum(void *port, wlk_time us)
{
	wlk_audio_sink *sink = port;

	pthread_mutex_lock(&sink->lock);
	sink->minimum = us;
	pthread_mutex_unlock(&sink->lock);
}

static void set_target(void *port, wlk_time us)
{
	wlk_audio_sink *sink = port;

	pthread_mutex_lock(&sink->lock);
	sink->target = us;
	pthread_mutex_unlock(&sink->lock);
}

static void set_codecs(void *port, wlk_codec_set *codecs)
{
	wlk_audio_sink *sink = port;
	wlk_codec_set *old;

	pthread_mutex_lock(&sink->lock);
	old = sink->new_codecs;
	sink->new_codecs = codec_set_hold(codecs);
	sink->has_new_codecs = true;
	pthread_mutex_unlock(&sink->lock);
	wlk_codec_set_release(old);
}

static void get_stats(void *port, struct audio_playout_stats *out)
{
	wlk_audio_sink *sink = port;

	pthread_mutex_lock(&sink->lock);
	*out = sink->stats;
	pthread_mutex_unlock(&sink->lock);
}

static void close_audio(void *port)
{
	wlk_audio_sink *sink = port;

	pthread_mutex_lock(&sink->lock);
	sink->attached = false;
	sink->minimum = 0; /* nothing of this call is left to the next one */
	sink->has_capture = false;
	pthread_mutex_unlock(&sink->lock);
	wlk_audio_sink_release(sink);
}

static const struct raw_output_ops audio_ops = {
	.hear = hear,
	.playing = playing,
	.set_minimum = set_minimum,
	.set_target = set_target,
	.set_codecs = set_codecs,
	.stats = get_stats,
	.close = close_audio,
};

/* False: it has a receiver already. */
static bool attach(wlk_audio_sink *sink)
{
	bool was;

	pthread_mutex_lock(&sink->lock);
	was = sink->attached;
	sink->attached = true;
	pthread_mutex_unlock(&sink->lock);
	if (!was)
		atomic_fetch_add(&sink->references, 1);
	return !was;
}

wlk_err wlk_rtp_receiver_set_audio_sink(wlk_rtp_receiver *receiver, wlk_audio_sink *sink)
{
	struct raw_output output = { sink ? &audio_ops : NULL, sink };
	wlk_err err;

	if (!receiver || (sink && !attach(sink)))
		return WLK_ERR_INVALID;
	err = peer_set_output(receiver, WLK_MEDIA_AUDIO, &output);
	if (err && sink)
		close_audio(sink);
	return err;
}

/* ---- the end of whoever plays it ---- */

/* Under the lock. False: they are as they were; else *old is the set that is not needed any more. */
static bool take_codecs(wlk_audio_sink *sink, wlk_codec_set **old)
{
	if (!sink->has_new_codecs)
		return false;
	*old = sink->codecs;
	sink->codecs = sink->new_codecs;
	sink->new_codecs = NULL;
	sink->has_new_codecs = false;
	return true;
}

/* Not under the lock (R39): it calls functions of the application, which may wait for the loop's thread. */
static void use_codecs(wlk_audio_sink *sink)
{
	const struct codec_registry *registry = codec_set_registry(sink->codecs);

	for (int codec = 0; codec <= CODEC_AV1; codec++)
		sink->plugins[codec] = codec_registry_audio_decoder(registry, (enum codec_id)codec, NULL);
	audio_playout_set_plugins(sink->playout, sink->plugins);
}

static void take_packets(wlk_audio_sink *sink, struct list *out)
{
	wlk_codec_set *old = NULL;
	struct list *item;
	bool changed;

	pthread_mutex_lock(&sink->lock);
	changed = take_codecs(sink, &old);
	while ((item = list_pop_front(&sink->packets)))
		list_push_back(out, item);
	sink->packet_count = 0;
	audio_playout_set_target(sink->playout, sink->target);
	audio_playout_set_minimum_delay(sink->playout, sink->minimum);
	pthread_mutex_unlock(&sink->lock);
	if (changed)
		use_codecs(sink);
	wlk_codec_set_release(old);
}

static void feed(wlk_audio_sink *sink)
{
	struct list packets, *item;

	list_init(&packets);
	take_packets(sink, &packets);
	while ((item = list_pop_front(&packets))) {
		struct heard_packet *packet = list_entry(item, struct heard_packet, link);
		const struct raw_sound *sound = &packet->sound;
		const struct audio_playout_packet in = {
			.ssrc = sound->ssrc,
			.codec = sound->codec,
			.is_noise = sound->is_noise,
			.clock_hz = sound->clock_hz,
			.timestamp = sound->timestamp,
			.seq = sound->redundant ? AUDIO_SEQ_NONE : sound->sequence,
			.after_reset = sound->after_reset,
			.payload = { sound->data, sound->size },
		};

		audio_playout_input(sink->playout, sound->arrival, &in);
		wlk_free(packet);
	}
}

static void make_more(wlk_audio_sink *sink, wlk_time now)
{
	int16_t pcm[PLAYOUT_PULL * 2];

	audio_playout_get(sink->playout, now, sink->resampler ? pcm : sink->rest);
	sink->rest_at = 0;
	sink->rest_count = sink->resampler ? resampler_run(sink->resampler, pcm, PLAYOUT_PULL, sink->rest) : PLAYOUT_PULL;
}

static void tell_figures(wlk_audio_sink *sink)
{
	struct audio_playout_stats stats;
	uint32_t position = 0;
	wlk_time moment = 0;
	bool has_position = audio_playout_position(sink->playout, &position, &moment);

	audio_playout_get_stats(sink->playout, &stats);
	pthread_mutex_lock(&sink->lock);
	sink->stats = stats;
	sink->has_position = has_position;
	sink->position = position;
	sink->moment = moment;
	pthread_mutex_unlock(&sink->lock);
}

void wlk_audio_sink_pull(wlk_audio_sink *sink, wlk_time now, int16_t *out, size_t count)
{
	if (!now)
		now = clock_monotonic();
	feed(sink);
	while (count) {
		size_t some;

		if (!sink->rest_count)
			make_more(sink, now);
		some = MIN(count, sink->rest_count);
		memcpy(out, sink->rest + sink->rest_at * sink->channels, some * sink->channels * sizeof(*out));
		out += some * sink->channels;
		count -= some;
		sink->rest_at += some;
		sink->rest_count -= some;
	}
	tell_figures(sink);
}
