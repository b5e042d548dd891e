/*
 * 254 fixes after usrsctp 0.9.5.0 are not in the version we stand on, many of them for packets whose inner lengths lie.
 * The filter knows the layout of each chunk that WebRTC uses, and lets nothing else through: what it refuses is dropped
 * whole.
 */
#include "sctp/packet_filter.h"

#include "core/bytes.h"
#include "core/crypto.h"

enum { CHUNK_HEADER_SIZE = 4, PARAM_HEADER_SIZE = 4, CAUSE_HEADER_SIZE = 4 };
enum { INIT_FIXED_SIZE = 20, SACK_FIXED_SIZE = 16, DATA_FIXED_SIZE = 16 };
enum { TAG_OFFSET = 4, CHECKSUM_OFFSET = 8, INIT_TAG_OFFSET = PACKET_HEADER_SIZE + 4 };
enum { FLAG_T = 0x01 }; /* of ABORT and SHUTDOWN COMPLETE: the tag is reflected */
enum { A_RWND_MIN = 1500 };

enum {
	PARAM_HEARTBEAT_INFO = 1,
	PARAM_IPV4 = 5,
	PARAM_IPV6 = 6,
	PARAM_STATE_COOKIE = 7,
	PARAM_HOST_NAME = 11,
	PARAM_RECONFIG_OUT = 13,
	PARAM_RECONFIG_IN = 14,
	PARAM_RECONFIG_TSN = 15,
	PARAM_RECONFIG_RESPONSE = 16,
	PARAM_RECONFIG_ADD_OUT = 17,
	PARAM_RECONFIG_ADD_IN = 18,
	PARAM_RANDOM = 0x8002,
	PARAM_CHUNKS = 0x8003,
	PARAM_HMAC_ALGO = 0x8004,
	PARAM_ASCONF_FIRST = 0xc001, /* add IP, delete IP, error cause, set primary, success: ASCONF only */
	PARAM_ASCONF_LAST = 0xc005,
};
enum { AUTH_PARAM_SIZE_MAX = 260, RECONFIG_PARAMS_MAX = 2 };

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/*
 * The next item of a list of type-length-value items with 2-byte types (parameters, causes), cut to its length.
 * False at the end; *bad when an item does not fit.
 */
static bool next_tlv(struct bytes_reader *r, uint16_t *type, wlk_bytes *item, bool *bad)
{
	if (r->left == 0)
		return false;
	if (r->left < PARAM_HEADER_SIZE) {
		*bad = true;
		return false;
	}
	size_t size = load_u16(r->at + 2);

	*type = load_u16(r->at);
	if (size < PARAM_HEADER_SIZE || size > r->left) {
		*bad = true;
		return false;
	}
	*item = bytes_slice(r, size);
	bytes_skip(r, MIN(padded(size) - size, r->left)); /* the padding of the last one may be missing */
	return true;
}

static enum packet_verdict check_init_param(uint8_t chunk_type, uint16_t type, size_t size, bool *cookie)
{
	switch (type) {
	case PARAM_IPV4:
	case PARAM_IPV6:
	case PARAM_HOST_NAME:
		return PACKET_REFUSED_PARAM;
	case PARAM_STATE_COOKIE:
		*cookie = true;
		if (chunk_type != CHUNK_INIT_ACK || size == PARAM_HEADER_SIZE)
			return PACKET_REFUSED_PARAM;
		return PACKET_OK;
	case PARAM_RANDOM:
	case PARAM_CHUNKS:
	case PARAM_HMAC_ALGO:
		return size <= AUTH_PARAM_SIZE_MAX ? PACKET_OK : PACKET_BAD_BODY;
	case PARAM_ZERO_CHECKSUM:
		return size == PARAM_ZERO_CHECKSUM_SIZE ? PACKET_OK : PACKET_BAD_BODY;
	default:
		return type >= PARAM_ASCONF_FIRST && type <= PARAM_ASCONF_LAST ? PACKET_REFUSED_PARAM : PACKET_OK;
	}
}

/* RFC 9260 3.3.2 and 3.3.3: tag, window, streams out and in, first TSN, then parameters. */
static enum packet_verdict check_init(uint8_t chunk_type, wlk_bytes chunk)
{
	struct bytes_reader r = bytes_reader(chunk.data, chunk.size);
	bool bad = false;
	bool cookie = false;
	wlk_bytes param;
	uint16_t type;
	int count = 0;

	if (chunk.size < INIT_FIXED_SIZE || load_u32(chunk.data + 4) == 0 || load_u32(chunk.data + 8) < A_RWND_MIN ||
	    load_u16(chunk.data + 12) == 0 || load_u16(chunk.data + 14) == 0)
		return PACKET_BAD_BODY;
	bytes_skip(&r, INIT_FIXED_SIZE);
	while (next_tlv(&r, &type, &param, &bad)) {
		enum packet_verdict verdict = check_init_param(chunk_type, type, param.size, &cookie);

		if (verdict != PACKET_OK)
			return verdict;
		if (++count > PACKET_PARAMS_MAX)
			return PACKET_TOO_MANY;
	}
	return bad || (chunk_type == CHUNK_INIT_ACK && !cookie) ? PACKET_BAD_BODY : PACKET_OK;
}

/* RFC 9260 3.3.4: cumulative TSN, window, counts, gap blocks as offsets, duplicates. */
static enum packet_verdict check_sack(wlk_bytes chunk)
{
	if (chunk.size < SACK_FIXED_SIZE)
		return PACKET_BAD_BODY;
	size_t gaps = load_u16(chunk.data + 12);
	size_t duplicates = load_u16(chunk.data + 14);

	if (chunk.size != SACK_FIXED_SIZE + 4 * gaps + 4 * duplicates)
		return PACKET_BAD_BODY;
	for (size_t i = 0; i < gaps; i++) {
		const uint8_t *gap = chunk.data + SACK_FIXED_SIZE + 4 * i;

		if (load_u16(gap) == 0 || load_u16(gap) > load_u16(gap + 2))
			return PACKET_BAD_BODY;
	}
	return PACKET_OK;
}

static enum packet_verdict check_heartbeat(wlk_bytes chunk)
{
	struct bytes_reader r = bytes_reader(chunk.data, chunk.size);
	bool bad = false;
	wlk_bytes info;
	uint16_t type;

	bytes_skip(&r, CHUNK_HEADER_SIZE);
	return next_tlv(&r, &type, &info, &bad) && type == PARAM_HEARTBEAT_INFO && r.left == 0 ? PACKET_OK
											       : PACKET_BAD_BODY;
}

static enum packet_verdict check_causes(wlk_bytes chunk)
{
	struct bytes_reader r = bytes_reader(chunk.data, chunk.size);
	bool bad = false;
	wlk_bytes cause;
	uint16_t type;

	bytes_skip(&r, CHUNK_HEADER_SIZE);
	while (next_tlv(&r, &type, &cause, &bad))
		;
	return bad ? PACKET_BAD_BODY : PACKET_OK;
}

static bool reconfig_param_ok(uint16_t type, size_t size)
{
	switch (type) {
	case PARAM_RECONFIG_OUT:
		return size >= 16 && size % 2 == 0;
	case PARAM_RECONFIG_IN:
		return size >= 8 && size % 2 == 0;
	case PARAM_RECONFIG_TSN:
		return size == 8;
	case PARAM_RECONFIG_RESPONSE:
		return size == 12 || size == 20;
	case PARAM_RECONFIG_ADD_OUT:
	case PARAM_RECONFIG_ADD_IN:
		return size == 12;
	default:
		return false;
	}
}

/* RFC 6525 3.1: one or two parameters. */
static enum packet_verdict check_reconfig(wlk_bytes chunk)
{
	struct bytes_reader r = bytes_reader(chunk.data, chunk.size);
	bool bad = false;
	wlk_bytes param;
	uint16_t type;
	int count = 0;

	bytes_skip(&r, CHUNK_HEADER_SIZE);
	while (next_tlv(&r, &type, &param, &bad)) {
		if (!reconfig_param_ok(type, param.size) || ++count > RECONFIG_PARAMS_MAX)
			return PACKET_BAD_BODY;
	}
	return bad || count == 0 ? PACKET_BAD_BODY : PACKET_OK;
}

static enum packet_verdict body_if(bool fits)
{
	return fits ? PACKET_OK : PACKET_BAD_BODY;
}

static enum packet_verdict check_chunk(uint8_t type, wlk_bytes chunk)
{
	switch (type) {
	case CHUNK_DATA:
		return body_if(chunk.size > DATA_FIXED_SIZE);
	case CHUNK_INIT:
	case CHUNK_INIT_ACK:
		return check_init(type, chunk);
	case CHUNK_SACK:
		return check_sack(chunk);
	case CHUNK_HEARTBEAT:
	case CHUNK_HEARTBEAT_ACK:
		return check_heartbeat(chunk);
	case CHUNK_ABORT:
	case CHUNK_ERROR:
		return check_causes(chunk);
	case CHUNK_SHUTDOWN:
		return body_if(chunk.size == 8);
	case CHUNK_COOKIE_ECHO:
		return body_if(chunk.size > CHUNK_HEADER_SIZE);
	case CHUNK_SHUTDOWN_ACK:
	case CHUNK_COOKIE_ACK:
	case CHUNK_SHUTDOWN_COMPLETE:
		return body_if(chunk.size == CHUNK_HEADER_SIZE);
	case CHUNK_RE_CONFIG:
		return check_reconfig(chunk);
	case CHUNK_FORWARD_TSN: /* RFC 3758 3.2: TSN, then stream and sequence number pairs */
		return body_if(chunk.size >= 8 && chunk.size % 4 == 0);
	case CHUNK_PAD:
		return PACKET_OK;
	case CHUNK_ECNE:
	case CHUNK_CWR:
	case CHUNK_AUTH:
	case CHUNK_NR_SACK:
	case CHUNK_ASCONF:
	case CHUNK_ASCONF_ACK:
	case CHUNK_PKTDROP:
	case CHUNK_I_DATA:
	case CHUNK_I_FORWARD_TSN:
		return PACKET_REFUSED_CHUNK;
	default:
		/* RFC 9260 3.2: an unknown type below 0x80 stops the packet, one above is skipped. */
		return type < 0x80 ? PACKET_REFUSED_CHUNK : PACKET_OK;
	}
}

static bool must_be_alone(uint8_t type)
{
	return type == CHUNK_INIT || type == CHUNK_INIT_ACK || type == CHUNK_SHUTDOWN_COMPLETE;
}

static enum packet_verdict check_chunks(const uint8_t *packet, size_t size)
{
	struct bytes_reader r = bytes_reader(packet + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE);
	int count = 0;

	while (r.left) {
		if (r.left < CHUNK_HEADER_SIZE)
			return PACKET_BAD_LENGTH;
		uint8_t type = r.at[0];
		size_t chunk_size = load_u16(r.at + 2);

		if (chunk_size < CHUNK_HEADER_SIZE || chunk_size > r.left)
			return PACKET_BAD_LENGTH;
		if (++count > PACKET_CHUNKS_MAX)
			return PACKET_TOO_MANY;
		if (type == CHUNK_COOKIE_ECHO && count > 1)
			return PACKET_BUNDLED;
		if (must_be_alone(type) && (count > 1 || padded(chunk_size) < r.left))
			return PACKET_BUNDLED;
		enum packet_verdict verdict = check_chunk(type, (wlk_bytes){ r.at, chunk_size });

		if (verdict != PACKET_OK)
			return verdict;
		bytes_skip(&r, MIN(padded(chunk_size), r.left));
	}
	return PACKET_OK;
}

static bool tag_is_ours(const struct packet_filter *filter, uint32_t tag)
{
	return tag != 0 && (tag == filter->init_tag || tag == filter->init_ack_tag);
}

/* RFC 9260 8.5 and 8.5.1: 0 for INIT, reflected where the T bit says so, else the one we announced. */
static bool tag_ok(const struct packet_filter *filter, const uint8_t *packet)
{
	uint32_t tag = load_u32(packet + TAG_OFFSET);
	uint8_t type = packet[PACKET_HEADER_SIZE];
	bool reflected = packet[PACKET_HEADER_SIZE + 1] & FLAG_T;

	if (type == CHUNK_INIT)
		return tag == 0;
	if (reflected && (type == CHUNK_ABORT || type == CHUNK_SHUTDOWN_COMPLETE))
		return tag != 0 && tag == filter->peer_tag;
	return tag_is_ours(filter, tag);
}

/* RFC 9653 5.3: zero is accepted once announced, except in INIT and COOKIE ECHO. */
static bool checksum_ok(const struct packet_filter *filter, const uint8_t *packet, size_t size)
{
	static const uint8_t zero[4];

	if (filter->zero_checksum_rx && memcmp(packet + CHECKSUM_OFFSET, zero, sizeof(zero)) == 0 &&
	    packet[PACKET_HEADER_SIZE] != CHUNK_INIT && packet[PACKET_HEADER_SIZE] != CHUNK_COOKIE_ECHO)
		return true;
	return load_u32(packet + CHECKSUM_OFFSET) == packet_checksum(packet, size);
}

enum packet_verdict packet_filter_check(const struct packet_filter *filter, const uint8_t *packet, size_t size)
{
	if (size < PACKET_HEADER_SIZE + CHUNK_HEADER_SIZE)
		return PACKET_TOO_SHORT;
	if (load_u16(packet) != filter->remote_port || load_u16(packet + 2) != filter->local_port)
		return PACKET_WRONG_PORT;
	if (!tag_ok(filter, packet))
		return PACKET_WRONG_TAG;
	enum packet_verdict verdict = check_chunks(packet, size);

	if (verdict != PACKET_OK)
		return verdict;
	return checksum_ok(filter, packet, size) ? PACKET_OK : PACKET_BAD_CHECKSUM;
}

const char *packet_verdict_name(enum packet_verdict verdict)
{
	static const char *const names[] = {
		[PACKET_OK] = "ok",
		[PACKET_TOO_SHORT] = "too short",
		[PACKET_WRONG_PORT] = "wrong port",
		[PACKET_BAD_CHECKSUM] = "bad checksum",
		[PACKET_WRONG_TAG] = "wrong verification tag",
		[PACKET_BAD_LENGTH] = "bad chunk length",
		[PACKET_TOO_MANY] = "too many chunks or parameters",
		[PACKET_BUNDLED] = "chunk that must stand alone is bundled",
		[PACKET_REFUSED_CHUNK] = "refused chunk type",
		[PACKET_REFUSED_PARAM] = "refused parameter",
		[PACKET_BAD_BODY] = "malformed chunk",
	};

	return (size_t)verdict < ARRAY_SIZE(names) ? names[verdict] : "unknown";
}

int packet_first_chunk(const uint8_t *packet, size_t size)
{
	return size < PACKET_HEADER_SIZE + CHUNK_HEADER_SIZE ? -1 : packet[PACKET_HEADER_SIZE];
}

void packet_filter_learn_output(struct packet_filter *filter, const uint8_t *packet, size_t size)
{
	int type = packet_first_chunk(packet, size);
	uint32_t tag = load_u32(packet + TAG_OFFSET);

	if (type == CHUNK_INIT)
		filter->init_tag = load_u32(packet + INIT_TAG_OFFSET);
	else if (type == CHUNK_INIT_ACK)
		filter->init_ack_tag = load_u32(packet + INIT_TAG_OFFSET);
	if (tag && !(type == CHUNK_ABORT && packet[PACKET_HEADER_SIZE + 1] & FLAG_T))
		filter->peer_tag = tag;
	for (size_t at = PACKET_HEADER_SIZE; at < size && packet[at] != CHUNK_DATA;
	     at += padded(load_u16(packet + at + 2))) {
		if (packet[at] == CHUNK_SACK)
			filter->sacked_tsn = load_u32(packet + at + 4);
	}
}

void packet_filter_learn_input(struct packet_filter *filter, const uint8_t *packet, size_t size)
{
	int chunk_type = packet_first_chunk(packet, size);
	bool bad = false;
	wlk_bytes param;
	uint16_t type;

	if (chunk_type != CHUNK_INIT && chunk_type != CHUNK_INIT_ACK)
		return;
	struct bytes_reader r = bytes_reader(packet, size);

	bytes_skip(&r, PACKET_HEADER_SIZE + INIT_FIXED_SIZE);
	filter->zero_checksum_tx = false;
	filter->sacked_tsn = load_u32(packet + PACKET_HEADER_SIZE + 16) - 1;
	while (next_tlv(&r, &type, &param, &bad)) {
		if (type == PARAM_ZERO_CHECKSUM && load_u32(param.data + 4) == ZERO_CHECKSUM_DTLS)
			filter->zero_checksum_tx = true;
	}
}

bool packet_filter_may_omit_checksum(const struct packet_filter *filter, const uint8_t *packet, size_t size)
{
	int type = packet_first_chunk(packet, size);

	return filter->zero_checksum_tx && type != CHUNK_INIT && type != CHUNK_INIT_ACK && type != CHUNK_COOKIE_ECHO &&
	       type != CHUNK_ABORT;
}

uint32_t packet_checksum(const uint8_t *packet, size_t size)
{
	static const uint8_t zero[4];
	uint8_t wire[4];
	uint32_t crc = crypto_crc32c(0, packet, CHECKSUM_OFFSET);

	crc = crypto_crc32c(crc, zero, sizeof(zero));
	crc = crypto_crc32c(crc, packet + PACKET_HEADER_SIZE, size - PACKET_HEADER_SIZE);
	store_u32(wire, crc);
	/* The CRC is sent with its low byte first (RFC 9260 appendix A). */
	return (uint32_t)wire[3] << 24 | (uint32_t)wire[2] << 16 | (uint32_t)wire[1] << 8 | wire[0];
}

void packet_write_checksum(uint8_t *packet, size_t size)
{
	store_u32(packet + CHECKSUM_OFFSET, packet_checksum(packet, size));
}
