/* The answer to an offer (RFC 9429 5.3): choose first, for all sections, then write. */
#include "sdp/attr.h"
#include "sdp/build.h"
#include "sdp/match.h"
#include "sdp/rid.h"

enum { REFUSED = -1, RETRANSMISSION = -2 };
enum { MAX_LAYERS = 16 }; /* simulcast streams of one section; a longer list is left out of the answer */

/* What is to become of one offered section. */
struct choice {
	bool accepted;
	/* By index of the offered codec: our capability, REFUSED or RETRANSMISSION */
	int8_t capability[SDP_MAX_CODECS];
};

struct answerer {
	struct sdp_builder b;
	const struct sdp_session *offer;
	const struct sdp_capabilities *caps;
	struct choice choices[SDP_MAX_MEDIA];
	/* By m-line, when it is accepted: the section that carries its transport; and by such a section our role. */
	const struct sdp_media *tags[SDP_MAX_MEDIA];
	enum sdp_setup setups[SDP_MAX_MEDIA];
};

/* --- choosing codecs --- */

static int8_t match_codec(const struct answerer *a, const struct sdp_wish *wish, const struct sdp_codec *codec)
{
	for (size_t i = 0; i < a->caps->codec_count; i++)
		if (sdp_wish_rank(wish, a->caps, i) != SIZE_MAX && sdp_codec_matches(&a->caps->codecs[i], codec))
			return (int8_t)i;
	return REFUSED;
}

static bool is_protection(const struct sdp_codec *codec)
{
	return sdp_codec_is(codec, STR("red")) || sdp_codec_is(codec, STR("ulpfec")) ||
	       sdp_codec_is(codec, STR("flexfec-03"));
}

/* The choice for a payload type, REFUSED when the m-line does not list it. */
static int8_t chosen(const struct choice *choice, const struct sdp_media *media, uint32_t payload_type)
{
	for (size_t i = 0; i < media->codec_count; i++)
		if (media->codecs[i].payload_type == payload_type)
			return choice->capability[i];
	return REFUSED;
}

/*
 * RFC 2198 in audio names its blocks, "111/111": every one must be accepted, and of its clock, for they share its timestamp. In
 * video it goes without.
 */
static bool red_fits(const struct choice *choice, const struct sdp_media *media, const struct sdp_codec *codec)
{
	struct str blocks = codec->fmtp;
	size_t count = 0;

	if (media->kind == SDP_VIDEO && !codec->fmtp.size)
		return true;
	while (blocks.size) {
		uint32_t type;

		const struct sdp_codec *block;

		if (!str_u32(str_trim(str_cut(&blocks, '/')), 127, &type) || chosen(choice, media, type) < 0 ||
		    type == codec->payload_type)
			return false;
		block = sdp_codec_by_type(media, (uint8_t)type);
		if (!block || block->clock_hz != codec->clock_hz)
			return false;
		count++;
	}
	return count > 0;
}

static void choose_protection(const struct answerer *a, const struct sdp_wish *wish, const struct sdp_media *media,
			      struct choice *choice)
{
	bool red = false;

	for (size_t i = 0; i < media->codec_count; i++) {
		if (!sdp_codec_is(&media->codecs[i], STR("red")) || !red_fits(choice, media, &media->codecs[i]))
			continue;
		choice->capability[i] = match_codec(a, wish, &media->codecs[i]);
		red = red || choice->capability[i] != REFUSED;
	}
	for (size_t i = 0; i < media->codec_count && red; i++)
		if (sdp_codec_is(&media->codecs[i], STR("ulpfec")))
			choice->capability[i] = match_codec(a, wish, &media->codecs[i]);
}

/* RTX only for what is accepted, and only one for each (RFC 4588 8.6). */
static void choose_rtx(const struct answerer *a, const struct sdp_wish *wish, const struct sdp_media *media,
		       struct choice *choice)
{
	bool repaired[128] = { false };

	for (size_t i = 0; i < media->codec_count && !wish->no_rtx; i++) {
		uint8_t apt;
		int8_t capability;

		if (!sdp_codec_apt(&media->codecs[i], &apt) || repaired[apt] || media->codecs[i].clock_hz == 0)
			continue;
		capability = chosen(choice, media, apt);
		if (capability < 0 || !a->caps->codecs[capability].rtx_payload_type ||
		    a->caps->codecs[capability].clock_hz != media->codecs[i].clock_hz)
			continue;
		choice->capability[i] = RETRANSMISSION;
		repaired[apt] = true;
	}
}

/* False when nothing is left that carries media. */
static bool choose_codecs(const struct answerer *a, const struct sdp_wish *wish, const struct sdp_media *media,
			  struct choice *choice)
{
	bool carries = false;

	memset(choice->capability, REFUSED, sizeof(choice->capability));
	for (size_t i = 0; i < media->codec_count; i++) {
		const struct sdp_codec *codec = &media->codecs[i];

		if (is_protection(codec) || sdp_codec_is(codec, STR("rtx")))
			continue;
		choice->capability[i] = match_codec(a, wish, codec);
		carries = carries || (choice->capability[i] != REFUSED && !sdp_codec_is_auxiliary(codec->name));
	}
	choose_protection(a, wish, media, choice);
	choose_rtx(a, wish, media, choice);
	return carries;
}

/* --- choosing sections --- */

static bool is_data_channel(const struct sdp_media *media)
{
	if (media->kind != SDP_APPLICATION || !sdp_media_sctp_port(media))
		return false;
	if (media->protocol == SDP_PROTO_SCTP)
		return str_equal_nocase(media->formats[0], STR("webrtc-datachannel"));
	return media->protocol == SDP_PROTO_SCTP_LEGACY && media->sctpmap.given &&
	       str_equal_nocase(media->sctpmap.app, STR("webrtc-datachannel"));
}

static bool acceptable(const struct answerer *a, const struct sdp_media *media, bool have_data)
{
	const struct sdp_wish *wish;

	if (sdp_media_rejected(media) || media->index >= a->b.local->wish_count)
		return false;
	wish = &a->b.local->wishes[media->index];
	if (wish->stopped || wish->kind != media->kind)
		return false;
	if (media->kind == SDP_APPLICATION)
		return !have_data && is_data_channel(media);
	return media->protocol == SDP_PROTO_RTP && media->rtcp_mux;
}

static const struct sdp_transport *transport_of(const struct answerer *a, const struct sdp_media *tag)
{
	return sdp_wish_transport(a->b.local, &a->b.local->wishes[tag->index]);
}

/* A transport serves one group, or one section. */
static bool is_taken(const struct answerer *a, const struct sdp_transport *transport)
{
	for (size_t i = 0; i < a->offer->media_count; i++)
		if (a->tags[i] && transport_of(a, a->tags[i]) == transport)
			return true;
	return false;
}

static const struct sdp_media *first_accepted(const struct answerer *a, const struct sdp_group *group)
{
	for (size_t i = 0; i < group->mid_count; i++) {
		const struct sdp_media *media = sdp_media_by_mid(a->offer, group->mids[i]);

		if (media && a->choices[media->index].accepted)
			return media;
	}
	return NULL;
}

/* The acceptable sections of a BUNDLE group ride on the transport of the first of them (RFC 9143 7.3.1). */
static void choose_group(struct answerer *a, const struct sdp_group *group)
{
	const struct sdp_media *tag = first_accepted(a, group);

	if (!tag || is_taken(a, transport_of(a, tag)))
		return;
	for (size_t i = 0; i < group->mid_count; i++) {
		const struct sdp_media *media = sdp_media_by_mid(a->offer, group->mids[i]);

		if (media && a->choices[media->index].accepted && !a->tags[media->index])
			a->tags[media->index] = tag;
	}
}

/* Groups first, then what is in none; what gets no transport is refused. */
static void choose_transports(struct answerer *a)
{
	for (size_t i = 0; i < a->offer->group_count; i++)
		if (str_equal(a->offer->groups[i].semantics, STR("BUNDLE")))
			choose_group(a, &a->offer->groups[i]);
	for (size_t i = 0; i < a->offer->media_count; i++) {
		const struct sdp_media *media = a->offer->media[i];

		if (!a->choices[i].accepted || a->tags[i])
			continue;
		if (!media->bundle_only && !sdp_bundle_of(a->offer, media->mid) && !is_taken(a, transport_of(a, media)))
			a->tags[i] = media;
		a->choices[i].accepted = a->tags[i] != NULL;
	}
}

static void choose(struct answerer *a)
{
	bool have_data = false;

	for (size_t i = 0; i < a->offer->media_count; i++) {
		const struct sdp_media *media = a->offer->media[i];
		struct choice *choice = &a->choices[i];

		choice->accepted = acceptable(a, media, have_data);
		if (choice->accepted && media->kind == SDP_APPLICATION)
			have_data = true;
		else if (choice->accepted)
			choice->accepted = choose_codecs(a, &a->b.local->wishes[i], media, choice);
	}
	choose_transports(a);
}

/* --- writing --- */

/*
 * RFC 9143 13: one id means one thing in a BUNDLE. aiortc offers otherwise, and then misreads what comes with that id, so
 * only the first of two meanings is accepted.
 */
static bool has_other_meaning(const struct answerer *a, const struct sdp_media *tag, const struct sdp_extmap *map)
{
	for (size_t i = 0; i < a->b.out->media_count; i++) {
		const struct sdp_media *media = a->b.out->media[i];

		if (a->tags[i] != tag)
			continue;

		for (size_t k = 0; k < media->extmap_count; k++)
			if (media->extmaps[k].id == map->id && !str_equal(media->extmaps[k].uri, map->uri))
				return true;
	}
	return false;
}

/* Extension ids of the offer, those that we can do, in the direction that both can (RFC 8285 6). */
static void write_extensions(struct answerer *a, const struct sdp_media *offered, struct sdp_media *media)
{
	const struct sdp_wish *wish = &a->b.local->wishes[offered->index];
	const struct sdp_extmap *map;
	uint32_t done = 0;

	for (size_t i = 0; (map = sdp_media_extmap(a->offer, offered, i)); i++) {
		enum sdp_extension extension = sdp_extension_by_uri(map->uri);
		const struct sdp_extension_capability *cap = sdp_find_extension(a->caps, media->kind, extension);
		enum sdp_direction direction = sdp_direction_reverse(map->direction);

		if (!cap || done >> extension & 1 || map->id > 255)
			continue;
		direction &= sdp_wish_extension(wish, a->caps, cap);
		if (direction == SDP_INACTIVE)
			continue;
		if ((cap->both_ways && direction != SDP_SENDRECV) || has_other_meaning(a, a->tags[offered->index], map))
			continue;
		done |= 1u << extension;
		sdp_build_extmap(&a->b, media, map->id, direction, map->uri);
	}
}

static bool has_extension(const struct sdp_media *media, enum sdp_extension extension)
{
	for (size_t i = 0; i < media->extmap_count; i++)
		if (sdp_extension_by_uri(media->extmaps[i].uri) == extension)
			return true;
	return false;
}

/* Offered feedback that we can do. Transport-wide feedback means nothing without its sequence numbers. */
static void write_feedback(struct answerer *a, const struct sdp_media *offered, const struct sdp_codec *from,
			   uint32_t wanted, struct sdp_media *media, struct sdp_codec *codec)
{
	const struct sdp_feedback *lists[] = { from->feedback, offered->feedback };
	const size_t counts[] = { from->feedback_count, offered->feedback_count };

	if (!has_extension(media, SDP_EXT_TRANSPORT_CC))
		wanted &= ~(uint32_t)SDP_FB_TRANSPORT_CC;
	/* One of the two is enough, and this one is better tried. */
	if (wanted & sdp_codec_feedback_bits(offered, from) & SDP_FB_TRANSPORT_CC)
		wanted &= ~(uint32_t)SDP_FB_CCFB;
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		for (size_t i = 0; i < counts[k]; i++) {
			uint32_t bit = sdp_feedback_bit(&lists[k][i]);

			if (!(wanted & bit))
				continue;
			wanted &= ~bit; /* said twice is written once */
			sdp_build_feedback(&a->b, codec, lists[k][i].type, lists[k][i].parameter);
		}
	}
}

static void write_codec(struct answerer *a, const struct sdp_media *offered, size_t index, struct sdp_media *media)
{
	const struct sdp_codec *from = &offered->codecs[index];
	int8_t choice = a->choices[offered->index].capability[index];
	struct sdp_codec *codec;
	struct str fmtp = STR("");

	if (choice == RETRANSMISSION)
		fmtp = sdp_build_copy(&a->b, from->fmtp);
	else if (sdp_answer_fmtp(a->b.out, a->caps, &a->caps->codecs[choice], from, &fmtp))
		a->b.failed = true;
	codec = sdp_build_codec(&a->b, media, from->payload_type, from->name, from->clock_hz, from->channels, fmtp);
	if (codec && choice >= 0)
		write_feedback(a, offered, from, a->caps->codecs[choice].feedback, media, codec);
}

static void write_rtx_of(struct answerer *a, const struct sdp_media *offered, size_t index, struct sdp_media *media)
{
	const struct choice *choice = &a->choices[offered->index];
	uint8_t apt;

	for (size_t i = 0; i < offered->codec_count; i++)
		if (choice->capability[i] == RETRANSMISSION && sdp_codec_apt(&offered->codecs[i], &apt) &&
		    apt == offered->codecs[index].payload_type)
			write_codec(a, offered, i, media);
}

/* In the offer's order, or in that of setCodecPreferences with each RTX behind its codec. */
static void write_codecs(struct answerer *a, const struct sdp_media *offered, struct sdp_media *media)
{
	const struct sdp_wish *wish = &a->b.local->wishes[offered->index];
	const struct choice *choice = &a->choices[offered->index];

	for (size_t i = 0; i < offered->codec_count && !wish->codecs; i++)
		if (choice->capability[i] != REFUSED)
			write_codec(a, offered, i, media);
	for (size_t rank = 0; wish->codecs && rank < wish->codec_count; rank++) {
		for (size_t i = 0; i < offered->codec_count; i++) {
			if (choice->capability[i] < 0 ||
			    sdp_wish_rank(wish, a->caps, (size_t)choice->capability[i]) != rank)
				continue;
			write_codec(a, offered, i, media);
			write_rtx_of(a, offered, i, media);
		}
	}
}

static const struct sdp_rid *find_rid(const struct sdp_media *media, struct str id, enum sdp_direction direction)
{
	for (size_t i = 0; i < media->rid_count; i++)
		if (media->rids[i].direction == direction && str_equal(media->rids[i].id, id))
			return &media->rids[i];
	return NULL;
}

static bool list_fits(struct str list)
{
	struct sdp_simulcast_stream stream, one;
	size_t count = 0;

	while (sdp_simulcast_next(&list, &stream))
		while (sdp_simulcast_alternative(&stream.alternatives, &one))
			count++;
	return count <= MAX_LAYERS;
}

/* Our own restrictions on top of those of the offer: the answer may narrow them (RFC 8851 6.3). */
static void narrow(struct text *kept, const struct sdp_rid_limits *ours)
{
	struct sdp_rid_limits both;
	struct text narrowed;

	if (!text_ok(kept) || !sdp_rid_limits_parse((struct str){ kept->at, kept->size }, &both))
		return;
	sdp_rid_limits_narrow(&both, ours);
	text_init(&narrowed);
	sdp_rid_limits_write(&both, &narrowed);
	text_free(kept);
	*kept = narrowed;
}

/* The restrictions that the answer gives a layer, |ours| among them; false when the layer has to go (RFC 8851 6.3). */
static bool layer_fits(struct answerer *a, const struct sdp_rid *rid, const struct sdp_media *media, const struct sdp_rid_limits *ours,
		       struct str *out)
{
	struct text kept;
	bool fits;

	text_init(&kept);
	fits = rid && sdp_rid_restrictions_answer(rid, media, &kept);
	if (fits && ours)
		narrow(&kept, ours);
	*out = STR("");
	if (fits && text_ok(&kept))
		*out = sdp_build_copy(&a->b, (struct str){ kept.at, kept.size });
	a->b.failed = a->b.failed || !text_ok(&kept);
	text_free(&kept);
	return fits;
}

/* What they send, we receive: the same layers in the same order, of alternatives the first that fits (RFC 8853 5.3.2). */
static void write_receive_layers(struct answerer *a, const struct sdp_media *offered, struct sdp_media *media)
{
	const struct sdp_wish *wish = &a->b.local->wishes[offered->index];
	struct str rest = offered->simulcast.send, restrictions;
	struct sdp_simulcast_stream stream;
	struct text list;

	text_init(&list);
	while (sdp_simulcast_next(&rest, &stream)) {
		struct sdp_simulcast_stream one;

		while (sdp_simulcast_alternative(&stream.alternatives, &one)) {
			if (find_rid(media, one.rid, SDP_RECVONLY) ||
			    !layer_fits(a, find_rid(offered, one.rid, SDP_SENDONLY), media, sdp_wish_limits(wish, one.rid), &restrictions))
				continue;
			sdp_build_rid(&a->b, media, one.rid, one.paused, SDP_RECVONLY, restrictions, &list);
			break;
		}
	}
	sdp_build_simulcast(&a->b, &list, &media->simulcast.recv);
}

static const struct sdp_encoding *find_encoding(const struct sdp_wish *wish, struct str rid)
{
	for (size_t i = 0; i < wish->encoding_count; i++)
		if (wish->encodings[i].rid.size && str_equal(wish->encodings[i].rid, rid))
			return &wish->encodings[i];
	return NULL;
}

/* What they receive and we have encodings for, we send. */
static void write_send_layers(struct answerer *a, const struct sdp_media *offered, struct sdp_media *media)
{
	const struct sdp_wish *wish = &a->b.local->wishes[offered->index];
	struct str rest = offered->simulcast.recv, restrictions;
	struct sdp_simulcast_stream stream;
	struct text list;

	text_init(&list);
	while (sdp_simulcast_next(&rest, &stream)) {
		struct sdp_simulcast_stream one;

		while (sdp_simulcast_alternative(&stream.alternatives, &one)) {
			const struct sdp_encoding *e = find_encoding(wish, one.rid);

			if (!e || find_rid(media, one.rid, SDP_SENDONLY) ||
			    !layer_fits(a, find_rid(offered, one.rid, SDP_RECVONLY), media, NULL, &restrictions))
				continue;
			sdp_build_rid(&a->b, media, one.rid, e->paused || one.paused, SDP_SENDONLY, restrictions, &list);
			break;
		}
	}
	sdp_build_simulcast(&a->b, &list, &media->simulcast.send);
}

static void write_simulcast(struct answerer *a, const struct sdp_media *offered, struct sdp_media *media)
{
	const struct sdp_wish *wish = &a->b.local->wishes[offered->index];

	if (!has_extension(media, SDP_EXT_RID))
		return;
	if (wish->receive_simulcast && (media->direction & SDP_RECVONLY) && list_fits(offered->simulcast.send))
		write_receive_layers(a, offered, media);
	if ((media->direction & SDP_SENDONLY) && list_fits(offered->simulcast.recv))
		write_send_layers(a, offered, media);
}

static void write_rtp(struct answerer *a, const struct sdp_media *offered, struct sdp_media *media)
{
	const struct sdp_wish *wish = &a->b.local->wishes[offered->index];

	write_extensions(a, offered, media);
	media->extmap_allow_mixed = offered->extmap_allow_mixed;
	media->direction_given = true;
	media->direction = sdp_direction_reverse(sdp_media_direction(a->offer, offered)) & wish->direction;
	media->rtcp_mux = true;
	media->rtcp_rsize = offered->rtcp_rsize;
	write_codecs(a, offered, media);
	write_simulcast(a, offered, media);
	sdp_build_streams(&a->b, media, wish);
}

static void write_section(struct answerer *a, const struct sdp_media *offered)
{
	const struct sdp_media *tag = a->tags[offered->index];
	struct sdp_media *media;

	if (!a->choices[offered->index].accepted) {
		sdp_build_rejected(&a->b, offered, offered->mid);
		return;
	}
	media = sdp_build_media(&a->b, offered->kind, offered->kind_text, offered->proto, offered->mid);
	if (!media)
		return;
	sdp_build_transport(&a->b, media, transport_of(a, tag), a->setups[tag->index], offered == tag);
	if (offered->kind == SDP_APPLICATION)
		sdp_build_sctp(&a->b, media,
			       offered->protocol == SDP_PROTO_SCTP_LEGACY ? offered->sctpmap.app : offered->formats[0]);
	else
		write_rtp(a, offered, media);
}

/* RFC 9143 7.3: the tag first, then the accepted members in the order of the offer. */
static void write_group(struct answerer *a, const struct sdp_group *offered)
{
	struct sdp_group *group = first_accepted(a, offered) ? sdp_add_group(a->b.out) : NULL;

	if (!first_accepted(a, offered))
		return;
	if (!group) {
		a->b.failed = true;
		return;
	}
	group->semantics = STR("BUNDLE");
	for (size_t i = 0; i < offered->mid_count; i++) {
		const struct sdp_media *media = sdp_media_by_mid(a->offer, offered->mids[i]);

		if (media && a->choices[media->index].accepted && sdp_bundle_of(a->offer, media->mid) == offered &&
		    !sdp_group_has(group, media->mid) && sdp_group_add_mid(a->b.out, group, media->mid))
			a->b.failed = true;
	}
}

static void write_groups(struct answerer *a)
{
	for (size_t i = 0; i < a->offer->group_count; i++)
		if (str_equal(a->offer->groups[i].semantics, STR("BUNDLE")))
			write_group(a, &a->offer->groups[i]);
}

/* RFC 4145 4.1, RFC 5763 5, R17: the opposite of what is offered on the section that our group puts first. */
static wlk_err choose_setup(struct answerer *a, const struct sdp_media *tag, struct sdp_error *err)
{
	const struct sdp_group *group = sdp_bundle_of(a->b.out, tag->mid);
	const struct sdp_media *lines = group ? sdp_transport_media(a->offer, group) : tag;
	enum sdp_setup *setup = &a->setups[tag->index];

	switch (sdp_media_setup(a->offer, lines)) {
	case SDP_SETUP_ACTIVE:
		*setup = SDP_SETUP_PASSIVE;
		return WLK_OK;
	case SDP_SETUP_PASSIVE:
		*setup = SDP_SETUP_ACTIVE;
		return WLK_OK;
	case SDP_SETUP_HOLDCONN:
		return sdp_fail(err, WLK_ERR_NEGOTIATION, lines->line, "setup:holdconn cannot be answered");
	default:
		*setup = transport_of(a, tag)->setup == SDP_SETUP_PASSIVE ? SDP_SETUP_PASSIVE : SDP_SETUP_ACTIVE;
		return WLK_OK;
	}
}

wlk_err sdp_make_answer(struct sdp_session **out, const struct sdp_session *offer, const struct sdp_local *local,
			struct sdp_error *err)
{
	struct answerer a = { .b = { .local = local }, .offer = offer, .caps = local->capabilities };
	wlk_err code = sdp_build_check(local, false, err);

	if (code)
		return code;
	choose(&a);
	code = sdp_session_create(&a.b.out);
	if (code)
		return sdp_fail(err, code, 0, "out of memory");
	sdp_build_session(&a.b);
	a.b.out->extmap_allow_mixed = offer->extmap_allow_mixed;
	write_groups(&a);
	for (size_t i = 0; i < offer->media_count && !code; i++)
		if (a.tags[i] == offer->media[i])
			code = choose_setup(&a, a.tags[i], err);
	for (size_t i = 0; i < offer->media_count && !code; i++)
		write_section(&a, offer->media[i]);
	if (!code && a.b.failed)
		code = sdp_fail(err, WLK_ERR_NOMEM, 0, "out of memory");
	if (code) {
		sdp_session_destroy(a.b.out);
		return code;
	}
	*out = a.b.out;
	return WLK_OK;
}
