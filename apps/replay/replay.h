/* Plays a recording: its calls go into the code of peer/ and below, its answers come from the stand-ins for dtls/, srtp/ and sctp/. */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include "peer/object.h"
#include "peer/record_format.h"

enum { REPLAY_DTLS_MAX = 256 };

/* The getters of one DTLS transport. */
struct replay_dtls_status {
	struct record_dtls_status status;
	char cipher_name[64];
};

struct replay_peer {
	wlk_peer_connection *pc; /* NULL: not made yet, or gone */
	struct record_config config;
	char *name;
	struct dtls_cert *cert;
	struct replay_dtls_status dtls[REPLAY_DTLS_MAX];
};

/* The one that runs: the stand-ins have no other way to it, and a program plays one file. */
struct replay {
	struct tap tap;
	struct record_reader reader;
	struct record_header header;
	const char *file;
	bool verbose;
	wlk_time now;   /* of the call that runs; the peers' clock */
	wlk_time start; /* of the first one */
	struct record_entry call;
	struct replay_peer *peer; /* whose call runs */
	size_t peer_number;
	struct replay_peer **peers;
	size_t peer_count, peer_capacity;
	/* figures */
	uint64_t calls, events, datagrams, answers;
};

extern struct replay replay;

/* Play |data| to its end; answers the exit status. */
int replay_run(const char *file, const void *data, size_t size, bool verbose);
/* Print the entries of |data| instead. */
int replay_list(const char *file, const void *data, size_t size);

/* The code went another way than it did when it was recorded: tell where, and exit with status 1. */
_Noreturn void replay_diverge(const char *format, ...) WLK_PRINTF(1, 2);

/* ---- answers.c: for the stand-ins ---- */

/* The next entry when it is an answer of |kind| (of object |number|); then it is taken. */
bool replay_has(enum record_kind kind, struct bytes_reader *body);
bool replay_has_of(enum record_kind kind, uint32_t number, struct bytes_reader *body);
/* The next entry, which must be that; at the end of the file the replay is over. */
struct bytes_reader replay_take(enum record_kind kind);
struct bytes_reader replay_take_of(enum record_kind kind, uint32_t number);
/* Such an answer that is an error code alone. */
wlk_err replay_take_err(enum record_kind kind, uint32_t number);
/* What was read from an answer must have been there. */
void replay_check(const struct bytes_reader *body);
void replay_tap_init(struct tap *tap);

/* ---- calls.c ---- */

/* Make the call of replay.call into replay.peer. */
void replay_call(struct bytes_reader body);
/* The transceiver of the call. */
wlk_transceiver *replay_transceiver(struct bytes_reader *body);

/* ---- calls_parameters.c ---- */

/* Whether it is one of those; then it is made. */
bool replay_parameters_call(struct bytes_reader body);
/* Encodings of a call, at most WLK_RTP_ENCODINGS_MAX, |encodings| being those of |out|; free each with record_free_encoding(). */
size_t replay_get_encodings(struct bytes_reader *body, struct record_encoding *out, wlk_rtp_encoding *encodings);

#endif
