/* What an allocation means to the agent: a base with its candidate, and permissions for the pairs that it is part of. */
#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_relay_internal.h"

/* Relayed candidates stand below all others; among them UDP goes before DTLS, TCP and TLS, then the better interface.
 */
static uint16_t preference_of(const struct agent_relay *relay)
{
	static const uint16_t tiers[] = {
		[ICE_SERVER_UDP] = 3,
		[ICE_SERVER_DTLS] = 2,
		[ICE_SERVER_TCP] = 1,
		[ICE_SERVER_TLS] = 0,
	};
	const uint16_t tier_size = 0x2000;
	const uint16_t place = (uint16_t)MIN(0xffff - relay->via->local_preference, tier_size - 1);

	return (uint16_t)(tiers[relay->server->transport] * tier_size + (tier_size - 1 - place));
}

static struct ice_base *create_base(struct ice_agent *agent, struct agent_relay *relay, const wlk_addr *relayed)
{
	struct gatherer *g = &agent->gather;
	struct ice_base *base = gather_new_base(agent, BASE_RELAY, relayed);

	if (!base)
		return NULL;
	base->relay = relay;
	base->state = BASE_BOUND;
	base->addr = *relayed;
	base->local_preference = preference_of(relay);
	g->bases[g->base_count++] = base;
	return base;
}

void agent_relay_on_allocated(struct ice_agent *agent, wlk_time now, struct agent_relay *relay,
			 const struct turn_event *event)
{
	struct ice_local_candidate *local;

	/* A server that names an address of ours would make two paths one. */
	if (gather_find_base(agent, &event->relayed)) {
		agent_relay_fail(agent, relay, TURN_UNREACHABLE, STR("the relayed address is in use here"));
		return;
	}
	relay->state = RELAY_ALLOCATED;
	relay->allocated_at = now;
	relay->permitted = 0;
	relay->base = create_base(agent, relay, &event->relayed);
	local = relay->base ? gather_add_local(agent, CANDIDATE_RELAY, relay->base, &event->relayed, &relay->addr, 0)
			    : NULL;
	if (!local) {
		agent->stats.out_of_memory++;
		agent_relay_fail(agent, relay, TURN_UNREACHABLE, STR("out of memory"));
		return;
	}
	local->candidate.related = event->mapped.family ? event->mapped : relay->via->addr;
	gather_announce(agent, local);
	if (event->mapped.family && !agent_relay_is_stream(relay) && agent->gather.policy == ICE_POLICY_ALL)
		gather_on_mapped(agent, relay->via, &event->mapped, &relay->addr);
	agent_pair_base(agent, relay->base);
}

/* ------------------------------------------------------------------------------------------- permissions */

/* A check that the server dropped for want of a permission is sent again at once, not after its timer. */
static void send_again(struct ice_agent *agent, wlk_time now, const struct agent_relay *relay, const wlk_addr *peer)
{
	for (size_t i = 0; i < agent->txns.count; i++) {
		struct stun_txn *txn = agent->txns.items[i];

		if (txn->kind != TXN_CHECK || !addr_equal(&txn->local, &relay->base->addr) ||
		    !addr_ip_equal(&txn->remote, peer))
			continue;
		agent_transmit(agent, &txn->local, &txn->remote, txn->msg, txn->msg_size);
		agent->stats.requests_sent++;
		txn->sends++;
		txn->sends_max++;
		txn->last_sent = now;
		txn->next_at = now + txn->rto;
	}
}

/* The server refuses to relay to |peer|: its pairs on this base lead nowhere. */
static void forbid(struct ice_agent *agent, const struct agent_relay *relay, const wlk_addr *peer)
{
	for (size_t i = 0; i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair->base != relay->base || !addr_ip_equal(&pair->remote->candidate.addr, peer) || pair->valid)
			continue;
		stun_txn_remove_owner(&agent->txns, pair);
		pair->nominating = false;
		pair->state = PAIR_FAILED;
		pair->retry_at = WLK_TIME_NEVER;
	}
}

/* After all, it does. */
static void allow(struct ice_agent *agent, const struct agent_relay *relay, const wlk_addr *peer)
{
	for (size_t i = 0; i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair->base == relay->base && addr_ip_equal(&pair->remote->candidate.addr, peer) &&
		    pair->state == PAIR_FAILED && !pair->consent_lost)
			pair->state = PAIR_WAITING;
	}
}

void agent_relay_on_permission(struct ice_agent *agent, wlk_time now, const struct agent_relay *relay,
			  const struct turn_event *event)
{
	char text[WLK_ADDR_TEXT_MAX];

	if (!event->granted) {
		LOG_D(agent, "no permission for %s", addr_ip_text(&event->peer, text));
		forbid(agent, relay, &event->peer);
	} else if (event->late) {
		allow(agent, relay, &event->peer);
		send_again(agent, now, relay, &event->peer);
	}
}

void agent_relay_permit_pairs(struct ice_agent *agent, wlk_time now, struct agent_relay *relay)
{
	if (relay->permitted == agent->checklist.next_id)
		return;
	for (size_t i = 0; i < agent->checklist.count; i++) {
		const struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair->base == relay->base && pair->id >= relay->permitted)
			turn_client_permit(relay->client, now, &pair->remote->candidate.addr);
	}
	turn_client_handle_timeout(relay->client, now);
	relay->permitted = agent->checklist.next_id;
}
