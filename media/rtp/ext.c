#include "media/rtp/ext.h"

enum {
	PROFILE_ONE_BYTE = 0xbede, /* RFC 8285 4.2 */
	PROFILE_TWO_BYTE = 0x1000, /* RFC 8285 4.3; the low four bits are appbits */
	PROFILE_TWO_BYTE_MASK = 0xfff0,
	ID_PADDING = 0,
	ID_STOP = 15, /* one-byte form only */
	ONE_BYTE_MAX = 16,
	TWO_BYTE_MAX = 255,
};

static const struct {
	const char *uri;
	bool end_to_end;
} kinds[RTP_EXT_KINDS] = {
	[RTP_EXT_MID] = { "urn:ietf:params:rtp-hdrext:sdes:mid", false },
	[RTP_EXT_RID] = { "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", false },
	[RTP_EXT_REPAIRED_RID] = { "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", false },
	[RTP_EXT_TRANSPORT_CC] = { "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", false },
	[RTP_EXT_ABS_SEND_TIME] = { "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", false },
	[RTP_EXT_AUDIO_LEVEL] = { "urn:ietf:params:rtp-hdrext:ssrc-audio-level", true },
	[RTP_EXT_VIDEO_ORIENTATION] = { "urn:3gpp:video-orientation", true },
	[RTP_EXT_PLAYOUT_DELAY] = { "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", true },
	[RTP_EXT_DEPENDENCY_DESCRIPTOR] = { "https://aomediacodec.github.io/av1-rtp-spec/"
					    "#dependency-descriptor-rtp-header-extension",
					    true },
	[RTP_EXT_VIDEO_CONTENT_TYPE] = { "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type", true },
	[RTP_EXT_COLOR_SPACE] = { "http://www.webrtc.org/experiments/rtp-hdrext/color-space", true },
	[RTP_EXT_ABS_CAPTURE_TIME] = { "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time", true },
};

const char *rtp_ext_uri(enum rtp_ext_kind kind)
{
	assert(kind < RTP_EXT_KINDS && "the kind is one of the table");
	return kinds[kind].uri;
}

enum rtp_ext_kind rtp_ext_from_uri(const char *uri, size_t size)
{
	for (int kind = 0; kind < RTP_EXT_KINDS; kind++)
		if (strlen(kinds[kind].uri) == size && !memcmp(kinds[kind].uri, uri, size))
			return (enum rtp_ext_kind)kind;
	return RTP_EXT_KINDS;
}

bool rtp_ext_is_end_to_end(enum rtp_ext_kind kind)
{
	assert(kind < RTP_EXT_KINDS && "the kind is one of the table");
	return kinds[kind].end_to_end;
}

struct rtp_ext_iter rtp_ext_iter(const struct rtp_packet *p)
{
	struct rtp_ext_iter iter = { 0 };

	iter.two_byte = (p->ext_profile & PROFILE_TWO_BYTE_MASK) == PROFILE_TWO_BYTE;
	if (p->has_ext && (iter.two_byte || p->ext_profile == PROFILE_ONE_BYTE))
		iter.reader = bytes_reader(p->ext.data, p->ext.size);
	return iter;
}

bool rtp_ext_next(struct rtp_ext_iter *iter, struct rtp_ext *out)
{
	struct bytes_reader *r = &iter->reader;

	while (r->left) {
		uint8_t head = bytes_u8(r);
		uint8_t id = iter->two_byte ? head : head >> 4;
		size_t size;

		if (head == ID_PADDING)
			continue;
		/* RFC 8285 4.2: id 15, and id 0 with a length, end the processing; what came before stays good. */
		if (!iter->two_byte && (id == ID_STOP || id == ID_PADDING))
			break;
		size = iter->two_byte ? bytes_u8(r) : (size_t)(head & 0x0f) + 1;
		out->id = id;
		out->data = bytes_slice(r, size);
		if (!bytes_ok(r))
			break;
		return true;
	}
	r->left = 0;
	return false;
}

wlk_bytes rtp_ext_find(const struct rtp_packet *p, uint8_t id)
{
	struct rtp_ext_iter iter;
	struct rtp_ext ext;

	if (!id) /* nothing of the kind was agreed on: so it is for most packets */
		return (wlk_bytes){ NULL, 0 };
	iter = rtp_ext_iter(p);
	while (rtp_ext_next(&iter, &ext))
		if (ext.id == id)
			return ext.data;
	return (wlk_bytes){ NULL, 0 };
}

static bool fits_one_byte(const struct rtp_ext *item)
{
	return item->id >= 1 && item->id < ID_STOP && item->data.size >= 1 && item->data.size <= ONE_BYTE_MAX;
}

static bool fits(const struct rtp_ext *item, bool two_byte)
{
	return two_byte ? item->id != ID_PADDING && item->data.size <= TWO_BYTE_MAX : fits_one_byte(item);
}

size_t rtp_ext_write(struct bytes_writer *w, const struct rtp_ext *items, size_t count, bool allow_two_byte,
		     size_t *offsets)
{
	size_t start = w->size, written = 0;
	bool two_byte = false;

	for (size_t i = 0; i < count; i++)
		two_byte = two_byte || (allow_two_byte && !fits_one_byte(&items[i]));
	for (size_t i = 0; i < count; i++) {
		if (offsets)
			offsets[i] = 0;
		if (!fits(&items[i], two_byte))
			continue;
		if (!written++) {
			bytes_put_u16(w, two_byte ? PROFILE_TWO_BYTE : PROFILE_ONE_BYTE);
			bytes_put_u16(w, 0);
		}
		if (two_byte) {
			bytes_put_u8(w, items[i].id);
			bytes_put_u8(w, (uint8_t)items[i].data.size);
		} else {
			bytes_put_u8(w, (uint8_t)((size_t)items[i].id << 4 | (items[i].data.size - 1)));
		}
		if (offsets)
			offsets[i] = w->size - start;
		bytes_put(w, items[i].data.data, items[i].data.size);
	}
	bytes_put_zero(w, (4 - (w->size - start) % 4) % 4);
	if (w->failed || !written)
		return 0;
	bytes_patch_u16(w, start + 2, (uint16_t)((w->size - start) / 4 - 1));
	return w->size - start;
}

void rtp_ext_put_abs_send_time(uint8_t out[3], wlk_time now)
{
	/* 6.18 fixed point: now * 2^18 / 10^6, reduced modulo 64 s first so that the product cannot overflow. */
	uint64_t in_window = (uint64_t)now % (64u * 1000000u);
	uint32_t value = (uint32_t)(((in_window << 18) + 500000) / 1000000) & 0xffffff;

	out[0] = (uint8_t)(value >> 16);
	out[1] = (uint8_t)(value >> 8);
	out[2] = (uint8_t)value;
}

bool rtp_ext_abs_send_time(wlk_bytes data, uint32_t *out_6_18)
{
	if (data.size != 3)
		return false;
	*out_6_18 = (uint32_t)data.data[0] << 16 | (uint32_t)data.data[1] << 8 | data.data[2];
	return true;
}

bool rtp_ext_transport_cc(wlk_bytes data, uint16_t *seq)
{
	/* Version 02 of the draft appends a feedback request to the same two bytes. */
	if (data.size != 2 && data.size != 4)
		return false;
	*seq = load_u16(data.data);
	return true;
}

bool rtp_ext_audio_level(wlk_bytes data, struct rtp_audio_level *out)
{
	if (data.size < 1)
		return false;
	out->voice = data.data[0] & 0x80;
	out->level = data.data[0] & 0x7f;
	return true;
}

void rtp_ext_put_audio_level(uint8_t out[1], const struct rtp_audio_level *level)
{
	out[0] = (uint8_t)((level->voice ? 0x80 : 0) | (level->level & 0x7f));
}

bool rtp_ext_video_orientation(wlk_bytes data, struct rtp_video_orientation *out)
{
	if (data.size != 1)
		return false;
	out->back_camera = data.data[0] & 0x08;
	out->flip = data.data[0] & 0x04;
	out->rotation = (uint16_t)((data.data[0] & 0x03) * 90);
	return true;
}

void rtp_ext_put_video_orientation(uint8_t out[1], const struct rtp_video_orientation *orientation)
{
	out[0] = (uint8_t)((orientation->back_camera ? 0x08 : 0) | (orientation->flip ? 0x04 : 0) |
			   ((orientation->rotation / 90) & 0x03));
}

bool rtp_ext_playout_delay(wlk_bytes data, struct rtp_playout_delay *out)
{
	uint32_t both;

	if (data.size != 3)
		return false;
	both = (uint32_t)data.data[0] << 16 | (uint32_t)data.data[1] << 8 | data.data[2];
	out->min_ms = (both >> 12) * 10;
	out->max_ms = (both & 0xfff) * 10;
	return true;
}

void rtp_ext_put_playout_delay(uint8_t out[3], const struct rtp_playout_delay *delay)
{
	uint32_t low = MIN(delay->min_ms / 10, 0xfff), high = MIN(delay->max_ms / 10, 0xfff);

	out[0] = (uint8_t)(low >> 4);
	out[1] = (uint8_t)(low << 4 | high >> 8);
	out[2] = (uint8_t)high;
}
