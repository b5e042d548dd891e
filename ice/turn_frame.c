#include "ice/turn_frame.h"

#include "core/rand.h"
#include "ice/stun_msg.h"
#include "ice/turn_client.h"

/* The buffer itself when it has room for header and padding, else a copy; NULL: no memory. */
static struct pktbuf *make_room(struct pktbuf_pool *pool, struct pktbuf *buf, size_t header, size_t padding)
{
	if (pktbuf_headroom(buf) >= header && pktbuf_tailroom(buf) >= padding)
		return buf;
	return pktbuf_copy(pool, buf->data, buf->size);
}

bool turn_frame_channel(struct pktbuf_pool *pool, struct pktbuf **buf, uint16_t channel, bool pad)
{
	const size_t size = (*buf)->size;
	const size_t padding = pad ? stun_padding(size) : 0;
	struct pktbuf *out = make_room(pool, *buf, TURN_CHANNEL_HEADER_SIZE, padding);

	if (!out)
		return false;
	memset(out->data + size, 0, padding);
	out->data -= TURN_CHANNEL_HEADER_SIZE;
	out->size += TURN_CHANNEL_HEADER_SIZE + padding;
	store_u16(out->data, channel);
	store_u16(out->data + 2, (uint16_t)size);
	if (out != *buf)
		pktbuf_release(*buf);
	*buf = out;
	return true;
}

/* Everything of a Send indication that stands before the payload; the payload is its last attribute (RFC 8656 11). */
static bool write_send_header(const wlk_addr *peer, size_t payload, uint8_t buf[PKTBUF_HEADROOM], size_t *size)
{
	uint8_t id[STUN_TXID_SIZE];
	struct stun_writer w;

	if (rand_bytes(id, sizeof(id)))
		return false;
	stun_writer_init(&w, buf, PKTBUF_HEADROOM, STUN_INDICATION, STUN_METHOD_SEND, id);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	stun_put_bytes(&w, STUN_ATTR_DATA, NULL, 0);
	if (stun_writer_finish(&w, NULL, false, size))
		return false;
	store_u16(buf + *size - 2, (uint16_t)payload);
	store_u16(buf + 2, (uint16_t)(*size - STUN_HEADER_SIZE + payload + stun_padding(payload)));
	return true;
}

bool turn_frame_send(struct pktbuf_pool *pool, struct pktbuf **buf, const wlk_addr *peer)
{
	const size_t size = (*buf)->size;
	uint8_t header[PKTBUF_HEADROOM];
	struct pktbuf *out;
	size_t header_size;

	if (!write_send_header(peer, size, header, &header_size))
		return false;
	out = make_room(pool, *buf, header_size, stun_padding(size));
	if (!out)
		return false;
	memset(out->data + size, 0, stun_padding(size));
	out->data -= header_size;
	out->size += header_size + stun_padding(size);
	memcpy(out->data, header, header_size);
	if (out != *buf)
		pktbuf_release(*buf);
	*buf = out;
	return true;
}
