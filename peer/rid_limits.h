/* What a=rid lines limit (RFC 8851): what the far end allows of our encodings, and what we want of the layers that we receive. */
#ifndef PEER_RID_LIMITS_H
#define PEER_RID_LIMITS_H

#include <wirelark/rtp_parameters.h>

#include "sdp/negotiate.h"
#include "sdp/rid.h"

/* What the far end's description in force says of encoding |layer|; all zero: nothing. Texts in it are borrowed from the agreement. */
struct sdp_rid_limits peer_layer_limits(const struct wlk_transceiver *t, size_t layer);
/* What an encoding may have in bit/s and frames a second, by the application's parameters and by the far end's limits; 0: any. */
uint64_t peer_layer_max_bitrate(const struct wlk_transceiver *t, size_t layer);
double peer_layer_max_framerate(const struct wlk_transceiver *t, size_t layer);
/* How many times smaller than the source the picture is to be, at least 1: by the parameters and by the far end's limits. */
double peer_layer_scale(const struct wlk_transceiver *t, size_t layer, uint32_t width, uint32_t height);
/* What our descriptions are to say of the layers that we receive; answers how many. Lent by |t|. */
size_t peer_receive_limits_wish(const struct wlk_transceiver *t, struct sdp_rid_wish out[WLK_RTP_ENCODINGS_MAX]);
/* WLK_ERR_INVALID, told in last_error: the far end does not take payload type |pt| on this layer. */
wlk_err peer_check_layer_type(const struct wlk_transceiver *t, size_t layer, uint8_t pt);

#endif
