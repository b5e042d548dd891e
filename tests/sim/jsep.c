/*
 * Each signalling state, side and type with real descriptions, against a table written by hand from RFC 9429 3.2, 4.1.10 and W3C
 * webrtc-pc 4.4.1.5: where the call leads, or which error it answers and that nothing has changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sim.h"

enum { STABLE, L_OFFER, R_OFFER, L_PR, R_PR, CLOSED, STATES };
enum { SIDE_LOCAL, SIDE_REMOTE, SIDES };
enum { ERR = -100 };

/* A state, or ERR + an error. */
#define STATE_ERR (ERR + WLK_ERR_STATE)
#define NOT_MADE (ERR + WLK_ERR_NEGOTIATION) /* InvalidModificationError */

static const char *const names[] = { "stable", "have-local-offer", "have-remote-offer", "have-local-pranswer", "have-remote-pranswer", "closed" };

/*
 * Columns: offer, pranswer, answer, rollback. Local descriptions have no text, so that they are made (the implicit form). A remote
 * offer in have-local-offer is glare: ours is rolled back first.
 */
static const int table[STATES][SIDES][4] = {
	[STABLE] = { { L_OFFER, STATE_ERR, STATE_ERR, STATE_ERR }, { R_OFFER, STATE_ERR, STATE_ERR, STATE_ERR } },
	[L_OFFER] = { { L_OFFER, STATE_ERR, STATE_ERR, STABLE }, { R_OFFER, R_PR, STABLE, STATE_ERR } },
	[R_OFFER] = { { STATE_ERR, L_PR, STABLE, STATE_ERR }, { R_OFFER, STATE_ERR, STATE_ERR, STABLE } },
	[L_PR] = { { STATE_ERR, L_PR, STABLE, STATE_ERR }, { STATE_ERR, STATE_ERR, STATE_ERR, STATE_ERR } },
	[R_PR] = { { STATE_ERR, STATE_ERR, STATE_ERR, STATE_ERR }, { STATE_ERR, R_PR, STABLE, STATE_ERR } },
	[CLOSED] = { { STATE_ERR, STATE_ERR, STATE_ERR, STATE_ERR }, { STATE_ERR, STATE_ERR, STATE_ERR, STATE_ERR } },
};

/* What setLocalDescription(NULL) makes of each state (W3C 4.4.2: the type is implied). */
static const int implicit[STATES] = { L_OFFER, L_OFFER, STABLE, STABLE, STATE_ERR, STATE_ERR };
/* Where createOffer() and createAnswer() work (W3C 4.4.1.3, 4.4.1.4). */
static const bool offers[STATES] = { true, true, false, false, false, false };
static const bool answers[STATES] = { false, false, true, true, false, false };

struct subject {
	struct sim sim;
	wlk_peer_connection *pc;
	char *offer;  /* of the other side, to be set as a remote one in any state */
	char *answer; /* of the other side to our pending offer, if we have one */
};

static void ignore_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	(void)sim;
	(void)peer;
	(void)ev;
}

static void must(struct subject *s, wlk_err err)
{
	if (err)
		sim_fail(&s->sim, "%s: %s / %s", wlk_strerror(err), wlk_last_error(s->sim.a.pc), wlk_last_error(s->sim.b.pc));
}

static wlk_err set_local(wlk_peer_connection *pc, wlk_sdp_type type, const char *sdp)
{
	return wlk_peer_connection_set_local_description(pc, &(wlk_session_description){ type, sdp });
}

static wlk_err set_remote(wlk_peer_connection *pc, wlk_sdp_type type, const char *sdp)
{
	return wlk_peer_connection_set_remote_description(pc, &(wlk_session_description){ type, sdp });
}

static char *copy(const char *text)
{
	char *out = strdup(text);

	assert_non_null(out);
	return out;
}

/* The far end answers our offer, so that there is an answer to set. */
static void take_answer(struct subject *s)
{
	must(s, set_remote(s->sim.b.pc, WLK_SDP_OFFER, wlk_peer_connection_local_description(s->pc)->sdp));
	must(s, set_local(s->sim.b.pc, WLK_SDP_ANSWER, NULL));
	s->answer = copy(wlk_peer_connection_local_description(s->sim.b.pc)->sdp);
}

/* |negotiated|: after a first round, else from nothing. */
static void subject_init(struct subject *s, int state, bool negotiated)
{
	const char *sdp;
	wlk_transceiver *t;
	wlk_data_channel *channel;

	*s = (struct subject){ 0 };
	sim_init(&s->sim, &(struct sim_config){ .seed = 1, .may_fail = true }, ignore_event, NULL);
	s->pc = s->sim.a.pc;
	must(s, wlk_peer_connection_create_data_channel(s->pc, "subject", NULL, &channel));
	must(s, wlk_peer_connection_add_transceiver(s->pc, WLK_MEDIA_VIDEO, NULL, &t));
	must(s, wlk_peer_connection_add_transceiver(s->sim.b.pc, WLK_MEDIA_AUDIO, NULL, &t));
	if (negotiated) {
		sim_signal(&s->sim);
		sim_run_for(&s->sim, SIM_SECOND);
	}
	s->sim.no_signalling = true; /* candidates that come by would change descriptions */
	must(s, wlk_peer_connection_create_offer(s->sim.b.pc, NULL, &sdp));
	s->offer = copy(sdp);
	if (state == L_OFFER || state == R_PR) {
		must(s, set_local(s->pc, WLK_SDP_OFFER, NULL));
		take_answer(s);
	}
	if (state == R_PR)
		must(s, set_remote(s->pc, WLK_SDP_PRANSWER, s->answer));
	if (state == R_OFFER || state == L_PR)
		must(s, set_remote(s->pc, WLK_SDP_OFFER, s->offer));
	if (state == L_PR)
		must(s, set_local(s->pc, WLK_SDP_PRANSWER, NULL));
	if (state == CLOSED)
		wlk_peer_connection_close(s->pc);
	assert_string_equal(wlk_signaling_state_name(wlk_peer_connection_signaling_state(s->pc)), names[state]);
}

static void subject_free(struct subject *s)
{
	free(s->offer);
	free(s->answer);
	sim_free(&s->sim);
}

/* Everything of a connection that signalling may change, as text. */
static char *portrait(wlk_peer_connection *pc)
{
	const wlk_session_description *all[] = {
		wlk_peer_connection_current_local_description(pc), wlk_peer_connection_pending_local_description(pc),
		wlk_peer_connection_current_remote_description(pc), wlk_peer_connection_pending_remote_description(pc),
	};
	size_t size = 65536;
	char *out = malloc(size);
	int n;

	assert_non_null(out);
	n = snprintf(out, size, "%d %d %d\n", (int)wlk_peer_connection_signaling_state(pc), (int)wlk_peer_connection_connection_state(pc),
		     (int)wlk_peer_connection_ice_gathering_state(pc));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		n += snprintf(out + n, size - (size_t)n, "%zu %d %s\n", i, all[i] ? (int)all[i]->type : 0, all[i] ? all[i]->sdp : "");
	for (size_t i = 0; i < wlk_peer_connection_transceiver_count(pc); i++) {
		const wlk_transceiver *t = wlk_peer_connection_transceiver(pc, i);

		n += snprintf(out + n, size - (size_t)n, "%p %s %d %d\n", (const void *)t, wlk_transceiver_mid(t) ? wlk_transceiver_mid(t) : "-",
			      (int)wlk_transceiver_direction(t), (int)wlk_transceiver_current_direction(t));
	}
	assert_true((size_t)n < size);
	return out;
}

/* |call| on a subject must do what |expected| says; |what| names the cell. */
static void expect(struct subject *s, const char *before, wlk_err err, int expected, const char *what)
{
	char *after = portrait(s->pc);

	if (expected >= 0) {
		if (err)
			fail_msg("%s: %s: %s", what, wlk_strerror(err), wlk_last_error(s->pc));
		if ((int)wlk_peer_connection_signaling_state(s->pc) != expected)
			fail_msg("%s: %s", what, wlk_signaling_state_name(wlk_peer_connection_signaling_state(s->pc)));
	} else {
		if (err != (wlk_err)(expected - ERR))
			fail_msg("%s: %s instead of %s", what, wlk_strerror(err), wlk_strerror((wlk_err)(expected - ERR)));
		if (strcmp(before, after) != 0)
			fail_msg("%s: refused, and changed:\n%s\n%s", what, before, after);
		if (!*wlk_last_error(s->pc))
			fail_msg("%s: no story", what);
	}
	free(after);
}

static void try_cell(int from, int side, int column, bool negotiated)
{
	static const char *const types[] = { "offer", "pranswer", "answer", "rollback" };
	wlk_sdp_type type = (wlk_sdp_type)(column + 1);
	struct subject s;
	char what[100], *before;
	const char *remote;
	wlk_err err;

	snprintf(what, sizeof(what), "%s: %s %s%s", names[from], side == SIDE_LOCAL ? "local" : "remote", types[column],
		 negotiated ? ", negotiated before" : "");
	subject_init(&s, from, negotiated);
	before = portrait(s.pc);
	remote = type == WLK_SDP_OFFER ? s.offer : s.answer ? s.answer : "v=0\r\n";
	if (side == SIDE_LOCAL)
		err = set_local(s.pc, type, column % 2 ? NULL : "");
	else
		err = set_remote(s.pc, type, type == WLK_SDP_ROLLBACK ? "not looked at" : remote);
	expect(&s, before, err, table[from][side][column], what);
	free(before);
	subject_free(&s);
}

static void test_R34_every_state_side_and_type(void **state)
{
	(void)state;
	for (int from = 0; from < STATES; from++)
		for (int side = 0; side < SIDES; side++)
			for (int column = 0; column < 4; column++)
				for (int negotiated = 0; negotiated < 2; negotiated++)
					try_cell(from, side, column, negotiated);
}

static void test_the_implicit_description_of_every_state(void **state)
{
	(void)state;
	for (int from = 0; from < STATES; from++) {
		struct subject s;
		char *before;

		subject_init(&s, from, true);
		before = portrait(s.pc);
		expect(&s, before, wlk_peer_connection_set_local_description(s.pc, NULL), implicit[from], names[from]);
		free(before);
		subject_free(&s);
	}
}

static void test_creating_in_every_state(void **state)
{
	(void)state;
	for (int from = 0; from < STATES; from++) {
		struct subject s;
		const char *sdp;
		char *before;

		subject_init(&s, from, true);
		before = portrait(s.pc);
		expect(&s, before, wlk_peer_connection_create_offer(s.pc, NULL, &sdp), offers[from] ? from : STATE_ERR, names[from]);
		expect(&s, before, wlk_peer_connection_create_answer(s.pc, &sdp), answers[from] ? from : STATE_ERR, names[from]);
		free(before);
		subject_free(&s);
	}
}

/* The text is compared before the state is looked at (W3C setLocalDescription, steps 4.2 and 4.3), but not once closed. */
static void test_text_that_was_not_created_in_every_state(void **state)
{
	(void)state;
	for (int from = 0; from < STATES; from++) {
		for (wlk_sdp_type type = WLK_SDP_OFFER; type <= WLK_SDP_ANSWER; type++) {
			struct subject s;
			char *before;

			subject_init(&s, from, true);
			before = portrait(s.pc);
			expect(&s, before, set_local(s.pc, type, s.offer), from == CLOSED ? STATE_ERR : NOT_MADE, names[from]);
			free(before);
			subject_free(&s);
		}
	}
}

/* One character more is another text; the text as it was created can be set although transceivers came since. */
static void test_munging_and_late_setting(void **state)
{
	struct subject s;
	wlk_transceiver *t;
	const char *sdp;
	char *text, munged[16384];

	(void)state;
	subject_init(&s, STABLE, true);
	must(&s, wlk_peer_connection_create_offer(s.pc, NULL, &sdp));
	text = copy(sdp);
	snprintf(munged, sizeof(munged), "%sa=x-more:1\r\n", text);
	assert_int_equal(set_local(s.pc, WLK_SDP_OFFER, munged), WLK_ERR_NEGOTIATION);
	must(&s, wlk_peer_connection_add_transceiver(s.pc, WLK_MEDIA_AUDIO, NULL, &t));
	must(&s, set_local(s.pc, WLK_SDP_OFFER, text));
	assert_null(wlk_transceiver_mid(t));
	free(text);
	subject_free(&s);
}

/* What is too much is refused before it costs anything (R33). */
static void test_R33_floods_of_sdp_are_refused_at_once(void **state)
{
	static const struct {
		const char *unit;
		size_t count;
	} floods[] = {
		{ "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:x\r\n", 10000 },
		{ "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", 24000 },
		{ "a=x-filler:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 21000 },
		{ "a", 1 << 20 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		size_t unit = strlen(floods[i].unit);
		struct subject s;
		struct timespec start, end;
		char *text, *before;
		size_t size;
		wlk_err err;

		subject_init(&s, STABLE, true);
		size = strlen(s.offer);
		text = malloc(size + unit * floods[i].count + 1);
		assert_non_null(text);
		memcpy(text, s.offer, size + 1);
		for (size_t k = 0; k < floods[i].count; k++, size += unit)
			memcpy(text + size, floods[i].unit, unit + 1);
		before = portrait(s.pc);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
		err = set_remote(s.pc, WLK_SDP_OFFER, text);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
		expect(&s, before, err, ERR + WLK_ERR_TOO_LARGE, floods[i].unit);
		assert_true(end.tv_sec - start.tv_sec <= 1);
		free(before);
		free(text);
		subject_free(&s);
	}
}

/* The same description with another certificate, in every first digit of the fingerprint. */
static void change_fingerprint(char *sdp)
{
	for (char *at = strstr(sdp, "a=fingerprint:sha-256 "); at; at = strstr(at + 1, "a=fingerprint:sha-256 "))
		at[22] = at[22] == '0' ? '1' : '0';
}

/* R35: without an ICE restart a new certificate is refused; with one it would be another DTLS association, which needs a new connection. */
static void test_R35_a_new_certificate_in_a_reoffer(void **state)
{
	const wlk_offer_options restart = { sizeof(restart), true };
	struct subject s;
	const char *sdp;
	char *text, *before;

	(void)state;
	subject_init(&s, STABLE, true);
	before = portrait(s.pc);
	change_fingerprint(s.offer);
	expect(&s, before, set_remote(s.pc, WLK_SDP_OFFER, s.offer), ERR + WLK_ERR_NEGOTIATION, "no restart");
	must(&s, wlk_peer_connection_create_offer(s.sim.b.pc, &restart, &sdp));
	text = copy(sdp);
	change_fingerprint(text);
	expect(&s, before, set_remote(s.pc, WLK_SDP_OFFER, text), ERR + WLK_ERR_UNSUPPORTED, "restart");
	free(text);
	free(before);
	subject_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R34_every_state_side_and_type),
		cmocka_unit_test(test_the_implicit_description_of_every_state),
		cmocka_unit_test(test_creating_in_every_state),
		cmocka_unit_test(test_text_that_was_not_created_in_every_state),
		cmocka_unit_test(test_munging_and_late_setting),
		cmocka_unit_test(test_R33_floods_of_sdp_are_refused_at_once),
		cmocka_unit_test(test_R35_a_new_certificate_in_a_reoffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
