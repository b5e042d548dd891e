#include "media/recv/frame_buffer.h"

#include "core/alloc.h"
#include "core/seq.h"
#include "media/rtp/red.h"

enum { CAPACITY_MIN = 4096, CAPACITY_KEPT = 65536 };

void recv_frame_free(struct recv_frame *frame, struct frame_budget *budget)
{
	if (!frame)
		return;
	budget->used -= frame->charged;
	wlk_free(frame->data);
	wlk_free(frame);
}

void frame_buffer_init(struct frame_buffer *b, struct frame_budget *budget)
{
	*b = (struct frame_buffer){ .budget = budget, .asked = -FRAME_KEY_PAUSE_US };
	references_init(&b->references);
}

static void drop_memory(struct frame_buffer *b)
{
	wlk_free(b->data);
	b->budget->used -= b->capacity;
	b->data = NULL;
	b->capacity = 0;
}

void frame_buffer_free(struct frame_buffer *b)
{
	if (b->budget)
		drop_memory(b);
}

/* Room for |more| bytes. False: no memory, or the frame or all frames together would be too large. */
static bool reserve(struct frame_buffer *b, size_t more)
{
	size_t wanted = b->size + more, capacity = MAX(b->capacity, CAPACITY_MIN);
	uint8_t *data;

	if (wanted <= b->capacity)
		return true;
	while (capacity < wanted)
		capacity *= 2;
	if (b->size > FRAME_SIZE_MAX || b->budget->used - b->capacity + capacity > FRAMES_BYTES_MAX)
		return false;
	data = wlk_realloc(b->data, capacity);
	if (!data)
		return false;
	b->budget->used += capacity - b->capacity;
	b->data = data;
	b->capacity = capacity;
	return true;
}

static void ask_for_key_frame(struct frame_buffer *b, wlk_time now)
{
	if (now - b->asked < FRAME_KEY_PAUSE_US)
		return;
	b->asked = now;
	b->wants_key_frame = true;
}

/* The frame under way will not be completed. */
static void abandon(struct frame_buffer *b)
{
	if (b->collecting)
		b->stats.frames_dropped++;
	b->collecting = false;
	b->lost = true;
	if (b->capacity > CAPACITY_KEPT)
		drop_memory(b);
}

/* ---- a frame is whole ---- */

static void count_frame(struct frame_buffer *b, const struct recv_frame *frame)
{
	b->stats.frames_received++;
	b->stats.key_frames_received += frame->info.is_key && !rtp_codec_is_audio(frame->codec);
	if (frame->packet_count > 1) {
		b->stats.frames_assembled_from_multiple_packets++;
		b->stats.total_assembly_time_us += MAX(frame->last_arrival - frame->first_arrival, 0);
	}
	if (frame->info.width) {
		b->stats.width = frame->info.width;
		b->stats.height = frame->info.height;
	}
}

/* Give the memory under way to a frame of its own, and that to the sink. */
static bool hand_out(struct frame_buffer *b, frame_sink sink, void *user)
{
	struct recv_frame *frame = wlk_malloc(sizeof(*frame));

	if (!frame)
		return false;
	*frame = b->frame;
	frame->data = b->data;
	frame->charged = b->capacity;
	frame->size = b->size - frame->dependency_size;
	frame->dependency = frame->dependency_size ? frame->data + frame->size : NULL;
	b->data = NULL;
	b->capacity = b->size = 0;
	if (sink(user, frame))
		return true;
	recv_frame_free(frame, b->budget);
	return false;
}

/* The dependency descriptor lives behind the frame, in the same memory. */
static bool append_dependency(struct frame_buffer *b)
{
	if (!reserve(b, b->dependency_size))
		return false;
	memcpy(b->data + b->size, b->dependency, b->dependency_size);
	b->size += b->dependency_size;
	b->frame.dependency_size = b->dependency_size;
	return true;
}

static void complete(struct frame_buffer *b, wlk_time now, frame_sink sink, void *user)
{
	struct payload_info seen = b->frame.info;
	enum reference_verdict verdict;
	bool is_vp9 = b->frame.codec == RTP_CODEC_VP9;

	if (!payload_is_whole(&b->state) || !b->size) {
		abandon(b);
		return;
	}
	b->collecting = false;
	payload_inspect(b->frame.codec, (wlk_bytes){ b->data, b->size }, &seen);
	if (!is_vp9) /* of VP9 the descriptor knows: an upper layer of a key picture looks like a key frame */
		b->frame.info.is_key = seen.is_key;
	b->frame.info.width = seen.width;
	b->frame.info.height = seen.height;
	count_frame(b, &b->frame);
	verdict = references_judge(&b->references, b->frame.codec, &b->frame.info, b->lost);
	b->lost = false;
	if (verdict == REFERENCE_OK && append_dependency(b) && hand_out(b, sink, user))
		return;
	b->stats.frames_dropped++;
	if (verdict == REFERENCE_OK)
		references_init(&b->references); /* it counted as handed out: nothing decodes before a key frame */
	if (verdict != REFERENCE_MISSING)
		ask_for_key_frame(b, now);
}

/* ---- video: packets into the frame under way ---- */

static void begin_frame(struct frame_buffer *b, const struct frame_packet *packet, enum rtp_codec codec)
{
	const struct rtp_packet *rtp = packet->rtp;

	b->size = b->dependency_size = 0;
	b->state = (struct depacketizer){ 0 };
	b->frame = (struct recv_frame){
		.codec = codec,
		.pt = rtp->pt,
		.ssrc = rtp->ssrc,
		.timestamp = rtp->timestamp,
		.first_seq = packet->seq,
		.first_arrival = packet->now,
		.csrc_count = rtp->csrc_count,
	};
	for (size_t i = 0; i < rtp->csrc_count; i++)
		b->frame.csrcs[i] = load_u32(rtp->csrc + 4 * i);
}

static void read_extensions(struct frame_buffer *b, const struct frame_packet *packet)
{
	const struct rtp_ext_ids *ids = packet->ext;
	wlk_bytes capture = rtp_ext_find(packet->rtp, ids->id[RTP_EXT_ABS_CAPTURE_TIME]);
	wlk_bytes dependency = rtp_ext_find(packet->rtp, ids->id[RTP_EXT_DEPENDENCY_DESCRIPTOR]);

	b->dependency_size = (uint8_t)MIN(dependency.size, sizeof(b->dependency));
	if (b->dependency_size)
		memcpy(b->dependency, dependency.data, b->dependency_size);
	b->frame.has_audio_level = rtp_ext_audio_level(rtp_ext_find(packet->rtp, ids->id[RTP_EXT_AUDIO_LEVEL]),
						       &b->frame.audio_level);
	if (capture.size >= 8) {
		b->frame.has_capture_time = true;
		b->frame.capture_ntp = (uint64_t)load_u32(capture.data) << 32 | load_u32(capture.data + 4);
	}
}

/* 3GPP TS 26.114 7.4.5: the last packet of a key frame tells it, and of others when it is another one. */
static void read_rotation(struct frame_buffer *b, const struct frame_packet *packet)
{
	struct rtp_video_orientation orientation;

	if (rtp_ext_video_orientation(rtp_ext_find(packet->rtp, packet->ext->id[RTP_EXT_VIDEO_ORIENTATION]), &orientation))
		b->rotation = orientation.rotation;
	b->frame.rotation = b->rotation;
}

/* Append one payload; false: the frame is lost with it. */
static bool append(struct frame_buffer *b, const struct frame_packet *packet, struct payload_info *info)
{
	const struct rtp_packet *rtp = packet->rtp;
	struct bytes_writer w;

	if (!reserve(b, payload_growth(rtp->payload.size)))
		return false;
	w = bytes_writer(b->data, b->capacity);
	w.size = b->size;
	if (payload_depacketize(b->frame.codec, &b->state, info, &w, rtp->payload.data, rtp->payload.size) != WLK_OK)
		return false;
	assert(bytes_writer_ok(&w) && "a depacketizer keeps to payload_growth()");
	b->size = w.size;
	b->frame.packet_count++;
	b->frame.last_seq = packet->seq;
	b->frame.last_arrival = packet->now;
	b->frame.is_recovered = b->frame.is_recovered || packet->is_recovered;
	return b->size <= FRAME_SIZE_MAX && b->frame.packet_count <= FRAME_PACKETS_MAX;
}

/* Behind a hole only the payload itself can tell; H.264 and AV1 seldom do. */
static bool starts_frame(const struct frame_buffer *b, const struct payload_info *info, bool contiguous)
{
	bool has_mark = b->frame.codec == RTP_CODEC_VP8 || b->frame.codec == RTP_CODEC_VP9;

	if (has_mark || !contiguous)
		return info->begins;
	return !info->is_continuation;
}

static void input_video(struct frame_buffer *b, const struct frame_packet *packet, enum rtp_codec codec,
			frame_sink sink, void *user)
{
	const struct rtp_packet *rtp = packet->rtp;
	bool contiguous = b->started && !packet->after_reset && packet->seq == b->last_seq + 1;
	bool new_time = !b->started || rtp->timestamp != b->last_timestamp;
	struct payload_info info = PAYLOAD_INFO_NONE;
	bool first;

	if (!contiguous) {
		abandon(b);
	} else if (b->collecting && (new_time || b->frame.codec != codec)) {
		/* It ended without a marker, and its picture with it: no layer of that has another time or another codec. */
		b->frame.ends_picture = true;
		complete(b, packet->now, sink, user);
		b->frame_ended = true;
	}
	first = !b->collecting;
	if (first) {
		contiguous = contiguous && (b->frame_ended || new_time);
		begin_frame(b, packet, codec);
		read_extensions(b, packet);
	}
	b->started = true;
	read_rotation(b, packet);
	b->last_seq = packet->seq;
	b->last_timestamp = rtp->timestamp;
	b->frame_ended = rtp->marker;
	b->collecting = true;
	if (!append(b, packet, &info) || (first && !starts_frame(b, &info, contiguous)) ||
	    (!first && info.begins && (codec == RTP_CODEC_VP8 || codec == RTP_CODEC_VP9))) {
		/* Only what began as a frame counts as one that was dropped. */
		b->collecting = !first || info.begins || contiguous;
		abandon(b);
		if (!b->references.started)
			ask_for_key_frame(b, packet->now);
		return;
	}
	if (first)
		b->frame.info = info;
	b->frame_ended = rtp->marker || info.ends;
	b->frame.ends_picture = rtp->marker;
	if (b->frame_ended)
		complete(b, packet->now, sink, user);
}

/* ---- audio: each packet a frame, RED several ---- */

static bool hand_out_audio(struct frame_buffer *b, const struct frame_packet *packet, const struct red_block *block,
			   enum rtp_codec codec, frame_sink sink, void *user)
{
	bool is_primary = !block->offset;

	if (b->collecting) /* a peer that mixes audio into the frames of one stream loses the frame */
		abandon(b);
	begin_frame(b, packet, codec);
	if (!block->data.size || !reserve(b, block->data.size))
		return false;
	memcpy(b->data, block->data.data, block->data.size);
	b->size = block->data.size;
	if (is_primary)
		read_extensions(b, packet);
	b->frame.pt = block->pt;
	b->frame.timestamp = packet->rtp->timestamp - block->offset;
	b->frame.packet_count = 1;
	b->frame.last_seq = packet->seq;
	b->frame.last_arrival = packet->now;
	b->frame.is_recovered = packet->is_recovered || !is_primary;
	b->frame.ends_picture = true;
	b->frame.info = PAYLOAD_INFO_NONE;
	b->frame.info.begins = b->frame.info.ends = b->frame.info.is_key = true;
	count_frame(b, &b->frame);
	if (!hand_out(b, sink, user)) {
		b->stats.frames_dropped++;
		return false;
	}
	b->has_audio = true;
	b->last_audio_timestamp = packet->rtp->timestamp - block->offset;
	return true;
}

static void input_red(struct frame_buffer *b, const struct frame_packet *packet, frame_sink sink, void *user)
{
	struct red_block blocks[RED_BLOCKS_MAX];
	const struct rtp_packet *rtp = packet->rtp;
	size_t count = red_parse(blocks, rtp->payload.data, rtp->payload.size);
	bool gap = b->started && !packet->after_reset && packet->seq != b->last_seq + 1;

	b->started = true;
	b->last_seq = packet->seq;
	for (size_t i = 0; i < count; i++) {
		enum rtp_codec codec = (enum rtp_codec)packet->codecs[blocks[i].pt];
		bool is_primary = i + 1 == count;

		if (!rtp_codec_is_audio(codec) || codec == RTP_CODEC_RED)
			continue;
		if (!is_primary && (!gap || !b->has_audio || !blocks[i].offset ||
				    !seq32_newer(rtp->timestamp - blocks[i].offset, b->last_audio_timestamp)))
			continue;
		if (hand_out_audio(b, packet, &blocks[i], codec, sink, user) && !is_primary)
			b->stats.audio_blocks_recovered++;
	}
}

void frame_buffer_input(struct frame_buffer *b, const struct frame_packet *packet, frame_sink sink, void *user)
{
	enum rtp_codec codec = (enum rtp_codec)packet->codecs[packet->rtp->pt & 0x7f];
	const struct rtp_packet *rtp = packet->rtp;

	if (codec == RTP_CODEC_RED) {
		input_red(b, packet, sink, user);
	} else if (rtp_codec_is_audio(codec)) {
		struct red_block whole = { rtp->pt, 0, rtp->payload };

		b->started = true;
		b->last_seq = packet->seq;
		(void)hand_out_audio(b, packet, &whole, codec, sink, user);
	} else {
		input_video(b, packet, codec, sink, user);
	}
}
