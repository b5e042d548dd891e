#include "ice/agent_request.h"

#include "core/alloc.h"

void agent_requests_init(struct agent_requests *rs)
{
	*rs = (struct agent_requests){ .next_id = 1 };
}

void agent_requests_free(struct agent_requests *rs)
{
	wlk_free(rs->items);
	agent_requests_init(rs);
}

/* A JOIN_MDNS may be answered with two sockets, one a family. */
static size_t sockets_of(enum ice_request_type type)
{
	return type == ICE_REQUEST_JOIN_MDNS ? 2 : type == ICE_REQUEST_BIND_UDP ? 1 : 0;
}

wlk_err agent_request_add(struct agent_requests *rs, const struct ice_request *request, void *owner)
{
	size_t sockets = rs->sockets + sockets_of(request->type);

	assert(request->type != ICE_REQUEST_CLOSE && "closing has its own function, which cannot fail");
	if (!array_reserve((void **)&rs->items, &rs->capacity, rs->count + 1 + sockets, sizeof(*rs->items)))
		return WLK_ERR_NOMEM;
	rs->sockets = sockets;
	rs->items[rs->count] = (struct agent_request){ .request = *request, .owner = owner };
	rs->items[rs->count++].request.id = rs->next_id++;
	return WLK_OK;
}

void agent_request_close(struct agent_requests *rs, const wlk_addr *local)
{
	assert(rs->sockets > 0 && rs->count < rs->capacity && "only a socket that was asked for is closed, and once");
	rs->sockets--;
	rs->items[rs->count++] = (struct agent_request){
		.request = { .type = ICE_REQUEST_CLOSE, .id = rs->next_id++, .local = *local },
	};
}

static void remove_at(struct agent_requests *rs, size_t index)
{
	for (rs->count--; index < rs->count; index++)
		rs->items[index] = rs->items[index + 1];
}

bool agent_request_next(struct agent_requests *rs, struct ice_request *out)
{
	for (size_t i = 0; i < rs->count; i++) {
		struct agent_request *item = &rs->items[i];

		if (item->handed_out)
			continue;
		item->handed_out = true;
		*out = item->request;
		if (out->type == ICE_REQUEST_CLOSE)
			remove_at(rs, i);
		return true;
	}
	return false;
}

bool agent_request_take(struct agent_requests *rs, uint32_t id, size_t *opened, struct agent_request *out)
{
	for (size_t i = 0; i < rs->count; i++) {
		if (rs->items[i].request.id != id || !rs->items[i].handed_out)
			continue;
		*out = rs->items[i];
		*opened = MIN(*opened, sockets_of(out->request.type));
		rs->sockets -= sockets_of(out->request.type) - *opened;
		remove_at(rs, i);
		return true;
	}
	return false;
}

void agent_request_abandon(struct agent_requests *rs, const void *owner)
{
	for (size_t i = rs->count; i-- > 0;) {
		if (rs->items[i].owner != owner || rs->items[i].request.type == ICE_REQUEST_CLOSE)
			continue;
		if (rs->items[i].handed_out) {
			rs->items[i].owner = NULL;
			continue;
		}
		rs->sockets -= sockets_of(rs->items[i].request.type);
		remove_at(rs, i);
	}
}
