#include "payload_support.h"

#include "media/rtp/opus.h"

static uint32_t samples(uint8_t toc, uint8_t count, size_t size)
{
	uint8_t packet[16] = { toc, count };

	return opus_samples(packet, size);
}

static void test_frame_durations_of_rfc_6716_table_2(void **state)
{
	static const uint32_t silk[] = { 480, 960, 1920, 2880 }, celt[] = { 120, 240, 480, 960 };

	(void)state;
	for (uint8_t config = 0; config < 32; config++) {
		uint32_t expected = config < 12	  ? silk[config % 4]
				    : config < 16 ? silk[config % 2]
						  : celt[config % 4];

		assert_int_equal(samples((uint8_t)(config << 3), 0, 3), expected);
		assert_int_equal(samples((uint8_t)(config << 3), 0, 1), expected); /* DTX: nothing behind the TOC */
		assert_int_equal(samples((uint8_t)(config << 3 | 1), 0, 3), 2 * expected);
	}
}

static void test_counts_and_malformed_packets(void **state)
{
	(void)state;
	assert_int_equal(samples(0xff, 6, 3), 5760);  /* 6 frames of 20 ms: the longest */
	assert_int_equal(samples(0xff, 7, 3), 0);     /* R5: over 120 ms */
	assert_int_equal(samples(0xff, 0, 3), 0);     /* no frame */
	assert_int_equal(samples(0xff, 0xc3, 3), 2880); /* VBR and padding bits are not the count */
	assert_int_equal(samples(0xff, 0, 1), 0);     /* R6: no count byte */
	assert_int_equal(samples(0x01, 0, 4), 0);     /* R3: halves of different size */
	assert_int_equal(samples(0x02, 0, 1), 0);     /* R4: no size */
	assert_int_equal(samples(0, 0, 0), 0);
	assert_true(opus_is_stereo((const uint8_t *)"\x04", 1));
	assert_false(opus_is_stereo((const uint8_t *)"\xfb", 1));
}

static void test_a_packet_is_a_frame(void **state)
{
	static const enum rtp_codec codecs[] = { RTP_CODEC_OPUS, RTP_CODEC_PCMU, RTP_CODEC_PCMA, RTP_CODEC_G722 };
	struct payload_info info = PAYLOAD_INFO_NONE;
	struct packetizer p;
	uint8_t frame[1300] = { 0x78 };

	(void)state;
	fill(frame + 1, sizeof(frame) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		assert_round_trip(codecs[i], &info, (wlk_bytes){ frame, 160 }, (wlk_bytes){ frame, 160 }, 1200);
		assert_round_trip(codecs[i], &info, (wlk_bytes){ frame, 1200 }, (wlk_bytes){ frame, 1200 }, 1200);
		assert_int_equal(packetizer_init(&p, codecs[i], &info, (wlk_bytes){ frame, 1201 }, 1200, false), WLK_ERR_TOO_LARGE);
		assert_true(rtp_codec_is_audio(codecs[i]) && rtp_codec_has_frames(codecs[i]));
	}
	frame[0] = 1; /* two halves that are none */
	assert_int_equal(packetizer_init(&p, RTP_CODEC_OPUS, &info, (wlk_bytes){ frame, 160 }, 1200, false), WLK_ERR_INVALID);
	assert_int_equal(packetizer_init(&p, RTP_CODEC_DTMF, &info, (wlk_bytes){ frame, 4 }, 1200, false), WLK_ERR_UNSUPPORTED);
	assert_false(rtp_codec_has_frames(RTP_CODEC_DTMF));
	assert_false(rtp_codec_has_frames(RTP_CODEC_UNKNOWN));
}

static void test_codec_names(void **state)
{
	(void)state;
	assert_int_equal(rtp_codec_of_name("OPUS", 4), RTP_CODEC_OPUS);
	assert_int_equal(rtp_codec_of_name("vp8", 3), RTP_CODEC_VP8);
	assert_int_equal(rtp_codec_of_name("VP90", 3), RTP_CODEC_VP9);
	assert_int_equal(rtp_codec_of_name("VP9", 2), RTP_CODEC_UNKNOWN);
	assert_int_equal(rtp_codec_of_name("rtx", 3), RTP_CODEC_UNKNOWN);
	assert_int_equal(rtp_codec_of_name("telephone-event", 15), RTP_CODEC_DTMF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_durations_of_rfc_6716_table_2),
		cmocka_unit_test(test_counts_and_malformed_packets),
		cmocka_unit_test(test_a_packet_is_a_frame),
		cmocka_unit_test(test_codec_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
