#include "media/rtp/vp9.h"

#include "core/bits.h"

/* RFC 9628 4.2
 * |I|P|L|F|B|E|V|Z|   required
 * |M| PICTURE ID  |   I; with M 15 bits
 * | TID |U| SID |D|   L
 * |   TL0PICIDX   |   L and not F
 * |   P_DIFF    |N|   F and P, up to 3 times while N
 * scalability structure, V
 */
enum {
	HAS_PICTURE_ID = 0x80,
	INTER_PICTURE = 0x40,
	HAS_LAYERS = 0x20,
	FLEXIBLE = 0x10,
	BEGIN = 0x08,
	END = 0x04,
	HAS_STRUCTURE = 0x02,
	NOT_FOR_UPPER = 0x01, /* Z: no higher spatial layer refers to it */
	STRUCTURE_SIZE = 5,   /* as written here */
};

static bool has_layers(const struct payload_info *info)
{
	return info->temporal >= 0 && info->spatial >= 0;
}

static size_t ref_count(const struct payload_info *info)
{
	return info->is_flexible && info->is_inter_picture ? info->ref_count : 0;
}

static bool has_structure(const struct payload_info *info)
{
	return info->is_key && info->width && info->height && info->spatial <= 0;
}

size_t vp9_descriptor_size(const struct payload_info *info)
{
	return 1u + (info->picture_id < 0 ? 0u : info->picture_id_is_short ? 1u : 2u) +
	       (has_layers(info) ? (info->is_flexible ? 1u : 2u) : 0u) + ref_count(info) +
	       (has_structure(info) ? STRUCTURE_SIZE : 0u);
}

void vp9_descriptor_write(struct bytes_writer *w, const struct payload_info *info, bool first, bool last)
{
	size_t refs = ref_count(info);
	bool structure = first && has_structure(info);

	assert((!info->is_flexible || !info->is_inter_picture || refs) && "flexible mode names what is referred to");
	bytes_put_u8(w, (uint8_t)((info->picture_id >= 0 ? HAS_PICTURE_ID : 0) |
				  (info->is_inter_picture ? INTER_PICTURE : 0) | (has_layers(info) ? HAS_LAYERS : 0) |
				  (info->is_flexible ? FLEXIBLE : 0) | (first ? BEGIN : 0) | (last ? END : 0) |
				  (structure ? HAS_STRUCTURE : 0) | (info->is_discardable ? NOT_FOR_UPPER : 0)));
	if (info->picture_id >= 0 && info->picture_id_is_short)
		bytes_put_u8(w, info->picture_id & 0x7f);
	else if (info->picture_id >= 0)
		bytes_put_u16(w, (uint16_t)(0x8000 | (info->picture_id & 0x7fff)));
	if (has_layers(info)) {
		bytes_put_u8(w, (uint8_t)((info->temporal & 7) << 5 | (info->is_layer_sync ? 0x10 : 0) |
					  (info->spatial & 7) << 1 | (info->is_inter_layer ? 1 : 0)));
		if (!info->is_flexible)
			bytes_put_u8(w, (uint8_t)MAX(info->tl0_pic_idx, 0));
	}
	for (size_t i = 0; i < refs; i++)
		bytes_put_u8(w, (uint8_t)(info->refs[i] << 1 | (i + 1 < refs)));
	if (structure) {
		bytes_put_u8(w, 0x10); /* one spatial layer, its size is given, no group */
		bytes_put_u16(w, info->width);
		bytes_put_u16(w, info->height);
	}
}

/* RFC 9628 4.2.1: | N_S |Y|G|-|-|-|, sizes, N_G, and for each picture | T |U|R|-|-| with R times P_DIFF */
static void parse_structure(struct bytes_reader *r, struct vp9_structure *s)
{
	uint8_t head = bytes_u8(r);

	s->is_there = true;
	s->spatial_count = (uint8_t)((head >> 5) + 1);
	s->has_sizes = head & 0x10;
	for (size_t i = 0; s->has_sizes && i < s->spatial_count; i++) {
		s->width[i] = bytes_u16(r);
		s->height[i] = bytes_u16(r);
	}
	s->group_size = head & 0x08 ? bytes_u8(r) : 0;
	for (size_t i = 0; i < s->group_size && bytes_ok(r); i++)
		bytes_skip(r, (bytes_u8(r) >> 2) & 3);
}

static void parse_refs(struct bytes_reader *r, struct payload_info *info)
{
	uint8_t byte;

	do {
		byte = bytes_u8(r);
		if (info->ref_count == PAYLOAD_REFS_MAX || !(byte >> 1)) {
			r->failed = true;
			return;
		}
		info->refs[info->ref_count++] = byte >> 1;
	} while (byte & 1);
}

size_t vp9_descriptor_parse(struct payload_info *info, struct vp9_structure *structure, const uint8_t *payload,
			    size_t size)
{
	struct bytes_reader r = bytes_reader(payload, size);
	uint8_t first = bytes_u8(&r), byte;

	info->is_inter_picture = first & INTER_PICTURE;
	info->is_flexible = first & FLEXIBLE;
	info->begins = first & BEGIN;
	info->ends = first & END;
	info->is_discardable = first & NOT_FOR_UPPER;
	if (first & HAS_PICTURE_ID) {
		byte = bytes_u8(&r);
		info->picture_id_is_short = !(byte & 0x80);
		info->picture_id = info->picture_id_is_short ? byte : (byte & 0x7f) << 8 | bytes_u8(&r);
	}
	if (first & HAS_LAYERS) {
		byte = bytes_u8(&r);
		info->temporal = (int8_t)(byte >> 5);
		info->is_layer_sync = byte & 0x10;
		info->spatial = (int8_t)((byte >> 1) & 7);
		info->is_inter_layer = byte & 1;
		if (!info->is_flexible)
			info->tl0_pic_idx = bytes_u8(&r);
	}
	if (info->is_flexible && info->is_inter_picture)
		parse_refs(&r, info);
	if (first & HAS_STRUCTURE)
		parse_structure(&r, structure);
	return bytes_ok(&r) ? size - r.left : 0;
}

wlk_err vp9_depacketize(struct payload_info *info, struct bytes_writer *out, const uint8_t *payload, size_t size)
{
	struct payload_info found = PAYLOAD_INFO_NONE;
	struct vp9_structure structure = { 0 };
	size_t head = vp9_descriptor_parse(&found, &structure, payload, size);
	size_t layer = (size_t)MAX(found.spatial, 0);

	/* Refs are distances between picture ids, so that there must be one. */
	if (!head || head == size || (found.is_flexible && found.picture_id < 0))
		return WLK_ERR_PARSE;
	found.is_continuation = !found.begins;
	found.is_key = !found.is_inter_picture && !(found.is_inter_layer && layer);
	if (structure.has_sizes && layer < structure.spatial_count) {
		found.width = structure.width[layer];
		found.height = structure.height[layer];
	}
	bytes_put(out, payload + head, size - head);
	*info = found;
	return WLK_OK;
}

/* VP9 bitstream 6.2.2: skips the colour configuration of a key frame. */
static void skip_color_config(struct bits_reader *r, unsigned profile)
{
	enum { SRGB = 7 };

	if (profile >= 2)
		bits_skip(r, 1); /* ten_or_twelve_bit */
	if (bits_get(r, 3) != SRGB)
		bits_skip(r, profile & 1 ? 4 : 1); /* color_range, subsampling and a reserved bit */
	else if (profile & 1)
		bits_skip(r, 1);
	else
		r->failed = true; /* sRGB has no 4:2:0 */
}

void vp9_inspect(wlk_bytes frame, struct payload_info *info)
{
	struct bits_reader r = bits_reader(frame.data, frame.size);
	unsigned profile;
	uint32_t width, height;

	if (bits_get(&r, 2) != 2)
		return;
	profile = bits_get(&r, 1);
	profile |= bits_get(&r, 1) << 1;
	if (profile == 3)
		bits_skip(&r, 1);
	if (bits_flag(&r) || bits_flag(&r)) { /* show_existing_frame; frame_type: inter */
		info->is_key = false;
		return;
	}
	bits_skip(&r, 2);
	if (bits_get(&r, 24) != 0x498342)
		return;
	info->is_key = true;
	skip_color_config(&r, profile);
	width = bits_get(&r, 16) + 1;
	height = bits_get(&r, 16) + 1;
	if (!bits_ok(&r) || width > UINT16_MAX || height > UINT16_MAX)
		return;
	info->width = (uint16_t)width;
	info->height = (uint16_t)height;
}
