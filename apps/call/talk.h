/* The call itself: camera, microphone, window, loudspeaker and files, each at its own pace, until somebody hangs up. */
#ifndef CALL_TALK_H
#define CALL_TALK_H

#include "camera.h"
#include "connection.h"
#include "figures.h"
#include "listener.h"
#include "picture.h"
#include "sound.h"
#include "sound_device.h"
#include "window.h"

struct talk {
	const struct call_options *options;
	struct connection *connection;
	struct listener *listener; /* which refuses others meanwhile; NULL: none. Not owned */
	/* ends of the media; NULL where something takes their place */
	struct camera *camera;
	struct sound_device *microphone, *speaker;
	struct window *window;
	struct picture_input picture_in;
	struct picture_output picture_out;
	struct sound_input sound_in;
	struct sound_output sound_out; /* as the meter of the thread that plays, until the device is closed */
	struct sound_meter heard;
	/* what the user did */
	bool muted, video_off, hung_up;
	/* figures */
	struct figures figures;
	uint32_t sent, shown, width, height;
	wlk_time began, first_shown;
};

/* Open the files and the camera that are named. False, told on stderr: one of them cannot be used. */
bool talk_open(struct talk *talk, const struct call_options *options);
/* Files are complete behind it. */
void talk_close(struct talk *talk);
/* Talk over a connection that is up; opens window and sound devices first. */
void talk_run(struct talk *talk, struct connection *connection, struct listener *listener);
/* Say on stderr how it was. */
void talk_report(const struct talk *talk);

#endif
