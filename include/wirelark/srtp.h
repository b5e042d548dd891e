/** SRTP by itself: protects and unprotects RTP and RTCP packets in the caller's memory (RFC 3711, RFC 7714). */
#ifndef WIRELARK_SRTP_H
#define WIRELARK_SRTP_H

#include <wirelark/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A session has the keys of both directions of one association, from DTLS (wlk_dtls_association_export_srtp()) or from elsewhere. It
 * belongs to one thread at a time; sessions are independent of each other. Packets lie aligned to 4 bytes, which libsrtp reads them by,
 * and have at most 2048 bytes.
 */
typedef struct wlk_srtp_session wlk_srtp_session;

/** Protection profiles, by the numbers of RFC 5764 4.1.2 and RFC 7714 14.2. */
typedef enum wlk_srtp_profile {
	WLK_SRTP_NONE = 0,
	WLK_SRTP_AES128_CM_SHA1_80 = 0x0001,
	WLK_SRTP_AEAD_AES_128_GCM = 0x0007,
	WLK_SRTP_AEAD_AES_256_GCM = 0x0008
} wlk_srtp_profile;

/** Most bytes of a master key and its salt. */
#define WLK_SRTP_KEY_MAX 46
/** Free bytes that protecting wants behind a packet, more than it uses. */
#define WLK_SRTP_ROOM 176

/** The keys of a session. Wipe them with wlk_srtp_keys_wipe() once the session is made. */
typedef struct wlk_srtp_keys {
	wlk_srtp_profile profile;
	size_t size; /**< of the key and, behind it, the salt: 30 (AES128_CM_SHA1_80), 28 (AES_128_GCM) or 44 bytes (AES_256_GCM) */
	uint8_t local[WLK_SRTP_KEY_MAX];  /**< for what we send */
	uint8_t remote[WLK_SRTP_KEY_MAX]; /**< for what we receive */
} wlk_srtp_keys;

/** Overwrite them with zeros, in a way that compilers keep. NULL does nothing. THREAD-SAFE. */
WLK_API void wlk_srtp_keys_wipe(wlk_srtp_keys *keys);

/**
 * Make a session for both directions. The first of a process takes 1 to 20 ms of CPU.
 *
 * @param keys           copied
 * @param replay_window  packets, 64 to 32767; 0: 1024
 * @param out            written on success; wlk_srtp_session_destroy() frees it
 *
 * Errors: WLK_ERR_INVALID (keys that do not fit their profile, the window), WLK_ERR_CRYPTO, WLK_ERR_NOMEM.
 */
WLK_API wlk_err wlk_srtp_session_create(const wlk_srtp_keys *keys, size_t replay_window, wlk_srtp_session **out);
/** Free it and wipe its keys. destroy(NULL) does nothing. */
WLK_API void wlk_srtp_session_destroy(wlk_srtp_session *session);

/**
 * Encrypt a whole RTP packet, or a compound RTCP packet, in place, with the tag (and the index of SRTCP) behind it.
 *
 * @param size      bytes of the packet, and then of the protected one
 * @param capacity  bytes of @p packet's memory: *size + WLK_SRTP_ROOM and more
 *
 * Errors: WLK_ERR_INVALID (no such packet, its header does not fit, alignment or size), WLK_ERR_NOSPACE (room), both without effect.
 * WLK_ERR_STATE: this SSRC and sequence number were used before, so that the key stream would be used twice: send again the very bytes
 * that were sent, or retransmit on another SSRC (RFC 4588). WLK_ERR_CRYPTO. After these two the bytes may be spoiled: do not send them.
 */
WLK_API wlk_err wlk_srtp_session_protect_rtp(wlk_srtp_session *session, uint8_t *packet, size_t *size, size_t capacity);
WLK_API wlk_err wlk_srtp_session_protect_rtcp(wlk_srtp_session *session, uint8_t *packet, size_t *size, size_t capacity);
/**
 * Authenticate and decrypt a packet in place.
 *
 * @param now   monotonic time [us], for the budget of unannounced SSRCs
 * @param size  bytes of the protected packet, and then of the plain one
 *
 * Errors: all of them mean that the packet is to be dropped, and change nothing of the session but its counters. WLK_ERR_PARSE (no such
 * packet), WLK_ERR_CRYPTO (authentication), WLK_ERR_STATE (seen before, or older than the window), WLK_ERR_NOSPACE (a new SSRC, and
 * there are 64 that nobody announced, or more than four came in a second), WLK_ERR_INVALID (NULL, alignment).
 */
WLK_API wlk_err wlk_srtp_session_unprotect_rtp(wlk_srtp_session *session, wlk_time now, uint8_t *packet, size_t *size);
WLK_API wlk_err wlk_srtp_session_unprotect_rtcp(wlk_srtp_session *session, wlk_time now, uint8_t *packet, size_t *size);

/** An SSRC that the far end announced counts for no budget. Idempotent. Errors: WLK_ERR_NOSPACE (more than 1024), WLK_ERR_NOMEM. */
WLK_API wlk_err wlk_srtp_session_allow_ssrc(wlk_srtp_session *session, uint32_t ssrc);
/** Forget an SSRC of the far end; its packets are refused until wlk_srtp_session_allow_ssrc(), because its replay window is gone. */
WLK_API void wlk_srtp_session_remove_ssrc(wlk_srtp_session *session, uint32_t ssrc);

/** Bytes that protecting an RTP packet adds, and one of RTCP. */
WLK_API size_t wlk_srtp_session_rtp_overhead(const wlk_srtp_session *session);
WLK_API size_t wlk_srtp_session_rtcp_overhead(const wlk_srtp_session *session);

/** Counters of a session; they only grow. The struct grows at its end. */
typedef struct wlk_srtp_stats {
	size_t struct_size; /**< set it to sizeof(wlk_srtp_stats) */
	uint64_t rtp_protected;
	uint64_t rtcp_protected;
	uint64_t rtp_unprotected;
	uint64_t rtcp_unprotected;
	uint64_t malformed;
	uint64_t authentication_failures;
	uint64_t replays;
	uint64_t ssrcs_refused; /**< packets of SSRCs without budget */
} wlk_srtp_stats;

/** Errors: WLK_ERR_INVALID (a struct_size below that of the first release). */
WLK_API wlk_err wlk_srtp_session_get_stats(const wlk_srtp_session *session, wlk_srtp_stats *out);

#ifdef __cplusplus
}
#endif

#endif
