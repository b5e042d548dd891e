/* [[SendEncodings]]: how they come from the application, what descriptions make of them, and how they are sent. */
#include <string.h>

#include "peer/object.h"
#include "peer/rid_limits.h"
#include "sdp/attr.h"
#include "sdp/match.h"

/* webrtc-svc 6: L is spatial with prediction, S without, h a ratio of 1.5:1. */
static const char *const scalability_modes[] = {
	"L1T1", "L1T2", "L1T3", "L2T1", "L2T2", "L2T3", "L3T1", "L3T2", "L3T3", "L2T1h", "L2T2h", "L2T3h", "L3T1h", "L3T2h",
	"L3T3h", "S2T1", "S2T2", "S2T3", "S2T1h", "S2T2h", "S2T3h", "S3T1", "S3T2", "S3T3", "S3T1h", "S3T2h", "S3T3h", "L2T1_KEY",
	"L2T2_KEY", "L2T2_KEY_SHIFT", "L2T3_KEY", "L2T3_KEY_SHIFT", "L3T1_KEY", "L3T2_KEY", "L3T2_KEY_SHIFT", "L3T3_KEY",
	"L3T3_KEY_SHIFT",
};

const char *peer_scalability_mode(const char *mode)
{
	for (size_t i = 0; i < ARRAY_SIZE(scalability_modes); i++)
		if (!strcmp(scalability_modes[i], mode))
			return scalability_modes[i];
	return NULL;
}

/* Spatial layers in one stream are for VP9 and AV1; all video codecs know temporal ones. */
bool peer_codec_scales(struct str codec, const char *mode)
{
	bool spatial = !str_starts(str_of(mode), STR("L1"));

	if (sdp_codec_is_auxiliary(codec))
		return false;
	return !spatial || str_equal_nocase(codec, STR("VP9")) || str_equal_nocase(codec, STR("AV1"));
}

static struct peer_encoding default_encoding(void)
{
	return (struct peer_encoding){
		.active = true,
		.scale = 1.0,
		.codec = -1,
		.priority = WLK_PRIORITY_LOW,
		.network_priority = WLK_PRIORITY_LOW,
	};
}

static wlk_err pick_ssrcs(const struct wlk_transceiver *t, struct peer_encoding *e)
{
	struct media_engine *media = peer_transceiver_media(t);
	wlk_err err = media_engine_pick_ssrc(media, &e->ssrc);

	if (!err && t->kind == WLK_MEDIA_VIDEO)
		err = media_engine_pick_ssrc(media, &e->rtx_ssrc);
	return err;
}

wlk_err peer_encodings_init(struct wlk_transceiver *t)
{
	t->sender.encodings[0] = default_encoding();
	t->sender.encoding_count = 1;
	return pick_ssrcs(t, &t->sender.encodings[0]);
}

/* ---- from the application ---- */

static wlk_err check_rids(wlk_peer_connection *pc, const wlk_rtp_encoding *encodings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct str rid = str_of(encodings[i].rid);

		if (!encodings[i].rid != !encodings[0].rid || (count > 1 && !encodings[i].rid))
			return peer_fail(pc, WLK_ERR_INVALID, "of several encodings each needs a rid");
		if (encodings[i].rid && (!sdp_is_rid(rid) || rid.size > PEER_RID_MAX))
			return peer_fail(pc, WLK_ERR_INVALID, "a rid is 1 to %d letters, digits, \"-\" and \"_\"", PEER_RID_MAX);
		for (size_t k = 0; encodings[i].rid && k < i; k++)
			if (!strcmp(encodings[k].rid, encodings[i].rid))
				return peer_fail(pc, WLK_ERR_INVALID, "two encodings have the rid %s", encodings[i].rid);
	}
	return WLK_OK;
}

/* RFC 6184 8.2.2 and its kin: levels may differ. */
static bool is_agreed_codec(const struct sdp_codec_capability *cap, const struct sdp_agreed_codec *agreed)
{
	const struct sdp_codec codec = {
		.name = agreed->name,
		.clock_hz = agreed->clock_hz,
		.channels = agreed->channels,
		.fmtp = agreed->remote_fmtp,
	};

	return sdp_codec_matches(cap, &codec);
}

/* A codec of sender.getParameters().codecs, as an index into the capabilities; -1: not one of them. */
static int find_negotiated(const wlk_peer_connection *pc, enum sdp_kind kind, const struct sdp_agreed_section *section,
			   const wlk_rtp_codec *codec)
{
	for (size_t i = 0; i < section->codec_count; i++) {
		const struct sdp_agreed_codec *agreed = &section->codecs[i];

		if (!codec->mime_type || !peer_mime_is(codec->mime_type, kind, agreed->name) ||
		    agreed->clock_hz != codec->clock_rate || agreed->channels != MAX(codec->channels, 1u) ||
		    !str_equal(agreed->remote_fmtp, str_of(codec->sdp_fmtp_line)))
			continue;
		for (size_t c = 0; c < pc->capabilities.codec_count; c++)
			if (pc->capabilities.codecs[c].kind == kind && is_agreed_codec(&pc->capabilities.codecs[c], agreed))
				return (int)c;
	}
	return -1;
}

/* Among what was negotiated once there is something, else among the capabilities; what carries no media is none. */
static int resolve_codec(const wlk_peer_connection *pc, wlk_media_kind kind, const struct sdp_agreed_section *section,
			 const wlk_rtp_codec *codec)
{
	enum sdp_kind sdp = kind == WLK_MEDIA_VIDEO ? SDP_VIDEO : SDP_AUDIO;
	int index = -1;

	if (section)
		index = find_negotiated(pc, sdp, section, codec);
	else
		index = peer_find_codec(&pc->capabilities, sdp, codec);
	return index >= 0 && !sdp_codec_is_auxiliary(pc->capabilities.codecs[index].name) ? index : -1;
}

static bool codec_scales(const wlk_peer_connection *pc, const struct sdp_agreed_section *section, int codec, const char *mode)
{
	const struct sdp_capabilities *caps = &pc->capabilities;

	if (!peer_scalability_mode(mode))
		return false;
	if (codec >= 0)
		return peer_codec_scales(caps->codecs[codec].name, mode);
	for (size_t i = 0; section && i < section->codec_count; i++)
		if (peer_codec_scales(section->codecs[i].name, mode))
			return true;
	for (size_t i = 0; !section && i < caps->codec_count; i++)
		if (caps->codecs[i].enabled && caps->codecs[i].kind == SDP_VIDEO && peer_codec_scales(caps->codecs[i].name, mode))
			return true;
	return false;
}

wlk_err peer_encoding_check(wlk_peer_connection *pc, wlk_media_kind kind, const struct sdp_agreed_section *section,
			    const wlk_rtp_encoding *e)
{
	bool video = kind == WLK_MEDIA_VIDEO;
	int codec = -1;

	/* Written so that what is not a number fails too. */
	if (video && e->has_scale_resolution_down_by && !(e->scale_resolution_down_by >= 1.0))
		return peer_fail_as(pc, WLK_ERR_INVALID, "RangeError", "scale_resolution_down_by is at least 1");
	if (video && e->has_max_framerate && !(e->max_framerate >= 0.0))
		return peer_fail_as(pc, WLK_ERR_INVALID, "RangeError", "max_framerate is at least 0");
	if (e->priority < WLK_PRIORITY_VERY_LOW || e->priority > WLK_PRIORITY_HIGH ||
	    e->network_priority < WLK_PRIORITY_VERY_LOW || e->network_priority > WLK_PRIORITY_HIGH)
		return peer_fail(pc, WLK_ERR_INVALID, "no such priority");
	if (e->codec) {
		codec = resolve_codec(pc, kind, section, e->codec);
		if (codec < 0 && section)
			return peer_fail(pc, WLK_ERR_NEGOTIATION, "the codec of an encoding is not among the negotiated ones");
		if (codec < 0)
			return peer_fail_as(pc, WLK_ERR_UNSUPPORTED, "OperationError",
					    "the codec of an encoding is not among the capabilities");
	}
	if (video && e->scalability_mode && !codec_scales(pc, section, codec, e->scalability_mode))
		return peer_fail_as(pc, WLK_ERR_UNSUPPORTED, "OperationError", "no codec here has the scalability mode");
	return WLK_OK;
}

wlk_err peer_encodings_check(wlk_peer_connection *pc, wlk_media_kind kind, const wlk_rtp_encoding *encodings, size_t count)
{
	wlk_err err;

	if (count && !encodings)
		return peer_fail(pc, WLK_ERR_INVALID, "the encodings are missing");
	err = check_rids(pc, encodings, count);
	for (size_t i = 0; !err && i < count; i++)
		err = peer_encoding_check(pc, kind, NULL, &encodings[i]);
	return err;
}

void peer_encoding_take(const struct wlk_transceiver *t, const struct sdp_agreed_section *section, struct peer_encoding *to,
			const wlk_rtp_encoding *from)
{
	bool video = t->kind == WLK_MEDIA_VIDEO;

	to->active = from->active;
	to->has_max_bitrate = from->has_max_bitrate;
	to->max_bitrate = from->has_max_bitrate ? from->max_bitrate : 0;
	to->adaptive_ptime = from->adaptive_ptime;
	to->priority = from->priority;
	to->network_priority = from->network_priority;
	to->codec = from->codec ? resolve_codec(t->pc, t->kind, section, from->codec) : -1;
	if (!video)
		return;
	to->has_max_framerate = from->has_max_framerate;
	to->max_framerate = from->has_max_framerate ? from->max_framerate : 0;
	to->scale = from->has_scale_resolution_down_by ? from->scale_resolution_down_by : 1.0;
	to->scalability_mode = from->scalability_mode ? peer_scalability_mode(from->scalability_mode) : NULL;
}

/* W3C webrtc-pc 4.4.1: 2^(n-1) ... 4, 2, 1 where no encoding says how it is scaled. */
static void default_scales(struct peer_encoding *encodings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		encodings[i].scale = (double)(1u << (count - 1 - i));
}

wlk_err peer_encodings_set(struct wlk_transceiver *t, const wlk_rtp_encoding *from, size_t count)
{
	size_t kept = MIN(count, t->kind == WLK_MEDIA_AUDIO ? (size_t)1 : (size_t)WLK_RTP_ENCODINGS_MAX);
	struct peer_encoding encodings[WLK_RTP_ENCODINGS_MAX];
	bool scaled = false;

	for (size_t i = 0; i < kept; i++) {
		encodings[i] = default_encoding();
		peer_encoding_take(t, NULL, &encodings[i], &from[i]);
		if (from[i].rid)
			memcpy(encodings[i].rid, from[i].rid, strlen(from[i].rid) + 1);
		scaled = scaled || from[i].has_scale_resolution_down_by;
		encodings[i].ssrc = t->sender.encodings[0].ssrc;
		encodings[i].rtx_ssrc = t->sender.encodings[0].rtx_ssrc;
		if (i && pick_ssrcs(t, &encodings[i]))
			return WLK_ERR_CRYPTO;
	}
	if (t->kind == WLK_MEDIA_VIDEO && !scaled)
		default_scales(encodings, kept);
	if (kept == 1)
		encodings[0].rid[0] = '\0';
	memcpy(t->sender.encodings, encodings, kept * sizeof(encodings[0]));
	t->sender.encoding_count = kept;
	return WLK_OK;
}

size_t peer_encoding_by_rid(const struct wlk_transceiver *t, const char *rid)
{
	if (!rid)
		return 0;
	for (size_t i = 0; i < t->sender.encoding_count; i++)
		if (!strcmp(t->sender.encodings[i].rid, rid))
			return i;
	return SIZE_MAX;
}

uint32_t wlk_rtp_sender_encoding_ssrc(const wlk_rtp_sender *sender, size_t index)
{
	return index < sender->encoding_count ? sender->encodings[index].ssrc : 0;
}

/* ---- into descriptions, and out of them ---- */

size_t peer_encodings_wish(const struct wlk_transceiver *t, struct sdp_encoding out[WLK_RTP_ENCODINGS_MAX])
{
	const struct wlk_rtp_sender *sender = &t->sender;
	bool simulcast = sender->encoding_count > 1;

	for (size_t i = 0; i < sender->encoding_count; i++) {
		const struct peer_encoding *e = &sender->encodings[i];

		out[i] = (struct sdp_encoding){
			.ssrc = e->ssrc,
			.rtx_ssrc = e->rtx_ssrc,
			.rid = simulcast ? str_of(e->rid) : STR(""),
			.paused = simulcast && !e->active,
		};
	}
	return sender->encoding_count;
}

static const struct sdp_agreed_rid *find_agreed(const struct sdp_agreed_section *section, const char *rid)
{
	for (size_t i = 0; i < section->send_rid_count; i++)
		if (str_equal(section->send_rids[i].rid, str_of(rid)))
			return &section->send_rids[i];
	return NULL;
}

/* Without simulcast in the answer the first encoding is the one to send. */
static bool is_agreed(const struct wlk_transceiver *t, const struct sdp_agreed_section *section, size_t i)
{
	return section->send_rid_count ? find_agreed(section, t->sender.encodings[i].rid) != NULL : i == 0;
}

size_t peer_encodings_layers(const struct wlk_transceiver *t, const struct sdp_agreed_section *section,
			     struct media_send_layer out[WLK_RTP_ENCODINGS_MAX])
{
	for (size_t i = 0; i < t->sender.encoding_count; i++) {
		const struct peer_encoding *e = &t->sender.encodings[i];
		const struct sdp_agreed_rid *agreed = find_agreed(section, e->rid);

		out[i] = (struct media_send_layer){
			.rid = agreed ? e->rid : "",
			.ssrc = e->ssrc,
			.rtx_ssrc = e->rtx_ssrc,
			.inactive = !e->active || !is_agreed(t, section, i) || (agreed && agreed->paused),
		};
	}
	return t->sender.encoding_count;
}

/* Whether encodings may be made by an offer: nobody chose any, and nothing was negotiated yet. */
static bool is_open_for_layers(const struct wlk_transceiver *t)
{
	return t->kind == WLK_MEDIA_VIDEO && t->sender.encoding_count == 1 && !peer_agreed_section(t) && !t->stopping;
}

static wlk_err propose_layers(struct wlk_transceiver *t, struct str list)
{
	struct peer_encoding encodings[WLK_RTP_ENCODINGS_MAX];
	struct sdp_simulcast_stream stream;
	size_t count = 0;

	while (count < WLK_RTP_ENCODINGS_MAX && sdp_simulcast_next(&list, &stream)) {
		struct peer_encoding *e = &encodings[count];

		if (stream.rid.size > PEER_RID_MAX)
			continue;
		*e = t->sender.encodings[0];
		memset(e->rid, 0, sizeof(e->rid));
		memcpy(e->rid, stream.rid.at, stream.rid.size);
		e->active = e->active && !stream.paused;
		if (count++ && pick_ssrcs(t, e))
			return WLK_ERR_CRYPTO;
	}
	if (count < 2)
		return WLK_OK;
	default_scales(encodings, count);
	memcpy(t->sender.encodings, encodings, count * sizeof(encodings[0]));
	t->sender.encoding_count = count;
	t->sender.proposed = true;
	return WLK_OK;
}

wlk_err peer_encodings_propose(wlk_peer_connection *pc, const struct sdp_session *offer)
{
	for (size_t i = 0; i < offer->media_count; i++) {
		struct wlk_transceiver *t = peer_transceiver_by_section(pc, i);
		wlk_err err;

		if (!t || !is_open_for_layers(t) || sdp_media_rejected(offer->media[i]))
			continue;
		err = propose_layers(t, offer->media[i]->simulcast.recv);
		if (err)
			return err;
	}
	return WLK_OK;
}

void peer_encodings_take_back(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transceivers)
	{
		struct wlk_rtp_sender *sender = &list_entry(item, struct wlk_transceiver, link)->sender;

		if (!sender->proposed)
			continue;
		sender->proposed = false;
		sender->encoding_count = 1;
		sender->encodings[0].rid[0] = '\0';
		sender->encodings[0].scale = 1.0;
	}
	peer_transactions_end(pc);
}

void peer_transactions_end(wlk_peer_connection *pc)
{
	list_for_each(item, &pc->transceivers)
		list_entry(item, struct wlk_transceiver, link)->sender.transaction_is_open = false;
}

/* Whether an encoding was dropped. */
static bool settle_layers(struct wlk_transceiver *t, const struct sdp_agreed_section *section)
{
	struct wlk_rtp_sender *sender = &t->sender;
	size_t kept = 0, before = sender->encoding_count;

	sender->proposed = false;
	if (before == 1)
		return false;
	for (size_t i = 0; i < before; i++) {
		const struct sdp_agreed_rid *agreed = find_agreed(section, sender->encodings[i].rid);

		if (!is_agreed(t, section, i))
			continue;
		sender->encodings[kept] = sender->encodings[i];
		if (agreed)
			sender->encodings[kept].active = !agreed->paused;
		kept++;
	}
	sender->encoding_count = MAX(kept, (size_t)1);
	return sender->encoding_count < before;
}

/* The codec of an encoding that is negotiated no more is unset. */
static void settle_codecs(const wlk_peer_connection *pc, struct wlk_rtp_sender *sender, const struct sdp_agreed_section *section)
{
	for (size_t i = 0; i < sender->encoding_count; i++) {
		int codec = sender->encodings[i].codec;
		bool found = false;

		for (size_t k = 0; codec >= 0 && k < section->codec_count; k++)
			found = found || is_agreed_codec(&pc->capabilities.codecs[codec], &section->codecs[k]);
		if (!found)
			sender->encodings[i].codec = -1;
	}
}

void peer_encodings_settle(wlk_peer_connection *pc)
{
	bool dropped = false, limited = false;

	list_for_each(item, &pc->transceivers)
	{
		struct wlk_transceiver *t = list_entry(item, struct wlk_transceiver, link);
		const struct sdp_agreed_section *section = peer_agreed_section(t);

		if (!section || !(section->direction & SDP_SENDONLY))
			continue;
		dropped |= settle_layers(t, section);
		settle_codecs(pc, &t->sender, section);
		for (size_t i = 0; i < t->sender.encoding_count; i++)
			limited |= peer_layer_limits(t, i).max_br > 0;
	}
	peer_transactions_end(pc);
	if (limited)
		peer_tell_bitrate_limit(pc, 0);
	/* Layers that wait in the engine send nothing: without memory to take them out they stay. */
	if (dropped && peer_configure_media(pc))
		LOG_D(pc, "dropped layers stay configured, inactive");
}
