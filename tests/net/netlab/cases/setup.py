"""The time from an offer's creation until the channel is open at both sides, without NAT and without servers."""
import statistics
from contextlib import ExitStack

from ..group import Case, Ends, Group, delays_for

RTTS = (0, 50, 100, 200)
SHORT_RTTS = (50, 100)  # without a delay the time is that of the processors, which others may keep busy
ROUNDS, SHORT_ROUNDS = 20, 8
OTHERS_ROUNDS, OTHERS_ROUNDS_AT_ONCE = 15, 60  # without a delay a millisecond tells, and calls are short
MANY = 500
MANY_RTT = 50
# A timer that had to fire would show as a connection this much later than the median one.
STALL_MS = 50


def allowed(rtt):
    """The promise: 4.5 round trips and 15 ms."""
    return 4.5 * rtt + 15


class Times:
    """Set-up times in ms."""

    def __init__(self):
        self.all = []

    @property
    def median(self):
        return statistics.median(self.all)

    def percentile(self, part):
        return sorted(self.all)[min(len(self.all) - 1, int(len(self.all) * part))]

    def __str__(self):
        return (f"min {min(self.all):.0f}, median {self.median:.0f}, p99 {self.percentile(0.99):.0f}, "
                f"max {max(self.all):.0f} ms")


def measure(call, rounds, config=None, seconds=20):
    return measure_in_turns([call], rounds, config, seconds)[0]


def measure_in_turns(calls, rounds, config=None, seconds=20):
    """The times of each call; a moment in which the machine is busy meets all of them alike."""
    times = [Times() for _ in calls]
    for _ in range(rounds):
        for call, own in zip(calls, times):
            own.all.append(call.connect(config, config, seconds))
            call.close()
    return times


def _sites(lab, group, rtt):
    sites = [group.site(lab, side, "none") for side in range(2)]
    for site in sites:
        site.uplink.wire.set(delay=delays_for(rtt))
    return sites


def _at(rtt):
    def run(lab, group):
        with Ends(lab, *_sites(lab, group, rtt)) as call:
            measure(call, 1)  # the first one pays for what a process does once
            times = measure(call, SHORT_ROUNDS if lab.options.short else ROUNDS)
        group.results[("wirelark", "wirelark"), rtt] = times
        lab.within(times.median <= allowed(rtt), f"median {times.median:.0f} ms at RTT {rtt}, above {allowed(rtt):.0f}")
        return str(times)
    return run


def _others_at(rtt, stack):
    """We offer, it offers, and it calls itself, in turns."""
    orders = [("wirelark", stack), (stack, "wirelark"), (stack, stack)]

    def run(lab, group):
        sites = _sites(lab, group, rtt)
        with ExitStack() as ends:
            calls = [ends.enter_context(Ends(lab, *sites, stacks=stacks)) for stacks in orders]
            measure_in_turns(calls, 1)
            times = measure_in_turns(calls, OTHERS_ROUNDS if rtt else OTHERS_ROUNDS_AT_ONCE)
        for stacks, own in zip(orders, times):
            group.results[stacks, rtt] = own
        return "; ".join(f"{', '.join(stacks)}: {own}" for stacks, own in zip(orders, times))
    return run


def _many(lab, group):
    with Ends(lab, *_sites(lab, group, MANY_RTT)) as call:
        measure(call, 1)
        times = measure(call, MANY)
    group.results["many"] = times
    late = [ms for ms in times.all if ms > times.median + STALL_MS]
    lab.within(not late, f"{len(late)} of {MANY} connections were {STALL_MS} ms later than the median: {times}")
    return str(times)


def _table(results):
    lines = ["| from, to | " + " | ".join(f"RTT {rtt}" for rtt in RTTS) + " |", "|---" * (len(RTTS) + 1) + "|"]
    for stacks in dict.fromkeys(key[0] for key in results if key != "many"):
        cells = [f"{results[stacks, rtt].median:.0f} ({results[stacks, rtt].percentile(0.99):.0f})"
                 if (stacks, rtt) in results else "" for rtt in RTTS]
        lines.append(f"| {', '.join(stacks)} | " + " | ".join(cells) + " |")
    lines.append("| 4.5 RTT + 15 | " + " | ".join(f"{allowed(rtt):.0f}" for rtt in RTTS) + " |")
    if "many" in results:
        lines += ["", f"{MANY} connections at RTT {MANY_RTT} ms: {results['many']}."]
        lines += ["", "| ms above the median | " + " | ".join(f"up to {ms}" for ms in (5, 10, 20, 50)) + " | more |",
                  "|---" * 6 + "|"]
        above = [ms - results["many"].median for ms in results["many"].all]
        edges = [float("-inf"), 5, 10, 20, 50, float("inf")]
        lines.append("| connections | " + " | ".join(str(sum(low < ms <= high for ms in above))
                                                     for low, high in zip(edges, edges[1:])) + " |")
    return "\n".join(lines)


def _others(stack):
    return [Case(f"rtt-{rtt}", _others_at(rtt, stack)) for rtt in RTTS]


GROUPS = [
    Group("setup", [*(Case(f"rtt-{rtt}", _at(rtt), short=rtt in SHORT_RTTS) for rtt in RTTS), Case("many", _many)],
          table=_table),
    Group("setup-libwebrtc", _others("libwebrtc"), "libwebrtc", _table),
    Group("setup-chromium", _others("chromium"), "chromium", _table),
]
