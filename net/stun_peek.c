#include "net/stun_peek.h"

static enum stun_class class_of(uint16_t type)
{
	return (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1));
}

/* What stands before the colon; of the first USERNAME (RFC 8489 14). */
static struct str ufrag_of(struct bytes_reader r)
{
	for (int n = 0; n < STUN_ATTRS_MAX && r.left && !r.failed; n++) {
		uint16_t type = bytes_u16(&r);
		size_t size = bytes_u16(&r);
		const uint8_t *value = bytes_take(&r, (size + 3) & ~(size_t)3);
		const uint8_t *colon;

		if (!value || type != STUN_ATTR_USERNAME)
			continue;
		colon = memchr(value, ':', size);
		return colon ? (struct str){ (const char *)value, (size_t)(colon - value) } : (struct str){ 0 };
	}
	return (struct str){ 0 };
}

bool stun_peek(struct stun_peek *out, const uint8_t *data, size_t size)
{
	struct bytes_reader r = bytes_reader(data, size);
	uint16_t type = bytes_u16(&r);
	size_t length = bytes_u16(&r);
	uint32_t cookie = bytes_u32(&r);
	const uint8_t *txid = bytes_take(&r, STUN_TXID_SIZE);

	if (r.failed || type >> 14 || cookie != STUN_MAGIC_COOKIE || length % 4 || length != r.left)
		return false;
	*out = (struct stun_peek){ .class = class_of(type), .txid = txid };
	if (out->class == STUN_REQUEST)
		out->ufrag = ufrag_of(r);
	return true;
}
