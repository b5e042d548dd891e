/*
 * Sealed packets that the input changes: none of them may be accepted, and the true packet must still be afterwards.
 *
 * Input: profile, RTP or RTCP, length of the payload, then pairs of position and change; a tail that is no pair is
 * appended to the packet.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "srtp/session.h"

#define CHECK(fact)                                                                                                    \
	do {                                                                                                           \
		if (!(fact))                                                                                           \
			abort();                                                                                       \
	} while (0)

static struct srtp_session *sender[3], *receiver[3];
static uint64_t counter[3];

static void set_up(void)
{
	static const enum srtp_keys_profile profiles[3] = { SRTP_KEYS_AES128_CM_SHA1_80, SRTP_KEYS_AEAD_AES_128_GCM,
							    SRTP_KEYS_AEAD_AES_256_GCM };
	uint8_t block[88];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 11);
	for (int i = 0; i < 3; i++) {
		struct srtp_keys_sizes s = srtp_keys_sizes(profiles[i]);
		struct srtp_keys keys;

		CHECK(srtp_keys_from_exporter(&keys, profiles[i], block, 2 * (s.key + s.salt), true) == WLK_OK);
		CHECK(srtp_session_create(&sender[i], &(struct srtp_session_config){ .keys = &keys }) == WLK_OK);
		CHECK(srtp_keys_from_exporter(&keys, profiles[i], block, 2 * (s.key + s.salt), false) == WLK_OK);
		CHECK(srtp_session_create(&receiver[i], &(struct srtp_session_config){ .keys = &keys }) == WLK_OK);
		CHECK(srtp_session_allow_ssrc(receiver[i], 0x01020304) == WLK_OK);
	}
}

static wlk_err unprotect(int profile, bool rtcp, struct pktbuf *buf)
{
	return rtcp ? srtp_session_unprotect_rtcp(receiver[profile], 0, buf)
		    : srtp_session_unprotect_rtp(receiver[profile], 0, buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pktbuf *buf, *bad;
	int profile;
	bool rtcp;

	if (!sender[0])
		set_up();
	if (size < 3)
		return 0;
	profile = data[0] % 3;
	rtcp = data[1] & 1;
	buf = pktbuf_alloc(NULL, 400);
	buf->size = (rtcp ? 8u : 12u) + data[2];
	memset(buf->data, data[2], buf->size);
	buf->data[0] = 0x80;
	buf->data[1] = rtcp ? 201 : 96;
	store_u16(buf->data + 2, (uint16_t)(rtcp ? 0 : counter[profile]++));
	store_u32(buf->data + (rtcp ? 4 : 8), 0x01020304);
	CHECK((rtcp ? srtp_session_protect_rtcp(sender[profile], buf)
		    : srtp_session_protect_rtp(sender[profile], buf)) == WLK_OK);

	bad = pktbuf_alloc(NULL, 2048);
	memcpy(bad->data, buf->data, buf->size);
	bad->size = buf->size;
	if (data[1] & 2)
		bad->size -= 1 + data[1] / 4u % bad->size;
	for (data += 3, size -= 3; size >= 2 && bad->size; data += 2, size -= 2)
		bad->data[data[0] % bad->size] ^= data[1];
	if (size == 1 && bad->size < 1000)
		bad->data[bad->size++] = data[0];
	if (bad->size != buf->size || memcmp(bad->data, buf->data, buf->size) != 0) {
		struct pktbuf *exact =
			malloc(sizeof(*exact)); /* a view that ends with the packet: over-reads are seen */
		uint8_t *bytes = malloc(bad->size ? bad->size : 1);

		memcpy(bytes, bad->data, bad->size);
		*exact = (struct pktbuf){
			.data = bytes, .size = bad->size, .room = bytes, .room_end = bytes + bad->size
		};
		CHECK(unprotect(profile, rtcp, exact) != WLK_OK);
		CHECK(exact->size == bad->size);
		free(bytes);
		free(exact);
	}
	CHECK(unprotect(profile, rtcp, buf) == WLK_OK);
	pktbuf_release(bad);
	pktbuf_release(buf);
	return 0;
}
