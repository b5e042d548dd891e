/* An arbitrary remote answer to an offer of ours: what passes the checks agrees with it, and the next offer keeps it.
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

struct side {
	struct sdp_capabilities caps;
	struct sdp_fingerprint fp;
	struct sdp_transport transport;
	struct sdp_encoding layers[2];
	struct sdp_encoding single;
	struct str rids[2];
	struct sdp_wish wishes[4];
	struct sdp_local local;
};

static struct sdp_wish wish(struct side *side, enum sdp_kind kind, struct str mid)
{
	return (struct sdp_wish){ .kind = kind,
				  .mid = mid,
				  .direction = SDP_SENDRECV,
				  .track = STR("t"),
				  .cname = STR("c"),
				  .encodings = &side->single,
				  .encoding_count = 1 };
}

/* Audio, video, simulcast video both ways and data channels. */
static void side_init(struct side *side)
{
	sdp_default_capabilities(&side->caps);
	sdp_capabilities_enable_codec(&side->caps, STR("H264"), false); /* short offers, more executions */
	side->fp = (struct sdp_fingerprint){ .hash = SDP_HASH_SHA256, .algorithm = STR("sha-256"), .size = 32 };
	side->transport = (struct sdp_transport){ .ufrag = STR("abcd"),
						  .pwd = STR("0123456789012345678901"),
						  .fingerprints = &side->fp,
						  .fingerprint_count = 1 };
	side->layers[0] = (struct sdp_encoding){ .rid = STR("q") };
	side->layers[1] = (struct sdp_encoding){ .rid = STR("h") };
	side->single = (struct sdp_encoding){ .ssrc = 1, .rtx_ssrc = 2 };
	side->rids[0] = STR("1");
	side->rids[1] = STR("2");
	side->wishes[0] = wish(side, SDP_AUDIO, STR("0"));
	side->wishes[1] = wish(side, SDP_VIDEO, STR("1"));
	side->wishes[2] = wish(side, SDP_VIDEO, STR("2"));
	side->wishes[3] = wish(side, SDP_APPLICATION, STR("3"));
	side->wishes[2].encodings = side->layers;
	side->wishes[2].encoding_count = 2;
	side->wishes[2].receive_rids = side->rids;
	side->wishes[2].receive_rid_count = 2;
	side->local = (struct sdp_local){
		.capabilities = &side->caps, .transport = &side->transport, .wishes = side->wishes, .wish_count = 4
	};
}

static void sections_fit(const struct sdp_session *offer, const struct sdp_agreement *a)
{
	for (size_t i = 0; i < a->section_count; i++) {
		const struct sdp_agreed_section *section = &a->sections[i];

		require(section->rejected || a->transport.present);
		require(section->send_rid_count <= 2 && section->receive_rid_count <= 2);
		for (size_t k = 0; k < section->codec_count; k++)
			require(sdp_codec_by_type(offer->media[i], section->codecs[k].send_type));
		for (size_t k = 0; k < section->extension_count; k++)
			require(section->extensions[k].direction != SDP_INACTIVE);
	}
	if (a->transport.present)
		require(a->transport.ufrag.size >= 4 && a->transport.pwd.size >= 22 && a->transport.fingerprint_count);
}

static void answered(struct side *side, const struct sdp_session *offer, const struct sdp_session *answer)
{
	struct sdp_offer_options options = { .previous_local = offer, .previous_remote = answer, .recycle = true };
	struct sdp_agreement *a = NULL;
	struct sdp_session *next = NULL;
	struct sdp_update update;

	require(sdp_agree(&a, offer, answer, true, NULL) == WLK_OK);
	sections_fit(offer, a);
	sdp_agreement_destroy(a);
	require(sdp_check_update(answer, answer, true, false, &update, NULL) == WLK_OK);
	require(!update.ice_restart && !update.fingerprint_changed);
	require(sdp_make_offer(&next, &side->local, &options, NULL) == WLK_OK);
	require(sdp_check_offer(next, NULL) == WLK_OK && next->media_count == offer->media_count);
	for (size_t i = 0; i < offer->media_count; i++)
		for (size_t k = 0; k < next->media[i]->codec_count; k++) {
			const struct sdp_codec *codec = &next->media[i]->codecs[k];
			const struct sdp_codec *before = sdp_codec_by_type(offer->media[i], codec->payload_type);

			require(!before || str_equal(before->name, codec->name));
		}
	sdp_session_destroy(next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sdp_session *offer = NULL, *answer = NULL;
	struct sdp_error err = { 0 };
	struct sdp_update update;
	struct side side;

	side_init(&side);
	require(sdp_make_offer(&offer, &side.local, NULL, NULL) == WLK_OK);
	if (!sdp_parse(&answer, (const char *)data, size, NULL)) {
		if (sdp_check_answer(offer, answer, &err))
			require(err.message[0]);
		else
			answered(&side, offer, answer);
		if (sdp_check_update(offer, answer, size & 1, size & 2, &update, &err))
			require(err.message[0]);
	}
	sdp_session_destroy(answer);
	sdp_session_destroy(offer);
	require(alloc_live_blocks() == 0);
	return 0;
}
