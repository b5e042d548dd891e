/* STUN and TURN URIs: RFC 7064 3.1, RFC 7065 3.1. */
#include <string.h>

#include "ice/agent.h"

static bool take_scheme(struct str *rest, struct str scheme)
{
	if (!str_starts(*rest, scheme))
		return false;
	rest->at += scheme.size;
	rest->size -= scheme.size;
	return true;
}

/* "host", "1.2.3.4" or "[::1]", and what is behind it stays in |rest|. */
static bool take_host(struct str *rest, struct str *host)
{
	size_t size = 0;

	if (rest->size && rest->at[0] == '[') {
		rest->at++;
		rest->size--;
		while (size < rest->size && rest->at[size] != ']')
			size++;
		if (size == rest->size)
			return false;
		*host = (struct str){ rest->at, size };
		size++;
	} else {
		while (size < rest->size && rest->at[size] != ':')
			size++;
		*host = (struct str){ rest->at, size };
	}
	rest->at += size;
	rest->size -= size;
	return host->size > 0 && host->size <= ICE_HOST_NAME_MAX;
}

/* Control characters, spaces and what delimits other parts of a URI are no part of a host. */
static bool is_host(struct str host)
{
	for (size_t i = 0; i < host.size; i++)
		if ((unsigned char)host.at[i] <= ' ' || host.at[i] == 0x7f || memchr("/?#@[]\\\"<>", host.at[i], 11))
			return false;
	return true;
}

static wlk_err parse_transport(struct ice_server *server, struct str query, bool secure)
{
	if (!take_scheme(&query, STR("transport=")))
		return WLK_ERR_PARSE;
	if (str_equal(query, STR("udp")))
		server->transport = secure ? ICE_SERVER_DTLS : ICE_SERVER_UDP;
	else if (str_equal(query, STR("tcp")))
		server->transport = secure ? ICE_SERVER_TLS : ICE_SERVER_TCP;
	else
		return query.size ? WLK_ERR_UNSUPPORTED : WLK_ERR_PARSE;
	return WLK_OK;
}

wlk_err ice_server_parse(struct ice_server *out, struct str url)
{
	struct ice_server server = { .url = url };
	struct str query = url;
	struct str rest = str_cut(&query, '?');
	const bool has_query = rest.size < url.size;
	bool secure = false;
	uint32_t port;
	wlk_err err;

	if (take_scheme(&rest, STR("stuns:")))
		return WLK_ERR_UNSUPPORTED;
	if (take_scheme(&rest, STR("turns:")))
		server.is_turn = secure = true;
	else if (take_scheme(&rest, STR("turn:")))
		server.is_turn = true;
	else if (!take_scheme(&rest, STR("stun:")))
		return WLK_ERR_PARSE;
	server.transport = secure ? ICE_SERVER_TLS : ICE_SERVER_UDP;
	port = secure ? 5349 : 3478;
	if (!take_host(&rest, &server.host) || !is_host(server.host))
		return WLK_ERR_PARSE;
	if (rest.size && (!take_scheme(&rest, STR(":")) || !str_u32(rest, UINT16_MAX, &port) || !port))
		return WLK_ERR_PARSE;
	server.port = (uint16_t)port;
	if (has_query) {
		err = server.is_turn ? parse_transport(&server, query, secure) : WLK_ERR_PARSE;
		if (err)
			return err;
	}
	*out = server;
	return WLK_OK;
}
