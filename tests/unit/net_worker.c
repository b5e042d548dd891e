#include "net/worker.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

enum { JOBS = 200 };

struct counted {
	struct track_job job;
	pthread_t ran_on;
	bool ran, freed;
};

static struct counted jobs[JOBS];
static atomic_uint runs;
static unsigned given_back;

static void run(struct track_job *job)
{
	struct counted *c = CONTAINER_OF(job, struct counted, job);

	c->ran = true;
	c->ran_on = pthread_self();
	atomic_fetch_add(&runs, 1);
}

static void end(struct track_job *job)
{
	CONTAINER_OF(job, struct counted, job)->freed = true;
}

static void done(void *user, struct track_job *job, wlk_time spent)
{
	(void)user;
	assert_true(spent >= 0);
	given_back++;
	track_on_job(job, 0, spent); /* without a track it ends here */
}

static void start(struct worker_pool *pool, struct mailbox *mailbox)
{
	assert_int_equal(mailbox_init(mailbox), WLK_OK);
	worker_pool_init(pool, mailbox, done, NULL);
	atomic_store(&runs, 0);
	given_back = 0;
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct counted){ .job = { .run = run, .free = end } };
		list_init(&jobs[i].job.link);
		worker_pool_run(pool, &jobs[i].job);
	}
}

static void test_jobs_run_elsewhere_and_come_back(void **state)
{
	struct worker_pool pool;
	struct mailbox mailbox;
	struct pollfd fd;

	(void)state;
	start(&pool, &mailbox);
	fd = (struct pollfd){ .fd = mailbox.fd, .events = POLLIN };
	while (given_back < JOBS && poll(&fd, 1, 10000) > 0)
		mailbox_run(&mailbox);
	assert_int_equal(given_back, JOBS);
	assert_int_equal(atomic_load(&runs), JOBS);
	for (int i = 0; i < JOBS; i++)
		assert_true(jobs[i].freed && !pthread_equal(jobs[i].ran_on, pthread_self()));
	worker_pool_free(&pool);
	mailbox_free(&mailbox);
}

static void test_all_come_back_when_it_ends(void **state)
{
	struct worker_pool pool;
	struct mailbox mailbox;

	(void)state;
	start(&pool, &mailbox);
	worker_pool_stop(&pool);
	assert_int_equal(given_back, JOBS);
	jobs[0] = (struct counted){ .job = { .run = run, .free = end } };
	list_init(&jobs[0].job.link);
	worker_pool_run(&pool, &jobs[0].job); /* late: at once */
	assert_true(jobs[0].ran && jobs[0].freed && pthread_equal(jobs[0].ran_on, pthread_self()));
	worker_pool_free(&pool);
	mailbox_free(&mailbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_run_elsewhere_and_come_back),
		cmocka_unit_test(test_all_come_back_when_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
