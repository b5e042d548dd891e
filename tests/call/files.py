#!/usr/bin/python3
"""
files.py CALL ECHO: wirelark-call from files to files, with the echo peer and with another one of itself.

What arrives is held against what was sent, pictures by their numbers and sound by its spectrum.
"""
import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import media  # noqa: E402
from program import Program, Report, main, require, until  # noqa: E402

WIDTH, HEIGHT, FPS, PICTURES = 320, 240, 15, 90
# A call goes on until so much has come at both ends: how long that takes is the machine's business.
SHOWN, SOUND_SECONDS = 30, 2.5
MOST_SECONDS = 90


class End:
    """One end of a call, with a film and a tone of its own, and files for what comes."""

    def __init__(self, folder, name, hz):
        self.hz = hz
        self.video_in, self.audio_in, self.video_out, self.audio_out = (
            os.path.join(folder, f"{name}-{file}") for file in ("in.y4m", "in.wav", "out.y4m", "out.wav"))
        self.film = media.write_film(self.video_in, WIDTH, HEIGHT, FPS, PICTURES, hz)
        media.write_wav(self.audio_in, media.tone(hz, 2))

    def options(self, *more):
        return ["--headless", "--video-in", self.video_in, "--audio-in", self.audio_in,
                "--video-out", self.video_out, "--out-size", f"{WIDTH}x{HEIGHT}", "--audio-out", self.audio_out, *more]

    def has_enough(self):
        return all(os.path.exists(path) and os.path.getsize(path) >= size for path, size in (
            (self.video_out, SHOWN * (WIDTH * HEIGHT * 3 // 2 + 6) + 100), (self.audio_out, SOUND_SECONDS * 2 * media.SOUND_RATE)))

    def check_received(self, sender):
        """What this end wrote is what the other one has sent."""
        likeness = media.Likeness(sender.film, media.read_film(self.video_out))
        require(likeness.unread <= likeness.count // 20, f"{likeness.unread} of {likeness.count} numbers cannot be read")
        require(likeness.backwards == 0, f"{likeness.backwards} pictures came before their turn")
        require(likeness.ssim and sum(likeness.ssim) / len(likeness.ssim) >= 0.8, str(likeness))
        heard = media.read_wav(self.audio_out)
        share = media.share_at(heard[media.SOUND_RATE:], sender.hz)
        require(share >= 0.9, f"{share:.0%} of what is heard is the tone of {sender.hz} Hz")
        return f"{likeness}; {share:.1%} of the sound"


def hang_up(caller, ends, other=None):
    """Once enough has come the caller is interrupted; the other one notices and ends too."""
    until(lambda: all(end.has_enough() for end in ends), MOST_SECONDS, "pictures and sound come")
    caller.send(signal.SIGINT)
    require(caller.wait(20) == 0, f"{caller.name} ended with {caller.process.returncode}")
    if other:
        require(other.wait(20) == 0, f"the other one ended with {other.process.returncode}")
        require(other.said("closed"), "the other one was told")


def echoed(call, echo, folder):
    """What is sent to the echo peer comes back."""
    end = End(folder, "only", 523)
    with Program([echo, "--port", "0"]) as peer:
        with Program([call, *end.options(), peer.url()]) as caller:
            hang_up(caller, [end])
            require(Report(caller).shown >= SHOWN, "the report counts them")
    return end.check_received(end)


def posted(call, _, folder):
    """One listens, the other one posts its offer there; both exchange files."""
    near, far = End(folder, "near", 523), End(folder, "far", 659)
    with Program([call, *far.options("--listen", "0")]) as answerer:
        with Program([call, *near.options("--codec", "VP8"), answerer.url()]) as caller:
            hang_up(caller, [near, far], answerer)
            require(Report(caller).codec == "VP8", f"the codec is {Report(caller).codec}")
    return f"{near.check_received(far)} | {far.check_received(near)}"


def copied(call, _, folder):
    """The descriptions are carried from one to the other by hand: two pipes."""
    near, far = End(folder, "near", 440), End(folder, "far", 784)
    to_far, to_near = (os.path.join(folder, name) for name in ("to-far", "to-near"))
    for path in (to_far, to_near):
        os.mkfifo(path)
    # Opened for both, so that neither waits for the other one to open it.
    with open(to_far, "r+b", 0) as far_in, open(to_near, "r+b", 0) as near_in:
        with Program([call, *far.options("--answer")], stdin=far_in, stdout=near_in) as answerer:
            with Program([call, *near.options("--offer", "--codec", "VP9")], stdin=near_in, stdout=far_in) as caller:
                hang_up(caller, [near, far], answerer)
                require(Report(caller).codec == Report(answerer).codec == "VP9", "both say that it is VP9")
    return f"{near.check_received(far)} | {far.check_received(near)}"


if __name__ == "__main__":
    main(echoed, posted, copied)
