/* getContributingSources and getSynchronizationSources (W3C webrtc-pc 5.3). */
#include "peer/object.h"

/* RFC 6464 3: 0 is the overload point, 127 silence; each step is a decibel. */
static double linear_level(uint8_t level)
{
	const double decibel = 0.89125093813374556; /* 10^(-1/20) */
	double value = 1.0;

	if (level >= 127)
		return 0.0;
	for (unsigned i = 0; i < level; i++)
		value *= decibel;
	return value;
}

static size_t list_sources(const wlk_rtp_receiver *receiver, bool csrcs, wlk_rtp_source *out, size_t capacity)
{
	const struct wlk_transceiver *t = receiver->transceiver;
	struct heard_source sources[HEARD_MAX];
	wlk_time now = t->pc->env.clock ? MAX(*t->pc->env.clock, t->pc->now) : t->pc->now;
	size_t count;

	if (!t->transport)
		return 0;
	count = media_engine_heard(t->transport->media, t->section, now, csrcs, sources, HEARD_MAX);
	for (size_t i = 0; i < count && i < capacity; i++)
		out[i] = (wlk_rtp_source){
			.timestamp = sources[i].at,
			.source = sources[i].id,
			.has_audio_level = sources[i].level != HEARD_LEVEL_NONE,
			.audio_level = sources[i].level != HEARD_LEVEL_NONE ? linear_level(sources[i].level) : 0.0,
			.rtp_timestamp = sources[i].rtp_timestamp,
		};
	return count;
}

size_t wlk_rtp_receiver_contributing_sources(const wlk_rtp_receiver *receiver, wlk_rtp_source *out, size_t capacity)
{
	return list_sources(receiver, true, out, capacity);
}

size_t wlk_rtp_receiver_synchronization_sources(const wlk_rtp_receiver *receiver, wlk_rtp_source *out, size_t capacity)
{
	return list_sources(receiver, false, out, capacity);
}
