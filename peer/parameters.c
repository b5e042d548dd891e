/* getParameters and setParameters of senders, getParameters of receivers, and what follows from them. */
#include <stdio.h>
#include <string.h>

#include "core/rand.h"
#include "peer/object.h"
#include "peer/rid_limits.h"
#include "sdp/attr.h"

const struct sdp_agreed_section *peer_agreed_section(const struct wlk_transceiver *t)
{
	const struct sdp_agreement *agreement = t->pc->agreement;

	if (!agreement || t->section >= agreement->section_count || agreement->sections[t->section].rejected)
		return NULL;
	return &agreement->sections[t->section];
}

/* ---- lending texts ---- */

enum { LENT_MAX = 2 * WLK_RTP_CODECS_MAX + WLK_RTP_EXTENSIONS_MAX + 2 * WLK_RTP_ENCODINGS_MAX + 8 };

/* Texts that a struct points to, in one block; the places are set at the end, because the block moves while it grows. */
struct lender {
	struct text text;
	size_t count;
	struct {
		const char **place;
		size_t offset;
	} items[LENT_MAX];
};

static void lend(struct lender *l, const char **place, struct str prefix, struct str s)
{
	assert(l->count < LENT_MAX && "as many places as the struct has");
	l->items[l->count].place = place;
	l->items[l->count++].offset = l->text.size;
	text_add_str(&l->text, prefix);
	text_add_str(&l->text, s);
	text_add_char(&l->text, '\0');
}

/* The block replaces *owner, whose texts end now. */
static wlk_err lend_all(struct lender *l, char **owner)
{
	char *block;

	text_add_char(&l->text, '\0'); /* there is always a block */
	block = text_take(&l->text);
	if (!block)
		return WLK_ERR_NOMEM;
	for (size_t i = 0; i < l->count; i++)
		*l->items[i].place = block + l->items[i].offset;
	wlk_free(*owner);
	*owner = block;
	return WLK_OK;
}

/* ---- what sender and receiver have in common ---- */

static struct str mime_prefix(enum sdp_kind kind)
{
	return kind == SDP_AUDIO ? STR("audio/") : STR("video/");
}

static void fill_codec(struct lender *l, enum sdp_kind kind, const struct sdp_agreed_codec *codec, bool sends, wlk_rtp_codec *out)
{
	struct str fmtp = sends ? codec->remote_fmtp : codec->local_fmtp;

	*out = (wlk_rtp_codec){
		.clock_rate = codec->clock_hz,
		.channels = kind == SDP_AUDIO ? codec->channels : 0,
		.payload_type = sends ? codec->send_type : codec->receive_type,
	};
	lend(l, &out->mime_type, mime_prefix(kind), codec->name);
	if (fmtp.size)
		lend(l, &out->sdp_fmtp_line, STR(""), fmtp);
}

static void fill_rtx(struct lender *l, enum sdp_kind kind, const struct sdp_agreed_codec *codec, bool sends, wlk_rtp_codec *out)
{
	char digits[4];

	snprintf(digits, sizeof(digits), "%u", (unsigned)(sends ? codec->send_type : codec->receive_type));
	*out = (wlk_rtp_codec){
		.clock_rate = codec->clock_hz,
		.payload_type = sends ? codec->send_rtx_type : codec->receive_rtx_type,
	};
	lend(l, &out->mime_type, mime_prefix(kind), STR("rtx"));
	lend(l, &out->sdp_fmtp_line, STR("apt="), str_of(digits));
}

static size_t fill_codecs(struct lender *l, const struct sdp_agreed_section *section, bool sends, wlk_rtp_codec *out)
{
	size_t count = 0;

	for (size_t i = 0; i < section->codec_count && count + 2 <= WLK_RTP_CODECS_MAX; i++) {
		const struct sdp_agreed_codec *codec = &section->codecs[i];

		fill_codec(l, section->kind, codec, sends, &out[count++]);
		if ((sends ? codec->send_rtx_type : codec->receive_rtx_type) != SDP_NO_TYPE)
			fill_rtx(l, section->kind, codec, sends, &out[count++]);
	}
	return count;
}

static size_t fill_extensions(struct lender *l, const struct sdp_agreed_section *section, enum sdp_direction way,
			      wlk_rtp_header_extension *out)
{
	size_t count = 0;

	for (size_t i = 0; i < section->extension_count && count < WLK_RTP_EXTENSIONS_MAX; i++) {
		const struct sdp_agreed_extension *ext = &section->extensions[i];

		if (!(ext->direction & way))
			continue;
		out[count] = (wlk_rtp_header_extension){ .id = (uint16_t)ext->id, .direction = (wlk_direction)ext->direction };
		lend(l, &out[count].uri, STR(""), ext->uri);
		count++;
	}
	return count;
}

/* ---- sender ---- */

static void fill_encoding(const struct wlk_transceiver *t, size_t i, wlk_rtp_encoding *out)
{
	const struct peer_encoding *e = &t->sender.encodings[i];

	*out = (wlk_rtp_encoding){
		.rid = e->rid[0] ? e->rid : NULL,
		.active = e->active,
		.has_max_bitrate = e->has_max_bitrate,
		.has_max_framerate = e->has_max_framerate,
		.has_scale_resolution_down_by = t->kind == WLK_MEDIA_VIDEO,
		.adaptive_ptime = e->adaptive_ptime,
		.max_bitrate = e->max_bitrate,
		.max_framerate = e->max_framerate,
		.scale_resolution_down_by = e->scale,
		.scalability_mode = e->scalability_mode,
		.priority = e->priority,
		.network_priority = e->network_priority,
	};
}

/* Codecs of encodings point at the negotiated ones, or at the capability before there are any. */
static void fill_encoding_codec(struct wlk_transceiver *t, size_t i, const wlk_rtp_send_parameters *p, wlk_rtp_encoding *out)
{
	int index = t->sender.encodings[i].codec;
	wlk_rtp_codec *lent = &t->sender.lent_codecs[i];

	out->codec = NULL;
	if (index < 0)
		return;
	*lent = peer_codec_of(&t->pc->capabilities.codecs[index]);
	for (size_t k = 0; k < p->codec_count; k++) {
		if (peer_codec_is(&t->pc->capabilities.codecs[index], &p->codecs[k])) {
			*lent = p->codecs[k];
			break;
		}
	}
	out->codec = lent;
}

static void fill_send(struct lender *l, struct wlk_transceiver *t, wlk_rtp_send_parameters *out)
{
	const struct sdp_agreed_section *section = peer_agreed_section(t);

	*out = (wlk_rtp_send_parameters){
		.encoding_count = t->sender.encoding_count,
		.cname = t->pc->cname,
		.reduced_size = section && section->rtcp_rsize,
		.degradation_preference = t->sender.degradation,
	};
	memcpy(out->transaction_id, t->sender.transaction_id, sizeof(out->transaction_id));
	for (size_t i = 0; i < out->encoding_count; i++)
		fill_encoding(t, i, &out->encodings[i]);
	if (!section)
		return;
	out->codec_count = fill_codecs(l, section, true, out->codecs);
	out->header_extension_count = fill_extensions(l, section, SDP_SENDONLY, out->header_extensions);
}

wlk_err wlk_rtp_sender_parameters(wlk_rtp_sender *sender, wlk_rtp_send_parameters *out)
{
	struct wlk_transceiver *t = sender->transceiver;
	wlk_rtp_send_parameters p;
	struct lender l = { 0 };
	wlk_err err;

	if (!out)
		return peer_fail(t->pc, WLK_ERR_INVALID, "there is no place for the parameters");
	RECORD(t->pc, record_transceiver_call(recorded, RECORD_GET_PARAMETERS, t, 0, 0));
	if (!sender->transaction_is_open) {
		err = rand_ice_chars(sender->transaction_id, sizeof(sender->transaction_id) - 1);
		if (err)
			return peer_fail(t->pc, err, "no random bytes for a transaction");
	}
	text_init(&l.text);
	fill_send(&l, t, &p);
	err = lend_all(&l, &sender->lent);
	if (err)
		return peer_fail(t->pc, err, "out of memory");
	for (size_t i = 0; i < p.encoding_count; i++)
		fill_encoding_codec(t, i, &p, &p.encodings[i]);
	sender->transaction_is_open = true;
	*out = p;
	return WLK_OK;
}

static bool same_text(const char *a, const char *b)
{
	return str_equal(str_of(a), str_of(b));
}

static bool same_codecs(const wlk_rtp_send_parameters *a, const wlk_rtp_send_parameters *b)
{
	if (a->codec_count != b->codec_count)
		return false;
	for (size_t i = 0; i < a->codec_count; i++) {
		const wlk_rtp_codec *x = &a->codecs[i], *y = &b->codecs[i];

		if (!same_text(x->mime_type, y->mime_type) || !same_text(x->sdp_fmtp_line, y->sdp_fmtp_line) ||
		    x->clock_rate != y->clock_rate || x->channels != y->channels || x->payload_type != y->payload_type)
			return false;
	}
	return true;
}

static bool same_extensions(const wlk_rtp_send_parameters *a, const wlk_rtp_send_parameters *b)
{
	if (a->header_extension_count != b->header_extension_count)
		return false;
	for (size_t i = 0; i < a->header_extension_count; i++) {
		const wlk_rtp_header_extension *x = &a->header_extensions[i], *y = &b->header_extensions[i];

		if (!same_text(x->uri, y->uri) || x->id != y->id || x->direction != y->direction)
			return false;
	}
	return true;
}

static bool same_rids(const wlk_rtp_send_parameters *a, const wlk_rtp_send_parameters *b)
{
	if (a->encoding_count != b->encoding_count)
		return false;
	for (size_t i = 0; i < a->encoding_count; i++)
		if (!same_text(a->encodings[i].rid, b->encodings[i].rid))
			return false;
	return true;
}

/* All that setParameters may not change is as it was handed out. */
static wlk_err check_read_only(struct wlk_transceiver *t, const wlk_rtp_send_parameters *p)
{
	wlk_peer_connection *pc = t->pc;
	struct lender l = { 0 };
	wlk_rtp_send_parameters now;
	char *block = NULL;
	wlk_err err;

	text_init(&l.text);
	fill_send(&l, t, &now);
	err = lend_all(&l, &block);
	if (err)
		return peer_fail(pc, err, "out of memory");
	if (memcmp(now.transaction_id, p->transaction_id, sizeof(now.transaction_id)) != 0)
		err = peer_fail(pc, WLK_ERR_NEGOTIATION, "the parameters are of another transaction");
	else if (!same_rids(&now, p))
		err = peer_fail(pc, WLK_ERR_NEGOTIATION, "encodings cannot be added, taken away, renamed or put in another order");
	else if (!same_codecs(&now, p) || !same_extensions(&now, p))
		err = peer_fail(pc, WLK_ERR_NEGOTIATION, "codecs and header extensions are read-only");
	else if (!same_text(now.cname, p->cname) || now.reduced_size != p->reduced_size)
		err = peer_fail(pc, WLK_ERR_NEGOTIATION, "the RTCP parameters are read-only");
	wlk_free(block);
	return err;
}

/* A layer that the far end did not agree to does not flow, whatever we wish. */
static void activate_layers(struct wlk_transceiver *t)
{
	const struct sdp_agreed_section *section = peer_agreed_section(t);
	struct media_send_layer layers[WLK_RTP_ENCODINGS_MAX];
	size_t count;

	if (!section || !t->transport)
		return;
	count = peer_encodings_layers(t, section, layers);
	for (size_t i = 0; i < count; i++)
		(void)media_engine_set_layer_active(t->transport->media, t->section, i, !layers[i].inactive);
	peer_limit_layers(t);
}

wlk_err wlk_rtp_sender_set_parameters(wlk_rtp_sender *sender, const wlk_rtp_send_parameters *parameters)
{
	struct wlk_transceiver *t = sender->transceiver;
	const struct sdp_agreed_section *section = peer_agreed_section(t);
	wlk_peer_connection *pc = t->pc;
	wlk_err err;

	RECORD(pc, record_set_parameters(recorded, t, parameters));
	if (pc->closed || t->stopping)
		return peer_fail(pc, WLK_ERR_STATE, "the transceiver is stopped");
	if (!parameters || (unsigned)parameters->degradation_preference > WLK_DEGRADATION_MAINTAIN_FRAMERATE_AND_RESOLUTION)
		return peer_fail(pc, WLK_ERR_INVALID, "there are no parameters, or no such degradation preference");
	if (!sender->transaction_is_open)
		return peer_fail(pc, WLK_ERR_STATE, "wlk_rtp_sender_parameters() begins a transaction");
	err = check_read_only(t, parameters);
	for (size_t i = 0; !err && i < parameters->encoding_count; i++)
		err = peer_encoding_check(pc, t->kind, section, &parameters->encodings[i]);
	if (err)
		return err;
	peer_refresh_now(pc);
	for (size_t i = 0; i < parameters->encoding_count; i++)
		peer_encoding_take(t, section, &sender->encodings[i], &parameters->encodings[i]);
	sender->degradation = parameters->degradation_preference;
	sender->transaction_is_open = false;
	activate_layers(t);
	peer_tell_bitrate_limit(pc, 0);
	peer_touch(pc);
	return WLK_OK;
}

/* ---- how much may be sent ---- */

/* Of one sender; false when an encoding that flows has no limit. */
static bool add_max_bitrate(const struct wlk_transceiver *t, uint64_t *sum)
{
	if (!(t->current & WLK_DIRECTION_SENDONLY) || t->stopping)
		return true;
	for (size_t i = 0; i < t->sender.encoding_count; i++) {
		uint64_t limit = peer_layer_max_bitrate(t, i);

		if (!t->sender.encodings[i].active)
			continue;
		if (!limit)
			return false;
		*sum += MIN(limit, UINT64_MAX / 1024);
	}
	return true;
}

uint64_t peer_max_bitrate(const wlk_peer_connection *pc)
{
	uint64_t sum = 0;

	list_for_each(item, &pc->transceivers)
	{
		if (!add_max_bitrate(list_entry(item, struct wlk_transceiver, link), &sum))
			return 0;
	}
	return sum;
}

void peer_tell_bitrate_limit(wlk_peer_connection *pc, uint64_t remote_bps)
{
	wlk_event ev = { .type = WLK_EVENT_BITRATE_LIMIT };
	uint64_t own = peer_max_bitrate(pc);

	if (remote_bps)
		pc->remote_bitrate_limit = remote_bps;
	ev.u.bitrate_limit = pc->remote_bitrate_limit;
	if (own && (!ev.u.bitrate_limit || own < ev.u.bitrate_limit))
		ev.u.bitrate_limit = own;
	if (!ev.u.bitrate_limit || (!remote_bps && ev.u.bitrate_limit == pc->told_bitrate_limit))
		return;
	pc->told_bitrate_limit = ev.u.bitrate_limit;
	peer_emit(pc, ev);
}

/* ---- key frames ---- */

void peer_emit_key_frame_request(struct wlk_transceiver *t, size_t layer)
{
	wlk_event ev = { .type = WLK_EVENT_KEY_FRAME_REQUEST };

	if (layer >= t->sender.encoding_count)
		return;
	ev.u.key_frame_request.transceiver = t;
	ev.u.key_frame_request.rid = t->sender.encodings[layer].rid[0] ? t->sender.encodings[layer].rid : NULL;
	peer_emit(t->pc, ev);
}

wlk_err wlk_rtp_sender_generate_key_frame(wlk_rtp_sender *sender, const char *const *rids, size_t count)
{
	struct wlk_transceiver *t = sender->transceiver;

	RECORD(t->pc, record_rids(recorded, RECORD_GENERATE_KEY_FRAME, t, false, rids, count));
	if (t->kind != WLK_MEDIA_VIDEO)
		return peer_fail(t->pc, WLK_ERR_UNSUPPORTED, "audio has no key frames");
	if (t->pc->closed || t->stopping || !(t->current & WLK_DIRECTION_SENDONLY))
		return peer_fail(t->pc, WLK_ERR_STATE, "nothing is sent");
	if (count && !rids)
		return peer_fail(t->pc, WLK_ERR_INVALID, "the rids are missing");
	for (size_t i = 0; i < count; i++) {
		if (!rids[i] || !sdp_is_rid(str_of(rids[i])))
			return peer_fail(t->pc, WLK_ERR_INVALID, "rid %zu is none", i);
		if (peer_encoding_by_rid(t, rids[i]) == SIZE_MAX)
			return peer_fail_as(t->pc, WLK_ERR_NOT_FOUND, "NotFoundError", "no encoding has the rid %s", rids[i]);
	}
	for (size_t i = 0; i < count; i++)
		peer_emit_key_frame_request(t, peer_encoding_by_rid(t, rids[i]));
	for (size_t i = 0; !count && i < sender->encoding_count; i++)
		if (sender->encodings[i].active)
			peer_emit_key_frame_request(t, i);
	peer_touch(t->pc);
	return WLK_OK;
}

/* ---- receiver ---- */

wlk_err wlk_rtp_receiver_parameters(wlk_rtp_receiver *receiver, wlk_rtp_receive_parameters *out)
{
	struct wlk_transceiver *t = receiver->transceiver;
	const struct sdp_agreed_section *section = peer_agreed_section(t);
	wlk_rtp_receive_parameters p = { .cname = "" };
	struct lender l = { 0 };
	wlk_err err;

	if (!out)
		return peer_fail(t->pc, WLK_ERR_INVALID, "there is no place for the parameters");
	text_init(&l.text);
	if (section) {
		p.reduced_size = section->rtcp_rsize;
		p.codec_count = fill_codecs(&l, section, false, p.codecs);
		p.header_extension_count = fill_extensions(&l, section, SDP_RECVONLY, p.header_extensions);
		if (section->remote_stream_count)
			lend(&l, &p.cname, STR(""), section->remote_streams[0].cname);
		for (size_t i = 0; i < section->receive_rid_count && p.rid_count < WLK_RTP_ENCODINGS_MAX; i++)
			lend(&l, &p.rids[p.rid_count++], STR(""), section->receive_rids[i].rid);
	}
	err = lend_all(&l, &receiver->lent);
	if (err)
		return peer_fail(t->pc, err, "out of memory");
	*out = p;
	return WLK_OK;
}

wlk_err peer_set_receive_simulcast(wlk_transceiver *transceiver, bool accept, const char *const *rids, size_t rid_count)
{
	wlk_rtp_receiver *receiver = &transceiver->receiver;
	wlk_peer_connection *pc = transceiver->pc;

	if (transceiver->kind != WLK_MEDIA_VIDEO || rid_count > WLK_RTP_ENCODINGS_MAX || (rid_count && !rids))
		return peer_fail(pc, WLK_ERR_INVALID, "simulcast is for video, and for at most %d layers", WLK_RTP_ENCODINGS_MAX);
	for (size_t i = 0; i < rid_count; i++) {
		if (!rids[i] || !sdp_is_rid(str_of(rids[i])) || strlen(rids[i]) > PEER_RID_MAX)
			return peer_fail(pc, WLK_ERR_INVALID, "a rid is 1 to %d letters, digits, \"-\" and \"_\"", PEER_RID_MAX);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(rids[i], rids[k]))
				return peer_fail(pc, WLK_ERR_INVALID, "the rid %s stands twice", rids[i]);
	}
	receiver->accepts_simulcast = accept;
	receiver->rid_count = rid_count;
	for (size_t i = 0; i < rid_count; i++)
		memcpy(receiver->rids[i], rids[i], strlen(rids[i]) + 1);
	return WLK_OK;
}

wlk_err wlk_transceiver_set_receive_simulcast(wlk_transceiver *transceiver, bool accept, const char *const *rids, size_t rid_count)
{
	wlk_peer_connection *pc = transceiver->pc;

	RECORD(pc, record_rids(recorded, RECORD_RECEIVE_SIMULCAST, transceiver, accept, rids, rid_count));
	if (pc->closed || transceiver->stopping)
		return peer_fail(pc, WLK_ERR_STATE, "the transceiver is stopped");
	return peer_set_receive_simulcast(transceiver, accept, rids, rid_count);
}
