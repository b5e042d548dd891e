/* Host names to addresses, off the loop: one thread a process, started by the first name, answers by mailbox. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/mailbox.h"

enum {
	RESOLVE_ADDRESSES_MAX = 8, /* of one name; more are ignored */
	RESOLVE_QUEUE_MAX = 64     /* names of the whole process that wait for the thread */
};

struct resolve_query;

/* |addresses| are borrowed for the call; none when |err| is set: WLK_ERR_NOT_FOUND, WLK_ERR_NOMEM or WLK_ERR_IO. */
typedef void (*resolve_done_fn)(void *user, wlk_err err, const wlk_addr *addresses, size_t count);

/* True and the address (port 0) when |host| is an IP literal: no thread is needed for it. */
bool resolve_literal(const char *host, wlk_addr *out);

/*
 * Look |host| up. |done| is called once by mailbox_run(mb), unless the query was cancelled.
 *
 * Errors: WLK_ERR_INVALID (empty or above 253 characters), WLK_ERR_AGAIN (RESOLVE_QUEUE_MAX names wait), WLK_ERR_NOMEM,
 * WLK_ERR_IO (no thread).
 */
wlk_err resolve_start(struct mailbox *mb, const char *host, resolve_done_fn done, void *user,
		      struct resolve_query **out);
/* Forget a query whose |done| was not called, on the mailbox's thread; before the mailbox is freed. cancel(NULL) does
 * nothing. */
void resolve_cancel(struct resolve_query *query);

#endif
