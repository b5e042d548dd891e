#include "media_support.h"

#include "media/recv/references.h"

static struct payload_info vp8(int32_t picture_id, int16_t tl0, int8_t temporal, bool sync, bool key)
{
	struct payload_info info = PAYLOAD_INFO_NONE;

	info.picture_id = picture_id;
	info.tl0_pic_idx = tl0;
	info.temporal = temporal;
	info.is_layer_sync = sync;
	info.is_key = key;
	return info;
}

static enum reference_verdict judge_vp8(struct references *r, int32_t picture_id, int16_t tl0, int8_t temporal, bool sync,
					bool key, bool lost)
{
	struct payload_info info = vp8(picture_id, tl0, temporal, sync, key);

	return references_judge(r, RTP_CODEC_VP8, &info, lost);
}

static void test_a_stream_begins_with_a_key_frame(void **state)
{
	static const enum rtp_codec codecs[] = { RTP_CODEC_VP8, RTP_CODEC_VP9, RTP_CODEC_H264, RTP_CODEC_AV1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct payload_info info = PAYLOAD_INFO_NONE;
		struct references r;

		references_init(&r);
		info.is_inter_picture = true;
		assert_int_equal(references_judge(&r, codecs[i], &info, false), REFERENCE_NEEDS_KEY);
		info.is_inter_picture = false;
		info.is_key = true;
		assert_int_equal(references_judge(&r, codecs[i], &info, true), REFERENCE_OK);
		info.is_inter_picture = true;
		info.is_key = false;
		assert_int_equal(references_judge(&r, codecs[i], &info, false), REFERENCE_OK);
		assert_int_equal(references_judge(&r, codecs[i], &info, true), REFERENCE_NEEDS_KEY);
		assert_int_equal(references_judge(&r, codecs[i], &info, false), REFERENCE_NEEDS_KEY);
	}
}

static void test_vp8_without_layers_goes_by_picture_id(void **state)
{
	struct references r;

	(void)state;
	references_init(&r);
	assert_int_equal(judge_vp8(&r, 0x7ffe, -1, -1, false, true, true), REFERENCE_OK);
	assert_int_equal(judge_vp8(&r, 0x7fff, -1, -1, false, false, true), REFERENCE_OK); /* what was lost was no picture */
	assert_int_equal(judge_vp8(&r, 0, -1, -1, false, false, true), REFERENCE_OK);      /* wrapped */
	assert_int_equal(judge_vp8(&r, 2, -1, -1, false, false, true), REFERENCE_NEEDS_KEY);
	assert_int_equal(judge_vp8(&r, 3, -1, -1, false, false, false), REFERENCE_NEEDS_KEY);
	assert_int_equal(judge_vp8(&r, 4, -1, -1, false, true, false), REFERENCE_OK);
}

static void test_vp8_survives_the_loss_of_upper_temporal_layers(void **state)
{
	struct references r;

	(void)state;
	references_init(&r);
	assert_int_equal(judge_vp8(&r, 10, 255, 0, false, true, false), REFERENCE_OK);
	assert_int_equal(judge_vp8(&r, 11, 255, 2, true, false, false), REFERENCE_OK);
	/* 12 (layer 1) is lost */
	assert_int_equal(judge_vp8(&r, 13, 255, 2, false, false, true), REFERENCE_MISSING);
	assert_int_equal(judge_vp8(&r, 14, 0, 0, false, false, false), REFERENCE_OK); /* TL0PICIDX wraps */
	assert_int_equal(judge_vp8(&r, 15, 0, 2, false, false, false), REFERENCE_MISSING);
	assert_int_equal(judge_vp8(&r, 16, 0, 1, true, false, false), REFERENCE_OK); /* sync: stands on layer 0 alone */
	assert_int_equal(judge_vp8(&r, 17, 0, 1, false, false, false), REFERENCE_OK);
	assert_int_equal(judge_vp8(&r, 18, 0, 2, false, false, false), REFERENCE_MISSING);
	assert_int_equal(judge_vp8(&r, 19, 0, 2, true, false, false), REFERENCE_OK);
	assert_int_equal(judge_vp8(&r, 20, 0, 2, false, false, false), REFERENCE_OK);
	/* 21 (layer 0) is lost: both the layer above and the next one name a frame that is not there */
	assert_int_equal(judge_vp8(&r, 22, 1, 2, true, false, true), REFERENCE_NEEDS_KEY);
	assert_int_equal(judge_vp8(&r, 23, 2, 0, false, false, false), REFERENCE_NEEDS_KEY);
	assert_int_equal(judge_vp8(&r, 24, 3, 0, false, true, false), REFERENCE_OK);
}

static struct payload_info vp9(int32_t picture_id, int8_t spatial, bool inter_picture, bool inter_layer)
{
	struct payload_info info = PAYLOAD_INFO_NONE;

	info.picture_id = picture_id;
	info.spatial = spatial;
	info.temporal = 0;
	info.is_inter_picture = inter_picture;
	info.is_inter_layer = inter_layer;
	info.is_flexible = true;
	info.is_key = !inter_picture && !inter_layer;
	return info;
}

static void test_vp9_flexible_mode_names_its_references(void **state)
{
	struct payload_info info = vp9(120, 0, false, false);
	struct references r;

	(void)state;
	references_init(&r);
	info.picture_id_is_short = true;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_OK);
	info.is_key = false;
	info.is_inter_picture = true;
	info.ref_count = 1;
	info.refs[0] = 1;
	info.picture_id = 121;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_OK);
	info.picture_id = 123; /* 122 is lost, this one stands on 121 */
	info.refs[0] = 2;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, true), REFERENCE_OK);
	info.picture_id = 2; /* 7 bits wrap; stands on 123 */
	info.refs[0] = 7;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, true), REFERENCE_OK);
	info.picture_id = 3;
	info.temporal = 1; /* stands on 122: the loss costs this one only */
	info.refs[0] = 9;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_MISSING);
	info.temporal = 0;
	info.picture_id = 4;
	info.refs[0] = 10;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_NEEDS_KEY);
	/* 128 pictures later the number 3 is another picture, which never came */
	info = vp9(1, 0, false, false);
	info.picture_id_is_short = true;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_OK);
	info = vp9(4, 0, true, false);
	info.picture_id_is_short = true;
	info.ref_count = 1;
	info.refs[0] = 2; /* 2 was handed out long ago, but not in this round */
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, true), REFERENCE_NEEDS_KEY);
}

static void test_vp9_spatial_layers_stand_on_the_one_below(void **state)
{
	struct payload_info info = vp9(500, 0, false, false);
	struct references r;

	(void)state;
	references_init(&r);
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_OK);
	info = vp9(500, 1, false, true);
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_OK);
	info = vp9(501, 0, true, false);
	info.ref_count = 1;
	info.refs[0] = 1;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_OK);
	/* layer 1 of 501 is lost; of 502 layer 1 needs it, layer 0 does not */
	info.picture_id = 502;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, true), REFERENCE_OK);
	info.spatial = 1;
	info.is_inter_layer = true;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_NEEDS_KEY);
	info = vp9(503, 0, true, false);
	info.ref_count = 1;
	info.refs[0] = 1;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_OK);
	info = vp9(504, 1, false, true); /* layer 0 of 504 is not there */
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, true), REFERENCE_NEEDS_KEY);
}

static void test_vp9_non_flexible_mode_counts_its_lowest_layer(void **state)
{
	struct payload_info info = vp9(7, 0, false, false);
	struct references r;

	(void)state;
	references_init(&r);
	info.is_flexible = false;
	info.tl0_pic_idx = 9;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, false), REFERENCE_OK);
	info.is_key = false;
	info.is_inter_picture = true;
	info.picture_id = 9;
	info.tl0_pic_idx = 10;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, true), REFERENCE_OK);
	info.picture_id = 11;
	info.tl0_pic_idx = 12;
	assert_int_equal(references_judge(&r, RTP_CODEC_VP9, &info, true), REFERENCE_NEEDS_KEY);
}

static enum reference_verdict judge_svc(struct references *r, int32_t picture_id, int8_t spatial, int8_t temporal, int16_t tl0, bool lost)
{
	struct payload_info info = vp9(picture_id, spatial, picture_id != 500, spatial > 0);

	info.is_flexible = false;
	info.temporal = temporal;
	info.tl0_pic_idx = tl0;
	return references_judge(r, RTP_CODEC_VP9, &info, lost);
}

/* Of 502 the upper spatial layer alone is lost; the lower one of 503 comes first and is told of the loss. */
static void test_vp9_a_loss_in_an_upper_layer_is_not_forgotten(void **state)
{
	struct references r;

	(void)state;
	references_init(&r);
	assert_int_equal(judge_svc(&r, 500, 0, 0, 9, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 500, 1, 0, 9, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 501, 0, 2, 9, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 501, 1, 2, 9, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 502, 0, 1, 9, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 503, 0, 2, 9, true), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 503, 1, 2, 9, false), REFERENCE_MISSING);
	assert_int_equal(judge_svc(&r, 504, 0, 0, 10, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 504, 1, 0, 10, false), REFERENCE_OK);
	/* A loss behind which each layer goes on with the next picture was no picture. */
	assert_int_equal(judge_svc(&r, 505, 0, 0, 11, true), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 505, 1, 0, 11, true), REFERENCE_OK);
	/* Pictures that were taken out on the way, and no packet lost. */
	assert_int_equal(judge_svc(&r, 508, 0, 0, 12, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 508, 1, 0, 12, false), REFERENCE_OK);
}

/* Of 501 the lower layer is lost. What stands on its upper one is missing too, and no more than that. */
static void test_vp9_what_is_missing_now_is_no_need_of_a_key_frame(void **state)
{
	struct references r;

	(void)state;
	references_init(&r);
	assert_int_equal(judge_svc(&r, 500, 0, 0, 9, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 500, 1, 0, 9, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 501, 1, 1, 9, true), REFERENCE_MISSING);
	assert_int_equal(judge_svc(&r, 502, 0, 2, 9, false), REFERENCE_MISSING);
	assert_int_equal(judge_svc(&r, 502, 1, 2, 9, false), REFERENCE_MISSING);
	assert_int_equal(judge_svc(&r, 503, 0, 0, 10, false), REFERENCE_OK);
	assert_int_equal(judge_svc(&r, 503, 1, 0, 10, false), REFERENCE_OK);
}

static void test_another_codec_begins_with_a_key_frame(void **state)
{
	struct payload_info info = PAYLOAD_INFO_NONE;
	struct references r;

	(void)state;
	references_init(&r);
	assert_int_equal(judge_vp8(&r, 1, -1, -1, false, true, false), REFERENCE_OK);
	assert_int_equal(references_judge(&r, RTP_CODEC_H264, &info, false), REFERENCE_NEEDS_KEY);
	assert_int_equal(judge_vp8(&r, 2, -1, -1, false, false, false), REFERENCE_NEEDS_KEY);
	info.is_key = true;
	assert_int_equal(references_judge(&r, RTP_CODEC_H264, &info, false), REFERENCE_OK);
	info.is_key = false;
	assert_int_equal(references_judge(&r, RTP_CODEC_H264, &info, false), REFERENCE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stream_begins_with_a_key_frame),
		cmocka_unit_test(test_vp8_without_layers_goes_by_picture_id),
		cmocka_unit_test(test_vp8_survives_the_loss_of_upper_temporal_layers),
		cmocka_unit_test(test_vp9_flexible_mode_names_its_references),
		cmocka_unit_test(test_vp9_spatial_layers_stand_on_the_one_below),
		cmocka_unit_test(test_vp9_non_flexible_mode_counts_its_lowest_layer),
		cmocka_unit_test(test_vp9_a_loss_in_an_upper_layer_is_not_forgotten),
		cmocka_unit_test(test_vp9_what_is_missing_now_is_no_need_of_a_key_frame),
		cmocka_unit_test(test_another_codec_begins_with_a_key_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
