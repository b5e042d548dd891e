#include "media/cc/sent_rtp.h"

#include "core/alloc.h"

void sent_rtp_free(struct sent_rtp *s)
{
	wlk_free(s->entries);
	s->entries = NULL;
}

/* Neighbours of a stream lie side by side, streams anywhere. */
static size_t place_of(uint32_t ssrc, uint16_t seq)
{
	return (ssrc * 2654435761u + seq) % SENT_RTP_SIZE;
}

void sent_rtp_add(struct sent_rtp *s, uint32_t ssrc, uint16_t seq, uint16_t number)
{
	if (!s->entries)
		s->entries = wlk_calloc(SENT_RTP_SIZE, sizeof(*s->entries));
	if (s->entries)
		s->entries[place_of(ssrc, seq)] = (struct sent_rtp_entry){ .ssrc = ssrc, .seq = seq, .number = number, .used = true };
}

bool sent_rtp_find(const struct sent_rtp *s, uint32_t ssrc, uint16_t seq, uint16_t *number)
{
	const struct sent_rtp_entry *e = s->entries ? &s->entries[place_of(ssrc, seq)] : NULL;

	if (!e || !e->used || e->ssrc != ssrc || e->seq != seq)
		return false;
	*number = e->number;
	return true;
}
