/* Intrusive doubly linked list with a sentinel head. */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include "core/err.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert_before(struct list *place, struct list *item)
{
	item->prev = place->prev;
	item->next = place;
	place->prev->next = item;
	place->prev = item;
}

static inline void list_push_back(struct list *head, struct list *item)
{
	list_insert_before(head, item);
}

static inline void list_push_front(struct list *head, struct list *item)
{
	list_insert_before(head->next, item);
}

/* Take |item| out; it then is an empty list of its own, so that removing twice is harmless. */
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

static inline struct list *list_pop_front(struct list *head)
{
	struct list *item = head->next;

	if (item == head)
		return NULL;
	list_remove(item);
	return item;
}

#define list_entry(item, type, member) CONTAINER_OF(item, type, member)
#define list_for_each(item, head) for (struct list *item = (head)->next; item != (head); item = item->next)
/* Safe against removal of |item| itself. */
#define list_for_each_safe(item, head)                                                                  \
	for (struct list *item = (head)->next, *item##_next = item->next; item != (head); item = item##_next, \
			 item##_next = item->next)

#endif
