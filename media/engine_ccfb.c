/* Feedback as of RFC 8888 in the engine: what the peer tells of our packets, in the order in which they left. */
#include <stdlib.h>

#include "core/alloc.h"
#include "media/engine_internal.h"

/* Steps of 1/65536 s: a year; who counts further begins anew. */
#define TIMESTAMPS_MAX ((int64_t)1 << 41)

/* One packet that the peer speaks of. */
struct told {
	uint16_t number; /* in the sent history */
	uint16_t age;    /* so many left after it */
	bool received;
	wlk_time arrival;
};

static int oldest_first(const void *a, const void *b)
{
	return (int)((const struct told *)b)->age - (int)((const struct told *)a)->age;
}

static size_t collect(struct media_engine *e, const struct ccfb_feedback *feedback, wlk_time made, struct told *out)
{
	struct ccfb_iter iter = ccfb_iter(feedback);
	uint16_t newest = (uint16_t)(sent_history_next(&e->gcc.sent) - 1);
	struct ccfb_status status;
	size_t count = 0;

	while (ccfb_next(&iter, &status)) {
		struct told *t = &out[count];

		/* One that came so long ago that nobody knows when was told of before. */
		if ((status.received && !status.has_time) || !sent_rtp_find(&e->sent_rtp, status.ssrc, status.seq, &t->number))
			continue;
		t->age = (uint16_t)(newest - t->number);
		t->received = status.received;
		t->arrival = made - status.before;
		count++;
	}
	return count;
}

/* Blocks are of one stream each; what is learned from arrivals wants them as they left. */
void engine_ccfb_input(struct media_engine *e, wlk_time now, const struct ccfb_feedback *feedback)
{
	wlk_time made;
	struct told *told;
	size_t count;

	if (!e->use_gcc || !e->sends_ccfb)
		return;
	made = seq32_unwrap(&e->ccfb_time, feedback->timestamp);
	if (made > TIMESTAMPS_MAX || made < -TIMESTAMPS_MAX) {
		e->ccfb_time = (struct seq_unwrap){ 0 };
		made = seq32_unwrap(&e->ccfb_time, feedback->timestamp);
	}
	made = made * 1000000 / 65536;
	told = wlk_calloc(feedback->blocks.size / 2 + 1, sizeof(*told)); /* two bytes each */
	if (!told)
		return; /* as if the message were lost */
	count = collect(e, feedback, made, told);
	qsort(told, count, sizeof(*told), oldest_first);
	gcc_feedback_begin(&e->gcc, now);
	for (size_t i = 0; i < count; i++)
		gcc_feedback_status(&e->gcc, now, told[i].number, told[i].received, told[i].arrival);
	engine_cc_feedback_end(e, now);
	wlk_free(told);
}
