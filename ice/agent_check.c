/* Checks that we send (RFC 8445 7.2): transactions, consent checks, and what the responses mean. */
#include "core/addr.h"
#include "ice/agent_internal.h"

/* ----------------------------------------------------------------------------------------------- sending */

/*
 * RFC 8445 14.3 starts at 500 ms and at Ta for each check under way. A known round trip allows less, and before the
 * first answer 200 ms lose little: what was sent in vain is one small packet.
 */
static wlk_time first_rto(struct ice_agent *agent, const struct ice_pair *pair)
{
	wlk_time known = pair->srtt ? pair->srtt : ice_agent_rtt(agent);
	wlk_time rto = AGENT_RTO_UNKNOWN_US;

	if (known)
		rto = time_min(MAX(2 * known, (wlk_time)AGENT_RTO_MIN_US), AGENT_RTO_MAX_US);
	ice_pacer_report(&agent->pacer, agent->pacer.waits, agent->txns.count);
	return MAX(rto, ice_pacer_rto(&agent->pacer));
}

wlk_err agent_write_check(struct ice_agent *agent, const struct ice_credentials *creds, const struct stun_txn *txn,
			  size_t filler, uint8_t *buf, size_t capacity, size_t *size)
{
	static const uint8_t zeros[ICE_PATH_PROBE_SIZE];
	const struct ice_pair *pair = txn->owner;
	char username[ICE_UFRAG_MAX + 1 + ICE_LOCAL_UFRAG_SIZE];
	struct bytes_writer user = bytes_writer(username, sizeof(username));
	struct stun_writer w;

	bytes_put(&user, creds->remote_ufrag, strlen(creds->remote_ufrag));
	bytes_put_u8(&user, ':');
	bytes_put(&user, creds->local_ufrag, ICE_LOCAL_UFRAG_SIZE);
	assert((!filler || filler >= 4) && filler % 4 == 0 && filler <= sizeof(zeros) && "an attribute has a header");
	stun_writer_init(&w, buf, capacity, STUN_REQUEST, STUN_METHOD_BINDING, txn->id);
	stun_put_bytes(&w, STUN_ATTR_USERNAME, username, user.size);
	stun_put_u32(&w, STUN_ATTR_PRIORITY, txn->priority);
	stun_put_u64(&w, txn->controlling ? STUN_ATTR_ICE_CONTROLLING : STUN_ATTR_ICE_CONTROLLED, agent->tie_breaker);
	if (txn->use_candidate)
		stun_put_flag(&w, STUN_ATTR_USE_CANDIDATE);
	if (txn->use_candidate && pair->nomination)
		stun_put_u32(&w, STUN_ATTR_NOMINATION, pair->nomination);
	if (filler)
		stun_put_bytes(&w, STUN_ATTR_FILLER, zeros, filler - 4);
	return stun_writer_finish(&w, creds->remote_hmac, true, size);
}

/* One Binding request on |pair|; false: no memory or no random bytes, nothing was sent. */
static bool send_check(struct ice_agent *agent, wlk_time now, struct ice_pair *pair, enum stun_txn_kind kind,
		       bool use_candidate)
{
	const struct ice_credentials *creds = agent_credentials(agent, pair->generation);
	struct stun_txn txn = {
		.kind = kind,
		.owner = pair,
		.local = pair->base->addr,
		.remote = pair->remote->candidate.addr,
		.generation = pair->generation,
		.priority = ice_base_priority(pair->base, CANDIDATE_PRFLX),
		.controlling = agent->controlling,
		.use_candidate = use_candidate,
		.rto = kind == TXN_CONSENT ? AGENT_CONSENT_LIFE_US : first_rto(agent, pair),
		.sends_max = kind == TXN_CONSENT ? 1 : 1 + STUN_TXN_RETRANSMIT_MAX,
	};
	bool reliable = txn.local.transport == WLK_TRANSPORT_TCP;
	uint8_t buf[AGENT_MESSAGE_MAX];
	size_t size;

	assert(creds && creds->remote_hmac && "checks are sent only with the peer's password");
	if (reliable && kind == TXN_CHECK) {
		txn.rto = AGENT_STREAM_CHECK_US; /* RFC 8489 6.2.2: TCP repeats what is lost */
		txn.sends_max = 1;
	}
	if (rand_bytes(txn.id, sizeof(txn.id)) || agent_write_check(agent, creds, &txn, 0, buf, sizeof(buf), &size) ||
	    !stun_txn_add(&agent->txns, &txn, now, buf, size)) {
		agent->stats.out_of_memory++;
		return false;
	}
	agent_transmit(agent, &txn.local, &txn.remote, buf, size);
	agent->stats.requests_sent++;
	pair->stats.requests_sent++;
	if (kind == TXN_CONSENT) {
		agent->stats.consent_requests_sent++;
		pair->stats.consent_requests_sent++;
	}
	return true;
}

/* RFC 8445 7.3.1.4: a new check takes over from those under way, whose answers are still welcome. */
static void cancel_checks(struct ice_agent *agent, const struct ice_pair *pair)
{
	for (size_t i = 0; i < agent->txns.count; i++)
		if (agent->txns.items[i]->owner == pair && agent->txns.items[i]->kind == TXN_CHECK)
			stun_txn_cancel(agent->txns.items[i]);
}

static void start_check(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	char text[ICE_PAIR_TEXT_MAX];

	ice_pacer_take(&agent->pacer, now);
	cancel_checks(agent, pair);
	if (!send_check(agent, now, pair, TXN_CHECK, pair->nominating)) {
		/* An ordinary check again when the pacing allows, or a nomination when it is next thought of. */
		pair->nominating = false;
		if (!pair->valid)
			pair->state = PAIR_WAITING;
		return;
	}
	LOG_D(agent, "check %s%s", ice_pair_text(pair, text), pair->nominating ? ", nominating" : "");
	if (!pair->valid)
		pair->state = PAIR_IN_PROGRESS;
}

/* Whether a pair from the triggered-check queue still wants its check. */
static bool is_check_wanted(const struct ice_agent *agent, const struct ice_pair *pair)
{
	return pair->generation == agent->current.generation && !pair->consent_lost &&
	       (!pair->valid || pair->nominating);
}

/* Failed pairs are checked again while no pair answers: at first until the PAC timer ends, later until consent does. */
static bool wants_retry(const struct ice_agent *agent, wlk_time now)
{
	if (!checklist_best_valid(&agent->checklist, agent->current.generation))
		return !agent->pac_expired || agent->lost_at != WLK_TIME_NEVER;
	return agent->path && consent_is_suspect(&agent->path->consent, now);
}

static void retry_failed(struct ice_agent *agent, wlk_time now)
{
	if (!wants_retry(agent, now))
		return;
	for (size_t i = 0; i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair->state == PAIR_FAILED && pair->generation == agent->current.generation &&
		    pair->retry_at <= now)
			pair->state = PAIR_WAITING;
	}
}

static bool may_check(const struct ice_agent *agent)
{
	return ice_credentials_have_remote(&agent->current) && !agent_is_lite(agent);
}

static void run_checklist(struct ice_agent *agent, wlk_time now)
{
	struct ice_pair *pair;

	retry_failed(agent, now);
	while (checklist_has_triggered(&agent->checklist) && ice_pacer_at(&agent->pacer, true) <= now) {
		pair = checklist_pop_triggered(&agent->checklist);
		if (is_check_wanted(agent, pair))
			start_check(agent, now, pair);
	}
	if (ice_pacer_at(&agent->pacer, false) <= now) {
		pair = checklist_next(&agent->checklist, agent->current.generation, false);
		if (pair)
			start_check(agent, now, pair);
	}
}

void agent_run_checks(struct ice_agent *agent, wlk_time now)
{
	bool waits = false;

	if (may_check(agent)) {
		run_checklist(agent, now);
		waits = checklist_next(&agent->checklist, agent->current.generation, true) != NULL;
	}
	ice_pacer_report(&agent->pacer, waits, agent->txns.count);
}

wlk_time agent_check_deadline(struct ice_agent *agent, wlk_time now)
{
	uint32_t generation = agent->current.generation;
	wlk_time at = agent_loss_deadline(agent);

	for (size_t i = 0; i < agent->checklist.count; i++) {
		const struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair->valid && agent_credentials(agent, pair->generation))
			at = time_min(at, consent_deadline(&pair->consent, now));
	}
	if (!may_check(agent))
		return at;
	if (checklist_has_triggered(&agent->checklist))
		at = time_min(at, ice_pacer_at(&agent->pacer, true));
	if (checklist_next(&agent->checklist, generation, true))
		at = time_min(at, ice_pacer_at(&agent->pacer, false));
	if (wants_retry(agent, now))
		for (size_t i = 0; i < agent->checklist.count; i++)
			if (agent->checklist.pairs[i]->state == PAIR_FAILED &&
			    agent->checklist.pairs[i]->generation == generation)
				at = time_min(at, agent->checklist.pairs[i]->retry_at);
	return at;
}

/* ------------------------------------------------------------------------------------------------ timers */

static void fail_pair(struct ice_pair *pair, wlk_time now)
{
	pair->state = PAIR_FAILED;
	pair->retry_at = now + AGENT_RETRY_US;
}

/* A transaction without an answer; it is gone already. */
static void on_timeout(struct ice_agent *agent, wlk_time now, const struct stun_txn *txn)
{
	struct ice_pair *pair = txn->owner;
	char text[ICE_PAIR_TEXT_MAX];

	if (txn->kind == TXN_GATHER) {
		gather_on_timeout(agent, txn->owner);
		return;
	}
	if (txn->kind == TXN_MTU)
		agent_on_mtu_timeout(agent, pair);
	if (txn->kind != TXN_CHECK || stun_txn_find_owner(&agent->txns, pair, TXN_CHECK))
		return;
	pair->nominating = false;
	if (pair->valid || pair->state != PAIR_IN_PROGRESS)
		return;
	LOG_D(agent, "no answer on %s", ice_pair_text(pair, text));
	fail_pair(pair, now);
}

static void resend(struct ice_agent *agent, struct stun_txn *txn)
{
	agent_transmit(agent, &txn->local, &txn->remote, txn->msg, txn->msg_size);
	agent->stats.mtu_probes_sent += txn->kind == TXN_MTU;
	if (txn->kind == TXN_GATHER || txn->kind == TXN_MTU)
		return;
	agent->stats.requests_sent++;
	((struct ice_pair *)txn->owner)->stats.requests_sent++;
	((struct ice_pair *)txn->owner)->stats.requests_repeated++;
	/*
	 * RFC 8445 keeps pairs of the same foundation Frozen until this one has failed, up to half a minute. Peers that
	 * give all candidates one foundation would wait that long for nothing; a lost packet is reason enough to look
	 * on.
	 */
	if (txn->sends == 2)
		checklist_unfreeze_like(&agent->checklist, txn->owner);
}

void agent_run_transactions(struct ice_agent *agent, wlk_time now)
{
	for (size_t i = agent->txns.count; i-- > 0;) {
		struct stun_txn *txn = agent->txns.items[i];
		enum stun_txn_due due = stun_txn_poll(txn, now);

		if (due == TXN_RESEND)
			resend(agent, txn);
		if (due != TXN_TIMED_OUT)
			continue;

		struct stun_txn ended = *txn; /* without its message */

		stun_txn_remove(&agent->txns, txn); /* the last one takes its place; it was looked at before */
		on_timeout(agent, now, &ended);
	}
}

void agent_confirm_path(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	if (pair->consent.passive)
		return; /* a lite agent waits for the peer's checks */
	send_check(agent, now, pair, TXN_CONSENT, agent->controlling && pair == agent->selected);
	consent_on_check_sent(&pair->consent, now);
}

static bool is_backup(const struct ice_agent *agent, const struct ice_pair *pair)
{
	return pair->valid && pair != agent->path && pair != agent->selected;
}

static size_t count_backups(const struct ice_agent *agent, const struct ice_base *base)
{
	size_t count = 0;

	for (size_t i = 0; i < agent->checklist.count; i++)
		count += is_backup(agent, agent->checklist.pairs[i]) &&
			 (!base || agent->checklist.pairs[i]->base == base);
	return count;
}

/* How many of the backups of |base| are better than the one at |index|. */
static size_t rank_of_backup(const struct ice_agent *agent, size_t index)
{
	size_t rank = 0;

	for (size_t i = 0; i < index; i++)
		rank += agent->checklist.pairs[i]->base == agent->checklist.pairs[index]->base &&
			is_backup(agent, agent->checklist.pairs[i]);
	return rank;
}

/*
 * Which backups stay warm when there are too many: the best ones, but no interface has more than its share, because the
 * reason for having them is that interfaces go.
 */
static void choose_backups(struct ice_agent *agent, wlk_time now)
{
	bool all = count_backups(agent, NULL) <= AGENT_BACKUPS_MAX;
	size_t bases = 0, kept = 0;

	for (size_t i = 0; !all && i < agent->gather.base_count; i++)
		bases += count_backups(agent, agent->gather.bases[i]) > 0;
	for (size_t i = 0; i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];
		bool keep = all || !is_backup(agent, pair);

		if (!keep && kept < AGENT_BACKUPS_MAX &&
		    rank_of_backup(agent, i) < MAX(AGENT_BACKUPS_MAX / bases, (size_t)1)) {
			keep = true;
			kept++;
		}
		if (pair->valid)
			consent_set_cold(&pair->consent, now, !keep);
	}
}

/* While the path in use is doubted, the backups are asked as often (R7). */
static void spread_probing(struct ice_agent *agent, wlk_time now)
{
	for (size_t i = 0; agent->path && i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair == agent->path || !pair->valid || pair->consent.cold)
			continue;
		if (agent->path->consent.probing)
			consent_probe(&pair->consent, now);
		else
			consent_end_probe(&pair->consent);
	}
}

void agent_run_consent(struct ice_agent *agent, wlk_time now)
{
	choose_backups(agent, now);
	if (agent->path)
		consent_look(&agent->path->consent, now);
	spread_probing(agent, now);
	for (size_t i = agent->checklist.count; i-- > 0;) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (!pair->valid || !agent_credentials(agent, pair->generation))
			continue;
		switch (consent_poll(&pair->consent, now)) {
		case CONSENT_EXPIRED:
			agent_on_consent_expired(agent, now, pair);
			break;
		case CONSENT_SEND_CHECK:
			/* With USE-CANDIDATE, so that a peer who sees us under a new address follows at once. */
			send_check(agent, now, pair, TXN_CONSENT, agent->controlling && pair == agent->selected);
			consent_on_check_sent(&pair->consent, now);
			break;
		case CONSENT_NOTHING:
			break;
		}
	}
}

/* --------------------------------------------------------------------------------------------- responses */

static void on_success(struct ice_agent *agent, wlk_time now, const struct stun_txn *txn, const struct stun_msg *msg)
{
	struct ice_pair *pair = txn->owner;
	struct ice_local_candidate *revealed;

	if (txn->kind == TXN_CHECK) {
		revealed = gather_reflexive(agent, pair->base, &msg->xor_mapped, txn->priority);
		if (revealed)
			pair->local = revealed;
		else
			agent->stats.out_of_memory++; /* the pair works all the same */
		if (!pair->valid)
			agent_on_valid(agent, now, pair);
	}
	if (pair->valid)
		consent_on_answer(&pair->consent, now);
	if (txn->sends == 1)
		ice_pair_on_rtt(pair, now - txn->first_sent);
	if (txn->kind == TXN_CHECK && (!pair->nominating || txn->use_candidate))
		stun_txn_remove_kind(&agent->txns, pair, TXN_CHECK);
	if (txn->use_candidate && agent->controlling && pair->nominating)
		agent_on_nominated(agent, now, pair);
}

/* RFC 8445 7.2.5.1 */
static void on_role_conflict(struct ice_agent *agent, wlk_time now, const struct stun_txn *txn)
{
	struct ice_pair *pair = txn->owner;
	uint64_t fresh;

	/* A 487 for a role that we have left meanwhile says nothing; switching again would only flap. */
	if (txn->controlling == agent->controlling) {
		agent_switch_role(agent, now);
		if (!rand_u64(&fresh))
			agent->tie_breaker = fresh;
	} else {
		agent->stats.stale_role_conflicts++;
	}
	if (txn->kind == TXN_CHECK) {
		if (!pair->valid)
			pair->state = PAIR_WAITING;
		checklist_trigger(&agent->checklist, pair);
	}
}

static void on_error(struct ice_agent *agent, wlk_time now, const struct stun_txn *txn, const struct stun_msg *msg)
{
	struct ice_pair *pair = txn->owner;
	char text[ICE_PAIR_TEXT_MAX];

	if (msg->error_code == 487) {
		on_role_conflict(agent, now, txn);
		return;
	}
	LOG_RATED(agent, &agent->log_budget, now, LOG_LEVEL_DEBUG, "error %u on %s", msg->error_code,
		  ice_pair_text(pair, text));
	if (txn->kind != TXN_CHECK || stun_txn_find_owner(&agent->txns, pair, TXN_CHECK))
		return;
	pair->nominating = false;
	if (!pair->valid && pair->state == PAIR_IN_PROGRESS)
		fail_pair(pair, now);
}

/* Whether a response to one of our checks is the peer's (R5). */
static bool is_authentic(struct ice_agent *agent, const struct stun_txn *txn, const struct stun_msg *msg)
{
	struct ice_credentials *creds = agent_credentials(agent, txn->generation);

	if (!creds || (msg->has_fingerprint && !msg->fingerprint_ok) ||
	    !stun_msg_check_integrity(msg, creds->remote_hmac)) {
		agent->stats.bad_integrity++;
		return false;
	}
	/* Comprehension-required attributes that we do not know (RFC 8489 6.3.3), or no mapped address: of no use. */
	if (msg->unknown_count || (msg->class == STUN_SUCCESS && txn->kind == TXN_CHECK &&
				   (msg->xor_mapped.family != txn->local.family || !msg->xor_mapped.port))) {
		agent->stats.malformed++;
		return false;
	}
	return true;
}

bool agent_on_response(struct ice_agent *agent, wlk_time now, struct ice_base *base, const wlk_addr *remote,
		       const struct stun_msg *msg)
{
	struct stun_txn *txn = stun_txn_find(&agent->txns, msg->txid);
	struct stun_txn ended;
	struct ice_pair *pair;

	if (!txn) {
		agent->stats.unknown_transaction++;
		return false;
	}
	if (!addr_equal(&txn->local, &base->addr) || !addr_equal(&txn->remote, remote)) {
		agent->stats.wrong_source++;
		return false;
	}
	if (txn->kind != TXN_GATHER && !is_authentic(agent, txn, msg))
		return false;
	ended = *txn;
	stun_txn_remove(&agent->txns, txn);
	if (ended.kind == TXN_GATHER) {
		gather_on_response(agent, now, ended.owner, msg);
		return true;
	}
	pair = ended.owner;
	if (ended.kind == TXN_MTU) {
		agent_on_mtu_answer(agent, now, pair);
		return true;
	}
	agent->stats.responses_received++;
	pair->stats.responses_received++;
	if (msg->class == STUN_SUCCESS)
		on_success(agent, now, &ended, msg);
	else
		on_error(agent, now, &ended, msg);
	return true;
}
