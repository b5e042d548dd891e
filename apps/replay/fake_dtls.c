/* dtls/transport.h as a recording answers it; certificates are those of dtls/cert.c, without their keys. */
#define SEAM_INSIDE
#include "replay.h"

#include "core/alloc.h"

struct dtls_transport {
	uint8_t number;
	struct replay_peer *peer;
	struct dtls_stats stats;
};

const enum dtls_srtp_profile dtls_srtp_profiles_default[3] = {
	DTLS_SRTP_AEAD_AES_128_GCM,
	DTLS_SRTP_AEAD_AES_256_GCM,
	DTLS_SRTP_AES128_CM_SHA1_80,
};

static const struct record_dtls_status *status_of(const struct dtls_transport *t)
{
	return &t->peer->dtls[t->number].status;
}

wlk_err dtls_context_create(struct dtls_context **out, const struct dtls_context_config *config)
{
	(void)config;
	(void)out;
	return WLK_ERR_UNSUPPORTED;
}

void dtls_context_destroy(struct dtls_context *context)
{
	(void)context;
}

wlk_err dtls_transport_create(struct dtls_transport **out, const struct dtls_config *config)
{
	struct bytes_reader body = replay_take(RECORD_DTLS_NEW);
	struct dtls_transport *t = wlk_calloc(1, sizeof(*t));
	wlk_err err;

	(void)config;
	if (!t)
		return WLK_ERR_NOMEM;
	t->number = bytes_u8(&body);
	t->peer = replay.peer;
	err = record_get_err(&body);
	if (err)
		wlk_free(t);
	else
		*out = t;
	return err;
}

void dtls_transport_destroy(struct dtls_transport *t)
{
	wlk_free(t);
}

wlk_err dtls_transport_start(struct dtls_transport *t, wlk_time now, enum dtls_role role)
{
	(void)now;
	(void)role;
	return replay_take_err(RECORD_DTLS_START, t->number);
}

wlk_err dtls_transport_restart(struct dtls_transport *t, wlk_time now)
{
	(void)now;
	return replay_take_err(RECORD_DTLS_RESTART, t->number);
}

wlk_err dtls_transport_set_remote_fingerprints(struct dtls_transport *t, wlk_time now, const struct dtls_fingerprint *list, size_t count)
{
	(void)now;
	(void)list;
	(void)count;
	return replay_take_err(RECORD_DTLS_FINGERPRINTS, t->number);
}

void dtls_transport_input(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	(void)now;
	(void)data;
	(void)size;
	replay_take_of(RECORD_DTLS_INPUT, t->number);
}

bool dtls_transport_poll_transmit(struct dtls_transport *t, wlk_time now, struct pktbuf **out)
{
	struct bytes_reader body;
	struct pktbuf *buf;
	size_t size;

	(void)now;
	if (!replay_has_of(RECORD_DTLS_OUT, t->number, &body))
		return false;
	size = bytes_u16(&body);
	replay_check(&body);
	buf = pktbuf_alloc(NULL, MAX(size, (size_t)PKTBUF_PAYLOAD));
	if (!buf)
		return false;
	memset(buf->data, 0, size);
	memcpy(buf->data, body.at, MIN(size, body.left));
	buf->size = size;
	*out = buf;
	return true;
}

bool dtls_transport_poll_event(struct dtls_transport *t, struct dtls_event *out)
{
	struct bytes_reader body;

	if (!replay_has_of(RECORD_DTLS_EVENT, t->number, &body))
		return false;
	out->state = (enum dtls_state)bytes_u8(&body);
	out->reason = (enum dtls_reason)bytes_u8(&body);
	out->alert = bytes_u8(&body);
	out->restartable = bytes_u8(&body) != 0;
	replay_check(&body);
	return true;
}

bool dtls_transport_poll_data(struct dtls_transport *t, wlk_time now, wlk_bytes *out)
{
	struct bytes_reader body;

	(void)now;
	if (!replay_has_of(RECORD_DTLS_DATA, t->number, &body))
		return false;
	*out = (wlk_bytes){ body.at, body.left };
	return true;
}

wlk_err dtls_transport_send(struct dtls_transport *t, wlk_time now, const uint8_t *data, size_t size)
{
	(void)now;
	(void)data;
	(void)size;
	return replay_take_err(RECORD_DTLS_SEND, t->number);
}

/* The calls of a recording come when they came: nothing asks for a deadline. */
wlk_time dtls_transport_deadline(const struct dtls_transport *t)
{
	(void)t;
	return WLK_TIME_NEVER;
}

void dtls_transport_handle_timeout(struct dtls_transport *t, wlk_time now)
{
	(void)now;
	replay_take_of(RECORD_DTLS_TIMEOUT, t->number);
}

void dtls_transport_close(struct dtls_transport *t, wlk_time now)
{
	(void)now;
	replay_take_of(RECORD_DTLS_CLOSE, t->number);
}

/* It leaves inside of a flight, which the recording has as it was. */
void dtls_transport_set_first_data(struct dtls_transport *t, const uint8_t *data, size_t size)
{
	(void)t;
	(void)data;
	(void)size;
}

void dtls_transport_set_rtt(struct dtls_transport *t, wlk_time rtt_us)
{
	(void)t;
	(void)rtt_us;
}

wlk_err dtls_transport_export_srtp(const struct dtls_transport *t, struct dtls_srtp_export *out)
{
	struct bytes_reader body = replay_take_of(RECORD_DTLS_EXPORT, t->number);
	wlk_err err = record_get_err(&body);

	*out = (struct dtls_srtp_export){ .profile = (enum dtls_srtp_profile)bytes_u16(&body) };
	out->is_client = bytes_u8(&body) != 0;
	out->size = MIN(bytes_u8(&body), (uint8_t)sizeof(out->block));
	return err;
}

enum dtls_state dtls_transport_state(const struct dtls_transport *t)
{
	return (enum dtls_state)status_of(t)->state;
}

enum dtls_role dtls_transport_role(const struct dtls_transport *t)
{
	return (enum dtls_role)status_of(t)->role;
}

uint16_t dtls_transport_version(const struct dtls_transport *t)
{
	return status_of(t)->version;
}

uint16_t dtls_transport_cipher(const struct dtls_transport *t)
{
	return status_of(t)->cipher;
}

const char *dtls_transport_cipher_name(const struct dtls_transport *t)
{
	return t->peer->dtls[t->number].cipher_name;
}

enum dtls_srtp_profile dtls_transport_srtp_profile(const struct dtls_transport *t)
{
	return (enum dtls_srtp_profile)status_of(t)->profile;
}

wlk_bytes dtls_transport_remote_cert(const struct dtls_transport *t)
{
	return status_of(t)->remote_cert;
}

size_t dtls_transport_mtu(const struct dtls_transport *t)
{
	return status_of(t)->mtu;
}

wlk_time dtls_transport_handshake_time(const struct dtls_transport *t)
{
	return status_of(t)->handshake_time;
}

const struct dtls_stats *dtls_transport_stats(const struct dtls_transport *t)
{
	return &t->stats;
}
