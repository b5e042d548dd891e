/* A set of ids of media streams, in the order given, each once. */
#ifndef PEER_ID_LIST_H
#define PEER_ID_LIST_H

#include "core/text.h"

struct id_list {
	char **at; /* owned; NULL when empty */
	size_t count;
	size_t capacity;
};

bool id_list_has(const struct id_list *list, struct str id);
/* Append a copy unless it is there. WLK_ERR_NOMEM leaves the list as it was. */
wlk_err id_list_add(struct id_list *list, struct str id) WLK_NODISCARD;
void id_list_free(struct id_list *list);
/* |from| becomes empty; what |to| had is freed. */
void id_list_move(struct id_list *to, struct id_list *from);
/* The same ids, in whatever order. */
bool id_list_same(const struct id_list *a, const struct id_list *b);
/* For the API, which shows the list as it is. */
const char *const *id_list_shown(const struct id_list *list, size_t *count);

#endif
