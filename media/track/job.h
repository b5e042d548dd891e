/* Work that takes long, encoding and decoding, handed out by tracks to be done elsewhere: on a thread, or at once. */
#ifndef MEDIA_TRACK_JOB_H
#define MEDIA_TRACK_JOB_H

#include "core/list.h"
#include "core/time.h"

/*
 * A job owns what it works on (an encoder, a frame) from poll_job to done, so nothing is locked: track_job_run() touches
 * nothing else and may be called on any thread. All else happens on the track's thread. A track that goes away leaves its jobs
 * behind; they are given back all the same and end there.
 */
struct track_job {
	struct list link;  /* in its track's list, while there is one */
	void *track;       /* NULL: gone */
	void *user;        /* of whoever runs jobs; NULL: gone */
	wlk_time begun;    /* when it was handed out */
	void *kept;        /* what its codec stands on, let go by |release| when all is over; NULL: nothing */
	void (*release)(void *kept);
	void (*run)(struct track_job *job);
	void (*done)(struct track_job *job, wlk_time now, wlk_time spent); /* takes the job over */
	void (*free)(struct track_job *job);
};

/** Do the work. On any thread. */
static inline void track_job_run(struct track_job *job)
{
	job->run(job);
}

/** Give it back, done. |spent| is how long it took [us]; 0: not measured. On the track's thread. */
static inline void track_on_job(struct track_job *job, wlk_time now, wlk_time spent)
{
	void (*release)(void *kept) = job->release;
	void *kept = job->kept;

	list_remove(&job->link);
	if (job->track)
		job->done(job, now, spent);
	else
		job->free(job);
	if (kept)
		release(kept);
}

/** The track goes: its jobs are on their own. */
static inline void track_jobs_forget(struct list *jobs)
{
	list_for_each_safe(item, jobs)
	{
		struct track_job *job = list_entry(item, struct track_job, link);

		job->track = NULL;
		job->user = NULL;
		list_remove(item);
	}
}

#endif
