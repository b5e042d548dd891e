/** Errors in parts: what DOMException and RTCError (W3C webrtc-pc 11) say, of failing calls, transports and channels. */
#ifndef WIRELARK_ERROR_H
#define WIRELARK_ERROR_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wlk_peer_connection wlk_peer_connection;

/** RTCErrorDetailType: what failed. NONE where W3C has an exception without details. Append-only. */
typedef enum wlk_error_detail {
	WLK_ERROR_DETAIL_NONE = 0,
	WLK_ERROR_DETAIL_DATA_CHANNEL_FAILURE = 1, /**< one channel: no id for it, or a message larger than we announced */
	WLK_ERROR_DETAIL_DTLS_FAILURE = 2,         /**< the handshake, or a fatal alert behind it */
	WLK_ERROR_DETAIL_FINGERPRINT_FAILURE = 3,  /**< the certificate is not the one of the description */
	WLK_ERROR_DETAIL_SCTP_FAILURE = 4,         /**< the association ended without having been closed */
	WLK_ERROR_DETAIL_SDP_SYNTAX_ERROR = 5      /**< a description cannot be read */
} wlk_error_detail;

/** "sctp-failure" and so on, as W3C writes them, "" for NONE; never NULL. THREAD-SAFE. */
WLK_API const char *wlk_error_detail_name(wlk_error_detail detail);

/**
 * An error in its parts. Set up with WLK_ERROR_INIT where the library is to fill it; grows at its end. Numbers that do not apply
 * are -1.
 */
typedef struct wlk_error {
	size_t struct_size;
	wlk_err code;         /**< WLK_OK: none */
	const char *name;     /**< of W3C's exception: "InvalidStateError", "TypeError"; "OperationError" is RTCError's too. Static */
	const char *message;  /**< in words, as wlk_last_error() has them */
	wlk_error_detail detail;
	int32_t sdp_line_number;  /**< counted from 1 */
	const char *sdp_line;     /**< the text of that line of a remote description, NULL when no line is to blame */
	int32_t sctp_cause_code;  /**< of the far end's ABORT (RFC 9260 3.3.10) */
	int32_t received_alert;   /**< DTLS alert description (RFC 5246 7.2) */
	int32_t sent_alert;       /**< the same, when it was us who gave up */
} wlk_error;

#define WLK_ERROR_INIT { sizeof(wlk_error), WLK_OK, "", "", WLK_ERROR_DETAIL_NONE, -1, NULL, -1, -1, -1 }

/**
 * The last error of a connection in its parts: of the last failing call, or of a transport that failed after it.
 *
 * @param out  struct_size bytes of it are written, or as many as the library knows; the texts are borrowed until the next call on
 *             this connection
 *
 * Errors: WLK_ERR_INVALID (no place, or one that was not set up), WLK_ERR_NOT_FOUND (nothing has failed).
 */
WLK_API wlk_err wlk_peer_connection_last_error(const wlk_peer_connection *pc, wlk_error *out);

#ifdef __cplusplus
}
#endif

#endif
