/* One stream of a peer: TCP, TLS over it or DTLS, from connecting until its last bytes have left. */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/driver.h"

enum stream_state { STREAM_CONNECTING, STREAM_HANDSHAKE, STREAM_OPEN, STREAM_LINGERING };

struct stream {
	struct list link; /* in driver_peer.streams or driver_streams.lingering */
	struct driver *driver;
	struct driver_peer *peer; /* NULL: lingering */
	uint32_t id;
	enum stream_state state;
	char *host; /* TLS and DTLS: the name to verify */
	struct tls_client *tls;
	struct tcp_stream socket;
	struct poller_source source;
	struct driver_timer timer;
	wlk_time give_up_at; /* connecting or lingering; else WLK_TIME_NEVER */
	bool full;           /* waits for EPOLLOUT */
	bool holds;          /* and its peer's packets wait with it */
	wlk_time hold_until;
};

/* A stream of |p| with no socket yet, in its list; NULL: no memory. */
struct stream *stream_new(struct driver_peer *p, uint32_t id);
/* As |r| says; on_connected follows, or a failure that the peer hears of. WLK_ERR_INVALID, WLK_ERR_NOMEM, WLK_ERR_IO (errno): stream_fail() it. */
wlk_err stream_connect(struct stream *s, const wlk_request *r);
/* Read from a socket that is connected already. WLK_ERR_IO, WLK_ERR_NOMEM. */
wlk_err stream_watch(struct stream *s);
/* When the stream has to be looked at without the network asking for it. */
void stream_schedule(struct stream *s);
/* Close its socket at once and free it. */
void stream_free(struct stream *s);
/* Its peer closes it: what is queued still leaves, for a second at most. */
void stream_close(struct stream *s);
/* The far end closed it, or it broke: its peer hears of it. */
void stream_end(struct stream *s);
/* It does not come up: its peer's request is answered so. */
void stream_fail(struct stream *s, wlk_err err, const char *why);
/* Takes |buf| over. False: dropped, as the network would. */
bool stream_queue(struct stream *s, struct pktbuf *buf);
/* Send what is queued. WLK_ERR_IO: it is broken. */
wlk_err stream_flush(struct stream *s);

#endif
