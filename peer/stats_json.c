/* A statistics report as JSON: an object of records, each with the members that exist. */
#include "core/alloc.h"
#include "peer/json.h"
#include "peer/stats_report.h"

static void write_limitations(struct json *j, const char *name, const wlk_stat_limitations *member)
{
	json_open(j, name);
	json_real(j, "none", member->none);
	json_real(j, "cpu", member->cpu);
	json_real(j, "bandwidth", member->bandwidth);
	json_real(j, "other", member->other);
	json_close(j);
}

static void write_psnr(struct json *j, const char *name, const wlk_stat_psnr *member)
{
	json_open(j, name);
	json_real(j, "y", member->y);
	json_real(j, "u", member->u);
	json_real(j, "v", member->v);
	json_close(j);
}

static void write_text(struct json *j, const char *name, const wlk_stat_text *member)
{
	if (member->value)
		json_string(j, name, (struct str){ member->value, member->size });
	else
		json_null(j, name);
}

static void write_member(struct json *j, const wlk_stats *record, const struct stats_member *member)
{
	const void *at = (const char *)record + member->offset;

	switch ((enum stats_kind)member->kind) {
	case STATS_COUNT:
		json_number(j, member->name, ((const wlk_stat_count *)at)->value);
		break;
	case STATS_SIGNED:
		json_signed(j, member->name, ((const wlk_stat_signed *)at)->value);
		break;
	case STATS_NUMBER:
		json_real(j, member->name, ((const wlk_stat_number *)at)->value);
		break;
	case STATS_BOOL:
		json_bool(j, member->name, ((const wlk_stat_bool *)at)->value);
		break;
	case STATS_TEXT:
	case STATS_ID:
		write_text(j, member->name, at);
		break;
	case STATS_LIMITATIONS:
		write_limitations(j, member->name, at);
		break;
	case STATS_PSNR:
		write_psnr(j, member->name, at);
		break;
	}
}

static void write_record(struct json *j, const wlk_stats *record)
{
	const struct stats_shape *shape = stats_shape(record->type);

	json_open(j, record->id);
	json_string(j, "id", str_of(record->id));
	json_string(j, "type", str_of(shape->name));
	json_real(j, "timestamp", record->timestamp);
	for (size_t i = 0; i < shape->count; i++)
		if (stats_member_exists(record, &shape->members[i]))
			write_member(j, record, &shape->members[i]);
	json_close(j);
}

wlk_err wlk_stats_to_json(const wlk_stats_report *report, char **json)
{
	struct text out;
	struct json j = { .out = &out };
	char *text;

	if (!report || !json)
		return WLK_ERR_INVALID;
	text_init(&out);
	json_open(&j, NULL);
	for (size_t i = 0; i < wlk_stats_report_count(report); i++)
		write_record(&j, stats_at(report, i));
	json_close(&j);
	text = text_take(&out);
	if (!text)
		return WLK_ERR_NOMEM;
	*json = text;
	return WLK_OK;
}
