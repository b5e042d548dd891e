#include "peer/ice_settings.h"

#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"

wlk_err ice_settings_init(struct ice_settings *s, const wlk_configuration *config, struct pktbuf_pool *pool)
{
	*s = (struct ice_settings){ .gathers_ahead = config->ice_candidate_pool_size > 0 };
	if (config->address_mapping_count) {
		s->mappings = wlk_calloc(config->address_mapping_count, sizeof(*s->mappings));
		if (!s->mappings)
			return WLK_ERR_NOMEM;
		memcpy(s->mappings, config->address_mappings, config->address_mapping_count * sizeof(*s->mappings));
	}
	s->agent = (struct ice_agent_config){
		.pool = pool,
		.no_ipv4 = config->no_ipv4,
		.no_ipv6 = config->no_ipv6,
		.allow_loopback = config->allow_loopback,
		.include_link_local = config->allow_link_local,
		.nominate_once = config->nominate_once,
		.policy = (enum ice_policy)config->ice_transport_policy,
		.no_tcp = config->ice_tcp == WLK_ICE_TCP_OFF,
		.tcp_passive = config->ice_tcp == WLK_ICE_TCP_BOTH,
		.lite = config->ice_lite,
		.hide_host_addresses = config->hide_host_addresses,
		.no_roaming = config->no_roaming,
		.renomination = config->renomination,
		.probe_mtu = true,
		.ip_handling = config->ip_handling,
		.mappings = s->mappings,
		.mapping_count = config->address_mapping_count,
		.remote_filter = config->remote_address_filter,
		.filter_user = config->user,
		.port_min = config->port_min,
		.port_max = config->port_max,
	};
	return WLK_OK;
}

static void free_servers(struct ice_settings *s)
{
	if (s->texts)
		crypto_wipe(s->texts, s->texts_size);
	wlk_free(s->texts);
	wlk_free(s->servers);
	wlk_free(s->listed);
	s->servers = NULL;
	s->listed = NULL;
	s->texts = NULL;
	s->server_count = s->texts_size = 0;
}

void ice_settings_free(struct ice_settings *s)
{
	free_servers(s);
	wlk_free(s->mappings);
	wlk_free(s->interfaces);
}

/* |text| into the block behind *at, as a string there. */
static const char *keep(char **at, const char *text)
{
	char *kept = *at;
	size_t size = text ? strlen(text) : 0;

	if (size)
		memcpy(kept, text, size);
	kept[size] = '\0';
	*at += size + 1;
	return kept;
}

static size_t size_of_texts(const wlk_configuration *config)
{
	size_t size = 1;

	for (size_t i = 0; i < config->ice_server_count; i++) {
		const wlk_ice_server *from = &config->ice_servers[i];

		size += 3 + (from->url ? strlen(from->url) : 0) + (from->username ? strlen(from->username) : 0) +
			(from->credential ? strlen(from->credential) : 0);
	}
	return size;
}

static wlk_err read_servers(struct ice_settings *s, const wlk_configuration *config)
{
	char *at = s->texts;
	wlk_err err = WLK_OK;

	for (size_t i = 0; !err && i < config->ice_server_count; i++) {
		const wlk_ice_server *from = &config->ice_servers[i];
		const char *url = keep(&at, from->url);

		const char *username = keep(&at, from->username), *credential = keep(&at, from->credential);

		err = ice_server_parse(&s->servers[i], str_of(url));
		s->servers[i].username = str_of(username);
		s->servers[i].credential = str_of(credential);
		s->listed[i] = (wlk_ice_server){ url, from->username ? username : NULL, from->credential ? credential : NULL };
	}
	return err;
}

void ice_settings_take_servers(struct ice_settings *s, struct ice_settings *from)
{
	free_servers(s);
	s->servers = from->servers;
	s->listed = from->listed;
	s->server_count = from->server_count;
	s->texts = from->texts;
	s->texts_size = from->texts_size;
	s->agent.policy = from->agent.policy;
	*from = (struct ice_settings){ 0 };
}

wlk_err ice_settings_set_servers(struct ice_settings *s, const wlk_configuration *config)
{
	struct ice_settings fresh = { .server_count = config->ice_server_count, .texts_size = size_of_texts(config) };
	wlk_err err;

	fresh.servers = wlk_calloc(config->ice_server_count + 1, sizeof(*fresh.servers));
	fresh.listed = wlk_calloc(config->ice_server_count + 1, sizeof(*fresh.listed));
	fresh.texts = wlk_malloc(fresh.texts_size);
	err = fresh.servers && fresh.listed && fresh.texts ? read_servers(&fresh, config) : WLK_ERR_NOMEM;
	if (err) {
		free_servers(&fresh);
		return err;
	}
	fresh.agent.policy = (enum ice_policy)config->ice_transport_policy;
	ice_settings_take_servers(s, &fresh);
	return WLK_OK;
}

wlk_err ice_settings_set_interfaces(struct ice_settings *s, const wlk_addr *addresses, size_t count)
{
	wlk_addr *copy = wlk_calloc(count + 1, sizeof(*copy));

	if (!copy)
		return WLK_ERR_NOMEM;
	if (count)
		memcpy(copy, addresses, count * sizeof(*copy));
	wlk_free(s->interfaces);
	s->interfaces = copy;
	s->interface_count = count;
	return WLK_OK;
}

wlk_err ice_settings_apply(const struct ice_settings *s, struct ice_agent *agent, wlk_time now)
{
	wlk_err err = ice_agent_set_servers(agent, s->servers, s->server_count);

	return !err && s->interfaces ? ice_agent_set_interfaces(agent, now, s->interfaces, s->interface_count) : err;
}
