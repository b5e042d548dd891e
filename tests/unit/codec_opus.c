#include "codec_support.h"

#include "media/codec/audio_codec.h"
#include <math.h>

enum { RATE = 48000, FRAME = 960 };

static struct audio_encoder *make_encoder(struct audio_encoder_config config)
{
	struct audio_encoder *e = NULL;

	config.codec = CODEC_OPUS;
	config.channels = config.channels ? config.channels : 1;
	assert_int_equal(audio_encoder_create(&e, NULL, &config), WLK_OK);
	return e;
}

static struct audio_decoder *make_decoder(uint32_t channels)
{
	struct audio_decoder *d = NULL;

	assert_int_equal(audio_decoder_create(&d, NULL, CODEC_OPUS, channels), WLK_OK);
	assert_int_equal(audio_decoder_rate(d), RATE);
	return d;
}

static void test_a_tone_comes_back_at_every_frame_length(void **state)
{
	static const size_t lengths[] = { 120, 240, 480, 960, 1920, 2880, 3840, 4800, 5760 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (uint32_t channels = 1; channels <= 2; channels++) {
			struct audio_encoder *e = make_encoder((struct audio_encoder_config){ .channels = channels, .music = true, .bitrate_bps = 96000 });
			struct audio_decoder *d = make_decoder(channels);
			int16_t in[AUDIO_SAMPLES_MAX * 2], *out = calloc(2 * RATE + AUDIO_SAMPLES_MAX * 2, sizeof(*out));
			uint8_t packet[AUDIO_PACKET_MAX];
			size_t size, got, at = 0;

			for (; at + lengths[i] <= RATE; at += lengths[i]) {
				tone_make(in, at, lengths[i], channels, 1000, RATE, 8000);
				assert_int_equal(audio_encoder_encode(e, in, lengths[i], packet, sizeof(packet), &size), WLK_OK);
				assert_int_equal(audio_decoder_samples(d, packet, size), lengths[i]);
				assert_int_equal(audio_packet_channels(CODEC_OPUS, packet, size), channels);
				assert_int_equal(audio_decoder_decode(d, packet, size, out + at * channels, AUDIO_SAMPLES_MAX, &got), WLK_OK);
				assert_int_equal(got, lengths[i]);
			}
			const int16_t *late = out + (size_t)RATE / 4 * channels;
			double tone = tone_amplitude(late, RATE / 2, channels, 1000, RATE);

			assert_true(fabs(tone - 8000) < 400);
			assert_true(tone_energy(late, RATE / 2, channels) < tone * tone / 2 * 1.02);
			free(out);
			audio_encoder_destroy(e);
			audio_decoder_destroy(d);
		}
	}
}

static void test_lengths_may_change_from_frame_to_frame(void **state)
{
	static const size_t lengths[] = { 480, 2880, 960, 5760, 1920, 480 };
	struct audio_encoder *e = make_encoder((struct audio_encoder_config){ .bitrate_bps = 24000 });
	struct audio_decoder *d = make_decoder(1);
	int16_t in[AUDIO_SAMPLES_MAX], out[AUDIO_SAMPLES_MAX];
	uint8_t packet[AUDIO_PACKET_MAX];
	size_t size, got, at = 0;

	(void)state;
	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(lengths); at += lengths[i++]) {
			speech_make(in, at, lengths[i], RATE);
			assert_int_equal(audio_encoder_encode(e, in, lengths[i], packet, sizeof(packet), &size), WLK_OK);
			assert_int_equal(audio_decoder_decode(d, packet, size, out, AUDIO_SAMPLES_MAX, &got), WLK_OK);
			assert_int_equal(got, lengths[i]);
		}
	}
	assert_int_equal(audio_encoder_encode(e, in, 500, packet, sizeof(packet), &size), WLK_ERR_INVALID);
	assert_int_equal(audio_encoder_encode(e, in, 0, packet, sizeof(packet), &size), WLK_ERR_INVALID);
	assert_int_equal(audio_encoder_encode(e, in, 6240, packet, sizeof(packet), &size), WLK_ERR_INVALID);
	assert_int_equal(audio_encoder_encode(e, in, 5760, packet, 0, &size), WLK_ERR_NOSPACE);
	assert_int_equal(audio_decoder_decode(d, packet, 2, out, 100, &got), WLK_ERR_NOSPACE);
	audio_encoder_destroy(e);
	audio_decoder_destroy(d);
}

/* Bits a second of two seconds of speech. */
static double rate_of(struct audio_encoder *e)
{
	int16_t in[FRAME];
	uint8_t packet[AUDIO_PACKET_MAX];
	size_t size, total = 0;

	for (size_t at = 0; at < 2 * RATE; at += FRAME) {
		speech_make(in, at, FRAME, RATE);
		assert_int_equal(audio_encoder_encode(e, in, FRAME, packet, sizeof(packet), &size), WLK_OK);
		total += size;
	}
	return (double)total * 8 / 2;
}

static void test_the_bit_rate_changes_while_it_runs(void **state)
{
	struct audio_encoder *e = make_encoder((struct audio_encoder_config){ .bitrate_bps = 64000 });
	struct audio_encoder_tuning tuning = { .bitrate_bps = 16000 };

	(void)state;
	double first = rate_of(e);

	assert_int_equal(audio_encoder_tune(e, &tuning), WLK_OK);
	double second = rate_of(e);

	assert_true(first > 48000 && first < 80000);
	assert_true(second > 10000 && second < 21000);
	/* Beyond its range is its end. */
	tuning = (struct audio_encoder_tuning){ .bitrate_bps = 1, .loss_percent = 1000, .fec = true };
	assert_int_equal(audio_encoder_tune(e, &tuning), WLK_OK);
	assert_true(rate_of(e) < 12000);
	tuning = (struct audio_encoder_tuning){ .bitrate_bps = UINT32_MAX };
	assert_int_equal(audio_encoder_tune(e, &tuning), WLK_OK);
	assert_true(rate_of(e) > 100000);
	audio_encoder_destroy(e);
}

enum { SPEECH_PACKETS = 200 };

struct recorded {
	uint8_t data[SPEECH_PACKETS][400];
	size_t size[SPEECH_PACKETS];
};

/* Four seconds of speech at 32 kbit/s in packets of 20 ms. */
static void record_speech(struct recorded *out, bool fec)
{
	struct audio_encoder *e = make_encoder((struct audio_encoder_config){ .bitrate_bps = 32000, .fec = fec, .loss_percent = 20 });
	int16_t in[FRAME];

	for (size_t n = 0; n < SPEECH_PACKETS; n++) {
		speech_make(in, n * FRAME, FRAME, RATE);
		assert_int_equal(audio_encoder_encode(e, in, FRAME, out->data[n], sizeof(out->data[n]), &out->size[n]), WLK_OK);
	}
	audio_encoder_destroy(e);
}

static bool has_fec(const struct recorded *r, size_t n)
{
	return audio_packet_has_fec(CODEC_OPUS, r->data[n], r->size[n]);
}

/* What is heard in the place of lost packets, against what is heard when nothing is lost [dB]. */
static double snr_of_gaps(const struct recorded *r, const bool lost[SPEECH_PACKETS])
{
	struct audio_decoder *d = make_decoder(1), *clean = make_decoder(1);
	int16_t out[AUDIO_SAMPLES_MAX], whole[AUDIO_SAMPLES_MAX], missed[FRAME];
	double signal = 0, noise = 0;
	size_t got;

	for (size_t n = 0; n < SPEECH_PACKETS; n++) {
		assert_int_equal(audio_decoder_decode(clean, r->data[n], r->size[n], whole, AUDIO_SAMPLES_MAX, &got), WLK_OK);
		if (lost[n]) {
			memcpy(missed, whole, sizeof(missed));
			continue;
		}
		if (n > 0 && lost[n - 1]) {
			assert_int_equal(audio_decoder_decode_fec(d, r->data[n], r->size[n], FRAME, out), WLK_OK);
			assert_int_equal(audio_decoder_concealed(d), has_fec(r, n) ? 0 : FRAME);
			for (size_t i = 0; i < FRAME; i++) {
				signal += (double)missed[i] * missed[i];
				noise += pow((double)missed[i] - out[i], 2);
			}
		}
		assert_int_equal(audio_decoder_decode(d, r->data[n], r->size[n], out, AUDIO_SAMPLES_MAX, &got), WLK_OK);
	}
	audio_decoder_destroy(d);
	audio_decoder_destroy(clean);
	return 10 * log10(signal / noise);
}

static void test_fec_recovers_a_lost_packet_better_than_concealment(void **state)
{
	static struct recorded with, without;
	bool lost[SPEECH_PACKETS] = { 0 };
	size_t count = 0;

	(void)state;
	record_speech(&with, true);
	record_speech(&without, false);
	/* Opus sends FEC where somebody speaks. */
	for (size_t n = 10, last = 0; n + 1 < SPEECH_PACKETS; n++) {
		assert_false(has_fec(&without, n));
		if (has_fec(&with, n + 1) && n - last > 6) {
			lost[n] = true;
			last = n;
			count++;
		}
	}
	assert_true(count >= 10);
	double fec = snr_of_gaps(&with, lost), concealed = snr_of_gaps(&without, lost);

	print_message("gaps: %.1f dB with FEC, %.1f dB without\n", fec, concealed);
	assert_true(fec > concealed + 3);
}

static void test_concealment_fades_and_is_silent_after_120_ms(void **state)
{
	struct audio_encoder *e = make_encoder((struct audio_encoder_config){ .bitrate_bps = 32000 });
	struct audio_decoder *d = make_decoder(1);
	int16_t in[FRAME], out[AUDIO_SAMPLES_MAX];
	uint8_t packet[AUDIO_PACKET_MAX];
	size_t size, got;
	double heard = 0, energy[8];

	(void)state;
	for (size_t n = 0; n < 30; n++) {
		tone_make(in, n * FRAME, FRAME, 1, 300, RATE, 8000);
		assert_int_equal(audio_encoder_encode(e, in, FRAME, packet, sizeof(packet), &size), WLK_OK);
		assert_int_equal(audio_decoder_decode(d, packet, size, out, AUDIO_SAMPLES_MAX, &got), WLK_OK);
		heard = tone_energy(out, FRAME, 1);
	}
	for (int i = 0; i < 8; i++) {
		audio_decoder_conceal(d, FRAME, out);
		energy[i] = tone_energy(out, FRAME, 1);
		assert_int_equal(audio_decoder_concealed(d), (size_t)FRAME * (size_t)(i + 1));
	}
	assert_true(energy[0] > heard / 10 && energy[0] < heard * 1.5);
	assert_true(energy[5] < energy[0]);
	assert_true(energy[6] == 0 && energy[7] == 0);
	/* A packet begins a new count. */
	assert_int_equal(audio_decoder_decode(d, packet, size, out, AUDIO_SAMPLES_MAX, &got), WLK_OK);
	assert_int_equal(audio_decoder_concealed(d), 0);
	/* Lengths that no Opus frame has. */
	audio_decoder_conceal(d, 1, out);
	audio_decoder_conceal(d, 777, out);
	audio_decoder_conceal(d, AUDIO_SAMPLES_MAX, out);
	assert_int_equal(out[AUDIO_SAMPLES_MAX - 1], 0);
	audio_encoder_destroy(e);
	audio_decoder_destroy(d);
}

static void test_a_gap_longer_than_the_fec_is_filled_whole(void **state)
{
	static struct recorded r;
	struct audio_decoder *d = make_decoder(1);
	int16_t out[AUDIO_SAMPLES_MAX];
	size_t got, n = 0;

	(void)state;
	record_speech(&r, true);
	for (; n < 20 || !has_fec(&r, n + 3); n++)
		assert_int_equal(audio_decoder_decode(d, r.data[n], r.size[n], out, AUDIO_SAMPLES_MAX, &got), WLK_OK);
	memset(out, 0x55, sizeof(out));
	assert_int_equal(audio_decoder_decode_fec(d, r.data[n + 3], r.size[n + 3], 2 * FRAME + 7, out), WLK_OK);
	assert_int_equal(out[2 * FRAME + 7], 0x5555);
	assert_true(tone_energy(out + FRAME + 7, FRAME, 1) > 0);
	assert_int_equal(audio_decoder_concealed(d), 0);
	/* Of no packet at all: concealed, and said. */
	assert_int_equal(audio_decoder_decode_fec(d, (const uint8_t[]){ 0xff }, 1, FRAME, out), WLK_ERR_PARSE);
	assert_int_equal(audio_decoder_concealed(d), FRAME);
	audio_decoder_destroy(d);
}

static void test_dtx_sends_little_and_its_silence_is_filled_with_noise(void **state)
{
	struct audio_encoder *e = make_encoder((struct audio_encoder_config){ .bitrate_bps = 24000, .dtx = true });
	struct audio_decoder *d = make_decoder(1);
	int16_t in[FRAME], out[AUDIO_SAMPLES_MAX];
	uint8_t packet[AUDIO_PACKET_MAX];
	size_t size, got, sent = 0, empty = 0, longest = 0, run = 0;
	uint32_t noise = 1;

	(void)state;
	for (size_t n = 0; n < 250; n++) {
		speech_make(in, n * FRAME, FRAME, RATE);
		for (size_t i = 0; i < FRAME && n >= 50; i++) {
			noise = noise * 1664525u + 1013904223u;
			in[i] = (int16_t)((int)(noise >> 29) - 4);
		}
		assert_int_equal(audio_encoder_encode(e, in, FRAME, packet, sizeof(packet), &size), WLK_OK);
		run = size ? 0 : run + 1;
		longest = MAX(longest, run);
		if (n >= 50)
			sent += size > 0;
		if (!size) {
			audio_decoder_conceal(d, FRAME, out);
			continue;
		}
		empty += audio_packet_is_dtx(CODEC_OPUS, packet, size);
		assert_int_equal(audio_decoder_decode(d, packet, size, out, AUDIO_SAMPLES_MAX, &got), WLK_OK);
	}
	/* Of 200 frames of silence: those at its beginning, and two every 400 ms. */
	assert_true(sent < 50 && sent >= 10);
	assert_true(empty >= 5);
	assert_in_range(longest, 10, 20);
	audio_encoder_destroy(e);
	audio_decoder_destroy(d);
}

static void test_what_packets_say(void **state)
{
	struct audio_decoder *d = make_decoder(1);
	uint8_t too_long[] = { 0x1b, 0x03, 0, 0, 0 }; /* SILK, 60 ms, code 3: three frames are 180 ms */

	(void)state;
	assert_int_equal(audio_decoder_samples(d, (const uint8_t[]){ 0xf8 }, 1), 960);       /* CELT, 20 ms, code 0 */
	assert_int_equal(audio_decoder_samples(d, (const uint8_t[]){ 0xf9, 1, 1 }, 3), 1920); /* two frames */
	assert_int_equal(audio_decoder_samples(d, too_long, sizeof(too_long)), 0);
	assert_int_equal(audio_decoder_samples(d, too_long, 0), 0);
	assert_int_equal(audio_decoder_samples(d, (const uint8_t[]){ 0x1b }, 1), 0);
	assert_int_equal(audio_packet_channels(CODEC_OPUS, (const uint8_t[]){ 0xfc }, 1), 2);
	assert_int_equal(audio_packet_channels(CODEC_OPUS, NULL, 0), 0);
	assert_false(audio_packet_has_fec(CODEC_OPUS, NULL, 0));
	assert_false(audio_packet_has_fec(CODEC_OPUS, (const uint8_t[]){ 0xf8, 0xff }, 2)); /* CELT has none */
	assert_true(audio_packet_has_fec(CODEC_OPUS, (const uint8_t[]){ 0x08, 0x40 }, 2));  /* SILK 20 ms: VAD, then LBRR */
	assert_false(audio_packet_has_fec(CODEC_OPUS, (const uint8_t[]){ 0x08, 0xbf }, 2));
	assert_true(audio_packet_has_fec(CODEC_OPUS, (const uint8_t[]){ 0x18, 0x10 }, 2));  /* 60 ms: three VAD bits before it */
	assert_true(audio_packet_has_fec(CODEC_OPUS, (const uint8_t[]){ 0x0c, 0x10 }, 2));  /* stereo: of the side channel */
	assert_false(audio_packet_has_fec(CODEC_PCMU, (const uint8_t[]){ 0x08, 0x40 }, 2));
	assert_true(audio_packet_is_dtx(CODEC_OPUS, (const uint8_t[]){ 0x08 }, 1));
	assert_false(audio_packet_is_dtx(CODEC_PCMA, (const uint8_t[]){ 0x08 }, 1));
	audio_decoder_destroy(d);
}

static void test_mutated_packets_leave_a_decoder_that_goes_on(void **state)
{
	struct audio_encoder *e = make_encoder((struct audio_encoder_config){ .bitrate_bps = 32000, .fec = true, .loss_percent = 20 });
	struct audio_decoder *d = make_decoder(2);
	int16_t in[FRAME], out[AUDIO_SAMPLES_MAX * 2];
	uint8_t packet[AUDIO_PACKET_MAX];
	size_t size, got, refused = 0;
	uint32_t r = 99;

	(void)state;
	for (size_t n = 0; n < 2000; n++) {
		speech_make(in, n % 50 * FRAME, FRAME, RATE);
		assert_int_equal(audio_encoder_encode(e, in, FRAME, packet, sizeof(packet), &size), WLK_OK);
		for (int k = 0; k < 3; k++) {
			r = r * 1664525u + 1013904223u;
			packet[(r >> 8) % size] ^= (uint8_t)(1u << (r >> 29));
		}
		size -= (r >> 4) % size;
		refused += audio_decoder_decode(d, packet, size, out, AUDIO_SAMPLES_MAX, &got) != WLK_OK;
		if (n % 5 == 0)
			(void)audio_decoder_decode_fec(d, packet, size, 1 + r % AUDIO_SAMPLES_MAX, out);
	}
	assert_true(refused > 0 && refused < 2000);
	for (size_t n = 0; n < 50; n++) {
		tone_make(in, n * FRAME, FRAME, 1, 500, RATE, 8000);
		assert_int_equal(audio_encoder_encode(e, in, FRAME, packet, sizeof(packet), &size), WLK_OK);
		assert_int_equal(audio_decoder_decode(d, packet, size, out, AUDIO_SAMPLES_MAX, &got), WLK_OK);
	}
	assert_true(fabs(tone_amplitude(out, FRAME, 2, 500, RATE) - 8000) < 1600);
	audio_encoder_destroy(e);
	audio_decoder_destroy(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_tone_comes_back_at_every_frame_length),
		cmocka_unit_test(test_lengths_may_change_from_frame_to_frame),
		cmocka_unit_test(test_the_bit_rate_changes_while_it_runs),
		cmocka_unit_test(test_fec_recovers_a_lost_packet_better_than_concealment),
		cmocka_unit_test(test_concealment_fades_and_is_silent_after_120_ms),
		cmocka_unit_test(test_a_gap_longer_than_the_fec_is_filled_whole),
		cmocka_unit_test(test_dtx_sends_little_and_its_silence_is_filled_with_noise),
		cmocka_unit_test(test_what_packets_say),
		cmocka_unit_test(test_mutated_packets_leave_a_decoder_that_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
