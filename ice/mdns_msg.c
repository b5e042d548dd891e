#include "ice/mdns_msg.h"

#include "core/addr.h"

enum {
	HEADER_SIZE = 12,
	NAME_WIRE_MAX = 254, /* of labels with their lengths, without the root's zero (RFC 1035 3.1) */
	LABEL_MAX = 63,
	POINTER = 0xC0,
	UUID_TEXT_SIZE = 36,

	FLAG_RESPONSE = 0x8000,
	FLAG_AUTHORITATIVE = 0x0400,
	MASK_OPCODE = 0x7800,
	MASK_RCODE = 0x000F,

	CLASS_IN = 1,
	CLASS_ANY = 255,
	CLASS_TOP_BIT = 0x8000, /* QU in a question, cache-flush in a record */

	OWN_NAME = POINTER << 8 | HEADER_SIZE, /* what we write has its only name right behind the header */
};

/* ---- Names ---- */

/* 8-4-4-4-12 hexadecimal digits, version 4, variant 10 (RFC 9562 5.4). */
static bool parse_uuid(struct mdns_name *out, struct str text)
{
	static const struct {
		uint8_t offset, bytes;
	} groups[] = { { 0, 4 }, { 9, 2 }, { 14, 2 }, { 19, 2 }, { 24, 6 } };
	struct mdns_name name;
	uint8_t *at = name.uuid;

	if (text.size != UUID_TEXT_SIZE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		struct str digits = { text.at + groups[i].offset, 2u * groups[i].bytes };

		if ((i && digits.at[-1] != '-') || !str_hex(digits, at, groups[i].bytes))
			return false;
		at += groups[i].bytes;
	}
	if (name.uuid[6] >> 4 != 4 || name.uuid[8] >> 6 != 2)
		return false;
	*out = name;
	return true;
}

bool mdns_name_parse(struct mdns_name *out, struct str text)
{
	struct str domain = text;
	struct str label = str_cut(&domain, '.');

	if (domain.size && domain.at[domain.size - 1] == '.')
		domain.size--;
	return str_equal_nocase(domain, STR("local")) && parse_uuid(out, label);
}

char *mdns_name_text(const struct mdns_name *name, char out[MDNS_NAME_SIZE + 1])
{
	static const char hex[] = "0123456789abcdef";
	char *at = out;

	for (size_t i = 0; i < sizeof(name->uuid); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = hex[name->uuid[i] >> 4];
		*at++ = hex[name->uuid[i] & 15];
	}
	memcpy(at, ".local", sizeof(".local"));
	return out;
}

bool mdns_name_equal(const struct mdns_name *a, const struct mdns_name *b)
{
	return !memcmp(a->uuid, b->uuid, sizeof(a->uuid));
}

wlk_addr mdns_group_v4(void)
{
	return addr_v4(224, 0, 0, 251, MDNS_PORT);
}

wlk_addr mdns_group_v6(void)
{
	static const uint8_t ip[16] = { [0] = 0xFF, [1] = 0x02, [15] = 0xFB };

	return addr_v6(ip, MDNS_PORT);
}

/* ---- Reading ---- */

wlk_err mdns_reader_init(struct mdns_reader *r, const uint8_t *data, size_t size)
{
	if (size < HEADER_SIZE || size > MDNS_MESSAGE_MAX)
		return WLK_ERR_PARSE;

	uint16_t flags = load_u16(data + 2);

	*r = (struct mdns_reader){
		.data = data,
		.size = size,
		.offset = HEADER_SIZE,
		.id = load_u16(data),
		.response = flags & FLAG_RESPONSE,
		.usable = !(flags & (MASK_OPCODE | MASK_RCODE)),
		.questions_left = load_u16(data + 4),
		.answers_left = load_u16(data + 6),
		.records_left = (uint32_t)load_u16(data + 6) + load_u16(data + 8) + load_u16(data + 10),
	};
	return WLK_OK;
}

/* The first labels of a name; |count| goes on counting. */
struct label_walk {
	struct str label[2];
	size_t count;
	size_t wire_size;
};

static bool take_label(struct label_walk *walk, const uint8_t *data, size_t size)
{
	walk->wire_size += 1 + size;
	if (walk->count < ARRAY_SIZE(walk->label))
		walk->label[walk->count] = (struct str){ (const char *)data, size };
	walk->count++;
	return walk->wire_size <= NAME_WIRE_MAX;
}

/*
 * Read the name at the offset and move behind it. A pointer must lead backwards; labels behind its target may lead
 * to it again, and so the number of jumps is what ends a loop (R9).
 */
static bool read_labels(struct mdns_reader *r, struct label_walk *walk)
{
	size_t at = r->offset;
	size_t end = 0; /* behind the first pointer, where the message goes on */
	size_t jumps = 0;

	while (at < r->size && r->data[at]) {
		size_t length = r->data[at];

		if (length >= POINTER) {
			if (at + 2 > r->size || jumps++ == MDNS_JUMPS_MAX)
				return false;

			size_t target = load_u16(r->data + at) & 0x3FFFu;

			if (target >= at)
				return false;
			end = end ? end : at + 2;
			at = target;
			continue;
		}
		if (length > LABEL_MAX || at + 1 + length > r->size || !take_label(walk, r->data + at + 1, length))
			return false;
		at += 1 + length;
	}
	if (at >= r->size)
		return false;
	r->offset = end ? end : at + 1;
	return true;
}

/* Reads any name; *known tells whether it is "<uuid>.local". */
static bool read_name(struct mdns_reader *r, struct mdns_name *out, bool *known)
{
	struct label_walk walk = { .count = 0 };

	if (!read_labels(r, &walk))
		return false;
	*known = walk.count == 2 && str_equal_nocase(walk.label[1], STR("local")) && parse_uuid(out, walk.label[0]);
	return true;
}

/* The |size| bytes at the offset, which moves behind them. */
static const uint8_t *read_fixed(struct mdns_reader *r, size_t size)
{
	const uint8_t *at = r->data + r->offset;

	if (size > r->size - r->offset)
		return NULL;
	r->offset += size;
	return at;
}

/* RFC 1035 4.1.2: QNAME QTYPE QCLASS */
bool mdns_next_question(struct mdns_reader *r, struct mdns_question *out)
{
	struct mdns_question question = { .type = 0 };
	const uint8_t *fixed;

	if (r->failed || !r->questions_left)
		return false;
	r->questions_left--;
	if (!read_name(r, &question.name, &question.known_form) || !(fixed = read_fixed(r, 4))) {
		r->failed = true;
		return false;
	}

	uint16_t class = load_u16(fixed + 2) & (uint16_t)~CLASS_TOP_BIT;

	question.type = load_u16(fixed);
	question.unicast = load_u16(fixed + 2) & CLASS_TOP_BIT;
	question.known_form &= class == CLASS_IN || class == CLASS_ANY;
	*out = question;
	return true;
}

static bool read_record(struct mdns_reader *r, struct mdns_record *out)
{
	bool known;

	if (!read_name(r, &out->name, &known))
		return false;

	const uint8_t *fixed = read_fixed(r, 10); /* TYPE CLASS TTL RDLENGTH */

	if (!fixed)
		return false;

	uint16_t type = load_u16(fixed);
	uint16_t class = load_u16(fixed + 2) & (uint16_t)~CLASS_TOP_BIT;
	size_t size = load_u16(fixed + 8);
	const uint8_t *ip = read_fixed(r, size);

	if (!ip)
		return false;
	out->ttl_s = load_u32(fixed + 4);
	if (type == MDNS_TYPE_A && size == 4)
		out->addr = addr_v4(ip[0], ip[1], ip[2], ip[3], 0);
	else if (type == MDNS_TYPE_AAAA && size == 16)
		out->addr = addr_v6(ip, 0);
	out->is_address = known && class == CLASS_IN && !addr_is_none(&out->addr);
	return true;
}

/* RFC 1035 4.1.3 */
bool mdns_next_record(struct mdns_reader *r, struct mdns_record *out)
{
	struct mdns_record record = { .ttl_s = 0 };

	assert((r->failed || !r->questions_left) && "questions are read before records");
	if (r->failed || !r->records_left)
		return false;
	r->records_left--;
	if (!read_record(r, &record)) {
		r->failed = true;
		return false;
	}
	if (r->answers_left) {
		r->answers_left--;
		record.in_answers = true;
	}
	*out = record;
	return true;
}

/* ---- Writing ---- */

static void write_header(struct bytes_writer *w, uint16_t id, uint16_t flags, uint16_t questions, uint16_t answers,
			 uint16_t additional)
{
	bytes_put_u16(w, id);
	bytes_put_u16(w, flags);
	bytes_put_u16(w, questions);
	bytes_put_u16(w, answers);
	bytes_put_u16(w, 0);
	bytes_put_u16(w, additional);
}

static void write_name(struct bytes_writer *w, const struct mdns_name *name)
{
	char text[MDNS_NAME_SIZE + 1];

	mdns_name_text(name, text);
	bytes_put_u8(w, UUID_TEXT_SIZE);
	bytes_put(w, text, UUID_TEXT_SIZE);
	bytes_put_u8(w, 5);
	bytes_put(w, "local", 5);
	bytes_put_u8(w, 0);
}

void mdns_write_query(struct bytes_writer *w, const struct mdns_name *name, enum mdns_type type, bool unicast)
{
	write_header(w, 0, 0, 1, 0, 0); /* the id of a multicast query is zero, RFC 6762 18.1 */
	write_name(w, name);
	bytes_put_u16(w, (uint16_t)type);
	bytes_put_u16(w, unicast ? CLASS_IN | CLASS_TOP_BIT : CLASS_IN);
	assert(bytes_writer_ok(w) && "MDNS_OUT_MAX holds a query");
}

/* The bitmap of RFC 4034 4.1.2 up to the only type that exists: 4 bytes for AAAA, 1 for A. */
static void write_nsec(struct bytes_writer *w, uint16_t class, uint32_t ttl_s, bool v4)
{
	size_t bitmap_size = v4 ? 1 : 4;

	bytes_put_u16(w, OWN_NAME);
	bytes_put_u16(w, MDNS_TYPE_NSEC);
	bytes_put_u16(w, class);
	bytes_put_u32(w, ttl_s);
	bytes_put_u16(w, (uint16_t)(2 + 2 + bitmap_size));
	bytes_put_u16(w, OWN_NAME);
	bytes_put_u8(w, 0); /* window block */
	bytes_put_u8(w, (uint8_t)bitmap_size);
	bytes_put_be(w, v4 ? 0x40 : 0x08, bitmap_size); /* bit 1 from the left; bit 28 */
}

void mdns_write_response(struct bytes_writer *w, const struct mdns_response *response)
{
	bool v4 = response->addr.family == 4;
	bool goodbye = response->ttl_s == 0;
	/* A resolver of unicast DNS would not understand the cache-flush bit (RFC 6762 6.7). */
	uint16_t class = response->legacy ? CLASS_IN : CLASS_IN | CLASS_TOP_BIT;

	assert(!addr_is_none(&response->addr) && "a response tells an address");
	write_header(w, response->legacy ? response->id : 0, FLAG_RESPONSE | FLAG_AUTHORITATIVE, response->legacy, 1,
		     !goodbye);
	write_name(w, &response->name);
	if (response->legacy) {
		bytes_put_u16(w, response->question_type);
		bytes_put_u16(w, CLASS_IN);
		bytes_put_u16(w, OWN_NAME);
	}
	bytes_put_u16(w, v4 ? MDNS_TYPE_A : MDNS_TYPE_AAAA);
	bytes_put_u16(w, class);
	bytes_put_u32(w, response->ttl_s);
	bytes_put_u16(w, (uint16_t)addr_ip_size(&response->addr));
	bytes_put(w, response->addr.ip, addr_ip_size(&response->addr));
	if (!goodbye)
		write_nsec(w, class, response->ttl_s, v4);
	assert(bytes_writer_ok(w) && "MDNS_OUT_MAX holds a response");
}
