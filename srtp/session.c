/*
 * Surprises of libsrtp 2.5.0 (NSS back end) that this file answers:
 * - The first cipher of NSS initialises it (0.7-4 ms), and the last one that goes shuts it down: one dummy session lives
 *   for the life of the process. Its cipher is AES-CM, that of the key derivation too; AES-GCM is none of NSS (gcm.c).
 * - srtp_init() does not work a second time after it failed half-way, and after it succeeded it tests itself once more
 *   and ends the process with exit() when that fails: a start that failed is taken back by srtp_shutdown().
 * - It works in place and writes the tag behind the packet: the buffer needs tail room.
 * - A stream is cloned for every new SSRC that authenticates, and streams are searched one by one: ssrc_table decides
 *   before libsrtp sees the packet.
 * - srtp_remove_stream() takes the SSRC in network byte order, unlike everything else in its header.
 * - srtp_update() has a byte-order bug and is not used: new keys mean a new session.
 * - An SRTCP packet shorter than its trailer makes its length arithmetic wrap: minimum sizes are checked here.
 * - Its own AES-GCM over NSS makes a context for each packet: gcm.c takes its place.
 * - allow_repeat_tx would let the same key stream cover two different payloads: it stays 0.
 */
#include "srtp/session.h"

#include <srtp2/srtp.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/crypto.h"
#include "srtp/gcm.h"
#include "srtp/ssrc_table.h"

enum {
	RTP_HEADER = 12,
	RTCP_HEADER = 8,
	SRTCP_INDEX = 4,
	WINDOW_MIN = 64,
	WINDOW_MAX = 0x7fff,
};

struct srtp_session {
	struct log_scope log;
	struct log_budget log_budget;
	enum srtp_keys_profile profile;
	size_t tag;
	srtp_t in;
	srtp_t out;
	struct ssrc_table remote;
	struct srtp_stats stats;
};

/* --- the library ------------------------------------------------------------------------------------------------ */

/*
 * libsrtp's start is process-wide and not thread-safe, and loops may make their first sessions at the same time: this
 * lock guards the start and nothing else. Sessions belong to their loop's thread.
 */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static bool library_ready;
static srtp_t library_dummy;

static bool fill_policy(srtp_policy_t *policy, enum srtp_keys_profile profile, srtp_ssrc_type_t direction, uint8_t *key,
			size_t window)
{
	memset(policy, 0, sizeof(*policy));
	if (srtp_crypto_policy_set_from_profile_for_rtp(&policy->rtp, (srtp_profile_t)profile) != srtp_err_status_ok ||
	    srtp_crypto_policy_set_from_profile_for_rtcp(&policy->rtcp, (srtp_profile_t)profile) != srtp_err_status_ok)
		return false;
	policy->ssrc.type = direction;
	policy->key = key;
	policy->window_size = window;
	policy->allow_repeat_tx = 0;
	return true;
}

static bool make_dummy(void)
{
	uint8_t key[SRTP_KEYS_MAX] = { 0 };
	srtp_policy_t policy;

	return fill_policy(&policy, SRTP_KEYS_AES128_CM_SHA1_80, ssrc_any_inbound, key, 128) &&
	       srtp_create(&library_dummy, &policy) == srtp_err_status_ok;
}

wlk_err srtp_library_start(void)
{
	bool ready;

	pthread_mutex_lock(&library_lock);
	if (!library_ready) {
		library_ready = srtp_init() == srtp_err_status_ok && srtp_gcm_install() && make_dummy();
		if (!library_ready)
			(void)srtp_shutdown();
	}
	ready = library_ready;
	pthread_mutex_unlock(&library_lock);
	return ready ? WLK_OK : WLK_ERR_CRYPTO;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static wlk_err make_direction(srtp_t *out, const struct srtp_keys *keys, srtp_ssrc_type_t direction, size_t window)
{
	uint8_t key[SRTP_KEYS_MAX];
	srtp_policy_t policy;
	srtp_err_status_t status = srtp_err_status_fail;

	memcpy(key, direction == ssrc_any_inbound ? keys->remote : keys->local, keys->size);
	if (fill_policy(&policy, keys->profile, direction, key, window))
		status = srtp_create(out, &policy);
	crypto_wipe(key, sizeof(key));
	if (status == srtp_err_status_ok)
		return WLK_OK;
	return status == srtp_err_status_alloc_fail ? WLK_ERR_NOMEM : WLK_ERR_CRYPTO;
}

wlk_err srtp_session_create(struct srtp_session **out, const struct srtp_session_config *config)
{
	wlk_err err = WLK_ERR_INVALID;
	size_t window = config->window ? config->window : SRTP_WINDOW_DEFAULT;
	struct srtp_keys_sizes sizes;
	struct srtp_session *s;

	if (!config->keys || window < WINDOW_MIN || window > WINDOW_MAX)
		return WLK_ERR_INVALID;
	sizes = srtp_keys_sizes(config->keys->profile);
	if (!sizes.key || config->keys->size != sizes.key + sizes.salt)
		return WLK_ERR_INVALID;
	if (srtp_library_start() != WLK_OK)
		return WLK_ERR_CRYPTO;
	s = wlk_calloc(1, sizeof(*s));
	if (!s)
		return WLK_ERR_NOMEM;
	log_scope_init(&s->log, config->log_parent, "srtp");
	s->profile = config->keys->profile;
	s->tag = sizes.tag;
	ssrc_table_init(&s->remote);
	err = make_direction(&s->in, config->keys, ssrc_any_inbound, window);
	if (err)
		goto out_free;
	err = make_direction(&s->out, config->keys, ssrc_any_outbound, window);
	if (err)
		goto out_in;
	*out = s;
	return WLK_OK;
out_in:
	srtp_dealloc(s->in);
out_free:
	wlk_free(s);
	return err;
}

void srtp_session_destroy(struct srtp_session *s)
{
	if (!s)
		return;
	srtp_dealloc(s->in);
	srtp_dealloc(s->out);
	ssrc_table_free(&s->remote);
	wlk_free(s);
}

/* --- sending ---------------------------------------------------------------------------------------------------- */

/* RFC 3550 5.1: fixed header, CSRCs, and the extension when X is set. 0 when it does not fit into |size|. */
static size_t rtp_header_size(const uint8_t *data, size_t size)
{
	size_t header = RTP_HEADER;

	if (size < RTP_HEADER || data[0] >> 6 != 2)
		return 0;
	header += (size_t)4 * (data[0] & 0x0f);
	if (data[0] & 0x10) {
		if (size < header + 4)
			return 0;
		header += 4 + (size_t)4 * load_u16(data + header + 2);
	}
	return header <= size ? header : 0;
}

static wlk_err sent(struct srtp_session *s, struct pktbuf *buf, srtp_err_status_t status, int size, uint64_t *counter)
{
	if (status == srtp_err_status_ok) {
		buf->size = (size_t)size;
		(*counter)++;
		return WLK_OK;
	}
	if (status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old)
		return WLK_ERR_STATE;
	s->stats.errors++;
	return WLK_ERR_CRYPTO;
}

wlk_err srtp_session_protect_rtp(struct srtp_session *s, struct pktbuf *buf)
{
	int size = (int)buf->size;
	srtp_err_status_t status;

	assert(pktbuf_tailroom(buf) >= SRTP_MAX_TRAILER_LEN && "pktbuf_alloc() leaves room for the tag");
	if (!rtp_header_size(buf->data, buf->size))
		return WLK_ERR_INVALID;
	status = srtp_protect(s->out, buf->data, &size);
	return sent(s, buf, status, size, &s->stats.rtp_out);
}

wlk_err srtp_session_protect_rtcp(struct srtp_session *s, struct pktbuf *buf)
{
	int size = (int)buf->size;
	srtp_err_status_t status;

	assert(pktbuf_tailroom(buf) >= SRTP_MAX_TRAILER_LEN + SRTCP_INDEX &&
	       "pktbuf_alloc() leaves room for index and tag");
	if (buf->size < RTCP_HEADER || buf->data[0] >> 6 != 2)
		return WLK_ERR_INVALID;
	status = srtp_protect_rtcp(s->out, buf->data, &size);
	return sent(s, buf, status, size, &s->stats.rtcp_out);
}

/* --- receiving -------------------------------------------------------------------------------------------------- */

static wlk_err refuse(struct srtp_session *s, wlk_time now, const char *what, uint64_t *counter, wlk_err err)
{
	(*counter)++;
	LOG_RATED(s, &s->log_budget, now, LOG_LEVEL_DEBUG, "dropped: %s", what);
	return err;
}

static wlk_err received(struct srtp_session *s, wlk_time now, struct pktbuf *buf, uint32_t ssrc,
			srtp_err_status_t status, int size)
{
	switch (status) {
	case srtp_err_status_ok:
		buf->size = (size_t)size;
		ssrc_table_passed(&s->remote, ssrc);
		return WLK_OK;
	case srtp_err_status_auth_fail:
		return refuse(s, now, "authentication", &s->stats.auth_failures, WLK_ERR_CRYPTO);
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
		return refuse(s, now, "replay", &s->stats.replays, WLK_ERR_STATE);
	case srtp_err_status_parse_err:
	case srtp_err_status_bad_param:
		return refuse(s, now, "malformed", &s->stats.malformed, WLK_ERR_PARSE);
	default:
		return refuse(s, now, "libsrtp", &s->stats.errors, WLK_ERR_CRYPTO);
	}
}

wlk_err srtp_session_unprotect_rtp(struct srtp_session *s, wlk_time now, struct pktbuf *buf)
{
	size_t header = rtp_header_size(buf->data, buf->size);
	int size = (int)buf->size;
	srtp_err_status_t status;
	uint32_t ssrc;
	wlk_err err;

	if (!header || buf->size < header + s->tag)
		return refuse(s, now, "malformed RTP", &s->stats.malformed, WLK_ERR_PARSE);
	ssrc = load_u32(buf->data + 8);
	if (!ssrc_table_may_pass(&s->remote, now, ssrc))
		return refuse(s, now, "no budget for the SSRC", &s->stats.ssrc_refused, WLK_ERR_NOSPACE);
	status = srtp_unprotect(s->in, buf->data, &size);
	err = received(s, now, buf, ssrc, status, size);
	if (!err)
		s->stats.rtp_in++;
	return err;
}

wlk_err srtp_session_unprotect_rtcp(struct srtp_session *s, wlk_time now, struct pktbuf *buf)
{
	int size = (int)buf->size;
	srtp_err_status_t status;
	uint32_t ssrc;
	wlk_err err;

	if (buf->size < RTCP_HEADER + SRTCP_INDEX + s->tag || buf->data[0] >> 6 != 2)
		return refuse(s, now, "malformed RTCP", &s->stats.malformed, WLK_ERR_PARSE);
	ssrc = load_u32(buf->data + 4);
	if (!ssrc_table_may_pass(&s->remote, now, ssrc))
		return refuse(s, now, "no budget for the SSRC", &s->stats.ssrc_refused, WLK_ERR_NOSPACE);
	status = srtp_unprotect_rtcp(s->in, buf->data, &size);
	err = received(s, now, buf, ssrc, status, size);
	if (!err)
		s->stats.rtcp_in++;
	return err;
}

/* --- SSRCs ------------------------------------------------------------------------------------------------------ */

wlk_err srtp_session_allow_ssrc(struct srtp_session *s, uint32_t ssrc)
{
	return ssrc_table_announce(&s->remote, ssrc);
}

void srtp_session_remove_ssrc(struct srtp_session *s, uint32_t ssrc)
{
	ssrc_table_retire(&s->remote, ssrc);
	(void)srtp_remove_stream(s->in, htonl(ssrc)); /* no_ctx when it never sent */
}

size_t srtp_session_overhead(const struct srtp_session *s)
{
	return s->tag;
}

size_t srtp_session_rtcp_overhead(const struct srtp_session *s)
{
	return s->tag + SRTCP_INDEX;
}

enum srtp_keys_profile srtp_session_profile(const struct srtp_session *s)
{
	return s->profile;
}

const struct srtp_stats *srtp_session_stats(const struct srtp_session *s)
{
	return &s->stats;
}
