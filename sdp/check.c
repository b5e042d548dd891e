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
	const struct sdp_media *found = first_of_group(session, group);

	if (!found)
		found = first_of_group(session, sdp_bundle(session));
	for (size_t i = 0; i < session->media_count && !found; i++)
		if (!sdp_media_rejected(session->media[i]))
			found = session->media[i];
	return found;
}

const struct sdp_media *sdp_answered_transport(const struct sdp_session *described, const struct sdp_session *answer)
{
	const struct sdp_group *group = sdp_bundle(answer);

	for (size_t i = 0; i < answer->media_count && i < described->media_count; i++) {
		if (sdp_media_rejected(answer->media[i]))
			continue;
		return group && group->mid_count ? sdp_transport_media(described, group) : described->media[i];
	}
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

static wlk_err check_mids(const struct sdp_session *session, struct sdp_error *err)
{
	const struct sdp_group *group = sdp_bundle(session);

	for (size_t i = 0; i < session->media_count; i++)
		if (session->media[i]->mid.size &&
		    sdp_media_by_mid(session, session->media[i]->mid) != session->media[i])
			return REFUSE(err, session->media[i], "mid \"%.*s\" is used twice",
				      SHOWN(session->media[i]->mid));
	for (size_t i = 0; group && i < group->mid_count; i++)
		if (!sdp_media_by_mid(session, group->mids[i]))
			return sdp_fail(err, WLK_ERR_NEGOTIATION, 0,
					"the BUNDLE group names \"%.*s\", which no section has", SHOWN(group->mids[i]));
	return WLK_OK;
}

static wlk_err check_section(const struct sdp_session *session, const struct sdp_media *media, struct sdp_error *err)
{
	const struct sdp_group *group = sdp_bundle(session);
	wlk_err code;

	if (media->protocol == SDP_PROTO_RTP && !media->rtcp_mux)
		return REFUSE(err, media, "RTP without rtcp-mux");
	if (sdp_media_setup(session, media) == SDP_SETUP_HOLDCONN)
		return REFUSE(err, media, "setup:holdconn cannot be answered");
	code = check_extensions(session, media, err);
	/* Bundled sections may leave the transport to the one that carries it (RFC 9143 7.1.3). */
	if (code || (group && sdp_group_has(group, media->mid) && media != sdp_transport_media(session, NULL) &&
		     !carries_transport(session, media)))
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

/* RFC 4145 4.1 and R17. An answer without a=setup counts as active. */
static wlk_err check_setup(const struct sdp_session *offer, const struct sdp_session *answer, struct sdp_error *err)
{
	const struct sdp_media *offered = sdp_answered_transport(offer, answer);
	const struct sdp_media *media = sdp_answered_transport(answer, answer);
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

/* One transport for everything that is accepted, and nothing else in the group (RFC 9143 7.3). */
static wlk_err check_bundle(const struct sdp_session *offer, const struct sdp_session *answer, struct sdp_error *err)
{
	const struct sdp_group *offered = sdp_bundle(offer);
	const struct sdp_group *group = sdp_bundle(answer);
	size_t accepted = 0, outside = 0;

	for (size_t i = 0; group && i < group->mid_count; i++) {
		const struct sdp_media *media = sdp_media_by_mid(answer, group->mids[i]);

		if (!media || sdp_media_rejected(media))
			return sdp_fail(err, WLK_ERR_NEGOTIATION, 0, "the BUNDLE group names a rejected section");
		if (!offered || !sdp_group_has(offered, media->mid))
			return REFUSE(err, media, "a section is bundled that was not offered so");
	}
	for (size_t i = 0; i < answer->media_count; i++) {
		const struct sdp_media *media = answer->media[i];

		accepted += !sdp_media_rejected(media);
		outside += !sdp_media_rejected(media) && !(group && sdp_group_has(group, media->mid));
	}
	if (accepted > 1 && outside)
		return sdp_fail(err, WLK_ERR_NEGOTIATION, 0, "the answer does not bundle all accepted sections");
	return WLK_OK;
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
	return code ? code : check_setup(offer, answer, err);
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

wlk_err sdp_check_update(const struct sdp_session *previous, const struct sdp_session *next, bool next_is_answer,
			 bool local_restarted, struct sdp_update *out, struct sdp_error *err)
{
	const struct sdp_media *before = sdp_transport_media(previous, NULL);
	const struct sdp_media *after = sdp_transport_media(next, NULL);
	struct sdp_update update = { 0 };

	if (before && after) {
		struct sdp_ice old = sdp_media_ice(previous, before);
		struct sdp_ice new = sdp_media_ice(next, after);

		update.ice_restart = !str_equal(old.ufrag, new.ufrag) || !str_equal(old.pwd, new.pwd);
		update.fingerprint_changed = !same_fingerprints(previous, before, next, after);
	}
	if (update.ice_restart && next_is_answer && !local_restarted)
		return REFUSE(err, after, "the answer changes the ICE credentials without a restart");
	if (before && after && !update.ice_restart && next_is_answer && local_restarted)
		return REFUSE(err, after, "the ICE restart is not answered with new credentials");
	if (update.fingerprint_changed && !update.ice_restart)
		return REFUSE(err, after, "the fingerprint changes without an ICE restart");
	*out = update;
	return WLK_OK;
}
