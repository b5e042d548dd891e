#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/rand.h"
#include "core/time.h"
#include "net/mux.h"
#include "tests/support/fake_peer.h"
#include "tests/support/stun_bytes.h"

enum { USERS = 3 };

static struct {
	struct mux *mux;
	struct wlk_peer_connection peers[USERS];
	struct mux_user users[USERS];
	wlk_time now;
} f;

static const wlk_addr local = { .family = 4, .port = 3478, .ip = { 192, 0, 2, 1 } };
static const char *const names[USERS] = { "alicefrg", "bobsufrg", "carolfrg" };

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	f.now = 1000 * SECOND;
	assert_int_equal(mux_create(&f.mux), WLK_OK);
	for (int i = 0; i < USERS; i++) {
		f.peers[i].ufrags[0] = names[i];
		mux_join(f.mux, &f.users[i], &f.peers[i]);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < USERS; i++)
		mux_leave(f.mux, &f.users[i]);
	mux_destroy(f.mux);
	assert_int_equal(alloc_live_blocks(), 0);
	return 0;
}

static wlk_addr remote(uint16_t port)
{
	return addr_v4(203, 0, 113, 9, port);
}

/* Whose is it? -1: nobody's. */
static int find(const wlk_addr *from, const void *data, size_t size)
{
	struct dgram d = { .local = local, .remote = *from, .buf = pktbuf_copy(NULL, data, size) };
	struct mux_user *user = mux_find(f.mux, f.now, &d);

	pktbuf_release(d.buf);
	return user ? (int)(user - f.users) : -1;
}

static int find_dtls(const wlk_addr *from)
{
	static const uint8_t record[64] = { 22, 0xfe, 0xfd };

	return find(from, record, sizeof(record));
}

static int find_request(const wlk_addr *from, const char *ufrag)
{
	uint8_t data[STUN_BYTES_MAX];
	char username[64];

	snprintf(username, sizeof(username), "%s:far", ufrag);
	return find(from, data, stun_bytes_request(data, 1, username));
}

static int find_response(const wlk_addr *from, uint8_t txid)
{
	uint8_t data[STUN_BYTES_MAX];

	return find(from, data, stun_bytes_other(data, 0x0101, txid));
}

static void send_request(int user, uint8_t txid)
{
	uint8_t data[STUN_BYTES_MAX];

	mux_on_sent(f.mux, f.now, &f.users[user], data, stun_bytes_request(data, txid, "far:near"));
}

/* The peer says that it knows the path so well, and was given a STUN message that came along it. */
static void know(int user, const wlk_addr *from, enum peer_path state)
{
	fake_path(&f.peers[user], &local, from, state);
	mux_learn(f.mux, f.now, &f.users[user], &local, from);
}

static void test_requests_find_their_peer_by_ufrag(void **state)
{
	wlk_addr from = remote(1);

	(void)state;
	for (int i = 0; i < USERS; i++)
		assert_int_equal(find_request(&from, names[i]), i);
	assert_int_equal(find_request(&from, "nobodysf"), -1);
	assert_int_equal(find_request(&from, ""), -1);
	assert_int_equal(find_request(&from, "alicefrgalicefrgalicefrgalicefrg!"), -1); /* longer than any of ours */
	assert_int_equal(f.mux->stats.unknown_ufrag, 3);
}

static void test_both_generations_of_a_restart_are_found(void **state)
{
	wlk_addr from = remote(1);

	(void)state;
	f.peers[1].ufrags[0] = "newufrag";
	f.peers[1].ufrags[1] = "bobsufrg";
	mux_update_ufrags(f.mux, &f.users[1]);
	assert_int_equal(find_request(&from, "newufrag"), 1);
	assert_int_equal(find_request(&from, "bobsufrg"), 1);
	f.peers[1].ufrags[1] = NULL;
	mux_update_ufrags(f.mux, &f.users[1]);
	assert_int_equal(find_request(&from, "newufrag"), 1);
	assert_int_equal(find_request(&from, "bobsufrg"), -1);
}

static void test_responses_find_who_asked_wherever_they_come_from(void **state)
{
	wlk_addr server = remote(3478);

	(void)state;
	send_request(0, 1);
	send_request(2, 2);
	assert_int_equal(find_response(&server, 1), 0);
	assert_int_equal(find_response(&server, 2), 2);
	assert_int_equal(find_response(&server, 1), 0); /* a repeated answer is the peer's to judge */
	assert_int_equal(find_response(&server, 3), -1);
	assert_int_equal(f.mux->stats.unknown_transaction, 1);
	f.now += MUX_TXN_AGE_MS * MILLISECOND;
	assert_int_equal(find_response(&server, 1), 0);
	send_request(2, 2); /* a retransmission */
	f.now += MILLISECOND;
	assert_int_equal(find_response(&server, 1), -1);
	assert_int_equal(find_response(&server, 2), 2);
}

static void test_only_requests_are_remembered(void **state)
{
	wlk_addr from = remote(1);
	uint8_t data[STUN_BYTES_MAX] = { 0 };

	(void)state;
	mux_on_sent(f.mux, f.now, &f.users[0], data, stun_bytes_other(data, 0x0101, 1));
	mux_on_sent(f.mux, f.now, &f.users[0], data, stun_bytes_other(data, 0x0011, 1));
	mux_on_sent(f.mux, f.now, &f.users[0], data, 19);
	assert_int_equal(find_response(&from, 1), -1);
}

static void test_transactions_are_bounded_and_the_oldest_give_way(void **state)
{
	wlk_addr from = remote(1);
	uint8_t data[STUN_BYTES_MAX];
	size_t size = stun_bytes_request(data, 1, "far:near");
	int found = 0;

	(void)state;
	for (uint32_t i = 0; i < 10; i++) { /* one set: the first four bytes are equal */
		f.now += MILLISECOND;
		data[19] = (uint8_t)i;
		mux_on_sent(f.mux, f.now, &f.users[0], data, size);
	}
	stun_bytes_other(data, 0x0101, 1);
	for (uint32_t i = 0; i < 10; i++) {
		data[19] = (uint8_t)i;
		found += find(&from, data, 20) == 0;
		if (i >= 10 - MUX_TXN_WAYS)
			assert_int_equal(find(&from, data, 20), 0);
	}
	assert_int_equal(found, MUX_TXN_WAYS);
}

static void test_other_datagrams_find_the_peer_of_the_path(void **state)
{
	wlk_addr a = remote(1), b = remote(2), v6 = { .family = 6, .port = 1, .ip = { 0x20, 1, [15] = 9 } };
	uint8_t data[STUN_BYTES_MAX];

	(void)state;
	assert_int_equal(find_dtls(&a), -1);
	know(0, &a, PEER_PATH_VALID); /* two sessions behind one NAT: another port */
	know(1, &b, PEER_PATH_VALID);
	know(2, &v6, PEER_PATH_HEARD);
	assert_int_equal(find_dtls(&a), 0);
	assert_int_equal(find_dtls(&b), 1);
	assert_int_equal(find_dtls(&v6), 2);
	assert_int_equal(find(&a, data, stun_bytes_other(data, 0x0011, 9)), 0); /* an indication */
	assert_int_equal(find_response(&b, 77), 1);                            /* its transaction was forgotten */
	assert_int_equal(find(&a, "", 0), 0);
	assert_int_equal(f.mux->stats.unknown_address, 1);
}

static void test_the_local_address_counts(void **state)
{
	wlk_addr from = remote(1), other = local;
	struct dgram d = { .remote = from, .buf = pktbuf_copy(NULL, "\x16", 1) };

	(void)state;
	other.ip[3] = 2;
	know(0, &from, PEER_PATH_VALID);
	d.local = other;
	assert_null(mux_find(f.mux, f.now, &d));
	mux_forget_local(f.mux, &f.users[0], &other);
	d.local = local;
	assert_ptr_equal(mux_find(f.mux, f.now, &d), &f.users[0]);
	mux_forget_local(f.mux, &f.users[0], &local);
	assert_null(mux_find(f.mux, f.now, &d));
	pktbuf_release(d.buf);
}

static void test_R2_what_strangers_send_does_not_change_the_table(void **state)
{
	wlk_addr friend = remote(1), stranger = remote(666);
	size_t blocks;

	(void)state;
	know(0, &friend, PEER_PATH_VALID);
	blocks = alloc_live_blocks();
	for (uint32_t i = 0; i < 20000; i++) {
		uint8_t data[STUN_BYTES_MAX];
		uint32_t noise[8];
		wlk_addr from = remote((uint16_t)(i % 60000 + 2));

		assert_int_equal(rand_bytes(noise, sizeof(noise)), WLK_OK);
		find(&from, noise, sizeof(noise));
		find_response(&from, (uint8_t)i);
		/* It knows a ufrag, and nothing else: the peer refuses its integrity, so knows no such path. */
		assert_int_equal(find(&from, data, stun_bytes_request(data, (uint8_t)i, "bobsufrg:x")), 1);
		mux_learn(f.mux, f.now, &f.users[1], &local, &from);
		assert_int_equal(find_dtls(&from), -1);
	}
	assert_int_equal(f.mux->paths.count, 1);
	assert_int_equal(alloc_live_blocks(), blocks);
	assert_int_equal(find_dtls(&friend), 0);
	assert_int_equal(find_dtls(&stranger), -1);
}

static void test_R4_a_stranger_cannot_take_a_session_s_address(void **state)
{
	wlk_addr path = remote(1);

	(void)state;
	know(0, &path, PEER_PATH_VALID);
	/* A request with the source address of session 0 and the ufrag of session 1 does not even get there, */
	assert_int_equal(find_request(&path, "bobsufrg"), -1);
	assert_int_equal(f.mux->stats.conflicts, 1);
	/* and if it did, and were authentic: a forged source cannot answer checks, so it proves nothing. */
	know(1, &path, PEER_PATH_HEARD);
	assert_int_equal(find_dtls(&path), 0);
	know(1, &path, PEER_PATH_VALID);
	assert_int_equal(find_dtls(&path), 0);
	/* Nor does it when it is there first. */
	path = remote(2);
	know(1, &path, PEER_PATH_HEARD);
	assert_int_equal(find_dtls(&path), 1);
	know(0, &path, PEER_PATH_HEARD);
	assert_int_equal(find_dtls(&path), 1);
	know(0, &path, PEER_PATH_VALID);
	assert_int_equal(find_dtls(&path), 0);
	assert_int_equal(f.mux->paths.count, 2);
}

static void test_a_second_session_on_one_path_fails_its_checks(void **state)
{
	wlk_addr path = remote(1);

	(void)state;
	know(0, &path, PEER_PATH_VALID);
	send_request(1, 5);
	assert_int_equal(find_response(&path, 5), -1);
	assert_int_equal(find_request(&path, names[1]), -1);
	assert_int_equal(f.mux->stats.conflicts, 2);
	assert_int_equal(find_request(&path, names[0]), 0);
	/* The first has gone silent, its caller has started again on the same port: the second may have it. */
	fake_path(&f.peers[0], &local, &path, PEER_PATH_SILENT);
	assert_int_equal(find_response(&path, 5), 1);
	know(1, &path, PEER_PATH_HEARD); /* not by a request alone */
	assert_int_equal(find_dtls(&path), 0);
	know(1, &path, PEER_PATH_VALID);
	assert_int_equal(find_dtls(&path), 1);
}

static void test_a_rebound_nat_mapping_is_followed(void **state)
{
	wlk_addr before = remote(1), after = remote(2);

	(void)state;
	know(0, &before, PEER_PATH_VALID);
	assert_int_equal(find_dtls(&after), -1);
	assert_int_equal(find_request(&after, names[0]), 0);
	know(0, &after, PEER_PATH_HEARD);
	assert_int_equal(find_dtls(&after), 0);
	/* Later the mapping that was left is somebody else's. */
	fake_path(&f.peers[0], &local, &before, PEER_PATH_UNKNOWN);
	assert_int_equal(find_request(&before, names[1]), 1);
	know(1, &before, PEER_PATH_HEARD);
	assert_int_equal(find_dtls(&before), 1);
}

static void test_paths_of_one_peer_are_bounded(void **state)
{
	wlk_addr valid = remote(1), next;

	(void)state;
	know(0, &valid, PEER_PATH_VALID);
	for (uint16_t i = 2; i < 50; i++) {
		next = remote(i);
		f.peers[0].path_count = 1;
		know(0, &next, PEER_PATH_HEARD);
		assert_int_equal(find_dtls(&next), 0);
		fake_path(&f.peers[0], &local, &next, PEER_PATH_UNKNOWN);
	}
	assert_true(f.mux->paths.count <= MUX_PATHS_MAX);
	assert_int_equal(find_dtls(&valid), 0);
	/* All are valid: there is no room, and none is lost. */
	for (uint16_t i = 100; i < 160; i++) {
		next = remote(i);
		know(1, &next, PEER_PATH_VALID);
	}
	assert_int_equal(f.users[1].path_count, MUX_PATHS_MAX);
	assert_int_equal(f.mux->stats.over_cap, 60 - MUX_PATHS_MAX);
	next = remote(100);
	assert_int_equal(find_dtls(&next), 1);
	/* One that was only heard makes room. */
	fake_path(&f.peers[1], &local, &next, PEER_PATH_HEARD);
	next = remote(159);
	mux_learn(f.mux, f.now, &f.users[1], &local, &next);
	assert_int_equal(find_dtls(&next), 1);
	/* A second transport has as many of its own. */
	f.peers[1].ufrags[1] = "2ndufrag";
	mux_update_ufrags(f.mux, &f.users[1]);
	for (uint16_t i = 100; i < 160; i++) {
		next = remote(i);
		mux_learn(f.mux, f.now, &f.users[1], &local, &next);
	}
	assert_int_equal(f.users[1].path_count, 60);
}

static void test_R39_nothing_leads_to_a_user_that_left(void **state)
{
	wlk_addr path = remote(1);

	(void)state;
	know(0, &path, PEER_PATH_VALID);
	send_request(0, 1);
	mux_leave(f.mux, &f.users[0]);
	mux_leave(f.mux, &f.users[0]);
	assert_int_equal(find_dtls(&path), -1);
	assert_int_equal(find_request(&path, names[0]), -1);
	assert_int_equal(find_response(&path, 1), -1);
	mux_on_sent(f.mux, f.now, &f.users[0], (const uint8_t *)"", 0);
	mux_learn(f.mux, f.now, &f.users[0], &local, &path);
	mux_update_ufrags(f.mux, &f.users[0]);
	assert_int_equal(f.mux->paths.count, 0);
	/* Who takes its place is another one. */
	mux_join(f.mux, &f.users[0], &f.peers[0]);
	assert_int_equal(find_response(&path, 1), -1);
	assert_int_equal(find_request(&path, names[0]), 0);
}

static void test_every_allocation_may_fail(void **state)
{
	wlk_addr path = remote(1);
	struct mux *other = NULL;

	(void)state;
	for (size_t n = 1; !other; n++) {
		assert_true(n < 20);
		alloc_fail_after(n);
		if (mux_create(&other))
			assert_null(other);
		alloc_fail_after(0);
	}
	mux_destroy(other);
	mux_destroy(NULL);
	alloc_fail_after(1);
	know(0, &path, PEER_PATH_VALID);
	alloc_fail_after(0);
	assert_int_equal(find_dtls(&path), -1);
	mux_learn(f.mux, f.now, &f.users[0], &local, &path); /* the next message */
	assert_int_equal(find_dtls(&path), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests_find_their_peer_by_ufrag),
		TEST(test_both_generations_of_a_restart_are_found),
		TEST(test_responses_find_who_asked_wherever_they_come_from),
		TEST(test_only_requests_are_remembered),
		TEST(test_transactions_are_bounded_and_the_oldest_give_way),
		TEST(test_other_datagrams_find_the_peer_of_the_path),
		TEST(test_the_local_address_counts),
		TEST(test_R2_what_strangers_send_does_not_change_the_table),
		TEST(test_R4_a_stranger_cannot_take_a_session_s_address),
		TEST(test_a_second_session_on_one_path_fails_its_checks),
		TEST(test_a_rebound_nat_mapping_is_followed),
		TEST(test_paths_of_one_peer_are_bounded),
		TEST(test_R39_nothing_leads_to_a_user_that_left),
		TEST(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
