/* What the tests of sdp/ share: descriptions from text and from files, a local side with everything filled in. */
#ifndef UNIT_SDP_SUPPORT_H
#define UNIT_SDP_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "sdp/attr.h"
#include "sdp/negotiate.h"

#define TEST_HEX32       "82:F1:0A:BE:77:D3:C3:23:CF:CF:22:70:E3:F2:C3:F0:75:39:A5:56:8F:7D:C9:5A:D6:7C:AB:3C:D6:C7:45:06"
#define TEST_FINGERPRINT "a=fingerprint:sha-256 " TEST_HEX32 "\r\n"
#define TEST_ICE         "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
#define TEST_HEAD        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

/* A local side: capabilities, transport and one wish for each m-line, all to be changed by the test. */
struct sdp_side {
	struct sdp_capabilities caps;
	struct sdp_fingerprint fingerprint;
	struct str candidate;
	struct sdp_transport transport;
	struct sdp_encoding encoding;
	struct sdp_wish wishes[SDP_MAX_MEDIA];
	struct sdp_local local;
};

void side_init(struct sdp_side *side);
/* One sendrecv wish for each m-line of the offer. */
void side_follow(struct sdp_side *side, const struct sdp_session *offer);
/* A wish of its own with this mid. */
struct sdp_wish *side_add(struct sdp_side *side, enum sdp_kind kind, const char *mid);

/* Parsed from text that must be good. */
struct sdp_session *must_parse(const char *text);
/* The text must be refused with this error, on this line, with this in the message. */
void must_refuse(const char *text, wlk_err code, size_t line, const char *message);
/* Written; must work; free with wlk_free(). */
char *must_write(const struct sdp_session *session);
struct sdp_session *must_answer(const struct sdp_session *offer, const struct sdp_side *side);
struct sdp_session *must_offer(const struct sdp_side *side, const struct sdp_offer_options *options);
struct sdp_agreement *must_agree(const struct sdp_session *local, const struct sdp_session *remote,
				 bool local_is_offer);
/* sdp_check_offer() must refuse with this in the message. */
void must_not_check(const char *text, size_t line, const char *message);

/* A file of tests/vectors/sdp, NUL-terminated; free with wlk_free(). */
char *read_vector(const char *name, size_t *size);
/* Calls |fn| with the name of each file there; the number of files. */
size_t each_vector(void (*fn)(const char *name, const char *text, size_t size));

bool contains(const char *text, const char *part);
size_t occurrences(const char *text, const char *part);
void str_is(struct str s, const char *expected);

#endif
