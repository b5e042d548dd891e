#include "echo.h"

#include <stdlib.h>
#include <string.h>

#include "layers.h"

enum { CLOSE_DELAY_US = 200000, LABEL_MAX = 1024 };

/* What a channel holds while its echo cannot be sent yet. One per channel, listed on the connection. */
struct echo_channel {
	struct echo_channel *next;
	wlk_data_channel *channel;
	wlk_timer *close_timer;
	bool is_holding; /* one message waits; the channel is paused */
	wlk_message_type type;
	char *held;
	size_t held_size;
};

/*
 * The connection's user pointer belongs to its session, so the channels of all connections stand in one list: it is
 * walked only when a connection ends.
 */
static struct echo_channel *all_channels;

static struct echo_channel *echo_channel_of(wlk_data_channel *channel)
{
	struct echo_channel *e = wlk_data_channel_user(channel);

	if (e || !(e = calloc(1, sizeof(*e))))
		return e;
	e->channel = channel;
	e->next = all_channels;
	all_channels = e;
	wlk_data_channel_set_user(channel, e);
	return e;
}

static void echo_channel_free(struct echo_channel *e)
{
	struct echo_channel **link = &all_channels;

	while (*link != e)
		link = &(*link)->next;
	*link = e->next;
	wlk_timer_cancel(e->close_timer);
	wlk_data_channel_set_user(e->channel, NULL);
	free(e->held);
	free(e);
}

void echo_forget(wlk_peer_connection *pc)
{
	for (struct echo_channel *e = all_channels, *next; e; e = next) {
		next = e->next;
		if (wlk_data_channel_peer_connection(e->channel) == pc)
			echo_channel_free(e);
	}
	layers_forget(pc);
}

static void on_close_timer(void *user)
{
	struct echo_channel *e = user;

	e->close_timer = NULL;
	wlk_data_channel_close(e->channel);
}

/* What the protocol of a channel asks for after each echoed message. */
static void after_echo(wlk_loop *loop, struct echo_channel *e, const void *data, size_t size)
{
	const char *protocol = wlk_data_channel_protocol(e->channel);

	if (!strcmp(protocol, "x-echo-open")) {
		if (size > LABEL_MAX)
			return; /* long labels of many channels would be memory that the caller makes us keep */
		char *label = strndup(data, size);
		wlk_data_channel *opened;

		if (label)
			(void)!wlk_peer_connection_create_data_channel(wlk_data_channel_peer_connection(e->channel), label, NULL, &opened);
		free(label);
	} else if (!strcmp(protocol, "x-echo-close") && !e->close_timer) {
		(void)!wlk_loop_call_later(loop, CLOSE_DELAY_US, on_close_timer, e, &e->close_timer);
	}
}

/* Keep one message and stop reading: the window closes, and the far end waits instead of our memory growing. */
static void hold(struct echo_channel *e, wlk_message_type type, const void *data, size_t size)
{
	e->held = malloc(size ? size : 1);
	if (!e->held) {
		wlk_data_channel_close(e->channel); /* an echo that loses a message says so */
		return;
	}
	memcpy(e->held, data, size);
	e->held_size = size;
	e->type = type;
	e->is_holding = true;
	wlk_data_channel_set_paused(e->channel, true);
}

static void on_message(wlk_loop *loop, const wlk_event *event)
{
	struct echo_channel *e = echo_channel_of(event->u.message.channel);
	wlk_err err;

	if (!e) {
		wlk_data_channel_close(event->u.message.channel);
		return;
	}
	err = wlk_data_channel_send(e->channel, event->u.message.type, event->u.message.data, event->u.message.size);
	if (err == WLK_ERR_AGAIN)
		hold(e, event->u.message.type, event->u.message.data, event->u.message.size);
	else if (!err)
		after_echo(loop, e, event->u.message.data, event->u.message.size);
	else
		wlk_data_channel_close(e->channel); /* an echo that loses a message says so */
}

static void on_writable(wlk_loop *loop, wlk_data_channel *channel)
{
	struct echo_channel *e = wlk_data_channel_user(channel);

	wlk_err err;

	if (!e || !e->is_holding)
		return;
	err = wlk_data_channel_send(channel, e->type, e->held, e->held_size);
	if (err == WLK_ERR_AGAIN)
		return;
	e->is_holding = false;
	if (err)
		wlk_data_channel_close(channel);
	else
		after_echo(loop, e, e->held, e->held_size);
	free(e->held);
	e->held = NULL;
	wlk_data_channel_set_paused(channel, false);
}

static void on_close(wlk_data_channel *channel)
{
	struct echo_channel *e = wlk_data_channel_user(channel);

	if (e)
		echo_channel_free(e);
	wlk_data_channel_release(channel);
}

static void on_packet(const wlk_event *event)
{
	wlk_transceiver *t = event->u.rtp.transceiver;

	/* A packet that the pacer has no room for is a loss like any other: the receiver's NACK or PLI heals it. */
	if (wlk_transceiver_current_direction(t) == WLK_DIRECTION_SENDRECV)
		(void)!wlk_rtp_sender_forward(wlk_transceiver_sender(t), event->u.rtp.packet);
}

void echo_event(wlk_loop *loop, const wlk_event *event)
{
	switch (event->type) {
	case WLK_EVENT_RTP_PACKET:
		on_packet(event);
		break;
	case WLK_EVENT_FRAME:
		layers_on_frame(event);
		break;
	case WLK_EVENT_KEY_FRAME_REQUEST:
		(void)!wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(event->u.key_frame));
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		on_message(loop, event);
		break;
	case WLK_EVENT_DATA_CHANNEL_WRITABLE:
		on_writable(loop, event->u.channel.channel);
		break;
	case WLK_EVENT_DATA_CHANNEL_CLOSE:
		on_close(event->u.channel.channel);
		break;
	default:
		break;
	}
}

void echo_wish_directions(wlk_peer_connection *pc)
{
	size_t count = wlk_peer_connection_transceiver_count(pc);

	for (size_t i = 0; i < count; i++) {
		wlk_transceiver *t = wlk_peer_connection_transceiver(pc, i);

		if (wlk_transceiver_direction(t) != WLK_DIRECTION_STOPPED)
			(void)!wlk_transceiver_set_direction(t, WLK_DIRECTION_SENDRECV);
	}
	layers_accept(pc);
}

wlk_err echo_negotiated_channels(wlk_peer_connection *pc, const json_t *channels)
{
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	wlk_data_channel *channel;
	size_t i;
	json_t *item;

	json_array_foreach(channels, i, item)
	{
		const json_t *id = json_object_get(item, "id");
		const char *label = json_string_value(json_object_get(item, "label"));
		wlk_err err;

		if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > 65534)
			return WLK_ERR_INVALID;
		init.negotiated = true;
		init.has_id = true;
		init.id = (uint16_t)json_integer_value(id);
		init.unordered = json_is_false(json_object_get(item, "ordered"));
		err = wlk_peer_connection_create_data_channel(pc, label ? label : "", &init, &channel);
		if (err)
			return err;
	}
	return WLK_OK;
}
