"""Programs that the lab runs: ended by their own process id, and never outliving the lab."""
import json
import subprocess
import threading
import time

STOP_SECONDS = 5
running = set()


class Failure(Exception):
    """A fact that a case requires does not hold."""


def require(condition, fact):
    if not condition:
        raise Failure(fact)


def run(command, given=None):
    """Runs a short program to its end; gives what it printed."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def inside(namespace, command):
    """The same command inside a network namespace. The kernel ends it if the lab is killed."""
    wrapped = ["ip", "netns", "exec", namespace, *command] if namespace else command
    return ["setpriv", "--pdeathsig", "KILL", *wrapped]


class Program:
    """A program that runs beside the lab; its lines of output go to on_line, on a thread of their own."""

    def __init__(self, command, namespace=None, on_line=None, log=None, environment=None):
        # A thread that ends takes its children with it by --pdeathsig: whoever starts a program outlives it.
        self.name = command[0].rsplit("/", 1)[-1]
        self.log = log
        self.process = subprocess.Popen(inside(namespace, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=log or subprocess.DEVNULL, text=True, bufsize=1, env=environment)
        self.on_line = on_line or (lambda line: None)
        self.lock = threading.Lock()
        running.add(self)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.on_line(line)

    def write(self, line):
        """One line of input; a program that has ended does not mind."""
        with self.lock:
            try:
                self.process.stdin.write(line + "\n")
                self.process.stdin.flush()
            except (BrokenPipeError, ValueError):
                pass

    @property
    def alive(self):
        return self.process.poll() is None

    def stop(self):
        """End of input is the sign to end; who does not mind it is ended. Gives the exit code."""
        with self.lock:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        running.discard(self)
        self.reader.join(STOP_SECONDS)
        self.process.stdout.close()
        return code

    def kill(self):
        self.process.kill()
        self.stop()


def end_all():
    for program in list(running):
        program.kill()


class Lines(Program):
    """A program that speaks JSON lines: its events are kept, with the time they carry, and can be waited for."""

    def __init__(self, command, **options):
        self.events = []
        self.changed = threading.Condition()
        super().__init__(command, on_line=self._take, **options)

    def _take(self, line):
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            return  # a foreign library may chatter on standard output
        self.on_event(event)
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def on_event(self, event):
        pass

    def tell(self, **order):
        self.write(json.dumps(order))

    def mark(self):
        """Where the events are now, for wait_for(since=...)."""
        return len(self.events)

    def wait_for(self, name, seconds, since=0, **wanted):
        """The first event of that name (and with these fields) from `since` on."""
        end = time.monotonic() + seconds
        position = since
        with self.changed:
            while True:
                for event in self.events[position:]:
                    if event.get("event") == "problem":
                        raise Failure(f"{self.name}: {event['what']}: {event['error']} {event.get('story', '')}")
                    if event.get("event") == name and all(event.get(key) == wanted[key] for key in wanted):
                        return event
                position = len(self.events)
                left = end - time.monotonic()
                if left <= 0 or not self.alive:
                    words = " ".join([name, *map(str, wanted.values())])
                    raise Failure(f"{self.name}: {words} not within {seconds:g} s" +
                                  ("" if self.alive else " (it has ended)"))
                self.changed.wait(min(left, 0.5))

    def all_of(self, name, **wanted):
        return [event for event in list(self.events)
                if event.get("event") == name and all(event.get(key) == wanted[key] for key in wanted)]
