#include "ice/pair.h"

#include <stdio.h>

#include "core/addr.h"

uint64_t ice_pair_priority(uint32_t local, uint32_t remote, bool controlling)
{
	uint64_t g = controlling ? local : remote;
	uint64_t d = controlling ? remote : local;

	return (MIN(g, d) << 32) + 2 * MAX(g, d) + (g > d ? 1 : 0);
}

bool ice_ip_fits(const wlk_addr *base, const wlk_addr *remote)
{
	return base->family == remote->family && addr_is_loopback(base) == addr_is_loopback(remote) &&
	       (base->family == 4 || addr_is_link_local(base) == addr_is_link_local(remote));
}

bool ice_pair_fits(const wlk_addr *base, const wlk_addr *remote)
{
	return base->transport == WLK_TRANSPORT_UDP && remote->transport == WLK_TRANSPORT_UDP &&
	       ice_ip_fits(base, remote);
}

enum ice_tcptype ice_base_tcptype(const struct ice_base *base)
{
	switch (base->kind) {
	case BASE_TCP_LISTENER:
		return CANDIDATE_TCP_PASSIVE;
	case BASE_TCP_ACTIVE:
		return CANDIDATE_TCP_ACTIVE;
	case BASE_SOCKET:
	case BASE_RELAY:
		break;
	}
	return CANDIDATE_TCP_NONE;
}

static uint32_t tcp_priority(const struct ice_base *base, enum ice_candidate_type type, enum ice_tcptype tcptype)
{
	unsigned behind = UINT16_MAX - (unsigned)base->local_preference; /* the best interface */
	unsigned other = ICE_TCP_OTHER_MAX - MIN(behind, (unsigned)ICE_TCP_OTHER_MAX);

	return ice_tcp_candidate_priority(type, tcptype, (uint16_t)other, 1);
}

uint32_t ice_active_priority(const struct ice_base *base, enum ice_candidate_type type)
{
	return tcp_priority(base, type, CANDIDATE_TCP_ACTIVE);
}

uint32_t ice_base_priority(const struct ice_base *base, enum ice_candidate_type type)
{
	enum ice_tcptype tcptype = ice_base_tcptype(base);

	return tcptype ? tcp_priority(base, type, tcptype) : ice_candidate_priority(type, base->local_preference, 1);
}

bool ice_pair_same_foundation(const struct ice_pair *a, const struct ice_pair *b)
{
	return !strcmp(a->formed_from->candidate.foundation, b->formed_from->candidate.foundation) &&
	       !strcmp(a->remote->candidate.foundation, b->remote->candidate.foundation);
}

void ice_pair_on_rtt(struct ice_pair *pair, wlk_time rtt)
{
	rtt = MAX(rtt, (wlk_time)1);
	pair->srtt = pair->srtt ? (7 * pair->srtt + rtt) / 8 : rtt;
	pair->stats.current_rtt_us = rtt;
	pair->stats.total_rtt_us += rtt;
	pair->consent.rtt = pair->srtt;
}

const char *ice_pair_state_name(enum ice_pair_state state)
{
	static const char *const names[] = { "frozen", "waiting", "in-progress", "succeeded", "failed" };

	assert((size_t)state < ARRAY_SIZE(names) && "a pair is in one of the five states of RFC 8445 6.1.2.6");
	return names[state];
}

char *ice_pair_text(const struct ice_pair *pair, char out[ICE_PAIR_TEXT_MAX])
{
	char local[WLK_ADDR_TEXT_MAX];
	char remote[WLK_ADDR_TEXT_MAX];

	snprintf(out, ICE_PAIR_TEXT_MAX, "%s %s > %s %s", ice_candidate_type_name(pair->local->candidate.type),
		 addr_text(&pair->base->addr, local), ice_candidate_type_name(pair->remote->candidate.type),
		 addr_text(&pair->remote->candidate.addr, remote));
	return out;
}
