/* An offer (RFC 9429 5.2): lay out the m-lines against the previous descriptions, number the codecs, then write. */
#include "sdp/attr.h"
#include "sdp/build.h"
#include "sdp/match.h"
#include "sdp/rid.h"

enum { NONE = 0xff, MAX_EXTENSION_ID = 255 };

/* Payload types and extension ids of one section or of the whole transport; NONE and 0: not given yet. */
struct numbers {
	uint8_t type[SDP_MAX_CODEC_CAPABILITIES];
	uint8_t rtx[SDP_MAX_CODEC_CAPABILITIES];
	uint8_t extension[SDP_MAX_EXTENSION_CAPABILITIES];
};

struct offerer {
	struct sdp_builder b;
	const struct sdp_offer_options *options;
	const struct sdp_capabilities *caps;
	const struct sdp_wish *slots[SDP_MAX_MEDIA]; /* NULL: kept with port 0 */
	size_t slot_count;
	size_t old_count;           /* slots that the previous descriptions have */
	const struct sdp_wish *tag; /* the section that carries the transport */
	struct numbers common;
	bool type_used[128];
	bool id_used[MAX_EXTENSION_ID + 1];
};

/* --- which wish on which m-line --- */

static const struct sdp_media *old_media(const struct sdp_session *session, size_t index)
{
	return session && index < session->media_count ? session->media[index] : NULL;
}

/* The previous section of an m-line, ours first: a description of ours is never shorter than the remote one. */
static const struct sdp_media *previous(const struct offerer *o, size_t index)
{
	const struct sdp_media *local = old_media(o->options->previous_local, index);

	return local ? local : old_media(o->options->previous_remote, index);
}

/* RFC 9429 5.2.2: a zero port in either description makes the m-line free. */
static bool rejected_by_either(const struct offerer *o, size_t index)
{
	const struct sdp_media *local = old_media(o->options->previous_local, index);
	const struct sdp_media *remote = old_media(o->options->previous_remote, index);

	return (local && sdp_media_rejected(local)) || (remote && sdp_media_rejected(remote));
}

/* Audio and video take each other's lines; data only its own. */
static bool is_alike(enum sdp_kind a, enum sdp_kind b)
{
	return a == b || ((a == SDP_AUDIO || a == SDP_VIDEO) && (b == SDP_AUDIO || b == SDP_VIDEO));
}

static size_t slot_by_mid(const struct offerer *o, struct str mid)
{
	for (size_t i = 0; i < o->old_count; i++)
		if (previous(o, i)->mid.size && str_equal(previous(o, i)->mid, mid))
			return i;
	return SIZE_MAX;
}

static size_t free_slot(const struct offerer *o, enum sdp_kind kind)
{
	for (size_t i = 0; o->options->recycle && i < o->old_count; i++)
		if (!o->slots[i] && is_alike(previous(o, i)->kind, kind) && rejected_by_either(o, i))
			return i;
	return o->slot_count;
}

/* Wishes that had an m-line keep it; then the new ones take free lines or the end. */
static wlk_err lay_out(struct offerer *o, struct sdp_error *err)
{
	const struct sdp_local *local = o->b.local;

	o->old_count = MAX(o->options->previous_local ? o->options->previous_local->media_count : 0,
			   o->options->previous_remote ? o->options->previous_remote->media_count : 0);
	o->slot_count = o->old_count;
	for (size_t i = 0; i < local->wish_count; i++) {
		size_t slot = slot_by_mid(o, local->wishes[i].mid);

		if (slot == SIZE_MAX)
			continue;
		if (previous(o, slot)->kind != local->wishes[i].kind)
			return sdp_fail(err, WLK_ERR_INVALID, 0, "an m-line cannot change its kind");
		o->slots[slot] = &local->wishes[i];
	}
	for (size_t i = 0; i < local->wish_count; i++) {
		size_t slot;

		if (slot_by_mid(o, local->wishes[i].mid) != SIZE_MAX)
			continue;
		slot = free_slot(o, local->wishes[i].kind);
		if (slot >= SDP_MAX_MEDIA)
			return sdp_fail(err, WLK_ERR_TOO_LARGE, 0, "more than %d m-lines", SDP_MAX_MEDIA);
		o->slots[slot] = &local->wishes[i];
		o->slot_count = MAX(o->slot_count, slot + 1);
	}
	return WLK_OK;
}

static bool alive(const struct offerer *o, size_t slot)
{
	return o->slots[slot] && !o->slots[slot]->stopped;
}

static const struct sdp_transport *transport_of(const struct offerer *o, size_t slot)
{
	return sdp_wish_transport(o->b.local, o->slots[slot]);
}

/* Candidates and the default address stand once for each transport: where its first section is, or the tag's. */
static bool carries(const struct offerer *o, size_t slot)
{
	const struct sdp_transport *transport = transport_of(o, slot);

	if (o->slots[slot] == o->tag)
		return true;
	if (o->tag && sdp_wish_transport(o->b.local, o->tag) == transport)
		return false;
	for (size_t i = 0; i < slot; i++)
		if (alive(o, i) && transport_of(o, i) == transport)
			return false;
	return true;
}

/* The transport stays where it was negotiated; otherwise the first living section carries it. */
static void choose_tag(struct offerer *o)
{
	const struct sdp_session *old =
		o->options->previous_remote ? o->options->previous_remote : o->options->previous_local;
	const struct sdp_media *lines = old ? sdp_transport_media(old, NULL) : NULL;

	if (lines && lines->index < o->slot_count && alive(o, lines->index))
		o->tag = o->slots[lines->index];
	for (size_t i = 0; i < o->slot_count && !o->tag; i++)
		if (alive(o, i))
			o->tag = o->slots[i];
}

/* --- numbers that stay --- */

static void clear(struct numbers *n)
{
	memset(n->type, NONE, sizeof(n->type));
	memset(n->rtx, NONE, sizeof(n->rtx));
	memset(n->extension, 0, sizeof(n->extension));
}

/* Payload types that a previous section gave to our capabilities; what is known already is kept. */
static void learn_codecs(const struct sdp_capabilities *caps, const struct sdp_media *media, struct numbers *n)
{
	for (size_t i = 0; i < media->codec_count; i++)
		for (size_t c = 0; c < caps->codec_count; c++)
			if (n->type[c] == NONE && caps->codecs[c].kind == media->kind &&
			    sdp_codec_matches(&caps->codecs[c], &media->codecs[i]))
				n->type[c] = media->codecs[i].payload_type;
	for (size_t i = 0; i < media->codec_count; i++) {
		uint8_t apt;

		for (size_t c = 0; sdp_codec_apt(&media->codecs[i], &apt) && c < caps->codec_count; c++)
			if (n->rtx[c] == NONE && n->type[c] == apt && caps->codecs[c].kind == media->kind)
				n->rtx[c] = media->codecs[i].payload_type;
	}
}

static void learn_extensions(const struct sdp_capabilities *caps, const struct sdp_session *session,
			     const struct sdp_media *media, struct numbers *n)
{
	const struct sdp_extmap *map;

	for (size_t i = 0; (map = sdp_media_extmap(session, media, i)); i++)
		for (size_t c = 0; c < caps->extension_count; c++)
			if (!n->extension[c] && map->id <= MAX_EXTENSION_ID &&
			    str_equal(sdp_extension_uri(caps->extensions[c].extension), map->uri))
				n->extension[c] = (uint8_t)map->id;
}

static void mark_used(struct offerer *o, const struct sdp_session *session, const struct sdp_media *media)
{
	const struct sdp_extmap *map;

	for (size_t i = 0; i < media->codec_count; i++)
		o->type_used[media->codecs[i].payload_type] = true;
	for (size_t i = 0; (map = sdp_media_extmap(session, media, i)); i++)
		if (map->id <= MAX_EXTENSION_ID)
			o->id_used[map->id] = true;
}

/*
 * One session's sections; the remote's come first, since its numbers are the agreed ones when it was the offerer. Those of rejected
 * sections are free: they would run out where m-lines come and go, and whoever takes the place wants the same ones again.
 */
static void learn_session(struct offerer *o, const struct sdp_session *session)
{
	for (size_t i = 0; session && i < session->media_count; i++) {
		if (sdp_media_rejected(session->media[i]))
			continue;
		mark_used(o, session, session->media[i]);
		learn_codecs(o->caps, session->media[i], &o->common);
		learn_extensions(o->caps, session, session->media[i], &o->common);
	}
}

/* RTP payload types that RTCP does not shadow with rtcp-mux (RFC 5761 4): 96..127, then 35..63. */
static uint8_t take_type(struct offerer *o, uint8_t wanted)
{
	if (wanted < 128 && !o->type_used[wanted]) {
		o->type_used[wanted] = true;
		return wanted;
	}
	for (unsigned i = 0; i < 32 + 29; i++) {
		uint8_t type = (uint8_t)(i < 32 ? 96 + i : 35 + i - 32);

		if (o->type_used[type])
			continue;
		o->type_used[type] = true;
		return type;
	}
	return NONE;
}

/* 15 is reserved in the one-byte form (RFC 8285 4.2). */
static uint8_t take_id(struct offerer *o, uint8_t wanted)
{
	unsigned id = wanted;

	for (unsigned i = 1; i <= MAX_EXTENSION_ID && (id == 0 || o->id_used[id]); i++)
		id = i == 15 ? 0 : i;
	if (!id || o->id_used[id])
		return 0;
	o->id_used[id] = true;
	return (uint8_t)id;
}

static void number_all(struct offerer *o)
{
	clear(&o->common);
	learn_session(o, o->options->previous_remote);
	learn_session(o, o->options->previous_local);
	for (size_t i = 0; i < o->caps->codec_count; i++)
		if (o->common.type[i] == NONE && o->caps->codecs[i].enabled)
			o->common.type[i] = take_type(o, o->caps->codecs[i].payload_type);
	for (size_t i = 0; i < o->caps->codec_count; i++)
		if (o->common.rtx[i] == NONE && o->caps->codecs[i].enabled && o->caps->codecs[i].rtx_payload_type)
			o->common.rtx[i] = take_type(o, o->caps->codecs[i].rtx_payload_type);
	for (size_t i = 0; i < o->caps->extension_count; i++)
		if (!o->common.extension[i] && o->caps->extensions[i].enabled)
			o->common.extension[i] = take_id(o, o->caps->extensions[i].id);
}

/*
 * Sections of the same transport may give one number different meanings (aiortc does): what a section already uses
 * is not for the transport's number of something else.
 */
static bool type_taken(const struct offerer *o, const struct numbers *n, uint8_t type)
{
	for (size_t c = 0; c < o->caps->codec_count; c++)
		if (type != NONE && (n->type[c] == type || n->rtx[c] == type))
			return true;
	return false;
}

static bool id_taken(const struct offerer *o, const struct numbers *n, uint8_t id)
{
	for (size_t c = 0; c < o->caps->extension_count; c++)
		if (id && n->extension[c] == id)
			return true;
	return false;
}

/* The numbers of one m-line: its own previous ones, then those of the transport. */
static void number_section(const struct offerer *o, size_t slot, struct numbers *n)
{
	const struct sdp_session *sessions[] = { o->options->previous_remote, o->options->previous_local };

	clear(n);
	for (size_t k = 0; k < ARRAY_SIZE(sessions); k++) {
		const struct sdp_media *media = old_media(sessions[k], slot);

		if (!media || sdp_media_rejected(media))
			continue;
		learn_codecs(o->caps, media, n);
		learn_extensions(o->caps, sessions[k], media, n);
	}
	for (size_t c = 0; c < o->caps->codec_count; c++) {
		if (n->type[c] == NONE && !type_taken(o, n, o->common.type[c]))
			n->type[c] = o->common.type[c];
		if (n->rtx[c] == NONE && n->type[c] == o->common.type[c] && !type_taken(o, n, o->common.rtx[c]))
			n->rtx[c] = o->common.rtx[c];
	}
	for (size_t c = 0; c < o->caps->extension_count; c++)
		if (!n->extension[c] && !id_taken(o, n, o->common.extension[c]))
			n->extension[c] = o->common.extension[c];
}

/* --- writing --- */

static struct str copy_text(struct sdp_builder *b, struct text *text)
{
	struct str out = STR("");

	if (text_ok(text))
		out = sdp_build_copy(b, (struct str){ text->at, text->size });
	else
		b->failed = true;
	text_free(text);
	return out;
}

/* Redundant audio repeats the first codec of the same clock and channels, once (RFC 2198 5). */
static struct str red_fmtp(struct offerer *o, const struct sdp_wish *wish, const struct numbers *n,
			   const struct sdp_codec_capability *red)
{
	struct text text;

	for (size_t c = 0; c < o->caps->codec_count; c++) {
		const struct sdp_codec_capability *cap = &o->caps->codecs[c];

		if (sdp_wish_rank(wish, o->caps, c) == SIZE_MAX || n->type[c] == NONE ||
		    sdp_codec_is_auxiliary(cap->name) || cap->clock_hz != red->clock_hz ||
		    cap->channels != red->channels)
			continue;
		text_init(&text);
		text_addf(&text, "%u/%u", n->type[c], n->type[c]);
		return copy_text(&o->b, &text);
	}
	return STR("");
}

static bool type_listed(const struct sdp_media *media, uint8_t type)
{
	return sdp_codec_by_type(media, type) != NULL;
}

static void write_rtx(struct offerer *o, struct sdp_media *media, const struct sdp_codec_capability *cap, uint8_t type,
		      uint8_t apt)
{
	struct text text;

	if (type == NONE || type_listed(media, type))
		return;
	text_init(&text);
	text_addf(&text, "apt=%u", apt);
	sdp_build_codec(&o->b, media, type, STR("rtx"), cap->clock_hz, 0, copy_text(&o->b, &text));
}

static void write_codec(struct offerer *o, const struct sdp_wish *wish, struct sdp_media *media,
			const struct numbers *n, size_t c)
{
	const struct sdp_codec_capability *cap = &o->caps->codecs[c];
	bool audio_red = cap->kind == SDP_AUDIO && str_equal_nocase(cap->name, STR("red"));
	struct sdp_codec *codec;
	struct sdp_feedback feedback;
	struct str fmtp = audio_red ? red_fmtp(o, wish, n, cap) : sdp_build_copy(&o->b, cap->fmtp);

	if (n->type[c] == NONE || type_listed(media, n->type[c]) || (audio_red && !fmtp.size))
		return;
	codec = sdp_build_codec(&o->b, media, n->type[c], cap->name, cap->clock_hz, cap->channels, fmtp);
	for (uint32_t bit = 1; codec && bit <= SDP_FB_TRANSPORT_CC; bit <<= 1)
		if ((cap->feedback & bit) && sdp_feedback_by_bit(bit, &feedback))
			sdp_build_feedback(&o->b, codec, feedback.type, feedback.parameter);
	if (codec && cap->rtx_payload_type && !wish->no_rtx)
		write_rtx(o, media, cap, n->rtx[c], n->type[c]);
}

static void write_codecs(struct offerer *o, const struct sdp_wish *wish, struct sdp_media *media,
			 const struct numbers *n)
{
	for (size_t i = 0; wish->codecs && i < wish->codec_count; i++)
		if (sdp_wish_rank(wish, o->caps, wish->codecs[i]) == i)
			write_codec(o, wish, media, n, wish->codecs[i]);
	for (size_t c = 0; !wish->codecs && c < o->caps->codec_count; c++)
		if (sdp_wish_rank(wish, o->caps, c) != SIZE_MAX)
			write_codec(o, wish, media, n, c);
}

static void write_extensions(struct offerer *o, const struct sdp_wish *wish, struct sdp_media *media,
			     const struct numbers *n)
{
	for (size_t c = 0; c < o->caps->extension_count; c++) {
		const struct sdp_extension_capability *cap = &o->caps->extensions[c];

		enum sdp_direction direction = sdp_wish_extension(wish, o->caps, cap);

		if (n->extension[c] && direction != SDP_INACTIVE &&
		    sdp_find_extension(o->caps, media->kind, cap->extension) == cap)
			sdp_build_extmap(&o->b, media, n->extension[c], direction, sdp_extension_uri(cap->extension));
	}
}

static void write_receive_layer(struct offerer *o, const struct sdp_wish *wish, struct sdp_media *media, struct str rid, struct text *list)
{
	const struct sdp_rid_limits *limits = sdp_wish_limits(wish, rid);
	struct text restrictions;

	text_init(&restrictions);
	if (limits)
		sdp_rid_limits_write(limits, &restrictions);
	sdp_build_rid(&o->b, media, rid, false, SDP_RECVONLY, (struct str){ restrictions.at, restrictions.size }, list);
	o->b.failed = o->b.failed || !text_ok(&restrictions);
	text_free(&restrictions);
}

static void write_simulcast(struct offerer *o, const struct sdp_wish *wish, struct sdp_media *media)
{
	struct text send, recv;
	size_t layers = 0;

	text_init(&send);
	text_init(&recv);
	for (size_t i = 0; i < wish->encoding_count; i++)
		layers += wish->encodings[i].rid.size > 0;
	for (size_t i = 0; layers > 1 && (media->direction & SDP_SENDONLY) && i < wish->encoding_count; i++)
		if (wish->encodings[i].rid.size)
			sdp_build_rid(&o->b, media, wish->encodings[i].rid, wish->encodings[i].paused, SDP_SENDONLY,
				      STR(""), &send);
	for (size_t i = 0; (media->direction & SDP_RECVONLY) && i < wish->receive_rid_count; i++)
		write_receive_layer(o, wish, media, wish->receive_rids[i], &recv);
	sdp_build_simulcast(&o->b, &send, &media->simulcast.send);
	sdp_build_simulcast(&o->b, &recv, &media->simulcast.recv);
}

static void write_rtp(struct offerer *o, size_t slot, const struct sdp_wish *wish, struct sdp_media *media)
{
	struct numbers n;

	number_section(o, slot, &n);
	write_extensions(o, wish, media, &n);
	media->direction_given = true;
	media->direction = wish->direction;
	media->rtcp_mux = true;
	media->rtcp_rsize = true;
	write_codecs(o, wish, media, &n);
	write_simulcast(o, wish, media);
	sdp_build_streams(&o->b, media, wish);
}

/* A section that is new and stopped at once has nothing to refer to: its kind alone makes the m-line. */
static void write_stopped(struct offerer *o, size_t slot)
{
	const struct sdp_media *old = slot < o->old_count ? previous(o, slot) : NULL;
	struct sdp_media like = { 0 };
	struct str format = STR("0");

	if (!old) {
		like.kind = o->slots[slot]->kind;
		like.kind_text = str_of(sdp_kind_name(like.kind));
		like.proto = like.kind == SDP_APPLICATION ? STR("UDP/DTLS/SCTP") : STR("UDP/TLS/RTP/SAVPF");
		if (like.kind == SDP_APPLICATION)
			format = STR("webrtc-datachannel");
		like.formats = &format;
		like.format_count = 1;
		old = &like;
	}
	sdp_build_rejected(&o->b, old, o->slots[slot] ? o->slots[slot]->mid : old->mid);
}

static void write_section(struct offerer *o, size_t slot)
{
	const struct sdp_wish *wish = o->slots[slot];
	const struct sdp_media *old = slot < o->old_count ? previous(o, slot) : NULL;
	struct str proto = STR("UDP/TLS/RTP/SAVPF");
	struct sdp_media *media;
	enum sdp_setup setup;

	if (!alive(o, slot)) {
		write_stopped(o, slot);
		return;
	}
	setup = transport_of(o, slot)->setup;
	if (wish->kind == SDP_APPLICATION)
		proto = old && old->protocol == SDP_PROTO_SCTP_LEGACY ? STR("DTLS/SCTP") : STR("UDP/DTLS/SCTP");
	media = sdp_build_media(&o->b, wish->kind, str_of(sdp_kind_name(wish->kind)), proto, wish->mid);
	if (!media)
		return;
	sdp_build_transport(&o->b, media, transport_of(o, slot), setup == SDP_SETUP_NONE ? SDP_SETUP_ACTPASS : setup, carries(o, slot));
	if (wish->kind == SDP_APPLICATION)
		sdp_build_sctp(&o->b, media, STR("webrtc-datachannel"));
	else
		write_rtp(o, slot, wish, media);
	/* Only a section that was never negotiated is bundle-only (RFC 9143 6, 7.2). */
	if ((o->options->bundle_only || wish->bundle_only) && wish != o->tag && slot >= o->old_count) {
		media->bundle_only = true;
		media->port = 0;
	}
}

static void add_mid(struct offerer *o, struct sdp_group *group, const struct sdp_wish *wish)
{
	if (sdp_group_add_mid(o->b.out, group, wish->mid))
		o->b.failed = true;
}

/* The living sections of a number, the one with the transport first (RFC 9143 7.2). */
static void write_group(struct offerer *o, size_t number)
{
	struct sdp_group *group = sdp_add_group(o->b.out);

	if (!group) {
		o->b.failed = true;
		return;
	}
	group->semantics = STR("BUNDLE");
	if (o->tag->bundle == number)
		add_mid(o, group, o->tag);
	for (size_t i = 0; i < o->slot_count; i++)
		if (alive(o, i) && o->slots[i]->bundle == number && o->slots[i] != o->tag)
			add_mid(o, group, o->slots[i]);
}

/* Each number once, in the order of the m-lines; that of the tag comes first. */
static void write_groups(struct offerer *o)
{
	if (o->tag && o->tag->bundle != SDP_UNBUNDLED)
		write_group(o, o->tag->bundle);
	for (size_t i = 0; i < o->slot_count; i++) {
		bool done = !alive(o, i) || o->slots[i]->bundle == SDP_UNBUNDLED || o->slots[i]->bundle == o->tag->bundle;

		for (size_t k = 0; k < i && !done; k++)
			done = alive(o, k) && o->slots[k]->bundle == o->slots[i]->bundle;
		if (!done)
			write_group(o, o->slots[i]->bundle);
	}
}

wlk_err sdp_make_offer(struct sdp_session **out, const struct sdp_local *local, const struct sdp_offer_options *options,
		       struct sdp_error *err)
{
	static const struct sdp_offer_options first = { 0 };
	struct offerer o = { .b = { .local = local },
			     .options = options ? options : &first,
			     .caps = local->capabilities };
	wlk_err code = sdp_build_check(local, true, err);

	if (!code)
		code = lay_out(&o, err);
	if (code)
		return code;
	choose_tag(&o);
	number_all(&o);
	code = sdp_session_create(&o.b.out);
	if (code)
		return sdp_fail(err, code, 0, "out of memory");
	sdp_build_session(&o.b);
	o.b.out->extmap_allow_mixed = true;
	write_groups(&o);
	for (size_t i = 0; i < o.slot_count; i++)
		write_section(&o, i);
	if (o.b.failed) {
		sdp_session_destroy(o.b.out);
		return sdp_fail(err, WLK_ERR_NOMEM, 0, "out of memory");
	}
	*out = o.b.out;
	return WLK_OK;
}
