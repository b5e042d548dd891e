/* RTCIceCandidate in its parts: the candidate line of RFC 8839 5.1 as a public value. */
#include "peer/candidate_info.h"

#include <string.h>

#include "core/addr.h"

/* What does not fit was refused by the parser's own limits; texts of ours are short. */
static void put(char *out, size_t size, struct str text)
{
	size_t length = MIN(text.size, size - 1);

	memcpy(out, text.at, length);
	out[length] = '\0';
}

static void put_address(char *out, size_t size, struct str host, const wlk_addr *addr)
{
	char text[WLK_ADDR_TEXT_MAX];

	if (host.size)
		put(out, size, host);
	else if (addr->family)
		put(out, size, str_of(addr_ip_text(addr, text)));
}

void candidate_info_fill(wlk_ice_candidate_info *out, const struct ice_candidate_line *line)
{
	const struct ice_candidate *c = &line->candidate;

	*out = (wlk_ice_candidate_info){
		.component = c->component,
		.priority = c->priority,
		.port = c->addr.port,
		.protocol = c->transport == ICE_UDP ? WLK_TRANSPORT_UDP : WLK_TRANSPORT_TCP,
		.type = (wlk_ice_candidate_type)c->type,
		.tcp_type = (wlk_ice_tcp_type)c->tcptype,
		.related_port = c->related.port,
	};
	put(out->foundation, sizeof(out->foundation), str_of(c->foundation));
	put_address(out->address, sizeof(out->address), line->host, &c->addr);
	put_address(out->related_address, sizeof(out->related_address), line->related_host, &c->related);
	if (line->ufrag.size)
		put(out->username_fragment, sizeof(out->username_fragment), line->ufrag);
}

wlk_err wlk_ice_candidate_parse(const char *line, wlk_ice_candidate_info *out)
{
	struct ice_candidate_line parsed = { 0 };
	wlk_err err;

	if (!line || !out)
		return WLK_ERR_INVALID;
	err = ice_candidate_line_parse(&parsed, str_of(line));
	if (!err && parsed.ufrag.size >= sizeof(out->username_fragment))
		err = WLK_ERR_PARSE; /* RFC 8839 5.4: 256 characters at most */
	if (!err)
		candidate_info_fill(out, &parsed);
	return err;
}

const char *wlk_ice_candidate_type_name(wlk_ice_candidate_type type)
{
	return (size_t)type <= CANDIDATE_RELAY ? ice_candidate_type_name((enum ice_candidate_type)type) : "unknown";
}

const char *wlk_ice_tcp_type_name(wlk_ice_tcp_type type)
{
	static const char *const names[] = { "", "active", "passive", "so" };

	return (size_t)type < ARRAY_SIZE(names) ? names[type] : "unknown";
}
