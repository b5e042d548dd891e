/*
 * Many sessions on one UDP port, or on one TCP port: a server loop with udp_port and tcp_port, and as many callers, each with
 * sockets of its own. Every session echoes, sessions come and go, and those that stay notice nothing of it.
 *
 *   net_mux_sessions udp|tcp [SESSIONS]    prints what a session costs
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <wirelark/wirelark.h>

enum {
	SESSIONS = 300,
	AT_ONCE = 16,   /* being set up at a time */
	CHURN = 40,     /* sessions that end while the others talk, and as many that begin */
	TALKING = 32,   /* sessions that wait for an echo at a time: a busy machine is not what is tested */
	MESSAGES = 6,   /* that each session which stays has got back in the end */
	TIME_LIMIT_S = 240
};

/* Between the two threads only letters travel; each side of a session belongs to its loop. */
struct session {
	int number;
	wlk_peer_connection *caller, *server;
	wlk_data_channel *channel;
	unsigned sent, echoed;
	bool leaving; /* caller's thread */
	bool dropped; /* server's thread */
};

static wlk_loop *callers, *server;
static uint16_t port;
static bool tcp;
static int wanted;
static struct session *sessions; /* room for all that ever are */
static int begun, open_now, finished, churned, next_speaker;
static int flaps; /* a machine with other things to do may answer no check for 5 s; who comes back was not disturbed */
static bool churning;
static wlk_timer *limit;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool phase_over;

static void must(wlk_err err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, wlk_strerror(err));
	abort();
}

static void give_up(const struct session *s, const char *why)
{
	fflush(stdout);
	fprintf(stderr, "session %d: %s (%u sent, %u echoed; %d begun, %d open, %d finished)\n", s->number, why, s->sent,
		s->echoed, begun, open_now, finished);
	abort();
}

static void end_phase(void)
{
	pthread_mutex_lock(&lock);
	phase_over = true;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_for_phase(void)
{
	pthread_mutex_lock(&lock);
	while (!phase_over)
		pthread_cond_wait(&changed, &lock);
	phase_over = false;
	pthread_mutex_unlock(&lock);
}

static void on_time_limit(void *user)
{
	(void)user;
	limit = NULL;
	for (int i = 0; i < begun; i++)
		if (!sessions[i].leaving && sessions[i].echoed < (churning && i < wanted ? MESSAGES : 1))
			give_up(&sessions[i], "not done in time");
}

/* ---- letters: a description on its way to the other thread ---- */

struct letter {
	struct session *session;
	char *sdp;
};

static void post_letter(struct session *s, wlk_peer_connection *from, wlk_loop *to, void (*read)(void *user))
{
	const wlk_session_description *local = wlk_peer_connection_local_description(from);
	struct letter *letter = malloc(sizeof(*letter));

	if (!letter || !local)
		abort();
	*letter = (struct letter){ s, strdup(local->sdp) };
	must(wlk_loop_post(to, read, letter), "post");
}

static void read_answer(void *user)
{
	struct letter *letter = user;
	const wlk_session_description answer = { WLK_SDP_ANSWER, letter->sdp };

	must(wlk_peer_connection_set_remote_description(letter->session->caller, &answer), "answer");
	free(letter->sdp);
	free(letter);
}

/* Only the transport that is tested connects. */
static bool is_wanted(const wlk_addr *address, const char *interface_name, void *user)
{
	(void)interface_name;
	(void)user;
	return (address->transport == WLK_TRANSPORT_TCP) == tcp;
}

static wlk_err create(wlk_loop *loop, wlk_event_fn on_event, struct session *s, wlk_peer_connection **out)
{
	wlk_configuration config = WLK_CONFIGURATION_INIT;

	config.allow_loopback = true;
	config.no_ipv6 = true;
	config.remote_address_filter = is_wanted;
	if (!tcp)
		config.ice_tcp = WLK_ICE_TCP_OFF;
	else
		config.ice_tcp = loop == server ? WLK_ICE_TCP_BOTH : WLK_ICE_TCP_ACTIVE;
	return wlk_peer_connection_create(loop, &config, on_event, s, out);
}

/* ---- the server ---- */

static void echo(const wlk_event *event)
{
	wlk_err err = wlk_data_channel_send(event->u.message.channel, event->u.message.type, event->u.message.data,
					    event->u.message.size);

	if (err != WLK_ERR_STATE) /* the caller has hung up behind its message */
		must(err, "echo");
}

static void on_server_event(const wlk_event *event, void *user)
{
	struct session *s = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			post_letter(s, s->server, callers, read_answer);
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		echo(event);
		break;
	case WLK_EVENT_SELECTED_PAIR_CHANGE:
		if (event->u.selected_pair.local.port != port || !is_wanted(&event->u.selected_pair.local, NULL, NULL))
			give_up(s, "not on the shared port");
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		if (event->u.connection.state == WLK_CONNECTION_CLOSED) {
			wlk_peer_connection_destroy(s->server);
			s->server = NULL;
		} else if (event->u.connection.state == WLK_CONNECTION_FAILED) {
			give_up(s, event->u.connection.reason);
		}
		break;
	default:
		break;
	}
}

static void read_offer(void *user)
{
	struct letter *letter = user;
	struct session *s = letter->session;
	const wlk_session_description offer = { WLK_SDP_OFFER, letter->sdp };

	must(create(server, on_server_event, s, &s->server), "server");
	must(wlk_peer_connection_set_remote_description(s->server, &offer), "offer");
	must(wlk_peer_connection_set_local_description(s->server, NULL), "answer");
	free(letter->sdp);
	free(letter);
}

static void drop_at_server(void *user)
{
	struct session *s = user;

	wlk_peer_connection_destroy(s->server);
	s->server = NULL;
}

/* ---- the callers ---- */

static void begin_one(void);
static void end_one(void);

static void say_next(struct session *s)
{
	char text[64];
	int size = snprintf(text, sizeof(text), "session %d message %u", s->number, s->sent++);

	must(wlk_data_channel_send(s->channel, WLK_MESSAGE_TEXT, text, (size_t)size), "send");
}

static void check_finished(void)
{
	if (!churning && open_now == wanted)
		end_phase();
	else if (churning && churned == CHURN && finished == wanted - CHURN)
		end_phase();
}

/* Have the next session in turn say something. */
static void speak(void)
{
	for (int i = 0; i < wanted; i++) {
		struct session *s = &sessions[next_speaker];

		next_speaker = (next_speaker + 1) % wanted;
		if (s->number >= CHURN && s->sent == s->echoed && s->sent < MESSAGES) {
			say_next(s);
			return;
		}
	}
}

/* The first echo: the session is up. */
static void on_up(void)
{
	open_now++;
	if (!churning && begun < wanted)
		begin_one();
	if (churning && ++churned < CHURN)
		end_one();
	check_finished();
}

static void on_echo(struct session *s, const wlk_event *event)
{
	char text[64];
	int size = snprintf(text, sizeof(text), "session %d message %u", s->number, s->echoed);

	if (event->u.message.size != (size_t)size || memcmp(event->u.message.data, text, (size_t)size))
		give_up(s, "somebody else's message");
	s->echoed++;
	if (s->echoed == 1) {
		on_up();
		return;
	}
	if (s->echoed == MESSAGES) {
		finished++;
		check_finished();
	}
	speak();
}

static void on_caller_event(const wlk_event *event, void *user)
{
	struct session *s = user;

	switch (event->type) {
	case WLK_EVENT_ICE_GATHERING_STATE_CHANGE:
		if (event->u.ice_gathering_state == WLK_ICE_GATHERING_COMPLETE)
			post_letter(s, s->caller, server, read_offer);
		break;
	case WLK_EVENT_DATA_CHANNEL_OPEN:
		say_next(s);
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		on_echo(s, event);
		break;
	case WLK_EVENT_CONNECTION_STATE_CHANGE:
		if (s->leaving && event->u.connection.state == WLK_CONNECTION_CLOSED) {
			wlk_peer_connection_destroy(s->caller); /* the server hung up */
			s->caller = NULL;
			begin_one();
		} else if (event->u.connection.state >= WLK_CONNECTION_FAILED) {
			give_up(s, event->u.connection.reason);
		} else if (event->u.connection.state == WLK_CONNECTION_DISCONNECTED) {
			flaps++;
		}
		break;
	default:
		break;
	}
}

static void begin_one(void)
{
	struct session *s = &sessions[begun];

	s->number = begun++;
	must(create(callers, on_caller_event, s, &s->caller), "caller");
	must(wlk_peer_connection_create_data_channel(s->caller, "echo", NULL, &s->channel), "channel");
	must(wlk_peer_connection_set_local_description(s->caller, NULL), "offer");
}

/* One of the first sessions ends, by its caller or by the server, and a new one takes its place. */
static void end_one(void)
{
	struct session *s = &sessions[churned];

	s->leaving = true;
	open_now--;
	if (s->number % 2) {
		must(wlk_loop_post(server, drop_at_server, s), "post");
		return;
	}
	wlk_peer_connection_destroy(s->caller);
	s->caller = NULL;
	begin_one();
}

static void set_up(void *user)
{
	(void)user;
	must(wlk_loop_call_later(callers, (wlk_time)TIME_LIMIT_S * 1000000, on_time_limit, NULL, &limit), "timer");
	for (int i = 0; i < AT_ONCE && begun < wanted; i++)
		begin_one();
}

static void churn(void *user)
{
	(void)user;
	churning = true;
	next_speaker = CHURN;
	for (int i = 0; i < TALKING; i++)
		speak();
	end_one();
}

static void hang_up(void *user)
{
	(void)user;
	wlk_timer_cancel(limit);
	for (int i = 0; i < begun; i++)
		wlk_peer_connection_destroy(sessions[i].caller);
	end_phase();
}

static void hang_up_server(void *user)
{
	(void)user;
	for (int i = 0; i < begun; i++)
		wlk_peer_connection_destroy(sessions[i].server);
	end_phase();
}

/* ---- the test ---- */

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long resident_kib(void)
{
	long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file && fscanf(file, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* A port that nobody has at the moment. */
static uint16_t free_port(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t size = sizeof(name);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, size) || getsockname(fd, (struct sockaddr *)&name, &size))
		abort();
	close(fd);
	return ntohs(name.sin_port);
}

static void allow_descriptors(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void test_sessions_on_one_port_come_and_go_undisturbed(void **state)
{
	wlk_loop_config config = WLK_LOOP_CONFIG_INIT;
	int descriptors = open_descriptors();
	long before;
	double start;

	(void)state;
	allow_descriptors();
	port = config.udp_port = config.tcp_port = free_port();
	sessions = calloc((size_t)wanted + CHURN, sizeof(*sessions));
	assert_non_null(sessions);
	must(wlk_loop_create(&config, &server), "server loop");
	must(wlk_loop_create(NULL, &callers), "callers' loop");
	must(wlk_loop_start_thread(server), "thread");
	must(wlk_loop_start_thread(callers), "thread");
	before = resident_kib();
	start = seconds_now();

	must(wlk_loop_post(callers, set_up, NULL), "post");
	wait_for_phase();
	printf("%d sessions over %s up after %.2f s, %.0f KiB each (both ends)\n", wanted, tcp ? "TCP" : "UDP", seconds_now() - start,
	       (double)(resident_kib() - before) / wanted);
	start = seconds_now();
	must(wlk_loop_post(callers, churn, NULL), "post");
	wait_for_phase();
	printf("%d came and %d went while %d talked, in %.2f s; %d were disconnected for a time\n", CHURN,
	       CHURN, wanted - CHURN, seconds_now() - start, flaps);

	must(wlk_loop_post(callers, hang_up, NULL), "post");
	wait_for_phase();
	must(wlk_loop_post(server, hang_up_server, NULL), "post");
	wait_for_phase();
	wlk_loop_destroy(callers);
	wlk_loop_destroy(server);
	free(sessions);
	assert_in_range(open_descriptors(), 1, descriptors);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions_on_one_port_come_and_go_undisturbed),
	};

	tcp = argc > 1 && !strcmp(argv[1], "tcp");
	wanted = argc > 2 ? atoi(argv[2]) : SESSIONS;
	if (wanted < 2 * CHURN)
		wanted = 2 * CHURN;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
