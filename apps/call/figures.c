#include "figures.h"

#include <stdio.h>
#include <string.h>

/* What a visit of the records adds up. */
struct sum {
	const wlk_stats_report *report;
	struct figures *figures;
	uint64_t received, sent;
};

static bool is_video(const wlk_stat_text *kind)
{
	return kind->exists && !strcmp(kind->value, "video");
}

static void take_codec(struct figures *f, const wlk_stats_report *report, const wlk_stats_inbound_rtp *s)
{
	const wlk_stats *record = WLK_STAT_EXISTS(s, codec_id) ? wlk_stats_report_get(report, s->codec_id.value) : NULL;
	const wlk_stats_codec *codec = (const void *)record;
	const char *slash = record && codec->mime_type.exists ? strchr(codec->mime_type.value, '/') : NULL;

	if (slash)
		snprintf(f->codec, sizeof(f->codec), "%s", slash + 1);
	if (WLK_STAT_EXISTS(s, frame_width) && WLK_STAT_EXISTS(s, frame_height)) {
		f->width = (uint32_t)s->frame_width.value;
		f->height = (uint32_t)s->frame_height.value;
	}
}

static void on_record(const wlk_stats *record, void *user)
{
	struct sum *sum = user;

	if (record->type == WLK_STATS_INBOUND_RTP) {
		const wlk_stats_inbound_rtp *s = (const void *)record;

		if (!is_video(&s->kind))
			return;
		sum->received += s->bytes_received.exists ? s->bytes_received.value : 0;
		take_codec(sum->figures, sum->report, s);
	} else if (record->type == WLK_STATS_OUTBOUND_RTP) {
		const wlk_stats_outbound_rtp *s = (const void *)record;

		if (is_video(&s->kind))
			sum->sent += s->bytes_sent.exists ? s->bytes_sent.value : 0;
	}
}

static double rate(uint64_t now, uint64_t before, wlk_time span)
{
	return span > 0 && now >= before ? (double)(now - before) * 8000 / (double)span : 0;
}

void figures_update(struct figures *f, wlk_peer_connection *pc, wlk_time now)
{
	struct sum sum = { .figures = f };
	wlk_stats_report *report;

	if (wlk_peer_connection_get_stats(pc, &report))
		return;
	sum.report = report;
	wlk_stats_report_visit(report, on_record, &sum);
	wlk_stats_report_destroy(report);
	f->received_kbit = rate(sum.received, f->received, now - f->at);
	f->sent_kbit = rate(sum.sent, f->sent, now - f->at);
	f->received = sum.received;
	f->sent = sum.sent;
	f->at = now;
}

void figures_write(const struct figures *f, char *out, size_t size)
{
	if (!f->width)
		snprintf(out, size, "no picture yet");
	else
		snprintf(out, size, "%s %ux%u, %.0f kbit/s in, %.0f out", f->codec, f->width, f->height, f->received_kbit, f->sent_kbit);
}
