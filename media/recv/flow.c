#include "media/recv/flow.h"

void flow_on_packet(struct flow *f, wlk_time now)
{
	f->is_flowing = true;
	f->last = now;
}

void flow_end(struct flow *f)
{
	f->is_flowing = false;
}

wlk_time flow_deadline(const struct flow *f)
{
	return f->is_flowing ? f->last + FLOW_SILENCE_US : WLK_TIME_NEVER;
}

void flow_handle_timeout(struct flow *f, wlk_time now)
{
	if (flow_deadline(f) <= now)
		flow_end(f);
}

bool flow_poll(struct flow *f)
{
	bool changed = f->told != f->is_flowing;

	f->told = f->is_flowing;
	return changed;
}
