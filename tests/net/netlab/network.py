"""A small internet of network namespaces: hosts behind routers, a core that joins them, and wires with delay.

    host --veth-- router --wire (net-link)-- core --wire-- router --veth-- host
                                              |
                                             wire
                                              |
                                         STUN/TURN server

Site number i has the public network 198.18.i.0/24 (RFC 2544), of which a NAT uses 198.18.i.1, the private network
10.i.0.0/24 behind a NAT, and 2001:db8:i::/64. Names of namespaces begin with "wlk-" and the lab's process id.
"""
import json
import os
import re
import threading

from .process import Failure, Program, run

PREFIX = f"wlk-{os.getpid()}-"
SERVER, SERVER6 = "198.18.255.2", "2001:db8:ffff::2"

# The kinds of access that the matrix crosses. Linux keeps the port of a mapping while it is free, so with one host
# behind it every NAT but "symmetric" maps independently of the far end; what differs is who may answer.
KINDS = ("none", "endpoint-independent", "address-dependent", "symmetric", "no-udp", "only-tcp-443")

_NAT = """
table inet nat {{
	set open_ports {{ type inet_service; flags dynamic,timeout; timeout 5m; }}
	set open_pairs {{ type inet_service . ipv4_addr; flags dynamic,timeout; timeout 5m; }}
	chain prerouting {{
		type nat hook prerouting priority dstnat;
		{inward}
	}}
	chain postrouting {{
		type nat hook postrouting priority srcnat;
		oifname "wan0" ip saddr 10.0.0.0/8 {outward}
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ct status dnat accept
		oifname "wan0" {allowed} accept
	}}
	chain remember {{
		type filter hook forward priority -10;
		{remember}
	}}
	chain input {{
		# What nobody asked for is dropped without a trace: an entry of conntrack would take the port from the host.
		type filter hook input priority filter; policy drop;
		iifname "wan0" meta l4proto {{ tcp, udp }} drop
		accept
	}}
}}
"""


def nat_rules(kind, inner):
    """The rules of one kind of NAT, in nft's language, for the one host behind it."""
    words = {"inward": "", "outward": "masquerade", "allowed": "", "remember": ""}
    if kind == "endpoint-independent":
        words["remember"] = 'oifname "wan0" meta l4proto udp update @open_ports { udp sport }'
        words["inward"] = f'iifname "wan0" udp dport @open_ports dnat ip to {inner}'
    elif kind == "address-dependent":
        words["remember"] = 'oifname "wan0" meta l4proto udp update @open_pairs { udp sport . ip daddr }'
        words["inward"] = f'iifname "wan0" udp dport . ip saddr @open_pairs dnat ip to {inner}'
    elif kind == "symmetric":
        words["outward"] = "masquerade fully-random"
    elif kind == "no-udp":
        words["allowed"] = "meta l4proto tcp"
    elif kind == "only-tcp-443":
        words["allowed"] = "tcp dport 443"
    elif kind != "port-restricted":
        raise Failure(f"there is no NAT '{kind}'")
    return _NAT.format(**words)


_WATCH = """
table inet watch {
	counter udp_out { }
	chain forward {
		type filter hook forward priority -200;
		oifname "wan0" meta l4proto udp counter name udp_out
	}
}
"""


class Wire(Program):
    """A net-link process: two TUN devices with delay, jitter, loss, rate and queue in between."""

    def __init__(self, program, left, right):
        self.ready = threading.Event()
        super().__init__([program, left, right], on_line=lambda line: self.ready.set())
        if not self.ready.wait(5):
            raise Failure(f"{program} {left} {right} does not start")

    def set(self, **values):
        """delay=, jitter= [ms], loss= [percent], rate= [kbit/s], queue= [ms], cut= [0 or 1]"""
        for name, value in values.items():
            self.write(f"{name} {value}")


class Uplink:
    """One way from a host to the core: an interface of the host, a router with its kind of NAT, and a wire."""

    def __init__(self, network, host, number, device, kind, families):
        self.network, self.host, self.number, self.device, self.kind = network, host, number, device, kind
        self.router = network.add_namespace(f"r{number}")
        self.wire = network.wire(f"{self.router}:wan0", f"{network.core}:leg{number}")
        self.public = f"198.18.{number}.1"
        self.inner = f"198.18.{number}.2" if kind == "none" else f"10.{number}.0.2"
        self.inner6 = f"2001:db8:{number:x}::2"
        self.gateway = self.inner[:-1] + "1"
        network.batch(host, f"link add {device} type veth peer name lan0 netns {self.router}")
        prefix = f"2001:db8:{number:x}::"
        if "4" in families:
            self._address("4", self.inner, self.gateway, 24)
            if kind != "none":
                network.batch(self.router, f"address add {self.public}/32 dev wan0")
        if "6" in families:
            self._address("6", self.inner6, prefix + "1", 64)
        network.batch(self.router, "link set lan0 up", "link set wan0 up")
        network.batch(host, f"link set {device} up")
        network.batch(network.core, f"link set leg{number} up")
        if "4" in families:
            self._routes("4", self.inner, self.gateway, f"198.18.{number}.0/24")
        if "6" in families:
            self._routes("6", self.inner6, prefix + "1", prefix + "/64")
        network.nft(self.router, _WATCH)
        if kind != "none":
            network.nft(self.router, nat_rules(kind, self.inner))

    def _address(self, family, inner, gateway, bits):
        nodad = " nodad" if family == "6" else ""
        self.network.batch(self.host, f"-{family} address add {inner}/{bits} dev {self.device}{nodad}")
        self.network.batch(self.router, f"-{family} address add {gateway}/{bits} dev lan0{nodad}")

    def _routes(self, family, inner, gateway, net):
        """The first uplink has the default route; packets from the address of another one leave by that one."""
        table, metric = 100 + self.number, 100 * self.number
        default = f"-{family} route add default via {gateway} dev {self.device}"
        self.network.batch(self.router, f"-{family} route add default dev wan0")
        self.network.batch(self.network.core, f"-{family} route add {net} dev leg{self.number}")
        self.network.batch(self.host, f"{default} metric {metric}", f"{default} table {table}",
                           f"-{family} rule add from {inner} lookup {table}")

    def forget(self):
        """The NAT loses all it knew, as after a restart."""
        self.network.execute(self.router, ["conntrack", "-F"])

    def rebind(self):
        """The NAT forgets, and maps to other ports from here on."""
        self.network.nft(self.router, "flush chain inet nat postrouting\n"
                         'add rule inet nat postrouting oifname "wan0" ip saddr 10.0.0.0/8 meta l4proto { tcp, udp } '
                         "masquerade to :20000-29999 fully-random")
        self.forget()

    def drop(self, rule):
        """Packets to and from the core that match are lost in silence."""
        self.network.nft(self.router, "table inet loss { chain forward { type filter hook forward priority -100; "
                         f"{rule} drop; }}; }}")

    def udp_packets_out(self):
        text = self.network.execute(self.router, ["nft", "-j", "list", "counter", "inet", "watch", "udp_out"])
        return next(each["counter"]["packets"] for each in json.loads(text)["nftables"] if "counter" in each)

    def lose(self):
        """The interface of the host is gone, as when a radio is switched off."""
        self.network.batch(self.host, f"link delete {self.device}")


class Neighbour:
    """A host on an Ethernet with one other host and nothing else."""

    def __init__(self, host):
        self.host = host


class Site:
    """A host with one uplink or more."""

    def __init__(self, network, kind, families="4", delay=0):
        number = network.take_number()
        self.network, self.kind = network, kind
        self.host = network.add_namespace(f"h{number}")
        self.uplinks = [Uplink(network, self.host, number, "eth0", kind, families)]
        if "6" not in families:
            network.switch(self.host, "net.ipv6.conf.all.disable_ipv6", 1)
        self.uplink.wire.set(delay=delay)

    @property
    def uplink(self):
        return self.uplinks[0]

    def add_uplink(self, kind, families="4", delay=0):
        number = self.network.take_number()
        uplink = Uplink(self.network, self.host, number, f"eth{len(self.uplinks)}", kind, families)
        uplink.wire.set(delay=delay)
        self.uplinks.append(uplink)
        return uplink


class Network:
    """All namespaces of one case or of several; `with` takes them down again."""

    count = 0

    def __init__(self, programs):
        Network.count += 1
        self.prefix = f"{PREFIX}{Network.count}"
        self.link_program = programs["link"]
        self.namespaces, self.wires, self.last_number = [], [], 0
        self.core = self.add_namespace("core")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for wire in self.wires:
            wire.stop()
        self.wires = []
        for name in self.namespaces:
            run(["ip", "netns", "delete", name])
        self.namespaces = []

    def take_number(self):
        self.last_number += 1
        return self.last_number

    def add_namespace(self, name):
        full = f"{self.prefix}{name}"
        run(["ip", "netns", "add", full])
        self.namespaces.append(full)
        self.batch(full, "link set lo up")
        self.switch(full, "net.ipv4.ip_forward", 1)
        self.switch(full, "net.ipv6.conf.all.forwarding", 1)
        self.switch(full, "net.ipv4.conf.all.rp_filter", 0)
        self.switch(full, "net.ipv4.conf.default.rp_filter", 0)
        return full

    def site(self, kind, families="4", delay=0):
        return Site(self, kind, families, delay)

    def wire(self, left, right):
        self.wires.append(Wire(self.link_program, left, right))
        return self.wires[-1]

    def neighbours(self):
        """Two hosts that share an Ethernet, with addresses and a route for multicast."""
        numbers = [self.take_number(), self.take_number()]
        hosts = [self.add_namespace(f"h{number}") for number in numbers]
        self.batch(hosts[0], f"link add eth0 type veth peer name eth0 netns {hosts[1]}")
        for i, host in enumerate(hosts):
            self.switch(host, "net.ipv6.conf.all.disable_ipv6", 1)
            self.batch(host, f"address add 172.16.0.{i + 1}/24 dev eth0", "link set eth0 up",
                       "route add default dev eth0")
        return [Neighbour(host) for host in hosts]

    def add_server(self, delay=0):
        """The host of the STUN and TURN server, straight on the core."""
        host = self.add_namespace("turn")
        wire = self.wire(f"{host}:wan0", f"{self.core}:legs")
        wire.set(delay=delay)
        self.batch(host, f"address add {SERVER}/32 dev wan0", f"-6 address add {SERVER6}/128 dev wan0 nodad",
                   "link set wan0 up", "-4 route add default dev wan0", "-6 route add default dev wan0")
        self.batch(self.core, "link set legs up", f"route add {SERVER}/32 dev legs",
                   f"-6 route add {SERVER6}/128 dev legs")
        return host

    def execute(self, namespace, command, given=None):
        return run(["ip", "netns", "exec", namespace, *command], given)

    def batch(self, namespace, *lines):
        for line in lines:
            run(["ip", "-n", namespace, *line.split()])

    def switch(self, namespace, name, value):
        self.execute(namespace, ["tee", "/proc/sys/" + name.replace(".", "/")], str(value))

    def nft(self, namespace, rules):
        self.execute(namespace, ["nft", "-f", "-"], rules)


def unusable():
    """Why no namespaces can be made here; None when they can."""
    if os.geteuid() != 0:
        return "not root"
    name = f"{PREFIX}try"
    try:
        run(["ip", "netns", "add", name])
    except (Failure, FileNotFoundError) as error:
        return str(error)
    try:
        run(["ip", "netns", "exec", name, "nft", "-f", "-"], nat_rules("symmetric", "10.0.0.2"))
        run(["ip", "netns", "exec", name, "conntrack", "-F"])
        run(["ip", "netns", "exec", name, "tee", "/proc/sys/net/ipv4/ip_forward"], "1")
        with open("/dev/net/tun", "rb"):
            pass
    except (Failure, FileNotFoundError, PermissionError) as error:
        return str(error)
    finally:
        run(["ip", "netns", "delete", name])
    return None


def remove_own():
    """Takes down what this lab still has."""
    for line in run(["ip", "netns", "list"]).splitlines():
        if line.startswith(PREFIX):
            run(["ip", "netns", "delete", line.split()[0]])


def _runs(process_id):
    try:
        with open(f"/proc/{process_id}/cmdline") as file:
            return bool(file.read())  # that of a process which nobody waited for is empty
    except OSError:
        return False


def remove_leftovers():
    """Takes down what a lab that was killed has left behind."""
    for line in run(["ip", "netns", "list"]).splitlines():
        found = re.match(r"wlk-(\d+)-", line)
        if found and not _runs(found[1]):
            run(["ip", "netns", "delete", line.split()[0]])
