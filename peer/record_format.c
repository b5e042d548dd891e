#include "peer/record_format.h"

#include "core/alloc.h"
#include "core/err.h"

const uint8_t record_magic[RECORD_MAGIC_SIZE] = { 'W', 'L', 'K', 'R', 'E', 'C', '\r', '\n' };

static const char *const kind_names[256] = {
	[RECORD_TIME] = "time",
	[RECORD_PEER_NEW] = "peer-new",
	[RECORD_PEER_FREE] = "peer-free",
	[RECORD_INPUT] = "input",
	[RECORD_TIMEOUT] = "timeout",
	[RECORD_POLL_TRANSMIT] = "poll-transmit",
	[RECORD_POLL_EVENT] = "poll-event",
	[RECORD_POLL_REQUEST] = "poll-request",
	[RECORD_ON_REQUEST] = "on-request",
	[RECORD_ON_REQUEST_FAILED] = "on-request-failed",
	[RECORD_STREAM_ACCEPTED] = "stream-accepted",
	[RECORD_STREAM_INPUT] = "stream-input",
	[RECORD_STREAM_CLOSED] = "stream-closed",
	[RECORD_HOLD] = "hold",
	[RECORD_SET_INTERFACES] = "set-interfaces",
	[RECORD_CLOSE] = "close",
	[RECORD_CREATE_OFFER] = "create-offer",
	[RECORD_CREATE_ANSWER] = "create-answer",
	[RECORD_SET_LOCAL] = "set-local-description",
	[RECORD_SET_REMOTE] = "set-remote-description",
	[RECORD_ADD_CANDIDATE] = "add-ice-candidate",
	[RECORD_RESTART_ICE] = "restart-ice",
	[RECORD_SET_BITRATE] = "set-bitrate",
	[RECORD_SET_CONFIGURATION] = "set-configuration",
	[RECORD_CREATE_CHANNEL] = "create-data-channel",
	[RECORD_CHANNEL_SEND] = "channel-send",
	[RECORD_CHANNEL_CLOSE] = "channel-close",
	[RECORD_CHANNEL_PAUSE] = "channel-set-paused",
	[RECORD_CHANNEL_RELEASE] = "channel-release",
	[RECORD_CHANNEL_LOW] = "channel-set-low-threshold",
	[RECORD_CHANNEL_HIGH] = "channel-set-high-water",
	[RECORD_ADD_TRANSCEIVER] = "add-transceiver",
	[RECORD_SET_DIRECTION] = "transceiver-set-direction",
	[RECORD_SEND_PACKET] = "sender-send-packet",
	[RECORD_FORWARD] = "sender-forward",
	[RECORD_REQUEST_KEY_FRAME] = "receiver-request-key-frame",
	[RECORD_ADD_TRACK] = "add-track",
	[RECORD_REMOVE_TRACK] = "remove-track",
	[RECORD_REPLACE_TRACK] = "sender-replace-track",
	[RECORD_SET_STREAMS] = "sender-set-streams",
	[RECORD_STOP_TRANSCEIVER] = "transceiver-stop",
	[RECORD_SET_LEVEL] = "receiver-set-level",
	[RECORD_SEND_FRAME] = "sender-send-frame",
	[RECORD_REFRESH] = "get-stats",
	[RECORD_SOURCE_SIZE] = "sender-source-size",
	[RECORD_DRAW] = "draw",
	[RECORD_SECRET] = "secret",
	[RECORD_VERDICT] = "verdict",
	[RECORD_DTLS_NEW] = "dtls-new",
	[RECORD_DTLS_START] = "dtls-start",
	[RECORD_DTLS_RESTART] = "dtls-restart",
	[RECORD_DTLS_FINGERPRINTS] = "dtls-fingerprints",
	[RECORD_DTLS_INPUT] = "dtls-input",
	[RECORD_DTLS_TIMEOUT] = "dtls-timeout",
	[RECORD_DTLS_CLOSE] = "dtls-close",
	[RECORD_DTLS_SEND] = "dtls-send",
	[RECORD_DTLS_OUT] = "dtls-out",
	[RECORD_DTLS_EVENT] = "dtls-event",
	[RECORD_DTLS_DATA] = "dtls-data",
	[RECORD_DTLS_EXPORT] = "dtls-export",
	[RECORD_DTLS_STATUS] = "dtls-status",
	[RECORD_SRTP_NEW] = "srtp-new",
	[RECORD_SRTP_PROTECT] = "srtp-protect",
	[RECORD_SRTP_PROTECT_RTCP] = "srtp-protect-rtcp",
	[RECORD_SRTP_UNPROTECT] = "srtp-unprotect",
	[RECORD_SRTP_UNPROTECT_RTCP] = "srtp-unprotect-rtcp",
	[RECORD_SRTP_ALLOW] = "srtp-allow",
	[RECORD_SCTP_NEW] = "sctp-new",
	[RECORD_SCTP_START] = "sctp-start",
	[RECORD_SCTP_INPUT] = "sctp-input",
	[RECORD_SCTP_TIMEOUT] = "sctp-timeout",
	[RECORD_SCTP_CLOSE] = "sctp-close",
	[RECORD_SCTP_OUT] = "sctp-out",
	[RECORD_SCTP_EVENT] = "sctp-event",
	[RECORD_SCTP_CHANNEL] = "sctp-channel",
	[RECORD_CHANNEL_NEW] = "channel-new",
	[RECORD_CHANNEL_SENT] = "channel-sent",
	[RECORD_CHANNEL_MESSAGE] = "channel-message",
	[RECORD_CHANNEL_CLOSED] = "channel-closed",
	[RECORD_SCTP_EVENTS_SEEN] = "sctp-events-seen",
	[RECORD_OUT] = "out",
	[RECORD_EVENT] = "event",
	[RECORD_REQUEST] = "request",
	[RECORD_FAILED] = "failed",
};

const char *record_kind_name(uint8_t kind)
{
	return kind_names[kind] ? kind_names[kind] : "entry";
}

/* ---- fields ---- */

void record_put_addr(struct bytes_writer *w, const wlk_addr *addr)
{
	bytes_put_u8(w, addr->family);
	bytes_put_u8(w, addr->transport);
	bytes_put_u16(w, addr->port);
	bytes_put_u32(w, addr->scope_id);
	bytes_put(w, addr->ip, addr->family == 6 ? 16 : addr->family == 4 ? 4 : 0);
}

void record_get_addr(struct bytes_reader *r, wlk_addr *out)
{
	const uint8_t *ip;
	size_t size;

	*out = (wlk_addr){ .family = bytes_u8(r) };
	out->transport = bytes_u8(r);
	out->port = bytes_u16(r);
	out->scope_id = bytes_u32(r);
	size = out->family == 6 ? 16 : out->family == 4 ? 4 : 0;
	if ((!size && out->family) || out->transport > WLK_TRANSPORT_TCP)
		r->failed = true;
	ip = bytes_take(r, size);
	if (ip && size)
		memcpy(out->ip, ip, size);
}

void record_put_addresses(struct bytes_writer *w, const wlk_addr *addresses, size_t count)
{
	bytes_put_u16(w, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		record_put_addr(w, &addresses[i]);
}

size_t record_get_addresses(struct bytes_reader *r, wlk_addr *out, size_t max)
{
	size_t count = bytes_u16(r);

	if (count > max)
		r->failed = true;
	for (size_t i = 0; i < count && bytes_ok(r); i++)
		record_get_addr(r, &out[i]);
	return bytes_ok(r) ? count : 0;
}

void record_put_bytes(struct bytes_writer *w, const void *data, size_t size)
{
	bytes_put_u32(w, (uint32_t)size);
	bytes_put(w, data, size);
}

wlk_bytes record_get_bytes(struct bytes_reader *r)
{
	size_t size = bytes_u32(r);

	return bytes_slice(r, size);
}

void record_put_text(struct bytes_writer *w, const char *text)
{
	if (text)
		record_put_bytes(w, text, strlen(text));
	else
		bytes_put_u32(w, UINT32_MAX);
}

char *record_get_text(struct bytes_reader *r)
{
	size_t size = bytes_u32(r);
	const uint8_t *at;
	char *text;

	if (size == UINT32_MAX)
		return NULL;
	at = bytes_take(r, size);
	text = at && !memchr(at, 0, size) ? wlk_strndup((const char *)at, size) : NULL;
	if (!text)
		r->failed = true;
	return text;
}

void record_put_time(struct bytes_writer *w, wlk_time t)
{
	bytes_put_u64(w, (uint64_t)t);
}

wlk_time record_get_time(struct bytes_reader *r)
{
	return (wlk_time)bytes_u64(r);
}

/* ---- reading ---- */

wlk_err record_reader_init(struct record_reader *r, const void *data, size_t size, struct record_header *header)
{
	struct bytes_reader bytes = bytes_reader(data, size);
	const uint8_t *magic = bytes_take(&bytes, RECORD_MAGIC_SIZE);
	const uint8_t *release;

	*header = (struct record_header){ .version = bytes_u16(&bytes) };
	bytes_skip(&bytes, 2);
	header->unix_us = record_get_time(&bytes);
	release = bytes_take(&bytes, RECORD_RELEASE_SIZE);
	if (!bytes_ok(&bytes) || memcmp(magic, record_magic, RECORD_MAGIC_SIZE) != 0)
		return WLK_ERR_PARSE;
	memcpy(header->release, release, RECORD_RELEASE_SIZE);
	if (header->version != RECORD_VERSION)
		return WLK_ERR_UNSUPPORTED;
	*r = (struct record_reader){ .data = data, .size = size, .at = RECORD_HEADER_SIZE };
	return WLK_OK;
}

bool record_next(struct record_reader *r, struct record_entry *out)
{
	struct bytes_reader bytes = bytes_reader(r->data + r->at, r->size - r->at);

	if (!bytes.left || bytes.at[0] == RECORD_END)
		return false;
	out->offset = r->at;
	out->kind = bytes_u8(&bytes);
	out->body = bytes_slice(&bytes, bytes_u24(&bytes));
	if (!bytes_ok(&bytes)) {
		r->truncated = true;
		return false;
	}
	r->at = r->size - bytes.left;
	return true;
}

bool record_peek(const struct record_reader *r, struct record_entry *out)
{
	struct record_reader copy = *r;

	return record_next(&copy, out);
}
