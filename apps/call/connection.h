/* The connection to the far end: made, negotiated and ended; media go through its sources and its sink. */
#ifndef CALL_CONNECTION_H
#define CALL_CONNECTION_H

#include <wirelark/wirelark.h>

#include "options.h"

/*
 * All of it belongs to one thread, which drives the loop in connection_wait() between two turns of camera and window. Only
 * sources and sink are also used by the threads of sound devices, and the library's own threads by codecs.
 */
struct connection {
	const struct call_options *options;
	wlk_loop *loop;
	wlk_peer_connection *pc;
	wlk_transceiver *audio, *video;
	wlk_video_source *camera;
	wlk_audio_source *microphone;
	wlk_audio_sink *speaker; /* mono at SOUND_OUT_RATE */
	void (*on_picture)(const wlk_video_frame *frame, void *user); /* a picture that is to be shown now; NULL: nobody looks */
	void *user;
	bool gathered, connected, ended, failed;
};

/* |loopback|: whether the far end may be on this host. False, told on stderr: it cannot be made. */
bool connection_open(struct connection *c, const struct call_options *options, bool loopback);
/* Close, so that the far end notices, and free. Does nothing for a connection that was never opened. */
void connection_close(struct connection *c);

/* Make an offer with all candidates; NULL, told on stderr: interrupted, or it cannot be made. Borrowed until the next call. */
const wlk_session_description *connection_offer(struct connection *c);
/*
 * Take the far end's offer and make the answer. NULL and *problem in words, until the next call: it does not do, and the connection
 * may be in the middle of it; another offer needs another connection.
 */
const wlk_session_description *connection_answer(struct connection *c, const wlk_session_description *offer, const char **problem);
/* Take the far end's answer. False, told on stderr: it does not do, or we have nothing in common. */
bool connection_take_answer(struct connection *c, const wlk_session_description *answer);
/* Wait until the far end is there. False, told on stderr unless interrupted: it is not. */
bool connection_up(struct connection *c);

/* Drive the loop until |when|, or until something happens there or at |fd| (-1: none), or for 5 ms. */
void connection_wait(struct connection *c, wlk_time when, int fd);

#endif
