/* The usrsctp socket of an association: its options, its life and what it tells of itself. */
#include <errno.h>
#include <usrsctp.h>

#include "sctp/assoc_internal.h"

/*
 * usrsctp starts with an RTO of 3 s, allows 60 s, and gives up after ten retransmissions: not for us. ICE consent
 * decides that a peer is gone, not SCTP.
 */
enum {
	RTO_INITIAL_MS = 400,
	RTO_MIN_MS = 200,
	RTO_MAX_MS = 2000,
	RTO_DOUBT_MS = 300, /* the cap while ICE looks for a path */
	INIT_ATTEMPTS_MAX = 60,
	RETRANSMISSIONS_MAX = 1000,
};

static bool set_option(struct socket *socket, int level, int option, const void *value, size_t size)
{
	return usrsctp_setsockopt(socket, level, option, value, (socklen_t)size) == 0;
}

static bool set_int(struct socket *socket, int level, int option, int value)
{
	return set_option(socket, level, option, &value, sizeof(value));
}

static bool subscribe(struct socket *socket, uint16_t type)
{
	struct sctp_event event = { .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = type, .se_on = 1 };

	return set_option(socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof(event));
}

static struct sockaddr_conn make_address(const struct sctp_assoc *a, uint16_t port)
{
	struct sockaddr_conn address;

	memset(&address, 0, sizeof(address));
	address.sconn_family = AF_CONN;
	address.sconn_port = htons(port);
	address.sconn_addr = stack_address(&a->entry);
	return address;
}

static bool set_rto(struct socket *socket, uint32_t max_ms)
{
	struct sctp_rtoinfo rto = { .srto_min = RTO_MIN_MS, .srto_max = max_ms };

	rto.srto_initial = MIN((uint32_t)RTO_INITIAL_MS, max_ms);
	return set_option(socket, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof(rto));
}

static bool set_timers(struct socket *socket)
{
	struct sctp_assocparams params = { .sasoc_asocmaxrxt = RETRANSMISSIONS_MAX };

	return set_rto(socket, RTO_MAX_MS) &&
	       set_option(socket, IPPROTO_SCTP, SCTP_ASSOCINFO, &params, sizeof(params));
}

/* The path MTU is what DTLS found; usrsctp neither searches nor guesses. */
static bool set_path(struct sctp_assoc *a)
{
	struct sctp_paddrparams params;
	struct sockaddr_conn remote = make_address(a, a->remote_port);

	memset(&params, 0, sizeof(params));
	memcpy(&params.spp_address, &remote, sizeof(remote));
	params.spp_flags = SPP_PMTUD_DISABLE;
	params.spp_pathmtu =
		(uint32_t)a->mtu - PACKET_HEADER_SIZE; /* for AF_CONN it does not count the common header */
	params.spp_pathmaxrxt = RETRANSMISSIONS_MAX;
	return set_option(a->socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof(params));
}

static bool set_options(struct sctp_assoc *a)
{
	struct socket *socket = a->socket;
	struct linger abort_on_close = { .l_onoff = 1, .l_linger = 0 };
	struct sctp_assoc_value resets = { .assoc_id = SCTP_ALL_ASSOC, .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ };
	struct sctp_initmsg init = {
		.sinit_num_ostreams = a->config.streams,
		.sinit_max_instreams = a->config.streams,
		.sinit_max_attempts = INIT_ATTEMPTS_MAX,
		.sinit_max_init_timeo = RTO_MAX_MS,
	};

	return usrsctp_set_non_blocking(socket, 1) == 0 &&
	       set_option(socket, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof(abort_on_close)) &&
	       set_int(socket, SOL_SOCKET, SO_SNDBUF, BUFFER_MIN) &&
	       set_int(socket, SOL_SOCKET, SO_RCVBUF, BUFFER_MIN) && set_int(socket, IPPROTO_SCTP, SCTP_NODELAY, 1) &&
	       set_int(socket, IPPROTO_SCTP, SCTP_EXPLICIT_EOR, 1) &&
	       set_int(socket, IPPROTO_SCTP, SCTP_RECVRCVINFO, 1) &&
	       set_int(socket, IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, RX_BLOCK_SIZE) &&
	       set_option(socket, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &resets, sizeof(resets)) &&
	       set_option(socket, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init)) && set_timers(socket) &&
	       set_path(a) && set_int(socket, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, 0) &&
	       subscribe(socket, SCTP_ASSOC_CHANGE) && subscribe(socket, SCTP_STREAM_RESET_EVENT) &&
	       subscribe(socket, SCTP_PARTIAL_DELIVERY_EVENT) && stack_watch(&a->entry, socket);
}

static bool bind_and_connect(struct sctp_assoc *a)
{
	struct sockaddr_conn local = make_address(a, a->config.local_port);
	struct sockaddr_conn remote = make_address(a, a->remote_port);

	if (usrsctp_bind(a->socket, (struct sockaddr *)&local, sizeof(local)) != 0)
		return false;
	return usrsctp_connect(a->socket, (struct sockaddr *)&remote, sizeof(remote)) == 0 || errno == EINPROGRESS;
}

wlk_err assoc_open_socket(struct sctp_assoc *a)
{
	if (!assoc_charge(a, BUFFER_MIN + BUFFER_MIN, BUDGET_GROW))
		return WLK_ERR_NOMEM;
	a->send_buffer = BUFFER_MIN;
	a->receive_buffer = BUFFER_MIN;
	stack_enter(&a->entry);
	a->entered = true;
	stack_register(&a->entry, a->now);
	stack_tick(a->now);
	a->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
	if (!a->socket) {
		stack_unregister(&a->entry);
		assoc_uncharge(a, BUFFER_MIN + BUFFER_MIN);
	} else if (!set_options(a) || !bind_and_connect(a)) {
		assoc_close_socket(a);
	}
	assoc_leave(a);
	return a->socket ? WLK_OK : WLK_ERR_IO;
}

void sctp_assoc_set_path_in_doubt(struct sctp_assoc *a, wlk_time now, bool doubt)
{
	a->now = now;
	if (!a->socket)
		return;
	assoc_enter(a);
	if (a->socket)
		(void)set_rto(a->socket, doubt ? RTO_DOUBT_MS : RTO_MAX_MS); /* refused: data comes back later */
	assoc_leave(a);
}

void sctp_assoc_limit_window(struct sctp_assoc *a, wlk_time now, size_t bytes)
{
	struct sctp_assoc_value limit = { .assoc_value = (uint32_t)MIN(bytes, (size_t)UINT32_MAX) };

	a->now = now;
	if (!a->socket)
		return;
	assoc_enter(a);
	if (a->socket)
		(void)set_option(a->socket, IPPROTO_SCTP, SCTP_MAX_CWND, &limit, sizeof(limit)); /* refused: a longer queue in front of the gate */
	assoc_leave(a);
}

void sctp_assoc_raise_mtu(struct sctp_assoc *a, wlk_time now, size_t mtu)
{
	size_t before = a->mtu;

	assert(mtu % 4 == 0 && mtu <= PKTBUF_PAYLOAD && "an MTU is as the start would take it");
	a->now = now;
	if (!a->socket || mtu <= a->mtu)
		return;
	assoc_enter(a);
	a->mtu = mtu;
	if (a->socket && !set_path(a))
		a->mtu = before;
	assoc_leave(a);
}

void assoc_close_socket(struct sctp_assoc *a)
{
	if (!a->socket)
		return;
	usrsctp_set_upcall(a->socket, NULL, NULL);
	usrsctp_close(a->socket);
	a->socket = NULL;
	stack_unregister(&a->entry);
	assoc_uncharge(a, a->send_buffer + a->receive_buffer);
	assoc_take_over_foreign(a);
	a->readable = false;
}

bool assoc_status(const struct sctp_assoc *a, struct sctp_assoc_stats *out)
{
	struct sctp_status status;
	socklen_t size = sizeof(status);
	bool entered = a->entered;
	bool ok;

	if (!a->socket)
		return false;
	memset(&status, 0, sizeof(status));
	if (!entered)
		stack_enter(NULL);
	ok = usrsctp_getsockopt(a->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &size) == 0;
	if (!entered)
		stack_leave();
	if (!ok)
		return false;
	out->has_path = true;
	out->cwnd = status.sstat_primary.spinfo_cwnd;
	out->srtt_us = status.sstat_primary.spinfo_srtt * 1000;
	out->rto_us = status.sstat_primary.spinfo_rto * 1000;
	out->mtu = status.sstat_primary.spinfo_mtu + PACKET_HEADER_SIZE;
	out->peer_rwnd = status.sstat_rwnd;
	out->unacked = (uint32_t)status.sstat_unackdata + status.sstat_penddata;
	return true;
}
