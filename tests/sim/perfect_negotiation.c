/*
 * Perfect negotiation as in W3C webrtc-pc 10.7, in glare on purpose: both sides change what they want at about the same time, the
 * signalling is slow both ways and lets candidates overtake, the network loses packets. After each round both are stable and
 * have the same m-lines, mids and mirrored directions; after each pair of peers the connection still carries messages.
 *
 *   sim_perfect_negotiation [FIRST_SEED [PAIRS [ROUNDS]]]     (200 pairs of 50 rounds are 10,000)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

enum { TRACKS = 10, MESSAGES = 1024 };

/* What goes over the signalling: a description, or a candidate (type 0). */
struct message {
	wlk_time at;
	wlk_sdp_type type;
	char *text, *mid, *ufrag;
	int32_t index;
};

struct side {
	bool polite, ignore_offer;
	struct message inbox[MESSAGES], early[MESSAGES]; /* early: candidates whose description has not come yet */
	size_t inbox_count, early_count;
	wlk_time last_description; /* descriptions keep their order */
};

struct run {
	struct side a, b;
	wlk_data_channel *channel;
	unsigned next_track;
	int echoes;
	uint64_t ignored, rolled_back, offers;
};

static struct run *run_of(struct sim *sim)
{
	return sim->user;
}

static struct side *side_of(struct sim_peer *peer)
{
	return peer == &peer->sim->a ? &run_of(peer->sim)->a : &run_of(peer->sim)->b;
}

/* ---- the signalling ---- */

static char *copy(const char *text)
{
	char *out = text ? strdup(text) : NULL;

	if (text && !out)
		abort();
	return out;
}

static void message_free(struct message *m)
{
	free(m->text);
	free(m->mid);
	free(m->ufrag);
}

static void post(struct sim_peer *from, struct message message)
{
	struct side *to = side_of(from->other);

	message.at = from->sim->now + (1 + sim_random(from->sim, 200)) * SIM_MS;
	if (message.type && message.at <= to->last_description)
		message.at = to->last_description + 1;
	if (message.type)
		to->last_description = message.at;
	if (to->inbox_count == MESSAGES)
		sim_fail(from->sim, "too many messages");
	to->inbox[to->inbox_count++] = message;
}

static void send_description(struct sim_peer *peer)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(peer->pc);

	post(peer, (struct message){ .type = local->type, .text = copy(local->sdp) });
}

static void set_local(struct sim_peer *peer)
{
	if (wlk_peer_connection_set_local_description(peer->pc, NULL))
		sim_fail(peer->sim, "%s: %s", peer->name, wlk_last_error(peer->pc));
	send_description(peer);
}

/* ---- the example of the specification ---- */

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	switch (ev->type) {
	case WLK_EVENT_NEGOTIATION_NEEDED:
		if (wlk_peer_connection_signaling_state(peer->pc) != WLK_SIGNALING_STABLE)
			sim_fail(sim, "%s: negotiation needed outside of stable", peer->name);
		run_of(sim)->offers++;
		set_local(peer);
		break;
	case WLK_EVENT_ICE_CANDIDATE:
		post(peer, (struct message){ .text = copy(ev->u.candidate.candidate),
					     .mid = copy(ev->u.candidate.sdp_mid),
					     .ufrag = copy(ev->u.candidate.username_fragment),
					     .index = ev->u.candidate.sdp_mline_index });
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		if (peer == &sim->a)
			run_of(sim)->echoes++;
		else
			(void)wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data, ev->u.message.size);
		break;
	default:
		break;
	}
}

/* Every call is done when it returns: "making offer" and "setting remote answer pending" are never seen. */
static void on_description(struct sim_peer *peer, const struct message *m)
{
	const wlk_session_description description = { m->type, m->text };
	struct side *side = side_of(peer);
	bool collision = m->type == WLK_SDP_OFFER && wlk_peer_connection_signaling_state(peer->pc) != WLK_SIGNALING_STABLE;

	side->ignore_offer = !side->polite && collision;
	if (side->ignore_offer) {
		run_of(peer->sim)->ignored++;
		return;
	}
	run_of(peer->sim)->rolled_back += collision;
	if (wlk_peer_connection_set_remote_description(peer->pc, &description))
		sim_fail(peer->sim, "%s: %s", peer->name, wlk_last_error(peer->pc));
	if (m->type == WLK_SDP_OFFER)
		set_local(peer);
}

/* True: it came to its description, or is not worth keeping. */
static bool on_candidate(struct sim_peer *peer, const struct message *m)
{
	const wlk_ice_candidate candidate = { m->text, m->mid, m->index, m->ufrag };
	wlk_err err = wlk_peer_connection_add_ice_candidate(peer->pc, &candidate);

	return err != WLK_ERR_NOT_FOUND && err != WLK_ERR_STATE;
}

static void retry_early(struct sim_peer *peer)
{
	struct side *side = side_of(peer);
	size_t kept = 0;

	for (size_t i = 0; i < side->early_count; i++) {
		if (on_candidate(peer, &side->early[i]))
			message_free(&side->early[i]);
		else
			side->early[kept++] = side->early[i];
	}
	side->early_count = kept;
}

static void deliver(struct sim_peer *peer)
{
	struct side *side = side_of(peer);

	for (;;) {
		size_t next = 0;
		struct message m;

		for (size_t i = 1; i < side->inbox_count; i++)
			if (side->inbox[i].at < side->inbox[next].at)
				next = i;
		if (!side->inbox_count || side->inbox[next].at > peer->sim->now)
			return;
		m = side->inbox[next];
		side->inbox[next] = side->inbox[--side->inbox_count];
		if (m.type) {
			on_description(peer, &m);
			retry_early(peer);
		} else if (!on_candidate(peer, &m) && !side->ignore_offer && side->early_count < MESSAGES) {
			side->early[side->early_count++] = m;
			continue;
		}
		message_free(&m);
	}
}

/* ---- rounds ---- */

static wlk_transceiver *some_transceiver(struct sim_peer *peer)
{
	size_t count = wlk_peer_connection_transceiver_count(peer->pc);

	return count ? wlk_peer_connection_transceiver(peer->pc, sim_random(peer->sim, (uint32_t)count)) : NULL;
}

static void change(struct sim_peer *peer)
{
	static const char *const streams[] = { "one", "two" };
	struct sim *sim = peer->sim;
	wlk_transceiver *t = some_transceiver(peer);
	uint32_t what = sim_random(sim, 8);
	char id[16];

	if (wlk_peer_connection_transceiver_count(peer->pc) >= TRACKS)
		what = 0;
	if (!t || what > 5) {
		snprintf(id, sizeof(id), "t%u", run_of(sim)->next_track++);
		(void)wlk_peer_connection_add_track(peer->pc, sim_random(sim, 2) ? WLK_MEDIA_AUDIO : WLK_MEDIA_VIDEO, id, streams,
						    sim_random(sim, 3), NULL);
	} else if (what < 2) {
		(void)wlk_transceiver_stop(t);
	} else if (what == 2) {
		(void)wlk_peer_connection_remove_track(peer->pc, wlk_transceiver_sender(t));
	} else if (what == 3) {
		(void)wlk_transceiver_set_direction(t, (wlk_direction)sim_random(sim, 4));
	} else if (what == 4) {
		(void)wlk_rtp_sender_set_streams(wlk_transceiver_sender(t), streams + 1, sim_random(sim, 2));
	} else {
		(void)wlk_peer_connection_restart_ice(peer->pc);
	}
}

static bool is_quiet(struct sim *sim)
{
	return !run_of(sim)->a.inbox_count && !run_of(sim)->b.inbox_count &&
	       wlk_peer_connection_signaling_state(sim->a.pc) == WLK_SIGNALING_STABLE &&
	       wlk_peer_connection_signaling_state(sim->b.pc) == WLK_SIGNALING_STABLE;
}

static void pass(struct sim *sim, wlk_time span)
{
	for (wlk_time end = sim->now + span; sim->now < end;) {
		sim_run_for(sim, 5 * SIM_MS);
		deliver(&sim->a);
		deliver(&sim->b);
	}
	sim_run_for(sim, 0); /* what the last delivery raised */
}

static wlk_direction mirrored(wlk_direction direction)
{
	return direction == WLK_DIRECTION_SENDONLY ? WLK_DIRECTION_RECVONLY :
	       direction == WLK_DIRECTION_RECVONLY ? WLK_DIRECTION_SENDONLY :
						     direction;
}

static wlk_transceiver *by_mid(const struct sim_peer *peer, const char *mid)
{
	for (size_t i = 0; mid && i < wlk_peer_connection_transceiver_count(peer->pc); i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(peer->pc, i);

		if (wlk_transceiver_mid(t) && !strcmp(wlk_transceiver_mid(t), mid))
			return t;
	}
	return NULL;
}

static void print_transceivers(const struct sim_peer *peer)
{
	for (size_t i = 0; i < wlk_peer_connection_transceiver_count(peer->pc); i++) {
		const wlk_transceiver *t = wlk_peer_connection_transceiver(peer->pc, i);

		fprintf(stderr, "%s: mid %s kind %d direction %d current %d\n", peer->name, wlk_transceiver_mid(t) ? wlk_transceiver_mid(t) : "-",
			(int)wlk_transceiver_kind(t), (int)wlk_transceiver_direction(t), (int)wlk_transceiver_current_direction(t));
	}
}

static void check_converged(struct sim *sim)
{
	size_t count = wlk_peer_connection_transceiver_count(sim->a.pc);

	if (count != wlk_peer_connection_transceiver_count(sim->b.pc) && getenv("SIM_WHY")) {
		print_transceivers(&sim->a);
		print_transceivers(&sim->b);
	}
	if (count != wlk_peer_connection_transceiver_count(sim->b.pc))
		sim_fail(sim, "%zu transceivers here, %zu there", count, wlk_peer_connection_transceiver_count(sim->b.pc));
	for (size_t i = 0; i < count; i++) {
		wlk_transceiver *ours = wlk_peer_connection_transceiver(sim->a.pc, i);
		wlk_transceiver *theirs = by_mid(&sim->b, wlk_transceiver_mid(ours));

		if (!theirs || wlk_transceiver_kind(ours) != wlk_transceiver_kind(theirs) ||
		    wlk_transceiver_current_direction(ours) != mirrored(wlk_transceiver_current_direction(theirs)))
			sim_fail(sim, "transceiver %zu is not the same on both sides", i);
	}
}

static void play_round(struct sim *sim)
{
	for (uint32_t i = 0, changes = 1 + sim_random(sim, 3); i < changes; i++) {
		change(&sim->a);
		change(&sim->b);
		if (sim_random(sim, 2))
			pass(sim, sim_random(sim, 150) * SIM_MS);
	}
	for (int i = 0; i < 600; i++) {
		pass(sim, 100 * SIM_MS);
		if (is_quiet(sim))
			break;
	}
	if (!is_quiet(sim))
		sim_fail(sim, "no end of negotiating: a %s, b %s", wlk_signaling_state_name(wlk_peer_connection_signaling_state(sim->a.pc)),
			 wlk_signaling_state_name(wlk_peer_connection_signaling_state(sim->b.pc)));
	check_converged(sim);
}

static void expect_echo(struct sim *sim)
{
	struct run *run = run_of(sim);

	run->echoes = 0;
	if (wlk_data_channel_send(run->channel, WLK_MESSAGE_TEXT, "echo", 4))
		sim_fail(sim, "nothing can be sent: %s", wlk_last_error(sim->a.pc));
	for (int i = 0; i < 600 && !run->echoes; i++)
		pass(sim, 100 * SIM_MS);
	if (!run->echoes)
		sim_fail(sim, "nothing comes back");
}

static void side_free(struct side *side)
{
	for (size_t i = 0; i < side->inbox_count; i++)
		message_free(&side->inbox[i]);
	for (size_t i = 0; i < side->early_count; i++)
		message_free(&side->early[i]);
}

static void run_seed(uint64_t seed, uint64_t rounds, struct run *totals)
{
	const struct sim_config config = { .seed = seed, .latency_us = 20 * SIM_MS, .jitter_us = 10 * SIM_MS, .loss = 500 };
	struct run *run = calloc(1, sizeof(*run));
	struct sim sim;

	if (!run)
		abort();
	run->b.polite = true;
	sim_init(&sim, &config, on_event, run);
	sim.no_signalling = true; /* it is done here */
	if (wlk_peer_connection_create_data_channel(sim.a.pc, "echo", NULL, &run->channel))
		sim_fail(&sim, "no channel");
	for (uint64_t i = 0; i < rounds; i++)
		play_round(&sim);
	expect_echo(&sim);
	totals->ignored += run->ignored;
	totals->rolled_back += run->rolled_back;
	totals->offers += run->offers;
	sim_free(&sim);
	side_free(&run->a);
	side_free(&run->b);
	free(run);
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t pairs = argc > 2 ? strtoull(argv[2], NULL, 10) : 200;
	uint64_t rounds = argc > 3 ? strtoull(argv[3], NULL, 10) : 50;
	static struct run totals;

	for (uint64_t seed = first; seed < first + pairs; seed++)
		run_seed(seed, rounds, &totals);
	printf("%llu rounds, %llu offers, %llu ignored, %llu rolled back\n", (unsigned long long)(pairs * rounds),
	       (unsigned long long)totals.offers, (unsigned long long)totals.ignored, (unsigned long long)totals.rolled_back);
	return pairs * rounds >= 100 && !(totals.ignored && totals.rolled_back); /* there was glare */
}
