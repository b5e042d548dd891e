#include "core/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"

wlk_addr addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (wlk_addr){ .family = 4, .port = port, .ip = { a, b, c, d } };
}

wlk_addr addr_v6(const uint8_t ip[16], uint16_t port)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	wlk_addr out = { .family = 6, .port = port };

	if (!memcmp(ip, mapped, sizeof(mapped)))
		return addr_v4(ip[12], ip[13], ip[14], ip[15], port);
	memcpy(out.ip, ip, 16);
	return out;
}

static wlk_err parse_v6(wlk_addr *out, const char *literal, struct str scope, uint16_t port)
{
	uint8_t ip[16];
	uint32_t scope_id = 0;

	if (inet_pton(AF_INET6, literal, ip) != 1)
		return WLK_ERR_PARSE;
	if (scope.at && !str_u32(scope, UINT32_MAX, &scope_id))
		return WLK_ERR_PARSE;
	*out = addr_v6(ip, port);
	if (out->family == 6)
		out->scope_id = scope_id;
	return WLK_OK;
}

wlk_err addr_parse(wlk_addr *out, const char *text, size_t size, uint16_t port)
{
	char literal[INET6_ADDRSTRLEN];
	struct str scope = { text, size };
	struct str ip = str_cut(&scope, '%');
	uint8_t v4[4];

	if (ip.size == 0 || ip.size >= sizeof(literal) || memchr(ip.at, '\0', ip.size))
		return WLK_ERR_PARSE;
	memcpy(literal, ip.at, ip.size);
	literal[ip.size] = '\0';
	if (ip.size != size)
		return parse_v6(out, literal, scope, port);
	if (inet_pton(AF_INET, literal, v4) == 1) {
		*out = addr_v4(v4[0], v4[1], v4[2], v4[3], port);
		return WLK_OK;
	}
	return parse_v6(out, literal, (struct str){ 0 }, port);
}

char *addr_ip_text(const wlk_addr *addr, char out[WLK_ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN] = "none";

	if (addr->family)
		inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->ip, ip, sizeof(ip));
	if (addr->scope_id)
		snprintf(out, WLK_ADDR_TEXT_MAX, "%s%%%u", ip, (unsigned)addr->scope_id);
	else
		snprintf(out, WLK_ADDR_TEXT_MAX, "%s", ip);
	return out;
}

char *addr_text(const wlk_addr *addr, char out[WLK_ADDR_TEXT_MAX])
{
	char ip[WLK_ADDR_TEXT_MAX];

	addr_ip_text(addr, ip);
	snprintf(out, WLK_ADDR_TEXT_MAX, addr->family == 6 ? "[%.60s]:%u%s" : "%.60s:%u%s", ip, (unsigned)addr->port,
		 addr->transport == WLK_TRANSPORT_TCP ? "/tcp" : "");
	return out;
}

char *wlk_addr_to_string(const wlk_addr *addr, char *out, size_t size)
{
	char text[WLK_ADDR_TEXT_MAX] = "none";

	if (!size)
		return out;
	if (addr && addr->family)
		addr_text(addr, text);
	if (strlen(text) < size)
		memcpy(out, text, strlen(text) + 1);
	else
		out[0] = '\0';
	return out;
}

bool addr_ip_equal(const wlk_addr *a, const wlk_addr *b)
{
	if (a->family != b->family)
		return false;
	if (memcmp(a->ip, b->ip, addr_ip_size(a)))
		return false;
	/* A missing scope matches any: candidates from SDP carry none. */
	return !a->scope_id || !b->scope_id || a->scope_id == b->scope_id;
}

bool addr_equal_parts(const wlk_addr *a, const wlk_addr *b)
{
	return a->port == b->port && a->transport == b->transport && addr_ip_equal(a, b);
}

uint32_t addr_hash(const wlk_addr *addr)
{
	uint32_t hash = 2166136261u ^ addr->port; /* FNV-1a */

	for (size_t i = 0; i < addr_ip_size(addr); i++)
		hash = (hash ^ addr->ip[i]) * 16777619u;
	return hash ^ hash >> 15;
}

bool addr_is_loopback(const wlk_addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr->family == 4 ? addr->ip[0] == 127 : addr->family == 6 && !memcmp(addr->ip, one, 16);
}

bool addr_is_link_local(const wlk_addr *addr)
{
	if (addr->family == 4)
		return addr->ip[0] == 169 && addr->ip[1] == 254;
	return addr->family == 6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

bool addr_is_multicast(const wlk_addr *addr)
{
	return addr->family == 4 ? (addr->ip[0] & 0xf0) == 0xe0 : addr->family == 6 && addr->ip[0] == 0xff;
}

bool addr_is_unspecified(const wlk_addr *addr)
{
	static const uint8_t zero[16];

	return addr->family == 4 ? addr->ip[0] == 0 : !memcmp(addr->ip, zero, 16);
}

bool addr_is_broadcast(const wlk_addr *addr)
{
	static const uint8_t ones[4] = { 255, 255, 255, 255 };

	return addr->family == 4 && !memcmp(addr->ip, ones, 4);
}

bool addr_is_private(const wlk_addr *addr)
{
	if (addr->family == 6)
		return (addr->ip[0] & 0xfe) == 0xfc;
	return addr->family == 4 &&
	       (addr->ip[0] == 10 || (addr->ip[0] == 172 && (addr->ip[1] & 0xf0) == 16) ||
		(addr->ip[0] == 192 && addr->ip[1] == 168));
}
