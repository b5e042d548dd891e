/*
 * Lines in, model out. One pass; each attribute is looked up in a table of handlers and stored in constant time (SSRCs:
 * in at most SDP_MAX_SSRCS steps), so that hostile input costs no more than honest input of the same size.
 *
 * Tolerance: what the model has no field for, and known attributes at a place or in a form that carries no meaning, go
 * to the list of other attributes and are written back as they came. What is plainly malformed is an error with its
 * line.
 */
#include "core/alloc.h"
#include "sdp/attr.h"
#include "sdp/sdp.h"

enum { NO_CODEC = 0xff };

struct parser {
	struct sdp_session *session;
	struct sdp_media *media; /* NULL: still in the session part */
	struct sdp_error *err;
	size_t line;
	bool fragment;         /* a trickle-ice-sdpfrag: no v= is expected */
	uint8_t codec_of[128]; /* payload type -> index in media->codecs, or NO_CODEC */
};

#define FAIL(p, ...)     sdp_fail((p)->err, WLK_ERR_PARSE, (p)->line, __VA_ARGS__)
#define TOO_MANY(p, ...) sdp_fail((p)->err, WLK_ERR_TOO_LARGE, (p)->line, __VA_ARGS__)
#define NOMEM(p)         sdp_fail((p)->err, WLK_ERR_NOMEM, (p)->line, "out of memory")

/* For messages: a short, harmless piece of the input. */
#define SHOWN(s) (int)MIN((s).size, (size_t)40), (s).at

/* Keep an attribute as it came. */
static wlk_err keep(struct parser *p, struct str name, struct str value, bool has_value)
{
	struct sdp_attribute *other = sdp_add_attribute(p->session, p->media);

	if (!other)
		return NOMEM(p);
	*other = (struct sdp_attribute){ name, value, has_value };
	return WLK_OK;
}

/* --- attributes of session and section --- */

static wlk_err on_fingerprint(struct parser *p, struct str value)
{
	struct sdp_fingerprint fp;
	struct sdp_fingerprint *item;
	size_t count = p->media ? p->media->fingerprint_count : p->session->fingerprint_count;

	if (!sdp_fingerprint_parse(value, &fp))
		return FAIL(p, "malformed a=fingerprint");
	if (count >= SDP_MAX_FINGERPRINTS)
		return TOO_MANY(p, "more than %d fingerprints", SDP_MAX_FINGERPRINTS);
	item = sdp_add_fingerprint(p->session, p->media);
	if (!item)
		return NOMEM(p);
	*item = fp;
	return WLK_OK;
}

static struct sdp_ice *ice_place(struct parser *p)
{
	return p->media ? &p->media->ice : &p->session->ice;
}

static wlk_err on_ice_ufrag(struct parser *p, struct str value)
{
	ice_place(p)->ufrag = str_trim(value);
	return WLK_OK;
}

static wlk_err on_ice_pwd(struct parser *p, struct str value)
{
	ice_place(p)->pwd = str_trim(value);
	return WLK_OK;
}

static wlk_err on_ice_options(struct parser *p, struct str value)
{
	ice_place(p)->options = str_trim(value);
	return WLK_OK;
}

static wlk_err on_setup(struct parser *p, struct str value)
{
	if (!sdp_setup_parse(value, p->media ? &p->media->setup : &p->session->setup))
		return FAIL(p, "unknown a=setup value \"%.*s\"", SHOWN(value));
	return WLK_OK;
}

static wlk_err on_extmap(struct parser *p, struct str value)
{
	struct sdp_extmap map;
	struct sdp_extmap *item;

	if (!sdp_extmap_parse(value, &map))
		return FAIL(p, "malformed a=extmap \"%.*s\"", SHOWN(value));
	item = sdp_add_extmap(p->session, p->media);
	if (!item)
		return NOMEM(p);
	*item = map;
	return WLK_OK;
}

static void set_direction(struct parser *p, enum sdp_direction direction)
{
	if (p->media) {
		p->media->direction = direction;
		p->media->direction_given = true;
	} else {
		p->session->direction = direction;
		p->session->direction_given = true;
	}
}

static wlk_err on_sendrecv(struct parser *p, struct str value)
{
	(void)value;
	set_direction(p, SDP_SENDRECV);
	return WLK_OK;
}

static wlk_err on_sendonly(struct parser *p, struct str value)
{
	(void)value;
	set_direction(p, SDP_SENDONLY);
	return WLK_OK;
}

static wlk_err on_recvonly(struct parser *p, struct str value)
{
	(void)value;
	set_direction(p, SDP_RECVONLY);
	return WLK_OK;
}

static wlk_err on_inactive(struct parser *p, struct str value)
{
	(void)value;
	set_direction(p, SDP_INACTIVE);
	return WLK_OK;
}

static wlk_err on_extmap_allow_mixed(struct parser *p, struct str value)
{
	(void)value;
	*(p->media ? &p->media->extmap_allow_mixed : &p->session->extmap_allow_mixed) = true;
	return WLK_OK;
}

static wlk_err on_end_of_candidates(struct parser *p, struct str value)
{
	(void)value;
	*(p->media ? &p->media->end_of_candidates : &p->session->end_of_candidates) = true;
	return WLK_OK;
}

/* --- attributes of the session only --- */

static wlk_err on_group(struct parser *p, struct str value)
{
	struct sdp_group *group;
	struct str semantics = str_word(&value);

	if (!sdp_is_token(semantics))
		return FAIL(p, "malformed a=group");
	group = sdp_add_group(p->session);
	if (!group)
		return NOMEM(p);
	group->semantics = semantics;
	while (value.size) {
		struct str mid = str_word(&value);

		if (!mid.size || sdp_group_has(group, mid))
			continue;
		if (group->mid_count >= SDP_MAX_MEDIA)
			return FAIL(p, "too many mids in a group");
		if (sdp_group_add_mid(p->session, group, mid))
			return NOMEM(p);
	}
	return WLK_OK;
}

static wlk_err on_msid_semantic(struct parser *p, struct str value)
{
	p->session->msid_semantic = value; /* Chromium writes a blank in front; kept as it came */
	return WLK_OK;
}

static wlk_err on_ice_lite(struct parser *p, struct str value)
{
	(void)value;
	p->session->ice_lite = true;
	return WLK_OK;
}

/* --- attributes of a section only --- */

static wlk_err on_mid(struct parser *p, struct str value)
{
	struct str mid = str_trim(value);

	if (!sdp_is_word(mid))
		return FAIL(p, "malformed a=mid");
	if (p->media->mid.size && !str_equal(p->media->mid, mid))
		return FAIL(p, "a second a=mid in one section");
	p->media->mid = mid;
	return WLK_OK;
}

static wlk_err on_bundle_only(struct parser *p, struct str value)
{
	(void)value;
	p->media->bundle_only = true;
	return WLK_OK;
}

static wlk_err on_rtcp_mux(struct parser *p, struct str value)
{
	(void)value;
	p->media->rtcp_mux = true;
	return WLK_OK;
}

static wlk_err on_rtcp_mux_only(struct parser *p, struct str value)
{
	(void)value;
	p->media->rtcp_mux_only = true;
	return WLK_OK;
}

static wlk_err on_rtcp_rsize(struct parser *p, struct str value)
{
	(void)value;
	p->media->rtcp_rsize = true;
	return WLK_OK;
}

static wlk_err on_rtcp(struct parser *p, struct str value)
{
	p->media->rtcp = str_trim(value);
	return WLK_OK;
}

/* |value| is what stands behind "candidate:"; the name in front of it is part of the line that ICE reads. */
static wlk_err on_candidate(struct parser *p, struct str value)
{
	struct str line = { value.at - strlen("candidate:"), value.size + strlen("candidate:") };

	return sdp_add_candidate(p->session, p->media, line) ? NOMEM(p) : WLK_OK;
}

/* The codec of a payload type of this m-line, or NULL. */
static struct sdp_codec *codec_of(struct parser *p, struct str type)
{
	uint32_t number;

	if (!str_u32(type, 127, &number) || p->codec_of[number] == NO_CODEC)
		return NULL;
	return &p->media->codecs[p->codec_of[number]];
}

static wlk_err on_rtpmap(struct parser *p, struct str value)
{
	struct sdp_codec map = { 0 };
	struct str rest = value;
	struct sdp_codec *codec = codec_of(p, str_word(&rest));

	if (p->media->protocol != SDP_PROTO_RTP)
		return keep(p, STR("rtpmap"), value, true);
	if (!sdp_rtpmap_parse(value, &map))
		return FAIL(p, "malformed a=rtpmap \"%.*s\"", SHOWN(value));
	if (!codec)
		return keep(p, STR("rtpmap"), value, true);
	if (codec->mapped && (!str_equal_nocase(codec->name, map.name) || codec->clock_hz != map.clock_hz ||
			      codec->channels != map.channels))
		return FAIL(p, "payload type %u is mapped to two codecs", map.payload_type);
	codec->mapped = true;
	codec->name = map.name;
	codec->clock_hz = map.clock_hz;
	codec->channels = map.channels;
	return WLK_OK;
}

static wlk_err on_fmtp(struct parser *p, struct str value)
{
	struct str rest = value;
	struct sdp_codec *codec = codec_of(p, str_word(&rest));

	rest = str_trim(rest);
	if (!codec || codec->fmtp.size || !rest.size)
		return keep(p, STR("fmtp"), value, true);
	codec->fmtp = rest;
	return WLK_OK;
}

static wlk_err on_rtcp_fb(struct parser *p, struct str value)
{
	struct str rest = value;
	struct str type = str_word(&rest);
	struct str kind = str_word(&rest);
	struct sdp_codec *codec = codec_of(p, type);
	bool all = str_equal(type, STR("*")) && p->media->protocol == SDP_PROTO_RTP;
	struct sdp_feedback *item;

	if ((!codec && !all) || !kind.size)
		return keep(p, STR("rtcp-fb"), value, true);
	item = all ? sdp_add_wildcard_feedback(p->session, p->media) : sdp_add_feedback(p->session, codec);
	if (!item)
		return NOMEM(p);
	*item = (struct sdp_feedback){ kind, str_trim(rest) };
	return WLK_OK;
}

/* Lines of one SSRC stand together, so the last entry is the usual hit. */
static wlk_err find_ssrc(struct parser *p, uint32_t ssrc, struct sdp_ssrc **out)
{
	for (size_t i = p->media->ssrc_count; i-- > 0;) {
		if (p->media->ssrcs[i].ssrc != ssrc)
			continue;
		*out = &p->media->ssrcs[i];
		return WLK_OK;
	}
	if (p->media->ssrc_count >= SDP_MAX_SSRCS)
		return TOO_MANY(p, "more than %d SSRCs in one section", SDP_MAX_SSRCS);
	*out = sdp_add_ssrc(p->session, p->media, ssrc);
	return *out ? WLK_OK : NOMEM(p);
}

static wlk_err on_ssrc(struct parser *p, struct str value)
{
	struct str rest = value;
	struct str id = str_word(&rest);
	struct str attribute = str_trim(rest);
	struct str name = str_cut(&attribute, ':');
	struct sdp_ssrc *ssrc;
	struct str *place = NULL;
	uint32_t number;
	wlk_err err;

	if (!str_u32(id, UINT32_MAX, &number))
		return FAIL(p, "malformed a=ssrc \"%.*s\"", SHOWN(value));
	err = find_ssrc(p, number, &ssrc);
	if (err)
		return err;
	attribute = str_trim(attribute);
	if (str_equal(name, STR("cname")))
		place = &ssrc->cname;
	else if (str_equal(name, STR("msid")))
		place = &ssrc->msid;
	if (!place || place->size || !attribute.size)
		return keep(p, STR("ssrc"), value, true);
	*place = attribute;
	return WLK_OK;
}

static wlk_err on_ssrc_group(struct parser *p, struct str value)
{
	struct sdp_ssrc_group *group;
	struct str semantics = str_word(&value);

	if (!sdp_is_token(semantics))
		return FAIL(p, "malformed a=ssrc-group");
	group = sdp_add_ssrc_group(p->session, p->media);
	if (!group)
		return NOMEM(p);
	group->semantics = semantics;
	while (value.size) {
		struct str id = str_word(&value);
		uint32_t ssrc;

		if (!id.size)
			continue;
		if (!str_u32(id, UINT32_MAX, &ssrc))
			return FAIL(p, "malformed a=ssrc-group");
		if (sdp_ssrc_group_add(p->session, group, ssrc))
			return NOMEM(p);
	}
	return WLK_OK;
}

static wlk_err on_msid(struct parser *p, struct str value)
{
	struct sdp_msid msid = { .stream = str_word(&value) };
	struct sdp_msid *item;

	msid.track = str_trim(value);
	if (!msid.stream.size)
		return FAIL(p, "malformed a=msid");
	item = sdp_add_msid(p->session, p->media);
	if (!item)
		return NOMEM(p);
	*item = msid;
	return WLK_OK;
}

static wlk_err on_rid(struct parser *p, struct str value)
{
	struct sdp_rid rid;
	struct sdp_rid *item;

	if (!sdp_rid_parse(value, &rid))
		return FAIL(p, "malformed a=rid \"%.*s\"", SHOWN(value));
	item = sdp_add_rid(p->session, p->media);
	if (!item)
		return NOMEM(p);
	*item = rid;
	return WLK_OK;
}

/* Drafts before RFC 8853 wrote "a=simulcast: send rid=1;2": kept, not understood. */
static wlk_err on_simulcast(struct parser *p, struct str value)
{
	struct sdp_simulcast *place = &p->media->simulcast;

	if (place->send.size || place->recv.size || !sdp_simulcast_parse(value, place))
		return keep(p, STR("simulcast"), value, true);
	return WLK_OK;
}

static wlk_err on_ptime(struct parser *p, struct str value)
{
	uint32_t ms;

	if (p->media->ptime || !str_u32(str_trim(value), 60000, &ms) || !ms)
		return keep(p, STR("ptime"), value, true);
	p->media->ptime = ms;
	return WLK_OK;
}

static wlk_err on_maxptime(struct parser *p, struct str value)
{
	uint32_t ms;

	if (p->media->maxptime || !str_u32(str_trim(value), 60000, &ms) || !ms)
		return keep(p, STR("maxptime"), value, true);
	p->media->maxptime = ms;
	return WLK_OK;
}

static wlk_err on_sctp_port(struct parser *p, struct str value)
{
	uint32_t port;

	if (!str_u32(str_trim(value), UINT16_MAX, &port) || !port)
		return FAIL(p, "malformed a=sctp-port");
	p->media->has_sctp_port = true;
	p->media->sctp_port = (uint16_t)port;
	return WLK_OK;
}

static wlk_err on_sctpmap(struct parser *p, struct str value)
{
	struct str rest = value;
	struct str number = str_word(&rest);
	struct sdp_sctpmap map = { .given = true, .app = str_word(&rest) };
	struct str streams = str_trim(rest);
	uint32_t port;

	if (p->media->sctpmap.given)
		return keep(p, STR("sctpmap"), value, true);
	if (!str_u32(number, UINT16_MAX, &port) || !map.app.size ||
	    (streams.size && (!str_u32(streams, 65536, &map.streams) || !map.streams)))
		return FAIL(p, "malformed a=sctpmap");
	map.port = (uint16_t)port;
	p->media->sctpmap = map;
	return WLK_OK;
}

static wlk_err on_max_message_size(struct parser *p, struct str value)
{
	if (!str_u64(str_trim(value), UINT64_MAX, &p->media->max_message_size))
		return FAIL(p, "malformed a=max-message-size");
	p->media->has_max_message_size = true;
	return WLK_OK;
}

/* --- the table --- */

enum { IN_SESSION = 1, IN_MEDIA = 2, ANYWHERE = 3 };

static const struct {
	struct str name;
	unsigned where;
	wlk_err (*handle)(struct parser *p, struct str value);
} attributes[] = {
#define ATTRIBUTE(name, where, handle)                                                                                 \
	{                                                                                                              \
		{ name, sizeof(name) - 1 }, where, handle                                                              \
	}
	ATTRIBUTE("rtcp-fb", IN_MEDIA, on_rtcp_fb), /* the frequent ones first */
	ATTRIBUTE("rtpmap", IN_MEDIA, on_rtpmap),
	ATTRIBUTE("fmtp", IN_MEDIA, on_fmtp),
	ATTRIBUTE("extmap", ANYWHERE, on_extmap),
	ATTRIBUTE("candidate", IN_MEDIA, on_candidate),
	ATTRIBUTE("ssrc", IN_MEDIA, on_ssrc),
	ATTRIBUTE("ssrc-group", IN_MEDIA, on_ssrc_group),
	ATTRIBUTE("fingerprint", ANYWHERE, on_fingerprint),
	ATTRIBUTE("ice-ufrag", ANYWHERE, on_ice_ufrag),
	ATTRIBUTE("ice-pwd", ANYWHERE, on_ice_pwd),
	ATTRIBUTE("ice-options", ANYWHERE, on_ice_options),
	ATTRIBUTE("setup", ANYWHERE, on_setup),
	ATTRIBUTE("sendrecv", ANYWHERE, on_sendrecv),
	ATTRIBUTE("sendonly", ANYWHERE, on_sendonly),
	ATTRIBUTE("recvonly", ANYWHERE, on_recvonly),
	ATTRIBUTE("inactive", ANYWHERE, on_inactive),
	ATTRIBUTE("extmap-allow-mixed", ANYWHERE, on_extmap_allow_mixed),
	ATTRIBUTE("end-of-candidates", ANYWHERE, on_end_of_candidates),
	ATTRIBUTE("group", IN_SESSION, on_group),
	ATTRIBUTE("msid-semantic", IN_SESSION, on_msid_semantic),
	ATTRIBUTE("ice-lite", IN_SESSION, on_ice_lite),
	ATTRIBUTE("mid", IN_MEDIA, on_mid),
	ATTRIBUTE("bundle-only", IN_MEDIA, on_bundle_only),
	ATTRIBUTE("rtcp-mux", IN_MEDIA, on_rtcp_mux),
	ATTRIBUTE("rtcp-mux-only", IN_MEDIA, on_rtcp_mux_only),
	ATTRIBUTE("rtcp-rsize", IN_MEDIA, on_rtcp_rsize),
	ATTRIBUTE("rtcp", IN_MEDIA, on_rtcp),
	ATTRIBUTE("msid", IN_MEDIA, on_msid),
	ATTRIBUTE("rid", IN_MEDIA, on_rid),
	ATTRIBUTE("simulcast", IN_MEDIA, on_simulcast),
	ATTRIBUTE("ptime", IN_MEDIA, on_ptime),
	ATTRIBUTE("maxptime", IN_MEDIA, on_maxptime),
	ATTRIBUTE("sctp-port", IN_MEDIA, on_sctp_port),
	ATTRIBUTE("sctpmap", IN_MEDIA, on_sctpmap),
	ATTRIBUTE("max-message-size", IN_MEDIA, on_max_message_size),
#undef ATTRIBUTE
};

static wlk_err on_attribute(struct parser *p, struct str text)
{
	size_t *count = p->media ? &p->media->attribute_count : &p->session->attribute_count;
	unsigned here = p->media ? IN_MEDIA : IN_SESSION;
	struct str value = text;
	struct str name = str_cut(&value, ':');

	if (!name.size)
		return FAIL(p, "an attribute without a name");
	if (++*count > SDP_MAX_ATTRIBUTES)
		return TOO_MANY(p, "more than %d attributes in one section", SDP_MAX_ATTRIBUTES);
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if ((attributes[i].where & here) && str_equal(name, attributes[i].name))
			return attributes[i].handle(p, value);
	return keep(p, name, value, name.size < text.size);
}

/* --- lines other than a= --- */

/* One format of an RTP m-line: a payload type becomes a codec. */
static wlk_err on_payload_type(struct parser *p, struct str format)
{
	struct sdp_codec *codec;
	uint32_t type;

	if (!str_u32(format, 127, &type))
		return FAIL(p, "malformed payload type \"%.*s\"", SHOWN(format));
	if (p->codec_of[type] != NO_CODEC)
		return WLK_OK; /* listed twice: once is enough */
	codec = sdp_add_codec(p->session, p->media, (uint8_t)type);
	if (!codec || sdp_add_format(p->session, p->media, format))
		return NOMEM(p);
	sdp_static_codec((uint8_t)type, codec);
	p->codec_of[type] = (uint8_t)(p->media->codec_count - 1);
	return WLK_OK;
}

static wlk_err on_formats(struct parser *p, struct str formats)
{
	wlk_err err;

	while (formats.size) {
		struct str format = str_word(&formats);

		if (!format.size)
			continue;
		if (p->media->format_count >= SDP_MAX_CODECS && p->media->protocol != SDP_PROTO_RTP)
			return TOO_MANY(p, "more than %d formats in one m-line", SDP_MAX_CODECS);
		if (p->media->protocol == SDP_PROTO_RTP)
			err = on_payload_type(p, format);
		else
			err = sdp_add_format(p->session, p->media, format) ? NOMEM(p) : WLK_OK;
		if (err)
			return err;
	}
	return p->media->format_count ? WLK_OK : FAIL(p, "an m-line without a format");
}

static wlk_err on_media(struct parser *p, struct str value)
{
	struct str kind = str_word(&value);
	struct str ports = str_word(&value);
	struct str proto = str_word(&value);
	uint32_t port;

	if (!sdp_is_token(kind) || !str_u32(str_cut(&ports, '/'), UINT16_MAX, &port) || !proto.size)
		return FAIL(p, "malformed m-line");
	if (p->session->media_count >= SDP_MAX_MEDIA)
		return TOO_MANY(p, "more than %d m-lines", SDP_MAX_MEDIA);
	p->media = sdp_add_media(p->session, sdp_kind_parse(kind));
	if (!p->media)
		return NOMEM(p);
	memset(p->codec_of, NO_CODEC, sizeof(p->codec_of));
	p->media->line = p->line;
	p->media->kind_text = kind;
	p->media->port = (uint16_t)port;
	p->media->proto = proto;
	p->media->protocol = sdp_proto_parse(proto);
	return on_formats(p, value);
}

static wlk_err on_origin(struct parser *p, struct str value)
{
	struct sdp_session *s = p->session;

	s->origin_user = str_word(&value);
	s->origin_id = str_word(&value);
	s->origin_version = str_word(&value);
	s->origin_address = str_trim(value);
	if (!s->origin_address.size)
		return FAIL(p, "malformed o= line");
	return WLK_OK;
}

static wlk_err on_connection(struct parser *p, struct str value)
{
	struct str *place = p->media ? &p->media->connection : &p->session->connection;

	if (!place->size)
		*place = str_trim(value);
	return WLK_OK;
}

static wlk_err on_line(struct parser *p, char type, struct str value)
{
	switch (type) {
	case 'v':
		return str_equal(str_trim(value), STR("0")) ? WLK_OK : FAIL(p, "unknown version of SDP");
	case 'o':
		return on_origin(p, value);
	case 's':
		p->session->name = value;
		return WLK_OK;
	case 'c':
		return on_connection(p, value);
	case 'b':
		return sdp_add_bandwidth(p->session, p->media, str_trim(value)) ? NOMEM(p) : WLK_OK;
	case 'm':
		return on_media(p, value);
	case 'a':
		return on_attribute(p, value);
	default:
		return WLK_OK; /* t=, i=, k= and the like mean nothing to us; unknown letters are to be ignored */
	}
}

static wlk_err check_line(struct parser *p, struct str line, bool first)
{
	if (line.size > SDP_MAX_LINE)
		return TOO_MANY(p, "a line longer than %d bytes", SDP_MAX_LINE);
	if (memchr(line.at, '\0', line.size))
		return FAIL(p, "a NUL character");
	if (memchr(line.at, '\r', line.size))
		return FAIL(p, "a carriage return inside a line");
	if (first && !p->fragment && !str_starts(line, STR("v=")))
		return FAIL(p, "a description starts with v=0");
	if (line.size < 2 || line.at[1] != '=')
		return FAIL(p, "not a line of a session description");
	return WLK_OK;
}

static wlk_err parse_lines(struct parser *p, struct str text)
{
	bool first = true;
	wlk_err err = WLK_OK;

	while (text.size && !err) {
		struct str line = str_cut(&text, '\n');

		p->line++;
		if (line.size && line.at[line.size - 1] == '\r')
			line.size--;
		if (!line.size)
			continue;
		err = check_line(p, line, first);
		first = false;
		if (!err)
			err = on_line(p, line.at[0], (struct str){ line.at + 2, line.size - 2 });
	}
	if (!err && first)
		err = FAIL(p, "the description is empty");
	return err;
}

static wlk_err parse(struct sdp_session **out, struct str text, bool fragment, struct sdp_error *error)
{
	struct parser p = { .err = error, .fragment = fragment };
	wlk_err err;

	if (text.size > SDP_MAX_SIZE)
		return sdp_fail(error, WLK_ERR_TOO_LARGE, 0, "a description of more than %d bytes", SDP_MAX_SIZE);
	err = sdp_session_create(&p.session);
	if (err)
		return NOMEM(&p);
	/* The model points into this copy. */
	if (sdp_copy(p.session, text, &text))
		err = NOMEM(&p);
	else
		err = parse_lines(&p, text);
	if (err) {
		sdp_session_destroy(p.session);
		return err;
	}
	*out = p.session;
	return WLK_OK;
}

wlk_err sdp_parse(struct sdp_session **out, const char *text, size_t size, struct sdp_error *err)
{
	return parse(out, (struct str){ text, size }, false, err);
}

wlk_err sdp_fragment_parse(struct sdp_session **out, const char *text, size_t size, struct sdp_error *err)
{
	return parse(out, (struct str){ text, size }, true, err);
}
