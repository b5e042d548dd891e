/* Statistics of the transports: DTLS and ICE with their pairs, candidates and certificates. */
#include <stdio.h>

#include "core/addr.h"
#include "peer/stats_build.h"

void stats_set_transport_id(struct stats_build *b, wlk_stat_id *member, const struct peer_transport *t)
{
	stats_set_textf(b->report, member, "T%u", (unsigned)t->number);
}

/* ---- certificates ---- */

/* Whether or not both ends have the same certificate, it is one record, named by its fingerprint. */
static void add_certificate(struct stats_build *b, wlk_stat_id *reference, wlk_bytes der)
{
	char hex[3 * DTLS_DIGEST_MAX] = "", id[3 * DTLS_DIGEST_MAX + 2];
	uint8_t digest[DTLS_DIGEST_MAX];
	wlk_stats_certificate *s;
	struct text base64;
	size_t size;

	if (!der.size || dtls_digest(DTLS_HASH_SHA256, der.data, der.size, digest, &size))
		return;
	for (size_t i = 0; i < size; i++)
		snprintf(hex + 3 * i, 4, i + 1 < size ? "%02X:" : "%02X", digest[i]);
	snprintf(id, sizeof(id), "CF%s", hex);
	stats_set_text(b->report, reference, str_of(id));
	if (stats_has(b->report, id))
		return;
	s = stats_add(b->report, WLK_STATS_CERTIFICATE, id);
	stats_set_text(b->report, &s->fingerprint, str_of(hex));
	stats_set_text(b->report, &s->fingerprint_algorithm, str_of(dtls_hash_name(DTLS_HASH_SHA256)));
	text_init(&base64);
	text_add_base64(&base64, der.data, der.size);
	if (text_ok(&base64))
		stats_set_text(b->report, &s->base64_certificate, (struct str){ base64.at, base64.size });
	text_free(&base64);
}

/* ---- transport ---- */

static void set_dtls(struct stats_build *b, wlk_stats_transport *s, const struct dtls_transport *dtls)
{
	static const char *const states[] = { "new", "connecting", "connected", "closed", "failed" };
	enum dtls_state state = dtls ? dtls_transport_state(dtls) : DTLS_STATE_NEW;
	bool client = dtls && dtls_transport_role(dtls) == DTLS_ROLE_CLIENT;
	const char *srtp;

	stats_set_text(b->report, &s->dtls_state, str_of(states[state]));
	stats_set_text(b->report, &s->dtls_role, str_of(state == DTLS_STATE_NEW ? "unknown" : client ? "client" : "server"));
	if (!dtls || !dtls_transport_version(dtls))
		return;
	stats_set_textf(b->report, &s->tls_version, "%04X", dtls_transport_version(dtls));
	stats_set_text(b->report, &s->dtls_cipher, str_of(dtls_transport_cipher_name(dtls)));
	srtp = peer_srtp_cipher_name(dtls_transport_srtp_profile(dtls));
	if (srtp)
		stats_set_text(b->report, &s->srtp_cipher, str_of(srtp));
	add_certificate(b, &s->remote_certificate_id, dtls_transport_remote_cert(dtls));
}

static void add_transport(struct stats_build *b, const struct peer_transport *t)
{
	const char *role = ice_agent_controlling(t->ice) ? "controlling" : "controlled";
	struct ice_agent_stats ice;
	struct ice_pair_stats pair;
	wlk_stats_transport *s;
	char id[STATS_ID_MAX];

	snprintf(id, sizeof(id), "T%u", (unsigned)t->number);
	s = stats_add(b->report, WLK_STATS_TRANSPORT, id);
	stats_set_count(&s->packets_sent, t->packets_sent);
	stats_set_count(&s->packets_received, t->packets_received);
	stats_set_count(&s->bytes_sent, t->bytes_sent);
	stats_set_count(&s->bytes_received, t->bytes_received);
	stats_set_text(b->report, &s->ice_role, str_of(t->role_is_known ? role : "unknown"));
	stats_set_text(b->report, &s->ice_local_username_fragment, str_of(ice_agent_local_ufrag(t->ice)));
	stats_set_text(b->report, &s->ice_state, str_of(ice_state_name(ice_agent_state(t->ice))));
	ice_agent_get_stats(t->ice, &ice);
	stats_set_count(&s->selected_candidate_pair_changes, ice.selected_pair_changes);
	for (size_t i = 0; ice_agent_pair_stats(t->ice, i, &pair); i++)
		if (pair.selected)
			stats_set_textf(b->report, &s->selected_candidate_pair_id, "CP%u-%u", (unsigned)t->number, (unsigned)pair.id);
	add_certificate(b, &s->local_certificate_id, dtls_cert_der(b->pc->cert));
	set_dtls(b, s, t->dtls);
}

/* ---- ICE ---- */

static void set_traffic(struct stats_build *b, wlk_stats_candidate_pair *s, const struct ice_pair_stats *pair)
{
	stats_set_count(&s->packets_sent, pair->packets_sent);
	stats_set_count(&s->packets_received, pair->packets_received);
	stats_set_count(&s->bytes_sent, pair->bytes_sent);
	stats_set_count(&s->bytes_received, pair->bytes_received);
	stats_set_count(&s->packets_discarded_on_send, pair->packets_discarded);
	stats_set_count(&s->bytes_discarded_on_send, pair->bytes_discarded);
	if (pair->packets_sent)
		stats_set_number(&s->last_packet_sent_timestamp, stats_timestamp(b->pc, pair->last_sent));
	if (pair->packets_received)
		stats_set_number(&s->last_packet_received_timestamp, stats_timestamp(b->pc, pair->last_received));
}

/* What we may send, by the peer's feedback; what we estimate and tell it by REMB. */
static void set_bitrates(wlk_stats_candidate_pair *s, const struct peer_transport *t)
{
	struct media_engine_stats media;

	media_engine_stats(t->media, &media);
	if (media.available_bps)
		stats_set_number(&s->available_outgoing_bitrate, (double)media.available_bps);
	if (media.receive_estimate_bps)
		stats_set_number(&s->available_incoming_bitrate, (double)media.receive_estimate_bps);
}

static void add_pair(struct stats_build *b, const struct peer_transport *t, const struct ice_pair_stats *pair)
{
	static const char *const states[] = { "frozen", "waiting", "in-progress", "succeeded", "failed" };
	wlk_stats_candidate_pair *s;
	char id[STATS_ID_MAX];

	snprintf(id, sizeof(id), "CP%u-%u", (unsigned)t->number, (unsigned)pair->id);
	s = stats_add(b->report, WLK_STATS_CANDIDATE_PAIR, id);
	stats_set_transport_id(b, &s->transport_id, t);
	stats_set_textf(b->report, &s->local_candidate_id, "LC%u-%u", (unsigned)t->number, (unsigned)pair->local_id);
	stats_set_textf(b->report, &s->remote_candidate_id, "RC%u-%u", (unsigned)t->number, (unsigned)pair->remote_id);
	stats_set_text(b->report, &s->state, str_of(states[pair->state]));
	stats_set_bool(&s->nominated, pair->nominated);
	set_traffic(b, s, pair);
	stats_set_number(&s->total_round_trip_time, stats_seconds(pair->total_rtt_us));
	if (pair->responses_received)
		stats_set_number(&s->current_round_trip_time, stats_seconds(pair->current_rtt_us));
	if (pair->selected)
		set_bitrates(s, t);
	stats_set_count(&s->requests_received, pair->requests_received);
	stats_set_count(&s->requests_sent, pair->requests_sent - pair->requests_repeated);
	stats_set_count(&s->responses_received, pair->responses_received);
	stats_set_count(&s->responses_sent, pair->responses_sent);
	stats_set_count(&s->consent_requests_sent, pair->consent_requests_sent);
}

static void set_addresses(struct stats_build *b, wlk_stats_candidate *s, const struct ice_candidate_stats *c)
{
	char text[WLK_ADDR_TEXT_MAX];

	/* A hidden address stays hidden (webrtc-stats, address of RTCIceCandidateStats). */
	if (c->hidden)
		stats_set_null(&s->address);
	else
		stats_set_text(b->report, &s->address, str_of(addr_ip_text(&c->candidate.addr, text)));
	stats_set_count(&s->port, c->candidate.addr.port);
	if (!c->candidate.related.family)
		return;
	stats_set_text(b->report, &s->related_address, str_of(addr_ip_text(&c->candidate.related, text)));
	stats_set_count(&s->related_port, c->candidate.related.port);
}

static void add_candidate(struct stats_build *b, const struct peer_transport *t, const struct ice_candidate_stats *c, bool local)
{
	static const char *const tcp_types[] = { "", "active", "passive", "so" };
	wlk_stats_candidate *s;
	char id[STATS_ID_MAX];

	snprintf(id, sizeof(id), "%s%u-%u", local ? "LC" : "RC", (unsigned)t->number, (unsigned)c->id);
	s = stats_add(b->report, local ? WLK_STATS_LOCAL_CANDIDATE : WLK_STATS_REMOTE_CANDIDATE, id);
	stats_set_transport_id(b, &s->transport_id, t);
	set_addresses(b, s, c);
	stats_set_text(b->report, &s->protocol, str_of(c->candidate.transport == ICE_UDP ? "udp" : "tcp"));
	stats_set_text(b->report, &s->candidate_type, str_of(ice_candidate_type_name(c->candidate.type)));
	stats_set_count(&s->priority, c->candidate.priority);
	stats_set_text(b->report, &s->foundation, str_of(c->candidate.foundation));
	if (c->url && *c->url)
		stats_set_text(b->report, &s->url, str_of(c->url));
	if (c->relay_protocol)
		stats_set_text(b->report, &s->relay_protocol, str_of(c->relay_protocol));
	if (c->ufrag)
		stats_set_text(b->report, &s->username_fragment, str_of(c->ufrag));
	if (c->candidate.tcptype != CANDIDATE_TCP_NONE)
		stats_set_text(b->report, &s->tcp_type, str_of(tcp_types[c->candidate.tcptype]));
}

void stats_add_transports(struct stats_build *b)
{
	struct ice_candidate_stats candidate;
	struct ice_pair_stats pair;

	list_for_each(item, &b->pc->transports) {
		const struct peer_transport *t = list_entry(item, struct peer_transport, link);

		add_transport(b, t);
		for (size_t i = 0; ice_agent_pair_stats(t->ice, i, &pair); i++)
			add_pair(b, t, &pair);
		for (size_t i = 0; ice_agent_local_candidate(t->ice, i, &candidate); i++)
			add_candidate(b, t, &candidate, true);
		for (size_t i = 0; ice_agent_remote_candidate(t->ice, i, &candidate); i++)
			add_candidate(b, t, &candidate, false);
	}
}
