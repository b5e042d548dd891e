"""Programs that a test of wirelark-call runs, and what it requires of them."""
import os
import re
import subprocess
import sys
import tempfile
import threading
import time


class Failed(Exception):
    """A fact that a test requires does not hold."""


def require(condition, fact):
    if not condition:
        raise Failed(fact)


def until(fact, seconds, words):
    """Waits for a fact and gives what it is."""
    end = time.monotonic() + seconds
    while True:
        value = fact()
        if value:
            return value
        require(time.monotonic() < end, f"not within {seconds:g} s: {words}")
        time.sleep(0.02)


class Program:
    """One that runs beside the test. Its output is kept; `with` ends it."""

    def __init__(self, command, environment=None, **options):
        self.name = os.path.basename(command[0])
        self.out, self.err = [], []
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}, **options)
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err)) if pair[0]]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _read(pipe, lines):
        for line in pipe:
            lines.append(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for reader in self.readers:
            reader.join(5)
        if kind:
            print(f"---- {self.name} said:", *self.err[-40:], sep="\n", file=sys.stderr)

    def send(self, number):
        self.process.send_signal(number)

    def wait(self, seconds):
        """Its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} has not ended within {seconds:g} s") from None
        for reader in self.readers:
            reader.join(5)
        return code

    def said(self, words):
        """Whether a line on stderr has these words."""
        return any(words in line for line in list(self.err))

    def wait_for_words(self, words, seconds=15):
        until(lambda: self.said(words), seconds, f"{self.name} says '{words}'")

    def url(self, seconds=15):
        """What it prints when it listens."""
        return until(lambda: next((line for line in list(self.out) if line.startswith("http")), None), seconds,
                     f"{self.name} prints its URL")


class Report:
    """The line at the end of a call."""

    def __init__(self, program):
        line = next((line for line in reversed(program.err) if "pictures sent" in line), "")
        found = re.match(r"([\d.]+) s: (\d+) pictures sent, (\d+) shown of (\d+x\d+)(?: by (\w+))?, the first after (-?\d+) ms; "
                         r"(\d+) % of the sound", line)
        require(found, f"there is no report: {program.err[-3:]}")
        self.seconds, self.sent, self.shown = float(found[1]), int(found[2]), int(found[3])
        self.size, self.codec, self.first_ms, self.tone = found[4], found[5], int(found[6]), int(found[7])


def main(*tests):
    """Runs tests, each with (call, echo, folder), and tells how they went by the exit code."""
    call, echo = (os.path.abspath(path) for path in sys.argv[1:3])
    failed = False
    for test in tests:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="wlk-call-") as folder:
            try:
                note = test(call, echo, folder)
                print(f"ok {test.__name__} {time.monotonic() - began:.1f} s{f' ({note})' if note else ''}", flush=True)
            except (Failed, OSError, ValueError) as error:
                failed = True
                print(f"FAIL {test.__name__}: {error}", flush=True)
    sys.exit(failed)
