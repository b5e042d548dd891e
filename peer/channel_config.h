/* The options of a data channel in the words of sctp/. */
#ifndef PEER_CHANNEL_CONFIG_H
#define PEER_CHANNEL_CONFIG_H

#include <wirelark/data_channel.h>

#include "sctp/channel.h"

/* |init| NULL: the defaults. Borrows label and protocol. What is wrong with them in words; NULL: nothing, and *out is filled in. */
const char *channel_config_fill(struct sctp_channel_config *out, const char *label, const wlk_data_channel_init *init) WLK_NODISCARD;

#endif
