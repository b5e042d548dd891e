#include "sound.h"

#include <math.h>
#include <stdlib.h>

static int16_t add(int16_t have, double more)
{
	double sum = have + more;

	return (int16_t)lrint(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
}

void sound_add_tone(int16_t *pcm, size_t count, double hz, double amplitude, size_t from)
{
	for (size_t i = 0; i < count; i++)
		pcm[i] = add(pcm[i], amplitude * sin(2 * M_PI * hz * (double)(from + i) / SOUND_RATE));
}

static double uniform(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (double)(int32_t)*seed / 2147483648.0;
}

void sound_add_noise(int16_t *pcm, size_t count, double amplitude, uint32_t *seed)
{
	for (size_t i = 0; i < count; i++)
		pcm[i] = add(pcm[i], amplitude * uniform(seed));
}

struct resonator {
	double a1, a2, gain, y1, y2;
};

static struct resonator resonator(double hz, double width)
{
	double r = exp(-M_PI * width / SOUND_RATE), theta = 2 * M_PI * hz / SOUND_RATE;

	return (struct resonator){ .a1 = 2 * r * cos(theta), .a2 = -r * r, .gain = (1 - r) * sin(theta) };
}

static double resonate(struct resonator *f, double x)
{
	double y = f->gain * x + f->a1 * f->y1 + f->a2 * f->y2;

	f->y2 = f->y1;
	f->y1 = y;
	return y;
}

static void add_voice(int16_t *pcm, size_t count, double pitch_hz, double amplitude, size_t on, size_t off)
{
	struct resonator formants[] = { resonator(700, 90), resonator(1220, 110), resonator(2600, 160) };
	double phase = 0, last = 0, gate = 0;

	for (size_t i = 0; i < count; i++) {
		double hz = pitch_hz * (1 + 0.02 * sin(2 * M_PI * 1.3 * (double)i / SOUND_RATE)), pulse = 0, y = 0;
		int sounds = i % (on + off) < on;

		phase += hz / SOUND_RATE;
		if (phase >= 1) {
			phase -= 1;
			pulse = 1;
		}
		last = 0.96 * last + pulse; /* the glottis closes faster than it opens */
		for (size_t f = 0; f < 3; f++)
			y += resonate(&formants[f], last);
		gate += ((double)sounds - gate) * 0.001;
		pcm[i] = add(pcm[i], amplitude * 18 * gate * y);
	}
}

void sound_add_voice(int16_t *pcm, size_t count, double pitch_hz, double amplitude)
{
	add_voice(pcm, count, pitch_hz, amplitude, 1, 0);
}

void sound_add_speech(int16_t *pcm, size_t count, double pitch_hz, double amplitude)
{
	add_voice(pcm, count, pitch_hz, amplitude, SOUND_RATE * 3 / 10, SOUND_RATE / 5);
}

double sound_rms(const int16_t *pcm, size_t count)
{
	double energy = 0;

	for (size_t i = 0; i < count; i++)
		energy += (double)pcm[i] * pcm[i];
	return count ? sqrt(energy / (double)count) : 0;
}

int sound_largest_step(const int16_t *pcm, size_t count)
{
	int largest = 0;

	for (size_t i = 1; i < count; i++) {
		int step = abs(pcm[i] - pcm[i - 1]);

		largest = step > largest ? step : largest;
	}
	return largest;
}

static double window_at(size_t i, size_t count)
{
	double x = 2 * M_PI * ((double)i + 0.5) / (double)count;

	return 0.42 - 0.5 * cos(x) + 0.08 * cos(2 * x);
}

/* Energy in the bin of |hz|, by Goertzel's recursion over the windowed sound. */
static double energy_at(const int16_t *pcm, size_t count, double hz)
{
	double w = 2 * cos(2 * M_PI * hz / SOUND_RATE), s1 = 0, s2 = 0;

	for (size_t i = 0; i < count; i++) {
		double s0 = pcm[i] * window_at(i, count) + w * s1 - s2;

		s2 = s1;
		s1 = s0;
	}
	return s1 * s1 + s2 * s2 - w * s1 * s2;
}

double sound_share_at(const int16_t *pcm, size_t count, double hz)
{
	double all = 0, here = 0, bin = (double)SOUND_RATE / (double)count;

	for (size_t i = 0; i < count; i++) {
		double x = pcm[i] * window_at(i, count);

		all += x * x;
	}
	for (int i = -2; i <= 2; i++)
		here += energy_at(pcm, count, hz + i * bin);
	return all > 0 ? here * 2 / (all * (double)count) : 0;
}

double sound_pitch(const int16_t *pcm, size_t count)
{
	double best = 0;
	size_t best_lag = 1;

	for (size_t lag = SOUND_RATE / 400; lag <= SOUND_RATE / 60 && lag * 2 < count; lag++) {
		double product = 0, a = 1, b = 1;

		for (size_t i = 0; i + lag < count; i++) {
			product += (double)pcm[i] * pcm[i + lag];
			a += (double)pcm[i] * pcm[i];
			b += (double)pcm[i + lag] * pcm[i + lag];
		}
		product /= sqrt(a * b);
		if (product > best + 0.03 || (product > best && lag < best_lag + 20)) {
			best = product;
			best_lag = lag;
		}
	}
	return (double)SOUND_RATE / (double)best_lag;
}

double sound_peak(const int16_t *pcm, size_t count, double low, double high)
{
	double best = -1, at = low;

	for (double hz = low; hz <= high; hz += 1) {
		double energy = energy_at(pcm, count, hz);

		if (energy > best) {
			best = energy;
			at = hz;
		}
	}
	return at;
}
