/* Bytes in flight and repetitions, from packets made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "sctp/flight.h"
#include "sctp/packet_filter.h"

static uint8_t packet[1200];

static void send_data(struct flight *f, uint32_t tsn, uint16_t size)
{
	memset(packet, 0, sizeof(packet));
	store_u16(packet + 12 + 2, (uint16_t)(16 + size));
	store_u32(packet + 12 + 4, tsn);
	flight_on_output(f, packet, 12 + 16 + ((size_t)size + 3) / 4 * 4);
}

static size_t write_sack(uint32_t tsn, uint16_t start, uint16_t end)
{
	memset(packet, 0, sizeof(packet));
	packet[12] = CHUNK_SACK;
	store_u16(packet + 12 + 2, start ? 20 : 16);
	store_u32(packet + 12 + 4, tsn);
	store_u16(packet + 12 + 12, start ? 1 : 0);
	store_u16(packet + 12 + 16, start);
	store_u16(packet + 12 + 18, end);
	return start ? 32 : 28;
}

static void sack(struct flight *f, uint32_t tsn, uint16_t start, uint16_t end)
{
	flight_on_input(f, packet, write_sack(tsn, start, end));
}

static uint64_t in_flight(const struct flight *f)
{
	uint64_t bytes = 0;

	assert_true(flight_size(f, &bytes));
	return bytes;
}

static void test_bytes_fly_until_they_are_acknowledged(void **state)
{
	struct flight f = { 0 };

	(void)state;
	assert_int_equal(in_flight(&f), 0);
	sack(&f, 5, 0, 0); /* before anything was sent */
	send_data(&f, UINT32_MAX, 100); /* the TSN wraps */
	send_data(&f, 0, 200);
	send_data(&f, 1, 3);
	send_data(&f, 2, 400);
	assert_int_equal(in_flight(&f), 703);
	sack(&f, UINT32_MAX, 2, 2);
	assert_int_equal(in_flight(&f), 600); /* 0 and 2 */
	sack(&f, UINT32_MAX, 2, 2);
	assert_int_equal(in_flight(&f), 600);
	sack(&f, UINT32_MAX - 1, 0, 0); /* overtaken */
	sack(&f, UINT32_MAX, 3, 4);     /* beyond what was sent */
	sack(&f, UINT32_MAX, 3, 2);     /* upside down */
	sack(&f, 3, 0, 0);
	assert_int_equal(in_flight(&f), 600);
	sack(&f, 2, 0, 0);
	assert_int_equal(in_flight(&f), 0);
	assert_int_equal(f.repeated, 0);
	flight_free(&f);
}

static void test_repetitions_are_counted_and_not_added(void **state)
{
	struct flight f = { 0 };

	(void)state;
	send_data(&f, 10, 50);
	send_data(&f, 11, 50);
	send_data(&f, 10, 50);
	assert_int_equal(f.repeated, 1);
	assert_int_equal(in_flight(&f), 100);
	sack(&f, 11, 0, 0);
	send_data(&f, 11, 50);
	assert_int_equal(f.repeated, 2);
	assert_int_equal(in_flight(&f), 0);
	flight_free(&f);
}

static void test_many_chunks_fly(void **state)
{
	struct flight f = { 0 };
	uint64_t bytes;

	(void)state;
	for (uint32_t i = 0; i < FLIGHT_CHUNKS_MAX; i++)
		send_data(&f, 1000 + i, 2);
	assert_int_equal(in_flight(&f), 2 * FLIGHT_CHUNKS_MAX);
	send_data(&f, 1000 + FLIGHT_CHUNKS_MAX, 2); /* one too many: not known until all is acknowledged */
	assert_false(flight_size(&f, &bytes));
	sack(&f, 1000 + FLIGHT_CHUNKS_MAX - 1, 0, 0);
	assert_false(flight_size(&f, &bytes));
	sack(&f, 1000 + FLIGHT_CHUNKS_MAX, 0, 0);
	assert_int_equal(in_flight(&f), 0);
	send_data(&f, 1000 + FLIGHT_CHUNKS_MAX + 1, 7);
	assert_int_equal(in_flight(&f), 7);
	flight_free(&f);
}

static void test_a_missing_chunk_or_memory_makes_it_unknown(void **state)
{
	struct flight f = { 0 };
	uint64_t bytes;

	(void)state;
	send_data(&f, 1, 10);
	send_data(&f, 3, 10);
	assert_false(flight_size(&f, &bytes));
	sack(&f, 3, 0, 0);
	assert_int_equal(in_flight(&f), 0);
	flight_free(&f);
	alloc_fail_after(1);
	send_data(&f, 1, 10);
	alloc_fail_after(0);
	assert_false(flight_size(&f, &bytes));
	sack(&f, 1, 0, 0);
	assert_int_equal(in_flight(&f), 0);
	flight_free(&f);
}

static void test_several_chunks_and_odd_ones_in_a_packet(void **state)
{
	struct flight f = { 0 };
	size_t size = write_sack(9, 0, 0);

	(void)state;
	store_u16(packet + size + 2, 16 + 5); /* DATA with padding */
	store_u32(packet + size + 4, 20);
	size += 24;
	store_u16(packet + size + 2, 16 + 1);
	store_u32(packet + size + 4, 21);
	size += 20;
	flight_on_output(&f, packet, size);
	assert_int_equal(in_flight(&f), 6);
	memset(packet, 0, sizeof(packet)); /* lengths of 0 come to an end */
	flight_on_output(&f, packet, sizeof(packet));
	flight_on_input(&f, packet, sizeof(packet));
	flight_on_input(&f, packet, 0);
	write_sack(21, 1, 1);
	store_u16(packet + 12 + 2, 60); /* reaches out of the packet */
	flight_on_input(&f, packet, 32);
	assert_int_equal(in_flight(&f), 6);
	write_sack(20, 1, 1);
	store_u16(packet + 12 + 12, 500); /* says more blocks than it has */
	flight_on_input(&f, packet, 32);
	assert_int_equal(in_flight(&f), 0);
	flight_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_fly_until_they_are_acknowledged),
		cmocka_unit_test(test_repetitions_are_counted_and_not_added),
		cmocka_unit_test(test_many_chunks_fly),
		cmocka_unit_test(test_a_missing_chunk_or_memory_makes_it_unknown),
		cmocka_unit_test(test_several_chunks_and_odd_ones_in_a_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
