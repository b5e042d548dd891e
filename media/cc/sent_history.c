#include "media/cc/sent_history.h"

#include "core/alloc.h"

void sent_history_init(struct sent_history *h, uint16_t first_seq)
{
	*h = (struct sent_history){ .next = first_seq, .acked = first_seq };
}

void sent_history_free(struct sent_history *h)
{
	wlk_free(h->items);
	h->items = NULL;
}

static struct sent_item *item_at(const struct sent_history *h, int64_t seq)
{
	return &h->items[(size_t)seq & (h->capacity - 1)];
}

/* Grows while what would be overwritten may still be spoken of. */
static bool make_room(struct sent_history *h, wlk_time now)
{
	size_t capacity = h->items ? 2 * h->capacity : SENT_HISTORY_MIN;
	struct sent_item *items;

	if (h->items && (h->count < (int64_t)h->capacity || h->capacity == SENT_HISTORY_MAX ||
			 item_at(h, h->next - h->count)->state != SENT_IN_FLIGHT ||
			 now - item_at(h, h->next - h->count)->sent > SENT_HISTORY_AGE_US / 5))
		return true;
	items = wlk_calloc(capacity, sizeof(*items));
	if (!items)
		return h->items;
	for (int64_t seq = h->next - h->count; seq < h->next; seq++)
		items[(size_t)seq & (capacity - 1)] = *item_at(h, seq);
	wlk_free(h->items);
	h->items = items;
	h->capacity = capacity;
	return true;
}

void sent_history_add(struct sent_history *h, wlk_time now, size_t size, uint16_t cluster)
{
	if (!make_room(h, now)) {
		h->next++;
		return;
	}
	*item_at(h, h->next++) = (struct sent_item){
		.sent = now,
		.size = (uint32_t)size,
		.carried = h->carried,
		.cluster = cluster,
		.state = SENT_IN_FLIGHT,
	};
	h->carried = 0;
	h->count = MIN(h->count + 1, (int64_t)h->capacity);
}

void sent_history_carry(struct sent_history *h, size_t size)
{
	/* What leaves while nothing numbered does is long through when the next packet is. */
	h->carried = (uint32_t)MIN(h->carried + size, (size_t)SENT_CARRIED_MAX);
}

bool sent_history_on_status(struct sent_history *h, uint16_t seq16, bool received, wlk_time arrival, struct cc_packet *out)
{
	/* What was sent last is the newest that can be meant: a number ahead of it is one of long ago, or of never. */
	int64_t seq = h->next - 1 - (uint16_t)((uint16_t)(h->next - 1) - seq16);
	struct sent_item *item;

	if (!h->items || seq < h->next - h->count)
		return false;
	item = item_at(h, seq);
	if (item->state == SENT_NOTHING || item->state == SENT_RECEIVED || (item->state == SENT_LOST && !received))
		return false;
	*out = (struct cc_packet){
		.seq = seq,
		.sent = item->sent,
		.arrival = arrival,
		.size = item->size,
		.carried = item->carried,
		.cluster = item->cluster,
		.received = received,
		.was_lost = item->state == SENT_LOST,
	};
	item->state = received ? SENT_RECEIVED : SENT_LOST;
	h->acked = MAX(h->acked, seq + 1);
	return true;
}

wlk_time sent_history_waiting_since(const struct sent_history *h)
{
	int64_t oldest = MAX(h->acked, h->next - h->count);

	return h->items && oldest < h->next ? item_at(h, oldest)->sent : WLK_TIME_NEVER;
}
