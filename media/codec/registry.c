#include "media/codec/registry.h"
#include "core/alloc.h"

wlk_err codec_registry_add(struct codec_registry *r, enum codec_role role, const struct codec_entry *entry)
{
	struct codec_list *list = &r->lists[role];

	if (!array_reserve((void **)&list->entries, &list->capacity, list->count + 1, sizeof(*list->entries)))
		return WLK_ERR_NOMEM;
	list->entries[list->count++] = *entry;
	return WLK_OK;
}

void codec_registry_free(struct codec_registry *r)
{
	for (int role = 0; role < CODEC_ROLES; role++)
		wlk_free(r->lists[role].entries);
	*r = (struct codec_registry){ 0 };
}

const struct codec_entry *codec_registry_find(const struct codec_registry *r, enum codec_role role, enum codec_id codec, const char *fmtp)
{
	if (!r)
		return NULL;
	for (size_t i = r->lists[role].count; i-- > 0;) {
		const struct codec_entry *entry = &r->lists[role].entries[i];

		if (entry->codec == codec && (!entry->accepts || entry->accepts(entry->user, fmtp ? fmtp : "")))
			return entry;
	}
	return NULL;
}

bool codec_registry_has(const struct codec_registry *r, enum codec_role role, enum codec_id codec, const char *fmtp)
{
	bool is_video = role == CODEC_VIDEO_ENCODER || role == CODEC_VIDEO_DECODER;

	if (codec_registry_find(r, role, codec, fmtp))
		return true;
	return is_video ? codec == CODEC_VP8 || codec == CODEC_VP9 : audio_codec_rate(codec) > 0;
}

const struct video_encoder_plugin *codec_registry_video_encoder(const struct codec_registry *r, enum codec_id codec, const char *fmtp)
{
	const struct codec_entry *entry = codec_registry_find(r, CODEC_VIDEO_ENCODER, codec, fmtp);

	return entry ? &entry->u.video_encoder : NULL;
}

const struct video_decoder_plugin *codec_registry_video_decoder(const struct codec_registry *r, enum codec_id codec, const char *fmtp)
{
	const struct codec_entry *entry = codec_registry_find(r, CODEC_VIDEO_DECODER, codec, fmtp);

	return entry ? &entry->u.video_decoder : NULL;
}

const struct audio_encoder_plugin *codec_registry_audio_encoder(const struct codec_registry *r, enum codec_id codec, const char *fmtp)
{
	const struct codec_entry *entry = codec_registry_find(r, CODEC_AUDIO_ENCODER, codec, fmtp);

	return entry ? &entry->u.audio_encoder : NULL;
}

const struct audio_decoder_plugin *codec_registry_audio_decoder(const struct codec_registry *r, enum codec_id codec, const char *fmtp)
{
	const struct codec_entry *entry = codec_registry_find(r, CODEC_AUDIO_DECODER, codec, fmtp);

	return entry ? &entry->u.audio_decoder : NULL;
}
