"""The network changes under a call: new NAT mappings, an interface that goes, a far end that vanishes."""
import time

from ..coturn import ice_servers
from ..group import Case, Ends, Group, delays_for
from ..process import require

RTT = 40
REBIND_SECONDS = 2.0
MOVE_SECONDS = 1.0
BULK_BYTES = 4 << 20
BULK_KBIT, BULK_QUEUE_MS = 8000, 60


def _rebinding(name, left, right, with_server):
    """A call is up; then the NAT in front of the offerer forgets and maps to other ports. Nobody signals."""
    def run(lab, group):
        if with_server:
            group.add_server(lab)
        sites = [group.site(lab, (side, kind), kind, delay=delays_for(RTT)) for side, kind in enumerate((left, right))]
        config = {"iceServers": ice_servers("stun", "udp", "tcp")} if with_server else {}
        with Ends(lab, *sites) as call:
            call.connect(config, config)
            before = call.pair()
            call.start_ticks()
            time.sleep(1.5)  # what the ends keep warm beside the selected pair has settled
            gap = call.recovery(sites[0].uplink.rebind, least=3)
            after = call.pair()
        group.results[name] = (before, after, gap)
        lab.within(gap < REBIND_SECONDS, f"messages came back after {gap:.2f} s, above {REBIND_SECONDS:g}")
        return f"{before} to {after}, {gap:.2f} s"
    return run


def _start_transfers(call):
    """Both ways, as large as the narrow wire takes a few seconds for."""
    for peer in call.both:
        peer.tell(do="bulk", bytes=BULK_BYTES)


def _check_transfers(call):
    for peer in call.both:
        done = peer.wait_for("bulk", 60)
        require(done["exact"] and done["bytes"] == BULK_BYTES, f"a transfer arrived changed: {done}")


def _backup_pair(name, kind):
    """A host with two uplinks loses the one in use, and nobody signals."""
    def run(lab, group):
        near = group.open(lab).site(kind, delay=delays_for(RTT))
        near.add_uplink(kind, delay=delays_for(RTT))
        far = group.open(lab).site("none", delay=delays_for(RTT))
        far.uplink.wire.set(rate=BULK_KBIT, queue=BULK_QUEUE_MS)
        with Ends(lab, near, far) as call:
            call.connect()
            before = call.pair()
            call.start_ticks()
            time.sleep(2)
            _start_transfers(call)
            time.sleep(1)
            gap = call.recovery(near.uplink.lose, least=3)
            _check_transfers(call)
            after = call.pair()
        group.results[name] = (before, after, gap)
        lab.within(gap < MOVE_SECONDS, f"messages came back after {gap:.2f} s, above {MOVE_SECONDS:g}")
        return f"{gap:.2f} s, {2 * BULK_BYTES >> 20} MiB exact"
    return run


def _loses_only_uplink(lab, group):
    """Two sites behind NATs, the first of which is about to lose its only uplink and get another one a second later."""
    group.add_server(lab)
    sites = [group.open(lab).site("port-restricted", delay=delays_for(RTT)) for _ in range(2)]
    sites[1].uplink.wire.set(rate=BULK_KBIT, queue=BULK_QUEUE_MS)
    return sites, {"iceServers": ice_servers("stun")}


def _change_uplink(call, site):
    """Gives the time at which the new uplink was there [ms]."""
    _start_transfers(call)
    time.sleep(1)
    site.uplink.lose()
    time.sleep(1)
    site.add_uplink("port-restricted", delay=delays_for(RTT))
    return time.time() * 1000


def _new_uplink(lab, group):
    """The candidates of a new uplink are trickled to the far end, and the call goes on: no restart."""
    sites, config = _loses_only_uplink(lab, group)
    with Ends(lab, *sites) as call:
        call.connect(config, config)
        call.start_ticks()
        before = call.pair()
        came = _change_uplink(call, sites[0])
        gap = _first_message_after(call, came)
        _check_transfers(call)
        after = call.pair()
    group.results["new-uplink"] = (before, after, gap)
    lab.within(gap < MOVE_SECONDS, f"messages came {gap:.2f} s after the new uplink, above {MOVE_SECONDS:g}")
    return f"{gap:.2f} s after the new uplink, transfers exact"


def _restarted(lab, group):
    """The same while nothing can be signalled: the connection asks for an ICE restart, which brings the call back."""
    sites, config = _loses_only_uplink(lab, group)
    with Ends(lab, *sites) as call:
        call.connect(config, config)
        call.start_ticks()
        before = call.pair()
        call.mute()
        since = call.offerer.mark()
        _change_uplink(call, sites[0])
        call.offerer.wait_for("restart-wanted", 10, since)
        call.unmute()
        asked = call.restart()
        gap = _first_message_after(call, asked)
        _check_transfers(call)
        after = call.pair()
    group.results["restart-after-loss"] = (before, after, gap)
    lab.within(gap < MOVE_SECONDS, f"messages came {gap:.2f} s after the restart, above {MOVE_SECONDS:g}")
    return f"{gap:.2f} s after the restart, transfers exact"


def _first_message_after(call, asked, most=10):
    """Seconds from the time `asked` [ms] until messages have come each way."""
    end = time.monotonic() + most
    while any(peer.arrivals()["last"] <= asked for peer in call.both):
        require(time.monotonic() < end, f"no messages for {most} s after the change")
        time.sleep(0.01)
    return time.time() - asked / 1000


def _signalled_restart(lab, group):
    """Both ends are well and one of them restarts ICE in mid-call: nothing is lost and messages hardly pause."""
    sites = [group.site(lab, ("well", side), "none", delay=delays_for(RTT)) for side in range(2)]
    sites[1].uplink.wire.set(rate=BULK_KBIT, queue=BULK_QUEUE_MS)
    with Ends(lab, *sites) as call:
        call.connect()
        call.start_ticks()
        _start_transfers(call)
        gap = call.recovery(call.restart, least=2)
        _check_transfers(call)
    group.results["restart-in-mid-call"] = ("", "", gap)
    lab.within(gap < 0.5, f"a gap of {gap:.2f} s")
    return f"longest gap {gap:.2f} s, transfers exact"


def _vanish(lab, group):
    """The wire of the answerer is cut: the offerer says `disconnected`, stops sending, and says `failed` once."""
    sites = [group.site(lab, ("vanish", side), "none", delay=delays_for(RTT)) for side in range(2)]
    with Ends(lab, *sites) as call:
        call.connect()
        call.start_ticks()
        time.sleep(1)
        since = call.offerer.mark()
        cut = time.time()
        sites[1].uplink.wire.set(cut=1)
        disconnected = call.offerer.wait_for("connection", 10, since, state="disconnected")["t"] / 1000 - cut
        silent = _last_packet(sites[0].uplink, cut, until=36)
        call.offerer.wait_for("connection", 30, since, state="failed")
        time.sleep(2)
        failed = call.offerer.all_of("connection", state="failed")
    note = (f"disconnected after {disconnected:.1f} s, last packet at {silent:.1f} s, "
            f"failed at {failed[0]['t'] / 1000 - cut:.1f} s")
    group.results["vanish"] = note
    require(len(failed) == 1, f"failed was said {len(failed)} times")
    require(silent <= 31, f"still sending: {note}")
    lab.within(5 <= disconnected <= 8, note)
    return note


def _last_packet(uplink, began, until):
    """When the last UDP packet left for the core, in seconds after `began`; watched until that many have gone."""
    count, last = uplink.udp_packets_out(), 0.0
    while (now := time.time() - began) < until:
        time.sleep(0.2)
        seen = uplink.udp_packets_out()
        if seen != count:
            count, last = seen, now
    return last


def _table(results):
    lines = ["| change | pair before | pair after | longest gap, s |", "|---|---|---|---|"]
    lines += [f"| {name} | {' | '.join(row[:2])} | {row[2]:.2f} |"
              for name, row in results.items() if isinstance(row, tuple)]
    if "vanish" in results:
        lines += ["", f"The far end vanishes: {results['vanish']}."]
    return "\n".join(lines)


def _case(name, make, *arguments, **options):
    return Case(name, make(name, *arguments), **options)


GROUPS = [Group("changes", [
    Case("vanish", _vanish, short=True, slow=True),
    _case("rebinding-public", _rebinding, "port-restricted", "none", False, short=True),
    _case("rebinding-nat-turn", _rebinding, "port-restricted", "address-dependent", True, short=True),
    _case("rebinding-symmetric-turn", _rebinding, "symmetric", "symmetric", True, short=True),
    _case("interface-lost", _backup_pair, "none", short=True),
    _case("interface-lost-behind-nat", _backup_pair, "port-restricted"),
    Case("new-uplink", _new_uplink, short=True),
    Case("restart-after-loss", _restarted, short=True),
    Case("restart-in-mid-call", _signalled_restart, short=True),
], table=_table)]
