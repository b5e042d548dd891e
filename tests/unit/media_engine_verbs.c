/* The media engine: the property test of the five verbs, and the sweep of failing allocations. */
#include "media_support.h"

static struct pktbuf *random_packet(struct rand_jitter *r)
{
	static const uint8_t pts[] = { 96, 97, 111, 100 };
	uint32_t ssrc = 500 + rand_jitter_below(r, 6);
	const char *mid = rand_jitter_below(r, 4) ? NULL : rand_jitter_below(r, 2) ? "0" : "1";
	char payload[40];
	size_t size = rand_jitter_below(r, sizeof(payload));

	memset(payload, 'p', sizeof(payload));
	payload[size] = 0;
	return packet_with(pts[rand_jitter_below(r, 4)], ssrc,
			   (uint16_t)(rand_jitter_below(r, 65536) >> rand_jitter_below(r, 16)), mid,
			   (int32_t)rand_jitter_below(r, 65536) - 1, payload);
}

static void random_step(struct media_engine *e, struct rand_jitter *r, wlk_time now)
{
	struct rtp_send send = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"payload", 7 } };
	uint8_t junk[200];
	struct pktbuf *buf;

	switch (rand_jitter_below(r, 6)) {
	case 0:
		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = (uint8_t)rand_jitter_below(r, 256);
		junk[0] = (uint8_t)(0x80 | (junk[0] & 0x3f));
		junk[1] = (uint8_t)(200 + junk[1] % 8);
		store_u16(junk + 2, (uint16_t)rand_jitter_below(r, 50));
		store_u32(junk + 8, 1001 + rand_jitter_below(r, 3));
		media_engine_input_rtcp(e, now, junk, 4 + rand_jitter_below(r, 196));
		break;
	case 1:
		buf = random_packet(r);
		buf->data[rand_jitter_below(r, (uint32_t)buf->size)] ^= (uint8_t)rand_jitter_below(r, 256);
		media_engine_input_rtp(e, now, buf);
		break;
	case 2:
		(void)media_engine_send_rtp(e, now, VIDEO, &send);
		break;
	case 3:
		(void)media_engine_request_key_frame(e, now, VIDEO);
		break;
	default:
		media_engine_input_rtp(e, now, random_packet(r));
	}
}

static void test_property_after_a_timeout_and_a_drain_the_deadline_lies_ahead(void **state)
{
	size_t before = alloc_live_blocks();

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct rand_jitter r = { seed };
		struct media_engine *e = new_av_engine(1000);
		wlk_time now = 0;

		for (int i = 0; i < 400; i++) {
			wlk_time deadline;

			random_step(e, &r, now);
			media_engine_handle_timeout(e, now);
			drain_packets(e);
			drain_events(e);
			drain_transmit(e, now);
			deadline = media_engine_deadline(e);
			assert_true(deadline > now);
			/* nothing changes without time, input or a call */
			assert_int_equal(drain_transmit(e, now) + drain_packets(e) + drain_events(e), 0);
			assert_int_equal(media_engine_deadline(e), deadline);
			now = rand_jitter_below(&r, 3) || deadline == WLK_TIME_NEVER
				      ? now + rand_jitter_below(&r, 20000)
				      : deadline;
		}
		media_engine_destroy(e);
	}
	assert_int_equal(alloc_live_blocks(), before);
}

/* The first packet asks for probes. When its section sends no more, nobody waits for the rest of them. */
static void test_property_a_probe_ends_with_what_it_is_made_of(void **state)
{
	struct media_section_config c[] = { audio_config(1001), video_config(1002, 1003) };
	struct rtp_send send = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"payload", 7 } };
	struct media_engine *e = new_av_engine(1000);
	wlk_time now = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		c[AUDIO].send = c[VIDEO].send = i % 3 != 2;
		assert_int_equal(media_engine_configure(e, now, c, 2), WLK_OK);
		(void)media_engine_send_rtp(e, now, VIDEO, &send);
		media_engine_handle_timeout(e, now);
		drain_events(e);
		drain_transmit(e, now);
		assert_true(media_engine_deadline(e) > now);
		now += 1000 * (1 + i % 7);
	}
	media_engine_destroy(e);
}

/* A little of everything, for the sweep: whatever fails, nothing crashes or leaks. */
static void exercise(void)
{
	struct media_section_config c[] = { audio_config(1001), video_config(1002, 1003) };
	struct media_engine_config config = { .unix_us_at_zero = WALL_AT_ZERO };
	struct rtp_send send = { .pt = 96, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"payload", 7 } };
	struct media_engine *e = NULL;
	struct media_packet packet;
	struct pktbuf *buf;
	uint8_t nack[32];

	if (media_engine_create(&e, &config) != WLK_OK)
		return;
	if (media_engine_configure(e, 0, c, 2) == WLK_OK) {
		for (uint16_t seq = 1; seq < 8; seq++) {
			struct bytes_writer w = bytes_writer(nack, sizeof(nack));
			uint8_t data[24] = { 0x80, 96 };

			store_u16(data + 2, (uint16_t)(seq == 3 ? 20 : seq));
			store_u32(data + 8, REMOTE_VIDEO);
			buf = pktbuf_copy(NULL, data, sizeof(data));
			if (buf)
				media_engine_input_rtp(e, seq * 10 * MS, buf);
			while (media_engine_poll_packet(e, &packet)) {
				(void)media_engine_forward(e, seq * 10 * MS, &packet, VIDEO, 0);
				pktbuf_release(packet.buf);
			}
			(void)media_engine_send_rtp(e, seq * 10 * MS, VIDEO, &send);
			(void)media_engine_request_key_frame(e, seq * 10 * MS, VIDEO);
			drain_transmit(e, seq * SECOND);
			rtcp_write_nack(&w, 9, 1002, &seq, 1);
			media_engine_input_rtcp(e, seq * SECOND, nack, w.size);
		}
		c[1] = video_config(2002, 2003);
		if (media_engine_configure(e, 0, c, 2) == WLK_OK)
			drain_transmit(e, 0);
		media_engine_close(e, 0);
		drain_transmit(e, 0);
	}
	media_engine_destroy(e);
}

static void test_every_allocation_may_fail(void **state)
{
	size_t before = alloc_live_blocks(), n = 0;

	(void)state;
	for (n = 1; n < 10000; n++) {
		bool failed;

		alloc_fail_after(n);
		exercise();
		failed = alloc_did_fail();
		alloc_fail_after(0);
		assert_int_equal(alloc_live_blocks(), before);
		if (!failed)
			break;
	}
	assert_in_range(n, 40, 9999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_property_after_a_timeout_and_a_drain_the_deadline_lies_ahead),
		cmocka_unit_test(test_property_a_probe_ends_with_what_it_is_made_of),
		cmocka_unit_test(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
