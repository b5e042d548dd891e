/* Forged DTLS records for tests: what somebody can send who knows the addresses but no key. */
#ifndef TESTS_DTLS_RECORDS_H
#define TESTS_DTLS_RECORDS_H

#include "core/bytes.h"
#include "dtls/record_filter.h"

/* Append one record. */
static inline void put_record(struct bytes_writer *w, uint8_t type, uint16_t epoch, uint64_t seq, const void *body,
			      size_t size)
{
	bytes_put_u8(w, type);
	bytes_put_u16(w, 0xfefd);
	bytes_put_u16(w, epoch);
	bytes_put_be(w, seq, 6);
	bytes_put_u16(w, (uint16_t)size);
	bytes_put(w, body, size);
}

/* Append a handshake fragment with |size| bytes of |fill|. */
static inline void put_fragment(struct bytes_writer *w, uint64_t record_seq, uint8_t type, uint32_t length,
				uint16_t seq, uint32_t offset, uint32_t size, uint8_t fill)
{
	uint8_t body[2048];
	struct bytes_writer b = bytes_writer(body, sizeof(body));

	bytes_put_u8(&b, type);
	bytes_put_u24(&b, length);
	bytes_put_u16(&b, seq);
	bytes_put_u24(&b, offset);
	bytes_put_u24(&b, size);
	memset(body + b.size, fill, sizeof(body) - b.size);
	put_record(w, DTLS_RECORD_HANDSHAKE, 0, record_seq, body, b.size + size);
}

/* Append a whole ClientHello that offers one cipher suite and nothing else. */
static inline void put_client_hello(struct bytes_writer *w, uint64_t record_seq, uint8_t random_fill, uint16_t suite)
{
	uint8_t hello[2 + 32 + 1 + 1 + 4 + 2];
	struct bytes_writer b = bytes_writer(hello, sizeof(hello));
	uint8_t body[12 + sizeof(hello)];
	struct bytes_writer m = bytes_writer(body, sizeof(body));

	bytes_put_u16(&b, 0xfefd);
	memset(bytes_reserve(&b, 32), random_fill, 32);
	bytes_put_u8(&b, 0);  /* session id */
	bytes_put_u8(&b, 0);  /* cookie */
	bytes_put_u16(&b, 2); /* cipher suites */
	bytes_put_u16(&b, suite);
	bytes_put_u16(&b, 0x0100); /* null compression */
	bytes_put_u8(&m, DTLS_MESSAGE_CLIENT_HELLO);
	bytes_put_u24(&m, (uint32_t)b.size);
	bytes_put_u16(&m, 0);
	bytes_put_u24(&m, 0);
	bytes_put_u24(&m, (uint32_t)b.size);
	bytes_put(&m, hello, b.size);
	put_record(w, DTLS_RECORD_HANDSHAKE, 0, record_seq, body, m.size);
}

#endif
