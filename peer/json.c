#include "peer/json.h"

#include <math.h>

static bool is_continuation(struct str s, size_t i)
{
	return i < s.size && ((unsigned char)s.at[i] & 0xc0) == 0x80;
}

/* Bytes of the character at |i| by RFC 3629 4; 0: it is none. */
static size_t utf8_size(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.at[i];
	unsigned char next = i + 1 < s.size ? (unsigned char)s.at[i + 1] : 0;
	size_t size = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	for (size_t n = 1; n < size; n++)
		if (!is_continuation(s, i + n))
			return 0;
	/* Overlong forms, surrogates, and what is above U+10FFFF. */
	if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) || (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f))
		return 0;
	return size;
}

/* What is not UTF-8, in an SDP line of the peer say, becomes U+FFFD. */
static void escaped(struct text *out, struct str value)
{
	text_add_char(out, '"');
	for (size_t i = 0; i < value.size;) {
		unsigned char c = (unsigned char)value.at[i];
		size_t size = utf8_size(value, i);

		if (c == '"' || c == '\\')
			text_add_char(out, '\\');
		if (c < 0x20)
			text_addf(out, "\\u%04x", c);
		else if (size)
			text_add_str(out, (struct str){ value.at + i, size });
		else
			text_add(out, "\xef\xbf\xbd");
		i += MAX(size, (size_t)1);
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
