/* Bounded big-endian readers and writers whose error is sticky: read a whole layout, check once at the end. */
#ifndef CORE_BYTES_H
#define CORE_BYTES_H

#include <string.h>
#include <wirelark/types.h>

struct bytes_reader {
	const uint8_t *at;
	size_t left;
	bool failed;
};

static inline struct bytes_reader bytes_reader(const void *data, size_t size)
{
	return (struct bytes_reader){ .at = data, .left = size };
}

/* The next |size| bytes, borrowed, or NULL (and failed from then on) when fewer are left. */
static inline const uint8_t *bytes_take(struct bytes_reader *r, size_t size)
{
	const uint8_t *at = r->at;

	if (r->failed || size > r->left) {
		r->failed = true;
		r->left = 0;
		return NULL;
	}
	if (size) /* an empty input may have no address */
		r->at += size;
	r->left -= size;
	return at;
}

static inline uint64_t bytes_be(struct bytes_reader *r, size_t width)
{
	const uint8_t *p = bytes_take(r, width);
	uint64_t value = 0;

	for (size_t i = 0; p && i < width; i++)
		value = value << 8 | p[i];
	return value;
}

static inline uint8_t bytes_u8(struct bytes_reader *r)
{
	return (uint8_t)bytes_be(r, 1);
}

static inline uint16_t bytes_u16(struct bytes_reader *r)
{
	return (uint16_t)bytes_be(r, 2);
}

static inline uint32_t bytes_u24(struct bytes_reader *r)
{
	return (uint32_t)bytes_be(r, 3);
}

static inline uint32_t bytes_u32(struct bytes_reader *r)
{
	return (uint32_t)bytes_be(r, 4);
}

static inline uint64_t bytes_u64(struct bytes_reader *r)
{
	return bytes_be(r, 8);
}

static inline wlk_bytes bytes_slice(struct bytes_reader *r, size_t size)
{
	const uint8_t *p = bytes_take(r, size);

	return (wlk_bytes){ p, p ? size : 0 };
}

static inline void bytes_skip(struct bytes_reader *r, size_t size)
{
	(void)bytes_take(r, size);
}

/* True while every read so far was inside the input. */
static inline bool bytes_ok(const struct bytes_reader *r)
{
	return !r->failed;
}

/* True when everything was read and nothing is left over. */
static inline bool bytes_done(const struct bytes_reader *r)
{
	return !r->failed && r->left == 0;
}

struct bytes_writer {
	uint8_t *start;
	size_t capacity;
	size_t size; /* bytes written so far */
	bool failed;
};

static inline struct bytes_writer bytes_writer(void *data, size_t capacity)
{
	return (struct bytes_writer){ .start = data, .capacity = capacity };
}

/* Reserve |size| bytes to be filled by the caller, or NULL (and failed from then on) when they do not fit. */
static inline uint8_t *bytes_reserve(struct bytes_writer *w, size_t size)
{
	if (w->failed || size > w->capacity - w->size) {
		w->failed = true;
		return NULL;
	}
	w->size += size;
	return w->start + w->size - size;
}

static inline void bytes_put_be(struct bytes_writer *w, uint64_t value, size_t width)
{
	uint8_t *p = bytes_reserve(w, width);

	for (size_t i = 0; p && i < width; i++)
		p[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
}

static inline void bytes_put_u8(struct bytes_writer *w, uint8_t value)
{
	bytes_put_be(w, value, 1);
}

static inline void bytes_put_u16(struct bytes_writer *w, uint16_t value)
{
	bytes_put_be(w, value, 2);
}

static inline void bytes_put_u24(struct bytes_writer *w, uint32_t value)
{
	bytes_put_be(w, value, 3);
}

static inline void bytes_put_u32(struct bytes_writer *w, uint32_t value)
{
	bytes_put_be(w, value, 4);
}

static inline void bytes_put_u64(struct bytes_writer *w, uint64_t value)
{
	bytes_put_be(w, value, 8);
}

static inline void bytes_put(struct bytes_writer *w, const void *data, size_t size)
{
	uint8_t *p = bytes_reserve(w, size);

	if (p && size)
		memcpy(p, data, size);
}

static inline void bytes_put_zero(struct bytes_writer *w, size_t size)
{
	uint8_t *p = bytes_reserve(w, size);

	if (p && size)
		memset(p, 0, size);
}

/* Overwrite two bytes written earlier, for length fields that are known late. */
static inline void bytes_patch_u16(struct bytes_writer *w, size_t offset, uint16_t value)
{
	if (w->failed || offset + 2 > w->size)
		return;
	w->start[offset] = (uint8_t)(value >> 8);
	w->start[offset + 1] = (uint8_t)value;
}

static inline bool bytes_writer_ok(const struct bytes_writer *w)
{
	return !w->failed;
}

/* Unbounded accessors for places whose bounds were checked before. */
static inline uint16_t load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void store_u16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void store_u32(uint8_t *p, uint32_t value)
{
	store_u16(p, (uint16_t)(value >> 16));
	store_u16(p + 2, (uint16_t)value);
}

#endif
