#include "peer/configuration.h"

#include <string.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "peer/certificate.h"
#include "peer/object.h"

wlk_err peer_configuration_init(struct peer_configuration *c, const wlk_configuration *config)
{
	size_t count = config->certificate_count ? config->certificate_count : config->certificate != NULL;

	c->given = *config;
	c->certificates = wlk_calloc(count + 1, sizeof(wlk_certificate *));
	if (!c->certificates)
		return WLK_ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		wlk_certificate *one = config->certificate_count ? config->certificates[i] : config->certificate;

		dtls_cert_ref(certificate_unwrap(one));
		c->certificates[i] = one;
	}
	c->given.certificates = config->certificate_count ? c->certificates : NULL;
	return WLK_OK;
}

void peer_configuration_free(struct peer_configuration *c)
{
	for (size_t i = 0; c->certificates && c->certificates[i]; i++)
		wlk_certificate_release(c->certificates[i]);
	wlk_free(c->certificates);
}

/* The same objects in the same order. */
static bool same_certificates(const struct peer_configuration *c, const wlk_configuration *next)
{
	size_t count = next->certificate_count ? next->certificate_count : next->certificate != NULL;

	if (next->certificate_count && (next->certificate || !next->certificates))
		return false;
	for (size_t i = 0; i < count; i++)
		if (c->certificates[i] != (next->certificate_count ? next->certificates[i] : next->certificate) || !c->certificates[i])
			return false;
	return !c->certificates[count];
}

static bool same_mappings(const wlk_configuration *a, const wlk_configuration *b)
{
	if (a->address_mapping_count != b->address_mapping_count)
		return false;
	for (size_t i = 0; i < a->address_mapping_count; i++) {
		const wlk_address_mapping *x = &a->address_mappings[i], *y = &b->address_mappings[i];

		if (!addr_equal(&x->internal, &y->internal) || !addr_equal(&x->external, &y->external) || x->as_srflx != y->as_srflx)
			return false;
	}
	return true;
}

/* Members that are plain values. */
#define FIXED(X)               \
	X(bundle_policy)       \
	X(allow_loopback)      \
	X(allow_link_local)    \
	X(no_ipv4)             \
	X(no_ipv6)             \
	X(nominate_once)       \
	X(max_message_size)    \
	X(sctp_streams)        \
	X(memory_budget)       \
	X(ip_handling)         \
	X(ice_tcp)             \
	X(ice_lite)            \
	X(hide_host_addresses) \
	X(no_roaming)          \
	X(renomination)        \
	X(port_min)            \
	X(port_max)

static const char *changed_unrecorded(const wlk_peer_connection *pc, const wlk_configuration *next)
{
	const wlk_configuration *now = &pc->configuration.given;

	if (!same_certificates(&pc->configuration, next))
		return "certificates";
	if (next->rtcp_mux_policy != now->rtcp_mux_policy)
		return "rtcp_mux_policy";
	if (next->log_name && strcmp(next->log_name, pc->log.prefix) != 0)
		return "log_name";
	if (next->codecs != now->codecs)
		return "codecs";
	if (next->local_address_filter != now->local_address_filter)
		return "local_address_filter";
	if (next->remote_address_filter != now->remote_address_filter)
		return "remote_address_filter";
	if (next->codecs != now->codecs)
		return "codecs";
	return NULL;
}

bool peer_configuration_changes_unrecorded(const wlk_peer_connection *pc, const wlk_configuration *next)
{
	return changed_unrecorded(pc, next) != NULL;
}

const char *peer_configuration_changed_member(const wlk_peer_connection *pc, const wlk_configuration *next, bool described)
{
	const wlk_configuration *now = &pc->configuration.given;
	const char *name = changed_unrecorded(pc, next);

	if (name)
		return name;
	if (described && next->ice_candidate_pool_size != now->ice_candidate_pool_size)
		return "ice_candidate_pool_size";
	if (!same_mappings(now, next))
		return "address_mappings";
#define CHANGED(member)                  \
	if (next->member != now->member) \
		return #member;
	FIXED(CHANGED)
#undef CHANGED
	return NULL;
}

/* ---- what the application asks ---- */

wlk_err wlk_peer_connection_get_configuration(const wlk_peer_connection *pc, wlk_configuration *out)
{
	if (!out || out->struct_size != sizeof(*out))
		return WLK_ERR_INVALID;
	*out = pc->configuration.given;
	out->ice_servers = pc->ice_settings.listed;
	out->ice_server_count = pc->ice_settings.server_count;
	out->ice_transport_policy = (wlk_ice_transport_policy)pc->ice_settings.agent.policy;
	out->address_mappings = pc->ice_settings.mappings;
	out->log_name = pc->log.prefix;
	out->user = pc->user;
	return WLK_OK;
}

/* W3C webrtc-pc 4.4.1.6; what is wrong is found before anything changes. */
wlk_err wlk_peer_connection_set_configuration(wlk_peer_connection *pc, const wlk_configuration *config)
{
	bool described = pc->session_version > 0;
	const char *changed;
	wlk_err err;

	RECORD(pc, record_set_configuration(recorded, pc, config));
	if (pc->closed)
		return peer_fail(pc, WLK_ERR_STATE, "the connection is closed");
	if (!config || config->struct_size != sizeof(*config))
		return peer_fail(pc, WLK_ERR_INVALID, "the configuration is not initialised");
	if ((changed = peer_configuration_changed_member(pc, config, described)))
		return peer_fail(pc, WLK_ERR_NEGOTIATION, "%s cannot change", changed);
	peer_refresh_now(pc);
	err = peer_set_servers(pc, config);
	if (err)
		return err;
	pc->configuration.given.ice_candidate_pool_size = config->ice_candidate_pool_size;
	peer_touch(pc);
	return WLK_OK;
}
