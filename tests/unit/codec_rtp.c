#include "codec_rtp.h"

#include "media/codec/audio_codec.h"

/* A film, encoded, cut into packets, put together, decoded: what the descriptors tell is what the encoder said. */
static void film(enum codec_id codec, const char *mode)
{
	static uint8_t bytes[RTP_FRAME_MAX];
	struct video_encoder_config c = { .codec = codec, .width = 320, .height = 240, .bitrate_bps = 1500000, .fps = 30, .threads = 1 };
	struct video_encoder *e;
	struct video_decoder *d;
	struct encoded_picture p;
	double psnr = 0;
	unsigned shown = 0;

	assert_true(scalability_parse(&c.layers, mode));
	assert_int_equal(video_encoder_create(&e, NULL, &c), WLK_OK);
	assert_int_equal(video_decoder_create(&d, NULL, &(struct video_decoder_config){ .codec = codec }), WLK_OK);
	for (unsigned n = 0; n < 30; n++) {
		struct video_frame *frame = picture_make(320, 240, n), *out = NULL;

		assert_int_equal(video_encoder_encode(e, frame, &(struct video_encode_params){ .force_key = n == 20 }, &p), WLK_OK);
		for (size_t i = 0; i < p.count; i++) {
			const struct encoded_frame *f = &p.frames[i];
			struct payload_info info = info_of((enum rtp_codec)codec, f, (uint16_t)n), back;
			size_t size = through_rtp((enum rtp_codec)codec, &info, (wlk_bytes){ f->data, f->size }, bytes, &back);

			assert_int_equal(size, f->size);
			assert_memory_equal(bytes, f->data, size);
			assert_int_equal(back.picture_id, n);
			assert_int_equal(back.temporal, f->temporal);
			assert_int_equal(back.spatial, f->spatial);
			if (f->temporal > 0)
				assert_int_equal(back.is_layer_sync, f->is_layer_sync);
			if (codec == CODEC_VP9) {
				assert_int_equal(back.is_inter_layer, f->is_inter_layer);
				assert_int_equal(back.ref_count, f->ref_count);
				assert_memory_equal(back.refs, f->refs, f->ref_count);
			} else {
				assert_int_equal(back.is_discardable, f->is_discardable);
			}
			assert_int_equal(video_decoder_decode(d, &(struct video_decode_input){ bytes, size, frame->captured, f->ends_picture }, &out),
					 WLK_OK);
		}
		if (out) {
			psnr += picture_psnr(frame, out);
			shown++;
		}
		video_frame_release(out);
		video_frame_release(frame);
	}
	assert_true(shown >= 28 && psnr / shown > 38);
	video_encoder_destroy(e);
	video_decoder_destroy(d);
}

static void test_video_goes_through_its_payload_format(void **state)
{
	(void)state;
	film(CODEC_VP8, "L1T1");
	film(CODEC_VP8, "L1T3");
	film(CODEC_VP9, "L1T1");
	film(CODEC_VP9, "L1T3");
	film(CODEC_VP9, "L3T3");
	film(CODEC_VP9, "L3T3_KEY");
}

static void test_sound_goes_through_its_payload_format(void **state)
{
	static const enum codec_id codecs[] = { CODEC_OPUS, CODEC_PCMU, CODEC_PCMA, CODEC_G722 };
	static uint8_t bytes[RTP_FRAME_MAX];
	static int16_t said[48000], heard[48000 + AUDIO_SAMPLES_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct audio_encoder *e;
		struct audio_decoder *d;
		uint32_t rate = audio_codec_rate(codecs[i]);
		size_t frame = rate / 50, size, got;
		uint8_t packet[AUDIO_PACKET_MAX];

		assert_int_equal(audio_encoder_create(&e, NULL, &(struct audio_encoder_config){ .codec = codecs[i], .channels = 1, .bitrate_bps = 64000 }),
				 WLK_OK);
		assert_int_equal(audio_decoder_create(&d, NULL, codecs[i], 1), WLK_OK);
		tone_make(said, 0, rate, 1, 700, rate, 9000);
		for (size_t at = 0; at < rate; at += frame) {
			struct payload_info info = PAYLOAD_INFO_NONE, back;

			assert_int_equal(audio_encoder_encode(e, said + at, frame, packet, sizeof(packet), &size), WLK_OK);
			size = through_rtp((enum rtp_codec)codecs[i], &info, (wlk_bytes){ packet, size }, bytes, &back);
			assert_int_equal(audio_decoder_decode(d, bytes, size, heard + at, AUDIO_SAMPLES_MAX, &got), WLK_OK);
			assert_int_equal(got, frame);
		}
		assert_true(tone_snr(said + rate / 2, heard + rate / 2, rate / 4, rate / 50) > 20);
		audio_encoder_destroy(e);
		audio_decoder_destroy(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_video_goes_through_its_payload_format),
		cmocka_unit_test(test_sound_goes_through_its_payload_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
