#include "picture.h"

#include <stdlib.h>
#include <string.h>

static bool make_planes(struct picture_input *in)
{
	for (int i = 0; i < 3; i++) {
		in->stride[i] = i ? (in->width + 1) / 2 : in->width;
		in->data[i] = calloc(i ? (in->height + 1) / 2 : in->height, in->stride[i]);
		if (!in->data[i])
			return false;
	}
	return true;
}

/* "YUV4MPEG2 W640 H480 F30:1 ... C420jpeg", then a line "FRAME..." in front of each picture. */
static bool read_head(struct picture_input *in)
{
	char line[256], *save = NULL;
	unsigned long over = 30, under = 1;

	if (!fgets(line, sizeof(line), in->file) || strncmp(line, "YUV4MPEG2 ", 10) || !strchr(line, '\n'))
		return false;
	for (char *word = strtok_r(line + 10, " \n", &save), *end; word; word = strtok_r(NULL, " \n", &save)) {
		if (*word == 'W')
			in->width = (uint32_t)strtoul(word + 1, NULL, 10);
		else if (*word == 'H')
			in->height = (uint32_t)strtoul(word + 1, NULL, 10);
		else if (*word == 'F') {
			over = strtoul(word + 1, &end, 10);
			under = *end == ':' ? strtoul(end + 1, NULL, 10) : 1;
		} else if (*word == 'C' && (strncmp(word, "C420", 4) || (word[4] == 'p' && word[5] >= '0' && word[5] <= '9'))) {
			return false; /* other colour formats, or more than 8 bits */
		}
	}
	in->fps = under ? (double)over / (double)under : 0;
	in->first = ftell(in->file);
	return in->width && in->width <= 8192 && in->height && in->height <= 8192 && in->fps >= 1 && in->fps <= 240;
}

bool picture_input_open(struct picture_input *in, const char *path, uint32_t width, uint32_t height, uint32_t fps)
{
	*in = (struct picture_input){ .width = width, .height = height, .fps = fps };
	if (path) {
		in->file = fopen(path, "rb");
		if (!in->file || !read_head(in)) {
			fprintf(stderr, "%s: not a Y4M file of 4:2:0 that can be read\n", path);
			return false;
		}
	}
	return make_planes(in);
}

void picture_input_close(struct picture_input *in)
{
	if (in->file)
		fclose(in->file);
	for (int i = 0; i < 3; i++)
		free(in->data[i]);
}

static bool read_frame(struct picture_input *in)
{
	char line[128];

	if (!fgets(line, sizeof(line), in->file) || strncmp(line, "FRAME", 5))
		return false;
	for (int i = 0; i < 3; i++) {
		size_t rows = i ? (in->height + 1) / 2 : in->height;

		if (fread(in->data[i], in->stride[i], rows, in->file) != rows)
			return false;
	}
	return true;
}

/* A ball over a field that goes by, and the seconds as squares along the bottom. */
static void draw(struct picture_input *in)
{
	uint32_t n = in->number, w = in->width, h = in->height, bar = h - h / 12;
	int cx = (int)(n * 5 % w), cy = (int)(h / 4 + n * 3 % (h / 3)), r = (int)h / 8;

	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++) {
			int dx = (int)x - cx, dy = (int)y - cy;
			uint32_t value = 48 + x * 80 / w + y * 48 / h + (((x + n) / 24 + y / 24) % 2) * 16;

			if (y >= bar)
				value = (n / (uint32_t)in->fps) >> (x * 16 / w) & 1 ? 220 : 30;
			else if (dx * dx + dy * dy < r * r)
				value = (uint32_t)(205 - (dx + dy) / 4);
			in->data[0][y * in->stride[0] + x] = (uint8_t)value;
		}
	for (uint32_t y = 0; y < (h + 1) / 2; y++)
		for (uint32_t x = 0; x < (w + 1) / 2; x++) {
			in->data[1][y * in->stride[1] + x] = (uint8_t)(96 + x * 128 / w);
			in->data[2][y * in->stride[2] + x] = (uint8_t)(160 - y * 128 / h);
		}
}

bool picture_input_next(struct picture_input *in, wlk_video_frame *out)
{
	if (!in->file) {
		draw(in);
	} else if (!read_frame(in)) {
		if (fseek(in->file, in->first, SEEK_SET) || !read_frame(in))
			return false;
	}
	in->number++;
	*out = (wlk_video_frame)WLK_VIDEO_FRAME_INIT;
	out->width = in->width;
	out->height = in->height;
	for (int i = 0; i < 3; i++) {
		out->data[i] = in->data[i];
		out->stride[i] = in->stride[i];
	}
	return true;
}

bool picture_output_open(struct picture_output *out, const char *path, uint32_t width, uint32_t height)
{
	*out = (struct picture_output){ NULL, width, height, NULL };
	if (!path)
		return true;
	out->file = fopen(path, "wb");
	if (!out->file)
		perror(path);
	return out->file;
}

static bool begin(struct picture_output *out, const wlk_video_frame *frame, uint32_t fps)
{
	if (out->row)
		return true;
	if (!out->width || !out->height) {
		out->width = frame->width;
		out->height = frame->height;
	}
	out->row = malloc(out->width);
	if (!out->row)
		return false;
	fprintf(out->file, "YUV4MPEG2 W%u H%u F%u:1 Ip A1:1 C420jpeg\n", out->width, out->height, fps);
	return true;
}

/* Where pixel |at| of |to| lies among |from|, in 1/256 of a pixel: their middles coincide. */
static uint32_t position(uint32_t at, uint32_t from, uint32_t to)
{
	int64_t place = (int64_t)(2 * at + 1) * from * 256 / (2 * to) - 128, most = (int64_t)(from - 1) * 256;

	return (uint32_t)(place < 0 ? 0 : place > most ? most : place);
}

/* Bilinear. */
static void scale_row(uint8_t *out, uint32_t width, const uint8_t *upper, const uint8_t *lower, uint32_t weight, uint32_t from)
{
	for (uint32_t x = 0; x < width; x++) {
		uint32_t place = position(x, from, width), left = place / 256, right = left + 1 < from ? left + 1 : left, part = place % 256;
		uint32_t top = upper[left] * (256 - part) + upper[right] * part, bottom = lower[left] * (256 - part) + lower[right] * part;

		out[x] = (uint8_t)((top * (256 - weight) + bottom * weight + 32768) / 65536);
	}
}

static void write_plane(struct picture_output *out, const uint8_t *data, size_t stride, const uint32_t from[2], const uint32_t to[2])
{
	for (uint32_t y = 0; y < to[1]; y++) {
		uint32_t place = position(y, from[1], to[1]), above = place / 256, below = above + 1 < from[1] ? above + 1 : above;

		if (from[0] == to[0] && from[1] == to[1]) {
			fwrite(data + y * stride, 1, to[0], out->file);
			continue;
		}
		scale_row(out->row, to[0], data + above * stride, data + below * stride, place % 256, from[0]);
		fwrite(out->row, 1, to[0], out->file);
	}
}

void picture_output_write(struct picture_output *out, const wlk_video_frame *frame, uint32_t fps)
{
	if (!out->file || !begin(out, frame, fps))
		return;
	fputs("FRAME\n", out->file);
	for (int i = 0; i < 3; i++) {
		uint32_t round = i > 0, shift = i > 0;
		const uint32_t from[2] = { (frame->width + round) >> shift, (frame->height + round) >> shift };
		const uint32_t to[2] = { (out->width + round) >> shift, (out->height + round) >> shift };

		write_plane(out, frame->data[i], frame->stride[i], from, to);
	}
}

void picture_output_close(struct picture_output *out)
{
	if (out->file && fclose(out->file))
		perror("the file of pictures is not complete");
	free(out->row);
}
