"""aiortc against the echo peer: data channels, and audio and video that it decodes itself.

    aiortc_peer.py --url URL --direction offer|answer --case NAME
"""
import argparse
import asyncio
import fractions
import json
import sys
import urllib.error
import urllib.request

import numpy
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame

WIDTH, HEIGHT = 640, 480
FRAMES_WANTED = 60
SAMPLE_RATE = 48000
TONE_HZ = 1000
SHADES = (60, 200)  # luma of the left and the right half of the picture


class Failure(Exception):
    """A fact that a case requires does not hold."""


def require(condition, fact):
    if not condition:
        raise Failure(fact)


async def within(seconds, what, awaitable):
    try:
        return await asyncio.wait_for(awaitable, seconds)
    except asyncio.TimeoutError:
        raise Failure(f"{what} not within {seconds} s") from None


class Call:
    """One peer connection to the peer under test, offered by either side."""

    def __init__(self, options):
        self.options = options
        self.pc = RTCPeerConnection()
        self.incoming = asyncio.Queue()
        self.tracks = asyncio.Queue()
        self.key = None
        # Subscribed before any description, so that nothing that comes early is missed.
        self.pc.on("datachannel", lambda channel: self.incoming.put_nowait(Channel(channel)))
        self.pc.on("track", self.tracks.put_nowait)

    async def connect(self, prepare, media=False, channels=None):
        """prepare(pc) adds channels and tracks: before our offer, or after the peer's."""
        if self.options.direction == "answer":
            offer = await self.request("POST", "/offerer" + ("?media=1" if media else ""), {})
            self.key = offer["key"]
            await self.pc.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
            prepare(self.pc)
            await self.pc.setLocalDescription(await self.pc.createAnswer())
            await self.request("POST", f"/offerer/{self.key}", self.description())
            return
        prepare(self.pc)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        body = {**self.description(), "channels": channels or []}
        answer = await self.request("POST", "/offer", body)
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))

    def description(self):
        local = self.pc.localDescription
        return {"type": local.type, "sdp": local.sdp}

    async def request(self, method, path, body=None):
        def blocking():
            data = json.dumps(body).encode()
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(self.options.url + path, data, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=10) as response:
                    return json.loads(response.read() or b"{}")
            except urllib.error.HTTPError as error:
                raise Failure(f"{method} {path}: {error.code} {error.read(200)!r}") from None

        return await asyncio.get_running_loop().run_in_executor(None, blocking)

    async def close(self):
        await self.pc.close()
        if self.key:
            await self.request("DELETE", f"/offerer/{self.key}")


class Channel:
    """A data channel whose messages can be waited for."""

    def __init__(self, channel):
        self.raw = channel
        self.messages = asyncio.Queue()
        self.open = asyncio.Event()
        channel.on("message", self.messages.put_nowait)
        channel.on("open", self.open.set)
        if channel.readyState == "open":
            self.open.set()

    async def opened(self):
        await within(15, f"channel '{self.raw.label}' open", self.open.wait())
        return self

    async def next(self):
        return await within(10, f"message on '{self.raw.label}'", self.messages.get())

    async def round_trip(self, message):
        self.raw.send(message)
        echoed = await self.next()
        require(type(echoed) is type(message), f"{type(message).__name__} came back as {type(echoed).__name__}")
        require(echoed == message, f"message of {len(message)} came back changed, with {len(echoed)}")


async def with_channel(options, body, **connect):
    call = Call(options)
    channel = None

    def prepare(pc):
        nonlocal channel
        channel = Channel(pc.createDataChannel("echo"))

    try:
        await call.connect(prepare, **connect)
        await channel.opened()
        await body(channel, call)
    finally:
        await call.close()


def pattern(size):
    return bytes((i * 31 + (i >> 8)) & 255 for i in range(size))


async def strings(options):
    async def body(channel, _):
        for text in ("hello", "x", "příliš žluťoučký 🐦", "a" * 1200, "b" * 16384):
            await channel.round_trip(text)

    await with_channel(options, body)


async def binary(options):
    async def body(channel, _):
        for size in (1, 2, 3, 4, 5, 1155, 1156, 1157, 1200, 16384, 65535):
            await channel.round_trip(pattern(size))

    await with_channel(options, body)


async def empty(options):
    async def body(channel, _):
        for message in ("", b"", "after the empty ones"):
            await channel.round_trip(message)

    await with_channel(options, body)


async def large(options):
    """aiortc announces max-message-size 65536: nobody may send it more."""

    async def body(channel, _):
        for _ in range(4):
            await channel.round_trip(pattern(65536))
        await channel.round_trip("c" * 65536)

    await with_channel(options, body)


async def channels(options):
    call = Call(options)
    made = []

    def prepare(pc):
        for i in range(20):
            made.append(Channel(pc.createDataChannel(f"channel {i}", protocol=f"p{i}")))

    try:
        await call.connect(prepare)
        for i, channel in enumerate(made):
            await channel.opened()
            await channel.round_trip(f"on channel {i}")
    finally:
        await call.close()


async def negotiated(options):
    call = Call(options)
    made = []

    def prepare(pc):
        made.append(Channel(pc.createDataChannel("nego", negotiated=True, id=42)))

    try:
        await call.connect(prepare, channels=[{"id": 42, "label": "nego", "ordered": True}])
        await made[0].opened()
        await made[0].round_trip("nobody announced this channel")
    finally:
        await call.close()


async def plain_sctp_form(options):
    """aiortc's default is `m=application P DTLS/SCTP 5000`; this one has the form of RFC 8841."""
    call = Call(options)
    call.pc._sctpLegacySdp = False  # no public switch for it
    made = []
    try:
        await call.connect(lambda pc: made.append(Channel(pc.createDataChannel("echo"))))
        require("UDP/DTLS/SCTP webrtc-datachannel" in call.pc.localDescription.sdp, "the offer has the old form")
        await made[0].opened()
        await made[0].round_trip("in the form of RFC 8841")
    finally:
        await call.close()


class TwoShades(VideoStreamTrack):
    """A picture whose left half is dark and whose right half is bright, at 30 frames a second."""

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        luma = numpy.full((HEIGHT, WIDTH), SHADES[0], numpy.uint8)
        luma[:, WIDTH // 2 :] = SHADES[1]
        chroma = numpy.full((HEIGHT // 2, WIDTH), 128, numpy.uint8)
        frame = VideoFrame.from_ndarray(numpy.concatenate([luma, chroma]), format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    """A sine, in 20 ms pieces; the base class keeps the pace."""

    async def recv(self):
        paced = await super().recv()
        size, rate = paced.samples, paced.sample_rate
        phase = 2 * numpy.pi * TONE_HZ / rate * (paced.pts + numpy.arange(size))
        frame = AudioFrame.from_ndarray((12000 * numpy.sin(phase)).astype(numpy.int16).reshape(1, -1), layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = paced.pts, rate, fractions.Fraction(1, rate)
        return frame


def has_two_shades(frame):
    luma = frame.to_ndarray(format="yuv420p")[:HEIGHT]
    left, right = luma[:, : WIDTH // 4].mean(), luma[:, -WIDTH // 4 :].mean()
    return abs(left - SHADES[0]) < 15 and abs(right - SHADES[1]) < 15


async def watch_video(track, good):
    while good["pictures"] < FRAMES_WANTED:
        frame = await track.recv()
        if (frame.width, frame.height) == (WIDTH, HEIGHT) and has_two_shades(frame):
            good["pictures"] += 1


async def listen(track, good):
    """Returns when the strongest frequency has been the tone's in ten frames."""
    while good["sounds"] < 10:
        frame = await track.recv()
        samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0].astype(float)
        spectrum = numpy.abs(numpy.fft.rfft(samples))
        strongest = spectrum.argmax() * frame.sample_rate / len(samples)
        if spectrum.max() > 1e5 and abs(strongest - TONE_HZ) <= 50:
            good["sounds"] += 1


async def audio_video(options, codec="VP8"):
    """aiortc offers BUNDLE with another ice-ufrag for each m-line."""
    call = Call(options)

    def prepare(pc):
        pc.addTrack(Tone())
        pc.addTrack(TwoShades())
        available = RTCRtpSender.getCapabilities("video").codecs
        for transceiver in pc.getTransceivers():
            if transceiver.kind == "video" and options.direction == "offer":
                transceiver.setCodecPreferences([each for each in available if each.name == codec])

    try:
        await call.connect(prepare, media=True)
        good = {"pictures": 0, "sounds": 0}
        tasks = []
        for _ in range(2):
            track = await within(10, "track from the peer", call.tracks.get())
            tasks.append(watch_video(track, good) if track.kind == "video" else listen(track, good))
        try:
            await asyncio.wait_for(asyncio.gather(*tasks), 20)
        except asyncio.TimeoutError:
            raise Failure(f"{good} good within 20 s, not {FRAMES_WANTED} and 10") from None
    finally:
        await call.close()


async def offered_channel(options):
    call = Call(options)
    try:
        await call.connect(lambda pc: None)
        channel = await within(10, "channel of the peer", call.incoming.get())
        require(await channel.next() == "hello", "the peer does not greet")
        await channel.round_trip("thank you")
    finally:
        await call.close()


CASES = {
    "strings": strings,
    "binary": binary,
    "empty": empty,
    "large": large,
    "channels": channels,
    "negotiated": negotiated,
    "plain-sctp-form": plain_sctp_form,
    "audio-video": audio_video,
    "h264": lambda options: audio_video(options, "H264"),
    "offered-channel": offered_channel,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--direction", choices=("offer", "answer"), default="offer")
    parser.add_argument("--case", choices=CASES, required=True)
    options = parser.parse_args()
    options.url = options.url.rstrip("/")
    try:
        asyncio.run(CASES[options.case](options))
    except Failure as failure:
        sys.exit(f"failed: {failure}")


main()
