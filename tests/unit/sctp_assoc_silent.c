/* The end of an association that usrsctp does not tell, as happens when it is out of memory: the socket says it, or a clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <usrsctp.h>

#include "core/time.h"
#include "support/sctp_pair.h"

static const struct sctp_path near = { .latency_us = 5 * MILLISECOND };

/* What the next reads of usrsctp's sockets answer. */
static struct {
	bool on;
	ssize_t n;
	int error;
} read_answer;
static bool timers_stand;

static struct {
	int closed; /* associations */
	enum sctp_cause cause;
	int channel_errors;
} seen;

ssize_t __real_usrsctp_recvv(struct socket *so, void *data, size_t size, struct sockaddr *from, socklen_t *from_size, void *info,
			     socklen_t *info_size, unsigned int *info_type, int *flags);
ssize_t __wrap_usrsctp_recvv(struct socket *so, void *data, size_t size, struct sockaddr *from, socklen_t *from_size, void *info,
			     socklen_t *info_size, unsigned int *info_type, int *flags);
void __real_usrsctp_handle_timers(uint32_t elapsed_ms);
void __wrap_usrsctp_handle_timers(uint32_t elapsed_ms);

ssize_t __wrap_usrsctp_recvv(struct socket *so, void *data, size_t size, struct sockaddr *from, socklen_t *from_size, void *info,
			     socklen_t *info_size, unsigned int *info_type, int *flags)
{
	if (!read_answer.on)
		return __real_usrsctp_recvv(so, data, size, from, from_size, info, info_size, info_type, flags);
	errno = read_answer.error;
	return read_answer.n;
}

void __wrap_usrsctp_handle_timers(uint32_t elapsed_ms)
{
	if (!timers_stand)
		__real_usrsctp_handle_timers(elapsed_ms);
}

static void on_event(struct sctp_pair *pair, int side, const struct sctp_assoc_event *event)
{
	(void)pair;
	if (side)
		return;
	if (event->type == SCTP_EV_STATE && event->state == SCTP_ASSOC_CLOSED) {
		seen.closed++;
		seen.cause = event->cause;
	}
	seen.channel_errors += event->type == SCTP_EV_CHANNEL_ERROR;
}

static void begin(struct sctp_pair *pair)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;

	memset(&seen, 0, sizeof(seen));
	read_answer.on = false;
	timers_stand = false;
	sctp_pair_init(pair, &near, 1, NULL);
	pair->on_event = on_event;
	sctp_channel_config_init(&config);
	assert_int_equal(sctp_channel_create(pair->side[0], pair->now, &config, &channel), WLK_OK);
}

/* Side 0 is connected, then its socket answers so to what side 1 sends. */
static void read_answers(struct sctp_pair *pair, ssize_t n, int error)
{
	struct sctp_channel_config config;
	struct sctp_channel *channel;

	begin(pair);
	sctp_pair_start(pair, 0);
	assert_true(sctp_pair_run(pair, SECOND, sctp_pair_connected));
	sctp_pair_pass(pair, SECOND);
	sctp_channel_config_init(&config);
	assert_int_equal(sctp_channel_create(pair->side[1], pair->now, &config, &channel), WLK_OK);
	read_answer.on = true;
	read_answer.n = n;
	read_answer.error = error;
	sctp_pair_pass(pair, SECOND);
	read_answer.on = false;
}

static void test_an_error_of_the_socket_ends_the_association(void **state)
{
	static const int errors[] = { ECONNREFUSED, ECONNRESET, ECONNABORTED, ETIMEDOUT, ENOTCONN };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct sctp_pair pair;

		read_answers(&pair, -1, errors[i]);
		assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CLOSED);
		assert_int_equal(seen.closed, 1);
		assert_int_equal(seen.cause, SCTP_CAUSE_LOST);
		assert_int_equal(seen.channel_errors, 1);
		sctp_pair_free(&pair);
	}
}

static void test_the_end_of_the_stream_ends_the_association(void **state)
{
	struct sctp_pair pair;

	(void)state;
	read_answers(&pair, 0, 0);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CLOSED);
	assert_int_equal(seen.cause, SCTP_CAUSE_LOST);
	sctp_pair_free(&pair);
}

static void test_nothing_to_read_ends_nothing(void **state)
{
	static const int errors[] = { EAGAIN, EWOULDBLOCK, EINTR, ENOBUFS, ENOMEM };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct sctp_pair pair;

		read_answers(&pair, -1, errors[i]);
		assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CONNECTED);
		assert_int_equal(seen.closed, 0);
		sctp_pair_free(&pair);
	}
}

/* Every INIT is lost, and usrsctp's timers with it. */
static bool nothing_passes(struct sctp_pair *pair, int from, uint8_t *packet, size_t *size)
{
	(void)pair;
	(void)from;
	(void)packet;
	(void)size;
	return false;
}

static void test_connecting_is_given_up_even_if_usrsctp_does_not(void **state)
{
	struct sctp_pair pair;

	(void)state;
	begin(&pair);
	pair.tap = nothing_passes;
	timers_stand = true;
	sctp_pair_start(&pair, 0);
	sctp_pair_pass(&pair, 249 * SECOND);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CONNECTING);
	sctp_pair_pass(&pair, 2 * SECOND);
	assert_int_equal(sctp_assoc_state(pair.side[0]), SCTP_ASSOC_CLOSED);
	assert_int_equal(seen.closed, 1);
	assert_int_equal(seen.cause, SCTP_CAUSE_LOST);
	assert_int_equal(seen.channel_errors, 1);
	sctp_pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_error_of_the_socket_ends_the_association),
		cmocka_unit_test(test_the_end_of_the_stream_ends_the_association),
		cmocka_unit_test(test_nothing_to_read_ends_nothing),
		cmocka_unit_test(test_connecting_is_given_up_even_if_usrsctp_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
