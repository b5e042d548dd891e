/* Functions sent to a loop from any thread: a queue with one reader, and a descriptor that is readable while there is
 * mail. */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <pthread.h>

#include "core/err.h"

/* One message. Embedded in its sender's object for mailbox_send(), so that sending cannot fail for want of memory. */
struct mail {
	void (*fn)(void *user);
	void *user;
	struct mail *next;
	bool queued; /* guarded by the mailbox's lock */
	bool owned;  /* made by mailbox_post(), which frees it */
};

struct mailbox {
	pthread_mutex_t lock;
	struct mail *first;
	struct mail **last;
	struct mail *batch; /* taken out, not yet run */
	bool running;
	int fd;             /* eventfd, for the reader's poller */
	bool closed;
};

/* WLK_ERR_IO when the kernel gives no descriptor. */
wlk_err mailbox_init(struct mailbox *mb);
/* Mail that is still inside is forgotten: close and run first. */
void mailbox_free(struct mailbox *mb);

/* Run |fn| on the reader's thread, once, in the order of posting. THREAD-SAFE. Errors: WLK_ERR_NOMEM, WLK_ERR_CLOSED.
 */
wlk_err mailbox_post(struct mailbox *mb, void (*fn)(void *user), void *user);
/* The same without memory; false when |mail| waits already, or the mailbox is closed. THREAD-SAFE. */
bool mailbox_send(struct mailbox *mb, struct mail *mail);
/* Make the descriptor readable without any mail. THREAD-SAFE. */
void mailbox_wake(struct mailbox *mb);

/* Reader's thread: take |mail| out if it has not run yet. */
void mailbox_withdraw(struct mailbox *mb, struct mail *mail);
/* Reader's thread: run what is inside now; what these functions post waits for the next call. Not inside itself. */
void mailbox_run(struct mailbox *mb);
/* The same for one function only. True: more were inside already; call it again, or mailbox_wake() to be reminded. */
bool mailbox_run_one(struct mailbox *mb);
/* From now on nothing is accepted. */
void mailbox_close(struct mailbox *mb);

#endif
