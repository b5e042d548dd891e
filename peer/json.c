#include "peer/json.h"

#include <math.h>

static void escaped(struct text *out, struct str value)
{
	text_add_char(out, '"');
	for (size_t i = 0; i < value.size; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (c == '"' || c == '\\')
			text_add_char(out, '\\');
		if (c < 0x20)
			text_addf(out, "\\u%04x", c);
		else
			text_add_char(out, (char)c);
	}
	text_add_char(out, '"');
}

static void name_of(struct json *j, const char *name)
{
	if (j->comma)
		text_add_char(j->out, ',');
	j->comma = true;
	if (!name)
		return;
	escaped(j->out, str_of(name));
	text_add_char(j->out, ':');
}

void json_open(struct json *j, const char *name)
{
	name_of(j, name);
	text_add_char(j->out, '{');
	j->comma = false;
}

void json_close(struct json *j)
{
	text_add_char(j->out, '}');
	j->comma = true;
}

void json_string(struct json *j, const char *name, struct str value)
{
	name_of(j, name);
	escaped(j->out, value);
}

void json_number(struct json *j, const char *name, uint64_t value)
{
	name_of(j, name);
	text_addf(j->out, "%llu", (unsigned long long)value);
}

void json_signed(struct json *j, const char *name, int64_t value)
{
	name_of(j, name);
	text_addf(j->out, "%lld", (long long)value);
}

void json_real(struct json *j, const char *name, double value)
{
	name_of(j, name);
	text_addf(j->out, "%.6f", isfinite(value) ? value : 0.0);
}

void json_null(struct json *j, const char *name)
{
	name_of(j, name);
	text_add(j->out, "null");
}

void json_bool(struct json *j, const char *name, bool value)
{
	name_of(j, name);
	text_add(j->out, value ? "true" : "false");
}
