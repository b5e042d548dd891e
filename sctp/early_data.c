#include "sctp/early_data.h"

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/seq.h"
#include "core/time.h"
#include "sctp/packet_filter.h"

/* As the association's own timer: RTO.Initial and RTO.Max of sctp/assoc_socket.c. */
enum { FIRST_INTERVAL_MS = 400, LONGEST_INTERVAL_MS = 2000, TSN_OFFSET = 4 };

void early_data_init(struct early_data *e)
{
	*e = (struct early_data){ .due = WLK_TIME_NEVER };
}

void early_data_free(struct early_data *e)
{
	wlk_free(e->packet);
	early_data_init(e);
}

static size_t chunk_span(const uint8_t *chunk)
{
	size_t size = load_u16(chunk + 2);

	return size < 4 ? 4 : (size + 3) & ~(size_t)3;
}

/* The last DATA chunk's TSN; false when there is no DATA. */
static bool last_data_tsn(const uint8_t *packet, size_t size, uint32_t *tsn)
{
	bool found = false;

	for (size_t at = PACKET_HEADER_SIZE; at + 16 <= size; at += chunk_span(packet + at)) {
		if (packet[at] != CHUNK_DATA)
			continue;
		*tsn = load_u32(packet + at + TSN_OFFSET);
		found = true;
	}
	return found;
}

static void schedule(struct early_data *e, wlk_time now)
{
	e->interval = e->interval ? time_min(2 * e->interval, LONGEST_INTERVAL_MS * MILLISECOND) : FIRST_INTERVAL_MS * MILLISECOND;
	e->due = now + e->interval;
}

static void keep(struct early_data *e, wlk_time now, const struct pktbuf *buf)
{
	e->packet = wlk_malloc(buf->size);
	if (!e->packet)
		return; /* as good as a lost packet: usrsctp's own repetition is what is left */
	memcpy(e->packet, buf->data, buf->size);
	e->size = buf->size;
	schedule(e, now);
}

void early_data_on_output(struct early_data *e, wlk_time now, struct pktbuf *buf)
{
	bool has_data;

	if (packet_first_chunk(buf->data, buf->size) != CHUNK_COOKIE_ECHO)
		return;
	has_data = last_data_tsn(buf->data, buf->size, &e->last_tsn);
	if (has_data && !e->packet) {
		keep(e, now, buf);
	} else if (!has_data && e->packet && e->size <= buf->size + pktbuf_tailroom(buf)) {
		memcpy(buf->data, e->packet, e->size);
		buf->size = e->size;
		schedule(e, now);
	}
}

void early_data_on_input(struct early_data *e, const uint8_t *packet, size_t size)
{
	if (!e->packet)
		return;
	for (size_t at = PACKET_HEADER_SIZE; at + 8 <= size; at += chunk_span(packet + at)) {
		if (packet[at] == CHUNK_SACK && !seq32_newer(e->last_tsn, load_u32(packet + at + 4))) {
			early_data_free(e);
			return;
		}
	}
}

struct pktbuf *early_data_repeat(struct early_data *e, wlk_time now, struct pktbuf_pool *pool)
{
	if (!e->packet || now < e->due)
		return NULL;
	schedule(e, now);
	return pktbuf_copy(pool, e->packet, e->size);
}
