/* Two loops on two threads call each other over loopback: data both ways, closing, many times. For TSan above all. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <wirelark/wirelark.h>

enum { CALLS = 20, MESSAGES = 200, SIZE = 16384 };

struct end {
	wlk_loop *loop;
	wlk_peer_connection *pc;
	wlk_data_channel *channel;
	struct end *other;
	int sent, received;
	bool done;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int done_ends;

static void must(wlk_err err)
{
	if (err)
		abort();
}

/* A description on its way to the other thread. */
struct letter {
	struct end *to;
	wlk_sdp_type type;
	char *sdp;
};

static void read_letter(void *user)
{
	struct letter *letter = user;
	const wlk_session_description description = { letter->type, letter->sdp };

	must(wlk_peer_connection_set_remote_description(letter->to->pc, &description));
	if (letter->type == WLK_SDP_OFFER)
		must(wlk_peer_connection_set_local_description(letter->to->pc, NULL));
	free(letter->sdp);
	free(letter);
}

static void post_letter(struct end *from)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(from->pc);
	struct letter *letter = malloc(sizeof(*letter));

	if (!letter || !local)
		abort();
	*letter = (struct letter){ from->other, local->type, strdup(local->sdp) };
	must(wlk_loop_post(from->other->loop, read_letter, letter));
}

static void send_more(struct end *end)
{
	static const char bytes[SIZE];

	while (end->channel && end->sent < MESSAGES) {
		wlk_err err = wlk_data_channel_send(end->channel, WLK_MESSAGE_BINARY, bytes, SIZE);

		if (err == WLK_ERR_AGAIN)
			return;
		must(err);
		end->sent++;
	}
}

static void check_done(struct end *end)
{
	if (end->done || end->received < MESSAGES)
		return;
	end->done = true;
	pthread_mutex_lock(&lock);
	done_ends++;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

static void on_event(const wlk_event *event, void *user)
{
	struct end *end = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			post_letter(end);
		break;
	case WLK_EVENT_DATA_CHANNEL:
		end->channel = event->u.channel.channel;
		send_more(end);
		break;
	case WLK_EVENT_DATA_CHANNEL_WRITABLE:
		send_more(end);
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		end->received += event->u.message.size == SIZE;
		check_done(end);
		break;
	default:
		break;
	}
}

static void make_connection(struct end *end)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	config.allow_loopback = true;
	config.no_ipv6 = true;
	must(wlk_peer_connection_create(end->loop, &config, on_event, end, &end->pc));
}

static void answerer(void *user)
{
	make_connection(user);
}

static void offerer(void *user)
{
	struct end *end = user;

	make_connection(end);
	must(wlk_peer_connection_create_data_channel(end->pc, "bulk", NULL, &end->channel));
	send_more(end);
	must(wlk_peer_connection_set_local_description(end->pc, NULL));
}

static void hang_up(void *user)
{
	struct end *end = user;

	wlk_peer_connection_destroy(end->pc);
	end->pc = NULL;
}

static void wait_for_both(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&lock);
	while (done_ends < 2)
		if (pthread_cond_timedwait(&changed, &lock, &until))
			abort();
	pthread_mutex_unlock(&lock);
}

/* Loops live as long as their call: destroying them runs what was posted, so the ends on this stack outlive all use. */
static void one_call(void)
{
	struct end ends[2] = { { .other = &ends[1] }, { .other = &ends[0] } };

	done_ends = 0;
	for (int i = 0; i < 2; i++) {
		must(wlk_loop_create(NULL, &ends[i].loop));
		must(wlk_loop_start_thread(ends[i].loop));
	}
	must(wlk_loop_post(ends[1].loop, answerer, &ends[1]));
	must(wlk_loop_post(ends[0].loop, offerer, &ends[0]));
	wait_for_both();
	for (int i = 0; i < 2; i++)
		must(wlk_loop_post(ends[i].loop, hang_up, &ends[i]));
	for (int i = 0; i < 2; i++)
		wlk_loop_destroy(ends[i].loop);
}

static void test_calls_between_two_loop_threads(void **state)
{
	(void)state;
	for (int call = 0; call < CALLS; call++)
		one_call();
}

static void test_certificates_survive_pem(void **state)
{
	char first[104], second[104];
	wlk_certificate *made, *read;
	char *pem;

	(void)state;
	assert_int_equal(wlk_certificate_generate(NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_certificate_generate(&made), WLK_OK);
	assert_true(wlk_certificate_expires(made) > time(NULL) + 29 * 24 * 3600);
	assert_int_equal(wlk_certificate_to_pem(made, &pem), WLK_OK);
	assert_int_equal(wlk_certificate_from_pem(pem, strlen(pem), &read), WLK_OK);
	assert_int_equal(wlk_certificate_fingerprint(made, first, sizeof(first)), WLK_OK);
	assert_int_equal(wlk_certificate_fingerprint(read, second, sizeof(second)), WLK_OK);
	assert_string_equal(first, second);
	assert_int_equal(wlk_certificate_fingerprint(read, second, 20), WLK_ERR_NOSPACE);
	wlk_secret_free(pem);
	wlk_certificate_release(made);
	wlk_certificate_release(read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_between_two_loop_threads),
		cmocka_unit_test(test_certificates_survive_pem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
