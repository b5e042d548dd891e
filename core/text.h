/* Borrowed text slices, strict number parsing, and a growing text builder. No sscanf, no atoi (R33). */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdarg.h>
#include <string.h>

#include "core/err.h"

/* Borrowed characters, not NUL-terminated. */
struct str {
	const char *at;
	size_t size;
};

#define STR(literal) ((struct str){ literal, sizeof(literal) - 1 })
/* For "%.*s". */
#define STR_ARG(s) (int)(s).size, (s).at

static inline struct str str_of(const char *text)
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
/* Cut at the first |sep|: answers what is before it and leaves what is behind in *rest; all of it when none. */
struct str str_cut(struct str *rest, char sep);
/* The next word of *rest, separated by any number of spaces; empty at the end. */
struct str str_word(struct str *rest);
struct str str_trim(struct str s);
/* Digits only, no sign, no blanks, at most |max|; otherwise false and *out untouched. */
bool str_u64(struct str s, uint64_t max, uint64_t *out);
bool str_u32(struct str s, uint32_t max, uint32_t *out);
bool str_hex(struct str s, uint8_t *out, size_t size);
/* "AB:cd:..": pairs of hex digits with one colon between. The number of bytes, 0 when malformed or more than |capacity|. */
size_t str_hex_pairs(struct str s, uint8_t *out, size_t capacity);

/* Builder: the error is sticky; |at| is always NUL-terminated once something was added. */
struct text {
	char *at;
	size_t size;
	size_t capacity;
	bool failed;
};

void text_init(struct text *t);
void text_free(struct text *t);
void text_clear(struct text *t);
void text_add(struct text *t, const char *literal);
void text_add_str(struct text *t, struct str s);
void text_add_char(struct text *t, char c);
void text_addf(struct text *t, const char *format, ...) WLK_PRINTF(2, 3);
void text_vaddf(struct text *t, const char *format, va_list args) WLK_PRINTF(2, 0);
static inline bool text_ok(const struct text *t)
{
	return !t->failed;
}
/* Hand the heap string over (free with wlk_free); NULL when building failed. The builder is empty afterwards. */
char *text_take(struct text *t);

/* Standard base64 with padding. */
void text_add_base64(struct text *t, const uint8_t *data, size_t size);

#endif
