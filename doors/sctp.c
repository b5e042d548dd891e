/* SCTP associations as objects of their own: the association of sctp/, and the packet of it that the caller sends. */
#include <wirelark/sctp.h>

#include "core/alloc.h"
#include "doors/lend.h"
#include "peer/channel_config.h"
#include "sctp/assoc.h"

struct wlk_sctp_association {
	struct sctp_assoc *inside;
	size_t memory_used; /* counted against the limit of the configuration */
	struct pktbuf *lent;
};

/* ---- life ---- */

static struct sctp_assoc_config config_of(wlk_sctp_association *a, const wlk_sctp_config *from)
{
	struct sctp_assoc_config config;

	sctp_assoc_config_init(&config);
	if (from->port)
		config.local_port = from->port;
	if (from->streams)
		config.streams = from->streams;
	if (from->max_message_size)
		config.max_message_size = from->max_message_size;
	config.budget = (struct sctp_budget){ .used = &a->memory_used, .limit = from->memory_limit };
	config.wake = from->wake;
	config.wake_user = from->wake_user;
	config.log_parent = from->log_name;
	return config;
}

wlk_err wlk_sctp_association_create(const wlk_sctp_config *config, wlk_sctp_association **out)
{
	static const wlk_sctp_config defaults = WLK_SCTP_CONFIG_INIT;
	struct sctp_assoc_config own;
	wlk_sctp_association *a;
	wlk_err err;

	if (!config)
		config = &defaults;
	if (!out || config->struct_size != sizeof(*config))
		return WLK_ERR_INVALID;
	a = wlk_calloc(1, sizeof(*a));
	if (!a)
		return WLK_ERR_NOMEM;
	own = config_of(a, config);
	err = sctp_assoc_create(&a->inside, &own);
	if (err) {
		wlk_free(a);
		return err;
	}
	*out = a;
	return WLK_OK;
}

void wlk_sctp_association_destroy(wlk_sctp_association *a)
{
	if (!a)
		return;
	sctp_assoc_destroy(a->inside);
	pktbuf_release(a->lent);
	wlk_free(a);
}

wlk_err wlk_sctp_association_start(wlk_sctp_association *a, wlk_time now, const wlk_sctp_parameters *parameters)
{
	struct sctp_assoc_start start;

	if (!parameters || parameters->struct_size != sizeof(*parameters))
		return WLK_ERR_INVALID;
	start = (struct sctp_assoc_start){
		.dtls_client = parameters->dtls_client,
		.remote_port = parameters->remote_port ? parameters->remote_port : SCTP_ASSOC_PORT,
		.mtu = parameters->mtu ? parameters->mtu : SCTP_ASSOC_MTU,
		.remote_max_message_size = parameters->remote_max_message_size,
	};
	return sctp_assoc_start(a->inside, now, &start);
}

void wlk_sctp_association_close(wlk_sctp_association *a, wlk_time now, bool graceful)
{
	sctp_assoc_close(a->inside, now, graceful);
}

/* ---- the verbs ---- */

void wlk_sctp_association_input(wlk_sctp_association *a, wlk_time now, const uint8_t *packet, size_t size)
{
	sctp_assoc_input(a->inside, now, packet, size);
}

bool wlk_sctp_association_poll_transmit(wlk_sctp_association *a, wlk_time now, wlk_bytes *out)
{
	struct pktbuf *buf = NULL;
	bool any = sctp_assoc_poll_transmit(a->inside, now, &buf);

	*out = lend_packet(&a->lent, buf);
	return any;
}

static wlk_sctp_state state_of(enum sctp_assoc_state state)
{
	switch (state) {
	case SCTP_ASSOC_CONNECTED:
		return WLK_SCTP_STATE_CONNECTED;
	case SCTP_ASSOC_CLOSED:
		return WLK_SCTP_STATE_CLOSED;
	default:
		return WLK_SCTP_STATE_CONNECTING;
	}
}

bool wlk_sctp_association_poll_event(wlk_sctp_association *a, wlk_time now, wlk_sctp_event *out)
{
	static const wlk_sctp_event_type types[] = {
		[SCTP_EV_STATE] = WLK_SCTP_EVENT_STATE,
		[SCTP_EV_CHANNEL_NEW] = WLK_SCTP_EVENT_CHANNEL,
		[SCTP_EV_CHANNEL_OPEN] = WLK_SCTP_EVENT_CHANNEL_OPEN,
		[SCTP_EV_MESSAGE] = WLK_SCTP_EVENT_MESSAGE,
		[SCTP_EV_WRITABLE] = WLK_SCTP_EVENT_WRITABLE,
		[SCTP_EV_BUFFERED_LOW] = WLK_SCTP_EVENT_BUFFERED_LOW,
		[SCTP_EV_CHANNEL_CLOSING] = WLK_SCTP_EVENT_CHANNEL_CLOSING,
		[SCTP_EV_CHANNEL_ERROR] = WLK_SCTP_EVENT_CHANNEL_ERROR,
		[SCTP_EV_CHANNEL_CLOSED] = WLK_SCTP_EVENT_CHANNEL_CLOSED,
	};
	struct sctp_assoc_event ev;

	if (!sctp_assoc_poll_event(a->inside, &ev)) {
		/* What the caller said in answer to them rides with COOKIE ECHO. */
		sctp_assoc_events_seen(a->inside, now);
		return false;
	}
	*out = (wlk_sctp_event){
		.type = types[ev.type],
		.channel = (wlk_sctp_channel *)ev.channel,
		.state = state_of(ev.type == SCTP_EV_STATE ? ev.state : sctp_assoc_state(a->inside)),
		.cause = (wlk_sctp_cause)ev.cause,
		.error_code = ev.error_code,
		.error = ev.error,
	};
	return true;
}

wlk_time wlk_sctp_association_deadline(const wlk_sctp_association *a)
{
	return sctp_assoc_deadline(a->inside);
}

void wlk_sctp_association_handle_timeout(wlk_sctp_association *a, wlk_time now)
{
	sctp_assoc_handle_timeout(a->inside, now);
}

wlk_sctp_state wlk_sctp_association_state(const wlk_sctp_association *a)
{
	return state_of(sctp_assoc_state(a->inside));
}

uint16_t wlk_sctp_association_streams(const wlk_sctp_association *a)
{
	return sctp_assoc_streams(a->inside);
}

wlk_err wlk_sctp_association_get_stats(const wlk_sctp_association *a, wlk_sctp_stats *out)
{
	struct sctp_assoc_stats of;
	wlk_sctp_stats full;

	sctp_assoc_stats(a->inside, &of);
	full = (wlk_sctp_stats){
		.packets_sent = of.packets_sent,
		.bytes_sent = of.bytes_sent,
		.packets_received = of.packets_received,
		.bytes_received = of.bytes_received,
		.packets_refused = of.packets_filtered + of.checksum_errors + of.packets_dropped_memory,
		.chunks_repeated = of.chunks_repeated,
		.channels_opened = of.channels_opened,
		.channels_closed = of.channels_closed,
		.has_path = of.has_path,
		.congestion_window = of.cwnd,
		.receiver_window = of.peer_rwnd,
		.round_trip_time = of.srtt_us,
		.mtu = of.mtu,
	};
	return lend_struct(out, &full, sizeof(full), offsetof(wlk_sctp_stats, mtu) + sizeof(full.mtu));
}

/* ---- channels: a wlk_sctp_channel is a channel of sctp/ under its public name ---- */

static struct sctp_channel *unwrap(const wlk_sctp_channel *channel)
{
	return (struct sctp_channel *)(uintptr_t)channel;
}

wlk_err wlk_sctp_channel_create(wlk_sctp_association *a, wlk_time now, const char *label, const wlk_data_channel_init *init,
				wlk_sctp_channel **out)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;
	wlk_err err;

	if (!label || !out || channel_config_fill(&config, label, init))
		return WLK_ERR_INVALID;
	err = sctp_channel_create(a->inside, now, &config, &channel);
	if (err)
		return err == WLK_ERR_INVALID ? WLK_ERR_NOSPACE : err; /* everything else was looked at: the id is in use */
	*out = (wlk_sctp_channel *)channel;
	return WLK_OK;
}

void wlk_sctp_channel_destroy(wlk_sctp_channel *channel)
{
	sctp_channel_destroy(unwrap(channel));
}

wlk_err wlk_sctp_channel_send(wlk_sctp_channel *channel, wlk_time now, wlk_message_type type, const void *data, size_t size, bool end)
{
	enum sctp_message_type own = type == WLK_MESSAGE_TEXT ? SCTP_MESSAGE_STRING : SCTP_MESSAGE_BINARY;

	if ((type != WLK_MESSAGE_TEXT && type != WLK_MESSAGE_BINARY) || (!data && size))
		return WLK_ERR_INVALID;
	return sctp_channel_send_part(unwrap(channel), now, own, data, size, end);
}

bool wlk_sctp_channel_receive(wlk_sctp_channel *channel, wlk_sctp_message *out)
{
	struct sctp_message message;

	if (!sctp_channel_receive(unwrap(channel), &message))
		return false;
	*out = (wlk_sctp_message){
		.type = message.type == SCTP_MESSAGE_STRING ? WLK_MESSAGE_TEXT : WLK_MESSAGE_BINARY,
		.data = message.data,
		.size = message.size,
		.end = message.end,
	};
	return true;
}

void wlk_sctp_channel_set_streamed(wlk_sctp_channel *channel, bool streamed)
{
	sctp_channel_set_streamed(unwrap(channel), streamed);
}

void wlk_sctp_channel_close(wlk_sctp_channel *channel, wlk_time now)
{
	sctp_channel_close(unwrap(channel), now);
}

wlk_data_channel_state wlk_sctp_channel_state(const wlk_sctp_channel *channel)
{
	return (wlk_data_channel_state)sctp_channel_state(unwrap(channel));
}

int32_t wlk_sctp_channel_id(const wlk_sctp_channel *channel)
{
	return sctp_channel_id(unwrap(channel));
}

const char *wlk_sctp_channel_label(const wlk_sctp_channel *channel, size_t *size)
{
	return sctp_channel_label(unwrap(channel), size);
}

const char *wlk_sctp_channel_protocol(const wlk_sctp_channel *channel, size_t *size)
{
	return sctp_channel_protocol(unwrap(channel), size);
}

size_t wlk_sctp_channel_buffered_amount(const wlk_sctp_channel *channel)
{
	return sctp_channel_buffered_amount(unwrap(channel));
}

void wlk_sctp_channel_set_buffered_low(wlk_sctp_channel *channel, size_t bytes)
{
	sctp_channel_set_buffered_low(unwrap(channel), bytes);
}

void wlk_sctp_channel_set_user(wlk_sctp_channel *channel, void *user)
{
	sctp_channel_set_user(unwrap(channel), user);
}

void *wlk_sctp_channel_user(const wlk_sctp_channel *channel)
{
	return sctp_channel_user(unwrap(channel));
}
