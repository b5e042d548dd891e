/* STUN messages on the wire (RFC 8489): a parser that answers a view, a writer into the caller's buffer, integrity. */
#ifndef ICE_STUN_MSG_H
#define ICE_STUN_MSG_H

#include "core/bytes.h"
#include "core/crypto.h"

#define STUN_MAGIC_COOKIE 0x2112A442u

enum {
	STUN_HEADER_SIZE = 20,
	STUN_TXID_SIZE = 12,
	STUN_ATTRS_MAX = 32,     /* a message with more attributes is malformed (R6) */
	STUN_UNKNOWN_MAX = 8,    /* unknown comprehension-required types that a view lists; all are counted */
	STUN_USERNAME_MAX = 508, /* RFC 8489 14.3 allows less than 509 bytes */
	STUN_TEXT_MAX = 763,     /* bytes of a reason phrase, SOFTWARE, REALM or NONCE (RFC 8489 14.8) */
	STUN_USERHASH_SIZE = 32,
	STUN_INTEGRITY_ATTR_SIZE = 24, /* what stun_writer_finish() adds for MESSAGE-INTEGRITY */
	STUN_FINGERPRINT_ATTR_SIZE = 8,
};

/* The bytes between the end of |size| bytes and the next multiple of four (RFC 8489 14, RFC 8656 12.5). */
static inline size_t stun_padding(size_t size)
{
	return (4 - size % 4) % 4;
}

/* RFC 8489 5: the values are the class bits C1 C0. */
enum stun_class { STUN_REQUEST = 0, STUN_INDICATION = 1, STUN_SUCCESS = 2, STUN_ERROR = 3 };

/* RFC 8489 18.2, RFC 8656 17, RFC 6062 6.1. Any 12-bit value parses. */
enum stun_method {
	STUN_METHOD_BINDING = 0x001,
	STUN_METHOD_ALLOCATE = 0x003,
	STUN_METHOD_REFRESH = 0x004,
	STUN_METHOD_SEND = 0x006,
	STUN_METHOD_DATA = 0x007,
	STUN_METHOD_CREATE_PERMISSION = 0x008,
	STUN_METHOD_CHANNEL_BIND = 0x009,
};

/* RFC 8489 18.3, RFC 8445 20.1 (and 16.1), RFC 8656 18. Below 0x8000: comprehension-required. */
enum stun_attr {
	STUN_ATTR_MAPPED_ADDRESS = 0x0001,
	STUN_ATTR_USERNAME = 0x0006,
	STUN_ATTR_MESSAGE_INTEGRITY = 0x0008,
	STUN_ATTR_ERROR_CODE = 0x0009,
	STUN_ATTR_UNKNOWN_ATTRIBUTES = 0x000A,
	STUN_ATTR_CHANNEL_NUMBER = 0x000C,
	STUN_ATTR_LIFETIME = 0x000D,
	STUN_ATTR_XOR_PEER_ADDRESS = 0x0012,
	STUN_ATTR_DATA = 0x0013,
	STUN_ATTR_REALM = 0x0014,
	STUN_ATTR_NONCE = 0x0015,
	STUN_ATTR_XOR_RELAYED_ADDRESS = 0x0016,
	STUN_ATTR_REQUESTED_ADDRESS_FAMILY = 0x0017,
	STUN_ATTR_REQUESTED_TRANSPORT = 0x0019,
	STUN_ATTR_MESSAGE_INTEGRITY_SHA256 = 0x001C,
	STUN_ATTR_PASSWORD_ALGORITHM = 0x001D,
	STUN_ATTR_USERHASH = 0x001E,
	STUN_ATTR_XOR_MAPPED_ADDRESS = 0x0020,
	STUN_ATTR_PRIORITY = 0x0024,
	STUN_ATTR_USE_CANDIDATE = 0x0025,
	STUN_ATTR_PASSWORD_ALGORITHMS = 0x8002,
	STUN_ATTR_SOFTWARE = 0x8022,
	STUN_ATTR_ALTERNATE_SERVER = 0x8023,
	STUN_ATTR_FINGERPRINT = 0x8028,
	STUN_ATTR_ICE_CONTROLLED = 0x8029,
	STUN_ATTR_ICE_CONTROLLING = 0x802A,
	STUN_ATTR_NOMINATION = 0xC001, /* renomination as libwebrtc sends it; no RFC */
	/*
	 * Ours: meaningless bytes that make a request long. Unassigned and comprehension-optional, so that everybody skips it;
	 * PADDING of RFC 5780 (0x0026) would have to be understood.
	 */
	STUN_ATTR_FILLER = 0xF17E,
};

/* RFC 8489 18.5. */
enum stun_password_algorithm { STUN_PASSWORD_MD5 = 1, STUN_PASSWORD_SHA256 = 2 };

/*
 * A parsed message. Every pointer looks into the datagram that was parsed and is valid as long as that is.
 * Text and bytes: |data| NULL means absent (present and empty has a pointer and size 0). Addresses: family 0 means
 * absent. Of an attribute that appears twice the first counts (RFC 8489 14).
 */
struct stun_msg {
	const uint8_t *data; /* the whole message */
	size_t size;
	enum stun_class class;
	uint16_t method;
	const uint8_t *txid; /* STUN_TXID_SIZE bytes */

	wlk_bytes username;
	wlk_bytes userhash; /* 32 bytes when present */
	wlk_bytes realm;
	wlk_bytes nonce;
	wlk_bytes software;
	wlk_bytes password_algorithms; /* the raw list; stun_password_algorithms_has() reads it */
	wlk_bytes password_algorithm;  /* the raw value: algorithm, parameter length, parameters */
	wlk_bytes unknown_attributes;  /* of a 420: big-endian uint16_t each, even size */
	wlk_bytes payload;             /* DATA */

	wlk_addr mapped; /* MAPPED-ADDRESS: only for servers of RFC 3489; prefer xor_mapped */
	wlk_addr xor_mapped;
	wlk_addr xor_peer;
	wlk_addr xor_relayed;
	wlk_addr alternate_server;

	bool has_priority;
	bool use_candidate;
	bool has_controlling;
	bool has_controlled;
	bool has_lifetime;
	bool has_nomination;
	bool has_fingerprint;
	bool fingerprint_ok; /* present, and the CRC fits */

	uint32_t priority;
	uint64_t tie_breaker; /* of ICE-CONTROLLING or ICE-CONTROLLED; with both present, of the first */
	uint32_t lifetime;    /* seconds */
	uint32_t nomination;

	uint16_t error_code; /* 300..699, 0: absent */
	wlk_bytes reason;    /* the phrase of ERROR-CODE */

	uint16_t channel_number;          /* 0: absent */
	uint8_t requested_transport;      /* IP protocol number, 17 is UDP; 0: absent */
	uint8_t requested_address_family; /* 4 or 6; 0: absent */

	/* Offset of the attribute's header from |data|; 0: absent. The value starts 4 bytes behind. */
	size_t integrity_offset;
	size_t integrity_sha256_offset;
	size_t integrity_sha256_size; /* 16..32: the sender may truncate (RFC 8489 14.6) */

	/* Unknown comprehension-required attributes, as far as they fit, and how many there were. */
	uint16_t unknown[STUN_UNKNOWN_MAX];
	size_t unknown_count; /* may exceed STUN_UNKNOWN_MAX */
};

/* The cheap test for the demultiplexer: two zero bits, cookie, length a multiple of 4 and equal to what arrived. */
bool stun_is_message(const uint8_t *data, size_t size);

/*
 * Parse one datagram into a view. Allocates nothing; |data| must outlive |out|.
 *
 * Checks bounds, padding room, the length of each known attribute and FINGERPRINT's CRC (told in fingerprint_ok, not as
 * an error). Attributes behind MESSAGE-INTEGRITY other than MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, and everything
 * behind FINGERPRINT, are skipped as if they were not there (RFC 8489 14.5, 14.7; R5); they still count for the limit.
 * The integrity is not checked here, because which key fits is known only after reading USERNAME.
 *
 * WLK_ERR_PARSE: malformed, drop it; *out is untouched.
 */
wlk_err stun_msg_parse(struct stun_msg *out, const uint8_t *data, size_t size) WLK_NODISCARD;

/*
 * True when MESSAGE-INTEGRITY is present and fits |hmac| (CRYPTO_DIGEST_SHA1, keyed with the short-term password or the
 * long-term key). Compared in constant time. RFC 8489 14.5.
 */
bool stun_msg_check_integrity(const struct stun_msg *msg, struct crypto_hmac *hmac);
/* The same for MESSAGE-INTEGRITY-SHA256 (CRYPTO_DIGEST_SHA256), whole or cut to 16 bytes at least. RFC 8489 14.6. */
bool stun_msg_check_integrity_sha256(const struct stun_msg *msg, struct crypto_hmac *hmac);

/* Whether PASSWORD-ALGORITHMS offers |algorithm|; false for an absent or malformed list. RFC 8489 14.11. */
bool stun_password_algorithms_has(wlk_bytes list, enum stun_password_algorithm algorithm);

/*
 * MD5(username ":" realm ":" password): the key of long-term credentials (RFC 8489 9.2.2). Text is UTF-8 and must
 * already be prepared by OpaqueString where it is not plain ASCII. The result is a secret: wipe it.
 * WLK_ERR_NOMEM, WLK_ERR_CRYPTO.
 */
wlk_err stun_long_term_key(wlk_bytes username, wlk_bytes realm, wlk_bytes password,
			   uint8_t out[CRYPTO_MD5_SIZE]) WLK_NODISCARD;
/* The same with SHA-256, for servers that chose STUN_PASSWORD_SHA256 (RFC 8489 18.5.1.2). */
wlk_err stun_long_term_key_sha256(wlk_bytes username, wlk_bytes realm, wlk_bytes password,
				  uint8_t out[CRYPTO_SHA256_SIZE]) WLK_NODISCARD;
/* SHA-256(username ":" realm), the value of USERHASH (RFC 8489 14.4). */
wlk_err stun_userhash(wlk_bytes username, wlk_bytes realm, uint8_t out[STUN_USERHASH_SIZE]) WLK_NODISCARD;

/*
 * Builds one message in a buffer of the caller. Errors (no room, a value too long for its attribute, an address that is
 * none) are sticky and come out of stun_writer_finish(). Not to be shared between messages.
 */
struct stun_writer {
	struct bytes_writer out;
	size_t attr_count;
	bool sealed; /* an integrity attribute is in: only a further one or FINGERPRINT may follow (asserted) */
	wlk_err err;
};

/* Start a message. |buf| is borrowed until finish; |txid| is copied. |method| is a 12-bit number (asserted). */
void stun_writer_init(struct stun_writer *w, uint8_t *buf, size_t capacity, enum stun_class class, uint16_t method,
		      const uint8_t txid[STUN_TXID_SIZE]);

/* USERNAME, REALM, NONCE, SOFTWARE, USERHASH, DATA, PASSWORD-ALGORITHM(S) or any other attribute of plain bytes. */
void stun_put_bytes(struct stun_writer *w, uint16_t type, const void *data, size_t size);
void stun_put_text(struct stun_writer *w, uint16_t type, const char *text);
/* PRIORITY, LIFETIME, NOMINATION. */
void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t value);
/* ICE-CONTROLLED, ICE-CONTROLLING: the tie-breaker. */
void stun_put_u64(struct stun_writer *w, uint16_t type, uint64_t value);
/* USE-CANDIDATE, or any other attribute without a value. */
void stun_put_flag(struct stun_writer *w, uint16_t type);
/* XOR-MAPPED-ADDRESS, XOR-PEER-ADDRESS, XOR-RELAYED-ADDRESS. RFC 8489 14.2. */
void stun_put_xor_addr(struct stun_writer *w, uint16_t type, const wlk_addr *addr);
/* MAPPED-ADDRESS, ALTERNATE-SERVER. RFC 8489 14.1. */
void stun_put_addr(struct stun_writer *w, uint16_t type, const wlk_addr *addr);
/* ERROR-CODE; |code| 300..699, |reason| at most STUN_TEXT_MAX bytes, may be "". Short ones amplify less (R4). */
void stun_put_error(struct stun_writer *w, uint16_t code, const char *reason);
/* UNKNOWN-ATTRIBUTES of a 420: the types of msg->unknown, at most STUN_UNKNOWN_MAX of them. */
void stun_put_unknown_attributes(struct stun_writer *w, const uint16_t *types, size_t count);
/* 0x4000..0x4FFF (RFC 8656 12). */
void stun_put_channel_number(struct stun_writer *w, uint16_t channel);
/* IP protocol number, 17 is UDP. */
void stun_put_requested_transport(struct stun_writer *w, uint8_t protocol);
/* |family| 4 or 6. */
void stun_put_requested_address_family(struct stun_writer *w, uint8_t family);

/* MESSAGE-INTEGRITY over what was written so far. stun_writer_finish() does it; needed only before the SHA-256 one. */
void stun_put_integrity(struct stun_writer *w, struct crypto_hmac *hmac_sha1);
/* MESSAGE-INTEGRITY-SHA256, 32 bytes. Nothing but FINGERPRINT may follow. */
void stun_put_integrity_sha256(struct stun_writer *w, struct crypto_hmac *hmac_sha256);

/*
 * Close the message: MESSAGE-INTEGRITY when |hmac_sha1| is given, then FINGERPRINT when asked for, then the length.
 * WLK_ERR_NOSPACE: the buffer is too small; WLK_ERR_INVALID: a value does not fit its attribute, or more than
 * STUN_ATTRS_MAX of them; WLK_ERR_CRYPTO. On error *size is untouched and the buffer's bytes are not a message.
 */
wlk_err stun_writer_finish(struct stun_writer *w, struct crypto_hmac *hmac_sha1, bool fingerprint,
			   size_t *size) WLK_NODISCARD;

#endif
