/* Raw media of a connection: sources at its senders, sinks at its receivers, and the codec jobs between them and the frames. */
#ifndef PEER_RAW_H
#define PEER_RAW_H

#include <wirelark/peer_connection.h>
#include <wirelark/track.h>

#include "media/codec/codec.h"
#include "media/track/job.h"

/*
 * Raw media stands on encoded frames as an application would: it takes the events of frames and key frame requests, and calls
 * wlk_rtp_sender_send_frame(). So a recording has what crosses into the connection at that level, and a replay needs no codec.
 * For the same reason nothing here is called from inside of a recorded function.
 *
 * The handles that other threads use are of net/ (source.h, sink.h). They are known here by what they do.
 */
struct video_frame;
struct audio_chunk;

/* A source as one sender has it. All on the loop's thread; close() once, and no wake comes after it. */
struct raw_input_ops {
	bool (*pending)(const void *port);
	/* The next thing pushed, the caller's: a struct video_frame or a struct audio_chunk; NULL: none. */
	void *(*take)(void *port);
	bool (*enabled)(const void *port);
	wlk_content_hint (*hint)(const void *port);
	void (*close)(void *port);
};

struct raw_input {
	const struct raw_input_ops *ops; /* NULL: no source */
	void *port;
};

/* A received packet of sound; borrowed for the call. */
struct raw_sound {
	uint32_t ssrc;
	enum codec_id codec;
	const uint8_t *data;
	size_t size;
	uint32_t timestamp, clock_hz;
	int64_t sequence; /* extended */
	bool is_noise;    /* comfort noise (RFC 3389) */
	bool redundant;   /* a block that repeats an earlier packet (RFC 2198): it has no number */
	bool after_reset;
	wlk_time arrival;
	int64_t capture_unix_us; /* 0: unknown */
};

struct audio_playout_stats;
struct wlk_codec_set;

/* A sink as its receiver has it. */
struct raw_output_ops {
	void (*show)(void *port, struct video_frame *frame, wlk_time render); /* takes the reference over */
	void (*hear)(void *port, const struct raw_sound *sound);
	/* What was played last: its capture by the sender's clock and when. False: nothing, or unknown. */
	bool (*playing)(void *port, int64_t *capture_unix_us, wlk_time *played);
	void (*set_minimum)(void *port, wlk_time us); /* for lip-sync */
	void (*set_target)(void *port, wlk_time us);  /* jitterBufferTarget */
	void (*set_codecs)(void *port, struct wlk_codec_set *codecs); /* whose decoders to use; it is held as long as it needs them */
	void (*stats)(void *port, struct audio_playout_stats *out); /* of media/recv/audio_playout.h */
	void (*close)(void *port);
};

struct raw_output {
	const struct raw_output_ops *ops; /* NULL: no sink */
	void *port;
};

/** In the place of what the sender has; on success |input| is taken over. ops NULL: none. Errors as wlk_rtp_sender_set_video_source(). */
wlk_err peer_set_input(wlk_rtp_sender *sender, wlk_media_kind kind, const struct raw_input *input) WLK_NODISCARD;
/** The same for a sink; errors as wlk_rtp_receiver_set_video_sink(). */
/* The level of a receiver that has been raw changes: its decoder begins anew. */
void peer_raw_restart(wlk_rtp_receiver *receiver);
wlk_err peer_set_output(wlk_rtp_receiver *receiver, wlk_media_kind kind, const struct raw_output *output) WLK_NODISCARD;
/** What a source calls, on any thread, when something was pushed; fn NULL: the connection looks by itself (drive.h). */
void peer_wake_hook(const wlk_rtp_sender *sender, void (**fn)(void *user), void **user);

/** The next job to be run by track_job_run(), on any thread; false: none. It is given back by peer_on_job(). */
bool peer_poll_job(wlk_peer_connection *pc, wlk_time now, struct track_job **out);
/** |spent| [us] 0: not measured. Answers the connection that it is for, NULL when that is gone. */
wlk_peer_connection *peer_on_job(struct track_job *job, wlk_time now, wlk_time spent);

/* ---- inside of peer/ ---- */

struct raw_sender;
struct raw_receiver;

/* Take in, hand on and send what there is. */
void peer_raw_step(wlk_peer_connection *pc);
wlk_time peer_raw_deadline(const wlk_peer_connection *pc);
/* Whether |ev| was for raw media, and nobody else is to see it. */
bool peer_raw_take(wlk_peer_connection *pc, const wlk_event *ev);
/* A picture that is due, as an event; NULL: none. Lent until the next call. */
const wlk_event *peer_raw_poll_event(wlk_peer_connection *pc);
void peer_raw_give_back(wlk_peer_connection *pc);
/* Before its transceiver is freed, and for all at the end. */
void peer_raw_forget(struct wlk_transceiver *t);

#endif
