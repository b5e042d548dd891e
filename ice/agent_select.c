/* From valid pairs to the path in use: nomination by both roles, fail-over, loss, and the state that the W3C names. */
#include "core/addr.h"
#include "ice/agent_internal.h"

static bool is_current(const struct ice_agent *agent, const struct ice_pair *pair)
{
	return pair && pair->generation == agent->current.generation;
}

/* ------------------------------------------------------------------------------------------------- facts */

void agent_on_valid(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	char text[ICE_PAIR_TEXT_MAX];

	pair->valid = true;
	pair->state = PAIR_SUCCEEDED;
	pair->announce = true;
	agent->news = true;
	consent_start(&pair->consent, now, &agent->limits, &agent->jitter);
	checklist_unfreeze_like(&agent->checklist, pair);
	LOG_D(agent, "valid: %s", ice_pair_text(pair, text));
	if (pair->nominate_when_valid && !agent->controlling)
		agent_follow_nomination(agent, now, pair);
}

/* The generation before has done its duty: its password is refused from here on (R10), its paths are still listened to.
 */
static void switch_over(struct ice_agent *agent, wlk_time now)
{
	for (size_t i = agent->txns.count; i-- > 0;)
		if (agent->txns.items[i]->kind != TXN_GATHER &&
		    agent->txns.items[i]->generation == agent->previous.generation)
			stun_txn_remove(&agent->txns, agent->txns.items[i]);
	ice_credentials_free(&agent->previous);
	agent->retire_at = now + AGENT_RETIRE_US;
}

static void select_pair(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	char text[ICE_PAIR_TEXT_MAX];

	if (agent->selected == pair)
		return;
	agent->selected = pair;
	agent->selected_at = now;
	LOG_RATED(agent, &agent->story_budget, now, LOG_LEVEL_INFO, "selected: %s", ice_pair_text(pair, text));
	if (agent->previous.generation && is_current(agent, pair))
		switch_over(agent, now);
}

/* Whether |pair| is to replace the selected one, both being nominated. */
static bool beats_selected(const struct ice_agent *agent, wlk_time now, const struct ice_pair *pair)
{
	const struct ice_pair *selected = agent->selected;

	if (pair == selected)
		return false;
	if (!selected || !selected->valid || selected->generation < pair->generation)
		return true;
	if (selected->generation > pair->generation)
		return false;
	if (pair->nomination != selected->nomination)
		return pair->nomination > selected->nomination; /* draft-thatcher-ice-renomination-01 4 */
	if (pair->priority > selected->priority)
		return true;
	/*
	 * RFC 8445 knows one nomination, RFC 5245 the best of many at the start, libwebrtc the latest at any time. Late in
	 * the call another pair is meant to be used. Early, a peer that still uses the selected pair is of the second kind;
	 * one that has left it meant the new one.
	 */
	if (!agent->controlling && now - agent->selected_at >= AGENT_SETTLED_US)
		return true;
	return consent_is_quiet(&selected->consent, now) || consent_is_suspect(&selected->consent, now);
}

void agent_on_nominated(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	pair->nominating = false;
	pair->nominated = true;
	if (beats_selected(agent, now, pair))
		select_pair(agent, now, pair);
}

void agent_follow_nomination(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	pair->nominated_at = now;
	if (!pair->valid) {
		pair->nominate_when_valid = true;
		return;
	}
	pair->nominated = true;
	if (beats_selected(agent, now, pair))
		select_pair(agent, now, pair);
}

void agent_renominate(struct ice_agent *agent, wlk_time now, struct ice_pair *pair, uint32_t nomination)
{
	if (nomination <= agent->remote_nomination)
		return; /* overtaken by a later one, or the same once more */
	agent->remote_nomination = nomination;
	pair->nomination = nomination;
	agent_follow_nomination(agent, now, pair);
}

void agent_on_consent_expired(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	char text[ICE_PAIR_TEXT_MAX];

	LOG_I(agent, "consent expired: %s", ice_pair_text(pair, text));
	pair->valid = false;
	pair->nominated = false;
	pair->nominating = false;
	pair->nominate_when_valid = false;
	pair->announce = false;
	pair->state = PAIR_FAILED;
	/* A cold backup was not asked: when it is needed it may be checked anew. */
	pair->consent_lost = !pair->consent.cold;
	pair->retry_at = pair->consent.cold ? now : WLK_TIME_NEVER;
	stun_txn_remove_owner(&agent->txns, pair);
	if (agent->selected == pair)
		agent->selected = NULL;
	if (agent->path != pair)
		return;
	agent->path = NULL;
	agent->path_lost = true;
	agent_tell(agent, &(struct agent_fact){ .local = pair->base->addr, .remote = pair->remote->candidate.addr });
}

/* ------------------------------------------------------------------------------------------------ choice */

/* The valid pair of highest priority, one that is not suspect if there is any; NULL: none is valid. */
static struct ice_pair *best_live(struct ice_agent *agent, wlk_time now, uint32_t generation)
{
	for (size_t i = 0; generation && i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair->valid && pair->generation == generation && !consent_is_suspect(&pair->consent, now))
			return pair;
	}
	return generation ? checklist_best_valid(&agent->checklist, generation) : NULL;
}

/*
 * Whether the peer has left |path| for |pair|: its packets come there and nothing comes here any more, for 500 ms, or for
 * 60 ms when it has also just checked |pair|, as one does after a move. Packets alone would not do, since anybody may forge
 * them (R2).
 */
static bool has_moved(const struct ice_pair *path, const struct ice_pair *pair, wlk_time now)
{
	wlk_time here = path->consent.last_received;

	if (pair->stats.last_received <= here || consent_is_quiet(&pair->consent, now))
		return false;
	if (consent_is_quiet(&path->consent, now))
		return true;
	return pair->run_since > here && pair->stats.last_received - pair->run_since >= AGENT_MOVED_US &&
	       pair->last_request >= here - AGENT_MOVED_US && now - pair->last_request <= CONSENT_QUIET_US;
}

static struct ice_pair *find_where_peer_sends(struct ice_agent *agent, wlk_time now, const struct ice_pair *path)
{
	for (size_t i = 0; i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair != path && pair->valid && agent_credentials(agent, pair->generation) &&
		    has_moved(path, pair, now))
			return pair;
	}
	return NULL;
}

bool agent_on_other_path(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	const struct ice_pair *path = agent->path;

	if (!path || !path->valid || pair->generation != path->generation)
		return false;
	if (pair->run_since <= path->consent.last_received)
		pair->run_since = now;
	return has_moved(path, pair, now);
}

/* The best pair that has answered since |pair| fell silent. */
static struct ice_pair *find_backup(struct ice_agent *agent, wlk_time now, const struct ice_pair *pair)
{
	for (size_t i = 0; i < agent->checklist.count; i++) {
		struct ice_pair *backup = agent->checklist.pairs[i];

		if (backup != pair && backup->valid && agent_credentials(agent, backup->generation) &&
		    !consent_is_suspect(&backup->consent, now) &&
		    backup->consent.last_answer > pair->consent.unanswered_since)
			return backup;
	}
	return NULL;
}

/* Who carries the packets in place of |path|, which is nominated or the best; |path| itself when it works. */
static struct ice_pair *find_stand_in(struct ice_agent *agent, wlk_time now, struct ice_pair *path)
{
	struct ice_pair *in_use = agent->path;
	struct ice_pair *found = NULL;

	/* A stand-in stays as long as it is needed: two paths that both work are not taken in turns. */
	if (in_use && in_use != path && in_use->valid && agent_credentials(agent, in_use->generation) &&
	    !consent_is_suspect(&in_use->consent, now) &&
	    (consent_is_suspect(&path->consent, now) || has_moved(path, in_use, now))) {
		found = find_where_peer_sends(agent, now, in_use);
		return found ? found : in_use;
	}
	if (consent_is_suspect(&path->consent, now))
		found = find_backup(agent, now, path);
	if (!found)
		found = find_where_peer_sends(agent, now, path);
	return found ? found : path;
}

static struct ice_pair *choose_path(struct ice_agent *agent, wlk_time now)
{
	struct ice_pair *path = agent->selected;

	if (!path)
		path = best_live(agent, now, agent->current.generation);
	if (!path)
		path = best_live(agent, now, agent->previous.generation);
	return path ? find_stand_in(agent, now, path) : NULL;
}

/* The peer has nominated another pair, of lower priority, and then let the selected one fall silent: it has moved. */
static void follow_silently(struct ice_agent *agent, wlk_time now)
{
	const struct ice_pair *selected = agent->selected;

	if (agent->controlling || !selected || !consent_is_quiet(&selected->consent, now))
		return;
	for (size_t i = 0; i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair->valid && pair->nominated && pair->nominated_at > selected->consent.last_received &&
		    beats_selected(agent, now, pair)) {
			select_pair(agent, now, pair);
			return;
		}
	}
}

static void use_path(struct ice_agent *agent, wlk_time now, struct ice_pair *path)
{
	bool nominated = path && path == agent->selected;

	if (path != agent->path) {
		if (agent->path && agent->path->valid)
			consent_set_active(&agent->path->consent, now, false);
		agent->path = path;
		if (path)
			consent_set_active(&path->consent, now, true);
		if (path && path->valid && agent->stats.selected_pair_changes)
			agent_confirm_path(agent, now, path);
		agent->stats.selected_pair_changes++;
	}
	if (path) {
		agent->had_path = true;
		agent->lost_at = WLK_TIME_NEVER;
	} else if (agent->had_path && !agent->previous.generation && agent->lost_at == WLK_TIME_NEVER) {
		agent->lost_at = now;
	}
	if (path && (path->id != agent->told_pair || nominated != agent->told_nominated))
		agent->news = true;
}

/* The stand-in that the peer has moved to for good. */
static struct ice_pair *settled_stand_in(const struct ice_agent *agent, wlk_time now, const struct ice_pair *selected)
{
	struct ice_pair *path = agent->path;

	if (!selected || !is_current(agent, path) || path == selected || !path->valid || path->nominating ||
	    !consent_is_quiet(&selected->consent, now) || !has_moved(selected, path, now))
		return NULL;
	return path;
}

/* The pair that a controlling agent wants nominated, or NULL when all is well. */
static struct ice_pair *nomination_wanted(struct ice_agent *agent, wlk_time now)
{
	struct ice_pair *selected = is_current(agent, agent->selected) ? agent->selected : NULL;
	struct ice_pair *best = NULL;
	struct ice_pair *stand_in = settled_stand_in(agent, now, selected);
	bool under_way = false;

	if (stand_in)
		return stand_in;
	for (size_t i = 0; i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (!is_current(agent, pair) || !pair->valid)
			continue;
		if (!best && !consent_is_suspect(&pair->consent, now))
			best = pair;
		under_way |= pair->nominating && !consent_is_suspect(&pair->consent, now);
	}
	if (!best || best == selected || best->nominating)
		return NULL;
	if (selected && consent_is_suspect(&selected->consent, now))
		return best->consent.last_answer > selected->consent.unanswered_since ? best : NULL;
	if (agent->config.nominate_once && (selected || under_way))
		return NULL;
	return !selected || best->priority > selected->priority ? best : NULL;
}

/* Once for each loss. */
static void want_restart(struct ice_agent *agent)
{
	if (agent->restart_told)
		return;
	LOG_I(agent, "no path is left: an ICE restart is wanted");
	agent->restart_told = true;
	agent->restart_wanted = true;
	agent->news = true;
}

static void halt(struct ice_agent *agent)
{
	struct dgram d;

	LOG_W(agent, "no consent on any pair: sending stops");
	want_restart(agent);
	agent->halted = true;
	agent->lost_at = WLK_TIME_NEVER;
	stun_txn_table_free(&agent->txns);
	while (dgram_queue_pop(&agent->out, &d))
		pktbuf_release(d.buf);
}

/*
 * R7: consent is gone, no pair is left, and no restart is on its way that could bring one. Where the path went with its
 * interface, checks from other ones go on for as long as consent would have lasted.
 */
static bool must_halt(struct ice_agent *agent, wlk_time now)
{
	bool lost = agent->path_lost;

	agent->path_lost = false;
	if (agent->lost_at != WLK_TIME_NEVER && now >= agent->lost_at + agent->config.consent_timeout_us)
		return true;
	return lost && !agent->previous.generation &&
	       !checklist_best_valid(&agent->checklist, agent->current.generation);
}

static bool has_socket(const struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->gather.base_count; i++)
		if (agent->gather.bases[i]->state == BASE_BOUND)
			return true;
	return false;
}

/* When the search for a path after its loss has lasted so long that the application is told. */
static wlk_time restart_wanted_at(const struct ice_agent *agent)
{
	if (agent->lost_at == WLK_TIME_NEVER || agent->restart_told || !has_socket(agent))
		return WLK_TIME_NEVER;
	return MAX(agent->lost_at, agent->last_bound_at) + AGENT_RESTART_WANTED_US;
}

wlk_time agent_loss_deadline(const struct ice_agent *agent)
{
	wlk_time at = restart_wanted_at(agent);

	if (agent->lost_at != WLK_TIME_NEVER)
		at = time_min(at, agent->lost_at + agent->config.consent_timeout_us);
	return at;
}

void agent_on_network_change(struct ice_agent *agent, wlk_time now)
{
	LOG_D(agent, "the network changed");
	if (agent->path)
		consent_probe(&agent->path->consent, now);
	agent_relays_check(agent, now);
	for (size_t i = 0; i < agent->checklist.count; i++)
		if (agent->checklist.pairs[i]->retry_at != WLK_TIME_NEVER)
			agent->checklist.pairs[i]->retry_at = now;
}

/* A NAT that has forgotten the socket takes its allocations with it, and nobody tells. */
static void doubt_relays(struct ice_agent *agent, wlk_time now)
{
	bool doubt = ice_agent_in_doubt(agent);

	if (doubt && !agent->relays_checked)
		agent_relays_check(agent, now);
	agent->relays_checked = doubt;
}

void agent_select(struct ice_agent *agent, wlk_time now)
{
	struct ice_pair *pair;

	if (must_halt(agent, now)) {
		use_path(agent, now, NULL);
		halt(agent);
		return;
	}
	if (agent->controlling && ice_credentials_have_remote(&agent->current)) {
		pair = nomination_wanted(agent, now);
		if (pair) {
			pair->nominating = true;
			pair->nomination = agent->renomination ? ++agent->nomination : 0;
			checklist_trigger(&agent->checklist, pair);
		}
	}
	follow_silently(agent, now);
	use_path(agent, now, choose_path(agent, now));
	doubt_relays(agent, now);
	if (restart_wanted_at(agent) <= now)
		want_restart(agent);
}

/* ------------------------------------------------------------------------------------------------- state */

static bool is_completed(const struct ice_agent *agent)
{
	return agent->path && agent->path == agent->selected && is_current(agent, agent->selected) &&
	       agent->gather.state == ICE_GATHERING_COMPLETE && agent->current.remote_ended && !agent->name_count &&
	       !checklist_unfinished(&agent->checklist, agent->current.generation) && !agent_streams_busy(agent);
}

/*
 * RFC 8863 4: not before the PAC timer, even with all candidates known, because peer-reflexive ones may come. A peer
 * that arrives later still revives the agent: its request makes a pair that is unfinished.
 */
static bool has_failed(const struct ice_agent *agent)
{
	return agent->pac_expired && agent->gather.state != ICE_GATHERING_ACTIVE &&
	       !checklist_unfinished(&agent->checklist, agent->current.generation) && !agent->name_count &&
	       !agent_streams_busy(agent);
}

static enum ice_state compute_state(const struct ice_agent *agent, wlk_time now)
{
	if (agent->closed)
		return ICE_STATE_CLOSED;
	if (agent->halted)
		return ICE_STATE_FAILED;
	if (agent->path && !consent_is_disconnected(&agent->path->consent, now))
		return is_completed(agent) ? ICE_STATE_COMPLETED : ICE_STATE_CONNECTED;
	/* A restart forgets that connectivity was lost (W3C webrtc 5.6.4). */
	if ((agent->path || agent->lost_at != WLK_TIME_NEVER) && !agent->previous.generation)
		return ICE_STATE_DISCONNECTED;
	if (has_failed(agent))
		return ICE_STATE_FAILED;
	if (ice_credentials_have_remote(&agent->current) || agent->state != ICE_STATE_NEW)
		return ICE_STATE_CHECKING;
	return ICE_STATE_NEW;
}

void agent_update_state(struct ice_agent *agent, wlk_time now)
{
	enum ice_state state = compute_state(agent, now);

	if (state == agent->state)
		return;
	LOG_I(agent, "%s -> %s", ice_state_name(agent->state), ice_state_name(state));
	agent->state = state;
	if (state == ICE_STATE_DISCONNECTED && agent->path)
		want_restart(agent); /* what there is to try has been tried for five seconds */
	else if (state == ICE_STATE_CONNECTED || state == ICE_STATE_COMPLETED)
		agent->restart_told = false;
	agent_tell(agent, &(struct agent_fact){ .is_state = true, .state = state });
}
