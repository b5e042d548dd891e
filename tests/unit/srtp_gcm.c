/* srtp/gcm: libsrtp takes it, and seals and opens with it; agreement with the reference is in srtp_session.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <srtp2/srtp.h>

#include "core/alloc.h"
#include "srtp/gcm.h"

enum { HEADER = 12, PAYLOAD = 100, TAG = 16 };

static srtp_err_status_t open_session(srtp_t *out, bool is_256, srtp_ssrc_type_t direction)
{
	static uint8_t key[SRTP_MAX_KEY_LEN];
	srtp_policy_t policy;

	memset(&policy, 0, sizeof(policy));
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(11 * i + 5);
	if (is_256) {
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
	} else {
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
	}
	policy.ssrc.type = direction;
	policy.key = key;
	policy.window_size = 128;
	return srtp_create(out, &policy);
}

static void make_packet(uint8_t *data, uint8_t seq)
{
	memset(data, seq, HEADER + PAYLOAD);
	data[0] = 0x80;
	data[1] = 96;
	data[2] = 0;
	data[3] = seq;
}

static void check_profile(bool is_256)
{
	uint8_t data[HEADER + PAYLOAD + SRTP_MAX_TRAILER_LEN], plain[HEADER + PAYLOAD], sealed[HEADER + PAYLOAD + TAG];
	srtp_t in, out;
	int size;

	assert_int_equal(open_session(&out, is_256, ssrc_any_outbound), srtp_err_status_ok);
	assert_int_equal(open_session(&in, is_256, ssrc_any_inbound), srtp_err_status_ok);
	for (uint8_t seq = 1; seq < 4; seq++) {
		make_packet(data, seq);
		memcpy(plain, data, sizeof(plain));
		size = sizeof(plain);
		assert_int_equal(srtp_protect(out, data, &size), srtp_err_status_ok);
		assert_int_equal(size, sizeof(sealed));
		assert_memory_equal(data, plain, HEADER);
		assert_memory_not_equal(data + HEADER, plain + HEADER, PAYLOAD);
		memcpy(sealed, data, sizeof(sealed));
		/* one bit of header, ciphertext or tag, and a packet that is cut */
		for (size_t at = 4; at < sizeof(sealed); at += 37) {
			data[at] ^= 1;
			size = sizeof(sealed);
			assert_int_equal(srtp_unprotect(in, data, &size), srtp_err_status_auth_fail);
			memcpy(data, sealed, sizeof(sealed));
		}
		size = HEADER + TAG - 1;
		assert_int_not_equal(srtp_unprotect(in, data, &size), srtp_err_status_ok);
		memcpy(data, sealed, sizeof(sealed));
		size = sizeof(sealed);
		assert_int_equal(srtp_unprotect(in, data, &size), srtp_err_status_ok);
		assert_int_equal(size, sizeof(plain));
		assert_memory_equal(data, plain, sizeof(plain));
	}
	assert_int_equal(srtp_dealloc(in), srtp_err_status_ok);
	assert_int_equal(srtp_dealloc(out), srtp_err_status_ok);
}

static void test_sealed_and_opened(void **state)
{
	(void)state;
	check_profile(false);
	check_profile(true);
}

static void test_may_be_installed_again(void **state)
{
	(void)state;
	assert_true(srtp_gcm_install());
	check_profile(false);
}

/* The allocations of libsrtp are its own: those that fail here are the cipher's. */
static void test_failing_allocations_are_errors(void **state)
{
	srtp_t session;
	size_t n = 1;

	(void)state;
	for (;; n++) {
		srtp_err_status_t status;

		alloc_fail_after(n);
		status = open_session(&session, false, ssrc_any_outbound);
		if (!alloc_did_fail()) {
			alloc_fail_after(0);
			assert_int_equal(status, srtp_err_status_ok);
			break;
		}
		alloc_fail_after(0);
		assert_int_not_equal(status, srtp_err_status_ok);
	}
	assert_true(n > 2);
	assert_int_equal(srtp_dealloc(session), srtp_err_status_ok);
}

static int start(void **state)
{
	(void)state;
	return srtp_init() == srtp_err_status_ok && srtp_gcm_install() ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return srtp_shutdown() == srtp_err_status_ok ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealed_and_opened),
		cmocka_unit_test(test_may_be_installed_again),
		cmocka_unit_test(test_failing_allocations_are_errors),
	};

	return cmocka_run_group_tests(tests, start, end);
}
