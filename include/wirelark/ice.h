/** ICE by itself: one agent that finds and keeps a path to the far end, and carries the caller's datagrams over it (RFC 8445). */
#ifndef WIRELARK_ICE_H
#define WIRELARK_ICE_H

#include <wirelark/drive.h>
#include <wirelark/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An agent has no sockets, no clock and no signalling; the caller lends all three:
 *
 *	wlk_ice_agent_create(), wlk_ice_agent_set_interfaces(), wlk_ice_agent_gather();
 *	the far end gets wlk_ice_agent_local_parameters() and each WLK_ICE_EVENT_CANDIDATE, and what it sends goes to
 *	wlk_ice_agent_set_remote_parameters() and wlk_ice_agent_add_remote_candidate(), in any order and at any time;
 *	after each call: poll_request(), poll_transmit(), poll_event() and poll_received() until they have nothing more;
 *	at wlk_ice_agent_deadline(): wlk_ice_agent_handle_timeout().
 *
 * Times are monotonic, in microseconds, and never run backwards. An agent belongs to one thread at a time; agents are independent of
 * each other.
 */
typedef struct wlk_ice_agent wlk_ice_agent;

/** What an event of an agent tells, and which member of wlk_ice_event.u goes with it. Append-only: ignore unknown ones. */
typedef enum wlk_ice_event_type {
	WLK_ICE_EVENT_CANDIDATE = 1,       /**< u.candidate: for the far end */
	WLK_ICE_EVENT_GATHERING_STATE = 2, /**< u.gathering_state: after COMPLETE no candidate follows, unless GATHERING comes again */
	WLK_ICE_EVENT_STATE = 3,           /**< u.state */
	WLK_ICE_EVENT_SELECTED_PAIR = 4,   /**< u.pair: from the first one on wlk_ice_agent_send() has a way */
	WLK_ICE_EVENT_ROLE = 5,            /**< u.role: a role conflict was resolved against us (RFC 8445 7.3.1.1) */
	WLK_ICE_EVENT_CANDIDATE_ERROR = 6, /**< u.error: a STUN or TURN server could not be used */
	WLK_ICE_EVENT_RESTART_WANTED = 7   /**< no path is left: wlk_ice_agent_restart() and new parameters find another one */
} wlk_ice_event_type;

/** One fact. Texts are lent until the next poll. */
typedef struct wlk_ice_event {
	wlk_ice_event_type type;
	union {
		const char *candidate; /**< "candidate:..." */
		wlk_ice_gathering_state gathering_state;
		wlk_ice_state state;
		struct {
			wlk_addr local; /**< the address of our socket, or of our relay */
			wlk_addr remote;
			bool nominated; /**< false: the best valid pair, in use while none is nominated */
		} pair;
		wlk_ice_role role;
		struct {
			wlk_addr address; /**< ours, none when unknown */
			const char *url;  /**< of the server */
			uint16_t code;    /**< STUN error code; 701: it could not be reached */
			const char *text;
		} error;
		uint64_t reserved[12];
	} u;
} wlk_ice_event;

/** Most datagrams that wlk_ice_agent_send() keeps for poll_transmit(), and that wait for poll_received(). */
#define WLK_ICE_QUEUE_MAX 256

/**
 * Make an agent with a fresh user name fragment and password.
 *
 * @param config  its members for ICE: servers, transport policy, address filters, families, TCP, lite, ports and the like; the others are
 *                not looked at. NULL: the defaults. Copied
 * @param role    ours; the far end has the other one. Conflicts are resolved by the agents
 * @param out     written on success; wlk_ice_agent_destroy() frees it
 *
 * Errors: WLK_ERR_INVALID (a member, the role, a server without what it needs), WLK_ERR_PARSE, WLK_ERR_UNSUPPORTED (a server's URL),
 * WLK_ERR_TOO_LARGE (more than 16 servers), WLK_ERR_NOMEM, WLK_ERR_CRYPTO.
 */
WLK_API wlk_err wlk_ice_agent_create(const wlk_configuration *config, wlk_ice_role role, wlk_ice_agent **out);
/** Free it and wipe its passwords; sockets are the caller's to close. destroy(NULL) does nothing. */
WLK_API void wlk_ice_agent_destroy(wlk_ice_agent *agent);

/**
 * The addresses of this host, best first; ports are ignored. Call before wlk_ice_agent_gather(), and again when the network changed.
 * Errors: WLK_ERR_INVALID, WLK_ERR_NOMEM, WLK_ERR_CLOSED.
 */
WLK_API wlk_err wlk_ice_agent_set_interfaces(wlk_ice_agent *agent, wlk_time now, const wlk_addr *addresses, size_t count);
/**
 * Other STUN and TURN servers, from the next gathering on; a TURN server that is listed again goes on with its new credential.
 * Errors as those of wlk_ice_agent_create() for servers; nothing changed then.
 */
WLK_API wlk_err wlk_ice_agent_set_servers(wlk_ice_agent *agent, const wlk_ice_server *servers, size_t count);
/** Begin to gather; requests and candidates follow. A second call does nothing. Errors: WLK_ERR_NOMEM, WLK_ERR_CLOSED. */
WLK_API wlk_err wlk_ice_agent_gather(wlk_ice_agent *agent, wlk_time now);

/** Ours, for the far end; borrowed until wlk_ice_agent_restart() or destroy. */
WLK_API wlk_ice_parameters wlk_ice_agent_local_parameters(const wlk_ice_agent *agent);
/**
 * The far end's; copied. Checks begin with it, and a time of 39.5 s without a working pair ends in WLK_ICE_STATE_FAILED.
 *
 * @param lite  it is an ICE-lite agent (RFC 8445 2.5): we control
 *
 * Errors: WLK_ERR_INVALID (a fragment of other than 4..256, or a password of other than 22..256 characters), WLK_ERR_STATE (this
 * generation has other ones: restart first), WLK_ERR_NOMEM, WLK_ERR_CRYPTO, WLK_ERR_CLOSED.
 */
WLK_API wlk_err wlk_ice_agent_set_remote_parameters(wlk_ice_agent *agent, wlk_time now, const wlk_ice_parameters *parameters, bool lite);
/**
 * A candidate of the far end, "candidate:..." with or without "a=". One that is known is WLK_OK and changes nothing.
 *
 * Errors: WLK_ERR_PARSE and WLK_ERR_UNSUPPORTED (malformed, or of a kind or an address that is not used: skip it and go on),
 * WLK_ERR_STATE (of another generation: skip it), WLK_ERR_TOO_LARGE (the line, or there are 64 already), WLK_ERR_INVALID,
 * WLK_ERR_NOMEM, WLK_ERR_CLOSED.
 */
WLK_API wlk_err wlk_ice_agent_add_remote_candidate(wlk_ice_agent *agent, wlk_time now, const char *candidate);
/** The far end has no more of them (RFC 8838 14). */
WLK_API void wlk_ice_agent_end_of_candidates(wlk_ice_agent *agent, wlk_time now);
/**
 * Begin a new generation: new local parameters, and candidates are told again; the path in use stays until a better one is found. Both
 * sides do it, and set each other's new parameters. Errors: WLK_ERR_NOMEM, WLK_ERR_CRYPTO, WLK_ERR_CLOSED; nothing changed then.
 */
WLK_API wlk_err wlk_ice_agent_restart(wlk_ice_agent *agent, wlk_time now);

/**
 * Feed one datagram that arrived at @p local, an address that was answered to a request, from @p remote. It may be a check, a TURN
 * server's answer, or a datagram of the far end's application; those wait for wlk_ice_agent_poll_received(). What is not from a
 * validated path is dropped.
 *
 * @param size  1 to 2048 bytes, copied where they are kept; others are dropped
 */
WLK_API void wlk_ice_agent_input(wlk_ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote, const uint8_t *data,
				 size_t size);
/** The next datagram to send; wlk_datagram_release() gives it back, and it may be kept until then. False: none. */
WLK_API bool wlk_ice_agent_poll_transmit(wlk_ice_agent *agent, wlk_time now, wlk_datagram *out);
/** The next fact. False: none. */
WLK_API bool wlk_ice_agent_poll_event(wlk_ice_agent *agent, wlk_ice_event *out);
/** The next datagram of the far end's application, unwrapped from whatever it came in; lent until the next poll. False: none. */
WLK_API bool wlk_ice_agent_poll_received(wlk_ice_agent *agent, wlk_bytes *out);
/** Absolute time [us] of the next wlk_ice_agent_handle_timeout(); WLK_TIME_NEVER when idle. */
WLK_API wlk_time wlk_ice_agent_deadline(const wlk_ice_agent *agent);
WLK_API void wlk_ice_agent_handle_timeout(wlk_ice_agent *agent, wlk_time now);

/** What the outside is to do: sockets, connections, names; see drive.h. Its host is lent until the next poll. False: nothing. */
WLK_API bool wlk_ice_agent_poll_request(wlk_ice_agent *agent, wlk_time now, wlk_request *out);
/**
 * Answer a request: WLK_OK with @p count addresses, or an error and none. Unknown ids are ignored.
 *
 * @param why  the reason of a failure in words, for WLK_ICE_EVENT_CANDIDATE_ERROR; NULL: none. Copied
 */
WLK_API void wlk_ice_agent_on_request(wlk_ice_agent *agent, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *addresses,
				      size_t count, const char *why);
/** As wlk_drive_stream_accepted(), wlk_drive_stream_input() and wlk_drive_stream_closed(), for ICE-TCP and TURN over TCP and TLS. */
WLK_API wlk_err wlk_ice_agent_stream_accepted(wlk_ice_agent *agent, wlk_time now, const wlk_addr *listener, const wlk_addr *remote,
					      uint32_t id);
WLK_API void wlk_ice_agent_stream_input(wlk_ice_agent *agent, wlk_time now, uint32_t id, const uint8_t *data, size_t size);
WLK_API void wlk_ice_agent_stream_closed(wlk_ice_agent *agent, wlk_time now, uint32_t id);

/**
 * Send one datagram to the far end over the selected pair; copied. It leaves by wlk_ice_agent_poll_transmit().
 *
 * @param data  anything that is not a STUN message. Demultiplexers by RFC 7983 on the other side want a first byte of 20..63 (DTLS)
 *              or 128..191 (RTP, RTCP)
 * @param size  1 to 2048 bytes; what a path takes is the caller's to know (1,200 bytes pass nearly everywhere)
 *
 * Errors: WLK_ERR_INVALID (empty, or a STUN message), WLK_ERR_TOO_LARGE, WLK_ERR_STATE (no pair is selected, or consent is gone),
 * WLK_ERR_AGAIN (WLK_ICE_QUEUE_MAX of them wait), WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_ice_agent_send(wlk_ice_agent *agent, wlk_time now, const uint8_t *data, size_t size);
/** Stop: sockets come as WLK_REQUEST_CLOSE, goodbyes to servers by poll_transmit(). Idempotent. */
WLK_API void wlk_ice_agent_close(wlk_ice_agent *agent, wlk_time now);

/** The state of the agent and of its gathering, as the latest events told them, and its role. */
WLK_API wlk_ice_state wlk_ice_agent_state(const wlk_ice_agent *agent);
WLK_API wlk_ice_gathering_state wlk_ice_agent_gathering_state(const wlk_ice_agent *agent);
WLK_API wlk_ice_role wlk_ice_agent_role(const wlk_ice_agent *agent);
/** The pair on which datagrams leave. Either may be NULL. Errors: WLK_ERR_NOT_FOUND (there is none). */
WLK_API wlk_err wlk_ice_agent_selected_pair(const wlk_ice_agent *agent, wlk_addr *local, wlk_addr *remote);
/** The smoothed round-trip time of that pair [us]; 0: not measured. */
WLK_API wlk_time wlk_ice_agent_round_trip_time(const wlk_ice_agent *agent);

/** Counters of an agent; they only grow. The struct grows at its end. */
typedef struct wlk_ice_agent_stats {
	size_t struct_size; /**< set it to sizeof(wlk_ice_agent_stats) */
	uint64_t requests_sent; /**< checks and consent, retransmissions included */
	uint64_t requests_received;
	uint64_t responses_sent;
	uint64_t responses_received;
	uint64_t checks_refused; /**< malformed, or of somebody who does not know the password */
	uint64_t datagrams_sent; /**< of the application */
	uint64_t bytes_sent;
	uint64_t datagrams_received;
	uint64_t bytes_received;
	uint64_t datagrams_dropped; /**< of the application: from a path that is not validated, no way out, or no room to keep them */
} wlk_ice_agent_stats;

/** Errors: WLK_ERR_INVALID (a struct_size below that of the first release). */
WLK_API wlk_err wlk_ice_agent_get_stats(const wlk_ice_agent *agent, wlk_ice_agent_stats *out);

#ifdef __cplusplus
}
#endif

#endif
