/*
 * Whole peer: arbitrary datagrams and time into an established connection, from its own path and from strangers, and
 * damaged copies of what the far end really sends. Oracle: the call survives and its data stays intact.
 *
 * Input: records of [kind][size][bytes...]; kinds below. One pair of peers serves many inputs and is made anew now and then.
 */
#include <stdlib.h>
#include <string.h>
#include <wirelark/wirelark.h>

enum { REUSE = 500, ROUNDS = 10000 };

static wlk_time now = 1000000;
static wlk_peer_connection *peers[2];
static wlk_data_channel *channel, *far_channel;
static int used, echoed;
static bool open_at_both[2];
static const wlk_addr paths[3] = {
	{ .family = 4, .port = 40000, .ip = { 10, 0, 0, 1 } },
	{ .family = 4, .port = 40000, .ip = { 10, 0, 0, 2 } },
	{ .family = 4, .port = 12345, .ip = { 10, 0, 0, 3 } },
};
/* Damage to the next datagrams of the far end. */
static uint8_t damage_offset, damage_bits;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(int who, const wlk_event *ev)
{
	if (ev->type == WLK_EVENT_DATA_CHANNEL)
		far_channel = ev->u.channel.channel;
	if (ev->type == WLK_EVENT_DATA_CHANNEL_OPEN)
		open_at_both[who] = true;
	if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE) {
		if (ev->u.message.size != 4 || memcmp(ev->u.message.data, "ping", 4) != 0)
			abort();
		if (who == 1 && wlk_data_channel_send(far_channel, WLK_MESSAGE_TEXT, "ping", 4))
			abort();
		echoed += who == 0;
	}
	if (ev->type == WLK_EVENT_CONNECTION_STATE_CHANGE &&
	    (ev->u.connection.state == WLK_CONNECTION_FAILED || ev->u.connection.state == WLK_CONNECTION_CLOSED))
		abort();
	if (ev->type == WLK_EVENT_ICE_CANDIDATE)
		(void)!wlk_peer_connection_add_ice_candidate(peers[!who], &ev->u.candidate);
}

static void deliver(int from, wlk_datagram *d)
{
	uint8_t copy[2048];

	if (from == 1 && damage_bits && d->size <= sizeof(copy)) {
		memcpy(copy, d->data, d->size);
		copy[damage_offset % d->size] ^= damage_bits;
		damage_bits = 0;
		wlk_drive_input(peers[0], now, &d->remote, &d->local, copy, d->size); /* the good one follows */
	}
	wlk_drive_input(peers[!from], now, &d->remote, &d->local, d->data, d->size);
	wlk_datagram_release(d);
}

static void drain(void)
{
	bool any = true;

	for (int round = 0; any; round++) {
		any = false;
		if (round > ROUNDS)
			abort(); /* a drain ends */
		for (int who = 0; who < 2; who++) {
			const wlk_event *ev;
			wlk_request request;
			wlk_datagram d;

			while (wlk_drive_poll_request(peers[who], &request)) {
				wlk_err err = request.type == WLK_REQUEST_BIND_UDP ? WLK_OK : WLK_ERR_UNSUPPORTED;

				wlk_drive_on_request(peers[who], now, request.id, err, &paths[who], !err);
				any = true;
			}
			while (wlk_drive_poll_transmit(peers[who], now, &d)) {
				deliver(who, &d);
				any = true;
			}
			while ((ev = wlk_drive_poll_event(peers[who]))) {
				on_event(who, ev);
				any = true;
			}
		}
	}
}

static void advance(wlk_time span)
{
	wlk_time end = now + span;

	while (now < end) {
		wlk_time a = wlk_drive_deadline(peers[0]), b = wlk_drive_deadline(peers[1]);
		wlk_time next = a < b ? a : b;

		now = next < end ? (next > now ? next : now + 1) : end;
		wlk_drive_handle_timeout(peers[0], now);
		wlk_drive_handle_timeout(peers[1], now);
		drain();
	}
}

static void must(wlk_err err)
{
	if (err)
		abort();
}

static void make_pair(void)
{
	wlk_transceiver *t;

	for (int who = 0; who < 2; who++) {
		wlk_peer_connection_destroy(peers[who]);
		must(wlk_drive_create(NULL, now, 1800000000000000, &peers[who]));
		must(wlk_drive_set_interfaces(peers[who], &paths[who], 1));
		open_at_both[who] = false;
	}
	must(wlk_peer_connection_create_data_channel(peers[0], "c", NULL, &channel));
	must(wlk_peer_connection_add_transceiver(peers[0], WLK_MEDIA_VIDEO, NULL, &t));
	must(wlk_peer_connection_set_local_description(peers[0], NULL));
	must(wlk_peer_connection_set_remote_description(peers[1], wlk_peer_connection_local_description(peers[0])));
	must(wlk_peer_connection_set_local_description(peers[1], NULL));
	must(wlk_peer_connection_set_remote_description(peers[0], wlk_peer_connection_local_description(peers[1])));
	drain();
	for (int i = 0; i < 1000 && !(open_at_both[0] && open_at_both[1]); i++)
		advance(10000);
	if (!open_at_both[0] || !open_at_both[1])
		abort();
}

static void one_record(uint8_t kind, const uint8_t *bytes, size_t size)
{
	switch (kind % 6) {
	case 0: /* from the validated path */
		wlk_drive_input(peers[0], now, &paths[0], &paths[1], bytes, size);
		break;
	case 1: /* from a stranger */
		wlk_drive_input(peers[0], now, &paths[0], &paths[2], bytes, size);
		break;
	case 2: /* at an address that is none of ours */
		wlk_drive_input(peers[0], now, &paths[2], &paths[1], bytes, size);
		break;
	case 3:
		advance((wlk_time)size * 1000);
		break;
	case 4: /* damage what the far end sends next */
		if (size >= 2) {
			damage_offset = bytes[0];
			damage_bits = bytes[1];
		}
		must(wlk_data_channel_send(far_channel, WLK_MESSAGE_TEXT, "ping", 4));
		break;
	case 5: /* lines of text where candidates are expected */
		if (size && size < 200) {
			char line[200];
			wlk_ice_candidate candidate = { .candidate = line, .sdp_mline_index = 0 };

			memcpy(line, bytes, size);
			line[size] = '\0';
			(void)!wlk_peer_connection_add_ice_candidate(peers[0], &candidate);
		}
		break;
	}
	drain();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before;

	if (used++ % REUSE == 0)
		make_pair();
	while (size >= 2) {
		size_t n = data[1];

		if (n > size - 2)
			n = size - 2;
		one_record(data[0], data + 2, n);
		data += 2 + n;
		size -= 2 + n;
	}
	damage_bits = 0;
	before = echoed;
	must(wlk_data_channel_send(channel, WLK_MESSAGE_TEXT, "ping", 4));
	drain();
	for (int i = 0; i < 300 && echoed == before; i++)
		advance(100000);
	if (echoed == before)
		abort(); /* the data did not come back */
	return 0;
}
