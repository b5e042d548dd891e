"""Every kind of access against every other, with a STUN/TURN server: all connect, and messages pass both ways."""
from ..coturn import ice_servers
from ..group import Case, Ends, Group, delays_for
from ..network import KINDS

RTT = 40
LIMIT_MS = 500
STACKS = ("aiortc", "pion", "libwebrtc")
# What another stack cannot do is not asked of it: aiortc uses the first TURN server of the list only, and libwebrtc in
# Node trusts no authority but those built into it.
SERVERS = {"aiortc": ("stun", "tls"), "libwebrtc": ("stun", "udp", "tcp", "tcp-443")}


def _run(stack, left, right):
    def run(lab, group):
        group.add_server(lab)
        sites = [group.site(lab, (side, kind), kind, delay=delays_for(RTT)) for side, kind in enumerate((left, right))]
        for site in sites:
            site.uplink.forget()
        config, its = {"iceServers": ice_servers()}, {"iceServers": ice_servers(*SERVERS.get(stack, ()))}
        with Ends(lab, *sites, stacks=("wirelark", stack)) as call:
            ms = call.connect(config, its, seconds=20 if stack == "wirelark" else 40)
            call.check_messages()
            pair = call.pair()
        group.results[left, right] = f"{pair} {ms:.0f}"
        lab.within(stack != "wirelark" or ms <= LIMIT_MS, f"{left} to {right}: {ms:.0f} ms, above {LIMIT_MS}")
        return f"{pair} in {ms:.0f} ms"
    return run


def _table(results):
    lines = ["| offerer \\ answerer | " + " | ".join(KINDS) + " |", "|---" * (len(KINDS) + 1) + "|"]
    lines += [f"| {left} | " + " | ".join(results.get((left, right), "") for right in KINDS) + " |" for left in KINDS]
    return "\n".join(lines)


def _group(stack):
    # A Wirelark call is alike from both sides; with another stack it matters which end is whose.
    pairs = [(left, right) for i, left in enumerate(KINDS) for right in KINDS[i if stack == "wirelark" else 0:]]
    usual = ("none", "symmetric", "no-udp")
    cases = [Case(f"{left}/{right}", _run(stack, left, right), stack == "wirelark" and left in usual and right in usual)
             for left, right in pairs]
    name = "matrix" if stack == "wirelark" else f"matrix-{stack}"
    return Group(name, cases, stack, _table)


GROUPS = [_group(stack) for stack in ("wirelark", *STACKS)]
