#include "peer/stats_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

enum { BLOCK_SIZE = 8192, TEXT_MAX = 160 };

/* Memory is taken in blocks and given back all at once; records do not move. */
struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct entry {
	wlk_stats *record;
	bool chosen;
};

union any_record {
	wlk_stats base;
	wlk_stats_codec codec;
	wlk_stats_inbound_rtp inbound;
	wlk_stats_outbound_rtp outbound;
	wlk_stats_remote_inbound_rtp remote_inbound;
	wlk_stats_remote_outbound_rtp remote_outbound;
	wlk_stats_media_source source;
	wlk_stats_media_playout playout;
	wlk_stats_peer_connection pc;
	wlk_stats_data_channel channel;
	wlk_stats_transport transport;
	wlk_stats_candidate_pair pair;
	wlk_stats_candidate candidate;
	wlk_stats_certificate certificate;
	wlk_stats_sctp_transport sctp;
};

struct wlk_stats_report {
	struct block *blocks;
	struct entry *entries;
	size_t count, capacity;
	double timestamp;
	bool failed;
	union any_record scratch; /* where records go when memory is out */
};

wlk_err stats_report_create(wlk_stats_report **out, double timestamp_ms)
{
	wlk_stats_report *report = wlk_calloc(1, sizeof(*report));

	if (!report)
		return WLK_ERR_NOMEM;
	report->timestamp = timestamp_ms;
	*out = report;
	return WLK_OK;
}

void wlk_stats_report_destroy(wlk_stats_report *report)
{
	if (!report)
		return;
	while (report->blocks) {
		struct block *block = report->blocks;

		report->blocks = block->next;
		wlk_free(block);
	}
	wlk_free(report->entries);
	wlk_free(report);
}

static bool add_block(wlk_stats_report *report, size_t size)
{
	struct block *block = wlk_malloc(sizeof(*block) + size);

	if (!block)
		return false;
	block->next = report->blocks;
	block->used = 0;
	block->size = size;
	report->blocks = block;
	return true;
}

static void *take(wlk_stats_report *report, size_t size)
{
	size_t room = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
	void *at;

	if (!report->blocks || report->blocks->size - report->blocks->used < room)
		if (!add_block(report, MAX(room, (size_t)BLOCK_SIZE))) {
			report->failed = true;
			return NULL;
		}
	at = report->blocks->bytes + report->blocks->used;
	report->blocks->used += room;
	return at;
}

static const char *take_text(wlk_stats_report *report, struct str text)
{
	char *copy = take(report, text.size + 1);

	if (!copy)
		return "";
	if (text.size)
		memcpy(copy, text.at, text.size);
	copy[text.size] = '\0';
	return copy;
}

static wlk_stats *take_record(wlk_stats_report *report, const struct stats_shape *shape)
{
	void *items = report->entries;
	wlk_stats *record = take(report, shape->size);

	if (!record || !array_reserve(&items, &report->capacity, report->count + 1, sizeof(*report->entries))) {
		report->failed = true;
		return &report->scratch.base;
	}
	report->entries = items;
	report->entries[report->count++] = (struct entry){ .record = record };
	return record;
}

void *stats_add(wlk_stats_report *report, wlk_stats_type type, const char *id)
{
	const struct stats_shape *shape = stats_shape(type);
	wlk_stats *record;

	assert(shape && shape->size <= sizeof(report->scratch) && "every type has its struct here");
	assert(!stats_has(report, id) && "ids are unique");
	record = take_record(report, shape);
	memset(record, 0, shape->size);
	record->struct_size = shape->size;
	record->type = type;
	record->id = take_text(report, str_of(id));
	record->timestamp = report->timestamp;
	return record;
}

void stats_set_text(wlk_stats_report *report, wlk_stat_text *member, struct str value)
{
	*member = (wlk_stat_text){ .exists = true, .value = take_text(report, value), .size = value.size };
	if (report->failed)
		member->size = 0;
}

void stats_set_textf(wlk_stats_report *report, wlk_stat_text *member, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert(size >= 0 && (size_t)size < sizeof(text) && "only ids and other short texts are formatted");
	stats_set_text(report, member, (struct str){ text, (size_t)size });
}

/* ---- looking things up ---- */

static struct entry *find(const wlk_stats_report *report, const char *id)
{
	for (size_t i = 0; i < report->count; i++)
		if (!strcmp(report->entries[i].record->id, id))
			return &report->entries[i];
	return NULL;
}

bool stats_has(const wlk_stats_report *report, const char *id)
{
	return find(report, id) != NULL;
}

wlk_stats *stats_at(const wlk_stats_report *report, size_t index)
{
	return report->entries[index].record;
}

size_t wlk_stats_report_count(const wlk_stats_report *report)
{
	return report->count;
}

const wlk_stats *wlk_stats_report_get(const wlk_stats_report *report, const char *id)
{
	const struct entry *entry = id ? find(report, id) : NULL;

	return entry ? entry->record : NULL;
}

void wlk_stats_report_visit(const wlk_stats_report *report, wlk_stats_visitor visitor, void *user)
{
	for (size_t i = 0; i < report->count; i++)
		visitor(report->entries[i].record, user);
}

/* ---- references and selectors ---- */

void stats_choose(wlk_stats_report *report, const void *record)
{
	for (size_t i = report->count; i-- > 0;)
		if (report->entries[i].record == record)
			report->entries[i].chosen = true;
}

/* Calls itself as deep as references lead: stream, transport, pair, candidate, and that is all. */
static void choose_with_references(wlk_stats_report *report, struct entry *entry)
{
	const struct stats_shape *shape = stats_shape(entry->record->type);

	entry->chosen = true;
	for (size_t i = 0; i < shape->count; i++) {
		const struct stats_member *member = &shape->members[i];
		struct entry *to;

		if (member->kind != STATS_ID || !stats_member_exists(entry->record, member))
			continue;
		to = find(report, stats_member_text(entry->record, member)->value);
		if (!to->chosen)
			choose_with_references(report, to);
	}
}

static void select_chosen(wlk_stats_report *report)
{
	size_t kept = 0;

	/* Records that are reached get chosen too: looking at them again finds nothing new. */
	for (size_t i = 0; i < report->count; i++)
		if (report->entries[i].chosen)
			choose_with_references(report, &report->entries[i]);
	for (size_t i = 0; i < report->count; i++)
		if (report->entries[i].chosen)
			report->entries[kept++] = report->entries[i];
	report->count = kept;
}

static void drop_dangling(const wlk_stats_report *report, wlk_stats *record)
{
	const struct stats_shape *shape = stats_shape(record->type);

	for (size_t i = 0; i < shape->count; i++) {
		wlk_stat_text *id;

		if (shape->members[i].kind != STATS_ID)
			continue;
		id = stats_member_text(record, &shape->members[i]);
		if (id->exists && !find(report, id->value))
			*id = (wlk_stat_text){ 0 };
	}
}

wlk_err stats_report_finish(wlk_stats_report *report, bool selected)
{
	if (report->failed)
		return WLK_ERR_NOMEM;
	for (size_t i = 0; i < report->count; i++)
		drop_dangling(report, report->entries[i].record);
	if (selected)
		select_chosen(report);
	return WLK_OK;
}
