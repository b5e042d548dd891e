/* Datagrams and requests in the words of drive.h. */
#ifndef PEER_DRIVE_TYPES_H
#define PEER_DRIVE_TYPES_H

#include <wirelark/drive.h>

#include "core/dgram_queue.h"
#include "ice/agent.h"

/* |d.buf| goes to whoever gets the datagram, for wlk_datagram_release(). */
wlk_datagram drive_datagram(struct dgram d);
/*
 * |from| for the outside. *host lends its text: what was there is freed, and the caller frees it in the end. False: no memory, the
 * request is to be answered with that.
 */
bool drive_request(wlk_request *out, const struct ice_request *from, char **host);

#endif
