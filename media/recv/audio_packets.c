#include "media/recv/audio_packets.h"

#include "core/alloc.h"

#include <string.h>

void audio_packets_init(struct audio_packets *l)
{
	*l = (struct audio_packets){ 0 };
}

size_t audio_packets_clear(struct audio_packets *l)
{
	size_t count = l->count;

	for (size_t i = 0; i < count; i++)
		wlk_free(l->items[i]);
	l->count = l->bytes = 0;
	return count;
}

void audio_packets_free(struct audio_packets *l)
{
	audio_packets_clear(l);
	wlk_free(l->items);
	audio_packets_init(l);
}

const struct audio_packet *audio_packets_first(const struct audio_packets *l)
{
	return l->count ? l->items[0] : NULL;
}

struct audio_packet *audio_packets_take(struct audio_packets *l)
{
	struct audio_packet *first = l->items[0];

	assert(l->count && "there is one");
	l->count--;
	l->bytes -= first->size;
	memmove(l->items, l->items + 1, l->count * sizeof(*l->items));
	return first;
}

void audio_packets_drop_first(struct audio_packets *l)
{
	wlk_free(audio_packets_take(l));
}

/* The place of the first one that is not before |at|; looked for from the end, where new packets go. */
static size_t place_of(const struct audio_packets *l, int64_t at)
{
	size_t i = l->count;

	while (i && l->items[i - 1]->at >= at)
		i--;
	return i;
}

bool audio_packets_has(const struct audio_packets *l, int64_t at)
{
	size_t i = place_of(l, at);

	return i < l->count && l->items[i]->at == at;
}

static struct audio_packet *copy_of(const struct audio_packet *head, wlk_bytes data)
{
	struct audio_packet *packet = wlk_malloc(sizeof(*packet) + data.size);

	if (!packet)
		return NULL;
	*packet = *head;
	packet->size = data.size;
	memcpy(packet->data, data.data, data.size);
	return packet;
}

static bool is_too_much(const struct audio_packets *l)
{
	return l->count > AUDIO_PACKETS_MAX || l->bytes > AUDIO_PACKETS_BYTES_MAX ||
	       (l->count && l->items[l->count - 1]->at - l->items[0]->at > AUDIO_PACKETS_SPAN);
}

enum audio_packets_verdict audio_packets_put(struct audio_packets *l, const struct audio_packet *head, wlk_bytes data, size_t *dropped)
{
	size_t i = place_of(l, head->at);
	bool same = i < l->count && l->items[i]->at == head->at;
	struct audio_packet *packet;

	*dropped = 0;
	if (same && (l->items[i]->seq != AUDIO_SEQ_NONE || head->seq == AUDIO_SEQ_NONE))
		return AUDIO_PACKETS_DUPLICATE;
	if (l->count && l->items[l->count - 1]->at - head->at > AUDIO_PACKETS_SPAN)
		return AUDIO_PACKETS_REFUSED;
	if (!array_reserve((void **)&l->items, &l->capacity, l->count + 1, sizeof(*l->items)))
		return AUDIO_PACKETS_REFUSED;
	packet = copy_of(head, data);
	if (!packet)
		return AUDIO_PACKETS_REFUSED;
	l->bytes += packet->size;
	if (same) {
		l->bytes -= l->items[i]->size;
		wlk_free(l->items[i]);
	} else {
		memmove(l->items + i + 1, l->items + i, (l->count - i) * sizeof(*l->items));
		l->count++;
	}
	l->items[i] = packet;
	for (; is_too_much(l); ++*dropped)
		audio_packets_drop_first(l);
	return same ? AUDIO_PACKETS_REPLACED : AUDIO_PACKETS_KEPT;
}
