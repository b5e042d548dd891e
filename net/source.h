/* Sources of raw media: what any thread pushes waits here until the senders' loops take it. */
#ifndef NET_SOURCE_H
#define NET_SOURCE_H

#include <pthread.h>

#include "core/list.h"
#include "media/codec/frame.h"
#include "media/track/audio_encode.h"
#include "peer/raw.h"

/*
 * One lock a source, held for a few pointers only, and while the loops are woken. A port is what one sender has of it: made
 * and closed on that sender's loop. Lock order: source, then mailbox.
 */
struct source {
	pthread_mutex_t lock;
	atomic_uint references; /* the application's, and one of each port */
	atomic_bool enabled;
	atomic_int hint;
	struct list ports;
};

enum { SOURCE_SOUND_MAX_US = 500000 };

struct source_port {
	struct list link;
	struct source *source;
	void (*wake)(void *user); /* NULL: nobody has to be woken */
	void *wake_user;
	atomic_bool pending;
	struct video_frame *picture; /* the newest */
	struct list sound;           /* struct audio_chunk */
	wlk_time sound_us;
};

struct source *source_create(void);
void source_release(struct source *s);
/* What is pushed into |s| from now on, for |sender|. ops NULL: no memory. */
struct raw_input source_attach(struct source *s, const wlk_rtp_sender *sender);

#endif
