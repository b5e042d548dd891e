/* R28, rule by rule, and the packets of real browser sessions, which must all pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/crypto.h"
#include "sctp/packet_filter.h"

enum { OUR_TAG = 0x11223344, PEER_TAG = 0x55667788, PORT = 5000 };

static const struct packet_filter established = {
	.local_port = PORT,
	.remote_port = PORT,
	.init_tag = OUR_TAG,
	.init_ack_tag = OUR_TAG,
	.peer_tag = PEER_TAG,
};

/* Builds one packet chunk by chunk. */
struct builder {
	uint8_t data[4096];
	size_t size;
};

static void begin(struct builder *b, uint32_t tag)
{
	memset(b, 0, sizeof(*b));
	store_u16(b->data, PORT);
	store_u16(b->data + 2, PORT);
	store_u32(b->data + 4, tag);
	b->size = PACKET_HEADER_SIZE;
}

/* A chunk whose length field is |length| and that occupies |length| bytes, padded; the body is copied from |body|. */
static uint8_t *add(struct builder *b, uint8_t type, uint8_t flags, size_t length, const void *body)
{
	uint8_t *chunk = b->data + b->size;

	chunk[0] = type;
	chunk[1] = flags;
	store_u16(chunk + 2, (uint16_t)length);
	if (body)
		memcpy(chunk + 4, body, length - 4);
	b->size += (length + 3) & ~(size_t)3;
	return chunk;
}

/* From an exactly sized block, so that a read past the end is found. */
static enum packet_verdict judge_with(const struct packet_filter *filter, struct builder *b)
{
	uint8_t *exact = malloc(b->size);
	enum packet_verdict verdict;

	packet_write_checksum(b->data, b->size);
	memcpy(exact, b->data, b->size);
	verdict = packet_filter_check(filter, exact, b->size);
	free(exact);
	return verdict;
}

static enum packet_verdict judge(struct builder *b)
{
	return judge_with(&established, b);
}

static enum packet_verdict judge_chunk(uint8_t type, size_t length, const void *body)
{
	struct builder b;

	begin(&b, OUR_TAG);
	add(&b, type, 0, length, body);
	return judge(&b);
}

static const uint8_t init_body[16] = { 0x32, 0x25, 0x9e, 0xa6, 0, 0, 0x80, 0, 4, 0, 4, 0, 0, 0, 0, 1 };

static struct builder init_packet(uint8_t type, const void *params, size_t params_size)
{
	struct builder b;
	uint8_t body[1024];

	memcpy(body, init_body, sizeof(init_body));
	if (params_size)
		memcpy(body + sizeof(init_body), params, params_size);
	begin(&b, type == CHUNK_INIT ? 0 : OUR_TAG);
	add(&b, type, 0, 4 + sizeof(init_body) + params_size, body);
	return b;
}

static uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Feed a recorded session as the side it was recorded on; every packet of the browser must pass. */
static void replay(const char *name, size_t expected)
{
	struct packet_filter filter = { .local_port = PORT, .remote_port = PORT };
	uint8_t packet[2048];
	char path[512], line[8192], direction[8], hex[8192];
	size_t passed = 0;

	snprintf(path, sizeof(path), "%s/sctp/%s", WLK_VECTORS, name);
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		assert_int_equal(sscanf(line, "%7s %8191s", direction, hex), 2);
		size_t size = strlen(hex) / 2;

		for (size_t i = 0; i < size; i++)
			packet[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
		assert_int_equal(load_u32(packet + 8), packet_checksum(packet, size));
		if (direction[0] == 'o') {
			packet_filter_learn_output(&filter, packet, size);
			continue;
		}
		assert_int_equal(packet_filter_check(&filter, packet, size), PACKET_OK);
		packet_filter_learn_input(&filter, packet, size);
		passed++;
	}
	fclose(file);
	assert_int_equal(passed, expected);
	assert_false(filter.zero_checksum_tx);
}

static void test_sessions_of_browsers_pass(void **state)
{
	(void)state;
	replay("chromium.dc.txt", 60);
	replay("firefox.dc.txt", 60);
}

/* RFC 9260 appendix A's polynomial: the check value of the algorithm, and what it makes of a packet. */
static void test_crc32c_vectors(void **state)
{
	uint8_t zeros[32] = { 0 };
	uint8_t ones[32];
	uint8_t rising[32];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (uint8_t i = 0; i < sizeof(rising); i++)
		rising[i] = i;
	assert_int_equal(crypto_crc32c(0, "123456789", 9), 0xe3069283);
	/* RFC 3720 B.4 */
	assert_int_equal(crypto_crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa);
	assert_int_equal(crypto_crc32c(0, ones, sizeof(ones)), 0x62a8ab43);
	assert_int_equal(crypto_crc32c(0, rising, sizeof(rising)), 0x46dd794e);
	for (size_t size = 0; size <= sizeof(rising); size++)
		assert_int_equal(crypto_crc32c(7, rising, size), crypto_crc32c_portable(7, rising, size));
}

static void test_wrong_checksum_is_dropped(void **state)
{
	struct builder b;

	(void)state;
	begin(&b, OUR_TAG);
	add(&b, CHUNK_COOKIE_ACK, 0, 4, NULL);
	assert_int_equal(judge(&b), PACKET_OK);
	for (size_t bit = 0; bit < 32; bit++) {
		packet_write_checksum(b.data, b.size);
		b.data[8 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(packet_filter_check(&established, b.data, b.size), PACKET_BAD_CHECKSUM);
	}
}

static void test_RFC9653_zero_checksum_only_where_announced(void **state)
{
	struct packet_filter filter = established;
	struct builder b;

	(void)state;
	begin(&b, OUR_TAG);
	add(&b, CHUNK_COOKIE_ACK, 0, 4, NULL);
	assert_int_equal(packet_filter_check(&filter, b.data, b.size), PACKET_BAD_CHECKSUM);
	filter.zero_checksum_rx = true;
	assert_int_equal(packet_filter_check(&filter, b.data, b.size), PACKET_OK);
	b.data[8] = 1;
	assert_int_equal(packet_filter_check(&filter, b.data, b.size), PACKET_BAD_CHECKSUM);

	begin(&b, OUR_TAG);
	add(&b, CHUNK_COOKIE_ECHO, 0, 8, NULL);
	assert_int_equal(packet_filter_check(&filter, b.data, b.size), PACKET_BAD_CHECKSUM);
	b = init_packet(CHUNK_INIT, NULL, 0);
	assert_int_equal(packet_filter_check(&filter, b.data, b.size), PACKET_BAD_CHECKSUM);
}

static void test_RFC9653_is_learnt_from_INIT_and_never_used_for_INIT_and_COOKIE_ECHO(void **state)
{
	static const uint8_t param[8] = { 0x80, 0x01, 0, 8, 0, 0, 0, 1 };
	static const uint8_t other_method[8] = { 0x80, 0x01, 0, 8, 0, 0, 0, 2 };
	struct packet_filter filter = established;
	struct builder b = init_packet(CHUNK_INIT, param, sizeof(param));

	(void)state;
	assert_int_equal(judge(&b), PACKET_OK);
	packet_filter_learn_input(&filter, b.data, b.size);
	assert_true(filter.zero_checksum_tx);
	assert_false(packet_filter_may_omit_checksum(&filter, b.data, b.size));
	begin(&b, PEER_TAG);
	add(&b, CHUNK_COOKIE_ECHO, 0, 8, NULL);
	assert_false(packet_filter_may_omit_checksum(&filter, b.data, b.size));
	begin(&b, PEER_TAG);
	add(&b, CHUNK_COOKIE_ACK, 0, 4, NULL);
	assert_true(packet_filter_may_omit_checksum(&filter, b.data, b.size));
	b = init_packet(CHUNK_INIT, other_method, sizeof(other_method));
	packet_filter_learn_input(&filter, b.data, b.size);
	assert_false(filter.zero_checksum_tx);
}

static void test_R28_too_short(void **state)
{
	uint8_t *exact;

	(void)state;
	for (size_t size = 0; size < 16; size++) {
		exact = calloc(1, size ? size : 1);
		assert_int_equal(packet_filter_check(&established, exact, size), PACKET_TOO_SHORT);
		free(exact);
	}
}

static void test_R28_ports_as_negotiated(void **state)
{
	struct builder b;

	(void)state;
	begin(&b, OUR_TAG);
	add(&b, CHUNK_COOKIE_ACK, 0, 4, NULL);
	store_u16(b.data, PORT + 1);
	assert_int_equal(judge(&b), PACKET_WRONG_PORT);
	store_u16(b.data, PORT);
	store_u16(b.data + 2, PORT - 1);
	assert_int_equal(judge(&b), PACKET_WRONG_PORT);
}

static void test_R28_verification_tag(void **state)
{
	struct packet_filter fresh = { .local_port = PORT, .remote_port = PORT };
	struct builder b;

	(void)state;
	begin(&b, OUR_TAG + 1);
	add(&b, CHUNK_COOKIE_ACK, 0, 4, NULL);
	assert_int_equal(judge(&b), PACKET_WRONG_TAG);
	begin(&b, 0);
	add(&b, CHUNK_COOKIE_ACK, 0, 4, NULL);
	assert_int_equal(judge(&b), PACKET_WRONG_TAG);
	assert_int_equal(judge_with(&fresh, &b), PACKET_WRONG_TAG);
	b = init_packet(CHUNK_INIT, NULL, 0);
	assert_int_equal(judge(&b), PACKET_OK);
	store_u32(b.data + 4, OUR_TAG);
	assert_int_equal(judge(&b), PACKET_WRONG_TAG);
}

static void test_R28_reflected_tag_of_ABORT_and_SHUTDOWN_COMPLETE(void **state)
{
	static const uint8_t types[] = { CHUNK_ABORT, CHUNK_SHUTDOWN_COMPLETE };
	struct builder b;

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		begin(&b, PEER_TAG);
		add(&b, types[i], 1, 4, NULL);
		assert_int_equal(judge(&b), PACKET_OK);
		begin(&b, PEER_TAG);
		add(&b, types[i], 0, 4, NULL);
		assert_int_equal(judge(&b), PACKET_WRONG_TAG);
		begin(&b, OUR_TAG);
		add(&b, types[i], 1, 4, NULL);
		assert_int_equal(judge(&b), PACKET_WRONG_TAG);
		begin(&b, OUR_TAG);
		add(&b, types[i], 0, 4, NULL);
		assert_int_equal(judge(&b), PACKET_OK);
	}
	begin(&b, PEER_TAG);
	add(&b, CHUNK_COOKIE_ACK, 1, 4, NULL);
	assert_int_equal(judge(&b), PACKET_WRONG_TAG);
}

static void test_R28_chunk_length_below_four_or_outside(void **state)
{
	struct builder b;
	uint8_t *chunk;

	(void)state;
	for (uint16_t length = 0; length < 4; length++) {
		begin(&b, OUR_TAG);
		chunk = add(&b, CHUNK_PAD, 0, 8, NULL);
		store_u16(chunk + 2, length);
		assert_int_equal(judge(&b), PACKET_BAD_LENGTH);
	}
	begin(&b, OUR_TAG);
	chunk = add(&b, CHUNK_PAD, 0, 8, NULL);
	store_u16(chunk + 2, 9);
	assert_int_equal(judge(&b), PACKET_BAD_LENGTH);
	store_u16(chunk + 2, 8);
	assert_int_equal(judge(&b), PACKET_OK);
	b.size += 3; /* a chunk header cut off */
	assert_int_equal(judge(&b), PACKET_BAD_LENGTH);
}

static void test_R28_at_most_128_chunks(void **state)
{
	struct builder b;

	(void)state;
	begin(&b, OUR_TAG);
	for (int i = 0; i < 128; i++)
		add(&b, CHUNK_PAD, 0, 4, NULL);
	assert_int_equal(judge(&b), PACKET_OK);
	add(&b, CHUNK_PAD, 0, 4, NULL);
	assert_int_equal(judge(&b), PACKET_TOO_MANY);
}

static void test_R28_INIT_and_INIT_ACK_stand_alone(void **state)
{
	static const uint8_t cookie[8] = { 0, 7, 0, 8, 1, 2, 3, 4 };
	struct builder b = init_packet(CHUNK_INIT, NULL, 0);

	(void)state;
	assert_int_equal(judge(&b), PACKET_OK);
	add(&b, CHUNK_PAD, 0, 4, NULL);
	assert_int_equal(judge(&b), PACKET_BUNDLED);

	b = init_packet(CHUNK_INIT_ACK, cookie, sizeof(cookie));
	assert_int_equal(judge(&b), PACKET_OK);
	add(&b, CHUNK_PAD, 0, 4, NULL);
	assert_int_equal(judge(&b), PACKET_BUNDLED);

	begin(&b, OUR_TAG);
	add(&b, CHUNK_PAD, 0, 4, NULL);
	add(&b, CHUNK_INIT, 0, 20, init_body);
	assert_int_equal(judge(&b), PACKET_BUNDLED);
}

static void test_R28_COOKIE_ECHO_comes_first(void **state)
{
	struct builder b;

	(void)state;
	begin(&b, OUR_TAG);
	add(&b, CHUNK_COOKIE_ECHO, 0, 8, NULL);
	add(&b, CHUNK_DATA, 3, 17, NULL);
	assert_int_equal(judge(&b), PACKET_OK);
	begin(&b, OUR_TAG);
	add(&b, CHUNK_DATA, 3, 17, NULL);
	add(&b, CHUNK_COOKIE_ECHO, 0, 8, NULL);
	assert_int_equal(judge(&b), PACKET_BUNDLED);
}

static void test_R28_refused_chunk_types(void **state)
{
	static const uint8_t refused[] = { CHUNK_ECNE,   CHUNK_CWR,        CHUNK_AUTH,   CHUNK_NR_SACK,       17,
					   63,           CHUNK_I_DATA,     65,           CHUNK_I_FORWARD_TSN, 127,
					   CHUNK_ASCONF, CHUNK_ASCONF_ACK, CHUNK_PKTDROP };

	(void)state;
	for (size_t i = 0; i < sizeof(refused); i++)
		assert_int_equal(judge_chunk(refused[i], 16, NULL), PACKET_REFUSED_CHUNK);
	assert_int_equal(judge_chunk(CHUNK_PAD, 16, NULL), PACKET_OK);
	assert_int_equal(judge_chunk(0x9f, 16, NULL), PACKET_OK); /* skipped by RFC 9260 3.2 */
}

static void test_R28_address_parameters(void **state)
{
	static const uint8_t ipv4[8] = { 0, 5, 0, 8, 127, 0, 0, 1 };
	static const uint8_t ipv6[20] = { 0, 6, 0, 20 };
	static const uint8_t host[8] = { 0, 11, 0, 8, 'a', '.', 'b', 0 };
	static const uint8_t add_ip[8] = { 0xc0, 0x01, 0, 8 };
	static const uint8_t primary[8] = { 0xc0, 0x04, 0, 8 };
	static const uint8_t extensions[8] = { 0x80, 0x08, 0, 6, 0xc0, 0x82, 0, 0 };
	const struct {
		const uint8_t *param;
		size_t size;
		enum packet_verdict verdict;
	} cases[] = {
		{ ipv4, sizeof(ipv4), PACKET_REFUSED_PARAM },       { ipv6, sizeof(ipv6), PACKET_REFUSED_PARAM },
		{ host, sizeof(host), PACKET_REFUSED_PARAM },       { add_ip, sizeof(add_ip), PACKET_REFUSED_PARAM },
		{ primary, sizeof(primary), PACKET_REFUSED_PARAM }, { extensions, sizeof(extensions), PACKET_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct builder b = init_packet(CHUNK_INIT, cases[i].param, cases[i].size);

		assert_int_equal(judge(&b), cases[i].verdict);
	}
}

static void test_R28_INIT_body(void **state)
{
	static const uint8_t cookie[8] = { 0, 7, 0, 8, 1, 2, 3, 4 };
	static const uint8_t no_cookie[4] = { 0, 7, 0, 4 };
	static const uint8_t short_param[4] = { 0x80, 0x08, 0, 3 };
	static const uint8_t long_param[4] = { 0x80, 0x08, 0, 5 };
	struct builder b;

	(void)state;
	for (size_t offset = 4; offset <= 14; offset += offset < 12 ? 4 : 2) { /* tag, a_rwnd, streams, streams */
		b = init_packet(CHUNK_INIT, NULL, 0);
		memset(b.data + PACKET_HEADER_SIZE + offset, 0, offset < 12 ? 4 : 2);
		assert_int_equal(judge(&b), PACKET_BAD_BODY);
	}
	b = init_packet(CHUNK_INIT, cookie, sizeof(cookie));
	assert_int_equal(judge(&b), PACKET_REFUSED_PARAM);
	b = init_packet(CHUNK_INIT_ACK, NULL, 0);
	assert_int_equal(judge(&b), PACKET_BAD_BODY);
	b = init_packet(CHUNK_INIT_ACK, no_cookie, sizeof(no_cookie));
	assert_int_equal(judge(&b), PACKET_REFUSED_PARAM);
	b = init_packet(CHUNK_INIT, short_param, sizeof(short_param));
	assert_int_equal(judge(&b), PACKET_BAD_BODY);
	b = init_packet(CHUNK_INIT, long_param, sizeof(long_param));
	assert_int_equal(judge(&b), PACKET_BAD_BODY);
	begin(&b, 0);
	add(&b, CHUNK_INIT, 0, 19, init_body);
	assert_int_equal(judge(&b), PACKET_BAD_BODY);
}

static void test_R28_at_most_32_parameters(void **state)
{
	uint8_t params[33 * 4];
	struct builder b;

	(void)state;
	for (size_t i = 0; i < 33; i++)
		memcpy(params + 4 * i, (uint8_t[]){ 0xc0, 0x00, 0, 4 }, 4);
	b = init_packet(CHUNK_INIT, params, 32 * 4);
	assert_int_equal(judge(&b), PACKET_OK);
	b = init_packet(CHUNK_INIT, params, 33 * 4);
	assert_int_equal(judge(&b), PACKET_TOO_MANY);
}

static void test_R28_SACK_counts_fit_its_length(void **state)
{
	uint8_t body[12 + 8] = { 0 };

	(void)state;
	assert_int_equal(judge_chunk(CHUNK_SACK, 16, body), PACKET_OK);
	assert_int_equal(judge_chunk(CHUNK_SACK, 15, body), PACKET_BAD_BODY);
	body[9] = 1; /* one gap block */
	assert_int_equal(judge_chunk(CHUNK_SACK, 16, body), PACKET_BAD_BODY);
	body[13] = 2;
	body[15] = 3;
	assert_int_equal(judge_chunk(CHUNK_SACK, 20, body), PACKET_OK);
	body[15] = 1; /* ends before it starts */
	assert_int_equal(judge_chunk(CHUNK_SACK, 20, body), PACKET_BAD_BODY);
	body[13] = 0;
	assert_int_equal(judge_chunk(CHUNK_SACK, 20, body), PACKET_BAD_BODY);
	body[9] = 0;
	body[11] = 1; /* one duplicate */
	assert_int_equal(judge_chunk(CHUNK_SACK, 20, body), PACKET_OK);
	body[8] = 0xff; /* 65,280 gap blocks */
	assert_int_equal(judge_chunk(CHUNK_SACK, 20, body), PACKET_BAD_BODY);
}

static void test_R28_fixed_sizes(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t size; /* the smallest that is right */
		bool exact;
	} cases[] = {
		{ CHUNK_DATA, 17, false },       { CHUNK_SHUTDOWN, 8, true },          { CHUNK_SHUTDOWN_ACK, 4, true },
		{ CHUNK_COOKIE_ACK, 4, true },   { CHUNK_SHUTDOWN_COMPLETE, 4, true }, { CHUNK_COOKIE_ECHO, 5, false },
		{ CHUNK_FORWARD_TSN, 8, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(judge_chunk(cases[i].type, cases[i].size, NULL), PACKET_OK);
		if (cases[i].size > 4)
			assert_int_equal(judge_chunk(cases[i].type, cases[i].size - 1u, NULL), PACKET_BAD_BODY);
		if (cases[i].exact)
			assert_int_equal(judge_chunk(cases[i].type, cases[i].size + 4u, NULL), PACKET_BAD_BODY);
	}
	assert_int_equal(judge_chunk(CHUNK_FORWARD_TSN, 10, NULL), PACKET_BAD_BODY);
	assert_int_equal(judge_chunk(CHUNK_FORWARD_TSN, 12, NULL), PACKET_OK);
}

static void test_R28_HEARTBEAT_and_ERROR_bodies(void **state)
{
	static const uint8_t info[8] = { 0, 1, 0, 8, 1, 2, 3, 4 };
	static const uint8_t info_outside[8] = { 0, 1, 0, 9, 1, 2, 3, 4 };
	static const uint8_t not_info[8] = { 0, 2, 0, 8, 1, 2, 3, 4 };
	static const uint8_t two[8] = { 0, 1, 0, 4, 0, 1, 0, 4 };
	static const uint8_t causes[12] = { 0, 12, 0, 5, 'x', 0, 0, 0, 0, 13, 0, 4 };
	static const uint8_t cause_outside[8] = { 0, 12, 0, 200, 'x' };
	static const uint8_t cause_zero[4] = { 0, 12, 0, 0 };

	(void)state;
	assert_int_equal(judge_chunk(CHUNK_HEARTBEAT, 12, info), PACKET_OK);
	assert_int_equal(judge_chunk(CHUNK_HEARTBEAT_ACK, 12, info), PACKET_OK);
	assert_int_equal(judge_chunk(CHUNK_HEARTBEAT, 12, info_outside), PACKET_BAD_BODY);
	assert_int_equal(judge_chunk(CHUNK_HEARTBEAT, 12, not_info), PACKET_BAD_BODY);
	assert_int_equal(judge_chunk(CHUNK_HEARTBEAT, 12, two), PACKET_BAD_BODY);
	assert_int_equal(judge_chunk(CHUNK_HEARTBEAT, 4, NULL), PACKET_BAD_BODY);
	assert_int_equal(judge_chunk(CHUNK_ERROR, 16, causes), PACKET_OK);
	assert_int_equal(judge_chunk(CHUNK_ABORT, 16, causes), PACKET_OK);
	assert_int_equal(judge_chunk(CHUNK_ABORT, 4, NULL), PACKET_OK);
	assert_int_equal(judge_chunk(CHUNK_ABORT, 12, cause_outside), PACKET_BAD_BODY);
	assert_int_equal(judge_chunk(CHUNK_ERROR, 8, cause_zero), PACKET_BAD_BODY);
	assert_int_equal(judge_chunk(CHUNK_ERROR, 6, causes), PACKET_BAD_BODY);
}

static enum packet_verdict judge_reconfig(uint16_t type, size_t size, int count)
{
	uint8_t body[256] = { 0 };
	size_t at = 0;

	for (int i = 0; i < count; i++) {
		store_u16(body + at, type);
		store_u16(body + at + 2, (uint16_t)size);
		at += (size + 3) & ~(size_t)3;
	}
	return judge_chunk(CHUNK_RE_CONFIG, 4 + at, body);
}

static void test_R28_RE_CONFIG_parameters(void **state)
{
	static const struct {
		uint16_t type, right, wrong;
	} cases[] = {
		{ 13, 16, 12 }, { 13, 18, 17 }, { 14, 8, 6 },  { 14, 10, 9 },  { 15, 8, 12 },
		{ 16, 12, 8 },  { 16, 20, 16 }, { 17, 12, 8 }, { 18, 12, 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(judge_reconfig(cases[i].type, cases[i].right, 1), PACKET_OK);
		assert_int_equal(judge_reconfig(cases[i].type, cases[i].wrong, 1), PACKET_BAD_BODY);
	}
	assert_int_equal(judge_reconfig(16, 12, 2), PACKET_OK);
	assert_int_equal(judge_reconfig(16, 12, 3), PACKET_BAD_BODY);
	assert_int_equal(judge_reconfig(16, 12, 0), PACKET_BAD_BODY);
	assert_int_equal(judge_reconfig(19, 12, 1), PACKET_BAD_BODY);
}

static void test_tags_are_learnt_from_what_we_send(void **state)
{
	static const uint8_t cookie[8] = { 0, 7, 0, 8, 1, 2, 3, 4 };
	struct packet_filter filter = { .local_port = PORT, .remote_port = PORT };
	struct builder b = init_packet(CHUNK_INIT, NULL, 0);

	(void)state;
	packet_filter_learn_output(&filter, b.data, b.size);
	assert_int_equal(filter.init_tag, 0x32259ea6);
	assert_int_equal(filter.peer_tag, 0);
	b = init_packet(CHUNK_INIT_ACK, cookie, sizeof(cookie));
	store_u32(b.data + 4, PEER_TAG);
	packet_filter_learn_output(&filter, b.data, b.size);
	assert_int_equal(filter.init_ack_tag, 0x32259ea6);
	assert_int_equal(filter.peer_tag, PEER_TAG);
	begin(&b, OUR_TAG);
	add(&b, CHUNK_ABORT, 1, 4, NULL); /* reflects the tag of whom it answers */
	packet_filter_learn_output(&filter, b.data, b.size);
	assert_int_equal(filter.peer_tag, PEER_TAG);
}

static void test_every_verdict_has_a_name(void **state)
{
	(void)state;
	for (int verdict = PACKET_OK; verdict <= PACKET_BAD_BODY; verdict++)
		assert_string_not_equal(packet_verdict_name((enum packet_verdict)verdict), "unknown");
	assert_string_equal(packet_verdict_name((enum packet_verdict)(PACKET_BAD_BODY + 1)), "unknown");
	assert_int_equal(packet_first_chunk((const uint8_t[16]){ 0 }, 15), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions_of_browsers_pass),
		cmocka_unit_test(test_crc32c_vectors),
		cmocka_unit_test(test_wrong_checksum_is_dropped),
		cmocka_unit_test(test_RFC9653_zero_checksum_only_where_announced),
		cmocka_unit_test(test_RFC9653_is_learnt_from_INIT_and_never_used_for_INIT_and_COOKIE_ECHO),
		cmocka_unit_test(test_R28_too_short),
		cmocka_unit_test(test_R28_ports_as_negotiated),
		cmocka_unit_test(test_R28_verification_tag),
		cmocka_unit_test(test_R28_reflected_tag_of_ABORT_and_SHUTDOWN_COMPLETE),
		cmocka_unit_test(test_R28_chunk_length_below_four_or_outside),
		cmocka_unit_test(test_R28_at_most_128_chunks),
		cmocka_unit_test(test_R28_INIT_and_INIT_ACK_stand_alone),
		cmocka_unit_test(test_R28_COOKIE_ECHO_comes_first),
		cmocka_unit_test(test_R28_refused_chunk_types),
		cmocka_unit_test(test_R28_address_parameters),
		cmocka_unit_test(test_R28_INIT_body),
		cmocka_unit_test(test_R28_at_most_32_parameters),
		cmocka_unit_test(test_R28_SACK_counts_fit_its_length),
		cmocka_unit_test(test_R28_fixed_sizes),
		cmocka_unit_test(test_R28_HEARTBEAT_and_ERROR_bodies),
		cmocka_unit_test(test_R28_RE_CONFIG_parameters),
		cmocka_unit_test(test_tags_are_learnt_from_what_we_send),
		cmocka_unit_test(test_every_verdict_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
