/* The OpenH264 plug-in behind a codec set, both ways and through RFC 6184; built where OpenH264 is installed. */
#include "codec_rtp.h"

#include "apps/openh264/wirelark_openh264.h"
#include "media/codec/convert.h"
#include "peer/codec_set.h"

static const char fmtp[] = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";

struct loop {
	wlk_codec_set *set;
	struct video_encoder *encoder;
	struct video_decoder *decoder;
};

static void loop_begin(struct loop *l, const char *mode, uint32_t width, uint32_t height, uint64_t bps)
{
	struct video_encoder_config c = { .codec = CODEC_H264, .fmtp = fmtp, .width = width, .height = height, .bitrate_bps = bps, .fps = 30, .threads = 2 };
	const struct codec_registry *r;

	assert_int_equal(wlk_codec_set_create(&l->set), WLK_OK);
	assert_int_equal(wlk_openh264_add(l->set), WLK_OK);
	r = codec_set_registry(l->set);
	assert_true(scalability_parse(&c.layers, mode));
	assert_int_equal(video_encoder_create(&l->encoder, codec_registry_video_encoder(r, CODEC_H264, fmtp), &c), WLK_OK);
	assert_int_equal(video_decoder_create(&l->decoder, codec_registry_video_decoder(r, CODEC_H264, fmtp),
					      &(struct video_decoder_config){ .codec = CODEC_H264, .fmtp = fmtp }),
			 WLK_OK);
	assert_string_equal(video_encoder_name(l->encoder), "OpenH264");
}

static void loop_end(struct loop *l)
{
	video_encoder_destroy(l->encoder);
	video_decoder_destroy(l->decoder);
	wlk_codec_set_release(l->set);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_it_is_for_baseline_in_packetization_mode_1(void **state)
{
	wlk_codec_set *set;

	(void)state;
	assert_int_equal(wlk_codec_set_create(&set), WLK_OK);
	assert_int_equal(wlk_openh264_add(set), WLK_OK);
	assert_non_null(wlk_codec_set_video_encoder(set, WLK_CODEC_H264, fmtp));
	assert_non_null(wlk_codec_set_video_encoder(set, WLK_CODEC_H264, "packetization-mode=1"));
	assert_null(wlk_codec_set_video_encoder(set, WLK_CODEC_H264, ""));
	assert_null(wlk_codec_set_video_encoder(set, WLK_CODEC_H264, "profile-level-id=42e01f;packetization-mode=0"));
	assert_null(wlk_codec_set_video_encoder(set, WLK_CODEC_H264, "profile-level-id=640c1f;packetization-mode=1"));
	assert_non_null(wlk_codec_set_video_decoder(set, WLK_CODEC_H264, "profile-level-id=640c1f"));
	wlk_codec_set_release(set);
}

static void test_a_film_comes_back_through_rfc_6184(void **state)
{
	static const char *const modes[] = { "L1T1", "L1T2", "L1T3" };
	static uint8_t bytes[RTP_FRAME_MAX];

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
		struct loop l;
		struct encoded_picture p;
		double psnr = 0;
		size_t total = 0;
		unsigned shown = 0, keys = 0;

		loop_begin(&l, modes[m], 320, 240, 600000);
		for (unsigned n = 0; n < 60; n++) {
			struct video_frame *frame = picture_make(320, 240, n), *out = NULL;

			assert_int_equal(video_encoder_encode(l.encoder, frame, &(struct video_encode_params){ .force_key = n == 30 }, &p), WLK_OK);
			for (size_t i = 0; i < p.count; i++) {
				const struct encoded_frame *f = &p.frames[i];
				struct payload_info info = info_of(RTP_CODEC_H264, f, (uint16_t)n), back;
				size_t size = through_rtp(RTP_CODEC_H264, &info, (wlk_bytes){ f->data, f->size }, bytes, &back);

				keys += f->is_key;
				total += f->size;
				assert_int_equal(f->is_key, n == 0 || n == 30);
				assert_int_equal(video_decoder_decode(l.decoder, &(struct video_decode_input){ bytes, size, frame->captured, true }, &out),
						 WLK_OK);
			}
			if (out) {
				psnr += picture_psnr(frame, out);
				shown++;
			}
			video_frame_release(out);
			video_frame_release(frame);
		}
		print_message("H.264 %s: %.0f kbit/s, %.1f dB, %u shown\n", modes[m], (double)total * 8 / 2000, psnr / shown, shown);
		assert_int_equal(keys, 2);
		assert_true(shown >= 50 && psnr / shown > 33);
		assert_true((double)total * 8 / 2 < 800000);
		loop_end(&l);
	}
}

static void test_sizes_and_rates_change(void **state)
{
	static const uint16_t sizes[][2] = { { 320, 240 }, { 640, 360 }, { 161, 91 } };
	struct loop l;
	struct encoded_picture p;

	(void)state;
	loop_begin(&l, "L1T1", 320, 240, 600000);
	for (unsigned n = 0; n < 9; n++) {
		struct video_frame *frame = picture_make(sizes[n / 3][0], sizes[n / 3][1], n * 30), *out;

		assert_int_equal(video_encoder_encode(l.encoder, frame,
						      &(struct video_encode_params){ .bitrate_bps = 300000 + n * 100000, .fps = n % 2 ? 15 : 30 }, &p),
				 WLK_OK);
		if (n % 3 == 0)
			assert_true(p.count == 1 && p.frames[0].is_key);
		if (!p.count) { /* it may leave pictures out while its rate changes */
			video_frame_release(frame);
			continue;
		}
		assert_int_equal(p.frames[0].is_key, n % 3 == 0);
		assert_int_equal(video_decoder_decode(l.decoder,
						      &(struct video_decode_input){ p.frames[0].data, p.frames[0].size, frame->captured, true }, &out),
				 WLK_OK);
		assert_int_equal(out->width, frame->width & ~1u);
		video_frame_release(out);
		video_frame_release(frame);
	}
	loop_end(&l);
}

static void test_damage_waits_for_a_key_frame(void **state)
{
	static uint8_t bytes[RTP_FRAME_MAX];
	struct loop l;
	struct encoded_picture p;
	unsigned refused = 0;
	uint32_t r = 11;

	(void)state;
	loop_begin(&l, "L1T1", 160, 120, 300000);
	for (unsigned n = 0; n < 200; n++) {
		struct video_frame *frame = picture_make(160, 120, n), *out = NULL;
		bool force_key = video_decoder_needs_key(l.decoder);

		assert_int_equal(video_encoder_encode(l.encoder, frame, &(struct video_encode_params){ .force_key = force_key }, &p), WLK_OK);
		if (p.count) {
			size_t size = p.frames[0].size;

			memcpy(bytes, p.frames[0].data, size);
			for (unsigned k = 0; k < n % 3 && n < 198; k++) {
				r = r * 1664525u + 1013904223u;
				bytes[(r >> 7) % size] ^= (uint8_t)(1u << (r >> 29));
			}
			refused += video_decoder_decode(l.decoder, &(struct video_decode_input){ bytes, size, frame->captured, true }, &out) != WLK_OK;
		}
		video_frame_release(out);
		video_frame_release(frame);
	}
	assert_true(refused > 5 && refused < 200);
	loop_end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_for_baseline_in_packetization_mode_1),
		cmocka_unit_test(test_a_film_comes_back_through_rfc_6184),
		cmocka_unit_test(test_sizes_and_rates_change),
		cmocka_unit_test(test_damage_waits_for_a_key_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
