#define SEAM_INSIDE
#include "peer/seam.h"

#include "core/alloc.h"
#include "core/crypto.h"

/* Each of these runs while record_current is set. Objects are numbered before their entry begins: that may end the recording. */

static struct bytes_writer *begin(enum record_kind kind, enum record_object_kind object_kind, const void *object, size_t most)
{
	uint32_t number = object ? record_object(record_current, object_kind, object) : 0xff;
	struct bytes_writer *w;

	if (object && number >= 0xff) {
		record_stop(record_current, WLK_ERR_TOO_LARGE);
		return NULL;
	}
	w = record_begin(record_current, kind, 1 + most);
	if (w)
		bytes_put_u8(w, (uint8_t)number);
	return w;
}

static void record_one(enum record_kind kind, enum record_object_kind object_kind, const void *object)
{
	if (begin(kind, object_kind, object, 0))
		record_end(record_current);
}

static void record_err(enum record_kind kind, enum record_object_kind object_kind, const void *object, wlk_err err)
{
	struct bytes_writer *w = begin(kind, object_kind, object, 4);

	if (!w)
		return;
	bytes_put_u32(w, (uint32_t)err);
	record_end(record_current);
}

void seam_record_gone(enum record_object_kind kind, const void *object)
{
	if (object)
		record_object_gone(record_current, kind, object);
}

/* ---- dtls/ ---- */

static struct record_dtls_status status_of(const struct dtls_transport *t)
{
	return (struct record_dtls_status){
		.state = (uint8_t)dtls_transport_state(t),
		.role = (uint8_t)dtls_transport_role(t),
		.version = dtls_transport_version(t),
		.cipher = dtls_transport_cipher(t),
		.profile = (uint16_t)dtls_transport_srtp_profile(t),
		.mtu = (uint16_t)dtls_transport_mtu(t),
		.handshake_time = dtls_transport_handshake_time(t),
		.cipher_name = dtls_transport_cipher_name(t),
		.remote_cert = dtls_transport_remote_cert(t),
	};
}

static bool same_status(const struct record_dtls_status *a, const struct record_dtls_status *b)
{
	return a->state == b->state && a->role == b->role && a->version == b->version && a->cipher == b->cipher &&
	       a->profile == b->profile && a->mtu == b->mtu && a->handshake_time == b->handshake_time &&
	       a->cipher_name == b->cipher_name && a->remote_cert.data == b->remote_cert.data &&
	       a->remote_cert.size == b->remote_cert.size;
}

/* What was written of it last; NULL when memory is out. */
static struct record_dtls_status *known_status(uint32_t number)
{
	struct record_peer *peer = record_current->peer;
	size_t before = peer->dtls_capacity;

	if (!array_reserve((void **)&peer->dtls, &peer->dtls_capacity, number + 1u, sizeof(*peer->dtls))) {
		record_stop(record_current, WLK_ERR_NOMEM);
		return NULL;
	}
	if (peer->dtls_capacity > before)
		memset(peer->dtls + before, 0, (peer->dtls_capacity - before) * sizeof(*peer->dtls));
	return &peer->dtls[number];
}

static void record_status(const struct dtls_transport *t)
{
	const struct record_dtls_status status = status_of(t);
	uint32_t number = record_object(record_current, RECORD_OBJECT_DTLS, t);
	struct record_dtls_status *known = known_status(number);
	struct bytes_writer *w;

	if (!known || same_status(known, &status))
		return;
	*known = status;
	w = begin(RECORD_DTLS_STATUS, RECORD_OBJECT_DTLS, t, 64 + strlen(status.cipher_name) + status.remote_cert.size);
	if (!w)
		return;
	bytes_put_u8(w, status.state);
	bytes_put_u8(w, status.role);
	bytes_put_u16(w, status.version);
	bytes_put_u16(w, status.cipher);
	bytes_put_u16(w, status.profile);
	bytes_put_u16(w, status.mtu);
	record_put_time(w, status.handshake_time);
	record_put_text(w, status.cipher_name);
	record_put_bytes(w, status.remote_cert.data, status.remote_cert.size);
	record_end(record_current);
}

void seam_record_dtls(enum record_kind kind, const struct dtls_transport *t)
{
	record_one(kind, RECORD_OBJECT_DTLS, t);
	record_status(t);
}

wlk_err seam_record_dtls_err(enum record_kind kind, const struct dtls_transport *t, wlk_err err)
{
	record_err(kind, RECORD_OBJECT_DTLS, t, err);
	if (t)
		record_status(t);
	return err;
}

void seam_record_dtls_out(const struct dtls_transport *t, const struct pktbuf *buf)
{
	size_t kept = MIN(buf->size, (size_t)RECORD_KEPT_OF_DTLS);
	struct bytes_writer *w = begin(RECORD_DTLS_OUT, RECORD_OBJECT_DTLS, t, 2 + kept);

	if (!w)
		return;
	bytes_put_u16(w, (uint16_t)buf->size);
	bytes_put(w, buf->data, kept);
	record_end(record_current);
	record_status(t);
}

void seam_record_dtls_event(const struct dtls_transport *t, const struct dtls_event *ev)
{
	struct bytes_writer *w = begin(RECORD_DTLS_EVENT, RECORD_OBJECT_DTLS, t, 4);

	if (!w)
		return;
	bytes_put_u8(w, (uint8_t)ev->state);
	bytes_put_u8(w, (uint8_t)ev->reason);
	bytes_put_u8(w, ev->alert);
	bytes_put_u8(w, ev->restartable);
	record_end(record_current);
	record_status(t);
}

void seam_record_dtls_data(const struct dtls_transport *t, wlk_bytes data)
{
	struct bytes_writer *w = begin(RECORD_DTLS_DATA, RECORD_OBJECT_DTLS, t, data.size);

	if (!w)
		return;
	bytes_put(w, data.data, data.size);
	record_end(record_current);
	record_status(t);
}

void seam_record_dtls_export(const struct dtls_transport *t, wlk_err err, const struct dtls_srtp_export *out)
{
	struct bytes_writer *w = begin(RECORD_DTLS_EXPORT, RECORD_OBJECT_DTLS, t, 8);

	if (!w)
		return;
	bytes_put_u32(w, (uint32_t)err);
	bytes_put_u16(w, err ? 0 : (uint16_t)out->profile);
	bytes_put_u8(w, err ? 0 : out->is_client);
	bytes_put_u8(w, err ? 0 : (uint8_t)out->size);
	record_end(record_current);
}

/* ---- srtp/ ---- */

void seam_record_srtp_new(const struct srtp_session *s, wlk_err err, enum srtp_keys_profile profile)
{
	struct bytes_writer *w = begin(RECORD_SRTP_NEW, RECORD_OBJECT_SRTP, s, 6);

	if (!w)
		return;
	bytes_put_u32(w, (uint32_t)err);
	bytes_put_u16(w, (uint16_t)profile);
	record_end(record_current);
}

uint32_t seam_digest(const struct pktbuf *buf)
{
	return crypto_crc32(buf->data, buf->size);
}

void seam_record_protect(enum record_kind kind, const struct srtp_session *s, wlk_err err, const struct pktbuf *buf, uint32_t digest)
{
	struct bytes_writer *w = begin(kind, RECORD_OBJECT_SRTP, s, 10);

	if (!w)
		return;
	bytes_put_u32(w, (uint32_t)err);
	bytes_put_u16(w, (uint16_t)buf->size);
	bytes_put_u32(w, digest);
	record_end(record_current);
}

void seam_record_unprotect(enum record_kind kind, const struct srtp_session *s, wlk_err err, const struct pktbuf *buf)
{
	size_t size = err ? 0 : buf->size;
	struct bytes_writer *w = begin(kind, RECORD_OBJECT_SRTP, s, 4 + size);

	if (!w)
		return;
	bytes_put_u32(w, (uint32_t)err);
	bytes_put(w, buf->data, size);
	record_end(record_current);
}

void seam_record_srtp_allow(const struct srtp_session *s, wlk_err err)
{
	record_err(RECORD_SRTP_ALLOW, RECORD_OBJECT_SRTP, s, err);
}

/* ---- sctp/ ---- */

void seam_record_sctp(enum record_kind kind, const struct sctp_assoc *assoc)
{
	record_one(kind, RECORD_OBJECT_SCTP, assoc);
}

wlk_err seam_record_sctp_err(enum record_kind kind, const struct sctp_assoc *assoc, wlk_err err)
{
	record_err(kind, RECORD_OBJECT_SCTP, assoc, err);
	return err;
}

void seam_record_sctp_out(const struct sctp_assoc *assoc, const struct pktbuf *buf)
{
	struct bytes_writer *w = begin(RECORD_SCTP_OUT, RECORD_OBJECT_SCTP, assoc, 2);

	if (!w)
		return;
	bytes_put_u16(w, (uint16_t)buf->size);
	record_end(record_current);
}

/* What a stand-in for a channel that the far end opened has to know. */
static void record_far_channel(const struct sctp_assoc *assoc, const struct sctp_channel *channel)
{
	uint32_t number = record_object(record_current, RECORD_OBJECT_CHANNEL, channel);
	size_t label_size, protocol_size;
	const char *label = sctp_channel_label(channel, &label_size);
	const char *protocol = sctp_channel_protocol(channel, &protocol_size);
	struct bytes_writer *w =
		begin(RECORD_SCTP_CHANNEL, RECORD_OBJECT_SCTP, assoc, 32 + label_size + protocol_size);

	if (!w)
		return;
	bytes_put_u32(w, number);
	bytes_put_u32(w, (uint32_t)sctp_channel_id(channel));
	bytes_put_u8(w, sctp_channel_ordered(channel));
	bytes_put_u32(w, (uint32_t)sctp_channel_max_retransmits(channel));
	bytes_put_u32(w, (uint32_t)sctp_channel_max_lifetime_ms(channel));
	bytes_put_u16(w, sctp_channel_priority(channel));
	record_put_bytes(w, label, label_size);
	record_put_bytes(w, protocol, protocol_size);
	record_end(record_current);
}

void seam_record_sctp_event(const struct sctp_assoc *assoc, const struct sctp_assoc_event *ev)
{
	struct bytes_writer *w;
	uint32_t number = UINT32_MAX;

	if (ev->type == SCTP_EV_CHANNEL_NEW)
		record_far_channel(assoc, ev->channel);
	if (ev->channel)
		number = record_object(record_current, RECORD_OBJECT_CHANNEL, ev->channel);
	w = begin(RECORD_SCTP_EVENT, RECORD_OBJECT_SCTP, assoc, 19);
	if (!w)
		return;
	bytes_put_u8(w, (uint8_t)ev->type);
	bytes_put_u32(w, number);
	bytes_put_u32(w, (uint32_t)(ev->channel ? sctp_channel_id(ev->channel) : -1));
	bytes_put_u8(w, (uint8_t)ev->state);
	bytes_put_u8(w, (uint8_t)ev->cause);
	bytes_put_u16(w, ev->error_code);
	bytes_put_u32(w, (uint32_t)ev->error);
	bytes_put_u16(w, sctp_assoc_streams(assoc));
	record_end(record_current);
}

void seam_record_channel_new(const struct sctp_channel *channel, wlk_err err)
{
	uint32_t number = channel ? record_object(record_current, RECORD_OBJECT_CHANNEL, channel) : UINT32_MAX;
	struct bytes_writer *w = record_begin(record_current, RECORD_CHANNEL_NEW, 12);

	if (!w)
		return;
	bytes_put_u32(w, (uint32_t)err);
	bytes_put_u32(w, number);
	bytes_put_u32(w, (uint32_t)(channel ? sctp_channel_id(channel) : -1));
	record_end(record_current);
}

void seam_record_channel_sent(const struct sctp_channel *channel, wlk_err err)
{
	uint32_t number = record_object(record_current, RECORD_OBJECT_CHANNEL, channel);
	struct bytes_writer *w = record_begin(record_current, RECORD_CHANNEL_SENT, 16);

	if (!w)
		return;
	bytes_put_u32(w, number);
	bytes_put_u32(w, (uint32_t)err);
	bytes_put_u64(w, sctp_channel_buffered_amount(channel));
	record_end(record_current);
}

void seam_record_message(const struct sctp_channel *channel, const struct sctp_message *message)
{
	uint32_t number = record_object(record_current, RECORD_OBJECT_CHANNEL, channel);
	struct bytes_writer *w = record_begin(record_current, RECORD_CHANNEL_MESSAGE, 6 + message->size);

	if (!w)
		return;
	bytes_put_u32(w, number);
	bytes_put_u8(w, (uint8_t)message->type);
	bytes_put_u8(w, message->end);
	bytes_put(w, message->data, message->size);
	record_end(record_current);
}

void seam_record_channel_close(const struct sctp_channel *channel)
{
	record_number(record_current, RECORD_CHANNEL_CLOSED, record_object(record_current, RECORD_OBJECT_CHANNEL, channel), 4);
}
