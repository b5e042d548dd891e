/** A peer connection without a loop: the five verbs and the requests, for callers who own sockets, clock and threads. */
#ifndef WIRELARK_DRIVE_H
#define WIRELARK_DRIVE_H

#include <wirelark/peer_connection.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Bytes and time go in; datagrams, events, requests and one deadline come out:
 *
 *     wlk_drive_input(pc, now, &local, &remote, data, size);
 *     while (wlk_drive_poll_request(pc, &request))        answer by wlk_drive_on_request();
 *     while (wlk_drive_poll_transmit(pc, now, &datagram)) send it, then wlk_datagram_release(&datagram);
 *     while ((event = wlk_drive_poll_event(pc)))          handle it;
 *     sleep until wlk_drive_deadline(pc) or the next datagram; then wlk_drive_handle_timeout(pc, now);
 *
 * After handle_timeout() and a full drain the deadline lies in the future. Drain after every API call too.
 */

/** A datagram to send; owns its bytes until it is released. It may be kept, while a socket is full, say. */
typedef struct wlk_datagram {
	wlk_addr local;  /**< the bound address to send from */
	wlk_addr remote;
	const uint8_t *data;
	size_t size;
	void *internal;
} wlk_datagram;

typedef enum wlk_request_type {
	WLK_REQUEST_BIND_UDP = 1,  /**< bind a UDP socket at |local| (port 0: any); answer the bound address */
	WLK_REQUEST_RESOLVE = 2,   /**< look |host| up; answer its addresses with any port */
	WLK_REQUEST_JOIN_MDNS = 3, /**< a UDP socket in the mDNS group of |local|'s family; answer its address */
	WLK_REQUEST_CLOSE = 4      /**< close the socket bound to |local|; wants no answer */
} wlk_request_type;

/** What the outside is asked to do. */
typedef struct wlk_request {
	wlk_request_type type;
	uint32_t id;
	wlk_addr local;
	const char *host; /**< borrowed until the next poll */
} wlk_request;

/**
 * Create a driven peer connection.
 *
 * @param now             monotonic time [us]; no later call may give an earlier one
 * @param unix_us_at_now  wall clock of that moment [us since 1970], for RTCP and certificates
 * @param out             destroy with wlk_peer_connection_destroy()
 */
WLK_API wlk_err wlk_drive_create(const wlk_configuration *config, wlk_time now, int64_t unix_us_at_now, wlk_peer_connection **out);

/** The addresses of this host to gather candidates from; ports are ignored. Call before the first local description. */
WLK_API wlk_err wlk_drive_set_interfaces(wlk_peer_connection *pc, const wlk_addr *addresses, size_t count);
/** Feed one datagram that arrived at @p local from @p remote; the bytes are copied. */
WLK_API void wlk_drive_input(wlk_peer_connection *pc, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
			     const uint8_t *data, size_t size);
WLK_API bool wlk_drive_poll_transmit(wlk_peer_connection *pc, wlk_time now, wlk_datagram *out);
WLK_API void wlk_datagram_release(wlk_datagram *datagram);
/** The next event or NULL; lent until the next call of this function. Messages and packets are pulled from the wire's buffers
 *  only by it, so that a slow caller slows the peer down. */
WLK_API const wlk_event *wlk_drive_poll_event(wlk_peer_connection *pc);
WLK_API bool wlk_drive_poll_request(wlk_peer_connection *pc, wlk_request *out);
/** Answer a request: WLK_OK with @p count addresses, or an error and none. Unknown ids are ignored. */
WLK_API void wlk_drive_on_request(wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *addresses, size_t count);
/** Absolute time [us] of the next wlk_drive_handle_timeout(); WLK_TIME_NEVER when idle. */
WLK_API wlk_time wlk_drive_deadline(const wlk_peer_connection *pc);
WLK_API void wlk_drive_handle_timeout(wlk_peer_connection *pc, wlk_time now);

#ifdef __cplusplus
}
#endif

#endif
