/* Configurations in a recording: every member, with stand-ins for credentials. */
#include "core/alloc.h"
#include "core/crypto.h"
#include "peer/record.h"

enum { FIXED_SIZE = 128 };

/* Flags, from bit 0 on. */
#define FLAGS(X)               \
	X(allow_loopback)      \
	X(allow_link_local)    \
	X(no_ipv4)             \
	X(no_ipv6)             \
	X(nominate_once)       \
	X(ice_lite)            \
	X(hide_host_addresses) \
	X(no_roaming)          \
	X(renomination)

_Static_assert(offsetof(wlk_configuration, codecs) + sizeof(struct wlk_codec_set *) == sizeof(wlk_configuration),
	       "what is added to wlk_configuration is also recorded here, or said to be of no consequence");

static size_t text_size(const char *text)
{
	return 4 + (text ? strlen(text) : 0);
}

size_t record_config_size(const wlk_configuration *config)
{
	size_t size = FIXED_SIZE + 2 * RECORD_ADDR_SIZE * config->address_mapping_count + config->address_mapping_count;

	for (size_t i = 0; i < config->ice_server_count; i++)
		size += text_size(config->ice_servers[i].url) + text_size(config->ice_servers[i].username) +
			text_size(config->ice_servers[i].credential);
	return size;
}

static uint32_t flags_of(const wlk_configuration *config)
{
	uint32_t flags = 0, bit = 1;

#define SET(name)                     \
	flags |= config->name ? bit : 0; \
	bit <<= 1;
	FLAGS(SET)
#undef SET
	return flags;
}

static void set_flags(wlk_configuration *config, uint32_t flags)
{
	uint32_t bit = 1;

#define GET(name)                             \
	config->name = (flags & bit) != 0; \
	bit <<= 1;
	FLAGS(GET)
#undef GET
	(void)bit;
}

/* Left out: struct_size, rtcp_mux_policy (there is one), certificates (the public part of the chosen one is beside the configuration), log_name, user, local_address_filter (asked in net/), codecs (they work outside of what is recorded). */
void record_put_config(struct bytes_writer *w, const struct wlk_recording *rec, const wlk_configuration *config)
{
	bytes_put_u32(w, flags_of(config));
	bytes_put_u8(w, config->remote_address_filter != NULL);
	bytes_put_u64(w, config->max_message_size);
	bytes_put_u16(w, config->sctp_streams);
	bytes_put_u64(w, config->memory_budget);
	bytes_put_u8(w, (uint8_t)config->ice_transport_policy);
	bytes_put_u8(w, (uint8_t)config->ip_handling);
	bytes_put_u8(w, (uint8_t)config->ice_tcp);
	bytes_put_u8(w, config->ice_candidate_pool_size);
	bytes_put_u16(w, config->port_min);
	bytes_put_u16(w, config->port_max);
	bytes_put_u8(w, (uint8_t)config->bundle_policy);
	bytes_put_u16(w, (uint16_t)config->ice_server_count);
	for (size_t i = 0; i < config->ice_server_count; i++) {
		record_put_text(w, config->ice_servers[i].url);
		record_put_text(w, config->ice_servers[i].username);
		record_put_secret(w, rec, config->ice_servers[i].credential);
	}
	bytes_put_u16(w, (uint16_t)config->address_mapping_count);
	for (size_t i = 0; i < config->address_mapping_count; i++) {
		record_put_addr(w, &config->address_mappings[i].internal);
		record_put_addr(w, &config->address_mappings[i].external);
		bytes_put_u8(w, config->address_mappings[i].as_srflx);
	}
}

static void get_numbers(struct bytes_reader *r, struct record_config *out)
{
	wlk_configuration *config = &out->config;

	set_flags(config, bytes_u32(r));
	out->filters_remote = bytes_u8(r) != 0;
	config->max_message_size = (size_t)bytes_u64(r);
	config->sctp_streams = bytes_u16(r);
	config->memory_budget = (size_t)bytes_u64(r);
	config->ice_transport_policy = (wlk_ice_transport_policy)bytes_u8(r);
	config->ip_handling = (wlk_ip_handling)bytes_u8(r);
	config->ice_tcp = (wlk_ice_tcp)bytes_u8(r);
	config->ice_candidate_pool_size = bytes_u8(r);
	config->port_min = bytes_u16(r);
	config->port_max = bytes_u16(r);
	config->bundle_policy = (wlk_bundle_policy)bytes_u8(r);
}

static wlk_err get_servers(struct bytes_reader *r, struct record_config *out)
{
	size_t count = bytes_u16(r);

	if (count > RECORD_CONFIG_ITEMS_MAX)
		return WLK_ERR_PARSE;
	out->servers = wlk_calloc(MAX(count, 1), sizeof(*out->servers));
	if (!out->servers)
		return WLK_ERR_NOMEM;
	out->config.ice_servers = out->servers;
	for (size_t i = 0; i < count && bytes_ok(r); i++) {
		out->config.ice_server_count++;
		out->servers[i].url = record_get_text(r);
		out->servers[i].username = record_get_text(r);
		out->servers[i].credential = record_get_text(r);
	}
	return WLK_OK;
}

static wlk_err get_mappings(struct bytes_reader *r, struct record_config *out)
{
	size_t count = bytes_u16(r);

	if (count > RECORD_CONFIG_ITEMS_MAX)
		return WLK_ERR_PARSE;
	out->mappings = wlk_calloc(MAX(count, 1), sizeof(*out->mappings));
	if (!out->mappings)
		return WLK_ERR_NOMEM;
	out->config.address_mappings = out->mappings;
	for (size_t i = 0; i < count && bytes_ok(r); i++) {
		out->config.address_mapping_count++;
		record_get_addr(r, &out->mappings[i].internal);
		record_get_addr(r, &out->mappings[i].external);
		out->mappings[i].as_srflx = bytes_u8(r) != 0;
	}
	return WLK_OK;
}

wlk_err record_get_config(struct bytes_reader *r, struct record_config *out)
{
	wlk_err err;

	*out = (struct record_config){ .config = WLK_CONFIGURATION_INIT };
	get_numbers(r, out);
	err = get_servers(r, out);
	if (!err)
		err = get_mappings(r, out);
	return err ? err : bytes_ok(r) ? WLK_OK : WLK_ERR_PARSE;
}

void record_config_free(struct record_config *c)
{
	for (size_t i = 0; i < c->config.ice_server_count; i++) {
		wlk_free((char *)(uintptr_t)c->servers[i].url);
		wlk_free((char *)(uintptr_t)c->servers[i].username);
		wlk_free((char *)(uintptr_t)c->servers[i].credential);
	}
	wlk_free(c->servers);
	wlk_free(c->mappings);
	*c = (struct record_config){ .config = WLK_CONFIGURATION_INIT };
}
