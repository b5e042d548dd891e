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
 *     while ((job = wlk_drive_poll_job(pc, now)))         with raw media (track.h): wlk_job_run(), then wlk_drive_on_job();
 *     sleep until wlk_drive_deadline(pc) or the next datagram; then wlk_drive_handle_timeout(pc, now);
 *
 * After handle_timeout() and a full drain the deadline lies in the future. Drain after every API call too.
 */

/** A datagram to send; owns its bytes until it is released. It may be kept, while a socket is full, say. */
typedef struct wlk_datagram {
	wlk_addr local;  /**< the bound address to send from */
	wlk_addr remote;
	uint32_t stream; /**< 0: a datagram. Else the bytes go to that stream; over DTLS as one record */
	const uint8_t *data;
	size_t size;
	void *internal;
} wlk_datagram;

/** What the outside can be asked to do. Append-only. */
typedef enum wlk_request_type {
	WLK_REQUEST_BIND_UDP = 1,  /**< bind a UDP socket at |local| (port 0: any); answer the bound address */
	WLK_REQUEST_RESOLVE = 2,   /**< look |host| up; answer its addresses with any port */
	WLK_REQUEST_JOIN_MDNS = 3, /**< a UDP socket of port 5353 in the mDNS group of |local|'s family, which speaks and hears on
				*   the interface of |local|'s IP (any when that is none); answer |local| with port 5353, by
				*   which the socket is named from then on: there is one for each interface address */
	WLK_REQUEST_CLOSE = 4,     /**< close the socket or listener bound to |local|; wants no answer */
	WLK_REQUEST_LISTEN_TCP = 5, /**< listen for TCP at |local| (port 0: any of the range); answer the bound address; streams come
				     *   by wlk_drive_stream_accepted() */
	WLK_REQUEST_CONNECT_TCP = 6, /**< connect from |local|'s IP (none: any) to |remote|; answer the stream's local address once it
				      *   is up: its id is the request's from then on */
	WLK_REQUEST_CONNECT_TLS = 7, /**< the same, then TLS with |host| as the name to verify (RFC 7443: no ALPN is asked for) */
	WLK_REQUEST_CONNECT_DTLS = 8, /**< DTLS over UDP; each write is one record and each record one wlk_drive_stream_input() */
	WLK_REQUEST_CLOSE_STREAM = 9  /**< close stream |id|, or give up its connecting; what was handed out before still leaves */
} wlk_request_type;

/** What the outside is asked to do. */
typedef struct wlk_request {
	wlk_request_type type;
	uint32_t id;
	wlk_addr local;
	wlk_addr remote;   /**< CONNECT: where to */
	uint16_t port_min; /**< BIND_UDP and LISTEN_TCP with port 0: the range to choose from; both 0: any */
	uint16_t port_max;
	const char *host; /**< borrowed until the next poll */
	bool own_port;    /**< BIND_UDP: never a socket that other peer connections use too */
} wlk_request;

/**
 * Create a driven peer connection.
 *
 * @param now             monotonic time [us]; no later call may give an earlier one
 * @param unix_us_at_now  wall clock of that moment [us since 1970], for RTCP and certificates
 * @param out             destroy with wlk_peer_connection_destroy()
 */
WLK_API wlk_err wlk_drive_create(const wlk_configuration *config, wlk_time now, int64_t unix_us_at_now, wlk_peer_connection **out);

/**
 * The addresses of this host to gather candidates from, best first; ports are ignored. Call before the first local description,
 * and again when the network changed. With another ip_handling than ALL the first of each family counts as the default route's.
 */
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
/** The same for a request that failed, with the reason in words ("certificate has expired"); @p why is copied. */
WLK_API void wlk_drive_on_request_failed(wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const char *why);
/**
 * A stream was accepted by the listener bound to @p listener. @p id is the caller's choice, from 0x80000000 on and not in use.
 * The peer connection closes it by WLK_REQUEST_CLOSE_STREAM, at once if it has no use for it. WLK_ERR_NOMEM: it has no use for
 * it, nor memory to ask for its close: close it, @p id is unknown to it. WLK_ERR_INVALID: an id below 0x80000000 or in use.
 */
WLK_API wlk_err wlk_drive_stream_accepted(wlk_peer_connection *pc, wlk_time now, const wlk_addr *listener,
					  const wlk_addr *remote, uint32_t id);
/** Bytes of a stream, in order, cut anywhere. Over DTLS each call is one record; drop records above 2,048 bytes. Unknown ids are
 *  ignored. */
WLK_API void wlk_drive_stream_input(wlk_peer_connection *pc, wlk_time now, uint32_t id, const uint8_t *data, size_t size);
/** The far end closed the stream, or it broke; its id is free again. Not called after WLK_REQUEST_CLOSE_STREAM. */
WLK_API void wlk_drive_stream_closed(wlk_peer_connection *pc, wlk_time now, uint32_t id);
/** Absolute time [us] of the next wlk_drive_handle_timeout(); WLK_TIME_NEVER when idle. */
WLK_API wlk_time wlk_drive_deadline(const wlk_peer_connection *pc);
WLK_API void wlk_drive_handle_timeout(wlk_peer_connection *pc, wlk_time now);

/** A frame to encode or to decode for raw media. */
typedef struct wlk_job wlk_job;

/**
 * The next job, NULL when there is none. Each one comes back by wlk_drive_on_job(), also after its connection was destroyed; several
 * may be under way at the same time.
 */
WLK_API wlk_job *wlk_drive_poll_job(wlk_peer_connection *pc, wlk_time now);
/** Do it: some milliseconds. On any thread, one thread a job. */
WLK_API void wlk_job_run(wlk_job *job);
/**
 * Give a job back that was run; drain its connection then.
 *
 * @param spent  how long it took [us], by which raw media chooses what the processor bears; 0: not measured
 */
WLK_API void wlk_drive_on_job(wlk_job *job, wlk_time now, wlk_time spent);

#ifdef __cplusplus
}
#endif

#endif
