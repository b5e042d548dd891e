/* srtp/session.h and srtp/keys.h as a recording answers them: packets come decrypted from it, and sealed ones keep their plain bytes. */
#define SEAM_INSIDE
#include "replay.h"

#include "core/alloc.h"
#include "core/crypto.h"

struct srtp_session {
	uint8_t number;
	enum srtp_keys_profile profile;
	struct srtp_stats stats;
};

wlk_err srtp_library_start(void)
{
	return WLK_OK;
}

wlk_err srtp_keys_from_exporter(struct srtp_keys *out, enum srtp_keys_profile profile, const uint8_t *block, size_t size, bool is_client)
{
	(void)block;
	(void)size;
	(void)is_client;
	*out = (struct srtp_keys){ .profile = profile };
	return WLK_OK;
}

void srtp_keys_wipe(struct srtp_keys *keys)
{
	(void)keys;
}

wlk_err srtp_session_create(struct srtp_session **out, const struct srtp_session_config *config)
{
	struct bytes_reader body = replay_take(RECORD_SRTP_NEW);
	struct srtp_session *s = wlk_calloc(1, sizeof(*s));
	wlk_err err;

	(void)config;
	if (!s)
		return WLK_ERR_NOMEM;
	s->number = bytes_u8(&body);
	err = record_get_err(&body);
	s->profile = (enum srtp_keys_profile)bytes_u16(&body);
	if (err)
		wlk_free(s);
	else
		*out = s;
	return err;
}

void srtp_session_destroy(struct srtp_session *s)
{
	wlk_free(s);
}

static wlk_err protect(enum record_kind kind, struct srtp_session *s, struct pktbuf *buf)
{
	struct bytes_reader body = replay_take_of(kind, s->number);
	wlk_err err = record_get_err(&body);
	size_t size = bytes_u16(&body);

	if (bytes_u32(&body) != crypto_crc32(buf->data, buf->size))
		replay_diverge("the plain packet to be sent is not the one that was recorded");
	replay_check(&body);
	if (size > buf->size) {
		if (size - buf->size > pktbuf_tailroom(buf))
			replay_diverge("the file is damaged: a seal is larger than any");
		memset(buf->data + buf->size, 0, size - buf->size);
	}
	buf->size = size;
	return err;
}

wlk_err srtp_session_protect_rtp(struct srtp_session *s, struct pktbuf *buf)
{
	return protect(RECORD_SRTP_PROTECT, s, buf);
}

wlk_err srtp_session_protect_rtcp(struct srtp_session *s, struct pktbuf *buf)
{
	return protect(RECORD_SRTP_PROTECT_RTCP, s, buf);
}

static wlk_err unprotect(enum record_kind kind, struct srtp_session *s, struct pktbuf *buf)
{
	struct bytes_reader body = replay_take_of(kind, s->number);
	wlk_err err = record_get_err(&body);

	if (err)
		return err;
	if (body.left > buf->size)
		replay_diverge("the file is damaged: a plain packet is larger than the sealed one");
	buf->size = body.left;
	if (buf->size)
		memcpy(buf->data, body.at, buf->size);
	return WLK_OK;
}

wlk_err srtp_session_unprotect_rtp(struct srtp_session *s, wlk_time now, struct pktbuf *buf)
{
	(void)now;
	return unprotect(RECORD_SRTP_UNPROTECT, s, buf);
}

wlk_err srtp_session_unprotect_rtcp(struct srtp_session *s, wlk_time now, struct pktbuf *buf)
{
	(void)now;
	return unprotect(RECORD_SRTP_UNPROTECT_RTCP, s, buf);
}

wlk_err srtp_session_allow_ssrc(struct srtp_session *s, uint32_t ssrc)
{
	(void)ssrc;
	return replay_take_err(RECORD_SRTP_ALLOW, s->number);
}

const struct srtp_stats *srtp_session_stats(const struct srtp_session *s)
{
	return &s->stats;
}
