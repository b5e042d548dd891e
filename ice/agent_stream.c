#include "ice/agent_stream.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/agent_internal.h"

bool agent_stream_may_connect(const struct ice_agent *agent, const struct ice_base *base)
{
	return !agent->config.no_tcp && !agent_is_lite(agent) && base->kind == BASE_SOCKET &&
	       base->state == BASE_BOUND && agent_may_use(agent, base);
}

bool agent_stream_listens(const struct ice_agent *agent)
{
	return agent->config.tcp_passive && !agent->config.no_tcp && agent->config.policy != ICE_POLICY_RELAY &&
	       agent->config.ip_handling < WLK_IP_HANDLING_DEFAULT_ROUTE;
}

bool agent_stream_port_allowed(const wlk_addr *remote)
{
	if (remote->port >= 1024)
		return true;
	return (remote->port == 80 || remote->port == 443) && !addr_is_private(remote) && !addr_is_loopback(remote) &&
	       !addr_is_link_local(remote);
}

static char *stream_text(const struct agent_stream *s, char out[WLK_ADDR_TEXT_MAX])
{
	return addr_text(&s->remote, out);
}

/* ------------------------------------------------------------------------------------------------ the list */

static struct agent_stream *find_id(const struct ice_agent *agent, uint32_t id)
{
	const struct agent_streams *list = &agent->streams;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i]->id == id && list->items[i]->state == STREAM_OPEN)
			return list->items[i];
	return NULL;
}

static struct agent_stream *add_stream(struct ice_agent *agent, const wlk_addr *remote)
{
	struct agent_streams *list = &agent->streams;
	struct agent_stream *s;

	if (!array_reserve((void **)&list->items, &list->capacity, list->count + 1, sizeof(struct agent_stream *)))
		return NULL;
	s = wlk_calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->remote = *remote;
	s->generation = agent->current.generation;
	tcp_framing_init(&s->framing, TCP_FRAMING_RFC4571, agent->config.pool);
	list->items[list->count++] = s;
	return s;
}

/* Give the connection up, whatever state it is in. */
static void disconnect(struct ice_agent *agent, struct agent_stream *s)
{
	if (s->state == STREAM_CONNECTING)
		agent_request_abandon(&agent->requests, s);
	else if (s->state == STREAM_OPEN)
		agent_request_close_stream(&agent->requests, s->id);
	s->state = STREAM_BROKEN;
	tcp_framing_free(&s->framing);
}

static void free_at(struct ice_agent *agent, size_t index)
{
	struct agent_streams *list = &agent->streams;

	tcp_framing_free(&list->items[index]->framing);
	wlk_free(list->items[index]);
	for (list->count--; index < list->count; index++)
		list->items[index] = list->items[index + 1];
}

void agent_streams_free(struct ice_agent *agent)
{
	while (agent->streams.count)
		free_at(agent, agent->streams.count - 1);
	wlk_free(agent->streams.items);
	agent->streams = (struct agent_streams){ 0 };
}

void agent_streams_close(struct ice_agent *agent)
{
	for (size_t i = agent->streams.count; i-- > 0;) {
		disconnect(agent, agent->streams.items[i]);
		free_at(agent, i);
	}
}

/* ----------------------------------------------------------------------------------------------- its pairs */

static bool carries(const struct agent_stream *s, const struct ice_pair *pair)
{
	return pair->base == s->base && addr_equal(&pair->remote->candidate.addr, &s->remote);
}

/* A pair of it that is or may become of use, the best one; NULL: none. */
static struct ice_pair *live_pair(const struct ice_agent *agent, const struct agent_stream *s)
{
	for (size_t i = 0; s->base && i < agent->checklist.count; i++)
		if (carries(s, agent->checklist.pairs[i]) && !agent->checklist.pairs[i]->consent_lost)
			return agent->checklist.pairs[i];
	return NULL;
}

/*
 * Nothing can be sent on the pairs any more. They stay until agent_select() has chosen another path, because whoever
 * compares the path before with the one after needs both.
 */
static void fail_pairs(struct ice_agent *agent, const struct agent_stream *s)
{
	for (size_t i = 0; s->base && i < agent->checklist.count; i++) {
		struct ice_pair *pair = agent->checklist.pairs[i];

		if (!carries(s, pair))
			continue;
		pair->valid = false;
		pair->nominated = false;
		pair->nominating = false;
		pair->nominate_when_valid = false;
		pair->announce = false;
		pair->state = PAIR_FAILED;
		pair->retry_at = WLK_TIME_NEVER;
		stun_txn_remove_owner(&agent->txns, pair);
		if (agent->selected == pair)
			agent->selected = NULL;
	}
}

/* Its pairs go, and with an active one the base that it had for itself. */
static void drop_pairs(struct ice_agent *agent, struct agent_stream *s)
{
	struct ice_base *base = s->base;

	for (size_t i = agent->checklist.count; base && i-- > 0;)
		if (carries(s, agent->checklist.pairs[i]))
			agent_remove_pair(agent, agent->checklist.pairs[i]);
	s->base = NULL;
	if (base && !s->accepted)
		gather_remove_base(agent, base);
}

/* ------------------------------------------------------------------------------------------------- active */

/* What its pair would have, or has. */
static uint64_t priority_of(const struct ice_agent *agent, const struct agent_stream *s)
{
	const struct ice_remote_candidate *remote = agent_find_remote(agent, &s->remote);
	const struct ice_base base = { .kind = BASE_TCP_ACTIVE, .local_preference = s->preference };
	uint32_t local = ice_base_priority(&base, CANDIDATE_HOST);

	return remote ? ice_pair_priority(local, remote->candidate.priority, agent->controlling) : 0;
}

/* The priority of the best pair that has not fallen silent. */
static uint64_t find_rival(const struct ice_agent *agent, wlk_time now)
{
	for (size_t i = 0; i < agent->checklist.count; i++) {
		const struct ice_pair *pair = agent->checklist.pairs[i];

		if (pair->valid && pair->generation == agent->current.generation &&
		    !consent_is_suspect(&pair->consent, now))
			return pair->priority;
	}
	return 0;
}

/* Whether a connection would be of use: not where a better pair answers. */
static bool is_needed(const struct ice_agent *agent, const struct agent_stream *s)
{
	return !agent->streams.rival || agent->streams.rival < priority_of(agent, s);
}

static bool is_known(const struct ice_agent *agent, const struct ice_base *base, const wlk_addr *remote)
{
	for (size_t i = 0; i < agent->streams.count; i++) {
		const struct agent_stream *s = agent->streams.items[i];

		if (!s->accepted && s->generation == agent->current.generation && addr_ip_equal(&s->ip, &base->ip) &&
		    addr_equal(&s->remote, remote))
			return true;
	}
	return false;
}

static void want(struct ice_agent *agent, const struct ice_base *base, const struct ice_remote_candidate *remote)
{
	const struct ice_candidate *c = &remote->candidate;
	struct agent_stream *s;

	if (c->transport != ICE_TCP || c->tcptype != CANDIDATE_TCP_PASSIVE ||
	    remote->generation != agent->current.generation || !ice_ip_fits(&base->ip, &c->addr) ||
	    !agent_stream_may_connect(agent, base) || is_known(agent, base, &c->addr))
		return;
	if (agent->streams.count - agent->requests.accepted >= AGENT_TARGETS_MAX) {
		agent->stats.over_cap++;
		return;
	}
	s = add_stream(agent, &c->addr);
	if (!s) {
		agent->stats.out_of_memory++; /* one path less */
		return;
	}
	s->ip = base->ip;
	s->preference = base->local_preference;
}

void agent_stream_want_remote(struct ice_agent *agent, const struct ice_remote_candidate *remote)
{
	for (size_t i = 0; i < agent->gather.base_count; i++)
		want(agent, agent->gather.bases[i], remote);
}

void agent_stream_want_base(struct ice_agent *agent, const struct ice_base *base)
{
	for (size_t i = 0; i < agent->remote_count; i++)
		want(agent, base, agent->remotes[i]);
}

static void want_again(struct agent_stream *s, wlk_time at)
{
	s->state = STREAM_WANTED;
	s->at = at;
}

static void connect_stream(struct ice_agent *agent, wlk_time now, struct agent_stream *s)
{
	const struct ice_request request = { .type = ICE_REQUEST_CONNECT_TCP, .local = s->ip, .remote = s->remote };
	uint32_t id = agent->requests.next_id;
	char text[WLK_ADDR_TEXT_MAX];

	ice_pacer_take(&agent->streams.pacer, now);
	if (agent_request_add(&agent->requests, &request, OWNER_STREAM, s)) {
		agent->stats.out_of_memory++;
		want_again(s, now + AGENT_RECONNECT_US);
		return;
	}
	s->id = id;
	s->state = STREAM_CONNECTING;
	LOG_D(agent, "connecting to %s", stream_text(s, text));
}

/* The connection failed or broke: once more, or never again. */
static void retry_or_end(struct ice_agent *agent, wlk_time now, struct agent_stream *s)
{
	if (s->accepted || s->retried || s->generation != agent->current.generation) {
		s->state = STREAM_BROKEN;
		return;
	}
	s->retried = true;
	want_again(s, now + AGENT_RECONNECT_US);
}

void agent_stream_on_connected(struct ice_agent *agent, wlk_time now, struct agent_stream *s, wlk_err err,
			       const wlk_addr *local)
{
	struct ice_remote_candidate *remote = agent_find_remote(agent, &s->remote);
	char text[WLK_ADDR_TEXT_MAX];

	if (err) {
		LOG_D(agent, "no connection to %s: %s", stream_text(s, text), wlk_strerror(err));
		retry_or_end(agent, now, s);
		return;
	}
	s->state = STREAM_OPEN;
	if (remote && s->generation == agent->current.generation)
		s->base = gather_add_stream_base(agent, &s->ip, local, s->preference);
	if (!s->base || !agent_add_pair(agent, s->base, remote, false)) {
		disconnect(agent, s);
		return;
	}
	s->base->stream = s->id;
	LOG_D(agent, "connected to %s", stream_text(s, text));
}

/* ------------------------------------------------------------------------------------------------ passive */

/* The accepted connection that has proven nothing for longest, or NULL. */
static struct agent_stream *find_unproven(const struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->streams.count; i++) {
		struct agent_stream *s = agent->streams.items[i];

		if (s->accepted && s->state == STREAM_OPEN && !s->proven && !live_pair(agent, s))
			return s;
	}
	return NULL;
}

/* Keep a slot for one more; the oldest stranger makes room for it, as in any queue of half-open connections. */
static bool make_place(struct ice_agent *agent)
{
	struct agent_stream *stranger;

	if (agent_request_accept_stream(&agent->requests))
		return true;
	stranger = find_unproven(agent);
	if (!stranger)
		return false;
	disconnect(agent, stranger);
	return agent_request_accept_stream(&agent->requests);
}

static wlk_err refuse(struct ice_agent *agent, uint32_t id)
{
	agent->stats.over_cap++;
	if (agent_request_refuse_stream(&agent->requests, id))
		return WLK_OK;
	agent->stats.out_of_memory++;
	return WLK_ERR_NOMEM;
}

wlk_err ice_agent_stream_accepted(struct ice_agent *agent, wlk_time now, const wlk_addr *listener, const wlk_addr *remote,
				  uint32_t id)
{
	struct ice_base *base = gather_find_base(agent, listener);
	struct agent_stream *s;
	char text[WLK_ADDR_TEXT_MAX];

	if (!agent_request_is_accepted_id(id) || find_id(agent, id))
		return WLK_ERR_INVALID;
	if (agent->closed || agent->halted || !base || base->kind != BASE_TCP_LISTENER ||
	    !agent_address_allowed(agent, remote) || !make_place(agent))
		return refuse(agent, id);
	s = add_stream(agent, remote);
	if (!s) {
		agent->stats.out_of_memory++;
		agent_request_close_stream(&agent->requests, id);
		return WLK_OK;
	}
	s->remote.transport = WLK_TRANSPORT_TCP;
	s->accepted = true;
	s->state = STREAM_OPEN;
	s->id = id;
	s->base = base;
	s->at = now + AGENT_UNPROVEN_US;
	LOG_RATED(agent, &agent->log_budget, now, LOG_LEVEL_DEBUG, "accepted %s", stream_text(s, text));
	agent_run(agent, now);
	return WLK_OK;
}

/* ------------------------------------------------------------------------------------------------- bytes */

/* What the peer pulls next. A full queue or no memory loses it, as the network would. */
static void hand_on(struct ice_agent *agent, const struct agent_stream *s, struct pktbuf *message)
{
	const struct dgram d = { .local = s->base->addr, .remote = s->remote, .buf = message };

	if (!dgram_queue_push(&agent->received, d))
		agent->stats.out_of_memory++;
}

void ice_agent_stream_input(struct ice_agent *agent, wlk_time now, uint32_t id, const uint8_t *data, size_t size)
{
	struct agent_stream *s = find_id(agent, id);
	enum tcp_framing_result result;
	wlk_bytes left = { data, size };
	struct pktbuf *message;

	if (agent->closed)
		return;
	if (!s) {
		(void)agent_relay_on_stream_input(agent, now, id, data, size);
		return;
	}
	while ((result = tcp_framing_next(&s->framing, &left, &message)) == TCP_FRAMING_MESSAGE)
		hand_on(agent, s, message);
	if (result != TCP_FRAMING_BROKEN)
		return;
	agent->stats.malformed++;
	fail_pairs(agent, s);
	disconnect(agent, s);
	agent_run(agent, now);
}

void ice_agent_stream_closed(struct ice_agent *agent, wlk_time now, uint32_t id)
{
	struct agent_stream *s = find_id(agent, id);
	char text[WLK_ADDR_TEXT_MAX];

	if (agent->closed)
		return;
	if (!s) {
		(void)agent_relay_on_stream_closed(agent, now, id);
		return;
	}
	LOG_RATED(agent, &agent->log_budget, now, LOG_LEVEL_DEBUG, "%s closed the connection", stream_text(s, text));
	agent_request_forget_stream(&agent->requests, id);
	fail_pairs(agent, s);
	s->state = STREAM_BROKEN;
	tcp_framing_free(&s->framing);
	agent_run(agent, now);
}

/* A view into somebody else's block has no room before it: then the datagram moves to a buffer of its own. */
static bool put_length(struct ice_agent *agent, struct dgram *d)
{
	struct pktbuf *copy;

	if (tcp_framing_put_length(d->buf))
		return true;
	copy = pktbuf_copy(agent->config.pool, d->buf->data, d->buf->size);
	if (!copy) {
		agent->stats.out_of_memory++;
		return false;
	}
	pktbuf_release(d->buf);
	d->buf = copy;
	return tcp_framing_put_length(copy);
}

bool agent_stream_wrap(struct ice_agent *agent, struct ice_base *base, struct dgram *d)
{
	for (size_t i = 0; i < agent->streams.count; i++) {
		const struct agent_stream *s = agent->streams.items[i];

		if (s->base != base || s->state != STREAM_OPEN || !addr_equal(&s->remote, &d->remote))
			continue;
		d->stream = s->id;
		return put_length(agent, d);
	}
	return false;
}

/* ------------------------------------------------------------------------------------------------ running */

void agent_stream_on_base_gone(struct ice_agent *agent, const struct ice_base *base)
{
	for (size_t i = agent->streams.count; i-- > 0;) {
		struct agent_stream *s = agent->streams.items[i];
		bool unborn = !s->accepted && !s->base && base->kind == BASE_SOCKET &&
			      addr_ip_equal(&s->ip, &base->ip) && !gather_has_twin(agent, base);

		if (s->base != base && !unborn)
			continue;
		disconnect(agent, s);
		free_at(agent, i);
	}
}

/* An open connection without a pair of use: a stranger whose time is up, or one whose generation or consent is over. */
static bool is_useless(struct ice_agent *agent, wlk_time now, struct agent_stream *s)
{
	const struct ice_pair *pair = live_pair(agent, s);

	s->proven |= pair != NULL;
	if (pair && pair->valid)
		s->retried = false;
	return !pair && (!s->accepted || s->proven || s->at <= now);
}

/* False: |s| is of no use any more. */
static bool look_after(struct ice_agent *agent, wlk_time now, struct agent_stream *s)
{
	bool current = s->generation == agent->current.generation;

	switch (s->state) {
	case STREAM_WANTED:
		return current && agent_find_remote(agent, &s->remote);
	case STREAM_CONNECTING:
		if (current && !is_needed(agent, s)) {
			disconnect(agent, s);
			want_again(s, now);
		}
		return current;
	case STREAM_OPEN:
		return !is_useless(agent, now, s);
	case STREAM_BROKEN:
		break;
	}
	return false;
}

/* What broke behind agent_select()'s back: its pairs are gone from the path, now they and the base may go. */
static void bury(struct ice_agent *agent, wlk_time now, size_t index)
{
	struct agent_stream *s = agent->streams.items[index];
	bool was_open = s->base != NULL;

	drop_pairs(agent, s);
	if (s->state == STREAM_BROKEN && was_open && !s->accepted) {
		retry_or_end(agent, now, s);
		if (s->state == STREAM_WANTED) {
			tcp_framing_init(&s->framing, TCP_FRAMING_RFC4571, agent->config.pool);
			return;
		}
	}
	disconnect(agent, s);
	free_at(agent, index);
}

static size_t count_connecting(const struct ice_agent *agent)
{
	size_t count = 0;

	for (size_t i = 0; i < agent->streams.count; i++)
		count += agent->streams.items[i]->state == STREAM_CONNECTING;
	return count;
}

/* The connection to open next, due or not: the best of those that would be of use. NULL: none. */
static struct agent_stream *next_wanted(const struct ice_agent *agent)
{
	struct agent_stream *next = NULL;

	if (!ice_credentials_have_remote(&agent->current) || count_connecting(agent) >= AGENT_CONNECTS_MAX)
		return NULL;
	for (size_t i = 0; i < agent->streams.count; i++) {
		struct agent_stream *s = agent->streams.items[i];

		if (s->state != STREAM_WANTED || !is_needed(agent, s))
			continue;
		if (!next || s->at < next->at || (s->at == next->at && priority_of(agent, s) > priority_of(agent, next)))
			next = s;
	}
	return next;
}

void agent_streams_run(struct ice_agent *agent, wlk_time now)
{
	struct agent_stream *s;

	agent->streams.rival = agent->streams.count ? find_rival(agent, now) : 0;
	for (size_t i = agent->streams.count; i-- > 0;)
		if (!look_after(agent, now, agent->streams.items[i]))
			bury(agent, now, i);
	s = next_wanted(agent);
	if (s && s->at <= now && ice_pacer_at(&agent->streams.pacer, false) <= now)
		connect_stream(agent, now, s);
	s = next_wanted(agent);
	ice_pacer_report(&agent->streams.pacer, s && s->at <= now, 0);
}

wlk_time agent_streams_deadline(const struct ice_agent *agent)
{
	const struct agent_stream *next = next_wanted(agent);
	wlk_time at = next ? MAX(next->at, ice_pacer_at(&agent->streams.pacer, false)) : WLK_TIME_NEVER;

	for (size_t i = 0; i < agent->streams.count; i++) {
		const struct agent_stream *s = agent->streams.items[i];

		if (s->state == STREAM_OPEN && s->accepted && !s->proven)
			at = time_min(at, s->at);
	}
	return at;
}

bool agent_streams_busy(const struct ice_agent *agent)
{
	for (size_t i = 0; i < agent->streams.count; i++) {
		const struct agent_stream *s = agent->streams.items[i];

		if ((s->state == STREAM_WANTED || s->state == STREAM_CONNECTING) &&
		    s->generation == agent->current.generation && is_needed(agent, s))
			return true;
	}
	return false;
}
