#include "peer/drive_types.h"

#include "core/alloc.h"

wlk_datagram drive_datagram(struct dgram d)
{
	return (wlk_datagram){
		.local = d.local,
		.remote = d.remote,
		.stream = d.stream,
		.data = d.buf->data,
		.size = d.buf->size,
		.internal = d.buf,
	};
}

void wlk_datagram_release(wlk_datagram *datagram)
{
	pktbuf_release(datagram->internal);
	*datagram = (wlk_datagram){ 0 };
}

bool drive_request(wlk_request *out, const struct ice_request *from, char **host)
{
	static const wlk_request_type types[] = {
		[ICE_REQUEST_BIND_UDP] = WLK_REQUEST_BIND_UDP,
		[ICE_REQUEST_RESOLVE] = WLK_REQUEST_RESOLVE,
		[ICE_REQUEST_JOIN_MDNS] = WLK_REQUEST_JOIN_MDNS,
		[ICE_REQUEST_CLOSE] = WLK_REQUEST_CLOSE,
		[ICE_REQUEST_LISTEN_TCP] = WLK_REQUEST_LISTEN_TCP,
		[ICE_REQUEST_CONNECT_TCP] = WLK_REQUEST_CONNECT_TCP,
		[ICE_REQUEST_CONNECT_TLS] = WLK_REQUEST_CONNECT_TLS,
		[ICE_REQUEST_CONNECT_DTLS] = WLK_REQUEST_CONNECT_DTLS,
		[ICE_REQUEST_CLOSE_STREAM] = WLK_REQUEST_CLOSE_STREAM,
	};

	*out = (wlk_request){
		.type = types[from->type],
		.id = from->id,
		.local = from->local,
		.remote = from->remote,
		.port_min = from->port_min,
		.port_max = from->port_max,
		.own_port = from->own_port,
	};
	wlk_free(*host);
	*host = NULL;
	if (!from->host.size)
		return true;
	*host = wlk_strndup(from->host.at, from->host.size);
	out->host = *host;
	if (from->type == ICE_REQUEST_RESOLVE)
		out->local.port = from->port;
	return *host;
}
