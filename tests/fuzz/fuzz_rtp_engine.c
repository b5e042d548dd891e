/*
 * A hostile peer behind SRTP: a script of RTP and RTCP packets, time steps, sends and forwards into one media engine.
 * Beyond "no crash": after a timeout and a drain the deadline lies ahead, drains end, memory is bounded, and no
 * (SSRC, sequence number) leaves twice with different bytes (R20).
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/alloc.h"
#include "core/rand.h"
#include "core/time.h"
#include "media/engine.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%d: not true: %s\n", __LINE__, #fact);                                        \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

enum { DRAIN_MAX = 10000, OWN_SSRCS = 3, BLOCKS_MAX = 12000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct media_engine *e;
	wlk_time now;
	bool started[OWN_SSRCS];
	uint16_t last_seq[OWN_SSRCS];
};

static const struct media_payload opus = { 111, 111, RTP_PT_NONE, RTP_PT_NONE, 48000, MEDIA_FB_TRANSPORT_CC };
static const struct media_payload vp8 = { 96, 96, 97, 97, 90000, MEDIA_FB_NACK | MEDIA_FB_PLI | MEDIA_FB_FIR };

static bool configure(struct run *r, uint8_t flags)
{
	struct media_payload video = vp8;
	const struct media_remote_ssrc remote = { 502, 503 };
	struct media_section_config c[2] = {
		{ .mid = "0", .kind = MEDIA_AUDIO, .payloads = &opus, .payload_count = 1, .ssrc = 1, .cname = "c" },
		{ .mid = "1", .kind = MEDIA_VIDEO, .payloads = &video, .payload_count = 1, .ssrc = 2, .cname = "c" },
	};

	video.fb |= flags & 1 ? MEDIA_FB_TRANSPORT_CC : MEDIA_FB_REMB;
	if (flags & 2) {
		c[1].remote_ssrcs = &remote;
		c[1].remote_ssrc_count = 1;
	}
	c[1].rtx_ssrc = flags & 4 ? 3 : 0;
	for (int i = 0; i < 2; i++) {
		c[i].receive = c[i].send = true;
		c[i].in_order = flags & 8;
		c[i].rtcp_rsize = flags & 16;
		c[i].extmap_allow_mixed = flags & 32;
		c[i].rtcp_xr_rrtr = flags & 64;
		c[i].recv_ext.id[RTP_EXT_MID] = c[i].send_ext.id[RTP_EXT_MID] = 4;
		if (flags & 1 || i == 0)
			c[i].recv_ext.id[RTP_EXT_TRANSPORT_CC] = c[i].send_ext.id[RTP_EXT_TRANSPORT_CC] = 3;
		c[i].recv_ext.id[RTP_EXT_ABS_SEND_TIME] = c[i].send_ext.id[RTP_EXT_ABS_SEND_TIME] = 2;
		c[i].recv_ext.id[RTP_EXT_DEPENDENCY_DESCRIPTOR] = c[i].send_ext.id[RTP_EXT_DEPENDENCY_DESCRIPTOR] = 13;
	}
	return media_engine_configure(r->e, r->now, c, 2) == WLK_OK;
}

static void check_transmit(struct run *r, const struct media_transmit *tx)
{
	size_t own = tx->ssrc - 1;

	CHECK(tx->buf->size >= 8 && tx->buf->size <= PKTBUF_PAYLOAD);
	CHECK(pktbuf_headroom(tx->buf) >= PKTBUF_HEADROOM && pktbuf_tailroom(tx->buf) >= PKTBUF_TAILROOM);
	if (tx->kind != MEDIA_TRANSMIT_RTP)
		return;
	CHECK(own < OWN_SSRCS);
	CHECK(!r->started[own] || (int16_t)(tx->seq - r->last_seq[own]) > 0);
	r->started[own] = true;
	r->last_seq[own] = tx->seq;
}

static void drain(struct run *r)
{
	struct media_packet packet;
	struct media_transmit tx;
	struct media_event event;
	size_t count = 0;

	media_engine_handle_timeout(r->e, r->now);
	while (media_engine_poll_packet(r->e, &packet)) {
		CHECK(packet.section < 2 && packet.rtp.payload.size > 0);
		(void)media_engine_forward(r->e, r->now, &packet, packet.section, 0);
		pktbuf_release(packet.buf);
		CHECK(++count < DRAIN_MAX);
	}
	while (media_engine_poll_event(r->e, &event)) {
		if (event.type == MEDIA_EVENT_KEY_FRAME_REQUEST)
			(void)media_engine_request_key_frame(r->e, r->now, event.section);
		CHECK(++count < DRAIN_MAX);
	}
	while (media_engine_poll_transmit(r->e, r->now, &tx)) {
		check_transmit(r, &tx);
		media_engine_on_protected(r->e, &tx);
		pktbuf_release(tx.buf);
		CHECK(++count < DRAIN_MAX);
	}
	CHECK(media_engine_deadline(r->e) > r->now);
	CHECK(alloc_live_blocks() < BLOCKS_MAX);
}

/* One command: an opcode, a length, and that many bytes. */
static void command(struct run *r, uint8_t op, wlk_bytes bytes)
{
	struct rtp_send send = { .pt = op & 0x10 ? 96 : 111, .seq = MEDIA_SEQ_NEXT, .payload = bytes };
	struct pktbuf *buf;

	switch (op & 7) {
	case 0:
	case 1:
		buf = pktbuf_copy(NULL, bytes.data, bytes.size);
		if (buf)
			media_engine_input_rtp(r->e, r->now, buf);
		break;
	case 2:
		media_engine_input_rtcp(r->e, r->now, bytes.data, bytes.size);
		break;
	case 3:
		r->now += (wlk_time)bytes.size * 1000;
		break;
	case 4:
		(void)media_engine_send_rtp(r->e, r->now, op & 0x10 ? 1 : 0, &send);
		break;
	case 5:
		if (media_engine_deadline(r->e) != WLK_TIME_NEVER)
			r->now = media_engine_deadline(r->e);
		break;
	case 6:
		media_engine_set_pacing_rate(r->e, r->now, (uint64_t)bytes.size * 10000);
		break;
	default:
		(void)configure(r, bytes.size ? bytes.data[0] : op);
	}
	/* Sometimes several commands come between two drains. */
	if (!(op & 0x80))
		drain(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct media_engine_config config = { .unix_us_at_zero = 1700000000000000 };
	struct bytes_reader in = bytes_reader(data, size);
	size_t before = alloc_live_blocks();
	struct run r = { 0 };
	uint8_t flags = bytes_u8(&in);

	rand_use_seed(flags);
	if (media_engine_create(&r.e, &config) != WLK_OK)
		return 0;
	CHECK(configure(&r, flags));
	while (in.left) {
		uint8_t op = bytes_u8(&in);
		size_t length = bytes_u8(&in);

		command(&r, op, bytes_slice(&in, MIN(length, in.left)));
	}
	drain(&r);
	media_engine_close(r.e, r.now);
	drain(&r);
	media_engine_destroy(r.e);
	CHECK(alloc_live_blocks() == before);
	return 0;
}
