/* Data beside media: what may leave, how the estimate sees it, and when nothing is held back. */
#include "media/engine_internal.h"
#include "media_support.h"

enum { RATE = 2000000, DELAY = 25 * 1000, FLYING = 4096, SCTP_PACKET = 1150, BELOW = 65 };

struct flight {
	wlk_time at;
	struct pktbuf *buf;
};

/* Audio and video from |a| to |b| over a path of RATE that data shares; what goes back has a free way. */
struct world {
	struct media_engine *a, *b;
	wlk_time now, free_at;
	uint64_t rate; /* of the path */
	struct flight flying[FLYING];
	size_t first, count;
	uint64_t video_bps, audio_bps;
	uint64_t frames;
	bool media, data; /* there is some */
	uint64_t data_bytes, video_bytes;
	size_t audio_size; /* of a packet's payload, whatever share audio has */
	wlk_time longest_wait;
};

static void world_init(struct world *w)
{
	*w = (struct world){ .now = SECOND, .rate = RATE, .media = true, .audio_size = 80 };
	w->a = new_av_engine(1000);
	w->b = new_av_engine(2000);
	media_engine_set_can_send(w->a);
}

/* The same two sections, with feedback as of RFC 8888 and no transport-wide numbers. */
static struct media_engine *new_ccfb_engine(uint32_t base)
{
	static struct media_payload payloads[2];
	struct media_section_config sections[] = { audio_config(base + 1), video_config(base + 2, base + 3) };
	struct media_engine *e = new_engine();

	payloads[AUDIO] = opus_payload;
	payloads[VIDEO] = vp8_payload;
	for (size_t i = 0; i < 2; i++) {
		payloads[i].fb = (payloads[i].fb & ~(uint32_t)MEDIA_FB_TRANSPORT_CC) | MEDIA_FB_CCFB;
		sections[i].payloads = &payloads[i];
		sections[i].send_ext.id[RTP_EXT_TRANSPORT_CC] = sections[i].recv_ext.id[RTP_EXT_TRANSPORT_CC] = 0;
	}
	assert_int_equal(media_engine_configure(e, 0, sections, 2), WLK_OK);
	return e;
}

static struct media_engine *new_pcmu_engine(uint32_t base)
{
	struct media_section_config sections[] = { audio_config(base + 1), video_config(base + 2, base + 3) };
	struct media_payload pcmu = opus_payload;
	struct media_engine *e = new_engine();

	pcmu.codec = RTP_CODEC_PCMU;
	sections[AUDIO].payloads = &pcmu;
	assert_int_equal(media_engine_configure(e, 0, sections, 2), WLK_OK);
	return e;
}

static void world_free(struct world *w)
{
	for (; w->count; w->count--, w->first = (w->first + 1) % FLYING)
		pktbuf_release(w->flying[w->first].buf);
	media_engine_destroy(w->a);
	media_engine_destroy(w->b);
}

static void on_path(struct world *w, size_t size)
{
	w->free_at = MAX(w->free_at, w->now) + (wlk_time)(size * 8 * 1000000 / w->rate);
	w->longest_wait = MAX(w->longest_wait, w->free_at - w->now);
}

static void send_media(struct world *w)
{
	static uint8_t payload[1100];
	struct rtp_send p = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { payload, sizeof(payload) } };
	uint64_t bytes = w->video_bps / 8 / 25;

	if (!w->media)
		return;
	if (w->now % (20 * MS) == 0) {
		p.pt = 111;
		p.payload.size = w->audio_size;
		p.timestamp = (uint32_t)(w->now / 1000 * 48);
		assert_int_equal(media_engine_send_rtp(w->a, w->now, AUDIO, &p), WLK_OK);
	}
	p.pt = 96;
	p.timestamp = (uint32_t)(w->now / 1000 * 90);
	for (p.payload.size = sizeof(payload); w->now % (40 * MS) == 0 && bytes > 100; bytes -= p.payload.size) {
		p.payload.size = MIN(bytes, sizeof(payload));
		(void)!media_engine_send_rtp(w->a, w->now, VIDEO, &p);
	}
}

static void poll_data(struct world *w)
{
	while (media_engine_data_may_leave(w->a, w->now)) {
		if (!w->data || w->free_at - w->now > 200 * MS) { /* as much as a window would let out */
			media_engine_on_data(w->a, w->now, 0);
			return;
		}
		media_engine_on_data(w->a, w->now, SCTP_PACKET);
		on_path(w, SCTP_PACKET + BELOW);
		w->data_bytes += SCTP_PACKET;
	}
}

static void poll_media(struct world *w)
{
	struct media_transmit tx;
	struct media_event ev;

	while (media_engine_poll_event(w->a, &ev))
		if (ev.type == MEDIA_EVENT_TARGET_BITRATE)
			*(ev.section == VIDEO ? &w->video_bps : &w->audio_bps) = ev.target_bps;
	while (media_engine_poll_transmit(w->a, w->now, &tx)) {
		media_engine_on_protected(w->a, &tx);
		if (tx.kind == MEDIA_TRANSMIT_RTCP) {
			pktbuf_release(tx.buf);
			continue;
		}
		on_path(w, tx.buf->size + 44);
		w->video_bytes += (tx.buf->data[1] & 0x7f) == 96 ? tx.buf->size : 0;
		assert_true(w->count < FLYING);
		w->flying[(w->first + w->count++) % FLYING] = (struct flight){ w->free_at + DELAY, tx.buf };
	}
}

static void receive(struct world *w)
{
	struct media_transmit tx;

	for (; w->count && w->flying[w->first].at <= w->now; w->count--, w->first = (w->first + 1) % FLYING)
		input(w->b, w->now, w->flying[w->first].buf);
	media_engine_handle_timeout(w->b, w->now);
	drain_packets(w->b);
	drain_events(w->b);
	while (media_engine_poll_transmit(w->b, w->now, &tx)) {
		if (tx.kind == MEDIA_TRANSMIT_RTCP)
			media_engine_input_rtcp(w->a, w->now, tx.buf->data, tx.buf->size);
		pktbuf_release(tx.buf);
	}
}

static void run(struct world *w, int seconds)
{
	for (wlk_time end = w->now + seconds * SECOND; w->now < end; w->now += MS) {
		media_engine_handle_timeout(w->a, w->now);
		send_media(w);
		poll_media(w);
		poll_data(w);
		receive(w);
		poll_media(w);
		poll_data(w);
		assert_true(media_engine_deadline(w->a) > w->now);
	}
}

static void test_data_has_a_share_beside_media(void **state)
{
	static struct world w;
	uint64_t alone;

	(void)state;
	world_init(&w);
	run(&w, 15);
	alone = w.video_bps;
	assert_true(alone > 1200000);
	w.data = true;
	w.data_bytes = 0;
	run(&w, 5);
	w.data_bytes = 0;
	w.longest_wait = 0;
	run(&w, 30);
	assert_in_range(w.data_bytes * 8 / 30, RATE / 5, RATE / 2);
	assert_in_range(w.video_bps, RATE * 3 / 10, alone - RATE / 5);
	assert_true(w.longest_wait < 150 * MS);
	assert_in_range(media_engine_available_bps(w.a), RATE * 7 / 10, RATE * 11 / 10); /* of all that is sent, data counted */
	assert_in_range(media_engine_data_window(w.a), 4 * 1150, 40000);
	w.data = false;
	run(&w, 10);
	assert_true(w.video_bps > 1100000); /* it is media's again */
	world_free(&w);
}

static void test_what_media_does_not_use_is_for_data(void **state)
{
	const struct media_layer_limits small = { .max_bps = 200000 };
	static struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(media_engine_set_layer_limits(w.a, w.now, VIDEO, 0, &small), WLK_OK);
	w.data = true;
	run(&w, 25);
	w.data_bytes = 0;
	run(&w, 20);
	assert_true(w.data_bytes * 8 / 20 > RATE / 2);
	assert_in_range(w.video_bps, 150000, 200000);
	world_free(&w);
}

static void test_without_media_nothing_is_held_back(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w);
	w.media = false;
	for (int i = 0; i < 500; i++) {
		assert_true(media_engine_data_may_leave(w.a, w.now));
		media_engine_on_data(w.a, w.now, SCTP_PACKET);
	}
	assert_int_equal(media_engine_data_window(w.a), 0);
	w.media = true;
	run(&w, 3);
	assert_true(media_engine_data_window(w.a) > 0);
	w.media = false;
	run(&w, 2); /* the camera is off */
	assert_true(media_engine_data_may_leave(w.a, w.now));
	assert_int_equal(media_engine_data_window(w.a), 0);
	media_engine_close(w.a, w.now);
	assert_true(media_engine_data_may_leave(w.a, w.now)); /* goodbyes pass */
	world_free(&w);
}

static void test_RFC8888_feedback_steers_as_well(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w);
	media_engine_destroy(w.a);
	media_engine_destroy(w.b);
	w.a = new_ccfb_engine(1000);
	w.b = new_ccfb_engine(2000);
	media_engine_set_can_send(w.a);
	run(&w, 15);
	assert_in_range(media_engine_available_bps(w.a), RATE * 6 / 10, RATE * 11 / 10);
	assert_true(w.video_bps > 1000000);
	w.longest_wait = 0;
	run(&w, 20);
	assert_true(w.longest_wait < 150 * MS);
	assert_in_range(stats_of(w.a).ccfb_received, 300, 900);
	assert_int_equal(stats_of(w.b).twcc_sent, 0);
	assert_int_equal(stats_of(w.b).remb_sent, 0);
	world_free(&w);
}

/* Which of a packet and its repetitions was reported nobody knows: the first is least wrong, for it never seems to come before it left. */
static void test_RFC8888_a_repetition_keeps_the_time_of_the_first(void **state)
{
	struct media_engine *e = new_ccfb_engine(1000);
	uint8_t data[1200] = { 0x80, 96, 0, 7 };
	struct pktbuf *buf = pktbuf_copy(NULL, data, sizeof(data));
	struct pacer_item item = { .buf = buf };
	uint16_t next;

	(void)state;
	engine_cc_on_sent(e, SECOND, &item);
	next = sent_history_next(&e->gcc.sent);
	item.is_protected = true;
	engine_cc_on_sent(e, SECOND + 100 * MS, &item);
	assert_int_equal(sent_history_next(&e->gcc.sent), next);
	pktbuf_release(buf);
	media_engine_destroy(e);
}

static void test_reports_steer_where_nothing_better_was_agreed(void **state)
{
	struct media_payload payload = vp8_payload;
	struct media_section_config c = video_config(1002, 1003);
	struct media_engine *e = new_engine();
	struct rtcp_report_block block = { .ssrc = 1002 };
	uint64_t told = 0, before = 0;
	struct media_event ev;

	(void)state;
	payload.fb = MEDIA_FB_NACK | MEDIA_FB_PLI;
	c.payloads = &payload;
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_OK);
	media_engine_set_can_send(e);
	for (int i = 1; i <= 30; i++) {
		static uint8_t bytes[1000];
		struct rtp_send p = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { bytes, sizeof(bytes) } };
		uint8_t data[64];
		struct bytes_writer w = bytes_writer(data, sizeof(data));
		wlk_time now = i * SECOND;

		while (media_engine_poll_event(e, &ev))
			told = ev.type == MEDIA_EVENT_TARGET_BITRATE ? ev.target_bps : told;
		if (i == 20)
			before = told;
		for (wlk_time at = now - SECOND; at < now; at += (wlk_time)(8000 * 1000000ull / told)) {
			assert_int_equal(media_engine_send_rtp(e, at, 0, &p), WLK_OK);
			drain_transmit(e, at);
			block.highest_seq++;
		}
		media_engine_handle_timeout(e, now);
		drain_transmit(e, now);
		block.fraction_lost = i < 20 ? 0 : 77; /* 30 % */
		rtcp_write_rr(&w, 9, &block, 1);
		media_engine_input_rtcp(e, now, data, w.size);
	}
	assert_true(before > 1500000);
	assert_in_range(told, 10000, before / 2);
	assert_true(media_engine_available_bps(e) > 0);
	media_engine_destroy(e);
}

/* G.711 has one rate, 82 kbit/s with all headers: nothing that an estimate of a narrow path could take back. */
static void test_audio_of_a_fixed_rate_leaves_video_its_least(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w);
	media_engine_destroy(w.a);
	w.a = new_pcmu_engine(1000);
	media_engine_set_can_send(w.a);
	w.audio_size = 160;
	w.rate = 120000;
	run(&w, 10);
	for (int i = 0; i < 10; i++) {
		w.video_bytes = 0;
		run(&w, 2);
		assert_in_range(w.audio_bps, 62000, 66000);
		assert_in_range(w.video_bps, 29000, 32000);
		assert_in_range(w.video_bytes * 8 / 2, 25000, 40000);
	}
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_has_a_share_beside_media),
		cmocka_unit_test(test_what_media_does_not_use_is_for_data),
		cmocka_unit_test(test_without_media_nothing_is_held_back),
		cmocka_unit_test(test_RFC8888_feedback_steers_as_well),
		cmocka_unit_test(test_RFC8888_a_repetition_keeps_the_time_of_the_first),
		cmocka_unit_test(test_reports_steer_where_nothing_better_was_agreed),
		cmocka_unit_test(test_audio_of_a_fixed_rate_leaves_video_its_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
