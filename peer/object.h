/* The peer connection object and its parts, as the files of peer/ share them; nobody else includes this. */
#ifndef PEER_OBJECT_H
#define PEER_OBJECT_H

#include <wirelark/direct.h>
#include <wirelark/loop.h>

#include "core/alloc.h"
#include "core/event_queue.h"
#include "core/log.h"
#include "core/time.h"
#include "peer/configuration.h"
#include "peer/error.h"
#include "peer/id_list.h"
#include "peer/ice_settings.h"
#include "peer/peer.h"
#include "peer/peer_transport.h"
#include "peer/parameters.h"
#include "peer/raw.h"
#include "peer/record_call.h"
#include "peer/record_event.h"
#include "peer/seam.h"
#include "sctp/assoc.h"
#include "sdp/negotiate.h"

enum { PEER_RETIRED_MAX = 4096 };  /* transceivers that are gone, and whose handles stay valid */
enum { PEER_TRANSPORTS_MAX = 16 }; /* in use and spare; more sections than that have to be bundled */

struct wlk_rtp_sender {
	struct wlk_transceiver *transceiver;
	char *track_id;         /* NULL: no track */
	char *msid_track;       /* what a=msid names */
	struct id_list streams;
	bool can_send; /* agreed on and with keys, as far as the application was told */
	struct peer_encoding encodings[WLK_RTP_ENCODINGS_MAX];
	size_t encoding_count; /* at least 1 */
	bool proposed;         /* layers that only the pending remote offer asked for; a rollback takes them away */
	wlk_degradation_preference degradation;
	char transaction_id[24];
	bool transaction_is_open; /* W3C [[LastReturnedParameters]] is not null */
	char *lent;               /* texts of the parameters that were handed out */
	wlk_rtp_codec lent_codecs[WLK_RTP_ENCODINGS_MAX];
	struct peer_dtmf dtmf;
	struct raw_sender *raw; /* NULL: no source */
	uint32_t source_width, source_height; /* of its pictures; 0: not known */
	wlk_frame_transform transform;
	void *transform_user;
};

struct wlk_rtp_receiver {
	struct wlk_transceiver *transceiver;
	char *track_id;                /* as the remote description has it, NULL: it does not */
	struct id_list streams;        /* the remote streams that the track is in */
	struct id_list stable_streams; /* the same in the latest stable state, when streams_changed */
	bool streams_changed;
	bool ended;
	/* What is to be told of the track when the state is (remote_track.c). */
	bool tell_ended, tell_mute, tell_track;
	struct id_list left; /* streams */
	bool flows;           /* packets come: the track is not muted */
	wlk_media_level level;
	bool accepts_simulcast;
	char rids[WLK_RTP_ENCODINGS_MAX][PEER_RID_MAX + 1]; /* to be offered */
	size_t rid_count;
	struct peer_rid_limits limits[WLK_RTP_ENCODINGS_MAX];
	char *lent; /* as of a sender */
	struct raw_receiver *raw; /* NULL: no raw media yet */
	wlk_frame_transform transform;
	void *transform_user;
};

struct wlk_transceiver {
	struct list link; /* in pc->transceivers, in order of creation; or in pc->retired */
	wlk_peer_connection *pc;
	uint32_t number;  /* of those ever made here, for recordings */
	wlk_media_kind kind;
	char *mid;                /* NULL: not associated with an m-section */
	char offered_mid[16];     /* what the offer that was created last calls its m-section, while mid is NULL */
	char next_mid[16];        /* the same of the one that is being made */
	size_t section;           /* m-line index once associated, else SIZE_MAX */
	struct peer_transport *transport; /* NULL before a description gave it one */
	bool mid_is_pending;      /* associated by the pending description, which a rollback would undo */
	bool created_by_remote;   /* by the pending remote offer */
	bool by_add_track;        /* made by add_track(): a remote offer may take it (RFC 9429 5.10) */
	bool had_add_track;       /* add_track() gave it a track: it outlives the remote offer that made it */
	bool has_sent;            /* currentDirection was "sendrecv" or "sendonly" at some time */
	wlk_direction direction;  /* wanted */
	wlk_direction current;    /* agreed; WLK_DIRECTION_NONE before */
	wlk_direction fired;      /* as the track events have told it; W3C [[FiredDirection]] */
	wlk_direction stable_fired;
	bool stopping, stopped;   /* W3C 5.4: asked for, and negotiated */
	struct peer_preferences preferences;
	wlk_rtp_sender sender;
	wlk_rtp_receiver receiver;
	void *user;
};

struct wlk_data_channel {
	struct list link; /* in pc->channels */
	wlk_peer_connection *pc;
	struct sctp_channel *sctp;
	uint32_t number; /* unique in the connection, for the statistics */
	bool paused;          /* messages wait for the application */
	bool has_messages;    /* there was something to receive while paused */
	bool released;        /* the application let go of it */
	bool close_delivered; /* its last event was handed out */
	void *user;
};

/* A description as it was set: the model, and its text when somebody asked for it. */
struct peer_description {
	wlk_sdp_type type;
	struct sdp_session *sdp; /* NULL: none */
	char *text;              /* made on demand; NULL: not made, or out of date */
};

/* An event in the queue: the public one and the heap text that it lends. */
struct peer_event {
	wlk_event ev;
	char *text;
};

struct wlk_sctp_transport {
	wlk_peer_connection *pc;
	wlk_sctp_state state; /* as it was told */
};

struct wlk_peer_connection {
	struct log_scope log;
	struct log_budget log_budget;
	struct peer_env env;
	bool owns_env;
	struct list ready_link;
	void *driver;
	peer_destroy_hook destroy_hook;
	void *user;
	wlk_time now; /* of the latest verb */
	struct record_peer *record; /* NULL: not recorded */
	uint32_t next_transceiver; /* number */

	/* configuration */
	struct peer_configuration configuration;
	struct sdp_capabilities capabilities;
	struct dtls_cert *cert;
	size_t max_message_size;
	uint16_t sctp_streams;
	size_t memory_budget;
	size_t memory_used;

	/* signalling */
	wlk_signaling_state signaling_state;
	struct peer_description current_local, current_remote, pending_local, pending_remote;
	char *last_offer, *last_answer;      /* what create_offer() and create_answer() answered */
	struct sdp_session *offer_model, *answer_model;
	wlk_session_description lent_local, lent_remote; /* whichever is in progress */
	wlk_session_description lent_each[4];            /* current and pending, local and remote */
	char session_id[24];
	uint64_t session_version;
	struct sdp_agreement *agreement;     /* of the latest answer; NULL before */
	bool wants_ice_restart;              /* asked for by restart_ice() */
	bool restart_wish_is_offered;        /* the pending local offer carries it; a rollback brings it back */
	bool ice_restarted_locally;          /* the agent runs a new generation for an offer that is created or set, and not answered */
	bool remote_restarted;               /* the pending remote offer carries new ICE credentials */
	bool negotiation_needed;             /* W3C [[NegotiationNeeded]]: the event was delivered and nothing was negotiated since */
	bool negotiation_check_queued;       /* its event stands in the queue, to be looked at when its turn comes */
	char *mid_of_data;                   /* NULL while there is no application section, or it has no mid */
	size_t section_of_data;

	/* transports */
	struct ice_settings ice_settings;
	wlk_bundle_policy bundle_policy;
	struct wlk_codec_set *codecs; /* held; NULL: the library's own */
	struct list transports; /* in use, see peer/bundle.h */
	struct list spares;
	struct list retired_transports;
	struct peer_transport *agreed[PEER_TRANSPORTS_MAX]; /* those of agreement->transports */
	uint32_t next_transport;
	struct peer_transport *transport;      /* the first that was agreed on, or will be; never NULL */
	struct peer_transport *data_transport; /* of the application section */
	bool ice_lite;
	bool renomination;  /* announced in our descriptions */
	struct sctp_assoc *sctp;
	wlk_sctp_transport sctp_handle;
	bool sctp_started;
	bool sctp_ended; /* the far end closed by SCTP alone, with no media left */
	bool sctp_mtu_is_full; /* nothing is left to be raised */
	bool path_in_doubt; /* as SCTP was told */
	size_t sctp_window; /* the same; 0: no limit */
	char cname[25];
	char *lent_host; /* of the latest RESOLVE request */
	wlk_direct_layer *lent_layers; /* of the latest wlk_direct_local_parameters() */
	struct dgram_queue farewell_queue; /* what still leaves after close, before the sockets close */

	/* what the application sees */
	wlk_ice_gathering_state gathering_state;
	wlk_ice_connection_state ice_state;
	wlk_connection_state connection_state;
	const char *failure; /* why, static text */
	bool closed;
	bool held; /* see peer_hold() */
	struct list transceivers;
	struct list retired; /* transceivers whose m-section is gone; only their handles live on */
	size_t retired_count;
	struct list channels;
	struct list raw_senders, raw_receivers; /* see peer/raw.h */
	struct event_queue events;
	struct peer_event lent; /* the event that the caller looks at */
	struct media_packet lent_packet;
	bool packet_is_lent;
	wlk_rtp_packet lent_rtp;
	struct media_frame lent_media_frame; /* frame NULL: none */
	wlk_encoded_frame lent_frame;
	struct video_frame *lent_picture; /* NULL: none */
	wlk_video_frame lent_video;
	struct media_rate_limits rate_limits; /* of each path */
	uint64_t remote_bitrate_limit, told_bitrate_limit; /* bits a second, 0: none */
	bool pump_is_due; /* media came since the last turn of the crank */
	bool events_lost; /* an event could not be queued: the connection ends as failed */
	struct peer_error error;
	int32_t sctp_cause; /* of the far end's ABORT, -1: none */

	/* counters for peer-connection and transport statistics */
	uint64_t dropped_unvalidated, dropped_unknown, dropped_oversize;
	uint64_t channels_opened, channels_closed;
	uint32_t channels_made;
};

/* ---- event.c ---- */

/* Queue an event; |text| (may be NULL) becomes the queue's and is lent with the event. */
void peer_emit_text(wlk_peer_connection *pc, wlk_event ev, char *text);
static inline void peer_emit(wlk_peer_connection *pc, wlk_event ev)
{
	peer_emit_text(pc, ev, NULL);
}
/* |channel| is about to be freed: no event in the queue may name it. */
void peer_events_forget(wlk_peer_connection *pc, const wlk_data_channel *channel);
void peer_events_free(wlk_peer_connection *pc);
/* Put |ev| in the place of an older share of the same encoding; false: none waits. */
bool peer_events_replace_target(wlk_peer_connection *pc, const wlk_event *ev);
/* Whether the state that ends the connection can be told without memory. */
bool peer_events_have_room(const wlk_peer_connection *pc);

/* ---- peer.c ---- */

/* Every API call that does something begins with it: between two verbs it is the driver's clock that goes on. */
void peer_refresh_now(wlk_peer_connection *pc);
/* An API call left something to do: the driver comes by. */
void peer_touch(wlk_peer_connection *pc);

/* ---- pump.c ---- */

/* Pull every module's events and act on them until nothing moves. False: nothing had. */
bool peer_pump(wlk_peer_connection *pc);

/* ---- request.c ---- */

/* Servers, policy and pool into all agents, and for those to come. WLK_ERR_INVALID, _UNSUPPORTED, _NOMEM, told: nothing changed. */
wlk_err peer_set_servers(wlk_peer_connection *pc, const wlk_configuration *config);

/* ---- states.c: what the states of the transports make of the connection's ---- */

void peer_update_ice_state(wlk_peer_connection *pc);
void peer_update_gathering_state(wlk_peer_connection *pc);
void peer_update_connection_state(wlk_peer_connection *pc);
/* The connection cannot go on. */
void peer_set_failed(wlk_peer_connection *pc, const char *reason);

/* ---- sctp_transport.c ---- */

/* Create the SCTP association object (not yet started), so that channels can be made. */
wlk_err peer_need_sctp(wlk_peer_connection *pc);
/* Start it when its section was agreed on and its transport is up. */
void peer_sctp_start(wlk_peer_connection *pc);
bool peer_sctp_pump(wlk_peer_connection *pc);

/* ---- output.c ---- */

/* Wrap up at close: the farewells of all layers of |t| go into the queue that still leaves, its goodbyes to servers behind them. */
void peer_collect_farewell(struct peer_transport *t, struct dgram_queue *farewells);

/* ---- description.c ---- */

void peer_description_clear(struct peer_description *d);
/* Takes the place of *to, and leaves *from empty. */
void peer_description_move(struct peer_description *to, struct peer_description *from);
/* Takes |sdp| over. */
void peer_description_set(struct peer_description *d, wlk_sdp_type type, struct sdp_session *sdp);
/* The local description that is on its way, or in force. */
struct peer_description *peer_local_in_progress(const wlk_peer_connection *pc);
/* The section of |sdp| that carries |t|: the first one with its ufrag. Without several transports any will do. NULL: none. */
struct sdp_media *peer_transport_section(const struct peer_transport *t, const struct sdp_session *sdp);
/* What was created stands on a state that is over: it can be set no more. */
void peer_forget_made(wlk_peer_connection *pc);
/* The model was changed: its text is out of date. */
void peer_description_changed(struct peer_description *d);
bool peer_media_has_candidate(const struct sdp_media *media, struct str line);
/* A local candidate of ours: into the model of the local description that is on its way or in force. */
void peer_description_add_local_candidate(struct peer_transport *t, struct str line);
void peer_description_end_local_candidates(struct peer_transport *t);
/* The section that carries the transport in our own description: its mid and index; mid "" when there is none. */
struct str peer_description_transport_mid(const struct peer_transport *t, int32_t *index);
/* The pending local offer has the credentials of an ICE restart; one that was only created has none. */
bool peer_restart_is_offered(const wlk_peer_connection *pc);
void peer_descriptions_free(wlk_peer_connection *pc);

/* ---- set_description.c ---- */

/* ICE generations that offer and answer have not put into force go back. */
void peer_cancel_restarts(wlk_peer_connection *pc);

/* ---- negotiation.c ---- */

/* The m-line index that carries data, for offers: whether there is or should be an application section. */
bool peer_wants_data(const wlk_peer_connection *pc);
wlk_err peer_make_offer(wlk_peer_connection *pc, bool ice_restart, struct sdp_session **out);
/* The offer that was made counts: its m-sections are those that transceivers without a mid will get. */
void peer_keep_offered_mids(wlk_peer_connection *pc);
wlk_err peer_make_answer(wlk_peer_connection *pc, struct sdp_session **out);

/* ---- agreement.c ---- */

/* Put what both descriptions agree on into force. */
wlk_err peer_apply_agreement(wlk_peer_connection *pc, struct sdp_agreement *agreement, const struct sdp_session *local);

/* ---- association.c: which transceiver stands on which m-section (RFC 9429 5.9, 5.10) ---- */

/* What an association took, for the case that the description cannot be set after all. */
struct association {
	struct wlk_transceiver *taken[SDP_MAX_MEDIA];
	size_t count;
};

/* The mids that an offer of ours gives to transceivers and to data; all or nothing. */
wlk_err peer_associate_local_offer(wlk_peer_connection *pc, const struct sdp_session *offer);
/* Give a transceiver to each m-section of a remote offer; all or nothing. */
wlk_err peer_associate_remote_offer(wlk_peer_connection *pc, const struct sdp_session *offer, struct association *out);
/* As if it had not been; new transceivers, which nobody has seen yet, are freed. */
void peer_undo_association(wlk_peer_connection *pc, struct association *association);
/* RFC 9429 5.7: the effect of a rollback on transceivers. */
void peer_roll_back_transceivers(wlk_peer_connection *pc);
/* After an answer is in force: stopped transceivers whose m-section is rejected leave the set (W3C 4.4.1.5). */
void peer_retire_stopped(wlk_peer_connection *pc);
/* The application section is in the descriptions that are in force. */
bool peer_data_is_agreed(const wlk_peer_connection *pc);

/* ---- remote_track.c: what a description does to the tracks that we receive (W3C 5.1.1 to 5.1.3) ---- */

/* After a remote offer or answer. */
void peer_process_remote_tracks(wlk_peer_connection *pc, const struct sdp_session *remote);
/* After a local answer: what it does not receive is muted. */
void peer_process_local_directions(wlk_peer_connection *pc);
/* What the remote description, which is taken back, did to |t|. */
void peer_roll_back_remote_track(struct wlk_transceiver *t);
/* The state is stable: what rollback would go back to is that. */
void peer_keep_remote_tracks(wlk_peer_connection *pc);
/* Raise the events of all that has changed since the last call. */
void peer_tell_tracks(wlk_peer_connection *pc);
/* Packets of |t| come, or do not any more. */
void peer_tell_flow(struct wlk_transceiver *t);

/* ---- agreed_media.c ---- */

/* The engine of |t| gets the sections that ride on it, agreed[] being the transports of |agreement|; the others are nothing to it. */
wlk_err peer_configure_transport_media(struct peer_transport *t, struct peer_transport *const *agreed, const struct sdp_agreement *agreement);
/* Tell the media engines again what is agreed and how we send. */
wlk_err peer_configure_media(wlk_peer_connection *pc);

/* ---- negotiation_needed.c ---- */

/* W3C 4.7.3 "update the negotiation-needed flag": queues the question; it is answered when its turn comes. */
void peer_update_negotiation_needed(wlk_peer_connection *pc);
/* The question's turn has come: whether the event is delivered. */
bool peer_negotiation_needed_is_due(wlk_peer_connection *pc);

/* ---- transceiver.c ---- */

/* Whether |id| can stand in a=msid as it is (R33). */
bool peer_is_media_id(const char *id);
wlk_err peer_replace_text(char **place, const char *text);
wlk_err peer_add_transceiver(wlk_peer_connection *pc, wlk_media_kind kind, wlk_direction direction, struct wlk_transceiver **out);
void peer_transceiver_free(struct wlk_transceiver *t);
/* W3C 5.4 "stop the RTCRtpTransceiver"; peer_tell_tracks() tells of it. */
void peer_transceiver_stop(struct wlk_transceiver *t);
/* Out of the set of transceivers. */
void peer_transceiver_retire(struct wlk_transceiver *t);
struct wlk_transceiver *peer_transceiver_by_mid(const wlk_peer_connection *pc, struct str mid);
/* The engine of the transport that it rides on, or will ride on as far as is known. */
struct media_engine *peer_transceiver_media(const struct wlk_transceiver *t);
struct wlk_transceiver *peer_transceiver_by_section(const wlk_peer_connection *pc, size_t section);

/* R34: media leaves only after both descriptions are set and the transport is up; nothing waits for that. */
wlk_err peer_sending_allowed(const struct wlk_transceiver *t);
/* The end of every call that sends: the error in words, or the driver's turn. */
wlk_err peer_after_send(wlk_peer_connection *pc, wlk_err err);

/* ---- frames.c ---- */

/*
 * What a receiver at the level of raw media is given: video as frames; sound as packets in the order of their arrival, since its playout
 * buffer does better than wait for lost ones. A replay, which decodes nothing, sets the latter as a level.
 */
#define PEER_LEVEL_ARRIVALS ((wlk_media_level)3)
/* wlk_rtp_receiver_set_level() for that level, too; it is not recorded. */
wlk_err peer_set_receiver_level(wlk_rtp_receiver *receiver, wlk_media_level level);
bool peer_receives_frames(const struct wlk_transceiver *t);
bool peer_receives_arrivals(const struct wlk_transceiver *t);

/* The next whole frame, as the lent event. */
bool peer_pull_frame(wlk_peer_connection *pc, struct peer_transport *transport);
void peer_give_back_frame(wlk_peer_connection *pc);
/* Video that can be sent from now on begins with a key frame: ask for it. To be called when keys or directions change. */
void peer_announce_senders(wlk_peer_connection *pc);

/* ---- channel.c ---- */

/* The public handle for a channel that the far end opened. */
wlk_data_channel *peer_channel_adopt(wlk_peer_connection *pc, struct sctp_channel *sctp);
void peer_channel_free(wlk_data_channel *channel);

#endif
