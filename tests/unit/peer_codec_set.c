#include "codec_support.h"

#include "peer/codec_set.h"
#include <wirelark/codec.h>

/* ---- an application's codecs ---- */

struct calls {
	unsigned created, encoded, destroyed, decoded, key_frames, asked;
	wlk_video_encoder_config config;
	size_t frames; /* that encode answers */
	bool refuse;
};

static bool only_mode_1(void *user, const char *fmtp)
{
	((struct calls *)user)->asked++;
	return strstr(fmtp, "packetization-mode=1") != NULL;
}

static wlk_err plugin_create(void *user, const wlk_video_encoder_config *config, void **encoder)
{
	struct calls *calls = user;

	if (calls->refuse)
		return WLK_ERR_UNSUPPORTED;
	calls->created++;
	calls->config = *config;
	*encoder = calls;
	return WLK_OK;
}

static wlk_err plugin_encode(void *encoder, const wlk_codec_picture *picture, const wlk_video_encode_request *request,
			     wlk_video_encode_result *result)
{
	static const uint8_t idr[] = { 0, 0, 0, 1, 0x65, 1, 2, 3 };
	struct calls *calls = encoder;

	calls->encoded++;
	calls->key_frames += request->key_frame;
	result->frame_count = calls->frames;
	for (size_t i = 0; i < calls->frames && i < WLK_VIDEO_LAYERS_MAX; i++) {
		result->frames[i].data = idr;
		result->frames[i].size = sizeof(idr);
		result->frames[i].key = true;
		result->frames[i].width = (uint16_t)picture->width;
		result->frames[i].reference_count = calls->refuse ? 9 : 0;
	}
	return WLK_OK;
}

static void plugin_destroy(void *encoder)
{
	((struct calls *)encoder)->destroyed++;
}

static wlk_err plugin_decoder_create(void *user, const wlk_video_decoder_config *config, void **decoder)
{
	struct calls *calls = user;

	(void)config;
	calls->created++;
	*decoder = calls;
	return WLK_OK;
}

static wlk_err plugin_decode(void *decoder, const uint8_t *data, size_t size, bool last, wlk_video_decode_result *result)
{
	static uint8_t grey[64 * 64];
	struct calls *calls = decoder;

	(void)data;
	(void)size;
	(void)last;
	calls->decoded++;
	result->picture.width = calls->refuse ? 5000 : 64;
	result->picture.height = 64;
	for (int i = 0; i < 3; i++) {
		result->picture.data[i] = grey;
		result->picture.stride[i] = 64;
	}
	result->qp = 7;
	return WLK_OK;
}

static wlk_video_encoder_table h264_encoder(struct calls *calls)
{
	return (wlk_video_encoder_table){ sizeof(wlk_video_encoder_table), WLK_CODEC_H264, "mine", true, calls, only_mode_1,
					  plugin_create, plugin_encode, plugin_destroy };
}

static wlk_video_decoder_table h264_decoder(struct calls *calls)
{
	return (wlk_video_decoder_table){ sizeof(wlk_video_decoder_table), WLK_CODEC_H264, "mine", false, calls, NULL,
					  plugin_decoder_create, plugin_decode, plugin_destroy };
}

/* ---- tests ---- */

static void test_tables_are_found_by_codec_and_fmtp_latest_first(void **state)
{
	struct calls calls = { 0 }, later = { 0 };
	wlk_video_encoder_table table = h264_encoder(&calls), second = h264_encoder(&later);
	wlk_codec_set *set = NULL;

	(void)state;
	assert_int_equal(wlk_codec_set_create(&set), WLK_OK);
	assert_null(wlk_codec_set_video_encoder(set, WLK_CODEC_H264, "packetization-mode=1"));
	assert_false(codec_registry_has(codec_set_registry(set), CODEC_VIDEO_ENCODER, CODEC_H264, "packetization-mode=1"));
	assert_int_equal(wlk_codec_set_add_video_encoder(set, &table), WLK_OK);
	assert_int_equal(wlk_codec_set_add_video_encoder(set, &second), WLK_OK);
	assert_ptr_equal(wlk_codec_set_video_encoder(set, WLK_CODEC_H264, "packetization-mode=1")->user, &later);
	assert_null(wlk_codec_set_video_encoder(set, WLK_CODEC_H264, NULL));
	assert_true(calls.asked == 1 && later.asked == 2);
	assert_string_equal(wlk_codec_set_video_encoder(set, WLK_CODEC_VP8, "")->name, "libvpx");
	assert_ptr_equal(wlk_codec_set_video_encoder(NULL, WLK_CODEC_VP9, NULL), wlk_codec_set_video_encoder(set, WLK_CODEC_VP9, NULL));
	assert_null(wlk_codec_set_audio_encoder(set, WLK_CODEC_VP8, NULL));
	assert_null(wlk_codec_set_audio_decoder(set, WLK_CODEC_UNKNOWN, NULL));
	assert_null(wlk_codec_set_audio_decoder(set, (wlk_codec)99, NULL));
	assert_int_equal(wlk_codec_set_audio_decoder(set, WLK_CODEC_G722, NULL)->rate, 16000);
	/* A connection has it: it stays as it is. */
	wlk_codec_set *held = codec_set_hold(set);

	assert_int_equal(wlk_codec_set_add_video_encoder(set, &table), WLK_ERR_STATE);
	wlk_codec_set_release(held);
	wlk_codec_set_release(set);
	wlk_codec_set_release(NULL);
	assert_null(codec_set_hold(NULL));
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_tables_that_lack_something_are_refused(void **state)
{
	struct calls calls = { 0 };
	wlk_video_encoder_table e = h264_encoder(&calls);
	wlk_video_decoder_table d = h264_decoder(&calls);
	wlk_audio_encoder_table ae = *wlk_codec_set_audio_encoder(NULL, WLK_CODEC_PCMU, NULL);
	wlk_audio_decoder_table ad = *wlk_codec_set_audio_decoder(NULL, WLK_CODEC_PCMU, NULL);
	wlk_codec_set *set = NULL;

	(void)state;
	assert_int_equal(wlk_codec_set_create(NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_codec_set_create(&set), WLK_OK);
	assert_int_equal(wlk_codec_set_add_video_encoder(set, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_codec_set_add_video_encoder(NULL, &e), WLK_ERR_INVALID);
	e.encode = NULL;
	assert_int_equal(wlk_codec_set_add_video_encoder(set, &e), WLK_ERR_INVALID);
	e = h264_encoder(&calls);
	e.codec = WLK_CODEC_OPUS;
	assert_int_equal(wlk_codec_set_add_video_encoder(set, &e), WLK_ERR_INVALID);
	d.struct_size--;
	assert_int_equal(wlk_codec_set_add_video_decoder(set, &d), WLK_ERR_INVALID);
	ae.rate = 96000;
	assert_int_equal(wlk_codec_set_add_audio_encoder(set, &ae), WLK_ERR_INVALID);
	ad.count = NULL;
	assert_int_equal(wlk_codec_set_add_audio_decoder(set, &ad), WLK_ERR_INVALID);
	e = h264_encoder(&calls);
	for (size_t n = 1; n <= 3; n++) {
		size_t before = alloc_live_blocks();

		alloc_fail_after(n);
		assert_int_equal(wlk_codec_set_add_video_encoder(set, &e), WLK_ERR_NOMEM);
		alloc_fail_after(0);
		assert_int_equal(alloc_live_blocks(), before);
	}
	wlk_codec_set_release(set);
}

static void test_a_plug_in_encodes_and_what_it_answers_is_checked(void **state)
{
	struct calls calls = { .frames = 1 };
	wlk_video_encoder_table table = h264_encoder(&calls);
	struct video_encoder_config config = { .codec = CODEC_H264, .width = 64, .height = 64, .layers = { 1, 3, false, false },
					       .bitrate_bps = 100000, .fps = 30, .threads = 1 };
	struct video_frame *frame = picture_make(64, 64, 1);
	struct video_encoder *e;
	struct encoded_picture out;
	wlk_codec_set *set;

	(void)state;
	assert_int_equal(wlk_codec_set_create(&set), WLK_OK);
	assert_int_equal(wlk_codec_set_add_video_encoder(set, &table), WLK_OK);
	const struct video_encoder_plugin *plugin =
		codec_registry_video_encoder(codec_set_registry(set), CODEC_H264, "packetization-mode=1");

	assert_non_null(plugin);
	calls.refuse = true;
	assert_int_equal(video_encoder_create(&e, plugin, &config), WLK_ERR_UNSUPPORTED);
	calls.refuse = false;
	assert_int_equal(video_encoder_create(&e, plugin, &config), WLK_OK);
	assert_string_equal(video_encoder_name(e), "mine");
	assert_int_equal(calls.config.width, 64);
	assert_int_equal(video_encoder_encode(e, frame, &(struct video_encode_params){ .force_key = true }, &out), WLK_OK);
	assert_true(out.count == 1 && out.frames[0].is_key && out.frames[0].size == 8 && out.frames[0].ends_picture && out.frames[0].qp == -1);
	assert_int_equal(calls.key_frames, 1);
	calls.frames = 4;
	assert_int_equal(video_encoder_encode(e, frame, &(struct video_encode_params){ 0 }, &out), WLK_ERR_IO);
	calls.frames = 1;
	calls.refuse = true; /* answers nine references */
	assert_int_equal(video_encoder_encode(e, frame, &(struct video_encode_params){ 0 }, &out), WLK_ERR_IO);
	video_encoder_destroy(e);
	assert_true(calls.destroyed == 1);
	video_frame_release(frame);
	wlk_codec_set_release(set);
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_R24_a_plug_in_decodes_no_more_pixels_than_the_cap(void **state)
{
	/* SPS of baseline profile for 64x64 (4x4 macroblocks) and for 8192x8192, then an IDR slice. */
	static const uint8_t small[] = { 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xf4, 0x21, 0x32, 0, 0, 0, 1, 0x65, 0x88 };
	struct calls calls = { 0 };
	wlk_video_decoder_table table = h264_decoder(&calls);
	struct video_decoder *d;
	struct video_frame *frame;
	wlk_codec_set *set;

	(void)state;
	assert_int_equal(wlk_codec_set_create(&set), WLK_OK);
	assert_int_equal(wlk_codec_set_add_video_decoder(set, &table), WLK_OK);
	assert_int_equal(video_decoder_create(&d, codec_registry_video_decoder(codec_set_registry(set), CODEC_H264, ""),
					      &(struct video_decoder_config){ .codec = CODEC_H264, .max_pixels = 64 * 64 }),
			 WLK_OK);
	assert_int_equal(video_decoder_decode(d, &(struct video_decode_input){ small, sizeof(small), 0, true }, &frame), WLK_OK);
	assert_true(frame && frame->width == 64);
	assert_int_equal(video_decoder_stats(d)->qp_sum, 7);
	video_frame_release(frame);
	calls.refuse = true; /* it makes more than its header said */
	assert_int_equal(video_decoder_decode(d, &(struct video_decode_input){ small, sizeof(small), 0, true }, &frame), WLK_ERR_PARSE);
	assert_null(frame);
	assert_true(video_decoder_needs_key(d));
	video_decoder_destroy(d);
	wlk_codec_set_release(set);
}

static void test_built_in_tables_encode_and_decode(void **state)
{
	static const wlk_codec codecs[] = { WLK_CODEC_VP8, WLK_CODEC_VP9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		const wlk_video_encoder_table *et = wlk_codec_set_video_encoder(NULL, codecs[i], NULL);
		const wlk_video_decoder_table *dt = wlk_codec_set_video_decoder(NULL, codecs[i], NULL);
		wlk_video_encoder_config config = WLK_VIDEO_ENCODER_CONFIG_INIT;
		wlk_video_decoder_config decoder_config = WLK_VIDEO_DECODER_CONFIG_INIT;
		void *e, *d;

		config.codec = decoder_config.codec = codecs[i];
		config.width = 160;
		config.height = 120;
		config.bitrate = 300000;
		assert_int_equal(et->create(et->user, &config, &e), WLK_OK);
		assert_int_equal(dt->create(dt->user, &decoder_config, &d), WLK_OK);
		for (unsigned n = 0; n < 5; n++) {
			struct video_frame *frame = picture_make(160, 120, n);
			wlk_codec_picture picture = WLK_CODEC_PICTURE_INIT;
			wlk_video_encode_request request = WLK_VIDEO_ENCODE_REQUEST_INIT;
			wlk_video_encode_result encoded = { .struct_size = sizeof(encoded) };
			wlk_video_decode_result decoded = { .struct_size = sizeof(decoded) };

			picture.width = 160;
			picture.height = 120;
			picture.timestamp = frame->captured;
			for (int plane = 0; plane < 3; plane++) {
				picture.data[plane] = frame->data[plane];
				picture.stride[plane] = frame->stride[plane];
			}
			assert_int_equal(et->encode(e, &picture, &request, &encoded), WLK_OK);
			assert_int_equal(encoded.frame_count, 1);
			assert_int_equal(encoded.frames[0].key, n == 0);
			assert_int_equal(encoded.frames[0].codec, codecs[i]);
			assert_int_equal(dt->decode(d, encoded.frames[0].data, encoded.frames[0].size, true, &decoded), WLK_OK);
			assert_true(decoded.picture.width == 160 && decoded.picture.data[2]);
			video_frame_release(frame);
		}
		et->destroy(e);
		dt->destroy(d);
	}
}

static void test_built_in_sound_encodes_and_decodes(void **state)
{
	static const wlk_codec codecs[] = { WLK_CODEC_OPUS, WLK_CODEC_PCMU, WLK_CODEC_PCMA, WLK_CODEC_G722 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		const wlk_audio_encoder_table *et = wlk_codec_set_audio_encoder(NULL, codecs[i], NULL);
		const wlk_audio_decoder_table *dt = wlk_codec_set_audio_decoder(NULL, codecs[i], NULL);
		wlk_audio_encoder_config config = WLK_AUDIO_ENCODER_CONFIG_INIT;
		int16_t in[960], out[WLK_AUDIO_SAMPLES_MAX];
		uint8_t packet[WLK_AUDIO_PACKET_MAX];
		size_t size, count;
		void *e, *d;

		config.codec = codecs[i];
		assert_int_equal(et->create(et->user, &config, &e), WLK_OK);
		assert_int_equal(dt->create(dt->user, codecs[i], 1, &d), WLK_OK);
		tone_make(in, 0, et->rate / 50, 1, 440, et->rate, 5000);
		assert_int_equal(et->tune(e, &config), WLK_OK);
		assert_int_equal(et->encode(e, in, et->rate / 50, packet, sizeof(packet), &size), WLK_OK);
		assert_int_equal(dt->count(d, packet, size), dt->rate / 50);
		assert_int_equal(dt->decode(d, packet, size, out, WLK_AUDIO_SAMPLES_MAX, &count), WLK_OK);
		assert_int_equal(count, dt->rate / 50);
		assert_true(!dt->conceal == (codecs[i] != WLK_CODEC_OPUS));
		if (dt->conceal) {
			assert_int_equal(dt->conceal(d, out, dt->rate / 50), WLK_OK);
			assert_int_equal(dt->conceal(d, out, WLK_AUDIO_SAMPLES_MAX + 1), WLK_ERR_INVALID);
		}
		et->destroy(e);
		dt->destroy(d);
	}
	assert_int_equal(alloc_live_blocks(), 0);
}

static void test_a_plug_in_for_sound_may_lack_concealment(void **state)
{
	wlk_audio_encoder_table et = *wlk_codec_set_audio_encoder(NULL, WLK_CODEC_PCMU, NULL);
	wlk_audio_decoder_table dt = *wlk_codec_set_audio_decoder(NULL, WLK_CODEC_PCMU, NULL);
	struct audio_encoder *e;
	struct audio_decoder *d;
	int16_t in[160], out[160];
	uint8_t packet[AUDIO_PACKET_MAX];
	size_t size, count;
	wlk_codec_set *set;

	(void)state;
	assert_null(dt.conceal);
	et.tune = NULL;
	assert_int_equal(wlk_codec_set_create(&set), WLK_OK);
	assert_int_equal(wlk_codec_set_add_audio_encoder(set, &et), WLK_OK);
	assert_int_equal(wlk_codec_set_add_audio_decoder(set, &dt), WLK_OK);
	const struct codec_registry *r = codec_set_registry(codec_set_hold(set));

	assert_int_equal(audio_encoder_create(&e, codec_registry_audio_encoder(r, CODEC_PCMU, NULL),
					      &(struct audio_encoder_config){ .codec = CODEC_PCMU, .channels = 1 }),
			 WLK_OK);
	assert_int_equal(audio_decoder_create(&d, codec_registry_audio_decoder(r, CODEC_PCMU, NULL), CODEC_PCMU, 1), WLK_OK);
	assert_int_equal(audio_encoder_tune(e, &(struct audio_encoder_tuning){ 0 }), WLK_OK);
	for (size_t n = 0; n < 10; n++) {
		tone_make(in, n * 160, 160, 1, 200, 8000, 8000);
		assert_int_equal(audio_encoder_encode(e, in, 160, packet, sizeof(packet), &size), WLK_OK);
		assert_int_equal(audio_decoder_decode(d, packet, size, out, 160, &count), WLK_OK);
	}
	assert_false(audio_decoder_conceals(d));
	audio_decoder_conceal(d, 80, out);
	assert_true(tone_energy(out, 80, 1) == 0);
	audio_encoder_destroy(e);
	audio_decoder_destroy(d);
	wlk_codec_set_release(set);
	wlk_codec_set_release(set);
	assert_int_equal(alloc_live_blocks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_found_by_codec_and_fmtp_latest_first),
		cmocka_unit_test(test_tables_that_lack_something_are_refused),
		cmocka_unit_test(test_a_plug_in_encodes_and_what_it_answers_is_checked),
		cmocka_unit_test(test_R24_a_plug_in_decodes_no_more_pixels_than_the_cap),
		cmocka_unit_test(test_built_in_tables_encode_and_decode),
		cmocka_unit_test(test_built_in_sound_encodes_and_decodes),
		cmocka_unit_test(test_a_plug_in_for_sound_may_lack_concealment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
