#include "peer/channel_config.h"

#include <string.h>

const char *channel_config_fill(struct sctp_channel_config *out, const char *label, const wlk_data_channel_init *init)
{
	static const wlk_data_channel_init defaults = WLK_DATA_CHANNEL_INIT;
	struct sctp_channel_config config;

	if (!init)
		init = &defaults;
	if (init->struct_size != sizeof(*init))
		return "the options were not set up with WLK_DATA_CHANNEL_INIT";
	sctp_channel_config_init(&config);
	config.label = label;
	config.label_size = strlen(label);
	config.protocol = init->protocol ? init->protocol : "";
	config.protocol_size = strlen(config.protocol);
	if (config.label_size > SCTP_CHANNEL_LABEL_MAX || config.protocol_size > SCTP_CHANNEL_LABEL_MAX)
		return "label or protocol is longer than 65535 bytes";
	if (init->has_max_retransmits && init->has_max_packet_lifetime)
		return "a channel has at most one of the two reliability limits";
	if (init->negotiated && !init->has_id)
		return "a negotiated channel needs an id";
	if (init->has_id && init->id == UINT16_MAX)
		return "65535 is not a stream";
	config.ordered = !init->unordered;
	config.max_retransmits = init->has_max_retransmits ? init->max_retransmits : -1;
	config.max_lifetime_ms = init->has_max_packet_lifetime ? init->max_packet_lifetime_ms : -1;
	config.negotiated = init->negotiated;
	/* As in the W3C API, an id given for a channel that is announced in-band is ignored. */
	config.id = init->negotiated ? init->id : SCTP_CHANNEL_ID_AUTO;
	if (init->priority)
		config.priority = init->priority;
	*out = config;
	return NULL;
}
