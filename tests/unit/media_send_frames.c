#include "media_support.h"

#include "media/rtp/vp8.h"
#include "media/send/frames.h"

static const struct send_frame_layers plain = { .temporal = -1, .spatial = -1 };

static wlk_err describe(struct send_frames *f, enum rtp_codec codec, const struct send_frame_layers *layers, bool key,
			struct payload_info *info)
{
	*info = PAYLOAD_INFO_NONE;
	info->is_key = key;
	return send_frames_describe(f, codec, layers, info);
}

static void test_the_first_frame_is_a_key_frame(void **state)
{
	struct send_frames f = { 0 };
	struct payload_info info;

	(void)state;
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &plain, false, &info), WLK_ERR_STATE);
	assert_int_equal(describe(&f, RTP_CODEC_OPUS, &plain, false, &info), WLK_OK); /* audio has none */
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &plain, true, &info), WLK_OK);
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &plain, false, &info), WLK_ERR_STATE); /* it was not sent */
	send_frames_sent(&f, RTP_CODEC_VP8, &info, 100, false);
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &plain, false, &info), WLK_OK);
	send_frames_broken(&f);
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &plain, false, &info), WLK_ERR_STATE);
}

static void test_picture_ids_count_and_wrap_at_15_bits(void **state)
{
	struct send_frames f = { .has_picture_id = true, .picture_id = 0x7ffe };
	struct payload_info info;

	(void)state;
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &plain, true, &info), WLK_OK);
	assert_int_equal(info.picture_id, 0x7fff);
	assert_int_equal(info.tl0_pic_idx, -1);
	send_frames_sent(&f, RTP_CODEC_VP8, &info, 1, false);
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &plain, false, &info), WLK_OK);
	assert_int_equal(info.picture_id, 0);
}

static void test_tl0picidx_counts_the_frames_of_layer_0(void **state)
{
	struct send_frames f = { .tl0_pic_idx = 255 };
	struct send_frame_layers layers = { .temporal = 0, .spatial = -1 };
	struct payload_info info;

	(void)state;
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &layers, true, &info), WLK_OK);
	assert_int_equal(info.tl0_pic_idx, 0);
	send_frames_sent(&f, RTP_CODEC_VP8, &info, 1, false);
	layers.temporal = 1;
	layers.is_layer_sync = true;
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &layers, false, &info), WLK_OK);
	assert_true(info.tl0_pic_idx == 0 && info.temporal == 1 && info.is_layer_sync);
	send_frames_sent(&f, RTP_CODEC_VP8, &info, 1, false);
	layers.temporal = 0;
	assert_int_equal(describe(&f, RTP_CODEC_VP8, &layers, false, &info), WLK_OK);
	assert_int_equal(info.tl0_pic_idx, 1);
}

static void test_spatial_layers_of_vp9_share_a_picture_id(void **state)
{
	struct send_frames f = { .has_picture_id = true, .picture_id = 41 };
	struct send_frame_layers layers = { .temporal = 0, .spatial = 0 };
	struct payload_info info;

	(void)state;
	assert_int_equal(describe(&f, RTP_CODEC_VP9, &layers, true, &info), WLK_OK);
	assert_true(info.is_key && info.is_flexible && !info.is_inter_picture && info.picture_id == 42);
	send_frames_sent(&f, RTP_CODEC_VP9, &info, 1, true);
	layers.spatial = 1;
	layers.is_inter_layer = true;
	assert_int_equal(describe(&f, RTP_CODEC_VP9, &layers, false, &info), WLK_OK);
	assert_true(!info.is_key && info.is_inter_layer && !info.is_inter_picture && info.picture_id == 42);
	send_frames_sent(&f, RTP_CODEC_VP9, &info, 1, false);
	layers.spatial = 0;
	assert_int_equal(describe(&f, RTP_CODEC_VP9, &layers, false, &info), WLK_OK);
	assert_true(info.is_inter_picture && !info.is_inter_layer && info.picture_id == 43);
	assert_true(info.ref_count == 1 && info.refs[0] == 1); /* none given: the picture before */
	send_frames_sent(&f, RTP_CODEC_VP9, &info, 1, true);
	layers.spatial = 1;
	layers.ref_count = 2;
	layers.refs[0] = 1;
	layers.refs[1] = 4;
	assert_int_equal(describe(&f, RTP_CODEC_VP9, &layers, false, &info), WLK_OK);
	assert_true(info.is_inter_picture && info.is_inter_layer && info.ref_count == 2 && info.refs[1] == 4);
	layers.ref_count = 1;
	layers.refs[0] = 0; /* the layer begins: it stands on the one below alone */
	assert_int_equal(describe(&f, RTP_CODEC_VP9, &layers, false, &info), WLK_OK);
	assert_true(!info.is_inter_picture && info.is_inter_layer && info.ref_count == 0);
}

static void test_huge_frames_have_two_and_a_half_times_the_average(void **state)
{
	struct send_frames f = { 0 };
	struct payload_info info = PAYLOAD_INFO_NONE;

	(void)state;
	send_frames_sent(&f, RTP_CODEC_H264, &info, 1000, false);
	send_frames_sent(&f, RTP_CODEC_H264, &info, 1000, false);
	send_frames_sent(&f, RTP_CODEC_H264, &info, 2500, false);
	assert_int_equal(f.huge_sent, 0);
	send_frames_sent(&f, RTP_CODEC_H264, &info, 3751, false); /* average 1500 */
	assert_int_equal(f.huge_sent, 1);
	assert_int_equal(f.sent, 4);
}

/* ---- through the engine ---- */

static struct media_engine *engine_with_video(void)
{
	struct media_payload payload = vp8_payload;
	struct media_section_config sections[2] = { { .mid = "" }, { .mid = "1" } };
	struct media_engine *e;

	payload.codec = RTP_CODEC_VP8;
	assert_int_equal(media_engine_create(&e, &(struct media_engine_config){ .unix_us_at_zero = WALL_AT_ZERO }), WLK_OK);
	sections[1].kind = MEDIA_VIDEO;
	sections[1].send = sections[1].receive = true;
	sections[1].payloads = &payload;
	sections[1].payload_count = 1;
	sections[1].send_ext = usual_ext_ids();
	sections[1].send_ext.id[RTP_EXT_VIDEO_ORIENTATION] = 13;
	sections[1].recv_ext = sections[1].send_ext;
	sections[1].ssrc = 11;
	sections[1].rtx_ssrc = 12;
	sections[1].cname = "c";
	assert_int_equal(media_engine_configure(e, 0, sections, 2), WLK_OK);
	return e;
}

static void test_a_frame_goes_out_whole_and_paced(void **state)
{
	static uint8_t data[360000] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 64, 0, 64, 0 };
	struct media_engine *e = engine_with_video();
	struct media_send_frame frame = { .pt = 96, .data = { data, sizeof(data) }, .temporal = -1, .spatial = -1, .timestamp = 9 };
	struct media_outbound_stats stats;
	struct media_transmit tx;
	size_t count = 0, at_once = 0, bytes = 0;
	bool marker = false;

	(void)state;
	assert_int_equal(media_engine_send_pt(e, VIDEO, RTP_CODEC_VP8), 96);
	assert_int_equal(media_engine_send_pt(e, VIDEO, RTP_CODEC_AV1), RTP_PT_NONE);
	assert_int_equal(media_engine_send_pt(e, 7, RTP_CODEC_VP8), RTP_PT_NONE);
	assert_int_equal(media_engine_send_frame(e, SECOND, VIDEO, &frame), WLK_OK);
	for (wlk_time now = SECOND; now < 5 * SECOND; now += MS) {
		while (media_engine_poll_transmit(e, now, &tx)) {
			struct rtp_packet p;

			if (tx.kind == MEDIA_TRANSMIT_RTP) {
				struct payload_info info = PAYLOAD_INFO_NONE;

				assert_int_equal(rtp_parse(&p, tx.buf->data, tx.buf->size), WLK_OK);
				assert_false(marker);
				marker = p.marker;
				assert_int_equal(vp8_descriptor_parse(&info, p.payload.data, p.payload.size), 4);
				assert_int_equal(info.begins, count == 0);
				bytes += p.payload.size - 4;
				assert_true(tx.buf->size <= 1200 - 16 - 2);
				count++;
				at_once += now == SECOND;
			}
			pktbuf_release(tx.buf);
		}
	}
	assert_true(marker);
	assert_int_equal(bytes, sizeof(data));
	assert_in_range(count, 300, 340);
	assert_in_range(at_once, 1, 40); /* a key frame is no burst */
	assert_true(media_engine_outbound_stats(e, 0, &stats));
	assert_int_equal(stats.frames_sent, 1);
	assert_int_equal(stats.key_frames_sent, 1);
	assert_int_equal(stats.frame_width, 64);
	media_engine_destroy(e);
}

static void test_what_cannot_be_sent_is_refused(void **state)
{
	static uint8_t big[1200 * 1100] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 64, 0, 64, 0 };
	struct media_engine *e = engine_with_video();
	struct media_send_frame frame = { .pt = 96, .data = { big, 2000 }, .temporal = -1, .spatial = -1 };

	(void)state;
	frame.data.size = sizeof(big); /* R24, for our own frames too */
	assert_int_equal(media_engine_send_frame(e, 0, VIDEO, &frame), WLK_ERR_TOO_LARGE);
	frame.data.size = 0;
	assert_int_equal(media_engine_send_frame(e, 0, VIDEO, &frame), WLK_ERR_STATE); /* no bytes, so no key frame */
	frame.data.size = 2000;
	frame.pt = 97;
	assert_int_equal(media_engine_send_frame(e, 0, VIDEO, &frame), WLK_ERR_NOT_FOUND);
	assert_int_equal(media_engine_send_frame(e, 0, 0, &frame), WLK_ERR_STATE);
	assert_int_equal(media_engine_send_frame(e, 0, 9, &frame), WLK_ERR_NOT_FOUND);
	frame.pt = 96;
	frame.data.size = 900000; /* some 800 packets; the pacer has room for 4,096 */
	for (int i = 0; i < 5; i++)
		assert_int_equal(media_engine_send_frame(e, 0, VIDEO, &frame), WLK_OK);
	assert_int_equal(media_engine_send_frame(e, 0, VIDEO, &frame), WLK_ERR_AGAIN);
	assert_int_equal(media_engine_set_frames(e, 0, 9, true), WLK_ERR_NOT_FOUND);
	media_engine_destroy(e);
}

/* The orientation elements of the packets that a frame becomes: -1 for a packet without one. */
static size_t orientations(struct media_engine *e, wlk_time now, const struct media_send_frame *frame, int *out)
{
	struct media_transmit tx;
	size_t count = 0;

	assert_int_equal(media_engine_send_frame(e, now, VIDEO, frame), WLK_OK);
	for (wlk_time end = now + SECOND; now < end; now += MS) {
		while (media_engine_poll_transmit(e, now, &tx)) {
			struct rtp_packet p;

			if (tx.kind == MEDIA_TRANSMIT_RTP) {
				wlk_bytes data;

				assert_int_equal(rtp_parse(&p, tx.buf->data, tx.buf->size), WLK_OK);
				data = rtp_ext_find(&p, 13);
				if (p.ssrc == 11 && count < 4) /* not what a probe repeats */
					out[count++] = data.size ? data.data[0] : -1;
			}
			pktbuf_release(tx.buf);
		}
	}
	return count;
}

static void test_rotation_is_told_by_the_last_packet(void **state)
{
	static uint8_t key[2000] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 64, 0, 64, 0 }, inter[10] = { 0x11 };
	struct media_engine *e = engine_with_video();
	struct media_send_frame frame = { .pt = 96, .data = { key, sizeof(key) }, .temporal = -1, .spatial = -1 };
	int told[4];

	(void)state;
	assert_int_equal(orientations(e, SECOND, &frame, told), 2);
	assert_true(told[0] == -1 && told[1] == 0); /* a key frame says that it stands upright, too */
	frame.data = (wlk_bytes){ inter, sizeof(inter) };
	frame.timestamp += 3000;
	assert_int_equal(orientations(e, 2 * SECOND, &frame, told), 1);
	assert_int_equal(told[0], -1);
	frame.timestamp += 3000;
	frame.rotation = 270;
	assert_int_equal(orientations(e, 3 * SECOND, &frame, told), 1);
	assert_int_equal(told[0], 3);
	frame.timestamp += 3000;
	frame.rotation = 0;
	for (wlk_time i = 4; i < 6; i++, frame.timestamp += 3000) {
		assert_int_equal(orientations(e, i * SECOND, &frame, told), 1);
		assert_int_equal(told[0], 0);
	}
	media_engine_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_frame_is_a_key_frame),
		cmocka_unit_test(test_picture_ids_count_and_wrap_at_15_bits),
		cmocka_unit_test(test_tl0picidx_counts_the_frames_of_layer_0),
		cmocka_unit_test(test_spatial_layers_of_vp9_share_a_picture_id),
		cmocka_unit_test(test_huge_frames_have_two_and_a_half_times_the_average),
		cmocka_unit_test(test_a_frame_goes_out_whole_and_paced),
		cmocka_unit_test(test_what_cannot_be_sent_is_refused),
		cmocka_unit_test(test_rotation_is_told_by_the_last_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
