#include "ice/turn_peers.h"

#include "core/addr.h"
#include "core/alloc.h"

void turn_peers_init(struct turn_peers *p)
{
	*p = (struct turn_peers){ .next_number = TURN_CHANNEL_MIN };
}

void turn_peers_free(struct turn_peers *p)
{
	wlk_free(p->permissions);
	turn_peers_init(p);
}

/* ------------------------------------------------------------------------------------------- permissions */

struct turn_permission *turn_peers_permission(const struct turn_peers *p, const wlk_addr *peer)
{
	for (size_t i = 0; i < p->permission_count; i++)
		if (addr_ip_equal(&p->permissions[i].ip, peer))
			return &p->permissions[i];
	return NULL;
}

/* What goes over a channel uses the permission of its peer, too. */
static wlk_time last_use(const struct turn_peers *p, const struct turn_permission *permission)
{
	wlk_time at = permission->used_at;

	for (size_t i = 0; i < p->channel_count; i++)
		if (addr_ip_equal(&p->channels[i].peer, &permission->ip))
			at = MAX(at, p->channels[i].used_at);
	return at;
}

/* A place for one more: a new one, or that of the permission which was used least lately. */
static struct turn_permission *take_place(struct turn_peers *p)
{
	struct turn_permission *oldest = NULL;

	if (p->permission_count < TURN_PERMISSIONS_MAX)
		return array_reserve((void **)&p->permissions, &p->permission_capacity, p->permission_count + 1,
				     sizeof(*p->permissions))
			       ? &p->permissions[p->permission_count++]
			       : NULL;
	for (size_t i = 0; i < p->permission_count; i++)
		if (!p->permissions[i].request && (!oldest || last_use(p, &p->permissions[i]) < last_use(p, oldest)))
			oldest = &p->permissions[i];
	return oldest;
}

struct turn_permission *turn_peers_permit(struct turn_peers *p, wlk_time now, const wlk_addr *peer)
{
	struct turn_permission *permission = turn_peers_permission(p, peer);

	if (permission) {
		permission->used_at = now;
		if (permission->refused && !permission->request)
			permission->ask_at = time_min(permission->ask_at, MAX(now, permission->rests_until));
		return permission;
	}
	permission = take_place(p);
	if (!permission)
		return NULL;
	*permission = (struct turn_permission){ .ip = *peer, .ask_at = now, .used_at = now };
	permission->ip.port = 0;
	permission->ip.transport = WLK_TRANSPORT_UDP;
	return permission;
}

bool turn_permission_is_open(const struct turn_permission *permission, wlk_time now)
{
	return !permission->refused && (permission->request || permission->expires_at > now);
}

/* ---------------------------------------------------------------------------------------------- channels */

struct turn_channel *turn_peers_channel(struct turn_peers *p, const wlk_addr *peer)
{
	if (p->last_channel < p->channel_count && addr_equal(&p->channels[p->last_channel].peer, peer))
		return &p->channels[p->last_channel];
	for (size_t i = 0; i < p->channel_count; i++)
		if (addr_equal(&p->channels[i].peer, peer)) {
			p->last_channel = i;
			return &p->channels[i];
		}
	return NULL;
}

struct turn_channel *turn_peers_channel_by_number(struct turn_peers *p, uint16_t number)
{
	if (p->last_channel < p->channel_count && p->channels[p->last_channel].number == number)
		return &p->channels[p->last_channel];
	for (size_t i = 0; i < p->channel_count; i++)
		if (p->channels[i].number == number)
			return &p->channels[i];
	return NULL;
}

/* With fewer channels than numbers one is always free. */
static uint16_t draw_number(struct turn_peers *p)
{
	uint16_t number;

	do {
		number = p->next_number;
		p->next_number = number == TURN_CHANNEL_MAX ? TURN_CHANNEL_MIN : (uint16_t)(number + 1);
	} while (turn_peers_channel_by_number(p, number));
	return number;
}

struct turn_channel *turn_peers_bind(struct turn_peers *p, wlk_time now, const wlk_addr *peer)
{
	struct turn_channel *channel = turn_peers_channel(p, peer);

	if (channel)
		return channel;
	for (size_t i = 0; i < p->channel_count && !channel; i++)
		if (!p->channels[i].request && p->channels[i].rests_until <= now)
			channel = &p->channels[i];
	if (!channel && p->channel_count == TURN_CHANNELS_MAX)
		return NULL;
	if (!channel)
		channel = &p->channels[p->channel_count++];
	*channel = (struct turn_channel){ .peer = *peer, .ask_at = now, .used_at = now };
	channel->number = draw_number(p);
	return channel;
}

/* ------------------------------------------------------------------------------------------------ timers */

wlk_time turn_peers_ask_at(const struct turn_peers *p)
{
	wlk_time at = WLK_TIME_NEVER;

	for (size_t i = 0; i < p->permission_count; i++)
		if (!p->permissions[i].request)
			at = time_min(at, p->permissions[i].ask_at);
	for (size_t i = 0; i < p->channel_count; i++)
		if (!p->channels[i].request && !p->channels[i].refused)
			at = time_min(at, p->channels[i].ask_at);
	return at;
}

void turn_peers_hurry(struct turn_peers *p, wlk_time now)
{
	for (size_t i = 0; i < p->permission_count; i++)
		if (!p->permissions[i].request && p->permissions[i].expires_at <= now)
			p->permissions[i].ask_at = now;
	for (size_t i = 0; i < p->channel_count; i++)
		if (!p->channels[i].request && p->channels[i].expires_at <= now)
			p->channels[i].ask_at = now;
}
