#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"

wlk_addr sim_ip(const char *text)
{
	wlk_addr addr;

	if (addr_parse(&addr, text, strlen(text), 0)) {
		fprintf(stderr, "%s is no IP address\n", text);
		exit(1);
	}
	return addr;
}

bool sim_same_ip(const wlk_addr *a, const wlk_addr *b)
{
	return addr_ip_equal(a, b);
}

void sim_nat_init(struct sim_nat *nat, enum sim_nat_kind kind, const char *ip)
{
	*nat = (struct sim_nat){ .kind = kind, .ip = sim_ip(ip), .next_port = 20000 };
	nat->mappings = calloc(SIM_MAPPINGS_MAX, sizeof(nat->mappings[0]));
	if (!nat->mappings)
		abort();
}

void sim_nat_free(struct sim_nat *nat)
{
	free(nat->mappings);
}

void sim_nat_rebind(struct sim_nat *nat)
{
	nat->mapping_count = 0;
}

static void expire(struct sim_nat *nat, wlk_time now)
{
	for (size_t i = nat->mapping_count; nat->lifetime && i-- > 0;)
		if (now - nat->mappings[i].used_at > nat->lifetime)
			nat->mappings[i] = nat->mappings[--nat->mapping_count];
}

static struct sim_mapping *find_by_inner(struct sim_nat *nat, const wlk_addr *inner, const wlk_addr *remote)
{
	for (size_t i = 0; i < nat->mapping_count; i++)
		if (addr_equal(&nat->mappings[i].inner, inner) &&
		    (nat->kind != SIM_NAT_SYMMETRIC || addr_equal(&nat->mappings[i].remote, remote)))
			return &nat->mappings[i];
	return NULL;
}

static bool is_allowed(const struct sim_nat *nat, const struct sim_mapping *m, const wlk_addr *remote)
{
	if (nat->kind == SIM_NAT_OPEN)
		return true;
	for (size_t i = 0; i < m->allowed_count; i++)
		if (nat->kind == SIM_NAT_ADDRESS ? addr_ip_equal(&m->allowed[i], remote) : addr_equal(&m->allowed[i], remote))
			return true;
	return false;
}

bool sim_nat_out(struct sim_nat *nat, wlk_time now, const wlk_addr *inner, const wlk_addr *remote, wlk_addr *outer)
{
	struct sim_mapping *m;

	expire(nat, now);
	m = find_by_inner(nat, inner, remote);
	if (!m) {
		if (nat->mapping_count == SIM_MAPPINGS_MAX)
			return false;
		m = &nat->mappings[nat->mapping_count++];
		*m = (struct sim_mapping){ .inner = *inner, .remote = *remote, .port = nat->next_port++ };
	}
	m->used_at = now;
	if (nat->kind == SIM_NAT_OPEN || !is_allowed(nat, m, remote)) {
		if (m->allowed_count == SIM_ALLOWED_MAX)
			memmove(m->allowed, m->allowed + 1, --m->allowed_count * sizeof(m->allowed[0]));
		m->allowed[m->allowed_count++] = *remote;
	}
	*outer = nat->ip;
	outer->port = m->port;
	outer->transport = inner->transport;
	return true;
}

bool sim_nat_in(struct sim_nat *nat, wlk_time now, const wlk_addr *remote, const wlk_addr *outer, wlk_addr *inner)
{
	expire(nat, now);
	for (size_t i = 0; i < nat->mapping_count; i++) {
		if (nat->mappings[i].port != outer->port)
			continue;
		if (!is_allowed(nat, &nat->mappings[i], remote))
			break;
		*inner = nat->mappings[i].inner;
		return true;
	}
	nat->refused++;
	return false;
}
