/* ICE candidates: the value, its line (RFC 8839 5.1), priority and foundation (RFC 8445 5.1), whom to refuse (R8). */
#ifndef ICE_CANDIDATE_H
#define ICE_CANDIDATE_H

#include "core/text.h"

enum {
	ICE_CANDIDATE_LINE_MAX = 512, /* bytes of a line that is looked at (R8) */
	ICE_FOUNDATION_MAX = 32,      /* characters, RFC 8839 5.1 */
	ICE_HOST_NAME_MAX = 255,      /* characters of a host name in place of an address */
	ICE_TCP_OTHER_MAX = 0x1fff,   /* the "other preference" of RFC 6544 4.2 has 13 bits */
};

enum ice_candidate_type { CANDIDATE_HOST, CANDIDATE_SRFLX, CANDIDATE_PRFLX, CANDIDATE_RELAY };
enum ice_transport { ICE_UDP, ICE_TCP };
/* RFC 6544 4.5; CANDIDATE_TCP_NONE for UDP. */
enum ice_tcptype { CANDIDATE_TCP_NONE, CANDIDATE_TCP_ACTIVE, CANDIDATE_TCP_PASSIVE, CANDIDATE_TCP_SO };

/* A plain value without pointers: copy it freely. */
struct ice_candidate {
	enum ice_candidate_type type;
	enum ice_transport transport;
	enum ice_tcptype tcptype;
	uint16_t component; /* 1..256; 1 is RTP, and all there is under rtcp-mux */
	uint32_t priority;
	wlk_addr addr;                           /* family 0 with a port: a name that is yet to be resolved */
	wlk_addr related;                        /* raddr/rport, for diagnosis only; family 0: not given or a name */
	char foundation[ICE_FOUNDATION_MAX + 1]; /* NUL-terminated; the RFC bounds it, longer ones are malformed */
};

/* A candidate with what only its line carries. Texts are borrowed: from the line (parser), from the caller (writer). */
struct ice_candidate_line {
	struct ice_candidate candidate;
	struct str host; /* a name in place of the address ("<uuid>.local"); empty: candidate.addr is complete */
	struct str related_host; /* the same for raddr */
	struct str ufrag;        /* the generation that this candidate belongs to; empty: not said */
	bool has_generation;
	uint32_t generation;
	uint16_t network_id;   /* libwebrtc's; 0: not said */
	uint16_t network_cost; /* libwebrtc's, lower is better, 999 at most; 0: not said */
	bool mapped;           /* the address was written ::ffff:a.b.c.d: refuse the candidate unless configured (R8) */
};

/*
 * Parse "candidate:..." or "a=candidate:..." (a line end behind it is allowed). Unknown extension pairs are skipped,
 * keywords match in any case, an IPv6 zone ("%eth0") is dropped because it means nothing here. *out borrows |line|.
 *
 * WLK_ERR_TOO_LARGE: above ICE_CANDIDATE_LINE_MAX. WLK_ERR_UNSUPPORTED: well-formed, but a transport or candidate type
 * that nobody here speaks: skip the candidate. WLK_ERR_PARSE: malformed. *out is untouched then.
 */
wlk_err ice_candidate_line_parse(struct ice_candidate_line *out, struct str line) WLK_NODISCARD;

/*
 * Append "candidate:..." without "a=" and without line end. The candidate must be complete: a foundation of ice-chars,
 * a component 1..256, an address or |host| (asserted). Parsing the result gives the same line back.
 */
void ice_candidate_line_write(struct text *out, const struct ice_candidate_line *line);

/* The same for a candidate that is nothing but a value. */
void ice_candidate_write(struct text *out, const struct ice_candidate *candidate);

/* "host", "srflx", "prflx", "relay": the words of the line, of stats and of logs. */
const char *ice_candidate_type_name(enum ice_candidate_type type);

/* RFC 8445 5.1.2.1 with the recommended type preferences 126, 110, 100, 0. |component| 1..256. */
uint32_t ice_candidate_priority(enum ice_candidate_type type, uint16_t local_preference, uint16_t component);

/* The local preference of a TCP candidate: direction preference * 2^13 + |other| (0..8191). RFC 6544 4.2. */
uint16_t ice_tcp_local_preference(enum ice_candidate_type type, enum ice_tcptype tcptype, uint16_t other);

/*
 * The priority of a TCP candidate that is not relayed. Its type preferences, host 90, prflx 80 and srflx 70, lie below
 * those of UDP candidates that are not relayed: RFC 6544 4.2 prefers UDP, and a direct connection is better than a relay.
 * |tcptype| is not CANDIDATE_TCP_NONE.
 */
uint32_t ice_tcp_candidate_priority(enum ice_candidate_type type, enum ice_tcptype tcptype, uint16_t other,
				    uint16_t component);

/*
 * RFC 8445 5.1.1.3: equal for candidates of the same type, transport, base IP and STUN/TURN server IP, and different
 * otherwise. |server| may be NULL. |salt| is one random value an agent, so that a foundation does not tell an address
 * that is hidden behind a .local name (A5). |out| gets decimal digits and a NUL. WLK_ERR_CRYPTO: hashing failed.
 */
wlk_err ice_candidate_foundation(char out[ICE_FOUNDATION_MAX + 1], enum ice_candidate_type type,
				 enum ice_transport transport, const wlk_addr *base, const wlk_addr *server,
				 uint64_t salt) WLK_NODISCARD;

/* What ice_remote_address_allowed() may let through. */
enum ice_address_flags { ICE_ALLOW_LOOPBACK = 1, ICE_ALLOW_LINK_LOCAL = 2 };

/*
 * Whether checks may be sent to an address that the peer named (R8). Never: none, port 0, unspecified (0.0.0.0/8, ::),
 * multicast, broadcast, IPv4-compatible ::/96. Loopback and link-local only when |flags| (enum ice_address_flags) says
 * so. A mapped IPv4 address is judged as the IPv4 address that it is.
 */
bool ice_remote_address_allowed(const wlk_addr *addr, unsigned flags);

#endif
