#include "ice/pacer.h"

#include "core/err.h"

void ice_pacer_join(struct ice_pacer_user *u, struct ice_pacer *pacer, wlk_time interval)
{
	*u = (struct ice_pacer_user){ .pacer = pacer, .interval = interval };
}

void ice_pacer_leave(struct ice_pacer_user *u)
{
	ice_pacer_report(u, false, 0);
}

void ice_pacer_report(struct ice_pacer_user *u, bool waits, size_t unanswered)
{
	u->pacer->waiting = u->pacer->waiting - u->waits + waits;
	u->pacer->unanswered = u->pacer->unanswered - u->unanswered + unanswered;
	u->waits = waits;
	u->unanswered = unanswered;
}

wlk_time ice_pacer_at(const struct ice_pacer_user *u, bool urgent)
{
	if (urgent)
		return u->pacer->at - (ICE_PACER_BURST - 1) * u->interval;
	return MAX(u->pacer->at, u->at);
}

void ice_pacer_take(struct ice_pacer_user *u, wlk_time now)
{
	u->pacer->at = MAX(u->pacer->at, now) + u->interval;
	u->at = now + u->interval * (wlk_time)MAX(u->pacer->waiting, (size_t)1);
}

wlk_time ice_pacer_rto(const struct ice_pacer_user *u)
{
	return u->interval * (wlk_time)u->pacer->unanswered;
}
