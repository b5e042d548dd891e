/** The event loop: one thread that drives any number of peer connections; by itself or inside a host's loop. */
#ifndef WIRELARK_LOOP_H
#define WIRELARK_LOOP_H

#include <wirelark/peer_connection.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wlk_loop wlk_loop;
typedef struct wlk_timer wlk_timer;

/**
 * Options of a loop. Set up with WLK_LOOP_CONFIG_INIT.
 *
 * With udp_port or tcp_port the loop tells its connections apart by ufrag, transaction and address. Two connections cannot
 * have both addresses in common, because DTLS and RTP name no session: between two loops that both have one UDP port each, one
 * connection gets each pair of addresses, and the checks of the next one stay unanswered there. A socket opens with its first
 * user; when somebody else has the port by then, no host candidate comes of it. A connection with a TURN server over UDP
 * has UDP sockets of its own: such a server knows its clients by their port.
 */
typedef struct wlk_loop_config {
	size_t struct_size;
	wlk_certificate *certificate; /**< shared by its connections; NULL: one is generated */
	bool no_gso;                  /**< never use UDP_SEGMENT and UDP_GRO */
	const char *key_log_path;     /**< append DTLS secrets in NSS key log format, for debugging; NULL: never */
	uint16_t udp_port;            /**< one UDP port for all its connections, on each address of the host; 0: ports of their own */
	uint16_t tcp_port;            /**< the same for passive ICE-TCP (connections with ice_tcp WLK_ICE_TCP_BOTH) */
	const char *tls_ca_file;      /**< PEM file of the authorities that TURN servers over TLS are checked against; NULL: the system's */
	wlk_recording *recording;     /**< of connections whose configuration names none (record.h); NULL: what WLK_RECORD asks for */
} wlk_loop_config;

#define WLK_LOOP_CONFIG_INIT { sizeof(wlk_loop_config), NULL, false, NULL, 0, 0, NULL, NULL }

/** Create a loop. @p config may be NULL. Errors: WLK_ERR_IO, WLK_ERR_CRYPTO, WLK_ERR_NOMEM. */
WLK_API wlk_err wlk_loop_create(const wlk_loop_config *config, wlk_loop **out);
/** Stops its thread and waits for it, and destroys its connections and timers too. Not inside its own callbacks; destroy(NULL) does nothing. */
WLK_API void wlk_loop_destroy(wlk_loop *loop);

/** Run on this thread until wlk_loop_stop(); WLK_OK then, also when the stop came before. WLK_ERR_IO when waiting fails. */
WLK_API wlk_err wlk_loop_run(wlk_loop *loop);
/** Run on a new thread, which wlk_loop_stop() ends and wlk_loop_destroy() joins. Signals are blocked in it. */
WLK_API wlk_err wlk_loop_start_thread(wlk_loop *loop);
/** Make run() return after the current round, whose events still arrive. THREAD-SAFE. */
WLK_API void wlk_loop_stop(wlk_loop *loop);
/**
 * Run @p fn on the loop's thread, soon, in the order of posting. THREAD-SAFE.
 * Every accepted function runs exactly once, at the latest in wlk_loop_destroy(). Errors: WLK_ERR_NOMEM, WLK_ERR_CLOSED while the
 * loop is being destroyed.
 */
WLK_API wlk_err wlk_loop_post(wlk_loop *loop, void (*fn)(void *user), void *user);

/**
 * For a host loop: readable when packets, posts or timers want a dispatch (epoll descriptor, owned by the loop). It does not
 * tell of the host's own API calls between two dispatches: after those ask wlk_loop_deadline(), or dispatch.
 */
WLK_API int wlk_loop_fd(const wlk_loop *loop);
/** Absolute monotonic time [us, CLOCK_MONOTONIC] of the next dispatch; ask before every wait. */
WLK_API wlk_time wlk_loop_deadline(const wlk_loop *loop);
/** Do what is due, without waiting. */
WLK_API wlk_err wlk_loop_dispatch(wlk_loop *loop);
/** CLOCK_MONOTONIC in microseconds, read once a round. */
WLK_API wlk_time wlk_loop_now(const wlk_loop *loop);

/** Call @p fn once, @p delay us from now. @p out may be NULL. Errors: WLK_ERR_NOMEM. */
WLK_API wlk_err wlk_loop_call_later(wlk_loop *loop, wlk_time delay, void (*fn)(void *user), void *user, wlk_timer **out);
/** Give up a timer that has not fired; a fired one is gone by itself. cancel(NULL) does nothing. */
WLK_API void wlk_timer_cancel(wlk_timer *timer);

/**
 * Create a peer connection that this loop drives. Its events go to @p on_event (not NULL) on the loop's thread. Before the loop runs,
 * connections, channels and tracks may be made on any one thread.
 *
 * Errors: WLK_ERR_INVALID (arguments; a configuration that was not set up with WLK_CONFIGURATION_INIT, or whose members contradict
 * each other, or name an ICE server by a URL that is none), WLK_ERR_UNSUPPORTED (rtcp_mux_policy other than require), WLK_ERR_CRYPTO, WLK_ERR_NOMEM.
 *
 * @param config  NULL for the defaults; copied
 * @param user    for on_event; wlk_peer_connection_user() answers config->user
 */
WLK_API wlk_err wlk_peer_connection_create(wlk_loop *loop, const wlk_configuration *config, wlk_event_fn on_event, void *user,
					   wlk_peer_connection **out);

#ifdef __cplusplus
}
#endif

#endif
