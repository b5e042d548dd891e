#include "sdp/attr.h"

static const struct {
	enum sdp_hash hash;
	struct str name;
	size_t size;
} hashes[] = {
	{ SDP_HASH_SHA256, { "sha-256", 7 }, 32 }, { SDP_HASH_SHA384, { "sha-384", 7 }, 48 },
	{ SDP_HASH_SHA512, { "sha-512", 7 }, 64 }, { SDP_HASH_SHA224, { "sha-224", 7 }, 28 },
	{ SDP_HASH_SHA1, { "sha-1", 5 }, 20 },     { SDP_HASH_MD5, { "md5", 3 }, 16 },
};

bool sdp_fingerprint_parse(struct str value, struct sdp_fingerprint *out)
{
	struct sdp_fingerprint fp = { .algorithm = str_word(&value) };

	if (!sdp_is_token(fp.algorithm))
		return false;
	fp.size = str_hex_pairs(str_trim(value), fp.value, sizeof(fp.value));
	if (!fp.size)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		if (!str_equal_nocase(fp.algorithm, hashes[i].name))
			continue;
		if (fp.size != hashes[i].size)
			return false;
		fp.hash = hashes[i].hash;
	}
	*out = fp;
	return true;
}

void sdp_fingerprint_write(const struct sdp_fingerprint *fp, struct text *out)
{
	static const char digits[] = "0123456789ABCDEF";

	text_add_str(out, fp->algorithm);
	for (size_t i = 0; i < fp->size; i++) {
		text_add_char(out, i ? ':' : ' ');
		text_add_char(out, digits[fp->value[i] >> 4]);
		text_add_char(out, digits[fp->value[i] & 15]);
	}
}

bool sdp_fingerprint_equal(const struct sdp_fingerprint *a, const struct sdp_fingerprint *b)
{
	return str_equal_nocase(a->algorithm, b->algorithm) && a->size == b->size &&
	       !memcmp(a->value, b->value, a->size);
}

bool sdp_fingerprint_acceptable(const struct sdp_fingerprint *fp)
{
	return fp->hash == SDP_HASH_SHA256 || fp->hash == SDP_HASH_SHA384 || fp->hash == SDP_HASH_SHA512;
}

static const char *const setup_names[] = { "", "actpass", "active", "passive", "holdconn" };
static const char *const direction_names[] = { "inactive", "sendonly", "recvonly", "sendrecv" };
static const char *const kind_names[] = { "audio", "video", "application", "other" };

/* The index of |name| in a table of words, from |first| on; |count| when it is not there. */
static size_t word_index(struct str name, const char *const *words, size_t first, size_t count)
{
	for (size_t i = first; i < count; i++)
		if (str_equal_nocase(name, str_of(words[i])))
			return i;
	return count;
}

bool sdp_setup_parse(struct str value, enum sdp_setup *out)
{
	size_t i = word_index(str_trim(value), setup_names, SDP_SETUP_ACTPASS, ARRAY_SIZE(setup_names));

	if (i == ARRAY_SIZE(setup_names))
		return false;
	*out = (enum sdp_setup)i;
	return true;
}

const char *sdp_setup_name(enum sdp_setup setup)
{
	return setup_names[setup];
}

bool sdp_direction_parse(struct str name, enum sdp_direction *out)
{
	size_t i = word_index(name, direction_names, 0, ARRAY_SIZE(direction_names));

	if (i == ARRAY_SIZE(direction_names))
		return false;
	*out = (enum sdp_direction)i;
	return true;
}

const char *sdp_direction_name(enum sdp_direction direction)
{
	return direction_names[direction];
}

enum sdp_kind sdp_kind_parse(struct str name)
{
	return (enum sdp_kind)MIN(word_index(name, kind_names, 0, SDP_OTHER), (size_t)SDP_OTHER);
}

const char *sdp_kind_name(enum sdp_kind kind)
{
	return kind_names[kind];
}

enum sdp_proto sdp_proto_parse(struct str name)
{
	static const char *const rtp[] = {
		"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP",
		"RTP/SAVPF",         "RTP/SAVP",         "RTP/AVPF",           "RTP/AVP",
	};

	if (word_index(name, rtp, 0, ARRAY_SIZE(rtp)) < ARRAY_SIZE(rtp))
		return SDP_PROTO_RTP;
	if (str_equal_nocase(name, STR("UDP/DTLS/SCTP")) || str_equal_nocase(name, STR("TCP/DTLS/SCTP")))
		return SDP_PROTO_SCTP;
	return str_equal_nocase(name, STR("DTLS/SCTP")) ? SDP_PROTO_SCTP_LEGACY : SDP_PROTO_OTHER;
}

bool sdp_extmap_parse(struct str value, struct sdp_extmap *out)
{
	struct sdp_extmap map = { .direction = SDP_SENDRECV };
	struct str entry = str_word(&value);
	struct str id = str_cut(&entry, '/');

	if (!str_u32(id, 4351, &map.id) || map.id == 0 || (map.id > 255 && map.id < 4096))
		return false;
	map.direction_given = entry.size > 0;
	if (map.direction_given && !sdp_direction_parse(entry, &map.direction))
		return false;
	map.uri = str_word(&value);
	map.attributes = str_trim(value);
	if (!map.uri.size)
		return false;
	*out = map;
	return true;
}

void sdp_extmap_write(const struct sdp_extmap *extmap, struct text *out)
{
	text_addf(out, "%u", (unsigned)extmap->id);
	if (extmap->direction_given) {
		text_add_char(out, '/');
		text_add(out, sdp_direction_name(extmap->direction));
	}
	text_add_char(out, ' ');
	text_add_str(out, extmap->uri);
	if (extmap->attributes.size) {
		text_add_char(out, ' ');
		text_add_str(out, extmap->attributes);
	}
}

bool sdp_rtpmap_parse(struct str value, struct sdp_codec *out)
{
	uint32_t payload_type, clock_hz, channels = 0;
	struct str type = str_word(&value);
	struct str encoding = str_trim(value);
	struct str name = str_cut(&encoding, '/');
	struct str clock = str_cut(&encoding, '/');

	if (!str_u32(type, 127, &payload_type) || !sdp_is_token(name) || !str_u32(clock, UINT32_MAX, &clock_hz) ||
	    !clock_hz)
		return false;
	if (encoding.size && !str_u32(encoding, 255, &channels))
		return false;
	out->payload_type = (uint8_t)payload_type;
	out->name = name;
	out->clock_hz = clock_hz;
	out->channels = channels;
	return true;
}

void sdp_rtpmap_write(const struct sdp_codec *codec, struct text *out)
{
	text_addf(out, "%u ", codec->payload_type);
	text_add_str(out, codec->name);
	text_addf(out, "/%u", (unsigned)codec->clock_hz);
	if (codec->channels)
		text_addf(out, "/%u", (unsigned)codec->channels);
}

bool sdp_static_codec(uint8_t payload_type, struct sdp_codec *out)
{
	static const struct {
		uint8_t type;
		struct str name;
		uint32_t clock_hz;
	} types[] = {
		{ 0, { "PCMU", 4 }, 8000 },   { 3, { "GSM", 3 }, 8000 },    { 4, { "G723", 4 }, 8000 },
		{ 8, { "PCMA", 4 }, 8000 },   { 9, { "G722", 4 }, 8000 },   { 13, { "CN", 2 }, 8000 },
		{ 15, { "G728", 4 }, 8000 },  { 18, { "G729", 4 }, 8000 },  { 26, { "JPEG", 4 }, 90000 },
		{ 31, { "H261", 4 }, 90000 }, { 34, { "H263", 4 }, 90000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type != payload_type)
			continue;
		out->name = types[i].name;
		out->clock_hz = types[i].clock_hz;
		out->channels = 0;
		return true;
	}
	return false;
}

bool sdp_fmtp_next(struct str *rest, struct sdp_param *out)
{
	while (rest->size) {
		struct str part = str_trim(str_cut(rest, ';'));
		struct str value = part;
		struct str name;

		if (!part.size)
			continue;
		name = str_cut(&value, '=');
		if (name.size == part.size) /* no "=" in it */
			*out = (struct sdp_param){ STR(""), part };
		else
			*out = (struct sdp_param){ str_trim(name), str_trim(value) };
		return true;
	}
	return false;
}

bool sdp_fmtp_get(struct str fmtp, struct str name, struct str *out)
{
	struct sdp_param param;

	while (sdp_fmtp_next(&fmtp, &param)) {
		if (!str_equal_nocase(param.name, name))
			continue;
		*out = param.value;
		return true;
	}
	return false;
}

bool sdp_fmtp_number(struct str fmtp, struct str name, uint32_t max, uint32_t *out)
{
	struct str value;

	return sdp_fmtp_get(fmtp, name, &value) && str_u32(value, max, out);
}

/* RFC 8851 10: letters, digits, "-" and "_". */
bool sdp_is_rid(struct str s)
{
	for (size_t i = 0; i < s.size; i++) {
		char c = s.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
		      c == '_'))
			return false;
	}
	return s.size > 0 && s.size <= 255;
}

bool sdp_rid_parse(struct str value, struct sdp_rid *out)
{
	struct sdp_rid rid = { .id = str_word(&value) };
	struct str direction = str_word(&value);

	if (!sdp_is_rid(rid.id))
		return false;
	if (str_equal(direction, STR("send")))
		rid.direction = SDP_SENDONLY;
	else if (str_equal(direction, STR("recv")))
		rid.direction = SDP_RECVONLY;
	else
		return false;
	rid.restrictions = str_trim(value);
	*out = rid;
	return true;
}

void sdp_rid_write(const struct sdp_rid *rid, struct text *out)
{
	text_add_str(out, rid->id);
	text_add(out, rid->direction == SDP_SENDONLY ? " send" : " recv");
	if (rid->restrictions.size) {
		text_add_char(out, ' ');
		text_add_str(out, rid->restrictions);
	}
}

/* Every stream of the list has a well-formed first alternative. */
static bool simulcast_list_ok(struct str list)
{
	struct sdp_simulcast_stream stream;

	if (!list.size)
		return false;
	while (sdp_simulcast_next(&list, &stream))
		if (!sdp_is_rid(stream.rid))
			return false;
	return true;
}

bool sdp_simulcast_parse(struct str value, struct sdp_simulcast *out)
{
	struct sdp_simulcast both = { STR(""), STR("") };

	for (int i = 0; i < 2; i++) {
		struct str direction = str_word(&value);
		struct str list = str_word(&value);
		struct str *place = str_equal(direction, STR("send"))   ? &both.send
				    : str_equal(direction, STR("recv")) ? &both.recv
									: NULL;

		if (i == 1 && !direction.size)
			break;
		if (!place || place->size || !simulcast_list_ok(list))
			return false;
		*place = list;
	}
	if (str_trim(value).size)
		return false;
	*out = both;
	return true;
}

void sdp_simulcast_write(const struct sdp_simulcast *simulcast, struct text *out)
{
	if (simulcast->send.size) {
		text_add(out, "send ");
		text_add_str(out, simulcast->send);
	}
	if (simulcast->recv.size) {
		text_add(out, simulcast->send.size ? " recv " : "recv ");
		text_add_str(out, simulcast->recv);
	}
}

bool sdp_simulcast_next(struct str *rest, struct sdp_simulcast_stream *out)
{
	struct str alternatives;

	if (!rest->size)
		return false;
	alternatives = str_cut(rest, ';');
	*out = (struct sdp_simulcast_stream){ .alternatives = alternatives };
	(void)sdp_simulcast_alternative(&alternatives, out);
	return true;
}

bool sdp_simulcast_alternative(struct str *rest, struct sdp_simulcast_stream *out)
{
	struct str one;

	if (!rest->size)
		return false;
	one = str_cut(rest, ',');
	out->paused = one.size && one.at[0] == '~';
	out->rid = out->paused ? (struct str){ one.at + 1, one.size - 1 } : one;
	return true;
}

bool sdp_candidate_trim(struct str value, struct str *out)
{
	struct str line = str_trim(value);

	if (str_starts(line, STR("a="))) {
		line.at += 2;
		line.size -= 2;
	}
	if (!str_starts(line, STR("candidate:")) || line.size > SDP_MAX_LINE - 2)
		return false;
	*out = line;
	return true;
}

bool sdp_is_token(struct str s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' || strchr("\"(),/:;<=>?@[\\]", s.at[i]))
			return false;
	return s.size > 0 && s.size <= 256;
}

bool sdp_is_word(struct str s)
{
	for (size_t i = 0; i < s.size; i++)
		if ((unsigned char)s.at[i] <= ' ' || s.at[i] == 0x7f)
			return false;
	return s.size > 0;
}

bool sdp_is_ice_chars(struct str s, size_t min, size_t max)
{
	for (size_t i = 0; i < s.size; i++) {
		char c = s.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' ||
		      c == '/'))
			return false;
	}
	return s.size >= min && s.size <= max;
}
