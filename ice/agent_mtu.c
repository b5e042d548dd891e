/*
 * Whether datagrams of full size pass on the path in use. A path may lose them all without a word, and the small packets of ICE
 * and of a DTLS handshake do not show it; SCTP would then start with packets that never arrive. So Binding requests of full
 * size leave beside the handshake: answered, they have proven the path before SCTP begins; not answered, SCTP begins with small
 * packets until one is. Nothing waits for them.
 */
#include "core/addr.h"
#include "ice/agent_internal.h"

static bool is_asked(const struct ice_agent *agent, const struct ice_pair *pair)
{
	return agent->config.probe_mtu && !pair->consent.passive && pair->base->addr.transport != WLK_TRANSPORT_TCP;
}

static bool write_probe(struct ice_agent *agent, const struct ice_credentials *creds, const struct stun_txn *txn,
			uint8_t buf[ICE_PATH_PROBE_SIZE])
{
	size_t size;

	/* First without the filler, to see how much is missing. */
	if (agent_write_check(agent, creds, txn, 0, buf, ICE_PATH_PROBE_SIZE, &size))
		return false;
	return !agent_write_check(agent, creds, txn, ICE_PATH_PROBE_SIZE - size, buf, ICE_PATH_PROBE_SIZE, &size) &&
	       size == ICE_PATH_PROBE_SIZE;
}

void agent_run_mtu(struct ice_agent *agent, wlk_time now)
{
	struct ice_pair *pair = agent->path;
	const struct ice_credentials *creds = pair ? agent_credentials(agent, pair->generation) : NULL;
	uint8_t buf[ICE_PATH_PROBE_SIZE];
	struct stun_txn txn;

	if (!pair || !pair->valid || pair->mtu != PAIR_MTU_UNKNOWN || !creds || !creds->remote_hmac || !is_asked(agent, pair))
		return;
	pair->mtu = PAIR_MTU_ASKED;
	txn = (struct stun_txn){
		.kind = TXN_MTU,
		.owner = pair,
		.local = pair->base->addr,
		.remote = pair->remote->candidate.addr,
		.generation = pair->generation,
		.priority = ice_base_priority(pair->base, CANDIDATE_PRFLX),
		.controlling = agent->controlling,
		.rto = pair->srtt ? MAX(2 * pair->srtt, (wlk_time)AGENT_RTO_MIN_US) : AGENT_RTO_UNKNOWN_US,
		.sends_max = 1 + STUN_TXN_RETRANSMIT_MAX,
	};
	if (rand_bytes(txn.id, sizeof(txn.id)) || !write_probe(agent, creds, &txn, buf) ||
	    !stun_txn_add(&agent->txns, &txn, now, buf, sizeof(buf))) {
		agent->stats.out_of_memory++; /* it stays unproven */
		return;
	}
	agent->stats.mtu_probes_sent++;
	agent_transmit(agent, &txn.local, &txn.remote, buf, sizeof(buf));
}

void agent_on_mtu_answer(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	char text[ICE_PAIR_TEXT_MAX];

	LOG_D(agent, "datagrams of %d bytes pass on %s", ICE_PATH_PROBE_SIZE, ice_pair_text(pair, text));
	pair->mtu = PAIR_MTU_FULL; /* an error response, too, shows that the request has arrived */
	if (pair->valid)
		consent_on_received(&pair->consent, now);
}

void agent_on_mtu_timeout(struct ice_agent *agent, struct ice_pair *pair)
{
	char text[ICE_PAIR_TEXT_MAX];

	LOG_I(agent, "no datagrams of %d bytes on %s", ICE_PATH_PROBE_SIZE, ice_pair_text(pair, text));
	pair->mtu = PAIR_MTU_SMALL;
}

/* A path that has just been taken in another one's place, and has not answered yet, is taken to be like that one. */
static bool another_is_proven(const struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->checklist.count; i++)
		if (agent->checklist.pairs[i]->valid && agent->checklist.pairs[i]->mtu == PAIR_MTU_FULL)
			return true;
	return false;
}

bool ice_agent_full_size_proven(const struct ice_agent *agent)
{
	const struct ice_pair *path = agent->path;

	if (!path || path->mtu == PAIR_MTU_SMALL)
		return false;
	return path->mtu == PAIR_MTU_FULL || !is_asked(agent, path) || another_is_proven(agent);
}
