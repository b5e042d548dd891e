#include "sctp/flight.h"

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/seq.h"
#include "sctp/packet_filter.h"

enum { DATA_HEADER_SIZE = 16, SACK_HEADER_SIZE = 16, GAP_SIZE = 4, CAPACITY_MIN = 64 };

void flight_free(struct flight *f)
{
	wlk_free(f->sizes);
	*f = (struct flight){ 0 };
}

static size_t chunks(const struct flight *f)
{
	return (uint32_t)(f->next_tsn - f->acked_tsn - 1);
}

static uint16_t *place(const struct flight *f, uint32_t tsn)
{
	return &f->sizes[tsn & (f->capacity - 1)];
}

static bool grow(struct flight *f)
{
	struct flight larger = *f;

	larger.capacity = f->capacity ? 2 * f->capacity : CAPACITY_MIN;
	if (larger.capacity > FLIGHT_CHUNKS_MAX)
		return false;
	larger.sizes = wlk_calloc(larger.capacity, sizeof(*larger.sizes));
	if (!larger.sizes)
		return false;
	for (uint32_t tsn = f->acked_tsn + 1; tsn != f->next_tsn; tsn++)
		*place(&larger, tsn) = *place(f, tsn);
	wlk_free(f->sizes);
	*f = larger;
	return true;
}

static void on_data(struct flight *f, uint32_t tsn, uint16_t size)
{
	if (!f->started) {
		f->started = true;
		f->acked_tsn = tsn - 1;
		f->next_tsn = tsn;
	}
	if (seq32_newer(f->next_tsn, tsn)) {
		f->repeated++;
		return;
	}
	/* What usrsctp made and nobody sent, for lack of memory, is missed here: the count begins anew with this one. */
	if (tsn != f->next_tsn)
		f->lost_count = true;
	if (!f->lost_count && chunks(f) + 1 > f->capacity && !grow(f))
		f->lost_count = true;
	f->next_tsn = tsn + 1;
	if (f->lost_count)
		return;
	*place(f, tsn) = size;
	f->bytes += size;
}

void flight_on_output(struct flight *f, const uint8_t *packet, size_t size)
{
	size_t at = PACKET_HEADER_SIZE;

	while (at + DATA_HEADER_SIZE <= size) {
		size_t chunk_size = load_u16(packet + at + 2);

		if (packet[at] == CHUNK_DATA && chunk_size >= DATA_HEADER_SIZE)
			on_data(f, load_u32(packet + at + 4), (uint16_t)(chunk_size - DATA_HEADER_SIZE));
		at += MAX((chunk_size + 3) & ~(size_t)3, (size_t)4);
	}
}

static void acknowledge(struct flight *f, uint32_t tsn)
{
	f->bytes -= *place(f, tsn);
	*place(f, tsn) = 0;
}

static void on_cumulative(struct flight *f, uint32_t tsn)
{
	if (f->lost_count) {
		f->acked_tsn = tsn;
		f->lost_count = chunks(f) > 0;
		if (f->lost_count)
			return;
		f->bytes = 0;
		if (f->sizes)
			memset(f->sizes, 0, f->capacity * sizeof(*f->sizes));
		return;
	}
	while (f->acked_tsn != tsn)
		acknowledge(f, ++f->acked_tsn);
}

/* Blocks that reach beyond what was sent are not believed. */
static void on_gap_block(struct flight *f, const uint8_t *block)
{
	uint32_t start = load_u16(block), end = load_u16(block + 2);

	if (f->lost_count || !start || start > end || end > chunks(f))
		return;
	for (uint32_t i = start; i <= end; i++)
		acknowledge(f, f->acked_tsn + i);
}

/* RFC 9260 3.3.4 */
static void on_sack(struct flight *f, const uint8_t *chunk, size_t size)
{
	uint32_t tsn = load_u32(chunk + 4);
	size_t blocks = MIN((size_t)load_u16(chunk + 12), (size - SACK_HEADER_SIZE) / GAP_SIZE);

	if (!f->started || seq32_newer(f->acked_tsn, tsn) || !seq32_newer(f->next_tsn, tsn))
		return;
	on_cumulative(f, tsn);
	for (size_t i = 0; i < blocks; i++)
		on_gap_block(f, chunk + SACK_HEADER_SIZE + i * GAP_SIZE);
}

void flight_on_input(struct flight *f, const uint8_t *packet, size_t size)
{
	size_t at = PACKET_HEADER_SIZE;

	while (at + SACK_HEADER_SIZE <= size) {
		size_t chunk_size = load_u16(packet + at + 2);

		if (packet[at] == CHUNK_SACK && chunk_size >= SACK_HEADER_SIZE && chunk_size <= size - at)
			on_sack(f, packet + at, chunk_size);
		at += MAX((chunk_size + 3) & ~(size_t)3, (size_t)4);
	}
}

bool flight_size(const struct flight *f, uint64_t *out)
{
	if (f->lost_count)
		return false;
	*out = f->bytes;
	return true;
}
