/* What every door does alike: lends the bytes of a packet until the next one is asked for, and fills in structs that may grow. */
#ifndef DOORS_LEND_H
#define DOORS_LEND_H

#include <string.h>

#include "core/pktbuf.h"

/* |buf|, or nothing, takes the place of what *lent held; its bytes. */
static inline wlk_bytes lend_packet(struct pktbuf **lent, struct pktbuf *buf)
{
	pktbuf_release(*lent);
	*lent = buf;
	return buf ? (wlk_bytes){ buf->data, buf->size } : (wlk_bytes){ NULL, 0 };
}

/*
 * |from|, |size| bytes that begin with their own size, into |out| of the caller's release, which begins with its size, too. |least| is
 * what the first release had. WLK_ERR_INVALID: it has less.
 */
static inline wlk_err lend_struct(void *out, const void *from, size_t size, size_t least)
{
	size_t room;

	if (!out)
		return WLK_ERR_INVALID;
	memcpy(&room, out, sizeof(room));
	if (room < least)
		return WLK_ERR_INVALID;
	memcpy((uint8_t *)out + sizeof(room), (const uint8_t *)from + sizeof(room), MIN(room, size) - sizeof(room));
	return WLK_OK;
}

#endif
