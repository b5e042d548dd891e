"""Single ways of reaching the other end, all others shut: relays over each transport, TCP, mDNS, ICE-lite, one port."""
from ..coturn import ice_servers
from ..group import Case, Ends, Group, delays_for
from ..process import require

RTT = 40
SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def _sites(lab, group, left, right):
    return [group.site(lab, (side, kind), kind, delay=delays_for(RTT)) for side, kind in enumerate((left, right))]


def _connect(lab, sites, configs, wanted, arguments=(), check=lambda call: None):
    """A call with these configurations; the selected pair has to have every word of `wanted`."""
    with Ends(lab, *sites, arguments=arguments) as call:
        ms = call.connect(*configs)
        call.check_messages()
        pair = call.pair()
        check(call)
    require(all(word in pair for word in wanted), f"{pair} was selected")
    return f"{pair} in {ms:.0f} ms"


def _signals(peer, key):
    """What a peer signalled under that key: "sdp" or "candidate"."""
    return [event["signal"][key] for event in peer.events if event.get("signal", {}).get(key)]


def _relayed(transport):
    def run(lab, group):
        group.add_server(lab)
        config = {"iceServers": ice_servers(transport), "iceTransportPolicy": "relay"}
        sites = _sites(lab, group, "port-restricted", "port-restricted")
        return _connect(lab, sites, (config, config), [f"relay/{transport}-relay"])
    return run


def _refused(lab, group):
    """A server whose certificate nobody we trust has signed gets no credentials, and the application is told why."""
    group.add_server(lab)
    config = {"iceServers": ice_servers("tls"), "iceTransportPolicy": "relay"}
    others = ["--ca", SYSTEM_AUTHORITIES]
    with Ends(lab, *_sites(lab, group, "port-restricted", "port-restricted"), arguments=[others, others]) as call:
        call.offerer.tell(do="start", **config)
        call.offerer.tell(do="offer")
        error = call.offerer.wait_for("candidate-error", 10)
        call.offerer.wait_for("gathering", 10, state="complete")
        candidates = [line for line in _signals(call.offerer, "candidate") if line]
    require("certificate" in error["text"] and error["code"] == 701, f"the error says: {error['code']} {error['text']}")
    require(not candidates, f"there are candidates: {candidates}")
    return f"{error['code']} {error['text']}"


def _tcp(lab, group):
    """The offerer's router drops UDP and nobody relays: it connects to the answerer's TCP port."""
    return _connect(lab, _sites(lab, group, "no-udp", "none"), ({}, {"iceTcp": "both"}), ["tcp"])


def _one_port(lab, group):
    """Both loops have one UDP and one TCP port for all their connections."""
    ports = ["--udp-port", "4000", "--tcp-port", "4001"]

    def check(call):
        lines = [line.split() for line in _signals(call.answerer, "candidate")]
        used = {(words[2].lower(), words[5]) for words in lines if "active" not in words}
        require(used == {("udp", "4000"), ("tcp", "4001")}, f"the answerer has {used}")
    sites = _sites(lab, group, "port-restricted", "none")
    return _connect(lab, sites, ({}, {"iceTcp": "both"}), ["host"], [ports, ports], check)


def _lite(lab, group):
    def check(call):
        require("a=ice-lite" in _signals(call.answerer, "sdp")[0], "the answer does not say a=ice-lite")
    return _connect(lab, _sites(lab, group, "symmetric", "none"), ({}, {"iceLite": True}), ["-host"], check=check)


def _mdns(lab, group):
    """Two hosts on one Ethernet, whose descriptions hold names that only multicast can resolve."""
    sites = group.open(lab).neighbours()
    config = {"hideHostAddresses": True}
    with Ends(lab, *sites) as call:
        ms = call.connect(config, config)
        call.check_messages()
        lines = [line for peer in call.both for line in _signals(peer, "candidate")]
    require(lines and all(".local " in line for line in lines), f"an address was shown: {lines}")
    return f"{ms:.0f} ms"


GROUPS = [Group("ways", [
    Case("relay-udp", _relayed("udp"), short=True),
    Case("relay-tcp", _relayed("tcp"), short=True),
    Case("relay-tls", _relayed("tls"), short=True),
    Case("relay-dtls", _relayed("dtls"), short=True),
    Case("tls-refused", _refused, short=True),
    Case("tcp", _tcp, short=True),
    Case("one-port", _one_port, short=True),
    Case("ice-lite", _lite, short=True),
    Case("mdns", _mdns, short=True),
])]
