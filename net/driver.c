#include "net/driver.h"

#include "core/alloc.h"
#include "core/time.h"
#include "net/driver_interfaces.h"
#include "net/port.h"
#include "peer/raw.h"

#define FULL_SOCKET_DEADLINE (10 * MILLISECOND)
#define LATE_DEADLINE        MILLISECOND

/* A codec job is done. */
static void on_job(void *user, struct track_job *job, wlk_time spent)
{
	struct driver *d = user;

	peer_on_job(job, d->now, spent); /* its peer, if there is one, becomes ready */
}

void driver_init(struct driver *d, struct poller *poller, struct mailbox *mailbox, const struct peer_env *env,
		 bool no_gso)
{
	*d = (struct driver){ .poller = poller, .mailbox = mailbox, .env = *env, .no_gso = no_gso };
	netmon_init(&d->netmon, poller, &d->now);
	d->tell_again_at = WLK_TIME_NEVER;
	log_scope_init(&d->log, NULL, "net");
	list_init(&d->peers);
	list_init(&d->ready);
	list_init(&d->batch);
	list_init(&d->shared_ports);
	mux_tcp_init(&d->mux_tcp);
	list_init(&d->unsent);
	heap_init(&d->deadlines);
	driver_streams_init(d);
	udp_rx_init(&d->rx, env->pool, &d->stats);
	worker_pool_init(&d->workers, mailbox, on_job, d);
}

void driver_stop_workers(struct driver *d)
{
	worker_pool_stop(&d->workers);
}

void driver_free(struct driver *d)
{
	while (!list_empty(&d->peers))
		wlk_peer_connection_destroy(list_entry(d->peers.next, struct driver_peer, link)->pc);
	driver_streams_free(d);
	driver_timers_free(&d->timers);
	mux_destroy(d->mux);
	udp_rx_free(&d->rx);
	heap_free(&d->deadlines);
	netmon_free(&d->netmon);
	worker_pool_free(&d->workers);
}

void driver_set_now(struct driver *d, wlk_time now)
{
	d->now = MAX(now, d->now);
}

wlk_err driver_share_ports(struct driver *d, uint16_t udp_port, uint16_t tcp_port)
{
	wlk_err err = udp_port || tcp_port ? mux_create(&d->mux) : WLK_OK;

	if (err)
		return err;
	d->udp_port = udp_port;
	d->tcp_port = tcp_port;
	return WLK_OK;
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

	port_room(p); /* makes some in a shared socket */
	for (size_t n = 0; n < UDP_BATCH && peer_poll_transmit(p->pc, p->driver->now, &d); n++)
		driver_route(p, d);
	driver_flush(p);
	port_flush_unsent(p->driver);
}

/* The destroy hook: from here on no event of the poller, the mailbox or the heap leads to |p|. */
static void on_destroy(struct wlk_peer_connection *pc, void *driver)
{
	struct driver_peer *p = driver;
	struct driver *d = p->driver;

	(void)pc;
	assert(!p->gone && "a peer connection is destroyed once");
	assert(!d->in_filter && "an address filter calls no function of this library");
	p->gone = true;
	last_words(p);
	driver_close_all(p);
	heap_remove(&d->deadlines, &p->deadline);
	list_remove(&p->link);
	d->peer_count--;
	if (!p->entered)
		finish(p);
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
	p->env.clock = &d->now;
	p->env.wake = wake_from_elsewhere;
	p->env.wake_user = p;
	p->on_event = on_event;
	p->user = user;
	p->wake = (struct mail){ .fn = on_wake, .user = p };
	list_init(&p->ports);
	list_init(&p->shared_listeners);
	list_init(&p->streams);
	list_init(&p->listeners);
	list_init(&p->lookups);
	return p;
}

wlk_err driver_create_peer(struct driver *d, const wlk_configuration *config, wlk_event_fn on_event, void *user,
			   struct wlk_peer_connection **out)
{
	struct driver_peer *p = new_record(d, on_event, user);
	wlk_err err;

	if (!p)
		return WLK_ERR_NOMEM;
	err = peer_create(&p->pc, &p->env, config, d->now);
	if (err)
		goto out_free;
	if (config) {
		p->address_filter = config->local_address_filter;
		p->filter_user = config->user;
	}
	err = driver_tell_interfaces(p);
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
	for (int batch = 0; batch < DRIVER_BATCHES; batch++) {
		size_t room = port_room(p), n = 0;
		struct dgram d;

		if (!room || p->full_ports)
			return false;
		for (; n < room && peer_poll_transmit(p->pc, p->driver->now, &d); n++)
			driver_route(p, d);
		driver_flush(p);
		if (n < room)
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
		p->on_event(event, p->user);
	}
	return n > 0;
}

static void schedule(struct driver_peer *p)
{
	struct driver *d = p->driver;
	wlk_time when = peer_deadline(p->pc);

	if (p->full_ports || p->full_streams) {
		/* Its output waits for the socket, so its deadline may be due and stay so. */
		when = MAX(when, d->now + FULL_SOCKET_DEADLINE);
	} else if (when <= d->now && list_empty(peer_ready_link(p->pc))) {
		LOG_RATED(d, &d->late_budget, d->now, LOG_LEVEL_WARN, "a drained peer is due %lld us ago",
			  (long long)(d->now - when));
		when = d->now + LATE_DEADLINE;
	}
	heap_set(&d->deadlines, &p->deadline, when);
}

static void start_jobs(struct driver_peer *p)
{
	struct track_job *job;

	while (peer_poll_job(p->pc, p->driver->now, &job))
		worker_pool_run(&p->driver->workers, job);
}

static void visit(struct driver_peer *p)
{
	wlk_time now = p->driver->now;
	bool more;

	p->entered = true;
	if (p->driver->mux)
		mux_update_ufrags(p->driver->mux, &p->mux);
	if (peer_deadline(p->pc) <= now)
		peer_handle_timeout(p->pc, now);
	start_jobs(p);
	more = driver_serve_requests(p);
	more = transmit(p) || more;
	more = driver_serve_requests(p) || more; /* sockets are closed only after their last datagram left */
	more = deliver(p) || more;
	p->entered = false;
	if (p->gone) {
		finish(p);
		return;
	}
	start_jobs(p);
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
		/* One peer's timeout ticks SCTP for all of them: what the others waited for is later then. */
		if (peer_deadline(p->pc) > d->now) {
			heap_set(&d->deadlines, first, peer_deadline(p->pc));
			continue;
		}
		peer_handle_timeout(p->pc, d->now);
		driver_mark_ready(p);
	}
}

/* All of |from| to the end of |to|. */
static void move_all(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

/* One visit of each peer that is ready now, within the budget. */
static void run_pass(struct driver *d, int *visits)
{
	struct list *link;

	/* Only the head of the list is ever held: a callback may destroy any peer. */
	move_all(&d->batch, &d->ready);
	while (*visits > 0 && (link = list_pop_front(&d->batch))) {
		visit(peer_driver(peer_of_ready_link(link)));
		if (--*visits % DRIVER_GATHER == 0)
			port_flush_unsent(d);
	}
	port_flush_unsent(d);
	/* Whoever was not visited comes first the next time. */
	move_all(&d->batch, &d->ready);
	move_all(&d->ready, &d->batch);
}

void driver_run(struct driver *d)
{
	int visits = DRIVER_VISITS;

	driver_follow_network(d);
	driver_timers_run(&d->timers, d->now);
	mux_tcp_expire(d);
	expire(d);
	for (int pass = 0; pass < DRIVER_PASSES && visits > 0 && !list_empty(&d->ready); pass++)
		run_pass(d, &visits);
}

void driver_run_between(struct driver *d)
{
	int visits = DRIVER_VISITS_BETWEEN;

	/* One read of a socket may bring many times the events of a visit, and the next one as many again. */
	while (visits > 0 && !list_empty(&d->ready))
		run_pass(d, &visits);
}

wlk_time driver_deadline(const struct driver *d)
{
	const struct heap_node *first = heap_first(&d->deadlines);
	wlk_time at = time_min(first ? first->key : WLK_TIME_NEVER, netmon_deadline(&d->netmon));

	if (!list_empty(&d->ready))
		return d->now;
	at = time_min(at, d->tell_again_at);
	return time_min(at, time_min(driver_timers_deadline(&d->timers), mux_tcp_deadline(d)));
}
