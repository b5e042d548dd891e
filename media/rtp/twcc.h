/* The transport-wide congestion control feedback message (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1). */
#ifndef MEDIA_RTP_TWCC_H
#define MEDIA_RTP_TWCC_H

#include "media/rtp/rtcp_fb.h"

enum {
	TWCC_STATUS_MAX = 8192, /* packet statuses accepted in one message (R22) */
	TWCC_TICK_US = 250,
	TWCC_REFERENCE_US = 64000,
};

/* One parsed message; borrows the RTCP packet. */
struct twcc_feedback {
	uint32_t sender_ssrc;
	uint32_t media_ssrc;
	uint16_t base_seq;
	uint16_t status_count;  /* 1..TWCC_STATUS_MAX */
	int32_t reference_time; /* 24 bits signed, units of 64 ms, of the receiver's clock */
	uint8_t feedback_count;
	const uint8_t *chunks;
	const uint8_t *deltas;
	size_t deltas_size;
};

/**
 * Parse and check everything: afterwards iteration cannot fail. WLK_ERR_PARSE: a run past the announced count, chunks or
 * deltas past the end. WLK_ERR_UNSUPPORTED: of no packet (werift sends such), or of more than TWCC_STATUS_MAX (libwebrtc numbers the
 * packets of all transports of a call in one row, we by transport: without BUNDLE it sees gaps). A few bytes announce thousands: whoever
 * iterates bounds the sum over the messages of a datagram.
 */
wlk_err twcc_feedback_parse(struct twcc_feedback *out, const struct rtcp_fb *fb) WLK_NODISCARD;

struct twcc_status {
	uint16_t seq;
	bool received;
	int64_t arrival_us; /* when received: relative to the receiver's clock origin, modulo 2^24 * 64 ms */
};

struct twcc_iter {
	const struct twcc_feedback *feedback;
	const uint8_t *chunk;
	struct bytes_reader deltas;
	size_t done;       /* statuses handed out */
	size_t chunk_left; /* statuses left in the current chunk */
	size_t chunk_at;   /* statuses taken from it */
	int64_t time_us;
};

struct twcc_iter twcc_iter(const struct twcc_feedback *feedback);
bool twcc_next(struct twcc_iter *iter, struct twcc_status *out);

/* Collects statuses of one message in order of sequence numbers, then writes it. Lives on the stack. */
enum { TWCC_BUILDER_MAX = 1024 };

struct twcc_builder {
	uint16_t base_seq;
	bool has_time; /* a received packet has set reference_time */
	int64_t reference_time;
	int64_t time_us; /* what the receiver of the message will have added up so far */
	size_t count;
	size_t deltas_size;
	size_t max_size;
	uint8_t symbols[TWCC_BUILDER_MAX];
	int16_t deltas[TWCC_BUILDER_MAX];
};

/** @param max_size  bytes that the whole RTCP packet may have, at least 32 */
void twcc_builder_init(struct twcc_builder *b, uint16_t base_seq, size_t max_size);
/**
 * The next sequence number: lost so far (|received| false) or arrived at |arrival| [us, >= 0].
 * False, and nothing added, when the message is full or the delta does not fit 16 bits: begin another message there.
 */
bool twcc_builder_add(struct twcc_builder *b, bool received, wlk_time arrival);
/** Write the message; it needs at least one received packet to have a time (asserted). */
void twcc_builder_write(const struct twcc_builder *b, struct bytes_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc,
			uint8_t feedback_count);

#endif
