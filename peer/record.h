/* The recorder: turns calls, and the answers that they get from below, into the entries of record_format.h. */
#ifndef PEER_RECORD_H
#define PEER_RECORD_H

#include <wirelark/record.h>

#include "core/dgram_queue.h"
#include "core/log.h"
#include "core/tap.h"
#include "peer/record_format.h"

/*
 * Where the bytes go. |reserve| answers |size| bytes of zeroed memory that follow what was committed, or NULL when there is no
 * room for them, ever: the recording then ends. What was committed is safe, whatever becomes of the process.
 */
struct record_sink {
	uint8_t *(*reserve)(void *user, size_t size);
	void (*commit)(void *user, size_t size);
	/* The last call. */
	void (*close)(void *user);
	void *user;
};

struct record_peer;

/* One recording; belongs to one thread. */
struct wlk_recording {
	struct tap tap;
	struct log_scope log;
	struct record_sink sink;
	struct crypto_hmac *pseudonyms; /* keyed by random bytes that are nowhere written down */
	wlk_time now;           /* of the latest call */
	uint64_t size, limit;
	wlk_err status;         /* WLK_OK: runs */
	bool closed;
	unsigned refs;
	uint16_t next_peer;
	struct record_peer *peer; /* whose call runs */
	struct bytes_writer body; /* of the entry that is being made */
	uint8_t *head;
};

/* A module's object that answers name: its number is its place among those of its kind. */
struct record_object {
	const void *object; /* NULL: gone */
	uint32_t number;
};

struct record_objects {
	struct record_object *items; /* those that live */
	size_t count, capacity;
	uint32_t next;
};

enum record_object_kind { RECORD_OBJECT_DTLS, RECORD_OBJECT_SRTP, RECORD_OBJECT_SCTP, RECORD_OBJECT_CHANNEL, RECORD_OBJECT_KINDS };

/* What a recorded peer connection keeps for it. */
struct record_peer {
	struct wlk_recording *recording;
	uint16_t number;
	struct record_objects objects[RECORD_OBJECT_KINDS];
	struct record_dtls_status *dtls; /* as written last, by number */
	size_t dtls_capacity;
};

/* The recording whose connection's code runs on this thread; NULL nearly always. */
extern TAP_THREAD_LOCAL struct wlk_recording *record_current;

/* Takes |sink| over on success. WLK_ERR_NOMEM, WLK_ERR_CRYPTO, WLK_ERR_IO (no room for the first bytes). */
wlk_err record_create(struct wlk_recording **out, const struct record_sink *sink, uint64_t limit, int64_t unix_us);
struct wlk_recording *record_ref(struct wlk_recording *rec);
/* unref(NULL) does nothing. */
void record_unref(struct wlk_recording *rec);
/* End it: the sink is closed, and nothing is written any more. Idempotent. */
void record_stop(struct wlk_recording *rec, wlk_err why);

/* ---- entries ---- */

/* Begin an entry of at most |most| bytes: the writer for its body, or NULL when the recording has ended. */
struct bytes_writer *record_begin(struct wlk_recording *rec, enum record_kind kind, size_t most);
void record_end(struct wlk_recording *rec);
/* Begin the entry of a call at |now|. */
struct bytes_writer *record_begin_call(struct wlk_recording *rec, enum record_kind kind, wlk_time now, size_t most);
/* An entry without, or with a small, body. */
void record_mark(struct wlk_recording *rec, enum record_kind kind);
void record_call(struct wlk_recording *rec, enum record_kind kind, wlk_time now);
void record_number(struct wlk_recording *rec, enum record_kind kind, uint64_t value, size_t width);

/* ---- peers ---- */

/* WLK_ERR_NOMEM. */
wlk_err record_peer_create(struct record_peer **out, struct wlk_recording *rec);
void record_peer_destroy(struct record_peer *peer);

/* From here on the calling thread's answers are |peer|'s, until record_leave(). NULL when not recorded, or inside of a call already. */
struct wlk_recording *record_enter_recorded(struct record_peer *peer);
static inline struct wlk_recording *record_enter(struct record_peer *peer)
{
	return peer ? record_enter_recorded(peer) : NULL;
}
void record_leave_recorded(void);
static inline void record_leave(struct wlk_recording **recorded)
{
	if (*recorded)
		record_leave_recorded();
}

/*
 * At the top of every function that changes a peer connection: when it is recorded, |recorded| names its recording to the end of
 * the function, and |call| is made to write the call down. Calls from inside of the library are part of what called them.
 */
#define RECORD(pc, call)                                                                                  \
	__attribute__((cleanup(record_leave))) struct wlk_recording *recorded = record_enter((pc)->record); \
	if (recorded)                                                                                     \
	call

/* ---- objects ---- */

/* The number of |object|; a new one when it is not known. Out of memory the recording ends. */
uint32_t record_object(struct wlk_recording *rec, enum record_object_kind kind, const void *object);
void record_object_gone(struct wlk_recording *rec, enum record_object_kind kind, const void *object);

/* ---- secrets (record_secret.c) ---- */

/* Replace characters of a password by others: the same ones for the same password of this recording, and no way back. */
void record_stand_in(const struct wlk_recording *rec, char *text, size_t size);
/* |sdp| as a text field whose passwords and keys are stand-ins; NULL as none. */
void record_put_sdp(struct bytes_writer *w, const struct wlk_recording *rec, const char *sdp);
/* A text field with the stand-in for |text|. */
void record_put_secret(struct bytes_writer *w, const struct wlk_recording *rec, const char *text);

#endif
