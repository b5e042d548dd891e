/* What a recording writes in place of secrets: characters that tell nothing but whether two secrets were the same. */
#include "core/alloc.h"
#include "core/crypto.h"
#include "core/rand.h"
#include "core/text.h"
#include "peer/record.h"

static bool is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* The |block|-th piece of the stand-in for |text|; zeroes when OpenSSL fails, which tell nothing either. */
static void make_block(const struct wlk_recording *rec, uint8_t block, const char *text, size_t size, uint8_t out[CRYPTO_SHA256_SIZE])
{
	if (crypto_hmac_compute(rec->pseudonyms, &block, 1, text, size, out))
		memset(out, 0, CRYPTO_SHA256_SIZE);
	rand_to_ice_chars((char *)out, CRYPTO_SHA256_SIZE);
}

/* Characters that no password of ICE may have stay, so that a replay refuses what was refused. */
void record_stand_in(const struct wlk_recording *rec, char *text, size_t size)
{
	uint8_t key[CRYPTO_SHA256_SIZE], block[CRYPTO_SHA256_SIZE];

	make_block(rec, 0, text, size, key);
	for (size_t i = 0; i < size; i++) {
		if (i % sizeof(block) == 0)
			make_block(rec, (uint8_t)(1 + i / sizeof(block) % 255), (const char *)key, sizeof(key), block);
		if (is_plain(text[i]))
			text[i] = (char)block[i % sizeof(block)];
	}
	crypto_wipe(key, sizeof(key));
	crypto_wipe(block, sizeof(block));
}

/* The value behind |name| up to the end of its line, trimmed; wherever in the line that stands. */
static void hide_values(const struct wlk_recording *rec, char *sdp, size_t size, struct str name)
{
	for (size_t i = 0; i + name.size <= size; i++) {
		size_t end;
		struct str value;

		if (!str_equal_nocase((struct str){ sdp + i, name.size }, name))
			continue;
		i += name.size;
		for (end = i; end < size && sdp[end] != '\r' && sdp[end] != '\n'; end++)
			;
		value = str_trim((struct str){ sdp + i, end - i });
		record_stand_in(rec, sdp + (value.at - sdp), value.size);
		i = end - 1;
	}
}

void record_put_sdp(struct bytes_writer *w, const struct wlk_recording *rec, const char *sdp)
{
	size_t size = sdp ? strlen(sdp) : 0;
	char *copy = sdp ? wlk_strdup(sdp) : NULL;

	if (copy) {
		hide_values(rec, copy, size, STR("ice-pwd:"));
		hide_values(rec, copy, size, STR("inline:")); /* keys of SDES (RFC 4568), which is not spoken here */
		hide_values(rec, copy, size, STR("\nk="));    /* RFC 4566 5.12 */
	}
	record_put_text(w, copy); /* out of memory: a call without a description, where the replay ends */
	wlk_free(copy);
}

void record_put_secret(struct bytes_writer *w, const struct wlk_recording *rec, const char *text)
{
	char *copy = text ? wlk_strdup(text) : NULL;

	if (copy)
		record_stand_in(rec, copy, strlen(copy));
	record_put_text(w, copy);
	wlk_free(copy);
}
