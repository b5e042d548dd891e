#include "media/cc/ack_rate.h"

enum { CLOCK_BACK = 4 * ACK_SLOTS };

void ack_rate_init(struct ack_rate *a)
{
	*a = (struct ack_rate){ 0 };
	for (size_t i = 0; i < ACK_SLOTS; i++)
		a->slots[i].number = INT64_MIN;
}

static size_t place_of(int64_t number)
{
	return (size_t)((uint64_t)number % ACK_SLOTS);
}

void ack_rate_add(struct ack_rate *a, wlk_time arrival, size_t size)
{
	int64_t number = arrival / ACK_SLOT_US;
	struct ack_slot *slot = &a->slots[place_of(number)];

	if (a->started && number <= a->newest - ACK_SLOTS) {
		if (number > a->newest - CLOCK_BACK)
			return;
		ack_rate_init(a); /* the receiver's clock was set back */
	}
	a->newest = a->started ? MAX(a->newest, number) : number;
	a->started = true;
	if (slot->number != number)
		*slot = (struct ack_slot){ .number = number, .first = arrival, .last = arrival, .first_size = (uint32_t)size };
	if (arrival < slot->first) {
		slot->first = arrival;
		slot->first_size = (uint32_t)size;
	}
	slot->last = MAX(slot->last, arrival);
	slot->bytes += size;
}

uint64_t ack_rate_bps(const struct ack_rate *a, wlk_time span_us)
{
	int64_t count = MAX(MIN(span_us / ACK_SLOT_US, ACK_SLOTS - 2), 1);
	const struct ack_slot *oldest = NULL, *newest = NULL;
	uint64_t bytes = 0;

	for (int64_t number = a->newest - count; a->started && number <= a->newest; number++) {
		const struct ack_slot *slot = &a->slots[place_of(number)];

		if (slot->number != number)
			continue;
		oldest = oldest ? oldest : slot;
		newest = slot;
		bytes += slot->bytes;
	}
	/* The first packet ends the time before the span. */
	if (!oldest || newest->last - oldest->first < ACK_SLOT_US)
		return 0;
	return (bytes - oldest->first_size) * 8 * 1000000 / (uint64_t)(newest->last - oldest->first);
}
