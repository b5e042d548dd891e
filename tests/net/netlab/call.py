"""Calls between two programs that speak the lines of README.md; the lab carries the signalling, without delay."""
import time

from .process import Lines, require

CONNECT_SECONDS = 20


class Peer(Lines):
    """One end of a call, inside the namespace of a host."""

    def __init__(self, command, host, **options):
        self.other = None
        super().__init__(command, namespace=host, **options)
        self.wait_for("ready", 30)

    def on_event(self, event):
        if "signal" in event and self.other:
            self.other.tell(signal=event["signal"])

    def stats(self, seconds=5):
        since = self.mark()
        self.tell(do="stats")
        return self.wait_for("stats", seconds, since)["stats"]

    def arrivals(self):
        """The messages received so far: counts, time of the last, and the longest gap since the last look."""
        since = self.mark()
        self.tell(do="arrivals")
        return self.wait_for("arrivals", 5, since)

    def close(self):
        since = self.mark()
        self.tell(do="close")
        self.wait_for("closed", 10, since)


class Call:
    """Two peers that are connected to each other; `offerer` made the offer."""

    def __init__(self, offerer, answerer):
        self.offerer, self.answerer = offerer, answerer
        self.unmute()

    def mute(self):
        """Nothing is signalled from here on."""
        self.offerer.other = self.answerer.other = None

    def unmute(self):
        self.offerer.other, self.answerer.other = self.answerer, self.offerer

    @property
    def both(self):
        return (self.offerer, self.answerer)

    def connect(self, offerer_config=None, answerer_config=None, seconds=CONNECT_SECONDS):
        """
        Starts both; gives the ms from the offer's creation until the channel is open at both sides. Both ends have
        made their connection objects before the offer (browsers may still be making a certificate).
        """
        since = [peer.mark() for peer in self.both]
        self.offerer.tell(do="start", **(offerer_config or {}))
        self.answerer.tell(do="start", **(answerer_config or {}))
        end = time.monotonic() + seconds
        for peer, mark in zip(self.both, since):
            peer.wait_for("started", max(0.1, end - time.monotonic()), mark)
        self.offerer.tell(do="offer")
        opened = [peer.wait_for("open", max(0.1, end - time.monotonic()), mark)["t"]
                  for peer, mark in zip(self.both, since)]
        return max(opened) - self.offerer.wait_for("offering", 1, since[0])["t"]

    def check_messages(self):
        """A message each way arrives."""
        for sender, receiver in (self.both, self.both[::-1]):
            since = receiver.mark()
            sender.tell(do="send", text=f"hello from {sender.name}")
            receiver.wait_for("message", 10, since, text=f"hello from {sender.name}")

    def restart(self):
        """An ICE restart; gives the time at which it was asked for [ms]."""
        since = self.offerer.mark()
        self.offerer.tell(do="restart")
        self.offerer.tell(do="offer")
        return self.offerer.wait_for("offering", 5, since)["t"]

    def start_ticks(self):
        """A message every 20 ms each way, on an unreliable channel."""
        self.offerer.tell(do="start-ticks", makeChannel=True)
        self.answerer.wait_for("open", 5, label="ticks")
        self.answerer.tell(do="start-ticks")
        self.offerer.wait_for("open", 5, label="ticks")
        time.sleep(0.5)

    def recovery(self, break_it, least=2.0, most=15.0):
        """
        Does something to the network and gives the time in seconds until messages flow again each way: the longest gap
        between two messages, watched for `least` seconds. Fails after `most`.
        """
        longest = [0, 0]
        for peer in self.both:
            peer.arrivals()
        began = time.time()
        break_it()
        while True:
            time.sleep(0.25)
            now = time.time()
            looks = [peer.arrivals() for peer in self.both]
            longest = [max(before, look["longest"]) for before, look in zip(longest, looks)]
            flowing = all(now * 1000 - look["last"] < 200 for look in looks)
            if flowing and now - began >= least:
                return max(longest) / 1000
            require(now - began < most, f"no messages for {most:g} s after the change"
                    f" (the offerer's last came {now - looks[0]['last'] / 1000:.1f} s ago,"
                    f" the answerer's {now - looks[1]['last'] / 1000:.1f} s ago)")

    def pair(self):
        """The selected pair as the offerer sees it: "host-srflx", with the transport of a relay or of TCP."""
        return "-".join(describe(candidate) for candidate in selected_candidates(self.offerer.stats()))

    def close(self):
        for peer in self.both:
            peer.close()


def selected_candidates(stats):
    """The local and the remote candidate of the selected pair, as RTCIceCandidateStats; empty ones where there is none."""
    records = list(stats.values())
    transport = next((each for each in records if each.get("selectedCandidatePairId")), None)
    nominated = next((each for each in records if each.get("type") == "candidate-pair" and each.get("nominated")), {})
    pair = stats[transport["selectedCandidatePairId"]] if transport else nominated
    return [stats.get(pair.get(key), {}) for key in ("localCandidateId", "remoteCandidateId")]


def describe(candidate):
    kind, relay = candidate.get("candidateType", "?"), candidate.get("relayProtocol")
    if kind == "relay" and relay:
        return f"{kind}/{relay}"
    return f"{kind}/tcp" if candidate.get("protocol") == "tcp" else kind
