/* The calls of rtp_parameters.h in a recording, made again. */
#include "replay.h"

#include "core/alloc.h"

static void free_text(const char *text)
{
	wlk_free((char *)(uintptr_t)text);
}

static size_t read_count(struct bytes_reader *body, size_t most)
{
	size_t count = bytes_u16(body);

	if (count > most)
		replay_diverge("the file is damaged: a list is too long");
	return count;
}

size_t replay_get_encodings(struct bytes_reader *body, struct record_encoding *out, wlk_rtp_encoding *encodings)
{
	size_t count = read_count(body, WLK_RTP_ENCODINGS_MAX);

	for (size_t i = 0; i < count; i++) {
		record_get_encoding(body, &out[i]);
		encodings[i] = out[i].encoding;
	}
	replay_check(body);
	return count;
}

static void get_parameters(struct bytes_reader *body)
{
	static wlk_rtp_send_parameters unused; /* large */

	(void)!wlk_rtp_sender_parameters(wlk_transceiver_sender(replay_transceiver(body)), &unused);
}

static void set_parameters(struct bytes_reader *body)
{
	wlk_rtp_sender *sender = wlk_transceiver_sender(replay_transceiver(body));
	struct record_encoding encodings[WLK_RTP_ENCODINGS_MAX];
	wlk_rtp_send_parameters *p;
	size_t encoding_count, extension_count, codec_count;
	const uint8_t *id;

	if (!bytes_u8(body)) {
		(void)!wlk_rtp_sender_set_parameters(sender, NULL);
		return;
	}
	p = wlk_calloc(1, sizeof(*p));
	if (!p)
		replay_diverge("out of memory");
	id = bytes_take(body, sizeof(p->transaction_id));
	if (id)
		memcpy(p->transaction_id, id, sizeof(p->transaction_id));
	p->encoding_count = bytes_u32(body);
	p->header_extension_count = bytes_u32(body);
	p->codec_count = bytes_u32(body);
	p->reduced_size = bytes_u8(body) != 0;
	p->degradation_preference = (wlk_degradation_preference)bytes_u32(body);
	p->cname = record_get_text(body);
	encoding_count = replay_get_encodings(body, encodings, p->encodings);
	extension_count = read_count(body, WLK_RTP_EXTENSIONS_MAX);
	for (size_t i = 0; i < extension_count; i++)
		record_get_extension(body, &p->header_extensions[i]);
	codec_count = read_count(body, WLK_RTP_CODECS_MAX);
	for (size_t i = 0; i < codec_count; i++)
		record_get_codec(body, &p->codecs[i]);
	replay_check(body);
	(void)!wlk_rtp_sender_set_parameters(sender, p);
	for (size_t i = 0; i < encoding_count; i++)
		record_free_encoding(&encodings[i]);
	for (size_t i = 0; i < extension_count; i++)
		free_text(p->header_extensions[i].uri);
	for (size_t i = 0; i < codec_count; i++)
		record_free_codec(&p->codecs[i]);
	free_text(p->cname);
	wlk_free(p);
}

static void with_rids(struct bytes_reader *body)
{
	wlk_transceiver *t = replay_transceiver(body);
	bool accept = bytes_u8(body) != 0, given = bytes_u8(body) != 0;
	const char *rids[RECORD_CONFIG_ITEMS_MAX] = { 0 };
	size_t count = bytes_u16(body), kept = given ? MIN(count, ARRAY_SIZE(rids)) : 0;

	for (size_t i = 0; i < kept; i++)
		rids[i] = record_get_text(body);
	replay_check(body);
	if (replay.call.kind == RECORD_RECEIVE_SIMULCAST)
		(void)!wlk_transceiver_set_receive_simulcast(t, accept, given ? rids : NULL, count);
	else
		(void)!wlk_rtp_sender_generate_key_frame(wlk_transceiver_sender(t), given ? rids : NULL, kept ? kept : count);
	for (size_t i = 0; i < kept; i++)
		free_text(rids[i]);
}

static void set_receive_limits(struct bytes_reader *body)
{
	wlk_transceiver *t = replay_transceiver(body);
	char *rid = record_get_text(body);
	uint8_t given = bytes_u8(body);
	wlk_rid_limits limits;

	record_get_rid_limits(body, &limits);
	replay_check(body);
	if (given == 2)
		limits.struct_size = 0; /* as the application had it */
	(void)!wlk_transceiver_set_receive_limits(t, rid, given ? &limits : NULL);
	wlk_free(rid);
}

static void set_codec_preferences(struct bytes_reader *body)
{
	wlk_transceiver *t = replay_transceiver(body);
	bool given = bytes_u8(body) != 0;
	size_t count = bytes_u32(body), kept = read_count(body, 4 * WLK_RTP_CODECS_MAX);
	wlk_rtp_codec *codecs = wlk_calloc(kept + 1, sizeof(*codecs));

	if (!codecs)
		replay_diverge("out of memory");
	for (size_t i = 0; i < kept; i++)
		record_get_codec(body, &codecs[i]);
	replay_check(body);
	(void)!wlk_transceiver_set_codec_preferences(t, given ? codecs : NULL, count);
	for (size_t i = 0; i < kept; i++)
		record_free_codec(&codecs[i]);
	wlk_free(codecs);
}

static void set_extensions(struct bytes_reader *body)
{
	wlk_transceiver *t = replay_transceiver(body);
	wlk_rtp_header_extension extensions[2 * WLK_RTP_EXTENSIONS_MAX] = { 0 };
	bool given = bytes_u8(body) != 0;
	size_t count = read_count(body, ARRAY_SIZE(extensions));

	for (size_t i = 0; given && i < count; i++)
		record_get_extension(body, &extensions[i]);
	replay_check(body);
	(void)!wlk_transceiver_set_header_extensions_to_negotiate(t, given ? extensions : NULL, count);
	for (size_t i = 0; given && i < count; i++)
		free_text(extensions[i].uri);
}

static void insert_dtmf(struct bytes_reader *body)
{
	wlk_rtp_sender *sender = wlk_transceiver_sender(replay_transceiver(body));
	uint32_t duration = bytes_u32(body), gap = bytes_u32(body);
	char *tones = record_get_text(body);

	replay_check(body);
	(void)!wlk_rtp_sender_insert_dtmf(sender, tones, duration, gap);
	wlk_free(tones);
}

bool replay_parameters_call(struct bytes_reader body)
{
	switch ((enum record_kind)replay.call.kind) {
	case RECORD_GET_PARAMETERS:
		get_parameters(&body);
		return true;
	case RECORD_SET_PARAMETERS:
		set_parameters(&body);
		return true;
	case RECORD_GENERATE_KEY_FRAME:
	case RECORD_RECEIVE_SIMULCAST:
		with_rids(&body);
		return true;
	case RECORD_RECEIVE_LIMITS:
		set_receive_limits(&body);
		return true;
	case RECORD_CODEC_PREFERENCES:
		set_codec_preferences(&body);
		return true;
	case RECORD_HEADER_EXTENSIONS:
		set_extensions(&body);
		return true;
	case RECORD_INSERT_DTMF:
		insert_dtmf(&body);
		return true;
	default:
		return false;
	}
}
