#include "sdp/build.h"

#include "sdp/attr.h"
#include "sdp/match.h"

/* --- what the caller gave --- */

#define INVALID(err, ...) sdp_fail(err, WLK_ERR_INVALID, 0, __VA_ARGS__)

/* Text that fits into a line: printable, blanks allowed. */
static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.size; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return false;
	return s.size <= SDP_MAX_LINE / 2;
}

static wlk_err check_transport(const struct sdp_transport *t, struct sdp_error *err)
{
	bool strong = false;

	if (!sdp_is_ice_chars(t->ufrag, 4, 256) || !sdp_is_ice_chars(t->pwd, 22, 256))
		return INVALID(err, "ice-ufrag or ice-pwd out of range");
	if (t->fingerprint_count > SDP_MAX_FINGERPRINTS)
		return INVALID(err, "too many fingerprints");
	for (size_t i = 0; i < t->fingerprint_count; i++) {
		if (!sdp_is_token(t->fingerprints[i].algorithm) || !t->fingerprints[i].size ||
		    t->fingerprints[i].size > SDP_MAX_HASH_SIZE)
			return INVALID(err, "malformed fingerprint");
		strong = strong || sdp_fingerprint_acceptable(&t->fingerprints[i]);
	}
	if (!strong)
		return INVALID(err, "a sha-256, sha-384 or sha-512 fingerprint is needed");
	if (!is_clean(t->ice_options) || !is_clean(t->connection) || t->setup == SDP_SETUP_HOLDCONN)
		return INVALID(err, "ice-options, connection or setup out of range");
	for (size_t i = 0; i < t->candidate_count; i++) {
		struct str trimmed;

		if (!is_clean(t->candidates[i]) || !sdp_candidate_trim(t->candidates[i], &trimmed))
			return INVALID(err, "malformed local candidate");
	}
	return WLK_OK;
}

static wlk_err check_encodings(const struct sdp_wish *wish, struct sdp_error *err)
{
	for (size_t i = 0; i < wish->encoding_count; i++) {
		const struct sdp_encoding *e = &wish->encodings[i];

		if (e->rid.size && !sdp_is_rid(e->rid))
			return INVALID(err, "malformed rid");
		if (e->ssrc && !sdp_is_word(wish->cname))
			return INVALID(err, "a stream with an SSRC needs a cname");
	}
	for (size_t i = 0; i < wish->receive_rid_count; i++)
		if (!sdp_is_rid(wish->receive_rids[i]))
			return INVALID(err, "malformed rid");
	return WLK_OK;
}

static wlk_err check_wish(const struct sdp_wish *wish, const struct sdp_capabilities *caps, struct sdp_error *err)
{
	if ((unsigned)wish->kind > SDP_APPLICATION || (unsigned)wish->direction > SDP_SENDRECV)
		return INVALID(err, "kind or direction of a section out of range");
	for (size_t i = 0; i < wish->codec_count; i++)
		if (wish->codecs[i] >= caps->codec_count)
			return INVALID(err, "a codec preference out of range");
	for (size_t i = 0; i < wish->stream_count; i++)
		if (!sdp_is_word(wish->streams[i]) || wish->streams[i].size > 1024)
			return INVALID(err, "malformed stream id");
	if ((wish->track.size && !sdp_is_word(wish->track)) || wish->track.size > 1024)
		return INVALID(err, "malformed track id");
	if ((wish->cname.size && !sdp_is_word(wish->cname)) || wish->cname.size > 1024)
		return INVALID(err, "malformed cname");
	return check_encodings(wish, err);
}

wlk_err sdp_build_check(const struct sdp_local *local, bool is_offer, struct sdp_error *err)
{
	uint64_t id;
	wlk_err code = check_transport(local->transport, err);

	if (code)
		return code;
	if (local->session_id.size && !str_u64(local->session_id, UINT64_MAX, &id))
		return INVALID(err, "the session id is not a number");
	if (local->wish_count > SDP_MAX_MEDIA)
		return INVALID(err, "more than %d sections", SDP_MAX_MEDIA);
	for (size_t i = 0; i < local->wish_count; i++) {
		code = check_wish(&local->wishes[i], local->capabilities, err);
		if (code)
			return code;
		if (is_offer && !sdp_is_token(local->wishes[i].mid))
			return INVALID(err, "a section needs a mid");
		for (size_t k = 0; is_offer && k < i; k++)
			if (str_equal(local->wishes[i].mid, local->wishes[k].mid))
				return INVALID(err, "two sections with the same mid");
	}
	return WLK_OK;
}

/* --- parts of a description --- */

struct str sdp_build_copy(struct sdp_builder *b, struct str in)
{
	struct str out = STR("");

	if (sdp_copy(b->out, in, &out))
		b->failed = true;
	return out;
}

static struct str copy_number(struct sdp_builder *b, uint64_t number)
{
	struct text text;
	struct str out = STR("");

	text_init(&text);
	text_addf(&text, "%llu", (unsigned long long)number);
	if (text_ok(&text))
		out = sdp_build_copy(b, (struct str){ text.at, text.size });
	else
		b->failed = true;
	text_free(&text);
	return out;
}

void sdp_build_session(struct sdp_builder *b)
{
	b->out->origin_user = STR("-");
	b->out->origin_id = b->local->session_id.size ? sdp_build_copy(b, b->local->session_id) : STR("1");
	b->out->origin_version = copy_number(b, b->local->session_version);
	b->out->origin_address = STR("IN IP4 127.0.0.1");
	b->out->name = STR("-");
	b->out->msid_semantic = STR("WMS *");
	b->out->ice_lite = b->local->transport->ice_lite;
}

struct sdp_media *sdp_build_media(struct sdp_builder *b, enum sdp_kind kind, struct str kind_text, struct str proto,
				  struct str mid)
{
	struct sdp_media *media = sdp_add_media(b->out, kind);

	if (!media) {
		b->failed = true;
		return NULL;
	}
	media->kind_text = sdp_build_copy(b, kind_text);
	media->port = 9; /* discard: the real one comes by ICE (RFC 9429 5.2.1) */
	media->proto = sdp_build_copy(b, proto);
	media->protocol = sdp_proto_parse(proto);
	media->connection = STR("IN IP4 0.0.0.0");
	media->mid = sdp_build_copy(b, mid);
	return media;
}

void sdp_build_rejected(struct sdp_builder *b, const struct sdp_media *like, struct str mid)
{
	struct sdp_media *media = sdp_build_media(b, like->kind, like->kind_text, like->proto, mid);

	if (!media)
		return;
	media->port = 0;
	media->direction_given = true;
	media->direction = SDP_INACTIVE;
	for (size_t i = 0; i < like->format_count; i++)
		if (sdp_add_format(b->out, media, like->formats[i]))
			b->failed = true;
	for (size_t i = 0; i < like->codec_count; i++) {
		struct sdp_codec *codec = sdp_add_codec(b->out, media, like->codecs[i].payload_type);

		if (!codec)
			b->failed = true;
		else
			sdp_static_codec(codec->payload_type, codec);
	}
}

const struct sdp_transport *sdp_wish_transport(const struct sdp_local *local, const struct sdp_wish *wish)
{
	return wish->transport ? wish->transport : local->transport;
}

void sdp_build_transport(struct sdp_builder *b, struct sdp_media *media, const struct sdp_transport *t, enum sdp_setup setup,
			 bool carries)
{
	media->ice.ufrag = sdp_build_copy(b, t->ufrag);
	media->ice.pwd = sdp_build_copy(b, t->pwd);
	media->ice.options = sdp_build_copy(b, t->ice_options);
	media->setup = setup;
	for (size_t i = 0; i < t->fingerprint_count; i++) {
		struct sdp_fingerprint *fp = sdp_add_fingerprint(b->out, media);

		if (!fp) {
			b->failed = true;
			return;
		}
		*fp = t->fingerprints[i];
		fp->algorithm = sdp_build_copy(b, t->fingerprints[i].algorithm);
	}
	if (!carries)
		return;
	media->port = t->port ? t->port : 9;
	if (t->connection.size)
		media->connection = sdp_build_copy(b, t->connection);
	for (size_t i = 0; i < t->candidate_count; i++)
		if (sdp_add_candidate(b->out, media, t->candidates[i]))
			b->failed = true;
	media->end_of_candidates = t->end_of_candidates;
}

struct sdp_codec *sdp_build_codec(struct sdp_builder *b, struct sdp_media *media, uint8_t payload_type, struct str name,
				  uint32_t clock_hz, uint32_t channels, struct str fmtp)
{
	struct sdp_codec *codec = sdp_add_codec(b->out, media, payload_type);

	if (!codec || sdp_add_format(b->out, media, copy_number(b, payload_type))) {
		b->failed = true;
		return NULL;
	}
	codec->mapped = true;
	codec->name = sdp_build_copy(b, name);
	codec->clock_hz = clock_hz;
	codec->channels = channels;
	codec->fmtp = fmtp;
	return codec;
}

void sdp_build_feedback(struct sdp_builder *b, struct sdp_codec *codec, struct str type, struct str parameter)
{
	struct sdp_feedback *feedback = sdp_add_feedback(b->out, codec);

	if (!feedback) {
		b->failed = true;
		return;
	}
	feedback->type = sdp_build_copy(b, type);
	feedback->parameter = sdp_build_copy(b, parameter);
}

void sdp_build_extmap(struct sdp_builder *b, struct sdp_media *media, uint32_t id, enum sdp_direction direction,
		      struct str uri)
{
	struct sdp_extmap *map = sdp_add_extmap(b->out, media);

	if (!map) {
		b->failed = true;
		return;
	}
	map->id = id;
	map->direction = direction;
	map->direction_given = direction != SDP_SENDRECV;
	map->uri = sdp_build_copy(b, uri);
	map->attributes = STR("");
}

static void build_msid(struct sdp_builder *b, struct sdp_media *media, struct str stream, struct str track)
{
	struct sdp_msid *msid = sdp_add_msid(b->out, media);

	if (!msid) {
		b->failed = true;
		return;
	}
	msid->stream = sdp_build_copy(b, stream);
	msid->track = sdp_build_copy(b, track);
}

static bool has_rtx(const struct sdp_media *media)
{
	for (size_t i = 0; i < media->codec_count; i++)
		if (sdp_codec_is(&media->codecs[i], STR("rtx")))
			return true;
	return false;
}

static void build_ssrc(struct sdp_builder *b, struct sdp_media *media, uint32_t ssrc, struct str cname)
{
	struct sdp_ssrc *item = sdp_add_ssrc(b->out, media, ssrc);

	if (item)
		item->cname = sdp_build_copy(b, cname);
	else
		b->failed = true;
}

static void build_fid(struct sdp_builder *b, struct sdp_media *media, const struct sdp_encoding *e)
{
	struct sdp_ssrc_group *group = sdp_add_ssrc_group(b->out, media);

	if (group)
		group->semantics = STR("FID");
	if (!group || sdp_ssrc_group_add(b->out, group, e->ssrc) || sdp_ssrc_group_add(b->out, group, e->rtx_ssrc))
		b->failed = true;
}

void sdp_build_streams(struct sdp_builder *b, struct sdp_media *media, const struct sdp_wish *wish)
{
	bool rtx = has_rtx(media);

	if (!(media->direction & SDP_SENDONLY))
		return;
	for (size_t i = 0; i < wish->stream_count && wish->track.size; i++)
		build_msid(b, media, wish->streams[i], wish->track);
	if (!wish->stream_count && wish->track.size)
		build_msid(b, media, STR("-"), wish->track);
	for (size_t i = 0; i < wish->encoding_count; i++)
		if (media->simulcast.send.size && wish->encodings[i].rid.size)
			return; /* layers are told apart by rid, not by SSRC (RFC 8853 5) */
	for (size_t i = 0; i < wish->encoding_count; i++) {
		const struct sdp_encoding *e = &wish->encodings[i];

		if (!e->ssrc)
			continue;
		build_ssrc(b, media, e->ssrc, wish->cname);
		if (!rtx || !e->rtx_ssrc)
			continue;
		build_ssrc(b, media, e->rtx_ssrc, wish->cname);
		build_fid(b, media, e);
	}
}

void sdp_build_rid(struct sdp_builder *b, struct sdp_media *media, struct str id, bool paused,
		   enum sdp_direction direction, struct str restrictions, struct text *list)
{
	struct sdp_rid *rid = sdp_add_rid(b->out, media);

	if (!rid) {
		b->failed = true;
		return;
	}
	rid->id = sdp_build_copy(b, id);
	rid->direction = direction;
	rid->restrictions = sdp_build_copy(b, restrictions);
	if (list->size)
		text_add_char(list, ';');
	if (paused)
		text_add_char(list, '~');
	text_add_str(list, id);
}

const struct sdp_rid_limits *sdp_wish_limits(const struct sdp_wish *wish, struct str rid)
{
	for (size_t i = 0; i < wish->receive_limit_count; i++)
		if (str_equal(wish->receive_limits[i].rid, rid))
			return wish->receive_limits[i].limits;
	return NULL;
}

void sdp_build_simulcast(struct sdp_builder *b, struct text *list, struct str *place)
{
	if (!text_ok(list))
		b->failed = true;
	else if (list->size)
		*place = sdp_build_copy(b, (struct str){ list->at, list->size });
	text_free(list);
}

void sdp_build_sctp(struct sdp_builder *b, struct sdp_media *media, struct str app)
{
	const struct sdp_transport *t = b->local->transport;
	uint16_t port = t->sctp_port ? t->sctp_port : 5000;
	struct str format = app;

	if (media->protocol == SDP_PROTO_SCTP_LEGACY) {
		format = copy_number(b, port);
		media->sctpmap = (struct sdp_sctpmap){
			.given = true, .port = port, .app = sdp_build_copy(b, app), .streams = 65535
		};
	} else {
		media->has_sctp_port = true;
		media->sctp_port = port;
	}
	if (sdp_add_format(b->out, media, format))
		b->failed = true;
	media->has_max_message_size = true;
	media->max_message_size = t->max_message_size;
}

size_t sdp_wish_rank(const struct sdp_wish *wish, const struct sdp_capabilities *caps, size_t capability)
{
	if (!caps->codecs[capability].enabled || caps->codecs[capability].kind != wish->kind)
		return SIZE_MAX;
	if (!wish->codecs)
		return capability;
	for (size_t i = 0; i < wish->codec_count; i++)
		if (wish->codecs[i] == capability)
			return i;
	return SIZE_MAX;
}

enum sdp_direction sdp_wish_extension(const struct sdp_wish *wish, const struct sdp_capabilities *caps,
				      const struct sdp_extension_capability *extension)
{
	if (!wish->extension_directions)
		return SDP_SENDRECV;
	return (enum sdp_direction)(wish->extension_directions[extension - caps->extensions] & SDP_SENDRECV);
}

const struct sdp_extension_capability *sdp_find_extension(const struct sdp_capabilities *caps, enum sdp_kind kind,
							  enum sdp_extension extension)
{
	for (size_t i = 0; i < caps->extension_count; i++) {
		const struct sdp_extension_capability *e = &caps->extensions[i];

		if (e->extension == extension && e->enabled &&
		    (kind == SDP_AUDIO ? e->audio : kind == SDP_VIDEO && e->video))
			return e;
	}
	return NULL;
}
