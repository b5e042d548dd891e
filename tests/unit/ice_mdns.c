/* mdns: asking, what is believed, and the invariants of the five verbs, all in virtual time. */
#include "ice_mdns_support.h"

/* ---- Asking ---- */

static void test_R9_invalid_names_are_refused(void **state)
{
	struct mdns *m = mdns_new(false);
	uint32_t id = 99;

	(void)state;
	assert_int_equal(mdns_resolve(m, START, "printer.local", 13, &id), WLK_ERR_INVALID);
	assert_int_equal(mdns_resolve(m, START, name_a, strlen(name_a) - 1, &id), WLK_ERR_INVALID);
	assert_int_equal(mdns_resolve(m, START, NULL, 0, &id), WLK_ERR_INVALID);
	assert_int_equal(id, 99);
	assert_int_equal(drain(m, START), 0);
	assert_true(mdns_deadline(m) == WLK_TIME_NEVER);
	mdns_destroy(m);
}

static void test_query_schedule_and_failure(void **state)
{
	static const wlk_time sends[] = { 1 * SECOND, 3 * SECOND, 7 * SECOND };
	struct mdns *m = mdns_new(false);
	uint32_t id = resolve(m, START, name_a);
	struct dgram d;

	(void)state;
	for (int type = 0; type < 2; type++) {
		static const uint8_t qtype[2] = { MDNS_TYPE_A, MDNS_TYPE_AAAA };

		assert_true(mdns_poll_transmit(m, START, &d));
		assert_true(addr_equal(&d.remote, &(wlk_addr){ .family = 4, .port = 5353, .ip = { 224, 0, 0, 251 } }));
		assert_true(addr_is_none(&d.local));
		assert_int_equal(d.buf->data[d.buf->size - 3], qtype[type]);
		assert_int_equal(d.buf->data[d.buf->size - 2], 0x80); /* the first asks for a unicast answer */
		pktbuf_release(d.buf);
	}
	assert_int_equal(drain(m, START), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sends); i++) {
		assert_true(mdns_deadline(m) == START + sends[i]);
		mdns_handle_timeout(m, START + sends[i] - 1);
		assert_int_equal(drain(m, START + sends[i] - 1), 0);
		mdns_handle_timeout(m, START + sends[i]);
		assert_true(mdns_poll_transmit(m, START + sends[i], &d));
		assert_int_equal(d.buf->data[d.buf->size - 2], 0);
		pktbuf_release(d.buf);
		assert_int_equal(drain(m, START + sends[i]), 1);
		assert_no_event(m);
	}
	assert_true(mdns_deadline(m) == START + 8 * SECOND);
	mdns_handle_timeout(m, START + 8 * SECOND);
	assert_int_equal(drain(m, START + 8 * SECOND), 0);
	assert_event(m, MDNS_FAILED, id, NULL);
	assert_no_event(m);
	assert_true(mdns_deadline(m) == WLK_TIME_NEVER);
	assert_int_equal(mdns_stats(m)->queries_sent, 8);
	assert_int_equal(mdns_stats(m)->failed, 1);
	mdns_destroy(m);
}

static void test_long_sleep_sends_once_or_fails(void **state)
{
	struct mdns *m = mdns_new(true);
	uint32_t id = resolve(m, START, name_a);

	(void)state;
	assert_int_equal(drain(m, START), 4); /* A and AAAA to both groups */
	mdns_handle_timeout(m, START + 7 * SECOND + 1);
	assert_int_equal(drain(m, START + 7 * SECOND + 1), 4);
	mdns_handle_timeout(m, START + 3600 * SECOND);
	assert_int_equal(drain(m, START + 3600 * SECOND), 0);
	assert_event(m, MDNS_FAILED, id, NULL);
	mdns_destroy(m);
}

static void test_R9_one_outstanding_query_per_name(void **state)
{
	struct mdns *m = mdns_new(false);
	uint32_t id = resolve(m, START, name_a);
	wlk_addr addr = addr_v4(192, 168, 1, 9, 0);

	(void)state;
	assert_int_equal(resolve(m, START, "73A01014-2A81-4E12-9D02-8F1333F0BA36.local."), id);
	assert_int_equal(drain(m, START), 2);
	feed_answer(m, START, link_peer(), name_a, addr, 120);
	assert_int_equal(resolve(m, START, name_a), id); /* its event is still to be polled */
	assert_event(m, MDNS_RESOLVED, id, &addr);
	assert_no_event(m);
	mdns_destroy(m);
}

static void test_answer_resolves_and_is_cached_for_its_ttl(void **state)
{
	struct mdns *m = mdns_new(false);
	uint32_t id = resolve(m, START, name_a);
	wlk_addr addr = addr_v4(192, 168, 1, 9, 0);
	wlk_time now = START + 100 * MILLISECOND;

	(void)state;
	drain(m, START);
	feed_answer(m, now, link_peer(), name_a, addr, 10);
	assert_event(m, MDNS_RESOLVED, id, &addr);
	assert_true(mdns_deadline(m) == WLK_TIME_NEVER);
	id = resolve(m, now + 10 * SECOND - 1, name_a);
	assert_event(m, MDNS_RESOLVED, id, &addr);
	assert_int_equal(drain(m, now), 0);
	resolve(m, now + 10 * SECOND, name_a);
	assert_no_event(m);
	assert_int_equal(drain(m, now), 2);
	mdns_destroy(m);
}

static void test_R9_ttl_is_bounded(void **state)
{
	struct mdns *m = mdns_new(false);
	uint32_t id = resolve(m, START, name_a);
	wlk_addr addr = addr_v4(192, 168, 1, 9, 0);

	(void)state;
	feed_answer(m, START, link_peer(), name_a, addr, 0xFFFFFFFF);
	assert_event(m, MDNS_RESOLVED, id, &addr);
	id = resolve(m, START + 120 * SECOND - 1, name_a);
	assert_event(m, MDNS_RESOLVED, id, &addr);
	resolve(m, START + 120 * SECOND, name_a);
	assert_no_event(m);
	mdns_destroy(m);
}

static void test_goodbye_empties_the_cache(void **state)
{
	struct mdns *m = mdns_new(false);
	uint32_t id = resolve(m, START, name_a);
	wlk_addr addr = addr_v4(192, 168, 1, 9, 0);

	(void)state;
	feed_answer(m, START, link_peer(), name_a, addr, 0); /* a goodbye is no answer */
	assert_no_event(m);
	feed_answer(m, START, link_peer(), name_a, addr, 120);
	assert_event(m, MDNS_RESOLVED, id, &addr);
	feed_answer(m, START, link_peer(), name_a, addr, 0);
	resolve(m, START, name_a);
	assert_no_event(m);
	mdns_destroy(m);
}

static void test_R9_answers_only_from_the_link(void **state)
{
	static const char *const outside[] = { "8.8.8.8", "192.0.2.1", "2001:db8::1" };
	static const char *const inside[] = { "127.0.0.1",   "169.254.3.4", "10.1.2.3", "172.16.0.1",
					      "192.168.0.1", "::1",         "fe80::1",  "fd00::1" };
	struct mdns *m = mdns_new(false);
	wlk_addr addr = addr_v4(192, 168, 1, 9, 0), from;

	(void)state;
	uint32_t id = resolve(m, START, name_a);

	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		assert_int_equal(addr_parse(&from, outside[i], strlen(outside[i]), MDNS_PORT), WLK_OK);
		feed_answer(m, START, from, name_a, addr, 120);
		assert_no_event(m);
	}
	from = link_peer();
	from.port = 5354; /* RFC 6762 6: responses come from 5353 */
	feed_answer(m, START, from, name_a, addr, 120);
	assert_no_event(m);
	assert_int_equal(mdns_stats(m)->out_of_scope, ARRAY_SIZE(outside) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
		assert_int_equal(addr_parse(&from, inside[i], strlen(inside[i]), MDNS_PORT), WLK_OK);
		feed_answer(m, START, from, name_a, addr, 120);
		assert_event(m, MDNS_RESOLVED, id, &addr);
		feed_answer(m, START, from, name_a, addr, 0);
		id = resolve(m, START, name_a);
	}
	mdns_destroy(m);
}

static void test_own_address_is_on_the_link(void **state)
{
	struct mdns *m = mdns_new(false);
	wlk_addr own = addr_v4(192, 0, 2, 1, MDNS_PORT), addr = addr_v4(192, 0, 2, 7, 0);
	uint32_t id;

	(void)state;
	publish(m, START, name_b, own);
	id = resolve(m, START, name_a);
	feed_answer(m, START, own, name_a, addr, 120);
	assert_event(m, MDNS_RESOLVED, id, &addr);
	mdns_destroy(m);
}

/* Attack 15: whoever answers second changes nothing, neither the event nor the cache. */
static void test_R9_first_answer_wins(void **state)
{
	struct mdns *m = mdns_new(false);
	uint32_t id = resolve(m, START, name_a);
	wlk_addr first = addr_v4(192, 168, 1, 9, 0), second = addr_v4(192, 168, 1, 66, 0);

	(void)state;
	feed_answer(m, START, link_peer(), name_a, first, 120);
	feed_answer(m, START, link_peer(), name_a, second, 120);
	assert_event(m, MDNS_RESOLVED, id, &first);
	feed_answer(m, START, link_peer(), name_a, second, 120);
	id = resolve(m, START, name_a);
	assert_event(m, MDNS_RESOLVED, id, &first);
	mdns_destroy(m);
}

static void test_unasked_answers_are_not_kept(void **state)
{
	struct mdns *m = mdns_new(false);

	(void)state;
	feed_answer(m, START, link_peer(), name_a, addr_v4(10, 0, 0, 1, 0), 120);
	resolve(m, START, name_a);
	assert_no_event(m);
	assert_int_equal(drain(m, START), 2);
	mdns_destroy(m);
}

static void test_link_local_answer_takes_the_senders_scope(void **state)
{
	struct mdns *m = mdns_new(false);
	wlk_addr from, addr;
	struct mdns_event ev;

	(void)state;
	assert_int_equal(addr_parse(&from, "fe80::9%3", 9, MDNS_PORT), WLK_OK);
	assert_int_equal(addr_parse(&addr, "fe80::9", 7, 0), WLK_OK);
	resolve(m, START, name_a);
	feed_answer(m, START, from, name_a, addr, 120);
	assert_true(mdns_poll_event(m, &ev));
	assert_int_equal(ev.addr.scope_id, 3);
	mdns_destroy(m);
}

static void test_cancel(void **state)
{
	struct mdns *m = mdns_new(false);
	uint32_t a = resolve(m, START, name_a), b = resolve(m, START, name_b);

	(void)state;
	mdns_cancel(m, a);
	mdns_cancel(m, a);
	mdns_cancel(m, 0);
	assert_int_equal(drain(m, START), 2);
	mdns_handle_timeout(m, START + 8 * SECOND);
	assert_event(m, MDNS_FAILED, b, NULL);
	assert_no_event(m);
	mdns_destroy(m);
}

static void make_name(char out[MDNS_NAME_SIZE + 1])
{
	struct mdns_name parsed;

	assert_int_equal(mdns_make_name(out), WLK_OK);
	assert_true(mdns_name_parse(&parsed, str_of(out)));
}

static void test_caps(void **state)
{
	struct mdns *m = mdns_new(false);
	wlk_addr addr = addr_v4(10, 0, 0, 1, 0);
	char name[MDNS_NAME_SIZE + 1];
	uint32_t id;

	(void)state;
	for (int i = 0; i < MDNS_QUERIES_MAX; i++) {
		make_name(name);
		resolve(m, START, name);
	}
	assert_int_equal(mdns_resolve(m, START, name_a, strlen(name_a), &id), WLK_ERR_AGAIN);
	for (int i = 0; i < MDNS_PUBLISHED_MAX; i++) {
		make_name(name);
		publish(m, START, name, addr);
	}
	assert_int_equal(mdns_publish(m, START, name_a, strlen(name_a), &addr), WLK_ERR_AGAIN);
	assert_int_equal(drain(m, START), 2 * MDNS_QUERIES_MAX + MDNS_PUBLISHED_MAX);
	mdns_destroy(m);
}

static void test_full_cache_drops_what_expires_first(void **state)
{
	struct mdns *m = mdns_new(false);
	wlk_addr addr = addr_v4(10, 0, 0, 1, 0);
	char name[MDNS_NAME_SIZE + 1];
	struct mdns_event ev;

	(void)state;
	resolve(m, START, name_a);
	feed_answer(m, START, link_peer(), name_a, addr, 60);
	resolve(m, START, name_b);
	feed_answer(m, START, link_peer(), name_b, addr, 50);
	for (int i = 0; i < MDNS_CACHE_MAX - 1; i++) {
		make_name(name);
		resolve(m, START, name);
		feed_answer(m, START, link_peer(), name, addr, 120);
		assert_true(mdns_poll_event(m, &ev));
	}
	while (mdns_poll_event(m, &ev))
		;
	resolve(m, START, name_a);
	assert_true(mdns_poll_event(m, &ev));
	resolve(m, START, name_b);
	assert_no_event(m);
	mdns_destroy(m);
}

static void test_malformed_input_changes_nothing(void **state)
{
	struct mdns *m = mdns_new(false);
	struct mdns_response response = { .addr = addr_v4(10, 0, 0, 1, 0), .ttl_s = 120 };
	wlk_addr from = link_peer();
	uint8_t buf[MDNS_OUT_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));

	(void)state;
	resolve(m, START, name_a);
	drain(m, START);
	assert_true(mdns_name_parse(&response.name, str_of(name_a)));
	mdns_write_response(&w, &response);
	/* The address record is whole, the NSEC behind it is cut: all or nothing. */
	for (size_t size = 0; size < w.size; size++)
		mdns_input(m, START, &from, buf, size);
	assert_int_equal(mdns_stats(m)->malformed, w.size);
	assert_no_event(m);
	buf[3] = 2; /* SERVFAIL */
	mdns_input(m, START, &from, buf, w.size);
	assert_no_event(m);
	mdns_destroy(m);
}

/* ---- The invariants of the five verbs ---- */

static void feed_random(struct mdns *m, wlk_time now, struct rand_jitter *j)
{
	uint8_t buf[256];
	wlk_addr from = addr_v4(10, 0, 0, 1, rand_jitter_below(j, 2) ? MDNS_PORT : 999);
	struct mdns_response response = { .addr = addr_v4(10, 0, 0, 2, 0), .ttl_s = rand_jitter_below(j, 3) };
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));

	assert_true(mdns_name_parse(&response.name, str_of(rand_jitter_below(j, 2) ? name_a : name_b)));
	if (rand_jitter_below(j, 2))
		mdns_write_response(&w, &response);
	else
		mdns_write_query(&w, &response.name, MDNS_TYPE_A, rand_jitter_below(j, 2));
	for (uint32_t flips = rand_jitter_below(j, 3); flips; flips--)
		buf[rand_jitter_below(j, (uint32_t)w.size)] = (uint8_t)rand_jitter_below(j, 256);
	mdns_input(m, now, &from, buf, w.size);
}

static void act(struct mdns *m, wlk_time now, struct rand_jitter *j)
{
	char name[MDNS_NAME_SIZE + 1];
	const char *known = rand_jitter_below(j, 2) ? name_a : name_b;
	wlk_addr addr = addr_v4(10, 0, 0, 3, 0);
	uint32_t id;

	make_name(name);
	switch (rand_jitter_below(j, 6)) {
	case 0:
		(void)!mdns_resolve(m, now, name, MDNS_NAME_SIZE, &id);
		break;
	case 1:
		(void)!mdns_resolve(m, now, known, MDNS_NAME_SIZE, &id);
		break;
	case 2:
		(void)!mdns_publish(m, now, known, MDNS_NAME_SIZE, &addr);
		break;
	case 3:
		mdns_unpublish(m, known, MDNS_NAME_SIZE);
		break;
	case 4:
		mdns_cancel(m, rand_jitter_below(j, 50));
		break;
	default:
		feed_random(m, now, j);
	}
}

static void test_five_verbs_keep_their_promises(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rand_jitter j = { .state = seed };
		struct mdns *m = mdns_new(seed & 1);
		wlk_time now = START;
		struct mdns_event ev;

		for (int step = 0; step < 400; step++) {
			size_t events = 0;

			act(m, now, &j);
			mdns_handle_timeout(m, now);
			drain(m, now);
			while (mdns_poll_event(m, &ev))
				assert_true(++events <= MDNS_QUERIES_MAX);
			assert_true(mdns_deadline(m) > now);

			wlk_time deadline = mdns_deadline(m);

			/* Without time or input nothing comes. */
			mdns_handle_timeout(m, now);
			assert_int_equal(drain(m, now), 0);
			assert_no_event(m);
			assert_true(mdns_deadline(m) == deadline);
			now += rand_jitter_below(&j, 1500) * MILLISECOND;
		}
		mdns_destroy(m);
	}
}

/* ---- Memory ---- */

static void test_every_allocation_may_fail(void **state)
{
	size_t before = alloc_live_blocks();
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct mdns *m = NULL;
		wlk_addr addr = addr_v4(10, 0, 0, 1, 0);
		uint32_t id;

		alloc_fail_after(n);
		if (mdns_create(&m, &(struct mdns_config){ .ipv6 = true }) == WLK_OK) {
			(void)!mdns_resolve(m, START, name_a, MDNS_NAME_SIZE, &id);
			(void)!mdns_publish(m, START, name_b, MDNS_NAME_SIZE, &addr);
			drain(m, START);
			feed_answer(m, START, link_peer(), name_a, addr, 120);
			feed_query(m, START, link_peer(), name_b, MDNS_TYPE_A, true);
			drain(m, START);
			mdns_handle_timeout(m, START + SECOND);
			drain(m, START + SECOND);
			assert_true(mdns_deadline(m) > START + SECOND);
		}
		failed = alloc_did_fail();
		alloc_fail_after(0);
		mdns_destroy(m);
		assert_int_equal(alloc_live_blocks(), before);
	}
	mdns_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R9_invalid_names_are_refused),
		cmocka_unit_test(test_query_schedule_and_failure),
		cmocka_unit_test(test_long_sleep_sends_once_or_fails),
		cmocka_unit_test(test_R9_one_outstanding_query_per_name),
		cmocka_unit_test(test_answer_resolves_and_is_cached_for_its_ttl),
		cmocka_unit_test(test_R9_ttl_is_bounded),
		cmocka_unit_test(test_goodbye_empties_the_cache),
		cmocka_unit_test(test_R9_answers_only_from_the_link),
		cmocka_unit_test(test_own_address_is_on_the_link),
		cmocka_unit_test(test_R9_first_answer_wins),
		cmocka_unit_test(test_unasked_answers_are_not_kept),
		cmocka_unit_test(test_link_local_answer_takes_the_senders_scope),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_full_cache_drops_what_expires_first),
		cmocka_unit_test(test_malformed_input_changes_nothing),
		cmocka_unit_test(test_five_verbs_keep_their_promises),
		cmocka_unit_test(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
