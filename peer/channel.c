/* Data channels as the application holds them: thin handles over sctp/channel. */
#include <string.h>

#include "peer/channel_config.h"
#include "peer/object.h"

static wlk_data_channel *channel_new(wlk_peer_connection *pc)
{
	wlk_data_channel *channel = wlk_calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->pc = pc;
	channel->number = ++pc->channels_made;
	list_push_back(&pc->channels, &channel->link);
	return channel;
}

void peer_channel_free(wlk_data_channel *channel)
{
	list_remove(&channel->link);
	peer_events_forget(channel->pc, channel);
	sctp_channel_destroy(channel->sctp);
	wlk_free(channel);
}

wlk_data_channel *peer_channel_adopt(wlk_peer_connection *pc, struct sctp_channel *sctp)
{
	wlk_data_channel *channel = channel_new(pc);

	if (!channel) {
		sctp_channel_destroy(sctp); /* closes it in the background: the far end sees a reset */
		return NULL;
	}
	channel->sctp = sctp;
	sctp_channel_set_user(sctp, channel);
	return channel;
}

wlk_err wlk_peer_connection_create_data_channel(wlk_peer_connection *pc, const char *label, const wlk_data_channel_init *init,
						wlk_data_channel **out)
{
	struct sctp_channel_config config;
	wlk_data_channel *channel;
	const char *why;
	wlk_err err;

	RECORD(pc, record_create_channel(recorded, pc, label, init, out != NULL));
	if (!label || !out)
		return peer_fail(pc, WLK_ERR_INVALID, "a channel needs a label and a place for its handle");
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	if ((why = channel_config_fill(&config, label, init)))
		return peer_fail(pc, WLK_ERR_INVALID, "%s", why);
	peer_refresh_now(pc);
	channel = channel_new(pc);
	err = channel ? peer_need_sctp(pc) : WLK_ERR_NOMEM;
	if (!err)
		err = sctp_channel_create(pc->sctp, pc->now, &config, &channel->sctp);
	if (err == WLK_ERR_INVALID)
		err = WLK_ERR_NOSPACE; /* everything else is checked: the id is in use */
	if (err) {
		if (channel)
			peer_channel_free(channel);
		return peer_fail(pc, err, "the channel cannot be made: %s", wlk_strerror(err));
	}
	sctp_channel_set_user(channel->sctp, channel);
	*out = channel;
	peer_update_negotiation_needed(pc);
	peer_touch(pc);
	return WLK_OK;
}

wlk_err wlk_data_channel_send(wlk_data_channel *channel, wlk_message_type type, const void *data, size_t size)
{
	wlk_peer_connection *pc = channel->pc;
	wlk_err err;

	RECORD(pc, record_channel_send(recorded, channel, type, data, size));
	if ((type != WLK_MESSAGE_TEXT && type != WLK_MESSAGE_BINARY) || (!data && size))
		return peer_fail(pc, WLK_ERR_INVALID, "a message is text or binary and has bytes");
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	peer_refresh_now(pc);
	err = sctp_channel_send(channel->sctp, pc->now, type == WLK_MESSAGE_TEXT ? SCTP_MESSAGE_STRING : SCTP_MESSAGE_BINARY, data,
				size);
	if (err == WLK_ERR_AGAIN)
		return err; /* expected: no story, and no cost for one */
	if (err)
		return peer_fail(pc, err, "a message of %zu bytes cannot be sent: %s", size, wlk_strerror(err));
	peer_touch(pc);
	return WLK_OK;
}

void wlk_data_channel_close(wlk_data_channel *channel)
{
	RECORD(channel->pc, record_channel_call(recorded, RECORD_CHANNEL_CLOSE, channel, 0, 0));
	if (channel->pc->closed)
		return;
	peer_refresh_now(channel->pc);
	sctp_channel_close(channel->sctp, channel->pc->now);
	peer_touch(channel->pc);
}

void wlk_data_channel_set_paused(wlk_data_channel *channel, bool paused)
{
	wlk_event ev = { .type = WLK_EVENT_DATA_CHANNEL_MESSAGE };

	RECORD(channel->pc, record_channel_call(recorded, RECORD_CHANNEL_PAUSE, channel, paused, 1));
	channel->paused = paused;
	if (paused || !channel->has_messages)
		return;
	channel->has_messages = false;
	ev.u.message.channel = channel;
	peer_emit(channel->pc, ev);
	peer_touch(channel->pc);
}

void wlk_data_channel_release(wlk_data_channel *channel)
{
	RECORD(channel->pc, record_channel_call(recorded, RECORD_CHANNEL_RELEASE, channel, 0, 0));
	channel->released = true;
	if (channel->close_delivered)
		peer_channel_free(channel);
}

size_t wlk_data_channel_buffered_amount(const wlk_data_channel *channel)
{
	return sctp_channel_buffered_amount(channel->sctp);
}

void wlk_data_channel_set_buffered_amount_low_threshold(wlk_data_channel *channel, size_t bytes)
{
	RECORD(channel->pc, record_channel_call(recorded, RECORD_CHANNEL_LOW, channel, bytes, 8));
	sctp_channel_set_buffered_low(channel->sctp, bytes);
}

size_t wlk_data_channel_buffered_amount_low_threshold(const wlk_data_channel *channel)
{
	return sctp_channel_buffered_low(channel->sctp);
}

void wlk_data_channel_set_high_water_mark(wlk_data_channel *channel, size_t bytes)
{
	RECORD(channel->pc, record_channel_call(recorded, RECORD_CHANNEL_HIGH, channel, bytes, 8));
	sctp_channel_set_high_water(channel->sctp, bytes);
}

wlk_data_channel_state wlk_data_channel_ready_state(const wlk_data_channel *channel)
{
	return channel->pc->closed ? WLK_DATA_CHANNEL_CLOSED : (wlk_data_channel_state)sctp_channel_state(channel->sctp);
}

const char *wlk_data_channel_label(const wlk_data_channel *channel)
{
	return sctp_channel_label(channel->sctp, NULL);
}

const char *wlk_data_channel_protocol(const wlk_data_channel *channel)
{
	return sctp_channel_protocol(channel->sctp, NULL);
}

bool wlk_data_channel_ordered(const wlk_data_channel *channel)
{
	return sctp_channel_ordered(channel->sctp);
}

bool wlk_data_channel_negotiated(const wlk_data_channel *channel)
{
	return sctp_channel_negotiated(channel->sctp);
}

int32_t wlk_data_channel_max_retransmits(const wlk_data_channel *channel)
{
	return sctp_channel_max_retransmits(channel->sctp);
}

int32_t wlk_data_channel_max_packet_lifetime_ms(const wlk_data_channel *channel)
{
	return sctp_channel_max_lifetime_ms(channel->sctp);
}

int32_t wlk_data_channel_id(const wlk_data_channel *channel)
{
	return sctp_channel_id(channel->sctp);
}

void wlk_data_channel_set_user(wlk_data_channel *channel, void *user)
{
	channel->user = user;
}

void *wlk_data_channel_user(const wlk_data_channel *channel)
{
	return channel->user;
}

wlk_peer_connection *wlk_data_channel_peer_connection(const wlk_data_channel *channel)
{
	return channel->pc;
}
