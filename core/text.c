#include "core/text.h"

#include <stdio.h>

#include "core/alloc.h"

bool str_equal(struct str a, struct str b)
{
	return a.size == b.size && (a.size == 0 || !memcmp(a.at, b.at, a.size));
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_equal_nocase(struct str a, struct str b)
{
	if (a.size != b.size)
		return false;
	for (size_t i = 0; i < a.size; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.size >= prefix.size && str_equal((struct str){ s.at, prefix.size }, prefix);
}

struct str str_cut(struct str *rest, char sep)
{
	const char *found = rest->size ? memchr(rest->at, sep, rest->size) : NULL;
	struct str head = *rest;

	if (!found) {
		*rest = (struct str){ rest->size ? rest->at + rest->size : rest->at, 0 };
		return head;
	}
	head.size = (size_t)(found - rest->at);
	rest->at = found + 1;
	rest->size -= head.size + 1;
	return head;
}

struct str str_word(struct str *rest)
{
	while (rest->size && *rest->at == ' ') {
		rest->at++;
		rest->size--;
	}
	return str_cut(rest, ' ');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.size && is_blank(s.at[0])) {
		s.at++;
		s.size--;
	}
	while (s.size && is_blank(s.at[s.size - 1]))
		s.size--;
	return s;
}

bool str_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!s.size)
		return false;
	for (size_t i = 0; i < s.size; i++) {
		unsigned digit = (unsigned)s.at[i] - '0';

		if (digit > 9 || digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool str_u32(struct str s, uint32_t max, uint32_t *out)
{
	uint64_t value;

	if (!str_u64(s, max, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool str_hex(struct str s, uint8_t *out, size_t size)
{
	if (s.size != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (hex_digit(s.at[2 * i]) < 0 || hex_digit(s.at[2 * i + 1]) < 0)
			return false;
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(hex_digit(s.at[2 * i]) << 4 | hex_digit(s.at[2 * i + 1]));
	return true;
}

size_t str_hex_pairs(struct str s, uint8_t *out, size_t capacity)
{
	size_t size = 0;

	if (!s.size || s.at[s.size - 1] == ':')
		return 0;
	while (s.size)
		if (size == capacity || !str_hex(str_cut(&s, ':'), out + size++, 1))
			return 0;
	return size;
}

void text_init(struct text *t)
{
	*t = (struct text){ 0 };
}

void text_free(struct text *t)
{
	wlk_free(t->at);
	text_init(t);
}

void text_clear(struct text *t)
{
	t->size = 0;
	t->failed = false;
	if (t->at)
		t->at[0] = '\0';
}

static bool text_grow(struct text *t, size_t more)
{
	if (t->failed || more > SIZE_MAX - t->size - 1 ||
	    !array_reserve((void **)&t->at, &t->capacity, t->size + more + 1, 1))
		t->failed = true;
	return !t->failed;
}

void text_add_str(struct text *t, struct str s)
{
	if (!text_grow(t, s.size))
		return;
	if (s.size)
		memcpy(t->at + t->size, s.at, s.size);
	t->size += s.size;
	t->at[t->size] = '\0';
}

void text_add(struct text *t, const char *literal)
{
	text_add_str(t, str_of(literal));
}

void text_add_char(struct text *t, char c)
{
	text_add_str(t, (struct str){ &c, 1 });
}

/* SDP is words and whole numbers, and printf() was most of the time that writing it took: those few forms are written here. */
static bool is_plain(const char *format)
{
	while ((format = strchr(format, '%'))) {
		if (format[1] == 's' || format[1] == 'u')
			format += 2;
		else if (!strncmp(format, "%llu", 4))
			format += 4;
		else
			return false;
	}
	return true;
}

static void add_number(struct text *t, unsigned long long n)
{
	char digits[20]; /* 2^64 - 1 has as many */
	size_t first = sizeof(digits);

	do
		digits[--first] = (char)('0' + n % 10);
	while (n /= 10);
	text_add_str(t, (struct str){ digits + first, sizeof(digits) - first });
}

static void add_plain(struct text *t, const char *format, va_list args)
{
	for (;;) {
		size_t literal = strcspn(format, "%");

		text_add_str(t, (struct str){ format, literal });
		format += literal;
		if (!*format)
			return;
		if (format[1] == 's')
			text_add(t, va_arg(args, const char *));
		else
			add_number(t, format[1] == 'u' ? va_arg(args, unsigned) : va_arg(args, unsigned long long));
		format += format[1] == 'l' ? 4 : 2;
	}
}

void text_vaddf(struct text *t, const char *format, va_list args)
{
	va_list again;
	int size;

	if (is_plain(format)) {
		add_plain(t, format, args);
		return;
	}

	va_copy(again, args);
	size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (size < 0 || !text_grow(t, (size_t)size)) {
		t->failed = true;
		return;
	}
	vsnprintf(t->at + t->size, (size_t)size + 1, format, args);
	t->size += (size_t)size;
}

void text_addf(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vaddf(t, format, args);
	va_end(args);
}

char *text_take(struct text *t)
{
	char *out;

	text_add(t, "");
	out = t->failed ? NULL : t->at;
	if (!out)
		wlk_free(t->at);
	text_init(t);
	return out;
}

void text_add_base64(struct text *t, const uint8_t *data, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i += 3) {
		size_t n = MIN(size - i, (size_t)3);
		uint32_t v = (uint32_t)data[i] << 16 | (n > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (n > 2 ? data[i + 2] : 0u);
		char quad[4] = { digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=',
				 n > 2 ? digits[v & 63] : '=' };

		text_add_str(t, (struct str){ quad, 4 });
	}
}
