/* What came in on the media of one connection, by m-section and simulcast layer. */
#ifndef INTEROP_COUNTED_H
#define INTEROP_COUNTED_H

#include <jansson.h>
#include <wirelark/wirelark.h>

struct counted;

struct counted *counted_create(void);
void counted_destroy(struct counted *c);
void counted_on_packet(struct counted *c, wlk_transceiver *t, const wlk_rtp_packet *packet);
void counted_on_frame(struct counted *c, wlk_transceiver *t, const wlk_encoded_frame *frame);
/* From now on the packets of this payload type too are kept whole, as telephone events (RFC 4733). */
void counted_keep_events(struct counted *c, uint8_t payload_type);
/*
 * { mid: { "packets": n, "layers": { rid: { "frames", "keys", "width", "height", "recovered" } }, "events": [ { "event", "payloadType",
 * "end", "volume", "duration", "timestamp", "marker", "sequence" } ] } }; the caller owns it.
 */
json_t *counted_json(const struct counted *c);

#endif
