/* IP transport addresses: text, comparison, classification. The struct is public: wlk_addr. */
#ifndef CORE_ADDR_H
#define CORE_ADDR_H

#include <string.h>

#include "core/err.h"

wlk_addr addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);
/* From 16 bytes; ::ffff:0:0/96 becomes IPv4 at once (R8: normalise mapped addresses first, always). */
wlk_addr addr_v6(const uint8_t ip[16], uint16_t port);

/* Parse a bare IP literal ("10.0.0.1", "fe80::1%3"); names and brackets are WLK_ERR_PARSE. */
wlk_err addr_parse(wlk_addr *out, const char *text, size_t size, uint16_t port);

/* IP only, no brackets, no port. Always NUL-terminated; answers |out|. */
char *addr_ip_text(const wlk_addr *addr, char out[WLK_ADDR_TEXT_MAX]);
/* "1.2.3.4:5" or "[::1]:5", with "/tcp" behind it for TCP; answers |out|. */
char *addr_text(const wlk_addr *addr, char out[WLK_ADDR_TEXT_MAX]);

/* What addr_equal() comes to when not every byte is the same. */
bool addr_equal_parts(const wlk_addr *a, const wlk_addr *b);
/* Same transport, IP, port and (for link-local) scope. Asked several times for each packet, of addresses that are copies. */
static inline bool addr_equal(const wlk_addr *a, const wlk_addr *b)
{
	return !memcmp(a, b, sizeof(*a)) || addr_equal_parts(a, b);
}
bool addr_ip_equal(const wlk_addr *a, const wlk_addr *b);
uint32_t addr_hash(const wlk_addr *addr);

static inline bool addr_is_none(const wlk_addr *addr)
{
	return addr->family == 0;
}

/* Bytes of the IP: 4 or 16. */
static inline size_t addr_ip_size(const wlk_addr *addr)
{
	return addr->family == 4 ? 4 : 16;
}

bool addr_is_loopback(const wlk_addr *addr);
bool addr_is_link_local(const wlk_addr *addr);
bool addr_is_multicast(const wlk_addr *addr);
bool addr_is_unspecified(const wlk_addr *addr); /* 0.0.0.0/8 and :: */
bool addr_is_broadcast(const wlk_addr *addr);
bool addr_is_private(const wlk_addr *addr); /* RFC 1918, fc00::/7 */

#endif
