"""IPv4 and IPv6: each alone, both, and both where one of them is lost in silence."""
from ..call import selected_candidates
from ..coturn import ice_servers
from ..group import Case, Ends, Group, delays_for
from ..process import require
from .setup import allowed, measure

RTT = 100
ROUNDS = 7
SLACK_MS = 100  # what a family that is lost in silence may cost


def _sites(lab, group, families, lost=None):
    return [group.site(lab, (side, families, lost), "none", families=families, delay=delays_for(RTT))
            for side in range(2)]


def _run(name, families, lost=None, want=None):
    def run(lab, group):
        sites = _sites(lab, group, families, lost)
        if lost:
            for site in sites:
                site.uplink.drop(f"meta nfproto {lost}")
        with Ends(lab, *sites) as call:
            measure(call, 1)
            times = measure(call, ROUNDS)
            call.connect()
            address = selected_candidates(call.offerer.stats())[1].get("address", "?")
        require(want is None or want in address, f"{address} was selected")
        group.results[name] = times
        plain = group.results.get("ipv4-only")
        usual = plain.median if plain else allowed(RTT)
        lab.within(times.median <= usual + SLACK_MS, f"{times.median:.0f} ms, and IPv4 alone takes {usual:.0f}")
        return f"{times}, {address}"
    return run


def _with_server(lab, group):
    """IPv6 alone and relay only, so that an IPv6 relay it is."""
    group.add_server(lab)
    sites = _sites(lab, group, "6")
    config = {"iceServers": ice_servers("udp", ipv6=True), "iceTransportPolicy": "relay"}
    with Ends(lab, *sites) as call:
        ms = call.connect(config, config)
        call.check_messages()
        pair = call.pair()
    require(pair.count("relay") == 2, f"{pair} was selected")
    return f"{pair} in {ms:.0f} ms"


def _table(results):
    lines = ["| | median ms | p99 ms |", "|---|---|---|"]
    lines += [f"| {name} | {times.median:.0f} | {times.percentile(0.99):.0f} |" for name, times in results.items()]
    return "\n".join(lines)


def _case(name, families, lost=None, want=None, short=False):
    return Case(name, _run(name, families, lost, want), short)


GROUPS = [Group("families", [
    _case("ipv4-only", "4", want="198.18"),
    _case("ipv6-only", "6", want="2001:db8", short=True),
    _case("dual-stack", "46", want="2001:db8"),
    _case("dual-stack-ipv6-lost", "46", "ipv6", want="198.18", short=True),
    _case("dual-stack-ipv4-lost", "46", "ipv4", want="2001:db8"),
    Case("ipv6-relay", _with_server),
], table=_table)]
