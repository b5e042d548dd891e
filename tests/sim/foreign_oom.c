/*
 * Memory that runs out inside usrsctp, and inside NSS and libsrtp2. They do not survive that everywhere; what is held here is
 * that no crash is in our code, that nothing hangs, and that they crash only where foreign_crashes.txt says.
 *
 *   sim_foreign_oom CRASHES [POINTS [SWEEP [NUMBER]]]     so many failures in each library (default 2000); SWEEP (usrsctp,
 *                           nss-start, nss) limits it to one, NUMBER to one allocation of it; SIM_LOG shows the peers' log.
 *                           The list CRASHES is from runs of 7500 and more for each.
 *
 *
 * A call is told once. At an allocation that is to fail the process forks: the child goes on without that memory, the
 * parent waits for what becomes of it and goes on with it.
 */
#include <execinfo.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/alloc.h"
#include "foreign_heap.h"
#include "sim.h"

enum { NAME_SIZE = 160, ROWS_MAX = 128, CPU_LIMIT_S = 10, WALL_LIMIT_S = 120, STATUS_BASE = 100 };

/* How allocations fail from the chosen one on. */
enum shape { ONCE, ROW_OF_8, ALL, SOME, SOME_MORE, SHAPES };

static const char *const shape_names[] = { "once", "8 in a row", "all", "one in 8", "one in 2" };

/* What became of a child. */
enum outcome { WENT_ON, TOLD_AN_ERROR, NEXT_ONE_FAILS, CRASHED, IN_OUR_CODE, HUNG, SILENT, LEAKED, BROKEN, OUTCOMES };

static const char *const outcome_names[] = {
	[WENT_ON] = "the call went on",
	[TOLD_AN_ERROR] = "an error was told",
	[NEXT_ONE_FAILS] = "an error was told, and the next call fails as well",
	[CRASHED] = "crash inside the library",
	[IN_OUR_CODE] = "CRASH IN OUR CODE",
	[HUNG] = "HANGS",
	[SILENT] = "NEITHER SUCCESS NOR AN ERROR",
	[LEAKED] = "OUR BLOCKS LEAKED",
	[BROKEN] = "BROKE A PROMISE",
};

/* Counted rows: of crashes by place, or of whatever fails the test. */
struct row {
	enum outcome outcome;
	char place[NAME_SIZE];   /* where it went wrong */
	char refused[NAME_SIZE]; /* whose allocation failed, the first time it was seen */
	size_t number;           /* the first such allocation */
	enum shape shape;
	size_t count;
};

/* In memory that parents and children share. */
static struct shared {
	char place[NAME_SIZE]; /* of the child that just ended */
	char refused[NAME_SIZE];
	size_t total; /* allocations of a whole call */
	size_t reached;
	size_t outcomes[OUTCOMES];
	struct row rows[ROWS_MAX];
	size_t row_count;
} *shared;

struct sweep {
	const char *name, *title;
	enum foreign_family family;
	bool warm;       /* a call was before */
	bool start_only; /* only what making the peers allocates */
	size_t share;    /* of the points, in eighths */
	size_t unusable; /* at most so many percent leave the library unusable for the next call */
};

static const struct sweep sweeps[] = {
	{ "usrsctp", "usrsctp, from its start on", FOREIGN_USRSCTP, .share = 8 },
	{ "nss-start", "the start of NSS and libsrtp2", FOREIGN_NSS, .start_only = true, .share = 2, .unusable = 25 },
	{ "nss", "NSS and libsrtp2 after their start", FOREIGN_NSS, .warm = true, .share = 8 },
};

static struct {
	const struct sweep *sweep;
	size_t points;
	size_t only; /* this allocation alone; 0: all */
	size_t total;
	size_t next; /* of the points */
} plan;

static struct {
	bool is_child;
	enum shape shape;
	size_t left; /* of a row */
	uint32_t random;
	bool is_over;
} failing;

/* ---- one call ---- */

struct call {
	wlk_data_channel *channel, *lossy;
	wlk_transceiver *audio, *video;
	int echoes, packets_a, packets_b;
	bool an_error;
	bool closing;
};

static struct call *call_of(struct sim *sim)
{
	return sim->user;
}

static bool went_well(struct sim *sim, wlk_err err)
{
	if (err)
		call_of(sim)->an_error = true;
	return !err;
}

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct call *call = call_of(sim);

	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		if (peer == &sim->a)
			call->echoes += ev->u.message.channel == call->channel;
		else
			went_well(sim, wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data,
							     ev->u.message.size));
		break;
	case WLK_EVENT_TRACK:
		if (peer == &sim->b)
			went_well(sim, wlk_transceiver_set_direction(ev->u.track.transceiver, WLK_DIRECTION_SENDRECV));
		break;
	case WLK_EVENT_RTP_PACKET:
		call->packets_a += peer == &sim->a;
		call->packets_b += peer == &sim->b;
		if (peer == &sim->b)
			(void)wlk_rtp_sender_forward(wlk_transceiver_sender(ev->u.rtp.transceiver), ev->u.rtp.packet);
		break;
	case WLK_EVENT_DATA_CHANNEL_ERROR:
	case WLK_EVENT_DATA_CHANNEL_CLOSE:
		call->an_error |= !call->closing;
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		if (ev->u.connection.state == WLK_CONNECTION_FAILED || ev->u.connection.state == WLK_CONNECTION_CLOSED)
			call->an_error |= !call->closing;
		break;
	default:
		break;
	}
}

static bool set_remote(struct sim *sim, struct sim_peer *from)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(from->pc);

	if (!local)
		call_of(sim)->an_error = true;
	return local && went_well(sim, wlk_peer_connection_set_remote_description(from->other->pc, local));
}

static bool negotiate(struct sim *sim, struct sim_peer *offerer)
{
	bool done = went_well(sim, wlk_peer_connection_set_local_description(offerer->pc, NULL)) && set_remote(sim, offerer);

	sim_run_for(sim, 1);
	done = done && went_well(sim, wlk_peer_connection_set_local_description(offerer->other->pc, NULL)) &&
	       set_remote(sim, offerer->other);
	sim_run_for(sim, 1);
	return done;
}

static bool add_media(struct sim *sim)
{
	struct call *call = call_of(sim);

	return went_well(sim, wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_AUDIO, NULL, &call->audio)) &&
	       went_well(sim, wlk_peer_connection_add_transceiver(sim->a.pc, WLK_MEDIA_VIDEO, NULL, &call->video));
}

/* The payload type that our own offer gives |codec|. */
static uint8_t payload_type(struct sim *sim, const char *codec)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(sim->a.pc);
	const char *found = local ? strstr(local->sdp, codec) : NULL;

	if (!found)
		return 0;
	while (found[-1] != ':')
		found--;
	return (uint8_t)strtoul(found, NULL, 10);
}

static void send_packet(struct sim *sim, wlk_transceiver *t, const char *codec, uint32_t timestamp)
{
	uint8_t payload[200];
	wlk_rtp_packet packet = { .payload_type = payload_type(sim, codec), .marker = true, .timestamp = timestamp,
				  .payload = payload, .payload_size = sizeof(payload) };

	memset(payload, 0x5a, sizeof(payload));
	went_well(sim, wlk_rtp_sender_send_packet(wlk_transceiver_sender(t), &packet));
}

static bool echoed(struct sim *sim)
{
	return call_of(sim)->echoes > 0 || call_of(sim)->an_error;
}

/* A shortage that lasts may hold the data up; once it is over they must go on. */
static bool wait_for_echo(struct sim *sim)
{
	if (!sim_run_until(sim, 60 * SIM_SECOND, echoed)) {
		failing.is_over = true;
		(void)sim_run_until(sim, 300 * SIM_SECOND, echoed);
	}
	return call_of(sim)->echoes > 0;
}

/* A message of many packets comes back; packets of both tracks go along. */
static bool talk(struct sim *sim)
{
	static uint8_t large[20000];
	static uint32_t timestamp;
	struct call *call = call_of(sim);

	call->echoes = 0;
	if (!went_well(sim, wlk_data_channel_send(call->channel, WLK_MESSAGE_BINARY, large, sizeof(large))))
		return false;
	(void)wlk_data_channel_send(call->lossy, WLK_MESSAGE_TEXT, "lossy", 5);
	if (!wait_for_echo(sim))
		return false;
	call->packets_a = call->packets_b = 0;
	for (int i = 0; i < 10; i++) {
		send_packet(sim, call->audio, " opus/48000", timestamp += 960);
		send_packet(sim, call->video, " VP8/90000", timestamp);
		sim_run_for(sim, 20 * SIM_MS);
	}
	sim_run_for(sim, SIM_SECOND);
	return true;
}

static bool close_channels(struct sim *sim)
{
	call_of(sim)->closing = true;
	wlk_data_channel_close(call_of(sim)->lossy);
	sim_run_for(sim, 2 * SIM_SECOND);
	wlk_peer_connection_close(sim->a.pc);
	sim_run_for(sim, SIM_SECOND);
	return true;
}

/* Connect, talk, add media and restart ICE from each side, talk again, close: nothing of it depends on what came back. */
static bool whole_call(struct sim *sim)
{
	const wlk_data_channel_init lossy = { .struct_size = sizeof(lossy), .unordered = true, .has_max_retransmits = true };
	struct call *call = call_of(sim);
	bool done = went_well(sim, wlk_peer_connection_create_data_channel(sim->a.pc, "all", NULL, &call->channel)) &&
		    went_well(sim, wlk_peer_connection_create_data_channel(sim->a.pc, "some", &lossy, &call->lossy)) &&
		    add_media(sim) && negotiate(sim, &sim->a) && talk(sim) && add_media(sim) && negotiate(sim, &sim->a) &&
		    went_well(sim, wlk_peer_connection_restart_ice(sim->b.pc)) && negotiate(sim, &sim->b) && talk(sim);

	/* A shortage that is over must not have silenced the media for good. */
	if (done && !call->an_error && (!failing.is_child || failing.shape <= ROW_OF_8))
		done = call->packets_a > 0 && call->packets_b > 0;
	return close_channels(sim) && done;
}

/* Tell the story once; the peers live and die inside. */
static enum outcome tell(bool may_fail)
{
	struct sim_config config = { .seed = 1, .latency_us = 5 * SIM_MS, .may_fail = may_fail };
	struct call call = { 0 };
	struct sim sim;
	bool done = false;

	sim_init(&sim, &config, on_event, &call);
	if (plan.sweep->start_only && !failing.is_child)
		foreign_watch(FOREIGN_NONE, NULL);
	if (sim.a.pc && sim.b.pc)
		done = whole_call(&sim);
	else
		call.an_error = true;
	sim_free(&sim);
	return done ? WENT_ON : call.an_error ? TOLD_AN_ERROR : SILENT;
}

/* ---- the child ---- */

/* Whether this allocation of the child fails. */
static bool child_fails(void)
{
	if (failing.is_over)
		return false;
	switch (failing.shape) {
	case ONCE:
	case ROW_OF_8:
		return failing.left && failing.left--;
	case ALL:
		return true;
	default:
		failing.random = failing.random * 1664525u + 1013904223u;
		return failing.random >> 16 & 1 && (failing.shape == SOME_MORE || (failing.random >> 17 & 3) == 0);
	}
}

static __attribute__((noinline)) void on_signal(int signal)
{
	void *frames[FOREIGN_FRAMES];
	int count = backtrace(frames, FOREIGN_FRAMES);
	/* The two innermost are this function and the kernel's way back from it. */
	enum foreign_owner owner = foreign_name(shared->place, sizeof(shared->place), frames + 2, count - 2);

	if (signal == SIGALRM || signal == SIGPROF)
		_exit(STATUS_BASE + HUNG);
	_exit(STATUS_BASE + (owner == FOREIGN_LIBRARY ? (int)CRASHED : (int)IN_OUR_CODE));
}

static void watch_signals(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGALRM, SIGPROF };
	const struct itimerval limit = { .it_value = { .tv_sec = CPU_LIMIT_S } };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND) };
	static uint8_t stack_room[64 * 1024];
	stack_t stack = { .ss_sp = stack_room, .ss_size = sizeof(stack_room) };

	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	setitimer(ITIMER_PROF, &limit, NULL);
	alarm(WALL_LIMIT_S);
}

static void become_child(size_t number, enum shape shape, uint32_t random)
{
	failing.is_child = true;
	failing.shape = shape;
	failing.left = shape == ONCE ? 0 : 7; /* behind the chosen one, which fails in any case */
	failing.random = random;
	foreign_name_caller(shared->refused, sizeof(shared->refused));
	snprintf(shared->place, sizeof(shared->place), "-");
	watch_signals();
	if (plan.only)
		fprintf(stderr, "allocation %zu of %s fails, %s\n", number, shared->refused, shape_names[shape]);
}

/* After the story: memory is back, nothing of ours is left, and the next call gets through. */
static _Noreturn void end_child(enum outcome outcome, size_t blocks_before)
{
	foreign_watch(FOREIGN_NONE, NULL);
	if (outcome <= TOLD_AN_ERROR && alloc_live_blocks() != blocks_before)
		outcome = LEAKED;
	if (outcome == TOLD_AN_ERROR && tell(true) != WENT_ON)
		outcome = NEXT_ONE_FAILS;
	_exit(STATUS_BASE + (int)outcome);
}

/* ---- the parent ---- */

static struct row *find_row(enum outcome outcome)
{
	struct row *row = shared->rows;

	while (row < shared->rows + shared->row_count && (row->outcome != outcome || strcmp(row->place, shared->place) != 0))
		row++;
	if (row == shared->rows + ROWS_MAX)
		return row - 1;
	if (row == shared->rows + shared->row_count)
		shared->row_count++;
	return row;
}

static void note(enum outcome outcome, size_t number, enum shape shape)
{
	struct row *row;

	shared->reached++;
	shared->outcomes[outcome]++;
	if (outcome <= TOLD_AN_ERROR)
		return;
	row = find_row(outcome);
	if (row->count++)
		return;
	row->outcome = outcome;
	row->number = number;
	row->shape = shape;
	memcpy(row->place, shared->place, sizeof(row->place));
	memcpy(row->refused, shared->refused, sizeof(row->refused));
}

static enum outcome wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) >= STATUS_BASE)
		return (enum outcome)(WEXITSTATUS(status) - STATUS_BASE);
	/* sim_fail() exits, and has said why. */
	snprintf(shared->place, sizeof(shared->place), "%s %d", WIFEXITED(status) ? "exit" : "signal",
		 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return BROKEN;
}

/* The i-th of the points: an allocation, spread over all, and what follows it. */
static size_t number_of(size_t i)
{
	return 1 + (size_t)((uint64_t)i * plan.total / plan.points);
}

static enum shape shape_of(size_t i)
{
	size_t copy = 0;

	if (plan.points <= plan.total) /* each allocation at most once: half of them fail alone */
		return i % 2 ? (enum shape)(1 + i / 2 % (SHAPES - 1)) : ONCE;
	while (copy < i && number_of(i - copy - 1) == number_of(i))
		copy++;
	return copy < SHAPES ? (enum shape)copy : copy % 2 ? SOME : SOME_MORE;
}

static bool try_point(size_t i, size_t number)
{
	enum shape shape = shape_of(i);
	pid_t child = fork();

	if (child < 0) {
		perror("fork");
		abort();
	}
	if (child == 0) {
		become_child(number, shape, (uint32_t)i);
		return true;
	}
	note(wait_for(child), number, shape);
	return false;
}

static bool ask_to_count(size_t number)
{
	(void)number;
	return false;
}

static bool ask_to_fail(size_t number)
{
	if (failing.is_child)
		return child_fails();
	for (; plan.next < plan.points && number_of(plan.next) <= number; plan.next++) {
		if (number_of(plan.next) == number && (!plan.only || plan.only == number) && try_point(plan.next, number))
			return true;
	}
	return false;
}

/* ---- the sweep ---- */

/* Tell the call in a process of its own: the libraries have not begun there. */
static bool in_a_process(foreign_ask_fn ask)
{
	pid_t teller = fork();

	if (teller == 0) {
		size_t before = alloc_live_blocks();
		enum outcome outcome;

		if (plan.sweep->warm && tell(false) != WENT_ON)
			_exit(1);
		foreign_watch(plan.sweep->family, ask);
		outcome = tell(ask == ask_to_fail);
		if (failing.is_child)
			end_child(outcome, before);
		shared->total = foreign_count();
		_exit(STATUS_BASE + (int)outcome);
	}
	return teller > 0 && wait_for(teller) == WENT_ON;
}

/* Whether |place| may crash: a line of the file |path|. */
static bool is_known(const char *path, const char *place)
{
	char line[2 * NAME_SIZE];
	bool found = false;
	FILE *file = fopen(path, "r");

	while (file && !found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = strcmp(line, place) == 0;
	}
	if (file)
		fclose(file);
	return found;
}

/* Print what is worth a look; answers how many rows fail the test. */
static size_t judge(const char *crashes)
{
	size_t bad = 0;

	for (const struct row *row = shared->rows; row < shared->rows + shared->row_count; row++) {
		bool known = row->outcome == CRASHED && is_known(crashes, row->place);
		bool is_bad = !known && row->outcome != NEXT_ONE_FAILS;

		bad += is_bad;
		printf("  %s%s: %s (%zu times; first allocation %zu, of %s, fails %s)\n", is_bad ? "NEW: " : "",
		       outcome_names[row->outcome], row->place, row->count, row->number, row->refused, shape_names[row->shape]);
	}
	if (bad)
		printf("%zu kinds of failures are not known. Look at each (SWEEP and NUMBER on the command line repeat it): what our code can "
		       "prevent,\nit prevents; a crash inside a library that it cannot goes into tests/sim/foreign_crashes.txt and "
		       "SECURITY.md.\n", bad);
	return bad;
}

static bool sweep(const struct sweep *which, size_t points, const char *crashes)
{
	memset(shared, 0, sizeof(*shared));
	plan.sweep = which;
	plan.points = points;
	plan.next = 0;
	if (!in_a_process(ask_to_count)) {
		printf("%s: the call does not even work with memory\n", which->title);
		return false;
	}
	plan.total = shared->total;
	if (!in_a_process(ask_to_fail)) {
		printf("%s: the call of the parent failed\n", which->title);
		return false;
	}
	printf("%s: %zu allocations, %zu failures tried\n", which->title, plan.total, shared->reached);
	for (size_t i = 0; i < OUTCOMES; i++) {
		if (shared->outcomes[i])
			printf("  %5zu %s\n", shared->outcomes[i], outcome_names[i]);
	}
	if (judge(crashes) != 0)
		return false;
	if (shared->outcomes[NEXT_ONE_FAILS] * 100 > shared->reached * which->unusable && !plan.only) {
		printf("  memory is back and too many next calls fail: more than %zu %%\n", which->unusable);
		return false;
	}
	return plan.only || shared->reached == points;
}

int main(int argc, char **argv)
{
	size_t points = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 2000;
	bool good = true;

	if (argc < 2 || !points) {
		fprintf(stderr, "usage: sim_foreign_oom CRASHES [POINTS [SWEEP [NUMBER]]]\n");
		return 2;
	}
	plan.only = argc > 4 ? (size_t)strtoul(argv[4], NULL, 10) : 0;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	mallopt(M_PERTURB, 0xa5); /* what is freed or was never written does not look sound */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++) {
		if (argc > 3 && strcmp(argv[3], sweeps[i].name) == 0)
			good = sweep(&sweeps[i], points, argv[1]);
		else if (argc <= 3)
			good = sweep(&sweeps[i], points * sweeps[i].share / 8, argv[1]) && good;
	}
	return good ? 0 : 1;
}
