#include "media/rtp/av1.h"

#include "core/bits.h"

/* RTP Payload Format for AV1, 4.4: |Z|Y| W |N|-|-|-| */
enum {
	CONTINUES = 0x80,  /* Z: the first element goes on with an OBU of the packet before */
	CONTINUED = 0x40,  /* Y: the last element goes on in the next packet */
	COUNT_SHIFT = 4,   /* W: how many elements, the last of them without size; 0: all have one */
	NEW_SEQUENCE = 0x08, /* N: first packet of a coded video sequence */
	ELEMENTS_MAX = 3,  /* that W can say */

	OBU_FORBIDDEN = 0x80,
	OBU_EXTENSION = 0x04,
	OBU_HAS_SIZE = 0x02,
	LEB128_MAX = 8,
};

static uint8_t type_of(uint8_t header)
{
	return (header >> 3) & 0x0f;
}

static size_t head_size(uint8_t header)
{
	return header & OBU_EXTENSION ? 2 : 1;
}

static size_t leb128_size(size_t value)
{
	size_t size = 1;

	while (value >>= 7)
		size++;
	return size;
}

static void leb128_put(struct bytes_writer *w, size_t value)
{
	for (; value >= 0x80; value >>= 7)
		bytes_put_u8(w, (uint8_t)(value | 0x80));
	bytes_put_u8(w, (uint8_t)value);
}

/* AV1 4.10.5; more than 32 bits is no size. */
static size_t leb128_get(struct bytes_reader *r)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < LEB128_MAX; i++) {
		uint8_t byte = bytes_u8(r);

		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			r->failed = r->failed || value > UINT32_MAX;
			return (size_t)value;
		}
	}
	r->failed = true;
	return 0;
}

bool av1_next_obu(wlk_bytes stream, size_t *at, struct av1_obu *obu)
{
	struct bytes_reader r;
	uint8_t header;
	size_t size;

	if (*at >= stream.size)
		return false;
	r = bytes_reader(stream.data + *at, stream.size - *at);
	header = bytes_u8(&r);
	if (header & OBU_EXTENSION)
		bytes_skip(&r, 1);
	size = header & OBU_HAS_SIZE ? leb128_get(&r) : r.left;
	*obu = (struct av1_obu){ .type = type_of(header), .head_size = head_size(header), .at = *at };
	obu->payload = bytes_slice(&r, size);
	if (!bytes_ok(&r) || header & OBU_FORBIDDEN)
		return false;
	*at = stream.size - r.left;
	return true;
}

/* ---- what is in it ---- */

static void skip_timing(struct bits_reader *r, unsigned *delay_bits)
{
	bits_skip(r, 64);
	if (bits_flag(r))
		bits_ue(r); /* uvlc: the same code */
	if (!bits_flag(r)) /* decoder_model_info_present_flag */
		return;
	*delay_bits = bits_get(r, 5) + 1;
	bits_skip(r, 32 + 5 + 5);
}

static void skip_operating_points(struct bits_reader *r)
{
	unsigned delay_bits = 0;
	bool display_delay;
	uint32_t count;

	if (bits_flag(r))
		skip_timing(r, &delay_bits);
	display_delay = bits_flag(r);
	count = bits_get(r, 5) + 1;
	for (uint32_t i = 0; i < count && bits_ok(r); i++) {
		bits_skip(r, 12);
		if (bits_get(r, 5) > 7)
			bits_skip(r, 1);
		if (delay_bits && bits_flag(r))
			bits_skip(r, 2 * delay_bits + 1);
		if (display_delay && bits_flag(r))
			bits_skip(r, 4);
	}
}

/* AV1 5.5.1 */
static void inspect_sequence(wlk_bytes payload, struct payload_info *info)
{
	struct bits_reader r = bits_reader(payload.data, payload.size);
	unsigned width_bits, height_bits;
	uint32_t width, height;

	bits_skip(&r, 4);
	if (bits_flag(&r)) /* reduced_still_picture_header */
		bits_skip(&r, 5);
	else
		skip_operating_points(&r);
	width_bits = bits_get(&r, 4) + 1;
	height_bits = bits_get(&r, 4) + 1;
	width = bits_get(&r, width_bits) + 1;
	height = bits_get(&r, height_bits) + 1;
	if (!bits_ok(&r) || width > UINT16_MAX || height > UINT16_MAX)
		return;
	info->width = (uint16_t)width;
	info->height = (uint16_t)height;
}

void av1_inspect(wlk_bytes frame, struct payload_info *info)
{
	bool sequence = false, key = false, seen = false;
	struct av1_obu obu;
	size_t at = 0;

	while (av1_next_obu(frame, &at, &obu)) {
		if (obu.type == AV1_OBU_SEQUENCE_HEADER) {
			sequence = true;
			inspect_sequence(obu.payload, info);
		} else if ((obu.type == AV1_OBU_FRAME || obu.type == AV1_OBU_FRAME_HEADER) && !seen && obu.payload.size) {
			/* AV1 5.9.2: show_existing_frame 0, frame_type KEY_FRAME 00, show_frame 1 */
			seen = true;
			key = (obu.payload.data[0] & 0xf0) == 0x10;
		}
	}
	info->is_key = sequence && key;
}

bool av1_dependency_parse(struct av1_dependency *out, wlk_bytes data)
{
	if (data.size < 3)
		return false;
	*out = (struct av1_dependency){
		.starts = data.data[0] & 0x80,
		.ends = data.data[0] & 0x40,
		.template_id = data.data[0] & 0x3f,
		.frame_number = load_u16(data.data + 1),
		.has_structure = data.size > 3 && data.data[3] & 0x80,
	};
	return true;
}

/* ---- packets to frame ---- */

/* An OBU that came with its size keeps it, if it is true. */
static wlk_err check_sized(const uint8_t *obu, size_t size)
{
	struct bytes_reader r = bytes_reader(obu, size);

	bytes_skip(&r, head_size(obu[0]));
	return leb128_get(&r) == r.left && bytes_ok(&r) ? WLK_OK : WLK_ERR_PARSE;
}

/* The OBU from |open_from| to the end is complete: give it the size field that decoders want (AV1 5.2). */
static wlk_err close_obu(struct depacketizer *state, struct bytes_writer *out)
{
	uint8_t *obu = out->start + state->open_from;
	size_t size = out->size - state->open_from, head, length;
	uint8_t field[LEB128_MAX];
	struct bytes_writer w = bytes_writer(field, sizeof(field));

	state->is_open = false;
	if (!size || size < head_size(obu[0]) || obu[0] & OBU_FORBIDDEN)
		return WLK_ERR_PARSE;
	if (type_of(obu[0]) == AV1_OBU_TEMPORAL_DELIMITER) {
		out->size = state->open_from; /* 5: to be ignored */
		return WLK_OK;
	}
	if (obu[0] & OBU_HAS_SIZE)
		return check_sized(obu, size);
	head = head_size(obu[0]);
	leb128_put(&w, size - head);
	length = w.size;
	if (!bytes_reserve(out, length))
		return WLK_ERR_PARSE;
	obu[0] |= OBU_HAS_SIZE;
	memmove(obu + head + length, obu + head, size - head);
	memcpy(obu + head, field, length);
	return WLK_OK;
}

wlk_err av1_depacketize(struct depacketizer *state, struct payload_info *info, struct bytes_writer *out,
			const uint8_t *payload, size_t size)
{
	struct bytes_reader r = bytes_reader(payload, size);
	uint8_t aggregation = bytes_u8(&r);
	size_t count = (aggregation >> COUNT_SHIFT) & 3;
	bool continues = aggregation & CONTINUES;

	/* 4.4: a new sequence does not begin in the middle of an OBU */
	if (!r.left || continues != state->is_open || (continues && aggregation & NEW_SEQUENCE))
		return WLK_ERR_PARSE;
	for (size_t i = 0; r.left; i++) {
		bool is_last = count && i + 1 == count;
		wlk_bytes element = bytes_slice(&r, is_last ? r.left : leb128_get(&r));
		wlk_err err;

		if (!bytes_ok(&r) || !element.size || (is_last && r.left))
			return WLK_ERR_PARSE;
		if (!state->is_open)
			state->open_from = out->size;
		state->is_open = true;
		bytes_put(out, element.data, element.size);
		if (!r.left && aggregation & CONTINUED)
			break;
		err = close_obu(state, out);
		if (err)
			return err;
		if (!r.left && count && i + 1 != count)
			return WLK_ERR_PARSE;
	}
	*info = PAYLOAD_INFO_NONE;
	info->is_continuation = continues;
	info->begins = !continues && aggregation & NEW_SEQUENCE;
	info->is_key = info->begins;
	return WLK_OK;
}

/* ---- frame to packets ---- */

static wlk_bytes whole(const struct packetizer *p)
{
	return (wlk_bytes){ p->data, p->size };
}

/* 5: temporal delimiters and tile lists are not sent. */
static bool is_sent(const struct av1_obu *obu)
{
	return obu->type != AV1_OBU_TEMPORAL_DELIMITER && obu->type != AV1_OBU_TILE_LIST;
}

static bool next_sent(const struct packetizer *p, size_t *at, struct av1_obu *obu)
{
	while (av1_next_obu(whole(p), at, obu))
		if (is_sent(obu))
			return true;
	return false;
}

size_t av1_unit_count(const struct packetizer *p)
{
	struct av1_obu obu;
	size_t at = 0, count = 0;

	while (next_sent(p, &at, &obu))
		count++;
	return count;
}

wlk_err av1_packetizer_init(struct packetizer *p)
{
	struct av1_obu obu;
	size_t at = 0;

	while (av1_next_obu(whole(p), &at, &obu))
		;
	if (at != p->size || !av1_unit_count(p))
		return WLK_ERR_INVALID;
	at = 0;
	(void)next_sent(p, &at, &obu);
	p->at = obu.at;
	return WLK_OK;
}

/* The element is the OBU without its size field: header, then payload. Write |size| bytes of it from |from| on. */
static void put_element(const struct packetizer *p, struct bytes_writer *out, const struct av1_obu *obu, size_t from,
			size_t size)
{
	for (; from < obu->head_size && size; from++, size--) {
		uint8_t byte = p->data[obu->at + from];

		bytes_put_u8(out, from ? byte : (uint8_t)(byte & ~OBU_HAS_SIZE));
	}
	if (size)
		bytes_put(out, obu->payload.data + (from - obu->head_size), size);
}

static bool starts_sequence(const struct packetizer *p, const struct av1_obu *first)
{
	return !p->started && p->info.is_key && first->type == AV1_OBU_SEQUENCE_HEADER;
}

/* At most three elements, so that W can tell their number and the last one needs no size. */
void av1_packetizer_next(struct packetizer *p, struct bytes_writer *out)
{
	size_t start = out->size, end = out->size + p->max_size, next = p->at, elements = 0;
	struct av1_obu obu, after;
	uint8_t aggregation = p->unit_at ? CONTINUES : 0;

	(void)next_sent(p, &next, &obu);
	if (starts_sequence(p, &obu))
		aggregation |= NEW_SEQUENCE;
	bytes_put_u8(out, 0);
	for (;;) {
		size_t left = obu.head_size + obu.payload.size - p->unit_at, room = end - out->size, follow = next;
		bool more = next_sent(p, &follow, &after);
		bool sized = more && elements + 1 < ELEMENTS_MAX && leb128_size(left) + left + 2 <= room;
		size_t size = MIN(left, room);

		if (sized)
			leb128_put(out, left);
		put_element(p, out, &obu, p->unit_at, size);
		elements++;
		p->unit_at += size;
		if (size < left) {
			aggregation |= CONTINUED;
			break;
		}
		p->unit_at = 0;
		p->at = more ? after.at : p->size;
		if (!sized)
			break;
		obu = after;
		next = follow;
	}
	out->start[start] = (uint8_t)(aggregation | elements << COUNT_SHIFT);
}
