/*
 * A connection without SDP, for two programs that know of each other what they will say. What has to cross between them is a user
 * name, a password and the fingerprint of a certificate, in a form of their own, and candidates as they are found. Both sides are in
 * this process here, so a struct and a function call are the signalling.
 */
#include <stdio.h>
#include <string.h>
#include <wirelark/wirelark.h>

struct side {
	const char *name;
	wlk_loop *loop;
	wlk_peer_connection *pc;
	wlk_data_channel *channel;
	struct side *other;
	bool heard;
};

static void on_event(const wlk_event *ev, void *user)
{
	struct side *me = user;

	switch (ev->type) {
	case WLK_EVENT_ICE_CANDIDATE:
		if (wlk_peer_connection_add_ice_candidate(me->other->pc, &ev->u.candidate))
			fprintf(stderr, "%s\n", wlk_last_error(me->other->pc));
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		if (wlk_data_channel_send(me->channel, WLK_MESSAGE_TEXT, me->name, strlen(me->name)))
			fprintf(stderr, "%s\n", wlk_last_error(me->pc));
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		printf("%s hears %.*s\n", me->name, (int)ev->u.message.size, (const char *)ev->u.message.data);
		me->heard = true;
		if (me->other->heard)
			wlk_loop_stop(me->loop);
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		if (ev->u.connection.state == WLK_CONNECTION_FAILED) {
			fprintf(stderr, "%s: %s\n", me->name, ev->u.connection.reason);
			wlk_loop_stop(me->loop);
		}
		break;
	default:
		break;
	}
}

/* The same channels and transceivers on both sides, in the same order: nobody will tell the other about them. */
static bool prepare(struct side *me)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_data_channel_init channel = WLK_DATA_CHANNEL_INIT;

	config.allow_loopback = true;
	channel.negotiated = channel.has_id = true; /* channel 0 exists, and no message of the channel itself says so */
	return !wlk_peer_connection_create(me->loop, &config, on_event, me, &me->pc) &&
	       !wlk_peer_connection_create_data_channel(me->pc, "talk", &channel, &me->channel);
}

int main(void)
{
	wlk_direct_parameters of_ann = WLK_DIRECT_PARAMETERS_INIT, of_bob = WLK_DIRECT_PARAMETERS_INIT;
	struct side ann = { .name = "ann" }, bob = { .name = "bob" };

	if (wlk_loop_create(NULL, &ann.loop))
		return 1;
	bob.loop = ann.loop;
	ann.other = &bob;
	bob.other = &ann;
	if (!prepare(&ann) || !prepare(&bob) || wlk_direct_local_parameters(ann.pc, &of_ann) || wlk_direct_local_parameters(bob.pc, &of_bob))
		return 1;
	/* One controls ICE, the other one is controlled; apart from that they are equals. */
	if (wlk_direct_start(ann.pc, WLK_ICE_ROLE_CONTROLLING, &of_bob) || wlk_direct_start(bob.pc, WLK_ICE_ROLE_CONTROLLED, &of_ann)) {
		fprintf(stderr, "%s%s\n", wlk_last_error(ann.pc), wlk_last_error(bob.pc));
		return 1;
	}
	wlk_loop_run(ann.loop);
	wlk_loop_destroy(ann.loop);
	return !ann.heard || !bob.heard;
}
