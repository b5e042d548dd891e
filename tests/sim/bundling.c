/* Answers to offers that bundle, do not bundle, or change their mind about it (RFC 9143, RFC 9429 5.3.1), with memory and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "sim.h"

struct pair {
	struct sim sim;
	wlk_configuration of_a, of_b;
	wlk_data_channel *channel;
};

static void must(const struct sim_peer *peer, wlk_err err)
{
	if (err)
		fail_msg("%s: %s: %s", peer->name, wlk_strerror(err), wlk_last_error(peer->pc));
}

static void add(struct sim_peer *peer, wlk_media_kind kind)
{
	wlk_transceiver *t;

	must(peer, wlk_peer_connection_add_transceiver(peer->pc, kind, NULL, &t));
}

static void ignore(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	(void)sim;
	(void)peer;
	(void)ev;
}

/* A offers audio, video and data, each on its own transport; B answers under |policy|. */
static void pair_init(struct pair *p, wlk_bundle_policy policy)
{
	struct sim_config config = { .seed = 1, .latency_us = 5 * SIM_MS, .may_fail = true, .config_a = &p->of_a, .config_b = &p->of_b };

	*p = (struct pair){ .of_a = WLK_CONFIGURATION_INIT, .of_b = WLK_CONFIGURATION_INIT };
	p->of_a.bundle_policy = WLK_BUNDLE_MAX_COMPAT;
	p->of_b.bundle_policy = policy;
	sim_init(&p->sim, &config, ignore, NULL);
	add(&p->sim.a, WLK_MEDIA_AUDIO);
	add(&p->sim.a, WLK_MEDIA_VIDEO);
	must(&p->sim.a, wlk_peer_connection_create_data_channel(p->sim.a.pc, "main", NULL, &p->channel));
}

static const char *local_sdp(const struct sim_peer *peer)
{
	return wlk_peer_connection_local_description(peer->pc)->sdp;
}

/* The description of |from| with |group| for its BUNDLE groups ("": none) to the other side. */
static wlk_err give(struct sim_peer *from, const char *group)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(from->pc);
	wlk_session_description changed = *local;
	const char *timing = strstr(local->sdp, "t=0 0\r\n") + 7;
	const char *rest = strstr(timing, "a=group:BUNDLE");
	char *sdp = malloc(strlen(local->sdp) + strlen(group) + 1);
	wlk_err err;

	assert_non_null(sdp);
	rest = rest ? strstr(rest, "\r\n") + 2 : timing;
	sprintf(sdp, "%.*s%s%s", (int)(timing - local->sdp), local->sdp, group, rest);
	changed.sdp = sdp;
	err = wlk_peer_connection_set_remote_description(from->other->pc, &changed);
	free(sdp);
	return err;
}

static void set_local(struct sim_peer *peer)
{
	must(peer, wlk_peer_connection_set_local_description(peer->pc, NULL));
}

static wlk_err give_as_is(struct sim_peer *from)
{
	return wlk_peer_connection_set_remote_description(from->other->pc, wlk_peer_connection_local_description(from->pc));
}

static void exchange(struct pair *p, const char *group)
{
	set_local(&p->sim.a);
	must(&p->sim.b, give(&p->sim.a, group));
	set_local(&p->sim.b);
	must(&p->sim.a, give_as_is(&p->sim.b));
}

/* Of m-line |index| of a description: its line, or the value of the attribute |name| in its section. */
static void section_text(const char *sdp, size_t index, const char *name, char *out, size_t size)
{
	const char *at = sdp;
	size_t length;

	for (size_t i = 0; i <= index; i++)
		at = strstr(at + 1, "\r\nm=") + 2;
	if (name)
		at = strstr(at, name) + strlen(name);
	length = strcspn(at, "\r");
	assert_true(length < size);
	memcpy(out, at, length);
	out[length] = '\0';
}

/* Which m-lines of a description are open: "110" for the first two of three. */
static const char *open_lines(const char *sdp, char out[8])
{
	size_t n = 0;
	char line[512];

	for (const char *at = strstr(sdp, "\r\nm="); at; at = strstr(at + 1, "\r\nm=")) {
		section_text(sdp, n, NULL, line, sizeof(line));
		out[n++] = strncmp(strchr(line, ' '), " 0 ", 3) ? '1' : '0';
	}
	out[n] = '\0';
	return out;
}

/* What an offer takes apart is answered as the policy of the answerer says. */
static void test_the_policy_holds_for_answers(void **state)
{
	static const struct {
		wlk_bundle_policy policy;
		const char *group, *open;
	} cases[] = {
		{ WLK_BUNDLE_DEFAULT, "", "1111" },
		{ WLK_BUNDLE_MAX_COMPAT, "", "1111" },
		{ WLK_BUNDLE_BALANCED, "", "1110" }, /* the second audio section is apart from the first */
		{ WLK_BUNDLE_BALANCED, "a=group:BUNDLE 0 3\r\n", "1111" },
		{ WLK_BUNDLE_MAX_BUNDLE, "", "1000" },
		{ WLK_BUNDLE_MAX_BUNDLE, "a=group:BUNDLE 0 2\r\n", "1010" },
		{ WLK_BUNDLE_MAX_BUNDLE, "a=group:BUNDLE 0 1 2 3\r\n", "1111" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair p;
		char open[8];

		pair_init(&p, cases[i].policy);
		set_local(&p.sim.a); /* so that the second audio section comes behind data */
		add(&p.sim.a, WLK_MEDIA_AUDIO);
		exchange(&p, cases[i].group);
		assert_string_equal(open_lines(local_sdp(&p.sim.b), open), cases[i].open);
		assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
		sim_free(&p.sim);
	}
}

/* The group that a later offer makes rides on the transport of its first section, whichever had been first here. */
static void test_a_later_group_goes_where_its_tag_is(void **state)
{
	static const char *const groups[] = { "a=group:BUNDLE 1 0 2\r\n", "a=group:BUNDLE 2 1\r\n", "a=group:BUNDLE 0 2\r\n" };
	static const size_t tags[] = { 1, 2, 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char before[64], after[64];
		struct pair p;

		pair_init(&p, WLK_BUNDLE_DEFAULT);
		exchange(&p, "");
		assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
		section_text(local_sdp(&p.sim.b), tags[i], "a=ice-ufrag:", before, sizeof(before));
		set_local(&p.sim.a);
		must(&p.sim.b, give(&p.sim.a, groups[i]));
		set_local(&p.sim.b);
		assert_non_null(strstr(local_sdp(&p.sim.b), groups[i]));
		for (size_t k = 0; k < 3; k++) {
			char mid[4];

			snprintf(mid, sizeof(mid), " %zu", k);
			if (!strstr(groups[i], mid))
				continue;
			section_text(local_sdp(&p.sim.b), k, "a=ice-ufrag:", after, sizeof(after));
			assert_string_equal(after, before);
		}
		sim_run_for(&p.sim, SIM_SECOND);
		assert_int_equal(p.sim.b.state, WLK_CONNECTION_CONNECTED);
		sim_free(&p.sim);
	}
}

/* An answer that cannot be put into force for want of memory changes none of its transports: the same one is taken later. */
static void test_no_memory_leaves_no_half_of_an_answer(void **state)
{
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct pair p;
		wlk_err err;

		pair_init(&p, WLK_BUNDLE_DEFAULT);
		set_local(&p.sim.a);
		must(&p.sim.b, give(&p.sim.a, ""));
		set_local(&p.sim.b);
		assert_non_null(local_sdp(&p.sim.b)); /* written before memory runs out */
		alloc_fail_after(n);
		err = give_as_is(&p.sim.b);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		if (err) {
			if (err != WLK_ERR_NOMEM)
				fail_msg("%s at %zu: %s", wlk_strerror(err), n, wlk_last_error(p.sim.a.pc));
			assert_int_equal(wlk_peer_connection_signaling_state(p.sim.a.pc), WLK_SIGNALING_HAVE_LOCAL_OFFER);
			if (n % 2) {
				must(&p.sim.a, give_as_is(&p.sim.b));
			} else {
				const wlk_session_description rollback = { WLK_SDP_ROLLBACK, NULL };

				must(&p.sim.a, wlk_peer_connection_set_local_description(p.sim.a.pc, &rollback));
				set_local(&p.sim.a);
				must(&p.sim.b, give(&p.sim.a, ""));
				set_local(&p.sim.b);
				must(&p.sim.a, give_as_is(&p.sim.b));
			}
		}
		if (wlk_peer_connection_connection_state(p.sim.a.pc) != WLK_CONNECTION_FAILED) /* which an event's memory may have cost */
			assert_true(sim_run_until(&p.sim, 10 * SIM_SECOND, sim_both_connected));
		sim_free(&p.sim);
	}
}

/* A restart of three transports that finds memory for one only restarts none. */
static void test_no_memory_leaves_no_half_of_a_restart(void **state)
{
	const wlk_offer_options restart = { sizeof(restart), true };
	char before[64], after[64];
	const char *offer;
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct pair p;
		wlk_err err;

		pair_init(&p, WLK_BUNDLE_DEFAULT);
		exchange(&p, "");
		assert_true(sim_run_until(&p.sim, 5 * SIM_SECOND, sim_both_connected));
		alloc_fail_after(n);
		err = wlk_peer_connection_create_offer(p.sim.a.pc, &restart, &offer);
		failed = alloc_did_fail();
		alloc_fail_after(0);
		/* All of them have a new generation, when memory ran out behind that, or none has. */
		for (size_t k = 0, kept = 0; err && k < 3; k++) {
			section_text(local_sdp(&p.sim.a), k, "a=ice-ufrag:", before, sizeof(before));
			must(&p.sim.a, wlk_peer_connection_create_offer(p.sim.a.pc, NULL, &offer));
			section_text(offer, k, "a=ice-ufrag:", after, sizeof(after));
			kept += !strcmp(before, after);
			assert_true(kept == 0 || kept == k + 1);
		}
		sim_renegotiate(&p.sim, &p.sim.a, true);
		sim_run_for(&p.sim, 3 * SIM_SECOND);
		assert_int_equal(p.sim.a.state, WLK_CONNECTION_CONNECTED);
		assert_int_equal(p.sim.b.state, WLK_CONNECTION_CONNECTED);
		sim_free(&p.sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_policy_holds_for_answers),
		cmocka_unit_test(test_a_later_group_goes_where_its_tag_is),
		cmocka_unit_test(test_no_memory_leaves_no_half_of_an_answer),
		cmocka_unit_test(test_no_memory_leaves_no_half_of_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
