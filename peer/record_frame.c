/* Encoded frames of the application in a recording. */
#include "peer/object.h"

/* What a frame has beside its bytes and its texts. */
enum { FIXED_SIZE = 64 };

_Static_assert(sizeof(((wlk_encoded_frame *)0)->references) <= FIXED_SIZE / 4, "a frame's references fit");

static size_t text_size(const char *text)
{
	return 4 + (text ? strlen(text) : 0);
}

static uint8_t flags_of(const wlk_encoded_frame *f)
{
	return (uint8_t)(f->key | f->talk_start << 1 | f->more_layers << 2 | f->layer_sync << 3 | f->discardable << 4 |
			 f->inter_layer << 5 | f->voice << 6 | (f->data != NULL) << 7);
}

void record_put_frame(struct bytes_writer *w, const wlk_encoded_frame *f)
{
	bytes_put_u32(w, (uint32_t)f->codec);
	bytes_put_u32(w, f->timestamp);
	bytes_put_u8(w, f->payload_type);
	bytes_put_u8(w, flags_of(f));
	bytes_put_u8(w, (uint8_t)f->temporal_index);
	bytes_put_u8(w, (uint8_t)f->spatial_index);
	bytes_put_u8(w, f->reference_count);
	bytes_put(w, f->references, sizeof(f->references));
	bytes_put_u16(w, (uint16_t)f->audio_level);
	bytes_put_u64(w, (uint64_t)f->capture_time);
	record_put_text(w, f->rid);
	record_put_bytes(w, f->dependency_descriptor, f->dependency_descriptor ? f->dependency_descriptor_size : 0);
	record_put_bytes(w, f->data, f->data ? f->size : 0);
	bytes_put_u16(w, f->rotation);
}

void record_get_frame(struct bytes_reader *r, wlk_encoded_frame *out, char **rid)
{
	const uint8_t *references;
	wlk_bytes bytes;
	uint8_t flags;

	*out = (wlk_encoded_frame)WLK_ENCODED_FRAME_INIT;
	out->codec = (wlk_codec)bytes_u32(r);
	out->timestamp = bytes_u32(r);
	out->payload_type = bytes_u8(r);
	flags = bytes_u8(r);
	out->key = flags & 1;
	out->talk_start = flags & 2;
	out->more_layers = flags & 4;
	out->layer_sync = flags & 8;
	out->discardable = flags & 16;
	out->inter_layer = flags & 32;
	out->voice = flags & 64;
	out->temporal_index = (int8_t)bytes_u8(r);
	out->spatial_index = (int8_t)bytes_u8(r);
	out->reference_count = bytes_u8(r);
	references = bytes_take(r, sizeof(out->references));
	if (references)
		memcpy(out->references, references, sizeof(out->references));
	out->audio_level = (int16_t)bytes_u16(r);
	out->capture_time = (int64_t)bytes_u64(r);
	out->rid = *rid = record_get_text(r);
	bytes = record_get_bytes(r);
	out->dependency_descriptor = bytes.size ? bytes.data : NULL;
	out->dependency_descriptor_size = bytes.size;
	bytes = record_get_bytes(r);
	out->data = flags & 128 ? bytes.data : NULL;
	out->size = flags & 128 ? bytes.size : 1;
	out->rotation = bytes_u16(r);
}

/* One that cannot be read for its size is written as none: both are refused. */
void record_send_frame(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_encoded_frame *frame)
{
	bool readable = frame && frame->struct_size == sizeof(*frame);
	size_t size = readable ? FIXED_SIZE + text_size(frame->rid) + (frame->data ? frame->size : 0) : 0;
	struct bytes_writer *w;

	if (readable && frame->dependency_descriptor)
		size += frame->dependency_descriptor_size;
	w = record_begin_call(rec, RECORD_SEND_FRAME, record_api_time(t->pc), 5 + size);
	if (!w)
		return;
	bytes_put_u32(w, t->number);
	bytes_put_u8(w, readable);
	if (readable)
		record_put_frame(w, frame);
	record_end(rec);
}
