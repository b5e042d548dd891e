#include "ice/checklist.h"

#include "core/addr.h"
#include "core/alloc.h"

void checklist_init(struct checklist *list, size_t limit)
{
	*list = (struct checklist){ .limit = limit, .next_id = 1 };
	list_init(&list->triggered);
}

void checklist_free(struct checklist *list)
{
	for (size_t i = 0; i < list->count; i++)
		wlk_free(list->pairs[i]);
	wlk_free(list->pairs);
	checklist_init(list, list->limit);
}

static bool is_unfinished(const struct ice_pair *pair)
{
	return pair->state == PAIR_FROZEN || pair->state == PAIR_WAITING || pair->state == PAIR_IN_PROGRESS;
}

/* Whether another pair of the same foundation is Waiting or In-Progress. */
static bool has_active_twin(const struct checklist *list, const struct ice_pair *pair)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct ice_pair *twin = list->pairs[i];

		if (twin != pair && twin->generation == pair->generation &&
		    (twin->state == PAIR_WAITING || twin->state == PAIR_IN_PROGRESS) &&
		    ice_pair_same_foundation(twin, pair))
			return true;
	}
	return false;
}

static void insert_sorted(struct checklist *list, struct ice_pair *pair)
{
	size_t at = list->count++;

	for (; at > 0 && list->pairs[at - 1]->priority < pair->priority; at--)
		list->pairs[at] = list->pairs[at - 1];
	list->pairs[at] = pair;
}

wlk_err checklist_add(struct checklist *list, struct ice_pair **out, struct ice_base *base,
		      struct ice_local_candidate *local, struct ice_remote_candidate *remote, uint32_t generation,
		      bool controlling)
{
	uint64_t priority = ice_pair_priority(local->candidate.priority, remote->candidate.priority, controlling);
	struct ice_pair *pair;

	assert(!checklist_find(list, base, &remote->candidate.addr, generation) && "a path has one pair a generation");
	if (list->count >= list->limit)
		return WLK_ERR_TOO_LARGE;
	if (!array_reserve((void **)&list->pairs, &list->capacity, list->count + 1, sizeof(struct ice_pair *)))
		return WLK_ERR_NOMEM;
	pair = wlk_calloc(1, sizeof(*pair));
	if (!pair)
		return WLK_ERR_NOMEM;
	pair->id = list->next_id++;
	pair->generation = generation;
	pair->base = base;
	pair->formed_from = local;
	pair->local = local;
	pair->remote = remote;
	pair->priority = priority;
	pair->retry_at = WLK_TIME_NEVER;
	list_init(&pair->link);
	pair->state = has_active_twin(list, pair) ? PAIR_FROZEN : PAIR_WAITING;
	insert_sorted(list, pair);
	*out = pair;
	return WLK_OK;
}

void checklist_remove(struct checklist *list, struct ice_pair *pair)
{
	size_t at = 0;

	while (at < list->count && list->pairs[at] != pair)
		at++;
	assert(at < list->count && "a pair is removed once, from its own list");
	for (list->count--; at < list->count; at++)
		list->pairs[at] = list->pairs[at + 1];
	list_remove(&pair->link);
	wlk_free(pair);
}

struct ice_pair *checklist_victim(const struct checklist *list)
{
	struct ice_pair *victim = NULL;

	for (size_t i = list->count; i-- > 0;) {
		struct ice_pair *pair = list->pairs[i];

		if (pair->valid || pair->state == PAIR_IN_PROGRESS || pair->triggered)
			continue;
		if (pair->state == PAIR_FAILED)
			return pair;
		if (!victim)
			victim = pair;
	}
	return victim;
}

struct ice_pair *checklist_find(const struct checklist *list, const struct ice_base *base, const wlk_addr *remote,
				uint32_t generation)
{
	for (size_t i = 0; i < list->count; i++) {
		struct ice_pair *pair = list->pairs[i];

		if (pair->base == base && pair->generation == generation &&
		    addr_equal(&pair->remote->candidate.addr, remote))
			return pair;
	}
	return NULL;
}

void checklist_recompute(struct checklist *list, bool controlling)
{
	size_t count = list->count;

	list->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct ice_pair *pair = list->pairs[i];

		pair->priority = ice_pair_priority(pair->formed_from->candidate.priority,
						   pair->remote->candidate.priority, controlling);
		insert_sorted(list, pair);
	}
}

void checklist_unfreeze_like(struct checklist *list, const struct ice_pair *pair)
{
	for (size_t i = 0; i < list->count; i++) {
		struct ice_pair *twin = list->pairs[i];

		if (twin->state == PAIR_FROZEN && twin->generation == pair->generation &&
		    ice_pair_same_foundation(twin, pair))
			twin->state = PAIR_WAITING;
	}
}

void checklist_trigger(struct checklist *list, struct ice_pair *pair)
{
	if (pair->triggered)
		return;
	pair->triggered = true;
	list_push_back(&list->triggered, &pair->link);
}

struct ice_pair *checklist_pop_triggered(struct checklist *list)
{
	struct list *item = list_pop_front(&list->triggered);
	struct ice_pair *pair;

	if (!item)
		return NULL;
	pair = list_entry(item, struct ice_pair, link);
	pair->triggered = false;
	return pair;
}

struct ice_pair *checklist_next(struct checklist *list, uint32_t generation, bool look)
{
	struct ice_pair *frozen = NULL;

	for (size_t i = 0; i < list->count; i++) {
		struct ice_pair *pair = list->pairs[i];

		if (pair->generation != generation || pair->triggered)
			continue;
		if (pair->state == PAIR_WAITING)
			return pair;
		if (pair->state == PAIR_FROZEN && !frozen && !has_active_twin(list, pair))
			frozen = pair;
	}
	if (frozen && !look)
		frozen->state = PAIR_WAITING;
	return frozen;
}

size_t checklist_unfinished(const struct checklist *list, uint32_t generation)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->pairs[i]->generation == generation && is_unfinished(list->pairs[i]);
	return count;
}

struct ice_pair *checklist_best_valid(const struct checklist *list, uint32_t generation)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->pairs[i]->valid && (!generation || list->pairs[i]->generation == generation))
			return list->pairs[i];
	return NULL;
}
