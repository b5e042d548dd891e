#include "ice/cap.h"

#include "core/err.h"

void ice_cap_join(struct ice_cap_user *u, struct ice_cap *cap, size_t limit)
{
	u->cap = cap;
	u->limit = limit;
	u->next = cap->users;
	cap->users = u;
}

void ice_cap_leave(struct ice_cap_user *u)
{
	struct ice_cap_user **at = u->cap ? &u->cap->users : NULL;

	if (!at)
		return;
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	u->cap = NULL;
}

bool ice_cap_make_room(struct ice_cap_user *u)
{
	struct ice_cap_user *most = NULL;
	size_t total = 0, users = 0;

	if (!u->cap)
		return false;
	for (struct ice_cap_user *other = u->cap->users; other; other = other->next) {
		size_t count = other->count(other);

		total += count;
		users++;
		if (!most || count > most->count(most))
			most = other;
	}
	if (total < u->limit)
		return true;
	return most != u && u->count(u) < u->limit / users && most->count(most) > u->limit / users && most->give_up(most);
}
