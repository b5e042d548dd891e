"""GStreamer's webrtcbin against the echo peer: data channels, and VP8 and Opus that it encodes and decodes itself.

    webrtcbin_peer.py --url URL --direction offer|answer --case NAME
"""
import argparse
import json
import queue
import re
import sys
import threading
import time
import urllib.error
import urllib.request

import gi
import numpy

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402 (only once the versions are chosen)

WIDTH, HEIGHT = 640, 480
FRAMES_WANTED = 60
SOUNDS_WANTED = 20
SAMPLE_RATE = 48000
TONE_HZ = 1000
RED = (81, 90, 240)  # of videotestsrc, in BT.601
GATHERED_AFTER_S = 0.3  # without another candidate

SOURCES = {
    "video": "videotestsrc is-live=true pattern=red ! video/x-raw,format=I420,width=%d,height=%d,framerate=30/1 ! "
    "vp8enc deadline=1 keyframe-max-dist=60 target-bitrate=500000 ! rtpvp8pay picture-id-mode=15-bit pt=%%d name=video-pay"
    % (WIDTH, HEIGHT),
    "audio": "audiotestsrc is-live=true freq=%d samplesperbuffer=960 ! audio/x-raw,rate=%d,channels=2 ! opusenc ! "
    "rtpopuspay pt=%%d name=audio-pay" % (TONE_HZ, SAMPLE_RATE),
}
CAPS = {
    "video": "application/x-rtp,media=video,encoding-name=VP8,payload=%d,clock-rate=90000",
    "audio": "application/x-rtp,media=audio,encoding-name=OPUS,payload=%d,clock-rate=48000,encoding-params=(string)2",
}
USUAL_TYPE = {"video": 96, "audio": 111}
RTPMAP = {"video": r"a=rtpmap:(\d+) VP8/90000", "audio": r"a=rtpmap:(\d+) opus/48000/2"}


class Failure(Exception):
    """A fact that a case requires does not hold."""


def require(condition, fact):
    if not condition:
        raise Failure(fact)


def until(what, probe, seconds=15):
    end = time.monotonic() + seconds
    while not (value := probe()):
        if time.monotonic() >= end:
            raise Failure(f"{what() if callable(what) else what} not within {seconds} s")
        time.sleep(0.02)
    return value


class Channel:
    """A data channel whose messages can be waited for."""

    def __init__(self, channel):
        self.raw = channel
        self.messages = queue.Queue()
        channel.connect("on-message-string", lambda _, text: self.messages.put(text or ""))
        channel.connect("on-message-data", lambda _, data: self.messages.put(data.get_data() if data else b""))

    def opened(self):
        state = GstWebRTC.WebRTCDataChannelState.OPEN
        until(f"channel '{self.raw.props.label}' open", lambda: self.raw.props.ready_state == state)
        return self

    def next(self):
        try:
            return self.messages.get(timeout=10)
        except queue.Empty:
            raise Failure(f"no message on '{self.raw.props.label}' within 10 s") from None

    def send(self, message):
        if isinstance(message, str):
            self.raw.emit("send-string", message)
        else:
            self.raw.emit("send-data", GLib.Bytes.new(message))

    def round_trip(self, message):
        self.send(message)
        echoed = self.next()
        require(type(echoed) is type(message), f"{type(message).__name__} came back as {type(echoed).__name__}")
        require(echoed == message, f"message of {len(message)} came back changed, with {len(echoed)}")


class Call:
    """One webrtcbin with its pipeline, offered by either side."""

    def __init__(self, options):
        self.options = options
        self.key = None
        self.good = {"video": 0, "audio": 0}
        self.incoming = queue.Queue()
        self.pipeline = Gst.Pipeline.new(None)
        self.bin = Gst.ElementFactory.make("webrtcbin", None)
        self.bin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipeline.add(self.bin)
        self.replies = []  # what they lend lives as long as they do
        self.last_candidate = None
        self.bin.connect("on-ice-candidate", self.on_candidate)
        self.bin.connect("on-data-channel", lambda _, channel: self.incoming.put(Channel(channel)))
        self.bin.connect("pad-added", self.on_pad)
        self.pipeline.set_state(Gst.State.READY)

    def connect(self, kinds=(), make_channels=None, channels=None):
        """Sends and receives the kinds of media; make_channels() is called before our offer."""
        answering = self.options.direction == "answer"
        if answering:
            offer = self.request("POST", "/offerer" + ("?media=1" if kinds else ""), {})
            self.key = offer["key"]
            self.add_sources(kinds, offer["sdp"])
            self.pipeline.set_state(Gst.State.PLAYING)
            self.set_description("remote", "offer", offer["sdp"])
            self.describe("answer")
            self.request("POST", f"/offerer/{self.key}", self.description())
            return
        self.add_sources(kinds)
        self.pipeline.set_state(Gst.State.PLAYING)
        if make_channels:
            make_channels(self.bin)
        self.describe("offer")
        answer = self.request("POST", "/offer", {**self.description(), "channels": channels or []})
        self.set_description("remote", "answer", answer["sdp"])

    def create_channel(self, label, **options):
        structure = Gst.Structure.new_empty("application/data-channel")
        for name, value in options.items():
            structure.set_value(name.replace("_", "-"), value)
        return Channel(self.bin.emit("create-data-channel", label, structure))

    # ---- descriptions ----

    def promise(self, signal, *arguments):
        promise = Gst.Promise.new()
        self.bin.emit(signal, *arguments, promise)
        require(promise.wait() == Gst.PromiseResult.REPLIED, f"{signal} is not answered")
        reply = promise.get_reply()
        self.replies.append(reply)
        if reply and reply.has_field("error"):
            raise Failure(f"{signal}: {reply.get_value('error').message}")
        return reply

    def describe(self, kind):
        """Makes an offer or an answer, sets it, and waits for the candidates."""
        made = self.promise(f"create-{kind}", None).get_value(kind)
        self.promise("set-local-description", made)
        # "complete" comes late: libnice looks for a router that speaks UPnP until it is tired.
        until("candidates", lambda: self.last_candidate and time.monotonic() - self.last_candidate > GATHERED_AFTER_S)

    def on_candidate(self, *_):
        self.last_candidate = time.monotonic()

    def set_description(self, side, kind, text):
        types = {"offer": GstWebRTC.WebRTCSDPType.OFFER, "answer": GstWebRTC.WebRTCSDPType.ANSWER}
        result, message = GstSdp.SDPMessage.new_from_text(text)
        require(result == GstSdp.SDPResult.OK, f"the {kind} is not understood")
        description = GstWebRTC.WebRTCSessionDescription.new(types[kind], message)
        self.promise(f"set-{side}-description", description)

    def description(self):
        local = self.bin.get_property("local-description")
        names = {GstWebRTC.WebRTCSDPType.OFFER: "offer", GstWebRTC.WebRTCSDPType.ANSWER: "answer"}
        return {"type": names[local.type], "sdp": local.sdp.as_text()}

    def request(self, method, path, body=None):
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.options.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {path}: {error.code} {error.read(200)!r}") from None

    # ---- media ----

    def add_sources(self, kinds, offer=""):
        """What we answer with has the payload types of the offer."""
        for kind in kinds:
            found = re.search(RTPMAP[kind], offer)
            payload_type = int(found.group(1)) if found else USUAL_TYPE[kind]
            source = Gst.parse_bin_from_description(SOURCES[kind] % payload_type, True)
            self.pipeline.add(source)
            caps = Gst.Caps.from_string(CAPS[kind] % payload_type)
            require(source.link_filtered(self.bin, caps), f"the source of {kind} cannot be linked")

    def on_pad(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        decoder = "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=I420" if kind == "video" else \
            "rtpopusdepay ! opusdec ! audioconvert ! audio/x-raw,format=S16LE,channels=1"
        sink = Gst.parse_bin_from_description(f"queue ! {decoder} ! appsink name=sink emit-signals=true sync=false", True)
        sink.get_by_name("sink").connect("new-sample", self.on_picture if kind == "video" else self.on_sound)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def on_picture(self, sink):
        sample = sink.emit("pull-sample")
        size = sample.get_caps().get_structure(0)
        data = numpy.frombuffer(bytes_of(sample), numpy.uint8)
        area = WIDTH * HEIGHT
        if (size.get_value("width"), size.get_value("height")) == (WIDTH, HEIGHT) and data.size == area * 3 // 2:
            planes = data[:area], data[area : area * 5 // 4], data[area * 5 // 4 :]
            if all(abs(plane.mean() - wanted) < 5 for plane, wanted in zip(planes, RED)):
                self.good["video"] += 1
        return Gst.FlowReturn.OK

    def on_sound(self, sink):
        samples = numpy.frombuffer(bytes_of(sink.emit("pull-sample")), numpy.int16).astype(float)
        spectrum = numpy.abs(numpy.fft.rfft(samples))
        if samples.size and spectrum.max() > 1e5 and abs(spectrum.argmax() * SAMPLE_RATE / samples.size - TONE_HZ) <= 50:
            self.good["audio"] += 1
        return Gst.FlowReturn.OK

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)
        if self.key:
            self.request("DELETE", f"/offerer/{self.key}")


def bytes_of(sample):
    buffer = sample.get_buffer()
    return buffer.extract_dup(0, buffer.get_size())


def with_call(options, body, kinds=(), labels=(), channels=None, **channel_options):
    """body(call, the channels that we made)"""
    call = Call(options)
    made = []

    def make_channels(_):
        made.extend(call.create_channel(label, **channel_options) for label in labels)

    try:
        call.connect(kinds, make_channels, channels)
        body(call, made)
    finally:
        call.close()


def pattern(size):
    return bytes((i * 31 + (i >> 8)) & 255 for i in range(size))


def echoes(messages):
    """In the other direction the channel is the offerer's, which greets first."""

    def case(options):
        def body(call, made):
            if made:
                channel = made[0].opened()
            else:
                channel = call.incoming.get(timeout=10)
                require(channel.next() == "hello", "the peer does not greet")
            for message in messages:
                channel.round_trip(message)

        with_call(options, body, labels=["echo"] if options.direction == "offer" else [])

    return case


def channels(options):
    def body(_, made):
        for i, channel in enumerate(made):
            channel.opened().round_trip(f"on channel {i}")

    with_call(options, body, labels=[f"channel {i}" for i in range(20)])


def negotiated(options):
    with_call(options, lambda _, made: made[0].opened().round_trip("nobody announced this channel"), labels=["nego"],
              channels=[{"id": 42, "label": "nego", "ordered": True}], negotiated=True, id=42)


def media(*kinds, labels=()):
    wanted = {"video": FRAMES_WANTED, "audio": SOUNDS_WANTED}

    def case(options):
        def body(call, made):
            until(lambda: f"{call.good} good, not {wanted}: all",
                  lambda: all(call.good[kind] >= wanted[kind] for kind in kinds), 20)
            for channel in made:
                channel.opened().round_trip("beside the media")

        with_call(options, body, kinds, labels if options.direction == "offer" else [])

    return case


CASES = {
    "strings": echoes(["hello", "x", "příliš žluťoučký 🐦", "a" * 1200, "b" * 16384]),
    "binary": echoes([pattern(size) for size in (1, 2, 3, 4, 5, 1155, 1156, 1157, 1200, 16384, 65535)]),
    "large": echoes([pattern(65536), "c" * 65536]),
    "channels": channels,
    "negotiated": negotiated,
    "audio": media("audio"),
    "video": media("video"),
    "audio-video": media("audio", "video"),
    "audio-video-data": media("audio", "video", labels=["beside"]),
    "offered-channel": echoes(["thank you"]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--direction", choices=("offer", "answer"), default="offer")
    parser.add_argument("--case", choices=CASES, required=True)
    options = parser.parse_args()
    options.url = options.url.rstrip("/")
    Gst.init(None)
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    try:
        CASES[options.case](options)
    except (Failure, queue.Empty) as failure:
        sys.exit(f"failed: {failure or 'nothing came'}")
    finally:
        loop.quit()


main()
