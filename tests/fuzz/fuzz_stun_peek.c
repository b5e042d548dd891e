/* What a shared port reads of a STUN message agrees with what the ICE agent reads when it gets the message. */
#include <stdlib.h>

#include "net/stun_peek.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(const void *at, size_t length, const uint8_t *data, size_t size)
{
	const uint8_t *p = at;

	return p >= data && length <= size && (size_t)(p - data) <= size - length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stun_peek peek;
	struct stun_msg msg;
	bool peeked = stun_peek(&peek, data, size);
	struct bytes_reader username;
	size_t n = 0;

	if (peeked && !inside(peek.txid, STUN_TXID_SIZE, data, size))
		abort();
	if (peeked && peek.ufrag.size && !inside(peek.ufrag.at, peek.ufrag.size, data, size))
		abort();
	if (stun_msg_parse(&msg, data, size))
		return 0;
	if (!peeked || peek.class != msg.class || peek.txid != msg.txid)
		abort();
	if (msg.class != STUN_REQUEST || !msg.username.data)
		return 0;
	username = bytes_reader(msg.username.data, msg.username.size);
	while (n < username.left && username.at[n] != ':')
		n++;
	if (n == username.left)
		n = 0; /* no colon: no ufrag */
	if (peek.ufrag.size != n || (n && memcmp(peek.ufrag.at, username.at, n)))
		abort();
	return 0;
}
