"""wirelark-call in two namespaces: files in at each end, and what comes out at the other one held against them."""
import os
import signal
import sys
import time

import numpy as np

from ..group import Case, Group, delays_for
from ..process import Program, require

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../call"))
import media  # noqa: E402

RTT = 40
WIDTH, HEIGHT, FPS, PICTURES = 640, 480, 30, 90
# A call goes on until so much has come at both ends: how long that takes is the machine's business.
SHOWN, SOUND_SECONDS = 90, 3
MOST_SECONDS = 60
LOST_SECONDS = 60  # until a far end that went without a word is given up
LOST = 5           # the exit code then
SSIM, PSNR = 0.9, 30
RATE_KBIT = 8000


class End:
    """One end: a film and a tone of its own, and the files for what comes."""

    def __init__(self, lab, site, hz):
        self.lab, self.site, self.hz = lab, site, hz
        folder = lab.folder()
        self.files = {name: os.path.join(folder, name) for name in ("in.y4m", "in.wav", "out.y4m", "out.wav")}
        self.film = media.write_film(self.files["in.y4m"], WIDTH, HEIGHT, FPS, PICTURES, hz)
        media.write_wav(self.files["in.wav"], media.tone(hz, 2))
        self.program, self.said = None, []

    def start(self, *options, on_line=None):
        def take(line):
            self.said.append(line.strip())
            if on_line:
                on_line(line.strip())
        command = [self.lab.programs["call"], "--headless", "--video-in", self.files["in.y4m"], "--audio-in", self.files["in.wav"],
                   "--video-out", self.files["out.y4m"], "--out-size", f"{WIDTH}x{HEIGHT}", "--audio-out", self.files["out.wav"], *options]
        self.program = Program(command, self.site.host, take, self.lab.log)

    def wait(self, seconds):
        """The exit code."""
        end = time.monotonic() + seconds
        while self.program.alive:
            require(time.monotonic() < end, f"wirelark-call has not ended within {seconds} s")
            time.sleep(0.05)
        return self.program.stop()

    def has(self, pictures, seconds=0):
        """Whether so many pictures and seconds of sound have come."""
        wanted = {"out.y4m": pictures * (WIDTH * HEIGHT * 3 // 2 + 6) + 100, "out.wav": 44 + seconds * 2 * media.SOUND_RATE}
        return all(os.path.exists(self.files[name]) and os.path.getsize(self.files[name]) >= size for name, size in wanted.items())

    def check(self, sender):
        """What came is what the other one sent."""
        likeness = media.Likeness(sender.film, media.read_film(self.files["out.y4m"]))
        require(likeness.unread <= likeness.count // 20, f"{likeness.unread} of {likeness.count} numbers cannot be read")
        require(not likeness.backwards, f"{likeness.backwards} pictures came before their turn")
        require(np.mean(likeness.ssim) >= SSIM and np.mean(likeness.psnr) >= PSNR, str(likeness))
        heard = media.read_wav(self.files["out.wav"])[media.SOUND_RATE:]
        share = media.share_at(heard, sender.hz)
        require(share >= 0.9, f"{share:.1%} of what is heard is the tone of {sender.hz} Hz")
        return f"{likeness}, {share:.1%} of the sound"


def _ends(lab, group):
    sites = [group.site(lab, side, "none", delay=delays_for(RTT)) for side in range(2)]
    for site in sites:
        site.uplink.wire.set(cut=0, rate=RATE_KBIT)
    return [End(lab, site, hz) for site, hz in zip(sites, (523, 659))]


def _wait_until_both_have(near, far, *much):
    deadline = time.monotonic() + MOST_SECONDS
    while not (near.has(*much) and far.has(*much)):
        require(time.monotonic() < deadline, f"too little has come within {MOST_SECONDS} s")
        require(near.program.alive and far.program.alive, "one of them has ended by itself")
        time.sleep(0.05)


def _check_both(near, far):
    """Once enough has come one end is interrupted, and the other one ends with it."""
    _wait_until_both_have(near, far, SHOWN, SOUND_SECONDS)
    near.program.process.send_signal(signal.SIGINT)
    for end in (near, far):
        code = end.wait(10)
        require(code == 0, f"the one with the tone of {end.hz} Hz ended with {code}")
    return f"{near.check(far)} | {far.check(near)}"


def _listen(end, *options):
    """Starts an end that listens; gives its URL."""
    end.start("--listen", f"{end.site.uplink.inner}:0", *options)
    deadline = time.monotonic() + 10
    while not end.said:
        require(time.monotonic() < deadline and end.program.alive, "nobody listens")
        time.sleep(0.02)
    return end.said[0]


def _posted(lab, group):
    near, far = _ends(lab, group)
    near.start("--codec", "VP8", _listen(far))
    return _check_both(near, far)


def _copied(lab, group):
    near, far = _ends(lab, group)
    far.start("--answer", on_line=lambda line: near.program.write(line))
    near.start("--offer", "--codec", "VP9", on_line=far.program.write)
    return _check_both(near, far)


def _lost(lab, group):
    """Both wires are cut in mid-call: each end gives up by itself, says so by its exit code, and its files are whole."""
    near, far = _ends(lab, group)
    near.start(_listen(far))
    _wait_until_both_have(near, far, 30)
    for end in (near, far):
        end.site.uplink.wire.set(cut=1)
    began = time.monotonic()
    codes = [end.wait(LOST_SECONDS) for end in (near, far)]
    require(codes == [LOST, LOST], f"they ended with {codes}")
    for end in (near, far):
        media.read_film(end.files["out.y4m"])
        media.read_wav(end.files["out.wav"])
    return f"given up after {time.monotonic() - began:.0f} s"


GROUPS = [Group("calls", [
    Case("posted", _posted, short=True),
    Case("copied", _copied, short=True),
    Case("lost", _lost, slow=True),
])]
