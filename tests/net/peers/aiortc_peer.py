"""aiortc as one end of a call: ../README.md lists the orders and the events. Its candidates are in its description."""
import asyncio
import json
import sys
import time

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp


def say(**event):
    print(json.dumps({**event, "t": time.time() * 1000}), flush=True)


class Peer:
    def __init__(self):
        self.pc = self.channel = None

    def start(self, order):
        servers = [RTCIceServer(each["urls"], each.get("username"), each.get("credential"))
                   for each in order.get("iceServers", [])]
        # It uses the first STUN and the first TURN server of the list.
        self.pc = RTCPeerConnection(RTCConfiguration(servers))
        self.pc.on("datachannel", self.use_channel)
        self.pc.on("connectionstatechange", lambda: say(event="connection", state=self.pc.connectionState))
        say(event="started")

    def use_channel(self, channel):
        self.channel = channel
        opened = lambda: say(event="open", label=channel.label)
        channel.on("open", opened)
        channel.on("message", lambda text: say(event="message", text=text))
        if channel.readyState == "open":
            opened()

    async def describe(self, description):
        await self.pc.setLocalDescription(description)
        local = self.pc.localDescription
        say(signal={"type": local.type, "sdp": local.sdp})

    async def offer(self):
        say(event="offering")
        if not self.channel:
            self.use_channel(self.pc.createDataChannel("data"))
        await self.describe(await self.pc.createOffer())

    async def take_signal(self, signal):
        if "type" in signal:
            await self.pc.setRemoteDescription(RTCSessionDescription(signal["sdp"], signal["type"]))
            if signal["type"] == "offer":
                await self.describe(await self.pc.createAnswer())
        elif signal["candidate"]:
            candidate = candidate_from_sdp(signal["candidate"].split(":", 1)[1])
            candidate.sdpMid, candidate.sdpMLineIndex = signal.get("sdpMid"), signal.get("sdpMLineIndex")
            await self.pc.addIceCandidate(candidate)

    async def close(self):
        await self.pc.close()
        self.pc = self.channel = None
        say(event="closed")

    async def obey(self, line):
        word = line.get("do")
        if "signal" in line:
            await self.take_signal(line["signal"])
        elif word == "start":
            self.start(line)
        elif word == "offer":
            await self.offer()
        elif word == "send":
            self.channel.send(line["text"])
        elif word == "stats":
            say(event="stats", stats={})
        elif word == "close":
            await self.close()


async def main():
    peer = Peer()
    lines = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    say(event="ready")
    while line := await lines.readline():
        order = json.loads(line)
        try:
            await peer.obey(order)
        except Exception as error:  # told to the lab, whatever it is
            say(event="problem", what=order.get("do", "signal"), error=repr(error))


asyncio.run(main())
