/*
 * Random calls on two connected peers, seed by seed: no crash and no leak whatever the order, every answer is a documented
 * error, and afterwards both can be brought to stable, have the same m-lines, mids and mirrored directions, and still talk: on
 * the first channel, and on every transceiver that may send.
 *
 *   sim_random_api [FIRST_SEED [COUNT]]
 *
 * With SIM_WHY in the environment it says what divided a run, and how often each call was made and how often it was granted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "core/alloc.h"
#include "core/err.h"
#include "core/rand.h"
#include "peer/certificate.h"
#include "random_calls.h"

enum { CALLS = 50, ENOUGH_RUNS = 300, KINDS_MAX = 50 };

struct random_run *random_run_of(struct sim *sim)
{
	return sim->user;
}

static struct random_side *side_of(struct sim *sim, const struct sim_peer *peer)
{
	return peer == &sim->a ? &random_run_of(sim)->a : &random_run_of(sim)->b;
}

void random_check(struct sim *sim, struct sim_peer *peer, wlk_err err, wlk_signaling_state before)
{
	random_run_of(sim)->calls++;
	if (!err)
		return;
	random_run_of(sim)->refused++;
	if (err < WLK_ERR_TIMEOUT || err > 0)
		sim_fail(sim, "%s: %d is no error", peer->name, (int)err);
	if (err == WLK_ERR_NOMEM || err == WLK_ERR_CRYPTO || err == WLK_ERR_IO)
		sim_fail(sim, "%s: %s: %s", peer->name, wlk_strerror(err), wlk_last_error(peer->pc));
	if (err != WLK_ERR_AGAIN && !*wlk_last_error(peer->pc))
		sim_fail(sim, "%s: an error without a story", peer->name);
	if (wlk_peer_connection_signaling_state(peer->pc) != before)
		sim_fail(sim, "%s: %s, but the state moved", peer->name, wlk_strerror(err));
}

/* ---- drawing a call ---- */

static struct {
	uint64_t made, granted;
} tally[KINDS_MAX];

static const struct random_table *const tables[] = { &random_calls, &random_media, &random_signalling };

static const struct random_call *call_at(size_t index)
{
	const struct random_table *const *table = tables;

	while (index >= (*table)->count)
		index -= (*table++)->count;
	return &(*table)->calls[index];
}

static size_t kinds(void)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		count += tables[i]->count;
	return count;
}

static size_t draw_kind(struct sim *sim)
{
	static uint32_t weights;
	uint32_t at;
	size_t i = 0;

	if (!weights)
		for (size_t k = 0; k < kinds(); k++)
			weights += call_at(k)->weight;
	for (at = sim_random(sim, weights); at >= call_at(i)->weight; i++)
		at -= call_at(i)->weight;
	return i;
}

static void end_peer(struct sim *sim, struct sim_peer *peer)
{
	random_run_of(sim)->closed = true;
	random_run_of(sim)->ends_in_event += side_of(sim, peer)->in_event;
	if (sim_random(sim, 2)) {
		wlk_peer_connection_close(peer->pc);
		return;
	}
	wlk_peer_connection_destroy(peer->pc);
	peer->pc = NULL;
}

static void random_call(struct sim *sim, struct sim_peer *peer)
{
	wlk_signaling_state before;
	size_t kind;
	wlk_err err;

	if (!peer->pc)
		return;
	if (sim_random(sim, 400) == 0) {
		end_peer(sim, peer);
		return;
	}
	before = wlk_peer_connection_signaling_state(peer->pc);
	kind = draw_kind(sim);
	err = call_at(kind)->make(sim, peer, side_of(sim, peer));
	if (err == RANDOM_NOTHING)
		return;
	tally[kind].made++;
	tally[kind].granted += !err;
	random_check(sim, peer, err, before);
}

/* ---- events ---- */

static void keep_channel(struct random_side *side, wlk_data_channel *channel)
{
	if (side->channel_count < RANDOM_HANDLES)
		side->channels[side->channel_count++] = channel;
	else
		wlk_data_channel_release(channel);
}

static void on_message(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	if (strcmp(wlk_data_channel_label(ev->u.message.channel), "main") != 0)
		return;
	if (peer == &sim->a)
		random_run_of(sim)->echoes++;
	else
		(void)!wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data, ev->u.message.size);
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct random_run *run = random_run_of(sim);
	struct random_side *side = side_of(sim, peer);

	if (ev->type == WLK_EVENT_DATA_CHANNEL)
		keep_channel(side, ev->u.channel.channel);
	if (ev->type == WLK_EVENT_DATA_CHANNEL_MESSAGE)
		on_message(sim, peer, ev);
	if (ev->type == WLK_EVENT_RTP_PACKET)
		random_take_packet(ev);
	if (run->is_over || side->in_event || sim_random(sim, 4))
		return;
	side->in_event = true;
	if (run->end_in_event)
		end_peer(sim, peer);
	else
		random_call(sim, peer);
	run->end_in_event = false;
	side->in_event = false;
}

/* ---- a run ---- */

struct totals {
	uint64_t runs, calls, refused, closed, divided;
	uint64_t implicit_rollbacks, pranswers, restarts_while_gathering, ends_in_event, media_checked;
};

static bool echoed(struct sim *sim)
{
	return random_run_of(sim)->echoes > 0;
}

static void finish(struct sim *sim, struct totals *totals)
{
	struct random_run *run = random_run_of(sim);

	run->is_over = true;
	if (run->closed || !sim->a.pc || !sim->b.pc) {
		totals->closed++;
		return;
	}
	if (!random_agree_again(sim)) {
		totals->divided++;
		if (run->faithful)
			sim_fail(sim, "divided: a: %s, b: %s", wlk_last_error(sim->a.pc), wlk_last_error(sim->b.pc));
		if (getenv("SIM_WHY"))
			printf("seed %llu: a: %s, b: %s\n", (unsigned long long)sim->config.seed, wlk_last_error(sim->a.pc),
			       wlk_last_error(sim->b.pc));
		return;
	}
	run->echoes = 0;
	if (wlk_data_channel_send(run->main_a, WLK_MESSAGE_TEXT, "still", 5))
		sim_fail(sim, "the first channel is closed: %s", wlk_last_error(sim->a.pc));
	if (!sim_run_until(sim, 30 * SIM_SECOND, echoed))
		sim_fail(sim, "nothing comes back on the first channel");
	random_check_media(sim);
}

static void never_answers(struct sim *sim, struct sim_host *host, const wlk_addr *local, const wlk_addr *remote,
			  const uint8_t *data, size_t size)
{
	(void)sim, (void)host, (void)local, (void)remote, (void)data, (void)size;
}

/* A server that answers, or one that keeps gathering from ending for long. */
static void add_server(struct sim *sim)
{
	if (sim->config.seed % 2)
		sim_add_stun_server(sim, "198.51.100.7");
	else
		sim_add_host(sim, "198.51.100.7", never_answers, NULL);
}

/* Half of the runs begin with media both ways. */
static void add_tracks(struct sim *sim, struct sim_peer *peer)
{
	if (sim->config.seed % 2 && (wlk_peer_connection_add_track(peer->pc, WLK_MEDIA_AUDIO, "first-voice", NULL, 0, NULL) ||
				     wlk_peer_connection_add_track(peer->pc, WLK_MEDIA_VIDEO, "first-picture", NULL, 0, NULL)))
		sim_fail(sim, "%s: a track cannot be added: %s", peer->name, wlk_last_error(peer->pc));
}

static void connect(struct sim *sim, struct random_run *run)
{
	add_tracks(sim, &sim->a);
	add_tracks(sim, &sim->b);
	if (wlk_peer_connection_create_data_channel(sim->a.pc, "main", NULL, &run->main_a))
		sim_fail(sim, "a channel cannot be made");
	sim_signal(sim);
	if (!sim_run_until(sim, 10 * SIM_SECOND, sim_both_connected))
		sim_fail(sim, "not connected");
	sim_run_for(sim, SIM_SECOND);
	run->b.channel_count = 0; /* "main" is left alone */
}

static void count(struct totals *totals, const struct random_run *run)
{
	totals->runs++;
	totals->calls += run->calls;
	totals->refused += run->refused;
	totals->implicit_rollbacks += run->implicit_rollbacks;
	totals->pranswers += run->pranswers;
	totals->restarts_while_gathering += run->restarts_while_gathering;
	totals->ends_in_event += run->ends_in_event;
	totals->media_checked += run->media_checked;
}

static void run_seed(uint64_t seed, wlk_certificate *const certificates[2], struct totals *totals)
{
	struct random_run run = { .is_over = true, .faithful = seed / 3 % 2 == 0 };
	wlk_configuration a = WLK_CONFIGURATION_INIT, b = WLK_CONFIGURATION_INIT;
	struct sim_config config = { .seed = seed, .latency_us = (wlk_time)(seed % 3) * 5 * SIM_MS, .may_fail = true,
				     .calls_in_events = true };
	int end_at = seed % 16 == 5 ? (int)(seed / 16 % CALLS) : -1;
	size_t blocks = alloc_live_blocks();
	struct sim sim;

	if (seed % 5 == 0)
		run.server.url = "stun:stun.sim";
	a.certificate = certificates[0];
	b.certificate = certificates[1];
	a.ice_servers = b.ice_servers = &run.server;
	a.ice_server_count = b.ice_server_count = run.server.url != NULL;
	config.config_a = &a;
	config.config_b = &b;
	sim_init(&sim, &config, on_event, &run);
	if (run.server.url)
		add_server(&sim);
	random_make_sources(&sim);
	connect(&sim, &run);
	run.is_over = false;
	for (int i = 0; i < CALLS; i++) {
		run.end_in_event |= i == end_at;
		random_call(&sim, sim_random(&sim, 2) ? &sim.a : &sim.b);
		if (sim_random(&sim, 3) == 0)
			sim_run_for(&sim, sim_random(&sim, 100) * SIM_MS);
	}
	finish(&sim, totals);
	count(totals, &run);
	sim_free(&sim);
	random_release_sources(&run);
	if (alloc_live_blocks() != blocks)
		sim_fail(&sim, "%zu blocks leaked", alloc_live_blocks() - blocks);
}

/* ---- all of them ---- */

/* Made once: keys and certificates would be a seventh of the time, and calls have nothing to do with them. */
static void make_certificates(wlk_certificate *certificates[2])
{
	wlk_certificate_options options = WLK_CERTIFICATE_OPTIONS_INIT;
	struct timeval now;

	options.has_expires = true;
	options.expires_ms = 365 * 86400000ull; /* a hundred thousand runs are some weeks of virtual time */
	rand_use_seed(1);
	gettimeofday(&now, NULL);
	for (int i = 0; i < 2; i++) {
		if (certificate_generate(&certificates[i], &options, now.tv_sec)) {
			fputs("FAIL no certificate\n", stderr);
			exit(1);
		}
	}
}

/* A call that is never granted tests next to nothing. */
static bool mix_is_good(const struct totals *totals)
{
	bool good = totals->implicit_rollbacks && totals->pranswers && totals->restarts_while_gathering && totals->ends_in_event &&
		    totals->media_checked;

	for (size_t i = 0; i < kinds(); i++) {
		if (getenv("SIM_WHY"))
			printf("%10llu made %10llu granted: %s\n", (unsigned long long)tally[i].made, (unsigned long long)tally[i].granted,
			       call_at(i)->name);
		good &= tally[i].granted > 0;
	}
	printf("%llu implicit rollbacks, %llu provisional answers, %llu restarts while gathering, %llu ends inside an event, %llu sections with media at the end\n",
	       (unsigned long long)totals->implicit_rollbacks, (unsigned long long)totals->pranswers,
	       (unsigned long long)totals->restarts_while_gathering, (unsigned long long)totals->ends_in_event,
	       (unsigned long long)totals->media_checked);
	return good;
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 500;
	wlk_certificate *certificates[2];
	struct totals totals = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	make_certificates(certificates);
	for (uint64_t seed = first; seed < first + count; seed++) {
		run_seed(seed, certificates, &totals);
		if (totals.runs % 10000 == 0)
			printf("%llu runs\n", (unsigned long long)totals.runs);
	}
	for (int i = 0; i < 2; i++)
		wlk_certificate_release(certificates[i]);
	printf("%llu runs, %llu calls, %llu of them refused; %llu runs with a peer closed, %llu divided by lost signalling\n",
	       (unsigned long long)totals.runs, (unsigned long long)totals.calls, (unsigned long long)totals.refused,
	       (unsigned long long)totals.closed, (unsigned long long)totals.divided);
	if (!mix_is_good(&totals) && totals.runs >= ENOUGH_RUNS) {
		fputs("FAIL some call was never granted (SIM_WHY=1 lists them)\n", stderr);
		return 1;
	}
	return totals.divided > 2 + totals.runs / 20;
}
