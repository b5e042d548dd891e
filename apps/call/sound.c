#include "sound.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979

enum { TONE_HZ = 440 };

static uint32_t u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t u16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

/* RIFF: chunks of a name, a size and an even number of bytes; "fmt " comes before "data". */
static bool read_head(struct sound_input *in)
{
	uint8_t head[12], chunk[8], format[16];

	if (fread(head, 1, 12, in->file) != 12 || memcmp(head, "RIFF", 4) || memcmp(head + 8, "WAVE", 4))
		return false;
	while (fread(chunk, 1, 8, in->file) == 8) {
		long size = (long)(u32(chunk + 4) & 0x7fffffff);

		if (!memcmp(chunk, "data", 4)) {
			in->first = ftell(in->file);
			in->size = in->left = size;
			return in->rate && size >= (long)(in->channels * 2 * in->rate / 1000 * SOUND_MS);
		}
		if (!memcmp(chunk, "fmt ", 4) && size >= 16) {
			if (fread(format, 1, 16, in->file) != 16 || u16(format + 14) != 16)
				return false;
			in->channels = u16(format + 2);
			in->rate = u32(format + 4);
			size -= 16;
			if (in->channels < 1 || in->channels > 2 || in->rate < 8000 || in->rate > 192000 || in->rate % 100)
				return false;
		}
		if (fseek(in->file, size + size % 2, SEEK_CUR))
			return false;
	}
	return false;
}

bool sound_input_open(struct sound_input *in, const char *path)
{
	*in = (struct sound_input){ .rate = 48000, .channels = 1 };
	if (!path)
		return true;
	in->file = fopen(path, "rb");
	in->rate = 0;
	if (!in->file || !read_head(in)) {
		fprintf(stderr, "%s: not a WAV file of 16 bits that can be read\n", path);
		return false;
	}
	return true;
}

void sound_input_close(struct sound_input *in)
{
	if (in->file)
		fclose(in->file);
}

static bool read_samples(struct sound_input *in, size_t count)
{
	size_t bytes = count * in->channels * 2;

	if (in->left < (long)bytes) {
		if (fseek(in->file, in->first, SEEK_SET))
			return false;
		in->left = in->size;
	}
	in->left -= (long)bytes;
	return fread(in->samples, 1, bytes, in->file) == bytes;
}

static void make_tone(struct sound_input *in, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		in->samples[i] = (int16_t)(8000 * sin(in->phase));
		in->phase = fmod(in->phase + 2 * PI * TONE_HZ / in->rate, 2 * PI);
	}
}

bool sound_input_next(struct sound_input *in, wlk_audio_frame *out)
{
	size_t count = (size_t)in->rate * SOUND_MS / 1000;
	if (in->file && !read_samples(in, count))
		return false;
	if (!in->file)
		make_tone(in, count);
	*out = (wlk_audio_frame)WLK_AUDIO_FRAME_INIT;
	out->samples = in->samples;
	out->count = count;
	out->rate = in->rate;
	out->channels = in->channels;
	return true;
}

static void write_head(struct sound_output *out)
{
	uint8_t head[44] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0\2\0\20\0data";
	const struct {
		size_t at;
		uint32_t value;
	} fields[] = { { 4, out->bytes + 36 }, { 24, SOUND_OUT_RATE }, { 28, SOUND_OUT_RATE * 2 }, { 40, out->bytes } };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		for (size_t k = 0; k < 4; k++)
			head[fields[i].at + k] = (uint8_t)(fields[i].value >> (8 * k));
	fseek(out->file, 0, SEEK_SET);
	fwrite(head, 1, sizeof(head), out->file);
}

bool sound_output_open(struct sound_output *out, const char *path)
{
	*out = (struct sound_output){ NULL, 0 };
	if (!path)
		return true;
	out->file = fopen(path, "wb");
	if (!out->file)
		perror(path);
	else
		write_head(out);
	return out->file;
}

void sound_output_write(struct sound_output *out, const int16_t *samples, size_t count)
{
	if (!out->file)
		return;
	fwrite(samples, 2, count, out->file);
	out->bytes += (uint32_t)(count * 2);
}

void sound_output_close(struct sound_output *out)
{
	if (!out->file)
		return;
	write_head(out);
	fclose(out->file);
}

void sound_meter_take(struct sound_meter *meter, const int16_t *samples, size_t count)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < count; i++) {
		double phase = 2 * PI * TONE_HZ * (double)i / SOUND_OUT_RATE;

		re += samples[i] * cos(phase);
		im += samples[i] * sin(phase);
		meter->all += (double)samples[i] * samples[i];
	}
	meter->tone += count ? 2 * (re * re + im * im) / (double)count : 0;
}

double sound_meter_share(const struct sound_meter *meter)
{
	return meter->all > 0 ? meter->tone / meter->all : 0;
}
