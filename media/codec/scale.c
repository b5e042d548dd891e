#include "core/alloc.h"
#include "media/codec/convert.h"
#include <string.h>

/*
 * Both directions are done one after the other, each as a table: a new pixel is a weighted sum of a run of old ones. When it
 * shrinks, the weights are the share of each old pixel that the new one covers; when it grows, the two nearest are blended. Rows
 * that were summed up across are kept with 6 more bits until the columns are summed up.
 */
enum { WEIGHT_BITS = 14, EXTRA_BITS = 6 };

struct run {
	uint32_t first, count;
	const uint16_t *weights; /* add up to 1 << WEIGHT_BITS */
};

struct runs {
	struct run *run; /* one for each new pixel; the weights stand in the same block */
	uint32_t longest;
};

static uint32_t longest_run(uint32_t from, uint32_t to)
{
	return from > to ? from / to + 2 : 2;
}

/* What the new pixel |at| covers, in units of 1/to of an old one. */
static uint32_t area_weights(uint32_t from, uint32_t to, uint32_t at, uint32_t *first, double *out)
{
	uint64_t begin = (uint64_t)at * from, end = begin + from;
	uint32_t count = 0;

	*first = (uint32_t)(begin / to);
	for (uint64_t pixel = *first; pixel * to < end; pixel++) {
		uint64_t left = MAX(pixel * to, begin), right = MIN((pixel + 1) * to, end);

		out[count++] = (double)(right - left) / from;
	}
	return count;
}

/* The two old pixels whose middles are nearest to the new one's. */
static uint32_t linear_weights(uint32_t from, uint32_t to, uint32_t at, uint32_t *first, double *out)
{
	double middle = (at + 0.5) * from / to - 0.5;

	if (middle <= 0 || from == 1) {
		*first = 0;
		out[0] = 1;
		return 1;
	}
	*first = MIN((uint32_t)middle, from - 1);
	if (*first == from - 1) {
		out[0] = 1;
		return 1;
	}
	out[1] = middle - *first;
	out[0] = 1 - out[1];
	return 2;
}

/* Rounded so that they add up exactly: else a white picture would not stay white. */
static void fix_weights(const double *exact, uint32_t count, uint16_t *out)
{
	int sum = 0;
	uint32_t largest = 0;

	for (uint32_t i = 0; i < count; i++) {
		out[i] = (uint16_t)(exact[i] * (1 << WEIGHT_BITS) + 0.5);
		sum += out[i];
		if (out[i] > out[largest])
			largest = i;
	}
	out[largest] = (uint16_t)(out[largest] + (1 << WEIGHT_BITS) - sum);
}

static bool runs_make(struct runs *runs, uint32_t from, uint32_t to)
{
	uint32_t longest = longest_run(from, to);
	size_t heads = to * sizeof(struct run);
	double *exact = wlk_malloc(longest * sizeof(*exact));

	runs->run = exact ? wlk_malloc(heads + (size_t)to * longest * sizeof(uint16_t)) : NULL;
	runs->longest = longest;
	for (uint32_t i = 0; runs->run && i < to; i++) {
		uint16_t *weights = (uint16_t *)(void *)((uint8_t *)runs->run + heads) + (size_t)i * longest;
		struct run *r = &runs->run[i];

		r->count = from > to ? area_weights(from, to, i, &r->first, exact) : linear_weights(from, to, i, &r->first, exact);
		assert(r->count <= longest && r->first + r->count <= from && "a run lies inside of the row");
		fix_weights(exact, r->count, weights);
		r->weights = weights;
	}
	wlk_free(exact);
	return runs->run != NULL;
}

static void scale_row(const struct runs *across, const uint8_t *row, uint32_t width, uint16_t *out)
{
	for (uint32_t x = 0; x < width; x++) {
		const struct run *r = &across->run[x];
		const uint8_t *from = row + r->first;
		uint32_t sum = 0;

		for (uint32_t i = 0; i < r->count; i++)
			sum += (uint32_t)from[i] * r->weights[i];
		out[x] = (uint16_t)((sum + (1u << (WEIGHT_BITS - EXTRA_BITS - 1))) >> (WEIGHT_BITS - EXTRA_BITS));
	}
}

/* Rows that were scaled across, by their number modulo what a new row needs at most. */
struct row_cache {
	uint16_t *rows;
	uint32_t count;
	uint32_t done; /* rows before this one were made */
};

static void scale_plane(const struct runs *across, const struct runs *down, struct row_cache *cache, uint32_t *sums,
			const uint8_t *from, size_t from_stride, uint8_t *to, size_t to_stride, uint32_t width, uint32_t height)
{
	cache->done = 0;
	for (uint32_t y = 0; y < height; y++) {
		const struct run *r = &down->run[y];

		for (cache->done = MAX(cache->done, r->first); cache->done < r->first + r->count; cache->done++)
			scale_row(across, from + cache->done * from_stride, width,
				  cache->rows + (size_t)(cache->done % cache->count) * width);
		for (uint32_t x = 0; x < width; x++)
			sums[x] = 1u << (WEIGHT_BITS + EXTRA_BITS - 1);
		for (uint32_t i = 0; i < r->count; i++) {
			const uint16_t *row = cache->rows + (size_t)((r->first + i) % cache->count) * width;
			uint32_t weight = r->weights[i];

			for (uint32_t x = 0; x < width; x++)
				sums[x] += row[x] * weight;
		}
		for (uint32_t x = 0; x < width; x++)
			to[y * to_stride + x] = (uint8_t)(sums[x] >> (WEIGHT_BITS + EXTRA_BITS));
	}
}

static bool scale_planes(const struct video_frame *from, struct video_frame *to, int first, int last)
{
	uint32_t from_width = first ? video_chroma_size(from->width) : from->width, width = first ? video_chroma_size(to->width) : to->width;
	uint32_t from_height = first ? video_chroma_size(from->height) : from->height;
	uint32_t height = first ? video_chroma_size(to->height) : to->height;
	struct runs across = { 0 }, down = { 0 };
	struct row_cache cache = { 0 };
	uint32_t *sums = wlk_malloc(width * sizeof(*sums));
	bool ok = sums && runs_make(&across, from_width, width) && runs_make(&down, from_height, height);

	if (ok) {
		cache.count = down.longest;
		cache.rows = wlk_malloc((size_t)cache.count * width * sizeof(*cache.rows));
		ok = cache.rows != NULL;
	}
	for (int i = first; ok && i <= last; i++)
		scale_plane(&across, &down, &cache, sums, from->data[i], from->stride[i], to->data[i], to->stride[i], width, height);
	wlk_free(cache.rows);
	wlk_free(down.run);
	wlk_free(across.run);
	wlk_free(sums);
	return ok;
}

struct video_frame *video_frame_scale(struct video_frame *frame, uint32_t width, uint32_t height)
{
	if (width == frame->width && height == frame->height)
		return video_frame_ref(frame);
	struct video_frame *out = video_frame_create(width, height);

	if (!out)
		return NULL;
	if (!scale_planes(frame, out, 0, 0) || !scale_planes(frame, out, 1, 2)) {
		video_frame_release(out);
		return NULL;
	}
	video_frame_copy_tags(out, frame);
	return out;
}
