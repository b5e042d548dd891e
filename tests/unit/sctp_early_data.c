/* The packet with COOKIE-ECHO and DATA: kept, put in place of a bare one, repeated until a SACK covers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/bytes.h"
#include "core/time.h"
#include "sctp/early_data.h"

/* Common header, COOKIE-ECHO with 4 bytes of cookie. */
static const uint8_t bare[] = { 0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4, 0, 0, 0, 0, 10, 0, 0, 8, 'c', 'o', 'o', 'k' };

static struct pktbuf *packet_of(const uint8_t *data, size_t size)
{
	struct pktbuf *buf = pktbuf_copy(NULL, data, size);

	assert_non_null(buf);
	return buf;
}

/* The same with a DATA chunk of one byte for each TSN. */
static struct pktbuf *with_data(uint32_t first_tsn, size_t count)
{
	uint8_t data[200];
	struct bytes_writer w = bytes_writer(data, sizeof(data));

	bytes_put(&w, bare, sizeof(bare));
	for (size_t i = 0; i < count; i++) {
		bytes_put_u32(&w, 0x00030011); /* DATA, B and E, 17 bytes */
		bytes_put_u32(&w, first_tsn + (uint32_t)i);
		bytes_put_zero(&w, 8);
		bytes_put_u32(&w, 0x78000000); /* "x" and padding */
	}
	return packet_of(data, w.size);
}

static void sack(struct early_data *e, uint32_t cumulative_tsn)
{
	uint8_t data[28];
	struct bytes_writer w = bytes_writer(data, sizeof(data));

	bytes_put(&w, bare, 12);
	bytes_put_u32(&w, 0x03000010);
	bytes_put_u32(&w, cumulative_tsn);
	bytes_put_zero(&w, 8);
	early_data_on_input(e, data, w.size);
}

static void test_a_bare_cookie_echo_becomes_the_one_with_data(void **state)
{
	struct pktbuf *first = with_data(0xffffffff, 2), *again = packet_of(bare, sizeof(bare));
	struct early_data e;

	(void)state;
	early_data_init(&e);
	early_data_on_output(&e, 0, first);
	early_data_on_output(&e, SECOND, again);
	assert_int_equal(again->size, first->size);
	assert_memory_equal(again->data, first->data, first->size);
	early_data_free(&e);
	pktbuf_release(first);
	pktbuf_release(again);
}

static void test_nothing_is_kept_without_data(void **state)
{
	struct pktbuf *buf = packet_of(bare, sizeof(bare));
	struct early_data e;

	(void)state;
	early_data_init(&e);
	early_data_on_output(&e, 0, buf);
	assert_null(e.packet);
	assert_int_equal(early_data_deadline(&e), WLK_TIME_NEVER);
	pktbuf_release(buf);
}

static void test_it_is_repeated_with_doubling_intervals(void **state)
{
	static const wlk_time due[] = { 400, 1200, 2800, 4800, 6800 };
	struct pktbuf *first = with_data(7, 1), *copy;
	struct early_data e;

	(void)state;
	early_data_init(&e);
	early_data_on_output(&e, 0, first);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(early_data_deadline(&e), due[i] * MILLISECOND);
		assert_null(early_data_repeat(&e, due[i] * MILLISECOND - 1, NULL));
		copy = early_data_repeat(&e, due[i] * MILLISECOND, NULL);
		assert_non_null(copy);
		assert_memory_equal(copy->data, first->data, first->size);
		pktbuf_release(copy);
	}
	early_data_free(&e);
	pktbuf_release(first);
}

static void test_a_sack_for_all_of_it_ends_it(void **state)
{
	struct pktbuf *first = with_data(0xfffffffe, 3); /* the last TSN is 0 */
	struct early_data e;

	(void)state;
	early_data_init(&e);
	early_data_on_output(&e, 0, first);
	sack(&e, 0xffffffff);
	assert_non_null(e.packet);
	sack(&e, 0);
	assert_null(e.packet);
	assert_int_equal(early_data_deadline(&e), WLK_TIME_NEVER);
	pktbuf_release(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bare_cookie_echo_becomes_the_one_with_data),
		cmocka_unit_test(test_nothing_is_kept_without_data),
		cmocka_unit_test(test_it_is_repeated_with_doubling_intervals),
		cmocka_unit_test(test_a_sack_for_all_of_it_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
