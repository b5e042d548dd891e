/* How much of a peer's candidates, and of the pairs they make, is kept (R8): caps that all agents of one connection share. */
#ifndef ICE_CAP_H
#define ICE_CAP_H

#include <stdbool.h>
#include <stddef.h>

struct ice_cap_user;

/* One cap. Zero-initialised: nobody uses it. It outlives its users. */
struct ice_cap {
	struct ice_cap_user *users;
};

struct ice_caps {
	struct ice_cap remotes;
	struct ice_cap pairs;
};

/* An agent under a cap, embedded in it. */
struct ice_cap_user {
	struct ice_cap *cap;
	struct ice_cap_user *next;
	size_t limit; /* of all users together */
	/* How many it has. */
	size_t (*count)(const struct ice_cap_user *u);
	/* Let go of the one that is missed least; false: all are needed. */
	bool (*give_up)(struct ice_cap_user *u);
};

/* |count| and |give_up| are set. */
void ice_cap_join(struct ice_cap_user *u, struct ice_cap *cap, size_t limit);
/* What it has is counted no more, and it gets no more. May be called again. */
void ice_cap_leave(struct ice_cap_user *u);

/*
 * Whether |u| may have one more. At the limit whoever has less than an equal share gets it from the one that has most, so that a
 * transport that comes later finds a path, too. What |u| itself could give up is its own to decide.
 */
bool ice_cap_make_room(struct ice_cap_user *u);

#endif
