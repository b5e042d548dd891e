/* Between the object and SDP: what we wish for in offers and answers, and putting into force what was agreed. */
#include <stdio.h>
#include <string.h>

#include "peer/bundle.h"
#include "peer/rid_limits.h"
#include "sdp/attr.h"

/* ---- what we say of ourselves ---- */

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

/* ---- what was agreed, into force ---- */

static enum rtp_ext_kind ext_kind(enum sdp_extension extension)
{
	static const enum rtp_ext_kind kinds[SDP_EXT_COUNT] = {
		[SDP_EXT_OTHER] = RTP_EXT_KINDS,
		[SDP_EXT_MID] = RTP_EXT_MID,
		[SDP_EXT_RID] = RTP_EXT_RID,
		[SDP_EXT_REPAIRED_RID] = RTP_EXT_REPAIRED_RID,
		[SDP_EXT_ABS_SEND_TIME] = RTP_EXT_ABS_SEND_TIME,
		[SDP_EXT_TRANSPORT_CC] = RTP_EXT_TRANSPORT_CC,
		[SDP_EXT_AUDIO_LEVEL] = RTP_EXT_AUDIO_LEVEL,
		[SDP_EXT_VIDEO_ORIENTATION] = RTP_EXT_VIDEO_ORIENTATION,
		[SDP_EXT_PLAYOUT_DELAY] = RTP_EXT_PLAYOUT_DELAY,
		[SDP_EXT_DEPENDENCY_DESCRIPTOR] = RTP_EXT_DEPENDENCY_DESCRIPTOR,
	};

	return kinds[extension];
}

static uint32_t media_feedback(uint32_t sdp)
{
	return (sdp & SDP_FB_NACK ? MEDIA_FB_NACK : 0u) | (sdp & SDP_FB_NACK_PLI ? MEDIA_FB_PLI : 0u) |
	       (sdp & SDP_FB_CCM_FIR ? MEDIA_FB_FIR : 0u) | (sdp & SDP_FB_REMB ? MEDIA_FB_REMB : 0u) |
	       (sdp & SDP_FB_TRANSPORT_CC ? MEDIA_FB_TRANSPORT_CC : 0u);
}

/* One media_section_config and the arrays it borrows. */
struct section_build {
	char mid[MEDIA_MID_MAX + 1];
	struct media_payload payloads[SDP_MAX_CODECS];
	struct media_remote_ssrc ssrcs[MEDIA_STREAMS_MAX];
	struct media_send_layer layers[WLK_RTP_ENCODINGS_MAX];
	char rid_texts[MEDIA_RIDS_MAX][MEDIA_MID_MAX + 1];
	const char *rids[MEDIA_RIDS_MAX];
};

/* RFC 6184 8.1: packetization-mode 0 when nothing is said. */
static bool h264_is_single_nal(const struct sdp_agreed_codec *codec)
{
	uint32_t mode = 0;

	return !sdp_fmtp_number(codec->remote_fmtp, STR("packetization-mode"), 2, &mode) || mode == 0;
}

static void fill_payloads(struct media_section_config *config, struct section_build *b, const struct sdp_agreed_section *section)
{
	size_t count = MIN(section->codec_count, ARRAY_SIZE(b->payloads));

	for (size_t i = 0; i < count; i++) {
		const struct sdp_agreed_codec *codec = &section->codecs[i];

		b->payloads[i] = (struct media_payload){
			.recv_pt = codec->receive_type,
			.send_pt = codec->send_type,
			.recv_rtx_pt = codec->receive_rtx_type,
			.send_rtx_pt = codec->send_rtx_type,
			.clock_hz = codec->clock_hz,
			.fb = media_feedback(codec->feedback),
			.codec = rtp_codec_of_name(codec->name.at, codec->name.size),
			.h264_single_nal = h264_is_single_nal(codec),
		};
	}
	config->payloads = b->payloads;
	config->payload_count = count;
}

static void fill_extensions(struct media_section_config *config, const struct sdp_agreed_section *section)
{
	for (size_t i = 0; i < section->extension_count; i++) {
		const struct sdp_agreed_extension *ext = &section->extensions[i];
		enum rtp_ext_kind kind = ext_kind(ext->extension);

		if (kind == RTP_EXT_KINDS || ext->id > UINT8_MAX)
			continue;
		if (ext->direction & SDP_RECVONLY)
			config->recv_ext.id[kind] = (uint8_t)ext->id;
		if (ext->direction & SDP_SENDONLY)
			config->send_ext.id[kind] = (uint8_t)ext->id;
	}
}

static void fill_remote_ssrcs(struct media_section_config *config, struct section_build *b,
			      const struct sdp_agreed_section *section)
{
	size_t count = MIN(section->remote_stream_count, ARRAY_SIZE(b->ssrcs));

	for (size_t i = 0; i < count; i++)
		b->ssrcs[i] = (struct media_remote_ssrc){ section->remote_streams[i].ssrc, section->remote_streams[i].rtx_ssrc };
	config->remote_ssrcs = b->ssrcs;
	config->remote_ssrc_count = count;
}

static void fill_receive_rids(struct media_section_config *config, struct section_build *b,
			      const struct sdp_agreed_section *section)
{
	for (size_t i = 0; i < section->receive_rid_count && config->rid_count < MEDIA_RIDS_MAX; i++) {
		struct str rid = section->receive_rids[i].rid;
		char *text = b->rid_texts[config->rid_count];

		if (rid.size > MEDIA_MID_MAX)
			continue; /* the RTP extension cannot carry it: such a layer goes without its name */
		snprintf(text, MEDIA_MID_MAX + 1, "%.*s", STR_ARG(rid));
		b->rids[config->rid_count++] = text;
	}
	config->rids = b->rids;
}

static bool has_send_rtx(const struct sdp_agreed_section *section)
{
	for (size_t i = 0; i < section->codec_count; i++)
		if (section->codecs[i].send_rtx_type != SDP_NO_TYPE)
			return true;
	return false;
}

static void fill_section(wlk_peer_connection *pc, struct media_section_config *config, struct section_build *b,
			 const struct sdp_agreed_section *section)
{
	const struct wlk_transceiver *t = peer_transceiver_by_section(pc, section->index);

	*config = (struct media_section_config){ .mid = "" };
	if (section->rejected || !t || t->stopped || (section->kind != SDP_AUDIO && section->kind != SDP_VIDEO))
		return;
	/* Longer mids than the RTP extension can carry are told apart by SSRC and payload type alone. */
	snprintf(b->mid, sizeof(b->mid), "%.*s", STR_ARG(section->mid));
	config->mid = b->mid;
	config->kind = section->kind == SDP_AUDIO ? MEDIA_AUDIO : MEDIA_VIDEO;
	config->receive = section->direction & SDP_RECVONLY;
	config->send = section->direction & SDP_SENDONLY;
	config->extmap_allow_mixed = section->extmap_allow_mixed;
	config->rtcp_rsize = section->rtcp_rsize;
	config->layers = b->layers;
	config->layer_count = peer_encodings_layers(t, section, b->layers);
	config->ssrc = b->layers[0].ssrc;
	for (size_t i = 0; i < config->layer_count && !has_send_rtx(section); i++)
		b->layers[i].rtx_ssrc = 0;
	config->cname = pc->cname;
	config->in_order = !peer_receives_arrivals(t);
	config->frames = peer_receives_frames(t);
	fill_payloads(config, b, section);
	fill_extensions(config, section);
	fill_remote_ssrcs(config, b, section);
	fill_receive_rids(config, b, section);
}

/* Each engine gets the sections that ride on its transport; the others are nothing to it. */
static wlk_err configure_media(struct peer_transport *t, struct peer_transport *const *agreed, const struct sdp_agreement *agreement)
{
	struct media_section_config *configs = wlk_calloc(agreement->section_count + 1, sizeof(*configs));
	struct section_build *builds = wlk_calloc(agreement->section_count + 1, sizeof(*builds));
	wlk_err err = configs && builds ? WLK_OK : WLK_ERR_NOMEM;

	for (size_t i = 0; !err && i < agreement->section_count; i++) {
		const struct sdp_agreed_section *section = &agreement->sections[i];

		configs[i].mid = "";
		if (section->transport != SIZE_MAX && agreed[section->transport] == t)
			fill_section(t->pc, &configs[i], &builds[i], section);
	}
	if (!err)
		err = media_engine_configure(t->media, t->pc->now, configs, agreement->section_count);
	wlk_free(configs);
	wlk_free(builds);
	return err;
}

wlk_err peer_configure_media(wlk_peer_connection *pc)
{
	for (size_t k = 0; k < pc->agreement->transport_count; k++) {
		wlk_err err = configure_media(pc->agreed[k], pc->agreed, pc->agreement);

		if (err)
			return err;
	}
	list_for_each(item, &pc->transceivers)
		peer_limit_layers(list_entry(item, struct wlk_transceiver, link));
	return WLK_OK;
}

static wlk_err apply_fingerprints(struct peer_transport *t, const struct sdp_agreed_transport *transport)
{
	struct dtls_fingerprint list[DTLS_FINGERPRINTS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < transport->fingerprint_count && count < ARRAY_SIZE(list); i++) {
		const struct sdp_fingerprint *fp = &transport->fingerprints[i];
		struct dtls_fingerprint *out = &list[count];

		if (fp->size > sizeof(out->digest) || dtls_hash_parse(&out->hash, fp->algorithm.at, fp->algorithm.size))
			continue;
		memcpy(out->digest, fp->value, fp->size);
		out->size = fp->size;
		count++;
	}
	return dtls_transport_set_remote_fingerprints(t->dtls, t->pc->now, list, count);
}

/* Behind ice_agent_prepare_remote(), so that it succeeds for each transport or is tried for none. */
static void apply_ice(struct peer_transport *t, const struct sdp_agreed_transport *transport)
{
	wlk_err err = ice_agent_set_remote_parameters(t->ice, t->pc->now, transport->ufrag, transport->pwd, transport->ice_lite);

	assert(!err && "what was prepared is set");
	t->remote_ice_applied = true;
	ice_agent_set_renomination(t->ice, transport->renomination);
	for (size_t i = 0; i < transport->candidate_count; i++) {
		err = ice_agent_add_remote_candidate_line(t->ice, t->pc->now, transport->candidates[i].at, transport->candidates[i].size);
		if (err)
			LOG_D(t, "remote candidate %zu is not used: %s", i, wlk_strerror(err));
	}
	if (transport->end_of_candidates)
		ice_agent_end_of_remote_candidates(t->ice, t->pc->now);
}

static void apply_direction(struct wlk_transceiver *t, const struct sdp_agreed_section *section)
{
	t->mid_is_pending = false;
	t->created_by_remote = false;
	if (section->rejected) {
		t->transport = NULL;
		peer_transceiver_stop(t);
		return;
	}
	t->transport = peer_agreed_transport(t->pc, section->index);
	t->current = (wlk_direction)section->direction;
	t->has_sent |= (section->direction & SDP_SENDONLY) != 0;
}

static void apply_directions(wlk_peer_connection *pc, const struct sdp_agreement *agreement)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);

		if (!t->stopped && t->section < agreement->section_count)
			apply_direction(t, &agreement->sections[t->section]);
	}
}

/* Our side of each agreed transport. */
static wlk_err find_transports(wlk_peer_connection *pc, const struct sdp_agreement *agreement, const struct sdp_session *local,
			       struct peer_transport **out)
{
	if (agreement->transport_count > PEER_TRANSPORTS_MAX)
		return peer_fail_as(pc, WLK_ERR_NEGOTIATION, "InvalidAccessError", "%zu transports are too many",
				    agreement->transport_count);
	for (size_t k = 0; k < agreement->transport_count; k++) {
		out[k] = peer_transport_of_media(pc, local, local->media[agreement->transports[k].local_index]);
		for (size_t i = 0; i < k; i++)
			if (out[i] == out[k])
				return peer_fail_as(pc, WLK_ERR_NEGOTIATION, "InvalidAccessError",
						    "two transports were agreed on where we have one");
	}
	return WLK_OK;
}

/* Back to what was agreed before, of which there is nothing to be seen where nothing was: no keys, no packets. */
static void take_back_media(wlk_peer_connection *pc, struct peer_transport *const *changed, size_t count)
{
	for (size_t k = 0; k < count && pc->agreement; k++)
		if (configure_media(changed[k], pc->agreed, pc->agreement))
			peer_set_failed(pc, "out of memory");
}

static wlk_err configure_all(wlk_peer_connection *pc, const struct sdp_agreement *agreement, struct peer_transport *const *agreed)
{
	for (size_t k = 0; k < agreement->transport_count; k++) {
		wlk_err err = configure_media(agreed[k], agreed, agreement);

		if (err) {
			take_back_media(pc, agreed, k);
			return peer_fail_as(pc, err, peer_description_error_name(err), "the media of m-line %zu cannot be set up: %s",
					    agreement->transports[k].index, wlk_strerror(err));
		}
	}
	return WLK_OK;
}

/* All of them or none: what may fail comes before what changes something. */
static wlk_err apply_transports(wlk_peer_connection *pc, const struct sdp_agreement *agreement, struct peer_transport *const *agreed)
{
	wlk_err err;

	for (size_t k = 0; k < agreement->transport_count; k++) {
		const struct sdp_agreed_transport *transport = &agreement->transports[k];

		err = ice_agent_prepare_remote(agreed[k]->ice, transport->ufrag, transport->pwd, transport->ice_lite);
		if (err)
			return peer_fail_as(pc, err, peer_description_error_name(err), "the transport of m-line %zu cannot be set up: %s",
					    transport->index, wlk_strerror(err));
	}
	for (size_t k = 0; k < agreement->transport_count; k++)
		if ((err = apply_fingerprints(agreed[k], &agreement->transports[k])))
			return peer_fail_as(pc, err, peer_description_error_name(err),
					    "the fingerprint does not fit the running DTLS session");
	if ((err = configure_all(pc, agreement, agreed)))
		return err;
	for (size_t k = 0; k < agreement->transport_count; k++)
		apply_ice(agreed[k], &agreement->transports[k]);
	return WLK_OK;
}

/* Those that lost all their sections stop sending; the last answer retires them. */
static void release_media(wlk_peer_connection *pc, const struct sdp_agreement *agreement, struct peer_transport *const *agreed)
{
	list_for_each(item, &pc->transports)
	{
		struct peer_transport *t = list_entry(item, struct peer_transport, link);
		bool used = false;

		for (size_t k = 0; k < agreement->transport_count; k++)
			used |= agreed[k] == t;
		if (!used && configure_media(t, agreed, agreement))
			LOG_W(t, "out of memory: media goes on");
	}
}

static void take_agreed(wlk_peer_connection *pc, const struct sdp_agreement *agreement, struct peer_transport *const *agreed)
{
	for (size_t k = 0; k < agreement->transport_count; k++) {
		struct peer_transport *t = agreed[k];

		pc->agreed[k] = t;
		t->restarted = false;
		t->agreed = true;
		t->role_is_known = true;
		t->local_is_dtls_client = agreement->transports[k].local_is_dtls_client;
	}
	if (!agreement->transport_count)
		return;
	pc->transport = pc->agreed[0];
	pc->ice_restarted_locally = pc->remote_restarted = false;
}

static void apply_data_section(wlk_peer_connection *pc)
{
	const struct sdp_agreement *agreement = pc->agreement;
	const struct sdp_agreed_section *section;

	if (pc->section_of_data >= agreement->section_count || agreement->sections[pc->section_of_data].rejected)
		return;
	section = &agreement->sections[pc->section_of_data];
	if (section->kind != SDP_APPLICATION)
		return; /* the m-line became another one */
	pc->data_transport = pc->agreed[section->transport];
	if (pc->sctp_started)
		sctp_assoc_set_remote_max_message_size(pc->sctp, (size_t)MIN(section->remote_max_message_size, (uint64_t)SIZE_MAX));
}

wlk_err peer_apply_agreement(wlk_peer_connection *pc, struct sdp_agreement *agreement, const struct sdp_session *local)
{
	struct peer_transport *agreed[PEER_TRANSPORTS_MAX];
	wlk_err err = find_transports(pc, agreement, local, agreed);

	if (!err)
		err = apply_transports(pc, agreement, agreed);
	if (err)
		return err;
	release_media(pc, agreement, agreed);
	take_agreed(pc, agreement, agreed);
	sdp_agreement_destroy(pc->agreement);
	pc->agreement = agreement;
	peer_use_transports(pc, local);
	apply_directions(pc, agreement);
	peer_announce_senders(pc);
	if (!agreement->transport_count)
		pc->data_transport = pc->transport;
	apply_data_section(pc);
	for (size_t k = 0; k < agreement->transport_count; k++)
		peer_transport_start(pc->agreed[k]);
	return WLK_OK;
}
