#!/usr/bin/python3
"""
on_screen.py CALL ECHO [--screenshot FILE]: wirelark-call in a window of Xvfb, with the echo peer at the other end.

The picture on the screen is the moving test picture that came back, and what was played is the tone that went into the microphone. Keys,
resizing and the title are tried too. --screenshot keeps what the window looked like, as PNG.
"""
import os
import re
import subprocess
import sys

import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import media  # noqa: E402
from program import Program, main, require, until  # noqa: E402

WIDTH, HEIGHT = 640, 480  # captured; on a busy machine smaller ones are sent after a while
SCREEN = (800, 600)
HZ = 660  # of the microphone: the program's own tone has another pitch


class Screen:
    """Xvfb on a display that it chooses itself; its pixels are in a file."""

    def __init__(self, folder):
        self.file = os.path.join(folder, "Xvfb_screen0")
        read, write = os.pipe()
        self.process = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24", "-fbdir", folder,
                                         "-nolisten", "tcp", "-noreset", "-br"], pass_fds=[write], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        require(number, "Xvfb does not start")
        self.display = f":{number}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

    def look(self):
        return media.read_screen(self.file)

    def do(self, *words):
        """What xdotool says to it."""
        done = subprocess.run(["xdotool", *words], capture_output=True, text=True, timeout=10,
                              env={**os.environ, "DISPLAY": self.display})
        return done.stdout.strip()

    def window(self):
        return self.do("search", "--name", "^wirelark-call").splitlines()[-1:]

    def title(self):
        return self.do("search", "--name", "^wirelark-call", "getwindowname")


def shown(screen):
    """The part of the screen that is not black: x, y, width, height; None: all is."""
    bright = screen.max(axis=2) > 24
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


def cut(screen):
    x, y, width, height = shown(screen)
    return screen[y:y + height, x:x + width]


def colour_at(picture, x, y, size=12):
    """Mean U and V of a small square around a place, in fractions of the picture (BT.601)."""
    height, width = picture.shape[:2]
    cx, cy = int(x * width), int(y * height)
    red, green, blue = picture[cy - size:cy + size, cx - size:cx + size].reshape(-1, 3).astype(float).mean(axis=0)
    return 128 - 0.148 * red - 0.291 * green + 0.439 * blue, 128 + 0.439 * red - 0.368 * green - 0.071 * blue


def check_colours(picture):
    """U grows to the right and V falls downwards in the test picture; the lower right corner is our own small one."""
    for x, y in ((0.1, 0.1), (0.5, 0.1), (0.9, 0.1), (0.1, 0.5), (0.5, 0.5), (0.9, 0.5), (0.1, 0.85), (0.5, 0.85)):
        u, v = colour_at(picture, x, y)
        require(abs(u - (96 + 64 * x)) < 6 and abs(v - (160 - 64 * y)) < 6,
                f"at {x}, {y} U and V are {u:.0f} and {v:.0f}, not {96 + 64 * x:.0f} and {160 - 64 * y:.0f}")


def ball(picture):
    """The middle of the bright ball, as fractions of the picture, above the small one; None: it is not to be seen."""
    height, width = picture.shape[:2]
    bright = picture[:height * 7 // 10].astype(int).sum(axis=2) > 3 * 175
    rows, columns = np.nonzero(bright)
    return (float(np.median(columns)) / width, float(np.median(rows)) / height) if len(rows) > width * height // 1500 else None


def check_own(picture):
    """Our own picture is small in the corner: U runs through its whole range there, within a quarter of the width."""
    height, width = picture.shape[:2]
    margin = height // 40
    left, right = width - margin - width // 4, width - margin
    middle = (height - margin - height // 8) / height
    first, last = (colour_at(picture, at / width, middle, 4)[0] for at in (left + width // 80, right - width // 80))
    require(abs(first - 99) < 7 and abs(last - 157) < 7, f"U of our own picture goes from {first:.0f} to {last:.0f}")


def tail(path, seconds):
    """How loud the last part of what was played is; None: so much has not been played yet."""
    samples = np.fromfile(path, np.int16)[-int(seconds * media.SOUND_RATE):] if os.path.exists(path) else []
    return float(np.sqrt(np.mean(samples.astype(float) ** 2))) if len(samples) == int(seconds * media.SOUND_RATE) else None


def is_tone(path, seconds):
    return (tail(path, seconds) or 0) > 1000 and media.share_at(np.fromfile(path, np.int16)[-int(seconds * media.SOUND_RATE):], HZ) >= 0.9


def is_silent(path, seconds):
    loud = tail(path, seconds)
    return loud is not None and loud < 50


def brightness(screen):
    found = shown(screen)
    return 0 if not found else float(screen[found[1]:found[1] + found[3] // 2].mean())


def is_wide(screen):
    """A window of 780x300: the picture is 400x300 with 190 black pixels beside it, our own stands in the right part of them."""
    whole = shown(screen)
    above_own = whole and shown(screen[whole[1]:whole[1] + 200])
    return above_own and whole[3] == 300 and abs(above_own[2] - 400) <= 2 and above_own[0] == whole[0] and whole[2] > 500


def play(screen, caller, keep, played):
    """The user at the window, from the first picture to the last key."""
    figures = r"VP[89] \d+x\d+, [1-9]\d* kbit/s in, [1-9]\d* out"
    until(lambda: re.search(figures, screen.title()), 30, "the title tells codec, size and rates")

    def complete():
        picture = cut(screen.look()) if shown(screen.look()) else np.empty((0, 0, 3))
        height, width = picture.shape[:2]
        return [picture] if width >= 160 and abs(width * 3 - height * 4) <= 4 and ball(picture) else None
    picture, = until(complete, 20, "the test picture with its ball is there, in its own shape")
    check_colours(picture)
    check_own(picture)
    if keep:
        media.write_png(keep, picture)
    x, y = ball(picture)
    until(lambda: (b := ball(cut(screen.look()))) and abs(b[0] - x) + abs(b[1] - y) > 0.04, 10, "the ball moves")

    until(lambda: is_tone(played, 1), 20, f"what is played is the tone of {HZ} Hz")

    window = screen.window()[0]
    screen.do("mousemove", "--window", window, "300", "200")
    screen.do("key", "m")
    until(lambda: "muted" in screen.title(), 15, "the title tells that it is muted")
    until(lambda: is_silent(played, 0.3), 20, "what comes back is silent")
    screen.do("key", "v")
    until(lambda: "video off" in screen.title(), 15, "the title tells that the video is off")
    until(lambda: brightness(screen.look()) < 20, 15, "what comes back is black")
    screen.do("key", "v")
    until(lambda: brightness(screen.look()) > 60, 15, "the picture is there again")
    screen.do("key", "m")
    until(lambda: "muted" not in screen.title(), 15, "it is not muted any more")
    until(lambda: is_tone(played, 0.3), 20, "the tone comes again")

    screen.do("windowsize", "--sync", window, "780", "300")
    until(lambda: is_wide(screen.look()), 15, "a wide window has the picture in its middle, black beside it")
    screen.do("key", "q")
    require(caller.wait(10) == 0, "q hangs up")


def window(call, echo, folder):
    keep = sys.argv[sys.argv.index("--screenshot") + 1] if "--screenshot" in sys.argv else None
    played, said = os.path.join(folder, "played.raw"), os.path.join(folder, "said.raw")
    media.tone(HZ, 200).tofile(said)
    with Screen(folder) as screen, Program([echo, "--port", "0"]) as peer:
        # SDL would draw its software pictures by OpenGL, which is software too where there is no graphics card.
        environment = {"DISPLAY": screen.display, "SDL_VIDEODRIVER": "x11", "SDL_RENDER_DRIVER": "software",
                       "SDL_FRAMEBUFFER_ACCELERATION": "0", "SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": played,
                       "SDL_DISKAUDIOFILEIN": said}
        with Program([call, "--camera", "none", peer.url()], environment) as caller:
            play(screen, caller, keep, played)
        for words in ("no window", "no microphone", "no loudspeaker"):
            require(not caller.said(words), words)
    return f"{len(np.fromfile(played, np.int16)) / media.SOUND_RATE:.1f} s of sound"


if __name__ == "__main__":
    main(window)
