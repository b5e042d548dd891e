/* The media engine: several layers on one section (RFC 8853, RFC 8852, RFC 8108). */
#include "media_support.h"

enum { RID_ID = 10, REPAIRED_ID = 11, LAYER_A = 201, RTX_A = 202, LAYER_B = 203, RTX_B = 204 };

static const struct media_send_layer two_layers[] = { { "hi", LAYER_A, RTX_A, false }, { "lo", LAYER_B, RTX_B, false } };

static struct media_section_config layered_config(void)
{
	struct media_section_config c = video_config(LAYER_A, 0);

	c.send_ext.id[RTP_EXT_RID] = c.recv_ext.id[RTP_EXT_RID] = RID_ID;
	c.send_ext.id[RTP_EXT_REPAIRED_RID] = c.recv_ext.id[RTP_EXT_REPAIRED_RID] = REPAIRED_ID;
	c.layers = two_layers;
	c.layer_count = 2;
	return c;
}

static struct media_engine *layered_engine(void)
{
	struct media_section_config c = layered_config();
	struct media_engine *e = new_engine();

	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_OK);
	return e;
}

static wlk_err send_on(struct media_engine *e, wlk_time now, size_t layer)
{
	const struct rtp_send packet = {
		.pt = 96, .timestamp = 3000, .seq = MEDIA_SEQ_NEXT, .payload = { (const uint8_t *)"frame", 5 }, .layer = layer
	};

	return media_engine_send_rtp(e, now, 0, &packet);
}

/* The next RTP packet on the wire, parsed; the caller releases *buf. */
static struct rtp_packet next_media(struct media_engine *e, wlk_time now, struct pktbuf **buf)
{
	struct media_transmit tx;
	struct rtp_packet p;

	do {
		assert_true(media_engine_poll_transmit(e, now, &tx));
		if (tx.kind == MEDIA_TRANSMIT_RTCP)
			pktbuf_release(tx.buf);
	} while (tx.kind == MEDIA_TRANSMIT_RTCP);
	media_engine_on_protected(e, &tx);
	assert_int_equal(rtp_parse(&p, tx.buf->data, tx.buf->size), WLK_OK);
	*buf = tx.buf;
	return p;
}

static bool ext_is(const struct rtp_packet *p, uint8_t id, const char *text)
{
	wlk_bytes data = rtp_ext_find(p, id);

	return data.size == strlen(text) && !memcmp(data.data, text, data.size);
}

static void nack(struct media_engine *e, wlk_time now, uint32_t ssrc, uint16_t seq)
{
	uint8_t data[64];
	struct bytes_writer w = bytes_writer(data, sizeof(data));

	assert_int_equal(rtcp_write_nack(&w, 9, ssrc, &seq, 1), 1);
	media_engine_input_rtcp(e, now, data, w.size);
}

static void pli(struct media_engine *e, wlk_time now, uint32_t ssrc)
{
	uint8_t data[64];
	struct bytes_writer w = bytes_writer(data, sizeof(data));

	rtcp_write_pli(&w, 9, ssrc);
	media_engine_input_rtcp(e, now, data, w.size);
}

/* RFC 8852 3: media packets name their stream by rid, repair packets by repaired-rid. */
static void test_rid_becomes_repaired_rid_in_rtx(void **state)
{
	struct media_engine *e = layered_engine();
	struct rtp_packet p;
	struct pktbuf *buf;

	(void)state;
	assert_int_equal(send_on(e, 0, 1), WLK_OK);
	p = next_media(e, 0, &buf);
	assert_int_equal(p.ssrc, LAYER_B);
	assert_true(ext_is(&p, RID_ID, "lo"));
	assert_true(ext_is(&p, 4, "1"));
	assert_int_equal(rtp_ext_find(&p, REPAIRED_ID).size, 0);
	nack(e, 20 * MS, LAYER_B, p.seq);
	pktbuf_release(buf);
	p = next_media(e, 20 * MS, &buf);
	assert_int_equal(p.ssrc, RTX_B);
	assert_int_equal(p.pt, 97);
	assert_true(ext_is(&p, REPAIRED_ID, "lo"));
	assert_int_equal(rtp_ext_find(&p, RID_ID).size, 0);
	assert_true(ext_is(&p, 4, "1"));
	assert_memory_equal(p.payload.data + 2, "frame", 5);
	pktbuf_release(buf);
	media_engine_destroy(e);
}

/* The peer did not take repaired-rid: the element goes, what stands behind it stays readable. */
static void test_rid_is_padded_over_without_repaired_rid(void **state)
{
	struct media_section_config c = layered_config();
	struct media_engine *e = new_engine();
	struct rtp_packet p;
	struct pktbuf *buf;
	uint16_t seq;

	(void)state;
	c.send_ext.id[RTP_EXT_REPAIRED_RID] = 0;
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_OK);
	assert_int_equal(send_on(e, 0, 0), WLK_OK);
	p = next_media(e, 0, &buf);
	seq = p.seq;
	pktbuf_release(buf);
	nack(e, 20 * MS, LAYER_A, seq);
	p = next_media(e, 20 * MS, &buf);
	assert_int_equal(p.ssrc, RTX_A);
	assert_int_equal(rtp_ext_find(&p, RID_ID).size, 0);
	assert_true(ext_is(&p, 4, "1"));
	assert_int_equal(rtp_ext_find(&p, 3).size, 2);
	assert_int_equal(rtp_ext_find(&p, 2).size, 3);
	pktbuf_release(buf);
	media_engine_destroy(e);
}

static void test_layers_are_asked_one_by_one(void **state)
{
	struct media_engine *e = layered_engine();
	struct media_event event;

	(void)state;
	pli(e, SECOND, LAYER_B);
	assert_true(media_engine_poll_event(e, &event));
	assert_int_equal(event.type, MEDIA_EVENT_KEY_FRAME_REQUEST);
	assert_int_equal(event.layer, 1);
	assert_false(media_engine_poll_event(e, &event));
	/* The pause of one layer is not that of the other (R22). */
	pli(e, SECOND + MS, LAYER_A);
	assert_true(media_engine_poll_event(e, &event));
	assert_int_equal(event.layer, 0);
	media_engine_destroy(e);
}

static void test_an_inactive_layer_is_silent(void **state)
{
	struct media_engine *e = layered_engine();
	struct media_outbound_stats stats;
	struct media_event event;
	struct rtp_packet p;
	struct pktbuf *buf;
	uint16_t seq;

	(void)state;
	assert_int_equal(send_on(e, 0, 1), WLK_OK);
	p = next_media(e, 0, &buf);
	seq = p.seq;
	pktbuf_release(buf);
	assert_int_equal(send_on(e, MS, 1), WLK_OK); /* waits in the pacer */
	assert_int_equal(media_engine_set_layer_active(e, 0, 1, false), WLK_OK);
	assert_int_equal(send_on(e, 2 * MS, 1), WLK_ERR_STATE);
	nack(e, 20 * MS, LAYER_B, seq);
	pli(e, 20 * MS, LAYER_B);
	assert_false(media_engine_poll_event(e, &event));
	assert_int_equal(send_on(e, 20 * MS, 0), WLK_OK);
	p = next_media(e, 20 * MS, &buf);
	assert_int_equal(p.ssrc, LAYER_A);
	pktbuf_release(buf);
	assert_true(media_engine_outbound_stats(e, 1, &stats));
	assert_string_equal(stats.rid, "lo");
	assert_int_equal(stats.encoding_index, 1);
	assert_false(stats.active);
	assert_int_equal(stats.packets_sent, 1);
	/* Its numbers go on where they were: the packet that the pacer lost is a gap. */
	assert_int_equal(media_engine_set_layer_active(e, 0, 1, true), WLK_OK);
	assert_int_equal(send_on(e, 30 * MS, 1), WLK_OK);
	p = next_media(e, 30 * MS, &buf);
	assert_int_equal(p.seq, (uint16_t)(seq + 2));
	pktbuf_release(buf);
	assert_int_equal(media_engine_set_layer_active(e, 0, 2, true), WLK_ERR_NOT_FOUND);
	assert_int_equal(send_on(e, 30 * MS, 2), WLK_ERR_NOT_FOUND);
	media_engine_destroy(e);
}

/* R20: a layer that the peer dropped never comes back under its SSRC; the other one goes on with its numbers. */
static void test_R20_a_dropped_layer_is_retired(void **state)
{
	struct media_section_config c = layered_config();
	struct media_engine *e = layered_engine();
	struct rtp_packet p;
	struct pktbuf *buf;
	uint16_t seq;

	(void)state;
	assert_int_equal(send_on(e, 0, 0), WLK_OK);
	assert_int_equal(send_on(e, 0, 1), WLK_OK);
	p = next_media(e, 0, &buf);
	pktbuf_release(buf);
	p = next_media(e, 0, &buf);
	seq = p.seq;
	pktbuf_release(buf);
	c.layers = &two_layers[1];
	c.layer_count = 1;
	c.ssrc = LAYER_B;
	assert_int_equal(media_engine_configure(e, SECOND, &c, 1), WLK_OK);
	assert_int_equal(send_on(e, SECOND, 0), WLK_OK);
	p = next_media(e, SECOND, &buf);
	assert_int_equal(p.ssrc, LAYER_B);
	assert_int_equal(p.seq, (uint16_t)(seq + 1));
	pktbuf_release(buf);
	c = layered_config();
	assert_int_equal(media_engine_configure(e, SECOND, &c, 1), WLK_ERR_INVALID);
	media_engine_destroy(e);
}

/* RFC 8108 5.2: each SSRC that sends has a sender report. */
static void test_each_layer_reports(void **state)
{
	struct media_engine *e = layered_engine();
	struct media_transmit tx;
	bool a = false, b = false;

	(void)state;
	assert_int_equal(send_on(e, 0, 0), WLK_OK);
	assert_int_equal(send_on(e, 0, 1), WLK_OK);
	for (wlk_time now = 0; now < SECOND; now += 10 * MS) {
		while (media_engine_poll_transmit(e, now, &tx)) {
			struct rtcp_iter iter = rtcp_iter(tx.buf->data, tx.buf->size);
			struct rtcp_packet packet;
			struct rtcp_report report;

			while (tx.kind == MEDIA_TRANSMIT_RTCP && rtcp_next(&iter, &packet)) {
				if (packet.type != RTCP_SR)
					continue;
				assert_int_equal(rtcp_report_parse(&report, &packet), WLK_OK);
				a = a || report.ssrc == LAYER_A;
				b = b || report.ssrc == LAYER_B;
			}
			media_engine_on_protected(e, &tx);
			pktbuf_release(tx.buf);
		}
		media_engine_handle_timeout(e, now);
	}
	assert_true(a && b);
	media_engine_destroy(e);
}

static void test_layers_are_checked(void **state)
{
	struct media_send_layer layers[2];
	struct media_section_config c = layered_config();
	struct media_engine *e = new_engine();

	(void)state;
	memcpy(layers, two_layers, sizeof(layers));
	c.layers = layers;
	c.ssrc = LAYER_B; /* not that of the first */
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_ERR_INVALID);
	c.ssrc = LAYER_A;
	layers[1].ssrc = RTX_A; /* twice */
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_ERR_INVALID);
	layers[1].ssrc = 0;
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_ERR_INVALID);
	layers[1] = two_layers[1];
	layers[1].rid = "seventeen_letters";
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_ERR_INVALID);
	layers[1].rid = "lo";
	c.layer_count = 9;
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_ERR_INVALID);
	c.layer_count = 2;
	assert_int_equal(media_engine_configure(e, 0, &c, 1), WLK_OK);
	media_engine_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rid_becomes_repaired_rid_in_rtx),
		cmocka_unit_test(test_rid_is_padded_over_without_repaired_rid),
		cmocka_unit_test(test_layers_are_asked_one_by_one),
		cmocka_unit_test(test_an_inactive_layer_is_silent),
		cmocka_unit_test(test_R20_a_dropped_layer_is_retired),
		cmocka_unit_test(test_each_layer_reports),
		cmocka_unit_test(test_layers_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
