/* getCapabilities, setCodecPreferences and the header extensions to negotiate. */
#include <string.h>

#include "peer/object.h"
#include "sdp/match.h"

static enum sdp_kind sdp_kind_of(wlk_media_kind kind)
{
	return kind == WLK_MEDIA_AUDIO ? SDP_AUDIO : SDP_VIDEO;
}

bool peer_mime_is(const char *mime, enum sdp_kind kind, struct str name)
{
	struct str rest = str_of(mime);
	struct str type = str_cut(&rest, '/');

	return str_equal_nocase(type, kind == SDP_AUDIO ? STR("audio") : STR("video")) && str_equal_nocase(rest, name);
}

/* ---- what this build can do ---- */

wlk_rtp_codec peer_codec_of(const struct sdp_codec_capability *cap)
{
	return (wlk_rtp_codec){
		.mime_type = cap->mime,
		.clock_rate = cap->clock_hz,
		.channels = cap->kind == SDP_AUDIO ? MAX(cap->channels, 1u) : 0,
		.sdp_fmtp_line = cap->fmtp.size ? cap->fmtp.at : NULL,
		.payload_type = WLK_NO_PAYLOAD_TYPE,
	};
}

static bool is_for(const struct sdp_extension_capability *ext, wlk_media_kind kind)
{
	return kind == WLK_MEDIA_AUDIO ? ext->audio : ext->video;
}

static void fill_codecs(const struct sdp_capabilities *caps, enum sdp_kind kind, wlk_rtp_capabilities *out)
{
	bool rtx = false;

	for (size_t i = 0; i < caps->codec_count; i++) {
		const struct sdp_codec_capability *cap = &caps->codecs[i];

		if (!cap->enabled || cap->kind != kind)
			continue;
		out->codecs[out->codec_count++] = peer_codec_of(cap);
		if (cap->rtx_payload_type && !rtx) {
			out->codecs[out->codec_count++] = (wlk_rtp_codec){
				.mime_type = "video/rtx",
				.clock_rate = cap->clock_hz,
				.payload_type = WLK_NO_PAYLOAD_TYPE,
			};
			rtx = true;
		}
	}
}

static void fill_extensions(const struct sdp_capabilities *caps, wlk_media_kind kind, wlk_rtp_capabilities *out)
{
	for (size_t i = 0; i < caps->extension_count; i++) {
		const struct sdp_extension_capability *ext = &caps->extensions[i];

		if (!is_for(ext, kind))
			continue;
		out->header_extensions[out->header_extension_count++] = (wlk_rtp_header_extension){
			.uri = sdp_extension_uri(ext->extension).at,
			.direction = ext->enabled ? WLK_DIRECTION_SENDRECV : WLK_DIRECTION_STOPPED,
		};
	}
}

wlk_err wlk_rtp_sender_capabilities(wlk_media_kind kind, wlk_rtp_capabilities *out)
{
	struct sdp_capabilities caps;

	_Static_assert(SDP_MAX_CODEC_CAPABILITIES < WLK_RTP_CODECS_MAX, "all codecs and rtx fit");
	_Static_assert(SDP_MAX_EXTENSION_CAPABILITIES <= WLK_RTP_EXTENSIONS_MAX, "all extensions fit");
	if (!out || (kind != WLK_MEDIA_AUDIO && kind != WLK_MEDIA_VIDEO))
		return WLK_ERR_INVALID;
	sdp_default_capabilities(&caps);
	*out = (wlk_rtp_capabilities){ 0 };
	fill_codecs(&caps, sdp_kind_of(kind), out);
	fill_extensions(&caps, kind, out);
	return WLK_OK;
}

wlk_err wlk_rtp_receiver_capabilities(wlk_media_kind kind, wlk_rtp_capabilities *out)
{
	return wlk_rtp_sender_capabilities(kind, out); /* packets are passed on as they are, both ways */
}

bool peer_codec_is(const struct sdp_codec_capability *cap, const wlk_rtp_codec *codec)
{
	const struct sdp_codec sdp = {
		.name = cap->name,
		.clock_hz = codec->clock_rate,
		.channels = MAX(codec->channels, 1u),
		.fmtp = str_of(codec->sdp_fmtp_line),
	};

	return peer_mime_is(codec->mime_type, cap->kind, cap->name) && sdp_codec_matches(cap, &sdp);
}

/* ---- codec preferences ---- */

enum { NO_CODEC = -1, RTX_CODEC = -2 };

int peer_find_codec(const struct sdp_capabilities *caps, enum sdp_kind kind, const wlk_rtp_codec *codec)
{
	if (!codec->mime_type)
		return NO_CODEC;
	if (kind == SDP_VIDEO && peer_mime_is(codec->mime_type, kind, STR("rtx")))
		return codec->clock_rate == 90000 && !str_of(codec->sdp_fmtp_line).size ? RTX_CODEC : NO_CODEC;
	for (size_t i = 0; i < caps->codec_count; i++) {
		const struct sdp_codec_capability *cap = &caps->codecs[i];

		if (cap->enabled && cap->kind == kind && peer_mime_is(codec->mime_type, kind, cap->name) &&
		    cap->clock_hz == codec->clock_rate && MAX(cap->channels, 1u) == MAX(codec->channels, 1u) &&
		    str_equal(cap->fmtp, str_of(codec->sdp_fmtp_line)))
			return (int)i;
	}
	return NO_CODEC;
}

void peer_preferences_init(wlk_peer_connection *pc, struct peer_preferences *p)
{
	*p = (struct peer_preferences){ 0 };
	for (size_t i = 0; i < pc->capabilities.extension_count; i++)
		p->extension_directions[i] =
			pc->capabilities.extensions[i].enabled ? WLK_DIRECTION_SENDRECV : WLK_DIRECTION_STOPPED;
}

static bool has_index(const struct peer_preferences *p, uint16_t index)
{
	for (size_t i = 0; i < p->codec_count; i++)
		if (p->codecs[i] == index)
			return true;
	return false;
}

/* RTX, RED, FEC and comfort noise carry nothing by themselves; a telephone event does. */
static bool carries_media(struct str name)
{
	return !sdp_codec_is_auxiliary(name) || str_equal_nocase(name, STR("telephone-event"));
}

wlk_err wlk_transceiver_set_codec_preferences(wlk_transceiver *transceiver, const wlk_rtp_codec *codecs, size_t count)
{
	wlk_peer_connection *pc = transceiver->pc;
	struct peer_preferences next = transceiver->preferences;
	bool carries = false, rtx = false;

	RECORD(pc, record_codec_preferences(recorded, transceiver, codecs, count));
	if (pc->closed || transceiver->stopping)
		return peer_fail(pc, WLK_ERR_STATE, "the transceiver is stopped");
	if ((count && !codecs) || count > 4 * WLK_RTP_CODECS_MAX)
		return peer_fail(pc, WLK_ERR_INVALID, "the codecs are missing, or too many");
	next.codec_count = 0;
	for (size_t i = 0; i < count; i++) {
		int index;

		if (!codecs[i].mime_type)
			return peer_fail(pc, WLK_ERR_INVALID, "codec %zu has no type", i);
		index = peer_find_codec(&pc->capabilities, sdp_kind_of(transceiver->kind), &codecs[i]);
		if (index == NO_CODEC)
			return peer_fail(pc, WLK_ERR_NEGOTIATION, "%s is not among the capabilities", codecs[i].mime_type);
		if (index == RTX_CODEC) {
			rtx = true;
			continue;
		}
		carries = carries || carries_media(pc->capabilities.codecs[index].name);
		if (!has_index(&next, (uint16_t)index))
			next.codecs[next.codec_count++] = (uint16_t)index;
	}
	if (count && !carries)
		return peer_fail(pc, WLK_ERR_NEGOTIATION, "nothing among the codecs carries media");
	next.no_rtx = count && !rtx;
	transceiver->preferences = next;
	return WLK_OK;
}

/* ---- header extensions (W3C webrtc-extensions 5) ---- */

static wlk_rtp_header_extension extension_at(const struct wlk_transceiver *t, size_t capability, wlk_direction direction, uint32_t id)
{
	return (wlk_rtp_header_extension){
		.uri = sdp_extension_uri(t->pc->capabilities.extensions[capability].extension).at,
		.id = (uint16_t)id,
		.direction = direction,
	};
}

size_t wlk_transceiver_header_extensions_to_negotiate(const wlk_transceiver *transceiver, wlk_rtp_header_extension *out,
						      size_t capacity)
{
	const struct sdp_capabilities *caps = &transceiver->pc->capabilities;
	size_t count = 0;

	for (size_t i = 0; i < caps->extension_count; i++) {
		if (!is_for(&caps->extensions[i], transceiver->kind))
			continue;
		if (count < capacity)
			out[count] = extension_at(transceiver, i,
						  (wlk_direction)transceiver->preferences.extension_directions[i], 0);
		count++;
	}
	return count;
}

static bool needs_both_ways(enum sdp_extension extension)
{
	return extension == SDP_EXT_MID;
}

wlk_err wlk_transceiver_set_header_extensions_to_negotiate(wlk_transceiver *transceiver, const wlk_rtp_header_extension *extensions,
							   size_t count)
{
	wlk_peer_connection *pc = transceiver->pc;
	const struct sdp_capabilities *caps = &pc->capabilities;
	struct peer_preferences next = transceiver->preferences;
	size_t at = 0;

	RECORD(pc, record_extensions(recorded, transceiver, extensions, count));
	if (pc->closed || transceiver->stopping)
		return peer_fail(pc, WLK_ERR_STATE, "the transceiver is stopped");
	if (count && !extensions)
		return peer_fail(pc, WLK_ERR_INVALID, "the extensions are missing");
	for (size_t i = 0; i < caps->extension_count; i++) {
		if (!is_for(&caps->extensions[i], transceiver->kind))
			continue;
		if (at == count)
			return peer_fail(pc, WLK_ERR_NEGOTIATION, "the list is shorter than the one to change");
		if (!extensions[at].uri || (unsigned)extensions[at].direction > WLK_DIRECTION_STOPPED)
			return peer_fail(pc, WLK_ERR_INVALID, "extension %zu has no URI or no direction", at);
		if (strcmp(extensions[at].uri, sdp_extension_uri(caps->extensions[i].extension).at) != 0)
			return peer_fail(pc, WLK_ERR_NEGOTIATION, "extension %zu is another one", at);
		if (needs_both_ways(caps->extensions[i].extension) && extensions[at].direction != WLK_DIRECTION_SENDRECV)
			return peer_fail(pc, WLK_ERR_NEGOTIATION, "%s cannot go", extensions[at].uri);
		next.extension_directions[i] = (uint8_t)extensions[at++].direction;
	}
	if (at != count)
		return peer_fail(pc, WLK_ERR_NEGOTIATION, "the list is longer than the one to change");
	transceiver->preferences = next;
	return WLK_OK;
}

size_t wlk_transceiver_negotiated_header_extensions(const wlk_transceiver *transceiver, wlk_rtp_header_extension *out,
						    size_t capacity)
{
	const struct sdp_agreed_section *section = peer_agreed_section(transceiver);
	const struct sdp_capabilities *caps = &transceiver->pc->capabilities;
	size_t count = 0;

	for (size_t i = 0; i < caps->extension_count; i++) {
		wlk_rtp_header_extension ext = extension_at(transceiver, i, WLK_DIRECTION_STOPPED, 0);

		if (!is_for(&caps->extensions[i], transceiver->kind))
			continue;
		for (size_t k = 0; section && k < section->extension_count; k++)
			if (section->extensions[k].extension == caps->extensions[i].extension)
				ext = extension_at(transceiver, i, (wlk_direction)section->extensions[k].direction,
						   section->extensions[k].id);
		if (count < capacity)
			out[count] = ext;
		count++;
	}
	return count;
}
