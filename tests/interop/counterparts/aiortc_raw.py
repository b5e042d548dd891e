"""The end of a raw call that is aiortc: the scene and its sound both ways, measured at both ends.

    aiortc_raw.py --url URL --case raw:vp8

aiortc keeps no lip-sync and has no jitter buffer for pictures: what it shows, it shows as soon as it is decoded, while its sound waits
for packets to gather. So what it hears is not compared with what it sees; the sender reports that would let it are compared at our end.
"""
import argparse
import asyncio
import fractions
import json
import sys
import time
import urllib.error
import urllib.request

import numpy
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame

import scene

WIDTH, HEIGHT, FPS, RATE = 640, 480, 30, 48000
TONE_HZ, BEEP_HZ, TONE, BEEP, BEEP_S = 440, 2400, 5000, 9000, 0.06
SETTLE_S, LOOK_S, MEASURE_S = 30, 1.5, 5.5
KEEP_EVERY, KEPT = 11, 12
WINDOW = RATE // 10


class Failure(Exception):
    """A fact that the case requires does not hold."""


def require(condition, fact):
    if not condition:
        raise Failure(fact)


# ---- out ----


class Clock:
    """The two tracks go by one clock: a beep begins in the very moment that its picture is captured."""

    def __init__(self):
        self.began = None

    async def until(self, seconds):
        if self.began is None:
            self.began = time.time()
        await asyncio.sleep(max(0, self.began + seconds - time.time()))


class ScenePicture(VideoStreamTrack):
    def __init__(self, clock):
        super().__init__()
        self.clock, self.number = clock, 0

    async def recv(self):
        await self.clock.until(self.number / FPS)
        self.number = max(self.number, int((time.time() - self.clock.began) * FPS))
        moment = int(1000 * (self.clock.began + self.number / FPS))
        luma = scene.draw(WIDTH, HEIGHT, self.number, moment)
        u, v = scene.colour(WIDTH, HEIGHT, self.number)
        planes = numpy.concatenate([luma.reshape(-1), u.reshape(-1), v.reshape(-1)]).reshape(HEIGHT * 3 // 2, WIDTH)
        frame = VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = self.number * 3000, fractions.Fraction(1, 90000)
        self.number += 1
        return frame


class SceneSound(AudioStreamTrack):
    PIECE = RATE // 50

    def __init__(self, clock):
        super().__init__()
        self.clock, self.at = clock, 0

    async def recv(self):
        await self.clock.until((self.at + self.PIECE) / RATE)
        t = (self.at + numpy.arange(self.PIECE)) / RATE
        beep = numpy.where(t % 1 < BEEP_S, BEEP * numpy.sin(2 * numpy.pi * BEEP_HZ * t), 0)
        samples = (TONE * numpy.sin(2 * numpy.pi * TONE_HZ * t) + beep).astype(numpy.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = self.at, RATE, fractions.Fraction(1, RATE)
        self.at += self.PIECE
        return frame


# ---- in ----


def amplitude(samples, hertz):
    phase = 2 * numpy.pi * hertz / RATE * numpy.arange(len(samples))
    return 2 * abs((samples * numpy.exp(-1j * phase)).sum()) / len(samples)


class Measures:
    def __init__(self):
        self.begin()

    def begin(self):
        self.shown = self.unread = self.backward = 0
        self.last = None
        self.delays, self.kept, self.tones, self.aways = [], [], [], []
        self.sound = numpy.zeros(0)

    def picture(self, frame):
        at = 1000 * time.time()
        if (frame.width, frame.height) != (WIDTH, HEIGHT):
            return
        planes = frame.to_ndarray(format="yuv420p")
        mark = scene.read(planes[:HEIGHT])
        self.shown += 1
        if mark is None:
            self.unread += 1
            return
        number, moment = mark
        self.backward += self.last is not None and number < self.last  # the same one again is no fault: a key frame may show it
        self.last = number
        late = (at - moment) % scene.MOMENTS
        self.delays.append(late - scene.MOMENTS if late > scene.MOMENTS / 2 else late)
        if len(self.kept) < KEPT and self.shown % KEEP_EVERY == 0:
            self.kept.append((number, moment, planes))

    def hear(self, frame):
        samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0].astype(float)
        self.sound = numpy.concatenate([self.sound, samples])
        while len(self.sound) >= WINDOW:
            window, self.sound = self.sound[:WINDOW], self.sound[WINDOW:]
            if amplitude(window, BEEP_HZ) > 0.02 * BEEP:
                continue
            self.tones.append(amplitude(window, TONE_HZ))
            self.aways.append(max(amplitude(window, hertz) for hertz in (700, 1050, 1575, 3543, 5314, 7971)))

    def likeness(self):
        likes, colours = [], [0]
        for number, moment, planes in self.kept:
            likes.append(scene.ssim(scene.draw(WIDTH, HEIGHT, number, moment), planes[:HEIGHT]))
            shown = planes[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2).astype(int)
            colours += [abs(plane - other).mean() for plane, other in zip(scene.colour(WIDTH, HEIGHT, number), shown)]
        return likes, max(colours)


# ---- the call ----


class Ours:
    """raw_peer.c behind the relay."""

    def __init__(self, url):
        self.url, self.path = url, "/raw"

    async def start(self, args):
        self.path = f"/raw/{(await self.post({'args': args}))['key']}"

    async def post(self, body, method="POST"):
        def blocking():
            request = urllib.request.Request(self.url + self.path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
            try:
                with urllib.request.urlopen(request, timeout=10) as response:
                    return json.loads(response.read() or b"{}")
            except urllib.error.HTTPError as error:
                raise Failure(f"{body}: {error.code} {error.read(200)!r}") from None

        return await asyncio.get_running_loop().run_in_executor(None, blocking)

    async def do(self, name, **options):
        answer = await self.post({"do": name, **options})
        require("error" not in answer, f"our {name}: {answer.get('error')}")
        return answer


async def watch(track, take):
    while True:
        take(await track.recv())


def per_picture(stats, type_, total, count):
    rows = [row for row in stats.values() if row["type"] == type_ and row["kind"] == "video" and row.get(count)]
    return 1000 * rows[0][total] / rows[0][count] if rows else 0


async def measure(ours, measures, seconds):
    await ours.do("begin")
    measures.begin()
    await asyncio.sleep(seconds)
    return await ours.do("report")


def check(where, shown, compared, backward, unread, like, colour, late, tone, away):
    facts = (
        (shown >= 0.85 * FPS * MEASURE_S, f"{shown} pictures in {MEASURE_S} s"),
        (compared >= 4, f"{compared} pictures compared"),
        (not backward, f"{backward} pictures out of order"),
        (unread <= 0.02 * shown, f"{unread} of {shown} pictures have no number"),
        (like >= 0.95, f"SSIM {like:.3f}"),
        (colour <= 6, f"colours are off by {colour:.1f}"),
        (late <= 60, f"{late:.0f} ms later than coding takes"),
        (abs(tone - TONE) <= 1500, f"the tone has an amplitude of {tone:.0f}"),
        (away <= 0.05 * tone, f"{away:.0f} away from the tone of {tone:.0f}"),
    )
    for holds, fact in facts:
        require(holds, f"{where}: {fact}")


async def same_scene(ours):
    """Both ends draw the same scene: of two pictures, one behind a cut, the checksums are equal."""
    for number in (7, 1234):
        mine = 0
        for value in scene.draw(WIDTH, HEIGHT, number, 987654).reshape(-1).tolist():
            mine = mine * 31 + value & 0xFFFFFFFF
        theirs = (await ours.do("sum", number=number, moment=987654))["sum"]
        require(mine == theirs, f"the sum of picture {number} is {mine}, not {theirs}")


async def talk(ours, measures):
    deadline = time.time() + SETTLE_S
    while True:
        report = await measure(ours, measures, LOOK_S)
        theirs, _ = measures.likeness()
        mine = report["pictures"].get("", {}).get("ssim", 0)
        if theirs and min(numpy.mean(theirs), mine) >= 0.95:
            break
        require(time.time() < deadline, f"a picture that is like the scene: {numpy.mean(theirs or [0]):.3f}, {mine:.3f}, to them and to us")
    report = await measure(ours, measures, MEASURE_S)
    likes, colours = measures.likeness()
    delay, p95 = numpy.quantile(measures.delays, 0.5), numpy.quantile(measures.delays, 0.95)
    tone, away = numpy.median(measures.tones or [0]), numpy.median(measures.aways or [0])
    encode, decode = per_picture(report["stats"], "outbound-rtp", "totalEncodeTime", "framesEncoded"), per_picture(
        report["stats"], "inbound-rtp", "totalDecodeTime", "framesDecoded")
    mine, sound, lips = report["pictures"][""], report["sound"], report["lips"]
    check("to them", measures.shown, len(likes), measures.backward, measures.unread, numpy.mean(likes), colours, delay - encode, tone, away)
    check("to us", mine["shown"], mine["compared"], mine["backward"], mine["unread"], mine["ssim"], mine["colour"],
          mine["delay"] - decode, sound["tone"], sound["away"])
    require(lips["pairs"] >= 3 and abs(lips["median"]) <= 40, f"to us: sound and picture are {lips['median']:.0f} ms apart ({lips['pairs']} beeps)")
    print(f"to them: {measures.shown} pictures, SSIM {numpy.mean(likes):.3f} (least {min(likes):.3f}), delay {delay:.0f} ms (p95 {p95:.0f}; "
          f"encode {encode:.1f}), tone {tone:.0f}, away {away:.0f}; to us: {mine['shown']} pictures, SSIM {mine['ssim']:.3f} (least "
          f"{mine['ssimMin']:.3f}), delay {mine['delay']:.0f} ms (p95 {mine['delayP95']:.0f}; decode {decode:.1f}), tone {sound['tone']:.0f}, "
          f"away {sound['away']:.0f}, lips {lips['median']:.0f} ms (worst {lips['worst']:.0f})")


async def call(url, codec):
    ours, pc, measures, clock = Ours(url), RTCPeerConnection(), Measures(), Clock()
    tasks = []

    @pc.on("track")
    def on_track(track):
        tasks.append(asyncio.ensure_future(watch(track, measures.picture if track.kind == "video" else measures.hear)))

    await ours.start(["--openh264"] if codec == "H264" else [])
    try:
        await same_scene(ours)
        await ours.do("tracks", codec=codec)
        offer = await ours.do("local")
        await pc.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
        pc.addTrack(SceneSound(clock))
        pc.addTrack(ScenePicture(clock))
        await pc.setLocalDescription(await pc.createAnswer())
        await ours.do("remote", kind="answer", sdp=pc.localDescription.sdp)
        await talk(ours, measures)
    finally:
        for task in tasks:
            task.cancel()
        await pc.close()
        await ours.post({}, "DELETE")


CASES = {"raw:vp8": "VP8", "raw:h264": "H264"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--case", choices=CASES, required=True)
    options = parser.parse_args()
    try:
        asyncio.run(call(options.url.rstrip("/"), CASES[options.case]))
    except Failure as failure:
        sys.exit(f"failed: {failure}")


main()
