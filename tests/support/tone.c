#include "tests/support/tone.h"
#include <math.h>

static const double TURN = 6.283185307179586;

void tone_make(int16_t *pcm, size_t at, size_t count, uint32_t channels, double hertz, uint32_t rate, double amplitude)
{
	for (size_t i = 0; i < count; i++)
		for (uint32_t c = 0; c < channels; c++)
			pcm[i * channels + c] = (int16_t)lrint(amplitude * sin(TURN * hertz * (double)(at + i) / rate));
}

void speech_make(int16_t *pcm, size_t at, size_t count, uint32_t rate)
{
	for (size_t i = 0; i < count; i++) {
		double t = (double)(at + i) / rate, phase = 120 * t + 4 * sin(TURN * 1.3 * t), sum = 0;

		for (int k = 1; k <= 12; k++)
			sum += sin(TURN * phase * k) / k * (k % 4 == 2 ? 2 : 0.6);
		pcm[i] = (int16_t)lrint(3000 * sum * (0.55 + 0.45 * sin(TURN * 2.1 * t)));
	}
}

double tone_amplitude(const int16_t *pcm, size_t count, uint32_t channels, double hertz, uint32_t rate)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < count; i++) {
		re += pcm[i * channels] * cos(TURN * hertz * (double)i / rate);
		im += pcm[i * channels] * sin(TURN * hertz * (double)i / rate);
	}
	return 2 * sqrt(re * re + im * im) / (double)count;
}

double tone_energy(const int16_t *pcm, size_t count, uint32_t channels)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (double)pcm[i * channels] * pcm[i * channels];
	return sum / (double)count;
}

double tone_snr(const int16_t *said, const int16_t *heard, size_t count, size_t max_delay)
{
	double best = -1000;

	for (size_t delay = 0; delay <= max_delay && delay < count; delay++) {
		double signal = 0, noise = 1e-9;

		for (size_t i = 0; i + delay < count; i++) {
			double difference = (double)heard[i + delay] - said[i];

			signal += (double)said[i] * said[i];
			noise += difference * difference;
		}
		best = fmax(best, 10 * log10(signal / noise));
	}
	return best;
}
