/* Which plug-in encodes or decodes what; where none is named, it is what is built in. */
#ifndef MEDIA_CODEC_REGISTRY_H
#define MEDIA_CODEC_REGISTRY_H

#include "media/codec/audio_codec.h"
#include "media/codec/video_codec.h"

/* A plug-in and what it is for. */
struct codec_entry {
	enum codec_id codec;
	/* Whether it takes a stream with these format parameters ("" for none); NULL: any. */
	bool (*accepts)(void *user, const char *fmtp);
	void *user;
	union {
		struct video_encoder_plugin video_encoder;
		struct video_decoder_plugin video_decoder;
		struct audio_encoder_plugin audio_encoder;
		struct audio_decoder_plugin audio_decoder;
	} u;
};

enum codec_role { CODEC_VIDEO_ENCODER, CODEC_VIDEO_DECODER, CODEC_AUDIO_ENCODER, CODEC_AUDIO_DECODER, CODEC_ROLES };

struct codec_list {
	struct codec_entry *entries;
	size_t count, capacity;
};

/* All zero is empty. Not locked: filled first, then only read. */
struct codec_registry {
	struct codec_list lists[CODEC_ROLES];
};

wlk_err codec_registry_add(struct codec_registry *r, enum codec_role role, const struct codec_entry *entry) WLK_NODISCARD;
void codec_registry_free(struct codec_registry *r);

/** The entry that was added last of those that fit; NULL: none does, or |r| is NULL. Valid while nothing is added. */
const struct codec_entry *codec_registry_find(const struct codec_registry *r, enum codec_role role, enum codec_id codec, const char *fmtp);

/** True when there is a plug-in, or it is built in. */
bool codec_registry_has(const struct codec_registry *r, enum codec_role role, enum codec_id codec, const char *fmtp);

/* What the create functions take as |plugin|: NULL for what is built in. */
const struct video_encoder_plugin *codec_registry_video_encoder(const struct codec_registry *r, enum codec_id codec, const char *fmtp);
const struct video_decoder_plugin *codec_registry_video_decoder(const struct codec_registry *r, enum codec_id codec, const char *fmtp);
const struct audio_encoder_plugin *codec_registry_audio_encoder(const struct codec_registry *r, enum codec_id codec, const char *fmtp);
const struct audio_decoder_plugin *codec_registry_audio_decoder(const struct codec_registry *r, enum codec_id codec, const char *fmtp);

#endif
