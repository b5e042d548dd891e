/* From valid pairs to the path in use: nomination by both roles, fail-over, and the state that the W3C names. */
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
	LOG_I(agent, "selected: %s", ice_pair_text(pair, text));
	if (agent->previous.generation && is_current(agent, pair))
		switch_over(agent, now);
}

/* Whether |pair| is to replace the selected one, both being nominated. */
static bool beats_selected(const struct ice_agent *agent, wlk_time now, const struct ice_pair *pair)
{
	const struct ice_pair *selected = agent->selected;

	if (!selected || !selected->valid || selected->generation < pair->generation)
		return true;
	if (selected->generation > pair->generation)
		return false;
	if (pair->priority > selected->priority)
		return true;
	/*
	 * RFC 8445 knows one nomination, RFC 5245 the best of many at the start, libwebrtc the latest at any time. A
	 * peer that still uses the selected pair is of the second kind; one that has left it meant the new one.
	 */
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
	if (!pair->valid) {
		pair->nominate_when_valid = true;
		return;
	}
	pair->nominated = true;
	if (beats_selected(agent, now, pair))
		select_pair(agent, now, pair);
}

void agent_on_consent_expired(struct ice_agent *agent, wlk_time now, struct ice_pair *pair)
{
	char text[ICE_PAIR_TEXT_MAX];

	(void)now;
	LOG_I(agent, "consent expired: %s", ice_pair_text(pair, text));
	pair->valid = false;
	pair->nominated = false;
	pair->nominating = false;
	pair->nominate_when_valid = false;
	pair->announce = false;
	pair->consent_lost = true;
	pair->state = PAIR_FAILED;
	pair->retry_at = WLK_TIME_NEVER;
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

static struct ice_pair *choose_path(struct ice_agent *agent, wlk_time now)
{
	struct ice_pair *path = agent->selected;
	struct ice_pair *backup;

	if (!path)
		path = checklist_best_valid(&agent->checklist, agent->current.generation);
	if (!path && agent->previous.generation)
		path = checklist_best_valid(&agent->checklist, agent->previous.generation);
	if (!path || !consent_is_suspect(&path->consent, now))
		return path;
	backup = find_backup(agent, now, path);
	return backup ? backup : path;
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
		agent->stats.selected_pair_changes++;
	}
	if (path && (path->id != agent->told_pair || nominated != agent->told_nominated))
		agent->news = true;
}

/* The pair that a controlling agent wants nominated, or NULL when all is well. */
static struct ice_pair *nomination_wanted(struct ice_agent *agent, wlk_time now)
{
	struct ice_pair *selected = is_current(agent, agent->selected) ? agent->selected : NULL;
	struct ice_pair *best = NULL;
	bool under_way = false;

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

static void halt(struct ice_agent *agent)
{
	struct dgram d;

	LOG_W(agent, "no consent on any pair: sending stops");
	agent->halted = true;
	stun_txn_table_free(&agent->txns);
	while (dgram_queue_pop(&agent->out, &d))
		pktbuf_release(d.buf);
}

/* R7: consent is gone, no pair is left, and no restart is on its way that could bring one. */
static bool must_halt(struct ice_agent *agent)
{
	bool lost = agent->path_lost;

	agent->path_lost = false;
	return lost && !agent->previous.generation &&
	       !checklist_best_valid(&agent->checklist, agent->current.generation);
}

void agent_select(struct ice_agent *agent, wlk_time now)
{
	struct ice_pair *pair;

	if (must_halt(agent)) {
		use_path(agent, now, NULL);
		halt(agent);
		return;
	}
	if (agent->controlling && ice_credentials_have_remote(&agent->current)) {
		pair = nomination_wanted(agent, now);
		if (pair) {
			pair->nominating = true;
			checklist_trigger(&agent->checklist, pair);
		}
	}
	use_path(agent, now, choose_path(agent, now));
}

/* ------------------------------------------------------------------------------------------------- state */

static bool is_completed(const struct ice_agent *agent)
{
	return agent->path && agent->path == agent->selected && is_current(agent, agent->selected) &&
	       agent->gather.state == ICE_GATHERING_COMPLETE && agent->current.remote_ended && !agent->name_count &&
	       !checklist_unfinished(&agent->checklist, agent->current.generation);
}

/*
 * RFC 8863 4: not before the PAC timer, even with all candidates known, because peer-reflexive ones may come. A peer
 * that arrives later still revives the agent: its request makes a pair that is unfinished.
 */
static bool has_failed(const struct ice_agent *agent)
{
	return agent->pac_expired && !checklist_unfinished(&agent->checklist, agent->current.generation) &&
	       !agent->name_count;
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
	if (agent->path && !agent->previous.generation)
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
	agent_tell(agent, &(struct agent_fact){ .is_state = true, .state = state });
}
