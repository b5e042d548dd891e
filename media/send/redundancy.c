#include "media/send/redundancy.h"

#include <string.h>

enum { REDUNDANT_HEADER = 4, PRIMARY_HEADER = 1 };

void redundancy_init(struct redundancy *r)
{
	*r = (struct redundancy){ 0 };
}

void redundancy_set_distance(struct redundancy *r, size_t distance)
{
	r->distance = MIN(distance, REDUNDANCY_MAX);
}

/* The |age|-th packet before the next one; 1: the last. */
static const struct redundant_packet *earlier(const struct redundancy *r, size_t age)
{
	return &r->packets[(r->next + REDUNDANCY_MAX - age) % REDUNDANCY_MAX];
}

static void remember(struct redundancy *r, uint8_t pt, uint32_t timestamp, wlk_bytes data)
{
	struct redundant_packet *slot = &r->packets[r->next];

	/* One that is too long takes its place all the same, as nothing. */
	slot->pt = pt;
	slot->timestamp = timestamp;
	slot->size = data.size <= RED_BLOCK_SIZE_MAX ? (uint16_t)data.size : 0;
	if (slot->size)
		memcpy(slot->data, data.data, slot->size);
	r->next = (r->next + 1) % REDUNDANCY_MAX;
	r->count = MIN(r->count + 1, REDUNDANCY_MAX);
}

size_t redundancy_write(struct redundancy *r, struct bytes_writer *out, size_t max_size, uint8_t pt, uint32_t timestamp, wlk_bytes primary)
{
	struct red_block blocks[REDUNDANCY_MAX + 1];
	size_t size = PRIMARY_HEADER + primary.size, first = REDUNDANCY_MAX;

	blocks[REDUNDANCY_MAX] = (struct red_block){ pt, 0, primary };
	for (size_t age = 1; age <= MIN(r->distance, r->count); age++) {
		const struct redundant_packet *packet = earlier(r, age);
		uint32_t offset = timestamp - packet->timestamp;

		if (!packet->size || !offset || offset > RED_OFFSET_MAX)
			continue;
		if (size + REDUNDANT_HEADER + packet->size > max_size)
			break;
		size += REDUNDANT_HEADER + packet->size;
		blocks[--first] = (struct red_block){ packet->pt, (uint16_t)offset, { packet->data, packet->size } };
	}
	red_write(out, blocks + first, REDUNDANCY_MAX - first + 1);
	remember(r, pt, timestamp, primary);
	return REDUNDANCY_MAX - first;
}
