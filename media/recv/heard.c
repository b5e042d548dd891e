#include "media/recv/heard.h"

#include "core/err.h"

void heard_note(struct heard *h, const struct heard_source *source)
{
	size_t place = 0;

	while (place < h->count && (h->items[place].id != source->id || h->items[place].is_csrc != source->is_csrc))
		place++;
	if (place == HEARD_MAX) {
		place = 0;
		for (size_t i = 1; i < HEARD_MAX; i++)
			if (h->items[i].at < h->items[place].at)
				place = i;
	}
	h->items[place] = *source;
	h->count = MAX(h->count, place + 1);
}

/* Whether |a| stands before |b|; those of the same time in the order of their numbers. */
static bool is_later(const struct heard_source *a, const struct heard_source *b)
{
	return a->at > b->at || (a->at == b->at && a->id < b->id);
}

size_t heard_list(const struct heard *h, wlk_time now, bool csrcs, struct heard_source *out, size_t capacity)
{
	const struct heard_source *sorted[HEARD_MAX];
	size_t count = 0;

	for (size_t i = 0; i < h->count; i++) {
		const struct heard_source *source = &h->items[i];
		size_t at = count;

		if (source->is_csrc != csrcs || now - source->at > HEARD_AGE_US)
			continue;
		for (; at > 0 && is_later(source, sorted[at - 1]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = source;
		count++;
	}
	for (size_t i = 0; i < count && i < capacity; i++)
		out[i] = *sorted[i];
	return count;
}
