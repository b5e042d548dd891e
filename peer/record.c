#include "peer/record.h"

#include <stdatomic.h>
#include <wirelark/version.h>

#include "core/alloc.h"
#include "core/crypto.h"

#define DEFAULT_LIMIT ((uint64_t)1 << 30)

TAP_THREAD_LOCAL struct wlk_recording *record_current;

/* ---- what core/ tells ---- */

static void on_draw(struct tap *tap, uint8_t *bytes, size_t size)
{
	struct wlk_recording *rec = CONTAINER_OF(tap, struct wlk_recording, tap);
	struct bytes_writer *w = record_begin(rec, RECORD_DRAW, size);

	if (!w)
		return;
	bytes_put(w, bytes, size);
	record_end(rec);
}

static void on_secret(struct tap *tap, char *text, size_t size)
{
	struct wlk_recording *rec = CONTAINER_OF(tap, struct wlk_recording, tap);
	struct bytes_writer *w = record_begin(rec, RECORD_SECRET, 4 + size);

	if (!w)
		return;
	record_put_secret(w, rec, text);
	record_end(rec);
}

static bool on_verdict(struct tap *tap, bool verdict)
{
	record_number(CONTAINER_OF(tap, struct wlk_recording, tap), RECORD_VERDICT, verdict, 1);
	return verdict;
}

static void on_decision(struct tap *tap, uint8_t kind, const uint8_t *body, size_t size)
{
	struct wlk_recording *rec = CONTAINER_OF(tap, struct wlk_recording, tap);
	struct bytes_writer *w = record_begin(rec, kind, size);

	if (!w)
		return;
	bytes_put(w, body, size);
	record_end(rec);
}

/* ---- life ---- */

static wlk_err draw_key(struct crypto_hmac **out)
{
	uint8_t key[32];
	wlk_err err = crypto_rand_bytes(key, sizeof(key));

	if (!err)
		err = crypto_hmac_create(out, CRYPTO_DIGEST_SHA256, key, sizeof(key));
	crypto_wipe(key, sizeof(key));
	return err;
}

static wlk_err write_header(struct wlk_recording *rec, int64_t unix_us)
{
	char release[RECORD_RELEASE_SIZE] = { 0 };
	uint8_t *at = rec->sink.reserve(rec->sink.user, RECORD_HEADER_SIZE);
	struct bytes_writer w;

	if (!at)
		return WLK_ERR_IO;
	memcpy(release, wlk_version(), MIN(strlen(wlk_version()), sizeof(release)));
	w = bytes_writer(at, RECORD_HEADER_SIZE);
	bytes_put(&w, record_magic, sizeof(record_magic));
	bytes_put_u16(&w, RECORD_VERSION);
	bytes_put_u16(&w, 0);
	record_put_time(&w, unix_us);
	bytes_put(&w, release, sizeof(release));
	rec->sink.commit(rec->sink.user, RECORD_HEADER_SIZE);
	rec->size = RECORD_HEADER_SIZE;
	return WLK_OK;
}

wlk_err record_create(struct wlk_recording **out, const struct record_sink *sink, uint64_t limit, int64_t unix_us)
{
	struct wlk_recording *rec = wlk_calloc(1, sizeof(*rec));
	wlk_err err;

	if (!rec)
		return WLK_ERR_NOMEM;
	rec->tap = (struct tap){ .on_draw = on_draw, .on_secret = on_secret, .on_verdict = on_verdict, .on_decision = on_decision };
	rec->sink = *sink;
	rec->limit = limit ? limit : DEFAULT_LIMIT;
	rec->refs = 1;
	log_scope_init(&rec->log, NULL, "record");
	err = draw_key(&rec->pseudonyms);
	if (!err)
		err = write_header(rec, unix_us);
	if (err) {
		crypto_hmac_destroy(rec->pseudonyms);
		wlk_free(rec);
		return err;
	}
	*out = rec;
	return WLK_OK;
}

struct wlk_recording *record_ref(struct wlk_recording *rec)
{
	rec->refs++;
	return rec;
}

void record_unref(struct wlk_recording *rec)
{
	if (!rec || --rec->refs)
		return;
	record_stop(rec, WLK_OK);
	crypto_hmac_destroy(rec->pseudonyms);
	wlk_free(rec);
}

void record_stop(struct wlk_recording *rec, wlk_err why)
{
	if (rec->closed)
		return;
	rec->closed = true;
	rec->status = why;
	rec->sink.close(rec->sink.user);
	if (why)
		LOG_W(rec, "the recording ends after %llu bytes: %s; the calls go on", (unsigned long long)rec->size, wlk_strerror(why));
}

wlk_err wlk_recording_status(const wlk_recording *recording)
{
	return recording ? recording->status : WLK_ERR_INVALID;
}

uint64_t wlk_recording_size(const wlk_recording *recording)
{
	return recording ? recording->size : 0;
}

/* ---- entries ---- */

struct bytes_writer *record_begin(struct wlk_recording *rec, enum record_kind kind, size_t most)
{
	if (rec->closed)
		return NULL;
	if (most > RECORD_BODY_MAX || rec->size > rec->limit || rec->limit - rec->size < most + RECORD_ENTRY_HEAD) {
		record_stop(rec, WLK_ERR_TOO_LARGE);
		return NULL;
	}
	rec->head = rec->sink.reserve(rec->sink.user, most + RECORD_ENTRY_HEAD);
	if (!rec->head) {
		record_stop(rec, WLK_ERR_IO);
		return NULL;
	}
	rec->body = bytes_writer(rec->head + RECORD_ENTRY_HEAD, most);
	rec->head[1] = (uint8_t)kind; /* until the entry is whole: its first byte says so, and comes last */
	return &rec->body;
}

void record_end(struct wlk_recording *rec)
{
	size_t size = rec->body.size;
	uint8_t kind = rec->head[1];

	assert(bytes_writer_ok(&rec->body) && "an entry keeps to the size that it asked for");
	rec->head[1] = (uint8_t)(size >> 16);
	store_u16(rec->head + 2, (uint16_t)size);
	atomic_signal_fence(memory_order_release);
	rec->head[0] = kind;
	rec->sink.commit(rec->sink.user, size + RECORD_ENTRY_HEAD);
	rec->size += size + RECORD_ENTRY_HEAD;
}

struct bytes_writer *record_begin_call(struct wlk_recording *rec, enum record_kind kind, wlk_time now, size_t most)
{
	wlk_time since = now - rec->now;
	struct bytes_writer *w;

	if (since < 0 || since > UINT32_MAX) {
		record_number(rec, RECORD_TIME, (uint64_t)now, 8);
		since = 0;
	}
	w = record_begin(rec, kind, RECORD_CALL_HEAD + most);
	if (!w)
		return NULL;
	rec->now = now;
	bytes_put_u16(w, rec->peer->number);
	bytes_put_u32(w, (uint32_t)since);
	return w;
}

void record_mark(struct wlk_recording *rec, enum record_kind kind)
{
	if (record_begin(rec, kind, 0))
		record_end(rec);
}

void record_call(struct wlk_recording *rec, enum record_kind kind, wlk_time now)
{
	if (record_begin_call(rec, kind, now, 0))
		record_end(rec);
}

void record_number(struct wlk_recording *rec, enum record_kind kind, uint64_t value, size_t width)
{
	struct bytes_writer *w = record_begin(rec, kind, width);

	if (!w)
		return;
	bytes_put_be(w, value, width);
	record_end(rec);
}

/* ---- peers ---- */

wlk_err record_peer_create(struct record_peer **out, struct wlk_recording *rec)
{
	struct record_peer *peer = wlk_calloc(1, sizeof(*peer));

	if (!peer)
		return WLK_ERR_NOMEM;
	peer->recording = record_ref(rec);
	if (rec->next_peer == UINT16_MAX)
		record_stop(rec, WLK_ERR_TOO_LARGE); /* no number is left to tell it by */
	peer->number = rec->next_peer++;
	*out = peer;
	return WLK_OK;
}

void record_peer_destroy(struct record_peer *peer)
{
	if (!peer)
		return;
	if (peer->recording->peer == peer)
		record_leave_recorded();
	for (size_t i = 0; i < RECORD_OBJECT_KINDS; i++)
		wlk_free(peer->objects[i].items);
	wlk_free(peer->dtls);
	record_unref(peer->recording);
	wlk_free(peer);
}

struct wlk_recording *record_enter_recorded(struct record_peer *peer)
{
	struct wlk_recording *rec = peer->recording;

	if (record_current || rec->closed)
		return NULL;
	rec->peer = peer;
	record_current = rec;
	tap_current = &rec->tap;
	return rec;
}

void record_leave_recorded(void)
{
	if (record_current)
		record_current->peer = NULL;
	record_current = NULL;
	tap_current = NULL;
}

/* ---- objects ---- */

static struct record_object *find(struct record_objects *objects, const void *object)
{
	for (size_t i = 0; i < objects->count; i++)
		if (objects->items[i].object == object)
			return &objects->items[i];
	return NULL;
}

uint32_t record_object(struct wlk_recording *rec, enum record_object_kind kind, const void *object)
{
	struct record_objects *objects = &rec->peer->objects[kind];
	struct record_object *known = find(objects, object);

	if (known)
		return known->number;
	if (!array_reserve((void **)&objects->items, &objects->capacity, objects->count + 1, sizeof(*objects->items))) {
		record_stop(rec, WLK_ERR_NOMEM);
		return 0;
	}
	objects->items[objects->count++] = (struct record_object){ .object = object, .number = objects->next };
	return objects->next++;
}

void record_object_gone(struct wlk_recording *rec, enum record_object_kind kind, const void *object)
{
	struct record_objects *objects = &rec->peer->objects[kind];
	struct record_object *known = find(objects, object);

	if (known)
		*known = objects->items[--objects->count];
}
