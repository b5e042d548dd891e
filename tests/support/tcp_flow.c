#include "tcp_flow.h"

#include <math.h>

#include "core/err.h"

void tcp_flow_init(struct tcp_flow *t, wlk_time now, bool cubic)
{
	*t = (struct tcp_flow){ .cubic = cubic, .window = 10, .threshold = 1e9, .last_ack = now };
}

bool tcp_flow_send(struct tcp_flow *t, uint64_t *number)
{
	if (t->next - t->lowest >= (uint64_t)t->window || t->next - t->lowest >= TCP_WINDOW_MAX)
		return false;
	t->acked[t->next % TCP_WINDOW_MAX] = false;
	*number = t->next++;
	return true;
}

static void cut(struct tcp_flow *t, wlk_time now)
{
	t->window_max = t->window;
	t->window = MAX(t->window * (t->cubic ? 0.7 : 0.5), 2);
	t->threshold = t->window;
	t->cut = now;
	t->recovery = t->next;
}

static void grow(struct tcp_flow *t, wlk_time now)
{
	double since = (double)(now - t->cut) / 1e6, k, cubic;

	if (t->window < t->threshold) {
		t->window += 1;
		return;
	}
	t->window += 1 / t->window;
	if (!t->cubic)
		return;
	k = cbrt(t->window_max * 0.3 / 0.4);
	cubic = 0.4 * (since - k) * (since - k) * (since - k) + t->window_max;
	t->window = MAX(t->window, MIN(cubic, t->window * 1.5));
}

void tcp_flow_on_ack(struct tcp_flow *t, wlk_time now, uint64_t number)
{
	t->last_ack = now;
	t->acked[number % TCP_WINDOW_MAX] = true;
	grow(t, now);
	for (uint64_t i = t->lowest; i + 3 <= number; i++) {
		if (t->acked[i % TCP_WINDOW_MAX])
			continue;
		t->acked[i % TCP_WINDOW_MAX] = true;
		if (i >= t->recovery)
			cut(t, now);
	}
	while (t->lowest < t->next && t->acked[t->lowest % TCP_WINDOW_MAX])
		t->lowest++;
}

void tcp_flow_handle_timeout(struct tcp_flow *t, wlk_time now)
{
	if (now - t->last_ack <= SECOND)
		return;
	t->threshold = MAX(t->window / 2, 2);
	t->window = 1;
	t->lowest = t->next;
	t->last_ack = now;
}
