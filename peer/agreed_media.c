/* What offer and answer agreed on of media, in the words of the media engines. */
#include <stdio.h>

#include "peer/object.h"
#include "sdp/attr.h"

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
	       (sdp & SDP_FB_TRANSPORT_CC ? MEDIA_FB_TRANSPORT_CC : 0u) | (sdp & SDP_FB_CCFB ? MEDIA_FB_CCFB : 0u);
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

wlk_err peer_configure_transport_media(struct peer_transport *t, struct peer_transport *const *agreed, const struct sdp_agreement *agreement)
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
		wlk_err err = peer_configure_transport_media(pc->agreed[k], pc->agreed, pc->agreement);

		if (err)
			return err;
	}
	peer_limit_all_layers(pc);
	return WLK_OK;
}
