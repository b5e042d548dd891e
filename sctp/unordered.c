#include "sctp/unordered.h"

#include "core/alloc.h"
#include "core/seq.h"
#include "sctp/assoc_internal.h"

/* A run: fragments of one message with consecutive TSNs, in one buffer. */

static void unlink_run(struct rx_message **at)
{
	struct rx_message *run = *at;

	*at = run->next;
	run->next = NULL;
}

static void free_run(struct sctp_assoc *a, struct rx_message **at)
{
	struct rx_message *run = *at;

	unlink_run(at);
	assoc_free_rx(a, run);
}

/* The link to the last run that ends at or before |tsn|; NULL when all are behind it. */
static struct rx_message **run_before(struct sctp_channel *channel, uint32_t tsn)
{
	struct rx_message **found = NULL;

	for (struct rx_message **at = &channel->runs; *at && !seq32_newer((*at)->end_tsn, tsn); at = &(*at)->next)
		found = at;
	return found;
}

/* Join *at with its successor when they touch within one message. False when memory is out. */
static bool join_next(struct sctp_assoc *a, struct rx_message **at)
{
	struct rx_message *run = *at;
	struct rx_message *next = run->next;

	if (!next || next->first_tsn != run->end_tsn || run->end || next->begins)
		return true;
	if (!assoc_extend_rx(a, at, next->data, next->size))
		return false;
	run = *at;
	run->end_tsn = next->end_tsn;
	run->end = next->end;
	free_run(a, &run->next);
	return true;
}

/* Add the fragment to the runs of |channel|; answers the link to its run, NULL when memory or the budget is out. */
static struct rx_message **add_fragment(struct sctp_channel *channel, struct unordered_fragment fragment, size_t size)
{
	struct sctp_assoc *a = channel->assoc;
	struct rx_message **at = run_before(channel, fragment.tsn);

	if (at && (*at)->end_tsn == fragment.tsn && !(*at)->end && !fragment.begins) {
		if (!assoc_extend_rx(a, at, a->rx_block->data, size))
			return NULL;
	} else {
		struct rx_message *run = assoc_take_block(a, size);

		if (!run)
			return NULL;
		at = at ? &(*at)->next : &channel->runs;
		run->first_tsn = fragment.tsn;
		run->begins = fragment.begins;
		run->next = *at;
		*at = run;
	}
	(*at)->end_tsn = fragment.tsn + 1;
	(*at)->end = fragment.ends;
	return join_next(a, at) ? at : NULL;
}

void unordered_on_fragment(struct sctp_channel *channel, struct unordered_fragment fragment, size_t size)
{
	struct sctp_assoc *a = channel->assoc;
	struct rx_message **at;
	struct rx_message *run;

	if (channel->error)
		return; /* it is being closed because of what the other side sent */
	at = add_fragment(channel, fragment, size);
	if (!at) {
		assoc_shut(a, SCTP_CAUSE_MEMORY, 0);
		return;
	}
	run = *at;
	if (run->size > a->config.max_message_size && !channel->streamed) {
		a->stats.messages_refused++;
		unordered_drop(channel);
		channel_fail(channel, WLK_ERR_TOO_LARGE);
	} else if (run->begins && run->end) {
		unlink_run(at);
		assoc_deliver(channel, run, fragment.ppid);
	}
}

void unordered_abandon(struct sctp_channel *channel, uint32_t forward_tsn)
{
	struct rx_message **at = &channel->runs;

	while (*at) {
		struct rx_message *run = *at;
		bool front_lost = !run->begins && !seq32_newer(run->first_tsn - 1, forward_tsn);
		bool rest_lost = !run->end && !seq32_newer(run->end_tsn, forward_tsn);

		if (front_lost || rest_lost)
			free_run(channel->assoc, at);
		else
			at = &run->next;
	}
}

void unordered_drop(struct sctp_channel *channel)
{
	while (channel->runs)
		free_run(channel->assoc, &channel->runs);
}
