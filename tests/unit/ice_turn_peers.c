/* Permissions and channels of a TURN client: places, numbers, timers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/turn_peers.h"

static wlk_addr peer(unsigned index)
{
	return addr_v4(192, 0, (uint8_t)(index >> 8), (uint8_t)index, 9000);
}

static void test_permission_is_by_ip(void **state)
{
	struct turn_permission *permission;
	struct turn_peers p;
	wlk_addr at = peer(1);

	(void)state;
	turn_peers_init(&p);
	assert_null(turn_peers_permission(&p, &at));
	permission = turn_peers_permit(&p, 5, &at);
	assert_int_equal(permission->ip.port, 0);
	assert_int_equal(permission->ask_at, 5);
	assert_false(turn_permission_is_open(permission, 5)); /* not asked for yet */
	at.port = 1;
	assert_ptr_equal(turn_peers_permit(&p, 6, &at), permission);
	assert_int_equal(permission->used_at, 6);
	permission->request = 1;
	assert_true(turn_permission_is_open(permission, 6));
	permission->request = 0;
	permission->expires_at = 10;
	assert_true(turn_permission_is_open(permission, 9));
	assert_false(turn_permission_is_open(permission, 10));
	permission->refused = true;
	assert_false(turn_permission_is_open(permission, 9));
	turn_peers_free(&p);
}

static void test_the_least_used_permission_makes_room(void **state)
{
	struct turn_peers p;
	wlk_addr at;

	(void)state;
	turn_peers_init(&p);
	for (unsigned i = 0; i < TURN_PERMISSIONS_MAX; i++) {
		at = peer(i);
		assert_non_null(turn_peers_permit(&p, 100 + (wlk_time)i, &at));
	}
	at = peer(0);
	turn_peers_permit(&p, 500, &at);
	p.permissions[1].request = 3; /* busy */
	at = peer(TURN_PERMISSIONS_MAX);
	assert_non_null(turn_peers_permit(&p, 501, &at));
	assert_int_equal(p.permission_count, TURN_PERMISSIONS_MAX);
	for (unsigned i = 0; i < 3; i++) {
		at = peer(i);
		assert_int_equal(turn_peers_permission(&p, &at) != NULL, i != 2);
	}
	turn_peers_free(&p);
}

/* Data on a channel uses the permission of its peer as well. */
static void test_permission_of_a_channel_in_use_stays(void **state)
{
	struct turn_peers p;
	wlk_addr at;

	(void)state;
	turn_peers_init(&p);
	for (unsigned i = 0; i < TURN_PERMISSIONS_MAX; i++) {
		at = peer(i);
		assert_non_null(turn_peers_permit(&p, 100 + (wlk_time)i, &at));
	}
	at = peer(0);
	turn_peers_bind(&p, 100, &at)->used_at = 500;
	at = peer(TURN_PERMISSIONS_MAX);
	assert_non_null(turn_peers_permit(&p, 501, &at));
	for (unsigned i = 0; i < 3; i++) {
		at = peer(i);
		assert_int_equal(turn_peers_permission(&p, &at) != NULL, i != 1);
	}
	turn_peers_free(&p);
}

static void test_failing_memory(void **state)
{
	struct turn_peers p;
	wlk_addr at = peer(1);

	(void)state;
	turn_peers_init(&p);
	alloc_fail_after(1);
	assert_null(turn_peers_permit(&p, 1, &at));
	alloc_fail_after(0);
	assert_int_equal(p.permission_count, 0);
	turn_peers_free(&p);
}

/* RFC 8656 12: 0x4000 to 0x4fff, and no number for two peers. */
static void test_channel_numbers_wrap(void **state)
{
	struct turn_channel *first, *channel = NULL;
	struct turn_peers p;
	wlk_addr at = peer(1);

	(void)state;
	turn_peers_init(&p);
	first = turn_peers_bind(&p, 1, &at);
	assert_int_equal(first->number, 0x4000);
	assert_ptr_equal(turn_peers_bind(&p, 2, &at), first);
	first->rests_until = WLK_TIME_NEVER;
	for (unsigned i = 0; i < 0x1000; i++) { /* one place, used again each time */
		at = peer(2 + i);
		channel = turn_peers_bind(&p, 10 + (wlk_time)i, &at);
		assert_non_null(channel);
		channel->rests_until = 10 + (wlk_time)i;
	}
	assert_int_equal(p.channel_count, 2);
	assert_int_equal(channel->number, 0x4001); /* behind 0x4fff and past the one that rests */
	assert_ptr_equal(turn_peers_channel_by_number(&p, 0x4000), first);
	assert_null(turn_peers_channel_by_number(&p, 0x4002));
	turn_peers_free(&p);
}

static void test_no_place_while_all_rest(void **state)
{
	struct turn_peers p;
	wlk_addr at;

	(void)state;
	turn_peers_init(&p);
	for (unsigned i = 0; i < TURN_CHANNELS_MAX; i++) {
		at = peer(i);
		turn_peers_bind(&p, 1, &at)->rests_until = 1000;
	}
	at = peer(77);
	assert_null(turn_peers_bind(&p, 999, &at));
	assert_non_null(turn_peers_bind(&p, 1000, &at));
	at = peer(0);
	assert_null(turn_peers_channel(&p, &at)); /* its place was taken */
	turn_peers_free(&p);
}

static void test_timers(void **state)
{
	struct turn_permission *permission;
	struct turn_channel *channel;
	struct turn_peers p;
	wlk_addr at = peer(1);

	(void)state;
	turn_peers_init(&p);
	assert_int_equal(turn_peers_ask_at(&p), WLK_TIME_NEVER);
	permission = turn_peers_permit(&p, 50, &at);
	channel = turn_peers_bind(&p, 40, &at);
	assert_int_equal(turn_peers_ask_at(&p), 40);
	channel->request = 1;
	assert_int_equal(turn_peers_ask_at(&p), 50);
	permission->refused = true;
	permission->rests_until = 70;
	permission->ask_at = 300;
	assert_int_equal(turn_peers_ask_at(&p), 300);
	assert_ptr_equal(turn_peers_permit(&p, 60, &at), permission);
	assert_int_equal(turn_peers_ask_at(&p), 70); /* wanted again, but not at once */
	assert_ptr_equal(turn_peers_permit(&p, 80, &at), permission);
	assert_int_equal(turn_peers_ask_at(&p), 70);
	permission->refused = false;
	channel->request = 0;
	permission->ask_at = channel->ask_at = 900;
	permission->expires_at = 800;
	turn_peers_hurry(&p, 60);
	assert_int_equal(permission->ask_at, 900); /* it is there */
	assert_int_equal(channel->ask_at, 60);
	turn_peers_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permission_is_by_ip),
		cmocka_unit_test(test_the_least_used_permission_makes_room),
		cmocka_unit_test(test_permission_of_a_channel_in_use_stays),
		cmocka_unit_test(test_failing_memory),
		cmocka_unit_test(test_channel_numbers_wrap),
		cmocka_unit_test(test_no_place_while_all_rest),
		cmocka_unit_test(test_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
