#include "net/mailbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/alloc.h"

wlk_err mailbox_init(struct mailbox *mb)
{
	*mb = (struct mailbox){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	mb->last = &mb->first;
	if (mb->fd < 0)
		return WLK_ERR_IO;
	pthread_mutex_init(&mb->lock, NULL);
	return WLK_OK;
}

void mailbox_free(struct mailbox *mb)
{
	if (mb->fd < 0)
		return;
	while (mb->first) {
		struct mail *mail = mb->first;

		mb->first = mail->next;
		if (mail->owned)
			wlk_free(mail);
	}
	close(mb->fd);
	pthread_mutex_destroy(&mb->lock);
	mb->fd = -1;
}

void mailbox_wake(struct mailbox *mb)
{
	uint64_t one = 1;

	while (write(mb->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/*
 * The reader empties the descriptor before it takes the list, and a sender writes it after it has filled the list:
 * whichever comes first, mail that was not taken leaves the descriptor readable.
 */
static bool enqueue(struct mailbox *mb, struct mail *mail)
{
	bool was_empty, accepted;

	pthread_mutex_lock(&mb->lock);
	was_empty = !mb->first;
	accepted = !mb->closed && !mail->queued;
	if (accepted) {
		mail->queued = true;
		mail->next = NULL;
		*mb->last = mail;
		mb->last = &mail->next;
	}
	/* Under the lock, so that the mailbox cannot be freed by a reader who saw the mail, before the write. */
	if (accepted && was_empty)
		mailbox_wake(mb);
	pthread_mutex_unlock(&mb->lock);
	return accepted;
}

wlk_err mailbox_post(struct mailbox *mb, void (*fn)(void *user), void *user)
{
	struct mail *mail = wlk_malloc(sizeof(*mail));

	if (!mail)
		return WLK_ERR_NOMEM;
	*mail = (struct mail){ .fn = fn, .user = user, .owned = true };
	if (enqueue(mb, mail))
		return WLK_OK;
	wlk_free(mail);
	return WLK_ERR_CLOSED;
}

bool mailbox_send(struct mailbox *mb, struct mail *mail)
{
	return enqueue(mb, mail);
}

/* True when |mail| was found behind |at| and unlinked. */
static bool unlink_from(struct mail **at, struct mail *mail)
{
	while (*at && *at != mail)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = mail->next;
	return true;
}

void mailbox_withdraw(struct mailbox *mb, struct mail *mail)
{
	pthread_mutex_lock(&mb->lock);
	if (mail->queued && !unlink_from(&mb->batch, mail))
		unlink_from(&mb->first, mail);
	mail->queued = false;
	mb->last = &mb->first;
	while (*mb->last)
		mb->last = &(*mb->last)->next;
	pthread_mutex_unlock(&mb->lock);
}

static void take_all(struct mailbox *mb)
{
	uint64_t count;

	while (read(mb->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&mb->lock);
	mb->batch = mb->first;
	mb->first = NULL;
	mb->last = &mb->first;
	pthread_mutex_unlock(&mb->lock);
}

static struct mail *take_one(struct mailbox *mb)
{
	struct mail *mail;

	pthread_mutex_lock(&mb->lock);
	mail = mb->batch;
	if (mail) {
		mb->batch = mail->next;
		mail->queued = false;
	}
	pthread_mutex_unlock(&mb->lock);
	return mail;
}

static void run(struct mailbox *mb, struct mail *mail)
{
	void (*fn)(void *user) = mail->fn;
	void *user = mail->user;

	/* |mail| may be gone, or sent again, as soon as fn() runs. */
	if (mail->owned)
		wlk_free(mail);
	mb->running = true;
	fn(user);
	mb->running = false;
}

static void run_batch(struct mailbox *mb)
{
	struct mail *mail;

	while ((mail = take_one(mb)))
		run(mb, mail);
}

void mailbox_run(struct mailbox *mb)
{
	assert(!mb->running && "mailbox_run() is not called inside posted functions");
	run_batch(mb); /* what mailbox_run_one() left */
	take_all(mb);
	run_batch(mb);
}

bool mailbox_run_one(struct mailbox *mb)
{
	struct mail *mail;

	assert(!mb->running && "mailbox_run_one() is not called inside posted functions");
	if (!mb->batch)
		take_all(mb);
	mail = take_one(mb);
	if (mail)
		run(mb, mail);
	return mb->batch;
}

void mailbox_close(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	mb->closed = true;
	pthread_mutex_unlock(&mb->lock);
}
