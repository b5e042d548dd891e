/* Real browsers: every captured description is read, written, answered and agreed on. */
#include "sdp_support.h"

#include <string.h>

/* Same set of lines; we sort them our way. */
static size_t count_lines(const char *text)
{
	return occurrences(text, "\r\n");
}

static void every_line_survives(const char *name, const char *text, const char *written)
{
	const char *at = text;

	if (count_lines(text) != count_lines(written))
		fail_msg("%s: %zu lines became %zu", name, count_lines(text), count_lines(written));
	while (*at) {
		size_t size = (size_t)(strstr(at, "\r\n") - at) + 2;
		char *line = wlk_strndup(at, size);

		if (!contains(written, line))
			fail_msg("%s lost %s", name, line);
		wlk_free(line);
		at += size;
	}
}

static void round_trip(const char *name, const char *text, size_t size)
{
	struct sdp_session *s = must_parse(text);
	char *first = must_write(s);
	struct sdp_session *again = must_parse(first);
	char *second = must_write(again);

	(void)size;
	every_line_survives(name, text, first);
	assert_string_equal(first, second);
	/* Chromium's order of lines is ours */
	if (contains(name, "chromium.dc."))
		assert_string_equal(first, text);
	wlk_free(first);
	wlk_free(second);
	sdp_session_destroy(s);
	sdp_session_destroy(again);
}

static void test_parse_write_parse(void **state)
{
	(void)state;
	assert_int_equal(each_vector(round_trip), 52);
}

/* The browser's own answer to its own offer: same sections, and ours accepts what it accepts. */
static void like_the_browser(const struct sdp_session *answer, const struct sdp_session *browser)
{
	assert_int_equal(answer->media_count, browser->media_count);
	for (size_t i = 0; i < answer->media_count; i++) {
		assert_int_equal(answer->media[i]->kind, browser->media[i]->kind);
		assert_true(str_equal(answer->media[i]->mid, browser->media[i]->mid));
		assert_true(str_equal(answer->media[i]->proto, browser->media[i]->proto));
		assert_int_equal(sdp_media_rejected(answer->media[i]), sdp_media_rejected(browser->media[i]));
		assert_int_equal(answer->media[i]->setup, browser->media[i]->setup);
		/* the same codec comes first */
		if (answer->media[i]->codec_count)
			assert_int_equal(answer->media[i]->codecs[0].payload_type,
					 browser->media[i]->codecs[0].payload_type);
	}
	assert_int_equal(sdp_bundle(answer)->mid_count, sdp_bundle(browser)->mid_count);
}

static void answer_offer(const char *name, const char *text, size_t size)
{
	char other[256];
	struct sdp_session *offer, *browser, *answer;
	struct sdp_agreement *ours, *theirs;
	struct sdp_side side;
	struct sdp_error err;
	char *tail, *browser_text, *written;

	(void)size;
	if (!contains(name, ".offer."))
		return;
	strcpy(other, name);
	tail = strstr(other, ".offer.");
	strcpy(tail, ".answer.sdp");
	browser_text = read_vector(other, &size);
	offer = must_parse(text);
	browser = must_parse(browser_text);
	assert_int_equal(sdp_check_offer(offer, &err), WLK_OK);
	if (sdp_check_answer(offer, browser, &err))
		fail_msg("%s: %zu %s", other, err.line, err.message);
	side_init(&side);
	side_follow(&side, offer);
	answer = must_answer(offer, &side);
	like_the_browser(answer, browser);
	written = must_write(answer);
	sdp_session_destroy(must_parse(written));
	ours = must_agree(answer, offer, false);
	theirs = must_agree(offer, browser, true);
	assert_true(ours->transport.present && theirs->transport.present);
	assert_true(ours->transport.local_is_dtls_client);
	assert_false(theirs->transport.local_is_dtls_client);
	assert_int_equal(ours->transport.index, 0);
	for (size_t i = 0; i < ours->section_count; i++)
		assert_true(ours->sections[i].kind == SDP_APPLICATION || ours->sections[i].codec_count > 0);
	sdp_agreement_destroy(ours);
	sdp_agreement_destroy(theirs);
	sdp_session_destroy(offer);
	sdp_session_destroy(browser);
	sdp_session_destroy(answer);
	wlk_free(written);
	wlk_free(browser_text);
}

static void test_each_offer_is_answered_as_the_browser_does(void **state)
{
	size_t before = alloc_live_blocks();

	(void)state;
	each_vector(answer_offer);
	assert_int_equal(alloc_live_blocks(), before);
}

static void restart(const char *browser)
{
	struct sdp_session *descriptions[4];
	static const char *const names[] = { "av-dc.offer", "av-dc.ice-restart.offer", "av-dc.answer",
					     "av-dc.ice-restart.answer" };
	struct sdp_update update;
	size_t size;

	for (size_t i = 0; i < 4; i++) {
		char name[128] = "";
		char *text;

		strcat(strcat(strcat(strcat(name, browser), "."), names[i]), ".sdp");
		text = read_vector(name, &size);
		descriptions[i] = must_parse(text);
		wlk_free(text);
	}
	/* the captures are of different connections, so that the fingerprint differs, too: allowed with a restart */
	assert_int_equal(sdp_check_update(descriptions[0], descriptions[1], false, true, &update, NULL), WLK_OK);
	assert_true(update.ice_restart);
	assert_int_equal(sdp_check_update(descriptions[2], descriptions[3], true, true, &update, NULL), WLK_OK);
	assert_true(update.ice_restart);
	assert_int_equal(sdp_check_update(descriptions[2], descriptions[3], true, false, &update, NULL),
			 WLK_ERR_NEGOTIATION);
	for (size_t i = 0; i < 4; i++)
		sdp_session_destroy(descriptions[i]);
}

static void test_R35_ice_restarts_of_browsers_are_seen(void **state)
{
	(void)state;
	restart("chromium");
	restart("firefox");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_write_parse),
		cmocka_unit_test(test_each_offer_is_answered_as_the_browser_does),
		cmocka_unit_test(test_R35_ice_restarts_of_browsers_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
