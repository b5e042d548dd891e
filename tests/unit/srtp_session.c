/* srtp/session: agreement with the reference, replay, roll-over, limits, and what never happens (R18 to R21). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>

#include "core/alloc.h"
#include "core/rand.h"
#include "core/text.h"
#include "core/time.h"
#include "srtp/session.h"
#include "srtp_reference.h"

static const enum srtp_keys_profile profiles[] = { SRTP_KEYS_AES128_CM_SHA1_80, SRTP_KEYS_AEAD_AES_128_GCM,
						   SRTP_KEYS_AEAD_AES_256_GCM };

struct link {
	struct srtp_keys keys; /* as the sender sees them */
	struct srtp_session *a, *b;
};

static void link_open(struct link *l, enum srtp_keys_profile profile, size_t window)
{
	uint8_t block[100];
	struct srtp_keys_sizes s = srtp_keys_sizes(profile);
	struct srtp_keys other;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 7 + 3);
	assert_int_equal(srtp_keys_from_exporter(&l->keys, profile, block, 2 * (s.key + s.salt), true), WLK_OK);
	assert_int_equal(srtp_keys_from_exporter(&other, profile, block, 2 * (s.key + s.salt), false), WLK_OK);
	assert_int_equal(
		srtp_session_create(&l->a, &(struct srtp_session_config){ .keys = &l->keys, .window = window }),
		WLK_OK);
	assert_int_equal(srtp_session_create(&l->b, &(struct srtp_session_config){ .keys = &other, .window = window }),
			 WLK_OK);
}

static void link_close(struct link *l)
{
	srtp_session_destroy(l->a);
	srtp_session_destroy(l->b);
}

static struct pktbuf *rtp(uint32_t ssrc, uint16_t seq, size_t payload)
{
	struct pktbuf *buf = pktbuf_alloc(NULL, 12 + payload);

	assert_non_null(buf);
	buf->size = 12 + payload;
	memset(buf->data, (uint8_t)seq, buf->size);
	buf->data[0] = 0x80;
	buf->data[1] = 96;
	store_u16(buf->data + 2, seq);
	store_u32(buf->data + 4, 3000u * seq);
	store_u32(buf->data + 8, ssrc);
	return buf;
}

static struct pktbuf *rtcp(uint32_t ssrc, size_t size)
{
	struct pktbuf *buf = pktbuf_alloc(NULL, size);

	assert_non_null(buf);
	buf->size = size;
	memset(buf->data, 0x11, size);
	buf->data[0] = 0x80;
	buf->data[1] = 201;
	store_u16(buf->data + 2, (uint16_t)(size / 4 - 1));
	store_u32(buf->data + 4, ssrc);
	return buf;
}

static struct pktbuf *sealed_rtp(struct link *l, uint32_t ssrc, uint16_t seq, size_t payload)
{
	struct pktbuf *buf = rtp(ssrc, seq, payload);

	assert_int_equal(srtp_session_protect_rtp(l->a, buf), WLK_OK);
	return buf;
}

static wlk_err receive(struct link *l, wlk_time now, const struct pktbuf *sealed)
{
	struct pktbuf *copy = pktbuf_copy(NULL, sealed->data, sealed->size);
	wlk_err err = srtp_session_unprotect_rtp(l->b, now, copy);

	pktbuf_release(copy);
	return err;
}

static void test_sealed_packets_equal_the_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		struct reference_keys rtp_keys, rtcp_keys;
		struct link l;

		link_open(&l, profiles[i], 0);
		reference_session_keys(&rtp_keys, profiles[i], l.keys.local, 0);
		reference_session_keys(&rtcp_keys, profiles[i], l.keys.local, 3);
		for (uint16_t n = 0; n < 40; n++) {
			uint8_t expect[2048];
			struct pktbuf *buf = rtp(0xdecafbad, (uint16_t)(1000 + n), (size_t)n * 31);
			size_t plain_size = buf->size;
			uint8_t plain[2048];
			size_t size;

			memcpy(plain, buf->data, plain_size);
			memcpy(expect, buf->data, plain_size);
			size = reference_rtp(&rtp_keys, profiles[i], 0, expect, 12, plain_size);
			assert_int_equal(srtp_session_protect_rtp(l.a, buf), WLK_OK);
			assert_int_equal(buf->size, size);
			assert_int_equal(size, plain_size + srtp_session_overhead(l.a));
			assert_memory_equal(buf->data, expect, size);
			assert_int_equal(srtp_session_unprotect_rtp(l.b, 0, buf), WLK_OK);
			assert_int_equal(buf->size, plain_size);
			assert_memory_equal(buf->data, plain, plain_size);
			pktbuf_release(buf);

			buf = rtcp(0xdecafbad, 8 + (size_t)n * 4);
			plain_size = buf->size;
			memcpy(plain, buf->data, plain_size);
			memcpy(expect, buf->data, plain_size);
			/* libsrtp's first SRTCP index is 1 */
			size = reference_rtcp(&rtcp_keys, profiles[i], n + 1u, expect, plain_size);
			assert_int_equal(srtp_session_protect_rtcp(l.a, buf), WLK_OK);
			assert_int_equal(buf->size, size);
			assert_int_equal(size, plain_size + srtp_session_rtcp_overhead(l.a));
			assert_memory_equal(buf->data, expect, size);
			assert_int_equal(srtp_session_unprotect_rtcp(l.b, 0, buf), WLK_OK);
			assert_int_equal(buf->size, plain_size);
			assert_memory_equal(buf->data, plain, plain_size);
			pktbuf_release(buf);
		}
		assert_int_equal(srtp_session_stats(l.a)->rtp_out, 40);
		assert_int_equal(srtp_session_stats(l.a)->rtcp_out, 40);
		assert_int_equal(srtp_session_stats(l.b)->rtp_in, 40);
		assert_int_equal(srtp_session_stats(l.b)->rtcp_in, 40);
		assert_int_equal(srtp_session_profile(l.a), profiles[i]);
		link_close(&l);
	}
}

static void test_header_extension_and_csrcs_stay_readable(void **state)
{
	struct link l;
	struct pktbuf *buf;
	uint8_t header[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		struct reference_keys keys;
		uint8_t expect[256];
		size_t size;

		link_open(&l, profiles[i], 0);
		reference_session_keys(&keys, profiles[i], l.keys.local, 0);
		buf = rtp(7, 5, 60);
		buf->data[0] = 0x80 | 0x10 | 2; /* X, two CSRCs */
		store_u16(buf->data + 20, 0xbede);
		store_u16(buf->data + 22, 2);
		memcpy(header, buf->data, 32);
		memcpy(expect, buf->data, buf->size);
		size = reference_rtp(&keys, profiles[i], 0, expect, 32, buf->size);
		assert_int_equal(srtp_session_protect_rtp(l.a, buf), WLK_OK);
		assert_memory_equal(buf->data, header, 32);
		assert_int_equal(buf->size, size);
		assert_memory_equal(buf->data, expect, size);
		assert_int_equal(srtp_session_unprotect_rtp(l.b, 0, buf), WLK_OK);
		pktbuf_release(buf);
		link_close(&l);
	}
}

static void test_malformed_packets_never_reach_libsrtp(void **state)
{
	struct link l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		uint64_t expect = 0;

		link_open(&l, profiles[i], 0);
		/* every size from nothing to the smallest legal packet, as RTP and as RTCP: the short SRTCP underflow
		 */
		for (size_t size = 0; size < 8 + 4 + srtp_session_overhead(l.a); size++) {
			struct pktbuf *buf = pktbuf_alloc(NULL, 64);

			memset(buf->data, 0x80, 64);
			buf->size = size;
			assert_int_equal(srtp_session_unprotect_rtcp(l.b, 0, buf), WLK_ERR_PARSE);
			buf->size = MIN(size, 12 + srtp_session_overhead(l.a) - 1);
			assert_int_equal(srtp_session_unprotect_rtp(l.b, 0, buf), WLK_ERR_PARSE);
			expect += 2;
			pktbuf_release(buf);
		}
		/* header that claims more than the packet: 15 CSRCs; an extension of 65,535 words; version 1 */
		for (int kind = 0; kind < 3; kind++) {
			struct pktbuf *buf = rtp(1, 1, 40);

			buf->data[0] = (uint8_t)(kind == 0 ? 0x8f : kind == 1 ? 0x90 : 0x40);
			if (kind == 1)
				store_u16(buf->data + 14, 0xffff);
			assert_int_equal(srtp_session_unprotect_rtp(l.b, 0, buf), WLK_ERR_PARSE);
			assert_int_equal(srtp_session_protect_rtp(l.a, buf), WLK_ERR_INVALID);
			expect++;
			pktbuf_release(buf);
		}
		struct pktbuf *buf = rtcp(1, 8);
		buf->size = 7;
		assert_int_equal(srtp_session_protect_rtcp(l.a, buf), WLK_ERR_INVALID);
		pktbuf_release(buf);
		assert_int_equal(srtp_session_stats(l.b)->malformed, expect);
		assert_int_equal(srtp_session_stats(l.b)->auth_failures, 0);
		link_close(&l);
	}
}

static void test_R18_any_flipped_bit_is_refused_and_changes_nothing(void **state)
{
	struct link l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		link_open(&l, profiles[i], 0);
		struct pktbuf *good = sealed_rtp(&l, 9, 100, 30);
		for (size_t bit = 0; bit < good->size * 8; bit++) {
			struct pktbuf *bad = pktbuf_copy(NULL, good->data, good->size);

			bad->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(srtp_session_unprotect_rtp(l.b, 0, bad), WLK_OK);
			pktbuf_release(bad);
		}
		assert_int_equal(srtp_session_stats(l.b)->rtp_in, 0);
		assert_true(srtp_session_stats(l.b)->auth_failures > 0);
		assert_int_equal(receive(&l, 0, good), WLK_OK);
		pktbuf_release(good);

		good = rtcp(9, 32);
		assert_int_equal(srtp_session_protect_rtcp(l.a, good), WLK_OK);
		for (size_t bit = 0; bit < good->size * 8; bit++) {
			struct pktbuf *bad = pktbuf_copy(NULL, good->data, good->size);

			bad->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(srtp_session_unprotect_rtcp(l.b, 0, bad), WLK_OK);
			pktbuf_release(bad);
		}
		assert_int_equal(srtp_session_unprotect_rtcp(l.b, 0, good), WLK_OK);
		pktbuf_release(good);
		link_close(&l);
	}
}

static void test_R20_replayed_packets_are_refused(void **state)
{
	enum { COUNT = 3000 };
	static struct pktbuf *sent[COUNT];
	struct link l;
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		link_open(&l, profiles[i], 0);
		for (uint16_t n = 0; n < COUNT; n++)
			sent[n] = sealed_rtp(&l, 5, n, 20);
		/* in order, but each block of 900 backwards: inside the window of 1,024 */
		for (size_t base = 0; base < COUNT; base += 900) {
			for (size_t k = MIN(900, COUNT - base); k-- > 0;)
				assert_int_equal(receive(&l, 0, sent[base + k]), WLK_OK);
		}
		accepted = 0;
		for (size_t n = 0; n < COUNT; n++)
			accepted += receive(&l, 0, sent[n]) == WLK_OK;
		assert_int_equal(accepted, 0);
		assert_int_equal(srtp_session_stats(l.b)->replays, COUNT);
		for (size_t n = 0; n < COUNT; n++)
			pktbuf_release(sent[n]);
		link_close(&l);
	}
}

static void test_R20_the_window_is_what_was_configured(void **state)
{
	struct link l;

	(void)state;
	link_open(&l, SRTP_KEYS_AEAD_AES_128_GCM, 128);
	struct pktbuf *old = sealed_rtp(&l, 5, 1000, 20);
	struct pktbuf *inside = sealed_rtp(&l, 5, 1001, 20);
	struct pktbuf *newest = sealed_rtp(&l, 5, 1128, 20);
	assert_int_equal(receive(&l, 0, newest), WLK_OK);
	assert_int_equal(receive(&l, 0, inside), WLK_OK);
	assert_int_equal(receive(&l, 0, old), WLK_ERR_STATE);
	pktbuf_release(old);
	pktbuf_release(inside);
	pktbuf_release(newest);
	link_close(&l);
}

static void test_R20_the_same_ssrc_and_number_is_never_sealed_twice(void **state)
{
	struct link l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		link_open(&l, profiles[i], 0);
		pktbuf_release(sealed_rtp(&l, 5, 2000, 20));
		pktbuf_release(sealed_rtp(&l, 5, 2001, 20));
		for (uint16_t seq = 2000; seq <= 2001; seq++) {
			struct pktbuf *again = rtp(5, seq, 33);

			assert_int_equal(srtp_session_protect_rtp(l.a, again), WLK_ERR_STATE);
			pktbuf_release(again);
		}
		/* forgetting an incoming SSRC does not open a way */
		srtp_session_remove_ssrc(l.a, 5);
		struct pktbuf *again = rtp(5, 2001, 33);
		assert_int_equal(srtp_session_protect_rtp(l.a, again), WLK_ERR_STATE);
		pktbuf_release(again);
		/* a number inside the window that was skipped is fine, on another SSRC everything is */
		pktbuf_release(sealed_rtp(&l, 5, 1990, 20));
		pktbuf_release(sealed_rtp(&l, 6, 2001, 20));
		link_close(&l);
	}
}

static void test_R21_roll_over_with_half_of_the_packets_lost(void **state)
{
	struct link l;
	uint64_t rng = 99;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		struct reference_keys keys;
		size_t lost = 0;

		link_open(&l, profiles[i], 0);
		reference_session_keys(&keys, profiles[i], l.keys.local, 0);
		/* R20: the first number is below 2^15, so that the receiver's guess of the first wrap is right */
		for (uint32_t n = 30000; n<3 * 65536; n += n % 65536> 65400 || n % 65536 < 200 ? 1 : 97) {
			struct pktbuf *buf = sealed_rtp(&l, 5, (uint16_t)n, 20);
			uint8_t expect[64];
			struct pktbuf *plain = rtp(5, (uint16_t)n, 20);

			memcpy(expect, plain->data, plain->size);
			(void)reference_rtp(&keys, profiles[i], n >> 16, expect, 12, plain->size);
			assert_memory_equal(buf->data, expect, buf->size);
			rng = rng * 6364136223846793005u + 1442695040888963407u;
			if (rng >> 63)
				lost++;
			else
				assert_int_equal(receive(&l, 0, buf), WLK_OK);
			pktbuf_release(buf);
			pktbuf_release(plain);
		}
		assert_true(lost > 500);
		link_close(&l);
	}
}

static void test_R19_new_ssrcs_are_limited_in_rate_and_number(void **state)
{
	struct link l;
	wlk_time now = 5 * SECOND;
	uint32_t ssrc = 1000;
	size_t accepted = 0;

	(void)state;
	link_open(&l, SRTP_KEYS_AEAD_AES_128_GCM, 0);
	/* announced ones are free */
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(srtp_session_allow_ssrc(l.b, i), WLK_OK);
		assert_int_equal(srtp_session_allow_ssrc(l.b, i), WLK_OK);
		struct pktbuf *buf = sealed_rtp(&l, i, 1, 10);
		assert_int_equal(receive(&l, now, buf), WLK_OK);
		pktbuf_release(buf);
	}
	/* a burst of 16, then nothing */
	for (int i = 0; i < 20; i++, ssrc++) {
		struct pktbuf *buf = sealed_rtp(&l, ssrc, 1, 10);
		wlk_err err = receive(&l, now, buf);

		assert_int_equal(err, i < 16 ? WLK_OK : WLK_ERR_NOSPACE);
		pktbuf_release(buf);
	}
	assert_int_equal(srtp_session_stats(l.b)->ssrc_refused, 4);
	/* one that was learned stays good */
	struct pktbuf *known = sealed_rtp(&l, 1000, 2, 10);
	assert_int_equal(receive(&l, now, known), WLK_OK);
	pktbuf_release(known);
	/* four a second */
	for (int second = 0; second < 3; second++) {
		now += SECOND;
		for (int i = 0; i < 6; i++, ssrc++) {
			struct pktbuf *buf = sealed_rtp(&l, ssrc, 1, 10);

			assert_int_equal(receive(&l, now, buf), i < 4 ? WLK_OK : WLK_ERR_NOSPACE);
			pktbuf_release(buf);
		}
	}
	/* 64 in all, however long it takes */
	accepted = 16 + 12;
	for (int i = 0; i < 100; i++, ssrc++) {
		struct pktbuf *buf = sealed_rtp(&l, ssrc, 1, 10);

		now += 10 * SECOND;
		accepted += receive(&l, now, buf) == WLK_OK;
		pktbuf_release(buf);
	}
	assert_int_equal(accepted, 64);
	/* RTCP of a new sender is under the same limit */
	struct pktbuf *report = rtcp(0x77777777, 28);
	assert_int_equal(srtp_session_protect_rtcp(l.a, report), WLK_OK);
	assert_int_equal(srtp_session_unprotect_rtcp(l.b, now, report), WLK_ERR_NOSPACE);
	pktbuf_release(report);
	link_close(&l);
}

static void test_R19_forged_packets_do_not_spend_the_budget(void **state)
{
	struct link l;

	(void)state;
	link_open(&l, SRTP_KEYS_AES128_CM_SHA1_80, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct pktbuf *forged = rtp(50000 + i, 1, 40);

		assert_int_equal(srtp_session_unprotect_rtp(l.b, 0, forged), WLK_ERR_CRYPTO);
		pktbuf_release(forged);
	}
	assert_int_equal(srtp_session_stats(l.b)->auth_failures, 1000);
	for (uint32_t i = 0; i < 16; i++) {
		struct pktbuf *buf = sealed_rtp(&l, i, 1, 10);

		assert_int_equal(receive(&l, 0, buf), WLK_OK);
		pktbuf_release(buf);
	}
	link_close(&l);
}

static void test_removed_ssrc_cannot_be_replayed(void **state)
{
	struct link l;

	(void)state;
	link_open(&l, SRTP_KEYS_AEAD_AES_128_GCM, 0);
	struct pktbuf *first = sealed_rtp(&l, 0x01020304, 1, 10);
	assert_int_equal(receive(&l, 0, first), WLK_OK);
	assert_int_equal(receive(&l, 0, first), WLK_ERR_STATE);
	srtp_session_remove_ssrc(l.b, 0x01020304);
	srtp_session_remove_ssrc(l.b, 0x01020304);
	srtp_session_remove_ssrc(l.b, 0xffffffff); /* never seen */
	assert_int_equal(receive(&l, 0, first), WLK_ERR_NOSPACE);
	/* the stream inside libsrtp is really gone: announced again, it starts from nothing */
	assert_int_equal(srtp_session_allow_ssrc(l.b, 0x01020304), WLK_OK);
	assert_int_equal(receive(&l, 0, first), WLK_OK);
	pktbuf_release(first);
	link_close(&l);
}

static void test_limit_of_announced_ssrcs(void **state)
{
	struct link l;

	(void)state;
	link_open(&l, SRTP_KEYS_AEAD_AES_128_GCM, 0);
	for (uint32_t i = 0; i < SRTP_KNOWN_SSRC_MAX; i++)
		assert_int_equal(srtp_session_allow_ssrc(l.b, i * 2654435761u), WLK_OK);
	assert_int_equal(srtp_session_allow_ssrc(l.b, 1), WLK_ERR_NOSPACE);
	assert_int_equal(srtp_session_allow_ssrc(l.b, 2654435761u), WLK_OK);
	link_close(&l);
}

static void test_wrong_keys_and_wrong_profile_open_nothing(void **state)
{
	struct link gcm, cm;

	(void)state;
	link_open(&gcm, SRTP_KEYS_AEAD_AES_128_GCM, 0);
	link_open(&cm, SRTP_KEYS_AES128_CM_SHA1_80, 0);
	struct pktbuf *buf = sealed_rtp(&gcm, 1, 1, 100);
	assert_int_equal(receive(&cm, 0, buf), WLK_ERR_CRYPTO);
	/* one's own packets come back: directions have keys of their own */
	struct pktbuf *copy = pktbuf_copy(NULL, buf->data, buf->size);
	assert_int_equal(srtp_session_unprotect_rtp(gcm.a, 0, copy), WLK_ERR_CRYPTO);
	pktbuf_release(copy);
	pktbuf_release(buf);
	link_close(&gcm);
	link_close(&cm);
}

static void test_config_is_checked(void **state)
{
	struct srtp_session *s = NULL;
	struct srtp_keys keys = { .profile = SRTP_KEYS_AEAD_AES_128_GCM, .size = 28 };

	(void)state;
	assert_int_equal(srtp_library_start(), WLK_OK);
	assert_int_equal(srtp_library_start(), WLK_OK);
	assert_int_equal(srtp_session_create(&s, &(struct srtp_session_config){ 0 }), WLK_ERR_INVALID);
	assert_int_equal(srtp_session_create(&s, &(struct srtp_session_config){ .keys = &keys, .window = 63 }),
			 WLK_ERR_INVALID);
	assert_int_equal(srtp_session_create(&s, &(struct srtp_session_config){ .keys = &keys, .window = 0x8000 }),
			 WLK_ERR_INVALID);
	keys.size = 30;
	assert_int_equal(srtp_session_create(&s, &(struct srtp_session_config){ .keys = &keys }), WLK_ERR_INVALID);
	keys.size = 28;
	keys.profile = (enum srtp_keys_profile)5;
	assert_int_equal(srtp_session_create(&s, &(struct srtp_session_config){ .keys = &keys }), WLK_ERR_INVALID);
	assert_null(s);
	srtp_session_destroy(NULL);
}

static void test_failing_allocations_are_errors(void **state)
{
	struct link l;
	struct srtp_session *s;

	(void)state;
	link_open(&l, SRTP_KEYS_AEAD_AES_128_GCM, 0);
	alloc_fail_after(1);
	assert_int_equal(srtp_session_create(&s, &(struct srtp_session_config){ .keys = &l.keys }), WLK_ERR_NOMEM);
	alloc_fail_after(1);
	assert_int_equal(srtp_session_allow_ssrc(l.b, 1), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	struct pktbuf *buf = sealed_rtp(&l, 1, 1, 10);
	struct pktbuf *copy = pktbuf_copy(NULL, buf->data, buf->size);
	alloc_fail_after(1);
	assert_int_equal(srtp_session_unprotect_rtp(l.b, 0, copy), WLK_ERR_NOSPACE);
	alloc_fail_after(0);
	/* and nothing was changed by it */
	assert_int_equal(srtp_session_unprotect_rtp(l.b, 0, copy), WLK_OK);
	pktbuf_release(copy);
	pktbuf_release(buf);
	link_close(&l);
}

/* Making a session would else initialise NSS again, which takes as long as the whole handshake. */
static void test_NSS_stays_alive_without_a_session(void **state)
{
	union {
		void *symbol;
		int (*call)(void);
	} is_initialized = { dlsym(RTLD_DEFAULT, "NSS_IsInitialized") };
	struct link l;

	(void)state;
	if (!is_initialized.symbol)
		skip(); /* this libsrtp2 is not built over NSS */
	link_open(&l, SRTP_KEYS_AEAD_AES_128_GCM, 0);
	link_close(&l);
	assert_true(is_initialized.call());
}

static void test_known_packet_of_AES_CM(void **state)
{
	static const char master[] = "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6"; /* RFC 3711 B.3 */
	struct srtp_keys keys = { .profile = SRTP_KEYS_AES128_CM_SHA1_80, .size = 30 };
	uint8_t expect[38];
	struct srtp_session *s;
	struct pktbuf *buf = pktbuf_alloc(NULL, 28);

	(void)state;
	assert_true(str_hex(str_of(master), keys.local, 30));
	memcpy(keys.remote, keys.local, 30);
	assert_true(str_hex(STR("800f1234decafbadcafebabeabababababababababababababababab"), buf->data, 28));
	assert_true(str_hex(STR("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"), expect,
			    38));
	buf->size = 28;
	assert_int_equal(srtp_session_create(&s, &(struct srtp_session_config){ .keys = &keys }), WLK_OK);
	assert_int_equal(srtp_session_protect_rtp(s, buf), WLK_OK);
	assert_int_equal(buf->size, 38);
	assert_memory_equal(buf->data, expect, 38);
	assert_int_equal(srtp_session_unprotect_rtp(s, 0, buf), WLK_OK);
	pktbuf_release(buf);
	srtp_session_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealed_packets_equal_the_reference),
		cmocka_unit_test(test_header_extension_and_csrcs_stay_readable),
		cmocka_unit_test(test_malformed_packets_never_reach_libsrtp),
		cmocka_unit_test(test_R18_any_flipped_bit_is_refused_and_changes_nothing),
		cmocka_unit_test(test_R20_replayed_packets_are_refused),
		cmocka_unit_test(test_R20_the_window_is_what_was_configured),
		cmocka_unit_test(test_R20_the_same_ssrc_and_number_is_never_sealed_twice),
		cmocka_unit_test(test_R21_roll_over_with_half_of_the_packets_lost),
		cmocka_unit_test(test_R19_new_ssrcs_are_limited_in_rate_and_number),
		cmocka_unit_test(test_R19_forged_packets_do_not_spend_the_budget),
		cmocka_unit_test(test_removed_ssrc_cannot_be_replayed),
		cmocka_unit_test(test_limit_of_announced_ssrcs),
		cmocka_unit_test(test_wrong_keys_and_wrong_profile_open_nothing),
		cmocka_unit_test(test_config_is_checked),
		cmocka_unit_test(test_failing_allocations_are_errors),
		cmocka_unit_test(test_NSS_stays_alive_without_a_session),
		cmocka_unit_test(test_known_packet_of_AES_CM),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
