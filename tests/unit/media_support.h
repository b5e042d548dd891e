/* What the media engine tests share: ready sections, packets, and a link in virtual time between two engines. */
#ifndef TESTS_UNIT_MEDIA_SUPPORT_H
#define TESTS_UNIT_MEDIA_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/rand.h"
#include "core/time.h"
#include "media/engine.h"
#include "media/rtp/rtcp_fb.h"
#include "media/rtp/twcc.h"

#define MS           MILLISECOND
#define WALL_AT_ZERO INT64_C(1700000000000000)

enum { AUDIO = 0, VIDEO = 1 };
enum { REMOTE_AUDIO = 501, REMOTE_VIDEO = 502, REMOTE_RTX = 503 };

static const struct media_payload opus_payload = { 111, 111, RTP_PT_NONE, RTP_PT_NONE, 48000, MEDIA_FB_TRANSPORT_CC };
static const struct media_payload vp8_payload = {
	96, 96, 97, 97, 90000, MEDIA_FB_NACK | MEDIA_FB_PLI | MEDIA_FB_FIR | MEDIA_FB_TRANSPORT_CC
};

static inline struct rtp_ext_ids usual_ext_ids(void)
{
	struct rtp_ext_ids ids = { 0 };

	ids.id[RTP_EXT_MID] = 4;
	ids.id[RTP_EXT_TRANSPORT_CC] = 3;
	ids.id[RTP_EXT_ABS_SEND_TIME] = 2;
	return ids;
}

static inline struct media_section_config audio_config(uint32_t ssrc)
{
	struct media_section_config c = {
		.mid = "0",
		.kind = MEDIA_AUDIO,
		.receive = true,
		.send = true,
		.payloads = &opus_payload,
		.payload_count = 1,
		.recv_ext = usual_ext_ids(),
		.send_ext = usual_ext_ids(),
		.extmap_allow_mixed = true,
		.rtcp_rsize = true,
		.ssrc = ssrc,
		.cname = "wirelark",
		.in_order = true,
	};

	c.recv_ext.id[RTP_EXT_AUDIO_LEVEL] = c.send_ext.id[RTP_EXT_AUDIO_LEVEL] = 1;
	return c;
}

static inline struct media_section_config video_config(uint32_t ssrc, uint32_t rtx_ssrc)
{
	struct media_section_config c = {
		.mid = "1",
		.kind = MEDIA_VIDEO,
		.receive = true,
		.send = true,
		.payloads = &vp8_payload,
		.payload_count = 1,
		.recv_ext = usual_ext_ids(),
		.send_ext = usual_ext_ids(),
		.extmap_allow_mixed = true,
		.rtcp_rsize = true,
		.ssrc = ssrc,
		.rtx_ssrc = rtx_ssrc,
		.cname = "wirelark",
		.in_order = true,
	};

	c.recv_ext.id[RTP_EXT_VIDEO_ORIENTATION] = c.send_ext.id[RTP_EXT_VIDEO_ORIENTATION] = 13;
	c.recv_ext.id[RTP_EXT_PLAYOUT_DELAY] = 5;
	c.send_ext.id[RTP_EXT_PLAYOUT_DELAY] = 6;
	return c;
}

static inline struct media_engine *new_engine(void)
{
	struct media_engine_config config = { .unix_us_at_zero = WALL_AT_ZERO };
	struct media_engine *e = NULL;

	assert_int_equal(media_engine_create(&e, &config), WLK_OK);
	return e;
}

/* An engine with an audio section 0 and a video section 1; SSRCs are base+1, base+2 and base+3 (RTX). */
static inline struct media_engine *new_av_engine(uint32_t base)
{
	struct media_section_config sections[] = { audio_config(base + 1), video_config(base + 2, base + 3) };
	struct media_engine *e = new_engine();

	assert_int_equal(media_engine_configure(e, 0, sections, 2), WLK_OK);
	return e;
}

/* A received RTP packet. */
static inline struct pktbuf *rtp_buf(const struct rtp_packet *p)
{
	struct pktbuf *buf = pktbuf_alloc(NULL, PKTBUF_PAYLOAD);
	struct bytes_writer w;

	assert_non_null(buf);
	w = bytes_writer(buf->data, PKTBUF_PAYLOAD);
	rtp_write(&w, p);
	assert_true(bytes_writer_ok(&w));
	buf->size = w.size;
	return buf;
}

static inline struct pktbuf *simple_rtp(uint8_t pt, uint32_t ssrc, uint16_t seq, uint32_t timestamp,
					const char *payload)
{
	struct rtp_packet p = { .pt = pt, .ssrc = ssrc, .seq = seq, .timestamp = timestamp };

	p.payload = (wlk_bytes){ (const uint8_t *)payload, strlen(payload) };
	return rtp_buf(&p);
}

/* Take everything that waits to be sent and drop it; answers how many. */
static inline size_t drain_transmit(struct media_engine *e, wlk_time now)
{
	struct media_transmit tx;
	size_t count = 0;

	while (media_engine_poll_transmit(e, now, &tx)) {
		media_engine_on_protected(e, &tx);
		pktbuf_release(tx.buf);
		assert_true(++count < 20000);
	}
	return count;
}

static inline size_t drain_packets(struct media_engine *e)
{
	struct media_packet packet;
	size_t count = 0;

	while (media_engine_poll_packet(e, &packet)) {
		pktbuf_release(packet.buf);
		assert_true(++count < 20000);
	}
	return count;
}

static inline size_t drain_events(struct media_engine *e)
{
	struct media_event event;
	size_t count = 0;

	while (media_engine_poll_event(e, &event))
		assert_true(++count < 20000);
	return count;
}

/* A packet with mid and transport-cc extensions; |mid| or |twcc| may be absent (NULL, -1). */
static inline struct pktbuf *packet_with(uint8_t pt, uint32_t ssrc, uint16_t seq, const char *mid, int32_t twcc,
					 const char *payload)
{
	struct rtp_packet p = { .pt = pt, .ssrc = ssrc, .seq = seq, .timestamp = (uint32_t)seq * 3000 };
	struct rtp_ext items[2];
	size_t count = 0;
	uint8_t block[32], seq_bytes[2];
	struct bytes_writer w = bytes_writer(block, sizeof(block));

	store_u16(seq_bytes, (uint16_t)twcc);
	if (mid)
		items[count++] = (struct rtp_ext){ 4, { (const uint8_t *)mid, strlen(mid) } };
	if (twcc >= 0)
		items[count++] = (struct rtp_ext){ 3, { seq_bytes, 2 } };
	if (rtp_ext_write(&w, items, count, true, NULL)) {
		p.has_ext = true;
		p.ext_profile = load_u16(block);
		p.ext = (wlk_bytes){ block + 4, w.size - 4 };
	}
	p.payload = (wlk_bytes){ (const uint8_t *)payload, strlen(payload) };
	return rtp_buf(&p);
}

static inline void input(struct media_engine *e, wlk_time now, struct pktbuf *buf)
{
	media_engine_input_rtp(e, now, buf);
}

static inline struct media_engine_stats stats_of(const struct media_engine *e)
{
	struct media_engine_stats stats;

	media_engine_stats(e, &stats);
	return stats;
}

/* The next packet for the application, released again; answers its section or -1. */
static inline int next_section(struct media_engine *e)
{
	struct media_packet packet;

	if (!media_engine_poll_packet(e, &packet))
		return -1;
	pktbuf_release(packet.buf);
	return (int)packet.section;
}

static inline void send_audio(struct media_engine *e, wlk_time now, uint16_t *seq_out, uint32_t *ssrc_out)
{
	struct rtp_send send = { .pt = 111, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"x", 1 } };
	struct media_transmit tx;

	assert_int_equal(media_engine_send_rtp(e, now, AUDIO, &send), WLK_OK);
	do
		assert_true(media_engine_poll_transmit(e, now, &tx));
	while (tx.kind == MEDIA_TRANSMIT_RTCP && (pktbuf_release(tx.buf), true));
	*seq_out = tx.seq;
	*ssrc_out = tx.ssrc;
	pktbuf_release(tx.buf);
}

static inline struct media_transmit next_rtp(struct media_engine *e, wlk_time now)
{
	struct media_transmit tx;

	while (media_engine_poll_transmit(e, now, &tx)) {
		if (tx.kind != MEDIA_TRANSMIT_RTCP)
			return tx;
		pktbuf_release(tx.buf);
	}
	fail();
	return tx;
}

#endif
