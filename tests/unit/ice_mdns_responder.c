/* mdns: answering: who is answered, how often and along which way, in virtual time. */
#include "ice_mdns_support.h"

/* ---- Answering ---- */

static void test_two_machines_resolve_each_other(void **state)
{
	struct mdns *asker = mdns_new(true), *owner = mdns_new(true);
	wlk_addr v4 = addr_v4(192, 168, 1, 9, 4711), v6, want_v4 = v4;
	uint32_t a, b;

	(void)state;
	want_v4.port = 0;
	assert_int_equal(addr_parse(&v6, "fd00::9", 7, 0), WLK_OK);
	publish(owner, START, name_a, v4);
	publish(owner, START, name_b, v6);
	drain(owner, START);
	a = resolve(asker, START + 5, name_a);
	b = resolve(asker, START + 5, name_b);
	assert_int_equal(deliver(asker, owner, START + 5, addr_v4(192, 168, 1, 8, MDNS_PORT)), 8);
	assert_true(deliver(owner, asker, START + 5, link_peer()) >= 2);
	assert_event(asker, MDNS_RESOLVED, a, &want_v4);
	assert_event(asker, MDNS_RESOLVED, b, &v6);
	assert_no_event(asker);
	mdns_destroy(asker);
	mdns_destroy(owner);
}

static void test_own_name_resolves_at_once(void **state)
{
	struct mdns *m = mdns_new(false);
	wlk_addr addr = addr_v4(10, 0, 0, 1, 0);

	(void)state;
	publish(m, START, name_a, addr);
	assert_event(m, MDNS_RESOLVED, resolve(m, START, name_a), &addr);
	mdns_destroy(m);
}

static void test_publish_announces_twice(void **state)
{
	struct mdns *m = mdns_new(true);

	(void)state;
	publish(m, START, name_a, addr_v4(10, 0, 0, 1, 0));
	assert_int_equal(drain(m, START), 2);
	assert_true(mdns_deadline(m) == START + SECOND);
	mdns_handle_timeout(m, START + SECOND);
	assert_int_equal(drain(m, START + SECOND), 2);
	assert_true(mdns_deadline(m) == WLK_TIME_NEVER);
	mdns_destroy(m);
}

static void test_publish_errors(void **state)
{
	struct mdns *m = mdns_new(false);
	wlk_addr addr = addr_v4(10, 0, 0, 1, 0), none = { 0 };

	(void)state;
	assert_int_equal(mdns_publish(m, START, "x.local", 7, &addr), WLK_ERR_INVALID);
	assert_int_equal(mdns_publish(m, START, name_a, strlen(name_a), &none), WLK_ERR_INVALID);
	publish(m, START, name_a, addr);
	assert_int_equal(mdns_publish(m, START, name_a, strlen(name_a), &addr), WLK_ERR_STATE);
	mdns_destroy(m);
}

static void test_unpublish_says_goodbye_and_falls_silent(void **state)
{
	struct mdns *m = mdns_new(false), *other = mdns_new(false);
	wlk_addr addr = addr_v4(192, 168, 1, 9, 0);

	(void)state;
	publish(m, START, name_a, addr);
	resolve(other, START, name_a);
	deliver(m, other, START, link_peer());
	assert_event(other, MDNS_RESOLVED, 1, &addr);
	mdns_unpublish(m, "x.local", 7);
	mdns_unpublish(m, name_b, strlen(name_b));
	mdns_unpublish(m, name_a, strlen(name_a));
	publish(m, START, name_a, addr); /* again, while the goodbye waits */
	mdns_unpublish(m, name_a, strlen(name_a));
	assert_int_equal(deliver(m, other, START, link_peer()), 2);
	resolve(other, START, name_a);
	assert_no_event(other); /* the goodbye reached the cache */
	feed_query(m, START + 2 * SECOND, link_peer(), name_a, MDNS_TYPE_A, true);
	assert_int_equal(drain(m, START + 2 * SECOND), 0);
	assert_true(mdns_deadline(m) == WLK_TIME_NEVER);
	mdns_destroy(m);
	mdns_destroy(other);
}

static void test_question_kinds(void **state)
{
	struct mdns *m = mdns_new(false);
	wlk_addr from = link_peer();
	struct dgram d;
	wlk_time now = START + 10 * SECOND;

	(void)state;
	publish(m, START, name_a, addr_v4(10, 0, 0, 1, 0));
	mdns_handle_timeout(m, START + SECOND);
	drain(m, now);
	feed_query(m, now, from, name_a, MDNS_TYPE_A, false);
	assert_true(mdns_poll_transmit(m, now, &d));
	assert_true(addr_is_multicast(&d.remote));
	pktbuf_release(d.buf);
	feed_query(m, now, from, name_a, MDNS_TYPE_AAAA, true); /* the answer's NSEC says that there is none */
	assert_true(mdns_poll_transmit(m, now, &d));
	assert_true(addr_equal(&d.remote, &from));
	pktbuf_release(d.buf);
	feed_query(m, now, from, name_a, MDNS_TYPE_ANY, true);
	assert_int_equal(drain(m, now), 1);
	feed_query(m, now, from, name_a, (enum mdns_type)16, true); /* TXT */
	feed_query(m, now, from, name_b, MDNS_TYPE_A, true);
	feed_query(m, now, addr_v4(8, 8, 8, 8, MDNS_PORT), name_a, MDNS_TYPE_A, true);
	assert_int_equal(drain(m, now), 0);
	mdns_destroy(m);
}

/* RFC 6762 6.7: an asker on another port is a plain resolver; it gets its id and question back, and a short TTL. */
static void test_legacy_unicast(void **state)
{
	struct mdns *m = mdns_new(false);
	wlk_addr from = addr_v4(127, 0, 0, 1, 40000);
	struct mdns_name name;
	uint8_t buf[MDNS_OUT_MAX];
	struct bytes_writer w = bytes_writer(buf, sizeof(buf));
	struct mdns_reader r;
	struct mdns_question q;
	struct mdns_record record;
	struct dgram d;

	(void)state;
	publish(m, START, name_a, addr_v4(10, 0, 0, 1, 0));
	drain(m, START);
	assert_true(mdns_name_parse(&name, str_of(name_a)));
	mdns_write_query(&w, &name, MDNS_TYPE_A, false);
	store_u16(buf, 0x1234);
	mdns_input(m, START, &from, buf, w.size);
	assert_true(mdns_poll_transmit(m, START, &d));
	assert_true(addr_equal(&d.remote, &from));
	assert_int_equal(mdns_reader_init(&r, d.buf->data, d.buf->size), WLK_OK);
	assert_int_equal(r.id, 0x1234);
	assert_true(mdns_next_question(&r, &q));
	assert_int_equal(q.type, MDNS_TYPE_A);
	assert_false(mdns_next_question(&r, &q));
	assert_true(mdns_next_record(&r, &record));
	assert_int_equal(record.ttl_s, 10);
	pktbuf_release(d.buf);
	mdns_destroy(m);
}

static void test_R4_answers_are_rate_limited(void **state)
{
	struct mdns *m = mdns_new(false);
	wlk_time now = START + 10 * SECOND;
	size_t sent = 0;

	(void)state;
	publish(m, START, name_a, addr_v4(10, 0, 0, 1, 0));
	mdns_handle_timeout(m, now);
	drain(m, now);
	for (int i = 0; i < 100; i++) {
		feed_query(m, now + SECOND + i, link_peer(), name_a, MDNS_TYPE_A, true);
		sent += drain(m, now + SECOND + i);
	}
	assert_int_equal(sent, MDNS_UNICAST_PER_S);
	assert_int_equal(mdns_stats(m)->suppressed, 90);
	sent = 0;
	for (int i = 0; i < 100; i++) {
		feed_query(m, now + 5 * SECOND + i, link_peer(), name_a, MDNS_TYPE_A, false);
		sent += drain(m, now + 5 * SECOND + i);
	}
	assert_int_equal(sent, 1);
	feed_query(m, now + 6 * SECOND, link_peer(), name_a, MDNS_TYPE_A, false);
	assert_int_equal(drain(m, now + 6 * SECOND), 1);
	mdns_destroy(m);
}

/* An asker on this host shares the port with us: only the group reaches its socket for certain. */
static void test_askers_on_this_host_are_answered_through_the_group(void **state)
{
	const wlk_addr same[] = { addr_v4(127, 0, 0, 1, MDNS_PORT), addr_v4(10, 0, 0, 1, MDNS_PORT) };
	struct dgram d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct mdns *m = mdns_new(false);

		publish(m, START, name_a, addr_v4(10, 0, 0, 1, 0));
		drain(m, START);
		feed_query(m, START, same[i], name_a, MDNS_TYPE_A, true);
		assert_true(mdns_poll_transmit(m, START, &d));
		assert_true(addr_is_multicast(&d.remote));
		pktbuf_release(d.buf);
		assert_int_equal(drain(m, START), 0);
		mdns_destroy(m);
	}
}

/* Who asks right after an announcement, which it cannot have heard, is answered at once; the next one after a second. */
static void test_R9_one_multicast_answer_a_second(void **state)
{
	struct mdns *m = mdns_new(false);

	(void)state;
	publish(m, START, name_a, addr_v4(10, 0, 0, 1, 0));
	assert_int_equal(drain(m, START), 1);
	feed_query(m, START + 5, link_peer(), name_a, MDNS_TYPE_A, false);
	assert_int_equal(drain(m, START + 5), 1);
	for (int i = 0; i < 50; i++) {
		feed_query(m, START + 10 + i, link_peer(), name_a, MDNS_TYPE_AAAA, false);
		assert_int_equal(drain(m, START + 10 + i), 0);
	}
	assert_int_equal(mdns_stats(m)->suppressed, 50);
	mdns_handle_timeout(m, START + SECOND);
	assert_int_equal(drain(m, START + SECOND), 1); /* the second announcement */
	assert_true(mdns_deadline(m) == START + SECOND + 5);
	mdns_handle_timeout(m, START + SECOND + 5);
	assert_int_equal(drain(m, START + SECOND + 5), 1); /* all fifty askers */
	assert_true(mdns_deadline(m) == WLK_TIME_NEVER);
	mdns_destroy(m);
}

/* Names that are not ours, and ours after they are gone: nothing leaves. */
static void test_R9_other_names_are_never_answered(void **state)
{
	struct mdns *m = mdns_new(true);

	(void)state;
	feed_query(m, START, link_peer(), name_b, MDNS_TYPE_ANY, true);
	publish(m, START, name_a, addr_v4(10, 0, 0, 1, 0));
	drain(m, START);
	for (int i = 0; i < 20; i++)
		feed_query(m, START + i, link_peer(), name_b, MDNS_TYPE_A, i & 1);
	assert_int_equal(drain(m, START + 20), 0);
	mdns_unpublish(m, name_a, strlen(name_a));
	assert_int_equal(drain(m, START + 30), 2);
	feed_query(m, START + 40, link_peer(), name_a, MDNS_TYPE_A, false);
	feed_query(m, START + 40, link_peer(), name_a, MDNS_TYPE_A, true);
	assert_int_equal(drain(m, START + 40), 0);
	mdns_destroy(m);
}

/* RFC 6762 7.1. */
static void test_known_answers_are_not_repeated(void **state)
{
	static const struct {
		uint32_t ttl;
		uint8_t last_byte;
		size_t answers;
	} cases[] = { { 60, 1, 0 }, { 59, 1, 1 }, { 120, 2, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mdns *m = mdns_new(false);
		wlk_addr from = link_peer();
		struct mdns_name name;
		uint8_t buf[MDNS_OUT_MAX];
		struct bytes_writer w = bytes_writer(buf, sizeof(buf));

		publish(m, START, name_a, addr_v4(10, 0, 0, 1, 0));
		drain(m, START);
		assert_true(mdns_name_parse(&name, str_of(name_a)));
		mdns_write_query(&w, &name, MDNS_TYPE_A, true);
		store_u16(buf + 6, 1);
		bytes_put_u16(&w, 0xC00C);
		bytes_put_u16(&w, MDNS_TYPE_A);
		bytes_put_u16(&w, 1);
		bytes_put_u32(&w, cases[i].ttl);
		bytes_put_u16(&w, 4);
		bytes_put_u32(&w, 0x0A000000u + cases[i].last_byte);
		mdns_input(m, START, &from, buf, w.size);
		assert_int_equal(drain(m, START), cases[i].answers);
		mdns_destroy(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_machines_resolve_each_other),
		cmocka_unit_test(test_own_name_resolves_at_once),
		cmocka_unit_test(test_publish_announces_twice),
		cmocka_unit_test(test_publish_errors),
		cmocka_unit_test(test_unpublish_says_goodbye_and_falls_silent),
		cmocka_unit_test(test_question_kinds),
		cmocka_unit_test(test_legacy_unicast),
		cmocka_unit_test(test_R4_answers_are_rate_limited),
		cmocka_unit_test(test_askers_on_this_host_are_answered_through_the_group),
		cmocka_unit_test(test_R9_one_multicast_answer_a_second),
		cmocka_unit_test(test_R9_other_names_are_never_answered),
		cmocka_unit_test(test_known_answers_are_not_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
