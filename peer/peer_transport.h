/* One transport of a peer connection: ICE, DTLS, SRTP and the media that rides on them, from the first check to close. */
#ifndef PEER_PEER_TRANSPORT_H
#define PEER_PEER_TRANSPORT_H

#include <wirelark/transport.h>

#include "core/dgram_queue.h"
#include "core/list.h"
#include "dtls/transport.h"
#include "ice/agent.h"
#include "media/engine.h"
#include "srtp/session.h"

/* The public handles are the transport seen from its layers. */
struct wlk_dtls_transport {
	struct peer_transport *transport;
};

struct wlk_ice_transport {
	struct peer_transport *transport;
};

/*
 * It owns its layers and what they are in the middle of: ClientHellos that came too early, a handshake that is to be tried
 * again. Sections that share a transport (BUNDLE) share all of it. Each has a media engine of its own, because feedback,
 * pacing and the sequence numbers of transport-wide feedback are those of one path.
 */
struct peer_transport {
	struct list link; /* in pc->transports */
	wlk_peer_connection *pc;
	uint32_t number; /* 0 for the first of the connection */
	struct log_scope log;
	wlk_dtls_transport dtls_handle;
	wlk_ice_transport ice_handle;

	struct ice_agent *ice;
	bool restarted;          /* the agent runs a generation that offer and answer have not put into force */
	bool role_is_known;      /* a description said who controls */
	bool remote_ice_applied; /* the far end's parameters are known */
	wlk_ice_gathering_state gathering_state;
	wlk_ice_state ice_state;

	struct dtls_transport *dtls;
	wlk_dtls_state dtls_state; /* as it was told */
	bool agreed;                         /* offer and answer put it into force */
	bool local_is_dtls_client;
	bool hello_went_ahead;
	struct pktbuf *own_hello; /* our ClientHello, sent ahead of ICE (output.c); once more as soon as a path is valid */
	struct pktbuf *own_init; /* our INIT, said with the client's Finished; until something of SCTP comes, or it was said again */
	wlk_time say_init_at;    /* WLK_TIME_NEVER: DTLS is not up, or nothing is to be said again */
	struct dgram_queue early_flights; /* R12: of paths that are not valid yet, or before our role is known */
	wlk_time dtls_restart_at;        /* WLK_TIME_NEVER: no fresh handshake is due */
	bool remote_closed;              /* close_notify came */

	struct srtp_session *srtp; /* NULL: no keys yet, or nothing but data */
	struct media_engine *media;

	/* counters for transport statistics */
	uint64_t bytes_sent, bytes_received, packets_sent, packets_received;
};

/* A transport that is to be agreed on, in no list yet; *out is written on success only. WLK_ERR_NOMEM, _CRYPTO, _INVALID. */
wlk_err peer_transport_create(struct peer_transport **out, wlk_peer_connection *pc, const struct ice_agent_config *ice);
/* destroy(NULL) does nothing. */
void peer_transport_destroy(struct peer_transport *t);

/*
 * Close it (R39): what it has to say to servers and to the far end leaves, its sockets close. It goes to pc->retired_transports, where its handles
 * go on to say "closed".
 */
void peer_transport_retire(struct peer_transport *t);

/* What offer and answer say of it. */
void peer_transport_set_controlling(struct peer_transport *t, bool controlling);
/* Start DTLS when a pair is valid and the role is known; start SRTP, and SCTP where it rides here, when DTLS is up. */
void peer_transport_start(struct peer_transport *t);
/*
 * DTLS is about to hear from the server: SCTP starts, so that its INIT leaves with our Finished, a round trip before DTLS is
 * up (RFC 7918).
 */
void peer_transport_prepare_init(struct peer_transport *t);
/* The INIT has done what it was for, or nobody wants it any more. */
void peer_transport_forget_init(struct peer_transport *t);
/* The ClientHello that went ahead of ICE is not said again. */
void peer_transport_forget_own_hello(struct peer_transport *t);
/* Feed ClientHellos that came too early, now that their pair may be valid and our role known (input.c). */
void peer_replay_early_flights(struct peer_transport *t);

/* Pull the events of ICE, DTLS and media and act on them; whether there was any. */
bool peer_transport_pump_ice(struct peer_transport *t);
bool peer_transport_pump_dtls(struct peer_transport *t);
bool peer_transport_pump_media(struct peer_transport *t);

/* The name that webrtc-stats has for a profile (RFC 5764 4.1.2, RFC 7714 14.2); NULL: none. */
const char *peer_srtp_cipher_name(enum dtls_srtp_profile profile);

/* A failed handshake is tried again at its time, while ICE is up. */
void peer_transport_restart_dtls_when_due(struct peer_transport *t);

wlk_time peer_transport_deadline(const struct peer_transport *t);
void peer_transport_handle_timeout(struct peer_transport *t);

#endif
