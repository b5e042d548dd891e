/* Between the object and SDP: what we wish for, as offers and answers. */
#include <stdio.h>
#include <string.h>

#include "peer/bundle.h"
#include "peer/rid_limits.h"

/* What a description says of one transport. */
struct transport_lines {
	const struct peer_transport *of;
	struct sdp_transport transport;
	struct text candidate_text; /* the lines, each with a NUL behind it */
	struct str *candidates;
	size_t candidate_capacity;
};

/* Everything an sdp_local points to while a description is being made. */
struct local_build {
	struct sdp_local local;
	struct transport_lines lines[PEER_TRANSPORTS_MAX];
	size_t line_count;
	struct peer_transport *plan[SDP_MAX_MEDIA];
	struct sdp_fingerprint fingerprint;
	struct sdp_wish wishes[SDP_MAX_MEDIA];
	struct sdp_encoding encodings[SDP_MAX_MEDIA][WLK_RTP_ENCODINGS_MAX];
	struct str receive_rids[SDP_MAX_MEDIA][WLK_RTP_ENCODINGS_MAX];
	struct sdp_rid_wish receive_limits[SDP_MAX_MEDIA][WLK_RTP_ENCODINGS_MAX];
	struct str *streams[SDP_MAX_MEDIA];
	char mid_of_data[16];
};

/* The candidates that are known already; the text grows while they are added, so the slices are cut afterwards. */
static wlk_err fill_candidates(struct transport_lines *l, const struct peer_transport *t)
{
	struct ice_candidate_line line;
	const char *at;
	size_t index = 0, count = 0;

	for (; ice_agent_told_candidate(t->ice, &index, &line); count++) {
		ice_candidate_line_write(&l->candidate_text, &line);
		text_add_char(&l->candidate_text, '\0');
	}
	if (!text_ok(&l->candidate_text) ||
	    !array_reserve((void **)&l->candidates, &l->candidate_capacity, count, sizeof(l->candidates[0])))
		return WLK_ERR_NOMEM;
	at = l->candidate_text.at;
	for (size_t i = 0; i < count; i++) {
		l->candidates[i] = str_of(at);
		at += l->candidates[i].size + 1;
	}
	l->transport.candidates = l->candidates;
	l->transport.candidate_count = count;
	l->transport.end_of_candidates = count && t->gathering_state == WLK_ICE_GATHERING_COMPLETE;
	return WLK_OK;
}

/*
 * R17: we are active where the offer leaves it open. What was answered once stays, whether or not DTLS has started here: over there it
 * may have (RFC 8842 5.3).
 */
static enum sdp_setup answer_setup(const struct peer_transport *t)
{
	if (dtls_transport_state(t->dtls) != DTLS_STATE_NEW)
		return dtls_transport_role(t->dtls) == DTLS_ROLE_CLIENT ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
	return !t->agreed || t->local_is_dtls_client ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
}

static wlk_err fill_transport(struct local_build *b, const struct peer_transport *t, bool is_offer)
{
	const wlk_peer_connection *pc = t->pc;
	struct transport_lines *l = &b->lines[b->line_count++];

	l->of = t;
	l->transport.fingerprints = &b->fingerprint;
	l->transport.fingerprint_count = 1;
	l->transport.setup = is_offer ? SDP_SETUP_ACTPASS : answer_setup(t);
	l->transport.ufrag = str_of(ice_agent_local_ufrag(t->ice));
	l->transport.pwd = str_of(ice_agent_local_pwd(t->ice));
	/* RFC 8445 10 wants ice2; it says that nomination is regular. */
	l->transport.ice_options = pc->renomination ? STR("trickle ice2 renomination") : STR("trickle ice2");
	l->transport.ice_lite = pc->ice_lite;
	l->transport.max_message_size = pc->max_message_size;
	return fill_candidates(l, t);
}

/* The first transport, which stands for all that has no other. */
static wlk_err fill_local(wlk_peer_connection *pc, struct local_build *b, bool is_offer)
{
	wlk_err err = dtls_cert_fingerprint(pc->cert, DTLS_HASH_SHA256, b->fingerprint.value, &b->fingerprint.size);

	b->fingerprint.hash = SDP_HASH_SHA256;
	b->fingerprint.algorithm = STR("sha-256");
	b->local.capabilities = &pc->capabilities;
	b->local.transport = &b->lines[0].transport;
	b->local.session_id = str_of(pc->session_id);
	b->local.session_version = pc->session_version + 1;
	b->local.wishes = b->wishes;
	return err ? err : fill_transport(b, pc->transport, is_offer);
}

/* The lines of the planned transports into the wishes. */
static wlk_err fill_plan(struct local_build *b, bool is_offer)
{
	for (size_t i = 0; i < b->local.wish_count; i++) {
		size_t k = 0;
		wlk_err err;

		if (!b->plan[i])
			continue;
		while (k < b->line_count && b->lines[k].of != b->plan[i])
			k++;
		if (k == b->line_count && (err = fill_transport(b, b->plan[i], is_offer)))
			return err;
		b->wishes[i].transport = k ? &b->lines[k].transport : NULL;
	}
	return WLK_OK;
}

static void build_free(struct local_build *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(b->streams); i++)
		wlk_free(b->streams[i]);
	for (size_t i = 0; i < b->line_count; i++) {
		text_free(&b->lines[i].candidate_text);
		wlk_free(b->lines[i].candidates);
	}
	wlk_free(b);
}

static wlk_err wish_streams(struct local_build *b, size_t i, const struct id_list *streams)
{
	if (!streams->count)
		return WLK_OK;
	b->streams[i] = wlk_calloc(streams->count, sizeof(struct str));
	if (!b->streams[i])
		return WLK_ERR_NOMEM;
	for (size_t k = 0; k < streams->count; k++)
		b->streams[i][k] = str_of(streams->at[k]);
	b->wishes[i].streams = b->streams[i];
	b->wishes[i].stream_count = streams->count;
	return WLK_OK;
}

static wlk_err wish_of_transceiver(wlk_peer_connection *pc, struct local_build *b, size_t i, const struct wlk_transceiver *t)
{
	for (size_t k = 0; k < t->receiver.rid_count; k++)
		b->receive_rids[i][k] = str_of(t->receiver.rids[k]);
	b->wishes[i] = (struct sdp_wish){
		.kind = t->kind == WLK_MEDIA_AUDIO ? SDP_AUDIO : SDP_VIDEO,
		.mid = str_of(t->mid ? t->mid : t->next_mid),
		.stopped = t->stopped,
		.direction = (enum sdp_direction)t->direction,
		.track = str_of(t->sender.msid_track),
		.encodings = b->encodings[i],
		.encoding_count = peer_encodings_wish(t, b->encodings[i]),
		.codecs = t->preferences.codec_count ? t->preferences.codecs : NULL,
		.codec_count = t->preferences.codec_count,
		.no_rtx = t->preferences.no_rtx,
		.extension_directions = t->preferences.extension_directions,
		.receive_simulcast = t->receiver.accepts_simulcast,
		.receive_rids = b->receive_rids[i],
		.receive_rid_count = t->receiver.rid_count,
		.receive_limits = b->receive_limits[i],
		.receive_limit_count = peer_receive_limits_wish(t, b->receive_limits[i]),
		.cname = str_of(pc->cname),
	};
	return wish_streams(b, i, &t->sender.streams);
}

bool peer_wants_data(const wlk_peer_connection *pc)
{
	return pc->mid_of_data || !list_empty(&pc->channels);
}

static bool described(const struct peer_description *description, struct str mid)
{
	return description->sdp && sdp_media_by_mid(description->sdp, mid);
}

/* An m-line that is recycled gets a new mid, so those of rejected sections are in use, too (RFC 9429 5.2.2). */
static bool mid_in_use(const wlk_peer_connection *pc, struct str mid)
{
	return (pc->mid_of_data && str_equal(str_of(pc->mid_of_data), mid)) || peer_transceiver_by_mid(pc, mid) ||
	       described(&pc->current_local, mid) || described(&pc->current_remote, mid) || described(&pc->pending_local, mid);
}

/* A mid for a section that has none yet; the same one again until a description with it is set. */
static void provisional_mid(const wlk_peer_connection *pc, char out[16], uint32_t *next)
{
	do
		snprintf(out, 16, "%u", (unsigned)(*next)++);
	while (mid_in_use(pc, str_of(out)));
}

static wlk_err wish_for_data(wlk_peer_connection *pc, struct local_build *b, size_t n, uint32_t *next)
{
	if (n == SDP_MAX_MEDIA)
		return WLK_ERR_NOSPACE;
	if (!pc->mid_of_data)
		provisional_mid(pc, b->mid_of_data, next);
	b->wishes[n] = (struct sdp_wish){ .kind = SDP_APPLICATION,
					  .mid = str_of(pc->mid_of_data ? pc->mid_of_data : b->mid_of_data) };
	return WLK_OK;
}

static wlk_err fill_offer_wishes(wlk_peer_connection *pc, struct local_build *b)
{
	uint32_t next = 0;
	wlk_err err = WLK_OK;
	size_t n = 0;

	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		t->next_mid[0] = '\0';
		if (t->stopping && t->section == SIZE_MAX)
			continue;
		if (n == SDP_MAX_MEDIA)
			return WLK_ERR_NOSPACE;
		if (!t->mid)
			provisional_mid(pc, t->next_mid, &next);
		err = wish_of_transceiver(pc, b, n, t);
		if (err)
			return err;
		/* In an answer a transceiver that is stopping is merely inactive: the next offer gives it port 0 (W3C 5.4 stop). */
		b->wishes[n++].stopped = t->stopping;
	}
	if (peer_wants_data(pc))
		err = wish_for_data(pc, b, n++, &next);
	b->local.wish_count = n;
	return err;
}

void peer_keep_offered_mids(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		memcpy(t->offered_mid, t->next_mid, sizeof(t->offered_mid));
	}
}

/* A new generation for each transport that the far end knows. */
static wlk_err restart_all(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);
		wlk_err err = t->remote_ice_applied ? ice_agent_restart(t->ice, pc->now) : WLK_OK;

		if (err) {
			peer_cancel_restarts(pc);
			pc->ice_restarted_locally = false;
			return err;
		}
		t->restarted = t->remote_ice_applied;
		pc->ice_restarted_locally |= t->restarted;
	}
	return WLK_OK;
}

wlk_err peer_make_offer(wlk_peer_connection *pc, bool ice_restart, struct sdp_session **out)
{
	/* An offer that replaces one which is not answered yet keeps its m-lines where they are. */
	const struct sdp_offer_options options = {
		.previous_local = pc->pending_local.sdp ? pc->pending_local.sdp : pc->current_local.sdp,
		.previous_remote = pc->current_remote.sdp,
		.recycle = true,
	};
	struct sdp_error sdp_err = { 0 };
	struct local_build *b;
	wlk_err err;

	if (ice_restart && !pc->ice_restarted_locally && (err = restart_all(pc)))
		return peer_fail(pc, err, "ICE cannot be restarted");
	b = wlk_calloc(1, sizeof(*b));
	if (!b)
		return peer_fail(pc, WLK_ERR_NOMEM, "out of memory");
	err = fill_local(pc, b, true);
	if (!err)
		err = fill_offer_wishes(pc, b);
	if (!err)
		err = peer_plan_offer(pc, b->wishes, b->local.wish_count, b->plan);
	if (!err)
		err = fill_plan(b, true);
	if (!err)
		err = sdp_make_offer(out, &b->local, &options, &sdp_err);
	build_free(b);
	return err ? peer_fail_sdp(pc, err, "no offer can be made", &sdp_err) : WLK_OK;
}

wlk_err peer_make_answer(wlk_peer_connection *pc, struct sdp_session **out)
{
	const struct sdp_session *offer = pc->pending_remote.sdp;
	struct local_build *b = wlk_calloc(1, sizeof(*b));
	struct sdp_error sdp_err = { 0 };
	wlk_err err;

	if (!b)
		return peer_fail(pc, WLK_ERR_NOMEM, "out of memory");
	err = fill_local(pc, b, false);
	for (size_t i = 0; i < offer->media_count && !err; i++) {
		const struct wlk_transceiver *t = peer_transceiver_by_section(pc, i);

		if (t)
			err = wish_of_transceiver(pc, b, i, t);
		else if (offer->media[i]->kind == SDP_APPLICATION && i == pc->section_of_data)
			b->wishes[i] = (struct sdp_wish){ .kind = SDP_APPLICATION };
		else
			b->wishes[i] = (struct sdp_wish){ .kind = offer->media[i]->kind, .stopped = true };
	}
	b->local.wish_count = offer->media_count;
	if (!err)
		err = peer_plan_answer(pc, offer, b->plan);
	for (size_t i = 0; !err && i < offer->media_count; i++)
		b->wishes[i].stopped |= !b->plan[i];
	if (!err)
		err = fill_plan(b, false);
	if (!err)
		err = sdp_make_answer(out, offer, &b->local, &sdp_err);
	build_free(b);
	return err ? peer_fail_sdp(pc, err, "the offer cannot be answered", &sdp_err) : WLK_OK;
}
