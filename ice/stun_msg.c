#include "ice/stun_msg.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "core/tap.h"

enum {
	ATTR_HEADER_SIZE = 4,
	LENGTH_OFFSET = 2,
	FINGERPRINT_SIZE = 4,
	FINGERPRINT_XOR = 0x5354554E, /* so that the CRC of a packet that carries STUN differs, RFC 8489 14.7 */
	SHA256_MIN_SIZE = 16,         /* shortest truncation of MESSAGE-INTEGRITY-SHA256 (RFC 8489 14.6) */
	MESSAGE_SIZE_MAX = STUN_HEADER_SIZE + 0xFFFC,
};

bool stun_is_message(const uint8_t *data, size_t size)
{
	if (size < STUN_HEADER_SIZE || (data[0] & 0xC0) || load_u32(data + 4) != STUN_MAGIC_COOKIE)
		return false;
	return size % 4 == 0 && (size_t)load_u16(data + LENGTH_OFFSET) + STUN_HEADER_SIZE == size;
}

/* RFC 8489 5: the class bits stand between the method's: M11..M7 C1 M6..M4 C0 M3..M0. */
static uint16_t message_type(enum stun_class class, uint16_t method)
{
	unsigned m = method;
	unsigned c = (unsigned)class;

	return (uint16_t)((m & 0xF80) << 2 | (c & 2) << 7 | (m & 0x070) << 1 | (c & 1) << 4 | (m & 0x00F));
}

static void split_type(struct stun_msg *msg, uint16_t type)
{
	msg->class = (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1));
	msg->method = (uint16_t)((type >> 2 & 0xF80) | (type >> 1 & 0x070) | (type & 0x00F));
}

/* ---- Reading values. Each answers false when the value cannot be one of its attribute. ---- */

static bool read_text(wlk_bytes *out, wlk_bytes value, size_t max)
{
	*out = value;
	return value.size <= max;
}

static bool read_u32(uint32_t *out, bool *has, wlk_bytes value)
{
	struct bytes_reader r = bytes_reader(value.data, value.size);

	*out = bytes_u32(&r);
	*has = true;
	return bytes_done(&r);
}

static bool read_tie_breaker(struct stun_msg *msg, bool *has, wlk_bytes value)
{
	struct bytes_reader r = bytes_reader(value.data, value.size);
	uint64_t tie_breaker = bytes_u64(&r);

	if (!msg->has_controlling && !msg->has_controlled)
		msg->tie_breaker = tie_breaker;
	*has = true;
	return bytes_done(&r);
}

/*
 * RFC 8489 14.1, 14.2
 * |0 0 0 0 0 0 0 0|    Family     |             Port              |
 * |                 Address (32 or 128 bits)                      |
 * |mask| is cookie and transaction id for the XOR form, else NULL.
 */
static bool read_addr(wlk_addr *out, wlk_bytes value, const uint8_t *mask)
{
	struct bytes_reader r = bytes_reader(value.data, value.size);
	uint8_t ip[16];

	bytes_skip(&r, 1);
	uint8_t family = bytes_u8(&r);
	uint16_t port = bytes_u16(&r);
	size_t ip_size = family == 1 ? 4 : 16;
	const uint8_t *raw = bytes_take(&r, ip_size);

	if ((family != 1 && family != 2) || !bytes_done(&r))
		return false;
	for (size_t i = 0; i < ip_size; i++)
		ip[i] = raw[i] ^ (mask ? mask[i] : 0);
	if (mask)
		port ^= load_u16(mask);
	*out = family == 1 ? addr_v4(ip[0], ip[1], ip[2], ip[3], port) : addr_v6(ip, port);
	return true;
}

/*
 * RFC 8489 14.8
 * |           Reserved, should be 0         |Class|     Number    |
 * |      Reason Phrase (variable)                                ..
 */
static bool read_error(struct stun_msg *msg, wlk_bytes value)
{
	struct bytes_reader r = bytes_reader(value.data, value.size);

	bytes_skip(&r, 2);
	uint8_t class = bytes_u8(&r) & 7;
	uint8_t number = bytes_u8(&r);

	if (!bytes_ok(&r) || class < 3 || class > 6 || number > 99)
		return false;
	msg->error_code = (uint16_t)(class * 100 + number);
	return read_text(&msg->reason, bytes_slice(&r, r.left), STUN_TEXT_MAX);
}

/* A number in the first byte or two, the rest of four bytes reserved (RFC 8656 18.1, 18.6, 18.7). */
static bool read_padded(uint16_t *out, wlk_bytes value, size_t width)
{
	struct bytes_reader r = bytes_reader(value.data, value.size);

	*out = (uint16_t)bytes_be(&r, width);
	bytes_skip(&r, 4 - width);
	return bytes_done(&r);
}

static bool read_requested_transport(struct stun_msg *msg, wlk_bytes value)
{
	uint16_t protocol;
	bool ok = read_padded(&protocol, value, 1);

	msg->requested_transport = (uint8_t)protocol;
	return ok;
}

static bool read_requested_family(struct stun_msg *msg, wlk_bytes value)
{
	uint16_t family;

	if (!read_padded(&family, value, 1) || (family != 1 && family != 2))
		return false;
	msg->requested_address_family = family == 1 ? 4 : 6;
	return true;
}

static bool note_unknown(struct stun_msg *msg, uint16_t type)
{
	if (type >= 0x8000)
		return true; /* comprehension-optional: libwebrtc's network info and whatever comes next */
	if (msg->unknown_count < STUN_UNKNOWN_MAX)
		msg->unknown[msg->unknown_count] = type;
	msg->unknown_count++;
	return true;
}

static bool read_attr(struct stun_msg *msg, uint16_t type, wlk_bytes value)
{
	const uint8_t *mask = msg->data + 4;

	switch (type) {
	case STUN_ATTR_MAPPED_ADDRESS:
		return read_addr(&msg->mapped, value, NULL);
	case STUN_ATTR_ALTERNATE_SERVER:
		return read_addr(&msg->alternate_server, value, NULL);
	case STUN_ATTR_XOR_MAPPED_ADDRESS:
		return read_addr(&msg->xor_mapped, value, mask);
	case STUN_ATTR_XOR_PEER_ADDRESS:
		return read_addr(&msg->xor_peer, value, mask);
	case STUN_ATTR_XOR_RELAYED_ADDRESS:
		return read_addr(&msg->xor_relayed, value, mask);
	case STUN_ATTR_USERNAME:
		return read_text(&msg->username, value, STUN_USERNAME_MAX);
	case STUN_ATTR_REALM:
		return read_text(&msg->realm, value, STUN_TEXT_MAX);
	case STUN_ATTR_NONCE:
		return read_text(&msg->nonce, value, STUN_TEXT_MAX);
	case STUN_ATTR_SOFTWARE:
		return read_text(&msg->software, value, STUN_TEXT_MAX);
	case STUN_ATTR_USERHASH:
		msg->userhash = value;
		return value.size == STUN_USERHASH_SIZE;
	case STUN_ATTR_PASSWORD_ALGORITHM:
		msg->password_algorithm = value;
		return value.size >= 4;
	case STUN_ATTR_PASSWORD_ALGORITHMS:
		msg->password_algorithms = value;
		return true;
	case STUN_ATTR_DATA:
		msg->payload = value;
		return true;
	case STUN_ATTR_ERROR_CODE:
		return read_error(msg, value);
	case STUN_ATTR_UNKNOWN_ATTRIBUTES:
		msg->unknown_attributes = value;
		return value.size % 2 == 0;
	case STUN_ATTR_PRIORITY:
		return read_u32(&msg->priority, &msg->has_priority, value);
	case STUN_ATTR_LIFETIME:
		return read_u32(&msg->lifetime, &msg->has_lifetime, value);
	case STUN_ATTR_NOMINATION:
		return read_u32(&msg->nomination, &msg->has_nomination, value);
	case STUN_ATTR_USE_CANDIDATE:
		msg->use_candidate = true;
		return value.size == 0;
	case STUN_ATTR_ICE_CONTROLLED:
		return read_tie_breaker(msg, &msg->has_controlled, value);
	case STUN_ATTR_ICE_CONTROLLING:
		return read_tie_breaker(msg, &msg->has_controlling, value);
	case STUN_ATTR_CHANNEL_NUMBER:
		return read_padded(&msg->channel_number, value, 2);
	case STUN_ATTR_REQUESTED_TRANSPORT:
		return read_requested_transport(msg, value);
	case STUN_ATTR_REQUESTED_ADDRESS_FAMILY:
		return read_requested_family(msg, value);
	default:
		return note_unknown(msg, type);
	}
}

/* ---- Parsing ---- */

/* How far the tail of a message has been read: what may still count behind it shrinks from step to step. */
enum tail { TAIL_NONE, TAIL_INTEGRITY, TAIL_INTEGRITY_SHA256, TAIL_FINGERPRINT };

struct attr_walk {
	struct bytes_reader reader;
	enum tail tail;
	uint16_t seen[STUN_ATTRS_MAX];
	size_t count;
};

static bool read_fingerprint(struct stun_msg *msg, size_t offset, wlk_bytes value)
{
	if (value.size != FINGERPRINT_SIZE)
		return false;
	msg->has_fingerprint = true;
	msg->fingerprint_ok = load_u32(value.data) == (crypto_crc32(msg->data, offset) ^ FINGERPRINT_XOR);
	return true;
}

static bool read_integrity_sha256(struct stun_msg *msg, size_t offset, wlk_bytes value)
{
	msg->integrity_sha256_offset = offset;
	msg->integrity_sha256_size = value.size;
	return value.size >= SHA256_MIN_SIZE && value.size <= CRYPTO_SHA256_SIZE && value.size % 4 == 0;
}

/* RFC 8489 14.5-14.7: only the next steps of the tail count once it has begun (R5). */
static bool place_attr(struct attr_walk *walk, struct stun_msg *msg, size_t offset, uint16_t type, wlk_bytes value)
{
	switch (type) {
	case STUN_ATTR_FINGERPRINT:
		if (walk->tail >= TAIL_FINGERPRINT)
			return true;
		walk->tail = TAIL_FINGERPRINT;
		return read_fingerprint(msg, offset, value);
	case STUN_ATTR_MESSAGE_INTEGRITY_SHA256:
		if (walk->tail >= TAIL_INTEGRITY_SHA256)
			return true;
		walk->tail = TAIL_INTEGRITY_SHA256;
		return read_integrity_sha256(msg, offset, value);
	case STUN_ATTR_MESSAGE_INTEGRITY:
		if (walk->tail >= TAIL_INTEGRITY)
			return true;
		walk->tail = TAIL_INTEGRITY;
		msg->integrity_offset = offset;
		return value.size == CRYPTO_SHA1_SIZE;
	default:
		return walk->tail != TAIL_NONE || read_attr(msg, type, value);
	}
}

/* Answers whether |type| occurred before; remembers it. */
static bool seen_before(struct attr_walk *walk, uint16_t type)
{
	for (size_t i = 0; i < walk->count; i++) {
		if (walk->seen[i] == type)
			return true;
	}
	return false;
}

static bool next_attr(struct attr_walk *walk, struct stun_msg *msg)
{
	struct bytes_reader *r = &walk->reader;
	size_t offset = (size_t)(r->at - msg->data);
	uint16_t type = bytes_u16(r);
	size_t size = bytes_u16(r);
	wlk_bytes value = bytes_slice(r, size);

	bytes_skip(r, stun_padding(size));
	if (!bytes_ok(r) || walk->count == STUN_ATTRS_MAX)
		return false;

	bool repeated = seen_before(walk, type);

	walk->seen[walk->count++] = type;
	return repeated || place_attr(walk, msg, offset, type, value);
}

wlk_err stun_msg_parse(struct stun_msg *out, const uint8_t *data, size_t size)
{
	struct stun_msg msg = { .data = data, .size = size };
	struct attr_walk walk = { .tail = TAIL_NONE };

	if (!stun_is_message(data, size))
		return WLK_ERR_PARSE;
	split_type(&msg, load_u16(data));
	msg.txid = data + STUN_HEADER_SIZE - STUN_TXID_SIZE;
	walk.reader = bytes_reader(data + STUN_HEADER_SIZE, size - STUN_HEADER_SIZE);
	while (walk.reader.left) {
		if (!next_attr(&walk, &msg))
			return WLK_ERR_PARSE;
	}
	*out = msg;
	return WLK_OK;
}

/* ---- Integrity ---- */

/*
 * HMAC over everything in front of the attribute at |offset|, with the length in the header as if the message ended
 * behind that attribute (RFC 8489 14.5). Only the header is copied.
 */
static bool hmac_up_to(const uint8_t *data, size_t offset, size_t value_size, struct crypto_hmac *hmac, uint8_t *digest)
{
	uint8_t header[STUN_HEADER_SIZE];

	memcpy(header, data, sizeof(header));
	store_u16(header + LENGTH_OFFSET, (uint16_t)(offset + ATTR_HEADER_SIZE + value_size - STUN_HEADER_SIZE));
	return crypto_hmac_compute(hmac, header, sizeof(header), data + STUN_HEADER_SIZE, offset - STUN_HEADER_SIZE,
				   digest) == WLK_OK;
}

bool stun_msg_check_integrity(const struct stun_msg *msg, struct crypto_hmac *hmac)
{
	uint8_t digest[CRYPTO_SHA1_SIZE];
	size_t offset = msg->integrity_offset;

	if (!offset)
		return false;
	return tap_verdict(hmac_up_to(msg->data, offset, sizeof(digest), hmac, digest) &&
			   crypto_equal(digest, msg->data + offset + ATTR_HEADER_SIZE, sizeof(digest)));
}

bool stun_msg_check_integrity_sha256(const struct stun_msg *msg, struct crypto_hmac *hmac)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	size_t offset = msg->integrity_sha256_offset;
	size_t size = msg->integrity_sha256_size;

	if (!offset)
		return false;
	return tap_verdict(hmac_up_to(msg->data, offset, size, hmac, digest) &&
			   crypto_equal(digest, msg->data + offset + ATTR_HEADER_SIZE, size));
}

/* RFC 8489 14.11: a list of algorithm, parameter length, parameters padded to four bytes. */
bool stun_password_algorithms_has(wlk_bytes list, enum stun_password_algorithm algorithm)
{
	struct bytes_reader r = bytes_reader(list.data, list.size);
	bool found = false;

	while (r.left) {
		found |= bytes_u16(&r) == algorithm;
		size_t size = bytes_u16(&r);
		bytes_skip(&r, size);
		bytes_skip(&r, r.left ? stun_padding(size) : 0); /* the last one's padding may be the attribute's own */
	}
	return found && bytes_ok(&r);
}

typedef wlk_err (*hash_fn)(const void *data, size_t size, uint8_t *out);

/* hash(a ":" b ":" c), without the last part when |c| is NULL. The joined text holds the password and is wiped. */
static wlk_err hash_joined(hash_fn hash, wlk_bytes a, wlk_bytes b, const wlk_bytes *c, uint8_t *out)
{
	size_t size = a.size + 1 + b.size + (c ? 1 + c->size : 0);
	uint8_t *joined = wlk_malloc(size);
	struct bytes_writer w = bytes_writer(joined, size);

	if (!joined)
		return WLK_ERR_NOMEM;
	bytes_put(&w, a.data, a.size);
	bytes_put_u8(&w, ':');
	bytes_put(&w, b.data, b.size);
	if (c) {
		bytes_put_u8(&w, ':');
		bytes_put(&w, c->data, c->size);
	}

	wlk_err err = hash(joined, size, out);

	crypto_wipe(joined, size);
	wlk_free(joined);
	return err;
}

wlk_err stun_long_term_key(wlk_bytes username, wlk_bytes realm, wlk_bytes password, uint8_t out[CRYPTO_MD5_SIZE])
{
	return hash_joined(crypto_md5, username, realm, &password, out);
}

wlk_err stun_long_term_key_sha256(wlk_bytes username, wlk_bytes realm, wlk_bytes password,
				  uint8_t out[CRYPTO_SHA256_SIZE])
{
	return hash_joined(crypto_sha256, username, realm, &password, out);
}

wlk_err stun_userhash(wlk_bytes username, wlk_bytes realm, uint8_t out[STUN_USERHASH_SIZE])
{
	return hash_joined(crypto_sha256, username, realm, NULL, out);
}

/* ---- Writing ---- */

static void writer_fail(struct stun_writer *w, wlk_err err)
{
	if (!w->err)
		w->err = err;
}

void stun_writer_init(struct stun_writer *w, uint8_t *buf, size_t capacity, enum stun_class class, uint16_t method,
		      const uint8_t txid[STUN_TXID_SIZE])
{
	assert(method < 0x1000 && "a STUN method has 12 bits");
	*w = (struct stun_writer){ .out = bytes_writer(buf, MIN(capacity, MESSAGE_SIZE_MAX)) };
	bytes_put_u16(&w->out, message_type(class, method));
	bytes_put_u16(&w->out, 0);
	bytes_put_u32(&w->out, STUN_MAGIC_COOKIE);
	bytes_put(&w->out, txid, STUN_TXID_SIZE);
}

/* Header, |size| bytes for the caller to fill, zeroed padding. NULL when the message has failed. */
static uint8_t *reserve_attr(struct stun_writer *w, uint16_t type, size_t size)
{
	assert((!w->sealed || type == STUN_ATTR_MESSAGE_INTEGRITY_SHA256 || type == STUN_ATTR_FINGERPRINT) &&
	       "nothing that needs protection is written behind MESSAGE-INTEGRITY");
	if (size > 0xFFFF || w->attr_count == STUN_ATTRS_MAX)
		writer_fail(w, WLK_ERR_INVALID);
	if (w->err)
		return NULL;
	w->attr_count++;
	bytes_put_u16(&w->out, type);
	bytes_put_u16(&w->out, (uint16_t)size);

	uint8_t *value = bytes_reserve(&w->out, size);

	bytes_put_zero(&w->out, stun_padding(size));
	return bytes_writer_ok(&w->out) ? value : NULL;
}

static size_t value_limit(uint16_t type)
{
	switch (type) {
	case STUN_ATTR_USERNAME:
		return STUN_USERNAME_MAX;
	case STUN_ATTR_REALM:
	case STUN_ATTR_NONCE:
	case STUN_ATTR_SOFTWARE:
		return STUN_TEXT_MAX;
	case STUN_ATTR_USERHASH:
		return STUN_USERHASH_SIZE;
	default:
		return 0xFFFF;
	}
}

void stun_put_bytes(struct stun_writer *w, uint16_t type, const void *data, size_t size)
{
	if (size > value_limit(type))
		writer_fail(w, WLK_ERR_INVALID);

	uint8_t *value = reserve_attr(w, type, size);

	if (value && size)
		memcpy(value, data, size);
}

void stun_put_text(struct stun_writer *w, uint16_t type, const char *text)
{
	stun_put_bytes(w, type, text, strlen(text));
}

void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t value)
{
	uint8_t *p = reserve_attr(w, type, 4);

	if (p)
		store_u32(p, value);
}

void stun_put_u64(struct stun_writer *w, uint16_t type, uint64_t value)
{
	uint8_t *p = reserve_attr(w, type, 8);

	if (!p)
		return;
	store_u32(p, (uint32_t)(value >> 32));
	store_u32(p + 4, (uint32_t)value);
}

void stun_put_flag(struct stun_writer *w, uint16_t type)
{
	(void)reserve_attr(w, type, 0);
}

static void put_addr(struct stun_writer *w, uint16_t type, const wlk_addr *addr, const uint8_t *mask)
{
	if (addr_is_none(addr)) {
		writer_fail(w, WLK_ERR_INVALID);
		return;
	}

	size_t ip_size = addr_ip_size(addr);
	uint8_t *p = reserve_attr(w, type, 4 + ip_size);

	if (!p)
		return;
	p[0] = 0;
	p[1] = addr->family == 4 ? 1 : 2;
	store_u16(p + 2, (uint16_t)(addr->port ^ (mask ? load_u16(mask) : 0)));
	for (size_t i = 0; i < ip_size; i++)
		p[4 + i] = addr->ip[i] ^ (mask ? mask[i] : 0);
}

void stun_put_xor_addr(struct stun_writer *w, uint16_t type, const wlk_addr *addr)
{
	put_addr(w, type, addr, w->out.start + 4);
}

void stun_put_addr(struct stun_writer *w, uint16_t type, const wlk_addr *addr)
{
	put_addr(w, type, addr, NULL);
}

void stun_put_error(struct stun_writer *w, uint16_t code, const char *reason)
{
	size_t size = strlen(reason);

	if (code < 300 || code > 699 || size > STUN_TEXT_MAX)
		writer_fail(w, WLK_ERR_INVALID);

	uint8_t *p = reserve_attr(w, STUN_ATTR_ERROR_CODE, 4 + size);

	if (!p)
		return;
	store_u16(p, 0);
	p[2] = (uint8_t)(code / 100);
	p[3] = (uint8_t)(code % 100);
	memcpy(p + 4, reason, size);
}

void stun_put_unknown_attributes(struct stun_writer *w, const uint16_t *types, size_t count)
{
	uint8_t *p = reserve_attr(w, STUN_ATTR_UNKNOWN_ATTRIBUTES, MIN(count, STUN_UNKNOWN_MAX) * 2);

	for (size_t i = 0; p && i < MIN(count, STUN_UNKNOWN_MAX); i++)
		store_u16(p + 2 * i, types[i]);
}

void stun_put_channel_number(struct stun_writer *w, uint16_t channel)
{
	stun_put_u32(w, STUN_ATTR_CHANNEL_NUMBER, (uint32_t)channel << 16);
}

void stun_put_requested_transport(struct stun_writer *w, uint8_t protocol)
{
	stun_put_u32(w, STUN_ATTR_REQUESTED_TRANSPORT, (uint32_t)protocol << 24);
}

void stun_put_requested_address_family(struct stun_writer *w, uint8_t family)
{
	if (family != 4 && family != 6)
		writer_fail(w, WLK_ERR_INVALID);
	stun_put_u32(w, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, family == 4 ? 1u << 24 : 2u << 24);
}

static void put_digest(struct stun_writer *w, uint16_t type, size_t digest_size, struct crypto_hmac *hmac)
{
	size_t offset = w->out.size;
	uint8_t *value = reserve_attr(w, type, digest_size);

	w->sealed = true;
	if (value && !hmac_up_to(w->out.start, offset, digest_size, hmac, value))
		writer_fail(w, WLK_ERR_CRYPTO);
}

void stun_put_integrity(struct stun_writer *w, struct crypto_hmac *hmac_sha1)
{
	put_digest(w, STUN_ATTR_MESSAGE_INTEGRITY, CRYPTO_SHA1_SIZE, hmac_sha1);
}

void stun_put_integrity_sha256(struct stun_writer *w, struct crypto_hmac *hmac_sha256)
{
	put_digest(w, STUN_ATTR_MESSAGE_INTEGRITY_SHA256, CRYPTO_SHA256_SIZE, hmac_sha256);
}

/* The CRC covers the header, so that the length must be final before it is taken (RFC 8489 14.7). */
static void put_fingerprint(struct stun_writer *w)
{
	size_t offset = w->out.size;
	uint8_t *value = reserve_attr(w, STUN_ATTR_FINGERPRINT, FINGERPRINT_SIZE);

	if (!value)
		return;
	bytes_patch_u16(&w->out, LENGTH_OFFSET, (uint16_t)(w->out.size - STUN_HEADER_SIZE));
	store_u32(value, crypto_crc32(w->out.start, offset) ^ FINGERPRINT_XOR);
}

wlk_err stun_writer_finish(struct stun_writer *w, struct crypto_hmac *hmac_sha1, bool fingerprint, size_t *size)
{
	if (hmac_sha1)
		stun_put_integrity(w, hmac_sha1);
	if (fingerprint)
		put_fingerprint(w);
	if (!bytes_writer_ok(&w->out))
		writer_fail(w, WLK_ERR_NOSPACE);
	if (w->err)
		return w->err;
	bytes_patch_u16(&w->out, LENGTH_OFFSET, (uint16_t)(w->out.size - STUN_HEADER_SIZE));
	*size = w->out.size;
	return WLK_OK;
}
