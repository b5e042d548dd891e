#include "judge.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "journal.h"

enum { NUMBERS = 1 << 16, HOP = CONTENT_RATE / 200, HEARD_BEEP = 2500, SILENT_BEEP = 1000, REST_US = 300000 };

struct judge {
	struct content content;
	int64_t captured[NUMBERS]; /* by number; 0: never */
	int64_t spoken, ended;
	unsigned captures;

	/* the ear */
	bool beeping;
	int64_t beep_began;

	FILE *shown, *quality, *beeps; /* of the report */
	char *texts[3];
	size_t sizes[3];
};

static double ms_since(const struct judge *j, int64_t time)
{
	return (double)(time - j->spoken) / 1000;
}

__attribute__((format(printf, 2, 3))) static void list_add(FILE *list, const char *format, ...)
{
	va_list args;

	if (ftell(list) > 0)
		fputc(',', list);
	va_start(args, format);
	vfprintf(list, format, args);
	va_end(args);
}

/* ---- pictures ---- */

/* One plane in another size: straight lines between the centres of the pixels. */
static void scale_plane(const uint8_t *from, uint32_t from_width, uint32_t from_height, uint8_t *to, uint32_t width, uint32_t height)
{
	for (uint32_t y = 0; y < height; y++) {
		double v = ((double)y + 0.5) * from_height / height - 0.5;
		uint32_t above = v > 0 ? (uint32_t)v : 0, below = above + 1 < from_height ? above + 1 : above;
		double dv = v > above ? v - above : 0;

		for (uint32_t x = 0; x < width; x++) {
			double u = ((double)x + 0.5) * from_width / width - 0.5;
			uint32_t left = u > 0 ? (uint32_t)u : 0, right = left + 1 < from_width ? left + 1 : left;
			double du = u > left ? u - left : 0;
			double top = from[above * from_width + left] * (1 - du) + from[above * from_width + right] * du;
			double bottom = from[below * from_width + left] * (1 - du) + from[below * from_width + right] * du;

			to[y * width + x] = (uint8_t)(top * (1 - dv) + bottom * dv + 0.5);
		}
	}
}

static void scale(const struct quality_picture *from, uint8_t *to)
{
	for (int plane = 0; plane < 3; plane++) {
		uint32_t width = plane ? CONTENT_WIDTH / 2 : CONTENT_WIDTH, height = plane ? CONTENT_HEIGHT / 2 : CONTENT_HEIGHT;

		scale_plane(from->data[plane], (uint32_t)from->stride[plane], plane ? (from->height + 1) / 2 : from->height, to, width, height);
		to += (size_t)width * height;
	}
}

static void look(struct judge *j, const struct journal_entry *e, const uint8_t *pixels)
{
	static uint8_t captured[CONTENT_PICTURE_SIZE], scaled[CONTENT_PICTURE_SIZE];
	struct quality_picture shown = quality_picture_packed(pixels, e->width, e->height);
	struct quality_picture before = quality_picture_packed(captured, CONTENT_WIDTH, CONTENT_HEIGHT);

	content_picture(&j->content, e->number, captured);
	if (e->width != CONTENT_WIDTH || e->height != CONTENT_HEIGHT) {
		scale(&shown, scaled);
		shown = quality_picture_packed(scaled, CONTENT_WIDTH, CONTENT_HEIGHT);
	}
	list_add(j->quality, "[%.0f,%.2f,%.4f]", ms_since(j, e->time), quality_psnr(&before, &shown), quality_ssim(&before, &shown));
}

static bool holds_picture(const struct journal_entry *e)
{
	uint64_t half = (uint64_t)((e->width + 1) / 2) * ((e->height + 1) / 2);

	return e->size && e->size == (uint64_t)e->width * e->height + 2 * half;
}

static void on_shown(struct judge *j, const struct journal_entry *e, const void *pixels)
{
	int64_t captured = j->captured[e->number % NUMBERS];

	if (!captured) /* the number cannot be read, or it is a picture of black from before the first */
		return;
	list_add(j->shown, "[%.1f,%.1f]", ms_since(j, e->time), (double)(e->time - captured) / 1000);
	if (holds_picture(e))
		look(j, e, pixels);
}

/* ---- sound ---- */

/* The beep begins somewhere in a hop; in its middle, on the average. */
static void on_beep(struct judge *j, int64_t at)
{
	int64_t said = (at - j->spoken - CONTENT_BEEP_AT_US) / CONTENT_BEEP_EVERY_US * CONTENT_BEEP_EVERY_US + CONTENT_BEEP_AT_US;

	if (at - j->spoken < CONTENT_BEEP_AT_US)
		return;
	list_add(j->beeps, "[%.1f,%.1f]", ms_since(j, at), ms_since(j, at) - (double)said / 1000);
}

static void listen(struct judge *j, const struct journal_entry *e, const int16_t *pcm)
{
	for (size_t at = 0; at + HOP <= e->size / sizeof(*pcm); at += HOP) {
		double amplitude = content_beep_amplitude(pcm + at, HOP);
		int64_t when = e->time + (int64_t)at * 1000000 / CONTENT_RATE;

		if (!j->beeping && amplitude > HEARD_BEEP && when - j->beep_began > REST_US) {
			j->beeping = true;
			j->beep_began = when;
			on_beep(j, when);
		} else if (amplitude < SILENT_BEEP) {
			j->beeping = false;
		}
	}
}

/* ---- the whole ---- */

static void take(struct judge *j, const struct journal_entry *e, const void *data)
{
	switch (e->kind) {
	case JOURNAL_CAPTURED:
		j->captured[e->number % NUMBERS] = e->time;
		j->captures++;
		break;
	case JOURNAL_SHOWN:
		on_shown(j, e, data);
		break;
	case JOURNAL_SPOKEN:
		j->spoken = e->time;
		break;
	case JOURNAL_HEARD:
		if (j->spoken && data)
			listen(j, e, data);
		break;
	case JOURNAL_ENDED:
		j->ended = e->time;
		break;
	default:
		break;
	}
}

static bool read_journal(struct judge *j, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct journal_entry entry;
	void *data;

	if (!file) {
		perror(path);
		return false;
	}
	while (!j->ended && journal_read(file, &entry, &data)) {
		take(j, &entry, data);
		free(data);
	}
	fclose(file);
	return j->spoken && j->ended;
}

bool judge_run(const char *content, const char *journal)
{
	static struct judge j;
	FILE **lists[] = { &j.shown, &j.quality, &j.beeps };
	bool done;

	for (int i = 0; i < 3; i++) {
		*lists[i] = open_memstream(&j.texts[i], &j.sizes[i]);
		if (!*lists[i])
			return false;
	}
	done = content_load(&j.content, content) && read_journal(&j, journal);
	for (int i = 0; i < 3; i++)
		fclose(*lists[i]);
	if (done)
		printf("{\"shown\":[%s],\"quality\":[%s],\"beeps\":[%s],\"captured\":%u,\"ms\":%.0f}\n", j.texts[0], j.texts[1],
		       j.texts[2], j.captures, ms_since(&j, j.ended));
	else
		fprintf(stderr, "%s: not the journal of a call\n", journal);
	for (int i = 0; i < 3; i++)
		free(j.texts[i]);
	content_free(&j.content);
	return done;
}
