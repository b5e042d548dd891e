/* The statistics report as a container: ids, references, selection, running out of memory; and its JSON. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "peer/json.h"
#include "peer/stats_report.h"

static wlk_stats_report *new_report(void)
{
	wlk_stats_report *report;

	assert_int_equal(stats_report_create(&report, 1234.5), WLK_OK);
	return report;
}

static void test_a_record_begins_empty(void **state)
{
	wlk_stats_report *report = new_report();
	wlk_stats_transport *s = stats_add(report, WLK_STATS_TRANSPORT, "T0");

	(void)state;
	assert_int_equal(s->base.struct_size, sizeof(*s));
	assert_int_equal(s->base.type, WLK_STATS_TRANSPORT);
	assert_string_equal(s->base.id, "T0");
	assert_true(s->base.timestamp == 1234.5);
	assert_false(WLK_STAT_EXISTS(s, packets_sent));
	stats_set_count(&s->packets_sent, 0);
	assert_true(WLK_STAT_EXISTS(s, packets_sent));
	s->base.struct_size = offsetof(wlk_stats_transport, packets_sent); /* made by a library that does not know it */
	assert_false(WLK_STAT_EXISTS(s, packets_sent));
	s->base.struct_size = sizeof(*s);
	assert_int_equal(stats_report_finish(report, false), WLK_OK);
	assert_int_equal(wlk_stats_report_count(report), 1);
	assert_ptr_equal(wlk_stats_report_get(report, "T0"), s);
	assert_null(wlk_stats_report_get(report, "T1"));
	assert_null(wlk_stats_report_get(report, NULL));
	wlk_stats_report_destroy(report);
	wlk_stats_report_destroy(NULL);
}

static void test_every_member_fits_its_record(void **state)
{
	static const size_t sizes[] = {
		[STATS_COUNT] = sizeof(wlk_stat_count),   [STATS_SIGNED] = sizeof(wlk_stat_signed),
		[STATS_NUMBER] = sizeof(wlk_stat_number), [STATS_BOOL] = sizeof(wlk_stat_bool),
		[STATS_TEXT] = sizeof(wlk_stat_text),     [STATS_ID] = sizeof(wlk_stat_id),
		[STATS_LIMITATIONS] = sizeof(wlk_stat_limitations), [STATS_PSNR] = sizeof(wlk_stat_psnr),
	};

	(void)state;
	for (int type = WLK_STATS_CODEC; type <= WLK_STATS_SCTP_TRANSPORT; type++) {
		const struct stats_shape *shape = stats_shape((wlk_stats_type)type);
		size_t end = sizeof(wlk_stats);

		assert_non_null(shape);
		for (size_t i = 0; i < shape->count; i++) {
			/* In the order of the struct, with no hole but alignment: no member of it was forgotten. */
			assert_in_range(shape->members[i].offset, end, end + 7);
			end = shape->members[i].offset + sizes[shape->members[i].kind];
			for (size_t j = 0; j < i; j++)
				assert_string_not_equal(shape->members[i].name, shape->members[j].name);
		}
		assert_in_range(shape->size, end, end + 7);
	}
	assert_null(stats_shape((wlk_stats_type)0));
	assert_null(stats_shape((wlk_stats_type)(WLK_STATS_SCTP_TRANSPORT + 1)));
}

static void test_references_to_nobody_cease(void **state)
{
	wlk_stats_report *report = new_report();
	wlk_stats_transport *t = stats_add(report, WLK_STATS_TRANSPORT, "T0");
	wlk_stats_certificate *c = stats_add(report, WLK_STATS_CERTIFICATE, "CF1");

	(void)state;
	stats_set_text(report, &t->local_certificate_id, str_of("CF1"));
	stats_set_text(report, &t->remote_certificate_id, str_of("CF2"));
	stats_set_textf(report, &t->selected_candidate_pair_id, "CP%d", 7);
	assert_int_equal(stats_report_finish(report, false), WLK_OK);
	assert_string_equal(t->local_certificate_id.value, c->base.id);
	assert_false(t->remote_certificate_id.exists);
	assert_false(t->selected_candidate_pair_id.exists);
	wlk_stats_report_destroy(report);
}

static void test_a_selection_takes_along_what_it_refers_to(void **state)
{
	wlk_stats_report *report = new_report();
	wlk_stats_outbound_rtp *chosen = stats_add(report, WLK_STATS_OUTBOUND_RTP, "O1");
	wlk_stats_outbound_rtp *other = stats_add(report, WLK_STATS_OUTBOUND_RTP, "O2");
	wlk_stats_remote_inbound_rtp *remote = stats_add(report, WLK_STATS_REMOTE_INBOUND_RTP, "RIO1");
	wlk_stats_transport *t = stats_add(report, WLK_STATS_TRANSPORT, "T0");

	(void)state;
	stats_add(report, WLK_STATS_PEER_CONNECTION, "P");
	stats_add(report, WLK_STATS_CERTIFICATE, "CF");
	stats_set_text(report, &chosen->remote_id, str_of("RIO1"));
	stats_set_text(report, &remote->local_id, str_of("O1")); /* round in a circle */
	stats_set_text(report, &remote->transport_id, str_of("T0"));
	stats_set_text(report, &other->transport_id, str_of("T0"));
	stats_set_text(report, &t->local_certificate_id, str_of("CF"));
	stats_choose(report, chosen);
	assert_int_equal(stats_report_finish(report, true), WLK_OK);
	assert_int_equal(wlk_stats_report_count(report), 4);
	assert_non_null(wlk_stats_report_get(report, "CF"));
	assert_null(wlk_stats_report_get(report, "O2"));
	assert_null(wlk_stats_report_get(report, "P"));
	wlk_stats_report_destroy(report);
}

static void test_json_has_what_exists(void **state)
{
	wlk_stats_report *report = new_report();
	wlk_stats_outbound_rtp *s = stats_add(report, WLK_STATS_OUTBOUND_RTP, "O1");
	wlk_stats_remote_inbound_rtp *r = stats_add(report, WLK_STATS_REMOTE_INBOUND_RTP, "R1");
	char *json;

	(void)state;
	stats_set_count(&s->packets_sent, UINT64_MAX);
	stats_set_text(report, &s->kind, (struct str){ "a\"\\\n\0\xff", 6 });
	stats_set_null(&s->mid);
	stats_set_bool(&s->active, true);
	s->psnr_sum = (wlk_stat_psnr){ true, 1, 2, 3.5 };
	s->quality_limitation_durations = (wlk_stat_limitations){ true, 4, 0, 0, 0.25 };
	stats_set_signed(&r->packets_lost, -3);
	stats_set_number(&r->jitter, (double)NAN);
	assert_int_equal(stats_report_finish(report, false), WLK_OK);
	assert_int_equal(wlk_stats_to_json(report, &json), WLK_OK);
	assert_string_equal(json, "{\"O1\":{\"id\":\"O1\",\"type\":\"outbound-rtp\",\"timestamp\":1234.500000,"
				  "\"kind\":\"a\\\"\\\\\\u000a\\u0000\xef\xbf\xbd\",\"packetsSent\":18446744073709551615,\"mid\":null,"
				  "\"psnrSum\":{\"y\":1.000000,\"u\":2.000000,\"v\":3.500000},"
				  "\"qualityLimitationDurations\":{\"none\":4.000000,\"cpu\":0.000000,\"bandwidth\":0.000000,\"other\":0.250000},"
				  "\"active\":true},"
				  "\"R1\":{\"id\":\"R1\",\"type\":\"remote-inbound-rtp\",\"timestamp\":1234.500000,"
				  "\"packetsLost\":-3,\"jitter\":0.000000}}");
	wlk_free(json);
	assert_int_equal(wlk_stats_to_json(report, NULL), WLK_ERR_INVALID);
	assert_int_equal(wlk_stats_to_json(NULL, &json), WLK_ERR_INVALID);
	wlk_stats_report_destroy(report);
}

static void test_json_replaces_what_is_not_utf8(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xc3", "\xef\xbf\xbd" },                             /* cut short */
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },             /* overlong */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\x80z", "\xef\xbf\xbdz" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text out, expected;
		struct json j = { .out = &out };

		text_init(&out);
		text_init(&expected);
		json_string(&j, "x", str_of(cases[i].in));
		text_addf(&expected, "\"x\":\"%s\"", cases[i].out);
		assert_string_equal(out.at, expected.at);
		text_free(&out);
		text_free(&expected);
	}
}

/* With each allocation failing in turn: an error or a whole report, and no leak. */
static void test_without_memory_there_is_no_report(void **state)
{
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed && n < 50; n++) {
		wlk_stats_report *report = NULL;
		char id[8] = "D00";
		wlk_err err;

		alloc_fail_after(n);
		err = stats_report_create(&report, 0);
		for (int i = 0; !err && i < 40; i++) {
			wlk_stats_data_channel *s;

			id[1] = (char)('0' + i / 10);
			id[2] = (char)('0' + i % 10);
			s = stats_add(report, WLK_STATS_DATA_CHANNEL, id);
			stats_set_text(report, &s->label, STR("some label"));
		}
		if (!err)
			err = stats_report_finish(report, false);
		alloc_fail_after(0);
		failed = err != WLK_OK;
		assert_true(!failed || err == WLK_ERR_NOMEM);
		assert_true(failed || wlk_stats_report_count(report) == 40);
		wlk_stats_report_destroy(report);
	}
	assert_false(failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_begins_empty),
		cmocka_unit_test(test_every_member_fits_its_record),
		cmocka_unit_test(test_references_to_nobody_cease),
		cmocka_unit_test(test_a_selection_takes_along_what_it_refers_to),
		cmocka_unit_test(test_json_has_what_exists),
		cmocka_unit_test(test_json_replaces_what_is_not_utf8),
		cmocka_unit_test(test_without_memory_there_is_no_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
