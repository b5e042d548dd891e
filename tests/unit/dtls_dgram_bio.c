/* dtls/dgram_bio: one write is one datagram, one read at most one; the timer is ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/alloc.h"
#include "dtls/dgram_bio.h"

static struct dgram_bio d;
static BIO_METHOD *method;
static BIO *bio;

static int open_bio(void **state)
{
	(void)state;
	dgram_bio_init(&d, NULL, 1200);
	method = dgram_bio_method_create();
	bio = dgram_bio_open(&d, method);
	return method && bio ? 0 : -1;
}

static int close_bio(void **state)
{
	(void)state;
	BIO_free(bio);
	BIO_meth_free(method);
	dgram_bio_free(&d);
	return alloc_live_blocks() == 0 ? 0 : -1;
}

static void test_writes_stay_separate(void **state)
{
	uint8_t data[300];

	(void)state;
	memset(data, 1, sizeof(data));
	for (int i = 1; i <= 3; i++)
		assert_int_equal(BIO_write(bio, data, 100 * i), 100 * i);
	assert_int_equal(BIO_flush(bio), 1);
	for (size_t i = 1; i <= 3; i++) {
		struct pktbuf *buf = dgram_bio_pop(&d);

		assert_non_null(buf);
		assert_int_equal(buf->size, 100 * i);
		pktbuf_release(buf);
	}
	assert_null(dgram_bio_pop(&d));
	assert_int_equal(d.out_count, 0);
}

static void test_a_read_takes_one_datagram_and_loses_what_does_not_fit(void **state)
{
	uint8_t out[64];

	(void)state;
	assert_int_equal(BIO_read(bio, out, sizeof(out)), -1);
	assert_true(BIO_should_retry(bio));
	d.in = (const uint8_t *)"hello";
	d.in_size = 5;
	assert_int_equal(BIO_pending(bio), 5);
	assert_int_equal(BIO_read(bio, out, sizeof(out)), 5);
	assert_false(BIO_should_retry(bio));
	assert_memory_equal(out, "hello", 5);
	d.in = (const uint8_t *)"hello";
	d.in_size = 5;
	assert_int_equal(BIO_read(bio, out, 3), 3);
	assert_int_equal(BIO_read(bio, out, 3), -1);
}

static void test_mtu_questions_are_answered(void **state)
{
	(void)state;
	assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_QUERY_MTU, 0, NULL), 1200);
	assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_GET_FALLBACK_MTU, 0, NULL), 1200);
	assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_GET_MTU_OVERHEAD, 0, NULL), 0);
}

static void test_the_timer_is_held_and_expired_by_us(void **state)
{
	struct timeval tv = { 1000, 5 };

	(void)state;
	assert_true(d.timer_held); /* OpenSSL 3.0 */
	BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT, 0, &tv);
	assert_true(d.timer_armed && d.timer_changed);
	assert_true(tv.tv_sec > 2000000000);
	dgram_bio_expire_timer(&d);
	assert_true(tv.tv_sec == 1);
	tv = (struct timeval){ 0, 0 };
	BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT, 0, &tv);
	assert_false(d.timer_armed);
	dgram_bio_expire_timer(&d);
	assert_int_equal(tv.tv_sec, 0); /* a stopped timer stays stopped */
	d.timer_held = false;           /* OpenSSL 3.2: the pointer is not to be kept */
	tv = (struct timeval){ 1000, 5 };
	d.timer = NULL;
	BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT, 0, &tv);
	assert_int_equal(tv.tv_sec, 1000);
	assert_null(d.timer);
	dgram_bio_expire_timer(&d);
}

static void test_no_room_and_no_memory_are_losses(void **state)
{
	(void)state;
	for (int i = 0; i < DGRAM_BIO_OUT_MAX + 3; i++)
		assert_int_equal(BIO_write(bio, "x", 1), 1);
	assert_int_equal(d.out_count, DGRAM_BIO_OUT_MAX);
	assert_int_equal(d.lost, 3);
	pktbuf_release(dgram_bio_pop(&d));
	alloc_fail_after(1);
	assert_int_equal(BIO_write(bio, "x", 1), 1);
	alloc_fail_after(0);
	assert_int_equal(d.lost, 4);
}

static void test_many_methods_can_be_made(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		BIO_METHOD *m = dgram_bio_method_create();

		assert_non_null(m);
		BIO_meth_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_writes_stay_separate, open_bio, close_bio),
		cmocka_unit_test_setup_teardown(test_a_read_takes_one_datagram_and_loses_what_does_not_fit, open_bio,
						close_bio),
		cmocka_unit_test_setup_teardown(test_mtu_questions_are_answered, open_bio, close_bio),
		cmocka_unit_test_setup_teardown(test_the_timer_is_held_and_expired_by_us, open_bio, close_bio),
		cmocka_unit_test_setup_teardown(test_no_room_and_no_memory_are_losses, open_bio, close_bio),
		cmocka_unit_test(test_many_methods_can_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
