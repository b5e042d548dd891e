/* Several transports in one description: BUNDLE groups and what is in none (RFC 9143, RFC 9429 4.1.1). */
#include "sdp_support.h"

#include <string.h>

#define MUX "a=rtcp-mux\r\na=setup:actpass\r\n"
#define ICE(u) "a=ice-ufrag:" u "\r\na=ice-pwd:0123456789012345678901\r\n"
#define AUDIO(mid) "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:" mid "\r\n"
#define DATA(mid) "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\na=setup:actpass\r\na=mid:" mid "\r\n"
#define APART                                                                                                          \
	TEST_HEAD AUDIO("0") ICE("aaaa") TEST_FINGERPRINT MUX AUDIO("1") ICE("bbbb") TEST_FINGERPRINT MUX DATA("2")    \
		ICE("cccc") TEST_FINGERPRINT

enum { TRANSPORTS = 3 };

/* A side with a transport for each m-line: "tra0", "tra1"... */
struct several {
	struct sdp_side side;
	struct sdp_transport transports[TRANSPORTS];
	char ufrags[TRANSPORTS][8];
};

static void several_init(struct several *s, const struct sdp_session *offer)
{
	side_init(&s->side);
	if (offer)
		side_follow(&s->side, offer);
	for (size_t i = 0; i < TRANSPORTS; i++) {
		memcpy(s->ufrags[i], "tra0", 5);
		s->ufrags[i][3] = (char)('0' + i);
		s->transports[i] = s->side.transport;
		s->transports[i].ufrag = str_of(s->ufrags[i]);
	}
	for (size_t i = 0; i < TRANSPORTS; i++)
		s->side.wishes[i].transport = &s->transports[i];
}

static struct sdp_session *answer_to(const char *text, struct several *s)
{
	struct sdp_session *offer = must_parse(text), *answer;
	struct sdp_error err = { 0 };

	assert_int_equal(sdp_check_offer(offer, &err), WLK_OK);
	several_init(s, offer);
	answer = must_answer(offer, &s->side);
	sdp_session_destroy(offer);
	return answer;
}

static void test_sections_without_a_group_get_transports_of_their_own(void **state)
{
	struct sdp_session *offer = must_parse(APART), *answer;
	struct sdp_agreement *a;
	struct several s;

	(void)state;
	answer = answer_to(APART, &s);
	assert_null(sdp_bundle(answer));
	for (size_t i = 0; i < TRANSPORTS; i++) {
		assert_false(sdp_media_rejected(answer->media[i]));
		str_is(answer->media[i]->ice.ufrag, s.ufrags[i]);
		assert_int_equal(answer->media[i]->candidate_count, 1);
	}
	a = must_agree(answer, offer, false);
	assert_int_equal(a->transport_count, 3);
	for (size_t i = 0; i < TRANSPORTS; i++) {
		assert_int_equal(a->sections[i].transport, i);
		assert_int_equal(a->transports[i].index, i);
		assert_int_equal(a->transports[i].local_index, i);
		assert_false(a->transports[i].bundled);
	}
	str_is(a->transports[1].ufrag, "bbbb");
	sdp_agreement_destroy(a);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

static void test_what_shares_a_transport_without_a_group_is_refused(void **state)
{
	struct sdp_session *offer = must_parse(APART), *answer;
	struct sdp_side side;

	(void)state;
	side_init(&side);
	side_follow(&side, offer);
	answer = must_answer(offer, &side);
	assert_false(sdp_media_rejected(answer->media[0]));
	assert_true(sdp_media_rejected(answer->media[1]));
	assert_true(sdp_media_rejected(answer->media[2]));
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

/* Two groups: each has one transport, that of its first accepted section. */
static void test_two_groups(void **state)
{
	static const char text[] = TEST_HEAD "a=group:BUNDLE 1 0\r\na=group:BUNDLE 2\r\n" AUDIO("0") ICE("aaaa") TEST_FINGERPRINT MUX
		AUDIO("1") ICE("aaaa") TEST_FINGERPRINT MUX DATA("2") ICE("cccc") TEST_FINGERPRINT;
	struct sdp_session *offer = must_parse(text), *answer;
	struct sdp_agreement *a;
	struct several s;
	char *written;

	(void)state;
	answer = answer_to(text, &s);
	written = must_write(answer);
	assert_true(contains(written, "a=group:BUNDLE 1 0\r\n") && contains(written, "a=group:BUNDLE 2\r\n"));
	str_is(answer->media[0]->ice.ufrag, "tra1");
	str_is(answer->media[1]->ice.ufrag, "tra1");
	str_is(answer->media[2]->ice.ufrag, "tra2");
	assert_int_equal(answer->media[0]->candidate_count, 0);
	assert_int_equal(answer->media[1]->candidate_count, 1);
	a = must_agree(answer, offer, false);
	assert_int_equal(a->transport_count, 2);
	assert_int_equal(a->sections[0].transport, a->sections[1].transport);
	assert_int_equal(a->transports[a->sections[0].transport].local_index, 1);
	assert_int_equal(a->transports[a->sections[2].transport].local_index, 2);
	assert_true(a->transports[0].bundled && a->transports[1].bundled);
	sdp_agreement_destroy(a);
	wlk_free(written);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

/* R17 for each transport: an offered role is answered with the other one. */
static void test_R17_each_transport_has_its_role(void **state)
{
	static const char text[] = TEST_HEAD AUDIO("0") ICE("aaaa") TEST_FINGERPRINT "a=rtcp-mux\r\na=setup:active\r\n" AUDIO("1")
		ICE("bbbb") TEST_FINGERPRINT "a=rtcp-mux\r\na=setup:passive\r\n";
	struct sdp_session *offer = must_parse(text), *answer;
	struct sdp_agreement *a;
	struct several s;

	(void)state;
	answer = answer_to(text, &s);
	assert_int_equal(answer->media[0]->setup, SDP_SETUP_PASSIVE);
	assert_int_equal(answer->media[1]->setup, SDP_SETUP_ACTIVE);
	a = must_agree(answer, offer, false);
	assert_false(a->transports[0].local_is_dtls_client);
	assert_true(a->transports[1].local_is_dtls_client);
	sdp_agreement_destroy(a);
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
}

static void refuse(const char *text, const char *message)
{
	struct sdp_session *offer = must_parse(text);
	struct sdp_error err = { 0 };

	assert_int_equal(sdp_check_offer(offer, &err), WLK_ERR_NEGOTIATION);
	assert_true(contains(err.message, message));
	sdp_session_destroy(offer);
}

static void test_a_section_is_in_one_group(void **state)
{
	(void)state;
	refuse(TEST_HEAD "a=group:BUNDLE 0\r\na=group:BUNDLE 0\r\n" AUDIO("0") ICE("aaaa") TEST_FINGERPRINT MUX, "two BUNDLE groups");
	refuse(TEST_HEAD "a=group:BUNDLE 0\r\na=group:BUNDLE 7\r\n" AUDIO("0") ICE("aaaa") TEST_FINGERPRINT MUX, "no section has");
}

static struct sdp_session *offered(struct several *s)
{
	struct sdp_session *offer;

	several_init(s, NULL);
	side_add(&s->side, SDP_AUDIO, "0");
	side_add(&s->side, SDP_VIDEO, "1");
	side_add(&s->side, SDP_APPLICATION, "2");
	for (size_t i = 0; i < TRANSPORTS; i++)
		s->side.wishes[i].transport = &s->transports[i];
	offer = must_offer(&s->side, NULL);
	return offer;
}

/* RFC 9429 4.1.1, max-compat: each section has a transport with candidates, and all are offered as one group. */
static void test_an_offer_of_three_transports(void **state)
{
	struct sdp_session *offer;
	struct several s;
	char *written;

	(void)state;
	offer = offered(&s);
	written = must_write(offer);
	assert_true(contains(written, "a=group:BUNDLE 0 1 2\r\n"));
	assert_int_equal(occurrences(written, "a=candidate"), 3);
	for (size_t i = 0; i < TRANSPORTS; i++) {
		str_is(offer->media[i]->ice.ufrag, s.ufrags[i]);
		assert_int_not_equal(offer->media[i]->port, 0);
	}
	wlk_free(written);
	sdp_session_destroy(offer);
}

static wlk_err answered(struct sdp_session *offer, const char *from, const char *to, size_t *transports, struct sdp_error *err)
{
	struct several theirs;
	struct sdp_session *answer, *changed;
	struct sdp_agreement *a;
	char *text, *at, *out;
	wlk_err code;

	several_init(&theirs, offer);
	answer = must_answer(offer, &theirs.side);
	text = must_write(answer);
	at = strstr(text, from);
	assert_non_null(at);
	out = wlk_malloc(strlen(text) + strlen(to) + 1);
	memcpy(out, text, (size_t)(at - text));
	strcpy(out + (at - text), to);
	strcat(out, at + strlen(from));
	changed = must_parse(out);
	code = sdp_check_answer(offer, changed, err);
	if (!code) {
		a = must_agree(offer, changed, true);
		*transports = a->transport_count;
		sdp_agreement_destroy(a);
	}
	sdp_session_destroy(changed);
	sdp_session_destroy(answer);
	wlk_free(text);
	wlk_free(out);
	return code;
}

static void test_an_answer_bundles_or_does_not(void **state)
{
	struct sdp_session *offer;
	struct sdp_error err = { 0 };
	struct several s;
	size_t count = 0;

	(void)state;
	offer = offered(&s);
	assert_int_equal(answered(offer, "a=group:BUNDLE 0 1 2\r\n", "a=group:BUNDLE 0 1 2\r\n", &count, &err), WLK_OK);
	assert_int_equal(count, 1);
	assert_int_equal(answered(offer, "a=group:BUNDLE 0 1 2\r\n", "", &count, &err), WLK_OK);
	assert_int_equal(count, 3);
	assert_int_equal(answered(offer, "a=group:BUNDLE 0 1 2\r\n", "a=group:BUNDLE 0 2\r\n", &count, &err), WLK_OK);
	assert_int_equal(count, 2);
	sdp_session_destroy(offer);
}

/* balanced: the second section of a kind is bundle-only, so it can only ride with another. */
static void test_bundle_only_is_not_taken_apart(void **state)
{
	struct sdp_session *offer;
	struct sdp_error err = { 0 };
	struct several s;
	size_t count;

	(void)state;
	several_init(&s, NULL);
	side_add(&s.side, SDP_AUDIO, "0")->transport = &s.transports[0];
	side_add(&s.side, SDP_AUDIO, "1")->transport = &s.transports[0];
	s.side.wishes[1].bundle_only = true;
	offer = must_offer(&s.side, NULL);
	assert_true(offer->media[1]->bundle_only);
	assert_int_equal(offer->media[1]->port, 0);
	assert_int_equal(answered(offer, "a=group:BUNDLE 0 1\r\n", "", &count, &err), WLK_ERR_NEGOTIATION);
	assert_true(contains(err.message, "bundle-only"));
	sdp_session_destroy(offer);
}

static void test_what_is_unbundled_stays_out_of_the_groups(void **state)
{
	struct sdp_session *offer;
	struct several s;
	char *written;

	(void)state;
	several_init(&s, NULL);
	side_add(&s.side, SDP_AUDIO, "0")->transport = &s.transports[0];
	side_add(&s.side, SDP_VIDEO, "1")->transport = &s.transports[1];
	side_add(&s.side, SDP_APPLICATION, "2")->transport = &s.transports[2];
	s.side.wishes[1].bundle = 1;
	s.side.wishes[2].bundle = SDP_UNBUNDLED;
	offer = must_offer(&s.side, NULL);
	written = must_write(offer);
	assert_true(contains(written, "a=group:BUNDLE 0\r\n") && contains(written, "a=group:BUNDLE 1\r\n"));
	assert_int_equal(occurrences(written, "a=group:BUNDLE"), 2);
	wlk_free(written);
	sdp_session_destroy(offer);
}

/* R35: each transport is compared with what it was. */
static void test_R35_a_restart_of_one_transport(void **state)
{
	static const char again[] = TEST_HEAD AUDIO("0") ICE("aaaa") TEST_FINGERPRINT MUX AUDIO("1") ICE("xxxx") TEST_FINGERPRINT MUX
		DATA("2") ICE("cccc") TEST_FINGERPRINT;
	struct sdp_session *before = must_parse(APART), *after = must_parse(again);
	struct sdp_error err = { 0 };
	struct sdp_update update;

	(void)state;
	assert_int_equal(sdp_check_update(before, after, false, true, &update, &err), WLK_OK);
	assert_true(update.ice_restart && update.restarts[1]);
	assert_false(update.restarts[0] || update.restarts[2] || update.fingerprint_changed);
	assert_int_equal(sdp_check_update(before, after, true, false, &update, &err), WLK_ERR_NEGOTIATION);
	assert_int_equal(sdp_check_update(before, after, true, true, &update, &err), WLK_ERR_NEGOTIATION);
	sdp_session_destroy(before);
	sdp_session_destroy(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections_without_a_group_get_transports_of_their_own),
		cmocka_unit_test(test_what_shares_a_transport_without_a_group_is_refused),
		cmocka_unit_test(test_two_groups),
		cmocka_unit_test(test_R17_each_transport_has_its_role),
		cmocka_unit_test(test_a_section_is_in_one_group),
		cmocka_unit_test(test_an_offer_of_three_transports),
		cmocka_unit_test(test_an_answer_bundles_or_does_not),
		cmocka_unit_test(test_bundle_only_is_not_taken_apart),
		cmocka_unit_test(test_what_is_unbundled_stays_out_of_the_groups),
		cmocka_unit_test(test_R35_a_restart_of_one_transport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
