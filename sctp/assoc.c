/*
 * usrsctp behind the five verbs. Every public function that may reach usrsctp enters the stack once, does all it can,
 * and leaves: input only feeds; reading, handing over and resetting happen in assoc_service(), once for a burst of
 * packets.
 */
#include "sctp/assoc.h"

#include <usrsctp.h>

#include "core/alloc.h"
#include "core/bytes.h"
#include "core/time.h"
#include "sctp/assoc_internal.h"
#include "sctp/packet_shim.h"

/*
 * With nothing in flight and nothing queued only heartbeats run, every 30 s: the deadline may be far. They do not end the
 * idleness themselves: what answers one leaves at once, and that none answers counts when the next one is due.
 */
enum { IDLE_AFTER_MS = 1000, IDLE_DEADLINE_MS = 5000 };
/*
 * usrsctp gives up connecting by itself after 60 INITs and 60 COOKIE-ECHOs, at most 2 s apart. When there was no memory
 * for one of them it may forget its timer, and would connect for ever.
 */
enum { CONNECT_LIMIT_S = 250 };

/* ---- budget ---- */

bool assoc_charge(struct sctp_assoc *a, size_t size, enum budget_purpose purpose)
{
	size_t *used = a->config.budget.used;
	size_t limit = a->config.budget.limit / BUDGET_RECEIVE * purpose;

	if (a->config.budget.limit && (*used > limit || size > limit - *used))
		return false;
	*used += size;
	a->charged += size;
	return true;
}

void assoc_uncharge(struct sctp_assoc *a, size_t size)
{
	assert(size <= a->charged && "only what was charged is given back");
	a->charged -= size;
	*a->config.budget.used -= size;
}

/* ---- idleness ---- */

/* RFC 9260 3.3.5, 3.3.6: HEARTBEAT or its ACK, and nothing behind it. */
static bool is_heartbeat(const uint8_t *packet, size_t size)
{
	enum { COMMON_HEADER = 12, HEARTBEAT = 4, HEARTBEAT_ACK = 5 };

	return size >= COMMON_HEADER + 4 && (packet[COMMON_HEADER] == HEARTBEAT || packet[COMMON_HEADER] == HEARTBEAT_ACK) &&
	       COMMON_HEADER + (size_t)load_u16(packet + COMMON_HEADER + 2) + 4 > size;
}

/* ---- packets out of usrsctp ---- */

static void append(struct pktbuf **first, struct pktbuf **last, struct pktbuf *buf)
{
	buf->next = NULL;
	if (*first)
		(*last)->next = buf;
	else
		*first = buf;
	*last = buf;
}

/*
 * RFC 9653: our INIT ACK says that we take packets without checksum when the INIT it answers said the same. Our own
 * INIT never says it, because pion drops an INIT with a parameter that it does not know.
 */
static void add_zero_checksum_param(struct sctp_assoc *a, struct pktbuf *buf)
{
	size_t capacity = MIN(buf->size + pktbuf_tailroom(buf), a->mtu);
	size_t size = a->filter.zero_checksum_tx ? packet_shim_add_zero_checksum(buf->data, buf->size, capacity) : 0;

	if (!size)
		return;
	buf->size = size;
	a->filter.zero_checksum_rx = true;
}

static void finish_packet(struct sctp_assoc *a, struct pktbuf *buf)
{
	packet_filter_learn_output(&a->filter, buf->data, buf->size);
	if (packet_first_chunk(buf->data, buf->size) == CHUNK_INIT_ACK)
		add_zero_checksum_param(a, buf);
	if (!packet_filter_may_omit_checksum(&a->filter, buf->data, buf->size))
		packet_write_checksum(buf->data, buf->size);
}

static void call_owner(struct sctp_assoc *a)
{
	if (!atomic_exchange(&a->attention, true) && a->config.wake)
		a->config.wake(a->config.wake_user);
}

/* Nothing but a SACK without gaps and duplicates. */
static bool is_plain_sack(const uint8_t *packet, size_t size)
{
	return size == PACKET_HEADER_SIZE + 16 && packet[PACKET_HEADER_SIZE] == CHUNK_SACK &&
	       load_u32(packet + PACKET_HEADER_SIZE + 12) == 0;
}

/*
 * usrsctp answers every second DATA packet. Of those that wait here after a burst only the newest says something; but a
 * few are kept, because a sender's window grows by the number of SACKs, and those with gaps all are, because it counts
 * them.
 */
static bool replace_sack(struct sctp_assoc *a, const uint8_t *packet, size_t size)
{
	struct pktbuf *last = a->out_last;

	if (!is_plain_sack(packet, size) || !a->out_first || !is_plain_sack(last->data, last->size) ||
	    a->sacks_replaced >= SACKS_REPLACED_MAX) {
		a->sacks_replaced = 0;
		return false;
	}
	a->sacks_replaced++;
	memcpy(last->data, packet, size);
	finish_packet(a, last);
	return true;
}

static void queue_out(struct sctp_assoc *a, struct pktbuf *buf)
{
	append(&a->out_first, &a->out_last, buf);
	a->out_count++;
}

/* From inside usrsctp, under the lock; see struct stack_entry. The pool belongs to the owner's thread. */
static void on_packet(struct stack_entry *entry, const uint8_t *packet, size_t size, bool foreign)
{
	struct sctp_assoc *a = CONTAINER_OF(entry, struct sctp_assoc, entry);

	if (!foreign && replace_sack(a, packet, size))
		return;
	/* R37: whoever takes packets out may be slower than a far end that asks for answers. SCTP repeats what matters. */
	if (!foreign && a->out_count >= SCTP_OUT_MAX) {
		a->stats.packets_dropped_memory++;
		return;
	}
	struct pktbuf *buf = pktbuf_copy(foreign ? NULL : a->config.pool, packet, size);

	if (!buf) {
		/* SCTP repeats it. */
		if (foreign)
			a->foreign_drops++;
		else
			a->stats.packets_dropped_memory++;
		return;
	}
	finish_packet(a, buf);
	if (!foreign) {
		queue_out(a, buf);
		return;
	}
	append(&a->foreign_first, &a->foreign_last, buf);
	call_owner(a);
}

static void on_ready(struct stack_entry *entry, bool foreign)
{
	struct sctp_assoc *a = CONTAINER_OF(entry, struct sctp_assoc, entry);

	if (!foreign) {
		a->readable = true;
		return;
	}
	a->foreign_ready = true;
	call_owner(a);
}

void assoc_take_over_foreign(struct sctp_assoc *a)
{
	struct pktbuf *buf;

	if (!atomic_exchange(&a->attention, false))
		return;
	while ((buf = a->foreign_first)) {
		a->foreign_first = buf->next;
		queue_out(a, buf);
	}
	a->stats.packets_dropped_memory += a->foreign_drops;
	a->foreign_drops = 0;
	a->readable |= a->foreign_ready;
	a->foreign_ready = false;
	a->dirty = true;
}

void assoc_enter(struct sctp_assoc *a)
{
	assert(!a->entered && "the stack is not entered twice");
	if (!a->socket)
		return;
	a->entered = true;
	stack_enter(&a->entry);
	assoc_take_over_foreign(a);
	stack_tick(a->now);
}

void assoc_leave(struct sctp_assoc *a)
{
	if (!a->entered)
		return;
	a->entered = false;
	stack_leave();
}

/* ---- life ---- */

wlk_err sctp_assoc_create(struct sctp_assoc **out, const struct sctp_assoc_config *config)
{
	if (config->streams == 0 || config->max_message_size == 0)
		return WLK_ERR_INVALID;
	struct sctp_assoc *a = wlk_calloc(1, sizeof(*a));

	if (!a)
		return WLK_ERR_NOMEM;
	a->config = *config;
	a->config.log_parent = NULL;
	early_data_init(&a->early);
	log_scope_init(&a->log, config->log_parent, "sctp");
	if (!a->config.budget.used)
		a->config.budget.used = &a->own_used;
	a->entry.on_packet = on_packet;
	a->entry.on_ready = on_ready;
	a->streams = config->streams;
	a->remote_max_message_size = SIZE_MAX;
	a->open_tokens = OPEN_BUCKET_SIZE;
	list_init(&a->channels);
	list_init(&a->ready);
	list_init(&a->eventful);
	*out = a;
	return WLK_OK;
}

static void release_packets(struct pktbuf *buf)
{
	while (buf) {
		struct pktbuf *next = buf->next;

		pktbuf_release(buf);
		buf = next;
	}
}

void sctp_assoc_destroy(struct sctp_assoc *a)
{
	if (!a)
		return;
	assoc_enter(a);
	assoc_close_socket(a);
	assoc_leave(a);
	list_for_each_safe (item, &a->channels)
		channel_free(list_entry(item, struct sctp_channel, all));
	release_packets(a->out_first);
	assoc_free_rx(a, a->held_open);
	wlk_free(a->held_reset);
	early_data_free(&a->early);
	flight_free(&a->flight);
	wlk_free(a->init_ack);
	wlk_free(a->rx_block);
	wlk_free(a->slots);
	assert(a->charged == 0 && "what was charged is given back");
	wlk_free(a);
}

wlk_err sctp_assoc_start(struct sctp_assoc *a, wlk_time now, const struct sctp_assoc_start *params)
{
	wlk_err err;

	if (a->state != SCTP_ASSOC_NEW)
		return WLK_ERR_STATE;
	if (params->mtu < SCTP_ASSOC_MTU_SMALL || params->mtu % 4 || params->mtu > PKTBUF_PAYLOAD ||
	    params->remote_port == 0)
		return WLK_ERR_INVALID;
	a->now = now;
	a->connect_by = now + CONNECT_LIMIT_S * SECOND;
	a->active_at = now;
	a->receive_window_at = now;
	a->open_refill_at = now;
	a->mtu = params->mtu;
	a->remote_port = params->remote_port;
	a->filter = (struct packet_filter){ .local_port = a->config.local_port, .remote_port = a->remote_port };
	sctp_assoc_set_remote_max_message_size(a, params->remote_max_message_size);
	err = assoc_open_socket(a);
	if (err) {
		LOG_E(a, "cannot start: %s", wlk_strerror(err));
		return err;
	}
	a->dtls_client = params->dtls_client;
	a->role_known = true;
	assoc_set_state(a, SCTP_ASSOC_CONNECTING, SCTP_CAUSE_NONE, 0);
	channel_start_all(a);
	a->dirty = true;
	assoc_service(a);
	return WLK_OK;
}

/* ---- state ---- */

void assoc_set_state(struct sctp_assoc *a, enum sctp_assoc_state state, enum sctp_cause cause, uint16_t error_code)
{
	static const char *const names[] = { "new", "connecting", "connected", "closed" };

	if (a->state == state)
		return;
	LOG_I(a, "%s -> %s (cause %d, error code %u)", names[a->state], names[state], (int)cause, error_code);
	a->state = state;
	assert(a->state_event_count < STATE_EVENTS_MAX && "states only go forward");
	a->state_events[a->state_event_count++] = (struct state_event){ state, cause, error_code };
}

static bool is_failure(enum sctp_cause cause)
{
	return cause != SCTP_CAUSE_LOCAL && cause != SCTP_CAUSE_PEER_CLOSED;
}

void assoc_shut(struct sctp_assoc *a, enum sctp_cause cause, uint16_t error_code)
{
	if (a->state == SCTP_ASSOC_CLOSED)
		return;
	assoc_close_socket(a);
	assoc_set_state(a, SCTP_ASSOC_CLOSED, cause, error_code);
	list_for_each_safe (item, &a->channels) {
		struct sctp_channel *channel = list_entry(item, struct sctp_channel, all);

		if (channel->state == SCTP_CHANNEL_CLOSED)
			continue;
		if (is_failure(cause) && !channel->error) {
			channel->error = WLK_ERR_CLOSED;
			assoc_post(channel, SCTP_EV_CHANNEL_ERROR);
		}
		assoc_channel_closed(channel);
	}
	assoc_free_rx(a, a->held_open);
	a->held_open = NULL;
}

void sctp_assoc_close(struct sctp_assoc *a, wlk_time now, bool graceful)
{
	a->now = now;
	if (a->state == SCTP_ASSOC_CLOSED)
		return;
	if (graceful && a->state != SCTP_ASSOC_NEW) {
		a->closing = true;
		a->dirty = true;
		assoc_service(a);
		return;
	}
	assoc_enter(a);
	assoc_shut(a, SCTP_CAUSE_LOCAL, 0);
	assoc_leave(a);
}

/* ---- verbs ---- */

/* Keep the reset request of |packet| when its time has not come; the other side repeats one that is lost here. */
static void hold_reset(struct sctp_assoc *a, uint8_t *packet, size_t size)
{
	uint8_t held[PKTBUF_PAYLOAD];
	size_t held_size = packet_shim_hold_reset(packet, size, a->filter.sacked_tsn, held);

	if (!held_size)
		return;
	wlk_free(a->held_reset);
	a->held_reset = wlk_malloc(held_size);
	a->held_reset_size = a->held_reset ? held_size : 0;
	if (a->held_reset)
		memcpy(a->held_reset, held, held_size);
}

/* Into usrsctp, which copies what it gets. */
static void feed_packet(struct sctp_assoc *a, const uint8_t *packet, size_t size)
{
	uint8_t copy[PKTBUF_PAYLOAD];

	packet_filter_learn_input(&a->filter, packet, size);
	early_data_on_input(&a->early, packet, size);
	flight_on_input(&a->flight, packet, size);
	if (packet_shim_concerns(packet, size)) {
		memcpy(copy, packet, size);
		packet = copy;
		hold_reset(a, copy, size);
		a->forwarded |= packet_shim_in(copy, size, &a->forward_tsn);
	}
	usrsctp_conninput(stack_address(&a->entry), packet, size, 0);
	if (!is_heartbeat(packet, size))
		assoc_mark_active(a);
	a->dirty = true;
}

/* Feed the held request again: it is held again, or goes through. */
static void release_held_reset(struct sctp_assoc *a)
{
	uint8_t *packet = a->held_reset;

	if (!packet || !a->socket)
		return;
	a->held_reset = NULL;
	feed_packet(a, packet, a->held_reset_size);
	wlk_free(packet);
}

/* The far end's INIT ACK goes on into usrsctp, and COOKIE ECHO leaves with all that was queued by now. */
static void feed_init_ack(struct sctp_assoc *a)
{
	size_t size;
	uint8_t *packet = assoc_take_init_ack(a, &size);

	if (!packet)
		return;
	if (a->socket) {
		assoc_service(a); /* messages first */
		assoc_enter(a);
		feed_packet(a, packet, size);
		assoc_leave(a);
	}
	wlk_free(packet);
}

void sctp_assoc_events_seen(struct sctp_assoc *a, wlk_time now)
{
	if (!a->init_ack)
		return;
	a->now = now;
	feed_init_ack(a);
}

void sctp_assoc_input(struct sctp_assoc *a, wlk_time now, const uint8_t *packet, size_t size)
{
	a->now = now;
	if (!a->socket)
		return;
	a->stats.packets_received++;
	a->stats.bytes_received += size;
	assoc_enter(a);
	enum packet_verdict verdict =
		size <= PKTBUF_PAYLOAD ? packet_filter_check(&a->filter, packet, size) : PACKET_BAD_LENGTH;

	if (verdict == PACKET_OK && !assoc_hold_init_ack(a, packet, size))
		feed_packet(a, packet, size);
	assoc_leave(a);
	if (verdict == PACKET_OK)
		return;
	if (verdict == PACKET_BAD_CHECKSUM)
		a->stats.checksum_errors++;
	else
		a->stats.packets_filtered++;
	LOG_RATED(a, &a->log_budget, now, LOG_LEVEL_DEBUG, "packet of %zu bytes dropped: %s", size,
		  packet_verdict_name(verdict));
}

static void shut_down_when_drained(struct sctp_assoc *a)
{
	if (!a->closing || a->shutdown_sent || !a->socket || a->state != SCTP_ASSOC_CONNECTED || !list_empty(&a->ready))
		return;
	a->shutdown_sent = true;
	if (usrsctp_shutdown(a->socket, SHUT_WR) != 0)
		assoc_shut(a, SCTP_CAUSE_LOCAL, 0);
}

void assoc_service(struct sctp_assoc *a)
{
	if (!a->socket || (!a->dirty && !atomic_load(&a->attention)))
		return;
	a->dirty = false;
	assoc_enter(a);
	release_held_reset(a);
	assoc_pull(a);
	assoc_feed(a);
	assoc_send_resets(a);
	shut_down_when_drained(a);
	a->dirty = false; /* one pass does all that can be done */
	assoc_leave(a);
}

bool sctp_assoc_poll_transmit(struct sctp_assoc *a, wlk_time now, struct pktbuf **out)
{
	struct pktbuf *buf;

	a->now = now;
	if (!a->out_first)
		assoc_service(a);
	buf = a->out_first;
	if (!buf)
		return false;
	a->out_first = buf->next;
	a->out_count--;
	buf->next = NULL;
	early_data_on_output(&a->early, now, buf);
	assoc_on_left(a, buf->data, buf->size);
	flight_on_output(&a->flight, buf->data, buf->size);
	a->stats.packets_sent++;
	a->stats.bytes_sent += buf->size;
	if (!is_heartbeat(buf->data, buf->size))
		assoc_mark_active(a);
	*out = buf;
	return true;
}

static bool poll_state(struct sctp_assoc *a, struct sctp_assoc_event *out)
{
	if (a->state_event_count == 0)
		return false;
	struct state_event event = a->state_events[0];

	a->state_event_count--;
	memmove(a->state_events, a->state_events + 1, a->state_event_count * sizeof(event));
	*out = (struct sctp_assoc_event){
		.type = SCTP_EV_STATE,
		.state = event.state,
		.cause = event.cause,
		.error_code = event.error_code,
	};
	return true;
}

static enum sctp_assoc_event_type first_event(uint32_t bits)
{
	enum sctp_assoc_event_type type = SCTP_EV_CHANNEL_NEW;

	while (!(bits & 1u << type))
		type++;
	return type;
}

bool sctp_assoc_poll_event(struct sctp_assoc *a, struct sctp_assoc_event *out)
{
	assoc_service(a);
	if (poll_state(a, out))
		return true;
	if (list_empty(&a->eventful))
		return false;
	struct sctp_channel *channel = list_entry(a->eventful.next, struct sctp_channel, eventful);
	enum sctp_assoc_event_type type = first_event(channel->events);

	channel->events &= ~(1u << type);
	if (!channel->events)
		list_remove(&channel->eventful);
	*out = (struct sctp_assoc_event){ .type = type, .channel = channel };
	if (type == SCTP_EV_CHANNEL_ERROR)
		out->error = channel->error;
	return true;
}

void assoc_post(struct sctp_channel *channel, enum sctp_assoc_event_type type)
{
	if (channel->orphan)
		return;
	if (!channel->events)
		list_push_back(&channel->assoc->eventful, &channel->eventful);
	channel->events |= 1u << type;
}

static bool has_work(const struct sctp_assoc *a)
{
	return a->state != SCTP_ASSOC_CONNECTED || a->closing || a->resets_wanted || a->resets_open || a->locked ||
	       a->held_open || a->held_reset || !list_empty(&a->ready);
}

static bool is_quiet(const struct sctp_assoc *a)
{
	return !has_work(a) && a->now - a->active_at >= IDLE_AFTER_MS * MILLISECOND;
}

static bool is_idle(const struct sctp_assoc *a)
{
	struct sctp_assoc_stats status;

	return is_quiet(a) && assoc_status(a, &status) && status.unacked == 0;
}

wlk_time sctp_assoc_deadline(const struct sctp_assoc *a)
{
	if (!a->socket)
		return WLK_TIME_NEVER;
	if (atomic_load(&a->attention))
		return a->now;
	if (a->idle_until > a->now && !has_work(a))
		return time_min(a->idle_until, early_data_deadline(&a->early));
	return time_min(time_min(MAX(stack_next_tick(), a->now + MILLISECOND), MAX(assoc_open_due(a), a->now + MILLISECOND)),
			time_min(assoc_init_ack_due(a), early_data_deadline(&a->early)));
}

static void repeat_early_data(struct sctp_assoc *a)
{
	struct pktbuf *buf = early_data_repeat(&a->early, a->now, a->config.pool);

	if (buf)
		queue_out(a, buf);
}

static void give_up_connecting(struct sctp_assoc *a)
{
	if (a->state != SCTP_ASSOC_CONNECTING || a->now < a->connect_by)
		return;
	assoc_enter(a);
	assoc_shut(a, SCTP_CAUSE_LOST, 0);
	assoc_leave(a);
}

void sctp_assoc_handle_timeout(struct sctp_assoc *a, wlk_time now)
{
	a->now = now;
	give_up_connecting(a);
	if (!a->socket)
		return;
	if (now >= assoc_init_ack_due(a))
		feed_init_ack(a);
	if (now >= stack_next_tick() || now >= assoc_open_due(a))
		a->dirty = true;
	assoc_service(a);
	repeat_early_data(a);
	if (is_quiet(a))
		assoc_settle_left(a);
	if (now >= a->idle_until)
		a->idle_until = is_idle(a) ? now + IDLE_DEADLINE_MS * MILLISECOND : 0;
}

/* ---- values ---- */

enum sctp_assoc_state sctp_assoc_state(const struct sctp_assoc *a)
{
	return a->state;
}

uint16_t sctp_assoc_streams(const struct sctp_assoc *a)
{
	return a->streams;
}

struct sctp_channel *sctp_assoc_channel(const struct sctp_assoc *a, uint16_t id)
{
	return id < a->slot_count ? a->slots[id].channel : NULL;
}

struct stream_slot *assoc_slot(struct sctp_assoc *a, uint16_t id)
{
	void *items = a->slots;

	if (id >= a->slot_count) {
		if (!array_reserve(&items, &a->slot_capacity, (size_t)id + 1, sizeof(*a->slots)))
			return NULL;
		a->slots = items;
		memset(a->slots + a->slot_count, 0, ((size_t)id + 1 - a->slot_count) * sizeof(*a->slots));
		a->slot_count = (size_t)id + 1;
	}
	return &a->slots[id];
}

size_t sctp_assoc_remote_max_message_size(const struct sctp_assoc *a)
{
	return a->remote_max_message_size;
}

void sctp_assoc_set_remote_max_message_size(struct sctp_assoc *a, size_t size)
{
	a->remote_max_message_size = size ? size : SIZE_MAX;
}

void sctp_assoc_stats(const struct sctp_assoc *a, struct sctp_assoc_stats *out)
{
	*out = a->stats;
	out->chunks_repeated = a->flight.repeated;
	out->flight_is_known = flight_size(&a->flight, &out->flight_size);
	(void)assoc_status(a, out);
	out->zero_checksum = a->filter.zero_checksum_rx && a->filter.zero_checksum_tx;
	out->send_buffer = (uint32_t)a->send_buffer;
	out->receive_buffer = (uint32_t)a->receive_buffer;
}
