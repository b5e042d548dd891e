/*
 * The border to dtls/, srtp/ and sctp/ as peer/ crosses it: each call is made as it is, and what it answers is recorded when
 * a recording runs.
 *
 * The macros at the end put these functions in the place of the modules' own, so that no call in peer/ can go past a recording.
 * A function of these modules that answers something new and is used in peer/ belongs here, and into the stand-ins of apps/replay:
 * without that the replay does not link.
 */
#ifndef PEER_SEAM_H
#define PEER_SEAM_H

#include "dtls/transport.h"
#include "peer/record.h"
#include "sctp/assoc.h"
#include "srtp/session.h"

/* seam.c: the entries. */
void seam_record_dtls(enum record_kind kind, const struct dtls_transport *t);
wlk_err seam_record_dtls_err(enum record_kind kind, const struct dtls_transport *t, wlk_err err);
void seam_record_dtls_out(const struct dtls_transport *t, const struct pktbuf *buf);
void seam_record_dtls_event(const struct dtls_transport *t, const struct dtls_event *ev);
void seam_record_dtls_data(const struct dtls_transport *t, wlk_bytes data);
void seam_record_dtls_export(const struct dtls_transport *t, wlk_err err, const struct dtls_srtp_export *out);
void seam_record_srtp_new(const struct srtp_session *s, wlk_err err, enum srtp_keys_profile profile);
uint32_t seam_digest(const struct pktbuf *buf);
void seam_record_protect(enum record_kind kind, const struct srtp_session *s, wlk_err err, const struct pktbuf *buf, uint32_t digest);
void seam_record_unprotect(enum record_kind kind, const struct srtp_session *s, wlk_err err, const struct pktbuf *buf);
void seam_record_srtp_allow(const struct srtp_session *s, wlk_err err);
void seam_record_sctp(enum record_kind kind, const struct sctp_assoc *assoc);
wlk_err seam_record_sctp_err(enum record_kind kind, const struct sctp_assoc *assoc, wlk_err err);
void seam_record_sctp_out(const struct sctp_assoc *assoc, const struct pktbuf *buf);
void seam_record_sctp_event(const struct sctp_assoc *assoc, const struct sctp_assoc_event *ev);
void seam_record_channel_new(const struct sctp_channel *channel, wlk_err err);
void seam_record_channel_sent(const struct sctp_channel *channel, wlk_err err);
void seam_record_message(const struct sctp_channel *channel, const struct sctp_message *message);
void seam_record_channel_close(const struct sctp_channel *channel);
void seam_record_gone(enum record_object_kind kind, const void *object);

/* ---- dtls/ ---- */

static inline wlk_err seam_dtls_create(struct dtls_transport **out, const struct dtls_config *config)
{
	wlk_err err = dtls_transport_create(out, config);

	return record_current ? seam_record_dtls_err(RECORD_DTLS_NEW, err ? NULL : *out, err) : err;
}

static inline void seam_dtls_destroy(struct dtls_transport *t)
{
	if (record_current)
		seam_record_gone(RECORD_OBJECT_DTLS, t);
	dtls_transport_destroy(t);
}

static inline wlk_err seam_dtls_start(struct dtls_transport *t, wlk_time now, enum dtls_role role)
{
	wlk_err err = dtls_transport_start(t, now, role);

	return record_current ? seam_record_dtls_err(RECORD_DTLS_START, t, err) : err;
}

static inline wlk_err seam_dtls_restart(struct dtls_transport *t, wlk_time now)
{
	wlk_err err = dtls_transport_restart(t, now);

	return record_current ? seam_record_dtls_err(RECORD_DTLS_RESTART, t, err) : err;
}

static inline wlk_err seam_dtls_set_remote_fingerprints(struct dtls_transport *t, wlk_time now, const struct dtls_fingerprint *list,
							size_t count)
{
	wlk_err err = dtls_transport_set_remote_fingerprints(t, now, list, count);

	return record_current ? seam_record_dtls_err(RECORD_DTLS_FINGERPRINTS, t, err) : err;
}

static inline void seam_dtls_input(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	dtls_transport_input(t, now, data, size);
	if (record_current)
		seam_record_dtls(RECORD_DTLS_INPUT, t);
}

static inline void seam_dtls_handle_timeout(struct dtls_transport *t, wlk_time now)
{
	dtls_transport_handle_timeout(t, now);
	if (record_current)
		seam_record_dtls(RECORD_DTLS_TIMEOUT, t);
}

static inline void seam_dtls_close(struct dtls_transport *t, wlk_time now)
{
	dtls_transport_close(t, now);
	if (record_current)
		seam_record_dtls(RECORD_DTLS_CLOSE, t);
}

static inline wlk_err seam_dtls_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	wlk_err err = dtls_transport_send(t, now, data, size);

	return record_current ? seam_record_dtls_err(RECORD_DTLS_SEND, t, err) : err;
}

static inline bool seam_dtls_poll_transmit(struct dtls_transport *t, wlk_time now, struct pktbuf **out)
{
	bool any = dtls_transport_poll_transmit(t, now, out);

	if (any && record_current)
		seam_record_dtls_out(t, *out);
	return any;
}

static inline bool seam_dtls_poll_event(struct dtls_transport *t, struct dtls_event *out)
{
	bool any = dtls_transport_poll_event(t, out);

	if (any && record_current)
		seam_record_dtls_event(t, out);
	return any;
}

static inline bool seam_dtls_poll_data(struct dtls_transport *t, wlk_time now, wlk_bytes *out)
{
	bool any = dtls_transport_poll_data(t, now, out);

	if (any && record_current)
		seam_record_dtls_data(t, *out);
	return any;
}

static inline wlk_err seam_dtls_export_srtp(const struct dtls_transport *t, struct dtls_srtp_export *out)
{
	wlk_err err = dtls_transport_export_srtp(t, out);

	if (record_current)
		seam_record_dtls_export(t, err, out);
	return err;
}

/* ---- srtp/ ---- */

static inline wlk_err seam_srtp_create(struct srtp_session **out, const struct srtp_session_config *config)
{
	wlk_err err = srtp_session_create(out, config);

	if (record_current)
		seam_record_srtp_new(err ? NULL : *out, err, config->keys->profile);
	return err;
}

static inline void seam_srtp_destroy(struct srtp_session *s)
{
	if (record_current)
		seam_record_gone(RECORD_OBJECT_SRTP, s);
	srtp_session_destroy(s);
}

static inline wlk_err seam_srtp_protect_rtp(struct srtp_session *s, struct pktbuf *buf)
{
	uint32_t digest = record_current ? seam_digest(buf) : 0;
	wlk_err err = srtp_session_protect_rtp(s, buf);

	if (record_current)
		seam_record_protect(RECORD_SRTP_PROTECT, s, err, buf, digest);
	return err;
}

static inline wlk_err seam_srtp_protect_rtcp(struct srtp_session *s, struct pktbuf *buf)
{
	uint32_t digest = record_current ? seam_digest(buf) : 0;
	wlk_err err = srtp_session_protect_rtcp(s, buf);

	if (record_current)
		seam_record_protect(RECORD_SRTP_PROTECT_RTCP, s, err, buf, digest);
	return err;
}

static inline wlk_err seam_srtp_unprotect_rtp(struct srtp_session *s, wlk_time now, struct pktbuf *buf)
{
	wlk_err err = srtp_session_unprotect_rtp(s, now, buf);

	if (record_current)
		seam_record_unprotect(RECORD_SRTP_UNPROTECT, s, err, buf);
	return err;
}

static inline wlk_err seam_srtp_unprotect_rtcp(struct srtp_session *s, wlk_time now, struct pktbuf *buf)
{
	wlk_err err = srtp_session_unprotect_rtcp(s, now, buf);

	if (record_current)
		seam_record_unprotect(RECORD_SRTP_UNPROTECT_RTCP, s, err, buf);
	return err;
}

static inline wlk_err seam_srtp_allow_ssrc(struct srtp_session *s, uint32_t ssrc)
{
	wlk_err err = srtp_session_allow_ssrc(s, ssrc);

	if (record_current)
		seam_record_srtp_allow(s, err);
	return err;
}

/* ---- sctp/ ---- */

static inline wlk_err seam_sctp_create(struct sctp_assoc **out, const struct sctp_assoc_config *config)
{
	wlk_err err = sctp_assoc_create(out, config);

	return record_current ? seam_record_sctp_err(RECORD_SCTP_NEW, err ? NULL : *out, err) : err;
}

static inline void seam_sctp_destroy(struct sctp_assoc *assoc)
{
	if (record_current)
		seam_record_gone(RECORD_OBJECT_SCTP, assoc);
	sctp_assoc_destroy(assoc);
}

static inline wlk_err seam_sctp_start(struct sctp_assoc *assoc, wlk_time now, const struct sctp_assoc_start *params)
{
	wlk_err err = sctp_assoc_start(assoc, now, params);

	return record_current ? seam_record_sctp_err(RECORD_SCTP_START, assoc, err) : err;
}

static inline void seam_sctp_input(struct sctp_assoc *assoc, wlk_time now, const uint8_t *packet, size_t size)
{
	sctp_assoc_input(assoc, now, packet, size);
	if (record_current)
		seam_record_sctp(RECORD_SCTP_INPUT, assoc);
}

static inline void seam_sctp_handle_timeout(struct sctp_assoc *assoc, wlk_time now)
{
	sctp_assoc_handle_timeout(assoc, now);
	if (record_current)
		seam_record_sctp(RECORD_SCTP_TIMEOUT, assoc);
}

static inline void seam_sctp_close(struct sctp_assoc *assoc, wlk_time now, bool graceful)
{
	sctp_assoc_close(assoc, now, graceful);
	if (record_current)
		seam_record_sctp(RECORD_SCTP_CLOSE, assoc);
}

static inline void seam_sctp_events_seen(struct sctp_assoc *assoc, wlk_time now)
{
	sctp_assoc_events_seen(assoc, now);
	if (record_current)
		seam_record_sctp(RECORD_SCTP_EVENTS_SEEN, assoc);
}

static inline bool seam_sctp_poll_transmit(struct sctp_assoc *assoc, wlk_time now, struct pktbuf **out)
{
	bool any = sctp_assoc_poll_transmit(assoc, now, out);

	if (any && record_current)
		seam_record_sctp_out(assoc, *out);
	return any;
}

static inline bool seam_sctp_poll_event(struct sctp_assoc *assoc, struct sctp_assoc_event *out)
{
	bool any = sctp_assoc_poll_event(assoc, out);

	if (any && record_current)
		seam_record_sctp_event(assoc, out);
	return any;
}

static inline wlk_err seam_channel_create(struct sctp_assoc *assoc, wlk_time now, const struct sctp_channel_config *config,
					  struct sctp_channel **out)
{
	wlk_err err = sctp_channel_create(assoc, now, config, out);

	if (record_current)
		seam_record_channel_new(err ? NULL : *out, err);
	return err;
}

static inline void seam_channel_destroy(struct sctp_channel *channel)
{
	if (record_current)
		seam_record_gone(RECORD_OBJECT_CHANNEL, channel);
	sctp_channel_destroy(channel);
}

static inline wlk_err seam_channel_send(struct sctp_channel *channel, wlk_time now, enum sctp_message_type type, const void *data,
					size_t size)
{
	wlk_err err = sctp_channel_send(channel, now, type, data, size);

	if (record_current)
		seam_record_channel_sent(channel, err);
	return err;
}

static inline bool seam_channel_receive(struct sctp_channel *channel, struct sctp_message *out)
{
	bool any = sctp_channel_receive(channel, out);

	if (any && record_current)
		seam_record_message(channel, out);
	return any;
}

static inline void seam_channel_close(struct sctp_channel *channel, wlk_time now)
{
	sctp_channel_close(channel, now);
	if (record_current)
		seam_record_channel_close(channel);
}

#ifndef SEAM_INSIDE
#define dtls_transport_create(...) seam_dtls_create(__VA_ARGS__)
#define dtls_transport_destroy(...) seam_dtls_destroy(__VA_ARGS__)
#define dtls_transport_start(...) seam_dtls_start(__VA_ARGS__)
#define dtls_transport_restart(...) seam_dtls_restart(__VA_ARGS__)
#define dtls_transport_set_remote_fingerprints(...) seam_dtls_set_remote_fingerprints(__VA_ARGS__)
#define dtls_transport_input(...) seam_dtls_input(__VA_ARGS__)
#define dtls_transport_handle_timeout(...) seam_dtls_handle_timeout(__VA_ARGS__)
#define dtls_transport_close(...) seam_dtls_close(__VA_ARGS__)
#define dtls_transport_send(...) seam_dtls_send(__VA_ARGS__)
#define dtls_transport_poll_transmit(...) seam_dtls_poll_transmit(__VA_ARGS__)
#define dtls_transport_poll_event(...) seam_dtls_poll_event(__VA_ARGS__)
#define dtls_transport_poll_data(...) seam_dtls_poll_data(__VA_ARGS__)
#define dtls_transport_export_srtp(...) seam_dtls_export_srtp(__VA_ARGS__)
#define srtp_session_create(...) seam_srtp_create(__VA_ARGS__)
#define srtp_session_destroy(...) seam_srtp_destroy(__VA_ARGS__)
#define srtp_session_protect_rtp(...) seam_srtp_protect_rtp(__VA_ARGS__)
#define srtp_session_protect_rtcp(...) seam_srtp_protect_rtcp(__VA_ARGS__)
#define srtp_session_unprotect_rtp(...) seam_srtp_unprotect_rtp(__VA_ARGS__)
#define srtp_session_unprotect_rtcp(...) seam_srtp_unprotect_rtcp(__VA_ARGS__)
#define srtp_session_allow_ssrc(...) seam_srtp_allow_ssrc(__VA_ARGS__)
#define sctp_assoc_create(...) seam_sctp_create(__VA_ARGS__)
#define sctp_assoc_destroy(...) seam_sctp_destroy(__VA_ARGS__)
#define sctp_assoc_start(...) seam_sctp_start(__VA_ARGS__)
#define sctp_assoc_input(...) seam_sctp_input(__VA_ARGS__)
#define sctp_assoc_handle_timeout(...) seam_sctp_handle_timeout(__VA_ARGS__)
#define sctp_assoc_close(...) seam_sctp_close(__VA_ARGS__)
#define sctp_assoc_events_seen(...) seam_sctp_events_seen(__VA_ARGS__)
#define sctp_assoc_poll_transmit(...) seam_sctp_poll_transmit(__VA_ARGS__)
#define sctp_assoc_poll_event(...) seam_sctp_poll_event(__VA_ARGS__)
#define sctp_channel_create(...) seam_channel_create(__VA_ARGS__)
#define sctp_channel_destroy(...) seam_channel_destroy(__VA_ARGS__)
#define sctp_channel_send(...) seam_channel_send(__VA_ARGS__)
#define sctp_channel_receive(...) seam_channel_receive(__VA_ARGS__)
#define sctp_channel_close(...) seam_channel_close(__VA_ARGS__)
#endif

#endif
