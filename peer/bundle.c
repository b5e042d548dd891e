#include "peer/bundle.h"

enum { RETIRED_MAX = 32 }; /* closed transports that a connection keeps, because their handles stay valid */

static struct peer_transport *entry(struct list *item)
{
	return list_entry(item, struct peer_transport, link);
}

static size_t length(const struct list *head)
{
	size_t n = 0;

	for (const struct list *item = head->next; item != head; item = item->next)
		n++;
	return n;
}

/* ---- finding ---- */

static bool has_ufrag(const struct peer_transport *t, struct str ufrag)
{
	struct str ours[2];
	size_t count = ice_agent_local_ufrags(t->ice, ours);

	for (size_t i = 0; i < count; i++)
		if (str_equal(ours[i], ufrag))
			return true;
	return false;
}

static struct peer_transport *find_ufrag(const struct list *head, struct str ufrag)
{
	for (struct list *item = head->next; item != head; item = item->next)
		if (has_ufrag(entry(item), ufrag))
			return entry(item);
	return NULL;
}

struct peer_transport *peer_transport_of_media(const wlk_peer_connection *pc, const struct sdp_session *local,
					       const struct sdp_media *media)
{
	struct str ufrag = sdp_media_ice(local, media).ufrag;
	struct peer_transport *t = find_ufrag(&pc->transports, ufrag);

	if (!t)
		t = find_ufrag(&pc->spares, ufrag);
	return t ? t : pc->transport;
}

struct peer_transport *peer_agreed_transport(const wlk_peer_connection *pc, size_t section)
{
	const struct sdp_agreement *a = pc->agreement;

	if (!a || section >= a->section_count || a->sections[section].transport == SIZE_MAX)
		return NULL;
	return pc->agreed[a->sections[section].transport];
}

/* ---- spare ones ---- */

static wlk_err make_spare(wlk_peer_connection *pc)
{
	struct peer_transport *t;
	wlk_err err;

	if (length(&pc->transports) + length(&pc->spares) >= PEER_TRANSPORTS_MAX || length(&pc->retired_transports) >= RETIRED_MAX)
		return WLK_ERR_NOSPACE;
	err = peer_transport_create(&t, pc, &pc->ice_settings.agent);
	if (err)
		return err;
	list_push_back(&pc->spares, &t->link);
	err = ice_settings_apply(&pc->ice_settings, t->ice, pc->now);
	if (err)
		peer_transport_destroy(t);
	return err;
}

/* A spare one that out[0..count) does not have yet. WLK_ERR_NOSPACE: there can be no more. */
static wlk_err take_spare(wlk_peer_connection *pc, struct peer_transport **out, size_t count, struct peer_transport **found)
{
	for (int round = 0; round < 2; round++) {
		list_for_each(item, &pc->spares)
		{
			bool taken = false;

			for (size_t i = 0; i < count; i++)
				taken |= out[i] == entry(item);
			if (!taken) {
				*found = entry(item);
				return WLK_OK;
			}
		}
		if (!round) {
			wlk_err err = make_spare(pc);

			if (err)
				return err;
		}
	}
	return WLK_ERR_NOSPACE;
}

/* ---- offers ---- */

/* The transport that a section has already, by its mid: agreed on, or offered in the offer that this one replaces. */
static struct peer_transport *present_transport(const wlk_peer_connection *pc, struct str mid)
{
	const struct sdp_session *pending = pc->pending_local.sdp, *current = pc->current_local.sdp;
	const struct sdp_media *media = current ? sdp_media_by_mid(current, mid) : NULL;
	struct peer_transport *t = media ? peer_agreed_transport(pc, media->index) : NULL;

	if (t || !pending)
		return t;
	media = sdp_media_by_mid(pending, mid);
	return media && !sdp_media_rejected(media) ? peer_transport_of_media(pc, pending, media) : NULL;
}

static const struct sdp_wish *first_of_kind(const struct sdp_wish *wishes, size_t count, enum sdp_kind kind)
{
	for (size_t i = 0; i < count; i++)
		if (!wishes[i].stopped && wishes[i].kind == kind)
			return &wishes[i];
	return NULL;
}

/* RFC 9429 4.1.1, for a section that was never negotiated, in the first exchange. */
static wlk_err plan_by_policy(wlk_peer_connection *pc, struct sdp_wish *wishes, size_t i, struct peer_transport **out)
{
	const struct sdp_wish *alike = first_of_kind(wishes, i, wishes[i].kind);
	bool first = true;
	wlk_err err;

	for (size_t k = 0; k < i; k++)
		first = first && !out[k];
	out[i] = pc->transport;
	if (first)
		return WLK_OK;
	switch (pc->bundle_policy) {
	case WLK_BUNDLE_DEFAULT:
		return WLK_OK;
	case WLK_BUNDLE_MAX_BUNDLE:
		wishes[i].bundle_only = true;
		return WLK_OK;
	case WLK_BUNDLE_BALANCED:
		if (!alike)
			break;
		out[i] = out[alike - wishes];
		wishes[i].bundle_only = true;
		return WLK_OK;
	case WLK_BUNDLE_MAX_COMPAT:
		break;
	}
	err = take_spare(pc, out, i, &out[i]);
	if (err != WLK_ERR_NOSPACE)
		return err;
	wishes[i].bundle_only = true; /* it rides with the first one, or not at all */
	return WLK_OK;
}

/* What was agreed on stays as it is; what is new joins the first transport. */
static size_t bundle_of(const wlk_peer_connection *pc, const struct peer_transport *t)
{
	for (size_t k = 0; pc->agreement && t != pc->transport && k < pc->agreement->transport_count; k++)
		if (pc->agreed[k] == t)
			return pc->agreement->transports[k].bundled ? k + 1 : SDP_UNBUNDLED;
	return 0;
}

wlk_err peer_plan_offer(wlk_peer_connection *pc, struct sdp_wish *wishes, size_t count, struct peer_transport **out)
{
	bool negotiated = pc->agreement && pc->agreement->transport_count;

	for (size_t i = 0; i < count; i++) {
		wlk_err err = WLK_OK;

		out[i] = wishes[i].stopped ? NULL : present_transport(pc, wishes[i].mid);
		if (wishes[i].stopped)
			continue;
		if (!out[i] && negotiated)
			out[i] = pc->transport;
		if (!out[i])
			err = plan_by_policy(pc, wishes, i, out);
		if (err)
			return err;
		wishes[i].bundle = bundle_of(pc, out[i]);
	}
	return WLK_OK;
}

/* ---- answers ---- */

/* Whether m-lines i and k of an offer are to share a transport. */
static bool together(const struct sdp_session *offer, size_t i, size_t k)
{
	const struct sdp_group *group = sdp_bundle_of(offer, offer->media[i]->mid);

	return i == k || (group && group == sdp_bundle_of(offer, offer->media[k]->mid));
}

/* Whether |media| is offered, and not one that we reject in any case. */
static bool may_be_accepted(const wlk_peer_connection *pc, const struct sdp_media *media)
{
	const struct wlk_transceiver *t = peer_transceiver_by_section(pc, media->index);

	if (sdp_media_rejected(media))
		return false;
	return media->kind == SDP_APPLICATION ? media->index == pc->section_of_data : t && !t->stopped;
}

/* The m-line whose lines count for m-line |i|: the first of its group that may be accepted (RFC 9143 7.3.1), or itself. */
static size_t tag_of(const wlk_peer_connection *pc, const struct sdp_session *offer, size_t i)
{
	const struct sdp_group *group = sdp_bundle_of(offer, offer->media[i]->mid);

	for (size_t k = 0; group && k < group->mid_count; k++) {
		const struct sdp_media *media = sdp_media_by_mid(offer, group->mids[k]);

		if (media && may_be_accepted(pc, media))
			return media->index;
	}
	return i;
}

/*
 * The transport that the lines of m-line |tag| speak of: their ICE credentials are those that it has from the far end. Its own first:
 * some stacks use the same ones for several transports.
 */
static struct peer_transport *known_by_lines(const wlk_peer_connection *pc, const struct sdp_session *offer, size_t tag)
{
	struct sdp_ice ice = sdp_media_ice(offer, offer->media[tag]);
	struct peer_transport *own = peer_agreed_transport(pc, tag), *found = NULL;

	for (size_t k = 0; pc->agreement && k < pc->agreement->transport_count; k++) {
		const struct sdp_agreed_transport *agreed = &pc->agreement->transports[k];

		if (!str_equal(agreed->ufrag, ice.ufrag) || !str_equal(agreed->pwd, ice.pwd))
			continue;
		if (!found || pc->agreed[k] == own)
			found = pc->agreed[k];
	}
	return found;
}

/* Whether |t| is that of a section before |i|, or will be that of a later one, which does not go together with |i|. */
static bool is_elsewhere(const wlk_peer_connection *pc, const struct sdp_session *offer, struct peer_transport *const *out, size_t i,
			 const struct peer_transport *t)
{
	for (size_t k = 0; k < offer->media_count; k++) {
		if (together(offer, i, k))
			continue;
		if (k < i ? out[k] == t : !sdp_media_rejected(offer->media[k]) && peer_agreed_transport(pc, k) == t)
			return true;
	}
	return false;
}

static bool is_planned_elsewhere(const struct sdp_session *offer, struct peer_transport *const *out, size_t i, const struct peer_transport *t)
{
	for (size_t k = 0; k < i; k++)
		if (out[k] == t && !together(offer, i, k))
			return true;
	return false;
}

/* Whether the lines of a later section, which does not go together with |i|, say that |t| is theirs. */
static bool is_claimed(const wlk_peer_connection *pc, const struct sdp_session *offer, size_t i, const struct peer_transport *t)
{
	for (size_t k = i + 1; k < offer->media_count; k++)
		if (!together(offer, i, k) && !sdp_media_rejected(offer->media[k]) &&
		    known_by_lines(pc, offer, tag_of(pc, offer, k)) == t)
			return true;
	return false;
}

/* The transport of a group, or of a section in none, that is new to the plan; NULL: it gets a spare one. */
static struct peer_transport *present_for(const wlk_peer_connection *pc, const struct sdp_session *offer, size_t i,
					  struct peer_transport *const *out)
{
	size_t tag = tag_of(pc, offer, i);
	struct peer_transport *t = known_by_lines(pc, offer, tag);

	if (t && !is_planned_elsewhere(offer, out, i, t))
		return t;
	t = peer_agreed_transport(pc, tag);
	if (t && !is_planned_elsewhere(offer, out, i, t) && !is_claimed(pc, offer, i, t))
		return t;
	/* A tag that is new joins a group with a transport. */
	for (size_t k = 0; k < offer->media_count; k++) {
		t = together(offer, i, k) && !sdp_media_rejected(offer->media[k]) ? peer_agreed_transport(pc, k) : NULL;
		if (t && !is_elsewhere(pc, offer, out, i, t))
			return t;
	}
	return is_elsewhere(pc, offer, out, i, pc->transport) ? NULL : pc->transport;
}

static wlk_err plan_section(wlk_peer_connection *pc, const struct sdp_session *offer, size_t i, struct peer_transport **out)
{
	for (size_t k = 0; k < i; k++) {
		if (out[k] && together(offer, i, k)) {
			out[i] = out[k];
			return WLK_OK;
		}
	}
	out[i] = present_for(pc, offer, i, out);
	return out[i] ? WLK_OK : take_spare(pc, out, i, &out[i]);
}

/* RFC 9429 5.3.1: what the policy wants to share a transport, and the offer takes apart, is rejected. */
static bool policy_rejects(const wlk_peer_connection *pc, const struct sdp_session *offer, size_t i)
{
	bool by_kind = pc->bundle_policy == WLK_BUNDLE_BALANCED;

	if (!by_kind && pc->bundle_policy != WLK_BUNDLE_MAX_BUNDLE)
		return false;
	for (size_t k = 0; k < i; k++)
		if (!sdp_media_rejected(offer->media[k]) && (!by_kind || offer->media[k]->kind == offer->media[i]->kind))
			return !together(offer, i, k);
	return false;
}

wlk_err peer_plan_answer(wlk_peer_connection *pc, const struct sdp_session *offer, struct peer_transport **out)
{
	for (size_t i = 0; i < offer->media_count; i++) {
		wlk_err err;

		out[i] = NULL;
		if (sdp_media_rejected(offer->media[i]) || policy_rejects(pc, offer, i))
			continue;
		err = plan_section(pc, offer, i, out);
		if (err == WLK_ERR_NOSPACE)
			out[i] = NULL; /* the section is refused */
		else if (err)
			return err;
	}
	return WLK_OK;
}

/* ---- use ---- */

void peer_use_transports(wlk_peer_connection *pc, const struct sdp_session *local)
{
	for (size_t i = 0; i < local->media_count; i++) {
		struct peer_transport *t;

		if (sdp_media_rejected(local->media[i]))
			continue;
		t = find_ufrag(&pc->spares, sdp_media_ice(local, local->media[i]).ufrag);
		if (!t)
			continue;
		list_remove(&t->link);
		list_push_back(&pc->transports, &t->link);
	}
	peer_update_gathering_state(pc);
}

static bool is_needed(const wlk_peer_connection *pc, const struct peer_transport *t)
{
	const struct sdp_session *pending = pc->pending_local.sdp;

	if (t == pc->transport)
		return true;
	for (size_t k = 0; pc->agreement && k < pc->agreement->transport_count; k++)
		if (pc->agreed[k] == t)
			return true;
	for (size_t i = 0; pending && i < pending->media_count; i++)
		if (!sdp_media_rejected(pending->media[i]) && has_ufrag(t, sdp_media_ice(pending, pending->media[i]).ufrag))
			return true;
	return false;
}

static void update_states(wlk_peer_connection *pc)
{
	peer_update_gathering_state(pc);
	peer_update_ice_state(pc);
	peer_update_connection_state(pc);
}

void peer_spare_unused(wlk_peer_connection *pc)
{
	list_for_each_safe(item, &pc->transports)
	{
		struct peer_transport *t = entry(item);

		if (is_needed(pc, t))
			continue;
		list_remove(&t->link);
		list_push_back(&pc->spares, &t->link);
	}
	update_states(pc);
}

void peer_retire_unused(wlk_peer_connection *pc)
{
	peer_spare_unused(pc);
	list_for_each_safe(item, &pc->spares)
	{
		struct peer_transport *t = entry(item);

		if (t->remote_ice_applied || ice_agent_gathering_state(t->ice) != ICE_GATHERING_NEW)
			peer_transport_retire(t);
	}
	update_states(pc);
}
