/** Statistics as JSON with the browser's keys (webrtc-stats). */
#ifndef WIRELARK_STATS_H
#define WIRELARK_STATS_H

#include <wirelark/peer_connection.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * All statistics of a connection as one JSON object, id to record, as a browser's getStats() gives it.
 *
 * @param json  heap text; free it with wlk_secret_free()
 */
WLK_API wlk_err wlk_peer_connection_stats_json(wlk_peer_connection *pc, char **json);

#ifdef __cplusplus
}
#endif

#endif
