/* The raw media of one transceiver, as the raw_*.c files share it. */
#ifndef PEER_RAW_OBJECT_H
#define PEER_RAW_OBJECT_H

#include "media/clock_sync.h"
#include "media/track/audio_sender.h"
#include "media/track/video_sender.h"
#include "peer/object.h"
#include "peer/raw.h"
#include "peer/raw_layers.h"

struct raw_sender {
	struct list link; /* in pc->raw_senders */
	struct wlk_transceiver *t;
	struct raw_input input;
	struct video_sender video; /* of the two the one of the transceiver's kind */
	struct audio_sender audio;
	wlk_time retry_at;         /* the pacer was full; WLK_TIME_NEVER: it is not */
	uint64_t estimate[WLK_RTP_ENCODINGS_MAX]; /* of the network for each encoding [bit/s]; 0: none */
};

struct raw_receiver {
	struct list link; /* in pc->raw_receivers */
	struct wlk_transceiver *t;
	struct raw_output output;
	struct raw_layers layers;
	struct clock_sync sync; /* of a video receiver with the sound of its stream */
	wlk_time target;        /* jitterBufferTarget */
	struct raw_receiver *sound; /* of a video receiver: the one that its pictures are kept together with; NULL: none */
	wlk_time minimum;       /* of sound, as lip-sync has it */
	wlk_time key_due;       /* a key frame is asked for then; WLK_TIME_NEVER: none is wanted */
	uint8_t payload_type;   /* of the last frame */
	char fmtp[1024];        /* what the decoder was made with; longer parameters are none */
};

/* raw_sender.c */
void raw_sender_step(struct raw_sender *s);
wlk_time raw_sender_deadline(const struct raw_sender *s);
bool raw_sender_take(struct raw_sender *s, const wlk_event *ev);

/* raw_receiver.c */
/* The receiver's raw media, made when it is not there. NULL: no memory. */
struct raw_receiver *raw_receiver_of(struct wlk_transceiver *t);
void raw_receiver_step(struct raw_receiver *r);
wlk_time raw_receiver_deadline(const struct raw_receiver *r);
void raw_receiver_take(struct raw_receiver *r, const wlk_encoded_frame *frame);
/* False: it is no sound, a telephone event say. */
bool raw_receiver_take_packet(struct raw_receiver *r, const struct media_packet *packet);
void raw_receiver_destroy(struct raw_receiver *r);

#endif
