#include "ice/tcp_framing.h"

#include <string.h>

#include "core/bytes.h"
#include "ice/stun_msg.h"

enum { CHANNEL_HEADER = 4 };

void tcp_framing_init(struct tcp_framing *f, enum tcp_framing_kind kind, struct pktbuf_pool *pool)
{
	*f = (struct tcp_framing){ .kind = kind, .pool = pool };
}

void tcp_framing_free(struct tcp_framing *f)
{
	pktbuf_release(f->buf);
	f->buf = NULL;
}

static size_t header_size_of(const struct tcp_framing *f)
{
	return f->kind == TCP_FRAMING_RFC4571 ? TCP_FRAMING_LENGTH_SIZE : CHANNEL_HEADER;
}

/*
 * RFC 8489 5 and RFC 8656 12.4
 *  0                   1                   2                   3
 * |0 0|    STUN message type      |  length without 20-byte header |
 * |0 1|    channel 0x4000..0x4fff |  length without these 4 bytes   |
 *
 * False: neither.
 */
static bool measure_turn(const uint8_t *header, size_t *size, size_t *padding)
{
	size_t length = load_u16(header + 2);

	*padding = 0;
	if (header[0] >> 6 == 0) {
		*size = STUN_HEADER_SIZE + length;
		return stun_padding(length) == 0;
	}
	*size = CHANNEL_HEADER + length;
	*padding = stun_padding(length);
	return header[0] >> 4 == 4;
}

/* The header is complete: begin the message that it announces. */
static void begin(struct tcp_framing *f)
{
	size_t kept = 0; /* bytes of the header that are part of the message */
	size_t size;

	if (f->kind == TCP_FRAMING_RFC4571) {
		size = load_u16(f->header);
		f->padding = 0;
	} else {
		f->broken = !measure_turn(f->header, &size, &f->padding);
		kept = CHANNEL_HEADER;
	}
	if (f->broken || size > PKTBUF_PAYLOAD) {
		f->broken = true;
		return;
	}
	f->missing = size - kept;
	if (!f->missing)
		return;
	f->buf = pktbuf_alloc(f->pool, PKTBUF_PAYLOAD);
	if (!f->buf) {
		f->lost++;
		return;
	}
	memcpy(f->buf->data, f->header, kept);
	f->buf->size = kept;
}

static wlk_bytes take(wlk_bytes *data, size_t most)
{
	wlk_bytes taken = { data->data, MIN(data->size, most) };

	if (taken.size) /* an empty input may have no address */
		data->data += taken.size;
	data->size -= taken.size;
	return taken;
}

static void take_header(struct tcp_framing *f, wlk_bytes *data)
{
	size_t whole = header_size_of(f);
	wlk_bytes part = take(data, whole - f->header_size);

	if (part.size)
		memcpy(f->header + f->header_size, part.data, part.size);
	f->header_size += part.size;
	if (f->header_size == whole)
		begin(f);
}

static void take_body(struct tcp_framing *f, wlk_bytes *data)
{
	wlk_bytes part = take(data, f->missing);

	f->missing -= part.size;
	if (!f->buf || !part.size)
		return;
	memcpy(f->buf->data + f->buf->size, part.data, part.size);
	f->buf->size += part.size;
}

enum tcp_framing_result tcp_framing_next(struct tcp_framing *f, wlk_bytes *data, struct pktbuf **out)
{
	while (!f->broken && data->size) {
		if (f->header_size < header_size_of(f)) {
			take_header(f, data);
			continue;
		}
		if (f->missing) {
			take_body(f, data);
			if (!f->missing && f->buf) {
				*out = f->buf;
				f->buf = NULL;
				if (!f->padding)
					f->header_size = 0;
				return TCP_FRAMING_MESSAGE;
			}
			continue;
		}
		f->padding -= take(data, f->padding).size;
		if (!f->padding)
			f->header_size = 0;
	}
	if (f->broken)
		tcp_framing_free(f);
	return f->broken ? TCP_FRAMING_BROKEN : TCP_FRAMING_MORE;
}

bool tcp_framing_put_length(struct pktbuf *buf)
{
	size_t size = buf->size;

	if (size > UINT16_MAX || pktbuf_headroom(buf) < TCP_FRAMING_LENGTH_SIZE)
		return false;
	buf->data -= TCP_FRAMING_LENGTH_SIZE;
	buf->size += TCP_FRAMING_LENGTH_SIZE;
	store_u16(buf->data, (uint16_t)size);
	return true;
}
