#include "sdp/rid.h"

#include "sdp/attr.h"

/* RFC 8851 10: digits with an optional fraction; a count of zero restricts nothing that could be meant. */
static bool read_decimal(struct str text, double *out)
{
	struct str fraction = text;
	struct str whole = str_cut(&fraction, '.');
	bool has_fraction = whole.size < text.size;
	uint64_t number, part = 0;
	double scale = 1;

	if (!str_u64(whole, UINT32_MAX, &number) || (has_fraction && (fraction.size > 9 || !str_u64(fraction, UINT32_MAX, &part))))
		return false;
	for (size_t i = 0; has_fraction && i < fraction.size; i++)
		scale *= 10;
	*out = (double)number + (double)part / scale;
	return *out > 0;
}

static bool read_number(struct str text, uint64_t max, uint64_t *out)
{
	uint64_t value;

	if (!str_u64(text, max, &value) || !value)
		return false;
	*out = value;
	return true;
}

static bool read_size(struct str text, uint32_t *out)
{
	uint64_t value;

	if (!read_number(text, UINT32_MAX, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool read_types(struct str list, struct sdp_rid_limits *out)
{
	while (list.size) {
		uint32_t type;

		if (out->type_count == SDP_RID_TYPES_MAX || !str_u32(str_cut(&list, ','), 127, &type))
			return false;
		out->types[out->type_count++] = (uint8_t)type;
	}
	return out->type_count > 0;
}

static bool name_is(const struct sdp_param *param, const char *name)
{
	return str_equal_nocase(param->name, str_of(name));
}

static bool read_one(const struct sdp_param *param, struct sdp_rid_limits *out)
{
	if (name_is(param, "pt"))
		return read_types(param->value, out);
	if (name_is(param, "max-width"))
		return read_size(param->value, &out->max_width);
	if (name_is(param, "max-height"))
		return read_size(param->value, &out->max_height);
	if (name_is(param, "max-fps"))
		return read_decimal(param->value, &out->max_fps);
	if (name_is(param, "max-fs"))
		return read_number(param->value, UINT64_MAX, &out->max_fs);
	if (name_is(param, "max-br"))
		return read_number(param->value, UINT64_MAX, &out->max_br);
	if (name_is(param, "max-pps"))
		return read_number(param->value, UINT64_MAX, &out->max_pps);
	if (name_is(param, "max-bpp"))
		return read_decimal(param->value, &out->max_bpp);
	if (name_is(param, "depend"))
		out->depend = param->value;
	else
		out->unknown = true;
	return true;
}

bool sdp_rid_limits_parse(struct str restrictions, struct sdp_rid_limits *out)
{
	struct sdp_rid_limits limits = { 0 };
	struct sdp_param param;

	while (sdp_fmtp_next(&restrictions, &param))
		if (!read_one(&param, &limits))
			return false;
	*out = limits;
	return true;
}

#define NARROW(member)                                                                                    \
	do {                                                                                              \
		if (by->member > 0 && (!(limits->member > 0) || by->member < limits->member))             \
			limits->member = by->member;                                                      \
	} while (0)

void sdp_rid_limits_narrow(struct sdp_rid_limits *limits, const struct sdp_rid_limits *by)
{
	NARROW(max_width);
	NARROW(max_height);
	NARROW(max_fps);
	NARROW(max_fs);
	NARROW(max_br);
	NARROW(max_pps);
	NARROW(max_bpp);
}

static void put_name(struct text *out, bool *first, const char *name)
{
	if (!*first)
		text_add_char(out, ';');
	*first = false;
	text_add(out, name);
	text_add_char(out, '=');
}

static void put_number(struct text *out, bool *first, const char *name, uint64_t value)
{
	if (!value)
		return;
	put_name(out, first, name);
	text_addf(out, "%llu", (unsigned long long)value);
}

/* To the thousandth, and never rounded up; no printf(), whose point is the locale's. */
static void put_decimal(struct text *out, bool *first, const char *name, double value)
{
	uint64_t thousandths = (uint64_t)(value * 1000 + 0.0001);
	unsigned fraction = (unsigned)(thousandths % 1000);
	int digits = 3;

	if (!thousandths)
		return;
	put_name(out, first, name);
	text_addf(out, "%llu", (unsigned long long)(thousandths / 1000));
	for (; fraction && fraction % 10 == 0; digits--)
		fraction /= 10;
	if (fraction)
		text_addf(out, ".%0*u", digits, fraction);
}

void sdp_rid_limits_write(const struct sdp_rid_limits *limits, struct text *out)
{
	bool first = true;

	for (size_t i = 0; i < limits->type_count; i++) {
		if (i)
			text_add_char(out, ',');
		else
			put_name(out, &first, "pt");
		text_addf(out, "%u", limits->types[i]);
	}
	put_number(out, &first, "max-width", limits->max_width);
	put_number(out, &first, "max-height", limits->max_height);
	put_decimal(out, &first, "max-fps", limits->max_fps);
	put_number(out, &first, "max-fs", limits->max_fs);
	put_number(out, &first, "max-br", limits->max_br);
	put_number(out, &first, "max-pps", limits->max_pps);
	put_decimal(out, &first, "max-bpp", limits->max_bpp);
	if (limits->depend.size) {
		put_name(out, &first, "depend");
		text_add_str(out, limits->depend);
	}
}

bool sdp_rid_limits_allow_type(const struct sdp_rid_limits *limits, uint8_t type)
{
	for (size_t i = 0; i < limits->type_count; i++)
		if (limits->types[i] == type)
			return true;
	return limits->type_count == 0;
}

/* "pt=" with the types that the answer has; false when none is left. */
static bool answer_types(const struct sdp_rid_limits *limits, const struct sdp_media *answer, struct text *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < limits->type_count; i++) {
		if (!sdp_codec_by_type(answer, limits->types[i]))
			continue;
		text_addf(out, "%s%u", kept ? "," : "pt=", limits->types[i]);
		kept++;
	}
	return kept > 0;
}

static bool is_known(const struct sdp_param *param)
{
	struct sdp_rid_limits probe = { 0 };

	return read_one(param, &probe) && !probe.unknown;
}

bool sdp_rid_restrictions_answer(const struct sdp_rid *offered, const struct sdp_media *answer, struct text *out)
{
	struct str rest = offered->restrictions;
	struct sdp_rid_limits limits;
	struct sdp_param param;

	if (!sdp_rid_limits_parse(rest, &limits) || (limits.unknown && offered->direction == SDP_RECVONLY))
		return false;
	while (sdp_fmtp_next(&rest, &param)) {
		if (!is_known(&param))
			continue;
		if (out->size)
			text_add_char(out, ';');
		if (name_is(&param, "pt")) {
			if (!answer_types(&limits, answer, out))
				return false;
			continue;
		}
		text_add_str(out, param.name);
		text_add_char(out, '=');
		text_add_str(out, param.value);
	}
	return true;
}
