/* SDP text: what is read is written and read again to the same text, in linear time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/alloc.h"
#include "sdp/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(fact)                                                                                                  \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact);                             \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* |write| of |session| read again by |parse| and written again gives the same text. */
static void round_trip(const struct sdp_session *session, bool fragment)
{
	struct sdp_session *again = NULL;
	struct text first, second;
	wlk_err err;

	text_init(&first);
	text_init(&second);
	err = fragment ? sdp_fragment_write(session, &first) : sdp_write(session, &first);
	require(err == WLK_OK);
	/* CRLF for LF may pass the size limit; an empty fragment is no fragment */
	if (first.size <= SDP_MAX_SIZE && first.size) {
		err = fragment ? sdp_fragment_parse(&again, first.at, first.size, NULL)
			       : sdp_parse(&again, first.at, first.size, NULL);
		require(err == WLK_OK);
		err = fragment ? sdp_fragment_write(again, &second) : sdp_write(again, &second);
		require(err == WLK_OK);
		require(first.size == second.size && !memcmp(first.at, second.at, first.size));
		require(again->media_count == session->media_count);
	}
	sdp_session_destroy(again);
	text_free(&first);
	text_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdp_session *session = NULL;
	struct sdp_error err = { 0 };
	clock_t start = clock();

	if (sdp_parse(&session, (const char *)data, size, &err) == WLK_OK)
		round_trip(session, false);
	else
		require(!session && err.message[0]);
	sdp_session_destroy(session);
	session = NULL;
	if (sdp_fragment_parse(&session, (const char *)data, size, &err) == WLK_OK)
		round_trip(session, true);
	else
		require(!session && err.message[0]);
	sdp_session_destroy(session);
	require(clock() - start < 2 * CLOCKS_PER_SEC);
	require(alloc_live_blocks() == 0);
	return 0;
}
