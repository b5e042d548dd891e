/* SRTP and SRTCP of one peer: protects and unprotects packets in place, and decides which SSRCs may cost memory. */
#ifndef SRTP_SESSION_H
#define SRTP_SESSION_H

#include "core/log.h"
#include "core/pktbuf.h"
#include "srtp/keys.h"

enum {
	SRTP_WINDOW_DEFAULT = 1024, /* replay window in packets: video (R20) */
	SRTP_NEW_SSRC_MAX = 64,     /* SSRCs that no description announced (R19) */
	SRTP_NEW_SSRC_BURST = 16,
	SRTP_NEW_SSRC_PER_SECOND = 4,
	SRTP_KNOWN_SSRC_MAX = 1024, /* announced ones */
};

struct srtp_session_config {
	const struct srtp_keys *keys; /* required; copied into libsrtp, wipe yours after create */
	size_t window;                /* replay window, 64..32767; 0: SRTP_WINDOW_DEFAULT */
	const char *log_parent;       /* prefix of the owner's log lines; NULL: none */
};

/* Counters only grow. */
struct srtp_stats {
	uint64_t rtp_in, rtp_out;
	uint64_t rtcp_in, rtcp_out;
	uint64_t malformed;     /* too short or header longer than the packet */
	uint64_t auth_failures; /* never close anything (R18) */
	uint64_t replays;       /* seen before or older than the window */
	uint64_t ssrc_refused;  /* unknown SSRC without budget (R19) */
	uint64_t errors;        /* everything else that libsrtp answered */
};

struct srtp_session;

/**
 * Load libsrtp and NSS, once a process: 1 to 20 ms of CPU, which the first srtp_session_create() pays otherwise. May be
 * called again and from any thread. WLK_ERR_CRYPTO when the library refuses.
 */
wlk_err srtp_library_start(void);

/**
 * Make the session for both directions. WLK_ERR_INVALID for a bad config, WLK_ERR_CRYPTO when libsrtp refuses,
 * WLK_ERR_NOMEM.
 */
wlk_err srtp_session_create(struct srtp_session **out, const struct srtp_session_config *config) WLK_NODISCARD;
/* The keys inside are wiped. destroy(NULL) does nothing. */
void srtp_session_destroy(struct srtp_session *s);

/**
 * Encrypt one complete RTP packet in place; the tag is appended, so that buf->size grows by srtp_session_overhead().
 *
 * WLK_ERR_INVALID when the header does not fit the packet. WLK_ERR_STATE when this SSRC and sequence number were used
 * before: a retransmission must be the identical sealed bytes or travel on the RTX SSRC, else the key stream is used
 * twice (R20). WLK_ERR_CRYPTO for a failure of libsrtp. In every error case the bytes may be spoiled: do not send them.
 * The buffer needs PKTBUF_TAILROOM (asserted).
 */
wlk_err srtp_session_protect_rtp(struct srtp_session *s, struct pktbuf *buf) WLK_NODISCARD;
/* The same for a compound RTCP packet; the index (4 bytes) and the tag are appended. */
wlk_err srtp_session_protect_rtcp(struct srtp_session *s, struct pktbuf *buf) WLK_NODISCARD;

/**
 * Authenticate and decrypt one packet in place; buf->size shrinks to the plain packet.
 *
 * WLK_ERR_PARSE, WLK_ERR_NOSPACE (R19: no budget for this SSRC), WLK_ERR_CRYPTO (authentication), WLK_ERR_STATE
 * (replay). All of them mean "drop it": they are counted and logged at most 10 times a second, and change nothing.
 */
wlk_err srtp_session_unprotect_rtp(struct srtp_session *s, wlk_time now, struct pktbuf *buf) WLK_NODISCARD;
wlk_err srtp_session_unprotect_rtcp(struct srtp_session *s, wlk_time now, struct pktbuf *buf) WLK_NODISCARD;

/**
 * An SSRC that a description announced (a=ssrc, RTX included): costs no budget. Idempotent. WLK_ERR_NOSPACE above
 * SRTP_KNOWN_SSRC_MAX, WLK_ERR_NOMEM.
 */
wlk_err srtp_session_allow_ssrc(struct srtp_session *s, uint32_t ssrc);

/**
 * Forget an incoming SSRC and the memory libsrtp holds for it. Its packets are refused from then on, because the replay
 * window is gone: an old capture would be accepted otherwise. srtp_session_allow_ssrc() takes it back.
 */
void srtp_session_remove_ssrc(struct srtp_session *s, uint32_t ssrc);

/* Bytes that protecting adds: the tag for RTP; index and tag for RTCP. */
size_t srtp_session_overhead(const struct srtp_session *s);
size_t srtp_session_rtcp_overhead(const struct srtp_session *s);
enum srtp_keys_profile srtp_session_profile(const struct srtp_session *s);
const struct srtp_stats *srtp_session_stats(const struct srtp_session *s);

#endif
