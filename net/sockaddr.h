/* wlk_addr to and from the kernel's socket addresses. */
#ifndef NET_SOCKADDR_H
#define NET_SOCKADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <wirelark/types.h>

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Fills |out| and answers its length; |addr| has a family. */
socklen_t sockaddr_from(union sockaddr_any *out, const wlk_addr *addr);
/* Mapped IPv4 becomes IPv4; another family becomes "none". The scope is kept for link-local IPv6 only. */
wlk_addr sockaddr_to(const struct sockaddr *sa);

#endif
