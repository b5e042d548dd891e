#include "media_support.h"

#include "media/recv/frame_buffer.h"
#include "media/rtp/red.h"

enum { H264 = 102, VP8 = 96, OPUS = 111, RED = 63 };

/* A buffer and what came out of it. */
struct fixture {
	struct frame_buffer buffer;
	struct frame_budget budget;
	uint8_t codecs[128];
	struct rtp_ext_ids ext;
	struct recv_frame *frames[64];
	size_t count;
	bool refuse;
};

static bool take(void *user, struct recv_frame *frame)
{
	struct fixture *f = user;

	if (f->refuse || f->count == ARRAY_SIZE(f->frames))
		return false;
	f->frames[f->count++] = frame;
	return true;
}

static void start(struct fixture *f)
{
	*f = (struct fixture){ .codecs = { [H264] = RTP_CODEC_H264, [VP8] = RTP_CODEC_VP8, [OPUS] = RTP_CODEC_OPUS, [RED] = RTP_CODEC_RED } };
	frame_buffer_init(&f->buffer, &f->budget);
}

static void stop(struct fixture *f)
{
	for (size_t i = 0; i < f->count; i++)
		recv_frame_free(f->frames[i], &f->budget);
	frame_buffer_free(&f->buffer);
	assert_int_equal(f->budget.used, 0);
}

static void feed(struct fixture *f, uint8_t pt, int64_t seq, uint32_t timestamp, bool marker, const void *data, size_t size)
{
	struct rtp_packet rtp = { .pt = pt, .marker = marker, .timestamp = timestamp, .ssrc = 7, .payload = { data, size } };

	frame_buffer_input(&f->buffer,
			   &(struct frame_packet){ .rtp = &rtp, .seq = seq, .now = seq * MS, .codecs = f->codecs, .ext = &f->ext },
			   take, f);
}

static const uint8_t key_start[] = { 0x90, 0x80, 1, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0 };
static const uint8_t key_rest[] = { 0x80, 0x80, 1, 0xaa, 0xbb };
static const uint8_t inter[] = { 0x90, 0x80, 2, 0x31, 0xcc };

static void test_a_frame_is_what_its_packets_carry(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	feed(&f, VP8, 65536, 1000, false, key_start, sizeof(key_start));
	assert_int_equal(f.count, 0);
	feed(&f, VP8, 65537, 1000, true, key_rest, sizeof(key_rest));
	assert_int_equal(f.count, 1);
	assert_int_equal(f.frames[0]->size, 12);
	assert_memory_equal(f.frames[0]->data, key_start + 3, 10);
	assert_memory_equal(f.frames[0]->data + 10, key_rest + 3, 2);
	assert_true(f.frames[0]->info.is_key && f.frames[0]->ends_picture);
	assert_int_equal(f.frames[0]->info.width, 64);
	assert_int_equal(f.frames[0]->packet_count, 2);
	assert_int_equal(f.buffer.stats.frames_assembled_from_multiple_packets, 1);
	assert_int_equal(f.buffer.stats.total_assembly_time_us, MS);
	feed(&f, VP8, 65538, 4000, true, inter, sizeof(inter));
	assert_int_equal(f.count, 2);
	assert_int_equal(f.buffer.stats.frames_received, 2);
	assert_int_equal(f.buffer.stats.key_frames_received, 1);
	assert_false(f.buffer.wants_key_frame);
	stop(&f);
}

static void test_a_frame_without_marker_ends_with_the_next_time(void **state)
{
	static const uint8_t sps[] = { 0x67, 0x42 }, idr[] = { 0x65, 1 }, slice[] = { 0x41, 2 };
	struct fixture f;

	(void)state;
	start(&f);
	feed(&f, H264, 10, 1000, false, sps, 2);
	feed(&f, H264, 11, 1000, false, idr, 2);
	assert_int_equal(f.count, 0);
	feed(&f, H264, 12, 4000, false, slice, 2);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.frames[0]->size, 12);
	feed(&f, H264, 13, 7000, true, slice, 2);
	assert_int_equal(f.count, 3);
	assert_int_equal(f.frames[1]->timestamp, 4000);
	for (size_t i = 0; i < f.count; i++)
		assert_true(f.frames[i]->ends_picture); /* else nobody shows it */
	stop(&f);
}

static void test_a_frame_without_marker_ends_with_the_next_codec(void **state)
{
	static const uint8_t sps[] = { 0x67, 0x42 };
	struct fixture f;

	(void)state;
	start(&f);
	feed(&f, H264, 10, 1000, false, sps, 2);
	feed(&f, VP8, 11, 1000, true, key_start, sizeof(key_start));
	assert_int_equal(f.count + f.buffer.stats.frames_dropped, 2);
	assert_int_equal(f.frames[f.count - 1]->codec, RTP_CODEC_VP8);
	for (size_t i = 0; i < f.count; i++)
		assert_true(f.frames[i]->ends_picture);
	stop(&f);
}

/* Of two spatial layers at one time only the upper one ends the picture. */
static void test_a_lower_layer_does_not_end_the_picture(void **state)
{
	static const uint8_t lower[] = { 0xac, 1, 0x00, 5, 0x82, 0x49, 0x83, 0x42 }, upper[] = { 0xac, 1, 0x03, 5, 0x86, 0 };
	struct fixture f;

	(void)state;
	start(&f);
	f.codecs[98] = RTP_CODEC_VP9;
	feed(&f, 98, 1, 1000, false, lower, sizeof(lower));
	feed(&f, 98, 2, 1000, true, upper, sizeof(upper));
	assert_int_equal(f.count, 2);
	assert_false(f.frames[0]->ends_picture);
	assert_true(f.frames[1]->ends_picture);
	stop(&f);
}

static void test_a_lost_packet_loses_the_frame_and_what_stands_on_it(void **state)
{
	struct fixture f;
	uint8_t third[sizeof(inter)];

	(void)state;
	start(&f);
	feed(&f, VP8, 1, 1000, false, key_start, sizeof(key_start));
	/* 2 is lost: its rest is of no use, the next frame neither */
	feed(&f, VP8, 3, 1000, true, key_rest, sizeof(key_rest));
	assert_int_equal(f.buffer.stats.frames_dropped, 1);
	assert_true(f.buffer.wants_key_frame);
	f.buffer.wants_key_frame = false;
	feed(&f, VP8, 4, 4000, true, inter, sizeof(inter));
	assert_int_equal(f.count, 0);
	assert_int_equal(f.buffer.stats.frames_dropped, 2);
	assert_false(f.buffer.wants_key_frame); /* asked a moment ago */
	memcpy(third, inter, sizeof(inter));
	third[2] = 3;
	feed(&f, VP8, 600, 7000, true, third, sizeof(third));
	assert_true(f.buffer.wants_key_frame); /* half a second later: again */
	feed(&f, VP8, 700, 10000, false, key_start, sizeof(key_start));
	feed(&f, VP8, 701, 10000, true, key_rest, sizeof(key_rest));
	assert_int_equal(f.count, 1);
	stop(&f);
}

static void test_what_is_behind_a_hole_must_prove_that_it_begins(void **state)
{
	static const uint8_t idr[] = { 0x65, 1 }, sps[] = { 0x67, 1 };
	struct fixture f;

	(void)state;
	start(&f);
	feed(&f, H264, 1, 1000, true, idr, 2); /* the parameter sets may have been in front of it */
	assert_int_equal(f.count, 0);
	feed(&f, H264, 2, 4000, true, idr, 2); /* the packet before it was another frame's */
	assert_int_equal(f.count, 1);
	feed(&f, H264, 9, 7000, true, idr, 2);
	assert_int_equal(f.count, 1);
	feed(&f, H264, 19, 9000, false, sps, 2);
	feed(&f, H264, 20, 9000, true, idr, 2);
	assert_int_equal(f.count, 2);
	stop(&f);
}

static void test_R24_frames_have_at_most_1024_packets_and_4_megabytes(void **state)
{
	static uint8_t big[60000] = { 0x80, 0x80, 1 };
	struct fixture f;
	int64_t seq = 1;

	(void)state;
	start(&f);
	feed(&f, VP8, seq++, 1000, false, key_start, sizeof(key_start));
	for (int i = 0; i < FRAME_PACKETS_MAX; i++)
		feed(&f, VP8, seq++, 1000, i + 1 == FRAME_PACKETS_MAX, key_rest, sizeof(key_rest));
	assert_int_equal(f.count, 0);
	assert_int_equal(f.buffer.stats.frames_dropped, 1);
	feed(&f, VP8, seq++, 2000, false, key_start, sizeof(key_start));
	for (int i = 0; i < FRAME_PACKETS_MAX - 1; i++)
		feed(&f, VP8, seq++, 2000, i + 2 == FRAME_PACKETS_MAX, key_rest, sizeof(key_rest));
	assert_int_equal(f.count, 1);
	feed(&f, VP8, seq++, 3000, false, key_start, sizeof(key_start));
	for (int i = 0; i < 100; i++) {
		feed(&f, VP8, seq++, 3000, i == 99, big, sizeof(big));
		assert_true(f.budget.used <= FRAMES_BYTES_MAX);
	}
	assert_int_equal(f.count, 1);
	assert_int_equal(f.buffer.stats.frames_dropped, 2);
	stop(&f);
}

static void test_R25_memory_of_all_frames_is_bounded(void **state)
{
	static uint8_t big[60000] = { 0x80, 0x80, 1 };
	struct fixture f;
	int64_t seq = 1;

	(void)state;
	start(&f);
	for (uint32_t frame = 0; frame < 40; frame++) {
		feed(&f, VP8, seq++, 1000 * frame, false, key_start, sizeof(key_start));
		for (int i = 0; i < 10; i++)
			feed(&f, VP8, seq++, 1000 * frame, i == 9, big, sizeof(big));
		assert_true(f.budget.used <= FRAMES_BYTES_MAX);
	}
	assert_in_range(f.count, 8, 20);
	assert_int_equal(f.buffer.stats.frames_dropped + f.count, 40);
	stop(&f);
}

static void test_a_refused_frame_is_a_lost_one(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	f.refuse = true;
	feed(&f, VP8, 1, 1000, true, key_start, sizeof(key_start));
	assert_int_equal(f.buffer.stats.frames_dropped, 1);
	assert_true(f.buffer.wants_key_frame);
	f.refuse = false;
	feed(&f, VP8, 2, 4000, true, inter, sizeof(inter));
	assert_int_equal(f.count, 0); /* by its picture id nothing is missing in between, but what it refers to was not handed out */
	feed(&f, VP8, 3, 7000, true, key_start, sizeof(key_start));
	assert_int_equal(f.count, 1);
	stop(&f);
}

static void test_out_of_memory_drops_frames_and_leaks_nothing(void **state)
{
	(void)state;
	for (size_t n = 1; n < 6; n++) {
		struct fixture f;

		start(&f);
		alloc_fail_after(n);
		feed(&f, VP8, 1, 1000, false, key_start, sizeof(key_start));
		feed(&f, VP8, 2, 1000, true, key_rest, sizeof(key_rest));
		alloc_fail_after(0);
		assert_true(f.count + f.buffer.stats.frames_dropped <= 1);
		assert_true(f.count || f.buffer.wants_key_frame);
		stop(&f);
	}
}

static void test_audio_packets_are_frames_and_red_fills_gaps(void **state)
{
	static const uint8_t one[] = { 0x78, 1 }, two[] = { 0x78, 2 }, three[] = { 0x78, 3 };
	struct red_block blocks[] = { { OPUS, 1920, { one, 2 } }, { OPUS, 960, { two, 2 } }, { OPUS, 0, { three, 2 } } };
	uint8_t packet[64];
	struct bytes_writer w = bytes_writer(packet, sizeof(packet));
	struct fixture f;

	(void)state;
	start(&f);
	feed(&f, OPUS, 1, 0, false, one, 2);
	assert_int_equal(f.count, 1);
	red_write(&w, blocks, 3);
	feed(&f, RED, 3, 1920, false, packet, w.size); /* 2 is lost */
	assert_int_equal(f.count, 3);
	assert_int_equal(f.frames[1]->timestamp, 960);
	assert_true(f.frames[1]->is_recovered);
	assert_int_equal(f.frames[1]->data[1], 2);
	assert_int_equal(f.frames[1]->codec, RTP_CODEC_OPUS);
	assert_int_equal(f.frames[2]->timestamp, 1920);
	assert_false(f.frames[2]->is_recovered);
	assert_int_equal(f.buffer.stats.audio_blocks_recovered, 1);
	feed(&f, RED, 4, 2880, false, packet, w.size); /* nothing is missing: the copies are not looked at */
	assert_int_equal(f.count, 4);
	feed(&f, RED, 6, 9000, false, packet, 3);      /* malformed */
	assert_int_equal(f.count, 4);
	stop(&f);
}

static void test_audio_inside_of_a_frame_loses_it(void **state)
{
	static const uint8_t sps[] = { 0x67, 0x42 }, slice[] = { 0x41, 2 }, audio[] = { 0x78, 1 };
	struct fixture f;

	(void)state;
	start(&f);
	feed(&f, H264, 1, 1000, false, sps, 2);
	feed(&f, OPUS, 2, 1000, false, audio, 2);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.frames[0]->codec, RTP_CODEC_OPUS);
	feed(&f, H264, 3, 1000, true, slice, 2);
	feed(&f, H264, 4, 2000, true, slice, 2);
	assert_int_equal(f.count, 1); /* no key frame yet */
	assert_int_equal(f.buffer.stats.frames_dropped, 2);
	stop(&f);
}

/* 3GPP TS 26.114 7.4.5 */
static void feed_turned(struct fixture *f, int64_t seq, bool marker, uint8_t orientation, const void *data, size_t size)
{
	const uint8_t element[4] = { 13 << 4, orientation };
	struct rtp_packet rtp = { .pt = VP8, .marker = marker, .timestamp = (uint32_t)(seq * 1000), .payload = { data, size }, .has_ext = true,
				  .ext_profile = 0xbede, .ext = { element, sizeof(element) } };

	frame_buffer_input(&f->buffer,
			   &(struct frame_packet){ .rtp = &rtp, .seq = seq, .now = seq * MS, .codecs = f->codecs, .ext = &f->ext },
			   take, f);
}

static void test_rotation_is_what_was_told_last(void **state)
{
	uint8_t next[sizeof(inter)];
	struct fixture f;

	(void)state;
	start(&f);
	f.ext.id[RTP_EXT_VIDEO_ORIENTATION] = 13;
	memcpy(next, inter, sizeof(inter));
	feed(&f, VP8, 1, 2000, false, key_start, sizeof(key_start));
	feed_turned(&f, 2, true, 0x01, key_rest, sizeof(key_rest)); /* in its last packet */
	feed(&f, VP8, 3, 3000, true, next, sizeof(next));	    /* says nothing */
	next[2]++;
	feed_turned(&f, 4, true, 0x0b, next, sizeof(next)); /* with the bit of another camera */
	next[2]++;
	feed_turned(&f, 5, true, 0x00, next, sizeof(next));
	next[2]++;
	feed(&f, VP8, 6, 6000, true, next, sizeof(next));
	assert_int_equal(f.count, 5);
	assert_int_equal(f.frames[0]->rotation, 90);
	assert_int_equal(f.frames[1]->rotation, 90);
	assert_int_equal(f.frames[2]->rotation, 270);
	assert_int_equal(f.frames[3]->rotation, 0);
	assert_int_equal(f.frames[4]->rotation, 0);
	stop(&f);
}

static void test_rotation_that_was_not_agreed_on_is_none(void **state)
{
	struct fixture f;

	(void)state;
	start(&f);
	feed(&f, VP8, 1, 2000, false, key_start, sizeof(key_start));
	feed_turned(&f, 2, true, 0x01, key_rest, sizeof(key_rest));
	assert_int_equal(f.count, 1);
	assert_int_equal(f.frames[0]->rotation, 0);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_frame_is_what_its_packets_carry),
		cmocka_unit_test(test_a_frame_without_marker_ends_with_the_next_time),
		cmocka_unit_test(test_a_frame_without_marker_ends_with_the_next_codec),
		cmocka_unit_test(test_a_lower_layer_does_not_end_the_picture),
		cmocka_unit_test(test_a_lost_packet_loses_the_frame_and_what_stands_on_it),
		cmocka_unit_test(test_what_is_behind_a_hole_must_prove_that_it_begins),
		cmocka_unit_test(test_R24_frames_have_at_most_1024_packets_and_4_megabytes),
		cmocka_unit_test(test_R25_memory_of_all_frames_is_bounded),
		cmocka_unit_test(test_a_refused_frame_is_a_lost_one),
		cmocka_unit_test(test_out_of_memory_drops_frames_and_leaks_nothing),
		cmocka_unit_test(test_audio_inside_of_a_frame_loses_it),
		cmocka_unit_test(test_audio_packets_are_frames_and_red_fills_gaps),
		cmocka_unit_test(test_rotation_is_what_was_told_last),
		cmocka_unit_test(test_rotation_that_was_not_agreed_on_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
