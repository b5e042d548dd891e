/* drive.h over peer.h: the verbs for callers who own sockets and clock, with public types in place of packet buffers. */
#include <string.h>

#include "peer/drive_types.h"
#include "peer/env.h"
#include "peer/object.h"

static void free_own_env(wlk_peer_connection *pc, void *unused)
{
	struct peer_env env = pc->env;

	(void)unused;
	peer_free(pc);
	peer_env_destroy_dtls(&env);
	/* Datagrams that the caller still holds come from the heap, not from a pool, so that they may outlive this. */
}

wlk_err wlk_drive_create(const wlk_configuration *config, wlk_time now, int64_t unix_us_at_now, wlk_peer_connection **out)
{
	struct peer_env env = { .unix_us_at_zero = unix_us_at_now - now };
	wlk_err err;

	if (!out)
		return WLK_ERR_INVALID;
	err = peer_env_create_dtls(&env, config ? config->certificate : NULL, unix_us_at_now / 1000000, NULL, NULL);
	if (err)
		return err;
	err = peer_create(out, &env, config, now);
	if (err) {
		peer_env_destroy_dtls(&env);
		return err;
	}
	peer_set_destroy_hook(*out, free_own_env);
	return WLK_OK;
}

wlk_err wlk_drive_set_interfaces(wlk_peer_connection *pc, const wlk_addr *addresses, size_t count)
{
	wlk_err err = peer_set_interfaces(pc, addresses, count);

	return err ? peer_fail(pc, err, "the interfaces cannot be set") : WLK_OK;
}

void wlk_drive_input(wlk_peer_connection *pc, wlk_time now, const wlk_addr *local, const wlk_addr *remote, const uint8_t *data,
		     size_t size)
{
	struct dgram d = { .local = *local, .remote = *remote };

	if (size > PKTBUF_PAYLOAD) {
		pc->dropped_oversize++;
		return;
	}
	d.buf = pktbuf_copy(pc->env.pool, data, size);
	if (d.buf)
		peer_input(pc, now, d);
}

bool wlk_drive_poll_transmit(wlk_peer_connection *pc, wlk_time now, wlk_datagram *out)
{
	struct dgram d;

	if (!peer_poll_transmit(pc, now, &d))
		return false;
	*out = drive_datagram(d);
	return true;
}

const wlk_event *wlk_drive_poll_event(wlk_peer_connection *pc)
{
	return peer_poll_event(pc);
}

bool wlk_drive_poll_request(wlk_peer_connection *pc, wlk_request *out)
{
	return peer_poll_request(pc, out);
}

void wlk_drive_on_request(wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const wlk_addr *addresses, size_t count)
{
	peer_on_request(pc, now, id, err, addresses, count);
}

void wlk_drive_on_request_failed(wlk_peer_connection *pc, wlk_time now, uint32_t id, wlk_err err, const char *why)
{
	peer_on_request_failed(pc, now, id, err, why ? why : "");
}

wlk_err wlk_drive_stream_accepted(wlk_peer_connection *pc, wlk_time now, const wlk_addr *listener, const wlk_addr *remote,
				  uint32_t id)
{
	return peer_stream_accepted(pc, now, listener, remote, id);
}

void wlk_drive_stream_input(wlk_peer_connection *pc, wlk_time now, uint32_t id, const uint8_t *data, size_t size)
{
	peer_stream_input(pc, now, id, data, size);
}

void wlk_drive_stream_closed(wlk_peer_connection *pc, wlk_time now, uint32_t id)
{
	peer_stream_closed(pc, now, id);
}

wlk_time wlk_drive_deadline(const wlk_peer_connection *pc)
{
	return peer_deadline(pc);
}

void wlk_drive_handle_timeout(wlk_peer_connection *pc, wlk_time now)
{
	peer_handle_timeout(pc, now);
}

/* ---- jobs of raw media ---- */

wlk_job *wlk_drive_poll_job(wlk_peer_connection *pc, wlk_time now)
{
	struct track_job *job;

	return peer_poll_job(pc, now, &job) ? (wlk_job *)job : NULL;
}

void wlk_job_run(wlk_job *job)
{
	track_job_run((struct track_job *)job);
}

void wlk_drive_on_job(wlk_job *job, wlk_time now, wlk_time spent)
{
	peer_on_job((struct track_job *)job, now, spent);
}
