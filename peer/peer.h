/* The coordinator as net/ and tests see it: the public object's own verbs, with packet buffers instead of copies. */
#ifndef PEER_PEER_H
#define PEER_PEER_H

#include <wirelark/drive.h>

#include "core/dgram_queue.h"
#include "core/list.h"
#include "core/text.h"

struct dtls_context; /* DTLS settings, shared by the peers of a loop; see peer/env.h */
struct dtls_cert;

/*
 * What a peer gets from its surroundings. A driven peer (drive.h) makes these for itself; a loop shares them.
 * Borrowed: they outlive the peer.
 */
struct peer_env {
	struct pktbuf_pool *pool;
	struct dtls_context *dtls;
	struct dtls_cert *certificate; /* for peers whose configuration names none */
	/* The time now, for API calls outside of the verbs (a timer, another peer's event). NULL: that of the latest verb. */
	const wlk_time *clock;
	int64_t unix_us_at_zero; /* wall clock = now + this */
	/*
	 * Peers that an API call left with something to do: the call links peer_ready_link() in here (once), and
	 * whoever drives takes it out and drives that peer. NULL: the caller drains after every call.
	 */
	struct list *ready;
	struct wlk_recording *recording; /* of peers whose configuration names none; NULL: they are not recorded */
	/* Called from another loop's thread when SCTP output waits for this peer; only posts. NULL: found at the next deadline. */
	void (*wake)(void *user);
	void *wake_user;
};

wlk_err peer_create(struct wlk_peer_connection **out, const struct peer_env *env, const wlk_configuration *config, wlk_time now);

/* Takes |d.buf| over. |d.buf| must be writable and unshared, or a slice of a slab whose other slices nobody reads across. */
void peer_input(struct wlk_peer_connection *pc, wlk_time now, struct dgram d);
/* The next datagram to send; the caller owns its buffer. */
bool peer_poll_transmit(struct wlk_peer_connection *pc, wlk_time now, struct dgram *out);
/* As wlk_drive_poll_event(): lent until the next call. */
const wlk_event *peer_poll_event(struct wlk_peer_connection *pc);
bool peer_poll_request(struct wlk_peer_connection *pc, wlk_request *out);
void peer_on_request(struct wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *addresses, size_t count);
/* As the functions of drive.h. */
void peer_on_request_failed(struct wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const char *why);
wlk_err peer_stream_accepted(struct wlk_peer_connection *pc, wlk_time now, const wlk_addr *listener, const wlk_addr *remote,
			     uint32_t id) WLK_NODISCARD;
void peer_stream_input(struct wlk_peer_connection *pc, wlk_time now, uint32_t id, const uint8_t *data, size_t size);
void peer_stream_closed(struct wlk_peer_connection *pc, wlk_time now, uint32_t id);
/* While |hold| is set peer_poll_transmit() answers nothing but what ICE says itself: a stream cannot take more at the moment. */
void peer_hold(struct wlk_peer_connection *pc, bool hold);
wlk_err peer_set_interfaces(struct wlk_peer_connection *pc, const wlk_addr *addresses, size_t count);
wlk_time peer_deadline(const struct wlk_peer_connection *pc);
void peer_handle_timeout(struct wlk_peer_connection *pc, wlk_time now);

/* Tell the peer what time it is before its API is used outside of the verbs (a timer, a posted function). */
void peer_set_now(struct wlk_peer_connection *pc, wlk_time now);

/* What a peer knows of a path, from authentic messages alone. */
enum peer_path {
	PEER_PATH_UNKNOWN,
	PEER_PATH_HEARD,  /* an authentic check came along it */
	PEER_PATH_SILENT, /* valid, but its checks have stayed unanswered for seconds */
	PEER_PATH_VALID
};

/* For a socket that several peers share: whether datagrams of this path are for |pc|. */
enum peer_path peer_path_state(const struct wlk_peer_connection *pc, wlk_time now, const wlk_addr *local,
			       const wlk_addr *remote);
/*
 * The ufrags that checks of the far end may name now, at most |max|: one or, during a restart, two of each transport; borrowed until
 * the next call.
 */
size_t peer_local_ufrags(const struct wlk_peer_connection *pc, struct str *out, size_t max);

/* The link in env.ready, and back. */
struct list *peer_ready_link(struct wlk_peer_connection *pc);
struct wlk_peer_connection *peer_of_ready_link(struct list *link);

/* A word for the driver: its own record of this peer. */
void peer_set_driver(struct wlk_peer_connection *pc, void *driver);
void *peer_driver(const struct wlk_peer_connection *pc);

/*
 * wlk_peer_connection_destroy() calls this hook first when set: the driver then forgets the peer, closes its sockets
 * (after a last peer_poll_transmit() drain for close_notify) and calls peer_free(), at once or when its callback is over.
 */
typedef void (*peer_destroy_hook)(struct wlk_peer_connection *pc, void *driver);
void peer_set_destroy_hook(struct wlk_peer_connection *pc, peer_destroy_hook hook);
void peer_free(struct wlk_peer_connection *pc);

#endif
