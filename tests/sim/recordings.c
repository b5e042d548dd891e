/*
 * Recordings of simulated sessions, played again: recordings REPLAY FAULTY_REPLAY FIRST_SEED COUNT. REPLAY must do the same again for
 * each; no secret may be in the file; a file that is cut plays up to there; what killed the recorded program kills
 * FAULTY_REPLAY at the same packet.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/text.h"
#include "dtls/transport.h"
#include "peer/certificate.h"
#include "peer/record_format.h"
#include "sim.h"

enum { SECRETS_MAX = 64 };

static const char *replay_program, *faulty_program;

/* What must not be in the file. */
static struct secret {
	uint8_t bytes[128];
	size_t size;
	const char *what;
} secrets[SECRETS_MAX];
static size_t secret_count;

struct run {
	wlk_data_channel *channel_a, *channel_b;
	wlk_transceiver *video_a, *video_b;
	unsigned messages, packets;
};

static struct run *run_of(struct sim *sim)
{
	return sim->user;
}

/* ---- secrets ---- */

static void keep_secret(const void *bytes, size_t size, const char *what)
{
	if (secret_count == SECRETS_MAX || size > sizeof(secrets[0].bytes))
		return;
	secrets[secret_count].size = size;
	secrets[secret_count].what = what;
	memcpy(secrets[secret_count++].bytes, bytes, size);
}

/* The linker sends peer/'s call through here: the keys of SRTP as they leave DTLS, in pieces as SRTP uses them. */
wlk_err __real_dtls_transport_export_srtp(const struct dtls_transport *t, struct dtls_srtp_export *out);
wlk_err __wrap_dtls_transport_export_srtp(const struct dtls_transport *t, struct dtls_srtp_export *out);

wlk_err __wrap_dtls_transport_export_srtp(const struct dtls_transport *t, struct dtls_srtp_export *out)
{
	wlk_err err = __real_dtls_transport_export_srtp(t, out);

	for (size_t i = 0; !err && i + 12 <= out->size; i += 12)
		keep_secret(out->block + i, 12, "a key of SRTP");
	return err;
}

static void keep_passwords(wlk_peer_connection *pc)
{
	const wlk_session_description *local = wlk_peer_connection_local_description(pc);
	const char *at = local ? local->sdp : "";

	while ((at = strstr(at, "a=ice-pwd:"))) {
		at += strlen("a=ice-pwd:");
		keep_secret(at, strcspn(at, "\r\n"), "an ICE password");
	}
}

/* The private number of a P-256 key stands behind 04 20 in its PKCS#8 form. */
static void keep_private_key(wlk_certificate *certificate)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t der[1024];
	uint32_t bits = 0, count = 0;
	size_t size = 0;
	const char *at;
	char *pem;

	if (wlk_certificate_to_pem(certificate, &pem))
		abort();
	at = strstr(pem, "-----BEGIN PRIVATE KEY-----");
	for (at += strlen("-----BEGIN PRIVATE KEY-----"); *at != '-'; at++) {
		const char *digit = *at == '\n' ? NULL : strchr(alphabet, *at);

		if (!digit)
			continue;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		if (++count % 4 && size < sizeof(der))
			der[size++] = (uint8_t)(bits >> (6 - 2 * ((count % 4) - 1)));
	}
	wlk_secret_free(pem);
	for (size_t i = 0; i + 34 <= size; i++) {
		if (der[i] == 4 && der[i + 1] == 32) {
			keep_secret(der + i + 2, 32, "a private key");
			return;
		}
	}
	fprintf(stderr, "no private key is found in PEM\n");
	exit(1);
}

static uint8_t *read_file(const char *name, size_t *size)
{
	FILE *file = fopen(name, "rb");
	uint8_t *data;

	if (!file || fseek(file, 0, SEEK_END))
		abort();
	*size = (size_t)ftell(file);
	rewind(file);
	data = malloc(*size + 1);
	if (!data || fread(data, 1, *size, file) != *size)
		abort();
	fclose(file);
	return data;
}

static void check_no_secret(const struct sim *sim, const char *name)
{
	size_t size;
	uint8_t *data = read_file(name, &size);

	for (size_t i = 0; i < secret_count; i++)
		if (memmem(data, size, secrets[i].bytes, secrets[i].size))
			sim_fail(sim, "%s is in %s", secrets[i].what, name);
	if (!memmem(data, size, "call content", 12))
		sim_fail(sim, "what was said is not in %s", name);
	free(data);
}

/* ---- the session ---- */

static void on_event(struct sim *sim, struct sim_peer *peer, const wlk_event *ev)
{
	struct run *run = run_of(sim);

	switch (ev->type) {
	case WLK_EVENT_DATA_CHANNEL:
		run->channel_b = ev->u.channel.channel;
		break;
	case WLK_EVENT_DATA_CHANNEL_MESSAGE:
		run->messages++;
		if (peer == &sim->b)
			(void)!wlk_data_channel_send(ev->u.message.channel, ev->u.message.type, ev->u.message.data, ev->u.message.size);
		break;
	case WLK_EVENT_TRACK:
		if (peer == &sim->b)
			run->video_b = ev->u.track.transceiver;
		break;
	case WLK_EVENT_RTP_PACKET:
		run->packets++;
		if (peer == &sim->b)
			(void)!wlk_rtp_sender_forward(wlk_transceiver_sender(ev->u.rtp.transceiver), ev->u.rtp.packet);
		break;
	default:
		break;
	}
}

static bool has_messages(struct sim *sim)
{
	return run_of(sim)->messages >= 2;
}

/* Offer by a; b wants to send as well; answer. */
static void agree(struct sim *sim)
{
	(void)!wlk_peer_connection_set_local_description(sim->a.pc, NULL);
	(void)!wlk_peer_connection_set_remote_description(sim->b.pc, wlk_peer_connection_local_description(sim->a.pc));
	sim_run_for(sim, 1);
	if (run_of(sim)->video_b)
		(void)!wlk_transceiver_set_direction(run_of(sim)->video_b, WLK_DIRECTION_SENDRECV);
	(void)!wlk_peer_connection_set_local_description(sim->b.pc, NULL);
	(void)!wlk_peer_connection_set_remote_description(sim->a.pc, wlk_peer_connection_local_description(sim->b.pc));
}

static uint8_t vp8_type(struct sim *sim)
{
	const char *at = wlk_peer_connection_local_description(sim->a.pc)->sdp;
	const char *found = strstr(at, " VP8/90000");

	while (found[-1] != ':')
		found--;
	return (uint8_t)atoi(found);
}

/* |deadly|: the packet that the planted fault dies of, or none below 0. */
static void send_video(struct sim *sim, int count, int deadly)
{
	uint8_t payload[900], type = vp8_type(sim);

	for (int i = 0; i < count; i++) {
		wlk_rtp_packet packet = { .payload_type = type, .marker = i % 3 == 2, .timestamp = (uint32_t)i / 3 * 3000,
					  .payload = payload, .payload_size = 1 + sim_random(sim, sizeof(payload)) };

		memset(payload, i == deadly ? 0xdd : i & 0x7f, sizeof(payload));
		if (i == deadly)
			packet.payload_size = 77;
		(void)!wlk_rtp_sender_send_packet(wlk_transceiver_sender(run_of(sim)->video_a), &packet);
		sim_run_for(sim, 5 * SIM_MS);
	}
}

static void send_data(struct sim *sim)
{
	static uint8_t bytes[40000];
	wlk_data_channel *channel = run_of(sim)->channel_a;

	for (int i = 0; i < 5; i++) {
		(void)!wlk_data_channel_send(channel, WLK_MESSAGE_TEXT, "call content", 12);
		(void)!wlk_data_channel_send(channel, WLK_MESSAGE_BINARY, bytes, sim_random(sim, sizeof(bytes)));
	}
	wlk_data_channel_set_paused(channel, true);
	sim_run_for(sim, 100 * SIM_MS);
	wlk_data_channel_set_paused(channel, false);
}

static void session(uint64_t seed, wlk_certificate *certificate, int deadly)
{
	static const wlk_ice_server server = { .url = "turn:10.0.0.200:3478", .username = "ann", .credential = "never-in-a-recording" };
	wlk_configuration config_a = WLK_CONFIGURATION_INIT, config_b = WLK_CONFIGURATION_INIT;
	struct sim_config config = { .seed = seed, .latency_us = 10 * SIM_MS, .loss = (uint32_t)(seed % 5) * 100, .jitter_us = (wlk_time)(seed % 3) * 5 * SIM_MS,
				     .duplicate = 50, .corrupt = (uint32_t)(seed % 2) * 20, .config_a = &config_a, .config_b = &config_b };
	struct run run = { 0 };
	struct sim sim;

	config_a.ice_servers = &server;
	config_a.ice_server_count = 1;
	config_b.certificate = certificate;
	config_b.log_name = "bob";
	sim_init(&sim, &config, on_event, &run);
	keep_secret(server.credential, strlen(server.credential), "the credential of a TURN server");
	if (wlk_peer_connection_create_data_channel(sim.a.pc, "data", NULL, &run.channel_a))
		sim_fail(&sim, "no channel");
	(void)!wlk_data_channel_send(run.channel_a, WLK_MESSAGE_TEXT, "first", 5);
	sim_signal(&sim);
	if (!sim_run_until(&sim, 30 * SIM_SECOND, has_messages))
		sim_fail(&sim, "no messages");
	keep_passwords(sim.a.pc);
	keep_passwords(sim.b.pc);
	send_data(&sim);
	if (wlk_peer_connection_add_transceiver(sim.a.pc, WLK_MEDIA_VIDEO, NULL, &run.video_a))
		sim_fail(&sim, "no transceiver");
	agree(&sim);
	send_video(&sim, 100, deadly);
	(void)!wlk_rtp_receiver_request_key_frame(wlk_transceiver_receiver(run.video_a));
	sim_renegotiate(&sim, &sim.b, true);
	sim_run_for(&sim, 2 * SIM_SECOND);
	keep_passwords(sim.a.pc);
	keep_passwords(sim.b.pc);
	wlk_data_channel_close(run.channel_a);
	sim_run_for(&sim, SIM_SECOND);
	if (!run.packets)
		sim_fail(&sim, "no packets");
	sim_free(&sim);
}

/* ---- replays ---- */

/* Run |program| on |name|; answers its wait status. What it says goes to |output|, or nowhere. */
static int play(const char *program, const char *name, const char *output)
{
	int status = -1;
	pid_t child = fork();

	if (!child) {
		int fd = open(output ? output : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
			_exit(99);
		execl(program, program, name, (char *)NULL);
		_exit(99);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		abort();
	return status;
}

static void fail(const char *what, const char *name, uint64_t seed)
{
	fprintf(stderr, "FAIL seed %llu: %s: %s\n", (unsigned long long)seed, name, what);
	exit(1);
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
	FILE *file = fopen(name, "wb");

	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		abort();
}

/* A file that was cut anywhere plays up to there; with zeroes behind it as well, as a crash leaves it. */
static void check_cut(const char *name, const char *cut, uint64_t seed)
{
	size_t size;
	uint8_t *data = read_file(name, &size);

	for (int i = 1; i < 8; i++) {
		write_file(cut, data, RECORD_HEADER_SIZE + (size - RECORD_HEADER_SIZE) / 8 * (size_t)i);
		if (play(replay_program, cut, NULL))
			fail("a cut file does not play", cut, seed);
	}
	free(data);
}

/* A word of the far end that was changed is noticed: the last event of the file says something else. */
static void check_changed(const char *name, const char *changed, uint64_t seed)
{
	struct record_header header;
	struct record_reader reader;
	struct record_entry entry;
	size_t size, at = 0;
	uint8_t *data = read_file(name, &size);
	int status;

	if (record_reader_init(&reader, data, size, &header))
		fail("is no recording", name, seed);
	while (record_next(&reader, &entry))
		if (entry.kind == RECORD_EVENT)
			at = entry.offset + RECORD_ENTRY_HEAD + entry.body.size - 1;
	data[at] ^= 1;
	write_file(changed, data, size);
	status = play(replay_program, changed, NULL);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
		fail("a changed event is not noticed", changed, seed);
	free(data);
}

static void check_recording(uint64_t seed, wlk_certificate *certificate, const char *folder)
{
	static unsigned number;
	char name[4096], other[4096];
	const struct sim nothing = { .config.seed = seed };
	struct stat info;

	secret_count = 0;
	keep_private_key(certificate);
	session(seed, certificate, -1);
	snprintf(name, sizeof(name), "%s/r.%u", folder, number++);
	snprintf(other, sizeof(other), "%s/other", folder);
	if (stat(name, &info) || (info.st_mode & 0777) != 0600)
		fail("is not readable by its owner alone", name, seed);
	if (play(replay_program, name, other))
		fail("does not play; see what it says in \"other\" beside it", name, seed);
	check_no_secret(&nothing, name);
	if (seed % 4 == 1) {
		check_cut(name, other, seed);
		check_changed(name, other, seed);
	}
	unlink(name);
	unlink(other);
}

/* ---- the planted crash ---- */

/* |number|: recordings that this program made before. */
static void check_crash(const char *folder, wlk_certificate *certificate, uint64_t number)
{
	char name[4096], there[4096], here[4096];
	size_t there_size, here_size;
	uint8_t *there_text, *here_text;
	int status;
	pid_t child;

	snprintf(name, sizeof(name), "%s/crash", folder);
	snprintf(there, sizeof(there), "%s/there", folder);
	snprintf(here, sizeof(here), "%s/here", folder);
	setenv("SIM_RECORD", name, 1);
	child = fork();
	if (!child) {
		if (!freopen(there, "w", stderr))
			_exit(99);
		session(4711, certificate, 60);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		fail("the planted fault does not kill", name, 4711);
	snprintf(name, sizeof(name), "%s/crash.%llu", folder, (unsigned long long)number); /* sim_init() counts on */
	if (play(replay_program, name, NULL))
		fail("the file of a crashed program does not play", name, 4711);
	status = play(faulty_program, name, here);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		fail("the replay does not crash", name, 4711);
	there_text = read_file(there, &there_size);
	here_text = read_file(here, &here_size);
	if (there_size != here_size || memcmp(there_text, here_text, there_size) != 0 || !memmem(here_text, here_size, "planted", 7))
		fail("the replay crashes elsewhere", name, 4711);
	printf("crash hit again: %.*s", (int)here_size, (const char *)here_text);
	free(there_text);
	free(here_text);
	unlink(name);
	unlink(there);
	unlink(here);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/wirelark-recordings-XXXXXX", prefix[64];
	wlk_certificate *certificate;
	uint64_t first, count;

	if (argc != 5 || !mkdtemp(folder) || certificate_generate(&certificate, NULL, 1800000000)) { /* the day on which simulations begin */
		fprintf(stderr, "usage: recordings REPLAY FAULTY_REPLAY FIRST_SEED COUNT\n");
		return 2;
	}
	replay_program = argv[1];
	faulty_program = argv[2];
	first = strtoull(argv[3], NULL, 10);
	count = strtoull(argv[4], NULL, 10);
	snprintf(prefix, sizeof(prefix), "%s/r", folder);
	setenv("SIM_RECORD", prefix, 1);
	for (uint64_t i = 0; i < count; i++)
		check_recording(first + i, certificate, folder);
	check_crash(folder, certificate, count);
	wlk_certificate_release(certificate);
	rmdir(folder);
	printf("%llu recordings played again as they were\n", (unsigned long long)count);
	return 0;
}
