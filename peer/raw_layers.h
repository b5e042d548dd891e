/* The pictures of a receiver of raw video: a decoder of its own for each simulcast layer that comes in. */
#ifndef PEER_RAW_LAYERS_H
#define PEER_RAW_LAYERS_H

#include "media/track/video_receiver.h"
#include "peer/parameters.h"

enum { RAW_LAYERS_MAX = WLK_RTP_ENCODINGS_MAX, RAW_LAYER_STALE_US = 1000000 /* a layer that shows nothing for so long is off */ };

struct raw_layer {
	char rid[PEER_RID_MAX + 1]; /* "": without simulcast */
	struct video_receiver video;
	uint64_t pixels; /* of the picture shown last; 0: none yet */
	wlk_time shown;  /* when that was; before the first one, when the layer came */
};

struct raw_layers {
	struct raw_layer *all[RAW_LAYERS_MAX];
	size_t count;
	const struct video_decoder_plugin *(*find_plugin)(void *user, enum codec_id codec, const char **fmtp); /* as of a video_receiver */
	void *user;                    /* of find_plugin */
	bool is_stalled;               /* what was told last: the picture stands still */
	wlk_time wish_us, minimum_us;  /* of every layer's jitter buffer: jitterBufferTarget, lip-sync */
};

void raw_layers_free(struct raw_layers *l);
/** The layer with this rid, made when it is not there, in the place of the one that showed nothing for the longest time when there are too many. NULL: no memory. */
struct raw_layer *raw_layers_get(struct raw_layers *l, wlk_time now, const char *rid);
/** NULL: nothing of it came yet. */
const struct raw_layer *raw_layers_find(const struct raw_layers *l, const char *rid);
void raw_layers_restart(struct raw_layers *l);
void raw_layers_set_wish(struct raw_layers *l, wlk_time us);
void raw_layers_set_minimum(struct raw_layers *l, wlk_time us);
bool raw_layers_wants_key(struct raw_layers *l);
bool raw_layers_poll_job(struct raw_layers *l, wlk_time now, struct track_job **out);
/** The next picture that is to be shown now, the caller's reference, and its layer; NULL: none. */
struct video_frame *raw_layers_poll_frame(struct raw_layers *l, wlk_time now, wlk_time *render, struct raw_layer **layer);
/** Whether |layer| is the largest of those that show anything at present: what a sink and lip-sync follow. */
bool raw_layers_is_largest(const struct raw_layers *l, const struct raw_layer *layer, wlk_time now);
/** Whether the picture began to stand still, or goes on, by turns: of the layer that a sink follows, and while no other shows anything.
 * |is_received| false: none is expected, and nothing is told. */
bool raw_layers_poll_stall(struct raw_layers *l, wlk_time now, bool is_received, struct video_stall *out);
/** R37: bytes of what waits, and how many may; see video_receiver_set_limit(). */
size_t raw_layers_bytes(const struct raw_layers *l);
void raw_layers_set_limit(struct raw_layers *l, size_t limit);
wlk_time raw_layers_deadline(const struct raw_layers *l);

#endif
