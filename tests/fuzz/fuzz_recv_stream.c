/*
 * One received stream of video: packets and retransmissions in any order, with gaps, jumps and repetitions, its requests, and key frames
 * that overtake holes. What comes out is in order, memory is bounded and given back, and deadlines lie ahead.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/alloc.h"
#include "media/recv/stream.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SSRC = 7, RTX_SSRC = 8, PT = 96, RTX_PT = 97, RECORDS_MAX = 300, BLOCKS_MAX = 6000 };

struct run {
	struct recv_stream stream;
	struct recv_queue queue;
	wlk_time now;
	bool frames;
	int64_t last;
};

static struct pktbuf *make_packet(uint32_t ssrc, uint8_t pt, bool marker, uint16_t seq, uint32_t timestamp, const uint8_t *osn, wlk_bytes payload)
{
	uint8_t bytes[12 + 2 + 256];
	struct bytes_writer w = bytes_writer(bytes, sizeof(bytes));

	bytes_put_u8(&w, 0x80);
	bytes_put_u8(&w, (uint8_t)(pt | (marker ? 0x80 : 0)));
	bytes_put_u16(&w, seq);
	bytes_put_u32(&w, timestamp);
	bytes_put_u32(&w, ssrc);
	if (osn)
		bytes_put(&w, osn, 2);
	bytes_put(&w, payload.data, payload.size);
	return pktbuf_copy(NULL, bytes, w.size);
}

static void drain(struct run *r)
{
	struct recv_item item;
	uint16_t seqs[64];

	recv_stream_handle_timeout(&r->stream, r->now, &r->queue);
	if (r->stream.nacks.next_due <= r->now) {
		size_t count = nack_list_take_due(&r->stream.nacks, r->now, 30000, seqs, 64);

		CHECK(count <= 64 && (count < 64 || r->stream.nacks.count));
		while (r->stream.nacks.next_due <= r->now)
			(void)nack_list_take_due(&r->stream.nacks, r->now, 30000, seqs, 64);
	}
	while (recv_queue_pop(&r->queue, &item)) {
		CHECK(!item.buf != !item.frame && !item.frame == !r->frames);
		if (r->stream.config.in_order || r->frames)
			CHECK(item.seq > r->last);
		r->last = item.seq;
		if (item.buf)
			pktbuf_release(item.buf);
		recv_frame_free(item.frame, &r->queue.frame_budget);
	}
	CHECK(recv_stream_deadline(&r->stream) > r->now && r->stream.nacks.next_due > r->now);
	CHECK(r->stream.order.held <= REORDER_MAX && r->stream.nacks.count <= NACK_LIST_MAX);
	CHECK(r->queue.frame_budget.used <= FRAMES_BYTES_MAX && alloc_live_blocks() < BLOCKS_MAX);
	CHECK(r->stream.nacks.lost_q16 <= 65536);
}

/* Input: options; records of what u8, step of the number u8 (signed), of time u8 (ms), length u8, payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum rtp_codec of_options[] = { RTP_CODEC_VP8, RTP_CODEC_VP9, RTP_CODEC_H264, RTP_CODEC_AV1 };
	struct bytes_reader in = bytes_reader(data, size);
	struct rtp_ext_ids ext = { 0 };
	uint8_t codecs[128] = { 0 }, options = bytes_u8(&in);
	struct run run = { .frames = options & 4, .last = INT64_MIN };
	struct recv_stream_config config = { .ssrc = SSRC, .in_order = options & 8, .use_nack = options & 16, .is_video = true, .codecs = codecs, .ext = &ext };
	uint16_t seq = 100, rtx_seq = 5;
	uint32_t timestamp = 0;

	codecs[PT] = (uint8_t)of_options[options & 3];
	if (recv_queue_init(&run.queue) != WLK_OK)
		return 0;
	config.frame_budget = run.frames ? &run.queue.frame_budget : NULL;
	recv_stream_init(&run.stream, &config);
	for (int i = 0; i < RECORDS_MAX && in.left >= 4; i++) {
		uint8_t what = bytes_u8(&in), osn[2];
		int8_t step = (int8_t)bytes_u8(&in);
		struct rtp_packet p;
		struct pktbuf *buf;
		wlk_bytes payload;
		bool rtx = what & 1;

		run.now += bytes_u8(&in) * (what & 2 ? 1000 : 100);
		payload = bytes_slice(&in, MIN(bytes_u8(&in), in.left));
		if (rtx) {
			store_u16(osn, (uint16_t)(seq + step));
			buf = make_packet(RTX_SSRC, RTX_PT, what & 4, rtx_seq++, timestamp, osn, payload);
		} else {
			seq = (uint16_t)(seq + (what & 8 ? step * 64 : step));
			timestamp += what & 16 ? 3000 : 0;
			buf = make_packet(SSRC, PT, what & 4, seq, timestamp, NULL, payload);
		}
		CHECK(buf && rtp_parse(&p, buf->data, buf->size) == WLK_OK);
		if (rtx)
			recv_stream_input_rtx(&run.stream, run.now, buf, &p, PT, what & 32 ? 30000 : 0, &run.queue);
		else
			recv_stream_input(&run.stream, run.now, buf, &p, 90000, what & 32 ? 30000 : 0, &run.queue);
		if (!(what & 64))
			drain(&run);
	}
	drain(&run);
	recv_stream_free(&run.stream);
	recv_queue_free(&run.queue);
	CHECK(alloc_live_blocks() == 0);
	return 0;
}
