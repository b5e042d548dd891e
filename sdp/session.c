#include "sdp/sdp.h"

#include <stdio.h>

#include "core/alloc.h"
#include "sdp/attr.h"

enum { BLOCK_FIRST = 8 * 1024, BLOCK_LARGEST = 256 * 1024 };

struct sdp_arena_block {
	struct sdp_arena_block *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) unsigned char bytes[];
};

wlk_err sdp_fail(struct sdp_error *err, wlk_err code, size_t line, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->line = line;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	for (char *c = err->message; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return code;
}

/* Blocks double, so that a session of any size takes a handful of them. */
static struct sdp_arena_block *arena_grow(struct sdp_session *session, size_t need)
{
	size_t size = session->arena ? MIN(session->arena->size * 2, (size_t)BLOCK_LARGEST) : (size_t)BLOCK_FIRST;
	struct sdp_arena_block *block;

	size = MAX(size, need);
	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = wlk_malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->next = session->arena;
	block->used = 0;
	block->size = size;
	session->arena = block;
	return block;
}

static void *arena_take(struct sdp_session *session, size_t size, size_t align)
{
	struct sdp_arena_block *block = session->arena;
	size_t at = block ? (block->used + align - 1) / align * align : 0;

	if (!block || at > block->size || size > block->size - at) {
		block = arena_grow(session, size);
		at = 0;
	}
	if (!block)
		return NULL;
	block->used = at + size;
	return block->bytes + at;
}

void *sdp_alloc(struct sdp_session *session, size_t size)
{
	void *out = arena_take(session, size, _Alignof(max_align_t));

	if (out)
		memset(out, 0, size);
	return out;
}

wlk_err sdp_copy(struct sdp_session *session, struct str in, struct str *out)
{
	char *copy;

	if (!in.size) {
		*out = STR("");
		return WLK_OK;
	}
	copy = arena_take(session, in.size, 1);
	if (!copy)
		return WLK_ERR_NOMEM;
	memcpy(copy, in.at, in.size);
	*out = (struct str){ copy, in.size };
	return WLK_OK;
}

wlk_err sdp_session_create(struct sdp_session **out)
{
	struct sdp_session *session = wlk_calloc(1, sizeof(*session));

	if (!session)
		return WLK_ERR_NOMEM;
	*out = session;
	return WLK_OK;
}

void sdp_session_destroy(struct sdp_session *session)
{
	if (!session)
		return;
	for (struct sdp_arena_block *block = session->arena, *next; block; block = next) {
		next = block->next;
		wlk_free(block);
	}
	wlk_free(session);
}

wlk_err sdp_session_clone(struct sdp_session **out, const struct sdp_session *session)
{
	struct text text;
	wlk_err err;

	text_init(&text);
	err = sdp_write(session, &text);
	if (!err)
		err = sdp_parse(out, text.at, text.size, NULL);
	text_free(&text);
	return err;
}

/*
 * Room for one more item behind |count| of them. The capacity is the power of two at or above the count (at least 4),
 * so it needs no field; what the list leaves behind when it moves is at most as large as the list.
 */
static void *list_add(struct sdp_session *session, void *list, size_t *count, size_t item_size)
{
	void **items = list;
	size_t n = *count;

	if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
		void *grown = arena_take(session, (n ? 2 * n : 4) * item_size, _Alignof(max_align_t));

		if (!grown)
			return NULL;
		if (n)
			memcpy(grown, *items, n * item_size);
		*items = grown;
	}
	*count = n + 1;
	return memset((char *)*items + n * item_size, 0, item_size);
}

static wlk_err list_add_copy(struct sdp_session *session, struct str **list, size_t *count, struct str text)
{
	struct str copy;
	struct str *item;

	if (sdp_copy(session, text, &copy))
		return WLK_ERR_NOMEM;
	item = list_add(session, list, count, sizeof(*item));
	if (!item)
		return WLK_ERR_NOMEM;
	*item = copy;
	return WLK_OK;
}

struct sdp_media *sdp_add_media(struct sdp_session *session, enum sdp_kind kind)
{
	struct sdp_media *media;

	if (session->media_count >= SDP_MAX_MEDIA)
		return NULL;
	media = sdp_alloc(session, sizeof(*media));
	if (!media)
		return NULL;
	media->index = session->media_count;
	media->kind = kind;
	media->kind_text = str_of(sdp_kind_name(kind));
	session->media[session->media_count++] = media;
	return media;
}

struct sdp_codec *sdp_add_codec(struct sdp_session *session, struct sdp_media *media, uint8_t payload_type)
{
	struct sdp_codec *codec;

	if (media->codec_count >= SDP_MAX_CODECS)
		return NULL;
	codec = list_add(session, &media->codecs, &media->codec_count, sizeof(*codec));
	if (codec)
		codec->payload_type = payload_type;
	return codec;
}

struct sdp_fingerprint *sdp_add_fingerprint(struct sdp_session *session, struct sdp_media *media)
{
	struct sdp_fingerprint **list = media ? &media->fingerprints : &session->fingerprints;
	size_t *count = media ? &media->fingerprint_count : &session->fingerprint_count;

	if (*count >= SDP_MAX_FINGERPRINTS)
		return NULL;
	return list_add(session, list, count, sizeof(**list));
}

struct sdp_extmap *sdp_add_extmap(struct sdp_session *session, struct sdp_media *media)
{
	struct sdp_extmap **list = media ? &media->extmaps : &session->extmaps;

	return list_add(session, list, media ? &media->extmap_count : &session->extmap_count, sizeof(**list));
}

struct sdp_attribute *sdp_add_attribute(struct sdp_session *session, struct sdp_media *media)
{
	struct sdp_attribute **list = media ? &media->others : &session->others;

	return list_add(session, list, media ? &media->other_count : &session->other_count, sizeof(**list));
}

struct sdp_feedback *sdp_add_feedback(struct sdp_session *session, struct sdp_codec *codec)
{
	return list_add(session, &codec->feedback, &codec->feedback_count, sizeof(*codec->feedback));
}

struct sdp_feedback *sdp_add_wildcard_feedback(struct sdp_session *session, struct sdp_media *media)
{
	return list_add(session, &media->feedback, &media->feedback_count, sizeof(*media->feedback));
}

struct sdp_ssrc *sdp_add_ssrc(struct sdp_session *session, struct sdp_media *media, uint32_t ssrc)
{
	struct sdp_ssrc *item;

	if (media->ssrc_count >= SDP_MAX_SSRCS)
		return NULL;
	item = list_add(session, &media->ssrcs, &media->ssrc_count, sizeof(*item));
	if (item)
		item->ssrc = ssrc;
	return item;
}

struct sdp_ssrc_group *sdp_add_ssrc_group(struct sdp_session *session, struct sdp_media *media)
{
	return list_add(session, &media->ssrc_groups, &media->ssrc_group_count, sizeof(*media->ssrc_groups));
}

struct sdp_msid *sdp_add_msid(struct sdp_session *session, struct sdp_media *media)
{
	return list_add(session, &media->msids, &media->msid_count, sizeof(*media->msids));
}

struct sdp_rid *sdp_add_rid(struct sdp_session *session, struct sdp_media *media)
{
	return list_add(session, &media->rids, &media->rid_count, sizeof(*media->rids));
}

struct sdp_group *sdp_add_group(struct sdp_session *session)
{
	return list_add(session, &session->groups, &session->group_count, sizeof(*session->groups));
}

wlk_err sdp_add_candidate(struct sdp_session *session, struct sdp_media *media, struct str text)
{
	struct str line;

	if (!sdp_candidate_trim(text, &line))
		return WLK_ERR_INVALID;
	return list_add_copy(session, &media->candidates, &media->candidate_count, line);
}

wlk_err sdp_add_format(struct sdp_session *session, struct sdp_media *media, struct str text)
{
	return list_add_copy(session, &media->formats, &media->format_count, text);
}

wlk_err sdp_group_add_mid(struct sdp_session *session, struct sdp_group *group, struct str mid)
{
	return list_add_copy(session, &group->mids, &group->mid_count, mid);
}

wlk_err sdp_add_bandwidth(struct sdp_session *session, struct sdp_media *media, struct str text)
{
	return list_add_copy(session, media ? &media->bandwidths : &session->bandwidths,
			     media ? &media->bandwidth_count : &session->bandwidth_count, text);
}

wlk_err sdp_ssrc_group_add(struct sdp_session *session, struct sdp_ssrc_group *group, uint32_t ssrc)
{
	uint32_t *item = list_add(session, &group->ssrcs, &group->ssrc_count, sizeof(*item));

	if (!item)
		return WLK_ERR_NOMEM;
	*item = ssrc;
	return WLK_OK;
}

struct sdp_media *sdp_media_by_mid(const struct sdp_session *session, struct str mid)
{
	for (size_t i = 0; i < session->media_count && mid.size; i++)
		if (str_equal(session->media[i]->mid, mid))
			return session->media[i];
	return NULL;
}

struct sdp_codec *sdp_codec_by_type(const struct sdp_media *media, uint8_t payload_type)
{
	for (size_t i = 0; i < media->codec_count; i++)
		if (media->codecs[i].payload_type == payload_type)
			return &media->codecs[i];
	return NULL;
}

struct sdp_group *sdp_bundle(const struct sdp_session *session)
{
	for (size_t i = 0; i < session->group_count; i++)
		if (str_equal(session->groups[i].semantics, STR("BUNDLE")))
			return &session->groups[i];
	return NULL;
}

struct sdp_group *sdp_bundle_of(const struct sdp_session *session, struct str mid)
{
	for (size_t i = 0; i < session->group_count; i++)
		if (str_equal(session->groups[i].semantics, STR("BUNDLE")) && sdp_group_has(&session->groups[i], mid))
			return &session->groups[i];
	return NULL;
}

bool sdp_group_has(const struct sdp_group *group, struct str mid)
{
	for (size_t i = 0; i < group->mid_count && mid.size; i++)
		if (str_equal(group->mids[i], mid))
			return true;
	return false;
}

bool sdp_media_rejected(const struct sdp_media *media)
{
	return media->port == 0 && !media->bundle_only;
}

const struct sdp_fingerprint *sdp_media_fingerprints(const struct sdp_session *session, const struct sdp_media *media,
						     size_t *count)
{
	*count = media->fingerprint_count ? media->fingerprint_count : session->fingerprint_count;
	return media->fingerprint_count ? media->fingerprints : session->fingerprints;
}

struct sdp_ice sdp_media_ice(const struct sdp_session *session, const struct sdp_media *media)
{
	struct sdp_ice ice = media->ice.ufrag.size || media->ice.pwd.size ? media->ice : session->ice;

	ice.options = media->ice.options.size ? media->ice.options : session->ice.options;
	return ice;
}

bool sdp_media_has_ice_option(const struct sdp_session *session, const struct sdp_media *media, struct str option)
{
	struct str rest = sdp_media_ice(session, media).options;

	while (rest.size) {
		struct str word = str_word(&rest);

		while (word.size)
			if (str_equal(str_cut(&word, ','), option))
				return true;
	}
	return false;
}

enum sdp_setup sdp_media_setup(const struct sdp_session *session, const struct sdp_media *media)
{
	return media->setup != SDP_SETUP_NONE ? media->setup : session->setup;
}

enum sdp_direction sdp_media_direction(const struct sdp_session *session, const struct sdp_media *media)
{
	if (media->direction_given)
		return media->direction;
	return session->direction_given ? session->direction : SDP_SENDRECV;
}

bool sdp_media_extmap_allow_mixed(const struct sdp_session *session, const struct sdp_media *media)
{
	return session->extmap_allow_mixed || media->extmap_allow_mixed;
}

bool sdp_media_end_of_candidates(const struct sdp_session *session, const struct sdp_media *media)
{
	return session->end_of_candidates || media->end_of_candidates;
}

const struct sdp_extmap *sdp_media_extmap(const struct sdp_session *session, const struct sdp_media *media, size_t i)
{
	if (i < media->extmap_count)
		return &media->extmaps[i];
	i -= media->extmap_count;
	return i < session->extmap_count ? &session->extmaps[i] : NULL;
}

uint16_t sdp_media_sctp_port(const struct sdp_media *media)
{
	uint32_t port;

	if (media->has_sctp_port)
		return media->sctp_port;
	if (media->sctpmap.given)
		return media->sctpmap.port;
	if (media->protocol == SDP_PROTO_SCTP_LEGACY && media->format_count &&
	    str_u32(media->formats[0], UINT16_MAX, &port))
		return (uint16_t)port;
	return 0;
}

uint64_t sdp_media_max_message_size(const struct sdp_media *media)
{
	return media->has_max_message_size ? media->max_message_size : SDP_DEFAULT_MESSAGE_SIZE;
}

static bool feedback_has(const struct sdp_feedback *list, size_t count, struct str type, struct str parameter)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal_nocase(list[i].type, type) && str_equal_nocase(list[i].parameter, parameter))
			return true;
	return false;
}

bool sdp_codec_has_feedback(const struct sdp_media *media, const struct sdp_codec *codec, struct str type,
			    struct str parameter)
{
	return feedback_has(codec->feedback, codec->feedback_count, type, parameter) ||
	       feedback_has(media->feedback, media->feedback_count, type, parameter);
}
