/* Candidate lines: what parses is written, parses again to the same, and writes to the same text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "ice/candidate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			abort();                                                                                       \
	} while (0)

static bool same_addr(const wlk_addr *a, const wlk_addr *b)
{
	return a->family == b->family && a->port == b->port && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

static void check_same(const struct ice_candidate_line *a, const struct ice_candidate_line *b)
{
	const struct ice_candidate *x = &a->candidate, *y = &b->candidate;

	CHECK(x->type == y->type && x->transport == y->transport && x->tcptype == y->tcptype);
	CHECK(x->component == y->component && x->priority == y->priority && !strcmp(x->foundation, y->foundation));
	CHECK(same_addr(&x->addr, &y->addr) && same_addr(&x->related, &y->related));
	CHECK(str_equal(a->host, b->host) && str_equal(a->related_host, b->related_host));
	CHECK(str_equal(a->ufrag, b->ufrag));
	CHECK(a->has_generation == b->has_generation && a->generation == b->generation);
	CHECK(a->network_id == b->network_id && a->network_cost == b->network_cost);
}

static void check_bounds(const struct ice_candidate_line *line)
{
	const struct ice_candidate *c = &line->candidate;

	CHECK(c->component >= 1 && c->component <= 256 && strlen(c->foundation) <= ICE_FOUNDATION_MAX);
	CHECK(line->host.size <= ICE_HOST_NAME_MAX && (line->host.size != 0) == addr_is_none(&c->addr));
	CHECK((c->transport == ICE_TCP) == (c->tcptype != CANDIDATE_TCP_NONE));
	CHECK(!line->mapped || c->addr.family == 4);
	if (ice_remote_address_allowed(&c->addr, 0))
		CHECK(c->addr.port && !addr_is_loopback(&c->addr) && !addr_is_multicast(&c->addr));
}

/* The numbers that belong to such a candidate keep their ranges and their order. */
static void check_numbers(const struct ice_candidate *c)
{
	char a[ICE_FOUNDATION_MAX + 1], b[ICE_FOUNDATION_MAX + 1];
	uint16_t local = c->transport == ICE_TCP ? ice_tcp_local_preference(c->type, c->tcptype, c->addr.port & 0x1FFF)
						 : c->addr.port;
	uint32_t priority = ice_candidate_priority(c->type, local, c->component);

	CHECK(priority < 1u << 31);
	CHECK(c->component == 1 || priority < ice_candidate_priority(c->type, local, 1));
	CHECK(*ice_candidate_type_name(c->type));
	CHECK(ice_candidate_foundation(a, c->type, c->transport, &c->addr, NULL, 1) == WLK_OK);
	CHECK(ice_candidate_foundation(b, c->type, c->transport, &c->addr, &c->addr, 1) == WLK_OK);
	CHECK(strcmp(a, b) != 0 || addr_is_none(&c->addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ice_candidate_line line, again;
	struct text first, second;

	if (ice_candidate_line_parse(&line, (struct str){ (const char *)data, size }))
		return 0;
	check_bounds(&line);
	check_numbers(&line.candidate);
	text_init(&first);
	text_init(&second);
	ice_candidate_line_write(&first, &line);
	CHECK(text_ok(&first));
	CHECK(ice_candidate_line_parse(&again, (struct str){ first.at, first.size }) == WLK_OK);
	check_same(&line, &again);
	ice_candidate_line_write(&second, &again);
	CHECK(text_ok(&second) && !strcmp(first.at, second.at));
	text_clear(&second);
	if (!line.host.size) {
		ice_candidate_write(&second, &line.candidate);
		CHECK(text_ok(&second) && second.size <= first.size && !strncmp(first.at, second.at, 12));
	}
	text_free(&first);
	text_free(&second);
	return 0;
}
