#include "replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/alloc.h"

struct replay replay;

void replay_diverge(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: diverges at %.6f s, byte %zu, in %s of connection %zu: ", replay.file,
		(double)(replay.now - replay.start) / 1e6, replay.reader.at, record_kind_name(replay.call.kind), replay.peer_number);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* Entries of this kind and number of peers: a file that says otherwise is no recording. */
static void find_peer(uint16_t number)
{
	replay.peer_number = number;
	if (number > replay.peer_count || (number == replay.peer_count && replay.call.kind != RECORD_PEER_NEW))
		replay_diverge("the file is damaged: there is no such connection");
	if (number == replay.peer_count) {
		struct replay_peer *peer = wlk_calloc(1, sizeof(*peer));

		if (!peer || !array_reserve((void **)&replay.peers, &replay.peer_capacity, replay.peer_count + 1, sizeof(*replay.peers)))
			replay_diverge("out of memory");
		replay.peers[replay.peer_count++] = peer;
	}
	replay.peer = replay.peers[number];
	if ((replay.peer->pc == NULL) != (replay.call.kind == RECORD_PEER_NEW))
		replay_diverge("the file is damaged: the connection is gone, or made twice");
}

/* All answers that were recorded were asked for. */
static void check_all_taken(void)
{
	struct record_entry next;

	if (record_peek(&replay.reader, &next) && next.kind >= RECORD_ANSWERS)
		replay_diverge("the call is over, where %s was recorded", record_kind_name(next.kind));
}

static void play_call(void)
{
	struct bytes_reader body = bytes_reader(replay.call.body.data, replay.call.body.size);

	find_peer(bytes_u16(&body));
	replay.now += bytes_u32(&body);
	if (!replay.calls++)
		replay.start = replay.now;
	if (replay.verbose)
		printf("%12.6f  %3zu  %s\n", (double)(replay.now - replay.start) / 1e6, replay.peer_number,
		       record_kind_name(replay.call.kind));
	tap_current = &replay.tap;
	replay_call(body);
	tap_current = NULL;
	check_all_taken();
}

static int open_file(const char *file, const void *data, size_t size)
{
	wlk_err err;

	replay.file = file;
	err = record_reader_init(&replay.reader, data, size, &replay.header);
	if (err == WLK_ERR_UNSUPPORTED)
		fprintf(stderr, "%s: written in format %u by release %s; this program reads format %u\n", file,
			(unsigned)replay.header.version, replay.header.release, (unsigned)RECORD_VERSION);
	else if (err)
		fprintf(stderr, "%s: not a recording\n", file);
	return err ? 2 : 0;
}

static void free_peers(void)
{
	for (size_t i = 0; i < replay.peer_count; i++) {
		peer_free(replay.peers[i]->pc);
		dtls_cert_release(replay.peers[i]->cert);
		record_config_free(&replay.peers[i]->config);
		wlk_free(replay.peers[i]->name);
		wlk_free(replay.peers[i]);
	}
	wlk_free(replay.peers);
	replay.peers = NULL;
	replay.peer_count = replay.peer_capacity = 0;
}

int replay_run(const char *file, const void *data, size_t size, bool verbose)
{
	int status = open_file(file, data, size);

	if (status)
		return status;
	replay_tap_init(&replay.tap);
	replay.verbose = verbose;
	while (record_next(&replay.reader, &replay.call)) {
		if (replay.call.kind == RECORD_TIME && replay.call.body.size == 8) {
			struct bytes_reader body = bytes_reader(replay.call.body.data, 8);

			replay.now = record_get_time(&body);
		} else {
			play_call();
		}
	}
	printf("%s: as recorded%s: %zu connections, %llu calls, %llu answers, %llu events, %llu datagrams, %.3f s\n", file,
	       replay.reader.truncated ? " up to where it is cut" : "", replay.peer_count, (unsigned long long)replay.calls,
	       (unsigned long long)replay.answers, (unsigned long long)replay.events, (unsigned long long)replay.datagrams,
	       (double)(replay.now - replay.start) / 1e6);
	free_peers();
	return 0;
}

int replay_list(const char *file, const void *data, size_t size)
{
	struct record_entry entry;
	int status = open_file(file, data, size);

	if (status)
		return status;
	while (record_next(&replay.reader, &entry)) {
		struct bytes_reader body = bytes_reader(entry.body.data, entry.body.size);

		printf("%10zu %s%s %zu", entry.offset, entry.kind >= RECORD_ANSWERS ? "    " : "", record_kind_name(entry.kind), entry.body.size);
		if (entry.kind == RECORD_EVENT)
			printf(" %s", record_event_name(bytes_u16(&body)));
		putchar('\n');
	}
	return 0;
}
