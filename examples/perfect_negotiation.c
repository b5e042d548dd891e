/*
 * Perfect negotiation (W3C webrtc-pc 10.7) in C: two peers change what they want whenever they like, also at the same time, and
 * always end up agreed. Both peers are in this process, and a "signalling channel" hands messages from one to the other; a
 * program with one peer sends and receives them by its server instead. perfect_negotiation [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wirelark/wirelark.h>

struct peer {
	const char *name;
	wlk_loop *loop;
	wlk_peer_connection *pc;
	struct peer *other;
	bool polite;        /* gives way when offers collide: the two sides have to differ in it, and in nothing else */
	bool ignore_offer;  /* the candidates of an offer that was ignored mean nothing */
	unsigned collisions;
};

/* What goes over the signalling channel: a description, or a candidate of the m-section |mid|. */
struct message {
	struct peer *to;
	wlk_sdp_type type; /* 0: a candidate */
	char *mid, *ufrag;
	char text[];
};

static void check(struct peer *peer, wlk_err err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s: %s\n", peer->name, what, wlk_last_error(peer->pc));
	exit(1);
}

/* ---- what a page has in its onmessage handler ---- */

static void on_description(struct peer *me, const wlk_session_description *description)
{
	bool collision = description->type == WLK_SDP_OFFER &&
			 wlk_peer_connection_signaling_state(me->pc) != WLK_SIGNALING_STABLE;

	me->collisions += collision;
	me->ignore_offer = !me->polite && collision;
	if (me->ignore_offer)
		return;
	/* The polite side's own offer is rolled back by this. */
	check(me, wlk_peer_connection_set_remote_description(me->pc, description), "remote description");
	if (description->type == WLK_SDP_OFFER)
		check(me, wlk_peer_connection_set_local_description(me->pc, NULL), "answer");
}

static void send_description(struct peer *me);

static void on_message(void *user)
{
	struct message *m = user;
	const wlk_session_description description = { m->type, m->text };
	const wlk_ice_candidate candidate = { m->text, m->mid, -1, m->ufrag };

	if (m->type) {
		on_description(m->to, &description);
		if (m->type == WLK_SDP_OFFER && !m->to->ignore_offer)
			send_description(m->to);
	} else if (wlk_peer_connection_add_ice_candidate(m->to->pc, &candidate) && !m->to->ignore_offer) {
		check(m->to, WLK_ERR_STATE, "candidate");
	}
	free(m->mid);
	free(m->ufrag);
	free(m);
}

/* ---- the signalling channel: messages arrive in order, some time later ---- */

static void signal_to(struct peer *to, wlk_sdp_type type, const char *text, const char *mid, const char *ufrag)
{
	struct message *m = malloc(sizeof(*m) + strlen(text) + 1);

	if (!m)
		exit(1);
	*m = (struct message){ to, type, mid ? strdup(mid) : NULL, ufrag ? strdup(ufrag) : NULL };
	strcpy(m->text, text);
	if (wlk_loop_call_later(to->loop, 20000, on_message, m, NULL))
		exit(1);
}

static void send_description(struct peer *me)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(me->pc);

	signal_to(me->other, local->type, local->sdp, NULL, NULL);
}

static void on_event(const wlk_event *ev, void *user)
{
	struct peer *me = user;

	if (ev->type == WLK_EVENT_NEGOTIATION_NEEDED) {
		check(me, wlk_peer_connection_set_local_description(me->pc, NULL), "offer");
		send_description(me);
	} else if (ev->type == WLK_EVENT_ICE_CANDIDATE) {
		signal_to(me->other, 0, ev->u.candidate.candidate, ev->u.candidate.sdp_mid, ev->u.candidate.username_fragment);
	}
}

/* ---- both want something new at the same moment, again and again ---- */

static void stop(void *user)
{
	wlk_loop_stop(user);
}

static bool is_agreed(const struct peer *peer)
{
	return wlk_peer_connection_signaling_state(peer->pc) == WLK_SIGNALING_STABLE &&
	       wlk_peer_connection_connection_state(peer->pc) == WLK_CONNECTION_CONNECTED;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5;
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct peer a = { .name = "impolite" }, b = { .name = "polite", .polite = true };
	wlk_transceiver *t;
	bool agreed = true;

	config.allow_loopback = true;
	if (wlk_loop_create(NULL, &a.loop) || wlk_peer_connection_create(a.loop, &config, on_event, &a, &a.pc) ||
	    wlk_peer_connection_create(a.loop, &config, on_event, &b, &b.pc))
		return 1;
	b.loop = a.loop;
	a.other = &b;
	b.other = &a;
	for (int round = 0; round < rounds && agreed; round++) {
		check(&a, wlk_peer_connection_add_transceiver(a.pc, WLK_MEDIA_AUDIO, NULL, &t), "audio");
		check(&b, wlk_peer_connection_add_transceiver(b.pc, WLK_MEDIA_VIDEO, NULL, &t), "video");
		wlk_loop_call_later(a.loop, 1000000, stop, a.loop, NULL);
		agreed = !wlk_loop_run(a.loop) && is_agreed(&a) && is_agreed(&b);
	}
	printf("%u offers collided; %s, with %zu and %zu transceivers\n", a.collisions, agreed ? "agreed" : "not agreed",
	       wlk_peer_connection_transceiver_count(a.pc), wlk_peer_connection_transceiver_count(b.pc));
	agreed = agreed && wlk_peer_connection_transceiver_count(a.pc) == wlk_peer_connection_transceiver_count(b.pc);
	wlk_loop_destroy(a.loop);
	return !agreed || !a.collisions;
}
