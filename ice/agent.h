/* The ICE agent: one data stream with one component, full implementation of RFC 8445, trickle, consent; no I/O. */
#ifndef ICE_AGENT_H
#define ICE_AGENT_H

#include "core/dgram_queue.h"
#include "core/text.h"
#include "ice/candidate.h"
#include "ice/cap.h"
#include "ice/pacer.h"

/*
 * How to drive it: after every call that takes |now|, pull poll_request, poll_transmit and poll_event until they answer
 * false, and call ice_agent_handle_timeout() when ice_agent_deadline() has come. |now| never runs backwards.
 *
 *   create -> set_interfaces, set_servers -> gather -> on_request(BIND_UDP) -> LOCAL_CANDIDATE events
 *          -> set_remote_parameters, add_remote_candidate (any order, any time) -> VALIDATED, SELECTED_PAIR, STATE
 *
 * Checks that arrive before the remote parameters are answered, and their pairs are checked as soon as the parameters
 * come. Restart: ice_agent_restart() on both sides, then set_remote_parameters() with the new ones.
 */
struct ice_agent;

enum ice_policy { ICE_POLICY_ALL, ICE_POLICY_RELAY };

/* RTCIceTransportState of the W3C. */
enum ice_state {
	ICE_STATE_NEW,
	ICE_STATE_CHECKING,
	ICE_STATE_CONNECTED,
	ICE_STATE_COMPLETED,
	ICE_STATE_DISCONNECTED,
	ICE_STATE_FAILED,
	ICE_STATE_CLOSED,
};

/* RTCIceGathererState of the W3C. */
enum ice_gathering_state { ICE_GATHERING_NEW, ICE_GATHERING_ACTIVE, ICE_GATHERING_COMPLETE };

/* Zero is the default of every field. */
struct ice_agent_config {
	struct pktbuf_pool *pool; /* for outgoing datagrams; NULL: heap */
	const char *log_parent;   /* prefix of log lines, e.g. "pc3"; copied */
	bool controlling;
	uint64_t tie_breaker;   /* 0: random */
	enum ice_policy policy; /* ICE_POLICY_RELAY: neither host nor srflx candidates are gathered or used */
	bool no_ipv4;
	bool no_ipv6;
	bool no_mdns;        /* .local names of the peer are skipped, no JOIN_MDNS request is made */
	bool allow_loopback; /* gather loopback interfaces and accept such remote candidates (R8) */
	bool include_link_local;
	bool nominate_once; /* RFC 8445 8.1.1 to the letter: a better pair that validates later is not nominated */
	bool no_tcp;         /* no ICE-TCP at all */
	bool tcp_passive;    /* listen too */
	bool lite;           /* be ICE-lite (RFC 8445 2.5) */
	bool hide_host_addresses; /* announce host candidates by mDNS names and answer queries for them (R9) */
	bool no_roaming;     /* interfaces that come after gathering completed are not used */
	bool renomination;   /* draft-thatcher-ice-renomination */
	wlk_ip_handling ip_handling; /* RFC 8828 5.2; set_interfaces() names the address of the default route first */
	const wlk_address_mapping *mappings; /* NAT 1:1; copied */
	size_t mapping_count;
	wlk_address_filter remote_filter; /* NULL: all; may be called in any verb that brings a remote candidate */
	void *filter_user;
	bool probe_mtu;     /* find out whether datagrams of full size pass on the path in use */
	uint16_t port_min;  /* both 0: any port; handed on in BIND_UDP requests */
	uint16_t port_max;
	uint32_t first_request; /* ids of requests count on from here, so that they differ from those of another agent; below 2^31 */
	struct ice_pacers *pacers; /* shared with the other agents of the connection, whom it outlives; NULL: one of its own */
	struct ice_caps *caps; /* the same for the caps below, which then hold for all of them together */
	wlk_time pacing_us;             /* Ta between ordinary checks; 0: 20 ms, which is also the least (R8) */
	wlk_time disconnected_after_us; /* without any answer; 0: 5 s */
	wlk_time consent_timeout_us;    /* RFC 7675 5.1; 0: 30 s, which is also the most */
	wlk_time failed_after_us;       /* PAC timer of RFC 8863 4; 0: 39.5 s */
	uint32_t max_remote_candidates; /* 0: 64 (R8) */
	uint32_t max_pairs;             /* 0: 100 (R8) */
};

/*
 * What the outside must do. Each is answered once by ice_agent_on_request() with its id, except CLOSE, which needs no
 * answer. A request that is no longer wanted may still be answered; the answer then leads to a CLOSE.
 */
enum ice_request_type {
	ICE_REQUEST_BIND_UDP,  /* bind local.ip, any port (of port_min..port_max if set); result: the bound address */
	ICE_REQUEST_RESOLVE,   /* look |host| up, port is to be put into the results: all addresses, best first */
	ICE_REQUEST_JOIN_MDNS, /* a socket of port 5353 in the mDNS group of local's family (RFC 6762 3) that sends through
				* the interface of local.ip, any if unspecified, and hears what is said there; result: a name
				* for it, best local.ip with port 5353, as its datagrams will be given to ice_agent_input()
				* and named in poll_transmit; of several sockets of one family each another */
	ICE_REQUEST_CLOSE,     /* close the socket or listener bound to |local|; nothing more leaves from it */
	ICE_REQUEST_LISTEN_TCP, /* listen at local.ip, any port; result: the bound address, transport TCP */
	ICE_REQUEST_CONNECT_TCP, /* connect from local.ip to |remote|; result: the local address of the stream, whose id
				  * is the request's. It needs no CLOSE but a CLOSE_STREAM */
	ICE_REQUEST_CONNECT_TLS,  /* and TLS with |host| as the name to verify */
	ICE_REQUEST_CONNECT_DTLS, /* DTLS over UDP; each piece of the stream is one record */
	ICE_REQUEST_CLOSE_STREAM, /* close stream |id|, or give up connecting it; needs no answer */
};

struct ice_request {
	enum ice_request_type type;
	uint32_t id;
	wlk_addr local;    /* BIND_UDP, LISTEN_TCP, CONNECT, CLOSE */
	wlk_addr remote;   /* CONNECT */
	uint16_t port_min; /* BIND_UDP, LISTEN_TCP; both 0: any */
	uint16_t port_max;
	bool own_port; /* BIND_UDP: not one that is shared with other agents, whose datagrams could not be told from ours */
	struct str host; /* RESOLVE, CONNECT_TLS, CONNECT_DTLS: borrowed until the request is answered */
	uint16_t port;   /* RESOLVE */
};

enum ice_event_type {
	ICE_EVENT_LOCAL_CANDIDATE, /* |candidate|, |host|, to be signalled; ice_candidate_line_write() writes them */
	ICE_EVENT_GATHERING_STATE, /* |gathering_state|; after COMPLETE no candidate follows, unless ACTIVE comes again: an
				    * interface came (roaming), or a generation began */
	ICE_EVENT_ROLE_CHANGED,    /* |controlling|: a role conflict was resolved against us */
	ICE_EVENT_VALIDATED,       /* |local|, |remote|: packets of this path may be taken (R12), DTLS may start */
	ICE_EVENT_SELECTED_PAIR,   /* |local|, |remote|, |nominated|, |is_other_pair|: ice_agent_selected() answers another path, or it was nominated */
	ICE_EVENT_CONSENT_EXPIRED, /* |local|, |remote|: nothing may be sent there any more (RFC 7675) */
	ICE_EVENT_STATE,           /* |state| */
	ICE_EVENT_CANDIDATE_ERROR, /* |local|, |server_url|, |error_code|, |error_text| */
	ICE_EVENT_RESTART_WANTED,  /* no path is left: 1.5 s of looking for another after the last one went with its interface,
				   * or 5 s without answers; once a loss */
};

/* A plain value. */
struct ice_event {
	enum ice_event_type type;
	struct ice_candidate candidate; /* as the peer is to know it */
	struct str host; /* with a candidate without address: its .local name; borrowed until the next poll_event */
	enum ice_gathering_state gathering_state;
	enum ice_state state;
	bool controlling;
	bool nominated; /* false: the best valid pair, used while none is nominated */
	bool is_other_pair; /* false: only its nomination is new */
	wlk_addr local; /* the base: the address of the socket, or the relayed address */
	wlk_addr remote;
	struct str server_url; /* texts are borrowed until the next poll_event */
	uint16_t error_code;
	struct str error_text;
};

/* How a TURN or STUN server is reached. */
enum ice_server_transport { ICE_SERVER_UDP, ICE_SERVER_TCP, ICE_SERVER_TLS, ICE_SERVER_DTLS };

/* A server as its URI names it (RFC 7064, RFC 7065). Texts are copied by whoever keeps it. */
struct ice_server {
	bool is_turn;
	enum ice_server_transport transport;
	struct str host; /* a name, or an IP literal without brackets */
	uint16_t port;
	struct str url; /* as the application wrote it, for error events */
	struct str username; /* TURN */
	struct str credential;
};

/*
 * Make an agent with fresh ufrag (48 bit) and password (144 bit). *out is written on success only.
 * WLK_ERR_INVALID: pacing under 20 ms, consent timeout over 30 s, caps of 0x10000 and more, port_min over port_max.
 * WLK_ERR_NOMEM, WLK_ERR_CRYPTO.
 */
wlk_err ice_agent_create(struct ice_agent **out, const struct ice_agent_config *config);

/* Frees it and wipes the passwords. The sockets are the caller's to close. destroy(NULL) does nothing. */
void ice_agent_destroy(struct ice_agent *agent);

/*
 * The IPs of this host (ports are ignored), best first; loopback, link-local and families are filtered by the
 * configuration. May be called again when the network changed: vanished addresses are closed with their pairs, new ones
 * are gathered when gathering had begun. WLK_ERR_NOMEM: nothing changed. WLK_ERR_CLOSED.
 */
wlk_err ice_agent_set_interfaces(struct ice_agent *agent, wlk_time now, const wlk_addr *ips, size_t count);

/*
 * Parse "stun:", "stuns:", "turn:" and "turns:" URIs with their default ports and transports. *out borrows |url|;
 * username and credential stay empty. WLK_ERR_PARSE: malformed. WLK_ERR_UNSUPPORTED: stuns:, or an unknown transport.
 */
wlk_err ice_server_parse(struct ice_server *out, struct str url) WLK_NODISCARD;

/*
 * Replace all STUN and TURN servers, at any time: allocations whose server is listed again (same host, port, transport)
 * go on with its new credential; the others go with the next generation. New servers count from the next gathering on.
 * WLK_ERR_INVALID: an empty or too long host, port 0, TURN without username or credential, a STUN server over something
 * else than UDP. WLK_ERR_TOO_LARGE: more than 16. WLK_ERR_NOMEM, WLK_ERR_CLOSED. Nothing changed then.
 */
wlk_err ice_agent_set_servers(struct ice_agent *agent, const struct ice_server *servers, size_t count);

/*
 * From the next generation on, or from the next gathering when none has begun: ICE_POLICY_RELAY neither tells nor uses
 * anything but relayed candidates. The pair in use stays in use until a restart has found another one.
 */
void ice_agent_set_policy(struct ice_agent *agent, enum ice_policy policy);

/*
 * Begin gathering; requests follow in poll_request. Without interfaces gathering completes at once. Calling it again in
 * the same generation does nothing. WLK_ERR_NOMEM, WLK_ERR_CLOSED.
 */
wlk_err ice_agent_gather(struct ice_agent *agent, wlk_time now);

/*
 * Gather ahead (W3C iceCandidatePoolSize): the same, but candidates and gathering states are told only after
 * ice_agent_gather(), and servers or a policy that are set until then count at once. Does nothing once gathering has
 * begun. WLK_ERR_NOMEM, WLK_ERR_CLOSED.
 */
wlk_err ice_agent_gather_ahead(struct ice_agent *agent, wlk_time now);

/* The next request, or false. */
bool ice_agent_poll_request(struct ice_agent *agent, struct ice_request *out);

/*
 * Answer request |id|: |err| WLK_OK with |count| addresses (several only for RESOLVE), or an error.
 * Unknown ids are ignored (a late answer).
 */
void ice_agent_on_request(struct ice_agent *agent, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *results,
			  size_t count);

/* NUL-terminated, of the current generation; valid until ice_agent_restart(), ice_agent_cancel_restart() or destroy. */
const char *ice_agent_local_ufrag(const struct ice_agent *agent);
const char *ice_agent_local_pwd(const struct ice_agent *agent);

/* The peer's, of the current generation: "" until ice_agent_set_remote_parameters() gave them. Valid as long as the local ones. */
const char *ice_agent_remote_ufrag(const struct ice_agent *agent);
const char *ice_agent_remote_pwd(const struct ice_agent *agent);

/* The role as the offer/answer exchange gave it (RFC 8445 6.1.1). Conflicts are resolved by the agents themselves. */
void ice_agent_set_controlling(struct ice_agent *agent, wlk_time now, bool controlling);
bool ice_agent_controlling(const struct ice_agent *agent);

/*
 * Whether the peer announced "a=ice-options:renomination" too: when controlling, nominations are numbered from here on, and
 * the peer follows the latest at any time (draft-thatcher-ice-renomination-01). Without config.renomination: never.
 */
void ice_agent_set_renomination(struct ice_agent *agent, bool agreed);

/*
 * Everything that ice_agent_set_remote_parameters() with these values could fail for, and nothing of its effect: called next with the
 * same values, that succeeds. For agents that are to change together. Errors as there.
 */
wlk_err ice_agent_prepare_remote(struct ice_agent *agent, struct str ufrag, struct str pwd, bool lite) WLK_NODISCARD;

/*
 * The peer's ufrag and password of the current generation; copied. |lite|: it is an ICE-lite agent, so we control.
 * Checks begin, and the PAC timer runs from here. The same values again: nothing happens.
 * WLK_ERR_INVALID: ufrag not 4..256 or pwd not 22..256 characters. WLK_ERR_STATE: this generation has other ones
 * already (call ice_agent_restart() first). WLK_ERR_NOMEM, WLK_ERR_CRYPTO, WLK_ERR_CLOSED.
 */
wlk_err ice_agent_set_remote_parameters(struct ice_agent *agent, wlk_time now, struct str ufrag, struct str pwd,
					bool lite);

/*
 * One candidate of the peer, before or after its parameters. A repeated one is WLK_OK and changes nothing.
 * WLK_ERR_UNSUPPORTED: TCP that is not passive or not wanted, another component than 1, or an address or a TCP port
 * that R8 refuses: skip it and go on.
 * WLK_ERR_TOO_LARGE: the cap is reached. WLK_ERR_NOMEM, WLK_ERR_CLOSED.
 */
wlk_err ice_agent_add_remote_candidate(struct ice_agent *agent, wlk_time now, const struct ice_candidate *candidate);

/*
 * The same from its line, "candidate:..." with or without "a=". A .local name is looked up by mDNS; other names are
 * refused. A line with another ufrag than the remote parameters is of another generation: WLK_ERR_STATE, skip it.
 * In addition WLK_ERR_PARSE and WLK_ERR_TOO_LARGE as ice_candidate_line_parse().
 */
wlk_err ice_agent_add_remote_candidate_line(struct ice_agent *agent, wlk_time now, const char *line, size_t size);

/* The peer has no more candidates in this generation (RFC 8838 14). */
void ice_agent_end_of_remote_candidates(struct ice_agent *agent, wlk_time now);

/*
 * Begin a new generation: new ufrag and password, candidates are announced again, the sockets stay. The selected pair
 * goes on carrying data until a pair of the new generation is nominated; then the old password is refused (R10).
 * Repeated before the new remote parameters came, it replaces only the new generation.
 * WLK_ERR_NOMEM, WLK_ERR_CRYPTO (the agent is unchanged), WLK_ERR_CLOSED.
 */
wlk_err ice_agent_restart(struct ice_agent *agent, wlk_time now);

/* Go back to the generation before (a rolled-back offer). WLK_ERR_STATE: no restart that still waits for parameters. */
wlk_err ice_agent_cancel_restart(struct ice_agent *agent, wlk_time now);

/*
 * Stop: nothing is taken any more, sockets come as CLOSE requests. What poll_transmit still answers are goodbyes: allocations
 * are given back, .local names withdrawn. Idempotent.
 */
void ice_agent_close(struct ice_agent *agent);

/*
 * Feed one STUN datagram (first byte 0..3), or any datagram of the mDNS socket.
 *
 * @param local   address of the socket, as answered to BIND_UDP or JOIN_MDNS
 * @param remote  where it came from
 * @param data    borrowed for the call
 *
 * What fails a check of R4 or R5 is counted and dropped without an answer.
 */
void ice_agent_input(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
		     const uint8_t *data, size_t size);

/* The same as on_request() for a failure whose reason is known in words; |why| is copied. */
void ice_agent_on_request_failed(struct ice_agent *agent, wlk_time now, uint32_t id, wlk_err err, struct str why);

/* ---- streams and relays: payloads that are wrapped in something ---- */

/*
 * |listener| accepted a stream; |id| was chosen by the outside, from 0x80000000 on. One that is not wanted comes as a
 * CLOSE_STREAM. WLK_ERR_NOMEM: nor is there memory to ask for that; the agent does not know |id|, the caller closes it.
 * WLK_ERR_INVALID: an id below 0x80000000, or one in use; nothing changed.
 */
wlk_err ice_agent_stream_accepted(struct ice_agent *agent, wlk_time now, const wlk_addr *listener, const wlk_addr *remote,
				  uint32_t id) WLK_NODISCARD;
/* The next bytes of a stream, cut anywhere (DTLS: one record); borrowed. Unknown ids are ignored. */
void ice_agent_stream_input(struct ice_agent *agent, wlk_time now, uint32_t id, const uint8_t *data, size_t size);
/* The far end closed it, or it broke. */
void ice_agent_stream_closed(struct ice_agent *agent, wlk_time now, uint32_t id);

/*
 * What came out of a stream or a Data indication: a datagram as if it had arrived at |local| (the relayed address, or our
 * end of the TCP connection) from |remote|; to be classified once more, STUN comes back by ice_agent_input(). The caller
 * owns out->buf. Pull it after input() and stream_input().
 */
bool ice_agent_poll_received(struct ice_agent *agent, struct dgram *out);

/*
 * A datagram that begins like TURN ChannelData (first byte 64..79): true when it came from one of our TURN servers on a
 * bound channel (RFC 8656 12.6); it is its payload then, |local| the relayed address and |remote| the peer. Else false.
 */
bool ice_agent_unwrap(struct ice_agent *agent, wlk_time now, struct dgram *d);

/*
 * Make |d|, which leaves from the local address of a pair, ready for the outside: relayed ones get their ChannelData or
 * Send header and go to the server, TCP ones get their length. False: it cannot be sent (the stream is gone, no
 * permission): the caller drops it. Datagrams of plain sockets pass untouched. What poll_transmit() answers is ready.
 */
bool ice_agent_wrap(struct ice_agent *agent, wlk_time now, struct dgram *d);

/* The next datagram to send; the caller owns out->buf. */
bool ice_agent_poll_transmit(struct ice_agent *agent, wlk_time now, struct dgram *out);

/* The next fact. State and pair changes are never lost to a failing allocation. */
bool ice_agent_poll_event(struct ice_agent *agent, struct ice_event *out);

/* When handle_timeout is due [us]; WLK_TIME_NEVER when idle. */
wlk_time ice_agent_deadline(const struct ice_agent *agent);
void ice_agent_handle_timeout(struct ice_agent *agent, wlk_time now);

/* Whether a packet of this exact path may be taken (R12). Cheap: the selected pair is looked at first. */
bool ice_agent_is_validated(const struct ice_agent *agent, const wlk_addr *local, const wlk_addr *remote);

/* What the agent knows of a path, from authentic messages alone. */
enum ice_path_state {
	ICE_PATH_UNKNOWN,
	ICE_PATH_HEARD,  /* an authentic request came along it */
	ICE_PATH_SILENT, /* valid, but its checks have not been answered for so long that it counts as disconnected */
	ICE_PATH_VALID,
};

/* For whoever shares one socket among agents: whose path is this? */
enum ice_path_state ice_agent_path_state(const struct ice_agent *agent, wlk_time now, const wlk_addr *local,
					 const wlk_addr *remote);

/*
 * The ufrags that requests to this agent may name now: the current one and, during a restart, the one before. Answers how
 * many; they are borrowed until the next call that takes |now|. None once closed.
 */
size_t ice_agent_local_ufrags(const struct ice_agent *agent, struct str out[2]);

/* Whether |local| is the address of a socket or listener of this agent. */
bool ice_agent_owns(const struct ice_agent *agent, const wlk_addr *local);

/*
 * The path to send on: the selected pair, or the best valid one before nomination. False: nothing may be sent.
 * |local| is the base, i.e. the socket.
 */
bool ice_agent_selected(const struct ice_agent *agent, wlk_addr *local, wlk_addr *remote);

/*
 * Report application packets (DTLS, SRTP) so that liveness (R7) and the statistics know of them. on_received is called
 * for packets that ice_agent_is_validated() let through. Both are cheap; the deadline may move.
 */
void ice_agent_on_sent(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
		       size_t size);
void ice_agent_on_received(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
			   size_t size);

/* An application packet for this path could not be handed on (ice_agent_wrap() refused it): it counts as lost on the way. */
void ice_agent_on_discarded(struct ice_agent *agent, wlk_time now, const wlk_addr *local, const wlk_addr *remote,
			    size_t size);

/* The network changed, or somebody doubts the path: it and the backups are checked every 200 ms until it answers. */
void ice_agent_probe(struct ice_agent *agent, wlk_time now);

/* The path in use does not answer, or there is none any more: whoever waits for answers should not wait long. */
bool ice_agent_in_doubt(const struct ice_agent *agent);

/* Whether the peer is known to have our parameters: it has sent an authentic request, or never will, being ICE-lite. */
bool ice_agent_peer_knows_us(const struct ice_agent *agent);

/*
 * A path along which the peer was heard in an authentic request, whether it is valid or not: the peer is there, has our
 * parameters and waits for answers. False: none.
 */
bool ice_agent_heard(const struct ice_agent *agent, wlk_addr *local, wlk_addr *remote);

/* Smoothed round-trip time of the path in use [us]; 0: unknown. */
wlk_time ice_agent_rtt(const struct ice_agent *agent);

/*
 * Whether datagrams of ICE_PATH_PROBE_SIZE have been seen to pass on the path in use; true where nobody asks (without probe_mtu,
 * as a lite agent, over TCP). May become true later.
 */
enum { ICE_PATH_PROBE_SIZE = 1196 }; /* with the header of TURN ChannelData 1,200 bytes of UDP payload (R29) */
bool ice_agent_full_size_proven(const struct ice_agent *agent);

enum ice_state ice_agent_state(const struct ice_agent *agent);
enum ice_gathering_state ice_agent_gathering_state(const struct ice_agent *agent);

/* Counters of the agent; they only grow. */
struct ice_agent_stats {
	uint64_t malformed;           /* not STUN, or a message that does not parse */
	uint64_t no_fingerprint;      /* R4 */
	uint64_t unknown_username;    /* R4, R10 */
	uint64_t bad_integrity;       /* R4, R5 */
	uint64_t missing_attribute;   /* R4: no role or priority */
	uint64_t unknown_transaction; /* R5 */
	uint64_t wrong_source;        /* R5: a response from another path than its request took */
	uint64_t unknown_local;       /* a datagram for an address that is none of ours */
	uint64_t refused_candidates;  /* R8 */
	uint64_t over_cap;            /* candidates, pairs or answers refused because of a cap */
	uint64_t out_of_memory;
	uint64_t role_conflicts;       /* switches of our role */
	uint64_t stale_role_conflicts; /* 487 for a role we have left already: ignored */
	uint64_t requests_sent;        /* retransmissions included */
	uint64_t requests_received;
	uint64_t responses_sent;
	uint64_t responses_received;
	uint64_t consent_requests_sent;
	uint64_t selected_pair_changes;
	uint64_t mtu_probes_sent; /* not among the requests */
	uint64_t unpermitted; /* R11: what a TURN server brought from a peer without permission, or on an unknown channel */
};

/* What TURN servers sent is counted with the rest: malformed, unknown_transaction, bad_integrity, unpermitted. */
void ice_agent_get_stats(const struct ice_agent *agent, struct ice_agent_stats *out);

/* RTCStatsIceCandidatePairState. */
enum ice_pair_state { PAIR_FROZEN, PAIR_WAITING, PAIR_IN_PROGRESS, PAIR_SUCCEEDED, PAIR_FAILED };

/* One candidate pair, for candidate-pair stats. The candidates are named by their ids. */
struct ice_pair_stats {
	uint32_t id;
	uint32_t local_id;
	uint32_t remote_id;
	enum ice_pair_state state;
	bool nominated;
	bool selected; /* ice_agent_selected() answers it */
	uint64_t priority;
	wlk_addr local; /* the base */
	wlk_addr remote;
	uint64_t packets_sent;
	uint64_t packets_received;
	uint64_t bytes_sent;
	uint64_t bytes_received;
	wlk_time last_sent; /* application packets; 0: none yet */
	wlk_time last_received;
	wlk_time current_rtt_us;
	wlk_time total_rtt_us; /* sum over responses_received */
	uint64_t requests_sent;     /* all, with the two kinds below */
	uint64_t requests_repeated; /* retransmissions */
	uint64_t requests_received;
	uint64_t responses_sent;
	uint64_t responses_received;
	uint64_t consent_requests_sent;
	uint64_t packets_discarded; /* application packets that found no way out, see ice_agent_on_discarded() */
	uint64_t bytes_discarded;
};

/* One candidate, for local-candidate and remote-candidate stats. Local ids are unique, and so are remote ones. */
struct ice_candidate_stats {
	uint32_t id;
	struct ice_candidate candidate;
	wlk_addr server; /* local srflx: the STUN server that answered; else none */
	const char *url; /* local srflx and relay: the server's, as the application wrote it; borrowed; else NULL */
	const char *relay_protocol; /* local relay: "udp", "tcp", "tls" or "dtls"; else NULL */
	const char *ufrag; /* of the generation that it belongs to; borrowed; NULL: not known */
	bool hidden;     /* local: a .local name stands for the address, which is not to be shown */
};

/* Visit by index 0.. until false; indices hold until the next call that takes |now|. */
bool ice_agent_pair_stats(const struct ice_agent *agent, size_t index, struct ice_pair_stats *out);
bool ice_agent_local_candidate(const struct ice_agent *agent, size_t index, struct ice_candidate_stats *out);
bool ice_agent_remote_candidate(const struct ice_agent *agent, size_t index, struct ice_candidate_stats *out);

/*
 * The candidates of this generation that were told, or are to be told by events that wait, in the form for signalling:
 * from *index (0 at first) on, which moves behind it. False: no more. Hosts are borrowed until the next call that takes
 * |now|.
 */
bool ice_agent_told_candidate(const struct ice_agent *agent, size_t *index, struct ice_candidate_line *out);

/* "new", "checking"...: the W3C words. */
const char *ice_state_name(enum ice_state state);
const char *ice_gathering_state_name(enum ice_gathering_state state);

#endif
