#include "net/driver_interfaces.h"

#include "core/addr.h"
#include "core/alloc.h"
#include "net/driver.h"

static bool passes_filter(const struct driver_peer *p, const struct net_interface *interface)
{
	bool passes;

	if (!p->address_filter)
		return true;
	p->driver->in_filter = true;
	passes = p->address_filter(&interface->addr, interface->name, p->filter_user);
	p->driver->in_filter = false;
	return passes;
}

/* The list for |p|, best first. *networks: how many of it reach further than this host. */
static size_t choose(const struct driver_peer *p, wlk_addr *out, size_t *networks)
{
	const struct netmon *m = &p->driver->netmon;
	size_t count = 0;

	*networks = 0;
	for (size_t i = 0; i < m->count; i++) {
		const struct net_interface *interface = &m->list[i];

		if (!passes_filter(p, interface))
			continue;
		out[count++] = interface->addr;
		*networks += !interface->loopback;
	}
	return count;
}

static wlk_err tell(struct driver_peer *p, bool changed)
{
	size_t networks, count, before = p->networks;
	wlk_addr *list = wlk_calloc(p->driver->netmon.count + 1, sizeof(*list));
	wlk_err err = WLK_OK;

	if (!list)
		return WLK_ERR_NOMEM;
	count = choose(p, list, &networks);
	/*
	 * A host that has lost all its networks keeps its sockets: with the same address back, in a moment or a minute, they
	 * work as before, and NATs know them. With none to move to, closing them would gain nothing.
	 */
	if (!changed || networks || !before) {
		err = peer_set_interfaces(p->pc, list, count);
		if (!err)
			p->networks = networks;
	}
	wlk_free(list);
	return err;
}

wlk_err driver_tell_interfaces(struct driver_peer *p)
{
	wlk_err err = netmon_refresh(&p->driver->netmon);

	return err ? err : tell(p, false);
}

/* Tell whoever has not heard yet; for lack of memory some hear of it later. */
static void tell_changes(struct driver *d)
{
	d->tell_again_at = WLK_TIME_NEVER;
	list_for_each (link, &d->peers) {
		struct driver_peer *p = list_entry(link, struct driver_peer, link);

		if (!p->network_changed)
			continue;
		peer_set_now(p->pc, d->now);
		p->network_changed = tell(p, true) == WLK_ERR_NOMEM;
		if (p->network_changed)
			d->tell_again_at = d->now + DRIVER_TELL_AGAIN_US;
		driver_mark_ready(p);
	}
	if (d->tell_again_at != WLK_TIME_NEVER)
		LOG_RATED(d, &d->late_budget, d->now, LOG_LEVEL_WARN,
			  "no memory: a connection hears of the changed network later");
}

void driver_follow_network(struct driver *d)
{
	bool changed = netmon_handle_timeout(&d->netmon);

	if (changed)
		list_for_each (link, &d->peers)
			list_entry(link, struct driver_peer, link)->network_changed = true;
	if (changed || d->tell_again_at <= d->now)
		tell_changes(d);
}
