#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"

static wlk_addr parsed(const char *text, uint16_t port)
{
	wlk_addr out;

	assert_int_equal(addr_parse(&out, text, strlen(text), port), WLK_OK);
	return out;
}

static void refuses(const char *text, size_t size)
{
	wlk_addr out = { .family = 77 };

	assert_int_equal(addr_parse(&out, text, size, 1), WLK_ERR_PARSE);
	assert_int_equal(out.family, 77); /* untouched */
}

static void test_parses_ipv4_literals(void **state)
{
	wlk_addr a = parsed("203.0.113.255", 65535);

	(void)state;
	assert_int_equal(a.family, 4);
	assert_int_equal(a.port, 65535);
	assert_int_equal(a.ip[0], 203);
	assert_int_equal(a.ip[3], 255);
	assert_int_equal(a.scope_id, 0);
}

static void test_parses_only_the_given_bytes(void **state)
{
	wlk_addr out;

	(void)state;
	assert_int_equal(addr_parse(&out, "10.0.0.12345", 9, 0), WLK_OK);
	assert_int_equal(out.ip[3], 12);
}

static void test_parses_ipv6_with_scope(void **state)
{
	wlk_addr a = parsed("fe80::1%42", 9);
	char text[WLK_ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(a.family, 6);
	assert_int_equal(a.scope_id, 42);
	assert_string_equal(addr_text(&a, text), "[fe80::1%42]:9");
	a = parsed("2001:db8::8:800:200c:417a", 0);
	assert_int_equal(a.scope_id, 0);
	assert_string_equal(addr_ip_text(&a, text), "2001:db8::8:800:200c:417a");
}

static void test_R8_mapped_ipv4_becomes_ipv4(void **state)
{
	wlk_addr a = parsed("::ffff:127.0.0.1", 80);

	(void)state;
	assert_int_equal(a.family, 4);
	assert_int_equal(a.port, 80);
	assert_true(addr_is_loopback(&a));
	a = parsed("::ffff:7f00:1", 80);
	assert_int_equal(a.family, 4);
	/* IPv4-compatible and almost-mapped ones are no IPv4 addresses */
	assert_int_equal(parsed("::127.0.0.1", 0).family, 6);
	assert_int_equal(parsed("::fffe:127.0.0.1", 0).family, 6);
}

static void test_refuses_what_is_no_literal(void **state)
{
	static const char *const wrong[] = { "",
					     "localhost",
					     "1.2.3",
					     "1.2.3.4.5",
					     "1.2.3.256",
					     "1.2.3.4 ",
					     " 1.2.3.4",
					     "01.2.3.4",
					     "[::1]",
					     "::1::",
					     "1.2.3.4%1",
					     "fe80::1%",
					     "fe80::1%eth0",
					     "fe80::1%4294967296",
					     "%1",
					     "12345::",
					     "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		refuses(wrong[i], strlen(wrong[i]));
	refuses("1.2.3.4\0x", 9); /* an embedded NUL hides nothing */
}

static void test_text_of_addresses(void **state)
{
	wlk_addr v4 = addr_v4(192, 0, 2, 1, 3478), none = { 0 };
	wlk_addr longest = parsed("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295", 65535);
	char text[WLK_ADDR_TEXT_MAX];

	(void)state;
	assert_string_equal(addr_text(&v4, text), "192.0.2.1:3478");
	assert_string_equal(addr_ip_text(&v4, text), "192.0.2.1");
	assert_string_equal(addr_ip_text(&none, text), "none");
	assert_string_equal(addr_text(&longest, text), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

static void test_equality(void **state)
{
	wlk_addr a = addr_v4(10, 0, 0, 1, 5), b = a, c;

	(void)state;
	b.ip[9] = 1; /* beyond an IPv4 address: no part of it */
	assert_true(addr_equal(&a, &b));
	assert_int_equal(addr_hash(&a), addr_hash(&b));
	b.port = 6;
	assert_false(addr_equal(&a, &b));
	assert_true(addr_ip_equal(&a, &b));
	assert_int_not_equal(addr_hash(&a), addr_hash(&b));
	b = addr_v4(10, 0, 0, 2, 5);
	assert_false(addr_equal(&a, &b));
	c = parsed("a00:1::", 5); /* the same first bytes in the other family */
	assert_false(addr_ip_equal(&a, &c));
}

static void test_equality_of_scopes(void **state)
{
	wlk_addr one = parsed("fe80::1%1", 5), two = parsed("fe80::1%2", 5), any = parsed("fe80::1", 5);

	(void)state;
	assert_false(addr_equal(&one, &two));
	assert_true(addr_equal(&one, &any));
	assert_int_equal(addr_hash(&one), addr_hash(&any)); /* equal ones hash alike */
}

struct class_case {
	const char *text;
	bool loopback, link_local, multicast, unspecified, broadcast, private;
};

static void test_classes(void **state)
{
	static const struct class_case cases[] = {
		{ .text = "127.0.0.1", .loopback = true },
		{ .text = "127.255.255.255", .loopback = true },
		{ .text = "126.255.255.255" },
		{ .text = "128.0.0.0" },
		{ .text = "::1", .loopback = true },
		{ .text = "::2" },
		{ .text = "169.254.0.1", .link_local = true },
		{ .text = "169.253.255.255" },
		{ .text = "fe80::1", .link_local = true },
		{ .text = "febf::1", .link_local = true },
		{ .text = "fec0::1" },
		{ .text = "223.255.255.255" },
		{ .text = "224.0.0.0", .multicast = true },
		{ .text = "239.255.255.255", .multicast = true },
		{ .text = "240.0.0.0" },
		{ .text = "ff02::fb", .multicast = true },
		{ .text = "0.0.0.0", .unspecified = true },
		{ .text = "0.1.2.3", .unspecified = true },
		{ .text = "::", .unspecified = true },
		{ .text = "255.255.255.255", .broadcast = true },
		{ .text = "255.255.255.254" },
		{ .text = "10.255.0.1", .private = true },
		{ .text = "172.15.255.255" },
		{ .text = "172.16.0.0", .private = true },
		{ .text = "172.31.255.255", .private = true },
		{ .text = "172.32.0.0" },
		{ .text = "192.168.0.1", .private = true },
		{ .text = "192.169.0.1" },
		{ .text = "fc00::1", .private = true },
		{ .text = "fdff::1", .private = true },
		{ .text = "fbff::1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct class_case *c = &cases[i];
		wlk_addr a = parsed(c->text, 0);

		print_message("%s\n", c->text);
		assert_int_equal(addr_is_loopback(&a), c->loopback);
		assert_int_equal(addr_is_link_local(&a), c->link_local);
		assert_int_equal(addr_is_multicast(&a), c->multicast);
		assert_int_equal(addr_is_unspecified(&a), c->unspecified);
		assert_int_equal(addr_is_broadcast(&a), c->broadcast);
		assert_int_equal(addr_is_private(&a), c->private);
	}
}

static void test_public_text(void **state)
{
	static const uint8_t link_local[16] = { 0xfe, 0x80, [15] = 1 };
	wlk_addr v4 = addr_v4(192, 0, 2, 1, 65535), v6 = addr_v6(link_local, 80), none = { 0 };
	char text[WLK_ADDR_TEXT_MAX];

	(void)state;
	assert_string_equal(wlk_addr_to_string(&v4, text, sizeof(text)), "192.0.2.1:65535");
	v6.scope_id = 2;
	v6.transport = WLK_TRANSPORT_TCP;
	assert_string_equal(wlk_addr_to_string(&v6, text, sizeof(text)), "[fe80::1%2]:80/tcp");
	assert_string_equal(wlk_addr_to_string(&none, text, sizeof(text)), "none");
	assert_string_equal(wlk_addr_to_string(NULL, text, sizeof(text)), "none");
	assert_string_equal(wlk_addr_to_string(&v4, text, 16), "192.0.2.1:65535");
	assert_string_equal(wlk_addr_to_string(&v4, text, 15), ""); /* never half an address */
	text[0] = 'x';
	assert_ptr_equal(wlk_addr_to_string(&v4, text, 0), text);
	assert_int_equal(text[0], 'x');
	assert_null(wlk_addr_to_string(&v4, NULL, 0));
	memset(v6.ip, 0xff, sizeof(v6.ip));
	v6.scope_id = UINT32_MAX;
	v6.port = 65535;
	assert_string_equal(wlk_addr_to_string(&v6, text, sizeof(text)),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535/tcp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parses_ipv4_literals),
		cmocka_unit_test(test_parses_only_the_given_bytes),
		cmocka_unit_test(test_parses_ipv6_with_scope),
		cmocka_unit_test(test_R8_mapped_ipv4_becomes_ipv4),
		cmocka_unit_test(test_refuses_what_is_no_literal),
		cmocka_unit_test(test_text_of_addresses),
		cmocka_unit_test(test_equality),
		cmocka_unit_test(test_equality_of_scopes),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_public_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
