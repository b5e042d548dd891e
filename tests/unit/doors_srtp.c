/* doors/srtp: sessions on the caller's memory; what SRTP itself does is tested in srtp_session.c. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/err.h"
#include "wirelark/srtp.h"

static wlk_srtp_session *a, *b;

static wlk_srtp_keys keys_of(wlk_srtp_profile profile, size_t size, bool mirrored)
{
	wlk_srtp_keys keys = { .profile = profile, .size = size };

	for (size_t i = 0; i < size; i++) {
		(mirrored ? keys.remote : keys.local)[i] = (uint8_t)(i * 7 + 1);
		(mirrored ? keys.local : keys.remote)[i] = (uint8_t)(i * 5 + 3);
	}
	return keys;
}

static void open_both(wlk_srtp_profile profile, size_t size)
{
	wlk_srtp_keys mine = keys_of(profile, size, false), theirs = keys_of(profile, size, true);

	assert_int_equal(wlk_srtp_session_create(&mine, 0, &a), WLK_OK);
	assert_int_equal(wlk_srtp_session_create(&theirs, 0, &b), WLK_OK);
}

static int end(void **state)
{
	(void)state;
	wlk_srtp_session_destroy(a);
	wlk_srtp_session_destroy(b);
	a = b = NULL;
	return 0;
}

static size_t rtp(uint8_t *out, uint32_t ssrc, uint16_t sequence, size_t payload)
{
	memset(out, 0x55, 12 + payload);
	out[0] = 0x80;
	out[1] = 96;
	store_u16(out + 2, sequence);
	store_u32(out + 4, 160);
	store_u32(out + 8, ssrc);
	return 12 + payload;
}

static void test_packets_cross_in_every_profile(void **state)
{
	static const struct {
		wlk_srtp_profile profile;
		size_t size, tag;
	} cases[] = { { WLK_SRTP_AES128_CM_SHA1_80, 30, 10 }, { WLK_SRTP_AEAD_AES_128_GCM, 28, 16 }, { WLK_SRTP_AEAD_AES_256_GCM, 44, 16 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		alignas(4) uint8_t packet[1000];
		uint8_t plain[1000];
		size_t size = rtp(packet, 7, 65535, 100);
		const uint8_t report[8] = { 0x80, 201, 0, 1, 0, 0, 0, 9 };
		wlk_srtp_stats stats = { sizeof(stats) };

		open_both(cases[i].profile, cases[i].size);
		assert_int_equal(wlk_srtp_session_rtp_overhead(a), cases[i].tag);
		assert_int_equal(wlk_srtp_session_rtcp_overhead(a), cases[i].tag + 4);
		memcpy(plain, packet, size);
		assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, size + WLK_SRTP_ROOM), WLK_OK);
		assert_int_equal(size, 112 + cases[i].tag);
		assert_memory_not_equal(packet + 12, plain + 12, 100);
		assert_int_equal(wlk_srtp_session_unprotect_rtp(b, 1, packet, &size), WLK_OK);
		assert_int_equal(size, 112);
		assert_memory_equal(packet, plain, 112);

		memcpy(packet, report, size = sizeof(report));
		assert_int_equal(wlk_srtp_session_protect_rtcp(a, packet, &size, sizeof(packet)), WLK_OK);
		assert_int_equal(wlk_srtp_session_unprotect_rtcp(b, 1, packet, &size), WLK_OK);
		assert_int_equal(size, sizeof(report));
		assert_memory_equal(packet, report, size);
		assert_int_equal(wlk_srtp_session_get_stats(b, &stats), WLK_OK);
		assert_int_equal(stats.rtp_unprotected, 1);
		assert_int_equal(stats.rtcp_unprotected, 1);
		end(NULL);
	}
}

/* What the network does wrong: dropped, counted, and the next good packet passes. */
static void test_bad_packets_are_refused_and_counted(void **state)
{
	alignas(4) uint8_t packet[400];
	uint8_t copy[400];
	size_t size = rtp(packet, 7, 1, 50), kept;
	wlk_srtp_stats stats = { sizeof(stats) };

	(void)state;
	open_both(WLK_SRTP_AEAD_AES_128_GCM, 28);
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, sizeof(packet)), WLK_OK);
	kept = size;
	memcpy(copy, packet, size);
	for (size_t i = 0; i < kept; i++) {
		memcpy(packet, copy, size = kept);
		packet[i] ^= 1;
		assert_int_not_equal(wlk_srtp_session_unprotect_rtp(b, 1, packet, &size), WLK_OK);
		assert_int_equal(size, kept);
	}
	for (size = 0; size < 28; size++) {
		size_t tiny = size;

		memcpy(packet, copy, kept);
		assert_int_equal(wlk_srtp_session_unprotect_rtp(b, 1, packet, &tiny), WLK_ERR_PARSE);
		tiny = MIN(size, (size_t)8);
		assert_int_equal(wlk_srtp_session_unprotect_rtcp(b, 1, packet, &tiny), WLK_ERR_PARSE);
	}
	memcpy(packet, copy, size = kept);
	assert_int_equal(wlk_srtp_session_unprotect_rtp(b, 1, packet, &size), WLK_OK);
	memcpy(packet, copy, size = kept);
	assert_int_equal(wlk_srtp_session_unprotect_rtp(b, 1, packet, &size), WLK_ERR_STATE);
	assert_int_equal(wlk_srtp_session_get_stats(b, &stats), WLK_OK);
	assert_int_equal(stats.rtp_unprotected, 1);
	assert_int_equal(stats.replays, 1);
	assert_true(stats.authentication_failures > 40);
	assert_true(stats.malformed >= 56);
	wlk_srtp_session_remove_ssrc(b, 7);
	size = rtp(packet, 7, 2, 50);
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, sizeof(packet)), WLK_OK);
	memcpy(copy, packet, kept = size);
	assert_int_equal(wlk_srtp_session_unprotect_rtp(b, 1, packet, &size), WLK_ERR_NOSPACE);
	assert_int_equal(wlk_srtp_session_allow_ssrc(b, 7), WLK_OK);
	assert_int_equal(wlk_srtp_session_unprotect_rtp(b, 1, copy, &kept), WLK_OK);
}

static void test_R20_a_sequence_number_is_protected_once(void **state)
{
	alignas(4) uint8_t packet[400];
	size_t size = rtp(packet, 7, 9, 50);

	(void)state;
	open_both(WLK_SRTP_AEAD_AES_128_GCM, 28);
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, sizeof(packet)), WLK_OK);
	size = rtp(packet, 7, 9, 50);
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, sizeof(packet)), WLK_ERR_STATE);
	assert_int_equal(size, 62);
}

static void test_misuse_is_answered_and_changes_nothing(void **state)
{
	wlk_srtp_keys keys = keys_of(WLK_SRTP_AEAD_AES_128_GCM, 28, false), zero = { 0 };
	wlk_srtp_stats small = { 8 };
	wlk_srtp_session *none = NULL;
	alignas(4) uint8_t packet[3000];
	uint8_t before[400];
	size_t size;

	(void)state;
	assert_int_equal(wlk_srtp_session_create(NULL, 0, &none), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_create(&keys, 0, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_create(&keys, 63, &none), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_create(&keys, 32768, &none), WLK_ERR_INVALID);
	keys.size = 30;
	assert_int_equal(wlk_srtp_session_create(&keys, 0, &none), WLK_ERR_INVALID);
	keys.size = 1000;
	assert_int_equal(wlk_srtp_session_create(&keys, 0, &none), WLK_ERR_INVALID);
	keys.size = 28;
	keys.profile = (wlk_srtp_profile)2;
	assert_int_equal(wlk_srtp_session_create(&keys, 0, &none), WLK_ERR_INVALID);
	assert_null(none);
	wlk_srtp_keys_wipe(&keys);
	assert_memory_equal(&keys, &zero, sizeof(keys));
	wlk_srtp_keys_wipe(NULL);
	wlk_srtp_session_destroy(NULL);

	open_both(WLK_SRTP_AEAD_AES_128_GCM, 28);
	size = rtp(packet, 7, 1, 50);
	memcpy(before, packet, size);
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, size + WLK_SRTP_ROOM - 1), WLK_ERR_NOSPACE);
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, size - 1), WLK_ERR_NOSPACE);
	assert_int_equal(wlk_srtp_session_protect_rtp(a, NULL, &size, 400), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, NULL, 400), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet + 2, &size, 400), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_unprotect_rtp(b, 1, packet + 1, &size), WLK_ERR_INVALID);
	size = 2049;
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, sizeof(packet)), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_unprotect_rtp(b, 1, packet, &size), WLK_ERR_PARSE);
	size = 11;
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, sizeof(packet)), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_unprotect_rtcp(b, 1, NULL, &size), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_get_stats(a, &small), WLK_ERR_INVALID);
	assert_int_equal(wlk_srtp_session_get_stats(a, NULL), WLK_ERR_INVALID);
	assert_memory_equal(packet, before, 62);
	size = 62;
	assert_int_equal(wlk_srtp_session_protect_rtp(a, packet, &size, sizeof(packet)), WLK_OK);
}

static void test_memory_that_runs_out(void **state)
{
	wlk_srtp_keys keys = keys_of(WLK_SRTP_AEAD_AES_128_GCM, 28, false);
	size_t before = alloc_live_blocks();

	(void)state;
	alloc_fail_after(1);
	assert_int_equal(wlk_srtp_session_create(&keys, 0, &a), WLK_ERR_NOMEM);
	alloc_fail_after(0);
	assert_null(a);
	assert_int_equal(alloc_live_blocks(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_packets_cross_in_every_profile, end),
		cmocka_unit_test_teardown(test_bad_packets_are_refused_and_counted, end),
		cmocka_unit_test_teardown(test_R20_a_sequence_number_is_protected_once, end),
		cmocka_unit_test_teardown(test_misuse_is_answered_and_changes_nothing, end),
		cmocka_unit_test_teardown(test_memory_that_runs_out, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
