#include "media/recv/audio_delay.h"

#include <math.h>
#include <string.h>

/*
 * After R. Ramjee et al., "Adaptive playout mechanisms for packetized audio applications in wide-area networks" (INFOCOM 1994)
 * and S. Moon, J. Kurose, D. Towsley, "Packet audio playout delay adjustment" (Multimedia Systems 1998): a quantile of the
 * delays lately. Each bin forgets with a time constant of 1.5 s of sound; what made up all of the weight is below the 3 % of
 * the quantile after 5.3 s, while 60 ms of later sound are enough to raise it.
 */
#define FORGET_MS 1500.0f
#define LATE_SHARE 0.97f /* so much of the sound is to be in time */
#define BASE_SHARE 0.02f
#define UNIT_MAX 1e6f
enum {
	FRONT_BINS = 100,     /* room kept in front of the base */
	PRIOR_MS = 200,       /* at the start, as if so much sound had come ... */
	PRIOR_LATE_US = 25000, /* ... so much later than the first packet */
	DURATION_MAX_US = 120000,
	BEYOND_US = 1000000,
};

void audio_delay_init(struct audio_delay *d)
{
	*d = (struct audio_delay){ .unit = 1 };
}

void audio_delay_restart(struct audio_delay *d)
{
	*d = (struct audio_delay){ .unit = 1, .wish = d->wish, .minimum = d->minimum };
}

static void scale_down(struct audio_delay *d)
{
	for (size_t i = 0; i < AUDIO_DELAY_BINS; i++)
		d->weight[i] /= d->unit;
	d->total /= d->unit;
	d->unit = 1;
}

/* Move the bins so that bin 0 begins |bins| later; what falls out in front is added to the first. */
static void shift(struct audio_delay *d, int64_t bins)
{
	size_t n = (size_t)MIN(bins < 0 ? -bins : bins, AUDIO_DELAY_BINS - 1);

	d->origin += bins * AUDIO_DELAY_BIN_US;
	if (bins > 0) {
		for (size_t i = 0; i < n; i++)
			d->weight[n] += d->weight[i];
		memmove(d->weight, d->weight + n, (AUDIO_DELAY_BINS - n) * sizeof(*d->weight));
		memset(d->weight + AUDIO_DELAY_BINS - n, 0, n * sizeof(*d->weight));
	} else {
		for (size_t i = AUDIO_DELAY_BINS - n; i < AUDIO_DELAY_BINS; i++)
			d->weight[AUDIO_DELAY_BINS - n - 1] += d->weight[i];
		memmove(d->weight + n, d->weight, (AUDIO_DELAY_BINS - n) * sizeof(*d->weight));
		memset(d->weight, 0, n * sizeof(*d->weight));
	}
}

static void add(struct audio_delay *d, wlk_time offset, float weight)
{
	int64_t bin = (offset - d->origin) / AUDIO_DELAY_BIN_US;

	assert(bin >= 0 && bin < AUDIO_DELAY_BINS && "the histogram was moved to hold it");
	d->weight[bin] += weight;
	d->total += weight;
}

static void start(struct audio_delay *d, wlk_time offset)
{
	audio_delay_restart(d);
	d->started = true;
	d->origin = offset - FRONT_BINS * AUDIO_DELAY_BIN_US;
	d->base = offset;
	add(d, offset + PRIOR_LATE_US, PRIOR_MS);
}

static void measure(struct audio_delay *d)
{
	float below = 0, base = d->total * BASE_SHARE, late = d->total * LATE_SHARE;
	size_t i = 0;

	while (i < AUDIO_DELAY_BINS - 1 && (below += d->weight[i]) < base)
		i++;
	d->base = d->origin + (wlk_time)i * AUDIO_DELAY_BIN_US;
	while (i < AUDIO_DELAY_BINS - 1 && below < late)
		below += d->weight[++i];
	d->late = d->origin + (wlk_time)(i + 1) * AUDIO_DELAY_BIN_US;
}

/* What is much too late for any buffer is not counted, until there is nothing else: then the path has changed. */
static bool is_beyond(struct audio_delay *d, wlk_time offset, wlk_time duration)
{
	if (offset <= d->base + AUDIO_DELAY_MAX_US) {
		d->beyond = 0;
		return false;
	}
	d->beyond += duration;
	return d->beyond < BEYOND_US;
}

void audio_delay_on_arrival(struct audio_delay *d, wlk_time offset, wlk_time duration)
{
	int64_t bin;

	duration = MIN(MAX(duration, 1000), DURATION_MAX_US);
	if (d->started && is_beyond(d, offset, duration))
		return;
	if (!d->started || d->beyond || offset < d->base - AUDIO_DELAY_MAX_US)
		start(d, offset);
	bin = (offset - d->origin) / AUDIO_DELAY_BIN_US - (offset < d->origin);
	if (bin < 0)
		shift(d, bin - FRONT_BINS);
	else if (bin >= AUDIO_DELAY_BINS)
		shift(d, bin - AUDIO_DELAY_BINS + 1 + FRONT_BINS / 2);
	d->unit *= expf((float)duration / 1000 / FORGET_MS);
	add(d, offset, d->unit * (float)duration / 1000);
	if (d->unit > UNIT_MAX)
		scale_down(d);
	measure(d);
}

static wlk_time wished(wlk_time delay)
{
	return MIN(MAX(delay, 0), AUDIO_DELAY_WISH_MAX_US);
}

void audio_delay_set_wish(struct audio_delay *d, wlk_time delay)
{
	d->wish = wished(delay);
}

void audio_delay_set_minimum(struct audio_delay *d, wlk_time delay)
{
	d->minimum = wished(delay);
}

wlk_time audio_delay_network(const struct audio_delay *d)
{
	return MIN(d->late - d->base, AUDIO_DELAY_MAX_US) + AUDIO_DELAY_MARGIN_US;
}

wlk_time audio_delay_target(const struct audio_delay *d)
{
	return MAX(audio_delay_network(d), MAX(d->wish, d->minimum));
}

wlk_time audio_delay_target_offset(const struct audio_delay *d)
{
	assert(d->started && "nothing arrived yet");
	return d->base + audio_delay_target(d);
}
