/* Is a description one that can be worked with, does an answer fit its offer, what did a new description change? */
#include "sdp/attr.h"
#include "sdp/match.h"
#include "sdp/negotiate.h"

#define REFUSE(err, media, ...) sdp_fail(err, WLK_ERR_NEGOTIATION, (media)->line, __VA_ARGS__)

/* For messages */
#define SHOWN(s) (int)MIN((s).size, (size_t)40), (s).at ? (s).at : ""

/* All lines of a transport stand in this section or above it. */
static bool carries_transport(const struct sdp_session *session, const struct sdp_media *media)
{
	struct sdp_ice ice = sdp_media_ice(session, media);
	size_t fingerprints;

	(void)sdp_media_fingerprints(session, media, &fingerprints);
	return !sdp_media_rejected(media) && ice.ufrag.size && ice.pwd.size && fingerprints;
}

static const struct sdp_media *first_of_group(const struct sdp_session *session, const struct sdp_group *group)
{
	for (size_t i = 0; group && i < group->mid_count; i++) {
		const struct sdp_media *media = sdp_media_by_mid(session, group->mids[i]);

		if (media && carries_transport(session, media))
			return media;
	}
	return NULL;
}

const struct sdp_media *sdp_transport_media(const struct sdp_session *session, const struct sdp_group *group)
{
	const struct sdp_group *own = group && group->mid_count ? sdp_bundle_of(session, group->mids[0]) : NULL;
	const struct sdp_media *found = first_of_group(session, group);

	if (!found)
		found = first_of_group(session, own ? own : sdp_bundle(session));
	for (size_t i = 0; i < session->media_count && !found; i++)
		if (!sdp_media_rejected(session->media[i]))
			found = session->media[i];
	return found;
}

const struct sdp_media *sdp_section_transport(const struct sdp_session *described, const struct sdp_session *answer, size_t index)
{
	const struct sdp_group *group;

	if (index >= answer->media_count || index >= described->media_count || sdp_media_rejected(answer->media[index]))
		return NULL;
	group = sdp_bundle_of(answer, answer->media[index]->mid);
	return group ? sdp_transport_media(described, group) : described->media[index];
}

const struct sdp_media *sdp_answered_transport(const struct sdp_session *described, const struct sdp_session *answer)
{
	for (size_t i = 0; i < answer->media_count && i < described->media_count; i++)
		if (!sdp_media_rejected(answer->media[i]))
			return sdp_section_transport(described, answer, i);
	return NULL;
}

/* Length limits of RFC 8839 5.4; the alphabet is not enforced on others, some of which write "-" and "_". */
static wlk_err check_ice(const struct sdp_session *session, const struct sdp_media *media, struct sdp_error *err)
{
	struct sdp_ice ice = sdp_media_ice(session, media);

	if (!ice.ufrag.size || !ice.pwd.size)
		return REFUSE(err, media, "no ice-ufrag or no ice-pwd");
	if (ice.ufrag.size < 4 || ice.ufrag.size > 256 || !sdp_is_word(ice.ufrag))
		return REFUSE(err, media, "malformed ice-ufrag");
	if (ice.pwd.size < 22 || ice.pwd.size > 256 || !sdp_is_word(ice.pwd))
		return REFUSE(err, media, "malformed ice-pwd");
	return WLK_OK;
}

static wlk_err check_fingerprints(const struct sdp_session *session, const struct sdp_media *media,
				  struct sdp_error *err)
{
	size_t count;
	const struct sdp_fingerprint *list = sdp_media_fingerprints(session, media, &count);

	if (!count)
		return REFUSE(err, media, "no fingerprint");
	for (size_t i = 0; i < count; i++)
		if (sdp_fingerprint_acceptable(&list[i]))
			return WLK_OK;
	return REFUSE(err, media, "no fingerprint of sha-256, sha-384 or sha-512");
}

/* The same id for two extensions in one section tells nobody which is meant. */
static wlk_err check_extensions(const struct sdp_session *session, const struct sdp_media *media, struct sdp_error *err)
{
	const struct sdp_extmap *seen[256] = { NULL };
	const struct sdp_extmap *map;

	for (size_t i = 0; (map = sdp_media_extmap(session, media, i)); i++) {
		if (map->id >= ARRAY_SIZE(seen))
			continue;
		if (seen[map->id] && !str_equal(seen[map->id]->uri, map->uri))
			return REFUSE(err, media, "extension id %u is used twice", (unsigned)map->id);
		seen[map->id] = map;
	}
	return WLK_OK;
}

static wlk_err check_groups(const struct sdp_session *session, struct sdp_error *err)
{
	for (size_t g = 0; g < session->group_count; g++) {
		const struct sdp_group *group = &session->groups[g];

		if (!str_equal(group->semantics, STR("BUNDLE")))
			continue;
		for (size_t i = 0; i < group->mid_count; i++) {
			if (!sdp_media_by_mid(session, group->mids[i]))
				return sdp_fail(err, WLK_ERR_NEGOTIATION, 0, "the BUNDLE group names \"%.*s\", which no section has",
						SHOWN(group->mids[i]));
			if (sdp_bundle_of(session, group->mids[i]) != group)
				return sdp_fail(err, WLK_ERR_NEGOTIATION, 0, "\"%.*s\" is in two BUNDLE groups", SHOWN(group->mids[i]));
		}
	}
	return WLK_OK;
}

static wlk_err check_mids(const struct sdp_session *session, struct sdp_error *err)
{
	for (size_t i = 0; i < session->media_count; i++)
		if (session->media[i]->mid.size &&
		    sdp_media_by_mid(session, session->media[i]->mid) != session->media[i])
			return REFUSE(err, session->media[i], "mid \"%.*s\" is used twice",
				      SHOWN(session->media[i]->mid));
	return check_groups(session, err);
}

static wlk_err check_section(const struct sdp_session *session, const struct sdp_media *media, struct sdp_error *err)
{
	const struct sdp_group *group = sdp_bundle_of(session, media->mid);
	wlk_err code;

	if (media->protocol == SDP_PROTO_RTP && !media->rtcp_mux)
		return REFUSE(err, media, "RTP without rtcp-mux");
	if (sdp_media_setup(session, media) == SDP_SETUP_HOLDCONN)
		return REFUSE(err, media, "setup:holdconn cannot be answered");
	code = check_extensions(session, media, err);
	/* Bundled sections may leave the transport to the one that carries it (RFC 9143 7.1.3). */
	if (code || (group && media != sdp_transport_media(session, group) && !carries_transport(session, media)))
		return code;
	code = check_fingerprints(session, media, err);
	return code ? code : check_ice(session, media, err);
}

wlk_err sdp_check_offer(const struct sdp_session *offer, struct sdp_error *err)
{
	wlk_err code = check_mids(offer, err);

	for (size_t i = 0; i < offer->media_count && !code; i++)
		if (!sdp_media_rejected(offer->media[i]))
			code = check_section(offer, offer->media[i], err);
	return code;
}

/* --- the answer against its offer --- */

static wlk_err check_same_line(const struct sdp_media *offered, const struct sdp_media *media, struct sdp_error *err)
{
	if (!str_equal_nocase(offered->kind_text, media->kind_text))
		return REFUSE(err, media, "m-line %zu answers another kind of media", media->index);
	if (!str_equal_nocase(offered->proto, media->proto))
		return REFUSE(err, media, "m-line %zu answers another protocol", media->index);
	if (!str_equal(offered->mid, media->mid))
		return REFUSE(err, media, "m-line %zu answers another mid", media->index);
	if (sdp_media_rejected(offered) && !sdp_media_rejected(media))
		return REFUSE(err, media, "m-line %zu was offered with port 0", media->index);
	return WLK_OK;
}

/* RFC 4145 4.1 and R17, for the transport of one section. An answer without a=setup counts as active. */
static wlk_err check_setup(const struct sdp_session *offer, const struct sdp_session *answer, size_t index, struct sdp_error *err)
{
	const struct sdp_media *offered = sdp_section_transport(offer, answer, index);
	const struct sdp_media *media = sdp_section_transport(answer, answer, index);
	enum sdp_setup asked, said;

	if (!offered || !media)
		return WLK_OK;
	asked = sdp_media_setup(offer, offered);
	said = sdp_media_setup(answer, media);
	if (said == SDP_SETUP_NONE)
		said = SDP_SETUP_ACTIVE;
	if (said != SDP_SETUP_ACTIVE && said != SDP_SETUP_PASSIVE)
		return REFUSE(err, media, "an answer says setup:active or setup:passive");
	if (asked == said)
		return REFUSE(err, media, "offer and answer both say setup:%s", sdp_setup_name(said));
	return WLK_OK;
}

static wlk_err check_codecs(const struct sdp_media *offered, const struct sdp_media *media, struct sdp_error *err)
{
	for (size_t i = 0; i < media->codec_count; i++) {
		const struct sdp_codec *codec = &media->codecs[i];
		const struct sdp_codec *asked = sdp_codec_by_type(offered, codec->payload_type);

		if (!asked)
			return REFUSE(err, media, "payload type %u was not offered", codec->payload_type);
		if (codec->name.size && asked->name.size &&
		    (!str_equal_nocase(codec->name, asked->name) || codec->clock_hz != asked->clock_hz))
			return REFUSE(err, media, "payload type %u was offered as another codec", codec->payload_type);
	}
	return WLK_OK;
}

static wlk_err check_extension_ids(const struct sdp_session *offer, const struct sdp_media *offered,
				   const struct sdp_session *answer, const struct sdp_media *media,
				   struct sdp_error *err)
{
	const struct sdp_extmap *asked[256] = { NULL };
	const struct sdp_extmap *map;

	for (size_t i = 0; (map = sdp_media_extmap(offer, offered, i)); i++)
		if (map->id < ARRAY_SIZE(asked))
			asked[map->id] = map;
	for (size_t i = 0; (map = sdp_media_extmap(answer, media, i)); i++)
		if (map->id < ARRAY_SIZE(asked) && asked[map->id] && !str_equal(asked[map->id]->uri, map->uri))
			return REFUSE(err, media, "extension id %u was offered for another extension",
				      (unsigned)map->id);
	return WLK_OK;
}

static wlk_err check_answered(const struct sdp_session *offer, const struct sdp_media *offered,
			      const struct sdp_session *answer, const struct sdp_media *media, struct sdp_error *err)
{
	wlk_err code = check_codecs(offered, media, err);

	return code ? code : check_extension_ids(offer, offered, answer, media, err);
}

/* Whether two sections were offered with the lines of one transport. */
static bool offered_as_one(const struct sdp_session *offer, size_t i, size_t k)
{
	struct sdp_ice a = sdp_media_ice(offer, offer->media[i]), b = sdp_media_ice(offer, offer->media[k]);

	return !a.ufrag.size || !b.ufrag.size || str_equal(a.ufrag, b.ufrag);
}

/* What the answer takes apart must have been offered apart (RFC 9143 7.3.3). */
static wlk_err check_apart(const struct sdp_session *offer, const struct sdp_session *answer, size_t index, struct sdp_error *err)
{
	const struct sdp_media *media = answer->media[index];
	const struct sdp_media *lines = sdp_section_transport(answer, answer, index);

	if (!lines)
		return WLK_OK;
	if (!sdp_bundle_of(answer, media->mid) && offer->media[index]->bundle_only)
		return REFUSE(err, media, "the answer does not bundle a section that was offered bundle-only");
	for (size_t k = 0; k < index; k++) {
		const struct sdp_media *other = sdp_section_transport(answer, answer, k);

		if (other && other != lines && offered_as_one(offer, index, k))
			return REFUSE(err, media, "the answer does not bundle all sections that were offered with one transport");
	}
	return WLK_OK;
}

/* No rejected or foreign section in a group, and none taken out of one that it cannot do without (RFC 9143 7.3). */
static wlk_err check_bundle(const struct sdp_session *offer, const struct sdp_session *answer, struct sdp_error *err)
{
	wlk_err code = WLK_OK;

	for (size_t i = 0; i < answer->media_count; i++) {
		const struct sdp_media *media = answer->media[i];
		const struct sdp_group *group = sdp_bundle_of(answer, media->mid);
		const struct sdp_group *offered = sdp_bundle_of(offer, media->mid);

		if (!group)
			continue;
		if (sdp_media_rejected(media))
			return sdp_fail(err, WLK_ERR_NEGOTIATION, 0, "the BUNDLE group names a rejected section");
		if (!offered || sdp_bundle_of(offer, group->mids[0]) != offered)
			return REFUSE(err, media, "a section is bundled that was not offered so");
	}
	for (size_t i = 0; i < answer->media_count && !code; i++)
		code = check_apart(offer, answer, i, err);
	return code;
}

wlk_err sdp_check_answer(const struct sdp_session *offer, const struct sdp_session *answer, struct sdp_error *err)
{
	wlk_err code;

	if (offer->media_count != answer->media_count)
		return sdp_fail(err, WLK_ERR_NEGOTIATION, 0, "%zu m-lines answer an offer of %zu", answer->media_count,
				offer->media_count);
	code = sdp_check_offer(answer, err);
	for (size_t i = 0; i < answer->media_count && !code; i++) {
		code = check_same_line(offer->media[i], answer->media[i], err);
		if (!code && !sdp_media_rejected(answer->media[i]))
			code = check_answered(offer, offer->media[i], answer, answer->media[i], err);
	}
	if (!code)
		code = check_bundle(offer, answer, err);
	for (size_t i = 0; i < answer->media_count && !code; i++)
		code = check_setup(offer, answer, i, err);
	return code;
}

/* --- a new remote description --- */

static bool has_fingerprint(const struct sdp_fingerprint *list, size_t count, const struct sdp_fingerprint *fp)
{
	for (size_t i = 0; i < count; i++)
		if (sdp_fingerprint_equal(&list[i], fp))
			return true;
	return false;
}

static bool same_fingerprints(const struct sdp_session *a, const struct sdp_media *am, const struct sdp_session *b,
			      const struct sdp_media *bm)
{
	size_t a_count, b_count;
	const struct sdp_fingerprint *al = sdp_media_fingerprints(a, am, &a_count);
	const struct sdp_fingerprint *bl = sdp_media_fingerprints(b, bm, &b_count);

	for (size_t i = 0; i < a_count; i++)
		if (!has_fingerprint(bl, b_count, &al[i]))
			return false;
	for (size_t i = 0; i < b_count; i++)
		if (!has_fingerprint(al, a_count, &bl[i]))
			return false;
	return true;
}

/* Whose lines count for a section of a description by itself. */
static const struct sdp_media *own_transport(const struct sdp_session *session, size_t index)
{
	return index < session->media_count ? sdp_section_transport(session, session, index) : NULL;
}

static bool same_credentials(const struct sdp_session *a, const struct sdp_media *am, const struct sdp_session *b,
			     const struct sdp_media *bm)
{
	struct sdp_ice x = sdp_media_ice(a, am), y = sdp_media_ice(b, bm);

	return str_equal(x.ufrag, y.ufrag) && str_equal(x.pwd, y.pwd);
}

/* The lines of |session| that have the ICE credentials of |media|, which stands in |of|; those of section |index| first. NULL: none. */
static const struct sdp_media *find_credentials(const struct sdp_session *session, size_t index, const struct sdp_session *of,
						const struct sdp_media *media)
{
	const struct sdp_media *own = own_transport(session, index);

	if (own && same_credentials(session, own, of, media))
		return own;
	for (size_t i = 0; i < session->media_count; i++) {
		const struct sdp_media *lines = own_transport(session, i);

		if (lines && same_credentials(session, lines, of, media))
			return lines;
	}
	return NULL;
}

/*
 * A section that joins a BUNDLE group, or leaves one, has other lines than before without a restart: the transport of the new lines
 * was there already, or that of the old ones is there still (RFC 9143 7.5).
 */
static wlk_err check_section_update(const struct sdp_session *previous, const struct sdp_session *next, size_t index, bool next_is_answer,
				    bool local_restarted, struct sdp_update *update, struct sdp_error *err)
{
	const struct sdp_media *before = own_transport(previous, index);
	const struct sdp_media *after = own_transport(next, index);
	const struct sdp_media *kept;
	bool restart;

	if (!before || !after)
		return WLK_OK;
	kept = find_credentials(previous, index, next, after);
	restart = !kept && !find_credentials(next, index, previous, before);
	if (restart && next_is_answer && !local_restarted)
		return REFUSE(err, after, "the answer changes the ICE credentials without a restart");
	if (kept && next_is_answer && local_restarted)
		return REFUSE(err, after, "the ICE restart is not answered with new credentials");
	if (kept && !same_fingerprints(previous, kept, next, after))
		return REFUSE(err, after, "the fingerprint changes without an ICE restart");
	update->restarts[index] = restart;
	update->ice_restart |= restart;
	update->new_fingerprint[index] = restart && !same_fingerprints(previous, before, next, after);
	update->fingerprint_changed |= update->new_fingerprint[index];
	return WLK_OK;
}

wlk_err sdp_check_update(const struct sdp_session *previous, const struct sdp_session *next, bool next_is_answer,
			 bool local_restarted, struct sdp_update *out, struct sdp_error *err)
{
	struct sdp_update update = { 0 };
	wlk_err code = WLK_OK;

	for (size_t i = 0; i < next->media_count && !code; i++)
		code = check_section_update(previous, next, i, next_is_answer, local_restarted, &update, err);
	if (!code)
		*out = update;
	return code;
}
