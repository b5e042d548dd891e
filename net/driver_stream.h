/* The streams of a driver: what CONNECT_TCP, CONNECT_TLS and CONNECT_DTLS of its peers ask for, and what listeners accept. */
#ifndef NET_DRIVER_STREAM_H
#define NET_DRIVER_STREAM_H

#include <wirelark/drive.h>

#include "core/dgram_queue.h"
#include "core/list.h"
#include "core/log.h"
#include "net/tcp.h"
#include "net/tls.h"

struct driver;
struct driver_peer;

enum {
	DRIVER_READS = 4,    /* TCP_READ_SIZE bytes each, of one stream in one turn */
	DRIVER_RECORDS = 64, /* of DTLS that take the place of one read */
};

/* Of all peers of a driver. Zero-initialised before driver_streams_init(). */
struct driver_streams {
	struct list lingering; /* streams whose peer has closed them and whose last bytes are still leaving */
	uint32_t next_accepted_id;
	char *ca_file;
	void (*keylog)(const char *line, void *user);
	void *keylog_user;
	struct tls_context *tls; /* made when it is needed first: reading the authorities takes time */
	struct log_budget log_budget; /* of connections that fail: their addresses are the far ends' choice (R3) */
	uint64_t dropped;        /* pieces for a stream that is gone, or whose queue was full */
};

void driver_streams_init(struct driver *d);
/* |ca_file| is copied; see tls_context_create(). WLK_ERR_NOMEM. */
wlk_err driver_streams_set_tls(struct driver *d, const char *ca_file, void (*keylog)(const char *line, void *user),
			       void *user);
/* After the peers: closes what lingers. */
void driver_streams_free(struct driver *d);

/* Connect, listen or close as |request| says; true when it is one of these. Answers come at once or later. */
bool driver_stream_serve(struct driver_peer *p, const wlk_request *request);
/*
 * Make |socket|, an accepted connection, a stream of |p|, as if p's listener bound to |listener| had accepted it; takes the
 * socket over in every case. |data| are bytes that were read from it already, its first frame say: who shares one listener
 * among many peers reads that far to find out whose it is. WLK_ERR_NOMEM, WLK_ERR_IO: it is closed, and |p| knows nothing of it.
 */
wlk_err driver_stream_adopt(struct driver_peer *p, const wlk_addr *listener, struct tcp_stream *socket,
			    const uint8_t *data, size_t size);

/* Queue |d|, whose |stream| is set; takes d.buf over. */
void driver_stream_route(struct driver_peer *p, struct dgram d);
/* Send what is queued. A stream that cannot take it holds its peer's packets back, see peer_hold(). */
void driver_streams_flush(struct driver_peer *p);
/* Close all streams, once their last bytes have left or after a second. */
void driver_streams_close(struct driver_peer *p);

#endif
