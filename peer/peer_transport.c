/* A transport as an object: its layers made and freed, started in their order, and what its media reports. */
#include "peer/peer_transport.h"

#include <stdio.h>
#include <string.h>

#include "core/crypto.h"
#include "peer/object.h"

/* ---- life ---- */

static wlk_err create_dtls(struct peer_transport *t)
{
	const struct dtls_config dtls = {
		.context = t->pc->env.dtls,
		.cert = t->pc->cert,
		.pool = t->pc->env.pool,
		.srtp_profiles = dtls_srtp_profiles_default,
		.srtp_profile_count = ARRAY_SIZE(dtls_srtp_profiles_default),
		.log_parent = t->log.prefix,
	};

	return dtls_transport_create(&t->dtls, &dtls);
}

static wlk_err create_media(struct peer_transport *t)
{
	const struct media_engine_config media = {
		.pool = t->pc->env.pool,
		.unix_us_at_zero = t->pc->env.unix_us_at_zero,
		.log_prefix = t->log.prefix,
	};
	wlk_err err = media_engine_create(&t->media, &media);

	if (!err)
		media_engine_set_rate_limits(t->media, t->pc->now, &t->pc->rate_limits);
	return err;
}

/* The first transport speaks under the name of its connection. */
static void name_logs(struct peer_transport *t)
{
	char name[16];

	t->log = t->pc->log;
	if (!t->number)
		return;
	snprintf(name, sizeof(name), "t%u", (unsigned)t->number);
	log_scope_init(&t->log, t->pc->log.prefix, name);
}

wlk_err peer_transport_create(struct peer_transport **out, wlk_peer_connection *pc, const struct ice_agent_config *ice)
{
	struct peer_transport *t = wlk_calloc(1, sizeof(*t));
	struct ice_agent_config config = *ice;
	wlk_err err;

	if (!t)
		return WLK_ERR_NOMEM;
	t->pc = pc;
	t->number = pc->next_transport;
	t->dtls_handle.transport = t->ice_handle.transport = t;
	t->dtls_restart_at = WLK_TIME_NEVER;
	t->say_init_at = WLK_TIME_NEVER;
	dgram_queue_init(&t->early_flights, DTLS_EARLY_HELLO_LIMIT);
	list_init(&t->link);
	name_logs(t);
	config.log_parent = t->log.prefix;
	config.pacers = &pc->ice_settings.pacers;
	config.caps = &pc->ice_settings.caps;
	config.first_request = (t->number & 0x7f) << 24; /* ids are told apart by the connection, whose requests they are */
	err = ice_agent_create(&t->ice, &config);
	if (!err)
		err = create_dtls(t);
	if (!err)
		err = create_media(t);
	if (err) {
		peer_transport_destroy(t);
		return err;
	}
	pc->next_transport++;
	*out = t;
	return WLK_OK;
}

void peer_transport_forget_own_hello(struct peer_transport *t)
{
	if (t->own_hello)
		pktbuf_release(t->own_hello);
	t->own_hello = NULL;
}

void peer_transport_forget_init(struct peer_transport *t)
{
	if (t->own_init)
		pktbuf_release(t->own_init);
	t->own_init = NULL;
	t->say_init_at = WLK_TIME_NEVER;
}

void peer_transport_destroy(struct peer_transport *t)
{
	if (!t)
		return;
	list_remove(&t->link);
	media_engine_destroy(t->media);
	srtp_session_destroy(t->srtp);
	dtls_transport_destroy(t->dtls);
	peer_transport_forget_own_hello(t);
	peer_transport_forget_init(t);
	dgram_queue_free(&t->early_flights);
	ice_agent_destroy(t->ice);
	wlk_free(t);
}

void peer_transport_retire(struct peer_transport *t)
{
	LOG_I(t, "retired: no section rides on it");
	if (t->pc->sctp && t == t->pc->data_transport)
		sctp_assoc_close(t->pc->sctp, t->pc->now, false); /* its ABORT leaves with the farewells */
	media_engine_close(t->media, t->pc->now);
	peer_collect_farewell(t, &t->pc->farewell_queue);
	srtp_session_destroy(t->srtp);
	t->srtp = NULL;
	peer_transport_forget_own_hello(t);
	peer_transport_forget_init(t);
	dgram_queue_free(&t->early_flights);
	t->ice_state = WLK_ICE_STATE_CLOSED;
	t->dtls_state = WLK_DTLS_STATE_CLOSED;
	t->dtls_restart_at = WLK_TIME_NEVER;
	t->agreed = false;
	list_remove(&t->link);
	list_push_back(&t->pc->retired_transports, &t->link);
}

void peer_transport_set_controlling(struct peer_transport *t, bool controlling)
{
	t->role_is_known = true;
	ice_agent_set_controlling(t->ice, t->pc->now, controlling);
}

/* ---- starting what stands on something else ---- */

/*
 * A pair can be valid before the far end has our answer: it responds to checks with its own password alone. A ClientHello
 * that comes then is lost on some stacks and upsets others (libdatachannel), so the client waits for the first check of the
 * far end, which leaves the moment it has the answer: nothing is lost by that.
 */
static bool far_end_is_ready(const struct peer_transport *t)
{
	return !t->local_is_dtls_client || ice_agent_peer_knows_us(t->ice);
}

/* A server has nothing to say before it is spoken to; for a client see poll_own_hello() in output.c. */
static bool there_is_a_way(const struct peer_transport *t)
{
	wlk_addr local, remote;

	return ice_agent_selected(t->ice, &local, &remote) ||
	       (t->local_is_dtls_client && ice_agent_heard(t->ice, &local, &remote));
}

static void start_dtls(struct peer_transport *t)
{
	if (!t->agreed || dtls_transport_state(t->dtls) != DTLS_STATE_NEW || !far_end_is_ready(t) || !there_is_a_way(t))
		return;
	dtls_transport_set_rtt(t->dtls, ice_agent_rtt(t->ice));
	if (dtls_transport_start(t->dtls, t->pc->now,
				 t->local_is_dtls_client ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER))
		peer_set_failed(t->pc, "DTLS cannot be started");
}

void peer_transport_prepare_init(struct peer_transport *t)
{
	wlk_peer_connection *pc = t->pc;

	if (!t->agreed || !t->local_is_dtls_client || t != pc->data_transport || pc->sctp_started ||
	    dtls_transport_state(t->dtls) != DTLS_STATE_CONNECTING)
		return;
	peer_sctp_start(pc);
	if (!pc->sctp_started || !sctp_assoc_poll_transmit(pc->sctp, pc->now, &t->own_init))
		return;
	if (t->own_init->size <= DTLS_FIRST_DATA_MAX)
		dtls_transport_set_first_data(t->dtls, t->own_init->data, t->own_init->size);
}

/* A server that has lost it, or that takes nothing with Finished, hears it again. */
static void say_init_again(struct peer_transport *t)
{
	if (t->pc->now < t->say_init_at)
		return;
	(void)dtls_transport_send(t->dtls, t->pc->now, t->own_init->data, t->own_init->size);
	peer_transport_forget_init(t);
}

static void allow_known_ssrcs(struct peer_transport *t)
{
	uint32_t ssrcs[2 * MEDIA_STREAMS_MAX];
	size_t count;

	if (!t->srtp)
		return;
	count = MIN(media_engine_known_ssrcs(t->media, ssrcs, ARRAY_SIZE(ssrcs)), ARRAY_SIZE(ssrcs));
	for (size_t i = 0; i < count; i++)
		if (srtp_session_allow_ssrc(t->srtp, ssrcs[i]))
			return; /* the others then pass through the budget of unknown ones (R19) */
}

static void start_srtp(struct peer_transport *t)
{
	struct dtls_srtp_export export;
	struct srtp_keys keys;
	wlk_err err;

	if (t->srtp || list_empty(&t->pc->transceivers))
		return; /* data alone needs no ciphers, which cost a tenth of a set-up; DTLS exports the keys at any time */
	err = dtls_transport_export_srtp(t->dtls, &export);
	if (err == WLK_ERR_NOT_FOUND)
		return; /* the far end does no media */
	if (err) {
		peer_set_failed(t->pc, "SRTP keys cannot be exported");
		return;
	}
	err = srtp_keys_from_exporter(&keys, (enum srtp_keys_profile)export.profile, export.block, export.size, export.is_client);
	crypto_wipe(&export, sizeof(export));
	if (!err) {
		const struct srtp_session_config config = { .keys = &keys, .log_parent = t->log.prefix };

		err = srtp_session_create(&t->srtp, &config);
		srtp_keys_wipe(&keys);
	}
	if (err)
		peer_set_failed(t->pc, "SRTP cannot be set up");
	else
		media_engine_set_can_send(t->media);
	peer_announce_senders(t->pc);
}

/* Keys and associations stand on DTLS; offer and answer say what they are for. */
void peer_transport_start(struct peer_transport *t)
{
	start_dtls(t);
	peer_replay_early_flights(t);
	if (!t->agreed || dtls_transport_state(t->dtls) != DTLS_STATE_CONNECTED)
		return;
	start_srtp(t);
	allow_known_ssrcs(t);
	if (t == t->pc->data_transport)
		peer_sctp_start(t->pc);
}

/* ---- media ---- */

bool peer_transport_pump_media(struct peer_transport *t)
{
	struct media_event ev;
	bool any = false;

	while (media_engine_poll_event(t->media, &ev)) {
		any = true;
		if (ev.type == MEDIA_EVENT_KEY_FRAME_REQUEST) {
			struct wlk_transceiver *asked = peer_transceiver_by_section(t->pc, ev.section);

			if (asked)
				peer_emit_key_frame_request(asked, ev.layer);
		} else if (ev.type == MEDIA_EVENT_TARGET_BITRATE) {
			peer_emit_target_bitrate(t->pc, ev.section, ev.layer, ev.target_bps);
		} else if (ev.type == MEDIA_EVENT_DTMF) {
			peer_emit_dtmf(t->pc, &ev);
		} else if (ev.type == MEDIA_EVENT_FLOW) {
			peer_emit_flow(t->pc, &ev);
		} else if (ev.type == MEDIA_EVENT_SPEAKING) {
			peer_emit_speaking(t->pc, &ev);
		} else if (ev.type == MEDIA_EVENT_REMB) {
			peer_tell_bitrate_limit(t->pc, ev.remb_bps);
		}
	}
	return any;
}

/* ---- time ---- */

wlk_time peer_transport_deadline(const struct peer_transport *t)
{
	wlk_time at = time_min(ice_agent_deadline(t->ice), time_min(t->dtls_restart_at, t->say_init_at));

	/* While ICE looks for a path, no time is up for DTLS. */
	if (!t->own_hello)
		at = time_min(at, dtls_transport_deadline(t->dtls));
	/* Without keys, or towards one who closed, nothing of it can leave, and its timers would be due for ever. */
	return t->srtp && !t->remote_closed ? time_min(at, media_engine_deadline(t->media)) : at;
}

void peer_transport_handle_timeout(struct peer_transport *t)
{
	ice_agent_handle_timeout(t->ice, t->pc->now);
	if (!t->own_hello)
		dtls_transport_handle_timeout(t->dtls, t->pc->now);
	peer_transport_restart_dtls_when_due(t);
	say_init_again(t);
	media_engine_handle_timeout(t->media, t->pc->now);
}
