/** The low door: a connection that is driven by parameters of its transport instead of descriptions, as in ORTC. */
#ifndef WIRELARK_DIRECT_H
#define WIRELARK_DIRECT_H

#include <wirelark/certificate.h>
#include <wirelark/transport.h>
#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For two programs that know of each other what they will send, and want to exchange a few values in a form of their own, no SDP:
 *
 *	make the same channels and transceivers on both sides, in the same order (channels with "negotiated" and an id);
 *	wlk_direct_local_parameters() on both, and give them to the other side;
 *	wlk_direct_start() on both, one with WLK_ICE_ROLE_CONTROLLING and one with WLK_ICE_ROLE_CONTROLLED;
 *	pass each WLK_EVENT_ICE_CANDIDATE to wlk_peer_connection_add_ice_candidate() of the other side.
 *
 * Everything else is as with descriptions: events, channels, packets and frames. Each kind of section uses the payload types and
 * header extensions that an offer of this release has, narrowed by wlk_transceiver_set_codec_preferences(), so both sides have to
 * be of one release, or to agree on them by preferences. All sections share one transport. Simulcast layers are among the
 * parameters: what a side sends with several encodings is received by the other one.
 */
typedef struct wlk_peer_connection wlk_peer_connection;

/** A simulcast layer that one side sends. */
typedef struct wlk_direct_layer {
	size_t transceiver; /**< its place among the transceivers, which both sides made in the same order */
	const char *rid;
} wlk_direct_layer;

/** What one side has to know of the other's transport. Set up with WLK_DIRECT_PARAMETERS_INIT. */
typedef struct wlk_direct_parameters {
	size_t struct_size;
	const char *username_fragment; /**< RFC 8839 5.4: 4 to 256 ice-chars */
	const char *password;          /**< 22 to 256 of them */
	bool ice_lite;
	wlk_fingerprint fingerprint;   /**< of the certificate: sha-256, sha-384 or sha-512 */
	wlk_dtls_role dtls_role;       /**< of this side; UNKNOWN: the controlled side is the client */
	uint16_t sctp_port;            /**< 0: 5000 */
	uint64_t max_message_size;     /**< the largest message this side takes [bytes]; 0: any */
	const wlk_direct_layer *layers; /**< of all senders with several encodings, in their order */
	size_t layer_count;
} wlk_direct_parameters;

#define WLK_DIRECT_PARAMETERS_INIT \
	{ sizeof(wlk_direct_parameters), NULL, NULL, false, { "", "" }, WLK_DTLS_ROLE_UNKNOWN, 0, 0, NULL, 0 }

/**
 * Our own, known as soon as the connection is made; the layers once its transceivers are.
 *
 * @param out  its texts are borrowed until an ICE restart or the end of the connection, its layers until the next call of this function
 *
 * Errors: WLK_ERR_INVALID, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_direct_local_parameters(wlk_peer_connection *pc, wlk_direct_parameters *out);

/**
 * Begin, once both sides have each other's parameters: candidates are gathered from here on. A connection that was started so is in
 * the signalling state "stable", with descriptions that nobody sent; further changes are negotiated with those, or not at all.
 *
 * @param role    ours in ICE; the other side has the other one
 * @param remote  copied. Its dtls_role must be the other one than ours where it is not UNKNOWN; its layers are of
 *                transceivers for video that exist here
 *
 * Errors: WLK_ERR_INVALID (a parameter), WLK_ERR_STATE (started already, negotiated, or closed),
 * WLK_ERR_PARSE and WLK_ERR_NEGOTIATION (parameters that do not fit), WLK_ERR_NOMEM. The reason is in wlk_last_error(). A failing call
 * changes nothing, but candidates may be gathered from it on.
 */
WLK_API wlk_err wlk_direct_start(wlk_peer_connection *pc, wlk_ice_role role, const wlk_direct_parameters *remote);

#ifdef __cplusplus
}
#endif

#endif
