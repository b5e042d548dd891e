/* The calls of rtp_parameters.h, and the layers of a new transceiver, in a recording. */
#include "peer/object.h"

static size_t text_size(const char *text)
{
	return 4 + (text ? strlen(text) : 0);
}

/* ---- codecs, encodings, extensions ---- */

static size_t codec_size(const wlk_rtp_codec *c)
{
	return 9 + text_size(c->mime_type) + text_size(c->sdp_fmtp_line);
}

static void put_codec(struct bytes_writer *w, const wlk_rtp_codec *c)
{
	record_put_text(w, c->mime_type);
	bytes_put_u32(w, c->clock_rate);
	bytes_put_u32(w, c->channels);
	record_put_text(w, c->sdp_fmtp_line);
	bytes_put_u8(w, c->payload_type);
}

void record_get_codec(struct bytes_reader *r, wlk_rtp_codec *out)
{
	*out = (wlk_rtp_codec){ .mime_type = record_get_text(r) };
	out->clock_rate = bytes_u32(r);
	out->channels = bytes_u32(r);
	out->sdp_fmtp_line = record_get_text(r);
	out->payload_type = bytes_u8(r);
}

void record_free_codec(wlk_rtp_codec *c)
{
	wlk_free((char *)(uintptr_t)c->mime_type);
	wlk_free((char *)(uintptr_t)c->sdp_fmtp_line);
}

/* The bits of a double; the recording is read on the kind of host that wrote it or on one with the same doubles (IEC 60559). */
static uint64_t bits_of(double number)
{
	uint64_t bits;

	memcpy(&bits, &number, sizeof(bits));
	return bits;
}

static double number_of(uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

static size_t encoding_size(const wlk_rtp_encoding *e)
{
	return 33 + text_size(e->rid) + text_size(e->scalability_mode) + (e->codec ? codec_size(e->codec) : 0);
}

static void put_encoding(struct bytes_writer *w, const wlk_rtp_encoding *e)
{
	bytes_put_u8(w, (uint8_t)(e->active | e->has_max_bitrate << 1 | e->has_max_framerate << 2 | e->has_scale_resolution_down_by << 3 |
				  e->adaptive_ptime << 4 | (e->codec != NULL) << 5));
	bytes_put_u64(w, e->max_bitrate);
	bytes_put_u64(w, bits_of(e->max_framerate));
	bytes_put_u64(w, bits_of(e->scale_resolution_down_by));
	bytes_put_u32(w, (uint32_t)e->priority);
	bytes_put_u32(w, (uint32_t)e->network_priority);
	record_put_text(w, e->rid);
	record_put_text(w, e->scalability_mode);
	if (e->codec)
		put_codec(w, e->codec);
}

void record_get_encoding(struct bytes_reader *r, struct record_encoding *out)
{
	wlk_rtp_encoding *e = &out->encoding;
	uint8_t flags = bytes_u8(r);

	*out = (struct record_encoding){ .encoding = WLK_RTP_ENCODING_INIT };
	e->active = flags & 1;
	e->has_max_bitrate = flags & 2;
	e->has_max_framerate = flags & 4;
	e->has_scale_resolution_down_by = flags & 8;
	e->adaptive_ptime = flags & 16;
	e->max_bitrate = bytes_u64(r);
	e->max_framerate = number_of(bytes_u64(r));
	e->scale_resolution_down_by = number_of(bytes_u64(r));
	e->priority = (wlk_priority)bytes_u32(r);
	e->network_priority = (wlk_priority)bytes_u32(r);
	e->rid = record_get_text(r);
	e->scalability_mode = record_get_text(r);
	if (!(flags & 32))
		return;
	record_get_codec(r, &out->codec);
	e->codec = &out->codec;
}

void record_free_encoding(struct record_encoding *e)
{
	wlk_free((char *)(uintptr_t)e->encoding.rid);
	wlk_free((char *)(uintptr_t)e->encoding.scalability_mode);
	record_free_codec(&e->codec);
}

size_t record_encodings_size(const wlk_rtp_encoding *encodings, size_t count)
{
	size_t size = 2;

	for (size_t i = 0; encodings && i < MIN(count, (size_t)WLK_RTP_ENCODINGS_MAX); i++)
		size += encoding_size(&encodings[i]);
	return size;
}

/* What is above the maximum is cut, there and here. */
void record_put_encodings(struct bytes_writer *w, const wlk_rtp_encoding *encodings, size_t count)
{
	count = encodings ? MIN(count, (size_t)WLK_RTP_ENCODINGS_MAX) : 0;
	bytes_put_u16(w, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		put_encoding(w, &encodings[i]);
}

static size_t extensions_size(const wlk_rtp_header_extension *extensions, size_t count)
{
	size_t size = 2;

	for (size_t i = 0; extensions && i < count; i++)
		size += 6 + text_size(extensions[i].uri);
	return size;
}

static void put_extensions(struct bytes_writer *w, const wlk_rtp_header_extension *extensions, size_t count)
{
	bytes_put_u16(w, (uint16_t)count);
	for (size_t i = 0; extensions && i < count; i++) {
		record_put_text(w, extensions[i].uri);
		bytes_put_u16(w, extensions[i].id);
		bytes_put_u32(w, (uint32_t)extensions[i].direction);
	}
}

void record_get_extension(struct bytes_reader *r, wlk_rtp_header_extension *out)
{
	out->uri = record_get_text(r);
	out->id = bytes_u16(r);
	out->direction = (wlk_direction)bytes_u32(r);
}

static size_t codecs_size(const wlk_rtp_codec *codecs, size_t count)
{
	size_t size = 2;

	for (size_t i = 0; codecs && i < count; i++)
		size += codec_size(&codecs[i]);
	return size;
}

static void put_codecs(struct bytes_writer *w, const wlk_rtp_codec *codecs, size_t count)
{
	bytes_put_u16(w, (uint16_t)count);
	for (size_t i = 0; codecs && i < count; i++)
		put_codec(w, &codecs[i]);
}

/* ---- the calls ---- */

static struct bytes_writer *begin(struct wlk_recording *rec, enum record_kind kind, const wlk_transceiver *t, size_t most)
{
	struct bytes_writer *w = record_begin_call(rec, kind, record_api_time(t->pc), 4 + most);

	if (w)
		bytes_put_u32(w, t->number);
	return w;
}

/* More than there can be is refused for it: what there is beyond does not matter. */
void record_set_parameters(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_rtp_send_parameters *p)
{
	size_t extensions = p ? MIN(p->header_extension_count, (size_t)WLK_RTP_EXTENSIONS_MAX) : 0;
	size_t codecs = p ? MIN(p->codec_count, (size_t)WLK_RTP_CODECS_MAX) : 0;
	size_t size = p ? 64 + text_size(p->cname) + record_encodings_size(p->encodings, p->encoding_count) +
				  extensions_size(p->header_extensions, extensions) + codecs_size(p->codecs, codecs)
			: 0;
	struct bytes_writer *w = begin(rec, RECORD_SET_PARAMETERS, t, 1 + size);

	if (!w)
		return;
	bytes_put_u8(w, p != NULL);
	if (p) {
		bytes_put(w, p->transaction_id, sizeof(p->transaction_id));
		bytes_put_u32(w, (uint32_t)MIN(p->encoding_count, (size_t)UINT32_MAX));
		bytes_put_u32(w, (uint32_t)MIN(p->header_extension_count, (size_t)UINT32_MAX));
		bytes_put_u32(w, (uint32_t)MIN(p->codec_count, (size_t)UINT32_MAX));
		bytes_put_u8(w, p->reduced_size);
		bytes_put_u32(w, (uint32_t)p->degradation_preference);
		record_put_text(w, p->cname);
		record_put_encodings(w, p->encodings, p->encoding_count);
		put_extensions(w, p->header_extensions, extensions);
		put_codecs(w, p->codecs, codecs);
	}
	record_end(rec);
}

void record_rids(struct wlk_recording *rec, enum record_kind kind, const wlk_transceiver *t, bool accept, const char *const *rids,
		 size_t count)
{
	size_t kept = rids ? MIN(count, (size_t)RECORD_CONFIG_ITEMS_MAX) : 0, size = 0;
	struct bytes_writer *w;

	for (size_t i = 0; i < kept; i++)
		size += text_size(rids[i]);
	w = begin(rec, kind, t, 4 + size);
	if (!w)
		return;
	bytes_put_u8(w, accept);
	bytes_put_u8(w, rids != NULL);
	bytes_put_u16(w, (uint16_t)MIN(count, (size_t)UINT16_MAX));
	for (size_t i = 0; i < kept; i++)
		record_put_text(w, rids[i]);
	record_end(rec);
}

void record_receive_limits(struct wlk_recording *rec, const wlk_transceiver *t, const char *rid, const wlk_rid_limits *limits)
{
	const wlk_rid_limits none = { 0 };
	struct bytes_writer *w = begin(rec, RECORD_RECEIVE_LIMITS, t, 49 + text_size(rid));

	if (!w)
		return;
	record_put_text(w, rid);
	bytes_put_u8(w, !limits ? 0 : limits->struct_size == sizeof(*limits) ? 1 : 2);
	if (!limits || limits->struct_size != sizeof(*limits))
		limits = &none;
	bytes_put_u32(w, limits->max_width);
	bytes_put_u32(w, limits->max_height);
	bytes_put_u64(w, bits_of(limits->max_framerate));
	bytes_put_u64(w, limits->max_bitrate);
	bytes_put_u64(w, limits->max_frame_size);
	bytes_put_u64(w, limits->max_pixel_rate);
	bytes_put_u64(w, bits_of(limits->max_bits_per_pixel));
	record_end(rec);
}

void record_get_rid_limits(struct bytes_reader *r, wlk_rid_limits *out)
{
	*out = (wlk_rid_limits)WLK_RID_LIMITS_INIT;
	out->max_width = bytes_u32(r);
	out->max_height = bytes_u32(r);
	out->max_framerate = number_of(bytes_u64(r));
	out->max_bitrate = bytes_u64(r);
	out->max_frame_size = bytes_u64(r);
	out->max_pixel_rate = bytes_u64(r);
	out->max_bits_per_pixel = number_of(bytes_u64(r));
}

void record_codec_preferences(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_rtp_codec *codecs, size_t count)
{
	size_t kept = codecs && count <= 4 * WLK_RTP_CODECS_MAX ? count : 0;
	struct bytes_writer *w = begin(rec, RECORD_CODEC_PREFERENCES, t, 5 + codecs_size(codecs, kept));

	if (!w)
		return;
	bytes_put_u8(w, codecs != NULL);
	bytes_put_u32(w, (uint32_t)MIN(count, (size_t)UINT32_MAX));
	put_codecs(w, codecs, kept);
	record_end(rec);
}

void record_extensions(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_rtp_header_extension *extensions, size_t count)
{
	size_t kept = MIN(count, (size_t)2 * WLK_RTP_EXTENSIONS_MAX);
	struct bytes_writer *w = begin(rec, RECORD_HEADER_EXTENSIONS, t, 1 + extensions_size(extensions, kept));

	if (!w)
		return;
	bytes_put_u8(w, extensions != NULL);
	put_extensions(w, extensions, kept);
	record_end(rec);
}

void record_insert_dtmf(struct wlk_recording *rec, const wlk_transceiver *t, const char *tones, uint32_t duration_ms, uint32_t gap_ms)
{
	struct bytes_writer *w = begin(rec, RECORD_INSERT_DTMF, t, 8 + text_size(tones));

	if (!w)
		return;
	bytes_put_u32(w, duration_ms);
	bytes_put_u32(w, gap_ms);
	record_put_text(w, tones);
	record_end(rec);
}
