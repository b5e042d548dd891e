#include "random_calls.h"

#include <stdio.h>
#include <string.h>

#include "core/err.h"

enum { OUTLINE_SIZE = 4096 };

/* Give one peer's local description, of whatever kind it is at the moment, to the other one. */
static wlk_err deliver(struct sim_peer *from, struct sim_peer *to, wlk_sdp_type type)
{
	const wlk_session_description *local = from->pc ? wlk_peer_connection_local_description(from->pc) : NULL;
	wlk_session_description copy;

	if (!local)
		return RANDOM_NOTHING;
	copy = *local;
	if (type)
		copy.type = type;
	return wlk_peer_connection_set_remote_description(to->pc, &copy);
}

static wlk_signaling_state state_of(const struct sim_peer *peer)
{
	return peer->pc ? wlk_peer_connection_signaling_state(peer->pc) : WLK_SIGNALING_CLOSED;
}

/* An offer that the other one has waits for its answer there; whatever replaces it must get there, too. */
static void keep_faith(struct sim *sim, struct sim_peer *peer, wlk_signaling_state before)
{
	static const wlk_session_description rollback = { WLK_SDP_ROLLBACK, NULL };
	wlk_signaling_state after = state_of(peer), there = state_of(peer->other);
	bool answered = before == WLK_SIGNALING_HAVE_REMOTE_OFFER || before == WLK_SIGNALING_HAVE_LOCAL_PRANSWER;
	wlk_err err = WLK_OK;

	if (there == WLK_SIGNALING_CLOSED)
		return;
	if (answered || (after == WLK_SIGNALING_HAVE_LOCAL_OFFER && there == WLK_SIGNALING_HAVE_REMOTE_OFFER))
		err = deliver(peer, peer->other, 0);
	else if (after == WLK_SIGNALING_STABLE && there == WLK_SIGNALING_HAVE_REMOTE_OFFER)
		err = wlk_peer_connection_set_remote_description(peer->other->pc, &rollback);
	if (err)
		sim_fail(sim, "%s refuses what %s has applied: %s", peer->other->name, peer->name, wlk_last_error(peer->other->pc));
}

static wlk_err set_local(struct sim *sim, struct sim_peer *peer, const wlk_session_description *description)
{
	wlk_signaling_state before = state_of(peer);
	wlk_err err = wlk_peer_connection_set_local_description(peer->pc, description);

	if (!err && state_of(peer) == WLK_SIGNALING_HAVE_LOCAL_PRANSWER)
		random_run_of(sim)->pranswers++;
	if (!err && random_run_of(sim)->faithful)
		keep_faith(sim, peer, before);
	return err;
}

/* ---- single calls ---- */

static wlk_err set_local_implicitly(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	(void)side;
	return set_local(sim, peer, NULL);
}

/* An offer of the other one arrives; without faith, whatever it has. */
static wlk_err receive(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_signaling_state before = state_of(peer);
	wlk_err err;

	(void)side;
	if (random_run_of(sim)->faithful && state_of(peer->other) != WLK_SIGNALING_HAVE_LOCAL_OFFER)
		return RANDOM_NOTHING;
	err = deliver(peer->other, peer, 0);
	if (!err && before == WLK_SIGNALING_HAVE_LOCAL_OFFER && state_of(peer) == WLK_SIGNALING_HAVE_REMOTE_OFFER)
		random_run_of(sim)->implicit_rollbacks++;
	return err;
}

/* A description of the other one arrives as another type than it is. */
static wlk_err receive_misnamed(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	(void)side;
	if (random_run_of(sim)->faithful)
		return RANDOM_NOTHING;
	return deliver(peer->other, peer, (wlk_sdp_type)(1 + sim_random(sim, 3)));
}

static wlk_err roll_back(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	const wlk_session_description rollback = { WLK_SDP_ROLLBACK, NULL };

	(void)side;
	return sim_random(sim, 2) ? set_local(sim, peer, &rollback) : wlk_peer_connection_set_remote_description(peer->pc, &rollback);
}

static wlk_err restart(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	(void)side;
	if (wlk_peer_connection_ice_gathering_state(peer->pc) == WLK_ICE_GATHERING_GATHERING)
		random_run_of(sim)->restarts_while_gathering++;
	return wlk_peer_connection_restart_ice(peer->pc);
}

static wlk_err create_offer(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	const wlk_offer_options options = { sizeof(options), sim_random(sim, 2) };
	wlk_session_description offer = { WLK_SDP_OFFER, NULL };
	wlk_err err = wlk_peer_connection_create_offer(peer->pc, &options, &offer.sdp);

	(void)side;
	return err || sim_random(sim, 2) ? err : set_local(sim, peer, &offer);
}

static wlk_err create_answer(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	wlk_session_description answer = { sim_random(sim, 2) ? WLK_SDP_ANSWER : WLK_SDP_PRANSWER, NULL };
	wlk_err err = wlk_peer_connection_create_answer(peer->pc, &answer.sdp);

	(void)side;
	return err || sim_random(sim, 2) ? err : set_local(sim, peer, &answer);
}

static wlk_err set_local_by_type(struct sim *sim, struct sim_peer *peer, struct random_side *side)
{
	const wlk_session_description description = { (wlk_sdp_type)sim_random(sim, 6), NULL };

	(void)side;
	return set_local(sim, peer, &description);
}

static const struct random_call calls[] = {
	{ "setLocalDescription()", 8, set_local_implicitly },
	{ "setRemoteDescription", 11, receive },
	{ "setRemoteDescription as another type", 3, receive_misnamed },
	{ "rollback", 4, roll_back },
	{ "restartIce", 4, restart },
	{ "createOffer", 4, create_offer },
	{ "createAnswer", 4, create_answer },
	{ "setLocalDescription by type", 4, set_local_by_type },
};
const struct random_table random_signalling = { calls, ARRAY_SIZE(calls) };

/* ---- afterwards ---- */

static void to_stable(struct sim *sim, struct sim_peer *peer)
{
	const wlk_session_description rollback = { WLK_SDP_ROLLBACK, NULL };

	switch (wlk_peer_connection_signaling_state(peer->pc)) {
	case WLK_SIGNALING_HAVE_LOCAL_OFFER:
		random_check(sim, peer, set_local(sim, peer, &rollback), WLK_SIGNALING_STABLE);
		break;
	case WLK_SIGNALING_HAVE_REMOTE_OFFER:
		random_check(sim, peer, wlk_peer_connection_set_remote_description(peer->pc, &rollback), WLK_SIGNALING_STABLE);
		break;
	case WLK_SIGNALING_HAVE_LOCAL_PRANSWER:
		if (set_local(sim, peer, NULL))
			sim_fail(sim, "%s: no answer after a provisional one: %s", peer->name, wlk_last_error(peer->pc));
		break;
	default:
		break;
	}
}

/* The m-lines of a description: kind, whether it has port 0, and the mid of each. */
static void outline(const wlk_session_description *description, char *out, size_t size)
{
	const char *at = description ? description->sdp : "";

	*out = '\0';
	while ((at = strstr(at, "\r\nm="))) {
		const char *mid = strstr(at, "\r\na=mid:"), *next = strstr(at + 4, "\r\nm=");
		size_t used = strlen(out);

		at += 4;
		if (next && mid > next)
			mid = NULL;
		snprintf(out + used, size - used, "%.*s %s %.*s\n", (int)strcspn(at, " "), at,
			 strncmp(at + strcspn(at, " "), " 0 ", 3) ? "on" : "off", mid ? (int)strcspn(mid + 8, "\r") : 0, mid ? mid + 8 : "");
	}
}

static wlk_transceiver *by_mid(const struct sim_peer *peer, const char *mid)
{
	for (size_t i = 0; i < wlk_peer_connection_transceiver_count(peer->pc); i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(peer->pc, i);

		if (wlk_transceiver_mid(t) && !strcmp(wlk_transceiver_mid(t), mid))
			return t;
	}
	return NULL;
}

static wlk_direction mirrored(wlk_direction direction)
{
	return direction == WLK_DIRECTION_SENDONLY ? WLK_DIRECTION_RECVONLY :
	       direction == WLK_DIRECTION_RECVONLY ? WLK_DIRECTION_SENDONLY :
						     direction;
}

static bool same_sections(const struct sim *sim, char a[OUTLINE_SIZE], char b[OUTLINE_SIZE])
{
	outline(wlk_peer_connection_local_description(sim->a.pc), a, OUTLINE_SIZE);
	outline(wlk_peer_connection_local_description(sim->b.pc), b, OUTLINE_SIZE);
	return !strcmp(a, b);
}

/* Both have the same sections, and the same transceivers on them, seen from both sides. */
static void check_consistent(struct sim *sim)
{
	char a[OUTLINE_SIZE], b[OUTLINE_SIZE];
	size_t count = wlk_peer_connection_transceiver_count(sim->a.pc);

	if (!same_sections(sim, a, b))
		sim_fail(sim, "the two do not agree on the m-lines\n%s\n%s", a, b);
	if (count != wlk_peer_connection_transceiver_count(sim->b.pc))
		sim_fail(sim, "%zu transceivers here, %zu there", count, wlk_peer_connection_transceiver_count(sim->b.pc));
	for (size_t i = 0; i < count; i++) {
		wlk_transceiver *ours = wlk_peer_connection_transceiver(sim->a.pc, i), *theirs;

		theirs = wlk_transceiver_mid(ours) ? by_mid(&sim->b, wlk_transceiver_mid(ours)) : NULL;
		if (!theirs || wlk_transceiver_kind(ours) != wlk_transceiver_kind(theirs))
			sim_fail(sim, "transceiver %zu has no like on the other side", i);
		if (wlk_transceiver_current_direction(ours) != mirrored(wlk_transceiver_current_direction(theirs)))
			sim_fail(sim, "transceiver %zu: direction %d here, %d there", i, (int)wlk_transceiver_current_direction(ours),
				 (int)wlk_transceiver_current_direction(theirs));
	}
}

static bool exchange(struct sim_peer *offerer)
{
	struct sim_peer *answerer = offerer->other;

	return !wlk_peer_connection_set_local_description(offerer->pc, NULL) &&
	       !wlk_peer_connection_set_remote_description(answerer->pc, wlk_peer_connection_local_description(offerer->pc)) &&
	       !wlk_peer_connection_set_local_description(answerer->pc, NULL) &&
	       !wlk_peer_connection_set_remote_description(offerer->pc, wlk_peer_connection_local_description(answerer->pc));
}

/* Only the answer that its sender has set as well gets a peer out of have-remote-pranswer. */
static void finish_pranswer(struct sim_peer *peer)
{
	if (wlk_peer_connection_signaling_state(peer->pc) == WLK_SIGNALING_HAVE_REMOTE_PRANSWER)
		(void)deliver(peer->other, peer, 0);
}

/*
 * Signalling that loses an answer leaves one of them with ICE credentials that the other never saw, or waiting for ever.
 */
bool random_agree_again(struct sim *sim)
{
	to_stable(sim, &sim->a);
	to_stable(sim, &sim->b);
	finish_pranswer(&sim->a);
	finish_pranswer(&sim->b);
	sim_run_for(sim, SIM_MS);
	for (int i = 0; i < 3; i++) {
		struct sim_peer *offerer = i == 1 ? &sim->b : &sim->a;
		char a[OUTLINE_SIZE], b[OUTLINE_SIZE];

		/* What an answer rejects is still open in the offer; the next one shows that it is closed. */
		if (i == 2 && same_sections(sim, a, b))
			break;
		if (!exchange(offerer)) {
			to_stable(sim, &sim->a);
			to_stable(sim, &sim->b);
			if (wlk_peer_connection_restart_ice(offerer->pc) || !exchange(offerer))
				return false;
		}
		sim_run_for(sim, 5 * SIM_SECOND);
	}
	check_consistent(sim);
	return true;
}

/* ---- media afterwards ---- */

static const char last_words[] = "last words";

void random_take_packet(const wlk_event *event)
{
	const wlk_rtp_packet *packet = event->u.rtp.packet;

	if (packet->payload_size == sizeof(last_words) && !memcmp(packet->payload, last_words, sizeof(last_words)))
		wlk_transceiver_set_user(event->u.rtp.transceiver, NULL);
}

static void detach_source(struct sim *sim, wlk_transceiver *t)
{
	wlk_rtp_sender *sender = wlk_transceiver_sender(t);

	if (wlk_transceiver_kind(t) == WLK_MEDIA_VIDEO ? wlk_rtp_sender_set_video_source(sender, NULL) :
							  wlk_rtp_sender_set_audio_source(sender, NULL))
		sim_fail(sim, "a source stays: %s", wlk_last_error(wlk_transceiver_peer_connection(t)));
}

/* One packet on whatever may send; the user pointer of the transceiver over there says that it is due. */
static void send_last_words(struct sim *sim, struct sim_peer *peer, wlk_transceiver *t)
{
	static wlk_rtp_send_parameters p;
	wlk_rtp_packet packet = { .payload = (const uint8_t *)last_words, .payload_size = sizeof(last_words) };
	wlk_transceiver *theirs = by_mid(peer->other, wlk_transceiver_mid(t));

	if (!(wlk_transceiver_current_direction(t) & WLK_DIRECTION_SENDONLY) ||
	    wlk_transceiver_current_direction(t) > WLK_DIRECTION_SENDRECV ||
	    wlk_rtp_sender_parameters(wlk_transceiver_sender(t), &p) || !p.encodings[0].active || !p.codec_count)
		return;
	packet.payload_type = p.codecs[0].payload_type;
	detach_source(sim, t);
	if (wlk_rtp_receiver_set_level(wlk_transceiver_receiver(theirs), WLK_MEDIA_LEVEL_PACKETS) ||
	    wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet))
		sim_fail(sim, "%s: nothing can be sent on mid %s: %s", peer->name, wlk_transceiver_mid(t), wlk_last_error(peer->pc));
	wlk_transceiver_set_user(theirs, sim);
}

static void check_last_words(struct sim *sim, struct sim_peer *peer)
{
	for (size_t i = 0; i < wlk_peer_connection_transceiver_count(peer->pc); i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(peer->pc, i);

		if (wlk_transceiver_user(t))
			sim_fail(sim, "%s: what was sent on mid %s does not come in", peer->name, wlk_transceiver_mid(t));
		random_run_of(sim)->media_checked += wlk_transceiver_current_direction(t) == WLK_DIRECTION_SENDRECV;
	}
}

void random_check_media(struct sim *sim)
{
	for (int i = 0; i < 2; i++) {
		struct sim_peer *peer = i ? &sim->b : &sim->a;

		for (size_t k = 0; k < wlk_peer_connection_transceiver_count(peer->pc); k++)
			send_last_words(sim, peer, wlk_peer_connection_transceiver(peer->pc, k));
	}
	sim_run_for(sim, SIM_SECOND);
	check_last_words(sim, &sim->a);
	check_last_words(sim, &sim->b);
}
