#include "net/poller.h"

#include <errno.h>
#include <unistd.h>

#include "core/alloc.h"

wlk_err poller_init(struct poller *p)
{
	*p = (struct poller){ .fd = epoll_create1(EPOLL_CLOEXEC) };
	return p->fd < 0 ? WLK_ERR_IO : WLK_OK;
}

void poller_free(struct poller *p)
{
	if (p->fd >= 0)
		close(p->fd);
	wlk_free(p->slots);
	*p = (struct poller){ .fd = -1 };
}

/* Answers slot + 1, or 0 when memory is out. */
static uint32_t take_slot(struct poller *p)
{
	uint32_t slot = p->first_free;

	if (slot) {
		p->first_free = p->slots[slot - 1].next_free;
		return slot;
	}
	if (!array_reserve((void **)&p->slots, &p->slot_capacity, p->slot_count + 1, sizeof(p->slots[0])))
		return 0;
	p->slots[p->slot_count++] = (struct poller_slot){ 0 };
	return (uint32_t)p->slot_count;
}

static void give_slot(struct poller *p, uint32_t slot)
{
	struct poller_slot *s = &p->slots[slot - 1];

	s->source = NULL;
	s->generation++;
	s->next_free = p->first_free;
	p->first_free = slot;
}

static int control(struct poller *p, int op, int fd, uint32_t events, uint32_t slot)
{
	struct epoll_event event = { .events = events };

	event.data.u64 = (uint64_t)p->slots[slot - 1].generation << 32 | slot;
	return epoll_ctl(p->fd, op, fd, &event);
}

wlk_err poller_add(struct poller *p, struct poller_source *source, int fd, uint32_t events, poller_fn fn)
{
	uint32_t slot = take_slot(p);

	assert(!source->slot && "a source is added once");
	if (!slot)
		return WLK_ERR_NOMEM;
	if (control(p, EPOLL_CTL_ADD, fd, events, slot)) {
		give_slot(p, slot);
		return errno == ENOMEM ? WLK_ERR_NOMEM : WLK_ERR_IO;
	}
	*source = (struct poller_source){ .fn = fn, .fd = fd, .events = events, .slot = slot };
	p->slots[slot - 1].source = source;
	return WLK_OK;
}

wlk_err poller_change(struct poller *p, struct poller_source *source, uint32_t events)
{
	if (source->events == events)
		return WLK_OK;
	if (control(p, EPOLL_CTL_MOD, source->fd, events, source->slot))
		return WLK_ERR_IO;
	source->events = events;
	return WLK_OK;
}

void poller_remove(struct poller *p, struct poller_source *source)
{
	if (!source->slot)
		return;
	control(p, EPOLL_CTL_DEL, source->fd, 0, source->slot);
	give_slot(p, source->slot);
	source->slot = 0;
}

wlk_err poller_wait(struct poller *p, int timeout_ms)
{
	int count = epoll_wait(p->fd, p->ready, POLLER_BATCH, timeout_ms);

	p->ready_count = count > 0 ? (size_t)count : 0;
	p->ready_at = 0;
	return count < 0 && errno != EINTR ? WLK_ERR_IO : WLK_OK;
}

bool poller_dispatch_some(struct poller *p, size_t limit)
{
	while (limit-- && p->ready_at < p->ready_count) {
		const struct epoll_event *event = &p->ready[p->ready_at++];
		uint32_t slot = (uint32_t)event->data.u64;
		uint32_t generation = (uint32_t)(event->data.u64 >> 32);
		struct poller_slot *s = &p->slots[slot - 1];

		if (s->source && s->generation == generation)
			s->source->fn(s->source, event->events);
	}
	return poller_has_more(p);
}

void poller_dispatch(struct poller *p)
{
	poller_dispatch_some(p, SIZE_MAX);
}
