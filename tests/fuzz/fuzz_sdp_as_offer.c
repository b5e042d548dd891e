/* An arbitrary remote offer: what passes the check is answered, and the answer fits the offer in every way we promise.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/alloc.h"
#include "sdp/attr.h"
#include "sdp/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(fact)                                                                                                  \
	do {                                                                                                           \
		if (!(fact)) {                                                                                         \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact);                             \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* Extension ids and directions of the answer come from the offer. */
static void extensions_fit(const struct sdp_session *offer, const struct sdp_media *offered,
			   const struct sdp_media *media)
{
	for (size_t i = 0; i < media->extmap_count; i++) {
		const struct sdp_extmap *map;
		bool found = false;

		for (size_t k = 0; (map = sdp_media_extmap(offer, offered, k)); k++)
			found = found ||
				(map->id == media->extmaps[i].id && str_equal(map->uri, media->extmaps[i].uri));
		require(found);
	}
}

/* No rtx without its codec, no codec that was not offered with the same name. */
static void codecs_fit(const struct sdp_media *offered, const struct sdp_media *media)
{
	for (size_t i = 0; i < media->codec_count; i++) {
		const struct sdp_codec *codec = &media->codecs[i];
		const struct sdp_codec *asked = sdp_codec_by_type(offered, codec->payload_type);
		uint32_t apt;

		require(asked && str_equal_nocase(asked->name, codec->name));
		if (str_equal_nocase(codec->name, STR("rtx")))
			require(sdp_fmtp_number(codec->fmtp, STR("apt"), 127, &apt) &&
				sdp_codec_by_type(media, (uint8_t)apt));
		for (size_t k = 0; k < codec->feedback_count; k++)
			require(sdp_codec_has_feedback(offered, asked, codec->feedback[k].type,
						       codec->feedback[k].parameter));
	}
}

static void answer_fits(const struct sdp_session *offer, const struct sdp_session *answer)
{
	require(sdp_check_answer(offer, answer, NULL) == WLK_OK);
	for (size_t i = 0; i < answer->media_count; i++) {
		const struct sdp_media *media = answer->media[i], *offered = offer->media[i];

		if (sdp_media_rejected(media))
			continue;
		if (media->kind != SDP_APPLICATION) /* data channels have no direction */
			require(!(sdp_media_direction(answer, media) &
				  ~(unsigned)sdp_direction_reverse(sdp_media_direction(offer, offered))));
		codecs_fit(offered, media);
		extensions_fit(offer, offered, media);
	}
}

static void agrees(const struct sdp_session *answer, const struct sdp_session *offer)
{
	struct sdp_agreement *a = NULL;

	require(sdp_agree(&a, answer, offer, false, NULL) == WLK_OK);
	if (a->transport.present)
		require(a->transport.ufrag.size >= 4 && a->transport.pwd.size >= 22 && a->transport.fingerprint_count);
	for (size_t i = 0; i < a->section_count; i++)
		require(a->sections[i].rejected || a->transport.present);
	sdp_agreement_destroy(a);
	require(sdp_agree(&a, offer, answer, true, NULL) == WLK_OK);
	sdp_agreement_destroy(a);
}

/* The offer that we would make next keeps every m-line. */
static void offers_again(struct sdp_local *local, struct sdp_wish *wishes, const struct sdp_session *answer,
			 const struct sdp_session *offer)
{
	struct sdp_offer_options options = { .previous_local = answer, .previous_remote = offer, .recycle = true };
	struct sdp_session *next = NULL;
	struct text text;

	for (size_t i = 0; i < local->wish_count; i++)
		wishes[i].mid = answer->media[i]->mid;
	if (sdp_make_offer(&next, local, &options, NULL))
		return; /* mids that are no tokens */
	require(next->media_count == offer->media_count);
	text_init(&text);
	require(sdp_write(next, &text) == WLK_OK && sdp_check_offer(next, NULL) == WLK_OK);
	text_free(&text);
	sdp_session_destroy(next);
}

/* |variant|: bit 0 our own H.264 level, bit 1 codec preferences. */
static void answer(const struct sdp_session *offer, size_t variant)
{
	static struct sdp_capabilities caps;
	uint16_t preferences[SDP_MAX_CODEC_CAPABILITIES];
	struct sdp_fingerprint fp = { .hash = SDP_HASH_SHA256, .algorithm = STR("sha-256"), .size = 32 };
	struct sdp_transport transport = {
		.ufrag = STR("abcd"), .pwd = STR("0123456789012345678901"), .fingerprints = &fp, .fingerprint_count = 1
	};
	struct sdp_encoding encodings[] = { { .ssrc = 1, .rtx_ssrc = 2, .rid = STR("q") },
					    { .ssrc = 3, .rid = STR("h") } };
	struct sdp_wish wishes[SDP_MAX_MEDIA] = { 0 };
	struct sdp_local local = {
		.capabilities = &caps, .transport = &transport, .wishes = wishes, .wish_count = offer->media_count
	};
	struct sdp_session *out = NULL, *again = NULL;
	struct text text;

	sdp_default_capabilities(&caps);
	sdp_capabilities_enable_codec(&caps, STR("red"), true);
	sdp_capabilities_enable_codec(&caps, STR("ulpfec"), true);
	caps.h264_own_level = variant & 1;
	for (uint16_t i = 0; i < caps.codec_count; i++)
		preferences[i] = (uint16_t)(caps.codec_count - 1 - i);
	for (size_t i = 0; i < offer->media_count; i++)
		wishes[i] = (struct sdp_wish){ .kind = offer->media[i]->kind == SDP_OTHER ? SDP_AUDIO
											  : offer->media[i]->kind,
					       .direction = SDP_SENDRECV,
					       .cname = STR("c"),
					       .track = STR("t"),
					       .encodings = encodings,
					       .encoding_count = 2,
					       .receive_simulcast = true,
					       .codecs = variant & 2 ? preferences : NULL,
					       .codec_count = variant & 2 ? caps.codec_count : 0 };
	require(sdp_make_answer(&out, offer, &local, NULL) == WLK_OK);
	answer_fits(offer, out);
	agrees(out, offer);
	text_init(&text);
	require(sdp_write(out, &text) == WLK_OK);
	require(sdp_parse(&again, text.at, text.size, NULL) == WLK_OK || text.size > SDP_MAX_SIZE);
	text_free(&text);
	offers_again(&local, wishes, out, offer);
	sdp_session_destroy(again);
	sdp_session_destroy(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdp_session *offer = NULL;
	struct sdp_error err = { 0 };

	if (sdp_parse(&offer, (const char *)data, size, NULL))
		return 0;
	if (sdp_check_offer(offer, &err))
		require(err.message[0]);
	else
		answer(offer, size);
	sdp_session_destroy(offer);
	require(alloc_live_blocks() == 0);
	return 0;
}
