/*
 * What surprises about usrsctp 0.9.5.0:
 * - It is one per process. usrsctp_init_nothreads() leaves the timers to us; an idle iterator thread starts all the
 *   same.
 * - Packets may leave from any usrsctp_*() call, for any association, and from inside its locks: the callback only
 *   queues. Feeding a packet from there deadlocks.
 * - The upcall may come from any call, too; it is a flag, data is pulled later. A socket is never closed inside of it.
 * - With the CRC32c offload it neither writes nor checks checksums: both are ours (sctp/assoc.c).
 * - For AF_CONN the path MTU does not count the 12 bytes of the common header (sctp/assoc_socket.c).
 * - The retransmission timer is not restarted by a SACK. It runs out once an RTO under steady load and looks which
 *   chunks are older than SRTT + RTTVAR; now and then one is, and the congestion window falls without a loss. Nothing
 *   outside can change that.
 * - Unordered reassembly, stream resets and I-DATA are wrong in ways that sctp/packet_shim.h lists; I-DATA is not used.
 * - usrsctp's own defaults are set here once; what belongs to a socket is set in assoc_socket.c.
 */
#include "sctp/stack.h"

#include <pthread.h>
#include <stdatomic.h>
#include <usrsctp.h>

#include "core/time.h"

enum { BUCKETS = 1024 };

/*
 * Guards usrsctp and all of the below: the only lock below net/, because usrsctp is the only thing that all loops
 * share.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool initialised;
static uintptr_t last_id;
static size_t live;
static struct stack_entry *buckets[BUCKETS];
static const struct stack_entry *current;
static _Atomic(wlk_time) last_tick;

static struct stack_entry *find(uintptr_t id)
{
	struct stack_entry *entry = buckets[id % BUCKETS];

	while (entry && entry->id != id)
		entry = entry->next;
	return entry;
}

static int on_output(void *address, void *packet, size_t size, uint8_t tos, uint8_t set_df)
{
	struct stack_entry *entry = find((uintptr_t)address);

	(void)tos;
	(void)set_df;
	if (entry)
		entry->on_packet(entry, packet, size, entry != current);
	return 0;
}

static void on_upcall(struct socket *socket, void *address, int flags)
{
	struct stack_entry *entry = find((uintptr_t)address);

	(void)socket;
	(void)flags;
	if (entry)
		entry->on_ready(entry, entry != current);
}

/*
 * The first window is that of RFC 6928. usrsctp cuts the congestion window to what is in flight plus one burst whenever
 * a SACK finds less than that in flight; a burst must not be smaller than what a batch of received SACKs frees at once.
 */
enum { INITIAL_WINDOW = 10, MAX_BURST = 32, FAST_RETRANSMIT_BURST = 10 };
/* RFC 9260 6.2 allows 500 ms; well below our smallest RTO of 200 ms, so that a lone message is not sent twice. */
enum { DELAYED_SACK_MS = 20 };

static void initialise(void)
{
	if (initialised)
		return;
	usrsctp_init_nothreads(0, on_output, NULL);
	usrsctp_enable_crc32c_offload();
	usrsctp_sysctl_set_sctp_ecn_enable(0);
	usrsctp_sysctl_set_sctp_asconf_enable(0);
	usrsctp_sysctl_set_sctp_auto_asconf(0);
	usrsctp_sysctl_set_sctp_auth_enable(0);
	usrsctp_sysctl_set_sctp_nrsack_enable(0);
	usrsctp_sysctl_set_sctp_pktdrop_enable(0);
	usrsctp_sysctl_set_sctp_pr_enable(1);
	usrsctp_sysctl_set_sctp_reconfig_enable(1);
	usrsctp_sysctl_set_sctp_blackhole(2);
	usrsctp_sysctl_set_sctp_initial_cwnd(INITIAL_WINDOW);
	usrsctp_sysctl_set_sctp_max_burst_default(MAX_BURST);
	usrsctp_sysctl_set_sctp_fr_max_burst_default(FAST_RETRANSMIT_BURST);
	usrsctp_sysctl_set_sctp_delayed_sack_time_default(DELAYED_SACK_MS);
	usrsctp_sysctl_set_sctp_max_chunks_on_queue(16 * 1024);
	usrsctp_sysctl_set_sctp_max_retran_chunk(
		0); /* else a chunk sent 30 times ends the association, whatever it was told */
	initialised = true;
}

void stack_register(struct stack_entry *entry, wlk_time now)
{
	initialise();
	if (live++ == 0)
		atomic_store(&last_tick, now);
	entry->id = ++last_id;
	entry->next = buckets[entry->id % BUCKETS];
	buckets[entry->id % BUCKETS] = entry;
	usrsctp_register_address(stack_address(entry));
}

void stack_unregister(struct stack_entry *entry)
{
	struct stack_entry **at = &buckets[entry->id % BUCKETS];

	while (*at && *at != entry)
		at = &(*at)->next;
	assert(*at && "only what was registered is unregistered");
	*at = entry->next;
	live--;
	usrsctp_deregister_address(stack_address(entry));
}

bool stack_watch(const struct stack_entry *entry, struct socket *socket)
{
	return usrsctp_set_upcall(socket, on_upcall, stack_address(entry)) == 0;
}

void stack_tick(wlk_time now)
{
	wlk_time elapsed = now - atomic_load(&last_tick);

	if (live == 0)
		return;
	if (elapsed < -SECOND) {
		atomic_store(&last_tick, now); /* the clock of the process began anew, as it does in tests */
		return;
	}
	if (elapsed < STACK_TICK_MS * MILLISECOND)
		return;
	uint32_t elapsed_ms = (uint32_t)MIN(elapsed / MILLISECOND, (wlk_time)3600 * 1000);

	atomic_store(&last_tick, now - elapsed % MILLISECOND);
	usrsctp_handle_timers(elapsed_ms);
}

void stack_enter(struct stack_entry *entry)
{
	pthread_mutex_lock(&lock);
	current = entry;
}

void stack_leave(void)
{
	current = NULL;
	pthread_mutex_unlock(&lock);
}

wlk_time stack_next_tick(void)
{
	return atomic_load(&last_tick) + STACK_TICK_MS * MILLISECOND;
}
