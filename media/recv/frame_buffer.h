/* Puts the packets of one stream together into whole frames, and hands out none that cannot be decoded. */
#ifndef MEDIA_RECV_FRAME_BUFFER_H
#define MEDIA_RECV_FRAME_BUFFER_H

#include "core/time.h"
#include "media/recv/references.h"
#include "media/rtp/ext.h"
#include "media/rtp/packet.h"
#include "media/rtp/payload.h"

/*
 * It stands behind reorder.h: packets come in order, a hole means that what is missing will not come any more. So there is
 * one frame under way, and what cannot be completed is dropped with everything that stands on it, until a key frame
 * (R24, R25).
 */
enum {
	FRAME_PACKETS_MAX = 1024,    /* R24 */
	FRAME_SIZE_MAX = 4 << 20,    /* bytes; R24 */
	FRAMES_BYTES_MAX = 12 << 20, /* of all frames of a peer that are under way or not polled yet */
	FRAME_KEY_PAUSE_US = 500000, /* between two wishes for a key frame */
};

/* One whole frame. Freed with recv_frame_free(). */
struct recv_frame {
	uint8_t *data;
	size_t size;
	size_t charged; /* bytes counted in the budget */
	enum rtp_codec codec;
	uint8_t pt;
	uint32_t ssrc;
	uint32_t timestamp;
	struct payload_info info; /* of the first packet; is_key, width and height of the whole frame */
	int64_t first_seq, last_seq; /* extended */
	size_t packet_count;
	wlk_time first_arrival, last_arrival;
	bool ends_picture; /* no other spatial layer of this picture follows */
	bool is_recovered; /* one of its packets was repeated, or it is a redundant block (RFC 2198) */
	uint8_t csrc_count;
	uint32_t csrcs[RTP_CSRC_MAX];
	bool has_audio_level;
	struct rtp_audio_level audio_level;
	uint16_t rotation; /* degrees clockwise, as in rtp_video_orientation; 0: not told */
	bool has_capture_time;
	uint64_t capture_ntp; /* abs-capture-time: NTP 32.32 of the capturing clock */
	uint8_t *dependency; /* dependency descriptor of the first packet, behind |data| in the same memory; NULL: none */
	size_t dependency_size;
};

/* Bytes of all frames of a peer, shared by its streams. */
struct frame_budget {
	size_t used;
};

void recv_frame_free(struct recv_frame *frame, struct frame_budget *budget);

struct frame_buffer_stats {
	uint32_t frames_received; /* whole ones, decodable or not */
	uint32_t key_frames_received;
	uint32_t frames_dropped;  /* incomplete, too large, or not decodable */
	uint32_t frames_assembled_from_multiple_packets;
	wlk_time total_assembly_time_us; /* of those: from their first packet to their last */
	uint32_t audio_blocks_recovered; /* by RED */
	uint16_t width, height;   /* of the last key frame that told */
};

struct frame_buffer {
	struct frame_budget *budget;
	/* the frame under way */
	bool collecting;
	uint8_t *data;
	size_t capacity;
	size_t size;
	struct depacketizer state;
	struct recv_frame frame;
	uint8_t dependency[255]; /* of its first packet */
	uint8_t dependency_size;
	/* between frames */
	bool started;
	int64_t last_seq;
	uint32_t last_timestamp;
	bool frame_ended; /* the packet before was the last of its frame */
	uint16_t rotation; /* that was told last: of frames that say nothing */
	bool lost;        /* something between the last judged frame and now is missing */
	bool has_audio;
	uint32_t last_audio_timestamp; /* handed out */
	struct references references;
	bool wants_key_frame; /* cleared by the reader */
	wlk_time asked;       /* when it was set last */
	struct frame_buffer_stats stats;
};

/* A packet, as recv_stream delivers it. */
struct frame_packet {
	const struct rtp_packet *rtp;
	int64_t seq; /* extended, without padding-only packets: a step of more than one is a loss */
	wlk_time now; /* time of arrival */
	bool is_recovered;
	bool after_reset;
	const uint8_t *codecs;           /* enum rtp_codec of each payload type, 128 of them */
	const struct rtp_ext_ids *ext;
};

/** |budget| outlives it. */
void frame_buffer_init(struct frame_buffer *b, struct frame_budget *budget);
void frame_buffer_free(struct frame_buffer *b);

/* Where whole frames go: takes |frame| over, or answers false and the frame is dropped. */
typedef bool (*frame_sink)(void *user, struct recv_frame *frame);

/**
 * Feed the next packet. Whole frames go to |sink| at once, which only queues them: at most one that ends here and one that
 * ended before it without a marker; of RED also the blocks that fill a gap.
 */
void frame_buffer_input(struct frame_buffer *b, const struct frame_packet *packet, frame_sink sink, void *user);

#endif
