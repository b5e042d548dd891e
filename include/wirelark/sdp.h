/** Session descriptions as values: read, looked at and written without a connection (RFC 8866, RFC 9429). */
#ifndef WIRELARK_SDP_H
#define WIRELARK_SDP_H

#include <wirelark/certificate.h>
#include <wirelark/error.h>
#include <wirelark/rtp_parameters.h>
#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A description that was read. Immutable; all functions here are THREAD-SAFE. */
typedef struct wlk_sdp wlk_sdp;

/**
 * One m-section, with what it inherits from the session. Everything is lent by its description, and valid as long as that. A text
 * that is not there is NULL. Grows at its end.
 */
typedef struct wlk_sdp_section {
	size_t struct_size;
	const char *kind; /**< "audio", "video", "application" or another one */
	const char *mid;
	uint16_t port;
	bool rejected;    /**< port 0, and not bundle-only (RFC 9429 5.2.2) */
	bool bundle_only;
	const char *protocol; /**< "UDP/TLS/RTP/SAVPF" */
	wlk_direction direction;
	const char *username_fragment;
	const char *password;
	const char *setup; /**< "actpass", "active", "passive", "holdconn" */
	size_t fingerprint_count;
	const wlk_fingerprint *fingerprints;
	size_t candidate_count;
	const char *const *candidates; /**< "candidate:...", for wlk_ice_candidate_parse() */
	bool end_of_candidates;
	size_t codec_count;
	const wlk_rtp_codec *codecs; /**< in the order of the m-line */
	size_t header_extension_count;
	const wlk_rtp_header_extension *header_extensions; /**< directions as their lines have them */
	uint16_t sctp_port;        /**< 0: none */
	uint64_t max_message_size; /**< bytes; 0: any. 65536 where the section does not say */
} wlk_sdp_section;

/**
 * Read a description. It is tolerant as the connection is: LF or CRLF, unknown lines and attributes.
 *
 * @param text  borrowed for the call; at most 256 KiB
 * @param out   destroy with wlk_sdp_destroy()
 * @param line  the line to blame for WLK_ERR_PARSE and WLK_ERR_TOO_LARGE, from 1; 0: none. May be NULL
 *
 * Errors: WLK_ERR_INVALID, WLK_ERR_PARSE, WLK_ERR_TOO_LARGE, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_sdp_parse(const char *text, size_t size, wlk_sdp **out, size_t *line);
/** destroy(NULL) does nothing. */
WLK_API void wlk_sdp_destroy(wlk_sdp *sdp);

/** The description as text again, normalised: lines in the order of RFC 8866, unknown attributes kept. Free with wlk_secret_free(). */
WLK_API wlk_err wlk_sdp_write(const wlk_sdp *sdp, char **out);

/** How many m-sections there are. */
WLK_API size_t wlk_sdp_section_count(const wlk_sdp *sdp);
/** Section @p index; NULL when there is none. */
WLK_API const wlk_sdp_section *wlk_sdp_section_at(const wlk_sdp *sdp, size_t index);
/** The BUNDLE group (RFC 9143) that section @p index is in, from 0 in the order of the groups; -1: in none. */
WLK_API int wlk_sdp_bundle_of(const wlk_sdp *sdp, size_t index);

#ifdef __cplusplus
}
#endif

#endif
