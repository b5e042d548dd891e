#include "peer/codec_set.h"
#include "core/alloc.h"

/* One numbering everywhere. */
_Static_assert((int)WLK_CODEC_OPUS == CODEC_OPUS && (int)WLK_CODEC_PCMU == CODEC_PCMU && (int)WLK_CODEC_PCMA == CODEC_PCMA &&
		       (int)WLK_CODEC_G722 == CODEC_G722 && (int)WLK_CODEC_VP8 == CODEC_VP8 && (int)WLK_CODEC_VP9 == CODEC_VP9 &&
		       (int)WLK_CODEC_H264 == CODEC_H264 && (int)WLK_CODEC_AV1 == CODEC_AV1,
	       "codecs are numbered as in wirelark/media.h");

wlk_err wlk_codec_set_create(wlk_codec_set **out)
{
	wlk_codec_set *set;

	if (!out)
		return WLK_ERR_INVALID;
	set = wlk_calloc(1, sizeof(*set));
	if (!set)
		return WLK_ERR_NOMEM;
	atomic_init(&set->references, 1);
	atomic_init(&set->in_use, false);
	list_init(&set->plugins);
	*out = set;
	return WLK_OK;
}

wlk_codec_set *codec_set_hold(wlk_codec_set *set)
{
	if (set) {
		atomic_store(&set->in_use, true);
		atomic_fetch_add(&set->references, 1);
	}
	return set;
}

static void plugin_free(struct codec_plugin *plugin)
{
	wlk_free(plugin->name);
	wlk_free(plugin);
}

void wlk_codec_set_release(wlk_codec_set *set)
{
	struct list *item;

	if (!set || atomic_fetch_sub(&set->references, 1) != 1)
		return;
	while ((item = list_pop_front(&set->plugins)))
		plugin_free(list_entry(item, struct codec_plugin, link));
	codec_registry_free(&set->registry);
	wlk_free(set);
}

const struct codec_registry *codec_set_registry(const wlk_codec_set *set)
{
	return set ? &set->registry : NULL;
}

/* ---- adding ---- */

static wlk_err check(const wlk_codec_set *set, bool is_whole, int codec, int first, int last)
{
	if (!set || !is_whole || codec < first || codec > last)
		return WLK_ERR_INVALID;
	return atomic_load(&set->in_use) ? WLK_ERR_STATE : WLK_OK;
}

static wlk_err check_audio(const wlk_codec_set *set, bool is_whole, int codec, uint32_t rate)
{
	bool rate_is_sane = rate >= 8000 && rate <= 48000 && rate % 400 == 0;

	return check(set, is_whole && rate_is_sane, codec, WLK_CODEC_OPUS, WLK_CODEC_G722);
}

/* A plug-in by that name, and the entry that leads to it. */
static struct codec_plugin *plugin_make(enum codec_role role, const char *name)
{
	struct codec_plugin *plugin = wlk_calloc(1, sizeof(*plugin));

	if (!plugin)
		return NULL;
	plugin->role = role;
	plugin->name = wlk_strdup(name);
	if (!plugin->name) {
		wlk_free(plugin);
		return NULL;
	}
	return plugin;
}

static wlk_err plugin_add(wlk_codec_set *set, struct codec_plugin *plugin, const struct codec_entry *entry)
{
	wlk_err err = codec_registry_add(&set->registry, plugin->role, entry);

	if (err)
		plugin_free(plugin);
	else
		list_push_back(&set->plugins, &plugin->link);
	return err;
}

#define IS_WHOLE(table, work)                                                                                            \
	((table) && (table)->struct_size == sizeof(*(table)) && (table)->name && (table)->create && (table)->work && \
	 (table)->destroy)
#define ENTRY(table) { .codec = (enum codec_id)(table)->codec, .accepts = (table)->accepts, .user = (table)->user }

wlk_err wlk_codec_set_add_video_encoder(wlk_codec_set *set, const wlk_video_encoder_table *table)
{
	bool is_whole = IS_WHOLE(table, encode);
	wlk_err err = check(set, is_whole, is_whole ? (int)table->codec : 0, WLK_CODEC_VP8, WLK_CODEC_AV1);
	struct codec_plugin *plugin = err ? NULL : plugin_make(CODEC_VIDEO_ENCODER, table->name);

	if (!plugin)
		return err ? err : WLK_ERR_NOMEM;
	struct codec_entry entry = ENTRY(table);

	plugin->u.video_encoder = *table;
	plugin->u.video_encoder.name = plugin->name;
	entry.u.video_encoder = (struct video_encoder_plugin){ &codec_plugin_video_encoder_ops, plugin, plugin->name, table->hardware };
	return plugin_add(set, plugin, &entry);
}

wlk_err wlk_codec_set_add_video_decoder(wlk_codec_set *set, const wlk_video_decoder_table *table)
{
	bool is_whole = IS_WHOLE(table, decode);
	wlk_err err = check(set, is_whole, is_whole ? (int)table->codec : 0, WLK_CODEC_VP8, WLK_CODEC_AV1);
	struct codec_plugin *plugin = err ? NULL : plugin_make(CODEC_VIDEO_DECODER, table->name);

	if (!plugin)
		return err ? err : WLK_ERR_NOMEM;
	struct codec_entry entry = ENTRY(table);

	plugin->u.video_decoder = *table;
	plugin->u.video_decoder.name = plugin->name;
	entry.u.video_decoder = (struct video_decoder_plugin){ &codec_plugin_video_decoder_ops, plugin, plugin->name, table->hardware };
	return plugin_add(set, plugin, &entry);
}

wlk_err wlk_codec_set_add_audio_encoder(wlk_codec_set *set, const wlk_audio_encoder_table *table)
{
	bool is_whole = IS_WHOLE(table, encode);
	wlk_err err = check_audio(set, is_whole, is_whole ? (int)table->codec : 0, is_whole ? table->rate : 0);
	struct codec_plugin *plugin = err ? NULL : plugin_make(CODEC_AUDIO_ENCODER, table->name);

	if (!plugin)
		return err ? err : WLK_ERR_NOMEM;
	struct codec_entry entry = ENTRY(table);

	plugin->u.audio_encoder = *table;
	plugin->u.audio_encoder.name = plugin->name;
	entry.u.audio_encoder = (struct audio_encoder_plugin){ &codec_plugin_audio_encoder_ops, plugin, table->rate };
	return plugin_add(set, plugin, &entry);
}

wlk_err wlk_codec_set_add_audio_decoder(wlk_codec_set *set, const wlk_audio_decoder_table *table)
{
	bool is_whole = IS_WHOLE(table, decode) && table->count;
	wlk_err err = check_audio(set, is_whole, is_whole ? (int)table->codec : 0, is_whole ? table->rate : 0);
	struct codec_plugin *plugin = err ? NULL : plugin_make(CODEC_AUDIO_DECODER, table->name);

	if (!plugin)
		return err ? err : WLK_ERR_NOMEM;
	struct codec_entry entry = ENTRY(table);
	const struct audio_decoder_ops *ops =
		table->conceal ? &codec_plugin_audio_decoder_ops : &codec_plugin_audio_decoder_without_conceal_ops;

	plugin->u.audio_decoder = *table;
	plugin->u.audio_decoder.name = plugin->name;
	entry.u.audio_decoder = (struct audio_decoder_plugin){ ops, plugin, table->rate };
	return plugin_add(set, plugin, &entry);
}

/* ---- looking up ---- */

static const struct codec_plugin *find(const wlk_codec_set *set, enum codec_role role, wlk_codec codec, const char *fmtp)
{
	const struct codec_entry *entry = set ? codec_registry_find(&set->registry, role, (enum codec_id)codec, fmtp) : NULL;

	if (!entry)
		return NULL;
	switch (role) {
	case CODEC_VIDEO_ENCODER:
		return entry->u.video_encoder.user;
	case CODEC_VIDEO_DECODER:
		return entry->u.video_decoder.user;
	case CODEC_AUDIO_ENCODER:
		return entry->u.audio_encoder.user;
	default:
		return entry->u.audio_decoder.user;
	}
}

const wlk_video_encoder_table *wlk_codec_set_video_encoder(const wlk_codec_set *set, wlk_codec codec, const char *fmtp)
{
	const struct codec_plugin *plugin = find(set, CODEC_VIDEO_ENCODER, codec, fmtp);

	return plugin ? &plugin->u.video_encoder : codec_builtin_video_encoder(codec);
}

const wlk_video_decoder_table *wlk_codec_set_video_decoder(const wlk_codec_set *set, wlk_codec codec, const char *fmtp)
{
	const struct codec_plugin *plugin = find(set, CODEC_VIDEO_DECODER, codec, fmtp);

	return plugin ? &plugin->u.video_decoder : codec_builtin_video_decoder(codec);
}

const wlk_audio_encoder_table *wlk_codec_set_audio_encoder(const wlk_codec_set *set, wlk_codec codec, const char *fmtp)
{
	const struct codec_plugin *plugin = find(set, CODEC_AUDIO_ENCODER, codec, fmtp);

	return plugin ? &plugin->u.audio_encoder : codec_builtin_audio_encoder(codec);
}

const wlk_audio_decoder_table *wlk_codec_set_audio_decoder(const wlk_codec_set *set, wlk_codec codec, const char *fmtp)
{
	const struct codec_plugin *plugin = find(set, CODEC_AUDIO_DECODER, codec, fmtp);

	return plugin ? &plugin->u.audio_decoder : codec_builtin_audio_decoder(codec);
}
