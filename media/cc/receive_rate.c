#include "media/cc/receive_rate.h"

#include "core/err.h"

void receive_rate_init(struct receive_rate *r, uint64_t max_bps)
{
	*r = (struct receive_rate){
		.max_bps = max_bps,
		.estimate_bps = MIN(RECEIVE_RATE_FLOOR_BPS, max_bps),
		.next_update = WLK_TIME_NEVER,
	};
}

void receive_rate_on_packet(struct receive_rate *r, wlk_time now, size_t bytes)
{
	rate_meter_add(&r->meter, now, bytes);
	if (!r->started) {
		r->started = true;
		r->next_update = time_add(now, RECEIVE_RATE_INTERVAL_US / 5);
	}
}

bool receive_rate_update(struct receive_rate *r, wlk_time now, uint32_t lost_of_256)
{
	uint64_t received = rate_meter_bps(&r->meter, now), before = r->estimate_bps;
	uint64_t estimate = before;

	r->next_update = time_add(now, RECEIVE_RATE_INTERVAL_US);
	if (lost_of_256 > 26)
		estimate = MIN(before, received * (512 - lost_of_256) / 512);
	else if (lost_of_256 < 5)
		estimate = MAX(before, MIN(received * 3 / 2, before * 3 / 2));
	estimate = MAX(estimate, RECEIVE_RATE_FLOOR_BPS);
	r->estimate_bps = MIN(estimate, r->max_bps);
	return r->estimate_bps < before - before * 3 / 100;
}
