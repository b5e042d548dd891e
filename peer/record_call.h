/* How a recording writes the calls into a peer connection down; each is what RECORD() calls at the top of its function. */
#ifndef PEER_RECORD_CALL_H
#define PEER_RECORD_CALL_H

#include <wirelark/direct.h>

#include "core/dgram_queue.h"
#include "peer/peer.h"
#include "peer/record.h"

/*
 * When |pc| is to be recorded (|config| or |env| names a recording that runs): begin, with its creation as the first call, and
 * enter it; whoever created it leaves. WLK_ERR_NOMEM.
 */
wlk_err record_peer_begin(wlk_peer_connection *pc, const wlk_configuration *config, const struct peer_env *env, wlk_time now);

/* A call at |now| of the peer whose recording it is; of an API function at the peer's own time. */
void record_input(struct wlk_recording *rec, wlk_time now, const struct dgram *d);
void record_on_request(struct wlk_recording *rec, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *addresses, size_t count);
void record_on_request_failed(struct wlk_recording *rec, wlk_time now, uint32_t id, wlk_err err, const char *why);
void record_stream_accepted(struct wlk_recording *rec, wlk_time now, const wlk_addr *listener, const wlk_addr *remote, uint32_t id);
void record_stream_input(struct wlk_recording *rec, wlk_time now, uint32_t id, const uint8_t *data, size_t size);
void record_stream_closed(struct wlk_recording *rec, wlk_time now, uint32_t id);
void record_interfaces(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_addr *addresses, size_t count);

/* API functions with at most one number, or with a handle and a number of |width| bytes. */
void record_api(struct wlk_recording *rec, enum record_kind kind, const wlk_peer_connection *pc);
void record_api_number(struct wlk_recording *rec, enum record_kind kind, const wlk_peer_connection *pc, uint64_t value, size_t width);
void record_channel_call(struct wlk_recording *rec, enum record_kind kind, const wlk_data_channel *channel, uint64_t value, size_t width);
void record_transceiver_call(struct wlk_recording *rec, enum record_kind kind, const wlk_transceiver *t, uint64_t value, size_t width);

/* The others. |has_place|: the caller gave a place for what is made. */
void record_create_offer(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_offer_options *options, bool has_place);
void record_set_description(struct wlk_recording *rec, enum record_kind kind, const wlk_peer_connection *pc,
			    const wlk_session_description *description);
void record_add_candidate(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_ice_candidate *candidate);
void record_set_configuration(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_configuration *config);
void record_set_bitrate(struct wlk_recording *rec, const wlk_peer_connection *pc, const wlk_bitrate_limits *limits);
void record_create_channel(struct wlk_recording *rec, const wlk_peer_connection *pc, const char *label, const wlk_data_channel_init *init,
			   bool has_place);
void record_channel_send(struct wlk_recording *rec, const wlk_data_channel *channel, wlk_message_type type, const void *data, size_t size);
void record_add_transceiver(struct wlk_recording *rec, const wlk_peer_connection *pc, wlk_media_kind kind,
			    const wlk_transceiver_init *init, bool has_place);
void record_add_track(struct wlk_recording *rec, const wlk_peer_connection *pc, wlk_media_kind kind, const char *track_id,
		      const char *const *stream_ids, size_t stream_count, bool has_place);
void record_replace_track(struct wlk_recording *rec, const wlk_transceiver *t, const char *track_id);
void record_set_streams(struct wlk_recording *rec, const wlk_transceiver *t, const char *const *stream_ids, size_t stream_count);
void record_send_packet(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_rtp_packet *packet);
/* The time that a function of the API sees. */
wlk_time record_api_time(const wlk_peer_connection *pc);

/* record_frame.c; reading: |rid| is to be freed, everything else points into what is read. */
void record_put_frame(struct bytes_writer *w, const wlk_encoded_frame *f);
void record_get_frame(struct bytes_reader *r, wlk_encoded_frame *out, char **rid);
void record_send_frame(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_encoded_frame *frame);

void record_start_direct(struct wlk_recording *rec, const wlk_peer_connection *pc, wlk_ice_role role,
			 const wlk_direct_parameters *remote);

/* Calls of rtp_parameters.h (record_parameters.c). */
void record_set_parameters(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_rtp_send_parameters *p);
void record_rids(struct wlk_recording *rec, enum record_kind kind, const wlk_transceiver *t, bool accept, const char *const *rids,
		 size_t count);
void record_receive_limits(struct wlk_recording *rec, const wlk_transceiver *t, const char *rid, const wlk_rid_limits *limits);
/* |out| as record_receive_limits() wrote it. */
void record_get_rid_limits(struct bytes_reader *r, wlk_rid_limits *out);
void record_codec_preferences(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_rtp_codec *codecs, size_t count);
void record_extensions(struct wlk_recording *rec, const wlk_transceiver *t, const wlk_rtp_header_extension *extensions, size_t count);
void record_insert_dtmf(struct wlk_recording *rec, const wlk_transceiver *t, const char *tones, uint32_t duration_ms, uint32_t gap_ms);

#endif
