#include "media/rtp/h264.h"

#include "core/bits.h"

enum {
	NAL_TYPE = 0x1f,
	NAL_REF = 0x60,
	FU_START = 0x80,
	FU_END = 0x40,
	FU_HEAD = 2,    /* FU indicator and FU header */
	LENGTH_SIZE = 2, /* in front of each NAL unit of a STAP-A */
};

static const uint8_t start_code[] = { 0, 0, 0, 1 };

/* ---- Annex B ---- */

/* Where the next 00 00 01 begins, or the end. */
static size_t find_start(wlk_bytes s, size_t at)
{
	for (; at + 3 <= s.size; at++)
		if (!s.data[at] && !s.data[at + 1] && s.data[at + 2] == 1)
			return at;
	return s.size;
}

bool h264_next_nal(wlk_bytes stream, size_t *at, wlk_bytes *nal)
{
	size_t begin, end;

	do {
		begin = find_start(stream, *at);
		if (begin == stream.size)
			return false;
		begin += 3;
		*at = end = find_start(stream, begin);
		/* The zero in front of a 4-byte start code, and trailing_zero_8bits; a NAL unit never ends in zeros. */
		while (end > begin && !stream.data[end - 1])
			end--;
	} while (end == begin);
	*nal = (wlk_bytes){ stream.data + begin, end - begin };
	return true;
}

/* ---- what is in it ---- */

/* H.264 7.3.2.1.1.1 */
static void skip_scaling_list(struct bits_reader *r, unsigned count)
{
	int32_t last = 8, next = 8;

	for (unsigned i = 0; i < count && bits_ok(r); i++) {
		if (next) {
			uint32_t code = bits_ue(r);
			int32_t delta = (int32_t)(code / 2 + (code & 1)) * (code & 1 ? 1 : -1);

			next = (last + delta % 256 + 256) % 256;
		}
		last = next ? next : last;
	}
}

static uint32_t skip_high_profile(struct bits_reader *r)
{
	uint32_t chroma = bits_ue(r);

	if (chroma == 3)
		bits_skip(r, 1);
	bits_ue(r);
	bits_ue(r);
	bits_skip(r, 1);
	if (bits_flag(r)) /* seq_scaling_matrix_present_flag */
		for (unsigned i = 0; i < (chroma == 3 ? 12u : 8u); i++)
			if (bits_flag(r))
				skip_scaling_list(r, i < 6 ? 16 : 64);
	return chroma;
}

static bool is_high(uint32_t profile)
{
	static const uint8_t high[] = { 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135 };

	return memchr(high, (int)profile, sizeof(high)) != NULL;
}

static void skip_picture_order(struct bits_reader *r)
{
	uint32_t type = bits_ue(r), cycle;

	if (type == 0)
		bits_ue(r);
	if (type != 1)
		return;
	bits_skip(r, 1);
	bits_ue(r);
	bits_ue(r);
	cycle = bits_ue(r);
	for (uint32_t i = 0; i < cycle && i < 256 && bits_ok(r); i++)
		bits_ue(r);
}

/* The payload without emulation prevention bytes (H.264 7.4.1); as much as fits, which is more than a size needs. */
static size_t unescape(uint8_t *out, size_t capacity, wlk_bytes nal)
{
	size_t zeros = 0, size = 0;

	for (size_t i = 1; i < nal.size && size < capacity; i++) {
		bool escape = zeros >= 2 && nal.data[i] == 3;

		zeros = nal.data[i] ? 0 : zeros + 1;
		if (!escape)
			out[size++] = nal.data[i];
	}
	return size;
}

bool h264_sps_size(wlk_bytes sps, uint16_t *width, uint16_t *height)
{
	uint8_t plain[512];
	struct bits_reader r = bits_reader(plain, unescape(plain, sizeof(plain), sps));
	uint32_t profile = bits_get(&r, 8), chroma = 1, columns, rows, crop[4] = { 0 };
	uint64_t wide, tall;
	bool fields;

	bits_skip(&r, 16);
	bits_ue(&r);
	if (is_high(profile))
		chroma = skip_high_profile(&r);
	bits_ue(&r);
	skip_picture_order(&r);
	bits_ue(&r);
	bits_skip(&r, 1);
	columns = bits_ue(&r);
	rows = bits_ue(&r);
	fields = !bits_flag(&r);
	if (fields)
		bits_skip(&r, 1);
	bits_skip(&r, 1);
	if (bits_flag(&r))
		for (size_t i = 0; i < 4; i++)
			crop[i] = bits_ue(&r);
	if (!bits_ok(&r))
		return false;
	wide = ((uint64_t)columns + 1) * 16;
	tall = ((uint64_t)rows + 1) * 16 * (fields ? 2 : 1);
	uint64_t cut_x = ((uint64_t)crop[0] + crop[1]) * (chroma == 1 || chroma == 2 ? 2 : 1);
	uint64_t cut_y = ((uint64_t)crop[2] + crop[3]) * (chroma == 1 ? 2 : 1) * (fields ? 2 : 1);

	if (cut_x >= wide || cut_y >= tall || wide - cut_x > UINT16_MAX || tall - cut_y > UINT16_MAX)
		return false;
	*width = (uint16_t)(wide - cut_x);
	*height = (uint16_t)(tall - cut_y);
	return true;
}

static void inspect_nal(wlk_bytes nal, struct payload_info *info)
{
	uint8_t type = nal.data[0] & NAL_TYPE;

	if (type == H264_NAL_IDR)
		info->is_key = true;
	if (type == H264_NAL_SPS)
		(void)h264_sps_size(nal, &info->width, &info->height);
}

void h264_inspect(wlk_bytes frame, struct payload_info *info)
{
	size_t at = 0;
	wlk_bytes nal;

	info->is_key = false;
	while (h264_next_nal(frame, &at, &nal))
		inspect_nal(nal, info);
}

static int base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

size_t h264_next_sprop(const char **text, size_t *text_size, uint8_t *out, size_t capacity)
{
	struct bytes_writer w = bytes_writer(out, capacity);
	uint32_t held = 0;
	unsigned bits = 0;
	bool good = true;

	while (*text_size) {
		char c = **text;

		++*text;
		--*text_size;
		if (c == ',')
			break;
		if (c == '=')
			continue;
		good = good && base64_value(c) >= 0;
		held = held << 6 | (uint32_t)(base64_value(c) & 0x3f);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes_put_u8(&w, (uint8_t)(held >> bits));
		}
	}
	return good && bytes_writer_ok(&w) ? w.size : 0;
}

/* ---- packets to frame ---- */

static void put_nal(struct bytes_writer *out, struct payload_info *info, wlk_bytes nal)
{
	bytes_put(out, start_code, sizeof(start_code));
	bytes_put(out, nal.data, nal.size);
	inspect_nal(nal, info);
}

/* What can only stand in front of a picture (H.264 7.4.1.2.3). */
static bool proves_begin(uint8_t type)
{
	return type == H264_NAL_DELIMITER || type == H264_NAL_SPS;
}

/* RFC 6184 5.7.1: each NAL unit behind its 16-bit size */
static wlk_err take_aggregate(struct payload_info *info, struct bytes_writer *out, const uint8_t *payload, size_t size)
{
	struct bytes_reader r = bytes_reader(payload + 1, size - 1);

	if (!r.left)
		return WLK_ERR_PARSE;
	for (bool first = true; r.left; first = false) {
		wlk_bytes nal = bytes_slice(&r, bytes_u16(&r));

		/* No aggregation inside of one. */
		if (!bytes_ok(&r) || !nal.size || (nal.data[0] & NAL_TYPE) >= H264_NAL_STAP_A)
			return WLK_ERR_PARSE;
		info->begins = info->begins || (first && proves_begin(nal.data[0] & NAL_TYPE));
		put_nal(out, info, nal);
	}
	return WLK_OK;
}

/* RFC 6184 5.8: |F|NRI| 28 | and |S|E|R|type|; the NAL header is made of both */
static wlk_err take_fragment(struct depacketizer *state, struct payload_info *info, struct bytes_writer *out,
			     const uint8_t *payload, size_t size)
{
	bool start = size > 1 && payload[1] & FU_START, end = size > 1 && payload[1] & FU_END;
	uint8_t header;

	if (size <= FU_HEAD || (start && end) || start == state->is_open)
		return WLK_ERR_PARSE;
	header = (uint8_t)((payload[0] & ~NAL_TYPE) | (payload[1] & NAL_TYPE));
	if ((header & NAL_TYPE) >= H264_NAL_STAP_A)
		return WLK_ERR_PARSE;
	if (start) {
		state->open_from = out->size;
		bytes_put(out, start_code, sizeof(start_code));
		bytes_put_u8(out, header);
		info->begins = proves_begin(header & NAL_TYPE);
		info->is_key = (header & NAL_TYPE) == H264_NAL_IDR;
	}
	info->is_continuation = !start;
	bytes_put(out, payload + FU_HEAD, size - FU_HEAD);
	state->is_open = !end;
	if (end && !out->failed) {
		size_t from = state->open_from + sizeof(start_code);

		inspect_nal((wlk_bytes){ out->start + from, out->size - from }, info);
	}
	return WLK_OK;
}

wlk_err h264_depacketize(struct depacketizer *state, struct payload_info *info, struct bytes_writer *out,
			 const uint8_t *payload, size_t size)
{
	struct payload_info found = PAYLOAD_INFO_NONE;
	uint8_t type = payload[0] & NAL_TYPE;
	wlk_err err = WLK_OK;

	if (type == H264_NAL_FU_A)
		err = take_fragment(state, &found, out, payload, size);
	else if (state->is_open || !type || type > H264_NAL_STAP_A)
		err = WLK_ERR_PARSE;
	else if (type == H264_NAL_STAP_A)
		err = take_aggregate(&found, out, payload, size);
	else
		put_nal(out, &found, (wlk_bytes){ payload, size });
	if (err)
		return err;
	found.begins = found.begins || (type < H264_NAL_STAP_A && proves_begin(type));
	*info = found;
	return WLK_OK;
}

/* ---- frame to packets ---- */

static wlk_bytes whole(const struct packetizer *p)
{
	return (wlk_bytes){ p->data, p->size };
}

/* Move |at| to the next NAL unit, or to the end. */
static void open_nal(struct packetizer *p)
{
	size_t next = p->unit_end;
	wlk_bytes nal;

	if (!h264_next_nal(whole(p), &next, &nal)) {
		p->at = p->size;
		return;
	}
	p->at = (size_t)(nal.data - p->data);
	p->unit_end = p->at + nal.size;
	p->unit_at = 0;
}

wlk_err h264_packetizer_init(struct packetizer *p)
{
	size_t at = 0;
	wlk_bytes nal;

	while (h264_next_nal(whole(p), &at, &nal)) {
		uint8_t type = nal.data[0] & NAL_TYPE;

		if (!type || type >= H264_NAL_STAP_A)
			return WLK_ERR_INVALID;
		if (p->single_nal && nal.size > p->max_size)
			return WLK_ERR_TOO_LARGE;
	}
	open_nal(p);
	return p->at < p->size ? WLK_OK : WLK_ERR_INVALID;
}

size_t h264_packetizer_bound(const struct packetizer *p)
{
	size_t at = 0, count = 0;
	wlk_bytes nal;

	while (h264_next_nal(whole(p), &at, &nal))
		count += nal.size / (p->max_size - FU_HEAD) + 1;
	return count;
}

/* RFC 6184 5.8. Pieces of nearly equal size. */
static void put_fragment(struct packetizer *p, struct bytes_writer *out)
{
	size_t room = p->max_size - FU_HEAD, left = p->unit_end - p->at - !p->unit_at, pieces, size;
	bool first = !p->unit_at;

	if (first) {
		p->chunk = p->data[p->at]; /* the NAL header, which each piece needs */
		p->at++;
	}
	pieces = (left + room - 1) / room;
	size = (left + pieces - 1) / pieces;
	bytes_put_u8(out, (uint8_t)((p->chunk & ~(size_t)NAL_TYPE) | H264_NAL_FU_A));
	bytes_put_u8(out, (uint8_t)((first ? FU_START : 0) | (size == left ? FU_END : 0) | (p->chunk & NAL_TYPE)));
	bytes_put(out, p->data + p->at, size);
	p->at += size;
	p->unit_at += size;
	if (p->at == p->unit_end)
		open_nal(p);
}

/* How many NAL units from here on fit into one STAP-A. */
static size_t aggregate_count(const struct packetizer *p, uint8_t *ref)
{
	size_t at = p->unit_end, total = 1 + LENGTH_SIZE + (p->unit_end - p->at), count = 1;
	wlk_bytes nal;

	*ref = p->data[p->at] & NAL_REF;
	while (h264_next_nal(whole(p), &at, &nal) && total + LENGTH_SIZE + nal.size <= p->max_size) {
		*ref = MAX(*ref, nal.data[0] & NAL_REF);
		total += LENGTH_SIZE + nal.size;
		count++;
	}
	return count;
}

void h264_packetizer_next(struct packetizer *p, struct bytes_writer *out)
{
	size_t size = p->unit_end - p->at, count;
	uint8_t ref;

	if (p->unit_at || size > p->max_size) {
		put_fragment(p, out);
		return;
	}
	count = p->single_nal ? 1 : aggregate_count(p, &ref);
	if (count == 1) {
		bytes_put(out, p->data + p->at, size);
		open_nal(p);
		return;
	}
	/* RFC 6184 5.7.1: NRI is the highest of those inside. */
	bytes_put_u8(out, (uint8_t)(ref | H264_NAL_STAP_A));
	while (count--) {
		bytes_put_u16(out, (uint16_t)(p->unit_end - p->at));
		bytes_put(out, p->data + p->at, p->unit_end - p->at);
		open_nal(p);
	}
}
