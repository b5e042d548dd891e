/*
 * Transceivers through offer, answer and rollback: what W3C webrtc-pc 4.4.1.5, 5.1 and 5.4 and RFC 9429 5.7 and 5.10 make of them,
 * and the events that tell it, in their order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

/* ---- what the peers hear: one word an event ---- */

struct heard {
	char a[1024], b[1024];
};

static void note(char *log, size_t size, const wlk_event *ev)
{
	size_t used = strlen(log);

	switch (ev->type) {
	case WLK_EVENT_NEGOTIATION_NEEDED:
		snprintf(log + used, size - used, "needed ");
		break;
	case WLK_EVENT_SIGNALING_STATE_CHANGE:
		snprintf(log + used, size - used, "%s ", wlk_signaling_state_name(ev->u.signaling_state));
		break;
	case WLK_EVENT_TRACK:
	case WLK_EVENT_REMOVE_TRACK:
		snprintf(log + used, size - used, "%s(", ev->type == WLK_EVENT_TRACK ? "track" : "left");
		for (size_t i = 0; i < ev->u.track.stream_count; i++)
			snprintf(log + strlen(log), size - strlen(log), "%s%s", i ? "," : "", ev->u.track.stream_ids[i]);
		snprintf(log + strlen(log), size - strlen(log), ") ");
		assert_string_equal(ev->u.track.stream_id, ev->u.track.stream_count ? ev->u.track.stream_ids[0] : "");
		break;
	case WLK_EVENT_TRACK_MUTE:
		snprintf(log + used, size - used, "mute ");
		break;
	case WLK_EVENT_TRACK_ENDED:
		snprintf(log + used, size - used, "ended ");
		break;
	default:
		break;
	}
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct heard *heard = sim->user;

	if (peer == &sim->a)
		note(heard->a, sizeof(heard->a), ev);
	else
		note(heard->b, sizeof(heard->b), ev);
}

/* Let the events out, compare those of |peer| since the last time, and start anew. */
#define HEARD(peer, expected)                                                            \
	do {                                                                             \
		struct heard *heard_ = (peer)->sim->user;                                \
		char *log_ = (peer) == &(peer)->sim->a ? heard_->a : heard_->b;          \
		sim_run_for((peer)->sim, 0);                                             \
		assert_string_equal(log_, expected);                                     \
		log_[0] = '\0';                                                          \
	} while (0)

static void start(struct sim *sim, struct heard *heard)
{
	*heard = (struct heard){ 0 };
	sim_init(sim, &(struct sim_config){ .seed = 1, .latency_us = 5 * SIM_MS }, on_event, heard);
}

static void forget(struct sim *sim)
{
	sim_run_for(sim, SIM_SECOND);
	*(struct heard *)sim->user = (struct heard){ 0 };
}

/* ---- steps ---- */

static void must(const struct sim_peer *peer, wlk_err err)
{
	if (err)
		fail_msg("%s: %s: %s", peer->name, wlk_strerror(err), wlk_last_error(peer->pc));
}

static wlk_transceiver *add(struct sim_peer *peer, wlk_media_kind kind)
{
	wlk_transceiver *t = NULL;

	must(peer, wlk_peer_connection_add_transceiver(peer->pc, kind, NULL, &t));
	return t;
}

static wlk_rtp_sender *add_track(struct sim_peer *peer, wlk_media_kind kind, const char *track, const char *stream, const char *second)
{
	const char *const streams[] = { stream, second };
	wlk_rtp_sender *sender = NULL;

	must(peer, wlk_peer_connection_add_track(peer->pc, kind, track, streams, stream ? second ? 2 : 1 : 0, &sender));
	return sender;
}

static void set_local(struct sim_peer *peer)
{
	must(peer, wlk_peer_connection_set_local_description(peer->pc, NULL));
}

static void give(struct sim_peer *from)
{
	must(from->other, wlk_peer_connection_set_remote_description(from->other->pc, wlk_peer_connection_local_description(from->pc)));
}

static void roll_back(struct sim_peer *peer, bool local)
{
	const wlk_session_description rollback = { WLK_SDP_ROLLBACK, "not looked at" };

	must(peer, local ? wlk_peer_connection_set_local_description(peer->pc, &rollback) :
			   wlk_peer_connection_set_remote_description(peer->pc, &rollback));
}

static void negotiate(struct sim_peer *offerer)
{
	set_local(offerer);
	give(offerer);
	set_local(offerer->other);
	give(offerer->other);
}

static size_t transceivers(const struct sim_peer *peer)
{
	return wlk_peer_connection_transceiver_count(peer->pc);
}

static wlk_transceiver *at(const struct sim_peer *peer, size_t index)
{
	return wlk_peer_connection_transceiver(peer->pc, index);
}

static size_t m_lines(const struct sim_peer *peer)
{
	size_t n = 0;

	for (const char *p = wlk_peer_connection_local_description(peer->pc)->sdp; (p = strstr(p, "\r\nm=")); p++)
		n++;
	return n;
}

static bool local_has(const struct sim_peer *peer, const char *text)
{
	return strstr(wlk_peer_connection_local_description(peer->pc)->sdp, text) != NULL;
}

/* ---- tracks ---- */

static void test_a_call_by_add_track(void **state)
{
	struct heard heard;
	struct sim sim;
	wlk_rtp_sender *sender, *reply;
	const char *const *streams;
	size_t count;

	(void)state;
	start(&sim, &heard);
	sender = add_track(&sim.a, WLK_MEDIA_VIDEO, "camera", "desk", "room");
	assert_int_equal(wlk_transceiver_direction(at(&sim.a, 0)), WLK_DIRECTION_SENDRECV);
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.a, 0)), WLK_DIRECTION_NONE);
	assert_string_equal(wlk_rtp_sender_track_id(sender), "camera");
	streams = wlk_rtp_sender_stream_ids(sender, &count);
	assert_int_equal(count, 2);
	assert_string_equal(streams[1], "room");
	/* A sender has this track already: InvalidAccessError. */
	assert_int_equal(wlk_peer_connection_add_track(sim.a.pc, WLK_MEDIA_VIDEO, "camera", NULL, 0, NULL), WLK_ERR_INVALID);
	HEARD(&sim.a, "needed ");
	set_local(&sim.a);
	assert_true(local_has(&sim.a, "a=msid:desk camera\r\na=msid:room camera\r\n"));
	give(&sim.a);
	HEARD(&sim.b, "have-remote-offer track(desk,room) ");
	assert_string_equal(wlk_rtp_receiver_track_id(wlk_transceiver_receiver(at(&sim.b, 0))), "camera");
	assert_int_equal(wlk_transceiver_direction(at(&sim.b, 0)), WLK_DIRECTION_RECVONLY);
	/* The transceiver of the remote offer has never sent: add_track() takes it. */
	reply = add_track(&sim.b, WLK_MEDIA_VIDEO, "reply", "back", NULL);
	assert_ptr_equal(wlk_rtp_sender_transceiver(reply), at(&sim.b, 0));
	assert_int_equal(transceivers(&sim.b), 1);
	assert_int_equal(wlk_transceiver_direction(at(&sim.b, 0)), WLK_DIRECTION_SENDRECV);
	set_local(&sim.b);
	give(&sim.b);
	HEARD(&sim.a, "have-local-offer stable track(back) ");
	HEARD(&sim.b, "stable ");
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.a, 0)), WLK_DIRECTION_SENDRECV);
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.b, 0)), WLK_DIRECTION_SENDRECV);
	/* It has sent: another track gets another transceiver, also after this one is taken away. */
	must(&sim.a, wlk_peer_connection_remove_track(sim.a.pc, sender));
	assert_int_equal(wlk_transceiver_direction(at(&sim.a, 0)), WLK_DIRECTION_RECVONLY);
	assert_null(wlk_rtp_sender_track_id(sender));
	must(&sim.a, wlk_peer_connection_remove_track(sim.a.pc, sender)); /* no track: nothing happens */
	assert_ptr_not_equal(add_track(&sim.a, WLK_MEDIA_VIDEO, "camera", NULL, NULL), sender);
	HEARD(&sim.a, "needed ");
	negotiate(&sim.a);
	HEARD(&sim.b, "have-remote-offer mute left(desk,room) track() stable ");
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.b, 0)), WLK_DIRECTION_SENDONLY);
	assert_int_equal(wlk_peer_connection_remove_track(sim.a.pc, reply), WLK_ERR_INVALID); /* of another connection */
	sim_free(&sim);
}

static void test_streams_come_and_go(void **state)
{
	static const char *const first[] = { "one", "two", "one" }, *const second[] = { "two", "three" }, *const bad[] = { "a b" };
	struct heard heard;
	struct sim sim;
	wlk_rtp_sender *sender;

	(void)state;
	start(&sim, &heard);
	sender = add_track(&sim.a, WLK_MEDIA_AUDIO, "voice", NULL, NULL);
	negotiate(&sim.a);
	assert_true(local_has(&sim.a, "a=msid:- voice\r\n"));
	HEARD(&sim.b, "have-remote-offer track() stable ");
	forget(&sim);
	must(&sim.a, wlk_rtp_sender_set_streams(sender, first, 3));
	HEARD(&sim.a, "needed ");
	negotiate(&sim.a);
	HEARD(&sim.b, "have-remote-offer track(one,two) stable ");
	must(&sim.a, wlk_rtp_sender_set_streams(sender, second, 2));
	negotiate(&sim.a);
	HEARD(&sim.b, "have-remote-offer left(one) track(two,three) stable ");
	must(&sim.a, wlk_rtp_sender_set_streams(sender, second, 1));
	negotiate(&sim.a);
	HEARD(&sim.b, "have-remote-offer left(three) stable ");
	forget(&sim);
	/* The same streams again: nothing to negotiate. */
	must(&sim.a, wlk_rtp_sender_set_streams(sender, second, 1));
	must(&sim.a, wlk_rtp_sender_replace_track(sender, "other"));
	HEARD(&sim.a, "");
	assert_string_equal(wlk_rtp_sender_track_id(sender), "other");
	must(&sim.a, wlk_rtp_sender_replace_track(sender, NULL));
	assert_null(wlk_rtp_sender_track_id(sender));
	assert_int_equal(wlk_rtp_sender_set_streams(sender, bad, 1), WLK_ERR_INVALID);
	assert_int_equal(wlk_rtp_sender_replace_track(sender, "a b"), WLK_ERR_INVALID);
	HEARD(&sim.a, "");
	sim_free(&sim);
}

/* RFC 9429 5.10: a remote offer takes what add_track() made, never what add_transceiver() made. */
static void test_remote_offers_take_what_add_track_made(void **state)
{
	struct heard heard;
	struct sim sim;
	wlk_transceiver *own;

	(void)state;
	start(&sim, &heard);
	add(&sim.a, WLK_MEDIA_AUDIO);
	add(&sim.a, WLK_MEDIA_VIDEO);
	own = add(&sim.b, WLK_MEDIA_AUDIO);
	must(&sim.b, wlk_transceiver_set_direction(own, WLK_DIRECTION_SENDONLY));
	add_track(&sim.b, WLK_MEDIA_VIDEO, "camera", NULL, NULL);
	set_local(&sim.a);
	give(&sim.a);
	assert_int_equal(transceivers(&sim.b), 3);
	assert_null(wlk_transceiver_mid(own));
	assert_string_equal(wlk_transceiver_mid(at(&sim.b, 1)), wlk_transceiver_mid(at(&sim.a, 1)));
	assert_string_equal(wlk_transceiver_mid(at(&sim.b, 2)), wlk_transceiver_mid(at(&sim.a, 0)));
	set_local(&sim.b);
	give(&sim.b);
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.a, 1)), WLK_DIRECTION_SENDRECV);
	HEARD(&sim.b, "needed have-remote-offer track() track() stable "); /* asked once, and own still waits */
	/* A section on which they do not receive is no place for a track of ours. */
	add_track(&sim.b, WLK_MEDIA_VIDEO, "second", NULL, NULL);
	must(&sim.a, wlk_transceiver_set_direction(add(&sim.a, WLK_MEDIA_VIDEO), WLK_DIRECTION_SENDONLY));
	set_local(&sim.a);
	give(&sim.a);
	assert_int_equal(transceivers(&sim.b), 5);
	assert_null(wlk_transceiver_mid(at(&sim.b, 3)));
	sim_free(&sim);
}

/* An answer may refuse to receive what a remote offer announced: the track is muted again. */
static void test_an_answer_that_does_not_receive(void **state)
{
	struct heard heard;
	struct sim sim;

	(void)state;
	start(&sim, &heard);
	add_track(&sim.a, WLK_MEDIA_AUDIO, "voice", "s", NULL);
	set_local(&sim.a);
	give(&sim.a);
	must(&sim.b, wlk_transceiver_set_direction(at(&sim.b, 0), WLK_DIRECTION_INACTIVE));
	set_local(&sim.b);
	give(&sim.b);
	HEARD(&sim.b, "have-remote-offer track(s) stable mute left(s) ");
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.a, 0)), WLK_DIRECTION_INACTIVE);
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.b, 0)), WLK_DIRECTION_INACTIVE);
	sim_free(&sim);
}

/* ---- stopping ---- */

static void test_stop_and_recycle(void **state)
{
	struct heard heard;
	struct sim sim;
	wlk_transceiver *gone, *far, *video;
	char mid[16];

	(void)state;
	start(&sim, &heard);
	gone = add(&sim.a, WLK_MEDIA_AUDIO);
	video = add(&sim.a, WLK_MEDIA_VIDEO);
	negotiate(&sim.a);
	forget(&sim);
	far = at(&sim.b, 0);
	snprintf(mid, sizeof(mid), "%s", wlk_transceiver_mid(gone));
	must(&sim.a, wlk_transceiver_stop(gone));
	must(&sim.a, wlk_transceiver_stop(gone));
	HEARD(&sim.a, "ended needed ");
	assert_int_equal(wlk_transceiver_direction(gone), WLK_DIRECTION_STOPPED);
	assert_int_equal(wlk_transceiver_current_direction(gone), WLK_DIRECTION_SENDONLY); /* until it is negotiated */
	assert_int_equal(wlk_transceiver_set_direction(gone, WLK_DIRECTION_SENDRECV), WLK_ERR_STATE);
	assert_int_equal(wlk_rtp_sender_replace_track(wlk_transceiver_sender(gone), "x"), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_sender_count(sim.a.pc), 2);
	set_local(&sim.a);
	assert_true(local_has(&sim.a, "m=audio 0 "));
	give(&sim.a);
	HEARD(&sim.b, "have-remote-offer ended ");
	assert_int_equal(wlk_transceiver_current_direction(far), WLK_DIRECTION_STOPPED);
	assert_int_equal(transceivers(&sim.b), 2);
	assert_int_equal(wlk_peer_connection_receiver_count(sim.b.pc), 1);
	set_local(&sim.b);
	give(&sim.b);
	HEARD(&sim.b, "stable ");
	HEARD(&sim.a, "have-local-offer stable ");
	/* Out of both sets; the handles stay. */
	assert_int_equal(transceivers(&sim.a), 1);
	assert_int_equal(transceivers(&sim.b), 1);
	assert_ptr_equal(at(&sim.a, 0), video);
	assert_null(wlk_transceiver_mid(gone));
	assert_null(wlk_transceiver_mid(far));
	assert_int_equal(wlk_transceiver_current_direction(gone), WLK_DIRECTION_STOPPED);
	must(&sim.b, wlk_transceiver_stop(far));
	/* The far end takes the m-line again, for another kind, under a new mid (RFC 9429 5.2.2). */
	gone = add(&sim.b, WLK_MEDIA_VIDEO);
	negotiate(&sim.b);
	assert_int_equal(m_lines(&sim.b), 2);
	assert_string_not_equal(wlk_transceiver_mid(gone), mid);
	assert_true(local_has(&sim.b, "m=video 9 "));
	assert_int_equal(transceivers(&sim.a), 2);
	assert_string_equal(wlk_transceiver_mid(at(&sim.a, 1)), wlk_transceiver_mid(gone));
	assert_int_equal(wlk_transceiver_current_direction(gone), WLK_DIRECTION_SENDONLY);
	sim_run_for(&sim, SIM_SECOND);
	assert_true(sim_both_connected(&sim));
	sim_free(&sim);
}

/* Whatever is stopped before its offer is set keeps the offer's section; what was never offered just goes. */
static void test_stop_before_the_offer(void **state)
{
	struct heard heard;
	struct sim sim;
	wlk_transceiver *t, *offered;
	wlk_session_description offer = { WLK_SDP_OFFER, NULL };

	(void)state;
	start(&sim, &heard);
	t = add(&sim.a, WLK_MEDIA_AUDIO);
	must(&sim.a, wlk_transceiver_stop(t));
	assert_int_equal(transceivers(&sim.a), 1);
	HEARD(&sim.a, "needed ended ");
	must(&sim.a, wlk_peer_connection_create_offer(sim.a.pc, NULL, &offer.sdp));
	assert_null(strstr(offer.sdp, "m="));
	must(&sim.a, wlk_peer_connection_set_local_description(sim.a.pc, &offer));
	assert_int_equal(transceivers(&sim.a), 0);
	give(&sim.a);
	set_local(&sim.b);
	give(&sim.b);
	HEARD(&sim.a, "have-local-offer stable ");
	assert_int_equal(wlk_peer_connection_ice_gathering_state(sim.a.pc), WLK_ICE_GATHERING_NEW);
	/* Created, then stopped, then set: the section is there, and the next offer closes it. */
	offered = add(&sim.a, WLK_MEDIA_AUDIO);
	t = add(&sim.a, WLK_MEDIA_VIDEO);
	must(&sim.a, wlk_peer_connection_create_offer(sim.a.pc, NULL, &offer.sdp));
	must(&sim.a, wlk_transceiver_stop(offered));
	must(&sim.a, wlk_peer_connection_set_local_description(sim.a.pc, &offer));
	give(&sim.a);
	set_local(&sim.b);
	give(&sim.b);
	assert_string_equal(wlk_transceiver_mid(t), wlk_transceiver_mid(at(&sim.b, 1)));
	assert_non_null(wlk_transceiver_mid(offered));
	HEARD(&sim.a, "needed ended have-local-offer stable ");
	negotiate(&sim.a);
	assert_int_equal(transceivers(&sim.a), 1);
	assert_int_equal(transceivers(&sim.b), 1);
	sim_free(&sim);
}

/* The answerer stops: the answer is inactive, and its own next offer closes the m-line (W3C 5.4 stop). */
/* An offer that cannot be made changes nothing: the one before it is still what it was. */
static void test_a_failed_offer_leaves_the_one_before(void **state)
{
	wlk_session_description offer = { .type = WLK_SDP_OFFER };
	wlk_transceiver *audio, *video, *more;
	const char *sdp;
	struct heard heard;
	struct sim sim;

	(void)state;
	start(&sim, &heard);
	must(&sim.a, wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_AUDIO, NULL, &audio));
	must(&sim.a, wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_VIDEO, NULL, &video));
	must(&sim.a, wlk_peer_connection_create_offer(sim.a.pc, NULL, &offer.sdp));
	must(&sim.a, wlk_transceiver_stop(audio));
	for (int i = 0; i < 64; i++)
		must(&sim.a, wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_AUDIO, NULL, &more));
	assert_int_equal(wlk_peer_connection_create_offer(sim.a.pc, NULL, &sdp), WLK_ERR_NOSPACE);
	must(&sim.a, wlk_peer_connection_set_local_description(sim.a.pc, &offer));
	assert_string_equal(wlk_transceiver_mid(video), "1");
	sim_free(&sim);
}

static void test_stop_by_the_answerer(void **state)
{
	struct heard heard;
	struct sim sim;

	(void)state;
	start(&sim, &heard);
	add(&sim.a, WLK_MEDIA_AUDIO);
	add(&sim.a, WLK_MEDIA_VIDEO);
	set_local(&sim.a);
	give(&sim.a);
	must(&sim.b, wlk_transceiver_stop(at(&sim.b, 0)));
	set_local(&sim.b);
	assert_false(local_has(&sim.b, "m=audio 0 "));
	give(&sim.b);
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.a, 0)), WLK_DIRECTION_INACTIVE);
	HEARD(&sim.b, "have-remote-offer track() track() ended stable needed ");
	negotiate(&sim.b);
	assert_int_equal(transceivers(&sim.a), 1);
	assert_int_equal(transceivers(&sim.b), 1);
	HEARD(&sim.a, "have-local-offer stable have-remote-offer ended stable ");
	sim_run_for(&sim, SIM_SECOND);
	assert_true(sim_both_connected(&sim));
	HEARD(&sim.a, "");
	sim_free(&sim);
}

static void test_an_ice_restart_of_nothing(void **state)
{
	struct heard heard;
	struct sim sim;

	(void)state;
	start(&sim, &heard);
	must(&sim.a, wlk_peer_connection_restart_ice(sim.a.pc));
	HEARD(&sim.a, "");
	add(&sim.a, WLK_MEDIA_AUDIO);
	negotiate(&sim.a);
	forget(&sim);
	must(&sim.a, wlk_peer_connection_restart_ice(sim.a.pc));
	HEARD(&sim.a, "needed ");
	sim_free(&sim);
}

/* ---- rollback ---- */

static void test_rollback_of_a_local_offer(void **state)
{
	struct heard heard;
	struct sim sim;
	wlk_transceiver *t;

	(void)state;
	start(&sim, &heard);
	t = add(&sim.a, WLK_MEDIA_AUDIO);
	set_local(&sim.a);
	assert_string_equal(wlk_transceiver_mid(t), "0");
	HEARD(&sim.a, "have-local-offer "); /* by then the offer was made */
	roll_back(&sim.a, true);
	assert_null(wlk_transceiver_mid(t));
	assert_int_equal(wlk_transceiver_direction(t), WLK_DIRECTION_SENDRECV);
	assert_int_equal(transceivers(&sim.a), 1);
	assert_null(wlk_peer_connection_local_description(sim.a.pc));
	HEARD(&sim.a, "stable needed ");
	/* The m-line is free again: the other side may be first. */
	add(&sim.b, WLK_MEDIA_VIDEO);
	negotiate(&sim.b);
	assert_int_equal(m_lines(&sim.a), 1);
	negotiate(&sim.a);
	assert_int_equal(m_lines(&sim.a), 2);
	assert_string_equal(wlk_transceiver_mid(t), "1");
	sim_free(&sim);
}

static void test_rollback_of_a_remote_offer(void **state)
{
	struct heard heard;
	struct sim sim;
	wlk_transceiver *gone, *kept;

	(void)state;
	start(&sim, &heard);
	add_track(&sim.a, WLK_MEDIA_AUDIO, "voice", "s", NULL);
	add_track(&sim.a, WLK_MEDIA_VIDEO, "camera", "s", NULL);
	set_local(&sim.a);
	give(&sim.a);
	gone = at(&sim.b, 0);
	kept = at(&sim.b, 1);
	must(&sim.b, wlk_rtp_sender_replace_track(wlk_transceiver_sender(gone), "by-hand"));
	assert_ptr_equal(wlk_rtp_sender_transceiver(add_track(&sim.b, WLK_MEDIA_VIDEO, "reply", NULL, NULL)), kept);
	roll_back(&sim.b, false);
	/* What had a track added by add_track() stays; replace_track() is not enough (W3C 4.4.1.5). */
	assert_int_equal(transceivers(&sim.b), 1);
	assert_ptr_equal(at(&sim.b, 0), kept);
	assert_null(wlk_transceiver_mid(kept));
	assert_int_equal(wlk_transceiver_direction(kept), WLK_DIRECTION_SENDRECV);
	assert_int_equal(wlk_transceiver_current_direction(kept), WLK_DIRECTION_NONE);
	assert_null(wlk_transceiver_mid(gone));
	assert_int_equal(wlk_transceiver_direction(gone), WLK_DIRECTION_STOPPED);
	assert_null(wlk_peer_connection_remote_description(sim.b.pc));
	HEARD(&sim.b, "have-remote-offer track(s) track(s) stable mute left(s) ended mute left(s) needed ");
	/* The same offer again takes it, as one that add_track() made, and the events come again. */
	give(&sim.a);
	assert_int_equal(transceivers(&sim.b), 2);
	assert_string_equal(wlk_transceiver_mid(kept), "1");
	HEARD(&sim.b, "have-remote-offer track(s) track(s) ");
	sim_free(&sim);
}

/* Streams and directions that a re-offer changed are as they were. */
static void test_rollback_of_a_change_of_streams(void **state)
{
	static const char *const one[] = { "one" }, *const two[] = { "two" };
	struct heard heard;
	struct sim sim;
	wlk_rtp_sender *sender;
	const char *const *streams;
	size_t count;

	(void)state;
	start(&sim, &heard);
	sender = add_track(&sim.a, WLK_MEDIA_AUDIO, "voice", one[0], NULL);
	negotiate(&sim.a);
	forget(&sim);
	must(&sim.a, wlk_rtp_sender_set_streams(sender, two, 1));
	set_local(&sim.a);
	give(&sim.a);
	HEARD(&sim.b, "have-remote-offer left(one) track(two) ");
	roll_back(&sim.b, false);
	HEARD(&sim.b, "stable left(two) track(one) ");
	streams = wlk_rtp_receiver_stream_ids(wlk_transceiver_receiver(at(&sim.b, 0)), &count);
	assert_int_equal(count, 1);
	assert_string_equal(streams[0], "one");
	assert_string_equal(wlk_transceiver_mid(at(&sim.b, 0)), "0");
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.b, 0)), WLK_DIRECTION_RECVONLY);
	roll_back(&sim.a, true);
	assert_int_equal(wlk_transceiver_current_direction(at(&sim.a, 0)), WLK_DIRECTION_SENDONLY);
	sim_free(&sim);
}

/* A track that a re-offer took away is told again when the offer is taken back. */
static void test_rollback_of_an_offer_that_stops_sending(void **state)
{
	struct heard heard;
	struct sim sim;

	(void)state;
	start(&sim, &heard);
	add_track(&sim.a, WLK_MEDIA_AUDIO, "voice", "one", NULL);
	negotiate(&sim.a);
	forget(&sim);
	must(&sim.a, wlk_transceiver_set_direction(at(&sim.a, 0), WLK_DIRECTION_INACTIVE));
	set_local(&sim.a);
	give(&sim.a);
	HEARD(&sim.b, "have-remote-offer mute left(one) ");
	roll_back(&sim.b, false);
	HEARD(&sim.b, "stable track(one) ");
	give(&sim.a);
	HEARD(&sim.b, "have-remote-offer mute left(one) ");
	sim_free(&sim);
}

/* Handles stay valid, so their number is limited: whoever makes m-sections come and go for ever is refused. */
static void test_transceivers_that_are_gone_are_limited(void **state)
{
	wlk_transceiver *t;
	struct heard heard;
	struct sim sim;
	wlk_err err = WLK_OK;
	size_t rounds = 0;

	(void)state;
	start(&sim, &heard);
	add(&sim.a, WLK_MEDIA_AUDIO);
	set_local(&sim.a);
	while (rounds <= 5000) {
		err = wlk_peer_connection_set_remote_description(sim.b.pc, wlk_peer_connection_local_description(sim.a.pc));
		if (err)
			break;
		roll_back(&sim.b, false);
		sim_run_for(&sim, 0);
		rounds++;
	}
	assert_int_equal(err, WLK_ERR_NOSPACE);
	assert_int_equal(rounds, 4096);
	assert_int_equal(wlk_peer_connection_signaling_state(sim.b.pc), WLK_SIGNALING_STABLE);
	assert_int_equal(wlk_peer_connection_add_transceiver(sim.b.pc, WLK_MEDIA_AUDIO, NULL, &t), WLK_ERR_NOSPACE);
	sim_free(&sim);
}

/* A remote offer that meets ours takes ours back first, and says so. */
static void test_implicit_rollback(void **state)
{
	struct heard heard;
	struct sim sim;
	wlk_transceiver *mine;

	(void)state;
	start(&sim, &heard);
	mine = add(&sim.a, WLK_MEDIA_AUDIO);
	add(&sim.b, WLK_MEDIA_VIDEO);
	set_local(&sim.a);
	set_local(&sim.b);
	give(&sim.b);
	assert_null(wlk_transceiver_mid(mine));
	HEARD(&sim.a, "have-local-offer stable have-remote-offer track() ");
	set_local(&sim.a);
	give(&sim.a);
	HEARD(&sim.a, "stable needed ");
	negotiate(&sim.a);
	assert_string_equal(wlk_transceiver_mid(mine), "1");
	sim_run_for(&sim, SIM_SECOND);
	assert_true(sim_both_connected(&sim));
	sim_free(&sim);
}

/* ---- negotiation needed ---- */

static void test_negotiation_needed_is_looked_at_when_delivered(void **state)
{
	struct heard heard;
	struct sim sim;
	wlk_transceiver *t;

	(void)state;
	start(&sim, &heard);
	t = add(&sim.a, WLK_MEDIA_AUDIO);
	add(&sim.a, WLK_MEDIA_VIDEO);
	add(&sim.b, WLK_MEDIA_AUDIO);
	HEARD(&sim.a, "needed "); /* one for both */
	add(&sim.a, WLK_MEDIA_VIDEO);
	must(&sim.a, wlk_peer_connection_restart_ice(sim.a.pc));
	HEARD(&sim.a, ""); /* it is known already */
	set_local(&sim.a);
	add(&sim.a, WLK_MEDIA_AUDIO);
	HEARD(&sim.a, "have-local-offer "); /* not in this state */
	give(&sim.a);
	set_local(&sim.b);
	give(&sim.b);
	HEARD(&sim.a, "stable needed ");
	negotiate(&sim.a);
	forget(&sim);
	must(&sim.a, wlk_transceiver_set_direction(t, WLK_DIRECTION_INACTIVE));
	must(&sim.a, wlk_transceiver_set_direction(t, WLK_DIRECTION_SENDRECV));
	HEARD(&sim.a, ""); /* resolved by then */
	must(&sim.a, wlk_transceiver_set_direction(t, WLK_DIRECTION_INACTIVE));
	set_local(&sim.a);
	give(&sim.a);
	set_local(&sim.b);
	give(&sim.b);
	HEARD(&sim.a, "have-local-offer stable "); /* negotiated by then */
	sim_free(&sim);
}

/* ---- closed ---- */

static void test_everything_stops_with_the_connection(void **state)
{
	struct heard heard;
	struct sim sim;
	wlk_rtp_sender *sender;
	wlk_transceiver *t;
	const char *sdp;

	(void)state;
	start(&sim, &heard);
	sender = add_track(&sim.a, WLK_MEDIA_AUDIO, "voice", NULL, NULL);
	negotiate(&sim.a);
	t = at(&sim.a, 0);
	wlk_peer_connection_close(sim.a.pc);
	assert_int_equal(wlk_peer_connection_signaling_state(sim.a.pc), WLK_SIGNALING_CLOSED);
	assert_int_equal(wlk_transceiver_direction(t), WLK_DIRECTION_STOPPED);
	assert_int_equal(wlk_transceiver_current_direction(t), WLK_DIRECTION_STOPPED);
	assert_int_equal(wlk_transceiver_stop(t), WLK_ERR_STATE);
	assert_int_equal(wlk_transceiver_set_direction(t, WLK_DIRECTION_SENDRECV), WLK_ERR_STATE);
	assert_int_equal(wlk_rtp_sender_replace_track(sender, NULL), WLK_ERR_STATE);
	assert_int_equal(wlk_rtp_sender_set_streams(sender, NULL, 0), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_remove_track(sim.a.pc, sender), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_add_track(sim.a.pc, WLK_MEDIA_AUDIO, "more", NULL, 0, NULL), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_AUDIO, NULL, &t), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_create_offer(sim.a.pc, NULL, &sdp), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_create_answer(sim.a.pc, &sdp), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_ERR_STATE);
	assert_int_equal(wlk_peer_connection_restart_ice(sim.a.pc), WLK_OK); /* W3C names no exception */
	assert_int_equal(wlk_peer_connection_sender_count(sim.a.pc), 0);
	assert_non_null(wlk_peer_connection_current_local_description(sim.a.pc));
	sim_free(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_call_by_add_track),
		cmocka_unit_test(test_streams_come_and_go),
		cmocka_unit_test(test_remote_offers_take_what_add_track_made),
		cmocka_unit_test(test_an_answer_that_does_not_receive),
		cmocka_unit_test(test_stop_and_recycle),
		cmocka_unit_test(test_stop_before_the_offer),
		cmocka_unit_test(test_a_failed_offer_leaves_the_one_before),
		cmocka_unit_test(test_stop_by_the_answerer),
		cmocka_unit_test(test_an_ice_restart_of_nothing),
		cmocka_unit_test(test_rollback_of_a_local_offer),
		cmocka_unit_test(test_rollback_of_a_remote_offer),
		cmocka_unit_test(test_rollback_of_a_change_of_streams),
		cmocka_unit_test(test_rollback_of_an_offer_that_stops_sending),
		cmocka_unit_test(test_transceivers_that_are_gone_are_limited),
		cmocka_unit_test(test_implicit_rollback),
		cmocka_unit_test(test_negotiation_needed_is_looked_at_when_delivered),
		cmocka_unit_test(test_everything_stops_with_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
