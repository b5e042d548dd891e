#include "attack.h"

const wlk_addr address_a = { .family = 4, .port = 40000, .ip = { 10, 0, 0, 1 } };
const wlk_addr address_b = { .family = 4, .port = 40000, .ip = { 10, 0, 0, 2 } };
const wlk_addr stranger = { .family = 4, .port = 40001, .ip = { 10, 0, 0, 2 } }; /* b's host, another port */

struct attack *attack_of(struct sim *sim)
{
	return sim->user;
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct attack *attack = attack_of(sim);

	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL:
		attack->open_b = sim->now;
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		if (peer == &sim->a)
			attack->open_a = sim->now;
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		if (peer == &sim->a)
			attack->echoes++;
		else
			(void)wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data, ev->u.message.size);
		break;
	case WLK_EVENT_TRACK:
		if (peer == &sim->b)
			attack->track_b = ev->u.track.transceiver;
		break;
	case WLK_EVENT_RTP_PACKET:
		attack->packets_b += peer == &sim->b;
		if (peer == &sim->b)
			(void)wlk_rtp_sender_forward(wlk_transceiver_sender(ev->u.rtp.transceiver), ev->u.rtp.packet);
		break;
	case WLK_EVENT_KEY_FRAME_REQUEST:
		attack->key_frame_requests_a += peer == &sim->a;
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		attack->closed += ev->u.connection.state == WLK_CONNECTION_FAILED || ev->u.connection.state == WLK_CONNECTION_CLOSED;
		break;
	default:
		break;
	}
}

bool call_is_open(struct sim *sim)
{
	return attack_of(sim)->open_a && attack_of(sim)->open_b;
}

void call_start(struct sim *sim, const struct sim_config *config, struct attack *attack, sim_filter_fn filter)
{
	*attack = (struct attack){ 0 };
	sim_init(sim, config, on_event, attack);
	sim->filter = filter;
	assert_int_equal(wlk_peer_connection_create_data_channel(sim->a.pc, "target", NULL, &attack->channel), WLK_OK);
}

void call_end(struct sim *sim)
{
	free(attack_of(sim)->captures);
	sim_free(sim);
}

void inject(struct sim *sim, struct sim_peer *to, const wlk_addr *from, const void *data, size_t size)
{
	if (to->pc)
		wlk_drive_input(to->pc, sim->now, to == &sim->a ? &address_a : &address_b, from, data, size);
}

const wlk_addr *address_of(struct sim *sim, const struct sim_peer *peer)
{
	return peer == &sim->a ? &address_a : &address_b;
}

void expect_call_is_well(struct sim *sim)
{
	struct attack *attack = attack_of(sim);
	int before = attack->echoes;

	assert_int_equal(wlk_data_channel_send(attack->channel, WLK_MESSAGE_TEXT, "well?", 5), WLK_OK);
	sim_run_for(sim, 5 * SIM_SECOND);
	assert_int_equal(attack->echoes, before + 1);
	assert_int_equal(attack->closed, 0);
	assert_true(sim_both_connected(sim));
}

/* Video both ways on top of the channel. */
static void add_video(struct sim *sim)
{
	struct attack *attack = attack_of(sim);

	assert_int_equal(wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_VIDEO, NULL, &attack->track_a), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim->a.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim->b.pc, wlk_peer_connection_local_description(sim->a.pc)), WLK_OK);
	sim_run_for(sim, 1);
	assert_non_null(attack->track_b);
	assert_int_equal(wlk_transceiver_set_direction(attack->track_b, WLK_DIRECTION_SENDRECV), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_local_description(sim->b.pc, NULL), WLK_OK);
	assert_int_equal(wlk_peer_connection_set_remote_description(sim->a.pc, wlk_peer_connection_local_description(sim->b.pc)), WLK_OK);
}

void call_connect(struct sim *sim, const struct sim_config *config, struct attack *attack, sim_filter_fn filter)
{
	call_start(sim, config, attack, filter);
	add_video(sim);
	assert_true(sim_run_until(sim, 60 * SIM_SECOND, call_is_open));
}

/* The payload type of VP8 in our own offers. */
static uint8_t vp8_type(struct sim *sim)
{
	const char *at = wlk_peer_connection_local_description(sim->a.pc)->sdp;
	const char *found = strstr(at, " VP8/90000");

	assert_non_null(found);
	while (found[-1] != ':')
		found--;
	return (uint8_t)atoi(found);
}

void send_packets(struct sim *sim, int count, wlk_time interval)
{
	static uint32_t timestamp;
	uint8_t payload[100], pt = vp8_type(sim);

	memset(payload, 0x5a, sizeof(payload));
	for (int i = 0; i < count; i++) {
		wlk_rtp_packet packet = { .payload_type = pt, .marker = true, .timestamp = timestamp += 3000, .payload = payload,
					  .payload_size = sizeof(payload) };

		assert_int_equal(wlk_rtp_sender_send_packet(wlk_transceiver_sender(attack_of(sim)->track_a), &packet), WLK_OK);
		sim_run_for(sim, interval);
	}
}

bool is_media(const uint8_t *data, size_t size)
{
	return size >= 12 && data[0] >= 128 && data[0] <= 191;
}

bool is_rtcp(const uint8_t *data)
{
	return data[1] >= 192 && data[1] <= 223;
}

bool is_dtls(const uint8_t *data, size_t size)
{
	return size >= 13 && data[0] >= 20 && data[0] <= 63;
}

void capture_datagram(struct sim *sim, struct sim_peer *from, const wlk_datagram *d)
{
	struct attack *attack = attack_of(sim);

	if (attack->capture_count == attack->capture_capacity) {
		attack->capture_capacity = attack->capture_capacity ? 2 * attack->capture_capacity : 256;
		attack->captures = realloc(attack->captures, attack->capture_capacity * sizeof(*attack->captures));
		assert_non_null(attack->captures);
	}
	assert_in_range(d->size, 1, sizeof(attack->captures->data));
	attack->captures[attack->capture_count].from = from;
	attack->captures[attack->capture_count].size = d->size;
	memcpy(attack->captures[attack->capture_count++].data, d->data, d->size);
}

bool note_stranger(struct sim *sim, const wlk_datagram *d)
{
	if (!addr_equal(&d->remote, &stranger))
		return false;
	attack_of(sim)->to_stranger++;
	attack_of(sim)->bytes_to_stranger += d->size;
	return true;
}
