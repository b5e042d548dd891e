/* Transports as objects: what they tell of themselves, in which order, and what becomes of the handles (W3C webrtc-pc 5.5, 5.6, 6.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer/object.h"
#include "sim.h"

enum { STORY_MAX = 256 };

/* What the events told of one peer, in order. */
struct story {
	wlk_event_type types[STORY_MAX];
	int states[STORY_MAX]; /* of the object of the event when it was delivered */
	size_t count;
};

struct seen {
	struct story a, b;
};

static int state_of(const wlk_event *ev)
{
	switch (ev->type) {
	case WLK_EVENT_DTLS_STATE_CHANGE:
		return (int)wlk_dtls_transport_state(ev->u.dtls_transport);
	case WLK_EVENT_ICE_TRANSPORT_STATE_CHANGE:
		return (int)wlk_ice_transport_state(ev->u.ice_transport);
	case WLK_EVENT_ICE_TRANSPORT_GATHERING_STATE_CHANGE:
		return (int)wlk_ice_transport_gathering_state(ev->u.ice_transport);
	case WLK_EVENT_SCTP_STATE_CHANGE:
		return (int)wlk_sctp_transport_state(ev->u.sctp_transport);
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		return (int)ev->u.connection.state;
	default:
		return 0;
	}
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct seen *seen = sim->user;
	struct story *story = peer == &sim->a ? &seen->a : &seen->b;

	if (story->count == STORY_MAX)
		return;
	story->types[story->count] = ev->type;
	story->states[story->count++] = state_of(ev);
}

/* The place of the first event of |type| with |state|, or -1. */
static int place_of(const struct story *story, wlk_event_type type, int state)
{
	for (size_t i = 0; i < story->count; i++)
		if (story->types[i] == type && story->states[i] == state)
			return (int)i;
	return -1;
}

static int count_of(const struct story *story, wlk_event_type type)
{
	int count = 0;

	for (size_t i = 0; i < story->count; i++)
		count += story->types[i] == type;
	return count;
}

static wlk_transceiver *add(struct sim_peer *peer, wlk_media_kind kind)
{
	wlk_transceiver *t;

	assert_int_equal(wlk_peer_connection_add_transceiver(peer->pc, kind, NULL, &t), WLK_OK);
	return t;
}

static wlk_dtls_transport *sender_transport(wlk_transceiver *t)
{
	return wlk_rtp_sender_transport(wlk_transceiver_sender(t));
}

static void start(struct sim *sim, struct seen *seen, wlk_data_channel **channel)
{
	*seen = (struct seen){ 0 };
	sim_init(sim, &(struct sim_config){ .seed = 1, .latency_us = 5 * SIM_MS, .may_fail = true }, on_event, seen);
	assert_int_equal(wlk_peer_connection_create_data_channel(sim->a.pc, "main", NULL, channel), WLK_OK);
}

static void test_handles_come_with_descriptions(void **state)
{
	wlk_transceiver *audio, *video;
	wlk_data_channel *channel;
	wlk_dtls_transport *dtls;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, &channel);
	audio = add(&sim.a, WLK_MEDIA_AUDIO);
	video = add(&sim.a, WLK_MEDIA_VIDEO);
	assert_null(sender_transport(audio));
	assert_null(wlk_rtp_receiver_transport(wlk_transceiver_receiver(audio)));
	assert_null(wlk_peer_connection_sctp(sim.a.pc));
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, NULL), WLK_OK);
	dtls = sender_transport(audio);
	assert_non_null(dtls);
	assert_ptr_equal(wlk_rtp_receiver_transport(wlk_transceiver_receiver(audio)), dtls);
	assert_ptr_equal(wlk_dtls_transport_peer_connection(dtls), sim.a.pc);
	assert_int_equal(wlk_dtls_transport_state(dtls), WLK_DTLS_STATE_NEW);
	assert_int_equal(wlk_dtls_transport_role(dtls), WLK_DTLS_ROLE_UNKNOWN);
	assert_int_equal(wlk_ice_transport_role(wlk_dtls_transport_ice_transport(dtls)), WLK_ICE_ROLE_CONTROLLING);
	assert_int_equal(wlk_peer_connection_set_local_description(sim.a.pc, &(wlk_session_description){ WLK_SDP_ROLLBACK, NULL }), WLK_OK);
	assert_null(sender_transport(audio));
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	assert_ptr_equal(sender_transport(audio), dtls);
	assert_ptr_equal(sender_transport(video), dtls);
	assert_ptr_equal(wlk_sctp_transport_dtls_transport(wlk_peer_connection_sctp(sim.a.pc)), dtls);
	sim_free(&sim);
}

static void expect_candidates(const wlk_ice_transport *ice, const wlk_ice_transport *other)
{
	wlk_ice_candidate_info local, remote, pair_local, pair_remote, info;
	wlk_ice_parameters ours, theirs;
	bool listed = false;

	assert_int_equal(wlk_ice_transport_local_candidate(ice, 0, &local), WLK_OK);
	assert_int_equal(wlk_ice_transport_remote_candidate(ice, 0, &remote), WLK_OK);
	assert_int_equal(local.type, WLK_ICE_CANDIDATE_HOST);
	assert_int_equal(local.component, wlk_ice_transport_component(ice));
	assert_int_equal(wlk_ice_transport_local_candidate(ice, 1000, &info), WLK_ERR_NOT_FOUND);
	assert_int_equal(wlk_ice_transport_remote_candidate(ice, 1000, &info), WLK_ERR_NOT_FOUND);
	assert_int_equal(wlk_ice_transport_local_candidate(ice, 0, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_ice_transport_selected_pair(ice, &pair_local, &pair_remote), WLK_OK);
	for (size_t i = 0; !wlk_ice_transport_local_candidate(ice, i, &info); i++)
		listed |= !strcmp(info.address, pair_local.address) && info.port == pair_local.port;
	assert_true(listed);
	assert_int_equal(wlk_ice_transport_local_parameters(ice, &ours), WLK_OK);
	assert_int_equal(wlk_ice_transport_remote_parameters(other, &theirs), WLK_OK);
	assert_string_equal(ours.username_fragment, theirs.username_fragment);
	assert_string_equal(ours.password, theirs.password);
	assert_string_equal(local.username_fragment, ours.username_fragment);
}

static void expect_dtls(const wlk_dtls_transport *dtls)
{
	assert_int_equal(wlk_dtls_transport_state(dtls), WLK_DTLS_STATE_CONNECTED);
	assert_int_equal(wlk_dtls_transport_tls_version(dtls), 0xfefd);
	assert_string_equal(wlk_dtls_transport_srtp_profile(dtls), "SRTP_AEAD_AES_128_GCM");
	assert_true(*wlk_dtls_transport_cipher(dtls));
	assert_true(wlk_dtls_transport_remote_certificate(dtls, 0).size > 100);
	assert_int_equal(wlk_dtls_transport_remote_certificate(dtls, 0).data[0], 0x30); /* a DER SEQUENCE */
	assert_int_equal(wlk_dtls_transport_remote_certificate(dtls, 1).size, 0);
}

static void test_a_connected_transport_tells_all(void **state)
{
	wlk_dtls_transport *a, *b;
	wlk_sctp_transport *sctp;
	wlk_data_channel *channel;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, &channel);
	add(&sim.a, WLK_MEDIA_AUDIO);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	sim_run_for(&sim, SIM_SECOND);
	sctp = wlk_peer_connection_sctp(sim.a.pc);
	a = wlk_sctp_transport_dtls_transport(sctp);
	b = wlk_sctp_transport_dtls_transport(wlk_peer_connection_sctp(sim.b.pc));
	expect_dtls(a);
	expect_dtls(b);
	assert_int_equal(wlk_dtls_transport_role(a), WLK_DTLS_ROLE_SERVER);
	assert_int_equal(wlk_dtls_transport_role(b), WLK_DTLS_ROLE_CLIENT);
	assert_int_equal(wlk_ice_transport_role(wlk_dtls_transport_ice_transport(a)), WLK_ICE_ROLE_CONTROLLING);
	assert_int_equal(wlk_ice_transport_role(wlk_dtls_transport_ice_transport(b)), WLK_ICE_ROLE_CONTROLLED);
	expect_candidates(wlk_dtls_transport_ice_transport(a), wlk_dtls_transport_ice_transport(b));
	expect_candidates(wlk_dtls_transport_ice_transport(b), wlk_dtls_transport_ice_transport(a));
	assert_int_equal(wlk_sctp_transport_state(sctp), WLK_SCTP_STATE_CONNECTED);
	assert_int_equal(wlk_sctp_transport_max_channels(sctp), 1024);
	assert_int_equal(wlk_sctp_transport_max_message_size(sctp), 262144);
	sim_free(&sim);
}

/* W3C webrtc-pc: the transport's own event comes before the one of the connection that follows from it. */
static void test_events_come_from_the_bottom_up(void **state)
{
	wlk_data_channel *channel;
	const struct story *story;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, &channel);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	sim_run_for(&sim, SIM_SECOND);
	for (int i = 0; i < 2; i++) {
		int ice, dtls, sctp, connection;

		story = i ? &seen.b : &seen.a;
		ice = place_of(story, WLK_EVENT_ICE_TRANSPORT_STATE_CHANGE, WLK_ICE_STATE_CHECKING);
		dtls = place_of(story, WLK_EVENT_DTLS_STATE_CHANGE, WLK_DTLS_STATE_CONNECTED);
		sctp = place_of(story, WLK_EVENT_SCTP_STATE_CHANGE, WLK_SCTP_STATE_CONNECTED);
		connection = place_of(story, WLK_EVENT_CONNECTION_STATE_CHANGE, WLK_CONNECTION_CONNECTED);
		assert_true(ice >= 0 && ice < dtls && dtls < sctp && dtls < connection);
		assert_int_equal(story->types[ice + 1], WLK_EVENT_ICE_CONNECTION_STATE_CHANGE);
		assert_true(place_of(story, WLK_EVENT_ICE_TRANSPORT_GATHERING_STATE_CHANGE, WLK_ICE_GATHERING_COMPLETE) >= 0);
		assert_int_equal(count_of(story, WLK_EVENT_ICE_TRANSPORT_SELECTED_PAIR_CHANGE), 1); /* not again when it is nominated */
	}
	sim_free(&sim);
}

static void test_after_close_the_handles_say_closed(void **state)
{
	wlk_sctp_transport *ours, *theirs;
	wlk_data_channel *channel;
	struct seen seen;
	struct sim sim;

	(void)state;
	start(&sim, &seen, &channel);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	ours = wlk_peer_connection_sctp(sim.a.pc);
	theirs = wlk_peer_connection_sctp(sim.b.pc);
	wlk_peer_connection_close(sim.a.pc);
	assert_int_equal(wlk_sctp_transport_state(ours), WLK_SCTP_STATE_CLOSED);
	assert_int_equal(wlk_dtls_transport_state(wlk_sctp_transport_dtls_transport(ours)), WLK_DTLS_STATE_CLOSED);
	assert_int_equal(wlk_ice_transport_state(wlk_dtls_transport_ice_transport(wlk_sctp_transport_dtls_transport(ours))),
			 WLK_ICE_STATE_CLOSED);
	sim_run_for(&sim, SIM_SECOND);
	assert_int_equal(wlk_sctp_transport_state(theirs), WLK_SCTP_STATE_CLOSED);
	assert_int_equal(wlk_dtls_transport_state(wlk_sctp_transport_dtls_transport(theirs)), WLK_DTLS_STATE_CLOSED);
	assert_int_equal(sim.b.state, WLK_CONNECTION_CLOSED);
	sim_free(&sim);
}

/* Both kinds of keys meet; the far end tells the certificate that was configured. */
static void test_an_rsa_certificate_serves(void **state)
{
	wlk_certificate_options options = WLK_CERTIFICATE_OPTIONS_INIT;
	wlk_configuration of_a = WLK_CONFIGURATION_INIT;
	struct sim_config config = { .seed = 1, .latency_us = 5 * SIM_MS, .may_fail = true, .config_a = &of_a };
	wlk_certificate *certificate;
	wlk_dtls_transport *theirs;
	wlk_data_channel *channel;
	struct seen seen = { 0 };
	struct sim sim;

	(void)state;
	options.algorithm = WLK_KEY_RSA;
	options.has_expires = true;
	options.expires_ms = UINT64_MAX; /* it is made by the real clock, and lives by the simulation's */
	assert_int_equal(wlk_certificate_generate_with(&options, &certificate), WLK_OK);
	of_a.certificates = &certificate;
	of_a.certificate_count = 1;
	sim_init(&sim, &config, on_event, &seen);
	assert_int_equal(wlk_peer_connection_create_data_channel(sim.a.pc, "main", NULL, &channel), WLK_OK);
	sim_signal(&sim);
	assert_true(sim_run_until(&sim, 5 * SIM_SECOND, sim_both_connected));
	theirs = wlk_sctp_transport_dtls_transport(wlk_peer_connection_sctp(sim.b.pc));
	assert_non_null(strstr(wlk_dtls_transport_cipher(theirs), "RSA"));
	assert_int_equal(wlk_dtls_transport_remote_certificate(theirs, 0).size, wlk_certificate_der(certificate).size);
	assert_memory_equal(wlk_dtls_transport_remote_certificate(theirs, 0).data, wlk_certificate_der(certificate).data,
			    wlk_certificate_der(certificate).size);
	sim_free(&sim);
	wlk_certificate_release(certificate);
}

/* W3C webrtc-pc 4.4.1.1: InvalidAccessError. The certificate ends when it is made, which is before the simulation begins. */
static void test_an_expired_certificate_is_refused(void **state)
{
	wlk_certificate_options options = WLK_CERTIFICATE_OPTIONS_INIT;
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_peer_connection *pc = NULL;
	wlk_certificate *certificate;

	(void)state;
	options.has_expires = true;
	assert_int_equal(wlk_certificate_generate_with(&options, &certificate), WLK_OK);
	config.certificates = &certificate;
	config.certificate_count = 1;
	assert_int_equal(wlk_drive_create(&config, 0, (wlk_certificate_expires(certificate) - 1) * SIM_SECOND, &pc), WLK_OK);
	wlk_peer_connection_destroy(pc);
	pc = NULL;
	assert_int_equal(wlk_drive_create(&config, 0, wlk_certificate_expires(certificate) * SIM_SECOND, &pc), WLK_ERR_INVALID);
	assert_null(pc);
	wlk_certificate_release(certificate);
}

/* ---- several transports ---- */

struct pair {
	struct sim sim;
	struct seen seen;
	wlk_configuration of_a;
	wlk_transceiver *audio, *video;
	wlk_data_channel *channel;
};

/* Audio, video and data, offered under a policy. */
static void pair_init(struct pair *p, wlk_bundle_policy policy)
{
	struct sim_config config = { .seed = 1, .latency_us = 5 * SIM_MS, .may_fail = true, .config_a = &p->of_a };

	*p = (struct pair){ .of_a = WLK_CONFIGURATION_INIT };
	p->of_a.bundle_policy = policy;
	sim_init(&p->sim, &config, on_event, &p->seen);
	p->audio = add(&p->sim.a, WLK_MEDIA_AUDIO);
	p->video = add(&p->sim.a, WLK_MEDIA_VIDEO);
	assert_int_equal(wlk_peer_connection_create_data_channel(p->sim.a.pc, "main", NULL, &p->channel), WLK_OK);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* The description of |from|, without its BUNDLE groups when |apart|, to the other side. */
static void give(struct sim_peer *from, bool apart)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(from->pc);
	wlk_session_description changed = *local;
	char *sdp = strdup(local->sdp), *group = strstr(sdp, "a=group:BUNDLE");

	if (apart && group) {
		char *end = strchr(group, '\n') + 1;

		memmove(group, end, strlen(end) + 1);
	}
	changed.sdp = sdp;
	if (wlk_peer_connection_set_remote_description(from->other->pc, &changed))
		fail_msg("%s", wlk_last_error(from->other->pc));
	free(sdp);
}

static void exchange(struct pair *p, bool apart)
{
	assert_int_equal(wlk_peer_connection_set_local_description(p->sim.a.pc, NULL), WLK_OK);
	give(&p->sim.a, apart);
	assert_int_equal(wlk_peer_connection_set_local_description(p->sim.b.pc, NULL), WLK_OK);
	give(&p->sim.b, false);
}

static size_t distinct(struct pair *p)
{
	wlk_dtls_transport *all[] = { sender_transport(p->audio), sender_transport(p->video),
				      wlk_sctp_transport_dtls_transport(wlk_peer_connection_sctp(p->sim.a.pc)) };

	return (size_t)1 + (size_t)(all[1] != all[0]) + (size_t)(all[2] != all[0] && all[2] != all[1]);
}

static const char *local_sdp(struct sim_peer *peer)
{
	return wlk_peer_connection_local_description(peer->pc)->sdp;
}

/* RFC 9429 4.1.1: max-compat gathers for each section; an answer that bundles leaves one transport, and the others close. */
static void test_max_compat_falls_back_to_one_transport(void **state)
{
	wlk_dtls_transport *dropped;
	struct pair p;

	(void)state;
	pair_init(&p, WLK_BUNDLE_MAX_COMPAT);
	assert_int_equal(wlk_peer_connection_set_local_description(p.sim.a.pc, NULL), WLK_OK);
	dropped = sender_transport(p.video);
	assert_ptr_not_equal(dropped, sender_transport(p.audio));
	assert_int_equal(count(local_sdp(&p.sim.a), "a=group:BUNDLE 0 1 2"), 1);
	give(&p.sim.a, false);
	assert_int_equal(wlk_peer_connection_set_local_description(p.sim.b.pc, NULL), WLK_OK);
	give(&p.sim.b, false);
	assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
	assert_int_equal(distinct(&p), 1);
	assert_int_equal(wlk_dtls_transport_state(dropped), WLK_DTLS_STATE_CLOSED);
	assert_int_equal(wlk_ice_transport_state(wlk_dtls_transport_ice_transport(dropped)), WLK_ICE_STATE_CLOSED);
	sim_free(&p.sim);
}

/* Three ICE agents, DTLS associations and engines; the connection is connected when all are. */
static void test_what_the_far_end_does_not_bundle_stays_apart(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, WLK_BUNDLE_MAX_COMPAT);
	exchange(&p, true);
	assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
	assert_int_equal(distinct(&p), 3);
	assert_int_equal(wlk_dtls_transport_state(sender_transport(p.audio)), WLK_DTLS_STATE_CONNECTED);
	assert_int_equal(wlk_dtls_transport_state(sender_transport(p.video)), WLK_DTLS_STATE_CONNECTED);
	sim_run_for(&p.sim, SIM_SECOND);
	assert_int_equal(wlk_sctp_transport_state(wlk_peer_connection_sctp(p.sim.a.pc)), WLK_SCTP_STATE_CONNECTED);
	assert_int_equal(wlk_data_channel_send(p.channel, WLK_MESSAGE_TEXT, "x", 1), WLK_OK);
	sim_run_for(&p.sim, SIM_SECOND);
	assert_true(place_of(&p.seen.b, WLK_EVENT_DATA_CHANNEL_MESSAGE, 0) >= 0);
	/* Every section has candidates of its own, and its own end of them. */
	assert_int_equal(count(local_sdp(&p.sim.a), "a=end-of-candidates"), 3);
	assert_int_equal(count(local_sdp(&p.sim.b), "a=end-of-candidates"), 3);
	wlk_peer_connection_close(p.sim.a.pc);
	sim_run_for(&p.sim, SIM_SECOND);
	assert_int_equal(p.sim.b.state, WLK_CONNECTION_CLOSED);
	sim_free(&p.sim);
}

static void send_media(wlk_transceiver *t, uint8_t payload_type)
{
	const wlk_rtp_packet packet = { .payload_type = payload_type, .marker = true, .payload = (const uint8_t *)"0123456789", .payload_size = 10 };

	assert_int_equal(wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet), WLK_OK);
}

static size_t packets(const struct story *story)
{
	size_t n = 0;

	for (size_t i = 0; i < story->count; i++)
		n += story->types[i] == WLK_EVENT_RTP_PACKET;
	return n;
}

static void test_media_of_each_transport_arrives(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, WLK_BUNDLE_BALANCED);
	exchange(&p, true);
	assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
	assert_int_equal(distinct(&p), 3);
	sim_run_for(&p.sim, SIM_SECOND);
	p.seen.b.count = 0;
	send_media(p.audio, 111);
	sim_run_for(&p.sim, SIM_SECOND);
	assert_int_equal(packets(&p.seen.b), 1);
	send_media(p.video, 96);
	sim_run_for(&p.sim, SIM_SECOND);
	assert_int_equal(packets(&p.seen.b), 2);
	sim_free(&p.sim);
}

/* A call of data alone makes no SRTP session; media that come later find one. */
static void test_media_after_data_alone_arrive(void **state)
{
	struct pair p = { .of_a = WLK_CONFIGURATION_INIT };

	(void)state;
	start(&p.sim, &p.seen, &p.channel);
	exchange(&p, false);
	assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
	assert_non_null(p.sim.a.pc->transport);
	assert_null(p.sim.a.pc->transport->srtp);
	assert_null(p.sim.b.pc->transport->srtp);
	p.audio = add(&p.sim.a, WLK_MEDIA_AUDIO);
	exchange(&p, false);
	sim_run_for(&p.sim, SIM_SECOND);
	send_media(p.audio, 111);
	sim_run_for(&p.sim, SIM_SECOND);
	assert_int_equal(packets(&p.seen.b), 1);
	sim_free(&p.sim);
}

/* An ICE restart is one of all transports (RFC 9429 5.2.2), and the next exchange keeps them apart. */
static void test_a_restart_of_all_transports(void **state)
{
	char before[64];
	struct pair p;

	(void)state;
	pair_init(&p, WLK_BUNDLE_MAX_COMPAT);
	exchange(&p, true);
	assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
	snprintf(before, sizeof(before), "%.20s", strstr(local_sdp(&p.sim.a), "a=ice-ufrag:"));
	sim_renegotiate(&p.sim, &p.sim.a, true);
	sim_run_for(&p.sim, 5 * SIM_SECOND);
	assert_int_equal(count(local_sdp(&p.sim.a), before), 0);
	assert_int_equal(distinct(&p), 3);
	assert_int_equal(wlk_peer_connection_ice_connection_state(p.sim.a.pc), WLK_ICE_CONNECTION_COMPLETED);
	assert_int_equal(wlk_ice_transport_state(wlk_dtls_transport_ice_transport(sender_transport(p.video))), WLK_ICE_STATE_COMPLETED);
	assert_int_equal(p.sim.a.state, WLK_CONNECTION_CONNECTED);
	sim_free(&p.sim);
}

/* New transports go with the offer that brought them, and come again with the next one: nothing grows. */
static void test_a_rolled_back_offer_takes_its_transports_along(void **state)
{
	const wlk_session_description rollback = { WLK_SDP_ROLLBACK, NULL };
	wlk_dtls_transport *video = NULL;
	struct pair p;

	(void)state;
	pair_init(&p, WLK_BUNDLE_MAX_COMPAT);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(wlk_peer_connection_set_local_description(p.sim.a.pc, NULL), WLK_OK);
		if (i)
			assert_ptr_equal(sender_transport(p.video), video);
		video = sender_transport(p.video);
		assert_int_equal(wlk_peer_connection_set_local_description(p.sim.a.pc, &rollback), WLK_OK);
		assert_null(sender_transport(p.video));
		sim_run_for(&p.sim, 20 * SIM_MS);
	}
	exchange(&p, true);
	assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
	assert_int_equal(distinct(&p), 3);
	sim_free(&p.sim);
}

/* max-bundle: a far end that does not bundle is told so. */
static void test_max_bundle_takes_no_answer_apart(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, WLK_BUNDLE_MAX_BUNDLE);
	assert_int_equal(wlk_peer_connection_set_local_description(p.sim.a.pc, NULL), WLK_OK);
	assert_int_equal(count(local_sdp(&p.sim.a), "a=bundle-only"), 2);
	give(&p.sim.a, false);
	assert_int_equal(wlk_peer_connection_set_local_description(p.sim.b.pc, NULL), WLK_OK);
	give(&p.sim.b, false);
	assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
	assert_int_equal(distinct(&p), 1);
	sim_free(&p.sim);
}

/* More sections than there can be transports: those above ride with the first. */
static void test_no_more_than_sixteen_transports(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, WLK_BUNDLE_MAX_COMPAT);
	for (int i = 0; i < 20; i++)
		add(&p.sim.a, WLK_MEDIA_AUDIO);
	assert_int_equal(wlk_peer_connection_set_local_description(p.sim.a.pc, NULL), WLK_OK);
	assert_int_equal(count(local_sdp(&p.sim.a), "a=bundle-only"), 23 - 16);
	give(&p.sim.a, false);
	assert_int_equal(wlk_peer_connection_set_local_description(p.sim.b.pc, NULL), WLK_OK);
	give(&p.sim.b, false);
	assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
	assert_int_equal(distinct(&p), 1);
	sim_free(&p.sim);
}

static void test_policies_out_of_range_are_refused(void **state)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;
	wlk_peer_connection *pc = NULL;

	(void)state;
	config.rtcp_mux_policy = WLK_RTCP_MUX_NEGOTIATE;
	assert_int_equal(wlk_drive_create(&config, 0, 0, &pc), WLK_ERR_UNSUPPORTED);
	config.rtcp_mux_policy = WLK_RTCP_MUX_REQUIRE;
	config.bundle_policy = (wlk_bundle_policy)4;
	assert_int_equal(wlk_drive_create(&config, 0, 0, &pc), WLK_ERR_INVALID);
	assert_null(pc);
}

static void test_names_are_the_words_of_the_specification(void **state)
{
	(void)state;
	assert_string_equal(wlk_dtls_state_name(WLK_DTLS_STATE_CONNECTING), "connecting");
	assert_string_equal(wlk_dtls_state_name((wlk_dtls_state)5), "unknown");
	assert_string_equal(wlk_dtls_role_name(WLK_DTLS_ROLE_SERVER), "server");
	assert_string_equal(wlk_ice_state_name(WLK_ICE_STATE_DISCONNECTED), "disconnected");
	assert_string_equal(wlk_ice_state_name((wlk_ice_state)7), "unknown");
	assert_string_equal(wlk_ice_role_name(WLK_ICE_ROLE_CONTROLLED), "controlled");
	assert_string_equal(wlk_ice_gathering_state_name(WLK_ICE_GATHERING_GATHERING), "gathering");
	assert_string_equal(wlk_sctp_state_name(WLK_SCTP_STATE_CLOSED), "closed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handles_come_with_descriptions),
		cmocka_unit_test(test_a_connected_transport_tells_all),
		cmocka_unit_test(test_events_come_from_the_bottom_up),
		cmocka_unit_test(test_after_close_the_handles_say_closed),
		cmocka_unit_test(test_an_rsa_certificate_serves),
		cmocka_unit_test(test_an_expired_certificate_is_refused),
		cmocka_unit_test(test_max_compat_falls_back_to_one_transport),
		cmocka_unit_test(test_what_the_far_end_does_not_bundle_stays_apart),
		cmocka_unit_test(test_media_of_each_transport_arrives),
		cmocka_unit_test(test_media_after_data_alone_arrive),
		cmocka_unit_test(test_a_restart_of_all_transports),
		cmocka_unit_test(test_a_rolled_back_offer_takes_its_transports_along),
		cmocka_unit_test(test_max_bundle_takes_no_answer_apart),
		cmocka_unit_test(test_no_more_than_sixteen_transports),
		cmocka_unit_test(test_policies_out_of_range_are_refused),
		cmocka_unit_test(test_names_are_the_words_of_the_specification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
