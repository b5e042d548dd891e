#include "net/driver.h"

#include "core/alloc.h"
#include "core/time.h"
#include "net/ifaddrs.h"

#define INTERFACES_MAX_AGE   SECOND
#define FULL_SOCKET_DEADLINE (10 * MILLISECOND)
#define LATE_DEADLINE        MILLISECOND

void driver_init(struct driver *d, struct poller *poller, struct mailbox *mailbox, const struct peer_env *env,
		 bool no_gso)
{
	*d = (struct driver){ .poller = poller, .mailbox = mailbox, .env = *env, .no_gso = no_gso };
	d->interfaces_at = WLK_TIME_NEVER;
	d->told_now = WLK_TIME_NEVER;
	log_scope_init(&d->log, NULL, "net");
	list_init(&d->peers);
	list_init(&d->ready);
	list_init(&d->batch);
	heap_init(&d->deadlines);
	udp_rx_init(&d->rx, env->pool, &d->stats);
}

void driver_free(struct driver *d)
{
	while (!list_empty(&d->peers))
		wlk_peer_connection_destroy(list_entry(d->peers.next, struct driver_peer, link)->pc);
	udp_rx_free(&d->rx);
	heap_free(&d->deadlines);
	wlk_free(d->interfaces);
}

void driver_set_now(struct driver *d, wlk_time now)
{
	d->now = MAX(now, d->now);
}

void driver_tell_time(struct driver *d)
{
	if (d->told_now == d->now)
		return;
	list_for_each (link, &d->peers)
		peer_set_now(list_entry(link, struct driver_peer, link)->pc, d->now);
	d->told_now = d->now;
}

void driver_mark_ready(struct driver_peer *p)
{
	struct list *link = peer_ready_link(p->pc);

	if (list_empty(link))
		list_push_back(&p->driver->ready, link);
}

/* The peer's own hook, on another loop's thread. The mailbox is emptied of it before |p| goes. */
static void wake_from_elsewhere(void *user)
{
	struct driver_peer *p = user;

	mailbox_send(p->driver->mailbox, &p->wake);
}

static void on_wake(void *user)
{
	driver_mark_ready(user);
}

/* Free what on_destroy() left. */
static void finish(struct driver_peer *p)
{
	list_remove(peer_ready_link(p->pc));
	peer_free(p->pc);
	mailbox_withdraw(p->driver->mailbox, &p->wake);
	wlk_free(p);
}

/* close_notify and SCTP's ABORT; what does not fit into the sockets is lost. */
static void last_words(struct driver_peer *p)
{
	struct dgram d;

	for (size_t n = 0; n < UDP_BATCH && peer_poll_transmit(p->pc, p->driver->now, &d); n++)
		driver_route(p, d);
	driver_flush(p);
}

/* The destroy hook: from here on no event of the poller, the mailbox or the heap leads to |p|. */
static void on_destroy(struct wlk_peer_connection *pc, void *driver)
{
	struct driver_peer *p = driver;
	struct driver *d = p->driver;

	(void)pc;
	assert(!p->gone && "a peer connection is destroyed once");
	p->gone = true;
	last_words(p);
	driver_close_all(p);
	heap_remove(&d->deadlines, &p->deadline);
	list_remove(&p->link);
	d->peer_count--;
	if (!p->entered)
		finish(p);
}

/* Ask the kernel for this host's addresses, at most once a second: many peers may be made at once. */
static wlk_err refresh_interfaces(struct driver *d)
{
	struct net_interface *list;
	wlk_addr *addresses;
	size_t count;
	wlk_err err;

	if (d->interfaces_at != WLK_TIME_NEVER && d->now - d->interfaces_at < INTERFACES_MAX_AGE)
		return WLK_OK;
	err = ifaddrs_list(&list, &count);
	if (err)
		return err;
	addresses = wlk_calloc(count ? count : 1, sizeof(*addresses));
	for (size_t i = 0; addresses && i < count; i++)
		addresses[i] = list[i].addr;
	ifaddrs_list_free(list);
	if (!addresses)
		return WLK_ERR_NOMEM;
	wlk_free(d->interfaces);
	d->interfaces = addresses;
	d->interface_count = count;
	d->interfaces_at = d->now;
	return WLK_OK;
}

static struct driver_peer *new_record(struct driver *d, wlk_event_fn on_event, void *user)
{
	struct driver_peer *p;

	if (heap_reserve(&d->deadlines, d->peer_count + 1))
		return NULL;
	p = wlk_calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->driver = d;
	p->env = d->env;
	p->env.ready = &d->ready;
	p->env.wake = wake_from_elsewhere;
	p->env.wake_user = p;
	p->on_event = on_event;
	p->user = user;
	p->wake = (struct mail){ .fn = on_wake, .user = p };
	list_init(&p->ports);
	list_init(&p->lookups);
	return p;
}

wlk_err driver_create_peer(struct driver *d, const wlk_configuration *config, wlk_event_fn on_event, void *user,
			   struct wlk_peer_connection **out)
{
	struct driver_peer *p;
	wlk_err err = refresh_interfaces(d);

	if (err)
		return err;
	p = new_record(d, on_event, user);
	if (!p)
		return WLK_ERR_NOMEM;
	err = peer_create(&p->pc, &p->env, config, d->now);
	if (err)
		goto out_free;
	err = peer_set_interfaces(p->pc, d->interfaces, d->interface_count);
	if (err)
		goto out_peer;
	peer_set_driver(p->pc, p);
	peer_set_destroy_hook(p->pc, on_destroy);
	list_push_back(&d->peers, &p->link);
	d->peer_count++;
	driver_mark_ready(p);
	*out = p->pc;
	return WLK_OK;
out_peer:
	list_remove(peer_ready_link(p->pc));
	peer_free(p->pc);
	mailbox_withdraw(d->mailbox, &p->wake);
out_free:
	wlk_free(p);
	return err;
}

/* True when the budget ended before the peer's output did. A full socket ends it too, until that is writable. */
static bool transmit(struct driver_peer *p)
{
	if (p->full_ports)
		driver_flush(p);
	for (int batch = 0; batch < DRIVER_BATCHES; batch++) {
		struct dgram d;
		size_t n = 0;

		if (p->full_ports)
			return false;
		for (; n < UDP_BATCH && peer_poll_transmit(p->pc, p->driver->now, &d); n++)
			driver_route(p, d);
		driver_flush(p);
		if (n < UDP_BATCH)
			return false;
	}
	return true;
}

/*
 * True when there was anything: the callbacks, and the room that pulled messages leave, give the peer something to
 * send, and the budget may have ended before the events did. |p| may be gone afterwards.
 */
static bool deliver(struct driver_peer *p)
{
	int n = 0;

	for (; n < DRIVER_EVENTS && !p->gone; n++) {
		const wlk_event *event = peer_poll_event(p->pc);

		if (!event)
			break;
		driver_tell_time(p->driver);
		p->on_event(event, p->user);
	}
	return n > 0;
}

static void schedule(struct driver_peer *p)
{
	struct driver *d = p->driver;
	wlk_time when = peer_deadline(p->pc);

	if (p->full_ports) {
		/* Its output waits for the socket, so its deadline may be due and stay so. */
		when = MAX(when, d->now + FULL_SOCKET_DEADLINE);
	} else if (when <= d->now && list_empty(peer_ready_link(p->pc))) {
		LOG_RATED(d, &d->late_budget, d->now, LOG_LEVEL_WARN, "a drained peer is due %lld us ago",
			  (long long)(d->now - when));
		when = d->now + LATE_DEADLINE;
	}
	heap_set(&d->deadlines, &p->deadline, when);
}

static void visit(struct driver_peer *p)
{
	wlk_time now = p->driver->now;
	bool more;

	p->entered = true;
	if (peer_deadline(p->pc) <= now)
		peer_handle_timeout(p->pc, now);
	more = driver_serve_requests(p);
	more = transmit(p) || more;
	more = driver_serve_requests(p) || more; /* sockets are closed only after their last datagram left */
	more = deliver(p) || more;
	p->entered = false;
	if (p->gone) {
		finish(p);
		return;
	}
	if (more)
		driver_mark_ready(p);
	schedule(p);
}

static void expire(struct driver *d)
{
	struct heap_node *first;

	while ((first = heap_first(&d->deadlines)) && first->key <= d->now) {
		struct driver_peer *p = CONTAINER_OF(first, struct driver_peer, deadline);

		heap_remove(&d->deadlines, first);
		peer_handle_timeout(p->pc, d->now);
		driver_mark_ready(p);
	}
}

static void move_all(struct list *to, struct list *from)
{
	struct list *link;

	while ((link = list_pop_front(from)))
		list_push_back(to, link);
}

void driver_run(struct driver *d)
{
	struct list *link;

	expire(d);
	for (int pass = 0; pass < DRIVER_PASSES && !list_empty(&d->ready); pass++) {
		/* Only the head of the list is ever held: a callback may destroy any peer. */
		move_all(&d->batch, &d->ready);
		while ((link = list_pop_front(&d->batch)))
			visit(peer_driver(peer_of_ready_link(link)));
	}
}

wlk_time driver_deadline(const struct driver *d)
{
	const struct heap_node *first = heap_first(&d->deadlines);

	if (!list_empty(&d->ready))
		return d->now;
	return first ? first->key : WLK_TIME_NEVER;
}
