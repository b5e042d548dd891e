"""What a group of cases is, and what its cases are given."""
from .call import Call, Peer
from .coturn import Coturn
from .network import Network
from .process import require


class Case:
    """
    One case: run(lab, group) gives a note for its line, or raises Failure.

    short: it belongs to the short run; slow: it mostly waits, so it runs beside the others, with a network of its own.
    """

    def __init__(self, name, run, short=False, slow=False):
        self.name, self.run, self.short, self.slow = name, run, short, slow


class Group:
    """Cases that use the same network. `stack` is what has to be installed for them."""

    def __init__(self, name, cases, stack="wirelark", table=None):
        self.name, self.cases, self.stack = name, cases, stack
        self.table = table  # table(results): a Markdown table of results, for the documentation
        self.results = {}   # what cases leave for the table
        self.network, self.server, self.sites = None, None, {}

    def open(self, lab):
        """The network of the group, made when the first case asks for it."""
        if not self.network:
            self.network = Network(lab.programs)
        return self.network

    def add_server(self, lab, delay=0):
        if not self.server:
            self.server = Coturn(self.open(lab), lab.folder(), lab.ca_file(), delay, lab.verbose)
        return self.server

    def site(self, lab, key, kind, **options):
        """The site of that key, made when it is asked for the first time."""
        if key not in self.sites:
            self.sites[key] = self.open(lab).site(kind, **options)
        return self.sites[key]

    def close(self):
        if self.server:
            self.server.stop()
        if self.network:
            self.network.close()
        self.network, self.server, self.sites = None, None, {}


class Ends:
    """Two peers for a `with` block: started in their hosts, ended behind it. `call` is the call between them."""

    def __init__(self, lab, offerer_site, answerer_site, stacks=("wirelark", "wirelark"), arguments=()):
        self.peers = []
        try:
            for site, stack, more in zip((offerer_site, answerer_site), stacks, arguments or ((), ())):
                command, environment = lab.stack(stack)
                self.peers.append(Peer([*command, *more], site.host, log=lab.log, environment=environment))
        except BaseException:
            self.stop()
            raise
        self.call = Call(*self.peers)

    def __enter__(self):
        return self.call

    def __exit__(self, kind, *_):
        codes = self.stop()
        # A sanitizer reports by the exit code.
        if kind is None:
            for peer, code in zip(self.peers, codes):
                require(code == 0 or peer.name != "net-peer", f"{peer.name} ended with {code}; --verbose shows its words")

    def stop(self):
        return [peer.stop() for peer in self.peers]


def delays_for(rtt):
    """The delay of each of two wires [ms one way] that makes the round trip between two sites `rtt`."""
    return rtt / 4
