/* The checklist (RFC 8445 6.1.2): pairs by priority, freezing, the triggered-check queue, the choice of the next check.
 */
#ifndef ICE_CHECKLIST_H
#define ICE_CHECKLIST_H

#include "ice/pair.h"

struct checklist {
	struct ice_pair **pairs; /* highest priority first */
	size_t count;
	size_t capacity;
	size_t limit;
	uint32_t next_id;
	struct list triggered; /* FIFO of pairs by |link| */
};

void checklist_init(struct checklist *list, size_t limit);
/* Frees all pairs; candidates and bases belong to others. */
void checklist_free(struct checklist *list);

/*
 * Add a pair, Frozen or Waiting by the rule of RFC 8445 6.1.2.6. There must be none of that path and generation yet.
 * WLK_ERR_NOMEM; WLK_ERR_TOO_LARGE: |limit| pairs are there, see checklist_victim().
 */
wlk_err checklist_add(struct checklist *list, struct ice_pair **out, struct ice_base *base,
		      struct ice_local_candidate *local, struct ice_remote_candidate *remote, uint32_t generation,
		      bool controlling);
/* The pair that is missed least when room is needed: a Failed one, else the worst that waits; NULL: all are busy. */
struct ice_pair *checklist_victim(const struct checklist *list);
/* Takes it out and frees it; whoever else points to it has to forget it before. */
void checklist_remove(struct checklist *list, struct ice_pair *pair);

struct ice_pair *checklist_find(const struct checklist *list, const struct ice_base *base, const wlk_addr *remote,
				uint32_t generation);

/* New priorities after a change of role or of a candidate, and the order by them. */
void checklist_recompute(struct checklist *list, bool controlling);

/* A check succeeded: Frozen pairs of its foundation become Waiting (RFC 8445 7.2.5.3.3). */
void checklist_unfreeze_like(struct checklist *list, const struct ice_pair *pair);

void checklist_trigger(struct checklist *list, struct ice_pair *pair);
/* The oldest of the triggered-check queue, taken out, or NULL. */
struct ice_pair *checklist_pop_triggered(struct checklist *list);
static inline bool checklist_has_triggered(const struct checklist *list)
{
	return !list_empty(&list->triggered);
}

/*
 * The next ordinary check of |generation| (RFC 8445 6.1.4.2): the best Waiting pair, else the best Frozen one none of
 * whose like is Waiting or In-Progress, which is Waiting then. NULL: none. With |look| nothing is changed.
 */
struct ice_pair *checklist_next(struct checklist *list, uint32_t generation, bool look);

/* Pairs of |generation| that are Frozen, Waiting or In-Progress. */
size_t checklist_unfinished(const struct checklist *list, uint32_t generation);
/* The valid pair of highest priority, or NULL; |generation| 0: of any. */
struct ice_pair *checklist_best_valid(const struct checklist *list, uint32_t generation);

#endif
