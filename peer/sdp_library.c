/* Descriptions for the application: the model of sdp/ as plain structs with texts that end. */
#include <wirelark/sdp.h>

#include <stdio.h>

#include "core/alloc.h"
#include "sdp/sdp.h"
#include "sdp/attr.h"

struct wlk_sdp {
	struct sdp_session *model; /* owns all memory of the sections, too */
	wlk_sdp_section *sections;
};

/* One section in the making: the first failure is kept. */
struct view {
	struct sdp_session *model;
	bool failed;
};

static void *make(struct view *v, size_t count, size_t size)
{
	void *made = sdp_alloc(v->model, (count + 1) * size);

	v->failed |= !made;
	return made;
}

/* NULL for an empty one. */
static const char *text_of(struct view *v, struct str s)
{
	char *made = s.size ? make(v, s.size, 1) : NULL;

	if (made)
		memcpy(made, s.at, s.size);
	return made;
}

static const wlk_fingerprint *fingerprints_of(struct view *v, const struct sdp_media *media, size_t *count)
{
	const struct sdp_fingerprint *from = sdp_media_fingerprints(v->model, media, count);
	wlk_fingerprint *out = make(v, *count, sizeof(*out));

	for (size_t i = 0; out && i < *count; i++) {
		snprintf(out[i].algorithm, sizeof(out[i].algorithm), "%.*s", STR_ARG(from[i].algorithm));
		for (size_t k = 0; k < from[i].size && 3 * k + 3 <= sizeof(out[i].value); k++)
			snprintf(out[i].value + 3 * k, 4, "%02x%s", from[i].value[k], k + 1 < from[i].size ? ":" : "");
	}
	return out;
}

static const char *const *candidates_of(struct view *v, const struct sdp_media *media)
{
	const char **out = make(v, media->candidate_count, sizeof(*out));

	for (size_t i = 0; out && i < media->candidate_count; i++)
		out[i] = text_of(v, media->candidates[i]);
	return out;
}

static const wlk_rtp_codec *codecs_of(struct view *v, const struct sdp_media *media)
{
	wlk_rtp_codec *out = make(v, media->codec_count, sizeof(*out));

	for (size_t i = 0; out && i < media->codec_count; i++) {
		const struct sdp_codec *codec = &media->codecs[i];
		size_t size = media->kind_text.size + 1 + codec->name.size;
		char *mime = make(v, size, 1);

		if (mime)
			snprintf(mime, size + 1, "%.*s/%.*s", STR_ARG(media->kind_text), STR_ARG(codec->name));
		out[i] = (wlk_rtp_codec){ mime, codec->clock_hz, codec->channels, text_of(v, codec->fmtp), codec->payload_type };
	}
	return out;
}

static const wlk_rtp_header_extension *extensions_of(struct view *v, const struct sdp_media *media, size_t *count)
{
	wlk_rtp_header_extension *out;

	for (*count = 0; sdp_media_extmap(v->model, media, *count);)
		++*count;
	out = make(v, *count, sizeof(*out));
	for (size_t i = 0; out && i < *count; i++) {
		const struct sdp_extmap *ext = sdp_media_extmap(v->model, media, i);

		out[i] = (wlk_rtp_header_extension){ text_of(v, ext->uri), (uint16_t)MIN(ext->id, (uint32_t)UINT16_MAX),
						     (wlk_direction)ext->direction };
	}
	return out;
}

static void fill(struct view *v, const struct sdp_media *media, wlk_sdp_section *out)
{
	struct sdp_ice ice = sdp_media_ice(v->model, media);
	enum sdp_setup setup = sdp_media_setup(v->model, media);

	*out = (wlk_sdp_section){
		.struct_size = sizeof(*out),
		.kind = text_of(v, media->kind_text),
		.mid = text_of(v, media->mid),
		.port = media->port,
		.rejected = sdp_media_rejected(media),
		.bundle_only = media->bundle_only,
		.protocol = text_of(v, media->proto),
		.direction = (wlk_direction)sdp_media_direction(v->model, media),
		.username_fragment = text_of(v, ice.ufrag),
		.password = text_of(v, ice.pwd),
		.setup = setup == SDP_SETUP_NONE ? NULL : sdp_setup_name(setup),
		.candidate_count = media->candidate_count,
		.candidates = candidates_of(v, media),
		.end_of_candidates = sdp_media_end_of_candidates(v->model, media),
		.codec_count = media->codec_count,
		.codecs = codecs_of(v, media),
		.sctp_port = sdp_media_sctp_port(media),
		.max_message_size = sdp_media_max_message_size(media),
	};
	out->fingerprints = fingerprints_of(v, media, &out->fingerprint_count);
	out->header_extensions = extensions_of(v, media, &out->header_extension_count);
}

wlk_err wlk_sdp_parse(const char *text, size_t size, wlk_sdp **out, size_t *line)
{
	struct sdp_error error = { 0 };
	struct view v = { 0 };
	wlk_sdp *sdp;
	wlk_err err;

	if (!text || !out)
		return WLK_ERR_INVALID;
	err = sdp_parse(&v.model, text, size, &error);
	if (line)
		*line = error.line;
	if (err)
		return err;
	sdp = sdp_alloc(v.model, sizeof(*sdp));
	v.failed = !sdp;
	if (sdp)
		*sdp = (wlk_sdp){ v.model, make(&v, v.model->media_count, sizeof(*sdp->sections)) };
	for (size_t i = 0; !v.failed && i < v.model->media_count; i++)
		fill(&v, v.model->media[i], &sdp->sections[i]);
	if (v.failed) {
		sdp_session_destroy(v.model);
		return WLK_ERR_NOMEM;
	}
	*out = sdp;
	return WLK_OK;
}

void wlk_sdp_destroy(wlk_sdp *sdp)
{
	if (sdp)
		sdp_session_destroy(sdp->model); /* and |sdp| with it */
}

wlk_err wlk_sdp_write(const wlk_sdp *sdp, char **out)
{
	struct text text;
	char *taken;
	wlk_err err;

	if (!sdp || !out)
		return WLK_ERR_INVALID;
	text_init(&text);
	err = sdp_write(sdp->model, &text);
	taken = err ? NULL : text_take(&text);
	text_free(&text);
	if (!taken)
		return err ? err : WLK_ERR_NOMEM;
	*out = taken;
	return WLK_OK;
}

size_t wlk_sdp_section_count(const wlk_sdp *sdp)
{
	return sdp->model->media_count;
}

const wlk_sdp_section *wlk_sdp_section_at(const wlk_sdp *sdp, size_t index)
{
	return index < sdp->model->media_count ? &sdp->sections[index] : NULL;
}

int wlk_sdp_bundle_of(const wlk_sdp *sdp, size_t index)
{
	const struct sdp_session *model = sdp->model;
	const struct sdp_group *group = index < model->media_count ? sdp_bundle_of(model, model->media[index]->mid) : NULL;
	int number = 0;

	for (size_t i = 0; group && i < model->group_count; i++) {
		if (&model->groups[i] == group)
			return number;
		number += str_equal(model->groups[i].semantics, STR("BUNDLE"));
	}
	return -1;
}
