/*
 * ICE, DTLS, SRTP and SCTP by themselves, put together by hand as a peer connection does it: for those who need one of them, or want
 * to see what stands on what. Both sides are in this process; their network is a function call, and their clock a variable.
 */
#include <stdio.h>
#include <string.h>
#include <wirelark/wirelark.h>

struct side {
	const char *name;
	struct side *other;
	wlk_addr address;
	wlk_dtls_role role;
	wlk_certificate *certificate;
	wlk_ice_agent *ice;
	wlk_dtls_association *dtls;
	wlk_srtp_session *srtp;
	wlk_sctp_association *sctp;
	wlk_sctp_channel *channel;
	bool heard; /* the last thing: the far end's RTP packet, which follows its message */
};

/* DTLS is up: SRTP gets its keys, and SCTP may begin. */
static void on_dtls_connected(struct side *me, wlk_time now)
{
	wlk_sctp_parameters parameters = WLK_SCTP_PARAMETERS_INIT;
	wlk_srtp_keys keys;

	if (wlk_dtls_association_export_srtp(me->dtls, &keys) || wlk_srtp_session_create(&keys, 0, &me->srtp))
		return;
	wlk_srtp_keys_wipe(&keys);
	parameters.dtls_client = me->role == WLK_DTLS_ROLE_CLIENT;
	wlk_sctp_association_start(me->sctp, now, &parameters);
}

/* RFC 7983: the first byte tells what it is. */
static void on_datagram(struct side *me, wlk_time now, wlk_bytes datagram)
{
	_Alignas(4) uint8_t packet[2048];
	size_t size = datagram.size;

	if (datagram.data[0] >= 20 && datagram.data[0] <= 63) {
		wlk_dtls_association_input(me->dtls, now, datagram.data, datagram.size);
	} else if (me->srtp && !wlk_srtp_session_unprotect_rtp(me->srtp, now, memcpy(packet, datagram.data, size), &size)) {
		printf("%s gets an RTP packet of %zu bytes\n", me->name, size);
		me->heard = true;
	}
}

/* A message is answered with an RTP packet. */
static void on_message(struct side *me, wlk_time now)
{
	_Alignas(4) uint8_t packet[12 + 160 + WLK_SRTP_ROOM] = { 0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7 }; /* PCMU, SSRC 7 */
	size_t size = 12 + 160;
	wlk_sctp_message message;

	while (wlk_sctp_channel_receive(me->channel, &message))
		printf("%s hears %.*s\n", me->name, (int)message.size, (const char *)message.data);
	if (!wlk_srtp_session_protect_rtp(me->srtp, packet, &size, sizeof(packet)))
		wlk_ice_agent_send(me->ice, now, packet, size);
}

/* Everything that one side has to say and to do at this moment, layer by layer. */
static void drive(struct side *me, wlk_time now)
{
	wlk_request request;
	wlk_ice_event ice_event;
	wlk_dtls_event dtls_event;
	wlk_sctp_event sctp_event;
	wlk_datagram datagram;
	wlk_bytes bytes;

	wlk_ice_agent_handle_timeout(me->ice, now);
	wlk_dtls_association_handle_timeout(me->dtls, now);
	wlk_sctp_association_handle_timeout(me->sctp, now);
	while (wlk_ice_agent_poll_request(me->ice, now, &request)) /* a socket, which costs nothing here */
		wlk_ice_agent_on_request(me->ice, now, request.id, request.type == WLK_REQUEST_BIND_UDP ? WLK_OK : WLK_ERR_UNSUPPORTED,
					 &me->address, request.type == WLK_REQUEST_BIND_UDP, NULL);
	while (wlk_ice_agent_poll_event(me->ice, &ice_event)) {
		if (ice_event.type == WLK_ICE_EVENT_CANDIDATE)
			wlk_ice_agent_add_remote_candidate(me->other->ice, now, ice_event.u.candidate); /* the signalling */
		else if (ice_event.type == WLK_ICE_EVENT_SELECTED_PAIR)
			wlk_dtls_association_start(me->dtls, now, me->role); /* says no when it has begun */
	}
	while (wlk_ice_agent_poll_received(me->ice, &bytes))
		on_datagram(me, now, bytes);
	while (wlk_dtls_association_poll_event(me->dtls, &dtls_event))
		if (dtls_event.state == WLK_DTLS_STATE_CONNECTED)
			on_dtls_connected(me, now);
	while (wlk_dtls_association_poll_data(me->dtls, now, &bytes))
		wlk_sctp_association_input(me->sctp, now, bytes.data, bytes.size);
	while (wlk_sctp_association_poll_event(me->sctp, now, &sctp_event))
		if (sctp_event.type == WLK_SCTP_EVENT_MESSAGE)
			on_message(me, now);
	while (wlk_sctp_association_poll_transmit(me->sctp, now, &bytes))
		wlk_dtls_association_send(me->dtls, now, bytes.data, bytes.size);
	while (wlk_dtls_association_poll_transmit(me->dtls, now, &bytes))
		wlk_ice_agent_send(me->ice, now, bytes.data, bytes.size);
	for (; wlk_ice_agent_poll_transmit(me->ice, now, &datagram); wlk_datagram_release(&datagram)) /* the network */
		wlk_ice_agent_input(me->other->ice, now, &datagram.remote, &datagram.local, datagram.data, datagram.size);
}

static bool prepare(struct side *me, wlk_ice_role role)
{
	wlk_data_channel_init init = { sizeof(init), .negotiated = true, .has_id = true }; /* both sides make channel 0 */
	wlk_dtls_config dtls = WLK_DTLS_CONFIG_INIT;
	bool failed = wlk_certificate_generate(&me->certificate);

	dtls.certificate = me->certificate;
	return !failed && !wlk_ice_agent_create(NULL, role, &me->ice) && !wlk_ice_agent_set_interfaces(me->ice, 0, &me->address, 1) &&
	       !wlk_ice_agent_gather(me->ice, 0) && !wlk_dtls_association_create(&dtls, &me->dtls) &&
	       !wlk_sctp_association_create(NULL, &me->sctp) && !wlk_sctp_channel_create(me->sctp, 0, "talk", &init, &me->channel) &&
	       !wlk_sctp_channel_send(me->channel, 0, WLK_MESSAGE_TEXT, me->name, strlen(me->name), true);
}

/* What has to cross by other ways than the network: the fingerprint of the certificate and the parameters of ICE. */
static bool introduce(struct side *to, struct side *from)
{
	wlk_ice_parameters parameters = wlk_ice_agent_local_parameters(from->ice);
	wlk_fingerprint fingerprint;

	to->other = from;
	return !wlk_certificate_get_fingerprint(from->certificate, 0, &fingerprint) &&
	       !wlk_dtls_association_set_remote_fingerprints(to->dtls, 0, &fingerprint, 1) &&
	       !wlk_ice_agent_set_remote_parameters(to->ice, 0, &parameters, false);
}

int main(void)
{
	struct side ann = { .name = "ann", .address = { .family = 4, .port = 4000, .ip = { 10, 0, 0, 1 } }, .role = WLK_DTLS_ROLE_SERVER };
	struct side bob = { .name = "bob", .address = { .family = 4, .port = 4000, .ip = { 10, 0, 0, 2 } }, .role = WLK_DTLS_ROLE_CLIENT };
	struct side *sides[] = { &ann, &bob };
	bool ready = prepare(&ann, WLK_ICE_ROLE_CONTROLLING) && prepare(&bob, WLK_ICE_ROLE_CONTROLLED) && introduce(&ann, &bob) &&
		     introduce(&bob, &ann);

	/* A program with sockets would sleep until the earliest of the three deadlines, or until something comes. */
	for (wlk_time now = 0; ready && now < 10000000 && !(ann.heard && bob.heard); now += 1000) {
		drive(&ann, now);
		drive(&bob, now);
	}
	for (size_t i = 0; i < 2; i++) {
		wlk_sctp_association_destroy(sides[i]->sctp);
		wlk_srtp_session_destroy(sides[i]->srtp);
		wlk_dtls_association_destroy(sides[i]->dtls);
		wlk_ice_agent_destroy(sides[i]->ice);
		wlk_certificate_release(sides[i]->certificate);
	}
	return !ann.heard || !bob.heard;
}
