#include "content.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sound.h"

enum {
	SCENES = 4, /* with a cut between them */
	SCENE_PICTURES = CONTENT_PICTURES / SCENES,
	TEXTURE = 1024, /* a power of two */
	OCTAVES = 6,
	GRAIN = 7, /* film noise, in values from 0 */
	BITS = 16,
	STRIP = CONTENT_HEIGHT / 16,
	DISCS = 3,
	BEEP_MS = 40,
};

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* ---- pictures ---- */

/* One octave of value noise that repeats at the borders: random heights |cell| pixels apart, and straight lines between. */
static void add_octave(float *texture, uint32_t *seed, uint32_t cell, float amplitude)
{
	uint32_t count = TEXTURE / cell;
	float *heights = malloc((size_t)count * count * sizeof(*heights));

	for (uint32_t i = 0; heights && i < count * count; i++)
		heights[i] = (float)(draw(seed) & 0xffff) / 65535 - 0.5f;
	for (uint32_t y = 0; heights && y < TEXTURE; y++) {
		const float *above = heights + y / cell * count, *below = heights + (y / cell + 1) % count * count;
		float v = (float)(y % cell) / (float)cell;

		for (uint32_t x = 0; x < TEXTURE; x++) {
			uint32_t left = x / cell, right = (left + 1) % count;
			float u = (float)(x % cell) / (float)cell;

			texture[y * TEXTURE + x] += amplitude * ((above[left] * (1 - u) + above[right] * u) * (1 - v) +
								 (below[left] * (1 - u) + below[right] * u) * v);
		}
	}
	free(heights);
}

static void make_texture(uint8_t *out, uint32_t seed)
{
	float *texture = calloc((size_t)TEXTURE * TEXTURE, sizeof(*texture));

	for (uint32_t octave = 0; texture && octave < OCTAVES; octave++)
		add_octave(texture, &seed, 128u >> octave, 130.0f / (float)(1u << octave) + 6);
	for (size_t i = 0; texture && i < (size_t)TEXTURE * TEXTURE; i++) {
		float value = 120 + texture[i];

		out[i] = (uint8_t)(value < 16 ? 16 : value > 228 ? 228 : value);
	}
	free(texture);
}

struct scene {
	const uint8_t *wall, *body; /* textures */
	int pan_x, pan_y;           /* pixels a picture */
	uint32_t number;            /* of the picture in the scene */
	uint8_t tint_u, tint_v;
};

static uint8_t texel(const uint8_t *texture, int x, int y)
{
	return texture[((uint32_t)y & (TEXTURE - 1)) * TEXTURE + ((uint32_t)x & (TEXTURE - 1))];
}

/* The disc that covers a place, or -1. They swing across the picture, each at its own pace. */
static int disc_at(const int centres[DISCS][2], int x, int y)
{
	for (int i = 0; i < DISCS; i++) {
		int dx = x - centres[i][0], dy = y - centres[i][1], radius = 40 + 25 * i;

		if (dx * dx + dy * dy < radius * radius)
			return i;
	}
	return -1;
}

static void draw_picture(const struct scene *s, uint32_t *grain, uint8_t *out)
{
	int centres[DISCS][2], pan_x = s->pan_x * (int)s->number, pan_y = s->pan_y * (int)s->number;
	uint8_t *u = out + CONTENT_WIDTH * CONTENT_HEIGHT, *v = u + CONTENT_WIDTH * CONTENT_HEIGHT / 4;

	for (int i = 0; i < DISCS; i++) {
		centres[i][0] = (int)(CONTENT_WIDTH / 2 + 240 * sin(s->number * (0.05 + 0.02 * i) + i));
		centres[i][1] = (int)(CONTENT_HEIGHT / 2 + 150 * cos(s->number * (0.04 + 0.03 * i) + 2 * i));
	}
	for (int y = 0; y < CONTENT_HEIGHT; y++) {
		for (int x = 0; x < CONTENT_WIDTH; x++) {
			int disc = disc_at((const int(*)[2])centres, x, y);
			uint8_t value = disc < 0 ? texel(s->wall, x + pan_x, y + pan_y) :
						   texel(s->body, x - centres[disc][0], y - centres[disc][1] + 300 * disc);

			out[y * CONTENT_WIDTH + x] = (uint8_t)(value + draw(grain) % GRAIN);
			if (x % 2 || y % 2)
				continue;
			u[y / 2 * (CONTENT_WIDTH / 2) + x / 2] = (uint8_t)(disc < 0 ? s->tint_u : 96 + 30 * disc);
			v[y / 2 * (CONTENT_WIDTH / 2) + x / 2] = (uint8_t)(disc < 0 ? s->tint_v + value / 8 : 160 - 30 * disc);
		}
	}
}

static bool write_film(FILE *file)
{
	uint8_t *walls = malloc((size_t)2 * TEXTURE * TEXTURE), *picture = malloc(CONTENT_PICTURE_SIZE);
	uint32_t grain = 1;
	bool done = walls && picture;

	for (uint32_t n = 0; done && n < CONTENT_PICTURES; n++) {
		uint32_t scene = n / SCENE_PICTURES;
		struct scene s = {
			.wall = walls,
			.body = walls + (size_t)TEXTURE * TEXTURE,
			.pan_x = (int)scene % 2 ? -2 : 3,
			.pan_y = (int)scene / 2,
			.number = n % SCENE_PICTURES,
			.tint_u = (uint8_t)(110 + 12 * scene),
			.tint_v = (uint8_t)(120 - 8 * scene),
		};

		if (!s.number) {
			make_texture(walls, 7 * scene + 1);
			make_texture(walls + (size_t)TEXTURE * TEXTURE, 7 * scene + 4);
		}
		draw_picture(&s, &grain, picture);
		done = fwrite(picture, CONTENT_PICTURE_SIZE, 1, file) == 1;
	}
	free(walls);
	free(picture);
	return done;
}

void content_picture(const struct content *c, uint32_t number, uint8_t out[CONTENT_PICTURE_SIZE])
{
	uint8_t *strip = out + (CONTENT_HEIGHT - STRIP) * CONTENT_WIDTH;
	size_t colour = (size_t)CONTENT_WIDTH / 2 * (STRIP / 2), plane = (size_t)CONTENT_WIDTH * CONTENT_HEIGHT / 4;

	memcpy(out, c->pictures + (size_t)(number % CONTENT_PICTURES) * CONTENT_PICTURE_SIZE, CONTENT_PICTURE_SIZE);
	for (uint32_t y = 0; y < STRIP; y++)
		for (uint32_t x = 0; x < CONTENT_WIDTH; x++)
			strip[y * CONTENT_WIDTH + x] = number >> x * BITS / CONTENT_WIDTH & 1 ? 220 : 30;
	for (size_t i = 1; i <= 2; i++)
		memset(out + CONTENT_WIDTH * CONTENT_HEIGHT + i * plane - colour, 128, colour);
}

uint32_t content_number(const struct quality_picture *picture)
{
	uint32_t y = picture->height - picture->height / 32, number = 0;

	for (uint32_t bit = 0; bit < BITS; bit++) {
		uint32_t x = (2 * bit + 1) * picture->width / (2 * BITS);

		if (picture->data[0][y * picture->stride[0] + x] > 125)
			number |= 1u << bit;
	}
	return number;
}

/* ---- sound ---- */

static bool write_speech(FILE *file)
{
	int16_t *pcm = calloc(CONTENT_SAMPLES, sizeof(*pcm));
	uint32_t seed = 1;
	bool done = false;

	if (!pcm)
		return false;
	sound_add_speech(pcm, CONTENT_SAMPLES, 130, 5000);
	sound_add_noise(pcm, CONTENT_SAMPLES, 100, &seed);
	for (size_t second = 0; second < CONTENT_SECONDS; second++)
		sound_add_tone(pcm + second * CONTENT_RATE + (size_t)CONTENT_BEEP_AT_US * CONTENT_RATE / 1000000,
			       CONTENT_RATE / 1000 * BEEP_MS, CONTENT_BEEP_HZ, 9000, 0);
	done = fwrite(pcm, sizeof(*pcm), CONTENT_SAMPLES, file) == CONTENT_SAMPLES;
	free(pcm);
	return done;
}

double content_beep_amplitude(const int16_t *pcm, size_t count)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < count; i++) {
		double phase = 2 * M_PI * CONTENT_BEEP_HZ * (double)i / CONTENT_RATE;

		re += pcm[i] * cos(phase);
		im += pcm[i] * sin(phase);
	}
	return 2 * sqrt(re * re + im * im) / (double)count;
}

/* ---- files ---- */

static FILE *open_in(const char *folder, const char *name, const char *mode)
{
	size_t size = strlen(folder) + strlen(name) + 2;
	char *path = malloc(size);
	FILE *file;

	if (!path)
		return NULL;
	snprintf(path, size, "%s/%s", folder, name);
	file = fopen(path, mode);
	if (!file)
		perror(path);
	free(path);
	return file;
}

static bool write_file(const char *folder, const char *name, bool (*write_content)(FILE *))
{
	FILE *file = open_in(folder, name, "wb");
	bool done = file && write_content(file);

	return file && fclose(file) == 0 && done;
}

bool content_write(const char *folder)
{
	return write_file(folder, "film.i420", write_film) && write_file(folder, "speech.s16", write_speech);
}

static void *read_file(const char *folder, const char *name, size_t size)
{
	FILE *file = open_in(folder, name, "rb");
	void *data = file ? malloc(size) : NULL;

	if (data && fread(data, size, 1, file) != 1) {
		free(data);
		data = NULL;
	}
	if (file)
		fclose(file);
	return data;
}

bool content_load(struct content *c, const char *folder)
{
	c->pictures = read_file(folder, "film.i420", (size_t)CONTENT_PICTURES * CONTENT_PICTURE_SIZE);
	c->sound = read_file(folder, "speech.s16", CONTENT_SAMPLES * sizeof(*c->sound));
	return c->pictures && c->sound;
}

void content_free(struct content *c)
{
	free(c->pictures);
	free(c->sound);
}
