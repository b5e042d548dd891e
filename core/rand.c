#include "core/rand.h"

#include "core/crypto.h"
#include "core/tap.h"

wlk_err rand_bytes(void *out, size_t size)
{
	wlk_err err = crypto_rand_bytes(out, size);

	if (!err && tap_current)
		tap_current->on_draw(tap_current, out, size);
	return err;
}

wlk_err rand_u16(uint16_t *out)
{
	return rand_bytes(out, sizeof(*out));
}

wlk_err rand_u32(uint32_t *out)
{
	return rand_bytes(out, sizeof(*out));
}

wlk_err rand_u64(uint64_t *out)
{
	return rand_bytes(out, sizeof(*out));
}

void rand_to_ice_chars(char *bytes, size_t size)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i++)
		bytes[i] = alphabet[(uint8_t)bytes[i] & 63];
}

wlk_err rand_ice_chars(char *out, size_t size)
{
	wlk_err err = rand_bytes(out, size);

	if (err)
		return err;
	rand_to_ice_chars(out, size);
	out[size] = '\0';
	return WLK_OK;
}

wlk_err rand_ice_password(char *out, size_t size)
{
	wlk_err err = crypto_rand_bytes(out, size);

	if (err)
		return err;
	rand_to_ice_chars(out, size);
	out[size] = '\0';
	if (tap_current)
		tap_current->on_secret(tap_current, out, size);
	return WLK_OK;
}

uint32_t rand_jitter_below(struct rand_jitter *j, uint32_t bound)
{
	/* splitmix64 */
	uint64_t z = j->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return bound ? (uint32_t)((z >> 32) * bound >> 32) : 0;
}
