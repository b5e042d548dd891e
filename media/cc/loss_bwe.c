#include "media/cc/loss_bwe.h"

#include <math.h>

static const double fading = 0.92;         /* weight of an observation against the next newer one */
static const double inherent_penalty = 40; /* of log-likelihood, for p = 1 */
static const double clearly = 5;           /* of log-likelihood, by which the limit has to win */
static const double harmless = 0.02;

static const double inherent_losses[] = { 0.0002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1,
					  0.125,  0.15,  0.2,  0.25, 0.3,  0.35, 0.4,  0.5 };

void loss_bwe_init(struct loss_bwe *l)
{
	*l = (struct loss_bwe){ 0 };
}

void loss_bwe_forget(struct loss_bwe *l)
{
	loss_bwe_init(l);
}

void loss_bwe_add(struct loss_bwe *l, wlk_time sent, size_t size, bool lost)
{
	if (!l->collecting) {
		l->collecting = true;
		l->began = l->last_sent = sent;
	}
	l->last_sent = MAX(l->last_sent, sent);
	l->bytes += size;
	l->packets++;
	l->lost += lost;
	l->in_a_row = lost ? 0 : l->in_a_row + 1;
}

void loss_bwe_take_back(struct loss_bwe *l)
{
	struct loss_observation *newest = l->count ? &l->window[(l->count - 1) % LOSS_WINDOW] : NULL;

	if (l->lost)
		l->lost--;
	else if (newest && newest->lost)
		newest->lost--;
}

double loss_bwe_recent(const struct loss_bwe *l)
{
	uint32_t packets = 0, lost = 0;

	for (size_t i = 0; i < 3 && i < l->count; i++) {
		const struct loss_observation *o = &l->window[(l->count - 1 - i) % LOSS_WINDOW];

		packets += o->packets;
		lost += o->lost;
	}
	return packets ? (double)lost / packets : 0;
}

/* How well "p whatever is sent, and what is above |bandwidth| too" explains the window. */
static double likelihood(const struct loss_bwe *l, double bandwidth, double p)
{
	size_t known = MIN(l->count, LOSS_WINDOW);
	double sum = -inherent_penalty * p, weight = 1;

	for (size_t i = 0; i < known; i++, weight *= fading) {
		const struct loss_observation *o = &l->window[(l->count - 1 - i) % LOSS_WINDOW];
		double rate = (double)o->bps, loss = p;

		if (rate > bandwidth)
			loss = p + (1 - p) * (rate - bandwidth) / rate;
		loss = MIN(MAX(loss, 0.0001), 0.9999);
		sum += weight * (o->lost * log(loss) + (o->packets - o->lost) * log(1 - loss));
	}
	return sum;
}

static double best_likelihood(const struct loss_bwe *l, double bandwidth)
{
	double best = likelihood(l, bandwidth, inherent_losses[0]);

	for (size_t i = 1; i < ARRAY_SIZE(inherent_losses); i++) {
		double value = likelihood(l, bandwidth, inherent_losses[i]);

		/* One peak: behind it there is nothing to find. */
		if (value < best)
			break;
		best = value;
	}
	return best;
}

static void compare(struct loss_bwe *l, uint64_t rate_bps)
{
	double without = best_likelihood(l, INFINITY), best = without + clearly;
	double limit = 0;

	for (double share = 1.0; share > 0.2; share *= 0.94) {
		double bandwidth = share * (double)rate_bps;
		double value = best_likelihood(l, bandwidth);

		if (value <= best)
			continue;
		best = value;
		limit = bandwidth;
	}
	l->limit_bps = (uint64_t)limit;
}

void loss_bwe_update(struct loss_bwe *l, uint64_t rate_bps)
{
	wlk_time span = l->last_sent - l->began;

	if (l->packets < LOSS_PACKETS_MIN || span < LOSS_INTERVAL_US)
		return;
	l->window[l->count++ % LOSS_WINDOW] = (struct loss_observation){
		.bps = l->bytes * 8 * 1000000 / (uint64_t)span,
		.packets = l->packets,
		.lost = l->lost,
	};
	l->collecting = false;
	l->bytes = 0;
	l->packets = l->lost = 0;
	if (loss_bwe_recent(l) < harmless)
		l->limit_bps = 0;
	else
		compare(l, rate_bps);
}
