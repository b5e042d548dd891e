/* What the code asks while a call runs: answered by the entries that follow the call, in their order. */
#include <stdio.h>
#include <stdlib.h>

#include "replay.h"

/* What the getters of a transport answer from here on. */
static void take_status(struct bytes_reader body)
{
	struct replay_dtls_status *s = &replay.peer->dtls[bytes_u8(&body)];
	wlk_bytes name;

	s->status.state = bytes_u8(&body);
	s->status.role = bytes_u8(&body);
	s->status.version = bytes_u16(&body);
	s->status.cipher = bytes_u16(&body);
	s->status.profile = bytes_u16(&body);
	s->status.mtu = bytes_u16(&body);
	s->status.handshake_time = record_get_time(&body);
	name = record_get_bytes(&body);
	s->status.remote_cert = record_get_bytes(&body);
	replay_check(&body);
	snprintf(s->cipher_name, sizeof(s->cipher_name), "%.*s", (int)MIN(name.size, sizeof(s->cipher_name)),
		 name.size ? (const char *)name.data : "");
	s->status.cipher_name = s->cipher_name;
}

static void take(struct record_entry *entry)
{
	struct record_entry status;

	record_next(&replay.reader, entry);
	replay.answers++;
	while (record_peek(&replay.reader, &status) && status.kind == RECORD_DTLS_STATUS) {
		record_next(&replay.reader, &status);
		take_status(bytes_reader(status.body.data, status.body.size));
	}
}

void replay_check(const struct bytes_reader *body)
{
	if (!bytes_ok(body))
		replay_diverge("an answer is cut short: the file is damaged");
}

static bool number_is(const struct record_entry *entry, size_t width, uint32_t number)
{
	struct bytes_reader body = bytes_reader(entry->body.data, entry->body.size);

	return bytes_be(&body, width) == number && bytes_ok(&body);
}

/* Channels are many and have numbers of four bytes; all other objects have one. */
static size_t number_width(enum record_kind kind)
{
	return kind == RECORD_CHANNEL_SENT || kind == RECORD_CHANNEL_MESSAGE || kind == RECORD_CHANNEL_CLOSED ? 4 : 1;
}

bool replay_has(enum record_kind kind, struct bytes_reader *body)
{
	struct record_entry entry;

	if (!record_peek(&replay.reader, &entry) || entry.kind != kind)
		return false;
	take(&entry);
	*body = bytes_reader(entry.body.data, entry.body.size);
	return true;
}

bool replay_has_of(enum record_kind kind, uint32_t number, struct bytes_reader *body)
{
	struct record_entry entry;

	if (!record_peek(&replay.reader, &entry) || entry.kind != kind || !number_is(&entry, number_width(kind), number))
		return false;
	replay_has(kind, body);
	bytes_skip(body, number_width(kind));
	return true;
}

/* The recorded program ended here, or could write no more: there is nothing that could be compared. */
static _Noreturn void end_within_call(enum record_kind asked)
{
	printf("%s: ends within a call (%s), where the code asks for %s; as recorded up to there\n", replay.file,
	       record_kind_name(replay.call.kind), record_kind_name((uint8_t)asked));
	exit(0);
}

struct bytes_reader replay_take(enum record_kind kind)
{
	struct record_entry entry;
	struct bytes_reader body;

	if (!record_peek(&replay.reader, &entry))
		end_within_call(kind);
	if (!replay_has(kind, &body))
		replay_diverge("the code asks for %s, where %s was recorded", record_kind_name((uint8_t)kind), record_kind_name(entry.kind));
	return body;
}

struct bytes_reader replay_take_of(enum record_kind kind, uint32_t number)
{
	struct record_entry entry;
	struct bytes_reader body;

	if (record_peek(&replay.reader, &entry) && entry.kind == kind && !number_is(&entry, number_width(kind), number))
		replay_diverge("%s is asked of number %u, where another one's was recorded", record_kind_name((uint8_t)kind), (unsigned)number);
	body = replay_take(kind);
	bytes_skip(&body, number_width(kind));
	return body;
}

wlk_err replay_take_err(enum record_kind kind, uint32_t number)
{
	struct bytes_reader body = replay_take_of(kind, number);
	wlk_err err = record_get_err(&body);

	replay_check(&body);
	return err;
}

/* ---- the tap ---- */

static void on_draw(struct tap *tap, uint8_t *bytes, size_t size)
{
	struct bytes_reader body = replay_take(RECORD_DRAW);

	(void)tap;
	if (body.left != size)
		replay_diverge("the code draws %zu random bytes, where %zu were recorded", size, body.left);
	if (size)
		memcpy(bytes, body.at, size);
}

static void on_secret(struct tap *tap, char *text, size_t size)
{
	struct bytes_reader body = replay_take(RECORD_SECRET);
	wlk_bytes stand_in = record_get_bytes(&body);

	(void)tap;
	if (stand_in.size != size)
		replay_diverge("the code makes a password of %zu characters, where %zu were recorded", size, stand_in.size);
	memcpy(text, stand_in.data, size);
}

static bool on_verdict(struct tap *tap, bool verdict)
{
	struct bytes_reader body = replay_take(RECORD_VERDICT);

	(void)tap;
	(void)verdict;
	return bytes_u8(&body) != 0;
}

static void print_decision(uint8_t kind, const uint8_t *body, size_t size)
{
	struct bytes_reader r = bytes_reader(body, size);

	printf("%12.6f  %3zu  %s", (double)(replay.now - replay.start) / 1e6, replay.peer_number, record_kind_name(kind));
	if (kind == RECORD_EVENT)
		printf(": %s", record_event_name(bytes_u16(&r)));
	else if (kind == RECORD_FAILED)
		printf(": %s", wlk_strerror(record_get_err(&r)));
	putchar('\n');
}

static void compare_events(const uint8_t *body, size_t size, const struct record_entry *recorded)
{
	struct bytes_reader here = bytes_reader(body, size);
	struct bytes_reader there = bytes_reader(recorded->body.data, recorded->body.size);
	uint16_t type = bytes_u16(&here), recorded_type = bytes_u16(&there);

	if (type != recorded_type)
		replay_diverge("event \"%s\" comes, where \"%s\" was recorded", record_event_name(type), record_event_name(recorded_type));
	replay_diverge("event \"%s\" says something else than what was recorded", record_event_name(type));
}

static void on_decision(struct tap *tap, uint8_t kind, const uint8_t *body, size_t size)
{
	struct record_entry recorded;

	(void)tap;
	if (!record_peek(&replay.reader, &recorded))
		end_within_call((enum record_kind)kind);
	if (replay.verbose)
		print_decision(kind, body, size);
	if (recorded.kind != kind)
		replay_diverge("%s comes, where %s was recorded", record_kind_name(kind), record_kind_name(recorded.kind));
	if (recorded.body.size != size || memcmp(recorded.body.data, body, size) != 0) {
		if (kind == RECORD_EVENT)
			compare_events(body, size, &recorded);
		replay_diverge("%s says something else than what was recorded", record_kind_name(kind));
	}
	take(&recorded);
	replay.events += kind == RECORD_EVENT;
	replay.datagrams += kind == RECORD_OUT;
}

void replay_tap_init(struct tap *tap)
{
	*tap = (struct tap){ .on_draw = on_draw, .on_secret = on_secret, .on_verdict = on_verdict, .on_decision = on_decision };
}
