#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <unistd.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/rand.h"
#include "net/clock.h"
#include "net/udp.h"

/* Two sockets on the loopback interface, |a| sends and |b| receives. */
struct fixture {
	struct pktbuf_pool *pool;
	struct udp_stats stats;
	struct udp_socket a, b;
	struct udp_rx rx;
};

static struct fixture f;

static void open_pair(const char *ip, bool no_gso)
{
	wlk_addr local;

	memset(&f, 0, sizeof(f));
	assert_int_equal(addr_parse(&local, ip, strlen(ip), 0), WLK_OK);
	f.pool = pktbuf_pool_create(256);
	udp_rx_init(&f.rx, f.pool, &f.stats);
	assert_int_equal(udp_open(&f.a, &local, 0, 0, no_gso), WLK_OK);
	assert_int_equal(udp_open(&f.b, &local, 0, 0, no_gso), WLK_OK);
}

static void close_pair(void)
{
	udp_close(&f.a);
	udp_close(&f.b);
	udp_rx_free(&f.rx);
	pktbuf_pool_destroy(f.pool); /* asserts that every buffer is back */
	assert_int_equal(alloc_live_blocks(), 0);
}

static int setup(void **state)
{
	(void)state;
	open_pair("127.0.0.1", false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_pair();
	return 0;
}

/* The bytes of datagram |number|: its number, then a pattern of its own. */
static void fill(uint8_t *data, size_t size, uint32_t number)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
	if (size >= 4)
		memcpy(data, &number, 4);
}

static void queue(uint32_t number, size_t size)
{
	struct dgram d = { .local = f.a.local, .remote = f.b.local, .buf = pktbuf_alloc(f.pool, size) };

	d.buf->size = size;
	fill(d.buf->data, size, number);
	assert_true(udp_queue(&f.a, d));
}

static void send_raw(const void *data, size_t size)
{
	union sockaddr_any to;
	socklen_t to_size = sockaddr_from(&to, &f.b.local);

	assert_int_equal(sendto(f.a.fd, data, size, 0, &to.sa, to_size), size);
}

/* The kernel cuts |data| into datagrams of |segment| bytes. */
static void send_segmented(const void *data, size_t size, uint16_t segment)
{
	int value = segment;

	assert_int_equal(setsockopt(f.a.fd, IPPROTO_UDP, UDP_SEGMENT, &value, sizeof(value)), 0);
	send_raw(data, size);
	value = 0;
	assert_int_equal(setsockopt(f.a.fd, IPPROTO_UDP, UDP_SEGMENT, &value, sizeof(value)), 0);
}

static void await_readable(void)
{
	struct pollfd fd = { .fd = f.b.fd, .events = POLLIN };

	assert_int_equal(poll(&fd, 1, 10000), 1);
}

/* The next datagram at |b|. */
static struct dgram receive(void)
{
	struct dgram d;

	while (!udp_rx_next(&f.rx, &d)) {
		await_readable();
		udp_rx_receive(&f.rx, &f.b);
	}
	assert_true(addr_equal(&d.local, &f.b.local));
	assert_true(addr_equal(&d.remote, &f.a.local));
	return d;
}

static void expect(uint32_t number, size_t size)
{
	struct dgram d = receive();
	uint8_t data[PKTBUF_PAYLOAD];

	fill(data, size, number);
	assert_int_equal(d.buf->size, size);
	assert_memory_equal(d.buf->data, data, size);
	memset(d.buf->data, 0xee, size); /* in place, as SRTP does: the neighbours are not touched */
	pktbuf_release(d.buf);
}

static void expect_nothing(void)
{
	struct dgram d;

	while (udp_rx_receive(&f.rx, &f.b))
		assert_false(udp_rx_next(&f.rx, &d));
}

static void thousand_mixed(const char *ip, bool no_gso)
{
	static const size_t sizes[] = { 1, 4, 20, 100, 576, 1150, 1200, 2047, 2048 };
	struct rand_jitter rand = { .state = 11 };
	uint32_t sent = 0, received = 0;
	size_t expected[1000];

	open_pair(ip, no_gso);
	while (received < 1000) {
		size_t size = sizes[rand_jitter_below(&rand, ARRAY_SIZE(sizes))];
		uint32_t run = 1 + rand_jitter_below(&rand, 20);

		for (; run && sent < 1000 && sent - received < UDP_BATCH; run--, sent++) {
			expected[sent] = run == 1 && size > 9 ? size - 9 : size; /* runs end with a shorter one */
			queue(sent, expected[sent]);
		}
		if (sent < 1000 && sent - received < UDP_BATCH)
			continue;
		assert_true(udp_flush(&f.a, &f.stats));
		for (; received < sent; received++)
			expect(received, expected[received]);
	}
	assert_int_equal(f.stats.tx_datagrams, 1000);
	assert_int_equal(f.stats.rx_datagrams, 1000);
	assert_int_equal(f.stats.tx_bytes, f.stats.rx_bytes);
	assert_int_equal(f.stats.tx_dropped + f.stats.rx_oversize + f.stats.rx_truncated + f.stats.rx_nomem, 0);
	if (no_gso)
		assert_int_equal(f.stats.tx_messages, 1000);
	else
		assert_true(f.stats.tx_messages < 300 || f.stats.tx_gso_refused);
	close_pair();
}

static void test_1000_mixed_datagrams_arrive_intact_in_order(void **state)
{
	(void)state;
	thousand_mixed("127.0.0.1", false);
}

static void test_1000_mixed_datagrams_arrive_over_ipv6(void **state)
{
	(void)state;
	thousand_mixed("::1", false);
}

static void test_1000_mixed_datagrams_arrive_without_gso_and_gro(void **state)
{
	(void)state;
	thousand_mixed("127.0.0.1", true);
}

static void test_a_batch_of_equal_datagrams_is_two_messages(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < UDP_BATCH; i++)
		queue(i, 1200);
	assert_true(udp_flush(&f.a, &f.stats));
	for (uint32_t i = 0; i < UDP_BATCH; i++)
		expect(i, 1200);
	if (f.stats.tx_gso_refused || !f.b.gro)
		skip();
	assert_int_equal(f.stats.tx_messages, 2); /* 54 of 1,200 fit into 65,507 bytes */
	assert_int_equal(f.stats.rx_messages, 2);
}

static void test_64_small_ones_are_one_message(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < UDP_BATCH; i++)
		queue(i, 100);
	assert_true(udp_flush(&f.a, &f.stats));
	for (uint32_t i = 0; i < UDP_BATCH; i++)
		expect(i, 100);
	if (!f.stats.tx_gso_refused)
		assert_int_equal(f.stats.tx_messages, 1);
}

static void test_a_run_ends_at_another_size_or_address(void **state)
{
	struct dgram d;

	(void)state;
	queue(0, 500);
	queue(1, 500);
	queue(2, 499); /* shorter: the last of its run */
	queue(3, 499);
	queue(4, 500); /* longer: starts a new one */
	d = (struct dgram){ .local = f.a.local, .remote = f.a.local, .buf = pktbuf_copy(f.pool, "to myself", 9) };
	assert_true(udp_queue(&f.a, d));
	queue(5, 500);
	assert_true(udp_flush(&f.a, &f.stats));
	for (uint32_t i = 0; i < 6; i++)
		expect(i, i == 2 || i == 3 ? 499 : 500);
	expect_nothing();
	if (!f.stats.tx_gso_refused)
		assert_int_equal(f.stats.tx_messages, 5); /* 0-2, 3, 4, to myself, 5 */
}

static void test_single_and_few_datagrams_have_room_and_pin_no_slab(void **state)
{
	struct dgram d;

	(void)state;
	queue(0, PKTBUF_PAYLOAD);
	for (uint32_t i = 1; i < 8; i++)
		queue(i, 1000);
	assert_true(udp_flush(&f.a, &f.stats));
	for (uint32_t i = 0; i < 8; i++) {
		d = receive();
		assert_null(d.buf->slab);
		assert_int_equal(pktbuf_headroom(d.buf), PKTBUF_HEADROOM);
		assert_true(pktbuf_tailroom(d.buf) >= PKTBUF_TAILROOM);
		pktbuf_release(d.buf);
	}
}

static void test_a_long_run_is_sliced_and_its_slab_is_reused_only_when_all_are_back(void **state)
{
	struct dgram held[32];
	uint8_t data[1200];

	(void)state;
	for (uint32_t i = 0; i < 32; i++)
		queue(i, 1200);
	assert_true(udp_flush(&f.a, &f.stats));
	for (uint32_t i = 0; i < 32; i++)
		held[i] = receive();
	if (f.stats.rx_messages != 1)
		skip(); /* the kernel does not glue */
	assert_non_null(held[0].buf->slab);
	assert_ptr_equal(held[0].buf->slab, held[31].buf->slab);
	for (uint32_t round = 0; round < 20; round++) { /* more traffic, while all of them are held */
		for (uint32_t i = 0; i < 32; i++)
			queue(1000 + i, 1200);
		assert_true(udp_flush(&f.a, &f.stats));
		for (uint32_t i = 0; i < 32; i++)
			expect(1000 + i, 1200);
	}
	for (uint32_t i = 0; i < 32; i++) {
		fill(data, sizeof(data), i);
		assert_memory_equal(held[i].buf->data, data, sizeof(data));
		pktbuf_release(held[i].buf);
	}
}

static void test_what_nobody_took_is_dropped_and_slices_taken_before_stay_whole(void **state)
{
	uint8_t data[1200];
	struct dgram first;

	(void)state;
	for (uint32_t i = 0; i < 16; i++)
		queue(i, 1200);
	assert_true(udp_flush(&f.a, &f.stats));
	first = receive();
	for (uint32_t i = 16; i < 32; i++)
		queue(i, 1200);
	assert_true(udp_flush(&f.a, &f.stats));
	await_readable();
	assert_true(udp_rx_receive(&f.rx, &f.b)); /* the other 15 are gone */
	if (f.stats.tx_messages == 2)
		expect(16, 1200);
	fill(data, sizeof(data), 0);
	assert_memory_equal(first.buf->data, data, sizeof(data));
	pktbuf_release(first.buf);
}

static void test_R1_a_datagram_above_2048_bytes_is_dropped_and_counted(void **state)
{
	static uint8_t big[UDP_PAYLOAD_MAX];
	static const size_t sizes[] = { 2049, 9000, UDP_PAYLOAD_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		send_raw(big, sizes[i]);
		await_readable();
		expect_nothing();
		assert_int_equal(f.stats.rx_oversize, i + 1);
	}
	fill(big, 2048, 7);
	send_raw(big, 2048);
	expect(7, 2048);
	assert_int_equal(f.stats.rx_datagrams, 1);
	assert_int_equal(f.stats.rx_truncated, 0);
}

static void test_R1_size_is_judged_after_the_split(void **state)
{
	static uint8_t run[7 * 2500 + 100];

	(void)state;
	/* Seven datagrams of 2,500 bytes and a last one of 100, in one message. */
	fill(run + 7 * 2500, 100, 77);
	send_segmented(run, sizeof(run), 2500);
	expect(77, 100);
	assert_int_equal(f.stats.rx_oversize, 7);
	/* 20 datagrams of 2,048 bytes, 40,960 in all, are welcome. */
	for (uint32_t i = 0; i < 20; i++)
		queue(i, 2048);
	assert_true(udp_flush(&f.a, &f.stats));
	for (uint32_t i = 0; i < 20; i++)
		expect(i, 2048);
	assert_int_equal(f.stats.rx_oversize, 7);
	assert_int_equal(f.stats.rx_truncated, 0);
}

static void test_R1_truncation_is_counted(void **state)
{
	static uint8_t big[3000];

	(void)state;
	close_pair();
	open_pair("127.0.0.1", true); /* without GRO there is no slab behind the packet buffer */
	send_raw(big, sizeof(big));
	await_readable();
	expect_nothing();
	assert_int_equal(f.stats.rx_truncated, 1);
	send_raw(big, 2048);
	await_readable();
	assert_true(udp_rx_receive(&f.rx, &f.b));
	pktbuf_release(receive().buf);
	assert_int_equal(f.stats.rx_truncated, 1);
}

static void test_R1_a_run_of_small_ones_inside_the_first_buffer(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		queue(i, i == 39 ? 5 : 50); /* 1,955 bytes: no slab is touched */
	assert_true(udp_flush(&f.a, &f.stats));
	for (uint32_t i = 0; i < 40; i++)
		expect(i, i == 39 ? 5 : 50);
}

static void test_empty_datagrams_are_counted_and_dropped(void **state)
{
	(void)state;
	send_raw("", 0);
	queue(1, 10);
	assert_true(udp_flush(&f.a, &f.stats));
	expect(1, 10);
	assert_int_equal(f.stats.rx_empty, 1);
}

static void test_the_send_queue_is_bounded(void **state)
{
	struct dgram d;

	(void)state;
	for (uint32_t i = 0; i < UDP_BATCH; i++)
		queue(i, 10);
	d = (struct dgram){ .remote = f.b.local, .buf = pktbuf_copy(f.pool, "x", 1) };
	assert_false(udp_queue(&f.a, d));
	assert_int_equal(pktbuf_pool_in_use(f.pool), UDP_BATCH);
	assert_true(udp_flush(&f.a, &f.stats));
	assert_int_equal(pktbuf_pool_in_use(f.pool), 0);
}

static void test_closing_releases_what_waits(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 9; i++)
		queue(i, 10);
	udp_close(&f.a);
	udp_close(&f.a);
	assert_int_equal(pktbuf_pool_in_use(f.pool), 0);
}

static void test_receiving_without_memory_drops_counts_and_recovers(void **state)
{
	(void)state;
	for (size_t n = 1; n < 60; n++) {
		struct dgram d;

		for (uint32_t i = 0; i < 12; i++)
			queue(i, 1200);
		queue(12, 100);
		queue(13, 1000);
		assert_true(udp_flush(&f.a, &f.stats));
		alloc_fail_after(n);
		for (int tries = 0; tries < 20; tries++) {
			udp_rx_receive(&f.rx, &f.b);
			while (udp_rx_next(&f.rx, &d))
				pktbuf_release(d.buf);
		}
		alloc_fail_after(0);
		udp_rx_free(&f.rx); /* so that the next round allocates all of it again */
		assert_int_equal(pktbuf_pool_in_use(f.pool), 0);
		pktbuf_pool_destroy(f.pool);
		f.pool = pktbuf_pool_create(256);
		udp_rx_init(&f.rx, f.pool, &f.stats);
	}
	assert_true(f.stats.rx_nomem > 0);
	queue(1, 1200);
	assert_true(udp_flush(&f.a, &f.stats));
	expect(1, 1200);
}

static void test_without_any_buffer_the_socket_is_emptied_all_the_same(void **state)
{
	(void)state;
	send_raw("a", 1);
	send_raw("b", 1);
	await_readable();
	alloc_fail_after(1);
	assert_false(udp_rx_receive(&f.rx, &f.b)); /* its event is level-triggered: the loop would spin */
	alloc_fail_after(0);
	assert_int_equal(f.stats.rx_nomem, 1);
	assert_true(udp_rx_receive(&f.rx, &f.b));
	assert_int_equal(f.rx.count, 1);
}

static void test_ipv6_sockets_leave_the_ipv4_port_alone(void **state)
{
	struct udp_socket v6, v4, taken;
	wlk_addr any6 = { .family = 6 }, any4 = { .family = 4 };

	(void)state;
	assert_int_equal(udp_open(&v6, &any6, 0, 0, false), WLK_OK);
	any4.port = v6.local.port;
	assert_int_equal(udp_open(&v4, &any4, 0, 0, false), WLK_OK);
	assert_int_equal(v4.local.port, v6.local.port);
	assert_int_equal(udp_open(&taken, &any4, 0, 0, false), WLK_ERR_IO);
	udp_close(&v4);
	udp_close(&v6);
}

static void test_an_address_of_somebody_else_is_refused(void **state)
{
	struct udp_socket s;
	wlk_addr foreign = addr_v4(192, 0, 2, 1, 0);

	(void)state;
	assert_int_equal(udp_open(&s, &foreign, 0, 0, false), WLK_ERR_IO);
}

static void test_a_port_is_taken_from_the_range(void **state)
{
	enum { RANGE = 8 };
	wlk_addr local = { .family = 4, .ip = { 127, 0, 0, 77 } }; /* nobody else's */
	struct udp_socket sockets[RANGE], none;
	bool taken[RANGE] = { false }, in_order = true;
	uint16_t low = 20000;

	(void)state;
	for (int i = 0; i < RANGE; i++) {
		assert_int_equal(udp_open(&sockets[i], &local, low, low + RANGE - 1, false), WLK_OK);
		assert_in_range(sockets[i].local.port, low, low + RANGE - 1);
		assert_false(taken[sockets[i].local.port - low]);
		taken[sockets[i].local.port - low] = true;
	}
	assert_int_equal(udp_open(&none, &local, low, low + RANGE - 1, false), WLK_ERR_IO);
	assert_int_equal(errno, EADDRINUSE);
	udp_close(&sockets[3]);
	assert_int_equal(udp_open(&none, &local, low, low + RANGE - 1, false), WLK_OK); /* the one that is free */
	udp_close(&none);
	/* The first choice is drawn: 16 times the lowest would be a miracle (8^-16). */
	for (int i = 0; i < RANGE; i++)
		if (i != 3)
			udp_close(&sockets[i]);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(udp_open(&none, &local, low, low + RANGE - 1, false), WLK_OK);
		in_order = in_order && none.local.port == low;
		udp_close(&none);
	}
	assert_false(in_order);
	/* One port; a port that is named counts more than the range; 0 is none. */
	assert_int_equal(udp_open(&none, &local, 20101, 20101, false), WLK_OK);
	assert_int_equal(none.local.port, 20101);
	udp_close(&none);
	local.port = 21234;
	assert_int_equal(udp_open(&none, &local, 20101, 20101, false), WLK_OK);
	assert_int_equal(none.local.port, 21234);
	udp_close(&none);
	local.port = 0;
	assert_int_equal(udp_open(&none, &local, 0, 0, false), WLK_OK);
	assert_int_not_equal(none.local.port, 0);
	udp_close(&none);
}

static void test_socket_buffers_are_large(void **state)
{
	int size = 0;
	socklen_t length = sizeof(size);

	(void)state;
	assert_int_equal(getsockopt(f.a.fd, SOL_SOCKET, SO_RCVBUF, &size, &length), 0);
	assert_true(size >= 2 * 212992); /* at least what every kernel allows, doubled as Linux counts it */
}

static void test_mdns_sockets_share_the_group(void **state)
{
	wlk_addr any = { .family = 4 }, group = addr_v4(224, 0, 0, 251, 5353);
	struct udp_socket one, two;
	struct dgram d;
	bool got = false;

	(void)state;
	assert_int_equal(udp_open_mdns(&one, &any), WLK_OK);
	assert_int_equal(udp_open_mdns(&two, &any), WLK_OK);
	assert_int_equal(one.local.port, 5353);
	assert_false(one.gso || one.gro);
	d = (struct dgram){ .local = one.local, .remote = group, .buf = pktbuf_copy(f.pool, "wirelark-test", 13) };
	assert_true(udp_queue(&one, d));
	assert_true(udp_flush(&one, &f.stats));
	assert_int_equal(f.stats.tx_dropped, 0);
	while (!got) { /* other responders of this host may speak too */
		struct pollfd fd = { .fd = two.fd, .events = POLLIN };

		assert_int_equal(poll(&fd, 1, 10000), 1);
		udp_rx_receive(&f.rx, &two);
		while (udp_rx_next(&f.rx, &d)) {
			got = got || (d.buf->size == 13 && !memcmp(d.buf->data, "wirelark-test", 13));
			pktbuf_release(d.buf);
		}
	}
	udp_close(&one);
	udp_close(&two);
}

/* Named by its interface's address; one that nobody has is refused. */
static void test_mdns_of_one_interface(void **state)
{
	wlk_addr here = addr_v4(127, 0, 0, 1, 0), nowhere = addr_v4(192, 0, 2, 99, 0);
	struct udp_socket s;

	(void)state;
	assert_int_equal(udp_open_mdns(&s, &here), WLK_OK);
	here.port = 5353;
	assert_true(addr_equal(&s.local, &here));
	udp_close(&s);
	assert_int_equal(udp_open_mdns(&s, &nowhere), WLK_ERR_IO);
}

static void test_mdns_of_ipv6(void **state)
{
	wlk_addr any = { .family = 6 };
	struct udp_socket one, two;

	(void)state;
	assert_int_equal(udp_open_mdns(&one, &any), WLK_OK);
	assert_int_equal(udp_open_mdns(&two, &any), WLK_OK);
	assert_int_equal(two.local.port, 5353);
	assert_int_equal(two.local.family, 6);
	udp_close(&one);
	udp_close(&two);
}

/* What waits in the socket has the time of its arrival, not that of our reading it; each of a glued run has it. */
static void test_datagrams_carry_the_time_of_their_arrival(void **state)
{
	uint8_t run[400];
	wlk_time before = clock_monotonic(), after;
	struct dgram d;

	(void)state;
	fill(run, sizeof(run), 1);
	send_raw(run, 100);
	send_segmented(run, sizeof(run), 100);
	after = clock_monotonic();
	await_readable();
	while (clock_monotonic() < after + 30 * 1000)
		;
	for (int i = 0; i < 5; i++) {
		d = receive();
		assert_in_range(d.buf->arrival, before - 10 * 1000, after + 10 * 1000);
		pktbuf_release(d.buf);
	}
}

static void test_an_arrival_that_the_clocks_contradict_is_not_told(void **state)
{
	struct dgram d;

	(void)state;
	send_raw("data", 4);
	await_readable();
	assert_true(udp_rx_receive(&f.rx, &f.b));
	f.rx.clock_ahead += 3600 * (int64_t)1000000; /* the wall clock was put forward by an hour since */
	d = receive();
	assert_int_equal(d.buf->arrival, 0);
	pktbuf_release(d.buf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_1000_mixed_datagrams_arrive_intact_in_order),
		cmocka_unit_test(test_1000_mixed_datagrams_arrive_over_ipv6),
		cmocka_unit_test(test_1000_mixed_datagrams_arrive_without_gso_and_gro),
		TEST(test_a_batch_of_equal_datagrams_is_two_messages),
		TEST(test_64_small_ones_are_one_message),
		TEST(test_a_run_ends_at_another_size_or_address),
		TEST(test_single_and_few_datagrams_have_room_and_pin_no_slab),
		TEST(test_a_long_run_is_sliced_and_its_slab_is_reused_only_when_all_are_back),
		TEST(test_what_nobody_took_is_dropped_and_slices_taken_before_stay_whole),
		TEST(test_R1_a_datagram_above_2048_bytes_is_dropped_and_counted),
		TEST(test_R1_size_is_judged_after_the_split),
		TEST(test_R1_truncation_is_counted),
		TEST(test_R1_a_run_of_small_ones_inside_the_first_buffer),
		TEST(test_empty_datagrams_are_counted_and_dropped),
		TEST(test_datagrams_carry_the_time_of_their_arrival),
		TEST(test_an_arrival_that_the_clocks_contradict_is_not_told),
		TEST(test_the_send_queue_is_bounded),
		TEST(test_closing_releases_what_waits),
		TEST(test_receiving_without_memory_drops_counts_and_recovers),
		TEST(test_without_any_buffer_the_socket_is_emptied_all_the_same),
		TEST(test_ipv6_sockets_leave_the_ipv4_port_alone),
		TEST(test_an_address_of_somebody_else_is_refused),
		TEST(test_a_port_is_taken_from_the_range),
		TEST(test_socket_buffers_are_large),
		TEST(test_mdns_sockets_share_the_group),
		TEST(test_mdns_of_one_interface),
		TEST(test_mdns_of_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
