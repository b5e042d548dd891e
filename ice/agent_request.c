#include "ice/agent_request.h"

#include "core/alloc.h"

void agent_requests_init(struct agent_requests *rs)
{
	*rs = (struct agent_requests){ .next_id = 1 };
}

void agent_requests_free(struct agent_requests *rs)
{
	wlk_free(rs->items);
	wlk_free(rs->closing);
	agent_requests_init(rs);
}

static size_t sockets_of(enum ice_request_type type)
{
	return type == ICE_REQUEST_BIND_UDP || type == ICE_REQUEST_JOIN_MDNS || type == ICE_REQUEST_LISTEN_TCP;
}

static size_t streams_of(enum ice_request_type type)
{
	return type == ICE_REQUEST_CONNECT_TCP || type == ICE_REQUEST_CONNECT_TLS || type == ICE_REQUEST_CONNECT_DTLS;
}

static bool is_close(enum ice_request_type type)
{
	return type == ICE_REQUEST_CLOSE || type == ICE_REQUEST_CLOSE_STREAM;
}

/* Room for |more| ids beside what has a slot already. */
static bool reserve_closing(struct agent_requests *rs, size_t more)
{
	size_t unasked = rs->listens ? AGENT_ACCEPTED_MAX - rs->accepted + AGENT_REFUSED_MAX : 0;

	return array_reserve((void **)&rs->closing, &rs->closing_capacity,
			     rs->closing_count + rs->streams + unasked + more, sizeof(*rs->closing));
}

static wlk_err reserve(struct agent_requests *rs, enum ice_request_type type)
{
	bool listened = rs->listens;

	if (!array_reserve((void **)&rs->items, &rs->capacity, rs->count + 1 + rs->sockets + sockets_of(type),
			   sizeof(*rs->items)))
		return WLK_ERR_NOMEM;
	rs->listens |= type == ICE_REQUEST_LISTEN_TCP;
	if ((rs->listens != listened || streams_of(type)) && !reserve_closing(rs, streams_of(type))) {
		rs->listens = listened;
		return WLK_ERR_NOMEM;
	}
	return WLK_OK;
}

wlk_err agent_request_add(struct agent_requests *rs, const struct ice_request *request, enum agent_owner kind,
			  void *owner)
{
	wlk_err err = reserve(rs, request->type);

	assert(!is_close(request->type) && "closing has its own functions, which cannot fail");
	assert(rs->next_id < AGENT_ACCEPTED_ID_MIN && "an agent makes fewer than 2^31 requests");
	if (err)
		return err;
	rs->sockets += sockets_of(request->type);
	rs->streams += streams_of(request->type);
	rs->items[rs->count] = (struct agent_request){ .request = *request, .kind = kind, .owner = owner };
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

static bool next_closing(struct agent_requests *rs, struct ice_request *out)
{
	if (!rs->closing_count)
		return false;
	*out = (struct ice_request){ .type = ICE_REQUEST_CLOSE_STREAM, .id = rs->closing[0] };
	rs->closing_count--;
	for (size_t i = 0; i < rs->closing_count; i++)
		rs->closing[i] = rs->closing[i + 1];
	return true;
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
	return next_closing(rs, out);
}

bool agent_request_take(struct agent_requests *rs, uint32_t id, size_t *opened, struct agent_request *out)
{
	for (size_t i = 0; i < rs->count; i++) {
		enum ice_request_type type = rs->items[i].request.type;

		if (rs->items[i].request.id != id || !rs->items[i].handed_out)
			continue;
		*out = rs->items[i];
		*opened = MIN(*opened, sockets_of(type) + streams_of(type));
		if (streams_of(type))
			rs->streams -= 1 - *opened;
		else
			rs->sockets -= sockets_of(type) - *opened;
		remove_at(rs, i);
		return true;
	}
	return false;
}

/* Give up |item|, which the outside has seen. False: it stays, ownerless, until it is answered. */
static bool give_up(struct agent_requests *rs, size_t index)
{
	struct agent_request *item = &rs->items[index];

	if (!streams_of(item->request.type)) {
		item->kind = OWNER_NONE;
		item->owner = NULL;
		return false;
	}
	agent_request_close_stream(rs, item->request.id);
	return true;
}

void agent_request_abandon(struct agent_requests *rs, const void *owner)
{
	for (size_t i = rs->count; i-- > 0;) {
		struct agent_request *item = &rs->items[i];

		if (item->owner != owner || item->request.type == ICE_REQUEST_CLOSE)
			continue;
		if (item->handed_out) {
			if (give_up(rs, i))
				remove_at(rs, i);
			continue;
		}
		rs->sockets -= sockets_of(item->request.type);
		rs->streams -= streams_of(item->request.type);
		remove_at(rs, i);
	}
}

/* ----------------------------------------------------------------------------------------------- streams */

bool agent_request_accept_stream(struct agent_requests *rs)
{
	if (!rs->listens || rs->accepted >= AGENT_ACCEPTED_MAX)
		return false;
	/* Its slot was made with the listener, and what is waiting to be closed beside it is bounded by polling. */
	if (rs->closing_count + rs->streams >= rs->closing_capacity && !reserve_closing(rs, 0))
		return false;
	rs->accepted++;
	rs->streams++;
	return true;
}

bool agent_request_refuse_stream(struct agent_requests *rs, uint32_t id)
{
	assert(agent_request_is_accepted_id(id) && "only an accepted stream is refused");
	if (rs->closing_count + rs->streams >= rs->closing_capacity && !reserve_closing(rs, 1))
		return false;
	rs->closing[rs->closing_count++] = id;
	return true;
}

void agent_request_forget_stream(struct agent_requests *rs, uint32_t id)
{
	assert(rs->streams > 0 && "only an open stream is forgotten, and once");
	rs->streams--;
	if (!agent_request_is_accepted_id(id))
		return;
	assert(rs->accepted > 0 && "an accepted stream was counted when it came");
	rs->accepted--;
}

void agent_request_close_stream(struct agent_requests *rs, uint32_t id)
{
	agent_request_forget_stream(rs, id);
	assert(rs->closing_count < rs->closing_capacity && "every stream keeps a slot for its close");
	rs->closing[rs->closing_count++] = id;
}
