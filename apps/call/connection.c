#include "connection.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "interrupt.h"
#include "sound.h"

/* TURN_MS: what a window and a far end's hanging up wait for at most. */
enum { SETUP_S = 30, TURN_MS = 5 };

static void on_connection_state(struct connection *c, wlk_connection_state state, const char *reason)
{
	fprintf(stderr, "%s%s%s\n", wlk_connection_state_name(state), *reason ? ": " : "", reason);
	c->connected |= state == WLK_CONNECTION_CONNECTED;
	c->failed |= state == WLK_CONNECTION_FAILED;
	c->ended |= state >= WLK_CONNECTION_FAILED;
}

static void on_event(const wlk_event *event, void *user)
{
	struct connection *c = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		c->gathered = event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE;
		break;
	case WLK_EVENT_ICE_CANDIDATE_ERROR:
		fprintf(stderr, "%s: %s\n", event->u.candidate_error.url, event->u.candidate_error.text);
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		on_connection_state(c, event->u.connection.state, event->u.connection.reason);
		break;
	case WLK_EVENT_VIDEO_FRAME:
		if (c->on_picture)
			c->on_picture(event->u.video.frame, c->user);
		break;
	default:
		break;
	}
}

/* ---- set-up ---- */

static void prefer(struct connection *c)
{
	wlk_rtp_codec chosen[WLK_RTP_CODECS_MAX];
	wlk_rtp_capabilities caps;
	size_t count = 0;

	if (wlk_rtp_sender_capabilities(WLK_MEDIA_VIDEO, &caps))
		return;
	for (size_t i = 0; i < caps.codec_count; i++)
		if (!strcmp(caps.codecs[i].mime_type + strlen("video/"), c->options->codec) || !strcmp(caps.codecs[i].mime_type, "video/rtx"))
			chosen[count++] = caps.codecs[i];
	wlk_transceiver_set_codec_preferences(c->video, chosen, count);
}

static wlk_err make_sources(struct connection *c)
{
	wlk_err err = wlk_video_source_create(&c->camera);

	err = err ? err : wlk_audio_source_create(&c->microphone);
	return err ? err : wlk_audio_sink_create(SOUND_OUT_RATE, 1, &c->speaker);
}

/* Both media before the offer, or on the sections that a remote offer has: those take the tracks that are there. */
static wlk_err make_tracks(struct connection *c)
{
	const char *stream = "call";
	wlk_rtp_sender *audio, *video;
	wlk_err err = wlk_peer_connection_add_track(c->pc, WLK_MEDIA_AUDIO, "microphone", &stream, 1, &audio);

	err = err ? err : wlk_peer_connection_add_track(c->pc, WLK_MEDIA_VIDEO, "camera", &stream, 1, &video);
	if (err)
		return err;
	c->audio = wlk_rtp_sender_transceiver(audio);
	c->video = wlk_rtp_sender_transceiver(video);
	if (c->options->codec)
		prefer(c);
	err = wlk_rtp_sender_set_audio_source(audio, c->microphone);
	err = err ? err : wlk_rtp_sender_set_video_source(video, c->camera);
	err = err ? err : wlk_rtp_receiver_set_audio_sink(wlk_transceiver_receiver(c->audio), c->speaker);
	return err ? err : wlk_rtp_receiver_set_level(wlk_transceiver_receiver(c->video), WLK_MEDIA_LEVEL_RAW);
}

bool connection_open(struct connection *c, const struct call_options *options, bool loopback)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_ice_server servers[2];
	wlk_err err;

	*c = (struct connection){ .options = options };
	if (options->stun)
		servers[config.ice_server_count++] = (wlk_ice_server){ options->stun, NULL, NULL };
	if (options->turn)
		servers[config.ice_server_count++] = (wlk_ice_server){ options->turn, options->user, options->pass };
	config.ice_servers = servers;
	config.allow_loopback = loopback;
	err = wlk_loop_create(NULL, &c->loop);
	err = err ? err : wlk_peer_connection_create(c->loop, &config, on_event, c, &c->pc);
	err = err ? err : make_sources(c);
	err = err ? err : make_tracks(c);
	if (err)
		fprintf(stderr, "no call can be made: %s %s\n", wlk_strerror(err), c->pc ? wlk_last_error(c->pc) : "");
	return !err;
}

void connection_close(struct connection *c)
{
	if (c->pc) {
		wlk_peer_connection_close(c->pc);
		wlk_loop_dispatch(c->loop); /* what tells the far end leaves here */
	}
	wlk_peer_connection_destroy(c->pc);
	wlk_loop_destroy(c->loop);
	wlk_video_source_release(c->camera);
	wlk_audio_source_release(c->microphone);
	wlk_audio_sink_release(c->speaker);
	*c = (struct connection){ NULL };
}

/* ---- waiting ---- */

void connection_wait(struct connection *c, wlk_time when, int fd)
{
	struct pollfd fds[2] = { { .fd = wlk_loop_fd(c->loop), .events = POLLIN }, { .fd = fd, .events = POLLIN } };
	wlk_time deadline = wlk_loop_deadline(c->loop), span = (deadline < when ? deadline : when) - wlk_loop_now(c->loop);

	poll(fds, 2, span <= 0 ? 0 : span / 1000 < TURN_MS ? (int)(span / 1000) : TURN_MS);
	wlk_loop_dispatch(c->loop);
}

static bool wait_for(struct connection *c, const bool *flag)
{
	wlk_time end = wlk_loop_now(c->loop) + SETUP_S * (wlk_time)1000000;

	while (!*flag && !c->ended && !interrupted() && wlk_loop_now(c->loop) < end)
		connection_wait(c, end, -1);
	return *flag;
}

/* ---- descriptions ---- */

/* Our description once all candidates are in it. */
static const wlk_session_description *gathered(struct connection *c, const char **problem)
{
	*problem = "not all addresses were found in time";
	return wait_for(c, &c->gathered) ? wlk_peer_connection_local_description(c->pc) : NULL;
}

const wlk_session_description *connection_offer(struct connection *c)
{
	const wlk_session_description *offer = NULL;
	const char *problem = "";

	if (wlk_peer_connection_set_local_description(c->pc, NULL))
		problem = wlk_last_error(c->pc);
	else
		offer = gathered(c, &problem);
	if (!offer && !interrupted())
		fprintf(stderr, "no offer can be made: %s\n", problem);
	return offer;
}

/* Whether anything goes at least one way. */
static bool takes_part(const wlk_transceiver *transceiver)
{
	wlk_direction direction = wlk_transceiver_current_direction(transceiver);

	return direction == WLK_DIRECTION_SENDRECV || direction == WLK_DIRECTION_SENDONLY || direction == WLK_DIRECTION_RECVONLY;
}

static bool have_in_common(struct connection *c)
{
	bool audio = takes_part(c->audio), video = takes_part(c->video);

	if (!audio)
		fprintf(stderr, "no sound: the far end does not take part in it, or there is no codec in common\n");
	if (!video)
		fprintf(stderr, "no pictures: the far end does not take part in them, or there is no codec in common\n");
	return audio || video;
}

const wlk_session_description *connection_answer(struct connection *c, const wlk_session_description *offer, const char **problem)
{
	*problem = "this is no offer";
	if (offer->type != WLK_SDP_OFFER)
		return NULL;
	if (wlk_peer_connection_set_remote_description(c->pc, offer) || wlk_peer_connection_set_local_description(c->pc, NULL)) {
		*problem = wlk_last_error(c->pc);
		return NULL;
	}
	*problem = "there is nothing in common";
	return have_in_common(c) ? gathered(c, problem) : NULL;
}

bool connection_take_answer(struct connection *c, const wlk_session_description *answer)
{
	if (answer->type == WLK_SDP_ANSWER && !wlk_peer_connection_set_remote_description(c->pc, answer))
		return have_in_common(c);
	fprintf(stderr, "the answer is of no use: %s\n", answer->type == WLK_SDP_ANSWER ? wlk_last_error(c->pc) : "it is none");
	return false;
}

bool connection_up(struct connection *c)
{
	if (wait_for(c, &c->connected))
		return true;
	if (!interrupted() && !c->ended)
		fprintf(stderr, "no way to the far end was found within %d s\n", SETUP_S);
	return false;
}
