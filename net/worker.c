#include "net/worker.h"

#include <signal.h>
#include <unistd.h>

#include "core/alloc.h"
#include "net/clock.h"

struct work {
	struct list link;
	struct worker_pool *pool;
	struct track_job *job;
	wlk_time spent;
	struct mail mail;
};

void worker_pool_init(struct worker_pool *p, struct mailbox *mailbox, void (*done)(void *user, struct track_job *job, wlk_time spent),
		      void *user)
{
	*p = (struct worker_pool){ .mailbox = mailbox, .done = done, .user = user };
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	list_init(&p->waiting);
}

static void finish(struct work *w)
{
	struct worker_pool *p = w->pool;
	struct track_job *job = w->job;
	wlk_time spent = w->spent;

	p->under_way--;
	wlk_free(w);
	p->done(p->user, job, spent);
}

static void on_mail(void *user)
{
	finish(user);
}

static struct work *next_work(struct worker_pool *p)
{
	struct list *link;

	pthread_mutex_lock(&p->lock);
	p->idle++;
	while (!p->stop && list_empty(&p->waiting))
		pthread_cond_wait(&p->wake, &p->lock);
	p->idle--;
	link = p->stop ? NULL : list_pop_front(&p->waiting);
	pthread_mutex_unlock(&p->lock);
	return link ? list_entry(link, struct work, link) : NULL;
}

static void *worker_thread(void *user)
{
	struct worker_pool *p = user;
	struct work *w;

	while ((w = next_work(p))) {
		wlk_time begin = clock_monotonic();

		track_job_run(w->job);
		w->spent = clock_monotonic() - begin;
		mailbox_send(p->mailbox, &w->mail);
	}
	return NULL;
}

static size_t worth_having(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : MIN((size_t)cores, (size_t)WORKERS_MAX);
}

/* One more thread when all are busy. */
static void grow(struct worker_pool *p)
{
	sigset_t all, before;

	if (p->stop || p->thread_count >= worth_having())
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!pthread_create(&p->threads[p->thread_count], NULL, worker_thread, p)) {
		pthread_setname_np(p->threads[p->thread_count], "wlk-codec");
		p->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void run_here(struct worker_pool *p, struct track_job *job)
{
	wlk_time begin = clock_monotonic();

	track_job_run(job);
	p->done(p->user, job, clock_monotonic() - begin);
}

void worker_pool_run(struct worker_pool *p, struct track_job *job)
{
	struct work *w = wlk_calloc(1, sizeof(*w));
	bool busy;

	pthread_mutex_lock(&p->lock);
	busy = !p->idle || !list_empty(&p->waiting);
	pthread_mutex_unlock(&p->lock);
	if (busy)
		grow(p);
	if (!w || !p->thread_count) {
		wlk_free(w);
		run_here(p, job);
		return;
	}
	*w = (struct work){ .pool = p, .job = job, .mail = { .fn = on_mail, .user = w } };
	list_init(&w->link);
	p->under_way++;
	pthread_mutex_lock(&p->lock);
	list_push_back(&p->waiting, &w->link);
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

void worker_pool_stop(struct worker_pool *p)
{
	struct list *link;

	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	p->thread_count = 0; /* jobs that come yet are run where they are */
	while ((link = list_pop_front(&p->waiting)))
		finish(list_entry(link, struct work, link));
	/* What was done is in the mailbox, which runs once more before it goes. */
	if (p->under_way)
		mailbox_run(p->mailbox);
}

void worker_pool_free(struct worker_pool *p)
{
	if (!p->stop)
		worker_pool_stop(p);
	assert(!p->under_way && "every job has come back");
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
}
