#include "peer/id_list.h"

#include "core/alloc.h"

bool id_list_has(const struct id_list *list, struct str id)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(str_of(list->at[i]), id))
			return true;
	return false;
}

wlk_err id_list_add(struct id_list *list, struct str id)
{
	char *copy;

	if (id_list_has(list, id))
		return WLK_OK;
	if (!array_reserve((void **)&list->at, &list->capacity, list->count + 1, sizeof(list->at[0])))
		return WLK_ERR_NOMEM;
	copy = wlk_strndup(id.at, id.size);
	if (!copy)
		return WLK_ERR_NOMEM;
	list->at[list->count++] = copy;
	return WLK_OK;
}

void id_list_free(struct id_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		wlk_free(list->at[i]);
	wlk_free(list->at);
	*list = (struct id_list){ 0 };
}

void id_list_move(struct id_list *to, struct id_list *from)
{
	id_list_free(to);
	*to = *from;
	*from = (struct id_list){ 0 };
}

bool id_list_same(const struct id_list *a, const struct id_list *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = id_list_has(b, str_of(a->at[i]));
	return same;
}

const char *const *id_list_shown(const struct id_list *list, size_t *count)
{
	if (count)
		*count = list->count;
	return (const char *const *)list->at;
}
