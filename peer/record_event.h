/* What the code of a peer connection decides, in the short form that a recording keeps and a replay compares with. */
#ifndef PEER_RECORD_EVENT_H
#define PEER_RECORD_EVENT_H

#include <wirelark/drive.h>

#include "core/dgram_queue.h"
#include "peer/record_format.h"

enum { RECORD_EVENT_MAX = 2 * RECORD_TEXT_MAX + 128, RECORD_OUT_MAX = 2 * RECORD_ADDR_SIZE + 16 };

/* Type, numbers, texts; of messages and packets their sizes and CRC-32. At most RECORD_EVENT_MAX bytes. */
void record_put_event(struct bytes_writer *w, const wlk_event *ev);
/* Addresses, size, protocol, and the CRC-32 of its header. At most RECORD_OUT_MAX bytes. */
void record_put_out(struct bytes_writer *w, const struct dgram *d);
/* At most RECORD_EVENT_MAX bytes. */
void record_put_request(struct bytes_writer *w, const wlk_request *request);

/* Tell tap_current, which is set. */
void record_event(const wlk_event *ev);
void record_out(const struct dgram *d);
void record_request(const wlk_request *request);
void record_failed(wlk_err err);

/* "negotiation needed", for people. */
const char *record_event_name(uint16_t type);

#endif
