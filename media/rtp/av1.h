/* The RTP payload format for AV1 (AOMedia, version 1.0): aggregation header and OBU elements. */
#ifndef MEDIA_RTP_AV1_H
#define MEDIA_RTP_AV1_H

#include "media/rtp/payload.h"

enum av1_obu_type {
	AV1_OBU_SEQUENCE_HEADER = 1,
	AV1_OBU_TEMPORAL_DELIMITER = 2,
	AV1_OBU_FRAME_HEADER = 3,
	AV1_OBU_TILE_GROUP = 4,
	AV1_OBU_METADATA = 5,
	AV1_OBU_FRAME = 6,
	AV1_OBU_TILE_LIST = 8,
};

/* One OBU of a low-overhead bitstream (AV1 5.3). */
struct av1_obu {
	uint8_t type;
	size_t head_size; /* 1 or 2 bytes */
	size_t at;        /* of the header in the stream */
	wlk_bytes payload;
};

/** The next OBU from |*at| on; one without size goes to the end. False: no more, or malformed (|*at| is then not the end). */
bool av1_next_obu(wlk_bytes stream, size_t *at, struct av1_obu *obu);

/** See payload_depacketize(). */
wlk_err av1_depacketize(struct depacketizer *state, struct payload_info *info, struct bytes_writer *out,
			const uint8_t *payload, size_t size);

/** See packetizer_init(). */
wlk_err av1_packetizer_init(struct packetizer *p);
void av1_packetizer_next(struct packetizer *p, struct bytes_writer *out);
size_t av1_unit_count(const struct packetizer *p);

/** See payload_inspect(): a sequence header gives the size; with a key frame that is shown it is a key frame. */
void av1_inspect(wlk_bytes frame, struct payload_info *info);

/* The mandatory part of a dependency descriptor (AV1 RTP specification A.8.2). */
struct av1_dependency {
	bool starts, ends; /* first and last packet of its frame */
	uint8_t template_id;
	uint16_t frame_number;
	bool has_structure; /* the template structure follows: with key frames */
};

/** Read the first three bytes, and whether a template structure follows; false: too short. */
bool av1_dependency_parse(struct av1_dependency *out, wlk_bytes data);

#endif
