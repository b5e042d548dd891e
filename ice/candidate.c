#include "ice/candidate.h"

#include <stdio.h>

#include "core/addr.h"
#include "core/bytes.h"
#include "core/crypto.h"

/* ---- Words of the grammar ---- */

static const char *const type_names[] = {
	[CANDIDATE_HOST] = "host",
	[CANDIDATE_SRFLX] = "srflx",
	[CANDIDATE_PRFLX] = "prflx",
	[CANDIDATE_RELAY] = "relay",
};

static const char *const transport_names[] = { [ICE_UDP] = "udp", [ICE_TCP] = "tcp" };

static const char *const tcptype_names[] = {
	[CANDIDATE_TCP_NONE] = "",
	[CANDIDATE_TCP_ACTIVE] = "active",
	[CANDIDATE_TCP_PASSIVE] = "passive",
	[CANDIDATE_TCP_SO] = "so",
};

const char *ice_candidate_type_name(enum ice_candidate_type type)
{
	assert((size_t)type < ARRAY_SIZE(type_names) && "a candidate has one of four types");
	return type_names[type];
}

/* Index of |word| in |names|, or |count|. */
static size_t find_word(struct str word, const char *const *names, size_t count)
{
	size_t i = 0;

	while (i < count && !str_equal_nocase(word, str_of(names[i])))
		i++;
	return i;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 8839 5.4: ALPHA / DIGIT / "+" / "/" */
static bool is_ice_chars(struct str s)
{
	for (size_t i = 0; i < s.size; i++) {
		if (!is_alnum(s.at[i]) && s.at[i] != '+' && s.at[i] != '/')
			return false;
	}
	return true;
}

static bool is_foundation(struct str s)
{
	return s.size >= 1 && s.size <= ICE_FOUNDATION_MAX && is_ice_chars(s);
}

/* Printable ASCII without blanks inside words: nothing else may reach logs or another description. */
static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.size; i++) {
		if (s.at[i] < ' ' || s.at[i] > '~')
			return false;
	}
	return true;
}

/* Labels of letters, digits, '-' and '_'. Without a letter it is a broken IPv4 address and not a name. */
static bool is_host_name(struct str s)
{
	bool letter = false;
	char before = '.';

	if (!s.size || s.size > ICE_HOST_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.size; i++) {
		char c = s.at[i];

		if (!is_alnum(c) && c != '-' && c != '_' && c != '.')
			return false;
		if (c == '.' && before == '.')
			return false;
		letter |= is_alnum(c) && c > '9';
		before = c;
	}
	return letter;
}

/* ---- Parsing ---- */

/*
 * An IP literal or a host name. *host is empty for a literal; for a name *addr has family 0 and the port.
 * Answers false when it is neither.
 */
static bool parse_address(wlk_addr *addr, struct str *host, bool *mapped, struct str word, uint16_t port)
{
	struct str literal = word;

	*host = (struct str){ 0 };
	if (word.size && memchr(word.at, ':', word.size)) {
		struct str zone = word;

		literal = str_cut(&zone, '%');
	}
	if (addr_parse(addr, literal.at, literal.size, port) == WLK_OK) {
		*mapped = addr->family == 4 && memchr(literal.at, ':', literal.size);
		addr->scope_id = 0;
		return true;
	}
	*addr = (wlk_addr){ .port = port };
	*host = word;
	return is_host_name(word);
}

static bool parse_u16(struct str word, uint16_t *out)
{
	uint32_t value;

	if (!str_u32(word, UINT16_MAX, &value))
		return false;
	*out = (uint16_t)value;
	return true;
}

/* What the extension pairs give before it is known whether they belong together. */
struct extensions {
	struct str raddr;
	uint16_t rport;
};

/* One name and value of *( SP extension-att-name SP extension-att-value ); false when a known one has no such value. */
static bool parse_extension(struct ice_candidate_line *line, struct extensions *ext, struct str name, struct str value)
{
	if (str_equal_nocase(name, STR("raddr"))) {
		ext->raddr = value;
		return true;
	}
	if (str_equal_nocase(name, STR("rport")))
		return parse_u16(value, &ext->rport);
	if (str_equal_nocase(name, STR("tcptype"))) {
		line->candidate.tcptype = (enum ice_tcptype)find_word(value, tcptype_names, ARRAY_SIZE(tcptype_names));
		return (size_t)line->candidate.tcptype < ARRAY_SIZE(tcptype_names);
	}
	if (str_equal_nocase(name, STR("generation"))) {
		line->has_generation = true;
		return str_u32(value, UINT32_MAX, &line->generation);
	}
	if (str_equal_nocase(name, STR("ufrag"))) {
		line->ufrag = value;
		return is_ice_chars(value);
	}
	if (str_equal_nocase(name, STR("network-id")))
		return parse_u16(value, &line->network_id);
	if (str_equal_nocase(name, STR("network-cost")))
		return parse_u16(value, &line->network_cost);
	return true;
}

static bool parse_extensions(struct ice_candidate_line *line, struct str rest)
{
	struct extensions ext = { .rport = 0 };
	struct str name;
	bool mapped;

	while ((name = str_word(&rest)).size) {
		struct str value = str_word(&rest);

		if (!value.size || !parse_extension(line, &ext, name, value))
			return false;
	}
	/* Only for diagnosis: a related address that nobody can read is no reason to lose the candidate. */
	if (!ext.raddr.size ||
	    !parse_address(&line->candidate.related, &line->related_host, &mapped, ext.raddr, ext.rport)) {
		line->candidate.related = (wlk_addr){ 0 };
		line->related_host = (struct str){ 0 };
	}
	if (line->candidate.transport == ICE_UDP)
		line->candidate.tcptype = CANDIDATE_TCP_NONE;
	return line->candidate.transport == ICE_UDP || line->candidate.tcptype != CANDIDATE_TCP_NONE;
}

static bool skip_prefix(struct str *s, struct str prefix)
{
	if (s->size < prefix.size || !str_equal_nocase((struct str){ s->at, prefix.size }, prefix))
		return false;
	s->at += prefix.size;
	s->size -= prefix.size;
	return true;
}

/*
 * RFC 8839 5.1
 * "candidate" ":" foundation SP component-id SP transport SP priority SP connection-address SP port SP cand-type
 *                 [SP rel-addr] [SP rel-port] *(SP cand-extension)
 */
wlk_err ice_candidate_line_parse(struct ice_candidate_line *out, struct str text)
{
	struct ice_candidate_line line = { .generation = 0 };
	struct ice_candidate *c = &line.candidate;
	struct str rest = str_trim(text);
	uint32_t component;
	uint16_t port;

	if (rest.size > ICE_CANDIDATE_LINE_MAX)
		return WLK_ERR_TOO_LARGE;
	skip_prefix(&rest, STR("a="));
	if (!is_printable(rest) || !skip_prefix(&rest, STR("candidate:")))
		return WLK_ERR_PARSE;

	struct str foundation = str_cut(&rest, ' ');
	struct str component_word = str_word(&rest);
	struct str transport = str_word(&rest);
	struct str priority = str_word(&rest);
	struct str address = str_word(&rest);
	struct str port_word = str_word(&rest);
	struct str typ = str_word(&rest);
	struct str type = str_word(&rest);

	if (!is_foundation(foundation) || !str_u32(component_word, 256, &component) || component == 0 ||
	    !str_u32(priority, UINT32_MAX, &c->priority) || !parse_u16(port_word, &port) ||
	    !str_equal_nocase(typ, STR("typ")) || !transport.size || !type.size)
		return WLK_ERR_PARSE;
	c->transport = (enum ice_transport)find_word(transport, transport_names, ARRAY_SIZE(transport_names));
	c->type = (enum ice_candidate_type)find_word(type, type_names, ARRAY_SIZE(type_names));
	if ((size_t)c->transport == ARRAY_SIZE(transport_names) || (size_t)c->type == ARRAY_SIZE(type_names))
		return WLK_ERR_UNSUPPORTED;
	if (!parse_address(&c->addr, &line.host, &line.mapped, address, port) || !parse_extensions(&line, rest))
		return WLK_ERR_PARSE;
	c->component = (uint16_t)component;
	c->addr.transport = c->transport == ICE_TCP ? WLK_TRANSPORT_TCP : WLK_TRANSPORT_UDP;
	memcpy(c->foundation, foundation.at, foundation.size);
	*out = line;
	return WLK_OK;
}

/* ---- Writing ---- */

/* The zone of a link-local address has no meaning for the peer and stays out of the line. */
static void write_address(struct text *out, const wlk_addr *addr, struct str host)
{
	char ip[WLK_ADDR_TEXT_MAX];
	wlk_addr plain = *addr;

	plain.scope_id = 0;
	if (host.size)
		text_add_str(out, host);
	else
		text_add(out, addr_ip_text(&plain, ip));
}

static void write_extensions(struct text *out, const struct ice_candidate_line *line)
{
	const struct ice_candidate *c = &line->candidate;

	if (!addr_is_none(&c->related) || line->related_host.size) {
		text_add(out, " raddr ");
		write_address(out, &c->related, line->related_host);
		text_addf(out, " rport %u", (unsigned)c->related.port);
	}
	if (c->transport == ICE_TCP)
		text_addf(out, " tcptype %s", tcptype_names[c->tcptype]);
	if (line->has_generation)
		text_addf(out, " generation %u", (unsigned)line->generation);
	if (line->ufrag.size)
		text_addf(out, " ufrag %.*s", STR_ARG(line->ufrag));
	if (line->network_id)
		text_addf(out, " network-id %u", (unsigned)line->network_id);
	if (line->network_cost)
		text_addf(out, " network-cost %u", (unsigned)line->network_cost);
}

void ice_candidate_line_write(struct text *out, const struct ice_candidate_line *line)
{
	const struct ice_candidate *c = &line->candidate;

	assert(is_foundation(str_of(c->foundation)) && "a candidate has a foundation before it is written");
	assert(c->component >= 1 && c->component <= 256 && "a component id is 1..256");
	assert((line->host.size || !addr_is_none(&c->addr)) && "a candidate has an address or a name");
	assert((c->transport == ICE_UDP || c->tcptype != CANDIDATE_TCP_NONE) && "a TCP candidate has a tcptype");
	text_addf(out, "candidate:%s %u %s %u ", c->foundation, (unsigned)c->component, transport_names[c->transport],
		  (unsigned)c->priority);
	write_address(out, &c->addr, line->host);
	text_addf(out, " %u typ %s", (unsigned)c->addr.port, ice_candidate_type_name(c->type));
	write_extensions(out, line);
}

void ice_candidate_write(struct text *out, const struct ice_candidate *candidate)
{
	struct ice_candidate_line line = { .candidate = *candidate };

	ice_candidate_line_write(out, &line);
}

/* ---- Priority and foundation ---- */

uint32_t ice_candidate_priority(enum ice_candidate_type type, uint16_t local_preference, uint16_t component)
{
	static const uint32_t type_preference[] = {
		[CANDIDATE_HOST] = 126,
		[CANDIDATE_SRFLX] = 100,
		[CANDIDATE_PRFLX] = 110,
		[CANDIDATE_RELAY] = 0,
	};

	assert((size_t)type < ARRAY_SIZE(type_preference) && "a candidate has one of four types");
	assert(component >= 1 && component <= 256 && "a component id is 1..256");
	return type_preference[type] << 24 | (uint32_t)local_preference << 8 | (256u - component);
}

/* RFC 6544 4.2: who can reach whom decides; the order differs for candidates that a NAT made. */
uint16_t ice_tcp_local_preference(enum ice_candidate_type type, enum ice_tcptype tcptype, uint16_t other)
{
	static const uint16_t plain[] = {
		[CANDIDATE_TCP_NONE] = 0,
		[CANDIDATE_TCP_ACTIVE] = 6,
		[CANDIDATE_TCP_PASSIVE] = 4,
		[CANDIDATE_TCP_SO] = 2,
	};
	static const uint16_t reflexive[] = {
		[CANDIDATE_TCP_NONE] = 0,
		[CANDIDATE_TCP_ACTIVE] = 4,
		[CANDIDATE_TCP_PASSIVE] = 2,
		[CANDIDATE_TCP_SO] = 6,
	};
	bool natted = type == CANDIDATE_SRFLX || type == CANDIDATE_PRFLX;

	assert((size_t)tcptype < ARRAY_SIZE(plain) && "a TCP candidate has one of three types");
	assert(other < 0x2000 && "the other preference has 13 bits");
	return (uint16_t)((unsigned)(natted ? reflexive : plain)[tcptype] << 13 | other);
}

uint32_t ice_tcp_candidate_priority(enum ice_candidate_type type, enum ice_tcptype tcptype, uint16_t other,
				    uint16_t component)
{
	static const uint32_t type_preference[] = { [CANDIDATE_HOST] = 90, [CANDIDATE_SRFLX] = 70, [CANDIDATE_PRFLX] = 80 };

	assert((size_t)type < ARRAY_SIZE(type_preference) && "no TCP candidate of ours is relayed");
	assert(tcptype != CANDIDATE_TCP_NONE && "a TCP candidate has a tcptype");
	assert(component >= 1 && component <= 256 && "a component id is 1..256");
	return type_preference[type] << 24 | (uint32_t)ice_tcp_local_preference(type, tcptype, other) << 8 |
	       (256u - component);
}

static void put_ip(struct bytes_writer *w, const wlk_addr *addr)
{
	bytes_put_u8(w, addr ? addr->family : 0);
	bytes_put(w, addr ? addr->ip : (const uint8_t[16]){ 0 }, 16);
}

wlk_err ice_candidate_foundation(char out[ICE_FOUNDATION_MAX + 1], enum ice_candidate_type type,
				 enum ice_transport transport, const wlk_addr *base, const wlk_addr *server,
				 uint64_t salt)
{
	uint8_t input[8 + 2 + 2 * 17];
	uint8_t digest[CRYPTO_SHA256_SIZE];
	struct bytes_writer w = bytes_writer(input, sizeof(input));
	wlk_err err;

	bytes_put_u64(&w, salt);
	bytes_put_u8(&w, (uint8_t)type);
	bytes_put_u8(&w, (uint8_t)transport);
	put_ip(&w, base);
	put_ip(&w, server);
	assert(bytes_writer_ok(&w) && "the buffer holds exactly these fields");
	err = crypto_sha256(input, w.size, digest);
	if (err)
		return err;
	snprintf(out, ICE_FOUNDATION_MAX + 1, "%u", (unsigned)load_u32(digest));
	return WLK_OK;
}

/* ---- R8 ---- */

/* ::a.b.c.d, the deprecated twin of the mapped form: some kernels still send it to the IPv4 address. */
static bool is_ipv4_compatible(const wlk_addr *addr)
{
	static const uint8_t zero[12];

	return addr->family == 6 && !memcmp(addr->ip, zero, sizeof(zero)) && !addr_is_loopback(addr);
}

bool ice_remote_address_allowed(const wlk_addr *addr, unsigned flags)
{
	wlk_addr a = addr->family == 6 ? addr_v6(addr->ip, addr->port) : *addr;

	if (addr_is_none(&a) || a.port == 0)
		return false;
	if (addr_is_unspecified(&a) || addr_is_multicast(&a) || addr_is_broadcast(&a) || is_ipv4_compatible(&a))
		return false;
	if (addr_is_loopback(&a))
		return flags & ICE_ALLOW_LOOPBACK;
	if (addr_is_link_local(&a))
		return flags & ICE_ALLOW_LINK_LOCAL;
	return true;
}
