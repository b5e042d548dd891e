#include "net/sockaddr.h"

#include <string.h>

#include "core/addr.h"

socklen_t sockaddr_from(union sockaddr_any *out, const wlk_addr *addr)
{
	memset(out, 0, sizeof(*out));
	assert((addr->family == 4 || addr->family == 6) && "a socket address has a family");
	if (addr->family == 4) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(addr->port);
		memcpy(&out->v4.sin_addr, addr->ip, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(addr->port);
	out->v6.sin6_scope_id = addr->scope_id;
	memcpy(&out->v6.sin6_addr, addr->ip, 16);
	return sizeof(out->v6);
}

wlk_addr sockaddr_to(const struct sockaddr *sa)
{
	wlk_addr out = { 0 };

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, sa, sizeof(v4));
		out.family = 4;
		out.port = ntohs(v4.sin_port);
		memcpy(out.ip, &v4.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, sa, sizeof(v6));
		out = addr_v6(v6.sin6_addr.s6_addr, ntohs(v6.sin6_port));
		if (addr_is_link_local(&out) && out.family == 6)
			out.scope_id = v6.sin6_scope_id;
	}
	return out;
}
