#include "net/resolve.h"

#include <netdb.h>
#include <signal.h>
#include <string.h>

#include "core/addr.h"
#include "core/alloc.h"
#include "core/list.h"
#include "net/sockaddr.h"

enum { HOST_MAX = 253 };

enum query_state {
	QUERY_WAITING,  /* in |waiting|; owned by its asker */
	QUERY_RUNNING,  /* the thread reads |host|; owned by its asker */
	QUERY_ANSWERED, /* in the mailbox; owned by its asker */
	QUERY_ORPHANED  /* cancelled while the thread reads |host|; owned by the thread */
};

struct resolve_query {
	struct list link;
	enum query_state state;
	struct mailbox *mailbox;
	struct mail mail;
	resolve_done_fn done;
	void *user;
	wlk_err err;
	wlk_addr addresses[RESOLVE_ADDRESSES_MAX];
	size_t count;
	char host[];
};

/* Guards everything here. A mailbox's own lock is taken inside of it, never the other way round. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static struct list waiting = { &waiting, &waiting };
static size_t waiting_count;
static bool thread_runs;

bool resolve_literal(const char *host, wlk_addr *out)
{
	return addr_parse(out, host, strlen(host), 0) == WLK_OK;
}

static bool already_listed(const struct resolve_query *q, const wlk_addr *addr)
{
	for (size_t i = 0; i < q->count; i++)
		if (addr_equal(&q->addresses[i], addr))
			return true;
	return false;
}

static void keep_addresses(struct resolve_query *q, const struct addrinfo *found)
{
	for (; found && q->count < RESOLVE_ADDRESSES_MAX; found = found->ai_next) {
		wlk_addr addr = sockaddr_to(found->ai_addr);

		if (!addr_is_none(&addr) && !already_listed(q, &addr))
			q->addresses[q->count++] = addr;
	}
	q->err = q->count ? WLK_OK : WLK_ERR_NOT_FOUND;
}

static void look_up(struct resolve_query *q)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;

	switch (getaddrinfo(q->host, NULL, &hints, &found)) {
	case 0:
		keep_addresses(q, found);
		freeaddrinfo(found);
		break;
	case EAI_NONAME:
	case EAI_NODATA:
		q->err = WLK_ERR_NOT_FOUND;
		break;
	case EAI_MEMORY:
		q->err = WLK_ERR_NOMEM;
		break;
	default:
		q->err = WLK_ERR_IO;
	}
}

static void on_answer(void *user)
{
	struct resolve_query *q = user;

	q->done(q->user, q->err, q->addresses, q->count);
	wlk_free(q);
}

static void *resolver_thread(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	for (;;) {
		struct resolve_query *q;

		while (list_empty(&waiting))
			pthread_cond_wait(&arrived, &lock);
		q = list_entry(list_pop_front(&waiting), struct resolve_query, link);
		waiting_count--;
		q->state = QUERY_RUNNING;
		pthread_mutex_unlock(&lock);
		look_up(q);
		pthread_mutex_lock(&lock);
		if (q->state == QUERY_ORPHANED) {
			wlk_free(q);
			continue;
		}
		q->state = QUERY_ANSWERED;
		q->mail = (struct mail){ .fn = on_answer, .user = q };
		mailbox_send(q->mailbox, &q->mail);
	}
	return NULL;
}

/* Under |lock|. The thread lives as long as the process; signals are the host's business. */
static bool ensure_thread(void)
{
	sigset_t all, before;
	pthread_t thread;

	if (thread_runs)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	thread_runs = pthread_create(&thread, NULL, resolver_thread, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (thread_runs) {
		pthread_setname_np(thread, "wlk-resolve");
		pthread_detach(thread);
	}
	return thread_runs;
}

static wlk_err enqueue(struct resolve_query *q)
{
	wlk_err err = WLK_OK;

	pthread_mutex_lock(&lock);
	if (waiting_count >= RESOLVE_QUEUE_MAX) {
		err = WLK_ERR_AGAIN;
	} else if (!ensure_thread()) {
		err = WLK_ERR_IO;
	} else {
		list_push_back(&waiting, &q->link);
		waiting_count++;
		pthread_cond_signal(&arrived);
	}
	pthread_mutex_unlock(&lock);
	return err;
}

wlk_err resolve_start(struct mailbox *mb, const char *host, resolve_done_fn done, void *user,
		      struct resolve_query **out)
{
	size_t size = strlen(host);
	struct resolve_query *q;
	wlk_err err;

	if (!size || size > HOST_MAX)
		return WLK_ERR_INVALID;
	q = wlk_calloc(1, sizeof(*q) + size + 1);
	if (!q)
		return WLK_ERR_NOMEM;
	q->mailbox = mb;
	q->done = done;
	q->user = user;
	memcpy(q->host, host, size + 1);
	err = enqueue(q);
	if (err) {
		wlk_free(q);
		return err;
	}
	*out = q; /* in time: |done| waits for mailbox_run() on this thread */
	return WLK_OK;
}

void resolve_cancel(struct resolve_query *q)
{
	bool ours = true;

	if (!q)
		return;
	pthread_mutex_lock(&lock);
	if (q->state == QUERY_WAITING) {
		list_remove(&q->link);
		waiting_count--;
	} else if (q->state == QUERY_RUNNING) {
		q->state = QUERY_ORPHANED;
		ours = false;
	} else {
		mailbox_withdraw(q->mailbox, &q->mail);
	}
	pthread_mutex_unlock(&lock);
	if (ours)
		wlk_free(q);
}
