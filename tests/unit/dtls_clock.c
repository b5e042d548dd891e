/* The wall clock steps while a handshake retransmits: nothing of it is seen, because the timer runs by our own time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/time.h>

#include "dtls_pair.h"

static int64_t wall_s = 1800000000;
static uint64_t asked;

/* OpenSSL's only clock. */
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	(void)zone;
	asked++;
	*tv = (struct timeval){ .tv_sec = (time_t)wall_s };
	return 0;
}

static struct dtls_pair p;
static unsigned int seen;
static unsigned int lost_mask;

static unsigned int lose_by_mask(struct dtls_pair *pair, enum pair_side to, const uint8_t *data, size_t size,
				 wlk_time *d)
{
	(void)pair;
	(void)to;
	(void)data;
	(void)size;
	(void)d;
	return !(seen < 32 && lost_mask >> seen++ & 1);
}

static wlk_time handshake(unsigned int mask, int64_t step_s, int step_after)
{
	wlk_time start;
	int turns = 0;

	pair_init(&p, &(struct dtls_config){ .rtt_us = 20 * MILLISECOND });
	p.link = lose_by_mask;
	seen = 0;
	lost_mask = mask;
	start = p.now;
	pair_start(&p);
	while (!pair_connected(&p)) {
		if (turns++ == step_after)
			wall_s += step_s;
		assert_true(pair_step(&p, start + 30 * SECOND));
	}
	pair_free(&p);
	return p.now - start;
}

static void test_steps_of_an_hour_change_nothing(void **state)
{
	static const int64_t steps[] = { 3600, -3600, 86400 * 365, -86400 * 365 };

	(void)state;
	for (unsigned int mask = 0; mask < 16; mask++) {
		wlk_time expect = handshake(mask, 0, 0);

		for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
			for (int after = 0; after < 6; after++)
				assert_int_equal(handshake(mask, steps[i], after), expect);
		}
	}
	assert_true(asked > 0); /* the function above is the one that OpenSSL calls */
}

static void test_timers_follow_the_rtt_that_was_set_last(void **state)
{
	(void)state;
	pair_init(&p, &(struct dtls_config){ .rtt_us = 20 * MILLISECOND });
	dtls_transport_set_rtt(p.end[0].t, 70 * MILLISECOND);
	pair_start(&p);
	assert_int_equal(dtls_transport_deadline(p.end[0].t), p.now + 140 * MILLISECOND);
	dtls_transport_set_rtt(p.end[0].t, -1);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_of_an_hour_change_nothing),
		cmocka_unit_test(test_timers_follow_the_rtt_that_was_set_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
