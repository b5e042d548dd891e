/*
 * Plays a file of encoded video to a peer, without touching a pixel: encoded_frames FILE.ivf [--self]
 *
 * It prints an offer and a line with only a dot, then reads the answer up to such a line: paste both between this program
 * and a page with an RTCPeerConnection. With --self it plays to a second connection of its own and counts what arrives.
 * IVF files of VP8, VP9 and AV1 come from "ffmpeg -i film.mp4 -c:v libvpx film.ivf", for example.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wirelark/wirelark.h>

struct player {
	wlk_loop *loop;
	wlk_peer_connection *pc, *self; /* self: the second connection, or NULL */
	wlk_transceiver *video;
	FILE *file;
	wlk_codec codec;
	uint32_t rate, scale; /* one frame lasts scale/rate seconds */
	bool playing;
	unsigned sent, received;
};

static uint32_t le32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool open_file(struct player *p, const char *name)
{
	uint8_t head[32];

	p->file = fopen(name, "rb");
	if (!p->file || fread(head, 1, 32, p->file) != 32 || memcmp(head, "DKIF", 4))
		return false;
	p->codec = !memcmp(head + 8, "VP80", 4)	  ? WLK_CODEC_VP8
		   : !memcmp(head + 8, "VP90", 4) ? WLK_CODEC_VP9
		   : !memcmp(head + 8, "AV01", 4) ? WLK_CODEC_AV1
						  : WLK_CODEC_UNKNOWN;
	p->rate = le32(head + 16);
	p->scale = le32(head + 20);
	return p->codec != WLK_CODEC_UNKNOWN && p->rate && p->scale;
}

static void stop(void *user)
{
	wlk_loop_stop(((struct player *)user)->loop);
}

/* Send one frame of the file and come back when the next one is due. */
static void play(void *user)
{
	struct player *p = user;
	wlk_encoded_frame frame = WLK_ENCODED_FRAME_INIT;
	uint8_t head[12], *data;
	wlk_err err;

	if (fread(head, 1, 12, p->file) != 12) {
		wlk_loop_call_later(p->loop, 500000, stop, p, NULL); /* let the last packets arrive */
		return;
	}
	data = malloc(le32(head));
	if (!data || fread(data, 1, le32(head), p->file) != le32(head)) {
		free(data);
		wlk_loop_stop(p->loop);
		return;
	}
	frame.codec = p->codec;
	frame.data = data;
	frame.size = le32(head);
	frame.timestamp = (uint32_t)((uint64_t)le32(head + 4) * 90000 * p->scale / p->rate);
	err = wlk_rtp_sender_send_frame(wlk_transceiver_sender(p->video), &frame);
	free(data);
	if (err)
		fprintf(stderr, "frame %u: %s\n", p->sent, wlk_last_error(p->pc));
	p->sent++;
	wlk_loop_call_later(p->loop, (wlk_time)p->scale * 1000000 / p->rate, play, p, NULL);
}

static void on_event(const wlk_event *ev, void *user)
{
	struct player *p = user;

	if (ev->type == WLK_EVENT_ICE_GATHERING_STATE_CHANGE && ev->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE) {
		const wlk_session_description *local = wlk_peer_connection_local_description(ev->pc);

		if (!p->self) {
			wlk_loop_stop(p->loop); /* the offer is complete: main() shows it */
		} else if (wlk_peer_connection_set_remote_description(ev->pc == p->pc ? p->self : p->pc, local) ||
			   (ev->pc == p->pc && wlk_peer_connection_set_local_description(p->self, NULL))) {
			fprintf(stderr, "%s\n", wlk_last_error(p->self));
			wlk_loop_stop(p->loop);
		}
	} else if (ev->type == WLK_EVENT_KEY_FRAME_REQUEST && !p->playing) {
		/* The transport is up: now, and not before, the first frame may go, a key frame. */
		p->playing = true;
		play(p);
	} else if (ev->type == WLK_EVENT_KEY_FRAME_REQUEST) {
		fseek(p->file, 32, SEEK_SET); /* an encoder would make one; of a file the first frame is one */
	} else if (ev->type == WLK_EVENT_TRACK) {
		wlk_rtp_receiver_set_level(wlk_transceiver_receiver(ev->u.track.transceiver), WLK_MEDIA_LEVEL_FRAMES);
	} else if (ev->type == WLK_EVENT_FRAME) {
		p->received++; /* ev->u.frame.frame has the bytes: whole, in order, ready for a decoder */
	} else if (ev->type == WLK_EVENT_CONNECTION_STATE_CHANGE && ev->u.connection.state == WLK_CONNECTION_FAILED) {
		fprintf(stderr, "the connection failed: %s\n", ev->u.connection.reason);
		wlk_loop_stop(p->loop);
	}
}

static bool exchange_by_hand(struct player *p)
{
	char line[4096], answer[65536] = "";
	wlk_session_description remote = { WLK_SDP_ANSWER, answer };

	printf("%s.\n", wlk_peer_connection_local_description(p->pc)->sdp);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && strcmp(line, ".\n") && strlen(answer) + strlen(line) < sizeof(answer))
		strcat(answer, line);
	return wlk_peer_connection_set_remote_description(p->pc, &remote) == WLK_OK;
}

int main(int argc, char **argv)
{
	wlk_transceiver_init sendonly = WLK_TRANSCEIVER_INIT;
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	struct player p = { 0 };
	bool to_self = argc == 3 && !strcmp(argv[2], "--self");

	if (argc < 2 || !open_file(&p, argv[1])) {
		fprintf(stderr, "usage: %s FILE.ivf [--self]\n", argv[0]);
		return 2;
	}
	sendonly.direction = WLK_DIRECTION_SENDONLY;
	config.allow_loopback = true;
	if (wlk_loop_create(NULL, &p.loop) || wlk_peer_connection_create(p.loop, &config, on_event, &p, &p.pc) ||
	    (to_self && wlk_peer_connection_create(p.loop, &config, on_event, &p, &p.self)) ||
	    wlk_peer_connection_add_transceiver(p.pc, WLK_MEDIA_VIDEO, &sendonly, &p.video) ||
	    wlk_peer_connection_set_local_description(p.pc, NULL) || wlk_loop_run(p.loop))
		return 1;
	if (!to_self && (!exchange_by_hand(&p) || wlk_loop_run(p.loop)))
		return 1;
	printf("sent %u frames, %u came back\n", p.sent, p.received);
	wlk_loop_destroy(p.loop); /* and its connections */
	fclose(p.file);
	return to_self && (!p.sent || p.received != p.sent);
}
