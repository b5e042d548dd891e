#include "media/rtp/twcc.h"

/*
 * draft-holmer 3.1, FCI:
 * |      base sequence number     |      packet status count      |
 * |                 reference time                | fb pkt. count |
 * |          packet chunk         |         packet chunk          |
 * |         recv delta            |         recv delta            |  padded with zeros to a word
 *
 * Chunks:  0 SS run(13)            run of one symbol
 *          1 0 14 x 1 bit          vector, symbols 0 and 1
 *          1 1 7 x 2 bits          vector, all symbols
 */
enum { SYMBOL_LOST = 0, SYMBOL_SMALL = 1, SYMBOL_LARGE = 2, SYMBOL_RESERVED = 3 };
enum { FIXED_SIZE = 20, RUN_MAX = 0x1fff, VECTOR_1 = 14, VECTOR_2 = 7 };

static size_t chunk_length(uint16_t chunk)
{
	if (!(chunk & 0x8000))
		return chunk & RUN_MAX;
	return chunk & 0x4000 ? VECTOR_2 : VECTOR_1;
}

static unsigned chunk_symbol(uint16_t chunk, size_t index)
{
	if (!(chunk & 0x8000))
		return chunk >> 13 & 3;
	if (chunk & 0x4000)
		return chunk >> (12 - 2 * index) & 3;
	return chunk >> (13 - index) & 1;
}

static size_t delta_size(unsigned symbol)
{
	return symbol == SYMBOL_SMALL ? 1 : symbol == SYMBOL_LARGE ? 2 : 0;
}

/* Bytes of deltas that the first |count| symbols of |chunk| stand for; a run is not walked, so the work follows the
 * bytes. */
static size_t chunk_deltas(uint16_t chunk, size_t count)
{
	size_t size = 0;

	if (!(chunk & 0x8000))
		return count * delta_size(chunk_symbol(chunk, 0));
	for (size_t i = 0; i < count; i++)
		size += delta_size(chunk_symbol(chunk, i));
	return size;
}

wlk_err twcc_feedback_parse(struct twcc_feedback *out, const struct rtcp_fb *fb)
{
	struct bytes_reader r = bytes_reader(fb->fci.data, fb->fci.size);
	struct twcc_feedback f = { .sender_ssrc = fb->sender_ssrc, .media_ssrc = fb->media_ssrc };

	f.base_seq = bytes_u16(&r);
	f.status_count = bytes_u16(&r);
	uint32_t reference = bytes_u24(&r);
	f.reference_time = reference & 0x800000 ? (int32_t)reference - 0x1000000 : (int32_t)reference;
	f.feedback_count = bytes_u8(&r);
	f.chunks = r.at;
	if (!bytes_ok(&r))
		return WLK_ERR_PARSE;
	if (f.status_count == 0 || f.status_count > TWCC_STATUS_MAX)
		return WLK_ERR_UNSUPPORTED;
	for (size_t left = f.status_count; left;) {
		uint16_t chunk = bytes_u16(&r);
		size_t length = chunk_length(chunk);

		/* Vectors have a fixed length and may go past the count at the end; a run may not, and is never empty.
		 */
		if (!bytes_ok(&r) || !length || (!(chunk & 0x8000) && length > left))
			return WLK_ERR_PARSE;
		length = MIN(length, left);
		f.deltas_size += chunk_deltas(chunk, length);
		left -= length;
	}
	f.deltas = bytes_take(&r, f.deltas_size);
	if (!bytes_ok(&r))
		return WLK_ERR_PARSE;
	*out = f;
	return WLK_OK;
}

struct twcc_iter twcc_iter(const struct twcc_feedback *feedback)
{
	return (struct twcc_iter){
		.feedback = feedback,
		.chunk = feedback->chunks,
		.chunk_left = chunk_length(load_u16(feedback->chunks)),
		.deltas = bytes_reader(feedback->deltas, feedback->deltas_size),
		.time_us = (int64_t)feedback->reference_time * TWCC_REFERENCE_US,
	};
}

bool twcc_next(struct twcc_iter *iter, struct twcc_status *out)
{
	const struct twcc_feedback *f = iter->feedback;
	unsigned symbol;

	if (iter->done == f->status_count)
		return false;
	if (!iter->chunk_left) {
		iter->chunk += 2;
		iter->chunk_left = chunk_length(load_u16(iter->chunk));
		iter->chunk_at = 0;
	}
	symbol = chunk_symbol(load_u16(iter->chunk), iter->chunk_at++);
	iter->chunk_left--;
	out->seq = (uint16_t)(f->base_seq + iter->done++);
	out->received = symbol == SYMBOL_SMALL || symbol == SYMBOL_LARGE;
	if (symbol == SYMBOL_SMALL)
		iter->time_us += bytes_u8(&iter->deltas) * TWCC_TICK_US;
	else if (symbol == SYMBOL_LARGE)
		iter->time_us += (int16_t)bytes_u16(&iter->deltas) * TWCC_TICK_US;
	assert(bytes_ok(&iter->deltas) && "the deltas were counted when parsing");
	out->arrival_us = iter->time_us;
	return true;
}

void twcc_builder_init(struct twcc_builder *b, uint16_t base_seq, size_t max_size)
{
	assert(max_size >= FIXED_SIZE + 12 && "a message holds at least one packet");
	b->base_seq = base_seq;
	b->has_time = false;
	b->reference_time = 0;
	b->time_us = 0;
	b->count = 0;
	b->deltas_size = 0;
	b->max_size = max_size;
}

/* Rounded to the nearest tick; the rounding error does not add up because time_us follows what was written. */
static int64_t ticks_to(int64_t from_us, int64_t to_us)
{
	int64_t delta = to_us - from_us;

	return (delta + (delta >= 0 ? TWCC_TICK_US / 2 : -TWCC_TICK_US / 2)) / TWCC_TICK_US;
}

bool twcc_builder_add(struct twcc_builder *b, bool received, wlk_time arrival)
{
	unsigned symbol = SYMBOL_LOST;
	int64_t ticks = 0, start = b->time_us;
	size_t size;

	if (b->count == TWCC_BUILDER_MAX)
		return false;
	if (received) {
		if (!b->has_time)
			start = arrival / TWCC_REFERENCE_US * TWCC_REFERENCE_US;
		ticks = ticks_to(start, arrival);
		if (ticks < INT16_MIN || ticks > INT16_MAX)
			return false;
		symbol = ticks >= 0 && ticks <= 255 ? SYMBOL_SMALL : SYMBOL_LARGE;
	}
	/* Every chunk but the last covers at least seven statuses, so this bound holds for any mixture. */
	size = FIXED_SIZE + b->deltas_size + delta_size(symbol) + 2 * (b->count / VECTOR_2 + 1) + 3;
	if (size > b->max_size)
		return false;
	if (received) {
		b->reference_time = b->has_time ? b->reference_time : start / TWCC_REFERENCE_US;
		b->has_time = true;
		b->time_us = start + ticks * TWCC_TICK_US;
	}
	b->symbols[b->count] = (uint8_t)symbol;
	b->deltas[b->count++] = (int16_t)ticks;
	b->deltas_size += delta_size(symbol);
	return true;
}

/* The chunk for the statuses from |at| on; answers how many of them it covers. */
static size_t choose_chunk(const struct twcc_builder *b, size_t at, uint16_t *chunk)
{
	size_t left = b->count - at, run = 1, window = MIN(left, VECTOR_1);
	bool large = false;

	while (run < left && run < RUN_MAX && b->symbols[at + run] == b->symbols[at])
		run++;
	for (size_t i = 0; i < window; i++)
		large = large || b->symbols[at + i] == SYMBOL_LARGE;
	if (run == left || run >= (large ? VECTOR_2 : VECTOR_1)) {
		*chunk = (uint16_t)((size_t)b->symbols[at] << 13 | run);
		return run;
	}
	window = MIN(left, large ? VECTOR_2 : VECTOR_1);
	*chunk = large ? 0xc000 : 0x8000;
	for (size_t i = 0; i < window; i++)
		*chunk |= (uint16_t)(b->symbols[at + i] << (large ? 12 - 2 * i : 13 - i));
	return window;
}

void twcc_builder_write(const struct twcc_builder *b, struct bytes_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
			uint8_t feedback_count)
{
	assert(b->has_time && "a feedback message has at least one received packet");
	size_t start = rtcp_begin(w, RTCP_FB_TRANSPORT_CC, RTCP_RTPFB);

	bytes_put_u32(w, sender_ssrc);
	bytes_put_u32(w, media_ssrc);
	bytes_put_u16(w, b->base_seq);
	bytes_put_u16(w, (uint16_t)b->count);
	bytes_put_u24(w, (uint32_t)b->reference_time & 0xffffff);
	bytes_put_u8(w, feedback_count);
	for (size_t at = 0; at < b->count;) {
		uint16_t chunk = 0;

		at += choose_chunk(b, at, &chunk);
		bytes_put_u16(w, chunk);
	}
	for (size_t i = 0; i < b->count; i++) {
		if (b->symbols[i] == SYMBOL_SMALL)
			bytes_put_u8(w, (uint8_t)b->deltas[i]);
		else if (b->symbols[i] == SYMBOL_LARGE)
			bytes_put_u16(w, (uint16_t)b->deltas[i]);
	}
	bytes_put_zero(w, (4 - (w->size - start) % 4) % 4);
	rtcp_end(w, start);
}
