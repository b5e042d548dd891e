/* The network between simulated peers: interfaces that come and go, NATs of each kind, servers; routing is by address. */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <wirelark/types.h>

enum { SIM_INTERFACES_MAX = 4, SIM_HOSTS_MAX = 4, SIM_MAPPINGS_MAX = 512, SIM_ALLOWED_MAX = 64 };

/* RFC 4787: the mapping is endpoint-independent but for the symmetric kind, the filter is what the name says. */
enum sim_nat_kind {
	SIM_NAT_OPEN,          /* endpoint-independent filter, "full cone" */
	SIM_NAT_ADDRESS,       /* address-dependent filter, "restricted cone" */
	SIM_NAT_PORT,          /* address- and port-dependent filter, "port-restricted cone" */
	SIM_NAT_SYMMETRIC,     /* address- and port-dependent mapping and filter */
	SIM_NAT_KINDS
};

/* One inner address as the world sees it; a symmetric NAT has one for each remote. */
struct sim_mapping {
	wlk_addr inner;
	wlk_addr remote; /* of a symmetric NAT */
	uint16_t port;   /* outside */
	wlk_addr allowed[SIM_ALLOWED_MAX]; /* where the inner address has sent to */
	size_t allowed_count;
	wlk_time used_at;
};

struct sim_nat {
	enum sim_nat_kind kind;
	wlk_addr ip;         /* outside */
	wlk_time lifetime;   /* a mapping that is not used for so long goes; 0: never */
	uint16_t next_port;
	struct sim_mapping *mappings;
	size_t mapping_count;
	uint64_t refused;
};

/* |ip| is the outside address. Free it by sim_nat_free() after the simulation. */
void sim_nat_init(struct sim_nat *nat, enum sim_nat_kind kind, const char *ip);
void sim_nat_free(struct sim_nat *nat);
/* All mappings are forgotten; what is sent later gets other ports. */
void sim_nat_rebind(struct sim_nat *nat);
/* The address that |remote| sees |inner| under, which may send to it from here on. False: the table is full. */
bool sim_nat_out(struct sim_nat *nat, wlk_time now, const wlk_addr *inner, const wlk_addr *remote, wlk_addr *outer);
/* Where a datagram from |remote| to |outer| goes. False: no mapping, or filtered. */
bool sim_nat_in(struct sim_nat *nat, wlk_time now, const wlk_addr *remote, const wlk_addr *outer, wlk_addr *inner);

/* One interface of a peer. */
struct sim_interface {
	wlk_addr ip;         /* port 0; none: there is no such interface */
	bool up;             /* the peer's driver lists it */
	bool silent;         /* packets are lost both ways, and nobody knows */
	struct sim_nat *nat; /* NULL: a public address */
};

/* "192.0.2.1" or "2001:db8::1". Ends the test when it is neither. */
wlk_addr sim_ip(const char *text);
bool sim_same_ip(const wlk_addr *a, const wlk_addr *b);

#endif
