/* What the tests of agents with TURN servers share. */
#ifndef TESTS_UNIT_ICE_RELAY_SUPPORT_H
#define TESTS_UNIT_ICE_RELAY_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "tests/support/turn_world.h"

static const char *const one[] = { "turn:198.51.100.1", NULL };
static const struct ice_agent_config relay_only = { .policy = ICE_POLICY_RELAY };

static inline void init(struct turn_world *w, uint64_t seed, const struct ice_agent_config *config, const char *const *urls)
{
	turn_world_init(w, seed, config, config);
	for (int i = 0; i < 2; i++)
		assert_int_equal(turn_world_set_servers(w, i, urls, "user", "secret"), WLK_OK);
}

static inline bool both_complete(struct turn_world *w)
{
	return w->side[0].complete && w->side[1].complete;
}

static inline const struct ice_candidate *told(const struct turn_world *w, int side, enum ice_candidate_type type)
{
	for (size_t i = 0; i < w->side[side].candidate_count; i++)
		if (w->side[side].candidates[i].type == type)
			return &w->side[side].candidates[i];
	return NULL;
}

/* Allocation takes two round trips (401), then the checks begin at once, with the permission right before them. */

static inline const struct turn_world_error *only_error(const struct turn_world *w, int side)
{
	assert_int_equal(w->side[side].error_count, 1);
	return &w->side[side].errors[0];
}

#endif
