/* What two descriptions agree on, as plain values for the transports and the media engine. */
#include "sdp/attr.h"
#include "sdp/match.h"
#include "sdp/negotiate.h"

struct agreeing {
	struct sdp_session *arena;
	const struct sdp_session *local;
	const struct sdp_session *remote;
	const struct sdp_session *answer;
	bool failed; /* memory ran out */
};

static struct str copy(struct agreeing *a, struct str in)
{
	struct str out = STR("");

	if (sdp_copy(a->arena, in, &out))
		a->failed = true;
	return out;
}

/* An array of at most |count| items; never NULL unless memory is out. */
static void *array(struct agreeing *a, size_t count, size_t size)
{
	void *items = sdp_alloc(a->arena, MAX(count, (size_t)1) * size);

	if (!items)
		a->failed = true;
	return items;
}

/* --- codecs --- */

/* For each payload type, the rtx format that repairs it in this section, or SDP_NO_TYPE. */
static void map_rtx(const struct sdp_media *media, uint8_t out[128])
{
	memset(out, SDP_NO_TYPE, 128);
	for (size_t i = media->codec_count; i-- > 0;) {
		uint8_t apt;

		if (sdp_codec_apt(&media->codecs[i], &apt))
			out[apt] = media->codecs[i].payload_type;
	}
}

static void agree_codecs(struct agreeing *a, const struct sdp_media *local, const struct sdp_media *remote,
			 struct sdp_agreed_section *section)
{
	const struct sdp_media *order = a->answer == a->local ? local : remote;
	uint8_t local_rtx[128], remote_rtx[128];

	section->codecs = array(a, order->codec_count, sizeof(*section->codecs));
	map_rtx(local, local_rtx);
	map_rtx(remote, remote_rtx);
	for (size_t i = 0; i < order->codec_count && section->codecs; i++) {
		uint8_t type = order->codecs[i].payload_type;
		const struct sdp_codec *ours = sdp_codec_by_type(local, type);
		const struct sdp_codec *theirs = sdp_codec_by_type(remote, type);
		bool rtx = local_rtx[type] != SDP_NO_TYPE && remote_rtx[type] != SDP_NO_TYPE;

		if (!ours || !theirs || !ours->name.size || !str_equal_nocase(ours->name, theirs->name) ||
		    sdp_codec_is(ours, STR("rtx")))
			continue;
		section->codecs[section->codec_count++] = (struct sdp_agreed_codec){
			.name = copy(a, ours->name),
			.clock_hz = ours->clock_hz,
			.channels = MAX(ours->channels, 1u),
			.send_type = type,
			.receive_type = type,
			.send_rtx_type = rtx ? remote_rtx[type] : SDP_NO_TYPE,
			.receive_rtx_type = rtx ? local_rtx[type] : SDP_NO_TYPE,
			.remote_fmtp = copy(a, theirs->fmtp),
			.local_fmtp = copy(a, ours->fmtp),
			.feedback = sdp_codec_feedback_bits(local, ours) & sdp_codec_feedback_bits(remote, theirs),
		};
	}
}

/* --- header extensions --- */

static void agree_extensions(struct agreeing *a, const struct sdp_media *local, const struct sdp_media *remote,
			     struct sdp_agreed_section *section)
{
	const struct sdp_extmap *theirs[256] = { NULL };
	const struct sdp_extmap *map;

	for (size_t i = 0; (map = sdp_media_extmap(a->remote, remote, i)); i++)
		if (map->id < ARRAY_SIZE(theirs) && !theirs[map->id])
			theirs[map->id] = map;
	section->extensions = array(a, local->extmap_count + a->local->extmap_count, sizeof(*section->extensions));
	for (size_t i = 0; section->extensions && (map = sdp_media_extmap(a->local, local, i)); i++) {
		const struct sdp_extmap *other = map->id < ARRAY_SIZE(theirs) ? theirs[map->id] : NULL;
		enum sdp_direction direction;

		if (!other || !str_equal(map->uri, other->uri))
			continue;
		direction = map->direction & sdp_direction_reverse(other->direction);
		if (direction == SDP_INACTIVE)
			continue;
		theirs[map->id] = NULL; /* an id stands once */
		section->extensions[section->extension_count++] = (struct sdp_agreed_extension){
			.extension = sdp_extension_by_uri(map->uri),
			.id = map->id,
			.direction = direction,
			.uri = copy(a, map->uri),
		};
	}
}

/* --- streams --- */

/* A pair of this meaning that has |ssrc| at |place|; the other one is answered, 0 when there is none. */
static uint32_t paired(const struct sdp_media *media, const char *semantics, uint32_t ssrc, size_t place)
{
	for (size_t i = 0; i < media->ssrc_group_count; i++) {
		const struct sdp_ssrc_group *group = &media->ssrc_groups[i];

		if (group->ssrc_count == 2 && group->ssrcs[place] == ssrc && group->ssrcs[0] != group->ssrcs[1] &&
		    str_equal_nocase(group->semantics, str_of(semantics)))
			return group->ssrcs[1 - place];
	}
	return 0;
}

static struct sdp_agreed_stream *agree_streams(struct agreeing *a, const struct sdp_media *media, size_t *count)
{
	struct sdp_agreed_stream *streams = array(a, media->ssrc_count, sizeof(*streams));

	for (size_t i = 0; i < media->ssrc_count && streams; i++) {
		const struct sdp_ssrc *from = &media->ssrcs[i];

		if (paired(media, "FID", from->ssrc, 1) || paired(media, "FEC-FR", from->ssrc, 1))
			continue;
		streams[(*count)++] = (struct sdp_agreed_stream){
			.ssrc = from->ssrc,
			.rtx_ssrc = paired(media, "FID", from->ssrc, 0),
			.fec_ssrc = paired(media, "FEC-FR", from->ssrc, 0),
			.cname = copy(a, from->cname),
			.msid = copy(a, from->msid),
		};
	}
	return streams;
}

static void add_msid(struct agreeing *a, struct sdp_agreed_section *section, struct str stream, struct str track)
{
	section->remote_msids[section->remote_msid_count++] = (struct sdp_msid){ copy(a, stream), copy(a, track) };
}

/* a=msid, or what older stacks write: the first a=ssrc line with an msid. */
static void agree_msids(struct agreeing *a, const struct sdp_media *remote, struct sdp_agreed_section *section)
{
	section->remote_msids = array(a, remote->msid_count, sizeof(*section->remote_msids));
	for (size_t i = 0; i < remote->msid_count && section->remote_msids; i++)
		add_msid(a, section, remote->msids[i].stream, remote->msids[i].track);
	for (size_t i = 0; i < remote->ssrc_count && section->remote_msids && !section->remote_msid_count; i++) {
		struct str track = remote->ssrcs[i].msid;

		if (track.size) {
			struct str stream = str_word(&track);

			add_msid(a, section, stream, str_trim(track));
		}
	}
}

static bool list_has(struct str list, struct str rid)
{
	struct sdp_simulcast_stream stream, one;

	while (sdp_simulcast_next(&list, &stream))
		while (sdp_simulcast_alternative(&stream.alternatives, &one))
			if (str_equal(one.rid, rid))
				return true;
	return false;
}

static struct str restrictions_of(const struct sdp_media *remote, struct str rid)
{
	for (size_t i = 0; i < remote->rid_count; i++)
		if (str_equal(remote->rids[i].id, rid))
			return remote->rids[i].restrictions;
	return STR("");
}

/* Layers of the answer's list that the offer's has, too. */
static struct sdp_agreed_rid *agree_layers(struct agreeing *a, const struct sdp_media *remote, struct str answered,
					   struct str offered, size_t *count)
{
	enum { MAX_LAYERS = 16 };
	struct sdp_agreed_rid *rids = array(a, MAX_LAYERS, sizeof(*rids));
	struct sdp_simulcast_stream stream;

	while (rids && *count < MAX_LAYERS && sdp_simulcast_next(&answered, &stream))
		if (list_has(offered, stream.rid))
			rids[(*count)++] = (struct sdp_agreed_rid){ copy(a, stream.rid), stream.paused,
								   copy(a, restrictions_of(remote, stream.rid)) };
	return rids;
}

static void agree_simulcast(struct agreeing *a, const struct sdp_media *local, const struct sdp_media *remote,
			    struct sdp_agreed_section *section)
{
	bool we_answered = a->answer == a->local;

	if (local->simulcast.recv.size && remote->simulcast.send.size)
		section->receive_rids = agree_layers(a, remote, we_answered ? local->simulcast.recv : remote->simulcast.send,
						     we_answered ? remote->simulcast.send : local->simulcast.recv,
						     &section->receive_rid_count);
	if (local->simulcast.send.size && remote->simulcast.recv.size)
		section->send_rids = agree_layers(a, remote, we_answered ? local->simulcast.send : remote->simulcast.recv,
						  we_answered ? remote->simulcast.recv : local->simulcast.send,
						  &section->send_rid_count);
}

/* --- sections and transport --- */

static void agree_section(struct agreeing *a, size_t index, struct sdp_agreed_section *section)
{
	const struct sdp_media *local = a->local->media[index];
	const struct sdp_media *remote = a->remote->media[index];

	section->index = index;
	section->mid = copy(a, local->mid);
	section->kind = local->kind;
	section->rejected = sdp_media_rejected(local) || sdp_media_rejected(remote);
	if (section->rejected)
		return;
	section->direction =
		sdp_media_direction(a->local, local) & sdp_direction_reverse(sdp_media_direction(a->remote, remote));
	if (section->kind == SDP_APPLICATION) {
		section->local_sctp_port = sdp_media_sctp_port(local);
		section->remote_sctp_port = sdp_media_sctp_port(remote);
		section->remote_max_message_size = sdp_media_max_message_size(remote);
		return;
	}
	agree_codecs(a, local, remote, section);
	agree_extensions(a, local, remote, section);
	section->extmap_allow_mixed =
		sdp_media_extmap_allow_mixed(a->local, local) && sdp_media_extmap_allow_mixed(a->remote, remote);
	section->rtcp_rsize = local->rtcp_rsize && remote->rtcp_rsize;
	section->remote_streams = agree_streams(a, remote, &section->remote_stream_count);
	section->local_streams = agree_streams(a, local, &section->local_stream_count);
	agree_simulcast(a, local, remote, section);
	agree_msids(a, remote, section);
	section->remote_ptime = remote->ptime;
	section->remote_maxptime = remote->maxptime;
}

static void agree_candidates(struct agreeing *a, const struct sdp_media *lines, struct sdp_agreed_transport *transport)
{
	struct str *candidates = array(a, lines->candidate_count, sizeof(*candidates));

	for (size_t i = 0; i < lines->candidate_count && candidates; i++)
		candidates[i] = copy(a, lines->candidates[i]);
	transport->candidates = candidates;
	transport->candidate_count = candidates ? lines->candidate_count : 0;
	transport->end_of_candidates = sdp_media_end_of_candidates(a->remote, lines);
}

static void agree_fingerprints(struct agreeing *a, const struct sdp_media *lines,
			       struct sdp_agreed_transport *transport)
{
	size_t count;
	const struct sdp_fingerprint *from = sdp_media_fingerprints(a->remote, lines, &count);
	struct sdp_fingerprint *list = array(a, count, sizeof(*list));

	for (size_t i = 0; i < count && list; i++) {
		list[i] = from[i];
		list[i].algorithm = copy(a, from[i].algorithm);
	}
	transport->fingerprints = list;
	transport->fingerprint_count = list ? count : 0;
}

/* RFC 5763 5: the active side is the client. An answer without a=setup counts as active. */
static bool local_is_client(const struct agreeing *a, size_t index)
{
	const struct sdp_media *lines = sdp_section_transport(a->answer, a->answer, index);
	bool answerer_is_client = sdp_media_setup(a->answer, lines) != SDP_SETUP_PASSIVE;

	return answerer_is_client == (a->answer == a->local);
}

/* The transport of section |index|, whose remote lines stand in |lines|. */
static void agree_transport(struct agreeing *a, size_t index, const struct sdp_media *lines, struct sdp_agreed_transport *transport)
{
	struct sdp_ice ice = sdp_media_ice(a->remote, lines);

	transport->present = true;
	transport->index = lines->index;
	transport->local_index = sdp_section_transport(a->local, a->answer, index)->index;
	transport->mid = copy(a, lines->mid);
	transport->bundled = sdp_bundle_of(a->answer, a->answer->media[index]->mid) != NULL;
	transport->ufrag = copy(a, ice.ufrag);
	transport->pwd = copy(a, ice.pwd);
	transport->ice_lite = a->remote->ice_lite;
	transport->trickle = sdp_media_has_ice_option(a->remote, lines, STR("trickle"));
	transport->renomination = sdp_media_has_ice_option(a->remote, lines, STR("renomination"));
	transport->local_is_dtls_client = local_is_client(a, index);
	agree_fingerprints(a, lines, transport);
	agree_candidates(a, lines, transport);
}

static size_t find_transport(const struct sdp_agreement *agreement, size_t index)
{
	for (size_t i = 0; i < agreement->transport_count; i++)
		if (agreement->transports[i].index == index)
			return i;
	return SIZE_MAX;
}

static void agree_transports(struct agreeing *a, struct sdp_agreement *agreement)
{
	agreement->transports = array(a, a->local->media_count, sizeof(*agreement->transports));
	for (size_t i = 0; i < a->local->media_count && agreement->transports; i++) {
		struct sdp_agreed_section *section = &agreement->sections[i];
		const struct sdp_media *lines = section->rejected ? NULL : sdp_section_transport(a->remote, a->answer, i);

		section->transport = lines ? find_transport(agreement, lines->index) : SIZE_MAX;
		if (!lines || section->transport != SIZE_MAX)
			continue;
		section->transport = agreement->transport_count++;
		agree_transport(a, i, lines, &agreement->transports[section->transport]);
	}
	if (agreement->transport_count)
		agreement->transport = agreement->transports[0];
}

wlk_err sdp_agree(struct sdp_agreement **out, const struct sdp_session *local, const struct sdp_session *remote,
		  bool local_is_offer, struct sdp_error *err)
{
	struct agreeing a = { .local = local, .remote = remote, .answer = local_is_offer ? remote : local };
	struct sdp_agreement *agreement;
	wlk_err code;

	if (local->media_count != remote->media_count)
		return sdp_fail(err, WLK_ERR_NEGOTIATION, 0, "the descriptions have different numbers of m-lines");
	code = sdp_session_create(&a.arena);
	if (code)
		return sdp_fail(err, code, 0, "out of memory");
	agreement = array(&a, 1, sizeof(*agreement));
	if (agreement)
		agreement->sections = array(&a, local->media_count, sizeof(*agreement->sections));
	if (!a.failed) {
		agreement->section_count = local->media_count;
		agreement->arena = a.arena;
		for (size_t i = 0; i < local->media_count; i++)
			agree_section(&a, i, &agreement->sections[i]);
		agree_transports(&a, agreement);
	}
	if (a.failed) {
		sdp_session_destroy(a.arena);
		return sdp_fail(err, WLK_ERR_NOMEM, 0, "out of memory");
	}
	*out = agreement;
	return WLK_OK;
}

void sdp_agreement_destroy(struct sdp_agreement *agreement)
{
	if (agreement)
		sdp_session_destroy(agreement->arena); /* the agreement lies in it */
}

struct sdp_agreed_section *sdp_agreed_by_mid(const struct sdp_agreement *agreement, struct str mid)
{
	for (size_t i = 0; i < agreement->section_count && mid.size; i++)
		if (str_equal(agreement->sections[i].mid, mid))
			return &agreement->sections[i];
	return NULL;
}
