/* candidate: lines of real browsers there and back, the RFC's numbers, and the addresses nobody may make us probe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "ice/candidate.h"

static struct ice_candidate_line parse(const char *text)
{
	struct ice_candidate_line line;

	assert_int_equal(ice_candidate_line_parse(&line, str_of(text)), WLK_OK);
	return line;
}

static void assert_str(struct str got, const char *want)
{
	assert_int_equal(got.size, strlen(want));
	assert_memory_equal(got.at, want, got.size);
}

static void assert_writes(const struct ice_candidate_line *line, const char *want)
{
	struct text text;

	text_init(&text);
	ice_candidate_line_write(&text, line);
	assert_true(text_ok(&text));
	assert_string_equal(text.at, want);
	text_free(&text);
}

static void test_chromium_host(void **state)
{
	const char *text = "candidate:3988266269 1 udp 2122260223 192.168.1.7 54321 typ host generation 0 ufrag 4ZcD "
			   "network-id 1 network-cost 50";
	struct ice_candidate_line line = parse(text);
	wlk_addr want = addr_v4(192, 168, 1, 7, 54321);

	(void)state;
	assert_string_equal(line.candidate.foundation, "3988266269");
	assert_int_equal(line.candidate.component, 1);
	assert_int_equal(line.candidate.transport, ICE_UDP);
	assert_int_equal(line.candidate.tcptype, CANDIDATE_TCP_NONE);
	assert_int_equal(line.candidate.priority, 2122260223);
	assert_true(addr_equal(&line.candidate.addr, &want));
	assert_int_equal(line.candidate.type, CANDIDATE_HOST);
	assert_true(addr_is_none(&line.candidate.related));
	assert_int_equal(line.host.size, 0);
	assert_true(line.has_generation && line.generation == 0);
	assert_str(line.ufrag, "4ZcD");
	assert_int_equal(line.network_id, 1);
	assert_int_equal(line.network_cost, 50);
	assert_false(line.mapped);
	assert_writes(&line, text);
}

/* BROWSERS: Firefox writes UDP and TCP in upper case and hides addresses; "a=" and a line end are tolerated. */
static void test_firefox_mdns_tcp_active(void **state)
{
	struct ice_candidate_line line =
		parse("a=candidate:3 2 TCP 2105524478 "
		      "73a01014-2a81-4e12-9d02-8f1333f0ba36.local 9 typ host tcptype active\r\n");

	(void)state;
	assert_int_equal(line.candidate.transport, ICE_TCP);
	assert_int_equal(line.candidate.tcptype, CANDIDATE_TCP_ACTIVE);
	assert_int_equal(line.candidate.component, 2);
	assert_int_equal(line.candidate.addr.family, 0);
	assert_int_equal(line.candidate.addr.port, 9);
	assert_str(line.host, "73a01014-2a81-4e12-9d02-8f1333f0ba36.local");
	assert_false(line.has_generation);
	assert_writes(&line, "candidate:3 2 tcp 2105524478 73a01014-2a81-4e12-9d02-8f1333f0ba36.local 9 typ host "
			     "tcptype active");
}

static void test_srflx_prflx_and_relay(void **state)
{
	struct ice_candidate_line srflx =
		parse("candidate:1 1 udp 1686052607 203.0.113.5 61000 typ srflx raddr 10.0.0.2 "
		      "rport 5000");
	struct ice_candidate_line relay =
		parse("candidate:+/Az09 256 UDP 0 2001:db8::9 1 TYP relay RADDR 0.0.0.0 RPORT 0");
	struct ice_candidate_line prflx = parse("candidate:1 1 tcp 4294967295 10.0.0.1 1 typ prflx tcptype so");
	wlk_addr want = addr_v4(10, 0, 0, 2, 5000);

	(void)state;
	assert_int_equal(srflx.candidate.type, CANDIDATE_SRFLX);
	assert_true(addr_equal(&srflx.candidate.related, &want));
	assert_writes(&srflx, "candidate:1 1 udp 1686052607 203.0.113.5 61000 typ srflx raddr 10.0.0.2 rport 5000");
	assert_int_equal(relay.candidate.type, CANDIDATE_RELAY);
	assert_int_equal(relay.candidate.addr.family, 6);
	assert_int_equal(relay.candidate.component, 256);
	assert_writes(&relay, "candidate:+/Az09 256 udp 0 2001:db8::9 1 typ relay raddr 0.0.0.0 rport 0");
	assert_int_equal(prflx.candidate.type, CANDIDATE_PRFLX);
	assert_int_equal(prflx.candidate.tcptype, CANDIDATE_TCP_SO);
	assert_true(prflx.candidate.priority == 4294967295u);
}

static void test_related_names_and_rubbish(void **state)
{
	struct ice_candidate_line name = parse("candidate:1 1 udp 1 10.0.0.1 1 typ srflx raddr abc.local rport 7");
	struct ice_candidate_line rubbish = parse("candidate:1 1 udp 1 10.0.0.1 1 typ srflx raddr ??? rport 7");
	struct ice_candidate_line alone = parse("candidate:1 1 udp 1 10.0.0.1 1 typ srflx rport 7");

	(void)state;
	assert_str(name.related_host, "abc.local");
	assert_int_equal(name.candidate.related.port, 7);
	assert_writes(&name, "candidate:1 1 udp 1 10.0.0.1 1 typ srflx raddr abc.local rport 7");
	assert_true(addr_is_none(&rubbish.candidate.related));
	assert_int_equal(rubbish.candidate.related.port, 0);
	assert_int_equal(alone.candidate.related.port, 0);
}

static void test_unknown_extensions_are_skipped(void **state)
{
	struct ice_candidate_line line = parse("candidate:1 1 udp 1 10.0.0.1 1 typ host foo bar generation 3 x-y z");

	(void)state;
	assert_true(line.has_generation && line.generation == 3);
	assert_writes(&line, "candidate:1 1 udp 1 10.0.0.1 1 typ host generation 3");
}

static void test_tcptype_of_udp_is_ignored(void **state)
{
	struct ice_candidate_line line = parse("candidate:1 1 udp 1 10.0.0.1 1 typ host tcptype passive");

	(void)state;
	assert_int_equal(line.candidate.tcptype, CANDIDATE_TCP_NONE);
}

static void test_zone_is_dropped(void **state)
{
	struct ice_candidate_line line = parse("candidate:1 1 udp 1 fe80::1%eth0 1 typ host");
	struct ice_candidate_line number = parse("candidate:1 1 udp 1 fe80::1%3 1 typ host");

	(void)state;
	assert_int_equal(line.candidate.addr.scope_id, 0);
	assert_int_equal(number.candidate.addr.scope_id, 0);
	number.candidate.addr.scope_id = 3;
	assert_writes(&number, "candidate:1 1 udp 1 fe80::1 1 typ host");
}

/* R8: the mapped form is told, and is IPv4 from then on. */
static void test_R8_mapped_address_is_told_and_normalised(void **state)
{
	struct ice_candidate_line line = parse("candidate:1 1 udp 1 ::ffff:127.0.0.1 80 typ host");

	(void)state;
	assert_true(line.mapped);
	assert_int_equal(line.candidate.addr.family, 4);
	assert_false(ice_remote_address_allowed(&line.candidate.addr, 0));
}

static void test_malformed_lines(void **state)
{
	static const char *const lines[] = {
		"",
		"a=",
		"candidate:",
		"candidate",
		"candidat:1 1 udp 1 10.0.0.1 1 typ host",
		"candidate: 1 udp 1 10.0.0.1 1 typ host",
		"candidate:1",
		"candidate:1 1 udp 1 10.0.0.1 1",
		"candidate:1 1 udp 1 10.0.0.1 1 typ",
		"candidate:1 1 udp 1 10.0.0.1 1 host",
		"candidate:1 1 udp 1 10.0.0.1 1 type host",
		"candidate:1- 1 udp 1 10.0.0.1 1 typ host",
		"candidate:123456789012345678901234567890123 1 udp 1 10.0.0.1 1 typ host",
		"candidate:1 0 udp 1 10.0.0.1 1 typ host",
		"candidate:1 257 udp 1 10.0.0.1 1 typ host",
		"candidate:1 -1 udp 1 10.0.0.1 1 typ host",
		"candidate:1 1 udp 4294967296 10.0.0.1 1 typ host",
		"candidate:1 1 udp +1 10.0.0.1 1 typ host",
		"candidate:1 1 udp 1 10.0.0.1 65536 typ host",
		"candidate:1 1 udp 1 10.0.0 1 typ host",
		"candidate:1 1 udp 1 10.0.0.256 1 typ host",
		"candidate:1 1 udp 1 10.0.0.1.1 1 typ host",
		"candidate:1 1 udp 1 1:2:3 1 typ host",
		"candidate:1 1 udp 1 [::1] 1 typ host",
		"candidate:1 1 udp 1 a..local 1 typ host",
		"candidate:1 1 udp 1 .local 1 typ host",
		"candidate:1 1 udp 1 a/b.local 1 typ host",
		"candidate:1 1 udp 1 a%1 1 typ host",
		"candidate:1 1 tcp 1 10.0.0.1 1 typ host",
		"candidate:1 1 tcp 1 10.0.0.1 1 typ host tcptype simultaneous",
		"candidate:1 1 udp 1 10.0.0.1 1 typ host generation",
		"candidate:1 1 udp 1 10.0.0.1 1 typ host generation 4294967296",
		"candidate:1 1 udp 1 10.0.0.1 1 typ host rport 65536",
		"candidate:1 1 udp 1 10.0.0.1 1 typ host ufrag a-b",
		"candidate:1 1 udp 1 10.0.0.1 1 typ host network-id 65536",
		"candidate:1 1 udp 1 10.0.0.1 1 typ host network-cost x",
		"candidate:1 1 udp 1 10.0.0.1 1 typ host\r\na=b",
		"candidate:1\t1 udp 1 10.0.0.1 1 typ host",
		"candidate:1 1 udp 1 10.0.0.1 1 typ host x \xc3\xa4",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct ice_candidate_line line = { .generation = 77 };
		wlk_err err = ice_candidate_line_parse(&line, str_of(lines[i]));

		if (err != WLK_ERR_PARSE)
			fail_msg("'%s' answers %d", lines[i], (int)err);
		assert_int_equal(line.generation, 77); /* untouched */
	}
}

static void test_unsupported_lines(void **state)
{
	struct ice_candidate_line line;

	(void)state;
	assert_int_equal(ice_candidate_line_parse(&line, str_of("candidate:1 1 ssltcp 1 10.0.0.1 443 typ host")),
			 WLK_ERR_UNSUPPORTED);
	assert_int_equal(ice_candidate_line_parse(&line, str_of("candidate:1 1 udp 1 10.0.0.1 443 typ magic")),
			 WLK_ERR_UNSUPPORTED);
}

static void test_R8_line_of_512_bytes_at_most(void **state)
{
	static const char start[] = "candidate:1 1 udp 1 10.0.0.1 1 typ host x ";
	char text[ICE_CANDIDATE_LINE_MAX + 1];
	struct ice_candidate_line line;

	(void)state;
	memset(text, 'y', sizeof(text));
	memcpy(text, start, sizeof(start) - 1);
	assert_int_equal(ice_candidate_line_parse(&line, (struct str){ text, 512 }), WLK_OK);
	assert_int_equal(ice_candidate_line_parse(&line, (struct str){ text, 513 }), WLK_ERR_TOO_LARGE);
}

static void test_host_name_lengths(void **state)
{
	char text[ICE_CANDIDATE_LINE_MAX];
	struct ice_candidate_line line;

	(void)state;
	for (size_t length = ICE_HOST_NAME_MAX - 1; length <= ICE_HOST_NAME_MAX + 1; length++) {
		struct str all = { text, 0 };

		memcpy(text, "candidate:1 1 udp 1 ", 20);
		memset(text + 20, 'n', length);
		memcpy(text + 20 + length, " 1 typ host", 11);
		all.size = 31 + length;
		assert_int_equal(ice_candidate_line_parse(&line, all),
				 length <= ICE_HOST_NAME_MAX ? WLK_OK : WLK_ERR_PARSE);
	}
}

static void test_write_plain_value(void **state)
{
	struct ice_candidate c = { .type = CANDIDATE_HOST,
				   .transport = ICE_TCP,
				   .tcptype = CANDIDATE_TCP_PASSIVE,
				   .component = 1,
				   .priority = 7,
				   .addr = addr_v4(1, 2, 3, 4, 5),
				   .foundation = "f" };
	struct text text;

	(void)state;
	text_init(&text);
	ice_candidate_write(&text, &c);
	assert_string_equal(text.at, "candidate:f 1 tcp 7 1.2.3.4 5 typ host tcptype passive");
	text_free(&text);
}

static void test_write_without_memory_fails_in_the_builder(void **state)
{
	struct ice_candidate_line line = parse("candidate:1 1 udp 1 10.0.0.1 1 typ host");
	struct text text;

	(void)state;
	text_init(&text);
	alloc_fail_after(1);
	ice_candidate_line_write(&text, &line);
	alloc_fail_after(0);
	assert_false(text_ok(&text));
	text_free(&text);
}

/* RFC 8445 5.1.2.1: 2^24 * type + 2^8 * local + (256 - component). */
static void test_priority(void **state)
{
	(void)state;
	assert_int_equal(ice_candidate_priority(CANDIDATE_HOST, 65535, 1), 2130706431);
	assert_int_equal(ice_candidate_priority(CANDIDATE_HOST, 65535, 2), 2130706430);
	assert_int_equal(ice_candidate_priority(CANDIDATE_PRFLX, 65535, 1), 1862270975);
	assert_int_equal(ice_candidate_priority(CANDIDATE_SRFLX, 65535, 1), 1694498815);
	assert_int_equal(ice_candidate_priority(CANDIDATE_RELAY, 65535, 1), 16777215);
	assert_int_equal(ice_candidate_priority(CANDIDATE_RELAY, 0, 256), 0);
}

/* RFC 6544 4.2. */
static void test_tcp_local_preference(void **state)
{
	(void)state;
	assert_int_equal(ice_tcp_local_preference(CANDIDATE_HOST, CANDIDATE_TCP_ACTIVE, 0x1FFF), 0xDFFF);
	assert_int_equal(ice_tcp_local_preference(CANDIDATE_HOST, CANDIDATE_TCP_PASSIVE, 0), 4 << 13);
	assert_int_equal(ice_tcp_local_preference(CANDIDATE_RELAY, CANDIDATE_TCP_SO, 1), (2 << 13) + 1);
	assert_int_equal(ice_tcp_local_preference(CANDIDATE_SRFLX, CANDIDATE_TCP_SO, 0), 6 << 13);
	assert_int_equal(ice_tcp_local_preference(CANDIDATE_PRFLX, CANDIDATE_TCP_ACTIVE, 0), 4 << 13);
	assert_int_equal(ice_tcp_local_preference(CANDIDATE_SRFLX, CANDIDATE_TCP_PASSIVE, 0), 2 << 13);
	/* Every UDP candidate that is not relayed goes before every TCP one, and these before relayed ones. */
	assert_int_equal(ice_tcp_candidate_priority(CANDIDATE_HOST, CANDIDATE_TCP_ACTIVE, 0x1FFF, 1), 90u << 24 | 0xDFFFFF);
	assert_true(ice_tcp_candidate_priority(CANDIDATE_HOST, CANDIDATE_TCP_ACTIVE, 0x1FFF, 1) <
		    ice_candidate_priority(CANDIDATE_SRFLX, 0, 256));
	assert_true(ice_tcp_candidate_priority(CANDIDATE_SRFLX, CANDIDATE_TCP_PASSIVE, 0, 256) >
		    ice_candidate_priority(CANDIDATE_RELAY, 65535, 1));
}

static void test_the_transport_of_a_line_is_that_of_its_address(void **state)
{
	struct ice_candidate_line line;

	(void)state;
	assert_int_equal(ice_candidate_line_parse(&line, STR("candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active")),
			 WLK_OK);
	assert_int_equal(line.candidate.addr.transport, WLK_TRANSPORT_TCP);
	assert_int_equal(ice_candidate_line_parse(&line, STR("candidate:1 1 udp 1 192.0.2.1 9 typ host")), WLK_OK);
	assert_int_equal(line.candidate.addr.transport, WLK_TRANSPORT_UDP);
}

/* RFC 8445 5.1.1.3: what may and what must not share a foundation. */
static void test_foundation(void **state)
{
	wlk_addr base = addr_v4(10, 0, 0, 1, 1000), same_ip = addr_v4(10, 0, 0, 1, 2000);
	wlk_addr other = addr_v4(10, 0, 0, 2, 1000), server = addr_v4(192, 0, 2, 1, 3478);
	char a[ICE_FOUNDATION_MAX + 1], b[ICE_FOUNDATION_MAX + 1];

	(void)state;
#define FOUNDATION(out, ...) assert_int_equal(ice_candidate_foundation(out, __VA_ARGS__), WLK_OK)
	FOUNDATION(a, CANDIDATE_HOST, ICE_UDP, &base, NULL, 1);
	FOUNDATION(b, CANDIDATE_HOST, ICE_UDP, &same_ip, NULL, 1);
	assert_string_equal(a, b);
	assert_true(strlen(a) >= 1 && strlen(a) <= 10);
	FOUNDATION(b, CANDIDATE_HOST, ICE_UDP, &other, NULL, 1);
	assert_string_not_equal(a, b);
	FOUNDATION(b, CANDIDATE_SRFLX, ICE_UDP, &base, NULL, 1);
	assert_string_not_equal(a, b);
	FOUNDATION(b, CANDIDATE_HOST, ICE_TCP, &base, NULL, 1);
	assert_string_not_equal(a, b);
	FOUNDATION(b, CANDIDATE_HOST, ICE_UDP, &base, &server, 1);
	assert_string_not_equal(a, b);
	FOUNDATION(b, CANDIDATE_HOST, ICE_UDP, &base, NULL, 2);
	assert_string_not_equal(a, b);
#undef FOUNDATION
}

static void test_type_names(void **state)
{
	(void)state;
	assert_string_equal(ice_candidate_type_name(CANDIDATE_HOST), "host");
	assert_string_equal(ice_candidate_type_name(CANDIDATE_RELAY), "relay");
}

static bool allowed(const char *ip, uint16_t port, unsigned flags)
{
	wlk_addr addr;

	assert_int_equal(addr_parse(&addr, ip, strlen(ip), port), WLK_OK);
	return ice_remote_address_allowed(&addr, flags);
}

static void test_R8_remote_addresses(void **state)
{
	static const char *const never[] = { "0.0.0.0",
					     "0.1.2.3",
					     "224.0.0.251",
					     "239.255.255.255",
					     "255.255.255.255",
					     "::",
					     "ff02::1",
					     "::1.2.3.4",
					     "::ffff:0.0.0.0",
					     "::ffff:224.0.0.1",
					     "ff0e::1",
					     "::127.0.0.1",
					     "::ffff:255.255.255.255" };
	static const char *const loopback[] = { "127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1" };
	static const char *const link_local[] = { "169.254.1.1", "fe80::1", "::ffff:169.254.169.254" };
	static const char *const always[] = { "10.0.0.1",    "192.0.2.1", "8.8.8.8",
					      "2001:db8::1", "fd00::1",   "::ffff:8.8.8.8" };
	const unsigned all = ICE_ALLOW_LOOPBACK | ICE_ALLOW_LINK_LOCAL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		assert_false(allowed(never[i], 1, all));
	for (size_t i = 0; i < ARRAY_SIZE(loopback); i++) {
		assert_false(allowed(loopback[i], 1, ICE_ALLOW_LINK_LOCAL));
		assert_true(allowed(loopback[i], 1, ICE_ALLOW_LOOPBACK));
	}
	for (size_t i = 0; i < ARRAY_SIZE(link_local); i++) {
		assert_false(allowed(link_local[i], 1, ICE_ALLOW_LOOPBACK));
		assert_true(allowed(link_local[i], 1, ICE_ALLOW_LINK_LOCAL));
	}
	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		assert_true(allowed(always[i], 1, 0));
		assert_true(allowed(always[i], 65535, 0));
		assert_false(allowed(always[i], 0, all));
	}
	assert_false(ice_remote_address_allowed(&(wlk_addr){ .port = 9 }, all));
}

/* R8: a mapped address that somebody put together without normalising it is judged all the same. */
static void test_R8_unnormalised_mapped_address(void **state)
{
	wlk_addr raw = { .family = 6, .port = 80, .ip = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } };

	(void)state;
	assert_false(ice_remote_address_allowed(&raw, 0));
	assert_true(ice_remote_address_allowed(&raw, ICE_ALLOW_LOOPBACK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chromium_host),
		cmocka_unit_test(test_firefox_mdns_tcp_active),
		cmocka_unit_test(test_srflx_prflx_and_relay),
		cmocka_unit_test(test_related_names_and_rubbish),
		cmocka_unit_test(test_unknown_extensions_are_skipped),
		cmocka_unit_test(test_tcptype_of_udp_is_ignored),
		cmocka_unit_test(test_zone_is_dropped),
		cmocka_unit_test(test_R8_mapped_address_is_told_and_normalised),
		cmocka_unit_test(test_malformed_lines),
		cmocka_unit_test(test_unsupported_lines),
		cmocka_unit_test(test_R8_line_of_512_bytes_at_most),
		cmocka_unit_test(test_host_name_lengths),
		cmocka_unit_test(test_write_plain_value),
		cmocka_unit_test(test_write_without_memory_fails_in_the_builder),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_tcp_local_preference),
		cmocka_unit_test(test_the_transport_of_a_line_is_that_of_its_address),
		cmocka_unit_test(test_foundation),
		cmocka_unit_test(test_type_names),
		cmocka_unit_test(test_R8_remote_addresses),
		cmocka_unit_test(test_R8_unnormalised_mapped_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
