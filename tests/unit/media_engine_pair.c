/* Two engines on a link with delay, loss and reordering, in virtual time: a client that sends, a server that echoes. */
#include "media_support.h"

struct flight {
	wlk_time arrival;
	uint64_t order;
	struct media_transmit tx;
	bool to_server;
};

struct link {
	struct rand_jitter random;
	wlk_time delay, reorder_delay;
	uint32_t loss_percent, reorder_percent, duplicate_percent;
	struct flight flights[8192];
	size_t count;
	uint64_t order;
	uint64_t sent, lost;
};

struct pair {
	struct media_engine *client, *server;
	struct link link;
	wlk_time now;
	/* what the client got back */
	struct {
		uint64_t packets, gaps, recovered;
		int64_t last_seq;
		uint32_t last_timestamp;
		bool started;
		uint64_t wrong_bytes;
	} back[2];
	uint64_t sent[2];
	uint64_t key_frame_requests;
};

static bool chance(struct link *l, uint32_t percent)
{
	return rand_jitter_below(&l->random, 100) < percent;
}

static void link_add(struct link *l, wlk_time now, const struct media_transmit *tx, bool to_server)
{
	wlk_time late = chance(l, l->reorder_percent) ? l->reorder_delay : 0;

	assert_true(l->count < ARRAY_SIZE(l->flights));
	l->flights[l->count++] = (struct flight){ now + l->delay + late, l->order++, *tx, to_server };
}

static void link_send(struct link *l, wlk_time now, const struct media_transmit *tx, bool to_server)
{
	l->sent++;
	if (chance(l, l->loss_percent)) {
		l->lost++;
		pktbuf_release(tx->buf);
		return;
	}
	if (chance(l, l->duplicate_percent)) {
		struct media_transmit copy = *tx;

		copy.buf = pktbuf_copy(NULL, tx->buf->data, tx->buf->size);
		assert_non_null(copy.buf);
		link_add(l, now, &copy, to_server);
	}
	link_add(l, now, tx, to_server);
}

static bool link_next(struct link *l, wlk_time now, struct flight *out)
{
	size_t best = l->count;

	for (size_t i = 0; i < l->count; i++)
		if (l->flights[i].arrival <= now &&
		    (best == l->count || l->flights[i].arrival < l->flights[best].arrival ||
		     (l->flights[i].arrival == l->flights[best].arrival &&
		      l->flights[i].order < l->flights[best].order)))
			best = i;
	if (best == l->count)
		return false;
	*out = l->flights[best];
	l->flights[best] = l->flights[--l->count];
	return true;
}

static void pump_out(struct pair *p, struct media_engine *e, bool to_server)
{
	struct media_transmit tx;

	while (media_engine_poll_transmit(e, p->now, &tx)) {
		media_engine_on_protected(e, &tx);
		link_send(&p->link, p->now, &tx, to_server);
	}
}

static void check_returned(struct pair *p, const struct media_packet *packet)
{
	__typeof__(p->back[0]) *back = &p->back[packet->section];
	size_t size = packet->rtp.payload.size;

	if (back->started) {
		assert_true(packet->forward_seq > back->last_seq);
		back->gaps += (uint64_t)(packet->forward_seq - back->last_seq - 1);
	}
	back->started = true;
	back->last_seq = packet->forward_seq;
	back->packets++;
	back->recovered += packet->is_recovered;
	for (size_t i = 4; i < size; i++)
		back->wrong_bytes += packet->rtp.payload.data[i] != (uint8_t)(size + i);
}

static void step_engine(struct pair *p, struct media_engine *e)
{
	struct media_packet packet;
	struct media_event event;

	if (media_engine_deadline(e) <= p->now)
		media_engine_handle_timeout(e, p->now);
	while (media_engine_poll_packet(e, &packet)) {
		if (e == p->server)
			assert_int_equal(media_engine_forward(e, p->now, &packet, packet.section, 0), WLK_OK);
		else
			check_returned(p, &packet);
		pktbuf_release(packet.buf);
	}
	while (media_engine_poll_event(e, &event)) {
		if (event.type != MEDIA_EVENT_KEY_FRAME_REQUEST)
			continue;
		if (e == p->server)
			assert_int_equal(media_engine_request_key_frame(e, p->now, event.section), WLK_OK);
		else
			p->key_frame_requests++;
	}
	pump_out(p, e, e == p->client);
}

static void step(struct pair *p)
{
	struct flight f;

	while (link_next(&p->link, p->now, &f)) {
		struct media_engine *to = f.to_server ? p->server : p->client;

		if (f.tx.kind == MEDIA_TRANSMIT_RTCP) {
			media_engine_input_rtcp(to, p->now, f.tx.buf->data, f.tx.buf->size);
			pktbuf_release(f.tx.buf);
		} else {
			media_engine_input_rtp(to, p->now, f.tx.buf);
		}
		step_engine(p, to);
	}
	step_engine(p, p->client);
	step_engine(p, p->server);
	assert_true(media_engine_deadline(p->client) > p->now);
	assert_true(media_engine_deadline(p->server) > p->now);
}

static void send_one(struct pair *p, size_t section, uint32_t timestamp, bool marker, size_t size)
{
	uint8_t payload[1300];
	struct rtp_send send = {
		.pt = section == VIDEO ? 96 : 111,
		.marker = marker,
		.timestamp = timestamp,
		.seq = MEDIA_SEQ_NEXT,
		.payload = { payload, size },
	};

	store_u32(payload, (uint32_t)p->sent[section]++);
	for (size_t i = 4; i < size; i++)
		payload[i] = (uint8_t)(size + i);
	assert_int_equal(media_engine_send_rtp(p->client, p->now, section, &send), WLK_OK);
}

/* 20 ms of Opus and 30 frames a second of 4 packets, about 1.2 Mbit/s. */
static void run(struct pair *p, wlk_time duration, bool sending)
{
	wlk_time end = p->now + duration;

	for (; p->now < end; p->now += MS) {
		if (sending && p->now % (20 * MS) == 0)
			send_one(p, AUDIO, (uint32_t)(p->now / 1000 * 48), false, 80);
		if (sending && p->now % (33 * MS) == 0)
			for (int i = 0; i < 4; i++)
				send_one(p, VIDEO, (uint32_t)(p->now / 1000 * 90), i == 3, 1200 + (size_t)i);
		step(p);
	}
}

static struct pair *pair_new(uint64_t seed)
{
	struct pair *p = test_calloc(1, sizeof(*p));

	rand_use_seed(seed);
	p->link.random.state = seed * 0x9e3779b97f4a7c15u + 1;
	p->link.delay = 20 * MS;
	p->client = new_av_engine(1000);
	p->server = new_av_engine(2000);
	return p;
}

static void pair_free(struct pair *p)
{
	while (p->link.count)
		pktbuf_release(p->link.flights[--p->link.count].tx.buf);
	media_engine_destroy(p->client);
	media_engine_destroy(p->server);
	test_free(p);
	rand_use_system();
}

static void test_clean_link_returns_every_packet(void **state)
{
	struct pair *p = pair_new(1);
	struct media_outbound_stats out;
	struct media_inbound_stats in;
	struct media_engine_stats stats;

	(void)state;
	run(p, 10 * SECOND, true);
	run(p, 1 * SECOND, false);
	for (int section = 0; section < 2; section++) {
		assert_int_equal(p->back[section].packets, p->sent[section]);
		assert_int_equal(p->back[section].gaps, 0);
		assert_int_equal(p->back[section].wrong_bytes, 0);
	}
	assert_true(media_engine_outbound_stats(p->client, VIDEO, &out));
	assert_int_equal(out.retransmitted_packets_sent, 0);
	media_engine_stats(p->server, &stats);
	/* probes are made of what was sent before */
	assert_in_range(stats.padding_only_received, 1, 50);
	assert_int_equal(out.packets_sent, p->sent[VIDEO] + stats.padding_only_received);
	assert_true(out.has_report);
	assert_true(out.report_count >= 6);
	/* 2 x 20 ms, and the reports tick in 1/65536 s */
	assert_in_range(out.rtt_us, 39000, 42000);
	assert_int_equal(out.packets_lost, 0);
	assert_true(media_engine_inbound_stats(p->client, 1, &in));
	assert_true(in.has_sr);
	/* one message each 50 ms while 170 packets a second arrive */
	assert_in_range(stats.twcc_sent, 120, 230);
	media_engine_stats(p->client, &stats);
	assert_in_range(stats.twcc_received, 120, 230);
	assert_in_range(stats.rtt_us, 39000, 42000);
	assert_int_equal(stats.rtcp_malformed, 0);
	assert_int_equal(p->key_frame_requests, 0);
	pair_free(p);
}

static void test_ten_percent_loss_and_reorder_is_recovered_in_order(void **state)
{
	struct pair *p = pair_new(2);
	struct media_inbound_stats in;
	struct media_outbound_stats out;

	(void)state;
	p->link.delay = 10 * MS;
	p->link.loss_percent = 10;
	p->link.reorder_percent = 5;
	p->link.reorder_delay = 8 * MS;
	p->link.duplicate_percent = 2;
	run(p, 20 * SECOND, true);
	run(p, 2 * SECOND, false);
	/* Audio has neither NACK nor RTX: what was lost is a gap, what came is in order. */
	assert_true(p->back[AUDIO].packets > p->sent[AUDIO] * 75 / 100);
	assert_int_equal(p->back[AUDIO].wrong_bytes, 0);
	/* Video: at least 99.9 % after two lossy hops, where 81 % would come through without recovery. */
	assert_int_equal(p->back[VIDEO].wrong_bytes, 0);
	assert_true(p->back[VIDEO].packets * 1000 >= p->sent[VIDEO] * 999);
	assert_true(p->back[VIDEO].recovered > p->sent[VIDEO] / 20);
	assert_true(media_engine_inbound_stats(p->client, 1, &in));
	assert_int_equal(in.rtx_ssrc, 2003);
	assert_true(in.retransmitted_packets_received > 0);
	assert_true(in.nack_count > 0);
	assert_true(media_engine_outbound_stats(p->server, VIDEO, &out));
	assert_true(out.retransmitted_packets_sent > 0);
	/* R22: no more than half of what is sent again */
	assert_true(out.retransmitted_bytes_sent * 2 <= out.bytes_sent);
	pair_free(p);
}

static void test_burst_of_two_seconds_is_given_up_and_a_key_frame_asked(void **state)
{
	struct pair *p = pair_new(3);

	(void)state;
	run(p, 3 * SECOND, true);
	p->link.loss_percent = 100;
	run(p, 2 * SECOND, true);
	p->link.loss_percent = 0;
	run(p, 3 * SECOND, true);
	assert_true(p->key_frame_requests >= 1);
	/* everything after the burst is back: 3 s of 30 frames of 4 packets, and what was before */
	assert_true(p->back[VIDEO].packets >= 600);
	assert_int_equal(p->back[VIDEO].wrong_bytes, 0);
	pair_free(p);
}

static void test_many_seeds_stay_in_order_and_leak_nothing(void **state)
{
	size_t before = alloc_live_blocks();

	(void)state;
	for (uint64_t seed = 10; seed < 40; seed++) {
		struct pair *p = pair_new(seed);

		p->link.delay = (wlk_time)(seed % 5) * 15 * MS + MS;
		p->link.loss_percent = (uint32_t)(seed % 4) * 10;
		p->link.reorder_percent = (uint32_t)(seed % 3) * 10;
		p->link.reorder_delay = 30 * MS;
		p->link.duplicate_percent = (uint32_t)(seed % 2) * 10;
		run(p, 3 * SECOND, true);
		assert_int_equal(p->back[VIDEO].wrong_bytes, 0);
		assert_true(p->back[VIDEO].packets > 50);
		pair_free(p);
	}
	assert_int_equal(alloc_live_blocks(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_link_returns_every_packet),
		cmocka_unit_test(test_ten_percent_loss_and_reorder_is_recovered_in_order),
		cmocka_unit_test(test_burst_of_two_seconds_is_given_up_and_a_key_frame_asked),
		cmocka_unit_test(test_many_seeds_stay_in_order_and_leak_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
