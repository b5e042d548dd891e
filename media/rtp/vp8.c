#include "media/rtp/vp8.h"

/* RFC 7741 4.2
 * |X|R|N|S|R| PID |   required
 * |I|L|T|K| RSV   |   X
 * |M| PictureID   |   I; with M 15 bits
 * |   TL0PICIDX   |   L
 * |TID|Y| KEYIDX  |   T or K
 */
enum {
	EXTENDED = 0x80,
	NON_REFERENCE = 0x20,
	START = 0x10,
	PARTITION_MASK = 0x07,
	HAS_PICTURE_ID = 0x80,
	HAS_TL0 = 0x40,
	HAS_TID = 0x20,
	HAS_KEY_IDX = 0x10,
	LONG_ID = 0x80,
};

static uint8_t extension_bits(const struct payload_info *info)
{
	return (uint8_t)((info->picture_id >= 0 ? HAS_PICTURE_ID : 0) | (info->tl0_pic_idx >= 0 ? HAS_TL0 : 0) |
			 (info->temporal >= 0 ? HAS_TID : 0) | (info->key_idx >= 0 ? HAS_KEY_IDX : 0));
}

size_t vp8_descriptor_size(const struct payload_info *info)
{
	uint8_t bits = extension_bits(info);

	if (!bits)
		return 1;
	return 2u + (bits & HAS_PICTURE_ID ? (info->picture_id_is_short ? 1u : 2u) : 0u) + (bits & HAS_TL0 ? 1u : 0u) +
	       (bits & (HAS_TID | HAS_KEY_IDX) ? 1u : 0u);
}

void vp8_descriptor_write(struct bytes_writer *w, const struct payload_info *info, bool first)
{
	uint8_t bits = extension_bits(info);

	bytes_put_u8(w, (uint8_t)((bits ? EXTENDED : 0) | (info->is_discardable ? NON_REFERENCE : 0) |
				  (first ? START : 0) | (info->partition & PARTITION_MASK)));
	if (!bits)
		return;
	bytes_put_u8(w, bits);
	if (bits & HAS_PICTURE_ID && info->picture_id_is_short)
		bytes_put_u8(w, info->picture_id & 0x7f);
	else if (bits & HAS_PICTURE_ID)
		bytes_put_u16(w, (uint16_t)(0x8000 | (info->picture_id & 0x7fff)));
	if (bits & HAS_TL0)
		bytes_put_u8(w, (uint8_t)info->tl0_pic_idx);
	if (bits & (HAS_TID | HAS_KEY_IDX))
		bytes_put_u8(w, (uint8_t)((bits & HAS_TID ? (info->temporal & 3) << 6 : 0) |
					  (info->is_layer_sync ? 0x20 : 0) |
					  (bits & HAS_KEY_IDX ? info->key_idx & 0x1f : 0)));
}

size_t vp8_descriptor_parse(struct payload_info *info, const uint8_t *payload, size_t size)
{
	struct bytes_reader r = bytes_reader(payload, size);
	uint8_t first = bytes_u8(&r), bits = first & EXTENDED ? bytes_u8(&r) : 0, byte;

	info->is_discardable = first & NON_REFERENCE;
	info->partition = first & PARTITION_MASK;
	info->begins = (first & START) && !info->partition;
	if (bits & HAS_PICTURE_ID) {
		info->picture_id = bytes_u8(&r);
		info->picture_id_is_short = !(info->picture_id & LONG_ID);
		if (!info->picture_id_is_short)
			info->picture_id = (info->picture_id & 0x7f) << 8 | bytes_u8(&r);
	}
	if (bits & HAS_TL0)
		info->tl0_pic_idx = bytes_u8(&r);
	if (bits & (HAS_TID | HAS_KEY_IDX)) {
		byte = bytes_u8(&r);
		info->is_layer_sync = byte & 0x20;
		if (bits & HAS_TID)
			info->temporal = (int8_t)(byte >> 6);
		if (bits & HAS_KEY_IDX)
			info->key_idx = (int8_t)(byte & 0x1f);
	}
	return bytes_ok(&r) ? size - r.left : 0;
}

wlk_err vp8_depacketize(struct payload_info *info, struct bytes_writer *out, const uint8_t *payload, size_t size)
{
	struct payload_info found = PAYLOAD_INFO_NONE;
	size_t head = vp8_descriptor_parse(&found, payload, size);

	if (!head || head == size)
		return WLK_ERR_PARSE;
	found.is_continuation = !found.begins;
	if (found.begins)
		vp8_inspect((wlk_bytes){ payload + head, size - head }, &found);
	bytes_put(out, payload + head, size - head);
	*info = found;
	return WLK_OK;
}

/* RFC 6386 9.1: a 3-byte tag; in key frames the start code 9d 01 2a, then 14 bits of width and height each. */
void vp8_inspect(wlk_bytes frame, struct payload_info *info)
{
	const uint8_t *at = frame.data;

	if (!frame.size)
		return;
	info->is_key = !(at[0] & 1);
	if (!info->is_key || frame.size < 10 || at[3] != 0x9d || at[4] != 0x01 || at[5] != 0x2a)
		return;
	info->width = (uint16_t)((at[7] << 8 | at[6]) & 0x3fff);
	info->height = (uint16_t)((at[9] << 8 | at[8]) & 0x3fff);
}
