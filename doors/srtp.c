/* SRTP sessions as objects of their own; a wlk_srtp_session is a session of srtp/ under its public name, on the caller's memory. */
#include <wirelark/srtp.h>

#include "core/crypto.h"
#include "doors/lend.h"
#include "srtp/session.h"

static_assert(WLK_SRTP_ROOM == PKTBUF_TAILROOM, "the room that is asked for is the room that srtp/ wants");
static_assert(WLK_SRTP_KEY_MAX == SRTP_KEYS_MAX, "every key fits");

static struct srtp_session *unwrap(const wlk_srtp_session *session)
{
	return (struct srtp_session *)(uintptr_t)session;
}

void wlk_srtp_keys_wipe(wlk_srtp_keys *keys)
{
	if (keys)
		crypto_wipe(keys, sizeof(*keys));
}

wlk_err wlk_srtp_session_create(const wlk_srtp_keys *keys, size_t replay_window, wlk_srtp_session **out)
{
	struct srtp_keys own;
	struct srtp_session *session;
	wlk_err err;

	if (!keys || !out || keys->size > SRTP_KEYS_MAX)
		return WLK_ERR_INVALID;
	own = (struct srtp_keys){ .profile = (enum srtp_keys_profile)keys->profile, .size = keys->size };
	memcpy(own.local, keys->local, sizeof(own.local));
	memcpy(own.remote, keys->remote, sizeof(own.remote));
	err = srtp_session_create(&session, &(struct srtp_session_config){ .keys = &own, .window = replay_window });
	srtp_keys_wipe(&own);
	if (!err)
		*out = (wlk_srtp_session *)session;
	return err;
}

void wlk_srtp_session_destroy(wlk_srtp_session *session)
{
	srtp_session_destroy(unwrap(session));
}

/* libsrtp reads words of 32 bits. */
static bool is_aligned(const uint8_t *packet)
{
	return packet && !((uintptr_t)packet % 4);
}

/* The caller's memory as a packet buffer, which nobody counts or frees. */
static struct pktbuf view(uint8_t *packet, size_t size, size_t capacity)
{
	return (struct pktbuf){ .data = packet, .size = size, .room = packet, .room_end = packet + capacity, .refs = 1 };
}

static wlk_err protect(wlk_srtp_session *session, uint8_t *packet, size_t *size, size_t capacity,
		       wlk_err (*seal)(struct srtp_session *s, struct pktbuf *buf))
{
	struct pktbuf buf;
	wlk_err err;

	if (!is_aligned(packet) || !size || *size > PKTBUF_PAYLOAD)
		return WLK_ERR_INVALID;
	if (capacity < *size || capacity - *size < WLK_SRTP_ROOM)
		return WLK_ERR_NOSPACE;
	buf = view(packet, *size, capacity);
	err = seal(unwrap(session), &buf);
	if (!err)
		*size = buf.size;
	return err;
}

wlk_err wlk_srtp_session_protect_rtp(wlk_srtp_session *session, uint8_t *packet, size_t *size, size_t capacity)
{
	return protect(session, packet, size, capacity, srtp_session_protect_rtp);
}

wlk_err wlk_srtp_session_protect_rtcp(wlk_srtp_session *session, uint8_t *packet, size_t *size, size_t capacity)
{
	return protect(session, packet, size, capacity, srtp_session_protect_rtcp);
}

static wlk_err unprotect(wlk_srtp_session *session, wlk_time now, uint8_t *packet, size_t *size,
			 wlk_err (*open)(struct srtp_session *s, wlk_time now, struct pktbuf *buf))
{
	struct pktbuf buf;
	wlk_err err;

	if (!is_aligned(packet) || !size)
		return WLK_ERR_INVALID;
	if (*size > PKTBUF_PAYLOAD)
		return WLK_ERR_PARSE;
	buf = view(packet, *size, *size);
	err = open(unwrap(session), now, &buf);
	if (!err)
		*size = buf.size;
	return err;
}

wlk_err wlk_srtp_session_unprotect_rtp(wlk_srtp_session *session, wlk_time now, uint8_t *packet, size_t *size)
{
	return unprotect(session, now, packet, size, srtp_session_unprotect_rtp);
}

wlk_err wlk_srtp_session_unprotect_rtcp(wlk_srtp_session *session, wlk_time now, uint8_t *packet, size_t *size)
{
	return unprotect(session, now, packet, size, srtp_session_unprotect_rtcp);
}

wlk_err wlk_srtp_session_allow_ssrc(wlk_srtp_session *session, uint32_t ssrc)
{
	return srtp_session_allow_ssrc(unwrap(session), ssrc);
}

void wlk_srtp_session_remove_ssrc(wlk_srtp_session *session, uint32_t ssrc)
{
	srtp_session_remove_ssrc(unwrap(session), ssrc);
}

size_t wlk_srtp_session_rtp_overhead(const wlk_srtp_session *session)
{
	return srtp_session_overhead(unwrap(session));
}

size_t wlk_srtp_session_rtcp_overhead(const wlk_srtp_session *session)
{
	return srtp_session_rtcp_overhead(unwrap(session));
}

wlk_err wlk_srtp_session_get_stats(const wlk_srtp_session *session, wlk_srtp_stats *out)
{
	const struct srtp_stats *of = srtp_session_stats(unwrap(session));
	const wlk_srtp_stats full = {
		.rtp_protected = of->rtp_out,
		.rtcp_protected = of->rtcp_out,
		.rtp_unprotected = of->rtp_in,
		.rtcp_unprotected = of->rtcp_in,
		.malformed = of->malformed,
		.authentication_failures = of->auth_failures,
		.replays = of->replays,
		.ssrcs_refused = of->ssrc_refused,
	};

	return lend_struct(out, &full, sizeof(full), offsetof(wlk_srtp_stats, ssrcs_refused) + sizeof(full.ssrcs_refused));
}
