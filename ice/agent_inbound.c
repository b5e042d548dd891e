/* Checks that the peer sends (RFC 8445 7.3): authentication, role conflict, new paths, triggered checks. */
#include "core/addr.h"
#include "ice/agent_internal.h"

/* The credentials that USERNAME names; the generation before counts until the switch-over (R10). */
static struct ice_credentials *match_credentials(struct ice_agent *agent, const struct stun_msg *msg)
{
	if (ice_credentials_match_request(&agent->current, msg->username))
		return &agent->current;
	if (ice_credentials_match_request(&agent->previous, msg->username))
		return &agent->previous;
	return NULL;
}

/* R4. NULL: dropped without an answer. */
static struct ice_credentials *authenticate(struct ice_agent *agent, const struct stun_msg *msg)
{
	struct ice_credentials *creds;

	if (msg->method != STUN_METHOD_BINDING) {
		agent->stats.malformed++;
		return NULL;
	}
	if (!msg->fingerprint_ok) {
		agent->stats.no_fingerprint++;
		return NULL;
	}
	creds = match_credentials(agent, msg);
	if (!creds) {
		agent->stats.unknown_username++;
		return NULL;
	}
	if (!stun_msg_check_integrity(msg, creds->local_hmac)) {
		agent->stats.bad_integrity++;
		return NULL;
	}
	return creds;
}

static void send_response(struct ice_agent *agent, const struct ice_base *base, const wlk_addr *remote,
			  struct stun_writer *w, const struct ice_credentials *creds)
{
	uint8_t *buf = w->out.start;
	size_t size;

	if (stun_writer_finish(w, creds->local_hmac, true, &size))
		return;
	agent_transmit(agent, &base->addr, remote, buf, size);
	agent->stats.responses_sent++;
}

static void answer_success(struct ice_agent *agent, const struct ice_base *base, const wlk_addr *remote,
			   const struct stun_msg *msg, const struct ice_credentials *creds)
{
	uint8_t buf[AGENT_MESSAGE_MAX];
	struct stun_writer w;

	stun_writer_init(&w, buf, sizeof(buf), STUN_SUCCESS, msg->method, msg->txid);
	stun_put_xor_addr(&w, STUN_ATTR_XOR_MAPPED_ADDRESS, remote);
	send_response(agent, base, remote, &w, creds);
}

/* Without a reason phrase: it would only make the answer longer (R4). */
static void answer_error(struct ice_agent *agent, const struct ice_base *base, const wlk_addr *remote,
			 const struct stun_msg *msg, const struct ice_credentials *creds, uint16_t code)
{
	uint8_t buf[AGENT_MESSAGE_MAX];
	struct stun_writer w;

	stun_writer_init(&w, buf, sizeof(buf), STUN_ERROR, msg->method, msg->txid);
	stun_put_error(&w, code, "");
	if (code == 420)
		stun_put_unknown_attributes(&w, msg->unknown, MIN(msg->unknown_count, (size_t)STUN_UNKNOWN_MAX));
	send_response(agent, base, remote, &w, creds);
}

/* RFC 8445 7.3.1.1. True: the peer has to give in, answer 487. A lite agent is never controlling, so the peer must be. */
static bool resolve_role_conflict(struct ice_agent *agent, wlk_time now, const struct stun_msg *msg)
{
	bool conflict = agent->controlling ? msg->has_controlling : msg->has_controlled;
	bool ours_is_larger = agent->tie_breaker >= msg->tie_breaker;

	if (!conflict || agent_is_lite(agent))
		return conflict;
	/* The larger tie-breaker ends up controlling. */
	if (agent->controlling == ours_is_larger)
		return true;
	agent_switch_role(agent, now);
	return false;
}

/* The pair of an authenticated request; a path that was unknown so far becomes one. NULL: no memory or room. */
static struct ice_pair *pair_of_request(struct ice_agent *agent, struct ice_base *base, const wlk_addr *from,
					const struct stun_msg *msg, const struct ice_credentials *creds)
{
	struct ice_pair *pair = checklist_find(&agent->checklist, base, from, creds->generation);
	struct ice_remote_candidate *remote;

	if (pair || creds != &agent->current || !agent_may_use(agent, base))
		return pair;
	remote = agent_find_remote(agent, from);
	if (!remote)
		remote = agent_add_peer_reflexive(agent, from, msg->priority);
	return remote ? agent_add_pair(agent, base, remote, true) : NULL;
}

/* RFC 8445 7.3.1.4: the peer reaches us on this path, so this is the moment to check the other direction. */
static void trigger_check(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	struct stun_txn *last = NULL;
	size_t running = 0;

	if (pair->valid || pair->generation != agent->current.generation || agent_is_lite(agent))
		return;
	for (size_t i = 0; i < agent->txns.count; i++) {
		struct stun_txn *txn = agent->txns.items[i];

		if (txn->owner != pair || txn->kind != TXN_CHECK)
			continue;
		running++;
		if (!last || txn->last_sent > last->last_sent)
			last = txn;
	}
	if (running && pair->base->addr.transport == WLK_TRANSPORT_TCP)
		return; /* it cannot be lost */
	/*
	 * One that has just left may have come to a NAT or a relay that did not let it in yet; the peer's request says that
	 * it does now. If both left at the same time the answer comes after twice the time that has passed; without it the
	 * check is repeated then, when the pacing allows, not only by its timer.
	 */
	if (running && now - last->last_sent < agent->config.pacing_us) {
		wlk_time answer = 2 * (now - last->last_sent) + agent->config.pacing_us / 4;

		if (last->sends < last->sends_max)
			last->next_at = time_min(last->next_at, last->last_sent + MAX(answer, agent->config.pacing_us));
		return;
	}
	if (running >= AGENT_CHECKS_PER_PAIR)
		return;
	if (pair->state != PAIR_IN_PROGRESS)
		pair->state = PAIR_WAITING;
	checklist_trigger(&agent->checklist, pair);
}

/* R12: for a lite agent a request proves its path and renews consent, since no response ever comes. */
static void validate_by_request(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	if (!pair->valid) {
		agent_on_valid(agent, now, pair);
		consent_set_passive(&pair->consent);
	}
	consent_on_answer(&pair->consent, now);
}

static void on_pair_request(struct ice_agent *agent, wlk_time now, struct ice_pair *pair, const struct stun_msg *msg)
{
	pair->stats.requests_received++;
	pair->stats.responses_sent++;
	pair->last_request = now;
	if (agent_is_lite(agent))
		validate_by_request(agent, now, pair);
	if (pair->valid)
		consent_on_received(&pair->consent, now);
	trigger_check(agent, now, pair);
	if (agent->controlling)
		return;
	if (msg->has_nomination && agent->config.renomination)
		agent_renominate(agent, now, pair, msg->nomination);
	else if (msg->use_candidate)
		agent_follow_nomination(agent, now, pair);
}

bool agent_on_request_message(struct ice_agent *agent, wlk_time now, struct ice_base *base, const wlk_addr *remote,
			      const struct stun_msg *msg)
{
	const struct ice_credentials *creds = authenticate(agent, msg);
	struct ice_pair *pair;

	if (!creds)
		return false;
	agent->stats.requests_received++;
	if (msg->unknown_count) {
		answer_error(agent, base, remote, msg, creds, 420);
		return true;
	}
	if (!msg->has_priority || (!msg->has_controlling && !msg->has_controlled)) {
		agent->stats.missing_attribute++;
		return false;
	}
	if (!agent_address_allowed(agent, remote)) {
		agent->stats.refused_candidates++;
		return false;
	}
	if (creds == &agent->current && resolve_role_conflict(agent, now, msg)) {
		answer_error(agent, base, remote, msg, creds, 487);
		return true;
	}
	pair = pair_of_request(agent, base, remote, msg, creds);
	/* Under the relay policy nobody learns that the other addresses are there. */
	if (pair ? pair->consent_lost : !agent_may_use(agent, base))
		return false;
	answer_success(agent, base, remote, msg, creds);
	if (pair)
		on_pair_request(agent, now, pair, msg);
	return true;
}
