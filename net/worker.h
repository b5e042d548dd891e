/* A few threads that run the codec jobs of a loop, and post them back to it. */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "core/list.h"
#include "media/track/job.h"
#include "net/mailbox.h"

enum { WORKERS_MAX = 4 };

struct worker_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list waiting; /* struct work */
	bool stop;
	pthread_t threads[WORKERS_MAX];
	size_t thread_count, idle;
	struct mailbox *mailbox;
	void (*done)(void *user, struct track_job *job, wlk_time spent); /* on the mailbox's thread */
	void *user;
	size_t under_way; /* of the mailbox's thread */
};

/* No thread is made before the first job. */
void worker_pool_init(struct worker_pool *p, struct mailbox *mailbox, void (*done)(void *user, struct track_job *job, wlk_time spent),
		      void *user);
/*
 * Ends the threads after what they are doing, and runs the mailbox: every job has come to done() then, run or not. Those that come
 * later are run where they are handed in. Once; before the mailbox is closed.
 */
void worker_pool_stop(struct worker_pool *p);
/* Stops it when that was not done. */
void worker_pool_free(struct worker_pool *p);
/* Takes |job| over until it comes to done(); at once, run, when there is neither thread nor memory. */
void worker_pool_run(struct worker_pool *p, struct track_job *job);

#endif
