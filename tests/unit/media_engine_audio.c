/* The media engine: sound as RED, telephone events. */
#include "media_support.h"

#include "media/rtp/dtmf.h"
#include "media/rtp/red.h"

static const struct media_payload red_first[] = {
	{ 63, 63, RTP_PT_NONE, RTP_PT_NONE, 48000, 0, RTP_CODEC_RED },
	{ 111, 111, RTP_PT_NONE, RTP_PT_NONE, 48000, 0, RTP_CODEC_OPUS },
	{ 0, 0, RTP_PT_NONE, RTP_PT_NONE, 8000, 0, RTP_CODEC_PCMU },
	{ 126, 126, RTP_PT_NONE, RTP_PT_NONE, 8000, 0, RTP_CODEC_DTMF },
};

static struct media_engine *engine_with(const struct media_payload *payloads, size_t count, bool frames)
{
	struct media_section_config section = audio_config(1000);
	struct media_engine *e = new_engine();

	section.payloads = payloads;
	section.payload_count = count;
	section.frames = frames;
	assert_int_equal(media_engine_configure(e, 0, &section, 1), WLK_OK);
	return e;
}

/* Sends one frame of |size| bytes; the payload that goes out, and its type. */
static struct media_transmit send_frame(struct media_engine *e, wlk_time now, uint8_t pt, uint32_t timestamp, uint8_t mark, struct rtp_packet *out)
{
	static uint8_t data[80];
	struct media_send_frame frame = { .pt = pt, .timestamp = timestamp, .data = { data, sizeof(data) }, .temporal = -1, .spatial = -1 };
	struct media_transmit tx;

	memset(data, mark, sizeof(data));
	data[0] = 0x78; /* Opus: one frame of 20 ms */
	assert_int_equal(media_engine_send_frame(e, now, AUDIO, &frame), WLK_OK);
	tx = next_rtp(e, now);
	assert_int_equal(rtp_parse(out, tx.buf->data, tx.buf->size), WLK_OK);
	return tx;
}

static void test_sound_goes_out_as_red_where_that_comes_first(void **state)
{
	struct media_engine *e = engine_with(red_first, 4, true);
	struct red_block blocks[RED_BLOCKS_MAX];
	struct media_transmit tx;
	struct rtp_packet p;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		tx = send_frame(e, i * 20 * MS, 111, i * 960, (uint8_t)(i + 1), &p);
		assert_int_equal(p.pt, 63);
		assert_int_equal(red_parse(blocks, p.payload.data, p.payload.size), i ? 2 : 1);
		assert_int_equal(blocks[i ? 1 : 0].data.data[1], i + 1);
		if (i) {
			assert_int_equal(blocks[0].offset, 960);
			assert_int_equal(blocks[0].pt, 111);
			assert_int_equal(blocks[0].data.data[1], i);
		}
		pktbuf_release(tx.buf);
	}
	/* Another clock has no RED. */
	tx = send_frame(e, SECOND, 0, 8000, 9, &p);
	assert_int_equal(p.pt, 0);
	assert_int_equal(p.payload.size, 80);
	pktbuf_release(tx.buf);
	media_engine_destroy(e);
	/* Behind the codec it is for those who ask for it. */
	e = engine_with((const struct media_payload[]){ red_first[1], red_first[0] }, 2, true);
	tx = send_frame(e, 0, 111, 0, 1, &p);
	assert_int_equal(p.pt, 111);
	pktbuf_release(tx.buf);
	media_engine_destroy(e);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_without_memory_sound_goes_out_once(void **state)
{
	(void)state;
	for (size_t n = 1; n < 12; n++) {
		struct media_engine *e = engine_with(red_first, 4, true);
		uint8_t data[10] = { 0x78 };
		struct media_send_frame frame = { .pt = 111, .data = { data, sizeof(data) }, .temporal = -1, .spatial = -1 };
		wlk_err err;

		alloc_fail_after(n);
		err = media_engine_send_frame(e, 0, AUDIO, &frame);
		alloc_fail_after(0);
		assert_true(err == WLK_OK || err == WLK_ERR_NOMEM);
		frame.timestamp = 960;
		assert_int_equal(media_engine_send_frame(e, 0, AUDIO, &frame), WLK_OK);
		media_engine_destroy(e);
		assert_int_equal(alloc_live_blocks(), 0);
	}
}

static void input_tone(struct media_engine *e, wlk_time now, uint32_t ssrc, uint16_t seq, uint32_t timestamp, const struct dtmf_event *event)
{
	uint8_t payload[DTMF_PAYLOAD_SIZE];
	struct bytes_writer w = bytes_writer(payload, sizeof(payload));
	struct rtp_packet p = { .pt = 126, .ssrc = ssrc, .seq = seq, .timestamp = timestamp, .payload = { payload, sizeof(payload) } };

	dtmf_write(&w, event);
	media_engine_input_rtp(e, now, rtp_buf(&p));
}

static bool next_dtmf(struct media_engine *e, struct media_event *out)
{
	while (media_engine_poll_event(e, out))
		if (out->type == MEDIA_EVENT_DTMF)
			return true;
	return false;
}

static void test_telephone_events_are_told(void **state)
{
	struct media_engine *e = engine_with(red_first, 4, true);
	struct media_event ev;

	(void)state;
	input_tone(e, 0, 77, 10, 5000, &(struct dtmf_event){ .event = 5, .volume = 7, .duration = 160 });
	assert_true(next_dtmf(e, &ev));
	assert_int_equal(ev.dtmf.phase, DTMF_BEGIN);
	assert_int_equal(ev.section, AUDIO);
	assert_int_equal(ev.ssrc, 77);
	assert_int_equal(ev.dtmf.event, 5);
	assert_int_equal(ev.dtmf.volume, 7);
	assert_true(next_dtmf(e, &ev));
	assert_int_equal(ev.dtmf.phase, DTMF_UPDATE);
	assert_int_equal(ev.dtmf.duration, 20 * MS);
	assert_false(next_dtmf(e, &ev));
	/* Nothing more comes: the deadline ends it. */
	drain_transmit(e, 0);
	assert_true(media_engine_deadline(e) <= DTMF_LOST_US);
	media_engine_handle_timeout(e, DTMF_LOST_US);
	assert_true(next_dtmf(e, &ev));
	assert_int_equal(ev.dtmf.phase, DTMF_END);
	/* Another sender, with a clock far behind, and an end at once. */
	input_tone(e, SECOND, 78, 10, 100, &(struct dtmf_event){ .event = 9, .end = true, .duration = 800 });
	assert_true(next_dtmf(e, &ev));
	assert_int_equal(ev.ssrc, 78);
	assert_true(next_dtmf(e, &ev));
	assert_int_equal(ev.dtmf.phase, DTMF_END);
	assert_int_equal(ev.dtmf.duration, 100 * MS);
	/* The packets come out as ever. */
	assert_int_equal(drain_packets(e), 2);
	media_engine_destroy(e);
}

/* RFC 4733 2.6: the end of the event before, for those who missed it, and the next one. */
static void test_telephone_events_inside_of_RED_are_told(void **state)
{
	static const struct media_payload payloads[] = {
		{ 63, 63, RTP_PT_NONE, RTP_PT_NONE, 8000, 0, RTP_CODEC_RED },
		{ 0, 0, RTP_PT_NONE, RTP_PT_NONE, 8000, 0, RTP_CODEC_PCMU },
		{ 126, 126, RTP_PT_NONE, RTP_PT_NONE, 8000, 0, RTP_CODEC_DTMF },
	};
	struct media_engine *e = engine_with(payloads, 3, true);
	uint8_t first[DTMF_PAYLOAD_SIZE], second[DTMF_PAYLOAD_SIZE], payload[64];
	struct bytes_writer a = bytes_writer(first, sizeof(first)), b = bytes_writer(second, sizeof(second)), w = bytes_writer(payload, sizeof(payload));
	struct rtp_packet p = { .pt = 63, .ssrc = 77, .seq = 10, .timestamp = 8000 };
	struct red_block blocks[] = { { 126, 1600, { first, sizeof(first) } }, { 126, 0, { second, sizeof(second) } } };
	static const uint8_t events[] = { 1, 1, 2, 2 };
	static const enum dtmf_phase phases[] = { DTMF_BEGIN, DTMF_END, DTMF_BEGIN, DTMF_UPDATE };
	struct media_event ev;

	(void)state;
	dtmf_write(&a, &(struct dtmf_event){ .event = 1, .end = true, .volume = 7, .duration = 800 });
	dtmf_write(&b, &(struct dtmf_event){ .event = 2, .volume = 7, .duration = 160 });
	red_write(&w, blocks, 2);
	p.payload = (wlk_bytes){ payload, w.size };
	for (int twice = 0; twice < 2; twice++, p.seq++) { /* the same packet once more tells nothing new */
		media_engine_input_rtp(e, 0, rtp_buf(&p));
		for (size_t i = 0; i < 4 && !twice; i++) {
			assert_true(next_dtmf(e, &ev));
			assert_int_equal(ev.dtmf.event, events[i]);
			assert_int_equal(ev.dtmf.phase, phases[i]);
		}
		assert_false(next_dtmf(e, &ev));
	}
	media_engine_destroy(e);
}

static bool next_event(struct media_engine *e, enum media_event_type type, struct media_event *out)
{
	while (media_engine_poll_event(e, out))
		if (out->type == type)
			return true;
	return false;
}

static void test_packets_that_come_and_stay_out_are_told(void **state)
{
	struct media_engine *e = engine_with(red_first, 4, true);
	struct media_event ev;
	uint8_t bye[64];
	struct bytes_writer w = bytes_writer(bye, sizeof(bye));
	const uint32_t gone = 77;

	(void)state;
	assert_false(next_event(e, MEDIA_EVENT_FLOW, &ev));
	media_engine_input_rtp(e, 0, simple_rtp(0, 77, 1, 0, "x"));
	assert_true(next_event(e, MEDIA_EVENT_FLOW, &ev));
	assert_true(ev.is_flowing && ev.section == AUDIO);
	media_engine_handle_timeout(e, 5 * SECOND);
	assert_true(next_event(e, MEDIA_EVENT_FLOW, &ev));
	assert_false(ev.is_flowing);
	media_engine_input_rtp(e, 6 * SECOND, simple_rtp(0, 77, 2, 160, "x"));
	assert_true(next_event(e, MEDIA_EVENT_FLOW, &ev));
	assert_true(ev.is_flowing);
	rtcp_write_bye(&w, &gone, 1, NULL, 0);
	media_engine_input_rtcp(e, 7 * SECOND, bye, w.size);
	assert_true(next_event(e, MEDIA_EVENT_FLOW, &ev));
	assert_false(ev.is_flowing);
	media_engine_destroy(e);
}

static void test_speech_is_told_both_ways(void **state)
{
	static const uint8_t loud[] = { 0x10, 0x80 | 20, 0, 0 }; /* id 1 */
	static uint8_t sound[160];
	struct media_engine *e = engine_with(red_first, 4, true);
	struct media_send_frame frame = { .pt = 0, .data = { sound, sizeof(sound) }, .temporal = -1, .spatial = -1,
					  .has_audio_level = true, .audio_level = { .voice = true, .level = 25 } };
	struct media_event ev;

	(void)state;
	for (uint16_t i = 0; i < 10; i++) {
		struct rtp_packet p = { .pt = 0, .ssrc = 77, .seq = i, .timestamp = i * 160u, .has_ext = true, .ext_profile = 0xbede,
					.ext = { loud, sizeof(loud) }, .payload = { sound, sizeof(sound) } };

		media_engine_input_rtp(e, i * 20 * MS, rtp_buf(&p));
	}
	assert_true(next_event(e, MEDIA_EVENT_SPEAKING, &ev));
	assert_true(ev.speaking.is_speaking && !ev.speaking.is_own);
	assert_int_equal(ev.speaking.level, 20);
	for (uint32_t i = 0; i < 10; i++) {
		frame.timestamp = i * 160;
		assert_int_equal(media_engine_send_frame(e, i * 20 * MS, AUDIO, &frame), WLK_OK);
		drain_transmit(e, i * 20 * MS);
	}
	assert_true(next_event(e, MEDIA_EVENT_SPEAKING, &ev));
	assert_true(ev.speaking.is_speaking && ev.speaking.is_own);
	assert_int_equal(ev.speaking.level, 25);
	media_engine_handle_timeout(e, 180 * MS + SECOND);
	assert_true(next_event(e, MEDIA_EVENT_SPEAKING, &ev));
	assert_false(ev.speaking.is_speaking);
	assert_true(next_event(e, MEDIA_EVENT_SPEAKING, &ev));
	assert_false(ev.speaking.is_speaking);
	media_engine_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound_goes_out_as_red_where_that_comes_first),
		cmocka_unit_test(test_without_memory_sound_goes_out_once),
		cmocka_unit_test(test_telephone_events_are_told),
		cmocka_unit_test(test_telephone_events_inside_of_RED_are_told),
		cmocka_unit_test(test_packets_that_come_and_stay_out_are_told),
		cmocka_unit_test(test_speech_is_told_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
