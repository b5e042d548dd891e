#include "peer/rid_limits.h"

#include <math.h>
#include <string.h>

#include "peer/object.h"
#include "sdp/attr.h"

/* ---- what the far end allows ---- */

struct sdp_rid_limits peer_layer_limits(const struct wlk_transceiver *t, size_t layer)
{
	const struct sdp_agreed_section *section = peer_agreed_section(t);
	struct sdp_rid_limits limits = { 0 };

	for (size_t i = 0; section && i < section->send_rid_count; i++)
		if (str_equal(section->send_rids[i].rid, str_of(t->sender.encodings[layer].rid)))
			(void)sdp_rid_limits_parse(section->send_rids[i].restrictions, &limits); /* a malformed one limits nothing */
	return limits;
}

uint64_t peer_layer_max_bitrate(const struct wlk_transceiver *t, size_t layer)
{
	const struct peer_encoding *e = &t->sender.encodings[layer];
	uint64_t theirs = peer_layer_limits(t, layer).max_br;

	if (!e->has_max_bitrate)
		return theirs;
	return theirs ? MIN(theirs, MAX(e->max_bitrate, 1)) : MAX(e->max_bitrate, 1);
}

double peer_layer_max_framerate(const struct wlk_transceiver *t, size_t layer)
{
	const struct peer_encoding *e = &t->sender.encodings[layer];
	double theirs = peer_layer_limits(t, layer).max_fps;
	double ours = e->has_max_framerate ? MIN(MAX(e->max_framerate, 0.01), 1000.0) : 0;

	return ours > 0 && theirs > 0 ? MIN(ours, theirs) : MAX(ours, theirs);
}

/* Pixels that a picture may have, when it comes |fps| times a second; 0: any. */
static double max_pixels(const struct sdp_rid_limits *l, double fps)
{
	double by_rate = l->max_pps ? (double)l->max_pps / (fps > 0 ? fps : 30) : 0;

	if (!l->max_fs || by_rate <= 0)
		return l->max_fs ? (double)l->max_fs : by_rate;
	return MIN((double)l->max_fs, by_rate);
}

double peer_layer_scale(const struct wlk_transceiver *t, size_t layer, uint32_t width, uint32_t height)
{
	struct sdp_rid_limits l = peer_layer_limits(t, layer);
	double scale = MAX(t->sender.encodings[layer].scale, 1.0);
	double pixels = max_pixels(&l, peer_layer_max_framerate(t, layer));

	/* Sides come out even. */
	if (l.max_width)
		scale = MAX(scale, width / (double)MAX(l.max_width & ~1u, 2u));
	if (l.max_height)
		scale = MAX(scale, height / (double)MAX(l.max_height & ~1u, 2u));
	if (pixels > 0)
		scale = MAX(scale, sqrt((double)width * height / pixels));
	return scale;
}

wlk_err peer_check_layer_type(const struct wlk_transceiver *t, size_t layer, uint8_t pt)
{
	const struct sdp_agreed_section *section = peer_agreed_section(t);
	struct sdp_rid_limits limits;

	if (!section || !section->send_rid_count)
		return WLK_OK; /* asked for each packet, and most have no rid */
	limits = peer_layer_limits(t, layer);
	if (sdp_rid_limits_allow_type(&limits, pt))
		return WLK_OK;
	return peer_fail(t->pc, WLK_ERR_INVALID, "the far end takes no payload type %u on the layer %s", pt, t->sender.encodings[layer].rid);
}

static void to_public(const struct sdp_rid_limits *from, wlk_rid_limits *out)
{
	out->max_width = from->max_width;
	out->max_height = from->max_height;
	out->max_framerate = from->max_fps;
	out->max_bitrate = from->max_br;
	out->max_frame_size = from->max_fs;
	out->max_pixel_rate = from->max_pps;
	out->max_bits_per_pixel = from->max_bpp;
}

wlk_err wlk_rtp_sender_encoding_limits(const wlk_rtp_sender *sender, size_t index, wlk_rid_limits *out)
{
	struct sdp_rid_limits limits;

	if (!out || out->struct_size != sizeof(*out))
		return WLK_ERR_INVALID;
	if (index >= sender->encoding_count)
		return WLK_ERR_NOT_FOUND;
	limits = peer_layer_limits(sender->transceiver, index);
	to_public(&limits, out);
	return WLK_OK;
}

/* ---- what we want ---- */

static bool is_limit(double value)
{
	return value >= 0 && value <= 1e9; /* also what is not a number fails */
}

static wlk_err check(wlk_peer_connection *pc, const wlk_transceiver *t, const char *rid, const wlk_rid_limits *limits)
{
	if (pc->closed || t->stopping)
		return peer_fail(pc, WLK_ERR_STATE, "the transceiver is stopped");
	if (t->kind != WLK_MEDIA_VIDEO || !rid || !sdp_is_rid(str_of(rid)) || strlen(rid) > PEER_RID_MAX)
		return peer_fail(pc, WLK_ERR_INVALID, "limits are for a layer of video, by its rid");
	if (limits && (limits->struct_size != sizeof(*limits) || !is_limit(limits->max_framerate) || !is_limit(limits->max_bits_per_pixel)))
		return peer_fail(pc, WLK_ERR_INVALID, "the limits are not set up with WLK_RID_LIMITS_INIT, or out of range");
	return WLK_OK;
}

/* The place of |rid| among the limits, or a free one; NULL: they are full. */
static struct peer_rid_limits *place_of(wlk_rtp_receiver *receiver, const char *rid)
{
	struct peer_rid_limits *free_one = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(receiver->limits); i++) {
		if (!strcmp(receiver->limits[i].rid, rid))
			return &receiver->limits[i];
		if (!receiver->limits[i].rid[0])
			free_one = &receiver->limits[i];
	}
	return free_one;
}

wlk_err wlk_transceiver_set_receive_limits(wlk_transceiver *transceiver, const char *rid, const wlk_rid_limits *limits)
{
	wlk_peer_connection *pc = transceiver->pc;
	struct peer_rid_limits *place;
	wlk_err err;

	RECORD(pc, record_receive_limits(recorded, transceiver, rid, limits));
	err = check(pc, transceiver, rid, limits);
	if (err)
		return err;
	place = place_of(&transceiver->receiver, rid);
	if (!place && limits)
		return peer_fail(pc, WLK_ERR_NOSPACE, "there are limits for %d layers already", WLK_RTP_ENCODINGS_MAX);
	if (!place)
		return WLK_OK;
	memset(place, 0, sizeof(*place));
	if (!limits)
		return WLK_OK;
	memcpy(place->rid, rid, strlen(rid) + 1);
	place->limits = (struct sdp_rid_limits){
		.max_width = limits->max_width,
		.max_height = limits->max_height,
		.max_fps = limits->max_framerate,
		.max_br = limits->max_bitrate,
		.max_fs = limits->max_frame_size,
		.max_pps = limits->max_pixel_rate,
		.max_bpp = limits->max_bits_per_pixel,
	};
	return WLK_OK;
}

size_t peer_receive_limits_wish(const struct wlk_transceiver *t, struct sdp_rid_wish out[WLK_RTP_ENCODINGS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(t->receiver.limits); i++)
		if (t->receiver.limits[i].rid[0])
			out[count++] = (struct sdp_rid_wish){ str_of(t->receiver.limits[i].rid), &t->receiver.limits[i].limits };
	return count;
}
