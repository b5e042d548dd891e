/*
 * Random calls on two connected peers, seed by seed: no crash and no leak whatever the order, every answer is a documented
 * error, and afterwards both can be brought to stable, have the same m-lines, mids and mirrored directions, and still talk.
 *
 *   sim_random_api [FIRST_SEED [COUNT]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "sim.h"

enum { CALLS = 50, HANDLES = 16, TRANSCEIVERS = 12 };

struct side {
	wlk_data_channel *channels[HANDLES]; /* not released */
	size_t channel_count;
	bool in_event; /* calls are made while an event is looked at */
};

struct run {
	struct side a, b;
	wlk_data_channel *main_a; /* never closed by a call */
	int echoes;
	bool closed;     /* somebody closed or destroyed a peer */
	bool is_over;    /* no more random calls inside events */
	/*
	 * Signalling loses nothing that was applied: an answer reaches the offerer at once, and so does what becomes of an offer that the
	 * answerer has. Such runs never end divided.
	 */
	bool faithful;
	uint64_t calls, refused;
};

static struct run *run_of(struct sim *sim)
{
	return sim->user;
}

static struct side *side_of(struct sim *sim, const struct sim_peer *peer)
{
	return peer == &sim->a ? &run_of(sim)->a : &run_of(sim)->b;
}

/* A refused call says why, and leaves the state where it was. */
static void check(struct sim *sim, struct sim_peer *peer, wlk_err err, wlk_signaling_state before)
{
	run_of(sim)->calls++;
	if (!err)
		return;
	run_of(sim)->refused++;
	if (err < WLK_ERR_TIMEOUT || err > 0)
		sim_fail(sim, "%s: %d is no error", peer->name, (int)err);
	if (err == WLK_ERR_NOMEM || err == WLK_ERR_CRYPTO || err == WLK_ERR_IO)
		sim_fail(sim, "%s: %s: %s", peer->name, wlk_strerror(err), wlk_last_error(peer->pc));
	if (err != WLK_ERR_AGAIN && !*wlk_last_error(peer->pc))
		sim_fail(sim, "%s: an error without a story", peer->name);
	if (wlk_peer_connection_signaling_state(peer->pc) != before)
		sim_fail(sim, "%s: %s, but the state moved", peer->name, wlk_strerror(err));
}

/* ---- single calls ---- */

static void forget_channel(struct side *side, const wlk_data_channel *channel)
{
	for (size_t i = 0; i < side->channel_count; i++)
		if (side->channels[i] == channel)
			side->channels[i] = side->channels[--side->channel_count];
}

static wlk_data_channel *some_channel(struct sim *sim, struct side *side)
{
	return side->channel_count ? side->channels[sim_random(sim, (uint32_t)side->channel_count)] : NULL;
}

static wlk_transceiver *some_transceiver(struct sim *sim, struct sim_peer *peer)
{
	size_t count = wlk_peer_connection_transceiver_count(peer->pc);

	return count ? wlk_peer_connection_transceiver(peer->pc, sim_random(sim, (uint32_t)count)) : NULL;
}

static wlk_err call_channel(struct sim *sim, struct sim_peer *peer, uint32_t what)
{
	struct side *side = side_of(sim, peer);
	wlk_data_channel *channel = some_channel(sim, side);
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	static const uint8_t bytes[3000];
	wlk_err err;

	if (what == 0 && side->channel_count < HANDLES) {
		init.unordered = sim_random(sim, 2);
		init.negotiated = init.has_id = sim_random(sim, 4) == 0;
		init.id = (uint16_t)(100 + sim_random(sim, 4));
		err = wlk_peer_connection_create_data_channel(peer->pc, "random", &init, &channel);
		if (!err)
			side->channels[side->channel_count++] = channel;
		return err;
	}
	if (!channel)
		return WLK_OK;
	switch (what) {
	case 1:
		wlk_data_channel_close(channel);
		return WLK_OK;
	case 2:
		wlk_data_channel_release(channel);
		forget_channel(side, channel);
		return WLK_OK;
	case 3:
		wlk_data_channel_set_paused(channel, sim_random(sim, 2));
		return WLK_OK;
	default:
		return wlk_data_channel_send(channel, WLK_MESSAGE_BINARY, bytes, sim_random(sim, sizeof(bytes)));
	}
}

static wlk_err call_media(struct sim *sim, struct sim_peer *peer, uint32_t what)
{
	wlk_transceiver *t = some_transceiver(sim, peer);
	wlk_rtp_packet packet = { .payload_type = (uint8_t)sim_random(sim, 128), .payload = (const uint8_t *)"media", .payload_size = 5 };
	wlk_media_kind kind = sim_random(sim, 2) ? WLK_MEDIA_AUDIO : WLK_MEDIA_VIDEO;

	if (what == 0)
		return wlk_peer_connection_transceiver_count(peer->pc) > TRANSCEIVERS ? WLK_OK :
		       wlk_peer_connection_add_transceiver(peer->pc, kind, NULL, &t);
	if (!t)
		return WLK_OK;
	if (what == 1)
		return wlk_transceiver_set_direction(t, (wlk_direction)sim_random(sim, 6));
	if (what == 2)
		return wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(t));
	if (what == 3)
		return wlk_transceiver_stop(t);
	return wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet);
}

/* Tracks: ids from a small set, so that some are in use. */
static wlk_err call_tracks(struct sim *sim, struct sim_peer *peer, uint32_t what)
{
	static const char *const tracks[] = { "camera", "screen", "voice", "music", NULL };
	static const char *const streams[] = { "one", "two", "one", "three" };
	const char *track = tracks[sim_random(sim, 5)];
	wlk_transceiver *t = some_transceiver(sim, peer);
	wlk_rtp_sender *sender = t ? wlk_transceiver_sender(t) : NULL;
	wlk_media_kind kind = sim_random(sim, 2) ? WLK_MEDIA_AUDIO : WLK_MEDIA_VIDEO;
	size_t first = sim_random(sim, 4), count = sim_random(sim, (uint32_t)(5 - first));

	if (what <= 1)
		return wlk_peer_connection_transceiver_count(peer->pc) > TRANSCEIVERS ? WLK_OK :
		       wlk_peer_connection_add_track(peer->pc, kind, track, streams + first, count, NULL);
	if (!sender)
		return WLK_OK;
	if (what == 2)
		return wlk_peer_connection_remove_track(peer->pc, sender);
	if (what == 3)
		return wlk_rtp_sender_set_streams(sender, streams + first, count);
	return wlk_rtp_sender_replace_track(sender, track);
}

/* Give one peer's local description, of whatever kind it is at the moment, to the other one. */
static wlk_err deliver(struct sim_peer *from, struct sim_peer *to, wlk_sdp_type type)
{
	const wlk_session_description *local = from->pc ? wlk_peer_connection_local_description(from->pc) : NULL;
	wlk_session_description copy;

	if (!local)
		return WLK_OK;
	copy = *local;
	if (type)
		copy.type = type;
	return wlk_peer_connection_set_remote_description(to->pc, &copy);
}

/* An offer that the other one has waits for its answer there; whatever replaces it must get there, too. */
static wlk_signaling_state state_of(const struct sim_peer *peer)
{
	return peer->pc ? wlk_peer_connection_signaling_state(peer->pc) : WLK_SIGNALING_CLOSED;
}

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

	if (!err && run_of(sim)->faithful)
		keep_faith(sim, peer, before);
	return err;
}

/* An offer of the other one arrives; without faith, whatever it has. */
static wlk_err receive(struct sim *sim, struct sim_peer *peer, wlk_sdp_type type)
{
	if (run_of(sim)->faithful && (type || state_of(peer->other) != WLK_SIGNALING_HAVE_LOCAL_OFFER))
		return WLK_OK;
	return deliver(peer->other, peer, type);
}

static wlk_err call_signalling(struct sim *sim, struct sim_peer *peer, uint32_t what)
{
	const wlk_offer_options options = { sizeof(options), sim_random(sim, 2) };
	wlk_session_description description = { (wlk_sdp_type)sim_random(sim, 6), NULL };
	const char *sdp;
	wlk_err err;

	switch (what) {
	case 0:
	case 1:
		return set_local(sim, peer, NULL);
	case 2:
	case 3:
	case 4:
		return receive(sim, peer, 0);
	case 5:
		description.type = WLK_SDP_ROLLBACK;
		return sim_random(sim, 2) ? set_local(sim, peer, &description) :
					    wlk_peer_connection_set_remote_description(peer->pc, &description);
	case 6:
		return wlk_peer_connection_restart_ice(peer->pc);
	case 7:
		err = wlk_peer_connection_create_offer(peer->pc, &options, &sdp);
		description = (wlk_session_description){ WLK_SDP_OFFER, sdp };
		return err || sim_random(sim, 2) ? err : set_local(sim, peer, &description);
	case 8:
		err = wlk_peer_connection_create_answer(peer->pc, &sdp);
		description = (wlk_session_description){ sim_random(sim, 2) ? WLK_SDP_ANSWER : WLK_SDP_PRANSWER, sdp };
		return err || sim_random(sim, 2) ? err : set_local(sim, peer, &description);
	case 9:
		return receive(sim, peer, (wlk_sdp_type)(1 + sim_random(sim, 3)));
	default:
		return set_local(sim, peer, &description);
	}
}

static void end_peer(struct sim *sim, struct sim_peer *peer)
{
	run_of(sim)->closed = true;
	if (sim_random(sim, 2)) {
		wlk_peer_connection_close(peer->pc);
		return;
	}
	wlk_peer_connection_destroy(peer->pc);
	peer->pc = NULL;
}

static void random_call(struct sim *sim, struct sim_peer *peer)
{
	wlk_signaling_state before;
	char *json = NULL;
	wlk_err err;

	if (!peer->pc)
		return;
	before = wlk_peer_connection_signaling_state(peer->pc);
	switch (sim_random(sim, 400) ? sim_random(sim, 10) : 99) {
	case 0:
	case 1:
		err = call_channel(sim, peer, sim_random(sim, 7));
		break;
	case 2:
	case 3:
		err = call_media(sim, peer, sim_random(sim, 6));
		break;
	case 8:
		err = call_tracks(sim, peer, sim_random(sim, 5));
		break;
	case 4:
		err = wlk_peer_connection_stats_json(peer->pc, &json);
		wlk_secret_free(json);
		break;
	case 99:
		end_peer(sim, peer);
		return;
	default:
		err = call_signalling(sim, peer, sim_random(sim, 11));
		break;
	}
	check(sim, peer, err, before);
}

/* ---- events ---- */

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct run *run = run_of(sim);
	struct side *side = side_of(sim, peer);

	if (ev->type == WLK_EVENT_DATA_CHANNEL) {
		if (side->channel_count < HANDLES)
			side->channels[side->channel_count++] = ev->u.channel.channel;
		else
			wlk_data_channel_release(ev->u.channel.channel);
	}
	if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE && !strcmp(wlk_data_channel_label(ev->u.message.channel), "main")) {
		if (peer == &sim->a)
			run->echoes++;
		else
			(void)wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data, ev->u.message.size);
	}
	if (!run->is_over && !side->in_event && sim_random(sim, 4) == 0) {
		side->in_event = true;
		random_call(sim, peer);
		side->in_event = false;
	}
}

/* ---- afterwards ---- */

static void to_stable(struct sim *sim, struct sim_peer *peer)
{
	const wlk_session_description rollback = { WLK_SDP_ROLLBACK, NULL };

	switch (wlk_peer_connection_signaling_state(peer->pc)) {
	case WLK_SIGNALING_HAVE_LOCAL_OFFER:
		check(sim, peer, set_local(sim, peer, &rollback), WLK_SIGNALING_STABLE);
		break;
	case WLK_SIGNALING_HAVE_REMOTE_OFFER:
		check(sim, peer, wlk_peer_connection_set_remote_description(peer->pc, &rollback), WLK_SIGNALING_STABLE);
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

/* Both have the same sections, and the same transceivers on them, seen from both sides. */
static void check_consistent(struct sim *sim)
{
	char a[4096], b[4096];
	size_t count = wlk_peer_connection_transceiver_count(sim->a.pc);

	outline(wlk_peer_connection_local_description(sim->a.pc), a, sizeof(a));
	outline(wlk_peer_connection_local_description(sim->b.pc), b, sizeof(b));
	if (strcmp(a, b) != 0)
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
 * Answers whether the two can still be brought together: signalling that loses an answer leaves one of them with ICE
 * credentials that the other never saw, or waiting for ever.
 */
static bool agree_again(struct sim *sim)
{
	to_stable(sim, &sim->a);
	to_stable(sim, &sim->b);
	finish_pranswer(&sim->a);
	finish_pranswer(&sim->b);
	sim_run_for(sim, SIM_MS);
	for (int i = 0; i < 2; i++) {
		struct sim_peer *offerer = i ? &sim->b : &sim->a;

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

static bool echoed(struct sim *sim)
{
	return run_of(sim)->echoes > 0;
}

struct totals {
	uint64_t runs, calls, refused, closed, divided;
};

/* One side may have applied an answer that the other never got. Only signalling that loses messages does that. */
static void finish(struct sim *sim, struct totals *totals)
{
	struct run *run = run_of(sim);

	run->is_over = true;
	if (run->closed || !sim->a.pc || !sim->b.pc) {
		totals->closed++;
		return;
	}
	if (!agree_again(sim)) {
		totals->divided++;
		if (run->faithful)
			sim_fail(sim, "divided: a: %s, b: %s", wlk_last_error(sim->a.pc), wlk_last_error(sim->b.pc));
		if (getenv("SIM_WHY"))
			printf("seed %llu: a: %s, b: %s\n", (unsigned long long)sim->config.seed, wlk_last_error(sim->a.pc),
			       wlk_last_error(sim->b.pc));
		return;
	}
	run->echoes = 0;
	if (wlk_data_channel_send(run->main_a, WLK_MESSAGE_TEXT, "still", 5))
		sim_fail(sim, "the first channel is closed: %s", wlk_last_error(sim->a.pc));
	if (!sim_run_until(sim, 30 * SIM_SECOND, echoed))
		sim_fail(sim, "nothing comes back on the first channel");
}

static void run_seed(uint64_t seed, struct totals *totals)
{
	struct sim_config config = { .seed = seed, .latency_us = (wlk_time)(seed % 3) * 5 * SIM_MS, .may_fail = true };
	size_t blocks = alloc_live_blocks();
	struct run run = { .is_over = true, .faithful = seed / 3 % 2 == 0 };
	struct sim sim;

	sim_init(&sim, &config, on_event, &run);
	if (wlk_peer_connection_create_data_channel(sim.a.pc, "main", NULL, &run.main_a))
		sim_fail(&sim, "a channel cannot be made");
	sim_signal(&sim);
	if (!sim_run_until(&sim, 10 * SIM_SECOND, sim_both_connected))
		sim_fail(&sim, "not connected");
	sim_run_for(&sim, SIM_SECOND);
	run.b.channel_count = 0; /* "main" is left alone */
	run.is_over = false;
	for (int i = 0; i < CALLS; i++) {
		random_call(&sim, sim_random(&sim, 2) ? &sim.a : &sim.b);
		if (sim_random(&sim, 3) == 0)
			sim_run_for(&sim, sim_random(&sim, 100) * SIM_MS);
	}
	finish(&sim, totals);
	totals->runs++;
	totals->calls += run.calls;
	totals->refused += run.refused;
	sim_free(&sim);
	if (alloc_live_blocks() != blocks)
		sim_fail(&sim, "%zu blocks leaked", alloc_live_blocks() - blocks);
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 500;
	struct totals totals = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (uint64_t seed = first; seed < first + count; seed++)
		run_seed(seed, &totals);
	printf("%llu runs, %llu calls, %llu of them refused; %llu runs with a peer closed, %llu divided by lost signalling\n",
	       (unsigned long long)totals.runs, (unsigned long long)totals.calls, (unsigned long long)totals.refused,
	       (unsigned long long)totals.closed, (unsigned long long)totals.divided);
	return totals.divided > 2 + totals.runs / 20;
}
