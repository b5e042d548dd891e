/* A set of encoders and decoders: the application's tables, and what the media code sees of them. */
#ifndef PEER_CODEC_SET_H
#define PEER_CODEC_SET_H

#include "core/list.h"
#include "media/codec/registry.h"
#include <stdatomic.h>
#include <wirelark/codec.h>

/* One table of the application. */
struct codec_plugin {
	struct list link; /* codec_set.plugins */
	enum codec_role role;
	char *name; /* copy */
	union {
		wlk_video_encoder_table video_encoder;
		wlk_video_decoder_table video_decoder;
		wlk_audio_encoder_table audio_encoder;
		wlk_audio_decoder_table audio_decoder;
	} u;
};

struct wlk_codec_set {
	atomic_uint references;
	atomic_bool in_use; /* a connection has it: it stays as it is */
	struct list plugins;
	struct codec_registry registry;
};

/** One more reference, for a connection; from here on nothing is added. NULL is fine. */
wlk_codec_set *codec_set_hold(wlk_codec_set *set);
/** What media/codec and media/track look up; NULL for NULL. Valid as long as the set is held; THREAD-SAFE once it is. */
const struct codec_registry *codec_set_registry(const wlk_codec_set *set);

/* codec_plugin.c: the internal functions that call a table. */
extern const struct video_encoder_ops codec_plugin_video_encoder_ops;
extern const struct video_decoder_ops codec_plugin_video_decoder_ops;
extern const struct audio_encoder_ops codec_plugin_audio_encoder_ops;
extern const struct audio_decoder_ops codec_plugin_audio_decoder_ops;
extern const struct audio_decoder_ops codec_plugin_audio_decoder_without_conceal_ops;

/* codec_builtin.c: the library's own codecs as tables; NULL: there is none. */
const wlk_video_encoder_table *codec_builtin_video_encoder(wlk_codec codec);
const wlk_video_decoder_table *codec_builtin_video_decoder(wlk_codec codec);
const wlk_audio_encoder_table *codec_builtin_audio_encoder(wlk_codec codec);
const wlk_audio_decoder_table *codec_builtin_audio_decoder(wlk_codec codec);

#endif
