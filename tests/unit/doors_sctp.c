/* doors/sctp: two associations by their public names alone; what SCTP itself does is tested in sctp_*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/err.h"
#include "core/time.h"
#include "support/sctp_pair.h"
#include "wirelark/sctp.h"

struct side {
	wlk_sctp_association *sctp;
	wlk_sctp_channel *fresh;
	size_t opened, closing, closed, messages, pieces, writable, low;
	wlk_sctp_event state;
	wlk_message_type type;
	char text[2000];
	size_t size, bytes;
};

static struct {
	struct side side[2]; /* 0: the DTLS client */
	wlk_time now;
} p;

static void receive(struct side *me, wlk_sctp_channel *channel)
{
	wlk_sctp_message message;

	while (wlk_sctp_channel_receive(channel, &message)) {
		me->pieces++;
		me->messages += message.end;
		me->type = message.type;
		me->size = message.size;
		me->bytes += message.size;
		memcpy(me->text, message.data, MIN(message.size, sizeof(me->text)));
	}
}

static void on_event(struct side *me, const wlk_sctp_event *ev)
{
	if (ev->type == WLK_SCTP_EVENT_STATE)
		me->state = *ev;
	else
		assert_non_null(ev->channel);
	if (ev->type == WLK_SCTP_EVENT_CHANNEL)
		me->fresh = ev->channel;
	me->opened += ev->type == WLK_SCTP_EVENT_CHANNEL_OPEN;
	me->closing += ev->type == WLK_SCTP_EVENT_CHANNEL_CLOSING;
	me->closed += ev->type == WLK_SCTP_EVENT_CHANNEL_CLOSED;
	me->writable += ev->type == WLK_SCTP_EVENT_WRITABLE;
	me->low += ev->type == WLK_SCTP_EVENT_BUFFERED_LOW;
	if (ev->type == WLK_SCTP_EVENT_MESSAGE)
		receive(me, ev->channel);
}

static bool drain(struct side *me, struct side *other)
{
	wlk_sctp_event ev;
	wlk_bytes bytes;
	bool any = false;

	for (; wlk_sctp_association_poll_event(me->sctp, p.now, &ev); any = true)
		on_event(me, &ev);
	for (; wlk_sctp_association_poll_transmit(me->sctp, p.now, &bytes); any = true)
		wlk_sctp_association_input(other->sctp, p.now, bytes.data, bytes.size);
	return any;
}

static void settle(void)
{
	bool any = true;

	for (int rounds = 0; any; rounds++) {
		assert_true(rounds < 10000);
		any = drain(&p.side[0], &p.side[1]);
		any |= drain(&p.side[1], &p.side[0]);
	}
	for (int i = 0; i < 2; i++)
		assert_true(wlk_sctp_association_deadline(p.side[i].sctp) > p.now);
}

static void pass(wlk_time us)
{
	wlk_time until = p.now + us;

	settle();
	while (p.now < until) {
		p.now = MIN(until, MIN(wlk_sctp_association_deadline(p.side[0].sctp), wlk_sctp_association_deadline(p.side[1].sctp)));
		sctp_clock_set(p.now);
		for (int i = 0; i < 2; i++)
			wlk_sctp_association_handle_timeout(p.side[i].sctp, p.now);
		settle();
	}
}

static void begin(const wlk_sctp_config *config)
{
	memset(&p, 0, sizeof(p));
	p.now = 10 * SECOND;
	sctp_clock_set(p.now);
	for (int i = 0; i < 2; i++)
		assert_int_equal(wlk_sctp_association_create(config, &p.side[i].sctp), WLK_OK);
}

static void start(void)
{
	for (int i = 0; i < 2; i++) {
		wlk_sctp_parameters parameters = WLK_SCTP_PARAMETERS_INIT;

		parameters.dtls_client = i == 0;
		assert_int_equal(wlk_sctp_association_start(p.side[i].sctp, p.now, &parameters), WLK_OK);
	}
	pass(SECOND);
}

static int end(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		wlk_sctp_association_destroy(p.side[i].sctp);
	memset(&p, 0, sizeof(p));
	return 0;
}

static wlk_sctp_channel *channel(int side, const char *label, const wlk_data_channel_init *init)
{
	wlk_sctp_channel *made = NULL;

	assert_int_equal(wlk_sctp_channel_create(p.side[side].sctp, p.now, label, init, &made), WLK_OK);
	return made;
}

static void test_a_channel_opens_talks_and_closes(void **state)
{
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	wlk_sctp_stats stats = { sizeof(stats) };
	wlk_sctp_channel *ours;
	int tag;

	(void)state;
	begin(NULL);
	init.protocol = "chat";
	ours = channel(0, "hall", &init);
	assert_int_equal(wlk_sctp_channel_id(ours), -1);
	assert_int_equal(wlk_sctp_channel_state(ours), WLK_DATA_CHANNEL_CONNECTING);
	wlk_sctp_channel_set_user(ours, &tag);
	assert_ptr_equal(wlk_sctp_channel_user(ours), &tag);
	assert_int_equal(wlk_sctp_channel_send(ours, p.now, WLK_MESSAGE_TEXT, "early", 5, true), WLK_OK);
	assert_int_equal(wlk_sctp_association_state(p.side[0].sctp), WLK_SCTP_STATE_CONNECTING);
	start();
	assert_int_equal(wlk_sctp_association_state(p.side[0].sctp), WLK_SCTP_STATE_CONNECTED);
	assert_int_equal(p.side[0].state.state, WLK_SCTP_STATE_CONNECTED);
	assert_int_equal(wlk_sctp_association_streams(p.side[0].sctp), 1024);
	assert_int_equal(wlk_sctp_channel_id(ours), 0);
	assert_int_equal(p.side[0].opened, 1);
	assert_int_equal(p.side[1].opened, 1);
	assert_int_equal(p.side[1].messages, 1);
	assert_int_equal(p.side[1].type, WLK_MESSAGE_TEXT);
	assert_memory_equal(p.side[1].text, "early", 5);
	assert_string_equal(wlk_sctp_channel_label(p.side[1].fresh, NULL), "hall");
	assert_string_equal(wlk_sctp_channel_protocol(p.side[1].fresh, NULL), "chat");
	assert_int_equal(wlk_sctp_channel_send(p.side[1].fresh, p.now, WLK_MESSAGE_BINARY, "\0\1", 2, true), WLK_OK);
	assert_int_equal(wlk_sctp_channel_send(p.side[1].fresh, p.now, WLK_MESSAGE_BINARY, NULL, 0, true), WLK_OK);
	pass(SECOND);
	assert_int_equal(p.side[0].messages, 2);
	assert_int_equal(p.side[0].type, WLK_MESSAGE_BINARY);
	assert_int_equal(p.side[0].size, 0);
	assert_int_equal(wlk_sctp_association_get_stats(p.side[0].sctp, &stats), WLK_OK);
	assert_true(stats.has_path && stats.packets_sent > 2 && stats.mtu > 500 && stats.congestion_window > 1000);
	assert_int_equal(stats.channels_opened, 1);

	wlk_sctp_channel_close(ours, p.now);
	pass(2 * SECOND);
	assert_int_equal(p.side[0].closed, 1);
	assert_int_equal(p.side[1].closed, 1);
	assert_int_equal(wlk_sctp_channel_state(ours), WLK_DATA_CHANNEL_CLOSED);
	wlk_sctp_channel_destroy(ours);
	wlk_sctp_channel_destroy(p.side[1].fresh);
	wlk_sctp_channel_destroy(NULL);
}

static void test_messages_in_pieces(void **state)
{
	wlk_data_channel_init init = { sizeof(init), .negotiated = true, .has_id = true, .id = 9 };
	wlk_sctp_channel *from, *to;
	char part[1000];

	(void)state;
	begin(NULL);
	memset(part, 'p', sizeof(part));
	from = channel(0, "", &init);
	to = channel(1, "", &init);
	wlk_sctp_channel_set_streamed(to, true);
	start();
	for (int i = 0; i < 500; i++) /* more than what would be put together */
		assert_int_equal(wlk_sctp_channel_send(from, p.now, WLK_MESSAGE_BINARY, part, sizeof(part), i == 499), WLK_OK);
	pass(5 * SECOND);
	assert_int_equal(p.side[1].messages, 1);
	assert_int_equal(p.side[1].bytes, 500 * sizeof(part));
	assert_true(p.side[1].pieces > 1);
}

static void test_a_full_queue_says_again_and_writable(void **state)
{
	wlk_data_channel_init init = { sizeof(init), .negotiated = true, .has_id = true, .id = 1 };
	static char block[65536];
	wlk_sctp_channel *from;
	wlk_err err = WLK_OK;
	size_t sent = 0;

	(void)state;
	begin(NULL);
	from = channel(0, "", &init);
	(void)channel(1, "", &init);
	wlk_sctp_channel_set_buffered_low(from, 1000);
	while (!err && sent < 1000)
		if (!(err = wlk_sctp_channel_send(from, p.now, WLK_MESSAGE_BINARY, block, sizeof(block), true)))
			sent++;
	assert_int_equal(err, WLK_ERR_AGAIN);
	assert_int_equal(wlk_sctp_channel_buffered_amount(from), sent * sizeof(block));
	start();
	pass(10 * SECOND);
	assert_int_equal(p.side[1].messages, sent);
	assert_int_equal(p.side[0].writable, 1);
	assert_int_equal(p.side[0].low, 1);
	assert_int_equal(wlk_sctp_channel_buffered_amount(from), 0);
}

static void test_close_in_order_and_by_abort(void **state)
{
	(void)state;
	begin(NULL);
	start();
	wlk_sctp_association_close(p.side[0].sctp, p.now, true);
	pass(SECOND);
	assert_int_equal(p.side[0].state.cause, WLK_SCTP_CAUSE_LOCAL);
	assert_int_equal(p.side[1].state.cause, WLK_SCTP_CAUSE_PEER_CLOSED);
	end(NULL);
	begin(NULL);
	start();
	wlk_sctp_association_close(p.side[0].sctp, p.now, false);
	pass(SECOND);
	assert_int_equal(p.side[1].state.state, WLK_SCTP_STATE_CLOSED);
	assert_int_equal(p.side[1].state.cause, WLK_SCTP_CAUSE_PEER_ABORT);
}

static void test_noise_changes_nothing(void **state)
{
	wlk_sctp_stats stats = { sizeof(stats) };
	uint8_t noise[2000];
	uint32_t random = 11;

	(void)state;
	begin(NULL);
	start();
	for (size_t n = 0; n < 4000; n++) {
		for (size_t i = 0; i < 40; i++)
			noise[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
		memcpy(noise, "\x13\x88\x13\x88", 4);
		wlk_sctp_association_input(p.side[0].sctp, p.now, noise, n % sizeof(noise));
		settle();
	}
	assert_int_equal(wlk_sctp_association_state(p.side[0].sctp), WLK_SCTP_STATE_CONNECTED);
	assert_int_equal(wlk_sctp_association_get_stats(p.side[0].sctp, &stats), WLK_OK);
	assert_true(stats.packets_refused > 3000);
}

static void test_misuse_is_answered_and_changes_nothing(void **state)
{
	wlk_data_channel_init init = WLK_DATA_CHANNEL_INIT;
	wlk_sctp_parameters parameters = WLK_SCTP_PARAMETERS_INIT;
	wlk_sctp_config config = WLK_SCTP_CONFIG_INIT;
	wlk_sctp_association *none = NULL;
	wlk_sctp_channel *made = NULL, *first;
	wlk_sctp_stats small = { 8 };

	(void)state;
	config.struct_size = 3;
	assert_int_equal(wlk_sctp_association_create(&config, &none), WLK_ERR_INVALID);
	assert_int_equal(wlk_sctp_association_create(NULL, NULL), WLK_ERR_INVALID);
	wlk_sctp_association_destroy(NULL);
	begin(NULL);
	assert_int_equal(wlk_sctp_association_start(p.side[0].sctp, p.now, NULL), WLK_ERR_INVALID);
	parameters.mtu = 531;
	assert_int_equal(wlk_sctp_association_start(p.side[0].sctp, p.now, &parameters), WLK_ERR_INVALID);
	assert_int_equal(wlk_sctp_channel_create(p.side[0].sctp, p.now, NULL, NULL, &made), WLK_ERR_INVALID);
	assert_int_equal(wlk_sctp_channel_create(p.side[0].sctp, p.now, "x", NULL, NULL), WLK_ERR_INVALID);
	init.negotiated = true;
	assert_int_equal(wlk_sctp_channel_create(p.side[0].sctp, p.now, "x", &init, &made), WLK_ERR_INVALID);
	init.has_id = true;
	init.id = 4;
	first = channel(0, "x", &init);
	assert_int_equal(wlk_sctp_channel_create(p.side[0].sctp, p.now, "x", &init, &made), WLK_ERR_NOSPACE);
	assert_null(made);
	assert_int_equal(wlk_sctp_channel_send(first, p.now, (wlk_message_type)0, "x", 1, true), WLK_ERR_INVALID);
	assert_int_equal(wlk_sctp_channel_send(first, p.now, WLK_MESSAGE_TEXT, NULL, 1, true), WLK_ERR_INVALID);
	assert_int_equal(wlk_sctp_association_get_stats(p.side[0].sctp, &small), WLK_ERR_INVALID);
	assert_int_equal(wlk_sctp_association_get_stats(p.side[0].sctp, NULL), WLK_ERR_INVALID);
	start();
	parameters.mtu = 0;
	assert_int_equal(wlk_sctp_association_start(p.side[0].sctp, p.now, &parameters), WLK_ERR_STATE);
	wlk_sctp_association_close(p.side[0].sctp, p.now, false);
	assert_int_equal(wlk_sctp_channel_create(p.side[0].sctp, p.now, "y", NULL, &made), WLK_ERR_STATE);
	assert_int_equal(wlk_sctp_channel_send(first, p.now, WLK_MESSAGE_TEXT, "x", 1, true), WLK_ERR_STATE);
}

static void test_memory_that_runs_out(void **state)
{
	size_t before = alloc_live_blocks(), n = 0;
	bool failed;

	(void)state;
	memset(&p, 0, sizeof(p));
	do {
		wlk_sctp_channel *made;

		alloc_fail_after(++n);
		if (!wlk_sctp_association_create(NULL, &p.side[0].sctp)) {
			if (!wlk_sctp_channel_create(p.side[0].sctp, SECOND, "label", NULL, &made))
				(void)!wlk_sctp_channel_send(made, SECOND, WLK_MESSAGE_TEXT, "text", 4, true);
		}
		failed = alloc_did_fail();
		alloc_fail_after(0);
		end(NULL);
		assert_int_equal(alloc_live_blocks(), before);
	} while (failed && n < 100);
	assert_true(n > 3 && n < 100);
}

static void test_a_limit_of_a_few_bytes_is_one(void **state)
{
	wlk_sctp_parameters parameters = WLK_SCTP_PARAMETERS_INIT;
	wlk_sctp_config config = WLK_SCTP_CONFIG_INIT;

	(void)state;
	memset(&p, 0, sizeof(p));
	config.memory_limit = 7;
	assert_int_equal(wlk_sctp_association_create(&config, &p.side[0].sctp), WLK_OK);
	assert_int_equal(wlk_sctp_association_start(p.side[0].sctp, SECOND, &parameters), WLK_ERR_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_channel_opens_talks_and_closes, end),
		cmocka_unit_test_teardown(test_messages_in_pieces, end),
		cmocka_unit_test_teardown(test_a_full_queue_says_again_and_writable, end),
		cmocka_unit_test_teardown(test_close_in_order_and_by_abort, end),
		cmocka_unit_test_teardown(test_noise_changes_nothing, end),
		cmocka_unit_test_teardown(test_misuse_is_answered_and_changes_nothing, end),
		cmocka_unit_test_teardown(test_memory_that_runs_out, end),
		cmocka_unit_test_teardown(test_a_limit_of_a_few_bytes_is_one, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
