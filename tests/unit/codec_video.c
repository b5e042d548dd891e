#include "codec_support.h"

#include "media/codec/convert.h"
#include "media/codec/video_codec.h"
#include <sys/resource.h>
#include <time.h>

/* A film through an encoder and back; what came out of both. */
struct loop {
	struct video_encoder *encoder;
	struct video_decoder *decoder;
	enum codec_id codec;
	uint32_t width, height;
	unsigned n;
	wlk_time now;
	size_t bytes, keys, pictures, dropped;
	double psnr;
	uint32_t shown_width;
	struct encoded_picture last;
	uint8_t kept[300000]; /* bytes of the last layer frame, which the encoder takes back */
	size_t kept_size;
};

static void loop_begin(struct loop *l, enum codec_id codec, const char *mode, uint32_t width, uint32_t height, uint64_t bps)
{
	struct video_encoder_config c = { .codec = codec, .width = width, .height = height, .bitrate_bps = bps, .fps = 30, .threads = 2 };

	*l = (struct loop){ .codec = codec, .width = width, .height = height };
	assert_true(scalability_parse(&c.layers, mode));
	assert_int_equal(video_encoder_create(&l->encoder, NULL, &c), WLK_OK);
	assert_int_equal(video_decoder_create(&l->decoder, NULL, &(struct video_decoder_config){ .codec = codec }), WLK_OK);
}

static void loop_end(struct loop *l)
{
	video_encoder_destroy(l->encoder);
	video_decoder_destroy(l->decoder);
	assert_int_equal(alloc_live_blocks(), 0);
}

/* One picture; layers above |spatial| or |temporal| are left out on the way. */
static void loop_step(struct loop *l, struct video_encode_params params, int spatial, int temporal)
{
	struct video_frame *frame = picture_make(l->width, l->height, l->n++), *out = NULL;
	struct encoded_picture *p = &l->last;

	l->now = frame->captured;
	assert_int_equal(video_encoder_encode(l->encoder, frame, &params, p), WLK_OK);
	l->dropped += p->count == 0;
	for (size_t i = 0; i < p->count; i++) {
		const struct encoded_frame *f = &p->frames[i];
		bool ends = f->ends_picture || f->spatial == spatial;

		assert_int_equal(f->ends_picture, i + 1 == p->count);
		if (f->temporal > temporal || f->spatial > spatial)
			continue;
		assert_int_equal(video_decoder_decode(l->decoder, &(struct video_decode_input){ f->data, f->size, l->now, ends }, &out), WLK_OK);
		l->bytes += f->size;
		l->keys += f->is_key && i == 0;
		l->kept_size = f->size;
		assert_true(f->size <= sizeof(l->kept));
		memcpy(l->kept, f->data, f->size);
		if (!ends)
			assert_null(out);
	}
	if (out) {
		struct video_frame *same = video_frame_scale(frame, out->width, out->height);

		l->psnr += picture_psnr(same, out);
		l->pictures++;
		l->shown_width = out->width;
		video_frame_release(same);
	}
	video_frame_release(out);
	video_frame_release(frame);
}

static const struct video_encode_params as_before = { 0 };

static void test_films_come_back_at_their_rate(void **state)
{
	static const struct { enum codec_id codec; const char *mode; } cases[] = {
		{ CODEC_VP8, "L1T1" }, { CODEC_VP8, "L1T2" }, { CODEC_VP8, "L1T3" }, { CODEC_VP9, "L1T1" },	{ CODEC_VP9, "L1T2" }, { CODEC_VP9, "L1T3" },
		{ CODEC_VP9, "L2T1" }, { CODEC_VP9, "L2T2" }, { CODEC_VP9, "L2T3" }, { CODEC_VP9, "L3T1" },	{ CODEC_VP9, "L3T2" }, { CODEC_VP9, "L3T3" },
		{ CODEC_VP9, "L2T1_KEY" }, { CODEC_VP9, "L2T2_KEY" }, { CODEC_VP9, "L2T3_KEY" }, { CODEC_VP9, "L3T1_KEY" }, { CODEC_VP9, "L3T2_KEY" },
		{ CODEC_VP9, "L3T3_KEY" }, { CODEC_VP9, "L2T1h" }, { CODEC_VP9, "L3T3h_KEY" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct loop l;

		loop_begin(&l, cases[i].codec, cases[i].mode, 324, 244, 400000);
		for (int n = 0; n < 45; n++)
			loop_step(&l, as_before, 9, 9);
		double kbps = (double)l.bytes * 8 / 1500, psnr = l.psnr / (double)l.pictures;

		print_message("%s %s: %.0f kbit/s, %.1f dB, %zu dropped\n", l.codec == CODEC_VP8 ? "VP8" : "VP9", cases[i].mode, kbps, psnr, l.dropped);
		assert_int_equal(l.keys, 1);
		assert_true(l.pictures + l.dropped == 45 && l.dropped < 5);
		assert_true(kbps > 200 && kbps < 520);
		assert_true(psnr > 35);
		assert_int_equal(video_decoder_stats(l.decoder)->frames_decoded, l.pictures);
		assert_true(video_decoder_stats(l.decoder)->qp_sum > 0);
		loop_end(&l);
	}
}

/* Whatever upper layers a receiver never gets, the lower ones decode as if they were all. */
static void test_lower_layers_decode_by_themselves(void **state)
{
	static const struct { enum codec_id codec; const char *mode; int spatial, temporal; unsigned pictures; uint32_t width; } cases[] = {
		{ CODEC_VP8, "L1T2", 9, 0, 20, 320 }, { CODEC_VP8, "L1T3", 9, 1, 20, 320 },  { CODEC_VP8, "L1T3", 9, 0, 10, 320 },
		{ CODEC_VP9, "L1T2", 9, 0, 20, 320 }, { CODEC_VP9, "L1T3", 9, 1, 20, 320 },  { CODEC_VP9, "L1T3", 9, 0, 10, 320 },
		{ CODEC_VP9, "L3T3", 0, 0, 10, 80 },  { CODEC_VP9, "L3T3", 1, 1, 20, 160 }, { CODEC_VP9, "L3T3", 1, 2, 40, 160 },
		{ CODEC_VP9, "L3T3", 2, 0, 10, 320 }, { CODEC_VP9, "L2T1", 0, 0, 40, 160 }, { CODEC_VP9, "L3T1_KEY", 1, 0, 40, 160 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct loop l;

		loop_begin(&l, cases[i].codec, cases[i].mode, 320, 240, 800000);
		for (int n = 0; n < 40; n++)
			loop_step(&l, as_before, cases[i].spatial, cases[i].temporal);
		assert_int_equal(l.dropped, 0);
		assert_int_equal(l.pictures, cases[i].pictures);
		assert_int_equal(l.shown_width, cases[i].width);
		/* The encoder's own scaler is another one than ours: small pictures differ in more than coding. */
		print_message("%s to S%d T%d: %.1f dB\n", cases[i].mode, cases[i].spatial, cases[i].temporal, l.psnr / (double)l.pictures);
		assert_true(l.psnr / (double)l.pictures > (cases[i].width == 320 ? 30 : 20));
		assert_int_equal(video_decoder_stats(l.decoder)->malformed, 0);
		loop_end(&l);
	}
}

/* With _KEY each spatial layer can be received without those below it, but for key pictures. */
static void test_layers_of_key_modes_stand_alone_between_key_pictures(void **state)
{
	struct loop l;

	(void)state;
	loop_begin(&l, CODEC_VP9, "L2T1_KEY", 320, 240, 800000);
	loop_step(&l, as_before, 9, 9);
	for (unsigned n = 1; n < 30; n++) {
		struct video_frame *frame = picture_make(320, 240, n), *out;

		assert_int_equal(video_encoder_encode(l.encoder, frame, &as_before, &l.last), WLK_OK);
		assert_int_equal(l.last.count, 2);
		const struct encoded_frame *top = &l.last.frames[1];

		assert_false(top->is_inter_layer);
		assert_int_equal(video_decoder_decode(l.decoder, &(struct video_decode_input){ top->data, top->size, frame->captured, true }, &out), WLK_OK);
		assert_true(picture_psnr(out, frame) > 30);
		video_frame_release(out);
		video_frame_release(frame);
	}
	loop_end(&l);
}

static void test_spatial_layers_go_and_come_without_a_key_frame(void **state)
{
	static const char *const modes[] = { "L3T1", "L3T3", "L3T3_KEY" };

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		struct loop l;

		loop_begin(&l, CODEC_VP9, modes[m], 320, 240, 900000);
		for (unsigned n = 0; n < 90; n++) {
			uint8_t active = n < 20 ? 3 : n < 41 ? 1 : n < 61 ? 2 : 3;
			struct video_encode_params params = { .active_spatial = active };

			loop_step(&l, params, 9, 9);
			if (l.last.count)
				assert_int_equal(l.last.count, active);
			/* A layer that begins refers to the one below only, and says so. */
			if (n == 41) {
				assert_true(l.last.count == 2 && l.last.frames[1].is_inter_layer && !l.last.frames[1].is_key);
				assert_true(l.last.frames[1].ref_count == 1 && l.last.frames[1].refs[0] == 0 && l.last.frames[0].refs[0] > 0);
			}
		}
		assert_int_equal(l.keys, 1);
		assert_true(l.pictures >= 85 && l.psnr / (double)l.pictures > 30);
		assert_int_equal(video_decoder_stats(l.decoder)->malformed, 0);
		loop_end(&l);
	}
}

static size_t bytes_of(struct loop *l, struct video_encode_params params, unsigned pictures)
{
	size_t before = l->bytes;

	for (unsigned i = 0; i < pictures; i++)
		loop_step(l, params, 9, 9);
	return l->bytes - before;
}

static void test_rate_and_key_frames_follow_at_once(void **state)
{
	static const enum codec_id codecs[] = { CODEC_VP8, CODEC_VP9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct loop l;

		loop_begin(&l, codecs[i], "L1T1", 320, 240, 1000000);
		double first = (double)bytes_of(&l, as_before, 60) * 8 / 2;
		size_t settle = bytes_of(&l, (struct video_encode_params){ .bitrate_bps = 200000 }, 30);
		double second = (double)bytes_of(&l, as_before, 60) * 8 / 2;

		print_message("%.0f then %.0f bit/s, %zu bytes between\n", first, second, settle);
		assert_true(first > 500000 && first < 1200000);
		assert_true(second < 260000);
		assert_int_equal(l.keys, 1);
		loop_step(&l, (struct video_encode_params){ .force_key = true }, 9, 9);
		assert_true(l.last.frames[0].is_key && l.last.frames[0].ref_count == 0);
		assert_int_equal(l.keys, 2);
		loop_step(&l, as_before, 9, 9);
		assert_false(l.last.frames[0].is_key);
		loop_end(&l);
	}
}

static void test_other_sizes_begin_with_key_frames(void **state)
{
	static const struct { enum codec_id codec; const char *mode; } cases[] = { { CODEC_VP8, "L1T3" }, { CODEC_VP9, "L1T1" }, { CODEC_VP9, "L3T3" } };
	static const uint16_t sizes[][2] = { { 320, 240 }, { 640, 480 }, { 161, 91 }, { 1280, 720 }, { 16, 16 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct loop l;

		loop_begin(&l, cases[i].codec, cases[i].mode, 320, 240, 1000000);
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
			l.width = sizes[s][0];
			l.height = sizes[s][1];
			for (unsigned k = 0; k < 3; k++) {
				loop_step(&l, as_before, 9, 9);
				assert_int_equal(l.last.frames[0].is_key, k == 0);
				assert_int_equal(l.last.frames[l.last.count - 1].width, i == 2 ? l.width & ~1u : l.width);
			}
			l.n += 60; /* two seconds, for the budget of sizes */
		}
		assert_int_equal(l.keys, ARRAY_SIZE(sizes));
		loop_end(&l);
	}
}

static void test_screens_are_encoded_too(void **state)
{
	static const enum codec_id codecs[] = { CODEC_VP8, CODEC_VP9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct video_encoder_config c = { .codec = codecs[i], .width = 320, .height = 240, .layers = { 1, 1, false, false }, .bitrate_bps = 500000,
						  .fps = 5, .is_screen = true, .threads = 1 };
		struct loop l = { .codec = codecs[i], .width = 320, .height = 240 };

		assert_int_equal(video_encoder_create(&l.encoder, NULL, &c), WLK_OK);
		assert_int_equal(video_decoder_create(&l.decoder, NULL, &(struct video_decoder_config){ .codec = codecs[i] }), WLK_OK);
		for (unsigned n = 0; n < 10; n++, l.n += 5)
			loop_step(&l, as_before, 9, 9);
		assert_true(l.pictures == 10 && l.psnr / 10 > 35);
		loop_end(&l);
	}
}

static void test_what_cannot_be_is_refused(void **state)
{
	struct video_encoder_config good = { .codec = CODEC_VP8, .width = 64, .height = 64, .layers = { 1, 1, false, false }, .bitrate_bps = 100000,
					     .fps = 30, .threads = 1 }, c;
	struct video_encoder *e = NULL;
	struct video_decoder *d = NULL;

	(void)state;
	c = good;
	c.layers.spatial = 2;
	assert_int_equal(video_encoder_create(&e, NULL, &c), WLK_ERR_UNSUPPORTED);
	c = good;
	c.codec = CODEC_H264;
	assert_int_equal(video_encoder_create(&e, NULL, &c), WLK_ERR_UNSUPPORTED);
	c = good;
	c.width = 0;
	assert_int_equal(video_encoder_create(&e, NULL, &c), WLK_ERR_INVALID);
	c = good;
	c.threads = 17;
	assert_int_equal(video_encoder_create(&e, NULL, &c), WLK_ERR_INVALID);
	c = good;
	c.fps = 0;
	assert_int_equal(video_encoder_create(&e, NULL, &c), WLK_ERR_INVALID);
	assert_int_equal(video_decoder_create(&d, NULL, &(struct video_decoder_config){ .codec = CODEC_AV1 }), WLK_ERR_UNSUPPORTED);
	assert_int_equal(video_decoder_create(&d, NULL, &(struct video_decoder_config){ .codec = CODEC_VP8, .threads = 17 }), WLK_ERR_INVALID);
	for (size_t n = 1; n <= 2; n++) {
		alloc_fail_after(n);
		assert_int_equal(video_encoder_create(&e, NULL, &good), WLK_ERR_NOMEM);
		alloc_fail_after(n);
		assert_int_equal(video_decoder_create(&d, NULL, &(struct video_decoder_config){ .codec = CODEC_VP9 }), WLK_ERR_NOMEM);
		alloc_fail_after(0);
	}
	video_encoder_destroy(NULL);
	video_decoder_destroy(NULL);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_without_memory_the_next_picture_is_a_key_frame(void **state)
{
	static const enum codec_id codecs[] = { CODEC_VP8, CODEC_VP9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct loop l;
		struct video_frame *frame, *out = NULL;

		loop_begin(&l, codecs[i], "L1T1", 64, 64, 100000);
		frame = picture_make(64, 64, 0);
		alloc_fail_after(1); /* the encoder's own buffer */
		assert_int_equal(video_encoder_encode(l.encoder, frame, &as_before, &l.last), WLK_ERR_NOMEM);
		alloc_fail_after(0);
		video_frame_release(frame);
		l.n = 1;
		loop_step(&l, as_before, 9, 9);
		assert_true(l.last.frames[0].is_key);
		/* And the decoder's picture. */
		frame = picture_make(64, 64, 2);
		assert_int_equal(video_encoder_encode(l.encoder, frame, &(struct video_encode_params){ .force_key = true }, &l.last), WLK_OK);
		const struct video_decode_input input = { l.last.frames[0].data, l.last.frames[0].size, frame->captured, true };

		alloc_fail_after(1);
		assert_int_equal(video_decoder_decode(l.decoder, &input, &out), WLK_ERR_NOMEM);
		alloc_fail_after(0);
		assert_null(out);
		assert_true(video_decoder_needs_key(l.decoder));
		assert_int_equal(video_decoder_decode(l.decoder, &input, &out), WLK_OK);
		video_frame_release(out);
		video_frame_release(frame);
		loop_end(&l);
	}
}

/* ---- R24 ---- */

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static long peak_kilobytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void test_R24_pixel_bombs_cost_neither_time_nor_memory(void **state)
{
	uint8_t vp8[200] = { 0x10, 0x10, 0x00, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f };
	uint8_t vp9[200] = { 0x82, 0x49, 0x83, 0x42, 0x2f, 0xff, 0xff, 0xff, 0xf0 };
	struct video_decoder *d8, *d9;
	struct video_frame *out;
	double begin = cpu_seconds();
	long before = peak_kilobytes();

	(void)state;
	assert_int_equal(video_decoder_create(&d8, NULL, &(struct video_decoder_config){ .codec = CODEC_VP8 }), WLK_OK);
	assert_int_equal(video_decoder_create(&d9, NULL, &(struct video_decoder_config){ .codec = CODEC_VP9 }), WLK_OK);
	for (wlk_time n = 0; n < 1000; n++) {
		assert_int_equal(video_decoder_decode(d8, &(struct video_decode_input){ vp8, sizeof(vp8), n * 33333, true }, &out), WLK_ERR_TOO_LARGE);
		assert_int_equal(video_decoder_decode(d9, &(struct video_decode_input){ vp9, sizeof(vp9), n * 33333, true }, &out), WLK_ERR_TOO_LARGE);
	}
	assert_true(cpu_seconds() - begin < 0.5);
	assert_true(peak_kilobytes() - before < 20000);
	assert_int_equal(video_decoder_stats(d8)->too_large, 1000);
	assert_int_equal(video_decoder_stats(d9)->too_large, 1000);
	assert_true(video_decoder_needs_key(d8));
	video_decoder_destroy(d8);
	video_decoder_destroy(d9);
}

/* A bomb behind a good frame in one chunk, without an index: libvpx alone would go on to decode it. */
static void test_R24_frames_hidden_behind_a_vp9_frame_are_not_decoded(void **state)
{
	static uint8_t both[300200];
	static const uint8_t bomb[200] = { 0x82, 0x49, 0x83, 0x42, 0x2f, 0xff, 0xff, 0xff, 0xf0 };
	struct loop l;
	struct video_frame *out;
	long before = peak_kilobytes();

	(void)state;
	loop_begin(&l, CODEC_VP9, "L1T1", 64, 64, 200000);
	loop_step(&l, as_before, 9, 9);
	memcpy(both, l.kept, l.kept_size);
	memcpy(both + l.kept_size, bomb, sizeof(bomb));
	wlk_err err = video_decoder_decode(l.decoder, &(struct video_decode_input){ both, l.kept_size + sizeof(bomb), SECOND, true }, &out);

	assert_true(err == WLK_OK || err == WLK_ERR_PARSE);
	if (!err)
		assert_int_equal(out->width, 64);
	video_frame_release(err ? NULL : out);
	assert_true(peak_kilobytes() - before < 50000);
	loop_end(&l);
}

static void test_R24_sizes_change_at_most_twice_a_second(void **state)
{
	static struct { uint8_t data[20000]; size_t size; } keys[2];
	struct video_decoder *d;
	struct video_frame *out;
	struct loop l;

	(void)state;
	for (int i = 0; i < 2; i++) {
		loop_begin(&l, CODEC_VP8, "L1T1", i ? 96 : 64, 64, 200000);
		loop_step(&l, as_before, 9, 9);
		keys[i].size = l.kept_size;
		memcpy(keys[i].data, l.kept, l.kept_size);
		loop_end(&l);
	}
	assert_int_equal(video_decoder_create(&d, NULL, &(struct video_decoder_config){ .codec = CODEC_VP8 }), WLK_OK);
	for (wlk_time n = 0; n < 40; n++) {
		wlk_time now = n * 100 * MILLISECOND;
		wlk_err err = video_decoder_decode(d, &(struct video_decode_input){ keys[n % 2].data, keys[n % 2].size, now, true }, &out);

		/* 0: the first size. 100 and 200 ms: changes. From 1,100 ms on there is one again, at 1,200 the next. */
		assert_true(err == WLK_OK || err == WLK_ERR_TOO_LARGE);
		if (n <= 2)
			assert_int_equal(err, WLK_OK);
		if (!err)
			video_frame_release(out);
	}
	assert_true(video_decoder_stats(d)->too_many_sizes > 10);
	/* Of 4 s: the first and at most 8 changes, but all frames that stay at their size. */
	assert_int_equal(video_decoder_stats(d)->key_frames_decoded, video_decoder_stats(d)->frames_decoded);
	video_decoder_destroy(d);
}

/* Key frames of which none ends its picture, each of another size; those of two layers may alternate. */
static void test_R24_sizes_of_lower_layers_are_limited_too(void **state)
{
	uint8_t key[200] = { 0x10, 0x10, 0x00, 0x9d, 0x01, 0x2a, 0, 0, 64, 0 };
	struct video_decoder *d;
	struct video_frame *out;

	(void)state;
	assert_int_equal(video_decoder_create(&d, NULL, &(struct video_decoder_config){ .codec = CODEC_VP8 }), WLK_OK);
	for (wlk_time n = 0; n < 90; n++) {
		key[6] = (uint8_t)(16 + (n < 30 ? n % 2 : n));
		(void)!video_decoder_decode(d, &(struct video_decode_input){ key, sizeof(key), n * 33333, false }, &out);
		video_frame_release(out);
		if (n < 30)
			assert_int_equal(video_decoder_stats(d)->too_many_sizes, 0);
	}
	assert_in_range(video_decoder_stats(d)->too_many_sizes, 50, 54); /* in 2 s 4 changes each, and at most one second's more */
	video_decoder_destroy(d);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_R24_a_slow_frame_drops_the_stream_to_its_next_key_frame(void **state)
{
	struct loop l;
	struct video_frame *frame, *out;

	(void)state;
	loop_begin(&l, CODEC_VP8, "L1T1", 64, 64, 200000);
	assert_true(video_decoder_needs_key(l.decoder));
	loop_step(&l, as_before, 9, 9);
	assert_false(video_decoder_took(l.decoder, 250 * MILLISECOND));
	loop_step(&l, as_before, 9, 9);
	assert_true(video_decoder_took(l.decoder, 250 * MILLISECOND + 1));
	assert_true(video_decoder_needs_key(l.decoder));
	frame = picture_make(64, 64, l.n);
	assert_int_equal(video_encoder_encode(l.encoder, frame, &as_before, &l.last), WLK_OK);
	assert_int_equal(video_decoder_decode(l.decoder,
					      &(struct video_decode_input){ l.last.frames[0].data, l.last.frames[0].size, SECOND, true }, &out),
			 WLK_ERR_STATE);
	video_frame_release(frame);
	loop_step(&l, (struct video_encode_params){ .force_key = true }, 9, 9);
	assert_false(video_decoder_needs_key(l.decoder));
	assert_int_equal(video_decoder_stats(l.decoder)->too_slow, 1);
	assert_int_equal(video_decoder_stats(l.decoder)->waiting_for_key, 1);
	loop_end(&l);
}

static void test_R24_mutated_streams_end_in_an_error_or_a_picture(void **state)
{
	static const struct { enum codec_id codec; const char *mode; } cases[] = { { CODEC_VP8, "L1T3" }, { CODEC_VP9, "L1T1" }, { CODEC_VP9, "L2T2" } };
	uint32_t r = 3;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static uint8_t mutated[300000];
		struct loop l;
		size_t refused = 0;

		loop_begin(&l, cases[i].codec, cases[i].mode, 96, 80, 200000);
		for (unsigned n = 0; n < 300; n++) {
			struct video_frame *frame = picture_make(96, 80, n), *out;
			bool force_key = video_decoder_needs_key(l.decoder);

			assert_int_equal(video_encoder_encode(l.encoder, frame, &(struct video_encode_params){ .force_key = force_key }, &l.last), WLK_OK);
			for (size_t k = 0; k < l.last.count; k++) {
				const struct encoded_frame *f = &l.last.frames[k];
				size_t size = f->size;

				memcpy(mutated, f->data, size);
				for (unsigned m = 0; m < n % 4; m++) {
					r = r * 1664525u + 1013904223u;
					mutated[(r >> 7) % size] ^= (uint8_t)(1u << (r >> 29));
				}
				if (n % 7 == 6)
					size = 1 + (r >> 8) % size;
				refused += video_decoder_decode(l.decoder, &(struct video_decode_input){ mutated, size, frame->captured, f->ends_picture },
								&out) != WLK_OK;
				video_frame_release(out);
			}
			video_frame_release(frame);
		}
		assert_true(refused > 10);
		/* It is none the worse for it. */
		l.n = 400;
		l.psnr = 0;
		l.pictures = 0;
		loop_step(&l, (struct video_encode_params){ .force_key = true }, 9, 9);
		assert_true(l.pictures == 1 && l.psnr > 30);
		loop_end(&l);
	}
}

/* A key frame that is wanted between two pictures is the last one again; what comes then is as good as before. */
static void test_a_picture_twice_does_not_starve_those_behind_it(void **state)
{
	static const enum codec_id codecs[] = { CODEC_VP8, CODEC_VP9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct video_encoder_config c = { .codec = codecs[i], .width = 320, .height = 240, .bitrate_bps = 900000, .fps = 30, .threads = 1 };
		struct video_encoder *encoder;
		size_t bytes[3] = { 0 };

		assert_true(scalability_parse(&c.layers, "L1T1"));
		assert_int_equal(video_encoder_create(&encoder, NULL, &c), WLK_OK);
		for (unsigned n = 0; n < 120; n++) {
			for (unsigned again = 0; again < (n == 60 ? 2u : 1u); again++) {
				struct video_frame *frame = picture_make(320, 240, n);
				struct encoded_picture out = { 0 };

				frame->captured = SECOND + (wlk_time)n * 33333;
				assert_int_equal(video_encoder_encode(encoder, frame, &(struct video_encode_params){ .force_key = again, .fps = 30 }, &out), WLK_OK);
				bytes[n < 60 ? 0 : 1] += n >= 30 && out.count ? out.frames[0].size : 0;
				video_frame_release(frame);
			}
		}
		print_message("%zu bytes in the second before, %zu in the two behind\n", bytes[0], bytes[1]);
		assert_true(bytes[1] > bytes[0] * 3 / 2);
		video_encoder_destroy(encoder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R24_pixel_bombs_cost_neither_time_nor_memory),
		cmocka_unit_test(test_films_come_back_at_their_rate),
		cmocka_unit_test(test_lower_layers_decode_by_themselves),
		cmocka_unit_test(test_layers_of_key_modes_stand_alone_between_key_pictures),
		cmocka_unit_test(test_spatial_layers_go_and_come_without_a_key_frame),
		cmocka_unit_test(test_rate_and_key_frames_follow_at_once),
		cmocka_unit_test(test_other_sizes_begin_with_key_frames),
		cmocka_unit_test(test_screens_are_encoded_too),
		cmocka_unit_test(test_what_cannot_be_is_refused),
		cmocka_unit_test(test_without_memory_the_next_picture_is_a_key_frame),
		cmocka_unit_test(test_R24_frames_hidden_behind_a_vp9_frame_are_not_decoded),
		cmocka_unit_test(test_R24_sizes_change_at_most_twice_a_second),
		cmocka_unit_test(test_R24_sizes_of_lower_layers_are_limited_too),
		cmocka_unit_test(test_R24_a_slow_frame_drops_the_stream_to_its_next_key_frame),
		cmocka_unit_test(test_R24_mutated_streams_end_in_an_error_or_a_picture),
		cmocka_unit_test(test_a_picture_twice_does_not_starve_those_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
