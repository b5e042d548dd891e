/* TCP framing: the same bytes give the same messages however they are cut, and what is written is read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "ice/tcp_framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			abort();                                                                                       \
	} while (0)

/* The messages of a stream, one behind the other, each with its length. */
struct transcript {
	uint8_t *bytes;
	size_t size;
	size_t count;
	bool broken;
};

static void note(struct transcript *t, const struct pktbuf *message)
{
	CHECK(message->size > 0 && message->size <= PKTBUF_PAYLOAD);
	t->bytes = realloc(t->bytes, t->size + 2 + message->size);
	CHECK(t->bytes);
	store_u16(t->bytes + t->size, (uint16_t)message->size);
	memcpy(t->bytes + t->size + 2, message->data, message->size);
	t->size += 2 + message->size;
	t->count++;
}

/* RFC 8656 12.5 */
static void pad(struct pktbuf *message)
{
	size_t padding = (4 - message->size % 4) % 4;

	CHECK(pktbuf_tailroom(message) >= padding);
	memset(message->data + message->size, 0, padding);
	message->size += padding;
}

/* What |message| looks like on the wire of |kind| is one message again, the same. */
static void check_round_trip(enum tcp_framing_kind kind, const struct pktbuf *message)
{
	struct pktbuf *copy = pktbuf_copy(NULL, message->data, message->size);
	struct pktbuf *again = NULL;
	struct tcp_framing f;
	wlk_bytes wire;

	CHECK(copy);
	if (kind == TCP_FRAMING_TURN)
		pad(copy);
	else
		CHECK(tcp_framing_put_length(copy));
	wire = (wlk_bytes){ copy->data, copy->size };
	tcp_framing_init(&f, kind, NULL);
	CHECK(tcp_framing_next(&f, &wire, &again) == TCP_FRAMING_MESSAGE);
	CHECK(again->size == message->size && !memcmp(again->data, message->data, message->size));
	pktbuf_release(again);
	CHECK(tcp_framing_next(&f, &wire, &again) == TCP_FRAMING_MORE && !wire.size);
	tcp_framing_free(&f);
	pktbuf_release(copy);
}

/* |first| bytes at once, then pieces of |piece|. */
static struct transcript cut(enum tcp_framing_kind kind, const uint8_t *data, size_t size, size_t first, size_t piece)
{
	struct transcript t = { 0 };
	struct tcp_framing f;

	tcp_framing_init(&f, kind, NULL);
	for (size_t at = 0, n = MIN(first, size); at < size; at += n, n = MIN(piece, size - at)) {
		wlk_bytes part = { data + at, n };
		enum tcp_framing_result result;
		struct pktbuf *message;

		while ((result = tcp_framing_next(&f, &part, &message)) == TCP_FRAMING_MESSAGE) {
			CHECK(!t.broken);
			note(&t, message);
			if (first == size)
				check_round_trip(kind, message);
			pktbuf_release(message);
		}
		t.broken = result == TCP_FRAMING_BROKEN;
		CHECK(t.broken || !part.size);
		CHECK(alloc_live_blocks() <= 1); /* the message that is still incomplete */
	}
	CHECK(!f.lost);
	tcp_framing_free(&f);
	CHECK(!alloc_live_blocks());
	return t;
}

static void check_same(const struct transcript *a, const struct transcript *b)
{
	CHECK(a->size == b->size && a->count == b->count && a->broken == b->broken);
	CHECK(!a->size || !memcmp(a->bytes, b->bytes, a->size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum tcp_framing_kind kind;
	size_t first, piece;
	struct transcript whole, other;

	if (size < 3)
		return 0;
	kind = data[0] & 1 ? TCP_FRAMING_TURN : TCP_FRAMING_RFC4571;
	first = data[1];
	piece = 1u + data[2];
	data += 3;
	size -= 3;
	whole = cut(kind, data, size, size, 1);
	other = cut(kind, data, size, first ? first : 1, piece);
	check_same(&whole, &other);
	free(other.bytes);
	other = cut(kind, data, size, 1, 1);
	check_same(&whole, &other);
	free(other.bytes);
	free(whole.bytes);
	return 0;
}
