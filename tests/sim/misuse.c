/*
 * Calls that must not be made: each answers its documented error with a story in wlk_last_error(), and neither the
 * signalling state nor a description changes (R33, R34, R35).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

/* ---- peers in every state ---- */

static void ignore_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	(void)sim;
	(void)peer;
	(void)ev;
}

struct subject {
	struct sim sim;
	wlk_peer_connection *pc; /* a, in the state that was asked for */
	wlk_data_channel *channel;
	wlk_transceiver *transceiver;
};

static void must(struct subject *s, wlk_err err)
{
	if (err)
		sim_fail(&s->sim, "%s: %s / %s", wlk_strerror(err), wlk_last_error(s->sim.a.pc), wlk_last_error(s->sim.b.pc));
}

static void give(struct subject *s, struct sim_peer *from, wlk_sdp_type type)
{
	wlk_session_description description = *wlk_peer_connection_local_description(from->pc);

	description.type = type;
	must(s, wlk_peer_connection_set_remote_description(from->other->pc, &description));
}

static void set_local(struct subject *s, struct sim_peer *peer, wlk_sdp_type type)
{
	const wlk_session_description description = { type, NULL };

	must(s, wlk_peer_connection_set_local_description(peer->pc, &description));
}

/* |pc| with one video transceiver and one channel, stable and negotiated once, then brought to |state|. */
static void subject_init(struct subject *s, wlk_signaling_state state)
{
	const struct sim_config config = { .seed = 1 };
	struct sim_peer *a = &s->sim.a, *b = &s->sim.b;

	sim_init(&s->sim, &config, ignore_event, NULL);
	s->pc = a->pc;
	must(s, wlk_peer_connection_create_data_channel(s->pc, "subject", NULL, &s->channel));
	must(s, wlk_peer_connection_add_transceiver(s->pc, WLK_MEDIA_VIDEO, NULL, &s->transceiver));
	sim_signal(&s->sim);
	sim_run_for(&s->sim, SIM_SECOND);
	switch (state) {
	case WLK_SIGNALING_HAVE_LOCAL_OFFER:
		set_local(s, a, WLK_SDP_OFFER);
		break;
	case WLK_SIGNALING_HAVE_REMOTE_OFFER:
		set_local(s, b, WLK_SDP_OFFER);
		give(s, b, WLK_SDP_OFFER);
		break;
	case WLK_SIGNALING_HAVE_LOCAL_PRANSWER:
		set_local(s, b, WLK_SDP_OFFER);
		give(s, b, WLK_SDP_OFFER);
		set_local(s, a, WLK_SDP_PRANSWER);
		break;
	case WLK_SIGNALING_HAVE_REMOTE_PRANSWER:
		set_local(s, a, WLK_SDP_OFFER);
		give(s, a, WLK_SDP_OFFER);
		set_local(s, b, WLK_SDP_ANSWER);
		give(s, b, WLK_SDP_PRANSWER);
		break;
	case WLK_SIGNALING_CLOSED:
		wlk_peer_connection_close(s->pc);
		break;
	case WLK_SIGNALING_STABLE:
		break;
	}
	assert_int_equal(wlk_peer_connection_signaling_state(s->pc), state);
}

static void subject_free(struct subject *s)
{
	sim_free(&s->sim);
}

/* What a refused call must leave as it is. */
struct snapshot {
	wlk_signaling_state state;
	char *local, *remote;
	size_t transceivers;
	wlk_direction direction;
	wlk_connection_state connection;
};

static char *text_of(const wlk_session_description *description)
{
	return strdup(description ? description->sdp : "");
}

static struct snapshot snapshot(struct subject *s)
{
	return (struct snapshot){
		.state = wlk_peer_connection_signaling_state(s->pc),
		.local = text_of(wlk_peer_connection_local_description(s->pc)),
		.remote = text_of(wlk_peer_connection_remote_description(s->pc)),
		.transceivers = wlk_peer_connection_transceiver_count(s->pc),
		.direction = wlk_transceiver_direction(s->transceiver),
		.connection = wlk_peer_connection_connection_state(s->pc),
	};
}

static void expect_same(struct snapshot *before, struct snapshot *after)
{
	assert_int_equal(before->state, after->state);
	assert_string_equal(before->local, after->local);
	assert_string_equal(before->remote, after->remote);
	assert_int_equal(before->transceivers, after->transceivers);
	assert_int_equal(before->direction, after->direction);
	assert_int_equal(before->connection, after->connection);
	free(before->local);
	free(before->remote);
	free(after->local);
	free(after->remote);
}

/* |call| must answer |expected|, tell why, and change nothing. */
#define REFUSED(s, expected, call)                                                                         \
	do {                                                                                               \
		struct snapshot before_ = snapshot(s), after_;                                             \
		wlk_err err_ = (call);                                                                     \
		if (err_ != (expected))                                                                    \
			fail_msg("%s:%d: %s instead of %s", __FILE__, __LINE__, wlk_strerror(err_),        \
				 wlk_strerror(expected));                                                  \
		if (!*wlk_last_error((s)->pc))                                                             \
			fail_msg("%s:%d: no story", __FILE__, __LINE__);                                   \
		after_ = snapshot(s);                                                                      \
		expect_same(&before_, &after_);                                                            \
	} while (0)

static const wlk_signaling_state all_states[] = {
	WLK_SIGNALING_STABLE,		WLK_SIGNALING_HAVE_LOCAL_OFFER,	 WLK_SIGNALING_HAVE_REMOTE_OFFER,
	WLK_SIGNALING_HAVE_LOCAL_PRANSWER, WLK_SIGNALING_HAVE_REMOTE_PRANSWER, WLK_SIGNALING_CLOSED,
};

enum { STATES = sizeof(all_states) / sizeof(all_states[0]) };

/* ---- descriptions ---- */

/* Which types may be set in which state: bits 1 << type, for the local and the remote side (RFC 9429 3.2). */
static const unsigned allowed[STATES][2] = {
	{ 1 << WLK_SDP_OFFER, 1 << WLK_SDP_OFFER },
	/* A remote offer here is glare: it takes ours back. */
	{ 1 << WLK_SDP_OFFER | 1 << WLK_SDP_ROLLBACK, 1 << WLK_SDP_OFFER | 1 << WLK_SDP_ANSWER | 1 << WLK_SDP_PRANSWER },
	{ 1 << WLK_SDP_ANSWER | 1 << WLK_SDP_PRANSWER, 1 << WLK_SDP_OFFER | 1 << WLK_SDP_ROLLBACK },
	{ 1 << WLK_SDP_ANSWER | 1 << WLK_SDP_PRANSWER, 0 },
	{ 0, 1 << WLK_SDP_ANSWER | 1 << WLK_SDP_PRANSWER },
	{ 0, 0 },
};

static void test_R34_descriptions_in_the_wrong_state(void **state)
{
	static const int types[] = { -1, 0, 1, 2, 3, 4, 5, 99, 257, 259 };

	(void)state;
	for (size_t i = 0; i < STATES; i++) {
		struct subject s;

		subject_init(&s, all_states[i]);
		for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
			wlk_session_description local = { (wlk_sdp_type)types[k], NULL };
			wlk_session_description remote = { (wlk_sdp_type)types[k], "v=0\r\n" };
			unsigned bit = types[k] >= 0 && types[k] < 5 ? 1u << types[k] : 0;

			if (!(allowed[i][0] & bit))
				REFUSED(&s, WLK_ERR_STATE, wlk_peer_connection_set_local_description(s.pc, &local));
			if (!(allowed[i][1] & bit))
				REFUSED(&s, WLK_ERR_STATE, wlk_peer_connection_set_remote_description(s.pc, &remote));
		}
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_set_remote_description(s.pc, NULL));
		subject_free(&s);
	}
}

static void test_R34_offers_and_answers_are_created_where_they_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < STATES; i++) {
		bool offers = all_states[i] == WLK_SIGNALING_STABLE || all_states[i] == WLK_SIGNALING_HAVE_LOCAL_OFFER;
		bool answers = all_states[i] == WLK_SIGNALING_HAVE_REMOTE_OFFER || all_states[i] == WLK_SIGNALING_HAVE_LOCAL_PRANSWER;
		wlk_offer_options options = { 0 };
		const char *sdp = NULL;
		struct subject s;

		subject_init(&s, all_states[i]);
		if (!offers)
			REFUSED(&s, WLK_ERR_STATE, wlk_peer_connection_create_offer(s.pc, NULL, &sdp));
		if (!answers)
			REFUSED(&s, WLK_ERR_STATE, wlk_peer_connection_create_answer(s.pc, &sdp));
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_offer(s.pc, NULL, NULL));
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_offer(s.pc, &options, &sdp));
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_answer(s.pc, NULL));
		assert_null(sdp);
		subject_free(&s);
	}
}

static void test_local_descriptions_must_be_what_was_created_last(void **state)
{
	wlk_session_description offer = { WLK_SDP_OFFER, NULL }, made = { WLK_SDP_OFFER, NULL };
	struct subject s;
	const char *sdp;

	(void)state;
	subject_init(&s, WLK_SIGNALING_STABLE);
	offer.sdp = "v=0\r\n";
	REFUSED(&s, WLK_ERR_NEGOTIATION, wlk_peer_connection_set_local_description(s.pc, &offer));
	must(&s, wlk_peer_connection_create_offer(s.pc, NULL, &sdp));
	made.sdp = strdup(sdp);
	/* An offer stands on the state it was created in: after another negotiation it is stale. */
	sim_renegotiate(&s.sim, &s.sim.b, false);
	REFUSED(&s, WLK_ERR_NEGOTIATION, wlk_peer_connection_set_local_description(s.pc, &made));
	free((char *)(uintptr_t)made.sdp);
	subject_free(&s);
}

static void test_R35_a_restart_that_was_only_created_is_no_restart(void **state)
{
	const wlk_offer_options options = { sizeof(options), true };
	struct subject s;
	const char *sdp;

	(void)state;
	subject_init(&s, WLK_SIGNALING_STABLE);
	must(&s, wlk_peer_connection_create_offer(s.pc, &options, &sdp));
	sim_renegotiate(&s.sim, &s.sim.b, false); /* b would refuse an answer with other credentials */
	sim_run_for(&s.sim, 10 * SIM_SECOND);
	assert_true(sim_both_connected(&s.sim));
	subject_free(&s);
}

/* ---- R33: descriptions that are too much ---- */

/* The last local description of b with |extra| appended |count| times, its '#' replaced by the turn. */
static char *swollen(struct subject *s, const char *extra, int count)
{
	const char *base = wlk_peer_connection_local_description(s->sim.b.pc)->sdp;
	size_t capacity = strlen(base) + (strlen(extra) + 12) * (size_t)count + 1, size = strlen(base);
	size_t split = strcspn(extra, "#");
	char *out = malloc(capacity);

	assert_non_null(out);
	memcpy(out, base, size + 1);
	for (int i = 0; i < count; i++) {
		if (extra[split])
			size += (size_t)snprintf(out + size, capacity - size, "%.*s%d%s", (int)split, extra, i, extra + split + 1);
		else
			size += (size_t)snprintf(out + size, capacity - size, "%s", extra);
	}
	return out;
}

static void refuse_offer(struct subject *s, wlk_err expected, char *sdp)
{
	const wlk_session_description offer = { WLK_SDP_OFFER, sdp };

	REFUSED(s, expected, wlk_peer_connection_set_remote_description(s->pc, &offer));
	free(sdp);
}

static void test_R33_oversized_and_broken_offers(void **state)
{
	struct subject s;
	char *line;

	(void)state;
	subject_init(&s, WLK_SIGNALING_STABLE);
	set_local(&s, &s.sim.b, WLK_SDP_OFFER);
	refuse_offer(&s, WLK_ERR_PARSE, strdup(""));
	refuse_offer(&s, WLK_ERR_PARSE, strdup("hello"));
	refuse_offer(&s, WLK_ERR_TOO_LARGE, swollen(&s, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:x#\r\n", 10000));
	refuse_offer(&s, WLK_ERR_TOO_LARGE, swollen(&s, "a=x-filler-of-a-line:#\r\n", 60000)); /* 1 MiB */
	line = malloc(65536 + 3);
	assert_non_null(line);
	memset(line, 'x', 65536);
	memcpy(line, "a=", 2);
	memcpy(line + 65536, "\r\n", 3);
	refuse_offer(&s, WLK_ERR_TOO_LARGE, swollen(&s, line, 1));
	free(line);
	refuse_offer(&s, WLK_ERR_NEGOTIATION, swollen(&s, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\na=mid:0\r\n", 1));
	sim_renegotiate(&s.sim, &s.sim.b, false);
	subject_free(&s);
}

static void test_R33_R8_300_candidates(void **state)
{
	wlk_session_description offer = { WLK_SDP_OFFER, NULL };
	struct subject s;
	int accepted = 0;
	char *text;

	(void)state;
	subject_init(&s, WLK_SIGNALING_STABLE);
	set_local(&s, &s.sim.b, WLK_SDP_OFFER);
	text = swollen(&s, "a=candidate:# 1 udp 2113937151 192.0.2.1 9 typ host\r\n", 300);
	offer.sdp = text;
	must(&s, wlk_peer_connection_set_remote_description(s.pc, &offer));
	free(text);
	must(&s, wlk_peer_connection_set_local_description(s.pc, NULL));
	for (int i = 0; i < 1000; i++) {
		char line[100];
		wlk_ice_candidate candidate = { line, "0", 0, NULL };
		wlk_err err;

		snprintf(line, sizeof(line), "candidate:%d 1 udp 2113937151 192.0.2.1 %d typ host", i, 1000 + i);
		err = wlk_peer_connection_add_ice_candidate(s.pc, &candidate);
		accepted += !err;
		if (err && err != WLK_ERR_TOO_LARGE)
			sim_fail(&s.sim, "candidate %d: %s", i, wlk_strerror(err));
	}
	assert_in_range(accepted, 0, 64);
	subject_free(&s);
}

/* m-lines stay where they are (RFC 3264 8). */
static void test_R33_a_reoffer_that_drops_or_swaps_sections(void **state)
{
	struct subject s;
	char *text, *second;

	(void)state;
	subject_init(&s, WLK_SIGNALING_STABLE);
	set_local(&s, &s.sim.b, WLK_SDP_OFFER);
	text = swollen(&s, "", 0);
	second = strstr(text, "\r\nm=");
	assert_non_null(second);
	second = strstr(second + 2, "\r\nm=");
	assert_non_null(second);
	second[2] = '\0';
	refuse_offer(&s, WLK_ERR_NEGOTIATION, text);
	text = swollen(&s, "", 0);
	second = strstr(text, "a=mid:");
	second[6] = second[6] == '7' ? '8' : '7';
	refuse_offer(&s, WLK_ERR_NEGOTIATION, text);
	subject_free(&s);
}

/* ---- candidates ---- */

static void test_bad_candidates(void **state)
{
	wlk_ice_candidate bad = { "candidate:", "0", 0, NULL }, nowhere = { "candidate:1 1 udp 1 192.0.2.1 9 typ host", "nobody", 0, NULL };
	wlk_ice_candidate late = { "candidate:1 1 udp 1 192.0.2.1 9 typ host", "0", 0, "older" };
	wlk_ice_candidate unknown = { "candidate:1 1 udp 1 192.0.2.1 9 typ host", NULL, -1, NULL };
	wlk_ice_candidate injected = { "candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=ice-pwd:mine", "0", 0, NULL };
	wlk_ice_candidate beyond = { "candidate:1 1 udp 1 192.0.2.1 9 typ host", NULL, 2000000000, NULL };
	struct subject s;
	struct sim fresh;

	(void)state;
	subject_init(&s, WLK_SIGNALING_STABLE);
	REFUSED(&s, WLK_ERR_PARSE, wlk_peer_connection_add_ice_candidate(s.pc, &bad));
	REFUSED(&s, WLK_ERR_PARSE, wlk_peer_connection_add_ice_candidate(s.pc, &injected));
	REFUSED(&s, WLK_ERR_NOT_FOUND, wlk_peer_connection_add_ice_candidate(s.pc, &nowhere));
	REFUSED(&s, WLK_ERR_NOT_FOUND, wlk_peer_connection_add_ice_candidate(s.pc, &late));
	REFUSED(&s, WLK_ERR_NOT_FOUND, wlk_peer_connection_add_ice_candidate(s.pc, &unknown));
	REFUSED(&s, WLK_ERR_NOT_FOUND, wlk_peer_connection_add_ice_candidate(s.pc, &beyond));
	subject_free(&s);
	sim_init(&fresh, &(struct sim_config){ .seed = 2 }, ignore_event, NULL);
	assert_int_equal(wlk_peer_connection_add_ice_candidate(fresh.a.pc, &unknown), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_add_ice_candidate(fresh.a.pc, NULL), WLK_ERR_STATE);
	sim_free(&fresh);
	subject_init(&s, WLK_SIGNALING_CLOSED);
	REFUSED(&s, WLK_ERR_STATE, wlk_peer_connection_add_ice_candidate(s.pc, &unknown));
	assert_int_equal(wlk_peer_connection_restart_ice(s.pc), WLK_OK); /* W3C names no exception */
	subject_free(&s);
}

static void test_bitrates_that_contradict_each_other(void **state)
{
	static const uint64_t bad[][3] = { { 2, 0, 1 }, { 200000, 100000, 0 }, { 0, 300000, 200000 }, { 0, UINT64_MAX, 1 } };
	static const uint64_t good[][3] = { { 0, 0, 0 }, { 1, 1, 1 }, { 0, 100000, 0 }, { 0, UINT64_MAX, UINT64_MAX }, { UINT64_MAX, 0, 0 } };
	wlk_bitrate_limits limits = WLK_BITRATE_LIMITS_INIT;
	struct subject s;

	(void)state;
	subject_init(&s, WLK_SIGNALING_STABLE);
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_set_bitrate(s.pc, NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		limits = (wlk_bitrate_limits){ sizeof(limits), bad[i][0], bad[i][1], bad[i][2] };
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_set_bitrate(s.pc, &limits));
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		limits = (wlk_bitrate_limits){ sizeof(limits), good[i][0], good[i][1], good[i][2] };
		assert_int_equal(wlk_peer_connection_set_bitrate(s.pc, &limits), WLK_OK);
		sim_run_for(&s.sim, SIM_SECOND);
	}
	limits.struct_size = 1;
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_set_bitrate(s.pc, &limits));
	subject_free(&s);
	subject_init(&s, WLK_SIGNALING_CLOSED);
	limits = (wlk_bitrate_limits)WLK_BITRATE_LIMITS_INIT;
	REFUSED(&s, WLK_ERR_STATE, wlk_peer_connection_set_bitrate(s.pc, &limits));
	subject_free(&s);
}

/* ---- transceivers ---- */

static void test_R33_ids_that_would_be_lines_of_their_own(void **state)
{
	static const char *const bad[] = { "a\r\nb", "a\nb", "a\rb", "a b", "", "\t", "caf\xc3\xa9", "a\x7f" };
	char long_id[400];
	struct subject s;
	wlk_transceiver *t;

	(void)state;
	memset(long_id, 'x', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	subject_init(&s, WLK_SIGNALING_STABLE);
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		const char *id = i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : long_id;
		const wlk_transceiver_init stream = { sizeof(stream), WLK_DIRECTION_SENDRECV, id, NULL };
		const wlk_transceiver_init track = { sizeof(track), WLK_DIRECTION_SENDRECV, NULL, id };

		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_add_transceiver(s.pc, WLK_MEDIA_AUDIO, &stream, &t));
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_add_transceiver(s.pc, WLK_MEDIA_AUDIO, &track, &t));
	}
	sim_renegotiate(&s.sim, &s.sim.a, false); /* offers can still be made */
	subject_free(&s);
}

static void test_transceivers_in_every_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < STATES; i++) {
		wlk_transceiver_init init = WLK_TRANSCEIVER_INIT;
		bool closed = all_states[i] == WLK_SIGNALING_CLOSED;
		wlk_transceiver *t = NULL;
		struct subject s;

		subject_init(&s, all_states[i]);
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_add_transceiver(s.pc, (wlk_media_kind)0, NULL, &t));
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_add_transceiver(s.pc, (wlk_media_kind)3, NULL, &t));
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_add_transceiver(s.pc, WLK_MEDIA_AUDIO, NULL, NULL));
		init.direction = WLK_DIRECTION_STOPPED;
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_add_transceiver(s.pc, WLK_MEDIA_AUDIO, &init, &t));
		init = (wlk_transceiver_init){ 0 };
		REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_add_transceiver(s.pc, WLK_MEDIA_AUDIO, &init, &t));
		REFUSED(&s, closed ? WLK_ERR_STATE : WLK_ERR_INVALID, wlk_transceiver_set_direction(s.transceiver, (wlk_direction)4));
		REFUSED(&s, closed ? WLK_ERR_STATE : WLK_ERR_INVALID, wlk_transceiver_set_direction(s.transceiver, (wlk_direction)-1));
		if (closed) {
			REFUSED(&s, WLK_ERR_STATE, wlk_peer_connection_add_transceiver(s.pc, WLK_MEDIA_AUDIO, NULL, &t));
			REFUSED(&s, WLK_ERR_STATE, wlk_transceiver_set_direction(s.transceiver, WLK_DIRECTION_SENDONLY));
			REFUSED(&s, WLK_ERR_STATE, wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(s.transceiver)));
		}
		assert_null(t);
		assert_null(wlk_peer_connection_transceiver(s.pc, wlk_peer_connection_transceiver_count(s.pc)));
		assert_null(wlk_peer_connection_transceiver(s.pc, SIZE_MAX));
		subject_free(&s);
	}
}

static void test_R34_packets_that_cannot_be_sent(void **state)
{
	static const uint8_t payload[1300];
	wlk_rtp_packet packet = { .payload_type = 200, .payload = payload, .payload_size = 100 };
	wlk_rtp_sender *sender;
	struct subject s;

	(void)state;
	subject_init(&s, WLK_SIGNALING_STABLE);
	sender = wlk_transceiver_sender(s.transceiver);
	assert_int_equal(wlk_transceiver_current_direction(s.transceiver), WLK_DIRECTION_SENDONLY);
	REFUSED(&s, WLK_ERR_INVALID, wlk_rtp_sender_send_packet(sender, &packet));
	REFUSED(&s, WLK_ERR_INVALID, wlk_rtp_sender_send_packet(sender, NULL));
	REFUSED(&s, WLK_ERR_INVALID, wlk_rtp_sender_forward(sender, &packet));
	packet.payload_size = 1201;
	REFUSED(&s, WLK_ERR_INVALID, wlk_rtp_sender_send_packet(sender, &packet));
	packet.payload = NULL;
	REFUSED(&s, WLK_ERR_INVALID, wlk_rtp_sender_send_packet(sender, &packet));
	sender = wlk_transceiver_sender(wlk_peer_connection_transceiver(s.sim.b.pc, 0));
	packet.payload = payload;
	packet.payload_size = 100;
	assert_int_equal(wlk_rtp_sender_send_packet(sender, &packet), WLK_ERR_STATE); /* b was never asked to send */
	wlk_peer_connection_close(s.pc);
	REFUSED(&s, WLK_ERR_STATE, wlk_rtp_sender_send_packet(wlk_transceiver_sender(s.transceiver), &packet));
	subject_free(&s);
}

/* ---- channels ---- */

static void test_channels_with_bad_options(void **state)
{
	static const wlk_data_channel_init good = WLK_DATA_CHANNEL_INIT;
	wlk_data_channel_init init = good;
	wlk_data_channel *channel = NULL, *other;
	char *long_label = calloc(1, 65537 + 1);
	struct subject s;

	(void)state;
	assert_non_null(long_label);
	memset(long_label, 'x', 65536);
	subject_init(&s, WLK_SIGNALING_STABLE);
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_data_channel(s.pc, NULL, NULL, &channel));
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_data_channel(s.pc, "x", NULL, NULL));
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_data_channel(s.pc, long_label, NULL, &channel));
	init.protocol = long_label;
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_data_channel(s.pc, "x", &init, &channel));
	init = good;
	init.has_max_retransmits = init.has_max_packet_lifetime = true;
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_data_channel(s.pc, "x", &init, &channel));
	init = good;
	init.negotiated = true;
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_data_channel(s.pc, "x", &init, &channel));
	init.has_id = true;
	init.id = 65535;
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_data_channel(s.pc, "x", &init, &channel));
	init.id = 1024;
	REFUSED(&s, WLK_ERR_NOSPACE, wlk_peer_connection_create_data_channel(s.pc, "x", &init, &channel));
	init.id = 1000;
	must(&s, wlk_peer_connection_create_data_channel(s.pc, "x", &init, &other));
	REFUSED(&s, WLK_ERR_NOSPACE, wlk_peer_connection_create_data_channel(s.pc, "x", &init, &channel));
	init = (wlk_data_channel_init){ 0 };
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_create_data_channel(s.pc, "x", &init, &channel));
	assert_null(channel);
	wlk_peer_connection_close(s.pc);
	REFUSED(&s, WLK_ERR_STATE, wlk_peer_connection_create_data_channel(s.pc, "x", NULL, &channel));
	subject_free(&s);
	free(long_label);
}

static void test_messages_that_cannot_be_sent(void **state)
{
	char *large = calloc(1, 262145);
	struct subject s;

	(void)state;
	assert_non_null(large);
	subject_init(&s, WLK_SIGNALING_STABLE);
	assert_int_equal(wlk_peer_connection_max_message_size(s.pc), 262144);
	REFUSED(&s, WLK_ERR_INVALID, wlk_data_channel_send(s.channel, (wlk_message_type)0, "x", 1));
	REFUSED(&s, WLK_ERR_INVALID, wlk_data_channel_send(s.channel, (wlk_message_type)3, "x", 1));
	REFUSED(&s, WLK_ERR_INVALID, wlk_data_channel_send(s.channel, WLK_MESSAGE_TEXT, NULL, 1));
	REFUSED(&s, WLK_ERR_TOO_LARGE, wlk_data_channel_send(s.channel, WLK_MESSAGE_TEXT, large, 262145));
	must(&s, wlk_data_channel_send(s.channel, WLK_MESSAGE_TEXT, NULL, 0));
	wlk_data_channel_close(s.channel);
	wlk_data_channel_close(s.channel);
	REFUSED(&s, WLK_ERR_STATE, wlk_data_channel_send(s.channel, WLK_MESSAGE_TEXT, "x", 1));
	sim_run_for(&s.sim, SIM_SECOND);
	assert_int_equal(wlk_data_channel_ready_state(s.channel), WLK_DATA_CHANNEL_CLOSED);
	REFUSED(&s, WLK_ERR_STATE, wlk_data_channel_send(s.channel, WLK_MESSAGE_TEXT, "x", 1));
	subject_free(&s);
	free(large);
}

/* Labels are no part of SDP: any bytes go through. */
static const char *seen_label;

static void note_label(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	(void)sim;
	(void)peer;
	if (ev->type == WLK_EVENT_DATA_CHANNEL)
		seen_label = wlk_data_channel_label(ev->u.channel.channel);
}

static void test_R33_a_label_with_line_ends_stays_out_of_the_description(void **state)
{
	static const char label[] = "x\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host";
	wlk_data_channel *channel;
	struct sim sim;

	(void)state;
	sim_init(&sim, &(struct sim_config){ .seed = 3 }, note_label, NULL);
	assert_int_equal(wlk_peer_connection_create_data_channel(sim.a.pc, label, NULL, &channel), WLK_OK);
	sim_signal(&sim);
	assert_null(strstr(wlk_peer_connection_local_description(sim.a.pc)->sdp, "192.0.2.1"));
	sim_run_for(&sim, 2 * SIM_SECOND);
	assert_non_null(seen_label);
	assert_string_equal(seen_label, label);
	sim_free(&sim);
}

/* A released handle goes with its events; pausing and resuming around the end leaves none behind. */
static void test_R39_released_while_events_name_it(void **state)
{
	struct subject s;

	(void)state;
	subject_init(&s, WLK_SIGNALING_STABLE);
	wlk_data_channel_set_paused(s.channel, true);
	wlk_data_channel_close(s.channel);
	sim_run_for(&s.sim, SIM_SECOND);
	assert_int_equal(wlk_data_channel_ready_state(s.channel), WLK_DATA_CHANNEL_CLOSED);
	wlk_data_channel_set_paused(s.channel, false);
	wlk_data_channel_release(s.channel);
	sim_run_for(&s.sim, SIM_SECOND);
	subject_free(&s);
}

/* ---- the drive interface ---- */

static void test_drive_with_bad_arguments(void **state)
{
	const wlk_addr local = { .family = 4, .port = 40000, .ip = { 10, 0, 0, 1 } }, none = { 0 };
	wlk_configuration config = { 0 };
	wlk_peer_connection *pc = NULL;
	static const uint8_t data[4096] = { 22, 0xfe, 0xfd };
	struct subject s;
	char *json;

	(void)state;
	assert_int_equal(wlk_drive_create(&config, 0, 0, &pc), WLK_ERR_INVALID);
	assert_int_equal(wlk_drive_create(NULL, 0, 0, NULL), WLK_ERR_INVALID);
	config = (wlk_configuration)WLK_CONFIGURATION_INIT;
	config.ice_servers = &(wlk_ice_server){ "turn:example.org" };
	config.ice_server_count = 1;
	/* W3C webrtc 4.4.1.6: InvalidAccessError without username and credential. */
	assert_int_equal(wlk_drive_create(&config, 0, 0, &pc), WLK_ERR_INVALID);
	config.ice_servers = &(wlk_ice_server){ "turn:example.org", "user" };
	assert_int_equal(wlk_drive_create(&config, 0, 0, &pc), WLK_ERR_INVALID);
	config.ice_servers = &(wlk_ice_server){ "turn:example.org?transport=sctp", "user", "secret" };
	assert_int_equal(wlk_drive_create(&config, 0, 0, &pc), WLK_ERR_UNSUPPORTED);
	config.ice_servers = &(wlk_ice_server){ NULL };
	assert_int_equal(wlk_drive_create(&config, 0, 0, &pc), WLK_ERR_INVALID);
	config.ice_servers = &(wlk_ice_server){ "stun:host:99999" };
	assert_int_equal(wlk_drive_create(&config, 0, 0, &pc), WLK_ERR_INVALID);
	assert_null(pc);
	subject_init(&s, WLK_SIGNALING_STABLE);
	REFUSED(&s, WLK_ERR_INVALID, wlk_peer_connection_stats_json(s.pc, NULL));
	for (size_t size = 0; size < sizeof(data); size += 97) {
		wlk_drive_input(s.pc, s.sim.now, &local, &none, data, size);
		wlk_drive_input(s.pc, s.sim.now, &none, &local, data, size);
	}
	wlk_drive_on_request(s.pc, s.sim.now, 4711, WLK_OK, &local, 1);
	wlk_drive_on_request(s.pc, s.sim.now, 0, WLK_ERR_IO, NULL, 0);
	wlk_drive_handle_timeout(s.pc, 0); /* time does not run backwards */
	sim_run_for(&s.sim, SIM_SECOND);
	assert_true(sim_both_connected(&s.sim));
	wlk_peer_connection_close(s.pc);
	assert_int_equal(wlk_peer_connection_stats_json(s.pc, &json), WLK_OK); /* figures outlive the call */
	wlk_secret_free(json);
	assert_int_equal(wlk_drive_set_interfaces(s.pc, &local, 1), WLK_ERR_CLOSED);
	assert_null(wlk_drive_poll_event(s.pc));
	subject_free(&s);
	wlk_peer_connection_destroy(NULL);
	wlk_secret_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_R34_descriptions_in_the_wrong_state),
		cmocka_unit_test(test_R34_offers_and_answers_are_created_where_they_fit),
		cmocka_unit_test(test_local_descriptions_must_be_what_was_created_last),
		cmocka_unit_test(test_R35_a_restart_that_was_only_created_is_no_restart),
		cmocka_unit_test(test_R33_oversized_and_broken_offers),
		cmocka_unit_test(test_R33_R8_300_candidates),
		cmocka_unit_test(test_R33_a_reoffer_that_drops_or_swaps_sections),
		cmocka_unit_test(test_bad_candidates),
		cmocka_unit_test(test_bitrates_that_contradict_each_other),
		cmocka_unit_test(test_R33_ids_that_would_be_lines_of_their_own),
		cmocka_unit_test(test_transceivers_in_every_state),
		cmocka_unit_test(test_R34_packets_that_cannot_be_sent),
		cmocka_unit_test(test_channels_with_bad_options),
		cmocka_unit_test(test_messages_that_cannot_be_sent),
		cmocka_unit_test(test_R33_a_label_with_line_ends_stays_out_of_the_description),
		cmocka_unit_test(test_R39_released_while_events_name_it),
		cmocka_unit_test(test_drive_with_bad_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
